/* One question for an access token, from the settings to the answer, for a thread that may wait.
 * Internal to bearer.c. */
#pragma once

#include "courier/bearer.h"
#include "store/oauth_tokens.h"

typedef struct {
    const BearerParts *parts; /* borrowed */
    gint64 org_id;
    SmtpSettings *settings;
    char *identity;
    gboolean may_use_stored; /* what the store keeps will do, if it lasts */

    BearerEnd end; /* and all below: what came of it */
    gboolean is_stored;
    Secret *token;
    char *server, *scope;
    MonoMs issued_at, ends_at; /* both rather too early */
    MonoMs came_at;            /* the answer; of a stored token: issued_at */
    int code;
    char *text;
    const char *sys;       /* static */
    OauthTokenRow *row;    /* to be written; NULL: nothing is */
    GBytes *refresh_token; /* sealed; the server replaced the one that was used; NULL: it did not */
} BearerFetch;

/* settings are copied. */
BearerFetch *bearer_fetch_new(
    const BearerParts *parts, gint64 org_id, const SmtpSettings *settings, const char *identity);
void bearer_fetch_free(BearerFetch *fetch);

/* What an access token belongs to, as text: equal for settings that may share one. The caller
 * frees. */
char *bearer_identity_dup(gint64 org_id, const SmtpSettings *settings);

/* How long before its end a token is too old to be given, and how long before it even while nobody
 * answers: less for those that do not last long. */
gint64 bearer_margin_ms(gint64 lifetime_ms);
gint64 bearer_least_ms(gint64 lifetime_ms);

/* How long after its issue a token that is in use is renewed: before it is too old to be given, by
 * LIMIT_BEARER_JITTER_MS at most (less for those that do not last long), as chance has it, so that
 * not everybody asks the same server at the same moment. */
gint64 bearer_renewal_ms(gint64 lifetime_ms, guint32 chance);

/* A part of most: 0 … most - 1; 0 for 0. */
gint64 bearer_jitter_ms(gint64 most_ms, guint32 chance);

void bearer_fetch_run(BearerFetch *fetch);

/* A store's job: the token, and before it the refresh token that came with it; both under the key
 * that is in use now. */
gboolean bearer_fetch_write(Db *db, const BearerFetch *fetch, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BearerFetch, bearer_fetch_free)
