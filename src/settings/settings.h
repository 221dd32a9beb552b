/* SMTP settings: what an org admin enters, checked field by field; draft and active; the setup
 * state; and the one rule about stored secrets: the password belongs to (org, host, port, security,
 * username) and to nothing else, an OAuth2 secret moreover to the provider, the token URL and the
 * client id. No I/O; sealing goes through the vault. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "base/tls_mode.h"
#include "oauth/profile.h"
#include "vault/vault.h"

#include <glib.h>

typedef struct {
    guint per_minute, per_hour, per_day; /* 0: no limit */
} SettingsQuota;

/* How to sign in to the server: numbers as stored. The password and OAuth2 secrets may both be
 * kept; only what is chosen counts. */
typedef enum {
    SETTINGS_AUTH_AUTO = 1, /* the password, by the best mechanism on offer */
    SETTINGS_AUTH_OAUTH2,
} SettingsAuth;
const char *settings_auth_name(SettingsAuth auth); /* "auto", "oauth2" */

/* The account at the provider. Texts are NULL while not entered. */
typedef struct {
    guint provider; /* an OauthProvider or 0 */
    guint grant;    /* an OauthGrant or 0 */
    char *tenant, *client_id, *scope, *subject, *token_url, *authorize_url, *device_url;
    char *certificate; /* PEM, public */
    char *service_account_email, *service_account_key_id, *service_account_client_id; /* read
                                                                                from its key */
    WallMs client_secret_ends_at;  /* what the admin read at the provider; 0: not told */
    GBytes *sealed[OAUTH_SECRETS]; /* by OauthSecretKind; NULL: none */
    WallMs set_at[OAUTH_SECRETS];  /* 0: none; a refresh token: when somebody signed in */
} SettingsOauth;

/* The offsets of its texts, in the order of the columns that hold them (store/settings_columns.h).
 */
#define SETTINGS_OAUTH_TEXTS 11
const gsize *settings_oauth_texts(void);

/* A slot. Text fields are NULL while not entered; port 0 and security 0 mean "the default". */
typedef struct {
    char *host; /* A-label form (mime_host_parse) */
    guint port;
    guint security; /* a TlsMode or 0 */
    char *username; /* NULL: the sender address */
    char *from_email, *from_name, *ehlo_name;
    guint max_connections, window; /* never 0: defaults from base/limits.h */
    SettingsQuota quota;
    GBytes *password_sealed; /* NULL: none */
    WallMs password_set_at;  /* 0: none */
    guint auth;              /* a SettingsAuth, never 0 */
    SettingsOauth oauth;
} SmtpSettings;

SmtpSettings *settings_new(void);
SmtpSettings *settings_copy(const SmtpSettings *settings);
void settings_free(SmtpSettings *settings);

/* What is in force when a field is left empty. */
guint16 settings_port(const SmtpSettings *settings);         /* 587 */
TlsMode settings_security(const SmtpSettings *settings);     /* by port */
const char *settings_username(const SmtpSettings *settings); /* from_email; may be NULL */

/* The account as oauth/ takes it. All texts are lent by settings. */
void settings_oauth_profile(const SmtpSettings *settings, OauthProfile *profile);

/* Required and absent, in the order of the form, NULL at the end: "host", "from_email"; then
 * "password", or with OAuth2 what its grant needs: "oauth/provider", "oauth/grant",
 * "oauth/tenant", "oauth/client_id", "oauth/token_url", "oauth/certificate",
 * "oauth/client_secret", "oauth/private_key", "oauth/service_account_key",
 * "oauth/refresh_token" (nobody has signed in). Names are static. */
#define SETTINGS_MISSING_MOST 12
typedef struct {
    const char *names[SETTINGS_MISSING_MOST + 1];
    guint n;
} SettingsMissing;
SettingsMissing settings_missing(const SmtpSettings *settings);

/* One wrong field; an array of them is what a 422 shows. */
typedef struct {
    const char *field; /* "host" … as in API.md, "quota/per_minute", "oauth/tenant"; static */
    const char *code;  /* "control_character", "invalid_utf8", "too_long", "invalid_host",
                          "invalid_address", "invalid_ehlo_name", "invalid_security",
                          "port_not_allowed", "out_of_range", "unknown_value", "url_is_known", or
                          one of oauth_fault_code; static */
    char *detail;      /* one English sentence */
} SettingsFault;
void settings_fault_free(SettingsFault *fault);

/* A change: only fields with their bit in `present` are set; text NULL or "" and port 0 empty a
 * field. NUL cannot stand in these texts: who reads them from JSON refuses it. */
enum {
    SETTINGS_HOST = 1 << 0,
    SETTINGS_PORT = 1 << 1,
    SETTINGS_SECURITY = 1 << 2,
    SETTINGS_USERNAME = 1 << 3,
    SETTINGS_PASSWORD = 1 << 4,
    SETTINGS_FROM_EMAIL = 1 << 5,
    SETTINGS_FROM_NAME = 1 << 6,
    SETTINGS_EHLO_NAME = 1 << 7,
    SETTINGS_MAX_CONNECTIONS = 1 << 8,
    SETTINGS_WINDOW = 1 << 9,
    SETTINGS_QUOTA = 1 << 10,
    SETTINGS_AUTH = 1 << 11,
    SETTINGS_OAUTH = 1 << 12,
};

/* A change of the OAuth2 account, member by member; a text NULL or "" and a time of 0 empty a
 * member, a secret NULL or empty forgets it. */
