#include "smtp/body.h"

#include "base/secret.h"

#include <string.h>

/* Two neighbours are in order if a LF stands behind a CR and nowhere else, and no NUL is there. */
static inline guint8 is_fault(guint8 before, guint8 octet)
{
    return (guint8)((guint8)((octet == '\n') != (before == '\r')) | (guint8)(octet == '\0'));
}

enum { BLOCK = 64 }; /* octets looked at together; a fixed number of them becomes vector code */

/* TRUE if a NUL, a LF without its CR, or a CR that anything but a LF follows is among the octets;
 * `before` stands in front of them. A CR at the end is no fault yet. */
static gboolean has_fault(guint8 before, const guint8 *data, gsize n)
{
    if (n == 0)
        return FALSE;
    guint8 fault = is_fault(before, data[0]);
    gsize at = 1;
    for (; fault == 0 && at + BLOCK <= n; at += BLOCK)
        for (gsize i = 0; i < BLOCK; i++)
            fault |= is_fault(data[at + i - 1], data[at + i]);
    for (; fault == 0 && at < n; at++)
        fault |= is_fault(data[at - 1], data[at]);
    return fault != 0;
}

gboolean smtp_body_is_sendable(GBytes *content)
{
    gsize n;
    const guint8 *data = g_bytes_get_data(content, &n);
    return n == 0 || (!has_fault('\0', data, n) && data[n - 1] != '\r');
}

void smtp_body_encoder_init(SmtpBodyEncoder *encoder, GBytes *content)
{
    *encoder = (SmtpBodyEncoder){.content = content, .is_at_line_start = TRUE};
}

/* Octets from `at` that can be copied as they are: up to and with the next LF that a dot follows.
 */
static gsize plain_run(const guint8 *data, gsize at, gsize n)
{
    for (gsize from = at; from < n;) {
        const guint8 *lf = memchr(data + from, '\n', n - from);
        if (lf == NULL)
            break;
        from = (gsize)(lf - data) + 1;
        if (from < n && data[from] == '.')
            return from - at;
    }
    return n - at;
}

void smtp_body_encoder_write(SmtpBodyEncoder *encoder, GByteArray *out, gsize max)
{
    g_assert(max >= 2);
    gsize n = 0;
    const guint8 *data = encoder->content == NULL ? NULL : g_bytes_get_data(encoder->content, &n);
    gsize room = max;
    while (encoder->at < n && room > 0) {
        if (encoder->is_at_line_start && data[encoder->at] == '.') {
            if (room < 2)
                return;
            g_byte_array_append(out, (const guint8 *)"..", 2);
            encoder->at++;
            encoder->is_at_line_start = FALSE;
            room -= 2;
            continue;
        }
        /* No further than the room reaches, so that many chunks do not look ahead again and again.
         */
        gsize n_seen = MIN(n, encoder->at + room + 1);
        gsize run = MIN(plain_run(data, encoder->at, n_seen), room);
        g_byte_array_append(out, data + encoder->at, (guint)run);
        encoder->at += run;
        encoder->is_at_line_start = data[encoder->at - 1] == '\n';
        room -= run;
    }
}

gboolean smtp_body_encoder_is_done(const SmtpBodyEncoder *encoder)
{
    return encoder->content == NULL || encoder->at == g_bytes_get_size(encoder->content);
}

void smtp_body_encoder_write_end(const SmtpBodyEncoder *encoder, GByteArray *out)
{
    g_assert(smtp_body_encoder_is_done(encoder));
    const char *end = encoder->is_at_line_start ? ".\r\n" : "\r\n.\r\n";
    g_byte_array_append(out, (const guint8 *)end, (guint)strlen(end));
}

/* Where the decoder stands: named after what has just been seen. */
typedef enum {
    SEEN_LINE_END = 0, /* CRLF, or nothing at all yet */
    SEEN_TEXT,         /* in the middle of a line, also behind a CR that is kept already */
    SEEN_DOT,          /* as the first octet of a line: doubled, or the last line */
    SEEN_DOT_CR,       /* the same, then CR */
} DecoderState;

