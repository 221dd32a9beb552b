/* Where the mail of a sender's domain arrives: asked of DNS when a run fails over the server's
 * name, for the presets know by it which server would be right (All-Inkl: the MX host itself). On
 * the loop thread; the question waits on a thread of its own. */
#pragma once

#include "courier/courier.h"

/* mx: the best MX host, or NULL; lent. key: as given. Not called if nobody can be asked or the
 * address has no domain: then the function below says FALSE. */
typedef void (*SenderMxFound)(Courier *courier, const char *key, const char *mx);

/* key: copied; the receiver's name for it, since the receiver may be gone by then. Tells after at
 * most LIMIT_SIBLING_MS; never before this returns. */
gboolean sender_mx_ask(
    Courier *courier, const char *from_email, const char *key, SenderMxFound found);
