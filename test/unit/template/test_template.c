#include "base/error.h"
#include "base/limits.h"
#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static TemplateValues *values_of(const char *const *pairs)
{
    TemplateValues *values = template_values_new();
    for (guint i = 0; pairs[i]; i += 2)
        template_values_set(values, pairs[i], pairs[i + 1]);
    return values;
}

static void values_fill_the_holes(void **state)
{
    static const char *const pairs[] = {
        "name", "Müller & <Söhne>", "empty", "", "quote", "\"'", NULL};
    static const struct {
        const char *name, *source, *text, *html;
    } rows[] = {
        {"a value", "Hi {{name}}!", "Hi Müller & <Söhne>!", "Hi Müller &amp; &lt;Söhne&gt;!"},
        {"spaces in the tag", "{{  name  }}", "Müller & <Söhne>", "Müller &amp; &lt;Söhne&gt;"},
        {"both quotes", "{{quote}}", "\"'", "&quot;&#39;"},
        {"an empty value", "[{{empty}}]", "[]", "[]"},
        {"a section", "{{#name}}yes{{/name}}", "yes", "yes"},
        {"an empty section", "a{{#empty}}no{{/empty}}b", "ab", "ab"},
        {"a section that asks for nothing", "a{{#none}}{{none}}{{/none}}b", "ab", "ab"},
        {"the reverse", "{{^empty}}yes{{/empty}}{{^name}}no{{/name}}", "yes", "yes"},
        {"one in the other", "{{#name}}{{^empty}}{{name}}{{/empty}}{{/name}}", "Müller & <Söhne>",
            "Müller &amp; &lt;Söhne&gt;"},
        {"a comment", "a{{! nothing }}b", "ab", "ab"},
        {"lines of sections vanish", "a\n{{#name}}\nb\n{{/name}}\nc\n", "a\nb\nc\n", "a\nb\nc\n"},
        {"also of those not shown", "a\n{{#empty}}\nb\n{{/empty}}\n\nc\n", "a\n\nc\n", "a\n\nc\n"},
        {"an empty line in one stays", "a\n{{#name}}\n\nb\n{{/name}}\n\nc", "a\n\nb\n\nc",
            "a\n\nb\n\nc"},
        {"braces alone", "{ } {a} }} {", "{ } {a} }} {", "{ } {a} }} {"},
        {"a value is no template", "{{name}}", "Müller & <Söhne>", "Müller &amp; &lt;Söhne&gt;"},
    };
    g_autoptr(TemplateValues) values = values_of(pairs);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Template) template =
            template_compile("s", rows[i].source, rows[i].source, &error);
        g_autoptr(TemplateMail) mail = template ? template_render(template, values, &error) : NULL;
        if (!mail)
            fail_msg("%s: %s", rows[i].name, error->message);
        assert_string_equal(mail->subject, "s");
        assert_string_equal(mail->text, rows[i].text);
        assert_string_equal(mail->html, rows[i].html);
    }
}

