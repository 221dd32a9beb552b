/* The pool against a provider made of the real server core, over real sockets and TLS. The test is
 * the courier: it answers the marks, and gives what is handed back once more. */
#include "base/limits.h"
#include "courier/pool.h"
#include "provider.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define MAILS_MAX 512

typedef struct {
    char *directory;
    GMainContext *context;
    DiagnosisCatalogue *catalogue;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetPolicy *policy;
    NetDialer dialer;
    Provider *provider;
    Pool *pool;
    SmtpSettings *settings;
    guint ends[ATTEMPT_RETURNED + 1]; /* how often each was told */
    AttemptEnd last[MAILS_MAX];       /* of each mail */
    guint accepted[MAILS_MAX];        /* times */
    GArray *asked;                    /* of gint64: marks not answered yet */
    guint mark_calls, most_marks;
    gboolean answers_marks; /* at once, with TRUE */
    gboolean gives_again;   /* what is withdrawn or returned */
    guint logins, login_failures;
} World;

/* --- The courier's part -------------------------------------------------------------------------
 */

static char *address_of(gint64 mail)
{
    return g_strdup_printf("r%d@example.test", (int)mail);
}

static void give_content(World *world, gint64 mail, GBytes *content)
{
    EmailDelivery *delivery = g_new0(EmailDelivery, 1);
    delivery->recipient_id = mail;
    delivery->email_id = id_fresh(clock_wall_ms());
    delivery->address = address_of(mail);
    delivery->sender = g_strdup("noreply@example.test");
    delivery->content = content;
    pool_send(world->pool, delivery);
}

static void give(World *world, gint64 mail)
{
    static const char content[] =
        "From: noreply@example.test\r\nSubject: Hi\r\n\r\n.dot\r\nbody\r\n";
    give_content(world, mail, g_bytes_new_static(content, sizeof content - 1));
}

static void give_many(World *world, gint64 first, gint64 n)
{
    for (gint64 mail = first; mail < first + n; mail++)
        give(world, mail);
}

static void answer_marks(World *world, gint64 first, gint64 n, gboolean marked)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) answers = g_array_new(FALSE, FALSE, sizeof(gboolean));
    for (guint i = 0; i < world->asked->len;) {
        gint64 mail = g_array_index(world->asked, gint64, i);
        if (mail < first || mail >= first + n) {
            i++;
            continue;
        }
        g_array_append_val(ids, mail);
        g_array_append_val(answers, marked);
        g_array_remove_index(world->asked, i);
    }
    pool_marked(world->pool, (const gint64 *)(gconstpointer)ids->data,
        (const gboolean *)(gconstpointer)answers->data, ids->len);
}

