#include "smtp/server.h"

#include "base/limits.h"
#include "base/states.h"
#include "base/text.h"
#include "smtp/server_private.h"

#include <string.h>

/* --- The states ------------------------------------------------------------------------------- */

#define TO(state) STATE_BIT(SERVER_##state)
#define LISTEN (TO(WAIT_COMMAND) | TO(CLOSED))

static const StateRow rows[] = {
    [SERVER_WAIT_CONNECTED] = {"wait_connected", TO(WAIT_TLS) | LISTEN},
    [SERVER_WAIT_TLS] = {"wait_tls", LISTEN},
    [SERVER_WAIT_COMMAND] = {"wait_command",
        TO(WAIT_TLS) | TO(WAIT_RESPONSE) | TO(WAIT_VERDICT) | LISTEN},
    [SERVER_WAIT_RESPONSE] = {"wait_response", TO(WAIT_RESPONSE) | TO(WAIT_VERDICT) | LISTEN},
    [SERVER_WAIT_VERDICT] = {"wait_verdict", TO(WAIT_BODY) | LISTEN},
    [SERVER_WAIT_BODY] = {"wait_body", TO(WAIT_VERDICT) | LISTEN},
    [SERVER_CLOSED] = {"closed", 0},
};
static const StateTable table = {"smtp_server", rows, G_N_ELEMENTS(rows)};

static void restart_deadline(SmtpServer *server)
{
    gint64 limit = server->config.command_ms > 0 ? server->config.command_ms : LIMIT_COMMAND_MS;
    server->deadline = server->now + limit;
}

void server_enter(SmtpServer *server, ServerState state)
{
    states_move(&table, &server->state, state);
    if (state == SERVER_WAIT_COMMAND || state == SERVER_WAIT_RESPONSE || state == SERVER_WAIT_BODY)
        restart_deadline(server);
    else
        server->deadline = 0; /* the next move is the driver's */
}

/* --- Life ------------------------------------------------------------------------------------- */

SmtpServer *smtp_server_new(const SmtpServerConfig *config)
{
    g_assert(text_is_one_line(config->host_name, FALSE));
    SmtpServer *server = g_new0(SmtpServer, 1);
    server->config = *config;
    server->config.host_name = g_strdup(config->host_name);
    server->state = SERVER_WAIT_CONNECTED;
    server->recipients = g_ptr_array_new_with_free_func(g_free);
    /* Room for the longest AUTH line, so that half of one is never left behind by growing. */
    server->pending = g_byte_array_sized_new(2 * LIMIT_SASL_LINE_OCTETS);
    server->send = g_byte_array_new();
    return server;
}

void server_forget_login(SmtpServer *server)
{
    g_clear_pointer(&server->username, g_free);
    g_clear_pointer(&server->password, secret_free);
}

void server_forget_transaction(SmtpServer *server)
{
    g_clear_pointer(&server->sender, g_free);
    g_clear_pointer(&server->candidate, g_free);
    g_ptr_array_set_size(server->recipients, 0);
    g_clear_pointer(&server->decoder, smtp_body_decoder_free);
    g_clear_pointer(&server->content, g_bytes_unref);
}

/* Takes n octets from the front and leaves no copy of them. */
static void drop_pending(SmtpServer *server, gsize n)
{
    GByteArray *pending = server->pending;
    gsize rest = pending->len - n;
    if (n > 0 && rest > 0)
        memmove(pending->data, pending->data + n, rest);
    if (n > 0)
        secret_wipe(pending->data + rest, n);
    g_byte_array_set_size(pending, (guint)rest);
}

void smtp_server_free(SmtpServer *server)
{
    if (server == NULL)
        return;
    server_forget_login(server);
    server_forget_transaction(server);
    drop_pending(server, server->pending->len);
    g_byte_array_unref(server->pending);
    g_ptr_array_unref(server->recipients);
    g_byte_array_unref(server->send);
    g_free((char *)server->config.host_name);
    g_free(server);
}

/* --- Replies ---------------------------------------------------------------------------------- */

