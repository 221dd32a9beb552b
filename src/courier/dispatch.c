/* Events into the outbox, its effects carried out: loading, sending, recording, health, waking. */
#include "base/error.h"
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "mime/address.h"

#include <sodium.h>

#define RELOAD_AFTER_ERROR_MS (5 * CLOCK_SECOND_MS)
#define WRITE_AGAIN_MS CLOCK_SECOND_MS

typedef struct {
    gint64 org_id;
    guint limit;
    gboolean only_tests;
    WallMs now, next_at;
    GPtrArray *due; /* of EmailDue */
} Load;

static void load_read(Db *db, gpointer data)
{
    Load *load = data;
    g_autoptr(GError) error = NULL;
    load->due = emails_due(
        db, load->org_id, load->now, load->limit, load->only_tests, &load->next_at, &error);
    if (load->due == NULL) {
        g_warning("the queue cannot be read: %s", error->message);
        load->next_at = load->now + RELOAD_AFTER_ERROR_MS;
    }
}

static void load_then(Courier *courier, gpointer data)
{
    g_autofree Load *load = data;
    guint n = load->due == NULL ? 0 : load->due->len;
    g_autofree OutboxItem *items = g_new0(OutboxItem, n);
    for (guint i = 0; i < n; i++) {
        const EmailDue *due = load->due->pdata[i];
        items[i] = (OutboxItem){
            .recipient_id = due->recipient_id,
            .class = due->class,
            .next_at = due->next_at,
            .is_test = due->is_test,
            .mail = {.attempts = due->attempts,
                .deadline_at = due->deadline_at,
                .at_most_once = due->at_most_once,
                .was_uncertain = due->state == EMAIL_UNCERTAIN},
        };
    }
    g_clear_pointer(&load->due, g_ptr_array_unref);
    courier_outbox_event(courier, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
                                      .org_id = load->org_id,
                                      .items = items,
                                      .n_items = n,
                                      .next_at = load->next_at});
}

static void load_due(Courier *courier, const OutboxEffect *effect)
{
    Load *load = g_new0(Load, 1);
    load->org_id = effect->org_id;
    load->limit = effect->limit;
    load->only_tests = effect->only_tests;
    load->now = clock_wall_ms();
    courier_read(courier, load_read, load_then, load);
}

typedef struct {
    gint64 org_id, recipient_id;
    guint closings; /* of the org's gate, when the outbox said SEND */
    Vault *vault;
    EmailDelivery *delivery;
    GError *error;
} Fetch;

static void fetch_read(Db *db, gpointer data)
{
    Fetch *fetch = data;
    fetch->delivery =
        emails_delivery(db, fetch->vault, fetch->org_id, fetch->recipient_id, &fetch->error);
}

/* Mail taken before there were settings may name any sender; it is not sent as somebody else. */
static gboolean may_be_sent(const CourierOrg *org, const EmailDelivery *delivery)
{
    const SmtpSettings *active = org->state == NULL ? NULL : org->state->active;
    g_autoptr(MimeAddress) allowed =
        active == NULL ? NULL : mime_address_parse(active->from_email, NULL);
    g_autoptr(MimeAddress) wanted = mime_address_parse(delivery->sender, NULL);
    return allowed == NULL || wanted == NULL || mime_address_equal(allowed, wanted);
}

static void hold_sender(CourierOrg *org, EmailDelivery *delivery)
{
    const PoolResult result = {
        .recipient_id = delivery->recipient_id,
        .end = ATTEMPT_REFUSED,
        .diagnosis = diagnosis_by_id(org->courier->parts.catalogue, "sender_not_owned"),
        .fate = DIAGNOSIS_FATE_HOLD,
        .phase = smtp_phase_name(SMTP_PHASE_MAIL),
        .text = delivery->sender,
    };
    courier_outbox_event_with(org->courier,
        (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
            .org_id = org->id,
            .recipient_id = result.recipient_id,
            .end = result.end,
            .fate = result.fate,
            .is_local = TRUE},
        &result);
    email_delivery_free(delivery);
}

