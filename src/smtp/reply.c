#include "smtp/reply.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* The grammar (RFC 5321 4.2, widened by S4: a bare code is a complete line; RFC 2034 3):
 *
 *     reply    = *( code "-" [ text ] CRLF ) code [ SP [ text ] ] CRLF      all codes equal
 *     code     = "2".."5" 2DIGIT
 *     text     = [ enhanced SP ] octets without NUL, CR and LF
 *     enhanced = ( "2" / "4" / "5" ) "." 1*3DIGIT "." 1*3DIGIT
 */

struct smtp_reply_reader {
    gsize line_limit;
    GString *line; /* the line being read, without its LF */
    GString *text; /* the lines read, joined by LF */
    char enhanced[sizeof((SmtpReply *)NULL)->enhanced];
    int code; /* of the first line; 0: no line yet */
    guint n_lines;
    gsize n_octets; /* of the whole reply so far */
    gboolean is_broken;
};

SmtpReply *smtp_reply_new(int code, const char *enhanced, const char *text)
{
    SmtpReply *reply = g_new0(SmtpReply, 1);
    reply->code = code;
    if (enhanced != NULL)
        g_strlcpy(reply->enhanced, enhanced, sizeof reply->enhanced);
    reply->text = g_utf8_make_valid(text == NULL ? "" : text, -1);
    return reply;
}

SmtpReply *smtp_reply_copy(const SmtpReply *reply)
{
    return reply == NULL ? NULL : smtp_reply_new(reply->code, reply->enhanced, reply->text);
}

void smtp_reply_free(SmtpReply *reply)
{
    if (reply == NULL)
        return;
    g_free(reply->text);
    g_free(reply);
}

char *smtp_reply_summary(const SmtpReply *reply)
{
    g_autofree char *all =
        g_strdup_printf("%d%s%s%s%s", reply->code, reply->enhanced[0] == '\0' ? "" : " ",
            reply->enhanced, reply->text[0] == '\0' ? "" : " ", reply->text);
    return text_printable(all, strlen(all), LIMIT_PEER_TEXT_CHARACTERS);
}

SmtpReplyReader *smtp_reply_reader_new(void)
{
    SmtpReplyReader *reader = g_new0(SmtpReplyReader, 1);
    reader->line_limit = LIMIT_REPLY_LINE_OCTETS;
    reader->line = g_string_new(NULL);
    reader->text = g_string_new(NULL);
    return reader;
}

void smtp_reply_reader_free(SmtpReplyReader *reader)
{
    if (reader == NULL)
        return;
    g_string_free(reader->line, TRUE);
    g_string_free(reader->text, TRUE);
    g_free(reader);
}

void smtp_reply_reader_set_line_limit(SmtpReplyReader *reader, gsize octets)
{
    reader->line_limit = octets;
}

gboolean smtp_reply_reader_is_inside(const SmtpReplyReader *reader)
{
    return reader->code != 0 || reader->line->len > 0;
}

/* Length of the enhanced code a text begins with, without the space behind it; 0: none. */
static gsize enhanced_length(const char *text, int code)
{
    if (text[0] != '0' + code / 100 || text[0] == '3' || text[1] != '.')
        return 0;
    gsize subject = strspn(text + 2, "0123456789");
    if (subject < 1 || subject > 3 || text[2 + subject] != '.')
        return 0;
    gsize detail = strspn(text + 3 + subject, "0123456789");
    gsize n = 3 + subject + detail;
    if (detail < 1 || detail > 3 || (text[n] != ' ' && text[n] != '\0'))
        return 0;
    return n;
}

/* Takes the enhanced code from the front of a line's text: the first line's is kept, and later
 * lines lose it only if they repeat it. */
static const char *without_enhanced(SmtpReplyReader *reader, const char *text, gboolean is_first)
{
    gsize n = enhanced_length(text, reader->code);
    if (n == 0)
        return text;
    if (is_first)
        g_strlcpy(reader->enhanced, text, n + 1);
    else if (strlen(reader->enhanced) != n || strncmp(reader->enhanced, text, n) != 0)
        return text;
    return text + n + (text[n] == ' ' ? 1 : 0);
}

/* One line without CRLF. FALSE: not a reply line. *is_final: the reply ends with it. */
static gboolean read_line(SmtpReplyReader *reader, gboolean *is_final)
{
    const char *line = reader->line->str;
    if (line[0] < '2' || line[0] > '5' || !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]))
        return FALSE;
    if (line[3] != '\0' && line[3] != ' ' && line[3] != '-')
        return FALSE;
    int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    gboolean is_first = reader->n_lines == 0;
    if ((!is_first && code != reader->code) || reader->n_lines == LIMIT_REPLY_LINES)
        return FALSE;
    reader->code = code;
    reader->n_lines++;
    *is_final = line[3] != '-';
    if (!is_first)
        g_string_append_c(reader->text, '\n');
    const char *text = line + (line[3] == '\0' ? 3 : 4);
    g_string_append(reader->text, without_enhanced(reader, text, is_first));
    g_string_truncate(reader->line, 0);
    return TRUE;
}

static SmtpReply *take_reply(SmtpReplyReader *reader)
{
    SmtpReply *reply = smtp_reply_new(reader->code, reader->enhanced, reader->text->str);
    g_string_truncate(reader->text, 0);
    reader->enhanced[0] = '\0';
    reader->code = 0;
    reader->n_lines = 0;
    reader->n_octets = 0;
    return reply;
}

/* Appends a piece of a line (up to and with its LF, if it has one). FALSE: over a limit, a NUL, or
 * a CR or LF that stands alone. */
static gboolean append_piece(SmtpReplyReader *reader, const guint8 *piece, gsize n)
{
    gboolean ends_line = piece[n - 1] == '\n';
    gsize n_line = reader->line->len + n - (ends_line ? 1 : 0);
    reader->n_octets += n;
    /* A CR may wait in the buffer for its LF, hence the one octet more. */
    if (n_line > reader->line_limit + 1 || reader->n_octets > LIMIT_REPLY_OCTETS ||
        memchr(piece, '\0', n) != NULL)
        return FALSE;
    gsize old = reader->line->len;
    gsize from = old > 0 ? old - 1 : 0; /* a CR held from the last piece is looked at again */
    g_string_append_len(reader->line, (const char *)piece, (gssize)n);
    const char *cr = memchr(reader->line->str + from, '\r', reader->line->len - from);
    if (cr == NULL)
        return !ends_line && n_line <= reader->line_limit;
    gsize behind = reader->line->len - (gsize)(cr - reader->line->str) - 1;
    if (behind > 1 || (behind == 1 && !ends_line))
        return FALSE;
    if (ends_line)
        g_string_truncate(reader->line, reader->line->len - 2);
    return TRUE;
}

SmtpReadResult smtp_reply_reader_feed(
    SmtpReplyReader *reader, const guint8 *data, gsize n, gsize *used, SmtpReply **reply)
{
    g_assert(!reader->is_broken);
    *used = 0;
    while (*used < n) {
        const guint8 *piece = data + *used;
        const guint8 *lf = memchr(piece, '\n', n - *used);
        gsize n_piece = lf == NULL ? n - *used : (gsize)(lf - piece) + 1;
        gboolean is_final = FALSE;
        *used += n_piece;
        if (!append_piece(reader, piece, n_piece) ||
            (lf != NULL && !read_line(reader, &is_final))) {
            reader->is_broken = TRUE;
            return SMTP_READ_MALFORMED;
        }
        if (is_final) {
            *reply = take_reply(reader);
            return SMTP_READ_REPLY;
        }
    }
    return SMTP_READ_MORE;
}
