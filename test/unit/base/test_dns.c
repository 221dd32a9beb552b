#include "base/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static GPtrArray *records_of(const char *text)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
    g_ptr_array_add(records, dns_record_new(text));
    return records;
}

static void an_unknown_answer_opens_its_question_once(void **state)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    assert_null(dns_answers_get(answers, "example.test", DNS_TYPE_MX));
    assert_null(dns_answers_get(answers, "Example.TEST.", DNS_TYPE_MX));
    assert_int_equal(dns_answers_n_open(answers), 1);
    assert_null(dns_answers_get(answers, "example.test", DNS_TYPE_TXT));
    assert_int_equal(dns_answers_n_open(answers), 2);
    const DnsAnswer *open = dns_answers_open(answers, 0);
    assert_string_equal(open->name, "example.test");
    assert_int_equal(open->type, DNS_TYPE_MX);
    assert_int_equal(open->status, 0);
    assert_int_equal(open->records->len, 0);
}

static void an_answer_is_kept_and_found_under_every_spelling(void **state)
{
    static const char *const spellings[] = {"example.test", "EXAMPLE.test", "example.test."};
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, "example.test", DNS_TYPE_TXT);
    assert_true(dns_answers_put(answers, "Example.test.", DNS_TYPE_TXT, DNS_FOUND,
        records_of("v=spf1 -all"), g_strdup("canonical.test")));
    assert_int_equal(dns_answers_n_open(answers), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        const DnsAnswer *answer = dns_answers_get(answers, spellings[i], DNS_TYPE_TXT);
        assert_non_null(answer);
        assert_int_equal(answer->status, DNS_FOUND);
        assert_string_equal(answer->canonical, "canonical.test");
        assert_string_equal(((DnsRecord *)answer->records->pdata[0])->text, "v=spf1 -all");
    }
    assert_null(dns_answers_get(answers, "example.test", DNS_TYPE_A));
}

static void an_answer_nobody_asked_for_is_not_taken(void **state)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    assert_false(dns_answers_put(
        answers, "a.test", DNS_TYPE_A, DNS_FOUND, records_of("192.0.2.1"), g_strdup("b.test")));
    assert_null(dns_answers_get(answers, "a.test", DNS_TYPE_A));
    assert_true(dns_answers_put(answers, "a.test", DNS_TYPE_A, DNS_NO_NAME, NULL, NULL));
    assert_false(
        dns_answers_put(answers, "a.test", DNS_TYPE_A, DNS_FOUND, records_of("192.0.2.1"), NULL));
    const DnsAnswer *answer = dns_answers_get(answers, "a.test", DNS_TYPE_A);
    assert_int_equal(answer->status, DNS_NO_NAME);
    assert_int_equal(answer->records->len, 0);
}

static void names_that_cannot_be_asked_do_not_exist(void **state)
{
    g_autofree char *label_63 = g_strnfill(63, 'a');
    g_autofree char *label_64 = g_strnfill(64, 'a');
    g_autofree char *name_253 = g_strdup_printf(
        "%.*s.%.*s.%.*s.%.*s", 63, label_63, 63, label_63, 63, label_63, 61, label_63);
    g_autofree char *name_254 = g_strdup_printf(
        "%.*s.%.*s.%.*s.%.*s", 63, label_63, 63, label_63, 63, label_63, 62, label_63);
    const struct {
        const char *name;
        gboolean can_be_asked;
    } cases[] = {
        {"example.test", TRUE},
        {"_dmarc.example.test", TRUE},
        {"test", TRUE},
        {label_63, TRUE},
        {label_64, FALSE},
        {name_253, TRUE},
        {name_254, FALSE},
        {"", FALSE},
        {".", FALSE},
        {"a..test", FALSE},
        {".test", FALSE},
        {"a b.test", FALSE},
        {"a\ntest", FALSE},
        {"m\xc3\xbcller.test", FALSE},
        {"a\x7f.test", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        const DnsAnswer *answer = dns_answers_get(answers, cases[i].name, DNS_TYPE_A);
        assert_int_equal(answer == NULL, cases[i].can_be_asked);
        assert_int_equal(dns_answers_n_open(answers), cases[i].can_be_asked ? 1 : 0);
        if (answer != NULL)
            assert_int_equal(answer->status, DNS_NO_NAME);
    }
}

static void types_have_the_names_of_their_records(void **state)
{
    static const struct {
        DnsType type;
        const char *name;
    } cases[] = {{DNS_TYPE_A, "A"}, {DNS_TYPE_AAAA, "AAAA"}, {DNS_TYPE_MX, "MX"},
        {DNS_TYPE_TXT, "TXT"}, {DNS_TYPE_SRV, "SRV"}, {DNS_TYPE_CNAME, "CNAME"},
        {DNS_TYPE_PTR, "PTR"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_string_equal(dns_type_name(cases[i].type), cases[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_answer_opens_its_question_once),
        cmocka_unit_test(an_answer_is_kept_and_found_under_every_spelling),
        cmocka_unit_test(an_answer_nobody_asked_for_is_not_taken),
        cmocka_unit_test(names_that_cannot_be_asked_do_not_exist),
        cmocka_unit_test(types_have_the_names_of_their_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
