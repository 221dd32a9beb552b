/* --allow-network: what is accepted must open exactly what it says. A second, bit by bit reading of
 * the text judges; what is refused must open nothing. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static gboolean permits(const NetPolicy *policy, int family, const guint8 *bytes)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    memcpy(&in.sin_addr, bytes, 4);
    memcpy(&in6.sin6_addr, bytes, 16);
    return net_policy_permits(
        policy, family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6);
}

/* An address that is neither public nor metadata, found by what an empty policy and one that allows
 * everything say. */
static gboolean is_decided_by_policy(int family, const guint8 *bytes)
{
    g_autoptr(NetPolicy) none = net_policy_new();
    g_autoptr(NetPolicy) all = net_policy_new();
    g_assert(net_policy_allow(all, "0.0.0.0/0", NULL) && net_policy_allow(all, "::/0", NULL));
    return !permits(none, family, bytes) && permits(all, family, bytes);
}

static gboolean shares_bits(const guint8 *a, const guint8 *b, guint bits)
{
    for (guint i = 0; i < bits; i++)
        if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8)) & 1)
            return FALSE;
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* The first 16 bytes are an address to try, the rest is the text. */
    guint8 probe[16] = {0};
    memcpy(probe, data, MIN(n, sizeof probe));
    g_autofree char *cidr =
        n <= sizeof probe ? g_strdup("") : g_strndup((const char *)data + 16, n - 16);
    g_autoptr(NetPolicy) policy = net_policy_new();
    gboolean is_accepted = net_policy_allow(policy, cidr, NULL);
    int family = strchr(cidr, ':') != NULL ? AF_INET6 : AF_INET;
    guint8 base[16] = {0};
    guint bits = 0;
    if (is_accepted) {
        char *slash = strrchr(cidr, '/');
        g_assert(slash != NULL);
        bits = (guint)strtoul(slash + 1, NULL, 10);
        *slash = '\0';
        g_assert(inet_pton(family, cidr, base) == 1);
        g_assert(bits <= (family == AF_INET ? 32U : 128U));
    }
    guint8 near[16]; /* the probe's host bits behind the network's prefix: always inside */
    memcpy(near, base, sizeof near);
    for (guint i = bits; i < 128; i++)
        near[i / 8] |= (guint8)(probe[i / 8] & (0x80 >> i % 8));
    const guint8 *tried[] = {probe, near};
    for (gsize i = 0; i < G_N_ELEMENTS(tried); i++) {
        if (!is_decided_by_policy(family, tried[i]))
            continue;
        gboolean is_inside = is_accepted && shares_bits(tried[i], base, bits);
        if (is_inside)
            g_assert(permits(policy, family, tried[i]));
        else if (family == AF_INET || !is_accepted) /* IPv6 forms may carry an allowed IPv4 */
            g_assert(!permits(policy, family, tried[i]));
    }
    return 0;
}
