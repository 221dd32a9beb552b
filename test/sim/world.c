/* What happens: mails come, people pause, cancel and verify, servers misbehave, the clock is set,
 * the process is killed. Then everything is well again, and every mail must come to its end. */
#include "sim.h"

#define EVENTS_AT_MOST 2000000
#define CALM_AT_MOST_MS (60 * CLOCK_DAY_MS)
#define LORIS_BACKLOG 300
#define LONG_BACKLOG 900 /* several pages of the store */

/* --- Happenings --------------------------------------------------------------------------------
 */

static guint any_org(World *world)
{
    return world->has_loris ? 0 : random_below(&world->random, SIM_ORGS);
}

static gint64 any_mail(World *world)
{
    return world->n_mails == 0 ? 0 : world_between(world, 1, world->n_mails);
}

static void take_mail(World *world, guint org)
{
    if (world->n_mails == SIM_MAILS)
        return;
    Mail *mail = &world->mails[world->n_mails++];
    WallMs now = world_wall(world);
    gboolean is_later = !world->has_loris && world_chance(world, 100);
    WallMs due_at = now + (is_later ? world_between(world, CLOCK_MINUTE_MS, CLOCK_DAY_MS) : 0);
    EmailClass class = (EmailClass)world_between(world, EMAIL_CLASS_RESET, EMAIL_CLASS_BULK);
    gboolean expires = email_class_is_secret(class) && world_chance(world, 500);
    WallMs lifetime_at = due_at + LIMIT_EMAIL_LIFETIME_MS;
    WallMs expires_at = due_at + world_between(world, 10, 120) * CLOCK_MINUTE_MS;
    mail->org = org;
    mail->is_honest = world->lead_ms == 0;
    mail->item = (OutboxItem){.recipient_id = world->n_mails,
        .class = class,
        .next_at = due_at,
        .size_bytes = 2048,
        .is_test = world_chance(world, 30),
        .mail = {.deadline_at = expires ? expires_at : lifetime_at,
            .expires_at = expires ? expires_at : 0,
            .at_most_once = world_chance(world, 100)}};
    store_queue(world, &(Job){.kind = JOB_TAKE, .org = org, .id = world->n_mails});
}

static void take_some(World *world)
{
    guint org = any_org(world);
    for (guint n = (guint)world_between(world, 1, 10); n > 0; n--)
        take_mail(world, org);
}

static void change_mood(World *world)
{
    guint org = any_org(world);
    world->providers[org].mood =
        world_chance(world, 400) ? MOOD_WELL : (Mood)random_below(&world->random, MOODS);
    verdict_tell(world, "org %u: the provider's mood is %d", org, (int)world->providers[org].mood);
}

static void pause_or_resume(World *world)
{
    guint org = any_org(world);
    gboolean is_on = !world->store.orgs[org].is_enabled;
    WallMs until = world_wall(world) + world_between(world, 1, 600) * CLOCK_MINUTE_MS;
    verdict_tell(world, "org %u: %s", org, is_on ? "resumed" : "paused");
    store_queue(world, &(Job){.kind = JOB_SWITCH,
                           .org = org,
                           .is_on = is_on,
                           .until = is_on || world_chance(world, 500) ? 0 : until});
}

static void cancel_some(World *world)
{
    for (guint n = 0; n < 3 && world->n_mails > 0; n++)
        store_queue(world, &(Job){.kind = JOB_CANCEL, .id = any_mail(world)});
}

static void retry_some(World *world)
{
    for (guint n = 0; n < 3 && world->n_mails > 0; n++)
        store_queue(world, &(Job){.kind = JOB_RETRY, .id = any_mail(world)});
}

static void reschedule_some(World *world)
{
    for (guint n = 0; n < 20 && world->n_mails > 0; n++)
        store_queue(world, &(Job){.kind = JOB_RESCHEDULE,
                               .id = any_mail(world),
                               .until = world_wall(world) +
                                        world_between(world, -CLOCK_MINUTE_MS, CLOCK_HOUR_MS)});
}

