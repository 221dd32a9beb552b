/* The OAuth2 account: what may be entered, what is missing, and whom its secrets belong to. */
#include "../oauth/keys.h"

#include "base/error.h"
#include "base/limits.h"
#include "settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#define ORG 1
#define NOW G_GINT64_CONSTANT(1795283520123)
#define LATER (NOW + 5000)
#define TENANT "11111111-2222-3333-4444-555555555555"
#define ALL_SECRETS ((1u << OAUTH_SECRETS) - 1)

static Vault *vault;
static EVP_PKEY *key, *other_key;
static char *key_text, *other_key_text, *certificate, *other_certificate, *service_account;

static char *make_service_account(const char *pem)
{
    g_autofree char *escaped = g_strescape(pem, NULL);
    return g_strdup_printf("{\"type\":\"service_account\",\"client_email\":"
                           "\"absender@project.iam.gserviceaccount.com\",\"client_id\":"
                           "\"104857600000000000001\",\"private_key_id\":\"c0ffee0123456789\","
                           "\"private_key\":\"%s\"}",
        escaped);
}

static int open_vault(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("absender-account-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "key", NULL);
    vault = vault_open(path, TRUE, NULL);
    g_unlink(path);
    g_rmdir(dir);
    if (vault == NULL)
        return -1;
    vault_set_instance(vault, (const guint8 *)"settings' tests!");
    key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    key_text = key_pem(key, NULL);
    other_key_text = key_pem(other_key, NULL);
    certificate = certificate_pem(key, 0, NOW / 1000 + 1000000);
    other_certificate = certificate_pem(other_key, 0, NOW / 1000 + 1000000);
    service_account = make_service_account(key_text);
    return 0;
}

static int close_vault(void **state)
{
    vault_free(vault);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    g_free(key_text);
    g_free(other_key_text);
    g_free(certificate);
    g_free(other_certificate);
    g_free(service_account);
    return 0;
}

/* --- Patches -----------------------------------------------------------------------------------
 */

static SmtpSettings *try_patch(
    const SmtpSettings *settings, const SettingsPatch *patch, WallMs now, GPtrArray **faults)
{
    static const SettingsPorts ports = {NULL, 0};
    gboolean password_dropped = FALSE;
    return settings_apply(settings, patch, &ports, vault, ORG, now, &password_dropped, faults);
}

static SmtpSettings *apply(const SmtpSettings *settings, const SettingsPatch *patch, WallMs now)
{
    g_autoptr(GPtrArray) faults = NULL;
    SmtpSettings *next = try_patch(settings, patch, now, &faults);
    if (next == NULL) {
        const SettingsFault *fault = g_ptr_array_index(faults, 0);
        fail_msg("%s: %s: %s", fault->field, fault->code, fault->detail);
    }
    return next;
}

/* Only one fault, this one. */
static void refuse(const char *name, const SmtpSettings *settings, const SettingsOauthPatch *oauth,
    const char *field, const char *code)
{
    SettingsPatch patch = {.present = SETTINGS_OAUTH, .oauth = *oauth};
    GPtrArray *faults = NULL;
    g_autoptr(SmtpSettings) next = try_patch(settings, &patch, NOW, &faults);
    if (next != NULL)
        fail_msg("%s: it was taken", name);
    const SettingsFault *fault = g_ptr_array_index(faults, 0);
    if (faults->len != 1 || strcmp(fault->field, field) != 0 || strcmp(fault->code, code) != 0)
        fail_msg("%s: %u faults, %s %s", name, faults->len, fault->field, fault->code);
    g_ptr_array_unref(faults);
}

static SmtpSettings *make_basic(void)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_USERNAME | SETTINGS_FROM_EMAIL | SETTINGS_AUTH,
        .host = "smtp.office365.com",
        .username = "system@example.com",
        .from_email = "info@example.com",
        .auth = "oauth2",
    };
    return apply(empty, &patch, NOW);
}

static Secret *value_of(guint kind)
{
    const char *const values[OAUTH_SECRETS] = {
        [OAUTH_SECRET_CLIENT] = "client-canary",
        [OAUTH_SECRET_PRIVATE_KEY] = key_text,
        [OAUTH_SECRET_SERVICE_ACCOUNT] = service_account,
        [OAUTH_SECRET_REFRESH_TOKEN] = "refresh-canary",
    };
    return secret_new(values[kind], strlen(values[kind]));
}

