/* Does what the outbox decides: drives SMTP sessions for queued mail and for verifications, on the
 * loop thread. It joins outbox (who may go), store (what is durable), smtp (the protocol) and net
 * (the bytes), and holds no opinion of its own about mail. */
#pragma once

#include "diagnosis/diagnosis.h"
#include "net/dial.h"
#include "net/dns.h"
#include "net/tls.h"
#include "settings/settings.h"
#include "smtp/client.h"
#include "store/retention.h"
#include "store/store.h"
#include "store/verifications.h"
#include "vault/vault.h"

typedef struct courier Courier;

typedef struct {
    GMainContext *context; /* the loop's */
    Store *store;
    Vault *vault;
    const DiagnosisCatalogue *catalogue;
    NetDialer dialer;
    NetTlsClient *tls;
    NetDns *dns; /* asked for token servers, and where a sender's mail arrives when a run fails;
                    NULL: nobody */
    const char *ca_file;           /* token servers may be vouched for by it too; NULL: none */
    const char *default_ehlo_name; /* when the settings have none */
    SmtpDeadlines deadlines;       /* zeros in production; tests set them short */
    struct {
        const char *host; /* NULL: there is none */
        guint16 starttls_port, implicit_port;
    } sandbox;                /* our own server: nobody counts the logins it refuses */
    RetentionTerms retention; /* zeros: nothing is forgotten */
    gint64 hour_ms;           /* 0: an hour; tests set it short */
} CourierParts;

/* Listens to the store's changes from now on; starts working when the loop runs. */
Courier *courier_new(const CourierParts *parts);

/* Stops taking work. Mails of which nothing has been written are queued again at once; the others
 * get up to grace_ms for their reply. Then those whose end has left are recorded as uncertain, the
 * rest as queued. Runs the context until done. */
void courier_stop(Courier *courier, gint64 grace_ms);
void courier_free(Courier *courier);

/* What a verification's row says at its beginning: what is tested, and the ladder with every rung
 * pending. started_by: who, as a person reads it; NULL: unknown. */
Verification *courier_verification_new(gint64 org_id, const Id *id, const SmtpSettings *settings,
    gint64 revision, gboolean activate, const char *probe_recipient, const char *started_by,
    WallMs now);

/* Runs the verification that was committed like this, with exactly these settings; all is copied.
 * Thread-safe; every rung is written to the store. A run that fails before the certificate looks at
 * the same host's other port before it ends, and at other_ports (a 0 ends them; NULL: none), which
 * its provider is known to have. Ends in at most LIMIT_VERIFICATION_MS. */
void courier_verify(Courier *courier, const Verification *run, const SmtpSettings *settings,
    const guint16 *other_ports);

void courier_verify_cancel(Courier *courier, gint64 org_id, const Id *id);

/* TRUE for the sandbox's host with one of its ports. Thread-safe. */
gboolean courier_is_sandbox(const Courier *courier, const char *host, guint port);

/* What the last check of the books came to (store/books.h), of all organisations: at the start,
 * then every hour. */
typedef enum {
    COURIER_BOOKS_UNKNOWN = 0, /* the first check is under way */
    COURIER_BOOKS_BALANCED,
    COURIER_BOOKS_SUMS,   /* the sums do; there are too many recipients to count them as well */
    COURIER_BOOKS_FAULTY, /* the log says what is wrong */
} CourierBooks;
CourierBooks courier_books(Courier *courier); /* thread-safe */

/* For metrics: sessions open, and since the start: recipients by what their attempts came to, and
 * logins. Thread-safe. */
typedef struct {
    guint sessions;
    gint64 accepted, rejected, deferred, uncertain, logins, login_failures;
} CourierCounters;
void courier_counters(Courier *courier, CourierCounters *counters);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Courier, courier_free)
