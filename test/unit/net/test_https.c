#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/https.h"
#include "net/openssl_start.h"

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
    const char *until;  /* reads so far; NULL: to the end of the header */
    guint delay_ms;     /* before the answer */
    gsize flood;        /* this many bytes more */
    NetDns *stops;      /* stopped once the request is read; NULL: none */
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
    const char *until = server->until != NULL ? server->until : "\r\n\r\n";
    while (strstr(server->request->str, until) == NULL &&
           (n = SSL_read(tls, buffer, sizeof buffer)) > 0)
        g_string_append_len(server->request, buffer, n);
    if (server->stops != NULL)
        net_dns_stop(server->stops);
    if (server->answer == NULL) {
        SSL_read(tls, buffer, sizeof buffer); /* until the client goes */
        return;
    }
    g_usleep(server->delay_ms * 1000);
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

static void localhost_is_this_machine_where_that_is_allowed(void **state)
{
    Server server = {.names = "DNS:localhost", .answer = OK_HEAD "2\r\n\r\nok"};
    int status = 0, code = 0;
    server_start(&server);
    g_autofree char *body = get(&server, "localhost", &status, &code);
    assert_int_equal(code, 0);
    assert_string_equal(body, "ok");
    server_stop(&server);
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
        {"https://localhost:1/", ABS_ERROR_DENIED},
        {"https://hook.LocalHost:1/", ABS_ERROR_DENIED},
        {"https://notlocalhost/", ABS_ERROR_IO}, /* which that DNS refuses to look up */
        {"http://loop.test/", ABS_ERROR_INPUT},
        {"ftp://loop.test/", ABS_ERROR_INPUT},
        {"file:///etc/passwd", ABS_ERROR_INPUT},
        {"https://user@loop.test/", ABS_ERROR_INPUT},
        {"https://user:password@loop.test/", ABS_ERROR_INPUT},
        {"https://127.0.0.1/", ABS_ERROR_DENIED},
        {"https://0x7f.1/", ABS_ERROR_DENIED},
        {"https://2130706433/", ABS_ERROR_DENIED},
        {"https://[::1]/", ABS_ERROR_DENIED},
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

static void a_stop_ends_a_request(void **state)
{
    g_autoptr(NetDns) own_dns = net_dns_new(dnsmasq.address, NULL);
    Server server = {.answer = NULL, .stops = own_dns};
    g_autoptr(GError) error = NULL;
    int status = 0;
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    MonoMs begun = clock_mono_ms();
    assert_null(net_https_get(
        own_dns, loopback_policy, trusted_file, url, MOST_BYTES, LONG_MS, &status, &error));
    assert_in_range(clock_mono_ms() - begun, 0, LONG_MS / 2);
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
    server_stop(&server);
}

/* --- POST --------------------------------------------------------------------------------------
 */

/* *code: of the error, 0 if there is none; *sys: of the fault. */
static gboolean post_fault(const Server *server, const NetPolicy *policy,
    const char *const *headers, gint64 timeout_ms, int *status, int *code, const char **sys)
{
    static const char *const none[] = {NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/hook", server->port);
    g_autoptr(GBytes) body = g_bytes_new_static("{\"a\":1}", 7);
    const NetHttpsPost request = {
        .dns = dns,
        .policy = policy,
        .ca_file = trusted_file,
        .url = url,
        .headers = headers != NULL ? headers : none,
        .body = body,
        .most_bytes = MOST_BYTES,
        .timeout_ms = timeout_ms,
    };
    NetHttpsFault fault = {NULL};
    gboolean is_sent = net_https_post(&request, status, &fault, &error);
    *sys = fault.sys;
    assert_int_equal(is_sent, error == NULL);
    *code = error != NULL ? error->code : 0;
    return is_sent;
}

static gboolean post(const Server *server, const NetPolicy *policy, const char *const *headers,
    gint64 timeout_ms, int *status, int *code)
{
    const char *sys = NULL;
    return post_fault(server, policy, headers, timeout_ms, status, code, &sys);
}

static void a_post_carries_its_headers_and_its_body_and_nothing_else(void **state)
{
    static const char *const headers[] = {
        "Content-Type: application/json", "User-Agent: Absender", "webhook-id: evt_1", NULL};
    Server server = {.answer = "HTTP/1.1 204 No Content\r\n\r\n", .until = "}"};
    int status = 0, code = 0;
    server_start(&server);
    assert_true(post(&server, loopback_policy, headers, LONG_MS, &status, &code));
    assert_int_equal(status, 204);
    server_join(&server);
    g_autofree char *wanted = g_strdup_printf(
        "POST /hook HTTP/1.1\r\nHost: loop.test:%u\r\nAccept: */*\r\nContent-Type: "
        "application/json\r\nUser-Agent: Absender\r\nwebhook-id: evt_1\r\nContent-Length: "
        "7\r\n\r\n{\"a\":1}",
        server.port);
    assert_string_equal(server.request->str, wanted);
    server_stop(&server);
}

static void a_posts_answer_counts_by_its_status_however_long_it_is(void **state)
{
    static const struct {
        const char *name, *answer;
        gsize flood;
        int status;
    } cases[] = {
        {"a short one", OK_HEAD "5\r\n\r\nhello", 0, 200},
        {"a longer one", OK_HEAD "8192\r\n\r\n", 2 * MOST_BYTES, 200},
        {"one without an end", "HTTP/1.1 500 No\r\n\r\n", 1024 * 1024, 500},
        {"a redirect",
            "HTTP/1.1 307 Go\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0,
            307},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = {.answer = cases[i].answer, .flood = cases[i].flood, .until = "}"};
        int status = 0, code = 0;
        server_start(&server);
        assert_true(post(&server, loopback_policy, NULL, LONG_MS, &status, &code));
        assert_int_equal(status, cases[i].status);
        server_stop(&server);
    }
}

static void a_post_says_why_there_was_no_answer(void **state)
{
    static const char *const two_lines[] = {"webhook-id: a\r\nX: y", NULL};
    static const char *const nameless[] = {": a", NULL};
    static const struct {
        const char *name, *names;
        const char *const *headers;
        NetPolicy **policy;
        int code;
        const char *sys;
    } cases[] = {
        {"a certificate for another name", "DNS:other.test", NULL, &loopback_policy,
            ABS_ERROR_PROTOCOL, "CERTIFICATE"},
        {"silence", NULL, NULL, &loopback_policy, ABS_ERROR_IO, "ETIMEDOUT"},
        {"a private address", NULL, NULL, &strict_policy, ABS_ERROR_DENIED, "PRIVATE_ADDRESS"},
        {"a header of two lines", NULL, two_lines, &loopback_policy, ABS_ERROR_INPUT, NULL},
        {"a header without a name", NULL, nameless, &loopback_policy, ABS_ERROR_INPUT, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = {.names = cases[i].names};
        int status = 7, code = 0;
        server_start(&server);
        gint64 wait_ms = cases[i].code == ABS_ERROR_IO ? 700 : LONG_MS;
        const char *sys = NULL;
        assert_false(
            post_fault(&server, *cases[i].policy, cases[i].headers, wait_ms, &status, &code, &sys));
        assert_int_equal(code, cases[i].code);
        assert_string_equal(sys != NULL ? sys : "", cases[i].sys != NULL ? cases[i].sys : "");
        assert_int_equal(status, 7);
        server_stop(&server);
    }
}

/* --- a call whose answer counts ----------------------------------------------------------------
 */

typedef struct {
    Secret *answer;
    int status, code; /* code: of the error, 0 if there is none */
    const char *sys;
} Called;

static Called call_by(NetDns *by, const char *url, const NetPolicy *policy, gint64 timeout_ms)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) body = secret_new("a=b&c=d", 7);
    const NetHttpsCall call = {
        .dns = by,
        .policy = policy,
        .ca_file = trusted_file,
        .url = url,
        .content_type = "application/x-www-form-urlencoded",
        .body = body,
        .most_bytes = MOST_BYTES,
        .timeout_ms = timeout_ms,
        .is_finished_once_begun = by != dns,
    };
    NetHttpsFault fault = {NULL};
    Called called = {.status = 7};
    called.answer = net_https_call(&call, &called.status, &fault, &error);
    assert_int_equal(called.answer == NULL, error != NULL);
    called.code = error != NULL ? error->code : 0;
    called.sys = fault.sys;
    return called;
}

static Called call_at(const char *url, const NetPolicy *policy, gint64 timeout_ms)
{
    return call_by(dns, url, policy, timeout_ms);
}

static Called call(const Server *server, const NetPolicy *policy, gint64 timeout_ms)
{
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/token", server->port);
    return call_at(url, policy, timeout_ms);
}

static void a_call_carries_its_body_and_keeps_the_answer(void **state)
{
    static const struct {
        const char *name, *answer, *body;
        int status;
    } cases[] = {
        {"a good one", OK_HEAD "5\r\n\r\nhello", "hello", 200},
        {"a refusal", "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", "no", 401},
        {"without a body", "HTTP/1.1 204 So\r\n\r\n", "", 204},
        {"a redirect",
            "HTTP/1.1 307 Go\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "",
            307},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = {.answer = cases[i].answer, .until = "c=d"};
        server_start(&server);
        Called called = call(&server, loopback_policy, LONG_MS);
        assert_int_equal(called.code, 0);
        assert_int_equal(called.status, cases[i].status);
        assert_string_equal(secret_reveal(called.answer, NULL), cases[i].body);
        server_join(&server);
        g_autofree char *wanted = g_strdup_printf(
            "POST /token HTTP/1.1\r\nHost: loop.test:%u\r\nContent-Type: "
            "application/x-www-form-urlencoded\r\nAccept: application/json\r\nContent-Length: "
            "7\r\n\r\na=b&c=d",
            server.port);
        assert_string_equal(server.request->str, wanted);
        server_stop(&server);
        secret_free(called.answer);
    }
}

static void where_it_is_wished_a_stop_ends_only_calls_that_have_not_begun(void **state)
{
    g_autoptr(NetDns) own_dns = net_dns_new(dnsmasq.address, NULL);
    Server server = {
        .answer = OK_HEAD "5\r\n\r\nhello", .until = "c=d", .delay_ms = 300, .stops = own_dns};
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    Called called = call_by(own_dns, url, loopback_policy, LONG_MS);
    assert_int_equal(called.code, 0);
    assert_string_equal(secret_reveal(called.answer, NULL), "hello");
    secret_free(called.answer);
    server_stop(&server);
    static const char *const urls[] = {"https://loop.test:1/", "https://localhost:1/"};
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        MonoMs begun = clock_mono_ms();
        called = call_by(own_dns, urls[i], loopback_policy, LONG_MS);
        assert_null(called.answer);
        assert_string_not_equal(called.sys, "ECONNREFUSED");
        assert_in_range(clock_mono_ms() - begun, 0, LONG_MS / 2);
    }
}

