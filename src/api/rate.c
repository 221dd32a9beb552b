#include "api/rate.h"

#include "base/limits.h"

#include <gio/gio.h>
#include <string.h>

/* The times at which a key was taken, oldest first. */
typedef struct {
    GArray *times; /* of MonoMs, all within the window when it was last looked at */
    MonoMs window_ms;
} Taken;

struct rate {
    GMutex mutex;
    GHashTable *table; /* hash of the key → Taken */
};

static void taken_free(gpointer data)
{
    Taken *taken = data;
    g_array_unref(taken->times);
    g_free(taken);
}

Rate *rate_new(void)
{
    Rate *rate = g_new0(Rate, 1);
    g_mutex_init(&rate->mutex);
    rate->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, taken_free);
    return rate;
}

void rate_free(Rate *rate)
{
    if (!rate)
        return;
    g_hash_table_unref(rate->table);
    g_mutex_clear(&rate->mutex);
    g_free(rate);
}

static char *digest_of(const RateRule *rule)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, rule->key, -1);
}

static MonoMs last_of(const Taken *taken)
{
    return taken->times->len ? g_array_index(taken->times, MonoMs, taken->times->len - 1) : 0;
}

static MonoMs wait_for(Rate *rate, const RateRule *rule, MonoMs now)
{
    g_assert(rule->most >= 1 && rule->most <= LIMIT_RATE_TAKES);
    g_autofree char *digest = digest_of(rule);
    Taken *taken = g_hash_table_lookup(rate->table, digest);
    guint over = 0;
    if (!taken)
        return 0;
    while (over < taken->times->len &&
           g_array_index(taken->times, MonoMs, over) + rule->window_ms <= now)
        over++;
    g_array_remove_range(taken->times, 0, over);
    if (taken->times->len < rule->most)
        return 0;
    /* Free again when so many are over that one more fits. */
    MonoMs at = g_array_index(taken->times, MonoMs, taken->times->len - rule->most);
    return at + rule->window_ms - now;
}

/* Those who ask under many names push out one another, and not what was taken often: else they
 * could begin anew there. */
static gboolean goes_before(const Taken *taken, const Taken *other, MonoMs now)
{
    guint times = last_of(taken) + taken->window_ms <= now ? 0 : taken->times->len;
    guint others = last_of(other) + other->window_ms <= now ? 0 : other->times->len;
    return times != others ? times < others : last_of(taken) < last_of(other);
}

static void forget_one(GHashTable *table, MonoMs now)
{
    GHashTableIter iter;
    gpointer key, value, least = NULL;
    const Taken *least_taken = NULL;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (least_taken && !goes_before(value, least_taken, now))
            continue;
        least_taken = value;
        least = key;
    }
    g_hash_table_remove(table, least);
}

static void note(Rate *rate, const RateRule *rule, MonoMs now)
{
    char *digest = digest_of(rule);
    Taken *taken = g_hash_table_lookup(rate->table, digest);
    if (taken) {
        g_free(digest);
    } else {
        if (g_hash_table_size(rate->table) >= LIMIT_RATE_KEYS)
            forget_one(rate->table, now);
        taken = g_new(Taken, 1);
        taken->times = g_array_new(FALSE, FALSE, sizeof(MonoMs));
        taken->window_ms = rule->window_ms;
        g_hash_table_insert(rate->table, digest, taken);
    }
    g_array_append_val(taken->times, now);
}

MonoMs rate_take_all(Rate *rate, const RateRule *rules, gsize n_rules, MonoMs now)
{
    MonoMs wait_ms = 0;
    g_mutex_lock(&rate->mutex);
    for (gsize i = 0; i < n_rules; i++)
        wait_ms = MAX(wait_ms, wait_for(rate, &rules[i], now));
    for (gsize i = 0; i < n_rules && wait_ms == 0; i++)
        note(rate, &rules[i], now);
    g_mutex_unlock(&rate->mutex);
    return wait_ms;
}

MonoMs rate_take(Rate *rate, const char *key, guint most, MonoMs window_ms, MonoMs now)
{
    const RateRule rule = {key, most, window_ms};
    return rate_take_all(rate, &rule, 1, now);
}

MonoMs rate_wait(Rate *rate, const char *key, guint most, MonoMs window_ms, MonoMs now)
{
    const RateRule rule = {key, most, window_ms};
    g_mutex_lock(&rate->mutex);
    MonoMs wait_ms = wait_for(rate, &rule, now);
    g_mutex_unlock(&rate->mutex);
    return wait_ms;
}

char *rate_client_key(const char *client)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(client);
    if (!address || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6)
        return g_strconcat("i", client, NULL);
    guint8 bytes[16] = {0};
    memcpy(bytes, g_inet_address_to_bytes(address), 8);
    g_autoptr(GInetAddress) network = g_inet_address_new_from_bytes(bytes, G_SOCKET_FAMILY_IPV6);
    g_autofree char *text = g_inet_address_to_string(network);
    return g_strconcat("i", text, NULL);
}
