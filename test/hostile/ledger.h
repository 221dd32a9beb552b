/* What was really said between a client and a server, written down by a third who belongs to
 * neither: each command of the client, and the reply that stood at its place in the server's
 * stream. It is the judge of both tests in this folder: it shares no code with the client, knows
 * nothing of its states, and decides from the octets alone what a true client may say of a mail.
 *
 * A mail is known by its addresses: token 7 is from <s7@...> to <r7.0@...>, <r7.1@...> and so on.
 */
#pragma once

#include "smtp/client.h"

#include <glib.h>

enum { LEDGER_MAILS = 32, LEDGER_RECIPIENTS = 4 };

/* What the server has to answer. */
typedef enum {
    ASKED_GREETING = 1, /* nobody asks, the connection does */
    ASKED_EHLO,
    ASKED_STARTTLS,
    ASKED_AUTH,
    ASKED_SASL, /* a further line of AUTH */
    ASKED_MAIL,
    ASKED_RCPT,
    ASKED_DATA,
    ASKED_END,        /* the final dot */
    ASKED_CHUNK,      /* BDAT with all its octets, not the last */
    ASKED_LAST_CHUNK, /* BDAT LAST with all its octets */
    ASKED_RSET,
    ASKED_QUIT,
    ASKED_OTHER, /* no command of ours */
} Asked;

typedef struct {
    Asked what;
    guint mail, recipient; /* of the transaction; the recipient's index for RCPT */
} Ask;

typedef struct {
    gboolean is_begun;                       /* MAIL was said */
    int mail, rcpt[LEDGER_RECIPIENTS], data; /* reply codes; 0: no reply */
    int chunk;                               /* of the first BDAT that was refused */
    int final;                               /* to the end */
    int early;                               /* came while the body was on its way */
    gboolean end_has_left;                   /* all octets up to the end have been sent */
    guint n_ends;                            /* how often: more than once is a duplicate */
    GByteArray *content;                     /* as received, dots unstuffed */
} LedgerMail;

typedef struct {
    /* The server may answer now, from inside. */
    void (*asked)(const Ask *ask, gpointer user);
    /* The first octets of a body or chunk have come, its end has not. */
    void (*body)(guint mail, gpointer user);
} LedgerEvents;

typedef struct ledger Ledger;

/* events NULL: nobody wants to know. is_remote: it stands at the server's side, where a
 * question may still be on its way when it is answered: a reply too many answers the next one. */
Ledger *ledger_new(gboolean is_remote, const LedgerEvents *events, gpointer user);
void ledger_free(Ledger *ledger);

/* The connection stands (STARTTLS), or TLS does (implicit): the greeting is due. */
void ledger_greet(Ledger *ledger);
void ledger_tls_is_up(Ledger *ledger);

/* Octets in the order in which they left the client, or reached it. */
void ledger_client_said(Ledger *ledger, const guint8 *data, gsize n);
void ledger_server_said(Ledger *ledger, const guint8 *data, gsize n);

/* --- Judgement ---------------------------------------------------------------------------------
 */

/* What may be said of a recipient when the session is over: bits 1 << SmtpOutcomeKind. */
guint ledger_fates(const Ledger *ledger, guint mail, guint recipient);

/* NULL, or what the client must never do and did: a credential before TLS, commands out of order,
 * octets behind a command that ends a group. */
const char *ledger_violation(const Ledger *ledger);

const LedgerMail *ledger_mail(const Ledger *ledger, guint mail);
guint ledger_count(const Ledger *ledger, Asked what); /* how often it was asked */
guint ledger_unanswered_ends(const Ledger *ledger);
guint ledger_unanswered(const Ledger *ledger);
gboolean ledger_was_ahead(const Ledger *ledger); /* octets came together with the next command's */
gboolean ledger_saw_421(const Ledger *ledger);
SmtpPhase ledger_phase(const Ledger *ledger); /* of the oldest unanswered question; 0: none */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)
