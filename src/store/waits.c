#include "store/waits.h"

#include "base/limits.h"
#include "outbox/email.h"

/* Along the index of what waits: without a clock that was set there are hardly any such rows but
 * scheduled ones. 2, 4, 5: queued, deferred, uncertain. */
static gboolean shorten_class(
    Db *db, gint64 org_id, EmailClass class, WallMs now, guint limit, gint64 *n, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE recipients SET next_at = $4 WHERE row IN (SELECT row FROM recipients "
        "WHERE org_id = $1 AND class = $2 AND next_at > $3 AND state IN (2, 4, 5) LIMIT $5)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, now + LIMIT_RETRY_WAIT_MS);
    db_bind_int(q, 4, now + LIMIT_RETRY_BACKOFF_MS);
    db_bind_int(q, 5, limit);
    if (!db_finish(q, error))
        return FALSE;
    *n = db_changes(db);
    if (*n > 0)
        store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return TRUE;
}

static GArray *all_orgs(Db *db, GError **error)
{
    g_autoptr(GArray) orgs = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(DbQuery) q = db_query(db, "SELECT row FROM organisations");
    while (db_next(q)) {
        gint64 org_id = db_int(q, 0);
        g_array_append_val(orgs, org_id);
    }
    return db_finish(q, error) ? g_steal_pointer(&orgs) : NULL;
}

gboolean waits_shorten(Db *db, WallMs now, guint limit, gboolean *is_done, GError **error)
{
    g_autoptr(GArray) orgs = all_orgs(db, error);
    if (orgs == NULL)
        return FALSE;
    gboolean done = TRUE;
    for (guint i = 0; i < orgs->len; i++) {
        for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
            gint64 n = 0;
            if (!shorten_class(db, g_array_index(orgs, gint64, i), class, now, limit, &n, error))
                return FALSE;
            done = done && n < limit;
        }
    }
    *is_done = done;
    return TRUE;
}
