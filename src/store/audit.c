#include "store/audit.h"

#include <sodium.h>
#include <string.h>

/* Each field with its length before it, so that no two rows read the same; NULL is told from "". */
static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    guint64 n = text ? GUINT64_TO_BE(strlen(text)) : G_MAXUINT64;
    crypto_hash_sha256_update(state, (const guint8 *)&n, sizeof n);
    if (text)
        crypto_hash_sha256_update(state, (const guint8 *)text, strlen(text));
}

static void hash_number(crypto_hash_sha256_state *state, gint64 number)
{
    gint64 bytes = GINT64_TO_BE(number);
    crypto_hash_sha256_update(state, (const guint8 *)&bytes, sizeof bytes);
}

static void hash_note(const guint8 before[AUDIT_HASH_BYTES], const Id *id, const AuditNote *note,
    guint8 hash[AUDIT_HASH_BYTES])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, AUDIT_HASH_BYTES);
    hash_number(&state, note->org_id);
    crypto_hash_sha256_update(&state, id->bytes, sizeof id->bytes);
    hash_number(&state, note->at);
    hash_text(&state, note->actor);
    hash_text(&state, note->action);
    hash_text(&state, note->object);
    hash_text(&state, note->detail);
    hash_text(&state, note->client);
    crypto_hash_sha256_final(&state, hash);
}

/* Zeros before the first row. */
static gboolean read_last_hash(Db *db, gint64 org_id, guint8 hash[AUDIT_HASH_BYTES], GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT hash FROM audit_events WHERE org_id = $1 ORDER BY row DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    memset(hash, 0, AUDIT_HASH_BYTES);
    if (db_next(q)) {
        g_autoptr(GBytes) bytes = db_dup_bytes(q, 0);
        memcpy(hash, g_bytes_get_data(bytes, NULL), AUDIT_HASH_BYTES); /* a CHECK of the table */
    }
    return db_finish(q, error);
}

gboolean audit_append(Db *db, const AuditNote *note, GError **error)
{
    guint8 before[AUDIT_HASH_BYTES], hash[AUDIT_HASH_BYTES];
    Id id = id_fresh(note->at);
    if (!read_last_hash(db, note->org_id, before, error))
        return FALSE;
    hash_note(before, &id, note, hash);
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO audit_events (org_id, id, at, actor, action, object, detail, client, hash) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    db_bind_int(q, 1, note->org_id);
    db_bind_id(q, 2, &id);
    db_bind_int(q, 3, note->at);
    db_bind_text(q, 4, note->actor);
    db_bind_text(q, 5, note->action);
    db_bind_text(q, 6, note->object);
    db_bind_text(q, 7, note->detail);
    db_bind_text(q, 8, note->client);
    db_bind_blob(q, 9, hash, sizeof hash);
    return db_finish(q, error);
}
