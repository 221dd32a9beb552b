/* A key file sealed with a passphrase, as text for offline storage (doc/vault.md). No I/O. Internal
 * to vault/. */
#pragma once

#include "vault/keyring.h"

/* ABS_ERROR_INPUT: the passphrase is shorter than LIMIT_EXPORT_PASSPHRASE_CHARACTERS. The caller
 * frees. */
char *key_export_seal(const Keyring *ring, const Secret *passphrase, GError **error);

/* ABS_ERROR_INPUT: not an exported key (says what is wrong with it). ABS_ERROR_SECRET: a wrong
 * passphrase, or damaged; which of them cannot be known. */
Keyring *key_export_open(const char *text, gsize n, const Secret *passphrase, GError **error);
