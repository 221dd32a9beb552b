/* One SMTP submission session as a pure state machine (RFC 5321, 6409, 3207, 4954, 8314).
 *
 * It names no socket, TLS library, clock or thread: events come in with the time, effects go out.
 * The daemon, the verification, the command line, the tests and the fuzzer drive this same core. It
 * decides when TLS must start, never sends a credential before TLS_UP, matches each reply to its
 * command, and gives every recipient exactly one outcome. It must never log, guess, or skip bytes
 * it does not understand.
 *
 * Several mails can be in hand at once. How far the client writes ahead of the server's replies is
 * its *pace*: one command at a time; the commands of one mail in a group (PIPELINING, RFC 2920);
 * the next mail's MAIL RCPT DATA in the same write as a body (overlap, RFC 2920 3.1); or whole
 * mails, RSET MAIL RCPT BDAT LAST, up to `window` of them unanswered (CHUNKING, RFC 3030). What the
 * server offers bounds the pace, and so does the driver, which remembers what a server could not
 * follow. Writing over the end of a mail must first prove itself on each server: until it has, what
 * stands behind an unanswered end of a mail is only the next envelope, never another end, and once
 * that end is answered the envelope's replies have a short deadline. A server that swallows what
 * follows costs a pause, never a mail.
 *
 * Order for the driver: read the effects of one step completely and act on them before the next
 * step. SENT and MARKED are welcome in every state (they may come late, and then mean nothing).
 * After `close` every event is ignored. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "base/tls_mode.h"
#include "smtp/reply.h"

#include <glib.h>

typedef struct smtp_client SmtpClient;

/* Which rung of the ladder a session stands on; also the phase of a failure. The driver itself owns
 * dns, connect, tls and certificate. */
typedef enum {
    SMTP_PHASE_GREETING = 1,
    SMTP_PHASE_EHLO,
    SMTP_PHASE_STARTTLS,
    SMTP_PHASE_TLS, /* waiting for the driver's TLS_UP */
    SMTP_PHASE_AUTH,
    SMTP_PHASE_MAIL,       /* MAIL FROM: the ladder's "sender" */
    SMTP_PHASE_RCPT,       /* RCPT TO: the ladder's "recipient" */
    SMTP_PHASE_DATA,       /* DATA and the body, up to but without the final dot (or, with BDAT, the
                              last octet of the last chunk) */
    SMTP_PHASE_AFTER_DATA, /* the mail's end has left, its reply has not come */
    SMTP_PHASE_QUIT,
} SmtpPhase;

const char *smtp_phase_name(SmtpPhase phase); /* "greeting" … "after_data", as in failures.json */

/* Why a session ended other than by a reply. Names are the catalogue's synthetic sys names. */
typedef enum {
    SMTP_FAULT_NONE = 0,
    SMTP_FAULT_REPLY,   /* a reply said no: see reply */
    SMTP_FAULT_LOST,    /* the driver reported LOST */
    SMTP_FAULT_TIMEOUT, /* GREETING_TIMEOUT, DATA_TIMEOUT or ETIMEDOUT by phase */
    SMTP_FAULT_STARTTLS_NOT_OFFERED,
    SMTP_FAULT_PIPELINED_AFTER_STARTTLS, /* bytes behind the 220: somebody injects (RFC 3207 4) */
    SMTP_FAULT_AUTH_NOT_OFFERED,
    SMTP_FAULT_NO_COMMON_AUTH_MECHANISM,
    SMTP_FAULT_BEARER_NOT_OFFERED, /* a token in hand, but neither OAUTHBEARER nor XOAUTH2 */
    SMTP_FAULT_MALFORMED_REPLY,    /* not SMTP, bare LF, NUL, mixed codes, over a limit */
    SMTP_FAULT_UNEXPECTED_REPLY,   /* a reply nobody asked for, or a code that fits no state */
    SMTP_FAULT_OUT_OF_STEP, /* a complaint about a command that was in order (503, 500): it lost
                               count */
    SMTP_FAULT_WITHDRAWN,   /* we broke off: a mail was taken back when its end was due */
    SMTP_FAULT_TOO_LATE,    /* of that mail, if it was `latest_at` that took it back */
    SMTP_FAULT_SASL,        /* bad challenge, the server could not prove itself (SCRAM), or a token
                               that cannot be written */
} SmtpFault;

