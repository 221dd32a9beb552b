#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_driver.h"

#define MAIL "MAIL FROM:<a@b.example>"
#define RCPT "RCPT TO:<c@d.example>"

typedef struct {
    const char *line, *reply;
    const char *asked; /* NULL: nothing */
} Case;

/* Says each line behind `before` to a session of its own. */
static void check(const SmtpServerConfig *config, const char *before, const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autoptr(Driver) driver = driver_inside(config, TRUE);
        say(driver, before, 0);
        g_string_truncate(driver->replies, 0);
        g_string_truncate(driver->asked, 0);
        g_autofree char *line = g_strconcat(cases[i].line, "\r\n", NULL);
        say(driver, line, strlen(line) / 2);
        g_autofree char *asked =
            cases[i].asked == NULL ? g_strdup("") : g_strconcat(cases[i].asked, "\n", NULL);
        if (!g_str_has_prefix(driver->replies->str, cases[i].reply))
            fail_msg("%s: %s", cases[i].line, driver->replies->str);
        if (strcmp(driver->asked->str, asked) != 0)
            fail_msg("%s: asked %s", cases[i].line, driver->asked->str);
        assert_ptr_equal(
            strstr(driver->replies->str, "\r\n") + 2, driver->replies->str + driver->replies->len);
    }
}

#define ID_25 "1234567890123456789012345"
#define ID_100 ID_25 ID_25 ID_25 ID_25

static void dsn_parameters_of_mail_are_read_strictly(void **state)
{
    static const Case cases[] = {
        {MAIL " RET=FULL", "250 ", "SENDER a@b.example FULL"},
        {MAIL " ret=hdrs", "250 ", "SENDER a@b.example HDRS"},
        {MAIL " ENVID=QQ314159", "250 ", "SENDER a@b.example [QQ314159]"},
        {MAIL " ENVID=a+2Bb+3Dc+20d", "250 ", "SENDER a@b.example [a+b=c d]"},
        {MAIL " ENVID=!*,-<>~", "250 ", "SENDER a@b.example [!*,-<>~]"},
        {MAIL " RET=HDRS ENVID=x SIZE=1 BODY=8BITMIME SMTPUTF8", "250 ",
            "SENDER a@b.example UTF8 HDRS [x]"},
        {MAIL " ENVID=" ID_100, "250 ", "SENDER a@b.example [" ID_100 "]"},
        {MAIL " ENVID=" ID_100 "6", "501 5.5.4", NULL},
        {MAIL " RET=FULL RET=FULL", "501 5.5.4", NULL},
        {MAIL " RET=FULL RET=HDRS", "501 5.5.4", NULL},
        {MAIL " ENVID=a ENVID=a", "501 5.5.4", NULL},
        {MAIL " RET=", "501 5.5.4", NULL},
        {MAIL " RET", "501 5.5.4", NULL},
        {MAIL " RET=BODY", "501 5.5.4", NULL},
        {MAIL " RET=FULL,HDRS", "501 5.5.4", NULL},
        {MAIL " ENVID", "501 5.5.4", NULL},
        {MAIL " ENVID=", "501 5.5.4", NULL},
        {MAIL " ENVID=a=b", "501 5.5.4", NULL},
        {MAIL " ENVID=a+", "501 5.5.4", NULL},
        {MAIL " ENVID=a+2", "501 5.5.4", NULL},
        {MAIL " ENVID=a+2b", "501 5.5.4", NULL}, /* xtext knows upper case only */
        {MAIL " ENVID=a+b2", "501 5.5.4", NULL},
        {MAIL " ENVID=a+2G", "501 5.5.4", NULL},
        {MAIL " ENVID=a+0D+0Ab", "501 5.5.4", NULL}, /* no line ends by this door */
        {MAIL " ENVID=a+00", "501 5.5.4", NULL},
        {MAIL " ENVID=a+7F", "501 5.5.4", NULL},
        {MAIL " ENVID=a+C3+BC", "501 5.5.4", NULL},
        {MAIL " ENVID=\xc3\xbc SMTPUTF8", "501 5.5.4", NULL},
        {MAIL " ORCPT=rfc822;a@b.example", "555 5.5.4", NULL},
        {"MAIL FROM:<refuse@b.example> ENVID=x", "550", "SENDER refuse@b.example [x]"},
    };
    SmtpServerConfig config = usual_config();
    check(&config, "", cases, G_N_ELEMENTS(cases));
}

#define ADDRESS_100 ID_25 ID_25 ID_25 ID_25
#define ADDRESS_500 ADDRESS_100 ADDRESS_100 ADDRESS_100 ADDRESS_100 ADDRESS_100

