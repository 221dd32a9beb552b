/* What follows from one try to tell a webhook something. Time and randomness come in. */
#pragma once

#include "store/webhooks.h"

typedef struct {
    WebhookResult result;
    gboolean is_gone;   /* the receiver wants nothing any more */
    gboolean is_outage; /* others would fare no better at the moment: the receiver is left alone */
} NotifyVerdict;

/* status: of the answer; error: why there was none, or NULL; sys: what met it more exactly
 * (NetHttpsFault), may be NULL. */
NotifyVerdict notify_verdict(const WebhookDelivery *delivery, int status, const GError *error,
    const char *sys, WallMs now, guint32 random);

/* How long a receiver is left alone after the n-th outage in a row (1, 2, …). */
gint64 notify_rest_ms(guint n_outages, guint32 random);
