/* Webhooks: where alerts go that must not go by mail, what is told there, and how far that has
 * come.
 *
 * An event is written in the job in which it happens (webhook_note and the functions behind it), so
 * that it is told exactly if it is durable. What goes out is read and recorded by notify/. While no
 * webhook wants a type, noting it costs one look at a flag of the connection.
 *
 * Events are kept for LIMIT_WEBHOOK_KEEP_MS, so that they can be told again, and at most
 * LIMIT_WEBHOOK_EVENTS of them: the oldest go. */
#pragma once

#include "base/secret.h"
#include "store/recipients.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

/* --- Types ----------------------------------------------------------------------------------- */

/* "email.accepted" … "reset.waiting": what a webhook may ask for, a bit each. webhook.test is none
 * of them: it goes to the webhook that is tried. */
#define WEBHOOK_TEST "webhook.test"
#define WEBHOOK_DATE_NEAR "date.near"
const char *webhook_type_name(guint bit); /* NULL: there is no such type */
guint webhook_type_bit(const char *name); /* 0: there is no such type */
guint webhook_types_all(void);

/* --- Webhooks -------------------------------------------------------------------------------- */

typedef struct {
    gint64 row, org_id;
    Id id;
    char *url, *name; /* name NULL: none */
    guint events;     /* bits, at least one */
    GBytes *secret_sealed;
    gboolean is_enabled;
    WallMs created_at, succeeded_at, failed_at; /* 0: never */
    char *
        failure; /* what went wrong last, since the last success: WEBHOOK_FAILED_*; NULL: nothing */
    gint64 waiting; /* events on their way; webhooks_waiting does not count them */
    WallMs next_at; /* the earliest of them; 0: none */
} Webhook;

/* Why it did not arrive. */
#define WEBHOOK_FAILED_NO_ADDRESS "no_address" /* the name leads nowhere */
#define WEBHOOK_FAILED_DENIED "denied"         /* the address policy forbids where it leads */
#define WEBHOOK_FAILED_REFUSED "refused"       /* nobody listens there, or there is no way there */
#define WEBHOOK_FAILED_TLS "tls"               /* no TLS came about */
#define WEBHOOK_FAILED_CERTIFICATE "certificate" /* not trusted, or for another name */
#define WEBHOOK_FAILED_NO_ANSWER "no_answer"     /* too slow, or the answer broke off */
#define WEBHOOK_FAILED_STATUS "status"           /* no success; stored with it: "status 503" */
#define WEBHOOK_FAILED_GONE "gone"               /* 410: it is switched off */
#define WEBHOOK_FAILED_TOO_OLD "too_old"         /* LIMIT_WEBHOOK_LIFETIME_MS are over */
#define WEBHOOK_FAILED_SECRET "secret"           /* the sealed secret cannot be opened */
#define WEBHOOK_FAILED_OVERFLOW "overflow" /* events were lost: more than LIMIT_WEBHOOK_EVENTS */

void webhook_free(Webhook *webhook);

/* A fresh secret of WEBHOOK_SECRET_BYTES, and its text as the receiver needs it: "whsec_…"
 * (Standard Webhooks). */
#define WEBHOOK_SECRET_BYTES 32
Secret *webhook_secret_make(void);
Secret *webhook_secret_text(const Secret *secret);
GBytes *webhook_secret_seal(Vault *vault, gint64 org_id, const Id *id, const Secret *secret);
Secret *webhook_secret_open(Vault *vault, const Webhook *webhook, GError **error);

/* Inside jobs. Each notes WEBHOOKS. ABS_ERROR_LIMIT: there are LIMIT_WEBHOOKS already;
 * ABS_ERROR_NOT_FOUND: the org has no such webhook. */
gboolean webhook_insert(Db *db, const Webhook *webhook, GError **error);
/* Writes url, name, events and is_enabled; switched on again, its last failure is forgotten. */
gboolean webhook_update(Db *db, const Webhook *webhook, GError **error);
gboolean webhook_secret_write(
    Db *db, gint64 org_id, const Id *id, GBytes *secret_sealed, GError **error);
/* It is gone for everybody at once; what it leaves goes with webhooks_tidy. */
gboolean webhook_remove(Db *db, gint64 org_id, const Id *id, GError **error);

GPtrArray *webhooks_list(Db *db, gint64 org_id, GError **error); /* of Webhook, oldest first */
Webhook *webhook_get(Db *db, gint64 org_id, const Id *id, GError **error); /* ABS_ERROR_NOT_FOUND */

