/* What a hostile or careless server may show of itself: one row a certificate, good and bad, each
 * with what a client has to say about it in the words of data/failures.json. Everything is made
 * fresh with OpenSSL when it is first needed. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

#define IDENTITY_HOST "mx.hostile.localhost" /* loopback without DNS (RFC 6761 6.3) */

typedef struct {
    const char *name;
    const char *host;      /* the client's; NULL: IDENTITY_HOST */
    long verify;           /* X509_V_ERR_* it is refused with; 0: see the next two */
    const char *tls;       /* part of OpenSSL's reason, where no certificate was the matter */
    const char *diagnosis; /* id in data/failures.json; NULL: the client must be content */
    const char *phase;     /* of the failure; NULL: "tls" */
    const char *why;       /* where that needs a word */
} IdentityRow;

typedef struct identities Identities;

Identities *identities_new(void);
void identities_free(Identities *identities);

guint identities_count(void);
const IdentityRow *identities_row(guint i); /* 0: the good one */
SSL_CTX *identities_context(Identities *identities, guint i);
const char *identities_trusted_file(const Identities *identities); /* PEM of the one trusted root */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identities, identities_free)
