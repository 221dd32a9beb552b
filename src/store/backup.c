#include "store/backup.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/leak_point.h"
#include "base/limits.h"
#include "store/database_file.h"
#include "store/space.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Where the file says how it is written (https://sqlite.org/fileformat2.html, 1.3.3). */
#define JOURNAL_MODE_OFFSET 18

typedef struct {
    Store *store;
    char *database, *log; /* what is copied, and the file beside it that grows meanwhile */
    const char *path;     /* what the backup will be called; borrowed */
    char *folder, *part;
    gboolean may_replace, began_low; /* low: less is free than the store keeps for mail */
    BackupProgress progress;
    gpointer user;
    guint pages_total, page_bytes;

    int fd; /* of the part */
    sqlite3 *source, *target;
    sqlite3_backup *copying;
} Copy;

/* --- May it be written there? ---------------------------------------------------------------- */

/* The name under which the store has opened its file. */
static char *read_database_path(Store *store, GError **error)
{
    Db *db = store_reader_take(store);
    char *path = NULL;
    {
        g_autoptr(DbQuery) q =
            db_query(db, "SELECT file FROM pragma_database_list WHERE name = 'main'");
        if (db_next(q))
            path = db_dup_text(q, 0);
        db_finish(q, error);
    }
    store_reader_give(store, db);
    return path;
}

/* Looked at without opening: to close any descriptor of a database drops the locks that this
 * process holds on it (POSIX), and the log and its index have theirs too. */
static gboolean is_in_use(const Copy *self, const struct stat *target)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *name = g_strconcat(self->database, endings[i], NULL);
        struct stat file;
        if (stat(name, &file) == 0 && file.st_dev == target->st_dev &&
            file.st_ino == target->st_ino)
            return TRUE;
    }
    return FALSE;
}

/* By what seal() wrote. Somebody else's database is none, nor is one of ours that was in use. */
static gboolean is_backup(const char *path)
{
    char header[DATABASE_APPLICATION_OFFSET + DATABASE_APPLICATION_BYTES];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    gboolean is_one = fd >= 0 && read(fd, header, sizeof header) == (gssize)sizeof header &&
                      memcmp(header, DATABASE_MAGIC, sizeof DATABASE_MAGIC) == 0 &&
                      memcmp(header + DATABASE_APPLICATION_OFFSET, DATABASE_APPLICATION_BACKUP,
                          DATABASE_APPLICATION_BYTES) == 0;
    if (fd >= 0)
        close(fd);
    return is_one;
}

static gboolean check_target(const Copy *self, GError **error)
{
    struct stat file;
    if (!g_path_is_absolute(self->path) || g_str_has_suffix(self->path, "/")) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "%s is not the full path of a file; it must begin with /", self->path);
        return FALSE;
    }
    if (lstat(self->path, &file) != 0) {
        if (errno == ENOENT)
            return TRUE;
        database_file_set_error(error, self->path, errno);
        return FALSE;
    }
    if (is_in_use(self, &file)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "%s is the database in use, which cannot be its own backup", self->path);
        return FALSE;
    }
    if (!self->may_replace) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "%s exists already", self->path);
        return FALSE;
    }
    if (!S_ISREG(file.st_mode) || !is_backup(self->path)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "%s is no backup; only a backup is replaced by one", self->path);
        return FALSE;
    }
    return TRUE;
}

/* On the database's own disk the floor is kept: a backup must not stop the mail. */
static gint64 kept_bytes(const Copy *self)
{
    struct stat here, there;
    if (stat(self->database, &here) != 0 || stat(self->folder, &there) != 0 ||
        here.st_dev != there.st_dev)
        return 0;
    StoreSpace space;
    store_space(self->store, &space);
    return space.floor_bytes;
}

static gboolean check_space(const Copy *self, gint64 needed, GError **error)
{
    struct statvfs disk;
    needed += kept_bytes(self);
    if (statvfs(self->folder, &disk) != 0)
        return TRUE; /* then writing will tell */
    gint64 free_bytes = (gint64)disk.f_bavail * (gint64)disk.f_frsize;
    if (free_bytes >= needed)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_IO,
        "the backup needs %" G_GINT64_FORMAT " MiB more than may be used in %s",
        (needed - free_bytes) / (1024 * 1024) + 1, self->folder);
    return FALSE;
}

/* --- Opening --------------------------------------------------------------------------------- */

static void set_source_error(const Copy *self, GError **error)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_STORE, "the database cannot be read: %s (SQLite %d)",
        sqlite3_errmsg(self->source), sqlite3_extended_errcode(self->source));
}

