#include "store/people.h"

#include "base/error.h"

void member_free(Member *member)
{
    if (!member)
        return;
    g_free(member->email);
    g_free(member->name);
    g_free(member->password_hash);
    g_free(member->language);
    g_free(member);
}

static void free_member(gpointer member)
{
    member_free(member);
}

/* --- Reading --------------------------------------------------------------------------------- */

gboolean members_count(Db *db, gint64 org_id, gint64 *count, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT COUNT(*) FROM members WHERE org_id = $1 AND removed_at IS NULL");
    db_bind_int(q, 1, org_id);
    gint64 n = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    *count = n;
    return TRUE;
}

#define MEMBER                                                                         \
    "SELECT row, org_id, id, email, name, role, password_hash, language, created_at, " \
    "password_changed_at, signed_in_at, has_notices FROM members WHERE removed_at IS NULL "

static Member *read_member(DbQuery *q)
{
    Member *member = g_new0(Member, 1);
    member->row = db_int(q, 0);
    member->org_id = db_int(q, 1);
    db_id(q, 2, &member->id);
    member->email = db_dup_text(q, 3);
    member->name = db_dup_text(q, 4);
    member->role = (PeopleRole)db_int(q, 5);
    member->password_hash = db_dup_text(q, 6);
    member->language = db_dup_text(q, 7);
    member->created_at = db_int(q, 8);
    member->password_changed_at = db_int(q, 9);
    member->signed_in_at = db_int(q, 10);
    member->has_notices = db_int(q, 11) != 0;
    return member;
}

/* Reads the one row of q to its end; NULL without error if there is none. */
static Member *finish_member(DbQuery *q, GError **error)
{
    g_autoptr(Member) member = db_next(q) ? read_member(q) : NULL;
    return db_finish(q, error) ? g_steal_pointer(&member) : NULL;
}

Member *member_by_email(Db *db, const char *email, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "AND lower(email) = lower($1)");
    db_bind_text(q, 1, email);
    return finish_member(q, error);
}

gboolean member_read_any(Db *db, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "LIMIT 1");
    g_autoptr(Member) any = finish_member(q, error);
    return any != NULL;
}

Member *member_by_row(Db *db, gint64 row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "AND row = $1");
    db_bind_int(q, 1, row);
    return finish_member(q, error);
}

Member *member_by_id(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "AND org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return finish_member(q, error);
}

static Member *expect(Member *member, GError *failure, GError **error)
{
    if (failure)
        g_propagate_error(error, failure);
    else if (!member)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such member (any more)");
    return member;
}

Member *member_need(Db *db, gint64 org_id, gint64 row, GError **error)
{
    GError *failure = NULL;
    g_autoptr(Member) member = member_by_row(db, row, &failure);
    if (member && member->org_id != org_id)
        g_clear_pointer(&member, member_free);
    return expect(g_steal_pointer(&member), failure, error);
}

Member *member_need_by_id(Db *db, gint64 org_id, const Id *id, GError **error)
{
    GError *failure = NULL;
    Member *member = member_by_id(db, org_id, id, &failure);
    return expect(member, failure, error);
}

static gpointer read_member_of_list(DbQuery *q)
{
    return read_member(q);
}

GPtrArray *members_list(Db *db, gint64 org_id, const Page *page, gboolean *has_more, GError **error)
{
    g_autoptr(DbQuery) q =
        page_is_upwards(page)
            ? db_query(db, MEMBER "AND org_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            : db_query(db, MEMBER "AND org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, page_edge(page));
    db_bind_int(q, 3, page_rows(page));
    return page_read(q, page, read_member_of_list, free_member, has_more, error);
}

/* --- Writing --------------------------------------------------------------------------------- */

gboolean member_insert(Db *db, const Member *member, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO members (org_id, id, email, name, role, password_hash, language, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    db_bind_int(q, 1, member->org_id);
    db_bind_id(q, 2, &member->id);
    db_bind_text(q, 3, member->email);
    db_bind_text(q, 4, member->name);
    db_bind_int(q, 5, member->role);
    db_bind_text(q, 6, member->password_hash);
    db_bind_text(q, 7, member->language);
    db_bind_int(q, 8, member->created_at);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, member->org_id, NULL);
    return TRUE;
}

