/* The keys of the key file while the service works: which there are, adding, activating, retiring,
 * and taking them to another place. A rotation is: add, activate, seal everything anew
 * (store/rewrap.h), retire. Every change puts a whole new file in the place of the former one
 * before it counts here; a key that is in the file is never lost. Thread-safe; changes touch the
 * disk and take milliseconds. */
#pragma once

#include "vault/vault.h"

/* Ids as errors, the page and `key status` show them: 32 hex digits. The caller frees. */
char *vault_kek_id_dup(const guint8 id[VAULT_KEK_ID_BYTES]);

/* Ids of all keys in the file, the one in use first: of VAULT_KEK_ID_BYTES each. The caller unrefs.
 */
GArray *vault_kek_ids(Vault *vault);

/* TRUE: the keys come from a systemd credential, and every change is refused with
 * ABS_ERROR_DENIED. */
gboolean vault_is_credential(const Vault *vault);

/* A new random key, ready to be activated. ABS_ERROR_LIMIT: there are LIMIT_KEYS.
 * All changes: ABS_ERROR_CONFLICT if the file was changed by somebody else, ABS_ERROR_SECRET if it
 * cannot be written or is not safe. */
gboolean vault_kek_add(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES], GError **error);

/* From now on this one seals. ABS_ERROR_NOT_FOUND. */
gboolean vault_kek_activate(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES], GError **error);

/* Takes it out of the file. The caller has made sure that nothing is sealed with it any more; what
 * somebody has in memory still opens until the service ends. ABS_ERROR_CONFLICT: it is the one in
 * use. */
gboolean vault_kek_retire(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES], GError **error);

/* All keys of the file as text, sealed with a passphrase (Argon2id;
 * LIMIT_EXPORT_PASSPHRASE_CHARACTERS or more, else ABS_ERROR_INPUT). Takes a part of a second and
 * 64 MiB. The caller frees. */
char *vault_kek_export(Vault *vault, const Secret *passphrase, GError **error);

/* Puts exported keys into a key file that nobody uses: behind those that are there, or as a new
 * file. *n_new: how many were not there. ABS_ERROR_SECRET: a wrong passphrase, or damaged. */
gboolean vault_kek_import(const char *key_file, const char *text, gsize n, const Secret *passphrase,
    guint *n_new, GError **error);
