#include "provider/discovery.h"

#include "base/limits.h"
#include "provider/autoconfig.h"
#include "provider/list.h"

#include <string.h>

typedef struct {
    const DiscoveryQuestion *question;
    DnsAnswers *answers;
    Discovery *discovery;
    const char *domain;
    const char *mx_host; /* of the provider's that receives the domain's mail, or NULL */
    gboolean is_dns_silent;
} Judge;

/* --- Names ----------------------------------------------------------------------------------- */

const char *discovery_source_name(DiscoverySource source)
{
    static const char *const names[DISCOVERY_SOURCES] = {
        "domain_table", "mx", "srv", "autoconfig", "well_known", "public_database"};
    return names[source];
}

const char *discovery_state_name(DiscoveryState state)
{
    static const char *const names[] = {"skipped", "open", "found", "nothing", "failed"};
    return names[state];
}

const char *discovery_confidence_name(DiscoveryConfidence confidence)
{
    static const char *const names[] = {NULL, "low", "medium", "high"};
    return names[confidence];
}

char *discovery_url(DiscoverySource source, const char *domain)
{
    if (source == DISCOVERY_AUTOCONFIG)
        return g_strdup_printf("https://autoconfig.%s/mail/config-v1.1.xml", domain);
    if (source == DISCOVERY_WELL_KNOWN)
        return g_strdup_printf("https://%s/.well-known/autoconfig/mail/config-v1.1.xml", domain);
    g_assert(source == DISCOVERY_PUBLIC_DATABASE);
    return g_strdup_printf("https://autoconfig.thunderbird.net/v1.1/%s", domain);
}

/* --- Candidates ------------------------------------------------------------------------------ */

static void candidate_free(gpointer data)
{
    DiscoveryCandidate *candidate = data;
    g_free(candidate->host);
    g_free(candidate->username);
    g_free(candidate->evidence);
    g_free(candidate);
}

void discovery_free(Discovery *discovery)
{
    if (discovery == NULL)
        return;
    g_ptr_array_unref(discovery->candidates);
    g_free(discovery);
}

/* Our own table is ours; MX, SRV and the domain's file are what the domain says about itself, over
 * a DNS that is not signed; the public list is what others say about it. */
static DiscoveryConfidence confidence_of(DiscoverySource source, gboolean has_host)
{
    switch (source) {
    case DISCOVERY_DOMAIN_TABLE:
    case DISCOVERY_MX:
        return has_host ? DISCOVERY_HIGH : DISCOVERY_MEDIUM;
    case DISCOVERY_SRV:
    case DISCOVERY_AUTOCONFIG:
    case DISCOVERY_WELL_KNOWN:
        return DISCOVERY_MEDIUM;
    case DISCOVERY_PUBLIC_DATABASE:
        return DISCOVERY_LOW;
    }
    g_assert_not_reached();
}

static gboolean is_proposed(
    const Discovery *discovery, const Provider *provider, const char *host, guint16 port)
{
    for (guint i = 0; i < discovery->candidates->len; i++) {
        const DiscoveryCandidate *known = discovery->candidates->pdata[i];
        gboolean is_same = known->host == NULL || host == NULL
                               ? known->host == host && known->provider == provider
                               : strcmp(known->host, host) == 0;
        if (is_same && known->port == port)
            return TRUE;
    }
    return FALSE;
}

static guint n_proposed(const Discovery *discovery, DiscoverySource source)
{
    guint n = 0;
    for (guint i = 0; i < discovery->candidates->len; i++) {
        const DiscoveryCandidate *known = discovery->candidates->pdata[i];
        n += known->source == source ? 1 : 0;
    }
    return n;
}

/* host and username are taken. */
static void propose(Judge *judge, DiscoverySource source, const Provider *provider, char *host,
    guint16 port, TlsMode security, char *username, const char *evidence)
{
    Discovery *discovery = judge->discovery;
    if (is_proposed(discovery, provider, host, port) ||
        n_proposed(discovery, source) >= LIMIT_DISCOVERY_PROPOSALS) {
        g_free(host);
        g_free(username);
        return;
    }
    DiscoveryCandidate *candidate = g_new0(DiscoveryCandidate, 1);
    candidate->source = source;
    candidate->provider = provider;
    candidate->host = host;
    candidate->port = port;
    candidate->security = security;
    candidate->username = username;
    candidate->evidence = g_strdup(evidence);
    candidate->confidence = confidence_of(source, host != NULL);
    g_ptr_array_add(discovery->candidates, candidate);
    discovery->state[source] = DISCOVERY_FOUND;
    if (discovery->best == NULL || (discovery->best->host == NULL && host != NULL))
        discovery->best = candidate;
}

