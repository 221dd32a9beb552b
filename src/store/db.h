/* The thin database driver: prepared statements with a sticky error. SQL is written once; what
 * differs between SQLite and PostgreSQL is named in db_driver.h and nowhere else. SQL text is
 * always a literal (make lint checks): values are bound.
 *
 *     g_autoptr(DbQuery) q =
 *         db_query(db, "SELECT state FROM recipients WHERE org_id = $1 AND row = $2");
 *     db_bind_int(q, 1, org_id);
 *     db_bind_int(q, 2, row);
 *     while (db_next(q))
 *         … db_int(q, 0) …
 *     if (!db_finish(q, error))
 *         return FALSE;
 *
 * A query must be out of scope before its connection is closed. */
#pragma once

#include "base/id.h"

#include <glib.h>

typedef struct db Db;
typedef struct db_query DbQuery;

/* A cached prepared statement, reset. sql must be a literal with $1… placeholders. */
DbQuery *db_query(Db *db, const char *sql);

void db_bind_int(DbQuery *q, int i, gint64 value);
void db_bind_text(DbQuery *q, int i, const char *text); /* NULL binds NULL; lent until db_finish */
void db_bind_blob(
    DbQuery *q, int i, const void *data, gsize n); /* data NULL binds NULL; lent until db_finish */
void db_bind_bytes(DbQuery *q, int i, GBytes *bytes); /* NULL binds NULL; lent until db_finish */
void db_bind_id(DbQuery *q, int i, const Id *id);     /* NULL binds NULL */
void db_bind_null(DbQuery *q, int i);
void db_bind_int_or_null(DbQuery *q, int i, gint64 value); /* 0 (no time, no row) binds NULL */

gboolean db_next(DbQuery *q); /* the next row; FALSE at the end and after an error */

gint64 db_int(DbQuery *q, int column);       /* NULL reads as 0 */
const char *db_text(DbQuery *q, int column); /* NULL reads as NULL; lent until the next db_next */
char *db_dup_text(DbQuery *q, int column);
GBytes *db_dup_bytes(DbQuery *q, int column);   /* NULL reads as NULL; the caller unrefs */
gboolean db_id(DbQuery *q, int column, Id *id); /* FALSE and untouched if NULL */
gboolean db_is_null(DbQuery *q, int column);

/* Runs what is left, gives the statement back. ABS_ERROR_STORE if anything since db_query failed;
 * ABS_ERROR_CONFLICT for a uniqueness violation. After it q may not be used. Errors may be ignored
 * with NULL. */
gboolean db_finish(DbQuery *q, GError **error);

/* Gives the statement back without looking at errors: the cleanup path. NULL is fine. After
 * db_finish: nothing. */
void db_query_free(DbQuery *q);

/* For statements without result: binds nothing, returns nothing. */
gboolean db_exec(Db *db, const char *sql, GError **error);

gint64 db_last_insert_id(Db *db);
gint64 db_changes(Db *db); /* rows changed by the last finished statement */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DbQuery, db_query_free)
