/* The one request body that holds a password: built in memory that is wiped when it is freed. */
#pragma once

#include "base/secret.h"

#include <glib.h>
#include <jansson.h>

/* POST /v1/smtp/verifications. settings: an object or NULL; password and probe may be NULL.
 * ABS_ERROR_INPUT if the password is not UTF-8. */
GBytes *request_verification(const json_t *settings, const Secret *password, gboolean activate,
    const char *probe, GError **error);
