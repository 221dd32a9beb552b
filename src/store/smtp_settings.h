/* SMTP settings, sending switch, health and the password guard, as SQL functions. */
#pragma once

#include "outbox/email.h"
#include "outbox/quota.h"
#include "settings/settings.h"
#include "store/store.h"

typedef enum {
    HEALTH_UNKNOWN = 0,
    HEALTH_OK,
    HEALTH_DEGRADED,
    HEALTH_CREDENTIAL_FAULT,
    HEALTH_UNREACHABLE,
} Health;
const char *health_name(Health health);

/* Everything about one org's sending, read in one go. */
typedef struct {
    SmtpSettings *draft;   /* NULL: none */
    SmtpSettings *active;  /* NULL: none */
    gint64 revision;       /* moves with every change of draft or active: the ETag */
    gint64 config_version; /* moves with every change of active: sessions of another version are not
                              reused */
    WallMs draft_changed_at, active_since;
    SettingsVerification draft_verification; /* of the draft's present values */
    Id last_verification;                    /* zero: none */
    gboolean has_last_verification;
    gboolean sending_enabled;
    char *sending_reason, *sending_changed_by; /* a new org: "initial", NULL */
    WallMs sending_until, sending_changed_at;
    Health health;
    WallMs health_at;
    char *health_diagnosis;  /* catalogue id or NULL */
    WallMs last_accepted_at; /* exact to a second (activity.h); 0: never */
    WallMs last_failure_at;  /* of mail sent with the active settings; 0: none */
    char *last_failure_diagnosis;
    Quota *sent; /* what was sent lately; NULL while the active settings have no limit */
} SmtpState;

SmtpState *smtp_state_read(Db *db, gint64 org_id, GError **error);
void smtp_state_free(SmtpState *state);

/* The limits of the active settings; all 0 without. */
QuotaLimits smtp_state_limits(const SmtpState *state);

/* The gate an org's mail stands before: the first of not configured, paused, credential fault,
 * quota. Mail that a person started is held neither by a pause nor by the quota. */
EmailGate smtp_state_gate(const SmtpState *state, WallMs now);

/* Writes the draft (NULL deletes it), if revision is still expected_revision (ABS_ERROR_CONFLICT;
 * -1: any). */
gboolean smtp_draft_write(Db *db, gint64 org_id, const SmtpSettings *draft,
    gint64 expected_revision, WallMs now, gint64 *revision, GError **error);

/* Makes exactly these verified values active, keeps them in the history and removes the draft;
 * health becomes ok, so a credential fault ends, the last failure is forgotten, and what is
 * deferred becomes due (waits_end). Secrets are taken in the form in which the draft has them now
 * (a newer key, a rotated refresh token), if they are the same. ABS_ERROR_CONFLICT if the revision
 * moved; then nothing was written, and the job may go on. Notes SETTINGS, HEALTH and QUEUE. */
gboolean smtp_activate(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 expected_revision, WallMs now, GError **error);

/* The active settings with the limits of `settings`: quota, max_connections, window, and with the
 * note when the OAuth2 client secret ends. No verification proves them, so none is needed (decision
 * 0018); the settings keep their number, and all that is known about the account.
 * ABS_ERROR_CONFLICT as above; ABS_ERROR_NOT_FOUND if nothing is active. Notes SETTINGS and QUEUE.
 */
gboolean smtp_limits_write(
    Db *db, gint64 org_id, const SmtpSettings *settings, gint64 expected_revision, GError **error);

/* A refresh token that the provider rotated, known by when it was set: replaced in draft, active
 * and history at once. The settings stay the same ones, so revision and config_version do not move.
 * Where that sign-in is not kept any more, nothing is written. */
gboolean smtp_refresh_token_write(
    Db *db, gint64 org_id, WallMs set_at, GBytes *sealed, GError **error);

gboolean smtp_drafts_expire(Db *db, WallMs now, GError **error); /* older than LIMIT_DRAFT_MS */

gboolean smtp_sending_write(Db *db, gint64 org_id, gboolean enabled, const char *reason,
    WallMs until, const char *changed_by, WallMs now, GError **error);

/* Switches sending on where a pause has an end that has come; changed_by says "schedule". */
gboolean smtp_pauses_end(Db *db, WallMs now, GError **error);

/* The clock was set by moved_ms, a minute or more: pauses that were begun before it end as much
 * later, so that they last as long as they were meant to. Called within a minute after it. */
gboolean smtp_pauses_move(Db *db, gint64 moved_ms, WallMs now, GError **error);

/* Health from real traffic; only writes when it differs. config_version: ignored if the active
 * settings moved on. */
gboolean smtp_health_write(Db *db, gint64 org_id, gint64 config_version, Health health,
    const char *diagnosis, WallMs now, GError **error);

/* Password guard (DESIGN rule 5): what a server refused is remembered for an hour, or until a login
 * for that host and user succeeds. */
typedef enum {
    LOGIN_GUARD_FREE = 0,
    LOGIN_GUARD_SAME_PASSWORD, /* this password was refused for this host and user: not sent twice
                                */
    LOGIN_GUARD_TOO_MANY,      /* LIMIT_LOGIN_FAILURES_PER_HOUR reached */
} LoginGuard;

/* The purpose of the fingerprint: vault_fingerprint(vault, LOGIN_GUARD_PURPOSE, password, …). host
 * and username are settings->host and settings_username(). */
#define LOGIN_GUARD_PURPOSE "login-guard"

/* Both count refusals of the last hour. *free_at: when the guard lets go (0 if it is free). */
gboolean login_guard_check(Db *db, gint64 org_id, const char *host, const char *username,
    const guint8 fingerprint[VAULT_FINGERPRINT_BYTES], WallMs now, LoginGuard *guard,
    WallMs *free_at, GError **error);
gboolean login_guard_record_failure(Db *db, gint64 org_id, const char *host, const char *username,
    const guint8 fingerprint[VAULT_FINGERPRINT_BYTES], WallMs now, GError **error);
gboolean login_guard_record_success(
    Db *db, gint64 org_id, const char *host, const char *username, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpState, smtp_state_free)
