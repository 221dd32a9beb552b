#include "store/backup.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "store/database_file.h"
#include "store/db_driver.h"
#include "store/schema.h"
#include "store/smtp_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE "absender.db"
#define COPY_BYTES (1024 * 1024)

typedef struct {
    const char *backup, *folder; /* borrowed */
    gboolean may_replace;
    char *database, *part;
    char *aside; /* what the former database will be called */
    gboolean has_stopper;
    int lock_fd; /* of the former database: no daemon may begin with it now */
    int part_fd;
    uid_t caller; /* who takes on the folder's owner meanwhile */
    gid_t caller_group;
    StoreRestoreFault fault; /* of what fails; OTHER unless known */
    RestoreProgress progress;
    gpointer user;
} Restore;

/* A copy of bytes that somebody may be watching. */
typedef struct {
    int from, to;
    const char *name;         /* of the target, for the error */
    RestoreProgress progress; /* NULL: nobody */
    gpointer user;
    gint64 bytes_done, bytes_total;
} Copy;

/* What may lie beside a database and is part of its state: beside another one SQLite would take it
 * for its own. The index of the log (-shm) is made anew. */
static const char *const companions[] = {"-wal", "-journal"};

/* --- The folder ------------------------------------------------------------------------------ */

/* A stopper is a link at the name of the database, which no daemon opens: it says that a restore
 * got no further, and points to where the former database is kept. NULL: there is none. */
static char *read_stopper(const Restore *self)
{
    g_autofree char *target = g_file_read_link(self->database, NULL);
    return target && g_str_has_prefix(target, DATABASE ".replaced-")
               ? g_build_filename(self->folder, target, NULL)
               : NULL;
}

static void name_files(Restore *self)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    self->database = g_build_filename(self->folder, DATABASE, NULL);
    self->part = g_strconcat(self->database, ".part", NULL);
    self->aside = read_stopper(self);
    self->has_stopper = self->aside != NULL;
    if (!self->has_stopper)
        self->aside = g_strdup_printf("%s.replaced-%s", self->database, stamp);
}

static gboolean is_there(const char *path)
{
    struct stat file;
    return lstat(path, &file) == 0;
}

static gboolean is_beside(const char *database, const char *ending)
{
    g_autofree char *name = g_strconcat(database, ending, NULL);
    return is_there(name);
}

static void remove_beside(const char *database, const char *ending)
{
    g_autofree char *name = g_strconcat(database, ending, NULL);
    g_unlink(name);
}

/* What is not there need not be moved. */
static gboolean move_beside(const char *from, const char *to, const char *ending, GError **error)
{
    g_autofree char *old = g_strconcat(from, ending, NULL), *new = g_strconcat(to, ending, NULL);
    return !is_there(old) || database_file_move(old, new, error);
}

/* The daemon holds the same lock for as long as it runs. */
static gboolean lock_former(Restore *self, GError **error)
{
    if (self->has_stopper)
        return TRUE;
    self->lock_fd = open(self->database, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (self->lock_fd < 0 && errno == ENOENT)
        return TRUE;
    if (self->lock_fd < 0) {
        database_file_set_error(error, self->database, errno);
        return FALSE;
    }
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    self->fault = RESTORE_FAULT_RUNNING;
    g_set_error(error, ABS_ERROR, ABS_ERROR_BUSY,
        "an Absender runs on %s; a database in use is not replaced: stop it first", self->folder);
    return FALSE;
}

static gboolean check_folder(Restore *self, GError **error)
{
    if (!g_file_test(self->folder, G_FILE_TEST_IS_DIR)) {
        self->fault = RESTORE_FAULT_NO_FOLDER;
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no folder %s", self->folder);
        return FALSE;
    }
    if (!lock_former(self, error))
        return FALSE;
    if (self->may_replace || (!is_there(self->database) && !is_beside(self->database, "-wal")))
        return TRUE;
    self->fault = RESTORE_FAULT_EXISTS;
    g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
        "there is a database in %s already; --replace keeps it aside and restores the backup",
        self->folder);
    return FALSE;
}

