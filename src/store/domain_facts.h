/* What headers of received mail have taught about a domain: with which selectors its mail is
 * signed, and from which addresses its provider sends. As SQL functions. */
#pragma once

#include "store/store.h"

typedef enum {
    DOMAIN_FACT_SELECTOR = 1,
    DOMAIN_FACT_ADDRESS = 2,
} DomainFactKind;

/* Remembers it, or that it was seen again. The newest LIMIT_DOMAIN_FACTS of a domain and kind stay,
 * and those of LIMIT_DOMAINS_KNOWN domains. */
gboolean domain_fact_learn(Db *db, gint64 org_id, const char *domain, DomainFactKind kind,
    const char *value, WallMs now, GError **error);

/* Those seen within LIMIT_DOMAIN_FACT_MS, the newest first; NULL-terminated, g_strfreev. */
char **domain_facts_list(
    Db *db, gint64 org_id, const char *domain, DomainFactKind kind, WallMs now, GError **error);
