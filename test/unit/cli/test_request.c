#include "cli/request.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(GBytes *body)
{
    gsize n = 0;
    const char *bytes = g_bytes_get_data(body, &n);
    return json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
}

static void any_password_survives_as_json(void **state)
{
    static const char *const passwords[] = {"simple", "with \"quotes\" and \\", "tab\tand\x01\x1f",
        "Prüfung € 🔑", "}}", "\\u0041", " "};
    for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
        for (int with_settings = 0; with_settings < 2; with_settings++) {
            json_t *settings = json_object();
            if (with_settings)
                json_object_set_new(settings, "host", json_string("smtp.example.com"));
            g_autoptr(Secret) password = secret_new(passwords[i], strlen(passwords[i]));
            g_autoptr(GBytes) body = request_verification(settings, password, TRUE, NULL, NULL);
            json_t *root = parse(body);
            json_t *sent = json_object_get(root, "settings");
            assert_string_equal(json_string_value(json_object_get(sent, "password")), passwords[i]);
            assert_int_equal(json_object_size(sent), (size_t)with_settings + 1);
            assert_true(json_is_true(json_object_get(root, "activate")));
            assert_null(json_object_get(root, "probe_recipient"));
            json_decref(root);
            json_decref(settings);
        }
    }
}

static void any_passphrase_survives_as_json(void **state)
{
    static const char *const passphrases[] = {"simple enough words", "with \"quotes\" and \\",
        "tab\tand\x01\x1f", "Schlüssel € 🔑", "\"}"};
    for (gsize i = 0; i < G_N_ELEMENTS(passphrases); i++) {
        g_autoptr(Secret) passphrase = secret_new(passphrases[i], strlen(passphrases[i]));
        g_autoptr(GBytes) body = request_key_export(passphrase, NULL);
        json_t *root = parse(body);
        assert_string_equal(json_string_value(json_object_get(root, "passphrase")), passphrases[i]);
        assert_int_equal(json_object_size(root), 1);
        json_decref(root);
    }
    g_autoptr(Secret) broken = secret_new("\xff\xfe words and more", 17);
    g_autoptr(GError) error = NULL;
    assert_null(request_key_export(broken, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
}

static void without_settings_the_draft_is_meant(void **state)
{
    g_autoptr(GBytes) body = request_verification(NULL, NULL, FALSE, "probe@example.com", NULL);
    json_t *root = parse(body);
    assert_null(json_object_get(root, "settings"));
    assert_true(json_is_false(json_object_get(root, "activate")));
    assert_string_equal(
        json_string_value(json_object_get(root, "probe_recipient")), "probe@example.com");
    json_decref(root);
}

static void what_is_not_utf8_is_refused(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) password = secret_new("\xff\xfe", 2);
    assert_null(request_verification(NULL, password, FALSE, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    g_clear_error(&error);
    assert_null(request_verification(NULL, NULL, FALSE, "\xff", &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_password_survives_as_json),
        cmocka_unit_test(any_passphrase_survives_as_json),
        cmocka_unit_test(without_settings_the_draft_is_meant),
        cmocka_unit_test(what_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
