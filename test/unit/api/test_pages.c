/* What a browser may keep of the pages, and for how long. The files are real ones in a folder that
 * stands in for the embedded resources. */
#include "api/pages.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define INDEX                                   \
    "<link href=\"/assets/style.css\"><script " \
    "type=\"importmap\">{\"imports\":{\"x\":\"/assets/x.js\"}}</script>"

static char *folder;

static void put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static HttpAnswer *ask(Pages *pages, const char *path, const char *etag)
{
    g_autoptr(HttpRequest) request = http_request_new("GET", path, "127.0.0.1");
    if (etag)
        http_request_add_header(request, "If-None-Match", etag);
    return pages_answer(pages, request);
}

static char *body_of(const HttpAnswer *answer)
{
    gsize n = 0;
    const char *text = g_bytes_get_data(answer->body, &n);
    return g_strndup(text, n);
}

/* "/assets/0123456789abcdef/", as index.html names it. */
static char *edition_in(Pages *pages)
{
    g_autoptr(HttpAnswer) index = ask(pages, "/", NULL);
    g_autofree char *html = body_of(index);
    const char *at = strstr(html, "\"/assets/");
    assert_non_null(at);
    return g_strndup(at + 1, strlen("/assets/0123456789abcdef/"));
}

static void index_names_everything_in_the_edition_and_is_never_kept(void **state)
{
    g_autoptr(Pages) pages = pages_new();
    g_autofree char *edition = edition_in(pages);
    g_autoptr(HttpAnswer) index = ask(pages, "/", NULL);
    g_autofree char *html = body_of(index);
    g_autofree char *style = g_strconcat("\"", edition, "style.css\"", NULL);
    g_autofree char *module = g_strconcat("\"", edition, "x.js\"", NULL);
    assert_non_null(strstr(html, style));
    assert_non_null(strstr(html, module));
    assert_null(strstr(html, "\"/assets/x.js\""));
    assert_string_equal(http_answer_header(index, "Cache-Control"), "no-cache");
    /* The policy names the import map as it is served, not as it was written. */
    g_autofree char *policy = pages_policy(html);
    assert_string_equal(http_answer_header(index, "Content-Security-Policy"), policy);
}

static void a_file_of_the_edition_is_kept_for_good_and_any_other_is_asked_for_again(void **state)
{
    g_autoptr(Pages) pages = pages_new();
    g_autofree char *edition = edition_in(pages);
    g_autofree char *path = g_strconcat(edition, "x.js", NULL);
    g_autoptr(HttpAnswer) kept = ask(pages, path, NULL);
    g_autoptr(HttpAnswer) plain = ask(pages, "/assets/x.js", NULL);
    assert_non_null(strstr(http_answer_header(kept, "Cache-Control"), "immutable"));
    assert_string_equal(http_answer_header(plain, "Cache-Control"), "no-cache");
    assert_true(g_bytes_equal(kept->body, plain->body));
    g_autoptr(HttpAnswer) known = ask(pages, "/assets/x.js", http_answer_header(plain, "ETag"));
    assert_int_equal(known->status, 304);
}

static void a_file_of_another_edition_is_not_there(void **state)
{
    g_autoptr(Pages) pages = pages_new();
    g_autofree char *edition = edition_in(pages);
    static const char *const paths[] = {"/assets/0123456789abcdef/x.js", "/assets//x.js",
        "/assets/x.js/", "/assets/index.html", "/assets/../x.js"};
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
        assert_null(ask(pages, paths[i], NULL));
    g_autofree char *twice = g_strconcat(edition, edition + strlen("/assets/"), "x.js", NULL);
    assert_null(ask(pages, twice, NULL));
    assert_null(ask(pages, edition, NULL));
}

static void any_change_of_a_file_makes_another_edition(void **state)
{
    g_autoptr(Pages) before = pages_new();
    g_autoptr(Pages) same = pages_new();
    put("x.js", "export default 2;");
    g_autoptr(Pages) after = pages_new();
    put("x.js", "export default 1;");
    g_autofree char *first = edition_in(before);
    g_autofree char *second = edition_in(same);
    g_autofree char *third = edition_in(after);
    assert_string_equal(first, second);
    assert_string_not_equal(first, third);
}

static void a_provider_leads_back_to_the_same_page_and_to_nothing_beside_it(void **state)
{
    g_autoptr(Pages) pages = pages_new();
    g_autoptr(HttpAnswer) index = ask(pages, "/", NULL);
    g_autoptr(HttpAnswer) back = ask(pages, "/oauth/return", NULL);
    assert_true(g_bytes_equal(back->body, index->body));
    assert_string_equal(http_answer_header(back, "Content-Security-Policy"),
        http_answer_header(index, "Content-Security-Policy"));
    assert_null(ask(pages, "/oauth/return/", NULL));
    assert_null(ask(pages, "/oauth/", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_names_everything_in_the_edition_and_is_never_kept),
        cmocka_unit_test(a_file_of_the_edition_is_kept_for_good_and_any_other_is_asked_for_again),
        cmocka_unit_test(a_file_of_another_edition_is_not_there),
        cmocka_unit_test(any_change_of_a_file_makes_another_edition),
        cmocka_unit_test(a_provider_leads_back_to_the_same_page_and_to_nothing_beside_it),
    };
    folder = g_dir_make_tmp("absender-pages-XXXXXX", NULL);
    g_autofree char *overlay = g_strconcat("/absender/ui=", folder, NULL);
    g_setenv(
        "G_RESOURCE_OVERLAYS", overlay, TRUE); /* read once, when the first file is asked for */
    put("index.html", INDEX);
    put("style.css", "body { margin: 0; }");
    put("x.js", "export default 1;");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {"index.html", "style.css", "x.js"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return failed;
}
