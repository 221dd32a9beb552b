/* The connection as a state machine on one GSource: what it waits for is what the socket is polled
 * for, so it never spins. stream_tls.c holds the calls into OpenSSL. */
#include "net/stream.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/states.h"
#include "net/dial.h"
#include "net/stream_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const StateRow rows[] = {
    [STREAM_CONNECT] = {"connect", STATE_BIT(STREAM_PLAIN) | STATE_BIT(STREAM_ENDED)},
    [STREAM_PLAIN] = {"plain",
        STATE_BIT(STREAM_LAST_PLAIN) | STATE_BIT(STREAM_LINGER) | STATE_BIT(STREAM_ENDED)},
    [STREAM_LAST_PLAIN] = {"last_plain", STATE_BIT(STREAM_HANDSHAKE) | STATE_BIT(STREAM_ENDED)},
    [STREAM_HANDSHAKE] = {"handshake", STATE_BIT(STREAM_SECURE) | STATE_BIT(STREAM_ENDED)},
    [STREAM_SECURE] = {"secure", STATE_BIT(STREAM_LINGER) | STATE_BIT(STREAM_ENDED)},
    [STREAM_LINGER] = {"linger", STATE_BIT(STREAM_ENDED)},
    [STREAM_ENDED] = {"ended", 0},
};
static const StateTable table = {"net_stream", rows, G_N_ELEMENTS(rows)};

void stream_move(NetStream *stream, StreamState to)
{
    states_move(&table, &stream->state, to);
}

void stream_fail_errno(NetStream *stream, int number)
{
    if (stream->is_mute)
        return; /* the reset that stopped the writing is what happened */
    const char *name = number == 0 ? "EOF" : strerrorname_np(number);
    stream->failure.sys = name != NULL ? name : "EIO";
}

/* --- closing -----------------------------------------------------------------------------------
 */

static void chunk_free(gpointer data)
{
    StreamChunk *chunk = data;
    if (chunk->is_secret)
        secret_wipe(chunk->bytes, chunk->n);
    g_free(chunk);
}

static void chunks_drop(NetStream *stream)
{
    g_queue_clear_full(&stream->chunks, chunk_free);
    stream->backlog_bytes = 0;
}

static void stream_close(NetStream *stream)
{
    if (stream->fd_tag != NULL)
        g_source_remove_unix_fd(stream->source, stream->fd_tag);
    stream->fd_tag = NULL;
    g_source_set_ready_time(stream->source, -1);
    SSL_free(stream->ssl);
    stream->ssl = NULL;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
    chunks_drop(stream);
}

/* The last thing a stream does by itself. Nothing of it may be touched afterwards but is_freed. */
static void stream_end(NetStream *stream)
{
    NetFailure *failure = &stream->failure;
    failure->in_handshake = stream->state == STREAM_HANDSHAKE;
    failure->clean = failure->clean && !stream->is_mute;
    failure->family = stream->peer.ss_family;
    failure->tls_reason = stream->tls_reason;
    failure->certificate_name = stream->certificate_name;
    failure->certificate = stream->certificate;
    stream_move(stream, STREAM_ENDED);
    stream_close(stream);
    if (stream->events.lost != NULL)
        stream->events.lost(failure, stream->user);
}

static void stream_release(NetStream *stream)
{
    g_source_destroy(stream->source);
    g_source_unref(stream->source);
    g_free(stream->tls_reason);
    g_free(stream->certificate_name);
    tls_info_free(stream->certificate);
    g_free(stream);
}

