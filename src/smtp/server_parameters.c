/* What may stand behind the path of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152), AUTH (RFC
 * 4954), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY and ORCPT (RFC 3461). Each may come once, and only
 * if it is offered. */
#include "base/limits.h"
#include "base/text.h"
#include "smtp/client.h"
#include "smtp/server_private.h"

#include <string.h>

typedef struct {
    const SmtpServer *server;
    ServerParameters parameters;
    guint64 size;
    guint seen; /* a bit for each row of the table */
} Reading;

void server_parameters_clear(ServerParameters *parameters)
{
    g_free(parameters->envelope_id);
    g_free(parameters->original_recipient);
    *parameters = (ServerParameters){0};
}

gboolean server_offers_smtputf8(const SmtpServer *server)
{
    return server->config.smtputf8 && server->config.eightbitmime;
}

/* --- xtext (RFC 3461 4) ----------------------------------------------------------------------- */

/* "+" and two digits, upper case. */
static int hexchar_value(const char *p)
{
    if (!g_ascii_isxdigit(p[1]) || !g_ascii_isxdigit(p[2]) || g_ascii_islower(p[1]) ||
        g_ascii_islower(p[2]))
        return -1;
    return g_ascii_xdigit_value(p[1]) * 16 + g_ascii_xdigit_value(p[2]);
}

/* The text that was written, of printable ASCII and at most max octets; with utf8 it may hold more,
 * as it stands (RFC 6533 3). NULL: this is no such text. Controls are refused, not stripped: it may
 * become a header one day. */
static char *decode_xtext(const char *xtext, gsize max, gboolean utf8)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *p = xtext; *p != '\0'; p++) {
        int c = (guchar)*p;
        if (c == '+') {
            c = hexchar_value(p);
            if (c < 0x20 || c > 0x7e)
                return NULL;
            p += 2;
        } else if (c == '=' || c <= 0x20 || (c >= 0x7f && !utf8)) {
            return NULL;
        }
        g_string_append_c(text, (char)c);
    }
    if (text->len == 0 || text->len > max)
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- One reader for each parameter; FALSE: malformed ------------------------------------------ */

static gboolean read_size(Reading *reading, const char *value)
{
    return g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, &reading->size, NULL);
}

static gboolean read_body(Reading *reading, const char *value)
{
    return text_equal_nocase(value, "7BIT") || text_equal_nocase(value, "8BITMIME");
}

/* Whoever the client names, we take it as "<>", which RFC 4954 5 allows. */
static gboolean read_auth(Reading *reading, const char *value)
{
    g_autofree char *mailbox = decode_xtext(value, LIMIT_COMMAND_LINE_OCTETS, FALSE);
    return mailbox != NULL;
}

static gboolean read_smtputf8(Reading *reading, const char *value)
{
    reading->parameters.smtputf8 = TRUE;
    return TRUE;
}

static gboolean read_ret(Reading *reading, const char *value)
{
    if (text_equal_nocase(value, "FULL"))
        reading->parameters.return_content = SMTP_RETURN_FULL;
    else if (text_equal_nocase(value, "HDRS"))
        reading->parameters.return_content = SMTP_RETURN_HEADERS;
    return reading->parameters.return_content != SMTP_RETURN_UNSAID;
}

static gboolean read_envid(Reading *reading, const char *value)
{
    reading->parameters.envelope_id = decode_xtext(value, LIMIT_ENVELOPE_ID_OCTETS, FALSE);
    return reading->parameters.envelope_id != NULL;
}

static gboolean read_notify(Reading *reading, const char *value)
{
    static const struct {
        const char *word;
        guint bit;
    } known[] = {
        {"NEVER", SMTP_NOTIFY_NEVER},
        {"SUCCESS", SMTP_NOTIFY_SUCCESS},
        {"FAILURE", SMTP_NOTIFY_FAILURE},
        {"DELAY", SMTP_NOTIFY_DELAY},
    };
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    guint notify = 0;
    for (char **word = words; *word != NULL; word++) {
        guint bit = 0;
        for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
            bit |= text_equal_nocase(*word, known[i].word) ? known[i].bit : 0;
        if (bit == 0)
            return FALSE;
        notify |= bit;
    }
    reading->parameters.notify = notify;
    gboolean is_one_word = words[0] != NULL && words[1] == NULL;
    return notify != 0 && (is_one_word || (notify & SMTP_NOTIFY_NEVER) == 0);
}

