/* What a request says of a token: the members of POST and PATCH /v1/tokens. */
#pragma once

#include "api/json/json.h"
#include "store/tokens.h"

enum {
    TOKEN_NAME = 1 << 0,
    TOKEN_SCOPES = 1 << 1,
    TOKEN_FROM_ADDRESSES = 1 << 2,
    TOKEN_NETWORKS = 1 << 3,
    TOKEN_QUOTA = 1 << 4,
    TOKEN_EXPIRES_AT = 1 << 5,
};

/* Reads the body into token and returns what was given (TOKEN_…); null counts as given and takes
 * the limit away. A new token needs a name and scopes, of an old one the scopes cannot be given.
 * Addresses and networks are kept in the one spelling that they are compared in. Faults are noted.
 */
guint token_request_read(
    Token *token, json_t *body, gboolean is_new, WallMs now, JsonFaults *faults);

/* Moves what was given into token. */
void token_request_apply(Token *request, guint given, Token *token);

/* "name, quota": for the audit log. The caller frees. */
char *token_request_names(guint given);
