/* The two clocks. Pure folders receive times as arguments and never call these. */
#pragma once

#include <glib.h>

typedef gint64 WallMs; /* milliseconds since 1970-01-01T00:00:00Z; may jump */
typedef gint64 MonoMs; /* milliseconds since some start; never jumps */

#define CLOCK_SECOND_MS (G_GINT64_CONSTANT(1000))
#define CLOCK_MINUTE_MS (60 * CLOCK_SECOND_MS)
#define CLOCK_HOUR_MS (60 * CLOCK_MINUTE_MS)
#define CLOCK_DAY_MS (24 * CLOCK_HOUR_MS)

WallMs clock_wall_ms(void);
MonoMs clock_mono_ms(void);

/* What the wall clock said when this was first called, moved on by the clock that never jumps: what
 * time it would be had nobody set the clock since then. */
WallMs clock_steady_ms(void);

/* "2026-11-21T17:52:00.123Z" (RFC 3339, UTC). The caller frees. 0 and negative times: NULL. */
char *clock_format_rfc3339(WallMs at);

/* Reads RFC 3339 with any offset. FALSE if it is not a complete date and time. */
gboolean clock_parse_rfc3339(const char *text, WallMs *at);
