/* One event on its way to one receiver. */
#pragma once

#include "base/secret.h"
#include "net/https.h"
#include "notify/notify.h"
#include "store/webhooks.h"

/* Blocks up to LIMIT_WEBHOOK_MS. TRUE with *status for any answer; *fault and errors as
 * net_https_post. */
gboolean notify_post(const NotifyParts *parts, const Webhook *webhook, const Secret *secret,
    const WebhookDelivery *delivery, WallMs now, int *status, NetHttpsFault *fault, GError **error);
