#include "store/people.h"

#include "base/error.h"
#include "base/limits.h"

#include <string.h>

static void read_hash(DbQuery *q, int column, guint8 hash[PEOPLE_HASH_BYTES])
{
    g_autoptr(GBytes) bytes = db_dup_bytes(q, column);
    gsize n;
    const void *data = g_bytes_get_data(bytes, &n);
    g_assert(n == PEOPLE_HASH_BYTES); /* a CHECK of the table */
    memcpy(hash, data, n);
}

/* --- Members --------------------------------------------------------------------------------- */

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

gboolean members_count(Db *db, gint64 org_id, gint64 *count, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT COUNT(*) FROM members WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    gint64 n = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    *count = n;
    return TRUE;
}

#define MEMBER \
    "SELECT row, org_id, id, email, name, role, password_hash, language, created_at FROM members "

/* Reads the one row of q to its end; NULL without error if there is none. */
static Member *finish_member(DbQuery *q, GError **error)
{
    g_autoptr(Member) member = NULL;
    if (db_next(q)) {
        member = g_new0(Member, 1);
        member->row = db_int(q, 0);
        member->org_id = db_int(q, 1);
        db_id(q, 2, &member->id);
        member->email = db_dup_text(q, 3);
        member->name = db_dup_text(q, 4);
        member->role = (PeopleRole)db_int(q, 5);
        member->password_hash = db_dup_text(q, 6);
        member->language = db_dup_text(q, 7);
        member->created_at = db_int(q, 8);
    }
    return db_finish(q, error) ? g_steal_pointer(&member) : NULL;
}

Member *member_by_email(Db *db, const char *email, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "WHERE lower(email) = lower($1)");
    db_bind_text(q, 1, email);
    return finish_member(q, error);
}

Member *member_by_row(Db *db, gint64 row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, MEMBER "WHERE row = $1");
    db_bind_int(q, 1, row);
    return finish_member(q, error);
}

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

/* --- Sessions -------------------------------------------------------------------------------- */

/* Old ones go when a new one comes. */
static gboolean prune_sessions(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM sessions WHERE expires_at <= $1 OR used_at <= $2");
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, now - LIMIT_SESSION_IDLE_MS);
    return db_finish(q, error);
}

gboolean session_insert(Db *db, const Session *session, gint64 *row, GError **error)
{
    if (!prune_sessions(db, session->created_at, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO sessions (org_id, member_row, id, hash, created_at, expires_at, used_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)");
    db_bind_int(q, 1, session->org_id);
    db_bind_int(q, 2, session->member_row);
    db_bind_id(q, 3, &session->id);
    db_bind_blob(q, 4, session->hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 5, session->created_at);
    db_bind_int(q, 6, session->expires_at);
    db_bind_int(q, 7, MAX(session->used_at, session->created_at));
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, session->org_id, NULL);
    return TRUE;
}

gboolean session_delete(Db *db, gint64 row, GError **error)
{
    gint64 org_id = 0;
    g_autoptr(DbQuery) find = db_query(db, "SELECT org_id FROM sessions WHERE row = $1");
    db_bind_int(find, 1, row);
    if (db_next(find))
        org_id = db_int(find, 0);
    if (!db_finish(find, error))
        return FALSE;
    if (org_id == 0) /* gone already: signing out twice is no error */
        return TRUE;
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM sessions WHERE row = $1");
    db_bind_int(q, 1, row);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, org_id, NULL);
    return db_finish(q, error);
}

/* --- Tokens ---------------------------------------------------------------------------------- */

void token_free(Token *token)
{
    if (!token)
        return;
    g_free(token->name);
    g_free(token->hint);
    g_free(token);
}

static void free_token(gpointer token)
{
    token_free(token);
}

gboolean token_insert(Db *db, const Token *token, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO tokens (org_id, id, hash, name, hint, scopes, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    db_bind_int(q, 1, token->org_id);
    db_bind_id(q, 2, &token->id);
    db_bind_blob(q, 3, token->hash, PEOPLE_HASH_BYTES);
    db_bind_text(q, 4, token->name);
    db_bind_text(q, 5, token->hint);
    db_bind_int(q, 6, token->scopes);
    db_bind_int(q, 7, token->created_at);
    db_bind_int_or_null(q, 8, token->expires_at);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, token->org_id, NULL);
    return TRUE;
}

