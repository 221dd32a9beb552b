#include "api/http/http_mhd.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/address.h"

#include <string.h>

struct http_server {
    struct MHD_Daemon *daemon;
    GSocket *listening;
    HttpHandlers handlers;
    gboolean is_control;
    GMutex mutex; /* joins the daemon's thread, the workers and the clock's */
    GCond answered;
    GHashTable *connections; /* of Connection */
    gsize bodies_bytes;      /* reserved for bodies in flight */
    guint handling;          /* requests handed to `handle` and not answered */
    guint unfinished;        /* the same and those whose answer is not sent to its end */
    gint is_quiet;           /* atomic: takes nothing new */
    gboolean is_stopping;    /* under the mutex: nothing more is handed over */
    MonoMs logged_at;        /* the error log is attacker-driven: one record a second */
};

/* One TCP connection, as long as it lives. */
typedef struct {
    HttpServer *server;
    MHD_socket fd;
    MonoMs deadline; /* 0: none */
} Connection;

/* One request on a connection. */
typedef struct {
    HttpRequest request; /* first: http_request_answer finds the exchange through it */
    HttpServer *server;
    struct MHD_Connection *mhd;
    HttpAnswer *answer;
    gsize body_limit, capacity, reserved;
    gsize swallowed; /* bytes read and thrown away, so that a refusal can be heard */
    gsize uri_bytes; /* as sent */
    gboolean has_begun, is_handled, is_counted, has_bad_query;
    gboolean is_sound; /* the head means one thing only, so the body's end is known */
} Exchange;

/* --- Deadlines ------------------------------------------------------------------------------- */

static Connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void set_deadline(struct MHD_Connection *mhd, MonoMs after_ms)
{
    Connection *connection = connection_of(mhd);
    if (!connection)
        return;
    g_mutex_lock(&connection->server->mutex);
    connection->deadline = after_ms ? clock_mono_ms() + after_ms : 0;
    g_mutex_unlock(&connection->server->mutex);
}

static void on_connection(void *user, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode code)
{
    HttpServer *server = user;
    g_mutex_lock(&server->mutex);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        Connection *connection = g_new0(Connection, 1);
        connection->server = server;
        connection->fd = info->connect_fd;
        connection->deadline = clock_mono_ms() + LIMIT_HTTP_BODY_DEADLINE_MS;
        g_hash_table_add(server->connections, connection);
        *context = connection;
    } else if (*context) {
        g_hash_table_remove(server->connections, *context);
        *context = NULL;
    }
    g_mutex_unlock(&server->mutex);
}

void http_server_tick(HttpServer *server, MonoMs now)
{
    GHashTableIter iter;
    gpointer key;
    g_mutex_lock(&server->mutex);
    g_hash_table_iter_init(&iter, server->connections);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        Connection *connection = key;
        if (connection->deadline && connection->deadline <= now) {
            shutdown(connection->fd, SHUT_RDWR); /* libmicrohttpd sees it and cleans up */
            connection->deadline = 0;
        }
    }
    g_mutex_unlock(&server->mutex);
}

/* --- Reading a request ----------------------------------------------------------------------- */

/* libmicrohttpd lends what it has read, and gives its memory back as it is: what we have a copy of
 * is wiped there. */
static void wipe_lent(const char *bytes, gsize n)
{
    secret_wipe((char *)(guintptr)bytes, n);
}

static enum MHD_Result copy_header(void *user, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
    Exchange *exchange = user;
    http_request_add_header(&exchange->request, name, value ? value : "");
    if (value && (text_equal_nocase(name, "Cookie") || text_equal_nocase(name, "Authorization")))
        wipe_lent(value, value_n);
    return MHD_YES;
}

/* Its own reading of Cookie. */
static enum MHD_Result drop_cookie(void *user, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
    if (value)
        wipe_lent(value, value_n);
    return MHD_YES;
}

static enum MHD_Result copy_query(void *user, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
    Exchange *exchange = user;
    if (!http_request_add_query(&exchange->request, name, value ? value : ""))
        exchange->has_bad_query = TRUE;
    return MHD_YES;
}

static char *client_of(struct MHD_Connection *mhd, gboolean is_control)
{
    const union MHD_ConnectionInfo *info =
        is_control ? NULL : MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info)
        return g_strdup("local");
    g_autofree char *peer = net_address_text(info->client_addr);
    char *text = net_address_respell(peer);
    return text ? text : g_steal_pointer(&peer);
}

