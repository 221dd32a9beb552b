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
        TO(WAIT_TLS) | TO(WAIT_RESPONSE) | TO(WAIT_VERDICT) | TO(WAIT_CHUNK) | LISTEN},
    [SERVER_WAIT_RESPONSE] = {"wait_response", TO(WAIT_RESPONSE) | TO(WAIT_VERDICT) | LISTEN},
    [SERVER_WAIT_VERDICT] = {"wait_verdict", TO(WAIT_BODY) | TO(WAIT_RESPONSE) | LISTEN},
    [SERVER_WAIT_BODY] = {"wait_body", TO(WAIT_VERDICT) | LISTEN},
    [SERVER_WAIT_CHUNK] = {"wait_chunk", TO(WAIT_VERDICT) | LISTEN},
    [SERVER_CLOSED] = {"closed", 0},
};
static const StateTable table = {"smtp_server", rows, G_N_ELEMENTS(rows)};

static void restart_deadline(SmtpServer *server)
{
    gint64 limit = server->config.command_ms > 0 ? server->config.command_ms : LIMIT_COMMAND_MS;
    server->deadline = server->now + limit;
}

/* It is the client's turn. */
static gboolean is_reading(const SmtpServer *server)
{
    return server->state == SERVER_WAIT_COMMAND || server->state == SERVER_WAIT_RESPONSE ||
           server->state == SERVER_WAIT_BODY || server->state == SERVER_WAIT_CHUNK;
}

void server_enter(SmtpServer *server, ServerState state)
{
    states_move(&table, &server->state, state);
    if (is_reading(server))
        restart_deadline(server);
    else
        server->deadline = 0; /* the next move is the driver's */
}

/* --- Life ------------------------------------------------------------------------------------- */

/* Room for the longest AUTH line, so that half of one is never left behind by growing. */
#define PENDING_ROOM (2 * LIMIT_SASL_LINE_OCTETS)

SmtpServer *smtp_server_new(const SmtpServerConfig *config)
{
    g_assert(text_is_one_line(config->host_name, FALSE));
    g_assert(config->size_max <= G_MAXINT32); /* a message is one GByteArray */
    SmtpServer *server = g_new0(SmtpServer, 1);
    server->config = *config;
    server->config.host_name = g_strdup(config->host_name);
    server->state = SERVER_WAIT_CONNECTED;
    server->recipients = g_ptr_array_new_with_free_func(g_free);
    server->pending = g_byte_array_sized_new(PENDING_ROOM);
    server->send = g_byte_array_new();
    return server;
}

void server_forget_login(SmtpServer *server)
{
    g_clear_pointer(&server->username, g_free);
    g_clear_pointer(&server->password, secret_free);
    g_clear_pointer(&server->bearer_token, secret_free);
    g_clear_pointer(&server->refusal.enhanced, g_free);
    g_clear_pointer(&server->refusal.text, g_free);
}

static void forget_candidate(SmtpServer *server)
{
    g_clear_pointer(&server->candidate, g_free);
    server_parameters_clear(&server->candidate_parameters);
}

void server_forget_transaction(SmtpServer *server)
{
    g_clear_pointer(&server->sender, g_free);
    server_parameters_clear(&server->mail_parameters);
    server->mail_was_refused = FALSE;
    forget_candidate(server);
    g_ptr_array_set_size(server->recipients, 0);
    server->content_way = SERVER_CONTENT_UNBEGUN;
    g_clear_pointer(&server->decoder, smtp_body_decoder_free);
    g_clear_pointer(&server->chunks, g_byte_array_unref);
    g_clear_pointer(&server->content, g_bytes_unref);
}

static gsize n_pending(const SmtpServer *server)
{
    return server->pending->len - server->n_understood;
}

/* Leaves no copy of what was understood. What stands behind it stays where it is: moving it up for
 * each of many commands would cost the square of their number. */
static void drop_pending(SmtpServer *server, gsize n)
{
    if (n > 0)
        secret_wipe(server->pending->data + server->n_understood, n);
    server->n_understood += n;
    if (n_pending(server) == 0) {
        g_byte_array_set_size(server->pending, 0);
        server->n_understood = 0;
    }
}

/* Moves up what is left when that is little, or not more than what is gone. */
static void keep_pending(SmtpServer *server, const guint8 *data, gsize n)
{
    GByteArray *pending = server->pending;
    gsize rest = n_pending(server);
    if (server->n_understood > 0 && rest <= MAX(server->n_understood, PENDING_ROOM)) {
        memmove(pending->data, pending->data + server->n_understood, rest);
        secret_wipe(pending->data + rest, pending->len - rest);
        g_byte_array_set_size(pending, (guint)rest);
        server->n_understood = 0;
    }
    g_byte_array_append(pending, data, (guint)n);
}

