/* One TCP connection on the loop, with TLS on top when asked: non-blocking socket, OpenSSL by
 * SSL_set_fd, TCP_NODELAY. Callbacks only, all on the stream's main context, never from inside one
 * of the functions below. A stream may be freed inside its own callbacks. All functions belong to
 * the context's thread. Members of NetStreamEvents may be NULL.
 *
 * Who calls: dial and courier (clients), ingress (server). A stream knows no SMTP; it must never
 * hand out bytes as verified that came before the handshake ended. */
#pragma once

#include "base/clock.h"
#include "net/tls.h"

#include <glib.h>
#include <sys/socket.h>

typedef struct net_stream NetStream;

/* Why a stream ended, in the catalogue's terms. Lent for the `lost` callback. */
typedef struct {
    const char *sys;        /* "ECONNREFUSED", "ETIMEDOUT", "EOF", "ECONNRESET" … or NULL */
    const char *tls_reason; /* OpenSSL's reason, or its words for verify_code, in lower case ("wrong
                               version number", "certificate has expired"), or NULL */
    long verify_code;       /* X509_V_ERR_*, 0 if the certificate was not the matter */
    const char *certificate_name; /* first SAN or CN of the certificate that was refused, or NULL */
    const NetTlsInfo *certificate; /* what the refused certificate said, or NULL */
    int family;                    /* AF_INET, AF_INET6 */
    gboolean in_handshake;
    gboolean clean; /* TLS close_notify or TCP FIN came (then sys is "EOF"), or we closed after
                       sending (then it is NULL): nothing was cut */
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

/* Starts TLS once what was given to send before has left; from now on no byte is read as plaintext,
 * and what is already in the socket must be TLS. LIMIT_TLS_HANDSHAKE_MS bounds the handshake
 * (`lost` with sys "ETIMEDOUT"). host: the reference name for SNI and certificate check, A-label
 * form or IP literal; asserted not to be empty. */
void net_stream_start_tls_client(NetStream *stream, NetTlsClient *tls, const char *host);
void net_stream_start_tls_server(NetStream *stream, NetTlsServer *tls);

/* Copies n bytes; secret bytes are wiped from our buffers once written. Refused (assert) after free
 * or lost, and beyond LIMIT_STREAM_BACKLOG_BYTES unsent. Bytes given between start_tls and `tls_up`
 * leave after the handshake. Where the peer takes no more, what it has said before is still read,
 * for at most LIMIT_LINGER_MS; then comes `lost`. */
void net_stream_send(NetStream *stream, const guint8 *data, gsize n, gboolean is_secret);

/* Writes now what the socket takes, not at the loop's next turn; may call `sent` and `lost`. From
 * inside an event of this stream it does nothing: its turn writes when it ends. */
void net_stream_flush(NetStream *stream);

/* Nothing more is read (and an end of the peer goes unnoticed) until it is switched off: for a
 * receiver that cannot take more just now. */
void net_stream_pause_reading(NetStream *stream, gboolean is_paused);

void net_stream_set_deadline(NetStream *stream, MonoMs at); /* 0: none; replaces the last */

/* Sends what is waiting, says goodbye, waits at most LIMIT_LINGER_MS for the peer's end (a socket
 * closed over unread bytes would take our last words with it), then `lost` with clean. Nothing is
 * read for the receiver any more. */
void net_stream_close_after_send(NetStream *stream);
const struct sockaddr *net_stream_peer(const NetStream *stream);

/* Listens on an address ("127.0.0.1", "::1"; port 0 picks one). accepted gets a connected
 * non-blocking socket and owns it. Without free descriptors it rests for LIMIT_ACCEPT_PAUSE_MS.
 * ABS_ERROR_INPUT: not an address; ABS_ERROR_IO: the port is taken, and the like. */
typedef struct net_listener NetListener;
NetListener *net_listener_new(GMainContext *context, const char *address, guint16 port,
    guint16 *bound_port, void (*accepted)(int fd, gpointer user), gpointer user, GError **error);
void net_listener_free(NetListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetStream, net_stream_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetListener, net_listener_free)
