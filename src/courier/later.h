/* Something to do on the next turn of the loop, once, however often it is asked for until then: for
 * work that must not happen inside the call or callback that caused it. On the loop thread only. */
#pragma once

#include <glib.h>

typedef struct later Later;

/* due: called from the loop; may free the Later. */
Later *later_new(GMainContext *context, void (*due)(gpointer user), gpointer user);
void later_free(Later *later); /* what was asked for does not happen any more */

void later_ask(Later *later);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Later, later_free)
