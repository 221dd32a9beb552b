/* One SMTP submission session from the server's side, as a pure state machine of the same shape as
 * smtp/client.h (RFC 5321, 6409, 3207, 4954, 2920, 1870, 2034, 6152, 3030, 6531, 3461). It serves
 * the sandbox now and the listener for applications later. It knows the protocol; the driver knows
 * who may log in and what to do with a mail, and answers each `ask` with a VERDICT.
 *
 * It never offers AUTH before TLS, refuses everything but EHLO, NOOP, RSET, QUIT and STARTTLS
 * there, closes when bytes follow STARTTLS in the same segment, ends content only at CRLF.CRLF or
 * with the last octet of the last chunk, and refuses bare CR and bare LF in both. Too many errors,
 * failed logins or commands that lead nowhere end the session with 421 (LIMIT_SERVER_* in
 * base/limits.h). What a client wrote ahead of a refusal (RFC 2920) is no error of its own.
 *
 * Order for the driver: write `send`, then start TLS or close if told so. Events after `close` are
 * ignored. While an ask is open, stop reading from the socket if you can: bytes are kept up to
 * LIMIT_SERVER_PENDING_OCTETS. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "base/tls_mode.h"

#include <glib.h>

typedef struct smtp_server SmtpServer;

typedef struct {
    TlsMode security;
    const char *host_name; /* in the greeting; copied */
    guint64 size_max;      /* announced with SIZE and enforced */
    guint recipients_max;
    guint auth_mechanisms; /* of smtp/client.h: SMTP_AUTH_PLAIN, LOGIN, XOAUTH2, OAUTHBEARER */
    gboolean pipelining, eightbitmime, chunking, dsn,
        offer_starttls; /* capabilities can be switched off by tests */
    gboolean smtputf8;  /* offered only together with eightbitmime (RFC 6531 3.1) */
    gint64 command_ms;  /* idle limit; 0: LIMIT_COMMAND_MS */
} SmtpServerConfig;

typedef enum {
    SMTP_SERVER_EVENT_CONNECTED = 1,
    SMTP_SERVER_EVENT_BYTES,
    SMTP_SERVER_EVENT_TLS_UP,
    SMTP_SERVER_EVENT_SENT,
    SMTP_SERVER_EVENT_VERDICT,
    SMTP_SERVER_EVENT_DEADLINE,
    SMTP_SERVER_EVENT_LOST,
} SmtpServerEventKind;

typedef struct {
    SmtpServerEventKind kind;
    MonoMs now;
    struct {
        const guint8 *data;
        gsize n;
    } bytes;
    struct {
        int code;              /* the reply to send; 0 means "the ordinary success". A code of the
                                  same first digit is a success too, all others refuse */
        const char *enhanced;  /* may be NULL */
        const char *text;      /* one line; may be NULL for the ordinary words */
        const char *challenge; /* a token is refused: JSON that goes in front of the reply as a 334,
                                  which the client answers (RFC 7628 3.2.3); NULL: none */
        gboolean close;        /* after the reply */
        gboolean drop;         /* close at once without a reply */
    } verdict;
} SmtpServerEvent;

typedef enum {
    SMTP_ASK_NOTHING = 0,
    SMTP_ASK_LOGIN,     /* username and password, or token: may they? */
    SMTP_ASK_SENDER,    /* MAIL FROM */
    SMTP_ASK_RECIPIENT, /* RCPT TO */
    SMTP_ASK_DATA,      /* before 354; BDAT has no such moment */
    SMTP_ASK_MESSAGE,   /* the whole mail: take responsibility? */
} SmtpAsk;

/* What a failure report shall bring back (RFC 3461 4.3). */
typedef enum {
    SMTP_RETURN_UNSAID = 0,
    SMTP_RETURN_FULL,
    SMTP_RETURN_HEADERS,
} SmtpReturn;

typedef struct {
    const GByteArray *send;
    gboolean start_tls;
    gboolean close;
    MonoMs deadline;
    SmtpAsk ask; /* said once; at most one at a time; nothing further happens until the VERDICT */
    const char *username;       /* LOGIN; like all below lent until the VERDICT */
    const Secret *password;     /* LOGIN; NULL with a token */
    const Secret *bearer_token; /* LOGIN by XOAUTH2 or OAUTHBEARER; NULL with a password */
    const char *sender;    /* SENDER, RECIPIENT, MESSAGE: addr-spec, "" for the null reverse-path */
    const char *recipient; /* RECIPIENT */
    const char *const *recipients;  /* MESSAGE: the accepted ones, NULL-terminated */
    GBytes *content;                /* MESSAGE: CRLF lines, dots unstuffed; what came by BDAT is as
                                       it was sent and may lack a CRLF at the end */
    gboolean smtputf8;              /* SENDER, RECIPIENT, MESSAGE: addresses may be UTF-8 */
    SmtpReturn return_content;      /* SENDER, RECIPIENT, MESSAGE: RET */
    const char *envelope_id;        /* the same: ENVID decoded, printable ASCII, or NULL */
    guint notify;                   /* RECIPIENT: SMTP_NOTIFY_* bits of smtp/client.h; 0: unsaid */
    const char *original_recipient; /* RECIPIENT: ORCPT decoded, "rfc822;a@b", or NULL */
} SmtpServerEffects;

SmtpServer *smtp_server_new(const SmtpServerConfig *config);
void smtp_server_free(SmtpServer *server);
const SmtpServerEffects *smtp_server_step(SmtpServer *server, const SmtpServerEvent *event);
const char *smtp_server_state_name(const SmtpServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpServer, smtp_server_free)
