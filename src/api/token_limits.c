#include "api/token_limits.h"

#include <gio/gio.h>
#include <jansson.h>

typedef struct {
    gint64 row, org_id; /* row first: the key */
    Id id;
    char **senders;      /* addr-specs; NULL: what the settings allow */
    GPtrArray *networks; /* of GInetAddressMask; NULL: from anywhere */
    QuotaLimits quota;
    gboolean has_end; /* it expires */
    Quota *used;      /* of steady times */
    guint room;       /* there is at least: found earlier, and what time frees only adds to it */
    guint unsaved;    /* counted since the last flush */
} Entry;

struct token_limits {
    Store *store;
    GMutex mutex;      /* joins the server's threads, workers, the store's thread and the keeper */
    GHashTable *table; /* by row */
};

static void entry_forget_limits(Entry *entry)
{
    g_clear_pointer(&entry->senders, g_strfreev);
    g_clear_pointer(&entry->networks, g_ptr_array_unref);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    entry_forget_limits(entry);
    quota_free(entry->used);
    g_free(entry);
}

TokenLimits *token_limits_new(Store *store)
{
    TokenLimits *limits = g_new0(TokenLimits, 1);
    limits->store = store;
    g_mutex_init(&limits->mutex);
    limits->table = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    return limits;
}

void token_limits_free(TokenLimits *limits)
{
    if (!limits)
        return;
    g_hash_table_unref(limits->table);
    g_mutex_clear(&limits->mutex);
    g_free(limits);
}

/* --- What is known of a token ---------------------------------------------------------------- */

/* A list of the table as strings; NULL: no limit. What cannot be read allows nothing. */
static char **read_list(const char *text)
{
    if (!text)
        return NULL;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    json_t *list = json_loads(text, 0, NULL);
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *value = json_string_value(json_array_get(list, i));
        if (value)
            g_strv_builder_add(builder, value);
    }
    json_decref(list);
    return g_strv_builder_end(builder);
}

static GPtrArray *read_networks(const char *text)
{
    g_auto(GStrv) list = read_list(text);
    if (!list)
        return NULL;
    GPtrArray *networks = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; list[i]; i++) {
        GInetAddressMask *mask = g_inet_address_mask_new_from_string(list[i], NULL);
        if (mask)
            g_ptr_array_add(networks, mask);
    }
    return networks;
}

static Entry *entry_of(TokenLimits *limits, const Token *token)
{
    Entry *entry = g_hash_table_lookup(limits->table, &token->row);
    if (!entry) {
        entry = g_new0(Entry, 1);
        entry->row = token->row;
        entry->org_id = token->org_id;
        entry->id = token->id;
        entry->used = quota_new();
        g_hash_table_insert(limits->table, &entry->row, entry);
    }
    return entry;
}

void token_limits_put(TokenLimits *limits, const Token *token)
{
    g_mutex_lock(&limits->mutex);
    Entry *entry = entry_of(limits, token);
    entry_forget_limits(entry);
    entry->senders = read_list(token->from_addresses);
    entry->networks = read_networks(token->networks);
    entry->quota = token->quota;
    entry->has_end = token->expires_at > 0;
    entry->room = 0;
    g_mutex_unlock(&limits->mutex);
}

static gboolean has_id(gpointer key, gpointer entry, gpointer id)
{
    return id_equal(&((const Entry *)entry)->id, id);
}

void token_limits_remove(TokenLimits *limits, const Id *id)
{
    g_mutex_lock(&limits->mutex);
    g_hash_table_foreach_remove(limits->table, has_id, (gpointer)id);
    g_mutex_unlock(&limits->mutex);
}

gboolean token_limits_load(TokenLimits *limits, GError **error)
{
    WallMs now = clock_steady_ms();
    Db *db = store_reader_take(limits->store);
    g_autoptr(GPtrArray) tokens = tokens_unrevoked(db, error);
    g_autoptr(GHashTable) uses = tokens ? token_use_read(db, now, error) : NULL;
    store_reader_give(limits->store, db);
    if (!uses)
        return FALSE;
    for (guint i = 0; i < tokens->len; i++) {
        const Token *token = tokens->pdata[i];
        const Quota *used = g_hash_table_lookup(uses, &token->row);
        token_limits_put(limits, token);
        if (used)
            quota_merge(entry_of(limits, token)->used, used, now);
    }
    return TRUE;
}

/* --- Judging --------------------------------------------------------------------------------- */

static gboolean holds(const GPtrArray *networks, const char *client)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(client);
    for (guint i = 0; address && i < networks->len; i++) {
        if (g_inet_address_mask_matches(networks->pdata[i], address))
            return TRUE;
    }
    return FALSE;
}

gboolean token_limits_admit(TokenLimits *limits, gint64 token_row, const char *client)
{
    g_mutex_lock(&limits->mutex);
    const Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    gboolean is_admitted = entry && (!entry->networks || holds(entry->networks, client));
    g_mutex_unlock(&limits->mutex);
    return is_admitted;
}

