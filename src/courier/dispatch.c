/* Events into the outbox, its effects carried out: loading, sending, recording, health, waking. */
#include "base/error.h"
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "mime/address.h"

#include "base/crash_point.h"

#define WAKE_JITTER_MS 10
#define HEALTH_AGAIN_MS CLOCK_SECOND_MS
/* What is due and this little is brought along at once: a mail that comes alone need not be asked
 * for a second time. */
#define BRING_MAILS 4
#define BRING_BYTES (64 * 1024)

typedef struct {
    EmailDueQuery query;
    Vault *vault;
    GArray *due; /* of EmailDue */
    gboolean has_more;
    WallMs next_at;
    EmailDelivery *brought[BRING_MAILS]; /* of `due`, in its order; NULL: not brought along */
} Load;

/* What cannot be read is left to the fetching, which says so. */
static void bring_along(Db *db, Load *load)
{
    gint64 recipient_ids[BRING_MAILS], bytes = 0;
    GError *faults[BRING_MAILS] = {NULL};
    guint n = load->due->len;
    if (n > BRING_MAILS)
        return;
    for (guint i = 0; i < n; i++) {
        const EmailDue *due = &g_array_index(load->due, EmailDue, i);
        recipient_ids[i] = due->recipient_id;
        bytes += due->size_bytes;
    }
    if (bytes > BRING_BYTES)
        return;
    emails_deliveries(db, load->vault, load->query.org_id, recipient_ids, n, load->brought, faults);
    for (guint i = 0; i < n; i++)
        g_clear_error(&faults[i]);
}

static void load_read(Db *db, gpointer data)
{
    Load *load = data;
    g_autoptr(GError) error = NULL;
    load->due = emails_due(db, &load->query, &load->has_more, &load->next_at, &error);
    if (load->due == NULL) {
        g_warning("the queue cannot be read: %s", error->message);
        load->next_at = load->query.now + LIMIT_STORE_AGAIN_MS;
        return;
    }
    bring_along(db, load);
}

static void load_then(Courier *courier, gpointer data)
{
    g_autofree Load *load = data;
    CourierOrg *org = courier_org(courier, load->query.org_id);
    guint n = load->due == NULL ? 0 : load->due->len;
    g_autofree OutboxItem *items = g_new0(OutboxItem, n);
    for (guint i = 0; i < n; i++) {
        const EmailDue *due = &g_array_index(load->due, EmailDue, i);
        items[i] = (OutboxItem){
            .recipient_id = due->recipient_id,
            .class = due->class,
            .next_at = due->next_at,
            .size_bytes = due->size_bytes,
            .is_test = due->is_test,
            .mail = {.attempts = due->attempts,
                .deadline_at = due->deadline_at,
                .expires_at = due->expires_at,
                .at_most_once = due->at_most_once,
                .was_uncertain = due->state == EMAIL_UNCERTAIN},
        };
    }
    g_clear_pointer(&load->due, g_array_unref);
    org->at_hand = load->brought;
    courier_outbox_event(courier, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
                                      .org_id = load->query.org_id,
                                      .items = items,
                                      .n_items = n,
                                      .has_more = load->has_more,
                                      .next_at = load->next_at});
    org->at_hand = NULL;
    for (guint i = 0; i < BRING_MAILS; i++)
        email_delivery_free(load->brought[i]);
}

static void load_due(Courier *courier, const OutboxEffect *effect)
{
    Load *load = g_new0(Load, 1);
    load->vault = courier->parts.vault;
    load->query = (EmailDueQuery){
        .org_id = effect->org_id,
        .now = clock_wall_ms(),
        .after = effect->after,
        .limit = effect->limit,
        .only_tests = effect->only_tests,
    };
    courier_read(courier, load_read, load_then, load);
}

/* --- Mails to be sent ---------------------------------------------------------------------------
 */

typedef struct {
    gint64 recipient_id;
    guint closings; /* of the org's gate, when the outbox said SEND */
} Fetch;

typedef struct {
    gint64 org_id;
    Vault *vault;
    GArray *fetches; /* of Fetch */
    gint64 *recipient_ids;
    EmailDelivery **deliveries;
    GError **faults;
} FetchGroup;

static void fetch_read(Db *db, gpointer data)
{
    const FetchGroup *group = data;
    emails_deliveries(db, group->vault, group->org_id, group->recipient_ids, group->fetches->len,
        group->deliveries, group->faults);
}

/* Mail may name a sender that is not, or no more, the one in force; it is not sent as somebody
 * else.
 */
static gboolean may_be_sent(const CourierOrg *org, const EmailDelivery *delivery)
{
    const SmtpSettings *active = org->state == NULL ? NULL : org->state->active;
    if (active == NULL || g_strcmp0(active->from_email, delivery->sender) == 0)
        return TRUE;
    g_autoptr(MimeAddress) allowed = mime_address_parse(active->from_email, NULL);
    g_autoptr(MimeAddress) wanted = mime_address_parse(delivery->sender, NULL);
    return allowed == NULL || wanted == NULL || mime_address_equal(allowed, wanted);
}

