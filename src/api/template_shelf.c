#include "api/template_shelf.h"

#include "base/limits.h"

#include <string.h>

struct template_shelf {
    GMutex mutex;
    GHashTable *held; /* of ShelfTemplate, by what they were compiled from */
};

TemplateShelf *template_shelf_new(void)
{
    TemplateShelf *shelf = g_new0(TemplateShelf, 1);
    g_mutex_init(&shelf->mutex);
    shelf->held = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)shelf_template_unref);
    return shelf;
}

void template_shelf_free(TemplateShelf *shelf)
{
    if (!shelf)
        return;
    g_hash_table_unref(shelf->held);
    g_mutex_clear(&shelf->mutex);
    g_free(shelf);
}

ShelfTemplate *shelf_template_ref(ShelfTemplate *held)
{
    return g_atomic_rc_box_acquire(held);
}

static void held_clear(gpointer data)
{
    ShelfTemplate *held = data;
    template_free(held->template);
    g_free(held->name);
}

void shelf_template_unref(ShelfTemplate *held)
{
    if (held)
        g_atomic_rc_box_release_full(held, held_clear);
}

typedef struct {
    const char *name, *subject, *text, *html;
} Sources;

/* Compiles outside the lock: two threads may do it for the same text, and one of them in vain. */
static ShelfTemplate *take(
    TemplateShelf *shelf, const char *key, const Sources *sources, GError **error)
{
    g_mutex_lock(&shelf->mutex);
    ShelfTemplate *held = g_hash_table_lookup(shelf->held, key);
    if (held)
        shelf_template_ref(held);
    g_mutex_unlock(&shelf->mutex);
    if (held)
        return held;
    Template *template = template_compile(sources->subject, sources->text, sources->html, error);
    if (!template)
        return NULL;
    held = g_atomic_rc_box_new0(ShelfTemplate);
    held->template = template;
    held->name = g_strdup(sources->name);
    g_mutex_lock(&shelf->mutex);
    if (g_hash_table_size(shelf->held) >= LIMIT_TEMPLATES_COMPILED)
        g_hash_table_remove_all(shelf->held);
    g_hash_table_replace(shelf->held, g_strdup(key), shelf_template_ref(held));
    g_mutex_unlock(&shelf->mutex);
    return held;
}

ShelfTemplate *template_shelf_builtin(TemplateShelf *shelf, const BuiltinTemplate *builtin)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *key = g_strdup_printf("%s/%s", builtin->name, builtin->locale);
    const Sources sources = {builtin->name, builtin->subject, builtin->text, builtin->html};
    ShelfTemplate *held = take(shelf, key, &sources, &error);
    g_assert_no_error(error); /* test_builtin.c */
    return held;
}

ShelfTemplate *template_shelf_own(TemplateShelf *shelf, const MailTemplate *own, GError **error)
{
    g_autofree char *key =
        g_strdup_printf("%" G_GINT64_FORMAT "@%" G_GINT64_FORMAT, own->row, own->changed_at);
    const Sources sources = {own->name, own->subject, own->text, own->html};
    return take(shelf, key, &sources, error);
}

/* NULL without error: there is none. */
static ShelfTemplate *find_own(TemplateShelf *shelf, Db *reader, gint64 org_id, const char *name,
    const char *locale, GError **error)
{
    g_autoptr(MailTemplate) own = mail_template_by_name(reader, org_id, name, locale, error);
    return own ? template_shelf_own(shelf, own, error) : NULL;
}

static ShelfTemplate *find_by_id(
    TemplateShelf *shelf, Db *reader, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(MailTemplate) own = mail_template_by_id(reader, org_id, id, error);
    return own ? template_shelf_own(shelf, own, error) : NULL;
}

ShelfTemplate *template_shelf_find(TemplateShelf *shelf, Db *reader, gint64 org_id,
    const char *name_or_id, const char *locale, GError **error)
{
    Id id;
    if (id_parse(name_or_id, "tpl", &id))
        return find_by_id(shelf, reader, org_id, &id, error);
    GError *fault = NULL;
    ShelfTemplate *held = find_own(shelf, reader, org_id, name_or_id, locale, &fault);
    if (!held && !fault) {
        const BuiltinTemplate *builtin = builtin_template_find(name_or_id, locale);
        const char *other = strcmp(locale, "de") == 0 ? "en" : "de";
        held = builtin ? template_shelf_builtin(shelf, builtin)
                       : find_own(shelf, reader, org_id, name_or_id, other, &fault);
    }
    if (fault)
        g_propagate_error(error, fault);
    return held;
}
