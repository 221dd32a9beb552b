#include "store/emails_actions.h"

#include "base/limits.h"
#include "store/recipients.h"
#include "store/states_sql.h"

#include <string.h>

/* --- Reading --------------------------------------------------------------------------------- */

/* Reads recipients' keys to their end, so that the rows can be changed afterwards. */
static GArray *collect_keys(DbQuery *q, GError **error)
{
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(gint64));
    while (db_next(q)) {
        gint64 key = db_int(q, 0);
        g_array_append_val(keys, key);
    }
    return db_finish(q, error) ? g_steal_pointer(&keys) : NULL;
}

/* An email, as an action finds it. */
typedef struct {
    gint64 row; /* 0: there is none */
    WallMs expires_at;
    gboolean at_most_once, has_body;
    GArray *recipients; /* of Recipient */
} Email;

static void email_clear(Email *email)
{
    g_clear_pointer(&email->recipients, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Email, email_clear)

static gboolean read_row(Db *db, gint64 org_id, const Id *id, Email *email, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT e.row, e.expires_at, e.at_most_once, EXISTS (SELECT 1 FROM bodies b WHERE "
        "b.email_row = e.row AND b.content IS NOT NULL) FROM emails e WHERE e.org_id = $1 AND "
        "e.id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q)) {
        email->row = db_int(q, 0);
        email->expires_at = db_int(q, 1);
        email->at_most_once = db_int(q, 2) != 0;
        email->has_body = db_int(q, 3) != 0;
    }
    return db_finish(q, error);
}

static gboolean read_recipients(Db *db, gint64 org_id, Email *email, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row FROM recipients WHERE row BETWEEN $1 AND $2 ORDER BY row");
    db_bind_int(q, 1, recipients_first_row(email->row));
    db_bind_int(q, 2, recipients_last_row(email->row));
    g_autoptr(GArray) keys = collect_keys(q, error);
    for (guint i = 0; keys && i < keys->len; i++) {
        Recipient recipient;
        if (!recipient_read(db, org_id, g_array_index(keys, gint64, i), &recipient, error))
            return FALSE;
        g_array_append_val(email->recipients, recipient);
    }
    return keys != NULL;
}

/* Begins as zeros; row stays 0 if the org has no such email. */
static gboolean read_email(Db *db, gint64 org_id, const Id *id, Email *email, GError **error)
{
    email->recipients = g_array_new(FALSE, FALSE, sizeof(Recipient));
    return read_row(db, org_id, id, email, error) &&
           (email->row == 0 || read_recipients(db, org_id, email, error));
}

static gboolean write_deadline(Db *db, gint64 row, WallMs deadline_at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE recipients SET deadline_at = $2 WHERE row = $1");
    db_bind_int(q, 1, row);
    db_bind_int(q, 2, deadline_at);
    return db_finish(q, error);
}

/* Whoever handed it over said that it is worth nothing from then on. */
static gboolean is_over(const Email *email, WallMs at)
{
    return email->expires_at > 0 && email->expires_at <= at;
}

/* When an email that may begin to go at `begin` is given up. */
static WallMs deadline_from(const Email *email, WallMs begin)
{
    WallMs longest = begin + LIMIT_EMAIL_LIFETIME_MS;
    return email->expires_at > 0 ? MIN(email->expires_at, longest) : longest;
}

/* --- Trying again ---------------------------------------------------------------------------- */

/* Where a retry leads; FALSE: it may not be tried again. */
static gboolean state_after_retry(const Recipient *recipient, EmailState *to)
{
    switch (recipient->state) {
    case EMAIL_DEFERRED:
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
        *to = EMAIL_QUEUED;
        return TRUE;
    case EMAIL_UNCERTAIN:
        *to = EMAIL_UNCERTAIN;
        return !recipient->at_most_once;
    case EMAIL_SCHEDULED:
    case EMAIL_QUEUED:
    case EMAIL_SENDING:
    case EMAIL_ACCEPTED:
    case EMAIL_CANCELLED:
    case EMAIL_HANDED_OVER:
    case EMAIL_HELD:
        return FALSE;
    }
    g_assert_not_reached();
}

/* What stands against it; DONE: nothing. */
static EmailActionResult judge_retry(const Email *email, gboolean may_duplicate, WallMs now)
{
    gboolean has_one = FALSE, is_uncertain = FALSE, duplicates = FALSE;
    for (guint i = 0; i < email->recipients->len; i++) {
        const Recipient *recipient = &g_array_index(email->recipients, Recipient, i);
        EmailState to;
        gboolean is_one = state_after_retry(recipient, &to);
        has_one |= is_one;
        is_uncertain |= recipient->state == EMAIL_UNCERTAIN;
        duplicates |= is_one && recipient->state == EMAIL_UNCERTAIN;
    }
    if (!has_one)
        return is_uncertain ? EMAIL_ACTION_AT_MOST_ONCE : EMAIL_ACTION_NOTHING;
    if (!email->has_body)
        return EMAIL_ACTION_BODY_ERASED;
    if (is_over(email, now))
        return EMAIL_ACTION_PAST_EXPIRY;
    return duplicates && !may_duplicate ? EMAIL_ACTION_MAY_ARRIVE_TWICE : EMAIL_ACTION_DONE;
}

static gboolean retry_one(Db *db, const Email *email, const Recipient *recipient, WallMs now,
    RecipientTally *tally, gint64 *retried, GError **error)
{
    EmailState to;
    if (!state_after_retry(recipient, &to))
        return TRUE;
    *retried += 1;
    gboolean has_time = recipient->next_at > 0 && recipient->deadline_at > now;
    return (has_time || write_deadline(db, recipient->row, deadline_from(email, now), error)) &&
           recipient_move(db, recipient, to, now, FALSE, now, tally, error);
}

gboolean emails_retry(Db *db, gint64 org_id, const Id *id, gboolean may_duplicate, WallMs now,
    EmailActionResult *result, gint64 *retried, GError **error)
{
    g_auto(Email) email = {0};
    if (!read_email(db, org_id, id, &email, error))
        return FALSE;
    *retried = 0;
    *result = email.row == 0 ? EMAIL_ACTION_UNKNOWN : judge_retry(&email, may_duplicate, now);
    if (*result != EMAIL_ACTION_DONE)
        return TRUE;
    RecipientTally tally = {{0}};
    for (guint i = 0; i < email.recipients->len; i++) {
        const Recipient *recipient = &g_array_index(email.recipients, Recipient, i);
        if (!retry_one(db, &email, recipient, now, &tally, retried, error))
            return FALSE;
    }
    store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return recipients_count(db, org_id, &tally, error);
}

/* --- Another time ---------------------------------------------------------------------------- */

static gboolean write_schedule(Db *db, gint64 email_row, WallMs at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE emails SET scheduled_at = $2 WHERE row = $1");
    db_bind_int(q, 1, email_row);
    db_bind_int_or_null(q, 2, at);
    return db_finish(q, error);
}

static gboolean reschedule_one(Db *db, const Email *email, const Recipient *recipient, WallMs at,
    WallMs now, RecipientTally *tally, GError **error)
{
    gboolean is_ahead = at > now;
    WallMs begin = is_ahead ? at : now;
    return write_deadline(db, recipient->row, deadline_from(email, begin), error) &&
           recipient_move(db, recipient, is_ahead ? EMAIL_SCHEDULED : EMAIL_QUEUED, begin, FALSE,
               now, tally, error);
}

static gboolean is_scheduled(const Recipient *recipient)
{
    return recipient->state == EMAIL_SCHEDULED;
}

/* What stands against it; DONE: nothing. */
static EmailActionResult judge_reschedule(const Email *email, WallMs begin)
{
    for (guint i = 0; i < email->recipients->len; i++)
        if (is_scheduled(&g_array_index(email->recipients, Recipient, i)))
            return is_over(email, begin) ? EMAIL_ACTION_PAST_EXPIRY : EMAIL_ACTION_DONE;
    return EMAIL_ACTION_NOTHING;
}

gboolean emails_reschedule(Db *db, gint64 org_id, const Id *id, WallMs at, WallMs now,
    EmailActionResult *result, GError **error)
{
    g_auto(Email) email = {0};
    if (!read_email(db, org_id, id, &email, error))
        return FALSE;
    *result = email.row == 0 ? EMAIL_ACTION_UNKNOWN : judge_reschedule(&email, MAX(at, now));
    if (*result != EMAIL_ACTION_DONE)
        return TRUE;
    RecipientTally tally = {{0}};
    for (guint i = 0; i < email.recipients->len; i++) {
        const Recipient *recipient = &g_array_index(email.recipients, Recipient, i);
        if (is_scheduled(recipient) &&
            !reschedule_one(db, &email, recipient, at, now, &tally, error))
            return FALSE;
    }
    store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return write_schedule(db, email.row, at > now ? at : 0, error) &&
           recipients_count(db, org_id, &tally, error);
}

/* --- By hand --------------------------------------------------------------------------------- */

/* Ends what waits as `end`; *ended: how many. */
static gboolean end_waiting(
    Db *db, const Email *email, EmailState end, WallMs now, gint64 *ended, GError **error)
{
    RecipientTally tally = {{0}};
    for (guint i = 0; i < email->recipients->len; i++) {
        const Recipient *recipient = &g_array_index(email->recipients, Recipient, i);
        if (recipient->next_at == 0 || !states_allow(&email_states, recipient->state, end))
            continue;
        *ended += 1;
        /* As in recipient_cancel: what may have arrived is not called cancelled. */
        gboolean stays = end == EMAIL_CANCELLED && recipient->state == EMAIL_UNCERTAIN;
        EmailState to = stays ? EMAIL_UNCERTAIN : end;
        if (!recipient_move(db, recipient, to, 0, FALSE, now, &tally, error))
            return FALSE;
    }
    return email->recipients->len == 0 ||
           recipients_count(
               db, g_array_index(email->recipients, Recipient, 0).org_id, &tally, error);
}

gboolean emails_hand_over(Db *db, gint64 org_id, const Id *id, WallMs now,
    EmailActionResult *result, gint64 *handed, GError **error)
{
    g_auto(Email) email = {0};
    gint64 n = 0;
    if (!read_email(db, org_id, id, &email, error) ||
        !end_waiting(db, &email, EMAIL_HANDED_OVER, now, &n, error))
        return FALSE;
    *handed = n;
    *result = email.row == 0 ? EMAIL_ACTION_UNKNOWN
              : n == 0       ? EMAIL_ACTION_NOTHING
                             : EMAIL_ACTION_DONE;
    return TRUE;
}

static gboolean end_recipient_now(Db *db, gint64 recipient_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE recipients SET deadline_at = min(deadline_at, $2) WHERE row = $1");
    db_bind_int(q, 1, recipient_row);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

static gboolean end_email_now(Db *db, gint64 email_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE emails SET expires_at = min(coalesce(expires_at, $2), $2) WHERE row = $1");
    db_bind_int(q, 1, email_row);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

/* What is on its way cannot be called back. Should the server not take it now, it expires instead
 * of being sent again. */
static gboolean expire_on_its_way(Db *db, const Email *email, WallMs now, GError **error)
{
    for (guint i = 0; i < email->recipients->len; i++) {
        const Recipient *recipient = &g_array_index(email->recipients, Recipient, i);
        if (recipient->state == EMAIL_SENDING &&
            (!end_recipient_now(db, recipient->row, now, error) ||
                !end_email_now(db, email->row, now, error)))
            return FALSE;
    }
    return TRUE;
}

gboolean emails_end_link(
    Db *db, gint64 org_id, const Id *id, gboolean is_handed_over, WallMs now, GError **error)
{
    g_auto(Email) email = {0};
    gint64 n = 0;
    EmailState end = is_handed_over ? EMAIL_HANDED_OVER : EMAIL_CANCELLED;
    return read_email(db, org_id, id, &email, error) && expire_on_its_way(db, &email, now, error) &&
           end_waiting(db, &email, end, now, &n, error);
}

/* --- Cancelling a class ---------------------------------------------------------------------- */

gboolean emails_last_recipient(Db *db, gint64 *last, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT max(row) FROM recipients");
    gint64 found = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    *last = found;
    return TRUE;
}

/* Keys of up to LIMIT_ACTION_ROWS recipients that can be cancelled. */
static GArray *find_class(Db *db, gint64 org_id, EmailClass class, gint64 last, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT row FROM recipients WHERE org_id = $1 AND class = $2 AND next_at IS NOT NULL "
        "AND row <= $3 AND state <> " SQL_SENDING " LIMIT $4");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, last);
    db_bind_int(q, 4, LIMIT_ACTION_ROWS);
    return collect_keys(q, error);
}

gboolean emails_cancel_class(Db *db, gint64 org_id, EmailClass class, gint64 last, WallMs now,
    gint64 *cancelled, GError **error)
{
    g_autoptr(GArray) keys = find_class(db, org_id, class, last, error);
    if (!keys)
        return FALSE;
    RecipientTally tally = {{0}};
    gint64 n = 0;
    for (guint i = 0; i < keys->len; i++) {
        gint64 key = g_array_index(keys, gint64, i);
        if (!recipient_cancel(db, org_id, key, now, &tally, &n, error))
            return FALSE;
    }
    *cancelled = n;
    return recipients_count(db, org_id, &tally, error);
}

/* --- Preview --------------------------------------------------------------------------------- */

/* Adds for each class that q names: all of them to `all`, those that are due to `due`. */
static gboolean add_counts(DbQuery *q, gint64 *all, gint64 *due, GError **error)
{
    while (db_next(q)) {
        gint64 class = db_int(q, 0);
        g_assert(class >= EMAIL_CLASS_RESET && class <= EMAIL_CLASS_BULK);
        all[class] += db_int(q, 1);
        due[class] += db_int(q, 2);
    }
    return db_finish(q, error);
}

static gboolean count_waiting(
    Db *db, gint64 org_id, WallMs now, gint64 *all, gint64 *due, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT class, count(*), sum(next_at <= $2) FROM recipients WHERE org_id = $1 "
                     "AND next_at IS NOT NULL GROUP BY class");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    return add_counts(q, all, due, error);
}

