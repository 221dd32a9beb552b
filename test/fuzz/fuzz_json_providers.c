/* Any bytes as list of providers: refused with a reason, or a list whose endpoints can be used,
 * whose texts are complete, and which answers every question about a name. */
#include "provider/provider.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProviderList) list = provider_list_new((const char *)data, n, &error);
    g_assert_true((list == NULL) == (error != NULL));
    for (guint i = 0; list != NULL && i < provider_count(list); i++) {
        const Provider *p = provider_at(list, i);
        g_assert_true(provider_by_id(list, p->id) == p);
        g_assert_true(p->n_endpoints > 0 && p->sources_de[0] != '\0' && p->sources_en[0] != '\0' &&
                      p->checked[0] != '\0');
        g_assert_true(p->sender_rule_de != NULL && p->sender_rule_en != NULL &&
                      p->dkim_selectors != NULL && p->domains != NULL && p->other_hosts != NULL);
        for (guint k = 0; k < p->n_limits; k++)
            g_assert_true(p->limits[k].text_de != NULL && p->limits[k].text_en != NULL);
        g_assert_true(
            p->oauth == NULL || (p->oauth->provider != NULL && p->oauth->grants[0] != NULL));
        for (guint k = 0; k < p->n_ends; k++)
            g_assert_true(strlen(p->ends[k].at) == 10 && p->ends[k].source != NULL);
        for (guint k = 0; p->domains[k] != NULL; k++)
            g_assert_true(provider_by_domain(list, p->domains[k]) != NULL);
        g_autofree char *username = provider_username(p, "anna@example.de");
        g_autofree char *host = provider_host(p, &p->endpoints[0], "w1.kasserver.com");
        g_assert_true(username == NULL || strchr(username, '<') == NULL);
        g_assert_true(host == NULL || provider_by_host(list, host) != NULL);
        for (guint k = 0; k < p->n_endpoints; k++)
            g_assert_true(p->endpoints[k].port > 0 && p->endpoints[k].host[0] != '\0' &&
                          tls_mode_name(p->endpoints[k].security) != NULL);
    }
    return 0;
}
