#include "store/webhooks.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/db_driver.h"
#include "store/webhook_wish.h"

#include <sodium.h>
#include <string.h>

/* --- The secret ------------------------------------------------------------------------------ */

Secret *webhook_secret_make(void)
{
    guint8 bytes[WEBHOOK_SECRET_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    Secret *secret = secret_new(bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
    return secret;
}

Secret *webhook_secret_text(const Secret *secret)
{
    char text[sodium_base64_ENCODED_LEN(WEBHOOK_SECRET_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    gsize n;
    const char *bytes = secret_reveal(secret, &n);
    g_assert(n == WEBHOOK_SECRET_BYTES);
    sodium_bin2base64(text, sizeof text, (const guint8 *)bytes, n, sodium_base64_VARIANT_ORIGINAL);
    Secret *shown = secret_new_take(g_strconcat("whsec_", text, NULL));
    secret_wipe(text, sizeof text);
    return shown;
}

static VaultBinding *secret_binding(gint64 org_id, const Id *id)
{
    VaultBinding *binding = vault_binding_new("webhook-secret");
    vault_binding_add_number(binding, (guint64)org_id);
    vault_binding_add_bytes(binding, id->bytes, ID_BYTES);
    return binding;
}

GBytes *webhook_secret_seal(Vault *vault, gint64 org_id, const Id *id, const Secret *secret)
{
    g_autoptr(VaultBinding) binding = secret_binding(org_id, id);
    return vault_seal(vault, binding, secret);
}

Secret *webhook_secret_open(Vault *vault, const Webhook *webhook, GError **error)
{
    g_autoptr(VaultBinding) binding = secret_binding(webhook->org_id, &webhook->id);
    return vault_unseal(vault, binding, webhook->secret_sealed, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

void webhook_free(Webhook *webhook)
{
    if (!webhook)
        return;
    g_free(webhook->url);
    g_free(webhook->name);
    g_clear_pointer(&webhook->secret_sealed, g_bytes_unref);
    g_free(webhook->failure);
    g_free(webhook);
}

static void free_webhook(gpointer webhook)
{
    webhook_free(webhook);
}

#define OWN_COLUMNS                                                                   \
    "w.row, w.org_id, w.id, w.url, w.name, w.events, w.secret_sealed, w.is_enabled, " \
    "w.created_at, w.succeeded_at, w.failed_at, w.failure, "
#define OF_WAITING "FROM webhook_deliveries d WHERE d.webhook_row = w.row AND d.next_at IS NOT NULL"
#define N_WAITING "(SELECT count(*) " OF_WAITING "), "
#define NEXT_AT "(SELECT min(d.next_at) " OF_WAITING ") "
#define COLUMNS OWN_COLUMNS N_WAITING NEXT_AT

static Webhook *read_webhook(DbQuery *q)
{
    Webhook *webhook = g_new0(Webhook, 1);
    webhook->row = db_int(q, 0);
    webhook->org_id = db_int(q, 1);
    db_id(q, 2, &webhook->id);
    webhook->url = db_dup_text(q, 3);
    webhook->name = db_dup_text(q, 4);
    webhook->events = (guint)db_int(q, 5);
    webhook->secret_sealed = db_dup_bytes(q, 6);
    webhook->is_enabled = db_int(q, 7) != 0;
    webhook->created_at = db_int(q, 8);
    webhook->succeeded_at = db_int(q, 9);
    webhook->failed_at = db_int(q, 10);
    webhook->failure = db_dup_text(q, 11);
    webhook->waiting = db_int(q, 12);
    webhook->next_at = db_int(q, 13);
    return webhook;
}

static GPtrArray *read_all(DbQuery *q, GError **error)
{
    g_autoptr(GPtrArray) webhooks = g_ptr_array_new_with_free_func(free_webhook);
    while (db_next(q))
        g_ptr_array_add(webhooks, read_webhook(q));
    return db_finish(q, error) ? g_steal_pointer(&webhooks) : NULL;
}

GPtrArray *webhooks_list(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT " COLUMNS
                     "FROM webhooks w WHERE w.org_id = $1 AND w.is_removed = 0 ORDER BY w.row");
    db_bind_int(q, 1, org_id);
    return read_all(q, error);
}

GPtrArray *webhooks_waiting(Db *db, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT " OWN_COLUMNS "0, " NEXT_AT "FROM webhooks w WHERE w.is_enabled = 1 AND EXISTS "
        "(SELECT 1 " OF_WAITING ")");
    return read_all(q, error);
}

static void set_unknown(GError **error)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such webhook");
}

Webhook *webhook_get(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(Webhook) webhook = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT " COLUMNS "FROM webhooks w WHERE w.org_id = $1 AND w.id = $2 AND w.is_removed = 0");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q))
        webhook = read_webhook(q);
    if (!db_finish(q, error))
        return NULL;
    if (!webhook)
        set_unknown(error);
    return g_steal_pointer(&webhook);
}

/* --- Writing --------------------------------------------------------------------------------- */

static void note_change(Db *db, gint64 org_id, const Id *id)
{
    webhook_wishes_forget(db);
    store_note_change(db, STORE_CHANGED_WEBHOOKS, org_id, id);
}

static gboolean check_room(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT count(*) FROM webhooks WHERE org_id = $1 AND is_removed = 0");
    db_bind_int(q, 1, org_id);
    gint64 n = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    if (n >= LIMIT_WEBHOOKS)
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_LIMIT, "there are %d webhooks already", LIMIT_WEBHOOKS);
    return n < LIMIT_WEBHOOKS;
}

gboolean webhook_insert(Db *db, const Webhook *webhook, GError **error)
{
    if (!check_room(db, webhook->org_id, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO webhooks (org_id, id, url, name, events, secret_sealed, is_enabled, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    db_bind_int(q, 1, webhook->org_id);
    db_bind_id(q, 2, &webhook->id);
    db_bind_text(q, 3, webhook->url);
    db_bind_text(q, 4, webhook->name);
    db_bind_int(q, 5, webhook->events);
    db_bind_bytes(q, 6, webhook->secret_sealed);
    db_bind_int(q, 7, webhook->is_enabled ? 1 : 0);
    db_bind_int(q, 8, webhook->created_at);
    note_change(db, webhook->org_id, &webhook->id);
    return db_finish(q, error);
}

/* For a statement that changed the one row, or none. */
static gboolean finish_one(Db *db, DbQuery *q, gint64 org_id, const Id *id, GError **error)
{
    if (!db_finish(q, error))
        return FALSE;
    if (db_changes(db) == 0) {
        set_unknown(error);
        return FALSE;
    }
    note_change(db, org_id, id);
    return TRUE;
}

gboolean webhook_update(Db *db, const Webhook *webhook, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhooks SET url = $3, name = $4, events = $5, failure = CASE WHEN $6 = 1 AND "
        "is_enabled = 0 THEN NULL ELSE failure END, is_enabled = $6 WHERE org_id = $1 AND id = $2 "
        "AND is_removed = 0");
    db_bind_int(q, 1, webhook->org_id);
    db_bind_id(q, 2, &webhook->id);
    db_bind_text(q, 3, webhook->url);
    db_bind_text(q, 4, webhook->name);
    db_bind_int(q, 5, webhook->events);
    db_bind_int(q, 6, webhook->is_enabled ? 1 : 0);
    return finish_one(db, q, webhook->org_id, &webhook->id, error);
}

gboolean webhook_secret_write(
    Db *db, gint64 org_id, const Id *id, GBytes *secret_sealed, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhooks SET secret_sealed = $3 WHERE org_id = $1 AND id = $2 AND is_removed = 0");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_bytes(q, 3, secret_sealed);
    return finish_one(db, q, org_id, id, error);
}

/* What it held back may be so much that it goes bit by bit (webhooks_tidy). */
gboolean webhook_remove(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE webhooks SET is_removed = 1, is_enabled = 0, url = '', name = NULL, secret_sealed "
        "= x'' WHERE org_id = $1 AND id = $2 AND is_removed = 0");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return finish_one(db, q, org_id, id, error);
}