/* With everything in it, and every secret. */
static SmtpSettings *make_full(void)
{
    g_autoptr(SmtpSettings) basic = make_basic();
    SettingsPatch patch = {.present = SETTINGS_OAUTH,
        .oauth = {
            .present = SETTINGS_OAUTH_SECRET(OAUTH_SECRETS) - 1,
            .provider = "generic",
            .grant = "client_secret",
            .tenant = TENANT,
            .client_id = "client-1",
            .scope = "smtp offline_access",
            .subject = "system@example.com",
            .token_url = "https://login.example.com/token",
            .authorize_url = "https://login.example.com/auth",
            .device_url = "https://login.example.com/device",
            .certificate = certificate,
            .client_secret_ends_at = LATER,
        }};
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        patch.oauth.secrets[kind] = value_of(kind);
    SmtpSettings *full = apply(basic, &patch, NOW);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        secret_free((Secret *)patch.oauth.secrets[kind]);
    return full;
}

static void assert_opens(const SmtpSettings *settings, guint kind)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) right = value_of(kind);
    g_autoptr(Secret) opened = settings_unseal_oauth(settings, kind, vault, ORG, &error);
    if (error != NULL)
        fail_msg("%s: %s", oauth_secret_name(kind), error->message);
    assert_true(secret_equal(opened, right));
}

/* --- What may be entered -----------------------------------------------------------------------
 */

static void every_member_is_taken_and_every_secret_opens(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    const SettingsOauth *account = &full->oauth;
    assert_int_equal(full->auth, SETTINGS_AUTH_OAUTH2);
    assert_int_equal(account->provider, OAUTH_GENERIC);
    assert_int_equal(account->grant, OAUTH_CLIENT_SECRET);
    assert_string_equal(account->client_id, "client-1");
    assert_string_equal(account->scope, "smtp offline_access");
    assert_string_equal(account->token_url, "https://login.example.com/token");
    assert_string_equal(account->certificate, certificate);
    assert_true(account->client_secret_ends_at == LATER);
    assert_string_equal(account->service_account_email, "absender@project.iam.gserviceaccount.com");
    assert_string_equal(account->service_account_key_id, "c0ffee0123456789");
    assert_string_equal(account->service_account_client_id, "104857600000000000001");
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        assert_true(account->set_at[kind] == NOW);
        assert_opens(full, kind);
    }
    OauthProfile profile;
    settings_oauth_profile(full, &profile);
    assert_string_equal(profile.username, "system@example.com");
    assert_string_equal(profile.client_id, "client-1");
}

static void wrong_members_are_named(void **state)
{
    g_autoptr(SmtpSettings) basic = make_basic();
    g_autofree char *long_id = g_strnfill(LIMIT_OAUTH_CLIENT_ID_BYTES + 1, 'a');
    g_autofree char *both = g_strconcat(certificate, key_text, NULL);
    const struct {
        const char *name, *field, *code;
        SettingsOauthPatch patch;
    } rows[] = {
        {"provider", "oauth/provider", "unknown_value",
            {.present = SETTINGS_OAUTH_PROVIDER, .provider = "yahoo"}},
        {"grant", "oauth/grant", "unknown_value",
            {.present = SETTINGS_OAUTH_GRANT, .grant = "password"}},
        {"grant of another provider", "oauth/grant", "grant_not_offered",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT,
                .provider = "google",
                .grant = "certificate"}},
        {"tenant with a path", "oauth/tenant", "invalid_tenant",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_TENANT,
                .provider = "microsoft",
                .tenant = "../../evil.example/x"}},
        {"tenant of everybody", "oauth/tenant", "tenant_shared",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT | SETTINGS_OAUTH_TENANT,
                .provider = "microsoft",
                .grant = "client_secret",
                .tenant = "common"}},
        {"client id with a line break", "oauth/client_id", "control_character",
            {.present = SETTINGS_OAUTH_CLIENT_ID, .client_id = "a\r\nb"}},
        {"long client id", "oauth/client_id", "too_long",
            {.present = SETTINGS_OAUTH_CLIENT_ID, .client_id = long_id}},
        {"scope", "oauth/scope", "invalid_scope",
            {.present = SETTINGS_OAUTH_SCOPE, .scope = "a \"b\""}},
        {"subject", "oauth/subject", "invalid_address",
            {.present = SETTINGS_OAUTH_SUBJECT, .subject = "nobody"}},
        {"token URL without TLS", "oauth/token_url", "invalid_url",
            {.present = SETTINGS_OAUTH_TOKEN_URL, .token_url = "http://login.example.com/token"}},
        {"URL with a user", "oauth/authorize_url", "invalid_url",
            {.present = SETTINGS_OAUTH_AUTHORIZE_URL, .authorize_url = "https://a:b@c.example/"}},
        {"a known URL", "oauth/token_url", "url_is_known",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_TOKEN_URL,
                .provider = "google",
                .token_url = "https://login.example.com/token"}},
        {"certificate", "oauth/certificate", "certificate_unreadable",
            {.present = SETTINGS_OAUTH_CERTIFICATE, .certificate = "no certificate"}},
        {"a private key where everybody sees it", "oauth/certificate", "certificate_holds_key",
            {.present = SETTINGS_OAUTH_CERTIFICATE, .certificate = both}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        refuse(rows[i].name, basic, &rows[i].patch, rows[i].field, rows[i].code);
}

