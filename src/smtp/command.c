#include "smtp/command.h"

#include "base/limits.h"
#include "base/text.h"
#include "smtp/client.h"

#include <string.h>

static gboolean is_clean(const char *data, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        guchar c = (guchar)data[i];
        if (c < 0x20 || c == 0x7f)
            return FALSE;
    }
    return TRUE;
}

/* Makes room for n bytes behind out without leaving old copies behind later; returns where they go.
 */
static guint8 *make_room(GByteArray *out, gsize n)
{
    guint old = out->len;
    g_byte_array_set_size(out, old + (guint)n);
    return out->data + old;
}

/* Every line of this file ends here. pieces ends with NULL. */
static gboolean put_line(GByteArray *out, gsize limit, const char *const *pieces)
{
    gsize n = 2;
    for (const char *const *piece = pieces; *piece != NULL; piece++) {
        gsize n_piece = strlen(*piece);
        if (!is_clean(*piece, n_piece))
            return FALSE;
        n += n_piece;
    }
    if (n > limit)
        return FALSE;
    guint8 *to = make_room(out, n);
    for (const char *const *piece = pieces; *piece != NULL; piece++) {
        gsize n_piece = strlen(*piece);
        memcpy(to, *piece, n_piece);
        to += n_piece;
    }
    memcpy(to, "\r\n", 2);
    return TRUE;
}

static const char *word_text(SmtpWord word)
{
    switch (word) {
    case SMTP_WORD_STARTTLS:
        return "STARTTLS";
    case SMTP_WORD_DATA:
        return "DATA";
    case SMTP_WORD_RSET:
        return "RSET";
    case SMTP_WORD_QUIT:
        return "QUIT";
    case SMTP_WORD_CANCEL:
        return "*";
    }
    g_assert_not_reached();
}

void smtp_command_word(GByteArray *out, SmtpWord word)
{
    gboolean written =
        put_line(out, LIMIT_COMMAND_LINE_OCTETS, (const char *const[]){word_text(word), NULL});
    g_assert(written);
}

gboolean smtp_command_ehlo(GByteArray *out, const char *name)
{
    if (name[0] == '\0' || strlen(name) > LIMIT_DOMAIN_OCTETS || strchr(name, ' ') != NULL ||
        !g_str_is_ascii(name))
        return FALSE;
    return put_line(out, LIMIT_COMMAND_LINE_OCTETS, (const char *const[]){"EHLO ", name, NULL});
}

/* Where the '@' between local part and domain stands; NULL if something in the local part could end
 * the path or the command early (RFC 5321 4.1.2). */
static const char *find_at(const char *address)
{
    gboolean is_quoted = FALSE;
    for (const char *p = address; *p != '\0'; p++) {
        if (is_quoted && *p == '\\' && p[1] != '\0')
            p++;
        else if (*p == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && *p == '@')
            return p;
        else if (!is_quoted && strchr("<> \\", *p) != NULL)
            return NULL;
    }
    return NULL;
}

gboolean smtp_command_can_hold_address(const char *address, gboolean smtputf8)
{
    if (!text_is_one_line(address, FALSE) || (!smtputf8 && !g_str_is_ascii(address)))
        return FALSE;
    const char *at = find_at(address);
    if (at == NULL)
        return FALSE;
    gsize n_local = (gsize)(at - address), n_domain = strlen(at + 1);
    return n_local > 0 && n_local <= LIMIT_LOCAL_PART_OCTETS && n_domain > 0 &&
           n_domain <= LIMIT_DOMAIN_OCTETS && n_local + 1 + n_domain <= LIMIT_ADDRESS_OCTETS &&
           strpbrk(at + 1, "<>@\"\\ ") == NULL;
}

/* Text as the value of a parameter (RFC 3461 4). */
static char *xtext(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p != '\0'; p++) {
        if (g_ascii_isgraph(*p) && *p != '+' && *p != '=')
            g_string_append_c(out, *p);
        else
            g_string_append_printf(out, "+%02X", (guint8)*p);
    }
    return g_string_free(out, FALSE);
}

