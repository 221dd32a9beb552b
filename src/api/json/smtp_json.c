#include "api/json/smtp_json.h"

#include "api/actions.h"
#include "api/json/oauth_json.h"
#include "api/json/status_json.h"
#include "base/limits.h"
#include "store/emails_actions.h"

/* A name that stands in our own list is not misspelt, whatever the DNS of this machine says. */
static const Diagnosis *row_of(
    struct api *api, const DiagnosisFacts *facts, const ActionFacts *about)
{
    gboolean is_spelt_right =
        g_strcmp0(facts->id, "dns_host_not_found") == 0 && actions_host_is_known(about);
    const char *id = is_spelt_right ? "dns_known_host_not_found" : facts->id;
    return id ? diagnosis_by_id(api->catalogue, id) : NULL;
}

json_t *diagnosis_json(struct api *api, const DiagnosisFacts *facts, Language language)
{
    const ActionFacts about = {.providers = api->providers,
        .host = facts->host,
        .settings = facts->settings,
        .run = facts->run,
        .now = clock_wall_ms(),
        .language = language};
    const Diagnosis *row = row_of(api, facts, &about);
    if (!row)
        return json_null();
    g_autofree char *reply = NULL;
    if (facts->reply)
        reply = g_strdup_printf(
            "%d%s%s", facts->reply, facts->text ? " " : "", facts->text ? facts->text : "");
    g_autofree char *manual = diagnosis_manual_path(row, language_name(language));
    gboolean is_german = language == LANGUAGE_DE;
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(row->id));
    json_object_set_new(json, "phase", json_text(facts->phase));
    json_object_set_new(json, "reply", json_text(reply));
    json_object_set_new(json, "enhanced", json_text(facts->enhanced));
    json_object_set_new(json, "meaning", json_text(is_german ? row->means_de : row->means_en));
    json_object_set_new(json, "fix", json_text(is_german ? row->fix_de : row->fix_en));
    json_object_set_new(json, "actions", actions_json(row, &about));
    json_object_set_new(json, "manual_url", json_text(manual));
    return json;
}

/* --- Settings -------------------------------------------------------------------------------- */

static json_t *number_or_null(gint64 number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *security_json(guint security)
{
    return json_text(security ? tls_mode_name((TlsMode)security) : NULL);
}

static json_t *settings_json(const SmtpSettings *settings)
{
    if (!settings)
        return json_null();
    json_t *quota = json_object();
    json_object_set_new(quota, "per_minute", number_or_null(settings->quota.per_minute));
    json_object_set_new(quota, "per_hour", number_or_null(settings->quota.per_hour));
    json_object_set_new(quota, "per_day", number_or_null(settings->quota.per_day));
    json_t *password = json_object(); /* that there is one, and since when: nothing else, ever */
    json_object_set_new(password, "set", json_boolean(settings->password_sealed != NULL));
    json_object_set_new(password, "set_at", json_time(settings->password_set_at));
    json_t *effective = json_object();
    json_object_set_new(effective, "port", json_integer(settings_port(settings)));
    json_object_set_new(effective, "security", security_json(settings_security(settings)));
    json_object_set_new(effective, "username", json_text(settings_username(settings)));

    json_t *json = json_object();
    json_object_set_new(json, "host", json_text(settings->host));
    json_object_set_new(json, "port", number_or_null(settings->port));
    json_object_set_new(json, "security", security_json(settings->security));
    json_object_set_new(json, "username", json_text(settings->username));
    json_object_set_new(json, "from_email", json_text(settings->from_email));
    json_object_set_new(json, "from_name", json_text(settings->from_name));
    json_object_set_new(json, "ehlo_name", json_text(settings->ehlo_name));
    json_object_set_new(json, "auth", json_text(settings_auth_name((SettingsAuth)settings->auth)));
    json_object_set_new(json, "oauth", oauth_account_json(settings));
    json_object_set_new(json, "max_connections", json_integer(settings->max_connections));
    json_object_set_new(json, "window", json_integer(settings->window));
    json_object_set_new(json, "quota", quota);
    json_object_set_new(json, "password", password);
    json_object_set_new(json, "effective", effective);
    return json;
}

/* --- Status ---------------------------------------------------------------------------------- */

static json_t *missing_json(const SmtpState *state)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    const SmtpSettings *described = state->draft ? state->draft : state->active;
    SettingsMissing missing = settings_missing(described ? described : empty);
    json_t *json = json_array();
    for (guint i = 0; i < missing.n; i++)
        json_array_append_new(json, json_text(missing.names[i]));
    return json;
}

