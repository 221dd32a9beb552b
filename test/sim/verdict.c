/* The promises, looked at after every step (reliability C4, C6, C7, C9, C10, C12; the quota; the
 * order; that a slow neighbour holds up nobody). */
#include "sim.h"

#include <stdio.h>

#define COMMITS_BETWEEN_COUNTS 16
#define HEALTHY_MS (5 * CLOCK_SECOND_MS) /* beside a slow neighbour, from acceptance on */

void verdict_fail(World *world, const char *format, ...)
{
    va_list args;
    if (world->fault != NULL)
        return;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    world->fault = g_strdup_printf("after %" G_GINT64_FORMAT " ms: %s", world->now, what);
}

void verdict_tell(const World *world, const char *format, ...)
{
    va_list args;
    if (!world->is_told)
        return;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_print("# %13.3f s  %s\n", (double)world->now / CLOCK_SECOND_MS, what);
}

/* --- What the outbox says ------------------------------------------------------------------------
 */

void verdict_on_send(World *world, Mail *mail)
{
    gint64 id = mail->item.recipient_id;
    WallMs latest = MAX(world_wall(world), world_steady(world));
    verdict_tell(world, "org %u: mail %" G_GINT64_FORMAT " goes, stored as %s", mail->org, id,
        email_state_name(mail->state));
    if (mail->is_out)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " is tried twice at once", id);
    if (mail->state == EMAIL_ACCEPTED)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " is tried though it was accepted", id);
    if (mail->item.mail.expires_at > 0 && latest >= mail->item.mail.expires_at)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " is tried past its expiry", id);
    if (world->couriers[mail->org].is_paused && !mail->item.is_test)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " is tried while paused", id);
}

/* TRUE if a should go before b, as far as it is known by what the outbox goes. */
static gboolean goes_before(const Mail *a, const Mail *b)
{
    if (a->item.class != b->item.class || a->was_put_off || b->was_put_off)
        return a->item.class < b->item.class;
    if (a->item.next_at != b->item.next_at)
        return a->item.next_at < b->item.next_at;
    return a->item.recipient_id < b->item.recipient_id;
}

static gboolean is_among(const OutboxEffect *effects, guint n, gint64 id)
{
    for (guint i = 0; i < n; i++) {
        if (effects[i].recipient_id == id)
            return TRUE;
    }
    return FALSE;
}

/* What goes after a page was read goes before all on it that stays. */
static void check_page(
    World *world, const OutboxEvent *event, const Mail *last, const OutboxEffect *effects, guint n)
{
    for (guint i = 0; i < event->n_items; i++) {
        const OutboxItem *item = &event->items[i];
        const Mail *mail = world_mail(world, item->recipient_id);
        gboolean is_stale = mail->next_at != item->next_at || mail->is_out || mail->is_recording;
        if (!is_stale && goes_before(mail, last) && !is_among(effects, n, item->recipient_id))
            verdict_fail(world, "mail %" G_GINT64_FORMAT " overtook mail %" G_GINT64_FORMAT " (%s)",
                last->item.recipient_id, item->recipient_id, email_state_name(mail->state));
    }
}

void verdict_on_effects(
    World *world, guint org, const OutboxEvent *event, const OutboxEffect *effects, guint n)
{
    const Mail *last = NULL;
    guint sends = 0;
    for (guint i = 0; i < n; i++) {
        if (effects[i].kind != OUTBOX_EFFECT_SEND)
            continue;
        const Mail *mail = world_mail(world, effects[i].recipient_id);
        if (last != NULL && goes_before(mail, last))
            verdict_fail(world, "mail %" G_GINT64_FORMAT " goes behind a less urgent one",
                mail->item.recipient_id);
        last = mail;
        sends++;
    }
    if (event->kind == OUTBOX_EVENT_LOADED && last != NULL && !last->item.is_test)
        check_page(world, event, last, effects, n);
    if (outbox_known(world->outbox, org + 1) > LIMIT_WORKING_SET)
        verdict_fail(world, "the working set is too large");
    if (outbox_sending(world->outbox, org + 1) != world->couriers[org].n_out + sends)
        verdict_fail(world, "the outbox has lost count of what is out");
}

/* --- What the store has --------------------------------------------------------------------------
 */

