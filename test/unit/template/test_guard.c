/* What a text with a secret link may hold. */
#include "template/builtin.h"
#include "template/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *name, *source, *says; /* says NULL: it is fine */
} Row;

static void check_rows(const Row *rows, gsize n, TemplatePart part)
{
    for (gsize i = 0; i < n; i++) {
        gboolean is_html = part == TEMPLATE_HTML;
        g_autoptr(GError) error = NULL;
        g_autoptr(Template) template = template_compile(
            "s", is_html ? "t" : rows[i].source, is_html ? rows[i].source : NULL, &error);
        if (!template) /* else the row would say nothing of the guard */
            fail_msg("%s: %s", rows[i].name, error->message);
        const char *fault = guard_fault(rows[i].source, part);
        if ((fault == NULL) != (rows[i].says == NULL) || (fault && !strstr(fault, rows[i].says)))
            fail_msg("%s: %s", rows[i].name, fault ? fault : "accepted");
    }
}

static void the_link_is_a_line_of_its_own(void **state)
{
    static const Row rows[] = {
        {"alone", "Hello\n\n{{link}}\n\nBye", NULL},
        {"with spaces", "  {{link}}\t\r\n", NULL},
        {"in a section", "{{#role}}\n{{link}}\n{{/role}}\n", NULL},
        {"behind another host", "https://evil.example/#{{link}}", "alone in its line"},
        {"behind a bare name", "{{link}}\nevil.example/{{link}}", "alone in its line"},
        {"behind a comment", "evil.example/#{{! a\n}}{{link}}", "alone in its line"},
        {"behind a section", "evil.example/#{{#role}}{{link}}{{/role}}", "alone in its line"},
        {"before something", "{{link}}.evil.example", "alone in its line"},
        {"between words", "see {{link}} please", "alone in its line"},
        {"another host", "{{link}}\nhttps://evil.example/", "begin with {{public_url}}"},
        {"another scheme", "{{link}}\nftp://evil.example/", "begin with {{public_url}}"},
        {"a host that looks like one", "{{link}}\nWWW.evil.example", "begin with {{public_url}}"},
        {"our own page", "{{link}}\n({{public_url}}/#/help), {{public_url}}.\n{{public_url}}",
            NULL},
        {"our name drawn out", "{{link}}\n{{public_url}}.evil.example",
            "begin with {{public_url}}"},
        {"our name as a user", "{{link}}\n{{public_url}}@evil.example",
            "begin with {{public_url}}"},
        {"our name and a value", "{{public_url}}{{org_name}}", "begin with {{public_url}}"},
    };
    check_rows(rows, G_N_ELEMENTS(rows), TEMPLATE_TEXT);
    assert_non_null(guard_fault("{{link}}", TEMPLATE_SUBJECT));
    assert_null(guard_fault("{{org_name}}", TEMPLATE_SUBJECT));
}

static void the_link_is_a_whole_href(void **state)
{
    static const Row rows[] = {
        {"a button", "<p style=\"color:#ffffff\"><a class=x HREF='{{link}}'>Go</a>", NULL},
        {"a link that shows itself", "<a href=\"{{link}}\">{{link}}</a>", NULL},
        {"our own page", "<a href=\"{{public_url}}/#/help\">{{public_url}}</a>", NULL},
        {"a mail address", "<a href=\"mailto:help@example.org\">Help</a>", NULL},
        {"a name of XML", "<html xmlns=\"http://www.w3.org/1999/xhtml\">", NULL},
        {"a fragment of another host", "<a href=\"https://evil.example/#{{link}}\">x</a>",
            "begin with"},
        {"a fragment of ours", "<a href=\"{{public_url}}/#{{link}}\">x</a>", "whole address"},
        {"drawn out", "<a href=\"{{link}}.evil.example\">x</a>", "begin with"},
        {"ours drawn out", "<a href=\"{{public_url}}.evil.example\">x</a>", "begin with"},
        {"mailed away", "<a href=\"mailto:a@evil.example?body={{link}}\">x</a>", "begin with"},
        {"another host", "<a href=\"//evil.example\">x</a>", "begin with"},
        {"an entity", "<a href=\"https&colon;&sol;&sol;evil.example\">x</a>", "begin with"},
        {"a base", "<base href='https://evil.example/'>", "begin with"},
        {"no quotes", "<a href=//evil.example>x</a>", "in quotes"},
        {"shown bare", "<p>{{link}}</p>", "all that this link shows"},
        {"shown behind a name", "evil.example/#<b>{{link}}</b>", "all that this link shows"},
        {"in a title", "<a title=\"{{link}}\">x</a>", "all that this link shows"},
        {"an address as text", "<p>https://evil.example</p>", "begin with"},
        {"a picture", "<img src=\"https://evil.example/p.png\">", "Pictures"},
        {"a picture of ours", "<img src=\"{{public_url}}/p.png\">", "Pictures"},
        {"a set of pictures", "<img srcset=\"//evil.example/p.png 2x\">", "Pictures"},
        {"a background", "<p style=\"background:URL(//evil.example)\">", "Pictures"},
        {"an escaped one", "<p style=\"background:u\\72l(//evil.example)\">", "Pictures"},
        {"one in entities", "<p style=\"background:u&#114;l(//evil.example)\">", "Pictures"},
        {"a sheet", "<style>p{background:url(//evil.example)}</style>", "Pictures"},
        {"an import", "<style>@import '//evil.example'</style>", "Pictures"},
        {"a refresh", "<meta content=\"0;URL=//evil.example\">", "Pictures"},
        {"a comment for Outlook", "<!--[if mso]><a href=//evil.example><![endif]-->", "comments"},
        {"a tag in quotes", "<title><a title=\"</title><a href=//evil.example>\">", "In quotes"},
        {"a tag in a sheet", "<title><style></title><a href=//evil.example></style>", "In quotes"},
    };
    check_rows(rows, G_N_ELEMENTS(rows), TEMPLATE_HTML);
}

static void our_own_texts_keep_the_rules(void **state)
{
    static const char *const names[] = {"invitation", "password_reset"};
    static const char *const locales[] = {"de", "en"};
    for (gsize i = 0; i < 4; i++) {
        const BuiltinTemplate *builtin = builtin_template_find(names[i / 2], locales[i % 2]);
        const char *const sources[] = {builtin->subject, builtin->text, builtin->html};
        for (TemplatePart part = TEMPLATE_SUBJECT; part < TEMPLATE_PARTS; part++) {
            const char *fault = guard_fault(sources[part], part);
            if (fault)
                fail_msg("%s/%s: %s", locales[i % 2], names[i / 2], fault);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link_is_a_line_of_its_own),
        cmocka_unit_test(the_link_is_a_whole_href),
        cmocka_unit_test(our_own_texts_keep_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
