#include "base/limits.h"
#include "smtp/bearer.h"
#include "smtp/client.h"
#include "smtp/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The line without its CRLF, decoded; NULL if nothing was written. */
static Secret *written(guint mechanism, const SmtpBearer *bearer)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    if (!smtp_bearer_write(out, mechanism, bearer)) {
        assert_int_equal(out->len, 0);
        return NULL;
    }
    assert_memory_equal(out->data + out->len - 2, "\r\n", 2);
    Secret *decoded = smtp_sasl_decode((const char *)out->data, out->len - 2);
    assert_non_null(decoded);
    return decoded;
}

static void lines_match_the_documents(void **state)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    /* developers.google.com/workspace/gmail/imap/xoauth2-protocol, SASL XOAUTH2 initial response */
    g_autoptr(Secret) google = secret_new("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", 45);
    SmtpBearer bearer = {"someuser@example.com", google, NULL, 0};
    assert_true(smtp_bearer_write(out, SMTP_AUTH_XOAUTH2, &bearer));
    /* RFC 7628 4.1, with the port of submission */
    g_autoptr(Secret) rfc = secret_new("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", 42);
    bearer = (SmtpBearer){"user@example.com", rfc, "server.example.com", 587};
    assert_true(smtp_bearer_write(out, SMTP_AUTH_OAUTHBEARER, &bearer));
    smtp_bearer_write_dummy(out, SMTP_AUTH_XOAUTH2);
    smtp_bearer_write_dummy(out, SMTP_AUTH_OAUTHBEARER);
    g_byte_array_append(out, (const guint8 *)"", 1);
    assert_string_equal((const char *)out->data,
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhk"
        "SFJoZG1semRHRXVZMjl0Q2cBAQ==\r\n"
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVy"
        "IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB\r\n"
        "\r\nAQ==\r\n");
}

static void what_is_written_can_be_read(void **state)
{
    static const char *const names[] = {"anna@example.org", "a,b=c@example.org", "=2C", "anna",
        ("gr\xc3\xbc\xc3\x9f"
         "e@example.org")};
    static const gsize lengths[] = {1, 2, 40, 1500, 2500, LIMIT_BEARER_TOKEN_OCTETS};
    static const guint mechanisms[] = {SMTP_AUTH_XOAUTH2, SMTP_AUTH_OAUTHBEARER};
    for (gsize i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(lengths) * 2; i++) {
        const char *name = names[i / 2 % G_N_ELEMENTS(names)];
        gsize n = lengths[i / 2 / G_N_ELEMENTS(names)];
        g_autofree char *text = g_strnfill(n, 't');
        text[n / 2] = '~';
        g_autoptr(Secret) token = secret_new(text, n);
        g_autoptr(Secret) line =
            written(mechanisms[i % 2], &(SmtpBearer){name, token, "mail.example.org", 465});
        assert_non_null(line);
        g_autofree char *username = NULL;
        g_autoptr(Secret) read = NULL;
        assert_true(smtp_bearer_read(mechanisms[i % 2], line, &username, &read));
        assert_string_equal(username, name);
        assert_true(secret_equal(read, token));
        /* and by the other mechanism's rules it is nothing */
        assert_false(smtp_bearer_read(mechanisms[1 - i % 2], line, &username, &read));
    }
}

static void what_could_say_something_else_is_refused(void **state)
{
    g_autofree char *long_token = g_strnfill(LIMIT_BEARER_TOKEN_OCTETS + 1, 't');
    const struct {
        const char *name, *username, *token;
    } cases[] = {
        {"no token", "anna", ""},
        {"a token too long", "anna", long_token},
        {"a pair in the token", "anna", "t\x01user=eve"},
        {"a line end in the token", "anna", "t\r\nQUIT"},
        {"a blank in the token", "anna", "t t"},
        {"a token beyond ASCII", "anna", "t\xc3\xbc"},
        {"a pair in the name",
            "anna\x01"
            "auth=Bearer x",
            "t"},
        {"a line end in the name", "anna\r\nQUIT", "t"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Secret) token = secret_new(cases[i].token, strlen(cases[i].token));
        const SmtpBearer bearer = {cases[i].username, token, "mail.example.org", 465};
        g_autoptr(Secret) xoauth2 = written(SMTP_AUTH_XOAUTH2, &bearer);
        g_autoptr(Secret) oauthbearer = written(SMTP_AUTH_OAUTHBEARER, &bearer);
        if (xoauth2 != NULL || oauthbearer != NULL)
            fail_msg("%s", cases[i].name);
    }
}

