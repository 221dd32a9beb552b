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

static gboolean is_shown_plainly(const Secret *secret, const char *text, gsize n)
{
    enum { PIECE = 8 };
    if (secret->n < PIECE)
        return secret->n > 0 && memmem(text, n, secret->bytes, secret->n) != NULL;
    for (gsize at = 0; n >= PIECE && at + PIECE <= secret->n; at += PIECE) {
        if (memmem(text, n, secret->bytes + at, PIECE) != NULL)
            return TRUE;
    }
    return FALSE;
}

/* base64url (RFC 4648 section 5) in the usual letters. */
static void translate(char *word, gsize n)
{
    for (gsize i = 0; i < n; i++)
        word[i] = (char)(word[i] == '-' ? '+' : word[i] == '_' ? '/' : word[i]);
}

/* Where a group of four begins is not known: the word may be the rest of a longer one. */
static gboolean is_shown_in_base64(const Secret *secret, const char *text, gsize n)
{
    static const char padding[] = "===";
    gsize n_buffer = n + sizeof padding + 3;
    guchar *buffer = g_malloc(n_buffer);
    char *word = g_strndup(text, n);
    gboolean found = FALSE;
    translate(word, n);
    for (gsize skipped = 0; skipped < MIN(n, 4) && !found; skipped++) {
        gint state = 0;
        guint save = 0;
        gsize used = g_base64_decode_step(word + skipped, n - skipped, buffer, &state, &save);
        used += g_base64_decode_step(padding, strlen(padding), buffer + used, &state, &save);
        found = is_shown_plainly(secret, (const char *)buffer, used);
    }
    secret_wipe(buffer, n_buffer);
    secret_wipe(word, n);
    g_free(buffer);
    g_free(word);
    return found;
}

static gsize base64_length(const char *text, gsize n)
{
    gsize length = 0;
    while (length < n && text[length] != '\0' &&
           (g_ascii_isalnum(text[length]) || strchr("+/-_", text[length]) != NULL))
        length++;
    return length;
}

gboolean secret_is_shown(const Secret *secret, const char *text, gsize n)
{
    gboolean found = is_shown_plainly(secret, text, n);
    for (gsize at = 0; at < n && !found; at++) {
        gsize length = base64_length(text + at, n - at);
        found = is_shown_in_base64(secret, text + at, length);
        at += length;
    }
    return found;
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

typedef struct {
    void *data;
    gsize n;
} Wiped;

static void free_wiped(gpointer user)
{
    Wiped *wiped = user;
    if (wiped->n > 0)
        secret_wipe(wiped->data, wiped->n);
    g_free(wiped->data);
    g_free(wiped);
}

GBytes *secret_bytes_take(void *data, gsize n)
{
    Wiped *wiped = g_new(Wiped, 1);
    *wiped = (Wiped){data, n};
    return g_bytes_new_with_free_func(data, n, free_wiped, wiped);
}
