#include "settings/settings.h"

#include "base/limits.h"
#include "settings/oauth_account.h"
#include "settings/password.h"

#include <string.h>

#define DEFAULT_PORT 587 /* RFC 6409 3.1 */

SmtpSettings *settings_new(void)
{
    SmtpSettings *settings = g_new0(SmtpSettings, 1);
    settings->max_connections = LIMIT_CONNECTIONS_DEFAULT;
    settings->window = LIMIT_WINDOW_DEFAULT;
    settings->auth = SETTINGS_AUTH_AUTO;
    return settings;
}

SmtpSettings *settings_copy(const SmtpSettings *settings)
{
    SmtpSettings *copy = g_new0(SmtpSettings, 1);
    *copy = *settings;
    copy->host = g_strdup(settings->host);
    copy->username = g_strdup(settings->username);
    copy->from_email = g_strdup(settings->from_email);
    copy->from_name = g_strdup(settings->from_name);
    copy->ehlo_name = g_strdup(settings->ehlo_name);
    if (settings->password_sealed != NULL)
        g_bytes_ref(copy->password_sealed);
    oauth_account_copy(&copy->oauth, &settings->oauth);
    return copy;
}

void settings_free(SmtpSettings *settings)
{
    if (settings == NULL)
        return;
    g_free(settings->host);
    g_free(settings->username);
    g_free(settings->from_email);
    g_free(settings->from_name);
    g_free(settings->ehlo_name);
    g_clear_pointer(&settings->password_sealed, g_bytes_unref);
    oauth_account_clear(&settings->oauth);
    g_free(settings);
}

const char *settings_auth_name(SettingsAuth auth)
{
    switch (auth) {
    case SETTINGS_AUTH_AUTO:
        return "auto";
    case SETTINGS_AUTH_OAUTH2:
        return "oauth2";
    }
    g_assert_not_reached();
}

guint16 settings_port(const SmtpSettings *settings)
{
    return settings->port == 0 ? DEFAULT_PORT : (guint16)settings->port;
}

TlsMode settings_security(const SmtpSettings *settings)
{
    return settings->security == 0 ? tls_mode_for_port(settings_port(settings))
                                   : (TlsMode)settings->security;
}

const char *settings_username(const SmtpSettings *settings)
{
    return settings->username == NULL ? settings->from_email : settings->username;
}

/* What oauth/ misses, as a field of ours. NULL: a field that is asked for elsewhere. */
static const char *field_of(const char *name)
{
    static const char prefix[] = "oauth/";
    static const char *const fields[] = {"oauth/provider", "oauth/grant", "oauth/tenant",
        "oauth/client_id", "oauth/client_secret", "oauth/certificate", "oauth/private_key",
        "oauth/service_account_key", "oauth/token_url", "oauth/authorize_url", "oauth/scope",
        "oauth/refresh_token"};
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (strcmp(fields[i] + strlen(prefix), name) == 0)
            return fields[i];
    }
    return NULL; /* the user name: without one there is no sender address either */
}

static void add_missing(SettingsMissing *missing, const char *name)
{
    g_assert(missing->n < SETTINGS_MISSING_MOST);
    missing->names[missing->n++] = name;
}

static void add_missing_oauth(SettingsMissing *missing, const SmtpSettings *settings)
{
    OauthProfile profile;
    const char *names[OAUTH_MISSING_MOST];
    guint secrets = 0;
    settings_oauth_profile(settings, &profile);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        secrets |= settings->oauth.sealed[kind] != NULL ? 1u << kind : 0;
    guint n = oauth_profile_missing(&profile, secrets, names);
    for (guint i = 0; i < n; i++) {
        const char *field = field_of(names[i]);
        if (field != NULL)
            add_missing(missing, field);
    }
}

SettingsMissing settings_missing(const SmtpSettings *settings)
{
    SettingsMissing missing = {.n = 0};
    if (settings->host == NULL)
        add_missing(&missing, "host");
    if (settings->from_email == NULL)
        add_missing(&missing, "from_email");
    if (settings->auth == SETTINGS_AUTH_OAUTH2)
        add_missing_oauth(&missing, settings);
    else if (settings->password_sealed == NULL)
        add_missing(&missing, "password");
    return missing;
}

gboolean settings_same_destination(const SmtpSettings *a, const SmtpSettings *b)
{
    return password_fits_both(a, b) && a->auth == b->auth &&
           password_is_same(
               a->password_sealed, a->password_set_at, b->password_sealed, b->password_set_at) &&
           oauth_account_same(&a->oauth, &b->oauth) &&
           g_strcmp0(a->from_email, b->from_email) == 0 &&
           g_strcmp0(a->ehlo_name, b->ehlo_name) == 0;
}
