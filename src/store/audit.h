/* Who did what, when, from where: append-only, and each row's hash covers the row and the hash
 * before it (threat T54). Written in the transaction of the deed itself: both are there, or
 * neither. */
#pragma once

#include "store/store.h"

#define AUDIT_HASH_BYTES 32

typedef struct {
    gint64 org_id;
    WallMs at;
    const char *actor;  /* "anna@example.de", "token Shop", "operator", "system" */
    const char *action; /* "invitation.created": noun and what was done to it */
    const char *object; /* an id or an address; NULL: the action says it all */
    const char *detail; /* one line, never a secret; NULL: none */
    const char *client; /* the address it came from; NULL: from within */
} AuditNote;

/* Inside the job that does the deed. */
gboolean audit_append(Db *db, const AuditNote *note, GError **error);