void courier_hold_sender(CourierOrg *org, gint64 recipient_id)
{
    const PoolResult result = {
        .recipient_id = recipient_id,
        .end = ATTEMPT_REFUSED,
        .diagnosis = diagnosis_by_id(org->courier->parts.catalogue, "former_sender"),
        .fate = DIAGNOSIS_FATE_HOLD,
        .phase = smtp_phase_name(SMTP_PHASE_MAIL),
        .config_version = org->state->config_version,
    };
    courier_outbox_event_with(org->courier,
        (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
            .org_id = org->id,
            .recipient_id = recipient_id,
            .end = result.end,
            .fate = result.fate,
            .is_local = TRUE},
        &result);
}

/* Of a mail that was not read. What cannot be opened will not be in a moment either. */
static AttemptEnd end_of_unread(const GError *fault)
{
    if (fault == NULL)
        return ATTEMPT_WITHDRAWN; /* it does not wait any more */
    gboolean is_sealed = g_error_matches(fault, ABS_ERROR, ABS_ERROR_SECRET);
    return is_sealed ? ATTEMPT_REFUSED : ATTEMPT_NOT_STORED;
}

/* The delivery is taken; NULL: the mail cannot be read (fault), or does not wait any more. */
static void fetched(
    CourierOrg *org, const Fetch *fetch, EmailDelivery *delivery, const GError *fault)
{
    gboolean goes_on = !org->courier->is_stopping && fetch->closings == org->closings;
    if (delivery != NULL && goes_on && may_be_sent(org, delivery)) {
        pool_send(org->pool, delivery);
        return;
    }
    if (delivery != NULL && goes_on) {
        if (delivery->follows_sender && !pool_holds(org->pool, &delivery->email_id) &&
            courier_readdress(org, delivery))
            return;
        courier_hold_sender(org, fetch->recipient_id);
        email_delivery_free(delivery);
        return;
    }
    email_delivery_free(delivery);
    AttemptEnd end = end_of_unread(fault);
    courier_outbox_event(org->courier,
        (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
            .org_id = org->id,
            .recipient_id = fetch->recipient_id,
            .is_local = TRUE,
            .end = end,
            .fate = end == ATTEMPT_REFUSED ? DIAGNOSIS_FATE_HOLD : DIAGNOSIS_FATE_NONE});
}

/* One line for a group: what keeps one from being read mostly keeps all. */
static void say_unread(const FetchGroup *group)
{
    const GError *first = NULL;
    guint n = 0;
    for (guint i = 0; i < group->fetches->len; i++) {
        n += group->faults[i] != NULL ? 1 : 0;
        first = first != NULL ? first : group->faults[i];
    }
    if (first != NULL)
        g_warning("%u mails cannot be read from the store: %s", n, first->message);
}

static void fetch_then(Courier *courier, gpointer data)
{
    CRASH_POINT("mails_fetched");
    g_autofree FetchGroup *group = data;
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &group->org_id);
    say_unread(group);
    for (guint i = 0; i < group->fetches->len; i++) {
        fetched(
            org, &g_array_index(group->fetches, Fetch, i), group->deliveries[i], group->faults[i]);
        g_clear_error(&group->faults[i]);
    }
    g_array_unref(group->fetches);
    g_free(group->recipient_ids);
    g_free(group->deliveries);
    g_free(group->faults);
    batch_over(org->fetches);
}

static void begin_fetching(GPtrArray *items, gpointer user)
{
    const CourierOrg *org = user;
    FetchGroup *group = g_new0(FetchGroup, 1);
    group->org_id = org->id;
    group->vault = org->courier->parts.vault;
    group->fetches = g_array_sized_new(FALSE, FALSE, sizeof(Fetch), items->len);
    group->recipient_ids = g_new0(gint64, items->len);
    group->deliveries = g_new0(EmailDelivery *, items->len);
    group->faults = g_new0(GError *, items->len);
    for (guint i = 0; i < items->len; i++) {
        g_autofree Fetch *fetch = items->pdata[i];
        group->recipient_ids[i] = fetch->recipient_id;
        g_array_append_val(group->fetches, *fetch);
    }
    courier_read(org->courier, fetch_read, fetch_then, group);
}

Batch *courier_fetches_new(CourierOrg *org)
{
    return batch_new(LIMIT_COURIER_GROUP, LIMIT_COURIER_READERS, begin_fetching, g_free, org);
}

/* NULL: it was not brought along. */
static EmailDelivery *take_at_hand(CourierOrg *org, gint64 recipient_id)
{
    for (guint i = 0; org->at_hand != NULL && i < BRING_MAILS; i++) {
        if (org->at_hand[i] != NULL && org->at_hand[i]->recipient_id == recipient_id)
            return g_steal_pointer(&org->at_hand[i]);
    }
    return NULL;
}

