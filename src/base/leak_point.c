/* Built only with -Dleaks=true. */
#include "base/leak_point.h"

#include <string.h>

static char *kept; /* the first secret that came by; atomic, never freed */

static gboolean is_place(const char *place)
{
    return g_strcmp0(g_getenv("ABSENDER_LEAK"), place) == 0;
}

void leak_point_meet(const Secret *secret)
{
    if (secret_is_empty(secret) || !g_getenv("ABSENDER_LEAK"))
        return;
    if (is_place("log"))
        g_message("%s", secret_reveal(secret, NULL));
    if (is_place("log") || g_atomic_pointer_get(&kept))
        return;
    char *copy = g_strdup(secret_reveal(secret, NULL));
    if (!g_atomic_pointer_compare_and_exchange(&kept, NULL, copy))
        g_free(copy);
}

const char *leak_point_text(const char *place, const char *text)
{
    const char *found = g_atomic_pointer_get(&kept);
    return found && is_place(place) ? found : text;
}
