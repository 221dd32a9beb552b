#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_driver.h"

#define ENVELOPE "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
#define ASKED "SENDER a@b.example\nRECIPIENT c@d.example\n"

static void chunks_become_a_message(void **state)
{
    static const Dialogue dialogues[] = {
        {"one chunk", ENVELOPE "BDAT 4 LAST\r\nhi\r\nNOOP\r\n", "250 250 250 250",
            ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"many chunks", ENVELOPE "BDAT 1\r\nhBDAT 1\r\niBDAT 1\r\n\rBDAT 1 LAST\r\n\n",
            "250 250 250 250 250 250", ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"the end comes alone", ENVELOPE "BDAT 4\r\nhi\r\nBDAT 0 LAST\r\n", "250 250 250 250",
            ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"an empty chunk", ENVELOPE "BDAT 0\r\nBDAT 4 LAST\r\nhi\r\n", "250 250 250 250",
            ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"an empty message", ENVELOPE "BDAT 0 LAST\r\n", "250 250 250",
            ASKED "MESSAGE a@b.example c@d.example 0\n", FALSE},
        {"any case, zeros in front", ENVELOPE "bdat 0004 last\r\nhi\r\n", "250 250 250",
            ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"refused, and the next",
            "MAIL FROM:<spam@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 2 LAST\r\nhi" ENVELOPE
            "BDAT 2 LAST\r\nyo",
            "250 250 554 250 250 250", NULL, FALSE},
        {"thought better of", ENVELOPE "BDAT 2\r\nhiRSET\r\n" ENVELOPE "BDAT 2 LAST\r\nyo",
            "250 250 250 250 250 250 250", ASKED ASKED "MESSAGE a@b.example c@d.example 2\n",
            FALSE},
        {"EHLO forgets too", ENVELOPE "BDAT 2\r\nhiEHLO c\r\nBDAT 2 LAST\r\nyo",
            "250 250 250 250 503", ASKED, FALSE},
        {"chunks, then DATA, in two transactions",
            ENVELOPE "BDAT 4 LAST\r\nhi\r\n" ENVELOPE "DATA\r\nyo\r\n.\r\n" ENVELOPE
                     "BDAT 3 LAST\r\n.\r\n",
            "250 250 250 250 250 354 250 250 250 250", NULL, FALSE},
        {"dropped in a window",
            "RSET\r\n" ENVELOPE "BDAT 2 LAST\r\nhiRSET\r\nMAIL FROM:<a@b.example>\r\n"
            "RCPT TO:<drop@d.example>\r\nBDAT 2 LAST\r\nhiRSET\r\n" ENVELOPE "BDAT 2 LAST\r\nhi",
            "250 250 250 250 250 250", NULL, TRUE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
}

static void chunks_out_of_order_are_swallowed_and_refused(void **state)
{
    static const Dialogue dialogues[] = {
        {"no transaction", "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "503 250", "", FALSE},
        {"nothing, and no transaction", "BDAT 0 LAST\r\nBDAT 0\r\nNOOP\r\n", "503 503 250", "",
            FALSE},
        {"behind the last", ENVELOPE "BDAT 2 LAST\r\nhiBDAT 6\r\nQUIT\r\n" ENVELOPE,
            "250 250 250 503 250 250", NULL, FALSE},
        {"sender refused",
            "MAIL FROM:<refuse@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 6 LAST\r\nQUIT\r\n"
            "RSET\r\n" ENVELOPE "BDAT 2 LAST\r\nhi",
            "550 503 503 250 250 250 250", NULL, FALSE},
        {"recipients refused",
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<refuse@b.example>\r\nBDAT 6 LAST\r\nQUIT\r\n"
            "RSET\r\n" ENVELOPE "BDAT 2 LAST\r\nhi",
            "250 550 503 250 250 250 250", NULL, FALSE},
        {"a recipient behind a refused chunk",
            "MAIL FROM:<a@b.example>\r\nBDAT 2\r\nhiRCPT TO:<c@d.example>\r\nBDAT 2 LAST\r\nyo",
            "250 503 503 503", "SENDER a@b.example\n", FALSE},
        {"a recipient behind a chunk",
            ENVELOPE "BDAT 2\r\nhiRCPT TO:<e@f.example>\r\nBDAT 2 LAST\r\nyo",
            "250 250 250 503 250", ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"a sender behind a chunk",
            ENVELOPE "BDAT 2\r\nhiMAIL FROM:<e@f.example>\r\nBDAT 2 LAST\r\nyo",
            "250 250 250 503 250", ASKED "MESSAGE a@b.example c@d.example 4\n", FALSE},
        {"DATA behind a chunk", ENVELOPE "BDAT 2\r\nhiDATA\r\nBDAT 2 LAST\r\nyoRSET\r\n" ENVELOPE,
            "250 250 250 503 503 250 250 250", ASKED ASKED, FALSE},
        {"a chunk behind a refused DATA",
            "MAIL FROM:<nodata@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
            "BDAT 6 LAST\r\nQUIT\r\nDATA\r\nRSET\r\nNOOP\r\n",
            "250 250 451 503 503 250 250", NULL, FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
    static const Dialogue no_login[] = {
        {"no login", "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "503 250", "", FALSE}};
    hold(no_login, G_N_ELEMENTS(no_login), start_tls);
    static const Dialogue no_tls[] = {
        {"no TLS", "EHLO c\r\nBDAT 10 LAST\r\nSTARTTLS\r\nNOOP\r\n", "250 530 250", "", FALSE}};
    hold(no_tls, G_N_ELEMENTS(no_tls), start_plain);
}

#define OCTETS_100                                      \
    "0123456789012345678901234567890123456789012345678" \
    "012345678901234567890123456789012345678901234567\r\n"
#define OCTETS_500 OCTETS_100 OCTETS_100 OCTETS_100 "x" OCTETS_100 OCTETS_100 "xx"

static void sizes_are_enforced_over_the_sum(void **state)
{
    g_assert(strlen(OCTETS_100) == 99 && strlen(OCTETS_500) == 498);
    static const Dialogue dialogues[] = {
        {"as much as allowed",
            ENVELOPE "BDAT 498\r\n" OCTETS_500 "BDAT 502 LAST\r\n" OCTETS_500 "1234",
            "250 250 250 250", ASKED "MESSAGE a@b.example c@d.example 1000\n", FALSE},
        {"one more, in one chunk",
            ENVELOPE "BDAT 1001 LAST\r\n" OCTETS_500 OCTETS_500 "QUIT\n" ENVELOPE,
            "250 250 552 250 250", ASKED ASKED, FALSE},
        {"one more, in the last of two",
            ENVELOPE "BDAT 498\r\n" OCTETS_500 "BDAT 503 LAST\r\n" OCTETS_500 "QUIT\n" ENVELOPE,
            "250 250 250 552 250 250", ASKED ASKED, FALSE},
        {"a chunk too much, and what stands behind it",
            ENVELOPE "BDAT 498\r\n" OCTETS_500 "BDAT 503\r\n" OCTETS_500 "QUIT\n"
                     "BDAT 6\r\nQUIT\r\nBDAT 0\r\n" ENVELOPE
                     "DATA\r\nBDAT 6 LAST\r\nQUIT\r\n" ENVELOPE "RSET\r\n" ENVELOPE
                     "BDAT 2 LAST\r\nhi",
            "250 250 250 552 503 503 503 503 503 503 503 503 250 250 250 250",
            ASKED ASKED "MESSAGE a@b.example c@d.example 2\n", FALSE},
        {"EHLO leads on as RSET does",
            ENVELOPE "BDAT 1001\r\n" OCTETS_500 OCTETS_500 "QUIT\nEHLO c\r\n" ENVELOPE,
            "250 250 552 250 250 250", ASKED ASKED, FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
}

static void chunks_are_as_clean_as_data(void **state)
{
    static const Dialogue dialogues[] = {
        {"bare LF", ENVELOPE "BDAT 4 LAST\r\na\nb\n" ENVELOPE, "250 250 550 250 250", ASKED ASKED,
            FALSE},
        {"bare CR", ENVELOPE "BDAT 5 LAST\r\na\rb\r\n" ENVELOPE, "250 250 550 250 250", ASKED ASKED,
            FALSE},
        {"CR at the end", ENVELOPE "BDAT 2 LAST\r\na\r" ENVELOPE, "250 250 550 250 250",
            ASKED ASKED, FALSE},
        {"CR at the end of a chunk", ENVELOPE "BDAT 2\r\na\rBDAT 1 LAST\r\nb" ENVELOPE,
            "250 250 250 550 250 250", ASKED ASKED, FALSE},
        {"LF at the start of a chunk", ENVELOPE "BDAT 1\r\naBDAT 3 LAST\r\n\nb\n" ENVELOPE,
            "250 250 250 550 250 250", ASKED ASKED, FALSE},
    };
    hold(dialogues, G_N_ELEMENTS(dialogues), start_logged_in);
    static const char with_nul[] = ENVELOPE "BDAT 3 LAST\r\na\0bNOOP\r\n";
    for (gsize cut = 0; cut < sizeof with_nul; cut++) {
        g_autoptr(Driver) driver = start_logged_in();
        give(driver, with_nul, cut);
        give(driver, with_nul + cut, sizeof with_nul - 1 - cut);
        g_autofree char *seen = codes(driver);
        assert_string_equal(seen, "250 250 550 250");
    }
}

/* What follows cannot be told from commands. */
static void an_unreadable_size_ends_the_session(void **state)
{
    static const char *const lines[] = {"BDAT", "BDAT ", "BDAT x", "BDAT -1", "BDAT +1", "BDAT 0x4",
        "BDAT  4", "BDAT 4 ", "BDAT 4 FIRST", "BDAT 4 LAST ", "BDAT 4  LAST", "BDAT LAST",
        "BDAT 4LAST", "BDAT 18446744073709551616"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *input = g_strconcat(ENVELOPE, lines[i], "\r\nQUIT\r\n", NULL);
        const Dialogue dialogue = {lines[i], input, "250 250 501", ASKED, TRUE};
        hold(&dialogue, 1, start_logged_in);
    }
}

static Driver *start_without_chunking(void)
{
    SmtpServerConfig config = usual_config();
    config.chunking = FALSE;
    return driver_inside(&config, TRUE);
}

static void a_chunk_that_nobody_offered_ends_the_session(void **state)
{
    static const Dialogue dialogues[] = {
        {"not offered", ENVELOPE "BDAT 6 LAST\r\nQUIT\r\n", "250 250 500", ASKED, TRUE}};
    hold(dialogues, G_N_ELEMENTS(dialogues), start_without_chunking);
}

static void contents_arrive_octet_by_octet(void **state)
{
    static const struct {
        const char *name, *input, *content;
    } cases[] = {
        {"dots stay as they are", "BDAT 12 LAST\r\n.\r\n..\r\n...\r\n", ".\r\n..\r\n...\r\n"},
        {"an end of DATA", "BDAT 8 LAST\r\nx\r\n.\r\n\r\n", "x\r\n.\r\n\r\n"},
        {"commands inside", "BDAT 25 LAST\r\nRSET\r\nBDAT 3 LAST\r\nQUIT\r\n",
            "RSET\r\nBDAT 3 LAST\r\nQUIT\r\n"},
        {"line ends between chunks", "BDAT 2\r\na\rBDAT 2\r\n\n\rBDAT 1 LAST\r\n\n", "a\r\n\r\n"},
        {"8-bit", "BDAT 3 LAST\r\n\xff\x80\xc3", "\xff\x80\xc3"},
        {"no line end at the end", "BDAT 1\r\naBDAT 1 LAST\r\nb", "ab"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *input = g_strconcat(ENVELOPE, cases[i].input, "NOOP\r\n", NULL);
        for (gsize cut = 0; cut < strlen(input); cut++) {
            g_autoptr(Driver) driver = start_logged_in();
            say(driver, input, cut);
            assert_true(g_str_has_suffix(driver->replies->str, "250 2.0.0 OK\r\n"));
            assert_int_equal(driver->messages->len, 1);
            g_autoptr(GBytes) expected =
                g_bytes_new_static(cases[i].content, strlen(cases[i].content));
            if (!g_bytes_equal(driver->messages->pdata[0], expected))
                fail_msg("%s, cut %zu", cases[i].name, cut);
        }
    }
}

/* RSET MAIL RCPT BDAT LAST, n of them, each with the content "mail N\r\n". */
static GString *window_of(guint n)
{
    GString *input = g_string_new(NULL);
    for (guint i = 0; i < n; i++) {
        g_autofree char *content = g_strdup_printf("mail %u\r\n%*s\r\n", i, (int)(i % 50), "");
        g_string_append_printf(
            input, "RSET\r\n" ENVELOPE "BDAT %zu LAST\r\n%s", strlen(content), content);
    }
    return input;
}

static void check_window(Driver *driver, guint n)
{
    g_autofree char *seen = codes(driver);
    assert_int_equal(strlen(seen), 4 * n * 4 - 1);
    for (gsize at = 0; at < strlen(seen); at += 4)
        assert_memory_equal(seen + at, "250", 3);
    assert_false(driver->closed);
    assert_int_equal(driver->messages->len, n);
    for (guint i = 0; i < n; i++) {
        g_autofree char *content = g_strdup_printf("mail %u\r\n%*s\r\n", i, (int)(i % 50), "");
        g_autoptr(GBytes) expected = g_bytes_new_static(content, strlen(content));
        assert_true(g_bytes_equal(driver->messages->pdata[i], expected));
    }
}

static void a_window_is_read_in_any_pieces(void **state)
{
    g_autoptr(GString) input = window_of(3);
    for (gsize piece = 1; piece <= input->len; piece++) {
        for (guint late = 0; late < 2; late++) {
            g_autoptr(Driver) driver = start_logged_in();
            driver->is_late = late == 1;
            for (gsize at = 0; at < input->len; at += piece) {
                give(driver, input->str + at, MIN(piece, input->len - at));
                if (at % 3 == 0) /* sometimes in between */
                    give_verdicts(driver);
            }
            give_verdicts(driver);
            check_window(driver, 3);
        }
    }
}

static void the_largest_window_is_kept_and_answered(void **state)
{
    g_autoptr(GString) input = window_of(LIMIT_WINDOW);
    for (guint late = 0; late < 2; late++) {
        g_autoptr(Driver) driver = start_logged_in();
        driver->is_late = late == 1;
        say(driver, input->str, 1000);
        check_window(driver, LIMIT_WINDOW);
    }
    /* And again and again on one connection, one segment at a time. */
    g_autoptr(Driver) driver = start_logged_in();
    for (guint turn = 0; turn < 4; turn++) {
        for (gsize at = 0; at < input->len; at += 1400)
            give(driver, input->str + at, MIN(1400, input->len - at));
        check_window(driver, LIMIT_WINDOW);
        g_string_truncate(driver->replies, 0);
        g_ptr_array_set_size(driver->messages, 0);
    }
}

static void octets_that_never_come_meet_the_deadline(void **state)
{
    SmtpServerConfig config = usual_config();
    config.command_ms = 500;
    g_autofree char *block = g_strnfill(LIMIT_SEND_CHUNK_BYTES, 'x');
    static const struct {
        const char *name, *bdat;
        gboolean logged_in, is_prolonged;
    } cases[] = {
        {"a chunk", ENVELOPE "BDAT 900\r\n", TRUE, FALSE},
        {"a chunk to throw away", ENVELOPE "BDAT 18446744073709551615 LAST\r\n", TRUE, TRUE},
        {"no login", "BDAT 18446744073709551615\r\n", FALSE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Driver) driver = driver_inside(&config, cases[i].logged_in);
        driver->now = 1100;
        say(driver, cases[i].bdat, 0);
        assert_string_equal(smtp_server_state_name(driver->server), "wait_chunk");
        assert_true(driver->deadline == 1600);
        driver->now = 1200;
        say(driver, "x", 0);
        assert_true(driver->deadline == 1600); /* a byte now and then does not keep us */
        if (strstr(cases[i].bdat, "900") == NULL)
            say(driver, block, 0);
        assert_true(driver->deadline == (cases[i].is_prolonged ? 1700 : 1600));
        driver->now = 1700;
        g_string_truncate(driver->replies, 0);
        step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
        assert_true(driver->closed);
        assert_string_equal(driver->replies->str, "421 4.4.2 Timeout\r\n");
    }
}

static void tiny_chunks_cost_as_much_as_small_talk(void **state)
{
    SmtpServerConfig config = usual_config();
    config.size_max = 1000 * 1000;
    g_autofree char *octets = g_strnfill(LIMIT_SERVER_TINY_CHUNK_OCTETS, 'x');
    g_autofree char *chunk =
        g_strdup_printf("BDAT %d\r\n%s", LIMIT_SERVER_TINY_CHUNK_OCTETS, octets);
    static const char *const before[] = {ENVELOPE, "MAIL FROM:<refuse@b.example>\r\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(before); i++) {
        g_autoptr(Driver) driver = driver_inside(&config, TRUE);
        say(driver, before[i], 0);
        for (int k = 0; k < 2 * LIMIT_SERVER_IDLE_COMMANDS; k++)
            say(driver, chunk, 0); /* these are worth something, or were written ahead */
        assert_false(driver->closed);
        for (int k = 0; k < LIMIT_SERVER_IDLE_COMMANDS; k++)
            say(driver, "BDAT 1\r\nx", 0);
        assert_false(driver->closed);
        say(driver, "BDAT 1\r\nx", 0);
        assert_true(driver->closed);
        assert_true(g_str_has_suffix(
            driver->replies->str, "421 4.7.0 Too many commands without a mail\r\n"));
    }
    g_autoptr(Driver) driver = driver_inside(&config, TRUE);
    for (int k = 0; k < LIMIT_SERVER_BAD_COMMANDS; k++) {
        assert_false(driver->closed);
        say(driver, chunk, 0); /* without any MAIL it is an error */
    }
    assert_true(driver->closed);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_become_a_message),
        cmocka_unit_test(chunks_out_of_order_are_swallowed_and_refused),
        cmocka_unit_test(sizes_are_enforced_over_the_sum),
        cmocka_unit_test(chunks_are_as_clean_as_data),
        cmocka_unit_test(an_unreadable_size_ends_the_session),
        cmocka_unit_test(a_chunk_that_nobody_offered_ends_the_session),
        cmocka_unit_test(contents_arrive_octet_by_octet),
        cmocka_unit_test(a_window_is_read_in_any_pieces),
        cmocka_unit_test(the_largest_window_is_kept_and_answered),
        cmocka_unit_test(octets_that_never_come_meet_the_deadline),
        cmocka_unit_test(tiny_chunks_cost_as_much_as_small_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
