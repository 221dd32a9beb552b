/* The providers that the sandbox plays, as its script: who is answered how. */
#include "ingress/sandbox_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static SandboxAnswer log_in(const char *username, const char *password)
{
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    const SmtpServerEffects effects = {
        .ask = SMTP_ASK_LOGIN, .username = username, .password = secret};
    return sandbox_script(&effects, NULL);
}

static SandboxAnswer send_as(SmtpAsk ask, const char *sender, const char *login)
{
    static const char *const nobody[] = {NULL};
    const SmtpServerEffects effects = {.ask = ask, .sender = sender, .recipients = nobody};
    return sandbox_script(&effects, login);
}

/* What a scene enters at the sandbox's own door is answered as its diagnosis wants. */
static void each_scene_meets_its_provider(void **state)
{
    guint n;
    const SandboxScene *scenes = sandbox_scenes(&n);
    for (guint i = 0; i < n; i++) {
        const SandboxScene *scene = &scenes[i];
        gboolean is_login = g_str_has_suffix(scene->trouble, "password");
        gboolean is_sender = strcmp(scene->trouble, "sender") == 0;
        gboolean is_late = scene->late != NULL;
        print_message("# %s, %s\n", scene->preset, scene->trouble);
        assert_string_equal(sandbox_preset_of(scene->username), scene->preset);
        assert_int_equal(log_in(scene->username, scene->password).code != 0, is_login);
        assert_int_equal(log_in(scene->username, "sandbox").code, 0);
        assert_int_equal(send_as(SMTP_ASK_SENDER, scene->from_email, scene->username).code != 0,
            is_sender && !is_late);
        assert_int_equal(
            send_as(SMTP_ASK_MESSAGE, scene->from_email, scene->username).code != 0, is_late);
        assert_int_equal(send_as(SMTP_ASK_SENDER, scene->username, scene->username).code, 0);
        assert_int_equal(send_as(SMTP_ASK_MESSAGE, scene->username, scene->username).code, 0);
    }
}

static void the_five_of_the_manuals_can_be_tried(void **state)
{
    static const char *const presets[] = {"ionos", "strato", "allinkl", "gmail", "microsoft365"};
    static const char *const troubles[] = {"none", "wrong_password", "certificate", "port"};
    guint n, n_found = 0;
    const SandboxScene *scenes = sandbox_scenes(&n);
    for (gsize i = 0; i < G_N_ELEMENTS(presets) * G_N_ELEMENTS(troubles); i++) {
        for (guint k = 0; k < n; k++)
            n_found += strcmp(scenes[k].preset, presets[i / G_N_ELEMENTS(troubles)]) == 0 &&
                       strcmp(scenes[k].trouble, troubles[i % G_N_ELEMENTS(troubles)]) == 0;
    }
    assert_int_equal(n_found, G_N_ELEMENTS(presets) * G_N_ELEMENTS(troubles));
}

/* Google takes any sender and puts the account's own in its place. */
static void gmail_takes_any_sender(void **state)
{
    assert_int_equal(send_as(SMTP_ASK_SENDER, "boss@other.example", "info@gmail.example").code, 0);
    assert_int_equal(send_as(SMTP_ASK_MESSAGE, "boss@other.example", "info@gmail.example").code, 0);
}

static void a_name_chooses_only_by_its_whole_domain(void **state)
{
    assert_null(sandbox_preset_of("info@not-gmail.example"));
    assert_null(sandbox_preset_of("gmail.example"));
    assert_null(sandbox_preset_of(NULL));
    assert_string_equal(sandbox_preset_of("INFO@Gmail.Example"), "gmail");
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scene_meets_its_provider),
        cmocka_unit_test(the_five_of_the_manuals_can_be_tried),
        cmocka_unit_test(gmail_takes_any_sender),
        cmocka_unit_test(a_name_chooses_only_by_its_whole_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