static json_t *sending_with_json(const SmtpState *state)
{
    if (!state->active)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "host", json_text(state->active->host));
    json_object_set_new(json, "port", json_integer(settings_port(state->active)));
    json_object_set_new(json, "from_email", json_text(state->active->from_email));
    json_object_set_new(json, "from_name", json_text(state->active->from_name));
    json_object_set_new(json, "since", json_time(state->active_since));
    return json;
}

json_t *smtp_sending_json(const SmtpState *state)
{
    json_t *json = json_object();
    json_object_set_new(json, "enabled", json_boolean(state->sending_enabled));
    json_object_set_new(json, "reason", json_text(state->sending_reason));
    json_object_set_new(json, "until", json_time(state->sending_until));
    json_object_set_new(json, "changed_by", json_text(state->sending_changed_by));
    json_object_set_new(json, "changed_at", json_time(state->sending_changed_at));
    return json;
}

json_t *smtp_health_json(struct api *api, const SmtpState *state, Language language)
{
    const DiagnosisFacts facts = {.id = state->health_diagnosis, .settings = state->active};
    json_t *json = json_object();
    json_object_set_new(json, "state", json_text(health_name(state->health)));
    json_object_set_new(json, "at", json_time(state->health_at));
    json_object_set_new(json, "diagnosis", diagnosis_json(api, &facts, language));
    return json;
}

WallMs smtp_next_login_at(const SmtpState *state, WallMs now)
{
    WallMs at = state->health_at + LIMIT_CREDENTIAL_RETRY_MS;
    gboolean is_ahead = at > now && state->health_at <= now; /* else the clock was set */
    return state->health == HEALTH_CREDENTIAL_FAULT && is_ahead ? at : 0;
}

static json_t *breaker_json(struct api *api, const SmtpState *state, WallMs now, Language language)
{
    if (state->health != HEALTH_CREDENTIAL_FAULT)
        return json_null();
    const DiagnosisFacts facts = {.id = state->health_diagnosis, .settings = state->active};
    WallMs next_try_at = smtp_next_login_at(state, now);
    json_t *json = json_object();
    json_object_set_new(json, "since", json_time(state->health_at));
    json_object_set_new(json, "next_try_at", json_time(next_try_at));
    json_object_set_new(json, "tries_left", json_integer(next_try_at > 0 ? 1 : 0));
    json_object_set_new(json, "diagnosis", diagnosis_json(api, &facts, language));
    return json;
}

gboolean smtp_quota_read(const SmtpState *state, WallMs now, QuotaWindow windows[QUOTA_WINDOWS])
{
    if (!state->sent)
        return FALSE;
    QuotaLimits limits = smtp_state_limits(state);
    quota_read(state->sent, &limits, now, windows);
    return TRUE;
}

static json_t *window_json(const QuotaWindow *window)
{
    if (window->limit == 0)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "limit", json_integer(window->limit));
    json_object_set_new(json, "used", json_integer(window->used));
    json_object_set_new(json, "free_at", json_time(window->free_at));
    return json;
}

json_t *smtp_quota_json(const SmtpState *state, WallMs now)
{
    static const char *const names[QUOTA_WINDOWS] = {"per_minute", "per_hour", "per_day"};
    QuotaWindow windows[QUOTA_WINDOWS] = {{0}};
    if (!smtp_quota_read(state, now, windows))
        return json_null();
    json_t *json = json_object();
    for (gsize i = 0; i < QUOTA_WINDOWS; i++)
        json_object_set_new(json, names[i], window_json(&windows[i]));
    return json;
}

