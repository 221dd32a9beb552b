#include "store/space.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The reserve goes when less than its own size is free, and comes back when that much more than
 * this would be left. The distance keeps it from coming and going. */
#define COMES_BACK_BYTES (3 * LIMIT_STORE_RESERVE_BYTES)

#define BLOCK_BYTES 512 /* the unit of st_blocks */

struct space {
    char *path, *reserve_path;
    gint64 floor_bytes; /* 0: the default */

    GMutex lock; /* guards the rest, and the file */
    gboolean has_reserve;
    gint64 looked_at_us; /* monotonic; 0: never */
    StoreSpace seen;
};

void space_judge(gint64 total_bytes, gint64 free_bytes, gboolean lacks_reserve,
    gint64 configured_floor_bytes, StoreSpace *space)
{
    gint64 share = total_bytes / 100 * LIMIT_STORE_FLOOR_PERCENT;
    gint64 owed = lacks_reserve ? LIMIT_STORE_RESERVE_BYTES : 0;
    space->floor_bytes =
        configured_floor_bytes > 0 ? configured_floor_bytes : MIN(LIMIT_STORE_FLOOR_BYTES, share);
    space->free_bytes = MAX(free_bytes - owed, 0);
    space->is_low = space->free_bytes < space->floor_bytes;
}

/* --- The reserve ------------------------------------------------------------------------------ */

/* One of an earlier run counts if its room is really taken. */
static gboolean reserve_is_there(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) &&
           (gint64)file.st_blocks * BLOCK_BYTES >= LIMIT_STORE_RESERVE_BYTES;
}

/* For file systems that cannot preallocate. */
static gboolean fill_with_zeros(int fd)
{
    static const guint8 zeros[64 * 1024];
    for (gint64 written = 0; written < LIMIT_STORE_RESERVE_BYTES;) {
        ssize_t n = write(fd, zeros, sizeof zeros);
        if (n <= 0)
            return FALSE;
        written += n;
    }
    return TRUE;
}

static gboolean reserve_make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return FALSE;
    gboolean made = fallocate(fd, 0, 0, LIMIT_STORE_RESERVE_BYTES) == 0 ||
                    ((errno == EOPNOTSUPP || errno == ENOSYS) && fill_with_zeros(fd));
    close(fd);
    if (!made)
        unlink(path);
    return made;
}

static void reserve_give_up(Space *space)
{
    if (!space->has_reserve)
        return;
    space->has_reserve = FALSE;
    if (unlink(space->reserve_path) == 0)
        g_warning("the disk is full: the reserve was given up, so that outcomes can be written");
    else
        g_warning("the disk is full, and the reserve file cannot be removed");
}

static void reserve_restore(Space *space)
{
    space->has_reserve = reserve_make(space->reserve_path);
    if (space->has_reserve && space->looked_at_us > 0)
        g_message("the disk has room again: the reserve was made anew");
}

/* --- Looking ---------------------------------------------------------------------------------- */

static gboolean ask(const Space *space, gint64 *total_bytes, gint64 *free_bytes)
{
    struct statvfs disk;
    if (statvfs(space->path, &disk) != 0)
        return FALSE;
    *total_bytes = (gint64)(disk.f_blocks * disk.f_frsize);
    *free_bytes = (gint64)(disk.f_bavail * disk.f_frsize);
    return TRUE;
}

/* A file system that does not answer is not what keeps mail from being taken: the commit decides.
 */
static void look(Space *space)
{
    gint64 total = 0, free_now = 0;
    if (!ask(space, &total, &free_now))
        return;
    gboolean had_reserve = space->has_reserve;
    if (space->has_reserve && free_now < LIMIT_STORE_RESERVE_BYTES)
        reserve_give_up(space);
    else if (space->reserve_path && !space->has_reserve && free_now >= COMES_BACK_BYTES)
        reserve_restore(space);
    if (had_reserve != space->has_reserve)
        ask(space, &total, &free_now);
    gboolean was_low = space->seen.is_low;
    space_judge(total, free_now, space->reserve_path && !space->has_reserve, space->floor_bytes,
        &space->seen);
    if (space->seen.is_low != was_low)
        g_message(was_low ? "mail is taken again: %" G_GINT64_FORMAT " bytes of disk are free"
                          : "no mail is taken: only %" G_GINT64_FORMAT " bytes of disk are free",
            space->seen.free_bytes);
}

/* With the lock held. */
static void look_if_due(Space *space)
{
    gint64 now = g_get_monotonic_time();
    if (space->looked_at_us > 0 && now - space->looked_at_us < LIMIT_STORE_LOOK_MS * 1000)
        return;
    look(space);
    space->looked_at_us = now;
}

void space_look(Space *space)
{
    g_mutex_lock(&space->lock);
    look_if_due(space);
    g_mutex_unlock(&space->lock);
}

void space_ran_out(Space *space)
{
    g_mutex_lock(&space->lock);
    reserve_give_up(space);
    space->seen.is_low = TRUE; /* until the next look */
    g_mutex_unlock(&space->lock);
}

void space_read(Space *space, StoreSpace *seen)
{
    g_mutex_lock(&space->lock);
    look_if_due(space);
    *seen = space->seen;
    g_mutex_unlock(&space->lock);
}

Space *space_new(const char *database_path, const char *reserve_path, gint64 floor_bytes)
{
    Space *space = g_new0(Space, 1);
    space->path = g_strdup(database_path);
    space->reserve_path = g_strdup(reserve_path);
    space->floor_bytes = floor_bytes;
    space->has_reserve = reserve_path && reserve_is_there(reserve_path);
    g_mutex_init(&space->lock);
    space_look(space);
    return space;
}

void space_free(Space *space)
{
    if (!space)
        return;
    g_mutex_clear(&space->lock);
    g_free(space->path);
    g_free(space->reserve_path);
    g_free(space);
}