void smtp_server_free(SmtpServer *server)
{
    if (server == NULL)
        return;
    server_forget_login(server);
    server_forget_transaction(server);
    drop_pending(server, n_pending(server));
    g_byte_array_unref(server->pending);
    g_ptr_array_unref(server->recipients);
    g_byte_array_unref(server->send);
    g_free((char *)server->config.host_name);
    g_free(server);
}

/* --- Replies ---------------------------------------------------------------------------------- */

static void put(SmtpServer *server, const char *text, gsize n)
{
    g_byte_array_append(server->send, (const guint8 *)text, (guint)n);
}

/* What the driver says may be anything; what we say ourselves needs no mending. */
static void put_words(SmtpServer *server, const char *text)
{
    gsize n = 0;
    while (g_ascii_isprint(text[n]))
        n++;
    if (text[n] == '\0' && n <= LIMIT_PEER_TEXT_CHARACTERS) {
        put(server, text, n);
        return;
    }
    g_autofree char *words = text_printable(text, strlen(text), LIMIT_PEER_TEXT_CHARACTERS);
    for (char *p = words; *p != '\0'; p++) {
        if (!g_ascii_isprint(*p))
            *p = '?'; /* replies are ASCII (RFC 5321 4.2; RFC 6531 3.7.4.1 asks VRFY only) */
    }
    put(server, words, strlen(words));
}

