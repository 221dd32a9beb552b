#include "smtp/client.h"

#include "base/limits.h"
#include "base/states.h"
#include "smtp/capabilities.h"
#include "smtp/client_private.h"
#include "smtp/command.h"

#include <string.h>

#define SEND_OCTETS (LIMIT_SEND_CHUNK_BYTES + 8192) /* a full chunk and the commands around it */

/* --- The states ------------------------------------------------------------------------------- */

#define TO(state) STATE_BIT(state)
#define END TO(CLOSED)              /* every state may end */
#define LEAVE (TO(WAIT_QUIT) | END) /* with TLS up: politely */

static const StateRow rows[] = {
    [WAIT_CONNECTED] = {"wait_connected", TO(WAIT_GREETING) | TO(WAIT_TLS) | END},
    [WAIT_GREETING] = {"wait_greeting", TO(WAIT_EHLO) | TO(WAIT_EHLO_TLS) | LEAVE},
    [WAIT_EHLO] = {"wait_ehlo", TO(WAIT_STARTTLS) | END},
    [WAIT_STARTTLS] = {"wait_starttls", TO(WAIT_TLS) | END},
    [WAIT_TLS] = {"wait_tls", TO(WAIT_GREETING) | TO(WAIT_EHLO_TLS) | END},
    [WAIT_EHLO_TLS] = {"wait_ehlo_tls", TO(WAIT_SASL) | TO(WAIT_AUTH) | LEAVE},
    [WAIT_SASL] = {"wait_sasl", TO(WAIT_AUTH) | TO(WAIT_CANCEL) | LEAVE},
    [WAIT_AUTH] = {"wait_auth",
        TO(WAIT_AUTH) | TO(WAIT_SASL) | TO(WAIT_CANCEL) | TO(READY) | LEAVE},
    [WAIT_CANCEL] = {"wait_cancel", LEAVE},
    [READY] = {"ready", TO(SERVING) | LEAVE},
    [SERVING] = {"serving", TO(READY) | LEAVE},
    [WAIT_QUIT] = {"wait_quit", END},
    [CLOSED] = {"closed", 0},
};
static const StateTable table = {"smtp_client", rows, G_N_ELEMENTS(rows)};

static void on_unasked(SmtpClient *client, const SmtpReply *reply);
static void on_quit(SmtpClient *client, const SmtpReply *reply);
static void speak_ready(SmtpClient *client);
static void speak_quit(SmtpClient *client);

/* What a state says when it is entered, what it does with a reply, and its rung of the ladder. */
static const struct {
    void (*speak)(SmtpClient *client);
    void (*on_reply)(SmtpClient *client, const SmtpReply *reply);
    SmtpPhase phase;
} manners[] = {
    [WAIT_CONNECTED] = {NULL, on_unasked, SMTP_PHASE_GREETING},
    [WAIT_GREETING] = {login_speak_greeting, login_on_greeting, SMTP_PHASE_GREETING},
    [WAIT_EHLO] = {login_speak_ehlo, login_on_ehlo, SMTP_PHASE_EHLO},
    [WAIT_STARTTLS] = {login_speak_starttls, login_on_starttls, SMTP_PHASE_STARTTLS},
    [WAIT_TLS] = {login_speak_tls, on_unasked, SMTP_PHASE_TLS},
    [WAIT_EHLO_TLS] = {login_speak_ehlo, login_on_ehlo_tls, SMTP_PHASE_EHLO},
    [WAIT_SASL] = {login_speak_sasl, on_unasked, SMTP_PHASE_AUTH},
    [WAIT_AUTH] = {login_speak_auth, login_on_auth, SMTP_PHASE_AUTH},
    [WAIT_CANCEL] = {login_speak_cancel, login_on_cancel, SMTP_PHASE_AUTH},
    [READY] = {speak_ready, on_unasked, SMTP_PHASE_MAIL},
    [SERVING] = {NULL, replies_on_reply, SMTP_PHASE_MAIL},
    [WAIT_QUIT] = {speak_quit, on_quit, SMTP_PHASE_QUIT},
    [CLOSED] = {NULL, on_unasked, SMTP_PHASE_QUIT},
};
G_STATIC_ASSERT(G_N_ELEMENTS(manners) == G_N_ELEMENTS(rows));

void client_enter(SmtpClient *client, ClientState state)
{
    states_move(&table, &client->state, state);
    client->has_turn = TRUE;
}

