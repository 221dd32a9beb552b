#include "courier/batch.h"

struct batch {
    guint most, at_once;
    BatchBegin begin;
    GDestroyNotify free_item;
    gpointer user;
    GQueue waiting;
    GPtrArray *group; /* only while it is begun */
    guint n_under_way;
};

Batch *batch_new(
    guint most, guint at_once, BatchBegin begin, GDestroyNotify free_item, gpointer user)
{
    Batch *batch = g_new0(Batch, 1);
    batch->most = most;
    batch->at_once = at_once;
    batch->begin = begin;
    batch->free_item = free_item;
    batch->user = user;
    g_queue_init(&batch->waiting);
    batch->group = g_ptr_array_new();
    return batch;
}

void batch_free(Batch *batch)
{
    if (batch == NULL)
        return;
    g_queue_clear_full(&batch->waiting, batch->free_item);
    g_ptr_array_unref(batch->group);
    g_free(batch);
}

void batch_add(Batch *batch, gpointer item)
{
    g_queue_push_tail(&batch->waiting, item);
}

/* A group can be over before `begin` returns; then the next one begins here, not inside it. */
void batch_go(Batch *batch)
{
    while (batch->n_under_way < batch->at_once && batch->group->len == 0 &&
           batch->waiting.length > 0) {
        while (batch->waiting.length > 0 && batch->group->len < batch->most)
            g_ptr_array_add(batch->group, g_queue_pop_head(&batch->waiting));
        batch->n_under_way++;
        batch->begin(batch->group, batch->user);
        g_ptr_array_set_size(batch->group, 0);
    }
}

void batch_over(Batch *batch)
{
    g_assert(batch->n_under_way > 0);
    batch->n_under_way--;
    batch_go(batch);
}
