/* Beginning a verification, for the routes that do. */
#pragma once

#include "api/call.h"

/* As POST /v1/smtp/verifications does, with settings that were active before: the version becomes
 * the draft, with its sealed password, and is verified; it is active again only when that passes.
 * 404 if there is no such version. */
HttpAnswer *verification_start_version(ApiCall *call, const Id *version);
