#include "api/sending_shelf.h"

#include "base/limits.h"

struct sending_shelf {
    Store *store;
    GMutex mutex;     /* joins workers and the store's thread */
    GHashTable *held; /* org_id → ShelfState */
    guint generation; /* moves with every change, so that what was read before one is not kept */
    gboolean is_stopped;
};

/* On the store's thread, before anybody is told that the change is durable. */
static void on_store_change(const StoreChange *changes, guint n_changes, gpointer user)
{
    SendingShelf *shelf = user;
    for (guint i = 0; i < n_changes; i++) {
        const StoreChange *change = &changes[i];
        if (change->kind != STORE_CHANGED_SETTINGS && change->kind != STORE_CHANGED_SENDING &&
            change->kind != STORE_CHANGED_HEALTH)
            continue;
        g_mutex_lock(&shelf->mutex);
        shelf->generation++;
        g_hash_table_remove(shelf->held, &change->org_id);
        g_mutex_unlock(&shelf->mutex);
    }
}

SendingShelf *sending_shelf_new(Store *store)
{
    SendingShelf *shelf = g_new0(SendingShelf, 1);
    shelf->store = store;
    g_mutex_init(&shelf->mutex);
    shelf->held = g_hash_table_new_full(
        g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)shelf_state_unref);
    store_add_listener(store, on_store_change, shelf);
    return shelf;
}

void sending_shelf_stop(SendingShelf *shelf)
{
    if (!shelf->is_stopped)
        store_remove_listener(shelf->store, on_store_change, shelf);
    shelf->is_stopped = TRUE;
}

void sending_shelf_free(SendingShelf *shelf)
{
    if (!shelf)
        return;
    sending_shelf_stop(shelf);
    g_hash_table_unref(shelf->held);
    g_mutex_clear(&shelf->mutex);
    g_free(shelf);
}

static void held_clear(gpointer data)
{
    smtp_state_free(((ShelfState *)data)->state);
}

void shelf_state_unref(ShelfState *held)
{
    if (held)
        g_atomic_rc_box_release_full(held, held_clear);
}

/* A quota's count moves with every mail that is sent: a state that has one is not kept. */
static void keep(SendingShelf *shelf, gint64 org_id, ShelfState *held, guint generation)
{
    g_mutex_lock(&shelf->mutex);
    if (generation == shelf->generation && !held->state->sent) {
        if (g_hash_table_size(shelf->held) >= LIMIT_STATES_HELD)
            g_hash_table_remove_all(shelf->held);
        g_hash_table_replace(
            shelf->held, g_memdup2(&org_id, sizeof org_id), g_atomic_rc_box_acquire(held));
    }
    g_mutex_unlock(&shelf->mutex);
}

ShelfState *sending_shelf_get(SendingShelf *shelf, gint64 org_id, GError **error)
{
    g_mutex_lock(&shelf->mutex);
    ShelfState *held = g_hash_table_lookup(shelf->held, &org_id);
    if (held)
        g_atomic_rc_box_acquire(held);
    guint generation = shelf->generation;
    g_mutex_unlock(&shelf->mutex);
    if (held)
        return held;
    Db *db = store_reader_take(shelf->store);
    SmtpState *state = smtp_state_read(db, org_id, error);
    store_reader_give(shelf->store, db);
    if (!state)
        return NULL;
    held = g_atomic_rc_box_new0(ShelfState);
    held->state = state;
    keep(shelf, org_id, held, generation);
    return held;
}
