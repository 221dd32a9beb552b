/* The sending switch, and what switching it on would do. */
#include "api/json/smtp_json.h"
#include "api/routes/routes.h"

#include "base/crash_point.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/emails_actions.h"

#include <string.h>

/* --- Preview --------------------------------------------------------------------------------- */

static json_t *classes_json(const gint64 counts[EMAIL_CLASS_BULK + 1])
{
    json_t *json = json_object();
    json_object_set_new(json, "total", json_integer(counts[0]));
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++)
        json_object_set_new(json, email_class_name(class), json_integer(counts[class]));
    return json;
}

/* How long a window needs for n more mails, at the least: what goes beyond its room waits until
 * room comes, and then for a whole window each time it is full. */
static gint64 window_needs_ms(const QuotaWindow *window, gint64 length_ms, gint64 n, WallMs now)
{
    gint64 room = window->limit > window->used ? window->limit - window->used : 0;
    if (window->limit == 0 || n <= room)
        return 0;
    gint64 full_windows = (n - room - 1) / window->limit;
    gint64 until_room = window->used == 0       ? length_ms
                        : window->free_at > now ? window->free_at - now
                                                : 0;
    return until_room + full_windows * length_ms;
}

gint64 route_sending_takes_s(const QuotaWindow windows[QUOTA_WINDOWS], gint64 n, WallMs now)
{
    static const gint64 lengths_ms[QUOTA_WINDOWS] = {CLOCK_MINUTE_MS, CLOCK_HOUR_MS, CLOCK_DAY_MS};
    gint64 longest_ms = 0;
    for (gsize i = 0; i < QUOTA_WINDOWS; i++)
        longest_ms = MAX(longest_ms, window_needs_ms(&windows[i], lengths_ms[i], n, now));
    return (longest_ms + CLOCK_SECOND_MS - 1) / CLOCK_SECOND_MS;
}

/* What the preview tells of one moment. */
typedef struct {
    WallMs now;
    EmailsPreview counts;
    gint64 takes_s; /* -1: there is no quota */
    gint64 running_out[EMAIL_CLASS_BULK + 1];
} Preview;

/* Under a quota a class goes out once those before it have: what reaches its expiry by then may end
 * unsent, though it is due now. */
static gboolean read_pace(
    Db *db, gint64 org_id, const SmtpState *state, Preview *preview, GError **error)
{
    QuotaWindow windows[QUOTA_WINDOWS] = {{0}};
    WallMs until[EMAIL_CLASS_BULK + 1] = {0};
    gint64 n = 0;
    preview->takes_s = -1;
    if (!smtp_quota_read(state, preview->now, windows))
        return TRUE;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        n += preview->counts.send[class];
        preview->takes_s = route_sending_takes_s(windows, n, preview->now);
        until[class] = preview->now + preview->takes_s * CLOCK_SECOND_MS;
    }
    return preview->takes_s == 0 ||
           emails_count_running_out(db, org_id, until, preview->now, preview->running_out, error);
}

static json_t *preview_json(const Preview *preview)
{
    const EmailsPreview *counts = &preview->counts;
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("sending_preview"));
    json_object_set_new(json, "at", json_time(preview->now));
    json_object_set_new(json, "send", classes_json(counts->send));
    json_object_set_new(json, "later", classes_json(counts->later));
    json_object_set_new(json, "expire", classes_json(counts->expire));
    json_object_set_new(json, "uncertain", classes_json(counts->uncertain));
    json_object_set_new(json, "may_expire", classes_json(preview->running_out));
    json_object_set_new(json, "oldest_at", json_time(counts->oldest_at));
    json_object_set_new(json, "takes_at_least_s",
        preview->takes_s < 0 ? json_null() : json_integer(preview->takes_s));
    return json;
}

HttpAnswer *route_sending_preview(ApiCall *call)
{
    gint64 org_id = call->caller.org_id;
    Preview preview = {.now = clock_wall_ms()};
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, &error);
    gboolean is_read = state && emails_preview(db, org_id, preview.now, &preview.counts, &error) &&
                       read_pace(db, org_id, state, &preview, &error);
    store_reader_give(call->api->store, db);
    return is_read ? call_json(call, 200, preview_json(&preview)) : call_error(call, error);
}

/* --- Sending switch -------------------------------------------------------------------------- */

typedef struct {
    struct api *api;
    PeopleCaller caller;
    Language language;
    gboolean is_enabled;
    char *reason, *changed_by;
    WallMs until;
    guint cancel_classes; /* a bit for each EmailClass */
    gint64 cancelled;     /* recipients */
    json_t *status;
} Switching;

static void switching_free(gpointer data)
{
    Switching *switching = data;
    g_clear_pointer(&switching->status, json_decref);
    g_free(switching->reason);
    g_free(switching->changed_by);
    g_free(switching);
}

static gboolean sending_job(Db *db, gpointer data, GError **error)
{
    Switching *switching = data;
    gint64 org_id = switching->caller.org_id;
    if (!smtp_sending_write(db, org_id, switching->is_enabled, switching->reason, switching->until,
            switching->changed_by, clock_wall_ms(), error))
        return FALSE;
    switching->status = smtp_status_json(switching->api, db, org_id, switching->language, error);
    return switching->status != NULL;
}

