/* Holds requests with a token against its limits (api/token_limits.h). Callers without a token pass
 * everything here. */
#pragma once

#include "api/call.h"
#include "store/emails.h"

/* May the token be used from where the request comes from? NULL, or 403 `network_not_allowed`. On
 * the headers, for every route. */
HttpAnswer *token_check_network(ApiCall *call);

/* May it hand over these emails? NULL, or 403 `from_not_allowed_for_token`. */
HttpAnswer *token_check_senders(ApiCall *call, EmailNew *const *emails, guint n);

/* What a request has counted of its token's quota. */
typedef struct {
    guint mails; /* 0: nothing */
    WallMs at;
} TokenShare;

/* And now? NULL, and they are counted; or 429 `token_quota_exceeded`. Test mails have a limit of
 * their own. The last thing before they are queued. */
HttpAnswer *token_check_quota(ApiCall *call, EmailNew *const *emails, guint n, TokenShare *share);

/* May the caller give away these scopes, without limits: as a token, a role, an invitation, or a
 * link that opens an account? NULL, or 403 `scope_not_allowed`. */
HttpAnswer *call_may_grant(ApiCall *call, guint scopes);
