/* The client session from inside, shared by client.c (states and steps), client_login.c (greeting
 * to AUTH), client_transaction.c (mails) and client_transcript.c (lines to show).
 *
 * How a step works: an event, or each reply found in its bytes, goes to the state's handler, which
 * moves the session to its next state and thereby gives it a *turn*. When everything that arrived
 * has been read, the state's `speak` says what the state waits for an answer to. Nothing is ever
 * sent while unread bytes are there: they would be taken for its answer. */
#pragma once

#include "smtp/body.h"
#include "smtp/client.h"

typedef enum {
    WAIT_CONNECTED = 0,
    WAIT_GREETING,
    WAIT_EHLO, /* before TLS: all it can lead to is STARTTLS */
    WAIT_STARTTLS,
    WAIT_TLS,
    WAIT_EHLO_TLS,
    WAIT_SASL,   /* for the driver's mechanism */
    WAIT_AUTH,   /* for 334 or the end of AUTH */
    WAIT_CANCEL, /* "*" has been said */
    READY,       /* for the next mail */
    WAIT_ENVELOPE,
    WAIT_BODY_SENT,
    WAIT_MARKED, /* all but the final dot has left */
    WAIT_FINAL,
    WAIT_RSET,
    WAIT_QUIT,
    CLOSED,
} ClientState;

/* What the next line of AUTH is. */
typedef enum {
    SAY_AUTH = 0,
    SAY_USERNAME,
    SAY_PASSWORD,
    SAY_RESPONSE,
} LoginTurn;

typedef enum {
    RECIPIENT_OPEN = 0, /* no reply yet */
    RECIPIENT_TAKEN,    /* RCPT was answered 2yz */
    RECIPIENT_DECIDED,  /* its outcome has been given */
} RecipientState;

/* One mail on its way. */
typedef struct {
    guint64 token;
    char *sender;
    char **recipients;
    guint n_recipients;
    RecipientState *states; /* n_recipients, but one for a probe without any */
    GBytes *content;        /* NULL: probe */
    gboolean eightbitmime, smtputf8;
    gboolean mail_written, data_written;
    guint next_recipient;  /* index of the next RCPT to write */
    gboolean data_go;      /* 354 came */
    gboolean is_marked;    /* the store knows: the dot may leave */
    gboolean dot_has_left; /* from now on the end of the session means UNCERTAIN */
    SmtpBodyEncoder body;
} Transaction;

/* A command that was sent and whose reply has not come. */
typedef struct {
    SmtpPhase phase; /* MAIL, RCPT or DATA */
    Transaction *transaction;
    guint recipient; /* RCPT */
} Expected;

struct smtp_client {
    SmtpClientConfig config; /* strings and secret are ours */
    guint state;             /* ClientState, moved by client_enter only */
    gboolean has_turn, tls_is_up, has_failed;
    SmtpReplyReader *reader;
    SmtpCapabilities capabilities;
    guint mechanism; /* SMTP_AUTH_* bit, 0 before AUTH */
    LoginTurn login_turn;
    Secret *sasl_response; /* the driver's, until it is written */
    char *sasl_challenge;  /* lent with the effects */
    gboolean sasl_is_done, sasl_has_begun;
    GQueue expected;          /* of Expected, oldest first */
    Transaction *transaction; /* the mail in hand; NULL: none */
    MonoMs now, deadline;

    /* What the effects of this step point to */
    GByteArray *send;
    GArray *outcomes, *passed, *lines;
    GPtrArray *replies; /* kept for the driver until the next step */
    SmtpClientEffects effects;
    SmtpFailure failure;
    SmtpReply *failure_reply;
};

/* --- client.c -------------------------------------------------------------------------------- */

/* The only way to another state. The state's `speak` runs at the end of this step. */
void client_enter(SmtpClient *client, ClientState state);

/* The rung the session stands on. */
SmtpPhase client_phase(const SmtpClient *client);

/* Ends the session: what is undecided gets its outcome, nothing more is sent. reply: borrowed; with
 * SMTP_FAULT_REPLY only. */
void client_fail(SmtpClient *client, SmtpFault fault, const SmtpReply *reply);

/* Ends it with the same result, but says QUIT first if TLS is up (RFC 5321 4.1.1.10; before TLS
 * only EHLO and STARTTLS may be said). For servers that said no in good order. */
void client_give_up(SmtpClient *client, SmtpFault fault, const SmtpReply *reply);

/* A reply that is not the one hoped for: 4yz and 5yz are the server's no, all else is no SMTP. */
void client_refused(SmtpClient *client, const SmtpReply *reply);

void client_pass(SmtpClient *client, SmtpPhase phase, const SmtpReply *reply);
void client_set_deadline(SmtpClient *client, gint64 configured_ms, gint64 limit_ms);

/* --- client_login.c -------------------------------------------------------------------------- */

void login_on_greeting(SmtpClient *client, const SmtpReply *reply);
void login_on_ehlo(SmtpClient *client, const SmtpReply *reply);
void login_on_starttls(SmtpClient *client, const SmtpReply *reply);
void login_on_tls_up(SmtpClient *client);
void login_on_ehlo_tls(SmtpClient *client, const SmtpReply *reply);
void login_on_sasl(SmtpClient *client, const SmtpEvent *event);
void login_on_auth(SmtpClient *client, const SmtpReply *reply);
void login_on_cancel(SmtpClient *client, const SmtpReply *reply);
void login_speak_greeting(SmtpClient *client);
void login_speak_ehlo(SmtpClient *client);
void login_speak_starttls(SmtpClient *client);
void login_speak_tls(SmtpClient *client);
void login_speak_sasl(SmtpClient *client);
void login_speak_auth(SmtpClient *client);
void login_speak_cancel(SmtpClient *client);

/* --- client_transaction.c -------------------------------------------------------------------- */

/* Begins the mail, or refuses it on the spot and stays ready. */
void transaction_begin(SmtpClient *client, const SmtpMail *mail);
void transaction_free(Transaction *transaction);

/* The session ends: every recipient without an outcome gets one. */
void transaction_abandon(SmtpClient *client, SmtpFault fault, const SmtpReply *reply);

void transaction_on_marked(SmtpClient *client, guint64 token);
void transaction_on_sent(SmtpClient *client);
void transaction_on_envelope(SmtpClient *client, const SmtpReply *reply);
void transaction_on_early(SmtpClient *client, const SmtpReply *reply);
void transaction_on_final(SmtpClient *client, const SmtpReply *reply);
void transaction_on_rset(SmtpClient *client, const SmtpReply *reply);
void transaction_speak_envelope(SmtpClient *client);
void transaction_speak_body(SmtpClient *client);
void transaction_speak_marked(SmtpClient *client);
void transaction_speak_final(SmtpClient *client);
void transaction_speak_rset(SmtpClient *client);

/* --- client_transcript.c --------------------------------------------------------------------- */

/* What stands behind position `from` of the send buffer, one line each. */
void transcript_sent(SmtpClient *client, guint from);
void transcript_label(SmtpClient *client, const char *label);
void transcript_reply(SmtpClient *client, const SmtpReply *reply);
void transcript_line_clear(gpointer line);
