/* The program: reads the configuration, builds the parts, plugs them together. Nothing else. */
#include "api/api.h"
#include "api/version.h"
#include "base/error.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "config/config.h"
#include "courier/courier.h"
#include "ingress/sandbox.h"
#include "net/openssl_start.h"
#include "notify/notify.h"
#include "vault/key_words.h"

#include "base/crash_point.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define STOP_GRACE_MS \
    (30 * CLOCK_SECOND_MS) /* mails behind their final dot may still get their reply */

/* What `serve` ends with. A supervisor need not try again after EXIT_USAGE. */
enum {
    EXIT_STOPPED = 0,
    EXIT_CANNOT_START = 1,
    EXIT_USAGE = 2,
    EXIT_DISK_FAILED = 75, /* EX_TEMPFAIL: start again, and read what the disk has really kept */
};

/* In the order in which they are built; taken down in reverse. */
typedef struct {
    Config *config;
    GMainLoop *loop;
    GMainContext *context; /* the loop's; borrowed */
    Vault *vault;
    Store *store;
    DiagnosisCatalogue *catalogue;
    ProviderList *providers;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetDns *dns;
    NetPolicy *policy;
    Sandbox *sandbox;
    Courier *courier;
    Notify *notify;
    Api *api;
    char *ehlo_name;
    GArray *ports; /* of guint16: allowed besides the usual ones */
} Daemon;

