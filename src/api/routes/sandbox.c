/* Mail captured by the sandbox. */
#include "api/routes/routes.h"
#include "api/state.h"

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
    return call_json(call, 200, json);
}

static json_t *capture_json(const Capture *capture)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&capture->id, "cap", id)));
    json_object_set_new(json, "at", json_time(capture->at));
    json_object_set_new(json, "from", json_text(capture->sender));
    json_object_set_new(json, "to", email_addresses_json(capture->recipients));
    json_object_set_new(json, "subject", json_text(capture->subject));
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
    json_t *data = json_array();
    for (guint i = 0; i < captures->len; i++)
        json_array_append_new(data, capture_json(captures->pdata[i]));
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
    return capture ? call_json(call, 200, capture_json(capture)) : problem;
}

/* As plain text in a sandbox of the browser: what a stranger wrote never becomes a page here. */
HttpAnswer *route_capture_raw(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(Capture) capture = read_capture(call, &problem);
    if (!capture)
        return problem;
    HttpAnswer *answer =
        http_answer_new(200, "text/plain; charset=utf-8", g_bytes_ref(capture->content));
    http_answer_set_header(
        answer, "Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
    return answer;
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
