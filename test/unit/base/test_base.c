#include "base/clock.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/states.h"
#include "base/text.h"
#include "base/tls_mode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void times_survive_a_round_trip(void **state)
{
    static const struct {
        const char *text;
        WallMs at;
    } good[] = {
        {"2026-11-21T17:52:00.123Z", G_GINT64_CONSTANT(1795283520123)},
        {"2026-11-21T18:52:00.123+01:00", G_GINT64_CONSTANT(1795283520123)},
        {"1970-01-02T00:00:00Z", CLOCK_DAY_MS},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        WallMs at = 0;
        assert_true(clock_parse_rfc3339(good[i].text, &at));
        assert_true(at == good[i].at);
    }
    g_autofree char *text = clock_format_rfc3339(good[0].at);
    assert_string_equal(text, good[0].text);
}

static void incomplete_times_are_refused(void **state)
{
    static const char *const bad[] = {"", "2026-11-21", "2026-11-21T17:52:00",
        "2026-11-21 17:52:00Z", "tomorrow", "2026-13-21T17:52:00Z", "2026-11-21T25:52:00Z"};
    WallMs at = 7;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(clock_parse_rfc3339(bad[i], &at));
    assert_true(at == 7);
}

static void ids_sort_by_time_and_survive_a_round_trip(void **state)
{
    static const guint8 random[ID_RANDOM_BYTES] = {0xff, 1, 0xff, 3, 4, 5, 6, 7, 8, 9};
    Id early = id_make(1000, random), late = id_make(1001, random), again;
    char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE];
    assert_true(strcmp(id_format(&early, "em", a), id_format(&late, "em", b)) < 0);
    assert_int_equal(early.bytes[6] >> 4, 7);
    assert_int_equal(early.bytes[8] >> 6, 2);
    assert_true(id_parse(a, "em", &again));
    assert_true(id_equal(&early, &again));
    assert_false(id_parse(a, "ver", &again));
    assert_false(id_parse(a, "", &again));
    assert_true(id_parse(a + strlen("em_"), "", &again)); /* digits alone */
    assert_true(id_equal(&early, &again));
    assert_false(id_parse(a + strlen("em_"), "em", &again));
    a[strlen(a) - 1] = 'G';
    assert_false(id_parse(a, "em", &again));
}

static void secrets_compare_and_keep_their_bytes(void **state)
{
    g_autoptr(Secret) a = secret_new("pass\0word", 9);
    g_autoptr(Secret) b = secret_copy(a);
    g_autoptr(Secret) c = secret_new_take(g_strdup("password"));
    gsize n = 0;
    assert_memory_equal(secret_reveal(b, &n), "pass\0word", 10);
    assert_int_equal(n, 9);
    assert_true(secret_equal(a, b));
    assert_false(secret_equal(a, c));
    assert_true(secret_equal(NULL, NULL));
    assert_false(secret_equal(a, NULL));
    assert_true(secret_is_empty(NULL));
}

/* That they are wiped shows in the process's memory only: test/real/test_canary.py. */
static void bytes_that_are_wiped_hold_what_was_given(void **state)
{
    g_autoptr(GBytes) some = secret_bytes_take(g_memdup2("a\0b", 3), 3);
    g_autoptr(GBytes) none = secret_bytes_take(NULL, 0);
    g_autoptr(GBytes) held = g_bytes_ref(some);
    assert_int_equal(g_bytes_get_size(held), 3);
    assert_memory_equal(g_bytes_get_data(held, NULL), "a\0b", 3);
    assert_int_equal(g_bytes_get_size(none), 0);
}

