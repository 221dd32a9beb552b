#include "store/store.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/db_driver.h"
#include "store/keys.h"
#include "store/schema.h"
#include "store/space.h"
#include "store/webhook_wish.h"

#include <string.h>

typedef struct {
    StoreJob run;
    StoreDone done;
    gpointer data;
    GMainContext *context; /* NULL: done is called on the writing thread */
    GError *error;
} Job;

typedef struct {
    StoreListener listener;
    gpointer user;
} Listener;

struct store {
    StoreConfig config;
    char *path;
    guint8 instance[VAULT_INSTANCE_BYTES];
    Space *space;
    Db *writer; /* the writing thread's, once that runs */
    GThread *thread;

    GMutex queue_lock; /* guards the six below */
    GCond queue_moved;
    GQueue queue; /* of Job */
    gboolean closing;
    gboolean is_over; /* a sync failed: nothing is written any more */
    void (*fatal)(gpointer user);
    gpointer fatal_user;

    GMutex listener_lock; /* held while listeners run */
    GArray *listeners;    /* of Listener */

    GMutex reader_lock; /* guards the two below */
    GCond reader_given;
    GPtrArray *idle_readers; /* of Db */
    guint n_readers;         /* opened, idle or taken */
};

/* --- One group ------------------------------------------------------------------------------- */

/* Runs one job so that its failure undoes its own work only. FALSE if the whole transaction is lost
 * (the database ends it after some errors: full disk, I/O). */
static gboolean run_job(Db *db, Job *job)
{
    guint n_changes = db->changes->len;
    if (!db_finish(db_query(db, "SAVEPOINT job"), &job->error))
        return FALSE;
    if (!job->run(db, job->data, &job->error)) {
        g_assert(job->error);
        g_array_set_size(db->changes, n_changes);
        g_clear_pointer(&db->keys, day_keys_free);
        webhook_wishes_forget(db);
        if (!db->driver->in_transaction(db) || !db_finish(db_query(db, "ROLLBACK TO job"), NULL))
            return FALSE;
    }
    return db_finish(db_query(db, "RELEASE job"), NULL);
}

static GError *sync_failure(void)
{
    return g_error_new_literal(
        ABS_ERROR, ABS_ERROR_STORE, "database: the disk did not keep what was written");
}

/* Everybody whose job had gone well until then learns why it is not stored. */
static void fail_group(GPtrArray *group, const GError *why)
{
    for (guint i = 0; i < group->len; i++) {
        Job *job = group->pdata[i];
        if (!job->error)
            job->error = g_error_copy(why);
    }
}

static gboolean any_went_well(GPtrArray *group)
{
    for (guint i = 0; i < group->len; i++) {
        const Job *job = group->pdata[i];
        if (!job->error)
            return TRUE;
    }
    return FALSE;
}

/* The jobs from `first` on are not begun in this group: back to the head of the queue. */
static void put_back(Store *store, GPtrArray *group, guint first)
{
    g_mutex_lock(&store->queue_lock);
    for (guint i = group->len; i > first; i--)
        g_queue_push_head(&store->queue, group->pdata[i - 1]);
    g_mutex_unlock(&store->queue_lock);
    g_ptr_array_set_size(group, (gint)first);
}

/* Runs the jobs in one transaction. Afterwards each job's error says whether it is durable. A job
 * is never cut short, but large ones do not add up: nobody waits for a commit longer than for
 * LIMIT_STORE_GROUP_MS and one job. */
static void run_group(Store *store, GPtrArray *group)
{
    Db *db = store->writer;
    gint64 until = g_get_monotonic_time() + LIMIT_STORE_GROUP_MS * 1000;
    g_autoptr(GError) error = NULL;
    g_array_set_size(db->changes, 0);
    gboolean alive = db_begin(db, &error);
    CRASH_POINT("group_begun");
    for (guint i = 0; alive && i < group->len; i++) {
        alive = run_job(db, group->pdata[i]);
        if (!alive)
            error = g_error_new_literal(
                ABS_ERROR, ABS_ERROR_STORE, "database: the transaction was lost to an error");
        else if (g_get_monotonic_time() >= until)
            put_back(store, group, i + 1);
    }
    CRASH_POINT("group_commit_due");
    if (alive && db->sync_failed)
        error = sync_failure();
    else if (alive && any_went_well(group) && db_commit(db, &error))
        return;
    if (error)
        fail_group(group, error);
    db_rollback(db);
    g_array_set_size(db->changes, 0);
    g_clear_pointer(&db->keys, day_keys_free);
    webhook_wishes_forget(db);
}

/* --- What follows a commit ------------------------------------------------------------------- */

