/* DNS servers for tests: dnsmasq, and one of our own that can misbehave. */
#pragma once

#include <arpa/inet.h>
#include <glib-unix.h>
#include <glib.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A UDP socket on a free loopback port. */
static inline int udp_open(guint16 *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert(bind(fd, (struct sockaddr *)&address, size) == 0);
    g_assert(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

typedef struct {
    GPid pid;
    char *address; /* for net_resolver_new */
} Dnsmasq;

/* Asks until it answers. */
static inline gboolean dns_answers(guint16 port)
{
    static const guint8 question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                     "\x02v4\x04test\x00\x00\x01\x00\x01";
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    guint8 answer[512];
    gboolean is_there = FALSE;
    for (guint i = 0; i < 200 && !is_there; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        g_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
        is_there = send(fd, question, sizeof question - 1, 0) > 0;
        g_usleep(25 * 1000);
        is_there = is_there && recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0;
        close(fd);
    }
    return is_there;
}

/* Also when a test ends by a crash. */
static inline void die_with_parent(gpointer user)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static inline void dnsmasq_start(Dnsmasq *dnsmasq)
{
    guint16 port;
    close(udp_open(&port));
    g_autofree char *port_flag = g_strdup_printf("--port=%u", (guint)port);
    g_autofree char *filling = g_strnfill(200, 'x');
    g_autofree char *large = g_strdup_printf("--txt-record=large.test,%1$s,%1$s,%1$s,%1$s,%1$s,"
                                             "%1$s,%1$s,%1$s,%1$s,%1$s,end",
        filling); /* over what one UDP packet holds: asked again over TCP */
    const char *argv[] = {"dnsmasq", "--no-daemon", "--conf-file=/dev/null", port_flag,
        "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
        "--user=", "--pid-file=", "--local=/test/", "--cache-size=0", "--log-facility=/dev/null",
        "--host-record=v4.test,192.0.2.1", "--host-record=v6.test,2001:db8::1",
        "--host-record=both.test,192.0.2.1,2001:db8::1",
        "--host-record=many.test,192.0.2.1,2001:db8::1",
        "--host-record=many.test,192.0.2.2,2001:db8::2", "--host-record=many.test,192.0.2.3",
        "--host-record=loop.test,127.0.0.1", "--host-record=loop6.test,127.0.0.1,::1",
        "--host-record=mixed.test,127.0.0.1,10.9.8.7",
        "--host-record=metadata.test,169.254.169.254", "--cname=alias.test,second.test",
        "--cname=second.test,both.test", "--txt-record=text.test,only text",
        "--txt-record=split.test,v=spf1 include:one.test, -all", "--txt-record=two.test,first",
        "--txt-record=two.test,second", "--mx-host=post.test,backup.test,20",
        "--mx-host=post.test,first.test,10",
        "--srv-host=_submissions._tcp.post.test,smtp.post.test,465,1,5",
        "--ptr-record=1.2.0.192.in-addr.arpa.test,v4.test", large, NULL};
    guint flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL |
                  G_SPAWN_STDOUT_TO_DEV_NULL;
    g_autofree char *path = g_strconcat(g_getenv("PATH"), ":/usr/sbin", NULL);
    g_setenv("PATH", path, TRUE);
    g_autoptr(GError) error = NULL;
    if (!g_spawn_async(NULL, (char **)argv, NULL, (GSpawnFlags)flags, die_with_parent, NULL,
            &dnsmasq->pid, &error))
        g_error("dnsmasq does not start: %s", error->message);
    dnsmasq->address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    if (!dns_answers(port))
        g_error("dnsmasq does not answer");
}

static inline void dnsmasq_stop(Dnsmasq *dnsmasq)
{
    kill(dnsmasq->pid, SIGTERM);
    g_spawn_close_pid(dnsmasq->pid);
    g_free(dnsmasq->address);
}

/* Answers A with its two addresses by turns (without them NODATA), and says nothing or NODATA to
 * AAAA; or gives every question the same response code. Runs on the test's own context. */
typedef struct {
    guint8 rcode; /* RFC 1035 4.1.1 */
    gboolean ignores_aaaa;
    const char *answers[2];
    int fd;
    guint n_asked; /* for A */
    GSource *source;
    char *address; /* for net_resolver_new */
} DnsServer;

static inline gboolean dns_server_asked(int fd, GIOCondition condition, gpointer user)
{
    DnsServer *server = user;
    guint8 record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0}; /* RFC 1035 4.1.3 */
    guint8 packet[512];
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, packet, 400, 0, (struct sockaddr *)&from, &size);
    g_assert(n > 16);
    /* What follows the question (EDNS) is left out of the answer. */
    n = 12 + (ssize_t)strnlen((const char *)packet + 12, 255) + 1 + 4;
    packet[11] = 0;
    gboolean is_a = packet[n - 3] == 1;
    if (!is_a && server->ignores_aaaa)
        return G_SOURCE_CONTINUE;
    packet[2] |= 0x80;
    packet[3] = server->rcode;
    if (server->rcode == 0 && is_a && server->answers[0]) {
        g_assert(inet_pton(AF_INET, server->answers[server->n_asked++ % 2], record + 12) == 1);
        packet[7] = 1;
        memcpy(packet + n, record, sizeof record);
        n += (ssize_t)sizeof record;
    }
    sendto(fd, packet, (gsize)n, 0, (struct sockaddr *)&from, size);
    return G_SOURCE_CONTINUE;
}

static inline void dns_server_start(DnsServer *server, GMainContext *context)
{
    guint16 port;
    server->fd = udp_open(&port);
    server->address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    server->source = g_unix_fd_source_new(server->fd, G_IO_IN);
    g_source_set_callback(server->source, G_SOURCE_FUNC(dns_server_asked), server, NULL);
    g_source_attach(server->source, context);
}

static inline void dns_server_stop(DnsServer *server)
{
    g_source_destroy(server->source);
    g_source_unref(server->source);
    close(server->fd);
    g_free(server->address);
}
