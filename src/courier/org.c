/* One org's side of the courier: its pool of sessions, and its state as the store has it. */
#include "courier/courier_priv.h"

#include "base/crash_point.h"
#include "base/limits.h"

#include <sodium.h>

static void on_mark(const gint64 *recipient_ids, guint n, gpointer user)
{
    courier_mark(user, recipient_ids, n);
}

/* The provider counts refused logins, so the guard of verifications counts these too. */
typedef struct {
    gint64 org_id;
    char *host, *username;
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
} Refusal;

static gboolean refusal_job(Db *db, gpointer data, GError **error)
{
    const Refusal *refusal = data;
    return login_guard_record_failure(db, refusal->org_id, refusal->host, refusal->username,
        refusal->fingerprint, clock_wall_ms(), error);
}

static void refusal_written(Courier *courier, gpointer data, const GError *error)
{
    Refusal *refusal = data;
    if (error != NULL)
        g_warning("a refused login could not be counted: %s", error->message);
    g_free(refusal->host);
    g_free(refusal->username);
    g_free(refusal);
}

void courier_login_fingerprint(
    Vault *vault, const Secret *password, guint8 fingerprint[VAULT_FINGERPRINT_BYTES])
{
    if (password != NULL)
        vault_fingerprint(vault, LOGIN_GUARD_PURPOSE, password, fingerprint);
    else
        randombytes_buf(fingerprint, VAULT_FINGERPRINT_BYTES);
}

static void note_refused_login(CourierOrg *org)
{
    const SmtpSettings *active = org->state == NULL ? NULL : org->state->active;
    Vault *vault = org->courier->parts.vault;
    if (active == NULL || courier_is_sandbox(org->courier, active->host, settings_port(active)))
        return;
    g_autoptr(Secret) password = NULL;
    if (active->auth != SETTINGS_AUTH_OAUTH2) {
        password = settings_unseal_password(active, vault, org->id, NULL);
        if (password == NULL)
            return;
    }
    Refusal *refusal = g_new0(Refusal, 1);
    refusal->org_id = org->id;
    refusal->host = g_strdup(active->host);
    refusal->username = g_strdup(settings_username(active));
    courier_login_fingerprint(vault, password, refusal->fingerprint);
    courier_write(org->courier, refusal_job, refusal_written, refusal);
}

/* Mails that are being fetched would try the same login once more before the store has heard of the
 * refusal: they are handed back. */
static void on_refusal(CourierOrg *org)
{
    org->closings++;
    note_refused_login(org);
}

static void on_attempt_ended(const PoolResult *result, gpointer user)
{
    CourierOrg *org = user;
    if (result->end == ATTEMPT_LOGIN_REFUSED)
        on_refusal(org);
    CRASH_POINT("reply_read"); /* and not recorded */
    courier_outbox_event_with(org->courier,
        (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
            .org_id = org->id,
            .recipient_id = result->recipient_id,
            .end = result->end,
            .fate = result->fate,
            .is_local = result->is_local,
            .config_version = result->config_version,
            .blocks_account = result->diagnosis != NULL &&
                              result->diagnosis->breaker == DIAGNOSIS_BREAKER_ACCOUNT,
            .wait_s = result->diagnosis == NULL ? 0 : result->diagnosis->wait_s},
        result);
    g_atomic_int_set(&org->courier->sessions, (gint)pool_sessions(org->pool));
}

static void on_login(gboolean accepted, gpointer user)
{
    Courier *courier = ((CourierOrg *)user)->courier;
    counter_add(accepted ? &courier->logins : &courier->login_failures);
}

static void on_login_refused(gint64 config_version, gpointer user)
{
    CourierOrg *org = user;
    on_refusal(org);
    courier_outbox_event(org->courier, (OutboxEvent){.kind = OUTBOX_EVENT_LOGIN_REFUSED,
                                           .org_id = org->id,
                                           .config_version = config_version});
}

static const PoolEvents pool_events = {.mark = on_mark,
    .ended = on_attempt_ended,
    .login = on_login,
    .login_refused = on_login_refused};

/* --- The state of an org, as the store has it ---------------------------------------------------
 */

CourierOrg *courier_org(Courier *courier, gint64 org_id)
{
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &org_id);
    if (org != NULL)
        return org;
    const PoolParts parts = {
        .context = courier->parts.context,
        .dialer = &courier->parts.dialer,
        .tls = courier->parts.tls,
        .bearer = courier->bearer,
        .org_id = org_id,
        .catalogue = courier->parts.catalogue,
        .deadlines = courier->parts.deadlines,
    };
    org = g_new0(CourierOrg, 1);
    org->id = org_id;
    org->courier = courier;
    org->pool = pool_new(&parts, &pool_events, org);
    org->fetches = courier_fetches_new(org);
    org->writes = courier_writes_new(org);
    g_hash_table_insert(courier->orgs, &org->id, org);
    return org;
}

