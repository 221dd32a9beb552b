#include "base/limits.h"
#include "net/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns.h"
#include "loop.h"

static Dnsmasq dnsmasq;

static int group_setup(void **state)
{
    dnsmasq_start(&dnsmasq);
    return 0;
}

static int group_teardown(void **state)
{
    dnsmasq_stop(&dnsmasq);
    return 0;
}

typedef struct {
    GMainContext *context;
    NetDialer dialer;
    NetPolicy *policy;
    NetListener *listener;
    guint16 port;
    guint n_accepted;
    NetDial *dial;
    NetStream *stream;
    GString *story; /* "resolved ::1 127.0.0.1 private; ::1 ECONNREFUSED; up 127.0.0.1 private; " */
    gboolean is_over, cancels_when_resolved, cancels_when_failed;
} Scene;

static void accepted(int fd, gpointer user)
{
    ((Scene *)user)->n_accepted++;
    close(fd);
}

static void on_resolved(const char *const *addresses, gboolean all_public, gpointer user)
{
    Scene *scene = user;
    g_autofree char *list = g_strjoinv(" ", (char **)addresses);
    g_string_append_printf(
        scene->story, "resolved %s %s; ", list, all_public ? "public" : "private");
    if (scene->cancels_when_resolved) {
        net_dial_cancel(scene->dial);
        scene->is_over = TRUE;
    }
}

static void on_attempt_failed(const char *address, const char *sys, gpointer user)
{
    Scene *scene = user;
    g_string_append_printf(scene->story, "%s %s; ", address, sys);
    if (scene->cancels_when_failed) {
        net_dial_cancel(scene->dial);
        scene->is_over = TRUE;
    }
}

static void on_connected(NetStream *stream, const char *address, gboolean is_public, gpointer user)
{
    Scene *scene = user;
    scene->stream = stream;
    net_stream_set_events(stream, NULL, NULL);
    g_string_append_printf(scene->story, "up %s %s", address, is_public ? "public" : "private");
    scene->is_over = TRUE;
}

static void on_failed(const char *phase, const char *sys, int family, gpointer user)
{
    Scene *scene = user;
    g_string_append_printf(scene->story, "failed %s %s %s", phase, sys,
        family == AF_INET    ? "ipv4"
        : family == AF_INET6 ? "ipv6"
                             : "-");
    scene->is_over = TRUE;
}

static const NetDialEvents events = {
    .resolved = on_resolved,
    .attempt_failed = on_attempt_failed,
    .connected = on_connected,
    .failed = on_failed,
};

static void scene_init(Scene *scene, const char *dns_server, const char *allowed)
{
    memset(scene, 0, sizeof *scene);
    scene->context = g_main_context_new();
    scene->policy = net_policy_new();
    scene->story = g_string_new(NULL);
    g_auto(GStrv) networks = g_strsplit(allowed, " ", 0);
    for (char **network = networks; *network != NULL; network++)
        assert_true(net_policy_allow(scene->policy, *network, NULL));
    scene->listener =
        net_listener_new(scene->context, "127.0.0.1", 0, &scene->port, accepted, scene, NULL);
    assert_non_null(scene->listener);
    scene->dialer = (NetDialer){
        .resolver = net_resolver_new(scene->context, dns_server, NULL),
        .policy = scene->policy,
        .context = scene->context,
    };
}

static void scene_dial(Scene *scene, const char *host)
{
    scene->is_over = FALSE;
    g_string_truncate(scene->story, 0);
    scene->dial = net_dial(&scene->dialer, host, scene->port, &events, scene);
    assert_int_equal(scene->story->len, 0);
}

static void scene_run(Scene *scene, const char *host)
{
    scene_dial(scene, host);
    wait_until(scene->context, scene->is_over);
}

static void scene_clear(Scene *scene)
{
    net_stream_free(scene->stream);
    net_resolver_free(scene->dialer.resolver);
    net_policy_free(scene->policy);
    net_listener_free(scene->listener);
    g_string_free(scene->story, TRUE);
    g_main_context_unref(scene->context);
}

