/* Reads the configuration file that Thunderbird made common (<clientConfig>): what a domain says
 * about its servers at autoconfig.DOMAIN, and what the public database says about it. Pure; the
 * bytes come from strangers. Only SMTP servers with TLS and a login by password are taken; there is
 * no plaintext here. */
#pragma once

#include "base/tls_mode.h"

#include <glib.h>

typedef struct {
    char *host; /* lower case */
    guint16 port;
    TlsMode security;
    char *username; /* NULL: the file does not say it in a way we know */
} AutoconfigServer;
void autoconfig_server_free(AutoconfigServer *server);

/* Of AutoconfigServer in the order of the file, perhaps none; placeholders (%EMAILADDRESS%,
 * %EMAILLOCALPART%, %EMAILDOMAIN%) are filled from email. At most LIMIT_AUTOCONFIG_SERVERS are
 * looked at. The caller unrefs. ABS_ERROR_LIMIT: more than LIMIT_AUTOCONFIG_BYTES, or a value
 * beyond LIMIT_AUTOCONFIG_FIELD_BYTES; ABS_ERROR_PROTOCOL: not such a file. */
GPtrArray *autoconfig_read(const char *xml, gsize n, const char *email, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AutoconfigServer, autoconfig_server_free)
