/* What every database driver must do, written against store/store.h and store/db.h alone. The
 * driver is named by ABSENDER_TEST_DRIVER.
 *
 * Run with `--writer PATH FD` the program is the victim of the kill test: it writes numbers and
 * says on FD which of them were acknowledged. */
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/store.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;

/* --- A store in a folder of its own ---------------------------------------------------------- */

typedef struct {
    char *folder, *path;
    Store *store;
} Place;

static Store *open_at(const char *path)
{
    const char *driver = g_getenv("ABSENDER_TEST_DRIVER");
    if (driver && strcmp(driver, "sqlite") != 0)
        fail_msg("no such driver: %s", driver);
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreConfig){.path = path, .full_sync = TRUE}, NULL, &error);
    if (!store)
        fail_msg("%s", error->message);
    return store;
}

static gboolean make_table(Db *db, gpointer data, GError **error)
{
    return db_exec(
        db, "CREATE TABLE contract (n INTEGER PRIMARY KEY, text TEXT, bytes BLOB)", error);
}

static int make_place(void **state)
{
    Place *place = g_new0(Place, 1);
    place->folder = g_dir_make_tmp("contract-XXXXXX", NULL);
    place->path = g_build_filename(place->folder, "absender.db", NULL);
    place->store = open_at(place->path);
    assert_true(store_run(place->store, make_table, NULL, NULL));
    *state = place;
    return 0;
}

static void empty_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
}

static int remove_place(void **state)
{
    Place *place = *state;
    store_close(place->store);
    empty_folder(place->folder);
    g_rmdir(place->folder);
    g_free(place->path);
    g_free(place->folder);
    g_free(place);
    return 0;
}

static void reopen(Place *place)
{
    store_close(place->store);
    place->store = open_at(place->path);
}

/* --- Jobs ------------------------------------------------------------------------------------ */

static gboolean insert_number(Db *db, gint64 n, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "INSERT INTO contract (n) VALUES ($1)");
    db_bind_int(q, 1, n);
    return db_finish(q, error);
}

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    store_note_change(db, STORE_CHANGED_QUEUE, STORE_DEFAULT_ORG, NULL);
    return insert_number(db, GPOINTER_TO_INT(data), error);
}

static gint64 count_in(Db *db)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT COUNT(*) FROM contract");
    gint64 n = db_next(q) ? db_int(q, 0) : -1;
    assert_true(db_finish(q, NULL));
    return n;
}

static gboolean has_in(Db *db, gint64 number)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT 1 FROM contract WHERE n = $1");
    db_bind_int(q, 1, number);
    gboolean found = db_next(q);
    assert_true(db_finish(q, NULL));
    return found;
}

static gint64 count_rows(Store *store)
{
    Db *db = store_reader_take(store);
    gint64 n = count_in(db);
    store_reader_give(store, db);
    return n;
}

static gboolean has_number(Store *store, gint64 number)
{
    Db *db = store_reader_take(store);
    gboolean found = has_in(db, number);
    store_reader_give(store, db);
    return found;
}

/* A job that holds the writing thread until it is opened, so that what is submitted behind it forms
 * one group. */
typedef struct {
    GMutex lock;
    GCond moved;
    gboolean is_reached, is_open;
} Gate;

static gboolean wait_at_gate(Db *db, gpointer data, GError **error)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    gate->is_reached = TRUE;
    g_cond_broadcast(&gate->moved);
    while (!gate->is_open)
        g_cond_wait(&gate->moved, &gate->lock);
    g_mutex_unlock(&gate->lock);
    return TRUE;
}