static void wrong_secrets_are_named(void **state)
{
    g_autoptr(SmtpSettings) basic = make_basic();
    g_autofree char *long_secret = g_strnfill(LIMIT_OAUTH_CLIENT_SECRET_BYTES + 1, 'a');
    const struct {
        const char *name;
        guint kind;
        const char *value, *field, *code;
    } rows[] = {
        {"client secret with a line break", OAUTH_SECRET_CLIENT, "a\nb", "oauth/client_secret",
            "control_character"},
        {"long client secret", OAUTH_SECRET_CLIENT, long_secret, "oauth/client_secret", "too_long"},
        {"refresh token with a line break", OAUTH_SECRET_REFRESH_TOKEN, "a\rb",
            "oauth/refresh_token", "control_character"},
        {"no private key", OAUTH_SECRET_PRIVATE_KEY, certificate, "oauth/private_key",
            "private_key_unreadable"},
        {"no service account", OAUTH_SECRET_SERVICE_ACCOUNT, "{}", "oauth/service_account_key",
            "service_account_unreadable"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) secret = secret_new(rows[i].value, strlen(rows[i].value));
        SettingsOauthPatch patch = {.present = SETTINGS_OAUTH_SECRET(rows[i].kind)};
        patch.secrets[rows[i].kind] = secret;
        refuse(rows[i].name, basic, &patch, rows[i].field, rows[i].code);
    }
}

static void a_key_must_belong_to_the_certificate(void **state)
{
    g_autoptr(SmtpSettings) basic = make_basic(), full = make_full();
    g_autoptr(Secret) other = secret_new(other_key_text, strlen(other_key_text));
    SettingsOauthPatch both = {
        .present = SETTINGS_OAUTH_CERTIFICATE | SETTINGS_OAUTH_SECRET(OAUTH_SECRET_PRIVATE_KEY),
        .certificate = certificate,
        .secrets = {[OAUTH_SECRET_PRIVATE_KEY] = other}};
    SettingsOauthPatch only_key = both, only_certificate = both;
    only_key.present = SETTINGS_OAUTH_SECRET(OAUTH_SECRET_PRIVATE_KEY);
    only_certificate.present = SETTINGS_OAUTH_CERTIFICATE;
    only_certificate.certificate = other_certificate;
    refuse("both new", basic, &both, "oauth/private_key", "private_key_foreign");
    refuse("key for the kept certificate", full, &only_key, "oauth/private_key",
        "private_key_foreign");
    refuse("certificate for the kept key", full, &only_certificate, "oauth/certificate",
        "private_key_foreign");

    both.certificate = other_certificate;
    SettingsPatch patch = {.present = SETTINGS_OAUTH, .oauth = both};
    g_autoptr(SmtpSettings) next = apply(full, &patch, LATER);
    assert_string_equal(next->oauth.certificate, other_certificate);
    assert_true(next->oauth.set_at[OAUTH_SECRET_PRIVATE_KEY] == LATER);
}

/* --- Merging -----------------------------------------------------------------------------------
 */

static void only_members_that_are_named_change(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    SettingsPatch scope = {
        .present = SETTINGS_OAUTH, .oauth = {.present = SETTINGS_OAUTH_SCOPE, .scope = "other"}};
    g_autoptr(SmtpSettings) changed = apply(full, &scope, LATER);
    assert_string_equal(changed->oauth.scope, "other");
    assert_string_equal(changed->oauth.client_id, "client-1");
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        assert_opens(changed, kind);
    assert_int_equal(settings_oauth_dropped(full, changed, &scope), 0);
    assert_false(settings_same_destination(full, changed));

    SettingsPatch emptied = {.present = SETTINGS_OAUTH, .oauth = {.present = SETTINGS_OAUTH_SCOPE}};
    g_autoptr(SmtpSettings) without = apply(changed, &emptied, LATER);
    assert_null(without->oauth.scope);
}

