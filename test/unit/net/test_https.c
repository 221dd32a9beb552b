#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/https.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "certificates.h"
#include "dns.h"

#define LONG_MS (20 * CLOCK_SECOND_MS)
#define MOST_BYTES 4096
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: "

static char *directory, *trusted_file;
static Issuer trusted, stranger;
static Dnsmasq dnsmasq;
static NetDns *dns;
static NetPolicy *loopback_policy, *strict_policy;

static int group_setup(void **state)
{
    directory = g_dir_make_tmp("absender-https-XXXXXX", NULL);
    trusted = issuer_make("Trusted Root");
    stranger = issuer_make("Unknown Root");
    trusted_file = g_build_filename(directory, "trusted.pem", NULL);
    pem_save(trusted_file, NULL, trusted.certificate, NULL);
    dnsmasq_start(&dnsmasq);
    dns = net_dns_new(dnsmasq.address, NULL);
    strict_policy = net_policy_new();
    loopback_policy = net_policy_new();
    return net_policy_allow(loopback_policy, "127.0.0.0/8", NULL) ? 0 : -1;
}

static int group_teardown(void **state)
{
    net_policy_free(loopback_policy);
    net_policy_free(strict_policy);
    net_dns_free(dns);
    dnsmasq_stop(&dnsmasq);
    issuer_free(&trusted);
    issuer_free(&stranger);
    directory_remove(directory);
    g_free(trusted_file);
    g_free(directory);
    return 0;
}

/* --- a server for one connection ---------------------------------------------------------------
 */

typedef struct {
    const char *names; /* "DNS:loop.test"; NULL: that */
    const Issuer *issuer;
    int most_version;   /* 0: any; else TLS1_1_VERSION … */
    const char *answer; /* NULL: keeps silent until the client goes */
    gsize flood;        /* this many bytes more */
    SSL_CTX *context;
    int fd;
    guint16 port;
    GString *request;
    GThread *thread;
} Server;

static void talk(Server *server, SSL *tls)
{
    char buffer[4096];
    int n = 0;
    while (strstr(server->request->str, "\r\n\r\n") == NULL &&
           (n = SSL_read(tls, buffer, sizeof buffer)) > 0)
        g_string_append_len(server->request, buffer, n);
    if (server->answer == NULL) {
        SSL_read(tls, buffer, sizeof buffer); /* until the client goes */
        return;
    }
    memset(buffer, 'x', sizeof buffer);
    gboolean is_open = SSL_write(tls, server->answer, (int)strlen(server->answer)) > 0;
    for (gsize sent = 0; is_open && sent < server->flood; sent += sizeof buffer)
        is_open = SSL_write(tls, buffer, sizeof buffer) > 0;
    SSL_shutdown(tls);
}

static gpointer server_run(gpointer user)
{
    Server *server = user;
    struct pollfd wait = {.fd = server->fd, .events = POLLIN};
    if (poll(&wait, 1, (int)LONG_MS) != 1)
        return NULL;
    int fd = accept(server->fd, NULL, NULL);
    SSL *tls = SSL_new(server->context);
    SSL_set_fd(tls, fd);
    if (fd >= 0 && SSL_accept(tls) == 1)
        talk(server, tls);
    SSL_free(tls);
    close(fd);
    return NULL;
}

static void server_start(Server *server)
{
    const Wish wish = {
        .common_name = "web", .sans = server->names != NULL ? server->names : "DNS:loop.test"};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const Issuer *issuer = server->issuer != NULL ? server->issuer : &trusted;
    X509 *certificate = certificate_make(&wish, key, issuer, FALSE);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(server->context, 0);
    SSL_CTX_use_certificate(server->context, certificate);
    SSL_CTX_use_PrivateKey(server->context, key);
    if (server->most_version != 0)
        SSL_CTX_set_max_proto_version(server->context, server->most_version);
    X509_free(certificate);
    EVP_PKEY_free(key);
    server->request = g_string_new(NULL);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->fd, 1), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    server->thread = g_thread_new("web", server_run, server);
}

/* What it has read is whole from now on. */
static void server_join(Server *server)
{
    shutdown(server->fd, SHUT_RDWR); /* ends the wait for a client that does not come */
    g_clear_pointer(&server->thread, g_thread_join);
}

