#include "store/database_file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_BETWEEN_QUESTIONS 20000 /* of SQLite's machine: well under a millisecond */

void database_file_set_error(GError **error, const char *what, int number)
{
    g_set_error(error, ABS_ERROR, number == ENOENT ? ABS_ERROR_NOT_FOUND : ABS_ERROR_IO, "%s: %s",
        what, g_strerror(number));
}

int database_file_create(const char *path, GError **error)
{
    struct stat file;
    if (lstat(path, &file) == 0 && (S_ISREG(file.st_mode) || S_ISLNK(file.st_mode)))
        g_unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        database_file_set_error(error, path, errno);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

gboolean database_file_sync_folder(const char *folder, GError **error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean is_synced = fd >= 0 && fsync(fd) == 0;
    if (!is_synced)
        database_file_set_error(error, folder, errno);
    if (fd >= 0)
        close(fd);
    return is_synced;
}

/* SQLite's NOFOLLOW refuses a link anywhere in the path; one before the last place is usual. */
int database_file_open(const char *path, sqlite3 **handle, int flags)
{
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    char *real = realpath(folder, NULL);
    if (real == NULL)
        return SQLITE_CANTOPEN;
    g_autofree char *exact = g_build_filename(real, name, NULL);
    free(real);
    return sqlite3_open_v2(exact, handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
}

gboolean database_file_move(const char *from, const char *to, GError **error)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return TRUE;
    int number = errno;
    gboolean is_unknown = number == EINVAL || number == ENOSYS; /* to some network file systems */
    if (is_unknown && g_access(to, F_OK) != 0 && g_rename(from, to) == 0)
        return TRUE;
    if (number == EEXIST || is_unknown)
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "%s exists already", to);
    else
        database_file_set_error(error, to, number);
    return FALSE;
}

typedef struct {
    gboolean (*go_on)(gpointer);
    gpointer user;
    gboolean is_broken_off;
} Question;

static int ask(void *data)
{
    Question *question = data;
    question->is_broken_off = question->go_on && !question->go_on(question->user);
    return question->is_broken_off;
}

/* The first row is "ok", or the first fault found. */
static gboolean read_verdict(sqlite3 *handle, const char *pragma, GError **error)
{
    sqlite3_stmt *statement = NULL;
    gboolean is_sound = FALSE;
    if (sqlite3_prepare_v2(handle, pragma, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(statement, 0);
        is_sound = g_strcmp0(verdict, "ok") == 0;
        if (!is_sound)
            g_set_error(error, ABS_ERROR, ABS_ERROR_STORE, "%s", verdict ? verdict : "no verdict");
    } else {
        g_set_error(error, ABS_ERROR, ABS_ERROR_STORE, "%s", sqlite3_errmsg(handle));
    }
    sqlite3_finalize(statement);
    return is_sound;
}

gboolean database_file_check(const char *path, const char *pragma, gboolean (*go_on)(gpointer),
    gpointer user, GError **error)
{
    sqlite3 *handle = NULL;
    Question question = {go_on, user, FALSE};
    g_autoptr(GError) fault = NULL;
    if (database_file_open(path, &handle, SQLITE_OPEN_READONLY) == SQLITE_OK) {
        /* A file from somewhere else may have been made to do harm when it is read. */
        sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_progress_handler(handle, STEPS_BETWEEN_QUESTIONS, ask, &question);
        read_verdict(handle, pragma, &fault);
    } else {
        g_set_error(&fault, ABS_ERROR, ABS_ERROR_STORE, "%s", sqlite3_errmsg(handle));
    }
    sqlite3_close(handle);
    if (question.is_broken_off)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_BUSY, "broken off");
    if (question.is_broken_off || !fault)
        return !question.is_broken_off;
    g_propagate_error(error, g_steal_pointer(&fault));
    return FALSE;
}