static void hosts_are_dialled_as_the_policy_allows(void **state)
{
    static const struct {
        const char *name, *host, *allowed, *story;
        guint n_accepted;
    } cases[] = {
        {"allowed", "loop.test", "127.0.0.0/8", "resolved 127.0.0.1 private; up 127.0.0.1 private",
            1},
        {"literal", "127.0.0.1", "127.0.0.0/8", "resolved 127.0.0.1 private; up 127.0.0.1 private",
            1},
        {"forbidden", "loop.test", "10.0.0.0/8",
            "resolved 127.0.0.1 private; failed dns PRIVATE_ADDRESS -", 0},
        {"forbidden literal", "127.0.0.1", "10.0.0.0/8",
            "resolved 127.0.0.1 private; failed dns PRIVATE_ADDRESS -", 0},
        {"forbidden localhost", "localhost", "10.0.0.0/8",
            "resolved ::1 127.0.0.1 private; failed dns PRIVATE_ADDRESS -", 0},
        {"one of two allowed", "localhost", "127.0.0.0/8",
            "resolved ::1 127.0.0.1 private; up 127.0.0.1 private", 1},
        {"mapped", "::ffff:127.0.0.1", "10.0.0.0/8",
            "resolved ::ffff:127.0.0.1 private; failed dns PRIVATE_ADDRESS -", 0},
        {"metadata", "metadata.test", "0.0.0.0/0",
            "resolved 169.254.169.254 private; failed dns PRIVATE_ADDRESS -", 0},
        {"unknown", "missing.test", "127.0.0.0/8", "failed dns NXDOMAIN -", 0},
        {"no address", "text.test", "127.0.0.0/8", "failed dns EAI_NODATA -", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Scene scene;
        print_message("# %s\n", cases[i].name);
        scene_init(&scene, dnsmasq.address, cases[i].allowed);
        scene_run(&scene, cases[i].host);
        assert_string_equal(scene.story->str, cases[i].story);
        run_for(scene.context, 20);
        assert_int_equal(scene.n_accepted, cases[i].n_accepted);
        scene_clear(&scene);
    }
}

static void a_closed_port_is_told_with_the_last_attempt(void **state)
{
    Scene scene;
    scene_init(&scene, dnsmasq.address, "127.0.0.0/8");
    net_listener_free(g_steal_pointer(&scene.listener));
    scene_run(&scene, "loop.test");
    assert_string_equal(scene.story->str,
        "resolved 127.0.0.1 private; 127.0.0.1 ECONNREFUSED; failed connect ECONNREFUSED ipv4");
    scene_clear(&scene);
}

static void after_a_failure_the_next_address_is_tried_at_once(void **state)
{
    Scene scene;
    scene_init(&scene, dnsmasq.address, "127.0.0.0/8 ::1/128");
    MonoMs begin = clock_mono_ms();
    scene_run(&scene, "loop6.test"); /* nobody listens on ::1 */
    assert_true(g_str_has_prefix(scene.story->str, "resolved ::1 127.0.0.1 private; ::1 E"));
    assert_true(g_str_has_suffix(scene.story->str, "; up 127.0.0.1 private"));
    assert_true(clock_mono_ms() - begin < LIMIT_DIAL_STAGGER_MS);
    scene_clear(&scene);
}

/* A port that swallows connections: its queue is full, so that the kernel drops what comes. Gives
 * the listening socket and the fillers. */
typedef struct {
    int fds[4];
} Hole;

static gboolean hole_open(Hole *hole, const char *literal, guint16 *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    gboolean is_six = inet_pton(AF_INET6, literal, &in6.sin6_addr) == 1;
    struct sockaddr *address = is_six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
    socklen_t size = is_six ? sizeof in6 : sizeof in;
    int family = is_six ? AF_INET6 : AF_INET;
    if (!is_six)
        assert_int_equal(inet_pton(AF_INET, literal, &in.sin_addr), 1);
    for (gsize i = 0; i < G_N_ELEMENTS(hole->fds); i++)
        hole->fds[i] = -1;
    hole->fds[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (hole->fds[0] < 0 || bind(hole->fds[0], address, size) != 0)
        return FALSE;
    assert_int_equal(listen(hole->fds[0], 0), 0);
    assert_int_equal(getsockname(hole->fds[0], address, &size), 0);
    *port = ntohs(is_six ? in6.sin6_port : in.sin_port);
    for (gsize i = 1; i < G_N_ELEMENTS(hole->fds); i++) {
        hole->fds[i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(hole->fds[i], address, size);
    }
    g_usleep(50 * 1000);
    return TRUE;
}

static void hole_close(Hole *hole)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hole->fds); i++)
        if (hole->fds[i] >= 0)
            close(hole->fds[i]);
}

