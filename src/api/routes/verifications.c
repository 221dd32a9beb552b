#include "api/json/smtp_json.h"
#include "api/routes/routes.h"
#include "api/settings_request.h"
#include "api/verification_start.h"

#include "base/error.h"
#include "mime/address.h"
#include "store/history.h"

#include <string.h>

/* Starting a run is one job: the draft is written, looked at, and bound to the run by its
 * revision, and nobody can come between. */
typedef struct {
    struct api *api;
    gint64 org_id;
    SettingsRequest request;
    gboolean has_settings, activate;
    Id version; /* settings of the history instead of a request */
    gboolean has_version;
    char *probe_recipient, *started_by;
    JsonFaults faults;

    const char *refusal; /* a problem code, decided by the job; NULL: it runs */
    guint retry_after_s;
    SmtpSettings *settings; /* what is tested */
    Verification *run;
    Id earlier; /* a run to be cancelled */
    gboolean has_earlier;
} Start;

static void start_free(gpointer data)
{
    Start *start = data;
    settings_request_clear(&start->request);
    json_faults_clear(&start->faults);
    g_clear_pointer(&start->settings, settings_free);
    g_clear_pointer(&start->run, verification_free);
    g_free(start->probe_recipient);
    g_free(start->started_by);
    g_free(start);
}

static Start *start_new(ApiCall *call)
{
    Start *start = g_new0(Start, 1);
    start->api = call->api;
    start->org_id = call->caller.org_id;
    json_faults_init(&start->faults);
    Db *db = store_reader_take(call->api->store);
    start->started_by = call_caller_name(call, db);
    store_reader_give(call->api->store, db);
    return start;
}

/* --- Checks ---------------------------------------------------------------------------------- */

/* Missing fields, with their pointers. TRUE if none is. had_password: one was kept for another
 * destination. */
static gboolean is_complete(Start *start, gboolean had_password)
{
    SettingsMissing missing = settings_missing(start->settings);
    for (guint i = 0; i < missing.n; i++) {
        g_autofree char *pointer = g_strconcat("/settings/", missing.names[i], NULL);
        json_fault_add(&start->faults, pointer, "required", NULL);
    }
    if (start->faults.list->len == 0)
        return TRUE;
    gboolean only_password = missing.n == 1 && strcmp(missing.names[0], "password") == 0;
    start->refusal = had_password && only_password ? "password_required" : "incomplete";
    return FALSE;
}

/* The sandbox is ours: guessing its password locks nobody out. */
static gboolean is_sandbox(const Start *start)
{
    const Courier *courier = start->api->courier;
    return courier &&
           courier_is_sandbox(courier, start->settings->host, settings_port(start->settings));
}

/* An OAuth2 login that was refused counts, under a fingerprint of zeros: the same secret may be
 * right a minute later, when the provider was told. */
static gboolean fingerprint_secret(
    Start *start, guint8 fingerprint[VAULT_FINGERPRINT_BYTES], GError **error)
{
    memset(fingerprint, 0, VAULT_FINGERPRINT_BYTES);
    if (start->settings->auth == SETTINGS_AUTH_OAUTH2)
        return TRUE;
    g_autoptr(Secret) password =
        settings_unseal_password(start->settings, start->api->vault, start->org_id, error);
    if (password)
        vault_fingerprint(start->api->vault, LOGIN_GUARD_PURPOSE, password, fingerprint);
    return password != NULL;
}

/* FALSE with error if the store fails; else refusal says what the guard thinks. */
static gboolean ask_guard(Db *db, Start *start, WallMs now, GError **error)
{
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
    if (is_sandbox(start))
        return TRUE;
    if (!fingerprint_secret(start, fingerprint, error))
        return FALSE;
    LoginGuard guard = LOGIN_GUARD_FREE;
    WallMs free_at = 0;
    if (!login_guard_check(db, start->org_id, start->settings->host,
            settings_username(start->settings), fingerprint, now, &guard, &free_at, error))
        return FALSE;
    switch (guard) {
    case LOGIN_GUARD_FREE:
        break;
    case LOGIN_GUARD_SAME_PASSWORD:
        if (start->settings->auth == SETTINGS_AUTH_AUTO)
            start->refusal = "same_password_refused";
        break;
    case LOGIN_GUARD_TOO_MANY:
        start->refusal = "too_many_login_failures";
        start->retry_after_s = (guint)(MAX(free_at - now, 0) / CLOCK_SECOND_MS) + 1;
        break;
    }
    return TRUE;
}

