/* DKIM keys and DMARC records. */
#include "dns_zone.h"
#include "keys.h"

#include "domain/dkim.h"
#include "domain/dmarc.h"
#include "domain/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TXT DNS_TYPE_TXT

static void tag_lists_are_read_strictly(void **state)
{
    static const char *const bad[] = {"", ";", "v", "v=1;;p=2", "v=1; v=2", "=x", "1v=x", "v-v=1"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Tags) tags = tags_parse(bad[i]);
        if (tags)
            fail_msg("%s", bad[i]);
    }
    g_autoptr(Tags) tags = tags_parse(" v = DKIM1 ; p=MIG f\t= ;n_1= ; ");
    assert_non_null(tags);
    assert_int_equal(tags_count(tags), 3);
    assert_string_equal(tags_get(tags, "v"), "DKIM1");
    assert_string_equal(tags_get(tags, "p"), "MIG f\t=");
    assert_string_equal(tags_get(tags, "n_1"), "");
    assert_null(tags_get(tags, "V"));
    assert_true(tags_list_holds("sha1: SHA256", "sha256"));
    assert_true(tags_list_holds("*", "email"));
    assert_false(tags_list_holds("sha1", "sha256"));
}

static void keys_are_judged(void **state)
{
    static const struct {
        const char *record;
        DkimKeyState state;
        DkimFault fault;
        guint bits;
    } rows[] = {
        {"v=DKIM1; k=rsa; p=" RSA_2048, DKIM_KEY_FOUND, 0, 2048},
        {"v=DKIM1; k=rsa; p=" RSA_1024, DKIM_KEY_FOUND, 0, 1024},
        {"p=" RSA_1024_BARE, DKIM_KEY_FOUND, 0, 1024},
        {"k=ed25519; p=" ED25519, DKIM_KEY_FOUND, 0, 256},
        {"v=DKIM1; t=y:s; h=sha1:sha256; s=*; p=" RSA_1024, DKIM_KEY_FOUND, 0, 1024},
        {"v=DKIM1; p=" RSA_512, DKIM_KEY_BROKEN, DKIM_FAULT_WEAK, 512},
        {"v=DKIM1; p=", DKIM_KEY_REVOKED, 0, 0},
        {"v=DKIM1; k=rsa", DKIM_KEY_BROKEN, DKIM_FAULT_SYNTAX, 0},
        {"some text", DKIM_KEY_BROKEN, DKIM_FAULT_SYNTAX, 0},
        {"v=DKIM2; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_VERSION, 0},
        {"k=rsa; v=DKIM1; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_VERSION, 0},
        {"v=DKIM1; k=dsa; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_ALGORITHM, 0},
        {"v=DKIM1; k=ed25519; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_KEY, 0},
        {"v=DKIM1; p=" ED25519, DKIM_KEY_BROKEN, DKIM_FAULT_KEY, 0},
        {"v=DKIM1; p=MIGf", DKIM_KEY_BROKEN, DKIM_FAULT_KEY, 0},
        {"v=DKIM1; p=<copied>", DKIM_KEY_BROKEN, DKIM_FAULT_KEY, 0},
        {"v=DKIM1; h=sha1; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_HASH, 0},
        {"v=DKIM1; s=other; p=" RSA_1024, DKIM_KEY_BROKEN, DKIM_FAULT_SERVICE, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DkimKey) key = dkim_key_read(rows[i].record);
        if (key->state != rows[i].state || key->fault != rows[i].fault || key->bits != rows[i].bits)
            fail_msg("%s: %s, fault %d, %u bits", rows[i].record, dkim_key_state_name(key->state),
                (int)key->fault, key->bits);
    }
}

/* Every beginning of a key is broken, and none reads beyond its end. */
static void cut_keys_are_broken(void **state)
{
    gsize n = strlen(RSA_2048);
    for (gsize i = 1; i + 1 < n; i++) {
        g_autofree char *record = g_strdup_printf("p=%.*s", (int)i, RSA_2048);
        g_autoptr(DkimKey) key = dkim_key_read(record);
        if (key->state == DKIM_KEY_FOUND && key->bits != 2048)
            fail_msg("%zu octets: %u bits", i, key->bits);
        if (i < n / 2)
            assert_int_equal(key->state, DKIM_KEY_BROKEN);
    }
}

static void selectors_are_asked_only_if_they_are_names(void **state)
{
    static const char *const good[] = {"s1", "selector1", "s1-ionos", "a.b", "20260216", "_x"};
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "<token>", "a b", "\xc3\xa4"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(dkim_selector_is_sound(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(dkim_selector_is_sound(bad[i]));
}

static void dmarc_records_are_read(void **state)
{
    static const struct {
        const char *text;
        gboolean is_one;
        guint policy, subdomain, nonexistent; /* DmarcPolicy */
        guint notes;
    } rows[] = {
        {"v=DMARC1; p=none", TRUE, 1, 1, 1, DMARC_NOTE_NO_REPORTS},
        {"v=DMARC1;p=reject;rua=mailto:a@b.de", TRUE, 3, 3, 3, 0},
        {"v=DMARC1; p=reject; sp=none; np=quarantine; rua=mailto:a@b.de", TRUE, 3, 1, 2, 0},
        {"v=DMARC1; p=QUARANTINE; rua=https://x", TRUE, 2, 2, 2, DMARC_NOTE_FOREIGN_REPORT},
        {"v=DMARC1; p=reject; t=y; pct=50; rua=mailto:a@b.de", TRUE, 3, 3, 3,
            DMARC_NOTE_TESTING | DMARC_NOTE_PCT},
        {"v=DMARC1; rua=mailto:a@b.de", TRUE, 1, 1, 1, DMARC_NOTE_NO_POLICY},
        {"v=DMARC1; p=some; rua=mailto:a@b.de", TRUE, 1, 1, 1, DMARC_NOTE_NO_POLICY},
        {"v=DMARC1; p=none; adkim=s; aspf=S; rua=mailto:a@b.de", TRUE, 1, 1, 1,
            DMARC_NOTE_STRICT_DKIM | DMARC_NOTE_STRICT_SPF},
        {"p=none; v=DMARC1", FALSE, 0, 0, 0, 0},
        {"v=dmarc1; p=none", FALSE, 0, 0, 0, 0},
        {"v=DMARC1 p=none", FALSE, 0, 0, 0, 0},
        {"v=DMARC1; p=none; p=reject", FALSE, 0, 0, 0, 0},
        {"v=spf1 -all", FALSE, 0, 0, 0, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DmarcRecord record;
        gboolean is_one = dmarc_record_read(rows[i].text, &record);
        if (is_one != rows[i].is_one ||
            (is_one &&
                (record.policy != rows[i].policy || record.subdomain != rows[i].subdomain ||
                    record.nonexistent != rows[i].nonexistent || record.notes != rows[i].notes)))
            fail_msg("%s", rows[i].text);
    }
}

static const ZoneRecord zone[] = {
    {"_dmarc.own.de", TXT, "v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@own.de", 0},
    {"_dmarc.inner.own.de", TXT, "v=DMARC1; p=none", 0},
    {"_dmarc.two.de", TXT, "v=DMARC1; p=none", 0},
    {"_dmarc.two.de", TXT, "v=DMARC1; p=reject", 0},
    {"_dmarc.bad.de", TXT, "v=dmarc1; p=none", 0},
    {"_dmarc.other.de", TXT, "verification=abc", 0},
    {"_dmarc.slow.de", TXT, NULL, DNS_TIMEOUT},
    /* a public suffix with a policy of its own, and one that says it is not */
    {"_dmarc.bank", TXT, "v=DMARC1; p=reject; psd=y", 0},
    {"_dmarc.mine.bank", TXT, "v=DMARC1; p=none", 0},
    {"_dmarc.uni.example", TXT, "v=DMARC1; p=none", 0},
    {"_dmarc.faculty.uni.example", TXT, "v=DMARC1; p=quarantine; psd=n", 0},
    {"_dmarc.via.de", DNS_TYPE_CNAME, "_dmarc.own.de", 0},
};

static DmarcFinding *find(const char *domain)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    DmarcFinding *finding = dmarc_find(domain, answers);
    while (dns_answers_n_open(answers) > 0) {
        zone_answer(zone, G_N_ELEMENTS(zone), answers);
        dmarc_finding_free(finding);
        finding = dmarc_find(domain, answers);
    }
    return finding;
}

static void the_tree_walk_finds_policy_and_organisation(void **state)
{
    static const struct {
        const char *domain;
        DmarcState state;
        DmarcPolicy applied;
        const char *at, *organisation;
    } rows[] = {
        {"own.de", DMARC_FOUND, DMARC_POLICY_REJECT, "_dmarc.own.de", "own.de"},
        {"mail.own.de", DMARC_FOUND, DMARC_POLICY_QUARANTINE, "_dmarc.own.de", "own.de"},
        {"a.b.c.own.de", DMARC_FOUND, DMARC_POLICY_QUARANTINE, "_dmarc.own.de", "own.de"},
        {"a.b.c.d.e.f.g.h.i.j.own.de", DMARC_FOUND, DMARC_POLICY_QUARANTINE, "_dmarc.own.de",
            "own.de"},
        {"inner.own.de", DMARC_FOUND, DMARC_POLICY_NONE, "_dmarc.inner.own.de", "own.de"},
        {"via.de", DMARC_FOUND, DMARC_POLICY_REJECT, "_dmarc.via.de", "via.de"},
        {"none.de", DMARC_MISSING, DMARC_POLICY_NONE, NULL, "none.de"},
        {"other.de", DMARC_MISSING, DMARC_POLICY_NONE, NULL, "other.de"},
        {"two.de", DMARC_SEVERAL, DMARC_POLICY_REJECT, "_dmarc.two.de", "two.de"},
        {"bad.de", DMARC_BROKEN, DMARC_POLICY_NONE, "_dmarc.bad.de", "bad.de"},
        {"slow.de", DMARC_FAILED, DMARC_POLICY_NONE, NULL, "slow.de"},
        {"mine.bank", DMARC_FOUND, DMARC_POLICY_NONE, "_dmarc.mine.bank", "mine.bank"},
        {"www.mine.bank", DMARC_FOUND, DMARC_POLICY_NONE, "_dmarc.mine.bank", "mine.bank"},
        {"yours.bank", DMARC_FOUND, DMARC_POLICY_REJECT, "_dmarc.bank", "yours.bank"},
        {"www.yours.bank", DMARC_FOUND, DMARC_POLICY_REJECT, "_dmarc.bank", "yours.bank"},
        {"www.faculty.uni.example", DMARC_FOUND, DMARC_POLICY_QUARANTINE,
            "_dmarc.faculty.uni.example", "faculty.uni.example"},
        {"www.uni.example", DMARC_FOUND, DMARC_POLICY_NONE, "_dmarc.uni.example", "uni.example"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DmarcFinding) finding = find(rows[i].domain);
        gboolean same_policy =
            rows[i].state == DMARC_SEVERAL || finding->applied == rows[i].applied;
        if (finding->state != rows[i].state || !same_policy ||
            g_strcmp0(finding->at, rows[i].at) != 0 ||
            strcmp(finding->organisation, rows[i].organisation) != 0)
            fail_msg("%s: state %d, applied %d, at %s, organisation %s", rows[i].domain,
                (int)finding->state, (int)finding->applied, finding->at, finding->organisation);
    }
}

/* RFC 9989 4.10: however deep, at most eight questions. */
static void a_deep_name_costs_eight_questions(void **state)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    g_autoptr(DmarcFinding) finding = dmarc_find("a.b.c.d.e.f.g.h.i.j.k.l.example.de", answers);
    assert_int_equal(finding->state, DMARC_OPEN);
    assert_int_equal(dns_answers_n_open(answers), 8);
    assert_string_equal(dns_answers_open(answers, 1)->name, "_dmarc.h.i.j.k.l.example.de");
}

static void alignment_follows_the_organisation(void **state)
{
    static const struct {
        const char *from, *passed;
        gboolean is_strict, is_aligned;
    } rows[] = {
        {"own.de", "own.de", TRUE, TRUE},
        {"own.de", "OWN.de", TRUE, TRUE},
        {"own.de", "mail.own.de", FALSE, TRUE},
        {"own.de", "mail.own.de", TRUE, FALSE},
        {"a.own.de", "b.own.de", FALSE, TRUE},
        {"own.de", "notown.de", FALSE, FALSE},
        {"none.de", "mail.none.de", FALSE, TRUE}, /* no record tells: below is near enough */
        {"a.none.de", "b.none.de", FALSE, FALSE},
        {"www.mine.bank", "mail.mine.bank", FALSE, TRUE},
        {"mine.bank", "yours.bank", FALSE, FALSE},
        {"www.faculty.uni.example", "uni.example", FALSE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DnsAnswers) answers = dns_answers_new();
        gboolean is_aligned = FALSE;
        for (guint round = 0; round < 3; round++) {
            is_aligned = dmarc_is_aligned(rows[i].from, rows[i].passed, rows[i].is_strict, answers);
            zone_answer(zone, G_N_ELEMENTS(zone), answers);
        }
        if (is_aligned != rows[i].is_aligned)
            fail_msg("%s, %s", rows[i].from, rows[i].passed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tag_lists_are_read_strictly),
        cmocka_unit_test(keys_are_judged),
        cmocka_unit_test(cut_keys_are_broken),
        cmocka_unit_test(selectors_are_asked_only_if_they_are_names),
        cmocka_unit_test(dmarc_records_are_read),
        cmocka_unit_test(the_tree_walk_finds_policy_and_organisation),
        cmocka_unit_test(a_deep_name_costs_eight_questions),
        cmocka_unit_test(alignment_follows_the_organisation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
