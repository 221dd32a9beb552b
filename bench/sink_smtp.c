#include "sink.h"

#include <openssl/evp.h>
#include <string.h>

enum { LINE_BYTES = 12288 + 2 }; /* a SASL response may be that long (RFC 4954 4) */

typedef struct {
    const char *verb;
    void (*run)(Smtp *smtp, const char *rest);
    gboolean needs_login, needs_tls;
} Command;

static void reply(Smtp *smtp, const char *line)
{
    session_reply(smtp->session, line);
}

static void refuse(Smtp *smtp, const char *line)
{
    tally_add(smtp->sink->tally, TALLY_FAULTY_ORDERS);
    reply(smtp, line);
}

static void end_session(Smtp *smtp, const char *line, gboolean is_polite)
{
    if (line)
        reply(smtp, line);
    smtp->is_ended = TRUE;
    session_end(smtp->session, is_polite);
}

static void forget_transaction(Smtp *smtp)
{
    smtp->has_sender = smtp->is_chunked = FALSE;
    smtp->n_recipients = 0;
    smtp->octets = 0;
    smtp->n_head = 0;
}

void smtp_greet(Smtp *smtp)
{
    guint limit = smtp->sink->config.connections;
    if (limit && atomic_load(&smtp->sink->open_sessions) > limit) {
        tally_add(smtp->sink->tally, TALLY_TURNED_AWAY);
        end_session(smtp, "421 4.7.0 Too many connections\r\n", TRUE);
    } else {
        reply(smtp, "220 sink.example.test ESMTP\r\n");
    }
}

void smtp_tls_is_up(Smtp *smtp)
{
    smtp->is_secure = TRUE;
    smtp->is_starting_tls = FALSE;
    smtp->is_greeted = FALSE; /* RFC 3207 4.2: forget what was said before */
    forget_transaction(smtp);
}

/* --- Hello, TLS, login -------------------------------------------------------------------------
 */

static void run_ehlo(Smtp *smtp, const char *rest)
{
    const SinkConfig *config = &smtp->sink->config;
    if (*rest == '\0') {
        refuse(smtp, "501 5.5.4 EHLO needs a name\r\n");
        return;
    }
    forget_transaction(smtp);
    smtp->is_greeted = TRUE;
    reply(smtp, "250-sink.example.test\r\n");
    if (!smtp->is_secure)
        reply(smtp, "250-STARTTLS\r\n");
    else
        reply(smtp, "250-AUTH PLAIN LOGIN\r\n");
    if (config->pipelining)
        reply(smtp, "250-PIPELINING\r\n");
    if (config->chunking)
        reply(smtp, "250-CHUNKING\r\n");
    if (config->eightbitmime)
        reply(smtp, "250-8BITMIME\r\n");
    if (config->smtputf8)
        reply(smtp, "250-SMTPUTF8\r\n");
    if (config->dsn)
        reply(smtp, "250-DSN\r\n");
    char line[256];
    if (config->size) {
        g_snprintf(line, sizeof line, "250-SIZE %" G_GINT64_FORMAT "\r\n", config->size);
        reply(smtp, line);
    }
    if (config->limits) {
        g_snprintf(line, sizeof line, "250-LIMITS %s\r\n", config->limits);
        reply(smtp, line);
    }
    reply(smtp, "250 ENHANCEDSTATUSCODES\r\n");
}

static void run_helo(Smtp *smtp, const char *rest)
{
    forget_transaction(smtp);
    smtp->is_greeted = *rest != '\0';
    if (smtp->is_greeted)
        reply(smtp, "250 sink.example.test\r\n");
    else
        refuse(smtp, "501 5.5.4 HELO needs a name\r\n");
}

static void run_starttls(Smtp *smtp, const char *rest)
{
    if (smtp->is_secure || !smtp->is_greeted || *rest != '\0') {
        refuse(
            smtp, smtp->is_secure ? "503 5.5.1 TLS is up already\r\n" : "503 5.5.1 EHLO first\r\n");
        return;
    }
    reply(smtp, "220 2.0.0 Ready to start TLS\r\n");
    smtp->is_starting_tls = TRUE;
    session_start_tls(smtp->session);
}

