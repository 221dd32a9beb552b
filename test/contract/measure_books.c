/* What the books and retention cost: the price of one entry, the check beside 1,000,000 recipients
 * of which 100,000 wait, and the file after filling, ending, forgetting and filling again.
 *
 *     ninja measure_books && test/measure_books [FOLDER]
 *
 * FOLDER is on the disk to be measured (default: the temporary folder). Prints one line a figure.
 */
#include "base/limits.h"
#include "base/secret.h"
#include "store/books.h"
#include "store/emails.h"
#include "store/retention.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BODY_BYTES = 2048, MAILS = 20000, PER_JOB = 500, ENTRIES = 500000 };

static void must(gboolean done, const GError *error)
{
    if (done)
        return;
    g_printerr("measure_books: %s\n", error ? error->message : "failed");
    exit(1);
}

static double ms_since(gint64 begun)
{
    return (double)(g_get_monotonic_time() - begun) / 1000;
}

/* --- One entry -------------------------------------------------------------------------------- */

static gboolean entries_job(Db *db, gpointer data, GError **error)
{
    gint64 begun = g_get_monotonic_time();
    for (guint i = 0; i < ENTRIES; i++) {
        if (!books_take(db, STORE_DEFAULT_ORG, 1, error))
            return FALSE;
    }
    g_print("one entry in the books: %.2f us\n", ms_since(begun) * 1000 / ENTRIES);
    return db_exec(db, "UPDATE books SET n = 0", error);
}

/* --- The file --------------------------------------------------------------------------------- */

typedef struct {
    Vault *vault;
    WallMs now;
    guint n;
} Fill;

/* Takes some mails and ends them. */
static gboolean fill_job(Db *db, gpointer data, GError **error)
{
    const Fill *fill = data;
    for (guint i = 0; i < fill->n; i++) {
        g_autoptr(EmailNew) email = email_new_alloc();
        email->org_id = STORE_DEFAULT_ORG;
        email->created_at = fill->now + i;
        email->id = id_fresh(email->created_at);
        email->class = EMAIL_CLASS_TRANSACTIONAL;
        email->sender = g_strdup("shop@example.de");
        email->from = g_strdup("Shop <shop@example.de>");
        email->to = g_strdup("anna.mustermann@example.com");
        email->subject = g_strdup("Your order 4711 is on its way");
        email->message_id = g_strdup("<0193f5c0e1c27abc8def0123456789ab@example.de>");
        email->content = g_bytes_new_take(g_strnfill(BODY_BYTES, 'x'), BODY_BYTES);
        g_ptr_array_add(email->recipients, g_strdup("anna.mustermann@example.com"));
        if (!emails_insert(db, fill->vault, email, error))
            return FALSE;
        gint64 recipient = db_last_insert_id(db);
        gboolean marked;
        GError *fault = NULL;
        const EmailAttempt attempt = {.recipient_id = recipient,
            .state = EMAIL_ACCEPTED,
            .at = fill->now + i,
            .counts = TRUE,
            .phase = "after_data",
            .reply_code = 250,
            .reply_text = "2.0.0 Ok: queued as 4FxyzAbCdE",
            .server = "mail.example.de"};
        if (!emails_mark_sending(db, STORE_DEFAULT_ORG, &recipient, 1, fill->now, &marked, error) ||
            !emails_record_attempts(db, STORE_DEFAULT_ORG, &attempt, 1, &fault, error))
            return FALSE;
    }
    return TRUE;
}

static void fill_and_end(Store *store, Vault *vault, WallMs now)
{
    g_autoptr(GError) error = NULL;
    for (guint n = 0; n < MAILS; n += PER_JOB) {
        Fill fill = {vault, now + n, PER_JOB};
        must(store_run(store, fill_job, &fill, &error), error);
    }
}

typedef struct {
    RetentionTerms terms;
    WallMs now;
    RetentionSweep sweep;
} Forget;

static gboolean forget_job(Db *db, gpointer data, GError **error)
{
    Forget *forget = data;
    return retention_step(
        db, &forget->terms, forget->now, LIMIT_RETENTION_SLICE, &forget->sweep, error);
}

static void forget_all(Store *store, WallMs now)
{
    Forget forget = {.terms = {7, 90}, .now = now};
    g_autoptr(GError) error = NULL;
    gint64 begun = g_get_monotonic_time();
    double longest = 0;
    while (!forget.sweep.bodies.is_over || !forget.sweep.emails.is_over) {
        gint64 job_begun = g_get_monotonic_time();
        must(store_run(store, forget_job, &forget, &error), error);
        longest = MAX(longest, ms_since(job_begun));
    }
    g_print("%" G_GINT64_FORMAT " bodies erased, %" G_GINT64_FORMAT
            " emails removed: %.0f ms, longest job %.1f ms\n",
        forget.sweep.bodies_erased, forget.sweep.emails_removed, ms_since(begun), longest);
}

