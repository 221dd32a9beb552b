/* The minimal client: the most that SMTP submission over TLS allows on this machine. It logs in,
 * writes mails as far ahead of the replies as the mode permits, checks every reply, and does
 * nothing else: no queue, no durability, one recipient, one thread for all connections.
 *
 *   --mode data   the body of one mail and MAIL RCPT DATA of the next in one write (RFC 2920 3.1)
 *   --mode bdat   RSET MAIL RCPT BDAT LAST back to back, --window mails unanswered (RFC 3030)
 *
 * Each mail costs four replies in both modes. --repeat-every and --skip-every make the duplicates
 * and losses that bench/check wants to see counted. --plain leaves out TLS and login: so it is the
 * load on a server that takes mail from its own machine. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_LINKS = 64,
    ID_DIGITS = 10,
    HEAD_BYTES = 256,        /* the part of a mail that differs from the others */
    FILL_BYTES = 128 * 1024, /* written ahead of the socket */
    IN_BYTES = 16 * 1024,
    REPLIES = 4, /* of one mail */
    IDLE_MS = 30000,
};

typedef struct {
    char *ca_file, *user, *password, *mode;
    gint port, window, connections, repeat_every, skip_every;
    gint64 mails, first_id, size;
    gboolean starttls, plain, is_bdat;
} Options;

typedef struct {
    int fd;
    SSL *ssl; /* NULL before TLS, and without */
    GByteArray *out;
    gsize sent;        /* of out */
    gint64 id;         /* of the mail under way; 0: none */
    gsize body_at;     /* what of its body is in `out` */
    gboolean may_end;  /* DATA was answered 354 */
    gint64 unanswered; /* mails begun whose last reply has not come */
    guint reply;       /* which of a mail's replies comes next */
    gsize n_in;
    char in[IN_BYTES];
    gboolean is_stopped; /* the server ended it */
} Link;

typedef struct {
    Options options;
    SSL_CTX *tls;
    GByteArray *body; /* with the final dot in mode data */
    gsize id_at;
    gint64 given, to_give, next_id, acknowledged;
    gboolean is_repeat;
    guint n_links, n_running;
    Link links[MOST_LINKS];
} Client;

