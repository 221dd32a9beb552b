#include "store/tokens.h"

#include "base/error.h"
#include "store/people.h"

void token_free(Token *token)
{
    if (!token)
        return;
    g_free(token->name);
    g_free(token->hint);
    g_free(token->from_addresses);
    g_free(token->networks);
    g_free(token->created_by);
    g_free(token);
}

static void free_token(gpointer token)
{
    token_free(token);
}

gboolean token_insert(Db *db, const Token *token, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO tokens (org_id, id, hash, name, hint, scopes, created_at, expires_at, "
        "from_addresses, networks, quota_per_minute, quota_per_hour, quota_per_day, created_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    db_bind_int(q, 1, token->org_id);
    db_bind_id(q, 2, &token->id);
    db_bind_blob(q, 3, token->hash, PEOPLE_HASH_BYTES);
    db_bind_text(q, 4, token->name);
    db_bind_text(q, 5, token->hint);
    db_bind_int(q, 6, token->scopes);
    db_bind_int(q, 7, token->created_at);
    db_bind_int_or_null(q, 8, token->expires_at);
    db_bind_text(q, 9, token->from_addresses);
    db_bind_text(q, 10, token->networks);
    db_bind_int(q, 11, token->quota.per_minute);
    db_bind_int(q, 12, token->quota.per_hour);
    db_bind_int(q, 13, token->quota.per_day);
    db_bind_text(q, 14, token->created_by);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    store_note_change(db, STORE_CHANGED_CREDENTIALS, token->org_id, NULL);
    return TRUE;
}

/* What a finished UPDATE of one token has come to. */
static gboolean changed_one(Db *db, gint64 org_id, GError **error)
{
    if (db_changes(db) == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such token");
        return FALSE;
    }
    store_note_change(db, STORE_CHANGED_CREDENTIALS, org_id, NULL);
    return TRUE;
}

gboolean token_write(Db *db, const Token *token, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE tokens SET name = $3, expires_at = $4, from_addresses = $5, networks = $6, "
        "quota_per_minute = $7, quota_per_hour = $8, quota_per_day = $9 "
        "WHERE org_id = $1 AND row = $2 AND revoked_at IS NULL");
    db_bind_int(q, 1, token->org_id);
    db_bind_int(q, 2, token->row);
    db_bind_text(q, 3, token->name);
    db_bind_int_or_null(q, 4, token->expires_at);
    db_bind_text(q, 5, token->from_addresses);
    db_bind_text(q, 6, token->networks);
    db_bind_int(q, 7, token->quota.per_minute);
    db_bind_int(q, 8, token->quota.per_hour);
    db_bind_int(q, 9, token->quota.per_day);
    return db_finish(q, error) && changed_one(db, token->org_id, error);
}

gboolean token_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE tokens SET revoked_at = $3 WHERE org_id = $1 "
                                        "AND id = $2 AND revoked_at IS NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_int(q, 3, now);
    return db_finish(q, error) && changed_one(db, org_id, error);
}

#define TOKEN                                                                             \
    "SELECT row, org_id, id, hash, name, hint, scopes, created_at, expires_at, used_at, " \
    "revoked_at, from_addresses, networks, quota_per_minute, quota_per_hour, "            \
    "quota_per_day, created_by FROM tokens WHERE revoked_at IS NULL "

static Token *read_token(DbQuery *q)
{
    Token *token = g_new0(Token, 1);
    token->row = db_int(q, 0);
    token->org_id = db_int(q, 1);
    db_id(q, 2, &token->id);
    credential_hash_read(q, 3, token->hash);
    token->name = db_dup_text(q, 4);
    token->hint = db_dup_text(q, 5);
    token->scopes = (guint)db_int(q, 6);
    token->created_at = db_int(q, 7);
    token->expires_at = db_int(q, 8);
    token->used_at = db_int(q, 9);
    token->revoked_at = db_int(q, 10);
    token->from_addresses = db_dup_text(q, 11);
    token->networks = db_dup_text(q, 12);
    token->quota.per_minute = (guint)db_int(q, 13);
    token->quota.per_hour = (guint)db_int(q, 14);
    token->quota.per_day = (guint)db_int(q, 15);
    token->created_by = db_dup_text(q, 16);
    return token;
}

