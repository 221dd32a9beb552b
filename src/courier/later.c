#include "courier/later.h"

struct later {
    GSource base;
    gboolean is_asked;
    void (*due)(gpointer user);
    gpointer user;
};

/* Looked at before every poll, so that asking costs nothing: a ready time, or an idle source, would
 * wake the loop, which is awake. */
static gboolean prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return ((const Later *)source)->is_asked;
}

static gboolean check(GSource *source)
{
    return ((const Later *)source)->is_asked;
}

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer nothing)
{
    Later *later = (Later *)source;
    later->is_asked = FALSE;
    later->due(later->user);
    return G_SOURCE_CONTINUE;
}

Later *later_new(GMainContext *context, void (*due)(gpointer user), gpointer user)
{
    static GSourceFuncs funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};
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
    later->is_asked = TRUE;
}
