/* For whoever watches over the service: can it take mail, does it send, how much does it do. */
#include "api/accept_email.h"
#include "api/dates.h"
#include "api/readiness.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "store/space.h"

/* --- Ready ------------------------------------------------------------------------------------ */

/* A write that changes nothing unless a draft is overdue: it needs the writing thread, a
 * transaction and a commit. */
static gboolean ready_job(Db *db, gpointer data, GError **error)
{
    WallMs now = clock_wall_ms();
    return smtp_drafts_expire(db, MIN(now, clock_steady_ms()), error) &&
           readiness_read(db, STORE_DEFAULT_ORG, now, data, error);
}

static HttpAnswer *ready_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    const Readiness *readiness = data;
    json_t *json = json_object();
    json_object_set_new(json, "status", json_text("ok"));
    json_object_set_new(json, "able_to_send", json_boolean(readiness->is_able));
    json_object_set_new(json, "sending", json_text(readiness->reason));
    json_object_set_new(
        json, "oldest_due_s", json_integer(readiness->oldest_due_ms / CLOCK_SECOND_MS));
    return call_json(call, 200, json);
}

/* Ready is who can take mail. That it goes out is said beside it: a provider's outage is what the
 * queue is there for, and no reason to take the service out of the way. */
HttpAnswer *route_ready(ApiCall *call)
{
    HttpAnswer *refusal = accept_email_refuse_if_low(call);
    return refusal ? refusal
                   : call_submit(call, ready_job, g_new0(Readiness, 1), ready_finish, g_free);
}

/* --- Metrics ---------------------------------------------------------------------------------- */

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

/* Only once it is known: neither answer would be true before. */
static void write_books(GString *text, CourierBooks books)
{
    if (books == COURIER_BOOKS_UNKNOWN)
        return;
    metrics_write_one(text, "absender_books_balanced", "gauge",
        "1 if the last check found every recipient accounted for; the log tells what is wrong.",
        books != COURIER_BOOKS_FAULTY);
    metrics_write_one(text, "absender_books_counted", "gauge",
        "1 if that check counted the recipients themselves; 0: only the sums, or they are faulty.",
        books == COURIER_BOOKS_BALANCED);
}

static void write_disk(GString *text, Store *store)
{
    StoreSpace space;
    store_space(store, &space);
    metrics_write_one(text, "absender_disk_free_bytes", "gauge",
        "Disk that mail may still take or is kept.", space.free_bytes);
    metrics_write_one(text, "absender_disk_floor_bytes", "gauge",
        "Disk kept free: below it no mail is taken.", space.floor_bytes);
}

static void write_readiness(GString *text, const Readiness *readiness)
{
    metrics_write_one(text, "absender_able_to_send", "gauge",
        "1 if the last session went well and nothing due has waited for ten minutes.",
        readiness->is_able);
    metrics_write_one(text, "absender_oldest_due_seconds", "gauge",
        "How long the mail that has waited longest has been due.",
        readiness->oldest_due_ms / CLOCK_SECOND_MS);
}

static GPtrArray *read_dates(struct api *api, Db *db, WallMs now, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    return state ? dates_ahead(api, db, STORE_DEFAULT_ORG, state, now, error) : NULL;
}

HttpAnswer *route_metrics(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    gint64 counts[EMAIL_HELD + 1] = {0};
    Readiness readiness;
    WallMs now = clock_wall_ms();
    Db *db = store_reader_take(call->api->store);
    gboolean is_read = emails_count(db, STORE_DEFAULT_ORG, counts, &error) &&
                       readiness_read(db, STORE_DEFAULT_ORG, now, &readiness, &error);
    g_autoptr(GPtrArray) dates = is_read ? read_dates(call->api, db, now, &error) : NULL;
    store_reader_give(call->api->store, db);
    if (!dates)
        return call_error(call, error);
    GString *text = g_string_new(NULL);
    metrics_write(call->api->metrics, text);
    write_queue(text, counts);
    write_readiness(text, &readiness);
    write_disk(text, call->api->store);
    dates_metrics(text, dates, now);
    if (call->api->courier) {
        write_courier(text, call->api->courier);
        write_books(text, courier_books(call->api->courier));
    }
    return http_answer_new_text(
        200, "text/plain; version=0.0.4; charset=utf-8", g_string_free(text, FALSE));
}
