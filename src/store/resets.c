#include "store/resets.h"

#include "base/error.h"
#include "store/emails_actions.h"
#include "store/page.h"
#include "store/webhooks.h"

const char *reset_state_name(ResetState state)
{
    switch (state) {
    case RESET_ASKED:
        return "asked";
    case RESET_MAILED:
        return "mailed";
    case RESET_TO_HAND_OVER:
        return "to_hand_over";
    case RESET_HANDED_OVER:
        return "handed_over";
    case RESET_USED:
        return "used";
    case RESET_OVER:
        return "over";
    }
    g_assert_not_reached();
}

void reset_free(Reset *reset)
{
    if (!reset)
        return;
    g_free(reset->account);
    g_free(reset->language);
    g_free(reset->asked_from);
    g_free(reset->member_email);
    g_free(reset->member_name);
    g_free(reset->member_language);
    g_free(reset);
}

static void free_reset(gpointer reset)
{
    reset_free(reset);
}

/* --- Reading --------------------------------------------------------------------------------- */

#define RESET                                                                                   \
    "SELECT r.row, r.org_id, r.id, r.account, r.member_row, r.language, r.state, r.asked_at, "  \
    "r.updated_at, r.asked_from, r.expires_at, r.email_id, m.id, m.email, m.name, m.language, " \
    "m.role FROM password_resets r LEFT JOIN members m ON m.row = r.member_row AND "            \
    "m.removed_at IS NULL "

static Reset *read_row(DbQuery *q)
{
    Reset *reset = g_new0(Reset, 1);
    reset->row = db_int(q, 0);
    reset->org_id = db_int(q, 1);
    db_id(q, 2, &reset->id);
    reset->account = db_dup_text(q, 3);
    reset->member_row = db_int(q, 4);
    reset->language = db_dup_text(q, 5);
    reset->state = (ResetState)db_int(q, 6);
    reset->asked_at = db_int(q, 7);
    reset->updated_at = db_int(q, 8);
    reset->asked_from = db_dup_text(q, 9);
    reset->expires_at = db_int(q, 10);
    reset->has_email = db_id(q, 11, &reset->email_id);
    if (db_id(q, 12, &reset->member_id)) {
        reset->member_email = db_dup_text(q, 13);
        reset->member_name = db_dup_text(q, 14);
        reset->member_language = db_dup_text(q, 15);
        reset->member_role = (PeopleRole)db_int(q, 16);
    }
    return reset;
}

/* Reads the one row of q to its end; NULL without error if there is none. */
static Reset *finish_one(DbQuery *q, GError **error)
{
    g_autoptr(Reset) reset = db_next(q) ? read_row(q) : NULL;
    return db_finish(q, error) ? g_steal_pointer(&reset) : NULL;
}

GPtrArray *resets_asked(Db *db, gint64 after_row, guint limit, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_reset);
    g_autoptr(DbQuery) q =
        db_query(db, RESET "WHERE r.state = 1 AND r.row > $2 ORDER BY r.row LIMIT $1");
    db_bind_int(q, 1, limit);
    db_bind_int(q, 2, after_row);
    while (db_next(q))
        g_ptr_array_add(list, read_row(q));
    return db_finish(q, error) ? g_steal_pointer(&list) : NULL;
}

Reset *reset_by_id(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, RESET "WHERE r.org_id = $1 AND r.id = $2 AND m.row IS NOT NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return finish_one(q, error);
}

Reset *reset_by_token(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, RESET "WHERE r.token_hash = $1 AND r.state IN (2, 3, 4) AND "
                           "r.expires_at > $2 AND m.row IS NOT NULL");
    db_bind_blob(q, 1, token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    return finish_one(q, error);
}

static gpointer read_row_of_list(DbQuery *q)
{
    return read_row(q);
}

/* Of members only; the last state wanted in $4. */
#define WANTED "m.row IS NOT NULL AND r.state <= $4 "

GPtrArray *resets_list(Db *db, const ResetFilter *filter, gboolean *has_more, GError **error)
{
    const Page page = {filter->limit, filter->after, filter->before};
    g_autoptr(DbQuery) q = page_is_upwards(&page)
                               ? db_query(db, RESET "WHERE r.org_id = $1 AND r.id > $2 AND " WANTED
                                                    "ORDER BY r.id LIMIT $3")
                               : db_query(db, RESET "WHERE r.org_id = $1 AND r.id < $2 AND " WANTED
                                                    "ORDER BY r.id DESC LIMIT $3");
    db_bind_int(q, 1, filter->org_id);
    db_bind_id(q, 2, page_edge(&page));
    db_bind_int(q, 3, page_rows(&page));
    db_bind_int(q, 4, filter->only_open ? RESET_HANDED_OVER : RESET_OVER);
    return page_read(q, &page, read_row_of_list, free_reset, has_more, error);
}

/* --- Asking ---------------------------------------------------------------------------------- */

gboolean reset_ask(Db *db, const Reset *reset, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO password_resets (org_id, id, account, language, state, asked_at, asked_from, "
        "updated_at) VALUES ($1, $2, $3, $4, 1, $5, $6, $5)");
    db_bind_int(q, 1, reset->org_id);
    db_bind_id(q, 2, &reset->id);
    db_bind_text(q, 3, reset->account);
    db_bind_text(q, 4, reset->language);
    db_bind_int(q, 5, reset->asked_at);
    db_bind_text(q, 6, reset->asked_from);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    return TRUE;
}

gboolean reset_forget(Db *db, gint64 row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM password_resets WHERE row = $1 AND state = 1");
    db_bind_int(q, 1, row);
    return db_finish(q, error);
}

