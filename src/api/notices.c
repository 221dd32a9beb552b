#include "api/notices.h"

#include "api/dates.h"
#include "api/state.h"
#include "api/system_mail.h"
#include "api/words/browser_text.h"
#include "api/words/dates_text.h"
#include "api/words/notices_text.h"
#include "base/limits.h"
#include "store/audit.h"
#include "store/smtp_settings.h"

#include <string.h>

struct notices {
    struct api *api;
    WallMs bad_since; /* 0: mail goes out */
    char *bad_diagnosis;
};

Notices *notices_new(struct api *api)
{
    Notices *notices = g_new0(Notices, 1);
    notices->api = api;
    return notices;
}

void notices_free(Notices *notices)
{
    if (!notices)
        return;
    g_free(notices->bad_diagnosis);
    g_free(notices);
}

/* --- One notice --------------------------------------------------------------------------------
 */

typedef struct {
    const char *template;
    char *key;         /* what is remembered: "quota 2026-12-24" */
    WallMs expires_at; /* of the mail; 0: as any mail */
    WallMs since, until;
    char *diagnosis;
    const DateAhead *date; /* lent; NULL: it is about no date */
    gint64 waiting;
    guint used, limit;
    gboolean is_hourly;
} Notice;

static void notice_free(Notice *notice)
{
    if (!notice)
        return;
    g_free(notice->key);
    g_free(notice->diagnosis);
    g_free(notice);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notice, notice_free)

/* key is taken. */
static Notice *notice_new(const char *template, char *key)
{
    Notice *notice = g_new0(Notice, 1);
    notice->template = template;
    notice->key = key;
    return notice;
}

/* "2026-12-24" */
static char *day_of(WallMs at)
{
    g_autofree char *text = clock_format_rfc3339(at);
    return g_strndup(text, strlen("2026-12-24"));
}

/* --- What it says ------------------------------------------------------------------------------
 */

/* Name and value; the value is taken. */
static void add(GPtrArray *values, const char *name, char *value)
{
    g_ptr_array_add(values, g_strdup(name));
    g_ptr_array_add(values, value);
}

static void add_outage(
    GPtrArray *values, const struct api *api, const Notice *notice, Language language)
{
    const Diagnosis *diagnosis =
        notice->diagnosis ? diagnosis_by_id(api->catalogue, notice->diagnosis) : NULL;
    const char *reason = diagnosis
                             ? language_pick(language, diagnosis->means_de, diagnosis->means_en)
                             : notices_text_reason(language);
    add(values, "reason", g_strdup(reason));
    add(values, "since", system_mail_time(notice->since, language));
    add(values, "until", system_mail_time(notice->until, language));
    add(values, "waiting", g_strdup_printf("%" G_GINT64_FORMAT, notice->waiting));
}

static void add_quota(GPtrArray *values, const Notice *notice, Language language)
{
    gint64 percent = (gint64)notice->used * 100 / notice->limit;
    add(values, "used", g_strdup_printf("%u", notice->used));
    add(values, "limit", g_strdup_printf("%u", notice->limit));
    add(values, "percent", g_strdup_printf("%" G_GINT64_FORMAT, percent));
    add(values, "period", g_strdup(notices_text_period(notice->is_hourly, language)));
}

static void add_date(
    GPtrArray *values, const struct api *api, const DateAhead *date, Language language)
{
    DatesNotice words = dates_text_notice(date, language);
    g_autofree char *url = public_url_dup(api);
    add(values, "what", words.what);
    add(values, "expires",
        words.is_day ? system_mail_day(date->at, language) : system_mail_time(date->at, language));
    add(values, "advice", g_strdup(words.advice));
    add(values, "link", g_strconcat(url, words.page, NULL));
}

/* name, value, …, NULL */
static GPtrArray *values_of(const struct api *api, const Notice *notice, Language language)
{
    GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
    if (notice->date)
        add_date(values, api, notice->date, language);
    else if (notice->limit)
        add_quota(values, notice, language);
    else
        add_outage(values, api, notice, language);
    g_ptr_array_add(values, NULL);
    return values;
}

/* --- To whom, and once -------------------------------------------------------------------------
 */

static gboolean was_sent(Db *db, const char *key, gboolean *was, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT 1 FROM audit_events WHERE org_id = $1 AND action = 'notice.sent' AND object = $2 "
        "LIMIT 1");
    db_bind_int(q, 1, STORE_DEFAULT_ORG);
    db_bind_text(q, 2, key);
    *was = db_next(q);
    return db_finish(q, error);
}

typedef struct {
    Vault *vault;
    const char *key;
    GPtrArray *emails; /* of EmailNew */
    WallMs now;
} Sending;

