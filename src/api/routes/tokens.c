/* API tokens of applications: what each may do. Shown once, kept as a hash. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"
#include "api/token_limits.h"
#include "api/token_request.h"

#include "base/error.h"
#include "base/limits.h"

/* The first characters, by which a person tells tokens apart. */
#define HINT_CHARACTERS 8

/* --- As JSON --------------------------------------------------------------------------------- */

static json_t *scopes_json(guint scopes)
{
    json_t *json = json_array();
    for (guint bit = 1; bit <= PEOPLE_SCOPE_ALL; bit <<= 1) {
        if (scopes & bit)
            json_array_append_new(json, json_text(people_scope_name(bit)));
    }
    return json;
}

/* A list as the table keeps it. */
static json_t *list_json(const char *text)
{
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    return list ? list : json_null();
}

static json_t *number_or_null(guint number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static json_t *quota_json(const QuotaLimits *quota)
{
    if (!quota->per_minute && !quota->per_hour && !quota->per_day)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "per_minute", number_or_null(quota->per_minute));
    json_object_set_new(json, "per_hour", number_or_null(quota->per_hour));
    json_object_set_new(json, "per_day", number_or_null(quota->per_day));
    return json;
}

static json_t *use_json(const TokenUse *use)
{
    json_t *json = json_object();
    json_object_set_new(json, "minute", json_integer(use->minute));
    json_object_set_new(json, "hour", json_integer(use->hour));
    json_object_set_new(json, "day", json_integer(use->day));
    return json;
}

static json_t *token_json(const struct api *api, const Token *token)
{
    char id[ID_TEXT_SIZE];
    TokenUse use = token_limits_use(api->token_limits, token->row, clock_steady_ms());
    WallMs used_at = credentials_used_at(api->credentials, &token->id);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("token"));
    json_object_set_new(json, "id", json_text(id_format(&token->id, "tok", id)));
    json_object_set_new(json, "name", json_text(token->name));
    json_object_set_new(json, "hint", json_text(token->hint));
    json_object_set_new(json, "scopes", scopes_json(token->scopes));
    json_object_set_new(json, "from_addresses", list_json(token->from_addresses));
    json_object_set_new(json, "networks", list_json(token->networks));
    json_object_set_new(json, "quota", quota_json(&token->quota));
    json_object_set_new(json, "usage", use_json(&use));
    json_object_set_new(json, "created_at", json_time(token->created_at));
    json_object_set_new(json, "created_by", json_text(token->created_by));
    json_object_set_new(json, "expires_at", json_time(token->expires_at));
    json_object_set_new(json, "used_at", json_time(MAX(token->used_at, used_at)));
    return json;
}

/* --- Reading --------------------------------------------------------------------------------- */

HttpAnswer *route_tokens_list(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) tokens = tokens_list(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!tokens)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < tokens->len; i++)
        json_array_append_new(data, token_json(call->api, tokens->pdata[i]));
    return call_json(call, 200, json_list(data, FALSE));
}

HttpAnswer *route_token_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Token) token = token_get(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    return token ? call_json(call, 200, token_json(call->api, token)) : call_error(call, error);
}

/* --- Making one ------------------------------------------------------------------------------ */

typedef struct {
    ApiCall *call;
    Token *token;
    Secret *secret;
    gboolean is_one_too_many;
} Making;

static void making_free(gpointer data)
{
    Making *making = data;
    token_free(making->token);
    secret_free(making->secret);
    g_free(making);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Making, making_free)

static gboolean make_job(Db *db, gpointer data, GError **error)
{
    Making *making = data;
    Token *token = making->token;
    gint64 count = 0;
    if (!tokens_count(db, token->org_id, &count, error))
        return FALSE;
    making->is_one_too_many = count >= LIMIT_TOKENS;
    if (making->is_one_too_many) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT, "there are %d tokens", LIMIT_TOKENS);
        return FALSE;
    }
    token->created_by = call_caller_name(making->call, db);
    return token_insert(db, token, &token->row, error);
}

static HttpAnswer *make_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Making *making = data;
    if (making->is_one_too_many)
        return call_problem(call, "too_many_tokens", NULL);
    if (error)
        return call_error(call, error);
    token_limits_put(call->api->token_limits, making->token);
    credentials_add_token(call->api->credentials, making->token);
    json_t *json = token_json(call->api, making->token);
    json_object_set_new(json, "token", json_text(secret_reveal(making->secret, NULL)));
    return call_json(call, 201, json);
}

