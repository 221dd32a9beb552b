/* Settings that were active: the list, and the way back to one of them. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/verification_start.h"

#include "store/history.h"

static json_t *version_json(const SettingsVersion *version)
{
    const SmtpSettings *settings = version->settings;
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("settings_version"));
    json_object_set_new(json, "id", json_text(id_format(&version->id, "cfg", id)));
    json_object_set_new(json, "host", json_text(settings->host));
    json_object_set_new(json, "port", json_integer(settings_port(settings)));
    json_object_set_new(json, "security", json_text(tls_mode_name(settings_security(settings))));
    json_object_set_new(json, "username", json_text(settings_username(settings)));
    json_object_set_new(json, "auth", json_text(settings_auth_name((SettingsAuth)settings->auth)));
    json_object_set_new(json, "from_email", json_text(settings->from_email));
    json_object_set_new(json, "from_name", json_text(settings->from_name));
    json_object_set_new(json, "activated_at", json_time(version->activated_at));
    json_object_set_new(json, "activated_by", json_text(version->activated_by));
    json_object_set_new(json, "is_active", json_boolean(version->is_active));
    return json;
}

HttpAnswer *route_history_list(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) versions = settings_history_list(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!versions)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < versions->len; i++)
        json_array_append_new(data, version_json(versions->pdata[i]));
    return call_json(call, 200, json_list(data, FALSE));
}

HttpAnswer *route_history_restore(ApiCall *call)
{
    return verification_start_version(call, &call->id);
}
