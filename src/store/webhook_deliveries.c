/* How far events have come on their way to each webhook. */
#include "base/error.h"
#include "base/limits.h"
#include "base/states.h"
#include "store/webhook_wish.h"
#include "store/webhooks.h"

static const StateRow state_rows[] = {
    [WEBHOOK_WAITING] = {"waiting",
        STATE_BIT(WEBHOOK_WAITING) | STATE_BIT(WEBHOOK_DELIVERED) | STATE_BIT(WEBHOOK_GIVEN_UP)},
    [WEBHOOK_DELIVERED] = {"delivered", STATE_BIT(WEBHOOK_WAITING)}, /* replayed */
    [WEBHOOK_GIVEN_UP] = {"given_up", STATE_BIT(WEBHOOK_WAITING)},   /* replayed */
};
static const StateTable states = {"webhook_delivery", state_rows, G_N_ELEMENTS(state_rows)};

const char *webhook_state_name(WebhookState state)
{
    return states_name(&states, state);
}

/* --- Reading --------------------------------------------------------------------------------- */

void webhook_delivery_free(WebhookDelivery *delivery)
{
    if (!delivery)
        return;
    g_free(delivery->type);
    g_free(delivery->body);
    g_free(delivery->error);
    g_free(delivery);
}

static void free_delivery(gpointer delivery)
{
    webhook_delivery_free(delivery);
}

#define COLUMNS                                                                           \
    "d.row, e.id, e.type, e.at, d.state, d.attempts, d.next_at, d.updated_at, d.status, " \
    "d.error, d.gives_up_at, "
#define TABLES "FROM webhook_deliveries d JOIN webhook_events e ON e.row = d.event_row "

static WebhookDelivery *read_delivery(DbQuery *q)
{
    WebhookDelivery *delivery = g_new0(WebhookDelivery, 1);
    delivery->row = db_int(q, 0);
    db_id(q, 1, &delivery->event_id);
    delivery->type = db_dup_text(q, 2);
    delivery->happened_at = db_int(q, 3);
    delivery->state = (WebhookState)db_int(q, 4);
    delivery->attempts = (guint)db_int(q, 5);
    delivery->updated_at = db_int(q, 7);
    delivery->next_at = db_is_null(q, 6) ? 0 : MAX(db_int(q, 6), delivery->updated_at);
    delivery->status = (int)db_int(q, 8);
    delivery->error = db_dup_text(q, 9);
    delivery->gives_up_at = db_int(q, 10);
    delivery->body = db_dup_text(q, 11);
    return delivery;
}

static GPtrArray *read_all(DbQuery *q, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_delivery);
    while (db_next(q))
        g_ptr_array_add(all, read_delivery(q));
    return db_finish(q, error) ? g_steal_pointer(&all) : NULL;
}

static gboolean find_event(
    Db *db, gint64 webhook_row, const Id *event_id, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT e.row FROM webhook_events e JOIN webhook_deliveries d ON d.event_row = e.row "
        "WHERE e.id = $2 AND d.webhook_row = $1");
    db_bind_int(q, 1, webhook_row);
    db_bind_id(q, 2, event_id);
    *row = db_next(q) ? db_int(q, 0) : 0;
    return db_finish(q, error);
}

static void reverse(GPtrArray *all)
{
    for (guint i = 0; i < all->len / 2; i++) {
        gpointer kept = all->pdata[i];
        all->pdata[i] = all->pdata[all->len - 1 - i];
        all->pdata[all->len - 1 - i] = kept;
    }
}

GPtrArray *webhook_deliveries_list(Db *db, gint64 webhook_row, const Id *after, const Id *before,
    guint limit, gboolean *has_more, GError **error)
{
    gint64 edge = after ? 0 : G_MAXINT64;
    gboolean upwards = before && !after;
    if ((after || before) && !find_event(db, webhook_row, after ? after : before, &edge, error))
        return NULL;
    if (upwards && edge == 0)
        edge = G_MAXINT64;
    g_autoptr(DbQuery) q =
        upwards ? db_query(db, "SELECT " COLUMNS "NULL " TABLES "WHERE d.webhook_row = $1 AND "
                               "d.event_row > $2 ORDER BY d.event_row LIMIT $3")
                : db_query(db, "SELECT " COLUMNS "NULL " TABLES "WHERE d.webhook_row = $1 AND "
                               "d.event_row < $2 ORDER BY d.event_row DESC LIMIT $3");
    db_bind_int(q, 1, webhook_row);
    db_bind_int(q, 2, edge);
    db_bind_int(q, 3, (gint64)limit + 1);
    GPtrArray *all = read_all(q, error);
    if (!all)
        return NULL;
    *has_more = all->len > limit;
    if (*has_more)
        g_ptr_array_remove_index(all, limit);
    if (upwards)
        reverse(all);
    return all;
}