static SmtpPhase phase_of_expected(const Expected *expected)
{
    switch (expected->kind) {
    case EXPECT_RSET:
    case EXPECT_MAIL:
        return SMTP_PHASE_MAIL;
    case EXPECT_RCPT:
        return SMTP_PHASE_RCPT;
    case EXPECT_DATA:
        return SMTP_PHASE_DATA;
    case EXPECT_FINAL:
        return expected->transaction->stage == STAGE_FINAL ? SMTP_PHASE_AFTER_DATA
                                                           : SMTP_PHASE_DATA;
    }
    g_assert_not_reached();
}

SmtpPhase client_phase(const SmtpClient *client)
{
    const Expected *expected = g_queue_peek_head((GQueue *)&client->expected);
    if (expected != NULL)
        return phase_of_expected(expected);
    const Transaction *writer = client->writer == NULL ? NULL : client->writer->data;
    if (client->state == SERVING && writer != NULL && writer->stage == STAGE_CONTENT)
        return SMTP_PHASE_DATA;
    return manners[client->state].phase;
}

/* TRUE if a command is due whose answer cannot have come yet. */
static gboolean is_about_to_ask(const SmtpClient *client)
{
    return client->has_turn && client->state != READY && client->state != SERVING;
}

/* --- Life ------------------------------------------------------------------------------------- */

#define BEARER_MECHANISMS (SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER)

/* Who logs in, and by what alone. */
static void copy_login(SmtpClientConfig *to, const SmtpClientConfig *from)
{
    gboolean has_token = from->bearer_token != NULL;
    g_assert(!has_token || (from->host != NULL && from->username != NULL));
    g_assert(has_token || from->password != NULL || from->allowed_mechanisms == 0);
    to->username = g_strdup(from->username);
    to->bearer_token = has_token ? secret_copy(from->bearer_token) : NULL;
    to->password = has_token || from->password == NULL ? NULL : secret_copy(from->password);
    to->host = g_strdup(from->host);
    to->allowed_mechanisms &= has_token ? BEARER_MECHANISMS : ~(guint)BEARER_MECHANISMS;
    if (to->password == NULL)
        return;
    gsize n;
    const char *password = secret_reveal(to->password, &n);
    g_assert(memchr(password, '\0', n) == NULL); /* settings refuse it (RFC 4616 2) */
}

SmtpClient *smtp_client_new(const SmtpClientConfig *config)
{
    g_assert(config->security == TLS_MODE_STARTTLS || config->security == TLS_MODE_IMPLICIT);

    SmtpClient *client = g_new0(SmtpClient, 1);
    client->config = *config;
    client->config.ehlo_name = g_strdup(config->ehlo_name);
    copy_login(&client->config, config);
    client->state = WAIT_CONNECTED;
    client->reader = smtp_reply_reader_new();
    client->send = g_byte_array_sized_new(SEND_OCTETS); /* what grows leaves its old self behind */
    client->outcomes = g_array_new(FALSE, FALSE, sizeof(SmtpOutcome));
    client->passed = g_array_new(FALSE, FALSE, sizeof(SmtpPassed));
    client->lines = g_array_new(FALSE, FALSE, sizeof(SmtpLine));
    g_array_set_clear_func(client->lines, transcript_line_clear);
    client->begun = g_array_new(FALSE, FALSE, sizeof(guint64));
    client->replies = g_ptr_array_new_with_free_func((GDestroyNotify)smtp_reply_free);
    g_queue_init(&client->expected);
    g_queue_init(&client->mails);

    gboolean can_greet = smtp_command_ehlo(client->send, config->ehlo_name);
    g_assert(can_greet); /* settings refuse other names */
    g_byte_array_set_size(client->send, 0);
    return client;
}

/* Empties the send buffer; neither a credential nor a mail with a link stays behind. */
static void clear_send(SmtpClient *client)
{
    secret_wipe(client->send->data, client->send->len);
    g_byte_array_set_size(client->send, 0);
    client->effects.send_is_secret = FALSE;
}

