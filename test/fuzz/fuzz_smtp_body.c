/* What may be sent survives the way out and in again, in any chunks; what comes in is read the same
 * in any split. */
#include "smtp/body.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SIZE_MAX_OCTETS = 4096,
    CUT_MAX_OCTETS = 128, /* what is not longer is cut at every place */
};

/* Reads wire piece by piece; how much was used until the end, or n + 1 if there was none. */
static gsize decode(SmtpBodyDecoder *decoder, const guint8 *wire, gsize n, gsize piece)
{
    for (gsize at = 0; at < n;) {
        gsize used = 0;
        gboolean ended = smtp_body_decoder_feed(decoder, wire + at, MIN(piece, n - at), &used);
        at += used;
        if (ended)
            return at;
    }
    return n + 1;
}

/* The content, from the wire in pieces. */
static void come_back(GBytes *content, const GByteArray *wire, gsize piece)
{
    g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(G_MAXINT32);
    g_assert(decode(decoder, wire->data, wire->len, piece) == wire->len);
    g_assert(!smtp_body_decoder_is_unclean(decoder));
    g_autoptr(GBytes) back = smtp_body_decoder_take(decoder);
    gsize n, n_back;
    const guint8 *given = g_bytes_get_data(content, &n);
    const guint8 *got = g_bytes_get_data(back, &n_back);
    gboolean ends_well = n == 0 || given[n - 1] == '\n';
    g_assert(n_back == n + (ends_well ? 0 : 2));
    g_assert(n == 0 || memcmp(given, got, n) == 0);
}

static void round_trip(GBytes *content, gsize chunk, gsize piece)
{
    g_autoptr(GByteArray) wire = g_byte_array_new();
    SmtpBodyEncoder encoder;
    smtp_body_encoder_init(&encoder, content);
    while (!smtp_body_encoder_is_done(&encoder)) {
        guint before = wire->len;
        smtp_body_encoder_write(&encoder, wire, chunk);
        g_assert(wire->len > before && wire->len - before <= chunk);
    }
    smtp_body_encoder_write_end(&encoder, wire);
    for (guint i = 0; i < wire->len; i++)
        g_assert(wire->data[i] != '\n' || (i > 0 && wire->data[i - 1] == '\r'));

    come_back(content, wire, piece);
    for (gsize cut = 1; cut < wire->len && wire->len <= CUT_MAX_OCTETS; cut++)
        come_back(content, wire, cut);
}

/* The wire whole and in pieces: what is found is the same. */
static void read_in_two_ways(const guint8 *wire, gsize n, gsize piece)
{
    g_autoptr(SmtpBodyDecoder) whole = smtp_body_decoder_new(SIZE_MAX_OCTETS);
    g_autoptr(SmtpBodyDecoder) split = smtp_body_decoder_new(SIZE_MAX_OCTETS);
    gsize used = decode(whole, wire, n, n + 1);
    g_assert(decode(split, wire, n, piece) == used);
    g_assert(smtp_body_decoder_is_unclean(whole) == smtp_body_decoder_is_unclean(split));
    g_assert(smtp_body_decoder_is_too_large(whole) == smtp_body_decoder_is_too_large(split));
    gboolean is_good = used <= n && !smtp_body_decoder_is_unclean(whole);
    g_autoptr(GBytes) a = smtp_body_decoder_take(whole);
    g_autoptr(GBytes) b = smtp_body_decoder_take(split);
    g_assert(g_bytes_equal(a, b));
    /* What is taken can be passed on, and nothing else is refused. */
    if (used <= n && !smtp_body_decoder_is_too_large(whole))
        g_assert(is_good == smtp_body_is_sendable(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    gsize chunk = 2 + (gsize)data[0] % 30, piece = 1 + (gsize)data[1] % 9;
    g_autoptr(GBytes) content = g_bytes_new(data + 2, size - 2);
    if (smtp_body_is_sendable(content))
        round_trip(content, chunk, piece);
    read_in_two_ways(data + 2, size - 2, piece);
    for (gsize cut = 1; cut < size - 2 && size - 2 <= CUT_MAX_OCTETS; cut++)
        read_in_two_ways(data + 2, size - 2, cut);
    return 0;
}
