#include "base/twin.h"

#include <string.h>

/* Takes apart what the stars of the pattern stand for; FALSE if it does not fit. */
static gboolean take_apart(const char *pattern, const char *text, GPtrArray *parts)
{
    g_auto(GStrv) fixed = g_strsplit(pattern, "*", TWIN_PARTS_MAX + 1);
    if (!g_str_has_prefix(text, fixed[0]))
        return FALSE;
    text += strlen(fixed[0]);
    for (guint i = 1; fixed[i]; i++) {
        gboolean is_last = fixed[i + 1] == NULL;
        gsize n = strlen(text), n_fixed = strlen(fixed[i]);
        const char *at =
            is_last ? (n >= n_fixed ? text + n - n_fixed : NULL) : strstr(text, fixed[i]);
        if (!at || memcmp(at, fixed[i], n_fixed) != 0)
            return FALSE;
        g_ptr_array_add(parts, g_strndup(text, (gsize)(at - text)));
        text = at + n_fixed;
    }
    return *text == '\0';
}

/* The twin with the parts in their places. */
static char *put_together(
    const char *twin, const GPtrArray *parts, char *(*of_part)(const char *part))
{
    GString *text = g_string_new(NULL);
    for (const char *p = twin; *p; p++) {
        guint number =
            p[0] == '{' && g_ascii_isdigit(p[1]) && p[2] == '}' ? (guint)(p[1] - '0') : 0;
        if (number == 0 || number > parts->len) {
            g_string_append_c(text, *p);
            continue;
        }
        const char *part = parts->pdata[number - 1];
        g_autofree char *other = of_part ? of_part(part) : NULL;
        g_string_append(text, other ? other : part);
        p += 2;
    }
    return g_string_free(text, FALSE);
}

char *text_twin(
    const TextTwin *rows, gsize n_rows, const char *sentence, char *(*of_part)(const char *part))
{
    for (gsize i = 0; i < n_rows; i++) {
        g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
        if (take_apart(rows[i].sentence, sentence, parts))
            return put_together(rows[i].twin, parts, of_part);
    }
    return NULL;
}