static void check_books(World *world, guint org)
{
    const StoredOrg *stored = &world->store.orgs[org];
    gint64 counts[EMAIL_HANDED_OVER + 1] = {0};
    for (gint64 id = 1; id <= world->n_mails; id++) {
        const Mail *mail = world_mail(world, id);
        if (mail->org == org && mail->state != 0)
            counts[mail->state]++;
    }
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++) {
        if (counts[state] != stored->counts[state])
            verdict_fail(world, "org %u: the count of %s is wrong", org, email_state_name(state));
    }
}

static void check_sum(World *world, guint org)
{
    const StoredOrg *stored = &world->store.orgs[org];
    gint64 sum = 0;
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++)
        sum += stored->counts[state];
    if (sum != stored->taken)
        verdict_fail(world, "org %u: the books do not balance", org);
}

/* The sum at every commit; whether each count is true, which takes longer, at some. */
void verdict_on_commit(World *world)
{
    gboolean counts_too = world->n_commits++ % COMMITS_BETWEEN_COUNTS == 0;
    for (guint org = 0; org < SIM_ORGS; org++) {
        check_sum(world, org);
        if (counts_too)
            check_books(world, org);
    }
}

/* The schedule as doc/reliability.md C5 and C6 have it, not as the outbox reckons it. */
void verdict_on_record(World *world, const Mail *mail, const Job *job)
{
    static const gint64 minutes[] = {1, 5, 15, 30, 60, 120};
    const RetryDecision *decision = &job->decision;
    guint attempts = MIN(mail->item.mail.attempts, (guint)G_N_ELEMENTS(minutes) - 1);
    gboolean is_first_doubt = decision->state == EMAIL_UNCERTAIN && !mail->item.mail.was_uncertain;
    gint64 least_ms = (is_first_doubt ? 15 : minutes[attempts]) * CLOCK_MINUTE_MS;
    gint64 most_ms = least_ms + (is_first_doubt ? 0 : least_ms / 4);
    gint64 wait_ms = decision->next_at - job->at;
    gboolean is_its_last = decision->next_at == mail->item.mail.deadline_at;
    if (!decision->counts || decision->next_at == 0 || is_its_last)
        return;
    if (wait_ms < least_ms || wait_ms > most_ms)
        verdict_fail(world,
            "mail %" G_GINT64_FORMAT " is tried again after %" G_GINT64_FORMAT
            " s, %u attempts were made before",
            mail->item.recipient_id, wait_ms / CLOCK_SECOND_MS, mail->item.mail.attempts);
}

/* Where the clock was right when it was taken and when the process began, a lifetime is a lifetime.
 */
void verdict_on_expired(World *world, const Mail *mail)
{
    gboolean is_judged = mail->is_honest && world->start_lead_ms == 0;
    if (is_judged && mail->item.mail.expires_at == 0 &&
        SIM_BEGIN + world->now < mail->item.mail.deadline_at)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " ended by a jump of the clock",
            mail->item.recipient_id);
}

void verdict_at_the_end(World *world)
{
    for (guint org = 0; org < SIM_ORGS; org++) {
        check_sum(world, org);
        check_books(world, org);
    }
    for (gint64 id = 1; id <= world->n_mails; id++) {
        const Mail *mail = world_mail(world, id);
        gboolean says_no = mail->state == EMAIL_REJECTED || mail->state == EMAIL_EXPIRED ||
                           mail->state == EMAIL_CANCELLED;
        if (mail->state == EMAIL_ACCEPTED && mail->copies == 0)
            verdict_fail(world, "mail %" G_GINT64_FORMAT " is lost", id);
        if (says_no && mail->copies > 0 && !mail->was_uncertain)
            verdict_fail(world, "mail %" G_GINT64_FORMAT " is %s but was delivered", id,
                email_state_name(mail->state));
    }
}

/* --- What the provider sees ----------------------------------------------------------------------
 */

static void check_window(World *world, guint org, guint limit, gint64 length_ms)
{
    const GArray *said = world->providers[org].said;
    guint n = 0;
    for (guint i = said->len; limit > 0 && i > 0; i--) {
        const Said *each = &g_array_index(said, Said, i - 1);
        if (each->at <= world->now - length_ms)
            break;
        n += each->is_test ? 0 : 1; /* those go even where the quota is used up */
    }
    if (limit > 0 && n > limit)
        verdict_fail(world, "org %u: %u mails in %" G_GINT64_FORMAT " s, the limit is %u", org, n,
            length_ms / CLOCK_SECOND_MS, limit);
}

