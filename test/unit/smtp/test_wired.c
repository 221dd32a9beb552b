/* The client core and the server core, back to back in memory: whatever the cuts between them,
 * mails arrive byte for byte, at every pace. */
#include "smtp/client.h"
#include "smtp/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name, *content;
} corpus[] = {
    {"ordinary", "Subject: hi\r\n\r\nHello.\r\n"},
    {"dots", ".\r\n..\r\n...\r\na.b\r\n.c\r\n"},
    {"commands inside", "a\r\n.\r\nMAIL FROM:<eve@evil.example>\r\nRSET\r\nQUIT\r\n.\r\n"},
    {"replies inside", "250 2.0.0 ok\r\n354 go\r\n421 bye\r\n"},
    {"empty lines", "\r\n\r\n\r\n"},
    {"dot at the end", "end\r\n.\r\n"},
    {"8-bit", "gr\xc3\xbc\xc3\x9f\xff\x80\r\n.\xfe\r\n"},
};
enum { N_MAILS = G_N_ELEMENTS(corpus) };

/* One direction: bytes on their way, cut into pieces and once more at one place of the whole
 * stream.
 */
typedef struct {
    GString *bytes;
    gsize piece;   /* at most so many at once; 0: all */
    gsize cut;     /* and never across this offset of the stream; 0: none */
    gsize n_given; /* octets delivered so far */
} Pipe;

typedef struct {
    SmtpClient *client;
    SmtpServer *server;
    Pipe to_server, to_client;
    gboolean client_wants_tls, server_wants_tls, client_is_closed, is_ready, proved;
    guint room, most_in_hand;
    guint64 begun[N_MAILS];
    guint n_begun, n_marked, n_given, n_taken, n_accepted, n_rejected;
} Wire;

static const char token_text[] = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl";

static gsize next_piece(const Pipe *pipe)
{
    gsize n = pipe->bytes->len;
    if (pipe->piece > 0)
        n = MIN(n, pipe->piece);
    if (pipe->cut > pipe->n_given)
        n = MIN(n, pipe->cut - pipe->n_given);
    return n;
}

static void drop_piece(Pipe *pipe, gsize n)
{
    g_string_erase(pipe->bytes, 0, (gssize)n);
    pipe->n_given += n;
}

static void step_client(Wire *wire, SmtpEvent event);

static void give_next_mail(Wire *wire)
{
    static const char *const recipients[] = {"bob@example.net", "refuse@example.net", NULL};
    const char *text = corpus[wire->n_given].content;
    g_autoptr(GBytes) content = g_bytes_new_static(text, strlen(text));
    SmtpMail mail = {.token = wire->n_given++,
        .sender = "anna@example.org",
        .recipients = recipients,
        .content = content,
        .needs_eightbitmime = TRUE};
    step_client(wire, (SmtpEvent){.kind = SMTP_EVENT_MAIL, .mail = &mail});
    wire->most_in_hand = MAX(wire->most_in_hand, wire->n_given - wire->n_accepted);
}

/* The store commits everything that was begun meanwhile in one go. */
static void mark(Wire *wire)
{
    SmtpEvent event = {.kind = SMTP_EVENT_MARKED,
        .tokens = wire->begun + wire->n_marked,
        .n_tokens = wire->n_begun - wire->n_marked};
    wire->n_marked = wire->n_begun;
    step_client(wire, event);
}

static void step_client(Wire *wire, SmtpEvent event)
{
    event.now = 1;
    const SmtpClientEffects *effects = smtp_client_step(wire->client, &event);
    g_string_append_len(
        wire->to_server.bytes, (const char *)effects->send->data, (gssize)effects->send->len);
    wire->client_wants_tls = wire->client_wants_tls || effects->start_tls;
    wire->client_is_closed = wire->client_is_closed || effects->close;
    wire->is_ready = effects->ready;
    wire->room = effects->room;
    wire->proved = wire->proved || effects->proved;
    for (guint i = 0; i < effects->n_begun; i++) {
        assert_int_equal(effects->begun[i], wire->n_begun); /* in order, each once */
        wire->begun[wire->n_begun++] = effects->begun[i];
    }
    for (guint i = 0; i < effects->n_outcomes; i++) {
        const SmtpOutcome *outcome = &effects->outcomes[i];
        assert_int_equal(
            outcome->kind, outcome->recipient == 0 ? SMTP_OUTCOME_ACCEPTED : SMTP_OUTCOME_REJECTED);
        wire->n_accepted += outcome->recipient == 0;
        wire->n_rejected += outcome->recipient == 1;
    }
    if (effects->send->len > 0)
        step_client(wire, (SmtpEvent){.kind = SMTP_EVENT_SENT});
}

