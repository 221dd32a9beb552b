#include "api/settings_request.h"

#include "base/clock.h"
#include "base/leak_point.h"
#include "base/limits.h"

#include <string.h>

static const char *take_text(JsonObject *object, const char *name, guint bit, SettingsPatch *patch)
{
    if (json_object_has(object, name))
        patch->present |= bit;
    return json_object_take_text(object, name);
}

/* Ranges are settings/'s to judge; null means "the default". */
static gint64 take_number(JsonObject *object, const char *name, guint bit, SettingsPatch *patch)
{
    gint64 number = 0;
    if (json_object_has(object, name))
        patch->present |= bit;
    json_object_take_int(object, name, G_MININT64, G_MAXINT64, &number);
    return number;
}

static void take_quota(JsonObject *object, SettingsPatch *patch)
{
    if (json_object_has(object, "quota"))
        patch->present |= SETTINGS_QUOTA;
    json_t *value = json_object_take_object(object, "quota");
    if (!value)
        return;
    g_autofree char *pointer = json_pointer_join(object->pointer, "quota");
    g_auto(JsonObject) quota;
    json_object_open(&quota, value, pointer, object->faults);
    json_object_take_int(&quota, "per_minute", 0, G_MAXINT32, &patch->quota_per_minute);
    json_object_take_int(&quota, "per_hour", 0, G_MAXINT32, &patch->quota_per_hour);
    json_object_take_int(&quota, "per_day", 0, G_MAXINT32, &patch->quota_per_day);
}

/* --- The OAuth2 account ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    guint bit;
    gsize in_patch;
} oauth_texts[] = {
    {"provider", SETTINGS_OAUTH_PROVIDER, G_STRUCT_OFFSET(SettingsOauthPatch, provider)},
    {"grant", SETTINGS_OAUTH_GRANT, G_STRUCT_OFFSET(SettingsOauthPatch, grant)},
    {"tenant", SETTINGS_OAUTH_TENANT, G_STRUCT_OFFSET(SettingsOauthPatch, tenant)},
    {"client_id", SETTINGS_OAUTH_CLIENT_ID, G_STRUCT_OFFSET(SettingsOauthPatch, client_id)},
    {"scope", SETTINGS_OAUTH_SCOPE, G_STRUCT_OFFSET(SettingsOauthPatch, scope)},
    {"subject", SETTINGS_OAUTH_SUBJECT, G_STRUCT_OFFSET(SettingsOauthPatch, subject)},
    {"token_url", SETTINGS_OAUTH_TOKEN_URL, G_STRUCT_OFFSET(SettingsOauthPatch, token_url)},
    {"authorize_url", SETTINGS_OAUTH_AUTHORIZE_URL,
        G_STRUCT_OFFSET(SettingsOauthPatch, authorize_url)},
    {"device_url", SETTINGS_OAUTH_DEVICE_URL, G_STRUCT_OFFSET(SettingsOauthPatch, device_url)},
    {"certificate", SETTINGS_OAUTH_CERTIFICATE, G_STRUCT_OFFSET(SettingsOauthPatch, certificate)},
};
#define ENDS_AT "client_secret_ends_at"

static void take_ends_at(JsonObject *object, SettingsOauthPatch *patch)
{
    if (json_object_has(object, ENDS_AT))
        patch->present |= SETTINGS_OAUTH_CLIENT_SECRET_ENDS_AT;
    const char *text = json_object_take_text(object, ENDS_AT);
    if (text && *text && !clock_parse_rfc3339(text, &patch->client_secret_ends_at))
        json_object_fault(object, ENDS_AT, "invalid_time", NULL);
}

static void take_oauth_secret(JsonObject *object, guint kind, SettingsRequest *request)
{
    SettingsOauthPatch *patch = &request->patch.oauth;
    const char *name = oauth_secret_name(kind);
    if (json_object_has(object, name))
        patch->present |= SETTINGS_OAUTH_SECRET(kind);
    const char *text = json_object_take_text(object, name);
    if (text)
        patch->secrets[kind] = request->oauth[kind] = secret_new(text, strlen(text));
    LEAK_POINT(request->oauth[kind]);
}

static void take_oauth(JsonObject *object, SettingsRequest *request)
{
    SettingsOauthPatch *patch = &request->patch.oauth;
    if (!json_object_has(object, "oauth"))
        return;
    request->patch.present |= SETTINGS_OAUTH;
    json_t *value = json_object_take_object(object, "oauth");
    patch->is_clear = value == NULL;
    if (!value)
        return;
    g_autofree char *pointer = json_pointer_join(object->pointer, "oauth");
    g_auto(JsonObject) oauth;
    json_object_open(&oauth, value, pointer, object->faults);
    for (gsize i = 0; i < G_N_ELEMENTS(oauth_texts); i++) {
        if (json_object_has(&oauth, oauth_texts[i].name))
            patch->present |= oauth_texts[i].bit;
        G_STRUCT_MEMBER(const char *, patch, oauth_texts[i].in_patch) =
            json_object_take_text(&oauth, oauth_texts[i].name);
    }
    take_ends_at(&oauth, patch);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        take_oauth_secret(&oauth, kind, request);
}

/* --- The whole object ------------------------------------------------------------------------- */

