/* What the quota must remember over restarts: how many mails each minute the provider was asked to
 * take. Written in the transaction of the outcomes, so that nothing is counted that is not known
 * to have been tried, and nothing known is uncounted. */
#pragma once

#include "outbox/quota.h"
#include "store/store.h"

/* Inside the job that writes the outcomes. n may be 0. */
gboolean quota_sent_add(Db *db, gint64 org_id, WallMs at, guint n, GError **error);

/* The last day's counts. Each minute's mails count as sent at its end; what was counted under a
 * clock that was ahead of `now`, as sent now. NULL with error. */
Quota *quota_sent_read(Db *db, gint64 org_id, WallMs now, GError **error);

/* Housekeeping: removes the minutes that no window reaches any more, and takes the ones that are
 * ahead (the clock was put back) for the present one, so that they do not count for years. */
gboolean quota_sent_tidy(Db *db, WallMs now, GError **error);
