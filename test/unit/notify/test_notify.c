/* The sender over its life: what is under way when it stops, what is due when it starts. What real
 * receivers make of it: test/real/test_webhooks.py. */
#include "notify/notify.h"

#include "base/limits.h"
#include "store/webhooks.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../net/dns.h"
#include "../store/expect.h"

#define LONG_MS (20 * CLOCK_SECOND_MS)

typedef struct {
    char *folder;
    Vault *vault;
    Store *store;
    NetDns *dns;
    NetPolicy *policy;
    GMainContext *context;
    GMainLoop *loop;
    GThread *dns_thread;
    DnsServer dns_server;
    int receiver; /* takes connections and says nothing */
    guint16 port;
    Id id;
} World;

static gpointer loop_run(gpointer loop)
{
    g_main_loop_run(loop);
    return NULL;
}

static void open_receiver(World *self)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    self->receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(self->receiver, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(self->receiver, 64), 0);
    assert_int_equal(getsockname(self->receiver, (struct sockaddr *)&at, &size), 0);
    self->port = ntohs(at.sin_port);
}

static void open_store(World *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(self->folder, "absender.db", NULL);
    g_autofree char *key = g_build_filename(self->folder, "key", NULL);
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    self->vault = vault_open(key, TRUE, &error);
    ok(self->vault, error);
    self->store = store_open(&config, NULL, &error);
    ok(self->store, error);
    vault_set_instance(self->vault, store_instance(self->store));
}

static gboolean make_job(Db *db, gpointer data, GError **error)
{
    World *self = data;
    g_autoptr(Secret) secret = webhook_secret_make();
    g_autofree char *url = g_strdup_printf("https://hook.test:%u/", (guint)self->port);
    self->id = id_fresh(clock_wall_ms());
    g_autoptr(GBytes) sealed =
        webhook_secret_seal(self->vault, STORE_DEFAULT_ORG, &self->id, secret);
    const Webhook webhook = {.org_id = STORE_DEFAULT_ORG,
        .id = self->id,
        .url = url,
        .events = webhook_types_all(),
        .secret_sealed = sealed,
        .is_enabled = TRUE,
        .created_at = clock_wall_ms()};
    return webhook_insert(db, &webhook, error);
}

static int world_make(void **state)
{
    World *self = g_new0(World, 1);
    g_autoptr(GError) error = NULL;
    self->folder = g_dir_make_tmp("notify-XXXXXX", NULL);
    self->context = g_main_context_new();
    self->loop = g_main_loop_new(self->context, FALSE);
    self->dns_server = (DnsServer){.answers = {"127.0.0.1", "127.0.0.1"}};
    dns_server_start(&self->dns_server, self->context);
    self->dns_thread = g_thread_new("dns", loop_run, self->loop);
    self->dns = net_dns_new(self->dns_server.address, NULL);
    self->policy = net_policy_new();
    assert_true(net_policy_allow(self->policy, "127.0.0.0/8", NULL));
    open_receiver(self);
    open_store(self);
    ok(store_run(self->store, make_job, self, &error), error);
    *state = self;
    return 0;
}

