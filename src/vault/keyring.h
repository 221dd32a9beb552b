/* The keys of a key file, and the file's text form (doc/vault.md). The first key seals; every key
 * opens what names its id, so that rotation is: append, move to the top, remove. No I/O. Internal
 * to vault/. */
#pragma once

#include "base/secret.h"
#include "vault/vault.h"

#include <glib.h>

typedef struct {
    guint8 id[VAULT_KEK_ID_BYTES];
    Secret *kek; /* BOX_KEY_BYTES */
} KeyringKey;

typedef struct {
    GArray *keys; /* of KeyringKey, at least one */
} Keyring;

Keyring *keyring_generate(void); /* one random key with a random id */
void keyring_free(Keyring *ring);

const KeyringKey *keyring_active(const Keyring *ring);
const KeyringKey *keyring_find(
    const Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES]); /* NULL: no such key */

/* The text of the key file, and back. ABS_ERROR_SECRET says in one clause what is wrong with the
 * text ("has a damaged key: …") and never quotes it. */
Secret *keyring_format(const Keyring *ring);
Keyring *keyring_parse(const char *text, gsize n, GError **error);

/* The id in hex, as errors and `key status` show it. The caller frees. */
char *keyring_id_dup(const guint8 id[VAULT_KEK_ID_BYTES]);
char *keyring_ids_dup(const Keyring *ring); /* all ids, "a, b" */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Keyring, keyring_free)
