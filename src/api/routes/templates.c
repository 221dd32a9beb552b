/* The texts of system mails: list, change, remove, preview. */
#include "api/email_template.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/system_mail.h"
#include "api/template_request.h"

#include "store/templates.h"

#include <string.h>

/* --- As JSON -----------------------------------------------------------------------------------
 */

static json_t *variable_json(const char *name, const char *sample, const char *text)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", json_text(name));
    json_object_set_new(json, "sample", json_text(sample));
    json_object_set_new(json, "text", json_text(text));
    return json;
}

static json_t *builtin_variables_json(const BuiltinTemplate *builtin)
{
    json_t *list = json_array();
    for (guint i = 0; i < builtin->n_variables; i++) {
        const BuiltinVariable *variable = &builtin->variables[i];
        json_array_append_new(
            list, variable_json(variable->name, variable->sample, variable->text));
    }
    return list;
}

/* Of a text that is only the organisation's: what stands in it. */
static json_t *own_variables_json(const MailTemplate *own)
{
    json_t *list = json_array();
    g_autoptr(Template) template = template_compile(own->subject, own->text, own->html, NULL);
    const char *const *names = template ? template_names(template) : NULL;
    for (guint i = 0; names && names[i]; i++)
        json_array_append_new(list, variable_json(names[i], names[i], NULL));
    return list;
}

/* builtin: whose place it takes, or that itself; own: the organisation's. One of them may be NULL.
 */
static json_t *template_json(const BuiltinTemplate *builtin, const MailTemplate *own)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("template"));
    json_object_set_new(json, "id", json_text(own ? id_format(&own->id, "tpl", id) : NULL));
    json_object_set_new(json, "name", json_text(builtin ? builtin->name : own->name));
    json_object_set_new(json, "locale", json_text(builtin ? builtin->locale : own->locale));
    json_object_set_new(json, "title", json_text(builtin ? builtin->title : own->name));
    json_object_set_new(json, "purpose", json_text(builtin ? builtin->purpose : NULL));
    json_object_set_new(json, "is_system", json_boolean(builtin != NULL));
    json_object_set_new(json, "is_own", json_boolean(own != NULL));
    json_object_set_new(json, "subject", json_text(own ? own->subject : builtin->subject));
    json_object_set_new(json, "text", json_text(own ? own->text : builtin->text));
    json_object_set_new(json, "html", json_text(own ? own->html : builtin->html));
    json_object_set_new(
        json, "variables", builtin ? builtin_variables_json(builtin) : own_variables_json(own));
    json_object_set_new(json, "changed_at", json_time(own ? own->changed_at : 0));
    json_object_set_new(json, "changed_by", json_text(own ? own->changed_by : NULL));
    return json;
}

/* --- The list ----------------------------------------------------------------------------------
 */

static const MailTemplate *find_own(const GPtrArray *own, const char *name, const char *locale)
{
    for (guint i = 0; i < own->len; i++) {
        const MailTemplate *template = own->pdata[i];
        if (strcmp(template->name, name) == 0 && strcmp(template->locale, locale) == 0)
            return template;
    }
    return NULL;
}

static gboolean is_wanted(const char *locale, const char *wanted)
{
    return !wanted || strcmp(locale, wanted) == 0;
}

/* Ours first, in whichever words; then what is only the organisation's. */
static json_t *list_json(const GPtrArray *own, const char *locale)
{
    guint n = 0;
    const BuiltinTemplate *builtin = builtin_templates(&n);
    json_t *data = json_array();
    for (guint i = 0; i < n; i++) {
        if (is_wanted(builtin[i].locale, locale))
            json_array_append_new(data,
                template_json(&builtin[i], find_own(own, builtin[i].name, builtin[i].locale)));
    }
    for (guint i = 0; i < own->len; i++) {
        const MailTemplate *template = own->pdata[i];
        if (is_wanted(template->locale, locale) &&
            !builtin_template_find(template->name, template->locale))
            json_array_append_new(data, template_json(NULL, template));
    }
    return json_list(data, FALSE);
}

HttpAnswer *route_templates_list(ApiCall *call)
{
    Language language;
    const char *locale = http_request_query(call->request, "locale");
    if (locale && !language_parse(locale, &language))
        return call_problem(call, "invalid_query", "The language is de or en.");
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) own = mail_templates_list(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    return own ? call_json(call, 200, list_json(own, locale)) : call_error(call, error);
}

/* --- Changing ----------------------------------------------------------------------------------
 */

static gboolean write_job(Db *db, gpointer data, GError **error)
{
    MailTemplate *template = data;
    Id id;
    if (!mail_template_write(db, template, &id, error))
        return FALSE;
    template->id = id;
    return TRUE;
}

static HttpAnswer *write_finish(ApiCall *call, gpointer data, const GError *error)
{
    const MailTemplate *template = data;
    if (error)
        return call_error(call, error);
    return call_json(call, 200,
        template_json(builtin_template_find(template->name, template->locale), template));
}

static void forget_template(gpointer data)
{
    mail_template_free(data);
}

