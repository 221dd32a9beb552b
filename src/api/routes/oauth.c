/* Signing in at a provider, for settings whose grant is refresh_token: through the browser
 * (authorisation code with PKCE, RFC 7636), or with a code that is typed at the provider's
 * (RFC 8628). What comes of it is a refresh token, sealed into the draft. */
#include "api/routes/routes.h"
#include "api/settings_request.h"
#include "api/token_call.h"

#include "base/error.h"
#include "base/leak_point.h"
#include "base/limits.h"
#include "oauth/redirect.h"

#include <sodium.h>
#include <string.h>

/* --- What is signed in for -------------------------------------------------------------------- */

/* Problem codes: with the missing fields, or that there is no such way. */
static HttpAnswer *check_ready(ApiCall *call, const SmtpSettings *settings)
{
    if (settings->oauth.grant != 0 && settings->oauth.grant != OAUTH_REFRESH_TOKEN)
        return call_problem(call, "sign_in_not_offered", NULL);
    g_autoptr(SmtpSettings) wanted = settings_copy(settings);
    wanted->auth = SETTINGS_AUTH_OAUTH2;
    SettingsMissing missing = settings_missing(wanted);
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    for (guint i = 0; i < missing.n; i++) {
        g_autofree char *pointer = g_strconcat("/", missing.names[i], NULL);
        if (strcmp(missing.names[i], "oauth/refresh_token") != 0)
            json_fault_add(&faults, pointer, "required", NULL);
    }
    if (faults.list->len == 0)
        return NULL;
    return call_problem_full(call, &(const Problem){.code = "incomplete", .faults = &faults});
}

/* The draft, else what is active, if somebody could sign in for it; NULL with *problem. */
static SmtpSettings *read_settings(ApiCall *call, gint64 *revision, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!state) {
        *problem = call_error(call, error);
        return NULL;
    }
    g_autoptr(SmtpSettings) empty = settings_new();
    const SmtpSettings *present = state->draft ? state->draft : state->active;
    *revision = state->revision;
    *problem = check_ready(call, present ? present : empty);
    return *problem ? NULL : settings_copy(present);
}

/* *secret NULL: none is kept, as of a public client. FALSE with *problem. */
static gboolean open_client_secret(
    ApiCall *call, const SmtpSettings *settings, Secret **secret, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    *secret = NULL;
    if (!settings->oauth.sealed[OAUTH_SECRET_CLIENT])
        return TRUE;
    *secret = settings_unseal_oauth(
        settings, OAUTH_SECRET_CLIENT, call->api->vault, call->caller.org_id, &error);
    if (!*secret)
        *problem = call_error(call, error);
    return *secret != NULL;
}

static SignInOwner owner_of(const ApiCall *call)
{
    return (SignInOwner){call->caller.org_id, call->credential};
}

static SignIn *sign_in_new(const ApiCall *call, gint64 revision, gint64 lasts_ms)
{
    SignIn *sign_in = g_new0(SignIn, 1);
    sign_in->id = id_fresh(clock_wall_ms());
    sign_in->org_id = call->caller.org_id;
    memcpy(sign_in->credential, call->credential, PEOPLE_HASH_BYTES);
    sign_in->revision = revision;
    sign_in->ends_at = clock_mono_ms() + lasts_ms;
    return sign_in;
}

/* NULL, or that it is too often. */
static HttpAnswer *take_turn(ApiCall *call)
{
    g_autofree char *key = g_strdup_printf("sign-in %" G_GINT64_FORMAT, call->caller.org_id);
    MonoMs wait =
        rate_take(call->api->rate, key, LIMIT_SIGN_INS_PER_HOUR, CLOCK_HOUR_MS, clock_mono_ms());
    if (wait == 0)
        return NULL;
    const Problem problem = {
        .code = "too_many_attempts", .retry_after_s = (guint)(wait / CLOCK_SECOND_MS) + 1};
    return call_problem_full(call, &problem);
}

/* For what oauth/ cannot ask with these settings. */
static HttpAnswer *not_askable(ApiCall *call, const GError *error)
{
    return g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND)
               ? call_problem(call, "sign_in_not_offered", NULL)
               : call_error(call, error);
}

/* --- What came of asking ---------------------------------------------------------------------- */

static HttpAnswer *refused(
    ApiCall *call, const char *code, const TokenFault *fault, const SmtpSettings *settings)
{
    const Problem problem = {
        .code = code, .diagnosis = token_fault_json(call->api, fault, settings, call->language)};
    HttpAnswer *answer = call_problem_full(call, &problem);
    http_answer_set_header(answer, "Vary", "Accept-Language");
    return answer;
}

static const char *code_of(OauthVerdict verdict)
{
    return verdict == OAUTH_AWAY ? "provider_unreachable" : "sign_in_refused";
}

