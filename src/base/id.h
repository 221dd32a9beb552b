/* Identifiers: UUIDv7 (RFC 9562 5.7), shown with a prefix that says what they name:
 * em_ (email), ver_ (verification), mem_ (member), tok_ (token), req_ (request), inv_ (invitation),
 * cap_ (captured mail). They sort by creation time. */
#pragma once

#include "base/clock.h"

#include <glib.h>

#define ID_BYTES 16
#define ID_RANDOM_BYTES 10
#define ID_TEXT_SIZE 48 /* prefix, '_', 32 hex digits, NUL, with room to spare */

typedef struct {
    guint8 bytes[ID_BYTES];
} Id;

/* Pure: the same time and randomness give the same id. */
Id id_make(WallMs now, const guint8 random[ID_RANDOM_BYTES]);

/* id_make with fresh randomness; not for pure folders. */
Id id_fresh(WallMs now);

/* Writes "em_0193…"; prefix is 2 to 4 lower-case letters without the underscore. Returns text. */
char *id_format(const Id *id, const char *prefix, char text[ID_TEXT_SIZE]);
char *id_dup(const Id *id, const char *prefix); /* the caller frees */

/* FALSE unless text is exactly prefix, '_' and 32 lower-case hex digits; with prefix "" the digits
 * alone. */
gboolean id_parse(const char *text, const char *prefix, Id *id);

gboolean id_equal(const Id *a, const Id *b);
