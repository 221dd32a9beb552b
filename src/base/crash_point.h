/* Named places at which a test lets the program die: CRASH_POINT("group_committed") kills the
 * process as `kill -9` does, at the n-th passing of the place that the environment names in
 * ABSENDER_CRASH_AT=name[:n]. Only builds with -Dcrash_points=true know them; in every other build
 * a place compiles to nothing, and neither the names nor the reader of the environment are in the
 * program. test/crash/points.py finds the places in the source and fails if one is never reached.
 * A name says what has just happened (with `_due`: what is about to), and stands in one place only.
 */
#pragma once

#ifdef ABSENDER_CRASH_POINTS
/* Counts this passing; does not return from the one that was asked for. Any thread. */
void crash_point_pass(const char *name);
#define CRASH_POINT(name) crash_point_pass(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif
