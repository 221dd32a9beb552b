/* What a person does with mail that is in the outbox: try again, another time, cancel a class; and
 * what switching sending on would do. Functions with Db* run inside a job or on a reader; a job
 * touches at most LIMIT_ACTION_ROWS recipients, so that the writer is never held up. Every change
 * goes through recipient_move, so the books stay balanced. */
#pragma once

#include "store/emails.h"

typedef enum {
    EMAIL_ACTION_DONE = 1,
    EMAIL_ACTION_UNKNOWN,          /* the org has no such email */
    EMAIL_ACTION_NOTHING,          /* no recipient is in a state that this could change */
    EMAIL_ACTION_AT_MOST_ONCE,     /* it may have arrived and must not arrive twice */
    EMAIL_ACTION_BODY_ERASED,      /* there is nothing left to send */
    EMAIL_ACTION_PAST_EXPIRY,      /* by then the expiry that it was handed over with has come */
    EMAIL_ACTION_MAY_ARRIVE_TWICE, /* it may have arrived, and nobody said that twice is all right
                                    */
} EmailActionResult;

/* Makes every deferred, rejected, expired or uncertain recipient due now; *retried: how many. What
 * was uncertain stays so, because it may already have arrived: that marks a possible duplicate. A
 * recipient that was at its end gets a new deadline: LIMIT_EMAIL_LIFETIME_MS from now, or the
 * email's own expiry, which nobody can lengthen. Unless the result is DONE nothing is written.
 * may_duplicate FALSE: an email with a recipient that would be sent to once more although it may
 * have arrived is left alone. Notes EMAIL and QUEUE. */
gboolean emails_retry(Db *db, gint64 org_id, const Id *id, gboolean may_duplicate, WallMs now,
    EmailActionResult *result, gint64 *retried, GError **error);

/* Another time for the recipients that are still scheduled; `at` 0 or not ahead of now: now. Moves
 * the deadline along. Notes EMAIL and QUEUE. */
gboolean emails_reschedule(Db *db, gint64 org_id, const Id *id, WallMs at, WallMs now,
    EmailActionResult *result, GError **error);

/* A person has passed on by hand what the mail says: every recipient that waits and is not being
 * sent to ends as handed_over; *handed: how many. The result is UNKNOWN, NOTHING or DONE. Notes
 * EMAIL. */
gboolean emails_hand_over(Db *db, gint64 org_id, const Id *id, WallMs now,
    EmailActionResult *result, gint64 *handed, GError **error);

/* The link in this mail is dead: what waits ends as handed_over if another link was passed on by
 * hand, else as cancelled, and what is on its way is not sent again. Whether there was something to
 * end, or such a mail at all, does not matter. Notes EMAIL. */
gboolean emails_end_link(
    Db *db, gint64 org_id, const Id *id, gboolean is_handed_over, WallMs now, GError **error);

/* Cancels waiting recipients of one class that are not being sent to, at most LIMIT_ACTION_ROWS and
 * none behind the recipient `last`, so that a chain of these jobs ends however much comes in
 * meanwhile. *cancelled: how many; the chain is over when it is 0. What is uncertain ends as
 * uncertain. Notes EMAIL. */
gboolean emails_cancel_class(Db *db, gint64 org_id, EmailClass class, gint64 last, WallMs now,
    gint64 *cancelled, GError **error);

/* The newest recipient there is; 0: none. */
gboolean emails_last_recipient(Db *db, gint64 *last, GError **error);

/* How many recipients are uncertain and will be sent to once more; those that ended uncertain wait
 * for nothing. Costs a look at each that is uncertain. */
gboolean emails_count_uncertain(Db *db, gint64 org_id, gint64 *waiting, GError **error);

/* What would happen to the waiting recipients if sending were on, by class; [0] counts all. */
typedef struct {
    gint64 send[EMAIL_CLASS_BULK + 1];      /* due, and not past their deadline */
    gint64 uncertain[EMAIL_CLASS_BULK + 1]; /* of these: they may arrive twice */
    gint64 later[EMAIL_CLASS_BULK + 1];     /* scheduled, deferred or uncertain until later */
    gint64 expire[EMAIL_CLASS_BULK + 1];    /* past their deadline: they are not sent any more */
    WallMs oldest_at; /* when the oldest of them was taken; 0: nothing waits */
} EmailsPreview;

/* Along indexes alone but for the few that are uncertain or expired, so that a million mails are
 * counted within one read. */
gboolean emails_preview(Db *db, gint64 org_id, WallMs now, EmailsPreview *preview, GError **error);

/* Of those that are due now, how many reach their deadline by until[class]: with a quota, they may
 * end unsent while the others go out. [0] counts all. Looks at LIMIT_PREVIEW_ROWS recipients at
 * most, those with the nearest deadline. */
gboolean emails_count_running_out(Db *db, gint64 org_id, const WallMs until[EMAIL_CLASS_BULK + 1],
    WallMs now, gint64 counts[EMAIL_CLASS_BULK + 1], GError **error);
