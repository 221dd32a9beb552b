/* Backup and restore on real files, with a store that is written to meanwhile. */
#include "store/backup.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/database_file.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "expect.h"

enum { MAILS = 300, BODY_BYTES = 20000, WRITERS = 2 };

/* A store in use in `home`, an empty folder with the same key in `fresh`, and room beside them. */
typedef struct {
    char *root, *home, *fresh, *database, *backup;
    Vault *vault;
    Store *store;
} World;

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir =
        g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    g_remove(path);
}

static void copy_file(const char *from, const char *to)
{
    g_autofree char *bytes = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(from, &bytes, &n, NULL));
    assert_true(
        g_file_set_contents_full(to, bytes, (gssize)n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static Store *open_store(const char *path, Vault *vault)
{
    g_autoptr(GError) error = NULL;
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    Store *store = store_open(&config, NULL, &error);
    ok(store, error);
    vault_set_instance(vault, store_instance(store));
    ok(store_check_key(store, vault, &error), error);
    return store;
}

static int make_world(void **state)
{
    World *w = g_new0(World, 1);
    g_autoptr(GError) error = NULL;
    w->root = g_dir_make_tmp("backup-XXXXXX", NULL);
    w->home = g_build_filename(w->root, "home", NULL);
    w->fresh = g_build_filename(w->root, "fresh", NULL);
    w->database = g_build_filename(w->home, "absender.db", NULL);
    w->backup = g_build_filename(w->root, "mail.backup", NULL);
    g_mkdir(w->home, 0700);
    g_mkdir(w->fresh, 0700);
    g_autofree char *key = g_build_filename(w->home, "key", NULL);
    g_autofree char *same = g_build_filename(w->fresh, "key", NULL);
    w->vault = vault_open(key, TRUE, &error);
    ok(w->vault, error);
    copy_file(key, same);
    w->store = open_store(w->database, w->vault);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    World *w = *state;
    store_close(w->store);
    vault_free(w->vault);
    remove_tree(w->root);
    char *names[] = {w->root, w->home, w->fresh, w->database, w->backup};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_free(names[i]);
    g_free(w);
    return 0;
}

/* --- Mail ------------------------------------------------------------------------------------- */

typedef struct {
    Vault *vault;
    EmailNew *email;
} Insert;

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    const Insert *insert = data;
    return emails_insert(db, insert->vault, insert->email, error);
}

static Id take_mail(Store *store, Vault *vault)
{
    static guint8 body[BODY_BYTES] = {'b', 'o', 'd', 'y'};
    g_autoptr(EmailNew) email = email_new_alloc();
    email->org_id = STORE_DEFAULT_ORG;
    email->created_at = clock_wall_ms();
    email->id = id_fresh(email->created_at);
    email->class = EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("shop@example.de");
    email->to = g_strdup("anna@example.com");
    email->message_id = g_strdup("<a@example.de>");
    email->content = g_bytes_new_static(body, sizeof body);
    g_ptr_array_add(email->recipients, g_strdup("anna@example.com"));
    Insert insert = {vault, email};
    g_autoptr(GError) error = NULL;
    ok(store_run(store, insert_job, &insert, &error), error);
    return email->id;
}

static void take_mails(World *w, guint n)
{
    for (guint i = 0; i < n; i++)
        take_mail(w->store, w->vault);
}

/* The one number a query gives, from a file that nobody has open. */
static gint64 number_in(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    gint64 n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return n;
}

static void change(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

/* Names and sizes, in order: what a refusal must leave as it was. The index of a log (-shm) is
 * SQLite's. */
static char *describe(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        GStatBuf file;
        g_lstat(path, &file);
        g_ptr_array_add(lines, g_strdup_printf("%s %ld\n", name, (long)file.st_size));
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("", (char **)lines->pdata);
}

static void back_up(World *w)
{
    g_autoptr(GError) error = NULL;
    ok(store_backup(w->store, w->backup, FALSE, NULL, NULL, &error), error);
}

/* --- Backup ----------------------------------------------------------------------------------- */

static void the_backup_is_one_private_file(void **state)
{
    World *w = *state;
    take_mails(w, 20);
    back_up(w);
    GStatBuf file;
    assert_int_equal(g_lstat(w->backup, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    g_autofree char *before = describe(w->root);
    assert_null(strstr(before, ".part"));
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM emails"), 20);
    g_autofree char *after = describe(w->root); /* reading needs no log beside it */
    assert_string_equal(before, after);
}

typedef struct {
    World *world;
    gint go_on;          /* atomic */
    gint taken;          /* atomic */
    gint taken_at_begin; /* when the first page had not been copied */
} Load;

static gpointer keep_writing(gpointer data)
{
    Load *load = data;
    while (g_atomic_int_get(&load->go_on)) {
        take_mail(load->world->store, load->world->vault);
        g_atomic_int_inc(&load->taken);
    }
    return NULL;
}

static gboolean slowly(guint pages_done, guint pages_total, guint page_bytes, gpointer user)
{
    Load *load = user;
    gint before = g_atomic_int_get(&load->taken);
    if (pages_done == 0)
        load->taken_at_begin = before;
    while (pages_done < pages_total && g_atomic_int_get(&load->taken) < before + 2)
        g_usleep(200); /* somebody else commits between any two steps */
    return TRUE;
}

static void a_backup_ends_under_load_and_holds_what_was_taken_before(void **state)
{
    World *w = *state;
    take_mails(w, MAILS);
    Load load = {w, TRUE, 0, 0};
    GThread *writers[WRITERS];
    for (guint i = 0; i < WRITERS; i++)
        writers[i] = g_thread_new("load", keep_writing, &load);
    while (g_atomic_int_get(&load.taken) < 20)
        g_usleep(200);
    gint before = g_atomic_int_get(&load.taken);
    g_autoptr(GError) error = NULL;
    ok(store_backup(w->store, w->backup, FALSE, slowly, &load, &error), error);
    gint after = g_atomic_int_get(&load.taken);
    g_atomic_int_set(&load.go_on, FALSE);
    for (guint i = 0; i < WRITERS; i++)
        g_thread_join(writers[i]);

    assert_true(after > load.taken_at_begin + 2); /* it was written to meanwhile */
    gint64 held = number_in(w->backup, "SELECT count(*) FROM emails");
    assert_in_range(held, MAILS + before, MAILS + load.taken_at_begin + WRITERS);
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM bodies"), held);
    assert_int_equal(number_in(w->backup, "SELECT sum(n) FROM recipient_counts"), held);
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM recipients"), held);
}

typedef struct {
    guint calls, last_done, total, stop_at;
} Watch;

static gboolean watch(guint pages_done, guint pages_total, guint page_bytes, gpointer user)
{
    Watch *self = user;
    assert_true(pages_done >= self->last_done && pages_done <= pages_total);
    assert_int_equal(page_bytes, 16384);
    self->last_done = pages_done;
    self->total = pages_total;
    return ++self->calls != self->stop_at;
}

static void progress_rises_to_the_end(void **state)
{
    World *w = *state;
    take_mails(w, MAILS);
    Watch seen = {0};
    g_autoptr(GError) error = NULL;
    ok(store_backup(w->store, w->backup, FALSE, watch, &seen, &error), error);
    assert_true(seen.calls > 3);
    assert_int_equal(seen.last_done, seen.total);
    assert_int_equal(number_in(w->backup, "PRAGMA page_count"), seen.total);
}

static void a_backup_that_is_broken_off_leaves_nothing(void **state)
{
    World *w = *state;
    take_mails(w, MAILS);
    g_autofree char *before = describe(w->root);
    for (guint step = 1; step <= 4; step++) {
        Watch seen = {.stop_at = step};
        refused(store_backup(w->store, w->backup, FALSE, watch, &seen, error_out), ABS_ERROR_BUSY);
        g_autofree char *after = describe(w->root);
        assert_string_equal(before, after);
    }
    take_mail(w->store, w->vault); /* and the store goes on */
}

typedef struct {
    guint steps;
    gint64 done, total;
} Watched;

static void watch_restore(gint64 done, gint64 total, gpointer user)
{
    Watched *watched = user;
    assert_true(done > watched->done);
    assert_true(total >= done);
    watched->steps++;
    watched->done = done;
    watched->total = total;
}

static void a_restore_says_how_far_it_is(void **state)
{
    World *w = *state;
    for (guint i = 0; i < 4; i++)
        take_mails(w, 100);
    back_up(w);
    Watched watched = {0};
    g_auto(StoreRestored) restored = {0};
    g_autoptr(GError) error = NULL;
    ok(store_restore(w->backup, w->fresh, FALSE, watch_restore, &watched, &restored, &error),
        error);
    struct stat facts;
    assert_int_equal(stat(w->backup, &facts), 0);
    assert_int_equal(watched.total, facts.st_size);
    assert_int_equal(watched.done, facts.st_size);
    assert_int_equal(watched.steps, (facts.st_size + 1024 * 1024 - 1) / (1024 * 1024));
}

static void only_a_backup_is_replaced_and_only_when_told(void **state)
{
    World *w = *state;
    take_mails(w, 3);
    back_up(w);
    take_mails(w, 2);
    refused(store_backup(w->store, w->backup, FALSE, NULL, NULL, error_out), ABS_ERROR_CONFLICT);
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM emails"), 3);
    g_autoptr(GError) error = NULL;
    ok(store_backup(w->store, w->backup, TRUE, NULL, NULL, &error), error);
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM emails"), 5);
    g_autofree char *key = g_build_filename(w->home, "key", NULL);
    g_autofree char *link = g_build_filename(w->root, "link", NULL);
    assert_int_equal(symlink(w->backup, link), 0);
    g_autofree char *songs = g_build_filename(w->root, "songs.db", NULL);
    change(songs, "CREATE TABLE songs (title TEXT)");
    g_auto(StoreRestored) restored = {0}; /* another Absender's database, made of a backup */
    ok(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, &error), error);
    g_autofree char *database = g_build_filename(w->fresh, "absender.db", NULL);
    const char *const others[] = {key, link, w->home, songs, database};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        refused(store_backup(w->store, others[i], TRUE, NULL, NULL, error_out), ABS_ERROR_INPUT);
}

static void the_database_in_use_is_not_its_own_backup(void **state)
{
    World *w = *state;
    take_mails(w, 3);
    const char *const endings[] = {"", "-wal", "-shm"};
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *path = g_strconcat(w->database, endings[i], NULL);
        refused(store_backup(w->store, path, TRUE, NULL, NULL, error_out), ABS_ERROR_INPUT);
    }
    take_mail(w->store, w->vault);
    refused(store_open(&(StoreConfig){.path = w->database, .full_sync = TRUE}, NULL, error_out),
        ABS_ERROR_BUSY); /* its lock is still held */
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    World *w = *state;
    g_autofree char *nowhere = g_build_filename(w->root, "no", "such", "folder", NULL);
    g_autofree char *folder = g_strconcat(w->root, "/", NULL);
    refused(store_backup(w->store, "mail.backup", FALSE, NULL, NULL, error_out), ABS_ERROR_INPUT);
    refused(store_backup(w->store, folder, FALSE, NULL, NULL, error_out), ABS_ERROR_INPUT);
    refused(store_backup(w->store, nowhere, FALSE, NULL, NULL, error_out), ABS_ERROR_NOT_FOUND);
}

/* A limit of the file's size is met where a full disk would be: in the middle of writing. */
static void a_target_that_cannot_be_written_to_its_end_leaves_nothing(void **state)
{
    World *w = *state;
    take_mails(w, MAILS);
    store_close(w->store); /* the log, which grows too, is folded in */
    w->store = open_store(w->database, w->vault);
    g_autofree char *before = describe(w->root);
    struct rlimit usual;
    getrlimit(RLIMIT_FSIZE, &usual);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {2 * 1024 * 1024, usual.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    g_autoptr(GError) error = NULL;
    gboolean done = store_backup(w->store, w->backup, FALSE, NULL, NULL, &error);
    setrlimit(RLIMIT_FSIZE, &usual);
    assert_false(done);
    assert_int_equal(error->code, ABS_ERROR_IO);
    g_autofree char *after = describe(w->root);
    assert_string_equal(before, after);
    back_up(w);
}

static void a_leftover_of_an_earlier_run_is_replaced(void **state)
{
    World *w = *state;
    take_mails(w, 3);
    g_autofree char *part = g_strconcat(w->backup, BACKUP_PART_ENDING, NULL);
    assert_true(g_file_set_contents(part, "half a backup", -1, NULL));
    back_up(w);
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    assert_int_equal(number_in(w->backup, "SELECT count(*) FROM emails"), 3);
}

static void a_file_of_somebody_else_beside_it_stays(void **state)
{
    World *w = *state;
    g_autofree char *download = g_strconcat(w->backup, ".part", NULL);
    assert_true(g_file_set_contents(download, "half a download", -1, NULL));
    back_up(w);
    g_autofree char *bytes = NULL;
    assert_true(g_file_get_contents(download, &bytes, NULL, NULL));
    assert_string_equal(bytes, "half a download");
}

static void a_link_is_not_followed_to_a_database(void **state)
{
    World *w = *state;
    back_up(w);
    g_autofree char *link = g_build_filename(w->root, "link", NULL);
    g_autofree char *folder = g_build_filename(w->root, "folder", NULL);
    g_autofree char *inside = g_build_filename(folder, "mail.backup", NULL);
    assert_int_equal(symlink(w->backup, link), 0);
    assert_int_equal(symlink(w->root, folder), 0); /* which is usual */
    g_autoptr(GError) error = NULL;
    ok(database_file_check(inside, "PRAGMA quick_check(1)", NULL, NULL, &error), error);
    refused(
        database_file_check(link, "PRAGMA quick_check(1)", NULL, NULL, error_out), ABS_ERROR_STORE);
}

enum { ROOM_BYTES = 512 * 1024 * 1024 };

/* Somebody fills the disk meanwhile. */
static gboolean fill(guint pages_done, guint pages_total, guint page_bytes, gpointer user)
{
    int *fd = user;
    if (pages_done == 0 && posix_fallocate(*fd, 0, 2 * (off_t)ROOM_BYTES) == 0)
        g_usleep((LIMIT_STORE_LOOK_MS + 100) * 1000);
    return TRUE;
}

static void a_backup_gives_way_to_the_mail(void **state)
{
    World *w = *state;
    struct statvfs disk;
    assert_int_equal(statvfs(w->root, &disk), 0);
    gint64 free_bytes = (gint64)disk.f_bavail * (gint64)disk.f_frsize;
    if (free_bytes < 4 * (gint64)ROOM_BYTES)
        skip();
    store_close(w->store);
    g_autoptr(GError) error = NULL;
    const StoreConfig config = {
        .path = w->database, .full_sync = TRUE, .disk_floor_bytes = free_bytes - ROOM_BYTES};
    w->store = store_open(&config, NULL, &error);
    ok(w->store, error);
    g_autofree char *filler = g_build_filename(w->root, "filler", NULL);
    int fd = open(filler, O_RDWR | O_CREAT | O_EXCL, 0600);
    gboolean done = store_backup(w->store, w->backup, FALSE, fill, &fd, &error);
    close(fd);
    g_unlink(filler);
    assert_false(done);
    assert_int_equal(error->code, ABS_ERROR_IO);
    assert_non_null(strstr(error->message, "no more mail was taken"));
    assert_false(g_file_test(w->backup, G_FILE_TEST_EXISTS));
}

static void another_disk_is_as_good(void **state)
{
    World *w = *state;
    GStatBuf here, there;
    if (g_stat("/dev/shm", &there) != 0 || g_stat(w->root, &here) != 0 ||
        here.st_dev == there.st_dev)
        skip();
    take_mails(w, 5);
    g_autofree char *folder = g_strdup("/dev/shm/backup-XXXXXX");
    assert_non_null(g_mkdtemp(folder));
    g_autofree char *path = g_build_filename(folder, "mail.backup", NULL);
    g_autoptr(GError) error = NULL;
    ok(store_backup(w->store, path, FALSE, NULL, NULL, &error), error);
    g_auto(StoreRestored) restored = {0};
    ok(store_restore(path, w->fresh, FALSE, NULL, NULL, &restored, &error), error);
    assert_int_equal(restored.waiting, 5);
    remove_tree(folder);
}

/* --- Restore ---------------------------------------------------------------------------------- */

static gboolean switch_on(Db *db, gpointer data, GError **error)
{
    return smtp_sending_write(
        db, STORE_DEFAULT_ORG, TRUE, NULL, 0, "anna@example.de", clock_wall_ms(), error);
}

static void what_is_restored_waits_for_a_person(void **state)
{
    World *w = *state;
    g_autoptr(GError) error = NULL;
    WallMs begun = clock_wall_ms();
    take_mails(w, 7);
    ok(store_run(w->store, switch_on, NULL, &error), error);
    back_up(w);
    g_auto(StoreRestored) restored = {0};
    ok(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, &error), error);
    assert_null(restored.kept_aside);
    assert_int_equal(restored.waiting, 7);
    assert_in_range(restored.newest_at, begun, clock_wall_ms());

    g_autofree char *path = g_build_filename(w->fresh, "absender.db", NULL);
    g_autofree char *files = describe(w->fresh);
    assert_null(strstr(files, ".part"));
    g_autoptr(Store) store = open_store(path, w->vault);
    Db *db = store_reader_take(store);
    g_autoptr(SmtpState) smtp = smtp_state_read(db, STORE_DEFAULT_ORG, &error);
    store_reader_give(store, db);
    ok(smtp, error);
    assert_false(smtp->sending_enabled);
    assert_string_equal(smtp->sending_reason, "restored");
    assert_int_equal(smtp->sending_until, 0);
    assert_memory_equal(store_instance(store), store_instance(w->store), VAULT_INSTANCE_BYTES);
    take_mail(store, w->vault); /* with the day's key of before */
}

static void sessions_end_with_a_restore(void **state)
{
    World *w = *state;
    back_up(w);
    change(w->backup,
        "INSERT INTO members (org_id, id, email, role, created_at) "
        "VALUES (1, randomblob(16), 'a@b.de', 2, 1);"
        "INSERT INTO sessions (org_id, member_row, id, hash, created_at, expires_at, used_at) "
        "VALUES (1, 1, randomblob(16), randomblob(32), 1, 9000000000000, 1);");
    g_autoptr(GError) error = NULL;
    g_auto(StoreRestored) restored = {0};
    ok(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, &error), error);
    g_autofree char *path = g_build_filename(w->fresh, "absender.db", NULL);
    assert_int_equal(number_in(path, "SELECT count(*) FROM members"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM sessions"), 0);
}

static void the_former_database_is_kept_aside_with_its_log(void **state)
{
    World *w = *state;
    take_mails(w, 4);
    back_up(w);
    /* What a killed daemon leaves: a database with part of its mail in the log only. */
    g_autofree char *database = g_build_filename(w->fresh, "absender.db", NULL);
    g_autofree char *log = g_strconcat(database, "-wal", NULL);
    g_autofree char *from_log = g_strconcat(w->database, "-wal", NULL);
    take_mails(w, 2);
    copy_file(w->database, database);
    copy_file(from_log, log);
    g_autofree char *before = describe(w->fresh);
    g_auto(StoreRestored) restored = {0};
    refused(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, error_out),
        ABS_ERROR_CONFLICT);
    g_autofree char *after = describe(w->fresh);
    assert_string_equal(before, after);

    g_autoptr(GError) error = NULL;
    ok(store_restore(w->backup, w->fresh, TRUE, NULL, NULL, &restored, &error), error);
    assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    assert_int_equal(number_in(database, "SELECT count(*) FROM emails"), 4);
    assert_non_null(restored.kept_aside);
    assert_int_equal(number_in(restored.kept_aside, "SELECT count(*) FROM emails"), 6);
}

static void a_damaged_database_is_kept_with_its_log(void **state)
{
    World *w = *state;
    take_mails(w, 4);
    back_up(w);
    g_autofree char *database = g_build_filename(w->fresh, "absender.db", NULL);
    g_autofree char *log = g_strconcat(database, "-wal", NULL);
    assert_true(g_file_set_contents(database, "no database at all", -1, NULL));
    assert_true(g_file_set_contents(log, "frames", -1, NULL));
    g_autoptr(GError) error = NULL;
    g_auto(StoreRestored) restored = {0};
    ok(store_restore(w->backup, w->fresh, TRUE, NULL, NULL, &restored, &error), error);
    g_autofree char *kept_log = g_strconcat(restored.kept_aside, "-wal", NULL);
    g_autofree char *kept = NULL;
    assert_true(g_file_get_contents(restored.kept_aside, &kept, NULL, NULL));
    assert_string_equal(kept, "no database at all");
    assert_true(g_file_test(kept_log, G_FILE_TEST_EXISTS));
    assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    assert_int_equal(number_in(database, "SELECT count(*) FROM emails"), 4);
}

/* As a restore that died leaves it, when the former database was damaged. */
static void nothing_starts_where_a_restore_was_cut_short(void **state)
{
    World *w = *state;
    take_mails(w, 4);
    back_up(w);
    g_autofree char *database = g_build_filename(w->fresh, "absender.db", NULL);
    g_autofree char *log = g_strconcat(database, "-wal", NULL);
    g_autofree char *kept = g_strconcat(database, ".replaced-then", NULL);
    assert_true(g_file_set_contents(kept, "no database at all", -1, NULL));
    copy_file(w->backup, log);
    assert_int_equal(symlink("absender.db.replaced-then", database), 0);
    refused(store_open(&(StoreConfig){.path = database, .full_sync = TRUE}, NULL, error_out),
        ABS_ERROR_IO);
    g_auto(StoreRestored) restored = {0};
    refused(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, error_out),
        ABS_ERROR_CONFLICT);
    g_autoptr(GError) error = NULL;
    ok(store_restore(w->backup, w->fresh, TRUE, NULL, NULL, &restored, &error), error);
    assert_string_equal(restored.kept_aside, kept);
    assert_false(g_file_test(database, G_FILE_TEST_IS_SYMLINK));
    assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    assert_int_equal(number_in(database, "SELECT count(*) FROM emails"), 4);
}

static void what_root_restores_belongs_to_the_folders_owner(void **state)
{
    World *w = *state;
    enum { SERVICE = 12345 };
    if (geteuid() != 0)
        skip();
    take_mails(w, 2);
    back_up(w); /* root's alone, and so is the folder it is in */
    g_autofree char *key = g_build_filename(w->fresh, "key", NULL);
    g_autofree char *database = g_build_filename(w->fresh, "absender.db", NULL);
    assert_int_equal(chmod(w->root, 0711), 0);
    assert_int_equal(chown(w->fresh, SERVICE, SERVICE), 0);
    assert_int_equal(chown(key, SERVICE, SERVICE), 0);
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < 2; i++) { /* the second time beside the first, which is kept */
        g_auto(StoreRestored) restored = {0};
        ok(store_restore(w->backup, w->fresh, i > 0, NULL, NULL, &restored, &error), error);
        const char *const files[] = {database, restored.kept_aside};
        assert_int_equal(restored.owner, SERVICE);
        assert_int_equal(geteuid(), 0);
        for (guint file = 0; file <= i; file++) {
            GStatBuf facts;
            assert_int_equal(g_lstat(files[file], &facts), 0);
            assert_int_equal(facts.st_uid, SERVICE);
            assert_int_equal(facts.st_gid, SERVICE);
            assert_int_equal(facts.st_mode & 07777, 0600);
        }
    }
}

