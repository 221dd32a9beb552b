#include "base/limits.h"
#include "scratch.h"
#include "store/history.h"
#include "store/smtp_settings.h"
#include "store/test_mails.h"
#include "store/verifications.h"

#define ORG STORE_DEFAULT_ORG

static SmtpSettings *make_settings(const char *host)
{
    SmtpSettings *settings = settings_new();
    settings->host = g_strdup(host);
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new(host, strlen(host));
    settings->password_set_at = T0;
    return settings;
}

static void activate(Scratch *self, const SmtpSettings *settings, WallMs now)
{
    g_autoptr(GError) error = NULL;
    ok(smtp_activate(self->db, ORG, settings, -1, now, &error), error);
}

static void activate_host(Scratch *self, const char *host, WallMs now)
{
    g_autoptr(SmtpSettings) settings = make_settings(host);
    activate(self, settings, now);
}

static GPtrArray *list(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *versions = settings_history_list(self->db, ORG, &error);
    ok(versions, error);
    return versions;
}

static const SettingsVersion *at(const GPtrArray *versions, guint i)
{
    assert_true(i < versions->len);
    return versions->pdata[i];
}

static SmtpState *read_state(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    SmtpState *state = smtp_state_read(self->db, ORG, &error);
    ok(state, error);
    return state;
}

static void a_new_organisation_has_no_history(void **state)
{
    g_autoptr(GPtrArray) versions = list(*state);
    assert_int_equal(versions->len, 0);
}

static void each_activation_is_a_version_newest_first(void **state)
{
    Scratch *self = *state;
    activate_host(self, "one.example", T0);
    activate_host(self, "two.example", T0 + 1);
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, 2);
    assert_string_equal(at(versions, 0)->settings->host, "two.example");
    assert_true(at(versions, 0)->is_active);
    assert_true(at(versions, 0)->activated_at == T0 + 1);
    assert_string_equal(at(versions, 1)->settings->host, "one.example");
    assert_false(at(versions, 1)->is_active);
}

static void a_version_comes_back_with_every_field_and_its_password(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) settings = make_settings("mail.example.de");
    settings->port = 465;
    settings->security = TLS_MODE_IMPLICIT;
    settings->username = g_strdup("anna");
    settings->from_name = g_strdup("Bäckerei");
    settings->ehlo_name = g_strdup("shop.example.de");
    settings->max_connections = 7;
    settings->window = 9;
    settings->quota = (SettingsQuota){1, 2, 3};
    activate(self, settings, T0);
    g_autoptr(GPtrArray) versions = list(self);
    g_autoptr(GError) error = NULL;
    g_autoptr(SettingsVersion) version =
        settings_history_get(self->db, ORG, &at(versions, 0)->id, &error);
    ok(version, error);
    const SmtpSettings *read = version->settings;
    assert_true(settings_same_destination(read, settings));
    assert_int_equal(read->port, 465);
    assert_int_equal(read->security, TLS_MODE_IMPLICIT);
    assert_string_equal(read->username, "anna");
    assert_string_equal(read->from_name, "Bäckerei");
    assert_string_equal(read->ehlo_name, "shop.example.de");
    assert_int_equal(read->max_connections, 7);
    assert_int_equal(read->window, 9);
    assert_int_equal(read->quota.per_minute, 1);
    assert_int_equal(read->quota.per_hour, 2);
    assert_int_equal(read->quota.per_day, 3);
    assert_true(read->password_set_at == T0);
    assert_true(g_bytes_equal(read->password_sealed, settings->password_sealed));
}

static void an_unknown_version_is_none(void **state)
{
    Scratch *self = *state;
    activate_host(self, "one.example", T0);
    g_autoptr(GPtrArray) versions = list(self);
    Id unknown = scratch_id(self, T0);
    g_autoptr(GError) error = NULL;
    assert_null(settings_history_get(self->db, ORG, &unknown, &error));
    assert_null(error);
    assert_null(settings_history_get(self->db, ORG + 1, &at(versions, 0)->id, &error));
    assert_null(error);
}

