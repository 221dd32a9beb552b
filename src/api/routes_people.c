/* First set-up, signing in and out. */
#include "api/browser.h"
#include "api/routes.h"
#include "api/state.h"
#include "api/version.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"

#include <string.h>

/* --- The session object ---------------------------------------------------------------------- */

static json_t *member_json(const Member *member)
{
    char id[ID_TEXT_SIZE];
    if (!member)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&member->id, "mem", id)));
    json_object_set_new(json, "email", json_text(member->email));
    json_object_set_new(json, "name", json_text(member->name));
    json_object_set_new(json, "role", json_text(people_role_name(member->role)));
    json_object_set_new(json, "language", json_text(member->language));
    return json;
}

static json_t *session_json(
    const struct api *api, const Member *member, const char *csrf, gboolean needs_setup)
{
    json_t *json = json_object();
    json_object_set_new(json, "authenticated", json_boolean(member != NULL));
    json_object_set_new(json, "setup_required", json_boolean(needs_setup));
    json_object_set_new(json, "dev", json_boolean(api->dev));
    json_object_set_new(json, "sandbox", json_boolean(api->sandbox != NULL));
    json_object_set_new(json, "version", json_text(ABSENDER_VERSION));
    json_object_set_new(json, "public_url", json_text(api->public_url));
    json_object_set_new(json, "member", member_json(member));
    json_object_set_new(json, "csrf_token", json_text(member ? csrf : NULL));
    return json;
}

HttpAnswer *route_session_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) member = NULL;
    gint64 count = 0;
    Db *db = store_reader_take(call->api->store);
    members_count(db, STORE_DEFAULT_ORG, &count, &error);
    if (!error && call->caller.kind == PEOPLE_CALLER_MEMBER)
        member = member_by_row(db, call->caller.member_row, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    return call_json(call, 200, session_json(call->api, member, call->csrf, count == 0));
}

/* --- A new session --------------------------------------------------------------------------- */

/* Signing in, or the first set-up that also makes the member. */
typedef struct {
    Member *member;
    Session session;
    Secret *secret;     /* the session's */
    gint64 earlier_row; /* of the session this browser had: it ends */
    gboolean is_setup;
    guint8 setup_hash[PEOPLE_HASH_BYTES];
} SignIn;

static void sign_in_free(gpointer data)
{
    SignIn *sign_in = data;
    g_clear_pointer(&sign_in->member, member_free);
    secret_free(sign_in->secret);
    g_free(sign_in);
}

static SignIn *sign_in_new(ApiCall *call, Member *member)
{
    WallMs now = clock_wall_ms();
    SignIn *sign_in = g_new0(SignIn, 1);
    sign_in->member = member;
    sign_in->secret = people_random_make();
    Session *session = &sign_in->session;
    people_hash(sign_in->secret, session->hash);
    session->id = id_fresh(now);
    session->created_at = session->used_at = now;
    session->expires_at = now + LIMIT_SESSION_MS;
    if (call->caller.kind == PEOPLE_CALLER_MEMBER)
        sign_in->earlier_row = call->caller.row;
    return sign_in;
}

static gboolean sign_in_job(Db *db, gpointer data, GError **error)
{
    SignIn *sign_in = data;
    Member *member = sign_in->member;
    if (sign_in->is_setup &&
        (!setup_token_redeem(db, sign_in->setup_hash, clock_wall_ms(), error) ||
            !member_insert(db, member, &member->row, error)))
        return FALSE;
    if (sign_in->earlier_row && !session_delete(db, sign_in->earlier_row, error))
        return FALSE;
    sign_in->session.org_id = member->org_id;
    sign_in->session.member_row = member->row;
    sign_in->session.role = member->role;
    return session_insert(db, &sign_in->session, &sign_in->session.row, error);
}

