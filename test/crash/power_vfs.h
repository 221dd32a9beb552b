/* A disk whose power can be cut: a VFS for SQLite that hands everything on to the real one (files
 * belong on a tmpfs) and keeps a second truth beside it: what the disk would hold.
 *
 * A write or truncation is pending until the file is synced, a file's name until its folder is
 * synced (as SQLite's own VFS does it: with the first sync of a journal or log, and with a deletion
 * that asks for it). At a cut each pending 512-byte sector is dropped, kept, torn or trashed, each
 * pending truncation and name is dropped or kept. After a failed sync nothing is pending any more:
 * part of it is on the disk, the rest is not, and the files go on showing all of it, as Linux's
 * page cache does, until the cache is dropped (posix_fadvise, which is looked at, too).
 *
 * Bytes that a write does not touch stay as they are (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which
 * SQLite relies on). Shared memory is not on the disk and is gone after a cut. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

typedef enum {
    POWER_CHANGE = 0, /* any of the following */
    POWER_WRITE,
    POWER_SYNC,
    POWER_TRUNCATE,
    POWER_DELETE,
    POWER_KINDS,
} PowerKind;

/* What happens to the operation that is to fail. */
typedef enum {
    POWER_EIO = 1, /* it, and no other */
    POWER_FULL,    /* it and all that follow, until power_heal: half a write, then no space */
} PowerFault;

/* How much of what is pending survives a cut. */
typedef enum {
    POWER_LOSE_ALL = 0,
    POWER_KEEP_ALL,
    POWER_LOSE_SOME, /* each sector for itself */
    POWER_TEAR,      /* each sector for itself: old, new, half of each, or rubbish */
    POWER_OUTCOMES,
} PowerOutcome;

/* Registers the VFS `power_name()`. There is one in a program. */
void power_plug_in(void);
const char *power_name(void);

/* A new disk: forgets all files and faults, syncs work. Everything on it must be closed. */
void power_new_disk(guint64 seed);

/* Syncs say yes and do nothing. */
void power_ignore_syncs(gboolean ignored);

/* The power goes off at the n-th change from now on (1: the next); from then on everything fails.
 */
void power_off_after(guint n_changes);
void power_off(void); /* now */
gboolean power_is_off(void);

/* Power again: the files become what the disk holds. Everything on it must be closed. */
void power_on(PowerOutcome outcome);

/* The n-th operation of that kind from now on fails (1: the next). */
void power_fail(PowerKind kind, guint n, PowerFault fault);
void power_heal(void);
gboolean power_has_failed(void); /* the fault has happened since power_fail */

/* Since power_new_disk. */
guint64 power_count(PowerKind kind);
guint64 power_count_cache_drops(void); /* files whose failed writes went out of the cache */
