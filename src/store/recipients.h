/* One recipient row and its moves: the only place that changes a state, so that the counts, the
 * erasing of secret bodies and the announcements cannot be forgotten. */
#pragma once

#include "outbox/email.h"
#include "store/store.h"

/* row = email row << RECIPIENTS_SHIFT | position: an email's recipients are a range of keys. */
#define RECIPIENTS_SHIFT 7
#define RECIPIENTS_LAST ((G_GINT64_CONSTANT(1) << RECIPIENTS_SHIFT) - 1)

static inline gint64 recipients_first_row(gint64 email_row)
{
    return email_row << RECIPIENTS_SHIFT;
}

static inline gint64 recipients_last_row(gint64 email_row)
{
    return recipients_first_row(email_row) | RECIPIENTS_LAST;
}

/* A mail's own expiry, apart from the longest lifetime; 0: none. Both are kept in one deadline, the
 * earlier of the two, until a person gives an expired mail a later one. */
static inline WallMs recipients_own_expiry(WallMs expires_at, WallMs deadline_at)
{
    return expires_at == 0 ? 0 : MAX(expires_at, deadline_at);
}

typedef struct {
    gint64 row, org_id;
    EmailState state;
    EmailClass class;
    guint attempts;
    WallMs next_at, deadline_at; /* next_at 0: at its end */
    WallMs expires_at;           /* its own expiry alone; 0: none */
    gboolean at_most_once;
    Id email_id;
} Recipient;

/* ABS_ERROR_NOT_FOUND if the org has no such recipient. */
gboolean recipient_read(Db *db, gint64 org_id, gint64 row, Recipient *recipient, GError **error);

/* What a job's moves add up to for the counts, so that they are written once. Starts as zeros. */
typedef struct {
    gint64 change[EMAIL_HANDED_OVER + 1]; /* by state */
} RecipientTally;

/* Moves it, which `email_states` must allow. next_at 0: it is at its end; then the body of a secret
 * class is erased once no recipient of the email waits. Notes EMAIL. The same job must write the
 * tally. */
gboolean recipient_move(Db *db, const Recipient *recipient, EmailState to, WallMs next_at,
    gboolean counts_attempt, WallMs now, RecipientTally *tally, GError **error);

/* Cancels it if it still waits and is not being sent to; adds to *cancelled if it was. What may
 * have arrived is not sent again but stays uncertain, because "cancelled" would say that it was not
 * sent. Notes EMAIL. The same job must write the tally. */
gboolean recipient_cancel(Db *db, gint64 org_id, gint64 row, WallMs now, RecipientTally *tally,
    gint64 *cancelled, GError **error);

/* Adds the tally to the org's counts. */
gboolean recipients_count(Db *db, gint64 org_id, const RecipientTally *tally, GError **error);
