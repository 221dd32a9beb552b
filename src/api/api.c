#include "api/session_start.h"
#include "api/state.h"

#include "base/error.h"
#include "base/limits.h"
#include "net/address.h"

#include <glib/gstdio.h>

#define QUICK_WORKERS 4

/* --- The keeper: one thread for deadlines, heartbeats, events and last uses --------------------
 */

static gboolean tick(gpointer user)
{
    struct api *api = user;
    MonoMs now = clock_mono_ms();
    http_server_tick(api->tcp, now);
    if (api->control)
        http_server_tick(api->control, now);
    api->ticks++;
    if (api->ticks % (LIMIT_STREAM_BEAT_MS / CLOCK_SECOND_MS) == 0)
        sse_beat(api->sse);
    if (api->ticks % (CLOCK_MINUTE_MS / CLOCK_SECOND_MS) == 0) {
        credentials_flush(api->credentials, clock_wall_ms());
        token_limits_flush(api->token_limits, clock_steady_ms());
        notices_look(api->notices, clock_wall_ms());
    }
    return G_SOURCE_CONTINUE;
}

static gpointer keep(gpointer user)
{
    struct api *api = user;
    g_main_context_push_thread_default(api->keeper_context);
    g_autoptr(GSource) source = g_timeout_source_new(CLOCK_SECOND_MS);
    g_source_set_callback(source, tick, api, NULL);
    g_source_attach(source, api->keeper_context);
    g_main_loop_run(api->keeper_loop);
    g_source_destroy(source);
    g_main_context_pop_thread_default(api->keeper_context);
    return NULL;
}

static void on_store_change(const StoreChange *changes, guint n_changes, gpointer user)
{
    struct api *api = user;
    metrics_count_commit(api->metrics);
    sse_note(api->sse, changes, n_changes);
}

/* --- Life ------------------------------------------------------------------------------------ */

#define MAPPED_BITS 96

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8: in that spelling addresses are compared (net_address_respell).
 */
static GInetAddressMask *read_network(const char *text)
{
    g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(text, NULL);
    guint bits = mask ? g_inet_address_mask_get_length(mask) : 0;
    if (bits < MAPPED_BITS)
        return g_steal_pointer(&mask);
    g_autofree char *base = g_inet_address_to_string(g_inet_address_mask_get_address(mask));
    g_autofree char *plain = net_address_respell(base);
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(plain);
    if (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6)
        return g_steal_pointer(&mask);
    return g_inet_address_mask_new(address, bits - MAPPED_BITS, NULL);
}

static gboolean parse_proxies(struct api *api, const char *const *proxies, GError **error)
{
    for (guint i = 0; proxies && proxies[i]; i++) {
        GInetAddressMask *mask = read_network(proxies[i]);
        if (!mask) {
            g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
                "\"%s\" is not a network; write trusted proxies like 10.0.0.0/8", proxies[i]);
            return FALSE;
        }
        g_ptr_array_add(api->trusted_proxies, mask);
    }
    return TRUE;
}

static struct api *api_alloc(const ApiParts *parts)
{
    struct api *api = g_new0(struct api, 1);
    api->store = parts->store;
    api->vault = parts->vault;
    api->courier = parts->courier;
    api->sandbox = parts->sandbox;
    api->catalogue = parts->catalogue;
    api->providers = parts->providers;
    api->dns = parts->dns;
    api->policy = parts->policy;
    api->ca_file = parts->ca_file;
    api->dev = parts->dev;
    api->ports = parts->ports;
    api->ports.extra =
        g_memdup2(parts->ports.extra, sizeof *parts->ports.extra * parts->ports.n_extra);
    api->control_path = g_strdup(parts->control_socket);
    api->trusted_proxies = g_ptr_array_new_with_free_func(g_object_unref);
    api->credentials = credentials_new(parts->store);
    api->token_limits = token_limits_new(parts->store);
    api->guesses = guesses_new();
    session_start_recall_homes(api);
    api->rate = rate_new();
    api->arrival_guesses = guesses_new();
    api->metrics = metrics_new();
    api->pages = pages_new();
    api->shelf = template_shelf_new();
    api->sending = sending_shelf_new(parts->store);
    api->notices = notices_new(api);
    api->backups = backups_new(parts->store);
    api->rewrap = rewrap_new(parts->store, parts->vault);
    api->sse = sse_new(api);
    api->sign_ins = sign_ins_new();
    api->quick = g_thread_pool_new(dispatch_run, api, QUICK_WORKERS, FALSE, NULL);
    api->large = g_thread_pool_new(dispatch_run, api, LIMIT_LARGE_JSON_PARSES, FALSE, NULL);
    api->hashing = g_thread_pool_new(dispatch_run, api, LIMIT_CONCURRENT_HASHES, FALSE, NULL);
    api->asking = g_thread_pool_new(dispatch_run, api, LIMIT_ASKERS, FALSE, NULL);
    api->reset_post = reset_post_new(api);
    api->keeper_context = g_main_context_new();
    api->keeper_loop = g_main_loop_new(api->keeper_context, FALSE);
    g_mutex_init(&api->test_mutex);
    g_queue_init(&api->test_emails);
    return api;
}

