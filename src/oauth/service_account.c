#include "oauth/service_account.h"
#include "base/limits.h"
#include "oauth/rsa_key.h"

#include <jansson.h>
#include <string.h>

void oauth_service_account_free(OauthServiceAccount *account)
{
    if (account == NULL)
        return;
    g_free(account->client_email);
    g_free(account->private_key_id);
    g_free(account->client_id);
    secret_free(account->private_key);
    g_free(account);
}

static json_t *parse(const Secret *file)
{
    gsize n;
    const char *text = secret_reveal(file, &n);
    return n <= LIMIT_OAUTH_SERVICE_ACCOUNT_BYTES
               ? json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL)
               : NULL;
}

/* A text of visible ASCII; NULL: there is none, or it is of another kind. */
static const char *name_of(const json_t *root, const char *member)
{
    const char *text = json_string_value(json_object_get(root, member));
    if (text == NULL || text[0] == '\0' || strlen(text) > LIMIT_USERNAME_BYTES)
        return NULL;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7f)
            return NULL;
    }
    return text;
}

/* "web" and "installed" are OAuth clients, "authorized_user" is what gcloud leaves. */
static gboolean is_of_a_client(const json_t *root)
{
    const char *type = json_string_value(json_object_get(root, "type"));
    return json_object_get(root, "web") != NULL || json_object_get(root, "installed") != NULL ||
           (type != NULL && strcmp(type, "service_account") != 0);
}

static OauthFault read_members(const json_t *root, OauthServiceAccount *account)
{
    if (!json_is_object(root))
        return OAUTH_FAULT_SERVICE_ACCOUNT;
    if (is_of_a_client(root))
        return OAUTH_FAULT_SERVICE_ACCOUNT_CLIENT;
    const json_t *key = json_object_get(root, "private_key");
    account->client_email = g_strdup(name_of(root, "client_email"));
    account->private_key_id = g_strdup(name_of(root, "private_key_id"));
    account->client_id = g_strdup(name_of(root, "client_id"));
    if (json_object_get(root, "type") == NULL || account->client_email == NULL ||
        account->private_key_id == NULL || !json_is_string(key))
        return OAUTH_FAULT_SERVICE_ACCOUNT;
    OauthFault fault;
    account->private_key = secret_new(json_string_value(key), json_string_length(key));
    EVP_PKEY_free(rsa_key_read(account->private_key, &fault));
    return fault;
}

OauthServiceAccount *oauth_service_account_read(const Secret *file, OauthFault *fault)
{
    g_autoptr(OauthServiceAccount) account = g_new0(OauthServiceAccount, 1);
    json_t *root = parse(file);
    OauthFault found = read_members(root, account);
    json_decref(root);
    if (found == OAUTH_FAULT_NONE)
        return g_steal_pointer(&account);
    if (fault != NULL)
        *fault = found;
    return NULL;
}
