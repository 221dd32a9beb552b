#include "net/dns.h"

#include "base/clock.h"
#include "base/limits.h"
#include "net/cares.h"
#include "net/dns_unpack.h"

#include <ares.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLASS_IN 1       /* RFC 1035 3.2.4 */
#define EDNS_OCTETS 1232 /* fits every path in one packet (DNS flag day 2020) */

struct net_dns {
    char *dns_server; /* NULL: the system's */
    int stop_fd;      /* an eventfd; never read, so it wakes everybody */
    gint is_stopped;  /* atomic */
};

/* One call of net_dns_ask. */
typedef struct {
    NetDns *dns;
    DnsAnswers *answers;
    ares_channel channel;
    MonoMs ends_at;
    guint n_left;
} Asking;

typedef struct {
    Asking *asking;
    const DnsAnswer *answer; /* the open one; belongs to `answers` */
} Question;

NetDns *net_dns_new(const char *dns_server, GError **error)
{
    net_cares_start();
    if (dns_server != NULL && !net_cares_check_server(dns_server, error))
        return NULL;
    NetDns *dns = g_new0(NetDns, 1);
    dns->dns_server = g_strdup(dns_server);
    dns->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (dns->stop_fd < 0)
        g_error("no event descriptor for the DNS: %s", g_strerror(errno));
    return dns;
}

void net_dns_stop(NetDns *dns)
{
    const guint64 once = 1;
    g_atomic_int_set(&dns->is_stopped, TRUE);
    if (write(dns->stop_fd, &once, sizeof once) != sizeof once)
        g_error("the DNS cannot be stopped: %s", g_strerror(errno));
}

gboolean net_dns_is_stopped(const NetDns *dns)
{
    return g_atomic_int_get(&dns->is_stopped);
}

int net_dns_stop_fd(const NetDns *dns)
{
    return dns->stop_fd;
}

void net_dns_free(NetDns *dns)
{
    if (dns == NULL)
        return;
    close(dns->stop_fd);
    g_free(dns->dns_server);
    g_free(dns);
}

/* --- one question ------------------------------------------------------------------------------
 */

static DnsStatus status_of(int ares_status)
{
    switch (ares_status) {
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return DNS_TIMEOUT;
    case ARES_EBADNAME: /* cannot be put into a question: exists no more than NXDOMAIN */
        return DNS_NO_NAME;
    default:
        return DNS_SERVER_FAIL;
    }
}

static void on_answer(void *user, int status, int timeouts, unsigned char *message, int n)
{
    Question *question = user;
    const DnsAnswer *answer = question->answer;
    GPtrArray *records = NULL;
    char *canonical = NULL;
    DnsStatus told = status_of(status);
    /* With these the message was taken for an answer, and it says more than the status. */
    if (message != NULL &&
        (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND))
        told = net_dns_unpack(message, (gsize)n, answer->type, &records, &canonical);
    question->asking->n_left--;
    dns_answers_put(
        question->asking->answers, answer->name, answer->type, told, records, canonical);
}

/* --- all questions of a call -------------------------------------------------------------------
 */

static gboolean channel_open(Asking *asking, gint64 timeout_ms)
{
    struct ares_options options = {
        .timeout = (int)CLAMP(timeout_ms / 2, 1, LIMIT_DNS_TRY_MS),
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .ednspsz = EDNS_OCTETS,
    };
    int wanted = ARES_OPT_TIMEOUTMS | ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ;
    if (ares_init_options(&asking->channel, &options, wanted) != ARES_SUCCESS)
        return FALSE;
    const char *server = asking->dns->dns_server;
    if (server == NULL || ares_set_servers_ports_csv(asking->channel, server) == ARES_SUCCESS)
        return TRUE;
    ares_destroy(asking->channel);
    return FALSE;
}

/* Until something can be read or written, the next retry, the end, or the stop. */
static void wait_and_process(Asking *asking)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd polled[ARES_GETSOCK_MAXNUM + 1];
    guint wanted = (guint)ares_getsock(asking->channel, sockets, ARES_GETSOCK_MAXNUM);
    nfds_t n = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        /* c-ares' own macros shift into the sign. */
        int events = (wanted >> i & 1 ? POLLIN : 0) |
                     (wanted >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0);
        if (events != 0)
            polled[n++] = (struct pollfd){.fd = sockets[i], .events = (short)events};
    }
    polled[n] = (struct pollfd){.fd = asking->dns->stop_fd, .events = POLLIN};
    gint64 left_ms = MAX(asking->ends_at - clock_mono_ms(), 0);
    struct timeval most = {left_ms / 1000, left_ms % 1000 * 1000}, next;
    struct timeval *wait = ares_timeout(asking->channel, &most, &next);
    int wait_ms = (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
    gboolean is_quiet = poll(polled, n + 1, wait_ms) <= 0;
    for (nfds_t i = 0; i < n && !is_quiet; i++) {
        gboolean reads = (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        gboolean writes = (polled[i].revents & POLLOUT) != 0;
        ares_process_fd(asking->channel, reads ? polled[i].fd : ARES_SOCKET_BAD,
            writes ? polled[i].fd : ARES_SOCKET_BAD);
    }
    if (is_quiet) /* timers alone */
        ares_process_fd(asking->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void put_all(const Asking *asking, const Question *questions, guint n, DnsStatus status)
{
    for (guint i = 0; i < n; i++)
        dns_answers_put(asking->answers, questions[i].answer->name, questions[i].answer->type,
            status, NULL, NULL);
}

void net_dns_ask(NetDns *dns, DnsAnswers *answers, gint64 timeout_ms)
{
    Asking asking = {.dns = dns, .answers = answers, .ends_at = clock_mono_ms() + timeout_ms};
    Question questions[LIMIT_DNS_QUESTIONS];
    guint n = MIN(dns_answers_n_open(answers), LIMIT_DNS_QUESTIONS);
    for (guint i = 0; i < n; i++) /* answering one takes it off the list of open ones */
        questions[i] = (Question){&asking, dns_answers_open(answers, i)};
    if (n == 0)
        return;
    if (net_dns_is_stopped(dns) || timeout_ms <= 0) {
        put_all(&asking, questions, n, DNS_TIMEOUT);
        return;
    }
    if (!channel_open(&asking, timeout_ms)) {
        put_all(&asking, questions, n, DNS_SERVER_FAIL);
        return;
    }
    asking.n_left = n;
    for (guint i = 0; i < n; i++)
        ares_query(asking.channel, questions[i].answer->name, CLASS_IN,
            (int)questions[i].answer->type, on_answer, &questions[i]);
    while (asking.n_left > 0 && clock_mono_ms() < asking.ends_at && !net_dns_is_stopped(dns))
        wait_and_process(&asking);
    ares_destroy(asking.channel); /* what is left gets its DNS_TIMEOUT from on_answer */
}
