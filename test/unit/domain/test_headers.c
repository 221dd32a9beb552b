/* Headers of mails that arrived, in the form of the large receivers. */
#include "dns_zone.h"

#include "domain/header_fields.h"
#include "domain/headers.h"
#include "domain/mail_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const ZoneRecord zone[] = {
    {"_dmarc.firma.example", DNS_TYPE_TXT, "v=DMARC1; p=none", 0},
};

static HeaderCheck *check_text(const char *text)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    HeaderCheck *check = header_check(text, answers);
    while (dns_answers_n_open(answers) > 0) {
        zone_answer(zone, G_N_ELEMENTS(zone), answers);
        header_check_free(check);
        check = header_check(text, answers);
    }
    return check;
}

static const char gmail[] =
    "Delivered-To: anna@gmail.com\r\n"
    "Received: by 2002:a05:6402:1234 with SMTP id ab12csp1;\r\n"
    "        Sun, 22 Nov 2026 04:00:14 -0800 (PST)\r\n"
    "ARC-Authentication-Results: i=1; mx.google.com; spf=fail smtp.mailfrom=evil@x.example\r\n"
    "Return-Path: <noreply@firma.example>\r\n"
    "Received: from mout.kundenserver.de (mout.kundenserver.de. [212.227.126.130])\r\n"
    "        by mx.google.com with ESMTPS id x1 for <anna@gmail.com>;\r\n"
    "        Sun, 22 Nov 2026 04:00:12 -0800 (PST)\r\n"
    "Received-SPF: pass (google.com: domain of noreply@firma.example designates 212.227.126.130 "
    "as\r\n"
    " permitted sender) client-ip=212.227.126.130;\r\n"
    "Authentication-Results: mx.google.com;\r\n"
    "       dkim=pass header.i=@firma.example header.s=s1-ionos header.b=AbCdEf;\r\n"
    "       dkim=pass header.i=@kundenserver.example header.s=kun header.b=XyZ;\r\n"
    "       spf=pass (google.com: domain of noreply@firma.example designates 212.227.126.130 as\r\n"
    " permitted sender) smtp.mailfrom=noreply@firma.example;\r\n"
    "       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=firma.example\r\n"
    "Received: from [10.0.0.5] ([198.51.100.77]) by mrelayeu.kundenserver.de with ESMTPA;\r\n"
    " Sun, 22 Nov 2026 13:00:07 +0100\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=firma.example;\r\n"
    " s=s1-ionos; t=1; h=from:to; bh=abc=; b=def\r\n"
    " ghi=\r\n"
    "From: =?utf-8?q?Firma?= <noreply@firma.example>\r\n"
    "Subject: Test\r\n"
    "\r\n"
    "Authentication-Results: mx.google.com; spf=fail\r\n";

static const char microsoft[] =
    "Received: from AM0EUR02FT030.eop-EUR02.prod.protection.outlook.com\n"
    " (2603:10a6:20b:130:cafe::5a) by AM6P191CA0094.outlook.office365.com\n"
    " (2603:10a6:209:8a::35) with Microsoft SMTP Server; Sun, 22 Nov 2026 12:00:20 +0000\n"
    "Authentication-Results: spf=softfail (sender IP is 85.13.128.1)\n"
    " smtp.mailfrom=firma.example; dkim=none (message not signed)\n"
    " header.d=none;dmarc=fail action=none\n"
    " header.from=firma.example;compauth=fail reason=001\n"
    "Received-SPF: SoftFail (protection.outlook.com: domain of transitioning\n"
    " firma.example discourages use of 85.13.128.1 as permitted sender)\n"
    "Received: from dd1.kasserver.com (85.13.128.1) by\n"
    " AM0EUR02FT030.mail.protection.outlook.com (10.13.54.100) with Microsoft SMTP\n"
    " Server; Sun, 22 Nov 2026 12:00:18 +0000\n"
    "X-Forefront-Antispam-Report: CIP:85.13.128.1;CTRY:DE;SCL:5;SRV:;IPV:NLI;SFV:SPM;\n"
    "From: noreply@firma.example (Firma)\n";

