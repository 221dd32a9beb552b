#include "settings/oauth_account.h"

#include "base/error.h"
#include "oauth/service_account.h"
#include "settings/password.h"

#include <string.h>

/* --- The texts -------------------------------------------------------------------------------- */

static const gsize texts[] = {
    G_STRUCT_OFFSET(SettingsOauth, tenant),
    G_STRUCT_OFFSET(SettingsOauth, client_id),
    G_STRUCT_OFFSET(SettingsOauth, scope),
    G_STRUCT_OFFSET(SettingsOauth, subject),
    G_STRUCT_OFFSET(SettingsOauth, token_url),
    G_STRUCT_OFFSET(SettingsOauth, authorize_url),
    G_STRUCT_OFFSET(SettingsOauth, device_url),
    G_STRUCT_OFFSET(SettingsOauth, certificate),
    G_STRUCT_OFFSET(SettingsOauth, service_account_email),
    G_STRUCT_OFFSET(SettingsOauth, service_account_key_id),
    G_STRUCT_OFFSET(SettingsOauth, service_account_client_id),
};
G_STATIC_ASSERT(G_N_ELEMENTS(texts) == SETTINGS_OAUTH_TEXTS);

const gsize *settings_oauth_texts(void)
{
    return texts;
}

void oauth_account_copy(SettingsOauth *to, const SettingsOauth *from)
{
    *to = *from;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        G_STRUCT_MEMBER(char *, to, texts[i]) = g_strdup(G_STRUCT_MEMBER(char *, from, texts[i]));
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (to->sealed[kind] != NULL)
            g_bytes_ref(to->sealed[kind]);
    }
}

void oauth_account_clear(SettingsOauth *account)
{
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(G_STRUCT_MEMBER(char *, account, texts[i]));
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        g_clear_pointer(&account->sealed[kind], g_bytes_unref);
    memset(account, 0, sizeof *account);
}

gboolean oauth_account_same(const SettingsOauth *a, const SettingsOauth *b)
{
    if (a->provider != b->provider || a->grant != b->grant)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (g_strcmp0(G_STRUCT_MEMBER(char *, a, texts[i]), G_STRUCT_MEMBER(char *, b, texts[i])) !=
            0)
            return FALSE;
    }
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (!password_is_same(a->sealed[kind], a->set_at[kind], b->sealed[kind], b->set_at[kind]))
            return FALSE;
    }
    return TRUE;
}

void settings_oauth_profile(const SmtpSettings *settings, OauthProfile *profile)
{
    const SettingsOauth *account = &settings->oauth;
    *profile = (OauthProfile){
        .provider = account->provider,
        .grant = account->grant,
        .tenant = account->tenant,
        .client_id = account->client_id,
        .scope = account->scope,
        .subject = account->subject,
        .token_url = account->token_url,
        .authorize_url = account->authorize_url,
        .device_url = account->device_url,
        .certificate = account->certificate,
        .username = settings_username(settings),
    };
}

/* --- What a secret belongs to ------------------------------------------------------------------
 */

static char *effective_token_url(const SmtpSettings *settings)
{
    OauthProfile profile;
    settings_oauth_profile(settings, &profile);
    return oauth_token_url_dup(&profile);
}

/* The binding and oauth_account_fits_both must name the same facts: what the one leaves out, the
 * other would let through. Both addresses that secrets are sent to belong there; the one for codes
 * of devices as it was entered, for whether it is in force depends on the grant. */
VaultBinding *settings_oauth_binding(
    const SmtpSettings *settings, gint64 org_id, const char *purpose)
{
    g_autofree char *token_url = effective_token_url(settings);
    VaultBinding *binding = vault_binding_new(purpose);
    password_bind_destination(binding, settings, org_id);
    vault_binding_add_number(binding, settings->oauth.provider);
    vault_binding_add_text(binding, token_url);
    vault_binding_add_text(binding, settings->oauth.device_url);
    vault_binding_add_text(binding, settings->oauth.client_id);
    return binding;
}

gboolean oauth_account_fits_both(const SmtpSettings *a, const SmtpSettings *b)
{
    g_autofree char *a_url = effective_token_url(a);
    g_autofree char *b_url = effective_token_url(b);
    return password_fits_both(a, b) && a->oauth.provider == b->oauth.provider &&
           g_strcmp0(a_url, b_url) == 0 &&
           g_strcmp0(a->oauth.device_url, b->oauth.device_url) == 0 &&
           g_strcmp0(a->oauth.client_id, b->oauth.client_id) == 0;
}

