/* Verifications that fail before the login, and what they find out about why; with the sandbox, and
 * with doors that are shut or speak another language. */
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "courier/sender_mx.h"
#include "courier/sibling.h"
#include "ingress/sandbox.h"
#include "net/dns.h"
#include "provider.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../net/certificates.h"
#include "run_until.h"

#define ORG STORE_DEFAULT_ORG
#define STARTTLS_PORT 2587
#define IMPLICIT_PORT 2465
#define OTHER_PORT 2525

/* A server that says one thing to everybody and hangs up: words, or a certificate over TLS. */
typedef struct {
    NetListener *listener;
    const char *words;
    SSL_CTX *tls;
} Talker;

typedef struct {
    char *directory, *address; /* of our own on loopback, so that well-known ports are free */
    GMainContext *context;
    Vault *vault;
    Store *store;
    DiagnosisCatalogue *catalogue;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetPolicy *policy;
    Sandbox *sandbox;
    Courier *courier;
    Talker talker;
    gint64 revision;
} World;

static DiagnosisCatalogue *read_catalogue(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &json, &n, NULL));
    return diagnosis_catalogue_new(json, n, NULL);
}

static int set_up(void **state)
{
    static guint turn = 0;
    World *world = g_new0(World, 1);
    guint pid = (guint)getpid();
    world->address =
        g_strdup_printf("127.%u.%u.%u", 64 + pid / 250 % 60, 1 + pid % 250, 1 + turn++);
    world->directory = g_dir_make_tmp("absender-verify-XXXXXX", NULL);
    world->context = g_main_context_default();
    g_autofree char *key = g_build_filename(world->directory, "key", NULL);
    g_autofree char *database = g_build_filename(world->directory, "absender.db", NULL);
    world->vault = vault_open(key, TRUE, NULL);
    const StoreConfig store = {.path = database, .full_sync = TRUE};
    world->store = store_open(&store, NULL, NULL);
    vault_set_instance(world->vault, store_instance(world->store));
    world->catalogue = read_catalogue();
    world->tls = net_tls_client_new(NULL, NULL);
    world->resolver = net_resolver_new(world->context, NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    const CourierParts parts = {
        .context = world->context,
        .store = world->store,
        .vault = world->vault,
        .catalogue = world->catalogue,
        .dialer = {.context = world->context, .resolver = world->resolver, .policy = world->policy},
        .tls = world->tls,
        .default_ehlo_name = "[127.0.0.1]",
    };
    world->courier = courier_new(&parts);
    *state = world;
    return 0;
}

static void close_talker(World *world)
{
    g_clear_pointer(&world->talker.listener, net_listener_free);
    g_clear_pointer(&world->talker.tls, SSL_CTX_free); /* handshakes hold it as well */
}

static int tear_down(void **state)
{
    World *world = *state;
    courier_stop(world->courier, 5000);
    sandbox_free(world->sandbox);
    close_talker(world);
    store_close(world->store);
    courier_free(world->courier);
    net_policy_free(world->policy);
    net_resolver_free(world->resolver);
    net_tls_client_free(world->tls);
    diagnosis_catalogue_free(world->catalogue);
    vault_free(world->vault);
    g_autoptr(GDir) files = g_dir_open(world->directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(files)) != NULL;) {
        g_autofree char *path = g_build_filename(world->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(world->directory);
    g_free(world->directory);
    g_free(world->address);
    g_free(world);
    return 0;
}

/* --- The other side -----------------------------------------------------------------------------
 */

static void open_sandbox(World *world, guint16 starttls_port, guint16 implicit_port)
{
    const SandboxConfig config = {.context = world->context,
        .store = world->store,
        .vault = world->vault,
        .directory = world->directory,
        .address = world->address,
        .starttls_port = starttls_port,
        .implicit_port = implicit_port};
    SandboxFacts facts;
    world->sandbox = sandbox_new(&config, NULL);
    assert_non_null(world->sandbox);
    sandbox_facts(world->sandbox, &facts);
    assert_true(net_tls_client_trust(world->tls, facts.ca_file, NULL));
}

static void on_caller(int fd, gpointer user)
{
    const Talker *talker = user;
    assert_int_equal(write(fd, talker->words, strlen(talker->words)), strlen(talker->words));
    shutdown(fd, SHUT_WR);
    close(fd);
}

static void open_talker(World *world, const char *words)
{
    guint16 port;
    world->talker.words = words;
    world->talker.listener = net_listener_new(
        world->context, world->address, STARTTLS_PORT, &port, on_caller, &world->talker, NULL);
    assert_non_null(world->talker.listener);
}

/* Shakes hands as far as the other side will. It waits, and so cannot be on the loop. */
static gpointer show_certificate(gpointer tls)
{
    SSL_accept(tls);
    close(SSL_get_fd(tls));
    SSL_free(tls);
    return NULL;
}

static void on_tls_caller(int fd, gpointer user)
{
    const Talker *talker = user;
    SSL *tls = SSL_new(talker->tls);
    g_assert_true(g_unix_set_fd_nonblocking(fd, FALSE, NULL));
    SSL_set_fd(tls, fd);
    g_thread_unref(g_thread_new("handshake", show_certificate, tls));
}

static void open_tls_talker(World *world, const char *issuer_name, const Wish *wish)
{
    guint16 port;
    Issuer issuer = issuer_make(issuer_name);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = certificate_make(wish, key, &issuer, FALSE);
    world->talker.tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(world->talker.tls, certificate);
    SSL_CTX_use_PrivateKey(world->talker.tls, key);
    world->talker.listener = net_listener_new(
        world->context, world->address, IMPLICIT_PORT, &port, on_tls_caller, &world->talker, NULL);
    assert_non_null(world->talker.listener);
    X509_free(certificate);
    EVP_PKEY_free(key);
    issuer_free(&issuer);
}

/* --- A run --------------------------------------------------------------------------------------
 */

typedef struct {
    guint16 port;
    const char *security, *username, *password, *from_email; /* NULL: what is right */
    const guint16 *other_ports;                              /* NULL: none known */
} Typed;

static SmtpSettings *settings_of(const World *world, const Typed *typed)
{
    static const guint16 ports[] = {STARTTLS_PORT, IMPLICIT_PORT};
    const SettingsPorts allowed = {ports, G_N_ELEMENTS(ports)};
    const char *password = typed->password != NULL ? typed->password : "sandbox";
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    const SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                   SETTINGS_FROM_EMAIL | SETTINGS_PASSWORD,
        .host = world->address,
        .port = typed->port,
        .security = typed->security,
        .username = typed->username != NULL ? typed->username : "anna@example.org",
        .from_email = typed->from_email != NULL ? typed->from_email : "noreply@example.org",
        .password = secret,
    };
    g_autoptr(SmtpSettings) empty = settings_new();
    GPtrArray *faults = NULL;
    gboolean dropped = FALSE;
    SmtpSettings *made = settings_apply(
        empty, &patch, &allowed, world->vault, ORG, clock_wall_ms(), &dropped, &faults);
    assert_non_null(made);
    return made;
}

static gboolean write_job(Db *db, gpointer run, GError **error)
{
    return verification_write(db, run, error);
}

static Verification *read_run(World *world, const Id *id)
{
    Db *db = store_reader_take(world->store);
    Verification *run = verification_get(db, ORG, id, NULL);
    store_reader_give(world->store, db);
    return run;
}

static gboolean has_ended(World *world, const Id *id)
{
    g_autoptr(Verification) run = read_run(world, id);
    return run != NULL && run->state != VERIFICATION_RUNNING;
}

static Id begin(World *world, const Typed *typed)
{
    g_autoptr(SmtpSettings) settings = settings_of(world, typed);
    Id id = id_fresh(clock_wall_ms());
    g_autoptr(Verification) begun = courier_verification_new(
        ORG, &id, settings, world->revision, FALSE, NULL, "anna@example.org", clock_wall_ms());
    assert_true(store_run(world->store, write_job, begun, NULL));
    courier_verify(world->courier, begun, settings, typed->other_ports);
    return id;
}

/* The run as it ended. */
static Verification *verify(World *world, const Typed *typed)
{
    Id id = begin(world, typed);
    RUN_UNTIL(world, has_ended(world, &id));
    return read_run(world, &id);
}

/* --- Statements ---------------------------------------------------------------------------------
 */

static void a_run_says_who_started_it(void **state)
{
    World *world = *state;
    open_sandbox(world, STARTTLS_PORT, IMPLICIT_PORT);
    g_autoptr(Verification) run = verify(world, &(Typed){.port = STARTTLS_PORT});
    assert_int_equal(run->state, VERIFICATION_PASSED);
    assert_string_equal(run->started_by, "anna@example.org");
    assert_int_equal(run->sibling, SIBLING_UNKNOWN);
}

static void a_shut_door_beside_an_open_one_is_a_blocked_port(void **state)
{
    World *world = *state;
    open_sandbox(world, 0, IMPLICIT_PORT);
    g_autoptr(Verification) run = verify(world, &(Typed){.port = STARTTLS_PORT});
    assert_int_equal(run->state, VERIFICATION_FAILED);
    assert_string_equal(run->diagnosis_phase, "connect");
    assert_string_equal(run->error_name, "ECONNREFUSED");
    assert_string_equal(run->diagnosis, "connect_port_blocked");
    assert_int_equal(run->sibling, SIBLING_OPEN);
    assert_int_equal(run->sibling_port, IMPLICIT_PORT);
}

static void behind_two_shut_doors_the_providers_others_are_tried(void **state)
{
    static const guint16 others[] = {STARTTLS_PORT, IMPLICIT_PORT, 443, OTHER_PORT, 588, 0};
    World *world = *state;
    open_sandbox(world, OTHER_PORT, 0);
    g_autoptr(Verification) run =
        verify(world, &(Typed){.port = STARTTLS_PORT, .other_ports = others});
    assert_string_equal(run->diagnosis, "connect_port_blocked");
    assert_int_equal(run->sibling, SIBLING_OPEN);
    assert_int_equal(run->sibling_port, OTHER_PORT);
}

static void two_shut_doors_are_no_server(void **state)
{
    World *world = *state;
    g_autoptr(Verification) run = verify(world, &(Typed){.port = IMPLICIT_PORT});
    assert_string_equal(run->diagnosis, "connect_refused");
    assert_int_equal(run->sibling, SIBLING_CLOSED);
    assert_int_equal(run->sibling_port, STARTTLS_PORT);
}

static void the_wrong_kind_of_tls_finds_the_right_one_on_the_same_port(void **state)
{
    World *world = *state;
    open_sandbox(world, STARTTLS_PORT, 0);
    g_autoptr(Verification) run =
        verify(world, &(Typed){.port = STARTTLS_PORT, .security = "implicit"});
    assert_string_equal(run->diagnosis, "tls_wrong_version_number");
    assert_int_equal(run->sibling, SIBLING_OPEN);
    assert_int_equal(run->sibling_port, STARTTLS_PORT);
}

static void what_answers_instead_of_a_mail_server_is_told_apart(void **state)
{
    static const struct {
        const char *words, *diagnosis;
    } cases[] = {
        {"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.test/\r\n\r\n", "captive_portal"},
        {"HTTP/1.1 511 Network Authentication Required\r\n\r\n", "captive_portal"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "greeting_not_smtp"},
        {"* OK IMAP4rev1 ready\r\n", "greeting_not_smtp"},
        {"+OK POP3 ready\r\n", "greeting_not_smtp"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "greeting_not_smtp"},
    };
    World *world = *state;
    open_talker(world, "");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].diagnosis);
        world->talker.words = cases[i].words;
        g_autoptr(Verification) run = verify(world, &(Typed){.port = STARTTLS_PORT});
        assert_string_equal(run->diagnosis_phase, "greeting");
        assert_string_equal(run->diagnosis, cases[i].diagnosis);
        assert_int_equal(run->sibling, SIBLING_CLOSED);
        assert_null(run->reply_text); /* of a private address only the code may be shown */
    }
}

