/* The durable state: one database, one writing thread, many readers.
 *
 * Every change is a *job*: a function that runs on the writing thread inside a transaction shared
 * with all jobs that were waiting (the group forms itself, within LIMIT_STORE_GROUP jobs and
 * LIMIT_STORE_GROUP_MS). A job that fails is rolled back alone.
 * `done` is called after the group is committed with full synchronisation, so what it reports is
 * durable. Jobs note what they changed; after the commit the listeners hear it. There is no other
 * source of events: nothing is announced that is not durable.
 *
 * Callers: api (jobs and reads on worker threads), courier (jobs from the loop). Never call a
 * blocking function here from the loop thread except store_submit, which only queues. */
#pragma once

#include "base/id.h"
#include "store/db.h"
#include "vault/vault.h"

#include <glib.h>

#define STORE_DEFAULT_ORG                                                  \
    1 /* the one org there is today; every row carries org_id all the same \
       */

typedef struct store Store;

typedef enum {
    STORE_CHANGED_SETTINGS =
        1, /* draft or active, revision, verification result: status must be read again */
    STORE_CHANGED_SENDING,      /* the sending switch */
    STORE_CHANGED_HEALTH,       /* what the last traffic said */
    STORE_CHANGED_VERIFICATION, /* a rung of verification `id` */
    STORE_CHANGED_QUEUE,        /* new work may be due */
    STORE_CHANGED_EMAIL,        /* state of email `id` */
    STORE_CHANGED_CREDENTIALS,  /* a token, session or member */
    STORE_CHANGED_SANDBOX,      /* a captured mail */
    STORE_CHANGED_WEBHOOKS,     /* an event waits, or webhook `id` was changed */
    STORE_CHANGED_RESETS,       /* somebody waits for a link, or no longer does */
} StoreChangeKind;

typedef struct {
    StoreChangeKind kind;
    gint64 org_id;
    Id id; /* zero if the kind has none */
} StoreChange;

typedef void (*StoreListener)(const StoreChange *changes, guint n_changes, gpointer user);

/* Runs on the writing thread. FALSE with error rolls this job back. It may only touch db and its
 * own data. */
typedef gboolean (*StoreJob)(Db *db, gpointer data, GError **error);

/* Called once, after the commit (error NULL) or after the job or the commit failed. */
typedef void (*StoreDone)(gpointer data, const GError *error);

typedef struct {
    const char *path;   /* the database file; its directory exists */
    gboolean full_sync; /* TRUE always, FALSE only in the crash harness's negative control */
    const char *vfs;    /* registered with SQLite, lent while the store lives; NULL: SQLite's own */
    gint64 wal_bytes;   /* of log, then it is folded back; 0: LIMIT_STORE_WAL_BYTES */
    const char *reserve_path; /* a file whose room is kept for outcomes (space.h); NULL: none */
    gint64 disk_floor_bytes;  /* of free space, kept (space.h); 0: the default */
} StoreConfig;

/* Opens or creates (page_size 16384, WAL, synchronous FULL, foreign keys, secure_delete, DQS off),
 * applies the numbered schema files, refuses a schema newer than this program. Warns (through
 * *warning, the caller frees) about a library with the WAL-reset bug. What it reads comes from the
 * disk, not from what a process before it may have left in the page cache (see store_on_fatal). */
Store *store_open(const StoreConfig *config, char **warning, GError **error);

/* Runs what is queued, checkpoints, closes. */
void store_close(Store *store);

/* Queues a job; returns at once. `done` runs on `context` if it is not NULL, else on the writing
 * thread. FALSE with ABS_ERROR_BUSY if LIMIT_STORE_QUEUE jobs wait, with ABS_ERROR_STORE after a
 * failed sync; then neither job nor done is called. */
gboolean store_submit(Store *store, StoreJob job, gpointer data, StoreDone done,
    GMainContext *context, GError **error);

/* Queues a job and waits for its commit. Not on the loop thread, not on the writing thread. */
gboolean store_run(Store *store, StoreJob job, gpointer data, GError **error);

/* The end of all writing: a sync failed, at a commit or when the log was folded back. The kernel
 * then takes what it could not write for written, so a second sync would say yes and mean nothing:
 * it is never retried. The jobs of that commit and all that wait have failed with ABS_ERROR_STORE,
 * what comes later is refused; readers go on. `fatal` is called once, after those answers, on the
 * writing thread (or by this call, if it is too late); it ends the process. The next one reads
 * again what the disk holds. A job that was answered with the error may be there then, whole: its
 * repeat meets the idempotency key. One callback a store. */
void store_on_fatal(Store *store, void (*fatal)(gpointer user), gpointer user);

/* A read-only connection (at most LIMIT_STORE_READERS at once; waits for one). Never NULL: if none
 * can be opened, every query on it fails and says so. What it reads is one moment's state, from the
 * first query until it is given back. Hold it briefly: never over a wait; a statement that runs
 * when LIMIT_STORE_READ_MS are over is broken off. */
Db *store_reader_take(Store *store);
void store_reader_give(Store *store, Db *db);

/* Inside a job: what changed. Repeats within one group are merged. */
void store_note_change(Db *db, StoreChangeKind kind, gint64 org_id, const Id *id);

/* Listeners are called on the writing thread after each commit, in the order they were added. Add
 * all before serving. */
void store_add_listener(Store *store, StoreListener listener, gpointer user);

/* After it returns the listener is not running and will not be called again. Not on the writing
 * thread. */
void store_remove_listener(Store *store, StoreListener listener, gpointer user);

/* The random id of this database, made with it. */
const guint8 *store_instance(Store *store);

/* TRUE if anything sealed exists: then a missing key file must not be replaced by a new key. Works
 * on a path without opening the store for writing, because the vault is opened first. A missing
 * file holds nothing. */
gboolean store_holds_sealed_records(const char *path, gboolean *holds, GError **error);

/* At every start, after vault_set_instance: are the vault's keys those that the database was sealed
 * with? ABS_ERROR_SECRET names the key that is missing. Keys that are new are noted
 * (store/key_records.h), and the vault gets its key for fingerprints. */
gboolean store_check_key(Store *store, Vault *vault, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)
