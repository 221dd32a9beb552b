#include "notify/notify.h"

#include "base/limits.h"
#include "notify/post.h"
#include "notify/verdict.h"

#define LOOK_MS CLOCK_MINUTE_MS /* longest wait while something is due later: clocks get set */
#define HOUR_MS CLOCK_HOUR_MS   /* between two rounds of tidying */

/* What is known of a webhook while it is busy or left alone. */
typedef struct {
    gint64 row; /* the key */
    Id id;
    gboolean is_busy, is_touched; /* touched: somebody did something with it since it is busy */
    guint n_outages;              /* in a row */
    MonoMs rests_until;           /* 0: does not */
} Receiver;

struct notify {
    NotifyParts parts;
    GThread *thread;
    GThreadPool *senders; /* of Errand */

    GMutex lock; /* guards the rest */
    GCond rang;
    gboolean is_rung, is_stopping;
    GHashTable *receivers; /* row → Receiver */
};

static void ring(Notify *notify)
{
    notify->is_rung = TRUE;
    g_cond_signal(&notify->rang);
}

static gboolean is_stopping(Notify *notify)
{
    g_mutex_lock(&notify->lock);
    gboolean stops = notify->is_stopping;
    g_mutex_unlock(&notify->lock);
    return stops;
}

/* --- One errand: some events to one receiver, on a sender's thread -----------------------------
 */

typedef struct {
    Webhook *webhook;
    GPtrArray *due; /* of WebhookDelivery */
    WebhookResult *results;
    guint n_results;
    gboolean is_gone, is_outage;
} Errand;

static void errand_free(Errand *errand)
{
    webhook_free(errand->webhook);
    g_ptr_array_unref(errand->due);
    g_free(errand->results);
    g_free(errand);
}

/* FALSE: no more of them now. */
static gboolean tell(Notify *notify, Errand *errand, const Secret *secret, const GError *unopened)
{
    const WebhookDelivery *delivery = errand->due->pdata[errand->n_results];
    g_autoptr(GError) error = unopened ? g_error_copy(unopened) : NULL;
    NetHttpsFault fault = {NULL};
    int status = 0;
    WallMs now = clock_wall_ms();
    if (secret)
        notify_post(
            &notify->parts, errand->webhook, secret, delivery, now, &status, &fault, &error);
    if (error && is_stopping(notify))
        return FALSE; /* we ended it: nobody failed */
    NotifyVerdict verdict =
        notify_verdict(delivery, status, error, fault.sys, clock_wall_ms(), g_random_int());
    errand->results[errand->n_results++] = verdict.result;
    errand->is_gone = verdict.is_gone;
    errand->is_outage = verdict.is_outage;
    return !verdict.is_gone && !verdict.is_outage && !is_stopping(notify);
}

static gboolean record_job(Db *db, gpointer data, GError **error)
{
    const Errand *errand = data;
    return webhook_record(db, errand->webhook->row, errand->results, errand->n_results,
        errand->is_gone, clock_wall_ms(), error);
}

/* With the lock held. */
static void come_back(Notify *notify, const Errand *errand)
{
    Receiver *receiver = g_hash_table_lookup(notify->receivers, &errand->webhook->row);
    receiver->is_busy = FALSE;
    receiver->n_outages = errand->is_outage ? receiver->n_outages + 1 : 0;
    gboolean rests = errand->is_outage && !receiver->is_touched;
    receiver->is_touched = FALSE;
    receiver->rests_until =
        rests ? clock_mono_ms() + notify_rest_ms(receiver->n_outages, g_random_int()) : 0;
    ring(notify);
}

