#include "power_vfs.h"

#include "power_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNALS = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL };

typedef struct {
    sqlite3_file base;
    PowerFile *file;
    gboolean syncs_names;  /* with its first sync, as SQLite's own VFS does it */
    sqlite3_int64 real[1]; /* the real VFS's file begins here */
} Handle;

static struct {
    sqlite3_vfs vfs, *real;
    GMutex lock; /* guards what follows; readers have threads of their own */
    PowerDisk *disk;
    Random random;
    gboolean is_off, ignores_syncs;
    guint changes_left; /* until it goes off; 0: it stays on */
    PowerKind failing;
    PowerFault fault; /* 0: none */
    guint fault_in;   /* that many operations of the kind; 0: it has happened */
    guint64 counts[POWER_KINDS], n_drops;
} power;

static sqlite3_file *real_of(sqlite3_file *base)
{
    return (sqlite3_file *)(gpointer)((Handle *)base)->real;
}

static PowerFile *file_of(sqlite3_file *base)
{
    return ((Handle *)base)->file;
}

/* --- What may go wrong ----------------------------------------------------------------------- */

typedef enum {
    GOES = 0,
    IS_OFF,
    FAILS,
    IS_FULL,
} Fate;

/* Whether this operation is the one that meets the fault, or follows one that does not pass. */
static gboolean meets_fault(PowerKind kind)
{
    if (!power.fault || (power.failing != kind && power.failing != POWER_CHANGE))
        return FALSE;
    if (power.fault_in == 0)
        return power.fault == POWER_FULL;
    return --power.fault_in == 0;
}

/* Counts a change and says what becomes of it. Under the lock. */
static Fate fate_of(PowerKind kind)
{
    power.counts[kind]++;
    power.counts[POWER_CHANGE]++;
    if (power.changes_left > 0 && --power.changes_left == 0)
        power.is_off = TRUE;
    if (power.is_off)
        return IS_OFF;
    if (!meets_fault(kind))
        return GOES;
    return power.fault == POWER_FULL ? IS_FULL : FAILS;
}

/* --- Operations on files --------------------------------------------------------------------- */

static int vfs_close(sqlite3_file *base)
{
    int code = real_of(base)->pMethods->xClose(real_of(base));
    g_mutex_lock(&power.lock);
    power_file_release(file_of(base));
    g_mutex_unlock(&power.lock);
    return code;
}

static int vfs_read(sqlite3_file *base, void *data, int n, sqlite3_int64 offset)
{
    g_mutex_lock(&power.lock);
    gboolean is_off = power.is_off;
    g_mutex_unlock(&power.lock);
    if (is_off)
        return SQLITE_IOERR_READ;
    return real_of(base)->pMethods->xRead(real_of(base), data, n, offset);
}

/* As much of the write as happens: to the file that is shown, and pending on the disk. */
static int write_part(sqlite3_file *base, const void *data, int n, sqlite3_int64 offset)
{
    int code = n > 0 ? real_of(base)->pMethods->xWrite(real_of(base), data, n, offset) : SQLITE_OK;
    if (code == SQLITE_OK)
        power_file_write(file_of(base), offset, data, (gsize)n);
    return code;
}

static int vfs_write(sqlite3_file *base, const void *data, int n, sqlite3_int64 offset)
{
    int code = SQLITE_IOERR_WRITE;
    gboolean was_on;
    g_mutex_lock(&power.lock);
    was_on = !power.is_off;
    switch (fate_of(POWER_WRITE)) {
    case GOES:
        code = write_part(base, data, n, offset);
        break;
    case IS_OFF: /* the write at which it goes off may have reached the disk */
        if (was_on)
            power_file_write(file_of(base), offset, data, (gsize)n);
        break;
    case FAILS:
        break;
    case IS_FULL:
        write_part(base, data, n / 2, offset);
        code = SQLITE_FULL;
        break;
    }
    g_mutex_unlock(&power.lock);
    return code;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int code = SQLITE_IOERR_TRUNCATE;
    g_mutex_lock(&power.lock);
    if (fate_of(POWER_TRUNCATE) == GOES) {
        code = real_of(base)->pMethods->xTruncate(real_of(base), size);
        if (code == SQLITE_OK)
            power_file_truncate(file_of(base), size);
    }
    g_mutex_unlock(&power.lock);
    return code;
}

