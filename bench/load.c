/* The load over HTTP: some clients, each with one connection kept open, post mails to the service
 * one request after another until all are taken. One thread, prepared bytes, no thought: it must
 * cost little beside what it measures.
 *
 * --mail FILE holds one mail in JSON with the word NUMBER where its number goes; --batch puts so
 * many into one request. Times are seconds of CLOCK_MONOTONIC, as the sink's. The first answer that
 * is not 200 ends the run: what was refused is no figure. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_CLIENTS = 256,
    MOST_IN_BATCH = 500,
    IN_BYTES = 128 * 1024,
    ID_BYTES = 24,
    IDLE_MS = 60000,
};

typedef struct {
    char *token, *mail_file;
    gint port, clients, batch;
    gint64 mails, first_id;
    double seconds;
} Options;

typedef struct {
    int fd;
    gboolean waits_for_room;
    gint64 n_mails; /* of the request under way */
    GString *out;
    gsize sent; /* of out */
    gsize n_in;
    char in[IN_BYTES];
} Client;

typedef struct {
    Options options;
    char **mail; /* what stands around NUMBER */
    GString *body;
    int epoll;
    gint64 given, taken, requests;
    double begun, until; /* until: no request begins after it; 0: no end */
    guint n_busy;
    Client *clients[MOST_CLIENTS];
} Load;

static void fail(const char *what)
{
    g_printerr("load: %s\n", what);
    exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- Requests ----------------------------------------------------------------------------------
 */

static void append_mail(Load *load, gint64 number)
{
    char digits[ID_BYTES];
    g_snprintf(digits, sizeof digits, "%" G_GINT64_FORMAT, number);
    for (char **part = load->mail; *part; part++) {
        if (part != load->mail)
            g_string_append(load->body, digits);
        g_string_append(load->body, *part);
    }
}

static void write_request(Load *load, Client *client)
{
    const Options *options = &load->options;
    gboolean is_batch = options->batch > 1;
    g_string_truncate(load->body, 0);
    for (gint64 i = 0; i < client->n_mails; i++) {
        if (is_batch)
            g_string_append_c(load->body, i ? ',' : '[');
        append_mail(load, options->first_id + load->given++);
    }
    if (is_batch)
        g_string_append_c(load->body, ']');
    g_string_printf(client->out,
        "POST /v1/emails%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
        is_batch ? "/batch" : "", options->token, load->body->len);
    g_string_append_len(client->out, load->body->str, (gssize)load->body->len);
    client->sent = 0;
}

static void watch(Load *load, Client *client, gboolean for_room)
{
    struct epoll_event event = {
        .events = EPOLLIN | (for_room ? (uint32_t)EPOLLOUT : 0), .data.ptr = client};
    if (client->waits_for_room == for_room)
        return;
    client->waits_for_room = for_room;
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, client->fd, &event) != 0)
        fail("epoll");
}

