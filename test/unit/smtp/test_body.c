#include "base/limits.h"
#include "smtp/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Messages and how they look between 354 and the end. */
static const struct {
    const char *name, *content, *wire;
} bodies[] = {
    {"empty", "", ".\r\n"},
    {"one line", "hello\r\n", "hello\r\n.\r\n"},
    {"no line end at the end", "hello", "hello\r\n.\r\n"},
    {"dot first", ".\r\n", "..\r\n.\r\n"},
    {"dot only", ".", "..\r\n.\r\n"},
    {"dots", "..\r\n...\r\n", "...\r\n....\r\n.\r\n"},
    {"dot in the line", "a.b\r\nc.\r\n", "a.b\r\nc.\r\n.\r\n"},
    {"dot at line starts", "a\r\n.b\r\n.c\r\n", "a\r\n..b\r\n..c\r\n.\r\n"},
    {"end of data inside", "a\r\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"},
    {"empty lines", "\r\n\r\n.\r\n\r\n", "\r\n\r\n..\r\n\r\n.\r\n"},
    {"8-bit", "\xff\xfe.\r\n.\x80\r\n", "\xff\xfe.\r\n..\x80\r\n.\r\n"},
};

static GByteArray *encode(const char *content, gsize n, gsize chunk)
{
    g_autoptr(GBytes) bytes = g_bytes_new(content, n);
    GByteArray *out = g_byte_array_new();
    SmtpBodyEncoder encoder;
    assert_true(smtp_body_is_sendable(bytes));
    smtp_body_encoder_init(&encoder, bytes);
    while (!smtp_body_encoder_is_done(&encoder)) {
        guint before = out->len;
        smtp_body_encoder_write(&encoder, out, chunk);
        assert_true(out->len > before && out->len - before <= chunk);
    }
    smtp_body_encoder_write_end(&encoder, out);
    return out;
}

static void bodies_are_encoded_in_every_chunk_size(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        gsize n = strlen(bodies[i].content);
        for (gsize chunk = 2; chunk < n + 4; chunk++) {
            g_autoptr(GByteArray) out = encode(bodies[i].content, n, chunk);
            if (out->len != strlen(bodies[i].wire) ||
                memcmp(out->data, bodies[i].wire, out->len) != 0)
                fail_msg("%s, chunks of %zu", bodies[i].name, chunk);
        }
    }
}

/* Decodes wire, cut once; -1 if no end was found, else how much was used. */
static gssize decode(SmtpBodyDecoder *decoder, const char *wire, gsize n, gsize cut)
{
    gsize used = 0, more = 0;
    g_autofree guint8 *first = g_memdup2(wire, cut);
    g_autofree guint8 *second = g_memdup2(wire + cut, n - cut);
    if (cut > 0 && smtp_body_decoder_feed(decoder, first, cut, &used))
        return (gssize)used;
    if (n > cut && smtp_body_decoder_feed(decoder, second, n - cut, &more))
        return (gssize)(cut + more);
    return -1;
}

static void bodies_survive_a_round_trip_in_every_split(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *wire = g_strconcat(bodies[i].wire, "RSET\r\n", NULL);
        gsize n = strlen(wire);
        for (gsize cut = 0; cut <= n; cut++) {
            g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(1000);
            gssize used = decode(decoder, wire, n, cut);
            if (used != (gssize)strlen(bodies[i].wire))
                fail_msg("%s, cut %zu: ends at %zd", bodies[i].name, cut, used);
            assert_false(smtp_body_decoder_is_unclean(decoder));
            g_autoptr(GBytes) content = smtp_body_decoder_take(decoder);
            gsize n_content;
            const char *data = g_bytes_get_data(content, &n_content);
            gsize n_given = strlen(bodies[i].content);
            assert_true(n_content == n_given || n_content == n_given + 2); /* CRLF at the end */
            if (n_given > 0)
                assert_memory_equal(data, bodies[i].content, n_given);
        }
    }
}

/* As many pieces as there can be. */
static gboolean decode_in_pieces(SmtpBodyDecoder *decoder, const char *wire, gsize n, gsize piece)
{
    for (gsize at = 0; at < n; at += piece) {
        gsize n_piece = MIN(piece, n - at), used = 0;
        g_autofree guint8 *copy = g_memdup2(wire + at, n_piece);
        if (smtp_body_decoder_feed(decoder, copy, n_piece, &used))
            return at + used == n;
    }
    return FALSE;
}

static void bodies_are_decoded_in_pieces_of_any_size(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        gsize n = strlen(bodies[i].wire);
        for (gsize piece = 1; piece <= n; piece++) {
            g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(1000);
            if (!decode_in_pieces(decoder, bodies[i].wire, n, piece) ||
                smtp_body_decoder_is_unclean(decoder))
                fail_msg("%s, pieces of %zu", bodies[i].name, piece);
            g_autoptr(GBytes) content = smtp_body_decoder_take(decoder);
            gsize n_given = strlen(bodies[i].content);
            assert_in_range(g_bytes_get_size(content), n_given, n_given + 2);
            if (n_given > 0)
                assert_memory_equal(g_bytes_get_data(content, NULL), bodies[i].content, n_given);
        }
    }
}

