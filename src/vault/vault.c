#include "vault/vault.h"

#include "base/error.h"
#include "base/limits.h"
#include "vault/binding.h"
#include "vault/box.h"
#include "vault/key_file.h"

#include <sodium.h>
#include <string.h>

/* What the first two bytes of a blob say it is. They are part of the associated data, so no blob
 * can pass for one of another kind. */
#define MAGIC_VALUE "AE" /* a secret under its own data key */
#define MAGIC_KEY "AK"   /* a wrapped day key */
#define MAGIC_BODY "AB"  /* a body under a day key */
#define MAGIC_CHECK "AC" /* the proof that a key is the right one */

#define FORMAT_VERSION 1
#define ALGORITHM_XCHACHA20_POLY1305 1

#define MAGIC_BYTES 4                                      /* "AE", version, algorithm */
#define HEADER_BYTES (MAGIC_BYTES + VAULT_KEK_ID_BYTES)    /* and the key's id */
#define WRAPPED_BYTES (BOX_KEY_BYTES + BOX_OVERHEAD_BYTES) /* a wrapped data key */
#define PADDING_BYTES 256

struct vault {
    Keyring *keys;
    guint8 instance[VAULT_INSTANCE_BYTES];
    gboolean has_instance;
};

/* A data key. Lives in guarded memory. */
struct vault_key {
    guint8 bytes[BOX_KEY_BYTES];
};

Vault *vault_open(const char *key_file, gboolean may_create, GError **error)
{
    Keyring *keys = key_file_open(key_file, may_create, error);
    if (keys == NULL)
        return NULL;
    Vault *vault = g_new0(Vault, 1);
    vault->keys = keys;
    return vault;
}

void vault_free(Vault *vault)
{
    if (vault == NULL)
        return;
    keyring_free(vault->keys);
    g_free(vault);
}

void vault_set_instance(Vault *vault, const guint8 instance[VAULT_INSTANCE_BYTES])
{
    g_assert(!vault->has_instance || memcmp(vault->instance, instance, VAULT_INSTANCE_BYTES) == 0);
    memcpy(vault->instance, instance, VAULT_INSTANCE_BYTES);
    vault->has_instance = TRUE;
}

const guint8 *vault_kek_id(const Vault *vault)
{
    return keyring_active(vault->keys)->id;
}

/* --- Headers ---------------------------------------------------------------------------------- */

static void write_magic(guint8 *blob, const char *magic)
{
    memcpy(blob, magic, 2);
    blob[2] = FORMAT_VERSION;
    blob[3] = ALGORITHM_XCHACHA20_POLY1305;
}

static gboolean check_magic(const guint8 *blob, gsize n, const char *magic, GError **error)
{
    if (n < MAGIC_BYTES || memcmp(blob, magic, 2) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "the sealed value is damaged");
        return FALSE;
    }
    if (blob[2] != FORMAT_VERSION || blob[3] != ALGORITHM_XCHACHA20_POLY1305) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "the sealed value has format %u.%u, which this program does not know", blob[2],
            blob[3]);
        return FALSE;
    }
    return TRUE;
}

static const guint8 *kek_bytes(const KeyringKey *key)
{
    return (const guint8 *)secret_reveal(key->kek, NULL);
}

static void write_header(guint8 *blob, const char *magic, const KeyringKey *key)
{
    write_magic(blob, magic);
    memcpy(blob + MAGIC_BYTES, key->id, VAULT_KEK_ID_BYTES);
}

/* The key that a blob's header names; NULL with an error that names it, too. */
static const KeyringKey *find_key(
    const Vault *vault, const guint8 *blob, gsize n, const char *magic, GError **error)
{
    if (!check_magic(blob, n, magic, error))
        return NULL;
    if (n < HEADER_BYTES) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "the sealed value is damaged");
        return NULL;
    }
    const KeyringKey *key = keyring_find(vault->keys, blob + MAGIC_BYTES);
    if (key == NULL) {
        g_autofree char *needed = keyring_id_dup(blob + MAGIC_BYTES);
        g_autofree char *there = keyring_ids_dup(vault->keys);
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "key %s is needed, but the key file holds %s", needed, there);
    }
    return key;
}

static void set_unopened(GError **error)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
        "the sealed value does not open: it belongs elsewhere, was sealed with another key, "
        "or is damaged");
}

static GByteArray *vault_aad(const Vault *vault, const VaultBinding *binding, const guint8 *header)
{
    g_assert(vault->has_instance);
    return binding_aad(binding, header, HEADER_BYTES, vault->instance, VAULT_INSTANCE_BYTES);
}

/* --- The check record: header ‖ box of nothing ------------------------------------------------ */

GBytes *vault_check_make(Vault *vault)
{
    gsize n = HEADER_BYTES + BOX_OVERHEAD_BYTES;
    guint8 *blob = g_malloc(n);
    const KeyringKey *key = keyring_active(vault->keys);
    write_header(blob, MAGIC_CHECK, key);
    g_autoptr(GByteArray) aad = g_byte_array_append(g_byte_array_new(), blob, HEADER_BYTES);
    box_seal(kek_bytes(key), aad, NULL, 0, blob + HEADER_BYTES);
    return g_bytes_new_take(blob, n);
}

