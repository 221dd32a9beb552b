#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns.h"

#define LONG_MS (20 * CLOCK_SECOND_MS)

static Dnsmasq dnsmasq;

static int group_setup(void **state)
{
    dnsmasq_start(&dnsmasq);
    return 0;
}

static int group_teardown(void **state)
{
    dnsmasq_stop(&dnsmasq);
    return 0;
}

static NetDns *dns_new(const char *server)
{
    g_autoptr(GError) error = NULL;
    NetDns *dns = net_dns_new(server, &error);
    assert_null(error);
    assert_non_null(dns);
    return dns;
}

static const char *status_text(DnsStatus status)
{
    static const char *const texts[] = {
        [DNS_FOUND] = "found",
        [DNS_NO_DATA] = "no data",
        [DNS_NO_NAME] = "no name",
        [DNS_SERVER_FAIL] = "server fail",
        [DNS_TIMEOUT] = "timeout",
    };
    return texts[status];
}

/* "found 10 first.test, 20 backup.test" */
static char *answer_text(const DnsAnswer *answer)
{
    GString *text = g_string_new(status_text(answer->status));
    for (guint i = 0; i < answer->records->len; i++) {
        const DnsRecord *record = answer->records->pdata[i];
        g_string_append(text, i == 0 ? " " : ", ");
        if (answer->type == DNS_TYPE_MX || answer->type == DNS_TYPE_SRV)
            g_string_append_printf(text, "%u ", record->priority);
        if (answer->type == DNS_TYPE_SRV)
            g_string_append_printf(text, "%u %u ", record->weight, record->port);
        g_string_append(text, record->text);
    }
    if (answer->canonical != NULL)
        g_string_append_printf(text, " at %s", answer->canonical);
    return g_string_free(text, FALSE);
}

static void records_of_every_type_are_found(void **state)
{
    static const struct {
        const char *name;
        DnsType type;
        const char *answer;
    } cases[] = {
        {"v4.test", DNS_TYPE_A, "found 192.0.2.1"}, {"v6.test", DNS_TYPE_AAAA, "found 2001:db8::1"},
        {"V4.Test", DNS_TYPE_A, "found 192.0.2.1"}, {"v4.test", DNS_TYPE_AAAA, "no data"},
        {"missing.test", DNS_TYPE_A, "no name"}, {"missing.test", DNS_TYPE_MX, "no name"},
        {"text.test", DNS_TYPE_TXT, "found only text"},
        {"split.test", DNS_TYPE_TXT, "found v=spf1 include:one.test -all"},
        {"two.test", DNS_TYPE_TXT, "found second, first"},
        {"post.test", DNS_TYPE_MX, "found 10 first.test, 20 backup.test"},
        {"_submissions._tcp.post.test", DNS_TYPE_SRV, "found 1 5 465 smtp.post.test"},
        {"1.2.0.192.in-addr.arpa.test", DNS_TYPE_PTR, "found v4.test"},
        {"alias.test", DNS_TYPE_A, "found 192.0.2.1 at both.test"},
        {"alias.test", DNS_TYPE_CNAME, "found second.test"},
        {"elsewhere.example", DNS_TYPE_A, "server fail"}, /* dnsmasq says REFUSED */
        {"localhost", DNS_TYPE_A, "server fail"},         /* no hosts file */
    };
    g_autoptr(NetDns) dns = dns_new(dnsmasq.address);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        (void)dns_answers_get(answers, cases[i].name, cases[i].type);
    net_dns_ask(dns, answers, LONG_MS);
    assert_int_equal(dns_answers_n_open(answers), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const DnsAnswer *answer = dns_answers_get(answers, cases[i].name, cases[i].type);
        g_autofree char *text = answer_text(answer);
        print_message("# %s %s\n", cases[i].name, dns_type_name(cases[i].type));
        assert_string_equal(text, cases[i].answer);
    }
}