static json_t *waiting_json(const gint64 counts[EMAIL_HELD + 1], EmailGate gate)
{
    static const EmailState waiting[] = {
        EMAIL_HELD, EMAIL_QUEUED, EMAIL_DEFERRED, EMAIL_SENDING, EMAIL_SCHEDULED, EMAIL_UNCERTAIN};
    gint64 shown[EMAIL_HELD + 1] = {0};
    for (EmailState stored = EMAIL_SCHEDULED; stored < EMAIL_HELD; stored++)
        shown[email_state_shown(stored, gate)] += counts[stored];
    json_t *json = json_object();
    for (gsize i = 0; i < G_N_ELEMENTS(waiting); i++)
        json_object_set_new(json, email_state_name(waiting[i]), json_integer(shown[waiting[i]]));
    return json;
}

static json_t *draft_json(const SmtpState *state)
{
    if (!state->draft)
        return json_null();
    json_t *json = settings_json(state->draft);
    json_object_set_new(json, "changed_at", json_time(state->draft_changed_at));
    return json;
}

json_t *smtp_status_json(struct api *api, Db *db, gint64 org_id, Language language, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, error);
    gint64 counts[EMAIL_HELD + 1] = {0};
    if (!state || !emails_count(db, org_id, counts, error) ||
        !emails_count_uncertain(db, org_id, &counts[EMAIL_UNCERTAIN], error))
        return NULL;
    json_t *last = json_null();
    if (state->has_last_verification) {
        GError *fault = NULL;
        g_autoptr(Verification) verification =
            verification_get(db, org_id, &state->last_verification, &fault);
        if (fault) {
            g_propagate_error(error, fault);
            return NULL;
        }
        if (verification)
            last = verification_json(api, verification, language);
    }
    g_autofree char *redirect_uri = public_url_oauth_return_dup(api);
    SetupState setup = settings_setup_state(state->draft, state->active, state->draft_verification);
    json_t *json = json_object();
    json_object_set_new(json, "setup", json_text(settings_setup_state_name(setup)));
    json_object_set_new(json, "missing", missing_json(state));
    json_object_set_new(json, "oauth_redirect_uri", json_text(redirect_uri));
    json_object_set_new(json, "sending_with", sending_with_json(state));
    json_object_set_new(json, "sending", smtp_sending_json(state));
    json_object_set_new(json, "health", smtp_health_json(api, state, language));
    json_object_set_new(json, "revision", json_integer(state->revision));
    json_object_set_new(json, "active", settings_json(state->active));
    json_object_set_new(json, "draft", draft_json(state));
    json_object_set_new(json, "last_verification", last);
    WallMs now = clock_wall_ms();
    EmailGate gate = smtp_state_gate(state, now);
    json_object_set_new(json, "waiting", waiting_json(counts, gate));
    json_object_set_new(
        json, "held_reason", json_text(gate == EMAIL_GATE_OPEN ? NULL : email_gate_name(gate)));
    json_object_set_new(json, "breaker", breaker_json(api, state, now, language));
    json_object_set_new(json, "quota", smtp_quota_json(state, now));
    if (!status_json_add(api, db, org_id, state, language, json, error)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

HttpAnswer *smtp_status_answer(ApiCall *call, json_t *status)
{
    g_autofree char *etag = g_strdup_printf(
        "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(json_object_get(status, "revision")));
    HttpAnswer *answer = call_json(call, 200, status);
    http_answer_set_header(answer, "ETag", etag);
    return answer;
}

/* --- Verification ---------------------------------------------------------------------------- */

static json_t *list_json(const char *text, const char *delimiters)
{
    json_t *json = json_array();
    g_auto(GStrv) parts = g_strsplit_set(text ? text : "", delimiters, -1);
    for (guint i = 0; parts[i]; i++) {
        if (*parts[i])
            json_array_append_new(json, json_text(parts[i]));
    }
    return json;
}

static json_t *certificate_json(const Verification *verification)
{
    if (!verification->certificate_subject && !verification->certificate_names)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "subject", json_text(verification->certificate_subject));
    json_object_set_new(json, "issuer", json_text(verification->certificate_issuer));
    json_object_set_new(json, "names", list_json(verification->certificate_names, ", \n"));
    json_object_set_new(json, "not_before", json_time(verification->certificate_not_before));
    json_object_set_new(json, "not_after", json_time(verification->certificate_not_after));
    return json;
}

static json_t *server_json(const Verification *verification)
{
    json_t *tls = json_null();
    if (verification->tls_version) {
        tls = json_object();
        json_object_set_new(tls, "version", json_text(verification->tls_version));
        json_object_set_new(tls, "cipher", json_text(verification->tls_cipher));
    }
    json_t *json = json_object();
    json_object_set_new(json, "certificate", certificate_json(verification));
    json_object_set_new(json, "tls", tls);
    json_object_set_new(json, "capabilities", list_json(verification->capabilities, "\n"));
    json_object_set_new(json, "auth_mechanism", json_text(verification->auth_mechanism));
    return json;
}

static json_t *phases_json(const Verification *verification)
{
    json_t *json = json_array();
    for (guint i = 0; i < verification->phases->len; i++) {
        const VerificationPhase *phase = verification->phases->pdata[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "name", json_text(phase->name));
        json_object_set_new(entry, "state", json_text(phase_state_name(phase->state)));
        json_object_set_new(entry, "ms", phase->ms >= 0 ? json_integer(phase->ms) : json_null());
        json_object_set_new(entry, "detail", json_text(phase->detail));
        json_array_append_new(json, entry);
    }
    return json;
}

static json_t *transcript_json(const Verification *verification)
{
    json_t *json = json_array();
    for (guint i = 0; i < verification->lines->len; i++) {
        const VerificationLine *line = verification->lines->pdata[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "from", json_text(line->from_client ? "client" : "server"));
        json_object_set_new(entry, "text", json_text(line->text));
        json_array_append_new(json, entry);
    }
    return json;
}

static json_t *tested_settings_json(const Verification *verification)
{
    json_t *json = json_object();
    json_object_set_new(json, "host", json_text(verification->host));
    json_object_set_new(json, "port", number_or_null(verification->port));
    json_object_set_new(json, "security", json_text(verification->security));
    json_object_set_new(json, "username", json_text(verification->username));
    json_object_set_new(json, "from_email", json_text(verification->from_email));
    return json;
}

json_t *verification_json(struct api *api, const Verification *verification, Language language)
{
    const DiagnosisFacts facts = {.id = verification->diagnosis,
        .phase = verification->diagnosis_phase,
        .reply = verification->reply_code,
        .enhanced = verification->reply_enhanced,
        .text = verification->reply_text,
        .run = verification};
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&verification->id, "ver", id)));
    json_object_set_new(json, "state", json_text(verification_state_name(verification->state)));
    json_object_set_new(json, "revision", json_integer(verification->revision));
    json_object_set_new(json, "activate", json_boolean(verification->activate));
    json_object_set_new(json, "activated", json_boolean(verification->activated));
    json_object_set_new(json, "settings", tested_settings_json(verification));
    json_object_set_new(json, "probe_recipient", json_text(verification->probe_recipient));
    json_object_set_new(json, "started_at", json_time(verification->started_at));
    json_object_set_new(json, "started_by", json_text(verification->started_by));
    json_object_set_new(json, "finished_at", json_time(verification->finished_at));
    json_object_set_new(json, "phases", phases_json(verification));
    json_object_set_new(json, "diagnosis", diagnosis_json(api, &facts, language));
    json_object_set_new(json, "sibling", actions_sibling_json(verification));
    json_object_set_new(json, "connected_to", actions_connected_to_json(verification));
    json_object_set_new(json, "transcript", transcript_json(verification));
    json_object_set_new(json, "server", server_json(verification));
    return json;
}
