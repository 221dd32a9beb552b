#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_driver.h"

static void before_tls_there_is_almost_nothing(void **state)
{
    static const Dialogue dialogues[] = {
        {"small talk", "NOOP\r\nnoop x\r\nRSET\r\nEHLO c\r\nQUIT\r\n", "250 250 250 250 221", "",
            TRUE},
        {"no mail", "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n",
            "250 530 530 530", "", FALSE},
        {"no questions", "VRFY a\r\nHELP\r\nHELO c\r\n", "530 530 500", "", FALSE},
        {"no AUTH", "EHLO c\r\nAUTH LOGIN\r\n", "250 538", "", FALSE},
        {"a credential in clear", "EHLO c\r\nAUTH PLAIN AGFubmEAcHc=\r\nNOOP\r\n", "250 538", "",
            TRUE},
        {"STARTTLS takes no argument", "STARTTLS now\r\n", "501", "", FALSE},
        {"EHLO needs a name", "EHLO\r\nEHLO \r\nEHLO a b\r\n", "501 501 501", "", FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_plain);
}

static void nothing_may_follow_starttls(void **state)
{
    static const char *const inputs[] = {
        "STARTTLS\r\nNOOP\r\n", "STARTTLS\r\nE", "STARTTLS\r\n\r\n", "EHLO c\r\nSTARTTLS\r\nx"};
    for (gsize i = 0; i < G_N_ELEMENTS(inputs); i++) {
        gsize n = strlen(inputs[i]);
        for (gsize cut = 0; cut < n; cut++) {
            g_autoptr(Driver) driver = start_plain();
            say(driver, inputs[i], cut);
            assert_true(driver->closed);
            /* Told apart only if they came together; cut right behind it they end the session. */
            const char *end = strstr(inputs[i], "STARTTLS\r\n") + strlen("STARTTLS\r\n");
            gboolean together = cut != (gsize)(end - inputs[i]);
            assert_true((strstr(driver->replies->str, "501 5.5.2") != NULL) == together);
            assert_false(driver->start_tls);
        }
    }
}

static void what_was_said_in_clear_is_forgotten(void **state)
{
    SmtpServerConfig config = usual_config();
    g_autoptr(Driver) driver = driver_new(&config);
    say(driver, "EHLO c\r\nSTARTTLS\r\n", 0);
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    g_string_truncate(driver->replies, 0);
    say(driver, "AUTH PLAIN AGFubmEAcHc=\r\nEHLO c\r\nAUTH PLAIN AGFubmEAcHc=\r\n", 0);
    g_autofree char *seen = codes(driver);
    assert_string_equal(seen, "503 250 235");
}

static void capabilities_follow_the_state(void **state)
{
    g_autoptr(Driver) driver = start_plain();
    say(driver, "EHLO c\r\n", 0);
    assert_string_equal(driver->replies->str,
        "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
        "250-DSN\r\n250-STARTTLS\r\n"
        "250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000\r\n");
    g_autoptr(Driver) inside = start_tls();
    say(inside, "EHLO c\r\n", 0);
    assert_string_equal(inside->replies->str,
        "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
        "250-DSN\r\n250-AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER\r\n"
        "250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000\r\n");
}

static void capabilities_can_be_switched_off(void **state)
{
    SmtpServerConfig config = usual_config();
    config.pipelining = config.eightbitmime = config.offer_starttls = FALSE;
    config.chunking = config.dsn = FALSE; /* and SMTPUTF8 goes with 8BITMIME */
    g_autoptr(Driver) driver = driver_new(&config);
    say(driver, "EHLO c\r\nSTARTTLS\r\n", 0);
    assert_non_null(strstr(driver->replies->str, "250-mx.example\r\n250-ENHANCED"));
    assert_non_null(strstr(driver->replies->str, "502 5.5.1"));

    config.security = TLS_MODE_IMPLICIT;
    config.auth_mechanisms = 0;
    g_autoptr(Driver) implicit = driver_new(&config);
    assert_true(implicit->start_tls);
    assert_int_equal(implicit->replies->len, 0);
    step(implicit, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    assert_string_equal(implicit->replies->str, "220 mx.example ESMTP Absender\r\n");
    say(implicit, "EHLO c\r\nMAIL FROM:<a@b.example> BODY=8BITMIME\r\nAUTH PLAIN\r\n", 0);
    assert_null(strstr(implicit->replies->str, "AUTH"));
    g_autofree char *seen = codes(implicit);
    assert_string_equal(seen, "220 250 530 504");
}

static void each_extension_is_announced_by_itself(void **state)
{
    static const struct {
        const char *said;
        gboolean pipelining, eightbitmime, chunking, smtputf8, dsn;
    } cases[] = {
        {"250-PIPELINING\r\n", TRUE, FALSE, FALSE, FALSE, FALSE},
        {"250-8BITMIME\r\n", FALSE, TRUE, FALSE, FALSE, FALSE},
        {"250-CHUNKING\r\n", FALSE, FALSE, TRUE, FALSE, FALSE},
        {"", FALSE, FALSE, FALSE, TRUE, FALSE},
        {"250-8BITMIME\r\n250-SMTPUTF8\r\n", FALSE, TRUE, FALSE, TRUE, FALSE},
        {"250-DSN\r\n", FALSE, FALSE, FALSE, FALSE, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SmtpServerConfig config = usual_config();
        config.pipelining = cases[i].pipelining;
        config.eightbitmime = cases[i].eightbitmime;
        config.chunking = cases[i].chunking;
        config.smtputf8 = cases[i].smtputf8;
        config.dsn = cases[i].dsn;
        g_autoptr(Driver) driver = driver_inside(&config, TRUE);
        say(driver, "EHLO c\r\n", 0);
        g_autofree char *expected = g_strconcat("250-mx.example\r\n", cases[i].said,
            "250-AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE "
            "1000\r\n",
            NULL);
        assert_string_equal(driver->replies->str, expected);
    }
}

static void logins_are_asked_about(void **state)
{
    static const Dialogue dialogues[] = {
        {"plain", "AUTH PLAIN AGFubmEAcHc=\r\n", "235", "LOGIN anna pw\n", FALSE},
        {"plain in two lines", "auth plain\r\nAGFubmEAcHc=\r\n", "334 235", "LOGIN anna pw\n",
            FALSE},
        {"plain with the same authzid", "AUTH PLAIN YW5uYQBhbm5hAHB3\r\n", "235", "LOGIN anna pw\n",
            FALSE},
        {"plain for somebody else", "AUTH PLAIN ZXZlAGFubmEAcHc=\r\n", "501", "", FALSE},
        {"login", "AUTH LOGIN\r\nYW5uYQ==\r\ncHc=\r\n", "334 334 235", "LOGIN anna pw\n", FALSE},
        {"login with its name", "AUTH LOGIN YW5uYQ==\r\ncHc=\r\n", "334 235", "LOGIN anna pw\n",
            FALSE},
        {"wrong, then right", "AUTH PLAIN AGFubmEAcHg=\r\nAUTH PLAIN AGFubmEAcHc=\r\n", "535 235",
            "LOGIN anna px\nLOGIN anna pw\n", FALSE},
        {"three times wrong",
            "AUTH PLAIN AGFubmEAcHg=\r\nAUTH PLAIN AGFubmEAcHg=\r\nAUTH PLAIN AGFubmEAcHg=\r\n"
            "NOOP\r\n",
            "535 535 535", NULL, TRUE},
        {"twice right", "AUTH PLAIN AGFubmEAcHc=\r\nAUTH PLAIN AGFubmEAcHc=\r\n", "235 503",
            "LOGIN anna pw\n", FALSE},
        {"cancelled", "AUTH LOGIN\r\n*\r\nNOOP\r\n", "334 501 250", "", FALSE},
        {"no base64", "AUTH PLAIN !!!!\r\nNOOP\r\n", "501 250", "", FALSE},
        {"no NUL", "AUTH PLAIN YW5uYQ==\r\n", "501", "", FALSE},
        {"one NUL", "AUTH PLAIN AGFubmE=\r\n", "501", "", FALSE},
        {"three NULs", "AUTH PLAIN AGEAYgBj\r\n", "501", "", FALSE},
        {"empty name", "AUTH PLAIN AABwdw==\r\n", "501", "", FALSE},
        {"empty password", "AUTH PLAIN AGFubmEA\r\n", "501", "", FALSE},
        {"empty login name", "AUTH LOGIN\r\n\r\n", "334 501", "", FALSE},
        {"name with a line end", "AUTH LOGIN YQ1i\r\n", "501", "", FALSE},
        {"unreadable response", "AUTH LOGIN\r\nYW5uYQ==\n\r\nNOOP\r\n", "334 500 500 250", "",
            FALSE},
        {"XOAUTH2", "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHRrAQE=\r\n", "235",
            "TOKEN anna tk\n", FALSE},
        {"XOAUTH2 in two lines", "auth xoauth2\r\ndXNlcj1hbm5hAWF1dGg9QmVhcmVyIHRrAQE=\r\n",
            "334 235", "TOKEN anna tk\n", FALSE},
        {"OAUTHBEARER",
            "AUTH OAUTHBEARER bixhPWFubmEsAWhvc3Q9bXgBcG9ydD01ODcBYXV0aD1CZWFyZXIgdGsBAQ==\r\n",
            "235", "TOKEN anna tk\n", FALSE},
        {"one as the other",
            "AUTH XOAUTH2 bixhPWFubmEsAWhvc3Q9bXgBcG9ydD01ODcBYXV0aD1CZWFyZXIgdGsBAQ==\r\nNOOP\r\n",
            "501 250", "", FALSE},
        {"a token refused at once", "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIGJhZAEB\r\nNOOP\r\n",
            "535 250", "TOKEN anna bad\n", FALSE},
        {"a token refused with a reason",
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n\r\nNOOP\r\n", "334 535 250",
            "TOKEN anna why\n", FALSE},
        {"the same by OAUTHBEARER",
            "AUTH OAUTHBEARER\r\nbixhPWFubmEsAWF1dGg9QmVhcmVyIHdoeQEB\r\nAQ==\r\nNOOP\r\n",
            "334 334 535 250", "TOKEN anna why\n", FALSE},
        {"* does not undo the refusal",
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n*\r\nNOOP\r\n", "334 535 250",
            "TOKEN anna why\n", FALSE},
        {"nor does what cannot be read",
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\nx\ty\r\nNOOP\r\n", "334 535 250",
            "TOKEN anna why\n", FALSE},
        {"refused, then right",
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n\r\nAUTH XOAUTH2 "
            "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHRrAQE=\r\n",
            "334 535 235", "TOKEN anna why\nTOKEN anna tk\n", FALSE},
        {"three times refused",
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n\r\nAUTH XOAUTH2 "
            "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n\r\n"
            "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHdoeQEB\r\n\r\nNOOP\r\n",
            "334 535 334 535 334 535", NULL, TRUE},
        {"a token cancelled", "AUTH XOAUTH2\r\n*\r\nNOOP\r\n", "334 501 250", "", FALSE},
        {"another mechanism", "AUTH CRAM-MD5\r\nAUTH\r\n", "504 504", "", FALSE},
        {"STARTTLS again", "STARTTLS\r\n", "503", "", FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_tls);
}

static void mails_are_asked_about(void **state)
{
    static const Dialogue dialogues[] = {
        {"a mail",
            "MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME AUTH=<>\r\nRCPT TO:<c@d.example>\r\n"
            "DATA\r\nhi\r\n..x\r\n.\r\nNOOP\r\n",
            "250 250 354 250 250",
            "SENDER a@b.example\nRECIPIENT c@d.example\nDATA\n"
            "MESSAGE a@b.example c@d.example 8\n",
            FALSE},
        {"null sender, two recipients, two mails",
            "mail from:<>\r\nrcpt to:<c@d.example>\r\nrcpt to:<e@f.example>\r\nDATA\r\n.\r\n"
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n",
            "250 250 250 354 250 250 250 354 250",
            "SENDER \nRECIPIENT c@d.example\nRECIPIENT e@f.example\nDATA\n"
            "MESSAGE  c@d.example e@f.example 0\nSENDER a@b.example\nRECIPIENT c@d.example\n"
            "DATA\nMESSAGE a@b.example c@d.example 3\n",
            FALSE},
        {"refused recipients do not count",
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<refuse@b.example>\r\nRCPT TO:<forward@b.example>"
            "\r\nDATA\r\nx\r\n.\r\n",
            "250 550 251 354 250",
            "SENDER a@b.example\nRECIPIENT refuse@b.example\nRECIPIENT forward@b.example\nDATA\n"
            "MESSAGE a@b.example forward@b.example 3\n",
            FALSE},
        {"refused sender", "MAIL FROM:<refuse@b.example>\r\nRCPT TO:<c@d.example>\r\n", "550 503",
            "SENDER refuse@b.example\n", FALSE},
        {"nobody left", "MAIL FROM:<a@b.example>\r\nRCPT TO:<refuse@b.example>\r\nDATA\r\n",
            "250 550 554", NULL, FALSE},
        {"too many",
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<c@d.example>\r\n"
            "RCPT TO:<c@d.example>\r\nRCPT TO:<c@d.example>\r\n",
            "250 250 250 250 452", NULL, FALSE},
        {"DATA refused",
            "MAIL FROM:<nodata@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nRSET\r\n",
            "250 250 451 250", NULL, FALSE},
        {"message refused",
            "MAIL FROM:<spam@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n"
            ".\r\nRCPT TO:<c@d.example>\r\n",
            "250 250 354 554 503", NULL, FALSE},
        {"dropped", "MAIL FROM:<drop@b.example>\r\nNOOP\r\n", "", NULL, TRUE},
        {"closed after its reply", "MAIL FROM:<close@b.example>\r\nNOOP\r\n", "250", NULL, TRUE},
        {"nested", "MAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n", "250 503", NULL,
            FALSE},
        {"RSET forgets", "MAIL FROM:<a@b.example>\r\nRSET\r\nRCPT TO:<c@d.example>\r\n",
            "250 250 503", NULL, FALSE},
        {"EHLO forgets", "MAIL FROM:<a@b.example>\r\nEHLO c\r\nRCPT TO:<c@d.example>\r\n",
            "250 250 503", NULL, FALSE},
        {"DATA refused, and again",
            "MAIL FROM:<nodata@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
            "RCPT TO:<e@f.example>\r\nDATA\r\n",
            "250 250 451 250 451", NULL, FALSE},
        {"out of order", "DATA\r\nRCPT TO:<c@d.example>\r\n", "503 503", "", FALSE},
        {"AUTH inside", "MAIL FROM:<a@b.example>\r\nAUTH PLAIN AGFubmEAcHc=\r\n", "250 503", NULL,
            FALSE},
        {"announced too large", "MAIL FROM:<a@b.example> SIZE=1001\r\n", "552", "", FALSE},
        {"bare LF in the message",
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\n.\nMAIL FROM:<e@f>\r\n"
            ".\r\nRCPT TO:<c@d.example>\r\n",
            "250 250 354 550 503", "SENDER a@b.example\nRECIPIENT c@d.example\nDATA\n", FALSE},
        {"small talk", "VRFY anna\r\nHELP me\r\nNOOP\r\nEXPN x\r\nQUIT\r\n", "252 214 250 500 221",
            "", TRUE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
}

static void paths_and_parameters_are_read_strictly(void **state)
{
    static const struct {
        const char *line, *code;
    } cases[] = {
        {"MAIL FROM:<\"a b\"@c.example>", "250 "},
        {"MAIL FROM:<\"a>b\"@c.example>", "250 "},
        {"MAIL FROM:<a@b.example> body=7bit", "250 "},
        {"MAIL", "501 "},
        {"MAIL FROM", "501 "},
        {"MAIL FROM:", "501 "},
        {"MAIL FROM: <a@b.example>", "501 "},
        {"MAIL FROM:a@b.example", "501 "},
        {"MAIL FROM:<a@b.example", "501 "},
        {"MAIL FROM:<a@b.example>x", "501 "},
        {"MAIL FROM:<a@b.example> ", "501 "},
        {"MAIL FROM:<a@b.example>  SIZE=1", "555 "},
        {"MAIL FROM:<a>", "501 "},
        {"MAIL FROM:<@x.example:a@b.example>", "501 "},
        {"MAIL FROM:<a@b@c.example>", "501 "},
        {"MAIL FROM:<a b@c.example>", "501 "},
        {"MAIL FROM:<<a@b.example>>", "501 "},
        {"MAIL FROM:<\"a@b.example>", "501 "},
        {"MAIL TO:<a@b.example>", "501 "},
        {"MAIL FROM:<a@b.example> SIZE=", "501 "},
        {"MAIL FROM:<a@b.example> SIZE=x", "501 "},
        {"MAIL FROM:<a@b.example> SIZE=-1", "501 "},
        {"MAIL FROM:<a@b.example> SIZE=1 SIZE=1", "501 "},
        {"MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 "},
        {"MAIL FROM:<a@b.example> AUTH=", "501 "},
        {"MAIL FROM:<a@b.example> AUTH=<>", "250 "},
        {"MAIL FROM:<a@b.example> AUTH=e+3Dmc2@example.com", "250 "},
        {"MAIL FROM:<a@b.example> AUTH=a+", "501 "},
        {"MAIL FROM:<a@b.example> SIZE", "501 "},
        {"MAIL FROM:<a@b.example> NOTIFY=NEVER", "555 "},
        {"MAIL FROM:<a@b.example> X=1", "555 "},
        {"MAIL\tFROM:<a@b.example>", "500 "},
        {"MAIL FROM:<a\x01@b.example>", "500 "},
        {"", "500 "},
        {"DATA now", "501 "},
        {"QUIT now", "501 "},
        {"RSET now", "501 "},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Driver) driver = start_logged_in();
        g_autofree char *line = g_strconcat(cases[i].line, "\r\n", NULL);
        say(driver, line, 0);
        if (!g_str_has_prefix(driver->replies->str, cases[i].code))
            fail_msg("%s: %s", cases[i].line, driver->replies->str);
        assert_ptr_equal(
            strstr(driver->replies->str, "\r\n") + 2, driver->replies->str + driver->replies->len);
    }
    static const char *const rcpt[] = {"RCPT TO:<>", "RCPT TO:<c@d.example> SIZE=1",
        "RCPT FROM:<c@d.example>", "RCPT TO:<postmaster>"};
    static const char *const rcpt_codes[] = {"501 5.1.3", "555", "501 5.5.4", "501 5.1.3"};
    for (gsize i = 0; i < G_N_ELEMENTS(rcpt); i++) {
        g_autoptr(Driver) driver = start_logged_in();
        say(driver, "MAIL FROM:<a@b.example>\r\n", 0);
        g_string_truncate(driver->replies, 0);
        g_autofree char *line = g_strconcat(rcpt[i], "\r\n", NULL);
        say(driver, line, 0);
        assert_true(g_str_has_prefix(driver->replies->str, rcpt_codes[i]));
    }
}

static void verdicts_become_one_clean_line(void **state)
{
    g_autoptr(Driver) driver = start_logged_in();
    say(driver, "MAIL FROM:<words@b.example>\r\n", 0);
    assert_string_equal(driver->replies->str, "450 4.7.1 one two ??\r\n");
}

static void too_large_messages_are_refused_at_their_end(void **state)
{
    g_autoptr(Driver) driver = start_logged_in();
    say(driver, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", 0);
    for (int i = 0; i < 200; i++)
        say(driver, "0123456789\r\n", 0);
    say(driver, ".\r\nNOOP\r\n", 0);
    g_autofree char *seen = codes(driver);
    assert_string_equal(seen, "250 250 354 552 250");
    assert_null(strstr(driver->asked->str, "MESSAGE"));
}

static void lines_end_at_their_limits(void **state)
{
    g_autofree char *fits = g_strnfill(LIMIT_COMMAND_LINE_OCTETS - 2 - 5, 'x');
    g_autofree char *good = g_strconcat("NOOP ", fits, "\r\n", NULL);
    g_autofree char *over = g_strconcat("NOOP ", fits, "x\r\nNOOP\r\n", NULL);
    g_autofree char *much = g_strnfill(5 * LIMIT_SASL_LINE_OCTETS, 'x');
    g_autofree char *far = g_strconcat("NOOP ", much, "\r\nNOOP\r\n", NULL);
    for (gsize cut = 0; cut < strlen(over); cut += 7) {
        g_autoptr(Driver) driver = start_tls();
        say(driver, good, cut);
        say(driver, over, cut);
        say(driver, far, cut);
        g_autofree char *seen = codes(driver);
        assert_string_equal(seen, "250 500 250 500 250");
    }
    g_autoptr(Driver) driver = start_tls();
    g_autofree char *response = g_strnfill(2000, 'A');
    g_autofree char *auth = g_strconcat("AUTH PLAIN ", response, "\r\n", NULL);
    say(driver, auth, 0); /* an AUTH line may be long; only NULs are no login */
    g_autofree char *seen = codes(driver);
    assert_string_equal(seen, "501");
}

static void too_many_errors_end_the_session(void **state)
{
    g_autoptr(Driver) driver = start_tls();
    for (int i = 1; i < LIMIT_SERVER_BAD_COMMANDS; i++)
        say(driver, "NONSENSE\r\n", 0);
    assert_false(driver->closed);
    g_string_truncate(driver->replies, 0);
    say(driver, "NONSENSE\r\nNOOP\r\n", 0);
    assert_true(driver->closed);
    assert_string_equal(driver->replies->str, "421 4.7.0 Too many errors\r\n");
}

/* A client that writes ahead cannot know that what stands in front was refused. */
static void what_was_written_behind_a_refusal_is_no_error(void **state)
{
    static const struct {
        const char *name, *mail;
    } cases[] = {
        {"sender refused",
            "RSET\r\nMAIL FROM:<refuse@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"},
        {"recipient refused",
            "RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<refuse@b.example>\r\nDATA\r\n"},
        {"sender refused, chunk",
            "RSET\r\nMAIL FROM:<refuse@b.example>\r\nRCPT TO:<c@d.example>\r\n"
            "BDAT 4 LAST\r\nhi\r\n"},
        {"recipient refused, chunk",
            "RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<refuse@b.example>\r\n"
            "BDAT 4 LAST\r\nhi\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Driver) driver = start_logged_in();
        for (int k = 0; k < 5 * LIMIT_SERVER_IDLE_COMMANDS && !driver->closed; k++)
            say(driver, cases[i].mail, 7);
        if (driver->closed)
            fail_msg("%s: %s", cases[i].name, driver->replies->str + driver->replies->len - 60);
    }
    g_autoptr(Driver) driver = start_logged_in(); /* but it does not go on for ever */
    say(driver, "MAIL FROM:<refuse@b.example>\r\n", 0);
    for (int k = 0; k < LIMIT_SERVER_IDLE_COMMANDS; k++)
        say(driver, "RCPT TO:<c@d.example>\r\n", 0);
    assert_false(driver->closed);
    say(driver, "RCPT TO:<c@d.example>\r\n", 0);
    assert_true(driver->closed);
    assert_true(
        g_str_has_suffix(driver->replies->str, "503 5.5.1 RCPT needs MAIL first\r\n"
                                               "421 4.7.0 Too many commands without a mail\r\n"));
}

static void too_much_small_talk_ends_the_session(void **state)
{
    g_autoptr(Driver) driver = start_logged_in();
    for (int i = 0; i < LIMIT_SERVER_IDLE_COMMANDS && !driver->closed; i++) {
        /* Mails make up for it. */
        say(driver, "RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n.\r\n", 0);
    }
    assert_false(driver->closed);
    for (int i = 0; i < LIMIT_SERVER_IDLE_COMMANDS; i++)
        say(driver, "NOOP\r\n", 0);
    assert_false(driver->closed);
    say(driver, "NOOP\r\n", 0);
    assert_true(driver->closed);
    assert_true(
        g_str_has_suffix(driver->replies->str, "421 4.7.0 Too many commands without a mail\r\n"));
}

static void bytes_wait_for_the_verdict_up_to_a_limit(void **state)
{
    SmtpServerConfig config = usual_config();
    g_autoptr(Driver) driver = driver_inside(&config, TRUE);
    static const char mail[] = "MAIL FROM:<a@b.example>\r\nNOOP\r\n";
    SmtpServerEvent event = {
        .kind = SMTP_SERVER_EVENT_BYTES, .bytes = {(const guint8 *)mail, strlen(mail)}};
    const SmtpServerEffects *effects = smtp_server_step(driver->server, &event);
    assert_int_equal(effects->ask, SMTP_ASK_SENDER);
    assert_int_equal(effects->send->len, 0);
    assert_true(effects->deadline == 0);
    assert_string_equal(smtp_server_state_name(driver->server), "wait_verdict");
    g_autofree char *noops = g_strnfill(60000, 'x');
    event.bytes.data = (const guint8 *)noops;
    event.bytes.n = 60000;
    for (int i = 0; i < LIMIT_SERVER_PENDING_OCTETS / 60000; i++) {
        effects = smtp_server_step(driver->server, &event);
        assert_int_equal(effects->ask, SMTP_ASK_NOTHING); /* said once */
        assert_false(effects->close);
    }
    effects = smtp_server_step(driver->server, &event);
    assert_true(effects->close);
    assert_memory_equal(effects->send->data, "421", 3);
}

static void idle_sessions_end_with_421(void **state)
{
    SmtpServerConfig config = usual_config();
    config.command_ms = 500;
    g_autoptr(Driver) driver = driver_inside(&config, TRUE);
    assert_true(driver->deadline == 1500);
    driver->now = 1400;
    say(driver, "NOO", 0); /* a part of a command does not count */
    assert_true(driver->deadline == 1500);
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
    assert_false(driver->closed);
    say(driver, "P\r\n", 0);
    assert_true(driver->deadline == 1900);
    driver->now = 1900;
    g_string_truncate(driver->replies, 0);
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
    assert_true(driver->closed);
    assert_string_equal(driver->replies->str, "421 4.4.2 Timeout\r\n");
}

static void a_body_has_a_deadline_for_each_block(void **state)
{
    SmtpServerConfig config = usual_config();
    config.command_ms = 500;
    g_autoptr(Driver) driver = driver_inside(&config, TRUE);
    say(driver, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", 0);
    assert_true(driver->deadline == 1500);
    driver->now = 1300;
    say(driver, "x", 0);
    assert_true(driver->deadline == 1500);
    g_autofree char *block = g_strnfill(LIMIT_SEND_CHUNK_BYTES, 'x');
    say(driver, block, 0);
    assert_true(driver->deadline == 1800);
}

static void the_end_is_the_end(void **state)
{
    g_autoptr(Driver) driver = start_logged_in();
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_SENT});
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_LOST});
    assert_string_equal(smtp_server_state_name(driver->server), "closed");
    say(driver, "NOOP\r\n", 3);
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
    assert_int_equal(driver->replies->len, 0);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_tls_there_is_almost_nothing),
        cmocka_unit_test(nothing_may_follow_starttls),
        cmocka_unit_test(what_was_said_in_clear_is_forgotten),
        cmocka_unit_test(capabilities_follow_the_state),
        cmocka_unit_test(capabilities_can_be_switched_off),
        cmocka_unit_test(each_extension_is_announced_by_itself),
        cmocka_unit_test(logins_are_asked_about),
        cmocka_unit_test(mails_are_asked_about),
        cmocka_unit_test(paths_and_parameters_are_read_strictly),
        cmocka_unit_test(verdicts_become_one_clean_line),
        cmocka_unit_test(too_large_messages_are_refused_at_their_end),
        cmocka_unit_test(lines_end_at_their_limits),
        cmocka_unit_test(too_many_errors_end_the_session),
        cmocka_unit_test(what_was_written_behind_a_refusal_is_no_error),
        cmocka_unit_test(too_much_small_talk_ends_the_session),
        cmocka_unit_test(bytes_wait_for_the_verdict_up_to_a_limit),
        cmocka_unit_test(idle_sessions_end_with_421),
        cmocka_unit_test(a_body_has_a_deadline_for_each_block),
        cmocka_unit_test(the_end_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
