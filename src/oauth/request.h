/* What is posted to a token endpoint. The body is always application/x-www-form-urlencoded; the
 * answer shall be JSON (send "Accept: application/json"). Client secrets travel in the body
 * (RFC 6749 2.3.1), assertions as RFC 7523 says. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "oauth/profile.h"

#define OAUTH_RANDOM_BYTES 32

typedef struct {
    char *url;    /* https */
    Secret *form; /* the body */
} OauthRequest;
void oauth_request_free(OauthRequest *request);

/* What a request may need besides the profile; all borrowed. */
typedef struct {
    const Secret *secrets[OAUTH_SECRETS]; /* by OauthSecretKind; NULL: none */
    WallMs now;                           /* assertions are valid from a minute before */
    guint8 random[OAUTH_RANDOM_BYTES];    /* fresh for each request (jti) */
} OauthMaterial;

/* All of these: NULL with ABS_ERROR_INPUT if the profile is not complete or a secret of the grant
 * is missing or of no use; the message names it, never its value. */

/* Asks for an access token in the way the profile's grant says. */
OauthRequest *oauth_request_for_token(
    const OauthProfile *profile, const OauthMaterial *material, GError **error);

/* Redeems what a sign-in brought back (RFC 6749 4.1.3, RFC 7636 4.5). client_secret: NULL for a
 * public client. The answer holds the refresh token. */
OauthRequest *oauth_request_for_code(const OauthProfile *profile, const Secret *client_secret,
    const Secret *code, const Secret *verifier, const char *redirect_uri, GError **error);

/* RFC 8628 3.1 and 3.4. ABS_ERROR_NOT_FOUND: the provider has no device codes (Google has none for
 * mail). */
OauthRequest *oauth_request_for_device(
    const OauthProfile *profile, const Secret *client_secret, GError **error);
OauthRequest *oauth_request_for_device_poll(const OauthProfile *profile,
    const Secret *client_secret, const Secret *device_code, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthRequest, oauth_request_free)
