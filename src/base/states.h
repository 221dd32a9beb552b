/* State machines as tables: the allowed moves are data, and a move that is not in the table aborts.
 *
 *     static const StateRow rows[] = {
 *         [WAIT_GREETING] = {"wait_greeting", STATE_BIT(WAIT_EHLO) | STATE_BIT(CLOSED)}, …
 *     };
 *     static const StateTable table = {"smtp_client", rows, G_N_ELEMENTS(rows)};
 *     states_move(&table, &client->state, WAIT_EHLO);
 */
#pragma once

#include <glib.h>

#define STATE_BIT(state) (G_GUINT64_CONSTANT(1) << (state))

typedef struct {
    const char *name;
    guint64 next; /* STATE_BIT of each state it may move to */
} StateRow;

typedef struct {
    const char *machine;
    const StateRow *rows;
    guint n_rows; /* at most 64 */
} StateTable;

gboolean states_allow(const StateTable *table, guint from, guint to);
const char *states_name(const StateTable *table, guint state);

/* Moves *state; a move the table does not allow is our own bug and aborts, naming both states. */
void states_move(const StateTable *table, guint *state, guint to);
