#include "vault/vault.h"

#include "base/error.h"
#include "base/limits.h"
#include "vault/binding.h"
#include "vault/box.h"
#include "vault/vault_private.h"

#include <sodium.h>
#include <string.h>

/* What the first two bytes of a blob say it is. They are part of the associated data, so no blob
 * can pass for one of another kind. */
#define MAGIC_VALUE "AE" /* a secret under its own data key */
#define MAGIC_KEY "AK"   /* a wrapped day key */
#define MAGIC_BODY "AB"  /* a body under a day key */
#define MAGIC_CHECK "AC" /* the proof that a key is the right one */

#define FORMAT_VERSION 1
#define FORMAT_VERSION_VALUE \
    2 /* of new "AE": wrapped without the binding, so that keys can change */
#define ALGORITHM_XCHACHA20_POLY1305 1

#define MAGIC_BYTES 4                                      /* "AE", version, algorithm */
#define HEADER_BYTES (MAGIC_BYTES + VAULT_KEK_ID_BYTES)    /* and the key's id */
#define WRAPPED_BYTES (BOX_KEY_BYTES + BOX_OVERHEAD_BYTES) /* a wrapped data key */
#define PADDING_BYTES 256

static VaultKey *key_alloc(void)
{
    VaultKey *key = sodium_malloc(sizeof *key);
    if (key == NULL)
        g_error("out of memory for a data key");
    return key;
}

static const guint8 *kek_bytes(const KeyringKey *key)
{
    return (const guint8 *)secret_reveal(key->kek, NULL);
}

static Vault *vault_new(Keyring *keys, const char *path, gboolean is_credential)
{
    if (keys == NULL)
        return NULL;
    Vault *vault = g_new0(Vault, 1);
    g_rw_lock_init(&vault->lock);
    g_mutex_init(&vault->changing);
    vault->keys = keys;
    vault->path = g_strdup(path);
    vault->is_credential = is_credential;
    G_STATIC_ASSERT(BOX_KEY_BYTES == crypto_kdf_KEYBYTES);
    vault->fingerprint_key = key_alloc();
    crypto_kdf_derive_from_key(vault->fingerprint_key->bytes, BOX_KEY_BYTES, 1, "AbsFngpt",
        kek_bytes(keyring_active(keys)));
    return vault;
}

Vault *vault_open(const char *key_file, gboolean may_create, GError **error)
{
    return vault_new(key_file_open(key_file, may_create, error), key_file, FALSE);
}

Vault *vault_open_credential(const char *path, GError **error)
{
    return vault_new(key_file_open_credential(path, error), path, TRUE);
}

void vault_free(Vault *vault)
{
    if (vault == NULL)
        return;
    keyring_free(vault->keys);
    keyring_free(vault->former);
    vault_key_free(vault->fingerprint_key);
    g_rw_lock_clear(&vault->lock);
    g_mutex_clear(&vault->changing);
    g_free(vault->path);
    g_free(vault);
}

void vault_set_instance(Vault *vault, const guint8 instance[VAULT_INSTANCE_BYTES])
{
    g_assert(!vault->has_instance || memcmp(vault->instance, instance, VAULT_INSTANCE_BYTES) == 0);
    memcpy(vault->instance, instance, VAULT_INSTANCE_BYTES);
    vault->has_instance = TRUE;
}

void vault_kek_id(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES])
{
    KEEP_KEYS(vault);
    memcpy(id, keyring_active(vault->keys)->id, VAULT_KEK_ID_BYTES);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static gboolean is_of_kind(const guint8 *blob, const char *magic)
{
    return memcmp(blob, magic, 2) == 0;
}

static guint8 newest_version(const char *magic)
{
    return strcmp(magic, MAGIC_VALUE) == 0 ? FORMAT_VERSION_VALUE : FORMAT_VERSION;
}

static void write_magic(guint8 *blob, const char *magic)
{
    memcpy(blob, magic, 2);
    blob[2] = newest_version(magic);
    blob[3] = ALGORITHM_XCHACHA20_POLY1305;
}

static gboolean check_magic(const guint8 *blob, gsize n, const char *magic, GError **error)
{
    if (n < MAGIC_BYTES || !is_of_kind(blob, magic)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "the sealed value is damaged");
        return FALSE;
    }
    if (blob[2] < FORMAT_VERSION || blob[2] > newest_version(magic) ||
        blob[3] != ALGORITHM_XCHACHA20_POLY1305) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "the sealed value has format %u.%u, which this program does not know", blob[2],
            blob[3]);
        return FALSE;
    }
    return TRUE;
}

static void write_header(guint8 *blob, const char *magic, const KeyringKey *key)
{
    write_magic(blob, magic);
    memcpy(blob + MAGIC_BYTES, key->id, VAULT_KEK_ID_BYTES);
}

