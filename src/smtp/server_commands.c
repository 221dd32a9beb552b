/* The commands and what each one needs (RFC 5321 4.1.1, 4.1.4; RFC 6409; RFC 3207; RFC 6531). */
#include "base/limits.h"
#include "smtp/client.h"
#include "smtp/path.h"
#include "smtp/server_private.h"

#include <string.h>

/* --- EHLO, STARTTLS, and the small ones ------------------------------------------------------- */

static void write_capability(SmtpServer *server, const char *line)
{
    g_byte_array_append(server->send, (const guint8 *)"250-", 4);
    g_byte_array_append(server->send, (const guint8 *)line, (guint)strlen(line));
    g_byte_array_append(server->send, (const guint8 *)"\r\n", 2);
}

static void write_auth_capability(SmtpServer *server)
{
    g_autofree char *line = server_auth_offer(server);
    if (line != NULL)
        write_capability(server, line);
}

static void on_ehlo(SmtpServer *server, const char *arguments, gboolean has_more)
{
    if (arguments[0] == '\0' || strlen(arguments) > LIMIT_DOMAIN_OCTETS ||
        strchr(arguments, ' ') != NULL) {
        server_refuse(server, 501, NULL, "EHLO needs a name");
        return;
    }
    server_forget_transaction(server);
    server->has_greeted = TRUE;
    write_capability(server, server->config.host_name);
    if (server->config.pipelining)
        write_capability(server, "PIPELINING");
    if (server->config.eightbitmime)
        write_capability(server, "8BITMIME");
    if (server_offers_smtputf8(server))
        write_capability(server, "SMTPUTF8");
    if (server->config.chunking)
        write_capability(server, "CHUNKING");
    if (server->config.dsn)
        write_capability(server, "DSN");
    if (!server->tls_is_up && server->config.offer_starttls)
        write_capability(server, "STARTTLS");
    if (server->tls_is_up)
        write_auth_capability(server);
    write_capability(server, "ENHANCEDSTATUSCODES");
    g_autofree char *size = g_strdup_printf("SIZE %" G_GUINT64_FORMAT, server->config.size_max);
    server_reply(server, 250, NULL, size);
}

/* Bytes behind STARTTLS would be read as if they had come through TLS (T59). */
static void on_starttls(SmtpServer *server, const char *arguments, gboolean has_more)
{
    if (server->tls_is_up) {
        server_refuse(server, 503, "5.5.1", "TLS is already up");
    } else if (!server->config.offer_starttls) {
        server_refuse(server, 502, "5.5.1", "STARTTLS is not offered");
    } else if (has_more) {
        server_reply(server, 501, "5.5.2", "Nothing may follow STARTTLS");
        server_close(server);
    } else {
        server_reply(server, 220, "2.0.0", "Ready to start TLS");
        server->effects.start_tls = TRUE;
        server_enter(server, SERVER_WAIT_TLS);
    }
}

static void on_noop(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_reply(server, 250, "2.0.0", "OK");
}

static void on_rset(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_forget_transaction(server);
    server_reply(server, 250, "2.0.0", "OK");
}

static void on_vrfy(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_reply(server, 252, "2.0.0", "Cannot verify, but will take mail");
}

static void on_help(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_reply(server, 214, "2.0.0", "See RFC 6409");
}

static void on_quit(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_reply(server, 221, "2.0.0", "Bye");
    server_close(server);
}

static void on_auth(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_auth_command(server, arguments);
}

/* --- MAIL, RCPT, DATA ------------------------------------------------------------------------- */

/* Says what is wrong with a path; FALSE if something is. */
static gboolean accept_path(SmtpServer *server, SmtpPathResult result, const char *enhanced)
{
    switch (result) {
    case SMTP_PATH_OK:
        return TRUE;
    case SMTP_PATH_SYNTAX:
        server_refuse(server, 501, "5.5.4", "Cannot read the path");
        return FALSE;
    case SMTP_PATH_ADDRESS:
        server_refuse(server, 501, enhanced, "This is not a mail address");
        return FALSE;
    }
    g_assert_not_reached();
}

/* RFC 6531 3.2 and 3.5: beyond ASCII only in a transaction that was announced so. */
static gboolean accept_characters(SmtpServer *server, const char *address, gboolean smtputf8)
{
    if (smtputf8 || g_str_is_ascii(address))
        return TRUE;
    server_refuse(server, 553, "5.6.7", "An address beyond ASCII needs SMTPUTF8");
    return FALSE;
}

static void on_mail(SmtpServer *server, const char *arguments, gboolean has_more)
{
    g_autofree char *address = NULL;
    const char *text = "";
    g_auto(ServerParameters) parameters = {0};
    server->mail_was_refused = TRUE; /* unless we come to its end */
    if (!server->is_logged_in) {
        server_refuse(server, 530, "5.7.0", "Authentication required");
    } else if (!server->has_greeted || server->sender != NULL) {
        server_refuse(server, 503, "5.5.1", "MAIL is not possible now");
    } else if (accept_path(
                   server, smtp_path_read(arguments, "FROM:", TRUE, &address, &text), "5.1.7") &&
               server_parameters_read_mail(server, text, &parameters) &&
               accept_characters(server, address, parameters.smtputf8)) {
        server->mail_was_refused = FALSE;
        server->n_idle = 0;
        server->sender = g_steal_pointer(&address);
        server->mail_parameters = parameters;
        parameters = (ServerParameters){0};
        server_ask(server, SMTP_ASK_SENDER);
    }
}

