#include "sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_WORKERS = 2, EVENTS = 64, BACKLOG = 128, CONTROL_LINE_BYTES = 256 };

/* What the options say beside SinkConfig. */
typedef struct {
    char *certificate, *key, *report;
    gint implicit_port, starttls_port, control_port, threads;
    gint64 expected;
    double latency_ms;
} Options;

typedef struct {
    Sink sink;
    Options options;
    Worker workers[MOST_WORKERS];
    guint n_workers, next_worker;
    Watch implicit, starttls, control, signals;
} Server;

gboolean watch_add(Worker *worker, Watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

/* --- Reports -----------------------------------------------------------------------------------
 */

static char *report(Server *server)
{
    return tally_report(server->sink.tally, server->sink.expected);
}

static void publish_report(Server *server)
{
    char *line = report(server);
    if (server->options.report == NULL) {
        puts(line);
        fflush(stdout);
    } else {
        GError *error = NULL;
        if (!g_file_set_contents(server->options.report, line, -1, &error))
            g_printerr("sink: %s\n", error->message);
        g_clear_error(&error);
    }
    g_free(line);
}

static void signal_ready(void *owner, uint32_t events)
{
    Server *server = owner;
    struct signalfd_siginfo info;
    if (read(server->signals.fd, &info, sizeof info) != sizeof info)
        return;
    publish_report(server);
    if (info.ssi_signo != SIGUSR1)
        exit(0);
}

/* --- The control port: one command a line, one line of JSON back --------------------------------
 */

static char *times(Server *server, const char *range)
{
    char *behind = NULL;
    guint64 first = g_ascii_strtoull(range, &behind, 10);
    return tally_times(server->sink.tally, first, g_ascii_strtoull(behind, NULL, 10));
}

static char *obey(Server *server, const char *line)
{
    if (strcmp(line, "report") == 0)
        return report(server);
    if (strcmp(line, "reset") == 0) {
        tally_reset(server->sink.tally);
        return g_strdup("{}");
    }
    if (g_str_has_prefix(line, "expect ")) {
        server->sink.expected = g_ascii_strtoull(line + strlen("expect "), NULL, 10);
        return g_strdup("{}");
    }
    if (g_str_has_prefix(line, "lap ")) {
        tally_lap(server->sink.tally, g_ascii_strtoull(line + strlen("lap "), NULL, 10));
        return g_strdup("{}");
    }
    if (g_str_has_prefix(line, "times "))
        return times(server, line + strlen("times "));
    return g_strdup("{\"error\": \"report, reset, expect N, lap N, or times N N\"}");
}

typedef struct {
    Watch watch;
    Server *server;
    gsize n;
    char line[CONTROL_LINE_BYTES];
} Control;

static void control_ready(void *owner, uint32_t events)
{
    Control *control = owner;
    gssize got =
        recv(control->watch.fd, control->line + control->n, sizeof control->line - control->n, 0);
    if (got <= 0) {
        close(control->watch.fd);
        g_free(control);
        return;
    }
    control->n += (gsize)got;
    char *newline;
    while ((newline = memchr(control->line, '\n', control->n)) != NULL) {
        *newline = '\0';
        char *answer = obey(control->server, g_strchomp(control->line));
        char *line = g_strconcat(answer, "\n", NULL);
        (void)!send(control->watch.fd, line, strlen(line), MSG_NOSIGNAL);
        g_free(line);
        g_free(answer);
        control->n -= (gsize)(newline + 1 - control->line);
        memmove(control->line, newline + 1, control->n);
    }
    if (control->n == sizeof control->line)
        control->n = 0;
}

static void control_accept(void *owner, uint32_t events)
{
    Server *server = owner;
    int fd = accept4(server->control.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    Control *control = g_new0(Control, 1);
    control->server = server;
    control->watch = (Watch){fd, control, control_ready};
    if (!watch_add(&server->workers[0], &control->watch, EPOLLIN)) {
        close(fd);
        g_free(control);
    }
}

/* --- Sockets -----------------------------------------------------------------------------------
 */

static void accept_session(Server *server, const Watch *listener)
{
    const int one = 1;
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Worker *worker = &server->workers[server->next_worker++ % server->n_workers];
        session_open(worker, fd, listener == &server->implicit);
    }
}

static void implicit_accept(void *owner, uint32_t events)
{
    Server *server = owner;
    accept_session(server, &server->implicit);
}

static void starttls_accept(void *owner, uint32_t events)
{
    Server *server = owner;
    accept_session(server, &server->starttls);
}

static void fail(const char *what)
{
    g_printerr("sink: %s: %s\n", what, g_strerror(errno));
    exit(1);
}

/* Listens on 127.0.0.1; returns the port in use. */
static int listen_on(Server *server, Watch *watch, int port, void (*ready)(void *, uint32_t))
{
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, n) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        fail("cannot listen");
    *watch = (Watch){fd, server, ready};
    if (!watch_add(&server->workers[0], watch, EPOLLIN))
        fail("epoll");
    return ntohs(address.sin_port);
}

static SSL_CTX *load_tls(const Options *options)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, options->certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1) {
        g_printerr("sink: the certificate or its key cannot be used\n");
        exit(1);
    }
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_id_context(tls, (const guchar *)"sink", 4);
    /* One system call for several records. */
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, 64 * 1024);
    return tls;
}

/* --- Threads -----------------------------------------------------------------------------------
 */

static gpointer work(gpointer data)
{
    Worker *worker = data;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(worker->epoll, events, EVENTS, worker->again || worker->dead ? 0 : -1);
        for (int i = 0; i < n; i++) {
            Watch *watch = events[i].data.ptr;
            watch->ready(watch->owner, events[i].events);
        }
        sessions_continue(worker);
        sessions_bury(worker);
    }
    return NULL;
}

