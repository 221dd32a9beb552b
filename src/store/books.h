/* The books: what was taken must be accounted for, always (reliability contract C4).
 *
 *     taken = those that are there, by state + those removed after their end, by state
 *
 * `taken` counts recipients as emails_insert takes them, the states are counted as they move
 * (recipients.h), the removed ones by retention. Three hands, so that a mail that is lost between
 * them shows. A fault is told and never repaired: what it means, a person must find out. */
#pragma once

#include "store/recipients.h"
#include "store/store.h"

#define BOOKS_STATES (EMAIL_HANDED_OVER + 1) /* index: EmailState */

typedef struct {
    gint64 taken;
    gint64 states[BOOKS_STATES];  /* there, as counted move by move */
    gint64 removed[BOOKS_STATES]; /* by the state they ended in */
    gboolean counted;  /* the recipients themselves were counted, too; FALSE: there are too many to
                          be counted in counting_ms */
    gboolean balanced; /* nothing was found wrong */
    GPtrArray *faults; /* of char *: at most LIMIT_BOOKS_FAULTS sentences with numbers */
} Books;

void books_clear(Books *books);

/* In the job that takes them: n more recipients. */
gboolean books_take(Db *db, gint64 org_id, guint n, GError **error);

/* In the job that removes them: so many of each state (tally->change, positive). */
gboolean books_remove(Db *db, gint64 org_id, const RecipientTally *tally, GError **error);

/* Reads the books and holds them against the rows. Of one moment: the equation above, and the
 * counts against the recipients. Then along all recipients, LIMIT_BOOKS_SLICE in one use of a
 * reader and with rests between: each that waits has a body, and no body of a secret class is left
 * without a recipient that waits.
 * Takes its readers itself, for as long as it lasts (about a second for a million); not on the loop
 * or the writing thread. counting_ms: how long the recipients may be counted
 * (LIMIT_BOOKS_COUNTING_MS). *stop (atomic; NULL: never) ends it early with ABS_ERROR_BUSY. */
gboolean books_check(Store *store, gint64 org_id, gint64 counting_ms, const gint *stop,
    Books *books, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Books, books_clear)
