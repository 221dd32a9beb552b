#include "dns_zone.h"

#include "domain/ip.h"
#include "domain/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TXT DNS_TYPE_TXT

static void addresses_are_read_and_compared(void **state)
{
    static const struct {
        const char *ip, *network;
        guint prefix;
        gboolean is_in;
    } rows[] = {
        {"192.0.2.1", "192.0.2.0", 24, TRUE},
        {"192.0.3.1", "192.0.2.0", 24, FALSE},
        {"192.0.3.1", "192.0.2.0", 23, TRUE},
        {"192.0.2.1", "0.0.0.0", 0, TRUE},
        {"192.0.2.1", "192.0.2.1", 32, TRUE},
        {"192.0.2.1", "192.0.2.0", 32, FALSE},
        {"2001:db8::1", "2001:db8::", 32, TRUE},
        {"2001:db9::1", "2001:db8::", 32, FALSE},
        {"2001:db8::1", "::", 0, TRUE},
        {"2001:db8::1", "2001:db8::1", 128, TRUE},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 64, TRUE},
        {"192.0.2.1", "::", 0, FALSE},
        {"::ffff:192.0.2.1", "192.0.2.0", 24, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DomainIp ip, network;
        assert_true(domain_ip_parse(rows[i].ip, &ip));
        assert_true(domain_ip_parse(rows[i].network, &network));
        assert_int_equal(domain_ip_is_in(&ip, &network, rows[i].prefix), rows[i].is_in);
    }
}

static void mapped_addresses_become_ipv4(void **state)
{
    DomainIp ip, plain;
    assert_true(domain_ip_parse("::ffff:192.0.2.1", &ip));
    assert_true(domain_ip_parse("192.0.2.1", &plain));
    domain_ip_unmap(&ip);
    assert_int_equal(ip.bits, 32);
    assert_memory_equal(ip.bytes, plain.bytes, sizeof ip.bytes);
}

static void private_addresses_are_not_public(void **state)
{
    static const char *const others[] = {"10.1.2.3", "127.0.0.1", "172.31.0.1", "192.168.1.1",
        "169.254.1.1", "100.64.0.1", "0.0.0.0", "239.0.0.1", "::1", "::", "fe80::1", "fd00::1",
        "ff02::1", "::ffff:10.0.0.1"};
    static const char *const publics[] = {"212.227.126.130", "2001:8d8::1", "172.32.0.1"};
    DomainIp ip;
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        assert_true(domain_ip_parse(others[i], &ip));
        assert_false(domain_ip_is_public(&ip));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(publics); i++) {
        assert_true(domain_ip_parse(publics[i], &ip));
        assert_true(domain_ip_is_public(&ip));
    }
}

