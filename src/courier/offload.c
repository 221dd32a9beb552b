/* Work that may block leaves the loop and comes back: reads on a few threads, jobs on the store's.
 */
#include "base/error.h"
#include "courier/courier_priv.h"

/* Not g_main_context_invoke: that runs the function at once, on the wrong thread, whenever nobody
 * happens to turn the loop. */
void courier_call(Courier *courier, GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    g_source_attach(source, courier->parts.context);
}

typedef struct {
    Courier *courier;
    CourierRead read;
    CourierThen then;
    gpointer data;
} Reading;

static gboolean reading_done(gpointer user)
{
    Reading *reading = user;
    reading->courier->pending--;
    reading->then(reading->courier, reading->data);
    return G_SOURCE_REMOVE;
}

void courier_read_on_thread(gpointer user, gpointer unused)
{
    Reading *reading = user;
    Store *store = reading->courier->parts.store;
    Db *db = store_reader_take(store);
    reading->read(db, reading->data);
    store_reader_give(store, db);
    courier_call(reading->courier, reading_done, reading, g_free);
}

void courier_read(Courier *courier, CourierRead read, CourierThen then, gpointer data)
{
    Reading *reading = g_new0(Reading, 1);
    *reading = (Reading){courier, read, then, data};
    courier->pending++;
    g_thread_pool_push(courier->readers, reading, NULL);
}

typedef struct {
    Courier *courier;
    StoreJob job;
    CourierWritten written;
    gpointer data;
} Writing;

static gboolean writing_job(Db *db, gpointer user, GError **error)
{
    const Writing *writing = user;
    return writing->job(db, writing->data, error);
}

static void writing_done(gpointer user, const GError *error)
{
    g_autofree Writing *writing = user;
    writing->courier->pending--;
    writing->written(writing->courier, writing->data, error);
}

/* The queue was full. The caller stands in the middle of its work and must not be called from
 * inside it. */
static gboolean writing_refused(gpointer user)
{
    g_autoptr(GError) error =
        g_error_new_literal(ABS_ERROR, ABS_ERROR_BUSY, "the database has too much work waiting");
    writing_done(user, error);
    return G_SOURCE_REMOVE;
}

void courier_write(Courier *courier, StoreJob job, CourierWritten written, gpointer data)
{
    Writing *writing = g_new0(Writing, 1);
    *writing = (Writing){courier, job, written, data};
    courier->pending++;
    if (store_submit(
            courier->parts.store, writing_job, writing, writing_done, courier->parts.context, NULL))
        return;
    courier_call(courier, writing_refused, writing, NULL);
}