/* --- Links ----------------------------------------------------------------------------------- */

/* What a change found nothing to change. */
static gboolean check_changed(Db *db, gint64 org_id, GError **error)
{
    store_note_change(db, STORE_CHANGED_RESETS, org_id, NULL);
    if (db_changes(db) == 1)
        return TRUE;
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_CONFLICT, "this reset is used or over");
    return FALSE;
}

/* Whoever hands links on is not always looking at the list. The others that wait for a person are
 * those whose mail has failed: webhook_note_move. */
static gboolean tell_waiting(Db *db, gint64 org_id, gint64 row, WallMs now, GError **error)
{
    Id id = {{0}};
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT id, asked_at FROM password_resets WHERE org_id = $1 AND row = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, row);
    WallMs asked_at = 0;
    if (db_next(q) && db_id(q, 0, &id))
        asked_at = db_int(q, 1);
    return db_finish(q, error) && webhook_note_reset(db, org_id, &id, asked_at, now, error);
}

gboolean reset_write_link(
    Db *db, gint64 org_id, gint64 row, const ResetLink *link, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE password_resets SET org_id = $1, member_row = $3, state = $4, "
                     "token_hash = $5, expires_at = $6, "
                     "email_id = coalesce($7, email_id), updated_at = $8, copied_by = $9 "
                     "WHERE row = $2 AND state <= 4 AND (org_id = $1 OR state = 1)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, row);
    db_bind_int(q, 3, link->member_row);
    db_bind_int(q, 4, link->state);
    db_bind_blob(q, 5, link->expires_at ? link->token_hash : NULL, PEOPLE_HASH_BYTES);
    db_bind_int_or_null(q, 6, link->expires_at);
    db_bind_id(q, 7, link->email_id);
    db_bind_int(q, 8, now);
    db_bind_text(q, 9, link->copied_by);
    return db_finish(q, error) && check_changed(db, org_id, error) &&
           (link->state != RESET_TO_HAND_OVER || tell_waiting(db, org_id, row, now, error));
}

gboolean reset_dismiss(Db *db, gint64 org_id, gint64 row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE password_resets SET state = 6, token_hash = NULL, "
                                        "updated_at = $3 WHERE org_id = $1 AND row = $2 AND "
                                        "state <= 4");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, row);
    db_bind_int(q, 3, now);
    return db_finish(q, error) && check_changed(db, org_id, error);
}

gboolean resets_take_back(Db *db, gint64 org_id, const char *who, WallMs now, GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE password_resets SET state = 3, token_hash = NULL, expires_at = NULL, copied_by = "
        "NULL, updated_at = $3 WHERE org_id = $1 AND copied_by = $2 AND state = 4 RETURNING row");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, who);
    db_bind_int(q, 3, now);
    while (db_next(q)) {
        gint64 row = db_int(q, 0);
        g_array_append_val(rows, row);
    }
    store_note_change(db, STORE_CHANGED_RESETS, org_id, NULL);
    gboolean is_told = db_finish(q, error);
    for (guint i = 0; is_told && i < rows->len; i++)
        is_told = tell_waiting(db, org_id, g_array_index(rows, gint64, i), now, error);
    return is_told;
}

/* A reset that ends, and the mail with its link. */
typedef struct {
    gint64 row;
    Id email_id;
    gboolean has_email;
} Ending;

static GArray *find_others(
    Db *db, gint64 org_id, gint64 member_row, gint64 but_row, ResetState last, GError **error)
{
    g_autoptr(GArray) endings = g_array_new(FALSE, FALSE, sizeof(Ending));
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row, email_id FROM password_resets WHERE org_id = $1 AND "
                     "member_row = $2 AND row <> $3 AND state <= $4");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, member_row);
    db_bind_int(q, 3, but_row);
    db_bind_int(q, 4, last);
    while (db_next(q)) {
        Ending ending = {.row = db_int(q, 0)};
        ending.has_email = db_id(q, 1, &ending.email_id);
        g_array_append_val(endings, ending);
    }
    return db_finish(q, error) ? g_steal_pointer(&endings) : NULL;
}

gboolean resets_end_others(Db *db, gint64 org_id, gint64 member_row, gint64 but_row,
    gboolean with_handed_over, WallMs now, GError **error)
{
    ResetState last = with_handed_over ? RESET_HANDED_OVER : RESET_TO_HAND_OVER;
    g_autoptr(GArray) endings = find_others(db, org_id, member_row, but_row, last, error);
    for (guint i = 0; endings && i < endings->len; i++) {
        const Ending *ending = &g_array_index(endings, Ending, i);
        if (!reset_dismiss(db, org_id, ending->row, now, error) ||
            (ending->has_email &&
                !emails_end_link(db, org_id, &ending->email_id, FALSE, now, error)))
            return FALSE;
    }
    return endings != NULL;
}

gint64 reset_redeem(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE password_resets SET state = 5, updated_at = $2 WHERE token_hash = $1 AND state IN "
        "(2, 3, 4) AND expires_at > $2 AND EXISTS (SELECT 1 FROM members m WHERE m.row = "
        "member_row AND m.removed_at IS NULL) RETURNING row, member_row, org_id");
    db_bind_blob(q, 1, token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    gint64 member_row = 0;
    if (db_next(q)) {
        *row = db_int(q, 0);
        member_row = db_int(q, 1);
        store_note_change(db, STORE_CHANGED_RESETS, db_int(q, 2), NULL);
    }
    if (!db_finish(q, error))
        return 0;
    if (!member_row)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no live reset has it");
    return member_row;
}
