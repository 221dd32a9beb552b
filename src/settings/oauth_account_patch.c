#include "settings/oauth_account_patch.h"

#include "base/limits.h"
#include "mime/address.h"
#include "oauth/certificate.h"
#include "oauth/service_account.h"
#include "settings/faults.h"
#include "settings/oauth_account.h"

#include <string.h>

static gboolean is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static void add_oauth_fault(GPtrArray *faults, const char *field, OauthFault fault)
{
    if (fault != OAUTH_FAULT_NONE)
        settings_fault_add(
            faults, field, oauth_fault_code(fault), g_strdup(oauth_fault_text(fault)));
}

/* --- Texts -------------------------------------------------------------------------------------
 */

/* tenant is judged with the grant, when both are known; subject is an address. */
static const struct {
    const char *field;
    guint bit;
    gsize in_patch, in_account;
    gsize limit; /* bytes */
    OauthFault (*check)(const char *text);
} texts[] = {
    {"oauth/tenant", SETTINGS_OAUTH_TENANT, G_STRUCT_OFFSET(SettingsOauthPatch, tenant),
        G_STRUCT_OFFSET(SettingsOauth, tenant), LIMIT_DOMAIN_OCTETS, NULL},
    {"oauth/client_id", SETTINGS_OAUTH_CLIENT_ID, G_STRUCT_OFFSET(SettingsOauthPatch, client_id),
        G_STRUCT_OFFSET(SettingsOauth, client_id), LIMIT_OAUTH_CLIENT_ID_BYTES,
        oauth_client_id_check},
    {"oauth/scope", SETTINGS_OAUTH_SCOPE, G_STRUCT_OFFSET(SettingsOauthPatch, scope),
        G_STRUCT_OFFSET(SettingsOauth, scope), LIMIT_OAUTH_SCOPE_BYTES, oauth_scope_check},
    {"oauth/subject", SETTINGS_OAUTH_SUBJECT, G_STRUCT_OFFSET(SettingsOauthPatch, subject),
        G_STRUCT_OFFSET(SettingsOauth, subject), LIMIT_ADDRESS_OCTETS, NULL},
    {"oauth/token_url", SETTINGS_OAUTH_TOKEN_URL, G_STRUCT_OFFSET(SettingsOauthPatch, token_url),
        G_STRUCT_OFFSET(SettingsOauth, token_url), LIMIT_URL_BYTES, oauth_url_check},
    {"oauth/authorize_url", SETTINGS_OAUTH_AUTHORIZE_URL,
        G_STRUCT_OFFSET(SettingsOauthPatch, authorize_url),
        G_STRUCT_OFFSET(SettingsOauth, authorize_url), LIMIT_URL_BYTES, oauth_url_check},
    {"oauth/device_url", SETTINGS_OAUTH_DEVICE_URL, G_STRUCT_OFFSET(SettingsOauthPatch, device_url),
        G_STRUCT_OFFSET(SettingsOauth, device_url), LIMIT_URL_BYTES, oauth_url_check},
};

static gboolean is_line(const char *text, const char *field, gsize limit, GPtrArray *faults)
{
    char *detail = NULL;
    const char *code = settings_line_fault(text, limit, SETTINGS_BYTES, &detail);
    if (code != NULL)
        settings_fault_add(faults, field, code, detail);
    return code == NULL;
}

static void apply_text(const AccountChange *change, gsize row, GPtrArray *faults)
{
    const char *text = G_STRUCT_MEMBER(const char *, change->patch, texts[row].in_patch);
    char **kept = &G_STRUCT_MEMBER(char *, &change->next->oauth, texts[row].in_account);
    g_clear_pointer(kept, g_free);
    if (!is_given(text) || !is_line(text, texts[row].field, texts[row].limit, faults))
        return;
    OauthFault fault = texts[row].check != NULL ? texts[row].check(text) : OAUTH_FAULT_NONE;
    if (fault != OAUTH_FAULT_NONE)
        add_oauth_fault(faults, texts[row].field, fault);
    else
        *kept = g_strdup(text);
}

/* The mailbox a service account acts for. */
static void check_subject(SettingsOauth *account, GPtrArray *faults)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address = mime_address_parse(account->subject, &error);
    if (address == NULL) {
        settings_fault_add(faults, "oauth/subject", "invalid_address", g_strdup(error->message));
        return;
    }
    g_free(account->subject);
    account->subject = g_strdup(address->addr_spec);
}

/* --- Provider, grant, certificate --------------------------------------------------------------
 */

