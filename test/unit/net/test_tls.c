#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/tls_mode.h"
#include "net/stream.h"
#include "net/stream_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "certificates.h"
#include "loop.h"

#define SECRET "AUTH PLAIN AGEAYg==\r\n"

static char *directory;
static Issuer trusted, stranger;
static char *trusted_file;

static char *file_in(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static int group_setup(void **state)
{
    directory = g_dir_make_tmp("absender-tls-XXXXXX", NULL);
    trusted = issuer_make("Trusted Root");
    stranger = issuer_make("Unknown Root");
    trusted_file = file_in("trusted.pem");
    pem_save(trusted_file, NULL, trusted.certificate, NULL);
    return 0;
}

static int group_teardown(void **state)
{
    issuer_free(&trusted);
    issuer_free(&stranger);
    directory_remove(directory);
    g_free(trusted_file);
    g_free(directory);
    return 0;
}

/* A client of ours that trusts `trusted`, and a server of ours or a socket played by hand. */
typedef struct {
    GMainContext *context;
    NetListener *listener;
    guint16 port;
    End client, server;
    NetTlsClient *trust;
    NetTlsServer *identity;
    const char *host;
    TlsMode mode;
    gboolean plays_server; /* FALSE: the accepted socket is left in `accepted` */
    int accepted;
} Scene;

static void server_go(End *end)
{
    Scene *scene = end->extra;
    if (scene->mode == TLS_MODE_STARTTLS && end_holds(end, "STARTTLS\r\n") && end->n_tls_up == 0) {
        g_byte_array_set_size(end->in, 0);
        end_say(end, "220 go\r\n");
        net_stream_start_tls_server(end->stream, scene->identity);
    }
}

static void scene_accepted(int fd, gpointer user)
{
    Scene *scene = user;
    scene->accepted = fd;
    if (!scene->plays_server)
        return;
    scene->server.stream = net_stream_accept(scene->context, fd, &end_events, &scene->server);
    if (scene->mode == TLS_MODE_IMPLICIT)
        net_stream_start_tls_server(scene->server.stream, scene->identity);
}

/* The secret is given to the stream at once: it must not leave before the handshake. */
static void client_secure(End *end)
{
    Scene *scene = end->extra;
    net_stream_start_tls_client(end->stream, scene->trust, scene->host);
    net_stream_send(end->stream, (const guint8 *)SECRET, strlen(SECRET), TRUE);
}

static void client_connected(End *end)
{
    Scene *scene = end->extra;
    if (scene->mode == TLS_MODE_IMPLICIT)
        client_secure(end);
    else
        end_say(end, "STARTTLS\r\n");
}

static void client_go(End *end)
{
    if (end->n_tls_up == 0 && end_holds(end, "220 go\r\n")) {
        g_byte_array_set_size(end->in, 0);
        client_secure(end);
    }
}

static void scene_init(Scene *scene, TlsMode mode)
{
    memset(scene, 0, sizeof *scene);
    scene->context = g_main_context_new();
    scene->mode = mode;
    scene->host = "mail.example.test";
    scene->accepted = -1;
    scene->trust = net_tls_client_new(trusted_file, NULL);
    assert_non_null(scene->trust);
    end_init(&scene->client);
    end_init(&scene->server);
    scene->client.extra = scene->server.extra = scene;
    scene->client.on_connected = client_connected;
    scene->client.on_bytes = client_go;
    scene->server.on_bytes = server_go;
    scene->listener =
        net_listener_new(scene->context, "127.0.0.1", 0, &scene->port, scene_accepted, scene, NULL);
    assert_non_null(scene->listener);
}

static void scene_identify(Scene *scene, const Wish *wish, const Issuer *issuer, X509 *sent_along)
{
    g_autofree char *chain = file_in("chain.pem");
    g_autofree char *key_file = file_in("key.pem");
    g_autoptr(GError) error = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *leaf = certificate_make(wish, key, issuer, FALSE);
    pem_save(chain, NULL, leaf, sent_along);
    pem_save(key_file, key, NULL, NULL);
    scene->identity = net_tls_server_new(chain, key_file, &error);
    assert_null(error);
    scene->plays_server = TRUE;
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static void scene_identify_well(Scene *scene)
{
    Wish wish = {.common_name = "good", .sans = "DNS:mail.example.test,DNS:smtp.example.test"};
    scene_identify(scene, &wish, &trusted, NULL);
}

static void scene_connect(Scene *scene)
{
    struct sockaddr_in address = loopback(scene->port);
    scene->client.stream = net_stream_connect(
        scene->context, (struct sockaddr *)&address, &end_events, &scene->client);
}

static void scene_clear(Scene *scene)
{
    end_clear(&scene->client);
    end_clear(&scene->server);
    if (!scene->plays_server && scene->accepted >= 0)
        close(scene->accepted);
    net_listener_free(scene->listener);
    net_tls_client_free(scene->trust);
    net_tls_server_free(scene->identity);
    g_main_context_unref(scene->context);
}

/* --- the matrix of certificates (threats T16) --------------------------------------------------
 */

typedef enum { BY_TRUSTED, BY_ITSELF, BY_STRANGER, BY_STRANGER_WITH_ROOT } SignedBy;

static const struct {
    const char *name;
    Wish wish;
    SignedBy by;
    const char *host;
    long verify_code; /* 0: accepted */
    const char *shown;
} certificates[] = {
    {"good", {.common_name = "x", .sans = "DNS:mail.example.test"}, BY_TRUSTED, "mail.example.test",
        0, NULL},
    {"second name", {.common_name = "x", .sans = "DNS:a.test,DNS:mail.example.test"}, BY_TRUSTED,
        "mail.example.test", 0, NULL},
    {"other case", {.common_name = "x", .sans = "DNS:MAIL.Example.Test"}, BY_TRUSTED,
        "mail.example.test", 0, NULL},
    {"wildcard", {.common_name = "x", .sans = "DNS:*.example.test"}, BY_TRUSTED,
        "mail.example.test", 0, NULL},
    {"address", {.common_name = "x", .sans = "IP:127.0.0.1"}, BY_TRUSTED, "127.0.0.1", 0, NULL},
    {"address 6", {.common_name = "x", .sans = "IP:::1"}, BY_TRUSTED, "::1", 0, NULL},
    {"expired",
        {.common_name = "x", .sans = "DNS:mail.example.test", .from_days = -9, .to_days = -2},
        BY_TRUSTED, "mail.example.test", X509_V_ERR_CERT_HAS_EXPIRED, "mail.example.test"},
    {"not yet valid",
        {.common_name = "x", .sans = "DNS:mail.example.test", .from_days = 2, .to_days = 9},
        BY_TRUSTED, "mail.example.test", X509_V_ERR_CERT_NOT_YET_VALID, "mail.example.test"},
    {"self-signed", {.common_name = "x", .sans = "DNS:mail.example.test"}, BY_ITSELF,
        "mail.example.test", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "mail.example.test"},
    {"unknown issuer", {.common_name = "x", .sans = "DNS:mail.example.test"}, BY_STRANGER,
        "mail.example.test", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "mail.example.test"},
    {"unknown root sent along", {.common_name = "x", .sans = "DNS:mail.example.test"},
        BY_STRANGER_WITH_ROOT, "mail.example.test", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        "mail.example.test"},
    {"wrong name", {.common_name = "x", .sans = "DNS:w0123.kasserver.test"}, BY_TRUSTED,
        "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "w0123.kasserver.test"},
    {"name in CN only", {.common_name = "mail.example.test"}, BY_TRUSTED, "mail.example.test",
        X509_V_ERR_HOSTNAME_MISMATCH, "mail.example.test"},
    {"name in CN beside others", {.common_name = "mail.example.test", .sans = "DNS:a.test"},
        BY_TRUSTED, "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "a.test"},
    {"name in a mail SAN", {.common_name = "x", .sans = "email:a@mail.example.test"}, BY_TRUSTED,
        "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "x"},
    {"name in a URI SAN", {.common_name = "x", .sans = "URI:https://mail.example.test/"},
        BY_TRUSTED, "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "x"},
    {"partial wildcard", {.common_name = "x", .sans = "DNS:m*.example.test"}, BY_TRUSTED,
        "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "m*.example.test"},
    {"wildcard over two labels", {.common_name = "x", .sans = "DNS:*.example.test"}, BY_TRUSTED,
        "a.mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "*.example.test"},
    {"wildcard inside", {.common_name = "x", .sans = "DNS:mail.*.test"}, BY_TRUSTED,
        "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "mail.*.test"},
    {"longer name", {.common_name = "x", .sans = "DNS:mail.example.test.evil.test"}, BY_TRUSTED,
        "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH, "mail.example.test.evil.test"},
    {"address missing", {.common_name = "127.0.0.1", .sans = "DNS:mail.example.test"}, BY_TRUSTED,
        "127.0.0.1", X509_V_ERR_IP_ADDRESS_MISMATCH, "mail.example.test"},
    {"address as a name", {.common_name = "x", .sans = "DNS:127.0.0.1"}, BY_TRUSTED, "127.0.0.1",
        X509_V_ERR_IP_ADDRESS_MISMATCH, "127.0.0.1"},
    {"for clients",
        {.common_name = "x", .sans = "DNS:mail.example.test", .extended_use = "clientAuth"},
        BY_TRUSTED, "mail.example.test", X509_V_ERR_INVALID_PURPOSE, "mail.example.test"},
};

static void check_accepted(Scene *scene)
{
    wait_until(scene->context, scene->client.n_lost > 0 || scene->server.in->len > 0);
    assert_int_equal(scene->client.n_lost, 0);
    assert_int_equal(scene->client.n_tls_up, 1);
    wait_until(scene->context, end_holds(&scene->server, SECRET));
    assert_string_equal(scene->client.version, "TLSv1.3");
    assert_non_null(scene->client.certificate_subject);
    assert_true(scene->client.not_before < clock_wall_ms());
    assert_true(scene->client.not_after > clock_wall_ms());
}

static void check_refused(Scene *scene, gsize i)
{
    const End *client = &scene->client;
    wait_until(scene->context, client->n_lost == 1 && scene->server.n_lost == 1);
    assert_int_equal(client->n_tls_up, 0);
    assert_int_equal(client->verify_code, certificates[i].verify_code);
    assert_true(client->in_handshake);
    assert_non_null(client->tls_reason);
    assert_string_equal(client->certificate_name, certificates[i].shown);
    assert_non_null(strstr(client->certificate_subject, "CN="));
    gint64 days = certificates[i].wish.to_days != 0 ? certificates[i].wish.to_days : 1;
    assert_true(ABS(client->not_after - (clock_wall_ms() + days * CLOCK_DAY_MS)) < CLOCK_MINUTE_MS);
    assert_int_equal(scene->server.in->len, 0); /* no byte of the secret */
}

static void certificates_are_judged_by_chain_name_and_date(void **state)
{
    for (gsize i = 0; i < 2 * G_N_ELEMENTS(certificates); i++) {
        gsize row = i / 2;
        Scene scene;
        scene_init(&scene, i % 2 == 0 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS);
        print_message("# %s, %s\n", certificates[row].name, tls_mode_name(scene.mode));
        SignedBy by = certificates[row].by;
        const Issuer *issuer = by == BY_TRUSTED ? &trusted : by == BY_ITSELF ? NULL : &stranger;
        scene_identify(&scene, &certificates[row].wish, issuer,
            by == BY_STRANGER_WITH_ROOT ? stranger.certificate : NULL);
        scene.host = certificates[row].host;
        scene_connect(&scene);
        if (certificates[row].verify_code == 0)
            check_accepted(&scene);
        else
            check_refused(&scene, row);
        scene_clear(&scene);
    }
}

/* --- bytes under TLS ---------------------------------------------------------------------------
 */

typedef struct {
    guint8 block[65536];
    gsize left;
} Supply;

static Supply supply_up, supply_down;

static void supply_next(End *end)
{
    Scene *scene = end->extra;
    Supply *supply = end == &scene->client ? &supply_up : &supply_down;
    if (end->n_tls_up == 0 || supply->left == 0)
        return;
    gsize n = MIN(supply->left, sizeof supply->block);
    supply->left -= n;
    net_stream_send(end->stream, supply->block, n, FALSE);
}

static void large_transfers_pass_in_both_directions_at_once(void **state)
{
    const gsize total = 12 * 1024 * 1024;
    for (guint i = 0; i < 2; i++) {
        Scene scene;
        scene_init(&scene, i == 0 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS);
        scene_identify_well(&scene);
        supply_up.left = supply_down.left = total;
        memset(supply_up.block, 'u', sizeof supply_up.block);
        memset(supply_down.block, 'd', sizeof supply_down.block);
        scene.client.on_sent = scene.server.on_sent = supply_next;
        scene.server.on_tls_up = supply_next;
        scene_connect(&scene);
        wait_until(scene.context,
            scene.client.in->len == total && scene.server.in->len == strlen(SECRET) + total);
        assert_memory_equal(scene.server.in->data, SECRET, strlen(SECRET));
        assert_int_equal(scene.server.in->data[scene.server.in->len - 1], 'u');
        assert_int_equal(scene.client.in->data[total - 1], 'd');
        scene_clear(&scene);
    }
}

static void pause_it(End *end)
{
    net_stream_pause_reading(end->stream, TRUE);
}

static void bytes_held_by_openssl_are_delivered_after_a_pause(void **state)
{
    /* A hundred records come in one piece and are asked for one by one: after the first no poll
     * will say that there are more. */
    Scene scene;
    scene_init(&scene, TLS_MODE_IMPLICIT);
    scene_identify_well(&scene);
    scene_connect(&scene);
    wait_until(scene.context, scene.client.n_tls_up == 1 && end_holds(&scene.server, SECRET));
    net_stream_pause_reading(scene.client.stream, TRUE);
    for (guint i = 0; i < 100; i++)
        end_say(&scene.server, "0123456789");
    run_for(scene.context, 50);
    assert_int_equal(scene.client.in->len, 0);
    scene.client.on_bytes = pause_it;
    for (guint i = 1; i <= 100; i++) {
        net_stream_pause_reading(scene.client.stream, FALSE);
        wait_until(scene.context, scene.client.in->len == 10 * i);
    }
    for (guint i = 0; i < 100; i++)
        end_say(&scene.server, "0123456789");
    run_for(scene.context, 50);
    scene.client.on_bytes = NULL; /* and without pauses, more than fit into one turn */
    net_stream_pause_reading(scene.client.stream, FALSE);
    wait_until(scene.context, scene.client.in->len == 2000);
    scene_clear(&scene);
}

static void close_after_send_says_goodbye_under_tls(void **state)
{
    Scene scene;
    scene_init(&scene, TLS_MODE_IMPLICIT);
    scene_identify_well(&scene);
    scene_connect(&scene);
    wait_until(scene.context, end_holds(&scene.server, SECRET));
    end_say(&scene.server, "221 bye\r\n");
    net_stream_close_after_send(scene.server.stream);
    wait_until(scene.context, scene.client.n_lost == 1);
    assert_true(end_holds(&scene.client, "221 bye\r\n"));
    assert_string_equal(scene.client.sys, "EOF");
    assert_true(scene.client.clean);
    assert_null(scene.client.tls_reason);
    scene_clear(&scene);
}

static void cut(End *end)
{
    Scene *scene = end->extra;
    shutdown(scene->accepted, SHUT_RDWR); /* FIN without close_notify */
}

static void a_tls_stream_that_is_cut_is_not_clean(void **state)
{
    Scene scene;
    scene_init(&scene, TLS_MODE_IMPLICIT);
    scene_identify_well(&scene);
    scene.client.on_sent = cut;
    scene_connect(&scene);
    wait_until(scene.context, scene.client.n_lost == 1);
    assert_string_equal(scene.client.sys, "EOF");
    assert_false(scene.client.clean);
    assert_false(scene.client.in_handshake);
    assert_null(scene.client.tls_reason);
    scene_clear(&scene);
}

static void free_it(End *end)
{
    net_stream_free(g_steal_pointer(&end->stream));
}

static void a_stream_may_be_freed_when_tls_is_up_or_refused(void **state)
{
    for (guint i = 0; i < 3; i++) {
        Scene scene;
        scene_init(&scene, TLS_MODE_STARTTLS);
        scene_identify_well(&scene);
        if (i == 0)
            scene.client.on_tls_up = free_it;
        if (i == 1)
            scene.client.on_lost = free_it;
        if (i == 2)
            scene.server.on_tls_up = free_it;
        if (i == 1)
            scene.host = "other.test";
        scene_connect(&scene);
        wait_until(scene.context, i == 2 ? scene.server.stream == NULL && scene.client.n_lost == 1
                                         : scene.client.stream == NULL);
        scene_clear(&scene);
    }
}

/* --- peers that do not keep to TLS -------------------------------------------------------------
 */

static void wait_for_hello(Scene *scene)
{
    guint8 hello[16];
    wait_until(scene->context, scene->accepted >= 0);
    wait_until(
        scene->context, recv(scene->accepted, hello, sizeof hello, MSG_PEEK | MSG_DONTWAIT) > 0);
    assert_int_equal(hello[0], 0x16); /* a handshake record, not our secret */
}

static void plaintext_spoken_to_tls_is_named(void **state)
{
    static const struct {
        const char *says, *reason;
    } cases[] = {
        {"220 smtp.example.test ESMTP ready\r\n", "wrong version number"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Scene scene;
        scene_init(&scene, TLS_MODE_IMPLICIT);
        scene_connect(&scene);
        wait_for_hello(&scene);
        assert_true(send(scene.accepted, cases[i].says, strlen(cases[i].says), 0) > 0);
        wait_until(scene.context, scene.client.n_lost == 1);
        assert_string_equal(scene.client.tls_reason, cases[i].reason);
        assert_true(scene.client.in_handshake);
        assert_int_equal(scene.client.verify_code, 0);
        assert_int_equal(scene.client.in->len, 0);
        scene_clear(&scene);
    }
}

static void a_peer_that_cuts_the_handshake_is_an_eof(void **state)
{
    static const char part[] = "\x16\x03\x03\x00\x7a\x02\x00";
    for (gsize n = 0; n < sizeof part; n += sizeof part - 1) {
        Scene scene;
        scene_init(&scene, TLS_MODE_IMPLICIT);
        scene_connect(&scene);
        wait_for_hello(&scene);
        if (n > 0)
            assert_int_equal(send(scene.accepted, part, n, 0), n);
        shutdown(scene.accepted, SHUT_WR);
        wait_until(scene.context, scene.client.n_lost == 1);
        assert_string_equal(scene.client.sys, "EOF");
        assert_true(scene.client.in_handshake);
        assert_false(scene.client.clean);
        assert_string_equal(scene.client.tls_reason, "unexpected eof while reading");
        scene_clear(&scene);
    }
}

static void a_handshake_has_an_end(void **state)
{
    Scene scene;
    scene_init(&scene, TLS_MODE_IMPLICIT);
    scene_connect(&scene);
    wait_for_hello(&scene);
    MonoMs now = clock_mono_ms();
    MonoMs limit = scene.client.stream->handshake_deadline;
    assert_true(limit > now && limit <= now + LIMIT_TLS_HANDSHAKE_MS);
    scene.client.stream->handshake_deadline = now + 50; /* half a minute is long for a test */
    net_stream_set_deadline(scene.client.stream, 0);    /* arms it */
    wait_until(scene.context, scene.client.n_lost == 1);
    assert_string_equal(scene.client.sys, "ETIMEDOUT");
    assert_true(scene.client.in_handshake);
    assert_false(scene.client.clean);
    scene_clear(&scene);
}

static void bytes_injected_behind_the_220_break_the_handshake(void **state)
{
    /* They arrive after our core has read the 220 alone, while the stream already waits for TLS. */
    Scene scene;
    scene_init(&scene, TLS_MODE_STARTTLS);
    scene_connect(&scene);
    wait_until(scene.context, scene.accepted >= 0);
    assert_true(send(scene.accepted, "220 go\r\n", 8, 0) == 8);
    wait_until(scene.context, scene.client.in->len == 0 && scene.client.n_sent == 1);
    run_for(scene.context, 50);
    assert_true(send(scene.accepted, "250 AUTH PLAIN\r\n", 16, 0) == 16);
    wait_until(scene.context, scene.client.n_lost == 1);
    assert_true(scene.client.in_handshake);
    assert_int_equal(scene.client.in->len, 0);
    assert_int_equal(scene.client.n_tls_up, 0);
    scene_clear(&scene);
}

static void plaintext_before_starttls_leaves_before_the_handshake(void **state)
{
    /* 220 and start_tls in one step of the server, though its socket is full. */
    Scene scene;
    scene_init(&scene, TLS_MODE_STARTTLS);
    scene_identify_well(&scene);
    scene.client.on_connected = NULL;
    scene.client.on_bytes = NULL;
    scene_connect(&scene);
    wait_until(scene.context, scene.server.stream != NULL && scene.client.n_connected == 1);
    net_stream_pause_reading(scene.client.stream, TRUE);
    g_autofree guint8 *flood = g_malloc0(16 * 1024 * 1024);
    net_stream_send(scene.server.stream, flood, 16 * 1024 * 1024, FALSE);
    run_for(scene.context, 30);
    net_stream_start_tls_server(scene.server.stream, scene.identity);
    end_say(&scene.server, "under tls");
    net_stream_pause_reading(scene.client.stream, FALSE);
    wait_until(scene.context, scene.client.in->len == 16 * 1024 * 1024);
    g_byte_array_set_size(scene.client.in, 0);
    run_for(scene.context, 30);
    assert_int_equal(scene.client.in->len, 0); /* the rest waits for the handshake */
    client_secure(&scene.client);
    wait_until(
        scene.context, end_holds(&scene.client, "under tls") && end_holds(&scene.server, SECRET));
    scene_clear(&scene);
}

/* --- a peer of OpenSSL's own, in a thread, blocking --------------------------------------------
 */

typedef struct {
    int fd;
    SSL_CTX *context;
    gsize n_read, n_to_read;
    gboolean wants_key_update;
    gboolean went_well;
} Peer;

static gpointer peer_run(gpointer user)
{
    Peer *peer = user;
    SSL *ssl = SSL_new(peer->context);
    guint8 buffer[16384];
    SSL_set_fd(ssl, peer->fd);
    peer->went_well = SSL_accept(ssl) == 1;
    if (peer->went_well && peer->wants_key_update) {
        /* The stream is in the middle of a record that does not fit into its socket, and has to
         * answer this while it reads. */
        g_usleep(100 * 1000);
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        peer->went_well = SSL_write(ssl, "after the update", 16) == 16;
        g_usleep(100 * 1000);
    }
    while (peer->went_well && peer->n_read < peer->n_to_read) {
        int n = SSL_read(ssl, buffer, sizeof buffer);
        peer->went_well = n > 0;
        peer->n_read += n > 0 ? (gsize)n : 0;
    }
    SSL_free(ssl);
    shutdown(peer->fd, SHUT_RDWR);
    ERR_clear_error();
    return NULL;
}

static void peer_identify(Peer *peer, int min, int max)
{
    Wish wish = {.common_name = "peer", .sans = "DNS:mail.example.test"};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *leaf = certificate_make(&wish, key, &trusted, FALSE);
    peer->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(peer->context, 0);
    SSL_CTX_set_min_proto_version(peer->context, min);
    SSL_CTX_set_max_proto_version(peer->context, max);
    SSL_CTX_use_certificate(peer->context, leaf);
    SSL_CTX_use_PrivateKey(peer->context, key);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static GThread *peer_start(Peer *peer, Scene *scene)
{
    scene_connect(scene);
    wait_until(scene->context, scene->accepted >= 0);
    int flags = fcntl(scene->accepted, F_GETFL);
    fcntl(scene->accepted, F_SETFL, flags & ~O_NONBLOCK);
    peer->fd = scene->accepted;
    return g_thread_new("peer", peer_run, peer);
}

static void old_versions_of_tls_are_refused(void **state)
{
    static const struct {
        int version;
        const char *accepted;
    } versions[] = {
        {TLS1_VERSION, NULL},
        {TLS1_1_VERSION, NULL},
        {TLS1_2_VERSION, "TLSv1.2"},
        {TLS1_3_VERSION, "TLSv1.3"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(versions); i++) {
        Scene scene;
        scene_init(&scene, TLS_MODE_IMPLICIT);
        Peer peer = {.n_to_read = strlen(SECRET)};
        peer_identify(&peer, versions[i].version, versions[i].version);
        GThread *thread = peer_start(&peer, &scene);
        wait_until(scene.context, scene.client.n_lost == 1);
        g_thread_join(thread);
        if (versions[i].accepted == NULL) {
            assert_int_equal(scene.client.n_tls_up, 0);
            assert_true(scene.client.in_handshake);
            assert_true(strstr(scene.client.tls_reason, "unsupported protocol") != NULL ||
                        strstr(scene.client.tls_reason, "alert protocol version") != NULL);
        } else {
            assert_string_equal(scene.client.version, versions[i].accepted);
            assert_int_equal(peer.n_read, strlen(SECRET));
        }
        SSL_CTX_free(peer.context);
        scene_clear(&scene);
    }
}

static void a_key_update_in_a_jam_loses_nothing(void **state)
{
    const gsize flood_bytes = 16 * 1024 * 1024;
    Scene scene;
    scene_init(&scene, TLS_MODE_IMPLICIT);
    Peer peer = {.n_to_read = strlen(SECRET) + flood_bytes, .wants_key_update = TRUE};
    peer_identify(&peer, TLS1_3_VERSION, TLS1_3_VERSION);
    GThread *thread = peer_start(&peer, &scene);
    wait_until(scene.context, scene.client.n_tls_up == 1);
    g_autofree guint8 *flood = g_malloc0(flood_bytes);
    net_stream_send(scene.client.stream, flood, flood_bytes, FALSE);
    wait_until(scene.context, scene.client.n_lost == 1);
    g_thread_join(thread);
    assert_true(peer.went_well);
    assert_int_equal(peer.n_read, peer.n_to_read);
    assert_true(end_holds(&scene.client, "after the update"));
    SSL_CTX_free(peer.context);
    scene_clear(&scene);
}

/* --- files -------------------------------------------------------------------------------------
 */

static void files_that_are_no_certificates_are_named(void **state)
{
    g_autofree char *junk = file_in("junk.pem");
    g_autofree char *missing = file_in("missing.pem");
    assert_true(g_file_set_contents(junk, "no certificate", -1, NULL));
    const char *const files[] = {junk, missing};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) client = NULL, server = NULL;
        assert_null(net_tls_client_new(files[i], &client));
        assert_true(g_error_matches(client, ABS_ERROR, ABS_ERROR_INPUT));
        assert_non_null(strstr(client->message, files[i]));
        assert_null(net_tls_server_new(files[i], files[i], &server));
        assert_true(g_error_matches(server, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

static void a_key_that_does_not_fit_is_refused(void **state)
{
    g_autofree char *chain = file_in("chain.pem");
    g_autofree char *key_file = file_in("other-key.pem");
    g_autoptr(GError) error = NULL;
    Wish wish = {.common_name = "x"};
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *leaf = certificate_make(&wish, key, &trusted, FALSE);
    pem_save(chain, NULL, leaf, NULL);
    pem_save(key_file, other, NULL, NULL);
    assert_null(net_tls_server_new(chain, key_file, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    X509_free(leaf);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static const char *const own_names[] = {"localhost", "127.0.0.1", "::1", NULL};

static void our_own_certificate_is_accepted_for_each_of_its_names(void **state)
{
    g_autofree char *ca = file_in("own-ca.pem");
    g_autofree char *chain = file_in("own-chain.pem");
    g_autofree char *key = file_in("own-key.pem");
    assert_true(net_tls_make_own(directory, "own", own_names, NULL));
    struct stat about;
    assert_int_equal(stat(key, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    for (const char *const *name = own_names; *name != NULL; name++) {
        Scene scene;
        scene_init(&scene, TLS_MODE_IMPLICIT);
        assert_true(net_tls_client_trust(scene.trust, ca, NULL));
        scene.identity = net_tls_server_new(chain, key, NULL);
        assert_non_null(scene.identity);
        scene.plays_server = TRUE;
        scene.host = *name;
        scene_connect(&scene);
        wait_until(scene.context, end_holds(&scene.server, SECRET));
        assert_string_equal(scene.client.names, "localhost");
        gint64 days = (scene.client.not_after - scene.client.not_before) / CLOCK_DAY_MS;
        assert_true(days > 300 && days <= LIMIT_OWN_CERTIFICATE_DAYS);
        scene_clear(&scene);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_judged_by_chain_name_and_date),
        cmocka_unit_test(large_transfers_pass_in_both_directions_at_once),
        cmocka_unit_test(bytes_held_by_openssl_are_delivered_after_a_pause),
        cmocka_unit_test(close_after_send_says_goodbye_under_tls),
        cmocka_unit_test(a_tls_stream_that_is_cut_is_not_clean),
        cmocka_unit_test(a_stream_may_be_freed_when_tls_is_up_or_refused),
        cmocka_unit_test(plaintext_spoken_to_tls_is_named),
        cmocka_unit_test(a_peer_that_cuts_the_handshake_is_an_eof),
        cmocka_unit_test(a_handshake_has_an_end),
        cmocka_unit_test(bytes_injected_behind_the_220_break_the_handshake),
        cmocka_unit_test(plaintext_before_starttls_leaves_before_the_handshake),
        cmocka_unit_test(old_versions_of_tls_are_refused),
        cmocka_unit_test(a_key_update_in_a_jam_loses_nothing),
        cmocka_unit_test(files_that_are_no_certificates_are_named),
        cmocka_unit_test(a_key_that_does_not_fit_is_refused),
        cmocka_unit_test(our_own_certificate_is_accepted_for_each_of_its_names),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