/* SQLite would read each of these as part of the database it lies beside. */
static void leftovers_do_not_get_into_what_is_restored(void **state)
{
    World *w = *state;
    static const char *const names[] = {"absender.db.part", "absender.db.part-wal",
        "absender.db.part-journal", "absender.db-wal", "absender.db-journal"};
    take_mails(w, 4);
    back_up(w);
    take_mails(w, 3);
    g_autofree char *log = g_strconcat(w->database, "-wal", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(w->fresh, names[i], NULL);
        copy_file(log, path);
    }
    g_autoptr(GError) error = NULL;
    g_auto(StoreRestored) restored = {0};
    ok(store_restore(w->backup, w->fresh, TRUE, NULL, NULL, &restored, &error), error);
    assert_null(restored.kept_aside);
    g_autofree char *files = describe(w->fresh);
    assert_null(strstr(files, ".part"));
    assert_null(strstr(files, "absender.db-"));
    g_autofree char *path = g_build_filename(w->fresh, "absender.db", NULL);
    assert_int_equal(number_in(path, "SELECT count(*) FROM emails"), 4);
}

static void a_database_in_use_is_not_replaced(void **state)
{
    World *w = *state;
    take_mails(w, 2);
    back_up(w);
    g_auto(StoreRestored) restored = {0};
    refused(
        store_restore(w->backup, w->home, TRUE, NULL, NULL, &restored, error_out), ABS_ERROR_BUSY);
    take_mail(w->store, w->vault);
}

