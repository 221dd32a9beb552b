/* What a vault is made of, for the files of vault/ that change its keys. */
#pragma once

#include "vault/box.h"
#include "vault/key_file.h"
#include "vault/keyring.h"
#include "vault/vault.h"

/* A data key. Lives in guarded memory. */
struct vault_key {
    guint8 bytes[BOX_KEY_BYTES];
};

struct vault {
    GRWLock lock; /* of keys and former: read while sealing and opening, written when keys change */
    Keyring *keys;   /* what the key file holds */
    Keyring *former; /* retired since the start. They open what somebody has read before that; NULL:
                        none */
    VaultKey *fingerprint_key;
    char *path; /* of the key file */
    gboolean is_credential;
    GMutex changing; /* one change of the key file at a time */
    guint8 instance[VAULT_INSTANCE_BYTES];
    gboolean has_instance;
};

/* Until the end of the block nobody takes a key away. Not twice in one thread. */
#define KEEP_KEYS(vault)                                     \
    g_autoptr(GRWLockReaderLocker) kept_keys G_GNUC_UNUSED = \
        g_rw_lock_reader_locker_new(&(vault)->lock)
