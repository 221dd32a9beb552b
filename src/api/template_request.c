#include "api/template_request.h"

#include "api/email_template.h"
#include "base/limits.h"
#include "template/guard.h"

#include <string.h>

/* Small letters, digits, _ and -, with a letter first; no id of a text ("tpl_…"). */
static gboolean is_name(const char *name)
{
    gsize n = strlen(name);
    return n <= LIMIT_TEMPLATE_NAME_BYTES && g_ascii_islower(name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n &&
           !g_str_has_prefix(name, "tpl_");
}

static void read_name(JsonObject *object, TemplateRequest *request, gboolean is_required)
{
    request->name = json_object_take_text(object, "name");
    if (!request->name && is_required)
        json_object_fault(object, "name", "required", NULL);
    else if (request->name && !is_name(request->name)) {
        g_autofree char *detail =
            g_strdup_printf("The name is made of small letters, digits, _ and -, up to %d.",
                LIMIT_TEMPLATE_NAME_BYTES);
        json_object_fault(object, "name", "invalid_name", detail);
    }
}

static void read_locale(JsonObject *object, TemplateRequest *request)
{
    const char *locale = json_object_take_text(object, "locale");
    if (!locale)
        json_object_fault(object, "locale", "required", NULL);
    else if (!language_parse(locale, &request->language))
        json_object_fault(object, "locale", "unknown_value", "The language is de or en.");
}

static void read_texts(JsonObject *object, TemplateRequest *request)
{
    request->subject = json_object_take_text(object, "subject");
    request->text = json_object_take_text(object, "text");
    request->html = json_object_take_text(object, "html");
}

static void require_texts(JsonObject *object, const TemplateRequest *request)
{
    if (!request->subject || !*request->subject)
        json_object_fault(object, "subject", "required", NULL);
    if (!request->text || !*request->text)
        json_object_fault(object, "text", "required", NULL);
}

Template *template_request_compile(const TemplateRequest *request, JsonFaults *faults)
{
    g_autoptr(TemplateFault) fault = NULL;
    Template *template = template_check(request->subject, request->text, request->html, &fault);
    if (template)
        return template;
    g_autofree char *pointer = g_strconcat("/", template_part_name(fault->part), NULL);
    json_fault_add(faults, pointer, "invalid_template", fault->detail);
    return NULL;
}

void template_request_add_samples(
    const char *name, Language language, const Template *template, TemplateValues *values)
{
    const BuiltinTemplate *builtin =
        name ? builtin_template_find(name, language_name(language)) : NULL;
    for (guint i = 0; builtin && i < builtin->n_variables; i++)
        template_values_default(values, builtin->variables[i].name, builtin->variables[i].sample);
    const char *const *names = template_names(template);
    for (guint i = 0; !builtin && names[i]; i++)
        template_values_default(values, names[i], names[i]);
}

/* --- One that stands for one of ours -----------------------------------------------------------
 */

/* A part alone, so that it is known which part a fault is in. */
static char *render_part(
    const char *source, TemplatePart part, const TemplateValues *values, GError **error)
{
    gboolean is_html = part == TEMPLATE_HTML;
    g_autoptr(Template) template =
        part == TEMPLATE_SUBJECT
            ? template_compile(source, "-", NULL, error)
            : template_compile("-", is_html ? "-" : source, is_html ? source : NULL, error);
    g_autoptr(TemplateMail) mail = template ? template_render(template, values, error) : NULL;
    if (!mail)
        return NULL;
    return g_strdup(part == TEMPLATE_SUBJECT ? mail->subject : is_html ? mail->html : mail->text);
}

static void check_needed(
    const BuiltinTemplate *builtin, const char *rendered, const char *pointer, JsonFaults *faults)
{
    for (guint i = 0; i < builtin->n_variables; i++) {
        const BuiltinVariable *variable = &builtin->variables[i];
        if (!variable->is_needed || strstr(rendered, variable->sample))
            continue;
        g_autofree char *detail =
            g_strdup_printf("This text must show the value of \"%s\".", variable->name);
        json_fault_add(faults, pointer, "invalid_template", detail);
    }
}

static void check_against(
    const BuiltinTemplate *builtin, const TemplateRequest *request, JsonFaults *faults)
{
    const char *const sources[TEMPLATE_PARTS] = {request->subject, request->text, request->html};
    g_autoptr(TemplateValues) values = template_values_new();
    for (guint i = 0; i < builtin->n_variables; i++)
        template_values_set(values, builtin->variables[i].name, builtin->variables[i].sample);
    for (TemplatePart part = TEMPLATE_SUBJECT; part < TEMPLATE_PARTS; part++) {
        g_autoptr(GError) error = NULL;
        if (!sources[part])
            continue;
        g_autofree char *rendered = render_part(sources[part], part, values, &error);
        g_autofree char *pointer = g_strconcat("/", template_part_name(part), NULL);
        gboolean is_secret = email_template_is_secret(builtin->name, NULL);
        const char *fault = is_secret ? guard_fault(sources[part], part) : NULL;
        if (!rendered || fault)
            json_fault_add(faults, pointer, "invalid_template", fault ? fault : error->message);
        else if (part != TEMPLATE_SUBJECT)
            check_needed(builtin, rendered, pointer, faults);
    }
}

/* A preview shows as fine only what saving takes. */
static gboolean check_whole(const TemplateRequest *request, JsonFaults *faults)
{
    g_autoptr(Template) template = template_request_compile(request, faults);
    const BuiltinTemplate *builtin =
        request->name ? builtin_template_find(request->name, language_name(request->language))
                      : NULL;
    if (template && builtin)
        check_against(builtin, request, faults);
    return faults->list->len == 0;
}

/* --- The two requests --------------------------------------------------------------------------
 */

gboolean template_request_read(json_t *body, TemplateRequest *request, JsonFaults *faults)
{
    *request = (TemplateRequest){0};
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        read_name(&object, request, TRUE);
        read_locale(&object, request);
        read_texts(&object, request);
        require_texts(&object, request);
    }
    return faults->list->len == 0 && check_whole(request, faults);
}

gboolean template_request_read_preview(json_t *body, TemplateRequest *request, JsonFaults *faults)
{
    *request = (TemplateRequest){0};
    gboolean has_texts;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        read_name(&object, request, FALSE);
        read_locale(&object, request);
        read_texts(&object, request);
        request->variables = json_object_take(&object, "variables");
        has_texts = !request->name || request->subject || request->text || request->html;
        if (has_texts)
            require_texts(&object, request);
    }
    return faults->list->len == 0 && (!has_texts || check_whole(request, faults));
}
