#include "base/clock.h"

#include <string.h>

WallMs clock_wall_ms(void)
{
    return g_get_real_time() / 1000;
}

MonoMs clock_mono_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

WallMs clock_steady_ms(void)
{
    static gint64 lead = 0; /* of the wall clock at the first call */
    static gsize is_known = 0;
    if (g_once_init_enter(&is_known)) {
        lead = clock_wall_ms() - clock_mono_ms();
        g_once_init_leave(&is_known, 1);
    }
    return clock_mono_ms() + lead;
}

char *clock_format_rfc3339(WallMs at)
{
    if (at <= 0)
        return NULL;
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(at / 1000);
    if (when == NULL)
        return NULL;
    g_autofree char *seconds = g_date_time_format(when, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%03dZ", seconds, (int)(at % 1000));
}

gboolean clock_parse_rfc3339(const char *text, WallMs *at)
{
    /* A date without a time or without an offset would be guessed at; we do not guess. */
    if (text == NULL || strlen(text) < strlen("2026-11-21T17:52:00Z") || text[10] != 'T')
        return FALSE;
    g_autoptr(GDateTime) when = g_date_time_new_from_iso8601(text, NULL);
    if (when == NULL)
        return FALSE;
    *at = g_date_time_to_unix(when) * 1000 + g_date_time_get_microsecond(when) / 1000;
    return TRUE;
}
