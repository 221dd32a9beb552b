#include "vault/key_file.h"

#include "base/error.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path taken apart once, so that the directory that was checked is the one that is used. */
typedef struct {
    const char *path; /* for messages */
    char *name;
    int dir_fd;
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

static gboolean check_facts(const KeyFile *file, int fd, GError **error)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        fail(file, error, "cannot be examined: %s", g_strerror(errno));
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

/* Makes the file with a new key. That it exists by now is no error: the caller reads it next. */
static gboolean create(const KeyFile *file, GError **error)
{
    int fd = openat(
        file->dir_fd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        if (errno == EEXIST)
            return TRUE;
        fail(file, error, "cannot be created: %s", g_strerror(errno));
        return FALSE;
    }
    g_autoptr(Keyring) ring = keyring_generate();
    g_autoptr(Secret) text = keyring_format(ring);
    gboolean written = write_durably(file, fd, text);
    int fault = errno;
    close(fd);
    if (!written) {
        /* Nothing was sealed with this key yet, so it may go; a half-written one must. */
        unlinkat(file->dir_fd, file->name, 0);
        fail(file, error, "cannot be written: %s", g_strerror(fault));
    }
    return written;
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

Keyring *key_file_open(const char *path, gboolean may_create, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    KeyFile file = {.path = path, .name = name, .dir_fd = -1};
    Keyring *ring = NULL;
    if (open_directory(&file, dir, error))
        ring = open_file(&file, may_create, error);
    if (file.dir_fd >= 0)
        close(file.dir_fd);
    return ring;
}
