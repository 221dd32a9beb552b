/* The end of the HTTP server: what is being handled gets its answer to its end, and nothing more is
 * begun,
 * because libmicrohttpd ends the process if it is stopped with a suspended connection. */
#include "api/http/http.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WHOLE "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HEAD "POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
#define PATIENCE_S 20

typedef struct {
    HttpServer *server;
    guint16 port;
    GAsyncQueue *admitted, *handled; /* of char *: paths; of HttpRequest */
} Fixture;

static HttpAnswer *admit(HttpRequest *request, gsize *body_limit, gpointer user)
{
    Fixture *self = user;
    *body_limit = 100;
    g_async_queue_push(self->admitted, g_strdup(request->path));
    return NULL;
}

static void handle(HttpRequest *request, gpointer user)
{
    Fixture *self = user;
    g_async_queue_push(self->handled, request);
}

static HttpAnswer *refuse(HttpRequest *request, const char *code, const char *detail, gpointer user)
{
    return http_answer_new(400, NULL, NULL);
}

static GSocket *connect_and_say(const Fixture *self, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketAddress) address =
        g_inet_socket_address_new_from_string("127.0.0.1", self->port);
    GSocket *socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
    g_socket_set_timeout(socket, PATIENCE_S);
    assert_true(g_socket_connect(socket, address, NULL, &error));
    assert_int_equal(g_socket_send(socket, text, strlen(text), NULL, &error), strlen(text));
    return socket;
}

static void *wait_for(GAsyncQueue *queue)
{
    void *item = g_async_queue_timeout_pop(queue, PATIENCE_S * G_USEC_PER_SEC);
    assert_non_null(item);
    return item;
}

static gpointer stop(gpointer server)
{
    http_server_stop(server);
    return NULL;
}

static void what_comes_to_its_end_while_we_stop_is_not_begun(void **state)
{
    Fixture self = {.admitted = g_async_queue_new_full(g_free), .handled = g_async_queue_new()};
    g_autoptr(GError) error = NULL;
    gboolean is_loopback;
    g_autoptr(GSocket) listening = http_listen_tcp("127.0.0.1:0", &is_loopback, &self.port, &error);
    const HttpHandlers handlers = {admit, handle, refuse, &self};
    self.server = http_server_new(listening, FALSE, &handlers, &error);
    assert_non_null(self.server);

    g_autoptr(GSocket) late = connect_and_say(&self, HEAD);
    g_free(wait_for(self.admitted));
    g_autoptr(GSocket) held = connect_and_say(&self, WHOLE);
    g_free(wait_for(self.admitted));
    HttpRequest *request = wait_for(self.handled);

    g_autoptr(GThread) stopping = g_thread_ref(g_thread_new("stop", stop, self.server));
    g_usleep(200 * 1000); /* it waits for the one that is held */
    assert_int_equal(g_socket_send(late, "late", 4, NULL, &error), 4);
    char reply[200] = "";
    assert_int_equal(g_socket_receive(late, reply, sizeof reply - 1, NULL, NULL), 0); /* closed */
    assert_null(g_async_queue_try_pop(self.handled));

    http_request_answer(request, http_answer_new(200, NULL, NULL));
    assert_true(g_socket_receive(held, reply, sizeof reply - 1, NULL, &error) > 0);
    assert_true(g_str_has_prefix(reply, "HTTP/1.1 200"));
    g_thread_join(g_steal_pointer(&stopping));
    http_server_free(self.server);
    g_async_queue_unref(self.admitted);
    g_async_queue_unref(self.handled);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_to_its_end_while_we_stop_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
