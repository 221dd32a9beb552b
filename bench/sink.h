/* The benchmark's SMTP server: it takes every mail, counts it (sink_tally.h) and forgets it. It
 * offers what it is told to offer, keeps the order of RFC 5321 strictly, answers each command after
 * a fixed time, and injects faults. It is the judge of the figures, so it shares no code with the
 * program.
 *
 *   sink.c          options, sockets, threads, the control port
 *   sink_session.c  one connection: bytes, TLS, the delay of the replies
 *   sink_smtp.c     one connection: commands and mails
 *
 * A session belongs to one worker thread for its whole life. */
#pragma once

#include "sink_tally.h"

#include <glib.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    gboolean pipelining, chunking, eightbitmime, smtputf8, dsn;
    gint64 size;  /* announced and kept; 0: none */
    char *limits; /* "MAILMAX=100 RCPTMAX=10" (RFC 9422), announced and kept; NULL */
    guint mail_max, recipient_max; /* from `limits`; 0: none */
    char *password;                /* NULL: any but the empty one */
    gint64 latency_ns;             /* from a command's arrival to its reply's departure */
    guint reject_rcpt;             /* every so manieth RCPT is answered 550; 0: none */
    guint defer;                   /* the same for the mail's end, 451 */
    guint drop_after_end; /* the mail is taken, its reply is never sent: the connection is cut */
    guint max_mails;      /* on one connection, then 421; 0: no end */
    guint connections;    /* at once; the next is greeted with 421; 0: no end */
} SinkConfig;

typedef struct {
    SinkConfig config;
    SSL_CTX *tls;
    Tally *tally;
    guint64 expected;
    atomic_uint open_sessions, n_recipients, n_ends; /* the last two count for the faults */
} Sink;

/* Something in an epoll set. */
typedef struct watch Watch;
struct watch {
    int fd;
    void *owner;
    void (*ready)(void *owner, uint32_t events);
};

typedef struct session Session;

typedef struct {
    Sink *sink;
    int epoll;
    Session *again; /* those with more to read than one turn allows */
    Session *dead;  /* to be freed when no event of this round can name them */
} Worker;

gboolean watch_add(Worker *worker, Watch *watch, uint32_t events);

/* --- sink_session.c ----------------------------------------------------------------------------
 */

/* Takes the connection; is_implicit: TLS from the first byte. */
void session_open(Worker *worker, int fd, gboolean is_implicit);
void sessions_continue(Worker *worker); /* those of `again` */
void sessions_bury(Worker *worker);     /* those of `dead` */

/* For sink_smtp.c: one reply or more, with CRLF; goes out with the others of its group. */
void session_reply(Session *session, const char *lines);
void session_start_tls(Session *session); /* once the replies so far are on their way */
/* No more input; once the replies so far are on their way the connection ends, with TLS's goodbye
 * or without. */
void session_end(Session *session, gboolean is_polite);

/* --- sink_smtp.c -------------------------------------------------------------------------------
 */

typedef enum {
    SMTP_COMMAND = 0,
    SMTP_AUTH_PLAIN,
    SMTP_AUTH_USER,
    SMTP_AUTH_PASSWORD,
    SMTP_DATA,
    SMTP_CHUNK,
} SmtpState;

enum { SMTP_HEAD_BYTES = 4096 }; /* kept of a mail, for its id */

typedef struct {
    Sink *sink;
    Session *session;
    SmtpState state;
    gboolean is_secure, is_greeted, is_logged_in, is_starting_tls, is_ended;
    /* the transaction */
    gboolean has_sender, is_chunked;
    guint n_recipients, n_mails;
    guint64 octets;
    guint dot_matched; /* of CR LF . CR LF */
    guint64 chunk_left;
    gboolean is_chunk_last;
    gsize n_head;
    char head[SMTP_HEAD_BYTES];
} Smtp;

void smtp_greet(Smtp *smtp);
/* Takes as much as can be understood; what is left (part of a line) must come again with more
 * behind it. */
gsize smtp_feed(Smtp *smtp, const char *data, gsize n);
void smtp_tls_is_up(Smtp *smtp);
