/* Envelope encryption at rest. Each sealed value has its own data key (DEK), wrapped by a
 * key-encryption key (KEK) that is kept in a file outside the database. Primitive:
 * XChaCha20-Poly1305-IETF (libsodium). Format and reasons: doc/vault.md.
 *
 * A value is sealed *to a binding*: the ordered list of facts it belongs to (instance, org, object,
 * and for an SMTP password host, port, security and username). It opens only with exactly the same
 * binding, so a row moved to another place, or a password tried against another server, does not
 * open. The vault never logs and never returns plaintext except as a Secret. Thread-safe after
 * vault_open; keys may change meanwhile (vault/keks.h). */
#pragma once

#include "base/secret.h"

#include <glib.h>

typedef struct vault Vault;
typedef struct vault_binding VaultBinding;

#define VAULT_KEK_ID_BYTES 16
#define VAULT_INSTANCE_BYTES 16

/* secret_init must have run. Opens the key file: regular, one link, owned by us, mode 0600, in a
 * directory others cannot write; checked on the opened descriptor (O_NOFOLLOW). If it does not
 * exist and may_create, makes it (O_EXCL, fsync of file and directory). may_create must be FALSE as
 * soon as anything sealed exists: a new key would make it unreadable. ABS_ERROR_SECRET with a
 * sentence that names the file and the fault. */
Vault *vault_open(const char *key_file, gboolean may_create, GError **error);
void vault_free(Vault *vault);

/* Every binding starts with the instance's id; set once after the store is open. */
void vault_set_instance(Vault *vault, const guint8 instance[VAULT_INSTANCE_BYTES]);

/* The same with a key that systemd hands over as a credential: a file of root or ours, which nobody
 * changes while the service works. There is no making one. */
Vault *vault_open_credential(const char *path, GError **error);

/* The id of the key in use (random, made with the key; stands in each blob). */
void vault_kek_id(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES]);

/* A record that proves at start that this is the right key, for a key of the key file. Store one
 * for each key, verify them at every start. ABS_ERROR_SECRET names the key id that is needed and
 * those that are there. NULL: there is no such key. */
GBytes *vault_check_make(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES]);
gboolean vault_check_verify(Vault *vault, GBytes *check, GError **error);

/* Bindings: fields are length-prefixed, so ("ab","c") and ("a","bc") differ. */
VaultBinding *vault_binding_new(const char *purpose);
void vault_binding_add_text(VaultBinding *binding, const char *text); /* NULL and "" differ */
void vault_binding_add_number(VaultBinding *binding, guint64 number);
void vault_binding_add_bytes(VaultBinding *binding, const void *data, gsize n);
void vault_binding_free(VaultBinding *binding);

/* Seals with a fresh DEK; plaintext is padded to a multiple of 256 bytes, so the length of a
 * password does not show. At most LIMIT_SEALED_BYTES. The result is the versioned blob. */
GBytes *vault_seal(Vault *vault, const VaultBinding *binding, const Secret *plaintext);

/* ABS_ERROR_SECRET: wrong binding, wrong key, or damaged; which of them cannot be known, and is not
 * guessed. */
Secret *vault_unseal(Vault *vault, const VaultBinding *binding, GBytes *sealed, GError **error);

/* The blob anew under the key in use, whichever key of the file it is under; a reference to itself
 * if it is already. The content and its binding stay as they are. binding may be NULL but for
 * wrapped keys, and for values of the first format, which have it in their wrapping
 * (vault_rewrap_needs_binding). ABS_ERROR_SECRET. */
GBytes *vault_rewrap(Vault *vault, const VaultBinding *binding, GBytes *blob, GError **error);
gboolean vault_rewrap_needs_binding(GBytes *blob);

/* A day key seals many message bodies: one unwrap for a day's mail. Deleting its wrapped form makes
 * what it sealed unreadable. */
typedef struct vault_key VaultKey;
VaultKey *vault_key_new(void);
GBytes *vault_key_wrap(Vault *vault, const VaultBinding *binding, const VaultKey *key);
VaultKey *vault_key_unwrap(
    Vault *vault, const VaultBinding *binding, GBytes *wrapped, GError **error);
void vault_key_free(VaultKey *key);

/* Not padded to 256 (mails are large and their size is no secret). */
GBytes *vault_key_seal(const VaultKey *key, const VaultBinding *binding, const void *data, gsize n);
GBytes *vault_key_unseal(
    const VaultKey *key, const VaultBinding *binding, GBytes *sealed, GError **error);

/* Keyed hash (BLAKE2b) to compare secrets without keeping them: the password guard. Its key is
 * derived from the KEK until one is set, which outlives every KEK: make it once, store it (rewrap
 * it like a day key), set it at every start before the first fingerprint. fresh: random; else the
 * derived one, so that fingerprints made so far go on to count. */
#define VAULT_FINGERPRINT_BYTES 32
void vault_fingerprint(Vault *vault, const char *purpose, const Secret *secret,
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES]);
VaultBinding *vault_fingerprint_key_binding(void);
GBytes *vault_fingerprint_key_make(Vault *vault, gboolean fresh);
gboolean vault_fingerprint_key_set(Vault *vault, GBytes *wrapped, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vault, vault_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBinding, vault_binding_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultKey, vault_key_free)
