#include "smtp/path.h"

#include "base/text.h"
#include "mime/address.h"

#include <string.h>

/* The '>' that closes the path: the first outside a quoted string. NULL: none. */
static const char *find_end(const char *path)
{
    gboolean is_quoted = FALSE;
    for (const char *p = path; *p != '\0'; p++) {
        if (is_quoted && *p == '\\' && p[1] != '\0')
            p++;
        else if (*p == '"')
            is_quoted = !is_quoted;
        else if (*p == '>' && !is_quoted)
            return p;
    }
    return NULL;
}

SmtpPathResult smtp_path_read(const char *text, const char *prefix, gboolean is_reverse,
    char **address, const char **parameters)
{
    if (!text_has_prefix_nocase(text, prefix) || text[strlen(prefix)] != '<')
        return SMTP_PATH_SYNTAX;
    const char *path = text + strlen(prefix) + 1;
    const char *end = find_end(path);
    if (end == NULL || (end[1] != '\0' && (end[1] != ' ' || end[2] == '\0')))
        return SMTP_PATH_SYNTAX;
    g_autofree char *found = g_strndup(path, (gsize)(end - path));
    if (found[0] != '\0') {
        /* One grammar for addresses in the whole house. */
        g_autoptr(MimeAddress) parsed = mime_address_parse(found, NULL);
        if (parsed == NULL)
            return SMTP_PATH_ADDRESS;
    } else if (!is_reverse) {
        return SMTP_PATH_ADDRESS;
    }
    *address = g_steal_pointer(&found);
    *parameters = end[1] == '\0' ? end + 1 : end + 2;
    return SMTP_PATH_OK;
}
