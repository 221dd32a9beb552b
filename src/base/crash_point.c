/* Built only with -Dcrash_points=true. */
#include "base/crash_point.h"

#include <glib.h>
#include <signal.h>
#include <string.h>

typedef struct {
    char *name; /* NULL: none was asked for */
    gint passings_left;
} CrashPoint;

static CrashPoint *asked_for(void)
{
    static CrashPoint point;
    static gsize is_read = 0;
    if (g_once_init_enter(&is_read)) {
        const char *text = g_getenv("ABSENDER_CRASH_AT");
        const char *colon = text == NULL ? NULL : strchr(text, ':');
        if (text != NULL)
            point.name = colon == NULL ? g_strdup(text) : g_strndup(text, (gsize)(colon - text));
        point.passings_left =
            colon == NULL ? 1 : (gint)CLAMP(g_ascii_strtoll(colon + 1, NULL, 10), 1, G_MAXINT);
        g_once_init_leave(&is_read, 1);
    }
    return &point;
}

void crash_point_pass(const char *name)
{
    CrashPoint *point = asked_for();
    if (point->name != NULL && strcmp(point->name, name) == 0 &&
        g_atomic_int_dec_and_test(&point->passings_left))
        raise(SIGKILL);
}
