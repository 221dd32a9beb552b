#include "api/email_template.h"

#include "api/state.h"
#include "api/system_mail.h"
#include "api/template_shelf.h"
#include "base/error.h"
#include "base/limits.h"

#include <string.h>

/* --- Reading -----------------------------------------------------------------------------------
 */

/* NULL: it is no value. The caller frees. */
static char *value_text(json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value)) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        return g_strdup(g_ascii_dtostr(text, sizeof text, json_real_value(value)));
    }
    if (json_is_true(value))
        return g_strdup("true");
    return json_is_false(value) || json_is_null(value) ? g_strdup("") : NULL;
}

void email_template_read_values(
    json_t *value, const char *pointer, TemplateValues *values, JsonFaults *faults)
{
    const char *name;
    json_t *item;
    gsize bytes = 0;
    if (!json_is_object(value)) {
        json_fault_add(faults, pointer, "wrong_type", "This must be an object.");
        return;
    }
    if (json_object_size(value) > LIMIT_TEMPLATE_VALUES) {
        json_fault_add(faults, pointer, "too_many", NULL);
        return;
    }
    json_object_foreach(value, name, item)
    {
        if (json_string_length(item) > LIMIT_TEMPLATE_VALUE_BYTES) {
            g_autofree char *at = json_pointer_join(pointer, name);
            json_fault_add(faults, at, "too_long", "A value is at most 64 KiB long.");
            return;
        }
        bytes += json_string_length(item);
        if (bytes > LIMIT_TEMPLATE_VALUES_BYTES) {
            json_fault_add(faults, pointer, "too_long", "All values are at most 256 KiB long.");
            return;
        }
        g_autofree char *text = value_text(item);
        g_autofree char *at = json_pointer_join(pointer, name);
        if (!template_name_is_fine(name))
            json_fault_add(faults, at, "invalid_variable", NULL);
        else if (!text)
            json_fault_add(
                faults, at, "wrong_type", "A value is a text, a number, true, false or null.");
        else
            template_values_set(values, name, text);
    }
}

EmailTemplateUse *email_template_use_read(json_t *value, JsonFaults *faults)
{
    guint before = faults->list->len;
    g_autoptr(EmailTemplateUse) use = g_new0(EmailTemplateUse, 1);
    use->values = template_values_new();
    if (!json_is_object(value)) {
        json_fault_add(faults, "/template", "wrong_type", "This must be an object.");
        return NULL;
    }
    {
        g_auto(JsonObject) object;
        Language language;
        json_object_open(&object, value, "/template", faults);
        use->id = g_strdup(json_object_take_text(&object, "id"));
        use->locale = g_strdup(json_object_take_text(&object, "locale"));
        json_t *variables = json_object_take(&object, "variables");
        if (variables)
            email_template_read_values(variables, "/template/variables", use->values, faults);
        if (!use->id)
            json_object_fault(&object, "id", "required", NULL);
        if (use->locale && !language_parse(use->locale, &language))
            json_object_fault(&object, "locale", "unknown_value", "The language is de or en.");
    }
    return faults->list->len == before ? g_steal_pointer(&use) : NULL;
}

void email_template_use_free(EmailTemplateUse *use)
{
    if (!use)
        return;
    g_free(use->id);
    g_free(use->locale);
    template_values_free(use->values);
    g_free(use);
}

/* --- Filling -----------------------------------------------------------------------------------
 */

struct email_templates {
    struct api *api;
    gint64 org_id;
    const SmtpState *state;
    TemplateValues *common; /* NULL until the first is used */
    const char *locale;     /* the organisation's */
    GHashTable *found;      /* of ShelfTemplate, by "locale/id" */
};

static void unref_found(gpointer held)
{
    shelf_template_unref(held);
}

EmailTemplates *email_templates_new(struct api *api, gint64 org_id, const SmtpState *state)
{
    EmailTemplates *templates = g_new0(EmailTemplates, 1);
    templates->api = api;
    templates->org_id = org_id;
    templates->state = state;
    templates->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_found);
    return templates;
}

void email_templates_free(EmailTemplates *templates)
{
    if (!templates)
        return;
    g_hash_table_unref(templates->found);
    template_values_free(templates->common);
    g_free(templates);
}

static gboolean read_common(EmailTemplates *templates, Db *db, GError **error)
{
    g_autoptr(TemplateValues) common = template_values_new();
    if (!system_mail_add_common(
            templates->api, db, templates->org_id, templates->state, common, error))
        return FALSE;
    templates->locale = language_name(system_mail_language(db, templates->org_id, LANGUAGE_EN));
    templates->common = g_steal_pointer(&common);
    return TRUE;
}

/* Lent; NULL without error: there is no such text. */
static ShelfTemplate *find(EmailTemplates *templates, const EmailTemplateUse *use, GError **error)
{
    g_autofree char *key = g_strconcat(use->locale ? use->locale : "", "/", use->id, NULL);
    ShelfTemplate *held = g_hash_table_lookup(templates->found, key);
    if (held)
        return held;
    Db *db = store_reader_take(templates->api->store);
    if (templates->common || read_common(templates, db, error))
        held = template_shelf_find(templates->api->shelf, db, templates->org_id, use->id,
            use->locale ? use->locale : templates->locale, error);
    store_reader_give(templates->api->store, db);
    if (held)
        g_hash_table_insert(templates->found, g_steal_pointer(&key), held);
    return held;
}

gboolean email_template_is_secret(const char *name, EmailClass *class)
{
    static const struct {
        const char *name;
        EmailClass class;
    } secret[] = {{"password_reset", EMAIL_CLASS_RESET}, {"invitation", EMAIL_CLASS_INVITATION}};
    for (gsize i = 0; i < G_N_ELEMENTS(secret); i++) {
        if (strcmp(name, secret[i].name) != 0)
            continue;
        if (class)
            *class = secret[i].class;
        return TRUE;
    }
    return FALSE;
}

gboolean email_templates_fill(EmailTemplates *templates, const EmailTemplateUse *use,
    MimeDraft *draft, EmailClass *class, JsonFaults *faults)
{
    g_autoptr(GError) error = NULL;
    const ShelfTemplate *held = find(templates, use, &error);
    if (!held && !error) {
        json_fault_add(faults, "/template/id", "unknown_template", NULL);
        return FALSE;
    }
    if (held)
        template_values_default_all(use->values, templates->common);
    g_autoptr(TemplateMail) mail =
        held ? template_render(held->template, use->values, &error) : NULL;
    if (!mail) {
        gboolean is_input = error->code == ABS_ERROR_INPUT || error->code == ABS_ERROR_LIMIT;
        json_fault_add(faults, is_input ? "/template/variables" : "",
            is_input ? "invalid_variable" : "storage_unavailable",
            is_input ? error->message : NULL);
        return FALSE;
    }
    email_template_is_secret(held->name, class);
    draft->subject = g_steal_pointer(&mail->subject);
    draft->text = g_steal_pointer(&mail->text);
    draft->html = g_steal_pointer(&mail->html);
    return TRUE;
}
