/* The server session from inside, shared by server.c (states, input, verdicts), server_commands.c
 * (the command table) and server_auth.c (AUTH). */
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
    SERVER_CLOSED,
} ServerState;

/* Which line of AUTH comes next. */
typedef enum {
    SERVER_AUTH_PLAIN = 0, /* everything in one */
    SERVER_AUTH_USERNAME,
    SERVER_AUTH_PASSWORD,
} ServerAuthTurn;

struct smtp_server {
    SmtpServerConfig config;
    guint state;   /* ServerState, moved by server_enter only */
    SmtpAsk asked; /* in WAIT_VERDICT: what about */
    gboolean tls_is_up, has_greeted, is_logged_in;
    gboolean is_skipping; /* the rest of a line that was too long */
    ServerAuthTurn auth_turn;
    char *username;
    Secret *password;
    char *sender;          /* NULL: no transaction */
    GPtrArray *recipients; /* of char *, the accepted ones, without the closing NULL until asked */
    char *candidate;       /* the recipient in question */
    SmtpBodyDecoder *decoder;
    gsize n_block_octets; /* of the body since the deadline was last set */
    GBytes *content;
    GByteArray *pending; /* read but not yet understood */
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

/* Closes when what is in `send` has been written. */
void server_close(SmtpServer *server);

/* Asks the driver; input waits until the verdict. */
void server_ask(SmtpServer *server, SmtpAsk ask);

void server_forget_transaction(SmtpServer *server);
void server_forget_login(SmtpServer *server);

/* line: one command without CRLF, ASCII without controls. has_more: bytes stand behind it. */
void server_command(SmtpServer *server, const char *line, gboolean has_more);

void server_auth_command(SmtpServer *server, const char *arguments);
void server_auth_response(SmtpServer *server, const char *line);
