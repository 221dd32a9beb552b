/* Leaks on purpose, for the negative control of the canary proof (test/real/test_canary.py): a
 * proof that finds no secret anywhere must find it where it was put. Only the program
 * absender-leaky knows them (src/meson.build): there the environment names the places in
 * ABSENDER_LEAK, with commas between (log, memory, audit, answer, event, webhook, backup; arguments
 * and environment: over the program's own name, and over what stands in ABSENDER_LEAK_ROOM). In
 * every other program they compile to nothing, and neither the names nor the reader of the
 * environment are in it. */
#pragma once

#include "base/secret.h"

#ifdef ABSENDER_LEAKS
/* A secret comes by: the log leaks it at once, the other places keep it. Any thread. */
void leak_point_meet(const Secret *secret);

/* What was kept, if this place is one that leaks; else text. Of static storage. */
const char *leak_point_text(const char *place, const char *text);

/* The same, behind the end of a file. */
void leak_point_append(const char *place, const char *path);
#define LEAK_POINT(secret) leak_point_meet(secret)
#define LEAK_TEXT(place, text) leak_point_text(place, text)
#define LEAK_APPEND(place, path) leak_point_append(place, path)
#else
#define LEAK_POINT(secret) ((void)0)
#define LEAK_TEXT(place, text) (text)
#define LEAK_APPEND(place, path) ((void)0)
#endif
