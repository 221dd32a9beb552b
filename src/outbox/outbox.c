#include "outbox/outbox.h"

#include "base/limits.h"
#include "outbox/account.h"

/* Clocks that moved this far against each other were set; less is their being adjusted, or read one
 * after the other. */
#define JUMP_MS CLOCK_MINUTE_MS
#define JITTER_MS 10
/* While there is enough to do, the store is read anew at most this often. */
#define ANEW_MS 100
/* A LOAD asks for four times as many mails as may be in flight, within these bounds, and the next
 * one comes when half of them have gone: that keeps the connections busy meanwhile. */
#define LEAST_LOAD 256
#define MOST_LOAD (LIMIT_WORKING_SET / 4)

typedef enum {
    STAGE_READY = 1, /* in the working set */
    STAGE_SENDING,   /* SEND was given, ENDED has not come */
    STAGE_RECORDING, /* RECORD was given, RECORDED has not come */
    STAGE_SETTLED,   /* recorded while a LOAD was under way, which may still show it as before */
} Stage;

typedef struct {
    OutboxItem item;
    Stage stage;
    WallMs began_at;   /* SENDING: by the steady clock */
    WallMs next_at;    /* RECORDING, SETTLED: when it is due again; 0: not */
    gboolean is_other; /* RECORDING, SETTLED: a person gave it another time meanwhile */
} Known;

typedef struct {
    gint64 id;
    Account account;
    WallMs now, steady; /* of the step under way */
    gint64 lead_ms;     /* of the wall clock over the steady one, as last seen */
    GHashTable *known;  /* recipient_id → Known */
    GSequence *ready;   /* Known in the order they go; borrowed from `known` */
    GPtrArray *settled; /* Known; borrowed from `known` */
    guint sending;
    gint64 sending_bytes;
    gboolean loading, loading_anew;
    gboolean bell;          /* something may be due that was not seen */
    gboolean has_more;      /* there was more due behind `position` */
    EmailPosition position; /* everything due up to here was seen, but for what rang the bell */
    gboolean is_lost;       /* `position` is not true any more: the next look must be anew */
    WallMs anew_at;         /* steady: not read anew before, while there is enough to do */
    gboolean only_tests;    /* since the last whole look, some look was for tests alone */
    WallMs next_due; /* when the first mail comes due that was seen to wait; 0: there is none */
} Org;

struct outbox {
    GHashTable *orgs; /* org_id → Org */
    GArray *effects;  /* of OutboxEffect */
};

static void org_free(gpointer data)
{
    Org *org = data;
    account_clear(&org->account);
    g_sequence_free(org->ready);
    g_ptr_array_unref(org->settled);
    g_hash_table_unref(org->known);
    g_free(org);
}

Outbox *outbox_new(void)
{
    Outbox *outbox = g_new0(Outbox, 1);
    outbox->orgs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, org_free);
    outbox->effects = g_array_new(FALSE, TRUE, sizeof(OutboxEffect));
    return outbox;
}

void outbox_free(Outbox *outbox)
{
    if (outbox == NULL)
        return;
    g_hash_table_unref(outbox->orgs);
    g_array_unref(outbox->effects);
    g_free(outbox);
}

static Org *org_get(Outbox *outbox, gint64 org_id)
{
    Org *org = g_hash_table_lookup(outbox->orgs, &org_id);
    if (org != NULL)
        return org;
    org = g_new0(Org, 1);
    org->id = org_id;
    account_init(&org->account);
    org->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    org->settled = g_ptr_array_new();
    org->ready = g_sequence_new(NULL);
    g_hash_table_insert(outbox->orgs, &org->id, org);
    return org;
}

static OutboxEffect *effect(Outbox *outbox, const Org *org, OutboxEffectKind kind)
{
    OutboxEffect fresh = {.kind = kind, .org_id = org->id};
    g_array_append_val(outbox->effects, fresh);
    return &g_array_index(outbox->effects, OutboxEffect, outbox->effects->len - 1);
}

static EmailPosition place_of(const OutboxItem *item)
{
    return (EmailPosition){item->class, item->next_at, item->recipient_id};
}

static int compare_places(const EmailPosition *left, const EmailPosition *right)
{
    if (left->class != right->class)
        return left->class < right->class ? -1 : 1;
    if (left->next_at != right->next_at)
        return left->next_at < right->next_at ? -1 : 1;
    return (left->recipient_id > right->recipient_id) - (left->recipient_id < right->recipient_id);
}

static int compare_urgency(gconstpointer a, gconstpointer b, gpointer unused)
{
    const EmailPosition left = place_of(&((const Known *)a)->item);
    const EmailPosition right = place_of(&((const Known *)b)->item);
    return compare_places(&left, &right);
}

