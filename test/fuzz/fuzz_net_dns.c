/* Whatever a DNS server says, what comes out is fit for a judge: a status, records only with
 * DNS_FOUND, each with a text, MX and SRV by priority; and the same again the second time. */
#include "base/limits.h"
#include "net/dns_unpack.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *unpack(const uint8_t *data, size_t n, DnsType type)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autofree char *canonical = NULL;
    DnsStatus status = net_dns_unpack(data, n, type, &records, &canonical);
    g_assert(status >= DNS_FOUND && status <= DNS_SERVER_FAIL);
    g_assert((status == DNS_FOUND) == (records->len > 0) && records->len <= LIMIT_DNS_RECORDS);
    g_assert(status != DNS_SERVER_FAIL || canonical == NULL);
    GString *out = g_string_new(canonical);
    g_string_append_printf(out, "|%d", (int)status);
    for (guint i = 0; i < records->len; i++) {
        const DnsRecord *record = records->pdata[i];
        g_assert(record->text != NULL && strlen(record->text) < n * 4);
        g_assert(i == 0 || record->priority >= ((DnsRecord *)records->pdata[i - 1])->priority);
        g_string_append_printf(
            out, "|%u %u %u %s", record->priority, record->weight, record->port, record->text);
    }
    return g_string_free(out, FALSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DnsType types[] = {DNS_TYPE_A, DNS_TYPE_CNAME, DNS_TYPE_PTR, DNS_TYPE_MX,
        DNS_TYPE_TXT, DNS_TYPE_AAAA, DNS_TYPE_SRV};
    if (size < 1)
        return 0;
    DnsType type = types[data[0] % G_N_ELEMENTS(types)];
    /* An allocation of its own: the sanitizer sees every read past the end. */
    g_autofree uint8_t *message = g_memdup2(data + 1, size - 1);
    g_autofree char *once = unpack(message, size - 1, type);
    g_autofree char *again = unpack(message, size - 1, type);
    g_assert(strcmp(once, again) == 0);
    return 0;
}
