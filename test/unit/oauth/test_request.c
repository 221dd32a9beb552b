#include "oauth/request.h"

#include "base/error.h"
#include "oauth/redirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"

static EVP_PKEY *key;
static char *certificate, *foreign;
static Secret *client_secret, *private_key, *refresh_token, *service_account;

static int group_setup(void **state)
{
    secret_init();
    key = EVP_RSA_gen(2048);
    certificate = certificate_pem(key, 1790000000, 1853072000);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    foreign = certificate_pem(other, 1790000000, 1853072000);
    EVP_PKEY_free(other);
    client_secret = secret_of("g&h=ei m+ü%\x01");
    private_key = secret_new_take(key_pem(key, NULL));
    refresh_token = secret_of("1//abc");
    g_auto(GStrv) lines = g_strsplit(secret_reveal(private_key, NULL), "\n", -1);
    g_autofree char *escaped = g_strjoinv("\\n", lines);
    service_account = secret_new_take(
        g_strdup_printf("{\"type\": \"service_account\", \"client_email\": \"a@p.iam\", "
                        "\"private_key_id\": \"01\", \"private_key\": \"%s\"}",
            escaped));
    return 0;
}

static int group_teardown(void **state)
{
    EVP_PKEY_free(key);
    g_free(certificate);
    g_free(foreign);
    secret_free(client_secret);
    secret_free(private_key);
    secret_free(refresh_token);
    secret_free(service_account);
    return 0;
}

static OauthMaterial all_secrets(void)
{
    return (OauthMaterial){.secrets = {client_secret, private_key, service_account, refresh_token},
        .now = G_GINT64_CONSTANT(1795000000000)};
}

/* "name=value …" in the order of `names`, assertions as "JWT"; fails for a field not in it. */
static char *describe(const OauthRequest *request, const char *names)
{
    GHashTable *fields = form_parse(request->form);
    GString *text = g_string_new(request->url);
    g_auto(GStrv) each = g_strsplit(names, " ", -1);
    for (char **name = each; *name != NULL; name++) {
        const char *value = g_hash_table_lookup(fields, *name);
        gboolean is_token =
            g_str_has_suffix(*name, "assertion") && value != NULL && g_str_has_prefix(value, "eyJ");
        g_string_append_printf(text, " %s=%s", *name, is_token ? "JWT" : value);
        g_hash_table_remove(fields, *name);
    }
    assert_int_equal(g_hash_table_size(fields), 0);
    g_hash_table_destroy(fields);
    return g_string_free(text, FALSE);
}

#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static void every_grant_asks_in_its_own_way(void **state)
{
    const struct {
        const char *name;
        OauthProfile profile;
        const char *names, *says;
    } rows[] = {
        {"Microsoft, secret",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CLIENT_SECRET,
                .tenant = "firma.de",
                .client_id = "id"},
            "grant_type client_id client_secret scope",
            "https://login.microsoftonline.com/firma.de/oauth2/v2.0/token "
            "grant_type=client_credentials client_id=id client_secret=g&h=ei m+ü%\x01 "
            "scope=https://outlook.office365.com/.default"},
        {"Microsoft, certificate",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CERTIFICATE,
                .tenant = "firma.de",
                .client_id = "id",
                .certificate = certificate},
            "grant_type client_id client_assertion_type client_assertion scope",
            "https://login.microsoftonline.com/firma.de/oauth2/v2.0/token "
            "grant_type=client_credentials client_id=id client_assertion_type=" JWT_BEARER
            " client_assertion=JWT scope=https://outlook.office365.com/.default"},
        {"Microsoft, sign-in",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_REFRESH_TOKEN,
                .tenant = "firma.de",
                .client_id = "id"},
            "grant_type client_id client_secret refresh_token scope",
            "https://login.microsoftonline.com/firma.de/oauth2/v2.0/token "
            "grant_type=refresh_token client_id=id client_secret=g&h=ei m+ü%\x01 "
            "refresh_token=1//abc scope=https://outlook.office.com/SMTP.Send offline_access"},
        {"Google, sign-in",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id"},
            "grant_type client_id client_secret refresh_token",
            "https://oauth2.googleapis.com/token grant_type=refresh_token client_id=id "
            "client_secret=g&h=ei m+ü%\x01 refresh_token=1//abc"},
        {"Google, service account",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_SERVICE_ACCOUNT, .username = "s@firma.de"},
            "grant_type assertion",
            "https://oauth2.googleapis.com/token "
            "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer assertion=JWT"},
        {"generic, secret, no scope",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_CLIENT_SECRET,
                .client_id = "id",
                .token_url = "https://id.firma.de/t?x=y"},
            "grant_type client_id client_secret",
            "https://id.firma.de/t?x=y grant_type=client_credentials client_id=id "
            "client_secret=g&h=ei m+ü%\x01"},
        {"generic, certificate",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_CERTIFICATE,
                .client_id = "id",
                .token_url = "https://id.firma.de/t",
                .certificate = certificate,
                .scope = "smtp"},
            "grant_type client_id client_assertion_type client_assertion scope",
            "https://id.firma.de/t grant_type=client_credentials client_id=id "
            "client_assertion_type=" JWT_BEARER " client_assertion=JWT scope=smtp"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OauthMaterial material = all_secrets();
        g_autoptr(GError) error = NULL;
        g_autoptr(OauthRequest) request =
            oauth_request_for_token(&rows[i].profile, &material, &error);
        if (request == NULL)
            fail_msg("%s: %s", rows[i].name, error->message);
        g_autofree char *says = describe(request, rows[i].names);
        if (strcmp(says, rows[i].says) != 0)
            fail_msg("%s: %s", rows[i].name, says);
    }
}

