/* API tokens of applications, as SQL functions: what each may do, and how much it has handed over.
 * Only the hash of a token is stored. */
#pragma once

#include "outbox/quota.h"
#include "people/access.h"
#include "store/store.h"

typedef struct {
    gint64 row, org_id;
    Id id;
    guint8 hash[PEOPLE_HASH_BYTES];
    char *name, *hint;    /* hint: the first characters, to tell tokens apart */
    guint scopes;         /* PEOPLE_SCOPE_* */
    char *from_addresses; /* JSON array of addr-specs; NULL: what the settings allow */
    char *networks;       /* JSON array of CIDRs it may be used from; NULL: from anywhere */
    QuotaLimits quota;    /* mails it may hand over; each recipient counts as one */
    char *created_by;     /* a person's or token's name; NULL: not known */
    WallMs created_at, expires_at, used_at, revoked_at;
} Token;
void token_free(Token *token);
gboolean token_insert(
    Db *db, const Token *token, gint64 *row, GError **error); /* notes CREDENTIALS */

/* Writes name, from_addresses, networks, quota and expires_at of the token with this row and
 * organisation; notes CREDENTIALS. ABS_ERROR_NOT_FOUND if there is none, or it was revoked. */
gboolean token_write(Db *db, const Token *token, GError **error);
gboolean token_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error);

/* Not revoked; expired ones are shown. ABS_ERROR_NOT_FOUND. */
Token *token_get(Db *db, gint64 org_id, const Id *id, GError **error);
GPtrArray *tokens_list(
    Db *db, gint64 org_id, GError **error); /* of Token, newest first, not revoked */
gboolean tokens_count(Db *db, gint64 org_id, gint64 *count, GError **error); /* not revoked */

/* "Shop"; NULL: there is no such token. Revoked ones have their names still. The caller frees. */
char *token_name_by_row(Db *db, gint64 org_id, gint64 row);

/* Of every organisation, GPtrArray of Token: those that may be used now, and the expired with them
 * (their time may be changed). */
GPtrArray *tokens_live(Db *db, WallMs now, GError **error);
GPtrArray *tokens_unrevoked(Db *db, GError **error);

/* --- What was handed over, by the minute ------------------------------------------------------ */

/* n mails with this token in the minute of `at`. n may be 0. */
gboolean token_use_add(Db *db, gint64 org_id, gint64 token_row, WallMs at, guint n, GError **error);

/* The last day's counts of all tokens: their rows (gint64 *) and a Quota of each. As in
 * store/quota.h each minute's mails count as handed over at its end, at the latest now. NULL with
 * error. */
GHashTable *token_use_read(Db *db, WallMs now, GError **error);

/* Removes the minutes that no window reaches any more, and the ones that are ahead (the clock was
 * put back), so that they do not count for years. */
gboolean token_use_tidy(Db *db, WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Token, token_free)
