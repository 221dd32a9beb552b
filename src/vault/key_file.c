#include "vault/key_file.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path taken apart once, so that the directory that was checked is the one that is used. */
typedef struct {
    const char *path; /* for messages */
    char *name;
    int dir_fd;
    gboolean is_credential; /* systemd made it, and lets us read it */
} KeyFile;

G_GNUC_PRINTF(3, 4)
static void fail(const KeyFile *file, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *fault = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "key file %s %s", file->path, fault);
}

/* Who may write the directory may put another file in our file's place; a sticky directory allows
 * that to owners only. */
static gboolean open_directory(KeyFile *file, const char *dir, GError **error)
{
    struct stat facts;
    file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->dir_fd < 0 || fstat(file->dir_fd, &facts) != 0) {
        fail(file, error, "cannot be reached: its directory cannot be opened: %s",
            g_strerror(errno));
        return FALSE;
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & S_ISVTX) == 0) {
        fail(file, error, "is not safe: its directory may be written by others (mode %04o)",
            facts.st_mode & 07777u);
        return FALSE;
    }
    return TRUE;
}

/* systemd's files are root's (an access list lets us read them, which shows as the group's bits),
 * or ours where the file system knows no such lists. */
static gboolean check_credential(const KeyFile *file, const struct stat *facts, GError **error)
{
    if (!S_ISREG(facts->st_mode))
        fail(file, error, "is not a regular file");
    else if (facts->st_uid != 0 && facts->st_uid != geteuid())
        fail(file, error, "belongs to user %lu; a credential belongs to root or to user %lu",
            (unsigned long)facts->st_uid, (unsigned long)geteuid());
    else if ((facts->st_mode & (S_IWGRP | S_IRWXO)) != 0)
        fail(file, error, "is open to others (mode %04o)", facts->st_mode & 07777u);
    else
        return TRUE;
    return FALSE;
}

static gboolean check_facts(const KeyFile *file, int fd, GError **error)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        fail(file, error, "cannot be examined: %s", g_strerror(errno));
    else if (file->is_credential)
        return check_credential(file, &facts, error);
    else if (!S_ISREG(facts.st_mode))
        fail(file, error, "is not a regular file");
    else if (facts.st_nlink != 1)
        fail(file, error, "has %lu names (hard links); it must have one",
            (unsigned long)facts.st_nlink);
    else if (facts.st_uid != geteuid())
        fail(file, error, "belongs to user %lu; it must belong to user %lu, who runs this program",
            (unsigned long)facts.st_uid, (unsigned long)geteuid());
    else if ((facts.st_mode & S_IRWXO) != 0)
        fail(file, error, "is open to all users (mode %04o; it must be 0600)",
            facts.st_mode & 07777u);
    else if ((facts.st_mode & S_IRWXG) != 0)
        fail(file, error, "is open to its group (mode %04o; it must be 0600)",
            facts.st_mode & 07777u);
    else
        return TRUE;
    return FALSE;
}

