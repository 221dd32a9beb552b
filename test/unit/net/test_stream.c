#include "base/error.h"
#include "base/limits.h"
#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "loop.h"

/* Two streams of ours, connected over loopback. */
typedef struct {
    GMainContext *context;
    NetListener *listener;
    guint16 port;
    End client, server;
} Pair;

static void pair_accepted(int fd, gpointer user)
{
    Pair *pair = user;
    if (pair->server.stream != NULL)
        close(fd);
    else
        pair->server.stream = net_stream_accept(pair->context, fd, &end_events, &pair->server);
}

static void pair_init(Pair *pair)
{
    memset(pair, 0, sizeof *pair);
    pair->context = g_main_context_new();
    end_init(&pair->client);
    end_init(&pair->server);
    pair->listener =
        net_listener_new(pair->context, "127.0.0.1", 0, &pair->port, pair_accepted, pair, NULL);
    assert_non_null(pair->listener);
    assert_int_not_equal(pair->port, 0);
}

static void pair_connect(Pair *pair)
{
    struct sockaddr_in address = loopback(pair->port);
    pair->client.stream =
        net_stream_connect(pair->context, (struct sockaddr *)&address, &end_events, &pair->client);
    assert_int_equal(pair->client.n_connected, 0);
    wait_until(pair->context, pair->client.n_connected == 1 && pair->server.stream != NULL);
}

static void pair_clear(Pair *pair)
{
    end_clear(&pair->client);
    end_clear(&pair->server);
    net_listener_free(pair->listener);
    g_main_context_unref(pair->context);
}

static void bytes_go_both_ways(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    end_say(&pair.client, "EHLO a\r\n");
    end_say(&pair.server, "220 hello\r\n");
    end_say(&pair.server, "250 a\r\n");
    wait_until(pair.context,
        end_holds(&pair.server, "EHLO a\r\n") && end_holds(&pair.client, "220 hello\r\n250 a\r\n"));
    assert_int_equal(pair.client.n_sent, 1);
    assert_int_equal(pair.server.n_sent, 1);
    struct sockaddr_in peer;
    memcpy(&peer, net_stream_peer(pair.client.stream), sizeof peer);
    assert_int_equal(ntohs(peer.sin_port), pair.port);
    pair_clear(&pair);
}

static void secret_bytes_arrive_like_others(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    static const guint8 login[] = "AUTH PLAIN AGEAYg==\r\n";
    net_stream_send(pair.client.stream, login, sizeof login - 1, TRUE);
    wait_until(pair.context, end_holds(&pair.server, (const char *)login));
    pair_clear(&pair);
}

/* Before the loop has turned: what is written then is in the socket of the other end. */
static void a_flush_does_not_wait_for_the_loop(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    net_stream_send(pair.client.stream, (const guint8 *)"now", 3, FALSE);
    assert_int_equal(pair.client.n_sent, 0);
    net_stream_flush(pair.client.stream);
    assert_int_equal(pair.client.n_sent, 1);
    net_stream_flush(pair.client.stream); /* nothing is left */
    assert_int_equal(pair.client.n_sent, 1);
    wait_until(pair.context, pair.server.in->len == 3);
    assert_memory_equal(pair.server.in->data, "now", 3);
    pair_clear(&pair);
}

static void free_when_sent(End *end)
{
    g_clear_pointer(&end->stream, net_stream_free);
}

static void a_stream_may_be_freed_while_it_is_flushed(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    pair.client.on_sent = free_when_sent;
    net_stream_send(pair.client.stream, (const guint8 *)"bye", 3, FALSE);
    net_stream_flush(pair.client.stream);
    assert_null(pair.client.stream);
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_int_equal(pair.server.in->len, 3);
    pair_clear(&pair);
}

/* Sends the same 64 KiB again and again, the next when the last is gone. */
typedef struct {
    guint8 block[65536];
    gsize left;
} Supply;

static void supply_next(End *end)
{
    Supply *supply = end->extra;
    if (supply->left == 0)
        return;
    gsize n = MIN(supply->left, sizeof supply->block);
    supply->left -= n;
    net_stream_send(end->stream, supply->block, n, FALSE);
}

static void large_transfers_pass_in_both_directions_at_once(void **state)
{
    const gsize total = 24 * 1024 * 1024;
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    g_autofree Supply *up = g_new0(Supply, 1), *down = g_new0(Supply, 1);
    up->left = down->left = total;
    memset(up->block, 'u', sizeof up->block);
    memset(down->block, 'd', sizeof down->block);
    pair.client.extra = up;
    pair.server.extra = down;
    pair.client.on_sent = pair.server.on_sent = supply_next;
    supply_next(&pair.client);
    supply_next(&pair.server);
    wait_until(pair.context, pair.client.in->len == total && pair.server.in->len == total);
    assert_int_equal(pair.client.in->data[total - 1], 'd');
    assert_int_equal(pair.server.in->data[total - 1], 'u');
    pair_clear(&pair);
}

