/* What will happen when: a binary heap by time, then by the order in which it was planned. */
#include "sim.h"

typedef struct {
    gint64 at;
    guint32 number, life, org;
    gint64 id;
    Act act;
} Plan;

static gboolean is_before(const Plan *a, const Plan *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static Plan *plans(const World *world)
{
    return (Plan *)(gpointer)world->agenda->data;
}

static void swap(Plan *a, Plan *b)
{
    Plan kept = *a;
    *a = *b;
    *b = kept;
}

void agenda_add(World *world, gint64 in_ms, Act act, guint org, gint64 id, gboolean of_process)
{
    if (world->agenda == NULL)
        world->agenda = g_array_new(FALSE, FALSE, sizeof(Plan));
    const Plan plan = {.at = world->now + MAX(in_ms, 0),
        .number = world->n_planned++,
        .life = of_process ? world->life : 0,
        .org = org,
        .id = id,
        .act = act};
    g_array_append_val(world->agenda, plan);
    guint i = world->agenda->len - 1;
    for (; i > 0 && is_before(&plans(world)[i], &plans(world)[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&plans(world)[i], &plans(world)[(i - 1) / 2]);
}

static Plan take_first(World *world)
{
    Plan first = plans(world)[0];
    guint n = world->agenda->len - 1;
    plans(world)[0] = plans(world)[n];
    g_array_set_size(world->agenda, n);
    for (guint i = 0, least = 0;; i = least) {
        for (guint child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (is_before(&plans(world)[child], &plans(world)[least]))
                least = child;
        }
        if (least == i)
            return first;
        swap(&plans(world)[i], &plans(world)[least]);
    }
}

gboolean agenda_do_next(World *world)
{
    if (world->agenda == NULL || world->agenda->len == 0)
        return FALSE;
    Plan plan = take_first(world);
    world->now = plan.at;
    if (plan.life != 0 && plan.life != world->life)
        return TRUE; /* of a process that was killed */
    world->count.n_events++;
    plan.act(world, plan.org, plan.id);
    return TRUE;
}
