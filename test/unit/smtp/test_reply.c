#include "base/limits.h"
#include "smtp/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Feeds input cut after `cut` bytes; the number of replies read, or -1 if the stream was refused.
 * *last is the last reply (freed by the caller). */
static int read_all(const char *input, gsize n, gsize cut, SmtpReply **last)
{
    g_autoptr(SmtpReplyReader) reader = smtp_reply_reader_new();
    int n_replies = 0;
    *last = NULL;
    for (gsize at = 0; at < n;) {
        gsize end = at < cut ? MIN(cut, n) : n;
        gsize used = 0;
        SmtpReply *reply = NULL;
        /* A block of its own, so that reading beyond it is found. */
        g_autofree guint8 *piece = g_memdup2(input + at, end - at);
        SmtpReadResult result = smtp_reply_reader_feed(reader, piece, end - at, &used, &reply);
        at += used;
        if (result == SMTP_READ_MALFORMED)
            return -1;
        if (result == SMTP_READ_MORE) {
            assert_int_equal(at, end);
            continue;
        }
        smtp_reply_free(*last);
        *last = reply;
        n_replies++;
    }
    return smtp_reply_reader_is_inside(reader) ? -2 : n_replies;
}

static const struct {
    const char *name, *input;
    int code;
    const char *enhanced, *text;
} good[] = {
    {"one line", "220 mx.example ready\r\n", 220, "", "mx.example ready"},
    {"bare code", "250\r\n", 250, "", ""},
    {"code and space", "250 \r\n", 250, "", ""},
    {"several lines", "250-mx\r\n250-SIZE 10\r\n250 AUTH PLAIN\r\n", 250, "",
        "mx\nSIZE 10\nAUTH PLAIN"},
    {"bare code at the end", "250-mx\r\n250\r\n", 250, "", "mx\n"},
    {"empty continuation", "250-\r\n250 x\r\n", 250, "", "\nx"},
    {"enhanced", "535 5.7.8 Error: authentication failed\r\n", 535, "5.7.8",
        "Error: authentication failed"},
    {"enhanced alone", "250 2.1.0\r\n", 250, "2.1.0", ""},
    {"enhanced on each line", "550-5.1.1 no such\r\n550 5.1.1 user\r\n", 550, "5.1.1",
        "no such\nuser"},
    {"enhanced on the first line only", "550-5.1.1 no such\r\n550 user\r\n", 550, "5.1.1",
        "no such\nuser"},
    {"another enhanced later stays text", "550-5.1.1 no\r\n550 5.2.2 user\r\n", 550, "5.1.1",
        "no\n5.2.2 user"},
    {"three digits each", "450 4.123.999 wait\r\n", 450, "4.123.999", "wait"},
    {"enhanced of another class", "550 4.7.1 odd\r\n", 550, "", "4.7.1 odd"},
    {"no enhanced in 3yz", "354 3.0.0 go\r\n", 354, "", "3.0.0 go"},
    {"enhanced too long", "550 5.1234.1 x\r\n", 550, "", "5.1234.1 x"},
    {"enhanced not ended", "550 5.1.1x\r\n", 550, "", "5.1.1x"},
    {"enhanced without detail", "550 5.1. x\r\n", 550, "", "5.1. x"},
    {"an address is no enhanced code", "220 2.example ready\r\n", 220, "", "2.example ready"},
    {"unknown code", "299 hm\r\n", 299, "", "hm"},
    {"utf-8", "250 gr\xc3\xbc\xc3\x9f dich\r\n", 250, "", "gr\xc3\xbc\xc3\x9f dich"},
    {"latin-1 is made valid", "250 gr\xfc\xdf\r\n", 250, "", "gr\xef\xbf\xbd\xef\xbf\xbd"},
    {"tab and escape are kept raw", "250 a\tb\x1b[m\r\n", 250, "", "a\tb\x1b[m"},
};