/* The request line is there: the first that is heard of a request, with the address as sent. */
static void *on_address(void *user, const char *uri, struct MHD_Connection *mhd)
{
    Exchange *exchange = g_new0(Exchange, 1);
    exchange->server = user;
    exchange->mhd = mhd;
    exchange->uri_bytes = strlen(uri);
    return exchange;
}

static void read_head(Exchange *exchange, const char *url, const char *method)
{
    HttpServer *server = exchange->server;
    struct MHD_Connection *mhd = exchange->mhd;
    exchange->has_begun = TRUE;
    g_autofree char *client = client_of(mhd, server->is_control);
    HttpRequest *request =
        http_request_new(strcmp(method, "HEAD") == 0 ? "GET" : method, url, client);
    exchange->request = *request;
    g_free(request);
    exchange->request.is_control = server->is_control;
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, copy_header, exchange);
    MHD_get_connection_values_n(mhd, MHD_COOKIE_KIND, drop_cookie, NULL);
    MHD_get_connection_values_n(mhd, MHD_GET_ARGUMENT_KIND, copy_query, exchange);
}

/* libmicrohttpd hides what stands behind a NUL, and unfolds folded lines (RFC 9112 5.2). Either
 * makes the head longer than what it shows of it. */
static gboolean hides_bytes(const Exchange *exchange, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const GPtrArray *headers = exchange->request.headers;
    gsize shown = strlen(method) + exchange->uri_bytes + strlen("  HTTP/1.1\r\n\r\n");
    for (guint i = 0; i < headers->len; i++) {
        const HttpPair *pair = headers->pdata[i];
        shown += strlen(pair->name) + strlen(pair->value) + strlen(": \r\n");
    }
    return !info || info->header_size > shown;
}

/* Bodies in flight are bounded over all connections, or 1,024 of them could ask for 36 GiB. */
static gboolean reserve(Exchange *exchange, gsize bytes)
{
    HttpServer *server = exchange->server;
    g_mutex_lock(&server->mutex);
    gboolean has_room = bytes <= LIMIT_HTTP_BODIES_IN_FLIGHT_BYTES - server->bodies_bytes;
    if (has_room) {
        server->bodies_bytes += bytes;
        exchange->reserved += bytes;
    }
    g_mutex_unlock(&server->mutex);
    return has_room;
}

static void drop_body(Exchange *exchange)
{
    HttpRequest *request = &exchange->request;
    if (request->body)
        secret_wipe(request->body, request->body_bytes);
    g_clear_pointer(&request->body, g_free);
    request->body_bytes = exchange->capacity = 0;
    g_mutex_lock(&exchange->server->mutex);
    exchange->server->bodies_bytes -= exchange->reserved;
    g_mutex_unlock(&exchange->server->mutex);
    exchange->reserved = 0;
}

/* Room for `capacity` bytes and a NUL. What is left behind is wiped: a realloc would not. */
static gboolean make_room(Exchange *exchange, gsize capacity)
{
    HttpRequest *request = &exchange->request;
    if (capacity <= exchange->capacity)
        return TRUE;
    if (!reserve(exchange, capacity - exchange->capacity))
        return FALSE;
    char *body = g_malloc(capacity + 1);
    if (request->body) {
        memcpy(body, request->body, request->body_bytes);
        secret_wipe(request->body, request->body_bytes);
        g_free(request->body);
    }
    request->body = body;
    exchange->capacity = capacity;
    return TRUE;
}

static HttpAnswer *refuse(Exchange *exchange, const char *code, const char *detail)
{
    const HttpHandlers *handlers = &exchange->server->handlers;
    return handlers->refuse(&exchange->request, code, detail, handlers->user);
}

static HttpAnswer *look_at_head(Exchange *exchange, const char *method, const char *version)
{
    HttpServer *server = exchange->server;
    HttpRequest *request = &exchange->request;
    const char *detail = NULL;
    const char *fault = http_head_fault(request, version, &detail);
    if (!fault && (exchange->has_bad_query || hides_bytes(exchange, method))) {
        fault = "malformed_request";
        detail = "Address or header hold bytes that may not be there.";
    }
    if (!fault && g_atomic_int_get(&server->is_quiet)) {
        fault = "busy";
        detail = "The server is stopping.";
    }
    if (fault)
        return refuse(exchange, fault, detail);
    exchange->is_sound = TRUE;
    HttpAnswer *answer =
        server->handlers.admit(request, &exchange->body_limit, server->handlers.user);
    if (answer)
        return answer;
    const char *text = http_request_header(request, "Content-Length");
    guint64 length = 0;
    if (text && (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &length, NULL) ||
                    length > exchange->body_limit))
        return refuse(exchange, "body_too_large", NULL);
    if (length > 0 && !make_room(exchange, (gsize)length))
        return refuse(exchange, "busy", "Too much is being uploaded at this moment.");
    return NULL;
}

