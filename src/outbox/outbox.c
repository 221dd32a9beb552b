#include "outbox/outbox.h"

#include "base/limits.h"

/* No more mails are out at once, however wide the window: the rest of the working set waits for its
 * turn or is being recorded. */
#define MOST_OUT (LIMIT_WORKING_SET / 2)
#define MOST_READ_AHEAD 1024
/* While there is enough to do, the store is read anew at most this often. */
#define ANEW_MS 100
/* A LOAD asks for as many mails as can be out four times over, within these bounds, and the next
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
    WallMs next_at; /* RECORDING, SETTLED: when it is due again; 0: not */
} Known;

typedef struct {
    gint64 id;
    EmailGate gate; /* open, not_configured or paused */
    gboolean
        is_refused; /* the login is refused; beside the gate, because a pause must survive it */
    gint64 config_version;
    guint connections, window;
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
    WallMs anew_at;         /* not read anew before, while there is enough to do */
    gboolean only_tests;    /* for whom the last look at the store was */
    WallMs next_due; /* when the first mail comes due that was seen to wait; 0: there is none */
    guint breaks;    /* sessions that did not come about, in a row */
    WallMs blocked_until;       /* no attempt before; 0: none */
    WallMs credential_retry_at; /* the one automatic try after a refused login; 0: used up */
    OutboxHealth health;
} Org;

struct outbox {
    GHashTable *orgs; /* org_id → Org */
    GArray *effects;  /* of OutboxEffect */
};

