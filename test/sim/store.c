/* The store's model: jobs wait, a group of them is committed after a while, all or none, and what
 * came of it is heard a little later. A kill in between loses what it loses in the real one. */
#include "sim.h"

#define KEPT_MINUTES (24 * 60 + 10)

static void begin_group(World *world);

void store_begin(World *world)
{
    SimStore *store = &world->store;
    store->queue = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < SIM_ORGS; i++) {
        store->orgs[i] = (StoredOrg){.is_enabled = TRUE, .config_version = 1};
        store->orgs[i].sent = g_array_new(FALSE, FALSE, sizeof(SentMinute));
    }
}

void store_forget(World *world)
{
    g_ptr_array_set_size(world->store.queue, 0);
    g_clear_pointer(&world->store.group, g_ptr_array_unref);
    world->store.noted_state = world->store.noted_queue = 0;
}

void store_end(World *world)
{
    store_forget(world);
    g_ptr_array_unref(world->store.queue);
    for (guint i = 0; i < SIM_ORGS; i++)
        g_array_unref(world->store.orgs[i].sent);
}

/* --- Moves -------------------------------------------------------------------------------------
 */

static void move(World *world, Mail *mail, EmailState to, WallMs next_at)
{
    StoredOrg *org = &world->store.orgs[mail->org];
    if (!states_allow(&email_states, mail->state, to)) {
        verdict_fail(world, "a mail cannot go from %s to %s", email_state_name(mail->state),
            email_state_name(to));
        return;
    }
    verdict_tell(world, "org %u: mail %" G_GINT64_FORMAT " is stored as %s", mail->org,
        mail->item.recipient_id, email_state_name(to));
    if (to == EMAIL_EXPIRED)
        verdict_on_expired(world, mail);
    org->counts[mail->state]--;
    org->counts[to]++;
    mail->state = to;
    mail->was_put_off = mail->was_put_off || next_at != mail->next_at;
    mail->next_at = next_at;
    mail->item.next_at = next_at;
    mail->was_uncertain = mail->was_uncertain || to == EMAIL_UNCERTAIN;
}

static void count_sent(World *world, guint org, WallMs at)
{
    GArray *sent = world->store.orgs[org].sent;
    gint64 minute = at / CLOCK_MINUTE_MS;
    guint i = sent->len;
    while (i > 0 && g_array_index(sent, SentMinute, i - 1).minute > minute)
        i--;
    if (i > 0 && g_array_index(sent, SentMinute, i - 1).minute == minute) {
        g_array_index(sent, SentMinute, i - 1).n++;
        return;
    }
    const SentMinute fresh = {minute, 1};
    g_array_insert_val(sent, i, fresh);
}

Quota *store_sent(const World *world, guint org)
{
    const GArray *sent = world->store.orgs[org].sent;
    WallMs now = world_wall(world);
    Quota *quota = quota_new();
    for (guint i = 0; i < sent->len; i++) {
        const SentMinute *each = &g_array_index(sent, SentMinute, i);
        if (each->minute >= now / CLOCK_MINUTE_MS - KEPT_MINUTES)
            quota_add(quota, MIN((each->minute + 1) * CLOCK_MINUTE_MS - 1, now), (guint)each->n);
    }
    return quota;
}

static void tidy_sent(World *world, StoredOrg *org)
{
    g_autoptr(GArray) before = org->sent;
    gint64 present = world_wall(world) / CLOCK_MINUTE_MS;
    gint64 ahead = 0;
    org->sent = g_array_new(FALSE, FALSE, sizeof(SentMinute));
    for (guint i = 0; i < before->len; i++) {
        SentMinute each = g_array_index(before, SentMinute, i);
        if (each.minute >= present)
            ahead += each.n;
        else if (each.minute >= present - KEPT_MINUTES)
            g_array_append_val(org->sent, each);
    }
    const SentMinute now = {present, ahead};
    if (ahead > 0)
        g_array_append_val(org->sent, now);
}

/* --- Jobs --------------------------------------------------------------------------------------
 */

static void take(World *world, Mail *mail)
{
    StoredOrg *org = &world->store.orgs[mail->org];
    mail->state = mail->item.next_at > world_wall(world) ? EMAIL_SCHEDULED : EMAIL_QUEUED;
    mail->next_at = mail->item.next_at;
    mail->due_since = world->now;
    verdict_on_trust(mail);
    org->taken++;
    org->counts[mail->state]++;
    world->store.noted_queue |= 1U << mail->org;
}

