/* The server session from inside, shared by server.c (states, input, verdicts), server_commands.c
 * (the command table), server_parameters.c (what stands behind a path), server_chunks.c (BDAT) and
 * server_auth.c (AUTH). */
#pragma once

#include "smtp/body.h"
#include "smtp/server.h"

typedef enum {
    SERVER_WAIT_CONNECTED = 0,
    SERVER_WAIT_TLS,
    SERVER_WAIT_COMMAND,
    SERVER_WAIT_RESPONSE, /* the next line belongs to AUTH */
    SERVER_WAIT_VERDICT,
    SERVER_WAIT_BODY,
    SERVER_WAIT_CHUNK, /* octets behind a BDAT */
    SERVER_CLOSED,
} ServerState;

/* Which line of AUTH comes next. */
typedef enum {
    SERVER_AUTH_PLAIN = 0, /* everything in one */
    SERVER_AUTH_USERNAME,
    SERVER_AUTH_PASSWORD,
    SERVER_AUTH_BEARER,  /* name and token in one */
    SERVER_AUTH_REFUSED, /* the challenge has said why; whatever comes is answered with the no */
} ServerAuthTurn;

/* How the content of a transaction comes. The two ways never mix (RFC 3030 2). */
typedef enum {
    SERVER_CONTENT_UNBEGUN = 0,
    SERVER_CONTENT_DATA,
    SERVER_CONTENT_CHUNKS, /* at least one BDAT was taken */
    SERVER_CONTENT_FAILED, /* a chunk was not: nothing but RSET or EHLO leads on */
} ServerContent;

/* A no in our own words. */
typedef struct {
    int code;
    const char *enhanced, *text;
} ServerRefusal;

/* What stands behind the path of MAIL or RCPT. */
typedef struct {
    gboolean smtputf8;
    SmtpReturn return_content;
    char *envelope_id; /* NULL: not said */
    guint notify;
    char *original_recipient; /* NULL: not said */
} ServerParameters;

struct smtp_server {
    SmtpServerConfig config;
    guint state;   /* ServerState, moved by server_enter only */
    SmtpAsk asked; /* in WAIT_VERDICT: what about */
    gboolean tls_is_up, has_greeted, is_logged_in;
    gboolean is_skipping; /* the rest of a line that was too long */
    ServerAuthTurn auth_turn;
    guint bearer_mechanism; /* in AUTH_BEARER: SMTP_AUTH_XOAUTH2 or SMTP_AUTH_OAUTHBEARER */
    char *username;
    Secret *password, *bearer_token;
    struct {
        int code;
        char *enhanced, *text;
        gboolean close;
    } refusal; /* in AUTH_REFUSED: the no that is still to be said */

    char *sender;                     /* NULL: no transaction */
    ServerParameters mail_parameters; /* of this transaction */
    gboolean mail_was_refused;        /* the last MAIL; what was written behind it could not know */
    GPtrArray *recipients; /* of char *, the accepted ones, without the closing NULL until asked */
    char *candidate;       /* the recipient in question */
    ServerParameters candidate_parameters;
    ServerContent content_way;
    SmtpBodyDecoder *decoder; /* DATA */
    GByteArray *chunks;       /* BDAT: what has been taken; NULL: nothing yet */
    struct {
        guint64 n_left; /* octets still to come */
        gboolean is_last, is_tiny;
        const ServerRefusal *refusal; /* throw them away, then say this; NULL: take them */
    } chunk;                          /* the one at hand */
    gsize n_block_octets;             /* of the body since the deadline was last set */
    GBytes *content;

    GByteArray *pending; /* read but not yet understood, from n_understood on */
    gsize n_understood;
    guint n_bad, n_idle, n_login_failures;
    MonoMs now, deadline;
    GByteArray *send;
    SmtpServerEffects effects;
};

void server_enter(SmtpServer *server, ServerState state);

/* One reply of one line. enhanced may be NULL; text is ours or the driver's, ASCII. */
void server_reply(SmtpServer *server, int code, const char *enhanced, const char *text);

/* The same for what the client did wrong; too much of it ends the session with 421. */
void server_refuse(SmtpServer *server, int code, const char *enhanced, const char *text);

/* TRUE while what comes out of order may only stand behind something refused: a client that writes
 * ahead (RFC 2920) could not know. */
gboolean server_wrote_ahead(const SmtpServer *server);

/* Refuses what is out of order: an error, or, where the client wrote ahead, small talk. */
void server_refuse_order(SmtpServer *server, const ServerRefusal *refusal);

/* Counts a command that moves nothing forward. FALSE: there were too many (T62), and the session
 * has been ended with 421. */
gboolean server_allow_idle(SmtpServer *server);

/* Closes when what is in `send` has been written. */
void server_close(SmtpServer *server);

/* Asks the driver; input waits until the verdict. */
void server_ask(SmtpServer *server, SmtpAsk ask);

/* The whole content is here: asks about it, or refuses it for what it is. */
void server_judge_content(
    SmtpServer *server, GBytes *content, gboolean is_clean, gboolean is_too_large);

/* Octets of content came: a deadline for each block of them, not for each read, so that a byte now
 * and then does not keep us. */
void server_count_block(SmtpServer *server, gsize n);

void server_forget_transaction(SmtpServer *server);
void server_forget_login(SmtpServer *server);

/* line: one command without CRLF, UTF-8 without controls, beyond ASCII only if server_takes_utf8.
 * has_more: bytes stand behind it. */
void server_command(SmtpServer *server, const char *line, gboolean has_more);
gboolean server_takes_utf8(const SmtpServer *server, const char *line);

/* "AUTH PLAIN LOGIN", or NULL if no login is offered. The caller frees. */
char *server_auth_offer(const SmtpServer *server);
void server_auth_command(SmtpServer *server, const char *arguments);
void server_auth_response(SmtpServer *server, const char *line);

/* A token is refused: says why as a challenge and keeps the verdict until the client has answered
 * it (RFC 7628 3.2.3). */
void server_auth_challenge(SmtpServer *server, const SmtpServerEvent *event);

/* A login was asked about and refused, and the no has been said. */
void server_count_login_failure(SmtpServer *server);

/* BDAT's arguments are "n" or "n LAST" (RFC 3030 2). */
void server_chunk_command(SmtpServer *server, const char *arguments);

/* In WAIT_CHUNK: returns how much belonged to the chunk, at least 1. */
gsize server_chunk_read(SmtpServer *server, const guint8 *data, gsize n);

/* text: all parameters, with one space between them. FALSE after a refusal; *parameters is
 * untouched then. The caller clears them. */
gboolean server_parameters_read_mail(
    SmtpServer *server, const char *text, ServerParameters *parameters);
gboolean server_parameters_read_rcpt(
    SmtpServer *server, const char *text, ServerParameters *parameters);
void server_parameters_clear(ServerParameters *parameters);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServerParameters, server_parameters_clear)

/* What the server offers and MAIL may use; SMTPUTF8 needs 8BITMIME (RFC 6531 3.1). */
gboolean server_offers_smtputf8(const SmtpServer *server);
