/* What a person does with an email in the outbox: cancel it, try again, another time, hand it over,
 * many at once; and why it has not been sent. */
#include "api/explanation.h"
#include "api/json/email_json.h"
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/emails_actions.h"
#include "store/smtp_settings.h"

#include <string.h>

typedef enum {
    ACTION_RETRY = 1,
    ACTION_RESCHEDULE,
    ACTION_CANCEL,
    ACTION_HAND_OVER,
} ActionKind;

static const char *const nothing_codes[] = {
    [ACTION_RETRY] = "not_retryable",
    [ACTION_RESCHEDULE] = "not_scheduled",
    [ACTION_CANCEL] = "not_cancellable",
    [ACTION_HAND_OVER] = "not_handed_over",
};

static const char *const audit_actions[] = {
    [ACTION_RETRY] = "email.retried",
    [ACTION_RESCHEDULE] = "email.rescheduled",
    [ACTION_CANCEL] = "email.cancelled",
    [ACTION_HAND_OVER] = "email.handed_over",
};

/* The problem code of a result; NULL: it is done. */
static const char *code_of(ActionKind kind, EmailActionResult result)
{
    switch (result) {
    case EMAIL_ACTION_DONE:
        return NULL;
    case EMAIL_ACTION_UNKNOWN:
        return "not_found";
    case EMAIL_ACTION_NOTHING:
        return nothing_codes[kind];
    case EMAIL_ACTION_AT_MOST_ONCE:
        return "at_most_once";
    case EMAIL_ACTION_BODY_ERASED:
        return "body_erased";
    case EMAIL_ACTION_PAST_EXPIRY:
        return "past_expiry";
    case EMAIL_ACTION_MAY_ARRIVE_TWICE:
        return "may_arrive_twice";
    }
    g_assert_not_reached();
}

static gboolean cancel(
    Db *db, gint64 org_id, const Id *id, EmailActionResult *result, gint64 *n, GError **error)
{
    g_autoptr(GError) own = NULL;
    *result = EMAIL_ACTION_DONE;
    if (emails_cancel(db, org_id, id, clock_wall_ms(), n, &own))
        return TRUE;
    *result = EMAIL_ACTION_NOTHING;
    if (g_error_matches(own, ABS_ERROR, ABS_ERROR_CONFLICT))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&own));
    return FALSE;
}

/* What is asked for. */
typedef struct {
    ActionKind kind;
    WallMs at;              /* of another time */
    gboolean may_duplicate; /* of a retry: also what may have arrived */
} Deed;

/* Whoever may not read every email may act on those it has handed over. */
static gboolean is_in_reach(const PeopleCaller *caller, const EmailRow *row)
{
    if (caller->scopes & PEOPLE_SCOPE_EMAILS_READ)
        return TRUE;
    return caller->kind == PEOPLE_CALLER_TOKEN ? row->submitted_by_token == caller->row
                                               : row->submitted_by_member == caller->member_row;
}