static OutboxEffect *record(Outbox *outbox, Org *org, Known *known, RetryDecision decision)
{
    known->stage = STAGE_RECORDING;
    known->next_at = decision.next_at;
    OutboxEffect *out = effect(outbox, org, OUTBOX_EFFECT_RECORD);
    out->recipient_id = known->item.recipient_id;
    out->decision = decision;
    return out;
}

/* --- Who may go ---------------------------------------------------------------------------------
 */

static guint capacity(const Org *org, gboolean *only_tests)
{
    return account_capacity(&org->account, org->sending, org->steady, only_tests);
}

/* A large mail whose turn has come waits for its room; smaller ones behind it do not overtake. */
static gboolean has_room_for(const Org *org, const Known *known)
{
    return org->sending == 0 || org->sending_bytes + known->item.size_bytes <= LIMIT_FLIGHT_BYTES;
}

/* The first mail that may go, taken from the line; NULL if none, or if there is no room for it. */
static Known *next_ready(Org *org, gboolean only_tests)
{
    GSequenceIter *at = g_sequence_get_begin_iter(org->ready);
    for (; !g_sequence_iter_is_end(at); at = g_sequence_iter_next(at)) {
        Known *known = g_sequence_get(at);
        if (only_tests && !known->item.is_test)
            continue;
        if (!has_room_for(org, known))
            return NULL;
        g_sequence_remove(at);
        return known;
    }
    return NULL;
}

/* What may have arrived is not called expired, which would say that it was not sent. */
static void record_too_late(Outbox *outbox, Org *org, Known *known)
{
    EmailState ended = known->item.mail.was_uncertain ? EMAIL_UNCERTAIN : EMAIL_EXPIRED;
    record(outbox, org, known, (RetryDecision){ended, 0, FALSE})->is_too_late = TRUE;
}

static void send(Outbox *outbox, Org *org, Known *known)
{
    known->stage = STAGE_SENDING;
    known->began_at = org->steady;
    org->sending++;
    org->sending_bytes += known->item.size_bytes;
    effect(outbox, org, OUTBOX_EFFECT_SEND)->recipient_id = known->item.recipient_id;
}

static void send_what_may_go(Outbox *outbox, Org *org)
{
    gboolean only_tests;
    guint places = capacity(org, &only_tests);
    while (org->sending < places) {
        Known *known = next_ready(org, only_tests);
        if (known == NULL)
            return;
        if (retry_is_too_late(&known->item.mail, org->now, org->steady))
            record_too_late(outbox, org, known);
        else
            send(outbox, org, known);
    }
}

static gboolean may_have_come_before(const Org *org)
{
    return org->bell || (org->next_due != 0 && org->next_due <= org->now);
}

/* Asks for the due mails behind `position`. */
static void load(Outbox *outbox, Org *org, guint limit, gboolean only_tests)
{
    org->loading = TRUE;
    org->only_tests = org->only_tests || only_tests;
    OutboxEffect *out = effect(outbox, org, OUTBOX_EFFECT_LOAD);
    out->only_tests = only_tests;
    out->limit = limit;
    out->after = org->position;
}

/* Mail that waits in the store should go before the last that is ready: a look anew brought much
 * that is urgent. */
static gboolean is_out_of_order(const Org *org)
{
    GSequenceIter *end = g_sequence_get_end_iter(org->ready);
    if (g_sequence_is_empty(org->ready))
        return FALSE;
    const Known *last = g_sequence_get(g_sequence_iter_prev(end));
    const EmailPosition place = place_of(&last->item);
    return compare_places(&org->position, &place) < 0;
}

/* How much a LOAD asks for. */
static guint load_limit(guint places)
{
    return CLAMP(4 * places, LEAST_LOAD, MOST_LOAD);
}

static void load_if_short(Outbox *outbox, Org *org)
{
    gboolean only_tests;
    guint places = capacity(org, &only_tests);
    guint known = g_hash_table_size(org->known);
    if (org->loading || places == 0 || known >= LIMIT_WORKING_SET)
        return;
    guint limit = load_limit(places);
    gboolean is_short = (guint)g_sequence_get_length(org->ready) < limit / 2;
    gboolean may_wait = org->has_more || !is_short;
    if (may_have_come_before(org) && (!may_wait || org->steady >= org->anew_at)) {
        org->bell = org->is_lost = FALSE;
        org->loading_anew = TRUE;
        org->anew_at = org->steady + ANEW_MS;
        org->position = EMAIL_POSITION_START;
        /* What is known comes back from the store too until it is recorded: ask past it. */
        load(outbox, org, MIN(known + limit, LIMIT_WORKING_SET), only_tests);
    } else if (org->has_more && (is_short || is_out_of_order(org))) {
        org->loading_anew = FALSE;
        load(outbox, org, MIN(limit, LIMIT_WORKING_SET - known), only_tests);
    }
}

