#include "oauth/profile.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* --- Names ----------------------------------------------------------------------------------- */

static const char *const provider_names[] = {
    [OAUTH_MICROSOFT] = "microsoft",
    [OAUTH_GOOGLE] = "google",
    [OAUTH_GENERIC] = "generic",
};
static const char *const grant_names[] = {
    [OAUTH_CLIENT_SECRET] = "client_secret",
    [OAUTH_CERTIFICATE] = "certificate",
    [OAUTH_REFRESH_TOKEN] = "refresh_token",
    [OAUTH_SERVICE_ACCOUNT] = "service_account",
};
static const char *const secret_names[OAUTH_SECRETS] = {
    [OAUTH_SECRET_CLIENT] = "client_secret",
    [OAUTH_SECRET_PRIVATE_KEY] = "private_key",
    [OAUTH_SECRET_SERVICE_ACCOUNT] = "service_account_key",
    [OAUTH_SECRET_REFRESH_TOKEN] = "refresh_token",
};

static gboolean parse(const char *const *names, guint n, const char *name, guint *number)
{
    for (guint i = 0; i < n; i++) {
        if (names[i] != NULL && g_strcmp0(names[i], name) == 0) {
            *number = i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *oauth_provider_name(guint provider)
{
    return provider < G_N_ELEMENTS(provider_names) ? provider_names[provider] : NULL;
}

const char *oauth_grant_name(guint grant)
{
    return grant < G_N_ELEMENTS(grant_names) ? grant_names[grant] : NULL;
}

const char *oauth_secret_name(guint kind)
{
    return kind < OAUTH_SECRETS ? secret_names[kind] : NULL;
}

gboolean oauth_provider_parse(const char *name, guint *provider)
{
    return parse(provider_names, G_N_ELEMENTS(provider_names), name, provider);
}

gboolean oauth_grant_parse(const char *name, guint *grant)
{
    return parse(grant_names, G_N_ELEMENTS(grant_names), name, grant);
}

gboolean oauth_secret_parse(const char *name, guint *kind)
{
    return parse(secret_names, OAUTH_SECRETS, name, kind);
}

/* --- What goes with what --------------------------------------------------------------------- */

/* What a provider's grant takes. */
static const struct {
    OauthProvider provider;
    OauthGrant grant;
    OauthNeed secrets[OAUTH_SECRETS];
    gboolean needs_certificate, needs_client_id;
} offers[] = {
    {OAUTH_MICROSOFT, OAUTH_CLIENT_SECRET, {[OAUTH_SECRET_CLIENT] = OAUTH_REQUIRED}, FALSE, TRUE},
    {OAUTH_MICROSOFT, OAUTH_CERTIFICATE, {[OAUTH_SECRET_PRIVATE_KEY] = OAUTH_REQUIRED}, TRUE, TRUE},
    {OAUTH_MICROSOFT, OAUTH_REFRESH_TOKEN,
        {[OAUTH_SECRET_CLIENT] = OAUTH_OPTIONAL, [OAUTH_SECRET_REFRESH_TOKEN] = OAUTH_REQUIRED},
        FALSE, TRUE},
    {OAUTH_GOOGLE, OAUTH_REFRESH_TOKEN,
        {[OAUTH_SECRET_CLIENT] = OAUTH_REQUIRED, [OAUTH_SECRET_REFRESH_TOKEN] = OAUTH_REQUIRED},
        FALSE, TRUE},
    {OAUTH_GOOGLE, OAUTH_SERVICE_ACCOUNT, {[OAUTH_SECRET_SERVICE_ACCOUNT] = OAUTH_REQUIRED}, FALSE,
        FALSE},
    {OAUTH_GENERIC, OAUTH_CLIENT_SECRET, {[OAUTH_SECRET_CLIENT] = OAUTH_REQUIRED}, FALSE, TRUE},
    {OAUTH_GENERIC, OAUTH_CERTIFICATE, {[OAUTH_SECRET_PRIVATE_KEY] = OAUTH_REQUIRED}, TRUE, TRUE},
    {OAUTH_GENERIC, OAUTH_REFRESH_TOKEN,
        {[OAUTH_SECRET_CLIENT] = OAUTH_OPTIONAL, [OAUTH_SECRET_REFRESH_TOKEN] = OAUTH_REQUIRED},
        FALSE, TRUE},
};

/* The row of `offers`, or how many there are. */
static gsize find_offer(guint provider, guint grant)
{
    gsize i = 0;
    while (i < G_N_ELEMENTS(offers) && (offers[i].provider != provider || offers[i].grant != grant))
        i++;
    return i;
}

gboolean oauth_provider_offers(guint provider, guint grant)
{
    return find_offer(provider, grant) < G_N_ELEMENTS(offers);
}

gboolean oauth_urls_are_known(guint provider)
{
    return provider == OAUTH_MICROSOFT || provider == OAUTH_GOOGLE;
}

OauthNeed oauth_secret_need(guint provider, guint grant, OauthSecretKind kind)
{
    gsize i = find_offer(provider, grant);
    return i < G_N_ELEMENTS(offers) && kind < OAUTH_SECRETS ? offers[i].secrets[kind]
                                                            : OAUTH_UNUSED;
}

/* --- What is missing ------------------------------------------------------------------------- */

static gboolean is_entered(const char *text)
{
    return text != NULL && text[0] != '\0';
}

typedef struct {
    const char **names;
    guint n;
} Missing;

static void miss(Missing *missing, gboolean is_missing, const char *name)
{
    if (is_missing)
        missing->names[missing->n++] = name;
}

static gboolean lacks(const OauthProfile *profile, guint secrets, OauthSecretKind kind)
{
    return oauth_secret_need(profile->provider, profile->grant, kind) == OAUTH_REQUIRED &&
           (secrets & (1u << kind)) == 0;
}

guint oauth_profile_missing(
    const OauthProfile *profile, guint secrets, const char *names[OAUTH_MISSING_MOST])
{
    Missing missing = {names, 0};
    gsize i = find_offer(profile->provider, profile->grant);
    if (i == G_N_ELEMENTS(offers)) { /* what else is needed depends on these two */
        miss(&missing, oauth_provider_name(profile->provider) == NULL, "provider");
        miss(&missing, missing.n == 0 || oauth_grant_name(profile->grant) == NULL, "grant");
        return missing.n;
    }
    gboolean is_generic = profile->provider == OAUTH_GENERIC;
    gboolean must_sign_in = lacks(profile, secrets, OAUTH_SECRET_REFRESH_TOKEN);
    miss(&missing, profile->provider == OAUTH_MICROSOFT && !is_entered(profile->tenant), "tenant");
    miss(&missing, offers[i].needs_client_id && !is_entered(profile->client_id), "client_id");
    miss(&missing, lacks(profile, secrets, OAUTH_SECRET_CLIENT), "client_secret");
    miss(&missing, offers[i].needs_certificate && !is_entered(profile->certificate), "certificate");
    miss(&missing, lacks(profile, secrets, OAUTH_SECRET_PRIVATE_KEY), "private_key");
    miss(&missing, lacks(profile, secrets, OAUTH_SECRET_SERVICE_ACCOUNT), "service_account_key");
    miss(&missing, is_generic && !is_entered(profile->token_url), "token_url");
    miss(&missing,
        is_generic && must_sign_in && !is_entered(profile->authorize_url) &&
            !is_entered(profile->device_url),
        "authorize_url");
    miss(&missing, must_sign_in, "refresh_token");
    return missing.n;
}

/* --- What may be entered --------------------------------------------------------------------- */

static gboolean is_visible_ascii(const char *text, const char *except)
{
    for (; *text != '\0'; text++) {
        if (*text <= 0x20 || *text >= 0x7f || strchr(except, *text) != NULL)
            return FALSE;
    }
    return TRUE;
}

OauthFault oauth_tenant_check(const char *tenant, guint grant)
{
    static const char *const shared[] = {"common", "organizations", "consumers"};
    if (!is_entered(tenant))
        return OAUTH_FAULT_NONE;
    gsize n = strlen(tenant);
    gboolean is_shared = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(shared); i++)
        is_shared |= text_equal_nocase(tenant, shared[i]);
    if (is_shared)
        return grant == OAUTH_CLIENT_SECRET || grant == OAUTH_CERTIFICATE
                   ? OAUTH_FAULT_TENANT_SHARED
                   : OAUTH_FAULT_NONE;
    gboolean is_domain = strchr(tenant, '.') != NULL && tenant[0] != '.' && tenant[n - 1] != '.' &&
                         strstr(tenant, "..") == NULL;
    gboolean is_name = n <= LIMIT_HOST_OCTETS && (is_domain || g_uuid_string_is_valid(tenant));
    for (gsize i = 0; is_name && i < n; i++)
        is_name = g_ascii_isalnum(tenant[i]) || tenant[i] == '-' || tenant[i] == '.';
    return is_name ? OAUTH_FAULT_NONE : OAUTH_FAULT_TENANT;
}

OauthFault oauth_client_id_check(const char *client_id)
{
    if (!is_entered(client_id))
        return OAUTH_FAULT_NONE;
    gboolean is_good =
        strlen(client_id) <= LIMIT_OAUTH_CLIENT_ID_BYTES && is_visible_ascii(client_id, "");
    return is_good ? OAUTH_FAULT_NONE : OAUTH_FAULT_CLIENT_ID;
}

OauthFault oauth_scope_check(const char *scope)
{
    if (!is_entered(scope))
        return OAUTH_FAULT_NONE;
    if (strlen(scope) > LIMIT_OAUTH_SCOPE_BYTES)
        return OAUTH_FAULT_SCOPE;
    g_auto(GStrv) words = g_strsplit(scope, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if ((*word)[0] == '\0' || !is_visible_ascii(*word, "\"\\"))
            return OAUTH_FAULT_SCOPE;
    }
    return OAUTH_FAULT_NONE;
}

OauthFault oauth_url_check(const char *url)
{
    if (!is_entered(url))
        return OAUTH_FAULT_NONE;
    if (strlen(url) > LIMIT_URL_BYTES || !is_visible_ascii(url, "#\\\"<>"))
        return OAUTH_FAULT_URL;
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD, NULL);
    gboolean is_good = uri != NULL && g_str_has_prefix(url, "https://") &&
                       is_entered(g_uri_get_host(uri)) && g_uri_get_userinfo(uri) == NULL;
    return is_good ? OAUTH_FAULT_NONE : OAUTH_FAULT_URL;
}
