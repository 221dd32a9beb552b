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
    GArray *keys; /* of KeyringKey */
} Keyring;

Keyring *keyring_new(void);      /* without a key: may be kept in, not written */
Keyring *keyring_generate(void); /* one random key with a random id */
void keyring_free(Keyring *ring);

const KeyringKey *keyring_active(const Keyring *ring);
const KeyringKey *keyring_find(
    const Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES]); /* NULL: no such key */

Keyring *keyring_copy(const Keyring *ring);
gboolean keyring_equal(const Keyring *a, const Keyring *b); /* the same keys in the same order */

/* A copy of the key behind the others, whatever the limit: for a ring that is never written. */
void keyring_keep(Keyring *ring, const KeyringKey *key);

/* Changes. keyring_add: a random key behind the others; NULL with ABS_ERROR_LIMIT if there are
 * LIMIT_KEYS. keyring_activate: to the top. keyring_remove: never the last. keyring_merge: what
 * `more` has and ring has not comes behind; ABS_ERROR_INPUT if one id stands for two keys. */
const KeyringKey *keyring_add(Keyring *ring, GError **error);
gboolean keyring_activate(Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES]);
gboolean keyring_remove(Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES]);
gboolean keyring_merge(Keyring *ring, const Keyring *more, GError **error);

/* The text of the key file, and back. ABS_ERROR_SECRET says in one clause what is wrong with the
 * text ("has a damaged key: …") and never quotes it. */
Secret *keyring_format(const Keyring *ring);
Keyring *keyring_parse(const char *text, gsize n, GError **error);

/* The id in hex, as errors and `key status` show it. The caller frees. */
char *keyring_id_dup(const guint8 id[VAULT_KEK_ID_BYTES]);
char *keyring_ids_dup(const Keyring *ring); /* all ids, "a, b" */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Keyring, keyring_free)