/* No core file, no ptrace by the same user, no file others can read, no death by a closed pipe. */
static void harden_process(void)
{
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak check needs ptrace */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

static GBytes *resource(const char *path, GError **error)
{
    return g_resources_lookup_data(path, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
}

/* The disk did not keep what it was told to. Nothing can be recorded any more, so there is nothing
 * to bring to an end: the next start recovers, as after a power cut. */
static void on_disk_failure(gpointer unused)
{
    g_critical("the disk did not keep what was written (fsync failed): ending, to start afresh");
    _exit(EXIT_DISK_FAILED);
}

/* A key that systemd hands over (LoadCredential=absender-key:…) goes before the file in the data
 * folder, and is never made. */
static Vault *open_vault(const Daemon *daemon, gboolean may_create, GError **error)
{
    const char *folder = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *credential =
        folder == NULL ? NULL : g_build_filename(folder, "absender-key", NULL);
    if (credential != NULL && g_file_test(credential, G_FILE_TEST_EXISTS))
        return vault_open_credential(credential, error);
    g_autofree char *key = g_build_filename(daemon->config->data, "key", NULL);
    return vault_open(key, may_create, error);
}

static gboolean open_data(Daemon *daemon, GError **error)
{
    g_autofree char *database = g_build_filename(daemon->config->data, "absender.db", NULL);
    if (g_mkdir_with_parents(daemon->config->data, 0700) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, say("the data directory %s cannot be made: %s"),
            daemon->config->data, g_strerror(errno));
        return FALSE;
    }
    gboolean holds = TRUE;
    if (!store_holds_sealed_records(database, &holds, error))
        return FALSE;
    daemon->vault = open_vault(daemon, !holds, error);
    if (daemon->vault == NULL)
        return FALSE;
    g_autofree char *warning = NULL;
    g_autofree char *reserve = g_build_filename(daemon->config->data, "reserve", NULL);
    const StoreConfig store = {.path = database,
        .full_sync = TRUE,
        .reserve_path = reserve,
        .disk_floor_bytes = daemon->config->disk_floor_bytes};
    daemon->store = store_open(&store, &warning, error);
    if (daemon->store == NULL)
        return FALSE;
    store_on_fatal(daemon->store, on_disk_failure, NULL);
    if (warning != NULL)
        g_info("%s", warning);
    vault_set_instance(daemon->vault, store_instance(daemon->store));
    return store_check_key(daemon->store, daemon->vault, error);
}

static gboolean read_facts(Daemon *daemon, GError **error)
{
    g_autoptr(GBytes) failures = resource("/absender/data/failures.json", error);
    if (failures == NULL)
        return FALSE;
    g_autoptr(GBytes) providers = resource("/absender/data/providers.json", error);
    if (providers == NULL)
        return FALSE;
    gsize n = 0;
    const char *json = g_bytes_get_data(failures, &n);
    daemon->catalogue = diagnosis_catalogue_new(json, n, error);
    json = g_bytes_get_data(providers, &n);
    daemon->providers = daemon->catalogue == NULL ? NULL : provider_list_new(json, n, error);
    return daemon->providers != NULL;
}

static gboolean open_network(Daemon *daemon, GError **error)
{
    static const char *const loopback[] = {"127.0.0.0/8", "::1/128", NULL};
    const Config *config = daemon->config;
    daemon->tls = net_tls_client_new(config->ca_file, error);
    if (daemon->tls == NULL)
        return FALSE;
    daemon->resolver = net_resolver_new(daemon->context, config->dns_server, error);
    daemon->dns = daemon->resolver == NULL ? NULL : net_dns_new(config->dns_server, error);
    if (daemon->dns == NULL)
        return FALSE;
    daemon->policy = net_policy_new();
    for (guint i = 0; config->dev && loopback[i] != NULL; i++) {
        if (!net_policy_allow(daemon->policy, loopback[i], error))
            return FALSE;
    }
    for (char **cidr = config->allow_networks; cidr != NULL && *cidr != NULL; cidr++) {
        if (!net_policy_allow(daemon->policy, *cidr, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean open_sandbox(Daemon *daemon, GError **error)
{
    if (!daemon->config->dev)
        return TRUE;
    const SandboxConfig sandbox = {
        .context = daemon->context,
        .store = daemon->store,
        .vault = daemon->vault,
        .directory = daemon->config->data,
        .address = "127.0.0.1",
        .starttls_port = daemon->config->sandbox_starttls_port,
        .implicit_port = daemon->config->sandbox_implicit_port,
        .sink = daemon->config->sandbox_sink,
    };
    daemon->sandbox = sandbox_new(&sandbox, error);
    if (daemon->sandbox == NULL)
        return FALSE;
    SandboxFacts facts;
    sandbox_facts(daemon->sandbox, &facts);
    g_array_append_val(daemon->ports, facts.starttls_port);
    g_array_append_val(daemon->ports, facts.implicit_port);
    return net_tls_client_trust(daemon->tls, facts.ca_file, error);
}

/* RFC 5321 4.1.4 wants a name others can resolve, or an address literal; "localhost" is neither. */
static char *own_ehlo_name(void)
{
    const char *host = g_get_host_name();
    gboolean is_fqdn = strchr(host, '.') != NULL && !g_str_has_suffix(host, ".localdomain");
    return g_strdup(is_fqdn ? host : "[127.0.0.1]");
}

static gboolean open_doors(Daemon *daemon, GError **error)
{
    const Config *config = daemon->config;
    daemon->ehlo_name = own_ehlo_name();
    SandboxFacts sandbox = {0};
    if (daemon->sandbox != NULL)
        sandbox_facts(daemon->sandbox, &sandbox);
    const CourierParts courier = {
        .context = daemon->context,
        .store = daemon->store,
        .vault = daemon->vault,
        .catalogue = daemon->catalogue,
        .dialer = {.context = daemon->context,
            .resolver = daemon->resolver,
            .policy = daemon->policy},
        .tls = daemon->tls,
        .dns = daemon->dns,
        .ca_file = config->ca_file,
        .default_ehlo_name = daemon->ehlo_name,
        .sandbox = {sandbox.host, sandbox.starttls_port, sandbox.implicit_port},
        .retention = {.keep_bodies_days = config->keep_bodies_days,
            .keep_emails_days = config->keep_emails_days,
            .keep_links_days = config->keep_links_days,
            .keep_audit_days = config->keep_audit_days},
    };
    daemon->courier = courier_new(&courier);
    const NotifyParts notify = {
        .store = daemon->store,
        .vault = daemon->vault,
        .dns = daemon->dns,
        .policy = daemon->policy,
        .ca_file = config->ca_file,
    };
    daemon->notify = notify_new(&notify);
    g_autofree char *control = g_build_filename(config->data, "control.sock", NULL);
    const ApiParts api = {
        .store = daemon->store,
        .vault = daemon->vault,
        .courier = daemon->courier,
        .sandbox = daemon->sandbox,
        .catalogue = daemon->catalogue,
        .providers = daemon->providers,
        .dns = daemon->dns,
        .policy = daemon->policy,
        .ca_file = config->ca_file,
        .public_url = config->public_url,
        .ports = {.extra = (const guint16 *)(gpointer)daemon->ports->data,
            .n_extra = daemon->ports->len},
        .listen = config->listen,
        .control_socket = control,
        .trusted_proxies = (const char *const *)config->trusted_proxies,
        .dev = config->dev,
    };
    daemon->api = api_new(&api, error);
    return daemon->api != NULL;
}

/* Said in one write, when everything answers: scripts wait for it. */
static gboolean greet(Daemon *daemon, GError **error)
{
    const char *colon = strrchr(daemon->config->listen, ':');
    g_autofree char *host =
        g_strndup(daemon->config->listen, (gsize)(colon - daemon->config->listen));
    g_autoptr(GString) said = g_string_new(NULL);
    g_string_append_printf(
        said, say("Absender is listening on http://%s:%u\n"), host, api_port(daemon->api));
    if (daemon->sandbox != NULL) {
        SandboxFacts facts;
        sandbox_facts(daemon->sandbox, &facts);
        g_string_append_printf(said,
            say("Sandbox: %s, STARTTLS on port %u, SSL/TLS on port %u, password \"sandbox\"\n"),
            facts.host, facts.starttls_port, facts.implicit_port);
    }
    g_autoptr(GError) failed = NULL;
    g_autofree char *link = api_setup_link(daemon->api, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (link != NULL)
        g_string_append_printf(said, say("First admin: %s\n"), link);
    if (!secret_memory_is_locked())
        g_warning("secrets cannot be locked into memory (RLIMIT_MEMLOCK): they could reach swap");
    setvbuf(stdout, NULL, _IONBF, 0); /* its buffer would keep the link */
    fputs(said->str, stdout);
    secret_wipe(said->str, said->len);
    if (link != NULL)
        secret_wipe(link, strlen(link));
#ifdef HAVE_SYSTEMD
    sd_notify(0, "READY=1");
#endif
    return TRUE;
}

/* --- what to say when it cannot start ----------------------------------------------------------
 */

/* In this order; all that was built is taken down, however far it got. */
typedef gboolean (*Step)(Daemon *daemon, GError **error);
static const Step steps[] = {open_data, read_facts, open_network, open_sandbox, open_doors, greet};

/* The step that failed, or NULL. */
static Step climb(Daemon *daemon, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (!steps[i](daemon, error))
            return steps[i];
    }
    return NULL;
}

/* NULL if it is not the vault's sentence about a key that is not in the file. */
static char *explain_missing_key(const char *message)
{
    static const char between[] = " is needed, but the key file holds ";
    const char *at = strstr(message, between);
    if (at == NULL || !g_str_has_prefix(message, "key "))
        return NULL;
    const char *id = message + strlen("key ");
    g_autofree char *needed = g_strndup(id, (gsize)(at - id));
    return g_strdup_printf(
        say("key %s is needed, but the key file holds %s: put back your copy of the key file, "
            "or import exported keys (absender key import). Nothing was changed"),
        needed, at + strlen(between));
}

static char *explain_data(const Daemon *daemon, const GError *error)
{
    const char *data = daemon->config->data;
    g_autofree char *key = g_build_filename(data, "key", NULL);
    GStatBuf facts;
    if (error->code == ABS_ERROR_BUSY)
        return g_strdup_printf(
            say("an Absender runs on %s already, and only one Absender may run on it "
                "(absender status --data %s shows it)"),
            data, data);
    if (error->code != ABS_ERROR_SECRET)
        return NULL;
    if (strstr(error->message, " is missing, and a new key ") != NULL && g_lstat(key, &facts) != 0)
        return g_strdup_printf(say("key file %s is missing, and a new key could not open what is "
                                   "stored: put the key back"),
            key);
    g_autofree char *misses = explain_missing_key(error->message);
    if (misses != NULL)
        return g_steal_pointer(&misses);
    if (g_lstat(key, &facts) == 0 && S_ISREG(facts.st_mode) &&
        (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return g_strdup_printf(
            say("key file %s is open to others; it must be its owner's: chmod 600 %s"), key, key);
    return strcmp(words_language(), "de") == 0 ? vault_key_german(error->message) : NULL;
}

/* The sentence for a port that is in use, or NULL if that is not the matter. */
static char *explain_port(const Daemon *daemon, Step failed, const GError *error)
{
    if (strstr(error->message, g_strerror(EADDRINUSE)) == NULL)
        return NULL;
    if (failed == open_sandbox) {
        guint starttls = daemon->config->sandbox_starttls_port;
        guint implicit = daemon->config->sandbox_implicit_port;
        g_autofree char *named = g_strdup_printf(" port %u:", starttls);
        gboolean is_starttls = strstr(error->message, named) != NULL;
        return g_strdup_printf(
            say("port %u on 127.0.0.1 (sandbox) is in use. Let another be picked: %s 0"),
            is_starttls ? starttls : implicit,
            is_starttls ? "--sandbox-starttls-port" : "--sandbox-implicit-port");
    }
    const char *listen = daemon->config->listen;
    if (strstr(error->message, listen) == NULL) /* the control socket */
        return NULL;
    const char *colon = strrchr(listen, ':');
    guint64 port = g_ascii_strtoull(colon + 1, NULL, 10);
    g_autofree char *host = g_strndup(listen, (gsize)(colon - listen));
    return g_strdup_printf(say("port %u on %s is in use. Choose another: --listen %s:%u"),
        (guint)port, host, host, (guint)(port < G_MAXUINT16 ? port + 1 : port - 1));
}

/* The usual mistakes, with their remedy; others keep the words of the part that failed. */
static char *explain(const Daemon *daemon, Step failed, const GError *error)
{
    const Config *config = daemon->config;
    if (error->domain != ABS_ERROR)
        return NULL;
    if (failed == open_data)
        return explain_data(daemon, error);
    if (failed == open_network && daemon->tls == NULL && config->ca_file != NULL)
        return g_strdup_printf(
            say("no trusted certificate can be read from \"%s\" (PEM is expected)"),
            config->ca_file);
    if (failed == open_doors && strstr(error->message, "--trusted-proxy") != NULL)
        return g_strdup_printf(
            say("%s is reachable from outside, and this server speaks no TLS: put a TLS proxy in "
                "front and name it with --trusted-proxy, or listen on 127.0.0.1"),
            config->listen);
    return explain_port(daemon, failed, error);
}

static int complain(const Daemon *daemon, Step failed, const GError *error)
{
    g_autofree char *explained = explain(daemon, failed, error);
    fprintf(
        stderr, say("absender cannot start: %s\n"), explained != NULL ? explained : error->message);
    return g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT) ? EXIT_USAGE : EXIT_CANNOT_START;
}

static gboolean on_stop_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void take_down(Daemon *daemon)
{
    CRASH_POINT("stop_begun");
    if (daemon->api != NULL)
        api_stop(daemon->api);
    if (daemon->notify != NULL)
        notify_stop(daemon->notify);
    if (daemon->courier != NULL)
        courier_stop(daemon->courier, STOP_GRACE_MS);
    CRASH_POINT("stop_courier_done");
    sandbox_free(daemon->sandbox);
    store_close(
        daemon->store); /* completions that are still owed go to parts that are still there */
    CRASH_POINT("stop_store_closed");
    notify_free(daemon->notify);
    api_free(daemon->api);
    courier_free(daemon->courier);
    net_policy_free(daemon->policy);
    net_dns_free(daemon->dns);
    net_resolver_free(daemon->resolver);
    net_tls_client_free(daemon->tls);
    provider_list_free(daemon->providers);
    diagnosis_catalogue_free(daemon->catalogue);
    vault_free(daemon->vault);
    g_free(daemon->ehlo_name);
    g_array_unref(daemon->ports);
    g_main_loop_unref(daemon->loop);
    config_free(daemon->config);
}

static int serve(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Daemon daemon = {.config = config_parse(argc, argv, say, &error)};
    if (daemon.config == NULL) {
        fprintf(stderr, "absender serve: %s\n", error->message);
        return EXIT_USAGE;
    }
    if (daemon.config->help != NULL) {
        fputs(daemon.config->help, stdout);
        config_free(daemon.config);
        return EXIT_STOPPED;
    }
    daemon.ports = g_array_new(FALSE, FALSE, sizeof(guint16));
    g_array_append_vals(daemon.ports, daemon.config->allow_ports, daemon.config->n_allow_ports);
    daemon.context = g_main_context_default();
    daemon.loop = g_main_loop_new(daemon.context, FALSE);
    int status = EXIT_STOPPED;
    Step failed = climb(&daemon, &error);
    if (failed == NULL) {
        g_unix_signal_add(SIGTERM, on_stop_signal, daemon.loop);
        g_unix_signal_add(SIGINT, on_stop_signal, daemon.loop);
        g_main_loop_run(daemon.loop);
    } else {
        status = complain(&daemon, failed, error);
    }
    take_down(&daemon);
    return status;
}

int main(int argc, char **argv)
{
    net_openssl_start();
    setlocale(LC_ALL, "");
    secret_init();
    harden_process();
    words_choose();
    if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        puts("absender " ABSENDER_VERSION);
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "serve") == 0)
        return serve(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "help") != 0)
        return cli_run(argc - 1, argv + 1);
    cli_print_overview();
    return argc >= 2 ? 0 : EXIT_USAGE;
}
