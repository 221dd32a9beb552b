/* Names to addresses with c-ares on a GLib main context. */
#pragma once

#include "base/clock.h"

#include <glib.h>
#include <sys/socket.h>

typedef struct net_resolver NetResolver;
typedef struct net_lookup NetLookup;

/* dns_server: "127.0.0.1:5353" or NULL for the system's. */
NetResolver *net_resolver_new(GMainContext *context, const char *dns_server, GError **error);
void net_resolver_free(NetResolver *resolver); /* pending lookups end without a callback */

typedef struct {
    struct sockaddr_storage
        *addresses; /* port filled in; IPv6 and IPv4 interleaved, IPv6 first (RFC 8305 4) */
    guint n_addresses;
    const char *fault; /* NULL, or "NXDOMAIN", "EAI_NODATA" (no address), "SERVFAIL", "ETIMEDOUT":
                          the catalogue's sys names */
} NetAddresses;

typedef void (*NetResolved)(const NetAddresses *addresses, gpointer user);

/* A and AAAA of host (an IP literal answers at once, still through the callback, never before this
 * returns). */
NetLookup *net_resolve(
    NetResolver *resolver, const char *host, guint16 port, NetResolved resolved, gpointer user);
void net_lookup_cancel(NetLookup *lookup); /* no callback afterwards */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetResolver, net_resolver_free)