Token *token_get(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(Token) token = NULL;
    g_autoptr(DbQuery) q = db_query(db, TOKEN "AND org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q))
        token = read_token(q);
    if (!db_finish(q, error))
        return NULL;
    if (!token)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such token");
    return g_steal_pointer(&token);
}

static GPtrArray *finish_tokens(DbQuery *q, GError **error)
{
    g_autoptr(GPtrArray) tokens = g_ptr_array_new_with_free_func(free_token);
    while (db_next(q))
        g_ptr_array_add(tokens, read_token(q));
    return db_finish(q, error) ? g_steal_pointer(&tokens) : NULL;
}

GPtrArray *tokens_list(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, TOKEN "AND org_id = $1 ORDER BY id DESC");
    db_bind_int(q, 1, org_id);
    return finish_tokens(q, error);
}

GPtrArray *tokens_live(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, TOKEN "AND (expires_at IS NULL OR expires_at > $1) ORDER BY row");
    db_bind_int(q, 1, now);
    return finish_tokens(q, error);
}

GPtrArray *tokens_unrevoked(Db *db, GError **error)
{
    return finish_tokens(db_query(db, TOKEN "ORDER BY row"), error);
}

gboolean tokens_count(Db *db, gint64 org_id, gint64 *count, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT COUNT(*) FROM tokens WHERE org_id = $1 AND revoked_at IS NULL");
    db_bind_int(q, 1, org_id);
    gint64 n = db_next(q) ? db_int(q, 0) : 0;
    if (!db_finish(q, error))
        return FALSE;
    *count = n;
    return TRUE;
}

char *token_name_by_row(Db *db, gint64 org_id, gint64 row)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT name FROM tokens WHERE org_id = $1 AND row = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, row);
    return db_next(q) ? db_dup_text(q, 0) : NULL;
}

/* --- What was handed over, by the minute ------------------------------------------------------ */

/* The day's window lets a counter of ten minutes go when the last of them has left it. */
#define KEPT_MINUTES ((CLOCK_DAY_MS + 10 * CLOCK_MINUTE_MS) / CLOCK_MINUTE_MS)

static gint64 minute_of(WallMs at)
{
    return MAX(at, 0) / CLOCK_MINUTE_MS;
}

gboolean token_use_add(Db *db, gint64 org_id, gint64 token_row, WallMs at, guint n, GError **error)
{
    if (n == 0)
        return TRUE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO token_use_by_minute (minute, token_row, org_id, n) VALUES ($1, $2, $3, "
        "$4) ON CONFLICT (minute, token_row) DO UPDATE SET n = n + excluded.n");
    db_bind_int(q, 1, minute_of(at));
    db_bind_int(q, 2, token_row);
    db_bind_int(q, 3, org_id);
    db_bind_int(q, 4, n);
    return db_finish(q, error);
}

static Quota *quota_of(GHashTable *uses, gint64 token_row)
{
    Quota *quota = g_hash_table_lookup(uses, &token_row);
    if (!quota) {
        quota = quota_new();
        g_hash_table_insert(uses, g_memdup2(&token_row, sizeof token_row), quota);
    }
    return quota;
}

static void free_quota(gpointer quota)
{
    quota_free(quota);
}

GHashTable *token_use_read(Db *db, WallMs now, GError **error)
{
    g_autoptr(GHashTable) uses =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_quota);
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT token_row, minute, n FROM token_use_by_minute WHERE minute >= $1 ORDER BY minute");
    db_bind_int(q, 1, minute_of(now) - KEPT_MINUTES);
    while (db_next(q)) {
        WallMs minute_ends_at = (db_int(q, 1) + 1) * CLOCK_MINUTE_MS - 1;
        quota_add(quota_of(uses, db_int(q, 0)), MIN(minute_ends_at, now),
            (guint)CLAMP(db_int(q, 2), 0, G_MAXUINT));
    }
    return db_finish(q, error) ? g_steal_pointer(&uses) : NULL;
}

gboolean token_use_tidy(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM token_use_by_minute WHERE minute > $1 OR minute < $2");
    db_bind_int(q, 1, minute_of(now));
    db_bind_int(q, 2, minute_of(now) - KEPT_MINUTES);
    return db_finish(q, error);
}
