/* Members, sessions, API tokens and the first-run setup token, as SQL functions. Only hashes of
 * secrets are stored. */
#pragma once

#include "people/access.h"
#include "store/store.h"

typedef struct {
    gint64 row, org_id;
    Id id;
    char *email, *name;
    PeopleRole role;
    char *password_hash; /* Argon2id string; NULL while not set */
    char *language;      /* "de", "en" or NULL */
    WallMs created_at;
} Member;
void member_free(Member *member);

gboolean members_count(Db *db, gint64 org_id, gint64 *count, GError **error);
Member *member_by_email(Db *db, const char *email, GError **error); /* NULL without error: none */
Member *member_by_row(Db *db, gint64 row, GError **error);
gboolean member_insert(Db *db, const Member *member, gint64 *row,
    GError **error); /* ABS_ERROR_CONFLICT: address taken */

/* First-run setup: one token, replaced at every start while no member exists. */
gboolean setup_token_write(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs expires_at, GError **error);
/* Uses it up in the same job in which the first member is made. ABS_ERROR_DENIED if wrong, used,
 * expired, or a member exists. */
gboolean setup_token_redeem(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now, GError **error);

typedef struct {
    gint64 row, org_id, member_row;
    Id id;
    guint8 hash[PEOPLE_HASH_BYTES];
    PeopleRole role;
    WallMs created_at, expires_at, used_at;
} Session;
gboolean session_insert(
    Db *db, const Session *session, gint64 *row, GError **error); /* notes CREDENTIALS */
gboolean session_delete(Db *db, gint64 row, GError **error);

typedef struct {
    gint64 row, org_id;
    Id id;
    guint8 hash[PEOPLE_HASH_BYTES];
    char *name, *hint; /* hint: the first characters, to tell tokens apart */
    guint scopes;      /* PEOPLE_SCOPE_* */
    WallMs created_at, expires_at, used_at, revoked_at;
} Token;
void token_free(Token *token);
gboolean token_insert(
    Db *db, const Token *token, gint64 *row, GError **error); /* notes CREDENTIALS */
gboolean token_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error);
GPtrArray *tokens_list(
    Db *db, gint64 org_id, GError **error); /* of Token, newest first, not revoked */

/* All live credentials, for the table in memory. GArray of Session; GPtrArray of Token. Expired and
 * revoked ones are left out. */
gboolean credentials_load(
    Db *db, WallMs now, GArray **sessions, GPtrArray **tokens, GError **error);
gboolean credentials_touch(
    Db *db, GArray *session_rows, GArray *token_rows, WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Member, member_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Token, token_free)
