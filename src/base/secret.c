#include "base/secret.h"

#include <sodium.h>
#include <string.h>

struct secret {
    gsize n;
    char bytes[]; /* n bytes and a NUL */
};

static int unlocked_count; /* read and written atomically */

void secret_init(void)
{
    if (sodium_init() < 0)
        g_error("libsodium cannot start: no secure randomness on this system");
}

static Secret *secret_alloc(gsize n)
{
    g_assert(n < G_MAXSIZE - sizeof(Secret) - 1);
    /* sodium_malloc puts the block against a guard page, so it need not be aligned; a multiple of
     * the pointer size keeps our length field aligned. */
    gsize size = (sizeof(Secret) + n + 1 + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
    Secret *secret = sodium_malloc(size);
    if (secret == NULL)
        g_error("out of memory for a secret of %" G_GSIZE_FORMAT " bytes", n);
    if (sodium_mlock(secret, size) != 0) /* sodium_malloc ignores a failed lock: ask again */
        g_atomic_int_inc(&unlocked_count);
    secret->n = n;
    secret->bytes[n] = '\0';
    return secret;
}

Secret *secret_new(const void *data, gsize n)
{
    Secret *secret = secret_alloc(n);
    if (n > 0)
        memcpy(secret->bytes, data, n);
    return secret;
}

Secret *secret_new_take(char *text)
{
    if (text == NULL)
        return NULL;
    gsize n = strlen(text);
    Secret *secret = secret_new(text, n);
    sodium_memzero(text, n);
    g_free(text);
    return secret;
}

Secret *secret_copy(const Secret *secret)
{
    return secret == NULL ? NULL : secret_new(secret->bytes, secret->n);
}

void secret_free(Secret *secret)
{
    if (secret != NULL)
        sodium_free(secret); /* wipes */
}

const char *secret_reveal(const Secret *secret, gsize *n)
{
    if (n != NULL)
        *n = secret->n;
    return secret->bytes;
}

gboolean secret_equal(const Secret *a, const Secret *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->n == b->n && sodium_memcmp(a->bytes, b->bytes, a->n) == 0;
}

gboolean secret_is_empty(const Secret *secret)
{
    return secret == NULL || secret->n == 0;
}

gboolean secret_memory_is_locked(void)
{
    return g_atomic_int_get(&unlocked_count) == 0;
}

void secret_wipe(void *data, gsize n)
{
    sodium_memzero(data, n);
}
