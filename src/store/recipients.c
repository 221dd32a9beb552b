#include "store/recipients.h"

#include "base/error.h"
#include "store/webhooks.h"

gboolean recipient_read(Db *db, gint64 org_id, gint64 row, Recipient *recipient, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT r.state, r.class, r.next_at, r.deadline_at, e.at_most_once, e.id, e.expires_at, "
        "r.attempts FROM recipients r JOIN emails e ON e.row = r.row >> 7 WHERE r.row = $2 AND "
        "r.org_id = $1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, row);
    gboolean found = db_next(q);
    if (found) {
        *recipient = (Recipient){.row = row,
            .org_id = org_id,
            .state = (EmailState)db_int(q, 0),
            .class = (EmailClass)db_int(q, 1),
            .attempts = (guint)db_int(q, 7),
            .next_at = db_int(q, 2),
            .deadline_at = db_int(q, 3),
            .at_most_once = db_int(q, 4) != 0,
            .expires_at = recipients_own_expiry(db_int(q, 6), db_int(q, 3))};
        db_id(q, 5, &recipient->email_id);
    }
    if (!db_finish(q, error))
        return FALSE;
    if (!found)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such recipient");
    return found;
}

static gboolean count_state(Db *db, gint64 org_id, EmailState state, gint64 change, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE recipient_counts SET n = n + $3 WHERE org_id = $1 AND state = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, state);
    db_bind_int(q, 3, change);
    return db_finish(q, error);
}

gboolean recipients_count(Db *db, gint64 org_id, const RecipientTally *tally, GError **error)
{
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++) {
        gint64 change = tally->change[state];
        if (change != 0 && !count_state(db, org_id, state, change, error))
            return FALSE;
    }
    return TRUE;
}

/* The mark before a final dot: next_at stays, so no index changes. */
static gboolean write_state(Db *db, gint64 row, EmailState to, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE recipients SET state = $2, updated_at = $3 WHERE row = $1");
    db_bind_int(q, 1, row);
    db_bind_int(q, 2, to);
    db_bind_int(q, 3, now);
    return db_finish(q, error);
}

static gboolean write_move(Db *db, gint64 row, EmailState to, WallMs next_at,
    gboolean counts_attempt, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE recipients SET state = $2, next_at = $3, "
                                        "attempts = attempts + $4, updated_at = $5 WHERE row = $1");
    db_bind_int(q, 1, row);
    db_bind_int(q, 2, to);
    db_bind_int_or_null(q, 3, next_at);
    db_bind_int(q, 4, counts_attempt ? 1 : 0);
    db_bind_int(q, 5, now);
    return db_finish(q, error);
}

static gboolean erase_body_if_all_ended(Db *db, gint64 email_row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE bodies SET content = NULL WHERE email_row = $1 AND NOT EXISTS "
        "(SELECT 1 FROM recipients WHERE row BETWEEN $2 AND $3 AND next_at IS NOT NULL)");
    db_bind_int(q, 1, email_row);
    db_bind_int(q, 2, recipients_first_row(email_row));
    db_bind_int(q, 3, recipients_last_row(email_row));
    return db_finish(q, error);
}

gboolean recipient_move(Db *db, const Recipient *recipient, EmailState to, WallMs next_at,
    gboolean counts_attempt, WallMs now, RecipientTally *tally, GError **error)
{
    g_assert(states_allow(&email_states, recipient->state, to));
    store_note_change(db, STORE_CHANGED_EMAIL, recipient->org_id, &recipient->email_id);
    tally->change[recipient->state]--;
    tally->change[to]++;
    if (to == EMAIL_SENDING)
        return write_state(db, recipient->row, to, now, error);
    if (!write_move(db, recipient->row, to, next_at, counts_attempt, now, error))
        return FALSE;
    if (!webhook_note_move(db, recipient, to, now, error))
        return FALSE;
    if (next_at > 0 || !email_class_is_secret(recipient->class))
        return TRUE;
    return erase_body_if_all_ended(db, recipient->row >> RECIPIENTS_SHIFT, error);
}

gboolean recipient_cancel(Db *db, gint64 org_id, gint64 row, WallMs now, RecipientTally *tally,
    gint64 *cancelled, GError **error)
{
    Recipient recipient;
    if (!recipient_read(db, org_id, row, &recipient, error))
        return FALSE;
    if (recipient.next_at == 0 || !states_allow(&email_states, recipient.state, EMAIL_CANCELLED))
        return TRUE;
    *cancelled += 1;
    EmailState to = recipient.state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_CANCELLED;
    return recipient_move(db, &recipient, to, 0, FALSE, now, tally, error);
}
