#include "base/error.h"
#include "base/limits.h"
#include "net/address.h"
#include "net/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns.h"
#include "loop.h"

static Dnsmasq dnsmasq;
static GMainContext *context;

static int group_setup(void **state)
{
    context = g_main_context_new();
    dnsmasq_start(&dnsmasq);
    return 0;
}

static int group_teardown(void **state)
{
    dnsmasq_stop(&dnsmasq);
    g_main_context_unref(context);
    return 0;
}

typedef struct {
    guint n_calls;
    char *text; /* "2001:db8::1 192.0.2.1", or the fault */
    guint16 port;
    NetResolver *freed_inside; /* by the callback */
} Answer;

static void note_answer(const NetAddresses *addresses, gpointer user)
{
    Answer *answer = user;
    GString *text = g_string_new(NULL);
    answer->n_calls++;
    assert_int_equal(addresses->n_addresses == 0, addresses->fault != NULL);
    for (guint i = 0; i < addresses->n_addresses; i++) {
        struct sockaddr_in in; /* the port stands at the same place in both families */
        memcpy(&in, &addresses->addresses[i], sizeof in);
        answer->port = ntohs(in.sin_port);
        g_autofree char *one = net_address_text((const struct sockaddr *)&addresses->addresses[i]);
        g_string_append_printf(text, "%s%s", i == 0 ? "" : " ", one);
    }
    if (addresses->fault != NULL)
        g_string_append(text, addresses->fault);
    answer->text = g_string_free(text, FALSE);
    net_resolver_free(g_steal_pointer(&answer->freed_inside));
}

static NetResolver *resolver_new(const char *server)
{
    g_autoptr(GError) error = NULL;
    NetResolver *resolver = net_resolver_new(context, server, &error);
    assert_null(error);
    assert_non_null(resolver);
    return resolver;
}

/* The caller frees. */
static char *ask(NetResolver *resolver, const char *host)
{
    Answer answer = {0};
    net_resolve(resolver, host, 587, note_answer, &answer);
    assert_int_equal(answer.n_calls, 0); /* never before net_resolve returns */
    wait_until(context, answer.n_calls == 1);
    return answer.text;
}

static void names_become_addresses(void **state)
{
    static const struct {
        const char *host, *answer;
    } cases[] = {
        {"v4.test", "192.0.2.1"},
        {"v6.test", "2001:db8::1"},
        {"both.test", "2001:db8::1 192.0.2.1"},
        {"BOTH.test", "2001:db8::1 192.0.2.1"},
        {"alias.test", "2001:db8::1 192.0.2.1"},
        {"missing.test", "NXDOMAIN"},
        {"text.test", "EAI_NODATA"},
        {"127.0.0.1", "127.0.0.1"},
        {"192.0.2.7", "192.0.2.7"},
        {"2001:db8::7", "2001:db8::7"},
        {"localhost", "::1 127.0.0.1"},
        {"LocalHost", "::1 127.0.0.1"},
        {"mail.localhost", "::1 127.0.0.1"},
        /* spellings of addresses that only some readers take for one: names like any other */
        {"2130706433", "SERVFAIL"},
        {"0x7f.1", "SERVFAIL"},
        {"notlocalhost", "SERVFAIL"},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggg.test", "NXDOMAIN"},
    };
    g_autoptr(NetResolver) resolver = resolver_new(dnsmasq.address);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].host);
        g_autofree char *answer = ask(resolver, cases[i].host);
        assert_string_equal(answer, cases[i].answer);
    }
}

static void families_are_interleaved_ipv6_first(void **state)
{
    g_autoptr(NetResolver) resolver = resolver_new(dnsmasq.address);
    g_autofree char *answer = ask(resolver, "many.test");
    g_auto(GStrv) texts = g_strsplit(answer, " ", -1);
    assert_int_equal(g_strv_length(texts), 5);
    for (guint i = 0; i < 5; i++)
        assert_int_equal(strchr(texts[i], ':') != NULL, i == 0 || i == 2);
}

static void the_port_is_filled_in(void **state)
{
    g_autoptr(NetResolver) resolver = resolver_new(dnsmasq.address);
    static const char *const hosts[] = {"v4.test", "v6.test", "192.0.2.1", "localhost"};
    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        Answer answer = {0};
        net_resolve(resolver, hosts[i], 465, note_answer, &answer);
        wait_until(context, answer.n_calls == 1);
        assert_int_equal(answer.port, 465);
        g_free(answer.text);
    }
}

