#include "store/organisations.h"

#include "base/error.h"

static gboolean there_is_none(gint64 org_id, GError **error)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no organisation %" G_GINT64_FORMAT,
        org_id);
    return FALSE;
}

GArray *organisations_all(Db *db, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(DbQuery) q = db_query(db, "SELECT row FROM organisations ORDER BY row");
    while (db_next(q)) {
        gint64 org_id = db_int(q, 0);
        g_array_append_val(all, org_id);
    }
    return db_finish(q, error) ? g_steal_pointer(&all) : NULL;
}

Organisation *organisation_read(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(Organisation) organisation = NULL;
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT row, name, colour, language, public_url FROM organisations WHERE row = $1");
    db_bind_int(q, 1, org_id);
    if (db_next(q)) {
        organisation = g_new0(Organisation, 1);
        organisation->row = db_int(q, 0);
        organisation->name = db_dup_text(q, 1);
        organisation->colour = db_dup_text(q, 2);
        organisation->language = db_dup_text(q, 3);
        organisation->public_url = db_dup_text(q, 4);
    }
    if (!db_finish(q, error) || (!organisation && !there_is_none(org_id, error)))
        return NULL;
    return g_steal_pointer(&organisation);
}

gboolean organisation_write(Db *db, const Organisation *organisation, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE organisations SET name = $2, colour = $3, language = $4, public_url = $5 "
        "WHERE row = $1");
    db_bind_int(q, 1, organisation->row);
    db_bind_text(q, 2, organisation->name);
    db_bind_text(q, 3, organisation->colour);
    db_bind_text(q, 4, organisation->language);
    db_bind_text(q, 5, organisation->public_url);
    return db_finish(q, error) && (db_changes(db) == 1 || there_is_none(organisation->row, error));
}

void organisation_free(Organisation *organisation)
{
    if (!organisation)
        return;
    g_free(organisation->name);
    g_free(organisation->colour);
    g_free(organisation->language);
    g_free(organisation->public_url);
    g_free(organisation);
}
