/* A database and a key in a folder of their own, with the writing connection in the test's hands:
 * the SQL functions of the nouns are called as a job would call them. */
#pragma once

#include "base/error.h"
#include "base/secret.h"
#include "expect.h"
#include "store/db_driver.h"
#include "store/schema.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define T0 G_GINT64_CONSTANT(1795283520123) /* some day in 2026 */

typedef struct {
    char *folder, *path;
    Db *db;
    Vault *vault;
    guint8 next_random;
} Scratch;

static inline void scratch_connect(Scratch *self)
{
    StoreConfig config = {.path = self->path, .full_sync = TRUE};
    self->db = db_open(&db_driver_sqlite, &config, DB_WRITER);
    g_autoptr(GError) error = NULL;
    ok(!self->db->fault, self->db->fault);
    ok(schema_apply(self->db, &error), error);
    self->db->changes = g_array_new(FALSE, FALSE, sizeof(StoreChange));
}

static inline int scratch_make(void **state)
{
    Scratch *self = g_new0(Scratch, 1);
    self->folder = g_dir_make_tmp("store-XXXXXX", NULL);
    self->path = g_build_filename(self->folder, "absender.db", NULL);
    g_autofree char *key = g_build_filename(self->folder, "key", NULL);
    static const guint8 instance[VAULT_INSTANCE_BYTES] = {1};
    g_autoptr(GError) error = NULL;
    self->vault = vault_open(key, TRUE, &error);
    ok(self->vault, error);
    vault_set_instance(self->vault, instance);
    scratch_connect(self);
    *state = self;
    return 0;
}

static inline int scratch_remove(void **state)
{
    Scratch *self = *state;
    g_clear_pointer(&self->db, db_close);
    vault_free(self->vault);
    g_autoptr(GDir) dir = g_dir_open(self->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(self->folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(self->folder);
    g_free(self->path);
    g_free(self->folder);
    g_free(self);
    return 0;
}

/* Ids that differ and rise with the time, then with every call. */
static inline Id scratch_id(Scratch *self, WallMs at)
{
    guint8 random[ID_RANDOM_BYTES] = {0};
    random[3] = self->next_random++; /* the upper bits of [2] are the variant */
    return id_make(at, random);
}

/* The one number a query gives; the SQL is a literal as always. */
static inline gint64 scratch_number(Scratch *self, const char *sql)
{
    g_autoptr(DbQuery) q = db_query(self->db, sql);
    gint64 n = db_next(q) ? db_int(q, 0) : -1;
    g_autoptr(GError) error = NULL;
    ok(db_finish(q, &error), error);
    return n;
}

static inline guint scratch_count_changes(const Scratch *self, StoreChangeKind kind)
{
    guint n = 0;
    for (guint i = 0; i < self->db->changes->len; i++)
        n += g_array_index(self->db->changes, StoreChange, i).kind == kind ? 1 : 0;
    return n;
}

static inline void scratch_forget_changes(Scratch *self)
{
    g_array_set_size(self->db->changes, 0);
}

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