/* Uncertain, and goes out once more. */
#define IS_SENT_TWICE "state = " SQL_UNCERTAIN " AND " SQL_IS_NOTABLE("") " AND next_at IS NOT NULL"

static gboolean count_uncertain(
    Db *db, gint64 org_id, WallMs now, gint64 *all, gint64 *due, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT class, count(*), sum(next_at <= $2) FROM recipients WHERE org_id = $1 "
                     "AND " IS_SENT_TWICE " AND deadline_at > $2 GROUP BY +class");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    return add_counts(q, all, due, error);
}

gboolean emails_count_uncertain(Db *db, gint64 org_id, gint64 *waiting, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT count(*) FROM recipients WHERE org_id = $1 AND " IS_SENT_TWICE);
    db_bind_int(q, 1, org_id);
    gint64 found = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    *waiting = found;
    return TRUE;
}

static gboolean count_over(
    Db *db, gint64 org_id, WallMs now, gint64 *all, gint64 *due, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT class, count(*), sum(next_at <= $2) FROM recipients WHERE +org_id = $1 "
        "AND deadline_at <= $2 AND next_at IS NOT NULL AND state <> " SQL_SENDING
        " GROUP BY +class");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    return add_counts(q, all, due, error);
}

static gboolean read_oldest(Db *db, gint64 org_id, WallMs *oldest_at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT created_at FROM emails WHERE row = (SELECT min(row) FROM recipients WHERE "
        "org_id = $1 AND next_at IS NOT NULL) >> 7");
    db_bind_int(q, 1, org_id);
    *oldest_at = db_next(q) ? db_int(q, 0) : 0;
    return db_finish(q, error);
}

