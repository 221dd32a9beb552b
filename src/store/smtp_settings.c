#include "store/smtp_settings.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/history.h"
#include "store/quota.h"
#include "store/settings_columns.h"
#include "store/test_mails.h"
#include "store/waits.h"
#include "store/webhooks.h"

/* --- Slots ----------------------------------------------------------------------------------- */

typedef enum {
    SLOT_DRAFT = 1,
    SLOT_ACTIVE = 2,
} Slot;

static gboolean read_slots(Db *db, gint64 org_id, SmtpState *state, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT slot, " SETTINGS_COLUMNS " FROM smtp_slots WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    while (db_next(q)) {
        SmtpSettings **slot = db_int(q, 0) == SLOT_DRAFT ? &state->draft : &state->active;
        *slot = settings_columns_read(q, 1);
    }
    return db_finish(q, error);
}

static gboolean delete_slot(Db *db, gint64 org_id, Slot slot, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM smtp_slots WHERE org_id = $1 AND slot = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, slot);
    return db_finish(q, error);
}

static gboolean write_slot(
    Db *db, gint64 org_id, Slot slot, const SmtpSettings *settings, GError **error)
{
    if (!delete_slot(db, org_id, slot, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db, "INSERT INTO smtp_slots (org_id, slot, " SETTINGS_COLUMNS
                                        ") VALUES ($1, $2, " SETTINGS_PARAMETERS_FROM_3 ")");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, slot);
    settings_columns_bind(q, 3, settings);
    return db_finish(q, error);
}

/* --- The whole state ------------------------------------------------------------------------- */

const char *health_name(Health health)
{
    switch (health) {
    case HEALTH_UNKNOWN:
        return "unknown";
    case HEALTH_OK:
        return "ok";
    case HEALTH_DEGRADED:
        return "degraded";
    case HEALTH_CREDENTIAL_FAULT:
        return "credential_fault";
    case HEALTH_UNREACHABLE:
        return "unreachable";
    }
    g_assert_not_reached();
}

void smtp_state_free(SmtpState *state)
{
    if (!state)
        return;
    settings_free(state->draft);
    settings_free(state->active);
    g_free(state->sending_reason);
    g_free(state->sending_changed_by);
    g_free(state->health_diagnosis);
    g_free(state->last_failure_diagnosis);
    quota_free(state->sent);
    g_free(state);
}

static gboolean read_state(Db *db, gint64 org_id, SmtpState *state, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT revision, config_version, draft_changed_at, active_since, sending_enabled, "
        "sending_reason, sending_until, sending_changed_by, sending_changed_at, health, health_at, "
        "health_diagnosis, last_accepted_at, last_failure_at, last_failure_diagnosis "
        "FROM smtp_state WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    gboolean found = db_next(q);
    if (found) {
        state->revision = db_int(q, 0);
        state->config_version = db_int(q, 1);
        state->draft_changed_at = db_int(q, 2);
        state->active_since = db_int(q, 3);
        state->sending_enabled = db_int(q, 4) != 0;
        state->sending_reason = db_dup_text(q, 5);
        state->sending_until = db_int(q, 6);
        state->sending_changed_by = db_dup_text(q, 7);
        state->sending_changed_at = db_int(q, 8);
        state->health = (Health)db_int(q, 9);
        state->health_at = db_int(q, 10);
        state->health_diagnosis = db_dup_text(q, 11);
        state->last_accepted_at = db_int(q, 12);
        state->last_failure_at = db_int(q, 13);
        state->last_failure_diagnosis = db_dup_text(q, 14);
    }
    if (!db_finish(q, error))
        return FALSE;
    if (!found)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such organisation");
    return found;
}

/* The last run bound to this revision that came to a result or is under way; 4 is cancelled. */
static gboolean read_draft_verification(Db *db, gint64 org_id, SmtpState *state, GError **error)
{
    static const SettingsVerification of_run[] = {SETTINGS_NEVER_VERIFIED, SETTINGS_VERIFYING,
        SETTINGS_VERIFIED, SETTINGS_VERIFICATION_FAILED};
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT state FROM verifications WHERE org_id = $1 AND revision = $2 "
                     "AND state <> 4 ORDER BY id DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, state->revision);
    if (db_next(q))
        state->draft_verification = of_run[db_int(q, 0)];
    return db_finish(q, error);
}

