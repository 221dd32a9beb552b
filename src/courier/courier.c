#include "courier/courier.h"

#include "base/crash_point.h"
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "courier/hourly.h"
#include "courier/sender_mx.h"
#include "store/activity.h"
#include "store/oauth_tokens.h"
#include "store/organisations.h"
#include "store/quota.h"

#define HOUSEKEEPING_MS (15 * CLOCK_SECOND_MS) /* also how late a pause may end */
#define EXPIRE_AT_ONCE 1000
#define RECOVER_AGAIN_MS CLOCK_SECOND_MS

/* --- What the store announces -------------------------------------------------------------------
 */

typedef struct {
    Courier *courier;
    gint64 org_id;
    gboolean state, bell;
} Heard;

static gboolean heard_on_loop(gpointer user)
{
    const Heard *heard = user;
    if (heard->courier->is_stopping)
        return G_SOURCE_REMOVE;
    CourierOrg *org = courier_org(heard->courier, heard->org_id);
    if (heard->state || org->state == NULL)
        courier_org_read_state(org);
    if (heard->bell && org->state != NULL)
        courier_outbox_event(
            heard->courier, (OutboxEvent){.kind = OUTBOX_EVENT_BELL, .org_id = org->id});
    return G_SOURCE_REMOVE;
}

static void on_store_changed(const StoreChange *changes, guint n, gpointer user)
{
    for (guint i = 0; i < n; i++) {
        gboolean state = changes[i].kind == STORE_CHANGED_SETTINGS ||
                         changes[i].kind == STORE_CHANGED_SENDING ||
                         changes[i].kind == STORE_CHANGED_HEALTH;
        gboolean bell = changes[i].kind == STORE_CHANGED_QUEUE;
        if (!state && !bell)
            continue;
        Heard *heard = g_new0(Heard, 1);
        *heard = (Heard){user, changes[i].org_id, state, bell};
        courier_call(user, heard_on_loop, heard, g_free);
    }
}

/* --- Housekeeping -------------------------------------------------------------------------------
 */

/* A mail's lifetime is over when both clocks say so; one that expires earlier is not sent anyway.
 */
static gboolean housekeeping_job(Db *db, gpointer data, GError **error)
{
    gint64 expired = 0;
    WallMs now = clock_wall_ms();
    WallMs steady = clock_steady_ms();
    return courier_heed_clock(db, data, now, steady, error) &&
           emails_expire(db, MIN(now, steady), EXPIRE_AT_ONCE, &expired, error) &&
           smtp_drafts_expire(db, MIN(now, steady), error) && smtp_pauses_end(db, now, error) &&
           oauth_tokens_tidy(db, MIN(now, steady), error) && quota_sent_tidy(db, now, error) &&
           activity_tidy(db, now, error);
}

static void housekeeping_written(Courier *courier, gpointer data, const GError *error)
{
    CRASH_POINT("housekeeping_committed");
    g_autofree CourierClock *clock = data;
    if (error != NULL)
        g_warning("housekeeping failed: %s", error->message);
    else
        courier->clock = *clock;
}

typedef struct {
    gint64 n;     /* mails that were being sent */
    GArray *orgs; /* of gint64: all there are */
} Recovery;

static void recovery_free(gpointer data)
{
    Recovery *recovery = data;
    g_clear_pointer(&recovery->orgs, g_array_unref);
    g_free(recovery);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recovery, recovery_free)

static gboolean recover_job(Db *db, gpointer data, GError **error)
{
    Recovery *recovery = data;
    WallMs now = clock_wall_ms();
    g_clear_pointer(&recovery->orgs, g_array_unref);
    recovery->orgs = organisations_all(db, error);
    return recovery->orgs != NULL && emails_recover(db, now, &recovery->n, error) &&
           verifications_recover(db, now, error);
}

static void recovered(Courier *courier, gpointer data, const GError *error);

static gboolean recover_again(gpointer user)
{
    Courier *courier = user;
    if (g_hash_table_size(courier->runs) > 0 && !courier->is_stopping)
        return G_SOURCE_CONTINUE; /* a verification that runs must not be called interrupted */
    courier->pending--;
    if (!courier->is_stopping)
        courier_write(courier, recover_job, recovered, g_new0(Recovery, 1));
    return G_SOURCE_REMOVE;
}

static void recover_again_later(Courier *courier)
{
    g_autoptr(GSource) later = g_timeout_source_new(RECOVER_AGAIN_MS);
    courier->pending++; /* stopping waits for it */
    g_source_set_callback(later, recover_again, courier, NULL);
    g_source_attach(later, courier->parts.context);
}

/* Until this has gone well nothing is sent: what the last run was sending would stay so for ever.
 */
static void recovered(Courier *courier, gpointer data, const GError *error)
{
    g_autoptr(Recovery) recovery = data;
    if (error != NULL) {
        recover_again_later(courier);
        g_warning("mails that were being sent could not be looked at, and nothing is sent until "
                  "they are: %s",
            error->message);
        return;
    }
    CRASH_POINT("recovery_committed");
    if (recovery->n > 0)
        g_message("%" G_GINT64_FORMAT " mails were being sent when the last run ended: uncertain",
            recovery->n);
    courier->is_recovered = TRUE;
    for (guint i = 0; i < recovery->orgs->len; i++)
        courier_org_read_state(courier_org(courier, g_array_index(recovery->orgs, gint64, i)));
}

static gboolean on_housekeeping(gpointer user)
{
    CRASH_POINT("housekeeping_begun");
    Courier *courier = user;
    CourierClock *clock = g_memdup2(&courier->clock, sizeof courier->clock);
    clock->jumps = courier->jumps;
    courier_write(courier, housekeeping_job, housekeeping_written, clock);
    return G_SOURCE_CONTINUE;
}

