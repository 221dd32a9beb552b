#include "store/captures.h"

#include "base/limits.h"
#include "store/keys.h"

void capture_free(Capture *capture)
{
    if (!capture)
        return;
    g_free(capture->sender);
    g_free(capture->recipients);
    g_free(capture->subject);
    g_clear_pointer(&capture->content, g_bytes_unref);
    g_free(capture);
}

static void free_capture(gpointer capture)
{
    capture_free(capture);
}

static VaultBinding *content_binding(gint64 org_id, const Id *id)
{
    VaultBinding *binding = vault_binding_new("captured-mail");
    vault_binding_add_number(binding, (guint64)org_id);
    vault_binding_add_bytes(binding, id->bytes, ID_BYTES);
    return binding;
}

/* --- Writing --------------------------------------------------------------------------------- */

static GBytes *seal_content(Db *db, Vault *vault, const Capture *capture, GError **error)
{
    const VaultKey *key =
        day_key_for_sealing(db, vault, capture->org_id, day_of(capture->at), error);
    if (!key)
        return NULL;
    g_autoptr(VaultBinding) binding = content_binding(capture->org_id, &capture->id);
    gsize n;
    const void *content = g_bytes_get_data(capture->content, &n);
    return vault_key_seal(key, binding, content, n);
}

/* Keeps the newest LIMIT_SANDBOX_MESSAGES. */
static gboolean prune(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "DELETE FROM captures WHERE org_id = $1 AND id <= "
        "(SELECT id FROM captures WHERE org_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, LIMIT_SANDBOX_MESSAGES);
    return db_finish(q, error);
}

gboolean capture_insert(Db *db, Vault *vault, const Capture *capture, GError **error)
{
    g_autoptr(GBytes) sealed = seal_content(db, vault, capture, error);
    if (!sealed)
        return FALSE;
    g_autoptr(DbQuery) q =
        db_query(db, "INSERT INTO captures (org_id, id, at, sender, recipients, subject, "
                     "size_bytes, day, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    db_bind_int(q, 1, capture->org_id);
    db_bind_id(q, 2, &capture->id);
    db_bind_int(q, 3, capture->at);
    db_bind_text(q, 4, capture->sender);
    db_bind_text(q, 5, capture->recipients);
    db_bind_text(q, 6, capture->subject);
    db_bind_int(q, 7, (gint64)g_bytes_get_size(capture->content));
    db_bind_int(q, 8, day_of(capture->at));
    db_bind_bytes(q, 9, sealed);
    store_note_change(db, STORE_CHANGED_SANDBOX, capture->org_id, NULL);
    return db_finish(q, error) && prune(db, capture->org_id, error);
}

gboolean captures_clear(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM captures WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    store_note_change(db, STORE_CHANGED_SANDBOX, org_id, NULL);
    return db_finish(q, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

static Capture *read_capture(DbQuery *q)
{
    Capture *capture = g_new0(Capture, 1);
    capture->row = db_int(q, 0);
    capture->org_id = db_int(q, 1);
    db_id(q, 2, &capture->id);
    capture->at = db_int(q, 3);
    capture->sender = db_dup_text(q, 4);
    capture->recipients = db_dup_text(q, 5);
    capture->subject = db_dup_text(q, 6);
    capture->size_bytes = db_int(q, 7);
    return capture;
}

#define CAPTURE "SELECT row, org_id, id, at, sender, recipients, subject, size_bytes"

GPtrArray *captures_list(
    Db *db, gint64 org_id, guint limit, const Id *after, gboolean *has_more, GError **error)
{
    guint n = CLAMP(limit, 1, LIMIT_PAGE);
    gboolean more = FALSE;
    g_autoptr(GPtrArray) captures = g_ptr_array_new_with_free_func(free_capture);
    g_autoptr(DbQuery) q = db_query(db, CAPTURE " FROM captures WHERE org_id = $1 "
                                                "AND ($2 IS NULL OR id < $2) ORDER BY id DESC "
                                                "LIMIT $3");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, after);
    db_bind_int(q, 3, n + 1);
    while (db_next(q)) {
        if (captures->len == n)
            more = TRUE;
        else
            g_ptr_array_add(captures, read_capture(q));
    }
    if (!db_finish(q, error))
        return NULL;
    *has_more = more;
    return g_steal_pointer(&captures);
}

Capture *capture_get(Db *db, Vault *vault, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(Capture) capture = NULL;
    g_autoptr(GBytes) sealed = NULL;
    gint64 day = 0;
    g_autoptr(DbQuery) q =
        db_query(db, CAPTURE ", day, content FROM captures WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q)) {
        capture = read_capture(q);
        day = db_int(q, 8);
        sealed = db_dup_bytes(q, 9);
    }
    if (!db_finish(q, error) || !capture)
        return NULL;
    const VaultKey *key = day_key_for_opening(db, vault, org_id, day, error);
    if (!key)
        return NULL;
    g_autoptr(VaultBinding) binding = content_binding(org_id, id);
    capture->content = vault_key_unseal(key, binding, sealed, error);
    return capture->content ? g_steal_pointer(&capture) : NULL;
}