static gboolean listen_tcp(struct api *api, const ApiParts *parts, GError **error)
{
    gboolean is_loopback = FALSE;
    g_autoptr(GSocket) listening = http_listen_tcp(parts->listen, &is_loopback, &api->port, error);
    if (!listening)
        return FALSE;
    if (!is_loopback && api->trusted_proxies->len == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "%s is reachable from outside, and this server speaks no TLS: put a TLS proxy in "
            "front and name it with --trusted-proxy, or listen on 127.0.0.1",
            parts->listen);
        return FALSE;
    }
    api->url = public_url_new(api->store, parts->public_url, parts->listen, api->port, error);
    if (!api->url)
        return FALSE;
    HttpHandlers handlers = dispatch_handlers;
    handlers.user = api;
    api->tcp = http_server_new(listening, FALSE, &handlers, error);
    return api->tcp != NULL;
}

static gboolean listen_control(struct api *api, GError **error)
{
    if (!api->control_path)
        return TRUE;
    g_autoptr(GSocket) listening = http_listen_control(api->control_path, error);
    if (!listening)
        return FALSE;
    HttpHandlers handlers = dispatch_handlers;
    handlers.user = api;
    api->control = http_server_new(listening, TRUE, &handlers, error);
    return api->control != NULL;
}

Api *api_new(const ApiParts *parts, GError **error)
{
    json_wipe_on_free();
    g_autoptr(Api) api = api_alloc(parts);
    if (!parse_proxies(api, parts->trusted_proxies, error) ||
        !credentials_reload(api->credentials, error) ||
        !token_limits_load(api->token_limits, error) || !listen_tcp(api, parts, error) ||
        !listen_control(api, error))
        return NULL;
    store_add_listener(api->store, on_store_change, api);
    reset_post_wake(api->reset_post);
    api->keeper = g_thread_new("api-keeper", keep, api);
    return g_steal_pointer(&api);
}

static gboolean quit_keeper(gpointer user)
{
    struct api *api = user;
    g_main_loop_quit(api->keeper_loop);
    return G_SOURCE_REMOVE;
}

void api_stop(Api *api)
{
    if (api->is_stopped)
        return;
    api->is_stopped = TRUE;
    if (api->dns)
        net_dns_stop(api->dns);
    if (api->control)
        http_server_quiesce(api->control);
    if (api->tcp)
        http_server_quiesce(api->tcp);
    backups_stop(api->backups);
    rewrap_stop(api->rewrap);
    sse_stop(api->sse);
    if (api->control)
        http_server_stop(api->control);
    if (api->tcp)
        http_server_stop(api->tcp);
    if (api->sending)
        sending_shelf_stop(api->sending);
    if (api->keeper) {
        store_remove_listener(api->store, on_store_change, api);
        g_main_context_invoke(api->keeper_context, quit_keeper, api);
        g_thread_join(g_steal_pointer(&api->keeper));
        credentials_flush(api->credentials, clock_wall_ms());
        token_limits_flush(api->token_limits, clock_steady_ms());
    }
    if (api->control_path && api->control)
        g_unlink(api->control_path);
}

void api_free(Api *api)
{
    if (!api)
        return;
    api_stop(api);
    g_thread_pool_free(api->quick, FALSE, TRUE);
    g_thread_pool_free(api->large, FALSE, TRUE);
    g_thread_pool_free(api->hashing, FALSE, TRUE);
    g_thread_pool_free(api->asking, FALSE, TRUE);
    http_server_free(api->control);
    http_server_free(api->tcp);
    sse_free(api->sse);
    reset_post_free(api->reset_post);
    g_main_loop_unref(api->keeper_loop);
    g_main_context_unref(api->keeper_context);
    credentials_free(api->credentials);
    token_limits_free(api->token_limits);
    guesses_free(api->guesses);
    rate_free(api->rate);
    guesses_free(api->arrival_guesses);
    metrics_free(api->metrics);
    pages_free(api->pages);
    template_shelf_free(api->shelf);
    sending_shelf_free(api->sending);
    notices_free(api->notices);
    public_url_free(api->url);
    backups_free(api->backups);
    rewrap_free(api->rewrap);
    sign_ins_free(api->sign_ins);
    g_ptr_array_unref(api->trusted_proxies);
    g_queue_clear_full(&api->test_emails, g_free);
    g_mutex_clear(&api->test_mutex);
    g_free((gpointer)api->ports.extra);
    g_free(api->control_path);
    g_free(api);
}

guint16 api_port(const Api *api)
{
    return api->port;
}

/* --- First run ------------------------------------------------------------------------------- */

typedef struct {
    guint8 hash[PEOPLE_HASH_BYTES];
    gboolean is_written;
} SetupLink;

static gboolean write_setup_token(Db *db, gpointer data, GError **error)
{
    SetupLink *link = data;
    gint64 count = 0;
    if (!members_count(db, STORE_DEFAULT_ORG, &count, error))
        return FALSE;
    if (count > 0)
        return TRUE;
    link->is_written = TRUE;
    return setup_token_write(db, link->hash, clock_wall_ms() + LIMIT_SETUP_TOKEN_MS, error);
}

char *api_setup_link(Api *api, GError **error)
{
    g_autoptr(Secret) token = people_random_make();
    SetupLink link = {.is_written = FALSE};
    people_hash(token, link.hash);
    if (!store_run(api->store, write_setup_token, &link, error) || !link.is_written)
        return NULL;
    g_autofree char *url = public_url_dup(api);
    return g_strconcat(url, "/#/setup/", secret_reveal(token, NULL), NULL);
}
