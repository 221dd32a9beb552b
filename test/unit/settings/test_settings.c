#include "base/limits.h"
#include "settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static SmtpSettings *make_full(void)
{
    SmtpSettings *settings = settings_new();
    settings->host = g_strdup("smtp.example.de");
    settings->port = 2587;
    settings->security = TLS_MODE_STARTTLS;
    settings->username = g_strdup("anna");
    settings->from_email = g_strdup("anna@example.de");
    settings->from_name = g_strdup("Anna");
    settings->ehlo_name = g_strdup("mail.example.de");
    settings->quota.per_day = 500;
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    settings->password_set_at = 7;
    return settings;
}

static void new_settings_have_defaults(void **state)
{
    g_autoptr(SmtpSettings) settings = settings_new();
    assert_int_equal(settings_port(settings), 587);
    assert_int_equal(settings_security(settings), TLS_MODE_STARTTLS);
    assert_null(settings_username(settings));
    assert_int_equal(settings->max_connections, LIMIT_CONNECTIONS_DEFAULT);
    assert_int_equal(settings->window, LIMIT_WINDOW_DEFAULT);
    assert_null(settings->password_sealed);
}

static void security_follows_the_port_unless_it_is_set(void **state)
{
    static const struct {
        guint port, security;
        TlsMode in_force;
    } rows[] = {
        {0, 0, TLS_MODE_STARTTLS},
        {587, 0, TLS_MODE_STARTTLS},
        {2525, 0, TLS_MODE_STARTTLS},
        {465, 0, TLS_MODE_IMPLICIT},
        {2465, 0, TLS_MODE_IMPLICIT},
        {465, TLS_MODE_STARTTLS, TLS_MODE_STARTTLS},
        {587, TLS_MODE_IMPLICIT, TLS_MODE_IMPLICIT},
        {0, TLS_MODE_IMPLICIT, TLS_MODE_IMPLICIT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = settings_new();
        settings->port = rows[i].port;
        settings->security = rows[i].security;
        assert_int_equal(settings_security(settings), rows[i].in_force);
    }
}

static void the_user_name_defaults_to_the_sender(void **state)
{
    g_autoptr(SmtpSettings) settings = make_full();
    assert_string_equal(settings_username(settings), "anna");
    g_clear_pointer(&settings->username, g_free);
    assert_string_equal(settings_username(settings), "anna@example.de");
}

static void a_copy_has_everything_and_stands_alone(void **state)
{
    SmtpSettings *settings = make_full();
    g_autoptr(SmtpSettings) copy = settings_copy(settings);
    assert_true(settings_same_destination(settings, copy));
    settings_free(settings);
    assert_string_equal(copy->host, "smtp.example.de");
    assert_int_equal(copy->port, 2587);
    assert_string_equal(copy->username, "anna");
    assert_string_equal(copy->from_email, "anna@example.de");
    assert_string_equal(copy->from_name, "Anna");
    assert_string_equal(copy->ehlo_name, "mail.example.de");
    assert_int_equal(copy->quota.per_day, 500);
    assert_int_equal(copy->password_set_at, 7);
    assert_int_equal(g_bytes_get_size(copy->password_sealed), 6);
    g_autoptr(SmtpSettings) empty = settings_new();
    g_autoptr(SmtpSettings) empty_copy = settings_copy(empty);
    assert_true(settings_same_destination(empty, empty_copy));
}

static void what_is_missing_is_named_in_the_order_of_the_form(void **state)
{
    static const struct {
        gboolean host, from_email, password;
        const char *missing;
    } rows[] = {
        {TRUE, TRUE, TRUE, ""},
        {FALSE, TRUE, TRUE, "host"},
        {TRUE, FALSE, TRUE, "from_email"},
        {TRUE, TRUE, FALSE, "password"},
        {FALSE, FALSE, TRUE, "host from_email"},
        {FALSE, TRUE, FALSE, "host password"},
        {TRUE, FALSE, FALSE, "from_email password"},
        {FALSE, FALSE, FALSE, "host from_email password"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = make_full();
        if (!rows[i].host)
            g_clear_pointer(&settings->host, g_free);
        if (!rows[i].from_email)
            g_clear_pointer(&settings->from_email, g_free);
        if (!rows[i].password)
            g_clear_pointer(&settings->password_sealed, g_bytes_unref);
        SettingsMissing missing = settings_missing(settings);
        g_autofree char *names = g_strjoinv(" ", (char **)missing.names);
        assert_string_equal(names, rows[i].missing);
        assert_int_equal(missing.n, g_strv_length((char **)missing.names));
    }
}

static void change_nothing(SmtpSettings *settings)
{
}

static void change_host(SmtpSettings *settings)
{
    settings->host[0] = 'x';
}

static void change_port(SmtpSettings *settings)
{
    settings->port = 587;
}

static void change_security(SmtpSettings *settings)
{
    settings->security = TLS_MODE_IMPLICIT;
}

static void unset_security(SmtpSettings *settings)
{
    settings->security = 0; /* by port: the same */
}

static void change_username(SmtpSettings *settings)
{
    settings->username[0] = 'x';
}

static void change_from_email(SmtpSettings *settings)
{
    settings->from_email[0] = 'x';
}

static void change_ehlo_name(SmtpSettings *settings)
{
    g_clear_pointer(&settings->ehlo_name, g_free);
}

static void change_password(SmtpSettings *settings)
{
    settings->password_set_at++;
}

static void seal_anew(SmtpSettings *settings)
{
    g_bytes_unref(settings->password_sealed);
    settings->password_sealed = g_bytes_new_static("other!", 6);
}

static void change_auth(SmtpSettings *settings)
{
    settings->auth = SETTINGS_AUTH_OAUTH2;
}

static void change_client_id(SmtpSettings *settings)
{
    settings->oauth.client_id = g_strdup("other");
}

static void drop_password(SmtpSettings *settings)
{
    g_clear_pointer(&settings->password_sealed, g_bytes_unref);
}

static void change_from_name(SmtpSettings *settings)
{
    settings->from_name[0] = 'x';
}

static void change_pace(SmtpSettings *settings)
{
    settings->max_connections = settings->window = settings->quota.per_hour = 1;
}

static void a_destination_is_all_that_a_verification_proves(void **state)
{
    static const struct {
        const char *name;
        void (*change)(SmtpSettings *settings);
        gboolean same;
    } rows[] = {
        {"nothing", change_nothing, TRUE},
        {"host", change_host, FALSE},
        {"port", change_port, FALSE},
        {"security", change_security, FALSE},
        {"security unset", unset_security, TRUE},
        {"username", change_username, FALSE},
        {"from_email", change_from_email, FALSE},
        {"ehlo_name", change_ehlo_name, FALSE},
        {"password", change_password, FALSE},
        {"password under another key", seal_anew, TRUE},
        {"way to sign in", change_auth, FALSE},
        {"client id", change_client_id, FALSE},
        {"no password", drop_password, FALSE},
        {"from_name", change_from_name, TRUE},
        {"pace", change_pace, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) a = make_full(), b = make_full();
        rows[i].change(b);
        if (settings_same_destination(a, b) != rows[i].same ||
            settings_same_destination(b, a) != rows[i].same)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_settings_have_defaults),
        cmocka_unit_test(security_follows_the_port_unless_it_is_set),
        cmocka_unit_test(the_user_name_defaults_to_the_sender),
        cmocka_unit_test(a_copy_has_everything_and_stands_alone),
        cmocka_unit_test(what_is_missing_is_named_in_the_order_of_the_form),
        cmocka_unit_test(a_destination_is_all_that_a_verification_proves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