static int world_remove(void **state)
{
    World *self = *state;
    store_close(self->store);
    vault_free(self->vault);
    g_main_loop_quit(self->loop);
    g_thread_join(self->dns_thread);
    dns_server_stop(&self->dns_server);
    g_main_loop_unref(self->loop);
    g_main_context_unref(self->context);
    net_dns_free(self->dns);
    net_policy_free(self->policy);
    close(self->receiver);
    g_autoptr(GDir) dir = g_dir_open(self->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(self->folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(self->folder);
    g_free(self->folder);
    g_free(self);
    return 0;
}

static Notify *start(World *self)
{
    const NotifyParts parts = {self->store, self->vault, self->dns, self->policy, NULL};
    return notify_new(&parts);
}

static gboolean note_job(Db *db, gpointer data, GError **error)
{
    return webhook_note(db, STORE_DEFAULT_ORG, "date.near", "{}", clock_wall_ms(), error);
}

static void note(World *self)
{
    g_autoptr(GError) error = NULL;
    ok(store_run(self->store, note_job, self, &error), error);
}

/* The webhook's newest delivery. */
static WebhookDelivery *newest(World *self)
{
    g_autoptr(GError) error = NULL;
    gboolean more;
    Db *db = store_reader_take(self->store);
    g_autoptr(Webhook) webhook = webhook_get(db, STORE_DEFAULT_ORG, &self->id, &error);
    ok(webhook, error);
    g_autoptr(GPtrArray) all =
        webhook_deliveries_list(db, webhook->row, NULL, NULL, 1, &more, &error);
    store_reader_give(self->store, db);
    ok(all, error);
    assert_int_equal(all->len, 1);
    return g_ptr_array_steal_index(all, 0);
}

static int wait_for_connection(World *self)
{
    int fd = -1;
    for (MonoMs until = clock_mono_ms() + LONG_MS; fd < 0 && clock_mono_ms() < until;) {
        fd = accept(self->receiver, NULL, NULL);
        if (fd < 0)
            g_usleep(5000);
    }
    assert_true(fd >= 0);
    return fd;
}

static WebhookDelivery *wait_for_attempt(World *self)
{
    for (MonoMs until = clock_mono_ms() + LONG_MS; clock_mono_ms() < until;) {
        g_autoptr(WebhookDelivery) delivery = newest(self);
        if (delivery->attempts > 0)
            return g_steal_pointer(&delivery);
        g_usleep(20 * 1000);
    }
    fail_msg("it was not tried");
    return NULL;
}

static void an_event_is_told_as_soon_as_it_is_durable(void **state)
{
    World *self = *state;
    g_autoptr(Notify) notify = start(self);
    assert_non_null(notify);
    note(self);
    int fd = wait_for_connection(self);
    close(fd); /* no TLS comes about */
    g_autoptr(WebhookDelivery) delivery = wait_for_attempt(self);
    assert_int_equal(delivery->state, WEBHOOK_WAITING);
    assert_string_equal(delivery->error, WEBHOOK_FAILED_TLS);
    assert_true(delivery->next_at > clock_wall_ms() + 50 * CLOCK_SECOND_MS);
}

static void what_waited_is_told_at_the_next_start(void **state)
{
    World *self = *state;
    note(self);
    g_autoptr(Notify) notify = start(self);
    assert_non_null(notify);
    close(wait_for_connection(self));
    g_autoptr(WebhookDelivery) delivery = wait_for_attempt(self);
    assert_int_equal(delivery->attempts, 1);
}

static void stopping_does_not_wait_for_a_receiver_and_blames_nobody(void **state)
{
    World *self = *state;
    g_autoptr(Notify) notify = start(self);
    assert_non_null(notify);
    note(self);
    int fd = wait_for_connection(self); /* and then silence */
    MonoMs begun = clock_mono_ms();
    notify_stop(notify);
    assert_in_range(clock_mono_ms() - begun, 0, LIMIT_WEBHOOK_MS / 2);
    close(fd);
    g_autoptr(WebhookDelivery) delivery = newest(self);
    assert_int_equal(delivery->state, WEBHOOK_WAITING);
    assert_int_equal(delivery->attempts, 0);
    assert_null(delivery->error);
}

static gboolean try_job(Db *db, gpointer data, GError **error)
{
    const World *self = data;
    g_autoptr(WebhookDelivery) delivery =
        webhook_try(db, STORE_DEFAULT_ORG, &self->id, clock_wall_ms(), error);
    return delivery != NULL;
}

static void one_that_fails_is_left_alone_until_somebody_touches_it(void **state)
{
    World *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Notify) notify = start(self);
    assert_non_null(notify);
    note(self);
    close(wait_for_connection(self));
    webhook_delivery_free(wait_for_attempt(self));
    note(self);
    g_usleep(300 * 1000);
    assert_int_equal(accept(self->receiver, NULL, NULL), -1);
    g_autoptr(WebhookDelivery) second = newest(self);
    assert_int_equal(second->attempts, 0);
    ok(store_run(self->store, try_job, self, &error), error);
    close(wait_for_connection(self));
}

static void a_start_and_a_stop_with_nothing_to_do_are_quick(void **state)
{
    World *self = *state;
    MonoMs begun = clock_mono_ms();
    Notify *notify = start(self);
    notify_stop(notify);
    notify_free(notify);
    notify_free(NULL);
    assert_in_range(clock_mono_ms() - begun, 0, 2 * CLOCK_SECOND_MS);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)

int main(void)
{
    secret_init();
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_event_is_told_as_soon_as_it_is_durable),
        WORLD_TEST(what_waited_is_told_at_the_next_start),
        WORLD_TEST(stopping_does_not_wait_for_a_receiver_and_blames_nobody),
        WORLD_TEST(one_that_fails_is_left_alone_until_somebody_touches_it),
        WORLD_TEST(a_start_and_a_stop_with_nothing_to_do_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