static void apply_name(const char *name, const char *field,
    gboolean (*parse)(const char *, guint *), guint *number, const char *sentence,
    GPtrArray *faults)
{
    *number = 0;
    if (is_given(name) && !parse(name, number))
        settings_fault_add(faults, field, "unknown_value", g_strdup(sentence));
}

static void apply_names(const AccountChange *change, GPtrArray *faults)
{
    const SettingsOauthPatch *patch = change->patch;
    SettingsOauth *account = &change->next->oauth;
    if ((patch->present & SETTINGS_OAUTH_PROVIDER) != 0)
        apply_name(patch->provider, "oauth/provider", oauth_provider_parse, &account->provider,
            "This must be \"microsoft\", \"google\" or \"generic\".", faults);
    if ((patch->present & SETTINGS_OAUTH_GRANT) != 0)
        apply_name(patch->grant, "oauth/grant", oauth_grant_parse, &account->grant,
            "This must be \"client_secret\", \"certificate\", \"refresh_token\" or "
            "\"service_account\".",
            faults);
}

static void apply_certificate(const AccountChange *change, GPtrArray *faults)
{
    const char *pem = change->patch->certificate;
    OauthFault fault = OAUTH_FAULT_NONE;
    g_clear_pointer(&change->next->oauth.certificate, g_free);
    if (!is_given(pem))
        return;
    g_autoptr(OauthCertificate) read = oauth_certificate_read(pem, &fault);
    if (read == NULL)
        add_oauth_fault(faults, "oauth/certificate", fault);
    else
        change->next->oauth.certificate = g_strdup(pem);
}

/* What only shows when all is put together. */
static void check_whole(const AccountChange *change, GPtrArray *faults)
{
    SettingsOauth *account = &change->next->oauth;
    const SettingsOauthPatch *patch = change->patch;
    if (account->provider != 0 && account->grant != 0 &&
        !oauth_provider_offers(account->provider, account->grant))
        add_oauth_fault(faults, "oauth/grant", OAUTH_FAULT_GRANT);
    if (account->provider == OAUTH_MICROSOFT)
        add_oauth_fault(
            faults, "oauth/tenant", oauth_tenant_check(account->tenant, account->grant));
    if (!oauth_urls_are_known(account->provider))
        return;
    const struct {
        const char *field, *given;
        char **kept;
    } urls[] = {
        {"oauth/token_url", patch->token_url, &account->token_url},
        {"oauth/authorize_url", patch->authorize_url, &account->authorize_url},
        {"oauth/device_url", patch->device_url, &account->device_url},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        if (is_given(urls[i].given))
            settings_fault_add(faults, urls[i].field, "url_is_known",
                g_strdup("The addresses of this provider are known; leave this field empty."));
        g_clear_pointer(urls[i].kept, g_free); /* of a provider that was chosen before */
    }
}

/* --- Secrets -----------------------------------------------------------------------------------
 */

static const struct {
    const char *field;
    gsize limit;
} secrets[OAUTH_SECRETS] = {
    [OAUTH_SECRET_CLIENT] = {"oauth/client_secret", LIMIT_OAUTH_CLIENT_SECRET_BYTES},
    [OAUTH_SECRET_PRIVATE_KEY] = {"oauth/private_key", LIMIT_OAUTH_PEM_BYTES},
    [OAUTH_SECRET_SERVICE_ACCOUNT] = {"oauth/service_account_key",
        LIMIT_OAUTH_SERVICE_ACCOUNT_BYTES},
    [OAUTH_SECRET_REFRESH_TOKEN] = {"oauth/refresh_token", LIMIT_OAUTH_REFRESH_TOKEN_BYTES},
};

/* NULL if the patch brings none of this kind. */
static const Secret *new_secret(const SettingsOauthPatch *patch, guint kind)
{
    gboolean is_present = (patch->present & SETTINGS_OAUTH_SECRET(kind)) != 0;
    const Secret *secret = patch->secrets[kind];
    return is_present && secret != NULL && !secret_is_empty(secret) ? secret : NULL;
}

/* Secrets of one line: no control characters, or the form of a request would say something else
 * than the person meant. */
static void check_line(const Secret *secret, const char *field, GPtrArray *faults)
{
    gsize n;
    const char *bytes = secret_reveal(secret, &n);
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_iscntrl(bytes[i]))
            continue;
        settings_fault_add(faults, field, "control_character",
            g_strdup("Line breaks and other control characters are not allowed."));
        return;
    }
}

