#include "oauth/answer.h"

#include "base/error.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"

#define GOOD "\"access_token\": \"ya29.A-0_~+/=\", \"token_type\": \"Bearer\""

static OauthRequest *asked;

static int group_setup(void **state)
{
    secret_init();
    asked = g_new0(OauthRequest, 1);
    asked->url = g_strdup("https://id.firma.de/token");
    asked->form =
        secret_of("grant_type=refresh_token&client_secret=geheim%2F%21&refresh_token=1//abc&"
                  "client_assertion=eyJh.b.c&assertion=eyJd.e.f&code=4%2F0Ab&code_verifier=dBjf&"
                  "device_code=GmRh");
    return 0;
}

static int group_teardown(void **state)
{
    oauth_request_free(asked);
    return 0;
}

/* "granted TOKEN REFRESH SECONDS SCOPE", "refused TEXT", "away TEXT" or "strange WHY". */
static char *describe(int status, const char *text)
{
    g_autoptr(Secret) body = secret_of(text);
    g_autoptr(OauthToken) token = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_autoptr(GError) error = NULL;
    OauthVerdict verdict = oauth_answer_read(asked, status, body, &token, &refusal, &error);
    g_autofree char *refused = refusal != NULL ? oauth_refusal_text_dup(refusal) : g_strdup("-");
    assert_int_equal(token != NULL, verdict == OAUTH_GRANTED);
    assert_int_equal(error != NULL, verdict == OAUTH_STRANGE);
    switch (verdict) {
    case OAUTH_GRANTED:
        return g_strdup_printf("granted %s %s %d %s", secret_reveal(token->access_token, NULL),
            token->refresh_token != NULL ? secret_reveal(token->refresh_token, NULL) : "-",
            (int)token->expires_in_s, token->scope != NULL ? token->scope : "-");
    case OAUTH_REFUSED:
        assert_non_null(refusal);
        return g_strdup_printf("refused %s", refused);
    case OAUTH_AWAY:
        return g_strdup_printf("away %s", refused);
    case OAUTH_STRANGE:
        assert_null(refusal);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_PROTOCOL));
        return g_strdup_printf("strange %s", error->message);
    }
    return NULL;
}

typedef struct {
    const char *name;
    int status;
    const char *body, *says;
} Row;

static void check(const Row *rows, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *says = describe(rows[i].status, rows[i].body);
        if (!g_str_has_prefix(says, rows[i].says) ||
            (rows[i].says[0] != 's' && strcmp(says, rows[i].says) != 0))
            fail_msg("%s: %s", rows[i].name, says);
    }
}

