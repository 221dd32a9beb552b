/* The domain check: verdicts, and proposals that hold. */
#include "dns_zone.h"
#include "keys.h"

#include "domain/domain.h"
#include "domain/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TXT DNS_TYPE_TXT
#define SIXTEEN(text) \
    text text text text text text text text text text text text text text text text
#define FOUR_KIB SIXTEEN(SIXTEEN("ip4:192.0.2.100 "))

static const ZoneRecord zone[] = {
    /* the provider */
    {"_spf.mail.example", TXT, "v=spf1 ip4:203.0.113.0/25 ip6:2001:db8:b::/48 ?all", 0},
    {"redirect.mail.example", TXT, "v=spf1 ip4:203.0.113.0/25 -all", 0},
    {"k1.dkim.mail.example", TXT, "v=DKIM1; k=rsa; p=" RSA_2048, 0},
    /* domains and what is wrong with them */
    {"good.de", TXT, "v=spf1 include:_spf.mail.example ~all", 0},
    {"s1._domainkey.good.de", DNS_TYPE_CNAME, "k1.dkim.mail.example", 0},
    {"_dmarc.good.de", TXT, "v=DMARC1; p=reject; rua=mailto:d@good.de", 0},
    {"s2._domainkey.partly.de", TXT, "v=DKIM1; p=", 0},
    {"s1._domainkey.partly.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    {"s1._domainkey.revoked.de", TXT, "v=DKIM1; p=", 0},
    {"s1._domainkey.dangling.de", DNS_TYPE_CNAME, "gone.mail.example", 0},
    {"x9._domainkey.learned.de", TXT, "v=DKIM1; p=" RSA_2048, 0},
    {"x9._domainkey.unused.de", TXT, "v=DKIM1; p=" RSA_2048, 0},
    {"none.de", DNS_TYPE_A, "192.0.2.1", 0},
    {"absent.de", TXT, "v=spf1 mx a:www.absent.de -all", 0},
    {"absent.de", DNS_TYPE_MX, "www.absent.de", 0},
    {"www.absent.de", DNS_TYPE_A, "198.51.100.1", 0},
    {"redirected.de", TXT, "v=spf1 redirect=_spf.else.example", 0},
    {"_spf.else.example", TXT, "v=spf1 ip4:198.51.100.0/24 -all", 0},
    {"several.de", TXT, "v=spf1 ip4:192.0.2.1 -all", 0},
    {"several.de", TXT, "v=spf1 ip4:192.0.2.2 ~all", 0},
    {"dead.de", TXT, "v=spf1 include:gone.example include:_spf.mail.example -all", 0},
    {"deadonly.de", TXT, "v=spf1 include:gone.example -all", 0},
    {"typo.de", TXT, "v=spf1 incldue:_spf.mail.example -all", 0},
    {"open.de", TXT, "v=spf1 include:_spf.mail.example +all", 0},
    {"openby.de", TXT, "v=spf1 redirect=open.de", 0},
    {"bynet.de", TXT, "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 -all", 0},
    {"macro.de", TXT, "v=spf1 exists:%{ir}.list.macro.de -all", 0},
    {"full.de", TXT,
        "v=spf1 a:www.absent.de a:www.absent.de/31 a:www.absent.de/30 a:www.absent.de/29 "
        "a:www.absent.de/28 a:www.absent.de/27 a:www.absent.de/26 a:www.absent.de/25 "
        "a:www.absent.de/24 a:www.absent.de/23 -all",
        0},
    {"over.de", TXT, "v=spf1 include:full.de include:_spf.mail.example -all", 0},
    {"long.de", TXT, "v=spf1 " FOUR_KIB "-all", 0},
    {"bylong.de", TXT, "v=spf1 include:long.de -all", 0},
    {"longtwo.de", TXT, "v=spf1 " FOUR_KIB "-all", 0},
    {"longtwo.de", TXT, "v=spf1 ~all", 0},
    {"slow.de", TXT, NULL, DNS_TIMEOUT},
    {"_dmarc.slow.de", TXT, NULL, DNS_SERVER_FAIL},
    {"s1._domainkey.slow.de", TXT, NULL, DNS_TIMEOUT},
    {"_dmarc.harm.de", TXT, "v=DMARC1; p=reject; rua=mailto:d@harm.de", 0},
    {"_dmarc.two.de", TXT, "v=DMARC1; p=none", 0},
    {"_dmarc.two.de", TXT, "v=DMARC1; p=reject", 0},
    {"_dmarc.parent.de", TXT, "v=DMARC1; p=none; rua=mailto:d@parent.de", 0},
    {"gmx.de", TXT, "v=spf1 ip4:192.0.2.0/24 -all", 0},
    /* any name below has the same key, but one has its own */
    {"madeup._domainkey.wild.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    {"s1._domainkey.wild.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    {"s2._domainkey.wild.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    {"madeup._domainkey.wildreal.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    {"s1._domainkey.wildreal.de", TXT, "v=DKIM1; p=" RSA_2048, 0},
    {"s2._domainkey.wildreal.de", TXT, "v=DKIM1; p=" RSA_1024, 0},
    /* reports to others */
    {"_dmarc.reports.de", TXT,
        "v=DMARC1; p=none; rua=mailto:a@reports.de, mailto:b@sub.reports.de,"
        "mailto:c@yes.example!10m,mailto:d@No.example,mailto:e@no.example,mailto:f@slow.example",
        0},
    {"reports.de._report._dmarc.yes.example", TXT, "v=DMARC1;", 0},
    {"reports.de._report._dmarc.slow.example", TXT, NULL, DNS_TIMEOUT},
    /* long, but right */
    {"wide.de", TXT,
        "v=spf1 "
        "ip4:198.51.100.100 ip4:198.51.100.101 ip4:198.51.100.102 ip4:198.51.100.103 "
        "ip4:198.51.100.104 ip4:198.51.100.105 ip4:198.51.100.106 ip4:198.51.100.107 "
        "ip4:198.51.100.108 ip4:198.51.100.109 ip4:198.51.100.110 ip4:198.51.100.111 "
        "ip4:198.51.100.112 ip4:198.51.100.113 ip4:198.51.100.114 ip4:198.51.100.115 "
        "ip4:198.51.100.116 ip4:198.51.100.117 ip4:198.51.100.118 ip4:198.51.100.119 "
        "ip4:198.51.100.120 ip4:198.51.100.121 ip4:198.51.100.122 ip4:198.51.100.123 "
        "ip4:198.51.100.124 ip4:198.51.100.125 ip4:198.51.100.126 ip4:198.51.100.127 "
        "-all",
        0},
};

static const char *const selectors[] = {"s1", "s2", "<token>", NULL};
static const DomainRecord records[] = {
    {"<token>._domainkey", "CNAME", "<token>.mail.example"},
    {"s2._domainkey", "CNAME", "gone.mail.example"},
    {"s1._domainkey", "CNAME", "k1.dkim.mail.example"},
};

static DomainQuestion question(const char *domain)
{
    return (DomainQuestion){.domain = domain,
        .provider = "Mail AG",
        .spf_mechanism = "include:_spf.mail.example",
        .is_spf_needed = TRUE,
        .selectors = selectors,
        .dkim_records = records,
        .n_dkim_records = G_N_ELEMENTS(records)};
}

static DomainCheck *ask(const DomainQuestion *asked)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    DomainCheck *check = domain_check(asked, answers);
    guint rounds = 0;
    while (dns_answers_n_open(answers) > 0) {
        assert_true(++rounds < 24);
        zone_answer(zone, G_N_ELEMENTS(zone), answers);
        domain_check_free(check);
        check = domain_check(asked, answers);
    }
    return check;
}

static const char *proposed(const DomainPart *part)
{
    return part->proposal ? part->proposal->value : NULL;
}

static gboolean has_detail(const DomainPart *part, DomainSay code)
{
    for (guint i = 0; i < part->details->len; i++) {
        if (((const DomainNote *)part->details->pdata[i])->code == code)
            return TRUE;
    }
    return FALSE;
}

static void spf_is_judged_and_mended(void **state)
{
    static const struct {
        const char *domain;
        DomainVerdict verdict;
        DomainSay text;
        const char *proposal;
    } rows[] = {
        {"good.de", DOMAIN_GOOD, SAY_SPF_GOOD, NULL},
        {"none.de", DOMAIN_MISSING, SAY_SPF_MISSING, "v=spf1 include:_spf.mail.example ~all"},
        {"absent.de", DOMAIN_WRONG, SAY_SPF_PROVIDER_ABSENT,
            "v=spf1 mx a:www.absent.de include:_spf.mail.example -all"},
        {"redirected.de", DOMAIN_WRONG, SAY_SPF_PROVIDER_ABSENT,
            "v=spf1 include:_spf.mail.example redirect=_spf.else.example"},
        {"several.de", DOMAIN_WRONG, SAY_SPF_SEVERAL,
            "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 include:_spf.mail.example ~all"},
        {"dead.de", DOMAIN_WRONG, SAY_SPF_TARGET_NONE, "v=spf1 include:_spf.mail.example -all"},
        {"deadonly.de", DOMAIN_WRONG, SAY_SPF_TARGET_NONE, "v=spf1 include:_spf.mail.example -all"},
        {"typo.de", DOMAIN_WRONG, SAY_SPF_SYNTAX, NULL},
        {"open.de", DOMAIN_WARNING, SAY_SPF_ALLOWS_ALL, "v=spf1 include:_spf.mail.example ~all"},
        {"openby.de", DOMAIN_WARNING, SAY_SPF_ALLOWS_ALL, NULL}, /* it is the other one's */
        {"bynet.de", DOMAIN_GOOD, SAY_SPF_GOOD_ADDRESSES, NULL},
        {"macro.de", DOMAIN_UNKNOWN, SAY_SPF_UNCERTAIN, NULL},
        {"full.de", DOMAIN_WRONG, SAY_SPF_PROVIDER_ABSENT, NULL},
        {"over.de", DOMAIN_WRONG, SAY_SPF_LOOKUPS, NULL},
        {"slow.de", DOMAIN_UNKNOWN, SAY_NO_ANSWER, NULL},
        {"long.de", DOMAIN_UNKNOWN, SAY_SPF_TOO_LONG, NULL},
        {"bylong.de", DOMAIN_UNKNOWN, SAY_SPF_TOO_LONG, NULL},
        {"longtwo.de", DOMAIN_WRONG, SAY_SPF_SEVERAL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DomainQuestion asked = question(rows[i].domain);
        g_autoptr(DomainCheck) check = ask(&asked);
        if (check->spf.verdict != rows[i].verdict || check->spf.text->code != rows[i].text ||
            g_strcmp0(proposed(&check->spf), rows[i].proposal) != 0)
            fail_msg("%s: %s, text %d, proposal %s", rows[i].domain,
                domain_verdict_name(check->spf.verdict), (int)check->spf.text->code,
                proposed(&check->spf));
    }
}

static void a_full_record_gets_no_proposal_but_the_reason(void **state)
{
    DomainQuestion asked = question("full.de");
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_true(has_detail(&check->spf, SAY_SPF_TOO_FULL));
}

/* The rule of the whole check: what does not resolve now is not proposed. */
static void an_include_that_leads_nowhere_is_never_proposed(void **state)
{
    static const char *const domains[] = {"none.de", "absent.de", "several.de", "deadonly.de"};
    for (gsize i = 0; i < G_N_ELEMENTS(domains); i++) {
        DomainQuestion asked = question(domains[i]);
        asked.spf_mechanism = "include:_spf.kasserver.example";
        g_autoptr(DomainCheck) check = ask(&asked);
        assert_null(check->spf.proposal);
        assert_true(has_detail(&check->spf, SAY_SPF_UNRESOLVED));
    }
}

/* Whatever is proposed lets the provider's servers pass, by the rules of a receiver. */
static void every_proposal_passes(void **state)
{
    static const char *const domains[] = {
        "none.de", "absent.de", "redirected.de", "several.de", "dead.de", "deadonly.de"};
    static const char *const mechanisms[] = {
        "include:_spf.mail.example", "redirect=redirect.mail.example"};
    for (gsize i = 0; i < G_N_ELEMENTS(domains) * G_N_ELEMENTS(mechanisms); i++) {
        DomainQuestion asked = question(domains[i / 2]);
        asked.spf_mechanism = mechanisms[i % 2];
        g_autoptr(DomainCheck) check = ask(&asked);
        assert_non_null(check->spf.proposal);
        ZoneRecord mended[G_N_ELEMENTS(zone) + 1];
        memcpy(mended, zone, sizeof zone);
        mended[G_N_ELEMENTS(zone)] = (ZoneRecord){"mended.de", TXT, check->spf.proposal->value, 0};
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        SpfClient client = {.sender = NULL};
        assert_true(domain_ip_parse("203.0.113.1", &client.ip));
        SpfResult result = SPF_RESULT_OPEN;
        while ((result = spf_check(&client, "mended.de", answers)) == SPF_RESULT_OPEN)
            zone_answer(mended, G_N_ELEMENTS(mended), answers);
        if (result != SPF_PASS)
            fail_msg("%s: %s", check->spf.proposal->value, spf_result_name(result));
    }
}

static void learned_addresses_count_more_than_names(void **state)
{
    static const char *const covered[] = {"198.51.100.1", NULL};
    static const char *const others[] = {"192.0.2.99", NULL};
    DomainQuestion asked = question("absent.de");
    asked.learned_addresses = covered;
    g_autoptr(DomainCheck) good = ask(&asked);
    assert_int_equal(good->spf.verdict, DOMAIN_GOOD);
    assert_int_equal(good->spf.text->code, SAY_SPF_GOOD_ADDRESSES);
    asked.learned_addresses = others;
    asked.spf_mechanism = NULL;
    g_autoptr(DomainCheck) wrong = ask(&asked);
    assert_int_equal(wrong->spf.verdict, DOMAIN_WRONG);
    assert_int_equal(wrong->spf.text->code, SAY_SPF_ADDRESS_ABSENT);
    assert_string_equal(wrong->spf.text->a, "192.0.2.99");
}

static void without_a_known_provider_nothing_is_claimed(void **state)
{
    DomainQuestion asked = question("absent.de");
    asked.provider = NULL;
    asked.spf_mechanism = NULL;
    asked.selectors = NULL;
    asked.n_dkim_records = 0;
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_int_equal(check->spf.verdict, DOMAIN_UNKNOWN);
    assert_int_equal(check->spf.text->code, SAY_SPF_SOUND);
    assert_null(check->spf.proposal);
    assert_null(check->dkim.proposal);
}

static void an_envelope_sender_of_the_provider_needs_no_record(void **state)
{
    DomainQuestion asked = question("none.de");
    asked.is_spf_needed = FALSE;
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_int_equal(check->spf.verdict, DOMAIN_GOOD);
    assert_int_equal(check->spf.text->code, SAY_SPF_NOT_NEEDED);
    assert_null(check->spf.proposal);
}

static void dkim_is_judged_and_mended(void **state)
{
    static const struct {
        const char *domain;
        DomainVerdict verdict;
        DomainSay text;
        gboolean has_proposal;
    } rows[] = {
        {"good.de", DOMAIN_GOOD, SAY_DKIM_GOOD, FALSE},
        {"partly.de", DOMAIN_WARNING, SAY_DKIM_PARTLY, FALSE},
        {"revoked.de", DOMAIN_WRONG, SAY_DKIM_WRONG, TRUE},
        {"dangling.de", DOMAIN_MISSING, SAY_DKIM_MISSING, TRUE},
        {"none.de", DOMAIN_MISSING, SAY_DKIM_NO_KEYS, TRUE},
        {"unused.de", DOMAIN_MISSING, SAY_DKIM_MISSING, TRUE},
        {"slow.de", DOMAIN_UNKNOWN, SAY_NO_ANSWER, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DomainQuestion asked = question(rows[i].domain);
        g_autoptr(DomainCheck) check = ask(&asked);
        if (check->dkim.verdict != rows[i].verdict || check->dkim.text->code != rows[i].text ||
            (check->dkim.proposal != NULL) != rows[i].has_proposal)
            fail_msg("%s: %s, text %d", rows[i].domain, domain_verdict_name(check->dkim.verdict),
                (int)check->dkim.text->code);
        if (rows[i].has_proposal) {
            g_autofree char *name = g_strdup_printf("s1._domainkey.%s", rows[i].domain);
            assert_string_equal(check->dkim.proposal->type, "CNAME");
            assert_string_equal(check->dkim.proposal->name, name);
            assert_string_equal(check->dkim.proposal->value, "k1.dkim.mail.example");
        }
    }
}

static void what_every_name_has_is_no_key(void **state)
{
    static const char *const learned[] = {"s1", NULL};
    DomainQuestion asked = question("wild.de");
    asked.made_up_selector = "madeup";
    g_autoptr(DomainCheck) wild = ask(&asked);
    assert_int_equal(wild->dkim.verdict, DOMAIN_UNKNOWN);
    assert_int_equal(wild->dkim.text->code, SAY_DKIM_WILDCARD);
    assert_null(wild->dkim.proposal);
    const DomainSelector *first = wild->selectors->pdata[0];
    assert_int_equal(first->state, DKIM_KEY_UNKNOWN);
    assert_int_equal(first->detail->code, SAY_KEY_WILDCARD);
    assert_int_equal(wild->selectors->len, 2); /* the made-up one is nobody's business */
    asked.learned_selectors = learned;         /* a mail was signed with it */
    g_autoptr(DomainCheck) signed_by = ask(&asked);
    assert_int_equal(signed_by->dkim.verdict, DOMAIN_GOOD);
    assert_string_equal(signed_by->dkim.text->a, "s1");
    asked = question("wildreal.de");
    asked.made_up_selector = "madeup";
    g_autoptr(DomainCheck) real = ask(&asked);
    assert_int_equal(real->dkim.verdict, DOMAIN_GOOD);
    assert_string_equal(real->dkim.text->a, "s1");
    asked = question("good.de");
    asked.made_up_selector = "madeup";
    g_autoptr(DomainCheck) good = ask(&asked);
    assert_int_equal(good->dkim.verdict, DOMAIN_GOOD);
}

static void reports_to_others_need_their_consent(void **state)
{
    DomainQuestion asked = question("reports.de");
    g_autoptr(DomainCheck) check = ask(&asked);
    guint n = 0;
    for (guint i = 0; i < check->dmarc.details->len; i++) {
        const DomainNote *note = check->dmarc.details->pdata[i];
        if (note->code != SAY_DMARC_REPORT_REFUSED)
            continue;
        assert_string_equal(note->a, "no.example");
        assert_string_equal(note->b, "reports.de._report._dmarc.no.example");
        n++;
    }
    assert_int_equal(n, 1); /* the own domain, one that agrees, one that does not answer */
}

static void lengths_are_told(void **state)
{
    DomainQuestion asked = question("wide.de");
    g_autoptr(DomainCheck) wide = ask(&asked);
    assert_true(has_detail(&wide->spf, SAY_SPF_LONG));
    assert_non_null(wide->spf.proposal);
    assert_true(has_detail(&wide->spf, SAY_SPF_SPLIT));
    asked = question("absent.de");
    g_autoptr(DomainCheck) usual = ask(&asked);
    assert_non_null(usual->spf.proposal);
    assert_false(has_detail(&usual->spf, SAY_SPF_LONG));
    assert_false(has_detail(&usual->spf, SAY_SPF_SPLIT));
}

static void learned_selectors_are_looked_at_first(void **state)
{
    static const char *const learned[] = {"x9", NULL};
    DomainQuestion asked = question("learned.de");
    asked.learned_selectors = learned;
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_int_equal(check->dkim.verdict, DOMAIN_GOOD);
    assert_string_equal(check->dkim.text->a, "x9");
    const DomainSelector *first = check->selectors->pdata[0];
    assert_string_equal(first->selector, "x9");
    assert_int_equal(check->selectors->len, 3);
}

static void a_record_that_only_the_provider_can_make_is_not_made_up(void **state)
{
    DomainQuestion asked = question("none.de");
    asked.n_dkim_records = 2; /* a placeholder, and one that leads nowhere */
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_null(check->dkim.proposal);
    assert_true(has_detail(&check->dkim, SAY_DKIM_COPY));
}

static void dmarc_is_judged_and_mended(void **state)
{
    static const struct {
        const char *domain;
        DomainVerdict verdict;
        DomainSay text;
        const char *proposal;
    } rows[] = {
        {"good.de", DOMAIN_GOOD, SAY_DMARC_ENFORCED, NULL},
        {"none.de", DOMAIN_MISSING, SAY_DMARC_MISSING, "v=DMARC1; p=none"},
        {"harm.de", DOMAIN_WRONG, SAY_DMARC_HARMFUL, NULL},
        {"two.de", DOMAIN_WRONG, SAY_DMARC_SEVERAL, "v=DMARC1; p=none"},
        {"mail.parent.de", DOMAIN_GOOD, SAY_DMARC_WATCHES, NULL},
        {"slow.de", DOMAIN_UNKNOWN, SAY_NO_ANSWER, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DomainQuestion asked = question(rows[i].domain);
        g_autoptr(DomainCheck) check = ask(&asked);
        if (check->dmarc.verdict != rows[i].verdict || check->dmarc.text->code != rows[i].text ||
            g_strcmp0(proposed(&check->dmarc), rows[i].proposal) != 0)
            fail_msg("%s: %s, text %d", rows[i].domain, domain_verdict_name(check->dmarc.verdict),
                (int)check->dmarc.text->code);
    }
}

static void an_inherited_policy_says_where_it_stands(void **state)
{
    DomainQuestion asked = question("mail.parent.de");
    g_autoptr(DomainCheck) check = ask(&asked);
    assert_string_equal(check->dmarc_at, "_dmarc.parent.de");
    assert_string_equal(check->policy, "none");
    assert_string_equal(check->alignment, "relaxed");
    assert_true(has_detail(&check->dmarc, SAY_DMARC_INHERITED));
}

static void a_domain_of_another_provider_is_not_to_be_sent_from(void **state)
{
    DomainQuestion asked = question("gmx.de");
    asked.owner = "GMX";
    g_autoptr(DomainCheck) other = ask(&asked);
    assert_int_equal(other->spf.text->code, SAY_MANAGED_OTHER);
    assert_int_equal(other->spf.verdict, DOMAIN_WRONG);
    assert_null(other->spf.proposal);
    assert_null(other->dmarc.proposal);
    asked.is_own = TRUE;
    g_autoptr(DomainCheck) own = ask(&asked);
    assert_int_equal(own->spf.verdict, DOMAIN_GOOD);
    assert_int_equal(own->dkim.verdict, DOMAIN_GOOD);
}

/* While nothing is answered nothing is claimed, and every sentence is there. */
static void an_unanswered_check_is_unknown(void **state)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    DomainQuestion asked = question("good.de");
    g_autoptr(DomainCheck) check = domain_check(&asked, answers);
    assert_int_equal(check->spf.verdict, DOMAIN_UNKNOWN);
    assert_int_equal(check->dkim.verdict, DOMAIN_UNKNOWN);
    assert_int_equal(check->dmarc.verdict, DOMAIN_UNKNOWN);
    assert_true(dns_answers_n_open(answers) >= 5); /* in one round */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf_is_judged_and_mended),
        cmocka_unit_test(a_full_record_gets_no_proposal_but_the_reason),
        cmocka_unit_test(an_include_that_leads_nowhere_is_never_proposed),
        cmocka_unit_test(every_proposal_passes),
        cmocka_unit_test(learned_addresses_count_more_than_names),
        cmocka_unit_test(without_a_known_provider_nothing_is_claimed),
        cmocka_unit_test(an_envelope_sender_of_the_provider_needs_no_record),
        cmocka_unit_test(dkim_is_judged_and_mended),
        cmocka_unit_test(what_every_name_has_is_no_key),
        cmocka_unit_test(reports_to_others_need_their_consent),
        cmocka_unit_test(lengths_are_told),
        cmocka_unit_test(learned_selectors_are_looked_at_first),
        cmocka_unit_test(a_record_that_only_the_provider_can_make_is_not_made_up),
        cmocka_unit_test(dmarc_is_judged_and_mended),
        cmocka_unit_test(an_inherited_policy_says_where_it_stands),
        cmocka_unit_test(a_domain_of_another_provider_is_not_to_be_sent_from),
        cmocka_unit_test(an_unanswered_check_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
