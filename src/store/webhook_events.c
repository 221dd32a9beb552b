/* What happens, written down for the webhooks that want to hear of it. */
#include "base/leak_point.h"
#include "base/limits.h"
#include "store/db_driver.h"
#include "store/webhook_wish.h"
#include "store/webhooks.h"

/* --- Types ----------------------------------------------------------------------------------- */

/* Bits are stored: new ones go to the end. */
enum {
    EMAIL_ACCEPTED_TYPE = 1 << 0,
    EMAIL_DEFERRED_TYPE = 1 << 1,
    EMAIL_REJECTED_TYPE = 1 << 2,
    EMAIL_EXPIRED_TYPE = 1 << 3,
    EMAIL_UNCERTAIN_TYPE = 1 << 4,
    EMAIL_CANCELLED_TYPE = 1 << 5,
    EMAIL_HANDED_OVER_TYPE = 1 << 6,
    BREAKER_OPENED_TYPE = 1 << 7,
    BREAKER_CLOSED_TYPE = 1 << 8,
    SENDING_PAUSED_TYPE = 1 << 9,
    SENDING_RESUMED_TYPE = 1 << 10,
    VERIFIED_TYPE = 1 << 11,
    ACTIVATED_TYPE = 1 << 12,
    DATE_NEAR_TYPE = 1 << 13,
    RESET_WAITING_TYPE = 1 << 14,
};

static const char *const names[] = {
    "email.accepted",
    "email.deferred",
    "email.rejected",
    "email.expired",
    "email.uncertain",
    "email.cancelled",
    "email.handed_over",
    "smtp.breaker_opened",
    "smtp.breaker_closed",
    "smtp.sending_paused",
    "smtp.sending_resumed",
    "smtp.verified",
    "smtp.activated",
    WEBHOOK_DATE_NEAR,
    "reset.waiting",
};
G_STATIC_ASSERT(1 << (G_N_ELEMENTS(names) - 1) == RESET_WAITING_TYPE);

const char *webhook_type_name(guint bit)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (bit == 1U << i)
            return names[i];
    return NULL;
}

guint webhook_type_bit(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_strcmp0(name, names[i]) == 0)
            return 1U << i;
    return 0;
}

guint webhook_types_all(void)
{
    return (1U << G_N_ELEMENTS(names)) - 1;
}

/* --- Who wants what -------------------------------------------------------------------------- */

#define IS_KNOWN (1U << 31)

gboolean webhook_wishes(Db *db, guint *wanted, GError **error)
{
    if (db->webhook_wishes & IS_KNOWN) {
        *wanted = db->webhook_wishes & ~IS_KNOWN;
        return TRUE;
    }
    guint found = 0;
    g_autoptr(DbQuery) q = db_query(db, "SELECT events FROM webhooks WHERE is_enabled = 1");
    while (db_next(q))
        found |= (guint)db_int(q, 0);
    if (!db_finish(q, error))
        return FALSE;
    db->webhook_wishes = found | IS_KNOWN;
    *wanted = found;
    return TRUE;
}

void webhook_wishes_forget(Db *db)
{
    db->webhook_wishes = 0;
}

gboolean webhook_is_wanted(Db *db, guint types)
{
    guint wanted = types;
    return !webhook_wishes(db, &wanted, NULL) || (wanted & types) != 0;
}

/* --- Bodies ---------------------------------------------------------------------------------- */

static void add_quoted(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (const guint8 *p = (const guint8 *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p);
        else if (*p < ' ' || *p == 0x7f)
            g_string_append_printf(json, "\\u%04x", *p);
        else
            g_string_append_c(json, (char)*p);
    }
    g_string_append_c(json, '"');
}

static void add_name(GString *json, const char *name)
{
    g_string_append(json, json->len == 0 ? "{" : ",");
    add_quoted(json, name);
    g_string_append_c(json, ':');
}

void webhook_json_text(GString *json, const char *name, const char *text)
{
    add_name(json, name);
    if (text)
        add_quoted(json, text);
    else
        g_string_append(json, "null");
}

static void add_number(GString *json, const char *name, gint64 number)
{
    add_name(json, name);
    g_string_append_printf(json, "%" G_GINT64_FORMAT, number);
}