void world_save_draft(World *world, guint org, gint64 unused)
{
    verdict_tell(world, "org %u: a draft is saved", org);
    store_queue(world, &(Job){.kind = JOB_DRAFT, .org = org});
}

static void save_drafts(World *world)
{
    guint org = any_org(world);
    for (gint64 n = world_between(world, 1, 10); n > 0; n--)
        agenda_add(
            world, world_between(world, 0, 20 * CLOCK_MINUTE_MS), world_save_draft, org, 0, TRUE);
}

static void verify(World *world)
{
    guint org = any_org(world);
    if (world->providers[org].mood == MOOD_REFUSING)
        world->providers[org].mood = MOOD_WELL;
    verdict_tell(world, "org %u: verified", org);
    store_queue(world, &(Job){.kind = JOB_ACTIVATE, .org = org});
}

static void set_clock(World *world)
{
    static const gint64 leads_ms[] = {0, SIM_YEARS, -SIM_YEARS, CLOCK_HOUR_MS, -CLOCK_HOUR_MS,
        2 * CLOCK_DAY_MS, -2 * CLOCK_DAY_MS, 1000};
    world->lead_ms = leads_ms[random_below(&world->random, G_N_ELEMENTS(leads_ms))];
    world->count.n_jumps++;
    verdict_tell(
        world, "the wall clock is %" G_GINT64_FORMAT " s ahead", world->lead_ms / CLOCK_SECOND_MS);
    verdict_on_jump(world);
}

static void start_again(World *world, guint unused_org, gint64 unused_id)
{
    verdict_tell(world, "started again");
    courier_begin(world);
}

void world_kill(World *world, guint unused_org, gint64 unused_id)
{
    verdict_tell(world, "killed");
    world->count.n_kills++;
    verdict_on_kill(world);
    courier_forget(world);
    agenda_add(world, world_between(world, 100, 20 * CLOCK_MINUTE_MS), start_again, 0, 0, FALSE);
}

static void kill_process(World *world)
{
    world_kill(world, 0, 0);
}

static void spoil_commits(World *world)
{
    world->store.is_faulty = !world->store.is_faulty;
}

typedef struct {
    guint weight;
    gboolean is_harmful; /* not beside a slow neighbour */
    void (*happens)(World *world);
} Happening;

static const Happening happenings[] = {
    {33, FALSE, take_some},
    {16, TRUE, change_mood},
    {8, TRUE, pause_or_resume},
    {5, TRUE, cancel_some},
    {4, TRUE, retry_some},
    {3, FALSE, reschedule_some},
    {4, FALSE, save_drafts},
    {7, TRUE, verify},
    {7, TRUE, set_clock},
    {7, TRUE, kill_process},
    {6, TRUE, spoil_commits},
};

static void something_happens(World *world)
{
    guint draw = random_below(&world->random, 100);
    for (guint i = 0; i < G_N_ELEMENTS(happenings); i++) {
        if (draw >= happenings[i].weight) {
            draw -= happenings[i].weight;
            continue;
        }
        if (world->life != 0 && !(world->has_loris && happenings[i].is_harmful))
            happenings[i].happens(world);
        return;
    }
}

/* --- One seed ----------------------------------------------------------------------------------
 */

static void calm_down(World *world, guint unused_org, gint64 unused_id)
{
    if (world->life == 0) { /* after the restart, then */
        agenda_add(world, CLOCK_MINUTE_MS, calm_down, 0, 0, FALSE);
        return;
    }
    world->is_calm = TRUE;
    for (guint org = 0; org < SIM_ORGS; org++) {
        world->providers[org].mood = MOOD_WELL;
        store_queue(world, &(Job){.kind = JOB_ACTIVATE, .org = org});
        store_queue(world, &(Job){.kind = JOB_SWITCH, .org = org, .is_on = TRUE});
    }
}