/* What was seen, and what a LOAD under way will show, is not all there is up to its last mail. */
static void lose_place(Org *org)
{
    org->bell = org->is_lost = TRUE;
    org->has_more = FALSE;
}

/* What was passed over while only tests could go was not looked for. */
static void look_again_after_tests(Org *org)
{
    gboolean only_tests;
    capacity(org, &only_tests);
    if (!org->only_tests || only_tests)
        return;
    lose_place(org);
    org->only_tests = FALSE;
}

/* By the steady clock; 0: no mail is known to come due. */
static WallMs comes_due_at(const Org *org)
{
    return org->next_due <= org->now ? 0 : MAX(org->next_due - org->lead_ms, org->steady + 1);
}

static void wake_when_needed(Outbox *outbox, Org *org)
{
    WallMs at = 0;
    gboolean only_tests;
    gboolean may_load = !org->loading && capacity(org, &only_tests) > 0;
    gboolean is_shut = account_waits_for_retry(&org->account, org->steady);
    const WallMs moments[] = {
        is_shut ? 0 : comes_due_at(org),
        may_load && may_have_come_before(org) ? org->anew_at : 0,
        account_changes_at(&org->account, org->sending, org->steady),
    };
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        if (moments[i] > org->steady && (at == 0 || moments[i] < at))
            at = moments[i];
    }
    if (at != 0)
        effect(outbox, org, OUTBOX_EFFECT_WAKE)->at = at;
}

/* --- Events -------------------------------------------------------------------------------------
 */

static void forget_ready(Org *org)
{
    GSequenceIter *at = g_sequence_get_begin_iter(org->ready);
    for (; !g_sequence_iter_is_end(at); at = g_sequence_iter_next(at)) {
        const Known *known = g_sequence_get(at);
        g_hash_table_remove(org->known, &known->item.recipient_id);
    }
    g_sequence_remove_range(
        g_sequence_get_begin_iter(org->ready), g_sequence_get_end_iter(org->ready));
    lose_place(org); /* a LOAD under the new gate brings back what may go */
}

static void take_news(Outbox *outbox, Org *org, AccountNews news)
{
    if (news.closes)
        forget_ready(org);
    if (news.opens)
        org->bell = TRUE;
    if (news.is_news)
        effect(outbox, org, OUTBOX_EFFECT_HEALTH)->health = org->account.health;
}

static void due_at(Org *org, WallMs at)
{
    if (at != 0 && (org->next_due == 0 || at < org->next_due))
        org->next_due = at;
}

/* The store has given what is ready another time. It stands there from now on: where it is
 * forgotten is where it is looked for again. */
static void stand_anew(Org *org, Known *known, const OutboxItem *item)
{
    GSequenceIter *at = g_sequence_lookup(org->ready, known, compare_urgency, NULL);
    known->item = *item;
    g_sequence_sort_changed(at, compare_urgency, NULL);
}

/* What is being recorded comes back with its old time or the one to be recorded. Any other is a
 * person's doing, whose bell may be the one that this LOAD answers. */
static void see_again(Org *org, Known *known, const OutboxItem *item)
{
    gboolean is_recorded = known->stage == STAGE_RECORDING || known->stage == STAGE_SETTLED;
    if (is_recorded && item->next_at != known->next_at && item->next_at != known->item.next_at)
        known->is_other = TRUE;
    if (known->stage == STAGE_READY && item->next_at != known->item.next_at)
        stand_anew(org, known, item);
}

/* FALSE if there is no room for it. */
static gboolean get_to_know(Org *org, const OutboxItem *item)
{
    Known *again = g_hash_table_lookup(org->known, &item->recipient_id);
    if (again != NULL) {
        see_again(org, again, item);
        return TRUE;
    }
    if (g_hash_table_size(org->known) >= LIMIT_WORKING_SET)
        return FALSE;
    Known *known = g_new0(Known, 1);
    known->item = *item;
    known->stage = STAGE_READY;
    g_hash_table_insert(org->known, &known->item.recipient_id, known);
    g_sequence_insert_sorted(org->ready, known, compare_urgency, NULL);
    return TRUE;
}

/* It is recorded: the store alone knows from now on when it goes again. */
static void forget_recorded(Org *org, const Known *known)
{
    due_at(org, known->next_at);
    org->bell = org->bell || known->is_other;
    g_hash_table_remove(org->known, &known->item.recipient_id);
}

/* What was recorded after this LOAD had read may be due before all that it saw. */
static void forget_settled(Org *org)
{
    for (guint i = 0; i < org->settled->len; i++)
        forget_recorded(org, org->settled->pdata[i]);
    g_ptr_array_set_size(org->settled, 0);
}

