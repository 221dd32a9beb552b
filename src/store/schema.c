#include "store/schema.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "store/db_driver.h"

static gboolean read_version(Db *db, gint64 *version, GError **error)
{
    gboolean has_table = FALSE;
    if (!db->driver->has_table(db, "schema_version", &has_table, error))
        return FALSE;
    *version = 0;
    if (!has_table)
        return TRUE;
    g_autoptr(DbQuery) q = db_query(db, "SELECT MAX(number) FROM schema_version");
    if (db_next(q))
        *version = db_int(q, 0);
    return db_finish(q, error);
}

static gboolean apply_file(Db *db, const SchemaFile *file, GError **error)
{
    if (!db_exec(db, file->sql, error))
        return FALSE;
    CRASH_POINT("schema_step_run");
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO schema_version (number, name, applied_at) VALUES ($1, $2, $3)");
    db_bind_int(q, 1, file->number);
    db_bind_text(q, 2, file->name);
    db_bind_int(q, 3, clock_wall_ms());
    return db_finish(q, error);
}

gboolean schema_apply(Db *db, GError **error)
{
    gint64 version;
    if (!read_version(db, &version, error))
        return FALSE;
    if (version > schema_n_files) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_STORE,
            "the database has schema %" G_GINT64_FORMAT " and this program knows up to %u: it was "
            "written by a newer version of Absender",
            version, schema_n_files);
        return FALSE;
    }
    for (guint i = (guint)version; i < schema_n_files; i++) {
        g_assert(schema_files[i].number == i + 1);
        if (!db_begin(db, error))
            return FALSE;
        if (!apply_file(db, &schema_files[i], error) || !db_commit(db, error)) {
            db_rollback(db);
            return FALSE;
        }
        CRASH_POINT("schema_step_committed");
    }
    return TRUE;
}
