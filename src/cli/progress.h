/* How far a long command is, on standard output: on a terminal a line that is written over, else a
 * line for every quarter. */
#pragma once

#include <glib.h>

typedef struct {
    int shown; /* percent shown last; 0 at the beginning */
} CliProgress;

/* done of total bytes. */
void progress_show_bytes(CliProgress *progress, gint64 done, gint64 total);

/* The same for things that are counted. */
void progress_show_count(CliProgress *progress, gint64 done, gint64 total);

/* What is being done, where nobody knows how long it takes: only on a terminal. */
void progress_show_step(CliProgress *progress, const char *words);

/* Takes away what a terminal shows. */
void progress_end(CliProgress *progress);
