#include "mime/encoding.h"

#include <string.h>

#define QP_LINE_OCTETS ((gsize)76)     /* RFC 2045 6.7 (5), the soft break's "=" included */
#define BASE64_LINE_BYTES ((gsize)57)  /* give 76 octets */
#define BASE64_LINE_OCTETS ((gsize)76) /* RFC 2045 6.8 */

GString *mime_text_canonical(const char *text)
{
    gsize n = strlen(text);
    GString *out = g_string_sized_new(n + n / 16 + 3);
    const char *p = text;
    while (*p != '\0') {
        gsize line = strcspn(p, "\r\n");
        g_string_append_len(out, p, (gssize)line);
        g_string_append(out, "\r\n");
        p += line;
        if (*p == '\r' && p[1] == '\n')
            p += 2;
        else if (*p != '\0')
            p++;
    }
    return out;
}

/* Writes into a buffer that must have room for QP_LINE_OCTETS + 2. */
typedef struct {
    char octets[QP_LINE_OCTETS + 2];
    gsize n;
} QpLine;

static gboolean line_flush(QpLine *line, GString *out, gsize end)
{
    if (out->len + line->n > end)
        return FALSE;
    g_string_append_len(out, line->octets, (gssize)line->n);
    line->n = 0;
    return TRUE;
}

static void line_put(QpLine *line, char c, gboolean must_encode)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!must_encode) {
        line->octets[line->n++] = c;
        return;
    }
    line->octets[line->n++] = '=';
    line->octets[line->n++] = digits[(guchar)c >> 4];
    line->octets[line->n++] = digits[(guchar)c & 15];
}

static void line_break(QpLine *line)
{
    line->octets[line->n++] = '\r';
    line->octets[line->n++] = '\n';
}

/* What may not be written as itself at this place. p[n] is readable (CR, or the NUL behind the
 * text). */
static gboolean must_encode(const char *p, gboolean is_line_start)
{
    if (*p == ' ' || *p == '\t')
        return p[1] == '\r'; /* a space at the end of a line gets lost (RFC 2045 6.7 (3)) */
    if (*p < '!' || *p > '~' || *p == '=')
        return TRUE;
    return is_line_start && (*p == '.' || (*p == 'F' && strncmp(p, "From ", 5) == 0));
}

/* How many characters from here on, at most max, stand for themselves wherever they are but at the
 * start of a line. p[n] as above. */
static gsize plain_run(const char *p, gsize max)
{
    gsize n = 0;
    while (n < max &&
           ((p[n] > ' ' && p[n] <= '~' && p[n] != '=') || (p[n] == ' ' && p[n + 1] != '\r')))
        n++;
    return n;
}

gboolean mime_quoted_printable_append(GString *out, const char *text, gsize n, gsize limit)
{
    gsize start = out->len, end = limit < G_MAXSIZE - start ? start + limit : G_MAXSIZE;
    QpLine line = {.n = 0};
    const char *p = text;
    for (; p < text + n; p++) {
        if (line.n > 0 && line.n < QP_LINE_OCTETS - 1) { /* most of a text, in one go */
            gsize run = plain_run(p, MIN(QP_LINE_OCTETS - 1 - line.n, (gsize)(text + n - p)));
            memcpy(line.octets + line.n, p, run);
            line.n += run;
            p += run;
            if (p == text + n)
                break;
        }
        gboolean is_end = *p == '\r'; /* the LF follows: text is canonical */
        gboolean encode = !is_end && must_encode(p, line.n == 0);
        gsize room = p[1] == '\r' ? QP_LINE_OCTETS : QP_LINE_OCTETS - 1; /* a soft break's "=" */
        gboolean is_full = !is_end && line.n + (encode ? 3 : 1) > room;
        if (is_full)
            line.octets[line.n++] = '=';
        if (is_full || is_end) {
            line_break(&line);
            if (!line_flush(&line, out, end))
                break;
        }
        if (is_end)
            p++;
        else
            line_put(&line, *p, is_full ? must_encode(p, TRUE) : encode);
    }
    if (p == text + n && line_flush(&line, out, end))
        return TRUE;
    g_string_truncate(out, start);
    return FALSE;
}

gsize mime_base64_octets(gsize n)
{
    gsize octets = (n + 2) / 3 * 4;
    return octets + (octets + BASE64_LINE_OCTETS - 1) / BASE64_LINE_OCTETS * 2;
}

void mime_base64_append(GString *out, const guint8 *bytes, gsize n)
{
    gsize start = out->len;
    g_string_set_size(out, start + mime_base64_octets(n));
    char *at = out->str + start;
    while (n > 0) {
        gsize taken = MIN(n, BASE64_LINE_BYTES);
        int state = 0, save = 0;
        at += g_base64_encode_step(bytes, taken, FALSE, at, &state, &save);
        at += g_base64_encode_close(FALSE, at, &state, &save);
        *at++ = '\r';
        *at++ = '\n';
        bytes += taken;
        n -= taken;
    }
    g_assert(at == out->str + out->len);
}