/* Full disks are the usual case. code: of the target, or of a step. */
static void set_target_error(const Copy *self, int code, GError **error)
{
    if ((code & 0xff) == SQLITE_FULL)
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO,
            "there is not enough space in %s for the backup", self->folder);
    else
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "the backup cannot be written: %s (SQLite %d)",
            sqlite3_errstr(code & 0xff), code);
}

/* The transaction begins with its first read; from there on it sees one moment. */
static gboolean open_source(Copy *self, GError **error)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(self->database, &self->source, flags, NULL) == SQLITE_OK &&
        sqlite3_extended_result_codes(self->source, 1) == SQLITE_OK &&
        sqlite3_busy_timeout(self->source, LIMIT_STORE_BUSY_MS) == SQLITE_OK &&
        sqlite3_exec(self->source,
            "PRAGMA cache_size = -1024; PRAGMA mmap_size = 0; PRAGMA query_only = ON;"
            "BEGIN; SELECT count(*) FROM sqlite_schema;",
            NULL, NULL, NULL) == SQLITE_OK)
        return TRUE;
    set_source_error(self, error);
    return FALSE;
}

static gboolean create_part(Copy *self, GError **error)
{
    g_autoptr(GError) fault = NULL;
    if (!g_file_test(self->folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no folder %s", self->folder);
        return FALSE;
    }
    self->fd = database_file_create(self->part, &fault);
    if (self->fd >= 0)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "the service cannot write in %s (%s)", self->folder,
        fault->message);
    return FALSE;
}

/* It needs neither a journal nor SQLite's syncs: until the rename it is nothing. */
static gboolean open_target(Copy *self, GError **error)
{
    if (!create_part(self, error))
        return FALSE;
    if (database_file_open(self->part, &self->target, SQLITE_OPEN_READWRITE) == SQLITE_OK &&
        sqlite3_extended_result_codes(self->target, 1) == SQLITE_OK &&
        sqlite3_exec(self->target,
            "PRAGMA cache_size = -1024; PRAGMA mmap_size = 0; PRAGMA locking_mode = EXCLUSIVE;"
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;",
            NULL, NULL, NULL) == SQLITE_OK)
        self->copying = sqlite3_backup_init(self->target, "main", self->source, "main");
    if (self->copying)
        return TRUE;
    set_target_error(self, sqlite3_extended_errcode(self->target), error);
    return FALSE;
}

/* --- Copying --------------------------------------------------------------------------------- */

static gboolean report(const Copy *self, guint pages_done, GError **error)
{
    if (!self->progress ||
        self->progress(pages_done, self->pages_total, self->page_bytes, self->user))
        return TRUE;
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_BUSY, "the backup was broken off");
    return FALSE;
}

static gboolean check_log(const Copy *self, GError **error)
{
    struct stat log;
    if (stat(self->log, &log) != 0 || log.st_size <= LIMIT_BACKUP_LOG_BYTES)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_IO,
        "more was written to the database than may wait beside a backup (%d MiB): %s is too slow",
        LIMIT_BACKUP_LOG_BYTES / (1024 * 1024), self->folder);
    return FALSE;
}

/* Another disk does not help: the log beside the database grows while it is copied. Who begins with
 * little space may do so, to save what is there. */
static gboolean is_low(const Copy *self)
{
    StoreSpace space;
    store_space(self->store, &space);
    return space.is_low;
}

static gboolean check_room_for_mail(const Copy *self, GError **error)
{
    if (self->began_low || !is_low(self))
        return TRUE;
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_IO,
        "the database's disk became so full that no more mail was taken; the backup was ended to "
        "make room");
    return FALSE;
}

