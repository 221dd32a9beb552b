/* A signed JSON Web Token by which a client proves who it is, or a service account asks
 * (RFC 7515, 7519, 7523). Valid for nine minutes around now. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"

#include <glib.h>

typedef enum { OAUTH_RS256 = 1, OAUTH_PS256 } OauthAlgorithm; /* RFC 7518 3.3, 3.5 */

typedef struct {
    OauthAlgorithm algorithm;
    const char *issuer, *subject, *audience;
    const char *scope;        /* NULL: not in it */
    const char *key_id;       /* "kid"; NULL: not in it */
    const guint8 *thumbprint; /* OAUTH_SHA256_BYTES, "x5t#S256"; NULL: not in it */
    WallMs now;
    const guint8 *random; /* OAUTH_RANDOM_BYTES, "jti" */
} OauthClaims;

/* private_key: PEM. ABS_ERROR_INPUT: it cannot sign; the message is oauth_fault_text. */
Secret *oauth_assertion_sign(const OauthClaims *claims, const Secret *private_key, GError **error);