/* The catalogue's name ("STARTTLS_NOT_OFFERED"); NULL where the reply or the driver's cause speaks.
 */
const char *smtp_fault_sys_name(SmtpFault fault, SmtpPhase phase);

/* What the server announced (RFC 5321 4.1.1.1), forgotten at TLS_UP. */
typedef struct {
    gboolean starttls, auth, pipelining, chunking, eightbitmime, smtputf8, dsn, enhanced_codes,
        size_known;
    guint64 size_max;                   /* SIZE; 0 with size_known: no fixed limit (RFC 1870) */
    guint auth_mechanisms;              /* SMTP_AUTH_* bits */
    guint limit_mailmax, limit_rcptmax; /* LIMITS (RFC 9422); 0: not announced */
} SmtpCapabilities;

enum {
    SMTP_AUTH_PLAIN = 1 << 0,
    SMTP_AUTH_LOGIN = 1 << 1,
    SMTP_AUTH_SCRAM_SHA_256 = 1 << 2,
    SMTP_AUTH_XOAUTH2 = 1 << 3,
    SMTP_AUTH_OAUTHBEARER = 1 << 4,
    SMTP_AUTH_OTHER = 1 << 5, /* offered, but nothing this client does */
};

/* Deadlines in milliseconds; 0 means the limit of base/limits.h. Tests set them short. */
typedef struct {
    gint64 greeting_ms, command_ms, data_go_ms, data_block_ms, final_reply_ms, quit_ms;
    gint64 trial_ms; /* least time for a reply while overlap proves itself; the client waits ten
                        times the slowest reply of the session if that is longer */
} SmtpDeadlines;

/* How far ahead of the server's replies the client may write; each includes those before it. */
typedef enum {
    SMTP_PACE_STEPWISE = 1, /* one command at a time */
    SMTP_PACE_GROUPS,       /* the commands of one mail, if the server offers PIPELINING */
    SMTP_PACE_OVERLAP,      /* and the next envelope behind a body */
    SMTP_PACE_WINDOW,       /* and whole mails, if the server offers CHUNKING too */
} SmtpPace;

typedef struct {
    TlsMode security;
    const char *ehlo_name;      /* FQDN or address literal (RFC 5321 4.1.4); copied */
    const char *username;       /* copied */
    const Secret *password;     /* copied; NULL with a bearer token */
    const Secret *bearer_token; /* OAuth2's access token; copied. NULL: log in by password */
    const char *host;           /* with a token: the server as configured, for OAUTHBEARER (RFC 7628
                                   3.1); copied */
    guint port;                 /* with a token: the same */
    guint allowed_mechanisms;   /* SMTP_AUTH_* bits; SCRAM only if the driver answers `want_sasl`.
                                   With a token only OAUTHBEARER (better) and XOAUTH2 count, without
                                   only the others: whoever has a token never sends the password */
    SmtpDeadlines deadlines;
    SmtpPace pace;        /* at most; 0: SMTP_PACE_WINDOW */
    guint window;         /* mails unanswered with CHUNKING, 1 to LIMIT_WINDOW; 0:
                             LIMIT_WINDOW_DEFAULT; 1: no mail leaves before the last was answered */
    gboolean is_proven;   /* this server has followed an overlap before (effect `proved`) */
    gboolean wants_lines; /* the conversation is to be shown: say `lines` */
} SmtpClientConfig;

/* One message for one or more recipients, or a probe: MAIL, RCPT (if any), RSET and nothing else. A
 * probe has an outcome for each recipient (phase MAIL or RCPT; ACCEPTED means that address was
 * taken), or, without recipients, one with index 0 that tells MAIL's fate.
 *
 * What this server cannot be given (too large, 8-bit or international without the extension, an
 * address that cannot be written, bare CR or LF in the content) is REJECTED at once with a reply in
 * our own words, and the session stays `ready`. */
