/* What a person's sign-in asks of a provider: one request, and what came of it. */
#pragma once

#include "api/state.h"
#include "oauth/answer.h"

/* Why it came to nothing, as the failure catalogue reads it (phase "token"). */
typedef struct {
    int status;      /* of HTTP; 0: no answer */
    char *text;      /* "error: description", printable; NULL: none */
    const char *sys; /* NULL where status and text say it; static */
    char *host;      /* that was asked; NULL: none */
} TokenFault;
void token_fault_clear(TokenFault *fault);

/* Its diagnosis for an answer. */
json_t *token_fault_json(
    struct api *api, const TokenFault *fault, const SmtpSettings *settings, Language language);

/* Both post the request (which is freed) and wait for the answer, up to LIMIT_ASKING_MS.
 * OAUTH_GRANTED with *token or *device; else *fault is set, and on OAUTH_REFUSED *refusal too.
 * Nobody there is OAUTH_AWAY. A stop of the service ends the second at once, the first only before
 * it has begun: what that one brings is kept. */
OauthVerdict token_call_token(struct api *api, OauthRequest *request, OauthToken **token,
    OauthRefusal **refusal, TokenFault *fault);
OauthVerdict token_call_device(struct api *api, OauthRequest *request, OauthDevice **device,
    OauthRefusal **refusal, TokenFault *fault);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TokenFault, token_fault_clear)
