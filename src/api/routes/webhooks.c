/* Webhooks: where alerts go that must not go by mail. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/webhook_request.h"
#include "api/words/webhook_text.h"

#include "base/error.h"
#include "net/https.h"
#include "store/webhooks.h"

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *events_json(guint events)
{
    json_t *json = json_array();
    for (guint bit = 1; bit <= webhook_types_all(); bit <<= 1)
        if (events & bit)
            json_array_append_new(json, json_text(webhook_type_name(bit)));
    return json;
}

static json_t *webhook_json(const Webhook *webhook, Language language)
{
    char id[ID_TEXT_SIZE];
    g_autofree char *failure = webhook_failure_text(webhook->failure, language);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("webhook"));
    json_object_set_new(json, "id", json_text(id_format(&webhook->id, "whk", id)));
    json_object_set_new(json, "url", json_text(webhook->url));
    json_object_set_new(json, "name", json_text(webhook->name));
    json_object_set_new(json, "events", events_json(webhook->events));
    json_object_set_new(json, "enabled", json_boolean(webhook->is_enabled));
    json_object_set_new(json, "created_at", json_time(webhook->created_at));
    json_object_set_new(json, "succeeded_at", json_time(webhook->succeeded_at));
    json_object_set_new(json, "failed_at", json_time(webhook->failed_at));
    json_object_set_new(json, "failure", json_text(failure));
    json_object_set_new(json, "waiting", json_integer(webhook->waiting));
    return json;
}

static json_t *delivery_json(const WebhookDelivery *delivery, Language language)
{
    char id[ID_TEXT_SIZE];
    g_autofree char *error = webhook_failure_text(delivery->error, language);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("webhook_delivery"));
    json_object_set_new(json, "event_id", json_text(id_format(&delivery->event_id, "evt", id)));
    json_object_set_new(json, "type", json_text(delivery->type));
    json_object_set_new(json, "happened_at", json_time(delivery->happened_at));
    json_object_set_new(json, "state", json_text(webhook_state_name(delivery->state)));
    json_object_set_new(json, "attempts", json_integer(delivery->attempts));
    json_object_set_new(json, "next_at", json_time(delivery->next_at));
    json_object_set_new(json, "updated_at", json_time(delivery->updated_at));
    json_object_set_new(
        json, "status", delivery->status > 0 ? json_integer(delivery->status) : json_null());
    json_object_set_new(json, "error", json_text(error));
    return json;
}

/* data is taken. */
static HttpAnswer *list_answer(ApiCall *call, json_t *data, gboolean has_more)
{
    return call_json(call, 200, json_list(data, has_more));
}

static HttpAnswer *webhook_error(ApiCall *call, const GError *error)
{
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "webhook_disabled", NULL);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT))
        return call_problem(call, "too_many_webhooks", NULL);
    return call_error(call, error);
}

/* --- Looking --------------------------------------------------------------------------------- */

HttpAnswer *route_webhooks_list(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) webhooks = webhooks_list(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!webhooks)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < webhooks->len; i++)
        json_array_append_new(data, webhook_json(webhooks->pdata[i], call->language));
    return list_answer(call, data, FALSE);
}

HttpAnswer *route_webhook_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Webhook) webhook = webhook_get(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    return webhook ? call_json(call, 200, webhook_json(webhook, call->language))
                   : call_error(call, error);
}

static GPtrArray *read_deliveries(
    ApiCall *call, const CallPage *page, gboolean *has_more, GError **error)
{
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Webhook) webhook = webhook_get(db, call->caller.org_id, &call->id, error);
    GPtrArray *deliveries = webhook ? webhook_deliveries_list(db, webhook->row, page->after,
                                          page->before, page->limit, has_more, error)
                                    : NULL;
    store_reader_give(call->api->store, db);
    return deliveries;
}

HttpAnswer *route_webhook_deliveries(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    CallPage page;
    HttpAnswer *problem = NULL;
    gboolean has_more = FALSE;
    if (!call_page(call, "evt", &page, &problem))
        return problem;
    g_autoptr(GPtrArray) deliveries = read_deliveries(call, &page, &has_more, &error);
    if (!deliveries)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < deliveries->len; i++)
        json_array_append_new(data, delivery_json(deliveries->pdata[i], call->language));
    return list_answer(call, data, has_more);
}

/* --- Making, changing, removing -------------------------------------------------------------- */

typedef struct {
    gint64 org_id;
    Id id, event_id;
    WebhookRequest request;
    Webhook *webhook; /* the new one, or what the job left */
    WebhookDelivery *delivery;
    Secret *secret; /* shown once; NULL: none is made */
} Change;

static Change *change_new(ApiCall *call)
{
    Change *change = g_new0(Change, 1);
    change->org_id = call->caller.org_id;
    change->id = call->id;
    return change;
}

static void change_free(gpointer data)
{
    Change *change = data;
    webhook_request_clear(&change->request);
    webhook_free(change->webhook);
    webhook_delivery_free(change->delivery);
    secret_free(change->secret);
    g_free(change);
}

/* NULL with *problem. */
static Change *read_change(ApiCall *call, gboolean is_new, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Change *change = change_new(call);
    webhook_request_read(&change->request, body, is_new, &faults);
    json_decref(body);
    if (faults.list->len == 0)
        return change;
    *problem = call_faults(call, &faults);
    change_free(change);
    return NULL;
}

/* The answer to all that leaves a webhook; with the secret, if one was made. */
static HttpAnswer *changed_answer(ApiCall *call, const Change *change, int status)
{
    json_t *json = webhook_json(change->webhook, call->language);
    g_autoptr(Secret) text = change->secret ? webhook_secret_text(change->secret) : NULL;
    if (text)
        json_object_set_new(json, "secret", json_text(secret_reveal(text, NULL)));
    return call_json(call, status, json);
}

