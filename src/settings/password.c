#include "settings/password.h"

#include "base/error.h"

/* This and password_fits_both must name the same facts: what the one leaves out, the other would
 * let through. */
void password_bind_destination(VaultBinding *binding, const SmtpSettings *settings, gint64 org_id)
{
    vault_binding_add_number(binding, (guint64)org_id);
    vault_binding_add_text(binding, settings->host);
    vault_binding_add_number(binding, settings_port(settings));
    vault_binding_add_text(binding, tls_mode_name(settings_security(settings)));
    vault_binding_add_text(binding, settings_username(settings));
}

VaultBinding *settings_password_binding(const SmtpSettings *settings, gint64 org_id)
{
    VaultBinding *binding = vault_binding_new("smtp-password");
    password_bind_destination(binding, settings, org_id);
    return binding;
}

gboolean password_fits_both(const SmtpSettings *a, const SmtpSettings *b)
{
    return g_strcmp0(a->host, b->host) == 0 && settings_port(a) == settings_port(b) &&
           settings_security(a) == settings_security(b) &&
           g_strcmp0(settings_username(a), settings_username(b)) == 0;
}

gboolean password_is_same(const GBytes *a, WallMs a_set_at, const GBytes *b, WallMs b_set_at)
{
    return (a == NULL) == (b == NULL) && a_set_at == b_set_at;
}

void password_drop(SmtpSettings *settings)
{
    g_clear_pointer(&settings->password_sealed, g_bytes_unref);
    settings->password_set_at = 0;
}

void password_store(
    SmtpSettings *settings, const Secret *password, Vault *vault, gint64 org_id, WallMs now)
{
    g_autoptr(VaultBinding) binding = settings_password_binding(settings, org_id);
    password_drop(settings);
    settings->password_sealed = vault_seal(vault, binding, password);
    settings->password_set_at = now;
}

Secret *settings_unseal_password(
    const SmtpSettings *settings, Vault *vault, gint64 org_id, GError **error)
{
    if (settings->password_sealed == NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no SMTP password is stored");
        return NULL;
    }
    g_autoptr(VaultBinding) binding = settings_password_binding(settings, org_id);
    Secret *password = vault_unseal(vault, binding, settings->password_sealed, error);
    if (password == NULL)
        g_prefix_error(error, "the stored SMTP password: ");
    return password;
}