typedef struct {
    guint64 token;      /* the driver's name for it; comes back in every outcome */
    const char *sender; /* addr-spec without angle brackets; "" is the null reverse-path */
    const char *const
        *recipients; /* NULL-terminated addr-specs, at most LIMIT_RECIPIENTS_PER_TRANSACTION */
    GBytes *content; /* complete message, CRLF lines, not dot-stuffed; NULL for a probe */
    gboolean needs_eightbitmime, needs_smtputf8;
    gboolean marks_late; /* its mark is asked for when its turn to be written comes, not when it is
                            taken in hand: for mail that must not be in doubt lightly */
    MonoMs latest_at; /* from then on its end does not leave any more, which may cost the session:
                         DEFERRED with SMTP_FAULT_TOO_LATE; 0: it may leave at any time */
    /* Delivery status notifications, said only to servers that offer DSN (RFC 3461) */
    const char *envelope_id; /* ENVID, printable ASCII, at most LIMIT_ENVELOPE_ID_OCTETS; NULL */
    gboolean return_headers; /* RET=HDRS: what comes back must not show the content */
    guint notify;            /* NOTIFY: SMTP_NOTIFY_* bits; 0: as the server does by itself */
} SmtpMail;

enum {
    SMTP_NOTIFY_NEVER = 1 << 0, /* alone */
    SMTP_NOTIFY_SUCCESS = 1 << 1,
    SMTP_NOTIFY_FAILURE = 1 << 2,
    SMTP_NOTIFY_DELAY = 1 << 3,
};

typedef enum {
    SMTP_EVENT_CONNECTED =
        1, /* TCP is up, nothing read yet; for implicit TLS too (the core asks for TLS) */
    SMTP_EVENT_BYTES,    /* bytes arrived, any split */
    SMTP_EVENT_TLS_UP,   /* the handshake succeeded and chain and name are verified */
    SMTP_EVENT_SENT,     /* everything from `send` is on its way: more may be given */
    SMTP_EVENT_SASL,     /* the driver's answer to want_sasl */
    SMTP_EVENT_MAIL,     /* the next mail; only while there is `room`; a probe only while `ready` */
    SMTP_EVENT_MARKED,   /* the store has committed `sending` for `tokens`: their ends may leave */
    SMTP_EVENT_WITHDRAW, /* the driver takes mail `token` back: no outcome follows. If nothing of it
                            has been written it is as if it had never been given; if its end has not
                            left it never will, which may cost the session; afterwards it is too
                            late and the event means nothing. */
    SMTP_EVENT_QUIT,     /* no more mails: leave politely; only while `ready` */
    SMTP_EVENT_DEADLINE, /* the time of `deadline` has come */
    SMTP_EVENT_LOST,     /* the connection is gone (or TLS failed); no further event */
} SmtpEventKind;

typedef struct {
    SmtpEventKind kind;
    MonoMs now;
    struct {
        const guint8 *data;
        gsize n;
    } bytes; /* BYTES */
    struct {
        const Secret *response; /* base64, as it goes on the wire (what gsasl_step64 gives); NULL:
                                   nothing to say (sends an empty response) */
        gboolean done;          /* the mechanism is satisfied, as far as the client side goes */
        gboolean failed;        /* cancel with "*" (RFC 4954 4) */
    } sasl;                     /* SASL */
    const SmtpMail *mail;       /* MAIL; copied as needed */
    const guint64 *tokens;      /* MARKED; unknown ones mean nothing */
    guint n_tokens;
    guint64 token; /* WITHDRAW */
} SmtpEvent;

typedef enum {
    SMTP_OUTCOME_ACCEPTED = 1, /* 2yz after the end: the server has taken responsibility */
    SMTP_OUTCOME_REJECTED,     /* 5yz for this recipient, this sender or this message */
    SMTP_OUTCOME_DEFERRED,     /* 4yz, or the session ended before the mail's end left, or by 421 */
    SMTP_OUTCOME_UNCERTAIN,    /* the mail's end left and no reply came */
} SmtpOutcomeKind;

typedef struct {
    guint64 token;
    guint recipient; /* index in SmtpMail.recipients */
    SmtpOutcomeKind kind;
    SmtpPhase phase;        /* whose reply decided */
    const SmtpReply *reply; /* NULL if no reply decided; lent until the next step */
    SmtpFault fault;        /* set when the session's end decided; SMTP_FAULT_REPLY: by this reply
                               (421, or one that came before the body was complete) */
    gboolean was_held;      /* nothing of the mail had been written; without reply and fault: it is
                               handed back, for another session */
} SmtpOutcome;

