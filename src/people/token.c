/* Values that prove who somebody is by being unguessable: tokens, session ids, setup tokens. */
#include "people/access.h"

#include <sodium.h>
#include <string.h>

#define RANDOM_BYTES 32
#define RANDOM_DIGITS 43 /* base64url without padding */
#define PREFIX "abs_"
#define PREFIX_DIGITS 4
#define CHECKSUM_DIGITS 6
#define CHECKED_DIGITS (PREFIX_DIGITS + RANDOM_DIGITS) /* what the checksum covers */
#define TOKEN_DIGITS (CHECKED_DIGITS + CHECKSUM_DIGITS)

G_STATIC_ASSERT(PEOPLE_HASH_BYTES == crypto_hash_sha256_BYTES);
G_STATIC_ASSERT(sodium_base64_ENCODED_LEN(RANDOM_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
                RANDOM_DIGITS + 1);

void people_hash_lent(const char *value, guint8 hash[PEOPLE_HASH_BYTES])
{
    crypto_hash_sha256(hash, (const guint8 *)value, strlen(value));
}

void people_hash(const Secret *value, guint8 hash[PEOPLE_HASH_BYTES])
{
    gsize n;
    const char *bytes = secret_reveal(value, &n);
    crypto_hash_sha256(hash, (const guint8 *)bytes, n);
}

/* Writes RANDOM_DIGITS digits and a NUL. */
static void write_random(char *text)
{
    guint8 bytes[RANDOM_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(
        text, RANDOM_DIGITS + 1, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

/* The first 36 bits of BLAKE2b-256 over everything before, as base64url: one in 70 thousand million
 * typos passes. Writes CHECKSUM_DIGITS digits without a NUL. */
static void write_checksum(const char *checked, char *checksum)
{
    guint8 hash[crypto_generichash_BYTES];
    char digits[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    crypto_generichash(hash, sizeof hash, (const guint8 *)checked, CHECKED_DIGITS, NULL, 0);
    sodium_bin2base64(
        digits, sizeof digits, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    memcpy(checksum, digits, CHECKSUM_DIGITS);
}

Secret *people_token_make(void)
{
    char text[TOKEN_DIGITS + 1] = PREFIX;
    write_random(text + PREFIX_DIGITS);
    write_checksum(text, text + CHECKED_DIGITS);
    Secret *token = secret_new(text, TOKEN_DIGITS);
    sodium_memzero(text, sizeof text);
    return token;
}

gboolean people_token_is_wellformed(const char *text)
{
    if (text == NULL || strlen(text) != TOKEN_DIGITS || memcmp(text, PREFIX, PREFIX_DIGITS) != 0)
        return FALSE;
    for (const char *p = text + PREFIX_DIGITS; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_')
            return FALSE;
    }
    char checksum[CHECKSUM_DIGITS];
    write_checksum(text, checksum);
    return memcmp(checksum, text + CHECKED_DIGITS, CHECKSUM_DIGITS) == 0;
}

Secret *people_random_make(void)
{
    char text[RANDOM_DIGITS + 1];
    write_random(text);
    Secret *value = secret_new(text, RANDOM_DIGITS);
    sodium_memzero(text, sizeof text);
    return value;
}
