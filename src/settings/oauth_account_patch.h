/* A change of the OAuth2 account. Internal to settings/. */
#pragma once

#include "settings/settings.h"

typedef struct {
    const SmtpSettings *before;
    SmtpSettings *next; /* the other fields are changed already */
    const SettingsOauthPatch *patch;
    Vault *vault;
    gint64 org_id;
} AccountChange;

/* Everything but the secrets is applied, the secrets are looked at; what is wrong is noted. */
void oauth_account_patch_apply(const AccountChange *change, GPtrArray *faults);

/* When nothing was wrong: stored secrets that belong to another account now are dropped, new ones
 * are sealed to this one. patch without SETTINGS_OAUTH: only the former. */
void oauth_account_patch_secrets(const SmtpSettings *before, SmtpSettings *next,
    const SettingsPatch *patch, Vault *vault, gint64 org_id, WallMs now);