static HttpAnswer *sign_in_finish(ApiCall *call, gpointer data, const GError *error)
{
    struct api *api = call->api;
    const SignIn *sign_in = data;
    char csrf[CALL_CSRF_SIZE];
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED))
        return call_problem(call, "setup_token_invalid", NULL);
    if (sign_in->is_setup)
        guesses_note_success(api->guesses, NULL, call->client);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "address_taken", NULL);
    if (error)
        return call_error(call, error);
    if (sign_in->earlier_row)
        credentials_remove(api->credentials, call->credential);
    credentials_add_session(api->credentials, &sign_in->session);
    sse_check_callers(api->sse);
    browser_csrf_token(secret_reveal(sign_in->secret, NULL), csrf);
    HttpAnswer *answer = call_json(
        call, sign_in->is_setup ? 201 : 200, session_json(api, sign_in->member, csrf, FALSE));
    g_autofree char *cookie = browser_cookie(api->is_https, sign_in->secret);
    http_answer_set_header(answer, "Set-Cookie", cookie);
    secret_wipe(cookie, strlen(cookie));
    secret_wipe(csrf, sizeof csrf);
    return answer;
}

/* NULL: the try is taken, and counts as failed until guesses_note_success. */
static HttpAnswer *take_try(ApiCall *call, const char *account)
{
    MonoMs wait_ms = guesses_take(call->api->guesses, account, call->client, clock_mono_ms());
    if (wait_ms == 0)
        return NULL;
    const Problem problem = {
        .code = "too_many_attempts", .retry_after_s = (guint)(wait_ms / CLOCK_SECOND_MS) + 1};
    return call_problem_full(call, &problem);
}

/* --- First set-up ---------------------------------------------------------------------------- */

typedef struct {
    const char *token, *email, *name, *password, *language; /* lent from the body */
} SetupFields;

static const char *take_required(JsonObject *object, const char *name)
{
    guint before = object->faults->list->len;
    const char *text = json_object_take_text(object, name);
    if ((!text || !*text) && object->faults->list->len == before)
        json_object_fault(object, name, "required", NULL);
    return text && *text ? text : NULL;
}

static void check_setup(JsonObject *object, const SetupFields *fields)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address =
        fields->email ? mime_address_parse(fields->email, &error) : NULL;
    Language language;
    if (fields->email && !address)
        json_object_fault(object, "email", "invalid_address", error->message);
    if (fields->name && !text_is_one_line(fields->name, FALSE))
        json_object_fault(object, "name", "control_character", "The name must be one line.");
    else if (fields->name && g_utf8_strlen(fields->name, -1) > LIMIT_SENDER_NAME_CHARACTERS)
        json_object_fault(object, "name", "too_long", "The name is too long.");
    if (fields->language && !language_parse(fields->language, &language))
        json_object_fault(object, "language", "unknown_value", "The language is de or en.");
    if (fields->password && strlen(fields->password) > LIMIT_PASSWORD_BYTES) {
        json_object_fault(object, "password", "too_long", "The password is too long.");
    } else if (fields->password) {
        g_autoptr(Secret) password = secret_new(fields->password, strlen(fields->password));
        const char *fault = people_password_fault(password, fields->email);
        g_autofree char *detail =
            fault && strcmp(fault, "password_too_short") == 0
                ? g_strdup_printf("This password is too short. Use at least %d characters.",
                      LIMIT_NEW_PASSWORD_CHARACTERS)
                : NULL;
        if (fault)
            json_object_fault(object, "password", fault, detail);
    }
}

static void read_setup(json_t *body, SetupFields *fields, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    fields->token = take_required(&object, "token");
    fields->email = take_required(&object, "email");
    fields->name = take_required(&object, "name");
    fields->password = take_required(&object, "password");
    fields->language = json_object_take_text(&object, "language");
    check_setup(&object, fields);
}

/* Addresses of members are kept in small letters: nobody should fail to sign in over "Anna@". */
static char *account_of(const char *email)
{
    g_autoptr(MimeAddress) address = email ? mime_address_parse(email, NULL) : NULL;
    return address ? g_utf8_strdown(address->addr_spec, -1) : NULL;
}

