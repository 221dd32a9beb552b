#include "api/routes.h"
#include "api/settings_request.h"
#include "api/smtp_json.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* --- Status ---------------------------------------------------------------------------------- */

/* The status with its ETag: the settings' revision. status is taken. */
static HttpAnswer *status_answer(ApiCall *call, json_t *status)
{
    g_autofree char *etag = g_strdup_printf(
        "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(json_object_get(status, "revision")));
    HttpAnswer *answer = call_json(call, 200, status);
    http_answer_set_header(answer, "ETag", etag);
    return answer;
}

HttpAnswer *route_smtp_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    json_t *status = smtp_status_json(call->api, db, call->caller.org_id, call->language, &error);
    store_reader_give(call->api->store, db);
    return status ? status_answer(call, status) : call_error(call, error);
}

HttpAnswer *route_events(ApiCall *call)
{
    Language language = call->language;
    const char *asked = http_request_query(call->request, "language");
    if (asked && !language_parse(asked, &language))
        return call_problem(call, "invalid_query", "The language is de or en.");
    HttpStream *stream = sse_open(call->api->sse, &call->caller, call->credential, language);
    return stream ? http_answer_new_stream(stream) : call_problem(call, "too_many_streams", NULL);
}

/* --- Draft ----------------------------------------------------------------------------------- */

#define ANY_REVISION (-1)

/* If-Match: a tag or *. */
static gboolean read_if_match(ApiCall *call, gint64 *revision, HttpAnswer **problem)
{
    const char *text = http_request_header(call->request, "If-Match");
    gsize n = text ? strlen(text) : 0;
    guint64 number = 0;
    g_autofree char *inner =
        n > 2 && text[0] == '"' && text[n - 1] == '"' ? g_strndup(text + 1, n - 2) : NULL;
    if (text && strcmp(text, "*") == 0)
        *revision = ANY_REVISION;
    else if (inner && g_ascii_string_to_unsigned(inner, 10, 0, G_MAXINT64, &number, NULL))
        *revision = (gint64)number;
    else
        *problem = call_problem(call, text ? "precondition_failed" : "precondition_required", NULL);
    return *problem == NULL;
}

/* One change of the draft, made in one job: nobody can come between reading and writing. */
typedef struct {
    struct api *api;
    gint64 org_id, revision;
    Language language;
    gboolean is_deletion;
    SettingsRequest request;
    gboolean password_dropped, has_moved;
    JsonFaults faults;
    json_t *status; /* afterwards */
} DraftChange;

static void draft_change_free(gpointer data)
{
    DraftChange *change = data;
    settings_request_clear(&change->request);
    json_faults_clear(&change->faults);
    g_clear_pointer(&change->status, json_decref);
    g_free(change);
}

static gboolean draft_job(Db *db, gpointer data, GError **error)
{
    DraftChange *change = data;
    g_autoptr(SmtpState) state = smtp_state_read(db, change->org_id, error);
    if (!state)
        return FALSE;
    change->has_moved = change->revision != ANY_REVISION && change->revision != state->revision;
    if (change->has_moved) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_CONFLICT, "the revision has moved");
        return FALSE;
    }
    g_autoptr(SmtpSettings) draft = NULL;
    if (!change->is_deletion) {
        draft = settings_request_apply(&change->request, state, change->api, change->org_id, "",
            &change->password_dropped, &change->faults);
        if (!draft) {
            g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "the draft has faults");
            return FALSE;
        }
    }
    gint64 revision;
    if ((draft || state->draft) && !smtp_draft_write(db, change->org_id, draft, state->revision,
                                       clock_wall_ms(), &revision, error))
        return FALSE;
    change->status = smtp_status_json(change->api, db, change->org_id, change->language, error);
    return change->status != NULL;
}

static HttpAnswer *draft_finish(ApiCall *call, gpointer data, const GError *error)
{
    DraftChange *change = data;
    if (change->has_moved)
        return call_problem(call, "precondition_failed", NULL);
    if (change->faults.list->len > 0)
        return call_faults(call, &change->faults);
    if (error)
        return call_error(call, error);
    if (!change->is_deletion)
        json_object_set_new(
            change->status, "password_dropped", json_boolean(change->password_dropped));
    return status_answer(call, g_steal_pointer(&change->status));
}

static DraftChange *draft_change_new(ApiCall *call, gint64 revision)
{
    DraftChange *change = g_new0(DraftChange, 1);
    change->api = call->api;
    change->org_id = call->caller.org_id;
    change->language = call->language;
    change->revision = revision;
    json_faults_init(&change->faults);
    return change;
}

HttpAnswer *route_draft_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    if (!read_if_match(call, &revision, &problem))
        return problem;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    DraftChange *change = draft_change_new(call, revision);
    settings_request_read(&change->request, body, "", &change->faults);
    json_decref(body);
    if (change->faults.list->len > 0) {
        problem = call_faults(call, &change->faults);
        draft_change_free(change);
        return problem;
    }
    return call_submit(call, draft_job, change, draft_finish, draft_change_free);
}

HttpAnswer *route_draft_delete(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    if (!read_if_match(call, &revision, &problem))
        return problem;
    DraftChange *change = draft_change_new(call, revision);
    change->is_deletion = TRUE;
    return call_submit(call, draft_job, change, draft_finish, draft_change_free);
}

/* --- Sending switch -------------------------------------------------------------------------- */

typedef struct {
    struct api *api;
    PeopleCaller caller;
    Language language;
    gboolean is_enabled;
    char *reason, *changed_by;
    WallMs until;
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
    Switching *switching = data;
    return error ? call_error(call, error)
                 : status_answer(call, g_steal_pointer(&switching->status));
}

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
    return call_submit(call, sending_job, switching, sending_finish, switching_free);
}
