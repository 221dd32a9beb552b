#include "oauth/profile.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BIT(kind) (1u << OAUTH_SECRET_##kind)

static void every_name_leads_back_to_its_number(void **state)
{
    guint number, found = 0;
    for (guint i = 0; i < 10; i++) {
        if (oauth_provider_name(i) != NULL) {
            assert_true(oauth_provider_parse(oauth_provider_name(i), &number) && number == i);
            found++;
        }
        if (oauth_grant_name(i) != NULL) {
            assert_true(oauth_grant_parse(oauth_grant_name(i), &number) && number == i);
            found++;
        }
        if (oauth_secret_name(i) != NULL) {
            assert_true(oauth_secret_parse(oauth_secret_name(i), &number) && number == i);
            found++;
        }
    }
    assert_int_equal(found, 3 + 4 + 4);
    number = 77;
    assert_false(oauth_provider_parse("apple", &number));
    assert_false(oauth_grant_parse(NULL, &number));
    assert_false(oauth_secret_parse("", &number));
    assert_int_equal(number, 77);
    assert_string_equal(oauth_secret_name(OAUTH_SECRET_SERVICE_ACCOUNT), "service_account_key");
}

static void every_fault_has_words(void **state)
{
    for (guint fault = OAUTH_FAULT_NONE + 1; fault < OAUTH_FAULTS; fault++) {
        assert_non_null(oauth_fault_code((OauthFault)fault));
        assert_non_null(oauth_fault_text((OauthFault)fault));
        for (guint other = OAUTH_FAULT_NONE + 1; other < fault; other++)
            assert_string_not_equal(
                oauth_fault_code((OauthFault)fault), oauth_fault_code((OauthFault)other));
    }
}

static void what_is_missing_is_named_in_the_order_of_the_form(void **state)
{
    static const struct {
        const char *name;
        OauthProfile profile;
        guint secrets;
        const char *says;
    } rows[] = {
        {"nothing", {0}, 0, "provider grant"},
        {"provider alone", {.provider = OAUTH_GOOGLE}, 0, "grant"},
        {"grant alone", {.grant = OAUTH_CLIENT_SECRET}, 0, "provider"},
        {"not offered", {.provider = OAUTH_GOOGLE, .grant = OAUTH_CERTIFICATE}, 0, "grant"},
        {"numbers nobody has", {.provider = 9, .grant = 9}, 0, "provider grant"},
        {"Microsoft, secret", {.provider = OAUTH_MICROSOFT, .grant = OAUTH_CLIENT_SECRET}, 0,
            "tenant client_id client_secret"},
        {"Microsoft, certificate", {.provider = OAUTH_MICROSOFT, .grant = OAUTH_CERTIFICATE}, 0,
            "tenant client_id certificate private_key"},
        {"Microsoft, sign-in",
            {.provider = OAUTH_MICROSOFT, .grant = OAUTH_REFRESH_TOKEN, .tenant = "common"}, 0,
            "client_id refresh_token"},
        {"Google, sign-in", {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN}, 0,
            "client_id client_secret refresh_token"},
        {"Google, service account", {.provider = OAUTH_GOOGLE, .grant = OAUTH_SERVICE_ACCOUNT}, 0,
            "service_account_key"},
        {"Google, complete", {.provider = OAUTH_GOOGLE, .grant = OAUTH_SERVICE_ACCOUNT},
            BIT(SERVICE_ACCOUNT), ""},
        {"empty is not entered",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = ""},
            BIT(CLIENT) | BIT(REFRESH_TOKEN), "client_id"},
        {"generic, secret", {.provider = OAUTH_GENERIC, .grant = OAUTH_CLIENT_SECRET}, 0,
            "client_id client_secret token_url"},
        {"generic, sign-in", {.provider = OAUTH_GENERIC, .grant = OAUTH_REFRESH_TOKEN}, 0,
            "client_id token_url authorize_url refresh_token"},
        {"generic, sign-in at a device",
            {.provider = OAUTH_GENERIC, .grant = OAUTH_REFRESH_TOKEN, .device_url = "https://x"}, 0,
            "client_id token_url refresh_token"},
        {"generic, signed in", {.provider = OAUTH_GENERIC, .grant = OAUTH_REFRESH_TOKEN},
            BIT(REFRESH_TOKEN), "client_id token_url"},
        {"generic, certificate",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_CERTIFICATE,
                .client_id = "a",
                .token_url = "https://x/t",
                .certificate = "PEM"},
            BIT(PRIVATE_KEY), ""},
        {"secrets of another grant",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_CERTIFICATE,
                .client_id = "a",
                .token_url = "https://x/t",
                .certificate = "PEM"},
            BIT(CLIENT) | BIT(REFRESH_TOKEN), "private_key"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *names[OAUTH_MISSING_MOST + 1] = {NULL};
        guint n = oauth_profile_missing(&rows[i].profile, rows[i].secrets, names);
        g_autofree char *says = g_strjoinv(" ", (char **)names);
        if (strcmp(says, rows[i].says) != 0 || (n > 0) != (says[0] != '\0'))
            fail_msg("%s: %s", rows[i].name, says);
    }
}

