#include "base/limits.h"
#include "mime/address.h"
#include "mime/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define W20 "abcdefghijklmnopqrst"

static void text_is_encoded_only_where_it_must_be(void **state)
{
    static const struct {
        const char *name, *in, *out;
    } cases[] = {
        {"nothing", "", "Subject:\r\n"},
        {"ASCII", "Your order 17", "Subject: Your order 17\r\n"},
        {"one word of two", "Bestätigung für die Anmeldung an Anna",
            "Subject: =?utf-8?b?QmVzdMOkdGlndW5nIGbDvHI=?= die Anmeldung an "
            "Anna\r\n"},
        {"the shorter form", "дела", "Subject: =?utf-8?b?0LTQtdC70LA=?=\r\n"},
        {"space in front", " a b", "Subject: =?utf-8?q?_a?= b\r\n"},
        {"space behind", "a b ", "Subject: a =?utf-8?q?b_?=\r\n"},
        {"only a space", " ", "Subject: =?utf-8?q?_?=\r\n"},
        {"two spaces", "a  b c", "Subject: a =?utf-8?q?_b?= c\r\n"},
        {"TAB", "a\tb", "Subject: =?utf-8?b?YQli?=\r\n"},
        {"looks encoded", "=?utf-8?q?a?= b", "Subject: =?utf-8?b?PT91dGYtOD9xP2E/PQ==?= b\r\n"},
        {"folds at a space", W20 " " W20 " " W20 " " W20,
            "Subject: " W20 " " W20 " " W20 "\r\n " W20 "\r\n"},
        {"four-octet characters stay whole", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
            "Subject: "
            "=?utf-8?b?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n"
            " =?utf-8?b?8J+YgPCfmIDwn5iA8J+YgPCfmIA=?=\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        mime_header_append_text(out, "Subject", cases[i].in);
        if (strcmp(out->str, cases[i].out) != 0)
            fail_msg("%s:\n%s", cases[i].name, out->str);
    }
}

/* Lines of at most 76, words of at most 75, each word valid UTF-8 by itself. */
static void check_encoded_lines(const char *field)
{
    g_auto(GStrv) lines = g_strsplit(field, "\r\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        assert_true(strlen(lines[i]) <= 76);
        g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
        for (guint w = 0; words[w] != NULL; w++) {
            if (!g_str_has_prefix(words[w], "=?"))
                continue;
            assert_true(strlen(words[w]) <= 75 && g_str_has_suffix(words[w], "?="));
            assert_true(g_str_has_prefix(words[w], "=?utf-8?"));
            if (words[w][8] != 'b')
                continue;
            gsize n = 0;
            words[w][strlen(words[w]) - 2] = '\0';
            g_autofree guchar *text = g_base64_decode(words[w] + 10, &n);
            assert_true(n > 0 && g_utf8_validate((char *)text, (gssize)n, NULL));
        }
    }
}

static void encoded_words_keep_their_limits_at_every_length(void **state)
{
    static const char *const units[] = {"ä", "€", "😀", "ä ", "a€ b", "x"};
    static const char *const names[] = {"X", "Subject",
        "X-A-Name-That-Is-Quite-Long-Indeed-For-One",
        "X-A-Name-Of-Sixty-Four-Octets-Which-Is-The-Longest-That-We-Allow"};
    for (gsize u = 0; u < G_N_ELEMENTS(units); u++) {
        for (gsize h = 0; h < G_N_ELEMENTS(names); h++) {
            g_autoptr(GString) text = g_string_new("ü");
            for (guint n = 0; n < 150; n++) {
                g_autoptr(GString) out = g_string_new(NULL);
                mime_header_append_text(out, names[h], text->str);
                check_encoded_lines(out->str);
                g_string_append(text, units[u]);
            }
        }
    }
}

static void verbatim_values_fold_at_spaces_only(void **state)
{
    static const struct {
        const char *name, *in, *out;
    } cases[] = {
        {"short", "<a@b>", "X-A: <a@b>\r\n"},
        {"nothing", "", "X-A:\r\n"},
        {"only spaces", "   ", "X-A:\r\n"},
        {"spaces around", " a b ", "X-A: a b\r\n"},
        {"spaces inside", "a   b", "X-A: a   b\r\n"},
        {"already encoded", "=?utf-8?q?a?=", "X-A: =?utf-8?q?a?=\r\n"},
        {"folded", W20 " " W20 " " W20 "   " W20, "X-A: " W20 " " W20 " " W20 "\r\n   " W20 "\r\n"},
        {"a long word stays", W20 W20 W20 W20 " a", "X-A: " W20 W20 W20 W20 "\r\n a\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        assert_true(mime_header_append_verbatim(out, "X-A", cases[i].in));
        if (strcmp(out->str, cases[i].out) != 0)
            fail_msg("%s:\n%s", cases[i].name, out->str);
    }
}

static void a_line_beyond_998_octets_is_refused(void **state)
{
    g_autofree char *word = g_strnfill(LIMIT_LINE_OCTETS, 'a');
    g_autoptr(GString) out = g_string_new(NULL);
    assert_false(mime_header_append_verbatim(out, "X-A", word));
    word[LIMIT_LINE_OCTETS - 4] = '\0'; /* "X-A: " and the word: 999 */
    assert_false(mime_header_append_verbatim(out, "X-A", word));
    assert_string_equal(out->str, "");
    word[LIMIT_LINE_OCTETS - 5] = '\0';
    assert_true(mime_header_append_verbatim(out, "X-A", word));
    assert_int_equal(out->len, LIMIT_LINE_OCTETS + 2);
    g_autofree char *spaces = g_strnfill(LIMIT_LINE_OCTETS, ' ');
    g_autofree char *gap = g_strdup_printf("a%sb", spaces);
    assert_false(mime_header_append_verbatim(out, "X-A", gap));
}

static void mailboxes_are_written_in_their_simplest_form(void **state)
{
    static const struct {
        const char *name, *addr_spec, *out;
    } cases[] = {
        {NULL, "a@x.de", "To: a@x.de\r\n"},
        {"Anna B", "a@x.de", "To: Anna B <a@x.de>\r\n"},
        {"Acme Inc.", "a@x.de", "To: \"Acme Inc.\" <a@x.de>\r\n"},
        {"B, \"A\\\"", "a@x.de", "To: \"B, \\\"A\\\\\\\"\" <a@x.de>\r\n"},
        {"A  B", "a@x.de", "To: \"A  B\" <a@x.de>\r\n"},
        {" A", "a@x.de", "To: \" A\" <a@x.de>\r\n"},
        {"Jörg", "a@x.de", "To: =?utf-8?b?SsO2cmc=?= <a@x.de>\r\n"},
        {"ö, <b@y.de>", "a@x.de", "To: =?utf-8?b?w7YsIDxiQHkuZGU+?= <a@x.de>\r\n"},
        {"=?utf-8?q?a?=", "a@x.de", "To: =?utf-8?b?PT91dGYtOD9xP2E/PQ==?= <a@x.de>\r\n"},
        {NULL, "jörg@x.de", "To: jörg@x.de\r\n"},
        {"Anna", "\"a b\"@x.de", "To: Anna <\"a b\"@x.de>\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MimeAddress) a = mime_address_new(cases[i].name, cases[i].addr_spec, NULL);
        g_autoptr(GPtrArray) list = g_ptr_array_new();
        g_ptr_array_add(list, a);
        g_autoptr(GString) out = g_string_new(NULL);
        mime_header_append_mailboxes(out, "To", list);
        assert_string_equal(out->str, cases[i].out);
    }
}

static void lists_of_mailboxes_fold_behind_commas(void **state)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)mime_address_free);
    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(list, mime_address_new(NULL, W20 "@example.example.de", NULL));
    g_autoptr(GString) out = g_string_new(NULL);
    mime_header_append_mailboxes(out, "Cc", list);
    assert_string_equal(out->str, "Cc: " W20 "@example.example.de,\r\n " W20 "@example.example.de,"
                                  "\r\n " W20 "@example.example.de\r\n");
}

