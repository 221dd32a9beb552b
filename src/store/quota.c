#include "store/quota.h"

/* The day's window lets a counter of ten minutes go when the last of them has left it. */
#define KEPT_MINUTES ((CLOCK_DAY_MS + 10 * CLOCK_MINUTE_MS) / CLOCK_MINUTE_MS)

static gint64 minute_of(WallMs at)
{
    return MAX(at, 0) / CLOCK_MINUTE_MS;
}

gboolean quota_sent_add(Db *db, gint64 org_id, WallMs at, guint n, GError **error)
{
    if (n == 0)
        return TRUE;
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO sent_by_minute (org_id, minute, n) VALUES ($1, $2, $3) "
                     "ON CONFLICT (org_id, minute) DO UPDATE SET n = n + excluded.n");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, minute_of(at));
    db_bind_int(q, 3, n);
    return db_finish(q, error);
}

Quota *quota_sent_read(Db *db, gint64 org_id, WallMs now, GError **error)
{
    g_autoptr(Quota) quota = quota_new();
    g_autoptr(DbQuery) q = db_query(db, "SELECT minute, n FROM sent_by_minute WHERE org_id = $1 "
                                        "AND minute >= $2 ORDER BY minute");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, minute_of(now) - KEPT_MINUTES);
    while (db_next(q)) {
        WallMs minute_ends_at = (db_int(q, 0) + 1) * CLOCK_MINUTE_MS - 1;
        quota_add(quota, MIN(minute_ends_at, now), (guint)CLAMP(db_int(q, 1), 0, G_MAXUINT));
    }
    return db_finish(q, error) ? g_steal_pointer(&quota) : NULL;
}

static gboolean take_ahead_for_now(Db *db, gint64 present, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO sent_by_minute (org_id, minute, n) SELECT org_id, $1, sum(n) "
                     "FROM sent_by_minute WHERE minute > $1 GROUP BY org_id "
                     "ON CONFLICT (org_id, minute) DO UPDATE SET n = n + excluded.n");
    db_bind_int(q, 1, present);
    return db_finish(q, error);
}

gboolean quota_sent_tidy(Db *db, WallMs now, GError **error)
{
    if (!take_ahead_for_now(db, minute_of(now), error))
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM sent_by_minute WHERE minute > $1 OR minute < $2");
    db_bind_int(q, 1, minute_of(now));
    db_bind_int(q, 2, minute_of(now) - KEPT_MINUTES);
    return db_finish(q, error);
}