static void finish_login(Smtp *smtp, const char *password, gsize n)
{
    const char *wanted = smtp->sink->config.password;
    smtp->state = SMTP_COMMAND;
    if (wanted ? n == strlen(wanted) && memcmp(wanted, password, n) == 0 : n > 0) {
        smtp->is_logged_in = TRUE;
        tally_add(smtp->sink->tally, TALLY_LOGINS);
        reply(smtp, "235 2.7.0 Welcome\r\n");
    } else {
        tally_add(smtp->sink->tally, TALLY_LOGIN_FAILURES);
        reply(smtp, "535 5.7.8 User name or password is wrong\r\n");
    }
}

/* The decoded octets with a NUL behind them; NULL if it is not base64. */
static guchar *decode(const char *text, gsize *n)
{
    gsize n_text = strlen(text);
    if (n_text == 0 || n_text % 4 != 0)
        return NULL;
    guchar *octets = g_malloc(n_text / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(octets, (const guchar *)text, (int)n_text);
    if (decoded < 0) {
        g_free(octets);
        return NULL;
    }
    *n = (gsize)decoded - (gsize)g_str_has_suffix(text, "=") - (gsize)g_str_has_suffix(text, "==");
    octets[*n] = '\0';
    return octets;
}

static void take_login(Smtp *smtp, const char *text)
{
    gsize n = 0;
    guchar *octets = decode(text, &n);
    if (octets == NULL) {
        smtp->state = SMTP_COMMAND;
        refuse(smtp, "501 5.5.2 That is not base64\r\n");
    } else if (smtp->state == SMTP_AUTH_USER) {
        smtp->state = SMTP_AUTH_PASSWORD;
        reply(smtp, "334 UGFzc3dvcmQ6\r\n");
    } else if (smtp->state == SMTP_AUTH_PASSWORD) {
        finish_login(smtp, (const char *)octets, n);
    } else { /* authzid NUL authcid NUL password (RFC 4616) */
        const guchar *user = memchr(octets, '\0', n);
        const guchar *password =
            user ? memchr(user + 1, '\0', n - (gsize)(user + 1 - octets)) : NULL;
        if (password)
            finish_login(smtp, (const char *)password + 1, n - (gsize)(password + 1 - octets));
        else
            finish_login(smtp, "", 0);
    }
    g_free(octets);
}

static void run_auth(Smtp *smtp, const char *rest)
{
    gsize n_name = strcspn(rest, " ");
    const char *initial = rest[n_name] ? rest + n_name + 1 : "";
    gboolean is_plain = n_name == 5 && g_ascii_strncasecmp(rest, "PLAIN", 5) == 0;
    gboolean is_login = n_name == 5 && g_ascii_strncasecmp(rest, "LOGIN", 5) == 0;
    if (smtp->is_logged_in || smtp->has_sender || !smtp->is_greeted) {
        refuse(smtp, "503 5.5.1 Not now\r\n");
    } else if (!is_plain && !is_login) {
        refuse(smtp, "504 5.5.4 PLAIN or LOGIN\r\n");
    } else {
        smtp->state = is_plain ? SMTP_AUTH_PLAIN : SMTP_AUTH_USER;
        if (*initial)
            take_login(smtp, initial);
        else
            reply(smtp, is_plain ? "334 \r\n" : "334 VXNlcm5hbWU6\r\n");
    }
}

/* --- The envelope ------------------------------------------------------------------------------
 */

/* What stands behind "<path>"; NULL if there is no path. A quoted local part may hold '>'. */
static const char *behind_path(const char *text, const char *keyword)
{
    gsize n = strlen(keyword);
    if (g_ascii_strncasecmp(text, keyword, n) != 0 || text[n] != '<')
        return NULL;
    gboolean is_quoted = FALSE;
    for (const char *p = text + n + 1; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '"')
            is_quoted = !is_quoted;
        else if (*p == '>' && !is_quoted)
            return p + 1;
    }
    return NULL;
}

