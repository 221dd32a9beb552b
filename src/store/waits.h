/* Mails that wait for their next attempt name its moment by the wall clock. When that clock is put
 * back, the moment may lie years ahead, and nobody meant it. */
#pragma once

#include "store/store.h"

/* Brings next attempts that lie further ahead than any wait can be (LIMIT_RETRY_WAIT_MS) to the
 * longest backoff from now; what is scheduled stays where a person put it. At most `limit` a class
 * and organisation in one call; *is_done: none was left over. Notes QUEUE where there were any.
 * Needed at start and after the clock was set. */
gboolean waits_shorten(Db *db, WallMs now, guint limit, gboolean *is_done, GError **error);
