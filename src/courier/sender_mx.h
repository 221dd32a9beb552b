/* Where the mail of a sender's domain arrives: asked of DNS when a run fails over the server's
 * name, for the presets know by it which server would be right (All-Inkl: the MX host itself). On
 * the loop thread; the questions wait on LIMIT_MX_ASKERS threads, whatever many runs fail. */
#pragma once

#include "courier/courier.h"

/* mx: the best MX host, or NULL; lent. key: as given. Not called if nobody can be asked, the
 * address has no domain, or LIMIT_MX_QUESTIONS wait: then the function below says FALSE, and the
 * host is as unknown as when the DNS does not answer. */
typedef void (*SenderMxFound)(Courier *courier, const char *key, const char *mx);

/* key: copied; the receiver's name for it, since the receiver may be gone by then. Tells after at
 * most LIMIT_SIBLING_MS once its turn has come; never before this returns. */
gboolean sender_mx_ask(
    Courier *courier, const char *from_email, const char *key, SenderMxFound found);

/* The thread pool's function. */
void sender_mx_on_thread(gpointer question, gpointer unused);
