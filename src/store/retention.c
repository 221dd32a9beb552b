#include "store/retention.h"
#include "store/organisations.h"

#include "base/crash_point.h"
#include "base/limits.h"
#include "store/audit.h"
#include "store/books.h"
#include "store/recipients.h"

/* --- What is over ----------------------------------------------------------------------------- */

typedef struct {
    gint64 row, org_id;
} Old;

/* The two go through the same emails, each at its own pace. */
typedef struct {
    gboolean removes; /* the whole record; else the body alone */
    gint keep_days;
    RetentionPlace *place;
} Broom;

/* The next emails from place->next on that were taken before `until`, oldest first. One that says
 * it was taken after `now` came while the clock was wrong, and must not hide those behind it. The
 * newest of all is never removed: its row number must not be given away again. */
static GArray *collect_old(
    Db *db, const Broom *broom, WallMs now, WallMs until, guint limit, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Old));
    g_autoptr(DbQuery) q =
        broom->removes
            ? db_query(db, "SELECT row, org_id, created_at FROM emails WHERE row >= $1 AND row < "
                           "(SELECT MAX(row) FROM emails) ORDER BY row LIMIT $2")
            : db_query(db, "SELECT row, org_id, created_at FROM emails WHERE row >= $1 "
                           "ORDER BY row LIMIT $2");
    db_bind_int(q, 1, broom->place->next);
    db_bind_int(q, 2, limit);
    gboolean is_old = TRUE;
    while (db_next(q)) {
        Old old = {db_int(q, 0), db_int(q, 1)};
        WallMs created_at = db_int(q, 2);
        is_old = is_old && (created_at <= until || created_at > now);
        if (is_old)
            g_array_append_val(all, old);
    }
    return db_finish(q, error) ? g_steal_pointer(&all) : NULL;
}

/* Every recipient has ended, the last one before `until`. */
static gboolean read_is_over(
    Db *db, gint64 email_row, WallMs until, gboolean *is_over, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT 1 FROM recipients WHERE row BETWEEN $1 AND $2 AND (next_at IS NOT NULL OR "
        "updated_at > $3) LIMIT 1");
    db_bind_int(q, 1, recipients_first_row(email_row));
    db_bind_int(q, 2, recipients_last_row(email_row));
    db_bind_int(q, 3, until);
    *is_over = !db_next(q);
    return db_finish(q, error);
}

/* --- The two things done ---------------------------------------------------------------------- */

/* The whole row: an emptied one would stay on its page, and SQLite joins pages only when rows go.
 */
static gboolean erase_body(Db *db, const Old *old, RetentionSweep *sweep, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM bodies WHERE email_row = $1");
    db_bind_int(q, 1, old->row);
    if (!db_finish(q, error))
        return FALSE;
    CRASH_POINT("body_erased");
    sweep->bodies_erased += db_changes(db);
    return TRUE;
}

static gboolean delete_attempts(Db *db, gint64 email_row, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM attempts WHERE recipient_row BETWEEN $1 AND $2");
    db_bind_int(q, 1, recipients_first_row(email_row));
    db_bind_int(q, 2, recipients_last_row(email_row));
    return db_finish(q, error);
}

static gboolean delete_recipients(Db *db, gint64 email_row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM recipients WHERE row BETWEEN $1 AND $2");
    db_bind_int(q, 1, recipients_first_row(email_row));
    db_bind_int(q, 2, recipients_last_row(email_row));
    return db_finish(q, error);
}

static gboolean read_tally(Db *db, gint64 email_row, RecipientTally *tally, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT state FROM recipients WHERE row BETWEEN $1 AND $2");
    db_bind_int(q, 1, recipients_first_row(email_row));
    db_bind_int(q, 2, recipients_last_row(email_row));
    while (db_next(q))
        tally->change[db_int(q, 0)]++;
    return db_finish(q, error);
}

