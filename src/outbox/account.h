/* What the outbox knows of one org's account with its provider, and how much mail that lets out
 * now: the gate, a refused login, sessions that break, an account that is held, the quota. Pure;
 * part of the outbox and used by it alone.
 *
 * All its times are steady ones (OutboxEvent.steady): nobody who sets the clock shortens or
 * lengthens what it waits for. */
#pragma once

#include "outbox/outbox.h"
#include "outbox/quota.h"

typedef struct {
    EmailGate gate; /* open, not_configured or paused */
    gboolean
        is_refused; /* the login is refused; beside the gate, because a pause must survive it */
    gint64 config_version;
    guint connections, window;
    guint breaks;               /* sessions that did not come about, in a row */
    WallMs blocked_until;       /* no attempt before; 0: none */
    WallMs credential_retry_at; /* the one automatic try after a refused login, which is begun
                                   within LIMIT_CREDENTIAL_TRY_MS or given up; 0: used up */
    OutboxHealth health;
    Quota *sent;
    QuotaLimits limits;
    WallMs began_at;         /* of the first gate: all since then was counted here; 0: none yet */
    gboolean knows_the_past; /* what was sent before the start is in `sent` */
} Account;

void account_init(Account *account);
void account_clear(Account *account);

/* What an event means for the mails. */
typedef struct {
    gboolean closes;  /* what is ready may not go any more: forget it */
    gboolean opens;   /* more may go than before: look for it */
    gboolean is_news; /* the health is another */
} AccountNews;

AccountNews account_on_gate(Account *account, const OutboxEvent *event);
/* An attempt of this org that began at that time is over; whatever settings it was made with. */
AccountNews account_on_ended(Account *account, const OutboxEvent *event, WallMs began_at);

/* A login was refused that was tried for no mail in particular. */
AccountNews account_on_login_refused(Account *account, const OutboxEvent *event);

/* TRUE if the attempt uses up quota: the provider was asked to take the mail. */
gboolean account_was_asked(const OutboxEvent *event);

/* As many mails as the connections can have unanswered, and about the same again to be read
 * meanwhile: what may be out when nothing holds it. */
guint account_places(const Account *account);

/* How many mails may be out at once, `sending` of which are, and whether only those that a person
 * started may be added. */
guint account_capacity(const Account *account, guint sending, WallMs steady, gboolean *only_tests);

/* The time of the one automatic try after a refused login has not come yet. */
gboolean account_waits_for_retry(const Account *account, WallMs steady);

/* When account_capacity will say something else by itself; 0: not. */
WallMs account_changes_at(const Account *account, guint sending, WallMs steady);