typedef struct {
    struct api *api;
    gint64 org_id, revision;
    OauthToken *token;
    gboolean has_moved;
    gboolean is_device;
} Ending;

static void ending_free(gpointer data)
{
    Ending *ending = data;
    oauth_token_free(ending->token);
    g_free(ending);
}

static gboolean end_job(Db *db, gpointer data, GError **error)
{
    Ending *ending = data;
    WallMs now = clock_wall_ms();
    g_autoptr(SmtpState) state = smtp_state_read(db, ending->org_id, error);
    if (!state)
        return FALSE;
    const SmtpSettings *present = state->draft ? state->draft : state->active;
    ending->has_moved = !present || state->revision != ending->revision;
    if (ending->has_moved) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_CONFLICT, "the revision has moved");
        return FALSE;
    }
    g_autoptr(SmtpSettings) draft = settings_copy(present);
    settings_sign_in(draft, ending->token->refresh_token, ending->api->vault, ending->org_id, now);
    return smtp_draft_write(
        db, ending->org_id, draft, ending->revision, now, &ending->revision, error);
}

static json_t *sign_in_json(const Ending *ending, const char *state)
{
    json_t *json = json_object();
    json_object_set_new(
        json, "object", json_text(ending->is_device ? "oauth_device" : "oauth_authorization"));
    json_object_set_new(json, "state", json_text(state));
    json_object_set_new(json, "scope", json_text(ending->token->scope));
    json_object_set_new(json, "revision", json_integer(ending->revision));
    return json;
}

static HttpAnswer *end_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Ending *ending = data;
    if (ending->has_moved)
        return call_problem(call, "sign_in_outdated", NULL);
    return error ? call_error(call, error) : call_json(call, 200, sign_in_json(ending, "done"));
}

/* token is taken. */
static HttpAnswer *end_sign_in(ApiCall *call, const SignIn *sign_in, const char *host,
    const SmtpSettings *settings, OauthToken *token)
{
    if (!token->refresh_token) {
        oauth_token_free(token);
        return call_problem(call, "no_refresh_token", NULL);
    }
    Ending *ending = g_new0(Ending, 1);
    ending->api = call->api;
    ending->org_id = call->caller.org_id;
    ending->revision = sign_in->revision;
    ending->token = token;
    ending->is_device = sign_in->device_code != NULL;
    call_audit(call, "smtp.signed_in", settings_username(settings), host);
    return call_submit(call, end_job, ending, end_finish, ending_free);
}

/* --- Through the browser ---------------------------------------------------------------------- */

static HttpAnswer *authorization_json(ApiCall *call, const SignIn *sign_in, const char *url)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("oauth_authorization"));
    json_object_set_new(json, "id", json_text(id_format(&sign_in->id, "oau", id)));
    json_object_set_new(json, "url", json_text(url));
    json_object_set_new(json, "redirect_uri", json_text(sign_in->redirect_uri));
    json_object_set_new(json, "expires_at", json_time(clock_wall_ms() + LIMIT_SIGN_IN_MS));
    return call_json(call, 201, json);
}

HttpAnswer *route_authorization_start(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    json_t *body = call_body(call, TRUE, &problem);
    if (!body)
        return problem;
    json_decref(body);
    g_autoptr(SmtpSettings) settings = read_settings(call, &revision, &problem);
    if (!settings || (problem = take_turn(call)))
        return problem;
    guint8 for_state[OAUTH_RANDOM_BYTES], for_verifier[OAUTH_RANDOM_BYTES];
    randombytes_buf(for_state, sizeof for_state);
    randombytes_buf(for_verifier, sizeof for_verifier);
    g_autoptr(SignIn) sign_in = sign_in_new(call, revision, LIMIT_SIGN_IN_MS);
    g_autofree char *state = oauth_state_dup(for_state);
    sign_in->state = secret_new(state, strlen(state));
    sign_in->verifier = oauth_verifier_new(for_verifier);
    sign_in->redirect_uri = public_url_oauth_return_dup(call->api);
    secret_wipe(for_verifier, sizeof for_verifier);

    OauthProfile profile;
    g_autoptr(GError) error = NULL;
    settings_oauth_profile(settings, &profile);
    g_autofree char *challenge = oauth_challenge_dup(sign_in->verifier);
    g_autofree char *url =
        oauth_authorize_url_dup(&profile, sign_in->redirect_uri, state, challenge, &error);
    if (!url)
        return not_askable(call, error);
    HttpAnswer *answer = authorization_json(call, sign_in, url);
    sign_ins_put(call->api->sign_ins, g_steal_pointer(&sign_in));
    return answer;
}