/* The endpoints of a provider. With prefer_host only those of the first one's kind, at that host:
 * the others belong to other regions. Old and unlisted ports of the operator are not proposed. */
static void propose_provider(Judge *judge, DiscoverySource source, const Provider *provider,
    const char *prefer_host, const char *evidence)
{
    const char *first = provider->endpoints[0].host;
    for (guint i = 0; i < provider->n_endpoints; i++) {
        const ProviderEndpoint *endpoint = &provider->endpoints[i];
        gboolean is_of_first = strcmp(endpoint->host, first) == 0;
        if (endpoint->port == 25 || provider_host_is_wrong(provider, endpoint->host) ||
            (prefer_host != NULL && !is_of_first))
            continue;
        char *host = prefer_host != NULL ? g_ascii_strdown(prefer_host, -1)
                                         : provider_host(provider, endpoint, judge->mx_host);
        propose(judge, source, provider, host, endpoint->port, endpoint->security,
            provider_username(provider, judge->question->email), evidence);
    }
}

/* A host that a stranger named. One of a provider that is known not to work is replaced. username
 * is taken; NULL: that provider's form, if it is one we know. */
static void propose_host(Judge *judge, DiscoverySource source, const char *named, guint16 port,
    TlsMode security, char *username, const char *evidence)
{
    const Provider *provider = provider_by_host(judge->question->providers, named);
    char *host = g_ascii_strdown(named, -1);
    if (provider != NULL && provider_host_is_wrong(provider, named)) {
        g_free(host);
        host = provider_right_host(provider, named, judge->mx_host);
    }
    if (provider != NULL && username == NULL)
        username = provider_username(provider, judge->question->email);
    propose(judge, source, provider, host, port, security, username, evidence);
}

static gboolean has_host(const Judge *judge)
{
    return judge->discovery->best != NULL && judge->discovery->best->host != NULL;
}

/* --- DNS ------------------------------------------------------------------------------------- */

/* What a source without a candidate comes to. */
static DiscoveryState state_of(DnsStatus status)
{
    switch (status) {
    case DNS_FOUND:
    case DNS_NO_DATA:
    case DNS_NO_NAME:
        return DISCOVERY_NOTHING;
    case DNS_SERVER_FAIL:
    case DNS_TIMEOUT:
        return DISCOVERY_FAILED;
    }
    return DISCOVERY_OPEN;
}

/* The first host of a provider we know. A domain may have a filter of somebody else's in front, so
 * all are looked at, the preferred ones first. */
static const Provider *look_at_mx(Judge *judge, const DnsAnswer *mx, const char **prefer_host)
{
    judge->is_dns_silent = mx->status == DNS_TIMEOUT;
    for (guint i = 0; i < mx->records->len; i++) {
        const DnsRecord *record = mx->records->pdata[i];
        const Provider *provider =
            provider_by_mx(judge->question->providers, record->text, prefer_host);
        if (provider != NULL) {
            judge->mx_host = record->text;
            return provider;
        }
        if (judge->discovery->filter == NULL)
            judge->discovery->filter =
                provider_filter_by_mx(judge->question->providers, record->text);
    }
    return NULL;
}

static void judge_domain(Judge *judge)
{
    const ProviderList *list = judge->question->providers;
    const Provider *provider = provider_by_domain(list, judge->domain);
    judge->discovery->state[DISCOVERY_DOMAIN_TABLE] = DISCOVERY_NOTHING;
    if (provider != NULL)
        propose_provider(judge, DISCOVERY_DOMAIN_TABLE, provider,
            provider_domain_host(list, judge->domain), NULL);
}

static void judge_mx(Judge *judge, const DnsAnswer *mx)
{
    const char *prefer_host = NULL;
    const Provider *provider = look_at_mx(judge, mx, &prefer_host);
    judge->discovery->state[DISCOVERY_MX] = state_of(mx->status);
    if (provider == NULL)
        return;
    judge->discovery->filter = NULL; /* who stands in front hides nobody */
    propose_provider(judge, DISCOVERY_MX, provider, prefer_host, judge->mx_host);
}

/* The mode follows the port where there is custom about it: records that call 465 "submission" are
 * common, and nobody does STARTTLS there (RFC 8314 7.3). A target that is the root says that there
 * is no such service (RFC 2782). The user name is the whole address (RFC 6186 4) unless we know the
 * provider's form. */
static void judge_service(Judge *judge, const DnsAnswer *srv, TlsMode security)
{
    for (guint i = 0; i < srv->records->len; i++) {
        const DnsRecord *record = srv->records->pdata[i];
        if (record->port == 0 || record->port == 25 || !provider_is_host_name(record->text))
            continue;
        gboolean is_known = provider_by_host(judge->question->providers, record->text) != NULL;
        char *username = is_known ? NULL : g_strdup(judge->question->email);
        TlsMode mode = record->port == 465   ? TLS_MODE_IMPLICIT
                       : record->port == 587 ? TLS_MODE_STARTTLS
                                             : security;
        propose_host(judge, DISCOVERY_SRV, record->text, record->port, mode, username, srv->name);
    }
}

