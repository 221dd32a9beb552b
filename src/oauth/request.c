#include "oauth/request.h"
#include "base/error.h"
#include "oauth/assertion.h"
#include "oauth/certificate.h"
#include "oauth/form.h"
#include "oauth/service_account.h"

#define GRANT_TYPE_DEVICE "urn:ietf:params:oauth:grant-type:device_code" /* RFC 8628 3.4 */
#define GRANT_TYPE_JWT "urn:ietf:params:oauth:grant-type:jwt-bearer"     /* RFC 7523 2.1 */
#define CLIENT_JWT "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

void oauth_request_free(OauthRequest *request)
{
    if (request == NULL)
        return;
    g_free(request->url);
    secret_free(request->form);
    g_free(request);
}

/* url is taken; NULL: the profile has none. */
static OauthRequest *make(char *url, const FormField *fields, gsize n, GError **error)
{
    if (url == NULL) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_INPUT, "it is not known where tokens are to be asked for");
        return NULL;
    }
    OauthRequest *request = g_new0(OauthRequest, 1);
    request->url = url;
    request->form = form_write(fields, n);
    return request;
}

/* there: which secrets, as bits. */
static gboolean is_complete(const OauthProfile *profile, guint there, GError **error)
{
    const char *missing[OAUTH_MISSING_MOST];
    if (oauth_profile_missing(profile, there, missing) == 0)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "%s is missing", missing[0]);
    return FALSE;
}

/* --- Tokens without a person ----------------------------------------------------------------- */

static OauthRequest *with_client_secret(
    const OauthProfile *profile, const OauthMaterial *material, GError **error)
{
    g_autofree char *scope = oauth_scope_dup(profile);
    const FormField fields[] = {
        {"grant_type", "client_credentials", NULL},
        {"client_id", profile->client_id, NULL},
        {"client_secret", NULL, material->secrets[OAUTH_SECRET_CLIENT]},
        {"scope", scope, NULL},
    };
    return make(oauth_token_url_dup(profile), fields, G_N_ELEMENTS(fields), error);
}

/* Microsoft asks for PS256; RS256 is what every other server knows. */
static OauthRequest *with_certificate(
    const OauthProfile *profile, const OauthMaterial *material, GError **error)
{
    OauthFault fault = OAUTH_FAULT_NONE;
    g_autoptr(OauthCertificate) certificate = oauth_certificate_read(profile->certificate, &fault);
    const Secret *key = material->secrets[OAUTH_SECRET_PRIVATE_KEY];
    if (certificate != NULL)
        fault = oauth_private_key_check(key, profile->certificate);
    if (fault != OAUTH_FAULT_NONE) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, oauth_fault_text(fault));
        return NULL;
    }
    g_autofree char *url = oauth_token_url_dup(profile);
    g_autofree char *scope = oauth_scope_dup(profile);
    const OauthClaims claims = {
        .algorithm = profile->provider == OAUTH_MICROSOFT ? OAUTH_PS256 : OAUTH_RS256,
        .issuer = profile->client_id,
        .subject = profile->client_id,
        .audience = url,
        .thumbprint = certificate->sha256,
        .now = material->now,
        .random = material->random,
    };
    g_autoptr(Secret) assertion = url != NULL ? oauth_assertion_sign(&claims, key, error) : NULL;
    if (url != NULL && assertion == NULL)
        return NULL;
    const FormField fields[] = {
        {"grant_type", "client_credentials", NULL},
        {"client_id", profile->client_id, NULL},
        {"client_assertion_type", CLIENT_JWT, NULL},
        {"client_assertion", NULL, assertion},
        {"scope", scope, NULL},
    };
    return make(g_steal_pointer(&url), fields, G_N_ELEMENTS(fields), error);
}

/* Without a scope the token gets what was granted at the sign-in (RFC 6749 6), which may be less
 * than was asked for; Microsoft's needs to be told which of its services it is for. */
static OauthRequest *with_refresh_token(
    const OauthProfile *profile, const OauthMaterial *material, GError **error)
{
    g_autofree char *scope = profile->provider == OAUTH_MICROSOFT ? oauth_scope_dup(profile) : NULL;
    const FormField fields[] = {
        {"grant_type", "refresh_token", NULL},
        {"client_id", profile->client_id, NULL},
        {"client_secret", NULL, material->secrets[OAUTH_SECRET_CLIENT]},
        {"refresh_token", NULL, material->secrets[OAUTH_SECRET_REFRESH_TOKEN]},
        {"scope", scope, NULL},
    };
    return make(oauth_token_url_dup(profile), fields, G_N_ELEMENTS(fields), error);
}

