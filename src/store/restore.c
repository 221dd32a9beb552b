#include "store/backup.h"

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
    int lock_fd; /* of the former database: no daemon may begin with it now */
    int part_fd;
    StoreRestoreFault fault; /* of what fails; OTHER unless known */
} Restore;

/* What may lie beside a database and is part of its state: beside another one SQLite would take it
 * for its own. The index of the log (-shm) is made anew. */
static const char *const companions[] = {"-wal", "-journal"};

/* --- The folder ------------------------------------------------------------------------------ */

static void name_files(Restore *self)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    self->database = g_build_filename(self->folder, DATABASE, NULL);
    self->part = g_strconcat(self->database, ".part", NULL);
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

/* The file itself with "". What is not there need not be moved. */
static gboolean move_beside(const char *from, const char *to, const char *ending, GError **error)
{
    g_autofree char *old = g_strconcat(from, ending, NULL), *new = g_strconcat(to, ending, NULL);
    return !is_there(old) || database_file_move(old, new, error);
}

/* The daemon holds the same lock for as long as it runs. */
static gboolean lock_former(Restore *self, GError **error)
{
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

static gboolean copy_bytes(const Restore *self, int from, GError **error)
{
    g_autofree char *buffer = g_malloc(COPY_BYTES);
    gssize n;
    while ((n = read(from, buffer, COPY_BYTES)) > 0) {
        for (gssize written = 0; written < n;) {
            gssize step = write(self->part_fd, buffer + written, (gsize)(n - written));
            if (step < 0) {
                database_file_set_error(error, self->part, errno);
                return FALSE;
            }
            written += step;
        }
    }
    if (n == 0)
        return TRUE;
    database_file_set_error(error, self->backup, errno);
    return FALSE;
}

static gboolean copy_backup(Restore *self, GError **error)
{
    int from = open_backup(self, error);
    if (from < 0)
        return FALSE;
    self->part_fd = database_file_create(self->part, error);
    gboolean is_copied = self->part_fd >= 0 && copy_bytes(self, from, error);
    close(from);
    return is_copied;
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
           db_exec(db, "DELETE FROM sessions", error);
}

/* The schema is brought up to date on the way; closing it leaves one file without a log. */
static gboolean prepare(Restore *self, StoreRestored *facts, GError **error)
{
    const StoreConfig config = {.path = self->part, .full_sync = TRUE};
    g_autoptr(Store) store = store_open(&config, NULL, error);
    return store && check_key(self, store, error) && store_run(store, prepare_job, facts, error);
}

/* --- Putting it in place --------------------------------------------------------------------- */

static gboolean move_aside(const Restore *self, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++) {
        if (!move_beside(self->database, self->aside, companions[i], error))
            return FALSE;
    }
    remove_beside(self->database, "-shm");
    return move_beside(self->database, self->aside, "", error);
}

/* Not if somebody else's database has got the name meanwhile. */
static void move_back(const Restore *self)
{
    if (!move_beside(self->aside, self->database, "", NULL))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++)
        move_beside(self->aside, self->database, companions[i], NULL);
}

/* The name is free for a moment; a daemon that starts just then makes a new database, and the move,
 * which never replaces, fails. */
static gboolean put_in_place(const Restore *self, GError **error)
{
    if (fsync(self->part_fd) != 0) {
        database_file_set_error(error, self->part, errno);
        return FALSE;
    }
    if (move_aside(self, error) && database_file_sync_folder(self->folder, error) &&
        database_file_move(self->part, self->database, error))
        return database_file_sync_folder(self->folder, error);
    move_back(self);
    return FALSE;
}

/* --- All of it ------------------------------------------------------------------------------- */

/* With what a restore that was killed may have left beside it. */
static void remove_part(const Restore *self)
{
    remove_beside(self->part, "");
    remove_beside(self->part, "-shm");
    for (gsize i = 0; i < G_N_ELEMENTS(companions); i++)
        remove_beside(self->part, companions[i]);
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
    StoreRestored *restored, GError **error)
{
    Restore self = {.backup = backup,
        .folder = data_dir,
        .may_replace = may_replace,
        .lock_fd = -1,
        .part_fd = -1};
    StoreRestored facts = {0};
    name_files(&self);
    gboolean done = check_folder(&self, error);
    if (done) {
        remove_part(&self);
        done = copy_backup(&self, error) && check_soundness(&self, error) &&
               check_kind(&self, error) && prepare(&self, &facts, error) &&
               put_in_place(&self, error);
        if (!done)
            remove_part(&self);
    }
    facts.kept_aside = done && is_there(self.aside) ? g_strdup(self.aside) : NULL;
    *restored = done ? facts : (StoreRestored){.fault = self.fault};
    restore_clear(&self);
    return done;
}
