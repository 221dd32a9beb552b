/* The way of a request: head → route, caller, right to do it → worker → decide → answer. */
#include "api/http/browser.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/address.h"

#include <string.h>

static void call_free(gpointer data)
{
    ApiCall *call = data;
    secret_wipe(call->csrf, sizeof call->csrf);
    g_free(call->client);
    g_free(call->audit.action);
    g_free(call->audit.object);
    g_free(call->audit.detail);
    g_free(call);
}

/* --- Who calls ------------------------------------------------------------------------------- */

static gboolean is_trusted(const struct api *api, GInetAddress *address)
{
    for (guint i = 0; i < api->trusted_proxies->len; i++) {
        if (g_inet_address_mask_matches(api->trusted_proxies->pdata[i], address))
            return TRUE;
    }
    return FALSE;
}

/* Behind trusted proxies: the nearest address in X-Forwarded-For that is not one of them. All lines
 * count, because a proxy may write its own below one that the client has made up. */
static char *client_address(const struct api *api, const HttpRequest *request)
{
    g_autofree char *client = g_strdup(request->client);
    g_autofree char *forwarded = http_request_header_list(request, "X-Forwarded-For");
    g_auto(GStrv) hops = g_strsplit(forwarded ? forwarded : "", ",", -1);
    for (guint i = g_strv_length(hops); i-- > 0;) {
        g_autoptr(GInetAddress) address = g_inet_address_new_from_string(client);
        g_autofree char *hop = net_address_respell(g_strstrip(hops[i]));
        if (!address || !hop || !is_trusted(api, address))
            break;
        g_free(client);
        client = g_steal_pointer(&hop);
    }
    return g_steal_pointer(&client);
}

static gboolean find_credential(ApiCall *call, const char *text, PeopleCallerKind kind)
{
    PeopleCaller caller;
    people_hash_lent(text, call->credential);
    if (!credentials_find(call->api->credentials, call->credential, clock_wall_ms(), &caller) ||
        caller.kind != kind) {
        memset(call->credential, 0, sizeof call->credential);
        return FALSE;
    }
    call->caller = caller;
    return TRUE;
}

/* NULL, or the problem code of the 401. An Authorization header goes before the cookie. */
static const char *authenticate(ApiCall *call)
{
    HttpRequest *request = call->request;
    call->caller = (PeopleCaller){.kind = PEOPLE_CALLER_NOBODY};
    if (request->is_control) {
        call->caller = (PeopleCaller){.kind = PEOPLE_CALLER_OPERATOR,
            .org_id = STORE_DEFAULT_ORG,
            .role = PEOPLE_ROLE_ORG_ADMIN,
            .scopes = PEOPLE_SCOPE_ALL};
        return NULL;
    }
    const char *authorization = http_request_header(request, "Authorization");
    if (authorization) {
        const char *token = authorization + strlen("Bearer ");
        if (!text_has_prefix_nocase(authorization, "Bearer ") ||
            !people_token_is_wellformed(token) ||
            !find_credential(call, token, PEOPLE_CALLER_TOKEN))
            return "invalid_token";
        return NULL;
    }
    char *cookie =
        http_request_cookie(request, browser_cookie_name(public_url_is_https(call->api)));
    if (!cookie)
        return "unauthenticated";
    gboolean is_found = find_credential(call, cookie, PEOPLE_CALLER_MEMBER);
    if (is_found)
        browser_csrf_token(cookie, call->csrf);
    secret_wipe(cookie, strlen(cookie));
    g_free(cookie);
    return is_found ? NULL : "session_expired";
}

/* Under a name that is not ours a page could be anybody's, so nothing is said there (threat T35).
 * Whoever brings a good token knows whom he asks: applications may use the name of an inner
 * network. */
static HttpAnswer *check_host(ApiCall *call)
{
    const char *host = http_request_header(call->request, "Host");
    if (call->request->is_control || call->caller.kind == PEOPLE_CALLER_TOKEN || !host ||
        (call->route->flags & ROUTE_ANY_HOST) || public_url_knows_host(call->api, host))
        return NULL;
    g_autofree char *url = public_url_dup(call->api);
    g_autofree char *detail = g_strdup_printf(
        "This server answers as %s. Open it there; a proxy in front must pass the Host header on.",
        url);
    return call_problem(call, "misdirected_request", detail);
}