static guint change_hash(gconstpointer data)
{
    const StoreChange *change = data;
    guint32 tail;
    memcpy(&tail, change->id.bytes + ID_BYTES - sizeof tail, sizeof tail); /* the random part */
    return tail ^ ((guint)change->kind << 8) ^ (guint)change->org_id;
}

static gboolean change_equal(gconstpointer a, gconstpointer b)
{
    const StoreChange *one = a, *other = b;
    return one->kind == other->kind && one->org_id == other->org_id &&
           id_equal(&one->id, &other->id);
}

/* Drops repeats, keeping the order of first mention. */
static void merge_changes(GArray *changes)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(change_hash, change_equal);
    guint kept = 0;
    StoreChange *all = (StoreChange *)(gpointer)changes->data;
    for (guint i = 0; i < changes->len; i++) {
        if (g_hash_table_contains(seen, &all[i]))
            continue;
        all[kept] = all[i];
        g_hash_table_add(seen, &all[kept++]);
    }
    g_array_set_size(changes, kept);
}

static void tell_listeners(Store *store, GArray *changes)
{
    if (changes->len == 0)
        return;
    merge_changes(changes);
    g_mutex_lock(&store->listener_lock);
    for (guint i = 0; i < store->listeners->len; i++) {
        const Listener *each = &g_array_index(store->listeners, Listener, i);
        each->listener((const StoreChange *)(gpointer)changes->data, changes->len, each->user);
    }
    g_mutex_unlock(&store->listener_lock);
}

static void finish_job(gpointer data)
{
    Job *job = data;
    if (job->done)
        job->done(job->data, job->error);
    g_clear_error(&job->error);
    g_clear_pointer(&job->context, g_main_context_unref);
    g_free(job);
}

static gboolean finish_batch(gpointer data)
{
    GPtrArray *batch = data;
    g_ptr_array_set_size(batch, 0); /* finish_job for each, in order */
    return G_SOURCE_REMOVE;
}

/* Hands jobs to the context they want to be finished on: one wake-up for a run of jobs with the
 * same context. */
static void finish_group(GPtrArray *group)
{
    for (guint i = 0; i < group->len;) {
        GMainContext *context = ((Job *)group->pdata[i])->context;
        if (!context) {
            finish_job(group->pdata[i++]);
            continue;
        }
        GPtrArray *batch = g_ptr_array_new_with_free_func(finish_job);
        g_autoptr(GMainContext) target = g_main_context_ref(context);
        while (i < group->len && ((Job *)group->pdata[i])->context == context)
            g_ptr_array_add(batch, group->pdata[i++]);
        g_autoptr(GSource) source = g_idle_source_new();
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(source, finish_batch, batch, (GDestroyNotify)g_ptr_array_unref);
        g_source_attach(source, target);
    }
    g_ptr_array_set_size(group, 0);
}

/* --- The writing thread ---------------------------------------------------------------------- */

/* Waits for jobs. An empty group means that nothing came for LIMIT_STORE_IDLE_MS (said once). FALSE
 * when the store closes and nothing is left. */
static gboolean take_group(Store *store, gboolean *was_idle, GPtrArray *group)
{
    g_mutex_lock(&store->queue_lock);
    gint64 until = g_get_monotonic_time() + LIMIT_STORE_IDLE_MS * 1000;
    gboolean idle = FALSE;
    while (g_queue_is_empty(&store->queue) && !store->closing && !idle) {
        if (*was_idle)
            g_cond_wait(&store->queue_moved, &store->queue_lock);
        else
            idle = !g_cond_wait_until(&store->queue_moved, &store->queue_lock, until);
    }
    while (group->len < LIMIT_STORE_GROUP && !g_queue_is_empty(&store->queue))
        g_ptr_array_add(group, g_queue_pop_head(&store->queue));
    gboolean goes_on = group->len > 0 || !store->closing;
    *was_idle = group->len == 0;
    g_mutex_unlock(&store->queue_lock);
    return goes_on;
}

/* Ends all writing: whoever waits hears it, then the program does. */
static void give_up(Store *store)
{
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    g_autoptr(GError) why = sync_failure();
    g_mutex_lock(&store->queue_lock);
    store->is_over = TRUE;
    while (!g_queue_is_empty(&store->queue))
        g_ptr_array_add(waiting, g_queue_pop_head(&store->queue));
    void (*fatal)(gpointer user) = store->fatal;
    gpointer user = store->fatal_user;
    g_mutex_unlock(&store->queue_lock);
    fail_group(waiting, why);
    finish_group(waiting);
    if (fatal)
        fatal(user);
}