static gboolean send_job(Db *db, gpointer data, GError **error)
{
    const Sending *sending = data;
    const AuditNote note = {.org_id = STORE_DEFAULT_ORG,
        .at = sending->now,
        .actor = "system",
        .action = "notice.sent",
        .object = sending->key};
    for (guint i = 0; i < sending->emails->len; i++) {
        if (!emails_insert(db, sending->vault, sending->emails->pdata[i], error))
            return FALSE;
    }
    return audit_append(db, &note, error);
}

static void warn(const char *what, const GError *error)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s: %s", what, error->message);
}

static Language language_of(const Member *member)
{
    Language language = LANGUAGE_EN;
    language_parse(member->language, &language);
    return language;
}

/* NULL: it cannot be written, which is in the log. */
static EmailNew *write_one(
    struct api *api, Db *db, const Notice *notice, const Member *member, const SmtpState *state)
{
    g_autoptr(GError) error = NULL;
    Language language = language_of(member);
    g_autoptr(GPtrArray) values = values_of(api, notice, language);
    const SystemMail mail = {.template = notice->template,
        .class = EMAIL_CLASS_NOTIFICATION,
        .to = member->email,
        .to_name = member->name,
        .language = language,
        .expires_at = notice->expires_at,
        .org_id = member->org_id};
    EmailNew *email =
        system_mail_write(api, db, &mail, (const char *const *)values->pdata, state, &error);
    if (!email)
        warn("a notice cannot be written", error);
    return email;
}

/* To a page of members; the last one's id in *last. */
static gboolean write_to_some(struct api *api, Db *db, const Notice *notice, const SmtpState *state,
    GPtrArray *emails, Id *last, gboolean *has_more, GError **error)
{
    static const Id none;
    const Page page = {.limit = LIMIT_PAGE, .after = id_equal(last, &none) ? NULL : last};
    g_autoptr(GPtrArray) members = members_list(db, STORE_DEFAULT_ORG, &page, has_more, error);
    for (guint i = 0; members && i < members->len; i++) {
        const Member *member = members->pdata[i];
        *last = member->id;
        if (member->role != PEOPLE_ROLE_ORG_ADMIN || !member->has_notices)
            continue;
        EmailNew *email = write_one(api, db, notice, member, state);
        if (email)
            g_ptr_array_add(emails, email);
    }
    return members != NULL;
}

/* To every admin who wants it: of EmailNew. NULL if not all of them could be read. */
static GPtrArray *write_to_all(
    struct api *api, Db *db, const Notice *notice, const SmtpState *state, GError **error)
{
    g_autoptr(GPtrArray) emails = g_ptr_array_new_with_free_func((GDestroyNotify)email_new_free);
    gboolean has_more = TRUE;
    Id last = {{0}};
    while (has_more) {
        if (!write_to_some(api, db, notice, state, emails, &last, &has_more, error))
            return NULL;
    }
    return g_steal_pointer(&emails);
}

/* Nobody wants it: nothing was sent, so nothing is noted. */
static gboolean send_now(struct api *api, Db *db, const Notice *notice, const SmtpState *state,
    WallMs now, GError **error)
{
    g_autoptr(GPtrArray) emails = write_to_all(api, db, notice, state, error);
    Sending sending = {api->vault, notice->key, emails, now};
    return emails && (emails->len == 0 || store_run(api->store, send_job, &sending, error));
}

/* TRUE: there is nothing more to do, for it is committed, was before, or nobody wants it. FALSE:
 * look again. */
static gboolean send_notice(
    struct api *api, Db *db, const Notice *notice, const SmtpState *state, WallMs now)
{
    g_autoptr(GError) error = NULL;
    gboolean was = FALSE;
    if (!state->active)
        return FALSE;
    if (was_sent(db, notice->key, &was, &error) &&
        (was || send_now(api, db, notice, state, now, &error)))
        return TRUE;
    warn("a notice to the admins was not queued", error);
    return FALSE;
}

/* --- What there is to say ----------------------------------------------------------------------
 */

static gboolean is_bad(Health health)
{
    return health == HEALTH_CREDENTIAL_FAULT || health == HEALTH_UNREACHABLE;
}

static gint64 count_waiting(Db *db)
{
    gint64 counts[EMAIL_HELD + 1] = {0};
    if (!emails_count(db, STORE_DEFAULT_ORG, counts, NULL))
        return 0;
    return counts[EMAIL_QUEUED] + counts[EMAIL_DEFERRED];
}

