/* Any bytes as a mail configuration file: refused with a reason, or few servers that could be
 * entered as they are: a host name, a port, TLS, a user name of one line. */
#include "base/limits.h"
#include "base/text.h"
#include "provider/autoconfig.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const AutoconfigServer *server)
{
    gsize n = strlen(server->host);
    g_assert_true(n > 2 && n <= LIMIT_HOST_OCTETS && strchr(server->host, '.') != NULL);
    g_assert_true(strspn(server->host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n);
    g_assert_false(g_hostname_is_ip_address(server->host));
    g_assert_true(server->port > 0 && tls_mode_name(server->security) != NULL);
    if (server->username != NULL)
        g_assert_true(server->username[0] != '\0' &&
                      strlen(server->username) <= LIMIT_USERNAME_BYTES &&
                      text_is_one_line(server->username, FALSE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) servers =
        autoconfig_read((const char *)data, n, "anna.meier@firma.de", &error);
    g_assert_true((servers == NULL) == (error != NULL));
    g_assert_true(servers == NULL || servers->len <= LIMIT_AUTOCONFIG_SERVERS);
    for (guint i = 0; servers != NULL && i < servers->len; i++)
        check(servers->pdata[i]);
    return 0;
}