static HttpAnswer *changed(ApiCall *call, gpointer data, const GError *error)
{
    return error ? webhook_error(call, error) : changed_answer(call, data, 200);
}

static HttpAnswer *created(ApiCall *call, gpointer data, const GError *error)
{
    return error ? webhook_error(call, error) : changed_answer(call, data, 201);
}

static void seal_new_secret(ApiCall *call, Change *change)
{
    change->secret = webhook_secret_make();
    change->webhook->secret_sealed =
        webhook_secret_seal(call->api->vault, change->org_id, &change->id, change->secret);
}

static gboolean create_job(Db *db, gpointer data, GError **error)
{
    const Change *change = data;
    return webhook_insert(db, change->webhook, error);
}

HttpAnswer *route_webhook_create(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    Change *change = read_change(call, TRUE, &problem);
    if (!change)
        return problem;
    Webhook *webhook = change->webhook = g_new0(Webhook, 1);
    webhook->org_id = change->org_id;
    webhook->created_at = clock_wall_ms();
    webhook->id = change->id = id_fresh(webhook->created_at);
    webhook->events = webhook_types_all();
    webhook->is_enabled = TRUE;
    webhook_request_apply(&change->request, webhook);
    seal_new_secret(call, change);
    char id[ID_TEXT_SIZE];
    g_autofree char *host = NULL;
    net_https_url_read(webhook->url, &host, NULL, NULL);
    call_audit(call, "webhook.created", id_format(&webhook->id, "whk", id), host);
    return call_submit(call, create_job, change, created, change_free);
}

static gboolean patch_job(Db *db, gpointer data, GError **error)
{
    Change *change = data;
    change->webhook = webhook_get(db, change->org_id, &change->id, error);
    if (!change->webhook)
        return FALSE;
    webhook_request_apply(&change->request, change->webhook);
    if (!webhook_update(db, change->webhook, error))
        return FALSE;
    g_clear_pointer(&change->webhook, webhook_free);
    change->webhook = webhook_get(db, change->org_id, &change->id, error);
    return change->webhook != NULL;
}

HttpAnswer *route_webhook_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    Change *change = read_change(call, FALSE, &problem);
    if (!change)
        return problem;
    char id[ID_TEXT_SIZE];
    g_autofree char *names = webhook_request_names(&change->request);
    call_audit(call, "webhook.changed", id_format(&call->id, "whk", id), names);
    return call_submit(call, patch_job, change, changed, change_free);
}

static gboolean secret_job(Db *db, gpointer data, GError **error)
{
    Change *change = data;
    g_autoptr(GBytes) sealed = g_bytes_ref(change->webhook->secret_sealed);
    g_clear_pointer(&change->webhook, webhook_free);
    if (!webhook_secret_write(db, change->org_id, &change->id, sealed, error))
        return FALSE;
    change->webhook = webhook_get(db, change->org_id, &change->id, error);
    return change->webhook != NULL;
}

HttpAnswer *route_webhook_secret(ApiCall *call)
{
    Change *change = change_new(call);
    change->webhook = g_new0(Webhook, 1);
    seal_new_secret(call, change);
    char id[ID_TEXT_SIZE];
    call_audit(call, "webhook.changed", id_format(&call->id, "whk", id), "secret");
    return call_submit(call, secret_job, change, changed, change_free);
}

static gboolean remove_job(Db *db, gpointer data, GError **error)
{
    const Change *change = data;
    return webhook_remove(db, change->org_id, &change->id, error);
}

static HttpAnswer *removed(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return webhook_error(call, error);
    return call_json(call, 200, json_deleted());
}

HttpAnswer *route_webhook_delete(ApiCall *call)
{
    char id[ID_TEXT_SIZE];
    call_audit(call, "webhook.removed", id_format(&call->id, "whk", id), NULL);
    return call_submit(call, remove_job, change_new(call), removed, change_free);
}

/* --- Trying and telling again ---------------------------------------------------------------- */

static HttpAnswer *on_its_way(ApiCall *call, gpointer data, const GError *error)
{
    const Change *change = data;
    return error ? webhook_error(call, error)
                 : call_json(call, 202, delivery_json(change->delivery, call->language));
}

static gboolean test_job(Db *db, gpointer data, GError **error)
{
    Change *change = data;
    change->delivery = webhook_try(db, change->org_id, &change->id, clock_wall_ms(), error);
    return change->delivery != NULL;
}

HttpAnswer *route_webhook_test(ApiCall *call)
{
    char id[ID_TEXT_SIZE];
    call_audit(call, "webhook.tested", id_format(&call->id, "whk", id), NULL);
    return call_submit(call, test_job, change_new(call), on_its_way, change_free);
}

static gboolean replay_job(Db *db, gpointer data, GError **error)
{
    Change *change = data;
    change->delivery =
        webhook_replay(db, change->org_id, &change->id, &change->event_id, clock_wall_ms(), error);
    return change->delivery != NULL;
}

static void read_event_id(Id *event_id, json_t *body, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *text = json_object_take_text(&object, "event_id");
    if (!text)
        json_object_fault(&object, "event_id", "required", NULL);
    else if (!id_parse(text, "evt", event_id))
        json_object_fault(&object, "event_id", "unknown_value", NULL);
}

HttpAnswer *route_webhook_replay(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Id event_id;
    read_event_id(&event_id, body, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    Change *change = change_new(call);
    change->event_id = event_id;
    char id[ID_TEXT_SIZE], event[ID_TEXT_SIZE];
    call_audit(call, "webhook.replayed", id_format(&call->id, "whk", id),
        id_format(&event_id, "evt", event));
    return call_submit(call, replay_job, change, on_its_way, change_free);
}