static HttpAnswer *sending_finish(ApiCall *call, gpointer data, const GError *error)
{
    CRASH_POINT("switch_committed"); /* and not answered */
    Switching *switching = data;
    if (error)
        return call_error(call, error);
    json_object_set_new(switching->status, "cancelled", json_integer(switching->cancelled));
    return smtp_status_answer(call, g_steal_pointer(&switching->status));
}

/* --- The classes that are cancelled before -------------------------------------------------- */

typedef struct {
    gint64 org_id, last, cancelled;
    EmailClass class;
} ClassCancellation;

static gboolean cancel_class_job(Db *db, gpointer data, GError **error)
{
    ClassCancellation *job = data;
    return emails_cancel_class(
        db, job->org_id, job->class, job->last, clock_wall_ms(), &job->cancelled, error);
}

/* A chain of small jobs, so that the store's writer is never held up. This worker waits for each
 * of them; others serve the API meanwhile, because there is one such chain at a time. What came in
 * since the request stays. */
static gboolean cancel_classes(ApiCall *call, Switching *switching, GError **error)
{
    ClassCancellation job = {.org_id = call->caller.org_id};
    Db *db = store_reader_take(call->api->store);
    gboolean is_read = emails_last_recipient(db, &job.last, error);
    store_reader_give(call->api->store, db);
    if (!is_read)
        return FALSE;
    for (job.class = EMAIL_CLASS_RESET; job.class <= EMAIL_CLASS_BULK; job.class ++) {
        if (!(switching->cancel_classes & 1u << job.class))
            continue;
        do {
            if (!call_run(call, cancel_class_job, &job, error))
                return FALSE;
            switching->cancelled += job.cancelled;
        } while (job.cancelled > 0);
    }
    return TRUE;
}

static gboolean cancel_classes_alone(ApiCall *call, Switching *switching, HttpAnswer **problem)
{
    gint *is_cancelling = &call->api->is_cancelling;
    g_autoptr(GError) error = NULL;
    if (!g_atomic_int_compare_and_exchange(is_cancelling, FALSE, TRUE)) {
        *problem = call_problem(call, "busy", "Emails are being cancelled already.");
        return FALSE;
    }
    gboolean is_done = cancel_classes(call, switching, &error);
    g_atomic_int_set(is_cancelling, FALSE);
    if (!is_done)
        *problem = call_error(call, error);
    return is_done;
}

static void read_classes(Switching *switching, JsonObject *object)
{
    json_t *classes = json_object_take_array(object, "cancel_classes"), *item;
    gsize i;
    json_array_foreach(classes, i, item)
    {
        EmailClass class;
        if (email_class_parse(json_string_value(item), &class))
            switching->cancel_classes |= 1u << class;
        else
            json_object_fault(object, "cancel_classes", "unknown_value",
                "The class is reset, invitation, transactional, notification or bulk.");
    }
    if (switching->cancel_classes && !switching->is_enabled)
        json_object_fault(object, "cancel_classes", "not_allowed",
            "Classes are cancelled only when sending is switched on.");
}

/* --- The request ----------------------------------------------------------------------------- */

static void read_switching(Switching *switching, json_t *body, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    if (!json_object_take_bool(&object, "enabled", &switching->is_enabled) &&
        faults->list->len == 0)
        json_object_fault(&object, "enabled", "required", "Say whether to send: true or false.");
    switching->reason = g_strdup(json_object_take_text(&object, "reason"));
    const char *until = json_object_take_text(&object, "until");
    if (switching->reason && (!text_is_one_line(switching->reason, FALSE) ||
                                 strlen(switching->reason) > LIMIT_REASON_BYTES))
        json_object_fault(
            &object, "reason", "too_long", "The reason is one line of at most 200 bytes.");
    if (until &&
        (!clock_parse_rfc3339(until, &switching->until) || switching->until <= clock_wall_ms()))
        json_object_fault(&object, "until", "invalid_time",
            "Please give a time in the future, such as 2026-12-24T18:00:00Z.");
    if (until && switching->is_enabled)
        json_object_fault(&object, "until", "not_allowed", "Only a pause can have an end.");
    read_classes(switching, &object);
}

/* "until 2026-12-24T18:00:00Z: moving", or what was cancelled on the way. The caller frees. */
static char *switching_detail(const Switching *switching)
{
    g_autofree char *until = clock_format_rfc3339(switching->until);
    GString *text = g_string_new(switching->reason);
    if (until)
        g_string_append_printf(text, "%suntil %s", text->len ? ", " : "", until);
    if (switching->cancel_classes)
        g_string_append_printf(
            text, "%s%" G_GINT64_FORMAT " cancelled", text->len ? ", " : "", switching->cancelled);
    return g_string_free(text, FALSE);
}

HttpAnswer *route_sending_put(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Switching *switching = g_new0(Switching, 1);
    switching->api = call->api;
    switching->caller = call->caller;
    switching->language = call->language;
    read_switching(switching, body, &faults);
    json_decref(body);
    if (faults.list->len > 0) {
        switching_free(switching);
        return call_faults(call, &faults);
    }
    Db *db = store_reader_take(call->api->store);
    switching->changed_by = call_caller_name(call, db);
    store_reader_give(call->api->store, db);
    if (switching->cancel_classes && !cancel_classes_alone(call, switching, &problem)) {
        switching_free(switching);
        return problem;
    }
    g_autofree char *detail = switching_detail(switching);
    call_audit(call, switching->is_enabled ? "smtp.sending_on" : "smtp.sending_off", NULL,
        *detail ? detail : NULL);
    return call_submit(call, sending_job, switching, sending_finish, switching_free);
}