/* TRUE if the answer must wait until the body is read and thrown away: a client that is still
 * writing when the connection closes never hears why. Who asks first (Expect: 100-continue) is told
 * at once, and so is who announces more than anybody may send. */
static gboolean answers_behind_body(const Exchange *exchange)
{
    const HttpRequest *request = &exchange->request;
    const char *text = http_request_header(request, "Content-Length");
    guint64 length = 0;
    if (!exchange->is_sound || http_request_header(request, "Expect"))
        return FALSE;
    if (http_request_header(request, "Transfer-Encoding"))
        return TRUE;
    return text &&
           g_ascii_string_to_unsigned(text, 10, 1, LIMIT_HTTP_SEND_BODY_BYTES, &length, NULL);
}

/* Once there is an answer nothing is kept any more. */
static enum MHD_Result take_body(Exchange *exchange, const char *bytes, gsize n)
{
    HttpRequest *request = &exchange->request;
    if (exchange->answer) {
        exchange->swallowed += n;
        return exchange->swallowed > LIMIT_HTTP_SEND_BODY_BYTES ? MHD_NO : MHD_YES;
    }
    gsize needed = request->body_bytes + n;
    if (needed > exchange->body_limit) {
        drop_body(exchange);
        exchange->answer = refuse(exchange, "body_too_large", NULL);
    } else if (!make_room(exchange,
                   needed > exchange->capacity ? MIN(2 * needed, exchange->body_limit) : 0)) {
        drop_body(exchange);
        exchange->answer = refuse(exchange, "busy", "Too much is being uploaded at this moment.");
    } else {
        memcpy(request->body + request->body_bytes, bytes, n);
        request->body_bytes = needed;
        request->body[needed] = '\0';
    }
    return MHD_YES;
}

/* --- Answering ------------------------------------------------------------------------------- */