static void close_gate(Gate *gate, Store *store)
{
    *gate = (Gate){.is_open = FALSE};
    assert_true(store_submit(store, wait_at_gate, gate, NULL, NULL, NULL));
    g_mutex_lock(&gate->lock);
    while (!gate->is_reached)
        g_cond_wait(&gate->moved, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void open_gate(Gate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->is_open = TRUE;
    g_cond_broadcast(&gate->moved);
    g_mutex_unlock(&gate->lock);
}

static gboolean do_nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static void wait_until_written(Store *store)
{
    assert_true(store_run(store, do_nothing, NULL, NULL));
}

/* --- Statements ------------------------------------------------------------------------------ */

static gboolean values_come_back_job(Db *db, gpointer data, GError **error)
{
    static const guint8 raw[] = {0, 1, 0xff};
    g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
    g_autoptr(DbQuery) add =
        db_query(db, "INSERT INTO contract (bytes, text, n) VALUES ($3, $2, $1)");
    db_bind_int(add, 1, G_MININT64);
    db_bind_text(add, 2, "Grüße; DROP TABLE contract");
    db_bind_blob(add, 3, raw, sizeof raw);
    assert_true(db_finish(add, error));
    assert_int_equal(db_changes(db), 1);
    assert_true(db_last_insert_id(db) == G_MININT64);
    g_autoptr(DbQuery) add_empty =
        db_query(db, "INSERT INTO contract (n, text, bytes) VALUES ($1, $2, $3)");
    db_bind_int(add_empty, 1, 2);
    db_bind_text(add_empty, 2, NULL);
    db_bind_bytes(add_empty, 3, empty);
    assert_true(db_finish(add_empty, error));

    g_autoptr(DbQuery) q = db_query(db, "SELECT n, text, bytes FROM contract ORDER BY n");
    assert_true(db_next(q));
    assert_true(db_int(q, 0) == G_MININT64);
    assert_string_equal(db_text(q, 1), "Grüße; DROP TABLE contract");
    g_autoptr(GBytes) bytes = db_dup_bytes(q, 2);
    assert_int_equal(g_bytes_get_size(bytes), sizeof raw);
    assert_memory_equal(g_bytes_get_data(bytes, NULL), raw, sizeof raw);
    Id id;
    assert_false(db_id(q, 2, &id)); /* three bytes are no id */
    assert_true(db_next(q));
    assert_null(db_text(q, 1));
    assert_true(db_is_null(q, 1));
    assert_false(db_is_null(q, 2));
    g_autoptr(GBytes) no_bytes = db_dup_bytes(q, 2);
    assert_int_equal(g_bytes_get_size(no_bytes), 0);
    assert_false(db_next(q));
    assert_false(db_next(q));
    return db_finish(q, error);
}

static void values_come_back_and_placeholders_have_numbers(void **state)
{
    Place *place = *state;
    assert_true(store_run(place->store, values_come_back_job, NULL, NULL));
}

static gboolean errors_stick_job(Db *db, gpointer data, GError **error)
{
    for (guint i = 0; i < 2; i++) { /* the second time as well */
        g_autoptr(GError) fault = NULL;
        g_autoptr(DbQuery) q = db_query(db, "SELECT nothing FROM nowhere WHERE n = $1");
        db_bind_int(q, 1, 1);
        assert_false(db_next(q));
        assert_false(db_next(q));
        assert_false(db_finish(q, &fault));
        assert_true(g_error_matches(fault, ABS_ERROR, ABS_ERROR_STORE));
    }
    g_autoptr(DbQuery) q = db_query(db, "SELECT n FROM contract WHERE n = $1");
    db_bind_int(q, 2, 1); /* there is no $2 */
    db_bind_int(q, 1, 1);
    assert_false(db_next(q));
    assert_false(db_finish(q, NULL));
    g_autoptr(GError) fault = NULL;
    assert_true(insert_number(db, 7, NULL));
    assert_false(insert_number(db, 7, &fault));
    assert_true(g_error_matches(fault, ABS_ERROR, ABS_ERROR_CONFLICT));
    return insert_number(db, 8, error); /* the statement is fit for use again */
}

static void errors_stick_until_the_statement_is_finished(void **state)
{
    Place *place = *state;
    assert_true(store_run(place->store, errors_stick_job, NULL, NULL));
    assert_int_equal(count_rows(place->store), 2);
}

static gboolean nested_job(Db *db, gpointer data, GError **error)
{
    for (gint64 n = 0; n < 3; n++)
        assert_true(insert_number(db, n, error));
    guint pairs = 0;
    g_autoptr(DbQuery) outer = db_query(db, "SELECT n FROM contract ORDER BY n");
    while (db_next(outer)) {
        g_autoptr(DbQuery) inner = db_query(db, "SELECT n FROM contract ORDER BY n");
        while (db_next(inner))
            pairs++;
        assert_true(db_finish(inner, error));
    }
    assert_int_equal(pairs, 9);
    return db_finish(outer, error);
}

static void the_same_statement_can_be_used_inside_itself(void **state)
{
    Place *place = *state;
    assert_true(store_run(place->store, nested_job, NULL, NULL));
}

/* --- Groups ---------------------------------------------------------------------------------- */

static void count_commit(const StoreChange *changes, guint n, gpointer user)
{
    g_atomic_int_inc((gint *)user);
}

typedef struct {
    Store *store;
    gint first, n;
} Submitter;

static gpointer submit_many(gpointer data)
{
    const Submitter *self = data;
    for (gint i = 0; i < self->n; i++)
        if (!store_run(self->store, insert_job, GINT_TO_POINTER(self->first + i), NULL))
            return NULL;
    return data;
}

static void groups_form_themselves(void **state)
{
    enum { THREADS = 16, EACH = 40 };
    Place *place = *state;
    gint commits = 0;
    store_add_listener(place->store, count_commit, &commits);
    Submitter submitters[THREADS];
    GThread *threads[THREADS];
    for (gint i = 0; i < THREADS; i++) {
        submitters[i] = (Submitter){place->store, i * EACH, EACH};
        threads[i] = g_thread_new("submit", submit_many, &submitters[i]);
    }
    for (gint i = 0; i < THREADS; i++)
        assert_non_null(g_thread_join(threads[i]));
    store_remove_listener(place->store, count_commit, &commits);
    assert_int_equal(count_rows(place->store), THREADS * EACH);
    assert_in_range(commits, 1, THREADS * EACH / 2);
}

static void what_waits_is_committed_at_once(void **state)
{
    Place *place = *state;
    gint commits = 0;
    Gate gate;
    close_gate(&gate, place->store);
    store_add_listener(place->store, count_commit, &commits);
    for (gint i = 0; i < LIMIT_STORE_GROUP; i++)
        assert_true(store_submit(place->store, insert_job, GINT_TO_POINTER(i), NULL, NULL, NULL));
    open_gate(&gate);
    wait_until_written(place->store);
    store_remove_listener(place->store, count_commit, &commits);
    assert_int_equal(commits, 1);
    assert_int_equal(count_rows(place->store), LIMIT_STORE_GROUP);
}

typedef struct {
    gint calls, code; /* of the error; 0: none */
} Outcome;

static void note_outcome(gpointer data, const GError *error)
{
    Outcome *outcome = data;
    outcome->calls++;
    outcome->code = error ? error->code : 0;
}

static gboolean insert_1(Db *db, gpointer data, GError **error)
{
    return insert_number(db, 1, error);
}

static gboolean insert_2_and_fail(Db *db, gpointer data, GError **error)
{
    store_note_change(db, STORE_CHANGED_SENDING, STORE_DEFAULT_ORG, NULL);
    assert_true(insert_number(db, 2, error));
    g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED, "no");
    return FALSE;
}

static gboolean insert_1_again(Db *db, gpointer data, GError **error)
{
    return insert_number(db, 1, error);
}

static gboolean insert_3(Db *db, gpointer data, GError **error)
{
    assert_false(has_in(db, 2));
    return insert_number(db, 3, error);
}

static void fail_if_called(const StoreChange *changes, guint n, gpointer user)
{
    *(gboolean *)user = TRUE;
}

static void a_failing_job_is_rolled_back_alone(void **state)
{
    Place *place = *state;
    static const struct {
        StoreJob job;
        gint code;
    } rows[] = {{insert_1, 0}, {insert_2_and_fail, ABS_ERROR_DENIED},
        {insert_1_again, ABS_ERROR_CONFLICT}, {insert_3, 0}};
    Outcome outcomes[G_N_ELEMENTS(rows)] = {{0, 0}};
    gboolean heard = FALSE;
    Gate gate;
    close_gate(&gate, place->store);
    store_add_listener(place->store, fail_if_called, &heard);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_true(
            store_submit(place->store, rows[i].job, &outcomes[i], note_outcome, NULL, NULL));
    open_gate(&gate);
    wait_until_written(place->store);
    store_remove_listener(place->store, fail_if_called, &heard);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, rows[i].code);
    }
    assert_false(heard); /* what the failed job noted did not happen */
    assert_true(has_number(place->store, 1));
    assert_false(has_number(place->store, 2));
    assert_true(has_number(place->store, 3));
}

