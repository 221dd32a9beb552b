/* The courier's side of emails: what is due, the mark before the final dot, outcomes, and what ends
 * without an attempt. */
#include "base/error.h"
#include "base/limits.h"
#include "store/emails.h"
#include "store/recipients.h"

/* --- What is due ----------------------------------------------------------------------------- */

void email_due_free(EmailDue *due)
{
    if (!due)
        return;
    g_free(due->address);
    g_free(due);
}

static EmailDue *read_due(DbQuery *q)
{
    EmailDue *due = g_new0(EmailDue, 1);
    due->recipient_id = db_int(q, 0);
    due->email_row = due->recipient_id >> RECIPIENTS_SHIFT;
    due->class = (EmailClass)db_int(q, 1);
    due->state = (EmailState)db_int(q, 2);
    due->address = db_dup_text(q, 3);
    due->attempts = (guint)db_int(q, 4);
    due->next_at = db_int(q, 5);
    due->is_test = db_int(q, 6) != 0;
    db_id(q, 7, &due->email_id);
    due->size_bytes = db_int(q, 8);
    due->deadline_at = db_int(q, 9);
    due->at_most_once = db_int(q, 10) != 0;
    return due;
}

/* One class at a time, because then the index gives the order: no sorting, however much waits. */
#define DUE                                                                               \
    "SELECT r.row, r.class, r.state, r.address, r.attempts, r.next_at, r.is_test, e.id, " \
    "e.size_bytes, r.deadline_at, e.at_most_once "                                        \
    "FROM recipients r JOIN emails e ON e.row = r.row >> 7 "                              \
    "WHERE r.org_id = $1 AND r.class = $2 AND r.next_at <= $3 AND r.state <> 3 "
#define DUE_ORDER "ORDER BY r.next_at, r.row LIMIT $4"
#define LATER                                                                                     \
    "SELECT r.next_at FROM recipients r WHERE r.org_id = $1 AND r.class = $2 AND r.next_at > $3 " \
    "AND r.state <> 3 "
#define LATER_ORDER "ORDER BY r.next_at LIMIT 1"
#define ONLY_TESTS "AND r.is_test = 1 "

/* Appends what is due in one class; *more if the limit kept some back. */
static gboolean add_due(Db *db, gint64 org_id, EmailClass class, WallMs now, guint limit,
    gboolean only_tests, GPtrArray *all, gboolean *more, GError **error)
{
    g_autoptr(DbQuery) q =
        only_tests ? db_query(db, DUE ONLY_TESTS DUE_ORDER) : db_query(db, DUE DUE_ORDER);
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, now);
    db_bind_int(q, 4, (gint64)limit - all->len + 1);
    while (db_next(q)) {
        if (all->len == limit)
            *more = TRUE;
        else
            g_ptr_array_add(all, read_due(q));
    }
    return db_finish(q, error);
}

static gboolean find_later(Db *db, gint64 org_id, EmailClass class, WallMs now, gboolean only_tests,
    WallMs *next_at, GError **error)
{
    g_autoptr(DbQuery) q =
        only_tests ? db_query(db, LATER ONLY_TESTS LATER_ORDER) : db_query(db, LATER LATER_ORDER);
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, now);
    if (db_next(q) && (*next_at == 0 || db_int(q, 0) < *next_at))
        *next_at = db_int(q, 0);
    return db_finish(q, error);
}

static void free_due(gpointer due)
{
    email_due_free(due);
}

GPtrArray *emails_due(Db *db, gint64 org_id, WallMs now, guint limit, gboolean only_tests,
    WallMs *next_at, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_due);
    gboolean more = FALSE;
    WallMs later = 0;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        if (!more && !add_due(db, org_id, class, now, limit, only_tests, all, &more, error))
            return NULL;
        if (!more && !find_later(db, org_id, class, now, only_tests, &later, error))
            return NULL;
    }
    *next_at = more ? now : later;
    return g_steal_pointer(&all);
}

/* --- One attempt ----------------------------------------------------------------------------- */

gboolean emails_mark_sending(
    Db *db, gint64 org_id, gint64 recipient_id, WallMs now, gboolean *marked, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, org_id, recipient_id, &recipient, error))
        return FALSE;
    gboolean may = recipient.next_at > 0 && recipient.deadline_at > now &&
                   states_allow(&email_states, recipient.state, EMAIL_SENDING);
    if (may && !recipient_move(db, &recipient, EMAIL_SENDING, recipient.next_at, FALSE, now, error))
        return FALSE;
    *marked = may;
    return TRUE;
}