gboolean smtp_command_mail(
    GByteArray *out, const char *sender, const SmtpMailParameters *parameters)
{
    if (sender[0] != '\0' && !smtp_command_can_hold_address(sender, parameters->smtputf8))
        return FALSE;
    char size[32] = "";
    if (parameters->with_size)
        g_snprintf(size, sizeof size, " SIZE=%" G_GUINT64_FORMAT, parameters->size);
    g_autofree char *envid =
        parameters->envelope_id == NULL ? NULL : xtext(parameters->envelope_id);
    return put_line(out, LIMIT_COMMAND_LINE_OCTETS,
        (const char *const[]){"MAIL FROM:<", sender, ">", size,
            parameters->eightbitmime ? " BODY=8BITMIME" : "",
            parameters->smtputf8 ? " SMTPUTF8" : "", parameters->return_headers ? " RET=HDRS" : "",
            envid == NULL ? "" : " ENVID=", envid == NULL ? "" : envid, NULL});
}

/* NOTIFY's value (RFC 3461 4.1). */
static char *notify_list(guint notify)
{
    static const struct {
        guint bit;
        const char *word;
    } words[] = {
        {SMTP_NOTIFY_NEVER, "NEVER"},
        {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
        {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"},
    };
    GString *list = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (notify & words[i].bit)
            g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", words[i].word);
    }
    return g_string_free(list, FALSE);
}

gboolean smtp_command_rcpt(GByteArray *out, const char *recipient, gboolean smtputf8, guint notify)
{
    g_assert(!(notify & SMTP_NOTIFY_NEVER) || notify == SMTP_NOTIFY_NEVER);
    if (!smtp_command_can_hold_address(recipient, smtputf8))
        return FALSE;
    g_autofree char *list = notify == 0 ? NULL : notify_list(notify);
    return put_line(out, LIMIT_COMMAND_LINE_OCTETS,
        (const char *const[]){"RCPT TO:<", recipient, ">",
            list == NULL ? "" : " NOTIFY=", list == NULL ? "" : list, NULL});
}

void smtp_command_bdat(GByteArray *out, gsize n, gboolean is_last)
{
    char line[48];
    int n_line =
        g_snprintf(line, sizeof line, "BDAT %" G_GSIZE_FORMAT "%s\r\n", n, is_last ? " LAST" : "");
    g_byte_array_append(out, (const guint8 *)line, (guint)n_line);
}

gboolean smtp_command_sasl(GByteArray *out, const char *prefix, const char *text, gsize n)
{
    gsize n_prefix = strlen(prefix);
    if (!is_clean(prefix, n_prefix) || !is_clean(text, n) ||
        n_prefix + n + 2 > LIMIT_SASL_LINE_OCTETS)
        return FALSE;
    guint8 *to = make_room(out, n_prefix + n + 2);
    memcpy(to, prefix, n_prefix);
    if (n > 0)
        memcpy(to + n_prefix, text, n);
    memcpy(to + n_prefix + n, "\r\n", 2);
    return TRUE;
}

gboolean smtp_command_sasl_base64(
    GByteArray *out, const char *prefix, const SmtpSecretPart *parts, gsize n_parts)
{
    gsize n = 0, n_prefix = strlen(prefix);
    for (gsize i = 0; i < n_parts; i++)
        n += parts[i].n;
    gsize n_line = n_prefix + (n + 2) / 3 * 4 + 2;
    if (!is_clean(prefix, n_prefix) || n > LIMIT_SASL_LINE_OCTETS ||
        n_line > LIMIT_SASL_LINE_OCTETS)
        return FALSE;
    /* g_base64_encode_step may write a few characters more than it returns. */
    guint before = out->len;
    guint8 *to = make_room(out, n_line + 8);
    memcpy(to, prefix, n_prefix);
    gchar *text = (gchar *)to + n_prefix;
    gint state = 0, save = 0;
    gsize written = 0;
    for (gsize i = 0; i < n_parts; i++)
        written += g_base64_encode_step(
            (const guchar *)parts[i].data, parts[i].n, FALSE, text + written, &state, &save);
    written += g_base64_encode_close(FALSE, text + written, &state, &save);
    memcpy(text + written, "\r\n", 2);
    g_byte_array_set_size(out, before + (guint)(n_prefix + written + 2));
    return TRUE;
}