static void the_oldest_versions_go_with_their_passwords(void **state)
{
    Scratch *self = *state;
    for (int i = 0; i < LIMIT_SETTINGS_HISTORY + 3; i++) {
        g_autofree char *host = g_strdup_printf("host%d.example", i);
        activate_host(self, host, T0 + i);
    }
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, LIMIT_SETTINGS_HISTORY);
    assert_string_equal(at(versions, 0)->settings->host, "host22.example");
    assert_string_equal(at(versions, versions->len - 1)->settings->host, "host3.example");
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM smtp_history"), 20);
}

static void settings_that_are_only_verified_again_are_no_new_version(void **state)
{
    Scratch *self = *state;
    activate_host(self, "one.example", T0);
    activate_host(self, "one.example", T0 + 5);
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, 1);
    assert_true(at(versions, 0)->is_active);
    assert_true(at(versions, 0)->activated_at == T0);

    g_autoptr(SmtpSettings) renamed = make_settings("one.example");
    renamed->from_name = g_strdup("Another name");
    activate(self, renamed, T0 + 6);
    g_autoptr(GPtrArray) after = list(self);
    assert_int_equal(after->len, 2);
}

static void settings_that_are_active_again_are_the_newest_version_and_not_two(void **state)
{
    Scratch *self = *state;
    activate_host(self, "one.example", T0);
    g_autoptr(GPtrArray) first = list(self);
    activate_host(self, "two.example", T0 + 1);
    activate_host(self, "one.example", T0 + 2);
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, 2);
    assert_string_equal(at(versions, 0)->settings->host, "one.example");
    assert_true(at(versions, 0)->is_active);
    assert_true(at(versions, 0)->activated_at == T0 + 2);
    assert_memory_equal(&at(versions, 0)->id, &at(first, 0)->id, sizeof(Id));

    g_autoptr(SmtpSettings) retyped = make_settings("two.example");
    retyped->password_set_at = T0 + 3;
    activate(self, retyped, T0 + 3);
    g_autoptr(GPtrArray) after = list(self);
    assert_int_equal(after->len, 3);
}

static void who_started_the_run_has_activated_its_settings(void **state)
{
    Scratch *self = *state;
    g_autoptr(Verification) run = verification_new();
    g_autoptr(GError) error = NULL;
    run->org_id = ORG;
    run->id = scratch_id(self, T0);
    run->started_at = T0;
    ok(verification_write(self->db, run, &error), error);
    ok(db_exec(self->db, "UPDATE verifications SET started_by = 'anna@example.de', revision = 0",
           &error),
        error);
    activate_host(self, "one.example", T0);
    activate_host(self, "two.example", T0 + 1); /* no run of that revision */
    g_autoptr(GPtrArray) versions = list(self);
    assert_null(at(versions, 0)->activated_by);
    assert_string_equal(at(versions, 1)->activated_by, "anna@example.de");
}

/* --- Limits of the active settings ----------------------------------------------------------- */

static gboolean write_limits(
    Scratch *self, SettingsQuota quota, guint max_connections, guint window, GError **error)
{
    g_autoptr(SmtpSettings) limits = settings_new();
    limits->host = g_strdup("evil.example"); /* of all this only the limits may be taken */
    limits->quota = quota;
    limits->max_connections = max_connections;
    limits->window = window;
    return smtp_limits_write(self->db, ORG, limits, -1, error);
}

