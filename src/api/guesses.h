/* Slows down whoever tries passwords or tokens: after a few failures each further one for an
 * account or from an address (of IPv6: from its /64) has to wait longer. A try counts as failed
 * from before it is judged, so that many at once are no way around. In memory, bounded; what is
 * forgotten first is what failed least often, then longest ago. Thread-safe.
 *
 * A network in which somebody has signed in, or has used a link to a new password, is a home. Tries
 * from there are none of the account's rule, or any stranger could keep people out; they keep to
 * the address's only. That holds for every name: if it held for hers alone, whoever shares the
 * network would see which accounts exist (threat T36). For the same reason a sign-in takes back its
 * own try and no other: what a stranger is told must not change when somebody comes in. So the
 * price is that in a home, or behind a proxy that is not named as trusted, one account may be tried
 * LIMIT_ADDRESS_GUESSES times at once instead of LIMIT_ACCOUNT_GUESSES; in the long run the
 * address's waits are the longer ones. Many homes has only who has an account, and the audit log
 * her name. */
#pragma once

#include "base/clock.h"

typedef struct guesses Guesses;

Guesses *guesses_new(void);
void guesses_free(Guesses *guesses);

/* 0: go on; the try is counted as failed. Else how long this account (may be NULL) and address must
 * still wait, and nothing is counted. */
MonoMs guesses_take(Guesses *guesses, const char *account, const char *address, MonoMs now);

/* A try that was taken was none of guessing: account (may be NULL) and address have it back. */
void guesses_note_success(Guesses *guesses, const char *account, const char *address, MonoMs now);

/* Somebody has proved an account of hers from this address: its network is a home until then, or
 * longer if that was said before. */
void guesses_note_home(Guesses *guesses, const char *address, MonoMs until);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guesses, guesses_free)