static void write_bytes(const char *path, const char *bytes, gsize n)
{
    assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
}

static void make_garbage(const char *path)
{
    static char noise[40000];
    for (gsize i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 31 + i / 7);
    write_bytes(path, noise, sizeof noise);
}

static void make_empty(const char *path)
{
    write_bytes(path, "", 0);
}

static void make_headless(const char *path)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "SQLite format 4", 16, 0), 16);
    close(fd);
}

static void cut_off_the_end(const char *path)
{
    GStatBuf file;
    g_stat(path, &file);
    assert_int_equal(truncate(path, file.st_size / 2), 0);
}

static void overwrite_the_middle(const char *path)
{
    GStatBuf file;
    g_stat(path, &file);
    static char noise[50000];
    memset(noise, 0xa5, sizeof noise);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, noise, sizeof noise, file.st_size / 2), (gssize)sizeof noise);
    close(fd);
}

static void make_foreign(const char *path)
{
    g_unlink(path);
    change(path, "CREATE TABLE songs (title TEXT)");
}

static void make_newer(const char *path)
{
    change(path, "INSERT INTO schema_version (number, name, applied_at) VALUES (999, 'later', 1)");
}

static void take_away(const char *path)
{
    g_unlink(path);
}

static void put_a_log_beside(const char *path)
{
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    write_bytes(log, "frames", 6);
}