static void null_clears_the_account(void **state)
{
    g_autoptr(SmtpSettings) full = make_full(), empty = settings_new();
    SettingsPatch patch = {.present = SETTINGS_OAUTH, .oauth = {.is_clear = TRUE}};
    g_autoptr(SmtpSettings) cleared = apply(full, &patch, LATER);
    assert_memory_equal(&cleared->oauth, &empty->oauth, sizeof empty->oauth);
    assert_int_equal(settings_oauth_dropped(full, cleared, &patch), 0); /* it was wished */
    assert_int_equal(cleared->auth, SETTINGS_AUTH_OAUTH2);
}

static void an_emptied_secret_takes_along_what_is_known_of_it(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        SettingsPatch patch = {
            .present = SETTINGS_OAUTH, .oauth = {.present = SETTINGS_OAUTH_SECRET(kind)}};
        g_autoptr(SmtpSettings) next = apply(full, &patch, LATER);
        g_autoptr(GError) error = NULL;
        for (guint each = 0; each < OAUTH_SECRETS; each++)
            assert_int_equal(next->oauth.sealed[each] == NULL, each == kind);
        assert_null(settings_unseal_oauth(next, kind, vault, ORG, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
        assert_int_equal(
            next->oauth.service_account_email == NULL, kind == OAUTH_SECRET_SERVICE_ACCOUNT);
        assert_int_equal(next->oauth.client_secret_ends_at == 0, kind == OAUTH_SECRET_CLIENT);
        assert_int_equal(settings_oauth_dropped(full, next, &patch), 0);
    }
}

static void a_new_client_secret_has_its_own_end(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    g_autoptr(Secret) secret = secret_new("newer", 5);
    SettingsPatch patch = {.present = SETTINGS_OAUTH,
        .oauth = {.present = SETTINGS_OAUTH_SECRET(OAUTH_SECRET_CLIENT),
            .secrets = {[OAUTH_SECRET_CLIENT] = secret}}};
    g_autoptr(SmtpSettings) untold = apply(full, &patch, LATER);
    assert_true(untold->oauth.client_secret_ends_at == 0);
    patch.oauth.present |= SETTINGS_OAUTH_CLIENT_SECRET_ENDS_AT;
    patch.oauth.client_secret_ends_at = LATER + 1;
    g_autoptr(SmtpSettings) told = apply(full, &patch, LATER);
    assert_true(told->oauth.client_secret_ends_at == LATER + 1);
}

static void urls_of_another_provider_go_with_it(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    SettingsPatch patch = {.present = SETTINGS_OAUTH,
        .oauth = {.present = SETTINGS_OAUTH_PROVIDER, .provider = "microsoft"}};
    g_autoptr(SmtpSettings) next = apply(full, &patch, LATER);
    assert_null(next->oauth.token_url);
    assert_null(next->oauth.authorize_url);
    assert_null(next->oauth.device_url);
}

/* --- Whom a secret belongs to ------------------------------------------------------------------
 */

static const struct {
    const char *name;
    SettingsPatch patch;
    gboolean dropped;
} moves[] = {
    {"host", {.present = SETTINGS_HOST, .host = "rogue.example.net"}, TRUE},
    {"port", {.present = SETTINGS_PORT, .port = 2587}, TRUE},
    {"security", {.present = SETTINGS_SECURITY, .security = "implicit"}, TRUE},
    {"username", {.present = SETTINGS_USERNAME, .username = "eve@example.com"}, TRUE},
    {"username emptied", {.present = SETTINGS_USERNAME}, TRUE},
    {"provider",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_PROVIDER, .provider = "microsoft"}},
        TRUE},
    {"token URL",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_TOKEN_URL,
                .token_url = "https://rogue.example.net/token"}},
        TRUE},
    {"token URL emptied",
        {.present = SETTINGS_OAUTH, .oauth = {.present = SETTINGS_OAUTH_TOKEN_URL}}, TRUE},
    {"URL for codes of devices",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_DEVICE_URL,
                .device_url = "https://rogue.example.net/device"}},
        TRUE},
    {"URL for codes of devices, with the grant that uses it",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_GRANT | SETTINGS_OAUTH_DEVICE_URL,
                .grant = "refresh_token",
                .device_url = "https://rogue.example.net/device"}},
        TRUE},
    {"URL for codes of devices emptied",
        {.present = SETTINGS_OAUTH, .oauth = {.present = SETTINGS_OAUTH_DEVICE_URL}}, TRUE},
    {"grant alone",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_GRANT, .grant = "refresh_token"}},
        FALSE},
    {"client id",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_CLIENT_ID, .client_id = "client-2"}},
        TRUE},
    {"host in other spelling", {.present = SETTINGS_HOST, .host = "SMTP.Office365.com."}, FALSE},
    {"sender", {.present = SETTINGS_FROM_EMAIL, .from_email = "other@example.com"}, FALSE},
    {"way to sign in", {.present = SETTINGS_AUTH}, FALSE},
    {"tenant nobody asks for",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_TENANT, .tenant = "example.com"}},
        FALSE},
    {"page to sign in",
        {.present = SETTINGS_OAUTH,
            .oauth = {.present = SETTINGS_OAUTH_AUTHORIZE_URL,
                .authorize_url = "https://other.example.com/auth"}},
        FALSE},
};

