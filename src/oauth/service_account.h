/* The JSON file that Google hands out for the key of a service account. */
#pragma once

#include "base/secret.h"
#include "oauth/fault.h"

#include <glib.h>

typedef struct {
    char *client_email;   /* who signs */
    char *private_key_id; /* which of its keys; hex */
    char *client_id;      /* digits: what the admin console asks for at domain-wide delegation;
                             NULL if the file does not say it */
    Secret *private_key;  /* PEM, RSA, checked */
} OauthServiceAccount;
void oauth_service_account_free(OauthServiceAccount *account);

/* At most LIMIT_OAUTH_SERVICE_ACCOUNT_BYTES. Members nobody needs are passed over, token_uri among
 * them: a file does not decide where we ask. NULL with *fault (may be NULL) SERVICE_ACCOUNT,
 * SERVICE_ACCOUNT_CLIENT, or one of KEY…. */
OauthServiceAccount *oauth_service_account_read(const Secret *file, OauthFault *fault);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthServiceAccount, oauth_service_account_free)