GPtrArray *webhook_due(Db *db, gint64 webhook_row, WallMs now, guint limit, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT " COLUMNS "e.body " TABLES
        "WHERE d.webhook_row = $1 AND d.next_at <= $2 ORDER BY d.next_at, d.row LIMIT $3");
    db_bind_int(q, 1, webhook_row);
    db_bind_int(q, 2, now);
    db_bind_int(q, 3, limit);
    return read_all(q, error);
}

/* --- What a person asks for ------------------------------------------------------------------ */

/* It goes before everything that waits, because somebody looks on. */
static WallMs ahead_of_others(WallMs now)
{
    return now - LIMIT_WEBHOOK_LIFETIME_MS;
}

static Webhook *get_enabled(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(Webhook) webhook = webhook_get(db, org_id, id, error);
    if (!webhook || webhook->is_enabled)
        return g_steal_pointer(&webhook);
    g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "this webhook is switched off");
    return NULL;
}

/* One that is there. */
static WebhookDelivery *read_of_event(Db *db, gint64 webhook_row, gint64 event_row, GError **error)
{
    g_autoptr(WebhookDelivery) delivery = NULL;
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT " COLUMNS "NULL " TABLES "WHERE d.webhook_row = $1 AND d.event_row = $2");
    db_bind_int(q, 1, webhook_row);
    db_bind_int(q, 2, event_row);
    if (db_next(q))
        delivery = read_delivery(q);
    if (!db_finish(q, error))
        return NULL;
    if (!delivery)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "this webhook has no such event");
    return g_steal_pointer(&delivery);
}

static gboolean insert_delivery(
    Db *db, const Webhook *webhook, gint64 event_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO webhook_deliveries (org_id, webhook_row, event_row, state, attempts, next_at, "
        "gives_up_at, updated_at) VALUES ($1, $2, $3, $4, 0, $5, $6, $7)");
    db_bind_int(q, 1, webhook->org_id);
    db_bind_int(q, 2, webhook->row);
    db_bind_int(q, 3, event_row);
    db_bind_int(q, 4, WEBHOOK_WAITING);
    db_bind_int(q, 5, ahead_of_others(now));
    db_bind_int(q, 6, now + LIMIT_WEBHOOK_LIFETIME_MS);
    db_bind_int(q, 7, now);
    return db_finish(q, error);
}

WebhookDelivery *webhook_try(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error)
{
    g_autoptr(Webhook) webhook = get_enabled(db, org_id, id, error);
    gint64 event_row;
    Id event_id;
    if (!webhook ||
        !webhook_event_insert(db, org_id, WEBHOOK_TEST, "{}", now, &event_row, &event_id, error) ||
        !insert_delivery(db, webhook, event_row, now, error))
        return NULL;
    store_note_change(db, STORE_CHANGED_WEBHOOKS, org_id, id);
    return read_of_event(db, webhook->row, event_row, error);
}

static gboolean begin_again(
    Db *db, gint64 webhook_row, gint64 event_row, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhook_deliveries SET state = $3, attempts = 0, next_at = $4, gives_up_at = $5, "
        "updated_at = $6, error = NULL, status = 0 WHERE webhook_row = $1 AND event_row = $2");
    db_bind_int(q, 1, webhook_row);
    db_bind_int(q, 2, event_row);
    db_bind_int(q, 3, WEBHOOK_WAITING);
    db_bind_int(q, 4, ahead_of_others(now));
    db_bind_int(q, 5, now + LIMIT_WEBHOOK_LIFETIME_MS);
    db_bind_int(q, 6, now);
    return db_finish(q, error);
}

WebhookDelivery *webhook_replay(
    Db *db, gint64 org_id, const Id *id, const Id *event_id, WallMs now, GError **error)
{
    g_autoptr(Webhook) webhook = get_enabled(db, org_id, id, error);
    gint64 event_row;
    if (!webhook || !find_event(db, webhook->row, event_id, &event_row, error) ||
        !begin_again(db, webhook->row, event_row, now, error))
        return NULL;
    store_note_change(db, STORE_CHANGED_WEBHOOKS, org_id, id);
    return read_of_event(db, webhook->row, event_row, error);
}

/* --- What became of it ----------------------------------------------------------------------- */

static char *failure_text(const WebhookResult *result)
{
    return g_strcmp0(result->failure, WEBHOOK_FAILED_STATUS) == 0
               ? g_strdup_printf(WEBHOOK_FAILED_STATUS " %d", result->status)
               : g_strdup(result->failure);
}