struct smtp_body_decoder {
    DecoderState state;
    gsize size_max;
    GByteArray *content;
    guint8 last; /* octet of the content, also of what was too much to keep */
    gboolean is_unclean, is_too_large;
};

SmtpBodyDecoder *smtp_body_decoder_new(gsize size_max)
{
    SmtpBodyDecoder *decoder = g_new0(SmtpBodyDecoder, 1);
    decoder->size_max = size_max;
    decoder->content = g_byte_array_new();
    return decoder;
}

void smtp_body_decoder_free(SmtpBodyDecoder *decoder)
{
    if (decoder == NULL)
        return;
    g_byte_array_unref(decoder->content);
    g_free(decoder);
}

gboolean smtp_body_decoder_is_unclean(const SmtpBodyDecoder *decoder)
{
    return decoder->is_unclean;
}

gboolean smtp_body_decoder_is_too_large(const SmtpBodyDecoder *decoder)
{
    return decoder->is_too_large;
}

GBytes *smtp_body_decoder_take(SmtpBodyDecoder *decoder)
{
    GByteArray *content = g_steal_pointer(&decoder->content);
    decoder->content = g_byte_array_new();
    decoder->state = SEEN_LINE_END;
    decoder->last = '\0';
    gsize n = content->len;
    return secret_bytes_take(g_byte_array_free(content, FALSE), n);
}

static void keep(SmtpBodyDecoder *decoder, const guint8 *data, gsize n)
{
    decoder->is_unclean = decoder->is_unclean || has_fault(decoder->last, data, n);
    decoder->last = data[n - 1];
    if (decoder->is_too_large)
        return;
    if (n <= decoder->size_max - decoder->content->len) {
        g_byte_array_append(decoder->content, data, (guint)n);
        return;
    }
    decoder->is_too_large = TRUE; /* it will be refused: why hold it */
    g_byte_array_unref(decoder->content);
    decoder->content = g_byte_array_new();
}

/* Octets from the front up to and with the first CRLF that a dot follows, or all. At least 1. */
static gsize text_run(const SmtpBodyDecoder *decoder, const guint8 *data, gsize n)
{
    for (gsize from = 0; from < n;) {
        const guint8 *lf = memchr(data + from, '\n', n - from);
        if (lf == NULL)
            break;
        gsize at = (gsize)(lf - data);
        from = at + 1;
        guint8 before = at == 0 ? decoder->last : data[at - 1];
        if (before == '\r' && from < n && data[from] == '.')
            return from;
    }
    return n;
}

static gsize read_text(SmtpBodyDecoder *decoder, const guint8 *data, gsize n)
{
    gsize run = text_run(decoder, data, n);
    guint8 before = run == 1 ? decoder->last : data[run - 2];
    keep(decoder, data, run);
    decoder->state = before == '\r' && data[run - 1] == '\n' ? SEEN_LINE_END : SEEN_TEXT;
    return run;
}

gboolean smtp_body_decoder_feed(SmtpBodyDecoder *decoder, const guint8 *data, gsize n, gsize *used)
{
    gsize i = 0;
    while (i < n) {
        guint8 c = data[i];
        if (decoder->state == SEEN_LINE_END && c == '.') {
            decoder->state = SEEN_DOT; /* taken off, whatever follows */
            i++;
        } else if (decoder->state == SEEN_DOT && c == '\r') {
            decoder->state = SEEN_DOT_CR; /* kept only if it turns out not to be the end */
            i++;
        } else if (decoder->state == SEEN_DOT_CR && c == '\n') {
            decoder->state = SEEN_LINE_END;
            *used = i + 1;
            return TRUE;
        } else {
            if (decoder->state == SEEN_DOT_CR)
                keep(decoder, (const guint8 *)"\r", 1);
            decoder->state = SEEN_TEXT;
            i += read_text(decoder, data + i, n - i);
        }
    }
    *used = n;
    return FALSE;
}
