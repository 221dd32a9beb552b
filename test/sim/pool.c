/* The model of the sessions with the provider, and of the provider itself: connect, log in, MAIL
 * and the mark at once, the final dot when the mark is durable and the server said 354, the reply.
 * What has left does not know that the process was killed. */
#include "sim.h"

#define GREYLISTED_MS (15 * CLOCK_MINUTE_MS)

static void serve(World *world, guint org);

/* How long a reply takes. */
static gint64 latency_ms(World *world, guint org)
{
    guint slowest = world->broken == BREAK_NEIGHBOUR ? SIM_ORGS - 1 : org;
    if (world->providers[slowest].mood == MOOD_SLOW)
        return world_between(world, CLOCK_MINUTE_MS, 8 * CLOCK_MINUTE_MS);
    return world_between(world, 1, 80);
}

static Attempt *attempt_of(const World *world, gint64 id)
{
    return g_hash_table_lookup(world->attempts, &id);
}

/* NULL: that attempt is over; there may be another one at the same mail. */
static Attempt *attempt_by(const World *world, gint64 token)
{
    Attempt *attempt = attempt_of(world, token % (SIM_MAILS + 1));
    return attempt != NULL && attempt->token == token ? attempt : NULL;
}

static void close_idle(World *world, guint org, gint64 turn)
{
    SimCourier *courier = &world->couriers[org];
    if (turn == courier->idle_turn)
        courier->idle = 0;
}

static void stay_idle(World *world, guint org)
{
    SimCourier *courier = &world->couriers[org];
    courier->idle++;
    agenda_add(world, LIMIT_IDLE_SESSION_MS, close_idle, org, ++courier->idle_turn, TRUE);
}

/* The session stays for another mail, unless it broke or the settings or the gate moved on. */
static void over(World *world, Attempt *attempt, gboolean session_stands, OutboxEvent event)
{
    SimCourier *courier = &world->couriers[attempt->org];
    guint org = attempt->org;
    if (attempt->stage >= STAGE_TALKING) {
        courier->busy--;
        if (session_stands && attempt->drains == courier->drains)
            stay_idle(world, attempt->org);
        event.config_version = attempt->version;
    } else {
        event.config_version = courier->version;
    }
    courier_ended(world, attempt->id, event);
    serve(world, org);
}

/* --- After the final dot -------------------------------------------------------------------------
 */

static void replied(World *world, guint unused_org, gint64 token)
{
    over(world, attempt_by(world, token), TRUE, (OutboxEvent){.end = ATTEMPT_ACCEPTED});
}

static void lost(World *world, guint unused_org, gint64 token)
{
    over(world, attempt_by(world, token), FALSE, (OutboxEvent){.end = ATTEMPT_UNCERTAIN});
}

static void refused_late(World *world, guint unused_org, gint64 token)
{
    over(world, attempt_by(world, token), TRUE,
        (OutboxEvent){.end = ATTEMPT_REFUSED, .fate = DIAGNOSIS_FATE_RETRY});
}

/* The provider takes it, whoever still lives to hear the reply. */
static void arrived(World *world, guint unused_org, gint64 id)
{
    verdict_on_accepted(world, world_mail(world, id));
}

/* What a process once died of, it may die of again. */
static gboolean dies_of(World *world, const Mail *mail)
{
    return mail->was_uncertain && !world->is_calm && !world->has_loris && world_chance(world, 300);
}

/* Planned while there was trouble; what is over by then kills nobody, or it would undo the calm. */
static void die(World *world, guint unused_org, gint64 unused_id)
{
    if (!world->is_calm)
        world_kill(world, 0, 0);
}

static void say_end(World *world, Attempt *attempt)
{
    SimProvider *provider = &world->providers[attempt->org];
    gint64 in_ms = latency_ms(world, attempt->org);
    Act reply = replied;
    attempt->stage = STAGE_SAID;
    verdict_on_said(world, world_mail(world, attempt->id));
    gboolean drops = provider->mood == MOOD_DROPPING && world_chance(world, 300);
    if (drops)
        reply = lost;
    else if (provider->mood == MOOD_STORM || (!world->has_loris && world_chance(world, 5)))
        reply = refused_late;
    if (reply == replied || (drops && world_chance(world, 500))) {
        world_mail(world, attempt->id)->under_way++;
        agenda_add(world, in_ms, arrived, attempt->org, attempt->id, FALSE);
    }
    agenda_add(
        world, in_ms + world_between(world, 0, 50), reply, attempt->org, attempt->token, TRUE);
    if (dies_of(world, world_mail(world, attempt->id)))
        agenda_add(world, world_between(world, 0, in_ms), die, 0, 0, TRUE);
}

