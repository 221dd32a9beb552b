/* How an OAuth2 account is written: never a secret, its length or its sealed form. */
#pragma once

#include "api/json/json.h"
#include "settings/settings.h"

/* The member `oauth` of settings; null while nothing of it is entered. */
json_t *oauth_account_json(const SmtpSettings *settings);

/* ["client_secret", …] of a set of 1 << OauthSecretKind. */
json_t *oauth_secrets_json(guint kinds);