void verdict_on_talk(World *world, const Mail *mail)
{
    if (world->couriers[mail->org].is_paused && !mail->item.is_test)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " is begun with the provider while paused",
            mail->item.recipient_id);
}

void verdict_on_said(World *world, const Mail *mail)
{
    const QuotaLimits *limits = &world->store.orgs[mail->org].limits;
    const Said said = {world->now, world->lead_ms, mail->item.is_test, FALSE};
    WallMs latest = MAX(world_wall(world), world_steady(world));
    verdict_tell(world, "org %u: mail %" G_GINT64_FORMAT " was said to its end", mail->org,
        mail->item.recipient_id);
    g_array_append_val(world->providers[mail->org].said, said);
    if (mail->item.mail.expires_at > 0 && latest >= mail->item.mail.expires_at)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " was said to its end past its expiry",
            mail->item.recipient_id);
    check_window(world, mail->org, limits->per_minute, CLOCK_MINUTE_MS);
    check_window(world, mail->org, limits->per_hour, CLOCK_HOUR_MS);
    check_window(world, mail->org, limits->per_day, CLOCK_DAY_MS);
}

/* Once, and once more if nobody knows what became of the first. */
void verdict_on_trust(Mail *mail)
{
    mail->most_copies = mail->copies + mail->under_way + (mail->item.mail.at_most_once ? 1 : 2);
}

void verdict_on_accepted(World *world, Mail *mail)
{
    gint64 id = mail->item.recipient_id;
    world->count.n_copies++;
    verdict_tell(world, "org %u: the provider has mail %" G_GINT64_FORMAT, mail->org, id);
    mail->under_way--;
    if (++mail->copies > mail->most_copies)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " came %u times%s", id, mail->copies,
            mail->item.mail.at_most_once ? ", which was to come at most once" : "");
    if (mail->copies > 1) {
        world->count.n_duplicates++;
        if (!mail->was_uncertain)
            verdict_fail(world, "mail %" G_GINT64_FORMAT " came twice and was never uncertain", id);
    }
    if (world->has_loris && mail->org == 0 && world->now > mail->due_since + HEALTHY_MS)
        verdict_fail(world, "mail %" G_GINT64_FORMAT " was held up by a neighbour", id);
}

void verdict_on_login_refused(World *world, guint org)
{
    SimProvider *provider = &world->providers[org];
    world->count.n_refused++;
    verdict_tell(world, "org %u: the login is refused", org);
    if (provider->refused_logins == 0)
        provider->refused_lead_ms = world->lead_ms; /* the store keeps this moment */
    if (++provider->refused_logins > 2)
        verdict_fail(world, "org %u: a refused password was tried a third time", org);
}

void verdict_on_login_worked(World *world, guint org)
{
    world->providers[org].refused_logins = 0;
}

/* --- Times that cannot be known ------------------------------------------------------------------
 */

/* What is written by a clock that is then set ahead looks old at the next start. */
void verdict_on_jump(World *world)
{
    for (guint org = 0; org < SIM_ORGS; org++) {
        GArray *said = world->providers[org].said;
        for (guint i = 0; i < said->len; i++) {
            Said *each = &g_array_index(said, Said, i);
            each->may_be_forgotten = each->may_be_forgotten || each->lead_ms < world->lead_ms;
            each->lead_ms = MIN(each->lead_ms, world->lead_ms);
        }
    }
}

/* A refusal that no commit has kept is not known any more. */
void verdict_on_kill(World *world)
{
    for (guint org = 0; org < SIM_ORGS; org++) {
        if (world->store.orgs[org].health != OUTBOX_HEALTH_CREDENTIAL_FAULT)
            world->providers[org].refused_logins = 0;
    }
}

void verdict_on_start(World *world)
{
    for (guint org = 0; org < SIM_ORGS; org++) {
        SimProvider *provider = &world->providers[org];
        /* Under a clock that was put back the second try may seem to be still ahead. */
        if (provider->refused_logins > 1 && world->lead_ms < provider->refused_lead_ms)
            provider->refused_logins = 1;
    }
}

void verdict_on_counts_read(World *world, guint org)
{
    GArray *said = world->providers[org].said;
    for (guint i = said->len; i > 0; i--) {
        if (g_array_index(said, Said, i - 1).may_be_forgotten)
            g_array_remove_index(said, i - 1);
    }
}
