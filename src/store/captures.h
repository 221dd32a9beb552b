/* Mails captured by the sandbox, as SQL functions. The newest LIMIT_SANDBOX_MESSAGES are kept. */
#pragma once

#include "store/store.h"

typedef struct {
    gint64 row, org_id;
    Id id;
    WallMs at;
    char *sender;
    char *recipients; /* "a, b" */
    char *subject;    /* decoded, as far as it is easy; may be NULL */
    gint64 size_bytes;
    GBytes *content; /* NULL in lists; stored sealed with the org's day key */
} Capture;
void capture_free(Capture *capture);

gboolean capture_insert(
    Db *db, Vault *vault, const Capture *capture, GError **error); /* notes SANDBOX */
GPtrArray *captures_list(
    Db *db, gint64 org_id, guint limit, const Id *after, gboolean *has_more, GError **error);
Capture *capture_get(Db *db, Vault *vault, gint64 org_id, const Id *id,
    GError **error); /* NULL without error: none */
gboolean captures_clear(Db *db, gint64 org_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Capture, capture_free)
