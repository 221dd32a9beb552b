/* For operators: is it alive, can it write, how much does it do; the contract; the pages. */
#include "api/routes.h"
#include "api/state.h"

#include "store/emails.h"
#include "store/smtp_settings.h"

#define OPENAPI "/absender/data/openapi.json"

HttpAnswer *route_live(ApiCall *call)
{
    json_t *json = json_object();
    json_object_set_new(json, "status", json_text("ok"));
    return call_json(call, 200, json);
}

/* A write that changes nothing unless a draft is overdue: it needs the writing thread, a
 * transaction and a commit. */
static gboolean ready_job(Db *db, gpointer data, GError **error)
{
    return smtp_drafts_expire(db, clock_wall_ms(), error);
}

static HttpAnswer *ready_finish(ApiCall *call, gpointer data, const GError *error)
{
    return error ? call_error(call, error) : route_live(call);
}

HttpAnswer *route_ready(ApiCall *call)
{
    return call_submit(call, ready_job, NULL, ready_finish, NULL);
}

static void write_queue(GString *text, const gint64 counts[EMAIL_HELD + 1])
{
    g_string_append(text, "# HELP absender_recipients Recipients by stored state.\n"
                          "# TYPE absender_recipients gauge\n");
    for (EmailState state = EMAIL_SCHEDULED; state < EMAIL_HELD; state++)
        g_string_append_printf(text, "absender_recipients{state=\"%s\"} %" G_GINT64_FORMAT "\n",
            email_state_name(state), counts[state]);
}

static void write_courier(GString *text, Courier *courier)
{
    CourierCounters counters;
    courier_counters(courier, &counters);
    metrics_write_one(
        text, "absender_smtp_sessions", "gauge", "Open SMTP sessions.", counters.sessions);
    metrics_write_one(text, "absender_smtp_accepted_total", "counter",
        "Recipients the provider took.", counters.accepted);
    metrics_write_one(text, "absender_smtp_rejected_total", "counter",
        "Recipients the provider refused.", counters.rejected);
    metrics_write_one(
        text, "absender_smtp_deferred_total", "counter", "Recipients put off.", counters.deferred);
    metrics_write_one(text, "absender_smtp_uncertain_total", "counter",
        "Recipients whose outcome was lost.", counters.uncertain);
    metrics_write_one(
        text, "absender_smtp_logins_total", "counter", "Logins tried.", counters.logins);
    metrics_write_one(text, "absender_smtp_login_failures_total", "counter", "Logins refused.",
        counters.login_failures);
}

HttpAnswer *route_metrics(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    gint64 counts[EMAIL_HELD + 1] = {0};
    Db *db = store_reader_take(call->api->store);
    emails_count(db, STORE_DEFAULT_ORG, counts, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    GString *text = g_string_new(NULL);
    metrics_write(call->api->metrics, text);
    write_queue(text, counts);
    if (call->api->courier)
        write_courier(text, call->api->courier);
    return http_answer_new_text(
        200, "text/plain; version=0.0.4; charset=utf-8", g_string_free(text, FALSE));
}

HttpAnswer *route_openapi(ApiCall *call)
{
    GBytes *contract = g_resources_lookup_data(OPENAPI, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    return contract ? http_answer_new(200, "application/json", contract)
                    : call_problem(call, "not_found", NULL);
}

HttpAnswer *route_page(ApiCall *call)
{
    HttpAnswer *answer = pages_answer(call->api->pages, call->request);
    return answer ? answer : call_problem(call, "not_found", NULL);
}