/* --- Life ---------------------------------------------------------------------------------------
 */

Courier *courier_new(const CourierParts *parts)
{
    Courier *courier = g_new0(Courier, 1);
    courier->parts = *parts;
    courier->outbox = outbox_new();
    courier->orgs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, courier_org_free);
    courier->runs = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)verification_run_free);
    courier->readers =
        g_thread_pool_new(courier_read_on_thread, NULL, LIMIT_COURIER_READERS, FALSE, NULL);
    courier->mx_askers = g_thread_pool_new(sender_mx_on_thread, NULL, LIMIT_MX_ASKERS, FALSE, NULL);
    const BearerParts bearer = {.context = parts->context,
        .store = parts->store,
        .vault = parts->vault,
        .dns = parts->dns,
        .policy = parts->dialer.policy,
        .ca_file = parts->ca_file};
    courier->bearer = bearer_new(&bearer);
    store_add_listener(parts->store, on_store_changed, courier);
    courier->housekeeping = g_timeout_source_new(HOUSEKEEPING_MS);
    g_source_set_callback(courier->housekeeping, on_housekeeping, courier, NULL);
    g_source_attach(courier->housekeeping, parts->context);
    courier->hourly = hourly_new(courier);
    Recovery *recovery = g_new0(Recovery, 1);
    g_autoptr(GError) error = NULL;
    store_run(parts->store, recover_job, recovery, &error);
    recovered(courier, recovery, error);
    return courier;
}

static guint sessions_at_work(Courier *courier)
{
    guint n = g_hash_table_size(courier->runs);
    GHashTableIter orgs;
    gpointer org;
    g_hash_table_iter_init(&orgs, courier->orgs);
    while (g_hash_table_iter_next(&orgs, NULL, &org))
        n += pool_sessions(((CourierOrg *)org)->pool);
    return n;
}

/* Nothing goes out any more. What is still said counts for the settings it is said about: a login
 * that is refused now must be known at the next start. */
static void close_org(CourierOrg *org)
{
    gint64 config_version = org->state == NULL ? 0 : org->state->config_version;
    courier_outbox_event(org->courier, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                                           .org_id = org->id,
                                           .gate = EMAIL_GATE_NOT_CONFIGURED,
                                           .is_refused = org->is_refused,
                                           .config_version = config_version});
    pool_configure(org->pool, NULL, NULL, NULL, config_version);
}

static gboolean on_grace_over(gpointer user)
{
    *(gboolean *)user = TRUE;
    return G_SOURCE_REMOVE;
}

/* The store still owes us completions that name us, and a token server perhaps an answer. */
static void await_completions(Courier *courier)
{
    while (courier->pending > 0 || bearer_is_busy(courier->bearer))
        g_main_context_iteration(courier->parts.context, TRUE);
}

void courier_stop(Courier *courier, gint64 grace_ms)
{
    courier->is_stopping = TRUE;
    CRASH_POINT("stop_asked");
    g_source_destroy(courier->housekeeping);
    hourly_stop(courier->hourly);
    bearer_stop(courier->bearer);
    GHashTableIter orgs;
    gpointer org;
    g_hash_table_iter_init(&orgs, courier->orgs);
    while (g_hash_table_iter_next(&orgs, NULL, &org))
        close_org(org);
    gboolean over = FALSE;
    g_autoptr(GSource) grace = g_timeout_source_new((guint)grace_ms);
    g_source_set_callback(grace, on_grace_over, &over, NULL);
    g_source_attach(grace, courier->parts.context);
    while (!over && (courier->pending > 0 || sessions_at_work(courier) > 0))
        g_main_context_iteration(courier->parts.context, TRUE);
    g_source_destroy(grace);
    CRASH_POINT("stop_sessions_gone");
    courier->grace_is_over = TRUE;
    g_hash_table_remove_all(courier->runs);
    g_hash_table_iter_init(&orgs, courier->orgs);
    while (g_hash_table_iter_next(&orgs, NULL, &org)) {
        pool_break_off(((CourierOrg *)org)->pool); /* what it tells is still recorded */
        g_clear_pointer(&((CourierOrg *)org)->pool, pool_free);
    }
    await_completions(courier);
    bearer_stop(courier->bearer); /* what could not be written meanwhile */
    await_completions(courier);
}

void courier_free(Courier *courier)
{
    if (courier == NULL)
        return;
    g_assert(courier->pending == 0);
    g_thread_pool_free(courier->readers, FALSE, TRUE);
    g_thread_pool_free(courier->mx_askers, FALSE, TRUE);
    g_hash_table_unref(courier->runs);
    g_hash_table_unref(courier->orgs);
    bearer_free(courier->bearer);
    g_source_unref(courier->housekeeping);
    hourly_free(courier->hourly);
    outbox_free(courier->outbox);
    g_free(courier);
}

CourierBooks courier_books(Courier *courier)
{
    return hourly_books(courier->hourly);
}

void courier_counters(Courier *courier, CourierCounters *counters)
{
    *counters = (CourierCounters){
        .sessions = (guint)g_atomic_int_get(&courier->sessions),
        .accepted = counter_get(&courier->accepted),
        .rejected = counter_get(&courier->rejected),
        .deferred = counter_get(&courier->deferred),
        .uncertain = counter_get(&courier->uncertain),
        .logins = counter_get(&courier->logins),
        .login_failures = counter_get(&courier->login_failures),
    };
}

gboolean courier_is_sandbox(const Courier *courier, const char *host, guint port)
{
    return courier->parts.sandbox.host != NULL &&
           g_strcmp0(host, courier->parts.sandbox.host) == 0 &&
           (port == courier->parts.sandbox.starttls_port ||
               port == courier->parts.sandbox.implicit_port);
}