/* A rung reached, for the ladder. Each of GREETING, EHLO, STARTTLS, TLS and AUTH comes once; MAIL
 * and RCPT only for a probe. */
typedef struct {
    SmtpPhase phase;
    const SmtpReply *reply; /* the reply that ended it; NULL for TLS; lent until the next step */
} SmtpPassed;

/* One line of conversation fit to show: credentials are labels ("AUTH PLAIN [redacted]"). */
typedef struct {
    gboolean from_client;
    char *text; /* printable UTF-8, at most LIMIT_PEER_TEXT_CHARACTERS; lent until the next step */
} SmtpLine;

/* Valid until the next step, and also when the step ended the session. */
typedef struct {
    const GByteArray *send;     /* write all of it, then report SENT (len 0: nothing) */
    gboolean send_is_secret;    /* holds a credential: never record it */
    gboolean start_tls;         /* start the handshake now; report TLS_UP or LOST */
    gboolean want_sasl;         /* run one SASL step and report SASL */
    const char *sasl_mechanism; /* "SCRAM-SHA-256" */
    const char *sasl_challenge; /* base64 as the server sent it; NULL for the initial response */
    gboolean ready;             /* logged in with nothing in hand: MAIL, probe or QUIT is welcome */
    guint room;           /* so many MAIL events are welcome now; 0 before the login, and after
                             LIMIT_SPOILT_MAILS_PER_SESSION: then QUIT, and use another */
    const guint64 *begun; /* mails taken in hand: commit their `sending`, then say MARKED */
    guint n_begun;
    gboolean proved;     /* said once: this server follows an overlap; remember it for is_proven */
    gboolean probe_done; /* the probe's RSET was answered; outcomes say how it went */
    gboolean close;      /* close the connection; the session is over (`send` is empty) */
    MonoMs deadline;     /* report DEADLINE then; 0: none */
    const SmtpOutcome *outcomes;
    guint n_outcomes;
    const SmtpPassed *passed;
    guint n_passed;
    const SmtpLine *lines;
    guint n_lines;
} SmtpClientEffects;

SmtpClient *smtp_client_new(const SmtpClientConfig *config);
void smtp_client_free(SmtpClient *client);

/* One step. Never fails: what goes wrong is an effect (outcomes, close) and smtp_client_failure().
 * Events that make no sense in the current state are our driver's bug and abort, except LOST and
 * DEADLINE, which are always welcome. effects is owned by the client. */
const SmtpClientEffects *smtp_client_step(SmtpClient *client, const SmtpEvent *event);

/* What went wrong and where, if the session ended or is about to end for another reason than our
 * QUIT; NULL while all is well. A server that said no in good order (535) still gets a QUIT, so
 * this may be known before `close`. A session lost while it was `ready` fails in phase MAIL. */
typedef struct {
    SmtpPhase phase;
    SmtpFault fault;
    const SmtpReply *reply; /* NULL unless a reply said no; owned by the client */
    const char *challenge;  /* what the server said about a refused token in front of its reply:
                               JSON (RFC 7628 3.2.2), printable, at most LIMIT_CHALLENGE_CHARACTERS,
                               nothing of the token in it; NULL: nothing. Owned by the client */
    gboolean lost_step;     /* it failed while several commands were under way, in a way that one
                               command at a time may mend: use SMTP_PACE_STEPWISE from now on */
} SmtpFailure;
const SmtpFailure *smtp_client_failure(const SmtpClient *client);

/* The words that the failure catalogue looks at: the challenge and the reply's text, a space
 * between them. NULL if there are none. The caller frees. */
char *smtp_failure_text_dup(const SmtpFailure *failure);

const SmtpCapabilities *smtp_client_capabilities(const SmtpClient *client);
const char *smtp_client_state_name(const SmtpClient *client);     /* for logs and tests */
const char *smtp_client_auth_mechanism(const SmtpClient *client); /* NULL before AUTH */
SmtpPace smtp_client_pace(const SmtpClient *client); /* the one in use; 0 before the login */

/* TRUE while this mail is in hand and nothing of it has been written: WITHDRAW leaves no trace. */
gboolean smtp_client_is_held(const SmtpClient *client, guint64 token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpClient, smtp_client_free)
