#include "ingress/subject.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* Past the end of this line and of the lines that continue it. */
static const char *field_end(const char *at, const char *end)
{
    for (;;) {
        const char *lf = memchr(at, '\n', (gsize)(end - at));
        if (lf == NULL)
            return end;
        at = lf + 1;
        if (at == end || (*at != ' ' && *at != '\t'))
            return at;
    }
}

/* The field's body, with line breaks gone. */
static char *find_subject(const char *text, gsize n)
{
    static const char name[] = "Subject:";
    const char *end = text + MIN(n, LIMIT_HEADER_BYTES);
    for (const char *at = text; at < end && *at != '\r' && *at != '\n';) {
        const char *next = field_end(at, end);
        gsize n_field = (gsize)(next - at);
        if (n_field >= sizeof name - 1 && g_ascii_strncasecmp(at, name, sizeof name - 1) == 0) {
            GString *body = g_string_new(NULL);
            for (const char *p = at + sizeof name - 1; p < next; p++)
                if (*p != '\r' && *p != '\n' && *p != '\0')
                    g_string_append_c(body, *p);
            return g_strstrip(g_string_free(body, FALSE));
        }
        at = next;
    }
    return NULL;
}

/* RFC 2047 4.2: "_" is a space, "=XX" an octet. */
static GString *decode_q(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '_')
            g_string_append_c(out, ' ');
        else if (*p == '=' && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2])) {
            g_string_append_c(
                out, (char)(g_ascii_xdigit_value(p[1]) * 16 + g_ascii_xdigit_value(p[2])));
            p += 2;
        } else {
            g_string_append_c(out, *p);
        }
    }
    return out;
}

static GString *decode_b(const char *text)
{
    gsize n = 0;
    g_autofree guchar *bytes = g_base64_decode(text, &n);
    return g_string_new_len((const char *)bytes, (gssize)n);
}

/* Appends the octets of one word "=?charset?q?text?="; FALSE if it is none we can read. *charset
 * (the caller frees) says what they are. Words of one character set are joined before they are
 * converted: senders split characters between them. */
static gboolean word_decode(const char *word, gsize n, char **charset, GString *octets)
{
    g_autofree char *inside = g_strndup(word + 2, n - 4);
    g_auto(GStrv) parts = g_strsplit(inside, "?", 3);
    if (g_strv_length(parts) != 3 || parts[0][0] == '\0' || strlen(parts[1]) != 1)
        return FALSE;
    char encoding = g_ascii_tolower(parts[1][0]);
    if (encoding != 'q' && encoding != 'b')
        return FALSE;
    char *language = strchr(parts[0], '*'); /* RFC 2231 5 */
    if (language != NULL)
        *language = '\0';
    GString *decoded = encoding == 'q' ? decode_q(parts[2]) : decode_b(parts[2]);
    g_string_append_len(octets, decoded->str, (gssize)decoded->len);
    g_string_free(decoded, TRUE);
    *charset = g_strdup(parts[0]);
    return TRUE;
}

/* The length of the encoded word at p, 0 if there is none (RFC 2047 2). */
static gsize word_length(const char *p)
{
    if (p[0] != '=' || p[1] != '?')
        return 0;
    const char *q = strchr(p + 2, '?');
    q = q == NULL ? NULL : strchr(q + 1, '?');
    q = q == NULL ? NULL : strstr(q + 1, "?=");
    if (q == NULL || strcspn(p, " \t") < (gsize)(q - p))
        return 0;
    return (gsize)(q - p) + 2;
}

typedef struct {
    GString *out;
    GString *octets; /* of words not yet converted */
    char *charset;   /* of octets; NULL: there are none */
} Decoding;

static void words_finish(Decoding *decoding)
{
    if (decoding->charset == NULL)
        return;
    g_autofree char *text = g_convert(decoding->octets->str, (gssize)decoding->octets->len, "UTF-8",
        decoding->charset, NULL, NULL, NULL);
    g_string_append_len(decoding->out, text != NULL ? text : decoding->octets->str,
        text != NULL ? (gssize)strlen(text) : (gssize)decoding->octets->len);
    g_clear_pointer(&decoding->charset, g_free);
    g_string_truncate(decoding->octets, 0);
}

/* Takes the word at p if there is one; returns its length. */
static gsize word_take(Decoding *decoding, const char *p)
{
    g_autofree char *charset = NULL;
    g_autoptr(GString) octets = g_string_new(NULL);
    gsize n = word_length(p);
    if (n == 0 || !word_decode(p, n, &charset, octets))
        return 0;
    if (decoding->charset != NULL && !text_equal_nocase(decoding->charset, charset))
        words_finish(decoding);
    g_string_append_len(decoding->octets, octets->str, (gssize)octets->len);
    if (decoding->charset == NULL)
        decoding->charset = g_steal_pointer(&charset);
    return n;
}

char *ingress_subject(GBytes *message)
{
    gsize n = 0;
    const char *text = g_bytes_get_data(message, &n);
    g_autofree char *raw = n == 0 ? NULL : find_subject(text, n);
    if (raw == NULL)
        return NULL;
    Decoding decoding = {.out = g_string_new(NULL), .octets = g_string_new(NULL)};
    for (const char *p = raw; *p != '\0';) {
        /* Blanks between two words are not part of the text (RFC 2047 6.2). */
        gsize blank = decoding.charset != NULL ? strspn(p, " \t") : 0;
        gsize taken = word_take(&decoding, p + blank);
        if (taken > 0) {
            p += blank + taken;
            continue;
        }
        words_finish(&decoding);
        g_string_append_c(decoding.out, *p++);
    }
    words_finish(&decoding);
    char *shown = text_printable(decoding.out->str, decoding.out->len, LIMIT_SUBJECT_CHARACTERS);
    g_string_free(decoding.out, TRUE);
    g_string_free(decoding.octets, TRUE);
    return shown;
}
