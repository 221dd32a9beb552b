#include "oauth/form.h"

#include <string.h>

static gboolean is_plain(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static const char *value_of(const FormField *field, gsize *n)
{
    if (field->secret != NULL)
        return secret_reveal(field->secret, n);
    *n = field->text != NULL ? strlen(field->text) : 0;
    return field->text;
}

/* Writes the field at `at` and returns where it ends; at NULL only counts. */
static gsize write_field(const FormField *field, char *at)
{
    gsize n, written = 0;
    const char *value = value_of(field, &n);
    gsize name_bytes = strlen(field->name);
    if (at != NULL) {
        memcpy(at, field->name, name_bytes);
        at[name_bytes] = '=';
    }
    written = name_bytes + 1;
    for (gsize i = 0; i < n; i++) {
        guint8 byte = (guint8)value[i];
        gsize step = is_plain(value[i]) ? 1 : 3;
        if (at != NULL && step == 1)
            at[written] = value[i];
        if (at != NULL && step == 3) {
            at[written] = '%';
            at[written + 1] = "0123456789ABCDEF"[byte >> 4];
            at[written + 2] = "0123456789ABCDEF"[byte & 15];
        }
        written += step;
    }
    return written;
}

static gboolean is_left_out(const FormField *field)
{
    gsize n;
    value_of(field, &n);
    return n == 0;
}

/* Counted first, so that no part of a secret stays behind in memory that had to grow. */
static char *write_all(const FormField *fields, gsize n, gsize *bytes)
{
    gsize most = 1, at = 0;
    for (gsize i = 0; i < n; i++)
        most += write_field(&fields[i], NULL) + 1;
    char *form = g_malloc(most);
    for (gsize i = 0; i < n; i++) {
        if (is_left_out(&fields[i]))
            continue;
        if (at > 0)
            form[at++] = '&';
        at += write_field(&fields[i], form + at);
    }
    form[at] = '\0';
    *bytes = at;
    return form;
}

Secret *form_write(const FormField *fields, gsize n)
{
    gsize bytes;
    char *form = write_all(fields, n, &bytes);
    Secret *secret = secret_new(form, bytes);
    secret_wipe(form, bytes);
    g_free(form);
    return secret;
}

char *form_query_dup(const FormField *fields, gsize n)
{
    gsize bytes;
    return write_all(fields, n, &bytes);
}

/* The secret of an encoded value; NULL for a '%' without two hex digits. */
static Secret *decode(const char *value, gsize n)
{
    char *bytes = g_malloc(n + 1);
    gsize used = 0, i = 0;
    while (i < n) {
        if (value[i] == '%') {
            if (n - i < 3 || !g_ascii_isxdigit(value[i + 1]) || !g_ascii_isxdigit(value[i + 2]))
                break;
            bytes[used++] = (char)(g_ascii_xdigit_value(value[i + 1]) * 16 +
                                   g_ascii_xdigit_value(value[i + 2]));
            i += 3;
        } else {
            bytes[used++] = value[i] == '+' ? ' ' : value[i];
            i++;
        }
    }
    Secret *secret = i == n ? secret_new(bytes, used) : NULL;
    secret_wipe(bytes, used);
    g_free(bytes);
    return secret;
}

Secret *form_value_new(const char *form, gsize n, const char *name)
{
    gsize name_bytes = strlen(name);
    const char *found = NULL, *end = form + n;
    gsize found_bytes = 0;
    for (const char *at = form; at < end;) {
        const char *stop = memchr(at, '&', (gsize)(end - at));
        if (stop == NULL)
            stop = end;
        gsize length = (gsize)(stop - at);
        if (length > name_bytes && at[name_bytes] == '=' && memcmp(at, name, name_bytes) == 0) {
            if (found != NULL)
                return NULL;
            found = at + name_bytes + 1;
            found_bytes = length - name_bytes - 1;
        }
        at = stop + 1;
    }
    return found != NULL ? decode(found, found_bytes) : NULL;
}

char *form_base64url_dup(const void *bytes, gsize n)
{
    char *text = g_base64_encode(bytes, n);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    char *padding = strchr(text, '=');
    if (padding != NULL)
        *padding = '\0';
    return text;
}