static void responses_are_read_strictly(void **state)
{
#define X SMTP_AUTH_XOAUTH2
#define O SMTP_AUTH_OAUTHBEARER
#define TEXT(text) text, sizeof text - 1
    static const struct {
        const char *name;
        guint mechanism;
        const char *text;
        gsize n;
        const char *username; /* NULL: refused */
    } cases[] = {
        {"XOAUTH2", X, TEXT("user=a\001auth=Bearer t\001\001"), "a"},
        {"the other way round", X, TEXT("auth=Bearer t\001user=a\001\001"), "a"},
        {"scheme in any case", X, TEXT("user=a\001auth=bEARER t\001\001"), "a"},
        {"unknown pairs", X, TEXT("user=a\001x=\001auth=Bearer t\001\001"), "a"},
        {"no user", X, TEXT("auth=Bearer t\001\001"), NULL},
        {"empty user", X, TEXT("user=\001auth=Bearer t\001\001"), NULL},
        {"two users", X, TEXT("user=a\001user=b\001auth=Bearer t\001\001"), NULL},
        {"two tokens", X, TEXT("user=a\001auth=Bearer t\001auth=Bearer u\001\001"), NULL},
        {"no token", X, TEXT("user=a\001\001"), NULL},
        {"empty token", X, TEXT("user=a\001auth=Bearer \001\001"), NULL},
        {"another scheme", X, TEXT("user=a\001auth=MAC t\001\001"), NULL},
        {"no scheme", X, TEXT("user=a\001auth=t\001\001"), NULL},
        {"a blank too many", X, TEXT("user=a\001auth=Bearer  t\001\001"), NULL},
        {"one end", X, TEXT("user=a\001auth=Bearer t\001"), NULL},
        {"no end", X, TEXT("user=a\001auth=Bearer t"), NULL},
        {"three ends", X, TEXT("user=a\001auth=Bearer t\001\001\001"), NULL},
        {"something behind the end", X, TEXT("user=a\001auth=Bearer t\001\001x"), NULL},
        {"NUL", X, TEXT("user=a\001auth=Bearer t\0\001\001"), NULL},
        {"a line end in the name", X, TEXT("user=a\nb\001auth=Bearer t\001\001"), NULL},
        {"no pair", X, TEXT("user=a\001nothing\001auth=Bearer t\001\001"), NULL},
        {"nothing", X, TEXT(""), NULL},
        {"only an end", X, TEXT("\001"), NULL},
        {"OAUTHBEARER", O, TEXT("n,a=a,\001host=h\001port=1\001auth=Bearer t\001\001"), "a"},
        {"no host", O, TEXT("n,a=a,\001auth=Bearer t\001\001"), "a"},
        {"escapes", O, TEXT("n,a=a=2Cb=3Dc,\001auth=Bearer t\001\001"), "a,b=c"},
        {"a user= is no name here", O, TEXT("n,a=a,\001user=b\001auth=Bearer t\001\001"), "a"},
        {"a wrong escape", O, TEXT("n,a=a=2Db,\001auth=Bearer t\001\001"), NULL},
        {"half an escape", O, TEXT("n,a=a=2,\001auth=Bearer t\001\001"), NULL},
        {"no name", O, TEXT("n,,\001auth=Bearer t\001\001"), NULL},
        {"empty name", O, TEXT("n,a=,\001auth=Bearer t\001\001"), NULL},
        {"channel binding", O, TEXT("p=tls-unique,a=a,\001auth=Bearer t\001\001"), NULL},
        {"header without its end", O, TEXT("n,a=a"), NULL},
        {"header and no pair", O, TEXT("n,a=a,"), NULL},
        {"the dummy", O, TEXT("\001"), NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Secret) response = secret_new(cases[i].text, cases[i].n);
        g_autofree char *username = NULL;
        g_autoptr(Secret) token = NULL;
        gboolean read = smtp_bearer_read(cases[i].mechanism, response, &username, &token);
        if (read != (cases[i].username != NULL) || g_strcmp0(username, cases[i].username) != 0)
            fail_msg("%s: %s", cases[i].name, username);
        if (read)
            assert_string_equal(secret_reveal(token, NULL), "t");
    }
}

