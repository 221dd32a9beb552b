/* Slows down whoever tries passwords or tokens: after a few failures each further one for an
 * account or from an address (of IPv6: from its /64) has to wait longer. A try counts as failed
 * from before it is judged, so that many at once are no way around. Where somebody has signed in
 * before, the account's own wait does not count, or any stranger could keep her out. In memory,
 * bounded; what is forgotten first is what failed least often, then longest ago. The same for
 * accounts that exist and that do not. Thread-safe. */
#pragma once

#include "base/clock.h"

typedef struct guesses Guesses;

Guesses *guesses_new(void);
void guesses_free(Guesses *guesses);

/* 0: go on; the try is counted as failed. Else how long this account (may be NULL) and address must
 * still wait, and nothing is counted. */
MonoMs guesses_take(Guesses *guesses, const char *account, const char *address, MonoMs now);

/* A try that was taken was none of guessing: the account's failures (may be NULL) are forgotten,
 * and the address has its try back. */
void guesses_note_success(Guesses *guesses, const char *account, const char *address);

/* The account (as the audit log knows it) has signed in from this address: until then its network
 * passes the account's rule, and has to keep to the address's only. */
void guesses_note_home(Guesses *guesses, const char *account, const char *address, MonoMs until);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guesses, guesses_free)
