/* Leaks on purpose, for the negative control of the canary proof (test/real/test_canary.py): a
 * proof that finds no secret anywhere must find it where it was put. Only the program
 * absender-leaky knows them (src/meson.build): there the environment names one place in
 * ABSENDER_LEAK (log, memory, audit, answer, webhook). In every other program they compile to
 * nothing, and neither the names nor the reader of the environment are in it. */
#pragma once

#include "base/secret.h"

#ifdef ABSENDER_LEAKS
/* A secret comes by: the places log and memory leak it at once, the others keep it. Any thread. */
void leak_point_meet(const Secret *secret);

/* What was kept, if this place is the one that leaks; else text. Of static storage. */
const char *leak_point_text(const char *place, const char *text);
#define LEAK_POINT(secret) leak_point_meet(secret)
#define LEAK_TEXT(place, text) leak_point_text(place, text)
#else
#define LEAK_POINT(secret) ((void)0)
#define LEAK_TEXT(place, text) (text)
#endif
