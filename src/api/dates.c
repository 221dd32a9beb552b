#include "api/dates.h"

#include "api/words/dates_text.h"
#include "base/limits.h"
#include "oauth/certificate.h"

#include <string.h>

/* --- The login ------------------------------------------------------------------------------- */

/* How long a sign-in may rest (data/providers.json, `oauth`); 0: not known. */
static WallMs idle_limit(guint provider)
{
    switch (provider) {
    case OAUTH_MICROSOFT:
        return LIMIT_SIGN_IN_IDLE_MICROSOFT_MS;
    case OAUTH_GOOGLE:
        return LIMIT_SIGN_IN_IDLE_GOOGLE_MS;
    default:
        return 0;
    }
}

static gboolean add_sign_in(
    Db *db, gint64 org_id, const SmtpSettings *settings, GPtrArray *dates, GError **error)
{
    WallMs used_at = 0, limit = idle_limit(settings->oauth.provider);
    WallMs since = settings->oauth.set_at[OAUTH_SECRET_REFRESH_TOKEN];
    if (limit == 0 || since == 0)
        return TRUE;
    if (!dates_sign_in_used_at(db, org_id, &used_at, error))
        return FALSE;
    since = MAX(since, used_at);
    dates_add(dates, DATE_REFRESH_TOKEN, settings->host, settings->host, since, since + limit);
    return TRUE;
}

/* Settings in force were checked with it, so it can be read. */
static void add_client_certificate(const SmtpSettings *settings, GPtrArray *dates)
{
    const char *pem = settings->oauth.certificate;
    g_autoptr(OauthCertificate) certificate = pem ? oauth_certificate_read(pem, NULL) : NULL;
    if (certificate)
        dates_add(dates, DATE_CLIENT_CERTIFICATE, settings->host, settings->host,
            certificate->not_before, certificate->not_after);
}

static gboolean add_oauth(
    Db *db, gint64 org_id, const SmtpSettings *settings, GPtrArray *dates, GError **error)
{
    const SettingsOauth *oauth = &settings->oauth;
    OauthNeed need = oauth_secret_need(oauth->provider, oauth->grant, OAUTH_SECRET_CLIENT);
    if (need != OAUTH_UNUSED && oauth->client_secret_ends_at > 0)
        dates_add(dates, DATE_CLIENT_SECRET, settings->host, settings->host, 0,
            oauth->client_secret_ends_at);
    if (oauth->grant == OAUTH_CERTIFICATE)
        add_client_certificate(settings, dates);
    return oauth->grant != OAUTH_REFRESH_TOKEN || add_sign_in(db, org_id, settings, dates, error);
}

/* --- The provider ---------------------------------------------------------------------------- */

static void add_app_password(
    const Provider *provider, const SmtpSettings *settings, GPtrArray *dates)
{
    WallMs since = settings->password_set_at;
    if (provider->auth == PROVIDER_AUTH_APP_PASSWORD && since > 0)
        dates_add(dates, DATE_APP_PASSWORD, settings->host, settings->host, since,
            since + LIMIT_APP_PASSWORD_AGE_MS);
}

/* Noon of a day that is written "2026-12-31", so that it is that day wherever it is read; 0: it is
 * over. */
static WallMs day_ahead(const char *day, WallMs now)
{
    g_autofree char *noon = g_strconcat(day, "T12:00:00Z", NULL);
    WallMs at = 0;
    return clock_parse_rfc3339(noon, &at) && at > now ? at : 0;
}

static DateAhead *add_announcement(
    const Provider *provider, const char *day, WallMs now, GPtrArray *dates)
{
    WallMs at = day_ahead(day, now);
    return at ? dates_add(dates, DATE_PROVIDER, provider->id, provider->name, 0, at) : NULL;
}

/* The end of passwords is none for whoever signs in without. */
static void add_ends(const Provider *provider, gboolean has_password, WallMs now, GPtrArray *dates)
{
    for (guint i = 0; i < provider->n_ends; i++) {
        const ProviderEnd *end = &provider->ends[i];
        if (!has_password && strcmp(end->what, "password_login") == 0)
            continue;
        DateAhead *date = add_announcement(provider, end->at, now, dates);
        if (date) {
            date->text_de = end->text_de;
            date->text_en = end->text_en;
        }
    }
}

static gboolean is_an_end(const Provider *provider, const char *day)
{
    for (guint i = 0; i < provider->n_ends; i++)
        if (strcmp(provider->ends[i].at, day) == 0)
            return TRUE;
    return FALSE;
}

/* What else it has announced. */
static void add_news(const Provider *provider, WallMs now, GPtrArray *dates)
{
    for (guint i = 0; i < provider->n_notices; i++) {
        const ProviderNotice *notice = &provider->notices[i];
        if (is_an_end(provider, notice->date))
            continue;
        DateAhead *date = add_announcement(provider, notice->date, now, dates);
        if (date) {
            date->text_de = notice->text_de;
            date->text_en = notice->text_en;
            date->is_news = TRUE;
        }
    }
}

/* --- The list -------------------------------------------------------------------------------- */