/* NULL if every parameter belongs to an extension that was announced, or else the refusal. */
static const char *parameters_refusal(const Smtp *smtp, const char *text, gboolean is_mail)
{
    const SinkConfig *config = &smtp->sink->config;
    while (*text == ' ') {
        const char *name = text + 1;
        gsize n = strcspn(name, " =");
        text = name + strcspn(name, " ");
        const struct {
            const char *name;
            gboolean of_mail, is_known;
        } known[] = {
            {"SIZE", TRUE, config->size > 0},
            {"BODY", TRUE, config->eightbitmime},
            {"SMTPUTF8", TRUE, config->smtputf8},
            {"AUTH", TRUE, TRUE},
            {"RET", TRUE, config->dsn},
            {"ENVID", TRUE, config->dsn},
            {"NOTIFY", FALSE, config->dsn},
            {"ORCPT", FALSE, config->dsn},
        };
        gboolean is_fine = FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
            is_fine |= known[i].is_known && known[i].of_mail == is_mail &&
                       strlen(known[i].name) == n &&
                       g_ascii_strncasecmp(known[i].name, name, n) == 0;
        if (!is_fine)
            return "555 5.5.4 Unknown parameter\r\n";
        if (g_ascii_strncasecmp(name, "SIZE=", 5) == 0 &&
            g_ascii_strtoll(name + 5, NULL, 10) > config->size)
            return "552 5.3.4 Too large\r\n";
    }
    return *text ? "501 5.5.4 Syntax\r\n" : NULL;
}

static void run_mail(Smtp *smtp, const char *rest)
{
    const SinkConfig *config = &smtp->sink->config;
    guint most = config->max_mails;
    if (config->mail_max && (most == 0 || config->mail_max < most))
        most = config->mail_max;
    if (most && smtp->n_mails >= most) {
        end_session(smtp, "421 4.7.0 Enough mails on this connection\r\n", TRUE);
        return;
    }
    const char *parameters = behind_path(rest, "FROM:");
    const char *refusal = NULL;
    if (smtp->has_sender)
        refusal = "503 5.5.1 There is a sender already\r\n";
    else if (parameters == NULL)
        refusal = "501 5.5.4 MAIL FROM:<address>\r\n";
    else
        refusal = parameters_refusal(smtp, parameters, TRUE);
    if (refusal) {
        refuse(smtp, refusal);
        return;
    }
    forget_transaction(smtp);
    smtp->has_sender = TRUE;
    reply(smtp, "250 2.1.0 Sender ok\r\n");
}

static gboolean is_due(atomic_uint *counter, guint every)
{
    return every && (atomic_fetch_add(counter, 1) + 1) % every == 0;
}

static void run_rcpt(Smtp *smtp, const char *rest)
{
    const SinkConfig *config = &smtp->sink->config;
    const char *parameters = behind_path(rest, "TO:");
    const char *refusal = NULL;
    if (!smtp->has_sender || smtp->is_chunked)
        refusal = "503 5.5.1 MAIL first\r\n";
    else if (parameters == NULL)
        refusal = "501 5.5.4 RCPT TO:<address>\r\n";
    else
        refusal = parameters_refusal(smtp, parameters, FALSE);
    if (refusal) {
        refuse(smtp, refusal);
    } else if (config->recipient_max && smtp->n_recipients >= config->recipient_max) {
        reply(smtp, "452 4.5.3 Enough recipients\r\n");
    } else if (is_due(&smtp->sink->n_recipients, config->reject_rcpt)) {
        tally_add(smtp->sink->tally, TALLY_REJECTED_RECIPIENTS);
        reply(smtp, "550 5.1.1 No such mailbox\r\n");
    } else {
        smtp->n_recipients++;
        tally_add(smtp->sink->tally, TALLY_RECIPIENTS);
        reply(smtp, "250 2.1.5 Recipient ok\r\n");
    }
}

/* --- The content -------------------------------------------------------------------------------
 */

static void keep_head(Smtp *smtp, const char *data, gsize n)
{
    gsize room = SMTP_HEAD_BYTES - smtp->n_head;
    gsize taken = MIN(n, room);
    memcpy(smtp->head + smtp->n_head, data, taken);
    smtp->n_head += taken;
    smtp->octets += n;
}

