/* The client session from inside, shared by client.c (states and steps), client_login.c (greeting
 * to AUTH), client_transaction.c (one mail: objections, outcomes), client_writing.c (what is
 * written next, and how far ahead), client_replies.c (what each reply means for its mail) and
 * client_transcript.c (lines to show).
 *
 * How a step works: an event, or each reply found in its bytes, goes to the state's handler, which
 * moves the session to its next state and thereby gives it a *turn*. When everything that arrived
 * has been read, the state's `speak` says what the state waits for an answer to. Until mails flow,
 * nothing is ever sent while unread bytes are there: they would be taken for its answer.
 *
 * While mails flow (SERVING) every command that is sent leaves an Expected behind, and the replies
 * are matched to them in order. The mails in hand stand in one queue. Those in front of `writer`
 * have been written whole and wait for their last reply; the writer itself is being written; those
 * behind it wait for their turn. */
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
    READY,       /* for a mail */
    SERVING,     /* mails are in hand */
    WAIT_QUIT,
    CLOSED,
} ClientState;

/* What the next line of AUTH is. */
typedef enum {
    SAY_AUTH = 0,
    SAY_INITIAL, /* the initial response that was too long to stand behind AUTH */
    SAY_USERNAME,
    SAY_PASSWORD,
    SAY_RESPONSE,
    SAY_DUMMY, /* to a server that has said why it refuses the token */
} LoginTurn;

typedef enum {
    RECIPIENT_OPEN = 0, /* no reply yet */
    RECIPIENT_TAKEN,    /* RCPT was answered 2yz */
    RECIPIENT_DECIDED,  /* its outcome has been given */
} RecipientState;

/* How far one mail has come. */
typedef enum {
    STAGE_HELD = 0, /* in hand, nothing of it written */
    STAGE_ENVELOPE, /* its commands are being written and answered */
    STAGE_CONTENT,  /* its content is being written, up to but without its end */
    STAGE_FINAL,    /* its end has left: from now on the end of the session means UNCERTAIN */
    STAGE_OVER,
} Stage;

/* One mail in hand. */
typedef struct {
    guint64 token;
    guint stage; /* Stage, moved by transaction_enter only */
    char *sender;
    char **recipients;
    guint n_recipients;
    RecipientState *states; /* n_recipients, but one for a probe without any */
    GBytes *content;        /* NULL: probe */
    gboolean eightbitmime, smtputf8, return_headers;
    char *envelope_id;
    guint notify;
    gboolean is_chunked; /* BDAT, not DATA */
    gboolean is_ahead;   /* begun while the end of another mail was unanswered */
    gboolean reset_due;  /* RSET is to be written next: in front of a mail, behind a probe */
    gboolean mail_written, data_written;
    guint next_recipient; /* index of the next RCPT to write */
    guint n_unanswered;   /* of its entries in `expected` */
    gboolean data_go;     /* 354 came */
    gboolean is_taken;    /* a RCPT was answered 2yz: a lone dot would deliver an empty mail */
    gboolean marks_late, mark_is_asked;
    MonoMs latest_at;                       /* its end may not leave then or later; 0: it may */
    gboolean is_marked;                     /* the store knows: the end may leave */
    gboolean is_withdrawn, content_is_said; /* said: in the transcript */
    SmtpBodyEncoder body;                   /* DATA */
    gsize chunk_at;                         /* BDAT: next octet to be written */
} Transaction;

/* A command, or the end of a mail, whose reply has not come. */
typedef enum {
    EXPECT_RSET = 1,
    EXPECT_MAIL,
    EXPECT_RCPT,
    EXPECT_DATA,
    EXPECT_FINAL, /* to the final dot, or to the last chunk */
} ExpectedKind;

