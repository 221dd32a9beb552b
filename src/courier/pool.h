/* The connections of one org to its provider. Takes mails, gives each to a session that has room
 * for it, and tells what became of it. A connection is opened only when all that stand are full and
 * mails wait: never more than the setting, nor than the server has shown it bears. Where more may
 * be opened, a connection that gets no reply for LIMIT_STALL_MS gives up the mails of which it has
 * written nothing: they go over others. Sessions are reused until their settings are out of date,
 * they have been idle for LIMIT_IDLE_SESSION_MS, or have carried as many mails as the server or
 * LIMIT_MAILS_PER_SESSION allows. Knows no database. On the loop thread only. */
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
    const Diagnosis *diagnosis; /* NULL when accepted, or nobody was asked */
    DiagnosisFate fate;         /* 0 when no reply decided */
    const char *phase;          /* catalogue phase; NULL if unknown */
    int code;
    const char *enhanced, *text; /* text printable; NULL where it may not be shown */
    const char *server;          /* it was tried with, or was to be; NULL without settings */
    gint64 config_version;       /* of the settings it was tried with; 0 without */
} PoolResult;

/* Inside a callback the pool may be given mails and marks, nothing else. */
typedef struct {
    /* Commit `sending` for these recipients and answer with pool_marked or pool_mark_failed. Until
     * then none of them is said to the server to its end. The array is lent during the call. */
    void (*mark)(const gint64 *recipient_ids, guint n, gpointer user);
    /* Once for each mail. WITHDRAWN only where no mark was asked for, or was answered with FALSE:
     * there is nothing to record. */
    void (*ended)(const PoolResult *result, gpointer user);
    void (*login)(gboolean accepted, gpointer user); /* for counters */
    /* The login was refused for good, and no mail waits (any more) whose end could tell it. */
    void (*login_refused)(gint64 config_version, gpointer user);
} PoolEvents;

typedef struct {
    GMainContext *context;
    const NetDialer *dialer;
    NetTlsClient *tls;
    Bearer *bearer; /* for settings with OAuth2 */
    gint64 org_id;  /* whose pool it is */
    const DiagnosisCatalogue *catalogue;
    SmtpDeadlines deadlines;
    gint64 idle_ms, stall_ms; /* 0: the limits; tests set them short */
} PoolParts;

Pool *pool_new(const PoolParts *parts, const PoolEvents *events, gpointer user);
void pool_free(Pool *pool); /* drops everything without telling */

/* Other settings, or other limits (max_connections, window) under the same number: no connection
 * made with the old ones is given another mail (see pool_drain). settings NULL: none (no new
 * session); under the number of the last ones these are still what is heard about. Copied; password
 * too, which is NULL with OAuth2. */
void pool_configure(Pool *pool, const SmtpSettings *settings, const Secret *password,
    const char *ehlo_name, gint64 config_version);

/* Takes the delivery. Sessions see it on the next turn of the loop. Without settings it is handed
 * back at once, as withdrawn. */
void pool_send(Pool *pool, EmailDelivery *delivery);

/* TRUE while a mail of this email waits or is under way: what is sent of it is what it was given.
 */
gboolean pool_holds(const Pool *pool, const Id *email_id);

/* The marks of these n are durable (TRUE), or the mail may not be sent any more (FALSE): then it
 * ends as withdrawn. Unknown ids are ignored: the attempt was over before the mark. */
void pool_marked(Pool *pool, const gint64 *recipient_ids, const gboolean *marked, guint n);

/* The marks could not be committed: the attempts end as not stored. */
void pool_mark_failed(Pool *pool, const gint64 *recipient_ids, guint n);

/* No connection may stay. What waits and what a session holds without having written any of it is
 * handed back, whether it is marked or not: as returned if its mark was asked for, else as
 * withdrawn. Sessions leave once the mails they have begun to write are decided, and a login that
 * has been said once it is answered. */
void pool_drain(Pool *pool);

/* After a drain, when there is no more time: drops every connection. The mails whose end has left
 * end as uncertain, all others are returned. */
void pool_break_off(Pool *pool);

guint pool_sessions(const Pool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)
