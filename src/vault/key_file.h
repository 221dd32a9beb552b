/* The key file on disk: who may have touched it, and making it. Internal to vault/. */
#pragma once

#include "vault/keyring.h"

/* As vault_open. */
Keyring *key_file_open(const char *path, gboolean may_create, GError **error);
