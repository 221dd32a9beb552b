#include "base/error.h"
#include "base/limits.h"
#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&address, &in, sizeof in);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&address, &in6, sizeof in6);
    else
        fail_msg("%s is not an address", text);
    return address;
}

static gboolean permits(const NetPolicy *policy, const char *text)
{
    struct sockaddr_storage address = address_of(text);
    return net_policy_permits(policy, (const struct sockaddr *)&address);
}

static gboolean is_public(const char *text)
{
    struct sockaddr_storage address = address_of(text);
    return net_address_is_public((const struct sockaddr *)&address);
}

/* First and last of each network, and their neighbours outside. */
static const struct {
    const char *address;
    gboolean is_public;
} addresses[] = {
    {"0.0.0.0", FALSE},
    {"0.255.255.255", FALSE},
    {"1.0.0.0", TRUE},
    {"1.1.1.1", TRUE},
    {"8.8.8.8", TRUE},
    {"9.255.255.255", TRUE},
    {"10.0.0.0", FALSE},
    {"10.255.255.255", FALSE},
    {"11.0.0.0", TRUE},
    {"100.63.255.255", TRUE},
    {"100.64.0.0", FALSE},
    {"100.100.100.200", FALSE},
    {"100.127.255.255", FALSE},
    {"100.128.0.0", TRUE},
    {"126.255.255.255", TRUE},
    {"127.0.0.0", FALSE},
    {"127.0.0.1", FALSE},
    {"127.255.255.255", FALSE},
    {"128.0.0.0", TRUE},
    {"169.253.255.255", TRUE},
    {"169.254.0.0", FALSE},
    {"169.254.169.254", FALSE},
    {"169.254.255.255", FALSE},
    {"169.255.0.0", TRUE},
    {"172.15.255.255", TRUE},
    {"172.16.0.0", FALSE},
    {"172.31.255.255", FALSE},
    {"172.32.0.0", TRUE},
    {"191.255.255.255", TRUE},
    {"192.0.0.0", FALSE},
    {"192.0.0.255", FALSE},
    {"192.0.1.0", TRUE},
    {"192.0.2.1", FALSE},
    {"192.0.3.0", TRUE},
    {"192.88.98.255", TRUE},
    {"192.88.99.1", FALSE},
    {"192.88.100.0", TRUE},
    {"192.167.255.255", TRUE},
    {"192.168.0.0", FALSE},
    {"192.168.255.255", FALSE},
    {"192.169.0.0", TRUE},
    {"198.17.255.255", TRUE},
    {"198.18.0.0", FALSE},
    {"198.19.255.255", FALSE},
    {"198.20.0.0", TRUE},
    {"198.51.100.7", FALSE},
    {"198.51.101.0", TRUE},
    {"203.0.113.200", FALSE},
    {"203.0.114.0", TRUE},
    {"212.227.15.158", TRUE},
    {"223.255.255.255", TRUE},
    {"224.0.0.1", FALSE},
    {"239.255.255.255", FALSE},
    {"240.0.0.0", FALSE},
    {"255.255.255.255", FALSE},
    {"::", FALSE},
    {"::1", FALSE},
    {"::127.0.0.1", FALSE},
    {"::8.8.8.8", FALSE}, /* IPv4-compatible: deprecated (RFC 4291 2.5.5.1) */
    {"::ffff:127.0.0.1", FALSE},
    {"::ffff:10.1.2.3", FALSE},
    {"::ffff:169.254.169.254", FALSE},
    {"::ffff:8.8.8.8", TRUE},
    {"::ffff:0:192.168.0.1", FALSE},
    {"::ffff:0:8.8.8.8", TRUE},
    {"64:ff9b::7f00:1", FALSE},
    {"64:ff9b::a9fe:a9fe", FALSE},
    {"64:ff9b::808:808", TRUE},
    {"64:ff9b:1::808:808", FALSE},
    {"100::1", FALSE},
    {"1fff:ffff::1", FALSE},
    {"2000::1", TRUE},
    {"2001::1", FALSE},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", FALSE}, /* Teredo */
    {"2001:1ff:ffff::1", FALSE},
    {"2001:200::1", TRUE},
    {"2001:db8::1", FALSE},
    {"2001:db9::1", TRUE},
    {"2001:4860:4860::8888", TRUE},
    {"2002:7f00:1::", FALSE},
    {"2002:a9fe:a9fe::1", FALSE},
    {"2002:c0a8:1::1", FALSE},
    {"2002:808:808::1", TRUE},
    {"2620:4f:8000::1", FALSE},
    {"2a01:238:20a:202::1", TRUE},
    {"3ffe::1", FALSE},
    {"3fff::1", FALSE},
    {"3fff:1000::1", TRUE},
    {"4000::1", FALSE},
    {"5f00::1", FALSE},
    {"fc00::1", FALSE},
    {"fd00:ec2::254", FALSE},
    {"fdff::1", FALSE},
    {"fe80::1", FALSE},
    {"febf::1", FALSE},
    {"fec0::1", FALSE},
    {"ff02::1", FALSE},
    {"ff0e::1", FALSE},
};

