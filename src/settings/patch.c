/* A change to the settings: every field checked by its row, all faults collected, then applied as a
 * whole or not at all. */
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"
#include "settings/faults.h"
#include "settings/oauth_account.h"
#include "settings/oauth_account_patch.h"
#include "settings/password.h"

#include <string.h>

/* --- Text fields ------------------------------------------------------------------------------ */

/* A reader gives the form in which the text is kept, or NULL with an error for people. */
typedef char *(*TextReader)(const char *text, GError **error);

static char *read_any(const char *text, GError **error)
{
    return g_strdup(text);
}

static char *read_address(const char *text, GError **error)
{
    g_autoptr(MimeAddress) address = mime_address_parse(text, error);
    return address == NULL ? NULL : g_strdup(address->addr_spec);
}

/* A name that others can look up, or an address literal (RFC 5321 4.1.4). */
static char *read_ehlo_name(const char *text, GError **error)
{
    g_autofree char *domain = mime_domain_parse(text, error);
    if (domain == NULL)
        return NULL;
    if (domain[0] != '[' && strchr(domain, '.') == NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "A full name with a dot is needed, such as mail.example.org.");
        return NULL;
    }
    return g_steal_pointer(&domain);
}

static const struct {
    const char *field;
    guint bit;
    gsize in_patch, in_settings;
    gsize limit;
    SettingsUnit unit;
    TextReader read;
    const char *code; /* when the reader refuses */
} texts[] = {
    {"host", SETTINGS_HOST, G_STRUCT_OFFSET(SettingsPatch, host),
        G_STRUCT_OFFSET(SmtpSettings, host), LIMIT_HOST_OCTETS, SETTINGS_CHARACTERS,
        mime_host_parse, "invalid_host"},
    {"username", SETTINGS_USERNAME, G_STRUCT_OFFSET(SettingsPatch, username),
        G_STRUCT_OFFSET(SmtpSettings, username), LIMIT_USERNAME_BYTES, SETTINGS_BYTES, read_any,
        NULL},
    {"from_email", SETTINGS_FROM_EMAIL, G_STRUCT_OFFSET(SettingsPatch, from_email),
        G_STRUCT_OFFSET(SmtpSettings, from_email), LIMIT_ADDRESS_OCTETS, SETTINGS_CHARACTERS,
        read_address, "invalid_address"},
    {"from_name", SETTINGS_FROM_NAME, G_STRUCT_OFFSET(SettingsPatch, from_name),
        G_STRUCT_OFFSET(SmtpSettings, from_name), LIMIT_SENDER_NAME_CHARACTERS, SETTINGS_CHARACTERS,
        read_any, NULL},
    {"ehlo_name", SETTINGS_EHLO_NAME, G_STRUCT_OFFSET(SettingsPatch, ehlo_name),
        G_STRUCT_OFFSET(SmtpSettings, ehlo_name), LIMIT_DOMAIN_OCTETS, SETTINGS_CHARACTERS,
        read_ehlo_name, "invalid_ehlo_name"},
};

static void apply_text(SmtpSettings *next, const SettingsPatch *patch, gsize row, GPtrArray *faults)
{
    const char *text = G_STRUCT_MEMBER(const char *, patch, texts[row].in_patch);
    char **slot = &G_STRUCT_MEMBER(char *, next, texts[row].in_settings);
    if (text == NULL || *text == '\0') {
        g_clear_pointer(slot, g_free);
        return;
    }
    char *detail = NULL;
    const char *code = settings_line_fault(text, texts[row].limit, texts[row].unit, &detail);
    if (code != NULL) {
        settings_fault_add(faults, texts[row].field, code, detail);
        return;
    }
    g_autoptr(GError) error = NULL;
    char *kept = texts[row].read(text, &error);
    if (kept == NULL) {
        settings_fault_add(faults, texts[row].field, texts[row].code, g_strdup(error->message));
        return;
    }
    g_free(*slot);
    *slot = kept;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static const struct {
    const char *field;
    guint bit;
    gsize in_patch, in_settings;
    gint64 least, most;
} numbers[] = {
    {"max_connections", SETTINGS_MAX_CONNECTIONS, G_STRUCT_OFFSET(SettingsPatch, max_connections),
        G_STRUCT_OFFSET(SmtpSettings, max_connections), 1, LIMIT_CONNECTIONS},
    {"window", SETTINGS_WINDOW, G_STRUCT_OFFSET(SettingsPatch, window),
        G_STRUCT_OFFSET(SmtpSettings, window), 1, LIMIT_WINDOW},
    {"quota/per_minute", SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_minute),
        G_STRUCT_OFFSET(SmtpSettings, quota.per_minute), 0, LIMIT_QUOTA},
    {"quota/per_hour", SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_hour),
        G_STRUCT_OFFSET(SmtpSettings, quota.per_hour), 0, LIMIT_QUOTA},
    {"quota/per_day", SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_day),
        G_STRUCT_OFFSET(SmtpSettings, quota.per_day), 0, LIMIT_QUOTA},
};

static void apply_number(
    SmtpSettings *next, const SettingsPatch *patch, gsize row, GPtrArray *faults)
{
    gint64 value = G_STRUCT_MEMBER(gint64, patch, numbers[row].in_patch);
    if (value < numbers[row].least || value > numbers[row].most)
        settings_fault_add(faults, numbers[row].field, "out_of_range",
            g_strdup_printf("A number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " is needed.",
                numbers[row].least, numbers[row].most));
    else
        G_STRUCT_MEMBER(guint, next, numbers[row].in_settings) = (guint)value;
}

/* --- Port, security, way to sign in, password -------------------------------------------- */