static gboolean may_name_recipient(const SmtpServer *server)
{
    return server->sender != NULL && (server->content_way == SERVER_CONTENT_UNBEGUN ||
                                         server->content_way == SERVER_CONTENT_DATA);
}

static void on_rcpt(SmtpServer *server, const char *arguments, gboolean has_more)
{
    static const ServerRefusal out_of_order = {503, "5.5.1", "RCPT needs MAIL first"};
    g_autofree char *address = NULL;
    const char *text = "";
    g_auto(ServerParameters) parameters = {0};
    if (!may_name_recipient(server)) {
        server_refuse_order(server, &out_of_order);
    } else if (accept_path(
                   server, smtp_path_read(arguments, "TO:", FALSE, &address, &text), "5.1.3") &&
               server_parameters_read_rcpt(server, text, &parameters) &&
               accept_characters(server, address, server->mail_parameters.smtputf8)) {
        if (server->recipients->len >= server->config.recipients_max) {
            server_reply(server, 452, "4.5.3", "Too many recipients");
            return;
        }
        server->candidate = g_steal_pointer(&address);
        server->candidate_parameters = parameters;
        parameters = (ServerParameters){0};
        server_ask(server, SMTP_ASK_RECIPIENT);
    }
}

static void on_data(SmtpServer *server, const char *arguments, gboolean has_more)
{
    static const ServerRefusal no_sender = {503, "5.5.1", "DATA needs MAIL and RCPT first"};
    static const ServerRefusal no_recipients = {554, "5.5.1", "No valid recipients"};
    static const ServerRefusal mixed = {503, "5.5.1", "DATA behind BDAT, RSET must come first"};
    if (!may_name_recipient(server) && server->sender != NULL) {
        server->content_way = SERVER_CONTENT_FAILED;
        server_refuse_order(server, &mixed);
    } else if (server->sender == NULL) {
        server_refuse_order(server, &no_sender);
    } else if (server->recipients->len == 0) {
        server_refuse_order(server, &no_recipients);
    } else {
        server->content_way = SERVER_CONTENT_DATA;
        server_ask(server, SMTP_ASK_DATA);
    }
}

static void on_bdat(SmtpServer *server, const char *arguments, gboolean has_more)
{
    server_chunk_command(server, arguments);
}

/* --- The table -------------------------------------------------------------------------------- */

typedef struct {
    const char *verb;
    void (*run)(SmtpServer *server, const char *arguments, gboolean has_more);
    gboolean before_tls; /* allowed without TLS; AUTH and BDAT are there to say no in their way */
    gboolean no_arguments;
    gboolean is_idle;    /* moves nothing forward: only so many of them between two mails (T62) */
    gboolean takes_utf8; /* beyond ASCII, where SMTPUTF8 is offered (RFC 6531 3.3, 3.7.4.2) */
} Command;

static const Command commands[] = {
    {.verb = "EHLO", .run = on_ehlo, .before_tls = TRUE, .is_idle = TRUE},
    {.verb = "STARTTLS", .run = on_starttls, .before_tls = TRUE, .no_arguments = TRUE},
    {.verb = "AUTH", .run = on_auth, .before_tls = TRUE},
    {.verb = "MAIL", .run = on_mail, .takes_utf8 = TRUE},
    {.verb = "RCPT", .run = on_rcpt, .takes_utf8 = TRUE},
    {.verb = "DATA", .run = on_data, .no_arguments = TRUE},
    {.verb = "BDAT", .run = on_bdat, .before_tls = TRUE},
    {.verb = "RSET", .run = on_rset, .before_tls = TRUE, .no_arguments = TRUE, .is_idle = TRUE},
    {.verb = "NOOP", .run = on_noop, .before_tls = TRUE, .is_idle = TRUE},
    {.verb = "VRFY", .run = on_vrfy, .is_idle = TRUE, .takes_utf8 = TRUE},
    {.verb = "HELP", .run = on_help, .is_idle = TRUE},
    {.verb = "QUIT", .run = on_quit, .before_tls = TRUE, .no_arguments = TRUE},
};

static const Command *find_command(const char *line, gsize n_verb)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strlen(commands[i].verb) == n_verb &&
            g_ascii_strncasecmp(commands[i].verb, line, n_verb) == 0)
            return &commands[i];
    }
    return NULL;
}

gboolean server_takes_utf8(const SmtpServer *server, const char *line)
{
    const Command *command = find_command(line, strcspn(line, " "));
    return command != NULL && command->takes_utf8 && server_offers_smtputf8(server);
}

void server_command(SmtpServer *server, const char *line, gboolean has_more)
{
    gsize n_verb = strcspn(line, " ");
    const char *arguments = line[n_verb] == '\0' ? "" : line + n_verb + 1;
    const Command *command = find_command(line, n_verb);
    if (command == NULL) {
        server_refuse(server, 500, "5.5.1", "Command not known");
    } else if (!server->tls_is_up && !command->before_tls) {
        server_refuse(server, 530, "5.7.0", "Must issue a STARTTLS command first");
    } else if (command->no_arguments && line[n_verb] != '\0') {
        server_refuse(server, 501, "5.5.4", "This command takes no argument");
    } else if (!command->is_idle || server_allow_idle(server)) {
        command->run(server, arguments, has_more);
    }
}
