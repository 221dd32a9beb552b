/* SASL steps that need cryptography (SCRAM-SHA-256, RFC 7677), by libgsasl. PLAIN and LOGIN are the
 * client core's own. */
#pragma once

#include "base/secret.h"

typedef struct sasl Sasl;

Sasl *sasl_new(const char *mechanism, const char *username, const Secret *password, GError **error);
void sasl_free(Sasl *sasl);

/* challenge: base64, or NULL for the initial response. *response is base64 (the caller frees),
 * *done when the mechanism has nothing further to check: for SCRAM only after the server has proved
 * that it knows the password too. */
gboolean sasl_step(
    Sasl *sasl, const char *challenge, Secret **response, gboolean *done, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sasl, sasl_free)