static void a_challenge_is_shown_but_nothing_of_the_token(void **state)
{
    static const char token_text[] = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl";
    static const struct {
        const char *name, *json, *shown;
    } cases[] = {
        {"Google", "{\"status\":\"400\",\"schemes\":\"Bearer\"}",
            "{\"status\":\"400\",\"schemes\":\"Bearer\"}"},
        {"lines", "{\r\n \"status\": \"401\"\r\n}", "{  \"status\": \"401\" }"},
        {"escape sequences", "{\"status\":\"\033[2J\"}", "{\"status\":\"\xef\xbf\xbd[2J\"}"},
        {"nothing", "", NULL},
        {"the token", "{\"t\":\"eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl\"}", NULL},
        {"its end", "{\"t\":\"HRwcyJ9.c2lnbmF0dXJl\"}", NULL},
        {"its middle", "{\"t\":\"WQiOiJodHRwcyJ9\"}", NULL},
    };
    g_autoptr(Secret) token = secret_new(token_text, strlen(token_text));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *challenge =
            g_base64_encode((const guchar *)cases[i].json, strlen(cases[i].json));
        g_autofree char *shown = smtp_bearer_challenge_text(challenge, token);
        if (g_strcmp0(shown, cases[i].shown) != 0)
            fail_msg("%s: %s", cases[i].name, shown);
    }
    assert_null(smtp_bearer_challenge_text("{\"status\"", token));
    g_autofree char *much = g_strnfill(3000, 'x');
    g_autofree char *challenge = g_base64_encode((const guchar *)much, 3000);
    g_autofree char *shown = smtp_bearer_challenge_text(challenge, token);
    assert_int_equal(g_utf8_strlen(shown, -1), LIMIT_CHALLENGE_CHARACTERS + 1); /* the ellipsis */
}

/* Whatever stretch of 15 characters a server repeats. */
static void no_stretch_of_the_token_gets_through(void **state)
{
    enum { N = 200, STRETCH = 15 };
    char text[N + 1] = "";
    for (guint i = 0; i < N; i++) /* no 8 of them come twice */
        text[i] = (char)('!' + (i * i / 7 + i * 31) % 90);
    g_autoptr(Secret) token = secret_new(text, N);
    for (gsize at = 0; at + STRETCH <= N; at++) {
        char said[1 + STRETCH] = ""; /* behind a NUL */
        memcpy(said + 1, text + at, STRETCH);
        for (gsize skip = 0; skip < 2; skip++) {
            g_autofree char *challenge =
                g_base64_encode((const guchar *)said + skip, sizeof said - skip);
            g_autofree char *shown = smtp_bearer_challenge_text(challenge, token);
            assert_null(shown);
        }
    }
}

static void a_failure_tells_challenge_and_reply(void **state)
{
    g_autoptr(SmtpReply) reply = smtp_reply_new(535, "5.7.8", "no");
    static const char challenge[] = "{\"status\":\"400\"}";
    const struct {
        SmtpFailure failure;
        const char *text;
    } cases[] = {
        {{.reply = reply, .challenge = challenge}, "{\"status\":\"400\"} no"},
        {{.reply = reply}, "no"},
        {{.challenge = challenge}, "{\"status\":\"400\"}"},
        {{.fault = SMTP_FAULT_LOST}, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = smtp_failure_text_dup(&cases[i].failure);
        assert_int_equal(g_strcmp0(text, cases[i].text), 0);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_match_the_documents),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(what_could_say_something_else_is_refused),
        cmocka_unit_test(responses_are_read_strictly),
        cmocka_unit_test(a_challenge_is_shown_but_nothing_of_the_token),
        cmocka_unit_test(no_stretch_of_the_token_gets_through),
        cmocka_unit_test(a_failure_tells_challenge_and_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
