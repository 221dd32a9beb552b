#include "store/history.h"

#include "base/limits.h"
#include "store/settings_columns.h"

void settings_version_free(SettingsVersion *version)
{
    if (!version)
        return;
    settings_free(version->settings);
    g_free(version->activated_by);
    g_free(version);
}

static void free_version(gpointer version)
{
    settings_version_free(version);
}

/* --- Reading --------------------------------------------------------------------------------- */

/* One table besides has columns of these names: what is asked of it is asked by name. */
#define COLUMNS                                                             \
    SETTINGS_COLUMNS ", id, h.config_version, activated_at, activated_by, " \
                     "h.config_version = s.config_version "

static SettingsVersion *read_version(DbQuery *q)
{
    SettingsVersion *version = g_new0(SettingsVersion, 1);
    version->settings = settings_columns_read(q, 0);
    db_id(q, SETTINGS_COLUMNS_COUNT, &version->id);
    version->config_version = db_int(q, SETTINGS_COLUMNS_COUNT + 1);
    version->activated_at = db_int(q, SETTINGS_COLUMNS_COUNT + 2);
    version->activated_by = db_dup_text(q, SETTINGS_COLUMNS_COUNT + 3);
    version->is_active = db_int(q, SETTINGS_COLUMNS_COUNT + 4) != 0;
    return version;
}

GPtrArray *settings_history_list(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(GPtrArray) versions = g_ptr_array_new_with_free_func(free_version);
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT " COLUMNS "FROM smtp_history h JOIN smtp_state s ON s.org_id = h.org_id "
        "WHERE h.org_id = $1 ORDER BY h.config_version DESC");
    db_bind_int(q, 1, org_id);
    while (db_next(q))
        g_ptr_array_add(versions, read_version(q));
    return db_finish(q, error) ? g_steal_pointer(&versions) : NULL;
}

SettingsVersion *settings_history_get(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(SettingsVersion) version = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT " COLUMNS "FROM smtp_history h JOIN smtp_state s ON s.org_id = h.org_id "
        "WHERE h.org_id = $1 AND h.id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q))
        version = read_version(q);
    return db_finish(q, error) ? g_steal_pointer(&version) : NULL;
}

/* --- Writing --------------------------------------------------------------------------------- */

static gboolean forget_oldest(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM smtp_history WHERE org_id = $1 AND config_version NOT IN (SELECT "
                     "config_version FROM smtp_history WHERE org_id = $1 ORDER BY config_version "
                     "DESC LIMIT $2)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, LIMIT_SETTINGS_HISTORY);
    return db_finish(q, error);
}

/* Who started the run of revision $N. */
#define STARTED_BY(n)                                                         \
    "(SELECT started_by FROM verifications WHERE org_id = $1 AND revision = " \
    "$" n " ORDER BY id DESC LIMIT 1)"

static gboolean insert_version(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 config_version, gint64 revision, WallMs now, GError **error)
{
    Id id = id_fresh(now);
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO smtp_history (org_id, id, config_version, " SETTINGS_COLUMNS
                     ", activated_at, activated_by) VALUES ($1, $2, $3, " SETTINGS_PARAMETERS_FROM_4
                     ", $41, " STARTED_BY("42") ")");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, &id);
    db_bind_int(q, 3, config_version);
    settings_columns_bind(q, 4, settings);
    db_bind_int(q, 41, now);
    db_bind_int(q, 42, revision);
    return db_finish(q, error);
}

gboolean settings_history_same(const SmtpSettings *a, const SmtpSettings *b)
{
    return settings_same_destination(a, b) && g_strcmp0(a->from_name, b->from_name) == 0;
}

/* The version that says the same; 0: none. */
static gint64 find_same(const GPtrArray *versions, const SmtpSettings *settings)
{
    for (guint i = 0; i < versions->len; i++) {
        const SettingsVersion *version = versions->pdata[i];
        if (settings_history_same(version->settings, settings))
            return version->config_version;
    }
    return 0;
}

static gboolean raise_version(Db *db, gint64 org_id, gint64 from_version, gint64 to_version,
    gint64 revision, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE smtp_history SET config_version = $3, activated_at = $4, "
        "activated_by = " STARTED_BY("5") " WHERE org_id = $1 AND config_version = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, from_version);
    db_bind_int(q, 3, to_version);
    db_bind_int(q, 4, now);
    db_bind_int(q, 5, revision);
    return db_finish(q, error);
}

gboolean settings_history_add(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 config_version, gint64 revision, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) versions = settings_history_list(db, org_id, error);
    if (!versions)
        return FALSE;
    gint64 same = find_same(versions, settings);
    if (same != 0)
        return raise_version(db, org_id, same, config_version, revision, now, error);
    return insert_version(db, org_id, settings, config_version, revision, now, error) &&
           forget_oldest(db, org_id, error);
}

gboolean settings_history_move(
    Db *db, gint64 org_id, gint64 from_version, gint64 to_version, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE smtp_history SET config_version = $3 "
                                        "WHERE org_id = $1 AND config_version = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, from_version);
    db_bind_int(q, 3, to_version);
    return db_finish(q, error);
}