/* By what the certificate says of itself: each of its members alone gives somebody away. */
static void whose_certificate_it_is_tells_who_is_between(void **state)
{
    static const struct {
        const char *name, *issuer;
        Wish wish;
        const char *diagnosis;
    } cases[] = {
        {"a firewall that inspects", "Fortinet_CA_SSL", {.common_name = "smtp.verein.example"},
            "tls_intercepted"},
        {"a sign-in page by its names", "Verein CA",
            {.common_name = "gateway", .sans = "DNS:wifi.hotel.example"}, "captive_portal"},
        {"a sign-in page by its subject", "Verein CA",
            {.common_name = "wifi.hotel.example", .sans = "DNS:gateway.hotel.example"},
            "captive_portal"},
        {"nobody of these", "Verein CA", {.common_name = "smtp.verein.example"},
            "tls_certificate_unknown_issuer"},
    };
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        open_tls_talker(world, cases[i].issuer, &cases[i].wish);
        g_autoptr(Verification) run = verify(world, &(Typed){.port = IMPLICIT_PORT});
        close_talker(world);
        assert_int_equal(run->state, VERIFICATION_FAILED);
        assert_string_equal(run->diagnosis_phase, "certificate");
        assert_string_equal(run->diagnosis, cases[i].diagnosis);
    }
}

