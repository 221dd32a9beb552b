/* Within the folder: the list of providers as read.c fills it and provider.c searches it. */
#pragma once

#include "provider/provider.h"

/* A host that receives mail. With a dot in front: any host that ends so; without: this one. */
typedef struct {
    const char *suffix;
    const Provider *provider;
    const char *prefer_host;      /* what to submit to instead of the first endpoint, or NULL */
    gboolean use_mx_host_as_smtp; /* the receiving host itself */
} ProviderMxRow;

/* A service in front of other people's mail servers: same rule for the suffix. */
typedef struct {
    const char *suffix, *name;
} ProviderMxFilter;

struct provider_list {
    Provider *providers;
    guint n;
    GHashTable *domains;      /* lower-case domain → Provider; both kept elsewhere */
    GHashTable *domain_hosts; /* the same → the host for addresses there, if not the first */
    ProviderMxRow *mx;
    guint n_mx;
    ProviderMxFilter *filters;
    guint n_filters;
    GStringChunk *strings;
    GPtrArray *blocks; /* every array that a Provider points to */
};

/* A full name in letters, digits, hyphens and dots, fit to be proposed as a host: not an address,
 * at most LIMIT_HOST_OCTETS, labels at most 63. */
gboolean provider_is_host_name(const char *text);
