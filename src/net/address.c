#include "net/address.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* One address or network: IPv4 in the first 4 bytes, IPv6 in all 16. */
typedef struct {
    int family;
    guint8 bytes[16];
} Address;

typedef struct {
    Address base;
    guint prefix_bits;
} Network;

struct net_policy {
    Network allowed[LIMIT_ALLOWED_NETWORKS];
    guint n_allowed;
};

/* What IANA's special-purpose registries (RFC 6890) keep from the public, and multicast. */
static const struct {
    guint8 base[4];
    guint prefix_bits;
} not_public_4[] = {
    {{0, 0, 0, 0}, 8},       /* this network (RFC 791 3.2) */
    {{10, 0, 0, 0}, 8},      /* private (RFC 1918 3) */
    {{100, 64, 0, 0}, 10},   /* carrier-grade NAT (RFC 6598 7) */
    {{127, 0, 0, 0}, 8},     /* loopback (RFC 1122 3.2.1.3) */
    {{169, 254, 0, 0}, 16},  /* link-local (RFC 3927 2.1) */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* IETF protocol assignments (RFC 6890 2.1) */
    {{192, 0, 2, 0}, 24},    /* documentation (RFC 5737 3) */
    {{192, 88, 99, 0}, 24},  /* 6to4 relays, deprecated (RFC 7526 5) */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks (RFC 2544 C.2.2) */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 4},     /* multicast (RFC 5771 3) */
    {{240, 0, 0, 0}, 4},     /* reserved, and broadcast (RFC 1112 4) */
};

/* IPv6 is public only inside 2000::/3 (RFC 4291 2.4): loopback, unspecified, mapped, unique local,
 * link-local, site-local, discard and multicast all lie outside. These lie inside and are not. */
static const struct {
    guint8 base[16];
    guint prefix_bits;
} not_public_6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments, Teredo (RFC 2928, 4380) */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation (RFC 3849) */
    {{0x3f, 0xff, 0x00}, 20},             /* documentation (RFC 9637) */
    {{0x3f, 0xfe}, 16},                   /* 6bone, given back (RFC 3701) */
    {{0x26, 0x20, 0, 0x4f, 0x80, 0}, 48}, /* AS112 sinks (RFC 7534): nobody's mail server */
};

/* A form of IPv6 that carries an IPv4 address, and where. */
typedef struct {
    guint8 base[16];
    guint prefix_bits;
    guint at;
} Wrapper;

/* ::ffff:0:0/96 (RFC 4291 2.5.5.2): so an IPv6 socket shows who calls over IPv4. */
static const Wrapper mapped = {{[10] = 0xff, 0xff}, 96, 12};

static const Wrapper wrappers[] = {
    {{[8] = 0xff, 0xff}, 96, 12},       /* ::ffff:0:0:0/96, translated (RFC 2765 2.1) */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12}, /* 64:ff9b::/96, NAT64 (RFC 6052 2.1) */
    {{0x20, 0x02}, 16, 2},              /* 2002::/16, 6to4 (RFC 3056 2) */
};

/* Where clouds hand out credentials to whoever asks. No allowed network opens these. */
static const char *const metadata[] = {
    "169.254.169.254", /* AWS, Azure, Google, DigitalOcean, Hetzner, OpenStack */
    "169.254.170.2",   /* AWS container credentials */
    "169.254.170.23",  /* AWS pod identity */
    "100.100.100.200", /* Alibaba */
    "168.63.129.16",   /* Azure's wire server: in public address space */
    "192.0.0.192",     /* Oracle */
    "fd00:ec2::254",   /* AWS */
    "fd00:ec2::23",    /* AWS pod identity */
    "fd20:ce::254",    /* Google */
};

static gboolean starts_with_bits(const guint8 *bytes, const guint8 *base, guint prefix_bits)
{
    guint whole = prefix_bits / 8, rest = prefix_bits % 8;
    if (memcmp(bytes, base, whole) != 0)
        return FALSE;
    return rest == 0 || ((bytes[whole] ^ base[whole]) >> (8 - rest)) == 0;
}

static gboolean address_read(const struct sockaddr *from, Address *address)
{
    *address = (Address){.family = from->sa_family};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        memcpy(address->bytes, &in.sin_addr, 4);
        return TRUE;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        memcpy(address->bytes, &in6.sin6_addr, 16);
        return TRUE;
    }
    return FALSE;
}

/* The IPv4 address inside; FALSE: it is not of this form. */
static gboolean take_out(const Address *address, const Wrapper *wrapper, Address *inside)
{
    if (address->family != AF_INET6 ||
        !starts_with_bits(address->bytes, wrapper->base, wrapper->prefix_bits))
        return FALSE;
    *inside = (Address){.family = AF_INET};
    memcpy(inside->bytes, address->bytes + wrapper->at, 4);
    return TRUE;
}

/* The mapped IPv4 address, or the address itself. */
static Address address_unmap(const Address *address)
{
    Address inside;
    return take_out(address, &mapped, &inside) ? inside : *address;
}