typedef struct {
    ExpectedKind kind;
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
    gboolean sasl_is_done, sasl_has_begun, initial_is_due;
    char *challenge;         /* why the token was refused; NULL: it was not, or nothing was said */
    SmtpPace pace;           /* in use; 0 before the login */
    GQueue expected;         /* of Expected, oldest first */
    GQueue mails;            /* of Transaction, oldest first */
    guint n_final;           /* of them whose end has left */
    GList *writer;           /* link in `mails`: the first that is not written whole; NULL: none */
    gboolean is_dirty;       /* the server may hold half a transaction: RSET before the next MAIL */
    guint n_spoilt;          /* mails of this session that were not taken */
    gboolean is_out_of_step; /* no further mail is begun; leave when all replies are in */
    gboolean is_proven;      /* this server follows an overlap */
    gboolean has_been_ahead; /* a mail was begun while another's end was unanswered */
    const Transaction *trial; /* the envelope that proves it; NULL: none */
    MonoMs due_since;         /* when the first of `expected` became the first */
    gint64 slowest_ms;        /* reply so far */
    gsize n_unsent;           /* octets given to the driver since it last said SENT */
    MonoMs now, deadline;     /* `deadline` is the next of those that stand */
    MonoMs reply_deadline, write_deadline, rest_deadline; /* 0: none. rest: of half a reply */

    /* What the effects of this step point to */
    GByteArray *send;
    GArray *outcomes, *passed, *lines, *begun;
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
gint64 client_or_limit(gint64 configured_ms, gint64 limit_ms);

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

/* To be asked of every reply before anybody else sees it: one about the login that repeats the
 * credential keeps only its codes. */
void login_withhold(const SmtpClient *client, SmtpReply *reply);

/* --- client_transaction.c -------------------------------------------------------------------- */

void transaction_free(Transaction *transaction);
void transaction_enter(Transaction *transaction, Stage stage);

/* TRUE while a recipient has no outcome. */
gboolean transaction_is_wanted(const Transaction *transaction);

/* What a reply means for a recipient. FALSE: it fits no command (1yz, 3yz). */
gboolean transaction_outcome_of(const SmtpReply *reply, SmtpOutcomeKind *kind);

/* One recipient's outcome, or that of all who have none yet. */
void transaction_decide(SmtpClient *client, Transaction *transaction, guint recipient,
    SmtpOutcomeKind kind, SmtpPhase phase, SmtpFault fault, const SmtpReply *reply);
void transaction_decide_all(SmtpClient *client, Transaction *transaction, SmtpOutcomeKind kind,
    SmtpPhase phase, SmtpFault fault, const SmtpReply *reply);

/* Once: commit `sending` for it. */
void transaction_ask_mark(SmtpClient *client, Transaction *transaction);

/* Takes the mail in hand, or refuses it on the spot as this server would have to. */
void mails_take(SmtpClient *client, const SmtpMail *mail);
void mails_mark(SmtpClient *client, const guint64 *tokens, guint n);
void mails_withdraw(SmtpClient *client, guint64 token);

gboolean transaction_is_late(const SmtpClient *client, const Transaction *transaction);

/* To be asked where a mail is begun and where its end would leave: TRUE if it is too late for that,
 * and the mail has its outcome now. The session may be over. */
gboolean mails_give_up_late(SmtpClient *client, Transaction *transaction);

/* The mail is through. */
void mails_drop(SmtpClient *client, Transaction *transaction);
void mails_hand_back(SmtpClient *client); /* those of which nothing has been written */

/* The session ends: every recipient without an outcome gets one. */
void mails_abandon(SmtpClient *client, SmtpFault fault, const SmtpReply *reply);

/* --- client_writing.c ------------------------------------------------------------------------ */

/* How far ahead to write on this server; after the login. */
void writing_choose_pace(SmtpClient *client);

/* How many more mails may be taken in hand. */
guint writing_room(const SmtpClient *client);

/* Writes everything that may leave now. */
void writing_speak(SmtpClient *client);

/* TRUE if what the first of `expected` answers has left whole. Whatever reply has begun before that
 * answers nothing. */
gboolean writing_is_reply_due(const SmtpClient *client);

/* The first of `expected` is another one, or is due only now: it has its own deadline. */
void writing_time_reply(SmtpClient *client);

/* --- client_replies.c ------------------------------------------------------------------------ */

void replies_on_reply(SmtpClient *client, const SmtpReply *reply);

/* After every event: mails that are through go, and with the last one the session is ready. */
void replies_settle(SmtpClient *client);

/* --- client_transcript.c --------------------------------------------------------------------- */

/* What stands behind position `from` of the send buffer, one line each. */
void transcript_sent(SmtpClient *client, guint from);
void transcript_label(SmtpClient *client, const char *label);
void transcript_reply(SmtpClient *client, const SmtpReply *reply);
void transcript_line_clear(gpointer line);