static void server_stop(Server *server)
{
    if (server->thread != NULL)
        server_join(server);
    close(server->fd);
    SSL_CTX_free(server->context);
    g_string_free(server->request, TRUE);
}

/* With the test's own policy and DNS; *code: of the error, 0 if there is none. The caller frees. */
static char *get(const Server *server, const char *host, int *status, int *code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *url = g_strdup_printf("https://%s:%u/mail/a.xml?v=1", host, server->port);
    g_autoptr(GBytes) body =
        net_https_get(dns, loopback_policy, trusted_file, url, MOST_BYTES, LONG_MS, status, &error);
    assert_int_equal(body == NULL, error != NULL);
    assert_true(error == NULL || error->domain == ABS_ERROR);
    *code = error != NULL ? error->code : 0;
    if (body == NULL)
        return NULL;
    gsize n = 0;
    const char *data = g_bytes_get_data(body, &n);
    return g_strndup(data != NULL ? data : "", n);
}

/* --- the tests ---------------------------------------------------------------------------------
 */

static void an_answer_comes_with_its_status(void **state)
{
    static const struct {
        const char *answer, *body;
        int status;
    } cases[] = {
        {OK_HEAD "5\r\n\r\nhello", "hello", 200},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no", 404},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            "abc", 200},
        {"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "",
            302}, /* not followed */
    };
    g_setenv("https_proxy", "http://127.0.0.1:1", TRUE); /* not used */
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Server server = {.answer = cases[i].answer};
        int status = 0, code = 0;
        server_start(&server);
        g_autofree char *body = get(&server, "loop.test", &status, &code);
        assert_int_equal(code, 0);
        assert_int_equal(status, cases[i].status);
        assert_string_equal(body, cases[i].body);
        server_stop(&server);
    }
    g_unsetenv("https_proxy");
}

static void nothing_is_sent_but_the_path(void **state)
{
    Server server = {.answer = OK_HEAD "0\r\n\r\n"};
    int status = 0, code = 0;
    server_start(&server);
    g_autofree char *body = get(&server, "loop.test", &status, &code);
    assert_non_null(body);
    server_join(&server);
    g_autofree char *wanted = g_strdup_printf(
        "GET /mail/a.xml?v=1 HTTP/1.1\r\nHost: loop.test:%u\r\nAccept: */*\r\n\r\n", server.port);
    assert_string_equal(server.request->str, wanted);
    server_stop(&server);
}

static void what_cannot_be_trusted_is_not_read(void **state)
{
    static const struct {
        const char *name, *names;
        const Issuer *issuer;
        int most_version;
    } cases[] = {
        {"a certificate for another name", "DNS:other.test", &trusted, 0},
        {"an unknown issuer", "DNS:loop.test", &stranger, 0},
        {"TLS 1.1", "DNS:loop.test", &trusted, TLS1_1_VERSION},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = {.answer = OK_HEAD "5\r\n\r\nhello",
            .names = cases[i].names,
            .issuer = cases[i].issuer,
            .most_version = cases[i].most_version};
        int status = 0, code = 0;
        server_start(&server);
        g_autofree char *body = get(&server, "loop.test", &status, &code);
        assert_int_equal(code, ABS_ERROR_IO);
        assert_null(body);
        server_stop(&server);
    }
}

static void a_large_answer_meets_its_limit(void **state)
{
    static const struct {
        const char *name, *answer;
        gsize flood;
        int code;
    } cases[] = {
        {"a body of the limit", OK_HEAD "4096\r\n\r\n", MOST_BYTES, 0},
        {"a longer one", OK_HEAD "8192\r\n\r\n", 2 * MOST_BYTES, ABS_ERROR_LIMIT},
        {"one without an end", "HTTP/1.1 200 OK\r\n\r\n", 1024 * 1024, ABS_ERROR_LIMIT},
        {"an endless header", "HTTP/1.1 200 OK\r\nX: ", 1024 * 1024, ABS_ERROR_IO},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = {.answer = cases[i].answer, .flood = cases[i].flood};
        int status = 0, code = 0;
        server_start(&server);
        g_autofree char *body = get(&server, "loop.test", &status, &code);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(body == NULL, code != 0);
        server_stop(&server);
    }
}

