#include "vault/keks.h"

#include "base/error.h"
#include "vault/key_export.h"
#include "vault/vault_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

char *vault_kek_id_dup(const guint8 id[VAULT_KEK_ID_BYTES])
{
    return keyring_id_dup(id);
}

gboolean vault_is_credential(const Vault *vault)
{
    return vault->is_credential;
}

GArray *vault_kek_ids(Vault *vault)
{
    KEEP_KEYS(vault);
    const GArray *keys = vault->keys->keys;
    GArray *ids = g_array_sized_new(FALSE, FALSE, VAULT_KEK_ID_BYTES, keys->len);
    for (guint i = 0; i < keys->len; i++)
        g_array_append_vals(ids, g_array_index(keys, KeyringKey, i).id, 1);
    return ids;
}

/* --- Changes ----------------------------------------------------------------------------------
 * One at a time (`changing`); only they write vault->keys, so they may read it without the lock. */

static gboolean may_change(const Vault *vault, GError **error)
{
    if (!vault->is_credential)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED,
        "the key comes from a systemd credential, which only its owner can make anew");
    return FALSE;
}

/* The file first: what counts here is on the disk. */
static gboolean put_keys(Vault *vault, Keyring *keys, GError **error)
{
    if (!key_file_replace(vault->path, vault->keys, keys, error))
        return FALSE;
    g_rw_lock_writer_lock(&vault->lock);
    Keyring *before = vault->keys;
    vault->keys = keyring_copy(keys);
    g_rw_lock_writer_unlock(&vault->lock);
    keyring_free(before);
    return TRUE;
}

static void set_unknown(const guint8 id[VAULT_KEK_ID_BYTES], GError **error)
{
    g_autofree char *text = keyring_id_dup(id);
    g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no key %s in the key file", text);
}

gboolean vault_kek_add(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES], GError **error)
{
    g_autoptr(GMutexLocker) changing G_GNUC_UNUSED = g_mutex_locker_new(&vault->changing);
    g_autoptr(Keyring) keys = keyring_copy(vault->keys);
    if (!may_change(vault, error))
        return FALSE;
    const KeyringKey *added = keyring_add(keys, error);
    if (added == NULL || !put_keys(vault, keys, error))
        return FALSE;
    memcpy(id, added->id, VAULT_KEK_ID_BYTES);
    return TRUE;
}

gboolean vault_kek_activate(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES], GError **error)
{
    g_autoptr(GMutexLocker) changing G_GNUC_UNUSED = g_mutex_locker_new(&vault->changing);
    g_autoptr(Keyring) keys = keyring_copy(vault->keys);
    if (!may_change(vault, error))
        return FALSE;
    if (!keyring_activate(keys, id)) {
        set_unknown(id, error);
        return FALSE;
    }
    return keyring_equal(keys, vault->keys) || put_keys(vault, keys, error);
}

/* Before it leaves the ring in use, or it would be missed in between. */
static void keep_former(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES])
{
    g_rw_lock_writer_lock(&vault->lock);
    if (vault->former == NULL)
        vault->former = keyring_new();
    if (keyring_find(vault->former, id) == NULL)
        keyring_keep(vault->former, keyring_find(vault->keys, id));
    g_rw_lock_writer_unlock(&vault->lock);
}

gboolean vault_kek_retire(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES], GError **error)
{
    g_autoptr(GMutexLocker) changing G_GNUC_UNUSED = g_mutex_locker_new(&vault->changing);
    g_autoptr(Keyring) keys = keyring_copy(vault->keys);
    if (!may_change(vault, error))
        return FALSE;
    if (keyring_find(keys, id) == NULL) {
        set_unknown(id, error);
        return FALSE;
    }
    if (memcmp(keyring_active(keys)->id, id, VAULT_KEK_ID_BYTES) == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "this key is in use");
        return FALSE;
    }
    keep_former(vault, id);
    gboolean is_removed = keyring_remove(keys, id);
    g_assert(is_removed);
    return put_keys(vault, keys, error);
}

/* --- To another place --------------------------------------------------------------------------
 */

char *vault_kek_export(Vault *vault, const Secret *passphrase, GError **error)
{
    g_rw_lock_reader_lock(&vault->lock);
    g_autoptr(Keyring) keys = keyring_copy(vault->keys);
    g_rw_lock_reader_unlock(&vault->lock);
    return key_export_seal(keys, passphrase, error);
}

gboolean vault_kek_import(const char *key_file, const char *text, gsize n, const Secret *passphrase,
    guint *n_new, GError **error)
{
    g_autoptr(Keyring) exported = key_export_open(text, n, passphrase, error);
    if (exported == NULL)
        return FALSE;
    gboolean is_there = access(key_file, F_OK) == 0 || errno != ENOENT;
    g_autoptr(Keyring) former = is_there ? key_file_open(key_file, FALSE, error) : NULL;
    if (is_there && former == NULL)
        return FALSE;
    g_autoptr(Keyring) keys = keyring_copy(is_there ? former : exported);
    if (!keyring_merge(keys, exported, error))
        return FALSE;
    guint added = keys->keys->len - (is_there ? former->keys->len : 0);
    if (added > 0 && !key_file_replace(key_file, former, keys, error))
        return FALSE;
    *n_new = added;
    return TRUE;
}