static void replies_are_read_in_every_split(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        gsize n = strlen(good[i].input);
        for (gsize cut = 0; cut < n; cut++) {
            g_autoptr(SmtpReply) reply = NULL;
            if (read_all(good[i].input, n, cut, &reply) != 1)
                fail_msg("%s, cut %zu: not one reply", good[i].name, cut);
            assert_int_equal(reply->code, good[i].code);
            assert_string_equal(reply->enhanced, good[i].enhanced);
            assert_string_equal(reply->text, good[i].text);
        }
    }
}

static const struct {
    const char *name, *input;
    gsize n; /* 0: strlen */
} bad[] = {
    {"bare LF", "220 hi\n", 0},
    {"bare LF in a later line", "250-a\r\n250 b\n", 0},
    {"LF alone", "\n", 0},
    {"bare CR", "220 h\ri\r\n", 0},
    {"CR CR LF", "220 hi\r\r\n", 0},
    {"empty line", "\r\n", 0},
    {"two digits", "22 hi\r\n", 0},
    {"four digits", "2200 hi\r\n", 0},
    {"letters", "abc hi\r\n", 0},
    {"letter in the code", "2x0 hi\r\n", 0},
    {"1yz", "150 hi\r\n", 0},
    {"6yz", "600 hi\r\n", 0},
    {"negative", "-20 hi\r\n", 0},
    {"leading space", " 220 hi\r\n", 0},
    {"no separator", "220hi\r\n", 0},
    {"tab as separator", "220\thi\r\n", 0},
    {"codes differ", "250-a\r\n251 b\r\n", 0},
    {"garbage in between", "250-a\r\nnonsense\r\n250 b\r\n", 0},
    {"NUL", "220 h\0i\r\n", 10},
    {"NUL in the code",
        "2\0"
        "0 hi\r\n",
        8},
    {"something else", "HTTP/1.1 400 Bad Request\r\n", 0},
};

static void broken_streams_are_refused_in_every_split(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        gsize n = bad[i].n == 0 ? strlen(bad[i].input) : bad[i].n;
        for (gsize cut = 0; cut < n; cut++) {
            g_autoptr(SmtpReply) reply = NULL;
            if (read_all(bad[i].input, n, cut, &reply) != -1)
                fail_msg("%s, cut %zu: was accepted", bad[i].name, cut);
        }
    }
}

static void several_replies_are_kept_apart(void **state)
{
    static const char input[] = "250-2.1.0 a\r\n250 2.1.0 b\r\n250 c\r\n354 go\r\n";
    for (gsize cut = 0; cut < strlen(input); cut++) {
        g_autoptr(SmtpReply) reply = NULL;
        assert_int_equal(read_all(input, strlen(input), cut, &reply), 3);
        assert_int_equal(reply->code, 354);
        assert_string_equal(reply->enhanced, "");
        assert_string_equal(reply->text, "go");
    }
}

/* A reply of one line with n octets before its CRLF. */
static char *line_of(gsize n)
{
    GString *line = g_string_new("250 ");
    while (line->len < n)
        g_string_append_c(line, 'x');
    g_string_append(line, "\r\n");
    return g_string_free(line, FALSE);
}

static void lines_end_at_their_limit(void **state)
{
    g_autofree char *longest = line_of(LIMIT_REPLY_LINE_OCTETS);
    g_autofree char *longer = line_of(LIMIT_REPLY_LINE_OCTETS + 1);
    gsize n = strlen(longest);
    for (gsize cut = n - 4; cut <= n; cut++) {
        g_autoptr(SmtpReply) reply = NULL, none = NULL;
        assert_int_equal(read_all(longest, n, cut, &reply), 1);
        assert_int_equal(read_all(longer, n + 1, cut, &none), -1);
    }
}

