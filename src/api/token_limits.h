/* What applications may do beyond their scopes: from which networks a token may be used, from which
 * addresses it may send, and how much. Kept in memory, so that no request asks the database; what
 * each token handed over is written once a minute, so that a quota outlives a restart. Thread-safe.
 */
#pragma once

#include "store/tokens.h"

typedef struct token_limits TokenLimits;

TokenLimits *token_limits_new(Store *store);
void token_limits_free(TokenLimits *limits);

/* At start: all live tokens, and what they have handed over in the last day. Blocking. */
gboolean token_limits_load(TokenLimits *limits, GError **error);

/* A token as it is written now; what it has handed over stays counted. In the answer's half of the
 * request that wrote it, so that the limits are in force before it is answered. */
void token_limits_put(TokenLimits *limits, const Token *token);
void token_limits_remove(TokenLimits *limits, const Id *id);

/* May this token be used from that address? One that is no IP address is in no network. */
gboolean token_limits_admit(TokenLimits *limits, gint64 token_row, const char *client);

/* May it send from addr_spec (as mime/address.h writes it)? If not, *allowed says from which it may
 * ("a@b.c, d@e.f"; the caller frees). */
gboolean token_limits_allow_sender(
    TokenLimits *limits, gint64 token_row, const char *addr_spec, char **allowed);

/* TRUE if anything of the above, a quota or an expiry is set: who is limited gives no rights away.
 */
gboolean token_limits_is_limited(TokenLimits *limits, gint64 token_row);

/* Counts n mails (a recipient counts as one) at once, all or none: 0 if there was room, else when
 * there will be; QUOTA_NEVER if there never is for so many. now: of clock_steady_ms. */
WallMs token_limits_take(TokenLimits *limits, gint64 token_row, guint n, WallMs now);

/* n that were counted at that time were not handed over after all. */
void token_limits_give_back(TokenLimits *limits, gint64 token_row, guint n, WallMs at);

/* What it has handed over in the last minute, hour and day. */
typedef struct {
    guint minute, hour, day;
} TokenUse;
TokenUse token_limits_use(TokenLimits *limits, gint64 token_row, WallMs now);

/* Writes what was counted since the last call, without waiting; once a minute, and at the end. */
void token_limits_flush(TokenLimits *limits, WallMs now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TokenLimits, token_limits_free)