/* What is uncertain goes like any other mail whose time has come. */
gboolean emails_preview(Db *db, gint64 org_id, WallMs now, EmailsPreview *preview, GError **error)
{
    enum { CLASSES = EMAIL_CLASS_BULK + 1 };
    gint64 all[CLASSES] = {0}, due[CLASSES] = {0}, over[CLASSES] = {0}, over_due[CLASSES] = {0};
    gint64 uncertain[CLASSES] = {0};
    EmailsPreview found = {.oldest_at = 0};
    if (!count_waiting(db, org_id, now, all, due, error) ||
        !count_uncertain(db, org_id, now, uncertain, found.uncertain, error) ||
        !count_over(db, org_id, now, over, over_due, error) ||
        !read_oldest(db, org_id, &found.oldest_at, error))
        return FALSE;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        found.send[class] = due[class] - over_due[class];
        found.expire[class] = over[class];
        found.later[class] = all[class] - found.send[class] - found.expire[class];
        found.send[0] += found.send[class];
        found.uncertain[0] += found.uncertain[class];
        found.later[0] += found.later[class];
        found.expire[0] += found.expire[class];
    }
    *preview = found;
    return TRUE;
}

gboolean emails_count_running_out(Db *db, gint64 org_id, const WallMs until[EMAIL_CLASS_BULK + 1],
    WallMs now, gint64 counts[EMAIL_CLASS_BULK + 1], GError **error)
{
    gint64 found[EMAIL_CLASS_BULK + 1] = {0}, unused[EMAIL_CLASS_BULK + 1] = {0};
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT class, sum(deadline_at <= CASE class WHEN 1 THEN $3 WHEN 2 THEN $4 WHEN 3 THEN $5 "
        "WHEN 4 THEN $6 ELSE $7 END), 0 FROM (SELECT class, deadline_at FROM recipients WHERE "
        "+org_id = $1 AND deadline_at > $2 AND deadline_at <= $8 AND next_at IS NOT NULL AND "
        "next_at <= $2 AND state <> " SQL_SENDING
        " ORDER BY deadline_at LIMIT $9) GROUP BY +class");
    WallMs last = now;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        db_bind_int(q, (int)class + 2, until[class]);
        last = MAX(last, until[class]);
    }
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    db_bind_int(q, 8, last);
    db_bind_int(q, 9, LIMIT_PREVIEW_ROWS);
    if (!add_counts(q, found, unused, error))
        return FALSE;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++)
        found[0] += found[class];
    memcpy(counts, found, sizeof found);
    return TRUE;
}