static void the_line_limit_can_be_raised(void **state)
{
    g_autofree char *line = line_of(LIMIT_SASL_LINE_OCTETS);
    g_autoptr(SmtpReplyReader) reader = smtp_reply_reader_new();
    smtp_reply_reader_set_line_limit(reader, LIMIT_SASL_LINE_OCTETS);
    gsize used = 0;
    g_autoptr(SmtpReply) reply = NULL;
    assert_int_equal(smtp_reply_reader_feed(reader, (guint8 *)line, strlen(line), &used, &reply),
        SMTP_READ_REPLY);
    assert_int_equal(used, strlen(line));
}

static void replies_end_at_their_limits(void **state)
{
    GString *lines = g_string_new(NULL);
    for (int i = 1; i < LIMIT_REPLY_LINES; i++)
        g_string_append(lines, "250-x\r\n");
    g_autofree char *most = g_strconcat(lines->str, "250 x\r\n", NULL);
    g_autofree char *more = g_strconcat(lines->str, "250-x\r\n250 x\r\n", NULL);
    g_autoptr(SmtpReply) reply = NULL, none = NULL, huge = NULL;
    assert_int_equal(read_all(most, strlen(most), 0, &reply), 1);
    assert_int_equal(read_all(more, strlen(more), 0, &none), -1);
    g_string_free(lines, TRUE);

    g_autofree char *line = line_of(1000);
    line[3] = '-';
    lines = g_string_new(NULL);
    while (lines->len <= LIMIT_REPLY_OCTETS)
        g_string_append(lines, line);
    assert_int_equal(read_all(lines->str, lines->len, 0, &huge), -1);
    g_string_free(lines, TRUE);
}

static void halves_are_noticed(void **state)
{
    g_autoptr(SmtpReplyReader) reader = smtp_reply_reader_new();
    g_autoptr(SmtpReply) reply = NULL;
    gsize used;
    assert_false(smtp_reply_reader_is_inside(reader));
    smtp_reply_reader_feed(reader, (const guint8 *)"2", 1, &used, &reply);
    assert_true(smtp_reply_reader_is_inside(reader));
    smtp_reply_reader_feed(reader, (const guint8 *)"50-x\r\n", 6, &used, &reply);
    assert_true(smtp_reply_reader_is_inside(reader));
    smtp_reply_reader_feed(reader, (const guint8 *)"250 x\r\n", 7, &used, &reply);
    assert_false(smtp_reply_reader_is_inside(reader));
    assert_non_null(reply);
}

static void summaries_fit_on_one_line(void **state)
{
    static const struct {
        int code;
        const char *enhanced, *text, *summary;
    } cases[] = {
        {535, "5.7.8", "Error: authentication failed", "535 5.7.8 Error: authentication failed"},
        {250, NULL, NULL, "250"},
        {550, "5.1.1", "no such\nuser", "550 5.1.1 no such user"},
        {550, "", "\x1b[31m", "550 \xef\xbf\xbd[31m"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SmtpReply) reply =
            smtp_reply_new(cases[i].code, cases[i].enhanced, cases[i].text);
        g_autoptr(SmtpReply) copy = smtp_reply_copy(reply);
        g_autofree char *summary = smtp_reply_summary(copy);
        assert_string_equal(summary, cases[i].summary);
    }
    assert_null(smtp_reply_copy(NULL));
    g_autofree char *line = line_of(1000);
    g_autoptr(SmtpReply) reply = smtp_reply_new(250, NULL, line);
    g_autofree char *summary = smtp_reply_summary(reply);
    assert_int_equal(g_utf8_strlen(summary, -1), LIMIT_PEER_TEXT_CHARACTERS + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_in_every_split),
        cmocka_unit_test(broken_streams_are_refused_in_every_split),
        cmocka_unit_test(several_replies_are_kept_apart),
        cmocka_unit_test(lines_end_at_their_limit),
        cmocka_unit_test(the_line_limit_can_be_raised),
        cmocka_unit_test(replies_end_at_their_limits),
        cmocka_unit_test(halves_are_noticed),
        cmocka_unit_test(summaries_fit_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