static void check_service_account(const Secret *file, const char *field, GPtrArray *faults)
{
    OauthFault fault = OAUTH_FAULT_NONE;
    g_autoptr(OauthServiceAccount) read = oauth_service_account_read(file, &fault);
    if (read == NULL)
        add_oauth_fault(faults, field, fault);
}

/* A new key must belong to the certificate, and a new certificate to the key that is kept. */
static void check_key(const AccountChange *change, const Secret *key, GPtrArray *faults)
{
    const char *certificate = change->next->oauth.certificate;
    g_autoptr(Secret) kept = NULL;
    gboolean is_asked = (change->patch->present & SETTINGS_OAUTH_CERTIFICATE) != 0;
    if (key != NULL) {
        add_oauth_fault(faults, "oauth/private_key", oauth_private_key_check(key, certificate));
        return;
    }
    if (!is_asked || certificate == NULL ||
        !oauth_account_fits_both(change->before, change->next) ||
        (change->patch->present & SETTINGS_OAUTH_SECRET(OAUTH_SECRET_PRIVATE_KEY)) != 0)
        return;
    kept = settings_unseal_oauth(
        change->before, OAUTH_SECRET_PRIVATE_KEY, change->vault, change->org_id, NULL);
    if (kept != NULL)
        add_oauth_fault(faults, "oauth/certificate", oauth_private_key_check(kept, certificate));
}

static void check_secret(const AccountChange *change, OauthSecretKind kind, GPtrArray *faults)
{
    const Secret *secret = new_secret(change->patch, kind);
    gsize n = 0;
    if (secret != NULL)
        secret_reveal(secret, &n);
    if (n > secrets[kind].limit) {
        settings_fault_add(faults, secrets[kind].field, "too_long",
            g_strdup_printf("At most %" G_GSIZE_FORMAT " bytes are allowed.", secrets[kind].limit));
        return;
    }
    switch (kind) {
    case OAUTH_SECRET_CLIENT:
    case OAUTH_SECRET_REFRESH_TOKEN:
        if (secret != NULL)
            check_line(secret, secrets[kind].field, faults);
        break;
    case OAUTH_SECRET_PRIVATE_KEY:
        check_key(change, secret, faults);
        break;
    case OAUTH_SECRET_SERVICE_ACCOUNT:
        if (secret != NULL)
            check_service_account(secret, secrets[kind].field, faults);
        break;
    case OAUTH_SECRETS:
        g_assert_not_reached();
    }
}

/* --- The whole change --------------------------------------------------------------------------
 */

void oauth_account_patch_apply(const AccountChange *change, GPtrArray *faults)
{
    SettingsOauth *account = &change->next->oauth;
    guint before = faults->len;
    if (change->patch->is_clear)
        oauth_account_clear(account);
    apply_names(change, faults);
    for (gsize row = 0; row < G_N_ELEMENTS(texts); row++) {
        if ((change->patch->present & texts[row].bit) != 0)
            apply_text(change, row, faults);
    }
    if ((change->patch->present & SETTINGS_OAUTH_SUBJECT) != 0 && account->subject != NULL)
        check_subject(account, faults);
    if ((change->patch->present & SETTINGS_OAUTH_CERTIFICATE) != 0)
        apply_certificate(change, faults);
    if (faults->len == before)
        check_whole(change, faults);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        check_secret(change, kind, faults);
}

static void patch_secret(const SettingsOauthPatch *patch, SmtpSettings *next, OauthSecretKind kind,
    Vault *vault, gint64 org_id, WallMs now)
{
    const Secret *secret = new_secret(patch, kind);
    if (secret != NULL)
        oauth_account_store(next, kind, secret, vault, org_id, now);
    else if ((patch->present & SETTINGS_OAUTH_SECRET(kind)) != 0)
        oauth_account_drop(&next->oauth, kind);
}

void oauth_account_patch_secrets(const SmtpSettings *before, SmtpSettings *next,
    const SettingsPatch *patch, Vault *vault, gint64 org_id, WallMs now)
{
    gboolean is_other = !oauth_account_fits_both(before, next);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        if (is_other && next->oauth.sealed[kind] != NULL)
            oauth_account_drop(&next->oauth, kind);
        if ((patch->present & SETTINGS_OAUTH) != 0)
            patch_secret(&patch->oauth, next, kind, vault, org_id, now);
    }
    /* A new secret has a new end, which is told with it or not at all. */
    if ((patch->present & SETTINGS_OAUTH) != 0 &&
        (patch->oauth.present & SETTINGS_OAUTH_CLIENT_SECRET_ENDS_AT) != 0)
        next->oauth.client_secret_ends_at = patch->oauth.client_secret_ends_at;
}
