/* Verification runs: written rung by rung while they happen, so that a page that comes late sees
 * the same ladder. */
#pragma once

#include "store/store.h"

typedef enum {
    VERIFICATION_RUNNING = 1,
    VERIFICATION_PASSED,
    VERIFICATION_FAILED,
    VERIFICATION_CANCELLED,
} VerificationState;
const char *verification_state_name(VerificationState state);

typedef enum {
    PHASE_PENDING = 0,
    PHASE_RUNNING,
    PHASE_PASSED,
    PHASE_FAILED,
    PHASE_SKIPPED,
} PhaseState;
const char *phase_state_name(PhaseState state);

typedef struct {
    char *name; /* "dns", "connect", … */
    PhaseState state;
    gint64 ms;    /* how long it took; -1 while unknown */
    char *detail; /* language-neutral fact: addresses, TLS version, reply summary; may be NULL */
} VerificationPhase;

typedef struct {
    gboolean from_client;
    char *text;
} VerificationLine;

/* What a failed run found at the same host's other port. */
typedef enum {
    SIBLING_UNKNOWN = 0, /* not looked at */
    SIBLING_OPEN,        /* speaks SMTP over verified TLS and offers a login */
    SIBLING_CLOSED,
} SiblingState;

typedef struct {
    gint64 org_id;
    Id id;
    VerificationState state;
    gint64 revision; /* of the settings it is bound to */
    gboolean activate;
    char *host, *username, *from_email, *probe_recipient; /* what was tested */
    guint port;
    char *security;
    WallMs started_at, finished_at;
    GPtrArray *phases; /* of VerificationPhase, in order */
    GPtrArray *lines;  /* of VerificationLine */
    char *diagnosis;   /* catalogue id, NULL if none */
    char *diagnosis_phase;
    int reply_code;
    char *reply_enhanced, *reply_text; /* text only where it may be shown (DESIGN rule 9) */
    char *error_name; /* "ECONNREFUSED", "GREETING_TIMEOUT", an OpenSSL reason … NULL if none */
    char *tls_version, *tls_cipher, *certificate_subject, *certificate_issuer, *certificate_names;
    WallMs certificate_not_before, certificate_not_after;
    char *capabilities; /* the EHLO keywords after TLS, one a line */
    char *auth_mechanism;
    gboolean activated;
    char *started_by;   /* as a person reads it: an address, "API", "operator"; NULL: unknown */
    guint sibling_port; /* its kind of TLS: tls_mode_for_port; 0 with SIBLING_UNKNOWN */
    SiblingState sibling;
    char *sender_mx; /* the best MX host of the sender's domain; NULL: not asked, or none */
} Verification;

Verification *verification_new(void);
Verification *verification_copy(const Verification *verification); /* deep */
void verification_free(Verification *verification);

/* Inserts or overwrites the whole run (a few hundred bytes); of an organisation's the newest
 * LIMIT_VERIFICATIONS are kept. Notes VERIFICATION, and SETTINGS when it is not running or has just
 * begun. */
gboolean verification_write(Db *db, const Verification *verification, GError **error);

/* NULL without error: no such run. */
Verification *verification_get(Db *db, gint64 org_id, const Id *id, GError **error);

/* At start: runs that were running are cancelled, and some of the runs removed that are too many.
 */
gboolean verifications_recover(Db *db, WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verification, verification_free)