static void org_free(gpointer data)
{
    Org *org = data;
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
    org->gate = EMAIL_GATE_NOT_CONFIGURED;
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

static void set_health(Outbox *outbox, Org *org, OutboxHealth health)
{
    if (org->health == health)
        return;
    org->health = health;
    effect(outbox, org, OUTBOX_EFFECT_HEALTH)->health = health;
}

static void record(Outbox *outbox, Org *org, Known *known, RetryDecision decision)
{
    known->stage = STAGE_RECORDING;
    known->next_at = decision.next_at;
    OutboxEffect *out = effect(outbox, org, OUTBOX_EFFECT_RECORD);
    out->recipient_id = known->item.recipient_id;
    out->decision = decision;
}

/* --- Who may go ---------------------------------------------------------------------------------
 */

/* The time of the one automatic try after a refused login. */
static gboolean retry_has_come(const Org *org, WallMs now)
{
    return org->credential_retry_at != 0 && now >= org->credential_retry_at;
}

/* As many as the connections can have unanswered, and the same again to be read meanwhile. */
static guint places_when_all_is_well(const Org *org)
{
    guint unanswered = org->connections * org->window;
    guint ahead = CLAMP(unanswered, 2 * org->connections, MOST_READ_AHEAD);
    return MIN(unanswered + ahead, MOST_OUT);
}

/* How many attempts may run at once, and whether only mail that a person started may go. */
static guint capacity(const Org *org, WallMs now, gboolean *only_tests)
{
    *only_tests = org->gate == EMAIL_GATE_PAUSED;
    if (org->gate != EMAIL_GATE_OPEN && org->gate != EMAIL_GATE_PAUSED)
        return 0;
    if (org->is_refused) /* one mail tries whether the login works again, then no more */
        return org->gate == EMAIL_GATE_OPEN && retry_has_come(org, now) && now >= org->blocked_until
                   ? 1
                   : 0;
    if (now < org->blocked_until) { /* a person may still look whether it is over */
        *only_tests = TRUE;
        return 1;
    }
    return org->breaks > 0 ? 1 : places_when_all_is_well(org); /* after a break one looks first */
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

static void send_what_may_go(Outbox *outbox, Org *org, WallMs now)
{
    gboolean only_tests;
    guint free_places = capacity(org, now, &only_tests);
    while (org->sending < free_places) {
        Known *known = next_ready(org, only_tests);
        if (known == NULL)
            return;
        if (now >= known->item.mail.deadline_at) {
            /* What may have arrived is not called expired, which would say that it was not sent. */
            EmailState ended = known->item.mail.was_uncertain ? EMAIL_UNCERTAIN : EMAIL_EXPIRED;
            record(outbox, org, known, (RetryDecision){ended, 0, FALSE});
            continue;
        }
        known->stage = STAGE_SENDING;
        org->sending++;
        org->sending_bytes += known->item.size_bytes;
        effect(outbox, org, OUTBOX_EFFECT_SEND)->recipient_id = known->item.recipient_id;
    }
}

static gboolean may_have_come_before(const Org *org, WallMs now)
{
    return org->bell || (org->next_due != 0 && org->next_due <= now);
}

/* A time further ahead than it was ever set is a clock that was put back. */
static gboolean may_look_anew(const Org *org, WallMs now)
{
    return now >= org->anew_at || org->anew_at > now + ANEW_MS;
}

/* Asks for the due mails behind `position`. */
static void load(Outbox *outbox, Org *org, guint limit, gboolean only_tests)
{
    org->loading = TRUE;
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

static void load_if_short(Outbox *outbox, Org *org, WallMs now)
{
    gboolean only_tests;
    guint places = capacity(org, now, &only_tests);
    guint known = g_hash_table_size(org->known);
    if (org->loading || places == 0 || known >= LIMIT_WORKING_SET)
        return;
    guint limit = load_limit(places);
    gboolean is_short = (guint)g_sequence_get_length(org->ready) < limit / 2;
    gboolean may_wait = org->has_more || !is_short;
    if (may_have_come_before(org, now) && (!may_wait || may_look_anew(org, now))) {
        org->bell = org->is_lost = FALSE;
        org->loading_anew = TRUE;
        org->anew_at = now + ANEW_MS;
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
static void look_again_after_tests(Org *org, WallMs now)
{
    gboolean only_tests;
    capacity(org, now, &only_tests);
    if (org->only_tests && !only_tests)
        lose_place(org);
    org->only_tests = only_tests;
}

static void wake_when_needed(Outbox *outbox, Org *org, WallMs now)
{
    WallMs at = 0;
    gboolean only_tests;
    gboolean may_load = !org->loading && capacity(org, now, &only_tests) > 0;
    gboolean waits_for_retry = org->is_refused && !retry_has_come(org, now);
    const WallMs moments[] = {
        waits_for_retry ? org->credential_retry_at : org->next_due,
        may_load && may_have_come_before(org, now) ? org->anew_at : 0,
        org->blocked_until,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        if (moments[i] > now && (at == 0 || moments[i] < at))
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

/* What the traffic under these settings has said is newer than what the store knows of it. */
static gboolean now_refused(Org *org, const OutboxEvent *event)
{
    if (event->config_version == org->config_version && org->health != OUTBOX_HEALTH_UNKNOWN)
        return org->is_refused;
    if (event->is_refused) /* after a restart; the one automatic try may still be ahead */
        org->credential_retry_at = event->refused_at + LIMIT_CREDENTIAL_RETRY_MS > event->now
                                       ? event->refused_at + LIMIT_CREDENTIAL_RETRY_MS
                                       : 0;
    return event->is_refused;
}

static void on_gate(Org *org, const OutboxEvent *event)
{
    if (event->config_version !=
        org->config_version) { /* other settings: what broke says nothing */
        org->breaks = 0;
        org->blocked_until = 0;
        org->credential_retry_at = 0;
        org->health = OUTBOX_HEALTH_UNKNOWN;
    }
    org->is_refused = now_refused(org, event);
    if (event->gate != org->gate)
        forget_ready(org);
    org->gate = event->gate;
    org->config_version = event->config_version;
    org->connections = CLAMP(event->connections, 1, LIMIT_CONNECTIONS);
    org->window = CLAMP(event->window, 1, LIMIT_WINDOW);
    org->bell = TRUE;
}

static void due_at(Org *org, WallMs at)
{
    if (at != 0 && (org->next_due == 0 || at < org->next_due))
        org->next_due = at;
}

/* FALSE if there is no room for it. */
static gboolean get_to_know(Org *org, const OutboxItem *item)
{
    if (g_hash_table_contains(org->known, &item->recipient_id))
        return TRUE;
    if (g_hash_table_size(org->known) >= LIMIT_WORKING_SET)
        return FALSE;
    Known *known = g_new0(Known, 1);
    known->item = *item;
    known->stage = STAGE_READY;
    g_hash_table_insert(org->known, &known->item.recipient_id, known);
    g_sequence_insert_sorted(org->ready, known, compare_urgency, NULL);
    return TRUE;
}

/* What was recorded after this LOAD had read may be due before all that it saw. */
static void forget_settled(Org *org)
{
    for (guint i = 0; i < org->settled->len; i++) {
        const Known *known = org->settled->pdata[i];
        due_at(org, known->next_at);
        g_hash_table_remove(org->known, &known->item.recipient_id);
    }
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
    forget_least_urgent(org, 2 * load_limit(places_when_all_is_well(org)));
    forget_settled(org);
}

/* FALSE if a session from before the refusal speaks: it says nothing about the login. */
static gboolean login_works(Org *org, WallMs now)
{
    if (!org->is_refused)
        return TRUE;
    if (!retry_has_come(org, now))
        return FALSE;
    org->is_refused = FALSE; /* the automatic try got through */
    org->bell = TRUE;
    return TRUE;
}

static void on_works(Outbox *outbox, Org *org, WallMs now)
{
    if (!login_works(org, now))
        return;
    org->breaks = 0;
    org->blocked_until = 0;
    set_health(outbox, org, OUTBOX_HEALTH_OK);
}

/* The account is held (a full quota, a sender not allowed): the other mails would hear the same. */
static void on_held(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    if (!login_works(org, event->now))
        return;
    set_health(outbox, org, OUTBOX_HEALTH_DEGRADED);
    if (!event->blocks_account)
        return;
    gint64 wait_ms = MAX(event->wait_s * CLOCK_SECOND_MS, LIMIT_HOLD_MS);
    org->breaks = MAX(org->breaks, 1);
    org->blocked_until = MAX(org->blocked_until, event->now + wait_ms);
}

static void on_break(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    if (event->now >= org->blocked_until) { /* connections that break together are one break */
        org->breaks++;
        org->blocked_until = event->now + retry_delay_ms(org->breaks, event->random);
    }
    if (!org->is_refused) /* which is the greater trouble, and must survive a restart */
        set_health(outbox, org, OUTBOX_HEALTH_UNREACHABLE);
}

static void on_login_refused(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    /* Attempts that were under way when the first was refused are the same refusal. */
    if (!org->is_refused)
        org->credential_retry_at = event->now + LIMIT_CREDENTIAL_RETRY_MS;
    else if (org->credential_retry_at != 0 && event->now >= org->credential_retry_at)
        org->credential_retry_at = 0;
    org->is_refused = TRUE;
    forget_ready(org);
    org->bell = TRUE;
    set_health(outbox, org, OUTBOX_HEALTH_CREDENTIAL_FAULT);
}

/* What is said about other settings than the current ones counts for the mail alone. */
static void note_session(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    if (event->config_version != org->config_version)
        return;
    switch (event->end) {
    case ATTEMPT_ACCEPTED:
        on_works(outbox, org, event->now);
        break;
    case ATTEMPT_REFUSED: /* a mailbox that does not exist says nothing against the account */
        if (event->fate == DIAGNOSIS_FATE_HOLD)
            on_held(outbox, org, event);
        else
            on_works(outbox, org, event->now);
        break;
    case ATTEMPT_UNSENT:
    case ATTEMPT_UNCERTAIN:
        on_break(outbox, org, event);
        break;
    case ATTEMPT_LOGIN_REFUSED:
        on_login_refused(outbox, org, event);
        break;
    case ATTEMPT_WITHDRAWN:
    case ATTEMPT_RETURNED:
        break; /* says nothing about the account */
    }
}

static void on_ended(Outbox *outbox, Org *org, const OutboxEvent *event)
{
    Known *known = g_hash_table_lookup(org->known, &event->recipient_id);
    g_assert(known != NULL && known->stage == STAGE_SENDING);
    org->sending--;
    org->sending_bytes -= known->item.size_bytes;
    if (event->end == ATTEMPT_WITHDRAWN || event->end == ATTEMPT_RETURNED)
        org->bell = TRUE; /* it may still wait in the store */
    else if (!event->is_local)
        note_session(outbox, org, event);
    RetryDecision decision = retry_decide(
        &known->item.mail, event->end, event->fate, event->wait_s, event->now, event->random);
    if (decision.state == RETRY_NOTHING) /* nothing to write: forgotten at once */
        g_hash_table_remove(org->known, &event->recipient_id);
    else
        record(outbox, org, known, decision);
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
    due_at(org, known->next_at);
    g_hash_table_remove(org->known, &event->recipient_id);
}

const OutboxEffect *outbox_step(Outbox *outbox, const OutboxEvent *event, guint *n_effects)
{
    Org *org = org_get(outbox, event->org_id);
    g_array_set_size(outbox->effects, 0);
    switch (event->kind) {
    case OUTBOX_EVENT_GATE:
        on_gate(org, event);
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
    case OUTBOX_EVENT_TICK:
        break;
    }
    look_again_after_tests(org, event->now);
    send_what_may_go(outbox, org, event->now);
    load_if_short(outbox, org, event->now);
    wake_when_needed(outbox, org, event->now);
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
