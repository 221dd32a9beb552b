/* What may be asked for only so often. */
#include "api/rate.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define T0 CLOCK_DAY_MS

static void so_many_fit_into_every_window(void **state)
{
    g_autoptr(Rate) rate = rate_new();
    static const struct {
        const char *name;
        MonoMs at, wait_ms;
    } rows[] = {
        {"first", 0, 0},
        {"second", 10 * CLOCK_MINUTE_MS, 0},
        {"third", 20 * CLOCK_MINUTE_MS, 0},
        {"fourth is refused", 30 * CLOCK_MINUTE_MS, 30 * CLOCK_MINUTE_MS},
        {"and was not counted", CLOCK_HOUR_MS - 1, 1},
        {"when the first is over", CLOCK_HOUR_MS, 0},
        {"then until the second is", CLOCK_HOUR_MS, 10 * CLOCK_MINUTE_MS},
        {"after a long time all are free", CLOCK_DAY_MS, 0},
        {"all", CLOCK_DAY_MS, 0},
        {"all three", CLOCK_DAY_MS, 0},
        {"and no more", CLOCK_DAY_MS, CLOCK_HOUR_MS},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        MonoMs ahead_ms = rate_wait(rate, "anna@example.de", 3, CLOCK_HOUR_MS, T0 + rows[i].at);
        MonoMs wait_ms = rate_take(rate, "anna@example.de", 3, CLOCK_HOUR_MS, T0 + rows[i].at);
        assert_true(ahead_ms == wait_ms); /* and it has taken nothing */
        if (wait_ms != rows[i].wait_ms)
            fail_msg("%s: %" G_GINT64_FORMAT, rows[i].name, wait_ms);
    }
    assert_true(rate_take(rate, "bert@example.de", 3, CLOCK_HOUR_MS, T0 + CLOCK_DAY_MS) == 0);
}

static void all_rules_or_none_are_taken(void **state)
{
    g_autoptr(Rate) rate = rate_new();
    const RateRule rules[] = {{"client", 10, CLOCK_HOUR_MS}, {"organisation", 100, CLOCK_HOUR_MS},
        {"anna", 3, CLOCK_HOUR_MS}};
    for (int i = 0; i < 3; i++)
        assert_true(rate_take_all(rate, rules, G_N_ELEMENTS(rules), T0) == 0);
    for (int i = 0; i < 50; i++)
        assert_true(rate_take_all(rate, rules, G_N_ELEMENTS(rules), T0) == CLOCK_HOUR_MS);
    for (int i = 0; i < 7; i++) /* what was refused has used up nobody else's */
        assert_true(rate_take_all(rate, rules, 2, T0) == 0);
    assert_true(rate_take_all(rate, rules, 2, T0) == CLOCK_HOUR_MS);
}

static void the_table_is_bounded_and_forgets_the_oldest(void **state)
{
    g_autoptr(Rate) rate = rate_new();
    assert_true(rate_take(rate, "oldest", 1, CLOCK_HOUR_MS, T0) == 0);
    assert_true(rate_take(rate, "second", 1, CLOCK_HOUR_MS, T0 + 1) == 0);
    for (int i = 2; i <= LIMIT_RATE_KEYS; i++) {
        g_autofree char *key = g_strdup_printf("%d", i);
        assert_true(rate_take(rate, key, 1, CLOCK_HOUR_MS, T0 + i) == 0);
    }
    MonoMs now = T0 + LIMIT_RATE_KEYS + 1;
    assert_true(rate_take(rate, "second", 1, CLOCK_HOUR_MS, now) > 0);
    assert_true(rate_take(rate, "oldest", 1, CLOCK_HOUR_MS, now) == 0);
}

/* Whoever has many addresses, or asks for many, does not get what was taken away by it. */
static void who_asks_under_many_names_makes_nothing_forgotten(void **state)
{
    g_autoptr(Rate) rate = rate_new();
    for (guint i = 0; i < 3; i++)
        assert_true(rate_take(rate, "reset to anna", 3, CLOCK_HOUR_MS, T0) == 0);
    assert_true(rate_take(rate, "of an earlier hour", 2, CLOCK_MINUTE_MS, T0) == 0);
    assert_true(rate_take(rate, "of an earlier hour", 2, CLOCK_MINUTE_MS, T0) == 0);
    for (int i = 0; i < 3 * LIMIT_RATE_KEYS; i++) {
        g_autofree char *key = g_strdup_printf("reset from %d", i);
        assert_true(rate_take(rate, key, 3, CLOCK_HOUR_MS, T0 + CLOCK_MINUTE_MS + i % 2) == 0);
    }
    assert_true(rate_take(rate, "reset to anna", 3, CLOCK_HOUR_MS, T0 + CLOCK_MINUTE_MS) > 0);
}

static gpointer take_many(gpointer user)
{
    gsize n_taken = 0;
    for (int i = 0; i < 10000; i++)
        n_taken += rate_take(user, "anna", LIMIT_RATE_TAKES, CLOCK_HOUR_MS, T0) == 0;
    return GSIZE_TO_POINTER(n_taken);
}

static void many_threads_take_no_more_than_one(void **state)
{
    g_autoptr(Rate) rate = rate_new();
    GThread *threads[4];
    gsize n_taken = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("taker", take_many, rate);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        n_taken += GPOINTER_TO_SIZE(g_thread_join(threads[i]));
    assert_int_equal(n_taken, LIMIT_RATE_TAKES);
}

static void addresses_of_one_ipv6_network_have_one_key(void **state)
{
    static const struct {
        const char *client;
        gboolean is_same;
    } rows[] = {{"2001:db8:0:1::1", TRUE}, {"2001:DB8:0:1:ffff::2", TRUE},
        {"2001:db8:0:2::1", FALSE}, {"192.0.2.1", FALSE}, {"local", FALSE}};
    g_autofree char *key = rate_client_key("2001:db8:0:1:8000::7");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *other = rate_client_key(rows[i].client);
        if ((strcmp(key, other) == 0) != rows[i].is_same)
            fail_msg("%s", rows[i].client);
    }
    g_autofree char *plain = rate_client_key("192.0.2.1");
    assert_string_equal(plain, "i192.0.2.1");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_fit_into_every_window),
        cmocka_unit_test(all_rules_or_none_are_taken),
        cmocka_unit_test(the_table_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test(who_asks_under_many_names_makes_nothing_forgotten),
        cmocka_unit_test(many_threads_take_no_more_than_one),
        cmocka_unit_test(addresses_of_one_ipv6_network_have_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
