/* Every explanation is a whole sentence, in both languages. */
#include "api/words/explanation_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SOME_TIME G_GINT64_CONSTANT(1798135500000) /* 2026-12-24T18:05:00Z */

static gboolean names_a_gate(ExplainCode code)
{
    return code == EXPLAIN_HELD || code == EXPLAIN_SCHEDULED_HELD || code == EXPLAIN_UNCERTAIN_HELD;
}

typedef enum { NOTHING_FOLLOWS, A_MOMENT_FOLLOWS, IT_EXPIRES_FIRST } Outlook;

static char *say(ExplainCode code, EmailGate gate, Outlook outlook, Language language)
{
    const Explanation explanation = {.code = code,
        .gate = gate,
        .next_at = outlook == A_MOMENT_FOLLOWS ? SOME_TIME : 0,
        .expires_at = SOME_TIME + CLOCK_DAY_MS,
        .expires_first = outlook == IT_EXPIRES_FIRST};
    const ExplanationWords words = {.own_at = SOME_TIME};
    return explanation_sentence(&explanation, &words, language);
}

static void assert_whole(const char *sentence)
{
    assert_true(g_utf8_validate(sentence, -1, NULL));
    assert_true(g_str_has_suffix(sentence, "."));
    assert_null(strpbrk(sentence, "{}"));
    assert_null(strstr(sentence, "  "));
    assert_null(strstr(sentence, "(null)"));
}

static void every_code_and_gate_is_a_whole_sentence_in_both_languages(void **state)
{
    for (ExplainCode code = EXPLAIN_WAITING_TURN; code <= EXPLAIN_HANDED_OVER; code++)
        for (EmailGate gate = EMAIL_GATE_OPEN; gate <= EMAIL_GATE_QUOTA; gate++)
            for (Outlook outlook = NOTHING_FOLLOWS; outlook <= IT_EXPIRES_FIRST; outlook++) {
                if (names_a_gate(code) != (gate != EMAIL_GATE_OPEN))
                    continue;
                g_autofree char *en = say(code, gate, outlook, LANGUAGE_EN);
                g_autofree char *de = say(code, gate, outlook, LANGUAGE_DE);
                assert_whole(en);
                assert_whole(de);
                assert_string_not_equal(en, de);
            }
}

static void every_change_has_words_in_both_languages(void **state)
{
    for (ExplainChange each = EXPLAIN_CHANGE_ENTER_SETTINGS; each <= EXPLAIN_CHANGE_SEND_NEW;
         each++) {
        const char *en = explanation_change(each, NULL, LANGUAGE_EN);
        assert_string_not_equal(en, explanation_change(each, NULL, LANGUAGE_DE));
    }
    assert_string_equal(
        explanation_change(EXPLAIN_CHANGE_FIX_CAUSE, "Do this.", LANGUAGE_EN), "Do this.");
    assert_string_equal(explanation_change(EXPLAIN_CHANGE_SWITCH_ON, "Do this.", LANGUAGE_EN),
        "Switch mail sending on");
}

static void times_are_in_the_words_of_the_language(void **state)
{
    g_autofree char *de = explanation_time(SOME_TIME, NULL, LANGUAGE_DE);
    g_autofree char *en = explanation_time(SOME_TIME, NULL, LANGUAGE_EN);
    assert_string_equal(de, "24. Dezember 2026 um 18:05 Uhr (UTC)");
    assert_string_equal(en, "24 December 2026 at 18:05 (UTC)");
    g_autofree char *odd = explanation_time(G_MAXINT64, NULL, LANGUAGE_EN);
    assert_string_equal(odd, "an unknown time");
    g_autoptr(GTimeZone) zone = g_time_zone_new_offset(5 * 3600 + 1800);
    g_autofree char *there = explanation_time(SOME_TIME, zone, LANGUAGE_DE);
    assert_string_equal(there, "24. Dezember 2026 um 23:35 Uhr");
}

static void sentences_hold_what_is_known(void **state)
{
    const Explanation refused = {.code = EXPLAIN_DEFERRED_REFUSED, .next_at = SOME_TIME};
    const ExplanationWords words = {.address = "b@example.org", .meaning = "The mailbox is full."};
    g_autofree char *en = explanation_sentence(&refused, &words, LANGUAGE_EN);
    assert_string_equal(en, "To b@example.org: The provider has not taken this email yet. The "
                            "mailbox is full. The next attempt follows on 24 December 2026 at "
                            "18:05 (UTC).");
    const Explanation ours = {.code = EXPLAIN_DEFERRED_ACCOUNT, .next_at = SOME_TIME};
    const ExplanationWords sender = {.meaning = "Dieser Absender ist nicht erlaubt."};
    g_autofree char *settings = explanation_sentence(&ours, &sender, LANGUAGE_DE);
    assert_string_equal(settings,
        "Der Anbieter lehnt diese E-Mail wegen des Kontos oder der Einstellungen ab. Dieser "
        "Absender ist nicht erlaubt. Absender versucht es alle 30 Minuten erneut, das nächste Mal "
        "am 24. Dezember 2026 um 18:05 Uhr (UTC), und sofort, sobald neue Einstellungen geprüft "
        "sind.");
    const Explanation former = {.code = EXPLAIN_DEFERRED_SENDER};
    const ExplanationWords both = {.sender = "boss@other.example",
        .allowed = "info@verein.example",
        .meaning = "This is not said twice."};
    g_autofree char *kept = explanation_sentence(&former, &both, LANGUAGE_DE);
    assert_string_equal(kept,
        "Diese E-Mail trägt noch den Absender boss@other.example. Gesendet werden darf nur "
        "als info@verein.example; Absender hat sie deshalb nicht übergeben.");
    const Explanation fault = {.code = EXPLAIN_HELD, .gate = EMAIL_GATE_CREDENTIAL_FAULT};
    const ExplanationWords why = {.meaning = "Das Passwort ist falsch."};
    g_autofree char *de = explanation_sentence(&fault, &why, LANGUAGE_DE);
    assert_string_equal(de, "Diese E-Mail wartet, weil der Anbieter die Anmeldung ablehnt. Das "
                            "Passwort ist falsch. Von selbst wird die Anmeldung nicht mehr "
                            "versucht, damit der Anbieter das Konto nicht sperrt.");
    /* A pause has nothing to do with what an attempt met before. */
    const Explanation paused = {.code = EXPLAIN_HELD, .gate = EMAIL_GATE_PAUSED};
    g_autofree char *pause = explanation_sentence(&paused, &why, LANGUAGE_DE);
    assert_string_equal(pause, "Diese E-Mail wartet, weil der Mailversand pausiert ist.");
    const Explanation late = {.code = EXPLAIN_HELD,
        .gate = EMAIL_GATE_PAUSED,
        .expires_at = SOME_TIME,
        .expires_first = TRUE};
    g_autofree char *over = explanation_sentence(&late, &why, LANGUAGE_DE);
    assert_string_equal(over,
        "Diese E-Mail wartet, weil der Mailversand pausiert ist. Sie verfällt am "
        "24. Dezember 2026 um 18:05 Uhr (UTC), bevor es von selbst "
        "weitergeht.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_and_gate_is_a_whole_sentence_in_both_languages),
        cmocka_unit_test(every_change_has_words_in_both_languages),
        cmocka_unit_test(times_are_in_the_words_of_the_language),
        cmocka_unit_test(sentences_hold_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
