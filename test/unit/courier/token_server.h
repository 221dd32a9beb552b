/* A token endpoint for the courier's tests: HTTPS on a loopback port, with manners that can be
 * chosen. Its tokens are "sandbox-1", "sandbox-2" …, which the sandbox takes; its refresh tokens
 * "refresh-1" … */
#pragma once

#include <glib.h>

typedef struct token_server TokenServer;

typedef struct {
    int status;          /* 0: 200 */
    const char *answer;  /* static; NULL: the next token */
    gint64 expires_in_s; /* 0: 3600 */
    gboolean rotates;    /* a new refresh token with each access token */
    guint delay_ms;
} TokenManner;

/* directory: for its certificate. */
TokenServer *token_server_new(const char *directory);
void token_server_free(TokenServer *server);

void token_server_set(TokenServer *server, TokenManner manner);
const char *token_server_url(const TokenServer *server);
const char *token_server_ca_file(const TokenServer *server);

guint token_server_asked(TokenServer *server);                         /* requests read */
gboolean token_server_was_sent(TokenServer *server, const char *text); /* in the last request */