gboolean vault_check_verify(Vault *vault, GBytes *check, GError **error)
{
    gsize n;
    const guint8 *blob = g_bytes_get_data(check, &n);
    const KeyringKey *key = find_key(vault, blob, n, MAGIC_CHECK, error);
    if (key == NULL)
        return FALSE;
    g_autoptr(GByteArray) aad = g_byte_array_append(g_byte_array_new(), blob, HEADER_BYTES);
    if (n != HEADER_BYTES + BOX_OVERHEAD_BYTES ||
        !box_open(kek_bytes(key), aad, blob + HEADER_BYTES, n - HEADER_BYTES, NULL)) {
        g_autofree char *id = keyring_id_dup(key->id);
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "key %s in the key file is not the key %s that this database was sealed with, "
            "or the check record is damaged",
            id, id);
        return FALSE;
    }
    return TRUE;
}

/* --- Data keys: header ‖ wrapped key ---------------------------------------------------------- */

static VaultKey *key_alloc(void)
{
    VaultKey *key = sodium_malloc(sizeof *key);
    if (key == NULL)
        g_error("out of memory for a data key");
    return key;
}

VaultKey *vault_key_new(void)
{
    VaultKey *key = key_alloc();
    randombytes_buf(key->bytes, sizeof key->bytes);
    return key;
}

void vault_key_free(VaultKey *key)
{
    if (key != NULL)
        sodium_free(key); /* wipes */
}

GBytes *vault_key_wrap(Vault *vault, const VaultBinding *binding, const VaultKey *key)
{
    gsize n = HEADER_BYTES + WRAPPED_BYTES;
    guint8 *blob = g_malloc(n);
    const KeyringKey *kek = keyring_active(vault->keys);
    write_header(blob, MAGIC_KEY, kek);
    g_autoptr(GByteArray) aad = vault_aad(vault, binding, blob);
    g_assert(aad != NULL);
    box_seal(kek_bytes(kek), aad, key->bytes, sizeof key->bytes, blob + HEADER_BYTES);
    return g_bytes_new_take(blob, n);
}

VaultKey *vault_key_unwrap(
    Vault *vault, const VaultBinding *binding, GBytes *wrapped, GError **error)
{
    gsize n;
    const guint8 *blob = g_bytes_get_data(wrapped, &n);
    const KeyringKey *kek = find_key(vault, blob, n, MAGIC_KEY, error);
    if (kek == NULL)
        return NULL;
    g_autoptr(GByteArray) aad = vault_aad(vault, binding, blob);
    g_autoptr(VaultKey) key = key_alloc();
    if (aad == NULL || n != HEADER_BYTES + WRAPPED_BYTES ||
        !box_open(kek_bytes(kek), aad, blob + HEADER_BYTES, WRAPPED_BYTES, key->bytes)) {
        set_unopened(error);
        return NULL;
    }
    return g_steal_pointer(&key);
}

/* --- Secrets: header ‖ wrapped data key ‖ box of the padded secret ---------------------------- */

static gsize padded_bytes(gsize n)
{
    return (n / PADDING_BYTES + 1) * PADDING_BYTES;
}

/* The secret and its padding in guarded memory; sodium_free it. */
static guint8 *pad(const Secret *plaintext, gsize *n_padded)
{
    gsize n;
    const char *bytes = secret_reveal(plaintext, &n);
    g_assert(n <= LIMIT_SEALED_BYTES);
    guint8 *padded = sodium_malloc(padded_bytes(n));
    if (padded == NULL)
        g_error("out of memory for a secret");
    memcpy(padded, bytes, n);
    int result = sodium_pad(n_padded, padded, n, PADDING_BYTES, padded_bytes(n));
    g_assert(result == 0);
    return padded;
}

GBytes *vault_seal(Vault *vault, const VaultBinding *binding, const Secret *plaintext)
{
    gsize n_padded = 0;
    guint8 *padded = pad(plaintext, &n_padded);
    gsize n = HEADER_BYTES + WRAPPED_BYTES + n_padded + BOX_OVERHEAD_BYTES;
    guint8 *blob = g_malloc(n);
    const KeyringKey *kek = keyring_active(vault->keys);
    write_header(blob, MAGIC_VALUE, kek);
    g_autoptr(GByteArray) aad = vault_aad(vault, binding, blob);
    g_assert(aad != NULL);
    g_autoptr(VaultKey) dek = vault_key_new();
    box_seal(kek_bytes(kek), aad, dek->bytes, sizeof dek->bytes, blob + HEADER_BYTES);
    box_seal(dek->bytes, aad, padded, n_padded, blob + HEADER_BYTES + WRAPPED_BYTES);
    sodium_free(padded);
    return g_bytes_new_take(blob, n);
}