static enum MHD_Result queue_answer(Exchange *exchange)
{
    HttpAnswer *answer = exchange->answer;
    struct MHD_Response *response;
    if (answer->stream) {
        response = http_stream_response(answer->stream, exchange->mhd);
        g_ptr_array_set_size(exchange->request.headers, 0); /* a stream is open for days */
    } else {
        gsize n = 0;
        const void *bytes = answer->body ? g_bytes_get_data(answer->body, &n) : NULL;
        /* The answer lives until on_completed, longer than the response. */
        response = MHD_create_response_from_buffer(n, (void *)bytes, MHD_RESPMEM_PERSISTENT);
    }
    if (answer->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    for (guint i = 0; i < answer->headers->len; i++) {
        const HttpPair *pair = answer->headers->pdata[i];
        MHD_add_response_header(response, pair->name, pair->value);
    }
    set_deadline(exchange->mhd, answer->stream ? 0 : LIMIT_HTTP_ANSWER_DEADLINE_MS);
    enum MHD_Result result =
        MHD_queue_response(exchange->mhd, (unsigned int)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* A request on an open connection may come while we stop. It is not begun: libmicrohttpd ends the
 * process if it is stopped with a suspended connection. */
static enum MHD_Result hand_over(Exchange *exchange)
{
    HttpServer *server = exchange->server;
    exchange->is_handled = TRUE;
    set_deadline(exchange->mhd, 0); /* now it is we who take the time */
    g_mutex_lock(&server->mutex);
    gboolean may_begin = !server->is_stopping;
    if (may_begin) {
        server->handling++;
        server->unfinished++;
    }
    g_mutex_unlock(&server->mutex);
    if (!may_begin)
        return MHD_NO; /* the connection is closed without an answer */
    exchange->is_counted = TRUE;
    MHD_suspend_connection(exchange->mhd);
    server->handlers.handle(&exchange->request, server->handlers.user);
    return MHD_YES;
}

/* Under the mutex. A signal costs a system call even where nobody waits. */
static void tell_stopping(HttpServer *server)
{
    if (server->is_stopping)
        g_cond_broadcast(&server->answered);
}

void http_request_answer(HttpRequest *request, HttpAnswer *answer)
{
    Exchange *exchange = (Exchange *)request;
    HttpServer *server = exchange->server;
    drop_body(exchange);
    exchange->answer = answer;
    MHD_resume_connection(exchange->mhd);
    /* From here on the exchange may be gone. */
    g_mutex_lock(&server->mutex);
    server->handling--;
    tell_stopping(server);
    g_mutex_unlock(&server->mutex);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *bytes, size_t *n, void **state)
{
    Exchange *exchange = *state;
    if (!exchange->has_begun) {
        set_deadline(mhd, LIMIT_HTTP_BODY_DEADLINE_MS);
        read_head(exchange, url, method);
        exchange->answer = look_at_head(exchange, method, version);
        return exchange->answer && !answers_behind_body(exchange) ? queue_answer(exchange)
                                                                  : MHD_YES;
    }
    if (*n > 0) {
        gsize taken = *n;
        *n = 0;
        enum MHD_Result result = take_body(exchange, bytes, taken);
        wipe_lent(bytes, taken);
        return result;
    }
    if (exchange->answer)
        return queue_answer(exchange);
    return exchange->is_handled ? MHD_YES : hand_over(exchange);
}

static void finish(HttpServer *server)
{
    g_mutex_lock(&server->mutex);
    server->unfinished--;
    tell_stopping(server);
    g_mutex_unlock(&server->mutex);
}

static void on_completed(
    void *user, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
    Exchange *exchange = *state;
    *state = NULL;
    if (!exchange)
        return;
    if (exchange->has_begun) {
        drop_body(exchange);
        http_answer_free(exchange->answer);
        http_request_clear(&exchange->request);
    }
    if (exchange->is_counted)
        finish(exchange->server);
    g_free(exchange);
    set_deadline(mhd, LIMIT_HTTP_BODY_DEADLINE_MS); /* for the head of the next request */
}

/* --- Life ------------------------------------------------------------------------------------ */

G_GNUC_PRINTF(2, 0)
static void on_log(void *user, const char *format, va_list arguments)
{
    HttpServer *server = user;
    MonoMs now = clock_mono_ms();
    if (server->logged_at && now - server->logged_at < CLOCK_SECOND_MS)
        return;
    server->logged_at = now;
    g_autofree char *raw = g_strdup_vprintf(format, arguments);
    g_autofree char *text = text_printable(raw, strlen(raw), LIMIT_PEER_TEXT_CHARACTERS);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", "http: %s", text);
}

/* Paths and query stay as sent: http_request_add_query unescapes, and refuses what it must. */
static size_t leave_escaped(void *user, struct MHD_Connection *mhd, char *text)
{
    return strlen(text);
}

HttpServer *http_server_new(
    GSocket *listening, gboolean is_control, const HttpHandlers *handlers, GError **error)
{
    HttpServer *server = g_new0(HttpServer, 1);
    server->listening = g_object_ref(listening);
    server->handlers = *handlers;
    server->is_control = is_control;
    g_mutex_init(&server->mutex);
    g_cond_init(&server->answered);
    server->connections = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, server, MHD_OPTION_URI_LOG_CALLBACK,
        on_address, server, MHD_OPTION_LISTEN_SOCKET, g_socket_get_fd(listening),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)LIMIT_HTTP_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned int)LIMIT_HTTP_CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)(LIMIT_HTTP_BODY_DEADLINE_MS / CLOCK_SECOND_MS), MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (server->daemon)
        return server;
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_IO, "the HTTP server cannot start");
    http_server_free(server);
    return NULL;
}

void http_server_quiesce(HttpServer *server)
{
    if (!server->daemon || g_atomic_int_get(&server->is_quiet))
        return;
    g_atomic_int_set(&server->is_quiet, TRUE);
    MHD_quiesce_daemon(server->daemon); /* gives the listening socket back */
    g_socket_close(server->listening, NULL);
}

void http_server_stop(HttpServer *server)
{
    if (!server->daemon)
        return;
    http_server_quiesce(server);
    g_mutex_lock(&server->mutex);
    server->is_stopping = TRUE;
    while (server->handling > 0)
        g_cond_wait(&server->answered, &server->mutex);
    gint64 until = g_get_monotonic_time() + LIMIT_HTTP_STOP_MS * 1000;
    while (server->unfinished > 0 && g_cond_wait_until(&server->answered, &server->mutex, until))
        continue;
    g_mutex_unlock(&server->mutex);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

void http_server_free(HttpServer *server)
{
    if (!server)
        return;
    http_server_stop(server);
    g_object_unref(server->listening);
    g_hash_table_unref(server->connections);
    g_cond_clear(&server->answered);
    g_mutex_clear(&server->mutex);
    g_free(server);
}
