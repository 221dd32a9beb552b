/* Whether a sender address looks like a person's own ("anna.meier@") rather than a function's
 * ("noreply@", "info@"): system mail from it ends the day that person leaves or changes the
 * password. A guess for a hint, never for a refusal; when in doubt it is not a person's. */
#pragma once

#include <glib.h>

gboolean sender_is_personal(const char *addr_spec); /* NULL: FALSE */