static gboolean add_attempt_row(Db *db, gint64 org_id, const EmailAttempt *attempt, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO attempts (recipient_row, number, org_id, at, state, config_version, "
        "reply_code, phase, reply_enhanced, reply_text, diagnosis, server) VALUES ($1, "
        "(SELECT COALESCE(MAX(number), 0) + 1 FROM attempts WHERE recipient_row = $1), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    db_bind_int(q, 1, attempt->recipient_id);
    db_bind_int(q, 2, org_id);
    db_bind_int(q, 3, attempt->at);
    db_bind_int(q, 4, attempt->state);
    db_bind_int(q, 5, attempt->config_version);
    db_bind_int(q, 6, attempt->reply_code);
    db_bind_text(q, 7, attempt->phase);
    db_bind_text(q, 8, attempt->reply_enhanced);
    db_bind_text(q, 9, attempt->reply_text);
    db_bind_text(q, 10, attempt->diagnosis);
    db_bind_text(q, 11, attempt->server);
    return db_finish(q, error);
}

/* When the recipient comes up again; 0: it is at its end. */
static WallMs next_of(const Recipient *recipient, EmailState state, const EmailAttempt *attempt)
{
    if (state == EMAIL_UNCERTAIN)
        return recipient->at_most_once ? 0 : attempt->next_at;
    if (email_state_is_waiting(state))
        return MAX(attempt->next_at, attempt->at);
    return 0;
}

/* Handed back untried (the connection was lost before its turn, the gate closed): not an attempt.
 */
static gboolean was_not_tried(const EmailAttempt *attempt)
{
    return attempt->state == EMAIL_QUEUED && !attempt->counts && !attempt->diagnosis;
}

gboolean emails_record_attempt(Db *db, gint64 org_id, const EmailAttempt *attempt, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, org_id, attempt->recipient_id, &recipient, error))
        return FALSE;
    if (!was_not_tried(attempt) && !add_attempt_row(db, org_id, attempt, error))
        return FALSE;
    EmailState to = attempt->state;
    /* Untried, what was uncertain before is so still: it may be a repetition. */
    if (to == EMAIL_QUEUED && recipient.state == EMAIL_UNCERTAIN)
        to = EMAIL_UNCERTAIN;
    gboolean has_ended = recipient.next_at == 0;
    if (states_allow(&email_states, recipient.state, to) && (!has_ended || to == EMAIL_ACCEPTED))
        return recipient_move(db, &recipient, to, next_of(&recipient, to, attempt), attempt->counts,
            attempt->at, error);
    if (has_ended) /* cancelled or expired meanwhile: it stays so, the attempt is on record */
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "a recipient cannot go from %s to %s",
        email_state_name(recipient.state), email_state_name(to));
    return FALSE;
}

/* --- Without an attempt ---------------------------------------------------------------------- */

typedef struct {
    gint64 row, org_id;
} RecipientKey;

/* Reads (row, org_id) pairs to their end, so that the rows can be changed afterwards. */
static GArray *collect_keys(DbQuery *q, GError **error)
{
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(RecipientKey));
    while (db_next(q)) {
        RecipientKey key = {db_int(q, 0), db_int(q, 1)};
        g_array_append_val(keys, key);
    }
    return db_finish(q, error) ? g_steal_pointer(&keys) : NULL;
}

static gboolean recover_one(Db *db, const RecipientKey *key, WallMs now, GError **error)
{
    /* Counted as an attempt: the final dot may have gone out. */
    EmailAttempt lost = {.recipient_id = key->row,
        .state = EMAIL_UNCERTAIN,
        .at = now,
        .next_at = now + LIMIT_UNCERTAIN_RESEND_MS,
        .counts = TRUE};
    return emails_record_attempt(db, key->org_id, &lost, error);
}

gboolean emails_recover(Db *db, WallMs now, gint64 *recovered, GError **error)
{
    /* Along an index of what waits, so that what has ended does not count. */
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row, org_id FROM recipients WHERE next_at IS NOT NULL AND state = 3");
    g_autoptr(GArray) keys = collect_keys(q, error);
    if (!keys)
        return FALSE;
    for (guint i = 0; i < keys->len; i++)
        if (!recover_one(db, &g_array_index(keys, RecipientKey, i), now, error))
            return FALSE;
    *recovered = keys->len;
    return TRUE;
}

/* What may have been delivered stays uncertain and is not sent again; "expired" would say that it
 * was not sent. */
static gboolean expire_one(Db *db, const RecipientKey *key, WallMs now, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, key->org_id, key->row, &recipient, error))
        return FALSE;
    EmailState to = recipient.state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_EXPIRED;
    return recipient_move(db, &recipient, to, 0, FALSE, now, error);
}

gboolean emails_expire(Db *db, WallMs now, guint limit, gint64 *expired, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row, org_id FROM recipients WHERE next_at IS NOT NULL "
                     "AND deadline_at <= $1 AND state <> 3 ORDER BY deadline_at LIMIT $2");
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, limit);
    g_autoptr(GArray) keys = collect_keys(q, error);
    if (!keys)
        return FALSE;
    for (guint i = 0; i < keys->len; i++)
        if (!expire_one(db, &g_array_index(keys, RecipientKey, i), now, error))
            return FALSE;
    *expired = keys->len;
    return TRUE;
}

static gboolean cancel_one(
    Db *db, const RecipientKey *key, WallMs now, gint64 *cancelled, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, key->org_id, key->row, &recipient, error))
        return FALSE;
    if (recipient.next_at == 0 || !states_allow(&email_states, recipient.state, EMAIL_CANCELLED))
        return TRUE;
    *cancelled += 1;
    /* What may have arrived is not sent again, but "cancelled" would say that it was not sent. */
    EmailState to = recipient.state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_CANCELLED;
    return recipient_move(db, &recipient, to, 0, FALSE, now, error);
}

gboolean emails_cancel(
    Db *db, gint64 org_id, const Id *id, WallMs now, gint64 *cancelled, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT r.row, r.org_id FROM emails e JOIN recipients r "
        "ON r.row BETWEEN e.row << 7 AND (e.row << 7) + 127 WHERE e.org_id = $1 AND e.id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    g_autoptr(GArray) keys = collect_keys(q, error);
    if (!keys)
        return FALSE;
    if (keys->len == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such email");
        return FALSE;
    }
    gint64 n = 0;
    for (guint i = 0; i < keys->len; i++)
        if (!cancel_one(db, &g_array_index(keys, RecipientKey, i), now, &n, error))
            return FALSE;
    if (n == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
            "every recipient of this email is at its end or being sent to");
        return FALSE;
    }
    *cancelled = n;
    return TRUE;
}