static gboolean answer_all_marks(gpointer user)
{
    answer_marks(user, 0, MAILS_MAX, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_mark(const gint64 *recipient_ids, guint n, gpointer user)
{
    World *world = user;
    if (world->asked->len == 0 && world->answers_marks)
        g_idle_add(answer_all_marks, world);
    g_array_append_vals(world->asked, recipient_ids, n);
    world->mark_calls++;
    world->most_marks = MAX(world->most_marks, n);
}

static void on_ended(const PoolResult *result, gpointer user)
{
    World *world = user;
    gboolean goes_again = result->end == ATTEMPT_WITHDRAWN || result->end == ATTEMPT_RETURNED;
    world->ends[result->end]++;
    world->last[result->recipient_id] = result->end;
    world->accepted[result->recipient_id] += result->end == ATTEMPT_ACCEPTED ? 1 : 0;
    assert_true(goes_again || result->is_local || result->end == ATTEMPT_ACCEPTED ||
                result->diagnosis != NULL);
    if (goes_again && world->gives_again)
        give(world, result->recipient_id);
}

static void on_login(gboolean accepted, gpointer user)
{
    World *world = user;
    world->logins += accepted ? 1 : 0;
    world->login_failures += accepted ? 0 : 1;
}

static const PoolEvents pool_events = {.mark = on_mark, .ended = on_ended, .login = on_login};

/* --- The world ----------------------------------------------------------------------------------
 */

static DiagnosisCatalogue *read_catalogue(void)
{
    const char *root = g_getenv("ABSENDER_SOURCE");
    g_autofree char *path =
        g_build_filename(root == NULL ? "." : root, "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &json, &n, NULL));
    return diagnosis_catalogue_new(json, n, NULL);
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);
    world->directory = g_dir_make_tmp("absender-pool-XXXXXX", NULL);
    world->context = g_main_context_default();
    world->catalogue = read_catalogue();
    world->provider = provider_new(world->context, world->directory);
    world->tls = net_tls_client_new(NULL, NULL);
    assert_true(net_tls_client_trust(world->tls, provider_ca_file(world->provider), NULL));
    world->resolver = net_resolver_new(world->context, NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    world->dialer = (NetDialer){
        .context = world->context, .resolver = world->resolver, .policy = world->policy};
    world->asked = g_array_new(FALSE, FALSE, sizeof(gint64));
    world->answers_marks = world->gives_again = TRUE;
    const PoolParts parts = {.context = world->context,
        .dialer = &world->dialer,
        .tls = world->tls,
        .catalogue = world->catalogue,
        .deadlines = {.trial_ms = 300}};
    world->pool = pool_new(&parts, &pool_events, world);
    world->settings = settings_new();
    world->settings->host = g_strdup("localhost");
    world->settings->port = provider_port(world->provider);
    world->settings->security = TLS_MODE_STARTTLS;
    world->settings->from_email = g_strdup("noreply@example.test");
    world->settings->max_connections = 1;
    world->settings->window = 16;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;
    pool_free(world->pool);
    provider_free(world->provider);
    while (g_source_remove_by_user_data(world))
        continue;
    g_array_unref(world->asked);
    settings_free(world->settings);
    net_policy_free(world->policy);
    net_resolver_free(world->resolver);
    net_tls_client_free(world->tls);
    diagnosis_catalogue_free(world->catalogue);
    g_autoptr(GDir) files = g_dir_open(world->directory, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(files)) != NULL) {
        g_autofree char *path = g_build_filename(world->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(world->directory);
    g_free(world->directory);
    g_free(world);
    return 0;
}

static void configure(World *world, gint64 config_version, const char *password)
{
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    pool_configure(world->pool, world->settings, secret, "[127.0.0.1]", config_version);
}

static gboolean nothing(gpointer unused)
{
    return G_SOURCE_CONTINUE;
}

/* Turns the loop until the condition holds. */
#define RUN_UNTIL(world, condition)                           \
    do {                                                      \
        guint tick = g_timeout_add(5, nothing, NULL);         \
        MonoMs last = clock_mono_ms() + PATIENCE_MS;          \
        while (!(condition) && clock_mono_ms() < last)        \
            g_main_context_iteration((world)->context, TRUE); \
        g_source_remove(tick);                                \
        assert_true(condition);                               \
    } while (0)

static void run_for(World *world, gint64 ms)
{
    MonoMs last = clock_mono_ms() + ms;
    guint tick = g_timeout_add(5, nothing, NULL);
    while (clock_mono_ms() < last)
        g_main_context_iteration(world->context, TRUE);
    g_source_remove(tick);
}

static void assert_each_taken_once(World *world, gint64 first, gint64 n)
{
    for (gint64 mail = first; mail < first + n; mail++) {
        g_autofree char *address = address_of(mail);
        assert_int_equal(provider_taken(world->provider, address), 1);
        assert_int_equal(world->accepted[mail], 1);
    }
}

/* Nobody is to blame, no attempt was used up. */
static void assert_no_trouble(const World *world)
{
    assert_int_equal(world->ends[ATTEMPT_UNSENT], 0);
    assert_int_equal(world->ends[ATTEMPT_UNCERTAIN], 0);
    assert_int_equal(world->ends[ATTEMPT_REFUSED], 0);
}

static ProviderFacts facts(const World *world)
{
    return provider_facts(world->provider);
}

/* --- Statements: carrying -----------------------------------------------------------------------
 */

static const struct {
    const char *name;
    gboolean chunking, no_pipelining;
    guint in_hand; /* of 16 mails, at most, and marked together */
} ways[] = {
    {"chunking", TRUE, FALSE, 16},
    {"pipelining", FALSE, FALSE, 8},
    {"one by one", FALSE, TRUE, 1},
};

static void a_window_arrives_once_each(void **state)
{
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->no_pipelining = ways[i].no_pipelining;
        configure(world, (gint64)i + 1, "right");
        world->most_marks = 0;
        give_many(world, (gint64)i * 16, 16);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (i + 1) * 16);
        assert_each_taken_once(world, (gint64)i * 16, 16);
        assert_int_equal(facts(world).sessions, i + 1);
        if (world->most_marks != ways[i].in_hand)
            fail_msg("%s: %u marks at once", ways[i].name, world->most_marks);
    }
    assert_no_trouble(world);
    assert_int_equal(facts(world).bare, 0);
}

static void large_mails_arrive(void **state)
{
    World *world = *state;
    GString *text = g_string_new("From: noreply@example.test\r\nSubject: Hi\r\n\r\n");
    while (text->len < 2 * 1024 * 1024)
        g_string_append_printf(text, ".%066" G_GSIZE_FORMAT "\r\n", text->len);
    g_autoptr(GBytes) content = g_string_free_to_bytes(text);
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->no_pipelining = ways[i].no_pipelining;
        configure(world, (gint64)i + 1, "right");
        for (gint64 mail = (gint64)i * 3; mail < (gint64)i * 3 + 3; mail++)
            give_content(world, mail, g_bytes_ref(content));
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (i + 1) * 3);
        assert_each_taken_once(world, (gint64)i * 3, 3);
    }
    assert_no_trouble(world);
    assert_int_equal(facts(world).octets, 9 * g_bytes_get_size(content));
}