static OauthRequest *with_service_account(
    const OauthProfile *profile, const OauthMaterial *material, GError **error)
{
    OauthFault fault = OAUTH_FAULT_NONE;
    g_autoptr(OauthServiceAccount) account =
        oauth_service_account_read(material->secrets[OAUTH_SECRET_SERVICE_ACCOUNT], &fault);
    const char *subject = oauth_subject(profile);
    if (account == NULL || subject == NULL) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT,
            account == NULL ? oauth_fault_text(fault) : "the mailbox to send as is missing");
        return NULL;
    }
    g_autofree char *url = oauth_token_url_dup(profile);
    g_autofree char *scope = oauth_scope_dup(profile);
    const OauthClaims claims = {
        .algorithm = OAUTH_RS256,
        .issuer = account->client_email,
        .subject = subject,
        .audience = url,
        .scope = scope,
        .key_id = account->private_key_id,
        .now = material->now,
        .random = material->random,
    };
    g_autoptr(Secret) assertion = oauth_assertion_sign(&claims, account->private_key, error);
    if (assertion == NULL)
        return NULL;
    const FormField fields[] = {
        {"grant_type", GRANT_TYPE_JWT, NULL},
        {"assertion", NULL, assertion},
    };
    return make(g_steal_pointer(&url), fields, G_N_ELEMENTS(fields), error);
}

OauthRequest *oauth_request_for_token(
    const OauthProfile *profile, const OauthMaterial *material, GError **error)
{
    guint there = 0;
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        there |= secret_is_empty(material->secrets[kind]) ? 0 : 1u << kind;
    if (!is_complete(profile, there, error))
        return NULL;
    switch ((OauthGrant)profile->grant) {
    case OAUTH_CLIENT_SECRET:
        return with_client_secret(profile, material, error);
    case OAUTH_CERTIFICATE:
        return with_certificate(profile, material, error);
    case OAUTH_REFRESH_TOKEN:
        return with_refresh_token(profile, material, error);
    case OAUTH_SERVICE_ACCOUNT:
        return with_service_account(profile, material, error);
    }
    g_assert_not_reached(); /* what nobody offers is never complete */
}

/* --- What a sign-in takes -------------------------------------------------------------------- */

/* All that the grant takes but the refresh token, which is what the sign-in brings. */
static gboolean can_sign_in(
    const OauthProfile *profile, const Secret *client_secret, GError **error)
{
    if (profile->grant != OAUTH_REFRESH_TOKEN) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "nobody signs in for this grant");
        return FALSE;
    }
    guint there = 1u << OAUTH_SECRET_REFRESH_TOKEN;
    there |= secret_is_empty(client_secret) ? 0 : 1u << OAUTH_SECRET_CLIENT;
    return is_complete(profile, there, error);
}

OauthRequest *oauth_request_for_code(const OauthProfile *profile, const Secret *client_secret,
    const Secret *code, const Secret *verifier, const char *redirect_uri, GError **error)
{
    if (!can_sign_in(profile, client_secret, error))
        return NULL;
    const FormField fields[] = {
        {"grant_type", "authorization_code", NULL},
        {"client_id", profile->client_id, NULL},
        {"client_secret", NULL, client_secret},
        {"code", NULL, code},
        {"redirect_uri", redirect_uri, NULL},
        {"code_verifier", NULL, verifier},
    };
    return make(oauth_token_url_dup(profile), fields, G_N_ELEMENTS(fields), error);
}

OauthRequest *oauth_request_for_device(
    const OauthProfile *profile, const Secret *client_secret, GError **error)
{
    if (!can_sign_in(profile, client_secret, error))
        return NULL;
    g_autofree char *url = oauth_device_url_dup(profile);
    if (url == NULL) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "this provider has no sign-in for devices");
        return NULL;
    }
    g_autofree char *scope = oauth_scope_dup(profile);
    const FormField fields[] = {
        {"client_id", profile->client_id, NULL},
        {"client_secret", NULL, client_secret},
        {"scope", scope, NULL},
    };
    return make(g_steal_pointer(&url), fields, G_N_ELEMENTS(fields), error);
}

OauthRequest *oauth_request_for_device_poll(const OauthProfile *profile,
    const Secret *client_secret, const Secret *device_code, GError **error)
{
    if (!can_sign_in(profile, client_secret, error))
        return NULL;
    const FormField fields[] = {
        {"grant_type", GRANT_TYPE_DEVICE, NULL},
        {"client_id", profile->client_id, NULL},
        {"client_secret", NULL, client_secret},
        {"device_code", NULL, device_code},
    };
    return make(oauth_token_url_dup(profile), fields, G_N_ELEMENTS(fields), error);
}
