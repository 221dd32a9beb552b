/* What signing in, the first set-up, accepting an invitation and a changed password share: a new
 * session for a member, the cookie that carries it, and the object that tells a page who is signed
 * in. */
#pragma once

#include "api/call.h"
#include "api/json/json.h"
#include "store/emails.h"
#include "store/people.h"

typedef struct {
    Member *member;
    Session session;
    Secret *secret;       /* the session's */
    gint64 earlier_row;   /* of the session this browser had: it ends */
    gboolean is_renewal;  /* the same person goes on: nobody has signed in */
    char *client, *agent; /* where it begins */
    char *org_name;       /* read while it is written; NULL: not said */
    Vault *vault;         /* lent */
    EmailNew *notice;     /* tells her of it by mail; NULL: none */
} SessionStart;

/* member is taken. Its row, organisation and role are read when the session is written, so a job
 * may make the member first. */
SessionStart *session_start_new(ApiCall *call, Member *member);
void session_start_free(SessionStart *start);

/* On a worker, for a member who has been here before: makes the mail that tells her of a changed
 * password (a renewal), or of a browser she has not signed in with for LIMIT_BROWSER_KNOWN_MS. It
 * is queued when the session is written. */
void session_start_announce(ApiCall *call, SessionStart *start);

/* Inside the job: ends the earlier session, writes the new one, and unless it is a renewal the
 * deed session.created. */
gboolean session_start_write(Db *db, SessionStart *start, GError **error);

/* When the program starts: where who has signed in of late, by what the audit log remembers. */
void session_start_recall_homes(struct api *api);

/* A deed of the member herself, for jobs in which she was nobody before. */
gboolean session_start_note(Db *db, const SessionStart *start, const char *action,
    const char *object, const char *detail, GError **error);

/* In finish, after the commit: the session counts from now on, and the answer carries its cookie.
 */
HttpAnswer *session_start_answer(ApiCall *call, const SessionStart *start, int status);

/* {"authenticated", "member", "csrf_token", …}: who is signed in (member NULL: nobody) and what a
 * page must know before anything else. */
json_t *session_json(const ApiCall *call, const Member *member, const char *csrf,
    gboolean needs_setup, const char *org_name);

/* One member as every route shows it. is_you: the caller's own account. */
json_t *member_json(const Member *member, gboolean is_you);