static void add_id(GString *json, const char *name, const Id *id, const char *prefix)
{
    char text[ID_TEXT_SIZE];
    webhook_json_text(json, name, id_format(id, prefix, text));
}

void webhook_json_time(GString *json, const char *name, WallMs at)
{
    g_autofree char *text = clock_format_rfc3339(at);
    webhook_json_text(json, name, text);
}

/* --- Events ---------------------------------------------------------------------------------- */

static gboolean mark_overflow(Db *db, gint64 last_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhooks SET failed_at = $2, failure = $3 WHERE row IN (SELECT webhook_row FROM "
        "webhook_deliveries WHERE event_row <= $1 AND next_at IS NOT NULL)");
    db_bind_int(q, 1, last_row);
    db_bind_int(q, 2, now);
    db_bind_text(q, 3, WEBHOOK_FAILED_OVERFLOW);
    return db_finish(q, error);
}

#define BETWEEN_PRUNINGS 64

/* Now and then the oldest go, when there are too many. */
static gboolean prune(Db *db, gint64 newest, WallMs now, GError **error)
{
    gint64 last = newest - LIMIT_WEBHOOK_EVENTS;
    if (newest % BETWEEN_PRUNINGS != 0 || last <= 0)
        return TRUE;
    if (!mark_overflow(db, last, now, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM webhook_events WHERE row <= $1");
    db_bind_int(q, 1, last);
    return db_finish(q, error);
}

gboolean webhook_event_insert(Db *db, gint64 org_id, const char *type, const char *data, WallMs now,
    gint64 *row, Id *id, GError **error)
{
    g_autoptr(GString) body = g_string_new(NULL);
    webhook_json_text(body, "type", type);
    webhook_json_time(body, "timestamp", now);
    add_name(body, "data");
    g_string_append_printf(body, "%s}", data);
    *id = id_fresh(now);
    g_autoptr(DbQuery) q = db_query(
        db, "INSERT INTO webhook_events (org_id, id, type, at, body) VALUES ($1, $2, $3, $4, $5)");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_text(q, 3, type);
    db_bind_int(q, 4, now);
    db_bind_text(q, 5, body->str);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    return prune(db, *row, now, error);
}

static gboolean add_deliveries(
    Db *db, gint64 org_id, gint64 event_row, guint type, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO webhook_deliveries (org_id, webhook_row, event_row, state, attempts, next_at, "
        "gives_up_at, updated_at) SELECT org_id, row, $2, 1, 0, $4, $5, $4 FROM webhooks "
        "WHERE org_id = $1 AND is_enabled = 1 AND events & $3 <> 0");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, event_row);
    db_bind_int(q, 3, type);
    db_bind_int(q, 4, now);
    db_bind_int(q, 5, now + LIMIT_WEBHOOK_LIFETIME_MS);
    return db_finish(q, error);
}

gboolean webhook_note(
    Db *db, gint64 org_id, const char *type, const char *data, WallMs now, GError **error)
{
    guint bit = webhook_type_bit(type), wanted;
    g_assert(bit != 0);
    if (!webhook_wishes(db, &wanted, error))
        return FALSE;
    if (!(wanted & bit))
        return TRUE;
    gint64 row;
    Id id;
    store_note_change(db, STORE_CHANGED_WEBHOOKS, org_id, NULL);
    return webhook_event_insert(
               db, org_id, type, LEAK_TEXT("webhook", data), now, &row, &id, error) &&
           add_deliveries(db, org_id, row, bit, now, error);
}

/* Takes what add_* made. */
static gboolean note(Db *db, gint64 org_id, guint type, GString *data, WallMs now, GError **error)
{
    g_string_append_c(data, '}');
    return webhook_note(db, org_id, webhook_type_name(type), data->str, now, error);
}

/* --- Emails ---------------------------------------------------------------------------------- */

/* 0: nobody is told of it. */
static guint type_of_state(EmailState state)
{
    switch (state) {
    case EMAIL_ACCEPTED:
        return EMAIL_ACCEPTED_TYPE;
    case EMAIL_DEFERRED:
        return EMAIL_DEFERRED_TYPE;
    case EMAIL_REJECTED:
        return EMAIL_REJECTED_TYPE;
    case EMAIL_EXPIRED:
        return EMAIL_EXPIRED_TYPE;
    case EMAIL_UNCERTAIN:
        return EMAIL_UNCERTAIN_TYPE;
    case EMAIL_CANCELLED:
        return EMAIL_CANCELLED_TYPE;
    case EMAIL_HANDED_OVER:
        return EMAIL_HANDED_OVER_TYPE;
    case EMAIL_SCHEDULED:
    case EMAIL_QUEUED:
    case EMAIL_SENDING:
    case EMAIL_HELD:
        return 0;
    }
    g_assert_not_reached();
}

/* What the last attempt came to; nothing where none decided. */
static gboolean add_last_attempt(Db *db, GString *data, gint64 row, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT diagnosis, reply_code, reply_enhanced FROM attempts WHERE "
                     "recipient_row = $1 ORDER BY number DESC LIMIT 1");
    db_bind_int(q, 1, row);
    if (db_next(q)) {
        webhook_json_text(data, "diagnosis", db_text(q, 0));
        add_number(data, "reply_code", db_int(q, 1));
        webhook_json_text(data, "reply_enhanced", db_text(q, 2));
    }
    return db_finish(q, error);
}