static guint read_page_bytes(sqlite3 *handle)
{
    sqlite3_stmt *statement = NULL;
    guint page_bytes = 0;
    if (sqlite3_prepare_v2(handle, "PRAGMA page_size", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        page_bytes = (guint)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return page_bytes;
}

/* How many pages there are is known after a step, which may be one of none. */
static gboolean measure(Copy *self, GError **error)
{
    int code = sqlite3_backup_step(self->copying, 0);
    if (code != SQLITE_OK) {
        set_target_error(self, code, error);
        return FALSE;
    }
    self->pages_total = (guint)sqlite3_backup_pagecount(self->copying);
    self->page_bytes = read_page_bytes(self->source);
    gint64 needed = (gint64)self->page_bytes * self->pages_total;
    return check_space(self, needed, error) && report(self, 0, error);
}

/* The disk begins with each step's pages at once: a file of gigabytes that is written out only when
 * it is synced would hold up everybody else's syncs. */
static gboolean copy_pages(Copy *self, GError **error)
{
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(self->copying, LIMIT_BACKUP_STEP_PAGES);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            break;
        sync_file_range(self->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        guint left = (guint)sqlite3_backup_remaining(self->copying);
        if (!report(self, self->pages_total - left, error) || !check_log(self, error) ||
            !check_room_for_mail(self, error))
            return FALSE;
    }
    if (code != SQLITE_DONE) {
        set_target_error(self, code, error);
        return FALSE;
    }
    code = sqlite3_backup_finish(g_steal_pointer(&self->copying));
    if (code != SQLITE_OK)
        set_target_error(self, code, error);
    return code == SQLITE_OK;
}

static void close_connections(Copy *self)
{
    if (self->copying)
        sqlite3_backup_finish(g_steal_pointer(&self->copying));
    sqlite3_close(g_steal_pointer(&self->target));
    sqlite3_close(g_steal_pointer(&self->source));
}

/* --- Making it the backup -------------------------------------------------------------------- */

static gboolean wants_on(gpointer user)
{
    const Copy *self = user;
    return report(self, self->pages_total, NULL);
}

/* Says "no log" and "a backup" in the header, which the copied page does not: the file must be
 * readable alone, on a disk where nothing can be written too. */
static gboolean seal(Copy *self, GError **error)
{
    static const guint8 rollback_journal[2] = {1, 1};
    if (pwrite(self->fd, rollback_journal, sizeof rollback_journal, JOURNAL_MODE_OFFSET) !=
            (gssize)sizeof rollback_journal ||
        pwrite(self->fd, DATABASE_APPLICATION_BACKUP, DATABASE_APPLICATION_BYTES,
            DATABASE_APPLICATION_OFFSET) != DATABASE_APPLICATION_BYTES ||
        fsync(self->fd) != 0) {
        database_file_set_error(error, self->part, errno);
        return FALSE;
    }
    LEAK_APPEND("backup", self->part);
    g_autoptr(GError) fault = NULL;
    if (database_file_check(self->part, "PRAGMA quick_check(1)", wants_on, self, &fault))
        return TRUE;
    if (g_error_matches(fault, ABS_ERROR, ABS_ERROR_BUSY))
        g_propagate_error(error, g_steal_pointer(&fault));
    else
        g_set_error(error, ABS_ERROR, ABS_ERROR_STORE,
            "the copy is damaged, and so probably is the database: %s", fault->message);
    return FALSE;
}

static gboolean replace(const Copy *self, GError **error)
{
    if (!check_target(self, error))
        return FALSE;
    if (g_rename(self->part, self->path) == 0)
        return TRUE;
    database_file_set_error(error, self->path, errno);
    return FALSE;
}

static gboolean put_in_place(const Copy *self, GError **error)
{
    gboolean is_there = self->may_replace ? replace(self, error)
                                          : database_file_move(self->part, self->path, error);
    CRASH_POINT("backup_in_place");
    return is_there && database_file_sync_folder(self->folder, error);
}

static gboolean make(Copy *self, GError **error)
{
    self->database = read_database_path(self->store, error);
    if (!self->database)
        return FALSE;
    self->log = g_strconcat(self->database, "-wal", NULL);
    if (!check_target(self, error) || !open_source(self, error) || !open_target(self, error) ||
        !measure(self, error) || !copy_pages(self, error))
        return FALSE;
    close_connections(self);
    if (!seal(self, error))
        return FALSE;
    CRASH_POINT("backup_sealed"); /* and not where it is looked for */
    return put_in_place(self, error);
}

gboolean store_backup(Store *store, const char *path, gboolean may_replace, BackupProgress progress,
    gpointer user, GError **error)
{
    Copy self = {.store = store,
        .path = path,
        .folder = g_path_get_dirname(path),
        .part = g_strconcat(path, BACKUP_PART_ENDING, NULL),
        .may_replace = may_replace,
        .progress = progress,
        .user = user,
        .fd = -1};
    self.began_low = is_low(&self);
    gboolean done = make(&self, error);
    close_connections(&self);
    if (self.fd >= 0) {
        close(self.fd);
        if (!done)
            g_unlink(self.part);
    }
    g_free(self.database);
    g_free(self.log);
    g_free(self.folder);
    g_free(self.part);
    return done;
}