static gboolean add_settings(struct api *api, Db *db, gint64 org_id, const SmtpSettings *settings,
    WallMs now, GPtrArray *dates, GError **error)
{
    const Provider *provider = provider_by_host(api->providers, settings->host);
    gboolean has_password = settings->auth != SETTINGS_AUTH_OAUTH2;
    if (provider) {
        add_ends(provider, has_password, now, dates);
        add_news(provider, now, dates);
    }
    if (!has_password)
        return add_oauth(db, org_id, settings, dates, error);
    if (provider)
        add_app_password(provider, settings, dates);
    return TRUE;
}

GPtrArray *dates_ahead(
    struct api *api, Db *db, gint64 org_id, const SmtpState *state, WallMs now, GError **error)
{
    const SmtpSettings *settings = state->active;
    g_autoptr(GPtrArray) dates = dates_new();
    if (!dates_read(db, org_id, settings ? settings->host : NULL, now, dates, error) ||
        (settings && !add_settings(api, db, org_id, settings, now, dates, error)))
        return NULL;
    dates_sort(dates);
    return g_steal_pointer(&dates);
}

/* --- Telling --------------------------------------------------------------------------------- */

static json_t *date_json(const DateAhead *date, Language language, WallMs now)
{
    int reminder = date_reminder(date, now);
    json_t *json = json_object();
    json_object_set_new(json, "code", json_text(date_kind_name(date->kind)));
    json_object_set_new(json, "name", json_text(date->name));
    json_object_set_new(json, "at", json_time(date->at));
    json_object_set_new(json, "text", json_text(dates_text(date, language)));
    json_object_set_new(json, "days_left", json_integer((date->at - now) / CLOCK_DAY_MS));
    json_object_set_new(
        json, "reminder", reminder == DATE_NO_REMINDER ? json_null() : json_integer(reminder));
    return json;
}

json_t *dates_json(const GPtrArray *dates, Language language, WallMs now)
{
    json_t *list = json_array();
    for (guint i = 0; i < dates->len; i++) {
        const DateAhead *date = dates->pdata[i];
        if (date->kind != DATE_TOKEN || date_reminder(date, now) != DATE_NO_REMINDER)
            json_array_append_new(list, date_json(date, language, now));
    }
    return list;
}

/* The list is by time: the first of a kind is the earliest. */
static void write_earliest(GString *text, const GPtrArray *dates)
{
    gboolean has[DATE_KINDS] = {FALSE};
    g_string_append(text, "# HELP absender_date_timestamp_seconds When the earliest of each kind "
                          "of date to mind comes.\n"
                          "# TYPE absender_date_timestamp_seconds gauge\n");
    for (guint i = 0; i < dates->len; i++) {
        const DateAhead *date = dates->pdata[i];
        if (date->is_news || has[date->kind])
            continue;
        has[date->kind] = TRUE;
        g_string_append_printf(text,
            "absender_date_timestamp_seconds{kind=\"%s\"} %" G_GINT64_FORMAT "\n",
            date_kind_name(date->kind), date->at / CLOCK_SECOND_MS);
    }
}

void dates_metrics(GString *text, const GPtrArray *dates, WallMs now)
{
    static const int reminders[] = {30, 7, 1, 0};
    write_earliest(text, dates);
    g_string_append(text, "# HELP absender_date_reminders Dates to mind by the reminder in force: "
                          "days ahead, 0 once it is over.\n"
                          "# TYPE absender_date_reminders gauge\n");
    for (gsize k = 0; k < G_N_ELEMENTS(reminders); k++) {
        guint n = 0;
        for (guint i = 0; i < dates->len; i++)
            n += date_reminder(dates->pdata[i], now) == reminders[k] ? 1 : 0;
        g_string_append_printf(text, "absender_date_reminders{days=\"%d\"} %u\n", reminders[k], n);
    }
}

/* --- Webhooks -------------------------------------------------------------------------------- */

typedef struct {
    GPtrArray *dates;
    WallMs now;
} Telling;

static gboolean tell_job(Db *db, gpointer data, GError **error)
{
    const Telling *telling = data;
    return dates_tell(db, STORE_DEFAULT_ORG, telling->dates, telling->now, error);
}

static void warn(const GError *error)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
        "webhooks could not be told what ends soon, later again: %s", error->message);
}

static void tell_done(gpointer data, const GError *error)
{
    Telling *telling = data;
    if (error)
        warn(error);
    g_ptr_array_unref(telling->dates);
    g_free(telling);
}

void dates_tell_webhooks(struct api *api, Db *reader, GPtrArray *dates, WallMs now)
{
    g_autoptr(GError) error = NULL;
    gboolean are = FALSE;
    if (!dates_are_news(reader, STORE_DEFAULT_ORG, dates, now, &are, &error)) {
        warn(error);
        return;
    }
    if (!are)
        return;
    Telling *telling = g_new0(Telling, 1);
    telling->dates = g_ptr_array_ref(dates);
    telling->now = now;
    if (!store_submit(api->store, tell_job, telling, tell_done, NULL, &error))
        tell_done(telling, error);
}
