/* When a mail is tried again, and what an attempt's end means for it. Pure. */
#pragma once

#include "base/clock.h"
#include "diagnosis/diagnosis.h"
#include "outbox/email.h"

/* After the attempt-th unsuccessful attempt (1, 2, …): 1, 5, 15, 30, 60 minutes, then every 2
 * hours, each lengthened by up to a quarter as `random` says, so that mails deferred together do
 * not come back together. */
gint64 retry_delay_ms(guint attempt, guint32 random);

/* What an attempt came to, as the courier saw it. */
typedef enum {
    ATTEMPT_ACCEPTED = 1,
    ATTEMPT_REFUSED,       /* a reply said no to this mail; see fate */
    ATTEMPT_UNCERTAIN,     /* the final dot left and no reply came */
    ATTEMPT_UNSENT,        /* the session broke or never stood: nobody refused this mail */
    ATTEMPT_LOGIN_REFUSED, /* the credential is at fault, never the mail (DESIGN rule 5) */
    ATTEMPT_NO_TOKEN,  /* OAuth2's token server did not answer: nobody refused, no mail was tried */
    ATTEMPT_WITHDRAWN, /* not tried after all: cancelled, or handed back */
    ATTEMPT_RETURNED,  /* begun, perhaps marked, but its end never left, and nobody is at fault:
                          it goes again at once */
    ATTEMPT_NOT_STORED, /* our own store could not be read or written, and nobody was asked: again
                           in LIMIT_STORE_AGAIN_MS */
} AttemptEnd;

typedef struct {
    guint attempts;     /* before this one */
    WallMs deadline_at; /* its own expiry or the longest lifetime, as the store knows it */
    WallMs expires_at;  /* its own expiry alone; 0: none */
    gboolean at_most_once, was_uncertain;
} RetryMail;

#define RETRY_NOTHING ((EmailState)0)

typedef struct {
    EmailState state; /* RETRY_NOTHING: nothing to write (withdrawn) */
    WallMs next_at;   /* 0: none */
    gboolean counts;  /* uses up an attempt */
} RetryDecision;

/* `now` is the wall clock, `steady` the one that nobody can set. A mail's own expiry has come as
 * soon as one of them says so; the longest lifetime is over only when both do, so that no jump of
 * the clock ends a mail (reliability C7, C12). */
gboolean retry_is_too_late(const RetryMail *mail, WallMs now, WallMs steady);

/* fate and wait_s come from the diagnosis of the reply; NONE and 0 where no reply
 * decided. */
RetryDecision retry_decide(const RetryMail *mail, AttemptEnd end, DiagnosisFate fate, gint64 wait_s,
    WallMs now, guint32 random);