static void many_lookups_run_at_the_same_time(void **state)
{
    g_autoptr(NetResolver) resolver = resolver_new(dnsmasq.address);
    Answer answers[50] = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
        net_resolve(resolver, i % 2 ? "both.test" : "v4.test", 25, note_answer, &answers[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        wait_until(context, answers[i].n_calls == 1);
        assert_string_equal(answers[i].text, i % 2 ? "2001:db8::1 192.0.2.1" : "192.0.2.1");
        g_free(answers[i].text);
    }
}

static void a_server_that_refuses_is_servfail(void **state)
{
    guint16 port;
    close(udp_open(&port)); /* nobody there now */
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autoptr(NetResolver) resolver = resolver_new(server);
    g_autofree char *answer = ask(resolver, "v4.test");
    assert_string_equal(answer, "SERVFAIL");
}

static void a_server_that_is_silent_is_given_up(void **state)
{
    guint16 port;
    int fd = udp_open(&port);
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autoptr(NetResolver) resolver = resolver_new(server);
    net_resolver_set_timeout(resolver, 300);
    MonoMs begin = clock_mono_ms();
    g_autofree char *answer = ask(resolver, "v4.test");
    assert_string_equal(answer, "EAI_AGAIN");
    assert_in_range(clock_mono_ms() - begin, 300, 1000);
    guint8 question[512];
    assert_true(recv(fd, question, sizeof question, MSG_DONTWAIT) > 0); /* it was asked */
    close(fd);
}

static char *ask_server(DnsServer *server)
{
    dns_server_start(server, context);
    g_autoptr(NetResolver) resolver = resolver_new(server->address);
    net_resolver_set_timeout(resolver, 4000);
    char *answer = ask(resolver, "any.test");
    dns_server_stop(server);
    return answer;
}

static void a_server_that_never_answers_aaaa_costs_half_a_second(void **state)
{
    DnsServer server = {.ignores_aaaa = TRUE, .answers = {"192.0.2.9", "192.0.2.9"}};
    MonoMs begin = clock_mono_ms();
    g_autofree char *answer = ask_server(&server);
    assert_string_equal(answer, "192.0.2.9");
    assert_in_range(clock_mono_ms() - begin, LIMIT_DNS_OTHER_FAMILY_MS, 2000);
}

static void codes_of_the_server_are_told_apart(void **state)
{
    static const struct {
        guint8 rcode; /* RFC 1035 4.1.1 */
        const char *answer;
    } cases[] = {{0, "192.0.2.9"}, {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {5, "SERVFAIL"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DnsServer server = {.rcode = cases[i].rcode, .answers = {"192.0.2.9", "192.0.2.9"}};
        g_autofree char *answer = ask_server(&server);
        assert_string_equal(answer, cases[i].answer);
    }
}

static void a_cancelled_lookup_says_nothing(void **state)
{
    static const char *const hosts[] = {"both.test", "127.0.0.1", "localhost", "missing.test"};
    g_autoptr(NetResolver) resolver = resolver_new(dnsmasq.address);
    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        Answer answer = {0};
        NetLookup *lookup = net_resolve(resolver, hosts[i], 25, note_answer, &answer);
        if (i % 2 == 0)
            g_main_context_iteration(context, FALSE);
        if (answer.n_calls == 0)
            net_lookup_cancel(lookup);
        guint n = answer.n_calls;
        run_for(context, 50);
        assert_int_equal(answer.n_calls, n);
        g_free(answer.text);
    }
}

static void a_freed_resolver_takes_its_lookups_along(void **state)
{
    Answer answers[3] = {0};
    NetResolver *resolver = resolver_new(dnsmasq.address);
    net_resolve(resolver, "both.test", 25, note_answer, &answers[0]);
    net_resolve(resolver, "127.0.0.1", 25, note_answer, &answers[1]);
    net_resolve(resolver, "missing.test", 25, note_answer, &answers[2]);
    net_resolver_free(resolver);
    run_for(context, 50);
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
        assert_int_equal(answers[i].n_calls, 0);
}

static void a_resolver_may_be_freed_inside_an_answer(void **state)
{
    Answer first = {0}, second = {0};
    NetResolver *resolver = resolver_new(dnsmasq.address);
    first.freed_inside = resolver;
    net_resolve(resolver, "127.0.0.1", 25, note_answer, &first);
    net_resolve(resolver, "both.test", 25, note_answer, &second);
    wait_until(context, first.n_calls == 1);
    run_for(context, 50);
    assert_int_equal(second.n_calls, 0);
    g_free(first.text);
}

static void the_hosts_file_is_read_only_without_a_server_of_our_own(void **state)
{
    /* Every Debian machine names itself in /etc/hosts; where it does not there is nothing to see.
     */
    g_autofree char *hosts = NULL;
    const char *name = g_get_host_name();
    if (!g_file_get_contents("/etc/hosts", &hosts, NULL, NULL) || strstr(hosts, name) == NULL)
        skip();
    g_autoptr(NetResolver) system = resolver_new(NULL);
    g_autofree char *found = ask(system, name);
    assert_true(g_ascii_isxdigit(found[0]) && !g_str_has_prefix(found, "EAI"));
    g_autoptr(NetResolver) own = resolver_new(dnsmasq.address);
    g_autofree char *asked = ask(own, name);
    assert_string_not_equal(asked, found);
}

static void a_server_must_be_an_address(void **state)
{
    static const char *const bad[] = {"", "dns.example.test", "127.0.0.1:", "300.1.1.1:53", ":53",
        "127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:", "[::1]:70000", "127.0.0.1,127.0.0.2"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        print_message("# '%s'\n", bad[i]);
        assert_null(net_resolver_new(context, bad[i], &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
    static const char *const good[] = {"127.0.0.1", "127.0.0.1:5353", "[::1]:5353"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        net_resolver_free(resolver_new(good[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_addresses),
        cmocka_unit_test(families_are_interleaved_ipv6_first),
        cmocka_unit_test(the_port_is_filled_in),
        cmocka_unit_test(many_lookups_run_at_the_same_time),
        cmocka_unit_test(a_server_that_refuses_is_servfail),
        cmocka_unit_test(a_server_that_is_silent_is_given_up),
        cmocka_unit_test(a_server_that_never_answers_aaaa_costs_half_a_second),
        cmocka_unit_test(codes_of_the_server_are_told_apart),
        cmocka_unit_test(a_cancelled_lookup_says_nothing),
        cmocka_unit_test(a_freed_resolver_takes_its_lookups_along),
        cmocka_unit_test(a_resolver_may_be_freed_inside_an_answer),
        cmocka_unit_test(the_hosts_file_is_read_only_without_a_server_of_our_own),
        cmocka_unit_test(a_server_must_be_an_address),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