static void watch_signals(Server *server)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    server->signals = (Watch){signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), server, signal_ready};
    if (server->signals.fd < 0 || !watch_add(&server->workers[0], &server->signals, EPOLLIN))
        fail("signals");
}

static void run(Server *server)
{
    const Options *options = &server->options;
    server->sink.tls = load_tls(options);
    server->sink.tally = tally_new();
    server->n_workers = (guint)options->threads;
    for (guint i = 0; i < server->n_workers; i++) {
        server->workers[i].sink = &server->sink;
        server->workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
        if (server->workers[i].epoll < 0)
            fail("epoll");
    }
    watch_signals(server);
    int implicit = listen_on(server, &server->implicit, options->implicit_port, implicit_accept);
    int starttls = listen_on(server, &server->starttls, options->starttls_port, starttls_accept);
    int control = listen_on(server, &server->control, options->control_port, control_accept);
    printf("{\"implicit\": %d, \"starttls\": %d, \"control\": %d}\n", implicit, starttls, control);
    fflush(stdout);
    for (guint i = 1; i < server->n_workers; i++)
        g_thread_unref(g_thread_new("sink", work, &server->workers[i]));
    work(&server->workers[0]);
}

/* --- Options -----------------------------------------------------------------------------------
 */

static guint limit_of(const char *limits, const char *name)
{
    const char *found = limits ? strstr(limits, name) : NULL;
    return found ? (guint)g_ascii_strtoull(found + strlen(name), NULL, 10) : 0;
}

static gboolean parse(Server *server, int *argc, char ***argv, GError **error)
{
    SinkConfig *config = &server->sink.config;
    Options *o = &server->options;
    const GOptionEntry entries[] = {
        {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &o->certificate, "chain, PEM", "FILE"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &o->key, "its key, PEM", "FILE"},
        {"implicit-port", 0, 0, G_OPTION_ARG_INT, &o->implicit_port, "TLS from the first byte",
            "N"},
        {"starttls-port", 0, 0, G_OPTION_ARG_INT, &o->starttls_port, "STARTTLS", "N"},
        {"control-port", 0, 0, G_OPTION_ARG_INT, &o->control_port,
            "report, reset, expect N, lap N, times FIRST LAST", "N"},
        {"threads", 0, 0, G_OPTION_ARG_INT, &o->threads, "1 or 2", "N"},
        {"report", 0, 0, G_OPTION_ARG_FILENAME, &o->report, "instead of standard output", "FILE"},
        {"expect", 0, 0, G_OPTION_ARG_INT64, &o->expected, "the ids 1 to N must come", "N"},
        {"password", 0, 0, G_OPTION_ARG_STRING, &config->password, "the only one taken", "TEXT"},
        {"pipelining", 0, 0, G_OPTION_ARG_NONE, &config->pipelining, "offer PIPELINING", NULL},
        {"chunking", 0, 0, G_OPTION_ARG_NONE, &config->chunking, "offer CHUNKING", NULL},
        {"8bitmime", 0, 0, G_OPTION_ARG_NONE, &config->eightbitmime, "offer 8BITMIME", NULL},
        {"smtputf8", 0, 0, G_OPTION_ARG_NONE, &config->smtputf8, "offer SMTPUTF8", NULL},
        {"dsn", 0, 0, G_OPTION_ARG_NONE, &config->dsn, "offer DSN", NULL},
        {"size", 0, 0, G_OPTION_ARG_INT64, &config->size, "offer SIZE and keep it", "OCTETS"},
        {"limits", 0, 0, G_OPTION_ARG_STRING, &config->limits, "offer LIMITS and keep them",
            "\"MAILMAX=N RCPTMAX=N\""},
        {"latency", 0, 0, G_OPTION_ARG_DOUBLE, &o->latency_ms, "from a command to its reply", "MS"},
        {"reject-rcpt", 0, 0, G_OPTION_ARG_INT, &config->reject_rcpt, "every Nth recipient: 550",
            "N"},
        {"defer", 0, 0, G_OPTION_ARG_INT, &config->defer, "every Nth mail: 451", "N"},
        {"drop-after-end", 0, 0, G_OPTION_ARG_INT, &config->drop_after_end,
            "every Nth mail: take it, and cut instead of its reply", "N"},
        {"max-mails", 0, 0, G_OPTION_ARG_INT, &config->max_mails, "on a connection, then 421", "N"},
        {"connections", 0, 0, G_OPTION_ARG_INT, &config->connections, "at once, then 421", "N"},
        {0},
    };
    GOptionContext *context = g_option_context_new("- takes mail, counts it, forgets it");
    g_option_context_add_main_entries(context, entries, NULL);
    gboolean is_good = g_option_context_parse(context, argc, argv, error);
    g_option_context_free(context);
    if (is_good && (!o->certificate || !o->key || o->threads < 1 || o->threads > MOST_WORKERS)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
            "--certificate, --key, and 1 or 2 --threads");
        return FALSE;
    }
    config->latency_ns = (gint64)(o->latency_ms * 1e6);
    config->mail_max = limit_of(config->limits, "MAILMAX=");
    config->recipient_max = limit_of(config->limits, "RCPTMAX=");
    server->sink.expected = (guint64)MAX(0, o->expected);
    return is_good;
}

int main(int argc, char **argv)
{
    static Server server = {.options.threads = 1};
    GError *error = NULL;
    if (!parse(&server, &argc, &argv, &error)) {
        g_printerr("sink: %s\n", error->message);
        return 2;
    }
    run(&server);
}