static VaultBinding *secret_binding(
    const SmtpSettings *settings, OauthSecretKind kind, gint64 org_id)
{
    static const char *const purposes[OAUTH_SECRETS] = {
        [OAUTH_SECRET_CLIENT] = "oauth-client-secret",
        [OAUTH_SECRET_PRIVATE_KEY] = "oauth-private-key",
        [OAUTH_SECRET_SERVICE_ACCOUNT] = "oauth-service-account",
        [OAUTH_SECRET_REFRESH_TOKEN] = "oauth-refresh-token",
    };
    return settings_oauth_binding(settings, org_id, purposes[kind]);
}

/* --- Secrets -----------------------------------------------------------------------------------
 */

static void forget_service_account(SettingsOauth *account)
{
    g_clear_pointer(&account->service_account_email, g_free);
    g_clear_pointer(&account->service_account_key_id, g_free);
    g_clear_pointer(&account->service_account_client_id, g_free);
}

void oauth_account_drop(SettingsOauth *account, OauthSecretKind kind)
{
    g_clear_pointer(&account->sealed[kind], g_bytes_unref);
    account->set_at[kind] = 0;
    if (kind == OAUTH_SECRET_CLIENT)
        account->client_secret_ends_at = 0;
    if (kind == OAUTH_SECRET_SERVICE_ACCOUNT)
        forget_service_account(account);
}

/* What the file says about itself besides its key is no secret, and an admin needs it. */
static void note_service_account(SettingsOauth *account, const Secret *file)
{
    g_autoptr(OauthServiceAccount) read = oauth_service_account_read(file, NULL);
    if (read == NULL)
        return;
    account->service_account_email = g_steal_pointer(&read->client_email);
    account->service_account_key_id = g_steal_pointer(&read->private_key_id);
    account->service_account_client_id = g_steal_pointer(&read->client_id);
}

void oauth_account_store(SmtpSettings *settings, OauthSecretKind kind, const Secret *secret,
    Vault *vault, gint64 org_id, WallMs now)
{
    SettingsOauth *account = &settings->oauth;
    g_autoptr(VaultBinding) binding = secret_binding(settings, kind, org_id);
    oauth_account_drop(account, kind);
    account->sealed[kind] = vault_seal(vault, binding, secret);
    account->set_at[kind] = now;
    if (kind == OAUTH_SECRET_SERVICE_ACCOUNT)
        note_service_account(account, secret);
}

Secret *settings_unseal_oauth(
    const SmtpSettings *settings, OauthSecretKind kind, Vault *vault, gint64 org_id, GError **error)
{
    if (settings->oauth.sealed[kind] == NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no %s for OAuth2 is stored",
            oauth_secret_name(kind));
        return NULL;
    }
    g_autoptr(VaultBinding) binding = secret_binding(settings, kind, org_id);
    Secret *secret = vault_unseal(vault, binding, settings->oauth.sealed[kind], error);
    if (secret == NULL)
        g_prefix_error(error, "the stored %s for OAuth2: ", oauth_secret_name(kind));
    return secret;
}

GBytes *settings_seal_refresh_token(
    const SmtpSettings *settings, const Secret *token, Vault *vault, gint64 org_id)
{
    g_autoptr(VaultBinding) binding = secret_binding(settings, OAUTH_SECRET_REFRESH_TOKEN, org_id);
    return vault_seal(vault, binding, token);
}

void settings_sign_in(
    SmtpSettings *settings, const Secret *refresh_token, Vault *vault, gint64 org_id, WallMs now)
{
    oauth_account_store(settings, OAUTH_SECRET_REFRESH_TOKEN, refresh_token, vault, org_id, now);
}

guint settings_oauth_dropped(
    const SmtpSettings *before, const SmtpSettings *after, const SettingsPatch *patch)
{
    guint dropped = 0;
    gboolean is_about = (patch->present & SETTINGS_OAUTH) != 0;
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        gboolean is_wanted = is_about && (patch->oauth.is_clear ||
                                             (patch->oauth.present & SETTINGS_OAUTH_SECRET(kind)));
        if (before->oauth.sealed[kind] != NULL && after->oauth.sealed[kind] == NULL && !is_wanted)
            dropped |= 1u << kind;
    }
    return dropped;
}