static gboolean read_last_verification(Db *db, gint64 org_id, SmtpState *state, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT id FROM verifications WHERE org_id = $1 ORDER BY id DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    if (db_next(q))
        state->has_last_verification = db_id(q, 0, &state->last_verification);
    return db_finish(q, error);
}

/* A day's minutes are many, and this is read for every mail that is taken: only where they count.
 */
static gboolean read_sent(Db *db, gint64 org_id, SmtpState *state, GError **error)
{
    QuotaLimits limits = smtp_state_limits(state);
    if (limits.per_minute == 0 && limits.per_hour == 0 && limits.per_day == 0)
        return TRUE;
    state->sent = quota_sent_read(db, org_id, clock_wall_ms(), error);
    return state->sent != NULL;
}

SmtpState *smtp_state_read(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(SmtpState) state = g_new0(SmtpState, 1);
    if (!read_state(db, org_id, state, error) || !read_slots(db, org_id, state, error) ||
        !read_draft_verification(db, org_id, state, error) ||
        !read_last_verification(db, org_id, state, error) || !read_sent(db, org_id, state, error))
        return NULL;
    return g_steal_pointer(&state);
}

QuotaLimits smtp_state_limits(const SmtpState *state)
{
    if (state->active == NULL)
        return (QuotaLimits){0, 0, 0};
    const SettingsQuota *quota = &state->active->quota;
    return (QuotaLimits){quota->per_minute, quota->per_hour, quota->per_day};
}

EmailGate smtp_state_gate(const SmtpState *state, WallMs now)
{
    const QuotaLimits limits = smtp_state_limits(state);
    if (!state->active)
        return EMAIL_GATE_NOT_CONFIGURED;
    if (!state->sending_enabled)
        return EMAIL_GATE_PAUSED;
    if (state->health == HEALTH_CREDENTIAL_FAULT)
        return EMAIL_GATE_CREDENTIAL_FAULT;
    if (state->sent != NULL && quota_is_used_up(state->sent, &limits, now))
        return EMAIL_GATE_QUOTA;
    return EMAIL_GATE_OPEN;
}

/* --- Draft and active ------------------------------------------------------------------------ */

/* Without the slots. NULL with ABS_ERROR_CONFLICT unless the revision is the expected one (-1:
 * any).
 */
static SmtpState *read_expected(Db *db, gint64 org_id, gint64 expected, GError **error)
{
    g_autoptr(SmtpState) state = g_new0(SmtpState, 1);
    if (!read_state(db, org_id, state, error))
        return NULL;
    if (expected >= 0 && expected != state->revision) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
            "the settings were changed meanwhile: revision %" G_GINT64_FORMAT
            " was expected, it is %" G_GINT64_FORMAT,
            expected, state->revision);
        return NULL;
    }
    return g_steal_pointer(&state);
}

static gboolean note_draft_change(Db *db, gint64 org_id, WallMs changed_at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE smtp_state SET revision = revision + 1, "
                                        "draft_changed_at = $2 WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    db_bind_int_or_null(q, 2, changed_at);
    store_note_change(db, STORE_CHANGED_SETTINGS, org_id, NULL);
    return db_finish(q, error);
}

gboolean smtp_draft_write(Db *db, gint64 org_id, const SmtpSettings *draft,
    gint64 expected_revision, WallMs now, gint64 *revision, GError **error)
{
    g_autoptr(SmtpState) present = read_expected(db, org_id, expected_revision, error);
    if (!present)
        return FALSE;
    gboolean written = draft ? write_slot(db, org_id, SLOT_DRAFT, draft, error)
                             : delete_slot(db, org_id, SLOT_DRAFT, error);
    if (!written || !note_draft_change(db, org_id, draft ? now : 0, error))
        return FALSE;
    CRASH_POINT("draft_written");
    if (revision)
        *revision = present->revision + 1;
    return TRUE;
}