static const char gmx[] =
    "Received: from mail.bulk.example ([203.0.113.9]) by mx-ha.gmx.net (mxgmx101\n"
    " [212.227.17.5]) with ESMTPS (Nemesis) id 1; Sun, 22 Nov 2026 13:01:00 +0100\n"
    "Authentication-Results:  gmx.net; dkim=pass header.i=@bulk.example; dkim=fail reason=\"a; b\" "
    "header.i=@firma.example\n"
    "Authentication-Results:  firma.example; dkim=pass header.d=firma.example; spf=pass\n"
    "DKIM-Signature: v=1; d=bulk.example; s=k1; b=x\n"
    "DKIM-Signature: v=1; d=firma.example; s=sel; b=y\n"
    "From: \"info@other.example\" <noreply@firma.example>\n"
    "X-UI-Filterresults: notjunk:1;V03:K0:abc\n";

static void the_receivers_words_are_read(void **state)
{
    static const struct {
        const char *name, *text, *from, *by, *sent_from, *spf, *dmarc;
        gint64 delay_s;
        HeaderFolder folder;
        DomainSay says, spf_says;
    } rows[] = {
        {"gmail", gmail, "firma.example", "mx.google.com", "212.227.126.130", "pass", "pass", 7,
            HEADER_FOLDER_UNKNOWN, SAY_HEADER_GOOD, SAY_SEEN_SPF_PASS},
        {"microsoft", microsoft, "firma.example", "am6p191ca0094.outlook.office365.com",
            "85.13.128.1", "softfail", "fail", 2, HEADER_FOLDER_JUNK, SAY_HEADER_BAD,
            SAY_SEEN_SPF_FAIL},
        {"gmx", gmx, "firma.example", "gmx.net", "203.0.113.9", "unknown", "unknown", -1,
            HEADER_FOLDER_INBOX, SAY_HEADER_OTHER, SAY_SEEN_SPF_UNKNOWN},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(HeaderCheck) check = check_text(rows[i].text);
        assert_non_null(check);
        if (g_strcmp0(check->from_domain, rows[i].from) != 0 ||
            g_strcmp0(check->received_by, rows[i].by) != 0 ||
            g_strcmp0(check->sent_from, rows[i].sent_from) != 0 ||
            strcmp(check->spf_result, rows[i].spf) != 0 ||
            strcmp(check->dmarc_result, rows[i].dmarc) != 0 || check->delay_s != rows[i].delay_s ||
            check->folder != rows[i].folder || check->text->code != rows[i].says ||
            check->spf_text->code != rows[i].spf_says)
            fail_msg("%s: from %s by %s sent_from %s spf %s dmarc %s delay %d folder %d says %d %d",
                rows[i].name, check->from_domain, check->received_by, check->sent_from,
                check->spf_result, check->dmarc_result, (int)check->delay_s, (int)check->folder,
                (int)check->text->code, (int)check->spf_text->code);
    }
}

static void signatures_meet_their_results(void **state)
{
    g_autoptr(HeaderCheck) check = check_text(gmail);
    assert_int_equal(check->signatures->len, 2);
    const HeaderSignature *own = check->signatures->pdata[0];
    const HeaderSignature *other = check->signatures->pdata[1];
    assert_string_equal(own->domain, "firma.example");
    assert_string_equal(own->selector, "s1-ionos");
    assert_string_equal(own->result, "pass");
    assert_true(own->is_aligned);
    assert_string_equal(other->domain, "kundenserver.example");
    assert_false(other->is_aligned);
}

/* The line below claims what it likes: it was there before the receiver wrote its own. */
static void results_of_others_are_ignored(void **state)
{
    g_autoptr(HeaderCheck) check = check_text(gmx);
    const HeaderSignature *own = check->signatures->pdata[1];
    assert_string_equal(own->domain, "firma.example");
    assert_string_equal(own->result, "fail");
    assert_string_equal(check->spf_result, "unknown");
}

static void only_a_proven_mail_teaches(void **state)
{
    g_autoptr(HeaderCheck) proven = check_text(gmail);
    assert_int_equal(proven->learned_selectors->len, 1);
    assert_string_equal(proven->learned_selectors->pdata[0], "s1-ionos");
    assert_int_equal(proven->learned_addresses->len, 1);
    assert_string_equal(proven->learned_addresses->pdata[0], "212.227.126.130");
    static const char *const others[] = {microsoft, gmx};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(HeaderCheck) check = check_text(others[i]);
        assert_int_equal(check->learned_selectors->len, 0);
        assert_int_equal(check->learned_addresses->len, 0);
    }
}

