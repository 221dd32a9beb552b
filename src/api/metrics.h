/* Counters for /metrics, in Prometheus' text format, written by hand. Thread-safe. */
#pragma once

#include "api/call.h"

typedef struct metrics Metrics;

Metrics *metrics_new(void);
void metrics_free(Metrics *metrics);

/* route NULL: no route fitted. */
void metrics_count_answer(Metrics *metrics, const Route *route, int status);
void metrics_count_commit(Metrics *metrics); /* a commit of the store that changed something */

/* Requests and commits as text; the caller appends its gauges. */
void metrics_write(Metrics *metrics, GString *text);

/* "# HELP", "# TYPE" and one sample without labels. type: "counter" or "gauge". */
void metrics_write_one(
    GString *text, const char *name, const char *type, const char *help, gint64 value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Metrics, metrics_free)
