#include "store/oauth_tokens.h"

void oauth_token_row_free(OauthTokenRow *row)
{
    if (row == NULL)
        return;
    g_clear_pointer(&row->sealed, g_bytes_unref);
    g_free(row->scope);
    g_free(row->server);
    g_free(row);
}

OauthTokenRow *oauth_token_row_read(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(OauthTokenRow) row = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT sealed, scope, server, fetched_at, expires_at FROM oauth_tokens WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    if (db_next(q)) {
        row = g_new0(OauthTokenRow, 1);
        row->sealed = db_dup_bytes(q, 0);
        row->scope = db_dup_text(q, 1);
        row->server = db_dup_text(q, 2);
        row->fetched_at = db_int(q, 3);
        row->expires_at = db_int(q, 4);
    }
    return db_finish(q, error) ? g_steal_pointer(&row) : NULL;
}

gboolean oauth_token_row_write(Db *db, gint64 org_id, const OauthTokenRow *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO oauth_tokens (org_id, sealed, scope, server, fetched_at, expires_at) VALUES "
        "($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id) DO UPDATE SET sealed = excluded.sealed, "
        "scope = excluded.scope, server = excluded.server, fetched_at = excluded.fetched_at, "
        "expires_at = excluded.expires_at");
    db_bind_int(q, 1, org_id);
    db_bind_bytes(q, 2, row->sealed);
    db_bind_text(q, 3, row->scope);
    db_bind_text(q, 4, row->server);
    db_bind_int(q, 5, row->fetched_at);
    db_bind_int(q, 6, row->expires_at);
    return db_finish(q, error);
}

gboolean oauth_tokens_tidy(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE oauth_tokens SET sealed = x'' WHERE expires_at <= $1 AND sealed <> x''");
    db_bind_int(q, 1, now);
    return db_finish(q, error);
}