static gboolean is_too_late(World *world, const Mail *mail)
{
    WallMs latest = MAX(world_wall(world), world_steady(world));
    gboolean is_expired = mail->item.mail.expires_at > 0 && mail->item.mail.expires_at <= latest;
    return is_expired && world->broken != BREAK_EXPIRY;
}

/* What has expired since it was marked is taken back: the server hears no end of it. */
static void say_end_if_it_may(World *world, Attempt *attempt)
{
    gboolean is_marked = attempt->is_marked || world->broken == BREAK_MARK;
    if (attempt->stage != STAGE_TALKING || !attempt->may_say || !is_marked)
        return;
    if (is_too_late(world, world_mail(world, attempt->id)))
        over(world, attempt, FALSE, (OutboxEvent){.end = ATTEMPT_RETURNED});
    else
        say_end(world, attempt);
}

void pool_mark_is(World *world, gint64 id, gboolean is_marked, gboolean has_failed)
{
    Attempt *attempt = attempt_of(world, id);
    if (attempt == NULL || attempt->stage != STAGE_TALKING)
        return; /* it was over before the mark */
    attempt->is_marked = is_marked && !has_failed;
    if (has_failed)
        over(world, attempt, FALSE, (OutboxEvent){.end = ATTEMPT_UNSENT, .is_local = TRUE});
    else if (!is_marked)
        over(world, attempt, TRUE, (OutboxEvent){.end = ATTEMPT_WITHDRAWN, .is_local = TRUE});
    else
        say_end_if_it_may(world, attempt);
}

/* --- Before it ---------------------------------------------------------------------------------
 */

static gboolean is_greylisted(World *world, Mail *mail)
{
    if (world->providers[mail->org].mood != MOOD_GREY)
        return FALSE;
    if (mail->greylisted_at == 0)
        mail->greylisted_at = MAX(world->now, 1);
    return world->now < mail->greylisted_at + GREYLISTED_MS;
}

/* MAIL, RCPT and DATA are answered. */
static void answered(World *world, guint org, gint64 token)
{
    Attempt *attempt = attempt_by(world, token);
    const SimProvider *provider = &world->providers[org];
    if (attempt == NULL || attempt->stage != STAGE_TALKING || attempt->may_say)
        return;
    OutboxEvent refused = {.end = ATTEMPT_REFUSED, .fate = DIAGNOSIS_FATE_RETRY};
    if (provider->mood == MOOD_DROPPING && world_chance(world, 300)) {
        over(world, attempt, FALSE, (OutboxEvent){.end = ATTEMPT_UNSENT});
    } else if (provider->mood == MOOD_STORM ||
               is_greylisted(world, world_mail(world, attempt->id))) {
        over(world, attempt, TRUE, refused);
    } else if (provider->mood == MOOD_FULL) {
        refused.fate = DIAGNOSIS_FATE_HOLD;
        refused.wait_s = 3600;
        refused.blocks_account = TRUE;
        over(world, attempt, TRUE, refused);
    } else if (!world->is_calm && !world->has_loris && world_chance(world, 20)) {
        refused.fate = DIAGNOSIS_FATE_BOUNCE;
        over(world, attempt, TRUE, refused);
    } else {
        attempt->may_say = TRUE;
        say_end_if_it_may(world, attempt);
    }
}

static void talk(World *world, Attempt *attempt)
{
    SimCourier *courier = &world->couriers[attempt->org];
    courier->idle--;
    courier->busy++;
    verdict_on_talk(world, world_mail(world, attempt->id));
    attempt->stage = STAGE_TALKING;
    attempt->drains = courier->drains;
    attempt->version = courier->version;
    store_queue(world, &(Job){.kind = JOB_MARK, .org = attempt->org, .id = attempt->id});
    agenda_add(
        world, latency_ms(world, attempt->org), answered, attempt->org, attempt->token, TRUE);
}

