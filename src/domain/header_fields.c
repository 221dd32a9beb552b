#include "domain/header_fields.h"

#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"

#include <string.h>

static void field_free(gpointer data)
{
    HeaderField *field = data;
    g_free(field->name);
    g_free(field->value);
    g_free(field);
}

/* "Name: value": a name is printable without ':' (RFC 5322 2.2). */
static HeaderField *read_field(const char *line)
{
    gsize n = 0;
    while (line[n] > ' ' && line[n] <= '~' && line[n] != ':')
        n++;
    if (n == 0 || line[n] != ':')
        return NULL;
    HeaderField *field = g_new0(HeaderField, 1);
    field->name = g_strndup(line, n);
    field->value = g_strstrip(g_strdup(line + n + 1));
    return field;
}

static void unfold(HeaderField *field, char *line)
{
    char *joined = g_strconcat(field->value, " ", g_strstrip(line), NULL);
    g_free(field->value);
    field->value = joined;
}

GPtrArray *header_fields_read(const char *text)
{
    GPtrArray *fields = g_ptr_array_new_with_free_func(field_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LIMIT_HEADER_LINES + 1);
    gboolean follows_field = FALSE;
    for (guint i = 0; lines[i] && i < LIMIT_HEADER_LINES; i++) {
        gboolean is_folded = *lines[i] == ' ' || *lines[i] == '\t';
        g_strchomp(lines[i]);
        if (*lines[i] == '\0' && fields->len > 0)
            break;
        if (is_folded && follows_field) {
            unfold(fields->pdata[fields->len - 1], lines[i]);
            continue;
        }
        HeaderField *field = read_field(g_strchug(lines[i]));
        follows_field = field != NULL;
        if (field)
            g_ptr_array_add(fields, field);
    }
    return fields;
}

const char *header_fields_get(const GPtrArray *fields, const char *name, guint n)
{
    for (guint i = 0; i < fields->len; i++) {
        const HeaderField *field = fields->pdata[i];
        if (text_equal_nocase(field->name, name) && n-- == 0)
            return field->value;
    }
    return NULL;
}

char *header_without_comments(const char *value, char **comments)
{
    GString *plain = g_string_new(NULL), *aside = g_string_new(NULL);
    guint depth = 0;
    gboolean is_quoted = FALSE;
    for (; *value; value++) {
        char c = *value;
        GString *out = depth > 0 ? aside : plain;
        if (c == '\\' && value[1] && (depth > 0 || is_quoted)) {
            g_string_append_len(out, value++, 2);
        } else if (c == '"' && depth == 0) {
            is_quoted = !is_quoted;
            g_string_append_c(out, c);
        } else if (c == '(' && !is_quoted) {
            g_string_append_c(out, ' ');
            depth++;
        } else if (c == ')' && depth > 0) {
            g_string_append_c(aside, ' ');
            depth--;
        } else {
            g_string_append_c(out, c);
        }
    }
    char *text = g_string_free(aside, comments == NULL);
    if (comments)
        *comments = text;
    return g_string_free(plain, FALSE);
}

char **header_split(const char *value)
{
    g_autoptr(GPtrArray) pieces = g_ptr_array_new();
    gboolean is_quoted = FALSE;
    const char *start = value;
    for (;; value++) {
        if (*value == '"')
            is_quoted = !is_quoted;
        if (*value == '\0' || (*value == ';' && !is_quoted)) {
            g_ptr_array_add(pieces, g_strstrip(g_strndup(start, (gsize)(value - start))));
            start = value + 1;
        }
        if (*value == '\0')
            break;
    }
    g_ptr_array_add(pieces, NULL);
    return (char **)g_ptr_array_steal(pieces, NULL);
}

static char *property_value(const char *at)
{
    if (*at != '"')
        return g_strndup(at, strcspn(at, " \t;"));
    GString *out = g_string_new(NULL);
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
        g_string_append_c(out, *at);
    }
    return g_string_free(out, FALSE);
}

char *header_property(const char *piece, const char *name)
{
    gsize n = strlen(name);
    gboolean is_quoted = FALSE, is_start = TRUE;
    for (const char *at = piece; *at; at++) {
        if (!is_quoted && is_start && g_ascii_strncasecmp(at, name, n) == 0) {
            const char *rest = at + n + strspn(at + n, " \t");
            if (*rest == '=')
                return property_value(rest + 1 + strspn(rest + 1, " \t"));
        }
        if (*at == '"')
            is_quoted = !is_quoted;
        is_start = *at == ' ' || *at == '\t' || *at == ';';
    }
    return NULL;
}

char *header_domain_of(const char *address)
{
    const char *at = strrchr(address, '@');
    g_autofree char *domain = g_strdup(at ? at + 1 : address);
    g_strstrip(domain);
    domain[strcspn(domain, "> \t")] = '\0';
    char *parsed = mime_domain_parse(domain, NULL);
    if (parsed && *parsed == '[')
        g_clear_pointer(&parsed, g_free);
    return parsed;
}
