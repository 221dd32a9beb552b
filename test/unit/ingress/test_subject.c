#include "base/limits.h"
#include "ingress/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static char *subject_of(const char *message, gsize n)
{
    g_autoptr(GBytes) bytes = g_bytes_new(message, n);
    return ingress_subject(bytes);
}

static void subjects_are_found_and_decoded(void **state)
{
    static const struct {
        const char *name, *message, *subject;
    } cases[] = {
        {"plain", "Subject: Hello\r\n\r\nx", "Hello"},
        {"other fields first", "From: a\r\nTo: b\r\nSubject: Hello\r\n\r\n", "Hello"},
        {"any case", "SUBJECT:Hello\r\n\r\n", "Hello"},
        {"the first counts", "Subject: one\r\nSubject: two\r\n\r\n", "one"},
        {"none", "From: a\r\n\r\nSubject: in the body\r\n", NULL},
        {"no header", "\r\nSubject: in the body\r\n", NULL},
        {"empty mail", "", NULL},
        {"empty subject", "Subject:\r\n\r\n", ""},
        {"not a prefix", "Subjects: no\r\nX-Subject: no\r\n\r\n", NULL},
        {"folded", "Subject: one\r\n two\r\n\tthree\r\nTo: b\r\n\r\n", "one two three"},
        {"folded other field", "X: y\r\n Subject: no\r\n\r\n", NULL},
        {"q", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\r\n\r\n", "Grüße aus Köln"},
        {"b", "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n\r\n", "Grüße"},
        {"latin 1", "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n\r\n", "Grüße"},
        {"words joined", "Subject: =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=\r\n\r\n", "Grüße"},
        {"character split between words", "Subject: =?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?=\r\n\r\n",
            "Grüße"},
        {"word and text", "Subject: Re: =?utf-8?q?a?= b =?utf-8?q?c?=\r\n\r\n", "Re: a b c"},
        {"two sets", "Subject: =?utf-8?q?=C3=BC?= =?iso-8859-1?q?=FC?=\r\n\r\n", "üü"},
        {"language", "Subject: =?utf-8*de?q?a?=\r\n\r\n", "a"},
        {"unknown set", "Subject: =?x-none?q?abc?=\r\n\r\n", "abc"},
        {"unknown encoding", "Subject: =?utf-8?x?abc?=\r\n\r\n", "=?utf-8?x?abc?="},
        {"no word", "Subject: =?utf-8?q?abc\r\n\r\n", "=?utf-8?q?abc"},
        {"blank inside", "Subject: =?utf-8?q?a b?=\r\n\r\n", "=?utf-8?q?a b?="},
        {"escapes made harmless", "Subject: a\x1b[31mb\r\n\r\n", "a\xef\xbf\xbd[31mb"},
        {"hidden escapes", "Subject: =?utf-8?q?a=0D=0Ab=00c?=\r\n\r\n", "a b"},
        {"wrong bytes", "Subject: a\xff\r\n\r\n", "a\xef\xbf\xbd"},
        {"no end", "Subject: a", "a"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_autofree char *subject = subject_of(cases[i].message, strlen(cases[i].message));
        if (cases[i].subject == NULL)
            assert_null(subject);
        else
            assert_string_equal(subject, cases[i].subject);
    }
}

static void every_cut_of_a_mail_is_read_without_harm(void **state)
{
    static const char mail[] =
        "From: a\r\nSubject: =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?b?w58=?=e\r\n\r\n";
    for (gsize n = 0; n < sizeof mail; n++) {
        char *exact = g_malloc(n + 1);
        memcpy(exact, mail, n);
        g_autoptr(GBytes) bytes = g_bytes_new_take(exact, n);
        g_autofree char *subject = ingress_subject(bytes);
        assert_true(subject == NULL || g_utf8_validate(subject, -1, NULL));
    }
}

static void subjects_and_headers_have_limits(void **state)
{
    g_autoptr(GString) mail = g_string_new("Subject: ");
    for (guint i = 0; i < 2 * LIMIT_SUBJECT_CHARACTERS; i++)
        g_string_append(mail, "ü");
    g_autofree char *subject = subject_of(mail->str, mail->len);
    assert_int_equal(g_utf8_strlen(subject, -1), LIMIT_SUBJECT_CHARACTERS + 1); /* and … */
    g_string_assign(mail, "X: ");
    for (guint i = 0; i < LIMIT_HEADER_BYTES; i++)
        g_string_append_c(mail, 'x');
    g_string_append(mail, "\r\nSubject: too far\r\n\r\n");
    assert_null(subject_of(mail->str, mail->len));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_are_found_and_decoded),
        cmocka_unit_test(every_cut_of_a_mail_is_read_without_harm),
        cmocka_unit_test(subjects_and_headers_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
