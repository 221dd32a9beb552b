#include "notify/signature.h"

#include <sodium.h>
#include <string.h>

char *notify_signature(const Secret *secret, const char *id, gint64 timestamp_s, const char *body)
{
    guint8 mac[crypto_auth_hmacsha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof mac, sodium_base64_VARIANT_ORIGINAL)];
    g_autofree char *head = g_strdup_printf("%s.%" G_GINT64_FORMAT ".", id, timestamp_s);
    crypto_auth_hmacsha256_state state;
    gsize n;
    const char *key = secret_reveal(secret, &n);
    crypto_auth_hmacsha256_init(&state, (const guint8 *)key, n);
    crypto_auth_hmacsha256_update(&state, (const guint8 *)head, strlen(head));
    crypto_auth_hmacsha256_update(&state, (const guint8 *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    secret_wipe(&state, sizeof state);
    sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    return g_strconcat("v1,", text, NULL);
}
