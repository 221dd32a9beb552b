#include "base/limits.h"
#include "mails.h"

#include "store/domain_facts.h"

static void learn(Scratch *self, const char *domain, const char *value, WallMs at)
{
    g_autoptr(GError) error = NULL;
    ok(domain_fact_learn(self->db, ORG, domain, DOMAIN_FACT_SELECTOR, value, at, &error), error);
}

static char **list(Scratch *self, const char *domain, DomainFactKind kind, WallMs now)
{
    g_autoptr(GError) error = NULL;
    char **values = domain_facts_list(self->db, ORG, domain, kind, now, &error);
    ok(values, error);
    return values;
}

static void what_was_seen_last_comes_first_and_once(void **state)
{
    Scratch *self = *state;
    learn(self, "a.example", "one", T0);
    learn(self, "a.example", "two", T0 + 1);
    learn(self, "a.example", "one", T0 + 2);
    g_auto(GStrv) values = list(self, "a.example", DOMAIN_FACT_SELECTOR, T0 + 3);
    assert_int_equal(g_strv_length(values), 2);
    assert_string_equal(values[0], "one");
    assert_string_equal(values[1], "two");
}

static void domains_and_kinds_are_apart(void **state)
{
    Scratch *self = *state;
    learn(self, "a.example", "one", T0);
    g_auto(GStrv) addresses = list(self, "a.example", DOMAIN_FACT_ADDRESS, T0);
    g_auto(GStrv) others = list(self, "b.example", DOMAIN_FACT_SELECTOR, T0);
    assert_int_equal(g_strv_length(addresses), 0);
    assert_int_equal(g_strv_length(others), 0);
}

static void old_facts_are_not_told(void **state)
{
    Scratch *self = *state;
    learn(self, "a.example", "one", T0);
    g_auto(GStrv) before = list(self, "a.example", DOMAIN_FACT_SELECTOR, T0 + LIMIT_DOMAIN_FACT_MS);
    g_auto(GStrv) after =
        list(self, "a.example", DOMAIN_FACT_SELECTOR, T0 + LIMIT_DOMAIN_FACT_MS + 1);
    assert_int_equal(g_strv_length(before), 1);
    assert_int_equal(g_strv_length(after), 0);
}

static void only_the_newest_are_kept(void **state)
{
    Scratch *self = *state;
    for (gint i = 0; i < LIMIT_DOMAIN_FACTS + 3; i++) {
        g_autofree char *value = g_strdup_printf("s%d", i);
        learn(self, "a.example", value, T0 + i);
    }
    g_auto(GStrv) values = list(self, "a.example", DOMAIN_FACT_SELECTOR, T0 + 100);
    assert_int_equal(g_strv_length(values), LIMIT_DOMAIN_FACTS);
    assert_string_equal(values[0], "s22");
    assert_string_equal(values[LIMIT_DOMAIN_FACTS - 1], "s3");
}

static void domains_too_are_bounded(void **state)
{
    Scratch *self = *state;
    for (gint i = 0; i < LIMIT_DOMAINS_KNOWN + 1; i++) {
        g_autofree char *domain = g_strdup_printf("d%d.example", i);
        learn(self, domain, "one", T0 + i);
    }
    g_auto(GStrv) oldest = list(self, "d0.example", DOMAIN_FACT_SELECTOR, T0 + 100);
    g_auto(GStrv) next = list(self, "d1.example", DOMAIN_FACT_SELECTOR, T0 + 100);
    assert_int_equal(g_strv_length(oldest), 0);
    assert_int_equal(g_strv_length(next), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_was_seen_last_comes_first_and_once),
        SCRATCH_TEST(domains_and_kinds_are_apart),
        SCRATCH_TEST(old_facts_are_not_told),
        SCRATCH_TEST(only_the_newest_are_kept),
        SCRATCH_TEST(domains_too_are_bounded),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