void server_reply(SmtpServer *server, int code, const char *enhanced, const char *text)
{
    g_assert(code >= 200 && code <= 599);
    const char digits[] = {
        (char)('0' + code / 100), (char)('0' + code / 10 % 10), (char)('0' + code % 10), ' '};
    put(server, digits, sizeof digits);
    if (enhanced != NULL && enhanced[0] != '\0') {
        put(server, enhanced, strlen(enhanced));
        put(server, " ", 1);
    }
    put_words(server, text);
    put(server, "\r\n", 2);
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

gboolean server_allow_idle(SmtpServer *server)
{
    if (++server->n_idle <= LIMIT_SERVER_IDLE_COMMANDS)
        return TRUE;
    server_reply(server, 421, "4.7.0", "Too many commands without a mail");
    server_close(server);
    return FALSE;
}

gboolean server_wrote_ahead(const SmtpServer *server)
{
    return server->sender != NULL || server->mail_was_refused;
}

void server_refuse_order(SmtpServer *server, const ServerRefusal *refusal)
{
    if (!server_wrote_ahead(server))
        server_refuse(server, refusal->code, refusal->enhanced, refusal->text);
    else if (server_allow_idle(server))
        server_reply(server, refusal->code, refusal->enhanced, refusal->text);
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
    server->effects.bearer_token = server->bearer_token;
    server->effects.sender = server->sender;
    server->effects.smtputf8 = server->mail_parameters.smtputf8;
    server->effects.return_content = server->mail_parameters.return_content;
    server->effects.envelope_id = server->mail_parameters.envelope_id;
    server->effects.recipient = server->candidate;
    server->effects.notify = server->candidate_parameters.notify;
    server->effects.original_recipient = server->candidate_parameters.original_recipient;
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

void server_count_login_failure(SmtpServer *server)
{
    if (++server->n_login_failures >= LIMIT_SERVER_LOGIN_FAILURES)
        server_close(server);
}

static void settle(SmtpServer *server, SmtpAsk asked, gboolean is_yes)
{
    switch (asked) {
    case SMTP_ASK_NOTHING:
        break;
    case SMTP_ASK_LOGIN:
        server->is_logged_in = is_yes;
        server_forget_login(server);
        if (!is_yes)
            server_count_login_failure(server);
        break;
    case SMTP_ASK_SENDER:
        if (!is_yes) {
            server_forget_transaction(server);
            server->mail_was_refused = TRUE;
        }
        break;
    case SMTP_ASK_RECIPIENT:
        if (is_yes)
            g_ptr_array_add(server->recipients, g_steal_pointer(&server->candidate));
        forget_candidate(server);
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
    if (asked == SMTP_ASK_LOGIN && !is_yes && event->verdict.challenge != NULL) {
        server_auth_challenge(server, event);
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

void server_judge_content(
    SmtpServer *server, GBytes *content, gboolean is_clean, gboolean is_too_large)
{
    server->content = content;
    if (is_clean && !is_too_large) {
        server_ask(server, SMTP_ASK_MESSAGE);
        return;
    }
    server_enter(server, SERVER_WAIT_COMMAND);
    server_forget_transaction(server);
    if (!is_clean)
        server_refuse(server, 550, "5.6.0", "Bare CR, bare LF or NUL in the message");
    else
        server_reply(server, 552, "5.3.4", "Message too large");
}

void server_count_block(SmtpServer *server, gsize n)
{
    server->n_block_octets += n;
    if (server->n_block_octets >= LIMIT_SEND_CHUNK_BYTES) {
        server->n_block_octets = 0;
        restart_deadline(server);
    }
}

static gsize read_body(SmtpServer *server, const guint8 *data, gsize n)
{
    gsize used = 0;
    SmtpBodyDecoder *decoder = server->decoder;
    if (smtp_body_decoder_feed(decoder, data, n, &used))
        server_judge_content(server, smtp_body_decoder_take(decoder),
            !smtp_body_decoder_is_unclean(decoder), smtp_body_decoder_is_too_large(decoder));
    else
        server_count_block(server, used);
    return used;
}

static gsize line_limit(const SmtpServer *server, const guint8 *data, gsize n)
{
    gboolean is_auth = server->state == SERVER_WAIT_RESPONSE ||
                       (n >= 5 && g_ascii_strncasecmp((const char *)data, "AUTH ", 5) == 0);
    return is_auth ? LIMIT_SASL_LINE_OCTETS : LIMIT_COMMAND_LINE_OCTETS;
}

static void refuse_line(SmtpServer *server)
{
    if (server->state == SERVER_WAIT_RESPONSE && server->auth_turn == SERVER_AUTH_REFUSED) {
        server_auth_response(server, "");
        return;
    }
    if (server->state == SERVER_WAIT_RESPONSE) {
        server_forget_login(server);
        server_enter(server, SERVER_WAIT_COMMAND);
    }
    server_refuse(server, 500, "5.5.2", "Cannot read this line");
}

/* ASCII without controls, or UTF-8 where that has a place; *n_line: without CRLF. */
static gboolean is_readable(const SmtpServer *server, const char *line, gsize n_line)
{
    gboolean is_ascii = TRUE;
    for (gsize i = 0; i < n_line; i++) {
        if (g_ascii_iscntrl(line[i]))
            return FALSE;
        is_ascii = is_ascii && (guchar)line[i] < 0x80;
    }
    return is_ascii || (server->state == SERVER_WAIT_COMMAND && server_takes_utf8(server, line) &&
                           text_is_one_line(line, FALSE));
}

/* A whole line, with its LF. */
static void on_line(SmtpServer *server, const guint8 *data, gsize n, gboolean has_more)
{
    if (n < 2 || data[n - 2] != '\r' || n > line_limit(server, data, n)) {
        refuse_line(server);
        return;
    }
    char *line = g_strndup((const char *)data, n - 2);
    if (!is_readable(server, line, n - 2))
        refuse_line(server);
    else if (server->state == SERVER_WAIT_RESPONSE)
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

/* Understands as much as can be understood now; returns how much that was. */
static gsize read_input(SmtpServer *server, const guint8 *data, gsize n)
{
    gsize at = 0, used = 1;
    while (at < n && used > 0 && is_reading(server)) {
        if (server->state == SERVER_WAIT_BODY)
            used = read_body(server, data + at, n - at);
        else if (server->state == SERVER_WAIT_CHUNK)
            used = server_chunk_read(server, data + at, n - at);
        else
            used = read_line(server, data + at, n - at);
        at += used;
    }
    return at;
}

static void read_pending(SmtpServer *server)
{
    gsize n = n_pending(server);
    drop_pending(server, read_input(server, server->pending->data + server->n_understood, n));
}

static void on_bytes(SmtpServer *server, const guint8 *data, gsize n)
{
    if (server->state == SERVER_WAIT_TLS || server->state == SERVER_WAIT_CONNECTED) {
        server_close(server); /* plaintext where TLS must be */
        return;
    }
    if (n_pending(server) == 0) { /* the usual case: nothing is copied */
        gsize used = read_input(server, data, n);
        data += used;
        n -= used;
    }
    if (n == 0 || server->state == SERVER_CLOSED)
        return;
    if (n > LIMIT_SERVER_PENDING_OCTETS - n_pending(server)) {
        server_reply(server, 421, "4.7.0", "Too much at once");
        server_close(server);
        return;
    }
    keep_pending(server, data, n);
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