void smtp_client_free(SmtpClient *client)
{
    if (client == NULL)
        return;
    clear_send(client);
    g_byte_array_unref(client->send);
    g_array_unref(client->outcomes);
    g_array_unref(client->passed);
    g_array_unref(client->lines);
    g_array_unref(client->begun);
    g_ptr_array_unref(client->replies);
    g_queue_clear_full(&client->expected, g_free);
    g_queue_clear_full(&client->mails, (GDestroyNotify)transaction_free);
    smtp_reply_reader_free(client->reader);
    smtp_reply_free(client->failure_reply);
    secret_free(client->sasl_response);
    g_free(client->sasl_challenge);
    g_free((char *)client->config.ehlo_name);
    g_free((char *)client->config.username);
    g_free((char *)client->config.host);
    secret_free((Secret *)client->config.password);
    secret_free((Secret *)client->config.bearer_token);
    g_free(client->challenge);
    g_free(client);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void close_session(SmtpClient *client)
{
    clear_send(client);
    client_enter(client, CLOSED);
    client->has_turn = FALSE;
    client->deadline = 0;
    client->effects.close = TRUE;
}

/* Whether it looks as if the server cannot follow several commands at once. What a dead network
 * does to a server that could is not held against it. */
static gboolean has_lost_step(const SmtpClient *client, SmtpFault fault)
{
    if (client->pace <= SMTP_PACE_STEPWISE)
        return FALSE;
    switch (fault) {
    case SMTP_FAULT_OUT_OF_STEP:
        return TRUE;
    case SMTP_FAULT_MALFORMED_REPLY:
    case SMTP_FAULT_UNEXPECTED_REPLY:
        return client->state == SERVING || client->has_been_ahead;
    case SMTP_FAULT_TIMEOUT:
        return client->trial != NULL || (!client->is_proven && client->expected.length > 1);
    case SMTP_FAULT_LOST:
        return client->trial != NULL;
    case SMTP_FAULT_NONE:
    case SMTP_FAULT_REPLY:
    case SMTP_FAULT_STARTTLS_NOT_OFFERED:
    case SMTP_FAULT_PIPELINED_AFTER_STARTTLS:
    case SMTP_FAULT_AUTH_NOT_OFFERED:
    case SMTP_FAULT_NO_COMMON_AUTH_MECHANISM:
    case SMTP_FAULT_BEARER_NOT_OFFERED:
    case SMTP_FAULT_WITHDRAWN:
    case SMTP_FAULT_TOO_LATE:
    case SMTP_FAULT_SASL:
        return FALSE;
    }
    g_assert_not_reached();
}

/* The first fault is the one that counts. */
static void note_failure(SmtpClient *client, SmtpFault fault, const SmtpReply *reply)
{
    mails_abandon(client, fault, reply);
    if (client->has_failed)
        return;
    gboolean is_injection = fault == SMTP_FAULT_PIPELINED_AFTER_STARTTLS;
    client->has_failed = TRUE;
    client->failure_reply = smtp_reply_copy(reply);
    client->failure.phase = is_injection ? SMTP_PHASE_STARTTLS : client_phase(client);
    client->failure.fault = fault;
    client->failure.reply = client->failure_reply;
    client->failure.challenge = client->challenge;
    client->failure.lost_step = has_lost_step(client, fault);
}

void client_fail(SmtpClient *client, SmtpFault fault, const SmtpReply *reply)
{
    if (client->state != WAIT_QUIT) /* whatever happens to QUIT is of no consequence (S42) */
        note_failure(client, fault, reply);
    close_session(client);
}

void client_give_up(SmtpClient *client, SmtpFault fault, const SmtpReply *reply)
{
    note_failure(client, fault, reply);
    if (client->tls_is_up)
        client_enter(client, WAIT_QUIT);
    else
        close_session(client);
}

void client_refused(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code >= 400)
        client_give_up(client, SMTP_FAULT_REPLY, reply);
    else
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

void client_pass(SmtpClient *client, SmtpPhase phase, const SmtpReply *reply)
{
    SmtpPassed passed = {phase, reply};
    g_array_append_val(client->passed, passed);
}

gint64 client_or_limit(gint64 configured_ms, gint64 limit_ms)
{
    return configured_ms > 0 ? configured_ms : limit_ms;
}

void client_set_deadline(SmtpClient *client, gint64 configured_ms, gint64 limit_ms)
{
    client->deadline = client->now + client_or_limit(configured_ms, limit_ms);
}

static void on_unasked(SmtpClient *client, const SmtpReply *reply)
{
    if (client->state == READY && reply->code >= 400) /* a goodbye that should have been 421 */
        client_fail(client, SMTP_FAULT_REPLY, reply);
    else
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

static void speak_ready(SmtpClient *client)
{
    client->deadline = 0;
}

static void speak_quit(SmtpClient *client)
{
    smtp_command_word(client->send, SMTP_WORD_QUIT);
    transcript_sent(client, 0);
    client_set_deadline(client, client->config.deadlines.quit_ms, LIMIT_QUIT_MS);
}

/* Whatever happens to QUIT is of no consequence (S42). But a reply that is not QUIT's says that one
 * too many came somewhere in front of it, and then we cannot tell which mail was answered by which:
 * the next time this server is asked one thing at a time. */
static void on_quit(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code != 221 && client->has_been_ahead)
        note_failure(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    close_session(client);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

/* 421 is the one reply that may come at any time (RFC 5321 3.8). */
static void on_reply(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code == 421)
        client_fail(client, SMTP_FAULT_REPLY, reply);
    else
        manners[client->state].on_reply(client, reply);
}

/* The next reply in the bytes, or NULL: then all of them are read, or the session has ended. */
static const SmtpReply *next_reply(SmtpClient *client, const guint8 **data, gsize *n)
{
    SmtpReply *reply = NULL;
    gsize used = 0;
    switch (smtp_reply_reader_feed(client->reader, *data, *n, &used, &reply)) {
    case SMTP_READ_MORE:
        return NULL;
    case SMTP_READ_MALFORMED:
        client_fail(client, SMTP_FAULT_MALFORMED_REPLY, NULL);
        return NULL;
    case SMTP_READ_REPLY:
        break;
    }
    *data += used;
    *n -= used;
    g_ptr_array_add(client->replies, reply);
    login_withhold(client, reply);
    transcript_reply(client, reply);
    return reply;
}

/* Plaintext where only TLS may follow: behind the 220 to STARTTLS somebody injects (RFC 3207 4). */
static void on_plaintext(SmtpClient *client)
{
    client_fail(client,
        client->config.security == TLS_MODE_STARTTLS ? SMTP_FAULT_PIPELINED_AFTER_STARTTLS
                                                     : SMTP_FAULT_UNEXPECTED_REPLY,
        NULL);
}

/* Bytes behind a reply to which we have not yet said anything: they answer nothing. */
static void on_premature(SmtpClient *client, const guint8 *data, gsize n)
{
    const SmtpReply *reply = next_reply(client, &data, &n);
    if (reply != NULL && reply->code == 421)
        client_fail(client, SMTP_FAULT_REPLY, reply);
    else if (client->state != CLOSED)
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

static void on_bytes(SmtpClient *client, const guint8 *data, gsize n)
{
    while (n > 0 && client->state != CLOSED) {
        if (client->state == WAIT_TLS) {
            on_plaintext(client);
            return;
        }
        if (is_about_to_ask(client)) {
            on_premature(client, data, n);
            return;
        }
        const SmtpReply *reply = next_reply(client, &data, &n);
        if (reply == NULL)
            break;
        on_reply(client, reply);
    }
}

/* --- The step --------------------------------------------------------------------------------- */

static void require(const SmtpClient *client, ClientState state, const char *event)
{
    if (client->state != state)
        g_error("smtp_client: event %s in state %s", event, states_name(&table, client->state));
}

static void take_event(SmtpClient *client, const SmtpEvent *event)
{
    switch (event->kind) {
    case SMTP_EVENT_CONNECTED:
        require(client, WAIT_CONNECTED, "CONNECTED");
        client_enter(
            client, client->config.security == TLS_MODE_IMPLICIT ? WAIT_TLS : WAIT_GREETING);
        break;
    case SMTP_EVENT_BYTES:
        on_bytes(client, event->bytes.data, event->bytes.n);
        break;
    case SMTP_EVENT_TLS_UP:
        require(client, WAIT_TLS, "TLS_UP");
        login_on_tls_up(client);
        break;
    case SMTP_EVENT_SENT:
        client->n_unsent = 0;
        client->write_deadline = 0;
        break;
    case SMTP_EVENT_SASL:
        require(client, WAIT_SASL, "SASL");
        login_on_sasl(client, event);
        break;
    case SMTP_EVENT_MAIL:
        if (writing_room(client) == 0 || event->mail->content == NULL)
            require(client, READY, "MAIL");
        mails_take(client, event->mail);
        break;
    case SMTP_EVENT_MARKED:
        mails_mark(client, event->tokens, event->n_tokens);
        break;
    case SMTP_EVENT_WITHDRAW:
        mails_withdraw(client, event->token);
        break;
    case SMTP_EVENT_QUIT:
        if (client->state == WAIT_QUIT)
            break; /* a refused RSET has made us leave already */
        require(client, READY, "QUIT");
        client_enter(client, WAIT_QUIT);
        break;
    case SMTP_EVENT_DEADLINE:
        if (client->deadline != 0 && client->now >= client->deadline)
            client_fail(client, SMTP_FAULT_TIMEOUT, NULL);
        break;
    case SMTP_EVENT_LOST:
        client_fail(client, SMTP_FAULT_LOST, NULL);
        break;
    }
}

/* Everything that arrived has been read: say what the state says, as far as it leads. */
static void speak(SmtpClient *client)
{
    while (client->has_turn) {
        if (smtp_reply_reader_is_inside(client->reader)) {
            if (is_about_to_ask(client))
                client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
            if (client->state != READY && client->state != SERVING)
                return; /* closed */
        }
        client->has_turn = FALSE;
        if (manners[client->state].speak != NULL)
            manners[client->state].speak(client);
    }
}

static MonoMs earlier(MonoMs a, MonoMs b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Nobody may keep us waiting for the rest of a reply that was not due. */
static void time_half_reply(SmtpClient *client)
{
    gboolean is_early = (client->state == READY || client->state == SERVING) &&
                        smtp_reply_reader_is_inside(client->reader) &&
                        !writing_is_reply_due(client);
    if (!is_early)
        client->rest_deadline = 0;
    else if (client->rest_deadline == 0)
        client->rest_deadline =
            client->now + client_or_limit(client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
}

/* While mails flow several deadlines stand at once. */
static void choose_deadline(SmtpClient *client)
{
    time_half_reply(client);
    if (client->state == SERVING && client->send->len > 0) {
        client->n_unsent += client->send->len;
        client->write_deadline =
            client->now +
            client_or_limit(client->config.deadlines.data_block_ms, LIMIT_DATA_BLOCK_MS);
    }
    if (client->state == SERVING)
        client->deadline =
            earlier(earlier(client->reply_deadline, client->write_deadline), client->rest_deadline);
    else if (client->state == READY)
        client->deadline = client->rest_deadline;
}

static void begin_effects(SmtpClient *client, MonoMs now)
{
    clear_send(client);
    client->effects = (SmtpClientEffects){0};
    g_array_set_size(client->outcomes, 0);
    g_array_set_size(client->passed, 0);
    g_array_set_size(client->lines, 0);
    g_array_set_size(client->begun, 0);
    g_ptr_array_set_size(client->replies, 0);
    client->now = now;
}

const SmtpClientEffects *smtp_client_step(SmtpClient *client, const SmtpEvent *event)
{
    begin_effects(client, event->now);
    if (client->state != CLOSED) {
        take_event(client, event);
        if (client->state == SERVING)
            replies_settle(client);
        speak(client);
        if (client->state == SERVING)
            writing_speak(client);
        if (client->state == SERVING && client->mails.length == 0) { /* the last was too late */
            replies_settle(client);
            speak(client);
        }
        choose_deadline(client);
    }

    SmtpClientEffects *effects = &client->effects;
    effects->send = client->send;
    effects->ready = client->state == READY;
    effects->room = writing_room(client);
    effects->begun = (const guint64 *)(gconstpointer)client->begun->data;
    effects->n_begun = client->begun->len;
    effects->deadline = client->deadline;
    effects->outcomes = (const SmtpOutcome *)client->outcomes->data;
    effects->n_outcomes = client->outcomes->len;
    effects->passed = (const SmtpPassed *)client->passed->data;
    effects->n_passed = client->passed->len;
    effects->lines = (const SmtpLine *)client->lines->data;
    effects->n_lines = client->lines->len;
    return effects;
}

/* --- Questions -------------------------------------------------------------------------------- */

const SmtpFailure *smtp_client_failure(const SmtpClient *client)
{
    return client->has_failed ? &client->failure : NULL;
}

char *smtp_failure_text_dup(const SmtpFailure *failure)
{
    const char *text = failure->reply == NULL ? NULL : failure->reply->text;
    if (failure->challenge == NULL || text == NULL)
        return g_strdup(failure->challenge == NULL ? text : failure->challenge);
    return g_strconcat(failure->challenge, " ", text, NULL);
}

const SmtpCapabilities *smtp_client_capabilities(const SmtpClient *client)
{
    return &client->capabilities;
}

const char *smtp_client_state_name(const SmtpClient *client)
{
    return states_name(&table, client->state);
}

SmtpPace smtp_client_pace(const SmtpClient *client)
{
    return client->pace;
}

const char *smtp_client_auth_mechanism(const SmtpClient *client)
{
    return smtp_auth_mechanism_name(client->mechanism);
}
