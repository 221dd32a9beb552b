/* Property: what is read as a host is LDH or an IP address, within the limit, and its own form. */
#include "base/limits.h"
#include "mime/address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean is_ldh(const char *host)
{
    g_auto(GStrv) labels = g_strsplit(host, ".", -1);
    for (guint i = 0; labels[i] != NULL; i++) {
        gsize n = strlen(labels[i]);
        if (n == 0 || n > 63 || labels[i][0] == '-' || labels[i][n - 1] == '-')
            return FALSE;
        for (gsize k = 0; k < n; k++)
            if (!g_ascii_islower(labels[i][k]) && !g_ascii_isdigit(labels[i][k]) &&
                labels[i][k] != '-')
                return FALSE;
    }
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *host = mime_host_parse(text, NULL);
    if (host != NULL) {
        gboolean is_address = g_hostname_is_ip_address(host);
        g_assert(strlen(host) <= LIMIT_HOST_OCTETS);
        g_assert(is_address || is_ldh(host));
        g_autofree char *again = mime_host_parse(host, NULL);
        g_assert_cmpstr(again, ==, host);
    }
    g_autofree char *domain = mime_domain_parse(text, NULL);
    if (domain != NULL && domain[0] != '[')
        g_assert_cmpstr(domain, ==, host); /* a domain is a host; both agree on its form */
    return 0;
}
