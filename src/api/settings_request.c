#include "api/settings_request.h"

#include "base/leak_point.h"

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
    const char *auth = json_object_take_text(&object, "auth");
    if (auth && strcmp(auth, "auto") != 0)
        json_object_fault(&object, "auth", "unknown_value", "The only way to sign in is \"auto\".");
}

void settings_request_clear(SettingsRequest *request)
{
    g_clear_pointer(&request->body, json_decref);
    g_clear_pointer(&request->password, secret_free);
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

SmtpSettings *settings_request_apply(const SettingsRequest *request, const SmtpState *state,
    struct api *api, gint64 org_id, const char *pointer, gboolean *password_dropped,
    JsonFaults *faults)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    const SmtpSettings *base = state->draft ? state->draft : state->active ? state->active : empty;
    GPtrArray *wrong = NULL;
    *password_dropped = FALSE;
    SmtpSettings *settings = settings_apply(base, &request->patch, &api->ports, api->vault, org_id,
        clock_wall_ms(), password_dropped, &wrong);
    if (settings)
        return settings;
    for (guint i = 0; i < wrong->len; i++) {
        const SettingsFault *fault = wrong->pdata[i];
        g_autofree char *at = g_strconcat(pointer, "/", fault->field, NULL); /* "quota/per_day" */
        g_autofree char *detail = strcmp(fault->code, "port_not_allowed") == 0
                                      ? port_detail(request->patch.port, fault->detail)
                                      : g_strdup(fault->detail);
        json_fault_add(faults, at, fault->code, detail);
    }
    g_ptr_array_unref(wrong);
    return NULL;
}