static void only_public_unicast_is_public(void **state)
{
    g_autoptr(NetPolicy) policy = net_policy_new();
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        print_message("# %s\n", addresses[i].address);
        assert_int_equal(is_public(addresses[i].address), addresses[i].is_public);
        assert_int_equal(permits(policy, addresses[i].address), addresses[i].is_public);
    }
    assert_true(G_N_ELEMENTS(addresses) >= 60);
}

static void other_families_are_never_permitted(void **state)
{
    g_autoptr(NetPolicy) policy = net_policy_new();
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    assert_false(net_policy_permits(policy, (const struct sockaddr *)&address));
    assert_false(net_address_is_public((const struct sockaddr *)&address));
}

static void allowed_networks_end_where_they_end(void **state)
{
    static const struct {
        const char *cidr, *inside, *outside;
    } cases[] = {
        {"127.0.0.0/8", "127.255.255.255", "10.0.0.1"},
        {"127.0.0.0/8", "::ffff:127.0.0.1", "::1"},
        {"127.0.0.1/32", "127.0.0.1", "127.0.0.2"},
        {"10.1.2.0/24", "10.1.2.255", "10.1.3.0"},
        {"10.1.2.0/23", "10.1.3.255", "10.1.4.0"},
        {"172.16.0.0/31", "172.16.0.1", "172.16.0.2"},
        {"0.0.0.0/0", "192.168.1.1", "fd00::1"},
        {"::1/128", "::1", "::2"},
        {"fd00::/8", "fdff:ffff::1", "fc00::1"},
        {"fd12:3456:7800::/41", "fd12:3456:787f::1", "fd12:3456:7880::1"},
        {"::/0", "fe80::1", "10.0.0.1"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(NetPolicy) policy = net_policy_new();
        print_message("# %s\n", cases[i].cidr);
        assert_true(net_policy_allow(policy, cases[i].cidr, NULL));
        assert_true(permits(policy, cases[i].inside));
        assert_false(permits(policy, cases[i].outside));
        assert_true(permits(policy, "8.8.8.8"));
    }
}

static void metadata_addresses_stay_closed_whatever_is_allowed(void **state)
{
    static const char *const closed[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23",
        "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "::ffff:100.100.100.200"};
    g_autoptr(NetPolicy) policy = net_policy_new();
    static const char *const opened[] = {
        "0.0.0.0/0", "::/0", "169.254.169.254/32", "fd00:ec2::254/128"};
    for (gsize i = 0; i < G_N_ELEMENTS(opened); i++)
        assert_true(net_policy_allow(policy, opened[i], NULL));
    assert_true(permits(policy, "169.254.169.253"));
    for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
        print_message("# %s\n", closed[i]);
        assert_false(permits(policy, closed[i]));
    }
}

static void networks_that_are_not_networks_are_refused(void **state)
{
    static const char *const bad[] = {"", "/", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33",
        "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8/8",
        "10.0.0.0/8x", "10.0.0.0/0x8", "10.0.0/8", "10/8", "010.0.0.0/8", "10.0.0.1/8",
        "127.0.0.1/31", "::1/129", "::1/127", "fe80::1%lo/128", "localhost/8", "[::1]/128",
        "2130706433/32", "::/4294967296", "10.0.0.0/99999999999999999999",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999/128"};
    g_autoptr(NetPolicy) policy = net_policy_new();
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        print_message("# '%s'\n", bad[i]);
        assert_false(net_policy_allow(policy, bad[i], &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
    assert_false(permits(policy, "10.0.0.1"));
    assert_false(permits(policy, "::1"));
}

static void the_list_of_networks_has_an_end(void **state)
{
    g_autoptr(NetPolicy) policy = net_policy_new();
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < LIMIT_ALLOWED_NETWORKS; i++)
        assert_true(net_policy_allow(policy, "10.0.0.0/8", NULL));
    assert_false(net_policy_allow(policy, "192.168.0.0/16", &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
    assert_false(permits(policy, "192.168.0.1"));
}

static void addresses_are_written_without_port(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"192.0.2.1", "192.0.2.1"}, {"2001:DB8:0::1", "2001:db8::1"}, {"::1", "::1"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sockaddr_storage address = address_of(cases[i].in);
        g_autofree char *text = net_address_text((const struct sockaddr *)&address);
        assert_string_equal(text, cases[i].out);
    }
}

static void callers_are_compared_in_one_spelling(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
        {"::192.0.2.1", "::192.0.2.1"},
        {"::fffe:192.0.2.1", "::fffe:c000:201"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"", NULL},
        {"local", NULL},
        {"192.0.2.1:25", NULL},
        {"192.0.2", NULL},
        {"192.0.2.01", NULL},
        {"[::1]", NULL},
        {"fe80::1%eth0", NULL},
        {" ::1", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = net_address_respell(cases[i].in);
        if (g_strcmp0(text, cases[i].out) != 0)
            fail_msg("%s: %s", cases[i].in, text ? text : "(nothing)");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_public_unicast_is_public),
        cmocka_unit_test(other_families_are_never_permitted),
        cmocka_unit_test(allowed_networks_end_where_they_end),
        cmocka_unit_test(metadata_addresses_stay_closed_whatever_is_allowed),
        cmocka_unit_test(networks_that_are_not_networks_are_refused),
        cmocka_unit_test(the_list_of_networks_has_an_end),
        cmocka_unit_test(addresses_are_written_without_port),
        cmocka_unit_test(callers_are_compared_in_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
