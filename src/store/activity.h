/* What became of each hour's attempts, for a picture of the last day, and the last good and bad
 * news. Written in the transaction of the outcomes, one statement a group for the hour; the last
 * acceptance is exact to ACTIVITY_EXACT_MS, so that a full queue does not write it with every
 * group. */
#pragma once

#include "store/store.h"

#define ACTIVITY_HOURS 24
#define ACTIVITY_EXACT_MS CLOCK_SECOND_MS

/* What one group's attempts add up to. Starts as zeros. */
typedef struct {
    guint accepted, deferred, refused; /* recipients; put off: at their first attempt */
    const char *diagnosis;             /* of the last one that failed; lent; NULL: none */
    gint64 config_version; /* of the settings it was tried with; a failure of others than the
                              present ones is no news */
} ActivityTally;

/* Inside the job that writes the outcomes. All of them count for the hour of `at`. */
gboolean activity_add(Db *db, gint64 org_id, const ActivityTally *tally, WallMs at, GError **error);

typedef struct {
    WallMs at; /* the hour's beginning */
    gint64 accepted, deferred, refused;
} ActivityHour;

/* The last ACTIVITY_HOURS hours, oldest first; the one that runs is the last. */
gboolean activity_read(
    Db *db, gint64 org_id, WallMs now, ActivityHour hours[ACTIVITY_HOURS], GError **error);

/* Housekeeping: removes hours that ended two days ago, and those ahead (the clock was put back). */
gboolean activity_tidy(Db *db, WallMs now, GError **error);