/* --- The copy -------------------------------------------------------------------------------- */

static gboolean refuse_file(Restore *self, StoreRestoreFault fault, const char *why, GError **error)
{
    self->fault = fault;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "%s %s", self->backup, why);
    return FALSE;
}

/* A database copied by hand may have part of its state in the log beside it. */
static gboolean check_log(Restore *self, GError **error)
{
    g_autofree char *log = g_strconcat(self->backup, "-wal", NULL);
    struct stat file;
    if (stat(log, &file) != 0 || file.st_size == 0)
        return TRUE;
    return refuse_file(self, RESTORE_FAULT_HAND_COPY,
        "has a log (-wal) beside it: it was copied by hand from a database in use, and is not a "
        "backup",
        error);
}

static int open_backup(Restore *self, GError **error)
{
    struct stat file;
    char magic[sizeof DATABASE_MAGIC] = "";
    int fd = open(self->backup, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0) {
        self->fault = errno == ENOENT ? RESTORE_FAULT_NO_FILE : RESTORE_FAULT_OTHER;
        database_file_set_error(error, self->backup, errno);
    } else if (!S_ISREG(file.st_mode) ||
               pread(fd, magic, sizeof magic, 0) != (gssize)sizeof magic ||
               memcmp(magic, DATABASE_MAGIC, sizeof magic) != 0) {
        refuse_file(self, RESTORE_FAULT_NOT_A_BACKUP, "is not a backup of Absender", error);
    } else if (check_log(self, error)) {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static gboolean write_all(const Copy *copy, const char *bytes, gssize n, GError **error)
{
    while (n > 0) {
        gssize step = write(copy->to, bytes, (gsize)n);
        if (step < 0) {
            database_file_set_error(error, copy->name, errno);
            return FALSE;
        }
        bytes += step;
        n -= step;
    }
    return TRUE;
}

static gboolean copy_bytes(Copy *copy, GError **error)
{
    g_autofree char *buffer = g_malloc(COPY_BYTES);
    gssize n;
    while ((n = read(copy->from, buffer, COPY_BYTES)) > 0) {
        if (!write_all(copy, buffer, n, error))
            return FALSE;
        copy->bytes_done += n;
        if (copy->progress)
            copy->progress(copy->bytes_done, MAX(copy->bytes_done, copy->bytes_total), copy->user);
    }
    if (n == 0)
        return TRUE;
    database_file_set_error(error, copy->name, errno);
    return FALSE;
}

static gboolean copy_backup(Restore *self, int from, GError **error)
{
    struct stat facts;
    self->part_fd = database_file_create(self->part, error);
    Copy copy = {.from = from,
        .to = self->part_fd,
        .name = self->part,
        .progress = self->progress,
        .user = self->user,
        .bytes_total = fstat(from, &facts) == 0 ? facts.st_size : 0};
    return self->part_fd >= 0 && copy_bytes(&copy, error);
}

/* --- Is it sound, ours, and openable? -------------------------------------------------------- */

static gboolean check_soundness(Restore *self, GError **error)
{
    g_autoptr(GError) fault = NULL;
    if (database_file_check(self->part, "PRAGMA integrity_check(1)", NULL, NULL, &fault))
        return TRUE;
    self->fault = RESTORE_FAULT_DAMAGED;
    g_set_error(
        error, ABS_ERROR, ABS_ERROR_INPUT, "%s is damaged: %s", self->backup, fault->message);
    return FALSE;
}

/* Before the store opens it, which would make an Absender's database of any empty one. */
static gboolean check_kind(Restore *self, GError **error)
{
    static const char *const tables[] = {"schema_version", "instance", "key_checks", "recipients"};
    const StoreConfig config = {.path = self->part, .full_sync = TRUE};
    Db *db = db_open(&db_driver_sqlite, &config, DB_READER);
    gboolean is_ours = TRUE;
    gint64 version = 0;
    for (gsize i = 0; is_ours && i < G_N_ELEMENTS(tables); i++)
        is_ours = db->driver->has_table(db, tables[i], &is_ours, NULL) && is_ours;
    if (is_ours) {
        g_autoptr(DbQuery) q = db_query(db, "SELECT MAX(number) FROM schema_version");
        if (db_next(q))
            version = db_int(q, 0);
        is_ours = db_finish(q, NULL);
    }
    db_close(db);
    if (!is_ours)
        return refuse_file(self, RESTORE_FAULT_NOT_A_BACKUP, "is not a backup of Absender", error);
    if (version <= schema_n_files)
        return TRUE;
    self->fault = RESTORE_FAULT_NEWER;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
        "%s was made by a newer version of Absender (schema %" G_GINT64_FORMAT
        "; this one knows up to %u): restore it with that version",
        self->backup, version, schema_n_files);
    return FALSE;
}

/* The backup is opened with the key of the folder, never with a new one. */
static gboolean check_key(Restore *self, Store *store, GError **error)
{
    g_autofree char *path = g_build_filename(self->folder, "key", NULL);
    self->fault = is_there(path) ? RESTORE_FAULT_KEY : RESTORE_FAULT_NO_KEY;
    if (!is_there(path)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "the key file %s is missing; a backup never holds it: put the key there first", path);
        return FALSE;
    }
    g_autoptr(Vault) vault = vault_open(path, FALSE, error);
    if (!vault)
        return FALSE;
    vault_set_instance(vault, store_instance(store));
    if (!store_check_key(store, vault, error))
        return FALSE;
    self->fault = RESTORE_FAULT_OTHER;
    return TRUE;
}

