#include "mime/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_line_end_becomes_crlf(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"a", "a\r\n"},
        {"a\n", "a\r\n"},
        {"a\r\n", "a\r\n"},
        {"a\r", "a\r\n"},
        {"a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd\r\n"},
        {"\n\n", "\r\n\r\n"},
        {"\r\r\n\n", "\r\n\r\n\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = mime_text_canonical(cases[i].in);
        assert_string_equal(out->str, cases[i].out);
    }
}

#define A70 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void quoted_printable_follows_its_rules(void **state)
{
    static const struct {
        const char *name, *in, *out;
    } cases[] = {
        {"nothing", "", ""},
        {"plain", "Hello, world!\r\n", "Hello, world!\r\n"},
        {"equals sign", "a=b\r\n", "a=3Db\r\n"},
        {"UTF-8", "ä€\r\n", "=C3=A4=E2=82=AC\r\n"},
        {"space at the end", "a \r\n", "a=20\r\n"},
        {"TAB at the end", "a\t\r\n", "a=09\r\n"},
        {"only spaces", "  \r\n", " =20\r\n"},
        {"space inside", "a b\tc\r\n", "a b\tc\r\n"},
        {"control characters", "\x01\x7f\r\n", "=01=7F\r\n"},
        {"lone dot", ".\r\n", "=2E\r\n"},
        {"dots", "..a.\r\n.\r\n", "=2E.a.\r\n=2E\r\n"},
        {"From at a line start", "From me\r\nFrom: a\r\n", "=46rom me\r\nFrom: a\r\n"},
        {"From inside", "a From b\r\n", "a From b\r\n"},
        {"76 octets need no break", A70 "123456\r\n", A70 "123456\r\n"},
        {"77 octets need one", A70 "1234567\r\n", A70 "12345=\r\n67\r\n"},
        {"a break does not cut =XX", A70 "123ä\r\n", A70 "123=\r\n=C3=A4\r\n"},
        {"=XX may end a line", A70 "123=\r\n", A70 "123=3D\r\n"},
        {"a dot behind a soft break", A70 "12345.7\r\n", A70 "12345=\r\n=2E7\r\n"},
        {"space before a soft break", A70 "1234 67\r\n", A70 "1234 =\r\n67\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new("x");
        gsize n = strlen(cases[i].out);
        assert_true(mime_quoted_printable_append(out, cases[i].in, strlen(cases[i].in), n));
        if (strcmp(out->str + 1, cases[i].out) != 0)
            fail_msg("%s: %s", cases[i].name, out->str);
        if (n > 0) {
            g_string_assign(out, "x");
            assert_false(
                mime_quoted_printable_append(out, cases[i].in, strlen(cases[i].in), n - 1));
            assert_string_equal(out->str, "x");
        }
    }
}

static void base64_has_lines_of_76_and_a_known_size(void **state)
{
    guint8 bytes[300];
    for (gsize i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)(i * 7);
    for (gsize n = 0; n <= sizeof bytes; n++) {
        g_autoptr(GString) out = g_string_new(NULL);
        mime_base64_append(out, bytes, n);
        assert_int_equal(out->len, mime_base64_octets(n));
        g_auto(GStrv) lines = g_strsplit(out->str, "\r\n", -1);
        for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
            assert_int_equal(strlen(lines[i]), lines[i + 2] != NULL ? 76 : strlen(lines[i]));
        gsize back = 0;
        g_autofree guchar *decoded = g_base64_decode(out->str, &back);
        assert_int_equal(back, n);
        assert_memory_equal(decoded, bytes, n);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_end_becomes_crlf),
        cmocka_unit_test(quoted_printable_follows_its_rules),
        cmocka_unit_test(base64_has_lines_of_76_and_a_known_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