static void finish_mail(Smtp *smtp)
{
    Sink *sink = smtp->sink;
    const SinkConfig *config = &sink->config;
    smtp->state = SMTP_COMMAND;
    if (config->size && smtp->octets > (guint64)config->size) {
        refuse(smtp, "552 5.3.4 Too large\r\n");
    } else {
        guint end = atomic_fetch_add(&sink->n_ends, 1) + 1;
        if (config->defer && end % config->defer == 0) {
            tally_add(sink->tally, TALLY_DEFERRED_MAILS);
            reply(smtp, "451 4.3.0 Come again\r\n");
        } else {
            tally_mail(sink->tally, smtp->head, smtp->n_head, smtp->octets);
            smtp->n_mails++;
            if (config->drop_after_end && end % config->drop_after_end == 0) {
                tally_add(sink->tally, TALLY_CUT_REPLIES);
                end_session(smtp, NULL, FALSE);
            } else {
                reply(smtp, "250 2.0.0 Taken\r\n");
            }
        }
    }
    forget_transaction(smtp);
}

static void run_data(Smtp *smtp, const char *rest)
{
    if (*rest != '\0')
        refuse(smtp, "501 5.5.4 DATA stands alone\r\n");
    else if (!smtp->has_sender || smtp->is_chunked)
        refuse(smtp, "503 5.5.1 MAIL first, and no BDAT\r\n");
    else if (smtp->n_recipients == 0)
        reply(smtp, "554 5.5.1 No valid recipients\r\n");
    else {
        smtp->state = SMTP_DATA;
        smtp->dot_matched = 2; /* the content begins at the beginning of a line */
        reply(smtp, "354 Go ahead\r\n");
    }
}

/* Only CR LF . CR LF ends a mail (RFC 5321 4.1.1.4). */
static gsize take_data(Smtp *smtp, const char *data, gsize n)
{
    static const char end[] = "\r\n.\r\n";
    gsize i = 0;
    while (i < n && smtp->dot_matched < sizeof end - 1) {
        if (smtp->dot_matched == 0) {
            const char *cr = memchr(data + i, '\r', n - i);
            if (cr == NULL) {
                i = n;
                break;
            }
            i = (gsize)(cr - data);
        }
        char c = data[i++];
        if (c == end[smtp->dot_matched])
            smtp->dot_matched++;
        else
            smtp->dot_matched = c == '\r';
    }
    keep_head(smtp, data, i);
    if (smtp->dot_matched == sizeof end - 1) {
        smtp->octets -= strlen(".\r\n");
        finish_mail(smtp);
    }
    return i;
}

static void finish_chunk(Smtp *smtp)
{
    smtp->state = SMTP_COMMAND;
    if (!smtp->has_sender || smtp->n_recipients == 0)
        refuse(smtp, "503 5.5.1 This chunk belongs to no mail\r\n");
    else if (smtp->is_chunk_last)
        finish_mail(smtp);
    else
        reply(smtp, "250 2.0.0 Chunk taken\r\n");
}

static void run_bdat(Smtp *smtp, const char *rest)
{
    if (!smtp->sink->config.chunking) {
        refuse(smtp, "502 5.5.1 BDAT is not offered\r\n");
        return;
    }
    char *behind = NULL;
    guint64 n = g_ascii_strtoull(rest, &behind, 10);
    gboolean is_last = g_ascii_strcasecmp(behind, " LAST") == 0;
    if (behind == rest || !g_ascii_isdigit(*rest) || (*behind && !is_last)) {
        end_session(
            smtp, "501 5.5.4 BDAT size [LAST]\r\n", TRUE); /* what follows cannot be told apart */
        return;
    }
    smtp->is_chunked = TRUE;
    smtp->is_chunk_last = is_last;
    smtp->chunk_left = n;
    smtp->state = SMTP_CHUNK;
    if (n == 0)
        finish_chunk(smtp);
}

static gsize take_chunk(Smtp *smtp, const char *data, gsize n)
{
    gsize taken = (gsize)MIN((guint64)n, smtp->chunk_left);
    keep_head(smtp, data, taken);
    smtp->chunk_left -= taken;
    if (smtp->chunk_left == 0)
        finish_chunk(smtp);
    return taken;
}

