/* Every write and every sync of every kind of work fails once: it is answered with an error or it
 * is durable, what was there before is there, and the store works on when there is space again.
 * After a failed sync it takes nothing more, and the process after it has lost nothing. */
#pragma once

#include <glib.h>

/* Prints TAP lines from `number` on, and the plan. */
gboolean power_test_faults(guint64 seed, guint number);
