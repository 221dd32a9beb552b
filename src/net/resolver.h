/* Names to addresses with c-ares on a GLib main context.
 *
 * A lookup takes the first of these that answers: an IP literal; "localhost" and names under it,
 * which are loopback without asking anybody (RFC 6761 6.3); the hosts file; DNS, A and AAAA at the
 * same time. The name is asked for as it is: search domains never apply, so that a misspelt
 * provider cannot become a host of the local domain. Nothing is cached, and the system's list of
 * servers is read again for each lookup, so that a long-lived process follows the machine from
 * network to network. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

typedef struct net_resolver NetResolver;
typedef struct net_lookup NetLookup;

/* dns_server: "127.0.0.1:5353" ("[::1]:5353"), then only this server is asked and the hosts file is
 * not read; or NULL for the system's. ABS_ERROR_INPUT if it is not an address. */
NetResolver *net_resolver_new(GMainContext *context, const char *dns_server, GError **error);

/* Pending lookups end without a callback and may not be cancelled any more. */
void net_resolver_free(NetResolver *resolver);

/* The longest a lookup may take from now on; LIMIT_DNS_MS until set. */
void net_resolver_set_timeout(NetResolver *resolver, gint64 timeout_ms);

typedef struct {
    /* At most LIMIT_DNS_ADDRESSES, port filled in; IPv6 and IPv4 interleaved, IPv6 first
     * (RFC 8305 4) */
    struct sockaddr_storage *addresses;
    guint n_addresses;
    /* NULL, or the catalogue's sys name: "NXDOMAIN"; "EAI_NODATA" (the name has no address);
     * "SERVFAIL" (a server failed, refused or made no sense); "EAI_AGAIN" (no answer in time) */
    const char *fault;
} NetAddresses;

/* addresses is lent for the call. The lookup is over: it may not be cancelled any more. */
typedef void (*NetResolved)(const NetAddresses *addresses, gpointer user);

/* A and AAAA of host (an IP literal answers at once, still through the callback, never before this
 * returns). */
NetLookup *net_resolve(
    NetResolver *resolver, const char *host, guint16 port, NetResolved resolved, gpointer user);
void net_lookup_cancel(NetLookup *lookup); /* no callback afterwards; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetResolver, net_resolver_free)
