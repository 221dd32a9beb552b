/* Who did what: the list, and whether it is what was written. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/words/audit_text.h"

#include <string.h>

/* --- The list -------------------------------------------------------------------------------- */

/* A check that failed notes what it met, as the catalogue calls it. */
static const char *meaning_of(const ApiCall *call, const AuditEvent *event)
{
    gboolean is_check = event->detail && strcmp(event->action, "smtp.verified") == 0;
    const Diagnosis *met = is_check ? diagnosis_by_id(call->api->catalogue, event->detail) : NULL;
    if (!met)
        return NULL;
    return call->language == LANGUAGE_DE ? met->means_de : met->means_en;
}

static json_t *event_json(const ApiCall *call, const AuditEvent *event)
{
    char id[ID_TEXT_SIZE];
    g_autofree char *text = audit_text(event, call->language);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("audit_event"));
    json_object_set_new(json, "id", json_text(id_format(&event->id, "aud", id)));
    json_object_set_new(json, "at", json_time(event->at));
    json_object_set_new(json, "actor", json_text(event->actor));
    json_object_set_new(json, "action", json_text(event->action));
    json_object_set_new(json, "text", json_text(text));
    json_object_set_new(json, "target", json_text(event->object));
    json_object_set_new(json, "detail", json_text(event->detail));
    json_object_set_new(json, "meaning", json_text(meaning_of(call, event)));
    json_object_set_new(json, "client", json_text(event->client));
    return json;
}

static gboolean read_time(ApiCall *call, const char *name, WallMs *at, HttpAnswer **problem)
{
    const char *text = http_request_query(call->request, name);
    if (!text || !*text || clock_parse_rfc3339(text, at))
        return TRUE;
    *problem =
        call_problem(call, "invalid_query", "since and until are times like 2026-12-24T18:00:00Z.");
    return FALSE;
}

/* NULL for what was left empty. */
static const char *read_text(ApiCall *call, const char *name)
{
    const char *text = http_request_query(call->request, name);
    return text && *text ? text : NULL;
}

HttpAnswer *route_audit_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    AuditFilter filter = {.org_id = call->caller.org_id};
    if (!call_page(call, "aud", &page, &problem) ||
        !read_time(call, "since", &filter.since, &problem) ||
        !read_time(call, "until", &filter.until, &problem))
        return problem;
    filter.limit = page.limit;
    filter.after = page.after;
    filter.before = page.before;
    filter.action = read_text(call, "action");
    filter.actor = read_text(call, "actor");
    g_autoptr(GError) error = NULL;
    gboolean has_more = FALSE;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) events = audit_list(db, &filter, &has_more, &error);
    store_reader_give(call->api->store, db);
    if (!events)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < events->len; i++)
        json_array_append_new(data, event_json(call, events->pdata[i]));
    return call_json(call, 200, json_list(data, has_more));
}

/* --- The chain ------------------------------------------------------------------------------- */

static json_t *hash_json(const guint8 hash[AUDIT_HASH_BYTES])
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < AUDIT_HASH_BYTES; i++)
        g_string_append_printf(text, "%02x", hash[i]);
    json_t *json = json_text(text->str);
    g_string_free(text, TRUE);
    return json;
}

static json_t *check_json(const AuditCheck *check)
{
    static const Id none = {{0}};
    char id[ID_TEXT_SIZE];
    json_t *fault = json_null(), *json = json_object();
    if (check->is_broken) {
        gboolean has_id = !id_equal(&check->fault_id, &none);
        fault = json_object();
        json_object_set_new(
            fault, "id", json_text(has_id ? id_format(&check->fault_id, "aud", id) : NULL));
        json_object_set_new(fault, "at", json_time(check->fault_at));
    }
    gboolean is_ok = !check->is_broken && (!check->known_head || check->has_known_head);
    json_object_set_new(json, "object", json_text("audit_check"));
    json_object_set_new(json, "ok", json_boolean(is_ok));
    json_object_set_new(json, "events", json_integer(check->events));
    json_object_set_new(json, "forgotten", json_integer(check->forgotten));
    json_object_set_new(json, "forgotten_until", json_time(check->forgotten_until));
    json_object_set_new(json, "last_at", json_time(check->last_at));
    json_object_set_new(json, "last_hash", hash_json(check->last_hash));
    json_object_set_new(json, "first_fault", fault);
    json_object_set_new(
        json, "has_head", check->known_head ? json_boolean(check->has_known_head) : json_null());
    return json;
}

static gboolean read_hash(const char *text, guint8 hash[AUDIT_HASH_BYTES])
{
    if (strlen(text) != (gsize)AUDIT_HASH_BYTES * 2)
        return FALSE;
    for (guint i = 0; i < AUDIT_HASH_BYTES; i++) {
        gint high = g_ascii_xdigit_value(text[2 * i]), low = g_ascii_xdigit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        hash[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static HttpAnswer *check_chain(ApiCall *call)
{
    guint8 head[AUDIT_HASH_BYTES];
    AuditCheck check = {.org_id = call->caller.org_id};
    const char *text = read_text(call, "head");
    if (text && !read_hash(text, head))
        return call_problem(call, "invalid_query", "head is 64 hex digits, as last_hash is.");
    check.known_head = text ? head : NULL;
    g_autoptr(GError) error = NULL;
    return audit_check(call->api->store, &check, &error) ? call_json(call, 200, check_json(&check))
                                                         : call_error(call, error);
}

/* It reads the whole log: one at a time, as route_queue_check. */
HttpAnswer *route_audit_check(ApiCall *call)
{
    if (!g_atomic_int_compare_and_exchange(&call->api->is_auditing, FALSE, TRUE))
        return call_problem(call, "busy", NULL);
    HttpAnswer *answer = check_chain(call);
    g_atomic_int_set(&call->api->is_auditing, FALSE);
    return answer;
}
