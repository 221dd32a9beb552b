/* Drives provider/discovery.h for one address: has the DNS asked and the files fetched that the
 * judge still needs, within LIMIT_ASKING_MS altogether. Nothing but the domain leaves the house,
 * and to the public database only if the person asked for it. */
#pragma once

#include "api/state.h"
#include "mime/address.h"
#include "provider/discovery.h"

/* Blocks: for routes with ROUTE_ASKS. Never NULL, nothing in it is open. */
Discovery *discovery_run(
    const struct api *api, const MimeAddress *address, gboolean wants_public_database);