static void secrets_stay_only_with_their_account(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(moves); i++) {
        g_autoptr(SmtpSettings) full = make_full();
        g_autoptr(SmtpSettings) next = apply(full, &moves[i].patch, LATER);
        guint dropped = settings_oauth_dropped(full, next, &moves[i].patch);
        if (dropped != (moves[i].dropped ? ALL_SECRETS : 0))
            fail_msg("%s: %x", moves[i].name, dropped);
        for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
            assert_int_equal(next->oauth.sealed[kind] == NULL, moves[i].dropped);
            assert_int_equal(next->oauth.set_at[kind] == 0, moves[i].dropped);
            if (!moves[i].dropped)
                assert_opens(next, kind);
            assert_opens(full, kind); /* what it was made from is untouched */
        }
    }
}

static void a_smuggled_secret_does_not_open_elsewhere(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    for (gsize i = 0; i < G_N_ELEMENTS(moves); i++) {
        if (!moves[i].dropped)
            continue;
        g_autoptr(SmtpSettings) next = apply(full, &moves[i].patch, LATER);
        for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
            next->oauth.sealed[kind] = g_bytes_ref(full->oauth.sealed[kind]);
            g_autoptr(GError) error = NULL;
            if (settings_unseal_oauth(next, kind, vault, ORG, &error) != NULL)
                fail_msg("%s: %s", moves[i].name, oauth_secret_name(kind));
            assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
        }
    }
}

static void a_secret_opens_for_no_other_org_and_as_no_other_kind(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    assert_null(settings_unseal_oauth(full, OAUTH_SECRET_CLIENT, vault, ORG + 1, NULL));
    GBytes *client = full->oauth.sealed[OAUTH_SECRET_CLIENT];
    full->oauth.sealed[OAUTH_SECRET_CLIENT] = full->oauth.sealed[OAUTH_SECRET_REFRESH_TOKEN];
    full->oauth.sealed[OAUTH_SECRET_REFRESH_TOKEN] = client;
    assert_null(settings_unseal_oauth(full, OAUTH_SECRET_CLIENT, vault, ORG, NULL));
    assert_null(settings_unseal_oauth(full, OAUTH_SECRET_REFRESH_TOKEN, vault, ORG, NULL));
}

static void a_secret_given_anew_belongs_to_the_new_account(void **state)
{
    g_autoptr(SmtpSettings) full = make_full();
    g_autoptr(Secret) secret = value_of(OAUTH_SECRET_CLIENT);
    SettingsPatch patch = {.present = SETTINGS_HOST | SETTINGS_OAUTH,
        .host = "smtp.example.net",
        .oauth = {.present = SETTINGS_OAUTH_SECRET(OAUTH_SECRET_CLIENT),
            .secrets = {[OAUTH_SECRET_CLIENT] = secret}}};
    g_autoptr(SmtpSettings) next = apply(full, &patch, LATER);
    assert_opens(next, OAUTH_SECRET_CLIENT);
    assert_int_equal(
        settings_oauth_dropped(full, next, &patch), ALL_SECRETS & ~(1u << OAUTH_SECRET_CLIENT));
}