static void what_is_not_allowed_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *name, *html, *says;
    } rows[] = {
        {"three braces", "a\n{{{name}}}", "Line 2: Values are always escaped"},
        {"an ampersand", "{{& name}}", "Line 1: Values are always escaped"},
        {"a partial", "{{> other}}", "Line 1: A template cannot include"},
        {"a partial by path", "\n\n{{>/etc/passwd}}", "Line 3: A template cannot include"},
        {"delimiters", "{{=<% %>=}}", "Line 1: The signs"},
        {"no end", "a {{name", "Line 1: {{ is not closed"},
        {"no name", "{{}}", "Line 1: Between"},
        {"a dotted name", "{{a.b}}", "Line 1: Between"},
        {"the dot", "{{.}}", "Line 1: Between"},
        {"an open section", "{{#a}}x\n", "Line 2: The section {{#a}} is not closed"},
        {"a closed one", "x{{/a}}", "Line 1: {{/a}} closes a section that is not open"},
        {"crossed ones", "{{#a}}{{#b}}{{/a}}{{/b}}", "Line 1: {{/a}} closes"},
        {"a value in a tag", "<a {{name}}>", "Line 1: Please put {{name}} in quotes"},
        {"a value without quotes", "<a href={{name}}>", "Line 1: Please put {{name}} in quotes"},
        {"the name of a tag", "<{{name}}>", "Line 1: {{ may not stand directly behind <"},
        {"a comment that hides one", "<{{! }}script>", "Line 1: {{ may not stand directly"},
        {"a section in a tag", "<a {{#x}}b{{/x}}>", "Line 1: {{#x}} may only stand between tags"},
        {"a section in a value", "<a href=\"{{#x}}\">", "Line 1: {{#x}} may only stand"},
        {"a script", "<p>\n<SCRIPT>", "Line 2: Mail programs run no scripts"},
        {"an event", "<a x=y onclick = '{{name}}'>", "Line 1: {{name}} may not stand in a script"},
        {"a comment of HTML", "<!-- {{name}} -->", "Line 1: {{name}} may not stand in a script"},
        {"a tag without end", "<p", "Line 1: The HTML ends inside"},
        {"a style sheet without end", "<style>a{}", "Line 1: The HTML ends inside"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TemplateFault) fault = NULL;
        g_autoptr(Template) template = template_check("s", "t", rows[i].html, &fault);
        if (template)
            fail_msg("%s: accepted", rows[i].name);
        assert_int_equal(fault->part, TEMPLATE_HTML);
        if (!g_str_has_prefix(fault->detail, rows[i].says))
            fail_msg("%s: %s", rows[i].name, fault->detail);
    }
}

