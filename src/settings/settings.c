#include "settings/settings.h"

#include "base/limits.h"
#include "settings/password.h"

#define DEFAULT_PORT 587 /* RFC 6409 3.1 */

SmtpSettings *settings_new(void)
{
    SmtpSettings *settings = g_new0(SmtpSettings, 1);
    settings->max_connections = LIMIT_CONNECTIONS_DEFAULT;
    settings->window = LIMIT_WINDOW_DEFAULT;
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
    g_free(settings);
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

const char *const *settings_missing(const SmtpSettings *settings)
{
    enum { HOST = 1, FROM_EMAIL = 2, PASSWORD = 4 };
    static const char *const lists[][4] = {
        [0] = {NULL},
        [HOST] = {"host"},
        [FROM_EMAIL] = {"from_email"},
        [HOST | FROM_EMAIL] = {"host", "from_email"},
        [PASSWORD] = {"password"},
        [HOST | PASSWORD] = {"host", "password"},
        [FROM_EMAIL | PASSWORD] = {"from_email", "password"},
        [HOST | FROM_EMAIL | PASSWORD] = {"host", "from_email", "password"},
    };
    int missing = (settings->host == NULL ? HOST : 0) |
                  (settings->from_email == NULL ? FROM_EMAIL : 0) |
                  (settings->password_sealed == NULL ? PASSWORD : 0);
    return lists[missing];
}

static gboolean same_bytes(GBytes *a, GBytes *b)
{
    return a == NULL || b == NULL ? a == b : g_bytes_equal(a, b);
}

gboolean settings_same_destination(const SmtpSettings *a, const SmtpSettings *b)
{
    return password_fits_both(a, b) && same_bytes(a->password_sealed, b->password_sealed) &&
           g_strcmp0(a->from_email, b->from_email) == 0 &&
           g_strcmp0(a->ehlo_name, b->ehlo_name) == 0;
}