static void fail(const char *what)
{
    g_printerr("minimal: %s\n", what);
    exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- Opening: one command at a time, blocking ----------------------------------------------------
 */

static void say(Link *link, const char *line)
{
    gsize n = strlen(line);
    gssize put =
        link->ssl ? SSL_write(link->ssl, line, (int)n) : send(link->fd, line, n, MSG_NOSIGNAL);
    if (put != (gssize)n)
        fail("the server is gone");
}

/* One whole reply, of any number of lines. Its code. */
static int hear(Link *link)
{
    char text[8192];
    gsize n = 0;
    while (n < sizeof text - 1) {
        gssize got = link->ssl ? SSL_read(link->ssl, text + n, (int)(sizeof text - 1 - n))
                               : recv(link->fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            fail("the server is gone");
        n += (gsize)got;
        text[n] = '\0';
        if (text[n - 1] != '\n')
            continue;
        text[n - 1] = '\0';
        const char *last = strrchr(text, '\n');
        last = last ? last + 1 : text;
        if (strlen(last) > 3 && last[3] == ' ')
            return (int)g_ascii_strtoll(last, NULL, 10);
        text[n - 1] = '\n';
    }
    fail("a reply is too long");
    return 0;
}

static void ask(Link *link, const char *line, int wanted)
{
    if (line)
        say(link, line);
    int code = hear(link);
    if (code == wanted)
        return;
    g_printerr("minimal: %d instead of %d\n", code, wanted);
    exit(1);
}

static void start_tls(Client *client, Link *link)
{
    link->ssl = SSL_new(client->tls);
    SSL_set_fd(link->ssl, link->fd);
    SSL_set_tlsext_host_name(link->ssl, "localhost");
    SSL_set1_host(link->ssl, "localhost");
    if (SSL_connect(link->ssl) != 1)
        fail("TLS failed");
}

static void log_in(const Options *options, Link *link)
{
    char *plain = g_strdup_printf("%c%s%c%s", '\1', options->user, '\1', options->password);
    gsize n = strlen(plain);
    plain[0] = plain[1 + strlen(options->user)] = '\0';
    guchar *encoded = g_malloc(n * 2 + 8);
    EVP_EncodeBlock(encoded, (const guchar *)plain, (int)n);
    char *line = g_strdup_printf("AUTH PLAIN %s\r\n", (const char *)encoded);
    ask(link, line, 235);
    g_free(line);
    g_free(encoded);
    g_free(plain);
}

static void open_link(Client *client, Link *link)
{
    const int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)client->options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("no connection");
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    link->out = g_byte_array_sized_new(FILL_BYTES * 2);
    if (client->options.plain) {
        ask(link, NULL, 220);
    } else if (client->options.starttls) {
        ask(link, NULL, 220);
        ask(link, "EHLO minimal.example.test\r\n", 250);
        ask(link, "STARTTLS\r\n", 220);
        start_tls(client, link);
    } else {
        start_tls(client, link);
        ask(link, NULL, 220);
    }
    ask(link, "EHLO minimal.example.test\r\n", 250);
    if (!client->options.plain)
        log_in(&client->options, link);
    if (fcntl(link->fd, F_SETFL, O_NONBLOCK) != 0)
        fail("no non-blocking socket");
}

/* --- Bytes -------------------------------------------------------------------------------------
 */

/* How many octets went; 0: later; -1: the connection is gone. */
static gssize put_some(Link *link, const guint8 *data, gsize n)
{
    if (link->ssl == NULL) {
        gssize put = send(link->fd, data, n, MSG_NOSIGNAL);
        return put < 0 && errno == EAGAIN ? 0 : put;
    }
    ERR_clear_error();
    int put = SSL_write(link->ssl, data, (int)n);
    if (put > 0)
        return put;
    int why = SSL_get_error(link->ssl, put);
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* The same for what comes. */
static gssize get_some(Link *link, char *room, gsize n)
{
    if (link->ssl == NULL) {
        gssize got = recv(link->fd, room, n, 0);
        return got < 0 && errno == EAGAIN ? 0 : got > 0 ? got : -1;
    }
    ERR_clear_error();
    int got = SSL_read(link->ssl, room, (int)n);
    if (got > 0)
        return got;
    int why = SSL_get_error(link->ssl, got);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* --- Writing -----------------------------------------------------------------------------------
 */

/* The number of the next mail, 0 when all are given. */
static gint64 next_mail(Client *client)
{
    const Options *options = &client->options;
    if (client->is_repeat) {
        client->is_repeat = FALSE;
        return client->next_id - 1;
    }
    if (options->skip_every && client->given < client->to_give &&
        (client->given + 1) % options->skip_every == 0) {
        client->given++;
        client->next_id++;
    }
    if (client->given == client->to_give)
        return 0;
    client->given++;
    client->is_repeat = options->repeat_every && client->given % options->repeat_every == 0;
    return client->next_id++;
}

static void append(Link *link, const char *text)
{
    g_byte_array_append(link->out, (const guint8 *)text, (guint)strlen(text));
}

/* The commands of the next mail, if there is one and the mode allows it now. */
static gboolean begin_mail(Client *client, Link *link)
{
    const Options *options = &client->options;
    if (link->id || link->unanswered >= (options->is_bdat ? options->window : 2))
        return FALSE;
    link->id = next_mail(client);
    if (link->id == 0)
        return FALSE;
    link->unanswered++;
    link->body_at = 0;
    if (options->is_bdat) {
        char line[64];
        append(link, "RSET\r\nMAIL FROM:<noreply@example.test>\r\nRCPT TO:<anna@example.test>\r\n");
        g_snprintf(line, sizeof line, "BDAT %u LAST\r\n", client->body->len);
        append(link, line);
        link->may_end = TRUE;
    } else {
        append(link, "MAIL FROM:<noreply@example.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n");
    }
    return TRUE;
}

static void append_body(Client *client, Link *link)
{
    gsize left = client->body->len - link->body_at;
    gsize n = link->body_at == 0 ? MIN(left, HEAD_BYTES) : MIN(left, FILL_BYTES);
    g_byte_array_append(link->out, client->body->data + link->body_at, (guint)n);
    if (link->body_at == 0) {
        char digits[ID_DIGITS + 1];
        g_snprintf(digits, sizeof digits, "%0*" G_GINT64_FORMAT, ID_DIGITS, link->id);
        memcpy(link->out->data + link->out->len - n + client->id_at, digits, ID_DIGITS);
    }
    link->body_at += n;
    if (link->body_at == client->body->len) {
        link->id = 0;
        link->may_end = FALSE;
    }
}

static void fill(Client *client, Link *link)
{
    while (link->out->len - link->sent < FILL_BYTES) {
        if (link->id && link->may_end)
            append_body(client, link);
        else if (!begin_mail(client, link))
            return;
    }
}

/* FALSE: the connection is gone. */
static gboolean write_out(Client *client, Link *link)
{
    for (;;) {
        fill(client, link);
        gsize n = link->out->len - link->sent;
        if (n == 0)
            break;
        gssize put = put_some(link, link->out->data + link->sent, n);
        if (put <= 0)
            return put == 0;
        link->sent += (gsize)put;
        if (link->sent >= FILL_BYTES || link->sent == link->out->len) {
            g_byte_array_remove_range(link->out, 0, (guint)link->sent);
            link->sent = 0;
        }
    }
    return TRUE;
}

/* --- Reading -----------------------------------------------------------------------------------
 */

/* FALSE: not the reply that was due. */
static gboolean take_reply(Client *client, Link *link, const char *line)
{
    static const char *const of_data[REPLIES] = {"250", "250", "354", "250"};
    static const char *const of_bdat[REPLIES] = {"250", "250", "250", "250"};
    const char *wanted = (client->options.is_bdat ? of_bdat : of_data)[link->reply];
    if (strncmp(line, wanted, 3) != 0 || line[3] != ' ')
        return FALSE;
    if (line[0] == '3')
        link->may_end = TRUE;
    link->reply = (link->reply + 1) % REPLIES;
    if (link->reply == 0) {
        client->acknowledged++;
        link->unanswered--;
    }
    return TRUE;
}

static gboolean read_in(Client *client, Link *link)
{
    for (;;) {
        gssize got = get_some(link, link->in + link->n_in, IN_BYTES - link->n_in);
        if (got <= 0)
            return got == 0;
        link->n_in += (gsize)got;
        char *line = link->in, *end = link->in + link->n_in, *newline;
        while ((newline = memchr(line, '\n', (gsize)(end - line))) != NULL) {
            if (newline - line < 4 || !take_reply(client, link, line))
                return FALSE;
            line = newline + 1;
        }
        link->n_in = (gsize)(end - line);
        memmove(link->in, line, link->n_in);
        if (link->n_in == IN_BYTES)
            return FALSE;
    }
}

/* --- The run -----------------------------------------------------------------------------------
 */

static gboolean is_done(const Client *client, const Link *link)
{
    return client->given == client->to_give && !client->is_repeat && link->id == 0 &&
           link->unanswered == 0;
}

static void drive(Client *client, Link *link)
{
    if (!read_in(client, link) || !write_out(client, link))
        link->is_stopped = TRUE;
    if (link->is_stopped || is_done(client, link)) {
        client->n_running--;
        if (!link->is_stopped)
            put_some(link, (const guint8 *)"QUIT\r\n", 6);
        close(link->fd);
        link->fd = -1; /* poll() skips it */
    }
}

static void run(Client *client)
{
    struct pollfd polled[MOST_LINKS];
    client->n_running = client->n_links;
    for (guint i = 0; i < client->n_links; i++)
        drive(client, &client->links[i]);
    while (client->n_running) {
        for (guint i = 0; i < client->n_links; i++) {
            const Link *link = &client->links[i];
            gboolean is_full = link->fd >= 0 && link->out->len > link->sent;
            polled[i] = (struct pollfd){link->fd, (short)(POLLIN | (is_full ? POLLOUT : 0)), 0};
        }
        if (poll(polled, client->n_links, IDLE_MS) <= 0)
            fail("the server says nothing");
        for (guint i = 0; i < client->n_links; i++)
            if (polled[i].revents)
                drive(client, &client->links[i]);
    }
}

/* A message of `size` octets in lines of 76; the number's place is left to each mail. */
static GByteArray *write_body(const Options *options, gsize *id_at)
{
    static const char before[] = "From: Praxis <noreply@example.test>\r\nTo: anna@example.test\r\n"
                                 "Subject: Buchung\r\nMIME-Version: 1.0\r\nX-Bench-Id: ";
    static const char line[] =
        "Guten Tag, Ihre Buchung ist angekommen und wird von uns gerne bearbeitet, ok\r\n";
    GByteArray *body = g_byte_array_new();
    g_byte_array_append(body, (const guint8 *)before, sizeof before - 1);
    *id_at = body->len;
    g_byte_array_append(body, (const guint8 *)"0000000000\r\n\r\n", ID_DIGITS + 4);
    while ((gint64)(body->len + 2 * sizeof line) < options->size)
        g_byte_array_append(body, (const guint8 *)line, sizeof line - 1);
    while ((gint64)body->len < options->size - 2)
        g_byte_array_append(body, (const guint8 *)"x", 1);
    g_byte_array_append(body, (const guint8 *)"\r\n", 2);
    if (!options->is_bdat)
        g_byte_array_append(body, (const guint8 *)".\r\n", 3);
    return body;
}

static gboolean parse(Options *o, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &o->port, "of 127.0.0.1", "N"},
        {"starttls", 0, 0, G_OPTION_ARG_NONE, &o->starttls, "instead of TLS from the first byte",
            NULL},
        {"plain", 0, 0, G_OPTION_ARG_NONE, &o->plain, "without TLS and login", NULL},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &o->ca_file, "whom to trust, PEM", "FILE"},
        {"user", 0, 0, G_OPTION_ARG_STRING, &o->user, "", "NAME"},
        {"password", 0, 0, G_OPTION_ARG_STRING, &o->password, "", "TEXT"},
        {"mode", 0, 0, G_OPTION_ARG_STRING, &o->mode, "how the mails go", "data|bdat"},
        {"window", 0, 0, G_OPTION_ARG_INT, &o->window, "mails unanswered (bdat)", "N"},
        {"connections", 0, 0, G_OPTION_ARG_INT, &o->connections, "", "N"},
        {"mails", 0, 0, G_OPTION_ARG_INT64, &o->mails, "", "N"},
        {"first-id", 0, 0, G_OPTION_ARG_INT64, &o->first_id, "the first mail's number", "N"},
        {"size", 0, 0, G_OPTION_ARG_INT64, &o->size, "of one mail", "OCTETS"},
        {"repeat-every", 0, 0, G_OPTION_ARG_INT, &o->repeat_every, "send every Nth mail twice",
            "N"},
        {"skip-every", 0, 0, G_OPTION_ARG_INT, &o->skip_every, "do not send every Nth mail", "N"},
        {0},
    };
    GOptionContext *context = g_option_context_new("- sends mail as fast as SMTP allows");
    g_option_context_add_main_entries(context, entries, NULL);
    gboolean is_good = g_option_context_parse(context, argc, argv, error);
    g_option_context_free(context);
    if (!is_good)
        return FALSE;
    o->is_bdat = g_strcmp0(o->mode, "bdat") == 0;
    gboolean may_log_in = o->ca_file && o->user && o->password;
    if (o->port > 0 && (o->plain || may_log_in) && o->mails > 0 && o->window > 0 &&
        o->connections > 0 && o->connections <= MOST_LINKS && o->size >= 2 * HEAD_BYTES &&
        (o->is_bdat || g_strcmp0(o->mode, "data") == 0))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--port --mails, --ca-file --user --password or --plain, --mode data or bdat, up to 64 "
        "--connections");
    return FALSE;
}