static void send_one(Courier *courier, const OutboxEffect *effect)
{
    CourierOrg *org = courier_org(courier, effect->org_id);
    const Fetch fetch = {.recipient_id = effect->recipient_id, .closings = org->closings};
    EmailDelivery *delivery = take_at_hand(org, fetch.recipient_id);
    if (delivery != NULL) {
        fetched(org, &fetch, delivery, NULL);
        return;
    }
    batch_add(org->fetches, g_memdup2(&fetch, sizeof fetch));
    courier_groups_go(org);
}

static gboolean groups_go(gpointer user)
{
    CourierOrg *org = user;
    org->groups_will_go = FALSE;
    org->courier->pending--;
    batch_go(org->writes);
    batch_go(org->fetches);
    return G_SOURCE_REMOVE;
}

void courier_groups_go(CourierOrg *org)
{
    if (org->groups_will_go)
        return;
    org->groups_will_go = TRUE;
    org->courier->pending++; /* stopping waits for it */
    courier_call(org->courier, groups_go, org, NULL);
}

/* --- Health and time ----------------------------------------------------------------------------
 */

typedef struct {
    Courier *courier;
    gint64 org_id, config_version;
    Health health;
    char *diagnosis;
    guint turn; /* an older one is not written again */
} HealthNote;

static void health_note_free(gpointer data)
{
    HealthNote *note = data;
    g_free(note->diagnosis);
    g_free(note);
}

static gboolean health_job(Db *db, gpointer data, GError **error)
{
    const HealthNote *note = data;
    return smtp_health_write(db, note->org_id, note->config_version, note->health, note->diagnosis,
        clock_wall_ms(), error);
}

static void health_written(Courier *courier, gpointer data, const GError *error);

static gboolean write_health_again(gpointer user)
{
    HealthNote *note = user;
    Courier *courier = note->courier;
    HealthNote *again = g_memdup2(note, sizeof *note);
    again->diagnosis = g_strdup(note->diagnosis);
    courier->pending--;
    courier_write(courier, health_job, health_written, again);
    return G_SOURCE_REMOVE;
}

/* A refused login that is forgotten over a restart would be tried again: it is written until it is
 * durable, or no longer the last word. */
static void health_written(Courier *courier, gpointer data, const GError *error)
{
    HealthNote *note = data;
    const CourierOrg *org = g_hash_table_lookup(courier->orgs, &note->org_id);
    gboolean is_last_word = org != NULL && org->health_turn == note->turn;
    if (error != NULL)
        g_warning("the health could not be stored: %s", error->message);
    if (error == NULL || !is_last_word || courier->is_stopping) {
        health_note_free(note);
        return;
    }
    g_autoptr(GSource) later = g_timeout_source_new(HEALTH_AGAIN_MS);
    courier->pending++; /* stopping waits for it */
    g_source_set_callback(later, write_health_again, note, health_note_free);
    g_source_attach(later, courier->parts.context);
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
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &effect->org_id);
    HealthNote *note = g_new0(HealthNote, 1);
    note->courier = courier;
    note->turn = ++org->health_turn;
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
    /* Asked for with every event while there is something to wait for, and computed from two clocks
     * that are read one after the other. */
    if (org->wake != NULL && ABS(org->wake_at - effect->at) <= WAKE_JITTER_MS)
        return;
    org->wake_at = effect->at;
    if (org->wake != NULL) {
        g_source_destroy(org->wake);
        g_source_unref(org->wake);
    }
    gint64 delay = CLAMP(effect->at - clock_steady_ms(), 1, CLOCK_HOUR_MS);
    org->wake = g_timeout_source_new((guint)delay);
    g_source_set_callback(org->wake, on_wake, org, NULL);
    g_source_attach(org->wake, courier->parts.context);
}

/* What a recipient's attempt came to; nothing for what ended without one, or goes again as it was.
 */
static void count_outcome(Courier *courier, const RetryDecision *decision)
{
    if (decision->state == EMAIL_ACCEPTED)
        counter_add(&courier->accepted);
    else if (decision->state == EMAIL_REJECTED)
        counter_add(&courier->rejected);
    else if (decision->state == EMAIL_DEFERRED)
        counter_add(&courier->deferred);
    else if (decision->state == EMAIL_UNCERTAIN && decision->counts)
        counter_add(&courier->uncertain);
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
        count_outcome(courier, &effect->decision);
        courier_record(courier_org(courier, effect->org_id), effect, result);
        break;
    case OUTBOX_EFFECT_HEALTH:
        note_health(courier, effect, result);
        break;
    case OUTBOX_EFFECT_WAKE:
        wake_at(courier, effect);
        break;
    }
}

static void notice_jump(Courier *courier, gint64 lead_ms)
{
    if (ABS(lead_ms - courier->lead_ms) < COURIER_JUMP_MS)
        return;
    courier->lead_ms = lead_ms;
    courier->jumps++;
}

void courier_outbox_event_with(Courier *courier, OutboxEvent event, const PoolResult *result)
{
    event.now = clock_wall_ms();
    event.steady = clock_steady_ms();
    event.random = g_random_int();
    notice_jump(courier, event.now - event.steady);
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