/* --- The run --------------------------------------------------------------------------------- */

/* Writes the draft if it changes; *revision is that of what is tested. */
static gboolean write_draft(
    Db *db, Start *start, const SmtpState *state, WallMs now, gint64 *revision, GError **error)
{
    *revision = state->revision;
    if (state->draft && !start->has_settings)
        return TRUE;
    return smtp_draft_write(
        db, start->org_id, start->settings, state->revision, now, revision, error);
}

/* The run before, if it still goes on, gives way. */
static gboolean find_earlier(Db *db, Start *start, const SmtpState *state, GError **error)
{
    GError *fault = NULL;
    if (!state->has_last_verification)
        return TRUE;
    g_autoptr(Verification) last =
        verification_get(db, start->org_id, &state->last_verification, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    start->has_earlier = last && last->state == VERIFICATION_RUNNING;
    start->earlier = state->last_verification;
    return TRUE;
}

/* A version with the limits now in force, which it does not prove (decision 0018). Its port is
 * judged anew: the operator may have taken it from the list since. */
static SmtpSettings *restore(
    Start *start, const SmtpState *state, const SettingsVersion *version, GError **error)
{
    const SmtpSettings *limits = state->active ? state->active : version->settings;
    const SettingsRequest request = {.patch = {.present = SETTINGS_PORT | SETTINGS_MAX_CONNECTIONS |
                                                          SETTINGS_WINDOW | SETTINGS_QUOTA,
                                         .port = version->settings->port,
                                         .max_connections = limits->max_connections,
                                         .window = limits->window,
                                         .quota_per_minute = limits->quota.per_minute,
                                         .quota_per_hour = limits->quota.per_hour,
                                         .quota_per_day = limits->quota.per_day}};
    const SmtpState as_draft = {.draft = version->settings};
    SettingsDropped dropped;
    SmtpSettings *settings = settings_request_apply(
        &request, &as_draft, start->api, start->org_id, "/settings", &dropped, &start->faults);
    if (!settings)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "the version is not allowed");
    return settings;
}

/* What is to be tested: the draft as the request leaves it, or an earlier version. */
static SmtpSettings *find_settings(
    Db *db, Start *start, const SmtpState *state, SettingsDropped *dropped, GError **error)
{
    if (!start->has_version) {
        SmtpSettings *settings = settings_request_apply(&start->request, state, start->api,
            start->org_id, "/settings", dropped, &start->faults);
        if (!settings)
            g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "the settings have faults");
        return settings;
    }
    GError *fault = NULL;
    g_autoptr(SettingsVersion) version =
        settings_history_get(db, start->org_id, &start->version, &fault);
    if (!version && !fault)
        g_set_error_literal(&fault, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such version");
    if (fault)
        g_propagate_error(error, fault);
    return version ? restore(start, state, version, error) : NULL;
}

static gboolean start_job(Db *db, gpointer data, GError **error)
{
    Start *start = data;
    WallMs now = clock_wall_ms();
    SettingsDropped dropped = {FALSE, 0};
    gint64 revision = 0;
    g_autoptr(SmtpState) state = smtp_state_read(db, start->org_id, error);
    if (!state)
        return FALSE;
    start->settings = find_settings(db, start, state, &dropped, error);
    if (!start->settings)
        return FALSE;
    /* What was typed is kept even if it cannot be tested yet. */
    if (!write_draft(db, start, state, now, &revision, error))
        return FALSE;
    gboolean had_password = dropped.password || (state->active && state->active->password_sealed);
    if (!is_complete(start, had_password))
        return TRUE;
    if (!ask_guard(db, start, now, error))
        return FALSE;
    if (start->refusal)
        return TRUE;
    Id id = id_fresh(now);
    start->run = courier_verification_new(start->org_id, &id, start->settings, revision,
        start->activate, start->probe_recipient, start->started_by, now);
    return find_earlier(db, start, state, error) && verification_write(db, start->run, error);
}

/* Where else the server may be reached, as its provider says; of the sandbox's ports the one with
 * STARTTLS. ports: room for OTHER_PORTS and a 0 behind them. */
