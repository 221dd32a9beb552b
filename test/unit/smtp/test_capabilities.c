#include "smtp/capabilities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static SmtpCapabilities read_text(const char *text)
{
    g_autoptr(SmtpReply) reply = smtp_reply_new(250, NULL, text);
    SmtpCapabilities capabilities = {.starttls = TRUE, .limit_mailmax = 99}; /* must be forgotten */
    smtp_capabilities_read(reply, &capabilities);
    return capabilities;
}

static void announcements_are_read(void **state)
{
    SmtpCapabilities all =
        read_text("mx.example at your service\nPIPELINING\nSIZE 35882577\n8BITMIME\nSMTPUTF8\n"
                  "STARTTLS\nENHANCEDSTATUSCODES\nCHUNKING\nDSN\nHELP\nX-UNKNOWN a b\n"
                  "AUTH PLAIN LOGIN SCRAM-SHA-256 XOAUTH2 OAUTHBEARER\n"
                  "LIMITS MAILMAX=20 RCPTMAX=100 RCPTDOMAINMAX=1");
    assert_true(all.starttls && all.auth && all.pipelining && all.chunking && all.eightbitmime &&
                all.smtputf8 && all.dsn && all.enhanced_codes && all.size_known);
    assert_true(all.size_max == 35882577);
    assert_int_equal(all.auth_mechanisms, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN |
                                              SMTP_AUTH_SCRAM_SHA_256 | SMTP_AUTH_XOAUTH2 |
                                              SMTP_AUTH_OAUTHBEARER);
    assert_int_equal(all.limit_mailmax, 20);
    assert_int_equal(all.limit_rcptmax, 100);
}

static void the_greeting_line_announces_nothing(void **state)
{
    static const SmtpCapabilities none = {0};
    static const char *const texts[] = {
        "", "mx.example", "STARTTLS", "AUTH PLAIN", "mx\n", "mx\n\n\n", "mx\nSTARTTLSX\n X"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        SmtpCapabilities read = read_text(texts[i]);
        assert_memory_equal(&read, &none, sizeof none);
    }
}

