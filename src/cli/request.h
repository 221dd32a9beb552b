/* The request bodies that hold a secret: built in memory that is wiped when it is freed. */
#pragma once

#include "base/secret.h"

#include <glib.h>
#include <jansson.h>

/* POST /v1/smtp/verifications. settings: an object or NULL; password and probe may be NULL.
 * ABS_ERROR_INPUT if the password is not UTF-8. */
GBytes *request_verification(const json_t *settings, const Secret *password, gboolean activate,
    const char *probe, GError **error);

/* POST /v1/keys/export. ABS_ERROR_INPUT if the passphrase is not UTF-8. */
GBytes *request_key_export(const Secret *passphrase, GError **error);