/* --- What a restored database begins with ---------------------------------------------------- */

static gboolean read_facts(Db *db, StoreRestored *facts, GError **error)
{
    g_autoptr(DbQuery) waiting = db_query(db, "SELECT count(*) FROM recipients "
                                              "WHERE next_at IS NOT NULL");
    if (db_next(waiting))
        facts->waiting = db_int(waiting, 0);
    if (!db_finish(waiting, error))
        return FALSE;
    g_autoptr(DbQuery) newest = db_query(db, "SELECT MAX(created_at) FROM emails");
    if (db_next(newest))
        facts->newest_at = db_int(newest, 0);
    return db_finish(newest, error);
}

static gboolean pause_all(Db *db, GError **error)
{
    g_autoptr(DbQuery) orgs = db_query(db, "SELECT row FROM organisations");
    gboolean done = TRUE;
    while (done && db_next(orgs))
        done = smtp_sending_write(db, db_int(orgs, 0), FALSE, STORE_RESTORED_REASON, 0, "operator",
            clock_wall_ms(), error);
    return done && db_finish(orgs, error);
}

static gboolean prepare_job(Db *db, gpointer data, GError **error)
{
    return read_facts(db, data, error) && pause_all(db, error) &&
           db_exec(db, "DELETE FROM sessions", error) &&
           db_exec(db, "PRAGMA application_id = 0", error); /* a backup no more */
}

/* The schema is brought up to date on the way; closing it leaves one file without a log. */
static gboolean prepare(Restore *self, StoreRestored *facts, GError **error)
{
    const StoreConfig config = {.path = self->part, .full_sync = TRUE};
    g_autoptr(Store) store = store_open(&config, NULL, error);
    return store && check_key(self, store, error) && store_run(store, prepare_job, facts, error);
}

/* --- Keeping the former database ------------------------------------------------------------- */

typedef enum {
    FORMER_NONE,    /* there is none, or it is kept aside already */
    FORMER_WHOLE,   /* in one file */
    FORMER_DAMAGED, /* SQLite cannot read it, or leaves files beside it that may belong to it */
    FORMER_IN_USE,  /* with error: another program has it open */
} Former;

static void keep_log_when_closed(sqlite3 *handle, gboolean keeps)
{
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps, NULL);
}

/* Folds what a killed daemon left beside the database into it, as the next start would. Where that
 * does not succeed, the log stays: to close the file would remove it. */