static void what_is_not_a_sound_backup_is_refused(void **state)
{
    World *w = *state;
    static const struct {
        const char *name;
        void (*spoil)(const char *path);
        int code;
        StoreRestoreFault fault;
        const char *says;
    } rows[] = {
        {"garbage", make_garbage, ABS_ERROR_INPUT, RESTORE_FAULT_NOT_A_BACKUP,
            "is not a backup of Absender"},
        {"an empty file", make_empty, ABS_ERROR_INPUT, RESTORE_FAULT_NOT_A_BACKUP,
            "is not a backup of Absender"},
        {"another format", make_headless, ABS_ERROR_INPUT, RESTORE_FAULT_NOT_A_BACKUP,
            "is not a backup of Absender"},
        {"cut off", cut_off_the_end, ABS_ERROR_INPUT, RESTORE_FAULT_DAMAGED, "is damaged"},
        {"overwritten in the middle", overwrite_the_middle, ABS_ERROR_INPUT, RESTORE_FAULT_DAMAGED,
            "is damaged"},
        {"another program's database", make_foreign, ABS_ERROR_INPUT, RESTORE_FAULT_NOT_A_BACKUP,
            "is not a backup of Absender"},
        {"of a newer version", make_newer, ABS_ERROR_INPUT, RESTORE_FAULT_NEWER,
            "newer version of Absender"},
        {"a log beside it", put_a_log_beside, ABS_ERROR_INPUT, RESTORE_FAULT_HAND_COPY,
            "copied by hand"},
        {"not there", take_away, ABS_ERROR_NOT_FOUND, RESTORE_FAULT_NO_FILE, "No such file"},
    };
    take_mails(w, 40);
    g_autofree char *before = describe(w->fresh);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("%s/spoilt-%zu", w->root, i);
        g_autoptr(GError) error = NULL;
        ok(store_backup(w->store, path, FALSE, NULL, NULL, &error), error);
        rows[i].spoil(path);
        g_auto(StoreRestored) restored = {0};
        if (store_restore(path, w->fresh, FALSE, NULL, NULL, &restored, &error))
            fail_msg("%s: was restored", rows[i].name);
        if (error->code != rows[i].code || restored.fault != rows[i].fault ||
            !strstr(error->message, rows[i].says))
            fail_msg("%s: %d, %s", rows[i].name, error->code, error->message);
        g_autofree char *after = describe(w->fresh);
        assert_string_equal(before, after);
    }
}

