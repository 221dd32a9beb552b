/* One TCP connection on the loop, with TLS on top when asked: non-blocking socket, OpenSSL by
 * SSL_set_fd, TCP_NODELAY. Callbacks only, all on the stream's main context. A stream may be freed
 * inside its own callbacks. */
#pragma once

#include "base/clock.h"
#include "net/tls.h"

#include <glib.h>
#include <sys/socket.h>

typedef struct net_stream NetStream;

/* Why a stream ended, in the catalogue's terms. */
typedef struct {
    const char *sys;        /* "ECONNREFUSED", "ETIMEDOUT", "EOF", "ECONNRESET" … or NULL */
    const char *tls_reason; /* OpenSSL's reason, lower case ("wrong version number"), or NULL */
    long verify_code;       /* X509_V_ERR_*, 0 if the certificate was not the matter */
    const char *certificate_name; /* first SAN or CN of the certificate that was refused, or NULL */
    const NetTlsInfo *certificate; /* what the refused certificate said, or NULL */
    int family;                    /* AF_INET, AF_INET6 */
    gboolean in_handshake;
    gboolean clean; /* TLS close_notify or TCP FIN came, nothing was cut */
} NetFailure;

typedef struct {
    void (*connected)(gpointer user);                      /* TCP is up */
    void (*tls_up)(const NetTlsInfo *info, gpointer user); /* verified */
    void (*bytes)(const guint8 *data, gsize n, gpointer user);
    void (*sent)(gpointer user);     /* all of the last net_stream_send was given to the kernel */
    void (*deadline)(gpointer user); /* net_stream_set_deadline's time has come */
    void (*lost)(const NetFailure *failure, gpointer user); /* last callback */
} NetStreamEvents;

/* Connects to one address. Events start after this returns. */
NetStream *net_stream_connect(GMainContext *context, const struct sockaddr *address,
    const NetStreamEvents *events, gpointer user);

/* Takes over an accepted socket. */
NetStream *net_stream_accept(
    GMainContext *context, int fd, const NetStreamEvents *events, gpointer user);

/* Closes at once (close_notify is sent if it does not block); no callback afterwards. */
void net_stream_free(NetStream *stream);

/* host: the reference name for SNI and certificate check, A-label form or IP literal; asserted not
 * to be empty. */
void net_stream_start_tls_client(NetStream *stream, NetTlsClient *tls, const char *host);
void net_stream_start_tls_server(NetStream *stream, NetTlsServer *tls);

/* Copies n bytes; secret bytes are wiped from our buffers once written. Refused (assert) after free
 * or lost. */
void net_stream_send(NetStream *stream, const guint8 *data, gsize n, gboolean is_secret);

void net_stream_set_deadline(NetStream *stream, MonoMs at); /* 0: none; replaces the last */
void net_stream_close_after_send(NetStream *stream);        /* then `lost` with clean */
const struct sockaddr *net_stream_peer(const NetStream *stream);

/* Listens on a loopback or given address ("127.0.0.1", port 0 picks one). accepted gets a connected
 * socket and owns it. */
typedef struct net_listener NetListener;
NetListener *net_listener_new(GMainContext *context, const char *address, guint16 port,
    guint16 *bound_port, void (*accepted)(int fd, gpointer user), gpointer user, GError **error);
void net_listener_free(NetListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetStream, net_stream_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetListener, net_listener_free)
