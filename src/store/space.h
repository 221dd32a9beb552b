/* How much room the disk of the database has, and what is kept of it.
 *
 * Two lines of defence. Below the *floor* no more mail is taken (the API answers 503), so that what
 * was taken can be sent and its outcome written. Should the disk fill up all the same (it has other
 * users), a *reserve file*, preallocated beside the database, is removed: outcomes, settings and
 * cancelling go on in its room. It is made again when there is room for it.
 *
 * The file system is asked at most once a second; every function may be called by any thread. */
#pragma once

#include "store/store.h"

typedef struct {
    gint64 free_bytes; /* for the database; the room that a missing reserve will need is not free */
    gint64 floor_bytes; /* kept: below this no mail is taken */
    gboolean is_low;    /* free_bytes < floor_bytes */
} StoreSpace;

void store_space(Store *store, StoreSpace *space);

/* --- For the store ---------------------------------------------------------------------------- */

typedef struct space Space;

/* database_path: on the file system to be watched. reserve_path: LIMIT_STORE_RESERVE_BYTES are kept
 * in this file; NULL: no reserve. floor_bytes: 0 means LIMIT_STORE_FLOOR_BYTES, or
 * LIMIT_STORE_FLOOR_PERCENT of the file system if that is less. */
Space *space_new(const char *database_path, const char *reserve_path, gint64 floor_bytes);

/* The reserve file stays. */
void space_free(Space *space);

/* Looks, unless it has done so within LIMIT_STORE_LOOK_MS, and removes or makes the reserve. */
void space_look(Space *space);

/* A write found no room: the reserve is removed now, whatever the file system says is free. */
void space_ran_out(Space *space);

/* Looks, and says what it saw. */
void space_read(Space *space, StoreSpace *seen);

/* What a file system of so many bytes, free as said, comes to. Pure. */
void space_judge(gint64 total_bytes, gint64 free_bytes, gboolean lacks_reserve,
    gint64 configured_floor_bytes, StoreSpace *space);