enum {
    SETTINGS_OAUTH_PROVIDER = 1 << 0,
    SETTINGS_OAUTH_GRANT = 1 << 1,
    SETTINGS_OAUTH_TENANT = 1 << 2,
    SETTINGS_OAUTH_CLIENT_ID = 1 << 3,
    SETTINGS_OAUTH_SCOPE = 1 << 4,
    SETTINGS_OAUTH_SUBJECT = 1 << 5,
    SETTINGS_OAUTH_TOKEN_URL = 1 << 6,
    SETTINGS_OAUTH_AUTHORIZE_URL = 1 << 7,
    SETTINGS_OAUTH_DEVICE_URL = 1 << 8,
    SETTINGS_OAUTH_CERTIFICATE = 1 << 9,
    SETTINGS_OAUTH_CLIENT_SECRET_ENDS_AT = 1 << 10,
};
#define SETTINGS_OAUTH_SECRET(kind) (1u << (11 + (kind))) /* kind: an OauthSecretKind */
typedef struct {
    gboolean is_clear; /* all that is kept goes first */
    guint present;
    const char *provider, *grant;
    const char *tenant, *client_id, *scope, *subject, *token_url, *authorize_url, *device_url;
    const char *certificate;
    WallMs client_secret_ends_at;
    const Secret *secrets[OAUTH_SECRETS];
} SettingsOauthPatch;

typedef struct {
    guint present;
    const char *host, *security, *username, *from_email, *from_name, *ehlo_name;
    gint64 port, max_connections, window;
    gint64 quota_per_minute, quota_per_hour, quota_per_day;
    const Secret
        *password;    /* empty or absent keeps the stored one, if the destination stays the same */
    const char *auth; /* NULL: auto */
    SettingsOauthPatch oauth; /* counts with SETTINGS_OAUTH */
} SettingsPatch;

/* Ports an admin may name: 465 587 588 2465 2525 2587 443 and the operator's. */
typedef struct {
    const guint16 *extra;
    guint n_extra;
} SettingsPorts;

/* settings with the patch applied, or NULL with *faults set (all faults; GPtrArray of SettingsFault
 * that frees them, the caller unrefs). The other outputs are set on success only. A new password is
 * sealed to the resulting destination. If one of host, port, security, username (in force, so a
 * changed from_email counts when username is empty) differs from before and no new password comes,
 * the stored one is dropped and *password_dropped says so. */
SmtpSettings *settings_apply(const SmtpSettings *settings, const SettingsPatch *patch,
    const SettingsPorts *ports, Vault *vault, gint64 org_id, WallMs now, gboolean *password_dropped,
    GPtrArray **faults);

/* What a password is sealed to; the caller frees. */
VaultBinding *settings_password_binding(const SmtpSettings *settings, gint64 org_id);

/* Opens the password for exactly this destination. ABS_ERROR_NOT_FOUND if none, ABS_ERROR_SECRET if
 * it cannot be opened. */
Secret *settings_unseal_password(
    const SmtpSettings *settings, Vault *vault, gint64 org_id, GError **error);

/* Which OAuth2 secrets (1 << OauthSecretKind) settings_apply dropped between before and after
 * because they belong to another account now: not those that the patch itself emptied. */
guint settings_oauth_dropped(
    const SmtpSettings *before, const SmtpSettings *after, const SettingsPatch *patch);

/* What a secret of the account is sealed to: purpose, org, host, port, security, username in force,
 * provider, effective token URL, device URL as entered, client id. An access token has a purpose of
 * its own. The caller frees. */
VaultBinding *settings_oauth_binding(
    const SmtpSettings *settings, gint64 org_id, const char *purpose);

/* Opens a secret for exactly this account; errors as settings_unseal_password. */
Secret *settings_unseal_oauth(const SmtpSettings *settings, OauthSecretKind kind, Vault *vault,
    gint64 org_id, GError **error);

/* Replaces a refresh token that the provider rotated: sealed for this account; set_at stays, since
 * it is still the same sign-in. NULL: none is kept. The caller unrefs. */
GBytes *settings_seal_refresh_token(
    const SmtpSettings *settings, const Secret *token, Vault *vault, gint64 org_id);

/* Puts the refresh token of a new sign-in into settings. */
void settings_sign_in(
    SmtpSettings *settings, const Secret *refresh_token, Vault *vault, gint64 org_id, WallMs now);

/* TRUE if both would send through the same account in the same way (all fields that a verification
 * proves: host, port, security, username in force; sender address, EHLO name; auth, the password
 * and the OAuth2 account). A secret is known by when it was set: typed again it counts as another
 * one; sealed anew, or rotated by the provider, it stays the same. */
gboolean settings_same_destination(const SmtpSettings *a, const SmtpSettings *b);

typedef enum {
    SETUP_NOT_CONFIGURED = 1,
    SETUP_INCOMPLETE,
    SETUP_VERIFYING,
    SETUP_COMPLETE,
    SETUP_FAILED,
} SetupState;

typedef enum {
    SETTINGS_NEVER_VERIFIED = 0, /* no verification of exactly these values */
    SETTINGS_VERIFYING,
    SETTINGS_VERIFIED,
    SETTINGS_VERIFICATION_FAILED,
} SettingsVerification;

/* Total (DESIGN 1): draft and active may be NULL; verification is about the draft's present
 * revision. */
SetupState settings_setup_state(
    const SmtpSettings *draft, const SmtpSettings *active, SettingsVerification verification);
const char *settings_setup_state_name(SetupState state); /* "not_configured" … */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpSettings, settings_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SettingsFault, settings_fault_free)