static void where_is_asked_and_for_what_follows_from_provider_and_grant(void **state)
{
#define MS "https://login.microsoftonline.com/firma.de/oauth2/v2.0/"
    static const struct {
        const char *name;
        OauthProfile profile;
        const char *token, *authorize, *device, *scope;
    } rows[] = {
        {"Microsoft, secret",
            {.provider = OAUTH_MICROSOFT, .grant = OAUTH_CLIENT_SECRET, .tenant = "firma.de"},
            MS "token", NULL, NULL, "https://outlook.office365.com/.default"},
        {"Microsoft, sign-in",
            {.provider = OAUTH_MICROSOFT, .grant = OAUTH_REFRESH_TOKEN, .tenant = "firma.de"},
            MS "token", MS "authorize", MS "devicecode",
            "https://outlook.office.com/SMTP.Send offline_access"},
        {"Microsoft without tenant", {.provider = OAUTH_MICROSOFT, .grant = OAUTH_CLIENT_SECRET},
            NULL, NULL, NULL, "https://outlook.office365.com/.default"},
        {"a tenant that would lead elsewhere",
            {.provider = OAUTH_MICROSOFT, .grant = OAUTH_REFRESH_TOKEN, .tenant = "a.de/../b"},
            NULL, NULL, NULL, "https://outlook.office.com/SMTP.Send offline_access"},
        {"an application in everybody's directory",
            {.provider = OAUTH_MICROSOFT, .grant = OAUTH_CLIENT_SECRET, .tenant = "common"}, NULL,
            NULL, NULL, "https://outlook.office365.com/.default"},
        {"Google, sign-in", {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN},
            "https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/v2/auth",
            NULL, "https://mail.google.com/"},
        {"Google, URLs of others do not count",
            {.provider = OAUTH_GOOGLE,
                .grant = OAUTH_SERVICE_ACCOUNT,
                .token_url = "https://evil.example/t",
                .device_url = "https://evil.example/d"},
            "https://oauth2.googleapis.com/token", NULL, NULL, "https://mail.google.com/"},
        {"a scope of one's own",
            {.provider = OAUTH_GOOGLE, .grant = OAUTH_SERVICE_ACCOUNT, .scope = "s"},
            "https://oauth2.googleapis.com/token", NULL, NULL, "s"},
        {"generic",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_REFRESH_TOKEN,
                .token_url = "https://x/t",
                .authorize_url = "https://x/a",
                .device_url = "https://x/d"},
            "https://x/t", "https://x/a", "https://x/d", NULL},
        {"generic without TLS",
            {.provider = OAUTH_GENERIC, .grant = OAUTH_CLIENT_SECRET, .token_url = "http://x/t"},
            NULL, NULL, NULL, NULL},
        {"nothing", {0}, NULL, NULL, NULL, NULL},
    };
#undef MS
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *token = oauth_token_url_dup(&rows[i].profile);
        g_autofree char *authorize = oauth_authorize_url_base_dup(&rows[i].profile);
        g_autofree char *device = oauth_device_url_dup(&rows[i].profile);
        g_autofree char *scope = oauth_scope_dup(&rows[i].profile);
        if (g_strcmp0(token, rows[i].token) != 0 || g_strcmp0(authorize, rows[i].authorize) != 0 ||
            g_strcmp0(device, rows[i].device) != 0 || g_strcmp0(scope, rows[i].scope) != 0)
            fail_msg("%s: %s %s %s %s", rows[i].name, token, authorize, device, scope);
    }
}

static void the_mailbox_is_the_user_name_unless_another_is_entered(void **state)
{
    const OauthProfile plain = {.username = "system@firma.de", .subject = ""};
    const OauthProfile other = {.username = "system@firma.de", .subject = "info@firma.de"};
    assert_string_equal(oauth_subject(&plain), "system@firma.de");
    assert_string_equal(oauth_subject(&other), "info@firma.de");
}

