#include "smtp/body.h"

#include <string.h>

gboolean smtp_body_is_sendable(GBytes *content)
{
    gsize n;
    const guint8 *data = g_bytes_get_data(content, &n);
    if (n == 0)
        return TRUE;
    if (memchr(data, '\0', n) != NULL)
        return FALSE;
    /* Every CR is followed by a LF, and there are as many LFs as such pairs. */
    gsize at = 0;
    while (at < n) {
        const guint8 *lf = memchr(data + at, '\n', n - at);
        gsize end = lf == NULL ? n : (gsize)(lf - data);
        const guint8 *cr = end == at ? NULL : memchr(data + at, '\r', end - at);
        if (lf == NULL)
            return cr == NULL;
        if (cr == NULL || cr + 1 != lf)
            return FALSE;
        at = end + 1;
    }
    return TRUE;
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
    SEEN_TEXT,
    SEEN_CR,
    SEEN_DOT,    /* as the first octet of a line: doubled, or the last line */
    SEEN_DOT_CR, /* the same, then CR */
} DecoderState;

struct smtp_body_decoder {
    DecoderState state;
    gsize size_max;
    GByteArray *content;
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
    if (decoder->content != NULL)
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
    return g_byte_array_free_to_bytes(content);
}

static void keep(SmtpBodyDecoder *decoder, const void *data, gsize n)
{
    if (memchr(data, '\0', n) != NULL)
        decoder->is_unclean = TRUE;
    if (decoder->is_too_large || n > decoder->size_max - decoder->content->len) {
        decoder->is_too_large = TRUE;
        g_byte_array_set_size(decoder->content, 0); /* it will be refused: why hold it */
        return;
    }
    g_byte_array_append(decoder->content, data, (guint)n);
}

/* Where an octet leads from a place where it has no meaning of its own. */
static DecoderState after_octet(SmtpBodyDecoder *decoder, guint8 c)
{
    if (c == '\r')
        return SEEN_CR;
    if (c == '\n')
        decoder->is_unclean = TRUE;
    return SEEN_TEXT;
}

/* One octet that is not in the middle of a line; TRUE: the end. */
static gboolean read_octet(SmtpBodyDecoder *decoder, guint8 c)
{
    switch (decoder->state) {
    case SEEN_LINE_END:
        if (c == '.') {
            decoder->state = SEEN_DOT; /* taken off, whatever follows */
            return FALSE;
        }
        break;
    case SEEN_CR:
        if (c == '\n') {
            keep(decoder, &c, 1);
            decoder->state = SEEN_LINE_END;
            return FALSE;
        }
        decoder->is_unclean = TRUE;
        break;
    case SEEN_DOT:
        if (c == '\r') {
            decoder->state = SEEN_DOT_CR; /* kept only if it turns out not to be the end */
            return FALSE;
        }
        break;
    case SEEN_DOT_CR:
        if (c == '\n')
            return TRUE;
        decoder->is_unclean = TRUE;
        keep(decoder, "\r", 1);
        break;
    case SEEN_TEXT:
        break;
    }
    keep(decoder, &c, 1);
    decoder->state = after_octet(decoder, c);
    return FALSE;
}

gboolean smtp_body_decoder_feed(SmtpBodyDecoder *decoder, const guint8 *data, gsize n, gsize *used)
{
    gsize i = 0;
    while (i < n) {
        if (decoder->state == SEEN_TEXT) {
            /* The common case in one go: text up to the next CR. */
            const guint8 *cr = memchr(data + i, '\r', n - i);
            gsize run = cr == NULL ? n - i : (gsize)(cr - data) - i;
            if (run > 0) {
                if (memchr(data + i, '\n', run) != NULL)
                    decoder->is_unclean = TRUE;
                keep(decoder, data + i, run);
                i += run;
                continue;
            }
        }
        if (read_octet(decoder, data[i++])) {
            decoder->state = SEEN_LINE_END;
            *used = i;
            return TRUE;
        }
    }
    *used = n;
    return FALSE;
}
