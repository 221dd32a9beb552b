/* SMTP settings: what an org admin enters, checked field by field; draft and active; the setup
 * state; and the one rule about the stored password: it belongs to (org, host, port, security,
 * username) and to nothing else. No I/O; sealing goes through the vault. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "base/tls_mode.h"
#include "vault/vault.h"

#include <glib.h>

typedef struct {
    guint per_minute, per_hour, per_day; /* 0: no limit */
} SettingsQuota;

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
} SmtpSettings;

SmtpSettings *settings_new(void);
SmtpSettings *settings_copy(const SmtpSettings *settings);
void settings_free(SmtpSettings *settings);

/* What is in force when a field is left empty. */
guint16 settings_port(const SmtpSettings *settings);         /* 587 */
TlsMode settings_security(const SmtpSettings *settings);     /* by port */
const char *settings_username(const SmtpSettings *settings); /* from_email; may be NULL */

/* Required and absent: any of "host", "from_email", "password"; a static NULL-terminated list of
 * names in the order of the form. */
const char *const *settings_missing(const SmtpSettings *settings);

/* One wrong field; an array of them is what a 422 shows. */
typedef struct {
    const char *field; /* "host" … as in API.md, "quota/per_minute"; static */
    const char *code;  /* "control_character", "invalid_utf8", "too_long", "invalid_host",
                          "invalid_address", "invalid_ehlo_name", "invalid_security",
                          "port_not_allowed", "out_of_range"; static */
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
};
typedef struct {
    guint present;
    const char *host, *security, *username, *from_email, *from_name, *ehlo_name;
    gint64 port, max_connections, window;
    gint64 quota_per_minute, quota_per_hour, quota_per_day;
    const Secret
        *password; /* empty or absent keeps the stored one, if the destination stays the same */
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

/* Opens the password for exactly this destination. ABS_ERROR_NOT_FOUND if none, ABS_ERROR_SECRET if
 * it cannot be opened. */
Secret *settings_unseal_password(
    const SmtpSettings *settings, Vault *vault, gint64 org_id, GError **error);

/* TRUE if both would send through the same account in the same way (all fields that a verification
 * proves: host, port, security, username in force; the sealed password; sender address, EHLO name).
 * A password typed again counts as another one. */
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