static SSL_CTX *load_tls(const char *ca_file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_load_verify_locations(tls, ca_file, NULL) != 1)
        fail("the CA file cannot be used");
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

static void print_result(const Client *client, double begun, double seconds, double cpu)
{
    gint64 unanswered = 0;
    guint stopped = 0;
    for (guint i = 0; i < client->n_links; i++) {
        unanswered += client->links[i].unanswered;
        stopped += client->links[i].is_stopped ? 1 : 0;
    }
    printf("{\"mails\": %" G_GINT64_FORMAT
           ", \"begun\": %.6f, \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"cpu_seconds\": %.6f, \"unanswered\": %" G_GINT64_FORMAT ", \"stopped\": %u}\n",
        client->acknowledged, begun, seconds, (double)client->acknowledged / seconds, cpu,
        unanswered, stopped);
}

int main(int argc, char **argv)
{
    static Client client = {
        .options = {.window = 16, .connections = 1, .size = 2048, .first_id = 1}};
    GError *error = NULL;
    if (!parse(&client.options, &argc, &argv, &error)) {
        g_printerr("minimal: %s\n", error->message);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!client.options.plain)
        client.tls = load_tls(client.options.ca_file);
    client.body = write_body(&client.options, &client.id_at);
    client.to_give = client.options.mails;
    client.next_id = client.options.first_id;
    client.n_links = (guint)client.options.connections;
    for (guint i = 0; i < client.n_links; i++)
        open_link(&client, &client.links[i]);
    double begun = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    run(&client);
    print_result(
        &client, begun, now_s(CLOCK_MONOTONIC) - begun, now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}
