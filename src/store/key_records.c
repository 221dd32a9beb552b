#include "store/key_records.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "store/db_driver.h"
#include "store/rewrap.h"
#include "vault/keks.h"

#include <string.h>

const char *key_state_name(KeyState state)
{
    switch (state) {
    case KEY_ACTIVE:
        return "active";
    case KEY_READY:
        return "ready";
    case KEY_RETIRING:
        return "retiring";
    }
    g_assert_not_reached();
}

static const guint8 *id_at(const GArray *ids, guint i)
{
    return (const guint8 *)ids->data + (gsize)i * VAULT_KEK_ID_BYTES;
}

static gboolean has_id(const GArray *ids, const guint8 *id)
{
    for (guint i = 0; i < ids->len; i++) {
        if (memcmp(id_at(ids, i), id, VAULT_KEK_ID_BYTES) == 0)
            return TRUE;
    }
    return FALSE;
}

/* --- Changes -----------------------------------------------------------------------------------
 */

gboolean key_record_added(
    Db *db, Vault *vault, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, GError **error)
{
    g_autoptr(GBytes) record = vault_check_make(vault, kek_id);
    if (!record) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such key in the key file");
        return FALSE;
    }
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO key_checks (kek_id, record, created_at) VALUES ($1, $2, $3) "
                     "ON CONFLICT (kek_id) DO UPDATE SET retired_at = NULL");
    db_bind_blob(q, 1, kek_id, VAULT_KEK_ID_BYTES);
    db_bind_bytes(q, 2, record);
    db_bind_int(q, 3, now);
    return db_finish(q, error);
}

gboolean key_record_activated(
    Db *db, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE key_checks SET activated_at = $2 WHERE kek_id = $1 AND activated_at IS NULL");
    db_bind_blob(q, 1, kek_id, VAULT_KEK_ID_BYTES);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

gboolean key_record_retired(
    Db *db, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, gint64 *sealed, GError **error)
{
    g_autoptr(GArray) counts = rewrap_counts(db, error);
    if (!counts)
        return FALSE;
    *sealed = rewrap_count_of(counts, kek_id);
    if (*sealed > 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
            "%" G_GINT64_FORMAT " values are still sealed with this key", *sealed);
        return FALSE;
    }
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE key_checks SET retired_at = $2 WHERE kek_id = $1 AND retired_at IS NULL");
    db_bind_blob(q, 1, kek_id, VAULT_KEK_ID_BYTES);
    db_bind_int(q, 2, now);
    return db_finish(q, error);
}

/* --- Which there are ---------------------------------------------------------------------------
 */

static gboolean read_record(
    Db *db, const GArray *counts, gboolean is_first, KeyRecord *record, GError **error)
{
    gboolean has_sealed = FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT created_at, activated_at FROM key_checks WHERE kek_id = $1");
    db_bind_blob(q, 1, record->kek_id, VAULT_KEK_ID_BYTES);
    if (db_next(q)) {
        record->created_at = db_int(q, 0);
        has_sealed = !db_is_null(q, 1);
    }
    record->sealed = rewrap_count_of(counts, record->kek_id);
    record->state = is_first                           ? KEY_ACTIVE
                    : has_sealed || record->sealed > 0 ? KEY_RETIRING
                                                       : KEY_READY;
    return db_finish(q, error);
}

GArray *key_records_list(Db *db, Vault *vault, GError **error)
{
    g_autoptr(GArray) ids = vault_kek_ids(vault);
    g_autoptr(GArray) counts = rewrap_counts(db, error);
    g_autoptr(GArray) records = g_array_new(FALSE, TRUE, sizeof(KeyRecord));
    for (guint i = 0; counts && i < ids->len; i++) {
        KeyRecord record = {0};
        memcpy(record.kek_id, id_at(ids, i), VAULT_KEK_ID_BYTES);
        if (!read_record(db, counts, i == 0, &record, error))
            return NULL;
        g_array_append_val(records, record);
    }
    return counts ? g_steal_pointer(&records) : NULL;
}

/* --- At the start: are these the keys the database was sealed with? ----------------------------
 */

/* Every record whose key is needed. A key that is not in the file is needed if something is sealed
 * with it; else it was taken out, which is noted. */