static void nothing_is_looked_at_once_somebody_could_log_in(void **state)
{
    static const struct {
        const char *username, *password, *from_email, *phase, *diagnosis;
    } cases[] = {
        {"anna@example.org", "no", NULL, "auth", "auth_failed_generic"},
        {"app-password@example.org", "no", NULL, "auth", "gmail_app_password_required"},
        {"sender-refused@example.org", NULL, NULL, "sender", "sender_not_owned"},
    };
    World *world = *state;
    open_sandbox(world, STARTTLS_PORT, IMPLICIT_PORT);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].username);
        g_autoptr(Verification) run = verify(world, &(Typed){.port = STARTTLS_PORT,
                                                        .username = cases[i].username,
                                                        .password = cases[i].password,
                                                        .from_email = cases[i].from_email});
        assert_string_equal(run->diagnosis_phase, cases[i].phase);
        assert_string_equal(run->diagnosis, cases[i].diagnosis);
        assert_int_equal(run->sibling, SIBLING_UNKNOWN);
    }
}

/* DESIGN rule 5, for a server that is not our sandbox as the courier knows it. */
static void a_password_that_was_not_judged_may_be_tried_again(void **state)
{
    static const struct {
        const char *username;
        LoginGuard guard;
    } cases[] = {
        {"disabled@example.org", LOGIN_GUARD_FREE}, /* the account's fault */
        {"wrong@example.org", LOGIN_GUARD_SAME_PASSWORD},
    };
    World *world = *state;
    open_sandbox(world, STARTTLS_PORT, IMPLICIT_PORT);
    g_autoptr(Secret) password = secret_new("sandbox", strlen("sandbox"));
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
    vault_fingerprint(world->vault, LOGIN_GUARD_PURPOSE, password, fingerprint);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Verification) run =
            verify(world, &(Typed){.port = STARTTLS_PORT, .username = cases[i].username});
        assert_string_equal(run->diagnosis_phase, "auth");
        LoginGuard guard = LOGIN_GUARD_FREE;
        WallMs free_at = 0;
        Db *db = store_reader_take(world->store);
        assert_true(login_guard_check(db, ORG, world->address, cases[i].username, fingerprint,
            clock_wall_ms(), &guard, &free_at, NULL));
        store_reader_give(world->store, db);
        assert_int_equal(guard, cases[i].guard);
    }
}