static int fold(const char *database)
{
    sqlite3 *handle = NULL;
    int code = database_file_open(database, &handle, SQLITE_OPEN_READWRITE);
    if (code == SQLITE_OK) {
        keep_log_when_closed(handle, TRUE);
        /* The read rolls a journal back, if there is one. */
        code = sqlite3_exec(handle, "PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_schema",
            NULL, NULL, NULL);
    }
    if (code == SQLITE_OK)
        code = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (code == SQLITE_OK)
        keep_log_when_closed(handle, FALSE);
    sqlite3_close(handle);
    return code & 0xff;
}

/* SQLite leaves nothing beside a database that was closed, but what never belonged to it. */
static gboolean is_alone(const Restore *self)
{
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++) {
        if (is_beside(self->database, companions[i]))
            return FALSE;
    }
    return TRUE;
}

static Former settle_former(const Restore *self, GError **error)
{
    if (self->lock_fd < 0)
        return FORMER_NONE;
    int code = fold(self->database);
    if (code == SQLITE_OK && is_alone(self))
        return FORMER_WHOLE;
    if (code != SQLITE_BUSY)
        return FORMER_DAMAGED;
    g_set_error(error, ABS_ERROR, ABS_ERROR_BUSY, "%s: %s (SQLite %d)", self->database,
        sqlite3_errstr(code), code);
    return FORMER_IN_USE;
}

/* Where a file cannot have two names. */
static gboolean copy_aside(const char *from, const char *to, GError **error)
{
    int source = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0) {
        database_file_set_error(error, from, errno);
        return FALSE;
    }
    int target = database_file_create(to, error);
    Copy copy = {.from = source, .to = target, .name = to};
    gboolean done = target >= 0 && copy_bytes(&copy, error);
    if (done && fsync(target) != 0) {
        database_file_set_error(error, to, errno);
        done = FALSE;
    }
    if (target >= 0)
        close(target);
    close(source);
    return done;
}

/* Under a second name, and still under its own. The file itself with "". */
static gboolean keep_beside(const Restore *self, const char *ending, GError **error)
{
    g_autofree char *from = g_strconcat(self->database, ending, NULL);
    g_autofree char *to = g_strconcat(self->aside, ending, NULL);
    if (!is_there(from) || link(from, to) == 0)
        return TRUE;
    if (errno == EEXIST) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "%s exists already", to);
        return FALSE;
    }
    return copy_aside(from, to, error);
}

static void remove_companions(const char *database)
{
    remove_beside(database, "-shm");
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++)
        remove_beside(database, companions[i]);
}

/* What lies beside the name of a database that is not there: a new one would take it for its own.
 * Beside a stopper it is kept already. */
static gboolean clear_name(const Restore *self, GError **error)
{
    for (gsize i = 0; !self->has_stopper && i < G_N_ELEMENTS(companions); i++) {
        if (!move_beside(self->database, self->aside, companions[i], error))
            return FALSE;
    }
    remove_companions(self->database);
    return database_file_sync_folder(self->folder, error);
}

/* Files that belong together cannot change names together. So nothing starts between the steps. */
static gboolean put_stopper(Restore *self, GError **error)
{
    g_autofree char *target = g_path_get_basename(self->aside);
    g_autofree char *stopper = g_strconcat(self->database, ".stopper", NULL);
    g_unlink(stopper);
    self->has_stopper = symlink(target, stopper) == 0 && g_rename(stopper, self->database) == 0;
    if (self->has_stopper)
        return database_file_sync_folder(self->folder, error);
    database_file_set_error(error, stopper, errno);
    return FALSE;
}

static gboolean keep_damaged(Restore *self, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++) {
        if (!keep_beside(self, companions[i], error))
            return FALSE;
    }
    if (!database_file_sync_folder(self->folder, error) || !put_stopper(self, error))
        return FALSE;
    CRASH_POINT("restore_stopper_put");
    return clear_name(self, error);
}

static gboolean keep_former(Restore *self, Former former, GError **error)
{
    switch (former) {
    case FORMER_NONE:
        return clear_name(self, error);
    case FORMER_WHOLE:
        return keep_beside(self, "", error) && database_file_sync_folder(self->folder, error);
    case FORMER_DAMAGED:
        return keep_beside(self, "", error) && keep_damaged(self, error);
    case FORMER_IN_USE:
        break;
    }
    return FALSE;
}

