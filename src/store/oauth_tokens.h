/* The access token that was fetched last, kept over a restart, as SQL functions. One for each
 * organisation: who fetches with other settings replaces it. It is sealed to the settings it was
 * fetched with, and opens for no others (courier/bearer.h). */
#pragma once

#include "base/clock.h"
#include "store/db.h"

typedef struct {
    GBytes *sealed; /* empty: it has ended, see oauth_tokens_tidy */
    char *scope;    /* NULL: the server did not say */
    char *server;   /* the host that issued it */
    WallMs fetched_at, expires_at;
} OauthTokenRow;
void oauth_token_row_free(OauthTokenRow *row);

/* NULL without error: none. */
OauthTokenRow *oauth_token_row_read(Db *db, gint64 org_id, GError **error);
gboolean oauth_token_row_write(Db *db, gint64 org_id, const OauthTokenRow *row, GError **error);
/* A token that has ended is not kept (sealed is empty), only when it was fetched: that was the last
 * use of the sign-in (dates.h). */
gboolean oauth_tokens_tidy(Db *db, WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthTokenRow, oauth_token_row_free)
