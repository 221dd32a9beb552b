/* One session with a provider: dial, TLS and the client core as one thing that climbs a ladder of
 * rungs, becomes ready, takes as many mails as there is room for, and ends. Used by the pool for
 * queued mail and by verifications. On the loop thread only.
 *
 * Inside a callback the session may be freed only in `probe_done`, `room` and `ended`; that is also
 * where the functions below may be called. From inside those functions no callback comes but
 * `outcome` (a mail this server cannot be given, or one that is too late) and `begun`: all else
 * follows on the next turn of the loop, and so does what they write, together. */
#pragma once

#include "courier/bearer.h"
#include "diagnosis/diagnosis.h"
#include "net/dial.h"
#include "smtp/client.h"

#include <glib.h>

typedef struct session Session;

/* The rungs of the ladder (DESIGN 1). */
typedef enum {
    RUNG_TOKEN = 0, /* with OAuth2 */
    RUNG_DNS,
    RUNG_CONNECT,
    RUNG_GREETING,
    RUNG_EHLO,
    RUNG_STARTTLS,
    RUNG_TLS,
    RUNG_CERTIFICATE,
    RUNG_AUTH,
    RUNG_SENDER,
    RUNG_RECIPIENT,
    RUNG_COUNT,
} Rung;

const char *rung_name(Rung rung); /* "token", "dns" … "recipient" */

/* The rungs of a whole verification in order; returns how many. with_token: by OAuth2. */
guint rung_ladder(
    TlsMode security, gboolean with_token, gboolean with_recipient, Rung ladder[RUNG_COUNT]);

typedef struct {
    const NetDialer *dialer;
    NetTlsClient *tls;
    const char *host; /* A-label form or IP literal; never empty */
    guint16 port;
    TlsMode security;
    const char *username;
    const Secret *password;       /* NULL with a bearer */
    Bearer *bearer;               /* OAuth2: gives the token before anything is connected to, and a
                                     newer one, once, when the login refuses what was kept for a while.
                                     NULL: by password */
    gint64 org_id;                /* with a bearer: whose account */
    const SmtpSettings *settings; /* the same: which */
    gboolean wants_fresh_token;   /* the token server is asked, whatever is kept */
    const char *ehlo_name;
    SmtpDeadlines deadlines;
    SmtpPace pace; /* at most; 0: as the server offers */
    guint window;
    gboolean is_proven;          /* see SmtpClientConfig */
    gboolean stops_before_login; /* ends where AUTH would begin: rung AUTH, without a reply, with
                                    NO_COMMON_AUTH_MECHANISM if the server offers a login at all;
                                    no username or password is needed or sent */
} SessionConfig; /* borrowed during session_open; what is needed longer is copied, but dialer and
                    tls must live on */

/* Why a session ended, ready to be matched: strings are lent during `ended`. */
typedef struct {
    Rung rung;
    gboolean is_no_verdict; /* rung TOKEN: the token server could not be asked, or not now; else it
                               refused for good, as a login is refused */
    DiagnosisInput input;   /* phase, reply, sys, TLS facts */
    gboolean text_may_be_shown;    /* DESIGN rule 9: TLS verified, or a public address. The text may
                                      be what was said instead of a greeting */
    const NetTlsInfo *certificate; /* of a refused one; NULL */
    gboolean lost_step;            /* see SmtpFailure */
} SessionFailure;

typedef struct {
    /* A rung was climbed. detail: a fact to show (addresses, TLS version, reply), or NULL. */
    void (*rung)(Rung rung, const char *detail, gpointer user);
    void (*tls)(const NetTlsInfo *info, gpointer user);
    void (*line)(gboolean from_client, const char *text, gpointer user);
    /* How one recipient fared. Do not call into the session from here. */
    void (*outcome)(const SmtpOutcome *outcome, gpointer user);
    void (*probe_done)(gpointer user);
    /* These are in hand, and the store is to commit `sending` for them; then session_mark. Do not
     * call into the session from here. */
    void (*begun)(const guint64 *tokens, guint n, gpointer user);
    void (*proved)(gpointer user); /* the server follows an overlap */
    /* session_room() may have changed and is not 0; or the session is ready without room: then it
     * is to be left. */
    void (*room)(gpointer user);
    void (*ended)(
        const SessionFailure *failure, gpointer user); /* NULL after a quit; the last callback */
} SessionEvents;

Session *session_open(const SessionConfig *config, const SessionEvents *events, gpointer user);
void session_free(Session *session); /* drops the connection at once; no callback afterwards */

/* How many mails are welcome now; a probe or quit is welcome while session_is_ready. */
guint session_room(const Session *session);
gboolean session_is_ready(const Session *session);
void session_send(Session *session, const SmtpMail *mail); /* strings and content are copied or
                                                              referenced */
void session_mark(Session *session, const guint64 *tokens, guint n); /* `sending` is durable */
void session_withdraw(Session *session, guint64 token);              /* see SMTP_EVENT_WITHDRAW */
void session_quit(Session *session);

/* TRUE while nothing of this mail has been written: to withdraw it leaves no trace. */
gboolean session_is_held(const Session *session, guint64 token);

/* Once it is connected, and from outside its callbacks: drops the connection as if it had been
 * lost. An `outcome` for each mail in hand and `ended` come before this returns. */
void session_break_off(Session *session);

const SmtpCapabilities *session_capabilities(
    const Session *session);                                /* NULL before the connection stands */
const char *session_auth_mechanism(const Session *session); /* NULL before AUTH */
SmtpPace session_pace(const Session *session);              /* 0 before the login */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)
