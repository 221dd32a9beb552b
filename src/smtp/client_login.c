/* From the greeting to the login: EHLO, STARTTLS (RFC 3207), EHLO again, AUTH (RFC 4954). */
#include "base/limits.h"
#include "smtp/bearer.h"
#include "smtp/capabilities.h"
#include "smtp/client_private.h"
#include "smtp/command.h"
#include "smtp/sasl.h"

#include <string.h>

static gboolean is_success(const SmtpReply *reply)
{
    return reply->code / 100 == 2;
}

static gboolean is_by_token(const SmtpClient *client)
{
    return client->mechanism == SMTP_AUTH_XOAUTH2 || client->mechanism == SMTP_AUTH_OAUTHBEARER;
}

/* --- Greeting and EHLO ------------------------------------------------------------------------ */

void login_speak_greeting(SmtpClient *client)
{
    client_set_deadline(client, client->config.deadlines.greeting_ms, LIMIT_GREETING_MS);
}

/* Only 220 greets (RFC 5321 3.1). */
void login_on_greeting(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code != 220) {
        client_refused(client, reply);
        return;
    }
    client_pass(client, SMTP_PHASE_GREETING, reply);
    client_enter(client, client->tls_is_up ? WAIT_EHLO_TLS : WAIT_EHLO);
}

