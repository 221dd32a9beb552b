/* The signature of Standard Webhooks: HMAC-SHA256 over "ID.TIMESTAMP.BODY". */
#pragma once

#include "base/secret.h"

/* "v1,BASE64". timestamp_s: seconds since 1970, as the header says them. The caller frees. */
char *notify_signature(const Secret *secret, const char *id, gint64 timestamp_s, const char *body);