/* Which algorithm, for whom: the header's first characters say it. */
static void microsoft_gets_ps256_and_others_rs256(void **state)
{
    static const struct {
        guint provider;
        const char *begins;
    } rows[] = {
        {OAUTH_MICROSOFT, "eyJhbGciOiJQUzI1Ni"}, /* {"alg":"PS256 */
        {OAUTH_GENERIC, "eyJhbGciOiJSUzI1Ni"},   /* {"alg":"RS256 */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OauthMaterial material = all_secrets();
        const OauthProfile profile = {.provider = rows[i].provider,
            .grant = OAUTH_CERTIFICATE,
            .tenant = "firma.de",
            .client_id = "id",
            .token_url = "https://id.firma.de/t",
            .certificate = certificate};
        g_autoptr(OauthRequest) request = oauth_request_for_token(&profile, &material, NULL);
        GHashTable *fields = form_parse(request->form);
        const char *token = g_hash_table_lookup(fields, "client_assertion");
        assert_true(g_str_has_prefix(token, rows[i].begins));
        g_hash_table_destroy(fields);
    }
}

static void a_public_client_sends_no_secret(void **state)
{
    const OauthProfile profile = {.provider = OAUTH_MICROSOFT,
        .grant = OAUTH_REFRESH_TOKEN,
        .tenant = "common",
        .client_id = "id",
        .scope = "s"};
    const OauthMaterial material = {.secrets = {[OAUTH_SECRET_REFRESH_TOKEN] = refresh_token}};
    g_autoptr(OauthRequest) request = oauth_request_for_token(&profile, &material, NULL);
    g_autofree char *says = describe(request, "grant_type client_id refresh_token scope");
    assert_non_null(says);
}

static void what_is_missing_or_wrong_is_named_and_its_value_is_not(void **state)
{
    const struct {
        const char *name;
        OauthProfile profile;
        OauthSecretKind without; /* OAUTH_SECRETS: all are there */
        const char *says;
    } rows[] = {
        {"nothing", {0}, OAUTH_SECRETS, "provider is missing"},
        {"no client secret",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id"},
            OAUTH_SECRET_CLIENT, "client_secret is missing"},
        {"not signed in",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id"},
            OAUTH_SECRET_REFRESH_TOKEN, "refresh_token is missing"},
        {"another certificate's key",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CERTIFICATE,
                .tenant = "firma.de",
                .client_id = "id",
                .certificate = foreign},
            OAUTH_SECRETS, oauth_fault_text(OAUTH_FAULT_KEY_FOREIGN)},
        {"no certificate",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CERTIFICATE,
                .tenant = "firma.de",
                .client_id = "id",
                .certificate = "x"},
            OAUTH_SECRETS, oauth_fault_text(OAUTH_FAULT_CERTIFICATE)},
        {"no mailbox", {.provider = OAUTH_GOOGLE, .grant = OAUTH_SERVICE_ACCOUNT}, OAUTH_SECRETS,
            "the mailbox to send as is missing"},
        {"no such tenant",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CLIENT_SECRET,
                .tenant = "a/b",
                .client_id = "id"},
            OAUTH_SECRETS, "it is not known where tokens are to be asked for"},
        {"the same, with a certificate",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CERTIFICATE,
                .tenant = "common",
                .client_id = "id",
                .certificate = certificate},
            OAUTH_SECRETS, "it is not known where tokens are to be asked for"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        OauthMaterial material = all_secrets();
        g_autoptr(GError) error = NULL;
        if (rows[i].without < OAUTH_SECRETS)
            material.secrets[rows[i].without] = NULL;
        g_autoptr(OauthRequest) request =
            oauth_request_for_token(&rows[i].profile, &material, &error);
        assert_null(request);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
        if (strcmp(error->message, rows[i].says) != 0)
            fail_msg("%s: %s", rows[i].name, error->message);
    }
}

