#include "template/template.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "template/mustache.h"
#include "template/scan.h"

#include <string.h>

struct template
{
    Mustache *parts[TEMPLATE_PARTS]; /* that of the HTML may be NULL */
    GStrv names;
};

const char *template_part_name(TemplatePart part)
{
    static const char *const names[TEMPLATE_PARTS] = {"subject", "text", "html"};
    return names[part];
}

void template_fault_free(TemplateFault *fault)
{
    if (!fault)
        return;
    g_free(fault->detail);
    g_free(fault);
}

/* --- Compiling -------------------------------------------------------------------------------- */

static Mustache *compile_part(
    const char *source, TemplatePart part, GHashTable *names, char **detail)
{
    if (strlen(source) > LIMIT_TEMPLATE_BYTES) {
        *detail = g_strdup_printf("This is longer than %d KiB.", LIMIT_TEMPLATE_BYTES / 1024);
        return NULL;
    }
    if (!g_utf8_validate(source, -1, NULL)) {
        *detail = g_strdup("This is not valid UTF-8.");
        return NULL;
    }
    if (part == TEMPLATE_SUBJECT && !text_is_one_line(source, FALSE)) {
        *detail = g_strdup("The subject must be one line.");
        return NULL;
    }
    g_autofree char *normalised = scan_normalise(source, part, names, detail);
    if (!normalised)
        return NULL;
    Mustache *mustache = mustache_new(normalised, part == TEMPLATE_HTML);
    if (!mustache)
        *detail = g_strdup("This cannot be read as a template.");
    return mustache;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GStrv sorted_names(GHashTable *names)
{
    guint n = 0;
    g_autofree gpointer *keys = g_hash_table_get_keys_as_array(names, &n);
    qsort(keys, n, sizeof *keys, compare_names);
    return g_strdupv((char **)keys);
}

Template *template_check(
    const char *subject, const char *text, const char *html, TemplateFault **fault)
{
    const char *const sources[TEMPLATE_PARTS] = {subject, text, html};
    g_autoptr(Template) template = g_new0(Template, 1);
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (TemplatePart part = TEMPLATE_SUBJECT; part < TEMPLATE_PARTS; part++) {
        char *detail = NULL;
        if (!sources[part])
            continue;
        template->parts[part] = compile_part(sources[part], part, names, &detail);
        if (template->parts[part])
            continue;
        TemplateFault found = {part, detail};
        if (fault)
            *fault = g_memdup2(&found, sizeof found);
        else
            g_free(detail);
        return NULL;
    }
    template->names = sorted_names(names);
    return g_steal_pointer(&template);
}

const char *const *template_names(const Template *template)
{
    return (const char *const *)template->names;
}

Template *template_compile(const char *subject, const char *text, const char *html, GError **error)
{
    g_autoptr(TemplateFault) fault = NULL;
    Template *template = template_check(subject, text, html, &fault);
    if (!template)
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "the %s of the template: %s",
            template_part_name(fault->part), fault->detail);
    return template;
}

void template_free(Template *template)
{
    if (!template)
        return;
    for (guint i = 0; i < TEMPLATE_PARTS; i++)
        mustache_free(template->parts[i]);
    g_strfreev(template->names);
    g_free(template);
}

/* --- Values ----------------------------------------------------------------------------------- */

struct template_values {
    GHashTable *by_name;
};

/* A value may be the link of an invitation or a reset. */
static void wipe_and_free(gpointer text)
{
    if (text)
        secret_wipe(text, strlen(text));
    g_free(text);
}

TemplateValues *template_values_new(void)
{
    TemplateValues *values = g_new0(TemplateValues, 1);
    values->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, wipe_and_free);
    return values;
}

void template_values_free(TemplateValues *values)
{
    if (!values)
        return;
    g_hash_table_unref(values->by_name);
    g_free(values);
}

void template_values_set(TemplateValues *values, const char *name, const char *value)
{
    g_hash_table_replace(values->by_name, g_strdup(name), g_strdup(value ? value : ""));
}

void template_values_default(TemplateValues *values, const char *name, const char *value)
{
    if (!template_values_get(values, name))
        template_values_set(values, name, value);
}

