/* One HTTP request over a Unix socket, blocking: how the command line talks to the running daemon
 * (libcurl). No TCP, no proxy, no redirect, no cookie. For threads that may wait; never on the
 * loop.
 */
#pragma once

#include <glib.h>

typedef struct {
    int status;         /* 100 to 599 */
    char *content_type; /* "application/json" or NULL */
    char *etag;         /* as sent, quotes included, or NULL */
    char *location;     /* or NULL */
    GBytes *body;       /* at most LIMIT_HTTP_ANSWER_BYTES; never NULL */
} NetHttpAnswer;

/* path: "/v1/emails?limit=5". headers: "Name: value" lines, NULL-terminated, or NULL. body: or
 * NULL; its type goes into headers. Any complete answer is a success here, whatever its status
 * says. ABS_ERROR_IO: nobody listens at socket_path, or no complete answer within
 * LIMIT_HTTP_CALL_MS; ABS_ERROR_LIMIT: the answer is too large; ABS_ERROR_INPUT: path or headers
 * hold what HTTP cannot carry. */
NetHttpAnswer *net_http_unix(const char *socket_path, const char *method, const char *path,
    const char *const *headers, GBytes *body, GError **error);
void net_http_answer_free(NetHttpAnswer *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetHttpAnswer, net_http_answer_free)