static void tenants_are_checked(void **state)
{
    static const struct {
        const char *tenant;
        guint grant;
        OauthFault fault;
    } rows[] = {
        {NULL, 0, OAUTH_FAULT_NONE},
        {"", 0, OAUTH_FAULT_NONE},
        {"firma.onmicrosoft.com", OAUTH_CLIENT_SECRET, OAUTH_FAULT_NONE},
        {"8C95ACF1-cc04-40a1-ad14-481862cf1801", OAUTH_CERTIFICATE, OAUTH_FAULT_NONE},
        {"common", OAUTH_REFRESH_TOKEN, OAUTH_FAULT_NONE},
        {"consumers", 0, OAUTH_FAULT_NONE},
        {"Organizations", OAUTH_CLIENT_SECRET, OAUTH_FAULT_TENANT_SHARED},
        {"common", OAUTH_CERTIFICATE, OAUTH_FAULT_TENANT_SHARED},
        {"firma", OAUTH_CLIENT_SECRET, OAUTH_FAULT_TENANT},
        {"8c95acf1-cc04-40a1-ad14-481862cf180", OAUTH_CLIENT_SECRET, OAUTH_FAULT_TENANT},
        {"firma.de/x", 0, OAUTH_FAULT_TENANT},
        {"firma.de?x", 0, OAUTH_FAULT_TENANT},
        {"firma.de%2f", 0, OAUTH_FAULT_TENANT},
        {"firma.de\r\n", 0, OAUTH_FAULT_TENANT},
        {"müller.de", 0, OAUTH_FAULT_TENANT},
        {"..", 0, OAUTH_FAULT_TENANT},
        {".de", 0, OAUTH_FAULT_TENANT},
        {"firma.", 0, OAUTH_FAULT_TENANT},
        {"a..b", 0, OAUTH_FAULT_TENANT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (oauth_tenant_check(rows[i].tenant, rows[i].grant) != rows[i].fault)
            fail_msg("%s", rows[i].tenant);
    }
    g_autofree char *label = g_strnfill(LIMIT_HOST_OCTETS, 'a');
    g_autofree char *longer = g_strconcat(label, ".de", NULL);
    assert_int_equal(oauth_tenant_check(longer, 0), OAUTH_FAULT_TENANT);
}

static void addresses_ids_and_scopes_are_checked(void **state)
{
    static const struct {
        const char *text;
        OauthFault (*check)(const char *text);
        OauthFault fault;
    } rows[] = {
        {NULL, oauth_url_check, OAUTH_FAULT_NONE},
        {"https://id.firma.de/realms/x/protocol/openid-connect/token", oauth_url_check,
            OAUTH_FAULT_NONE},
        {"https://id.firma.de:8443/token?p=b2c_1", oauth_url_check, OAUTH_FAULT_NONE},
        {"https://id.firma.de", oauth_url_check, OAUTH_FAULT_NONE},
        {"http://id.firma.de/token", oauth_url_check, OAUTH_FAULT_URL},
        {"httpS://id.firma.de/token", oauth_url_check, OAUTH_FAULT_URL},
        {"id.firma.de/token", oauth_url_check, OAUTH_FAULT_URL},
        {"https:///token", oauth_url_check, OAUTH_FAULT_URL},
        {"https://anna:pw@id.firma.de/token", oauth_url_check, OAUTH_FAULT_URL},
        {"https://id.firma.de@evil.example/token", oauth_url_check, OAUTH_FAULT_URL},
        {"https://id.firma.de/token#x", oauth_url_check, OAUTH_FAULT_URL},
        {"https://id.firma.de/to ken", oauth_url_check, OAUTH_FAULT_URL},
        {"https://id.firma.de/\r\nX: y", oauth_url_check, OAUTH_FAULT_URL},
        {"https://id.firma.de:99999/", oauth_url_check, OAUTH_FAULT_URL},
        {"javascript:alert(1)", oauth_url_check, OAUTH_FAULT_URL},
        {"abc.apps.googleusercontent.com", oauth_client_id_check, OAUTH_FAULT_NONE},
        {"with space", oauth_client_id_check, OAUTH_FAULT_CLIENT_ID},
        {"größe", oauth_client_id_check, OAUTH_FAULT_CLIENT_ID},
        {"https://mail.google.com/", oauth_scope_check, OAUTH_FAULT_NONE},
        {"smtp offline_access", oauth_scope_check, OAUTH_FAULT_NONE},
        {"smtp  offline_access", oauth_scope_check, OAUTH_FAULT_SCOPE},
        {" smtp", oauth_scope_check, OAUTH_FAULT_SCOPE},
        {"sm\"tp", oauth_scope_check, OAUTH_FAULT_SCOPE},
        {"a\tb", oauth_scope_check, OAUTH_FAULT_SCOPE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].check(rows[i].text) != rows[i].fault)
            fail_msg("%s", rows[i].text);
    }
    g_autofree char *long_text = g_strnfill(LIMIT_URL_BYTES, 'a');
    g_autofree char *long_url = g_strconcat("https://a.de/", long_text, NULL);
    assert_int_equal(oauth_url_check(long_url), OAUTH_FAULT_URL);
    assert_int_equal(oauth_client_id_check(long_text), OAUTH_FAULT_CLIENT_ID);
    assert_int_equal(oauth_scope_check(long_text), OAUTH_FAULT_SCOPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_back_to_its_number),
        cmocka_unit_test(every_fault_has_words),
        cmocka_unit_test(what_is_missing_is_named_in_the_order_of_the_form),
        cmocka_unit_test(where_is_asked_and_for_what_follows_from_provider_and_grant),
        cmocka_unit_test(the_mailbox_is_the_user_name_unless_another_is_entered),
        cmocka_unit_test(tenants_are_checked),
        cmocka_unit_test(addresses_ids_and_scopes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
