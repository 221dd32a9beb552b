/* The courier's model: events into the outbox, its effects carried out through the store and the
 * pool, in the order of src/courier. All of it is forgotten by a kill. */
#include "sim.h"

#define HOUSEKEEPING_MS (5 * CLOCK_MINUTE_MS)
#define WRITE_AGAIN_MS CLOCK_SECOND_MS

static void read_state(World *world, guint org);

/* --- Effects -----------------------------------------------------------------------------------
 */

static void loaded(World *world, guint org, gint64 unused)
{
    SimCourier *courier = &world->couriers[org];
    g_autoptr(GArray) page = g_steal_pointer(&courier->page);
    courier->is_loading = FALSE;
    courier_step(world, org,
        (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
            .items = (const OutboxItem *)(gconstpointer)page->data,
            .n_items = page->len,
            .has_more = courier->page_has_more,
            .next_at = courier->page_next_at});
    for (gint64 id = 1; id <= world->n_mails; id++) {
        Mail *mail = world_mail(world, id);
        if (mail->org != org || !mail->is_settled)
            continue;
        mail->is_recording = mail->is_settled = FALSE;
    }
}

static void read_page(World *world, guint org, gint64 unused)
{
    store_load(world, org);
    agenda_add(world, world_between(world, 0, 5), loaded, org, 0, TRUE);
}

static void load(World *world, guint org, const OutboxEffect *effect)
{
    SimCourier *courier = &world->couriers[org];
    if (courier->is_loading)
        verdict_fail(world, "two LOADs at once");
    courier->is_loading = TRUE;
    courier->load = *effect;
    agenda_add(world, world_between(world, 0, 5), read_page, org, 0, TRUE);
}

static void fetched(World *world, guint org, gint64 id)
{
    const Attempt *attempt = g_hash_table_lookup(world->attempts, &id);
    const Mail *mail = world_mail(world, id);
    if (mail->next_at == 0 || attempt->closings != world->couriers[org].closings)
        courier_ended(world, id, (OutboxEvent){.end = ATTEMPT_WITHDRAWN, .is_local = TRUE});
    else
        pool_give(world, id);
}

static void send(World *world, guint org, gint64 id)
{
    Mail *mail = world_mail(world, id);
    verdict_on_send(world, mail);
    mail->is_out = TRUE;
    world->couriers[org].n_out++;
    Attempt *attempt = g_new0(Attempt, 1);
    *attempt = (Attempt){.id = id,
        .token = (gint64)++world->n_attempts * (SIM_MAILS + 1) + id,
        .org = org,
        .stage = STAGE_FETCHING,
        .closings = world->couriers[org].closings};
    g_hash_table_insert(world->attempts, &attempt->id, attempt);
    agenda_add(world, world_between(world, 0, 4), fetched, org, id, TRUE);
}