static void mark(World *world, Job *job)
{
    Mail *mail = world_mail(world, job->id);
    WallMs latest = MAX(world_wall(world), world_steady(world));
    gboolean is_expired = mail->item.mail.expires_at > 0 && mail->item.mail.expires_at <= latest &&
                          world->broken != BREAK_EXPIRY;
    job->is_marked =
        mail->next_at > 0 && !is_expired && states_allow(&email_states, mail->state, EMAIL_SENDING);
    if (job->is_marked)
        move(world, mail, EMAIL_SENDING, mail->next_at);
}

static WallMs next_of(const Mail *mail, EmailState state, const Job *job)
{
    if (state == EMAIL_UNCERTAIN)
        return mail->item.mail.at_most_once ? 0 : job->decision.next_at;
    return email_state_is_waiting(state) ? MAX(job->decision.next_at, job->at) : 0;
}

static void record(World *world, const Job *job)
{
    Mail *mail = world_mail(world, job->id);
    EmailState to = job->decision.state;
    if (job->late_by > 0 && !retry_is_too_late(&mail->item.mail, job->at, job->late_by)) {
        world->store.noted_queue |= 1U << mail->org; /* a person has given it another day */
        return;
    }
    if (to == EMAIL_QUEUED && mail->state == EMAIL_UNCERTAIN)
        to = EMAIL_UNCERTAIN;
    gboolean has_ended = mail->next_at == 0;
    if (job->asked)
        count_sent(world, mail->org, job->at);
    if (has_ended && !(to == EMAIL_ACCEPTED && states_allow(&email_states, mail->state, to)))
        return; /* cancelled or expired meanwhile */
    verdict_on_record(world, mail, job);
    mail->item.mail.attempts += job->decision.counts ? 1 : 0;
    move(world, mail, to, next_of(mail, to, job));
    mail->item.mail.was_uncertain = mail->state == EMAIL_UNCERTAIN;
}

void store_recover(World *world)
{
    for (gint64 id = 1; id <= world->n_mails; id++) {
        Mail *mail = world_mail(world, id);
        if (mail->state != EMAIL_SENDING)
            continue;
        gboolean is_once = mail->item.mail.at_most_once && world->broken != BREAK_ONCE;
        gboolean is_over =
            is_once || (mail->item.mail.was_uncertain && world->broken != BREAK_RESEND);
        count_sent(world, mail->org, world_wall(world));
        move(world, mail, EMAIL_UNCERTAIN,
            is_over ? 0 : world_wall(world) + LIMIT_UNCERTAIN_RESEND_MS);
        mail->item.mail.was_uncertain = TRUE;
        mail->item.mail.attempts++;
    }
    verdict_on_commit(world);
}

/* A person gives what was rejected or expired another day. */
static void retry(World *world, Mail *mail)
{
    if (mail->state != EMAIL_REJECTED && mail->state != EMAIL_EXPIRED)
        return;
    WallMs deadline_at = world_wall(world) + CLOCK_DAY_MS;
    move(world, mail, EMAIL_QUEUED, world_wall(world));
    mail->item.mail.deadline_at = deadline_at;
    mail->item.mail.expires_at = mail->item.mail.expires_at > 0 ? deadline_at : 0;
    mail->is_honest = world->lead_ms == 0;
    verdict_on_trust(mail);
    world->store.noted_queue |= 1U << mail->org;
}

static void cancel(World *world, Mail *mail)
{
    if (mail->next_at == 0 || !states_allow(&email_states, mail->state, EMAIL_CANCELLED))
        return;
    move(world, mail, mail->state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_CANCELLED, 0);
}

static void reschedule(World *world, Mail *mail, WallMs at)
{
    WallMs now = world_wall(world);
    if (mail->state != EMAIL_SCHEDULED)
        return;
    gint64 lifetime_ms = mail->item.mail.deadline_at - mail->next_at;
    WallMs begin = MAX(at, now);
    if (mail->item.mail.expires_at == 0)
        mail->item.mail.deadline_at = begin + lifetime_ms;
    else if (mail->item.mail.expires_at <= begin)
        return;
    move(world, mail, at > now ? EMAIL_SCHEDULED : EMAIL_QUEUED, begin);
    mail->is_honest = mail->is_honest && world->lead_ms == 0;
    world->store.noted_queue |= 1U << mail->org;
}