static void an_answer_too_large_for_a_packet_comes_over_tcp(void **state)
{
    g_autoptr(NetDns) dns = dns_new(dnsmasq.address);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, "large.test", DNS_TYPE_TXT);
    net_dns_ask(dns, answers, LONG_MS);
    const DnsAnswer *answer = dns_answers_get(answers, "large.test", DNS_TYPE_TXT);
    assert_int_equal(answer->status, DNS_FOUND);
    const char *text = ((DnsRecord *)answer->records->pdata[0])->text;
    assert_int_equal(strlen(text), 2003);
    assert_true(g_str_has_suffix(text, "xend"));
}

static void more_questions_than_the_limit_stay_open_for_the_next_call(void **state)
{
    g_autoptr(NetDns) dns = dns_new(dnsmasq.address);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    for (guint i = 0; i < LIMIT_DNS_QUESTIONS + 3; i++) {
        g_autofree char *name = g_strdup_printf("n%u.test", i);
        (void)dns_answers_get(answers, name, DNS_TYPE_A);
    }
    net_dns_ask(dns, answers, LONG_MS);
    assert_int_equal(dns_answers_n_open(answers), 3);
    net_dns_ask(dns, answers, LONG_MS);
    assert_int_equal(dns_answers_n_open(answers), 0);
    for (guint i = 0; i < LIMIT_DNS_QUESTIONS + 3; i++) {
        g_autofree char *name = g_strdup_printf("n%u.test", i);
        assert_int_equal(dns_answers_get(answers, name, DNS_TYPE_A)->status, DNS_NO_NAME);
    }
}

static void a_server_that_says_nothing_costs_the_given_time_and_no_more(void **state)
{
    guint16 port;
    int fd = udp_open(&port);
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autoptr(NetDns) dns = dns_new(address);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, "a.test", DNS_TYPE_A);
    (void)dns_answers_get(answers, "b.test", DNS_TYPE_TXT);
    MonoMs begun = clock_mono_ms();
    net_dns_ask(dns, answers, 300);
    assert_in_range(clock_mono_ms() - begun, 290, 3000);
    assert_int_equal(dns_answers_get(answers, "a.test", DNS_TYPE_A)->status, DNS_TIMEOUT);
    assert_int_equal(dns_answers_get(answers, "b.test", DNS_TYPE_TXT)->status, DNS_TIMEOUT);
    close(fd);
}

static void nobody_at_the_port_is_a_failure_at_once(void **state)
{
    guint16 port;
    close(udp_open(&port));
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autoptr(NetDns) dns = dns_new(address);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, "a.test", DNS_TYPE_A);
    MonoMs begun = clock_mono_ms();
    net_dns_ask(dns, answers, LONG_MS);
    assert_in_range(clock_mono_ms() - begun, 0, LONG_MS / 2);
    assert_int_equal(dns_answers_get(answers, "a.test", DNS_TYPE_A)->status, DNS_SERVER_FAIL);
}

/* --- a server that misbehaves, on a thread of its own ------------------------------------------
 */

typedef struct {
    DnsServer server;
    GMainContext *context;
    GThread *thread;
    gint is_over; /* atomic */
} BadServer;

static gpointer bad_server_run(gpointer user)
{
    BadServer *bad = user;
    while (!g_atomic_int_get(&bad->is_over))
        g_main_context_iteration(bad->context, TRUE);
    return NULL;
}

static void bad_server_start(BadServer *bad, guint8 rcode)
{
    bad->context = g_main_context_new();
    bad->server.rcode = rcode;
    bad->server.answers[0] = bad->server.answers[1] = "192.0.2.9";
    dns_server_start(&bad->server, bad->context);
    bad->thread = g_thread_new("dns", bad_server_run, bad);
}

static void bad_server_stop(BadServer *bad)
{
    g_atomic_int_set(&bad->is_over, TRUE);
    g_main_context_wakeup(bad->context);
    g_thread_join(bad->thread);
    dns_server_stop(&bad->server);
    g_main_context_unref(bad->context);
}

