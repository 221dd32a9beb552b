/* What stream.c and stream_tls.c share. Only for files in src/net/. */
#pragma once

#include "net/stream.h"
#include "net/tls_session.h"

/* Named after what it waits for. */
typedef enum {
    STREAM_CONNECT = 0, /* TCP */
    STREAM_PLAIN,       /* bytes without TLS */
    STREAM_LAST_PLAIN,  /* TLS is asked for, plaintext has still to leave */
    STREAM_HANDSHAKE,
    STREAM_SECURE, /* bytes under TLS */
    STREAM_LINGER, /* we have said all; for the peer's end */
    STREAM_ENDED,
} StreamState;

typedef enum {
    STREAM_IO_OK = 0,
    STREAM_IO_WANTS_READ,
    STREAM_IO_WANTS_WRITE,
    STREAM_IO_FAILED, /* the stream's failure is filled in */
} StreamIo;

typedef struct {
    gsize n, at;
    gboolean is_secret;
    guint8 bytes[];
} StreamChunk;

typedef struct {
    GSource base;
    NetStream *stream;
} StreamSource;

struct net_stream {
    NetStreamEvents events;
    gpointer user;
    guint state; /* StreamState */
    int fd;      /* -1 once closed */
    struct sockaddr_storage peer;
    GSource *source;
    gpointer fd_tag;     /* NULL while no condition is waited for */
    guint waits_for;     /* GIOCondition of fd_tag */
    gboolean is_in_turn; /* dispatching: callbacks may be running */
    gboolean is_freed;   /* by the owner, inside a callback */
    gboolean is_paused, is_closing;
    gboolean is_mute;    /* the peer takes no more bytes; what it has said is still read */
    gboolean wants_turn; /* there is work that no poll will announce */
    gboolean has_failed; /* `lost` is due */

    GQueue chunks;      /* of StreamChunk, to be sent */
    guint n_last_plain; /* chunks that leave before the handshake, in STREAM_LAST_PLAIN */
    gsize backlog_bytes;

    SSL *ssl;                  /* NULL before TLS is asked for */
    gboolean tls_is_broken;    /* OpenSSL forbids further calls, close_notify too */
    StreamIo handshake_waits;  /* for reading or for writing */
    gboolean read_waits_write; /* SSL_read wants to write first */
    gboolean write_waits_read; /* and the reverse */

    MonoMs deadline, handshake_deadline, linger_deadline; /* 0: none */

    NetFailure failure; /* its strings are the four below */
    char *tls_reason, *certificate_name;
    NetTlsInfo *certificate;
};

void stream_move(NetStream *stream, StreamState to);

/* Notes why the stream ends. number: an errno, 0: end of file. */
void stream_fail_errno(NetStream *stream, int number);

/* stream_tls.c. All clear OpenSSL's error queue first. */
StreamIo stream_tls_handshake(NetStream *stream);
StreamIo stream_tls_read(NetStream *stream, guint8 *buffer, gsize size, gsize *n);
StreamIo stream_tls_write(NetStream *stream, const guint8 *bytes, gsize size, gsize *n);
void stream_tls_goodbye(NetStream *stream); /* close_notify, if it does not block */
