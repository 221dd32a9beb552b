/* How often something may be asked for: at most so many times within any window of this length, for
 * each key. What is refused is not counted. In memory and bounded (LIMIT_RATE_KEYS): what was
 * taken least often, then longest ago, is forgotten first. Thread-safe. */
#pragma once

#include "base/clock.h"

typedef struct rate Rate;

Rate *rate_new(void);
void rate_free(Rate *rate);

typedef struct {
    const char *key;  /* kept as a hash: it may be long, and an address does not stay in memory */
    guint most;       /* 1 to LIMIT_RATE_TAKES */
    MonoMs window_ms; /* the same in every call with this key */
} RateRule;

/* 0: taken. Else how long to wait until it would be. */
MonoMs rate_take(Rate *rate, const char *key, guint most, MonoMs window_ms, MonoMs now);

/* The same, and nothing is taken. */
MonoMs rate_wait(Rate *rate, const char *key, guint most, MonoMs window_ms, MonoMs now);

/* Taken under all rules, or under none: then the longest of the waits. */
MonoMs rate_take_all(Rate *rate, const RateRule *rules, gsize n_rules, MonoMs now);

/* The key of a client's address: whoever has one IPv6 address has the 2^64 of its network, and they
 * count as one (RFC 6177 2). The caller frees. */
char *rate_client_key(const char *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rate, rate_free)