#define OTHER_PORTS 5
static void find_other_ports(const struct api *api, const char *host, guint16 *ports)
{
    guint n = 0;
    SandboxFacts sandbox = {.host = NULL};
    if (api->sandbox)
        sandbox_facts(api->sandbox, &sandbox);
    if (sandbox.host && strcmp(host, sandbox.host) == 0)
        ports[n++] = sandbox.starttls_port;
    const Provider *provider = provider_by_host(api->providers, host);
    for (guint i = 0; provider && i < provider->n_endpoints && n < OTHER_PORTS; i++) {
        const ProviderEndpoint *endpoint = &provider->endpoints[i];
        gboolean is_here = strchr(endpoint->host, '<') || strcmp(endpoint->host, host) == 0;
        if (is_here && endpoint->port != 25 &&
            endpoint->security == tls_mode_for_port(endpoint->port))
            ports[n++] = endpoint->port;
    }
    ports[n] = 0;
}

static HttpAnswer *started(ApiCall *call, const Start *start)
{
    const Verification *run = start->run;
    char id[ID_TEXT_SIZE];
    id_format(&run->id, "ver", id);
    if (call->api->courier) {
        if (start->has_earlier)
            courier_verify_cancel(call->api->courier, start->org_id, &start->earlier);
        guint16 other_ports[OTHER_PORTS + 1];
        find_other_ports(call->api, run->host, other_ports);
        courier_verify(call->api->courier, run, start->settings, other_ports);
    }
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id));
    json_object_set_new(json, "state", json_text(verification_state_name(run->state)));
    HttpAnswer *answer = call_json(call, 202, json);
    g_autofree char *location = g_strconcat("/v1/smtp/verifications/", id, NULL);
    http_answer_set_header(answer, "Location", location);
    return answer;
}

static HttpAnswer *start_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Start *start = data;
    if (start->refusal && !error) {
        const Problem problem = {.code = start->refusal,
            .retry_after_s = start->retry_after_s,
            .faults = start->faults.list->len > 0 ? &start->faults : NULL};
        return call_problem_full(call, &problem);
    }
    if (start->faults.list->len > 0)
        return call_faults(call, &start->faults);
    return error ? call_error(call, error) : started(call, start);
}

/* --- The request ----------------------------------------------------------------------------- */

static void read_start(Start *start, json_t *body)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", &start->faults);
    json_t *settings = json_object_take_object(&object, "settings");
    start->has_settings = settings != NULL;
    if (settings)
        settings_request_read(&start->request, settings, "/settings", &start->faults);
    start->activate = TRUE;
    json_object_take_bool(&object, "activate", &start->activate);
    const char *probe = json_object_take_text(&object, "probe_recipient");
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address = probe && *probe ? mime_address_parse(probe, &error) : NULL;
    if (error)
        json_object_fault(&object, "probe_recipient", "invalid_address", error->message);
    start->probe_recipient = g_strdup(address ? address->addr_spec : NULL);
}

HttpAnswer *route_verification_start(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, TRUE, &problem);
    if (!body)
        return problem;
    Start *start = start_new(call);
    read_start(start, body);
    json_decref(body);
    if (start->faults.list->len > 0) {
        problem = call_faults(call, &start->faults);
        start_free(start);
        return problem;
    }
    if (start->has_settings) /* how the run ended notes the courier */
        call_audit(call, "smtp.draft_changed", NULL, "to be tested");
    return call_submit(call, start_job, start, start_finish, start_free);
}

HttpAnswer *verification_start_version(ApiCall *call, const Id *version)
{
    Start *start = start_new(call);
    start->version = *version;
    char id[ID_TEXT_SIZE];
    start->has_version = start->has_settings = start->activate = TRUE;
    call_audit(call, "smtp.restored", id_format(version, "cfg", id), NULL);
    return call_submit(call, start_job, start, start_finish, start_free);
}

static Verification *read_run(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    Verification *run = verification_get(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (!run)
        *problem = error ? call_error(call, error) : call_problem(call, "not_found", NULL);
    return run;
}

HttpAnswer *route_verification_get(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(Verification) run = read_run(call, &problem);
    return run ? call_json(call, 200, verification_json(call->api, run, call->language)) : problem;
}

/* The courier ends the run and writes that; the answer says how it stood. */
HttpAnswer *route_verification_cancel(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(Verification) run = read_run(call, &problem);
    if (!run)
        return problem;
    if (call->api->courier && run->state == VERIFICATION_RUNNING)
        courier_verify_cancel(call->api->courier, call->caller.org_id, &call->id);
    return call_json(call, 200, verification_json(call->api, run, call->language));
}
