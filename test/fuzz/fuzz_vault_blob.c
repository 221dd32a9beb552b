/* No bytes that the vault did not make itself open, whatever they look like: not as a secret, a day
 * key, a body or a check record. The input is tried as it is, with the key's id and the headers put
 * in front (so that it reaches the boxes), and as damage to real blobs. And a key file that can be
 * read is written back as the same keys. */
#include "vault/keyring.h"
#include "vault/vault.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include <glib/gstdio.h>

#define HEADER_BYTES (4 + VAULT_KEK_ID_BYTES)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char magics[][4] = {"AE\1", "AE\2", "AK\1", "AB\1", "AC\1"};

static Vault *vault;
static VaultBinding *binding;
static VaultKey *key;
static GBytes *real[4]; /* one of each kind */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    g_autofree char *dir = g_dir_make_tmp("absender-fuzz-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "key", NULL);
    vault = vault_open(path, TRUE, NULL);
    g_unlink(path);
    g_rmdir(dir);
    g_assert(vault != NULL);
    vault_set_instance(vault, (const guint8 *)"fuzz instance id");
    binding = vault_binding_new("fuzz");
    key = vault_key_new();
    g_autoptr(Secret) secret = secret_new("secret", 6);
    real[0] = vault_seal(vault, binding, secret);
    real[1] = vault_key_wrap(vault, binding, key);
    real[2] = vault_key_seal(key, binding, "body", 4);
    guint8 id[VAULT_KEK_ID_BYTES];
    vault_kek_id(vault, id);
    real[3] = vault_check_make(vault, id);
    return 0;
}

/* libFuzzer looks into every memcmp() and puts what it sees there into its inputs: it has found a
 * whole real blob in this way. sodium_memcmp() it does not see; and a real blob may open. */
static gboolean is_real(const guint8 *bytes, gsize n)
{
    for (gsize i = 0; i < G_N_ELEMENTS(real); i++) {
        gsize real_n;
        const guint8 *one = g_bytes_get_data(real[i], &real_n);
        if (n == real_n && sodium_memcmp(bytes, one, n) == 0)
            return TRUE;
    }
    return FALSE;
}

static void assert_shut(const guint8 *bytes, gsize n)
{
    if (is_real(bytes, n))
        return;
    g_autoptr(GBytes) blob = g_bytes_new(bytes, n);
    g_autoptr(GError) value = NULL, wrapped = NULL, body = NULL, check = NULL;
    g_assert(vault_unseal(vault, binding, blob, &value) == NULL && value != NULL);
    g_assert(vault_key_unwrap(vault, binding, blob, &wrapped) == NULL && wrapped != NULL);
    g_assert(vault_key_unseal(key, binding, blob, &body) == NULL && body != NULL);
    g_assert(!vault_check_verify(vault, blob, &check) && check != NULL);
}

static void try_behind_headers(const uint8_t *data, size_t size)
{
    g_autofree guint8 *bytes = g_malloc(HEADER_BYTES + size);
    vault_kek_id(vault, bytes + 4);
    if (size > 0)
        memcpy(bytes + HEADER_BYTES, data, size);
    for (gsize i = 0; i < G_N_ELEMENTS(magics); i++) {
        memcpy(bytes, magics[i], 3);
        bytes[3] = 1;
        assert_shut(bytes, HEADER_BYTES + size);
    }
}

/* data: which blob, where, and what to lay over it; a last odd byte cuts the rest off. */
static void try_damage(const uint8_t *data, size_t size)
{
    gsize n, at;
    if (size < 3)
        return;
    const guint8 *intact = g_bytes_get_data(real[data[0] % G_N_ELEMENTS(real)], &n);
    g_autofree guint8 *bytes = g_memdup2(intact, n);
    at = ((gsize)data[1] * 256 + data[2]) % n;
    for (gsize i = 3; i < size && at < n; i++, at++)
        bytes[at] ^= data[i];
    if (data[size - 1] % 2 == 1 && at < n)
        n = at;
    assert_shut(bytes, n);
}

static void try_as_key_file(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Keyring) ring = keyring_parse((const char *)data, size, &error);
    g_assert((ring == NULL) == (error != NULL));
    if (ring == NULL)
        return;
    gsize n;
    g_autoptr(Secret) text = keyring_format(ring);
    const char *bytes = secret_reveal(text, &n);
    g_autoptr(Keyring) again = keyring_parse(bytes, n, NULL);
    g_assert(again != NULL && again->keys->len == ring->keys->len);
    for (guint i = 0; i < ring->keys->len; i++) {
        const KeyringKey *one = &g_array_index(ring->keys, KeyringKey, i);
        const KeyringKey *two = &g_array_index(again->keys, KeyringKey, i);
        g_assert(memcmp(one->id, two->id, VAULT_KEK_ID_BYTES) == 0);
        g_assert(secret_equal(one->kek, two->kek));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    assert_shut(data, size);
    try_behind_headers(data, size);
    try_damage(data, size);
    try_as_key_file(data, size);
    return 0;
}