void server_reply(SmtpServer *server, int code, const char *enhanced, const char *text)
{
    g_assert(code >= 200 && code <= 599);
    g_autofree char *words = text_printable(text, strlen(text), LIMIT_PEER_TEXT_CHARACTERS);
    for (char *p = words; *p != '\0'; p++) {
        if (!g_ascii_isprint(*p))
            *p = '?'; /* replies are ASCII without SMTPUTF8 (RFC 5321 4.2) */
    }
    gboolean has_enhanced = enhanced != NULL && enhanced[0] != '\0';
    g_autofree char *line = g_strdup_printf(
        "%d %s%s%s\r\n", code, has_enhanced ? enhanced : "", has_enhanced ? " " : "", words);
    g_byte_array_append(server->send, (const guint8 *)line, (guint)strlen(line));
}

void server_close(SmtpServer *server)
{
    if (server->state == SERVER_CLOSED)
        return;
    server_enter(server, SERVER_CLOSED);
    server_forget_login(server);
    server->effects.close = TRUE;
}

void server_refuse(SmtpServer *server, int code, const char *enhanced, const char *text)
{
    if (++server->n_bad < LIMIT_SERVER_BAD_COMMANDS) {
        server_reply(server, code, enhanced, text);
        return;
    }
    server_reply(server, 421, "4.7.0", "Too many errors");
    server_close(server);
}

static void greet(SmtpServer *server)
{
    g_autofree char *text = g_strconcat(server->config.host_name, " ESMTP Absender", NULL);
    server_reply(server, 220, NULL, text);
    server_enter(server, SERVER_WAIT_COMMAND);
}

/* --- Questions and verdicts ------------------------------------------------------------------- */

void server_ask(SmtpServer *server, SmtpAsk ask)
{
    server_enter(server, SERVER_WAIT_VERDICT);
    server->asked = ask;
    server->effects.ask = ask;
    server->effects.username = server->username;
    server->effects.password = server->password;
    server->effects.sender = server->sender;
    server->effects.recipient = server->candidate;
    if (ask == SMTP_ASK_MESSAGE) {
        g_ptr_array_add(server->recipients, NULL);
        server->effects.recipients = (const char *const *)server->recipients->pdata;
        server->effects.content = server->content;
    }
}

/* What each question's ordinary success is called. */
static const struct {
    int code;
    const char *enhanced, *text;
} ordinary[] = {
    [SMTP_ASK_LOGIN] = {235, "2.7.0", "Authentication successful"},
    [SMTP_ASK_SENDER] = {250, "2.1.0", "Sender OK"},
    [SMTP_ASK_RECIPIENT] = {250, "2.1.5", "Recipient OK"},
    [SMTP_ASK_DATA] = {354, NULL, "End data with <CR><LF>.<CR><LF>"},
    [SMTP_ASK_MESSAGE] = {250, "2.0.0", "Message taken"},
};

static void settle(SmtpServer *server, SmtpAsk asked, gboolean is_yes)
{
    switch (asked) {
    case SMTP_ASK_NOTHING:
        break;
    case SMTP_ASK_LOGIN:
        server->is_logged_in = is_yes;
        server->n_login_failures += is_yes ? 0 : 1;
        server_forget_login(server);
        if (server->n_login_failures >= LIMIT_SERVER_LOGIN_FAILURES)
            server_close(server);
        break;
    case SMTP_ASK_SENDER:
        if (!is_yes)
            server_forget_transaction(server);
        break;
    case SMTP_ASK_RECIPIENT:
        if (is_yes)
            g_ptr_array_add(server->recipients, g_steal_pointer(&server->candidate));
        g_clear_pointer(&server->candidate, g_free);
        break;
    case SMTP_ASK_DATA:
        if (is_yes) {
            server->decoder = smtp_body_decoder_new(server->config.size_max);
            server->n_block_octets = 0;
            server_enter(server, SERVER_WAIT_BODY);
        }
        break;
    case SMTP_ASK_MESSAGE:
        server_forget_transaction(server);
        if (is_yes)
            server->n_idle = 0;
        break;
    }
}

