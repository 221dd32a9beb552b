/* From an address to the server that its mail is probably submitted to. Sources, in this order,
 * until one names a host: the table of domains; the MX of the domain and the table of MX suffixes;
 * SRV (RFC 6186 3.4, RFC 8314 5.1); https://autoconfig.DOMAIN and then the well-known path of
 * https://DOMAIN, both without the address; and, only if the person asks for it, the public
 * database of Thunderbird, which learns the domain.
 *
 * Pure: it judges what is known and says what it still needs; the caller (api/discovery.c) asks and
 * lets it judge again. What it finds are proposals: a person confirms the host before a password is
 * sent anywhere. */
#pragma once

#include "base/dns.h"
#include "provider/provider.h"

typedef enum {
    DISCOVERY_DOMAIN_TABLE = 0,
    DISCOVERY_MX,
    DISCOVERY_SRV,
    DISCOVERY_AUTOCONFIG,
    DISCOVERY_WELL_KNOWN, /* the same file, where the domain's web pages are */
    DISCOVERY_PUBLIC_DATABASE,
} DiscoverySource;
#define DISCOVERY_SOURCES 6
const char *discovery_source_name(DiscoverySource source); /* "domain_table" … */

typedef enum {
    DISCOVERY_SKIPPED = 0, /* not needed, or not asked for */
    DISCOVERY_OPEN,        /* waits for an answer */
    DISCOVERY_FOUND,
    DISCOVERY_NOTHING,
    DISCOVERY_FAILED, /* no answer, or none that can be read */
} DiscoveryState;
const char *discovery_state_name(DiscoveryState state); /* "skipped" … */

typedef enum {
    DISCOVERY_LOW = 1,
    DISCOVERY_MEDIUM,
    DISCOVERY_HIGH,
} DiscoveryConfidence;
const char *discovery_confidence_name(DiscoveryConfidence confidence); /* "low" … */

typedef struct {
    DiscoverySource source;
    const Provider *provider; /* NULL: nobody we know */
    char *host;               /* NULL: the person must fill it in */
    guint16 port;
    TlsMode security;
    char *username; /* NULL: the same */
    char *evidence; /* the MX host, or the name of the SRV record; else NULL */
    DiscoveryConfidence confidence;
} DiscoveryCandidate;

/* A configuration file that was asked for over HTTPS. */
typedef enum {
    DISCOVERY_PAGE_UNASKED = 0,
    DISCOVERY_PAGE_THERE,
    DISCOVERY_PAGE_NONE, /* no such host, or no such file */
    DISCOVERY_PAGE_FAILED,
} DiscoveryPageState;

typedef struct {
    DiscoveryPageState state;
    GBytes *xml; /* of one that is there */
} DiscoveryPage;

typedef struct {
    const ProviderList *providers;
    const char *email; /* valid, its domain in A-labels */
    gboolean wants_public_database;
    DiscoveryPage pages[DISCOVERY_SOURCES]; /* of those that are files */
} DiscoveryQuestion;

typedef struct {
    DiscoveryState state[DISCOVERY_SOURCES];
    GPtrArray *candidates;          /* of DiscoveryCandidate, by source; at most
                                       LIMIT_DISCOVERY_PROPOSALS each */
    const DiscoveryCandidate *best; /* the first whose host is known, else the first; or NULL */
    const char *filter;             /* who receives the domain's mail and hands it on to a provider
                                       that cannot be seen from outside; NULL: nobody known to */
} Discovery;

/* Open questions of `answers` are what it needs from the DNS; a source in state DISCOVERY_OPEN with
 * a page is to be fetched from discovery_url. It is finished when neither is left. Of `answers` it
 * keeps nothing; of the list it lends providers. */
Discovery *discovery_judge(const DiscoveryQuestion *question, DnsAnswers *answers);
void discovery_free(Discovery *discovery);

/* Where the file of this source stands; the caller frees. Of the address only the domain is in it.
 */
char *discovery_url(DiscoverySource source, const char *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Discovery, discovery_free)
