#include "store/keys.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/db_driver.h"

typedef struct {
    gint64 org_id, day;
    VaultKey *key;
} DayKey;

struct day_keys {
    guint n, oldest;
    DayKey entries[LIMIT_STORE_DAY_KEYS];
};

void day_keys_free(struct day_keys *keys)
{
    if (!keys)
        return;
    for (guint i = 0; i < keys->n; i++)
        vault_key_free(keys->entries[i].key);
    g_free(keys);
}

gint64 day_of(WallMs at)
{
    return at / CLOCK_DAY_MS;
}

static const VaultKey *find_kept(Db *db, gint64 org_id, gint64 day)
{
    for (guint i = 0; db->keys && i < db->keys->n; i++) {
        const DayKey *entry = &db->keys->entries[i];
        if (entry->org_id == org_id && entry->day == day)
            return entry->key;
    }
    return NULL;
}

static const VaultKey *keep(Db *db, gint64 org_id, gint64 day, VaultKey *key)
{
    if (!db->keys)
        db->keys = g_new0(DayKeys, 1);
    DayKeys *keys = db->keys;
    DayKey *entry;
    if (keys->n < LIMIT_STORE_DAY_KEYS) {
        entry = &keys->entries[keys->n++];
    } else {
        entry = &keys->entries[keys->oldest];
        keys->oldest = (keys->oldest + 1) % LIMIT_STORE_DAY_KEYS;
        vault_key_free(entry->key);
    }
    *entry = (DayKey){.org_id = org_id, .day = day, .key = key};
    return key;
}

VaultBinding *day_key_binding(gint64 org_id, gint64 day)
{
    VaultBinding *binding = vault_binding_new("day-key");
    vault_binding_add_number(binding, (guint64)org_id);
    vault_binding_add_number(binding, (guint64)day);
    return binding;
}

static gboolean read_wrapped(Db *db, gint64 org_id, gint64 day, GBytes **wrapped, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT wrapped FROM day_keys WHERE org_id = $1 AND day = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, day);
    if (db_next(q))
        *wrapped = db_dup_bytes(q, 0);
    return db_finish(q, error);
}

static const VaultKey *unwrap(
    Db *db, Vault *vault, gint64 org_id, gint64 day, GBytes *wrapped, GError **error)
{
    g_autoptr(VaultBinding) binding = day_key_binding(org_id, day);
    VaultKey *key = vault_key_unwrap(vault, binding, wrapped, error);
    return key ? keep(db, org_id, day, key) : NULL;
}

static const VaultKey *make(Db *db, Vault *vault, gint64 org_id, gint64 day, GError **error)
{
    g_autoptr(VaultBinding) binding = day_key_binding(org_id, day);
    g_autoptr(VaultKey) key = vault_key_new();
    g_autoptr(GBytes) wrapped = vault_key_wrap(vault, binding, key);
    g_autoptr(DbQuery) q = db_query(db, "INSERT INTO day_keys (org_id, day, kek_id, wrapped) "
                                        "VALUES ($1, $2, substr($3, 5, 16), $3)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, day);
    db_bind_bytes(q, 3, wrapped);
    if (!db_finish(q, error))
        return NULL;
    CRASH_POINT("day_key_made");
    return keep(db, org_id, day, g_steal_pointer(&key));
}

const VaultKey *day_key_for_sealing(Db *db, Vault *vault, gint64 org_id, gint64 day, GError **error)
{
    const VaultKey *kept = find_kept(db, org_id, day);
    g_autoptr(GBytes) wrapped = NULL;
    if (kept || !read_wrapped(db, org_id, day, &wrapped, error))
        return kept;
    return wrapped ? unwrap(db, vault, org_id, day, wrapped, error)
                   : make(db, vault, org_id, day, error);
}

const VaultKey *day_key_for_opening(Db *db, Vault *vault, gint64 org_id, gint64 day, GError **error)
{
    const VaultKey *kept = find_kept(db, org_id, day);
    g_autoptr(GBytes) wrapped = NULL;
    if (kept || !read_wrapped(db, org_id, day, &wrapped, error))
        return kept;
    if (wrapped)
        return unwrap(db, vault, org_id, day, wrapped, error);
    g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "the key of that day is gone");
    return NULL;
}