static void a_value_must_fit_where_it_stands(void **state)
{
    static const struct {
        const char *name, *html, *value;
        gboolean is_fine;
    } rows[] = {
        {"a link", "<a href=\"{{v}}\">", "https://a.example/?a=1&b=2", TRUE},
        {"a mailto", "<a HREF = '{{v}}'>", "mailto:a@example.org", TRUE},
        {"a script as link", "<a href=\"{{v}}\">", "javascript:alert(1)", FALSE},
        {"in other letters", "<a href=\"{{v}}\">", "JaVaScRiPt:alert(1)", FALSE},
        {"behind a space", "<a href=\" {{v}}\">", "javascript:alert(1)", FALSE},
        {"with a tab in it", "<a href=\"{{v}}\">", "https://a\tb", FALSE},
        {"data", "<img src='{{v}}'>", "data:text/html,x", FALSE},
        {"nothing", "<a href=\"{{v}}\">", "", FALSE},
        {"part of a link", "<a href=\"https://a.example/{{v}}\">", "x", TRUE},
        {"another attribute", "<a title=\"{{v}}\">", "javascript:alert(1)", TRUE},
        {"a colour", "<p style=\"color:{{v}}\">", "#1f5fBF", TRUE},
        {"a name of a colour", "<p style=\"color:{{v}}\">", "red", FALSE},
        {"more than a colour", "<p style='color:{{v}}'>", "#1f5fbf;background:url(//x)", FALSE},
        {"a colour in a sheet", "<style>p{color:{{v}}}</style>", "#1f5fbf", TRUE},
        {"more in a sheet", "<style>p{color:{{v}}}</style>", "x}</style>", FALSE},
        {"behind a sheet", "<style>p{}</style>{{v}}", "x}</style>", TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *const pairs[] = {"v", rows[i].value, NULL};
        g_autoptr(GError) error = NULL;
        g_autoptr(TemplateValues) values = values_of(pairs);
        g_autoptr(Template) template = template_compile("s", "t", rows[i].html, &error);
        if (!template)
            fail_msg("%s: %s", rows[i].name, error->message);
        g_autoptr(TemplateMail) mail = template_render(template, values, &error);
        if ((mail != NULL) != rows[i].is_fine)
            fail_msg("%s: %s", rows[i].name, mail ? mail->html : error->message);
        if (!mail)
            assert_non_null(strstr(error->message, "\"v\""));
    }
}

static void a_missing_value_is_named(void **state)
{
    static const char *const parts[][3] = {
        {"{{who}}", "t", NULL}, {"s", "{{who}}", NULL}, {"s", "t", "{{who}}"}};
    g_autoptr(TemplateValues) values = template_values_new();
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Template) template =
            template_compile(parts[i][0], parts[i][1], parts[i][2], &error);
        assert_non_null(template);
        assert_null(template_render(template, values, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
        assert_string_equal(error->message, "The template needs a value for \"who\".");
    }
}

static void a_line_end_does_not_reach_the_subject(void **state)
{
    static const char *const values_with[] = {
        "a\r\nBcc: x@example.org", "a\n", "\r", "a\tb", "\x1b"};
    g_autoptr(Template) template = template_compile("Hi {{v}}", "{{v}}", NULL, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(values_with); i++) {
        const char *const pairs[] = {"v", values_with[i], NULL};
        g_autoptr(GError) error = NULL;
        g_autoptr(TemplateValues) values = values_of(pairs);
        assert_null(template_render(template, values, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
    assert_null(template_compile("a\nb", "t", NULL, NULL));
}

static char *repeated(const char *text, guint times)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < times; i++)
        g_string_append(all, text);
    return g_string_free(all, FALSE);
}

static void everything_is_bounded(void **state)
{
    g_autofree char *long_text = repeated("a", LIMIT_TEMPLATE_BYTES + 1);
    g_autofree char *just_long = repeated("a", LIMIT_TEMPLATE_BYTES);
    g_autofree char *tags = repeated("{{v}}", LIMIT_TEMPLATE_TAGS);
    g_autofree char *more_tags = g_strconcat(tags, "{{v}}", NULL);
    g_autofree char *open = repeated("{{#v}}", LIMIT_TEMPLATE_SECTIONS);
    g_autofree char *close = repeated("{{/v}}", LIMIT_TEMPLATE_SECTIONS);
    g_autofree char *deep = g_strconcat(open, "x", close, NULL);
    g_autofree char *deeper = g_strconcat("{{#v}}", deep, "{{/v}}", NULL);
    const struct {
        const char *name, *text;
        gboolean is_fine;
    } rows[] = {{"long", just_long, TRUE}, {"longer", long_text, FALSE}, {"tags", tags, TRUE},
        {"one more", more_tags, FALSE}, {"deep", deep, TRUE}, {"deeper", deeper, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Template) template = template_compile("s", rows[i].text, NULL, NULL);
        if ((template != NULL) != rows[i].is_fine)
            fail_msg("%s", rows[i].name);
    }
    const char *const pairs[] = {"v", just_long, NULL};
    g_autoptr(TemplateValues) values = values_of(pairs);
    g_autoptr(Template) template = template_compile("s", tags, NULL, NULL);
    g_autoptr(GError) error = NULL;
    assert_null(template_render(template, values, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
}

/* Peak memory of this process, in bytes. */
static gint64 peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (gint64)usage.ru_maxrss * 1024;
}

static void sections_do_not_copy_what_they_ask_for(void **state)
{
    static const char *const signs[] = {"{{#x}}{{/x}}", "{{^x}}{{/x}}"};
    g_autofree char *large = g_strnfill(1 << 20, 'x');
    const char *const pairs[] = {"x", large, NULL};
    g_autoptr(TemplateValues) values = values_of(pairs);
    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        g_autofree char *sections = repeated(signs[i], 490);
        g_autoptr(Template) template = template_compile("s", sections, NULL, NULL);
        gint64 before = peak_bytes();
        g_autoptr(TemplateMail) mail = template_render(template, values, NULL);
        assert_string_equal(mail->text, "");
        assert_true(peak_bytes() - before < 64 << 20);
    }
}

static void the_first_value_stays_the_default(void **state)
{
    g_autoptr(TemplateValues) values = template_values_new();
    template_values_set(values, "a", "1");
    template_values_default(values, "a", "2");
    template_values_default(values, "b", "3");
    template_values_set(values, "c", NULL);
    assert_string_equal(template_values_get(values, "a"), "1");
    assert_string_equal(template_values_get(values, "b"), "3");
    assert_string_equal(template_values_get(values, "c"), "");
    assert_null(template_values_get(values, "d"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fill_the_holes),
        cmocka_unit_test(what_is_not_allowed_is_refused_with_its_line),
        cmocka_unit_test(a_value_must_fit_where_it_stands),
        cmocka_unit_test(a_missing_value_is_named),
        cmocka_unit_test(a_line_end_does_not_reach_the_subject),
        cmocka_unit_test(everything_is_bounded),
        cmocka_unit_test(sections_do_not_copy_what_they_ask_for),
        cmocka_unit_test(the_first_value_stays_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