/* addr-type ";" xtext; the type is an atom. */
static gboolean read_orcpt(Reading *reading, const char *value)
{
    gsize n_type = strcspn(value, ";");
    if (n_type == 0 || value[n_type] == '\0')
        return FALSE;
    g_autofree char *type = g_strndup(value, n_type);
    for (const char *p = type; *p != '\0'; p++) {
        if (!g_ascii_isgraph(*p) || strchr("()<>@,;:\\\".[]+=", *p) != NULL)
            return FALSE;
    }
    gboolean utf8 = reading->server->mail_parameters.smtputf8 && text_equal_nocase(type, "utf-8");
    g_autofree char *address =
        decode_xtext(value + n_type + 1, LIMIT_ORIGINAL_RECIPIENT_OCTETS, utf8);
    if (address == NULL)
        return FALSE;
    reading->parameters.original_recipient = g_strconcat(type, ";", address, NULL);
    return TRUE;
}

/* --- The table -------------------------------------------------------------------------------- */

typedef enum { OF_MAIL = 1, OF_RCPT } Owner;
typedef enum { OFFERED_ALWAYS = 0, WITH_8BITMIME, WITH_SMTPUTF8, WITH_DSN } Offer;

typedef struct {
    Owner owner;
    const char *keyword;
    Offer offer;
    gboolean has_value;
    gboolean (*read)(Reading *reading, const char *value);
} Parameter;

static const Parameter table[] = {
    {OF_MAIL, "SIZE", OFFERED_ALWAYS, TRUE, read_size},
    {OF_MAIL, "BODY", WITH_8BITMIME, TRUE, read_body},
    {OF_MAIL, "AUTH", OFFERED_ALWAYS, TRUE, read_auth},
    {OF_MAIL, "SMTPUTF8", WITH_SMTPUTF8, FALSE, read_smtputf8},
    {OF_MAIL, "RET", WITH_DSN, TRUE, read_ret},
    {OF_MAIL, "ENVID", WITH_DSN, TRUE, read_envid},
    {OF_RCPT, "NOTIFY", WITH_DSN, TRUE, read_notify},
    {OF_RCPT, "ORCPT", WITH_DSN, TRUE, read_orcpt},
};

static gboolean is_offered(const SmtpServer *server, Offer offer)
{
    switch (offer) {
    case OFFERED_ALWAYS:
        return TRUE;
    case WITH_8BITMIME:
        return server->config.eightbitmime;
    case WITH_SMTPUTF8:
        return server_offers_smtputf8(server);
    case WITH_DSN:
        return server->config.dsn;
    }
    g_assert_not_reached();
}

static const Parameter *find(const SmtpServer *server, Owner owner, const char *word, gsize n)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].owner == owner && strlen(table[i].keyword) == n &&
            g_ascii_strncasecmp(table[i].keyword, word, n) == 0 &&
            is_offered(server, table[i].offer))
            return &table[i];
    }
    return NULL;
}

/* One parameter; FALSE after it has been refused. */
static gboolean read_word(SmtpServer *server, Owner owner, const char *word, Reading *reading)
{
    gsize n = strcspn(word, "=");
    const Parameter *parameter = find(server, owner, word, n);
    if (parameter == NULL) {
        server_refuse(server, 555, "5.5.4",
            owner == OF_MAIL ? "Parameter of MAIL not known" : "Parameter of RCPT not known");
        return FALSE;
    }
    guint bit = 1u << (parameter - table);
    gboolean has_value = word[n] == '=';
    gboolean is_again = (reading->seen & bit) != 0;
    reading->seen |= bit;
    if (!is_again && has_value == parameter->has_value &&
        parameter->read(reading, has_value ? word + n + 1 : NULL))
        return TRUE;
    server_refuse(server, 501, "5.5.4",
        owner == OF_MAIL ? "Cannot read this parameter of MAIL"
                         : "Cannot read this parameter of RCPT");
    return FALSE;
}

static gboolean read_all(SmtpServer *server, Owner owner, const char *text, Reading *reading)
{
    if (text[0] == '\0')
        return TRUE;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if (!read_word(server, owner, *word, reading))
            return FALSE;
    }
    if (reading->size <= server->config.size_max)
        return TRUE;
    server_reply(server, 552, "5.3.4", "Message too large");
    return FALSE;
}

static gboolean read_for(
    SmtpServer *server, Owner owner, const char *text, ServerParameters *parameters)
{
    Reading reading = {.server = server};
    gboolean is_good = read_all(server, owner, text, &reading);
    if (is_good)
        *parameters = reading.parameters;
    else
        server_parameters_clear(&reading.parameters);
    return is_good;
}

gboolean server_parameters_read_mail(
    SmtpServer *server, const char *text, ServerParameters *parameters)
{
    return read_for(server, OF_MAIL, text, parameters);
}

gboolean server_parameters_read_rcpt(
    SmtpServer *server, const char *text, ServerParameters *parameters)
{
    return read_for(server, OF_RCPT, text, parameters);
}
