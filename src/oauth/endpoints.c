/* Where which provider is asked, and for what. Sources: data/providers.json, `oauth`. */
#include "oauth/profile.h"

#define MICROSOFT "https://login.microsoftonline.com/"

static gboolean is_entered(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* A tenant goes into the path: only what has been checked does. */
static char *microsoft(const OauthProfile *profile, const char *endpoint)
{
    if (!is_entered(profile->tenant) ||
        oauth_tenant_check(profile->tenant, profile->grant) != OAUTH_FAULT_NONE)
        return NULL;
    return g_strconcat(MICROSOFT, profile->tenant, "/oauth2/v2.0/", endpoint, NULL);
}

static char *entered(const char *url)
{
    return is_entered(url) && oauth_url_check(url) == OAUTH_FAULT_NONE ? g_strdup(url) : NULL;
}

char *oauth_token_url_dup(const OauthProfile *profile)
{
    switch (profile->provider) {
    case OAUTH_MICROSOFT:
        return microsoft(profile, "token");
    case OAUTH_GOOGLE:
        return g_strdup("https://oauth2.googleapis.com/token");
    case OAUTH_GENERIC:
        return entered(profile->token_url);
    default:
        return NULL;
    }
}

char *oauth_authorize_url_base_dup(const OauthProfile *profile)
{
    if (profile->grant != OAUTH_REFRESH_TOKEN)
        return NULL;
    switch (profile->provider) {
    case OAUTH_MICROSOFT:
        return microsoft(profile, "authorize");
    case OAUTH_GOOGLE:
        return g_strdup("https://accounts.google.com/o/oauth2/v2/auth");
    case OAUTH_GENERIC:
        return entered(profile->authorize_url);
    default:
        return NULL;
    }
}

char *oauth_device_url_dup(const OauthProfile *profile)
{
    if (profile->grant != OAUTH_REFRESH_TOKEN)
        return NULL;
    switch (profile->provider) {
    case OAUTH_MICROSOFT:
        return microsoft(profile, "devicecode");
    case OAUTH_GENERIC:
        return entered(profile->device_url);
    default: /* Google gives no device the right to mail */
        return NULL;
    }
}

char *oauth_scope_dup(const OauthProfile *profile)
{
    if (is_entered(profile->scope))
        return g_strdup(profile->scope);
    switch (profile->provider) {
    case OAUTH_MICROSOFT:
        return g_strdup(profile->grant == OAUTH_REFRESH_TOKEN
                            ? "https://outlook.office.com/SMTP.Send offline_access"
                            : "https://outlook.office365.com/.default");
    case OAUTH_GOOGLE:
        return g_strdup("https://mail.google.com/");
    default:
        return NULL;
    }
}

const char *oauth_subject(const OauthProfile *profile)
{
    return is_entered(profile->subject) ? profile->subject : profile->username;
}