static void a_slow_reader_holds_the_sender_back_without_spinning(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    net_stream_pause_reading(pair.server.stream, TRUE);
    g_autofree guint8 *flood = g_malloc0(16 * 1024 * 1024);
    net_stream_send(pair.client.stream, flood, 16 * 1024 * 1024, FALSE);
    run_for(pair.context, 100);
    clock_t before = clock();
    run_for(pair.context, 300);
    assert_true((clock() - before) * 1000 / CLOCKS_PER_SEC < 100);
    assert_int_equal(pair.client.n_sent, 0);
    assert_int_equal(pair.server.in->len, 0);
    net_stream_pause_reading(pair.server.stream, FALSE);
    wait_until(pair.context, pair.server.in->len == 16 * 1024 * 1024);
    assert_int_equal(pair.client.n_sent, 1);
    pair_clear(&pair);
}

/* Resets the connection instead of ending it. */
static void hang_up(int fd)
{
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static int connect_by_hand(Pair *pair)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(pair->port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    wait_until(pair->context, pair->server.stream != NULL);
    return fd;
}

static void a_hang_up_while_reading_is_paused_does_not_spin(void **state)
{
    Pair pair;
    pair_init(&pair);
    int fd = connect_by_hand(&pair);
    net_stream_pause_reading(pair.server.stream, TRUE);
    hang_up(fd); /* poll reports it whether asked or not */
    run_for(pair.context, 50);
    clock_t before = clock();
    run_for(pair.context, 300);
    assert_true((clock() - before) * 1000 / CLOCKS_PER_SEC < 100);
    assert_int_equal(pair.server.n_lost, 0);
    net_stream_pause_reading(pair.server.stream, FALSE);
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_string_equal(pair.server.sys, "ECONNRESET");
    pair_clear(&pair);
}

static void the_end_of_the_peer_is_a_clean_eof(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    end_say(&pair.server, "421 bye\r\n");
    net_stream_close_after_send(pair.server.stream);
    wait_until(pair.context, pair.client.n_lost == 1);
    assert_true(end_holds(&pair.client, "421 bye\r\n"));
    assert_string_equal(pair.client.sys, "EOF");
    assert_true(pair.client.clean);
    assert_null(pair.client.tls_reason);
    assert_int_equal(pair.client.family, AF_INET);
    net_stream_free(g_steal_pointer(&pair.client.stream));
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_true(pair.server.clean);
    assert_null(pair.server.sys);
    pair_clear(&pair);
}

static void last_words_survive_unread_bytes(void **state)
{
    /* The server closes while the client's bytes lie unread in its socket: a plain close() would
     * reset the connection and take the 554 with it. */
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    net_stream_pause_reading(pair.server.stream, TRUE);
    end_say(&pair.client, "DATA nobody will read\r\n");
    wait_until(pair.context, pair.client.n_sent == 1);
    end_say(&pair.server, "554 no\r\n");
    net_stream_close_after_send(pair.server.stream);
    wait_until(pair.context, pair.client.n_lost == 1);
    assert_true(end_holds(&pair.client, "554 no\r\n"));
    assert_true(pair.client.clean);
    pair_clear(&pair);
}

static void a_peer_that_stays_open_is_waited_for_in_vain_only_so_long(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    net_stream_pause_reading(pair.client.stream, TRUE);
    MonoMs begin = clock_mono_ms();
    net_stream_close_after_send(pair.server.stream);
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_true(clock_mono_ms() - begin >= LIMIT_LINGER_MS);
    assert_true(pair.server.clean);
    pair_clear(&pair);
}

static void a_reset_is_named(void **state)
{
    Pair pair;
    pair_init(&pair);
    hang_up(connect_by_hand(&pair));
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_string_equal(pair.server.sys, "ECONNRESET");
    assert_false(pair.server.clean);
    pair_clear(&pair);
}

static void what_was_said_before_a_reset_is_read_though_writing_fails(void **state)
{
    Pair pair;
    pair_init(&pair);
    int fd = connect_by_hand(&pair);
    net_stream_pause_reading(pair.server.stream, TRUE);
    assert_int_equal(send(fd, "250 taken\r\n", 11, 0), 11);
    hang_up(fd);
    run_for(pair.context, 20);
    end_say(&pair.server, "MAIL FROM:<a@example.org>\r\n");
    run_for(pair.context, 50);
    assert_int_equal(pair.server.n_sent, 0);
    assert_int_equal(pair.server.n_lost, 0);
    end_say(&pair.server, "RCPT TO:<b@example.org>\r\n");
    net_stream_pause_reading(pair.server.stream, FALSE);
    wait_until(pair.context, pair.server.n_lost == 1);
    assert_true(end_holds(&pair.server, "250 taken\r\n"));
    assert_int_equal(pair.server.n_sent, 0);
    assert_string_equal(pair.server.sys, "ECONNRESET");
    assert_false(pair.server.clean);
    pair_clear(&pair);
}

static void a_closed_port_is_refused_and_told_later(void **state)
{
    Pair pair;
    pair_init(&pair);
    net_listener_free(g_steal_pointer(&pair.listener));
    struct sockaddr_in address = loopback(pair.port);
    pair.client.stream =
        net_stream_connect(pair.context, (struct sockaddr *)&address, &end_events, &pair.client);
    assert_int_equal(pair.client.n_lost, 0);
    wait_until(pair.context, pair.client.n_lost == 1);
    assert_string_equal(pair.client.sys, "ECONNREFUSED");
    assert_int_equal(pair.client.family, AF_INET);
    assert_int_equal(pair.client.n_connected, 0);
    pair_clear(&pair);
}

static void what_connect_itself_refuses_is_told_later(void **state)
{
    Pair pair;
    pair_init(&pair);
    struct sockaddr_in address = loopback(25);
    address.sin_addr.s_addr = htonl(INADDR_BROADCAST); /* refused by connect() itself */
    pair.client.stream =
        net_stream_connect(pair.context, (struct sockaddr *)&address, &end_events, &pair.client);
    assert_int_equal(pair.client.n_lost, 0);
    wait_until(pair.context, pair.client.n_lost == 1);
    assert_non_null(pair.client.sys);
    assert_memory_equal(pair.client.sys, "E", 1);
    pair_clear(&pair);
}

static void a_deadline_fires_once_and_can_be_replaced(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    MonoMs begin = clock_mono_ms();
    net_stream_set_deadline(pair.client.stream, begin + 10);
    net_stream_set_deadline(pair.client.stream, begin + 120);
    wait_until(pair.context, pair.client.n_deadlines == 1);
    assert_true(clock_mono_ms() - begin >= 120);
    run_for(pair.context, 60);
    assert_int_equal(pair.client.n_deadlines, 1);
    net_stream_set_deadline(pair.client.stream, clock_mono_ms() + 20);
    net_stream_set_deadline(pair.client.stream, 0);
    run_for(pair.context, 60);
    assert_int_equal(pair.client.n_deadlines, 1);
    pair_clear(&pair);
}

static void free_it(End *end)
{
    net_stream_free(g_steal_pointer(&end->stream));
}

static void free_on_tenth(End *end)
{
    if (end->in->len >= 10)
        free_it(end);
}

static void a_stream_may_be_freed_inside_each_of_its_callbacks(void **state)
{
    static const struct {
        const char *name;
        gsize at; /* of the hook in End */
    } hooks[] = {
        {"connected", G_STRUCT_OFFSET(End, on_connected)},
        {"bytes", G_STRUCT_OFFSET(End, on_bytes)},
        {"sent", G_STRUCT_OFFSET(End, on_sent)},
        {"deadline", G_STRUCT_OFFSET(End, on_deadline)},
        {"lost", G_STRUCT_OFFSET(End, on_lost)},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(hooks); i++) {
        Pair pair;
        pair_init(&pair);
        print_message("# %s\n", hooks[i].name);
        void (**hook)(End *) = G_STRUCT_MEMBER_P(&pair.client, hooks[i].at);
        *hook = free_it;
        pair_connect(&pair);
        if (pair.client.stream != NULL) {
            end_say(&pair.client, "hello");
            net_stream_set_deadline(pair.client.stream, clock_mono_ms() + 30);
            end_say(&pair.server, "first");
            end_say(&pair.server, "second");
        }
        if (hooks[i].at == G_STRUCT_OFFSET(End, on_lost))
            net_stream_close_after_send(pair.server.stream);
        wait_until(pair.context, pair.client.stream == NULL);
        guint n = pair.client.in->len;
        run_for(pair.context, 50);
        assert_int_equal(pair.client.in->len, n); /* silence after free */
        pair_clear(&pair);
    }
}

static void freeing_between_two_reads_keeps_the_rest_unread(void **state)
{
    Pair pair;
    pair_init(&pair);
    pair_connect(&pair);
    pair.server.on_bytes = free_on_tenth;
    g_autofree guint8 *flood = g_malloc0(1024 * 1024);
    net_stream_send(pair.client.stream, flood, 1024 * 1024, FALSE);
    wait_until(pair.context, pair.server.stream == NULL);
    assert_true(pair.server.in->len <= LIMIT_STREAM_READ_BYTES);
    wait_until(pair.context, pair.client.n_lost == 1);
    pair_clear(&pair);
}

static guint n_strangers;

static void stranger_accepted(int fd, gpointer user)
{
    n_strangers++;
    close(fd);
}

static void a_listener_without_descriptors_rests_and_comes_back(void **state)
{
    GMainContext *context = g_main_context_new();
    guint16 port = 0;
    g_autoptr(NetListener) listener =
        net_listener_new(context, "127.0.0.1", 0, &port, stranger_accepted, NULL, NULL);
    assert_non_null(listener);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port);
    struct rlimit old, tight;
    run_for(context, 20); /* the context makes its own descriptors first */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)fd; /* poll keeps working, accept has no number to give */
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (guint i = 0; i < 3; i++)
        g_main_context_iteration(context, FALSE);
    clock_t before = clock();
    run_for(context, 300);
    assert_true((clock() - before) * 1000 / CLOCKS_PER_SEC < 100);
    assert_int_equal(n_strangers, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    wait_until(context, n_strangers == 1);
    close(fd);
    g_main_context_unref(context);
}

