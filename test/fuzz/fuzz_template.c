/* A template of a stranger, filled with a stranger's values. Whatever is accepted renders within
 * its bounds, and no value changes the structure of the HTML: with any value there are as many
 * brackets and quotes as with a plain one, and the subject is one line. Input: subject, text, HTML
 * and value, with a NUL between them. */
#include "base/limits.h"
#include "base/text.h"
#include "template/template.h"

#include <stdint.h>
#include <string.h>

#define PARTS 4

static void split(const char *data, gsize n, char *parts[PARTS])
{
    for (guint i = 0; i < PARTS; i++) {
        const char *end = memchr(data, '\0', n);
        gsize length = end && i + 1 < PARTS ? (gsize)(end - data) : n;
        g_autofree char *raw = g_strndup(data, length);
        parts[i] = g_utf8_make_valid(raw, -1);
        gsize skip = MIN(n, length + 1);
        data += skip;
        n -= skip;
    }
}

static guint count(const char *text, const char *characters)
{
    guint n = 0;
    for (; *text; text++)
        n += strchr(characters, *text) != NULL;
    return n;
}

static TemplateMail *render(const Template *template, const char *value)
{
    g_autoptr(TemplateValues) values = template_values_new();
    const char *const *names = template_names(template);
    for (guint i = 0; names[i]; i++)
        template_values_set(values, names[i], value);
    g_autoptr(GError) error = NULL;
    TemplateMail *mail = template_render(template, values, &error);
    g_assert_true((mail != NULL) != (error != NULL));
    return mail;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *parts[PARTS];
    split((const char *)data, n, parts);
    g_autoptr(TemplateFault) fault = NULL;
    g_autoptr(Template) template = template_check(parts[0], parts[1], parts[2], &fault);
    g_assert_true((template != NULL) != (fault != NULL));
    if (template) {
        /* Two plain values that fit everywhere: as a link, or as a colour; neither is empty. */
        g_autoptr(TemplateMail) plain = render(template, "https://a.example/");
        g_autoptr(TemplateMail) colour = render(template, "#1f5fbf");
        g_autoptr(TemplateMail) hostile = *parts[3] ? render(template, parts[3]) : NULL;
        const TemplateMail *judge = plain ? plain : colour;
        if (judge && hostile) {
            g_assert_cmpuint(count(judge->html, "<>\"'"), ==, count(hostile->html, "<>\"'"));
            g_assert_true(text_is_one_line(hostile->subject, FALSE));
            g_assert_cmpuint(
                strlen(hostile->html), <, 6 * (LIMIT_TEMPLATE_BYTES + LIMIT_TEMPLATE_MAIL_BYTES));
        }
    }
    for (guint i = 0; i < PARTS; i++)
        g_free(parts[i]);
    return 0;
}
