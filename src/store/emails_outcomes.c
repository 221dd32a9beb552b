/* What becomes of recipients: the mark before the final dot, the outcomes of attempts, and what
 * ends without one. */
#include "base/error.h"
#include "base/limits.h"
#include "outbox/retry.h"
#include "store/activity.h"
#include "store/emails.h"
#include "store/quota.h"
#include "store/recipients.h"
#include "store/states_sql.h"

#include "base/crash_point.h"

/* --- One attempt ----------------------------------------------------------------------------- */

/* Reads a recipient among many. *found is FALSE, without error, if the org has no such one. */
static gboolean read_one_of_many(Db *db, gint64 org_id, gint64 row, Recipient *recipient,
    gboolean *found, GError **fault, GError **error)
{
    g_autoptr(GError) own = NULL;
    *found = recipient_read(db, org_id, row, recipient, &own);
    if (*found)
        return TRUE;
    gboolean is_unknown = g_error_matches(own, ABS_ERROR, ABS_ERROR_NOT_FOUND);
    g_propagate_error(is_unknown ? fault : error, g_steal_pointer(&own));
    return is_unknown;
}

/* Scheduled for later while the outbox already held it as due. */
static gboolean is_put_off(const Recipient *recipient, WallMs now)
{
    return recipient->state == EMAIL_SCHEDULED && recipient->next_at > now;
}

static gboolean is_expired(const Recipient *recipient, WallMs now)
{
    return recipient->expires_at > 0 && recipient->expires_at <= now;
}

gboolean emails_mark_sending(Db *db, gint64 org_id, const gint64 *recipient_ids, guint n,
    WallMs now, gboolean *marked, GError **error)
{
    RecipientTally tally = {{0}};
    for (guint i = 0; i < n; i++) {
        Recipient recipient;
        gboolean may;
        if (!read_one_of_many(db, org_id, recipient_ids[i], &recipient, &may, NULL, error))
            return FALSE;
        may = may && recipient.next_at > 0 && !is_expired(&recipient, now) &&
              !is_put_off(&recipient, now) &&
              states_allow(&email_states, recipient.state, EMAIL_SENDING);
        if (may && !recipient_move(
                       db, &recipient, EMAIL_SENDING, recipient.next_at, FALSE, now, &tally, error))
            return FALSE;
        marked[i] = may;
    }
    CRASH_POINT("mark_written");
    return recipients_count(db, org_id, &tally, error);
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
    gboolean is_as_before = attempt->state == EMAIL_QUEUED || attempt->state == EMAIL_UNCERTAIN;
    return is_as_before && !attempt->counts && !attempt->diagnosis;
}

/* The outbox may hold what a person has since given another day. */
static gboolean has_time_left(const Recipient *recipient, const EmailAttempt *attempt)
{
    const RetryMail mail = {
        .deadline_at = recipient->deadline_at, .expires_at = recipient->expires_at};
    return attempt->late_by > 0 && !retry_is_too_late(&mail, attempt->at, attempt->late_by);
}

/* The move and the row of one attempt. *fault: it may not be made, and nothing was written. */
static gboolean record_one(Db *db, const Recipient *recipient, const EmailAttempt *attempt,
    RecipientTally *tally, GError **fault, GError **error)
{
    EmailState to = attempt->state;
    gboolean is_kept = is_put_off(recipient, attempt->at) && email_state_is_waiting(to);
    if (has_time_left(recipient, attempt)) {
        store_note_change(db, STORE_CHANGED_QUEUE, recipient->org_id, NULL); /* look again */
        return TRUE;
    }
    /* Untried, what was uncertain before is so still: it may be a repetition. */
    if (to == EMAIL_QUEUED && recipient->state == EMAIL_UNCERTAIN)
        to = EMAIL_UNCERTAIN;
    gboolean has_ended = recipient->next_at == 0;
    gboolean moves =
        states_allow(&email_states, recipient->state, to) && (!has_ended || to == EMAIL_ACCEPTED);
    if (!moves && !has_ended) {
        g_set_error(fault, ABS_ERROR, ABS_ERROR_CONFLICT, "a recipient cannot go from %s to %s",
            email_state_name(recipient->state), email_state_name(to));
        return TRUE;
    }
    if (!was_not_tried(attempt) && !add_attempt_row(db, recipient->org_id, attempt, error))
        return FALSE;
    /* Cancelled, expired or put off meanwhile: it stays so, the attempt is on record. */
    return !moves || is_kept ||
           recipient_move(db, recipient, to, next_of(recipient, to, attempt), attempt->counts,
               attempt->at, tally, error);
}

/* One for each recipient, as the counts are: who is put off again and again is so once. */
static void tally_activity(
    ActivityTally *activity, const Recipient *recipient, const EmailAttempt *attempt)
{
    gboolean is_first = attempt->counts && recipient->attempts == 0;
    activity->accepted += attempt->state == EMAIL_ACCEPTED ? 1 : 0;
    activity->deferred += attempt->state == EMAIL_DEFERRED && is_first ? 1 : 0;
    activity->refused += attempt->state == EMAIL_REJECTED ? 1 : 0;
    if (attempt->state != EMAIL_ACCEPTED && attempt->diagnosis &&
        attempt->config_version >= activity->config_version) {
        activity->diagnosis = attempt->diagnosis;
        activity->config_version = attempt->config_version;
    }
}

