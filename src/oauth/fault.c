#include "oauth/fault.h"

#include <glib.h>

static const struct {
    const char *code, *text;
} rows[OAUTH_FAULTS] = {
    [OAUTH_FAULT_GRANT] = {"grant_not_offered",
        "This provider does not offer this way to sign in."},
    [OAUTH_FAULT_TENANT] = {"invalid_tenant",
        "This is neither the id of a directory (a GUID) nor one of its domains."},
    [OAUTH_FAULT_TENANT_SHARED] = {"tenant_shared",
        "An application without a person signs in to one directory: give its id or domain."},
    [OAUTH_FAULT_CLIENT_ID] = {"invalid_client_id",
        "A client id is at most 512 visible ASCII characters without spaces."},
    [OAUTH_FAULT_SCOPE] = {"invalid_scope",
        "Scopes are words of visible ASCII without quotes, with one space between two."},
    [OAUTH_FAULT_URL] = {"invalid_url",
        "The address must begin with https:// and hold neither a user name nor a #."},
    [OAUTH_FAULT_CERTIFICATE] = {"certificate_unreadable",
        "This is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)."},
    [OAUTH_FAULT_CERTIFICATE_HOLDS_KEY] = {"certificate_holds_key",
        "A private key stands in this field; it is shown to everybody who may see the settings."},
    [OAUTH_FAULT_KEY] = {"private_key_unreadable",
        "This is not a private key in PEM form (-----BEGIN PRIVATE KEY-----)."},
    [OAUTH_FAULT_KEY_ENCRYPTED] = {"private_key_encrypted",
        "The private key is protected by a passphrase; export it without one."},
    [OAUTH_FAULT_KEY_KIND] = {"private_key_not_rsa", "The key must be an RSA key."},
    [OAUTH_FAULT_KEY_SIZE] = {"private_key_size", "The RSA key must have 2048 to 8192 bits."},
    [OAUTH_FAULT_KEY_FOREIGN] = {"private_key_foreign",
        "The private key does not belong to the certificate."},
    [OAUTH_FAULT_SERVICE_ACCOUNT] = {"service_account_unreadable",
        "This is not the JSON file of a service account's key."},
    [OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT] = {"service_account_wrong_file",
        "This file belongs to an OAuth client or a user, not to a service account."},
};

const char *oauth_fault_code(OauthFault fault)
{
    g_assert(fault > OAUTH_FAULT_NONE && fault < OAUTH_FAULTS);
    return rows[fault].code;
}

const char *oauth_fault_text(OauthFault fault)
{
    g_assert(fault > OAUTH_FAULT_NONE && fault < OAUTH_FAULTS);
    return rows[fault].text;
}
