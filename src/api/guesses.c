#include "api/guesses.h"

#include "api/rate.h"
#include "base/limits.h"

/* An address may be a whole office behind one router, so it gets more tries; an account must not
 * be locked out for long by a stranger, so its wait is short. */
typedef struct {
    guint free_failures;
    MonoMs longest_ms;
} GuessRule;
static const GuessRule account_rule = {LIMIT_ACCOUNT_GUESSES, LIMIT_ACCOUNT_GUESS_WAIT_MS};
static const GuessRule address_rule = {LIMIT_ADDRESS_GUESSES, LIMIT_ADDRESS_GUESS_WAIT_MS};

typedef struct {
    guint failures;
    MonoMs last_at, free_at;
} Guess;

struct guesses {
    GMutex mutex;
    GHashTable *table; /* hash of "a…" account, "i…" address → Guess */
    GHashTable *homes; /* network → MonoMs, until when it is one */
};

Guesses *guesses_new(void)
{
    Guesses *guesses = g_new0(Guesses, 1);
    g_mutex_init(&guesses->mutex);
    guesses->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    guesses->homes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return guesses;
}

void guesses_free(Guesses *guesses)
{
    if (!guesses)
        return;
    g_hash_table_unref(guesses->table);
    g_hash_table_unref(guesses->homes);
    g_mutex_clear(&guesses->mutex);
    g_free(guesses);
}

/* Hashed, so that a long name takes no more room than a short one. */
static char *key_of(char kind, const char *name)
{
    g_autofree char *whole = kind == 'i' ? rate_client_key(name) : g_strconcat("a", name, NULL);
    g_autofree char *lower = g_utf8_strdown(whole, -1);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, lower, -1);
}

static MonoMs wait_for(Guesses *guesses, char kind, const char *name, MonoMs now)
{
    if (!name)
        return 0;
    g_autofree char *key = key_of(kind, name);
    const Guess *guess = g_hash_table_lookup(guesses->table, key);
    return guess && guess->free_at > now ? guess->free_at - now : 0;
}

/* Those who try many names, or from many networks, push out one another, and not what has failed
 * often: else they could begin anew there. */
static gboolean goes_before(const Guess *guess, const Guess *other, MonoMs now)
{
    guint failures = now - guess->last_at > CLOCK_HOUR_MS ? 0 : guess->failures;
    guint others = now - other->last_at > CLOCK_HOUR_MS ? 0 : other->failures;
    return failures != others ? failures < others : guess->last_at < other->last_at;
}

static void forget_one(GHashTable *table, MonoMs now)
{
    GHashTableIter iter;
    gpointer key, value, least = NULL;
    const Guess *least_guess = NULL;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (least_guess && !goes_before(value, least_guess, now))
            continue;
        least_guess = value;
        least = key;
    }
    g_hash_table_remove(table, least);
}

static void note(Guesses *guesses, char kind, const char *name, const GuessRule *rule, MonoMs now)
{
    if (!name)
        return;
    char *key = key_of(kind, name);
    Guess *guess = g_hash_table_lookup(guesses->table, key);
    if (guess) {
        g_free(key);
    } else {
        if (g_hash_table_size(guesses->table) >= LIMIT_GUESSES)
            forget_one(guesses->table, now);
        guess = g_new0(Guess, 1);
        g_hash_table_insert(guesses->table, key, guess);
    }
    if (now - guess->last_at > CLOCK_HOUR_MS)
        guess->failures = 0;
    guess->failures++;
    guess->last_at = now;
    if (guess->failures > rule->free_failures) {
        guint doublings = MIN(guess->failures - rule->free_failures - 1, 20);
        guess->free_at = now + MIN(CLOCK_SECOND_MS << doublings, rule->longest_ms);
    }
}

/* --- Where people are at home ----------------------------------------------------------------- */

static gboolean is_home(Guesses *guesses, const char *address, MonoMs now)
{
    if (!address)
        return FALSE;
    g_autofree char *network = rate_client_key(address);
    const MonoMs *until = g_hash_table_lookup(guesses->homes, network);
    return until && *until > now;
}

static void forget_first_home(GHashTable *homes)
{
    GHashTableIter iter;
    gpointer key, value, first = NULL;
    MonoMs first_until = G_MAXINT64;
    g_hash_table_iter_init(&iter, homes);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (*(const MonoMs *)value >= first_until)
            continue;
        first_until = *(const MonoMs *)value;
        first = key;
    }
    g_hash_table_remove(homes, first);
}

void guesses_note_home(Guesses *guesses, const char *address, MonoMs until)
{
    char *key = rate_client_key(address);
    g_mutex_lock(&guesses->mutex);
    const MonoMs *known = g_hash_table_lookup(guesses->homes, key);
    if (known)
        until = MAX(until, *known);
    else if (g_hash_table_size(guesses->homes) >= LIMIT_GUESSES)
        forget_first_home(guesses->homes);
    g_hash_table_insert(guesses->homes, key, g_memdup2(&until, sizeof until));
    g_mutex_unlock(&guesses->mutex);
}

/* --- Trying ----------------------------------------------------------------------------------- */

MonoMs guesses_take(Guesses *guesses, const char *account, const char *address, MonoMs now)
{
    g_mutex_lock(&guesses->mutex);
    const char *judged = is_home(guesses, address, now) ? NULL : account;
    MonoMs wait_ms = MAX(wait_for(guesses, 'a', judged, now), wait_for(guesses, 'i', address, now));
    if (wait_ms == 0) {
        note(guesses, 'a', judged, &account_rule, now);
        note(guesses, 'i', address, &address_rule, now);
    }
    g_mutex_unlock(&guesses->mutex);
    return wait_ms;
}

static void give_back(Guesses *guesses, char kind, const char *name, guint free_failures)
{
    if (!name)
        return;
    g_autofree char *key = key_of(kind, name);
    Guess *guess = g_hash_table_lookup(guesses->table, key);
    if (!guess)
        return;
    if (guess->failures > 0)
        guess->failures--;
    if (guess->failures <= free_failures)
        guess->free_at = 0;
}

void guesses_note_success(Guesses *guesses, const char *account, const char *address, MonoMs now)
{
    g_mutex_lock(&guesses->mutex);
    /* Nobody who had to wait for an account got here: without this try nobody would have to now. */
    if (!is_home(guesses, address, now))
        give_back(guesses, 'a', account, G_MAXUINT);
    give_back(guesses, 'i', address, address_rule.free_failures);
    g_mutex_unlock(&guesses->mutex);
}