static void switch_sending(World *world, StoredOrg *org, gboolean is_on, WallMs until)
{
    org->is_enabled = is_on;
    org->pause_until = until;
    org->switched_at = world_wall(world);
    world->store.noted_state |= 1U << (org - world->store.orgs);
}

/* --- Housekeeping ------------------------------------------------------------------------------
 */

static void heed_clock(World *world)
{
    SimStore *store = &world->store;
    WallMs now = world_wall(world);
    gint64 moved_ms = now - world_steady(world) - store->lead_ms;
    if (ABS(moved_ms) >= CLOCK_MINUTE_MS) {
        store->lead_ms += moved_ms;
        for (guint i = 0; i < SIM_ORGS; i++) {
            StoredOrg *org = &store->orgs[i];
            gboolean is_new = org->switched_at >= now - CLOCK_MINUTE_MS && org->switched_at <= now;
            if (!org->is_enabled && org->pause_until > 0 && !is_new)
                org->pause_until += moved_ms;
        }
    }
    if (ABS(moved_ms) >= CLOCK_MINUTE_MS || store->jumps != store->jumps_heeded)
        store->look_until = world_steady(world) + 15 * CLOCK_MINUTE_MS;
    store->jumps_heeded = store->jumps;
    if (store->waits_are_near && world_steady(world) >= store->look_until)
        return;
    for (gint64 id = 1; id <= world->n_mails; id++) {
        Mail *mail = world_mail(world, id);
        gboolean is_retry = mail->state == EMAIL_DEFERRED || mail->state == EMAIL_UNCERTAIN;
        gboolean is_far = is_retry && mail->next_at > now + LIMIT_RETRY_WAIT_MS;
        gboolean is_due = mail->state == EMAIL_QUEUED && mail->next_at > now;
        if (!is_far && !is_due)
            continue;
        mail->next_at = mail->item.next_at = is_due ? now : now + LIMIT_RETRY_BACKOFF_MS;
        mail->was_put_off = TRUE;
        store->noted_queue |= 1U << mail->org;
    }
    store->waits_are_near = TRUE;
}

static void keep_house(World *world)
{
    WallMs both = MIN(world_wall(world), world_steady(world));
    heed_clock(world);
    for (gint64 id = 1; id <= world->n_mails; id++) {
        Mail *mail = world_mail(world, id);
        gboolean is_over = mail->next_at > 0 && mail->item.mail.deadline_at <= both;
        if (is_over && mail->state != EMAIL_SENDING)
            move(world, mail, mail->state == EMAIL_UNCERTAIN ? EMAIL_UNCERTAIN : EMAIL_EXPIRED, 0);
    }
    for (guint i = 0; i < SIM_ORGS; i++) {
        StoredOrg *org = &world->store.orgs[i];
        tidy_sent(world, org);
        if (!org->is_enabled && org->pause_until > 0 && org->pause_until <= world_wall(world))
            switch_sending(world, org, TRUE, 0);
    }
}

static void write_health(World *world, const Job *job)
{
    StoredOrg *org = &world->store.orgs[job->org];
    if (job->version != org->config_version || job->health == org->health)
        return;
    org->health = job->health;
    org->health_at = world_wall(world);
    world->store.noted_state |= 1U << job->org;
}

/* The same password works again, or another was entered: either way it was verified. */
static void activate(World *world, guint i)
{
    StoredOrg *org = &world->store.orgs[i];
    org->config_version++;
    org->health = OUTBOX_HEALTH_OK;
    org->health_at = world_wall(world);
    world->providers[i].refused_logins = 0;
    for (gint64 id = 1; id <= world->n_mails; id++) {
        Mail *mail = world_mail(world, id);
        if (mail->org != i || mail->state != EMAIL_DEFERRED || mail->next_at <= org->health_at)
            continue;
        mail->next_at = mail->item.next_at = org->health_at;
        mail->was_put_off = TRUE;
    }
    world->store.noted_state |= 1U << i;
    world->store.noted_queue |= 1U << i;
}