/* The same settings under another number: what is known about them stays true. */
static gboolean renumber(
    Db *db, gint64 org_id, gint64 from_version, gint64 to_version, GError **error)
{
    return settings_history_move(db, org_id, from_version, to_version, error) &&
           test_mails_move(db, org_id, from_version, to_version, error);
}

/* Settings that are only verified once more are no new version. */
static gboolean keep_version(Db *db, gint64 org_id, const SmtpState *before,
    const SmtpSettings *settings, WallMs now, GError **error)
{
    gint64 version = before->config_version + 1;
    if (before->active && settings_history_same(before->active, settings))
        return renumber(db, org_id, before->config_version, version, error);
    return settings_history_add(db, org_id, settings, version, before->revision, now, error);
}

static void take_newer(GBytes **sealed, WallMs set_at, GBytes *stored, WallMs stored_set_at)
{
    if (*sealed && stored && set_at != 0 && set_at == stored_set_at) {
        g_bytes_unref(*sealed);
        *sealed = g_bytes_ref(stored);
    }
}

/* While the run lasted, a secret of the draft may have been sealed under a new key, or rotated by
 * the provider: the stored form goes before the run's copy. */
static SmtpSettings *with_stored_secrets(const SmtpSettings *settings, const SmtpSettings *stored)
{
    SmtpSettings *copy = settings_copy(settings);
    if (!stored)
        return copy;
    take_newer(&copy->password_sealed, copy->password_set_at, stored->password_sealed,
        stored->password_set_at);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        take_newer(&copy->oauth.sealed[kind], copy->oauth.set_at[kind], stored->oauth.sealed[kind],
            stored->oauth.set_at[kind]);
    return copy;
}