/* The key that a blob's header names; NULL with an error that names it, too. Under the lock, like
 * everything that has a KeyringKey. */
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
    if (key == NULL && vault->former != NULL)
        key = keyring_find(vault->former, blob + MAGIC_BYTES);
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

GBytes *vault_check_make(Vault *vault, const guint8 id[VAULT_KEK_ID_BYTES])
{
    KEEP_KEYS(vault);
    const KeyringKey *key = keyring_find(vault->keys, id);
    if (key == NULL)
        return NULL;
    gsize n = HEADER_BYTES + BOX_OVERHEAD_BYTES;
    guint8 *blob = g_malloc(n);
    write_header(blob, MAGIC_CHECK, key);
    g_autoptr(GByteArray) aad = g_byte_array_append(g_byte_array_new(), blob, HEADER_BYTES);
    box_seal(kek_bytes(key), aad, NULL, 0, blob + HEADER_BYTES);
    return g_bytes_new_take(blob, n);
}

gboolean vault_check_verify(Vault *vault, GBytes *check, GError **error)
{
    KEEP_KEYS(vault);
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
    KEEP_KEYS(vault);
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
    KEEP_KEYS(vault);
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

/* What the data key of a value is wrapped with. In the first format that was the content's binding,
 * so that a new wrapping needed a new content. A wrapped data key that is moved elsewhere opens,
 * but nothing with it. */
static GByteArray *wrap_aad(const Vault *vault, const VaultBinding *binding, const guint8 *header)
{
    if (header[2] == FORMAT_VERSION)
        return vault_aad(vault, binding, header);
    g_assert(vault->has_instance);
    GByteArray *aad = g_byte_array_append(g_byte_array_new(), header, HEADER_BYTES);
    return g_byte_array_append(aad, vault->instance, VAULT_INSTANCE_BYTES);
}

static GByteArray *content_aad(
    const Vault *vault, const VaultBinding *binding, const guint8 *header)
{
    g_assert(vault->has_instance);
    return header[2] == FORMAT_VERSION
               ? vault_aad(vault, binding, header)
               : binding_aad(binding, header, MAGIC_BYTES, vault->instance, VAULT_INSTANCE_BYTES);
}

GBytes *vault_seal(Vault *vault, const VaultBinding *binding, const Secret *plaintext)
{
    KEEP_KEYS(vault);
    gsize n_padded = 0;
    guint8 *padded = pad(plaintext, &n_padded);
    gsize n = HEADER_BYTES + WRAPPED_BYTES + n_padded + BOX_OVERHEAD_BYTES;
    guint8 *blob = g_malloc(n);
    const KeyringKey *kek = keyring_active(vault->keys);
    write_header(blob, MAGIC_VALUE, kek);
    g_autoptr(GByteArray) outer = wrap_aad(vault, binding, blob);
    g_autoptr(GByteArray) inner = content_aad(vault, binding, blob);
    g_assert(inner != NULL);
    g_autoptr(VaultKey) dek = vault_key_new();
    box_seal(kek_bytes(kek), outer, dek->bytes, sizeof dek->bytes, blob + HEADER_BYTES);
    box_seal(dek->bytes, inner, padded, n_padded, blob + HEADER_BYTES + WRAPPED_BYTES);
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

/* The data key of a value, or NULL. */
static VaultKey *open_wrapping(const Vault *vault, const VaultBinding *binding,
    const KeyringKey *kek, const guint8 *blob, gsize n)
{
    const gsize overhead = HEADER_BYTES + WRAPPED_BYTES + BOX_OVERHEAD_BYTES;
    if (n < overhead + PADDING_BYTES || (n - overhead) % PADDING_BYTES != 0 ||
        n - overhead > padded_bytes(LIMIT_SEALED_BYTES))
        return NULL;
    g_autoptr(GByteArray) aad = wrap_aad(vault, binding, blob);
    g_autoptr(VaultKey) dek = key_alloc();
    if (aad == NULL ||
        !box_open(kek_bytes(kek), aad, blob + HEADER_BYTES, WRAPPED_BYTES, dek->bytes))
        return NULL;
    return g_steal_pointer(&dek);
}

Secret *vault_unseal(Vault *vault, const VaultBinding *binding, GBytes *sealed, GError **error)
{
    KEEP_KEYS(vault);
    gsize n;
    const guint8 *blob = g_bytes_get_data(sealed, &n);
    const KeyringKey *kek = find_key(vault, blob, n, MAGIC_VALUE, error);
    if (kek == NULL)
        return NULL;
    g_autoptr(GByteArray) aad = content_aad(vault, binding, blob);
    g_autoptr(VaultKey) dek = aad == NULL ? NULL : open_wrapping(vault, binding, kek, blob, n);
    Secret *plaintext = NULL;
    if (dek != NULL)
        plaintext = open_padded(
            dek, aad, blob + HEADER_BYTES + WRAPPED_BYTES, n - HEADER_BYTES - WRAPPED_BYTES);
    if (plaintext == NULL)
        set_unopened(error);
    return plaintext;
}

/* --- The same under another key ----------------------------------------------------------------
 */

gboolean vault_rewrap_needs_binding(GBytes *blob)
{
    gsize n;
    const guint8 *bytes = g_bytes_get_data(blob, &n);
    return n >= MAGIC_BYTES && (is_of_kind(bytes, MAGIC_KEY) ||
                                   (is_of_kind(bytes, MAGIC_VALUE) && bytes[2] == FORMAT_VERSION));
}

/* A value of the newest format: its content stays byte by byte. */
static GBytes *rewrap_value(Vault *vault, GBytes *sealed, GError **error)
{
    KEEP_KEYS(vault);
    gsize n;
    const guint8 *old = g_bytes_get_data(sealed, &n);
    const KeyringKey *kek = find_key(vault, old, n, MAGIC_VALUE, error);
    g_autoptr(VaultKey) dek = kek == NULL ? NULL : open_wrapping(vault, NULL, kek, old, n);
    if (dek == NULL) {
        if (kek != NULL)
            set_unopened(error);
        return NULL;
    }
    guint8 *blob = g_memdup2(old, n);
    kek = keyring_active(vault->keys);
    write_header(blob, MAGIC_VALUE, kek);
    g_autoptr(GByteArray) aad = wrap_aad(vault, NULL, blob);
    box_seal(kek_bytes(kek), aad, dek->bytes, sizeof dek->bytes, blob + HEADER_BYTES);
    return g_bytes_new_take(blob, n);
}

static gboolean is_under_key_in_use(Vault *vault, const guint8 *blob, gsize n)
{
    guint8 id[VAULT_KEK_ID_BYTES];
    vault_kek_id(vault, id);
    return n >= HEADER_BYTES && memcmp(blob + MAGIC_BYTES, id, sizeof id) == 0;
}

GBytes *vault_rewrap(Vault *vault, const VaultBinding *binding, GBytes *blob, GError **error)
{
    gsize n;
    const guint8 *bytes = g_bytes_get_data(blob, &n);
    gboolean needs_binding = vault_rewrap_needs_binding(blob);
    g_assert(binding != NULL || !needs_binding);
    if (is_under_key_in_use(vault, bytes, n))
        return g_bytes_ref(blob);
    if (!needs_binding)
        return rewrap_value(vault, blob, error);
    if (is_of_kind(bytes, MAGIC_KEY)) {
        g_autoptr(VaultKey) key = vault_key_unwrap(vault, binding, blob, error);
        return key == NULL ? NULL : vault_key_wrap(vault, binding, key);
    }
    g_autoptr(Secret) plaintext = vault_unseal(vault, binding, blob, error);
    return plaintext == NULL ? NULL : vault_seal(vault, binding, plaintext);
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
    return secret_bytes_take(plain, n_plain);
}

/* --- Fingerprints ----------------------------------------------------------------------------- */

void vault_fingerprint(Vault *vault, const char *purpose, const Secret *secret,
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES])
{
    gsize n;
    const char *bytes = secret_reveal(secret, &n);
    guint64 n_purpose = GUINT64_TO_BE((guint64)strlen(purpose));
    crypto_generichash_state state;
    crypto_generichash_init(
        &state, vault->fingerprint_key->bytes, BOX_KEY_BYTES, VAULT_FINGERPRINT_BYTES);
    crypto_generichash_update(&state, (const guint8 *)&n_purpose, sizeof n_purpose);
    crypto_generichash_update(&state, (const guint8 *)purpose, strlen(purpose));
    crypto_generichash_update(&state, (const guint8 *)bytes, n);
    crypto_generichash_final(&state, fingerprint, VAULT_FINGERPRINT_BYTES);
    sodium_memzero(&state, sizeof state);
}

VaultBinding *vault_fingerprint_key_binding(void)
{
    return vault_binding_new("fingerprint-key");
}

GBytes *vault_fingerprint_key_make(Vault *vault, gboolean fresh)
{
    g_autoptr(VaultBinding) binding = vault_fingerprint_key_binding();
    g_autoptr(VaultKey) random = fresh ? vault_key_new() : NULL;
    return vault_key_wrap(vault, binding, fresh ? random : vault->fingerprint_key);
}

gboolean vault_fingerprint_key_set(Vault *vault, GBytes *wrapped, GError **error)
{
    g_autoptr(VaultBinding) binding = vault_fingerprint_key_binding();
    VaultKey *key = vault_key_unwrap(vault, binding, wrapped, error);
    if (key == NULL)
        return FALSE;
    vault_key_free(vault->fingerprint_key);
    vault->fingerprint_key = key;
    return TRUE;
}