static void a_quota_is_changed_without_another_version_of_the_settings(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    activate_host(self, "one.example", T0);
    g_autoptr(SmtpState) before = read_state(self);
    scratch_forget_changes(self);
    ok(write_limits(self, (SettingsQuota){1, 20, 300}, LIMIT_CONNECTIONS_DEFAULT,
           LIMIT_WINDOW_DEFAULT, &error),
        error);
    g_autoptr(SmtpState) after = read_state(self);
    assert_string_equal(after->active->host, "one.example");
    assert_int_equal(after->active->quota.per_minute, 1);
    assert_int_equal(after->active->quota.per_hour, 20);
    assert_int_equal(after->active->quota.per_day, 300);
    assert_null(after->draft);
    assert_true(after->config_version == before->config_version);
    assert_true(after->revision == before->revision + 1);
    assert_true(after->active_since == before->active_since);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, 1);
}

/* The number stands for the account and how it is logged in to: a hold, a break or a refused login
 * that the outbox knows under it goes on. */
static void limits_leave_the_number_and_what_is_known_under_it(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    activate_host(self, "one.example", T0);
    TestMail mail = {.org_id = ORG,
        .email_id = scratch_id(self, T0),
        .config_version = 1,
        .recipient = (char *)"anna@example.de",
        .sent_at = T0};
    ok(test_mail_add(self->db, &mail, &error), error);
    ok(smtp_health_write(
           self->db, ORG, 1, HEALTH_CREDENTIAL_FAULT, "auth_wrong_password", T0, &error),
        error);
    ok(write_limits(self, (SettingsQuota){0, 0, 0}, 2, 1, &error), error);
    g_autoptr(SmtpState) after = read_state(self);
    assert_int_equal(after->config_version, 1);
    assert_int_equal(after->health, HEALTH_CREDENTIAL_FAULT);
    assert_int_equal(after->active->max_connections, 2);
    assert_int_equal(after->active->window, 1);
    g_autoptr(GPtrArray) versions = list(self);
    assert_int_equal(versions->len, 1);
    assert_true(at(versions, 0)->is_active);
    g_autoptr(TestMail) last = test_mail_last(self->db, ORG, &error);
    assert_int_equal(last->config_version, 1);
}

static void limits_need_active_settings_and_the_right_revision(void **state)
{
    Scratch *self = *state;
    refused(write_limits(self, (SettingsQuota){1, 0, 0}, 1, 1, error_out), ABS_ERROR_NOT_FOUND);
    activate_host(self, "one.example", T0);
    g_autoptr(SmtpSettings) limits = settings_new();
    refused(smtp_limits_write(self->db, ORG, limits, 77, error_out), ABS_ERROR_CONFLICT);
}

static void a_failure_is_forgotten_when_other_settings_become_active(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    activate_host(self, "one.example", T0);
    ok(db_exec(self->db,
           "UPDATE smtp_state SET last_failure_at = 5, last_failure_diagnosis = 'x', "
           "last_accepted_at = 4",
           &error),
        error);
    activate_host(self, "two.example", T0 + 1);
    g_autoptr(SmtpState) after = read_state(self);
    assert_int_equal(after->last_failure_at, 0);
    assert_null(after->last_failure_diagnosis);
    assert_int_equal(after->last_accepted_at, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_new_organisation_has_no_history),
        SCRATCH_TEST(each_activation_is_a_version_newest_first),
        SCRATCH_TEST(a_version_comes_back_with_every_field_and_its_password),
        SCRATCH_TEST(an_unknown_version_is_none),
        SCRATCH_TEST(the_oldest_versions_go_with_their_passwords),
        SCRATCH_TEST(settings_that_are_only_verified_again_are_no_new_version),
        SCRATCH_TEST(settings_that_are_active_again_are_the_newest_version_and_not_two),
        SCRATCH_TEST(who_started_the_run_has_activated_its_settings),
        SCRATCH_TEST(a_quota_is_changed_without_another_version_of_the_settings),
        SCRATCH_TEST(limits_leave_the_number_and_what_is_known_under_it),
        SCRATCH_TEST(limits_need_active_settings_and_the_right_revision),
        SCRATCH_TEST(a_failure_is_forgotten_when_other_settings_become_active),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
