/* Groups that form themselves: while as many groups as may be are under way, what is added collects
 * and goes together as the next. So the work done once for a group (a thread crossed, a transaction
 * committed) is shared by more and more as the load grows, and a single item waits for nobody. Pure
 * mechanics: knows nothing of what it carries. One thread. */
#pragma once

#include <glib.h>

typedef struct batch Batch;

/* Starts the work on a group, which is lent until the function returns; the items are taken.
 * batch_over must follow once, then or later. */
typedef void (*BatchBegin)(GPtrArray *group, gpointer user);

/* most: how many items a group has at most; at_once: how many groups are under way at once (1 keeps
 * the order of the items' ends). free_item: for items that never went. */
Batch *batch_new(
    guint most, guint at_once, BatchBegin begin, GDestroyNotify free_item, gpointer user);
void batch_free(Batch *batch);

void batch_add(Batch *batch, gpointer item); /* taken; goes with the next group, in order */

/* Begins a group of what has collected, unless enough are under way or there is nothing. */
void batch_go(Batch *batch);

/* A group under way is over: the next one begins. */
void batch_over(Batch *batch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)
