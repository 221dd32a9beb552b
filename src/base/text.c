#include "base/text.h"

#include <string.h>

gboolean text_is_one_line(const char *text, gboolean allow_tab)
{
    if (text == NULL)
        return TRUE;
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\t' && allow_tab)
            continue;
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
            return FALSE;
    }
    return TRUE;
}

/* Characters that change how the text around them is shown. */
static gboolean is_deceptive(gunichar c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

char *text_printable(const char *bytes, gsize n, gsize max_characters)
{
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)n);
    GString *out = g_string_sized_new(MIN(n, 4 * max_characters) + 4);
    gsize count = 0;
    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\r' && (p[1] == '\n' || p[1] == '\0'))
            continue;
        if (count++ == max_characters) {
            g_string_append(out, "…");
            break;
        }
        if (c == '\n' || c == '\t')
            g_string_append_c(out, ' ');
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || is_deceptive(c))
            g_string_append(out, "\xef\xbf\xbd");
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

gboolean text_equal_nocase(const char *a, const char *b)
{
    return a != NULL && b != NULL && g_ascii_strcasecmp(a, b) == 0;
}

gboolean text_has_prefix_nocase(const char *text, const char *prefix)
{
    return g_ascii_strncasecmp(text, prefix, strlen(prefix)) == 0;
}
