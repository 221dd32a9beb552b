/* How fast and how large: acceptances per second (2 KiB bodies, one job each, full sync) with 1 and
 * 64 threads, bytes of file for each queued mail, how fast that queue can be read, marked and
 * recorded in groups as the courier does it, and how long the queries of the courier and the
 * outbox page take beside 100,000 waiting and 1,000,000 ended mails.
 *
 *     ninja measure_store && test/measure_store [FOLDER]
 *
 * FOLDER is on the disk to be measured (default: the temporary folder). Prints one line a figure.
 */
#include "base/secret.h"
#include "store/emails.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BODY_BYTES = 2048, SINGLE = 1500, TOGETHER = 40000, SUBMITTERS = 64 };

typedef struct {
    Store *store;
    Vault *vault;
    GBytes *body;
    gint64 n; /* mails this thread hands in */
    gint64 slowest_us;
} Submitter;

static void must(gboolean done, const GError *error)
{
    if (done)
        return;
    g_printerr("measure_store: %s\n", error ? error->message : "failed");
    exit(1);
}

static EmailNew *make_email(GBytes *body)
{
    EmailNew *email = email_new_alloc();
    email->org_id = STORE_DEFAULT_ORG;
    email->created_at = clock_wall_ms();
    email->id = id_fresh(email->created_at);
    email->class = EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("Shop <shop@example.de>");
    email->to = g_strdup("anna.mustermann@example.com");
    email->subject = g_strdup("Your order 4711 is on its way");
    email->message_id = g_strdup("<0193f5c0e1c27abc8def0123456789ab@example.de>");
    email->content = g_bytes_ref(body);
    g_ptr_array_add(email->recipients, g_strdup("anna.mustermann@example.com"));
    return email;
}

typedef struct {
    Vault *vault;
    EmailNew *email;
} Insert;

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    const Insert *insert = data;
    return emails_insert(db, insert->vault, insert->email, error);
}

static gpointer submit(gpointer data)
{
    Submitter *self = data;
    for (gint64 i = 0; i < self->n; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EmailNew) email = make_email(self->body);
        Insert insert = {self->vault, email};
        gint64 begun = g_get_monotonic_time();
        must(store_run(self->store, insert_job, &insert, &error), error);
        self->slowest_us = MAX(self->slowest_us, g_get_monotonic_time() - begun);
    }
    return NULL;
}

static void measure_acceptance(
    Store *store, Vault *vault, GBytes *body, guint threads, gint64 total)
{
    GThread *running[SUBMITTERS];
    Submitter submitters[SUBMITTERS];
    gint64 begun = g_get_monotonic_time(), slowest = 0;
    for (guint i = 0; i < threads; i++) {
        submitters[i] = (Submitter){store, vault, body, total / threads, 0};
        running[i] = g_thread_new("submit", submit, &submitters[i]);
    }
    for (guint i = 0; i < threads; i++) {
        g_thread_join(running[i]);
        slowest = MAX(slowest, submitters[i].slowest_us);
    }
    double seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    g_print("acceptances with %2u threads: %8.0f /s (slowest %.1f ms)\n", threads,
        (double)total / seconds, (double)slowest / 1000);
}

/* --- The way of a queue through the courier -------------------------------------------------- */

enum { GROUP = 64 };

typedef struct {
    gint64 ids[GROUP];
    guint n;
} Group;

static gboolean mark_job(Db *db, gpointer data, GError **error)
{
    const Group *group = data;
    gboolean marked[GROUP];
    return emails_mark_sending(
        db, STORE_DEFAULT_ORG, group->ids, group->n, clock_wall_ms(), marked, error);
}

static gboolean record_job(Db *db, gpointer data, GError **error)
{
    const Group *group = data;
    EmailAttempt attempts[GROUP];
    GError *faults[GROUP] = {NULL};
    for (guint i = 0; i < group->n; i++)
        attempts[i] = (EmailAttempt){.recipient_id = group->ids[i],
            .state = EMAIL_ACCEPTED,
            .at = clock_wall_ms(),
            .counts = TRUE,
            .phase = "after_data",
            .reply_code = 250,
            .reply_enhanced = "2.0.0",
            .reply_text = "2.0.0 Ok: queued as 4FxyzAbCdE",
            .server = "mail.example.de"};
    return emails_record_attempts(db, STORE_DEFAULT_ORG, attempts, group->n, faults, error);
}

/* The next mails that are due, with their bodies. FALSE when there are none. */
static gboolean read_group(Store *store, Vault *vault, Group *group)
{
    gboolean has_more;
    WallMs next_at;
    g_autoptr(GError) error = NULL;
    const EmailDueQuery query = {
        .org_id = STORE_DEFAULT_ORG, .now = clock_wall_ms(), .limit = GROUP};
    EmailDelivery *deliveries[GROUP];
    GError *faults[GROUP] = {NULL};
    Db *db = store_reader_take(store);
    g_autoptr(GArray) due = emails_due(db, &query, &has_more, &next_at, &error);
    must(due != NULL, error);
    group->n = due->len;
    for (guint i = 0; i < due->len; i++)
        group->ids[i] = g_array_index(due, EmailDue, i).recipient_id;
    emails_deliveries(db, vault, STORE_DEFAULT_ORG, group->ids, group->n, deliveries, faults);
    store_reader_give(store, db);
    for (guint i = 0; i < group->n; i++) {
        must(deliveries[i] != NULL, faults[i]);
        email_delivery_free(deliveries[i]);
    }
    return group->n > 0;
}

