#include "store/sessions.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/tokens.h"

#include <string.h>

void credential_hash_read(DbQuery *q, int column, guint8 hash[PEOPLE_HASH_BYTES])
{
    g_autoptr(GBytes) bytes = db_dup_bytes(q, column);
    gsize n;
    const void *data = g_bytes_get_data(bytes, &n);
    g_assert(n == PEOPLE_HASH_BYTES); /* a CHECK of the table */
    memcpy(hash, data, n);
}

/* --- Beginning ------------------------------------------------------------------------------- */

/* Old ones go when a new one comes, and those that somebody has too many of. */
static gboolean prune_sessions(Db *db, const Session *fresh, GError **error)
{
    g_autoptr(DbQuery) old =
        db_query(db, "DELETE FROM sessions WHERE expires_at <= $1 OR used_at <= $2");
    db_bind_int(old, 1, fresh->created_at);
    db_bind_int(old, 2, fresh->created_at - LIMIT_SESSION_IDLE_MS);
    if (!db_finish(old, error))
        return FALSE;
    g_autoptr(DbQuery) many = db_query(db,
        "DELETE FROM sessions WHERE row IN (SELECT row FROM sessions WHERE member_row = $1 "
        "ORDER BY used_at DESC, row DESC LIMIT -1 OFFSET $2)");
    db_bind_int(many, 1, fresh->member_row);
    db_bind_int(many, 2, LIMIT_SESSIONS - 1);
    return db_finish(many, error);
}

gboolean session_insert(
    Db *db, const Session *session, const SessionOrigin *origin, gint64 *row, GError **error)
{
    if (!prune_sessions(db, session, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO sessions (org_id, member_row, id, hash, created_at, expires_at, used_at, "
        "client, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    db_bind_int(q, 1, session->org_id);
    db_bind_int(q, 2, session->member_row);
    db_bind_id(q, 3, &session->id);
    db_bind_blob(q, 4, session->hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 5, session->created_at);
    db_bind_int(q, 6, session->expires_at);
    db_bind_int(q, 7, MAX(session->used_at, session->created_at));
    db_bind_text(q, 8, origin ? origin->client : NULL);
    db_bind_text(q, 9, origin ? origin->agent : NULL);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, session->org_id, NULL);
    return TRUE;
}

/* --- Ending ---------------------------------------------------------------------------------- */

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

gboolean sessions_delete_of_member(
    Db *db, gint64 org_id, gint64 member_row, gint64 but_row, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM sessions WHERE org_id = $1 AND member_row = $2 AND row <> $3");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, member_row);
    db_bind_int(q, 3, but_row);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, org_id, NULL);
    return db_finish(q, error);
}

gboolean session_delete_own(Db *db, gint64 member_row, const Id *id, gint64 *row, GError **error)
{
    gint64 found = 0;
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row FROM sessions WHERE member_row = $1 AND id = $2");
    db_bind_int(q, 1, member_row);
    db_bind_id(q, 2, id);
    if (db_next(q))
        found = db_int(q, 0);
    if (!db_finish(q, error))
        return FALSE;
    if (found == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such session");
        return FALSE;
    }
    *row = found;
    return session_delete(db, found, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

void session_row_free(SessionRow *row)
{
    if (!row)
        return;
    g_free(row->client);
    g_free(row->agent);
    g_free(row);
}

static void free_session_row(gpointer row)
{
    session_row_free(row);
}

/* The columns of Session; those behind them are the caller's. */
#define SESSION                                                                                \
    "SELECT s.row, s.org_id, s.member_row, s.id, s.hash, m.role, s.created_at, s.expires_at, " \
    "s.used_at, s.client, s.agent FROM sessions s JOIN members m ON m.row = s.member_row "     \
    "WHERE s.expires_at > $1 AND s.used_at > $2 AND m.removed_at IS NULL "

static void read_session(DbQuery *q, Session *session)
{
    *session = (Session){.row = db_int(q, 0),
        .org_id = db_int(q, 1),
        .member_row = db_int(q, 2),
        .role = (PeopleRole)db_int(q, 5),
        .created_at = db_int(q, 6),
        .expires_at = db_int(q, 7),
        .used_at = db_int(q, 8)};
    db_id(q, 3, &session->id);
    credential_hash_read(q, 4, session->hash);
}

static void bind_live(DbQuery *q, WallMs now)
{
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, now - LIMIT_SESSION_IDLE_MS);
}

GPtrArray *sessions_list(Db *db, gint64 member_row, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_session_row);
    g_autoptr(DbQuery) q = db_query(db, SESSION "AND s.member_row = $3 ORDER BY s.id DESC");
    bind_live(q, now);
    db_bind_int(q, 3, member_row);
    while (db_next(q)) {
        SessionRow *row = g_new0(SessionRow, 1);
        read_session(q, &row->session);
        row->client = db_dup_text(q, 9);
        row->agent = db_dup_text(q, 10);
        g_ptr_array_add(rows, row);
    }
    return db_finish(q, error) ? g_steal_pointer(&rows) : NULL;
}

/* --- In the transaction of a deed ------------------------------------------------------------ */

gboolean credential_check(Db *db, const PeopleCaller *caller, const guint8 hash[PEOPLE_HASH_BYTES],
    WallMs now, GError **error)
{
    gboolean is_session = caller->kind == PEOPLE_CALLER_MEMBER, is_good = FALSE;
    g_autoptr(DbQuery) q =
        is_session ? db_query(db, "SELECT m.role FROM sessions s JOIN members m ON m.row = "
                                  "s.member_row WHERE s.hash = $1 AND s.expires_at > $2 AND "
                                  "m.removed_at IS NULL")
                   : db_query(db, "SELECT scopes FROM tokens WHERE hash = $1 AND revoked_at IS "
                                  "NULL AND (expires_at IS NULL OR expires_at > $2)");
    db_bind_blob(q, 1, hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    if (db_next(q)) {
        gint64 held = db_int(q, 0);
        guint scopes = is_session ? people_role_scopes((PeopleRole)held) : (guint)held;
        is_good = (caller->scopes & ~scopes) == 0;
    }
    if (!db_finish(q, error))
        return FALSE;
    if (!is_good)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_DENIED, "the caller's right has ended");
    return is_good;
}

/* --- For the table in memory ----------------------------------------------------------------- */

static GArray *load_sessions(Db *db, WallMs now, GError **error)
{
    g_autoptr(GArray) sessions = g_array_new(FALSE, FALSE, sizeof(Session));
    g_autoptr(DbQuery) q = db_query(db, SESSION "ORDER BY s.row");
    bind_live(q, now);
    while (db_next(q)) {
        Session session;
        read_session(q, &session);
        g_array_append_val(sessions, session);
    }
    return db_finish(q, error) ? g_steal_pointer(&sessions) : NULL;
}

gboolean credentials_load(Db *db, WallMs now, GArray **sessions, GPtrArray **tokens, GError **error)
{
    g_autoptr(GArray) live_sessions = load_sessions(db, now, error);
    if (!live_sessions)
        return FALSE;
    GPtrArray *live_tokens = tokens_live(db, now, error);
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