/* NULL, or why this caller may not take this route. */
static HttpAnswer *check_rights(ApiCall *call)
{
    const Route *route = call->route;
    const char *code = authenticate(call);
    HttpAnswer *stranger = check_host(call);
    if (!stranger)
        stranger = token_check_network(call);
    if (stranger)
        return stranger;
    if (code && !(route->flags & ROUTE_PUBLIC))
        return call_unauthenticated(call, code);
    if ((route->flags & ROUTE_SIGNED_IN) && call->caller.kind != PEOPLE_CALLER_MEMBER)
        return call_problem(call, "forbidden", NULL);
    if ((call->caller.scopes & route->scope) != route->scope)
        return call_problem(call, "forbidden", NULL);
    gboolean is_browser =
        call->caller.kind == PEOPLE_CALLER_MEMBER || call->caller.kind == PEOPLE_CALLER_NOBODY;
    gboolean is_get = strcmp(route->method, "GET") == 0;
    /* A link on another site must not make us ask the world about a domain (threat T44). */
    if (is_get && is_browser && (route->flags & ROUTE_ASKS) && browser_is_led_here(call->request))
        return call_problem(call, "csrf", BROWSER_OTHER_SITE);
    if (!is_get && is_browser) {
        const char *csrf = route->flags & ROUTE_PUBLIC ? NULL : call->csrf;
        g_autofree char *url = public_url_dup(call->api);
        const char *fault = browser_fault(call->request, csrf, url);
        if (fault)
            return call_problem(call, "csrf", fault);
    }
    return NULL;
}

/* --- Answers --------------------------------------------------------------------------------- */

static void set_default_header(HttpAnswer *answer, const char *name, const char *value)
{
    if (!http_answer_header(answer, name))
        http_answer_set_header(answer, name, value);
}

