#include "mime/literal.h"

#include <string.h>

#define GROUPS 8 /* of 16 bits in an IPv6 address */

/* Reads decimal octets up to the end of text. */
static gboolean read_ipv4(const char *text, guint8 octets[4])
{
    const char *p = text;
    for (guint i = 0; i < 4; i++) {
        guint value = 0, digits = 0;
        for (; g_ascii_isdigit(*p) && digits < 4; p++, digits++)
            value = value * 10 + (guint)(*p - '0');
        if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && p[-(int)digits] == '0'))
            return FALSE;
        octets[i] = (guint8)value;
        if (i < 3 && *p++ != '.')
            return FALSE;
    }
    return *p == '\0';
}

char *mime_ipv4_canonical(const char *text)
{
    guint8 octets[4];
    return read_ipv4(text, octets) ? g_strdup(text)
                                   : NULL; /* the strict form is the canonical one */
}

/* One to four hexadecimal digits; 0 is returned if there is none or too many. */
static guint read_group(const char *p, guint16 *group)
{
    guint n = 0, value = 0;
    for (; n < 5 && g_ascii_isxdigit(p[n]); n++)
        value = value << 4 | (guint)g_ascii_xdigit_value(p[n]);
    *group = (guint16)value;
    return n < 5 ? n : 0;
}

/* Where the "::" stands and how many groups were read, until the gap can be filled. */
typedef struct {
    guint16 groups[GROUPS];
    guint count;
    int gap; /* index of the first group behind "::"; -1: none */
} Ipv6Reader;

/* The dotted end of an address such as ::ffff:192.0.2.1 counts as two groups. */
static gboolean read_dotted_end(Ipv6Reader *reader, const char *text)
{
    guint8 octets[4];
    if (reader->count > GROUPS - 2 || !read_ipv4(text, octets))
        return FALSE;
    reader->groups[reader->count++] = (guint16)(octets[0] << 8 | octets[1]);
    reader->groups[reader->count++] = (guint16)(octets[2] << 8 | octets[3]);
    return TRUE;
}

static gboolean read_groups(Ipv6Reader *reader, const char *text)
{
    const char *p = text;
    if (g_str_has_prefix(p, "::")) {
        reader->gap = 0;
        p += 2;
    }
    while (*p != '\0') {
        guint16 group;
        guint n = read_group(p, &group);
        if (p[n] == '.')
            return read_dotted_end(reader, p);
        if (n == 0 || reader->count == GROUPS)
            return FALSE;
        reader->groups[reader->count++] = group;
        p += n;
        if (*p == '\0')
            break;
        if (*p++ != ':' || *p == '\0')
            return FALSE;
        if (*p == ':') {
            if (reader->gap >= 0)
                return FALSE;
            reader->gap = (int)reader->count;
            p++;
        }
    }
    return TRUE;
}

static gboolean read_ipv6(const char *text, guint16 groups[GROUPS])
{
    Ipv6Reader reader = {.gap = -1};
    if (!read_groups(&reader, text))
        return FALSE;
    if (reader.gap < 0 ? reader.count != GROUPS : reader.count == GROUPS)
        return FALSE;
    guint before = reader.gap < 0 ? reader.count : (guint)reader.gap;
    guint after = reader.count - before;
    memset(groups, 0, GROUPS * sizeof *groups);
    memcpy(groups, reader.groups, before * sizeof *groups);
    memcpy(groups + GROUPS - after, reader.groups + before, after * sizeof *groups);
    return TRUE;
}

/* The first longest run of at least two zero groups (RFC 5952 4.2); length 0 if there is none. */
static guint longest_zero_run(const guint16 groups[GROUPS], guint *start)
{
    guint best = 0;
    for (guint i = 0; i < GROUPS; i++) {
        guint n = 0;
        while (i + n < GROUPS && groups[i + n] == 0)
            n++;
        if (n > best && n >= 2) {
            best = n;
            *start = i;
        }
    }
    return best;
}

char *mime_ipv6_canonical(const char *text)
{
    static const guint16 mapped[6] = {0, 0, 0, 0, 0, 0xffff};
    guint16 groups[GROUPS];
    if (!read_ipv6(text, groups))
        return NULL;
    if (memcmp(groups, mapped, sizeof mapped) == 0)
        return g_strdup_printf("::ffff:%d.%d.%d.%d", groups[6] >> 8, groups[6] & 0xff,
            groups[7] >> 8, groups[7] & 0xff);
    guint start = GROUPS, n = longest_zero_run(groups, &start);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < GROUPS; i++) {
        if (n > 0 && i == start) {
            g_string_append(out, "::");
            i += n - 1;
            continue;
        }
        if (out->len > 0 && out->str[out->len - 1] != ':')
            g_string_append_c(out, ':');
        g_string_append_printf(out, "%x", (guint)groups[i]);
    }
    return g_string_free(out, FALSE);
}