/* NULL if the box does not open or its padding is wrong. */
static Secret *open_padded(
    const VaultKey *dek, const GByteArray *aad, const guint8 *box, gsize n_box)
{
    gsize n_padded = n_box - BOX_OVERHEAD_BYTES, n = 0;
    guint8 *padded = sodium_malloc(n_padded);
    if (padded == NULL)
        g_error("out of memory for a secret");
    Secret *plaintext = NULL;
    if (box_open(dek->bytes, aad, box, n_box, padded) &&
        sodium_unpad(&n, padded, n_padded, PADDING_BYTES) == 0)
        plaintext = secret_new(padded, n);
    sodium_free(padded);
    return plaintext;
}

Secret *vault_unseal(Vault *vault, const VaultBinding *binding, GBytes *sealed, GError **error)
{
    gsize n;
    const guint8 *blob = g_bytes_get_data(sealed, &n);
    const gsize overhead = HEADER_BYTES + WRAPPED_BYTES + BOX_OVERHEAD_BYTES;
    const KeyringKey *kek = find_key(vault, blob, n, MAGIC_VALUE, error);
    if (kek == NULL)
        return NULL;
    g_autoptr(GByteArray) aad = vault_aad(vault, binding, blob);
    g_autoptr(VaultKey) dek = key_alloc();
    Secret *plaintext = NULL;
    if (aad != NULL && n >= overhead + PADDING_BYTES && (n - overhead) % PADDING_BYTES == 0 &&
        n - overhead <= padded_bytes(LIMIT_SEALED_BYTES) &&
        box_open(kek_bytes(kek), aad, blob + HEADER_BYTES, WRAPPED_BYTES, dek->bytes))
        plaintext = open_padded(
            dek, aad, blob + HEADER_BYTES + WRAPPED_BYTES, n - HEADER_BYTES - WRAPPED_BYTES);
    if (plaintext == NULL)
        set_unopened(error);
    return plaintext;
}

/* --- Bodies: magic ‖ box under a day key ------------------------------------------------------ */

GBytes *vault_key_seal(const VaultKey *key, const VaultBinding *binding, const void *data, gsize n)
{
    gsize n_blob = MAGIC_BYTES + BOX_OVERHEAD_BYTES + n;
    guint8 *blob = g_malloc(n_blob);
    write_magic(blob, MAGIC_BODY);
    g_autoptr(GByteArray) aad = binding_aad(binding, blob, MAGIC_BYTES, NULL, 0);
    g_assert(aad != NULL);
    box_seal(key->bytes, aad, data, n, blob + MAGIC_BYTES);
    return g_bytes_new_take(blob, n_blob);
}

GBytes *vault_key_unseal(
    const VaultKey *key, const VaultBinding *binding, GBytes *sealed, GError **error)
{
    gsize n;
    const guint8 *blob = g_bytes_get_data(sealed, &n);
    if (!check_magic(blob, n, MAGIC_BODY, error))
        return NULL;
    g_autoptr(GByteArray) aad = binding_aad(binding, blob, MAGIC_BYTES, NULL, 0);
    if (aad == NULL || n < MAGIC_BYTES + BOX_OVERHEAD_BYTES) {
        set_unopened(error);
        return NULL;
    }
    gsize n_plain = n - MAGIC_BYTES - BOX_OVERHEAD_BYTES;
    guint8 *plain = g_malloc(MAX(n_plain, 1));
    if (!box_open(key->bytes, aad, blob + MAGIC_BYTES, n - MAGIC_BYTES, plain)) {
        g_free(plain);
        set_unopened(error);
        return NULL;
    }
    return g_bytes_new_take(plain, n_plain);
}

/* --- Fingerprints ----------------------------------------------------------------------------- */

void vault_fingerprint(Vault *vault, const char *purpose, const Secret *secret,
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES])
{
    G_STATIC_ASSERT(BOX_KEY_BYTES == crypto_kdf_KEYBYTES);
    g_autoptr(VaultKey) subkey = key_alloc();
    crypto_kdf_derive_from_key(
        subkey->bytes, sizeof subkey->bytes, 1, "AbsFngpt", kek_bytes(keyring_active(vault->keys)));
    gsize n;
    const char *bytes = secret_reveal(secret, &n);
    guint64 n_purpose = GUINT64_TO_BE((guint64)strlen(purpose));
    crypto_generichash_state state;
    crypto_generichash_init(&state, subkey->bytes, sizeof subkey->bytes, VAULT_FINGERPRINT_BYTES);
    crypto_generichash_update(&state, (const guint8 *)&n_purpose, sizeof n_purpose);
    crypto_generichash_update(&state, (const guint8 *)purpose, strlen(purpose));
    crypto_generichash_update(&state, (const guint8 *)bytes, n);
    crypto_generichash_final(&state, fingerprint, VAULT_FINGERPRINT_BYTES);
    sodium_memzero(&state, sizeof state);
}