static void a_backup_opens_with_its_own_key_only(void **state)
{
    World *w = *state;
    take_mails(w, 2);
    back_up(w);
    g_autofree char *key = g_build_filename(w->fresh, "key", NULL);
    g_unlink(key);
    g_auto(StoreRestored) restored = {0};
    refused(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, error_out),
        ABS_ERROR_SECRET);

    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) other = vault_open(key, TRUE, &error);
    ok(other, error);
    g_autofree char *before = describe(w->fresh);
    assert_false(store_restore(w->backup, w->fresh, FALSE, NULL, NULL, &restored, &error));
    assert_int_equal(error->code, ABS_ERROR_SECRET);
    guint8 ids[2][VAULT_KEK_ID_BYTES];
    vault_kek_id(other, ids[0]);
    vault_kek_id(w->vault, ids[1]);
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *id = g_strdup_printf("%02x%02x%02x", ids[i][0], ids[i][1], ids[i][2]);
        if (!strstr(error->message, id))
            fail_msg("key id %s is missing in: %s", id, error->message);
    }
    g_autofree char *after = describe(w->fresh);
    assert_string_equal(before, after);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    World *w = *state;
    back_up(w);
    g_autofree char *nowhere = g_build_filename(w->root, "nowhere", NULL);
    g_auto(StoreRestored) restored = {0};
    refused(store_restore(w->backup, nowhere, FALSE, NULL, NULL, &restored, error_out),
        ABS_ERROR_NOT_FOUND);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, make_world, remove_world)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_backup_is_one_private_file),
        WORLD_TEST(a_backup_ends_under_load_and_holds_what_was_taken_before),
        WORLD_TEST(progress_rises_to_the_end),
        WORLD_TEST(a_backup_that_is_broken_off_leaves_nothing),
        WORLD_TEST(a_restore_says_how_far_it_is),
        WORLD_TEST(only_a_backup_is_replaced_and_only_when_told),
        WORLD_TEST(the_database_in_use_is_not_its_own_backup),
        WORLD_TEST(a_path_that_cannot_be_is_refused),
        WORLD_TEST(a_target_that_cannot_be_written_to_its_end_leaves_nothing),
        WORLD_TEST(a_leftover_of_an_earlier_run_is_replaced),
        WORLD_TEST(a_file_of_somebody_else_beside_it_stays),
        WORLD_TEST(a_link_is_not_followed_to_a_database),
        WORLD_TEST(a_backup_gives_way_to_the_mail),
        WORLD_TEST(another_disk_is_as_good),
        WORLD_TEST(what_is_restored_waits_for_a_person),
        WORLD_TEST(sessions_end_with_a_restore),
        WORLD_TEST(the_former_database_is_kept_aside_with_its_log),
        WORLD_TEST(a_damaged_database_is_kept_with_its_log),
        WORLD_TEST(nothing_starts_where_a_restore_was_cut_short),
        WORLD_TEST(what_root_restores_belongs_to_the_folders_owner),
        WORLD_TEST(leftovers_do_not_get_into_what_is_restored),
        WORLD_TEST(a_database_in_use_is_not_replaced),
        WORLD_TEST(what_is_not_a_sound_backup_is_refused),
        WORLD_TEST(a_backup_opens_with_its_own_key_only),
        WORLD_TEST(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
