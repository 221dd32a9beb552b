/* Turns the loop of a world (a struct with `context`) until a condition holds. Include cmocka.h
 * before. */
#pragma once

#include "base/clock.h"

#define PATIENCE_MS 20000

static inline gboolean run_until_tick(gpointer unused)
{
    return G_SOURCE_CONTINUE;
}

#define RUN_UNTIL(world, condition)                           \
    do {                                                      \
        guint tick = g_timeout_add(2, run_until_tick, NULL);  \
        MonoMs last = clock_mono_ms() + PATIENCE_MS;          \
        while (!(condition) && clock_mono_ms() < last)        \
            g_main_context_iteration((world)->context, TRUE); \
        g_source_remove(tick);                                \
        assert_true(condition);                               \
    } while (0)