static void take_message(Wire *wire, const SmtpServerEffects *effects)
{
    assert_true(wire->n_taken < N_MAILS);
    assert_string_equal(effects->sender, "anna@example.org");
    assert_string_equal(effects->recipients[0], "bob@example.net");
    assert_null(effects->recipients[1]);
    const char *content = corpus[wire->n_taken].content;
    assert_int_equal(g_bytes_get_size(effects->content), strlen(content));
    assert_memory_equal(g_bytes_get_data(effects->content, NULL), content, strlen(content));
    assert_true(wire->n_taken < wire->n_marked); /* no end leaves before its mark */
    wire->n_taken++;
}

static void step_server(Wire *wire, SmtpServerEvent event)
{
    for (;;) {
        event.now = 1;
        const SmtpServerEffects *effects = smtp_server_step(wire->server, &event);
        g_string_append_len(
            wire->to_client.bytes, (const char *)effects->send->data, (gssize)effects->send->len);
        wire->server_wants_tls = wire->server_wants_tls || effects->start_tls;
        event = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_VERDICT};
        if (effects->ask == SMTP_ASK_NOTHING)
            return;
        if (effects->ask == SMTP_ASK_MESSAGE)
            take_message(wire, effects);
        if (effects->ask == SMTP_ASK_LOGIN) {
            gboolean by_token = effects->bearer_token != NULL;
            assert_string_equal(effects->username, "anna");
            assert_true(by_token == (effects->password == NULL));
            assert_string_equal(
                secret_reveal(by_token ? effects->bearer_token : effects->password, NULL),
                by_token ? token_text : "ge heim\xc3\xbc");
        }
        if (effects->ask == SMTP_ASK_RECIPIENT && g_str_has_prefix(effects->recipient, "refuse@"))
            event.verdict.code = 550;
    }
}

/* Moves one piece, or the handshake; FALSE when nothing moves any more. */
static gboolean move(Wire *wire)
{
    if (wire->room > 0 && wire->n_given < N_MAILS && !wire->client_is_closed) {
        give_next_mail(wire);
        return TRUE;
    }
    gsize n = next_piece(&wire->to_server);
    if (n > 0) {
        g_autofree guint8 *data = g_memdup2(wire->to_server.bytes->str, n);
        drop_piece(&wire->to_server, n);
        step_server(wire, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_BYTES, .bytes = {data, n}});
        return TRUE;
    }
    n = next_piece(&wire->to_client);
    if (n > 0) {
        g_autofree guint8 *data = g_memdup2(wire->to_client.bytes->str, n);
        drop_piece(&wire->to_client, n);
        step_client(wire, (SmtpEvent){.kind = SMTP_EVENT_BYTES, .bytes = {data, n}});
        return TRUE;
    }
    if (wire->client_wants_tls && wire->server_wants_tls) {
        wire->client_wants_tls = wire->server_wants_tls = FALSE;
        step_server(wire, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
        step_client(wire, (SmtpEvent){.kind = SMTP_EVENT_TLS_UP});
        return TRUE;
    }
    if (wire->client_is_closed)
        return FALSE;
    if (wire->n_marked < wire->n_begun) {
        mark(wire);
        return TRUE;
    }
    if (wire->is_ready) {
        step_client(wire, (SmtpEvent){.kind = SMTP_EVENT_QUIT});
        return TRUE;
    }
    return FALSE;
}

typedef struct {
    TlsMode security;
    guint mechanism;
    gboolean pipelining, chunking;
    guint window;
    gboolean is_proven;
    SmtpPace pace; /* that must come about */
} Way;