typedef struct {
    Store *store;
    gboolean seen_before, seen_after;
} Durability;

static gboolean look_before_commit(Db *db, gpointer data, GError **error)
{
    Durability *self = data;
    gboolean inserted = insert_number(db, 1, error);
    self->seen_before = has_number(self->store, 1);
    return inserted;
}

static void look_after_commit(gpointer data, const GError *error)
{
    Durability *self = data;
    self->seen_after = !error && has_number(self->store, 1);
}

static void done_comes_after_the_commit(void **state)
{
    Place *place = *state;
    Durability durability = {place->store, TRUE, FALSE};
    assert_true(
        store_submit(place->store, look_before_commit, &durability, look_after_commit, NULL, NULL));
    wait_until_written(place->store);
    assert_false(durability.seen_before);
    assert_true(durability.seen_after);
}

static void note_thread(gpointer data, const GError *error)
{
    *(GThread **)data = g_thread_self();
}

static void done_runs_where_it_was_asked_for(void **state)
{
    Place *place = *state;
    GThread *on_context = NULL, *on_writer = NULL;
    g_autoptr(GMainContext) context = g_main_context_new();
    assert_true(store_submit(place->store, do_nothing, &on_context, note_thread, context, NULL));
    assert_true(store_submit(place->store, do_nothing, &on_writer, note_thread, NULL, NULL));
    wait_until_written(place->store);
    assert_null(on_context);
    while (!on_context)
        g_main_context_iteration(context, TRUE);
    assert_ptr_equal(on_context, g_thread_self());
    assert_non_null(on_writer);
    assert_ptr_not_equal(on_writer, g_thread_self());
}