static gboolean add_email(Db *db, GString *data, const Recipient *recipient, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT r.address, e.tags, e.message_id, r.attempts FROM recipients r JOIN emails e ON "
        "e.row = r.row >> 7 WHERE r.row = $2 AND r.org_id = $1");
    db_bind_int(q, 1, recipient->org_id);
    db_bind_int(q, 2, recipient->row);
    add_id(data, "email_id", &recipient->email_id, "em");
    webhook_json_text(data, "class", email_class_name(recipient->class));
    if (db_next(q)) {
        const char *tags = db_text(q, 1);
        webhook_json_text(data, "recipient", db_text(q, 0));
        webhook_json_text(data, "message_id", db_text(q, 2));
        add_name(data, "tags");
        g_string_append(data, tags ? tags : "[]"); /* kept as JSON */
        add_number(data, "attempts", db_int(q, 3));
    }
    return db_finish(q, error);
}

static gboolean note_email(
    Db *db, const Recipient *recipient, EmailState to, WallMs now, GError **error)
{
    guint type = type_of_state(to);
    if (type == 0 || !webhook_is_wanted(db, type))
        return TRUE;
    gboolean was_decided = to == EMAIL_DEFERRED || to == EMAIL_REJECTED;
    g_autoptr(GString) data = g_string_new(NULL);
    if (!add_email(db, data, recipient, error))
        return FALSE;
    webhook_json_text(data, "state", email_state_name(to));
    if (was_decided && !add_last_attempt(db, data, recipient->row, error))
        return FALSE;
    return note(db, recipient->org_id, type, data, now, error);
}

/* A reset whose mail ended on its way waits for a person from then on; one that is used, over or
 * handed over does not. */
static gboolean note_stranded_reset(
    Db *db, const Recipient *recipient, EmailState to, WallMs now, GError **error)
{
    gboolean is_stranded = to == EMAIL_REJECTED || to == EMAIL_EXPIRED || to == EMAIL_CANCELLED ||
                           to == EMAIL_HANDED_OVER;
    if (recipient->class != EMAIL_CLASS_RESET || !is_stranded ||
        !webhook_is_wanted(db, RESET_WAITING_TYPE))
        return TRUE;
    Id id;
    /* <= 4 is what the index of the open ones asks for. */
    g_autoptr(DbQuery) q = db_query(db, "SELECT id, asked_at FROM password_resets WHERE org_id = "
                                        "$1 AND state = 2 AND state <= 4 AND email_id = $2");
    db_bind_int(q, 1, recipient->org_id);
    db_bind_id(q, 2, &recipient->email_id);
    gboolean is_ours = db_next(q) && db_id(q, 0, &id);
    WallMs asked_at = is_ours ? db_int(q, 1) : 0;
    return db_finish(q, error) &&
           (!is_ours || webhook_note_reset(db, recipient->org_id, &id, asked_at, now, error));
}

gboolean webhook_note_move(
    Db *db, const Recipient *recipient, EmailState to, WallMs now, GError **error)
{
    return to == recipient->state || (note_email(db, recipient, to, now, error) &&
                                         note_stranded_reset(db, recipient, to, now, error));
}

/* --- Sending --------------------------------------------------------------------------------- */

