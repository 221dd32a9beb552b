/* Waits that are cut short. Mails that wait for their next attempt name its moment by the wall
 * clock: when that clock is put back, it may lie years ahead, and nobody meant it. And what one
 * configuration could not send need not wait once another is in force. */
#pragma once

#include "store/store.h"

/* Makes what is queued due now: it waits for nothing but its turn. Brings next attempts that lie
 * further ahead than any wait can be (LIMIT_RETRY_WAIT_MS) to the longest backoff from now; what is
 * scheduled stays where a person put it. At most `limit` a class, organisation and of these two in
 * one call; *is_done: none was left over. Notes QUEUE where there were any.
 * Needed at start and after the clock was set. */
gboolean waits_shorten(Db *db, WallMs now, guint limit, gboolean *is_done, GError **error);

/* Makes what is deferred due now, at most `limit` a class; what is over that waits its own time.
 * For settings that were verified: what kept the mail back is mended. Notes QUEUE. */
gboolean waits_end(Db *db, gint64 org_id, WallMs now, guint limit, GError **error);