static double file_mib(const char *path)
{
    GStatBuf file;
    must(g_stat(path, &file) == 0, NULL);
    return (double)file.st_size / (1024 * 1024);
}

static Store *open_store(const char *path)
{
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&config, NULL, &error);
    must(store != NULL, error);
    return store;
}

/* Closed in between, so that the log is folded back and the file is what it is. */
static void measure_file(const char *path, Vault *vault)
{
    WallMs now = clock_wall_ms();
    for (guint round = 1; round <= 3; round++) {
        Store *store = open_store(path);
        if (round > 1)
            forget_all(store, now);
        fill_and_end(store, vault, now);
        store_close(store);
        g_print("file after filling %u times: %.1f MiB\n", round, file_mib(path));
        now += 91 * CLOCK_DAY_MS;
    }
}

/* --- The check -------------------------------------------------------------------------------- */

static gboolean million_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "DELETE FROM emails; DELETE FROM recipients; DELETE FROM attempts; UPDATE books SET n = 0;"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
        "INSERT INTO emails (row, org_id, id, class, sender, from_header, subject, size_bytes, "
        "needs_smtputf8, at_most_once, is_test, created_at) "
        "SELECT i, 1, CAST(printf('%016d', i) AS BLOB), 3, 'shop@example.de', 'Shop', 'Order', "
        "2048, 0, 0, 0, i FROM n;"
        "INSERT INTO bodies (email_row, org_id, day, content) SELECT row, 1, 1, zeroblob(2048) "
        "FROM emails WHERE row % 10 = 0;"
        "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
        "deadline_at, updated_at, address) "
        "SELECT row << 7, 1, row % 3 + 3, CASE WHEN row % 10 = 0 THEN 2 ELSE 6 END, 0, 0, "
        "CASE WHEN row % 10 = 0 THEN created_at END, created_at + 432000000, created_at, "
        "'anna.mustermann@example.com' FROM emails;"
        "UPDATE recipient_counts SET n = CASE state WHEN 2 THEN 100000 WHEN 6 THEN 900000 ELSE 0 "
        "END; UPDATE books SET n = 1000000 WHERE state = 0;",
        error);
}

/* The longest use of a reader in the check is the one that counts all. */
static void measure_count(Store *store)
{
    gint64 n = 0, begun = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(store);
    g_autoptr(DbQuery) q = db_query(db, "SELECT state FROM recipients WHERE org_id = 1");
    while (db_next(q))
        n += db_int(q, 0) > 0;
    must(db_finish(g_steal_pointer(&q), &error), error);
    store_reader_give(store, db);
    g_print("counting %" G_GINT64_FORMAT " recipients in one use of a reader: %.0f ms\n", n,
        ms_since(begun));
}

static void measure_check(const char *path)
{
    Store *store = open_store(path);
    g_autoptr(GError) error = NULL;
    must(store_run(store, million_job, NULL, &error), error);
    measure_count(store);
    g_auto(Books) books = {0};
    gint64 begun = g_get_monotonic_time();
    must(books_check(store, STORE_DEFAULT_ORG, LIMIT_BOOKS_COUNTING_MS, NULL, &books, &error),
        error);
    g_print("the whole check, with its rests: %.0f ms, %s\n", ms_since(begun),
        books.balanced ? "balanced" : (const char *)books.faults->pdata[0]);
    store_close(store);
}

int main(int argc, char **argv)
{
    secret_init();
    g_autoptr(GError) error = NULL;
    g_autofree char *pattern =
        g_build_filename(argc > 1 ? argv[1] : g_get_tmp_dir(), "measure-XXXXXX", NULL);
    must(g_mkdtemp_full(pattern, 0700) != NULL, NULL);
    g_autofree char *path = g_build_filename(pattern, "absender.db", NULL);
    g_autofree char *key = g_build_filename(pattern, "key", NULL);
    g_autoptr(Vault) vault = vault_open(key, TRUE, &error);
    must(vault != NULL, error);
    Store *store = open_store(path);
    vault_set_instance(vault, store_instance(store));
    must(store_run(store, entries_job, NULL, &error), error);
    store_close(store);
    measure_file(path, vault);
    measure_check(path);
    g_unlink(path);
    g_unlink(key);
    g_rmdir(pattern);
    return 0;
}
