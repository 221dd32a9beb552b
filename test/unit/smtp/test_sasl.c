#include "smtp/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void plain_and_login_match_known_lines(void **state)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(Secret) password = secret_new("tanstaaftanstaaf", 16);
    smtp_sasl_write_plain(out, TRUE, "tim", password); /* RFC 4616 4 */
    smtp_sasl_write_login_username(out, "tim");
    smtp_sasl_write_login_password(out, password);
    g_byte_array_append(out, (const guint8 *)"", 1);
    assert_string_equal((const char *)out->data,
        "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\ndGlt\r\n"
        "dGFuc3RhYWZ0YW5zdGFhZg==\r\n");
}

static void every_length_survives_a_round_trip(void **state)
{
    char bytes[80];
    for (gsize i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37 + 1);
    for (gsize n = 0; n <= sizeof bytes; n++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        g_autoptr(Secret) secret = secret_new(bytes, n);
        smtp_sasl_write_login_password(out, secret);
        assert_true(out->len >= 2 && out->data[out->len - 1] == '\n');
        g_autofree char *expected = g_base64_encode((const guchar *)bytes, n);
        assert_int_equal(out->len - 2, strlen(expected));
        assert_memory_equal(out->data, expected, strlen(expected));
        g_autoptr(Secret) decoded = smtp_sasl_decode((const char *)out->data, out->len - 2);
        assert_true(secret_equal(secret, decoded));
    }
}

static void base64_is_read_strictly(void **state)
{
    static const char *const good[] = {"", "AAAA", "AA==", "AAA=", "a+/9"};
    static const char *const bad[] = {"A", "AA", "AAA", "AAAAA", "A===", "====", "AA=A", "=AAA",
        "AA A", "AAAA\n", "AA-_", "AAA=AAAA", "AA==AA==", "AA\xc3\xbc"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(smtp_sasl_is_base64(good[i], strlen(good[i])));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (smtp_sasl_is_base64(bad[i], strlen(bad[i])))
            fail_msg("%s", bad[i]);
        assert_null(smtp_sasl_decode(bad[i], strlen(bad[i])));
    }
}

static void responses_of_the_driver_are_written(void **state)
{
    static const struct {
        const char *mechanism, *response, *line;
    } cases[] = {
        {"SCRAM-SHA-256", "biws", "AUTH SCRAM-SHA-256 biws\r\n"},
        {"SCRAM-SHA-256", "", "AUTH SCRAM-SHA-256 =\r\n"},
        {"SCRAM-SHA-256", NULL, "AUTH SCRAM-SHA-256 =\r\n"},
        {NULL, "Yz1i", "Yz1i\r\n"},
        {NULL, NULL, "\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        const char *text = cases[i].response;
        g_autoptr(Secret) response = text == NULL ? NULL : secret_new(text, strlen(text));
        assert_true(smtp_sasl_write_response(out, cases[i].mechanism, response));
        assert_int_equal(out->len, strlen(cases[i].line));
        assert_memory_equal(out->data, cases[i].line, out->len);
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(Secret) injected = secret_new("AAAA\r\nRSET", 10);
    assert_false(smtp_sasl_write_response(out, NULL, injected));
    assert_int_equal(out->len, 0);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_login_match_known_lines),
        cmocka_unit_test(every_length_survives_a_round_trip),
        cmocka_unit_test(base64_is_read_strictly),
        cmocka_unit_test(responses_of_the_driver_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