/* --- Listeners ------------------------------------------------------------------------------- */

static const Id id_a = {{1, 2, 3}}, id_b = {{1, 2, 4}};

static gboolean note_much(Db *db, gpointer data, GError **error)
{
    store_note_change(db, STORE_CHANGED_EMAIL, STORE_DEFAULT_ORG, &id_a);
    store_note_change(db, STORE_CHANGED_EMAIL, STORE_DEFAULT_ORG, &id_b);
    store_note_change(db, STORE_CHANGED_QUEUE, STORE_DEFAULT_ORG, NULL);
    store_note_change(db, STORE_CHANGED_EMAIL, STORE_DEFAULT_ORG, &id_a);
    return TRUE;
}

static void keep_changes(const StoreChange *changes, guint n, gpointer user)
{
    g_array_append_vals(user, changes, n);
}

static void listeners_hear_each_change_of_a_group_once(void **state)
{
    Place *place = *state;
    g_autoptr(GArray) heard = g_array_new(FALSE, FALSE, sizeof(StoreChange));
    Gate gate;
    close_gate(&gate, place->store);
    store_add_listener(place->store, keep_changes, heard);
    for (guint i = 0; i < 5; i++)
        assert_true(store_submit(place->store, note_much, NULL, NULL, NULL, NULL));
    open_gate(&gate);
    wait_until_written(place->store);
    store_remove_listener(place->store, keep_changes, heard);
    assert_true(store_run(place->store, note_much, NULL, NULL)); /* unheard */

    assert_int_equal(heard->len, 3);
    const StoreChange *changes = (const StoreChange *)(gpointer)heard->data;
    assert_int_equal(changes[0].kind, STORE_CHANGED_EMAIL);
    assert_true(id_equal(&changes[0].id, &id_a));
    assert_true(id_equal(&changes[1].id, &id_b));
    assert_int_equal(changes[2].kind, STORE_CHANGED_QUEUE);
}

/* --- Readers --------------------------------------------------------------------------------- */

static void a_reader_sees_one_moment(void **state)
{
    Place *place = *state;
    assert_true(store_run(place->store, insert_job, GINT_TO_POINTER(1), NULL));
    Db *reader = store_reader_take(place->store);
    assert_int_equal(count_in(reader), 1);
    assert_true(store_run(place->store, insert_job, GINT_TO_POINTER(2), NULL));
    assert_int_equal(count_in(reader), 1);
    store_reader_give(place->store, reader);
    assert_int_equal(count_rows(place->store), 2);
}

static void a_reader_cannot_write(void **state)
{
    Place *place = *state;
    Db *reader = store_reader_take(place->store);
    assert_false(insert_number(reader, 1, NULL));
    assert_false(db_exec(reader, "DELETE FROM contract", NULL));
    store_reader_give(place->store, reader);
}