static MailTemplate *template_of(ApiCall *call, const TemplateRequest *request)
{
    MailTemplate *template = g_new0(MailTemplate, 1);
    template->org_id = call->caller.org_id;
    template->changed_at = clock_wall_ms();
    template->id = id_fresh(template->changed_at);
    template->name = g_strdup(request->name);
    template->locale = g_strdup(language_name(request->language));
    template->subject = g_strdup(request->subject);
    template->text = g_strdup(request->text);
    template->html = request->html && * request->html ? g_strdup(request->html) : NULL;
    Db *db = store_reader_take(call->api->store);
    template->changed_by = call_caller_name(call, db);
    store_reader_give(call->api->store, db);
    return template;
}

HttpAnswer *route_template_write(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    TemplateRequest request;
    MailTemplate *template =
        template_request_read(body, &request, &faults) ? template_of(call, &request) : NULL;
    json_decref(body);
    if (!template)
        return call_faults(call, &faults);
    call_audit(call, "template.changed", template->name, template->locale);
    return call_submit(call, write_job, template, write_finish, forget_template);
}

typedef struct {
    gint64 org_id;
    Id id;
} Removal;

static gboolean remove_job(Db *db, gpointer data, GError **error)
{
    const Removal *removal = data;
    return mail_template_remove(db, removal->org_id, &removal->id, error);
}

static HttpAnswer *remove_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    return call_json(call, 200, json_deleted());
}

/* NULL with *problem: there is none of this id. */
static MailTemplate *read_template(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    MailTemplate *template = mail_template_by_id(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (!template)
        *problem = error ? call_error(call, error) : call_problem(call, "not_found", NULL);
    return template;
}

HttpAnswer *route_template_remove(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(MailTemplate) template = read_template(call, &problem);
    if (!template)
        return problem;
    const Removal removal = {call->caller.org_id, call->id};
    call_audit(call, "template.removed", template->name, template->locale);
    return call_submit(
        call, remove_job, g_memdup2(&removal, sizeof removal), remove_finish, g_free);
}

/* --- Preview -----------------------------------------------------------------------------------
 */

/* What is to be seen: the text of the request, else the organisation's own, else ours. own keeps
 * the organisation's alive. FALSE with *problem. */
static gboolean settle_text(
    ApiCall *call, Db *db, TemplateRequest *request, MailTemplate **own, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    if (request->text)
        return TRUE;
    const char *locale = language_name(request->language);
    const BuiltinTemplate *builtin = builtin_template_find(request->name, locale);
    *own = mail_template_by_name(db, call->caller.org_id, request->name, locale, &error);
    if (error)
        *problem = call_error(call, error);
    else if (!*own && !builtin)
        *problem = call_problem(call, "not_found", NULL);
    if (*problem)
        return FALSE;
    request->subject = *own ? (*own)->subject : builtin->subject;
    request->text = *own ? (*own)->text : builtin->text;
    request->html = *own ? (*own)->html : builtin->html;
    return TRUE;
}

static gboolean add_values(ApiCall *call, Db *db, const TemplateRequest *request,
    const Template *template, TemplateValues *values, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, call->caller.org_id, error);
    if (!state || !system_mail_add_common(call->api, db, call->caller.org_id, state, values, error))
        return FALSE;
    template_request_add_samples(request->name, request->language, template, values);
    return TRUE;
}

static HttpAnswer *preview_answer(ApiCall *call, const TemplateMail *mail)
{
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("template_preview"));
    json_object_set_new(json, "subject", json_text(mail->subject));
    json_object_set_new(json, "text", json_text(mail->text));
    json_object_set_new(json, "html", json_text(mail->html));
    return call_json(call, 200, json);
}

/* values already holds what the request gave. */
static HttpAnswer *preview(ApiCall *call, Db *db, TemplateRequest *request, TemplateValues *values)
{
    HttpAnswer *problem = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(MailTemplate) own = NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    if (!settle_text(call, db, request, &own, &problem))
        return problem;
    g_autoptr(Template) template = template_request_compile(request, &faults);
    if (!template)
        return call_faults(call, &faults);
    if (!add_values(call, db, request, template, values, &error))
        return call_error(call, error);
    g_autoptr(TemplateMail) mail = template_render(template, values, &error);
    if (mail)
        return preview_answer(call, mail);
    json_fault_add(&faults, "/variables", "invalid_variable", error->message);
    return call_faults(call, &faults);
}

HttpAnswer *route_template_preview(ApiCall *call)
{
    HttpAnswer *answer = NULL;
    json_t *body = call_body(call, FALSE, &answer);
    if (!body)
        return answer;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autoptr(TemplateValues) values = template_values_new();
    TemplateRequest request;
    if (template_request_read_preview(body, &request, &faults) && request.variables)
        email_template_read_values(request.variables, "/variables", values, &faults);
    if (faults.list->len > 0) {
        answer = call_faults(call, &faults);
    } else {
        Db *db = store_reader_take(call->api->store);
        answer = preview(call, db, &request, values);
        store_reader_give(call->api->store, db);
    }
    json_decref(body);
    return answer;
}