static void put(Load *load, Client *client)
{
    while (client->sent < client->out->len) {
        gssize n = send(client->fd, client->out->str + client->sent,
            client->out->len - client->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            fail("the service closed a connection");
        client->sent += (gsize)n;
    }
    watch(load, client, client->sent < client->out->len);
}

/* The next request of this client, if one is left to give. */
static void post(Load *load, Client *client)
{
    const Options *options = &load->options;
    gint64 left = options->mails - load->given;
    if (left == 0 || (load->until > 0 && now_s(CLOCK_MONOTONIC) > load->until)) {
        load->n_busy--;
        return;
    }
    client->n_mails = MIN(left, options->batch);
    write_request(load, client);
    put(load, client);
}

/* --- Answers -----------------------------------------------------------------------------------
 */

/* Octets of the whole answer; 0: its head is not complete. */
static gsize answer_length(const Client *client)
{
    static const char field[] = "\r\ncontent-length:";
    const char *end = memmem(client->in, client->n_in, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    for (const char *p = client->in; p < end; p++)
        if (*p == '\r' && g_ascii_strncasecmp(p, field, sizeof field - 1) == 0)
            return (gsize)(end + 4 - client->in) +
                   (gsize)g_ascii_strtoull(p + sizeof field - 1, NULL, 10);
    fail("an answer without its length");
    return 0;
}

static void take_answer(Load *load, Client *client)
{
    static const char good[] = "HTTP/1.1 200 ";
    if (strncmp(client->in, good, sizeof good - 1) != 0) {
        g_printerr("load: refused: %.*s\n", (int)MIN(client->n_in, 600), client->in);
        exit(1);
    }
    load->taken += client->n_mails;
    load->requests++;
    client->n_in = 0;
    post(load, client);
}

static void get(Load *load, Client *client)
{
    gssize n = recv(client->fd, client->in + client->n_in, IN_BYTES - 1 - client->n_in, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        fail("the service closed a connection");
    client->n_in += (gsize)n;
    client->in[client->n_in] = '\0';
    gsize length = answer_length(client);
    if (length >= IN_BYTES || (length && client->n_in > length) ||
        (length == 0 && client->n_in == IN_BYTES - 1))
        fail("an answer that is too long");
    if (length && client->n_in == length)
        take_answer(load, client);
}

/* --- The run -----------------------------------------------------------------------------------
 */

static Client *client_open(Load *load)
{
    const int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    Client *client = g_new0(Client, 1);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->out = g_string_new(NULL);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        fcntl(client->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        fail("no connection");
    return client;
}

static void client_free(Client *client)
{
    close(client->fd);
    g_string_free(client->out, TRUE);
    g_free(client);
}

static void run(Load *load)
{
    guint n = (guint)load->options.clients;
    struct epoll_event events[MOST_CLIENTS];
    for (guint i = 0; i < n; i++)
        load->clients[i] = client_open(load);
    load->n_busy = n;
    load->begun = now_s(CLOCK_MONOTONIC);
    load->until = load->options.seconds > 0 ? load->begun + load->options.seconds : 0;
    for (guint i = 0; i < n; i++)
        post(load, load->clients[i]);
    while (load->n_busy) {
        int ready = epoll_wait(load->epoll, events, MOST_CLIENTS, IDLE_MS);
        if (ready <= 0)
            fail("the service says nothing");
        for (int i = 0; i < ready; i++) {
            Client *client = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                put(load, client);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                get(load, client);
        }
    }
}

static gboolean parse(Options *o, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &o->port, "of 127.0.0.1", "N"},
        {"token", 0, 0, G_OPTION_ARG_STRING, &o->token, "of the API", "TEXT"},
        {"mail", 0, 0, G_OPTION_ARG_FILENAME, &o->mail_file, "one mail, JSON", "FILE"},
        {"clients", 0, 0, G_OPTION_ARG_INT, &o->clients, "at once", "N"},
        {"batch", 0, 0, G_OPTION_ARG_INT, &o->batch, "mails in one request", "N"},
        {"mails", 0, 0, G_OPTION_ARG_INT64, &o->mails, "", "N"},
        {"first-id", 0, 0, G_OPTION_ARG_INT64, &o->first_id, "the first mail's number", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &o->seconds, "no request begins later", "S"},
        {0},
    };
    GOptionContext *context = g_option_context_new("- posts mail over HTTP");
    g_option_context_add_main_entries(context, entries, NULL);
    gboolean is_good = g_option_context_parse(context, argc, argv, error);
    g_option_context_free(context);
    if (!is_good)
        return FALSE;
    if (o->port > 0 && o->token && o->mail_file && o->mails > 0 && o->clients > 0 &&
        o->clients <= MOST_CLIENTS && o->batch > 0 && o->batch <= MOST_IN_BATCH)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--port --token --mail --mails, up to %d --clients, --batch up to %d", MOST_CLIENTS,
        MOST_IN_BATCH);
    return FALSE;
}

static char **read_mail(const char *file)
{
    char *text = NULL;
    GError *error = NULL;
    if (!g_file_get_contents(file, &text, NULL, &error))
        fail(error->message);
    char **parts = g_strsplit(text, "NUMBER", -1);
    g_free(text);
    return parts;
}

int main(int argc, char **argv)
{
    static Load load = {.options = {.clients = 1, .batch = 1, .first_id = 1}};
    GError *error = NULL;
    if (!parse(&load.options, &argc, &argv, &error)) {
        g_printerr("load: %s\n", error->message);
        return 2;
    }
    load.mail = read_mail(load.options.mail_file);
    load.body = g_string_new(NULL);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    run(&load);
    double seconds = now_s(CLOCK_MONOTONIC) - load.begun;
    printf("{\"mails\": %" G_GINT64_FORMAT ", \"requests\": %" G_GINT64_FORMAT
           ", \"begun\": %.6f, \"seconds\": %.6f, \"per_second\": %.1f, \"cpu_seconds\": %.6f}\n",
        load.taken, load.requests, load.begun, seconds, (double)load.taken / seconds,
        now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    for (gint i = 0; i < load.options.clients; i++)
        client_free(load.clients[i]);
    g_strfreev(load.mail);
    g_string_free(load.body, TRUE);
    close(load.epoll);
    return 0;
}