/* Does it, if the caller may. *n: how many recipients were retried or cancelled. */
static gboolean act(Db *db, const PeopleCaller *caller, const Deed *deed, const Id *id,
    EmailActionResult *result, gint64 *n, GError **error)
{
    GError *fault = NULL;
    g_autoptr(EmailRow) row = emails_get(db, caller->org_id, id, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    *n = 0;
    *result = EMAIL_ACTION_UNKNOWN;
    if (!row || !is_in_reach(caller, row))
        return TRUE;
    WallMs now = clock_wall_ms();
    switch (deed->kind) {
    case ACTION_RETRY:
        return emails_retry(db, caller->org_id, id, deed->may_duplicate, now, result, n, error);
    case ACTION_RESCHEDULE:
        return emails_reschedule(db, caller->org_id, id, deed->at, now, result, error);
    case ACTION_CANCEL:
        return cancel(db, caller->org_id, id, result, n, error);
    case ACTION_HAND_OVER:
        return emails_hand_over(db, caller->org_id, id, now, result, n, error);
    }
    g_assert_not_reached();
}

/* --- One email ------------------------------------------------------------------------------- */

typedef struct {
    ApiCall *call;
    PeopleCaller caller;
    Deed deed;
    Id id;
    EmailActionResult result;
    gint64 n;
    EmailRow *row;     /* afterwards */
    char *application; /* that handed it over; NULL: none */
    SmtpState *state;  /* then */
} Action;

static void action_free(gpointer data)
{
    Action *action = data;
    g_clear_pointer(&action->row, email_row_free);
    g_clear_pointer(&action->application, g_free);
    g_clear_pointer(&action->state, smtp_state_free);
    g_free(action);
}

static gboolean action_job(Db *db, gpointer data, GError **error)
{
    Action *action = data;
    gint64 org_id = action->caller.org_id;
    if (!act(db, &action->caller, &action->deed, &action->id, &action->result, &action->n, error))
        return FALSE;
    if (action->result != EMAIL_ACTION_DONE) {
        call_audit_drop(action->call);
        return TRUE;
    }
    action->state = smtp_state_read(db, org_id, error);
    if (!action->state)
        return FALSE;
    action->row = emails_get(db, org_id, &action->id, error);
    if (action->row)
        action->application = email_application(db, action->row);
    return action->row != NULL;
}

static HttpAnswer *action_finish(ApiCall *call, gpointer data, const GError *error)
{
    CRASH_POINT("action_committed"); /* and not answered */
    const Action *action = data;
    if (error)
        return call_error(call, error);
    const char *code = code_of(action->deed.kind, action->result);
    if (code)
        return call_problem(call, code, NULL);
    json_t *json = email_detail_json(
        action->row, action->application, action->state, call->api, call->language);
    if (action->deed.kind == ACTION_RETRY)
        json_object_set_new(json, "retried", json_integer(action->n));
    return call_json(call, 200, json);
}

static HttpAnswer *submit_action(ApiCall *call, ActionKind kind, WallMs at)
{
    Action *action = g_new0(Action, 1);
    char id[ID_TEXT_SIZE];
    action->call = call;
    action->caller = call->caller;
    action->deed = (Deed){.kind = kind, .at = at, .may_duplicate = TRUE};
    action->id = call->id;
    call_audit(call, audit_actions[kind], id_format(&call->id, "em", id), NULL);
    return call_submit(call, action_job, action, action_finish, action_free);
}

HttpAnswer *route_email_retry(ApiCall *call)
{
    return submit_action(call, ACTION_RETRY, 0);
}

HttpAnswer *route_email_cancel(ApiCall *call)
{
    return submit_action(call, ACTION_CANCEL, 0);
}

HttpAnswer *route_email_hand_over(ApiCall *call)
{
    return submit_action(call, ACTION_HAND_OVER, 0);
}

static WallMs read_new_time(json_t *body, JsonFaults *faults)
{
    WallMs at = 0;
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    gboolean is_given = json_object_has(&object, "scheduled_at");
    const char *text = json_object_take_text(&object, "scheduled_at");
    if (!is_given)
        json_object_fault(
            &object, "scheduled_at", "required", "Say when: a time, or null to send it at once.");
    else if (text && !clock_parse_rfc3339(text, &at))
        json_object_fault(&object, "scheduled_at", "invalid_time",
            "Write the time as ISO 8601, like 2026-12-24T18:00:00Z.");
    else if (at > clock_wall_ms() + LIMIT_SCHEDULE_AHEAD_MS)
        json_object_fault(&object, "scheduled_at", "out_of_range",
            "An email can be scheduled at most 30 days ahead.");
    return at;
}

HttpAnswer *route_email_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    WallMs at = read_new_time(body, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    return submit_action(call, ACTION_RESCHEDULE, at);
}

/* --- Many emails ----------------------------------------------------------------------------- */

/* So many in one job that their recipients are within LIMIT_ACTION_ROWS. */
#define EMAILS_PER_JOB (LIMIT_ACTION_ROWS / LIMIT_RECIPIENTS)

typedef struct {
    ApiCall *call;
    const Deed *deed;
    const Id *ids; /* of this job */
    guint n_ids;
    EmailActionResult results[EMAILS_PER_JOB];
} BulkJob;

/* "retried: em_…, em_…": those of a job, so that each email's fate can be found. */
static gboolean note_bulk(Db *db, const BulkJob *job, GError **error)
{
    char id[ID_TEXT_SIZE];
    guint done = 0;
    const char *deed = strchr(audit_actions[job->deed->kind], '.') + 1;
    g_autoptr(GString) detail = g_string_new(deed);
    for (guint i = 0; i < job->n_ids; i++) {
        if (job->results[i] == EMAIL_ACTION_DONE)
            g_string_append_printf(
                detail, "%s%s", done++ ? ", " : ": ", id_format(&job->ids[i], "em", id));
    }
    return done == 0 || call_audit_append(job->call, db, "emails.bulk", NULL, detail->str, error);
}

static gboolean bulk_job(Db *db, gpointer data, GError **error)
{
    BulkJob *job = data;
    for (guint i = 0; i < job->n_ids; i++) {
        gint64 n;
        if (!act(db, &job->call->caller, job->deed, &job->ids[i], &job->results[i], &n, error))
            return FALSE;
    }
    return note_bulk(db, job, error);
}

static void read_action(JsonObject *object, ActionKind *kind)
{
    const char *action = json_object_take_text(object, "action");
    if (g_strcmp0(action, "retry") == 0)
        *kind = ACTION_RETRY;
    else if (g_strcmp0(action, "cancel") == 0)
        *kind = ACTION_CANCEL;
    else
        json_object_fault(object, "action", action ? "unknown_value" : "required",
            "Say what to do: retry or cancel.");
}

/* What a request asks for: of which emails, by their ids or as a filter finds them. */
typedef struct {
    Deed deed;
    GArray *ids; /* of Id */
    gboolean is_by_filter;
    EmailFilter filter;
    char *search;
    Id after; /* filter.after points here, or to nothing */
} Bulk;

static void bulk_clear(Bulk *bulk)
{
    g_clear_pointer(&bulk->ids, g_array_unref);
    g_free(bulk->search);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bulk, bulk_clear)

static void read_ids(JsonObject *object, Bulk *bulk, JsonFaults *faults)
{
    json_t *list = json_object_take_array(object, "ids"), *item;
    gsize n = json_array_size(list), i;
    if (n == 0 || n > LIMIT_BULK_IDS) {
        json_object_fault(object, "ids", list ? "out_of_range" : "required",
            "A list of 1 to 200 ids is required, or a filter.");
        return;
    }
    json_array_foreach(list, i, item)
    {
        Id id;
        g_autofree char *pointer = g_strdup_printf("/ids/%" G_GSIZE_FORMAT, i);
        const char *text = json_string_value(item);
        if (text && id_parse(text, "em", &id))
            g_array_append_val(bulk->ids, id);
        else
            json_fault_add(faults, pointer, "invalid_id", NULL);
    }
}

static void read_bulk_filter(json_t *given, Bulk *bulk, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, given, "/filter", faults);
    const char *state = json_object_take_text(&object, "state");
    const char *class = json_object_take_text(&object, "class");
    const char *search = json_object_take_text(&object, "q");
    if (state && !email_state_parse(state, &bulk->filter.state))
        json_object_fault(&object, "state", "unknown_value", "This state is not known.");
    if (class && !email_class_parse(class, &bulk->filter.class))
        json_object_fault(&object, "class", "unknown_value", "This class is not known.");
    if (search && strlen(search) > LIMIT_ADDRESS_OCTETS)
        json_object_fault(&object, "q", "too_long", "The search text is too long.");
    bulk->search = search && *search ? g_strdup(search) : NULL;
    bulk->filter.search = bulk->search;
}