/* One whole session. *n_server and *n_client: octets that went each way. */
static void run(
    const Way *way, const Pipe *to_server, const Pipe *to_client, gsize *n_server, gsize *n_client)
{
    g_autoptr(Secret) password = secret_new("ge heim\xc3\xbc", 9);
    g_autoptr(Secret) token = secret_new(token_text, strlen(token_text));
    gboolean by_token = (way->mechanism & (SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER)) != 0;
    const SmtpClientConfig client = {.security = way->security,
        .ehlo_name = "client.example",
        .username = "anna",
        .password = password,
        .bearer_token = by_token ? token : NULL,
        .host = "mx.example",
        .port = 587,
        .allowed_mechanisms = way->mechanism,
        .window = way->window,
        .is_proven = way->is_proven};
    const SmtpServerConfig server = {.security = way->security,
        .host_name = "mx.example",
        .size_max = 1000,
        .recipients_max = 10,
        .auth_mechanisms =
            SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN | SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER,
        .pipelining = way->pipelining,
        .chunking = way->chunking,
        .eightbitmime = TRUE,
        .offer_starttls = TRUE};
    Wire wire = {.client = smtp_client_new(&client), .server = smtp_server_new(&server)};
    wire.to_server = *to_server;
    wire.to_client = *to_client;
    wire.to_server.bytes = g_string_new(NULL);
    wire.to_client.bytes = g_string_new(NULL);
    step_server(&wire, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
    step_client(&wire, (SmtpEvent){.kind = SMTP_EVENT_CONNECTED});
    while (move(&wire))
        continue;
    if (!wire.client_is_closed || smtp_client_failure(wire.client) != NULL)
        fail_msg("pieces %zu/%zu, cuts %zu/%zu: client %s, server %s, %u mails", to_server->piece,
            to_client->piece, to_server->cut, to_client->cut, smtp_client_state_name(wire.client),
            smtp_server_state_name(wire.server), wire.n_taken);
    assert_int_equal(wire.n_taken, N_MAILS);
    assert_int_equal(wire.n_accepted, N_MAILS);
    assert_int_equal(wire.n_rejected, N_MAILS);
    assert_int_equal(smtp_client_pace(wire.client), way->pace);
    assert_true(wire.proved == (way->pace >= SMTP_PACE_OVERLAP && !way->is_proven));
    assert_true((wire.most_in_hand > 1) == (way->pace >= SMTP_PACE_OVERLAP));
    *n_server = wire.to_server.n_given;
    *n_client = wire.to_client.n_given;
    smtp_client_free(wire.client);
    smtp_server_free(wire.server);
    g_string_free(wire.to_server.bytes, TRUE);
    g_string_free(wire.to_client.bytes, TRUE);
}

static const Way ways[] = {
    {TLS_MODE_STARTTLS, SMTP_AUTH_PLAIN, TRUE, FALSE, 0, FALSE, SMTP_PACE_OVERLAP},
    {TLS_MODE_STARTTLS, SMTP_AUTH_LOGIN, FALSE, FALSE, 0, FALSE, SMTP_PACE_STEPWISE},
    {TLS_MODE_IMPLICIT, SMTP_AUTH_LOGIN, TRUE, FALSE, 0, TRUE, SMTP_PACE_OVERLAP},
    {TLS_MODE_IMPLICIT, SMTP_AUTH_PLAIN, FALSE, TRUE, 0, FALSE, SMTP_PACE_STEPWISE},
    {TLS_MODE_IMPLICIT, SMTP_AUTH_PLAIN, TRUE, TRUE, 0, TRUE, SMTP_PACE_WINDOW},
    {TLS_MODE_STARTTLS, SMTP_AUTH_PLAIN, TRUE, TRUE, 3, FALSE, SMTP_PACE_WINDOW},
    {TLS_MODE_IMPLICIT, SMTP_AUTH_PLAIN, TRUE, TRUE, 1, FALSE, SMTP_PACE_GROUPS},
    {TLS_MODE_STARTTLS, SMTP_AUTH_XOAUTH2, TRUE, TRUE, 3, TRUE, SMTP_PACE_WINDOW},
    {TLS_MODE_IMPLICIT, SMTP_AUTH_OAUTHBEARER, FALSE, FALSE, 0, FALSE, SMTP_PACE_STEPWISE},
};

static void mails_arrive_in_every_size_of_piece(void **state)
{
    gsize n_server, n_client;
    for (gsize w = 0; w < G_N_ELEMENTS(ways); w++) {
        for (gsize a = 0; a <= 20; a++) {
            for (gsize b = 0; b <= 20; b++)
                run(&ways[w], &(Pipe){.piece = a}, &(Pipe){.piece = b}, &n_server, &n_client);
        }
    }
}

static void mails_arrive_with_every_cut_of_either_stream(void **state)
{
    for (gsize w = 0; w < G_N_ELEMENTS(ways); w++) {
        gsize n_server, n_client, n = 0, m = 0;
        run(&ways[w], &(Pipe){0}, &(Pipe){0}, &n_server, &n_client);
        for (gsize cut = 1; cut < n_server; cut++)
            run(&ways[w], &(Pipe){.cut = cut}, &(Pipe){0}, &n, &m);
        for (gsize cut = 1; cut < n_client; cut++)
            run(&ways[w], &(Pipe){0}, &(Pipe){.cut = cut}, &n, &m);
        assert_true(n_server > 300 && n_client > 300);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_arrive_in_every_size_of_piece),
        cmocka_unit_test(mails_arrive_with_every_cut_of_either_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