static void dsn_parameters_of_rcpt_are_read_strictly(void **state)
{
    static const Case cases[] = {
        {RCPT " NOTIFY=NEVER", "250 ", "RECIPIENT c@d.example notify 1"},
        {RCPT " NOTIFY=SUCCESS", "250 ", "RECIPIENT c@d.example notify 2"},
        {RCPT " notify=failure", "250 ", "RECIPIENT c@d.example notify 4"},
        {RCPT " NOTIFY=DELAY", "250 ", "RECIPIENT c@d.example notify 8"},
        {RCPT " NOTIFY=SUCCESS,FAILURE,DELAY", "250 ", "RECIPIENT c@d.example notify e"},
        {RCPT " NOTIFY=FAILURE,FAILURE", "250 ", "RECIPIENT c@d.example notify 4"},
        {RCPT " NOTIFY=NEVER,FAILURE", "501 5.5.4", NULL},
        {RCPT " NOTIFY=FAILURE,NEVER", "501 5.5.4", NULL},
        {RCPT " NOTIFY=NEVER,NEVER", "501 5.5.4", NULL},
        {RCPT " NOTIFY=", "501 5.5.4", NULL},
        {RCPT " NOTIFY", "501 5.5.4", NULL},
        {RCPT " NOTIFY=,", "501 5.5.4", NULL},
        {RCPT " NOTIFY=DELAY,", "501 5.5.4", NULL},
        {RCPT " NOTIFY=ALWAYS", "501 5.5.4", NULL},
        {RCPT " NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc822;Bob@d.example", "250 ",
            "RECIPIENT c@d.example (rfc822;Bob@d.example)"},
        {RCPT " ORCPT=x-local;a+2Bb+20c NOTIFY=DELAY", "250 ",
            "RECIPIENT c@d.example notify 8 (x-local;a+b c)"},
        {RCPT " ORCPT=utf-8;\\x{FC}@d.example", "250 ",
            "RECIPIENT c@d.example (utf-8;\\x{FC}@d.example)"},
        {RCPT " ORCPT=rfc822;" ADDRESS_500, "250 ",
            "RECIPIENT c@d.example (rfc822;" ADDRESS_500 ")"},
        {RCPT " ORCPT=rfc822;" ADDRESS_500 "6", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc822;a ORCPT=rfc822;a", "501 5.5.4", NULL},
        {RCPT " ORCPT", "501 5.5.4", NULL},
        {RCPT " ORCPT=", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc822", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc822;", "501 5.5.4", NULL},
        {RCPT " ORCPT=;a@b.example", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc@822;a@b.example", "501 5.5.4", NULL},
        {RCPT " ORCPT=rfc822;a+0Ab", "501 5.5.4", NULL},
        {RCPT " ORCPT=utf-8;\xc3\xbc@d.example", "501 5.5.4", NULL}, /* MAIL did not say SMTPUTF8 */
        {RCPT " RET=FULL", "555 5.5.4", NULL},
        {RCPT " ", "501 5.5.4", NULL},
    };
    SmtpServerConfig config = usual_config();
    check(&config, MAIL "\r\n", cases, G_N_ELEMENTS(cases));
    static const Case international[] = {
        {RCPT " ORCPT=utf-8;\xc3\xbc@d.example", "250 ",
            "RECIPIENT c@d.example UTF8 (utf-8;\xc3\xbc@d.example)"},
        {RCPT " ORCPT=rfc822;\xc3\xbc@d.example", "501 5.5.4", NULL},
        {RCPT " ORCPT=\xc3\xbc;a@d.example", "501 5.5.4", NULL},
    };
    check(&config, MAIL " SMTPUTF8\r\n", international, G_N_ELEMENTS(international));
}

#define JURGEN "j\xc3\xbcrgen@m\xc3\xbcller.example"

static void addresses_beyond_ascii_need_smtputf8(void **state)
{
    static const Case mail[] = {
        {MAIL " SMTPUTF8", "250 ", "SENDER a@b.example UTF8"},
        {MAIL " smtputf8 SIZE=1", "250 ", "SENDER a@b.example UTF8"},
        {"MAIL FROM:<" JURGEN "> SMTPUTF8 BODY=8BITMIME", "250 ", "SENDER " JURGEN " UTF8"},
        {"MAIL FROM:<\"a \xc3\xbc\"@b.example> SMTPUTF8", "250 ",
            "SENDER \"a \xc3\xbc\"@b.example UTF8"},
        {"MAIL FROM:<> SMTPUTF8", "250 ", "SENDER  UTF8"},
        {"MAIL FROM:<" JURGEN ">", "553 5.6.7", NULL},
        {"MAIL FROM:<a@m\xc3\xbcller.example>", "553 5.6.7", NULL},
        {MAIL " SMTPUTF8=1", "501 5.5.4", NULL},
        {MAIL " SMTPUTF8=", "501 5.5.4", NULL},
        {MAIL " SMTPUTF8 SMTPUTF8", "501 5.5.4", NULL},
        {MAIL " SMTPUTF\xc3\xbc", "555 5.5.4", NULL},
        {"MAIL FROM:<\xfc@b.example> SMTPUTF8", "500 5.5.2", NULL},         /* Latin-1 */
        {"MAIL FROM:<\xc0\xaf@b.example> SMTPUTF8", "500 5.5.2", NULL},     /* overlong */
        {"MAIL FROM:<\xed\xa0\x80@b.example> SMTPUTF8", "500 5.5.2", NULL}, /* a surrogate */
        {"MAIL FROM:<\xc2\x85@b.example> SMTPUTF8", "500 5.5.2", NULL},     /* a control */
        {"EHLO \xc3\xbc.example", "500 5.5.2", NULL},
        {"NOOP \xc3\xbc", "500 5.5.2", NULL},
        {"\xc3\xbc", "500 5.5.2", NULL},
        {"VRFY \xc3\xbc SMTPUTF8", "252 ", NULL},
    };
    SmtpServerConfig config = usual_config();
    check(&config, "", mail, G_N_ELEMENTS(mail));
    static const Case with[] = {
        {"RCPT TO:<" JURGEN ">", "250 ", "RECIPIENT " JURGEN " UTF8"},
        {RCPT, "250 ", "RECIPIENT c@d.example UTF8"},
        {RCPT " SMTPUTF8", "555 5.5.4", NULL},
    };
    check(&config, MAIL " SMTPUTF8\r\n", with, G_N_ELEMENTS(with));
    static const Case without[] = {
        {"RCPT TO:<" JURGEN ">", "553 5.6.7", NULL},
        {"RCPT TO:<a@m\xc3\xbcller.example>", "553 5.6.7", NULL},
    };
    check(&config, MAIL "\r\n", without, G_N_ELEMENTS(without));
    check(&config, MAIL " SMTPUTF8\r\nRSET\r\n" MAIL "\r\n", without, G_N_ELEMENTS(without));
}

static void what_is_not_offered_is_not_known(void **state)
{
    static const Case cases[] = {
        {MAIL " RET=FULL", "555 5.5.4", NULL},
        {MAIL " ENVID=x", "555 5.5.4", NULL},
        {MAIL " SMTPUTF8", "555 5.5.4", NULL},
        {MAIL " BODY=8BITMIME", "555 5.5.4", NULL},
        {"MAIL FROM:<" JURGEN "> SMTPUTF8", "500 5.5.2", NULL},
        {MAIL " SIZE=10", "250 ", "SENDER a@b.example"},
    };
    SmtpServerConfig config = usual_config();
    config.dsn = config.eightbitmime = FALSE; /* and with it SMTPUTF8 */
    check(&config, "", cases, G_N_ELEMENTS(cases));
    static const Case rcpt[] = {
        {RCPT " NOTIFY=NEVER", "555 5.5.4", NULL},
        {RCPT " ORCPT=rfc822;a@b.example", "555 5.5.4", NULL},
    };
    check(&config, MAIL "\r\n", rcpt, G_N_ELEMENTS(rcpt));
}

static void parameters_last_as_long_as_their_transaction(void **state)
{
    static const Dialogue dialogues[] = {
        {"two mails",
            MAIL " SMTPUTF8 RET=HDRS ENVID=one\r\n" RCPT " NOTIFY=NEVER\r\n"
                 "RCPT TO:<" JURGEN ">\r\nDATA\r\nx\r\n.\r\n" MAIL "\r\n" RCPT "\r\n"
                 "BDAT 3 LAST\r\nx\r\n",
            "250 250 250 354 250 250 250 250",
            "SENDER a@b.example UTF8 HDRS [one]\n"
            "RECIPIENT c@d.example UTF8 HDRS [one] notify 1\n"
            "RECIPIENT " JURGEN " UTF8 HDRS [one]\nDATA\n"
            "MESSAGE a@b.example c@d.example " JURGEN " 3 UTF8 HDRS [one]\n"
            "SENDER a@b.example\nRECIPIENT c@d.example\nMESSAGE a@b.example c@d.example 3\n",
            FALSE},
        {"refused, then another",
            "MAIL FROM:<refuse@b.example> ENVID=one\r\n" MAIL "\r\nRSET\r\n" MAIL " RET=FULL\r\n",
            "550 250 250 250",
            "SENDER refuse@b.example [one]\nSENDER a@b.example\nSENDER a@b.example FULL\n", FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(dsn_parameters_of_mail_are_read_strictly),
        cmocka_unit_test(dsn_parameters_of_rcpt_are_read_strictly),
        cmocka_unit_test(addresses_beyond_ascii_need_smtputf8),
        cmocka_unit_test(what_is_not_offered_is_not_known),
        cmocka_unit_test(parameters_last_as_long_as_their_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
