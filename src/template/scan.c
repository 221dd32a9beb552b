#include "template/scan.h"

#include "base/limits.h"
#include "template/html.h"

#include <string.h>

typedef struct {
    TemplatePart part;
    const char *at;    /* next character */
    GString *out;      /* normalised */
    GPtrArray *open;   /* of char *: names of the sections we are in */
    GHashTable *names; /* of char * */
    HtmlReader html;
    guint line, tags;
    char **detail; /* where a fault goes; NULL afterwards means none */
} Scan;

static gboolean refuse(Scan *scan, const char *what, ...) G_GNUC_PRINTF(2, 3);

/* Always FALSE. */
static gboolean refuse(Scan *scan, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    g_autofree char *sentence = g_strdup_vprintf(what, arguments);
    va_end(arguments);
    *scan->detail = g_strdup_printf("Line %u: %s", scan->line, sentence);
    return FALSE;
}

/* --- What may stand where --------------------------------------------------------------------- */

/* The mark before the name by which the lookup knows what the value must be; NULL: none may stand
 * here. */
static const char *mark_of_place(Scan *scan, const char *name)
{
    switch (scan->part == TEMPLATE_HTML ? html_place(&scan->html) : HTML_TEXT) {
    case HTML_TEXT:
    case HTML_VALUE:
        return "";
    case HTML_LINK:
        return "@";
    case HTML_STYLE:
        return "~";
    case HTML_TAG:
        refuse(scan, "Please put {{%s}} in quotes, or between the tags.", name);
        return NULL;
    case HTML_SCRIPT:
    case HTML_COMMENT:
        refuse(scan, "{{%s}} may not stand in a script or a comment.", name);
        return NULL;
    }
    g_assert_not_reached();
}

static gboolean take_variable(Scan *scan, const char *name)
{
    const char *mark = mark_of_place(scan, name);
    if (!mark)
        return FALSE;
    html_note_value(&scan->html);
    g_string_append_printf(scan->out, "{{%s%s}}", mark, name);
    return TRUE;
}

static gboolean take_section(Scan *scan, char kind, const char *name)
{
    if (scan->part == TEMPLATE_HTML && html_place(&scan->html) != HTML_TEXT)
        return refuse(scan, "{{%c%s}} may only stand between tags, not inside one.", kind, name);
    if (kind == '/') {
        guint n = scan->open->len;
        if (n == 0 || strcmp(scan->open->pdata[n - 1], name) != 0)
            return refuse(scan, "{{/%s}} closes a section that is not open here.", name);
        g_ptr_array_set_size(scan->open, (gint)n - 1);
    } else {
        if (scan->open->len == LIMIT_TEMPLATE_SECTIONS)
            return refuse(scan, "Sections are nested more than %d deep.", LIMIT_TEMPLATE_SECTIONS);
        g_ptr_array_add(scan->open, g_strdup(name));
        g_string_append(scan->out, "{{#?}}{{/?}}");
    }
    g_string_append_printf(scan->out, "{{%c?%s}}", kind, name);
    return TRUE;
}

/* --- Tags ------------------------------------------------------------------------------------- */

static gboolean take_name(Scan *scan, char kind, char *name)
{
    g_strstrip(name);
    if (!template_name_is_fine(name))
        return refuse(scan, "Between {{ and }} stands a name of letters, digits and _, up to %d.",
            LIMIT_TEMPLATE_NAME_BYTES);
    g_hash_table_add(scan->names, g_strdup(name));
    return kind ? take_section(scan, kind, name) : take_variable(scan, name);
}

static gboolean take_content(Scan *scan, char *content)
{
    switch (content[0]) {
    case '!':
        return scan->part != TEMPLATE_HTML || html_place(&scan->html) == HTML_TEXT ||
               refuse(scan, "A comment may only stand between tags, not inside one.");
    case '{':
    case '&':
        return refuse(scan, "Values are always escaped: please write {{name}}.");
    case '>':
        return refuse(scan, "A template cannot include another one.");
    case '=':
        return refuse(scan, "The signs {{ and }} cannot be changed.");
    case '#':
    case '^':
    case '/':
        return take_name(scan, content[0], content + 1);
    default:
        return take_name(scan, '\0', content);
    }
}

static void count_lines(Scan *scan, const char *until)
{
    for (; scan->at < until; scan->at++)
        scan->line += *scan->at == '\n';
}

static gboolean take_tag(Scan *scan)
{
    const char *end = strstr(scan->at, "}}");
    if (!end)
        return refuse(scan, "{{ is not closed by }}.");
    if (scan->part == TEMPLATE_HTML && scan->out->len > 0 &&
        scan->out->str[scan->out->len - 1] == '<') /* what comes out might begin a tag */
        return refuse(scan, "{{ may not stand directly behind <.");
    if (++scan->tags > LIMIT_TEMPLATE_TAGS)
        return refuse(scan, "There are more than %d names in {{ and }}.", LIMIT_TEMPLATE_TAGS);
    g_autofree char *content = g_strndup(scan->at + 2, (gsize)(end - scan->at) - 2);
    g_strstrip(content);
    if (!take_content(scan, content))
        return FALSE;
    count_lines(scan, end + 2);
    return TRUE;
}

static gboolean take_character(Scan *scan)
{
    if (scan->part == TEMPLATE_HTML) {
        html_read(&scan->html, scan->at);
        if (html_place(&scan->html) == HTML_SCRIPT && scan->html.state == HTML_IN_SHEET)
            return refuse(scan, "Mail programs run no scripts: please leave them out.");
    }
    g_string_append_c(scan->out, *scan->at);
    count_lines(scan, scan->at + 1);
    return TRUE;
}

static gboolean check_end(Scan *scan)
{
    if (scan->open->len > 0)
        return refuse(scan, "The section {{#%s}} is not closed by {{/%s}}.",
            (const char *)scan->open->pdata[scan->open->len - 1],
            (const char *)scan->open->pdata[scan->open->len - 1]);
    if (scan->part == TEMPLATE_HTML && html_place(&scan->html) != HTML_TEXT)
        return refuse(scan, "The HTML ends inside a tag, a style sheet or a comment.");
    return TRUE;
}

char *scan_normalise(const char *source, TemplatePart part, GHashTable *names, char **detail)
{
    Scan scan = {.part = part, .at = source, .names = names, .line = 1, .detail = detail};
    scan.out = g_string_sized_new(strlen(source) + 64);
    scan.open = g_ptr_array_new_with_free_func(g_free);
    gboolean is_fine = TRUE;
    while (is_fine && *scan.at)
        is_fine = scan.at[0] == '{' && scan.at[1] == '{' ? take_tag(&scan) : take_character(&scan);
    is_fine = is_fine && check_end(&scan);
    g_ptr_array_unref(scan.open);
    return g_string_free(scan.out, !is_fine);
}