static void a_call_that_a_stop_does_not_end_has_its_time_all_the_same(void **state)
{
    g_autoptr(NetDns) own_dns = net_dns_new(dnsmasq.address, NULL);
    Server server = {.answer = NULL, .until = "c=d", .stops = own_dns};
    server_start(&server);
    g_autofree char *url = g_strdup_printf("https://loop.test:%u/", server.port);
    MonoMs begun = clock_mono_ms();
    Called called = call_by(own_dns, url, loopback_policy, 1500);
    assert_null(called.answer);
    assert_string_equal(called.sys, "ETIMEDOUT");
    assert_in_range(clock_mono_ms() - begun, 1500, LONG_MS / 2);
    server_stop(&server);
}

static void a_call_names_what_came_in_its_way(void **state)
{
    const struct {
        const char *name;
        Server server;
        NetPolicy *policy;
        int code;
        const char *sys;
    } cases[] = {
        {"a certificate for another name", {.names = "DNS:other.test"}, loopback_policy,
            ABS_ERROR_PROTOCOL, "CERTIFICATE"},
        {"an unknown issuer", {.issuer = &stranger}, loopback_policy, ABS_ERROR_PROTOCOL,
            "CERTIFICATE"},
        {"TLS 1.1", {.most_version = TLS1_1_VERSION}, loopback_policy, ABS_ERROR_PROTOCOL, "TLS"},
        {"silence", {0}, loopback_policy, ABS_ERROR_IO, "ETIMEDOUT"},
        {"half an answer", {.answer = OK_HEAD "5\r\n\r\nhel"}, loopback_policy, ABS_ERROR_IO,
            "EOF"},
        {"a private address", {0}, strict_policy, ABS_ERROR_DENIED, "PRIVATE_ADDRESS"},
        {"a long answer", {.answer = OK_HEAD "8192\r\n\r\n", .flood = 2 * MOST_BYTES},
            loopback_policy, ABS_ERROR_LIMIT, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        Server server = cases[i].server;
        server_start(&server);
        gboolean is_silent = g_strcmp0(cases[i].sys, "ETIMEDOUT") == 0;
        Called called = call(&server, cases[i].policy, is_silent ? 700 : LONG_MS);
        assert_int_equal(called.code, cases[i].code);
        assert_int_equal(g_strcmp0(called.sys, cases[i].sys), 0);
        assert_int_equal(called.status, 7);
        server_stop(&server);
    }
    const struct {
        const char *url, *sys;
        int code;
    } ways[] = {
        {"https://loop.test:1/", "ECONNREFUSED", ABS_ERROR_IO},
        {"https://missing.test/", "EAI_NONAME", ABS_ERROR_NOT_FOUND},
        {"https://refused.example/", "EAI_AGAIN", ABS_ERROR_IO}, /* no word on whether it is */
        {"http://loop.test/", NULL, ABS_ERROR_INPUT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        print_message("# %s\n", ways[i].url);
        Called called = call_at(ways[i].url, loopback_policy, LONG_MS);
        assert_int_equal(called.code, ways[i].code);
        assert_int_equal(g_strcmp0(called.sys, ways[i].sys), 0);
    }
}

static void an_address_is_read_as_a_request_would(void **state)
{
    g_autofree char *host = NULL;
    guint16 port = 0;
    assert_true(net_https_url_read("https://Loop.test/a?b", &host, &port, NULL));
    assert_string_equal(host, "Loop.test");
    assert_int_equal(port, 443);
    assert_true(net_https_url_read("https://loop.test:8443/", NULL, &port, NULL));
    assert_int_equal(port, 8443);
    g_autoptr(GError) error = NULL;
    assert_false(net_https_url_read("https://127.0.0.1/", NULL, NULL, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED));
    assert_false(net_https_url_read("http://loop.test/", NULL, NULL, NULL));
}

/* --- a DNS that changes its mind ---------------------------------------------------------------
 */

/* A port of one address that takes no connection in, and counts none. */
static int sink_open(const char *address, guint16 *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static gpointer loop_run(gpointer loop)
{
    g_main_loop_run(loop);
    return NULL;
}

/* Threat T5: by turns the name leads to an allowed and to a forbidden address. */
static void a_thousand_changed_answers_never_lead_to_a_forbidden_address(void **state)
{
    enum { TIMES = 1000 };
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GMainLoop) loop = g_main_loop_new(context, FALSE);
    DnsServer changing = {.answers = {"127.0.0.2", "127.0.0.3"}};
    dns_server_start(&changing, context);
    GThread *thread = g_thread_new("dns", loop_run, loop);
    g_autoptr(NetDns) own_dns = net_dns_new(changing.address, NULL);
    g_autoptr(NetPolicy) policy = net_policy_new();
    assert_true(net_policy_allow(policy, "127.0.0.2/32", NULL));
    guint16 port = 0;
    int sink = sink_open("127.0.0.3", &port); /* at 127.0.0.2 nobody listens */
    g_autofree char *url = g_strdup_printf("https://changing.test:%u/", (guint)port);
    g_autoptr(GBytes) body = g_bytes_new_static("{}", 2);
    static const char *const headers[] = {NULL};
    const NetHttpsPost request = {.dns = own_dns,
        .policy = policy,
        .url = url,
        .headers = headers,
        .body = body,
        .most_bytes = MOST_BYTES,
        .timeout_ms = LONG_MS};
    guint n_denied = 0, n_refused = 0;
    for (guint i = 0; i < TIMES; i++) {
        g_autoptr(GError) error = NULL;
        int status = 0;
        assert_false(net_https_post(&request, &status, NULL, &error));
        n_denied += g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED) ? 1 : 0;
        n_refused += g_error_matches(error, ABS_ERROR, ABS_ERROR_IO) ? 1 : 0;
    }
    assert_int_equal(n_denied, TIMES / 2);
    assert_int_equal(n_refused, TIMES / 2);
    assert_int_equal(accept(sink, NULL, NULL), -1);
    close(sink);
    g_main_loop_quit(loop);
    g_thread_join(thread);
    dns_server_stop(&changing);
}

/* That there is no A says nothing of the AAAA nobody tells of: it is asked for again. */
static void without_an_answer_to_either_question_nobody_knows(void **state)
{
    static const struct {
        const char *name, *sys;
        gboolean ignores_aaaa;
        int code;
    } cases[] = {
        {"neither A nor AAAA", "EAI_NONAME", FALSE, ABS_ERROR_NOT_FOUND},
        {"no A, and no word on AAAA", "EAI_AGAIN", TRUE, ABS_ERROR_IO},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_autoptr(GMainContext) context = g_main_context_new();
        g_autoptr(GMainLoop) loop = g_main_loop_new(context, FALSE);
        DnsServer server = {.ignores_aaaa = cases[i].ignores_aaaa};
        dns_server_start(&server, context);
        GThread *thread = g_thread_new("dns", loop_run, loop);
        g_autoptr(NetDns) own_dns = net_dns_new(server.address, NULL);
        gint64 wait_ms = cases[i].ignores_aaaa ? 2000 : LONG_MS;
        Called called = call_by(own_dns, "https://six.test/", loopback_policy, wait_ms);
        assert_int_equal(called.code, cases[i].code);
        assert_string_equal(called.sys, cases[i].sys);
        g_main_loop_quit(loop);
        g_thread_join(thread);
        dns_server_stop(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_its_status),
        cmocka_unit_test(localhost_is_this_machine_where_that_is_allowed),
        cmocka_unit_test(nothing_is_sent_but_the_path),
        cmocka_unit_test(what_cannot_be_trusted_is_not_read),
        cmocka_unit_test(a_large_answer_meets_its_limit),
        cmocka_unit_test(names_that_lead_nowhere_allowed_are_not_connected_to),
        cmocka_unit_test(a_file_without_certificates_is_named),
        cmocka_unit_test(silence_costs_the_given_time_and_no_more),
        cmocka_unit_test(a_stop_ends_a_request),
        cmocka_unit_test(a_post_carries_its_headers_and_its_body_and_nothing_else),
        cmocka_unit_test(a_posts_answer_counts_by_its_status_however_long_it_is),
        cmocka_unit_test(a_post_says_why_there_was_no_answer),
        cmocka_unit_test(a_call_carries_its_body_and_keeps_the_answer),
        cmocka_unit_test(where_it_is_wished_a_stop_ends_only_calls_that_have_not_begun),
        cmocka_unit_test(a_call_that_a_stop_does_not_end_has_its_time_all_the_same),
        cmocka_unit_test(a_call_names_what_came_in_its_way),
        cmocka_unit_test(an_address_is_read_as_a_request_would),
        cmocka_unit_test(without_an_answer_to_either_question_nobody_knows),
        cmocka_unit_test(a_thousand_changed_answers_never_lead_to_a_forbidden_address),
    };
    net_openssl_start(); /* as in the program */
    signal(SIGPIPE, SIG_IGN);
    secret_init();
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