static void read_after(JsonObject *object, Bulk *bulk)
{
    const char *after = json_object_take_text(object, "after");
    if (!after)
        return;
    if (!bulk->is_by_filter)
        json_object_fault(object, "after", "not_allowed", "Only a filter goes on behind an email.");
    else if (!id_parse(after, "em", &bulk->after))
        json_object_fault(object, "after", "invalid_id", NULL);
    bulk->filter.after = &bulk->after;
}

static void read_bulk(json_t *body, Bulk *bulk, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    bulk->ids = g_array_new(FALSE, FALSE, sizeof(Id));
    read_action(&object, &bulk->deed.kind);
    if (json_object_take_bool(&object, "uncertain", &bulk->deed.may_duplicate) &&
        bulk->deed.may_duplicate && bulk->deed.kind == ACTION_CANCEL)
        json_object_fault(&object, "uncertain", "not_allowed", "Only a retry can be uncertain.");
    json_t *filter = json_object_take_object(&object, "filter");
    bulk->is_by_filter = filter != NULL;
    if (filter && json_object_take_array(&object, "ids"))
        json_object_fault(&object, "ids", "not_allowed", "Give ids or a filter, not both.");
    if (filter)
        read_bulk_filter(filter, bulk, faults);
    else
        read_ids(&object, bulk, faults);
    read_after(&object, bulk);
}

