#include "base/error.h"
#include "base/limits.h"
#include "net/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A server for one request on a Unix socket: reads it whole, says one thing. */
typedef struct {
    int fd;
    const char *answer;
    gsize flood; /* this many bytes more */
    GString *request;
    GThread *thread;
} Server;

static char *directory, *socket_path;

static int group_setup(void **state)
{
    directory = g_dir_make_tmp("absender-http-XXXXXX", NULL);
    socket_path = g_build_filename(directory, "control.sock", NULL);
    return 0;
}

static int group_teardown(void **state)
{
    g_unlink(socket_path);
    g_rmdir(directory);
    g_free(socket_path);
    g_free(directory);
    return 0;
}

static gboolean request_is_whole(const GString *request)
{
    const char *end = strstr(request->str, "\r\n\r\n");
    const char *length = strstr(request->str, "Content-Length: ");
    if (end == NULL)
        return FALSE;
    guint64 n = length == NULL ? 0 : g_ascii_strtoull(length + 16, NULL, 10);
    return request->len >= (gsize)(end + 4 - request->str) + n;
}

static gpointer server_run(gpointer user)
{
    Server *server = user;
    char buffer[4096];
    int fd = accept(server->fd, NULL, NULL);
    while (!request_is_whole(server->request)) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n <= 0)
            break;
        g_string_append_len(server->request, buffer, n);
    }
    memset(buffer, 'x', sizeof buffer);
    gboolean is_open = write(fd, server->answer, strlen(server->answer)) > 0;
    for (gsize sent = 0; is_open && sent < server->flood; sent += sizeof buffer)
        is_open = send(fd, buffer, sizeof buffer, MSG_NOSIGNAL) > 0;
    close(fd);
    return NULL;
}

static void server_start(Server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
    g_unlink(socket_path);
    server->request = g_string_new(NULL);
    server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 1), 0);
    server->thread = g_thread_new("server", server_run, server);
}

static void server_stop(Server *server)
{
    g_thread_join(server->thread);
    close(server->fd);
    g_string_free(server->request, TRUE);
}

static void an_answer_comes_with_what_the_command_line_needs(void **state)
{
    Server server = {.answer = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                               "etag: \"7\"\r\nLOCATION:/v1/smtp/verifications/ver_1\r\n"
                               "Content-Length: 2\r\n\r\n{}"};
    static const char *const headers[] = {
        "If-Match: \"6\"", "Content-Type: application/json", NULL};
    g_autoptr(GBytes) body = g_bytes_new_static("{\"to\":\"a@b.test\"}", 17);
    g_autoptr(GError) error = NULL;
    server_start(&server);
    g_autoptr(NetHttpAnswer) answer =
        net_http_unix(socket_path, "POST", "/v1/emails?limit=5", headers, body, &error);
    assert_null(error);
    assert_int_equal(answer->status, 202);
    assert_string_equal(answer->content_type, "application/json");
    assert_string_equal(answer->etag, "\"7\"");
    assert_string_equal(answer->location, "/v1/smtp/verifications/ver_1");
    assert_int_equal(g_bytes_get_size(answer->body), 2);
    g_thread_join(server.thread);
    assert_true(g_str_has_prefix(server.request->str, "POST /v1/emails?limit=5 HTTP/1.1\r\n"));
    assert_true(g_str_has_suffix(server.request->str, "\r\n\r\n{\"to\":\"a@b.test\"}"));
    assert_non_null(strstr(server.request->str, "\r\nIf-Match: \"6\"\r\n"));
    assert_null(strstr(server.request->str, "Expect"));
    close(server.fd);
    g_string_free(server.request, TRUE);
}

static void methods_and_bodies_are_sent_as_they_are(void **state)
{
    static const struct {
        const char *method, *body;
    } cases[] = {{"GET", NULL}, {"DELETE", NULL}, {"PATCH", "{}"}, {"PUT", "{}"}, {"POST", ""}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Server server = {.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
        g_autoptr(GBytes) body =
            cases[i].body == NULL ? NULL : g_bytes_new_static(cases[i].body, strlen(cases[i].body));
        server_start(&server);
        g_autoptr(NetHttpAnswer) answer =
            net_http_unix(socket_path, cases[i].method, "/x", NULL, body, NULL);
        assert_non_null(answer);
        assert_int_equal(answer->status, 404);
        assert_null(answer->content_type);
        assert_int_equal(g_bytes_get_size(answer->body), 0);
        g_thread_join(server.thread);
        assert_true(g_str_has_prefix(server.request->str, cases[i].method));
        assert_int_equal(
            strstr(server.request->str, "Content-Length: ") != NULL, cases[i].body != NULL);
        close(server.fd);
        g_string_free(server.request, TRUE);
    }
}

static void redirects_and_proxies_are_not_followed(void **state)
{
    Server server = {.answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                               "Content-Length: 0\r\n\r\n"};
    g_setenv("http_proxy", "http://127.0.0.1:1", TRUE);
    server_start(&server);
    g_autoptr(NetHttpAnswer) answer = net_http_unix(socket_path, "GET", "/x", NULL, NULL, NULL);
    assert_non_null(answer);
    assert_int_equal(answer->status, 302);
    g_unsetenv("http_proxy");
    server_stop(&server);
}

static void nobody_there_is_an_io_error(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *nowhere = g_build_filename(directory, "nobody.sock", NULL);
    assert_null(net_http_unix(nowhere, "GET", "/x", NULL, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
    assert_non_null(strstr(error->message, nowhere));
}

static void answers_cut_short_or_not_http_are_io_errors(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "220 smtp.example.test ESMTP\r\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        Server server = {.answer = answers[i]};
        g_autoptr(GError) error = NULL;
        server_start(&server);
        assert_null(net_http_unix(socket_path, "GET", "/x", NULL, NULL, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
        server_stop(&server);
    }
}

static void an_endless_answer_meets_its_limit(void **state)
{
    Server server = {.answer = "HTTP/1.1 200 OK\r\n\r\n", .flood = LIMIT_HTTP_ANSWER_BYTES + 65536};
    g_autoptr(GError) error = NULL;
    server_start(&server);
    assert_null(net_http_unix(socket_path, "GET", "/x", NULL, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
    server_stop(&server);
}

static void what_would_split_the_request_is_refused(void **state)
{
    static const struct {
        const char *method, *path, *header;
    } cases[] = {
        {"GET", "/a b", NULL},
        {"GET", "/a\r\nX: y", NULL},
        {"GET", "a", NULL},
        {"GET", "", NULL},
        {"GET", "/#x", NULL},
        {"GET", "/\xc3\xbc", NULL},
        {"get", "/", NULL},
        {"", "/", NULL},
        {"GET /", "/", NULL},
        {"GET", "/", "X: a\r\nY: b"},
        {"GET", "/", "X: a\nY: b"},
        {"GET", "/", "no colon"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const headers[] = {cases[i].header, NULL};
        g_autoptr(GError) error = NULL;
        assert_null(
            net_http_unix(socket_path, cases[i].method, cases[i].path, headers, NULL, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_what_the_command_line_needs),
        cmocka_unit_test(methods_and_bodies_are_sent_as_they_are),
        cmocka_unit_test(redirects_and_proxies_are_not_followed),
        cmocka_unit_test(nobody_there_is_an_io_error),
        cmocka_unit_test(answers_cut_short_or_not_http_are_io_errors),
        cmocka_unit_test(an_endless_answer_meets_its_limit),
        cmocka_unit_test(what_would_split_the_request_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
