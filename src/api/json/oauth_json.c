#include "api/json/oauth_json.h"

#include "oauth/certificate.h"

static const struct {
    const char *name;
    gsize offset;
} texts[] = {
    {"tenant", G_STRUCT_OFFSET(SettingsOauth, tenant)},
    {"client_id", G_STRUCT_OFFSET(SettingsOauth, client_id)},
    {"scope", G_STRUCT_OFFSET(SettingsOauth, scope)},
    {"subject", G_STRUCT_OFFSET(SettingsOauth, subject)},
    {"token_url", G_STRUCT_OFFSET(SettingsOauth, token_url)},
    {"authorize_url", G_STRUCT_OFFSET(SettingsOauth, authorize_url)},
    {"device_url", G_STRUCT_OFFSET(SettingsOauth, device_url)},
};

static gboolean is_empty(const SettingsOauth *account)
{
    if (account->provider != 0 || account->grant != 0 || account->certificate != NULL ||
        account->client_secret_ends_at != 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (G_STRUCT_MEMBER(char *, account, texts[i].offset) != NULL)
            return FALSE;
    }
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (account->sealed[kind] != NULL)
            return FALSE;
    }
    return TRUE;
}

/* That there is one, and since when. */
static json_t *secret_json(const SettingsOauth *account, guint kind)
{
    json_t *json = json_object();
    json_object_set_new(json, "set", json_boolean(account->sealed[kind] != NULL));
    json_object_set_new(json, "set_at", json_time(account->set_at[kind]));
    if (kind == OAUTH_SECRET_SERVICE_ACCOUNT) {
        json_object_set_new(json, "client_email", json_text(account->service_account_email));
        json_object_set_new(json, "private_key_id", json_text(account->service_account_key_id));
        json_object_set_new(json, "client_id", json_text(account->service_account_client_id));
    }
    return json;
}

static json_t *certificate_json(const SettingsOauth *account)
{
    g_autoptr(OauthCertificate) certificate =
        account->certificate ? oauth_certificate_read(account->certificate, NULL) : NULL;
    if (!certificate)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "subject", json_text(certificate->subject));
    json_object_set_new(json, "not_after", json_time(certificate->not_after));
    json_object_set_new(json, "thumbprint", json_text(certificate->thumbprint));
    json_object_set_new(json, "thumbprint_sha1", json_text(certificate->thumbprint_sha1));
    return json;
}

json_t *oauth_account_json(const SmtpSettings *settings)
{
    const SettingsOauth *account = &settings->oauth;
    if (is_empty(account))
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "provider", json_text(oauth_provider_name(account->provider)));
    json_object_set_new(json, "grant", json_text(oauth_grant_name(account->grant)));
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        json_object_set_new(
            json, texts[i].name, json_text(G_STRUCT_MEMBER(char *, account, texts[i].offset)));
    json_object_set_new(json, "certificate", certificate_json(account));
    json_object_set_new(json, "client_secret_ends_at", json_time(account->client_secret_ends_at));
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        json_object_set_new(json, oauth_secret_name(kind), secret_json(account, kind));
    return json;
}

json_t *oauth_secrets_json(guint kinds)
{
    json_t *json = json_array();
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (kinds & 1u << kind)
            json_array_append_new(json, json_text(oauth_secret_name(kind)));
    }
    return json;
}