static void tokens_are_read(void **state)
{
    static const Row rows[] = {
        {"RFC 6749 5.1", 200, "{" GOOD ", \"expires_in\": 3600, \"refresh_token\": \"1//x\"}",
            "granted ya29.A-0_~+/= 1//x 3600 -"},
        {"nothing but the token", 200, "{" GOOD "}", "granted ya29.A-0_~+/= - 3600 -"},
        {"the type in other letters", 200,
            "{\"access_token\": \"a\", \"token_type\": \"bearer\", \"scope\": \"s t\"}",
            "granted a - 3600 s t"},
        {"seconds as a text", 200, "{" GOOD ", \"expires_in\": \"3599\"}",
            "granted ya29.A-0_~+/= - 3599 -"},
        {"seconds with a fraction", 200, "{" GOOD ", \"expires_in\": 3599.9}",
            "granted ya29.A-0_~+/= - 3599 -"},
        {"a year is cut", 200, "{" GOOD ", \"expires_in\": 31536000}",
            "granted ya29.A-0_~+/= - 86400 -"},
        {"more than any number", 200, "{" GOOD ", \"expires_in\": 1e300}",
            "granted ya29.A-0_~+/= - 86400 -"},
        {"null is nothing", 200,
            "{" GOOD ", \"expires_in\": null, \"refresh_token\": null, \"scope\": null}",
            "granted ya29.A-0_~+/= - 3600 -"},
        {"scope is only shown", 200, "{" GOOD ", \"scope\": [\"a\"]}",
            "granted ya29.A-0_~+/= - 3600 -"},
        {"members nobody knows", 200, "{" GOOD ", \"ext_expires_in\": 3599, \"id_token\": \"x\"}",
            "granted ya29.A-0_~+/= - 3600 -"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

/* Microsoft: Azure-Samples/active-directory-dotnetcore-daemon-v2#87 and
 * OfficeDev/microsoft-365-agents-toolkit#8621; Google: googleapis/google-api-php-client#1501. */
static void refusals_of_the_providers_are_read(void **state)
{
    static const Row rows[] = {
        {"Microsoft: the secret has ended", 401,
            "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The provided "
            "client secret keys for app 'x' are expired.\\r\\nTrace ID: 8c95acf1\\r\\nCorrelation "
            "ID: 40a1\\r\\nTimestamp: 2023-01-09 14:06:14Z\",\"error_codes\":[7000222]}",
            "refused invalid_client: AADSTS7000222: The provided client secret keys for app 'x' "
            "are "
            "expired."},
        {"Microsoft: all in one line", 401,
            "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client "
            "secret provided. Trace ID: 6f Correlation ID: 5f Timestamp: 2023\"}",
            "refused invalid_client: AADSTS7000215: Invalid client secret provided."},
        {"Google: the clock", 400,
            "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a "
            "short-lived token\"}",
            "refused invalid_grant: Invalid JWT: Token must be a short-lived token"},
        {"Google: error alone", 400, "{\n  \"error\" : \"invalid_grant\"\n}",
            "refused invalid_grant"},
        {"Google: nested", 403,
            "{\"error\":{\"code\":403,\"message\":\"Switched off.\",\"status\":"
            "\"PERMISSION_DENIED\"}}",
            "refused PERMISSION_DENIED: Switched off."},
        {"an error behind 200", 200, "{\"error\":\"bad_verification_code\"}",
            "refused bad_verification_code"},
        {"control characters", 400,
            "{\"error\":\"x\",\"error_description\":\"a\\u001b[31m\\u202eb\"}",
            "refused x: a\xef\xbf\xbd[31m\xef\xbf\xbd"
            "b"},
        {"nothing but a trace", 400, "{\"error\":\"x\",\"error_description\":\"Trace ID: 1\"}",
            "refused x"},
        {"a time and no trace", 400,
            "{\"error\":\"x\",\"error_description\":\"No.\\r\\nTimestamp: 2023\"}",
            "refused x: No."},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void what_was_sent_as_a_secret_is_not_repeated(void **state)
{
    static const char *const sent[] = {
        "geheim/!", "1//abc", "eyJh.b.c", "eyJd.e.f", "4/0Ab", "dBjf", "GmRh"};
    static const Row rows[] = {
        {"as the error", 400, "{\"error\":\"geheim/!\"}", "refused refused"},
        {"and when it comes later", 503, "{\"error\":\"1//abc\"}", "away refused"},
        {"in base64, as HTTP's Basic has it", 400,
            "{\"error\":\"x\",\"error_description\":\"not YWJzZW5kZXI6Z2VoZWltLyE=\"}",
            "refused x: (the answer repeats a secret and is not shown)"},
        {"what is public may be", 400,
            "{\"error\":\"x\",\"error_description\":\"unsupported refresh_token\"}",
            "refused x: unsupported refresh_token"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(sent); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"error\":\"x\",\"error_description\":\"wrong: %s given\"}", sent[i]);
        g_autofree char *says = describe(400, body);
        assert_string_equal(says, "refused x: (the answer repeats a secret and is not shown)");
    }
    check(rows, G_N_ELEMENTS(rows));
}

/* Whatever stretch of 15 characters of it. */
static void where_a_long_text_is_cut_no_secret_shows(void **state)
{
    static const gsize before[] = {0, 484, 492, 499, 500, 501, 1984, 1992, 1999, 2000, 5000};
    for (gsize i = 0; i < G_N_ELEMENTS(before); i++) {
        g_autofree char *words = g_strnfill(before[i], '-');
        g_autofree char *body = g_strdup_printf(
            "{\"error\":\"x\",\"error_description\":\"%sgeheim/! geheim/!\"}", words);
        g_autofree char *says = describe(400, body);
        assert_null(strstr(says, "geheim/!"));
        assert_true(strlen(says) < 600);
    }
}

static void some_of_a_secret_is_not_repeated_either(void **state)
{
    enum { STRETCH = 15 };
    static const char secret[] = "1//09dWx0cmEtZ2VoZWltLXJlZnJlc2g_t0k3n";
    OauthRequest *usual = asked;
    g_autofree char *form = g_strconcat("grant_type=refresh_token&refresh_token=", secret, NULL);
    asked = g_new0(OauthRequest, 1);
    asked->url = g_strdup(usual->url);
    asked->form = secret_of(form);
    for (gsize at = 0; at + STRETCH < sizeof secret; at++) {
        g_autofree char *body =
            g_strdup_printf("{\"error\":\"x\",\"error_description\":\"token %.*s... is wrong\"}",
                STRETCH, secret + at);
        g_autofree char *says = describe(400, body);
        assert_string_equal(says, "refused x: (the answer repeats a secret and is not shown)");
    }
    g_autofree char *says =
        describe(400, "{\"error\":\"x\",\"error_description\":\"token 1//09d... is wrong\"}");
    assert_string_equal(says, "refused x: token 1//09d... is wrong");
    oauth_request_free(asked);
    asked = usual;
}

static void trouble_at_the_server_is_for_later(void **state)
{
    static const Row rows[] = {
        {"503 with a page", 503, "<html>", "away -"},
        {"500 with an error", 500, "{\"error\":\"internal_failure\"}", "away internal_failure"},
        {"429", 429, "{\"error\":\"rate_limited\"}", "away rate_limited"},
        {"408", 408, "", "away -"},
        {"by its name", 400, "{\"error\":\"temporarily_unavailable\"}",
            "away temporarily_unavailable"},
        {"by another", 400, "{\"error\":\"server_error\"}", "away server_error"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void every_other_shape_is_named(void **state)
{
    static const Row rows[] = {
        {"a page", 200, "<!DOCTYPE html>",
            "strange The answer (HTTP 200) is not one of OAuth2: it "
            "is no JSON"},
        {"nothing", 404, "", "strange The answer (HTTP 404) is not one of OAuth2: it is no JSON"},
        {"an array", 200, "[]",
            "strange The answer (HTTP 200) is not one of OAuth2: it is no JSON"},
        {"twice the same member", 200, "{" GOOD ", \"access_token\": \"b\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: it is no JSON"},
        {"more behind it", 200, "{" GOOD "} x",
            "strange The answer (HTTP 200) is not one of OAuth2: it is no JSON"},
        {"403 without an error", 403, "{\"message\": \"no\"}",
            "strange The answer (HTTP 403) is not one of OAuth2: neither success"},
        {"a token behind 302", 302, "{" GOOD "}",
            "strange The answer (HTTP 302) is not one of OAuth2: neither success"},
        {"an error that is a number", 400, "{\"error\": 7}",
            "strange The answer (HTTP 400) is not one of OAuth2: neither success"},
        {"no token", 200, "{\"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {"an empty token", 200, "{\"access_token\": \"\", \"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {"a token with a space", 200, "{\"access_token\": \"a b\", \"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {"a token with a line end", 200,
            "{\"access_token\": \"a\\r\\nb\", \"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {"a token with SASL's separator", 200,
            "{\"access_token\": \"a\\u0001b\", \"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {"a token with a NUL", 200, "{\"access_token\": \"a\\u0000b\", \"token_type\": \"Bearer\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: it is no JSON"},
        {"another type", 200, "{\"access_token\": \"a\", \"token_type\": \"mac\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: token_type"},
        {"no type", 200, "{\"access_token\": \"a\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: token_type"},
        {"a refresh token of a kind of its own", 200, "{" GOOD ", \"refresh_token\": 7}",
            "strange The answer (HTTP 200) is not one of OAuth2: refresh_token"},
        {"no time left", 200, "{" GOOD ", \"expires_in\": 0}",
            "strange The answer (HTTP 200) is not one of OAuth2: expires_in"},
        {"time that ran backwards", 200, "{" GOOD ", \"expires_in\": -5}",
            "strange The answer (HTTP 200) is not one of OAuth2: expires_in"},
        {"seconds that are none", 200, "{" GOOD ", \"expires_in\": \"soon\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: expires_in"},
        {"seconds and more", 200, "{" GOOD ", \"expires_in\": \"60 s\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: expires_in"},
        {"not a number", 200, "{" GOOD ", \"expires_in\": \"nan\"}",
            "strange The answer (HTTP 200) is not one of OAuth2: expires_in"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void sizes_are_bounded(void **state)
{
    static const struct {
        gsize n;
        const char *says;
    } rows[] = {
        {LIMIT_BEARER_TOKEN_OCTETS, "granted "},
        {LIMIT_BEARER_TOKEN_OCTETS + 1,
            "strange The answer (HTTP 200) is not one of OAuth2: access_token"},
        {LIMIT_OAUTH_ANSWER_BYTES,
            "strange The answer (HTTP 200) is not one of OAuth2: it is no JSON"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *token = g_strnfill(rows[i].n, 'a');
        g_autofree char *body =
            g_strdup_printf("{\"access_token\": \"%s\", \"token_type\": \"Bearer\"}", token);
        g_autofree char *says = describe(200, body);
        assert_true(g_str_has_prefix(says, rows[i].says));
    }
    g_autofree char *words = g_strnfill(5000, 'w');
    g_autoptr(OauthRefusal) refusal = oauth_refusal_new(words, words);
    assert_true(g_utf8_strlen(refusal->error, -1) <= LIMIT_OAUTH_ERROR_CHARACTERS + 1);
    assert_true(g_utf8_strlen(refusal->description, -1) <= LIMIT_OAUTH_DESCRIPTION_CHARACTERS + 1);
}

static void every_beginning_of_an_answer_is_strange(void **state)
{
    const char whole[] = "{" GOOD ", \"expires_in\": 3600, \"refresh_token\": \"1//x\"}";
    for (gsize n = 0; n < strlen(whole); n++) {
        g_autofree char *part = g_strndup(whole, n);
        g_autofree char *says = describe(200, part);
        if (!g_str_has_prefix(says, "strange "))
            fail_msg("%s: %s", part, says);
    }
}

#define CODE                                                                            \
    "\"device_code\": \"GmRh-x\", \"user_code\": \"WDJB-MJHT\", \"verification_uri\": " \
    "\"https://microsoft.com/devicelogin\", "

static void codes_for_devices_are_read(void **state)
{
    static const struct {
        const char *name, *body, *says;
    } rows[] = {
        {"RFC 8628 3.2", "{" CODE "\"expires_in\": 900, \"interval\": 7}",
            "GmRh-x WDJB-MJHT https://microsoft.com/devicelogin 900 7"},
        {"no interval", "{" CODE "\"expires_in\": 900}",
            "GmRh-x WDJB-MJHT https://microsoft.com/devicelogin 900 5"},
        {"a day is cut", "{" CODE "\"expires_in\": 86400}",
            "GmRh-x WDJB-MJHT https://microsoft.com/devicelogin 1800 5"},
        {"the former name of the address",
            "{\"device_code\": \"d\", \"user_code\": \"u\", \"verification_url\": "
            "\"https://id.firma.de/\", \"expires_in\": 60}",
            "d u https://id.firma.de/ 60 5"},
        {"no end", "{" CODE "\"interval\": 5}", NULL},
        {"no interval at all", "{" CODE "\"expires_in\": 60, \"interval\": 0}", NULL},
        {"an address that would run",
            "{\"device_code\": \"d\", \"user_code\": \"u\", \"verification_uri\": "
            "\"javascript:alert(1)\", \"expires_in\": 60}",
            NULL},
        {"an address without TLS",
            "{\"device_code\": \"d\", \"user_code\": \"u\", \"verification_uri\": "
            "\"http://id.firma.de\", \"expires_in\": 60}",
            NULL},
        {"two lines to type",
            "{\"device_code\": \"d\", \"user_code\": \"u\\nv\", \"verification_uri\": "
            "\"https://id.firma.de\", \"expires_in\": 60}",
            NULL},
        {"nothing to ask with",
            "{\"user_code\": \"u\", \"verification_uri\": \"https://id.firma.de\", \"expires_in\": "
            "60}",
            NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) body = secret_of(rows[i].body);
        g_autoptr(OauthDevice) device = NULL;
        g_autoptr(OauthRefusal) refusal = NULL;
        g_autoptr(GError) error = NULL;
        OauthVerdict verdict = oauth_device_read(asked, 200, body, &device, &refusal, &error);
        g_autofree char *says =
            device == NULL
                ? NULL
                : g_strdup_printf("%s %s %s %d %d", secret_reveal(device->device_code, NULL),
                      device->user_code, device->verification_uri, (int)device->expires_in_s,
                      (int)device->interval_s);
        assert_int_equal(verdict, rows[i].says != NULL ? OAUTH_GRANTED : OAUTH_STRANGE);
        if (g_strcmp0(says, rows[i].says) != 0)
            fail_msg("%s: %s", rows[i].name, says);
    }
}

static void what_a_device_waits_for_is_told_apart(void **state)
{
    static const struct {
        const char *error;
        OauthDeviceState state;
    } rows[] = {
        {"authorization_pending", OAUTH_DEVICE_PENDING},
        {"slow_down", OAUTH_DEVICE_SLOWER},
        {"access_denied", OAUTH_DEVICE_DENIED},
        {"authorization_declined", OAUTH_DEVICE_DENIED},
        {"expired_token", OAUTH_DEVICE_EXPIRED},
        {"invalid_grant", OAUTH_DEVICE_REFUSED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OauthRefusal) refusal = oauth_refusal_new(rows[i].error, NULL);
        assert_int_equal(oauth_device_state(refusal), rows[i].state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_read),
        cmocka_unit_test(refusals_of_the_providers_are_read),
        cmocka_unit_test(what_was_sent_as_a_secret_is_not_repeated),
        cmocka_unit_test(where_a_long_text_is_cut_no_secret_shows),
        cmocka_unit_test(some_of_a_secret_is_not_repeated_either),
        cmocka_unit_test(trouble_at_the_server_is_for_later),
        cmocka_unit_test(every_other_shape_is_named),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(every_beginning_of_an_answer_is_strange),
        cmocka_unit_test(codes_for_devices_are_read),
        cmocka_unit_test(what_a_device_waits_for_is_told_apart),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
