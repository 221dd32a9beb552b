#include "api/call.h"

#include "api/state.h"
#include "base/error.h"
#include "base/leak_point.h"
#include "base/limits.h"
#include "store/audit.h"
#include "store/tokens.h"

#include <string.h>

/* --- Answers --------------------------------------------------------------------------------- */

HttpAnswer *call_problem_full(ApiCall *call, const Problem *problem)
{
    const ProblemForm form = {call->language, call->request_id, call->wants_resend_form};
    return problem_answer(&form, problem);
}

HttpAnswer *call_problem(ApiCall *call, const char *code, const char *detail)
{
    const Problem problem = {
        .code = code, .detail = detail, .retry_after_s = problem_status(code) == 503 ? 1 : 0};
    return call_problem_full(call, &problem);
}

HttpAnswer *call_faults(ApiCall *call, const JsonFaults *faults)
{
    const Problem problem = {.code = problem_code_of_faults(faults), .faults = faults};
    return call_problem_full(call, &problem);
}

HttpAnswer *call_json(ApiCall *call, int status, json_t *value)
{
    return http_answer_new_text(status, "application/json", json_write(value));
}

HttpAnswer *call_unauthenticated(ApiCall *call, const char *code)
{
    HttpAnswer *answer = call_problem(call, code, NULL);
    http_answer_set_header(answer, "WWW-Authenticate", "Bearer");
    return answer;
}

/* What the caller's next request is told, too. */
static HttpAnswer *answer_withdrawn(ApiCall *call)
{
    gboolean is_token = call->caller.kind == PEOPLE_CALLER_TOKEN;
    return call_unauthenticated(call, is_token ? "invalid_token" : "session_expired");
}

HttpAnswer *call_error(ApiCall *call, const GError *error)
{
    const char *code = "internal_error";
    if (call->is_withdrawn)
        return answer_withdrawn(call);
    if (error->domain == ABS_ERROR) {
        switch ((AbsError)error->code) {
        case ABS_ERROR_INPUT:
        case ABS_ERROR_LIMIT:
            return call_problem(call, "invalid_fields", error->message);
        case ABS_ERROR_DENIED:
            return call_problem(call, "forbidden", NULL);
        case ABS_ERROR_CONFLICT:
            return call_problem(call, "conflict", NULL);
        case ABS_ERROR_NOT_FOUND:
            return call_problem(call, "not_found", NULL);
        case ABS_ERROR_BUSY:
            return call_problem(call, "busy", NULL);
        case ABS_ERROR_IO:
        case ABS_ERROR_STORE:
            code = "storage_unavailable";
            break;
        case ABS_ERROR_PROTOCOL:
        case ABS_ERROR_SECRET:
            break;
        }
    }
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "REQUEST_ID", call->request_id, "MESSAGE",
        "request failed: %s", error->message);
    return call_problem(call, code, NULL);
}

/* --- Reading --------------------------------------------------------------------------------- */

static JsonMode mode_of(const Route *route)
{
    JsonMode mode = route->flags & ROUTE_SENDING ? JSON_BYTE_ARRAYS : JSON_PLAIN;
    return route->flags & ROUTE_BATCH ? mode | JSON_BATCH : mode;
}

/* Only this escape makes a NUL: as a byte of its own it is no JSON. */
static gboolean may_hold_nul(const HttpRequest *request)
{
    static const char escape[] = "\\u0000";
    return memmem(request->body, request->body_bytes, escape, strlen(escape)) != NULL;
}

json_t *call_body(ApiCall *call, gboolean may_be_empty, HttpAnswer **problem)
{
    const HttpRequest *request = call->request;
    JsonMode mode = mode_of(call->route);
    const char *fault;
    if (may_be_empty && request->body_bytes == 0)
        return json_object();
    json_t *body = json_read(request->body, request->body_bytes, mode, &fault);
    if (!body) {
        *problem = call_problem(call, "malformed_json", fault);
        return NULL;
    }
    if (!may_hold_nul(request))
        return body;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_note_nul(body, "", &faults);
    if (faults.list->len == 0)
        return body;
    json_decref(body);
    *problem = call_faults(call, &faults);
    return NULL;
}

static gboolean read_cursor(
    ApiCall *call, const char *name, const char *prefix, Id *id, const Id **given)
{
    const char *text = http_request_query(call->request, name);
    if (!text)
        return TRUE;
    *given = id;
    return id_parse(text, prefix, id);
}

gboolean call_page(ApiCall *call, const char *prefix, CallPage *page, HttpAnswer **problem)
{
    *page = (CallPage){.limit = LIMIT_PAGE_DEFAULT};
    const char *limit = http_request_query(call->request, "limit");
    guint64 number = LIMIT_PAGE_DEFAULT;
    if (limit && !g_ascii_string_to_unsigned(limit, 10, 1, LIMIT_PAGE, &number, NULL)) {
        *problem = call_problem(call, "invalid_query", "limit must be a number between 1 and 200.");
        return FALSE;
    }
    page->limit = (guint)number;
    if (!read_cursor(call, "after", prefix, &page->after_id, &page->after) ||
        !read_cursor(call, "before", prefix, &page->before_id, &page->before)) {
        *problem = call_problem(
            call, "invalid_query", "after and before must be ids from a list like this.");
        return FALSE;
    }
    return TRUE;
}

void call_audit(ApiCall *call, const char *action, const char *object, const char *detail)
{
    g_assert(!call->audit.action);
    call->audit.action = g_strdup(action);
    call->audit.object = g_strdup(object);
    call->audit.detail = g_strdup(detail);
}

gboolean call_audit_append(ApiCall *call, Db *db, const char *action, const char *object,
    const char *detail, GError **error)
{
    g_autofree char *actor = call_caller_name(call, db);
    const AuditNote note = {
        .org_id = call->caller.org_id ? call->caller.org_id : STORE_DEFAULT_ORG,
        .at = clock_wall_ms(),
        .actor = actor,
        .action = action,
        .object = object,
        .detail = LEAK_TEXT("audit", detail),
        .client = call->client,
    };
    return audit_append(db, &note, error);
}

void call_audit_learned(ApiCall *call, const char *object, const char *detail)
{
    g_free(call->audit.object);
    g_free(call->audit.detail);
    call->audit.object = g_strdup(object);
    call->audit.detail = g_strdup(detail);
}

void call_audit_say(GString *said, const char *field, const char *before, const char *now)
{
    if (g_strcmp0(before, now) != 0)
        g_string_append_printf(said, "%s%s: %s → %s", said->len ? ", " : "", field,
            before && *before ? before : "–", now && *now ? now : "–");
}

void call_audit_drop(ApiCall *call)
{
    g_clear_pointer(&call->audit.action, g_free);
}

char *call_caller_name(ApiCall *call, Db *db)
{
    if (call->caller.kind == PEOPLE_CALLER_MEMBER) {
        g_autoptr(Member) member = member_by_row(db, call->caller.member_row, NULL);
        return g_strdup(member ? member->email : "member");
    }
    if (call->caller.kind == PEOPLE_CALLER_TOKEN) {
        g_autofree char *name = token_name_by_row(db, call->caller.org_id, call->caller.row);
        return name ? g_strconcat("token ", name, NULL) : g_strdup("token");
    }
    return g_strdup(call->caller.kind == PEOPLE_CALLER_OPERATOR ? "operator" : "anonymous");
}