static gboolean is_looking_around(World *world, const Id *id)
{
    g_autoptr(Verification) run = read_run(world, id);
    return run != NULL && run->diagnosis != NULL;
}

static void a_failed_run_that_is_cancelled_has_failed(void **state)
{
    World *world = *state;
    open_talker(world, "* OK IMAP4rev1 ready\r\n");
    Id id = begin(world, &(Typed){.port = STARTTLS_PORT});
    RUN_UNTIL(world, is_looking_around(world, &id));
    courier_verify_cancel(world->courier, ORG, &id);
    RUN_UNTIL(world, has_ended(world, &id));
    g_autoptr(Verification) run = read_run(world, &id);
    assert_int_equal(run->state, VERIFICATION_FAILED);
    assert_string_equal(run->diagnosis, "greeting_not_smtp");
}

/* The bar is 200 ms from the click; what the HTTP server adds is measured in test/real. */
static void twenty_runs_are_quick(void **state)
{
    World *world = *state;
    open_sandbox(world, STARTTLS_PORT, IMPLICIT_PORT);
    gint64 longest = 0;
    for (guint i = 0; i < 20; i++) {
        MonoMs since = clock_mono_ms();
        guint16 port = i % 2 == 0 ? STARTTLS_PORT : IMPLICIT_PORT;
        g_autoptr(Verification) run = verify(world, &(Typed){.port = port});
        assert_int_equal(run->state, VERIFICATION_PASSED);
        longest = MAX(longest, clock_mono_ms() - since);
    }
    print_message("# the slowest of 20 took %" G_GINT64_FORMAT " ms\n", longest);
    assert_true(longest <= 1000); /* under sanitizers, beside other tests */
}

/* --- The probe alone ----------------------------------------------------------------------------
 */

