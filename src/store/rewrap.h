/* After the key in use has changed: everything sealed is put under the new one, value by value, as
 * jobs between those of the service, so that nothing waits for it. What was done stays done when
 * the process is killed, and the next start goes on: which values are still under another key is
 * written in the values themselves.
 *
 * The table in rewrap.c names every column that holds something sealed by the vault. Bodies are not
 * among them: they are under day keys, which are. */
#pragma once

#include "store/store.h"

typedef struct {
    const char *table, *column;
} SealedColumn;
void rewrap_column(guint i, SealedColumn *column); /* i < rewrap_n_columns() */
guint rewrap_n_columns(void);

/* How many values each key has sealed. */
typedef struct {
    guint8 kek_id[VAULT_KEK_ID_BYTES];
    gint64 n;
} SealedCount;
GArray *rewrap_counts(Db *db, GError **error); /* of SealedCount; the caller unrefs */
gint64 rewrap_count_of(const GArray *counts, const guint8 kek_id[VAULT_KEK_ID_BYTES]);

/* One value under another key than the one in use is put under that; *found FALSE: there is none
 * behind the cursor. A cursor of zeros begins at the front. What does not open (damaged) is passed
 * over: *failed says so. Inside a job. */
typedef struct {
    guint column;
    GBytes *after; /* the last value looked at in that column; NULL: none yet */
} RewrapCursor;
void rewrap_cursor_clear(RewrapCursor *cursor);
gboolean rewrap_next(
    Db *db, Vault *vault, RewrapCursor *cursor, gboolean *found, gboolean *failed, GError **error);

/* The thread that does it. Looks for work at once, and whenever it is asked to. */
typedef struct rewrap Rewrap;
Rewrap *rewrap_new(Store *store, Vault *vault);
void rewrap_start(Rewrap *rewrap);
void rewrap_stop(Rewrap *rewrap); /* before the store is closed: ends within one value */
void rewrap_free(Rewrap *rewrap);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RewrapCursor, rewrap_cursor_clear)
