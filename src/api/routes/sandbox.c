/* Mail captured by the sandbox. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"

#include "api/json/email_json.h"
#include "ingress/sandbox_script.h"
#include "store/captures.h"

/* Which troubles can be tried, and with which user name. */
static json_t *personalities_json(ApiCall *call)
{
    guint n;
    const SandboxPersonality *personalities = sandbox_personalities(&n);
    json_t *list = json_array();
    for (guint i = 0; i < n; i++) {
        const Diagnosis *row = diagnosis_by_id(call->api->catalogue, personalities[i].diagnosis);
        if (!row)
            continue;
        json_t *json = json_object();
        json_object_set_new(json, "username", json_text(personalities[i].username));
        json_object_set_new(json, "diagnosis", json_text(personalities[i].diagnosis));
        json_object_set_new(
            json, "text", json_text(call->language == LANGUAGE_DE ? row->means_de : row->means_en));
        json_object_set_new(json, "mendable", json_boolean(personalities[i].is_mendable));
        json_array_append_new(list, json);
    }
    return list;
}

/* The providers of the manuals, each with what can be tried there: settings as they are typed. */
static json_t *scene_json(ApiCall *call, const SandboxScene *scene, const SandboxFacts *facts)
{
    const Provider *provider = provider_by_id(call->api->providers, scene->preset);
    const char *said = scene->diagnosis ? scene->diagnosis : scene->late;
    const Diagnosis *row = said ? diagnosis_by_id(call->api->catalogue, said) : NULL;
    guint16 port = scene->port ? scene->port : facts->starttls_port;
    json_t *settings = json_object();
    json_object_set_new(settings, "host", json_text(scene->host));
    json_object_set_new(settings, "port", json_integer(port));
    json_object_set_new(settings, "security", json_text(tls_mode_name(TLS_MODE_STARTTLS)));
    json_object_set_new(settings, "username", json_text(scene->username));
    json_object_set_new(settings, "password", json_text(scene->password)); /* a public word */
    json_object_set_new(settings, "from_email", json_text(scene->from_email));
    json_t *json = json_object();
    json_object_set_new(json, "preset", json_text(scene->preset));
    json_object_set_new(
        json, "name", json_text(language_pick(call->language, provider->name_de, provider->name)));
    json_object_set_new(json, "trouble", json_text(scene->trouble));
    json_object_set_new(json, "diagnosis", json_text(scene->diagnosis));
    json_object_set_new(json, "late", json_text(scene->late));
    json_object_set_new(json, "text",
        json_text(row ? language_pick(call->language, row->means_de, row->means_en) : NULL));
    json_object_set_new(json, "settings", settings);
    return json;
}

static json_t *scenes_json(ApiCall *call, const SandboxFacts *facts)
{
    guint n;
    const SandboxScene *scenes = sandbox_scenes(&n);
    json_t *list = json_array();
    for (guint i = 0; i < n; i++)
        json_array_append_new(list, scene_json(call, &scenes[i], facts));
    return list;
}

HttpAnswer *route_sandbox_get(ApiCall *call)
{
    SandboxFacts facts;
    if (!call->api->sandbox)
        return call_problem(call, "not_found", NULL);
    sandbox_facts(call->api->sandbox, &facts);
    json_t *json = json_object();
    json_object_set_new(json, "enabled", json_true());
    json_object_set_new(json, "host", json_text(facts.host));
    json_object_set_new(json, "starttls_port", json_integer(facts.starttls_port));
    json_object_set_new(json, "implicit_port", json_integer(facts.implicit_port));
    json_object_set_new(json, "username", json_text("sandbox@localhost"));
    json_object_set_new(json, "password", json_text("sandbox")); /* a public word */
    json_object_set_new(json, "captured", json_integer(facts.captured));
    json_object_set_new(json, "personalities", personalities_json(call));
    json_object_set_new(json, "scenes", scenes_json(call, &facts));
    return call_json(call, 200, json);
}

