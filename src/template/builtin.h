/* The texts that come with the program: data/templates/, one source a mail and language, of which
 * tools/embed-templates makes subject, plain text and HTML. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;
    const char *sample; /* what a preview shows */
    const char *text;   /* what it is, in the language of the template */
    gboolean is_needed; /* a text of somebody's own must show it too */
} BuiltinVariable;

typedef struct {
    const char *name, *locale; /* "invitation", "de" */
    const char *title, *purpose;
    const char *subject, *text, *html;
    const BuiltinVariable *variables; /* the common ones included */
    guint n_variables;
} BuiltinTemplate;

/* All, in the order of names, for each name de before en. */
const BuiltinTemplate *builtin_templates(guint *n);

/* NULL: there is none. */
const BuiltinTemplate *builtin_template_find(const char *name, const char *locale);

/* Made by the build. */
extern const BuiltinTemplate builtin_list[];
extern const guint builtin_count;