void store_on_fatal(Store *store, void (*fatal)(gpointer user), gpointer user)
{
    g_mutex_lock(&store->queue_lock);
    g_assert(!store->fatal);
    store->fatal = fatal;
    store->fatal_user = user;
    gboolean is_over = store->is_over;
    g_mutex_unlock(&store->queue_lock);
    if (is_over)
        fatal(user);
}

static gpointer write_until_closed(gpointer data)
{
    Store *store = data;
    Db *db = store->writer;
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    gboolean idle = FALSE;
    while (take_group(store, &idle, group)) {
        if (!idle) {
            space_look(store->space);
            run_group(store, group);
            CRASH_POINT("group_over");
            tell_listeners(store, db->changes);
            CRASH_POINT("changes_told");
            finish_group(group);
            CRASH_POINT("jobs_finished");
        }
        if (!db->sync_failed)
            db->driver->maintain(db, idle);
        if (db->ran_out)
            space_ran_out(store->space);
        db->ran_out = FALSE;
        if (db->sync_failed && !store->is_over)
            give_up(store);
    }
    return NULL;
}

gboolean store_submit(Store *store, StoreJob job, gpointer data, StoreDone done,
    GMainContext *context, GError **error)
{
    g_mutex_lock(&store->queue_lock);
    gboolean is_over = store->is_over;
    gboolean has_room = !is_over && !store->closing && store->queue.length < LIMIT_STORE_QUEUE;
    if (has_room) {
        Job *entry = g_new0(Job, 1);
        *entry = (Job){.run = job, .done = done, .data = data};
        entry->context = context ? g_main_context_ref(context) : NULL;
        g_queue_push_tail(&store->queue, entry);
    }
    g_mutex_unlock(&store->queue_lock);
    if (has_room)
        g_cond_signal(&store->queue_moved); /* not under the lock: who wakes needs it */
    if (is_over)
        g_propagate_error(error, sync_failure());
    else if (!has_room)
        g_set_error(error, ABS_ERROR, ABS_ERROR_BUSY, "the database has too much work waiting");
    return has_room;
}

typedef struct {
    StoreJob job;
    gpointer data;
    GMutex lock;
    GCond came;
    gboolean is_done;
    GError *error;
} Waiter;

static gboolean run_for_waiter(Db *db, gpointer data, GError **error)
{
    Waiter *waiter = data;
    return waiter->job(db, waiter->data, error);
}

static void wake_waiter(gpointer data, const GError *error)
{
    Waiter *waiter = data;
    g_mutex_lock(&waiter->lock);
    waiter->error = error ? g_error_copy(error) : NULL;
    waiter->is_done = TRUE;
    g_cond_signal(&waiter->came);
    g_mutex_unlock(&waiter->lock);
}

gboolean store_run(Store *store, StoreJob job, gpointer data, GError **error)
{
    g_assert(g_thread_self() != store->thread);
    Waiter waiter = {.job = job, .data = data};
    g_mutex_init(&waiter.lock);
    g_cond_init(&waiter.came);
    gboolean queued = store_submit(store, run_for_waiter, &waiter, wake_waiter, NULL, error);
    if (queued) {
        g_mutex_lock(&waiter.lock);
        while (!waiter.is_done)
            g_cond_wait(&waiter.came, &waiter.lock);
        g_mutex_unlock(&waiter.lock);
    }
    g_mutex_clear(&waiter.lock);
    g_cond_clear(&waiter.came);
    if (!waiter.error)
        return queued;
    g_propagate_error(error, waiter.error);
    return FALSE;
}

/* --- Readers --------------------------------------------------------------------------------- */

/* An idle reader, or NULL and room for a new one; waits while there is neither. */
static Db *wait_for_reader(Store *store)
{
    g_mutex_lock(&store->reader_lock);
    while (store->idle_readers->len == 0 && store->n_readers == LIMIT_STORE_READERS)
        g_cond_wait(&store->reader_given, &store->reader_lock);
    Db *db = NULL;
    if (store->idle_readers->len > 0)
        db = g_ptr_array_steal_index(store->idle_readers, store->idle_readers->len - 1);
    else
        store->n_readers++;
    g_mutex_unlock(&store->reader_lock);
    return db;
}

Db *store_reader_take(Store *store)
{
    Db *db = wait_for_reader(store);
    if (db && db->fault)
        g_clear_pointer(&db, db_close); /* not when it was given: queries may have been in scope */
    if (!db)
        db = db_open(&db_driver_sqlite, &store->config, DB_READER);
    db->read_until_us = g_get_monotonic_time() + LIMIT_STORE_READ_MS * 1000;
    if (!db->fault)
        db_begin(db, &db->fault);
    return db;
}