static void on_verdict(SmtpServer *server, const SmtpServerEvent *event)
{
    g_assert(server->state == SERVER_WAIT_VERDICT);
    SmtpAsk asked = server->asked;
    int usual = ordinary[asked].code;
    int code = event->verdict.code == 0 ? usual : event->verdict.code;
    gboolean is_yes = code / 100 == usual / 100;
    if (event->verdict.drop) {
        server_close(server);
        return;
    }
    const char *enhanced = event->verdict.enhanced;
    const char *text = event->verdict.text;
    if (enhanced == NULL && code == usual)
        enhanced = ordinary[asked].enhanced;
    if (text == NULL)
        text = is_yes ? ordinary[asked].text : "Refused";
    server_reply(server, code, enhanced, text);
    if (asked != SMTP_ASK_DATA || !is_yes)
        server_enter(server, SERVER_WAIT_COMMAND);
    settle(server, asked, is_yes);
    if (event->verdict.close)
        server_close(server);
}

/* --- Input ------------------------------------------------------------------------------------ */

/* The end of a mail was read: refuse it for what it is, or ask. */
static void on_body_end(SmtpServer *server)
{
    gboolean is_unclean = smtp_body_decoder_is_unclean(server->decoder);
    gboolean is_large = smtp_body_decoder_is_too_large(server->decoder);
    if (!is_unclean && !is_large) {
        server->content = smtp_body_decoder_take(server->decoder);
        server_ask(server, SMTP_ASK_MESSAGE);
        return;
    }
    server_enter(server, SERVER_WAIT_COMMAND);
    server_forget_transaction(server);
    if (is_unclean)
        server_refuse(server, 550, "5.6.0", "Bare CR, bare LF or NUL in the message");
    else
        server_reply(server, 552, "5.3.4", "Message too large");
}

static gsize read_body(SmtpServer *server, const guint8 *data, gsize n)
{
    gsize used = 0;
    if (smtp_body_decoder_feed(server->decoder, data, n, &used)) {
        on_body_end(server);
        return used;
    }
    /* A deadline for each block, not for each read: a byte now and then does not keep us. */
    server->n_block_octets += used;
    if (server->n_block_octets >= LIMIT_SEND_CHUNK_BYTES) {
        server->n_block_octets = 0;
        restart_deadline(server);
    }
    return used;
}

static gsize line_limit(const SmtpServer *server, const guint8 *data, gsize n)
{
    gboolean is_auth = server->state == SERVER_WAIT_RESPONSE ||
                       (n >= 5 && g_ascii_strncasecmp((const char *)data, "AUTH ", 5) == 0);
    return is_auth ? LIMIT_SASL_LINE_OCTETS : LIMIT_COMMAND_LINE_OCTETS;
}

/* A whole line, with its LF. */
static void on_line(SmtpServer *server, const guint8 *data, gsize n, gboolean has_more)
{
    gboolean in_auth = server->state == SERVER_WAIT_RESPONSE;
    gboolean is_clean = n >= 2 && data[n - 2] == '\r';
    for (gsize i = 0; is_clean && i < n - 2; i++)
        is_clean = data[i] >= 0x20 && data[i] < 0x7f;
    if (!is_clean || n > line_limit(server, data, n)) {
        if (in_auth) {
            server_forget_login(server);
            server_enter(server, SERVER_WAIT_COMMAND);
        }
        server_refuse(server, 500, "5.5.2", "Cannot read this line");
        return;
    }
    char *line = g_strndup((const char *)data, n - 2);
    if (in_auth)
        server_auth_response(server, line);
    else
        server_command(server, line, has_more);
    secret_wipe(line, n - 2);
    g_free(line);
    if (server->state == SERVER_WAIT_COMMAND)
        restart_deadline(server);
}

/* Returns how much was consumed; 0: no whole line yet. */
static gsize read_line(SmtpServer *server, const guint8 *data, gsize n)
{
    const guint8 *lf = memchr(data, '\n', n);
    gsize n_line = lf == NULL ? n : (gsize)(lf - data) + 1;
    if (lf == NULL) {
        if (!server->is_skipping && n <= line_limit(server, data, n))
            return 0;
        server->is_skipping = TRUE;
        return n;
    }
    if (server->is_skipping) {
        server->is_skipping = FALSE;
        on_line(server, (const guint8 *)"\n", 1, n_line < n); /* refused like any unreadable one */
    } else {
        on_line(server, data, n_line, n_line < n);
    }
    return n_line;
}

