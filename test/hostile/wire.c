#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 8192 }; /* octets of one read */

struct wire {
    WireEvents events;
    gpointer user;
    int fd; /* -1: reset */
    GSource *source;
    gpointer tag;
    GByteArray *out; /* octets as they go to the socket */
    gsize grain, n_left;
    gboolean is_limited, is_cut, is_shut, is_ended, is_secure;
    WireCut cut;
    SSL *tls;
};

typedef struct {
    GSource base;
    Wire *wire;
} WireSource;

static void arm(Wire *wire)
{
    if (wire->fd < 0 || wire->is_ended) {
        if (wire->tag != NULL)
            g_source_remove_unix_fd(wire->source, wire->tag);
        wire->tag = NULL;
        return;
    }
    guint wants = G_IO_IN | (wire->out->len > 0 ? G_IO_OUT : 0u);
    g_source_modify_unix_fd(wire->source, wire->tag, (GIOCondition)wants);
}

static void end(Wire *wire)
{
    if (wire->is_ended)
        return;
    wire->is_ended = TRUE;
    arm(wire);
    wire->events.ended(wire->user);
}

static void reset(Wire *wire)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    g_source_remove_unix_fd(wire->source, wire->tag);
    wire->tag = NULL;
    close(wire->fd);
    wire->fd = -1;
    g_source_set_ready_time(wire->source, 0); /* to tell the end */
}

/* What was said has left: now comes the cut. */
static void finish_cut(Wire *wire)
{
    if (wire->is_shut || wire->fd < 0)
        return;
    wire->is_shut = TRUE;
    if (wire->cut == WIRE_RESET)
        reset(wire);
    else
        shutdown(wire->fd, SHUT_WR);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void flush(Wire *wire)
{
    while (wire->out->len > 0 && wire->fd >= 0) {
        gsize n = wire->grain > 0 ? MIN(wire->grain, wire->out->len) : wire->out->len;
        ssize_t put = send(wire->fd, wire->out->data, n, MSG_NOSIGNAL);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (put < 0)
            g_byte_array_set_size(wire->out, 0); /* the client has gone: reading will tell */
        else
            g_byte_array_remove_range(wire->out, 0, (guint)put);
    }
    if (wire->is_cut)
        finish_cut(wire);
}

static void queue(Wire *wire, const guint8 *data, gsize n)
{
    if (wire->is_limited) {
        gsize allowed = MIN(n, wire->n_left);
        wire->n_left -= allowed;
        wire->is_cut = wire->is_cut || allowed < n || wire->n_left == 0;
        n = allowed;
    }
    if (!wire->is_shut)
        g_byte_array_append(wire->out, data, (guint)n);
}

void wire_pump(Wire *wire)
{
    char *data = NULL;
    long n = wire->tls == NULL ? 0 : BIO_get_mem_data(SSL_get_wbio(wire->tls), &data);
    if (n > 0) {
        queue(wire, (const guint8 *)data, (gsize)n);
        (void)BIO_reset(SSL_get_wbio(wire->tls));
    }
    flush(wire);
    arm(wire);
}

void wire_say_beside(Wire *wire, const void *data, gsize n)
{
    queue(wire, data, n);
    flush(wire);
    arm(wire);
}

void wire_say(Wire *wire, const void *data, gsize n)
{
    if (wire->is_cut || wire->fd < 0)
        return;
    if (wire->tls == NULL) {
        wire_say_beside(wire, data, n);
        return;
    }
    gsize record = wire->grain > 0 ? wire->grain : n;
    for (gsize at = 0; at < n; at += record) {
        ERR_clear_error();
        if (SSL_write(wire->tls, (const guint8 *)data + at, (int)MIN(record, n - at)) <= 0)
            break;
    }
    wire_pump(wire);
}

void wire_cut(Wire *wire, WireCut how)
{
    if (wire->is_cut || wire->fd < 0)
        return;
    if (how == WIRE_GOODBYE && wire->is_secure) {
        ERR_clear_error();
        SSL_shutdown(wire->tls);
        wire_pump(wire);
    }
    wire->is_cut = TRUE;
    wire->cut = how;
    flush(wire);
    arm(wire);
}

void wire_set_grain(Wire *wire, gsize n)
{
    wire->grain = n;
}

void wire_limit(Wire *wire, gsize n)
{
    wire->is_limited = TRUE;
    wire->n_left = n;
    wire->cut = WIRE_FIN;
}

/* --- Reading ---------------------------------------------------------------------------------- */

void wire_start_tls(Wire *wire, SSL_CTX *identity)
{
    wire->tls = SSL_new(identity);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    g_assert(wire->tls != NULL && in != NULL && out != NULL);
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(wire->tls, in, out);
    SSL_set_accept_state(wire->tls);
}

static void read_tls(Wire *wire)
{
    guint8 buffer[PIECE];
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(wire->tls, buffer, sizeof buffer); /* shakes hands first */
        wire_pump(wire);
        if (!wire->is_secure && SSL_is_init_finished(wire->tls)) {
            wire->is_secure = TRUE;
            wire->events.secure(wire->user);
        }
        if (n <= 0)
            return;
        wire->events.bytes(buffer, (gsize)n, wire->user);
    }
}

static void read_socket(Wire *wire)
{
    guint8 buffer[PIECE];
    ssize_t n = recv(wire->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        end(wire);
        return;
    }
    if (wire->tls == NULL) {
        wire->events.bytes(buffer, (gsize)n, wire->user);
        return;
    }
    BIO_write(SSL_get_rbio(wire->tls), buffer, (int)n);
    read_tls(wire);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    Wire *wire = ((WireSource *)source)->wire;
    guint ready = wire->tag == NULL ? 0 : g_source_query_unix_fd(source, wire->tag);
    g_source_set_ready_time(source, -1);
    if (ready & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        read_socket(wire);
    if (wire->fd >= 0 && !wire->is_ended)
        flush(wire);
    arm(wire);
    if (wire->fd < 0)
        end(wire);
    return G_SOURCE_CONTINUE;
}

Wire *wire_new(GMainContext *context, int fd, const WireEvents *events, gpointer user)
{
    static GSourceFuncs funcs = {.dispatch = dispatch};
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    Wire *wire = g_new0(Wire, 1);
    wire->events = *events;
    wire->user = user;
    wire->fd = fd;
    wire->out = g_byte_array_new();
    wire->source = g_source_new(&funcs, sizeof(WireSource));
    ((WireSource *)wire->source)->wire = wire;
    wire->tag = g_source_add_unix_fd(wire->source, fd, G_IO_IN);
    g_source_attach(wire->source, context);
    return wire;
}

void wire_free(Wire *wire)
{
    if (wire == NULL)
        return;
    g_source_destroy(wire->source);
    g_source_unref(wire->source);
    SSL_free(wire->tls);
    if (wire->fd >= 0)
        close(wire->fd);
    g_byte_array_unref(wire->out);
    g_free(wire);
}

gsize wire_backlog(const Wire *wire)
{
    return wire->out->len;
}

gboolean wire_is_over(const Wire *wire)
{
    return wire->is_cut || wire->is_ended || wire->fd < 0;
}

SSL *wire_tls(Wire *wire)
{
    return wire->tls;
}