/* The request's token; NULL with *problem. */
static Token *read_request(ApiCall *call, gboolean is_new, guint *given, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autoptr(Token) token = g_new0(Token, 1);
    *given = token_request_read(token, body, is_new, clock_wall_ms(), &faults);
    json_decref(body);
    if (faults.list->len == 0)
        return g_steal_pointer(&token);
    *problem = call_faults(call, &faults);
    return NULL;
}

HttpAnswer *route_token_create(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    guint given = 0;
    g_autoptr(Making) making = g_new0(Making, 1);
    Token *token = making->token = read_request(call, TRUE, &given, &problem);
    if (token)
        problem = call_may_grant(call, token->scopes);
    if (problem)
        return problem;
    making->call = call;
    making->secret = people_token_make();
    people_hash(making->secret, token->hash);
    token->hint = g_strndup(secret_reveal(making->secret, NULL), HINT_CHARACTERS);
    token->org_id = call->caller.org_id;
    token->created_at = clock_wall_ms();
    token->id = id_fresh(token->created_at);
    char id[ID_TEXT_SIZE];
    call_audit(call, "token.created", id_format(&token->id, "tok", id), token->name);
    return call_submit(call, make_job, g_steal_pointer(&making), make_finish, making_free);
}

/* --- Changing one ---------------------------------------------------------------------------- */

typedef struct {
    gint64 org_id;
    Id id;
    Token *request;
    guint given;
    Token *token; /* as it is now */
} Change;

static void change_free(gpointer data)
{
    Change *change = data;
    token_free(change->request);
    token_free(change->token);
    g_free(change);
}

static gboolean change_job(Db *db, gpointer data, GError **error)
{
    Change *change = data;
    change->token = token_get(db, change->org_id, &change->id, error);
    if (!change->token)
        return FALSE;
    token_request_apply(change->request, change->given, change->token);
    return token_write(db, change->token, error);
}

static HttpAnswer *change_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Change *change = data;
    if (error)
        return call_error(call, error);
    token_limits_put(call->api->token_limits, change->token);
    credentials_add_token(call->api->credentials, change->token);
    return call_json(call, 200, token_json(call->api, change->token));
}

/* Who changes a token's limits gives away what it may do: its scopes, which never change. */
static HttpAnswer *check_change(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Token) token = token_get(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (!token)
        return call_error(call, error);
    if (call->caller.kind == PEOPLE_CALLER_TOKEN && call->caller.row == token->row)
        return call_problem(call, "scope_not_allowed", "A token does not change itself.");
    return call_may_grant(call, token->scopes);
}

HttpAnswer *route_token_patch(ApiCall *call)
{
    guint given = 0;
    HttpAnswer *problem = check_change(call);
    g_autoptr(Token) request = problem ? NULL : read_request(call, FALSE, &given, &problem);
    if (!request)
        return problem;
    Change *change = g_new0(Change, 1);
    change->org_id = call->caller.org_id;
    change->id = call->id;
    change->given = given;
    change->request = g_steal_pointer(&request);
    char id[ID_TEXT_SIZE];
    g_autofree char *names = token_request_names(given);
    call_audit(call, "token.changed", id_format(&call->id, "tok", id), names);
    return call_submit(call, change_job, change, change_finish, change_free);
}

/* --- Revoking one ---------------------------------------------------------------------------- */

typedef struct {
    gint64 org_id;
    Id id;
} Revocation;

static gboolean revoke_job(Db *db, gpointer data, GError **error)
{
    const Revocation *revocation = data;
    return token_revoke(db, revocation->org_id, &revocation->id, clock_wall_ms(), error);
}

static HttpAnswer *revoke_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Revocation *revocation = data;
    if (error)
        return call_error(call, error);
    credentials_remove_token(call->api->credentials, &revocation->id);
    token_limits_remove(call->api->token_limits, &revocation->id);
    sse_check_callers(call->api->sse);
    return call_json(call, 200, json_deleted());
}

HttpAnswer *route_token_revoke(ApiCall *call)
{
    const Revocation revocation = {call->caller.org_id, call->id};
    char id[ID_TEXT_SIZE];
    call_audit(call, "token.revoked", id_format(&call->id, "tok", id), NULL);
    return call_submit(
        call, revoke_job, g_memdup2(&revocation, sizeof revocation), revoke_finish, g_free);
}
