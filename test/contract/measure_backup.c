/* How long a commit takes at most while a backup runs, beside the same load without one: eight
 * threads hand in mails of 2 KiB without end.
 *
 *     ninja test/unit/store/measure_backup
 *     test/unit/store/measure_backup [FOLDER [MAILS [TARGET [RATE]]]]
 *
 * FOLDER is on the disk to be measured (default: the temporary folder), MAILS wait in the database
 * before it begins (100,000), TARGET is where the backup goes (FOLDER), RATE is how many mails are
 * handed in a second (as many as can be). One line a figure. */
#include "base/secret.h"
#include "store/backup.h"
#include "store/emails.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BODY_BYTES = 2048, THREADS = 8, FILLERS = 64, SLICE_MS = 4000, SLOW_MS = 50 };

typedef struct {
    Store *store;
    Vault *vault;
    GBytes *body;
    gint left;       /* atomic: mails to hand in; endless below 0 */
    gint go_on;      /* atomic */
    gulong pause_us; /* of each thread after each mail */
    GArray *took;    /* of gint64: microseconds of each commit, of all threads */
    GMutex lock;
} Load;

static void must(gboolean done, const GError *error)
{
    if (done)
        return;
    g_printerr("measure_backup: %s\n", error ? error->message : "failed");
    exit(1);
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

static void hand_in(Load *load)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EmailNew) email = email_new_alloc();
    email->org_id = STORE_DEFAULT_ORG;
    email->created_at = clock_wall_ms();
    email->id = id_fresh(email->created_at);
    email->class = EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("Shop <shop@example.de>");
    email->to = g_strdup("anna.mustermann@example.com");
    email->message_id = g_strdup("<0193f5c0e1c27abc8def0123456789ab@example.de>");
    email->content = g_bytes_ref(load->body);
    g_ptr_array_add(email->recipients, g_strdup("anna.mustermann@example.com"));
    Insert insert = {load->vault, email};
    must(store_run(load->store, insert_job, &insert, &error), error);
}

static gpointer run_load(gpointer data)
{
    Load *load = data;
    while (g_atomic_int_get(&load->go_on) && g_atomic_int_add(&load->left, -1) != 0) {
        gint64 begun = g_get_monotonic_time();
        hand_in(load);
        gint64 took = g_get_monotonic_time() - begun;
        g_mutex_lock(&load->lock);
        g_array_append_val(load->took, took);
        g_mutex_unlock(&load->lock);
        if (load->pause_us > 0)
            g_usleep(load->pause_us);
    }
    return NULL;
}

static int compare(gconstpointer a, gconstpointer b)
{
    gint64 one = *(const gint64 *)a, other = *(const gint64 *)b;
    return one < other ? -1 : one > other;
}

static void print_commits(const char *when, GArray *took, double seconds)
{
    g_array_sort(took, compare);
    guint slow = 0;
    for (guint i = 0; i < took->len; i++)
        slow += g_array_index(took, gint64, i) > SLOW_MS * 1000;
    g_print("%-16s %7.0f mails/s, commit p50 %6.1f ms, p99 %6.1f ms, slowest %7.1f ms, %u over %d "
            "ms\n",
        when, took->len / seconds, (double)g_array_index(took, gint64, took->len / 2) / 1000,
        (double)g_array_index(took, gint64, took->len * 99 / 100) / 1000,
        (double)g_array_index(took, gint64, took->len - 1) / 1000, slow, SLOW_MS);
}

/* The load for as long as `meanwhile` takes, and SLICE_MS more. */
static void measure(Load *load, const char *when, const char *backup)
{
    GThread *threads[THREADS];
    g_array_set_size(load->took, 0);
    load->left = -1;
    load->go_on = TRUE;
    gint64 begun = g_get_monotonic_time();
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("load", run_load, load);
    if (backup) {
        g_autoptr(GError) error = NULL;
        must(store_backup(load->store, backup, TRUE, NULL, NULL, &error), error);
        g_print(
            "the backup took  %.2f s\n", (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC);
    }
    g_usleep(SLICE_MS * 1000);
    g_atomic_int_set(&load->go_on, FALSE);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    print_commits(when, load->took, (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC);
}

static void fill(Load *load, gint mails)
{
    GThread *threads[FILLERS];
    load->left = mails;
    load->go_on = TRUE;
    for (guint i = 0; i < FILLERS; i++)
        threads[i] = g_thread_new("fill", run_load, load);
    while (g_atomic_int_get(&load->left) > 0)
        g_usleep(10000);
    g_atomic_int_set(&load->go_on, FALSE);
    for (guint i = 0; i < FILLERS; i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    secret_init();
    g_autoptr(GError) error = NULL;
    g_autofree char *folder =
        g_build_filename(argc > 1 ? argv[1] : g_get_tmp_dir(), "measure-backup-XXXXXX", NULL);
    must(g_mkdtemp(folder) != NULL, NULL);
    g_autofree char *path = g_build_filename(folder, "absender.db", NULL);
    g_autofree char *key = g_build_filename(folder, "key", NULL);
    g_autofree char *backup = g_build_filename(argc > 3 ? argv[3] : folder, "measure.backup", NULL);
    Load load = {.took = g_array_new(FALSE, FALSE, sizeof(gint64))};
    g_mutex_init(&load.lock);
    load.vault = vault_open(key, TRUE, &error);
    must(load.vault != NULL, error);
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    load.store = store_open(&config, NULL, &error);
    must(load.store != NULL, error);
    vault_set_instance(load.vault, store_instance(load.store));
    g_autofree char *body = g_strnfill(BODY_BYTES, 'b');
    load.body = g_bytes_new_static(body, BODY_BYTES);

    fill(&load, argc > 2 ? (gint)g_ascii_strtoll(argv[2], NULL, 10) : 100000);
    if (argc > 4)
        load.pause_us = THREADS * G_USEC_PER_SEC / (gulong)g_ascii_strtoull(argv[4], NULL, 10);
    GStatBuf file;
    g_print("the database is  %.0f MiB\n",
        g_stat(path, &file) == 0 ? (double)file.st_size / (1024 * 1024) : 0.0);
    for (guint round = 0; round < 2; round++) {
        measure(&load, "without a backup", NULL);
        measure(&load, "with a backup", backup);
    }
    store_close(load.store);
    vault_free(load.vault);
    g_bytes_unref(load.body);
    g_array_unref(load.took);
    g_mutex_clear(&load.lock);
    const char *const names[] = {path, key, backup};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_unlink(names[i]);
    g_rmdir(folder);
    return 0;
}