static void run_errand(gpointer data, gpointer user)
{
    Errand *errand = data;
    Notify *notify = user;
    g_autoptr(GError) unopened = NULL;
    g_autoptr(GError) unwritten = NULL;
    g_autoptr(Secret) secret = webhook_secret_open(notify->parts.vault, errand->webhook, &unopened);
    errand->results = g_new0(WebhookResult, errand->due->len);
    while (errand->n_results < errand->due->len && tell(notify, errand, secret, unopened))
        ;
    if (!store_run(notify->parts.store, record_job, errand, &unwritten)) {
        char id[ID_TEXT_SIZE];
        g_warning("what webhook %s was told could not be written, it will be told again: %s",
            id_format(&errand->webhook->id, "whk", id), unwritten->message);
        errand->is_outage = TRUE; /* or it would be told again at once, and again */
    }
    g_mutex_lock(&notify->lock);
    come_back(notify, errand);
    g_mutex_unlock(&notify->lock);
    errand_free(errand);
}

/* --- The look: who is to be told something -----------------------------------------------------
 */

/* With the lock held. */
static Receiver *receiver_of(Notify *notify, const Webhook *webhook)
{
    Receiver *receiver = g_hash_table_lookup(notify->receivers, &webhook->row);
    if (receiver)
        return receiver;
    receiver = g_new0(Receiver, 1);
    receiver->row = webhook->row;
    receiver->id = webhook->id;
    g_hash_table_insert(notify->receivers, &receiver->row, receiver);
    return receiver;
}

/* Makes it busy if it may be told something now; else *wake_at is when it may, at the latest. */
static gboolean may_begin(Notify *notify, const Webhook *webhook, guint *most, MonoMs *wake_at)
{
    MonoMs now = clock_mono_ms();
    g_mutex_lock(&notify->lock);
    Receiver *receiver = receiver_of(notify, webhook);
    MonoMs at = MAX(now + webhook->next_at - clock_wall_ms(), receiver->rests_until);
    gboolean may = !receiver->is_busy && at <= now;
    if (may)
        receiver->is_busy = TRUE;
    else if (!receiver->is_busy) /* its coming back rings */
        *wake_at = MIN(*wake_at, at);
    *most = receiver->n_outages > 0 ? 1 : LIMIT_WEBHOOK_GROUP;
    g_mutex_unlock(&notify->lock);
    return may;
}

/* Takes the webhook. */
static void begin(Notify *notify, Db *db, Webhook *webhook, guint most)
{
    g_autoptr(GError) error = NULL;
    Errand *errand = g_new0(Errand, 1);
    errand->webhook = webhook;
    errand->due = webhook_due(db, webhook->row, clock_wall_ms(), most, &error);
    if (!errand->due) {
        g_warning("what is due for webhooks cannot be read: %s", error->message);
        errand->due = g_ptr_array_new();
        errand->is_outage = TRUE;
    }
    g_thread_pool_push(notify->senders, errand, NULL);
}

/* What is left of receivers that have nothing waiting any more. */
static gboolean is_done_with(gpointer key, gpointer value, gpointer waiting)
{
    const Receiver *receiver = value;
    const GPtrArray *webhooks = waiting;
    for (guint i = 0; i < webhooks->len; i++)
        if (((const Webhook *)webhooks->pdata[i])->row == receiver->row)
            return FALSE;
    return !receiver->is_busy && receiver->rests_until <= clock_mono_ms();
}

/* Returns when to look again. */
static MonoMs look(Notify *notify)
{
    g_autoptr(GError) error = NULL;
    MonoMs now = clock_mono_ms(), wake_at = now + LOOK_MS;
    Db *db = store_reader_take(notify->parts.store);
    g_autoptr(GPtrArray) waiting = webhooks_waiting(db, &error);
    if (waiting) {
        g_mutex_lock(&notify->lock);
        g_hash_table_foreach_remove(notify->receivers, is_done_with, waiting);
        g_mutex_unlock(&notify->lock);
        wake_at = waiting->len == 0 ? now + HOUR_MS : wake_at;
        while (waiting->len > 0) {
            Webhook *webhook = g_ptr_array_steal_index_fast(waiting, waiting->len - 1);
            guint most;
            if (may_begin(notify, webhook, &most, &wake_at))
                begin(notify, db, webhook, most);
            else
                webhook_free(webhook);
        }
    } else {
        g_warning("what waits for webhooks cannot be read: %s", error->message);
    }
    store_reader_give(notify->parts.store, db);
    return wake_at;
}