typedef struct {
    gboolean sending_enabled;
    Health health;
    gint64 config_version;
    char *diagnosis;
} Before;

static void before_clear(Before *before)
{
    g_free(before->diagnosis);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Before, before_clear)

static gboolean read_before(Db *db, gint64 org_id, Before *before, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT sending_enabled, health, config_version, "
                                        "health_diagnosis FROM smtp_state WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    *before = (Before){0};
    if (db_next(q)) {
        before->sending_enabled = db_int(q, 0) != 0;
        before->health = (Health)db_int(q, 1);
        before->config_version = db_int(q, 2);
        before->diagnosis = db_dup_text(q, 3);
    }
    return db_finish(q, error);
}

gboolean webhook_note_sending(Db *db, gint64 org_id, gboolean enabled, const char *reason,
    WallMs until, const char *changed_by, WallMs now, GError **error)
{
    guint type = enabled ? SENDING_RESUMED_TYPE : SENDING_PAUSED_TYPE;
    g_auto(Before) before = {0};
    if (!webhook_is_wanted(db, type))
        return TRUE;
    if (!read_before(db, org_id, &before, error))
        return FALSE;
    if (!before.sending_enabled == !enabled)
        return TRUE;
    g_autoptr(GString) data = g_string_new(NULL);
    webhook_json_text(data, "by", changed_by);
    webhook_json_text(data, "reason", reason);
    webhook_json_time(data, "until", until);
    return note(db, org_id, type, data, now, error);
}

/* The breaker stands open while the credential is at fault: nothing goes out then. */
gboolean webhook_note_health(Db *db, gint64 org_id, gint64 config_version, Health health,
    const char *diagnosis, WallMs now, GError **error)
{
    gboolean opens = health == HEALTH_CREDENTIAL_FAULT;
    guint type = opens ? BREAKER_OPENED_TYPE : BREAKER_CLOSED_TYPE;
    g_auto(Before) before = {0};
    if (!webhook_is_wanted(db, type))
        return TRUE;
    if (!read_before(db, org_id, &before, error))
        return FALSE;
    gboolean was_open = before.health == HEALTH_CREDENTIAL_FAULT;
    if (before.config_version != config_version || !opens == !was_open)
        return TRUE;
    g_autoptr(GString) data = g_string_new(NULL);
    webhook_json_text(data, "health", health_name(health));
    webhook_json_text(data, "diagnosis", opens ? diagnosis : before.diagnosis);
    return note(db, org_id, type, data, now, error);
}

static void add_server(GString *data, const char *host, gint64 port, const char *from)
{
    webhook_json_text(data, "host", host);
    add_number(data, "port", port);
    webhook_json_text(data, "from_email", from);
}

gboolean webhook_note_activation(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 config_version_before, WallMs now, GError **error)
{
    if (!webhook_note_health(db, org_id, config_version_before, HEALTH_OK, NULL, now, error))
        return FALSE;
    if (!webhook_is_wanted(db, ACTIVATED_TYPE))
        return TRUE;
    g_autoptr(GString) data = g_string_new(NULL);
    add_server(data, settings->host, settings_port(settings), settings->from_email);
    return note(db, org_id, ACTIVATED_TYPE, data, now, error);
}

gboolean webhook_note_verification(Db *db, const Verification *verification, GError **error)
{
    if (verification->state != VERIFICATION_PASSED || !webhook_is_wanted(db, VERIFIED_TYPE))
        return TRUE;
    g_autoptr(GString) data = g_string_new(NULL);
    add_id(data, "verification_id", &verification->id, "ver");
    add_server(data, verification->host, verification->port, verification->from_email);
    webhook_json_text(data, "by", verification->started_by);
    return note(db, verification->org_id, VERIFIED_TYPE, data, verification->finished_at, error);
}

/* Neither whose it is nor the link: who hears it looks at the list. */
gboolean webhook_note_reset(
    Db *db, gint64 org_id, const Id *id, WallMs asked_at, WallMs now, GError **error)
{
    if (!webhook_is_wanted(db, RESET_WAITING_TYPE))
        return TRUE;
    g_autoptr(GString) data = g_string_new(NULL);
    add_id(data, "reset_id", id, "rst");
    webhook_json_time(data, "asked_at", asked_at);
    return note(db, org_id, RESET_WAITING_TYPE, data, now, error);
}