static void make_durable(Handle *handle)
{
    if (power.ignores_syncs)
        return;
    power_file_sync(handle->file);
    if (handle->syncs_names)
        power_disk_sync_names(power.disk);
    handle->syncs_names = FALSE;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    Handle *handle = (Handle *)base;
    int code = SQLITE_IOERR_FSYNC;
    g_mutex_lock(&power.lock);
    gboolean was_on = !power.is_off;
    switch (fate_of(POWER_SYNC)) {
    case GOES:
        make_durable(handle);
        code = SQLITE_OK;
        break;
    case IS_OFF: /* at the very end of the sync it went off in? */
        if (was_on && random_one_in(&power.random, 2))
            make_durable(handle);
        break;
    case FAILS:
    case IS_FULL:
        power_file_sync_failed(handle->file, &power.random);
        break;
    }
    g_mutex_unlock(&power.lock);
    return code;
}

static int vfs_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    return real_of(base)->pMethods->xFileSize(real_of(base), size);
}

static int vfs_lock(sqlite3_file *base, int level)
{
    return real_of(base)->pMethods->xLock(real_of(base), level);
}

static int vfs_unlock(sqlite3_file *base, int level)
{
    return real_of(base)->pMethods->xUnlock(real_of(base), level);
}

static int vfs_check_lock(sqlite3_file *base, int *is_reserved)
{
    return real_of(base)->pMethods->xCheckReservedLock(real_of(base), is_reserved);
}

static int vfs_control(sqlite3_file *base, int operation, void *argument)
{
    return real_of(base)->pMethods->xFileControl(real_of(base), operation, argument);
}

static int vfs_sector_size(sqlite3_file *base)
{
    return real_of(base)->pMethods->xSectorSize(real_of(base));
}

static int vfs_device(sqlite3_file *base)
{
    return real_of(base)->pMethods->xDeviceCharacteristics(real_of(base));
}

static int vfs_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **map)
{
    return real_of(base)->pMethods->xShmMap(real_of(base), page, size, extend, map);
}

static int vfs_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    return real_of(base)->pMethods->xShmLock(real_of(base), offset, n, flags);
}

static void vfs_shm_barrier(sqlite3_file *base)
{
    real_of(base)->pMethods->xShmBarrier(real_of(base));
}