/* {state, code}, {state, error, error_description}, or {address} with all that in it. */
static OauthRedirect *read_redirect(JsonObject *object)
{
    g_autoptr(GError) error = NULL;
    const char *address = json_object_take_text(object, "address");
    const char *state = json_object_take_text(object, "state");
    const char *code = json_object_take_text(object, "code");
    const char *fault = json_object_take_text(object, "error");
    const char *description = json_object_take_text(object, "error_description");
    if (address) {
        g_autoptr(Secret) secret = secret_new(address, strlen(address));
        OauthRedirect *redirect = oauth_redirect_read(secret, &error);
        if (!redirect)
            json_object_fault(object, "address", "invalid_sign_in_address", NULL);
        return redirect;
    }
    if (!state)
        json_object_fault(object, "state", "required", NULL);
    if (!code == !fault) {
        json_object_fault(object, "code", "required", NULL);
        return NULL;
    }
    OauthRedirect *redirect = g_new0(OauthRedirect, 1);
    redirect->state = g_strdup(state ? state : "");
    redirect->code = code ? secret_new(code, strlen(code)) : NULL;
    redirect->error = g_strdup(fault);
    redirect->description = g_strdup(description);
    return redirect;
}

static OauthRedirect *read_body(ApiCall *call, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    g_autoptr(OauthRedirect) redirect = NULL;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        redirect = read_redirect(&object);
    }
    json_decref(body);
    if (faults.list->len > 0) {
        *problem = call_faults(call, &faults);
        return NULL;
    }
    return g_steal_pointer(&redirect);
}

static HttpAnswer *redeem(ApiCall *call, const SignIn *sign_in, const SmtpSettings *settings,
    const OauthRedirect *redirect)
{
    HttpAnswer *problem = NULL;
    OauthProfile profile;
    g_autoptr(Secret) client_secret = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_auto(TokenFault) fault = {0};
    if (redirect->error) {
        refusal = oauth_refusal_new(redirect->error, redirect->description);
        fault.text = oauth_refusal_text_dup(refusal);
        return refused(call, "sign_in_refused", &fault, settings);
    }
    if (!open_client_secret(call, settings, &client_secret, &problem))
        return problem;
    settings_oauth_profile(settings, &profile);
    OauthRequest *request = oauth_request_for_code(
        &profile, client_secret, redirect->code, sign_in->verifier, sign_in->redirect_uri, &error);
    if (!request)
        return not_askable(call, error);
    OauthToken *token = NULL;
    OauthVerdict verdict = token_call_token(call->api, request, &token, &refusal, &fault);
    if (verdict != OAUTH_GRANTED)
        return refused(call, code_of(verdict), &fault, settings);
    return end_sign_in(call, sign_in, fault.host, settings, token);
}

HttpAnswer *route_authorization_redeem(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    g_autoptr(OauthRedirect) redirect = read_body(call, &problem);
    if (!redirect)
        return problem;
    LEAK_POINT(redirect->code);
    SignInOwner owner = owner_of(call);
    g_autoptr(Secret) state = secret_new(redirect->state, strlen(redirect->state));
    g_autoptr(SignIn) sign_in =
        sign_ins_take_state(call->api->sign_ins, &owner, state, clock_mono_ms());
    if (!sign_in)
        return call_problem(call, "sign_in_unknown", NULL);
    g_autoptr(SmtpSettings) settings = read_settings(call, &revision, &problem);
    if (!settings)
        return problem;
    if (revision != sign_in->revision)
        return call_problem(call, "sign_in_outdated", NULL);
    return redeem(call, sign_in, settings, redirect);
}

/* --- With a code that is typed ---------------------------------------------------------------- */

static HttpAnswer *device_json(ApiCall *call, const SignIn *sign_in, const OauthDevice *device)
{
    char id[ID_TEXT_SIZE];
    WallMs expires_at = clock_wall_ms() + device->expires_in_s * CLOCK_SECOND_MS;
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("oauth_device"));
    json_object_set_new(json, "id", json_text(id_format(&sign_in->id, "oau", id)));
    json_object_set_new(json, "user_code", json_text(device->user_code));
    json_object_set_new(json, "verification_uri", json_text(device->verification_uri));
    json_object_set_new(json, "interval_seconds", json_integer(device->interval_s));
    json_object_set_new(json, "expires_at", json_time(expires_at));
    return call_json(call, 201, json);
}

