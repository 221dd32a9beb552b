#include "base/error.h"
#include "base/limits.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128
#define ACCEPTS_PER_TURN 16

struct net_listener {
    int fd;
    GSource *source;
    gpointer fd_tag; /* NULL while it rests */
    void (*accepted)(int fd, gpointer user);
    gpointer user;
};

typedef struct {
    GSource base;
    NetListener *listener;
} ListenerSource;

/* Without a descriptor for it the waiting connection stays ready: polling on would burn the CPU. */
static void rest(NetListener *listener)
{
    g_source_remove_unix_fd(listener->source, listener->fd_tag);
    listener->fd_tag = NULL;
    g_source_set_ready_time(
        listener->source, g_get_monotonic_time() + LIMIT_ACCEPT_PAUSE_MS * 1000);
}

static void wake(NetListener *listener)
{
    g_source_set_ready_time(listener->source, -1);
    listener->fd_tag = g_source_add_unix_fd(listener->source, listener->fd, G_IO_IN);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    NetListener *listener = ((ListenerSource *)source)->listener;
    if (listener->fd_tag == NULL)
        wake(listener);
    for (guint i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->accepted(fd, listener->user); /* may free the listener */
            if (g_source_is_destroyed(source))
                return G_SOURCE_REMOVE;
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            rest(listener);
        break; /* EAGAIN, or one connection that died in the queue */
    }
    return G_SOURCE_CONTINUE;
}

static gboolean address_of(
    const char *text, guint16 port, struct sockaddr_storage *address, socklen_t *size)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(address, &in, *size = sizeof in);
        return TRUE;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(address, &in6, *size = sizeof in6);
        return TRUE;
    }
    return FALSE;
}

static guint16 port_of(int fd)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in in;
    socklen_t size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &size);
    memcpy(&in, &address, sizeof in); /* the port stands at the same place in both families */
    return ntohs(in.sin_port);
}

static int listen_on(const struct sockaddr_storage *address, socklen_t size)
{
    int yes = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)address, size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

NetListener *net_listener_new(GMainContext *context, const char *address, guint16 port,
    guint16 *bound_port, void (*accepted)(int fd, gpointer user), gpointer user, GError **error)
{
    static GSourceFuncs funcs = {.dispatch = source_dispatch};
    struct sockaddr_storage at;
    socklen_t size;
    if (!address_of(address, port, &at, &size)) {
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_INPUT, "\"%s\" is not an IP address to listen on", address);
        return NULL;
    }
    int fd = listen_on(&at, size);
    if (fd < 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "cannot listen on %s port %u: %s", address,
            (guint)port, g_strerror(errno));
        return NULL;
    }
    NetListener *listener = g_new0(NetListener, 1);
    listener->fd = fd;
    listener->accepted = accepted;
    listener->user = user;
    listener->source = g_source_new(&funcs, sizeof(ListenerSource));
    ((ListenerSource *)listener->source)->listener = listener;
    g_source_set_static_name(listener->source, "net_listener");
    wake(listener);
    g_source_attach(listener->source, context);
    if (bound_port != NULL)
        *bound_port = port_of(fd);
    return listener;
}

void net_listener_free(NetListener *listener)
{
    if (listener == NULL)
        return;
    g_source_destroy(listener->source);
    g_source_unref(listener->source);
    close(listener->fd);
    g_free(listener);
}