/* --- Putting it in place --------------------------------------------------------------------- */

/* A daemon that starts while there is no former database, whose lock would stop it, makes a new
 * one, which is not replaced. */
static gboolean take_name(const Restore *self, GError **error)
{
    if (self->lock_fd < 0 && !self->has_stopper)
        return database_file_move(self->part, self->database, error);
    if (g_rename(self->part, self->database) == 0)
        return TRUE;
    database_file_set_error(error, self->database, errno);
    return FALSE;
}

/* At each moment the name has the former database with all it holds, or the restored one; only
 * while one that is damaged gives way, it has a stopper. */
static gboolean put_in_place(Restore *self, GError **error)
{
    if (fsync(self->part_fd) != 0) {
        database_file_set_error(error, self->part, errno);
        return FALSE;
    }
    CRASH_POINT("restore_prepared");
    Former former = settle_former(self, error);
    CRASH_POINT("restore_former_folded");
    if (!keep_former(self, former, error))
        return FALSE;
    CRASH_POINT("restore_former_kept");
    if (!take_name(self, error)) {
        if (former == FORMER_WHOLE)
            g_unlink(self->aside); /* its second name */
        return FALSE;
    }
    CRASH_POINT("restore_renamed");
    return database_file_sync_folder(self->folder, error);
}

/* --- All of it ------------------------------------------------------------------------------- */

/* The service must be able to open what root puts there, and reads no key of somebody else. So root
 * works in the folder as its owner. */
static gboolean become_owner(Restore *self, StoreRestored *facts, GError **error)
{
    struct stat folder;
    if (self->caller != 0 || stat(self->folder, &folder) != 0 || folder.st_uid == 0)
        return TRUE;
    if (setegid(folder.st_gid) == 0 && seteuid(folder.st_uid) == 0) {
        facts->owner = folder.st_uid;
        return TRUE;
    }
    database_file_set_error(error, self->folder, errno);
    return FALSE;
}

static void become_caller(const Restore *self)
{
    gboolean is_done = geteuid() == self->caller || seteuid(self->caller) == 0;
    is_done = is_done && (getegid() == self->caller_group || setegid(self->caller_group) == 0);
    g_assert(is_done); /* the right to go back is never given up */
}

/* With what a restore that was killed may have left beside it. */
static void remove_part(const Restore *self)
{
    remove_beside(self->part, "");
    remove_companions(self->part);
}

static gboolean run(Restore *self, int from, StoreRestored *facts, GError **error)
{
    if (!check_folder(self, error))
        return FALSE;
    remove_part(self);
    gboolean done = copy_backup(self, from, error) && check_soundness(self, error) &&
                    check_kind(self, error) && prepare(self, facts, error) &&
                    put_in_place(self, error);
    if (!done)
        remove_part(self);
    return done;
}

static void restore_clear(Restore *self)
{
    if (self->part_fd >= 0)
        close(self->part_fd);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    g_free(self->database);
    g_free(self->part);
    g_free(self->aside);
}

void store_restored_clear(StoreRestored *restored)
{
    g_clear_pointer(&restored->kept_aside, g_free);
}

gboolean store_restore(const char *backup, const char *data_dir, gboolean may_replace,
    RestoreProgress progress, gpointer user, StoreRestored *restored, GError **error)
{
    Restore self = {.backup = backup,
        .folder = data_dir,
        .may_replace = may_replace,
        .progress = progress,
        .user = user,
        .lock_fd = -1,
        .part_fd = -1,
        .caller = geteuid(),
        .caller_group = getegid()};
    StoreRestored facts = {0};
    name_files(&self);
    int from = open_backup(&self, error);
    gboolean done =
        from >= 0 && become_owner(&self, &facts, error) && run(&self, from, &facts, error);
    become_caller(&self);
    if (from >= 0)
        close(from);
    facts.kept_aside = done && is_there(self.aside) ? g_strdup(self.aside) : NULL;
    *restored = done ? facts : (StoreRestored){.fault = self.fault};
    restore_clear(&self);
    return done;
}
