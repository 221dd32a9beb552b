/* What the presets tell about SPF and DKIM is fit for the domain check. */
#include "domain/dkim.h"
#include "domain/spf_record.h"
#include "provider/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load(void **state)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", "providers.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    *state = g_file_get_contents(path, &json, &n, NULL) ? provider_list_new(json, n, NULL) : NULL;
    return *state ? 0 : -1;
}

static int drop(void **state)
{
    provider_list_free(*state);
    return 0;
}

static void every_mechanism_is_one_include_or_redirect(void **state)
{
    guint n_mechanisms = 0;
    for (guint i = 0; i < provider_count(*state); i++) {
        const Provider *provider = provider_at(*state, i);
        if (!provider->spf_mechanism)
            continue;
        g_autofree char *text = g_strconcat("v=spf1 ", provider->spf_mechanism, NULL);
        g_autoptr(SpfRecord) record = spf_record_parse(text, NULL);
        if (!record || record->terms->len != 1)
            fail_msg("%s: %s", provider->id, provider->spf_mechanism);
        const SpfTerm *term = record->terms->pdata[0];
        assert_true(term->kind == SPF_INCLUDE || term->kind == SPF_REDIRECT);
        assert_false(term->has_macro);
        n_mechanisms++;
    }
    assert_true(n_mechanisms >= 25);
}

static void every_whole_record_is_valid_and_holds_the_mechanism(void **state)
{
    for (guint i = 0; i < provider_count(*state); i++) {
        const Provider *provider = provider_at(*state, i);
        if (!provider->spf_record)
            continue;
        assert_true(spf_record_is_one(provider->spf_record));
        g_autoptr(SpfRecord) record = spf_record_parse(provider->spf_record, NULL);
        if (!record || !strstr(provider->spf_record, provider->spf_mechanism))
            fail_msg("%s: %s", provider->id, provider->spf_record);
    }
}

static void every_selector_can_be_asked_for_or_is_a_blank(void **state)
{
    for (guint i = 0; i < provider_count(*state); i++) {
        const Provider *provider = provider_at(*state, i);
        for (guint j = 0; provider->dkim_selectors[j]; j++) {
            const char *selector = provider->dkim_selectors[j];
            if (!strchr(selector, '<') && !dkim_selector_is_sound(selector))
                fail_msg("%s: %s", provider->id, selector);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mechanism_is_one_include_or_redirect),
        cmocka_unit_test(every_whole_record_is_valid_and_holds_the_mechanism),
        cmocka_unit_test(every_selector_can_be_asked_for_or_is_a_blank),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