void courier_org_free(gpointer data)
{
    CourierOrg *org = data;
    if (org->wake != NULL)
        g_source_destroy(org->wake);
    g_clear_pointer(&org->wake, g_source_unref);
    if (org->reread != NULL)
        g_source_destroy(org->reread);
    g_clear_pointer(&org->reread, g_source_unref);
    pool_free(org->pool);
    batch_free(org->fetches);
    batch_free(org->writes);
    smtp_state_free(org->state);
    g_free(org);
}

typedef struct {
    gint64 org_id;
    SmtpState *state;
} StateRead;

static void state_read(Db *db, gpointer data)
{
    StateRead *read = data;
    g_autoptr(GError) error = NULL;
    read->state = smtp_state_read(db, read->org_id, &error);
    if (read->state == NULL)
        g_warning("the SMTP settings cannot be read: %s", error->message);
}

/* TRUE if the gate closes now. It may be read again while it is closed (a draft is saved, a
 * verification runs), and that must not cut off the one login that tries whether it works again. */
static gboolean note_gate(CourierOrg *org, EmailGate gate, gboolean is_refused)
{
    gboolean closes =
        (gate != EMAIL_GATE_OPEN && gate != org->gate) || (is_refused && !org->is_refused);
    org->gate = gate;
    org->is_refused = is_refused;
    org->closings += closes ? 1 : 0;
    return closes;
}

/* New settings reach the pool before the gate opens for them. */
static void org_take_state(CourierOrg *org, SmtpState *state)
{
    g_clear_pointer(&org->state, smtp_state_free);
    org->state = state;
    EmailGate gate = state->active == NULL     ? EMAIL_GATE_NOT_CONFIGURED
                     : !state->sending_enabled ? EMAIL_GATE_PAUSED
                                               : EMAIL_GATE_OPEN;
    gboolean is_refused = state->health == HEALTH_CREDENTIAL_FAULT;
    gboolean needs_password = state->active != NULL && state->active->auth != SETTINGS_AUTH_OAUTH2;
    WallMs refused_at = state->health_at;
    guint connections = 1, window = 1;
    g_autoptr(Secret) password = NULL;
    g_autoptr(GError) error = NULL;
    if (needs_password)
        password =
            settings_unseal_password(state->active, org->courier->parts.vault, org->id, &error);
    if (state->active != NULL) {
        connections = state->active->max_connections;
        window = state->active->window;
    }
    if (needs_password && password == NULL) {
        g_warning("the stored SMTP password cannot be opened, mail is held: %s", error->message);
        is_refused = TRUE;
        refused_at = 0;
    }
    if (state->active != NULL && (password != NULL || !needs_password))
        pool_configure(org->pool, state->active, password,
            courier_ehlo_name(org->courier, state->active), state->config_version);
    gboolean closes = note_gate(org, gate, is_refused);
    courier_outbox_event(org->courier, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                                           .org_id = org->id,
                                           .gate = gate,
                                           .is_refused = is_refused,
                                           .refused_at = refused_at,
                                           .config_version = state->config_version,
                                           .connections = connections,
                                           .window = window,
                                           .limits = smtp_state_limits(state),
                                           .sent = state->sent});
    /* Paused means: no connection stays. The outbox knows it before mails are handed back, or it
     * would send others in their place. */
    if (closes)
        pool_drain(org->pool);
}

static gboolean read_state_again(gpointer user)
{
    CourierOrg *org = user;
    g_clear_pointer(&org->reread, g_source_unref);
    if (!org->courier->is_stopping)
        courier_org_read_state(org);
    return G_SOURCE_REMOVE;
}

/* What changed is known to the store and not to us: a pause must not wait for the next change. */
static void read_state_later(CourierOrg *org)
{
    if (org->reread != NULL)
        return;
    org->reread = g_timeout_source_new(LIMIT_STORE_AGAIN_MS);
    g_source_set_callback(org->reread, read_state_again, org, NULL);
    g_source_attach(org->reread, org->courier->parts.context);
}

static void state_then(Courier *courier, gpointer data)
{
    g_autofree StateRead *read = data;
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &read->org_id);
    org->is_reading = FALSE;
    if (courier->is_stopping)
        smtp_state_free(read->state);
    else if (read->state != NULL)
        org_take_state(org, read->state);
    else
        read_state_later(org);
    if (org->read_again && !courier->is_stopping)
        courier_org_read_state(org);
}

void courier_org_read_state(CourierOrg *org)
{
    org->read_again = org->is_reading;
    if (org->is_reading || !org->courier->is_recovered)
        return;
    org->is_reading = TRUE;
    StateRead *read = g_new0(StateRead, 1);
    read->org_id = org->id;
    courier_read(org->courier, state_read, state_then, read);
}

const char *courier_ehlo_name(const Courier *courier, const SmtpSettings *settings)
{
    return settings->ehlo_name != NULL ? settings->ehlo_name : courier->parts.default_ehlo_name;
}
