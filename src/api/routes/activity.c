/* GET /v1/smtp/activity: what became of the mail of the last 24 hours. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "store/activity.h"
#include "store/emails_actions.h"

static json_t *hour_json(const ActivityHour *hour)
{
    json_t *json = json_object();
    json_object_set_new(json, "at", json_time(hour->at));
    json_object_set_new(json, "accepted", json_integer(hour->accepted));
    json_object_set_new(json, "deferred", json_integer(hour->deferred));
    json_object_set_new(json, "refused", json_integer(hour->refused));
    return json;
}

static gboolean count_waiting(Db *db, gint64 org_id, gint64 *waiting, GError **error)
{
    gint64 counts[EMAIL_HELD + 1] = {0}, uncertain = 0;
    if (!emails_count(db, org_id, counts, error) ||
        !emails_count_uncertain(db, org_id, &uncertain, error))
        return FALSE;
    *waiting = uncertain;
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_DEFERRED; state++)
        *waiting += counts[state];
    return TRUE;
}

HttpAnswer *route_activity(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    ActivityHour hours[ACTIVITY_HOURS];
    gint64 org_id = call->caller.org_id, waiting = 0;
    Db *db = store_reader_take(call->api->store);
    gboolean is_read = activity_read(db, org_id, clock_wall_ms(), hours, &error) &&
                       count_waiting(db, org_id, &waiting, &error);
    store_reader_give(call->api->store, db);
    if (!is_read)
        return call_error(call, error);
    json_t *list = json_array(), *json = json_object();
    for (guint i = 0; i < ACTIVITY_HOURS; i++)
        json_array_append_new(list, hour_json(&hours[i]));
    json_object_set_new(json, "object", json_text("activity"));
    json_object_set_new(json, "hours", list);
    json_object_set_new(json, "waiting", json_integer(waiting));
    return call_json(call, 200, json);
}
