/* Whether a sender address looks like a person's own ("anna.meier@") rather than a function's
 * ("noreply@", "info@"): system mail from it ends the day that person leaves or changes the
 * password. A guess for a hint, never for a refusal; when in doubt it is not a person's. */
#pragma once

#include "provider/provider.h"

gboolean sender_is_personal(const char *addr_spec); /* NULL: FALSE */

/* TRUE if it is personal and another address could be had: at a domain where everybody may have a
 * mailbox (gmail.com, t-online.de) there is no info@ to move to. */
gboolean sender_could_be_another(const ProviderList *providers, const char *addr_spec);