HttpAnswer *route_device_start(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    OauthProfile profile;
    g_autoptr(Secret) client_secret = NULL;
    g_autoptr(GError) error = NULL;
    json_t *body = call_body(call, TRUE, &problem);
    if (!body)
        return problem;
    json_decref(body);
    g_autoptr(SmtpSettings) settings = read_settings(call, &revision, &problem);
    if (!settings || (problem = take_turn(call)) ||
        !open_client_secret(call, settings, &client_secret, &problem))
        return problem;
    settings_oauth_profile(settings, &profile);
    OauthRequest *request = oauth_request_for_device(&profile, client_secret, &error);
    if (!request)
        return not_askable(call, error);
    g_autoptr(OauthDevice) device = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_auto(TokenFault) fault = {0};
    OauthVerdict verdict = token_call_device(call->api, request, &device, &refusal, &fault);
    if (verdict != OAUTH_GRANTED)
        return refused(call, code_of(verdict), &fault, settings);
    SignIn *sign_in = sign_in_new(call, revision, device->expires_in_s * CLOCK_SECOND_MS);
    sign_in->device_code = g_steal_pointer(&device->device_code);
    sign_in->interval_s = device->interval_s;
    sign_in->next_at = clock_mono_ms() + sign_in->interval_s * CLOCK_SECOND_MS;
    HttpAnswer *answer = device_json(call, sign_in, device);
    sign_ins_put(call->api->sign_ins, sign_in);
    return answer;
}

static HttpAnswer *poll_answer(ApiCall *call, const char *state, gint64 interval_s)
{
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("oauth_device"));
    json_object_set_new(json, "state", json_text(state));
    json_object_set_new(
        json, "interval_seconds", interval_s > 0 ? json_integer(interval_s) : json_null());
    return call_json(call, 200, json);
}

#define SLOWER_S 5 /* RFC 8628 3.5 */

/* It goes on: the sign-in is put back. */
static HttpAnswer *still_pending(ApiCall *call, SignIn *sign_in, gboolean is_slower)
{
    gint64 interval_s = sign_in->interval_s += is_slower ? SLOWER_S : 0;
    sign_in->next_at = clock_mono_ms() + interval_s * CLOCK_SECOND_MS;
    sign_ins_put(call->api->sign_ins, sign_in);
    return poll_answer(call, "pending", interval_s);
}

static HttpAnswer *poll_refused(ApiCall *call, SignIn **sign_in, const OauthRefusal *refusal,
    const TokenFault *fault, const SmtpSettings *settings)
{
    switch (oauth_device_state(refusal)) {
    case OAUTH_DEVICE_PENDING:
        return still_pending(call, g_steal_pointer(sign_in), FALSE);
    case OAUTH_DEVICE_SLOWER:
        return still_pending(call, g_steal_pointer(sign_in), TRUE);
    case OAUTH_DEVICE_DENIED:
        return poll_answer(call, "denied", 0);
    case OAUTH_DEVICE_EXPIRED:
        return poll_answer(call, "expired", 0);
    case OAUTH_DEVICE_REFUSED:
        return refused(call, "sign_in_refused", fault, settings);
    }
    g_assert_not_reached();
}

static HttpAnswer *poll(ApiCall *call, SignIn **sign_in, const SmtpSettings *settings)
{
    HttpAnswer *problem = NULL;
    OauthProfile profile;
    g_autoptr(Secret) client_secret = NULL;
    g_autoptr(GError) error = NULL;
    if (!open_client_secret(call, settings, &client_secret, &problem))
        return problem;
    settings_oauth_profile(settings, &profile);
    OauthRequest *request =
        oauth_request_for_device_poll(&profile, client_secret, (*sign_in)->device_code, &error);
    if (!request)
        return not_askable(call, error);
    OauthToken *token = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_auto(TokenFault) fault = {0};
    switch (token_call_token(call->api, request, &token, &refusal, &fault)) {
    case OAUTH_GRANTED:
        return end_sign_in(call, *sign_in, fault.host, settings, token);
    case OAUTH_REFUSED:
        return poll_refused(call, sign_in, refusal, &fault, settings);
    case OAUTH_AWAY: /* RFC 8628 3.5: less often */
        return still_pending(call, g_steal_pointer(sign_in), TRUE);
    case OAUTH_STRANGE:
        return refused(call, "sign_in_refused", &fault, settings);
    }
    g_assert_not_reached();
}

HttpAnswer *route_device_poll(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    gint64 revision = 0;
    gboolean is_early = FALSE;
    MonoMs now = clock_mono_ms();
    SignInOwner owner = owner_of(call);
    g_autoptr(SignIn) sign_in =
        sign_ins_take_device(call->api->sign_ins, &owner, &call->id, now, &is_early);
    if (!sign_in)
        return is_early ? poll_answer(call, "pending", 0)
                        : call_problem(call, "sign_in_unknown", NULL);
    if (now >= sign_in->ends_at)
        return poll_answer(call, "expired", 0);
    g_autoptr(SmtpSettings) settings = read_settings(call, &revision, &problem);
    if (!settings)
        return problem;
    if (revision != sign_in->revision)
        return call_problem(call, "sign_in_outdated", NULL);
    return poll(call, &sign_in, settings);
}