static void text_that_is_no_header_is_refused(void **state)
{
    static const char *const others[] = {"", "\n\n", "Hallo Anna,\nwie geht es dir?",
        "Subject: x\n", "http://example.com/", ":\n:\n", "From\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(HeaderCheck) check = check_text(others[i]);
        assert_null(check);
    }
}

static void a_header_without_results_says_so(void **state)
{
    g_autoptr(HeaderCheck) check = check_text("From: a@firma.example\nDKIM-Signature: v=1; "
                                              "d=firma.example; s=sel; b=y\n");
    assert_int_equal(check->text->code, SAY_HEADER_NO_RESULTS);
    assert_int_equal(check->signatures->len, 1);
    assert_null(check->sent_from);
    assert_null(check->received_by);
    assert_int_equal(check->delay_s, -1);
}

static void the_domain_of_from_is_that_of_the_address(void **state)
{
    static const struct {
        const char *from, *domain;
    } rows[] = {
        {"a@x.example", "x.example"},
        {"<a@X.Example>", "x.example"},
        {"\"b@y.example\" <a@x.example>", "x.example"},
        {"a@x.example (b@y.example)", "x.example"},
        {"M\xc3\xbcller <a@m\xc3\xbcller.example>", "xn--mller-kva.example"},
        {"nobody", NULL},
        {"a@", NULL},
        {"a@[192.0.2.1]", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("From: %s\n", rows[i].from);
        g_autoptr(HeaderCheck) check = check_text(text);
        if (g_strcmp0(check->from_domain, rows[i].domain) != 0)
            fail_msg("%s: %s", rows[i].from, check->from_domain);
    }
}

static void dates_of_headers_are_read(void **state)
{
    static const struct {
        const char *text;
        gint64 seconds;
    } rows[] = {
        {"Sun, 22 Nov 2026 05:01:02 +0100 (CET)", 1795320062},
        {"22 Nov 2026 04:01:02 GMT", 1795320062},
        {"Sun, 22 Nov 26 04:01:02 +0000", 1795320062},
        {"Sat, 21 Nov 2026 20:01:02 -0800", 1795320062},
        {"Sun, 22 Nov 2026 04:01 Z", 1795320060},
        {"22-Nov-2026 04:01:60 -0000", 1795320119},
    };
    static const char *const bad[] = {"", "yesterday", "Sun, 32 Nov 2026 04:01:02 GMT",
        "Sun, 22 Nox 2026 04:01:02 GMT", "Sun, 22 Nov 2026", "22 Nov 2026 24:01:02 GMT",
        "31 Feb 2026 04:01:02 GMT", "22 Nov 99999 04:01:02"};
    gint64 seconds = 7;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_true(mail_date_parse(rows[i].text, &seconds));
        if (seconds != rows[i].seconds)
            fail_msg("%s: %d", rows[i].text, (int)seconds);
    }
    seconds = 7;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (mail_date_parse(bad[i], &seconds))
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(seconds, 7);
}

static void comments_and_quotes_are_told_apart(void **state)
{
    g_autofree char *comments = NULL;
    g_autofree char *plain =
        header_without_comments("a (b (c) \\) d) \"e (f) \\\" g\" (h", &comments);
    assert_string_equal(plain, "a   \"e (f) \\\" g\"  ");
    assert_non_null(strstr(comments, "b  c"));
    g_auto(GStrv) pieces = header_split("x; y=\"1;2\" ;z");
    assert_int_equal(g_strv_length(pieces), 3);
    assert_string_equal(pieces[1], "y=\"1;2\"");
    g_autofree char *value =
        header_property("spf=pass reason=\"a=b\" smtp.mailfrom = c@d", "smtp.mailfrom");
    assert_string_equal(value, "c@d");
    g_autofree char *quoted = header_property("reason=\"x spf=fail\" spf=pass", "spf");
    assert_string_equal(quoted, "pass");
    g_autofree char *none = header_property("xspf=pass", "spf");
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_receivers_words_are_read),
        cmocka_unit_test(signatures_meet_their_results),
        cmocka_unit_test(results_of_others_are_ignored),
        cmocka_unit_test(only_a_proven_mail_teaches),
        cmocka_unit_test(text_that_is_no_header_is_refused),
        cmocka_unit_test(a_header_without_results_says_so),
        cmocka_unit_test(the_domain_of_from_is_that_of_the_address),
        cmocka_unit_test(dates_of_headers_are_read),
        cmocka_unit_test(comments_and_quotes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
