/* GET /v1/smtp/presets: what is known about providers, and in development mode the sandbox. */
#include "api/routes/routes.h"
#include "api/state.h"

static json_t *endpoint_json(const char *host, guint16 port, TlsMode security)
{
    json_t *json = json_object();
    json_object_set_new(json, "host", json_text(host));
    json_object_set_new(json, "port", json_integer(port));
    json_object_set_new(json, "security", json_text(tls_mode_name(security)));
    return json;
}

static json_t *limits_json(const Provider *provider, Language language)
{
    json_t *limits = json_array();
    for (guint i = 0; i < provider->n_limits; i++) {
        const ProviderLimit *limit = &provider->limits[i];
        json_t *json = json_object();
        json_object_set_new(
            json, "text", json_text(language_pick(language, limit->text_de, limit->text_en)));
        json_array_append_new(limits, json);
    }
    return limits;
}

static json_t *notices_json(const Provider *provider, Language language)
{
    json_t *notices = json_array();
    for (guint i = 0; i < provider->n_notices; i++) {
        const ProviderNotice *notice = &provider->notices[i];
        json_t *json = json_object();
        json_object_set_new(json, "date", json_text(notice->date));
        json_object_set_new(
            json, "text", json_text(language_pick(language, notice->text_de, notice->text_en)));
        json_object_set_new(json, "source", json_text(notice->source));
        json_array_append_new(notices, json);
    }
    return notices;
}

static json_t *ends_json(const Provider *provider, Language language)
{
    json_t *ends = json_array();
    for (guint i = 0; i < provider->n_ends; i++) {
        const ProviderEnd *end = &provider->ends[i];
        json_t *json = json_object();
        json_object_set_new(json, "what", json_text(end->what));
        json_object_set_new(json, "at", json_text(end->at));
        json_object_set_new(
            json, "text", json_text(language_pick(language, end->text_de, end->text_en)));
        json_object_set_new(json, "source", json_text(end->source));
        json_array_append_new(ends, json);
    }
    return ends;
}

/* null: no OAuth2 there. */
static json_t *oauth_json(const ProviderOauth *oauth, Language language)
{
    if (oauth == NULL)
        return json_null();
    json_t *grants = json_array();
    for (guint i = 0; oauth->grants[i] != NULL; i++)
        json_array_append_new(grants, json_text(oauth->grants[i]));
    json_t *json = json_object();
    json_object_set_new(json, "provider", json_text(oauth->provider));
    json_object_set_new(json, "grants", grants);
    json_object_set_new(json, "tenant", json_text(oauth->tenant));
    json_object_set_new(json, "authorize_url", json_text(oauth->authorize_url));
    json_object_set_new(json, "token_url", json_text(oauth->token_url));
    json_object_set_new(json, "scope", json_text(oauth->scope));
    json_object_set_new(json, "device_code", json_boolean(oauth->has_device_code));
    json_object_set_new(
        json, "where", json_text(language_pick(language, oauth->where_de, oauth->where_en)));
    json_object_set_new(json, "url", json_text(oauth->url));
    return json;
}

/* null: nothing to propose. */
static json_t *quota_json(const ProviderQuota *quota, Language language)
{
    if (quota->per_minute == 0 && quota->per_hour == 0 && quota->per_day == 0)
        return json_null();
    const struct {
        const char *name;
        guint value;
    } figures[] = {{"per_minute", quota->per_minute}, {"per_hour", quota->per_hour},
        {"per_day", quota->per_day}, {"max_connections", quota->max_connections}};
    json_t *json = json_object();
    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++)
        json_object_set_new(json, figures[i].name,
            figures[i].value > 0 ? json_integer(figures[i].value) : json_null());
    json_object_set_new(json, "is_sourced", json_boolean(quota->is_sourced));
    json_object_set_new(
        json, "note", json_text(language_pick(language, quota->note_de, quota->note_en)));
    return json;
}

