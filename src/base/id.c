#include "base/id.h"

#include <sodium.h>
#include <string.h>

Id id_make(WallMs now, const guint8 random[ID_RANDOM_BYTES])
{
    Id id;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (guint8)(now >> (40 - 8 * i));
    memcpy(id.bytes + 6, random, ID_RANDOM_BYTES);
    id.bytes[6] = (guint8)((id.bytes[6] & 0x0f) | 0x70); /* version 7 */
    id.bytes[8] = (guint8)((id.bytes[8] & 0x3f) | 0x80); /* variant 10 */
    return id;
}

Id id_fresh(WallMs now)
{
    guint8 random[ID_RANDOM_BYTES];
    randombytes_buf(random, sizeof random);
    return id_make(now, random);
}

char *id_format(const Id *id, const char *prefix, char text[ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    gsize n = strlen(prefix);
    g_assert(n + 1 + 2 * ID_BYTES < ID_TEXT_SIZE);
    memcpy(text, prefix, n);
    text[n++] = '_';
    for (int i = 0; i < ID_BYTES; i++) {
        text[n++] = digits[id->bytes[i] >> 4];
        text[n++] = digits[id->bytes[i] & 15];
    }
    text[n] = '\0';
    return text;
}

char *id_dup(const Id *id, const char *prefix)
{
    char text[ID_TEXT_SIZE];
    return g_strdup(id_format(id, prefix, text));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

gboolean id_parse(const char *text, const char *prefix, Id *id)
{
    gsize n = strlen(prefix);
    if (text == NULL || strncmp(text, prefix, n) != 0 || (n > 0 && text[n] != '_'))
        return FALSE;
    text += n > 0 ? n + 1 : 0;
    if (strlen(text) != 2 * ID_BYTES)
        return FALSE;
    Id parsed;
    for (int i = 0; i < ID_BYTES; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        parsed.bytes[i] = (guint8)(high << 4 | low);
    }
    *id = parsed;
    return TRUE;
}

gboolean id_equal(const Id *a, const Id *b)
{
    return memcmp(a->bytes, b->bytes, ID_BYTES) == 0;
}
