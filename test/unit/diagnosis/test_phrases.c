#include "diagnosis/phrases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void phrases_are_found_wherever_they_stand(void **state)
{
    static const struct {
        const char *name, *text;
        gboolean has_user, has_user_unknown, has_own;
    } rows[] = {
        {"alone", "user unknown", TRUE, TRUE, FALSE},
        {"at the end", "550 5.1.1 user unknown", TRUE, TRUE, FALSE},
        {"overlapping each other", "user unknowner owner", TRUE, TRUE, TRUE},
        {"cut off", "user unknow", TRUE, FALSE, FALSE},
        {"start again inside a near miss", "ususer", TRUE, FALSE, FALSE},
        {"shorter than any phrase", "us", FALSE, FALSE, FALSE},
        {"empty", "", FALSE, FALSE, FALSE},
        {"other case", "USER UNKNOWN", FALSE, FALSE, FALSE},
    };
    g_autoptr(Phrases) phrases = phrases_new();
    int user = phrases_add(phrases, "user"), unknown = phrases_add(phrases, "user unknown"),
        own = phrases_add(phrases, "owner");
    phrases_seal(phrases);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        PhrasesFound found;
        phrases_find(phrases, rows[i].text, strlen(rows[i].text), &found);
        print_message("# %s\n", rows[i].name);
        assert_int_equal(phrases_was_found(&found, (guint)user), rows[i].has_user);
        assert_int_equal(phrases_was_found(&found, (guint)unknown), rows[i].has_user_unknown);
        assert_int_equal(phrases_was_found(&found, (guint)own), rows[i].has_own);
    }
}

static void the_same_phrase_has_one_number(void **state)
{
    g_autoptr(Phrases) phrases = phrases_new();
    int first = phrases_add(phrases, "relay"), second = phrases_add(phrases, "denied");
    assert_int_not_equal(first, second);
    assert_int_equal(phrases_add(phrases, "relay"), first);
    assert_int_equal(phrases_octets(phrases, (guint)second), 6);
}

static void phrases_beyond_the_limits_are_refused(void **state)
{
    g_autoptr(Phrases) phrases = phrases_new();
    g_autofree char *long_phrase = g_strnfill(PHRASE_OCTETS_MAX + 1, 'x');
    assert_int_equal(phrases_add(phrases, "no"), -1);
    assert_int_equal(phrases_add(phrases, long_phrase), -1);
    for (int i = 0; i < PHRASES_MAX; i++) {
        g_autofree char *phrase = g_strdup_printf("phrase %d", i);
        assert_int_equal(phrases_add(phrases, phrase), i);
    }
    assert_int_equal(phrases_add(phrases, "one more"), -1);
    phrases_seal(phrases);
    PhrasesFound found;
    phrases_find(phrases, "phrase 2047", 11, &found);
    assert_true(phrases_was_found(&found, 2047));
    assert_true(phrases_was_found(&found, 204));
    assert_false(phrases_was_found(&found, 205));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_are_found_wherever_they_stand),
        cmocka_unit_test(the_same_phrase_has_one_number),
        cmocka_unit_test(phrases_beyond_the_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
