/* What has ended is forgotten in two steps: first the content, later the record.
 *
 * A *sweep* goes once through the emails that are old enough to be over, in small jobs, so that
 * nobody waits for it. Where everything is over the sweep's beginning moves on durably (table
 * `retention`); an email that is scheduled far ahead keeps it back without keeping the others from
 * being swept. Bodies of secret classes are erased at the end state already (recipients.h).
 *
 * The same sweep forgets people: invitations and resets some time after their end, what a revoked
 * token was called, who made it and from where it was used (its row stays: its number must not be
 * given away again), and the oldest events of the audit log (audit_forget).
 *
 * The file is reused, it does not shrink. `auto_vacuum = INCREMENTAL` would let it shrink, but has
 * to be chosen before the first table is made, or be followed by a VACUUM, which copies the whole
 * database and stops all writing meanwhile; for that old databases would have to pay once. And new
 * ones would pay for ever: each page needs an entry in a map, and shrinking moves pages of 16 KiB
 * about while mail is taken, only for the room to be asked for again by the next peak. So the pages
 * of what was removed (zeroed, because secure_delete is on) are free for the next mails: the file
 * is as large as the largest queue together with the records kept, and no larger. */
#pragma once

#include "base/clock.h"
#include "store/store.h"

typedef struct {
    gint keep_bodies_days; /* after the end of the last recipient; 0: for ever */
    gint keep_emails_days; /* the same for the whole record */
    gint keep_links_days;  /* invitations and resets after their end; names of revoked tokens */
    gint keep_audit_days;  /* events of the audit log */
} RetentionTerms;

/* How far one sweep has come; begins as zeros. Lost at a restart: then a sweep begins anew. */
typedef struct {
    gint64 next;    /* the email row to be looked at next; 0: not begun */
    gint64 held_at; /* the first that is not over; 0: none so far */
    gboolean is_over;
} RetentionPlace;

typedef struct {
    RetentionPlace bodies, emails;
    gboolean people_are_over;
    gint64 bodies_erased, emails_removed;
    gint64 links_removed, tokens_blanked, events_forgotten;
} RetentionSweep;

/* There is nothing more to do in this sweep. */
gboolean retention_is_over(const RetentionSweep *sweep);

/* One job's worth: looks at up to `limit` rows of each kind. `now` must not run ahead of
 * the real time, or mail is forgotten too early. On failure the sweep is to begin anew. */
gboolean retention_step(Db *db, const RetentionTerms *terms, WallMs now, guint limit,
    RetentionSweep *sweep, GError **error);