static void fetch_then(Courier *courier, gpointer data)
{
    g_autofree Fetch *fetch = data;
    g_autoptr(GError) error = fetch->error;
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &fetch->org_id);
    gboolean goes_on = !courier->is_stopping && fetch->closings == org->closings;
    if (fetch->delivery != NULL && goes_on && may_be_sent(org, fetch->delivery)) {
        pool_send(org->pool, fetch->delivery);
        return;
    }
    if (fetch->delivery != NULL && goes_on) {
        hold_sender(org, fetch->delivery);
        return;
    }
    email_delivery_free(fetch->delivery);
    if (error != NULL)
        g_warning("a mail cannot be read from the store: %s", error->message);
    courier_outbox_event(
        courier, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                     .org_id = fetch->org_id,
                     .recipient_id = fetch->recipient_id,
                     .is_local = TRUE,
                     .end = error != NULL ? ATTEMPT_REFUSED : ATTEMPT_WITHDRAWN,
                     .fate = error != NULL ? DIAGNOSIS_FATE_HOLD : DIAGNOSIS_FATE_NONE});
}

static void send_one(Courier *courier, const OutboxEffect *effect)
{
    Fetch *fetch = g_new0(Fetch, 1);
    fetch->org_id = effect->org_id;
    fetch->recipient_id = effect->recipient_id;
    fetch->vault = courier->parts.vault;
    fetch->closings = courier_org(courier, effect->org_id)->closings;
    courier_read(courier, fetch_read, fetch_then, fetch);
}

/* What is written about one attempt: the outbox's decision with the pool's facts. */
typedef struct {
    Courier *courier; /* set when it has to be written again */
    gint64 org_id;
    EmailAttempt attempt;
    char *phase, *enhanced, *text, *diagnosis, *server;
} Record;

static void record_free(Record *record)
{
    g_free(record->phase);
    g_free(record->enhanced);
    g_free(record->text);
    g_free(record->diagnosis);
    g_free(record->server);
    g_free(record);
}

static gboolean record_job(Db *db, gpointer data, GError **error)
{
    Record *record = data;
    return emails_record_attempt(db, record->org_id, &record->attempt, error);
}

static gboolean write_record_again(gpointer user);

/* What a server said must not be forgotten because the database was busy or the disk full for a
 * moment: it is written again until it is durable. Only if we end before that, the mail is
 * uncertain at the next start, which is then the truth. */
static void record_written(Courier *courier, gpointer data, const GError *error)
{
    Record *record = data;
    gboolean is_final = g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT) ||
                        g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND);
    if (error != NULL)
        g_warning("an outcome could not be stored: %s", error->message);
    if (error != NULL && !is_final && !courier->grace_is_over) {
        g_autoptr(GSource) later = g_timeout_source_new(WRITE_AGAIN_MS);
        record->courier = courier;
        courier->pending++; /* stopping waits for it */
        g_source_set_callback(later, write_record_again, record, NULL);
        g_source_attach(later, courier->parts.context);
        return;
    }
    courier_outbox_event(courier, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED,
                                      .org_id = record->org_id,
                                      .recipient_id = record->attempt.recipient_id});
    record_free(record);
}

static gboolean write_record_again(gpointer user)
{
    Record *record = user;
    record->courier->pending--;
    courier_write(record->courier, record_job, record_written, record);
    return G_SOURCE_REMOVE;
}

/* result: the facts, or NULL when the outbox decided without an attempt. */
static void record(Courier *courier, const OutboxEffect *effect, const PoolResult *result)
{
    const CourierOrg *org = g_hash_table_lookup(courier->orgs, &effect->org_id);
    Record *record = g_new0(Record, 1);
    record->org_id = effect->org_id;
    record->attempt = (EmailAttempt){
        .recipient_id = effect->recipient_id,
        .state = effect->decision.state,
        .at = clock_wall_ms(),
        .next_at = effect->decision.next_at,
        .counts = effect->decision.counts,
        .config_version = org->state == NULL ? 0 : org->state->config_version,
    };
    if (result != NULL && result->recipient_id == effect->recipient_id) {
        record->attempt.phase = record->phase = g_strdup(result->phase);
        record->attempt.reply_code = result->code;
        record->attempt.reply_enhanced = record->enhanced = g_strdup(result->enhanced);
        record->attempt.reply_text = record->text = g_strdup(result->text);
        record->attempt.server = record->server = g_strdup(result->server);
        if (result->diagnosis != NULL)
            record->attempt.diagnosis = record->diagnosis = g_strdup(result->diagnosis->id);
    }
    courier_write(courier, record_job, record_written, record);
}

