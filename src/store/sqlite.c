#include "base/error.h"
#include "base/limits.h"
#include "store/db_driver.h"

#include "base/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Virtual machine steps between two looks at the clock: well under a millisecond. */
#define STEPS_BETWEEN_LOOKS 20000

/* A 2 KiB mail takes 2.6 KB of file with this page size, 4.3 KB with the default. */
#define PAGE_BYTES 16384

typedef struct {
    Db db;
    sqlite3 *handle;
    int lock_fd;         /* the writer's; -1 on readers */
    int wal_pages_most;  /* of log, then it is folded back */
    int wal_pages;       /* in the log after the last commit */
    int wal_pages_saved; /* of these, folded back into the database */
} SqliteDb;

/* SQLite counts "$3" by first occurrence, as a name like any other: `places` restores the number.
 */
#define MOST_PARAMETERS 48

typedef struct {
    DbQuery query;
    sqlite3_stmt *statement;
    guint8 places[MOST_PARAMETERS + 1];
} SqliteQuery;

static SqliteDb *own(Db *db)
{
    return (SqliteDb *)db;
}

static sqlite3_stmt *statement_of(DbQuery *q)
{
    return ((SqliteQuery *)q)->statement;
}

/* What the store must know of an error. A sync may have failed of a file, or of the folder after a
 * journal was removed; whatever statement meets it, the connection is done with writing. (A write
 * or truncation that fails is different: nothing pretends to be there that is not.) */
static void note_trouble(SqliteDb *self, int code)
{
    if (code == SQLITE_FULL)
        self->db.ran_out = TRUE;
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        self->db.sync_failed = TRUE;
}

/* SQLite's messages name tables and columns, never values. */
static GError *fault_of(SqliteDb *self, const char *doing)
{
    int code = sqlite3_extended_errcode(self->handle);
    note_trouble(self, code);
    gboolean repeats = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       code == SQLITE_CONSTRAINT_ROWID;
    return g_error_new(ABS_ERROR, repeats ? ABS_ERROR_CONFLICT : ABS_ERROR_STORE,
        "database: %s: %s (SQLite %d)", doing, sqlite3_errmsg(self->handle), code);
}

/* --- Opening --------------------------------------------------------------------------------- */

gboolean sqlite_has_wal_reset_bug(int version)
{
    gboolean mended = version >= 3051003 || (version >= 3050007 && version < 3051000) ||
                      (version >= 3044006 && version < 3045000);
    return version >= 3007000 && !mended;
}

char *sqlite_version_warning(void)
{
    if (!sqlite_has_wal_reset_bug(sqlite3_libversion_number()))
        return NULL;
    return g_strdup_printf("SQLite %s has the WAL-reset bug (mended in 3.51.3). Absender is not "
                           "affected, because one connection writes and checkpoints; do not open "
                           "its database with any other program while it runs",
        sqlite3_libversion());
}

static void fail_io(Db *db, const char *what)
{
    int number = errno;
    if (!db->fault)
        db->fault =
            g_error_new(ABS_ERROR, ABS_ERROR_IO, "database file: %s: %s", what, g_strerror(number));
}

/* Makes the file with mode 0600 (SQLite itself would leave it to the umask; -wal and -shm follow
 * the main file) and holds a lock that a second daemon on the same file runs into. */
static void take_file(SqliteDb *self, const char *path)
{
    Db *db = &self->db;
    self->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat file;
    if (self->lock_fd < 0 || fstat(self->lock_fd, &file) != 0)
        fail_io(db, "open");
    else if (!S_ISREG(file.st_mode))
        db->fault =
            g_error_new_literal(ABS_ERROR, ABS_ERROR_IO, "database file: it is not a regular file");
    else if ((file.st_mode & 0777) != 0600 && fchmod(self->lock_fd, 0600) != 0)
        fail_io(db, "set its mode to 0600");
    else if (flock(self->lock_fd, LOCK_EX | LOCK_NB) != 0)
        db->fault = g_error_new_literal(ABS_ERROR, ABS_ERROR_BUSY,
            "database file: another process is using it; only one Absender may run on it");
}

