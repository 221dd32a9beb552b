#include "api/discovery.h"

#include "base/error.h"
#include "base/limits.h"
#include "net/https.h"

/* Without a DNS (in tests that ask nobody) every question is one that nobody answers. */
static void ask_dns(const struct api *api, DnsAnswers *answers)
{
    if (api->dns != NULL)
        net_dns_ask(api->dns, answers, LIMIT_DISCOVERY_DNS_MS);
    while (api->dns == NULL && dns_answers_n_open(answers) > 0) {
        const DnsAnswer *open = dns_answers_open(answers, 0);
        dns_answers_put(answers, open->name, open->type, DNS_TIMEOUT, NULL, NULL);
    }
}

/* A status other than 200 means that there is no such file; only silence is a failure. So is a DNS
 * that does not know the public database: that one is there. */
static DiscoveryPage fetch(
    const struct api *api, DiscoverySource source, const char *domain, MonoMs deadline)
{
    DiscoveryPage page = {.state = DISCOVERY_PAGE_FAILED};
    gint64 left_ms = MIN(deadline - clock_mono_ms(), LIMIT_DISCOVERY_PAGE_MS);
    if (api->dns == NULL || api->policy == NULL || left_ms <= 0)
        return page;
    g_autofree char *url = discovery_url(source, domain);
    g_autoptr(GError) error = NULL;
    int status = 0;
    page.xml = net_https_get(
        api->dns, api->policy, api->ca_file, url, LIMIT_AUTOCONFIG_BYTES, left_ms, &status, &error);
    if (page.xml != NULL)
        page.state = status == 200 ? DISCOVERY_PAGE_THERE : DISCOVERY_PAGE_NONE;
    else if (source != DISCOVERY_PUBLIC_DATABASE &&
             g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND))
        page.state = DISCOVERY_PAGE_NONE;
    return page;
}

/* FALSE: nothing is open any more. */
static gboolean answer_what_is_open(const struct api *api, const Discovery *discovery,
    const char *domain, DnsAnswers *answers, DiscoveryQuestion *question, MonoMs deadline)
{
    if (dns_answers_n_open(answers) > 0) {
        ask_dns(api, answers);
        return TRUE;
    }
    for (DiscoverySource source = DISCOVERY_AUTOCONFIG; source < DISCOVERY_SOURCES; source++) {
        if (discovery->state[source] == DISCOVERY_OPEN) {
            question->pages[source] = fetch(api, source, domain, deadline);
            return TRUE;
        }
    }
    return FALSE;
}

Discovery *discovery_run(
    const struct api *api, const MimeAddress *address, gboolean wants_public_database)
{
    MonoMs deadline = clock_mono_ms() + LIMIT_ASKING_MS;
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    DiscoveryQuestion question = {.providers = api->providers,
        .email = address->addr_spec,
        .wants_public_database = wants_public_database};
    Discovery *discovery = discovery_judge(&question, answers);
    while (answer_what_is_open(api, discovery, address->domain, answers, &question, deadline)) {
        discovery_free(discovery);
        discovery = discovery_judge(&question, answers);
    }
    for (guint i = 0; i < DISCOVERY_SOURCES; i++)
        g_clear_pointer(&question.pages[i].xml, g_bytes_unref);
    return discovery;
}
