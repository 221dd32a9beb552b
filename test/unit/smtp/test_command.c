#include "base/limits.h"
#include "smtp/client.h"
#include "smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *written(GByteArray *out)
{
    char *text = g_strndup((const char *)out->data, out->len);
    g_byte_array_set_size(out, 0);
    return text;
}

static void commands_are_written(void **state)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    const SmtpMailParameters none = {0};
    const SmtpMailParameters all = {.with_size = TRUE,
        .size = 1234,
        .eightbitmime = TRUE,
        .smtputf8 = TRUE,
        .return_headers = TRUE,
        .envelope_id = "em_1 =+"};
    assert_true(smtp_command_ehlo(out, "client.example"));
    assert_true(smtp_command_ehlo(out, "[192.0.2.1]"));
    assert_true(smtp_command_mail(out, "", &none));
    assert_true(smtp_command_mail(out, "jürgen@example.org", &all));
    assert_true(smtp_command_rcpt(out, "bob@example.net", FALSE, 0));
    assert_true(smtp_command_rcpt(out, "bob@example.net", FALSE, SMTP_NOTIFY_NEVER));
    assert_true(smtp_command_rcpt(out, "bob@example.net", FALSE,
        SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY));
    smtp_command_bdat(out, 0, TRUE);
    smtp_command_bdat(out, 27262976, FALSE);
    for (SmtpWord word = SMTP_WORD_STARTTLS; word <= SMTP_WORD_CANCEL; word++)
        smtp_command_word(out, word);
    g_autofree char *text = written(out);
    assert_string_equal(text,
        "EHLO client.example\r\nEHLO [192.0.2.1]\r\nMAIL FROM:<>\r\n"
        "MAIL FROM:<jürgen@example.org> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS "
        "ENVID=em_1+20+3D+2B\r\n"
        "RCPT TO:<bob@example.net>\r\n"
        "RCPT TO:<bob@example.net> NOTIFY=NEVER\r\n"
        "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,FAILURE,DELAY\r\n"
        "BDAT 0 LAST\r\nBDAT 27262976\r\nSTARTTLS\r\nDATA\r\nRSET\r\nQUIT\r\n*\r\n");
}

static const struct {
    const char *address;
    gboolean is_writable;
} addresses[] = {
    {"a@b.example", TRUE},
    {"a.b+c=d@b.example", TRUE},
    {"\"a b\"@b.example", TRUE},
    {"\"a>b\"@b.example", TRUE},
    {"\"a\\\"b>@c\"@b.example", TRUE},
    {"a@[192.0.2.1]", TRUE},
    {"jürgen@b.example", FALSE},
    {"", FALSE},
    {"a", FALSE},
    {"@b.example", FALSE},
    {"a@", FALSE},
    {"a@b@c.example", FALSE},
    {"a>@b.example", FALSE},
    {"a@b.example>", FALSE},
    {"<a@b.example", FALSE},
    {"a b@c.example", FALSE},
    {"a@b.example SIZE=1", FALSE},
    {"a@b.example\r\nDATA", FALSE},
    {"a\r@b.example", FALSE},
    {"a\n@b.example", FALSE},
    {"\"a\r\n\"@b.example", FALSE},
    {"a\t@b.example", FALSE},
    {"a\x7f@b.example", FALSE},
    {"\"a\x01\"@b.example", FALSE},
    {"\"a\"b>\"@c.example", FALSE},
    {"\"a@b.example", FALSE},
    {"\"a\\\"@b.example", FALSE},
    {"a\\@b.example", FALSE},
};

static void addresses_that_could_end_the_command_are_refused(void **state)
{
    const SmtpMailParameters none = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        gboolean expected = addresses[i].is_writable;
        if (smtp_command_can_hold_address(addresses[i].address, FALSE) != expected ||
            smtp_command_rcpt(out, addresses[i].address, FALSE, 0) != expected)
            fail_msg("%s", addresses[i].address);
        gboolean is_null = addresses[i].address[0] == '\0';
        assert_int_equal(smtp_command_mail(out, addresses[i].address, &none), expected || is_null);
        assert_true((out->len > 0) == (expected || is_null));
    }
}

static void non_ascii_needs_smtputf8(void **state)
{
    assert_true(smtp_command_can_hold_address("jürgen@b.example", TRUE));
    assert_false(smtp_command_can_hold_address("j\xfcrgen@b.example", TRUE)); /* no UTF-8 */
    assert_false(smtp_command_can_hold_address("j\xc2\x85@b.example", TRUE)); /* C1 control */
    assert_false(smtp_command_can_hold_address("j\xe2\x80\xa8@b.example", TRUE));
}

static char *address_of(gsize n_local, gsize n_domain)
{
    g_autofree char *local = g_strnfill(n_local, 'l');
    g_autofree char *domain = g_strnfill(n_domain, 'd');
    return g_strconcat(local, "@", domain, NULL);
}

static void addresses_keep_their_limits(void **state)
{
    g_autofree char *longest = address_of(64, 189);
    g_autofree char *longer = address_of(64, 190);
    g_autofree char *local = address_of(65, 10);
    assert_true(smtp_command_can_hold_address(longest, FALSE));
    assert_false(smtp_command_can_hold_address(longer, FALSE));
    assert_false(smtp_command_can_hold_address(local, FALSE));
}

static void names_that_could_end_the_command_are_refused(void **state)
{
    static const char *const bad[] = {"", "a b", "a\r\nMAIL", "a\n", "\x7f", "müller.example"};
    g_autoptr(GByteArray) out = g_byte_array_new();
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(smtp_command_ehlo(out, bad[i]));
    g_autofree char *too_long = g_strnfill(256, 'x');
    assert_false(smtp_command_ehlo(out, too_long));
    assert_int_equal(out->len, 0);
}

static void sasl_lines_keep_their_limits(void **state)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    assert_false(smtp_command_sasl(out, "AUTH X ", "a\r\nb", 4));
    assert_false(smtp_command_sasl(out, "AUTH\r\n", "", 0));
    assert_false(smtp_command_sasl_base64(out, "AUTH\n", NULL, 0));
    g_autofree char *text = g_strnfill(LIMIT_SASL_LINE_OCTETS, 'A');
    assert_true(smtp_command_sasl(out, "", text, LIMIT_SASL_LINE_OCTETS - 2));
    assert_false(smtp_command_sasl(out, "", text, LIMIT_SASL_LINE_OCTETS - 1));
    const SmtpSecretPart fits = {text, 9213}, over = {text, 9214}, far = {text, G_MAXSIZE / 8};
    assert_true(smtp_command_sasl_base64(out, "", &fits, 1));
    assert_false(smtp_command_sasl_base64(out, "", &over, 1));
    assert_false(smtp_command_sasl_base64(out, "", &far, 1));
    assert_int_equal(out->len, LIMIT_SASL_LINE_OCTETS + 12286);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_written),
        cmocka_unit_test(addresses_that_could_end_the_command_are_refused),
        cmocka_unit_test(non_ascii_needs_smtputf8),
        cmocka_unit_test(addresses_keep_their_limits),
        cmocka_unit_test(names_that_could_end_the_command_are_refused),
        cmocka_unit_test(sasl_lines_keep_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