static void run(World *world, Job *job)
{
    switch (job->kind) {
    case JOB_TAKE:
        take(world, world_mail(world, job->id));
        break;
    case JOB_MARK:
        mark(world, job);
        break;
    case JOB_RECORD:
        record(world, job);
        break;
    case JOB_HEALTH:
        write_health(world, job);
        break;
    case JOB_SWITCH:
        switch_sending(world, &world->store.orgs[job->org], job->is_on, job->until);
        break;
    case JOB_ACTIVATE:
        activate(world, job->org);
        break;
    case JOB_CANCEL:
        cancel(world, world_mail(world, job->id));
        break;
    case JOB_RETRY:
        retry(world, world_mail(world, job->id));
        break;
    case JOB_RESCHEDULE:
        reschedule(world, world_mail(world, job->id), job->until);
        break;
    case JOB_DRAFT:
        world->store.noted_state |= 1U << job->org;
        break;
    case JOB_HOUSEKEEPING:
        keep_house(world);
        break;
    }
}

/* --- Commits -----------------------------------------------------------------------------------
 */

static void heard(World *world, guint unused_org, gint64 unused_id)
{
    g_autoptr(GPtrArray) group = g_steal_pointer(&world->store.group);
    courier_heard(world, group);
    begin_group(world);
}

static void commit(World *world, guint unused_org, gint64 unused_id)
{
    SimStore *store = &world->store;
    gboolean has_failed = store->is_faulty && !world->is_calm && world_chance(world, 200);
    for (guint i = 0; i < store->group->len; i++) {
        Job *job = store->group->pdata[i];
        job->has_failed = has_failed;
        if (!has_failed)
            run(world, job);
    }
    verdict_on_commit(world);
    agenda_add(world, world_between(world, 0, 2), heard, 0, 0, TRUE);
}

static void begin_group(World *world)
{
    SimStore *store = &world->store;
    if (store->queue->len == 0 || store->group != NULL)
        return;
    store->group = store->queue;
    store->queue = g_ptr_array_new_with_free_func(g_free);
    gboolean stalls = !world->is_calm && !world->has_loris && world_chance(world, 20);
    agenda_add(world, stalls ? world_between(world, 100, 20000) : world_between(world, 1, 6),
        commit, 0, 0, TRUE);
}

void store_queue(World *world, const Job *job)
{
    g_ptr_array_add(world->store.queue, g_memdup2(job, sizeof *job));
    begin_group(world);
}

/* --- Reading -----------------------------------------------------------------------------------
 */

static int compare_items(gconstpointer a, gconstpointer b)
{
    const OutboxItem *left = a, *right = b;
    if (left->class != right->class)
        return left->class < right->class ? -1 : 1;
    if (left->next_at != right->next_at)
        return left->next_at < right->next_at ? -1 : 1;
    return (left->recipient_id > right->recipient_id) - (left->recipient_id < right->recipient_id);
}

static gboolean is_behind(const OutboxItem *item, const EmailPosition *after)
{
    const OutboxItem place = {
        .recipient_id = after->recipient_id, .class = after->class, .next_at = after->next_at};
    return after->class == 0 || compare_items(item, &place) > 0;
}

void store_load(World *world, guint org)
{
    SimCourier *courier = &world->couriers[org];
    WallMs now = world_wall(world);
    courier->page = g_array_new(FALSE, FALSE, sizeof(OutboxItem));
    courier->page_next_at = 0;
    for (gint64 id = 1; id <= world->n_mails; id++) {
        const Mail *mail = world_mail(world, id);
        if (mail->org != org || mail->next_at == 0 || mail->state == EMAIL_SENDING ||
            (courier->load.only_tests && !mail->item.is_test))
            continue;
        if (mail->next_at > now && mail->item.class >= courier->load.after.class &&
            (courier->page_next_at == 0 || mail->next_at < courier->page_next_at))
            courier->page_next_at = mail->next_at;
        OutboxItem item = mail->item;
        item.mail.attempts = world->broken == BREAK_SCHEDULE ? 0 : item.mail.attempts;
        if (mail->next_at <= now && is_behind(&item, &courier->load.after))
            g_array_append_val(courier->page, item);
    }
    g_array_sort(courier->page, compare_items);
    courier->page_has_more = courier->page->len > courier->load.limit;
    if (courier->page_has_more)
        g_array_set_size(courier->page, courier->load.limit);
}