/* After a sync failed, the page cache shows what the disk does not have, and takes it for written:
 * a log that looked whole would get new commits behind frames that are not there. So a process that
 * begins lets go of what is cached and clean, and reads what the disk holds. Written and not yet
 * synced, as a killed process leaves it, is not clean: it stays and goes out with the next sync. */
static void forget_cached(SqliteDb *self, const char *path)
{
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    posix_fadvise(self->lock_fd, 0, 0, POSIX_FADV_DONTNEED);
    int fd = open(log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return; /* there is no log after a clean end */
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static int on_commit_to_wal(void *user, sqlite3 *handle, const char *name, int pages)
{
    SqliteDb *self = user;
    if (pages < self->wal_pages)
        self->wal_pages_saved = 0; /* the log began anew */
    self->wal_pages = pages;
    return SQLITE_OK;
}

static int break_off_long_read(void *user)
{
    Db *db = user;
    return db->read_until_us > 0 && g_get_monotonic_time() > db->read_until_us;
}

static void set_switch(sqlite3 *handle, int option, int value)
{
    int now = -1;
    sqlite3_db_config(handle, option, value, &now);
    g_assert(now == value);
}

/* Runs it to its end: a new journal mode is written only then, and that may fail. */
static gboolean expect_pragma(sqlite3 *handle, const char *sql, const char *expected)
{
    sqlite3_stmt *statement = NULL;
    gboolean as_expected =
        sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        g_strcmp0((const char *)sqlite3_column_text(statement, 0), expected) == 0 &&
        sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_finalize(statement) == SQLITE_OK && as_expected;
}

static void configure(SqliteDb *self, const StoreConfig *config, DbRole role)
{
    sqlite3 *handle = self->handle;
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, LIMIT_STORE_BUSY_MS);
    /* "nosuch" must be an unknown column, not the text 'nosuch'. */
    set_switch(handle, SQLITE_DBCONFIG_DQS_DML, 0);
    set_switch(handle, SQLITE_DBCONFIG_DQS_DDL, 0);
    set_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1);
    set_switch(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
    set_switch(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1);
    /* temp_store: the undo log of savepoints stays in memory. mmap: an I/O error would be a
     * SIGBUS. No automatic checkpoint: the writer's maintain() is the only one. */
    static const char common[] = "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
                                 "PRAGMA wal_autocheckpoint = 0;";
    static const char reader[] = "PRAGMA cache_size = -1024; PRAGMA query_only = ON;";
    /* page_size counts only before the first table, journal_mode must come after it. */
    static const char writer[] = "PRAGMA page_size = " G_STRINGIFY(
        PAGE_BYTES) "; PRAGMA cache_size = -8192; PRAGMA secure_delete = ON;"
                    "PRAGMA journal_size_limit = 67108864;";
    static const char full[] = "PRAGMA synchronous = FULL;";
    static const char normal[] = "PRAGMA synchronous = NORMAL;";
    gboolean done = sqlite3_exec(handle, common, NULL, NULL, NULL) == SQLITE_OK;
    if (done && role == DB_READER)
        done = sqlite3_exec(handle, reader, NULL, NULL, NULL) == SQLITE_OK;
    if (done && role == DB_WRITER)
        done =
            sqlite3_exec(handle, writer, NULL, NULL, NULL) == SQLITE_OK &&
            expect_pragma(handle, "PRAGMA journal_mode = WAL", "wal") &&
            sqlite3_exec(handle, config->full_sync ? full : normal, NULL, NULL, NULL) == SQLITE_OK;
    if (!done)
        self->db.fault = fault_of(self, "configure");
    if (role == DB_WRITER)
        sqlite3_wal_hook(handle, on_commit_to_wal, self);
    else
        sqlite3_progress_handler(handle, STEPS_BETWEEN_LOOKS, break_off_long_read, self);
}

/* SQLite's memory statistics cost a lock at every allocation, and nobody reads them. */
static void configure_library(void)
{
    static gsize done = 0;
    if (!g_once_init_enter(&done))
        return;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    g_once_init_leave(&done, 1);
}

static Db *sqlite_open(const StoreConfig *config, DbRole role)
{
    configure_library();
    SqliteDb *self = g_new0(SqliteDb, 1);
    gint64 wal_bytes = config->wal_bytes > 0 ? config->wal_bytes : LIMIT_STORE_WAL_BYTES;
    self->wal_pages_most = (int)(wal_bytes / PAGE_BYTES);
    self->lock_fd = -1;
    if (role == DB_WRITER)
        take_file(self, config->path);
    if (self->db.fault)
        return &self->db;
    if (role == DB_WRITER)
        forget_cached(self, config->path);
    /* Each connection is used by one thread at a time, so SQLite's own mutexes are not needed. */
    int flags =
        SQLITE_OPEN_NOMUTEX | (role == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(config->path, &self->handle, flags, config->vfs) == SQLITE_OK)
        configure(self, config, role);
    else
        self->db.fault = fault_of(self, "open");
    return &self->db;
}

static void sqlite_close(Db *db)
{
    SqliteDb *self = own(db);
    if (db->sync_failed) /* the log stays as the disk has it */
        set_switch(self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
    else if (self->handle && db->role == DB_WRITER)
        sqlite3_wal_checkpoint_v2(self->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    int code = sqlite3_close(self->handle);
    g_assert(code == SQLITE_OK); /* every statement was given back */
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    g_free(self);
}

/* --- Statements ------------------------------------------------------------------------------ */

static void note_fault(DbQuery *q, const char *doing)
{
    if (!q->error)
        q->error = fault_of(own(q->db), doing);
}

static DbQuery *sqlite_new_query(void)
{
    return (DbQuery *)g_new0(SqliteQuery, 1);
}

static void sqlite_prepare(DbQuery *q, const char *sql)
{
    SqliteQuery *self = (SqliteQuery *)q;
    q->prepared = sqlite3_prepare_v3(own(q->db)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                      &self->statement, NULL) == SQLITE_OK;
    if (!q->prepared)
        note_fault(q, "prepare");
    int n = q->prepared ? sqlite3_bind_parameter_count(self->statement) : 0;
    for (int place = 1; place <= n; place++) {
        const char *name = sqlite3_bind_parameter_name(self->statement, place);
        gint64 number = name && name[0] == '$' ? g_ascii_strtoll(name + 1, NULL, 10) : 0;
        g_assert(number >= 1 && number <= MOST_PARAMETERS);
        self->places[number] = (guint8)place;
    }
}

static int place_of(DbQuery *q, int i)
{
    g_assert(i >= 1 && i <= MOST_PARAMETERS);
    return ((SqliteQuery *)q)->places[i]; /* 0, which SQLite refuses, if there is no such $i */
}

static void check_bound(DbQuery *q, int code)
{
    if (code != SQLITE_OK)
        note_fault(q, "bind");
}

static void sqlite_bind_int(DbQuery *q, int i, gint64 value)
{
    check_bound(q, sqlite3_bind_int64(statement_of(q), place_of(q, i), value));
}

static void sqlite_bind_text(DbQuery *q, int i, const char *text)
{
    check_bound(q, sqlite3_bind_text(statement_of(q), place_of(q, i), text, -1, SQLITE_STATIC));
}

static void sqlite_bind_blob(DbQuery *q, int i, const void *data, gsize n)
{
    check_bound(q, sqlite3_bind_blob64(statement_of(q), place_of(q, i), data, n, SQLITE_STATIC));
}

static void sqlite_bind_blob_copy(DbQuery *q, int i, const void *data, gsize n)
{
    check_bound(q, sqlite3_bind_blob64(statement_of(q), place_of(q, i), data, n, SQLITE_TRANSIENT));
}

static void sqlite_step(DbQuery *q)
{
    int code = sqlite3_step(statement_of(q));
    q->has_row = code == SQLITE_ROW;
    q->ended = code != SQLITE_ROW;
    if (code == SQLITE_INTERRUPT)
        q->error = g_error_new_literal(
            ABS_ERROR, ABS_ERROR_STORE, "database: the read took too long and was broken off");
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        note_fault(q, "run");
}

static void sqlite_reset(DbQuery *q)
{
    sqlite3_reset(statement_of(q)); /* repeats the error of the step: already noted */
    sqlite3_clear_bindings(statement_of(q));
}

static void sqlite_free_query(DbQuery *q)
{
    sqlite3_finalize(statement_of(q));
    g_free(q);
}

static gint64 sqlite_read_int(DbQuery *q, int column)
{
    return sqlite3_column_int64(statement_of(q), column);
}

static const char *sqlite_read_text(DbQuery *q, int column)
{
    return (const char *)sqlite3_column_text(statement_of(q), column);
}

static const void *sqlite_read_blob(DbQuery *q, int column, gsize *n)
{
    sqlite3_stmt *statement = statement_of(q);
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return NULL;
    const void *data = sqlite3_column_blob(statement, column);
    *n = (gsize)sqlite3_column_bytes(statement, column);
    return data ? data : ""; /* an empty value is not NULL */
}

static gboolean sqlite_is_null(DbQuery *q, int column)
{
    return sqlite3_column_type(statement_of(q), column) == SQLITE_NULL;
}

/* --- The connection -------------------------------------------------------------------------- */

static gboolean sqlite_exec(Db *db, const char *sql, GError **error)
{
    if (sqlite3_exec(own(db)->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return TRUE;
    g_propagate_error(error, fault_of(own(db), "run"));
    return FALSE;
}

static gint64 sqlite_last_insert_id(Db *db)
{
    return sqlite3_last_insert_rowid(own(db)->handle);
}

static gint64 sqlite_changes(Db *db)
{
    return sqlite3_changes64(own(db)->handle);
}

static gboolean sqlite_has_table(Db *db, const char *table, gboolean *has, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1");
    db_bind_text(q, 1, table);
    gboolean found = db_next(q);
    if (!db_finish(q, error))
        return FALSE;
    *has = found;
    return TRUE;
}

static gboolean sqlite_in_transaction(Db *db)
{
    return !sqlite3_get_autocommit(own(db)->handle);
}

/* Folds the log back into the database: when it has grown by LIMIT_STORE_WAL_BYTES, and when there
 * is nothing else to do. A reader may keep part of it back; that part waits for the next time.
 * A failure loses nothing (the log is still there) and is tried again after the next commit, unless
 * it was a sync that failed. */
static void sqlite_maintain(Db *db, gboolean idle)
{
    SqliteDb *self = own(db);
    int waiting = self->wal_pages - self->wal_pages_saved;
    if (waiting > 0 && (idle || waiting >= self->wal_pages_most)) {
        int saved = 0;
        CRASH_POINT("checkpoint_due");
        if (sqlite3_wal_checkpoint_v2(
                self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &saved) == SQLITE_OK)
            self->wal_pages_saved = saved;
        else
            note_trouble(self, sqlite3_extended_errcode(self->handle));
        CRASH_POINT("checkpoint_over");
    }
    if (idle)
        sqlite3_db_release_memory(self->handle);
}

const DbDriver db_driver_sqlite = {
    .name = "sqlite",
    .begin_write = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN",
    .open = sqlite_open,
    .close = sqlite_close,
    .new_query = sqlite_new_query,
    .prepare = sqlite_prepare,
    .bind_int = sqlite_bind_int,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .bind_blob_copy = sqlite_bind_blob_copy,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .free_query = sqlite_free_query,
    .read_int = sqlite_read_int,
    .read_text = sqlite_read_text,
    .read_blob = sqlite_read_blob,
    .is_null = sqlite_is_null,
    .exec = sqlite_exec,
    .last_insert_id = sqlite_last_insert_id,
    .changes = sqlite_changes,
    .has_table = sqlite_has_table,
    .in_transaction = sqlite_in_transaction,
    .maintain = sqlite_maintain,
};
