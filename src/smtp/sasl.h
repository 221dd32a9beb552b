/* The SASL mechanisms the core speaks by itself: PLAIN (RFC 4616) and LOGIN, as SMTP lines
 * (RFC 4954 4), and strict base64. Every line written here holds a credential: the caller marks
 * what it sends as secret and wipes it.
 *
 * Username and password are given whole: a NUL in either is refused by settings long before. */
#pragma once

#include "base/secret.h"

#include <glib.h>

/* "AUTH PLAIN <base64>", or without the command when the server has asked for it. */
void smtp_sasl_write_plain(
    GByteArray *out, gboolean with_command, const char *username, const Secret *password);

/* LOGIN's two answers. */
void smtp_sasl_write_login_username(GByteArray *out, const char *username);
void smtp_sasl_write_login_password(GByteArray *out, const Secret *password);

/* What the driver's mechanism says, already base64; NULL or empty is an empty response, which as
 * an initial response is written "=". FALSE if it is no base64 or too long. mechanism NULL: not the
 * first. */
gboolean smtp_sasl_write_response(GByteArray *out, const char *mechanism, const Secret *response);

/* The whole text is base64 (RFC 4648 4) with its padding and nothing else; "" is. */
gboolean smtp_sasl_is_base64(const char *text, gsize n);

/* A base64 text read into a secret, or NULL if it is none. */
Secret *smtp_sasl_decode(const char *text, gsize n);