static void judge_srv(Judge *judge, const DnsAnswer *submissions, const DnsAnswer *submission)
{
    DiscoveryState with_tls = state_of(submissions->status);
    DiscoveryState with_starttls = state_of(submission->status);
    judge->discovery->state[DISCOVERY_SRV] =
        with_tls == DISCOVERY_FAILED && with_starttls == DISCOVERY_FAILED ? DISCOVERY_FAILED
                                                                          : DISCOVERY_NOTHING;
    judge_service(judge, submissions, TLS_MODE_IMPLICIT);
    judge_service(judge, submission, TLS_MODE_STARTTLS);
}

/* MX and SRV are asked at once, though SRV may turn out not to be needed: a person waits. */
static gboolean judge_dns(Judge *judge)
{
    DiscoveryState *state = judge->discovery->state;
    g_autofree char *with_tls = g_strconcat("_submissions._tcp.", judge->domain, NULL);
    g_autofree char *with_starttls = g_strconcat("_submission._tcp.", judge->domain, NULL);
    const DnsAnswer *mx = dns_answers_get(judge->answers, judge->domain, DNS_TYPE_MX);
    const DnsAnswer *submissions = dns_answers_get(judge->answers, with_tls, DNS_TYPE_SRV);
    const DnsAnswer *submission = dns_answers_get(judge->answers, with_starttls, DNS_TYPE_SRV);
    if (mx == NULL || submissions == NULL || submission == NULL) {
        state[DISCOVERY_MX] = state[DISCOVERY_SRV] = DISCOVERY_OPEN;
        return FALSE;
    }
    judge_mx(judge, mx);
    if (!has_host(judge))
        judge_srv(judge, submissions, submission);
    return TRUE;
}

/* --- Configuration files --------------------------------------------------------------------- */

static DiscoveryState judge_file(Judge *judge, DiscoverySource source, GBytes *xml)
{
    gsize n = 0;
    const char *bytes = g_bytes_get_data(xml, &n);
    g_autoptr(GPtrArray) servers = autoconfig_read(bytes, n, judge->question->email, NULL);
    for (guint i = 0; servers != NULL && i < servers->len; i++) {
        AutoconfigServer *server = servers->pdata[i];
        propose_host(judge, source, server->host, server->port, server->security,
            g_steal_pointer(&server->username), NULL);
    }
    return servers == NULL                            ? DISCOVERY_FAILED
           : n_proposed(judge->discovery, source) > 0 ? DISCOVERY_FOUND
                                                      : DISCOVERY_NOTHING;
}

/* Without a DNS that answers there is no use in trying. */
static void judge_page(Judge *judge, DiscoverySource source)
{
    const DiscoveryPage *page = &judge->question->pages[source];
    DiscoveryState *state = &judge->discovery->state[source];
    if (judge->is_dns_silent) {
        *state = DISCOVERY_FAILED;
        return;
    }
    switch (page->state) {
    case DISCOVERY_PAGE_UNASKED:
        *state = DISCOVERY_OPEN;
        return;
    case DISCOVERY_PAGE_THERE:
        *state = judge_file(judge, source, page->xml);
        return;
    case DISCOVERY_PAGE_NONE:
        *state = DISCOVERY_NOTHING;
        return;
    case DISCOVERY_PAGE_FAILED:
        *state = DISCOVERY_FAILED;
        return;
    }
}

/* --- The way through the sources ------------------------------------------------------------- */

static void judge_all(Judge *judge)
{
    judge_domain(judge);
    if (has_host(judge) || !judge_dns(judge))
        return;
    for (DiscoverySource source = DISCOVERY_AUTOCONFIG; source < DISCOVERY_SOURCES; source++) {
        gboolean is_wanted =
            source != DISCOVERY_PUBLIC_DATABASE || judge->question->wants_public_database;
        if (has_host(judge) || !is_wanted)
            return;
        judge_page(judge, source);
        if (judge->discovery->state[source] == DISCOVERY_OPEN)
            return;
    }
}

Discovery *discovery_judge(const DiscoveryQuestion *question, DnsAnswers *answers)
{
    const char *at = strrchr(question->email, '@');
    g_assert(at != NULL);
    Discovery *discovery = g_new0(Discovery, 1);
    discovery->candidates = g_ptr_array_new_with_free_func(candidate_free);
    Judge judge = {
        .question = question, .answers = answers, .discovery = discovery, .domain = at + 1};
    judge_all(&judge);
    return discovery;
}
