/* A number that only grows, counted by any thread and read by any other. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

typedef struct {
    _Atomic gint64 n;
} Counter;

static inline void counter_add(Counter *counter)
{
    atomic_fetch_add_explicit(&counter->n, 1, memory_order_relaxed);
}

static inline gint64 counter_get(const Counter *counter)
{
    return atomic_load_explicit(&counter->n, memory_order_relaxed);
}
