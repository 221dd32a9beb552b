#include "vault/box.h"

#include <sodium.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

G_STATIC_ASSERT(BOX_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
G_STATIC_ASSERT(BOX_OVERHEAD_BYTES == NONCE_BYTES + TAG_BYTES);

void box_seal(
    const guint8 key[BOX_KEY_BYTES], const GByteArray *aad, const void *plain, gsize n, guint8 *box)
{
    randombytes_buf(box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        box + NONCE_BYTES, NULL, plain, n, aad->data, aad->len, NULL, box, key);
}

gboolean box_open(const guint8 key[BOX_KEY_BYTES], const GByteArray *aad, const guint8 *box,
    gsize n_box, void *plain)
{
    if (n_box < BOX_OVERHEAD_BYTES)
        return FALSE;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, box + NONCE_BYTES,
               n_box - NONCE_BYTES, aad->data, aad->len, box, key) == 0;
}