/* Reading anew while much is ready must not fill the working set with what goes last. */
static void forget_least_urgent(Org *org, guint most_ready)
{
    EmailPosition first_forgotten = EMAIL_POSITION_START;
    while ((guint)g_sequence_get_length(org->ready) > most_ready) {
        GSequenceIter *last = g_sequence_iter_prev(g_sequence_get_end_iter(org->ready));
        const Known *known = g_sequence_get(last);
        first_forgotten = place_of(&known->item);
        g_sequence_remove(last);
        g_hash_table_remove(org->known, &first_forgotten.recipient_id);
    }
    if (first_forgotten.class == 0)
        return;
    org->has_more = !org->is_lost;
    first_forgotten.recipient_id--; /* it is the next to be seen */
    if (compare_places(&first_forgotten, &org->position) < 0)
        org->position = first_forgotten;
}

static void on_loaded(Org *org, const OutboxEvent *event)
{
    org->loading = FALSE;
    if (org->loading_anew)
        org->next_due = 0; /* all that waits was looked at again */
    due_at(org, event->next_at);
    guint n = 0;
    while (n < event->n_items && get_to_know(org, &event->items[n]))
        n++;
    org->has_more = !org->is_lost && (event->has_more || n < event->n_items);
    if (n > 0)
        org->position = place_of(&event->items[n - 1]);
    forget_least_urgent(org, 2 * load_limit(account_places(&org->account)));
    forget_settled(org);
}

static void on_ended(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    Known *known = g_hash_table_lookup(org->known, &event->recipient_id);
    g_assert(known != NULL && known->stage == STAGE_SENDING);
    org->sending--;
    org->sending_bytes -= known->item.size_bytes;
    take_news(outbox, org, account_on_ended(&org->account, event, known->began_at));
    RetryDecision decision = retry_decide(
        &known->item.mail, event->end, event->fate, event->wait_s, event->now, event->random);
    if (decision.state == RETRY_NOTHING) /* nothing to write: forgotten at once */
        g_hash_table_remove(org->known, &event->recipient_id);
    else
        record(outbox, org, known, decision)->asked = account_was_asked(event);
}

static void on_recorded(Org *org, const OutboxEvent *event)
{
    Known *known = g_hash_table_lookup(org->known, &event->recipient_id);
    if (known == NULL)
        return;
    if (org->loading) {
        known->stage = STAGE_SETTLED;
        g_ptr_array_add(org->settled, known);
        return;
    }
    forget_recorded(org, known);
}

/* The times in the store are compared with another clock from now on: what waited may be due. */
static void take_time(Org *org, const OutboxEvent *event)
{
    gint64 lead_ms = event->now - event->steady;
    org->now = event->now;
    org->steady = event->steady;
    gint64 moved_ms = ABS(lead_ms - org->lead_ms);
    if (moved_ms > JITTER_MS)
        org->lead_ms = lead_ms;
    if (moved_ms >= JUMP_MS)
        org->bell = TRUE;
}

const OutboxEffect *outbox_step(Outbox *outbox, const OutboxEvent *event, guint *n_effects)
{
    Org *org = org_get(outbox, event->org_id);
    g_array_set_size(outbox->effects, 0);
    take_time(org, event);
    switch (event->kind) {
    case OUTBOX_EVENT_GATE:
        take_news(outbox, org, account_on_gate(&org->account, event));
        break;
    case OUTBOX_EVENT_BELL:
        org->bell = TRUE;
        break;
    case OUTBOX_EVENT_LOADED:
        on_loaded(org, event);
        break;
    case OUTBOX_EVENT_ENDED:
        on_ended(outbox, org, event);
        break;
    case OUTBOX_EVENT_RECORDED:
        on_recorded(org, event);
        break;
    case OUTBOX_EVENT_LOGIN_REFUSED:
        take_news(outbox, org, account_on_login_refused(&org->account, event));
        break;
    case OUTBOX_EVENT_TICK:
        break;
    }
    look_again_after_tests(org);
    send_what_may_go(outbox, org);
    load_if_short(outbox, org);
    wake_when_needed(outbox, org);
    *n_effects = outbox->effects->len;
    return (const OutboxEffect *)(gconstpointer)outbox->effects->data;
}

guint outbox_known(const Outbox *outbox, gint64 org_id)
{
    const Org *org = g_hash_table_lookup(outbox->orgs, &org_id);
    return org == NULL ? 0 : g_hash_table_size(org->known) - org->settled->len;
}

guint outbox_sending(const Outbox *outbox, gint64 org_id)
{
    const Org *org = g_hash_table_lookup(outbox->orgs, &org_id);
    return org == NULL ? 0 : org->sending;
}