static gboolean tell_outage(Notices *self, Db *db, const SmtpState *state, WallMs now)
{
    g_autofree char *since = clock_format_rfc3339(self->bad_since);
    g_autoptr(Notice) notice = notice_new("notice_breaker", g_strconcat("outage ", since, NULL));
    notice->since = self->bad_since;
    notice->until = state->health_at;
    notice->diagnosis = g_strdup(self->bad_diagnosis);
    notice->waiting = count_waiting(db);
    notice->expires_at = now + CLOCK_DAY_MS;
    return send_notice(self->api, db, notice, state, now);
}

/* Only when it is over, and was long enough for somebody to have missed a mail. Remembered until it
 * is told: should it begin again before, it is one. */
static void look_at_health(Notices *self, Db *db, const SmtpState *state, WallMs now)
{
    if (is_bad(state->health) && self->bad_since == 0) {
        self->bad_since = state->health_at;
        self->bad_diagnosis = g_strdup(state->health_diagnosis);
    }
    if (state->health != HEALTH_OK || self->bad_since == 0)
        return;
    gboolean was_long = state->health_at - self->bad_since >= LIMIT_NOTICE_OUTAGE_MS;
    if (was_long && !tell_outage(self, db, state, now))
        return;
    self->bad_since = 0;
    g_clear_pointer(&self->bad_diagnosis, g_free);
}

static void look_at_quota(Notices *self, Db *db, const SmtpState *state, WallMs now)
{
    if (!state->sent)
        return;
    QuotaWindow windows[QUOTA_WINDOWS];
    QuotaLimits limits = smtp_state_limits(state);
    quota_read(state->sent, &limits, now, windows);
    const QuotaWindow *window = limits.per_day ? &windows[2] : &windows[1];
    if (!window->limit ||
        (gint64)window->used * 100 < (gint64)window->limit * LIMIT_NOTICE_QUOTA_PERCENT)
        return;
    g_autofree char *day = day_of(now);
    g_autoptr(Notice) notice = notice_new("notice_quota", g_strconcat("quota ", day, NULL));
    notice->used = window->used;
    notice->limit = window->limit;
    notice->is_hourly = !limits.per_day;
    notice->expires_at = now + CLOCK_DAY_MS;
    send_notice(self->api, db, notice, state, now);
}

/* What is over is left to the page and to webhooks: mail may not go out any more. */
static void tell_date(
    Notices *self, Db *db, const SmtpState *state, const DateAhead *date, WallMs now)
{
    int reminder = date_reminder(date, now);
    if (reminder == DATE_NO_REMINDER || date->at <= now || !dates_text_is_told(date))
        return;
    g_autoptr(Notice) notice = notice_new("notice_date", date_key(date, reminder));
    notice->date = date;
    notice->expires_at = date->at;
    send_notice(self->api, db, notice, state, now);
}

static void look_at_dates(Notices *self, Db *db, const SmtpState *state, WallMs now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) dates = dates_ahead(self->api, db, STORE_DEFAULT_ORG, state, now, &error);
    if (!dates) {
        warn("what ends soon cannot be read", error);
        return;
    }
    for (guint i = 0; i < dates->len; i++)
        tell_date(self, db, state, dates->pdata[i], now);
    dates_tell_webhooks(self->api, db, dates, now);
}

void notices_look(Notices *self, WallMs now)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(self->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, &error);
    if (state) {
        look_at_health(self, db, state, now);
        look_at_quota(self, db, state, now);
        look_at_dates(self, db, state, now);
    } else {
        warn("what the admins should know cannot be read", error);
    }
    store_reader_give(self->api->store, db);
}

/* --- Security ----------------------------------------------------------------------------------
 */

/* "Firefox on Linux" would need a list of browsers; what the browser says of itself will do, cut.
 */
EmailNew *notices_security_write(struct api *api, Db *reader, const Member *member,
    const char *template, const char *client, const char *agent, WallMs now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpState) state = smtp_state_read(reader, member->org_id, &error);
    if (state && !state->active)
        return NULL;
    Language language = language_of(member);
    g_autofree char *at = system_mail_time(now, language);
    g_autofree char *browser = browser_text(agent, language);
    const char *const values[] = {"at", at, "client", client, "agent", browser, NULL};
    const SystemMail mail = {.template = template,
        .class = EMAIL_CLASS_TRANSACTIONAL,
        .to = member->email,
        .to_name = member->name,
        .language = language,
        .expires_at = now + CLOCK_DAY_MS,
        .org_id = member->org_id};
    EmailNew *email = state ? system_mail_write(api, reader, &mail, values, state, &error) : NULL;
    if (!email)
        warn("a security notice cannot be written", error);
    return email;
}