static void a_listener_says_why_it_cannot_listen(void **state)
{
    GMainContext *context = g_main_context_new();
    guint16 port = 0;
    g_autoptr(NetListener) first =
        net_listener_new(context, "127.0.0.1", 0, &port, stranger_accepted, NULL, NULL);
    assert_non_null(first);
    g_autoptr(GError) taken = NULL;
    assert_null(
        net_listener_new(context, "127.0.0.1", port, NULL, stranger_accepted, NULL, &taken));
    assert_true(g_error_matches(taken, ABS_ERROR, ABS_ERROR_IO));
    g_autoptr(GError) name = NULL;
    assert_null(net_listener_new(context, "localhost", 0, NULL, stranger_accepted, NULL, &name));
    assert_true(g_error_matches(name, ABS_ERROR, ABS_ERROR_INPUT));
    g_main_context_unref(context);
}

static void ipv6_works_as_well(void **state)
{
    Pair pair;
    pair_init(&pair);
    net_listener_free(pair.listener);
    pair.listener =
        net_listener_new(pair.context, "::1", 0, &pair.port, pair_accepted, &pair, NULL);
    if (pair.listener == NULL) {
        pair_clear(&pair);
        skip();
    }
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons(pair.port), .sin6_addr = in6addr_loopback};
    pair.client.stream =
        net_stream_connect(pair.context, (struct sockaddr *)&address, &end_events, &pair.client);
    wait_until(pair.context, pair.server.stream != NULL && pair.client.n_connected == 1);
    end_say(&pair.client, "six");
    wait_until(pair.context, end_holds(&pair.server, "six"));
    pair_clear(&pair);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(secret_bytes_arrive_like_others),
        cmocka_unit_test(a_flush_does_not_wait_for_the_loop),
        cmocka_unit_test(a_stream_may_be_freed_while_it_is_flushed),
        cmocka_unit_test(large_transfers_pass_in_both_directions_at_once),
        cmocka_unit_test(a_slow_reader_holds_the_sender_back_without_spinning),
        cmocka_unit_test(a_hang_up_while_reading_is_paused_does_not_spin),
        cmocka_unit_test(the_end_of_the_peer_is_a_clean_eof),
        cmocka_unit_test(last_words_survive_unread_bytes),
        cmocka_unit_test(a_peer_that_stays_open_is_waited_for_in_vain_only_so_long),
        cmocka_unit_test(a_reset_is_named),
        cmocka_unit_test(what_was_said_before_a_reset_is_read_though_writing_fails),
        cmocka_unit_test(a_closed_port_is_refused_and_told_later),
        cmocka_unit_test(what_connect_itself_refuses_is_told_later),
        cmocka_unit_test(a_deadline_fires_once_and_can_be_replaced),
        cmocka_unit_test(a_stream_may_be_freed_inside_each_of_its_callbacks),
        cmocka_unit_test(freeing_between_two_reads_keeps_the_rest_unread),
        cmocka_unit_test(a_listener_without_descriptors_rests_and_comes_back),
        cmocka_unit_test(a_listener_says_why_it_cannot_listen),
        cmocka_unit_test(ipv6_works_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
