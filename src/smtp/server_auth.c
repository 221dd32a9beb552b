/* AUTH from the server's side (RFC 4954): PLAIN (RFC 4616), LOGIN, XOAUTH2, OAUTHBEARER (RFC 7628).
 */
#include "base/limits.h"
#include "base/text.h"
#include "smtp/bearer.h"
#include "smtp/capabilities.h"
#include "smtp/client.h"
#include "smtp/sasl.h"
#include "smtp/server_private.h"

#include <string.h>

static void refuse_response(SmtpServer *server)
{
    server_forget_login(server);
    server_enter(server, SERVER_WAIT_COMMAND);
    server_refuse(server, 501, "5.5.2", "Cannot read this authentication response");
}

/* Takes a part of a decoded response as the user name. */
static gboolean take_username(SmtpServer *server, const char *text, gsize n)
{
    if (n == 0 || n > LIMIT_USERNAME_BYTES || memchr(text, '\0', n) != NULL)
        return FALSE;
    g_free(server->username);
    server->username = g_strndup(text, n);
    return text_is_one_line(server->username, FALSE);
}

static gboolean take_password(SmtpServer *server, const char *text, gsize n)
{
    if (n == 0 || n > LIMIT_PASSWORD_BYTES || memchr(text, '\0', n) != NULL)
        return FALSE;
    secret_free(server->password);
    server->password = secret_new(text, n);
    return TRUE;
}

/* [authzid] NUL authcid NUL passwd; an authzid may only repeat the authcid (RFC 4616 2). */
static gboolean take_plain(SmtpServer *server, const Secret *response)
{
    gsize n;
    const char *authzid = secret_reveal(response, &n);
    const char *end = authzid + n;
    const char *first = memchr(authzid, '\0', n);
    if (first == NULL)
        return FALSE;
    const char *authcid = first + 1;
    const char *second = memchr(authcid, '\0', (gsize)(end - authcid));
    if (second == NULL)
        return FALSE;
    gsize n_authzid = (gsize)(first - authzid), n_authcid = (gsize)(second - authcid);
    if (n_authzid != 0 && (n_authzid != n_authcid || memcmp(authzid, authcid, n_authcid) != 0))
        return FALSE;
    return take_username(server, authcid, n_authcid) &&
           take_password(server, second + 1, (gsize)(end - second - 1));
}

static gboolean take_bearer(SmtpServer *server, const Secret *response)
{
    char *username;
    Secret *token;
    if (!smtp_bearer_read(server->bearer_mechanism, response, &username, &token))
        return FALSE;
    server_forget_login(server);
    server->username = username;
    server->bearer_token = token;
    return TRUE;
}

static void ask_for_line(SmtpServer *server, ServerAuthTurn turn)
{
    static const char *const prompts[] = {
        [SERVER_AUTH_PLAIN] = "",
        [SERVER_AUTH_USERNAME] = "VXNlcm5hbWU6", /* "Username:" */
        [SERVER_AUTH_PASSWORD] = "UGFzc3dvcmQ6", /* "Password:" */
        [SERVER_AUTH_BEARER] = "",
    };
    server->auth_turn = turn;
    server_enter(server, SERVER_WAIT_RESPONSE);
    server_reply(server, 334, NULL, prompts[turn]);
}

/* text: base64 of the turn's answer. */
static void take_answer(SmtpServer *server, const char *text)
{
    g_autoptr(Secret) answer = smtp_sasl_decode(text, strlen(text));
    gboolean understood = FALSE;
    gsize n = 0;
    if (answer != NULL) {
        switch (server->auth_turn) {
        case SERVER_AUTH_PLAIN:
            understood = take_plain(server, answer);
            break;
        case SERVER_AUTH_USERNAME: {
            const char *username = secret_reveal(answer, &n);
            understood = take_username(server, username, n);
            break;
        }
        case SERVER_AUTH_PASSWORD: {
            const char *password = secret_reveal(answer, &n);
            understood = take_password(server, password, n);
            break;
        }
        case SERVER_AUTH_BEARER:
            understood = take_bearer(server, answer);
            break;
        case SERVER_AUTH_REFUSED:
            g_assert_not_reached();
        }
    }
    if (!understood)
        refuse_response(server);
    else if (server->auth_turn == SERVER_AUTH_USERNAME)
        ask_for_line(server, SERVER_AUTH_PASSWORD);
    else
        server_ask(server, SMTP_ASK_LOGIN);
}

