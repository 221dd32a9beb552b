#include "courier/hourly.h"

#include "base/crash_point.h"
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "store/books.h"
#include "store/organisations.h"

#define FIRST_SWEEP_MS (15 * CLOCK_SECOND_MS) /* the mail that waits comes first */
#define REST_MS 100                           /* between two jobs of a sweep */

struct hourly {
    Courier *courier;
    GSource *timer;
    GSource *step; /* the next job of a sweep; NULL: none is planned */
    gboolean is_sweeping;
    RetentionSweep sweep;          /* as last committed */
    GThread *checker;              /* the last one; NULL: none yet */
    gint is_checking, stop, books; /* atomic; books is a CourierBooks */
};

/* --- The books ---------------------------------------------------------------------------------
 */

static GArray *read_organisations(Store *store, GError **error)
{
    Db *db = store_reader_take(store);
    GArray *orgs = organisations_all(db, error);
    store_reader_give(store, db);
    return orgs;
}

static CourierBooks verdict(gint64 org_id, const Books *books)
{
    for (guint i = 0; i < books->faults->len; i++)
        g_critical("the books do not balance: %s", (const char *)books->faults->pdata[i]);
    if (books->balanced && !books->counted)
        g_warning("organisation %" G_GINT64_FORMAT
                  " has too many recipients to count them: of its books only the sums were checked",
            org_id);
    return !books->balanced ? COURIER_BOOKS_FAULTY
           : books->counted ? COURIER_BOOKS_BALANCED
                            : COURIER_BOOKS_SUMS;
}

/* The worst that was found; UNKNOWN if it could not be looked through. */
static CourierBooks check_all(Hourly *hourly, GError **error)
{
    Store *store = hourly->courier->parts.store;
    CourierBooks worst = COURIER_BOOKS_BALANCED;
    g_autoptr(GArray) orgs = read_organisations(store, error);
    for (guint i = 0; orgs != NULL && i < orgs->len; i++) {
        gint64 org_id = g_array_index(orgs, gint64, i);
        g_auto(Books) books = {0};
        if (!books_check(store, org_id, LIMIT_BOOKS_COUNTING_MS, &hourly->stop, &books, error))
            return COURIER_BOOKS_UNKNOWN;
        worst = MAX(worst, verdict(org_id, &books));
    }
    return orgs == NULL ? COURIER_BOOKS_UNKNOWN : worst;
}

static gpointer check(gpointer data)
{
    Hourly *hourly = data;
    g_autoptr(GError) error = NULL;
    CourierBooks found = check_all(hourly, &error);
    if (found != COURIER_BOOKS_UNKNOWN)
        g_atomic_int_set(&hourly->books, (gint)found);
    else if (!g_atomic_int_get(&hourly->stop))
        g_warning("the books could not be checked: %s", error->message);
    g_atomic_int_set(&hourly->is_checking, 0);
    return NULL;
}

static void begin_check(Hourly *hourly)
{
    if (g_atomic_int_get(&hourly->is_checking))
        return;
    if (hourly->checker != NULL)
        g_thread_join(hourly->checker);
    g_atomic_int_set(&hourly->is_checking, 1);
    hourly->checker = g_thread_new("books", check, hourly);
}

CourierBooks hourly_books(Hourly *hourly)
{
    return (CourierBooks)g_atomic_int_get(&hourly->books);
}

/* --- What is forgotten -------------------------------------------------------------------------
 */

typedef struct {
    Hourly *hourly;
    RetentionSweep sweep;
} Step;

static gboolean sweep_job(Db *db, gpointer data, GError **error)
{
    Step *step = data;
    /* The earlier of the clocks, so that one that jumps ahead does not make anything old. */
    WallMs now = MIN(clock_wall_ms(), clock_steady_ms());
    return retention_step(db, &step->hourly->courier->parts.retention, now, LIMIT_RETENTION_SLICE,
        &step->sweep, error);
}

static void plan_step(Hourly *hourly, gint64 in_ms);

static void say_forgotten(const RetentionSweep *sweep)
{
    if (sweep->bodies_erased + sweep->emails_removed + sweep->links_removed +
            sweep->tokens_blanked + sweep->events_forgotten >
        0)
        g_message("retention: %" G_GINT64_FORMAT " bodies erased, %" G_GINT64_FORMAT
                  " emails removed, %" G_GINT64_FORMAT " invitations and resets removed, "
                  "%" G_GINT64_FORMAT " revoked tokens blanked, %" G_GINT64_FORMAT
                  " events of the audit log forgotten",
            sweep->bodies_erased, sweep->emails_removed, sweep->links_removed,
            sweep->tokens_blanked, sweep->events_forgotten);
}

static void sweep_written(Courier *courier, gpointer data, const GError *error)
{
    CRASH_POINT("sweep_committed");
    g_autofree Step *step = data;
    Hourly *hourly = step->hourly;
    if (error == NULL)
        hourly->sweep = step->sweep;
    else
        g_warning("old mail could not be removed, later again: %s", error->message);
    gboolean is_over = retention_is_over(&hourly->sweep);
    hourly->is_sweeping = error == NULL && !is_over && !courier->is_stopping;
    if (hourly->is_sweeping)
        plan_step(hourly, REST_MS);
    else
        say_forgotten(&hourly->sweep);
}

static gboolean on_step(gpointer user)
{
    Hourly *hourly = user;
    g_clear_pointer(&hourly->step, g_source_unref);
    Step *step = g_new0(Step, 1);
    *step = (Step){hourly, hourly->sweep};
    courier_write(hourly->courier, sweep_job, sweep_written, step);
    return G_SOURCE_REMOVE;
}

static void plan_step(Hourly *hourly, gint64 in_ms)
{
    hourly->step = g_timeout_source_new((guint)in_ms);
    g_source_set_callback(hourly->step, on_step, hourly, NULL);
    g_source_attach(hourly->step, hourly->courier->parts.context);
}

static void begin_sweep(Hourly *hourly, gint64 in_ms)
{
    if (hourly->is_sweeping)
        return;
    hourly->is_sweeping = TRUE;
    hourly->sweep = (RetentionSweep){0};
    plan_step(hourly, in_ms);
}

/* --- Life --------------------------------------------------------------------------------------
 */

static gboolean on_hour(gpointer user)
{
    begin_check(user);
    begin_sweep(user, REST_MS);
    return G_SOURCE_CONTINUE;
}

Hourly *hourly_new(Courier *courier)
{
    Hourly *hourly = g_new0(Hourly, 1);
    hourly->courier = courier;
    hourly->timer = g_timeout_source_new(
        (guint)(courier->parts.hour_ms > 0 ? courier->parts.hour_ms : CLOCK_HOUR_MS));
    g_source_set_callback(hourly->timer, on_hour, hourly, NULL);
    g_source_attach(hourly->timer, courier->parts.context);
    begin_check(hourly);
    begin_sweep(hourly, FIRST_SWEEP_MS);
    return hourly;
}

void hourly_stop(Hourly *hourly)
{
    g_atomic_int_set(&hourly->stop, 1);
    g_source_destroy(hourly->timer);
    if (hourly->step != NULL)
        g_source_destroy(hourly->step);
    g_clear_pointer(&hourly->step, g_source_unref);
    g_thread_join(g_steal_pointer(&hourly->checker));
}

void hourly_free(Hourly *hourly)
{
    g_source_unref(hourly->timer);
    g_free(hourly);
}
