#include "api/words/domain_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_code_is_a_sentence_in_both_languages(void **state)
{
    for (DomainSay code = SAY_NO_ANSWER; code < SAY_COUNT; code++) {
        g_autofree char *before = NULL;
        for (Language language = LANGUAGE_EN; language <= LANGUAGE_DE; language++) {
            g_autoptr(DomainNote) note = domain_note_new(code, "alpha", "beta", 7);
            g_autofree char *text = domain_text(note, language);
            gboolean is_sentence = g_str_has_suffix(text, ".") && !strchr(text, '{') &&
                                   g_unichar_isupper(g_utf8_get_char(text));
            if (!is_sentence && !g_str_has_prefix(text, "“") && !g_str_has_prefix(text, "„") &&
                !g_ascii_isdigit(*text) && !g_str_has_prefix(text, "t=y"))
                fail_msg("code %d: %s", (int)code, text);
            if (before)
                assert_string_not_equal(before, text);
            g_free(before);
            before = g_steal_pointer(&text);
        }
    }
}

static void a_note_without_a_name_still_reads_well(void **state)
{
    static const struct {
        DomainSay code;
        const char *en, *de;
    } rows[] = {
        {SAY_SPF_GOOD_ADDRESSES, "The record allows the addresses from which your provider sends.",
            "Der Eintrag erlaubt die Adressen, von denen aus Ihr Anbieter sendet."},
        {SAY_SEEN_SPF_FAIL,
            "SPF failed: the record of the domain does not allow the address it came from.",
            "SPF nicht bestanden: Der Eintrag der Domain erlaubt die Adresse, von der sie "
            "kam, nicht."},
        {SAY_HEADER_GOOD, "The receiver could verify that this mail really comes from its sender.",
            "Der Empfänger konnte bestätigen, dass diese Mail wirklich von diesem Absender "
            "kommt."},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DomainNote) note = domain_note_new(rows[i].code, NULL, NULL, 0);
        g_autofree char *en = domain_text(note, LANGUAGE_EN);
        g_autofree char *de = domain_text(note, LANGUAGE_DE);
        assert_string_equal(en, rows[i].en);
        assert_string_equal(de, rows[i].de);
    }
}

static void a_strangers_text_is_made_printable(void **state)
{
    g_autoptr(DomainNote) note =
        domain_note_new(SAY_SPF_SYNTAX, "a\xff\x01\xe2\x80\xae{b}", "d.example", 0);
    g_autofree char *text = domain_text(note, LANGUAGE_EN);
    assert_true(g_utf8_validate(text, -1, NULL));
    assert_null(strstr(text, "\x01"));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_non_null(strstr(text, "{b}")); /* and is not filled in a second time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_a_sentence_in_both_languages),
        cmocka_unit_test(a_note_without_a_name_still_reads_well),
        cmocka_unit_test(a_strangers_text_is_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