gboolean smtp_activate(Db *db, gint64 org_id, const SmtpSettings *proven, gint64 expected_revision,
    WallMs now, GError **error)
{
    g_autoptr(SmtpState) before = read_expected(db, org_id, expected_revision, error);
    if (!before || !read_slots(db, org_id, before, error))
        return FALSE;
    g_autoptr(SmtpSettings) settings =
        with_stored_secrets(proven, before->draft ? before->draft : before->active);
    if (!keep_version(db, org_id, before, settings, now, error) ||
        !write_slot(db, org_id, SLOT_ACTIVE, settings, error) ||
        !delete_slot(db, org_id, SLOT_DRAFT, error) ||
        !webhook_note_activation(db, org_id, settings, before->config_version, now, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE smtp_state SET revision = revision + 1, config_version = config_version + 1, "
        "draft_changed_at = NULL, active_since = $2, health = $3, health_at = $2, "
        "health_diagnosis = NULL, last_failure_at = NULL, last_failure_diagnosis = NULL "
        "WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, now);
    db_bind_int(q, 3, HEALTH_OK);
    CRASH_POINT("activation_due");
    store_note_change(db, STORE_CHANGED_SETTINGS, org_id, NULL);
    store_note_change(db, STORE_CHANGED_HEALTH, org_id, NULL);
    store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return db_finish(q, error) && waits_end(db, org_id, now, LIMIT_ACTIVATION_ROWS, error);
}

/* --- The refresh token ------------------------------------------------------------------------ */

static gboolean replace_token(
    DbQuery *update, gint64 org_id, WallMs set_at, GBytes *sealed, GError **error)
{
    db_bind_int(update, 1, org_id);
    db_bind_int(update, 2, set_at);
    db_bind_bytes(update, 3, sealed);
    return db_finish(update, error);
}

gboolean smtp_refresh_token_write(
    Db *db, gint64 org_id, WallMs set_at, GBytes *sealed, GError **error)
{
    g_autoptr(DbQuery) slots =
        db_query(db, "UPDATE smtp_slots SET oauth_refresh_token_sealed = $3 WHERE org_id = $1 "
                     "AND oauth_refresh_token_set_at = $2");
    if (!replace_token(slots, org_id, set_at, sealed, error))
        return FALSE;
    g_autoptr(DbQuery) versions =
        db_query(db, "UPDATE smtp_history SET oauth_refresh_token_sealed = $3 WHERE org_id = $1 "
                     "AND oauth_refresh_token_set_at = $2");
    return replace_token(versions, org_id, set_at, sealed, error);
}

/* --- Limits ------------------------------------------------------------------------------------
 */

static gboolean write_limits(Db *db, gint64 org_id, const SmtpSettings *settings, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE smtp_slots SET max_connections = $3, send_window = $4, quota_per_minute = $5, "
        "quota_per_hour = $6, quota_per_day = $7, oauth_client_secret_ends_at = $8 "
        "WHERE org_id = $1 AND slot = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, SLOT_ACTIVE);
    db_bind_int(q, 3, settings->max_connections);
    db_bind_int(q, 4, settings->window);
    db_bind_int(q, 5, settings->quota.per_minute);
    db_bind_int(q, 6, settings->quota.per_hour);
    db_bind_int(q, 7, settings->quota.per_day);
    db_bind_int_or_null(q, 8, settings->oauth.client_secret_ends_at);
    return db_finish(q, error);
}

gboolean smtp_limits_write(
    Db *db, gint64 org_id, const SmtpSettings *settings, gint64 expected_revision, GError **error)
{
    g_autoptr(SmtpState) before = read_expected(db, org_id, expected_revision, error);
    if (!before || !read_slots(db, org_id, before, error))
        return FALSE;
    if (!before->active) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no settings are active");
        return FALSE;
    }
    if (!write_limits(db, org_id, settings, error))
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE smtp_state SET revision = revision + 1 WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    store_note_change(db, STORE_CHANGED_SETTINGS, org_id, NULL);
    store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return db_finish(q, error);
}

/* The organisations a query names, read to its end so that their rows can be changed afterwards. */
static GArray *collect_orgs(DbQuery *q, GError **error)
{
    g_autoptr(GArray) orgs = g_array_new(FALSE, FALSE, sizeof(gint64));
    while (db_next(q)) {
        gint64 org_id = db_int(q, 0);
        g_array_append_val(orgs, org_id);
    }
    return db_finish(q, error) ? g_steal_pointer(&orgs) : NULL;
}

gboolean smtp_drafts_expire(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT org_id FROM smtp_state WHERE draft_changed_at <= $1");
    db_bind_int(q, 1, now - LIMIT_DRAFT_MS);
    g_autoptr(GArray) orgs = collect_orgs(q, error);
    for (guint i = 0; orgs && i < orgs->len; i++)
        if (!smtp_draft_write(db, g_array_index(orgs, gint64, i), NULL, -1, now, NULL, error))
            return FALSE;
    return orgs != NULL;
}

/* --- Sending switch and health --------------------------------------------------------------- */

gboolean smtp_sending_write(Db *db, gint64 org_id, gboolean enabled, const char *reason,
    WallMs until, const char *changed_by, WallMs now, GError **error)
{
    if (!webhook_note_sending(db, org_id, enabled, reason, until, changed_by, now, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE smtp_state SET sending_enabled = $2, sending_reason = $3, sending_until = $4, "
        "sending_changed_by = $5, sending_changed_at = $6 WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, enabled ? 1 : 0);
    db_bind_text(q, 3, reason);
    db_bind_int_or_null(q, 4, until);
    db_bind_text(q, 5, changed_by);
    db_bind_int(q, 6, now);
    CRASH_POINT("switch_due");
    store_note_change(db, STORE_CHANGED_SENDING, org_id, NULL);
    store_note_change(db, STORE_CHANGED_QUEUE, org_id, NULL);
    return db_finish(q, error);
}

gboolean smtp_pauses_end(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT org_id FROM smtp_state WHERE sending_enabled = 0 AND sending_until <= $1");
    db_bind_int(q, 1, now);
    g_autoptr(GArray) orgs = collect_orgs(q, error);
    for (guint i = 0; orgs && i < orgs->len; i++)
        if (!smtp_sending_write(
                db, g_array_index(orgs, gint64, i), TRUE, NULL, 0, "schedule", now, error))
            return FALSE;
    return orgs != NULL;
}

gboolean smtp_pauses_move(Db *db, gint64 moved_ms, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE smtp_state SET sending_until = sending_until + $1 "
                                        "WHERE sending_enabled = 0 AND sending_until IS NOT NULL "
                                        "AND sending_changed_at NOT BETWEEN $2 AND $3");
    db_bind_int(q, 1, moved_ms);
    db_bind_int(q, 2, now - CLOCK_MINUTE_MS);
    db_bind_int(q, 3, now);
    return db_finish(q, error);
}

gboolean smtp_health_write(Db *db, gint64 org_id, gint64 config_version, Health health,
    const char *diagnosis, WallMs now, GError **error)
{
    if (!webhook_note_health(db, org_id, config_version, health, diagnosis, now, error))
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE smtp_state SET health = $3, health_diagnosis = $4, health_at = $5 "
                     "WHERE org_id = $1 AND config_version = $2 "
                     "AND (health <> $3 OR COALESCE(health_diagnosis, '') <> COALESCE($4, ''))");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, config_version);
    db_bind_int(q, 3, health);
    db_bind_text(q, 4, diagnosis);
    db_bind_int(q, 5, now);
    if (!db_finish(q, error))
        return FALSE;
    if (db_changes(db) > 0)
        store_note_change(db, STORE_CHANGED_HEALTH, org_id, NULL);
    return TRUE;
}

