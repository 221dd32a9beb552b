/* HTTP as routes see it: a request, an answer, a stream, and a server that carries them. Behind it
 * is libmicrohttpd, which only http_server.c and http_stream.c know. The server checks what
 * libmicrohttpd lets through (several Host or Content-Length headers, both framings, NUL), asks
 * `admit` on the headers before a body is read, bounds bodies and time, and never blocks on a
 * handler: the connection sleeps until http_request_answer. */
#pragma once

#include "base/clock.h"

#include <gio/gio.h>

typedef struct http_server HttpServer;
typedef struct http_stream HttpStream;

typedef struct {
    char *name, *value;
} HttpPair;

/* --- Request --------------------------------------------------------------------------------- */

typedef struct {
    char *method;        /* "GET" … as sent; HEAD is shown as GET */
    char *path;          /* as sent, not unescaped, without the query */
    char *client;        /* the peer's address as text; "local" on the control socket */
    GPtrArray *headers;  /* of HttpPair, in order */
    GPtrArray *query;    /* of HttpPair, unescaped */
    gboolean is_control; /* came over the control socket */
    char *body;          /* NUL behind the last byte; NULL if empty; wiped when it is freed */
    gsize body_bytes;
    gpointer call; /* the handler's own data, freed with free_call */
    GDestroyNotify free_call;
} HttpRequest;

HttpRequest *http_request_new(const char *method, const char *path, const char *client);
void http_request_clear(HttpRequest *request); /* frees what it holds, not itself */
void http_request_free(HttpRequest *request);
void http_request_add_header(HttpRequest *request, const char *name, const char *value);

/* Unescapes both (RFC 3986 2.1). FALSE for a bad escape, NUL or invalid UTF-8. */
gboolean http_request_add_query(HttpRequest *request, const char *name, const char *value);

/* The first header of that name (any case) or NULL; the value of a query parameter or NULL. */
const char *http_request_header(const HttpRequest *request, const char *name);
const char *http_request_query(const HttpRequest *request, const char *name);

/* A header that is a list: the values of all its lines in their order, with commas between (RFC
 * 9110 5.3). NULL: there is none. The caller frees. */
char *http_request_header_list(const HttpRequest *request, const char *name);

/* A cookie's value, or NULL. The caller frees. Quotes are not removed (RFC 6265 4.2). */
char *http_request_cookie(const HttpRequest *request, const char *name);

/* What is wrong with the head (RFC 9112): NULL, or a problem code with an English sentence in
 * *detail (both static). version: "HTTP/1.1". */
const char *http_head_fault(const HttpRequest *request, const char *version, const char **detail);

/* --- Answer ---------------------------------------------------------------------------------- */

typedef struct {
    int status;
    const char *content_type; /* static, or NULL without a body */
    GBytes *body;             /* NULL: empty */
    GPtrArray *headers;       /* of HttpPair */
    HttpStream *stream;       /* not NULL: server-sent events, no body */
} HttpAnswer;

/* body may be NULL and is taken. */
HttpAnswer *http_answer_new(int status, const char *content_type, GBytes *body);

/* text is taken; it is wiped when it is freed, for answers carry tokens. */
HttpAnswer *http_answer_new_text(int status, const char *content_type, char *text);
HttpAnswer *http_answer_new_stream(HttpStream *stream); /* stream is taken */
void http_answer_set_header(HttpAnswer *answer, const char *name, const char *value);
const char *http_answer_header(const HttpAnswer *answer, const char *name); /* NULL: none */
void http_answer_free(HttpAnswer *answer);

/* --- Stream ---------------------------------------------------------------------------------- */

/* Reference-counted, because the connection's thread and the writer both hold it. Thread-safe. */
HttpStream *http_stream_new(void);
HttpStream *http_stream_ref(HttpStream *stream);
void http_stream_unref(HttpStream *stream);

/* Appends; FALSE if the stream has ended, or ends now because the reader is more than
 * LIMIT_EVENTS_BACKLOG_BYTES behind. */
gboolean http_stream_write(HttpStream *stream, const char *bytes, gsize n);
void http_stream_close(HttpStream *stream); /* after what is written; may be called twice */
gboolean http_stream_is_open(HttpStream *stream);

/* --- Server ---------------------------------------------------------------------------------- */

typedef struct {
    /* The head is there and sound; on the server's thread, must not block. An answer refuses or
     * serves at once, and a body is thrown away unread; NULL goes on with at most *body_limit
     * bytes. */
    HttpAnswer *(*admit)(HttpRequest *request, gsize *body_limit, gpointer user);

    /* The whole request is there; must not block. Ends in exactly one http_request_answer, from
     * any thread. */
    void (*handle)(HttpRequest *request, gpointer user);

    /* Makes the answer for what the server refuses itself; code and detail as http_head_fault. */
    HttpAnswer *(*refuse)(
        HttpRequest *request, const char *code, const char *detail, gpointer user);
    gpointer user;
} HttpHandlers;

/* Serves this listening socket (a reference is taken). is_control marks its requests. */
HttpServer *http_server_new(
    GSocket *listening, gboolean is_control, const HttpHandlers *handlers, GError **error);

/* Gives the answer (taken) and wakes the connection. After it the request may be gone. */
void http_request_answer(HttpRequest *request, HttpAnswer *answer);

/* Closes connections whose deadline has passed; to be called about once a second. */
void http_server_tick(HttpServer *server, MonoMs now);

/* Closes the listening socket; new requests on open connections get 503. */
void http_server_quiesce(HttpServer *server);

/* After http_server_quiesce and after all streams are closed: waits for the handlers that run
 * and, at most LIMIT_HTTP_STOP_MS, for their answers to be sent, then closes everything. */
void http_server_stop(HttpServer *server);
void http_server_free(HttpServer *server);

/* --- Listening ------------------------------------------------------------------------------- */

/* "127.0.0.1:8465", "[::1]:0", "localhost:8465". *is_loopback, *port: what was bound. NULL with
 * ABS_ERROR_INPUT or ABS_ERROR_IO. */
GSocket *http_listen_tcp(const char *listen, gboolean *is_loopback, guint16 *port, GError **error);

/* A Unix socket with mode 0600. A left-over socket in its place is removed. */
GSocket *http_listen_control(const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpRequest, http_request_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpAnswer, http_answer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpStream, http_stream_unref)
