/* application/x-www-form-urlencoded, and the queries of addresses. Internal to oauth/. */
#pragma once

#include "base/secret.h"

/* One value: text or secret; both NULL or "": the field is left out. */
typedef struct {
    const char *name; /* needs no encoding */
    const char *text;
    const Secret *secret;
} FormField;

/* "name=value&…". The memory it is built in is wiped. */
Secret *form_write(const FormField *fields, gsize n);

/* "name=value&…" of public values, for the query of an address. The caller frees. */
char *form_query_dup(const FormField *fields, gsize n);

/* The value of this name, decoded; NULL: it is not there, there twice, or not encoded as it should
 * be. */
Secret *form_value_new(const char *form, gsize n, const char *name);

/* Base64 for addresses and tokens, without padding (RFC 4648 5). The caller frees. */
char *form_base64url_dup(const void *bytes, gsize n);
