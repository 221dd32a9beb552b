/* The client core against the server core, in memory and under a virtual clock, with a line between
 * them that spoils what the server says, and a driver that cuts, delays, marks and withdraws as
 * chance will have it. */
#pragma once

#include "damage.h"

typedef struct {
    guint n_mails, n_outcomes[5]; /* by SmtpOutcomeKind */
    guint n_steps, n_deluded;     /* recipients believed to be accepted that are not */
    guint damages;                /* bits 1 << DamageKind; 0: none */
    gboolean is_windowed;
} DuelCount;

/* Plays the k-th duel of a seed to its end. NULL: all held; else what did not (the caller frees).
 * wants_story: tells it on standard output. */
char *duel_play(guint64 seed, guint64 k, gboolean wants_story, DuelCount *count);