/* The session did not come about: the first learns it, the others would hear the same. */
static void end_waiting(World *world, guint org, OutboxEvent first)
{
    GQueue *waiting = &world->couriers[org].waiting;
    OutboxEvent event = first;
    for (guint n = waiting->length; n > 0 && waiting->length > 0; n--) {
        g_autofree gint64 *id = g_queue_pop_head(waiting);
        Attempt *attempt = attempt_of(world, *id);
        event.config_version = world->couriers[org].version;
        courier_ended(world, attempt->id, event);
        event = (OutboxEvent){.end = ATTEMPT_WITHDRAWN};
    }
}

/* The provider hears the login, whether or not anybody waits for its answer to the end. Of a
 * credential that was replaced meanwhile it may hear what it likes. */
static void logs_in(World *world, guint org, gint64 number)
{
    SimCourier *courier = &world->couriers[org];
    gboolean is_current = courier->version == world->store.orgs[org].config_version;
    if (courier->opening != number)
        return; /* dropped meanwhile */
    courier->answer = world->providers[org].mood;
    courier->is_said = courier->answer != MOOD_DOWN;
    if (courier->answer == MOOD_REFUSING && is_current)
        verdict_on_login_refused(world, org);
    else if (courier->answer != MOOD_DOWN && courier->answer != MOOD_REFUSING)
        verdict_on_login_worked(world, org);
}

static void opened(World *world, guint org, gint64 number)
{
    SimCourier *courier = &world->couriers[org];
    if (courier->opening != number)
        return; /* dropped meanwhile */
    courier->opening = 0;
    if (courier->answer == MOOD_DOWN) {
        end_waiting(world, org, (OutboxEvent){.end = ATTEMPT_UNSENT});
    } else if (courier->answer == MOOD_REFUSING) {
        courier->closings++;
        if (courier->waiting.length == 0 && world->broken != BREAK_BREAKER)
            courier_step(world, org,
                (OutboxEvent){
                    .kind = OUTBOX_EVENT_LOGIN_REFUSED, .config_version = courier->version});
        end_waiting(
            world, org, (OutboxEvent){.end = ATTEMPT_LOGIN_REFUSED, .fate = DIAGNOSIS_FATE_HOLD});
    } else if (courier->opening_drains == courier->drains) {
        stay_idle(world, org);
    }
    serve(world, org);
}

static void serve(World *world, guint org)
{
    SimCourier *courier = &world->couriers[org];
    while (courier->waiting.length > 0 && courier->idle > 0) {
        g_autofree gint64 *id = g_queue_pop_head(&courier->waiting);
        talk(world, attempt_of(world, *id));
    }
    gboolean is_full = courier->idle + courier->busy >= courier->connections;
    if (courier->waiting.length == 0 || courier->opening != 0 || is_full)
        return;
    courier->opening = (gint64)(++world->n_opened);
    courier->is_said = FALSE;
    courier->opening_drains = courier->drains;
    courier->opening_version = courier->version;
    gint64 in_ms = latency_ms(world, org);
    agenda_add(world, in_ms / 2, logs_in, org, courier->opening, TRUE);
    agenda_add(world, in_ms, opened, org, courier->opening, TRUE);
    if (courier->is_refused && world_chance(world, 500)) /* beside the automatic try */
        agenda_add(world, world_between(world, 0, in_ms), world_save_draft, org, 0, TRUE);
}

void pool_give(World *world, gint64 id)
{
    Attempt *attempt = attempt_of(world, id);
    attempt->stage = STAGE_WAITING;
    g_queue_push_tail(&world->couriers[attempt->org].waiting, g_memdup2(&id, sizeof id));
    serve(world, attempt->org);
}

/* A login that has been said is answered, unless it was with other settings. */
void pool_drain_org(World *world, guint org)
{
    SimCourier *courier = &world->couriers[org];
    courier->drains++;
    courier->idle = 0;
    if (!courier->is_said || courier->opening_version != courier->version)
        courier->opening = 0;
    end_waiting(world, org, (OutboxEvent){.end = ATTEMPT_WITHDRAWN});
    serve(world, org);
}