static void connections_share_and_never_exceed_the_setting(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->settings->max_connections = 3;
    world->settings->window = 4;
    configure(world, 1, "right");
    provider_manner(world->provider)->holds = TRUE;
    give_many(world, 0, 60);
    RUN_UNTIL(world, facts(world).asked == 3); /* one held on each of three */
    run_for(world, 50);
    assert_int_equal(pool_sessions(world->pool), 3);
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 60);
    assert_each_taken_once(world, 0, 60);
    assert_int_equal(facts(world).at_once, 3);
    assert_int_equal(facts(world).sessions, 3);
    pool_drain(world->pool);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    run_for(world, 20);
    assert_true(facts(world).least >= 8);
}

static void a_line_with_room_is_preferred_over_another_connection(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->settings->max_connections = 4;
    configure(world, 1, "right");
    give_many(world, 0, 16);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 16);
    for (gint64 mail = 16; mail < 40; mail++) {
        give(world, mail);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (guint)mail + 1);
    }
    assert_int_equal(facts(world).sessions, 1);
}

static void an_announced_mailmax_is_kept(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = TRUE;
    manner->mailmax = manner->closes_after = 3;
    configure(world, 1, "right");
    give_many(world, 0, 10);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 10);
    assert_each_taken_once(world, 0, 10);
    assert_no_trouble(world);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 0);
    assert_int_equal(facts(world).sessions, 4);
    assert_int_equal(facts(world).at_once, 1);
}

/* --- Statements: the server's moods -------------------------------------------------------------
 */

static void a_421_in_good_order_is_no_break(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = TRUE;
    manner->closes_after = 5;
    configure(world, 1, "right");
    give_many(world, 0, 23);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 23);
    assert_each_taken_once(world, 0, 23);
    assert_no_trouble(world);
    assert_int_equal(facts(world).sessions, 5);
}

static void a_refused_second_connection_lowers_their_number_and_loses_nothing(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = TRUE;
    manner->connections = 1;
    world->settings->max_connections = 4;
    world->settings->window = 2;
    configure(world, 1, "right");
    give_many(world, 0, 60);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 60);
    assert_each_taken_once(world, 0, 60);
    assert_no_trouble(world);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN] + world->ends[ATTEMPT_RETURNED], 0);
    assert_int_equal(facts(world).refused, 1);
    assert_int_equal(facts(world).sessions, 1);
}