static gboolean verify_record(Db *db, Vault *vault, const GArray *ids, const GArray *counts,
    const guint8 *kek_id, GBytes *record, GError **error)
{
    gint64 sealed = 0;
    if (has_id(ids, kek_id))
        return vault_check_verify(vault, record, error);
    if (rewrap_count_of(counts, kek_id) > 0)
        return vault_check_verify(vault, record, error); /* says which key is missing */
    return key_record_retired(db, kek_id, clock_wall_ms(), &sealed, error);
}

/* *n: how many records there are. */
static gboolean verify_records(Db *db, Vault *vault, const GArray *ids, guint *n, GError **error)
{
    g_autoptr(GArray) counts = rewrap_counts(db, error);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(DbQuery) q =
        counts ? db_query(db, "SELECT kek_id, record FROM key_checks ORDER BY kek_id") : NULL;
    if (!q)
        return FALSE;
    while (db_next(q)) {
        g_ptr_array_add(records, db_dup_bytes(q, 0));
        g_ptr_array_add(records, db_dup_bytes(q, 1));
    }
    if (!db_finish(q, error))
        return FALSE;
    *n = records->len / 2;
    for (guint i = 0; i < records->len; i += 2) {
        const guint8 *kek_id = g_bytes_get_data(records->pdata[i], NULL);
        if (!verify_record(db, vault, ids, counts, kek_id, records->pdata[i + 1], error))
            return FALSE;
    }
    return TRUE;
}

/* A database of before has fingerprints of refused passwords; they go on to count. */
static gboolean has_fingerprints(Db *db, gboolean *has, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM login_failures LIMIT 1");
    *has = db_next(q);
    return db_finish(q, error);
}

static gboolean open_fingerprint_key(Db *db, Vault *vault, GError **error)
{
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(DbQuery) find = db_query(db, "SELECT wrapped FROM fingerprint_key");
    if (db_next(find))
        wrapped = db_dup_bytes(find, 0);
    if (!db_finish(find, error))
        return FALSE;
    if (!wrapped) {
        gboolean has = FALSE;
        if (!has_fingerprints(db, &has, error))
            return FALSE;
        wrapped = vault_fingerprint_key_make(vault, !has);
        g_autoptr(DbQuery) add =
            db_query(db, "INSERT INTO fingerprint_key (row, wrapped) VALUES (1, $1)");
        db_bind_bytes(add, 1, wrapped);
        if (!db_finish(add, error))
            return FALSE;
    }
    return vault_fingerprint_key_set(vault, wrapped, error);
}

static gboolean check_keys(Db *db, gpointer data, GError **error)
{
    Vault *vault = data;
    guint n = 0;
    g_autoptr(GArray) ids = vault_kek_ids(vault);
    WallMs now = clock_wall_ms();
    if (!verify_records(db, vault, ids, &n, error))
        return FALSE;
    CRASH_POINT("key_check_due");
    for (guint i = 0; i < ids->len; i++) {
        if (!key_record_added(db, vault, id_at(ids, i), now, error))
            return FALSE;
    }
    return key_record_activated(db, id_at(ids, 0), now, error) &&
           open_fingerprint_key(db, vault, error);
}

gboolean store_check_key(Store *store, Vault *vault, GError **error)
{
    return store_run(store, check_keys, vault, error);
}

gboolean store_holds_sealed_records(const char *path, gboolean *holds, GError **error)
{
    gboolean found = FALSE;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        StoreConfig config = {.path = path, .full_sync = TRUE};
        Db *db = db_open(&db_driver_sqlite, &config, DB_READER);
        gboolean has_table = FALSE;
        gboolean done = db->driver->has_table(db, "key_checks", &has_table, error);
        if (done && has_table) {
            /* The check record is written before anything else is sealed. */
            g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM key_checks UNION ALL "
                                                "SELECT 1 FROM day_keys UNION ALL "
                                                "SELECT 1 FROM smtp_slots WHERE password_sealed "
                                                "IS NOT NULL LIMIT 1");
            found = db_next(q);
            done = db_finish(q, error);
        }
        db_close(db);
        if (!done)
            return FALSE;
    }
    *holds = found;
    return TRUE;
}
