/* The way through the browser: where a person signs in, and what comes back (RFC 6749 4.1.1 and
 * 4.1.2, with PKCE: RFC 7636, S256 only). */
#pragma once

#include "base/secret.h"
#include "oauth/profile.h"
#include "oauth/request.h"

/* 43 characters each, of 32 random bytes; never of the same. */
Secret *oauth_verifier_new(const guint8 random[OAUTH_RANDOM_BYTES]);
char *oauth_challenge_dup(const Secret *verifier);
char *oauth_state_dup(const guint8 random[OAUTH_RANDOM_BYTES]);

/* The address of the sign-in page, with response_type, client_id, redirect_uri, scope, state,
 * code_challenge, login_hint (the user name); for Google access_type=offline, and where a refresh
 * token depends on it prompt=consent. NULL with ABS_ERROR_INPUT if the profile has not what it
 * takes, or the address would be longer than LIMIT_URL_BYTES. The caller frees. */
char *oauth_authorize_url_dup(const OauthProfile *profile, const char *redirect_uri,
    const char *state, const char *challenge, GError **error);

/* What stands in the address that a sign-in led to. Either code, or error. */
typedef struct {
    char *state;
    Secret *code;
    char *error, *description; /* as sent: pass them through oauth_refusal_new */
} OauthRedirect;
void oauth_redirect_free(OauthRedirect *redirect);

/* Reads such an address, as a person copied it from the browser: any "…?code=…&state=…", or what
 * stands behind the question mark. NULL with ABS_ERROR_INPUT if state and one of code and error are
 * not in it exactly once, or it is longer than LIMIT_OAUTH_ADDRESS_BYTES. */
OauthRedirect *oauth_redirect_read(const Secret *address, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthRedirect, oauth_redirect_free)