void settings_request_read(
    SettingsRequest *request, json_t *value, const char *pointer, JsonFaults *faults)
{
    SettingsPatch *patch = &request->patch;
    g_auto(JsonObject) object;
    request->body = json_incref(value);
    json_object_open(&object, value, pointer, faults);
    patch->host = take_text(&object, "host", SETTINGS_HOST, patch);
    patch->port = take_number(&object, "port", SETTINGS_PORT, patch);
    patch->security = take_text(&object, "security", SETTINGS_SECURITY, patch);
    patch->username = take_text(&object, "username", SETTINGS_USERNAME, patch);
    patch->from_email = take_text(&object, "from_email", SETTINGS_FROM_EMAIL, patch);
    patch->from_name = take_text(&object, "from_name", SETTINGS_FROM_NAME, patch);
    patch->ehlo_name = take_text(&object, "ehlo_name", SETTINGS_EHLO_NAME, patch);
    patch->max_connections =
        take_number(&object, "max_connections", SETTINGS_MAX_CONNECTIONS, patch);
    patch->window = take_number(&object, "window", SETTINGS_WINDOW, patch);
    take_quota(&object, patch);
    const char *password = take_text(&object, "password", SETTINGS_PASSWORD, patch);
    if (password)
        patch->password = request->password = secret_new(password, strlen(password));
    LEAK_POINT(request->password);
    patch->auth = take_text(&object, "auth", SETTINGS_AUTH, patch);
    take_oauth(&object, request);
}

void settings_request_clear(SettingsRequest *request)
{
    g_clear_pointer(&request->body, json_decref);
    g_clear_pointer(&request->password, secret_free);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        g_clear_pointer(&request->oauth[kind], secret_free);
}

static void add_name(GString *text, const char *prefix, const char *name)
{
    g_string_append_printf(text, "%s%s%s", text->len ? ", " : "", prefix, name);
}

char *settings_request_fields_dup(const SettingsRequest *request)
{
    static const char *const names[] = {"host", "port", "security", "username", "password",
        "from_email", "from_name", "ehlo_name", "max_connections", "window", "quota", "auth"};
    const SettingsOauthPatch *oauth = &request->patch.oauth;
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (request->patch.present & 1u << i)
            add_name(text, "", names[i]);
    }
    if (oauth->is_clear)
        add_name(text, "", "oauth");
    for (gsize i = 0; i < G_N_ELEMENTS(oauth_texts); i++) {
        if (oauth->present & oauth_texts[i].bit)
            add_name(text, "oauth/", oauth_texts[i].name);
    }
    if (oauth->present & SETTINGS_OAUTH_CLIENT_SECRET_ENDS_AT)
        add_name(text, "oauth/", ENDS_AT);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (oauth->present & SETTINGS_OAUTH_SECRET(kind))
            add_name(text, "oauth/", oauth_secret_name(kind));
    }
    return g_string_free(text, FALSE);
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    return *(const gint *)a - *(const gint *)b;
}

/* What is wrong with a port: 25 is a mistake of its own; else the allowed ones that settings/ names
 * are listed sorted, each once (the operator may have added one that is allowed anyway). */
static char *port_detail(gint64 port, const char *named)
{
    if (port == 25)
        return g_strdup("Port 25 is for traffic between mail servers. Use 587 (STARTTLS) or 465 "
                        "(SSL/TLS).");
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(gint));
    while (*(named += strcspn(named, "0123456789"))) {
        gint number = (gint)g_ascii_strtoll(named, (char **)&named, 10);
        g_array_append_val(ports, number);
    }
    g_array_sort(ports, compare_numbers);
    GString *text = g_string_new("This port is not allowed. Allowed are");
    gint last = 0;
    for (guint i = 0; i < ports->len; i++) {
        gint number = g_array_index(ports, gint, i);
        if (number != last)
            g_string_append_printf(text, "%s %d", last ? "," : "", number);
        last = number;
    }
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

/* How many connections a provider bears, where that is known; else as many as are usual. */
static guint usual_connections(const struct api *api, const SmtpSettings *settings)
{
    const Provider *provider =
        settings->host ? provider_by_host(api->providers, settings->host) : NULL;
    guint known = provider ? provider->quota.max_connections : 0;
    return known ? known : LIMIT_CONNECTIONS_DEFAULT;
}

static void note_faults(
    const GPtrArray *wrong, const SettingsPatch *patch, const char *pointer, JsonFaults *faults)
{
    for (guint i = 0; i < wrong->len; i++) {
        const SettingsFault *fault = wrong->pdata[i];
        g_autofree char *at = g_strconcat(pointer, "/", fault->field, NULL); /* "quota/per_day" */
        g_autofree char *detail = strcmp(fault->code, "port_not_allowed") == 0
                                      ? port_detail(patch->port, fault->detail)
                                      : g_strdup(fault->detail);
        json_fault_add(faults, at, fault->code, detail);
    }
}

SmtpSettings *settings_request_apply(const SettingsRequest *request, const SmtpState *state,
    struct api *api, gint64 org_id, const char *pointer, SettingsDropped *dropped,
    JsonFaults *faults)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    const SmtpSettings *base = state->draft ? state->draft : state->active ? state->active : empty;
    SettingsPatch patch = request->patch;
    g_autoptr(GPtrArray) wrong = NULL;
    gboolean is_emptied = json_is_null(json_object_get(request->body, "max_connections"));
    if (is_emptied)
        patch.present &= ~(guint)SETTINGS_MAX_CONNECTIONS;
    *dropped = (SettingsDropped){FALSE, 0};
    SmtpSettings *settings = settings_apply(
        base, &patch, &api->ports, api->vault, org_id, clock_wall_ms(), &dropped->password, &wrong);
    if (!settings) {
        note_faults(wrong, &patch, pointer, faults);
        return NULL;
    }
    /* what nobody has chosen follows the server */
    if (is_emptied || (!(patch.present & SETTINGS_MAX_CONNECTIONS) &&
                          base->max_connections == usual_connections(api, base)))
        settings->max_connections = usual_connections(api, settings);
    dropped->oauth = settings_oauth_dropped(base, settings, &patch);
    return settings;
}
