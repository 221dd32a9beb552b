#include "store/domain_facts.h"

#include "base/limits.h"

static gboolean forget_surplus(
    Db *db, gint64 org_id, const char *domain, DomainFactKind kind, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "DELETE FROM domain_facts WHERE org_id = $1 AND domain = $2 AND kind = $3 AND value NOT IN "
        "(SELECT value FROM domain_facts WHERE org_id = $1 AND domain = $2 AND kind = $3 "
        "ORDER BY seen_at DESC, value LIMIT $4)");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, domain);
    db_bind_int(q, 3, kind);
    db_bind_int(q, 4, LIMIT_DOMAIN_FACTS);
    return db_finish(q, error);
}

static gboolean forget_domains(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM domain_facts WHERE org_id = $1 AND domain NOT IN "
                     "(SELECT domain FROM domain_facts WHERE org_id = $1 GROUP BY domain "
                     "ORDER BY max(seen_at) DESC, domain LIMIT $2)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, LIMIT_DOMAINS_KNOWN);
    return db_finish(q, error);
}

gboolean domain_fact_learn(Db *db, gint64 org_id, const char *domain, DomainFactKind kind,
    const char *value, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO domain_facts (org_id, domain, kind, value, seen_at) VALUES ($1, $2, $3, $4, "
        "$5) ON CONFLICT (org_id, domain, kind, value) DO UPDATE SET seen_at = excluded.seen_at");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, domain);
    db_bind_int(q, 3, kind);
    db_bind_text(q, 4, value);
    db_bind_int(q, 5, now);
    return db_finish(q, error) && forget_surplus(db, org_id, domain, kind, error) &&
           forget_domains(db, org_id, error);
}

char **domain_facts_list(
    Db *db, gint64 org_id, const char *domain, DomainFactKind kind, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT value FROM domain_facts WHERE org_id = $1 AND domain = $2 AND kind = $3 AND "
        "seen_at >= $4 ORDER BY seen_at DESC, value");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, domain);
    db_bind_int(q, 3, kind);
    db_bind_int(q, 4, now - LIMIT_DOMAIN_FACT_MS);
    while (db_next(q))
        g_ptr_array_add(values, db_dup_text(q, 0));
    if (!db_finish(q, error))
        return NULL;
    g_ptr_array_add(values, NULL);
    return (char **)g_ptr_array_steal(values, NULL);
}