static void a_rotated_refresh_token_is_the_same_sign_in(void **state)
{
    g_autoptr(SmtpSettings) full = make_full(), rotated = settings_copy(full);
    g_autoptr(Secret) token = secret_new("rotated", 7);
    GBytes *sealed = settings_seal_refresh_token(full, token, vault, ORG);
    g_bytes_unref(rotated->oauth.sealed[OAUTH_SECRET_REFRESH_TOKEN]);
    rotated->oauth.sealed[OAUTH_SECRET_REFRESH_TOKEN] = sealed;
    g_autoptr(Secret) opened =
        settings_unseal_oauth(rotated, OAUTH_SECRET_REFRESH_TOKEN, vault, ORG, NULL);
    assert_true(secret_equal(opened, token));
    assert_true(settings_same_destination(full, rotated));

    settings_sign_in(rotated, token, vault, ORG, LATER);
    assert_true(rotated->oauth.set_at[OAUTH_SECRET_REFRESH_TOKEN] == LATER);
    assert_false(settings_same_destination(full, rotated));
}

/* --- What is missing ---------------------------------------------------------------------------
 */

static void what_the_grant_needs_is_missing(void **state)
{
    static const struct {
        const char *name, *missing;
        SettingsOauthPatch patch;
    } rows[] = {
        {"nothing chosen", "oauth/provider oauth/grant", {0}},
        {"Microsoft with a secret", "oauth/tenant oauth/client_id oauth/client_secret",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT,
                .provider = "microsoft",
                .grant = "client_secret"}},
        {"Microsoft with a certificate",
            "oauth/tenant oauth/client_id oauth/certificate oauth/private_key",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT,
                .provider = "microsoft",
                .grant = "certificate"}},
        {"Google with a service account", "oauth/service_account_key",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT,
                .provider = "google",
                .grant = "service_account"}},
        {"Google with a sign-in", "oauth/client_secret oauth/refresh_token",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT | SETTINGS_OAUTH_CLIENT_ID,
                .provider = "google",
                .grant = "refresh_token",
                .client_id = "client-1"}},
        {"generic", "oauth/client_id oauth/token_url oauth/authorize_url oauth/refresh_token",
            {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT,
                .provider = "generic",
                .grant = "refresh_token"}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) basic = make_basic();
        SettingsPatch patch = {.present = SETTINGS_OAUTH, .oauth = rows[i].patch};
        g_autoptr(SmtpSettings) next = apply(basic, &patch, NOW);
        SettingsMissing missing = settings_missing(next);
        g_autofree char *names = g_strjoinv(" ", (char **)missing.names);
        if (strcmp(names, rows[i].missing) != 0)
            fail_msg("%s: %s", rows[i].name, names);
    }
    g_autoptr(SmtpSettings) full = make_full();
    assert_int_equal(settings_missing(full).n, 0); /* and no password */
    full->auth = SETTINGS_AUTH_AUTO;
    assert_string_equal(settings_missing(full).names[0], "password");
}

static void the_way_to_sign_in_is_one_of_two(void **state)
{
    g_autoptr(SmtpSettings) basic = make_basic();
    SettingsPatch patch = {.present = SETTINGS_AUTH, .auth = "auto"};
    g_autoptr(SmtpSettings) automatic = apply(basic, &patch, NOW);
    assert_int_equal(automatic->auth, SETTINGS_AUTH_AUTO);
    patch.auth = "ntlm";
    g_autoptr(GPtrArray) faults = NULL;
    assert_null(try_patch(basic, &patch, NOW, &faults));
    const SettingsFault *fault = g_ptr_array_index(faults, 0);
    assert_string_equal(fault->field, "auth");
    assert_string_equal(fault->code, "unknown_value");
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_taken_and_every_secret_opens),
        cmocka_unit_test(wrong_members_are_named),
        cmocka_unit_test(wrong_secrets_are_named),
        cmocka_unit_test(a_key_must_belong_to_the_certificate),
        cmocka_unit_test(only_members_that_are_named_change),
        cmocka_unit_test(null_clears_the_account),
        cmocka_unit_test(an_emptied_secret_takes_along_what_is_known_of_it),
        cmocka_unit_test(a_new_client_secret_has_its_own_end),
        cmocka_unit_test(urls_of_another_provider_go_with_it),
        cmocka_unit_test(secrets_stay_only_with_their_account),
        cmocka_unit_test(a_smuggled_secret_does_not_open_elsewhere),
        cmocka_unit_test(a_secret_opens_for_no_other_org_and_as_no_other_kind),
        cmocka_unit_test(a_secret_given_anew_belongs_to_the_new_account),
        cmocka_unit_test(a_rotated_refresh_token_is_the_same_sign_in),
        cmocka_unit_test(what_the_grant_needs_is_missing),
        cmocka_unit_test(the_way_to_sign_in_is_one_of_two),
    };
    return cmocka_run_group_tests(tests, open_vault, close_vault);
}