static void a_code_is_redeemed_with_its_verifier(void **state)
{
    const OauthProfile profile = {
        .provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id"};
    g_autoptr(Secret) code = secret_of("4/0Ab");
    g_autoptr(Secret) verifier = secret_of("v");
    g_autoptr(OauthRequest) request = oauth_request_for_code(
        &profile, client_secret, code, verifier, "https://post.firma.de/oauth/return", NULL);
    g_autofree char *says =
        describe(request, "grant_type client_id client_secret code redirect_uri code_verifier");
    assert_string_equal(says,
        "https://oauth2.googleapis.com/token grant_type=authorization_code client_id=id "
        "client_secret=g&h=ei m+ü%\x01 code=4/0Ab "
        "redirect_uri=https://post.firma.de/oauth/return code_verifier=v");
    g_autoptr(GError) error = NULL;
    assert_null(oauth_request_for_code(&profile, NULL, code, verifier, "https://x", &error));
    assert_string_equal(error->message, "client_secret is missing");
}

static void a_device_asks_and_asks_again(void **state)
{
    const OauthProfile profile = {.provider = OAUTH_MICROSOFT,
        .grant = OAUTH_REFRESH_TOKEN,
        .tenant = "consumers",
        .client_id = "id"};
    g_autoptr(Secret) code = secret_of("GmRh");
    g_autoptr(OauthRequest) start = oauth_request_for_device(&profile, NULL, NULL);
    g_autoptr(OauthRequest) poll = oauth_request_for_device_poll(&profile, NULL, code, NULL);
    g_autofree char *starts = describe(start, "client_id scope");
    g_autofree char *polls = describe(poll, "grant_type client_id device_code");
    assert_string_equal(starts,
        "https://login.microsoftonline.com/consumers/oauth2/v2.0/devicecode client_id=id "
        "scope=https://outlook.office.com/SMTP.Send offline_access");
    assert_string_equal(polls,
        "https://login.microsoftonline.com/consumers/oauth2/v2.0/token "
        "grant_type=urn:ietf:params:oauth:grant-type:device_code client_id=id device_code=GmRh");
}

static void who_has_no_sign_in_for_devices_says_so(void **state)
{
    static const struct {
        const char *name;
        OauthProfile profile;
        AbsError code;
    } rows[] = {
        {"Google", {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id"},
            ABS_ERROR_NOT_FOUND},
        {"generic without the address",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_REFRESH_TOKEN,
                .client_id = "id",
                .token_url = "https://x/t"},
            ABS_ERROR_NOT_FOUND},
        {"a grant without persons",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_CLIENT_SECRET,
                .tenant = "firma.de",
                .client_id = "id"},
            ABS_ERROR_INPUT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(oauth_request_for_device(&rows[i].profile, client_secret, &error));
        if (!g_error_matches(error, ABS_ERROR, (int)rows[i].code))
            fail_msg("%s: %s", rows[i].name, error->message);
    }
}

/* Every byte gets through, whatever it is. */
static void a_secret_arrives_as_it_is(void **state)
{
    char bytes[255];
    for (guint i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i + 1);
    g_autoptr(Secret) odd = secret_new(bytes, sizeof bytes);
    const OauthProfile profile = {.provider = OAUTH_GENERIC,
        .grant = OAUTH_CLIENT_SECRET,
        .client_id = "id",
        .token_url = "https://x/t"};
    const OauthMaterial material = {.secrets = {odd}};
    g_autoptr(OauthRequest) request = oauth_request_for_token(&profile, &material, NULL);
    g_autoptr(Secret) address = secret_new_take(g_strconcat("state=x&code=",
        strstr(secret_reveal(request->form, NULL), "client_secret=") + strlen("client_secret="),
        NULL));
    g_autoptr(OauthRedirect) back = oauth_redirect_read(address, NULL);
    assert_true(secret_equal(back->code, odd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_grant_asks_in_its_own_way),
        cmocka_unit_test(microsoft_gets_ps256_and_others_rs256),
        cmocka_unit_test(a_public_client_sends_no_secret),
        cmocka_unit_test(what_is_missing_or_wrong_is_named_and_its_value_is_not),
        cmocka_unit_test(a_code_is_redeemed_with_its_verifier),
        cmocka_unit_test(a_device_asks_and_asks_again),
        cmocka_unit_test(who_has_no_sign_in_for_devices_says_so),
        cmocka_unit_test(a_secret_arrives_as_it_is),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
