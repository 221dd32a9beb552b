#include "store/dates.h"

#include "base/limits.h"
#include "store/audit.h"
#include "store/verifications.h"
#include "store/webhook_wish.h"
#include "store/webhooks.h"

#include <string.h>

#define TOLD "date.told"

const char *date_kind_name(DateKind kind)
{
    static const char *const names[DATE_KINDS] = {
        [DATE_CERTIFICATE] = "certificate",
        [DATE_TOKEN] = "token",
        [DATE_CLIENT_SECRET] = "client_secret",
        [DATE_CLIENT_CERTIFICATE] = "client_certificate",
        [DATE_REFRESH_TOKEN] = "refresh_token",
        [DATE_APP_PASSWORD] = "app_password",
        [DATE_PROVIDER] = "provider",
    };
    return names[kind];
}

/* --- The list -------------------------------------------------------------------------------- */

void date_ahead_free(DateAhead *date)
{
    if (!date)
        return;
    g_free(date->id);
    g_free(date->name);
    g_free(date);
}

static void free_entry(gpointer date)
{
    date_ahead_free(date);
}

GPtrArray *dates_new(void)
{
    return g_ptr_array_new_with_free_func(free_entry);
}

DateAhead *dates_add(
    GPtrArray *dates, DateKind kind, const char *id, const char *name, WallMs since, WallMs at)
{
    DateAhead *date = g_new0(DateAhead, 1);
    date->kind = kind;
    date->id = g_strdup(id);
    date->name = g_strdup(name);
    date->since = since;
    date->at = at;
    g_ptr_array_add(dates, date);
    return date;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const DateAhead *left = *(const DateAhead *const *)a, *right = *(const DateAhead *const *)b;
    return (left->at > right->at) - (left->at < right->at);
}

void dates_sort(GPtrArray *dates)
{
    g_ptr_array_sort(dates, compare);
}

/* --- What the database knows ----------------------------------------------------------------- */

static gboolean add_tokens(Db *db, gint64 org_id, WallMs now, GPtrArray *dates, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT id, name, created_at, expires_at FROM tokens WHERE org_id = $1 AND "
                     "revoked_at IS NULL AND expires_at > $2 ORDER BY expires_at LIMIT $3");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    db_bind_int(q, 3, LIMIT_TOKENS);
    while (db_next(q)) {
        Id id;
        char text[ID_TEXT_SIZE];
        if (db_id(q, 0, &id))
            dates_add(dates, DATE_TOKEN, id_format(&id, "tok", text), db_text(q, 1), db_int(q, 2),
                db_int(q, 3));
    }
    return db_finish(q, error);
}

/* Of the last check that made settings active. */
static gboolean add_certificate(
    Db *db, gint64 org_id, const char *host, WallMs now, GPtrArray *dates, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT certificate_not_before, certificate_not_after FROM verifications "
                     "WHERE org_id = $1 AND state = $2 AND activated = 1 ORDER BY id DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, VERIFICATION_PASSED);
    if (db_next(q) && db_int(q, 1) > now)
        dates_add(dates, DATE_CERTIFICATE, host, host, db_int(q, 0), db_int(q, 1));
    return db_finish(q, error);
}

gboolean dates_read(
    Db *db, gint64 org_id, const char *host, WallMs now, GPtrArray *dates, GError **error)
{
    return add_tokens(db, org_id, now, dates, error) &&
           (!host || add_certificate(db, org_id, host, now, dates, error));
}

gboolean dates_sign_in_used_at(Db *db, gint64 org_id, WallMs *at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT fetched_at FROM oauth_tokens WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    *at = db_next(q) ? db_int(q, 0) : 0;
    return db_finish(q, error);
}

/* --- Reminders ------------------------------------------------------------------------------- */

/* The last one that has become due. */
int date_reminder(const DateAhead *date, WallMs now)
{
    static const int days[] = {0, 1, 7, 30};
    WallMs left = date->at - now;
    if (date->is_news)
        return DATE_NO_REMINDER;
    for (gsize i = 0; i < G_N_ELEMENTS(days); i++) {
        WallMs ahead = days[i] * CLOCK_DAY_MS;
        gboolean is_early = date->since > 0 && (date->at - date->since) < 4 * ahead;
        if (left <= ahead && !is_early)
            return days[i];
    }
    return DATE_NO_REMINDER;
}

char *date_key(const DateAhead *date, int reminder)
{
    g_autofree char *at = clock_format_rfc3339(date->at);
    return g_strdup_printf("%s %s %.*s %d", date_kind_name(date->kind), date->id,
        (int)strlen("2027-01-31"), at, reminder);
}

/* --- Webhooks -------------------------------------------------------------------------------- */

static gboolean was_told(Db *db, gint64 org_id, const char *key, gboolean *was, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT 1 FROM audit_events WHERE org_id = $1 AND action = $2 AND object = $3 LIMIT 1");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, TOLD);
    db_bind_text(q, 3, key);
    *was = db_next(q);
    return db_finish(q, error);
}

/* Not webhook_is_wanted: a reader would remember the answer for good. */
static gboolean is_wanted(Db *db, gint64 org_id, gboolean *is, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM webhooks WHERE org_id = $1 AND "
                                        "is_enabled = 1 AND events & $2 <> 0 LIMIT 1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, webhook_type_bit(WEBHOOK_DATE_NEAR));
    *is = db_next(q);
    return db_finish(q, error);
}

gboolean dates_are_news(
    Db *db, gint64 org_id, const GPtrArray *dates, WallMs now, gboolean *are, GError **error)
{
    *are = FALSE;
    gboolean is = FALSE;
    if (!is_wanted(db, org_id, &is, error))
        return FALSE;
    for (guint i = 0; is && !*are && i < dates->len; i++) {
        const DateAhead *date = dates->pdata[i];
        int reminder = date_reminder(date, now);
        gboolean was = TRUE;
        g_autofree char *key = date_key(date, reminder);
        if (reminder != DATE_NO_REMINDER && !was_told(db, org_id, key, &was, error))
            return FALSE;
        *are = !was;
    }
    return TRUE;
}

static gboolean tell_one(
    Db *db, gint64 org_id, const DateAhead *date, int reminder, WallMs now, GError **error)
{
    g_autofree char *key = date_key(date, reminder);
    g_autoptr(GString) data = g_string_new(NULL);
    gboolean was = FALSE;
    if (!was_told(db, org_id, key, &was, error) || was)
        return was; /* not read: FALSE */
    webhook_json_text(data, "what", date_kind_name(date->kind));
    webhook_json_text(data, "name", date->name);
    webhook_json_time(data, "at", date->at);
    g_string_append_printf(data, ",\"days\":%d}", reminder);
    const AuditNote note = {
        .org_id = org_id, .at = now, .actor = "system", .action = TOLD, .object = key};
    return webhook_note(db, org_id, WEBHOOK_DATE_NEAR, data->str, now, error) &&
           audit_append(db, &note, error);
}

gboolean dates_tell(Db *db, gint64 org_id, const GPtrArray *dates, WallMs now, GError **error)
{
    gboolean is = FALSE;
    if (!is_wanted(db, org_id, &is, error))
        return FALSE;
    for (guint i = 0; is && i < dates->len; i++) {
        int reminder = date_reminder(dates->pdata[i], now);
        if (reminder != DATE_NO_REMINDER &&
            !tell_one(db, org_id, dates->pdata[i], reminder, now, error))
            return FALSE;
    }
    return TRUE;
}