static int vfs_shm_unmap(sqlite3_file *base, int deletes)
{
    return real_of(base)->pMethods->xShmUnmap(real_of(base), deletes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* shared memory; no mapping of the database */
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_file_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_lock,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_device,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

/* --- Operations on names --------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out)
{
    Handle *handle = (Handle *)base;
    handle->base.pMethods = NULL; /* nothing to close when it fails */
    g_mutex_lock(&power.lock);
    int code = power.is_off ? SQLITE_CANTOPEN
                            : power.real->xOpen(power.real, path, real_of(base), flags, out);
    if (code == SQLITE_OK) {
        g_assert(path); /* temporary files are in memory */
        handle->file = power_disk_open(power.disk, path);
        handle->syncs_names = (flags & SQLITE_OPEN_CREATE) && (flags & JOURNALS);
        handle->base.pMethods = &methods;
    }
    g_mutex_unlock(&power.lock);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder)
{
    int code = SQLITE_IOERR_DELETE;
    g_mutex_lock(&power.lock);
    if (fate_of(POWER_DELETE) == GOES) {
        code = power.real->xDelete(power.real, path, 0);
        if (code == SQLITE_OK)
            power_disk_remove(power.disk, path);
        if (code == SQLITE_OK && syncs_folder && !power.ignores_syncs)
            power_disk_sync_names(power.disk);
    }
    g_mutex_unlock(&power.lock);
    return code;
}

/* --- The page cache -------------------------------------------------------------------------- */

/* The file shows what the disk has, and what was written since. */
static void drop_cache(const char *path, PowerFile *file)
{
    g_autoptr(GByteArray) content = power_file_read_back(file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert(fd >= 0 && ftruncate(fd, 0) == 0);
    g_assert(pwrite(fd, content->data, content->len, 0) == (gssize)content->len);
    close(fd);
    file->has_failed = FALSE;
    power.n_drops++;
}

/* Stands in for libc's: the store asks for it when it opens its files. */
int posix_fadvise(int fd, off_t offset, off_t n, int advice)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *path = g_file_read_link(link, NULL);
    if (!path || advice != POSIX_FADV_DONTNEED || offset != 0 || n != 0)
        return EINVAL;
    g_mutex_lock(&power.lock);
    PowerFile *file = power_disk_open(power.disk, path);
    if (file->has_failed)
        drop_cache(path, file);
    power_file_release(file);
    g_mutex_unlock(&power.lock);
    return 0;
}

/* --- For the tests --------------------------------------------------------------------------- */

const char *power_name(void)
{
    return "power";
}

void power_plug_in(void)
{
    power.real = sqlite3_vfs_find(NULL);
    power.vfs = *power.real;
    power.vfs.pNext = NULL;
    power.vfs.zName = power_name();
    power.vfs.szOsFile = (int)offsetof(Handle, real) + power.real->szOsFile;
    power.vfs.xOpen = vfs_open;
    power.vfs.xDelete = vfs_delete;
    int code = sqlite3_vfs_register(&power.vfs, 0);
    g_assert(code == SQLITE_OK);
    power_new_disk(0);
}

void power_new_disk(guint64 seed)
{
    g_mutex_lock(&power.lock);
    g_clear_pointer(&power.disk, power_disk_free);
    power.disk = power_disk_new();
    power.random = random_for(seed, 0);
    power.is_off = power.ignores_syncs = FALSE;
    power.changes_left = 0;
    power.fault = (PowerFault)0;
    memset(power.counts, 0, sizeof power.counts);
    power.n_drops = 0;
    g_mutex_unlock(&power.lock);
}

void power_ignore_syncs(gboolean ignored)
{
    g_mutex_lock(&power.lock);
    power.ignores_syncs = ignored;
    g_mutex_unlock(&power.lock);
}

void power_off_after(guint n_changes)
{
    g_mutex_lock(&power.lock);
    power.changes_left = n_changes;
    g_mutex_unlock(&power.lock);
}

void power_off(void)
{
    g_mutex_lock(&power.lock);
    power.is_off = TRUE;
    g_mutex_unlock(&power.lock);
}

gboolean power_is_off(void)
{
    g_mutex_lock(&power.lock);
    gboolean is_off = power.is_off;
    g_mutex_unlock(&power.lock);
    return is_off;
}

void power_on(PowerOutcome outcome)
{
    g_mutex_lock(&power.lock);
    power_disk_cut(power.disk, &power.random, outcome);
    power.is_off = FALSE;
    power.changes_left = 0;
    power.fault = (PowerFault)0;
    g_mutex_unlock(&power.lock);
}

void power_fail(PowerKind kind, guint n, PowerFault fault)
{
    g_assert(n > 0);
    g_mutex_lock(&power.lock);
    power.failing = kind;
    power.fault_in = n;
    power.fault = fault;
    g_mutex_unlock(&power.lock);
}

void power_heal(void)
{
    g_mutex_lock(&power.lock);
    power.fault = (PowerFault)0;
    g_mutex_unlock(&power.lock);
}

gboolean power_has_failed(void)
{
    g_mutex_lock(&power.lock);
    gboolean has_failed = power.fault && power.fault_in == 0;
    g_mutex_unlock(&power.lock);
    return has_failed;
}

guint64 power_count(PowerKind kind)
{
    g_mutex_lock(&power.lock);
    guint64 n = power.counts[kind];
    g_mutex_unlock(&power.lock);
    return n;
}

guint64 power_count_cache_drops(void)
{
    g_mutex_lock(&power.lock);
    guint64 n = power.n_drops;
    g_mutex_unlock(&power.lock);
    return n;
}