void login_speak_ehlo(SmtpClient *client)
{
    gboolean written = smtp_command_ehlo(client->send, client->config.ehlo_name);
    g_assert(written); /* smtp_client_new has asked */
    transcript_sent(client, 0);
    client_set_deadline(client, client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
}

void login_on_ehlo(SmtpClient *client, const SmtpReply *reply)
{
    if (!is_success(reply)) {
        client_refused(client, reply);
        return;
    }
    client_pass(client, SMTP_PHASE_EHLO, reply);
    smtp_capabilities_read(reply, &client->capabilities);
    client_enter(client, WAIT_STARTTLS);
    if (!client->capabilities.starttls)
        client_fail(client, SMTP_FAULT_STARTTLS_NOT_OFFERED, NULL);
}

/* --- TLS -------------------------------------------------------------------------------------- */

void login_speak_starttls(SmtpClient *client)
{
    smtp_command_word(client->send, SMTP_WORD_STARTTLS);
    transcript_sent(client, 0);
    client_set_deadline(client, client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
}

/* Only 220 continues (RFC 3207 4). */
void login_on_starttls(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code != 220) {
        client_refused(client, reply);
        return;
    }
    client_pass(client, SMTP_PHASE_STARTTLS, reply);
    client_enter(client, WAIT_TLS);
}

void login_speak_tls(SmtpClient *client)
{
    client->effects.start_tls = TRUE;
    client->deadline = 0; /* the driver times the handshake */
}

/* Whatever was learned in plaintext is forgotten (RFC 3207 4.2). */
void login_on_tls_up(SmtpClient *client)
{
    client->tls_is_up = TRUE;
    client->capabilities = (SmtpCapabilities){0};
    client_pass(client, SMTP_PHASE_TLS, NULL);
    client_enter(
        client, client->config.security == TLS_MODE_IMPLICIT ? WAIT_GREETING : WAIT_EHLO_TLS);
}

/* --- AUTH ------------------------------------------------------------------------------------- */

static gboolean speaks_by_token(const SmtpClient *client)
{
    return client->config.bearer_token != NULL && client->config.allowed_mechanisms != 0;
}

static void begin_auth(SmtpClient *client)
{
    client->mechanism =
        smtp_capabilities_choose_auth(&client->capabilities, client->config.allowed_mechanisms);
    client->login_turn = SAY_AUTH;
    smtp_reply_reader_set_line_limit(client->reader, LIMIT_SASL_LINE_OCTETS);
    client_enter(client, client->mechanism == SMTP_AUTH_SCRAM_SHA_256 ? WAIT_SASL : WAIT_AUTH);
    if (!client->capabilities.auth)
        client_give_up(client, SMTP_FAULT_AUTH_NOT_OFFERED, NULL);
    else if (client->mechanism == 0)
        client_give_up(client,
            speaks_by_token(client) ? SMTP_FAULT_BEARER_NOT_OFFERED
                                    : SMTP_FAULT_NO_COMMON_AUTH_MECHANISM,
            NULL);
}

void login_on_ehlo_tls(SmtpClient *client, const SmtpReply *reply)
{
    if (!is_success(reply)) {
        client_refused(client, reply);
        return;
    }
    /* With STARTTLS this rung has been passed before. */
    if (client->config.security == TLS_MODE_IMPLICIT)
        client_pass(client, SMTP_PHASE_EHLO, reply);
    smtp_capabilities_read(reply, &client->capabilities);
    begin_auth(client);
}

void login_speak_sasl(SmtpClient *client)
{
    client->effects.want_sasl = TRUE;
    client->effects.sasl_mechanism = smtp_auth_mechanism_name(client->mechanism);
    client->effects.sasl_challenge = client->sasl_challenge;
    client->deadline = 0; /* the server waits for us */
}

void login_on_sasl(SmtpClient *client, const SmtpEvent *event)
{
    if (event->sasl.failed) {
        client_enter(client, WAIT_CANCEL);
        if (!client->sasl_has_begun) /* nothing to cancel: AUTH has not been said */
            client_give_up(client, SMTP_FAULT_SASL, NULL);
        return;
    }
    secret_free(client->sasl_response);
    client->sasl_response = secret_copy(event->sasl.response);
    client->sasl_is_done = event->sasl.done;
    client->login_turn = client->sasl_has_begun ? SAY_RESPONSE : SAY_AUTH;
    client->sasl_has_begun = TRUE;
    client_enter(client, WAIT_AUTH);
}

/* SCRAM's lines come from the driver, and how long they are is partly the server's doing. */
static void write_sasl_response(SmtpClient *client, const char *mechanism)
{
    if (!smtp_sasl_write_response(client->send, mechanism, client->sasl_response))
        client_fail(client, SMTP_FAULT_SASL, NULL);
}

static void write_bearer(SmtpClient *client)
{
    const SmtpBearer bearer = {client->config.username, client->config.bearer_token,
        client->config.host, client->config.port};
    if (!smtp_bearer_write(client->send, client->mechanism, &bearer))
        client_fail(client, SMTP_FAULT_SASL, NULL);
}

/* mechanism NULL: the server has asked for it, the command has been said. */
static void write_initial_response(SmtpClient *client, const char *mechanism)
{
    if (is_by_token(client))
        write_bearer(client);
    else if (client->mechanism == SMTP_AUTH_PLAIN)
        smtp_sasl_write_plain(
            client->send, mechanism != NULL, client->config.username, client->config.password);
    else
        write_sasl_response(client, mechanism);
}

/* A command line without a credential: LOGIN has no initial response, and a long one must wait to
 * be asked for (RFC 4954 4). */
static void write_auth_alone(SmtpClient *client, const char *mechanism)
{
    secret_wipe(client->send->data, client->send->len);
    g_byte_array_set_size(client->send, 0);
    gboolean written = smtp_command_sasl(client->send, "AUTH ", mechanism, strlen(mechanism));
    g_assert(written);
    transcript_sent(client, 0);
}

/* A token is nearly always too long to stand behind AUTH, and waiting to be asked for it works with
 * every server. */
static void write_auth(SmtpClient *client)
{
    const char *name = smtp_auth_mechanism_name(client->mechanism);
    client->initial_is_due = is_by_token(client);
    if (client->mechanism == SMTP_AUTH_LOGIN || client->initial_is_due) {
        write_auth_alone(client, name);
        return;
    }
    write_initial_response(client, name);
    if (client->state == CLOSED)
        return;
    if (client->send->len > LIMIT_AUTH_COMMAND_OCTETS) {
        client->initial_is_due = TRUE;
        write_auth_alone(client, name);
        return;
    }
    client->effects.send_is_secret = TRUE;
    g_autofree char *label = g_strdup_printf("AUTH %s [redacted]", name);
    transcript_label(client, label);
}

void login_speak_auth(SmtpClient *client)
{
    g_assert(client->tls_is_up); /* the one line every credential passes */
    client_set_deadline(client, client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
    switch (client->login_turn) {
    case SAY_AUTH:
        write_auth(client);
        return;
    case SAY_INITIAL:
        write_initial_response(client, NULL);
        if (client->state == CLOSED)
            return;
        break;
    case SAY_USERNAME:
        smtp_sasl_write_login_username(client->send, client->config.username);
        break;
    case SAY_PASSWORD:
        smtp_sasl_write_login_password(client->send, client->config.password);
        break;
    case SAY_RESPONSE:
        write_sasl_response(client, NULL);
        break;
    case SAY_DUMMY:
        smtp_bearer_write_dummy(client->send, client->mechanism);
        transcript_sent(client, 0);
        return;
    }
    client->effects.send_is_secret = TRUE;
    transcript_label(client, "[redacted]");
}

/* A 334: the mechanism's next turn, or the end of its patience (RFC 4954 4). */
static void on_challenge(SmtpClient *client, const SmtpReply *reply)
{
    if (!smtp_sasl_is_base64(reply->text, strlen(reply->text)) ||
        (client->sasl_is_done && !client->initial_is_due)) {
        client_enter(client, WAIT_CANCEL);
        return;
    }
    if (client->initial_is_due) {
        client->initial_is_due = FALSE;
        client->login_turn = SAY_INITIAL;
        client_enter(client, WAIT_AUTH);
    } else if (client->mechanism == SMTP_AUTH_SCRAM_SHA_256) {
        g_free(client->sasl_challenge);
        client->sasl_challenge = g_strdup(reply->text);
        client_enter(client, WAIT_SASL);
    } else if (client->mechanism == SMTP_AUTH_LOGIN && client->login_turn != SAY_PASSWORD) {
        client->login_turn = client->login_turn == SAY_AUTH ? SAY_USERNAME : SAY_PASSWORD;
        client_enter(client, WAIT_AUTH);
    } else if (is_by_token(client) && client->login_turn == SAY_INITIAL) {
        client->challenge = smtp_bearer_challenge_text(reply->text, client->config.bearer_token);
        client->login_turn = SAY_DUMMY;
        client_enter(client, WAIT_AUTH);
    } else {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    }
}

void login_on_auth(SmtpClient *client, const SmtpReply *reply)
{
    gboolean must_prove = client->mechanism == SMTP_AUTH_SCRAM_SHA_256;
    if (reply->code == 334) {
        on_challenge(client, reply);
    } else if (reply->code != 235) {
        client_refused(client, reply); /* never a second mechanism: the account may be locked */
    } else if (client->login_turn == SAY_DUMMY) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL); /* it had refused */
    } else if (must_prove && !client->sasl_is_done) {
        client_fail(client, SMTP_FAULT_SASL, NULL); /* whoever this is does not know the password */
    } else {
        smtp_reply_reader_set_line_limit(client->reader, LIMIT_REPLY_LINE_OCTETS);
        client_pass(client, SMTP_PHASE_AUTH, reply);
        g_clear_pointer(&client->sasl_response, secret_free);
        writing_choose_pace(client);
        client_enter(client, READY);
    }
}

/* Postfix appends what its SASL library says, for one. A challenge is the mechanism's affair, and
 * never shown as it is. */
void login_withhold(const SmtpClient *client, SmtpReply *reply)
{
    const SmtpClientConfig *config = &client->config;
    const Secret *credential =
        config->bearer_token != NULL ? config->bearer_token : config->password;
    gboolean is_about_login = client_phase(client) == SMTP_PHASE_AUTH || client->state == WAIT_QUIT;
    if (!is_about_login || reply->code == 334 || credential == NULL ||
        !secret_is_shown(credential, reply->text, strlen(reply->text)))
        return;
    g_free(reply->text);
    reply->text = g_strdup("[withheld: it repeats the credential]");
}

void login_speak_cancel(SmtpClient *client)
{
    smtp_command_word(client->send, SMTP_WORD_CANCEL);
    transcript_sent(client, 0);
    client_set_deadline(client, client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
}

/* 501 is expected; whatever it is, the exchange is over and was not a login. */
void login_on_cancel(SmtpClient *client, const SmtpReply *reply)
{
    client_give_up(client, SMTP_FAULT_SASL, NULL);
}
