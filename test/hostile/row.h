/* One row of the matrix: a server that behaves in every step but one, and what a client has to make
 * of it. */
#pragma once

#include "base/tls_mode.h"
#include "identity.h"
#include "wire.h"

#include <glib.h>

enum { ROW_MAILS = 3, ROW_NOBODY = -1 };

/* Where in the conversation. */
typedef enum {
    STEP_GREETING = 0,
    STEP_EHLO, /* before TLS */
    STEP_STARTTLS,
    STEP_EHLO_TLS, /* the one that counts */
    STEP_AUTH,
    STEP_USERNAME, /* LOGIN only */
    STEP_PASSWORD,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_BODY, /* the body has begun and its end is held back */
    STEP_END,
    STEP_CHUNK, /* BDAT LAST with all its octets */
    STEP_RSET,
    STEP_QUIT,
    STEP_COUNT,
} Step;

/* What the server offers, and with it how far ahead the client writes. */
typedef enum {
    FLOW_STEPS = 0, /* nothing: one command at a time */
    FLOW_OVERLAP,   /* PIPELINING */
    FLOW_WINDOW,    /* PIPELINING and CHUNKING */
    FLOW_COUNT,
} Flow;

typedef enum {
    ACT_NOTHING = 0,
    ACT_CODE,        /* the ordinary reply with another code */
    ACT_SAY,         /* text instead of it */
    ACT_ADD,         /* it, and text behind it in the same record */
    ACT_MUTE,        /* not a word from now on */
    ACT_HALF,        /* half of it, then not a word */
    ACT_DRIP,        /* octet by octet, too slowly */
    ACT_SLOW,        /* octet by octet, in time */
    ACT_CUT,         /* the end instead of it */
    ACT_HALF_CUT,    /* half of it, then the end */
    ACT_CUT_BEHIND,  /* it, then the end */
    ACT_FLOOD,       /* text without end */
    ACT_BESIDE,      /* octets beside TLS instead of it */
    ACT_KEY_UPDATE,  /* TLS 1.3: new keys, then it */
    ACT_RENEGOTIATE, /* TLS 1.2: a new handshake, then it */
} Act;

/* What the client must take it for. */
typedef enum {
    SEEN_WELL = 0,   /* nothing amiss: the session ends by QUIT */
    SEEN_REFUSAL,    /* a reply said no; the code is the row's */
    SEEN_MALFORMED,  /* MALFORMED_REPLY */
    SEEN_UNEXPECTED, /* UNEXPECTED_REPLY */
    SEEN_INJECTION,  /* PIPELINED_AFTER_STARTTLS */
    SEEN_TIMEOUT,
    SEEN_LATE,     /* the same, after a deadline that cannot be set */
    SEEN_LOST,     /* EOF, ECONNRESET or EPIPE */
    SEEN_CUT,      /* the same, in the phase the ledger names; nothing amiss once QUIT was said */
    SEEN_TLS,      /* OpenSSL said no */
    SEEN_IDENTITY, /* as the identity's row says */
    SEEN_FAILURE,  /* any failure: where and which depends on the moment */
    SEEN_ANY,      /* a failure or none */
} Seen;

typedef struct {
    const char *name;
    Act act;
    const char *text; /* NULL: none */
    int code;
    Seen seen;
    WireCut cut;
} Manner;

typedef struct {
    char *name;
    const char *group; /* rows that are counted together; interned */
    TlsMode security;
    Flow flow;
    gboolean is_proven; /* the client has seen this server follow before */
    gboolean boasts;    /* offers much before TLS that is not true */
    gboolean by_login;  /* AUTH LOGIN instead of PLAIN */
    Step step;
    guint nth; /* mail, from STEP_MAIL on */
    Manner manner;
    int refused;                           /* mail whose recipient is refused; ROW_NOBODY */
    gboolean takes_empty;                  /* 354 even when no recipient is left */
    gboolean marks_late;                   /* they come after a while */
    int withheld;                          /* mail whose mark never comes; ROW_NOBODY */
    gssize cut_written, cut_read, cut_raw; /* cut after so many octets; -1: never */
    WireCut cut;
    gsize grain;          /* octets in one TLS record; 0: as they come */
    const char *injected; /* plaintext behind the 220, or before implicit TLS */
    gsize split;          /* of "220 ..." and it, where the second write begins */
    guint identity;
    gsize n_content;   /* octets of each mail; 0: a few lines */
    gboolean is_short; /* the client's deadlines are, though it need not come to that */
    /* The verdict */
    Seen seen;
    gboolean loses_step; /* the client must not write ahead to this server again */
    const char *phase;   /* of the catalogue, one or two with '|'; NULL: not looked at */
} Row;

void row_free(Row *row);

/* One more row with a good server, named GROUP/WHAT/SECURITY/FLOW. */
Row *row_add(GPtrArray *rows, const char *group, TlsMode security, Flow flow, const char *what);
const char *row_phase(Step step);
const char *row_step_name(Step step);
const char *row_flow_name(Flow flow);

typedef struct {
    gsize written, read; /* octets of a whole session in clear */
} RowTraffic;

typedef struct {
    gboolean is_full;
    guint64 seed; /* which of the further cuts the short form takes */
    RowTraffic traffic[TLS_MODE_IMPLICIT + 1][FLOW_COUNT]; /* of the plain rows */
} RowChoice;

/* The tables; each appends its rows. */
void rows_of_plain(GPtrArray *rows); /* nothing hostile: to be run first */
void rows_of_steps(GPtrArray *rows, const RowChoice *choice);
void rows_of_cuts(GPtrArray *rows, const RowChoice *choice);
void rows_of_tls(GPtrArray *rows, const RowChoice *choice);
void rows_of_replies(GPtrArray *rows, const RowChoice *choice);