static void a_silent_address_is_overtaken_after_a_quarter_second(void **state)
{
    Scene scene;
    Hole hole;
    scene_init(&scene, dnsmasq.address, "127.0.0.0/8 ::1/128");
    if (!hole_open(&hole, "::1", &scene.port)) {
        hole_close(&hole);
        scene_clear(&scene);
        skip();
    }
    MonoMs begin = clock_mono_ms();
    scene_run(&scene, "loop6.test");
    assert_string_equal(scene.story->str, "resolved ::1 127.0.0.1 private; up 127.0.0.1 private");
    assert_in_range(clock_mono_ms() - begin, LIMIT_DIAL_STAGGER_MS, LIMIT_DIAL_STAGGER_MS + 500);
    hole_close(&hole);
    scene_clear(&scene);
}

static void a_filtered_port_times_out(void **state)
{
    Scene scene;
    Hole hole;
    scene_init(&scene, dnsmasq.address, "127.0.0.0/8");
    scene.dialer.connect_ms = 150;
    scene.port = 0;
    assert_true(hole_open(&hole, "127.0.0.1", &scene.port));
    MonoMs begin = clock_mono_ms();
    scene_run(&scene, "loop.test");
    assert_string_equal(scene.story->str,
        "resolved 127.0.0.1 private; 127.0.0.1 ETIMEDOUT; failed connect ETIMEDOUT ipv4");
    assert_in_range(clock_mono_ms() - begin, 150, 1000);
    hole_close(&hole);
    scene_clear(&scene);
}

static void a_cancelled_dial_says_nothing_more(void **state)
{
    Scene scene;
    scene_init(&scene, dnsmasq.address, "127.0.0.0/8 ::1/128");
    scene_dial(&scene, "loop.test");
    net_dial_cancel(scene.dial);
    run_for(scene.context, 50);
    assert_string_equal(scene.story->str, "");

    scene.cancels_when_resolved = TRUE;
    scene_run(&scene, "loop.test");
    run_for(scene.context, 50);
    assert_string_equal(scene.story->str, "resolved 127.0.0.1 private; ");

    scene.cancels_when_resolved = FALSE;
    scene.cancels_when_failed = TRUE;
    scene_run(&scene, "loop6.test");
    run_for(scene.context, 50);
    assert_null(strstr(scene.story->str, "up"));
    assert_int_equal(scene.n_accepted, 0);
    scene_clear(&scene);
}

static void a_name_that_changes_its_address_never_reaches_the_forbidden_one(void **state)
{
    /* DNS rebinding: every second answer names an address the policy forbids. */
    const guint n_dials = 400;
    Scene scene;
    scene_init(&scene, "127.0.0.1:1", "127.0.0.2/32");
    DnsServer server = {.answers = {"127.0.0.1", "127.0.0.2"}};
    dns_server_start(&server, scene.context);
    net_resolver_free(scene.dialer.resolver);
    scene.dialer.resolver = net_resolver_new(scene.context, server.address, NULL);
    Scene allowed = {0}; /* counts 127.0.0.2, as `scene` counts 127.0.0.1 */
    g_autoptr(NetListener) permitted =
        net_listener_new(scene.context, "127.0.0.2", scene.port, NULL, accepted, &allowed, NULL);
    assert_non_null(permitted);
    guint n_permitted = 0;
    for (guint i = 0; i < n_dials; i++) {
        scene_run(&scene, "rebound.test");
        n_permitted += scene.stream != NULL;
        net_stream_free(g_steal_pointer(&scene.stream));
    }
    run_for(scene.context, 50);
    assert_int_equal(n_permitted, n_dials / 2);
    assert_int_equal(allowed.n_accepted, n_dials / 2);
    assert_int_equal(scene.n_accepted, 0);
    assert_int_equal(server.n_asked, n_dials); /* resolved once for each */
    dns_server_stop(&server);
    scene_clear(&scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_dialled_as_the_policy_allows),
        cmocka_unit_test(a_closed_port_is_told_with_the_last_attempt),
        cmocka_unit_test(after_a_failure_the_next_address_is_tried_at_once),
        cmocka_unit_test(a_silent_address_is_overtaken_after_a_quarter_second),
        cmocka_unit_test(a_filtered_port_times_out),
        cmocka_unit_test(a_cancelled_dial_says_nothing_more),
        cmocka_unit_test(a_name_that_changes_its_address_never_reaches_the_forbidden_one),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