static void wake(World *world, guint org, gint64 turn)
{
    if (turn == world->couriers[org].wake_turn)
        courier_step(world, org, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
}

static void wake_at(World *world, guint org, WallMs at)
{
    gint64 turn = ++world->couriers[org].wake_turn;
    gint64 in_ms = CLAMP(at - world_steady(world), 1, CLOCK_HOUR_MS);
    agenda_add(world, in_ms, wake, org, turn, TRUE);
}

static void carry_out(World *world, guint org, const OutboxEffect *effect)
{
    switch (effect->kind) {
    case OUTBOX_EFFECT_LOAD:
        load(world, org, effect);
        break;
    case OUTBOX_EFFECT_SEND:
        send(world, org, effect->recipient_id);
        break;
    case OUTBOX_EFFECT_RECORD:
        world_mail(world, effect->recipient_id)->is_recording = TRUE;
        store_queue(world, &(Job){.kind = JOB_RECORD,
                               .org = org,
                               .id = effect->recipient_id,
                               .decision = effect->decision,
                               .asked = effect->asked,
                               .late_by = effect->is_too_late ? world_steady(world) : 0,
                               .at = world_wall(world)});
        break;
    case OUTBOX_EFFECT_HEALTH:
        store_queue(world, &(Job){.kind = JOB_HEALTH,
                               .org = org,
                               .id = ++world->couriers[org].healths,
                               .health = effect->health,
                               .version = world->couriers[org].version});
        break;
    case OUTBOX_EFFECT_WAKE:
        wake_at(world, org, effect->at);
        break;
    }
}

static void notice_jump(World *world)
{
    gint64 lead_ms = world_wall(world) - world_steady(world);
    if (ABS(lead_ms - world->store.seen_lead_ms) < CLOCK_MINUTE_MS)
        return;
    world->store.seen_lead_ms = lead_ms;
    world->store.jumps++;
}

void courier_step(World *world, guint org, OutboxEvent event)
{
    notice_jump(world);
    event.org_id = org + 1;
    event.now = world_wall(world);
    event.steady = world_steady(world);
    event.random = (guint32)random_next(&world->random);
    guint n = 0;
    world->count.n_steps++;
    const OutboxEffect *lent = outbox_step(world->outbox, &event, &n);
    g_autofree OutboxEffect *effects = g_memdup2(lent, n * sizeof *lent);
    verdict_on_effects(world, org, &event, effects, n);
    for (guint i = 0; i < n && world->fault == NULL; i++)
        carry_out(world, org, &effects[i]);
}

void courier_ended(World *world, gint64 id, OutboxEvent event)
{
    Mail *mail = world_mail(world, id);
    g_hash_table_remove(world->attempts, &id);
    mail->is_out = FALSE;
    world->couriers[mail->org].n_out--;
    if (event.end == ATTEMPT_LOGIN_REFUSED && world->broken == BREAK_BREAKER)
        event.end = ATTEMPT_UNSENT;
    event.kind = OUTBOX_EVENT_ENDED;
    event.recipient_id = id;
    courier_step(world, mail->org, event);
}

/* --- The state of an org -------------------------------------------------------------------------
 */

/* TRUE if the gate closes now, and not again. */
static gboolean note_gate(SimCourier *courier, EmailGate gate, gboolean is_refused)
{
    gboolean closes =
        (gate != EMAIL_GATE_OPEN && gate != courier->gate) || (is_refused && !courier->is_refused);
    courier->gate = gate;
    courier->is_refused = is_refused;
    courier->closings += closes ? 1 : 0;
    return closes;
}

static void take_state(World *world, guint org, gint64 unused)
{
    SimCourier *courier = &world->couriers[org];
    const StoredOrg *state = &world->store.orgs[org];
    g_autoptr(Quota) sent = store_sent(world, org);
    gboolean is_told = world->broken != BREAK_PAUSE;
    EmailGate gate = state->is_enabled || !is_told ? EMAIL_GATE_OPEN : EMAIL_GATE_PAUSED;
    gboolean is_refused = state->health == OUTBOX_HEALTH_CREDENTIAL_FAULT;
    gboolean is_other = state->config_version != courier->version;
    if (!courier->has_state)
        verdict_on_counts_read(world, org);
    courier->is_reading = FALSE;
    courier->has_state = TRUE;
    courier->version = state->config_version;
    if (is_other) /* before the outbox knows: what it sends now is fetched under the old gate */
        pool_drain_org(world, org);
    courier->is_paused = !state->is_enabled;
    gboolean closes = note_gate(courier, gate, is_refused);
    courier_step(world, org,
        (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
            .gate = gate,
            .is_refused = is_refused,
            .refused_at = state->health_at,
            .config_version = state->config_version,
            .connections = courier->connections,
            .window = 2,
            .limits = world->broken == BREAK_QUOTA ? (QuotaLimits){0, 0, 0} : state->limits,
            .sent = sent});
    if (closes)
        pool_drain_org(world, org);
    if (courier->read_again)
        read_state(world, org);
}

/* What is read is what stands there when the courier takes it: the real one reads again if it
 * changed meanwhile, and acts on the older state until then. */
static void read_state(World *world, guint org)
{
    SimCourier *courier = &world->couriers[org];
    courier->read_again = courier->is_reading;
    if (courier->is_reading)
        return;
    courier->is_reading = TRUE;
    agenda_add(world, world_between(world, 0, 4), take_state, org, 0, TRUE);
}

/* --- What the store tells ------------------------------------------------------------------------
 */

static void write_again(World *world, guint unused_org, gint64 id)
{
    store_queue(world, world->to_write_again->pdata[id]);
}

static gboolean is_written_again(const World *world, const Job *job)
{
    gboolean is_last_word = job->kind == JOB_HEALTH && job->id == world->couriers[job->org].healths;
    return job->kind == JOB_RECORD || is_last_word;
}

static void told(World *world, const Job *job)
{
    if (job->kind == JOB_MARK) {
        pool_mark_is(world, job->id, job->is_marked, job->has_failed);
    } else if (job->has_failed && is_written_again(world, job)) {
        Job *again = g_memdup2(job, sizeof *job);
        again->has_failed = FALSE;
        g_ptr_array_add(world->to_write_again, again);
        agenda_add(
            world, WRITE_AGAIN_MS, write_again, job->org, world->to_write_again->len - 1, TRUE);
    } else if (job->kind == JOB_RECORD && !job->has_failed) {
        Mail *mail = world_mail(world, job->id);
        mail->is_settled = world->couriers[job->org].is_loading;
        mail->is_recording = mail->is_settled;
        courier_step(
            world, job->org, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED, .recipient_id = job->id});
    }
}

