/* The wall clock was set: what the store names by it is put right, so that no pause ends early or
 * lasts for years, and no mail waits longer than it should (reliability C12). */
#include "courier/courier_priv.h"
#include "store/waits.h"

#define LOOK_MS (15 * CLOCK_MINUTE_MS)
#define SHORTENED_AT_ONCE 2000

gboolean courier_heed_clock(Db *db, CourierClock *clock, WallMs now, WallMs steady, GError **error)
{
    gint64 moved_ms = now - steady - clock->lead_ms;
    if (ABS(moved_ms) >= COURIER_JUMP_MS) {
        if (!smtp_pauses_move(db, moved_ms, now, error))
            return FALSE;
        clock->lead_ms += moved_ms;
    }
    if (ABS(moved_ms) >= COURIER_JUMP_MS || clock->jumps != clock->jumps_heeded)
        clock->look_until = steady + LOOK_MS;
    clock->jumps_heeded = clock->jumps;
    return (clock->waits_are_near && steady >= clock->look_until) ||
           waits_shorten(db, now, SHORTENED_AT_ONCE, &clock->waits_are_near, error);
}