/* What other programs have taken for the end of a mail (CVE-2023-51764 and its kin). */
static const struct {
    const char *name, *wire;
    gsize n;
} smuggled[] = {
    {"LF . LF", "a\n.\nMAIL\r\n.\r\n", 0},
    {"LF . CRLF", "a\n.\r\nMAIL\r\n.\r\n", 0},
    {"CRLF . LF", "a\r\n.\nMAIL\r\n.\r\n", 0},
    {"CR . CR", "a\r.\rMAIL\r\n.\r\n", 0},
    {"CRLF . CR", "a\r\n.\rMAIL\r\n.\r\n", 0},
    {"CR . CRLF", "a\r.\r\nMAIL\r\n.\r\n", 0},
    {"CRLF . CR CR LF", "a\r\n.\r\r\nMAIL\r\n.\r\n", 0},
    {"CR CRLF", "a\r\r\n.x\r\n.\r\n", 0},
    {"bare LF in text", "a\nb\r\n.\r\n", 0},
    {"bare CR in text", "a\rb\r\n.\r\n", 0},
    {"LF at the start", "\n.\r\n.\r\n", 0},
    {"NUL in the end", "a\r\n.\0\r\nb\r\n.\r\n", 13},
    {"NUL in text", "a\0b\r\n.\r\n", 8},
};

static void only_crlf_dot_crlf_ends_a_body(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(smuggled); i++) {
        gsize n = smuggled[i].n == 0 ? strlen(smuggled[i].wire) : smuggled[i].n;
        for (gsize cut = 0; cut <= n; cut++) {
            g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(1000);
            if (decode(decoder, smuggled[i].wire, n, cut) != (gssize)n ||
                !smtp_body_decoder_is_unclean(decoder))
                fail_msg("%s, cut %zu", smuggled[i].name, cut);
            g_autoptr(GBytes) content = smtp_body_decoder_take(decoder);
            assert_false(smtp_body_is_sendable(content));
        }
        for (gsize piece = 1; piece <= n; piece++) {
            g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(1000);
            if (!decode_in_pieces(decoder, smuggled[i].wire, n, piece) ||
                !smtp_body_decoder_is_unclean(decoder))
                fail_msg("%s, pieces of %zu", smuggled[i].name, piece);
        }
    }
}

static void what_is_too_large_is_read_to_its_end_and_not_kept(void **state)
{
    static const char wire[] = "0123456789\r\n..\r\n.\r\n";
    for (gsize max = 0; max < 20; max++) {
        for (gsize cut = 0; cut < strlen(wire); cut++) {
            g_autoptr(SmtpBodyDecoder) decoder = smtp_body_decoder_new(max);
            assert_int_equal(decode(decoder, wire, strlen(wire), cut), strlen(wire));
            assert_int_equal(smtp_body_decoder_is_too_large(decoder), max < 15);
            g_autoptr(GBytes) content = smtp_body_decoder_take(decoder);
            assert_int_equal(g_bytes_get_size(content), max < 15 ? 0 : 15);
        }
    }
}

static void content_with_bare_line_ends_is_not_sendable(void **state)
{
    static const struct {
        const char *content;
        gsize n;
        gboolean is_sendable;
    } cases[] = {
        {"", 0, TRUE},
        {"a", 1, TRUE},
        {"a\r\n", 3, TRUE},
        {"\r\n\r\n", 4, TRUE},
        {"a\r\nb", 4, TRUE},
        {"a\n", 2, FALSE},
        {"\n", 1, FALSE},
        {"a\r", 2, FALSE},
        {"\r", 1, FALSE},
        {"a\rb\r\n", 5, FALSE},
        {"a\r\r\n", 4, FALSE},
        {"a\r\n\n", 4, FALSE},
        {"a\0b\r\n", 5, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) content = g_bytes_new(cases[i].content, cases[i].n);
        assert_int_equal(smtp_body_is_sendable(content), cases[i].is_sendable);
    }
}

/* The octets are looked at in blocks: a fault must be seen in every place of one, and on the seam.
 */
static void a_bare_line_end_is_found_in_every_place(void **state)
{
    static const char *const faults[] = {"a\rb", "a\nb", "\r\r\n", "\n\r\n"};
    for (gsize at = 0; at < 200; at++) {
        g_autoptr(GString) content = g_string_new(NULL);
        for (gsize i = 0; i < at; i++)
            g_string_append_c(content, 'x');
        for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
            g_autofree char *text =
                g_strconcat(content->str, faults[i], content->str, "\r\n", NULL);
            g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
            assert_false(smtp_body_is_sendable(bytes));
        }
        g_autofree char *good = g_strconcat(content->str, "\r\n", content->str, "\r\n", NULL);
        g_autoptr(GBytes) bytes = g_bytes_new(good, strlen(good));
        assert_true(smtp_body_is_sendable(bytes));
        g_autofree char *spoilt = g_strdup(good);
        spoilt[at] = '\0';
        g_autoptr(GBytes) with_nul = g_bytes_new(spoilt, strlen(good));
        assert_false(smtp_body_is_sendable(with_nul));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_encoded_in_every_chunk_size),
        cmocka_unit_test(bodies_survive_a_round_trip_in_every_split),
        cmocka_unit_test(bodies_are_decoded_in_pieces_of_any_size),
        cmocka_unit_test(only_crlf_dot_crlf_ends_a_body),
        cmocka_unit_test(what_is_too_large_is_read_to_its_end_and_not_kept),
        cmocka_unit_test(content_with_bare_line_ends_is_not_sendable),
        cmocka_unit_test(a_bare_line_end_is_found_in_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