static void each_keyword_says_one_thing(void **state)
{
    static const struct {
        const char *text;
        gboolean pipelining, chunking, smtputf8, dsn, eightbitmime, enhanced_codes;
    } cases[] = {
        {"mx\nPIPELINING", TRUE, FALSE, FALSE, FALSE, FALSE, FALSE},
        {"mx\npipelining ", TRUE, FALSE, FALSE, FALSE, FALSE, FALSE},
        {"mx\nChunking", FALSE, TRUE, FALSE, FALSE, FALSE, FALSE},
        {"mx\nSMTPUTF8", FALSE, FALSE, TRUE, FALSE, FALSE, FALSE},
        {"mx\nDSN", FALSE, FALSE, FALSE, TRUE, FALSE, FALSE},
        {"mx\n8bitmime", FALSE, FALSE, FALSE, FALSE, TRUE, FALSE},
        {"mx\nENHANCEDSTATUSCODES", FALSE, FALSE, FALSE, FALSE, FALSE, TRUE},
        {"mx\nDSN RET=HDRS\nCHUNKING x", FALSE, TRUE, FALSE, TRUE, FALSE, FALSE},
        {"mx\n PIPELINING\nXPIPELINING\nPIPELININGX\n-CHUNKING\nCHUNKING=1\nBINARYMIME", FALSE,
            FALSE, FALSE, FALSE, FALSE, FALSE},
        {"PIPELINING CHUNKING DSN", FALSE, FALSE, FALSE, FALSE, FALSE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SmtpCapabilities read = read_text(cases[i].text);
        if (read.pipelining != cases[i].pipelining || read.chunking != cases[i].chunking ||
            read.smtputf8 != cases[i].smtputf8 || read.dsn != cases[i].dsn ||
            read.eightbitmime != cases[i].eightbitmime ||
            read.enhanced_codes != cases[i].enhanced_codes)
            fail_msg("%s", cases[i].text);
        assert_false(read.starttls || read.auth || read.size_known);
    }
}

static void sizes_count_only_if_said_clearly(void **state)
{
    static const struct {
        const char *text;
        gboolean known;
        guint64 max;
    } cases[] = {
        {"mx\nSIZE", TRUE, 0},
        {"mx\nSIZE ", TRUE, 0}, /* space at the end of a line is nothing */
        {"mx\nsize 10", TRUE, 10},
        {"mx\nSIZE 10 ", TRUE, 10},
        {"mx\nSIZE 0", TRUE, 0},
        {"mx\nSIZE 18446744073709551615", TRUE, G_MAXUINT64},
        {"mx\nSIZE 18446744073709551616", FALSE, 0},
        {"mx\nSIZE -1", FALSE, 0},
        {"mx\nSIZE 10k", FALSE, 0},
        {"mx\nSIZE=10", FALSE, 0},
        {"mx\nSIZE  10", FALSE, 0},
        {"mx\nSIZE +10", FALSE, 0},
        {"mx\nSIZE 00000000000000000010", TRUE, 10},
        {"mx\nXSIZE 10", FALSE, 0},
        {"SIZE 10", FALSE, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SmtpCapabilities read = read_text(cases[i].text);
        if (read.size_known != cases[i].known || read.size_max != cases[i].max)
            fail_msg("%s", cases[i].text);
    }
}

static void limits_count_only_if_said_clearly(void **state)
{
    static const struct {
        const char *text;
        guint mailmax, rcptmax;
    } cases[] = {
        {"mx\nLIMITS", 0, 0},
        {"mx\nLIMITS mailmax=5", 5, 0},
        {"mx\nLIMITS RCPTMAX=0", 0, 0},
        {"mx\nLIMITS RCPTMAX=1000000", 0, 0},
        {"mx\nLIMITS RCPTMAX=x MAILMAX=7", 7, 0},
        {"mx\nLIMITS RCPTMAX=999999", 0, 999999},
        {"mx\nLIMITS RCPTMAX=1000 MAILMAX=1000", 1000, 1000}, /* STRATO */
        {"mx\nLIMITS MAILMAX=3 RCPTDOMAINMAX=1 RCPTMAX=4", 3, 4},
        {"mx\nLIMITS XRCPTMAX=9 RCPTMAXX=9 NEW=word MAILMAX=2", 2, 0},
        {"mx\nLIMITS  MAILMAX=2   RCPTMAX=3 ", 2, 3},
        {"mx\nLIMITS RCPTMAX=5 RCPTMAX=x", 0, 5},
        {"mx\nLIMITS RCPTMAX= MAILMAX", 0, 0},
        {"mx\nLIMITS RCPTMAX=+5 MAILMAX=-5", 0, 0},
        {"mx\nLIMITS RCPTMAX=05 MAILMAX=0", 0, 0},
        {"mx\nLIMITS RCPTMAX=5k MAILMAX=0x5", 0, 0},
        {"mx\nLIMITS RCPTMAX=18446744073709551617", 0, 0},
        {"mx\nLIMITS=RCPTMAX=5", 0, 0},
        {"mx\nXLIMITS RCPTMAX=5", 0, 0},
        {"LIMITS RCPTMAX=5", 0, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SmtpCapabilities read = read_text(cases[i].text);
        if (read.limit_mailmax != cases[i].mailmax || read.limit_rcptmax != cases[i].rcptmax)
            fail_msg("%s", cases[i].text);
    }
}

static void the_best_common_mechanism_is_chosen(void **state)
{
    static const struct {
        const char *text;
        guint allowed, chosen;
    } cases[] = {
        {"mx\nAUTH LOGIN PLAIN", SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN, SMTP_AUTH_PLAIN},
        {"mx\nAUTH LOGIN PLAIN", SMTP_AUTH_LOGIN, SMTP_AUTH_LOGIN},
        {"mx\nAUTH login", SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN, SMTP_AUTH_LOGIN},
        {"mx\nAUTH PLAIN SCRAM-SHA-256", SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256,
            SMTP_AUTH_SCRAM_SHA_256},
        {"mx\nAUTH PLAIN SCRAM-SHA-256", SMTP_AUTH_PLAIN, SMTP_AUTH_PLAIN},
        {"mx\nAUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH",
            SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER, SMTP_AUTH_OAUTHBEARER}, /* Google */
        {"mx\nAUTH LOGIN XOAUTH2", SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER,
            SMTP_AUTH_XOAUTH2}, /* Microsoft */
        {"mx\nAUTH LOGIN PLAIN", SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER, 0},
        {"mx\nAUTH CRAM-MD5 NTLM", ~0u, 0},
        {"mx\nAUTH", ~0u, 0},
        {"mx\nAUTH=PLAIN", ~0u, 0},
        {"mx\nAUTH PLAIN\nAUTH LOGIN", SMTP_AUTH_LOGIN, SMTP_AUTH_LOGIN},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SmtpCapabilities read = read_text(cases[i].text);
        if (smtp_capabilities_choose_auth(&read, cases[i].allowed) != cases[i].chosen)
            fail_msg("%s", cases[i].text);
    }
    assert_string_equal(smtp_auth_mechanism_name(SMTP_AUTH_SCRAM_SHA_256), "SCRAM-SHA-256");
    assert_null(smtp_auth_mechanism_name(SMTP_AUTH_OTHER));
    assert_null(smtp_auth_mechanism_name(0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(announcements_are_read),
        cmocka_unit_test(the_greeting_line_announces_nothing),
        cmocka_unit_test(each_keyword_says_one_thing),
        cmocka_unit_test(sizes_count_only_if_said_clearly),
        cmocka_unit_test(limits_count_only_if_said_clearly),
        cmocka_unit_test(the_best_common_mechanism_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