/* --- Events: inside the job where it happens ------------------------------------------------- */

/* data: a JSON object, never with content of a mail or a secret; the body that is sent is
 * {"type": …, "timestamp": …, "data": data}. */
gboolean webhook_note(
    Db *db, gint64 org_id, const char *type, const char *data, WallMs now, GError **error);

/* TRUE if somebody wants one of these types: what costs something to describe asks first. A failed
 * look counts as yes, and webhook_note says what is wrong. */
gboolean webhook_is_wanted(Db *db, guint types);

/* After a recipient moved (and its attempt is on record). Of a reset whose mail has ended without
 * going out, also that it waits for a person. */
gboolean webhook_note_move(
    Db *db, const Recipient *recipient, EmailState to, WallMs now, GError **error);

/* Before the switch, the health or the active settings are written: what is told is the change. */
gboolean webhook_note_sending(Db *db, gint64 org_id, gboolean enabled, const char *reason,
    WallMs until, const char *changed_by, WallMs now, GError **error);
gboolean webhook_note_health(Db *db, gint64 org_id, gint64 config_version, Health health,
    const char *diagnosis, WallMs now, GError **error);
gboolean webhook_note_activation(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 config_version_before, WallMs now, GError **error);

/* A reset waits for a person, for no mail carries its link. */
gboolean webhook_note_reset(
    Db *db, gint64 org_id, const Id *id, WallMs asked_at, WallMs now, GError **error);

/* After a run was written. */
gboolean webhook_note_verification(Db *db, const Verification *verification, GError **error);

/* --- Deliveries ------------------------------------------------------------------------------ */

typedef enum {
    WEBHOOK_WAITING = 1,
    WEBHOOK_DELIVERED,
    WEBHOOK_GIVEN_UP,
} WebhookState;
const char *webhook_state_name(WebhookState state);

typedef struct {
    gint64 row;
    Id event_id;
    char *type, *body; /* body NULL in lists */
    WallMs happened_at;
    WebhookState state;
    guint attempts;
    WallMs next_at, gives_up_at, updated_at; /* next_at 0: at its end */
    int status;                              /* of the last answer; 0: none came */
    char *error;                             /* WEBHOOK_FAILED_*; NULL: none */
} WebhookDelivery;

void webhook_delivery_free(WebhookDelivery *delivery);

/* Of WebhookDelivery, newest event first. after: older than that event; before: the next newer
 * ones. *has_more: there are more that way. Unknown cursors give an empty list. */
GPtrArray *webhook_deliveries_list(Db *db, gint64 webhook_row, const Id *after, const Id *before,
    guint limit, gboolean *has_more, GError **error);

/* An event for this webhook alone, due now. NULL with ABS_ERROR_NOT_FOUND; ABS_ERROR_CONFLICT: it
 * is switched off. */
WebhookDelivery *webhook_try(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error);

/* The event goes to the webhook once more, now; it has LIMIT_WEBHOOK_LIFETIME_MS from now on.
 * ABS_ERROR_NOT_FOUND: no such webhook, or the event was none for it or is forgotten;
 * ABS_ERROR_CONFLICT: it is switched off. */
WebhookDelivery *webhook_replay(
    Db *db, gint64 org_id, const Id *id, const Id *event_id, WallMs now, GError **error);

/* For notify/: of Webhook, those of all organisations that are switched on and have something
 * waiting. */
GPtrArray *webhooks_waiting(Db *db, GError **error);

/* Of WebhookDelivery with its body: the next ones that are due, oldest first. */
GPtrArray *webhook_due(Db *db, gint64 webhook_row, WallMs now, guint limit, GError **error);

/* What became of some deliveries of one webhook. */
typedef struct {
    gint64 row;
    WebhookState state;
    WallMs next_at;      /* 0: at its end */
    int status;          /* 0: no answer */
    const char *failure; /* WEBHOOK_FAILED_*; NULL: it arrived */
} WebhookResult;

/* Each counts as an attempt. The last one decides what the webhook says of itself; `gone` switches
 * it off. What was removed meanwhile is passed over. */
gboolean webhook_record(Db *db, gint64 webhook_row, const WebhookResult *results, guint n,
    gboolean gone, WallMs now, GError **error);

/* Gives up what is too old and forgets old events and what removed webhooks left, at most `limit`
 * of each; *more: there is more. */
gboolean webhooks_tidy(Db *db, WallMs now, guint limit, gboolean *more, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Webhook, webhook_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WebhookDelivery, webhook_delivery_free)
