/* A copy of the database while it is in use, and the way back.
 *
 * How: SQLite's backup API, in steps of LIMIT_BACKUP_STEP_PAGES, on a connection of its own that
 * stays in one read transaction from the first page to the last. So the copy is one moment's state
 * (every commit before store_backup began is in it), and it ends however much is written meanwhile:
 * without that transaction the API begins anew each time somebody else commits. Not chosen: steps
 * on the writing connection (they would never begin anew either, but a slow disk under the target
 * would hold up every commit), and VACUUM INTO (rebuilds every index on the way, shows no progress,
 * and holds the same transaction longer).
 *
 * The price of the transaction: meanwhile the log cannot be folded back into the database and
 * grows by what is written; past LIMIT_BACKUP_LOG_BYTES the backup gives up. The writer waits for
 * nothing of this: it shares no lock and no connection with it. Afterwards it folds back in one go
 * what has gathered, which under the greatest load and beside a database of a gigabyte is the one
 * commit that takes longer than usual (measured: test/contract/measure_backup.c).
 * LIMIT_STORE_READ_MS does not apply, which is about readers that answer requests.
 *
 * The result is one file that needs no log beside it, mode 0600. Every secret in it is as sealed
 * as in the database, and the key file is never part of it. A backup therefore needs the key kept
 * apart from it, and a copy of the key somewhere safe. */
#pragma once

#include "base/clock.h"
#include "store/store.h"

#include <sys/types.h>

/* Called after every step. FALSE ends the backup. */
typedef gboolean (*BackupProgress)(
    guint pages_done, guint pages_total, guint page_bytes, gpointer user);

/* A name that is ours alone, so that nobody's own file is taken for a leftover. */
#define BACKUP_PART_ENDING ".absender.part"

/* Writes the backup to path (absolute). Blocking, for seconds to minutes: on a thread of its own,
 * one at a time. It is written as path + BACKUP_PART_ENDING (what an earlier run left there is
 * removed), checked, synced, and renamed; whatever goes wrong, nothing new is left behind. A file
 * that is there already stays unless may_replace, and even then only another backup is replaced.
 * progress may be NULL.
 * ABS_ERROR_INPUT: this path cannot be a backup. ABS_ERROR_CONFLICT: the file exists.
 * ABS_ERROR_IO: no space (looked at before, with the disk floor if it is the database's own disk),
 * it cannot be written, or the database's disk fell below its floor meanwhile (space.h).
 * ABS_ERROR_BUSY: progress said no. ABS_ERROR_STORE: the database itself cannot be read, or the
 * copy is not sound. */
gboolean store_backup(Store *store, const char *path, gboolean may_replace, BackupProgress progress,
    gpointer user, GError **error);

/* Why sending is paused after a restore. */
#define STORE_RESTORED_REASON "restored"

/* Why nothing was restored: what the caller says in its own words. */
typedef enum {
    RESTORE_FAULT_OTHER = 0,    /* the error says it: a file that cannot be read or written … */
    RESTORE_FAULT_NO_FILE,      /* ABS_ERROR_NOT_FOUND: there is no such backup */
    RESTORE_FAULT_NO_FOLDER,    /* ABS_ERROR_NOT_FOUND: there is no such folder */
    RESTORE_FAULT_RUNNING,      /* ABS_ERROR_BUSY: a daemon runs on that folder */
    RESTORE_FAULT_EXISTS,       /* ABS_ERROR_CONFLICT: a database is there */
    RESTORE_FAULT_NOT_A_BACKUP, /* ABS_ERROR_INPUT: the file is something else */
    RESTORE_FAULT_HAND_COPY,    /* ABS_ERROR_INPUT: half a database, its log is beside it */
    RESTORE_FAULT_DAMAGED,      /* ABS_ERROR_INPUT */
    RESTORE_FAULT_NEWER,        /* ABS_ERROR_INPUT: made by a newer program */
    RESTORE_FAULT_NO_KEY,       /* ABS_ERROR_SECRET: the folder has no key file */
    RESTORE_FAULT_KEY,          /* ABS_ERROR_SECRET: the key file cannot be used or is another */
} StoreRestoreFault;

/* Called after every step of copying, and once with done == total before the copy is looked at,
 * which takes about as long again. */
typedef void (*RestoreProgress)(gint64 bytes_done, gint64 bytes_total, gpointer user);

/* What a restore came to; after a failure `fault` alone is set. */
typedef struct {
    StoreRestoreFault fault;
    char *kept_aside; /* where the former database is now; NULL: there was none */
    gint64 waiting;   /* recipients that wait for being sent, in all organisations */
    WallMs newest_at; /* when the last email in it was taken; 0: there is none */
    uid_t owner;      /* whom root has given the database to, the folder's owner; 0: nobody */
} StoreRestored;
void store_restored_clear(StoreRestored *restored);

/* Makes the backup the database of data_dir. No daemon may run on it, and its key file must be
 * there, the one the backup was sealed with. Before anything is replaced the copy is complete,
 * sound (integrity_check), of a schema this program knows, and opens with the key. The former
 * database is kept aside, if may_replace; else an existing one is ABS_ERROR_CONFLICT. Its log is
 * folded into it first; if it is damaged, the log is kept beside it. Whenever this is cut short,
 * the next start shows all of the former database or all of the restored one; or, while a damaged
 * one gives way, refuses to start until a restore comes to its end (with may_replace). Called by
 * root, it works in the folder as the folder's owner (seteuid: of the whole process), who then owns
 * the database; the backup itself is opened as root. In the restored database sending is paused
 * with the reason `restored`, because what waits in it may have been sent since; that is for a
 * person to decide. Mails that were being sent in it become uncertain when the daemon starts, as
 * after every crash. Sessions are ended: some may have been signed out since. On failure the folder
 * is as it was; a key that does not fit is named beside the one that does. progress may be NULL. */
gboolean store_restore(const char *backup, const char *data_dir, gboolean may_replace,
    RestoreProgress progress, gpointer user, StoreRestored *restored, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreRestored, store_restored_clear)