void courier_heard(World *world, GPtrArray *jobs)
{
    guint state = world->store.noted_state;
    guint queue = world->store.noted_queue;
    world->store.noted_state = world->store.noted_queue = 0;
    for (guint i = 0; i < jobs->len && world->fault == NULL; i++)
        told(world, jobs->pdata[i]);
    for (guint org = 0; org < SIM_ORGS; org++) {
        if ((state >> org) & 1)
            read_state(world, org);
        if (((queue >> org) & 1) && world->couriers[org].has_state)
            courier_step(world, org, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    }
}

/* --- A life ------------------------------------------------------------------------------------
 */

static void keep_house(World *world, guint unused_org, gint64 unused_id)
{
    store_queue(world, &(Job){.kind = JOB_HOUSEKEEPING});
    agenda_add(world, HOUSEKEEPING_MS, keep_house, 0, 0, TRUE);
}

void courier_begin(World *world)
{
    world->life = ++world->last_life;
    world->start_lead_ms = world->lead_ms;
    world->outbox = outbox_new();
    world->attempts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    world->to_write_again = g_ptr_array_new_with_free_func(g_free);
    world->store.lead_ms = 0;
    world->store.waits_are_near = FALSE;
    world->store.look_until = 0;
    world->store.seen_lead_ms = 0;
    store_recover(world);
    verdict_on_start(world);
    keep_house(world, 0, 0);
    for (guint org = 0; org < SIM_ORGS; org++) {
        world->couriers[org] = (SimCourier){.connections = 2 + 2 * org};
        g_queue_init(&world->couriers[org].waiting);
        read_state(world, org);
    }
}

void courier_forget(World *world)
{
    world->life = 0;
    g_clear_pointer(&world->outbox, outbox_free);
    g_clear_pointer(&world->attempts, g_hash_table_unref);
    g_clear_pointer(&world->to_write_again, g_ptr_array_unref);
    for (guint org = 0; org < SIM_ORGS; org++) {
        g_clear_pointer(&world->couriers[org].page, g_array_unref);
        g_queue_clear_full(&world->couriers[org].waiting, g_free);
    }
    for (gint64 id = 1; id <= world->n_mails; id++)
        world_mail(world, id)->is_out = world_mail(world, id)->is_recording = FALSE;
    store_forget(world);
}
