#include "base/twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const TextTwin rows[] = {
    {"there is no folder *", "den Ordner {1} gibt es nicht"},
    {"* of * are there", "von {2} sind {1} da"},
    {"it failed: *", "es ging nicht: {1}"},
    {"plain", "{1} schlicht {9}"},
};

static char *german(const char *sentence)
{
    return text_twin(rows, G_N_ELEMENTS(rows), sentence, german);
}

static void a_sentence_becomes_its_twin(void **state)
{
    static const struct {
        const char *name, *sentence, *twin; /* NULL: there is none */
    } cases[] = {
        {"what is formatted in moves", "3 of 12 are there", "von 12 sind 3 da"},
        {"a part takes as little as it can", "1 of 2 of 3 are there", "von 2 of 3 sind 1 da"},
        {"a part may be a sentence", "it failed: there is no folder /srv",
            "es ging nicht: den Ordner /srv gibt es nicht"},
        {"a part may be empty", "there is no folder ", "den Ordner  gibt es nicht"},
        {"a part may hold what looks like a place", "there is no folder {1}",
            "den Ordner {1} gibt es nicht"},
        {"places without a part stay", "plain", "{1} schlicht {9}"},
        {"the beginning alone does not do", "3 of 12", NULL},
        {"nor does more behind the end", "plain as well", NULL},
        {"nothing", "", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *twin = german(cases[i].sentence);
        if (g_strcmp0(twin, cases[i].twin) != 0)
            fail_msg("%s: %s", cases[i].name, twin != NULL ? twin : "none");
    }
}

static void parts_are_taken_as_they_are_if_nobody_has_their_twin(void **state)
{
    g_autofree char *twin =
        text_twin(rows, G_N_ELEMENTS(rows), "it failed: there is no folder /srv", NULL);
    assert_string_equal(twin, "es ging nicht: there is no folder /srv");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_becomes_its_twin),
        cmocka_unit_test(parts_are_taken_as_they_are_if_nobody_has_their_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