typedef struct {
    gint64 org_id, config_version;
    Health health;
    char *diagnosis;
} HealthNote;

static gboolean health_job(Db *db, gpointer data, GError **error)
{
    const HealthNote *note = data;
    return smtp_health_write(db, note->org_id, note->config_version, note->health, note->diagnosis,
        clock_wall_ms(), error);
}

static void health_written(Courier *courier, gpointer data, const GError *error)
{
    HealthNote *note = data;
    if (error != NULL)
        g_warning("the health could not be stored: %s", error->message);
    g_free(note->diagnosis);
    g_free(note);
}

static Health health_of(OutboxHealth health)
{
    switch (health) {
    case OUTBOX_HEALTH_UNKNOWN:
        return HEALTH_UNKNOWN;
    case OUTBOX_HEALTH_OK:
        return HEALTH_OK;
    case OUTBOX_HEALTH_DEGRADED:
        return HEALTH_DEGRADED;
    case OUTBOX_HEALTH_UNREACHABLE:
        return HEALTH_UNREACHABLE;
    case OUTBOX_HEALTH_CREDENTIAL_FAULT:
        return HEALTH_CREDENTIAL_FAULT;
    }
    g_assert_not_reached();
}

static void note_health(Courier *courier, const OutboxEffect *effect, const PoolResult *result)
{
    const CourierOrg *org = g_hash_table_lookup(courier->orgs, &effect->org_id);
    HealthNote *note = g_new0(HealthNote, 1);
    note->org_id = effect->org_id;
    note->config_version = org->state == NULL ? 0 : org->state->config_version;
    note->health = health_of(effect->health);
    if (note->health != HEALTH_OK && result != NULL && result->diagnosis != NULL)
        note->diagnosis = g_strdup(result->diagnosis->id);
    courier_write(courier, health_job, health_written, note);
}

static gboolean on_wake(gpointer user)
{
    CourierOrg *org = user;
    g_clear_pointer(&org->wake, g_source_unref);
    courier_outbox_event(org->courier, (OutboxEvent){.kind = OUTBOX_EVENT_TICK, .org_id = org->id});
    return G_SOURCE_REMOVE;
}

static void wake_at(Courier *courier, const OutboxEffect *effect)
{
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &effect->org_id);
    if (org->wake != NULL) {
        g_source_destroy(org->wake);
        g_source_unref(org->wake);
    }
    gint64 delay = CLAMP(effect->at - clock_wall_ms(), 1, CLOCK_HOUR_MS);
    org->wake = g_timeout_source_new((guint)delay);
    g_source_set_callback(org->wake, on_wake, org, NULL);
    g_source_attach(org->wake, courier->parts.context);
}

static void carry_out(Courier *courier, const OutboxEffect *effect, const PoolResult *result)
{
    switch (effect->kind) {
    case OUTBOX_EFFECT_LOAD:
        load_due(courier, effect);
        break;
    case OUTBOX_EFFECT_SEND:
        send_one(courier, effect);
        break;
    case OUTBOX_EFFECT_RECORD:
        record(courier, effect, result);
        break;
    case OUTBOX_EFFECT_HEALTH:
        note_health(courier, effect, result);
        break;
    case OUTBOX_EFFECT_WAKE:
        wake_at(courier, effect);
        break;
    }
}

void courier_outbox_event_with(Courier *courier, OutboxEvent event, const PoolResult *result)
{
    event.now = clock_wall_ms();
    event.random = randombytes_random();
    guint n = 0;
    const OutboxEffect *lent = outbox_step(courier->outbox, &event, &n);
    g_autofree OutboxEffect *effects =
        g_memdup2(lent, n * sizeof *lent); /* carrying one out may step again */
    for (guint i = 0; i < n; i++)
        carry_out(courier, &effects[i], result);
}

void courier_outbox_event(Courier *courier, OutboxEvent event)
{
    courier_outbox_event_with(courier, event, NULL);
}
