/* Name to connected stream: resolve, check every address against the policy, then try the permitted
 * ones in order, the next after a failure or 250 ms of silence (RFC 8305 5), until one is up. Every
 * attempt is told, so that the ladder can say "IPv6 failed, IPv4 fine". Addresses the policy
 * forbids are never connected to. Resolver, policy and context outlive the dial; the host is
 * resolved once and only the checked addresses are used. */
#pragma once

#include "net/address.h"
#include "net/resolver.h"
#include "net/stream.h"

typedef struct net_dial NetDial;

typedef struct {
    NetResolver *resolver;
    const NetPolicy *policy;
    GMainContext *context;
    gint64 connect_ms; /* per address; 0: LIMIT_CONNECT_MS */
} NetDialer;

typedef struct {
    /* DNS answered: texts of the addresses, NULL-terminated; all_public is FALSE if one is not. */
    void (*resolved)(const char *const *addresses, gboolean all_public, gpointer user);
    /* One address did not connect; another may follow. */
    void (*attempt_failed)(const char *address, const char *sys, gpointer user);
    /* Up: the stream is the receiver's, its events are still unset: call net_stream_set_events at
     * once. is_public: the peer's. */
    void (*connected)(NetStream *stream, const char *address, gboolean is_public, gpointer user);
    /* The end. phase: "dns" or "connect"; sys: the catalogue's name ("NXDOMAIN", "PRIVATE_ADDRESS"
     * when the policy forbids all, "ECONNREFUSED" …: the last attempt's); family of that attempt or
     * 0. */
    void (*failed)(const char *phase, const char *sys, int family, gpointer user);
} NetDialEvents;

/* Callbacks start after this returns. The dial ends by itself with connected or failed. */
NetDial *net_dial(const NetDialer *dialer, const char *host, guint16 port,
    const NetDialEvents *events, gpointer user);

/* No callback afterwards; may be called inside resolved and attempt_failed, not in or after
 * connected or failed. */
void net_dial_cancel(NetDial *dial);

/* events: copied; NULL: none. */
void net_stream_set_events(NetStream *stream, const NetStreamEvents *events, gpointer user);
