#include "diagnosis/reading.h"

#include "base/clock.h"
#include "base/limits.h"
#include "diagnosis/reply_spot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int load_catalogue(void **state)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &json, &n, NULL));
    *state = diagnosis_catalogue_new(json, n, NULL);
    return *state == NULL ? -1 : 0;
}

static int drop_catalogue(void **state)
{
    diagnosis_catalogue_free(*state);
    return 0;
}

static void a_reply_is_found_where_it_stands(void **state)
{
    static const struct {
        const char *name, *line;
        int code; /* 0: none */
        const char *enhanced, *begins;
    } rows[] = {
        {"alone", "550 5.1.1 no such user", 550, "5.1.1", "5.1.1 no"},
        {"continued", "550-5.7.1 this is", 550, "5.7.1", "5.7.1 this"},
        {"behind said", "host a[192.0.2.1] said: 554 5.7.1 no", 554, "5.7.1", "5.7.1 no"},
        {"DSN", "Diagnostic-Code: smtp; 552 5.2.2 full", 552, "5.2.2", "5.2.2 full"},
        {"sendmail", "<<< 553 5.1.8 no domain", 553, "5.1.8", "5.1.8 no"},
        {"swaks", "<** 530 Login first", 530, "", "Login"},
        {"python", "(535, b'5.7.8 Error: authentication failed')", 535, "5.7.8", "5.7.8 Err"},
        {"qmail", "Remote host said: 550 sorry (#5.7.1)", 550, "5.7.1", "sorry"},
        {"outlook", "Remote Server returned '550 5.1.10 not found'", 550, "5.1.10", "5.1.10"},
        {"port", "connect to mx.example.com[192.0.2.1]:465: refused", 0, NULL, NULL},
        {"pid", "postfix/smtp[450]: connected", 0, NULL, NULL},
        {"size", "size=550, nrcpt=1", 0, NULL, NULL},
        {"address", "from 450.example.com [192.0.2.250]", 0, NULL, NULL},
        {"good reply", "250 2.0.0 Ok", 0, NULL, NULL},
        {"count", "sent 550 mails", 0, NULL, NULL},
        {"nothing", "", 0, NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        ReplySpot spot = {0};
        print_message("# %s\n", rows[i].name);
        assert_int_equal(reply_spot_find(rows[i].line, &spot), rows[i].code != 0);
        assert_int_equal(spot.code, rows[i].code);
        if (rows[i].code == 0)
            continue;
        assert_string_equal(spot.enhanced, rows[i].enhanced);
        assert_true(g_str_has_prefix(spot.text, rows[i].begins));
    }
}

static void an_address_or_a_version_is_no_enhanced_code(void **state)
{
    static const struct {
        const char *text, *enhanced;
    } rows[] = {
        {"sorry (#5.1.1)", "5.1.1"},
        {"from 5.7.1.20 denied", ""},
        {"from 10.5.7.1 denied", ""},
        {"Exim v5.1.2", ""},
        {"5.7.1", "5.7.1"},
        {"5.7.1. Bye", "5.7.1"},
        {"2.0.0 fine", ""},
        {"5.1234.1", ""},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char enhanced[ENHANCED_SIZE];
        reply_spot_enhanced(rows[i].text, enhanced);
        print_message("# %s\n", rows[i].text);
        assert_string_equal(enhanced, rows[i].enhanced);
    }
}

static void a_pasted_text_is_explained(void **state)
{
    static const struct {
        const char *name, *text, *phase, *id;
        int code;
    } rows[] = {
        {"Postfix bounce",
            "<a@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1\n"
            "    <a@example.com>: Recipient address rejected: User unknown in virtual\n"
            "    mailbox table (in reply to RCPT TO command)\n",
            "rcpt_to", "recipient_unknown", 550},
        {"Exim bounce",
            "  a@example.com\n    host mx.example.com [192.0.2.1]\n"
            "    SMTP error from remote mail server after RCPT TO:<a@example.com>:\n"
            "    550 5.1.1 <a@example.com>... User Unknown\n",
            "rcpt_to", "recipient_unknown", 550},
        {"sendmail transcript",
            "... while talking to mx.example.com.:\n>>> MAIL From:<x@y.example>\n"
            "<<< 553 5.1.8 <x@y.example>... Domain of sender address x@y.example does not exist\n",
            "mail_from", "sender_domain_not_found", 553},
        {"DSN with folded line",
            "Final-Recipient: rfc822; a@gmail.com\nAction: failed\nStatus: 5.7.26\n"
            "Diagnostic-Code: smtp; 550-5.7.26 This mail has been blocked because the sender\n"
            "    is unauthenticated.\n",
            NULL, "gmail_unauthenticated_5726", 550},
        {"reply of several lines",
            "550-5.7.1 Messages with multiple\r\n550-5.7.1 addresses in From: header are\r\n"
            "550 5.7.1 not accepted.\r\n",
            NULL, "header_missing_or_duplicate", 550},
        {"Postfix log",
            "Nov 22 04:05:51 mail postfix/smtp[4711]: 3F2A: to=<a@b.example>, "
            "relay=mx.b.example[192.0.2.1]:25, delay=450, dsn=5.2.2, status=bounced (host "
            "mx.b.example[192.0.2.1] said: 552 5.2.2 Mailbox full (in reply to end of DATA "
            "command))",
            "after_data", "mailbox_full", 552},
        {"SASL log",
            "SASL authentication failed; server smtp.example.com[192.0.2.1] said: 535 5.7.8 "
            "Error: authentication failed",
            "auth", "auth_failed_generic", 535},
        {"Node.js", "Error: connect ECONNREFUSED 192.0.2.1:587", "connect", "connect_refused", 0},
        {"port of the log line", "connect to mx.example.com[192.0.2.1]:25: Connection timed out",
            "connect", "connect_timeout_port_25", 0},
        {"Go", "dial tcp: lookup smtp.exmaple.com: no such host", "dns", "dns_host_not_found", 0},
        {"Python certificate",
            "ssl.SSLCertVerificationError: certificate verify failed: Hostname mismatch, "
            "certificate is not valid for 'smtp.all-inkl.com'. (_ssl.c:1081)",
            "tls", "tls_hostname_mismatch", 0},
        {"PHP", "SMTP Error: Could not authenticate.", NULL, NULL, 0},
        {"qmail", "Sorry, no mailbox here by that name. (#5.1.1)", NULL, "recipient_unknown", 0},
        {"Outlook",
            "Remote Server returned '550 5.7.708 Service unavailable. Access denied, traffic "
            "not accepted from this IP'",
            NULL, "m365_tenant_threshold", 550},
        {"transcript of a client",
            "CLIENT -> SERVER: AUTH LOGIN\nSERVER -> CLIENT: 334 VXNlcm5hbWU6\n"
            "SERVER -> CLIENT: 535 Incorrect authentication data\n",
            "auth", "auth_failed_exim", 535},
        {"a letter", "Dear Anna,\n\nsee you on Monday.\n", NULL, NULL, 0},
        {"nothing", "", NULL, NULL, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        g_autoptr(GPtrArray) findings =
            diagnosis_read(*state, rows[i].text, strlen(rows[i].text), NULL);
        assert_int_equal(findings->len, rows[i].id == NULL ? 0 : 1);
        if (findings->len == 0)
            continue;
        const DiagnosisFinding *finding = findings->pdata[0];
        assert_string_equal(finding->diagnosis->id, rows[i].id);
        assert_int_equal(finding->code, rows[i].code);
        if (g_strcmp0(finding->phase, rows[i].phase) != 0)
            fail_msg("phase %s", finding->phase);
    }
}

static void each_diagnosis_is_told_once_and_in_order(void **state)
{
    static const char text[] = "550 5.1.1 a: user unknown\n552 5.2.2 b: mailbox full\n"
                               "550 5.1.1 c: user unknown\n";
    g_autoptr(GPtrArray) findings = diagnosis_read(*state, text, strlen(text), NULL);
    assert_int_equal(findings->len, 2);
    const DiagnosisFinding *first = findings->pdata[0], *second = findings->pdata[1];
    assert_string_equal(first->diagnosis->id, "recipient_unknown");
    assert_string_equal(second->diagnosis->id, "mailbox_full");
}

static void the_server_named_decides_between_providers(void **state)
{
    static const char named[] =
        "host smtp.ionos.de[192.0.2.1] said: 535 Authentication credentials invalid";
    static const char bare[] = "535 Authentication credentials invalid";
    g_autoptr(GPtrArray) a = diagnosis_read(*state, named, strlen(named), NULL);
    g_autoptr(GPtrArray) b = diagnosis_read(*state, bare, strlen(bare), "smtp.ionos.de");
    g_autoptr(GPtrArray) c = diagnosis_read(*state, named, strlen(named), "smtp.example.com");
    const DiagnosisFinding *from_text = a->pdata[0], *given = b->pdata[0], *both = c->pdata[0];
    assert_string_equal(from_text->diagnosis->id, "ionos_bad_credentials");
    assert_string_equal(given->diagnosis->id, "ionos_bad_credentials");
    assert_string_equal(both->diagnosis->id, "ionos_bad_credentials"); /* the text knows better */
    assert_string_equal(both->host, "smtp.ionos.de");
    assert_string_equal(given->host, "smtp.ionos.de");
}

static void a_report_is_judged_by_all_it_says(void **state)
{
    static const struct {
        const char *name;
        DiagnosisReport report;
        const char *id;
    } rows[] = {
        {"names of our own", {.phase = "sender", .reply = "530 5.7.0 Authentication required"},
            "authentication_required"},
        {"a name of others", {.phase = "RCPT TO", .reply = "550 no such user"},
            "recipient_unknown"},
        {"no phase", {.reply = "535 5.7.8 no"}, "auth_failed_generic"},
        {"an unknown phase", {.phase = "lunch", .reply = "552 5.2.2 mailbox full"}, "mailbox_full"},
        {"two lines",
            {.phase = "auth",
                .reply = "534-5.7.9 Application-specific\n534 5.7.9 "
                         "password required"},
            "gmail_app_password_required"},
        {"errno", {.phase = "connect", .error = "ECONNREFUSED"}, "connect_refused"},
        {"words", {.phase = "connect", .error = "Connection refused"}, "connect_refused"},
        {"words alone", {.error = "Name or service not known"}, "dns_host_not_found"},
        {"an errno nobody knows", {.phase = "connect", .error = "ENOSPC"}, "fallback_network"},
        {"a TLS reason", {.phase = "tls", .error = "wrong version number"},
            "tls_wrong_version_number"},
        {"certificate of another", {.phase = "certificate", .verify = 62}, "tls_hostname_mismatch"},
        {"the provider's own case", {.phase = "tls", .verify = 62, .host = "smtp.all-inkl.com"},
            "tls_hostname_mismatch_allinkl"},
        {"a port", {.phase = "connect", .sys = "ETIMEDOUT", .port = 25}, "connect_timeout_port_25"},
        {"nothing", {.phase = NULL}, "fallback_unknown"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        assert_string_equal(diagnosis_of_report(*state, &rows[i].report)->id, rows[i].id);
    }
}

static gboolean is_one_of(const char *wanted, const char *word)
{
    g_auto(GStrv) words = g_strsplit(wanted, ",", -1);
    return g_strv_contains((const char *const *)words, word);
}

/* How many of what was judged by hand the matcher judged alike. */
typedef struct {
    const char *name;
    guint n, n_class, n_row;
} Tally;

static void judge_line(const DiagnosisCatalogue *catalogue, char **fields, Tally *tally)
{
    gboolean is_error = g_str_has_prefix(fields[3], "ERR ");
    const DiagnosisReport report = {.phase = fields[0],
        .reply = is_error ? NULL : fields[3],
        .error = is_error ? fields[3] + strlen("ERR ") : NULL};
    const Diagnosis *found = diagnosis_of_report(catalogue, &report);
    gboolean has_row = is_one_of(fields[2], found->id);
    if (!has_row)
        print_message("# %s, not %s: %s\n", found->id, fields[2], fields[3]);
    tally->n++;
    tally->n_class += is_one_of(fields[1], diagnosis_class_name(found->class)) ? 1 : 0;
    tally->n_row += has_row ? 1 : 0;
}

/* Replies that are no examples of the catalogue. Those below the file's line "# unseen" were judged
 * by hand after the rules had been written: only they tell how it will be with the next one, so
 * they are counted for themselves. */
static void real_replies_get_the_right_class_and_row(void **state)
{
    g_autofree char *path = g_build_filename(
        g_getenv("ABSENDER_SOURCE"), "test", "unit", "diagnosis", "data", "real-replies.tsv", NULL);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Tally seen = {.name = "seen"}, unseen = {.name = "unseen"}, *tally = &seen;
    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], "\t", 4);
        if (g_str_has_prefix(lines[i], "# unseen"))
            tally = &unseen;
        else if (lines[i][0] != '#' && g_strv_length(fields) == 4)
            judge_line(*state, fields, tally);
    }
    assert_true(seen.n >= 243 && unseen.n >= 140);
    const Tally *const both[] = {&seen, &unseen};
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        print_message("# %s: %u lines, %u in the right class, %u at the right row\n", both[i]->name,
            both[i]->n, both[i]->n_class, both[i]->n_row);
        assert_true(both[i]->n_class * 100 >= both[i]->n * 90);
        assert_true(both[i]->n_row * 100 >= both[i]->n * 75);
    }
}

/* Any bytes, as large as may be pasted: bounded in findings and in time. */
static void hostile_text_is_bounded(void **state)
{
    static const char *const parts[] = {"\n", "550 5.1.1 ", "550-", " \xff", "450 ", "a"};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len + strlen(parts[i]) <= LIMIT_DIAGNOSIS_PASTE_BYTES)
            g_string_append(text, parts[i]);
        MonoMs start = clock_mono_ms();
        g_autoptr(GPtrArray) findings = diagnosis_read(*state, text->str, text->len, NULL);
        assert_true(findings->len <= LIMIT_DIAGNOSIS_FINDINGS);
        assert_true(clock_mono_ms() - start < 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_found_where_it_stands),
        cmocka_unit_test(an_address_or_a_version_is_no_enhanced_code),
        cmocka_unit_test(a_pasted_text_is_explained),
        cmocka_unit_test(each_diagnosis_is_told_once_and_in_order),
        cmocka_unit_test(the_server_named_decides_between_providers),
        cmocka_unit_test(a_report_is_judged_by_all_it_says),
        cmocka_unit_test(real_replies_get_the_right_class_and_row),
        cmocka_unit_test(hostile_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, load_catalogue, drop_catalogue);
}
