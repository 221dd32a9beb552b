#include "base/states.h"

gboolean states_allow(const StateTable *table, guint from, guint to)
{
    g_assert(from < table->n_rows && to < table->n_rows && table->n_rows <= 64);
    return (table->rows[from].next & STATE_BIT(to)) != 0;
}

const char *states_name(const StateTable *table, guint state)
{
    g_assert(state < table->n_rows);
    return table->rows[state].name;
}

void states_move(const StateTable *table, guint *state, guint to)
{
    if (!states_allow(table, *state, to))
        g_error("%s: no move from %s to %s", table->machine, states_name(table, *state),
            states_name(table, to));
    *state = to;
}