/* --- Password guard -------------------------------------------------------------------------- */

gboolean login_guard_check(Db *db, gint64 org_id, const char *host, const char *username,
    const guint8 fingerprint[VAULT_FINGERPRINT_BYTES], WallMs now, LoginGuard *guard,
    WallMs *free_at, GError **error)
{
    guint n = 0;
    WallMs same_at = 0, tenth_at = 0;
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT at, fingerprint = $4 FROM login_failures WHERE org_id = $1 "
                     "AND host = $2 AND username = $3 AND at > $5 ORDER BY at DESC");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, host);
    db_bind_text(q, 3, username);
    db_bind_blob(q, 4, fingerprint, VAULT_FINGERPRINT_BYTES);
    db_bind_int(q, 5, now - CLOCK_HOUR_MS);
    while (db_next(q)) {
        if (db_int(q, 1) && same_at == 0)
            same_at = db_int(q, 0);
        if (++n == LIMIT_LOGIN_FAILURES_PER_HOUR)
            tenth_at = db_int(q, 0);
    }
    if (!db_finish(q, error))
        return FALSE;
    *guard = tenth_at > 0  ? LOGIN_GUARD_TOO_MANY
             : same_at > 0 ? LOGIN_GUARD_SAME_PASSWORD
                           : LOGIN_GUARD_FREE;
    WallMs last = MAX(same_at, tenth_at);
    *free_at = last > 0 ? last + CLOCK_HOUR_MS : 0;
    return TRUE;
}

static gboolean prune_failures(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM login_failures WHERE at <= $1");
    db_bind_int(q, 1, now - CLOCK_HOUR_MS);
    return db_finish(q, error);
}

gboolean login_guard_record_failure(Db *db, gint64 org_id, const char *host, const char *username,
    const guint8 fingerprint[VAULT_FINGERPRINT_BYTES], WallMs now, GError **error)
{
    if (!prune_failures(db, now, error))
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO login_failures (org_id, host, username, fingerprint, at) "
                     "VALUES ($1, $2, $3, $4, $5)");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, host);
    db_bind_text(q, 3, username);
    db_bind_blob(q, 4, fingerprint, VAULT_FINGERPRINT_BYTES);
    db_bind_int(q, 5, now);
    return db_finish(q, error);
}

gboolean login_guard_record_success(
    Db *db, gint64 org_id, const char *host, const char *username, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "DELETE FROM login_failures WHERE org_id = $1 AND host = $2 AND username = $3");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, host);
    db_bind_text(q, 3, username);
    return db_finish(q, error);
}
