#include "oauth/service_account.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"

static char *pem, *escaped; /* the latter as it stands in JSON */

static int group_setup(void **state)
{
    secret_init();
    EVP_PKEY *key = EVP_RSA_gen(2048);
    pem = key_pem(key, NULL);
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);
    escaped = g_strjoinv("\\n", lines);
    EVP_PKEY_free(key);
    return 0;
}

static int group_teardown(void **state)
{
    g_free(pem);
    g_free(escaped);
    return 0;
}

#define EMAIL "\"client_email\": \"absender@projekt.iam.gserviceaccount.com\""
#define KEY_ID "\"private_key_id\": \"0123abcd\""
#define TYPE "\"type\": \"service_account\""

/* The file with KEY where the private key stands. */
static OauthServiceAccount *read_file(const char *before, const char *key, OauthFault *fault)
{
    g_autofree char *text = g_strdup_printf("{%s, \"private_key\": \"%s\"}", before, key);
    g_autoptr(Secret) file = secret_of(text);
    return oauth_service_account_read(file, fault);
}

static void the_file_of_google_is_read(void **state)
{
    g_autoptr(OauthServiceAccount) account =
        read_file(TYPE ", \"project_id\": \"projekt\", " KEY_ID ", " EMAIL
                       ", \"client_id\": \"108\", \"token_uri\": \"https://evil.example/\", "
                       "\"universe_domain\": \"googleapis.com\"",
            escaped, NULL);
    assert_non_null(account);
    assert_string_equal(account->client_email, "absender@projekt.iam.gserviceaccount.com");
    assert_string_equal(account->private_key_id, "0123abcd");
    assert_string_equal(account->client_id, "108");
    assert_string_equal(secret_reveal(account->private_key, NULL), pem);
}

static void the_number_of_the_client_may_be_missing(void **state)
{
    g_autoptr(OauthServiceAccount) account = read_file(TYPE ", " KEY_ID ", " EMAIL, escaped, NULL);
    assert_non_null(account);
    assert_null(account->client_id);
}

static void another_file_is_refused(void **state)
{
    static const struct {
        const char *name, *before, *key; /* key NULL: the good one */
        OauthFault fault;
    } rows[] = {
        {"no type", KEY_ID ", " EMAIL, NULL, OAUTH_FAULT_SERVICE_ACCOUNT},
        {"no address", TYPE ", " KEY_ID, NULL, OAUTH_FAULT_SERVICE_ACCOUNT},
        {"an address of two lines", TYPE ", " KEY_ID ", \"client_email\": \"a@b.de\\r\\nx\"", NULL,
            OAUTH_FAULT_SERVICE_ACCOUNT},
        {"no id of the key", TYPE ", " EMAIL, NULL, OAUTH_FAULT_SERVICE_ACCOUNT},
        {"the same member twice", TYPE ", " TYPE ", " KEY_ID ", " EMAIL, NULL,
            OAUTH_FAULT_SERVICE_ACCOUNT},
        {"a user's file", "\"type\": \"authorized_user\", " EMAIL, NULL,
            OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT},
        {"an OAuth client's file", "\"web\": {\"client_id\": \"x\"}", NULL,
            OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT},
        {"an installed client's file", "\"installed\": {\"client_id\": \"x\"}", NULL,
            OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT},
        {"a key that is none", TYPE ", " KEY_ID ", " EMAIL, "AAAA", OAUTH_FAULT_KEY},
        {"an empty key", TYPE ", " KEY_ID ", " EMAIL, "", OAUTH_FAULT_KEY},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        OauthFault fault = OAUTH_FAULT_NONE;
        const char *key = rows[i].key != NULL ? rows[i].key : escaped;
        if (read_file(rows[i].before, key, &fault) != NULL || fault != rows[i].fault)
            fail_msg("%s: %u", rows[i].name, fault);
    }
}

static void what_is_no_json_object_is_refused(void **state)
{
    g_autofree char *filler = g_strnfill(LIMIT_OAUTH_SERVICE_ACCOUNT_BYTES, ' ');
    g_autofree char *large = g_strconcat(
        "{" TYPE ", " KEY_ID ", " EMAIL ", \"private_key\": \"", escaped, "\"}", filler, NULL);
    const char *const rows[] = {"", "[]", "7", "{", "-----BEGIN PRIVATE KEY-----", "{}", large,
        "{" TYPE ", " KEY_ID ", " EMAIL "}",
        "{" TYPE ", " KEY_ID ", " EMAIL ", \"private_key\": 7}"};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) file = secret_of(rows[i]);
        OauthFault fault = OAUTH_FAULT_NONE;
        if (oauth_service_account_read(file, &fault) != NULL ||
            fault != OAUTH_FAULT_SERVICE_ACCOUNT)
            fail_msg("row %zu: %u", i, fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_of_google_is_read),
        cmocka_unit_test(the_number_of_the_client_may_be_missing),
        cmocka_unit_test(another_file_is_refused),
        cmocka_unit_test(what_is_no_json_object_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