static void names_that_lead_nowhere_allowed_are_not_connected_to(void **state)
{
    static const struct {
        const char *url;
        int code;
    } cases[] = {
        {"https://missing.test/", ABS_ERROR_NOT_FOUND},
        {"https://text.test/", ABS_ERROR_NOT_FOUND},
        {"https://loop.test:1/", ABS_ERROR_DENIED},
        {"https://loop6.test:1/", ABS_ERROR_DENIED},
        {"https://mixed.test:1/", ABS_ERROR_DENIED},
        {"https://metadata.test/", ABS_ERROR_DENIED},
        {"http://loop.test/", ABS_ERROR_INPUT},
        {"ftp://loop.test/", ABS_ERROR_INPUT},
        {"file:///etc/passwd", ABS_ERROR_INPUT},
        {"https://user@loop.test/", ABS_ERROR_INPUT},
        {"https://user:password@loop.test/", ABS_ERROR_INPUT},
        {"https://127.0.0.1/", ABS_ERROR_INPUT},
        {"https://0x7f.1/", ABS_ERROR_INPUT},
        {"https://2130706433/", ABS_ERROR_INPUT},
        {"https://[::1]/", ABS_ERROR_INPUT},
        {"https://", ABS_ERROR_INPUT},
        {"https://loop.test/a b", ABS_ERROR_INPUT},
        {"https://loop.test/\r\nX: y", ABS_ERROR_INPUT},
        {"https://m\xc3\xbcller.test/", ABS_ERROR_INPUT},
        {"", ABS_ERROR_INPUT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = g_strescape(cases[i].url, NULL);
        print_message("# %s\n", shown);
        g_autoptr(GError) error = NULL;
        int status = 7;
        assert_null(net_https_get(
            dns, strict_policy, NULL, cases[i].url, MOST_BYTES, LONG_MS, &status, &error));
        assert_true(g_error_matches(error, ABS_ERROR, cases[i].code));
        assert_int_equal(status, 7);
    }
}

static void a_file_without_certificates_is_named(void **state)
{
    Server server = {.answer = OK_HEAD "0\r\n\r\n"};
    g_autoptr(GError) error = NULL;
    int status = 0;
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    assert_null(net_https_get(
        dns, loopback_policy, "/nonexistent.pem", url, MOST_BYTES, LONG_MS, &status, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    assert_non_null(strstr(error->message, "/nonexistent.pem"));
    server_stop(&server);
}

static void silence_costs_the_given_time_and_no_more(void **state)
{
    Server server = {.answer = NULL};
    g_autoptr(GError) error = NULL;
    int status = 0;
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    MonoMs begun = clock_mono_ms();
    assert_null(
        net_https_get(dns, loopback_policy, trusted_file, url, MOST_BYTES, 700, &status, &error));
    assert_in_range(clock_mono_ms() - begun, 600, 5000);
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
    server_stop(&server);
}

static gpointer stop_soon(gpointer user)
{
    g_usleep(300 * 1000);
    net_dns_stop(user);
    return NULL;
}

static void a_stop_ends_a_request(void **state)
{
    Server server = {.answer = NULL};
    g_autoptr(NetDns) own_dns = net_dns_new(dnsmasq.address, NULL);
    g_autoptr(GError) error = NULL;
    int status = 0;
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    GThread *stopper = g_thread_new("stopper", stop_soon, own_dns);
    MonoMs begun = clock_mono_ms();
    assert_null(net_https_get(
        own_dns, loopback_policy, trusted_file, url, MOST_BYTES, LONG_MS, &status, &error));
    assert_in_range(clock_mono_ms() - begun, 0, LONG_MS / 2);
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
    g_thread_join(stopper);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_its_status),
        cmocka_unit_test(nothing_is_sent_but_the_path),
        cmocka_unit_test(what_cannot_be_trusted_is_not_read),
        cmocka_unit_test(a_large_answer_meets_its_limit),
        cmocka_unit_test(names_that_lead_nowhere_allowed_are_not_connected_to),
        cmocka_unit_test(a_file_without_certificates_is_named),
        cmocka_unit_test(silence_costs_the_given_time_and_no_more),
        cmocka_unit_test(a_stop_ends_a_request),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