void net_stream_free(NetStream *stream)
{
    if (stream == NULL)
        return;
    if (stream->state != STREAM_ENDED) {
        stream_tls_goodbye(stream);
        stream_move(stream, STREAM_ENDED);
        stream_close(stream);
    }
    if (stream->is_in_turn)
        stream->is_freed = TRUE; /* the turn releases it */
    else
        stream_release(stream);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static StreamIo plain_read(NetStream *stream, guint8 *buffer, gsize size, gsize *n)
{
    ssize_t got = recv(stream->fd, buffer, size, 0);
    if (got > 0) {
        *n = (gsize)got;
        return STREAM_IO_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return STREAM_IO_WANTS_READ;
    stream_fail_errno(stream, got == 0 ? 0 : errno);
    stream->failure.clean = got == 0;
    return STREAM_IO_FAILED;
}

static gboolean may_read(const NetStream *stream)
{
    return (stream->state == STREAM_PLAIN || stream->state == STREAM_SECURE) &&
           !stream->is_paused && !stream->is_closing;
}

/* Reads until the socket has no more (OpenSSL may hold bytes no poll would announce), or until it
 * is the others' turn. */
static void read_turn(NetStream *stream)
{
    guint8 buffer[LIMIT_STREAM_READ_BYTES];
    guint state = stream->state;
    for (guint i = 0; i < LIMIT_STREAM_TURN_STEPS; i++) {
        gsize n = 0;
        StreamIo io = state == STREAM_PLAIN ? plain_read(stream, buffer, sizeof buffer, &n)
                                            : stream_tls_read(stream, buffer, sizeof buffer, &n);
        stream->read_waits_write = io == STREAM_IO_WANTS_WRITE;
        if (io == STREAM_IO_FAILED)
            stream_end(stream);
        if (io != STREAM_IO_OK)
            return;
        if (stream->events.bytes != NULL)
            stream->events.bytes(buffer, n, stream->user);
        secret_wipe(buffer, n); /* it may have been a login */
        if (!may_read(stream) || stream->state != state)
            return; /* freed, paused, or from here on the bytes are TLS */
    }
    stream->wants_turn = TRUE;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static StreamIo plain_write(NetStream *stream, const guint8 *bytes, gsize size, gsize *n)
{
    ssize_t put = send(stream->fd, bytes, size, MSG_NOSIGNAL);
    if (put >= 0) {
        *n = (gsize)put;
        return STREAM_IO_OK;
    }
    if (errno == EAGAIN || errno == EINTR)
        return STREAM_IO_WANTS_WRITE;
    stream_fail_errno(stream, errno);
    return STREAM_IO_FAILED;
}

static gboolean may_write(const NetStream *stream)
{
    if (stream->state == STREAM_LAST_PLAIN)
        return stream->n_last_plain > 0;
    return (stream->state == STREAM_PLAIN || stream->state == STREAM_SECURE) &&
           stream->chunks.length > 0;
}

/* The peer takes nothing more. What it said before is in the socket still and may be the reply to a
 * mail: the stream ends where reading ends. */
static void stop_writing(NetStream *stream)
{
    gboolean may_say_more = stream->tls_reason == NULL &&
                            (stream->state == STREAM_PLAIN || stream->state == STREAM_SECURE);
    if (!may_say_more) {
        stream_end(stream);
        return;
    }
    stream->is_mute = TRUE;
    stream->wants_turn = TRUE;
    stream->linger_deadline = clock_mono_ms() + LIMIT_LINGER_MS;
    chunks_drop(stream);
}

static void chunk_advance(NetStream *stream, StreamChunk *chunk, gsize n)
{
    chunk->at += n;
    stream->backlog_bytes -= n;
    if (chunk->at < chunk->n)
        return;
    chunk_free(g_queue_pop_head(&stream->chunks));
    if (stream->state == STREAM_LAST_PLAIN)
        stream->n_last_plain--;
    if (stream->chunks.length == 0 && stream->events.sent != NULL)
        stream->events.sent(stream->user);
}

static void write_turn(NetStream *stream)
{
    for (guint i = 0; i < LIMIT_STREAM_TURN_STEPS && may_write(stream); i++) {
        StreamChunk *chunk = g_queue_peek_head(&stream->chunks);
        const guint8 *bytes = chunk->bytes + chunk->at;
        gsize n = 0;
        StreamIo io = stream->state == STREAM_SECURE
                          ? stream_tls_write(stream, bytes, chunk->n - chunk->at, &n)
                          : plain_write(stream, bytes, chunk->n - chunk->at, &n);
        stream->write_waits_read = io == STREAM_IO_WANTS_READ;
        if (io == STREAM_IO_FAILED)
            stop_writing(stream);
        if (io != STREAM_IO_OK)
            return;
        chunk_advance(stream, chunk, n);
    }
}

/* --- the other states --------------------------------------------------------------------------
 */

static void connect_turn(NetStream *stream, guint ready)
{
    int number = 0;
    socklen_t size = sizeof number;
    if (ready == 0)
        return;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number != 0) {
        stream_fail_errno(stream, number);
        stream_end(stream);
        return;
    }
    stream_move(stream, STREAM_PLAIN);
    if (stream->events.connected != NULL)
        stream->events.connected(stream->user);
}

static void handshake_turn(NetStream *stream)
{
    StreamIo io = stream_tls_handshake(stream);
    stream->handshake_waits = io;
    if (io == STREAM_IO_FAILED)
        stream_end(stream);
    if (io != STREAM_IO_OK)
        return;
    stream->handshake_deadline = 0;
    stream_move(stream, STREAM_SECURE);
    stream->wants_turn = TRUE;
    g_autoptr(NetTlsInfo) info = tls_info_new(stream->ssl, SSL_get0_peer_certificate(stream->ssl));
    if (stream->events.tls_up != NULL)
        stream->events.tls_up(info, stream->user);
}

static void linger_turn(NetStream *stream)
{
    guint8 waste[4096];
    for (guint i = 0; i < LIMIT_STREAM_TURN_STEPS; i++) {
        ssize_t n = recv(stream->fd, waste, sizeof waste, 0);
        if (n > 0)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        stream->failure.clean = TRUE;
        stream_end(stream);
        return;
    }
}

static void linger_begin(NetStream *stream)
{
    stream_tls_goodbye(stream);
    shutdown(stream->fd, SHUT_WR);
    stream_move(stream, STREAM_LINGER);
}

/* --- the source --------------------------------------------------------------------------------
 */

static void stream_turn(NetStream *stream, guint ready)
{
    if (stream->has_failed) {
        stream_end(stream);
        return;
    }
    if (stream->state == STREAM_CONNECT)
        connect_turn(stream, ready);
    if (may_read(stream))
        read_turn(stream);
    if (may_write(stream))
        write_turn(stream);
    if (stream->state == STREAM_LAST_PLAIN && stream->n_last_plain == 0) {
        stream->handshake_deadline = clock_mono_ms() + LIMIT_TLS_HANDSHAKE_MS;
        stream_move(stream, STREAM_HANDSHAKE);
    }
    if (stream->state == STREAM_HANDSHAKE)
        handshake_turn(stream);
    if (stream->is_closing && stream->chunks.length == 0 &&
        (stream->state == STREAM_PLAIN || stream->state == STREAM_SECURE))
        linger_begin(stream);
    if (stream->state == STREAM_LINGER)
        linger_turn(stream);
}

/* TRUE once when its time has come. */
static gboolean has_come(MonoMs *deadline, MonoMs now)
{
    if (*deadline == 0 || now < *deadline)
        return FALSE;
    *deadline = 0;
    return TRUE;
}

/* After the bytes, so that a loop that was late does not blame the peer. */
static void deadlines_turn(NetStream *stream)
{
    MonoMs now = clock_mono_ms();
    if (has_come(&stream->linger_deadline, now)) {
        stream->failure.clean = stream->state == STREAM_LINGER;
        if (!stream->failure.clean)
            stream_fail_errno(stream, ETIMEDOUT);
        stream_end(stream);
    } else if (has_come(&stream->handshake_deadline, now)) {
        stream_fail_errno(stream, ETIMEDOUT);
        stream_end(stream);
    } else if (has_come(&stream->deadline, now) && stream->events.deadline != NULL) {
        stream->events.deadline(stream->user);
    }
}

static guint conditions_of(const NetStream *stream)
{
    guint wants = 0; /* of GIOCondition */
    switch ((StreamState)stream->state) {
    case STREAM_CONNECT:
    case STREAM_LAST_PLAIN:
        return G_IO_OUT;
    case STREAM_HANDSHAKE:
        return stream->handshake_waits == STREAM_IO_WANTS_WRITE ? G_IO_OUT : G_IO_IN;
    case STREAM_PLAIN:
    case STREAM_SECURE:
        if (may_read(stream))
            wants |= stream->read_waits_write ? G_IO_OUT : G_IO_IN;
        if (may_write(stream))
            wants |= stream->write_waits_read ? G_IO_IN : G_IO_OUT;
        return wants;
    case STREAM_LINGER:
        return G_IO_IN;
    case STREAM_ENDED:
        return 0;
    }
    g_assert_not_reached();
}

static gint64 ready_time_of(const NetStream *stream)
{
    if (stream->wants_turn)
        return 0;
    MonoMs deadlines[] = {stream->deadline, stream->handshake_deadline, stream->linger_deadline};
    MonoMs first = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(deadlines); i++)
        if (deadlines[i] != 0 && (first == 0 || deadlines[i] < first))
            first = deadlines[i];
    return first == 0 ? -1 : first * 1000;
}

/* GLib wakes the loop for every change of the ready time, and with each mail the deadline moves a
 * little further away. So the source is only ever set to an earlier time; when it fires too early,
 * its turn finds nothing due and arms it anew. */
static void arm_time(NetStream *stream)
{
    gint64 at = ready_time_of(stream);
    gint64 armed = g_source_get_ready_time(stream->source);
    if (at != -1 && (armed == -1 || at < armed))
        g_source_set_ready_time(stream->source, at);
}

/* Makes the poll wait for what the stream waits for. Where that is nothing the descriptor leaves
 * the poll altogether: a hang-up would be reported for ever. */
static void stream_arm(NetStream *stream)
{
    if (stream->is_in_turn || stream->state == STREAM_ENDED)
        return; /* the turn arms when it ends */
    guint wants = stream->fd < 0 ? 0 : conditions_of(stream);
    if (stream->fd_tag != NULL && wants == 0) {
        g_source_remove_unix_fd(stream->source, stream->fd_tag);
        stream->fd_tag = NULL;
    } else if (stream->fd_tag == NULL && wants != 0) {
        stream->fd_tag = g_source_add_unix_fd(stream->source, stream->fd, (GIOCondition)wants);
    } else if (wants != stream->waits_for) {
        g_source_modify_unix_fd(stream->source, stream->fd_tag, (GIOCondition)wants);
    }
    stream->waits_for = wants;
    arm_time(stream);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    NetStream *stream = ((StreamSource *)source)->stream;
    guint ready = stream->fd_tag != NULL ? g_source_query_unix_fd(source, stream->fd_tag) : 0;
    gint64 armed = g_source_get_ready_time(source);
    if (armed != -1 && armed <= g_source_get_time(source))
        g_source_set_ready_time(source, -1);
    stream->wants_turn = FALSE;
    stream->is_in_turn = TRUE;
    stream_turn(stream, ready);
    if (stream->state != STREAM_ENDED)
        deadlines_turn(stream);
    stream->is_in_turn = FALSE;
    if (stream->is_freed) {
        stream_release(stream);
        return G_SOURCE_REMOVE;
    }
    stream_arm(stream);
    return G_SOURCE_CONTINUE;
}

/* --- the contract ------------------------------------------------------------------------------
 */

static NetStream *stream_new(
    GMainContext *context, int fd, const NetStreamEvents *events, gpointer user)
{
    static GSourceFuncs funcs = {.dispatch = source_dispatch};
    tls_ignore_sigpipe();
    NetStream *stream = g_new0(NetStream, 1);
    stream->fd = fd;
    net_stream_set_events(stream, events, user);
    g_queue_init(&stream->chunks);
    stream->source = g_source_new(&funcs, sizeof(StreamSource));
    ((StreamSource *)stream->source)->stream = stream;
    /* Otherwise GLib takes the descriptor out of the poll and puts it back around every dispatch,
     * and wakes the loop each time. Nobody runs the context from inside a callback. */
    g_source_set_can_recurse(stream->source, TRUE);
    g_source_set_static_name(stream->source, "net_stream");
    g_source_attach(stream->source, context);
    return stream;
}

static void send_at_once(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

NetStream *net_stream_connect(GMainContext *context, const struct sockaddr *address,
    const NetStreamEvents *events, gpointer user)
{
    gsize size =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = fd < 0 ? errno : 0;
    if (fd >= 0) {
        send_at_once(fd);
        if (connect(fd, address, (socklen_t)size) != 0 && errno != EINPROGRESS)
            number = errno;
    }
    NetStream *stream = stream_new(context, fd, events, user);
    memcpy(&stream->peer, address, size);
    if (number != 0) {
        stream_fail_errno(stream, number);
        stream->has_failed = stream->wants_turn = TRUE;
    }
    stream_arm(stream);
    return stream;
}

NetStream *net_stream_accept(
    GMainContext *context, int fd, const NetStreamEvents *events, gpointer user)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    send_at_once(fd);
    NetStream *stream = stream_new(context, fd, events, user);
    socklen_t size = sizeof stream->peer;
    getpeername(fd, (struct sockaddr *)&stream->peer, &size);
    stream->state = STREAM_PLAIN;
    stream_arm(stream);
    return stream;
}

void net_stream_set_events(NetStream *stream, const NetStreamEvents *events, gpointer user)
{
    stream->events = events != NULL ? *events : (NetStreamEvents){0};
    stream->user = user;
}

static void start_tls(NetStream *stream, SSL *ssl)
{
    stream->ssl = ssl;
    stream->n_last_plain = stream->chunks.length;
    stream->wants_turn = TRUE;
    stream_move(stream, STREAM_LAST_PLAIN);
    stream_arm(stream);
}

void net_stream_start_tls_client(NetStream *stream, NetTlsClient *tls, const char *host)
{
    g_assert(stream->state == STREAM_PLAIN);
    start_tls(stream, tls_client_session(tls, stream->fd, host));
}

void net_stream_start_tls_server(NetStream *stream, NetTlsServer *tls)
{
    g_assert(stream->state == STREAM_PLAIN);
    start_tls(stream, tls_server_session(tls, stream->fd));
}

void net_stream_send(NetStream *stream, const guint8 *data, gsize n, gboolean is_secret)
{
    g_assert(stream->state != STREAM_ENDED && !stream->is_closing);
    g_assert(n <= LIMIT_STREAM_BACKLOG_BYTES - stream->backlog_bytes);
    if (n == 0 || stream->is_mute)
        return;
    StreamChunk *chunk = g_malloc(sizeof *chunk + n);
    *chunk = (StreamChunk){.n = n, .is_secret = is_secret};
    memcpy(chunk->bytes, data, n);
    g_queue_push_tail(&stream->chunks, chunk);
    stream->backlog_bytes += n;
    stream_arm(stream);
}

void net_stream_flush(NetStream *stream)
{
    gboolean is_open = stream->state == STREAM_PLAIN || stream->state == STREAM_SECURE;
    if (stream->is_in_turn || !is_open || stream->has_failed)
        return;
    stream->is_in_turn = TRUE;
    write_turn(stream);
    stream->is_in_turn = FALSE;
    if (stream->is_freed)
        stream_release(stream);
    else
        stream_arm(stream);
}

void net_stream_pause_reading(NetStream *stream, gboolean is_paused)
{
    if (stream->is_paused && !is_paused)
        stream->wants_turn = TRUE; /* OpenSSL may hold bytes already */
    stream->is_paused = is_paused;
    stream_arm(stream);
}

void net_stream_set_deadline(NetStream *stream, MonoMs at)
{
    stream->deadline = at;
    stream_arm(stream);
}

void net_stream_close_after_send(NetStream *stream)
{
    g_assert(stream->state != STREAM_ENDED);
    stream->is_closing = TRUE;
    stream->linger_deadline = clock_mono_ms() + LIMIT_LINGER_MS;
    stream->wants_turn = TRUE;
    stream_arm(stream);
}

const struct sockaddr *net_stream_peer(const NetStream *stream)
{
    return (const struct sockaddr *)&stream->peer;
}
