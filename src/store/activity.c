#include "store/activity.h"

#define KEPT_HOURS 48

static gint64 hour_of(WallMs at)
{
    return MAX(at, 0) / CLOCK_HOUR_MS;
}

static gboolean add_to_hour(
    Db *db, gint64 org_id, const ActivityTally *tally, WallMs at, GError **error)
{
    if (tally->accepted + tally->deferred + tally->refused == 0)
        return TRUE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO activity_by_hour (org_id, hour, accepted, deferred, refused) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org_id, hour) DO UPDATE SET "
        "accepted = accepted + excluded.accepted, deferred = deferred + excluded.deferred, "
        "refused = refused + excluded.refused");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, hour_of(at));
    db_bind_int(q, 3, tally->accepted);
    db_bind_int(q, 4, tally->deferred);
    db_bind_int(q, 5, tally->refused);
    return db_finish(q, error);
}

/* Most groups of a full queue find it written within the second, and change no page. */
static gboolean note_acceptance(Db *db, gint64 org_id, WallMs at, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE smtp_state SET last_accepted_at = $2 WHERE org_id = $1 "
                     "AND (last_accepted_at IS NULL OR last_accepted_at NOT BETWEEN $3 AND $2)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, at);
    db_bind_int(q, 3, at - ACTIVITY_EXACT_MS);
    return db_finish(q, error);
}

/* An attempt under earlier settings may end long after others became active, and says nothing about
 * them. */
static gboolean note_failure(
    Db *db, gint64 org_id, const ActivityTally *tally, WallMs at, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE smtp_state SET last_failure_at = $2, last_failure_diagnosis = $3 "
                     "WHERE org_id = $1 AND config_version = $5 AND (last_failure_at IS NULL "
                     "OR last_failure_at NOT BETWEEN $4 AND $2 OR last_failure_diagnosis <> $3)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, at);
    db_bind_text(q, 3, tally->diagnosis);
    db_bind_int(q, 4, at - ACTIVITY_EXACT_MS);
    db_bind_int(q, 5, tally->config_version);
    return db_finish(q, error);
}

gboolean activity_add(Db *db, gint64 org_id, const ActivityTally *tally, WallMs at, GError **error)
{
    return add_to_hour(db, org_id, tally, at, error) &&
           (tally->accepted == 0 || note_acceptance(db, org_id, at, error)) &&
           (tally->diagnosis == NULL || note_failure(db, org_id, tally, at, error));
}

gboolean activity_read(
    Db *db, gint64 org_id, WallMs now, ActivityHour hours[ACTIVITY_HOURS], GError **error)
{
    gint64 first = hour_of(now) - (ACTIVITY_HOURS - 1);
    for (gint64 i = 0; i < ACTIVITY_HOURS; i++)
        hours[i] = (ActivityHour){.at = (first + i) * CLOCK_HOUR_MS};
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT hour, accepted, deferred, refused FROM activity_by_hour "
                     "WHERE org_id = $1 AND hour BETWEEN $2 AND $3");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, first);
    db_bind_int(q, 3, first + ACTIVITY_HOURS - 1);
    while (db_next(q)) {
        ActivityHour *hour = &hours[db_int(q, 0) - first];
        hour->accepted = db_int(q, 1);
        hour->deferred = db_int(q, 2);
        hour->refused = db_int(q, 3);
    }
    return db_finish(q, error);
}

gboolean activity_tidy(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM activity_by_hour WHERE hour NOT BETWEEN $1 AND $2");
    db_bind_int(q, 1, hour_of(now) - KEPT_HOURS);
    db_bind_int(q, 2, hour_of(now));
    return db_finish(q, error);
}