static void a_response_code_becomes_a_status(void **state)
{
    static const struct {
        const char *name;
        guint8 rcode; /* RFC 1035 4.1.1 */
        DnsStatus status;
    } cases[] = {
        {"SERVFAIL", 2, DNS_SERVER_FAIL},
        {"NXDOMAIN", 3, DNS_NO_NAME},
        {"NOTIMP", 4, DNS_SERVER_FAIL},
        {"REFUSED", 5, DNS_SERVER_FAIL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        BadServer bad = {0};
        bad_server_start(&bad, cases[i].rcode);
        g_autoptr(NetDns) dns = dns_new(bad.server.address);
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        (void)dns_answers_get(answers, "a.test", DNS_TYPE_TXT);
        net_dns_ask(dns, answers, LONG_MS);
        assert_int_equal(dns_answers_get(answers, "a.test", DNS_TYPE_TXT)->status, cases[i].status);
        bad_server_stop(&bad);
    }
}

/* --- several threads ---------------------------------------------------------------------------
 */

typedef struct {
    NetDns *dns;
    DnsStatus status;
    gint64 took_ms;
} Asker;

static gpointer ask_one(gpointer user)
{
    Asker *asker = user;
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, "v4.test", DNS_TYPE_A);
    MonoMs begun = clock_mono_ms();
    net_dns_ask(asker->dns, answers, LONG_MS);
    asker->took_ms = clock_mono_ms() - begun;
    asker->status = dns_answers_get(answers, "v4.test", DNS_TYPE_A)->status;
    return NULL;
}

static void many_threads_ask_at_the_same_time(void **state)
{
    g_autoptr(NetDns) dns = dns_new(dnsmasq.address);
    Asker askers[8];
    GThread *threads[8];
    for (gsize i = 0; i < G_N_ELEMENTS(askers); i++) {
        askers[i] = (Asker){.dns = dns};
        threads[i] = g_thread_new("asker", ask_one, &askers[i]);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(askers); i++) {
        g_thread_join(threads[i]);
        assert_int_equal(askers[i].status, DNS_FOUND);
    }
}

static void a_stop_ends_those_who_wait_and_answers_later_ones_at_once(void **state)
{
    guint16 port;
    int fd = udp_open(&port);
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autoptr(NetDns) dns = dns_new(address);
    Asker askers[2] = {{.dns = dns}, {.dns = dns}};
    GThread *waiting = g_thread_new("asker", ask_one, &askers[0]);
    g_usleep(100 * 1000);
    assert_false(net_dns_is_stopped(dns));
    net_dns_stop(dns);
    g_thread_join(waiting);
    ask_one(&askers[1]);
    for (gsize i = 0; i < G_N_ELEMENTS(askers); i++) {
        assert_int_equal(askers[i].status, DNS_TIMEOUT);
        assert_in_range(askers[i].took_ms, 0, LONG_MS / 2);
    }
    assert_true(net_dns_is_stopped(dns));
    close(fd);
}

static void what_is_no_server_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "ns.example.test", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:53,127.0.0.2:53"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(net_dns_new(bad[i], &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_type_are_found),
        cmocka_unit_test(an_answer_too_large_for_a_packet_comes_over_tcp),
        cmocka_unit_test(more_questions_than_the_limit_stay_open_for_the_next_call),
        cmocka_unit_test(a_server_that_says_nothing_costs_the_given_time_and_no_more),
        cmocka_unit_test(nobody_at_the_port_is_a_failure_at_once),
        cmocka_unit_test(a_response_code_becomes_a_status),
        cmocka_unit_test(many_threads_ask_at_the_same_time),
        cmocka_unit_test(a_stop_ends_those_who_wait_and_answers_later_ones_at_once),
        cmocka_unit_test(what_is_no_server_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