/* --- What is over ------------------------------------------------------------------------------
 */

static gboolean tidy_job(Db *db, gpointer more, GError **error)
{
    /* The earlier of the clocks, so that one that jumps ahead makes nothing old. */
    WallMs now = MIN(clock_wall_ms(), clock_steady_ms());
    return webhooks_tidy(db, now, LIMIT_WEBHOOK_TIDY_ROWS, more, error);
}

static void tidy(Notify *notify)
{
    gboolean more = TRUE;
    g_autoptr(GError) error = NULL;
    while (more && !error && !is_stopping(notify))
        store_run(notify->parts.store, tidy_job, &more, &error);
    if (error)
        g_warning("old events of webhooks could not be removed, later again: %s", error->message);
}

/* --- Life --------------------------------------------------------------------------------------
 */

static gpointer run(gpointer user)
{
    Notify *notify = user;
    MonoMs round_at = clock_mono_ms();
    while (!is_stopping(notify)) {
        if (clock_mono_ms() >= round_at) {
            tidy(notify);
            round_at = clock_mono_ms() + HOUR_MS;
        }
        MonoMs wake_at = MIN(look(notify), round_at);
        g_mutex_lock(&notify->lock);
        gint64 until_us = g_get_monotonic_time() + MAX(wake_at - clock_mono_ms(), 0) * 1000;
        gboolean goes_on = TRUE;
        while (!notify->is_rung && !notify->is_stopping && goes_on)
            goes_on = g_cond_wait_until(&notify->rang, &notify->lock, until_us);
        notify->is_rung = FALSE;
        g_mutex_unlock(&notify->lock);
    }
    return NULL;
}

/* Somebody did something with this webhook: it is not left alone any longer. */
static void wake_receiver(Notify *notify, const Id *id)
{
    GHashTableIter all;
    gpointer value;
    g_hash_table_iter_init(&all, notify->receivers);
    while (g_hash_table_iter_next(&all, NULL, &value)) {
        Receiver *receiver = value;
        if (!id_equal(&receiver->id, id))
            continue;
        receiver->rests_until = 0;
        receiver->is_touched = receiver->is_busy;
    }
}

static void on_change(const StoreChange *changes, guint n_changes, gpointer user)
{
    Notify *notify = user;
    g_mutex_lock(&notify->lock);
    for (guint i = 0; i < n_changes; i++) {
        if (changes[i].kind != STORE_CHANGED_WEBHOOKS)
            continue;
        wake_receiver(notify, &changes[i].id);
        ring(notify);
    }
    g_mutex_unlock(&notify->lock);
}

Notify *notify_new(const NotifyParts *parts)
{
    Notify *notify = g_new0(Notify, 1);
    notify->parts = *parts;
    g_mutex_init(&notify->lock);
    g_cond_init(&notify->rang);
    notify->receivers = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    notify->senders = g_thread_pool_new(run_errand, notify, LIMIT_WEBHOOK_SENDERS, FALSE, NULL);
    store_add_listener(parts->store, on_change, notify);
    notify->thread = g_thread_new("webhooks", run, notify);
    return notify;
}

void notify_stop(Notify *notify)
{
    if (!notify->thread)
        return;
    store_remove_listener(notify->parts.store, on_change, notify);
    g_mutex_lock(&notify->lock);
    notify->is_stopping = TRUE;
    ring(notify);
    g_mutex_unlock(&notify->lock);
    net_dns_stop(notify->parts.dns);
    g_thread_join(g_steal_pointer(&notify->thread));
    g_thread_pool_free(g_steal_pointer(&notify->senders), FALSE, TRUE);
}

void notify_free(Notify *notify)
{
    if (!notify)
        return;
    notify_stop(notify);
    g_hash_table_unref(notify->receivers);
    g_mutex_clear(&notify->lock);
    g_cond_clear(&notify->rang);
    g_free(notify);
}
