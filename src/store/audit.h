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

/* Inside the job that does the deed. Texts are made printable and cut at
 * LIMIT_AUDIT_TEXT_CHARACTERS. */
gboolean audit_append(Db *db, const AuditNote *note, GError **error);

/* --- Reading --------------------------------------------------------------------------------- */

typedef struct {
    Id id;
    WallMs at;
    char *actor, *action;
    char *object, *detail, *client; /* NULL: as in the note */
} AuditEvent;

typedef struct {
    gint64 org_id;
    guint limit;
    const Id *after, *before; /* NULL: from the newest on */
    const char *action;       /* what it begins with; NULL: all */
    const char *actor;        /* what occurs in it, capital or not; NULL: all */
    WallMs since, until;      /* 0: open; `until` itself is not in it */
} AuditFilter;

/* The newest first, of AuditEvent; `after` goes on to older ones, `before` back. */
GPtrArray *audit_list(Db *db, const AuditFilter *filter, gboolean *has_more, GError **error);

/* The newest events of this action since then that came from somewhere. */
GPtrArray *audit_newest(
    Db *db, gint64 org_id, const char *action, WallMs since, guint limit, GError **error);

/* --- Checking the chain ---------------------------------------------------------------------- */

/* The chain begins at the anchor that the last forgotten event has left, if one was.
 * What was changed or taken out of the middle shows in the chain itself. What was cut off at its
 * end shows only to somebody who has kept an earlier head: then that hash is nowhere in it. */
typedef struct {
    gint64 org_id;                      /* in */
    const guint8 *known_head;           /* in: of AUDIT_HASH_BYTES; NULL: none is asked for */
    gint64 events;                      /* that are sound */
    gint64 forgotten;                   /* before them, as the operator wants it (audit_forget) */
    WallMs forgotten_until;             /* when the last of those was; 0: none was */
    WallMs last_at;                     /* of the last sound event; 0: there is none */
    guint8 last_hash[AUDIT_HASH_BYTES]; /* of the last of them; zeros: there is none */
    gboolean has_known_head;
    gboolean is_broken;
    Id fault_id; /* of the first event that is not what was written; zero if even that is damaged */
    WallMs fault_at;
} AuditCheck;

/* Goes through all of it, in uses of a reader of LIMIT_AUDIT_SLICE events. Not on the writing
 * thread. FALSE: it could not be read. */
gboolean audit_check(Store *store, AuditCheck *check, GError **error);

/* --- Forgetting ------------------------------------------------------------------------------- */

/* Inside a job: the oldest events of one organisation, up to `limit` of them, all from `until` or
 * before, go; never the newest. What is left can be checked from there on, and says how many went.
 * An event that says it was after `now` came while the clock was wrong, and keeps nothing back. */
gboolean audit_forget(Db *db, gint64 org_id, WallMs until, WallMs now, guint limit,
    gint64 *n_forgotten, GError **error);