typedef struct {
    SiblingFound found;
    gboolean is_done;
} Look;

static void on_found(const SiblingFound *found, gpointer user)
{
    *(Look *)user = (Look){*found, TRUE};
}

static void a_look_sends_no_login(void **state)
{
    World *world = *state;
    Provider *provider = provider_new(world->context, world->directory);
    assert_true(net_tls_client_trust(world->tls, provider_ca_file(provider), NULL));
    const NetDialer dialer = {
        .context = world->context, .resolver = world->resolver, .policy = world->policy};
    g_autoptr(Secret) password = secret_new("right", strlen("right"));
    const SessionConfig config = {.dialer = &dialer,
        .tls = world->tls,
        .host = "localhost",
        .username = "anna@example.org",
        .password = password,
        .ehlo_name = "[127.0.0.1]"};
    Look look = {{0}, FALSE};
    const guint16 ports[] = {provider_port(provider), 0};
    Sibling *sibling = sibling_look(&config, ports, on_found, &look);
    RUN_UNTIL(world, look.is_done);
    sibling_free(sibling);
    assert_int_equal(look.found.state, SIBLING_OPEN);
    ProviderFacts facts = provider_facts(provider);
    assert_int_equal(facts.sessions, 1);
    assert_int_equal(facts.logins + facts.login_failures, 0);
    provider_free(provider);
}

static void siblings_are_the_two_ports_of_submission(void **unused)
{
    static const struct {
        guint16 port, sibling;
        TlsMode security;
    } cases[] = {
        {465, 587, TLS_MODE_IMPLICIT},
        {587, 465, TLS_MODE_STARTTLS},
        {2465, 2587, TLS_MODE_IMPLICIT},
        {2587, 2465, TLS_MODE_STARTTLS},
        {465, 465, TLS_MODE_STARTTLS}, /* in the wrong kind */
        {587, 587, TLS_MODE_IMPLICIT},
        {25, 587, TLS_MODE_STARTTLS},
        {2525, 587, TLS_MODE_STARTTLS},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(sibling_port(cases[i].port, cases[i].security), cases[i].sibling);
}

/* --- Whose mail host ------------------------------------------------------------------------- */

static guint n_told;

static void count_told(Courier *courier, const char *key, const char *mx)
{
    assert_null(mx);
    n_told++;
}

/* A DNS server that never answers: each question waits for seconds. */
static void a_flood_of_failed_runs_does_not_make_a_thread_each(void **state)
{
    World *world = *state;
    g_autoptr(GError) error = NULL;
    int silent = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof bound;
    assert_int_equal(bind(silent, (struct sockaddr *)&bound, size), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&bound, &size), 0);
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", ntohs(bound.sin_port));
    g_autoptr(NetDns) dns = net_dns_new(server, &error);
    guint n_asked = 0;
    world->courier->parts.dns = dns;
    for (guint i = 0; i < 200; i++)
        n_asked += sender_mx_ask(world->courier, "a@example.de", "key", count_told) ? 1 : 0;
    assert_in_range(n_asked, LIMIT_MX_QUESTIONS, LIMIT_MX_QUESTIONS + LIMIT_MX_ASKERS);
    net_dns_stop(dns);
    while (n_told < n_asked)
        g_main_context_iteration(world->context, TRUE);
    world->courier->parts.dns = NULL;
    close(silent);
}

int main(void)
{
    secret_init();
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(siblings_are_the_two_ports_of_submission),
        WITH_WORLD(a_look_sends_no_login),
        WITH_WORLD(a_run_says_who_started_it),
        WITH_WORLD(a_shut_door_beside_an_open_one_is_a_blocked_port),
        WITH_WORLD(behind_two_shut_doors_the_providers_others_are_tried),
        WITH_WORLD(two_shut_doors_are_no_server),
        WITH_WORLD(the_wrong_kind_of_tls_finds_the_right_one_on_the_same_port),
        WITH_WORLD(what_answers_instead_of_a_mail_server_is_told_apart),
        WITH_WORLD(whose_certificate_it_is_tells_who_is_between),
        WITH_WORLD(nothing_is_looked_at_once_somebody_could_log_in),
        WITH_WORLD(a_password_that_was_not_judged_may_be_tried_again),
        WITH_WORLD(a_failed_run_that_is_cancelled_has_failed),
        WITH_WORLD(twenty_runs_are_quick),
        WITH_WORLD(a_flood_of_failed_runs_does_not_make_a_thread_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
