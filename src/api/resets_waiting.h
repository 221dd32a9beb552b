/* Who waits for a person to pass a link on, because no mail can: as many as stand so on the
 * hand-over list (routes/reset_list.c). */
#pragma once

#include "store/emails.h"

/* gate: what such mails stand before (link_mail_gate). Beyond LIMIT_PAGE requests nobody counts. */
gboolean resets_waiting(
    Db *db, gint64 org_id, EmailGate gate, WallMs now, guint *n, GError **error);
