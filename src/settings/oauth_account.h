/* The stored OAuth2 account and what its secrets belong to. Internal to settings/. */
#pragma once

#include "settings/settings.h"

void oauth_account_copy(SettingsOauth *to, const SettingsOauth *from); /* to holds nothing before */
void oauth_account_clear(SettingsOauth *account);

/* All that signs in, and the same secrets: when the client secret ends is only a note. */
gboolean oauth_account_same(const SettingsOauth *a, const SettingsOauth *b);

/* Seals to the account that `settings` names now; replaces what was there, and what is known of it.
 */
void oauth_account_store(SmtpSettings *settings, OauthSecretKind kind, const Secret *secret,
    Vault *vault, gint64 org_id, WallMs now);

/* Forgets a secret and what is known of it (its end; whose key it is). */
void oauth_account_drop(SettingsOauth *account, OauthSecretKind kind);

/* TRUE if the binding is the same: what a stored secret belongs to. */
gboolean oauth_account_fits_both(const SmtpSettings *a, const SmtpSettings *b);