static Member *first_member(const SetupFields *fields, const char *language)
{
    g_autoptr(Secret) password = secret_new(fields->password, strlen(fields->password));
    WallMs now = clock_wall_ms();
    Member *member = g_new0(Member, 1);
    member->org_id = STORE_DEFAULT_ORG;
    member->id = id_fresh(now);
    member->email = account_of(fields->email);
    member->name = g_strdup(fields->name);
    member->role = PEOPLE_ROLE_ORG_ADMIN;
    member->password_hash = people_password_hash(password);
    member->language = g_strdup(language);
    member->created_at = now;
    return member;
}

HttpAnswer *route_setup(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    SetupFields fields = {0};
    read_setup(body, &fields, &faults);
    problem = faults.list->len > 0 ? call_faults(call, &faults) : take_try(call, NULL);
    if (problem) {
        json_decref(body);
        return problem;
    }
    const char *language = fields.language ? fields.language : language_name(call->language);
    g_autoptr(Secret) token = secret_new(fields.token, strlen(fields.token));
    SignIn *sign_in = sign_in_new(call, first_member(&fields, language));
    json_decref(body);
    sign_in->is_setup = TRUE;
    people_hash(token, sign_in->setup_hash);
    return call_submit(call, sign_in_job, sign_in, sign_in_finish, sign_in_free);
}

/* --- Signing in and out ---------------------------------------------------------------------- */

static gboolean read_sign_in(ApiCall *call, char **account, Secret **password, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return FALSE;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        const char *email = take_required(&object, "email");
        const char *text = take_required(&object, "password");
        *account = email ? account_of(email) : NULL;
        if (text)
            *password = secret_new(text, MIN(strlen(text), LIMIT_PASSWORD_BYTES + 1));
    }
    json_decref(body);
    if (faults.list->len > 0)
        *problem = call_faults(call, &faults);
    return *problem == NULL;
}

HttpAnswer *route_sign_in(ApiCall *call)
{
    struct api *api = call->api;
    HttpAnswer *problem = NULL;
    g_autofree char *account = NULL;
    g_autoptr(Secret) password = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) member = NULL;
    if (!read_sign_in(call, &account, &password, &problem))
        return problem;
    problem = take_try(call, account);
    if (problem)
        return problem;
    if (account) {
        Db *db = store_reader_take(api->store);
        member = member_by_email(db, account, &error);
        store_reader_give(api->store, db);
        if (error)
            return call_error(call, error);
    }
    /* Without a member the same work is done for nothing (threat T36). */
    if (!people_password_verify(member ? member->password_hash : NULL, password)) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "REQUEST_ID", call->request_id, "MESSAGE",
            "sign-in refused for a client at %s", call->client);
        return call_problem(call, "invalid_credentials", NULL);
    }
    guesses_note_success(api->guesses, account, call->client);
    return call_submit(call, sign_in_job, sign_in_new(call, g_steal_pointer(&member)),
        sign_in_finish, sign_in_free);
}

static gboolean sign_out_job(Db *db, gpointer data, GError **error)
{
    const gint64 *row = data;
    return session_delete(db, *row, error);
}

static HttpAnswer *sign_out_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    credentials_remove(call->api->credentials, call->credential);
    sse_check_callers(call->api->sse);
    json_t *json = json_object();
    json_object_set_new(json, "deleted", json_true());
    HttpAnswer *answer = call_json(call, 200, json);
    g_autofree char *cookie = browser_cookie(call->api->is_https, NULL);
    http_answer_set_header(answer, "Set-Cookie", cookie);
    return answer;
}

HttpAnswer *route_sign_out(ApiCall *call)
{
    return call_submit(
        call, sign_out_job, g_memdup2(&call->caller.row, sizeof(gint64)), sign_out_finish, g_free);
}