static void parameters_follow_rfc_2231(void **state)
{
    static const struct {
        const char *value, *out;
    } cases[] = {
        {NULL, "X: attachment\r\n"},
        {"a.pdf", "X: attachment; filename=a.pdf\r\n"},
        {"a b.pdf", "X: attachment; filename=\"a b.pdf\"\r\n"},
        {"a\"b\\.pdf", "X: attachment; filename=\"a\\\"b\\\\.pdf\"\r\n"},
        {"ä b.pdf", "X: attachment; filename*=utf-8''%C3%A4%20b.pdf\r\n"},
        {W20 W20 W20 W20 ".pdf", "X: attachment;\r\n"
                                 " filename*0*=utf-8''" W20 W20 "abcd;\r\n"
                                 " filename*1*=efghijklmnopqrst" W20 ".pdf\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        MimeParameter parameter = {"filename", cases[i].value};
        g_autoptr(GString) out = g_string_new(NULL);
        mime_header_append_parameters(out, "X", "attachment", &parameter, 1);
        assert_string_equal(out->str, cases[i].out);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_encoded_only_where_it_must_be),
        cmocka_unit_test(encoded_words_keep_their_limits_at_every_length),
        cmocka_unit_test(verbatim_values_fold_at_spaces_only),
        cmocka_unit_test(a_line_beyond_998_octets_is_refused),
        cmocka_unit_test(mailboxes_are_written_in_their_simplest_form),
        cmocka_unit_test(lists_of_mailboxes_fold_behind_commas),
        cmocka_unit_test(parameters_follow_rfc_2231),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