static void a_421_to_its_first_mail_lowers_them_too(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = TRUE;
    manner->busy_from = 2;
    world->settings->max_connections = 4;
    world->settings->window = 2;
    configure(world, 1, "right");
    give_many(world, 0, 60);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 60);
    assert_each_taken_once(world, 0, 60);
    assert_no_trouble(world);
    /* Others may have been on their way when the first was turned away; none comes after them. */
    assert_in_range(world->ends[ATTEMPT_RETURNED], 1, 3 * (2 + 1));
    assert_in_range(facts(world).sessions, 2, 4);
}

static void a_421_alone_costs_one_mail_an_attempt(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    provider_manner(world->provider)->chunking = TRUE;
    provider_manner(world->provider)->busy_from = 1;
    configure(world, 1, "right");
    give_many(world, 0, 16);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] == 1);
    assert_int_equal(world->last[0], ATTEMPT_UNSENT);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 15);
}

static void a_server_that_swallows_costs_a_pause_and_never_a_mail(void **state)
{
    World *world = *state;
    for (gsize i = 0; i < 2; i++) {
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->swallows = TRUE;
        guint sessions = facts(world).sessions;
        g_free(world->settings->host); /* another server, of which nothing is known */
        world->settings->host = g_strdup(i == 0 ? "localhost" : "127.0.0.1");
        configure(world, (gint64)i + 1, "right");
        give_many(world, (gint64)i * 20, 20);
        RUN_UNTIL(world, facts(world).sessions == sessions + 2);
        guint swallowed = facts(world).swallowed;
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (i + 1) * 20);
        assert_each_taken_once(world, (gint64)i * 20, 20);
        assert_no_trouble(world);
        assert_true(swallowed > 0);
        assert_int_equal(facts(world).swallowed, swallowed); /* stepwise from now on */
        assert_int_equal(facts(world).sessions, sessions + 2);
    }
}

static void a_refused_login_is_tried_once(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    world->settings->max_connections = 4;
    configure(world, 1, "wrong");
    give_many(world, 0, 10);
    RUN_UNTIL(world, world->ends[ATTEMPT_LOGIN_REFUSED] == 1);
    run_for(world, 50);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 9);
    assert_int_equal(facts(world).login_failures, 1);
    assert_int_equal(world->login_failures, 1);
}

static void a_dead_server_costs_one_mail_an_attempt(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    provider_free(world->provider);
    configure(world, 1, "right");
    world->provider = provider_new(world->context, world->directory); /* on another port */
    give_many(world, 1, 5);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] == 1);
    assert_int_equal(world->last[1], ATTEMPT_UNSENT);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 4);
}

/* --- Statements: in the middle of a window ------------------------------------------------------
 */

static void a_cut_makes_uncertain_what_has_left_and_nothing_else(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = manner->holds = TRUE;
    world->answers_marks = FALSE;
    world->settings->window = 4;
    configure(world, 1, "right");
    /* The first proves that the server follows; after it a whole window goes. */
    give_many(world, 0, 2);
    RUN_UNTIL(world, world->asked->len == 2);
    answer_all_marks(world);
    RUN_UNTIL(world, facts(world).asked == 1);
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 2);
    manner->holds = TRUE;
    give_many(world, 2, 4);
    RUN_UNTIL(world, world->asked->len == 4);
    answer_marks(world, 2, 2, TRUE);
    RUN_UNTIL(world, facts(world).asked == 3);
    run_for(world, 50);
    provider_cut(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNCERTAIN] + world->ends[ATTEMPT_UNSENT] == 4);
    assert_int_equal(world->last[2], ATTEMPT_UNCERTAIN);
    assert_int_equal(world->last[3], ATTEMPT_UNCERTAIN);
    assert_int_equal(world->last[4], ATTEMPT_UNSENT);
    assert_int_equal(world->last[5], ATTEMPT_UNSENT);
}