static void measure_outcomes(Store *store, Vault *vault)
{
    Group group;
    gint64 n = 0, begun = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;
    while (read_group(store, vault, &group)) {
        must(store_run(store, mark_job, &group, &error), error);
        must(store_run(store, record_job, &group, &error), error);
        n += group.n;
    }
    double seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    g_print("read, marked and recorded in groups of %d: %8.0f /s\n", GROUP, (double)n / seconds);
}

/* Ended and waiting mails by the hundred thousand, without bodies. */
static gboolean fill_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "DELETE FROM bodies; DELETE FROM recipients; DELETE FROM emails;"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100000) "
        "INSERT INTO emails (row, org_id, id, class, sender, from_header, subject, size_bytes, "
        "needs_smtputf8, at_most_once, is_test, created_at) "
        "SELECT i, 1, CAST(printf('%016d', i) AS BLOB), 3, 'shop@example.de', 'Shop', 'Order', "
        "2048, 0, 0, 0, i FROM n;"
        "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
        "deadline_at, updated_at, address) "
        "SELECT row << 7, 1, row % 5 + 1, CASE WHEN row % 11 = 0 THEN 2 ELSE 6 END, 0, 0, "
        "CASE WHEN row % 11 = 0 THEN created_at END, created_at + 432000000, created_at, "
        "'anna.mustermann@example.com' FROM emails;",
        error);
}

static void report_ms(const char *what, gint64 begun)
{
    g_print("%-44s %8.2f ms\n", what, (double)(g_get_monotonic_time() - begun) / 1000);
}

static void measure_list(Store *store, const char *what, EmailState state)
{
    gboolean more;
    g_autoptr(GError) error = NULL;
    EmailFilter filter = {.org_id = STORE_DEFAULT_ORG, .state = state, .limit = 50};
    Db *db = store_reader_take(store);
    gint64 begun = g_get_monotonic_time();
    g_autoptr(GPtrArray) emails = emails_list(db, &filter, &more, &error);
    report_ms(what, begun);
    must(emails != NULL, error);
    store_reader_give(store, db);
}

static gboolean recover_job(Db *db, gpointer data, GError **error)
{
    gint64 n;
    return emails_recover(db, 2000000, &n, error);
}

static void measure_large_queue(Store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_run(store, fill_job, NULL, &error), error);
    g_print("with 100,000 waiting and 1,000,000 ended mails:\n");
    static const guint limits[] = {1, 64, 4096};
    for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
        WallMs next_at;
        Db *db = store_reader_take(store);
        gint64 begun = g_get_monotonic_time();
        gboolean has_more;
        const EmailDueQuery query = {
            .org_id = STORE_DEFAULT_ORG, .now = 2000000, .limit = limits[i]};
        g_autoptr(GArray) due = emails_due(db, &query, &has_more, &next_at, &error);
        g_autofree char *what = g_strdup_printf("  emails_due, limit %u", limits[i]);
        report_ms(what, begun);
        must(due && due->len == limits[i], error);
        store_reader_give(store, db);
    }
    gint64 begun = g_get_monotonic_time();
    must(store_run(store, recover_job, NULL, &error), error);
    report_ms("  emails_recover", begun);
    measure_list(store, "  page of the list", (EmailState)0);
    measure_list(store, "  page of queued", EMAIL_QUEUED);
    measure_list(store, "  page of accepted", EMAIL_ACCEPTED);
    measure_list(store, "  page of rejected (none)", EMAIL_REJECTED);
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
    StoreConfig config = {.path = path, .full_sync = TRUE};
    g_autoptr(Vault) vault = vault_open(key, TRUE, &error);
    must(vault != NULL, error);
    Store *store = store_open(&config, NULL, &error);
    must(store != NULL, error);
    vault_set_instance(vault, store_instance(store));

    guint8 *random = g_malloc(BODY_BYTES);
    memset(random, 'x', BODY_BYTES);
    g_autoptr(GBytes) body = g_bytes_new_take(random, BODY_BYTES);
    measure_acceptance(store, vault, body, 1, SINGLE);
    measure_acceptance(store, vault, body, SUBMITTERS, TOGETHER);
    store_close(store);
    struct stat file;
    must(stat(path, &file) == 0, NULL);
    g_print("bytes of file for each queued mail: %.0f\n",
        (double)file.st_size / (SINGLE + TOGETHER / SUBMITTERS * SUBMITTERS));

    store = store_open(&config, NULL, &error);
    must(store != NULL, error);
    measure_outcomes(store, vault);
    measure_large_queue(store);
    store_close(store);
    g_unlink(path);
    g_unlink(key);
    g_rmdir(pattern);
    return 0;
}