gboolean emails_record_attempts(
    Db *db, gint64 org_id, const EmailAttempt *attempts, guint n, GError **faults, GError **error)
{
    RecipientTally tally = {{0}};
    ActivityTally activity = {0};
    guint asked = 0;
    CRASH_POINT("record_due");
    for (guint i = 0; i < n; i++) {
        Recipient recipient;
        gboolean found;
        asked += attempts[i].asked ? 1 : 0;
        if (!read_one_of_many(
                db, org_id, attempts[i].recipient_id, &recipient, &found, &faults[i], error))
            return FALSE;
        if (found && !record_one(db, &recipient, &attempts[i], &tally, &faults[i], error))
            return FALSE;
        if (!faults[i])
            tally_activity(&activity, &recipient, &attempts[i]);
    }
    CRASH_POINT("record_written");
    return recipients_count(db, org_id, &tally, error) &&
           (n == 0 || (quota_sent_add(db, org_id, attempts[n - 1].at, asked, error) &&
                          activity_add(db, org_id, &activity, attempts[n - 1].at, error)));
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

/* The mark has overwritten what the recipient was before; the last attempt left it on record. */
static gboolean was_uncertain_before(
    Db *db, gint64 recipient_row, gboolean *was_uncertain, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT state FROM attempts WHERE recipient_row = $1 ORDER BY number DESC LIMIT 1");
    db_bind_int(q, 1, recipient_row);
    *was_uncertain = db_next(q) && db_int(q, 0) == EMAIL_UNCERTAIN;
    return db_finish(q, error);
}

/* As retry_decide has it for a connection that is lost: sent again once, and never a third time by
 * itself, however often we die behind the dot (reliability C6). */
static gboolean recover_one(
    Db *db, const RecipientKey *key, WallMs now, RecipientTally *tally, GError **error)
{
    Recipient recipient;
    gboolean was_uncertain = FALSE;
    if (!was_uncertain_before(db, key->row, &was_uncertain, error))
        return FALSE;
    /* Counted as an attempt: the final dot may have gone out. */
    const EmailAttempt lost = {.recipient_id = key->row,
        .state = EMAIL_UNCERTAIN,
        .at = now,
        .next_at = was_uncertain ? 0 : now + LIMIT_UNCERTAIN_RESEND_MS,
        .counts = TRUE};
    return recipient_read(db, key->org_id, key->row, &recipient, error) &&
           record_one(db, &recipient, &lost, tally, NULL, error) &&
           quota_sent_add(db, key->org_id, now, 1, error);
}

/* What is done to each of the recipients found. */
typedef gboolean (*EndOne)(
    Db *db, const RecipientKey *key, WallMs now, RecipientTally *tally, GError **error);

/* To each in turn; the counts are written where the organisation changes. */
static gboolean for_each(Db *db, const GArray *keys, EndOne end_one, WallMs now, GError **error)
{
    RecipientTally tally = {{0}};
    for (guint i = 0; i < keys->len; i++) {
        const RecipientKey *key = &g_array_index(keys, RecipientKey, i);
        gboolean is_last =
            i + 1 == keys->len || g_array_index(keys, RecipientKey, i + 1).org_id != key->org_id;
        if (!end_one(db, key, now, &tally, error))
            return FALSE;
        if (is_last && !recipients_count(db, key->org_id, &tally, error))
            return FALSE;
        if (is_last)
            tally = (RecipientTally){{0}};
    }
    return TRUE;
}

gboolean emails_recover(Db *db, WallMs now, gint64 *recovered, GError **error)
{
    /* Along an index of what waits, so that what has ended does not count. */
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT row, org_id FROM recipients WHERE next_at IS NOT NULL AND state = " SQL_SENDING);
    g_autoptr(GArray) keys = collect_keys(q, error);
    if (!keys || !for_each(db, keys, recover_one, now, error))
        return FALSE;
    CRASH_POINT("recovery_written");
    *recovered = keys->len;
    return TRUE;
}

/* What may have been delivered stays uncertain and is not sent again; "expired" would say that it
 * was not sent. */
static gboolean expire_one(
    Db *db, const RecipientKey *key, WallMs now, RecipientTally *tally, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, key->org_id, key->row, &recipient, error))
        return FALSE;
    EmailState to = recipient.state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_EXPIRED;
    return recipient_move(db, &recipient, to, 0, FALSE, now, tally, error);
}

gboolean emails_expire(Db *db, WallMs now, guint limit, gint64 *expired, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT row, org_id FROM recipients WHERE next_at IS NOT NULL "
        "AND deadline_at <= $1 AND state <> " SQL_SENDING " ORDER BY deadline_at LIMIT $2");
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, limit);
    g_autoptr(GArray) keys = collect_keys(q, error);
    if (!keys || !for_each(db, keys, expire_one, now, error))
        return FALSE;
    CRASH_POINT("expiry_written");
    *expired = keys->len;
    return TRUE;
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
    RecipientTally tally = {{0}};
    for (guint i = 0; i < keys->len; i++) {
        gint64 row = g_array_index(keys, RecipientKey, i).row;
        if (!recipient_cancel(db, org_id, row, now, &tally, &n, error))
            return FALSE;
    }
    if (n == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
            "every recipient of this email is at its end or being sent to");
        return FALSE;
    }
    CRASH_POINT("cancel_written");
    *cancelled = n;
    return recipients_count(db, org_id, &tally, error);
}
