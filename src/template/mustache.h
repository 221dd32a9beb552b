/* The one door to the Mustache library, which is C++. Sources come in checked and normalised by
 * scan.h: variables are {{name}}, sections {{#?name}}, and a variable that begins an address in
 * HTML is {{@name}} (in a style {{~name}}), so that the callback knows what it is asked for. In
 * front of every section stands {{#?}}{{/?}}, whose value is never empty: the library drops the
 * line of a section that is not shown only if it has met one that is. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct mustache Mustache;

/* The value behind a name; NULL breaks the rendering off. Lent while rendering. "" is empty: its
 * section is not shown. */
typedef const char *(*MustacheLookup)(const char *name, gpointer user);

/* NULL if the library cannot read it, or there is no memory. */
Mustache *mustache_new(const char *source, gboolean escapes_html);
void mustache_free(Mustache *mustache);

/* The caller frees. NULL: the callback broke it off, or there is no memory. May run on several
 * threads at once. */
char *mustache_render(const Mustache *mustache, MustacheLookup lookup, gpointer user);

G_END_DECLS
