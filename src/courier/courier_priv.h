/* What the files of this folder share. */
#pragma once

#include "base/counter.h"
#include "courier/batch.h"
#include "courier/courier.h"
#include "courier/pool.h"
#include "outbox/outbox.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

/* Runs on a reading thread with a read-only connection. */
typedef void (*CourierRead)(Db *db, gpointer data);
/* Runs on the loop afterwards. */
typedef void (*CourierThen)(Courier *courier, gpointer data);

typedef struct {
    gint64 id;
    Courier *courier;
    SmtpState *state; /* as last read; NULL before the first read */
    Pool *pool;
    gboolean is_reading, read_again;
    GSource *reread;     /* the state could not be read */
    EmailGate gate;      /* as the outbox was told last; open at first */
    gboolean is_refused; /* and whether the login was */
    guint closings;      /* how often the gate has closed */
    guint health_turn;   /* how often the outbox said how the account is */
    GSource *wake;
    WallMs wake_at; /* for what time that is set, by the steady clock */
    Batch *fetches; /* mails to be read: dispatch.c */
    Batch *writes;  /* marks and records: writes.c */
    gboolean groups_will_go;
    EmailDelivery **at_hand; /* mails that a LOAD has brought along, while its event is taken */
} CourierOrg;

#define COURIER_JUMP_MS CLOCK_MINUTE_MS /* less is a clock being adjusted */

/* How the store's times were last brought in line with the wall clock. */
typedef struct {
    gint64 lead_ms;            /* of the wall clock over the steady one */
    gboolean waits_are_near;   /* no mail waits longer than it should */
    guint jumps, jumps_heeded; /* of the wall clock: there and back again is two */
    WallMs look_until;         /* steady: an outcome from before the jump may still be written */
} CourierClock;

struct courier {
    CourierParts parts;
    Outbox *outbox;
    GHashTable *orgs; /* org_id → CourierOrg */
    GHashTable *runs; /* verification id as text → VerificationRun */
    GThreadPool *readers;
    GThreadPool *mx_askers; /* sender_mx.c */
    Bearer *bearer;
    GSource *housekeeping;
    struct hourly *hourly;
    gboolean is_recovered; /* what the last run left behind is settled; nothing is sent before */
    CourierClock clock;
    guint jumps;    /* of the wall clock, as the events saw it */
    gint64 lead_ms; /* of the wall clock over the steady one, at the last event */
    guint pending;  /* reads and jobs whose completion has not come yet; loop thread only */
    gboolean is_stopping, grace_is_over;
    gint sessions; /* open; atomic */
    Counter accepted, rejected, deferred, uncertain, logins,
        login_failures; /* see CourierCounters */
};

/* Calls a function on the loop; thread-safe. */
void courier_call(Courier *courier, GSourceFunc function, gpointer data, GDestroyNotify destroy);

/* Reads off the loop, then continues on it. */
void courier_read(Courier *courier, CourierRead read, CourierThen then, gpointer data);

/* A job for the store whose end is heard on the loop; counted in `pending`. `then` is called in any
 * case, also when the queue is full, with the error or NULL. */
typedef void (*CourierWritten)(Courier *courier, gpointer data, const GError *error);
void courier_write(Courier *courier, StoreJob job, CourierWritten written, gpointer data);

/* The thread pool's function (offload.c). */
void courier_read_on_thread(gpointer reading, gpointer unused);

/* What has collected in the org's batches goes at the end of this turn of the loop, so that what
 * belongs together goes together. */
void courier_groups_go(CourierOrg *org);

/* dispatch.c: one event into the outbox, its effects carried out. `now` and `random` are filled in.
 * result: the facts of the attempt that ended, to be recorded with the decision. */
void courier_outbox_event(Courier *courier, OutboxEvent event);
void courier_outbox_event_with(Courier *courier, OutboxEvent event, const PoolResult *result);

Batch *courier_fetches_new(CourierOrg *org);

/* writes.c: the mark `sending` for these recipients; pool_marked or pool_mark_failed follows. */
void courier_mark(CourierOrg *org, const gint64 *recipient_ids, guint n);
/* What the outbox decided; OUTBOX_EVENT_RECORDED follows. result: the facts of the attempt, or NULL
 * when the outbox decided without one. */
void courier_record(CourierOrg *org, const OutboxEffect *effect, const PoolResult *result);
Batch *courier_writes_new(CourierOrg *org);

/* dispatch.c: the mail bears a sender that is not in force, and waits until it is. */
void courier_hold_sender(CourierOrg *org, gint64 recipient_id);

/* readdress.c: gives the email of a delivery the active settings' sender; OUTBOX_EVENT_ENDED
 * follows, and then it is fetched anew. Takes the delivery; FALSE: nothing was done, it was not
 * taken. */
gboolean courier_readdress(CourierOrg *org, EmailDelivery *delivery);

/* clock_set.c: part of housekeeping, on the writing thread. *clock counts once it is committed. */
gboolean courier_heed_clock(Db *db, CourierClock *clock, WallMs now, WallMs steady, GError **error);

/* org.c */
CourierOrg *courier_org(Courier *courier, gint64 org_id); /* made if it is new */
void courier_org_free(gpointer org);
void courier_org_read_state(
    CourierOrg *org); /* one read at a time; a change during it makes one more */
const char *courier_ehlo_name(const Courier *courier, const SmtpSettings *settings);
/* What the login guard remembers of a refused login: the password, so that it is not sent twice.
 * NULL, for OAuth2: something that equals nothing, since what was refused there is often mended at
 * the provider and right afterwards. */
void courier_login_fingerprint(
    Vault *vault, const Secret *password, guint8 fingerprint[VAULT_FINGERPRINT_BYTES]);

/* verification.c */
typedef struct verification_run VerificationRun;
void verification_run_free(VerificationRun *run);