static gpointer take_and_give(gpointer data)
{
    Store *store = data;
    store_reader_give(store, store_reader_take(store));
    return data;
}

static void readers_are_limited_and_waited_for(void **state)
{
    Place *place = *state;
    Db *readers[LIMIT_STORE_READERS];
    for (guint i = 0; i < LIMIT_STORE_READERS; i++)
        readers[i] = store_reader_take(place->store);
    GThread *thread = g_thread_new("late", take_and_give, place->store);
    g_usleep(20 * 1000);
    for (guint i = 0; i < LIMIT_STORE_READERS; i++)
        store_reader_give(place->store, readers[i]);
    assert_non_null(g_thread_join(thread));
}

/* --- Limits, closing, schema ----------------------------------------------------------------- */

static void a_full_queue_says_busy(void **state)
{
    Place *place = *state;
    Outcome outcome = {0, 0};
    g_autoptr(GError) error = NULL;
    Gate gate;
    close_gate(&gate, place->store);
    for (gint i = 0; i < LIMIT_STORE_QUEUE; i++)
        assert_true(store_submit(place->store, insert_job, GINT_TO_POINTER(i), NULL, NULL, NULL));
    assert_false(store_submit(place->store, insert_job, &outcome, note_outcome, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_BUSY));
    open_gate(&gate);
    reopen(place); /* closing waits for all of them */
    assert_int_equal(outcome.calls, 0);
    assert_int_equal(count_rows(place->store), LIMIT_STORE_QUEUE);
}

static void closing_writes_what_waits_and_reopening_keeps_it(void **state)
{
    Place *place = *state;
    guint8 instance[VAULT_INSTANCE_BYTES];
    memcpy(instance, store_instance(place->store), sizeof instance);
    for (gint i = 0; i < 1000; i++)
        assert_true(store_submit(place->store, insert_job, GINT_TO_POINTER(i), NULL, NULL, NULL));
    reopen(place);
    assert_int_equal(count_rows(place->store), 1000);
    assert_memory_equal(instance, store_instance(place->store), sizeof instance);
}

static gboolean pretend_newer_schema(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "INSERT INTO schema_version (number, name, applied_at) VALUES (9999, 'later', 1)", error);
}

static void a_newer_schema_is_refused(void **state)
{
    Place *place = *state;
    assert_true(store_run(place->store, pretend_newer_schema, NULL, NULL));
    g_autofree char *path = g_strdup(place->path);
    store_close(g_steal_pointer(&place->store));
    g_autoptr(GError) error = NULL;
    assert_null(store_open(&(StoreConfig){.path = path, .full_sync = TRUE}, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_STORE));
    assert_non_null(strstr(error->message, "newer"));
}

/* --- kill -9 --------------------------------------------------------------------------------- */

enum { KILLS = 20, WRITERS = 8, NUMBERS = 1000 * 1000 };

typedef struct {
    Store *store;
    gint64 next; /* this thread's numbers: next, next + WRITERS, … */
    int fd;
} Acknowledger;

static gboolean insert_pointed(Db *db, gpointer data, GError **error)
{
    return insert_number(db, *(gint64 *)data, error);
}

static gpointer write_and_acknowledge(gpointer data)
{
    Acknowledger *self = data;
    while (store_run(self->store, insert_pointed, &self->next, NULL)) {
        if (write(self->fd, &self->next, sizeof self->next) != sizeof self->next)
            break;
        self->next += WRITERS;
    }
    return NULL;
}

static int be_the_victim(const char *path, int fd, gint64 first)
{
    Store *store = open_at(path);
    Acknowledger all[WRITERS];
    GThread *threads[WRITERS];
    for (gint i = 0; i < WRITERS; i++) {
        all[i] = (Acknowledger){store, first + i, fd};
        threads[i] = g_thread_new("victim", write_and_acknowledge, &all[i]);
    }
    for (gint i = 0; i < WRITERS; i++)
        g_thread_join(threads[i]);
    return 1; /* it was to be killed */
}

static pid_t start_victim(const char *path, gint64 first, int *from_victim)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    g_autofree char *fd = g_strdup_printf("%d", ends[1]);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, first);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        execl(program, program, "--writer", path, fd, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *from_victim = ends[0];
    return pid;
}

