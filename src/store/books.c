#include "store/books.h"

#include "base/error.h"
#include "base/limits.h"

#define ROWS_BETWEEN_LOOKS 4096

#define LONGEST_REST_US (100 * G_TIME_SPAN_MILLISECOND)

void books_clear(Books *books)
{
    g_clear_pointer(&books->faults, g_ptr_array_unref);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* State 0 counts those taken. */
static gboolean add(Db *db, gint64 org_id, gint64 state, gint64 n, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE books SET n = n + $3 WHERE org_id = $1 AND state = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, state);
    db_bind_int(q, 3, n);
    return db_finish(q, error);
}

gboolean books_take(Db *db, gint64 org_id, guint n, GError **error)
{
    return add(db, org_id, 0, n, error);
}

gboolean books_remove(Db *db, gint64 org_id, const RecipientTally *tally, GError **error)
{
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++) {
        if (tally->change[state] != 0 && !add(db, org_id, state, tally->change[state], error))
            return FALSE;
    }
    return TRUE;
}

/* --- Of one moment ---------------------------------------------------------------------------- */

static void fault(Books *books, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void fault(Books *books, const char *format, ...)
{
    books->balanced = FALSE;
    if (books->faults->len == LIMIT_BOOKS_FAULTS)
        return;
    va_list values;
    va_start(values, format);
    g_ptr_array_add(books->faults, g_strdup_vprintf(format, values));
    va_end(values);
}

static gboolean read_books(Db *db, gint64 org_id, Books *books, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT state, n FROM books WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    while (db_next(q)) {
        gint64 state = db_int(q, 0);
        if (state == 0)
            books->taken = db_int(q, 1);
        else
            books->removed[state] = db_int(q, 1);
    }
    return db_finish(q, error);
}

static gboolean read_counts(Db *db, gint64 org_id, Books *books, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT state, n FROM recipient_counts WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    while (db_next(q))
        books->states[db_int(q, 0)] = db_int(q, 1);
    return db_finish(q, error);
}

/* One by one: that is several times as fast as letting the database group them. */
static gboolean count_recipients(Db *db, gint64 org_id, gint64 counting_ms,
    gint64 counts[BOOKS_STATES], gboolean *counted, GError **error)
{
    gint64 until = g_get_monotonic_time() + counting_ms * 1000;
    gint64 n = 0;
    gboolean in_time = TRUE;
    g_autoptr(DbQuery) q = db_query(db, "SELECT state FROM recipients WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    while (in_time && db_next(q)) {
        counts[db_int(q, 0)]++;
        in_time = n++ % ROWS_BETWEEN_LOOKS != 0 || g_get_monotonic_time() < until;
    }
    *counted = in_time;
    return !in_time || db_finish(q, error);
}

static void compare(Books *books, const gint64 counts[BOOKS_STATES])
{
    gint64 accounted = 0;
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++) {
        accounted += books->states[state] + books->removed[state];
        if (books->counted && counts[state] != books->states[state])
            fault(books,
                "%" G_GINT64_FORMAT " recipients are %s, but %" G_GINT64_FORMAT " are counted",
                counts[state], email_state_name(state), books->states[state]);
    }
    if (accounted != books->taken)
        fault(books,
            "%" G_GINT64_FORMAT " recipients were taken, but %" G_GINT64_FORMAT
            " are accounted for",
            books->taken, accounted);
}

static gboolean check_sums(Db *db, gint64 org_id, gint64 counting_ms, Books *books, GError **error)
{
    gint64 counts[BOOKS_STATES] = {0};
    if (!read_books(db, org_id, books, error) || !read_counts(db, org_id, books, error) ||
        !count_recipients(db, org_id, counting_ms, counts, &books->counted, error))
        return FALSE;
    compare(books, counts);
    return TRUE;
}

/* --- Along the recipients --------------------------------------------------------------------- */

/* Classes 1 and 2 are the secret ones. Bodies are large, so only those that matter are looked for.
 */
#define SLICE                                                                                  \
    "SELECT r.row, r.next_at IS NOT NULL, CASE WHEN r.next_at IS NOT NULL OR r.class <= 2 "    \
    "THEN EXISTS (SELECT 1 FROM bodies b WHERE b.email_row = r.row >> 7 AND b.content IS NOT " \
    "NULL) END FROM recipients r WHERE r.row > $2 AND r.org_id = $1 ORDER BY r.row LIMIT $3"

static gboolean any_waits(Db *db, gint64 email_row, gboolean *waits, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT 1 FROM recipients WHERE row BETWEEN $1 AND $2 AND next_at IS NOT NULL LIMIT 1");
    db_bind_int(q, 1, recipients_first_row(email_row));
    db_bind_int(q, 2, recipients_last_row(email_row));
    *waits = db_next(q);
    return db_finish(q, error);
}

/* q stands on a row of the slice. */
static gboolean judge(Db *db, DbQuery *q, Books *books, GError **error)
{
    gint64 email_row = db_int(q, 0) >> RECIPIENTS_SHIFT;
    gboolean is_waiting = db_int(q, 1) != 0, waits = is_waiting;
    gboolean is_looked_for = !db_is_null(q, 2);
    gboolean has_body = is_looked_for && db_int(q, 2) != 0;
    if (is_waiting && !has_body)
        fault(books, "a recipient of email %" G_GINT64_FORMAT " waits, but the body is gone",
            email_row);
    if (is_waiting || !has_body)
        return TRUE;
    if (!any_waits(db, email_row, &waits, error))
        return FALSE;
    if (!waits)
        fault(books, "email %" G_GINT64_FORMAT " has ended, but its secret body is still there",
            email_row);
    return TRUE;
}

/* Goes on behind *row; *is_over at the last. */
static gboolean check_slice(
    Db *db, gint64 org_id, gint64 *row, gboolean *is_over, Books *books, GError **error)
{
    guint n = 0;
    g_autoptr(DbQuery) q = db_query(db, SLICE);
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, *row);
    db_bind_int(q, 3, LIMIT_BOOKS_SLICE);
    while (db_next(q)) {
        n++;
        *row = db_int(q, 0);
        if (!judge(db, q, books, error))
            return FALSE;
    }
    *is_over = n < LIMIT_BOOKS_SLICE;
    return db_finish(q, error);
}

static gboolean is_stopped(const gint *stop)
{
    return stop && g_atomic_int_get(stop);
}

gboolean books_check(
    Store *store, gint64 org_id, gint64 counting_ms, const gint *stop, Books *books, GError **error)
{
    g_auto(Books) found = {.balanced = TRUE, .faults = g_ptr_array_new_with_free_func(g_free)};
    Db *db = store_reader_take(store);
    gboolean went_well = check_sums(db, org_id, counting_ms, &found, error), is_over = FALSE;
    store_reader_give(store, db);
    for (gint64 row = 0; went_well && !is_over && !is_stopped(stop);) {
        gint64 begun = g_get_monotonic_time();
        db = store_reader_take(store);
        went_well = check_slice(db, org_id, &row, &is_over, &found, error);
        store_reader_give(store, db);
        /* At most half of one core, and half of the disk, is ours. */
        if (!is_over)
            g_usleep((gulong)MIN(g_get_monotonic_time() - begun, LONGEST_REST_US));
    }
    if (went_well && !is_over)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_BUSY, "the check was ended early");
    if (!went_well || !is_over)
        return FALSE;
    *books = found;
    found.faults = NULL;
    return TRUE;
}
