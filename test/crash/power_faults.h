/* Every write and every sync of every kind of work fails once: it is answered with an error or it
 * is durable, what was there before is there, and the store works on when there is space again.
 * After a failed sync it takes nothing more, and the process after it has lost nothing. */
#pragma once

#include <glib.h>

typedef struct {
    const char *program; /* as it is called to repeat what failed */
    const char *act;     /* NULL: all of them */
    guint64 seed;
    guint number; /* of the first TAP line */
} PowerFaults;

/* Prints TAP lines, and the plan if all acts were asked for. */
gboolean power_test_faults(const PowerFaults *faults);
