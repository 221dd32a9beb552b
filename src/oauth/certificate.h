/* The certificate by which an application proves who it is, and its private key. Trust plays no
 * part: the provider knows this certificate because the admin uploaded it there. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "oauth/fault.h"

#include <glib.h>

#define OAUTH_SHA256_BYTES 32

typedef struct {
    char *subject;                     /* printable, RFC 2253; may be "" */
    guint8 sha256[OAUTH_SHA256_BYTES]; /* of the DER form: "x5t#S256" */
    char *thumbprint;                  /* the same as 64 upper-case hex digits */
    char *thumbprint_sha1;             /* 40: what Microsoft's portal shows beside it */
    WallMs not_before, not_after;
} OauthCertificate;
void oauth_certificate_free(OauthCertificate *certificate);

/* The first certificate in a PEM text of at most LIMIT_OAUTH_PEM_BYTES. NULL with *fault (may be
 * NULL) CERTIFICATE, or CERTIFICATE_HOLDS_KEY if a private key stands in it; KEY_KIND, KEY_SIZE if
 * its public key is of no use here. */
OauthCertificate *oauth_certificate_read(const char *pem, OauthFault *fault);

/* NONE, or KEY, KEY_ENCRYPTED, KEY_KIND, KEY_SIZE, KEY_FOREIGN (with a certificate: it belongs to
 * another one; NULL: not looked at). PKCS #8 and PKCS #1. */
OauthFault oauth_private_key_check(const Secret *private_key, const char *certificate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthCertificate, oauth_certificate_free)