static void on_happening(World *world, guint scale, gint64 left)
{
    static const gint64 scales_ms[] = {2 * CLOCK_SECOND_MS, CLOCK_MINUTE_MS, 20 * CLOCK_MINUTE_MS};
    something_happens(world);
    if (left > 0)
        agenda_add(
            world, world_between(world, 0, scales_ms[scale]), on_happening, scale, left - 1, FALSE);
    else
        agenda_add(world, 0, calm_down, 0, 0, FALSE);
}

/* The first that is not; NULL: none. What is scheduled by a clock that was ten years ahead stays
 * where a person put it. */
static const Mail *first_waiting(World *world)
{
    for (gint64 id = 1; id <= world->n_mails; id++) {
        const Mail *mail = world_mail(world, id);
        gboolean is_far =
            mail->state == EMAIL_SCHEDULED && mail->next_at > world_wall(world) + 5 * CLOCK_DAY_MS;
        if (mail->next_at != 0 && !is_far)
            return mail;
    }
    return NULL;
}

static void run(World *world)
{
    gint64 calm_since = 0;
    while (world->fault == NULL) {
        if (!agenda_do_next(world) || world->count.n_events > EVENTS_AT_MOST)
            verdict_fail(world, "it goes round in circles");
        calm_since = calm_since == 0 && world->is_calm ? world->now : calm_since;
        if (calm_since == 0 || world->count.n_events % 64 != 0)
            continue;
        const Mail *waiting = first_waiting(world);
        if (waiting == NULL)
            break;
        if (world->now > calm_since + CALM_AT_MOST_MS)
            verdict_fail(world, "mail %" G_GINT64_FORMAT " stays %s, next %" G_GINT64_FORMAT " s",
                waiting->item.recipient_id, email_state_name(waiting->state),
                (waiting->next_at - world_wall(world)) / CLOCK_SECOND_MS);
    }
    if (world->fault == NULL)
        verdict_at_the_end(world);
}

static QuotaLimits any_limits(World *world)
{
    QuotaLimits limits = {0, 0, 0};
    if (world->has_loris || world_chance(world, 500))
        return limits;
    if (world_chance(world, 500))
        limits.per_minute = (guint)world_between(world, 1, 6);
    if (world_chance(world, 500))
        limits.per_hour = (guint)world_between(world, 5, 30);
    if (world_chance(world, 300))
        limits.per_day = (guint)world_between(world, 30, 150);
    return limits;
}

static void begin(World *world, guint64 seed)
{
    world->has_loris = seed % 8 == 0;
    world->mails = g_new0(Mail, SIM_MAILS);
    store_begin(world);
    for (guint org = 0; org < SIM_ORGS; org++) {
        world->providers[org].said = g_array_new(FALSE, FALSE, sizeof(Said));
        world->store.orgs[org].limits = any_limits(world);
    }
    courier_begin(world);
    if (world->has_loris)
        world->providers[1].mood = MOOD_SLOW;
    for (guint n = 0; world->has_loris && n < LORIS_BACKLOG; n++)
        take_mail(world, 1);
    for (guint n = 0; seed % 16 == 5 && n < LONG_BACKLOG; n++)
        take_mail(world, 0);
    agenda_add(world, 0, on_happening, random_below(&world->random, 3),
        world_between(world, 20, 100), FALSE);
}

static void end(World *world)
{
    if (world->life != 0)
        courier_forget(world);
    store_end(world);
    for (guint org = 0; org < SIM_ORGS; org++)
        g_array_unref(world->providers[org].said);
    g_clear_pointer(&world->agenda, g_array_unref);
    g_free(world->mails);
}

char *world_play(guint64 seed, SimBreak broken, gboolean is_told, SimCount *count)
{
    g_autofree World *world = g_new0(World, 1);
    world->random = random_for(seed, 0);
    world->broken = broken;
    world->is_told = is_told;
    begin(world, seed);
    run(world);
    world->count.n_mails = world->n_mails;
    world->count.span_ms = world->now;
    *count = world->count;
    end(world);
    return g_steal_pointer(&world->fault);
}