gboolean token_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE tokens SET revoked_at = $3 WHERE org_id = $1 "
                                        "AND id = $2 AND revoked_at IS NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_int(q, 3, now);
    if (!db_finish(q, error))
        return FALSE;
    if (db_changes(db) == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such token");
        return FALSE;
    }
    store_note_change(db, STORE_CHANGED_CREDENTIALS, org_id, NULL);
    return TRUE;
}

#define TOKEN                                                                             \
    "SELECT row, org_id, id, hash, name, hint, scopes, created_at, expires_at, used_at, " \
    "revoked_at FROM tokens WHERE revoked_at IS NULL "

static GPtrArray *finish_tokens(DbQuery *q, GError **error)
{
    g_autoptr(GPtrArray) tokens = g_ptr_array_new_with_free_func(free_token);
    while (db_next(q)) {
        Token *token = g_new0(Token, 1);
        token->row = db_int(q, 0);
        token->org_id = db_int(q, 1);
        db_id(q, 2, &token->id);
        read_hash(q, 3, token->hash);
        token->name = db_dup_text(q, 4);
        token->hint = db_dup_text(q, 5);
        token->scopes = (guint)db_int(q, 6);
        token->created_at = db_int(q, 7);
        token->expires_at = db_int(q, 8);
        token->used_at = db_int(q, 9);
        token->revoked_at = db_int(q, 10);
        g_ptr_array_add(tokens, token);
    }
    return db_finish(q, error) ? g_steal_pointer(&tokens) : NULL;
}

GPtrArray *tokens_list(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, TOKEN "AND org_id = $1 ORDER BY id DESC");
    db_bind_int(q, 1, org_id);
    return finish_tokens(q, error);
}

/* --- For the table in memory ----------------------------------------------------------------- */

static GArray *load_sessions(Db *db, WallMs now, GError **error)
{
    g_autoptr(GArray) sessions = g_array_new(FALSE, FALSE, sizeof(Session));
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT s.row, s.org_id, s.member_row, s.id, s.hash, m.role, s.created_at, s.expires_at, "
        "s.used_at FROM sessions s JOIN members m ON m.row = s.member_row "
        "WHERE s.expires_at > $1 AND s.used_at > $2 ORDER BY s.row");
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, now - LIMIT_SESSION_IDLE_MS);
    while (db_next(q)) {
        Session session = {.row = db_int(q, 0),
            .org_id = db_int(q, 1),
            .member_row = db_int(q, 2),
            .role = (PeopleRole)db_int(q, 5),
            .created_at = db_int(q, 6),
            .expires_at = db_int(q, 7),
            .used_at = db_int(q, 8)};
        db_id(q, 3, &session.id);
        read_hash(q, 4, session.hash);
        g_array_append_val(sessions, session);
    }
    return db_finish(q, error) ? g_steal_pointer(&sessions) : NULL;
}

gboolean credentials_load(Db *db, WallMs now, GArray **sessions, GPtrArray **tokens, GError **error)
{
    g_autoptr(GArray) live_sessions = load_sessions(db, now, error);
    if (!live_sessions)
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, TOKEN "AND (expires_at IS NULL OR expires_at > $1) ORDER BY row");
    db_bind_int(q, 1, now);
    GPtrArray *live_tokens = finish_tokens(q, error);
    if (!live_tokens)
        return FALSE;
    *sessions = g_steal_pointer(&live_sessions);
    *tokens = live_tokens;
    return TRUE;
}

static gboolean touch(DbQuery *q, gint64 row, WallMs now, GError **error)
{
    db_bind_int(q, 1, row);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

gboolean credentials_touch(
    Db *db, GArray *session_rows, GArray *token_rows, WallMs now, GError **error)
{
    for (guint i = 0; session_rows && i < session_rows->len; i++)
        if (!touch(db_query(db, "UPDATE sessions SET used_at = $2 WHERE row = $1"),
                g_array_index(session_rows, gint64, i), now, error))
            return FALSE;
    for (guint i = 0; token_rows && i < token_rows->len; i++)
        if (!touch(db_query(db, "UPDATE tokens SET used_at = $2 WHERE row = $1"),
                g_array_index(token_rows, gint64, i), now, error))
            return FALSE;
    return TRUE;
}