/* Whoever may not read every email would learn by a filter which there are. */
static HttpAnswer *find_ids(ApiCall *call, Bulk *bulk, gboolean *has_more)
{
    if (!(call->caller.scopes & PEOPLE_SCOPE_EMAILS_READ))
        return call_problem(call, "forbidden", NULL);
    bulk->filter.org_id = call->caller.org_id;
    bulk->filter.limit = LIMIT_BULK_FOUND;
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) found = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, call->caller.org_id, &error);
    gboolean is_hidden = state && route_emails_gate_hides(
                                      bulk->filter.state, smtp_state_gate(state, clock_wall_ms()));
    if (state && !is_hidden)
        found = emails_find(db, &bulk->filter, has_more, &error);
    store_reader_give(call->api->store, db);
    if (found)
        g_array_append_vals(bulk->ids, found->data, found->len);
    return found || is_hidden ? NULL : call_error(call, error);
}

static void add_results(const BulkJob *job, gint64 *done, json_t *skipped)
{
    for (guint i = 0; i < job->n_ids; i++) {
        const char *code = code_of(job->deed->kind, job->results[i]);
        *done += code ? 0 : 1;
        if (!code)
            continue;
        char id[ID_TEXT_SIZE];
        json_t *entry = json_object();
        json_object_set_new(entry, "id", json_text(id_format(&job->ids[i], "em", id)));
        json_object_set_new(entry, "code", json_text(code));
        json_array_append_new(skipped, entry);
    }
}

/* Job by job, each all or nothing; after an error a repeat finds the first ones done and skips
 * them. */
static HttpAnswer *run_bulk(ApiCall *call, const Deed *deed, const GArray *ids, gboolean has_more)
{
    char last[ID_TEXT_SIZE];
    json_t *skipped = json_array();
    gint64 done = 0;
    for (guint i = 0; i < ids->len; i += EMAILS_PER_JOB) {
        g_autoptr(GError) error = NULL;
        BulkJob job = {.call = call,
            .deed = deed,
            .ids = &g_array_index(ids, Id, i),
            .n_ids = MIN(ids->len - i, EMAILS_PER_JOB)};
        if (!call_run(call, bulk_job, &job, &error)) {
            json_decref(skipped);
            return call_error(call, error);
        }
        add_results(&job, &done, skipped);
    }
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("bulk"));
    json_object_set_new(json, "done", json_integer(done));
    json_object_set_new(json, "skipped", skipped);
    json_object_set_new(json, "next",
        has_more ? json_text(id_format(&g_array_index(ids, Id, ids->len - 1), "em", last))
                 : json_null());
    return call_json(call, 200, json);
}

HttpAnswer *route_emails_bulk(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_auto(Bulk) bulk = {.deed = {.kind = ACTION_RETRY}};
    gboolean has_more = FALSE;
    read_bulk(body, &bulk, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    if (bulk.is_by_filter)
        problem = find_ids(call, &bulk, &has_more);
    return problem ? problem : run_bulk(call, &bulk.deed, bulk.ids, has_more);
}

/* --- Why ------------------------------------------------------------------------------------- */

/* "Europe/Berlin" (IANA). The name becomes a file's name, so it is looked at closely; FALSE if it
 * is none. A zone that this machine does not know stays NULL: then the times are in UTC and say so.
 */
static gboolean read_zone(const ApiCall *call, GTimeZone **zone)
{
    const char *name = http_request_query(call->request, "time_zone");
    if (!name)
        return TRUE;
    gboolean is_name = *name && strlen(name) <= LIMIT_TIME_ZONE_OCTETS;
    for (const char *p = name; is_name && *p; p++)
        is_name = g_ascii_isalnum(*p) || *p == '_' || *p == '-' || *p == '+' ||
                  (*p == '/' && p > name && p[1] != '/');
    if (is_name)
        *zone = g_time_zone_new_identifier(name);
    return is_name;
}

HttpAnswer *route_email_explanation(ApiCall *call)
{
    g_autoptr(GTimeZone) zone = NULL;
    if (!read_zone(call, &zone))
        return call_problem(call, "invalid_query", "This is not the name of a time zone.");
    g_autoptr(GError) error = NULL;
    gint64 org_id = call->caller.org_id;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, &error);
    g_autoptr(EmailRow) row = state ? emails_get(db, org_id, &call->id, &error) : NULL;
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    if (!row)
        return call_problem(call, "not_found", NULL);
    return call_json(call, 200,
        explanation_json(row, state, call->api->catalogue, clock_wall_ms(), zone, call->language));
}
