/* Who holds which token or session, in memory, so that a request is judged on its headers without
 * asking the database. Loaded at start and whenever the store says that credentials changed; a
 * session or token made by an answer is added before the answer leaves. Thread-safe. */
#pragma once

#include "people/access.h"
#include "store/people.h"

typedef struct credentials Credentials;

Credentials *credentials_new(Store *store);
void credentials_free(Credentials *credentials);

/* Reads all live ones again. Blocking: not on the server's or the writing thread. */
gboolean credentials_reload(Credentials *credentials, GError **error);

void credentials_add_session(Credentials *credentials, const Session *session);
void credentials_add_token(Credentials *credentials, const Token *token);
void credentials_remove(Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES]);
void credentials_remove_token(Credentials *credentials, const Id *id);
void credentials_remove_session(Credentials *credentials, gint64 row);

/* All sessions of a member but one (0: all). */
void credentials_remove_member(Credentials *credentials, gint64 member_row, gint64 but_row);

/* When the session or token of this id was used last, as far as it is noted here; 0: not known. */
WallMs credentials_used_at(Credentials *credentials, const Id *id);

/* FALSE: unknown, expired, or a session unused for LIMIT_SESSION_IDLE_MS. Notes the use. */
gboolean credentials_find(Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES],
    WallMs now, PeopleCaller *caller);

/* As credentials_find, without noting a use. */
gboolean credentials_are_valid(
    Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now);

/* Writes last uses noted since the last call, without waiting; to be called once a minute. */
void credentials_flush(Credentials *credentials, WallMs now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Credentials, credentials_free)
