/* What people are told by mail without having asked: admins of an interruption that is over, of a
 * quota nearly used up, of a date that is near; each of us of a changed password and of a new
 * sign-in. Looked at once a minute; what was told once is remembered in the audit log
 * ("notice.sent"), so that no restart repeats it. While mail cannot go out no mail says so: the
 * page does, and webhooks (DESIGN rule 5). */
#pragma once

#include "api/call.h"
#include "store/emails.h"
#include "store/people.h"

typedef struct notices Notices;
Notices *notices_new(struct api *api); /* api is lent */
void notices_free(Notices *notices);

/* On one thread only. Reads, and commits what is new, one job for each notice. */
void notices_look(Notices *notices, WallMs now);

/* "security_password_changed" or "security_new_sign_in", for her and now; client (address) and
 * agent (browser) may be NULL. The caller inserts it in its job. NULL: no mail can be written,
 * because SMTP is not set up, or for a reason that is in the log; what she did goes on without it.
 */
EmailNew *notices_security_write(struct api *api, Db *reader, const Member *member,
    const char *template, const char *client, const char *agent, WallMs now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notices, notices_free)
