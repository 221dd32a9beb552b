/* Any bytes as the answer of a token endpoint: the verdict and what it sets go together, a token
 * could be sent as it is, and what is shown is bounded, of one line and without the secrets that
 * were sent. The first byte chooses the status. */
#include "base/limits.h"
#include "base/text.h"
#include "oauth/answer.h"

#include <stdint.h>
#include <string.h>

#define CANARY "canary/1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static OauthRequest asked;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char form[] = "grant_type=refresh_token&refresh_token=canary%2F1";
    secret_init();
    asked.form = secret_new(form, sizeof form - 1);
    return 0;
}

static void check_secret(const Secret *secret)
{
    gsize n;
    const char *text = secret_reveal(secret, &n);
    g_assert_true(n > 0 && n <= LIMIT_BEARER_TOKEN_OCTETS);
    for (gsize i = 0; i < n; i++)
        g_assert_true(text[i] > 0x20 && text[i] < 0x7f);
}

static void check_shown(const char *text, glong most)
{
    g_assert_true(text_is_one_line(text, FALSE) && g_utf8_strlen(text, -1) <= most + 1);
    g_assert_null(strstr(text, CANARY));
}

static void check_refusal(const OauthRefusal *refusal)
{
    g_autofree char *text = oauth_refusal_text_dup(refusal);
    check_shown(refusal->error, LIMIT_OAUTH_ERROR_CHARACTERS);
    if (refusal->description != NULL)
        check_shown(refusal->description, LIMIT_OAUTH_DESCRIPTION_CHARACTERS);
    g_assert_true(g_str_has_prefix(text, refusal->error));
}

static void check_verdict(
    OauthVerdict verdict, gboolean is_granted, const OauthRefusal *refusal, const GError *error)
{
    g_assert_true(is_granted == (verdict == OAUTH_GRANTED));
    g_assert_true((error != NULL) == (verdict == OAUTH_STRANGE));
    if (verdict == OAUTH_REFUSED)
        g_assert_nonnull(refusal);
    if (verdict == OAUTH_GRANTED || verdict == OAUTH_STRANGE)
        g_assert_null(refusal);
    if (refusal != NULL)
        check_refusal(refusal);
}

static void read_token(int status, const Secret *body)
{
    g_autoptr(OauthToken) token = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_autoptr(GError) error = NULL;
    OauthVerdict verdict = oauth_answer_read(&asked, status, body, &token, &refusal, &error);
    check_verdict(verdict, token != NULL, refusal, error);
    if (token == NULL)
        return;
    g_assert_cmpint(status, ==, 200);
    check_secret(token->access_token);
    if (token->refresh_token != NULL)
        check_secret(token->refresh_token);
    g_assert_true(token->expires_in_s > 0 && token->expires_in_s <= LIMIT_OAUTH_EXPIRY_S);
}

static void read_device(int status, const Secret *body)
{
    g_autoptr(OauthDevice) device = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_autoptr(GError) error = NULL;
    OauthVerdict verdict = oauth_device_read(&asked, status, body, &device, &refusal, &error);
    check_verdict(verdict, device != NULL, refusal, error);
    if (device == NULL)
        return;
    check_secret(device->device_code);
    g_assert_true(text_is_one_line(device->user_code, FALSE) &&
                  g_str_has_prefix(device->verification_uri, "https://"));
    g_assert_true(device->expires_in_s > 0 && device->expires_in_s <= LIMIT_OAUTH_DEVICE_S);
    g_assert_true(device->interval_s > 0 && device->interval_s <= 60);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int statuses[] = {200, 400, 401, 403, 404, 302, 429, 500, 503};
    if (n == 0)
        return 0;
    int status = statuses[data[0] % G_N_ELEMENTS(statuses)];
    g_autoptr(Secret) body = secret_new(data + 1, n - 1);
    read_token(status, body);
    read_device(status, body);
    return 0;
}