static void reverse_names_are_those_of_the_dns(void **state)
{
    DomainIp ip;
    assert_true(domain_ip_parse("192.0.2.17", &ip));
    g_autofree char *v4 = domain_ip_reverse_name(&ip);
    assert_string_equal(v4, "17.2.0.192.in-addr.arpa");
    assert_true(domain_ip_parse("2001:db8::cb01", &ip));
    g_autofree char *v6 = domain_ip_reverse_name(&ip);
    assert_string_equal(
        v6, "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void only_records_of_version_one_count(void **state)
{
    assert_true(spf_record_is_one("v=spf1"));
    assert_true(spf_record_is_one("V=SPF1 -all"));
    assert_false(spf_record_is_one("v=spf10 -all"));
    assert_false(spf_record_is_one("v=spf2.0/pra -all"));
    assert_false(spf_record_is_one(" v=spf1 -all"));
}

static void sound_terms_are_read(void **state)
{
    static const char *const good[] = {"v=spf1", "v=spf1  mx  -all ", "v=spf1 a/24 mx//64 a/0//0",
        "v=spf1 a:example.de/24//64", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32",
        "v=spf1 include:_spf.example.de ?all", "v=spf1 exists:%{i}.spf.%{d2} ~all",
        "v=spf1 redirect=_spf.example.de", "v=spf1 exp=explain.example.de -all",
        "v=spf1 unknown=x/y:%{s} -all", "v=spf1 ptr ptr:example.de",
        "v=spf1 exists:%{ir}.%{l1r+-}.%{d}", "v=spf1 a:example.de. -all", "v=spf1 exists:%{s}%%",
        "v=spf1 A MX IP4:192.0.2.1 ALL"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *bad_term = NULL;
        g_autoptr(SpfRecord) record = spf_record_parse(good[i], &bad_term);
        if (!record)
            fail_msg("%s: %s", good[i], bad_term);
    }
}

static void broken_terms_are_named(void **state)
{
    static const struct {
        const char *record, *term;
    } rows[] = {
        {"v=spf1 mx moo -all", "moo"},
        {"v=spf1 include -all", "include"},
        {"v=spf1 include: -all", "include:"},
        {"v=spf1 all:x", "all:x"},
        {"v=spf1 -all/8", "-all/8"},
        {"v=spf1 ip4:192.0.2.0/33", "ip4:192.0.2.0/33"},
        {"v=spf1 ip4:192.0.2.0/08", "ip4:192.0.2.0/08"},
        {"v=spf1 ip4:192.0.2", "ip4:192.0.2"},
        {"v=spf1 ip4:2001:db8::1", "ip4:2001:db8::1"},
        {"v=spf1 ip6:192.0.2.1", "ip6:192.0.2.1"},
        {"v=spf1 ip4=192.0.2.1", NULL}, /* an unknown modifier */
        {"v=spf1 a:localhost", "a:localhost"},
        {"v=spf1 a:example.123", "a:example.123"},
        {"v=spf1 a/33", "a/33"},
        {"v=spf1 a//129", "a//129"},
        {"v=spf1 a:", "a:"},
        {"v=spf1 a/", "a/"},
        {"v=spf1 redirect=", "redirect="},
        {"v=spf1 redirect:example.de", "redirect:example.de"},
        {"v=spf1 -redirect=example.de", "-redirect=example.de"},
        {"v=spf1 redirect=a.de redirect=b.de", "redirect=b.de"},
        {"v=spf1 exp=a.de exp=b.de", "exp=b.de"},
        {"v=spf1 exists:%{x}.de", "exists:%{x}.de"},
        {"v=spf1 exists:%{d0}.de", "exists:%{d0}.de"},
        {"v=spf1 exists:%d.de", "exists:%d.de"},
        {"v=spf1 exists:%{c}.de", "exists:%{c}.de"},
        {"v=spf1 include:a.de,mx", "include:a.de,mx"},
        {"v=spf1 a:\xc3\xa4.example.de", "a:\xc3\xa4.example.de"},
        {"v=spf1 ++all", "++all"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *bad_term = NULL;
        g_autoptr(SpfRecord) record = spf_record_parse(rows[i].record, &bad_term);
        if ((record == NULL) != (rows[i].term != NULL))
            fail_msg("%s", rows[i].record);
        if (rows[i].term)
            assert_string_equal(bad_term, rows[i].term);
    }
}

/* The examples of RFC 7208 7.4. */
static void macros_expand_as_the_rfc_shows(void **state)
{
    static const struct {
        const char *spec, *ip, *expanded;
    } rows[] = {
        {"%{s}", "192.0.2.3", "strong-bad@email.example.com"},
        {"%{o}", "192.0.2.3", "email.example.com"},
        {"%{d}", "192.0.2.3", "email.example.com"},
        {"%{d4}", "192.0.2.3", "email.example.com"},
        {"%{d2}", "192.0.2.3", "example.com"},
        {"%{d1}", "192.0.2.3", "com"},
        {"%{dr}", "192.0.2.3", "com.example.email"},
        {"%{d2r}", "192.0.2.3", "example.email"},
        {"%{l}", "192.0.2.3", "strong-bad"},
        {"%{l-}", "192.0.2.3", "strong.bad"},
        {"%{lr}", "192.0.2.3", "strong-bad"},
        {"%{lr-}", "192.0.2.3", "bad.strong"},
        {"%{l1r-}", "192.0.2.3", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "192.0.2.3", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "192.0.2.3", "bad.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "192.0.2.3",
            "example.com.trusted-domains.example.net"},
        {"%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01",
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example."
            "com"},
        {"%{S}.x", "192.0.2.3", "strong-bad%40email.example.com.x"},
        {"a%%b%_c%-d.x", "192.0.2.3", "a%b c%20d.x"},
        {"%{p}.x.de", "192.0.2.3", "unknown.x.de"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DomainIp ip;
        gboolean needs_helo = FALSE;
        assert_true(domain_ip_parse(rows[i].ip, &ip));
        const SpfMacros macros = {
            .sender = "strong-bad@email.example.com", .domain = "email.example.com", .ip = &ip};
        g_autofree char *expanded = spf_macro_expand(rows[i].spec, &macros, &needs_helo);
        assert_string_equal(expanded, rows[i].expanded);
        assert_false(needs_helo);
    }
}

static const ZoneRecord zone[] = {
    {"example.de", TXT, "verification=abc", 0},
    {"example.de", TXT,
        "v=spf1 ip4:192.0.2.0/24 a:www.example.de mx include:_spf.mail.example -all", 0},
    {"example.de", DNS_TYPE_MX, "mx.example.de", 0},
    {"www.example.de", DNS_TYPE_A, "198.51.100.7", 0},
    {"www.example.de", DNS_TYPE_AAAA, "2001:db8:7::7", 0},
    {"mx.example.de", DNS_TYPE_A, "198.51.100.25", 0},
    {"_spf.mail.example", TXT, "v=spf1 ip4:203.0.113.0/25 include:_b.mail.example ?all", 0},
    {"_b.mail.example", TXT, "v=spf1 ip6:2001:db8:b::/48 -all", 0},
    {"redirecting.example", TXT, "v=spf1 redirect=_spf.mail.example", 0},
    {"dead.example", TXT, "v=spf1 redirect=nothing.example", 0},
    {"deadinclude.example", TXT, "v=spf1 include:nothing.example -all", 0},
    {"two.example", TXT, "v=spf1 -all", 0},
    {"two.example", TXT, "v=spf1 mx -all", 0},
    {"loop.example", TXT, "v=spf1 include:loop.example -all", 0},
    {"slow.example", TXT, NULL, DNS_TIMEOUT},
    {"asksslow.example", TXT, "v=spf1 include:slow.example -all", 0},
    {"voids.example", TXT, "v=spf1 a:x1.example a:x2.example a:x3.example +all", 0},
    {"twovoids.example", TXT, "v=spf1 a:x1.example a:x2.example +all", 0},
    {"ten.example", TXT,
        "v=spf1 a:www.example.de a:www.example.de a:www.example.de a:www.example.de "
        "a:www.example.de a:www.example.de a:www.example.de a:www.example.de a:www.example.de "
        "a:www.example.de -all",
        0},
    {"eleven.example", TXT,
        "v=spf1 a:www.example.de a:www.example.de a:www.example.de a:www.example.de "
        "a:www.example.de a:www.example.de a:www.example.de a:www.example.de a:www.example.de "
        "a:www.example.de a:www.example.de -all",
        0},
    {"macro.example", TXT, "v=spf1 exists:%{ir}.ok.example -all", 0},
    {"9.2.0.192.ok.example", DNS_TYPE_A, "127.0.0.2", 0},
    {"helo.example", TXT, "v=spf1 exists:%{h}.ok.example -all", 0},
    {"ptr.example", TXT, "v=spf1 ptr -all", 0},
    {"9.2.0.192.in-addr.arpa", DNS_TYPE_PTR, "host.ptr.example", 0},
    {"10.2.0.192.in-addr.arpa", DNS_TYPE_PTR, "forged.ptr.example", 0},
    {"host.ptr.example", DNS_TYPE_A, "192.0.2.9", 0},
    {"forged.ptr.example", DNS_TYPE_A, "198.51.100.66", 0},
    {"soft.example", TXT, "v=spf1 ~all", 0},
    {"nothing.said.example", TXT, "v=spf1", 0},
    {"typo.example", TXT, "v=spf1 ip4:192.0.2.9 incldue:x.example -all", 0},
};

static void receivers_would_decide_so(void **state)
{
    static const struct {
        const char *domain, *ip;
        SpfResult result;
    } rows[] = {
        {"example.de", "192.0.2.9", SPF_PASS},
        {"EXAMPLE.de", "192.0.2.9", SPF_PASS},
        {"example.de", "198.51.100.7", SPF_PASS},
        {"example.de", "2001:db8:7::7", SPF_PASS},
        {"example.de", "198.51.100.25", SPF_PASS},
        {"example.de", "203.0.113.1", SPF_PASS},
        {"example.de", "2001:db8:b::9", SPF_PASS},
        {"example.de", "::ffff:192.0.2.9", SPF_PASS},
        {"example.de", "203.0.113.200", SPF_FAIL},
        {"redirecting.example", "203.0.113.1", SPF_PASS},
        {"redirecting.example", "203.0.113.200", SPF_NEUTRAL},
        {"dead.example", "192.0.2.9", SPF_PERMERROR},
        {"deadinclude.example", "192.0.2.9", SPF_PERMERROR},
        {"two.example", "192.0.2.9", SPF_PERMERROR},
        {"loop.example", "192.0.2.9", SPF_PERMERROR},
        {"slow.example", "192.0.2.9", SPF_TEMPERROR},
        {"asksslow.example", "192.0.2.9", SPF_TEMPERROR},
        {"voids.example", "192.0.2.9", SPF_PERMERROR},
        {"twovoids.example", "192.0.2.9", SPF_PASS},
        {"ten.example", "192.0.2.9", SPF_FAIL},
        {"eleven.example", "192.0.2.9", SPF_PERMERROR},
        {"macro.example", "192.0.2.9", SPF_PASS},
        {"macro.example", "192.0.2.10", SPF_FAIL},
        {"helo.example", "192.0.2.9", SPF_TEMPERROR},
        {"ptr.example", "192.0.2.9", SPF_PASS},
        {"ptr.example", "192.0.2.10", SPF_FAIL},
        {"soft.example", "192.0.2.9", SPF_SOFTFAIL},
        {"nothing.said.example", "192.0.2.9", SPF_NEUTRAL},
        {"typo.example", "192.0.2.9", SPF_PERMERROR},
        {"www.example.de", "192.0.2.9", SPF_NONE},
        {"localhost", "192.0.2.9", SPF_NONE},
        {"a..example.de", "192.0.2.9", SPF_NONE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        SpfClient client = {.sender = NULL};
        assert_true(domain_ip_parse(rows[i].ip, &client.ip));
        SpfResult result = spf_check(&client, rows[i].domain, answers);
        while (dns_answers_n_open(answers) > 0) {
            assert_int_equal(result, SPF_RESULT_OPEN);
            zone_answer(zone, G_N_ELEMENTS(zone), answers);
            result = spf_check(&client, rows[i].domain, answers);
        }
        if (result != rows[i].result)
            fail_msg("%s from %s: %s", rows[i].domain, rows[i].ip, spf_result_name(result));
    }
}

static SpfSurvey *survey_of(const char *text, const char *wanted)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    SpfSurvey *survey = spf_survey(text, "example.de", wanted, answers);
    while (dns_answers_n_open(answers) > 0) {
        assert_true(survey->is_open);
        zone_answer(zone, G_N_ELEMENTS(zone), answers);
        spf_survey_free(survey);
        survey = spf_survey(text, "example.de", wanted, answers);
    }
    return survey;
}

static void a_survey_finds_every_flaw(void **state)
{
    static const struct {
        const char *text;
        guint flaw; /* the first, a SpfFlawKind; 0: none */
        guint n_lookups;
        char all;
        gboolean is_permerror;
    } rows[] = {
        {"v=spf1 ip4:192.0.2.1 -all", 0, 0, '-', FALSE},
        {"v=spf1 a:www.example.de mx include:_spf.mail.example ~all", 0, 4, '~', FALSE},
        {"v=spf1 redirect=_spf.mail.example", 0, 2, '?', FALSE},
        {"v=spf1 redirect=_spf.mail.example -all", SPF_FLAW_UNREACHED, 0, '-', FALSE},
        {"v=spf1 moo -all", SPF_FLAW_SYNTAX, 0, '\0', TRUE},
        {"v=spf1 include:typo.example -all", SPF_FLAW_SYNTAX, 1, '-', TRUE},
        {"v=spf1 include:nothing.example -all", SPF_FLAW_TARGET_NONE, 1, '-', TRUE},
        {"v=spf1 include:two.example -all", SPF_FLAW_TARGET_MANY, 1, '-', TRUE},
        {"v=spf1 include:example.de -all", SPF_FLAW_LOOP, 1, '-', TRUE},
        {"v=spf1 include:loop.example -all", SPF_FLAW_LOOP, 2, '-', TRUE},
        {"v=spf1 a:gone.example -all", SPF_FLAW_VOID, 1, '-', FALSE},
        {"v=spf1 a:g1.example a:g2.example a:g3.example -all", SPF_FLAW_VOID, 3, '-', TRUE},
        {"v=spf1 exists:%{i}.example.de -all", SPF_FLAW_MACRO, 1, '-', FALSE},
        {"v=spf1 ptr -all", SPF_FLAW_PTR, 1, '-', FALSE},
        {"v=spf1 -all mx", SPF_FLAW_UNREACHED, 0, '-', FALSE},
        {"v=spf1 include:ten.example -all", 0, 11, '-', TRUE},
        {"v=spf1 -all exp=why.example.de", 0, 0, '-', FALSE},
        {"v=spf1 mx", 0, 1, '\0', FALSE},
        {"v=spf1 +all", 0, 0, '+', FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SpfSurvey) survey = survey_of(rows[i].text, NULL);
        const SpfFlaw *flaw = survey->flaws->len > 0 ? survey->flaws->pdata[0] : NULL;
        guint kind = flaw ? flaw->kind : 0;
        if (kind != rows[i].flaw || survey->n_lookups != rows[i].n_lookups ||
            survey->all != rows[i].all || survey->is_permerror != rows[i].is_permerror)
            fail_msg("%s: flaw %d, %u lookups, all %c, permerror %d", rows[i].text, (int)kind,
                survey->n_lookups, survey->all ? survey->all : '0', survey->is_permerror);
    }
}

static void a_provider_is_contained_only_where_it_passes(void **state)
{
    static const struct {
        const char *text, *wanted;
        gboolean contains;
    } rows[] = {
        {"v=spf1 include:_spf.mail.example -all", "_spf.mail.example", TRUE},
        {"v=spf1 include:_SPF.mail.example -all", "_spf.mail.example", TRUE},
        {"v=spf1 include:_spf.mail.example -all", "_b.mail.example", TRUE},
        {"v=spf1 redirect=_spf.mail.example", "_spf.mail.example", TRUE},
        {"v=spf1 -include:_spf.mail.example -all", "_spf.mail.example", FALSE},
        {"v=spf1 ~include:_spf.mail.example -all", "_b.mail.example", FALSE},
        {"v=spf1 -all include:_spf.mail.example", "_spf.mail.example", FALSE},
        {"v=spf1 include:nothing.example -all", "nothing.example", FALSE},
        {"v=spf1 mx -all", "_spf.mail.example", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SpfSurvey) survey = survey_of(rows[i].text, rows[i].wanted);
        if (survey->contains_provider != rows[i].contains)
            fail_msg("%s, %s", rows[i].text, rows[i].wanted);
    }
}

/* Twenty records that include all others would be 20^20 steps. */
static void a_wide_web_of_includes_ends_soon(void **state)
{
    g_autoptr(GString) text = g_string_new("v=spf1");
    char names[20][16];
    ZoneRecord web[20];
    for (guint i = 0; i < 20; i++) {
        g_snprintf(names[i], sizeof names[i], "n%u.example", i);
        g_string_append_printf(text, " include:%s", names[i]);
    }
    for (guint i = 0; i < 20; i++)
        web[i] = (ZoneRecord){names[i], TXT, text->str, 0};
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    for (guint round = 0; round < 40; round++) {
        g_autoptr(SpfSurvey) survey = spf_survey(text->str, "example.de", NULL, answers);
        g_autoptr(GArray) samples = spf_samples("n1.example", 8, answers);
        assert_int_equal(samples->len, 0);
        assert_true(survey->n_lookups <= 121);
        zone_answer(web, G_N_ELEMENTS(web), answers);
    }
    assert_int_equal(dns_answers_n_open(answers), 0);
}

/* Each "%{d}" stands for 219 octets, but only the last two of them matter. A record over the limit
 * is not even read. */
static void a_record_full_of_macros_is_read_in_no_time(void **state)
{
    GString *labels = g_string_new(NULL);
    for (guint i = 0; i < 104; i++)
        g_string_append(labels, "a.");
    g_string_append(labels, "evil.example");
    g_autofree char *domain = g_string_free(labels, FALSE);
    static const struct {
        guint n_macros;
        SpfResult result;
    } rows[] = {{1000, SPF_PASS}, {15000, SPF_TEMPERROR}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new("v=spf1 exists:");
        for (guint n = 0; n < rows[i].n_macros; n++)
            g_string_append(text, "%{d}");
        g_string_append(text, ".z -all");
        const gsize cut = 253 - 2 - strlen(domain);
        g_autofree char *name = g_strdup_printf("%s%s.z",
            domain + strlen(domain) - cut + (domain[strlen(domain) - cut - 1] != '.'), domain);
        const ZoneRecord evil[] = {{domain, TXT, text->str, 0}, {name, DNS_TYPE_A, "127.0.0.1", 0}};
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        SpfClient client = {.sender = NULL};
        assert_true(domain_ip_parse("192.0.2.1", &client.ip));
        gint64 begun = g_get_monotonic_time();
        SpfResult result = spf_check(&client, domain, answers);
        while (dns_answers_n_open(answers) > 0) {
            zone_answer(evil, G_N_ELEMENTS(evil), answers);
            result = spf_check(&client, domain, answers);
        }
        assert_int_equal(result, rows[i].result);
        assert_true(g_get_monotonic_time() - begun < G_TIME_SPAN_SECOND / 2);
    }
}

static void names_lose_whole_labels_on_the_left(void **state)
{
    static const struct {
        const char *name;
        guint label, n, expected; /* length of a label, how many; of what is left */
    } rows[] = {
        {"253 octets stay", 1, 126, 253}, /* 126 times "a." and the "z" of the domain */
        {"of 255 one label goes", 1, 127, 253},
        {"of very many what is left is as long", 1, 1500, 253},
        {"a label is not cut in two", 62, 5, 253},
        {"nor by one octet", 60, 5, 245},
        {"what has no dot is no name and stays none", 300, 1, 1},
    };
    DomainIp ip;
    assert_true(domain_ip_parse("192.0.2.3", &ip));
    const SpfMacros macros = {.sender = "x@z", .domain = "z", .ip = &ip};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) spec = g_string_new(NULL);
        gboolean needs_helo = FALSE;
        for (guint n = 0; n < rows[i].n; n++) {
            for (guint octet = 0; octet < rows[i].label; octet++)
                g_string_append_c(spec, 'a');
            g_string_append_c(spec, '.');
        }
        g_string_append(spec, "%{d}");
        g_autofree char *expanded = spf_macro_expand(spec->str, &macros, &needs_helo);
        if (strlen(expanded) != rows[i].expected)
            fail_msg("%s: %" G_GSIZE_FORMAT, rows[i].name, strlen(expanded));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_compared),
        cmocka_unit_test(mapped_addresses_become_ipv4),
        cmocka_unit_test(private_addresses_are_not_public),
        cmocka_unit_test(reverse_names_are_those_of_the_dns),
        cmocka_unit_test(only_records_of_version_one_count),
        cmocka_unit_test(sound_terms_are_read),
        cmocka_unit_test(broken_terms_are_named),
        cmocka_unit_test(macros_expand_as_the_rfc_shows),
        cmocka_unit_test(receivers_would_decide_so),
        cmocka_unit_test(a_survey_finds_every_flaw),
        cmocka_unit_test(a_provider_is_contained_only_where_it_passes),
        cmocka_unit_test(a_wide_web_of_includes_ends_soon),
        cmocka_unit_test(a_record_full_of_macros_is_read_in_no_time),
        cmocka_unit_test(names_lose_whole_labels_on_the_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
