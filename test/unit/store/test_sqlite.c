#include "base/limits.h"
#include "scratch.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_files_are_for_the_owner_only(void **state)
{
    Scratch *self = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *path = g_strconcat(self->path, suffixes[i], NULL);
        struct stat file;
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
}

static void pragmas_are_as_designed(void **state)
{
    Scratch *self = *state;
    assert_int_equal(scratch_number(self, "PRAGMA page_size"), 16384);
    assert_int_equal(scratch_number(self, "PRAGMA synchronous"), 2);
    assert_int_equal(scratch_number(self, "PRAGMA foreign_keys"), 1);
    assert_int_equal(scratch_number(self, "PRAGMA secure_delete"), 1);
    assert_int_equal(scratch_number(self, "PRAGMA trusted_schema"), 0);
    assert_int_equal(scratch_number(self, "PRAGMA wal_autocheckpoint"), 0);
    g_autoptr(DbQuery) q = db_query(self->db, "PRAGMA journal_mode");
    assert_true(db_next(q));
    assert_string_equal(db_text(q, 0), "wal");
    assert_true(db_finish(q, NULL));
}

static void a_misspelt_column_is_not_a_text(void **state)
{
    Scratch *self = *state;
    g_autoptr(DbQuery) q = db_query(self->db, "SELECT \"nosuch\"");
    assert_false(db_next(q));
    assert_false(db_finish(q, NULL));
}

/* All tables are STRICT, and every table that holds what belongs to an organisation says to which.
 */
static void tables_are_strict_and_name_their_organisation(void **state)
{
    Scratch *self = *state;
    static const char *const without_org[] = {"schema_version", "instance", "organisations",
        "key_checks", "fingerprint_key", "setup_token", "retention"};
    guint n = 0;
    g_autoptr(DbQuery) q = db_query(self->db,
        "SELECT l.name, l.strict, EXISTS (SELECT 1 FROM pragma_table_info(l.name) c "
        "WHERE c.name = 'org_id') FROM pragma_table_list l WHERE l.schema = 'main' "
        "AND l.type = 'table' AND l.name NOT LIKE 'sqlite_%'");
    for (; db_next(q); n++) {
        gboolean exempt = FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(without_org); i++)
            exempt |= strcmp(db_text(q, 0), without_org[i]) == 0;
        if (!db_int(q, 1) || db_int(q, 2) == exempt)
            fail_msg("%s", db_text(q, 0));
    }
    assert_true(db_finish(q, NULL));
    assert_in_range(n, 15, 100);
}