static json_t *preset_json(const Provider *provider, Language language)
{
    json_t *endpoints = json_array();
    for (guint i = 0; i < provider->n_endpoints; i++) {
        const ProviderEndpoint *endpoint = &provider->endpoints[i];
        json_array_append_new(
            endpoints, endpoint_json(endpoint->host, endpoint->port, endpoint->security));
    }
    json_t *password = json_object();
    json_object_set_new(password, "kind", json_text(provider->password_kind));
    json_object_set_new(password, "app_password", json_text(provider->app_password));
    json_object_set_new(password, "where",
        json_text(
            language_pick(language, provider->password_where_de, provider->password_where_en)));
    json_object_set_new(password, "url", json_text(provider->password_url));

    const char *name = language_pick(language, provider->name_de, provider->name);
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(provider->id));
    json_object_set_new(json, "name", json_text(name));
    json_object_set_new(json, "country", json_text(provider->country));
    json_object_set_new(json, "featured", json_boolean(provider->featured));
    json_object_set_new(json, "endpoints", endpoints);
    json_object_set_new(json, "host_template", json_text(provider->host_template));
    json_object_set_new(json, "username_template", json_text(provider->username_template));
    json_object_set_new(json, "username_note",
        json_text(language_pick(language, provider->username_note_de, provider->username_note_en)));
    json_object_set_new(json, "password", password);
    json_object_set_new(
        json, "hint", json_text(language_pick(language, provider->hint_de, provider->hint_en)));
    json_object_set_new(json, "sources",
        json_text(language_pick(language, provider->sources_de, provider->sources_en)));
    json_object_set_new(json, "checked", json_text(provider->checked));
    json_object_set_new(json, "kind", json_text(provider->kind));
    json_object_set_new(json, "auth", json_text(provider_auth_name(provider->auth)));
    json_object_set_new(json, "username_form", json_text(provider->username_form));
    json_object_set_new(json, "limits", limits_json(provider, language));
    json_object_set_new(json, "quota", quota_json(&provider->quota, language));
    json_object_set_new(json, "sender_rule",
        json_text(language_pick(language, provider->sender_rule_de, provider->sender_rule_en)));
    json_object_set_new(json, "support_url", json_text(provider->support_url));
    json_object_set_new(json, "notices", notices_json(provider, language));
    json_object_set_new(json, "ends", ends_json(provider, language));
    json_object_set_new(json, "oauth", oauth_json(provider->oauth, language));
    return json;
}

static json_t *sandbox_preset_json(const Sandbox *sandbox, Language language)
{
    SandboxFacts facts;
    sandbox_facts(sandbox, &facts);
    json_t *endpoints = json_array();
    json_array_append_new(
        endpoints, endpoint_json(facts.host, facts.starttls_port, TLS_MODE_STARTTLS));
    json_array_append_new(
        endpoints, endpoint_json(facts.host, facts.implicit_port, TLS_MODE_IMPLICIT));
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text("sandbox"));
    json_object_set_new(json, "name", json_text("Sandbox"));
    json_object_set_new(json, "country", json_null());
    json_object_set_new(json, "featured", json_true());
    json_object_set_new(json, "endpoints", endpoints);
    json_object_set_new(json, "host_template", json_null());
    json_object_set_new(json, "username_template", json_null());
    json_object_set_new(json, "username_note", json_null());
    json_object_set_new(json, "password", json_null());
    json_object_set_new(json, "hint",
        json_text(language_pick(language, "Fängt alle Mails ab, statt sie zuzustellen.",
            "Captures all mail instead of delivering it.")));
    json_object_set_new(json, "sources", json_null());
    json_object_set_new(json, "checked", json_null());
    json_object_set_new(json, "kind", json_text("sandbox"));
    json_object_set_new(json, "auth", json_text(provider_auth_name(PROVIDER_AUTH_PASSWORD)));
    json_object_set_new(json, "username_form", json_null());
    json_object_set_new(json, "limits", json_array());
    json_object_set_new(json, "quota", json_null());
    json_object_set_new(json, "sender_rule", json_null());
    json_object_set_new(json, "support_url", json_null());
    json_object_set_new(json, "notices", json_array());
    json_object_set_new(json, "ends", json_array());
    json_object_set_new(json, "oauth", json_null());
    json_object_set_new(json, "username", json_text("sandbox@localhost"));
    json_object_set_new(json, "from_email", json_text("sandbox@localhost.test"));
    json_object_set_new(json, "password_hint", json_text("sandbox"));
    return json;
}

HttpAnswer *route_presets(ApiCall *call)
{
    const struct api *api = call->api;
    json_t *data = json_array();
    if (api->dev && api->sandbox)
        json_array_append_new(data, sandbox_preset_json(api->sandbox, call->language));
    for (guint i = 0; i < provider_count(api->providers); i++)
        json_array_append_new(data, preset_json(provider_at(api->providers, i), call->language));
    json_t *json = json_list(data, FALSE);
    HttpAnswer *answer = call_json(call, 200, json);
    http_answer_set_header(answer, "Vary", "Accept-Language");
    return answer;
}
