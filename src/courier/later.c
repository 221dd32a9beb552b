#include "courier/later.h"

struct later {
    GSource base;
    void (*due)(gpointer user);
    gpointer user;
};

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer nothing)
{
    Later *later = (Later *)source;
    g_source_set_ready_time(source, -1);
    later->due(later->user);
    return G_SOURCE_CONTINUE;
}

Later *later_new(GMainContext *context, void (*due)(gpointer user), gpointer user)
{
    static GSourceFuncs funcs = {.dispatch = dispatch};
    GSource *source = g_source_new(&funcs, sizeof(Later));
    Later *later = (Later *)source;
    later->due = due;
    later->user = user;
    g_source_set_static_name(source, "later");
    g_source_attach(source, context);
    return later;
}

void later_free(Later *later)
{
    if (later == NULL)
        return;
    g_source_destroy(&later->base);
    g_source_unref(&later->base);
}

void later_ask(Later *later)
{
    if (g_source_get_ready_time(&later->base) != 0) /* each change wakes the loop */
        g_source_set_ready_time(&later->base, 0);
}
