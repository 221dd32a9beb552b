#include "settings/settings.h"

static SetupState draft_state(SettingsVerification verification)
{
    switch (verification) {
    case SETTINGS_NEVER_VERIFIED:
        return SETUP_INCOMPLETE;
    case SETTINGS_VERIFYING:
        return SETUP_VERIFYING;
    case SETTINGS_VERIFICATION_FAILED:
        return SETUP_FAILED;
    case SETTINGS_VERIFIED:
        /* A run with activate = false passed. The values work, but no mail is sent with them:
         * the setup is not at its end before they are active. */
        return SETUP_INCOMPLETE;
    }
    g_assert_not_reached();
}

SetupState settings_setup_state(
    const SmtpSettings *draft, const SmtpSettings *active, SettingsVerification verification)
{
    if (draft == NULL)
        return active == NULL ? SETUP_NOT_CONFIGURED : SETUP_COMPLETE;
    /* What was verified had all its fields, so with one missing the result is about other values.
     */
    if (settings_missing(draft).n > 0)
        return SETUP_INCOMPLETE;
    return draft_state(verification);
}

const char *settings_setup_state_name(SetupState state)
{
    switch (state) {
    case SETUP_NOT_CONFIGURED:
        return "not_configured";
    case SETUP_INCOMPLETE:
        return "incomplete";
    case SETUP_VERIFYING:
        return "verifying";
    case SETUP_COMPLETE:
        return "complete";
    case SETUP_FAILED:
        return "failed";
    }
    g_assert_not_reached();
}