/* Lets it acknowledge some, kills it, and returns everything it had acknowledged. */
static GArray *kill_in_the_act(pid_t pid, int from_victim, guint after)
{
    GArray *acknowledged = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 number;
    while (acknowledged->len < after && read(from_victim, &number, sizeof number) == sizeof number)
        g_array_append_val(acknowledged, number);
    kill(pid, SIGKILL);
    while (read(from_victim, &number, sizeof number) == sizeof number)
        g_array_append_val(acknowledged, number);
    close(from_victim);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return acknowledged;
}

static void kill_9_loses_nothing_acknowledged(void **state)
{
    Place *place = *state;
    guint total = 0;
    for (gint round = 0; round < KILLS; round++) {
        store_close(g_steal_pointer(&place->store));
        int from_victim;
        pid_t pid = start_victim(place->path, (gint64)round * NUMBERS, &from_victim);
        assert_true(pid > 0);
        g_autoptr(GArray) acknowledged = kill_in_the_act(pid, from_victim, 20 + 13 * (guint)round);
        place->store = open_at(place->path);
        Db *db = store_reader_take(place->store);
        for (guint i = 0; i < acknowledged->len; i++)
            assert_true(has_in(db, g_array_index(acknowledged, gint64, i)));
        store_reader_give(place->store, db);
        total += acknowledged->len;
    }
    assert_true(total >= KILLS * 20);
    print_message("# %u acknowledged writes over %d kills\n", total, KILLS);
}

/* --- A group does not grow without end ------------------------------------------------------- */

typedef struct {
    gint order;   /* how many were done before; written on the writing thread */
    gint *n_done; /* of all */
    gint n_done_when_run;
    gboolean is_slow;
} Watched;

static gboolean run_watched(Db *db, gpointer data, GError **error)
{
    Watched *self = data;
    self->n_done_when_run = *self->n_done;
    if (self->is_slow)
        g_usleep((LIMIT_STORE_GROUP_MS + 20) * 1000);
    return TRUE;
}

static void watched_done(gpointer data, const GError *error)
{
    Watched *self = data;
    assert_null(error);
    self->order = (*self->n_done)++;
}

static void what_waits_behind_a_long_job_is_committed_apart_and_in_order(void **state)
{
    Place *place = *state;
    Gate gate;
    gint n_done = 0;
    Watched jobs[6];
    close_gate(&gate, place->store);
    for (guint i = 0; i < G_N_ELEMENTS(jobs); i++) {
        jobs[i] = (Watched){.n_done = &n_done, .is_slow = i == 2};
        assert_true(store_submit(place->store, run_watched, &jobs[i], watched_done, NULL, NULL));
    }
    open_gate(&gate);
    wait_until_written(place->store);
    static const gint expected[] = {0, 0, 0, 3, 3, 3}; /* the last three came after a commit */
    for (guint i = 0; i < G_N_ELEMENTS(jobs); i++) {
        assert_int_equal(jobs[i].n_done_when_run, expected[i]);
        assert_int_equal(jobs[i].order, i);
    }
}

int main(int argc, char **argv)
{
    secret_init();
    program = "/proc/self/exe";
    if (argc == 5 && strcmp(argv[1], "--writer") == 0)
        return be_the_victim(
            argv[2], (int)g_ascii_strtoll(argv[3], NULL, 10), g_ascii_strtoll(argv[4], NULL, 10));
#define CONTRACT(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    static const struct CMUnitTest tests[] = {
        CONTRACT(values_come_back_and_placeholders_have_numbers),
        CONTRACT(what_waits_behind_a_long_job_is_committed_apart_and_in_order),
        CONTRACT(errors_stick_until_the_statement_is_finished),
        CONTRACT(the_same_statement_can_be_used_inside_itself),
        CONTRACT(groups_form_themselves),
        CONTRACT(what_waits_is_committed_at_once),
        CONTRACT(a_failing_job_is_rolled_back_alone),
        CONTRACT(done_comes_after_the_commit),
        CONTRACT(done_runs_where_it_was_asked_for),
        CONTRACT(listeners_hear_each_change_of_a_group_once),
        CONTRACT(a_reader_sees_one_moment),
        CONTRACT(a_reader_cannot_write),
        CONTRACT(readers_are_limited_and_waited_for),
        CONTRACT(a_full_queue_says_busy),
        CONTRACT(closing_writes_what_waits_and_reopening_keeps_it),
        CONTRACT(a_newer_schema_is_refused),
        CONTRACT(kill_9_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
