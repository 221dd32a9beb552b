/* One AEAD box: nonce(24) ‖ ciphertext(n) ‖ tag(16), XChaCha20-Poly1305-IETF. The nonce is random;
 * at 192 bits there is no practical limit on boxes per key. Internal to vault/. */
#pragma once

#include <glib.h>

#define BOX_KEY_BYTES 32
#define BOX_OVERHEAD_BYTES (24 + 16)

/* Writes n + BOX_OVERHEAD_BYTES bytes to box. plain may be NULL when n is 0. */
void box_seal(const guint8 key[BOX_KEY_BYTES], const GByteArray *aad, const void *plain, gsize n,
    guint8 *box);

/* Writes n_box - BOX_OVERHEAD_BYTES bytes to plain (may be NULL if that is 0). FALSE if the box
 * does not open with this key and aad; plain then holds nothing of the content. */
gboolean box_open(const guint8 key[BOX_KEY_BYTES], const GByteArray *aad, const guint8 *box,
    gsize n_box, void *plain);
