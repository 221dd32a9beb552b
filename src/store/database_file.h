/* Database files as files: what backup and restore have in common. Internal to store/. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#define DATABASE_MAGIC "SQLite format 3" /* with its NUL: the first 16 octets of the file */

/* Where the file says whose it is (https://sqlite.org/fileformat2.html, 1.3.14). Only a backup says
 * "ABSB"; a database in use says nothing, so that it is never taken for one. */
#define DATABASE_APPLICATION_OFFSET 68
#define DATABASE_APPLICATION_BACKUP "ABSB"
#define DATABASE_APPLICATION_BYTES 4

/* "what: the system's words", ABS_ERROR_IO; ABS_ERROR_NOT_FOUND for ENOENT. number: an errno. */
void database_file_set_error(GError **error, const char *what, int number);

/* A new file with mode 0600 that no one else has open; a regular file or a link that is there is
 * removed first (it is a name of our own). -1 with error. */
int database_file_create(const char *path, GError **error);

/* Makes what was renamed in this folder durable. */
gboolean database_file_sync_folder(const char *folder, GError **error);

/* Renames without ever replacing: ABS_ERROR_CONFLICT if something is there. */
gboolean database_file_move(const char *from, const char *to, GError **error);

/* sqlite3_open_v2 that follows no link at the last place of the path, and any before it: SQLite
 * opens by name what database_file_create has made, and nothing that took its place. The caller
 * closes *handle, after a failure too. An SQLite code. */
int database_file_open(const char *path, sqlite3 **handle, int flags);

/* Runs "PRAGMA integrity_check(1)" or "PRAGMA quick_check(1)" on the file, read-only. go_on: asked
 * now and then, FALSE breaks off (ABS_ERROR_BUSY); NULL: never. ABS_ERROR_STORE with SQLite's first
 * complaint. */
gboolean database_file_check(const char *path, const char *pragma, gboolean (*go_on)(gpointer),
    gpointer user, GError **error);