static void a_secret_is_found_in_what_somebody_says(void **state)
{
    static const struct {
        const char *name, *credential, *text;
        gboolean shown;
    } cases[] = {
        {"a refusal", "Geh-heim 7", "Error: authentication failed: UGFzc3dvcmQ6", FALSE},
        {"as it is", "Geh-heim 7", "no: Geh-heim 7", TRUE},
        {"short", "pw7", "user anna, pw7", TRUE},
        {"short, but another", "pw7", "user anna, pw8", FALSE},
        {"none at all", "", "no", FALSE},
        {"PLAIN", "Geh-heim 7", "no (AGFubmFAZXhhbXBsZS5vcmcAR2VoLWhlaW0gNw==)", TRUE},
        {"PLAIN without padding", "pw7", "no AGFubmEAcHc3", TRUE},
        {"LOGIN without padding", "Geh-heim 7", "no R2VoLWhlaW0gNw", TRUE},
        {"LOGIN, short, without padding", "pw70", "no cHc3MA.", TRUE},
        {"the second line of a long one", "Geh-heim 7", "no\nhbXBsZS5vcmcAR2VoLWhlaW0gNw==", TRUE},
        {"in base64url", ">>>>>>>>>>>>", "no: Pj4-Pj4-Pj4-Pj4-", TRUE},
        {"a stretch of a token", "ya29.Token-Geheim_7", "no: 9.Token-Geheim", TRUE},
        {"a stretch of a token, encoded", "ya29.Token-Geheim_7", "no: 5LlRva2VuLUdlaGVp", TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Secret) credential = secret_new(cases[i].credential, strlen(cases[i].credential));
        if (secret_is_shown(credential, cases[i].text, strlen(cases[i].text)) != cases[i].shown)
            fail_msg("%s", cases[i].name);
    }
}

static void moves_follow_the_table(void **state)
{
    static const StateRow rows[] = {{"shut", STATE_BIT(1)}, {"open", STATE_BIT(0)}};
    static const StateTable door = {"door", rows, 2};
    guint now = 0;
    states_move(&door, &now, 1);
    assert_int_equal(now, 1);
    assert_false(states_allow(&door, 1, 1));
    assert_string_equal(states_name(&door, 1), "open");
}

static void one_line_means_no_controls(void **state)
{
    assert_true(text_is_one_line("Grüße, 世界", FALSE));
    assert_true(text_is_one_line(NULL, FALSE));
    assert_true(text_is_one_line("a\tb", TRUE));
    static const char *const bad[] = {
        "a\rb", "a\nb", "a\tb", "\x1b[31m", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xff"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(text_is_one_line(bad[i], FALSE));
}

static void peer_text_is_made_harmless(void **state)
{
    static const struct {
        const char *in, *out;
        gsize max;
    } cases[] = {
        {"hello", "hello", 10},
        {"a\r\nb", "a b", 10},
        {"\x1b[31mred", "\xef\xbf\xbd[31mred", 10},
        {"abc\xe2\x80\xae"
         "def",
            "abc\xef\xbf\xbd"
            "def",
            10},
        {"abcdef", "abc…", 3},
        {"\xff", "\xef\xbf\xbd", 3},
        {"ab\rc\r\nd\r",
            "ab\xef\xbf\xbd"
            "c d",
            9},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *out = text_printable(cases[i].in, strlen(cases[i].in), cases[i].max);
        assert_string_equal(out, cases[i].out);
    }
}

static void tls_always_has_a_mode(void **state)
{
    TlsMode mode;
    assert_false(tls_mode_parse("none", &mode));
    assert_false(tls_mode_parse("plain", &mode));
    assert_false(tls_mode_parse("", &mode));
    assert_true(tls_mode_parse("implicit", &mode));
    assert_int_equal(mode, TLS_MODE_IMPLICIT);
    assert_int_equal(tls_mode_for_port(465), TLS_MODE_IMPLICIT);
    assert_int_equal(tls_mode_for_port(587), TLS_MODE_STARTTLS);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_survive_a_round_trip),
        cmocka_unit_test(incomplete_times_are_refused),
        cmocka_unit_test(ids_sort_by_time_and_survive_a_round_trip),
        cmocka_unit_test(secrets_compare_and_keep_their_bytes),
        cmocka_unit_test(bytes_that_are_wiped_hold_what_was_given),
        cmocka_unit_test(a_secret_is_found_in_what_somebody_says),
        cmocka_unit_test(moves_follow_the_table),
        cmocka_unit_test(one_line_means_no_controls),
        cmocka_unit_test(peer_text_is_made_harmless),
        cmocka_unit_test(tls_always_has_a_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
