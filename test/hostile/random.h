/* Chance that can be repeated: the same seed gives the same session on every machine (splitmix64).
 */
#pragma once

#include <glib.h>

typedef struct {
    guint64 state;
} Random;

static inline guint64 random_next(Random *random)
{
    guint64 z = random->state += G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1; n is not 0. */
static inline guint random_below(Random *random, guint n)
{
    return (guint)(random_next(random) % n);
}

static inline gboolean random_one_in(Random *random, guint n)
{
    return random_below(random, n) == 0;
}

/* The k-th session of a seed, the same whether the others are played or not. */
static inline Random random_for(guint64 seed, guint64 k)
{
    Random random = {seed * G_GUINT64_CONSTANT(0xd1342543de82ef95) + k};
    random_next(&random);
    return random;
}
