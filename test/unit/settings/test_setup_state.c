#include "settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef enum { NO_DRAFT, NO_HOST, NO_FROM_EMAIL, NO_PASSWORD, EMPTY_DRAFT, FULL_DRAFT } Draft;

static SmtpSettings *make_draft(Draft draft)
{
    if (draft == NO_DRAFT)
        return NULL;
    SmtpSettings *settings = settings_new();
    if (draft != NO_HOST && draft != EMPTY_DRAFT)
        settings->host = g_strdup("smtp.example.de");
    if (draft != NO_FROM_EMAIL && draft != EMPTY_DRAFT)
        settings->from_email = g_strdup("anna@example.de");
    if (draft != NO_PASSWORD && draft != EMPTY_DRAFT)
        settings->password_sealed = g_bytes_new_static("sealed", 6);
    return settings;
}

/* One row a draft; the columns are the four results of a verification. */
static const struct {
    const char *name;
    Draft draft;
    gboolean active;
    SetupState never, verifying, verified, failed;
} rows[] = {
    {"nothing", NO_DRAFT, FALSE, SETUP_NOT_CONFIGURED, SETUP_NOT_CONFIGURED, SETUP_NOT_CONFIGURED,
        SETUP_NOT_CONFIGURED},
    {"active only", NO_DRAFT, TRUE, SETUP_COMPLETE, SETUP_COMPLETE, SETUP_COMPLETE, SETUP_COMPLETE},
    {"empty draft", EMPTY_DRAFT, FALSE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"empty draft, active", EMPTY_DRAFT, TRUE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no host", NO_HOST, FALSE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no host, active", NO_HOST, TRUE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no sender", NO_FROM_EMAIL, FALSE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no sender, active", NO_FROM_EMAIL, TRUE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no password", NO_PASSWORD, FALSE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"no password, active", NO_PASSWORD, TRUE, SETUP_INCOMPLETE, SETUP_INCOMPLETE, SETUP_INCOMPLETE,
        SETUP_INCOMPLETE},
    {"full draft", FULL_DRAFT, FALSE, SETUP_INCOMPLETE, SETUP_VERIFYING, SETUP_INCOMPLETE,
        SETUP_FAILED},
    {"full draft, active", FULL_DRAFT, TRUE, SETUP_INCOMPLETE, SETUP_VERIFYING, SETUP_INCOMPLETE,
        SETUP_FAILED},
};

static void assert_state(const char *name, const SmtpSettings *draft, const SmtpSettings *active,
    SettingsVerification verification, SetupState expected)
{
    SetupState state = settings_setup_state(draft, active, verification);
    if (state != expected)
        fail_msg("%s: %s, not %s", name, settings_setup_state_name(state),
            settings_setup_state_name(expected));
}

static void every_case_has_its_state(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) draft = make_draft(rows[i].draft);
        g_autoptr(SmtpSettings) active = rows[i].active ? make_draft(FULL_DRAFT) : NULL;
        assert_state(rows[i].name, draft, active, SETTINGS_NEVER_VERIFIED, rows[i].never);
        assert_state(rows[i].name, draft, active, SETTINGS_VERIFYING, rows[i].verifying);
        assert_state(rows[i].name, draft, active, SETTINGS_VERIFIED, rows[i].verified);
        assert_state(rows[i].name, draft, active, SETTINGS_VERIFICATION_FAILED, rows[i].failed);
    }
}

static void a_draft_equal_to_active_is_judged_as_a_draft(void **state)
{
    g_autoptr(SmtpSettings) active = make_draft(FULL_DRAFT);
    g_autoptr(SmtpSettings) draft = settings_copy(active);
    assert_state("equal", draft, active, SETTINGS_VERIFYING, SETUP_VERIFYING);
    assert_state("equal", draft, active, SETTINGS_VERIFICATION_FAILED, SETUP_FAILED);
}

static void states_have_the_names_of_the_api(void **state)
{
    static const char *const names[] = {
        [SETUP_NOT_CONFIGURED] = "not_configured",
        [SETUP_INCOMPLETE] = "incomplete",
        [SETUP_VERIFYING] = "verifying",
        [SETUP_COMPLETE] = "complete",
        [SETUP_FAILED] = "failed",
    };
    for (SetupState each = SETUP_NOT_CONFIGURED; each <= SETUP_FAILED; each++)
        assert_string_equal(settings_setup_state_name(each), names[each]);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_its_state),
        cmocka_unit_test(a_draft_equal_to_active_is_judged_as_a_draft),
        cmocka_unit_test(states_have_the_names_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
