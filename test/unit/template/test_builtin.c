#include "template/builtin.h"
#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MOST_HTML_BYTES (30 * 1024)

static TemplateMail *render_with_samples(const BuiltinTemplate *builtin, gboolean only_needed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TemplateValues) values = template_values_new();
    for (guint i = 0; i < builtin->n_variables; i++) {
        const BuiltinVariable *variable = &builtin->variables[i];
        gboolean may_be_empty =
            strstr(variable->text, "leer sein") || strstr(variable->text, "kann fehlen") ||
            strstr(variable->text, "may be empty") || strstr(variable->text, "may be missing");
        if (!only_needed || !may_be_empty)
            template_values_set(values, variable->name, variable->sample);
    }
    g_autoptr(Template) template =
        template_compile(builtin->subject, builtin->text, builtin->html, &error);
    TemplateMail *mail = template ? template_render(template, values, &error) : NULL;
    if (!mail)
        fail_msg("%s/%s: %s", builtin->locale, builtin->name, error->message);
    return mail;
}

static void every_mail_is_there_in_both_languages(void **state)
{
    static const char *const names[] = {"invitation", "password_reset", "test_mail",
        "notice_breaker", "notice_quota", "notice_date", "security_password_changed",
        "security_new_sign_in", "booking_confirmation"};
    guint n = 0;
    builtin_templates(&n);
    assert_int_equal(n, 2 * G_N_ELEMENTS(names));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        assert_non_null(builtin_template_find(names[i], "de"));
        assert_non_null(builtin_template_find(names[i], "en"));
    }
    assert_null(builtin_template_find("invitation", "fr"));
    assert_null(builtin_template_find("nothing", "de"));
}

static void both_languages_take_the_same_values(void **state)
{
    guint n = 0;
    const BuiltinTemplate *all = builtin_templates(&n);
    for (guint i = 0; i + 1 < n; i += 2) {
        const BuiltinTemplate *de = &all[i], *en = &all[i + 1];
        assert_string_equal(de->name, en->name);
        assert_int_equal(de->n_variables, en->n_variables);
        for (guint k = 0; k < de->n_variables; k++) {
            assert_string_equal(de->variables[k].name, en->variables[k].name);
            assert_int_equal(de->variables[k].is_needed, en->variables[k].is_needed);
        }
    }
}

static void samples_fill_every_mail(void **state)
{
    guint n = 0;
    const BuiltinTemplate *all = builtin_templates(&n);
    for (guint i = 0; i < n; i++) {
        for (gboolean only_needed = FALSE; only_needed <= TRUE; only_needed++) {
            g_autoptr(TemplateMail) mail = render_with_samples(&all[i], only_needed);
            assert_true(strlen(mail->subject) > 5);
            assert_null(strstr(mail->text, "{{"));
            assert_null(strstr(mail->html, "{{"));
            assert_null(strstr(mail->text, "\n\n\n"));
            assert_null(strstr(mail->text, "<"));
            assert_true(strlen(mail->html) < MOST_HTML_BYTES);
        }
    }
}

/* Nothing is fetched from elsewhere: no picture, no font, no style sheet. */
static void no_mail_asks_for_remote_content(void **state)
{
    static const char *const words[] = {
        "<img", "src=", "url(", "@import", "<link", "<script", "<iframe", "background=", "srcset"};
    guint n = 0;
    const BuiltinTemplate *all = builtin_templates(&n);
    for (guint i = 0; i < n; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(words); k++) {
            if (strstr(all[i].html, words[k]))
                fail_msg("%s/%s holds %s", all[i].locale, all[i].name, words[k]);
        }
    }
}

static void text_and_html_show_every_needed_value(void **state)
{
    guint n = 0, needed = 0;
    const BuiltinTemplate *all = builtin_templates(&n);
    for (guint i = 0; i < n; i++) {
        g_autoptr(TemplateMail) mail = render_with_samples(&all[i], TRUE);
        for (guint k = 0; k < all[i].n_variables; k++) {
            if (!all[i].variables[k].is_needed)
                continue;
            needed++;
            assert_non_null(strstr(mail->text, all[i].variables[k].sample));
            assert_non_null(strstr(mail->html, all[i].variables[k].sample));
        }
    }
    assert_int_equal(needed, 6); /* the links of invitation, reset and test mail */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mail_is_there_in_both_languages),
        cmocka_unit_test(both_languages_take_the_same_values),
        cmocka_unit_test(samples_fill_every_mail),
        cmocka_unit_test(no_mail_asks_for_remote_content),
        cmocka_unit_test(text_and_html_show_every_needed_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
