#include "store/waits.h"

#include "base/limits.h"
#include "outbox/email.h"
#include "store/organisations.h"

/* Which waits are cut. */
typedef struct {
    gint64 org_id;
    EmailState states[2];
    WallMs beyond, to; /* what lies behind the one is brought to the other */
    guint limit;
} Cut;

/* Along the index of what waits. */
static gboolean cut_class(Db *db, const Cut *cut, EmailClass class, gint64 *n, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE recipients SET next_at = $4 WHERE row IN (SELECT row FROM recipients "
        "WHERE org_id = $1 AND class = $2 AND next_at > $3 AND state IN ($6, $7) LIMIT $5)");
    db_bind_int(q, 1, cut->org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, cut->beyond);
    db_bind_int(q, 4, cut->to);
    db_bind_int(q, 5, cut->limit);
    db_bind_int(q, 6, cut->states[0]);
    db_bind_int(q, 7, cut->states[1]);
    if (!db_finish(q, error))
        return FALSE;
    *n = db_changes(db);
    if (*n > 0)
        store_note_change(db, STORE_CHANGED_QUEUE, cut->org_id, NULL);
    return TRUE;
}

/* *is_done becomes FALSE if some may be left. */
static gboolean cut_classes(Db *db, const Cut *cut, gboolean *is_done, GError **error)
{
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        gint64 n = 0;
        if (!cut_class(db, cut, class, &n, error))
            return FALSE;
        *is_done = *is_done && n < cut->limit;
    }
    return TRUE;
}

gboolean waits_end(Db *db, gint64 org_id, WallMs now, guint limit, GError **error)
{
    const Cut cut = {.org_id = org_id,
        .states = {EMAIL_DEFERRED, EMAIL_DEFERRED},
        .beyond = now,
        .to = now,
        .limit = limit};
    gboolean is_done = TRUE;
    return cut_classes(db, &cut, &is_done, error);
}

gboolean waits_shorten(Db *db, WallMs now, guint limit, gboolean *is_done, GError **error)
{
    g_autoptr(GArray) orgs = organisations_all(db, error);
    if (orgs == NULL)
        return FALSE;
    gboolean done = TRUE;
    for (guint i = 0; i < orgs->len; i++) {
        const Cut due = {.org_id = g_array_index(orgs, gint64, i),
            .states = {EMAIL_QUEUED, EMAIL_QUEUED},
            .beyond = now,
            .to = now,
            .limit = limit};
        const Cut retries = {.org_id = due.org_id,
            .states = {EMAIL_DEFERRED, EMAIL_UNCERTAIN},
            .beyond = now + LIMIT_RETRY_WAIT_MS,
            .to = now + LIMIT_RETRY_BACKOFF_MS,
            .limit = limit};
        if (!cut_classes(db, &due, &done, error) || !cut_classes(db, &retries, &done, error))
            return FALSE;
    }
    *is_done = done;
    return TRUE;
}
