#include "store/db.h"

#include "store/db_driver.h"
#include "store/keys.h"

#include <string.h>

static void free_chain(gpointer data)
{
    DbQuery *q = data;
    while (q) {
        DbQuery *next = q->next_same;
        g_clear_error(&q->error);
        q->db->driver->free_query(q);
        q = next;
    }
}

Db *db_open(const DbDriver *driver, const StoreConfig *config, DbRole role)
{
    Db *db = driver->open(config, role);
    db->driver = driver;
    db->role = role;
    /* Keys are the addresses of the statements' own text: SQL is literal and outlives the
     * connection. */
    db->statements = g_hash_table_new_full(NULL, NULL, NULL, free_chain);
    return db;
}

void db_close(Db *db)
{
    g_hash_table_unref(db->statements);
    g_clear_error(&db->fault);
    g_clear_pointer(&db->changes, g_array_unref);
    g_clear_pointer(&db->keys, day_keys_free);
    db->driver->close(db);
}

DbQuery *db_query(Db *db, const char *sql)
{
    DbQuery *first = g_hash_table_lookup(db->statements, sql), *q = first;
    while (q && q->in_use)
        q = q->next_same;
    if (!q) {
        q = db->driver->new_query();
        q->db = db;
        if (first) {
            q->next_same = first->next_same;
            first->next_same = q;
        } else {
            g_hash_table_insert(db->statements, (gpointer)sql, q);
        }
    }
    q->in_use = TRUE;
    q->has_row = q->ended = FALSE;
    if (db->fault)
        q->error = g_error_copy(db->fault);
    else if (!q->prepared)
        db->driver->prepare(q, sql);
    return q;
}

void db_bind_int(DbQuery *q, int i, gint64 value)
{
    if (!q->error)
        q->db->driver->bind_int(q, i, value);
}

void db_bind_text(DbQuery *q, int i, const char *text)
{
    if (!q->error)
        q->db->driver->bind_text(q, i, text);
}

void db_bind_blob(DbQuery *q, int i, const void *data, gsize n)
{
    if (!q->error)
        q->db->driver->bind_blob(q, i, data, n);
}

void db_bind_bytes(DbQuery *q, int i, GBytes *bytes)
{
    gsize n = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &n) : NULL;
    db_bind_blob(q, i, bytes && !data ? "" : data, n); /* empty is not NULL */
}

void db_bind_id(DbQuery *q, int i, const Id *id)
{
    if (!q->error)
        q->db->driver->bind_blob_copy(q, i, id ? id->bytes : NULL, ID_BYTES);
}

void db_bind_null(DbQuery *q, int i)
{
    db_bind_text(q, i, NULL);
}

void db_bind_int_or_null(DbQuery *q, int i, gint64 value)
{
    if (value == 0)
        db_bind_null(q, i);
    else
        db_bind_int(q, i, value);
}

gboolean db_next(DbQuery *q)
{
    g_assert(q->in_use);
    q->has_row = FALSE;
    if (!q->error && !q->ended)
        q->db->driver->step(q);
    return q->has_row;
}

gint64 db_int(DbQuery *q, int column)
{
    g_assert(q->has_row);
    return q->db->driver->read_int(q, column);
}

const char *db_text(DbQuery *q, int column)
{
    g_assert(q->has_row);
    return q->db->driver->read_text(q, column);
}

char *db_dup_text(DbQuery *q, int column)
{
    return g_strdup(db_text(q, column));
}

GBytes *db_dup_bytes(DbQuery *q, int column)
{
    g_assert(q->has_row);
    gsize n = 0;
    const void *data = q->db->driver->read_blob(q, column, &n);
    return data ? g_bytes_new(data, n) : NULL;
}

gboolean db_id(DbQuery *q, int column, Id *id)
{
    g_assert(q->has_row);
    gsize n = 0;
    const void *data = q->db->driver->read_blob(q, column, &n);
    if (!data || n != ID_BYTES)
        return FALSE;
    memcpy(id->bytes, data, ID_BYTES);
    return TRUE;
}

gboolean db_is_null(DbQuery *q, int column)
{
    g_assert(q->has_row);
    return q->db->driver->is_null(q, column);
}

gboolean db_finish(DbQuery *q, GError **error)
{
    while (db_next(q))
        ;
    g_autoptr(GError) fault = g_steal_pointer(&q->error);
    db_query_free(q);
    if (!fault)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&fault));
    return FALSE;
}

void db_query_free(DbQuery *q)
{
    if (!q || !q->in_use)
        return;
    if (q->prepared)
        q->db->driver->reset(q);
    g_clear_error(&q->error);
    q->in_use = FALSE;
}

gboolean db_exec(Db *db, const char *sql, GError **error)
{
    if (db->fault) {
        g_propagate_error(error, g_error_copy(db->fault));
        return FALSE;
    }
    return db->driver->exec(db, sql, error);
}

gint64 db_last_insert_id(Db *db)
{
    return db->driver->last_insert_id(db);
}

gint64 db_changes(Db *db)
{
    return db->driver->changes(db);
}

gboolean db_begin(Db *db, GError **error)
{
    const DbDriver *driver = db->driver;
    return db_finish(
        db_query(db, db->role == DB_WRITER ? driver->begin_write : driver->begin_read), error);
}

gboolean db_commit(Db *db, GError **error)
{
    return db_finish(db_query(db, "COMMIT"), error);
}

void db_rollback(Db *db)
{
    if (!db->fault && db->driver->in_transaction(db))
        db_finish(db_query(db, "ROLLBACK"), NULL);
}