/* Out of the counts, into the books. */
static gboolean move_to_books(Db *db, gint64 org_id, const RecipientTally *removed, GError **error)
{
    RecipientTally gone;
    for (guint state = 0; state < G_N_ELEMENTS(gone.change); state++)
        gone.change[state] = -removed->change[state];
    return recipients_count(db, org_id, &gone, error) && books_remove(db, org_id, removed, error);
}

/* The body goes with its email. */
static gboolean remove_email(Db *db, const Old *old, RetentionSweep *sweep, GError **error)
{
    RecipientTally removed = {{0}};
    if (!read_tally(db, old->row, &removed, error) || !delete_attempts(db, old->row, error) ||
        !delete_recipients(db, old->row, error) || !move_to_books(db, old->org_id, &removed, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM emails WHERE row = $1");
    db_bind_int(q, 1, old->row);
    sweep->emails_removed++;
    CRASH_POINT("email_removal_due"); /* its recipients are gone already */
    return db_finish(q, error);
}

/* --- One sweep -------------------------------------------------------------------------------- */

static gboolean begin(Db *db, const Broom *broom, GError **error)
{
    g_autoptr(DbQuery) q = broom->removes
                               ? db_query(db, "SELECT emails_below FROM retention WHERE row = 1")
                               : db_query(db, "SELECT bodies_below FROM retention WHERE row = 1");
    if (db_next(q))
        broom->place->next = MAX(db_int(q, 0), 1);
    return db_finish(q, error);
}

/* The next sweep begins at what is not over yet, or here. */
static gboolean move_beginning(Db *db, const Broom *broom, GError **error)
{
    const RetentionPlace *place = broom->place;
    g_autoptr(DbQuery) q =
        broom->removes ? db_query(db, "UPDATE retention SET emails_below = $1 WHERE row = 1")
                       : db_query(db, "UPDATE retention SET bodies_below = $1 WHERE row = 1");
    db_bind_int(q, 1, place->held_at > 0 ? place->held_at : place->next);
    return db_finish(q, error);
}

static gboolean sweep_one(
    Db *db, const Broom *broom, const Old *old, WallMs until, RetentionSweep *sweep, GError **error)
{
    RetentionPlace *place = broom->place;
    gboolean is_over;
    if (!read_is_over(db, old->row, until, &is_over, error))
        return FALSE;
    if (!is_over && place->held_at == 0)
        place->held_at = old->row;
    place->next = old->row + 1;
    if (!is_over)
        return TRUE;
    return broom->removes ? remove_email(db, old, sweep, error) : erase_body(db, old, sweep, error);
}

static gboolean sweep_on(
    Db *db, const Broom *broom, WallMs now, guint limit, RetentionSweep *sweep, GError **error)
{
    RetentionPlace *place = broom->place;
    place->is_over = place->is_over || broom->keep_days == 0;
    if (place->is_over)
        return TRUE;
    if (place->next == 0 && !begin(db, broom, error))
        return FALSE;
    WallMs until = now - broom->keep_days * CLOCK_DAY_MS;
    g_autoptr(GArray) all = collect_old(db, broom, now, until, limit, error);
    if (!all)
        return FALSE;
    gboolean was_held = place->held_at > 0;
    for (guint i = 0; i < all->len; i++) {
        if (!sweep_one(db, broom, &g_array_index(all, Old, i), until, sweep, error))
            return FALSE;
    }
    place->is_over = all->len < limit;
    return was_held || all->len == 0 || move_beginning(db, broom, error);
}

/* --- People ----------------------------------------------------------------------------------- */

/* Whoever was invited and never came, and whoever asked for a new password, is not kept for ever.
 */
static gboolean forget_links(
    Db *db, WallMs until, guint limit, RetentionSweep *sweep, guint *most, GError **error)
{
    g_autoptr(DbQuery) invitations =
        db_query(db, "DELETE FROM invitations WHERE row IN (SELECT row FROM invitations WHERE "
                     "coalesce(accepted_at, revoked_at, expires_at) <= $1 LIMIT $2)");
    db_bind_int(invitations, 1, until);
    db_bind_int(invitations, 2, limit);
    if (!db_finish(invitations, error))
        return FALSE;
    guint n_invitations = (guint)db_changes(db);
    g_autoptr(DbQuery) resets = db_query(db,
        "DELETE FROM password_resets WHERE row IN (SELECT row FROM password_resets WHERE "
        "(state >= 5 AND updated_at <= $1) OR asked_at <= $1 - $3 LIMIT $2)");
    db_bind_int(resets, 1, until);
    db_bind_int(resets, 2, limit);
    db_bind_int(resets, 3, LIMIT_RESET_HAND_OVER_MS);
    if (!db_finish(resets, error))
        return FALSE;
    guint n_resets = (guint)db_changes(db);
    sweep->links_removed += n_invitations + n_resets;
    *most = MAX(*most, MAX(n_invitations, n_resets));
    return TRUE;
}

static gboolean blank_tokens(
    Db *db, WallMs until, guint limit, RetentionSweep *sweep, guint *most, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE tokens SET name = '', hint = '', from_addresses = NULL, networks = NULL, "
        "created_by = NULL WHERE row IN (SELECT row FROM tokens WHERE revoked_at <= $1 AND "
        "(name <> '' OR hint <> '') LIMIT $2)");
    db_bind_int(q, 1, until);
    db_bind_int(q, 2, limit);
    if (!db_finish(q, error))
        return FALSE;
    sweep->tokens_blanked += db_changes(db);
    *most = MAX(*most, (guint)db_changes(db));
    return TRUE;
}

static gboolean forget_events(Db *db, WallMs until, WallMs now, guint limit, RetentionSweep *sweep,
    guint *most, GError **error)
{
    g_autoptr(GArray) organisations = organisations_all(db, error);
    for (guint i = 0; organisations && i < organisations->len; i++) {
        gint64 org_id = g_array_index(organisations, gint64, i), n;
        if (!audit_forget(db, org_id, until, now, limit, &n, error))
            return FALSE;
        sweep->events_forgotten += n;
        *most = MAX(*most, (guint)n);
    }
    return organisations != NULL;
}

static gboolean sweep_people(Db *db, const RetentionTerms *terms, WallMs now, guint limit,
    RetentionSweep *sweep, GError **error)
{
    guint most = 0; /* of one kind */
    WallMs links = now - terms->keep_links_days * CLOCK_DAY_MS;
    WallMs audit = now - terms->keep_audit_days * CLOCK_DAY_MS;
    if (sweep->people_are_over)
        return TRUE;
    if (terms->keep_links_days > 0 && (!forget_links(db, links, limit, sweep, &most, error) ||
                                          !blank_tokens(db, links, limit, sweep, &most, error)))
        return FALSE;
    if (terms->keep_audit_days > 0 && !forget_events(db, audit, now, limit, sweep, &most, error))
        return FALSE;
    sweep->people_are_over = most < limit;
    return TRUE;
}

/* --- All of it ---------------------------------------------------------------------------------
 */

gboolean retention_is_over(const RetentionSweep *sweep)
{
    return sweep->bodies.is_over && sweep->emails.is_over && sweep->people_are_over;
}

gboolean retention_step(Db *db, const RetentionTerms *terms, WallMs now, guint limit,
    RetentionSweep *sweep, GError **error)
{
    const Broom bodies = {FALSE, terms->keep_bodies_days, &sweep->bodies};
    const Broom emails = {TRUE, terms->keep_emails_days, &sweep->emails};
    return sweep_on(db, &bodies, now, limit, sweep, error) &&
           sweep_on(db, &emails, now, limit, sweep, error) &&
           sweep_people(db, terms, now, limit, sweep, error);
}
