/* The failure catalogue: from what a server, TLS or the operating system said to what it means, how
 * to mend it, and what happens to the mail. Pure; rows are data/failures.json. Matching rules: that
 * file's match_semantics. */
#pragma once

#include <glib.h>

typedef struct diagnosis_catalogue DiagnosisCatalogue;

typedef enum {
    DIAGNOSIS_TEMPORARY = 1,
    DIAGNOSIS_PERMANENT,
    DIAGNOSIS_AUTH,
    DIAGNOSIS_CONFIG,
    DIAGNOSIS_REPUTATION,
    DIAGNOSIS_QUOTA
} DiagnosisClass;
typedef enum {
    DIAGNOSIS_FATE_NONE = 0, /* no reply decided */
    DIAGNOSIS_FATE_RETRY = 1,
    DIAGNOSIS_FATE_HOLD,
    DIAGNOSIS_FATE_BOUNCE
} DiagnosisFate;
typedef enum {
    DIAGNOSIS_RETRY_NONE = 1,
    DIAGNOSIS_RETRY_ONCE,
    DIAGNOSIS_RETRY_BACKOFF,
    DIAGNOSIS_RETRY_SLOW,
    DIAGNOSIS_RETRY_AFTER_WINDOW,
    DIAGNOSIS_RETRY_AFTER_FIX
} DiagnosisRetry;
typedef enum {
    DIAGNOSIS_BREAKER_NONE = 1,
    DIAGNOSIS_BREAKER_ACCOUNT,
    DIAGNOSIS_BREAKER_ACCOUNT_AFTER_3,
    DIAGNOSIS_BREAKER_DESTINATION
} DiagnosisBreaker;

/* What happened. Unknown things are NULL, 0 or -1. */
typedef struct {
    const char *phase; /* catalogue phase: config dns connect greeting ehlo starttls tls auth token
                          mail_from rcpt_to data after_data bounce */
    int code;          /* reply code or 0; in phase token the HTTP status */
    const char *enhanced;    /* "5.7.8" or NULL */
    const char *text;        /* reply text, any case, lines joined by '\n' or ' '; in phase token
                                "error: description"; behind a refused token its challenge too */
    const char *sys;         /* errno or gai name, or a synthetic name */
    long verify;             /* X509_V_ERR_*, 0: none */
    const char *tls;         /* OpenSSL reason */
    const char *host;        /* server name used */
    const char *certificate; /* name in the certificate */
    guint port;
    const char *family; /* "ipv4", "ipv6" */
    gboolean by_token;  /* the login was by OAuth2's token, not by a password */
} DiagnosisInput;

typedef struct {
    const char *id;
    DiagnosisClass class;
    DiagnosisRetry retry;
    gint64 wait_s; /* 0: none given */
    DiagnosisBreaker breaker;
    DiagnosisFate fate;
    gboolean overrides_code;
    const char *means_de, *means_en, *fix_de, *fix_en;
    const char *topic;          /* the manual's page: "login" */
    const char *const *actions; /* NULL-terminated, the likeliest first; see enums.action there */
} Diagnosis;

/* Reads the catalogue (bytes of failures.json). ABS_ERROR_INPUT names the row that is wrong. */
DiagnosisCatalogue *diagnosis_catalogue_new(const char *json, gsize n, GError **error);
void diagnosis_catalogue_free(DiagnosisCatalogue *catalogue);

/* Never NULL: unknown things fall to a true generic row. The row belongs to the catalogue. */
const Diagnosis *diagnosis_match(const DiagnosisCatalogue *catalogue, const DiagnosisInput *input);
const Diagnosis *diagnosis_by_id(
    const DiagnosisCatalogue *catalogue, const char *id); /* NULL: none */
guint diagnosis_catalogue_size(const DiagnosisCatalogue *catalogue);

/* The words of failures.json. */
const char *diagnosis_class_name(DiagnosisClass class);
const char *diagnosis_retry_name(DiagnosisRetry retry);
const char *diagnosis_breaker_name(DiagnosisBreaker breaker);

/* Where the manual explains it: "/manual/de/login.html#auth_failed_generic". language: "de" or
 * "en". The caller frees. */
char *diagnosis_manual_path(const Diagnosis *diagnosis, const char *language);

/* What to do with the mail, after the code_first rule: a 4yz is never bounced at once, a 5yz never
 * retried by itself; 5yz in phase auth or of class config, auth or quota is held. */
DiagnosisFate diagnosis_fate(const Diagnosis *diagnosis, const DiagnosisInput *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiagnosisCatalogue, diagnosis_catalogue_free)
