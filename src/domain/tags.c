#include "domain/tags.h"

#include "base/text.h"

#include <string.h>

struct tags {
    GPtrArray *names;   /* of char *, in order */
    GHashTable *values; /* name → value, both owned by this and `names` */
};

void tags_free(Tags *tags)
{
    if (!tags)
        return;
    g_hash_table_unref(tags->values);
    g_ptr_array_unref(tags->names);
    g_free(tags);
}

static gboolean is_name(const char *name)
{
    if (!g_ascii_isalpha(*name))
        return FALSE;
    for (; *name; name++) {
        if (!g_ascii_isalnum(*name) && *name != '_')
            return FALSE;
    }
    return TRUE;
}

/* TRUE if the tag was taken. text is changed. */
static gboolean take(Tags *tags, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return FALSE;
    *equals = '\0';
    const char *name = g_strstrip(text);
    if (!is_name(name) || g_hash_table_contains(tags->values, name))
        return FALSE;
    char *kept = g_strdup(name);
    g_ptr_array_add(tags->names, kept);
    g_hash_table_insert(tags->values, kept, g_strdup(g_strstrip(equals + 1)));
    return TRUE;
}

Tags *tags_parse(const char *text)
{
    g_autoptr(Tags) tags = g_new0(Tags, 1);
    tags->names = g_ptr_array_new_with_free_func(g_free);
    tags->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_auto(GStrv) pieces = g_strsplit(text, ";", -1);
    for (guint i = 0; pieces[i]; i++) {
        gboolean is_last = pieces[i + 1] == NULL;
        if (is_last && *g_strstrip(pieces[i]) == '\0')
            break;
        if (!take(tags, pieces[i]))
            return NULL;
    }
    return tags->names->len > 0 ? g_steal_pointer(&tags) : NULL;
}

const char *tags_get(const Tags *tags, const char *name)
{
    return g_hash_table_lookup(tags->values, name);
}

guint tags_count(const Tags *tags)
{
    return tags->names->len;
}

const char *tags_name_at(const Tags *tags, guint i)
{
    return tags->names->pdata[i];
}

gboolean tags_list_holds(const char *list, const char *word)
{
    g_auto(GStrv) words = g_strsplit(list, ":", -1);
    for (guint i = 0; words[i]; i++) {
        const char *each = g_strstrip(words[i]);
        if (text_equal_nocase(each, word) || strcmp(each, "*") == 0)
            return TRUE;
    }
    return FALSE;
}
