#include "base/error.h"
#include "mime/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define L63 "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void hosts_come_back_in_one_form(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"mail.example.de", "mail.example.de"},
        {"MAIL.Example.DE.", "mail.example.de"},
        {"localhost", "localhost"},
        {"mail.müller.de", "mail.xn--mller-kva.de"},
        {"MAIL.MÜLLER.DE", "mail.xn--mller-kva.de"},
        {"mu\xcc\x88ller.de", "xn--mller-kva.de"}, /* u and a combining diaeresis */
        {"xn--mller-kva.de", "xn--mller-kva.de"},
        {"straße.de", "xn--strae-oqa.de"},
        {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
        {"1und1.de", "1und1.de"},
        {"3com.com", "3com.com"},
        {"r3---sn.example", "r3---sn.example"},
        {L63 ".de", L63 ".de"},
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::FFFF:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = mime_host_parse(cases[i].in, &error);
        if (out == NULL)
            fail_msg("%s: %s", cases[i].in, error->message);
        assert_string_equal(out, cases[i].out);
        g_autofree char *again = mime_host_parse(out, NULL);
        assert_string_equal(again, out);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a..b", ".a", "a.b..", "-a.de", "a-.de",
        "a_b.de", "a b.de", " a.de", "a.de ", "a.de:25", "https://a.de", "a.de/", "user@a.de",
        "[a.de]", "[192.0.2.1]", "[::1", "::1]", "[]", "[", "]", "192.0.2", "192.0.2.1.",
        "192.0.2.256", "192.0.2.01", "0x7f.1", "1", "a.0x", "127.1", "2130706433", "1.2.3.4.5", ":",
        ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::", "12345::", "::g", "1:", ":1", "fe80::1%eth0", "::192.0.2",
        "1:2:3:4:5:6:7:192.0.2.1", "a\r\nb.de", "a\tb", "\xff.de",
        "ab\xe2\x80\x8b"
        "c.de",
        "xn--a.de", "xn--",
        "a\xe3\x80\x82"
        "de",              /* ideographic full stop */
        "\xef\xbd\x81.de", /* fullwidth a */
        "\xe2\x84\xaa.de", /* Kelvin sign */
        "a\xcc\xb8.de\xe2\x80\xae", L63 "x.de", "☃\xef\xb8\x8f.de", "a%00.de"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = mime_host_parse(bad[i], &error);
        if (out != NULL)
            fail_msg("'%s' read as %s", bad[i], out);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
    assert_null(mime_host_parse(NULL, NULL));
}

static void a_host_has_at_most_253_octets(void **state)
{
    g_autofree char *name = g_strdup_printf("%s.%s.%s.%.61s", L63, L63, L63, L63);
    assert_int_equal(strlen(name), 253);
    g_autofree char *out = mime_host_parse(name, NULL);
    assert_string_equal(out, name);
    g_autofree char *longer = g_strdup_printf("%s.%s.%s.%.62s", L63, L63, L63, L63);
    assert_null(mime_host_parse(longer, NULL));
    g_autofree char *huge = g_strnfill(1000000, 'a');
    assert_null(mime_host_parse(huge, NULL));
}

static void domains_keep_their_brackets_and_take_no_final_dot(void **state)
{
    g_autofree char *v4 = mime_domain_parse("[192.0.2.1]", NULL);
    g_autofree char *v6 = mime_domain_parse("[IPV6:2001:DB8::1]", NULL);
    g_autofree char *name = mime_domain_parse("App.Example.DE", NULL);
    assert_string_equal(v4, "[192.0.2.1]");
    assert_string_equal(v6, "[IPv6:2001:db8::1]");
    assert_string_equal(name, "app.example.de");
    static const char *const bad[] = {"", "a.de.", "192.0.2.1", "::1", "[::1]", "[", "[]", "[x]"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_null(mime_domain_parse(bad[i], NULL));
    assert_null(mime_domain_parse(NULL, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_back_in_one_form),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(a_host_has_at_most_253_octets),
        cmocka_unit_test(domains_keep_their_brackets_and_take_no_final_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
