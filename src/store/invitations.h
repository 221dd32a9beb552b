/* Invitations: who was asked to become a member, with which role, by whom. One token is good at a
 * time, and only its hash is kept; a fresh one takes its place, so that a link that was passed on
 * by hand is the only one that works. Used up in one statement, so that of many who hold the link
 * one comes in (threat T38). Functions with Db* run inside a job or on a reader. */
#pragma once

#include "people/access.h"
#include "store/store.h"

typedef enum {
    INVITATION_OPEN = 1,
    INVITATION_ACCEPTED,
    INVITATION_REVOKED,
    INVITATION_EXPIRED,
} InvitationState;
const char *invitation_state_name(InvitationState state);

typedef struct {
    gint64 row, org_id;
    Id id;
    char *email; /* the account that it becomes: in small letters */
    PeopleRole role;
    char *language; /* "de", "en"; NULL: not said */
    guint8 token_hash[PEOPLE_HASH_BYTES];
    WallMs created_at, expires_at;
    char *created_by;
    Id email_id; /* the mail that carried the link last; has_email FALSE: only to be copied */
    gboolean has_email;
    WallMs copied_at; /* the link that is good now was copied; 0: it was not */
    WallMs accepted_at, revoked_at;
} Invitation;
void invitation_free(Invitation *invitation);

/* What was withdrawn after its time stays expired. */
InvitationState invitation_state(const Invitation *invitation, WallMs now);

/* An earlier invitation for the same address whose time is over makes room. ABS_ERROR_CONFLICT if
 * one is open. */
gboolean invitation_insert(Db *db, const Invitation *invitation, GError **error);

/* NULL without error: there is none. */
Invitation *invitation_by_id(Db *db, gint64 org_id, const Id *id, GError **error);
Invitation *invitation_by_email(
    Db *db, gint64 org_id, const char *email, WallMs now, GError **error); /* an open one */
Invitation *invitation_by_token(Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now,
    GError **error); /* an open one; changes nothing */

/* Newest first. GPtrArray of Invitation. */
typedef enum { INVITATIONS_ALL = 0, INVITATIONS_OPEN, INVITATIONS_PAST } InvitationsWanted;
typedef struct {
    gint64 org_id;
    InvitationsWanted wanted;
    WallMs now;               /* what is open then */
    const Id *after, *before; /* page from here (older, newer); NULL: from the newest */
    guint limit;
} InvitationFilter;
GPtrArray *invitations_list(
    Db *db, const InvitationFilter *filter, gboolean *has_more, GError **error);

/* A fresh link for one that is not accepted or revoked; also for one whose time was over.
 * ABS_ERROR_CONFLICT if there is no such one. */
typedef struct {
    guint8 token_hash[PEOPLE_HASH_BYTES];
    WallMs expires_at;
    WallMs copied_at; /* it is for copying, and the last mail stays the last; 0: it is mailed */
    const char *copied_by; /* who was shown it: copied or mailed, the answer has it */
    const Id *email_id;    /* the mail that carries it; NULL: none could be made */
} InvitationLink;
gboolean invitation_renew(
    Db *db, gint64 org_id, const Id *id, const InvitationLink *link, GError **error);

/* ABS_ERROR_CONFLICT if it was accepted or revoked before. */
gboolean invitation_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error);

/* Whoever leaves, or may no longer invite, takes no way back in along: the open ones that she made
 * or whose link she copied or sent again are revoked, with their mails. who: as in created_by. */
gboolean invitations_revoke_of(Db *db, gint64 org_id, const char *who, WallMs now, GError **error);

/* Uses it up. The invitation as it was, or NULL with ABS_ERROR_NOT_FOUND: no open one has this
 * token. */
Invitation *invitation_accept(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Invitation, invitation_free)
