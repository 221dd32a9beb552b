/* The numbered schema files (schema/NNNN-*.sql, embedded at build time). A released file is never
 * changed: a change is the next file. */
#pragma once

#include "store/db.h"

typedef struct {
    guint number;
    const char *name, *sql;
} SchemaFile;

extern const SchemaFile schema_files[]; /* ascending from 1 */
extern const guint schema_n_files;

/* Applies what is missing, each file in one transaction. ABS_ERROR_STORE if the database was made
 * by a newer program; then nothing is touched. */
gboolean schema_apply(Db *db, GError **error);