static void new_settings_never_reuse_an_old_connection(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = manner->holds = TRUE;
    world->settings->window = 4;
    world->settings->max_connections = 2;
    configure(world, 1, "right");
    give_many(world, 0, 20);
    RUN_UNTIL(world, facts(world).asked == 2);
    run_for(world, 50);
    configure(world, 2, "right");
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 20 - 2 * (4 + 1)); /* one marked ahead */
    run_for(world, 50);
    assert_int_equal(facts(world).sessions, 2); /* both places are taken till the old are done */
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 20);
    assert_each_taken_once(world, 0, 20);
    assert_no_trouble(world);
    assert_in_range(facts(world).sessions, 3, 4);
    assert_int_equal(facts(world).at_once, 2);
    assert_int_equal(facts(world).least, 5); /* the old ones carried what they had, no more */
}

static void a_drain_hands_back_what_has_not_begun(void **state)
{
    World *world = *state;
    world->answers_marks = world->gives_again = FALSE;
    provider_manner(world->provider)->no_pipelining = TRUE; /* one in hand, the others wait */
    configure(world, 1, "right");
    give_many(world, 0, 6);
    RUN_UNTIL(world, world->asked->len == 1);
    pool_drain(world->pool);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 5);
    answer_all_marks(world);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_int_equal(world->accepted[0], 1);
    assert_int_equal(facts(world).mails, 1);
}

static void a_withdrawn_mail_is_not_said(void **state)
{
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        gint64 first = (gint64)i * 8;
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->no_pipelining = ways[i].no_pipelining;
        world->answers_marks = world->gives_again = FALSE;
        memset(world->ends, 0, sizeof world->ends);
        configure(world, (gint64)i + 1, "right");
        give_many(world, first, 8);
        RUN_UNTIL(world, world->asked->len > 0);
        run_for(world, 30); /* its envelope is out, unless all of it leaves in one piece */
        answer_marks(world, first, 1, FALSE);
        assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 1);
        world->answers_marks = world->gives_again = TRUE;
        answer_all_marks(world);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 7);
        g_autofree char *withdrawn = address_of(first);
        assert_int_equal(provider_taken(world->provider, withdrawn), 0);
        assert_each_taken_once(world, first + 1, 7);
        assert_no_trouble(world);
    }
}

static void a_mark_that_failed_leaves_the_mail_unsent(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->answers_marks = FALSE;
    configure(world, 1, "right");
    give_many(world, 0, 4);
    RUN_UNTIL(world, world->asked->len == 4);
    const gint64 failed[] = {1, 2, 77};
    pool_mark_failed(world->pool, failed, G_N_ELEMENTS(failed));
    assert_int_equal(world->ends[ATTEMPT_UNSENT], 2);
    answer_all_marks(world);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 2);
    assert_each_taken_once(world, 0, 1);
    assert_each_taken_once(world, 3, 1);
    assert_int_equal(facts(world).sessions, 1);
}

static void without_settings_a_mail_is_handed_back(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    give(world, 0);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 1);
}

int main(void)
{
    secret_init();
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        WITH_WORLD(a_window_arrives_once_each),
        WITH_WORLD(large_mails_arrive),
        WITH_WORLD(connections_share_and_never_exceed_the_setting),
        WITH_WORLD(a_line_with_room_is_preferred_over_another_connection),
        WITH_WORLD(an_announced_mailmax_is_kept),
        WITH_WORLD(a_421_in_good_order_is_no_break),
        WITH_WORLD(a_refused_second_connection_lowers_their_number_and_loses_nothing),
        WITH_WORLD(a_421_to_its_first_mail_lowers_them_too),
        WITH_WORLD(a_421_alone_costs_one_mail_an_attempt),
        WITH_WORLD(a_server_that_swallows_costs_a_pause_and_never_a_mail),
        WITH_WORLD(a_refused_login_is_tried_once),
        WITH_WORLD(a_dead_server_costs_one_mail_an_attempt),
        WITH_WORLD(a_cut_makes_uncertain_what_has_left_and_nothing_else),
        WITH_WORLD(new_settings_never_reuse_an_old_connection),
        WITH_WORLD(a_drain_hands_back_what_has_not_begun),
        WITH_WORLD(a_withdrawn_mail_is_not_said),
        WITH_WORLD(a_mark_that_failed_leaves_the_mail_unsent),
        WITH_WORLD(without_settings_a_mail_is_handed_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