static gboolean is_reading(const SmtpServer *server)
{
    return server->state == SERVER_WAIT_COMMAND || server->state == SERVER_WAIT_RESPONSE ||
           server->state == SERVER_WAIT_BODY;
}

/* Understands as much as can be understood now; returns how much that was. */
static gsize read_input(SmtpServer *server, const guint8 *data, gsize n)
{
    gsize at = 0;
    while (at < n && is_reading(server)) {
        gsize used = server->state == SERVER_WAIT_BODY ? read_body(server, data + at, n - at)
                                                       : read_line(server, data + at, n - at);
        if (used == 0)
            break;
        at += used;
    }
    return at;
}

static void read_pending(SmtpServer *server)
{
    drop_pending(server, read_input(server, server->pending->data, server->pending->len));
}

static void on_bytes(SmtpServer *server, const guint8 *data, gsize n)
{
    if (server->state == SERVER_WAIT_TLS || server->state == SERVER_WAIT_CONNECTED) {
        server_close(server); /* plaintext where TLS must be */
        return;
    }
    if (server->pending->len == 0) { /* the usual case: nothing is copied */
        gsize used = read_input(server, data, n);
        data += used;
        n -= used;
    }
    if (n == 0 || server->state == SERVER_CLOSED)
        return;
    if (server->pending->len + n > LIMIT_SERVER_PENDING_OCTETS) {
        server_reply(server, 421, "4.7.0", "Too much at once");
        server_close(server);
        return;
    }
    g_byte_array_append(server->pending, data, (guint)n);
    read_pending(server);
}

/* --- The step --------------------------------------------------------------------------------- */

static void on_tls_up(SmtpServer *server)
{
    g_assert(server->state == SERVER_WAIT_TLS);
    server->tls_is_up = TRUE;
    server->has_greeted = FALSE; /* what was said in clear is forgotten (RFC 3207 4.2) */
    server_forget_transaction(server);
    if (server->config.security == TLS_MODE_IMPLICIT)
        greet(server);
    else
        server_enter(server, SERVER_WAIT_COMMAND);
}

static void take_event(SmtpServer *server, const SmtpServerEvent *event)
{
    switch (event->kind) {
    case SMTP_SERVER_EVENT_CONNECTED:
        g_assert(server->state == SERVER_WAIT_CONNECTED);
        if (server->config.security == TLS_MODE_IMPLICIT) {
            server->effects.start_tls = TRUE;
            server_enter(server, SERVER_WAIT_TLS);
        } else {
            greet(server);
        }
        break;
    case SMTP_SERVER_EVENT_BYTES:
        on_bytes(server, event->bytes.data, event->bytes.n);
        break;
    case SMTP_SERVER_EVENT_TLS_UP:
        on_tls_up(server);
        break;
    case SMTP_SERVER_EVENT_SENT:
        break; /* replies are short: nothing waits for them */
    case SMTP_SERVER_EVENT_VERDICT:
        on_verdict(server, event);
        read_pending(server);
        break;
    case SMTP_SERVER_EVENT_DEADLINE:
        if (server->deadline == 0 || server->now < server->deadline)
            break;
        server_reply(server, 421, "4.4.2", "Timeout");
        server_close(server);
        break;
    case SMTP_SERVER_EVENT_LOST:
        server_close(server);
        break;
    }
}

const SmtpServerEffects *smtp_server_step(SmtpServer *server, const SmtpServerEvent *event)
{
    server->effects = (SmtpServerEffects){0};
    g_byte_array_set_size(server->send, 0);
    server->now = event->now;
    if (server->state != SERVER_CLOSED)
        take_event(server, event);
    server->effects.send = server->send;
    server->effects.deadline = server->deadline;
    return &server->effects;
}

const char *smtp_server_state_name(const SmtpServer *server)
{
    return states_name(&table, server->state);
}
