#include "token_server.h"

#include "net/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct token_server {
    GMutex lock; /* guards all up to the next empty line */
    TokenManner manner;
    GString *request;
    guint asked;

    int fd;
    gint is_over; /* atomic */
    char *url, *ca_file;
    SSL_CTX *context;
    GThread *thread;
};

static char *file_of(const char *directory, const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static gboolean is_whole(const GString *request)
{
    const char *length = strstr(request->str, "Content-Length: ");
    const char *body = strstr(request->str, "\r\n\r\n");
    return body != NULL && length != NULL &&
           strlen(body + 4) >= g_ascii_strtoull(length + 16, NULL, 10);
}

static gboolean read_request(SSL *tls, GString *request)
{
    char buffer[4096];
    int n;
    while (!is_whole(request)) {
        if ((n = SSL_read(tls, buffer, sizeof buffer)) <= 0)
            return FALSE;
        g_string_append_len(request, buffer, n);
    }
    return TRUE;
}

static char *token_dup(const TokenManner *manner, guint number)
{
    g_autofree char *refresh =
        manner->rotates ? g_strdup_printf(",\"refresh_token\":\"refresh-%u\"", number) : NULL;
    return g_strdup_printf("{\"access_token\":\"sandbox-%u\",\"token_type\":\"Bearer\","
                           "\"scope\":\"mail.send\",\"expires_in\":%" G_GINT64_FORMAT "%s}",
        number, manner->expires_in_s != 0 ? manner->expires_in_s : 3600,
        refresh != NULL ? refresh : "");
}

static void answer(TokenServer *server, SSL *tls)
{
    g_mutex_lock(&server->lock);
    const TokenManner manner = server->manner;
    g_autofree char *body =
        manner.answer != NULL ? g_strdup(manner.answer) : token_dup(&manner, server->asked);
    g_mutex_unlock(&server->lock);
    g_usleep(manner.delay_ms * 1000);
    g_autofree char *whole =
        g_strdup_printf("HTTP/1.1 %d So\r\nContent-Type: application/json\r\nContent-Length: "
                        "%" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n%s",
            manner.status != 0 ? manner.status : 200, strlen(body), body);
    SSL_write(tls, whole, (int)strlen(whole));
    SSL_shutdown(tls);
}

static void serve(TokenServer *server, int fd)
{
    SSL *tls = SSL_new(server->context);
    g_autoptr(GString) request = g_string_new(NULL);
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1 && read_request(tls, request)) {
        g_mutex_lock(&server->lock);
        g_string_assign(server->request, request->str);
        server->asked++;
        g_mutex_unlock(&server->lock);
        answer(server, tls);
    }
    SSL_free(tls);
    close(fd);
}

static gpointer run(gpointer user)
{
    TokenServer *server = user;
    while (!g_atomic_int_get(&server->is_over)) {
        struct pollfd wait = {.fd = server->fd, .events = POLLIN};
        if (poll(&wait, 1, 50) == 1)
            serve(server, accept(server->fd, NULL, NULL));
    }
    return NULL;
}

TokenServer *token_server_new(const char *directory)
{
    static const char *const names[] = {"localhost", NULL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    g_assert(net_tls_make_own(directory, "token", names, NULL));
    g_autofree char *chain = file_of(directory, "token-chain.pem");
    g_autofree char *key = file_of(directory, "token-key.pem");
    TokenServer *server = g_new0(TokenServer, 1);
    g_mutex_init(&server->lock);
    server->request = g_string_new(NULL);
    server->ca_file = file_of(directory, "token-ca.pem");
    server->context = SSL_CTX_new(TLS_server_method());
    g_assert(SSL_CTX_use_certificate_chain_file(server->context, chain) == 1);
    g_assert(SSL_CTX_use_PrivateKey_file(server->context, key, SSL_FILETYPE_PEM) == 1);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert(bind(server->fd, (struct sockaddr *)&address, size) == 0);
    g_assert(listen(server->fd, 16) == 0);
    g_assert(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0);
    server->url = g_strdup_printf("https://localhost:%u/token", (guint)ntohs(address.sin_port));
    server->thread = g_thread_new("token-server", run, server);
    return server;
}

void token_server_free(TokenServer *server)
{
    g_atomic_int_set(&server->is_over, 1);
    g_thread_join(server->thread);
    close(server->fd);
    SSL_CTX_free(server->context);
    g_string_free(server->request, TRUE);
    g_mutex_clear(&server->lock);
    g_free(server->url);
    g_free(server->ca_file);
    g_free(server);
}

void token_server_set(TokenServer *server, TokenManner manner)
{
    g_mutex_lock(&server->lock);
    server->manner = manner;
    g_mutex_unlock(&server->lock);
}

const char *token_server_url(const TokenServer *server)
{
    return server->url;
}

const char *token_server_ca_file(const TokenServer *server)
{
    return server->ca_file;
}

guint token_server_asked(TokenServer *server)
{
    g_mutex_lock(&server->lock);
    guint asked = server->asked;
    g_mutex_unlock(&server->lock);
    return asked;
}

gboolean token_server_was_sent(TokenServer *server, const char *text)
{
    g_mutex_lock(&server->lock);
    gboolean was_sent = strstr(server->request->str, text) != NULL;
    g_mutex_unlock(&server->lock);
    return was_sent;
}
