/* The catalogue as the matcher sees it. Private to diagnosis/. */
#pragma once

#include "diagnosis/diagnosis.h"
#include "diagnosis/phrases.h"

typedef enum {
    PHASE_CONFIG,
    PHASE_DNS,
    PHASE_CONNECT,
    PHASE_GREETING,
    PHASE_EHLO,
    PHASE_STARTTLS,
    PHASE_TLS,
    PHASE_AUTH,
    PHASE_TOKEN,
    PHASE_MAIL_FROM,
    PHASE_RCPT_TO,
    PHASE_DATA,
    PHASE_AFTER_DATA,
    PHASE_BOUNCE,
    PHASE_UNKNOWN, /* all rows may fit, by more than a bare code */
    PHASES
} Phase;

Phase phase_parse(const char *name); /* NULL and unknown names: PHASE_UNKNOWN */

/* Which of the inputs an alternative asks for. */
typedef enum {
    KEY_TEXT = 1 << 0,
    KEY_CODE = 1 << 1,
    KEY_ENHANCED = 1 << 2,
    KEY_SYS = 1 << 3,
    KEY_VERIFY = 1 << 4,
    KEY_TLS = 1 << 5,
    KEY_HOST = 1 << 6,
    KEY_CERTIFICATE = 1 << 7,
    KEY_PORT = 1 << 8,
    KEY_FAMILY = 1 << 9,
    KEY_CODE_CLASS = 1 << 10,
    KEY_PHASE_EXACT = 1 << 11,
    KEY_ANY_SYS = 1 << 12,
    KEY_ANY_TLS = 1 << 13,
    KEY_ANY_VERIFY = 1 << 14,
    KEY_BY_TOKEN = 1 << 15,
} Key;

#define DIAGNOSIS_ACTIONS_MAX 6 /* of one row: more buttons are no help */

/* Fits when every key it has fits; strings belong to the catalogue. */
typedef struct {
    guint keys;   /* of Key */
    guint n_keys; /* how many bits are set */
    int rank;     /* its own, or the row's */
    guint16 *texts;
    guint n_texts;
    gsize text_octets; /* of all texts together */
    guint tls;         /* phrase number */
    int code, code_class;
    long verify;
    guint port;
    Phase phase_exact;
    const char *enhanced, *sys, *host, *certificate, *family;
} Alternative;

typedef struct {
    Diagnosis diagnosis;
    const char *actions[DIAGNOSIS_ACTIONS_MAX + 1]; /* what diagnosis.actions points to */
    guint phases;                                   /* 1 << Phase; 0: all */
    int rank; /* the highest one of its alternatives may have */
    Alternative *alternatives;
    guint n_alternatives;
} Row;

struct diagnosis_catalogue {
    Row *rows; /* as in the file */
    guint n_rows;
    GHashTable *by_id; /* id → Row */
    GPtrArray
        *by_phase[PHASES]; /* the rows that may fit, highest rank first, then as in the file */
    Phrases *phrases;
    GStringChunk *strings;
};