static gboolean write_result(
    Db *db, gint64 webhook_row, const WebhookResult *result, WallMs now, GError **error)
{
    g_assert(states_allow(&states, WEBHOOK_WAITING, result->state));
    g_autofree char *failure = failure_text(result);
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhook_deliveries SET state = $3, next_at = $4, attempts = attempts + 1, "
        "status = $5, error = $6, updated_at = $7 WHERE row = $1 AND webhook_row = $2 AND "
        "next_at IS NOT NULL");
    db_bind_int(q, 1, result->row);
    db_bind_int(q, 2, webhook_row);
    db_bind_int(q, 3, result->state);
    db_bind_int_or_null(q, 4, result->next_at);
    db_bind_int(q, 5, result->status);
    db_bind_text(q, 6, failure);
    db_bind_int(q, 7, now);
    return db_finish(q, error);
}

/* The last word of a webhook: its failure stands until something arrives again. */
static gboolean write_standing(
    Db *db, gint64 webhook_row, const char *failure, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        failure
            ? db_query(db, "UPDATE webhooks SET failed_at = $2, failure = $3 WHERE row = $1")
            : db_query(db, "UPDATE webhooks SET succeeded_at = $2, failure = $3 WHERE row = $1");
    db_bind_int(q, 1, webhook_row);
    db_bind_int(q, 2, now);
    db_bind_text(q, 3, failure);
    return db_finish(q, error);
}

static gboolean switch_off(Db *db, gint64 webhook_row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE webhooks SET is_enabled = 0 WHERE row = $1");
    db_bind_int(q, 1, webhook_row);
    webhook_wishes_forget(db);
    return db_finish(q, error);
}

gboolean webhook_record(Db *db, gint64 webhook_row, const WebhookResult *results, guint n,
    gboolean gone, WallMs now, GError **error)
{
    for (guint i = 0; i < n; i++)
        if (!write_result(db, webhook_row, &results[i], now, error))
            return FALSE;
    g_autofree char *failure = n > 0 ? failure_text(&results[n - 1]) : NULL;
    return (n == 0 || write_standing(db, webhook_row, failure, now, error)) &&
           (!gone || switch_off(db, webhook_row, error));
}

/* --- What is over ---------------------------------------------------------------------------- */

/* What waits behind others, or for a webhook that is switched off, is given up unasked. */
static gboolean give_up(Db *db, WallMs now, guint limit, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhook_deliveries SET state = $4, next_at = NULL, error = $5, updated_at = $1 "
        "WHERE row IN (SELECT d.row FROM webhook_events e JOIN webhook_deliveries d ON d.event_row "
        "= e.row WHERE e.at <= $2 AND d.next_at IS NOT NULL AND d.gives_up_at <= $1 LIMIT $3)");
    db_bind_int(q, 1, now);
    db_bind_int(q, 2, now - LIMIT_WEBHOOK_LIFETIME_MS);
    db_bind_int(q, 3, limit);
    db_bind_int(q, 4, WEBHOOK_GIVEN_UP);
    db_bind_text(q, 5, WEBHOOK_FAILED_TOO_OLD);
    return db_finish(q, error);
}

static gboolean forget(Db *db, WallMs now, guint limit, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "DELETE FROM webhook_events WHERE row IN (SELECT e.row FROM webhook_events e WHERE e.at "
        "<= $1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event_row = e.row AND "
        "d.next_at IS NOT NULL) LIMIT $2)");
    db_bind_int(q, 1, now - LIMIT_WEBHOOK_KEEP_MS);
    db_bind_int(q, 2, limit);
    return db_finish(q, error);
}

static gboolean clear_removed(Db *db, guint limit, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "DELETE FROM webhook_deliveries WHERE row IN (SELECT d.row FROM webhooks w JOIN "
        "webhook_deliveries d ON d.webhook_row = w.row WHERE w.is_removed = 1 LIMIT $1)");
    db_bind_int(q, 1, limit);
    return db_finish(q, error);
}

static gboolean forget_removed(Db *db, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM webhooks WHERE is_removed = 1 AND NOT EXISTS (SELECT 1 FROM "
                     "webhook_deliveries d WHERE d.webhook_row = webhooks.row)");
    return db_finish(q, error);
}

gboolean webhooks_tidy(Db *db, WallMs now, guint limit, gboolean *more, GError **error)
{
    if (!clear_removed(db, limit, error))
        return FALSE;
    gboolean is_full = db_changes(db) == limit;
    if (!forget_removed(db, error) || !give_up(db, now, limit, error))
        return FALSE;
    is_full |= db_changes(db) == limit;
    if (!forget(db, now, limit, error))
        return FALSE;
    *more = is_full || db_changes(db) == limit;
    return TRUE;
}