/* Reads until n bytes or the end. -1 on error. */
static gssize read_fully(int fd, char *to, gsize n)
{
    gsize have = 0;
    while (have < n) {
        gssize got = read(fd, to + have, n - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (gsize)got;
    }
    return (gssize)have;
}

static Keyring *read_keys(const KeyFile *file, int fd, GError **error)
{
    char *text = sodium_malloc(LIMIT_KEY_FILE_BYTES + 1);
    if (text == NULL)
        g_error("out of memory for the key file");
    gssize n = read_fully(fd, text, LIMIT_KEY_FILE_BYTES + 1);
    Keyring *ring = NULL;
    if (n < 0) {
        fail(file, error, "cannot be read: %s", g_strerror(errno));
    } else {
        ring = keyring_parse(text, (gsize)n, error);
        if (ring == NULL)
            g_prefix_error(error, "key file %s ", file->path);
    }
    sodium_free(text);
    return ring;
}

static gboolean write_fully(int fd, const char *from, gsize n)
{
    while (n > 0) {
        gssize put = write(fd, from, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return FALSE;
        from += put;
        n -= (gsize)put;
    }
    return TRUE;
}

static gboolean write_durably(const KeyFile *file, int fd, const Secret *text)
{
    gsize n;
    const char *bytes = secret_reveal(text, &n);
    return write_fully(fd, bytes, n) && fsync(fd) == 0 && fsync(file->dir_fd) == 0;
}

/* An error number of 0: written. */
static int write_new(const KeyFile *file, const char *name, const Keyring *ring)
{
    int fd = openat(file->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    g_autoptr(Secret) text = keyring_format(ring);
    int fault = write_durably(file, fd, text) ? 0 : errno;
    close(fd);
    if (fault != 0) /* nothing was sealed with it yet, so it may go; a half-written one must */
        unlinkat(file->dir_fd, name, 0);
    return fault;
}

/* Makes the file with a new key. That it exists by now is no error: the caller reads it next. */
static gboolean create(const KeyFile *file, GError **error)
{
    g_autoptr(Keyring) ring = keyring_generate();
    int fault = write_new(file, file->name, ring);
    if (fault == 0 || fault == EEXIST)
        return TRUE;
    fail(file, error, "cannot be written: %s", g_strerror(fault));
    return FALSE;
}

static Keyring *open_file(const KeyFile *file, gboolean may_create, GError **error)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(file->dir_fd, file->name, flags);
    if (fd < 0 && errno == ENOENT && may_create) {
        if (!create(file, error))
            return NULL;
        fd = openat(file->dir_fd, file->name, flags);
    }
    if (fd < 0) {
        if (errno == ENOENT)
            fail(file, error,
                "is missing, and a new key could not open what is stored: put the key back");
        else if (errno == ELOOP)
            fail(file, error, "is a symbolic link; it must be the file itself");
        else
            fail(file, error, "cannot be opened: %s", g_strerror(errno));
        return NULL;
    }
    Keyring *ring = check_facts(file, fd, error) ? read_keys(file, fd, error) : NULL;
    close(fd);
    return ring;
}

static gboolean key_file_begin(KeyFile *file, const char *path, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(path);
    *file = (KeyFile){.path = path, .name = g_path_get_basename(path), .dir_fd = -1};
    return open_directory(file, dir, error);
}

static void key_file_end(KeyFile *file)
{
    if (file->dir_fd >= 0)
        close(file->dir_fd);
    g_free(file->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeyFile, key_file_end)

Keyring *key_file_open(const char *path, gboolean may_create, GError **error)
{
    g_auto(KeyFile) file = {.dir_fd = -1};
    return key_file_begin(&file, path, error) ? open_file(&file, may_create, error) : NULL;
}

Keyring *key_file_open_credential(const char *path, GError **error)
{
    g_auto(KeyFile) file = {.dir_fd = -1};
    if (!key_file_begin(&file, path, error))
        return NULL;
    file.is_credential = TRUE;
    return open_file(&file, FALSE, error);
}

/* --- Another in its place ----------------------------------------------------------------------
 */

static gboolean is_still(const KeyFile *file, const Keyring *former, GError **error)
{
    g_autoptr(Keyring) there = open_file(file, FALSE, error);
    if (there == NULL)
        return FALSE;
    if (keyring_equal(there, former))
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
        "key file %s was changed by somebody else since it was read: restart the service",
        file->path);
    return FALSE;
}

/* Without may_replace a key file that came to be meanwhile stays. Whatever happens `from` goes: it
 * holds all keys. */
static int take_name(const KeyFile *file, const char *from, gboolean may_replace)
{
    int failed = may_replace ? renameat(file->dir_fd, from, file->dir_fd, file->name)
                             : linkat(file->dir_fd, from, file->dir_fd, file->name, 0);
    int fault = failed == 0 ? 0 : errno;
    unlinkat(file->dir_fd, from, 0); /* after a rename there is nothing left to remove */
    return fault;
}

gboolean key_file_replace(
    const char *path, const Keyring *former, const Keyring *ring, GError **error)
{
    g_auto(KeyFile) file = {.dir_fd = -1};
    if (!key_file_begin(&file, path, error) || (former != NULL && !is_still(&file, former, error)))
        return FALSE;
    g_autofree char *beside = g_strconcat(file.name, ".new", NULL);
    unlinkat(file.dir_fd, beside, 0); /* of a change that was killed */
    int fault = write_new(&file, beside, ring);
    CRASH_POINT("key_file_written");
    if (fault == 0)
        fault = take_name(&file, beside, former != NULL);
    CRASH_POINT("key_file_renamed");
    if (fault == 0 && fsync(file.dir_fd) != 0)
        fault = errno;
    if (fault == 0)
        return TRUE;
    fail(&file, error, "cannot be written: %s", g_strerror(fault));
    return FALSE;
}
