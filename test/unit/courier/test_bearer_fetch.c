/* Whose token it is, and when it is renewed. */
#include "courier/bearer_fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_token_belongs_to_all_that_the_settings_say_about_the_login(void **state)
{
    g_autoptr(SmtpSettings) base = settings_new();
    base->host = g_strdup("mail.example.com");
    base->port = 465;
    base->security = TLS_MODE_IMPLICIT;
    base->from_email = g_strdup("noreply@example.com");
    const guint facts[] = {G_STRUCT_OFFSET(SmtpSettings, host),
        G_STRUCT_OFFSET(SmtpSettings, username), G_STRUCT_OFFSET(SmtpSettings, oauth.tenant),
        G_STRUCT_OFFSET(SmtpSettings, oauth.client_id), G_STRUCT_OFFSET(SmtpSettings, oauth.scope),
        G_STRUCT_OFFSET(SmtpSettings, oauth.subject),
        G_STRUCT_OFFSET(SmtpSettings, oauth.token_url),
        G_STRUCT_OFFSET(SmtpSettings, oauth.certificate)};
    const guint numbers[] = {G_STRUCT_OFFSET(SmtpSettings, port),
        G_STRUCT_OFFSET(SmtpSettings, security), G_STRUCT_OFFSET(SmtpSettings, oauth.provider),
        G_STRUCT_OFFSET(SmtpSettings, oauth.grant)};
    g_autofree char *first = bearer_identity_dup(1, base);
    g_autofree char *of_another_org = bearer_identity_dup(2, base);
    g_autoptr(GHashTable) all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    assert_string_not_equal(first, of_another_org);
    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        g_autoptr(SmtpSettings) other = settings_copy(base);
        char **fact = &G_STRUCT_MEMBER(char *, other, facts[i]);
        g_free(*fact);
        *fact = g_strdup("other");
        g_hash_table_add(all, bearer_identity_dup(1, other));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(SmtpSettings) other = settings_copy(base);
        G_STRUCT_MEMBER(guint, other, numbers[i])++;
        g_hash_table_add(all, bearer_identity_dup(1, other));
    }
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        g_autoptr(SmtpSettings) other = settings_copy(base);
        other->oauth.set_at[kind]++;
        g_hash_table_add(all, bearer_identity_dup(1, other));
    }
    assert_int_equal(
        g_hash_table_size(all), G_N_ELEMENTS(facts) + G_N_ELEMENTS(numbers) + OAUTH_SECRETS);
    assert_false(g_hash_table_contains(all, first));
    g_free(base->from_name); /* what is no part of the login changes nothing */
    base->from_name = g_strdup("other");
    base->window++;
    g_autofree char *same = bearer_identity_dup(1, base);
    assert_string_equal(first, same);
}

static void the_time_of_renewal_is_spread_and_before_the_token_is_too_old(void **state)
{
    static const struct {
        const char *name;
        gint64 lifetime_ms, earliest_ms, latest_ms;
    } cases[] = {
        {"an hour", CLOCK_HOUR_MS, 54 * CLOCK_MINUTE_MS, 55 * CLOCK_MINUTE_MS},
        {"a day", CLOCK_DAY_MS, CLOCK_DAY_MS - 6 * CLOCK_MINUTE_MS,
            CLOCK_DAY_MS - 5 * CLOCK_MINUTE_MS},
        {"eight minutes", 8 * CLOCK_MINUTE_MS, 5 * CLOCK_MINUTE_MS, 6 * CLOCK_MINUTE_MS},
        {"a minute", CLOCK_MINUTE_MS, 30 * CLOCK_SECOND_MS, 45 * CLOCK_SECOND_MS},
        {"a second", CLOCK_SECOND_MS, 500, 750},
        {"over at once", 1, 1, 1},
    };
    enum { STEPS = 16 };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 room = cases[i].latest_ms - cases[i].earliest_ms;
        print_message("# %s\n", cases[i].name);
        assert_int_equal(bearer_renewal_ms(cases[i].lifetime_ms, 0), cases[i].latest_ms);
        assert_in_range(bearer_renewal_ms(cases[i].lifetime_ms, G_MAXUINT32), cases[i].earliest_ms,
            cases[i].earliest_ms + 1);
        for (guint step = 0; step < STEPS; step++) { /* evenly */
            gint64 at = bearer_renewal_ms(cases[i].lifetime_ms, step * (G_MAXUINT32 / STEPS));
            gint64 even = cases[i].latest_ms - room * step / STEPS;
            assert_in_range(at, even, even + 1);
            assert_true(at <= cases[i].lifetime_ms - bearer_margin_ms(cases[i].lifetime_ms));
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_belongs_to_all_that_the_settings_say_about_the_login),
        cmocka_unit_test(the_time_of_renewal_is_spread_and_before_the_token_is_too_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
