/* The connections of one org to its provider. Takes mails, gives each to a session (idle, or opened
 * for it, never more than the setting), and tells what became of it. Sessions are reused until
 * their settings are out of date, they have been idle for LIMIT_IDLE_SESSION_MS, or have carried as
 * many mails as the server or LIMIT_MAILS_PER_SESSION allows. Knows no database. */
#pragma once

#include "courier/session.h"
#include "outbox/retry.h"
#include "settings/settings.h"
#include "store/emails.h"

typedef struct pool Pool;

/* What became of one attempt. Strings are lent during the call. */
typedef struct {
    gint64 recipient_id;
    AttemptEnd end;
    gboolean is_local;          /* the provider had no part in it */
    const Diagnosis *diagnosis; /* NULL when accepted */
    DiagnosisFate fate;         /* 0 when no reply decided */
    const char *phase;          /* catalogue phase; NULL if unknown */
    int code;
    const char *enhanced, *text; /* text printable; NULL where it may not be shown */
    const char *server;
} PoolResult;

typedef struct {
    /* Commit `sending` for this recipient and answer with pool_marked. */
    void (*mark)(gint64 recipient_id, gpointer user);
    void (*ended)(const PoolResult *result, gpointer user);
    void (*login)(gboolean accepted, gpointer user); /* for counters */
} PoolEvents;

typedef struct {
    GMainContext *context;
    const NetDialer *dialer;
    NetTlsClient *tls;
    const DiagnosisCatalogue *catalogue;
    SmtpDeadlines deadlines;
} PoolParts;

Pool *pool_new(const PoolParts *parts, const PoolEvents *events, gpointer user);
void pool_free(Pool *pool); /* drops everything without telling */

/* Other settings: idle sessions leave now, working ones after their mail. settings NULL: none (no
 * new session). Copied; password too. */
void pool_configure(Pool *pool, const SmtpSettings *settings, const Secret *password,
    const char *ehlo_name, gint64 config_version);

/* Takes the delivery. Only while configured. */
void pool_send(Pool *pool, EmailDelivery *delivery);

/* The mark is durable (TRUE), or the mail may not be sent any more (FALSE): then it ends as
 * withdrawn. Unknown ids are ignored: the attempt was over before the mark. */
void pool_marked(Pool *pool, gint64 recipient_id, gboolean marked);

/* The mark could not be committed: the attempt ends as unsent. */
void pool_mark_failed(Pool *pool, gint64 recipient_id);

/* No connection may stay: idle sessions leave now, others after their mail; what waits for one is
 * handed back. */
void pool_drain(Pool *pool);

guint pool_sessions(const Pool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)
