/* The program: reads the configuration, builds the parts, plugs them together. Nothing else. */
#include "api/api.h"
#include "base/error.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "config/config.h"
#include "courier/courier.h"
#include "ingress/sandbox.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define STOP_GRACE_MS \
    (30 * CLOCK_SECOND_MS) /* mails behind their final dot may still get their reply */

/* What `serve` ends with. A supervisor need not try again after EXIT_USAGE. */
enum { EXIT_STOPPED = 0, EXIT_CANNOT_START = 1, EXIT_USAGE = 2 };

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
    NetPolicy *policy;
    Sandbox *sandbox;
    Courier *courier;
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

static gboolean open_data(Daemon *daemon, GError **error)
{
    g_autofree char *key = g_build_filename(daemon->config->data, "key", NULL);
    g_autofree char *database = g_build_filename(daemon->config->data, "absender.db", NULL);
    if (g_mkdir_with_parents(daemon->config->data, 0700) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "the data directory %s cannot be made: %s",
            daemon->config->data, g_strerror(errno));
        return FALSE;
    }
    gboolean holds = TRUE;
    if (!store_holds_sealed_records(database, &holds, error))
        return FALSE;
    daemon->vault = vault_open(key, !holds, error);
    if (daemon->vault == NULL)
        return FALSE;
    g_autofree char *warning = NULL;
    const StoreConfig store = {.path = database, .full_sync = TRUE};
    daemon->store = store_open(&store, &warning, error);
    if (daemon->store == NULL)
        return FALSE;
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
    if (daemon->resolver == NULL)
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
    const CourierParts courier = {
        .context = daemon->context,
        .store = daemon->store,
        .vault = daemon->vault,
        .catalogue = daemon->catalogue,
        .dialer = {.context = daemon->context,
            .resolver = daemon->resolver,
            .policy = daemon->policy},
        .tls = daemon->tls,
        .default_ehlo_name = daemon->ehlo_name,
        .login_guard_exempt_host = daemon->sandbox == NULL ? NULL : "localhost",
    };
    daemon->courier = courier_new(&courier);
    g_autofree char *control = g_build_filename(config->data, "control.sock", NULL);
    const ApiParts api = {
        .store = daemon->store,
        .vault = daemon->vault,
        .courier = daemon->courier,
        .sandbox = daemon->sandbox,
        .catalogue = daemon->catalogue,
        .providers = daemon->providers,
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
    g_autoptr(GString) said = g_string_new("Absender is listening on http://");
    g_string_append_len(said, daemon->config->listen, colon - daemon->config->listen);
    g_string_append_printf(said, ":%u\n", api_port(daemon->api));
    if (daemon->sandbox != NULL) {
        SandboxFacts facts;
        sandbox_facts(daemon->sandbox, &facts);
        g_string_append_printf(said,
            "Sandbox: %s, STARTTLS on port %u, SSL/TLS on port %u, password \"sandbox\"\n",
            facts.host, facts.starttls_port, facts.implicit_port);
    }
    g_autoptr(GError) failed = NULL;
    g_autofree char *link = api_setup_link(daemon->api, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (link != NULL)
        g_string_append_printf(said, "First admin: %s\n", link);
    if (!secret_memory_is_locked())
        g_warning("secrets cannot be locked into memory (RLIMIT_MEMLOCK): they could reach swap");
    fputs(said->str, stdout);
    fflush(stdout);
#ifdef HAVE_SYSTEMD
    sd_notify(0, "READY=1");
#endif
    return TRUE;
}

static gboolean on_stop_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void take_down(Daemon *daemon)
{
    if (daemon->api != NULL)
        api_stop(daemon->api);
    if (daemon->courier != NULL)
        courier_stop(daemon->courier, STOP_GRACE_MS);
    sandbox_free(daemon->sandbox);
    store_close(
        daemon->store); /* completions that are still owed go to parts that are still there */
    api_free(daemon->api);
    courier_free(daemon->courier);
    net_policy_free(daemon->policy);
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
    Daemon daemon = {.config = config_parse(argc, argv, &error)};
    if (daemon.config == NULL) {
        g_printerr("absender serve: %s\n", error->message);
        return EXIT_USAGE;
    }
    daemon.ports = g_array_new(FALSE, FALSE, sizeof(guint16));
    g_array_append_vals(daemon.ports, daemon.config->allow_ports, daemon.config->n_allow_ports);
    daemon.context = g_main_context_default();
    daemon.loop = g_main_loop_new(daemon.context, FALSE);
    gboolean well = open_data(&daemon, &error) && read_facts(&daemon, &error) &&
                    open_network(&daemon, &error) && open_sandbox(&daemon, &error) &&
                    open_doors(&daemon, &error) && greet(&daemon, &error);
    if (well) {
        g_unix_signal_add(SIGTERM, on_stop_signal, daemon.loop);
        g_unix_signal_add(SIGINT, on_stop_signal, daemon.loop);
        g_main_loop_run(daemon.loop);
    } else {
        g_printerr("absender cannot start: %s\n", error->message);
    }
    take_down(&daemon);
    if (well)
        return EXIT_STOPPED;
    return g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT) ? EXIT_USAGE : EXIT_CANNOT_START;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    secret_init();
    harden_process();
    if (argc >= 2 && strcmp(argv[1], "serve") == 0)
        return serve(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "help") != 0)
        return cli_run(argc - 1, argv + 1);
    cli_print_overview();
    return argc >= 2 ? 0 : EXIT_USAGE;
}