gboolean token_limits_allow_sender(
    TokenLimits *limits, gint64 token_row, const char *addr_spec, char **allowed)
{
    g_mutex_lock(&limits->mutex);
    const Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    gboolean is_allowed =
        entry &&
        (!entry->senders || g_strv_contains((const char *const *)entry->senders, addr_spec));
    if (!is_allowed)
        *allowed = entry ? g_strjoinv(", ", entry->senders) : g_strdup("");
    g_mutex_unlock(&limits->mutex);
    return is_allowed;
}

static gboolean has_quota(const QuotaLimits *quota)
{
    return quota->per_minute || quota->per_hour || quota->per_day;
}

gboolean token_limits_is_limited(TokenLimits *limits, gint64 token_row)
{
    g_mutex_lock(&limits->mutex);
    const Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    gboolean is_limited =
        !entry || entry->senders || entry->networks || entry->has_end || has_quota(&entry->quota);
    g_mutex_unlock(&limits->mutex);
    return is_limited;
}

/* --- Counting -------------------------------------------------------------------------------- */

/* Summing up a day's counters takes longer than all the rest, so it is done only when what was
 * found before does not do. */
static WallMs take(Entry *entry, guint n, WallMs now)
{
    if (entry->room < n)
        entry->room = quota_room(entry->used, &entry->quota, now);
    if (entry->room < n)
        return quota_room_at(entry->used, &entry->quota, n - 1, now);
    quota_add(entry->used, now, n);
    entry->room -= n;
    entry->unsaved += n;
    return 0;
}

WallMs token_limits_take(TokenLimits *limits, gint64 token_row, guint n, WallMs now)
{
    g_mutex_lock(&limits->mutex);
    Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    WallMs free_at = entry ? take(entry, n, now) : QUOTA_NEVER; /* revoked meanwhile */
    g_mutex_unlock(&limits->mutex);
    return free_at;
}

/* What a flush has written meanwhile counts again after the next start: too much, never too little.
 */
void token_limits_give_back(TokenLimits *limits, gint64 token_row, guint n, WallMs at)
{
    g_mutex_lock(&limits->mutex);
    Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    if (entry) {
        quota_take_back(entry->used, at, n);
        entry->unsaved -= MIN(n, entry->unsaved);
        entry->room = 0; /* summed up again: what is given back may have left its window by now */
    }
    g_mutex_unlock(&limits->mutex);
}

TokenUse token_limits_use(TokenLimits *limits, gint64 token_row, WallMs now)
{
    static const QuotaLimits all = {
        G_MAXUINT, G_MAXUINT, G_MAXUINT}; /* only limited ones are read */
    QuotaWindow windows[QUOTA_WINDOWS] = {0};
    g_mutex_lock(&limits->mutex);
    const Entry *entry = g_hash_table_lookup(limits->table, &token_row);
    if (entry)
        quota_read(entry->used, &all, now, windows);
    g_mutex_unlock(&limits->mutex);
    return (TokenUse){windows[0].used, windows[1].used, windows[2].used};
}

/* --- Writing what was counted ---------------------------------------------------------------- */

typedef struct {
    gint64 row, org_id;
    guint n;
} Count;

typedef struct {
    GArray *counts; /* of Count */
    WallMs now;
} Flush;

static gboolean flush_job(Db *db, gpointer data, GError **error)
{
    const Flush *flush = data;
    for (guint i = 0; i < flush->counts->len; i++) {
        const Count *count = &g_array_index(flush->counts, Count, i);
        if (!token_use_add(db, count->org_id, count->row, flush->now, count->n, error))
            return FALSE;
    }
    return token_use_tidy(db, flush->now, error);
}

static void flush_done(gpointer data, const GError *error)
{
    Flush *flush = data; /* what could not be written counts until the next start all the same */
    g_array_unref(flush->counts);
    g_free(flush);
}

static GArray *collect(TokenLimits *limits)
{
    GArray *counts = g_array_new(FALSE, FALSE, sizeof(Count));
    GHashTableIter iter;
    gpointer value;
    g_mutex_lock(&limits->mutex);
    g_hash_table_iter_init(&iter, limits->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;
        const Count count = {entry->row, entry->org_id, entry->unsaved};
        entry->unsaved = 0;
        if (count.n > 0)
            g_array_append_val(counts, count);
    }
    g_mutex_unlock(&limits->mutex);
    return counts;
}

void token_limits_flush(TokenLimits *limits, WallMs now)
{
    Flush *flush = g_new0(Flush, 1);
    flush->counts = collect(limits);
    flush->now = now;
    if (flush->counts->len == 0 ||
        !store_submit(limits->store, flush_job, flush, flush_done, NULL, NULL))
        flush_done(flush, NULL);
}
