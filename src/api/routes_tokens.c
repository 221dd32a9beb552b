/* API tokens: shown once, kept as a hash. */
#include "api/routes.h"
#include "api/state.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* The first characters, by which a person tells tokens apart. */
#define HINT_CHARACTERS 8

static json_t *scopes_json(guint scopes)
{
    json_t *json = json_array();
    for (guint bit = 1; bit <= PEOPLE_SCOPE_ALL; bit <<= 1) {
        if (scopes & bit)
            json_array_append_new(json, json_text(people_scope_name(bit)));
    }
    return json;
}

static json_t *token_json(const Token *token)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&token->id, "tok", id)));
    json_object_set_new(json, "name", json_text(token->name));
    json_object_set_new(json, "hint", json_text(token->hint));
    json_object_set_new(json, "scopes", scopes_json(token->scopes));
    json_object_set_new(json, "created_at", json_time(token->created_at));
    json_object_set_new(json, "expires_at", json_time(token->expires_at));
    json_object_set_new(json, "used_at", json_time(token->used_at));
    return json;
}

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
        json_array_append_new(data, token_json(tokens->pdata[i]));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("list"));
    json_object_set_new(json, "data", data);
    json_object_set_new(json, "has_more", json_false());
    return call_json(call, 200, json);
}

/* --- Making one ------------------------------------------------------------------------------ */

typedef struct {
    Token *token;
    Secret *secret;
} Making;

static void making_free(gpointer data)
{
    Making *making = data;
    token_free(making->token);
    secret_free(making->secret);
    g_free(making);
}

static char *scope_fault(void)
{
    GString *text = g_string_new("There is no such scope. Possible are:");
    for (guint bit = 1; bit <= PEOPLE_SCOPE_ALL; bit <<= 1) {
        if (PEOPLE_SCOPE_ALL & bit)
            g_string_append_printf(text, "%s %s", bit > 1 ? "," : "", people_scope_name(bit));
    }
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

static guint read_scopes(JsonObject *object)
{
    json_t *list = json_object_take_array(object, "scopes");
    guint scopes = 0;
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        guint scope = 0;
        if (name && people_scope_parse(name, &scope)) {
            scopes |= scope;
            continue;
        }
        g_autofree char *pointer = g_strdup_printf("/scopes/%" G_GSIZE_FORMAT, i);
        g_autofree char *detail = scope_fault();
        json_fault_add(object->faults, pointer, "unknown_value", detail);
    }
    if (scopes == 0 && object->faults->list->len == 0)
        json_object_fault(object, "scopes", "required", "A token needs at least one scope.");
    return scopes;
}

static void read_token(Token *token, json_t *body, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *name = json_object_take_text(&object, "name");
    const char *expires_at = json_object_take_text(&object, "expires_at");
    if (!name || !*name)
        json_object_fault(&object, "name", "required", "A token needs a name.");
    else if (!text_is_one_line(name, FALSE) ||
             g_utf8_strlen(name, -1) > LIMIT_SENDER_NAME_CHARACTERS)
        json_object_fault(&object, "name", "too_long", "The name is one line, at most 128 long.");
    if (expires_at && (!clock_parse_rfc3339(expires_at, &token->expires_at) ||
                          token->expires_at <= clock_wall_ms()))
        json_object_fault(&object, "expires_at", "invalid_time",
            "Please give a time in the future, such as 2026-12-24T18:00:00Z.");
    token->name = g_strdup(name);
    token->scopes = read_scopes(&object);
}

static gboolean make_job(Db *db, gpointer data, GError **error)
{
    Making *making = data;
    return token_insert(db, making->token, &making->token->row, error);
}

static HttpAnswer *make_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Making *making = data;
    if (error)
        return call_error(call, error);
    credentials_add_token(call->api->credentials, making->token);
    json_t *json = token_json(making->token);
    json_object_set_new(json, "token", json_text(secret_reveal(making->secret, NULL)));
    return call_json(call, 201, json);
}

HttpAnswer *route_token_create(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Making *making = g_new0(Making, 1);
    Token *token = making->token = g_new0(Token, 1);
    read_token(token, body, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        problem = call_faults(call, &faults);
    else if (token->scopes & ~call->caller.scopes)
        problem = call_problem(call, "scope_not_allowed", NULL);
    if (problem) {
        making_free(making);
        return problem;
    }
    making->secret = people_token_make();
    people_hash(making->secret, token->hash);
    token->hint = g_strndup(secret_reveal(making->secret, NULL), HINT_CHARACTERS);
    token->org_id = call->caller.org_id;
    token->created_at = clock_wall_ms();
    token->id = id_fresh(token->created_at);
    char id[ID_TEXT_SIZE];
    call_audit(call, "token.created", id_format(&token->id, "tok", id), token->name);
    return call_submit(call, make_job, making, make_finish, making_free);
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
    sse_check_callers(call->api->sse);
    json_t *json = json_object();
    json_object_set_new(json, "deleted", json_true());
    return call_json(call, 200, json);
}

HttpAnswer *route_token_revoke(ApiCall *call)
{
    const Revocation revocation = {call->caller.org_id, call->id};
    char id[ID_TEXT_SIZE];
    call_audit(call, "token.revoked", id_format(&call->id, "tok", id), NULL);
    return call_submit(
        call, revoke_job, g_memdup2(&revocation, sizeof revocation), revoke_finish, g_free);
}
