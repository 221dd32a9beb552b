/* What can be wrong with what an admin enters for OAuth2. */
#pragma once

typedef enum {
    OAUTH_FAULT_NONE = 0,
    OAUTH_FAULT_GRANT,                  /* this provider does not offer this way */
    OAUTH_FAULT_TENANT,                 /* neither an id nor a domain */
    OAUTH_FAULT_TENANT_SHARED,          /* "common" and the like: no application signs in there */
    OAUTH_FAULT_CLIENT_ID,              /* characters that are in no client id */
    OAUTH_FAULT_SCOPE,                  /* RFC 6749 3.3 */
    OAUTH_FAULT_URL,                    /* https://host, no user, no fragment */
    OAUTH_FAULT_CERTIFICATE,            /* not one in PEM form */
    OAUTH_FAULT_CERTIFICATE_HOLDS_KEY,  /* a private key, where what stands is shown */
    OAUTH_FAULT_KEY,                    /* not one in PEM form */
    OAUTH_FAULT_KEY_ENCRYPTED,          /* behind a passphrase */
    OAUTH_FAULT_KEY_KIND,               /* not RSA */
    OAUTH_FAULT_KEY_SIZE,               /* beyond LIMIT_OAUTH_RSA_BITS_LEAST … MOST */
    OAUTH_FAULT_KEY_FOREIGN,            /* belongs to another certificate */
    OAUTH_FAULT_SERVICE_ACCOUNT,        /* not the JSON file of a service account's key */
    OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT, /* the file of an OAuth client, or of a user */
    OAUTH_FAULTS,
} OauthFault;

/* For a 422: "invalid_tenant", "tenant_shared", "private_key_encrypted" …; and one English
 * sentence. Both static, not for NONE. */
const char *oauth_fault_code(OauthFault fault);
const char *oauth_fault_text(OauthFault fault);
