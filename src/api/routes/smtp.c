#include "api/json/oauth_json.h"
#include "api/json/smtp_json.h"
#include "api/routes/routes.h"
#include "api/settings_request.h"

#include "base/error.h"
#include "store/history.h"

#include <string.h>

/* --- Status ---------------------------------------------------------------------------------- */

HttpAnswer *route_smtp_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    json_t *status = smtp_status_json(call->api, db, call->caller.org_id, call->language, &error);
    store_reader_give(call->api->store, db);
    return status ? smtp_status_answer(call, status) : call_error(call, error);
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
    ApiCall *call;
    struct api *api;
    gint64 org_id, revision;
    Language language;
    gboolean is_deletion;
    SettingsRequest request;
    SettingsDropped dropped;
    gboolean has_moved;
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

/* Quota, connections, window and a secret's end are nothing a verification proves: while no draft
 * waits for one, they are changed where they count (decision 0018). */
static gboolean changes_limits_only(const SmtpState *state, const SmtpSettings *next)
{
    return next && !state->draft && state->active &&
           settings_same_destination(state->active, next) &&
           g_strcmp0(state->active->from_name, next->from_name) == 0;
}

/* draft NULL: it is deleted, if there is one. */
static gboolean write_change(Db *db, const DraftChange *change, const SmtpState *state,
    const SmtpSettings *draft, GError **error)
{
    if (changes_limits_only(state, draft))
        return smtp_limits_write(db, change->org_id, draft, state->revision, error);
    return (!draft && !state->draft) || smtp_draft_write(db, change->org_id, draft, state->revision,
                                            clock_wall_ms(), NULL, error);
}

static gboolean limits_are_same(const SmtpSettings *a, const SmtpSettings *b)
{
    return a->max_connections == b->max_connections && a->window == b->window &&
           a->quota.per_minute == b->quota.per_minute && a->quota.per_hour == b->quota.per_hour &&
           a->quota.per_day == b->quota.per_day;
}

/* There is none, or it is the copy that a check of what is in force leaves: nobody typed it. */
static gboolean discards_nothing(const SmtpState *state)
{
    return !state->draft || (state->active && settings_history_same(state->active, state->draft) &&
                                limits_are_same(state->active, state->draft));
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
    if (change->is_deletion && discards_nothing(state))
        call_audit_drop(change->call);
    if (!change->is_deletion) {
        draft = settings_request_apply(&change->request, state, change->api, change->org_id, "",
            &change->dropped, &change->faults);
        if (!draft) {
            g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "the draft has faults");
            return FALSE;
        }
    }
    if (!write_change(db, change, state, draft, error))
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
    if (!change->is_deletion) {
        json_object_set_new(
            change->status, "password_dropped", json_boolean(change->dropped.password));
        json_object_set_new(
            change->status, "oauth_dropped", oauth_secrets_json(change->dropped.oauth));
    }
    return smtp_status_answer(call, g_steal_pointer(&change->status));
}

static DraftChange *draft_change_new(ApiCall *call, gint64 revision)
{
    DraftChange *change = g_new0(DraftChange, 1);
    change->call = call;
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
    g_autofree char *fields = settings_request_fields_dup(&change->request);
    call_audit(call, "smtp.draft_changed", NULL, fields);
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
    call_audit(call, "smtp.draft_changed", NULL, "discarded");
    return call_submit(call, draft_job, change, draft_finish, draft_change_free);
}
