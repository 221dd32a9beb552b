/* The store's work, as jobs like those of the API and the courier: made up by chance or named,
 * handed to the real store_submit in groups, and written into the world by what was answered. */
#pragma once

#include "power_world.h"

typedef enum {
    WORK_ACCEPT = 0, /* a batch with its idempotency key; the first of a day makes the day's key */
    WORK_MARK,       /* the durable mark before the final dot */
    WORK_OUTCOME,
    WORK_CANCEL,
    WORK_SETTINGS, /* the draft */
    WORK_ACTIVATE, /* what a verification has proved becomes active */
    WORK_SWITCH,   /* the sending switch */
    WORK_REWRAP,   /* after the key has changed: one value is put under the new one */
    WORK_RECOVER,  /* after a start: what was being sent is uncertain */
    WORK_KINDS,
} WorkKind;

const char *work_name(WorkKind kind);

/* Up to `most` jobs by chance, in one commit if time allows. */
void work_at_random(World *world, Store *store, guint most);

/* n jobs of that kind in one commit (two, if there are more than LIMIT_STORE_GROUP); how many were
 * answered with success. Of a kind that finds nothing to do there are fewer. */
guint work_many(World *world, Store *store, WorkKind kind, guint n);

/* After a start: recovers, and repeats what was answered with an error, under the same keys. */
void work_after_start(World *world, Store *store);

/* Work of that kind will find something to do. */
void work_prepare(World *world, Store *store, WorkKind kind);

/* Another key seals from now on; all that is stored is under former ones. */
void work_change_key(World *world, Store *store);

/* The next acceptance is the first of its day. */
void work_next_day(World *world);
