/* Compiled templates, kept so that a text is read once and not for every mail: ours for ever, an
 * organisation's own until they change. At most LIMIT_TEMPLATES_COMPILED; any thread. */
#pragma once

#include "store/templates.h"
#include "template/builtin.h"
#include "template/template.h"

typedef struct template_shelf TemplateShelf;
TemplateShelf *template_shelf_new(void);
void template_shelf_free(TemplateShelf *shelf);

/* One hold on a compiled template. */
typedef struct {
    Template *template;
    char *name; /* "password_reset", or what the organisation called its own */
} ShelfTemplate;
ShelfTemplate *shelf_template_ref(ShelfTemplate *held);
void shelf_template_unref(ShelfTemplate *held);

ShelfTemplate *template_shelf_builtin(TemplateShelf *shelf, const BuiltinTemplate *builtin);

/* ABS_ERROR_INPUT: it cannot be read (it was checked when it was stored). */
ShelfTemplate *template_shelf_own(TemplateShelf *shelf, const MailTemplate *own, GError **error);

/* The text that this name (or the id of an organisation's own, "tpl_…") stands for: the
 * organisation's own in this language, else ours, else its own in the other language. NULL without
 * error: there is none. */
ShelfTemplate *template_shelf_find(TemplateShelf *shelf, Db *reader, gint64 org_id,
    const char *name_or_id, const char *locale, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateShelf, template_shelf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShelfTemplate, shelf_template_unref)