void server_auth_challenge(SmtpServer *server, const SmtpServerEvent *event)
{
    g_autofree char *challenge =
        g_base64_encode((const guchar *)event->verdict.challenge, strlen(event->verdict.challenge));
    server_forget_login(server);
    server->refusal.code = event->verdict.code;
    server->refusal.enhanced = g_strdup(event->verdict.enhanced);
    server->refusal.text = g_strdup(event->verdict.text);
    server->refusal.close = event->verdict.close;
    server->auth_turn = SERVER_AUTH_REFUSED;
    server_enter(server, SERVER_WAIT_RESPONSE);
    g_autofree char *line = g_strconcat("334 ", challenge, "\r\n", NULL);
    g_assert(strlen(line) <= LIMIT_SASL_LINE_OCTETS);
    g_byte_array_append(server->send, (const guint8 *)line, (guint)strlen(line));
}

/* The client has read the challenge; a "*" changes nothing (RFC 7628 3.2.3). */
static void refuse_token(SmtpServer *server)
{
    gboolean closes = server->refusal.close;
    server_reply(server, server->refusal.code, server->refusal.enhanced,
        server->refusal.text == NULL ? "Refused" : server->refusal.text);
    server_forget_login(server);
    server_enter(server, SERVER_WAIT_COMMAND);
    server_count_login_failure(server);
    if (closes)
        server_close(server);
}

void server_auth_response(SmtpServer *server, const char *line)
{
    if (server->auth_turn == SERVER_AUTH_REFUSED) {
        refuse_token(server);
        return;
    }
    if (strcmp(line, "*") == 0) {
        server_forget_login(server);
        server_enter(server, SERVER_WAIT_COMMAND);
        server_refuse(server, 501, "5.7.0", "Authentication cancelled");
        return;
    }
    take_answer(server, line);
}

/* AUTH before TLS: a credential that came in clear is burnt, and nobody shall go on like this. */
static void refuse_in_clear(SmtpServer *server, const char *initial)
{
    server_refuse(server, 538, "5.7.11", "Encryption required for authentication");
    if (initial != NULL)
        server_close(server);
}

/* What the server knows to do, and which turn begins it. */
static const struct {
    guint mechanism;
    ServerAuthTurn turn;
} beginnings[] = {
    {SMTP_AUTH_PLAIN, SERVER_AUTH_PLAIN},
    {SMTP_AUTH_LOGIN, SERVER_AUTH_USERNAME},
    {SMTP_AUTH_XOAUTH2, SERVER_AUTH_BEARER},
    {SMTP_AUTH_OAUTHBEARER, SERVER_AUTH_BEARER},
};

char *server_auth_offer(const SmtpServer *server)
{
    GString *line = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(beginnings); i++) {
        if (server->config.auth_mechanisms & beginnings[i].mechanism)
            g_string_append_printf(line, "%s %s", line->len == 0 ? "AUTH" : "",
                smtp_auth_mechanism_name(beginnings[i].mechanism));
    }
    return g_string_free(line, line->len == 0);
}

/* initial: the response that stands behind the command, or NULL. FALSE: not offered. */
static gboolean begin(SmtpServer *server, const char *mechanism, const char *initial)
{
    for (gsize i = 0; i < G_N_ELEMENTS(beginnings); i++) {
        guint bit = beginnings[i].mechanism;
        if (!(server->config.auth_mechanisms & bit) ||
            !text_equal_nocase(mechanism, smtp_auth_mechanism_name(bit)))
            continue;
        server->auth_turn = beginnings[i].turn;
        server->bearer_mechanism = bit;
        if (initial == NULL)
            ask_for_line(server, server->auth_turn);
        else
            take_answer(server, initial);
        return TRUE;
    }
    return FALSE;
}

void server_auth_command(SmtpServer *server, const char *arguments)
{
    g_autofree char *mechanism = g_strdup(arguments);
    char *space = strchr(mechanism, ' ');
    const char *initial = space == NULL ? NULL : arguments + (space - mechanism) + 1;
    if (space != NULL)
        secret_wipe(space, strlen(space)); /* and with it cuts the word off */

    if (!server->tls_is_up)
        refuse_in_clear(server, initial);
    else if (!server->has_greeted || server->is_logged_in || server->sender != NULL)
        server_refuse(server, 503, "5.5.1", "AUTH is not possible now");
    else if (!begin(server, mechanism, initial))
        server_refuse(server, 504, "5.5.4", "Mechanism not supported");
}