/* What was caught may hold a link that makes its reader anybody, an org admin too (threat T41).
 * NULL: the caller may read it. */
static HttpAnswer *refuse_reading(ApiCall *call)
{
    return call_may_grant(call, PEOPLE_SCOPE_ALL);
}

static json_t *capture_json(const Capture *capture, gboolean is_readable)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&capture->id, "cap", id)));
    json_object_set_new(json, "at", json_time(capture->at));
    json_object_set_new(json, "from", json_text(capture->sender));
    json_object_set_new(json, "to", email_addresses_json(capture->recipients));
    json_object_set_new(json, "subject", json_text(is_readable ? capture->subject : NULL));
    json_object_set_new(json, "size", json_integer(capture->size_bytes));
    return json;
}

HttpAnswer *route_captures_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    gboolean has_more = FALSE;
    g_autoptr(GError) error = NULL;
    if (!call->api->sandbox)
        return call_problem(call, "not_found", NULL);
    if (!call_page(call, "cap", &page, &problem))
        return problem;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) captures =
        captures_list(db, call->caller.org_id, page.limit, page.after, &has_more, &error);
    store_reader_give(call->api->store, db);
    if (!captures)
        return call_error(call, error);
    g_autoptr(HttpAnswer) refusal = refuse_reading(call);
    json_t *data = json_array();
    for (guint i = 0; i < captures->len; i++)
        json_array_append_new(data, capture_json(captures->pdata[i], !refusal));
    return call_json(call, 200, json_list(data, has_more));
}

static Capture *read_capture(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Capture *capture = NULL;
    if (call->api->sandbox) {
        Db *db = store_reader_take(call->api->store);
        capture = capture_get(db, call->api->vault, call->caller.org_id, &call->id, &error);
        store_reader_give(call->api->store, db);
    }
    if (!capture)
        *problem = error ? call_error(call, error) : call_problem(call, "not_found", NULL);
    return capture;
}

HttpAnswer *route_capture_get(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(Capture) capture = read_capture(call, &problem);
    g_autoptr(HttpAnswer) refusal = refuse_reading(call);
    return capture ? call_json(call, 200, capture_json(capture, !refusal)) : problem;
}

static gboolean nothing_but_the_note(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

/* As plain text in a sandbox of the browser: what a stranger wrote never becomes a page here. */
static HttpAnswer *raw_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Capture *capture = data;
    if (error)
        return call_error(call, error);
    HttpAnswer *answer =
        http_answer_new(200, "text/plain; charset=utf-8", g_bytes_ref(capture->content));
    http_answer_set_header(
        answer, "Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
    return answer;
}

static void raw_free(gpointer data)
{
    capture_free(data);
}

/* There is no reading without a word in the audit log. */
HttpAnswer *route_capture_raw(ApiCall *call)
{
    HttpAnswer *problem = refuse_reading(call);
    Capture *capture = problem ? NULL : read_capture(call, &problem);
    if (!capture)
        return problem;
    char id[ID_TEXT_SIZE];
    call_audit(call, "sandbox.mail_opened", id_format(&capture->id, "cap", id), (const char *)NULL);
    return call_submit(call, nothing_but_the_note, capture, raw_finish, raw_free);
}

static gboolean clear_job(Db *db, gpointer data, GError **error)
{
    const gint64 *org_id = data;
    return captures_clear(db, *org_id, error);
}

static HttpAnswer *clear_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    return call_json(call, 200, json_deleted());
}

HttpAnswer *route_captures_clear(ApiCall *call)
{
    if (!call->api->sandbox)
        return call_problem(call, "not_found", NULL);
    call_audit(call, "sandbox.cleared", NULL, NULL);
    return call_submit(
        call, clear_job, g_memdup2(&call->caller.org_id, sizeof(gint64)), clear_finish, g_free);
}