/* Somebody must be left who can let others in again. */
static gboolean check_other_admin(Db *db, const Member *member, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM members WHERE org_id = $1 AND row <> $2 "
                                        "AND role = $3 AND removed_at IS NULL LIMIT 1");
    db_bind_int(q, 1, member->org_id);
    db_bind_int(q, 2, member->row);
    db_bind_int(q, 3, PEOPLE_ROLE_ORG_ADMIN);
    gboolean is_there = db_next(q);
    if (!db_finish(q, error))
        return FALSE;
    if (!is_there)
        g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED, "this is the last administrator");
    return is_there;
}

static gboolean was_found(Db *db, GError **error)
{
    if (db_changes(db) == 1)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such member (any more)");
    return FALSE;
}

gboolean member_update(Db *db, const Member *member, GError **error)
{
    if (member->role != PEOPLE_ROLE_ORG_ADMIN && !check_other_admin(db, member, error))
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE members SET name = $2, role = $3, language = $4, has_notices = $6 "
                     "WHERE row = $1 AND org_id = $5 AND removed_at IS NULL");
    db_bind_int(q, 1, member->row);
    db_bind_text(q, 2, member->name);
    db_bind_int(q, 3, member->role);
    db_bind_text(q, 4, member->language);
    db_bind_int(q, 5, member->org_id);
    db_bind_int(q, 6, member->has_notices);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, member->org_id, NULL);
    return db_finish(q, error) && was_found(db, error);
}

gboolean member_remove(Db *db, const Member *member, WallMs now, GError **error)
{
    if (!check_other_admin(db, member, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE members SET removed_at = $3, email = '', name = NULL, password_hash = NULL, "
        "language = NULL, signed_in_at = NULL, password_changed_at = NULL "
        "WHERE row = $1 AND org_id = $2 AND removed_at IS NULL");
    db_bind_int(q, 1, member->row);
    db_bind_int(q, 2, member->org_id);
    db_bind_int(q, 3, now);
    return db_finish(q, error) && was_found(db, error) &&
           sessions_delete_of_member(db, member->org_id, member->row, 0, error);
}

gboolean member_write_password(
    Db *db, gint64 org_id, gint64 member_row, const char *hash, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE members SET password_hash = $3, password_changed_at = $4 "
                     "WHERE row = $1 AND org_id = $2 AND removed_at IS NULL");
    db_bind_int(q, 1, member_row);
    db_bind_int(q, 2, org_id);
    db_bind_text(q, 3, hash);
    db_bind_int(q, 4, now);
    return db_finish(q, error) && was_found(db, error);
}

gboolean member_reread(Db *db, const Member *judged, Member **current, GError **error)
{
    g_autoptr(Member) member = member_need(db, judged->org_id, judged->row, error);
    if (!member)
        return FALSE;
    if (g_strcmp0(member->password_hash, judged->password_hash) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED, "the account has changed meanwhile");
        return FALSE;
    }
    *current = g_steal_pointer(&member);
    return TRUE;
}

gboolean member_note_sign_in(Db *db, gint64 member_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE members SET signed_in_at = $2 WHERE row = $1");
    db_bind_int(q, 1, member_row);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

/* --- First-run setup ------------------------------------------------------------------------- */

gboolean setup_token_write(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs expires_at, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO setup_token (row, hash, expires_at) VALUES (1, $1, $2) "
                     "ON CONFLICT (row) DO UPDATE SET hash = excluded.hash, "
                     "expires_at = excluded.expires_at");
    db_bind_blob(q, 1, hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, expires_at);
    return db_finish(q, error);
}

gboolean setup_token_is_good(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now, gboolean *is_good, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM setup_token WHERE hash = $1 AND expires_at "
                                        "> $2 AND NOT EXISTS (SELECT 1 FROM members)");
    db_bind_blob(q, 1, hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    *is_good = db_next(q);
    return db_finish(q, error);
}

gboolean setup_token_redeem(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM setup_token WHERE hash = $1 AND expires_at > $2 "
                     "AND NOT EXISTS (SELECT 1 FROM members)");
    db_bind_blob(q, 1, hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    if (!db_finish(q, error))
        return FALSE;
    if (db_changes(db) == 1)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED, "this setup link is not valid (any more)");
    return FALSE;
}