void store_reader_give(Store *store, Db *db)
{
    db->read_until_us = 0;
    db_rollback(db);
    g_mutex_lock(&store->reader_lock);
    g_ptr_array_add(store->idle_readers, db);
    g_cond_signal(&store->reader_given);
    g_mutex_unlock(&store->reader_lock);
}

/* --- Changes and listeners ------------------------------------------------------------------- */

void store_note_change(Db *db, StoreChangeKind kind, gint64 org_id, const Id *id)
{
    StoreChange change = {.kind = kind, .org_id = org_id};
    if (id)
        change.id = *id;
    g_array_append_val(db->changes, change);
}

void store_add_listener(Store *store, StoreListener listener, gpointer user)
{
    Listener entry = {listener, user};
    g_mutex_lock(&store->listener_lock);
    g_array_append_val(store->listeners, entry);
    g_mutex_unlock(&store->listener_lock);
}

void store_remove_listener(Store *store, StoreListener listener, gpointer user)
{
    g_assert(g_thread_self() != store->thread);
    g_mutex_lock(&store->listener_lock);
    for (guint i = store->listeners->len; i > 0; i--) {
        const Listener *each = &g_array_index(store->listeners, Listener, i - 1);
        if (each->listener == listener && each->user == user)
            g_array_remove_index(store->listeners, i - 1);
    }
    g_mutex_unlock(&store->listener_lock);
}

/* --- Opening and closing --------------------------------------------------------------------- */

static gboolean read_instance(Db *db, guint8 instance[VAULT_INSTANCE_BYTES], GError **error)
{
    G_STATIC_ASSERT(VAULT_INSTANCE_BYTES == ID_BYTES);
    Id id = {{0}};
    g_autoptr(DbQuery) q = db_query(db, "SELECT id FROM instance WHERE row = 1");
    gboolean found = db_next(q) && db_id(q, 0, &id);
    if (!db_finish(q, error))
        return FALSE;
    if (!found)
        g_set_error(error, ABS_ERROR, ABS_ERROR_STORE, "the database has no instance id");
    memcpy(instance, id.bytes, ID_BYTES);
    return found;
}

static void free_reader(gpointer db)
{
    db_close(db);
}

Store *store_open(const StoreConfig *config, char **warning, GError **error)
{
    guint8 instance[VAULT_INSTANCE_BYTES];
    Db *writer = db_open(&db_driver_sqlite, config, DB_WRITER);
    gboolean opened = !writer->fault;
    if (!opened)
        g_propagate_error(error, g_steal_pointer(&writer->fault));
    if (!opened || !schema_apply(writer, error) || !read_instance(writer, instance, error)) {
        db_close(writer);
        return NULL;
    }
    writer->changes = g_array_new(FALSE, FALSE, sizeof(StoreChange));

    Store *store = g_new0(Store, 1);
    store->path = g_strdup(config->path);
    store->config = *config;
    store->config.path = store->path;
    store->config.reserve_path = NULL; /* was lent for this call */
    store->space = space_new(config->path, config->reserve_path, config->disk_floor_bytes);
    memcpy(store->instance, instance, sizeof instance);
    store->writer = writer;
    g_mutex_init(&store->queue_lock);
    g_cond_init(&store->queue_moved);
    g_queue_init(&store->queue);
    g_mutex_init(&store->listener_lock);
    store->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    g_mutex_init(&store->reader_lock);
    g_cond_init(&store->reader_given);
    store->idle_readers = g_ptr_array_new_with_free_func(free_reader);
    store->thread = g_thread_new("store", write_until_closed, store);
    if (warning)
        *warning = sqlite_version_warning();
    return store;
}

void store_close(Store *store)
{
    if (!store)
        return;
    g_mutex_lock(&store->queue_lock);
    store->closing = TRUE;
    g_cond_signal(&store->queue_moved);
    g_mutex_unlock(&store->queue_lock);
    g_thread_join(store->thread);

    g_assert(store->idle_readers->len == store->n_readers); /* all were given back */
    g_ptr_array_unref(store->idle_readers);
    db_close(store->writer);
    space_free(store->space);
    g_array_unref(store->listeners);
    g_mutex_clear(&store->queue_lock);
    g_cond_clear(&store->queue_moved);
    g_mutex_clear(&store->listener_lock);
    g_mutex_clear(&store->reader_lock);
    g_cond_clear(&store->reader_given);
    g_free(store->path);
    g_free(store);
}

void store_space(Store *store, StoreSpace *space)
{
    space_read(store->space, space);
}

const guint8 *store_instance(Store *store)
{
    return store->instance;
}