static const guint16 common_ports[] = {465, 587, 588, 2465, 2525, 2587, 443};

static gboolean list_has_port(const guint16 *ports, gsize n, gint64 port)
{
    for (gsize i = 0; i < n; i++) {
        if (ports[i] == port)
            return TRUE;
    }
    return FALSE;
}

static char *describe_ports(const SettingsPorts *ports)
{
    GString *text = g_string_new("This port is not allowed. Allowed are");
    for (gsize i = 0; i < G_N_ELEMENTS(common_ports); i++)
        g_string_append_printf(text, "%s %u", i == 0 ? "" : ",", common_ports[i]);
    for (guint i = 0; i < ports->n_extra; i++)
        g_string_append_printf(text, ", %u", ports->extra[i]);
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

static void apply_port(
    SmtpSettings *next, const SettingsPatch *patch, const SettingsPorts *ports, GPtrArray *faults)
{
    if (patch->port < 0 || patch->port > G_MAXUINT16)
        settings_fault_add(
            faults, "port", "out_of_range", g_strdup("A number from 1 to 65535 is needed."));
    else if (patch->port != 0 &&
             !list_has_port(common_ports, G_N_ELEMENTS(common_ports), patch->port) &&
             !list_has_port(ports->extra, ports->n_extra, patch->port))
        settings_fault_add(faults, "port", "port_not_allowed", describe_ports(ports));
    else
        next->port = (guint)patch->port;
}

static void apply_security(SmtpSettings *next, const SettingsPatch *patch, GPtrArray *faults)
{
    TlsMode mode;
    if (patch->security == NULL || *patch->security == '\0')
        next->security = 0;
    else if (tls_mode_parse(patch->security, &mode))
        next->security = mode;
    else if (!text_is_one_line(patch->security, FALSE))
        settings_fault_add(faults, "security", "control_character",
            g_strdup("Line breaks and other control characters are not allowed."));
    else
        settings_fault_add(faults, "security", "invalid_security",
            g_strdup("This must be \"starttls\" or \"implicit\"; mail is never sent without TLS."));
}

static void apply_auth(SmtpSettings *next, const SettingsPatch *patch, GPtrArray *faults)
{
    static const SettingsAuth ways[] = {SETTINGS_AUTH_AUTO, SETTINGS_AUTH_OAUTH2};
    const char *name = patch->auth == NULL || *patch->auth == '\0' ? "auto" : patch->auth;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        if (strcmp(name, settings_auth_name(ways[i])) == 0) {
            next->auth = ways[i];
            return;
        }
    }
    settings_fault_add(
        faults, "auth", "unknown_value", g_strdup("This must be \"auto\" or \"oauth2\"."));
}

static gboolean has_new_password(const SettingsPatch *patch)
{
    return (patch->present & SETTINGS_PASSWORD) != 0 && !secret_is_empty(patch->password);
}

static void check_password(const SettingsPatch *patch, GPtrArray *faults)
{
    gsize n;
    const char *bytes = secret_reveal(patch->password, &n);
    if (n > LIMIT_PASSWORD_BYTES)
        settings_fault_add(faults, "password", "too_long",
            g_strdup_printf("At most %d bytes are allowed.", LIMIT_PASSWORD_BYTES));
    else if (memchr(bytes, '\0', n) != NULL || memchr(bytes, '\r', n) != NULL ||
             memchr(bytes, '\n', n) != NULL)
        settings_fault_add(faults, "password", "control_character",
            g_strdup("A password cannot hold line breaks or NUL."));
}

/* --- The whole change ------------------------------------------------------------------------- */

static void apply_fields(
    SmtpSettings *next, const SettingsPatch *patch, const SettingsPorts *ports, GPtrArray *faults)
{
    for (gsize row = 0; row < G_N_ELEMENTS(texts); row++) {
        if ((patch->present & texts[row].bit) != 0)
            apply_text(next, patch, row, faults);
    }
    if ((patch->present & SETTINGS_PORT) != 0)
        apply_port(next, patch, ports, faults);
    if ((patch->present & SETTINGS_SECURITY) != 0)
        apply_security(next, patch, faults);
    if ((patch->present & SETTINGS_AUTH) != 0)
        apply_auth(next, patch, faults);
    if (has_new_password(patch))
        check_password(patch, faults);
    for (gsize row = 0; row < G_N_ELEMENTS(numbers); row++) {
        if ((patch->present & numbers[row].bit) != 0)
            apply_number(next, patch, row, faults);
    }
}

SmtpSettings *settings_apply(const SmtpSettings *settings, const SettingsPatch *patch,
    const SettingsPorts *ports, Vault *vault, gint64 org_id, WallMs now, gboolean *password_dropped,
    GPtrArray **faults)
{
    g_autoptr(SmtpSettings) next = settings_copy(settings);
    g_autoptr(GPtrArray) found = settings_faults_new();
    apply_fields(next, patch, ports, found);
    if ((patch->present & SETTINGS_OAUTH) != 0) {
        const AccountChange change = {settings, next, &patch->oauth, vault, org_id};
        oauth_account_patch_apply(&change, found);
    }
    if (found->len > 0) {
        *faults = g_steal_pointer(&found);
        return NULL;
    }
    gboolean dropped = FALSE;
    if (has_new_password(patch)) {
        password_store(next, patch->password, vault, org_id, now);
    } else if (next->password_sealed != NULL && !password_fits_both(settings, next)) {
        password_drop(next);
        dropped = TRUE;
    }
    oauth_account_patch_secrets(settings, next, patch, vault, org_id, now);
    *password_dropped = dropped;
    return g_steal_pointer(&next);
}
