/* Slows down whoever tries passwords: after a few failures each further one for an account or from
 * an address has to wait longer. In memory, bounded; what is forgotten first is what failed
 * longest ago. The same for accounts that exist and that do not. Thread-safe. */
#pragma once

#include "base/clock.h"

typedef struct guesses Guesses;

Guesses *guesses_new(void);
void guesses_free(Guesses *guesses);

/* How long this account (may be NULL) and address must still wait; 0: go on. */
MonoMs guesses_wait_ms(Guesses *guesses, const char *account, const char *address, MonoMs now);

void guesses_note_failure(Guesses *guesses, const char *account, const char *address, MonoMs now);
void guesses_note_success(Guesses *guesses, const char *account);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guesses, guesses_free)