static void impossible_values_are_refused_by_the_tables(void **state)
{
    Scratch *self = *state;
    static const struct {
        const char *name, *sql;
    } rows[] = {
        {"plaintext", "INSERT INTO smtp_slots (org_id, slot, security, max_connections, "
                      "send_window, quota_per_minute, quota_per_hour, quota_per_day) "
                      "VALUES (1, 1, 0, 1, 1, 0, 0, 0)"},
        {"a third kind of TLS", "INSERT INTO smtp_slots (org_id, slot, security, "
                                "max_connections, send_window, quota_per_minute, quota_per_hour, "
                                "quota_per_day) VALUES (1, 1, 3, 1, 1, 0, 0, 0)"},
        {"active without a password",
            "INSERT INTO smtp_slots (org_id, slot, host, from_email, max_connections, "
            "send_window, quota_per_minute, quota_per_hour, quota_per_day) "
            "VALUES (1, 2, 'h', 'a@h', 1, 1, 0, 0, 0)"},
        {"a foreign organisation", "INSERT INTO smtp_state (org_id) VALUES (2)"},
        {"text as a number", "UPDATE smtp_state SET revision = 'many'"},
        {"a second instance", "INSERT INTO instance (row, id) VALUES (2, randomblob(16))"},
        {"a stored state held", "UPDATE recipient_counts SET state = 11 WHERE state = 1"},
        {"fewer than none", "UPDATE recipient_counts SET n = -1"},
        {"a secret subject",
            "INSERT INTO emails (org_id, id, class, sender, subject, size_bytes, needs_smtputf8, "
            "at_most_once, is_test, created_at) "
            "VALUES (1, randomblob(16), 1, 'a@b', 'your link', 1, 0, 0, 0, 1)"},
        {"waiting without a time",
            "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
            "deadline_at, updated_at, address) VALUES (128, 1, 3, 2, 0, 0, NULL, 1, 1, 'a@b')"},
        {"ended with a time",
            "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
            "deadline_at, updated_at, address) VALUES (128, 1, 3, 6, 0, 0, 1, 1, 1, 'a@b')"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (db_exec(self->db, rows[i].sql, NULL))
            fail_msg("%s", rows[i].name);
    assert_true(db_exec(self->db,
        "INSERT INTO smtp_slots (org_id, slot, security, max_connections, send_window, "
        "quota_per_minute, quota_per_hour, quota_per_day) VALUES (1, 1, 2, 1, 1, 0, 0, 0)",
        NULL));
}

static void the_schema_is_applied_once(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    ok(schema_apply(self->db, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM schema_version"), schema_n_files);
}

/* A database as the first schema left it, with recipients in every state. */
static void make_first_schema(Db *db)
{
    g_autoptr(GError) error = NULL;
    ok(db_begin(db, &error) && db_exec(db, schema_files[0].sql, &error), error);
    ok(db_exec(db,
           "INSERT INTO schema_version (number, name, applied_at) VALUES (1, 'foundation', 1);"
           "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
           "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
           "deadline_at, updated_at, address) SELECT i << 7, 1, i % 5 + 1, i % 10 + 1, i % 3, i % "
           "2, "
           "CASE WHEN i % 10 < 5 THEN i END, i + 9, i + 1, 'r' || i || '@example.com' FROM n;",
           &error),
        error);
    ok(db_commit(db, &error), error);
}

static char *all_recipients(Db *db)
{
    GString *all = g_string_new(NULL);
    g_autoptr(DbQuery) q = db_query(db, "SELECT row, org_id, class, state, attempts, is_test, "
                                        "next_at, deadline_at, updated_at, address "
                                        "FROM recipients ORDER BY row");
    while (db_next(q)) {
        for (int column = 0; column < 10; column++)
            g_string_append_printf(all, "%s|", db_is_null(q, column) ? "null" : db_text(q, column));
    }
    g_autoptr(GError) error = NULL;
    ok(db_finish(q, &error), error);
    return g_string_free(all, FALSE);
}

static void an_older_database_keeps_its_recipients(void **state)
{
    Scratch *self = *state;
    g_autofree char *path = g_build_filename(self->folder, "older.db", NULL);
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    g_autoptr(GError) error = NULL;
    Db *db = db_open(&db_driver_sqlite, &config, DB_WRITER);
    make_first_schema(db);
    g_autofree char *before = all_recipients(db);
    ok(schema_apply(db, &error), error);
    g_autofree char *after = all_recipients(db);
    assert_string_equal(before, after);
    static const char *const refused_rows[] = {
        "UPDATE recipients SET next_at = NULL WHERE state = 1",
        "UPDATE recipients SET next_at = NULL WHERE state = 4",
        "UPDATE recipients SET next_at = 1 WHERE state = 6",
        "UPDATE recipients SET state = 11 WHERE state = 10",
        "UPDATE recipients SET class = 6",
        "UPDATE recipients SET is_test = 2",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(refused_rows); i++) {
        if (db_exec(db, refused_rows[i], NULL))
            fail_msg("%s", refused_rows[i]);
    }
    ok(db_exec(db, "UPDATE recipients SET next_at = NULL WHERE state = 5", &error), error);
    db_close(db);
}

static void a_second_process_is_refused(void **state)
{
    Scratch *self = *state;
    pid_t pid = fork();
    if (pid == 0) {
        StoreConfig config = {.path = self->path, .full_sync = TRUE};
        Db *db = db_open(&db_driver_sqlite, &config, DB_WRITER);
        _exit(g_error_matches(db->fault, ABS_ERROR, ABS_ERROR_BUSY) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_is_no_database_file_is_refused(void **state)
{
    Scratch *self = *state;
    g_autofree char *link = g_build_filename(self->folder, "link.db", NULL);
    g_autofree char *text = g_build_filename(self->folder, "text.db", NULL);
    g_autofree char *nowhere = g_build_filename(self->folder, "no", "such.db", NULL);
    assert_int_equal(symlink(self->path, link), 0);
    assert_true(g_file_set_contents(text, "This is a letter, and a long one.\n", -1, NULL));
    const char *const paths[] = {link, text, nowhere, self->folder};
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        Store *store =
            store_open(&(StoreConfig){.path = paths[i], .full_sync = TRUE}, NULL, &error);
        assert_null(store);
        assert_non_null(error);
    }
}

static void a_long_read_is_broken_off(void **state)
{
    Scratch *self = *state;
    StoreConfig config = {.path = self->path, .full_sync = TRUE};
    Db *reader = db_open(&db_driver_sqlite, &config, DB_READER);
    assert_null(reader->fault);
    gint64 begun = g_get_monotonic_time();
    reader->read_until_us = begun + 50 * 1000;
    g_autoptr(GError) error = NULL;
    DbQuery *q = db_query(reader, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                                  "SELECT i + 1 FROM n) SELECT COUNT(*) FROM n");
    assert_false(db_next(q));
    assert_false(db_finish(q, &error));
    assert_int_equal(error->code, ABS_ERROR_STORE);
    assert_in_range(g_get_monotonic_time() - begun, 50 * 1000, 2 * G_USEC_PER_SEC);
    db_close(reader);
}

static void versions_with_the_wal_bug_are_known(void **state)
{
    static const struct {
        int version;
        gboolean has_bug;
    } rows[] = {{3006023, FALSE}, {3007000, TRUE}, {3040001, TRUE}, {3044005, TRUE},
        {3044006, FALSE}, {3045000, TRUE}, {3050006, TRUE}, {3050007, FALSE}, {3050008, FALSE},
        {3051000, TRUE}, {3051002, TRUE}, {3051003, FALSE}, {3052000, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (sqlite_has_wal_reset_bug(rows[i].version) != rows[i].has_bug)
            fail_msg("%d", rows[i].version);
    g_autofree char *warning = sqlite_version_warning();
    assert_int_equal(warning != NULL, sqlite_has_wal_reset_bug(sqlite3_libversion_number()));
}

/* --- Through the store ----------------------------------------------------------------------- */

static Store *open_store(Scratch *self)
{
    g_clear_pointer(&self->db, db_close);
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreConfig){.path = self->path, .full_sync = TRUE}, NULL, &error);
    ok(store, error);
    return store;
}

static gint64 file_bytes(const Scratch *self, const char *suffix)
{
    g_autofree char *path = g_strconcat(self->path, suffix, NULL);
    struct stat file;
    return stat(path, &file) == 0 ? file.st_size : 0;
}

static gboolean insert_much(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "CREATE TABLE IF NOT EXISTS much (bytes BLOB);"
        "INSERT INTO much (bytes) VALUES (randomblob(1048576))",
        error);
}

static gboolean do_nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static void note_code(gpointer data, const GError *error)
{
    *(gint *)data = error ? error->code : -1;
}

/* The file may not grow: the commit fails, and everybody in the group hears it. */
static void a_failed_commit_fails_the_whole_group_and_leaves_the_store_usable(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    ok(store_run(store, insert_much, NULL, NULL), (GError *)NULL);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = (rlim_t)file_bytes(self, "-wal") + 65536;
    gint codes[3] = {0, 0, 0};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        assert_true(store_submit(
            store, i == 1 ? insert_much : do_nothing, &codes[i], note_code, NULL, NULL));
    gboolean wrote = store_run(store, insert_much, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(wrote);
    assert_int_equal(codes[1], ABS_ERROR_STORE);

    ok(store_run(store, insert_much, NULL, NULL), (GError *)NULL);
    store_close(store);
    scratch_connect(self);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM much"), 2);
}

static void the_log_is_folded_back_while_running_and_at_the_end(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    for (guint i = 0; i < 40; i++)
        ok(store_run(store, insert_much, NULL, NULL), (GError *)NULL);
    assert_in_range(file_bytes(self, "-wal"), 1, LIMIT_STORE_WAL_BYTES + 4 * 1024 * 1024);
    store_close(store);
    assert_int_equal(file_bytes(self, "-wal"), 0);
    assert_in_range(file_bytes(self, ""), 40 * 1024 * 1024, 48 * 1024 * 1024);
}

static void sealed_records_show_without_opening_the_store(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *nowhere = g_build_filename(self->folder, "nothing.db", NULL);
    g_autofree char *empty = g_build_filename(self->folder, "empty.db", NULL);
    assert_true(g_file_set_contents(empty, "", 0, NULL));
    gboolean holds = TRUE;
    ok(store_holds_sealed_records(nowhere, &holds, &error), error);
    assert_false(holds);
    assert_false(g_file_test(nowhere, G_FILE_TEST_EXISTS));
    holds = TRUE;
    ok(store_holds_sealed_records(empty, &holds, &error), error);
    assert_false(holds);
    holds = TRUE;
    ok(store_holds_sealed_records(self->path, &holds, &error), error);
    assert_false(holds);
    Store *store = open_store(self);
    ok(store_check_key(store, self->vault, &error), error);
    ok(store_holds_sealed_records(self->path, &holds, &error), error); /* still in the log */
    assert_true(holds);
    store_close(store);
    ok(store_holds_sealed_records(self->path, &holds, &error), error);
    assert_true(holds);
}

static void another_key_is_refused(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    g_autoptr(GError) error = NULL;
    ok(store_check_key(store, self->vault, &error), error);
    ok(store_check_key(store, self->vault, &error), error);
    g_autofree char *path = g_build_filename(self->folder, "other-key", NULL);
    g_autoptr(Vault) other = vault_open(path, TRUE, &error);
    ok(other, error);
    vault_set_instance(other, store_instance(store));
    assert_false(store_check_key(store, other, &error));
    assert_int_equal(error->code, ABS_ERROR_SECRET);
    store_close(store);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_files_are_for_the_owner_only),
        SCRATCH_TEST(pragmas_are_as_designed),
        SCRATCH_TEST(a_misspelt_column_is_not_a_text),
        SCRATCH_TEST(tables_are_strict_and_name_their_organisation),
        SCRATCH_TEST(impossible_values_are_refused_by_the_tables),
        SCRATCH_TEST(the_schema_is_applied_once),
        SCRATCH_TEST(an_older_database_keeps_its_recipients),
        SCRATCH_TEST(a_second_process_is_refused),
        SCRATCH_TEST(what_is_no_database_file_is_refused),
        SCRATCH_TEST(a_long_read_is_broken_off),
        SCRATCH_TEST(versions_with_the_wal_bug_are_known),
        SCRATCH_TEST(a_failed_commit_fails_the_whole_group_and_leaves_the_store_usable),
        SCRATCH_TEST(the_log_is_folded_back_while_running_and_at_the_end),
        SCRATCH_TEST(sealed_records_show_without_opening_the_store),
        SCRATCH_TEST(another_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