/* What every answer carries (threat T55). */
static HttpAnswer *complete(ApiCall *call, HttpAnswer *answer)
{
    http_answer_set_header(answer, "X-Request-Id", call->request_id);
    http_answer_set_header(answer, "X-Content-Type-Options", "nosniff");
    http_answer_set_header(answer, "Referrer-Policy", "no-referrer");
    http_answer_set_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
    http_answer_set_header(answer, "Cross-Origin-Resource-Policy", "same-origin");
    set_default_header(answer, "Cache-Control", "no-store");
    set_default_header(
        answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    metrics_count_answer(call->api->metrics, call->route, answer->status);
    return answer;
}

static void give_answer(ApiCall *call, HttpAnswer *answer)
{
    http_request_answer(call->request, complete(call, answer));
}

/* --- The server's side ----------------------------------------------------------------------- */

static gboolean has_resend_form(const HttpRequest *request)
{
    const char *accept = http_request_header(request, "Accept");
    return g_str_has_prefix(request->path, "/v1/emails") &&
           !(accept && strstr(accept, "application/problem+json"));
}

static ApiCall *call_begin(struct api *api, HttpRequest *request)
{
    ApiCall *call = g_new0(ApiCall, 1);
    Id id = id_fresh(clock_wall_ms());
    call->api = api;
    call->request = request;
    call->client = client_address(api, request);
    call->language = language_accept(http_request_header(request, "Accept-Language"));
    call->wants_resend_form = has_resend_form(request);
    id_format(&id, "req", call->request_id);
    request->call = call;
    request->free_call = call_free;
    return call;
}

static HttpAnswer *decide_at_head(ApiCall *call, gsize *body_limit)
{
    HttpRequest *request = call->request;
    g_autofree char *allowed = NULL;
    call->route = routes_find(request->method, request->path, &call->id, &allowed);
    if (!call->route) {
        HttpAnswer *answer = call_problem(call, allowed ? "method_not_allowed" : "not_found", NULL);
        if (allowed)
            http_answer_set_header(answer, "Allow", allowed);
        return answer;
    }
    HttpAnswer *refusal = check_rights(call);
    if (refusal)
        return refusal;
    /* A body nobody asked for is read and ignored: Resend's python client sends {} with a GET. */
    *body_limit = MAX(call->route->body_limit, LIMIT_HTTP_BODY_BYTES);
    return call->route->flags & ROUTE_AT_ONCE ? call->route->decide(call) : NULL;
}

static HttpAnswer *admit(HttpRequest *request, gsize *body_limit, gpointer user)
{
    ApiCall *call = call_begin(user, request);
    HttpAnswer *answer = decide_at_head(call, body_limit);
    return answer ? complete(call, answer) : NULL;
}

static HttpAnswer *refuse(HttpRequest *request, const char *code, const char *detail, gpointer user)
{
    ApiCall *call = request->call ? request->call : call_begin(user, request);
    HttpAnswer *answer = complete(call, call_problem(call, code, detail));
    http_answer_set_header(answer, "Connection", "close");
    return answer;
}

static void handle(HttpRequest *request, gpointer user)
{
    struct api *api = user;
    ApiCall *call = request->call;
    /* Again, for a body may be long in coming: who was removed meanwhile is not served. */
    HttpAnswer *refusal = check_rights(call);
    if (refusal) {
        give_answer(call, refusal);
        return;
    }
    GThreadPool *pool = api->quick;
    guint most_waiting = G_MAXUINT;
    if (call->route->flags & ROUTE_HASHES) {
        pool = api->hashing;
        most_waiting = LIMIT_HASH_QUEUE;
    } else if (call->route->flags & ROUTE_ASKS) {
        pool = api->asking;
        most_waiting = LIMIT_ASK_QUEUE;
    } else if (request->body_bytes > LIMIT_LARGE_JSON_BYTES) {
        pool = api->large;
    }
    if (g_thread_pool_unprocessed(pool) >= most_waiting)
        give_answer(call, call_problem(call, "busy", NULL));
    else
        g_thread_pool_push(pool, request, NULL);
}

const HttpHandlers dispatch_handlers = {admit, handle, refuse, NULL};

/* --- The workers' side ----------------------------------------------------------------------- */

void dispatch_run(gpointer data, gpointer api)
{
    HttpRequest *request = data;
    ApiCall *call = request->call;
    HttpAnswer *answer = call->route->decide(call);
    if (answer)
        give_answer(call, answer);
}

typedef struct {
    ApiCall *call;
    StoreJob job;
    CallFinish finish;
    gpointer data;
    GDestroyNotify free_data;
} Submission;

/* The look at the head was a while ago. */
static gboolean check_still(ApiCall *call, Db *db, GError **error)
{
    const PeopleCaller *caller = &call->caller;
    GError *fault = NULL;
    if ((call->route->flags & ROUTE_PUBLIC) || caller->kind == PEOPLE_CALLER_OPERATOR ||
        credential_check(db, caller, call->credential, clock_wall_ms(), &fault))
        return TRUE;
    call->is_withdrawn = g_error_matches(fault, ABS_ERROR, ABS_ERROR_DENIED);
    g_propagate_error(error, fault);
    return FALSE;
}

static gboolean run_job(Db *db, gpointer user, GError **error)
{
    Submission *submission = user;
    ApiCall *call = submission->call;
    return check_still(call, db, error) && submission->job(db, submission->data, error) &&
           (!call->audit.action || call_audit_append(call, db, call->audit.action,
                                       call->audit.object, call->audit.detail, error));
}

static void submission_free(Submission *submission)
{
    if (submission->free_data)
        submission->free_data(submission->data);
    g_free(submission);
}

static void job_done(gpointer user, const GError *error)
{
    Submission *submission = user;
    ApiCall *call = submission->call;
    HttpAnswer *answer = submission->finish(call, submission->data, error);
    if (call->is_withdrawn) { /* no route need know of it */
        http_answer_free(answer);
        answer = call_error(call, error);
    }
    submission_free(submission);
    give_answer(call, answer);
}

HttpAnswer *call_submit(
    ApiCall *call, StoreJob job, gpointer data, CallFinish finish, GDestroyNotify free_data)
{
    Submission *submission = g_new(Submission, 1);
    *submission = (Submission){call, job, finish, data, free_data};
    if (store_submit(call->api->store, run_job, submission, job_done, NULL, NULL))
        return NULL;
    submission_free(submission);
    return call_problem(call, "busy", NULL);
}

gboolean call_run(ApiCall *call, StoreJob job, gpointer data, GError **error)
{
    Submission submission = {.call = call, .job = job, .data = data};
    return store_run(call->api->store, run_job, &submission, error);
}