/* --- Commands ----------------------------------------------------------------------------------
 */

static void run_rset(Smtp *smtp, const char *rest)
{
    if (*rest) {
        refuse(smtp, "501 5.5.4 RSET stands alone\r\n");
        return;
    }
    forget_transaction(smtp);
    reply(smtp, "250 2.0.0 Reset\r\n");
}

static void run_noop(Smtp *smtp, const char *rest)
{
    reply(smtp, "250 2.0.0 Ok\r\n");
}

static void run_vrfy(Smtp *smtp, const char *rest)
{
    reply(smtp, "252 2.5.0 Send some mail\r\n");
}

static void run_quit(Smtp *smtp, const char *rest)
{
    end_session(smtp, "221 2.0.0 Bye\r\n", TRUE);
}

static const Command commands[] = {
    {"MAIL", run_mail, TRUE, TRUE},
    {"RCPT", run_rcpt, TRUE, TRUE},
    {"BDAT", run_bdat, FALSE, FALSE}, /* what is too early is read and refused as a chunk */
    {"DATA", run_data, TRUE, TRUE},
    {"RSET", run_rset, FALSE, FALSE},
    {"EHLO", run_ehlo, FALSE, FALSE},
    {"HELO", run_helo, FALSE, FALSE},
    {"STARTTLS", run_starttls, FALSE, FALSE},
    {"AUTH", run_auth, FALSE, TRUE},
    {"NOOP", run_noop, FALSE, FALSE},
    {"VRFY", run_vrfy, FALSE, FALSE},
    {"QUIT", run_quit, FALSE, FALSE},
};

static void run_line(Smtp *smtp, const char *line)
{
    if (smtp->state != SMTP_COMMAND) {
        if (strcmp(line, "*") != 0) {
            take_login(smtp, line);
            return;
        }
        smtp->state = SMTP_COMMAND;
        reply(smtp, "501 5.7.0 Cancelled\r\n");
        return;
    }
    gsize n_verb = strcspn(line, " ");
    const char *rest = line + n_verb + (line[n_verb] == ' ');
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const Command *command = &commands[i];
        if (g_ascii_strncasecmp(line, command->verb, n_verb) != 0 || command->verb[n_verb])
            continue;
        if (command->needs_tls && !smtp->is_secure)
            reply(smtp, "530 5.7.0 STARTTLS first\r\n");
        else if (command->needs_login && !smtp->is_logged_in)
            reply(smtp, "530 5.7.0 Log in first\r\n");
        else
            command->run(smtp, rest);
        return;
    }
    refuse(smtp, "500 5.5.2 What?\r\n");
}

static gsize take_line(Smtp *smtp, const char *data, gsize n)
{
    char line[1024];
    const char *newline = memchr(data, '\n', n);
    if (newline == NULL && n < LINE_BYTES)
        return 0;
    gsize n_line = newline ? (gsize)(newline - data) : n;
    if (newline == NULL || n_line == 0 || n_line > LINE_BYTES || newline[-1] != '\r' ||
        memchr(data, '\0', n_line)) {
        tally_add(smtp->sink->tally, TALLY_FAULTY_ORDERS);
        end_session(smtp, "500 5.5.2 Lines end in CR LF\r\n", TRUE);
    } else if (n_line <= sizeof line) {
        memcpy(line, data, n_line - 1);
        line[n_line - 1] = '\0';
        run_line(smtp, line);
    } else {
        char *copy = g_strndup(data, n_line - 1);
        run_line(smtp, copy);
        g_free(copy);
    }
    return newline ? n_line + 1 : n;
}

gsize smtp_feed(Smtp *smtp, const char *data, gsize n)
{
    gsize used = 0;
    while (used < n && !smtp->is_ended && !smtp->is_starting_tls) {
        gsize taken = 0;
        if (smtp->state == SMTP_DATA)
            taken = take_data(smtp, data + used, n - used);
        else if (smtp->state == SMTP_CHUNK)
            taken = take_chunk(smtp, data + used, n - used);
        else
            taken = take_line(smtp, data + used, n - used);
        if (taken == 0)
            break;
        used += taken;
    }
    return smtp->is_ended ? n : used;
}
