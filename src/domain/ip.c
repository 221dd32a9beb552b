#include "domain/ip.h"

#include "mime/literal.h"

#include <string.h>

static void read_ipv4(const char *canonical, guint8 *bytes)
{
    for (guint i = 0; i < 4; i++) {
        char *end = NULL;
        bytes[i] = (guint8)g_ascii_strtoull(canonical, &end, 10);
        canonical = *end ? end + 1 : end;
    }
}

/* Groups of hexadecimal digits, and dotted IPv4 at the end; the number of bytes written. */
static guint read_groups(const char *groups, guint8 *bytes)
{
    guint n = 0;
    while (*groups && n < 16) {
        gsize digits = strspn(groups, "0123456789abcdef");
        if (groups[digits] == '.') {
            read_ipv4(groups, bytes + n);
            return n + 4;
        }
        guint64 value = g_ascii_strtoull(groups, NULL, 16);
        bytes[n++] = (guint8)(value >> 8);
        bytes[n++] = (guint8)value;
        groups += digits + (groups[digits] == ':' ? 1 : 0);
    }
    return n;
}

static void read_ipv6(const char *canonical, guint8 bytes[16])
{
    guint8 tail[20];
    memset(bytes, 0, 16);
    const char *gap = strstr(canonical, "::");
    g_autofree char *head = gap ? g_strndup(canonical, (gsize)(gap - canonical)) : NULL;
    guint8 front[20];
    guint n_head = read_groups(head ? head : canonical, front);
    memcpy(bytes, front, MIN(n_head, 16));
    if (gap) {
        guint n = MIN(read_groups(gap + 2, tail), 16);
        memcpy(bytes + 16 - n, tail, n);
    }
}

gboolean domain_ip_parse(const char *text, DomainIp *ip)
{
    DomainIp read = {.bits = 32};
    g_autofree char *canonical = mime_ipv4_canonical(text);
    if (canonical) {
        read_ipv4(canonical, read.bytes);
        *ip = read;
        return TRUE;
    }
    canonical = mime_ipv6_canonical(text);
    if (!canonical)
        return FALSE;
    read.bits = 128;
    read_ipv6(canonical, read.bytes);
    *ip = read;
    return TRUE;
}

void domain_ip_unmap(DomainIp *ip)
{
    static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (ip->bits != 128 || memcmp(ip->bytes, mapped, sizeof mapped) != 0)
        return;
    memmove(ip->bytes, ip->bytes + 12, 4);
    memset(ip->bytes + 4, 0, 12);
    ip->bits = 32;
}

gboolean domain_ip_is_in(const DomainIp *ip, const DomainIp *network, guint prefix)
{
    if (ip->bits != network->bits || prefix > ip->bits)
        return FALSE;
    guint whole = prefix / 8, rest = prefix % 8;
    if (memcmp(ip->bytes, network->bytes, whole) != 0)
        return FALSE;
    guint mask = (0xffU << (8 - rest)) & 0xffU;
    return rest == 0 || ((ip->bytes[whole] ^ network->bytes[whole]) & mask) == 0;
}

gboolean domain_ip_is_public(const DomainIp *ip)
{
    static const struct {
        const char *network;
        guint prefix;
    } others[] = {
        {"0.0.0.0", 8},
        {"10.0.0.0", 8},
        {"100.64.0.0", 10},
        {"127.0.0.0", 8},
        {"169.254.0.0", 16},
        {"172.16.0.0", 12},
        {"192.0.0.0", 24},
        {"192.168.0.0", 16},
        {"198.18.0.0", 15},
        {"224.0.0.0", 3},
        {"::", 96},
        {"::ffff:0.0.0.0", 96},
        {"64:ff9b:1::", 48},
        {"100::", 64},
        {"fc00::", 7},
        {"fe80::", 10},
        {"ff00::", 8},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        DomainIp network;
        gboolean is_read = domain_ip_parse(others[i].network, &network);
        g_assert(is_read);
        if (domain_ip_is_in(ip, &network, others[i].prefix))
            return FALSE;
    }
    return TRUE;
}

char *domain_ip_reverse_name(const DomainIp *ip)
{
    GString *name = g_string_new(NULL);
    for (guint i = ip->bits / 8; i > 0; i--) {
        guint byte = ip->bytes[i - 1];
        if (ip->bits == 32)
            g_string_append_printf(name, "%u.", byte);
        else
            g_string_append_printf(name, "%x.%x.", byte & 15U, byte >> 4);
    }
    g_string_append(name, ip->bits == 32 ? "in-addr.arpa" : "ip6.arpa");
    return g_string_free(name, FALSE);
}
