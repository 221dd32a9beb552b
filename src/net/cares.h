/* What all users of c-ares in this folder need first. */
#pragma once

#include <glib.h>

void net_cares_start(void); /* once for the process; again is free */

/* A DNS server as an operator writes it: one address, with or without a port. ABS_ERROR_INPUT.
 * Starts c-ares. */
gboolean net_cares_check_server(const char *text, GError **error);
