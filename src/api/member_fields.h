/* What the bodies about people have in common: names, addresses, passwords. Each check notes its
 * faults at the object. */
#pragma once

#include "api/json/json.h"

/* The text, lent from the body; NULL with a fault if it is missing or empty. */
const char *member_fields_required(JsonObject *object, const char *name);

/* One line, at most LIMIT_SENDER_NAME_CHARACTERS. value NULL: nothing to check. */
void member_fields_check_name(JsonObject *object, const char *name, const char *value);

/* "de", "en". value NULL: nothing to check. */
void member_fields_check_language(JsonObject *object, const char *name, const char *value);

/* A new password for the account of this address (may be NULL). value NULL: nothing to check. */
void member_fields_check_password(
    JsonObject *object, const char *name, const char *value, const char *email);

/* The account that belongs to an address: in small letters, for nobody should fail to sign in over
 * "Anna@". NULL: it is no address. The caller frees. */
char *member_account_of(const char *email);

/* The same for a field: notes a fault if it is no address. value NULL gives NULL. */
char *member_fields_account(JsonObject *object, const char *name, const char *value);

/* The same for one that is new here: its domain needs a dot, or no mail finds it. What stands in
 * the store already may go without. */
char *member_fields_new_account(JsonObject *object, const char *name, const char *value);