/* The IPv4 address inside whichever form, or the address itself. */
static Address address_unwrap(const Address *address)
{
    Address inside = address_unmap(address);
    for (gsize i = 0; i < G_N_ELEMENTS(wrappers); i++) {
        if (take_out(address, &wrappers[i], &inside))
            break;
    }
    return inside;
}

static gboolean address_is_public(const Address *wrapped)
{
    Address address = address_unwrap(wrapped);
    if (address.family == AF_INET) {
        for (gsize i = 0; i < G_N_ELEMENTS(not_public_4); i++)
            if (starts_with_bits(address.bytes, not_public_4[i].base, not_public_4[i].prefix_bits))
                return FALSE;
        return TRUE;
    }
    if ((address.bytes[0] & 0xe0) != 0x20)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(not_public_6); i++)
        if (starts_with_bits(address.bytes, not_public_6[i].base, not_public_6[i].prefix_bits))
            return FALSE;
    return TRUE;
}

static gboolean address_is_metadata(const Address *address)
{
    for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++) {
        guint8 bytes[16];
        int family = strchr(metadata[i], ':') != NULL ? AF_INET6 : AF_INET;
        g_assert(inet_pton(family, metadata[i], bytes) == 1);
        if (family == address->family &&
            memcmp(bytes, address->bytes, family == AF_INET ? 4 : 16) == 0)
            return TRUE;
    }
    return FALSE;
}

NetPolicy *net_policy_new(void)
{
    return g_new0(NetPolicy, 1);
}

void net_policy_free(NetPolicy *policy)
{
    g_free(policy);
}

/* "24" to 24; at most max. No sign, no leading zero, nothing behind. */
static gboolean prefix_read(const char *text, guint max, guint *prefix_bits)
{
    guint64 bits = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0') ||
        !g_ascii_string_to_unsigned(text, 10, 0, max, &bits, NULL))
        return FALSE;
    *prefix_bits = (guint)bits;
    return TRUE;
}

static gboolean network_read(const char *cidr, Network *network, const char **fault)
{
    const char *slash = strchr(cidr, '/');
    *fault = "it must be ADDRESS/BITS, as in 10.1.2.0/24";
    if (slash == NULL || slash - cidr >= INET6_ADDRSTRLEN)
        return FALSE;
    g_autofree char *address = g_strndup(cidr, (gsize)(slash - cidr));
    int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    guint max = family == AF_INET6 ? 128 : 32;
    *network = (Network){.base.family = family};
    if (inet_pton(family, address, network->base.bytes) != 1 ||
        !prefix_read(slash + 1, max, &network->prefix_bits))
        return FALSE;
    /* 10.1.2.3/8 is a slip: somebody meant one host and would open sixteen million. */
    *fault = "bits behind the prefix must be 0";
    for (guint bit = network->prefix_bits; bit < max; bit++)
        if (network->base.bytes[bit / 8] & (0x80 >> bit % 8))
            return FALSE;
    return TRUE;
}

gboolean net_policy_allow(NetPolicy *policy, const char *cidr, GError **error)
{
    Network network;
    const char *fault;
    if (!network_read(cidr, &network, &fault)) {
        g_autofree char *shown = text_printable(cidr, strlen(cidr), INET6_ADDRSTRLEN);
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "allowed network \"%s\": %s", shown, fault);
        return FALSE;
    }
    if (policy->n_allowed == LIMIT_ALLOWED_NETWORKS) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT, "more than %d allowed networks",
            LIMIT_ALLOWED_NETWORKS);
        return FALSE;
    }
    policy->allowed[policy->n_allowed++] = network;
    return TRUE;
}

static gboolean is_allowed(const NetPolicy *policy, const Address *address)
{
    for (guint i = 0; i < policy->n_allowed; i++) {
        const Network *network = &policy->allowed[i];
        if (network->base.family == address->family &&
            starts_with_bits(address->bytes, network->base.bytes, network->prefix_bits))
            return TRUE;
    }
    return FALSE;
}

gboolean net_policy_permits(const NetPolicy *policy, const struct sockaddr *from)
{
    Address address;
    if (!address_read(from, &address))
        return FALSE;
    Address inside = address_unwrap(&address);
    if (address_is_metadata(&address) || address_is_metadata(&inside))
        return FALSE;
    return address_is_public(&address) || is_allowed(policy, &address) ||
           is_allowed(policy, &inside);
}

gboolean net_address_is_public(const struct sockaddr *from)
{
    Address address;
    return address_read(from, &address) && address_is_public(&address);
}

static char *address_text(const Address *address)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(address->family, address->bytes, text, sizeof text);
    return g_strdup(text);
}

char *net_address_text(const struct sockaddr *from)
{
    Address address;
    return address_read(from, &address) ? address_text(&address) : g_strdup("");
}

char *net_address_respell(const char *text)
{
    Address address = {.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    if (inet_pton(address.family, text, address.bytes) != 1)
        return NULL;
    Address plain = address_unmap(&address);
    return address_text(&plain);
}

gboolean net_name_is_localhost(const char *host)
{
    gsize n = strlen(host);
    static const char name[] = "localhost";
    gsize tail = sizeof name - 1;
    return n >= tail && text_equal_nocase(host + n - tail, name) &&
           (n == tail || host[n - tail - 1] == '.');
}
