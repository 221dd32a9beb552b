/* Browsers by their names, and the same one told from another. */
#include "api/words/browser_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
#define FIREFOX_LATER "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#define FIREFOX_ELSEWHERE \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
#define EDGE                                                                            \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " \
    "Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"
#define PHONE                                                                                   \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " \
    "Gecko) Version/17.0 Mobile/15E148 Safari/604.1"

static void browsers_have_names(void **state)
{
    static const struct {
        const char *agent, *de, *en;
    } rows[] = {
        {FIREFOX, "Firefox auf Linux", "Firefox on Linux"},
        {EDGE, "Edge auf Windows", "Edge on Windows"},
        {PHONE, "Safari auf iOS", "Safari on iOS"},
        {"Firefox/1", "Firefox", "Firefox"},
        {"curl/8.0", "curl", "curl"},
        {"a\nb/1", NULL, NULL}, /* one line, whatever it is */
        {"", "", ""},
    };
    assert_null(browser_text(NULL, LANGUAGE_DE));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *de = browser_text(rows[i].agent, LANGUAGE_DE);
        g_autofree char *en = browser_text(rows[i].agent, LANGUAGE_EN);
        assert_null(strchr(de, '\n'));
        if (!rows[i].en)
            continue;
        assert_string_equal(de, rows[i].de);
        assert_string_equal(en, rows[i].en);
    }
}

static void versions_make_no_other_browser(void **state)
{
    assert_true(browser_is_same(FIREFOX, FIREFOX_LATER));
    assert_true(browser_is_same(NULL, NULL));
    assert_true(browser_is_same("curl/8.0", "curl/8.1"));
    assert_false(browser_is_same(FIREFOX, FIREFOX_ELSEWHERE));
    assert_false(browser_is_same(EDGE, FIREFOX_ELSEWHERE));
    assert_false(browser_is_same("curl/8.0", "wget/1.0"));
    assert_false(browser_is_same(FIREFOX, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(browsers_have_names),
        cmocka_unit_test(versions_make_no_other_browser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
