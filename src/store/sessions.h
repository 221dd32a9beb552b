/* Sessions of members' browsers, and all live credentials at once, as SQL functions. Only the hash
 * of a session's secret is stored. */
#pragma once

#include "people/access.h"
#include "store/store.h"

typedef struct {
    gint64 row, org_id, member_row;
    Id id;
    guint8 hash[PEOPLE_HASH_BYTES];
    PeopleRole role; /* read from the member */
    WallMs created_at, expires_at, used_at;
} Session;

/* Where it began: what a person needs to know her own sessions. */
typedef struct {
    const char *client; /* address */
    const char
        *agent; /* the browser's name of itself, at most LIMIT_AGENT_CHARACTERS; may be NULL */
} SessionOrigin;

/* Notes CREDENTIALS. Those that have ended go at the same time, and of the member's those that were
 * used longest ago beyond LIMIT_SESSIONS. origin NULL: not known. */
gboolean session_insert(
    Db *db, const Session *session, const SessionOrigin *origin, gint64 *row, GError **error);
gboolean session_delete(Db *db, gint64 row, GError **error);

/* Ends all of a member but one (0: all). Notes CREDENTIALS. */
gboolean sessions_delete_of_member(
    Db *db, gint64 org_id, gint64 member_row, gint64 but_row, GError **error);

/* Ends one of a member's own, and says which row it was. ABS_ERROR_NOT_FOUND: none of hers. */
gboolean session_delete_own(Db *db, gint64 member_row, const Id *id, gint64 *row, GError **error);

typedef struct {
    Session session;
    char *client, *agent; /* NULL: not known */
} SessionRow;
void session_row_free(SessionRow *row);

/* Those that are live, of SessionRow, newest first. */
GPtrArray *sessions_list(Db *db, gint64 member_row, WallMs now, GError **error);

/* --- For the table in memory ----------------------------------------------------------------- */

/* All live credentials. GArray of Session; GPtrArray of Token. Expired and revoked ones are left
 * out. */
gboolean credentials_load(
    Db *db, WallMs now, GArray **sessions, GPtrArray **tokens, GError **error);

/* Inside a job: the session or token with this hash, which was good when the caller was let in, has
 * not ended since, and none of her scopes were taken from her. ABS_ERROR_DENIED otherwise. */
gboolean credential_check(Db *db, const PeopleCaller *caller, const guint8 hash[PEOPLE_HASH_BYTES],
    WallMs now, GError **error);

gboolean credentials_touch(
    Db *db, GArray *session_rows, GArray *token_rows, WallMs now, GError **error);

/* A hash as it stands in a column of q. */
void credential_hash_read(DbQuery *q, int column, guint8 hash[PEOPLE_HASH_BYTES]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionRow, session_row_free)