void template_values_default_all(TemplateValues *values, const TemplateValues *others)
{
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, others->by_name);
    while (g_hash_table_iter_next(&iter, &name, &value))
        template_values_default(values, name, value);
}

const char *template_values_get(const TemplateValues *values, const char *name)
{
    return g_hash_table_lookup(values->by_name, name);
}

gboolean template_name_is_fine(const char *name)
{
    gsize n = 0;
    for (; name[n]; n++) {
        if (!g_ascii_isalnum(name[n]) && name[n] != '_')
            return FALSE;
    }
    return n > 0 && n <= LIMIT_TEMPLATE_NAME_BYTES;
}

/* --- Rendering -------------------------------------------------------------------------------- */

typedef struct {
    const TemplateValues *values;
    gsize bytes; /* given out */
    GError *error;
} Filling;

static gboolean is_link(const char *value)
{
    for (const char *at = value; *at; at++) {
        if (g_ascii_isspace(*at) || g_ascii_iscntrl(*at))
            return FALSE;
    }
    return text_has_prefix_nocase(value, "https://") || text_has_prefix_nocase(value, "http://") ||
           text_has_prefix_nocase(value, "mailto:");
}

static gboolean is_colour(const char *value)
{
    return value[0] == '#' && strlen(value) == 7 &&
           strspn(value + 1, "0123456789abcdefABCDEF") == 6;
}

static void check_value(Filling *filling, char mark, const char *name, const char *value)
{
    if (!value)
        g_set_error(&filling->error, ABS_ERROR, ABS_ERROR_INPUT,
            "The template needs a value for \"%s\".", name);
    else if (mark == '@' && !is_link(value))
        g_set_error(&filling->error, ABS_ERROR, ABS_ERROR_INPUT,
            "The value of \"%s\" stands in a link and must begin with https://, http:// or "
            "mailto:.",
            name);
    else if (mark == '~' && !is_colour(value))
        g_set_error(&filling->error, ABS_ERROR, ABS_ERROR_INPUT,
            "The value of \"%s\" stands in a style and must be a colour such as #1f5fbf.", name);
}

static const char *look_up(const char *name, gpointer user)
{
    Filling *filling = user;
    if (strcmp(name, "?") == 0)
        return "shown";
    char mark = g_ascii_isalnum(*name) || *name == '_' ? '\0' : *name++;
    const char *value = template_values_get(filling->values, name);
    if (mark == '?')
        return value ? value : "";
    check_value(filling, mark, name, value);
    if (filling->error)
        return NULL;
    filling->bytes += strlen(value);
    if (filling->bytes > LIMIT_TEMPLATE_MAIL_BYTES) {
        g_set_error(&filling->error, ABS_ERROR, ABS_ERROR_LIMIT,
            "The values are too long: more than %d KiB in all.", LIMIT_TEMPLATE_MAIL_BYTES / 1024);
        return NULL;
    }
    return value;
}

/* FALSE with an error. A part that is not there gives NULL. */
static gboolean render_part(
    const Mustache *part, const TemplateValues *values, char **rendered, GError **error)
{
    Filling filling = {.values = values};
    if (!part)
        return TRUE;
    *rendered = mustache_render(part, look_up, &filling);
    if (filling.error)
        g_propagate_error(error, filling.error);
    else if (!*rendered)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_LIMIT, "The template cannot be filled.");
    return *rendered != NULL;
}

TemplateMail *template_render(
    const Template *template, const TemplateValues *values, GError **error)
{
    g_autoptr(TemplateMail) mail = g_new0(TemplateMail, 1);
    if (!render_part(template->parts[TEMPLATE_SUBJECT], values, &mail->subject, error) ||
        !render_part(template->parts[TEMPLATE_TEXT], values, &mail->text, error) ||
        !render_part(template->parts[TEMPLATE_HTML], values, &mail->html, error))
        return NULL;
    if (!text_is_one_line(mail->subject, FALSE)) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT,
            "A value in the subject holds a line end or another control character.");
        return NULL;
    }
    return g_steal_pointer(&mail);
}

void template_mail_free(TemplateMail *mail)
{
    if (!mail)
        return;
    g_free(mail->subject);
    wipe_and_free(mail->text);
    wipe_and_free(mail->html);
    g_free(mail);
}
