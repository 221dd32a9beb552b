#include "oauth/assertion.h"

#include "base/error.h"
#include "oauth/certificate.h"
#include "oauth/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "keys.h"

#define NOW (G_GINT64_CONSTANT(1795000000) * 1000 + 999)

static EVP_PKEY *key;
static Secret *pem;

static int group_setup(void **state)
{
    secret_init();
    key = EVP_RSA_gen(2048);
    pem = secret_new_take(key_pem(key, NULL));
    return 0;
}

static int group_teardown(void **state)
{
    EVP_PKEY_free(key);
    secret_free(pem);
    return 0;
}

static guint8 *decode(const char *text, gsize *n)
{
    GString *padded = g_string_new(text);
    g_strdelimit(padded->str, "-", '+');
    g_strdelimit(padded->str, "_", '/');
    while (padded->len % 4 != 0)
        g_string_append_c(padded, '=');
    guint8 *bytes = g_base64_decode(padded->str, n);
    g_string_free(padded, TRUE);
    return bytes;
}

/* {"header": …, "claims": …} of a token that this key signed in this way; NULL: it did not. */
static json_t *verify(const Secret *token, int padding)
{
    g_auto(GStrv) parts = g_strsplit(secret_reveal(token, NULL), ".", -1);
    assert_int_equal(g_strv_length(parts), 3);
    gsize header_bytes, claims_bytes, n;
    g_autofree guint8 *header = decode(parts[0], &header_bytes);
    g_autofree guint8 *claims = decode(parts[1], &claims_bytes);
    g_autofree guint8 *signature = decode(parts[2], &n);
    g_autofree char *input = g_strconcat(parts[0], ".", parts[1], NULL);
    EVP_PKEY_CTX *how;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, &how, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, padding), 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32), 1);
    gboolean is_ours =
        EVP_DigestVerify(context, signature, n, (const guint8 *)input, strlen(input)) == 1;
    EVP_MD_CTX_free(context);
    return is_ours ? json_pack("{s:o s:o}", "header",
                         json_loadb((const char *)header, header_bytes, 0, NULL), "claims",
                         json_loadb((const char *)claims, claims_bytes, 0, NULL))
                   : NULL;
}

static guint8 random_bytes[OAUTH_RANDOM_BYTES], thumbprint[OAUTH_SHA256_BYTES] = {0xfb, 0xff, 0xfe};

static const OauthClaims microsoft = {.algorithm = OAUTH_PS256,
    .issuer = "11111111-2222-3333-4444-555555555555",
    .subject = "11111111-2222-3333-4444-555555555555",
    .audience = "https://login.microsoftonline.com/firma.de/oauth2/v2.0/token",
    .thumbprint = thumbprint,
    .now = NOW,
    .random = random_bytes};
static const OauthClaims google = {.algorithm = OAUTH_RS256,
    .issuer = "absender@projekt.iam.gserviceaccount.com",
    .subject = "system@firma.de",
    .audience = "https://oauth2.googleapis.com/token",
    .scope = "https://mail.google.com/",
    .key_id = "0123abcd",
    .now = NOW,
    .random = random_bytes};

static void both_algorithms_verify_and_are_not_mixed_up(void **state)
{
    g_autoptr(Secret) ps256 = oauth_assertion_sign(&microsoft, pem, NULL);
    g_autoptr(Secret) rs256 = oauth_assertion_sign(&google, pem, NULL);
    json_t *good_ps = verify(ps256, RSA_PKCS1_PSS_PADDING);
    json_t *good_rs = verify(rs256, RSA_PKCS1_PADDING);
    assert_non_null(good_ps);
    assert_non_null(good_rs);
    assert_null(verify(ps256, RSA_PKCS1_PADDING));
    assert_null(verify(rs256, RSA_PKCS1_PSS_PADDING));
    json_decref(good_ps);
    json_decref(good_rs);
}

static void an_altered_assertion_does_not_verify(void **state)
{
    g_autoptr(Secret) signed_one = oauth_assertion_sign(&google, pem, NULL);
    g_autofree char *text = g_strdup(secret_reveal(signed_one, NULL));
    char *claims = strchr(text, '.') + 5;
    *claims = *claims == 'A' ? 'B' : 'A';
    g_autoptr(Secret) altered = secret_of(text);
    assert_null(verify(altered, RSA_PKCS1_PADDING));
}

static void it_says_what_the_provider_wants(void **state)
{
    const struct {
        const char *name;
        const OauthClaims *claims;
        int padding;
        const char *header, *body;
    } rows[] = {
        {"Microsoft", &microsoft, RSA_PKCS1_PSS_PADDING,
            "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":"
            "\"-__-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
            "{\"iss\":\"11111111-2222-3333-4444-555555555555\",\"sub\":"
            "\"11111111-2222-3333-4444-555555555555\",\"aud\":\"https://login.microsoftonline.com/"
            "firma.de/oauth2/v2.0/token\",\"jti\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
            "\"iat\":1794999940,\"nbf\":1794999940,\"exp\":1795000480}"},
        {"Google", &google, RSA_PKCS1_PADDING,
            "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"0123abcd\"}",
            "{\"iss\":\"absender@projekt.iam.gserviceaccount.com\",\"sub\":\"system@firma.de\","
            "\"aud\":\"https://oauth2.googleapis.com/token\",\"scope\":\"https://mail.google.com/"
            "\",\"jti\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"iat\":1794999940,\"nbf\":"
            "1794999940,\"exp\":1795000480}"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) token = oauth_assertion_sign(rows[i].claims, pem, NULL);
        json_t *found = verify(token, rows[i].padding);
        json_t *header = json_loads(rows[i].header, 0, NULL);
        json_t *body = json_loads(rows[i].body, 0, NULL);
        if (!json_equal(json_object_get(found, "header"), header) ||
            !json_equal(json_object_get(found, "claims"), body))
            fail_msg("%s: %s", rows[i].name, json_dumps(found, 0));
        json_decref(found);
        json_decref(header);
        json_decref(body);
    }
}

static void a_text_with_quotes_stays_one_claim(void **state)
{
    OauthClaims sly = google;
    sly.subject = "a\",\"aud\":\"b";
    g_autoptr(Secret) token = oauth_assertion_sign(&sly, pem, NULL);
    json_t *found = verify(token, RSA_PKCS1_PADDING);
    json_t *claims = json_object_get(found, "claims");
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), sly.subject);
    assert_string_equal(json_string_value(json_object_get(claims, "aud")), sly.audience);
    json_decref(found);
}

static void what_cannot_be_signed_is_refused(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) no_text = NULL;
    g_autoptr(Secret) no_key = secret_of("-----BEGIN PRIVATE KEY-----\nAAAA\n");
    OauthClaims broken = google;
    broken.subject = "\xff";
    assert_null(oauth_assertion_sign(&google, no_key, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    assert_string_equal(error->message, oauth_fault_text(OAUTH_FAULT_KEY));
    assert_null(oauth_assertion_sign(&broken, pem, &no_text));
    assert_true(g_error_matches(no_text, ABS_ERROR, ABS_ERROR_INPUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_algorithms_verify_and_are_not_mixed_up),
        cmocka_unit_test(an_altered_assertion_does_not_verify),
        cmocka_unit_test(it_says_what_the_provider_wants),
        cmocka_unit_test(a_text_with_quotes_stays_one_claim),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
