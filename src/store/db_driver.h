/* What a database driver implements, and the part of Db that all drivers share. Only store/
 * includes this: everyone else sees db.h.
 *
 * SQL that is the same in every dialect is written once, in the files named after nouns. What
 * differs is here: how a transaction begins, whether a table exists, how the log is folded back. */
#pragma once

#include "store/db.h"
#include "store/store.h"

typedef enum {
    DB_WRITER = 1, /* the one connection that writes; makes the database if there is none */
    DB_READER,     /* cannot write, whatever SQL it is given */
} DbRole;

typedef struct db_driver DbDriver;
typedef struct day_keys DayKeys;

struct db {
    const DbDriver *driver;
    DbRole role;
    GError *fault;          /* it could not be opened: every query fails with this */
    gboolean ran_out;       /* a write found no room on the disk */
    gboolean sync_failed;   /* the disk did not keep what it was told to: never write again */
    GHashTable *statements; /* address of the SQL text → DbQuery, the first of a chain */
    GArray *changes;        /* of StoreChange, noted in this group; NULL on readers */
    DayKeys *keys;          /* unwrapped day keys, or NULL (keys.h) */
    guint webhook_wishes;   /* webhook_wish.h; 0: not known */
    gint64 read_until_us;   /* monotonic; readers: a statement that runs longer is broken off. 0:
                               no limit */
};

struct db_query {
    Db *db;
    DbQuery *next_same; /* the same SQL once more, for a statement that is needed while in use */
    GError *error;      /* the first fault since db_query */
    gboolean prepared, in_use, has_row, ended;
};

struct db_driver {
    const char *name;
    const char *begin_write, *begin_read; /* SQL */

    /* Never NULL: a connection that could not be opened carries `fault`. */
    Db *(*open)(const StoreConfig *config, DbRole role);
    void (*close)(Db *db);

    /* Each of these sets q->error on failure; the caller has looked at it before. */
    DbQuery *(*new_query)(void);                  /* room for one, nothing prepared */
    void (*prepare)(DbQuery *q, const char *sql); /* sets prepared */
    void (*bind_int)(DbQuery *q, int i, gint64 value);
    void (*bind_text)(DbQuery *q, int i, const char *text);
    void (*bind_blob)(DbQuery *q, int i, const void *data, gsize n); /* lent */
    void (*bind_blob_copy)(DbQuery *q, int i, const void *data, gsize n);
    void (*step)(DbQuery *q); /* sets has_row or ended */
    void (*reset)(DbQuery *q);
    void (*free_query)(DbQuery *q);

    gint64 (*read_int)(DbQuery *q, int column);
    const char *(*read_text)(DbQuery *q, int column);
    const void *(*read_blob)(DbQuery *q, int column, gsize *n); /* NULL only for NULL */
    gboolean (*is_null)(DbQuery *q, int column);

    gboolean (*exec)(Db *db, const char *sql, GError **error); /* may hold several statements */
    gint64 (*last_insert_id)(Db *db);
    gint64 (*changes)(Db *db);
    gboolean (*has_table)(Db *db, const char *table, gboolean *has, GError **error);
    gboolean (*in_transaction)(Db *db); /* FALSE after an error that ended the transaction */

    /* Between groups, on the writer; idle: nothing has come for a while. */
    void (*maintain)(Db *db, gboolean idle);
};

extern const DbDriver db_driver_sqlite;

Db *db_open(const DbDriver *driver, const StoreConfig *config, DbRole role); /* never NULL */
void db_close(Db *db);

/* Transactions; only the store, the schema and their tests use them. */
gboolean db_begin(Db *db, GError **error);
gboolean db_commit(Db *db, GError **error);
void db_rollback(Db *db); /* no-op outside a transaction */

/* TRUE for SQLite library versions (3040001) whose WAL may lose data when two connections write or
 * checkpoint at once: https://sqlite.org/wal.html#walresetbug */
gboolean sqlite_has_wal_reset_bug(int version);
char *sqlite_version_warning(void); /* NULL if there is nothing to warn of; the caller frees */
