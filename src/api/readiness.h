/* Is mail going out? Said only when it is known (reliability contract C16): the last session with
 * the provider went well, and nothing that is due has waited long. */
#pragma once

#include "base/clock.h"
#include "store/db.h"

typedef struct {
    gboolean is_able;
    const char *reason;   /* "ok", or why not: a gate's name, a health's name, or "behind" */
    gint64 oldest_due_ms; /* how long the mail that has waited longest has been due; 0: none is */
} Readiness;

gboolean readiness_read(Db *db, gint64 org_id, WallMs now, Readiness *readiness, GError **error);
