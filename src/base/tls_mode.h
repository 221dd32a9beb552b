/* How TLS starts. There is no third member: plaintext does not exist here (RFC 8314 3.3). */
#pragma once

#include <glib.h>

typedef enum {
    TLS_MODE_STARTTLS = 1, /* port 587: EHLO, STARTTLS, then TLS (RFC 3207) */
    TLS_MODE_IMPLICIT = 2, /* port 465: TLS from the first byte (RFC 8314 3) */
} TlsMode;

const char *tls_mode_name(TlsMode mode); /* "starttls", "implicit" */
gboolean tls_mode_parse(const char *name, TlsMode *mode);
TlsMode tls_mode_for_port(guint16 port); /* 465 and 2465: implicit; all others: STARTTLS */
