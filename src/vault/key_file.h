/* The key file on disk: who may have touched it, making it, and putting another in its place.
 * Internal to vault/. */
#pragma once

#include "vault/keyring.h"

/* As vault_open and vault_open_credential. */
Keyring *key_file_open(const char *path, gboolean may_create, GError **error);
Keyring *key_file_open_credential(const char *path, GError **error);

/* Puts ring in the place of the file that holds `former` (NULL: there is none): beside it (".new"),
 * synced, renamed, the directory synced; at each moment the name has the one or the other, whole.
 * ABS_ERROR_CONFLICT if the file holds something else by now. The file is safe as in key_file_open,
 * or nothing is changed. */
gboolean key_file_replace(
    const char *path, const Keyring *former, const Keyring *ring, GError **error);
