/* The pool against a provider made of the real server core, over real sockets and TLS. */
#include "base/limits.h"
#include "pool_world.h"

#include <string.h>

/* --- Statements: carrying -----------------------------------------------------------------------
 */

static const struct {
    const char *name;
    gboolean chunking, no_pipelining;
    guint in_hand; /* of 16 mails, at most, and marked together */
} ways[] = {
    {"chunking", TRUE, FALSE, 16},
    {"pipelining", FALSE, FALSE, 16},
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

static void a_mail_refused_on_the_spot_leaves_the_line_as_idle_as_before(void **state)
{
    World *world = *state;
    make_pool(world, 200);
    configure(world, 1, "right");
    give(world, 0);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 1);
    give_unsendable(world, 1);
    RUN_UNTIL(world, world->ends[ATTEMPT_REFUSED] == 1);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_int_equal(world->n_marks, 1);
}

static void a_mail_refused_on_the_spot_does_not_block_a_full_line(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->mailmax = 2;
    configure(world, 1, "right");
    for (gint64 mail = 0; mail < 8; mail++) {
        guint refused = world->ends[ATTEMPT_REFUSED];
        give_unsendable(world, 100 + mail);
        RUN_UNTIL(world, world->ends[ATTEMPT_REFUSED] == refused + 1);
        give(world, mail);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (guint)mail + 1);
    }
    assert_each_taken_once(world, 0, 8);
    assert_int_equal(facts(world).sessions, 4); /* it is not counted against the server's limit */
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

/* Some say so to the content itself; handed back unrecorded it would go round for ever. */
static void a_421_to_a_mails_own_end_is_its_attempt(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    provider_manner(world->provider)->chunking = TRUE;
    provider_manner(world->provider)->tired_after = 2;
    configure(world, 1, "right");
    give_many(world, 0, 5);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] + world->ends[ATTEMPT_RETURNED] == 3);
    assert_int_equal(world->ends[ATTEMPT_ACCEPTED], 2);
    assert_int_equal(world->last[2], ATTEMPT_UNSENT);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 2);
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

/* They are no other settings: what is said in the meantime still counts. */
static void other_limits_open_sessions_anew_under_the_same_number(void **state)
{
    World *world = *state;
    world->settings->max_connections = 1;
    configure(world, 1, "right");
    give(world, 0);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 1);
    configure(world, 1, "right"); /* nothing has changed: the session stays */
    give(world, 1);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 2);
    assert_int_equal(facts(world).sessions, 1);
    world->settings->window = 2;
    configure(world, 1, "right");
    give(world, 2);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 3);
    assert_int_equal(facts(world).sessions, 2);
    assert_int_equal(world->versions[2], 1);
    assert_no_trouble(world);
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

/* Neither an objection of ours nor a deferral has moved anything on: where only these came before
 * the 421, it is a break, or the same mails would come again and again. */
static void a_421_after_nothing_was_settled_costs_one_mail_an_attempt(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    world->gives_again = FALSE;
    manner->busy_from = 1;
    configure(world, 1, "right");
    give_unsendable(world, 0);
    give_many(world, 1, 4);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] + world->ends[ATTEMPT_RETURNED] == 4);
    assert_int_equal(world->last[0], ATTEMPT_REFUSED);
    assert_int_equal(world->last[1], ATTEMPT_UNSENT);
    manner->busy_from = 0;
    manner->defers = TRUE;
    manner->closes_after = 1;
    give_many(world, 5, 4);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] + world->ends[ATTEMPT_RETURNED] == 7);
    assert_int_equal(world->last[5], ATTEMPT_REFUSED);
    assert_int_equal(world->last[6], ATTEMPT_UNSENT);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 3 + 2);
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

/* Who hangs up does not hear the refusal, and would try the same password once more (C9). */
static void a_login_that_has_been_said_is_answered_before_a_drain_ends_it(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    configure(world, 1, "wrong");
    give_many(world, 0, 3);
    RUN_UNTIL(world, facts(world).login_failures == 1); /* the answer is on its way */
    pool_drain(world->pool);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 3);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_int_equal(world->refusals, 1);

    configure(world, 2, "right");
    give(world, 3);
    RUN_UNTIL(world, facts(world).logins == 1);
    pool_drain(world->pool);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_int_equal(world->logins, 1);
    assert_int_equal(world->refusals, 1);
    assert_int_equal(facts(world).mails, 0);
}

/* As at a stop. */
static void without_settings_a_login_that_has_been_said_is_still_answered(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    configure(world, 7, "wrong");
    give(world, 0);
    RUN_UNTIL(world, facts(world).login_failures == 1); /* the answer is on its way */
    pool_configure(world->pool, NULL, NULL, NULL, 7);
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 1);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_int_equal(world->refusals, 1);
}

static void what_was_opened_for_other_settings_or_says_nothing_yet_is_dropped_at_once(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    configure(world, 1, "wrong");
    give(world, 0);
    RUN_UNTIL(world, facts(world).login_failures == 1);
    configure(world, 2, "right");
    assert_int_equal(pool_sessions(world->pool), 0);
    give(world, 1);
    RUN_UNTIL(world, pool_sessions(world->pool) == 1);
    pool_drain(world->pool);
    assert_int_equal(pool_sessions(world->pool), 0);
    run_for(world, 50);
    assert_int_equal(world->refusals, 0);
    assert_int_equal(facts(world).logins, 0);
}

/* Each of these is the provider's trouble and says nothing about the password (reliability C9). */
static void a_login_put_off_is_no_refusal(void **state)
{
    static const int codes[] = {421, 432, 454};
    World *world = *state;
    world->gives_again = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        provider_manner(world->provider)->login_code = codes[i];
        configure(world, 1 + i, "right");
        give_many(world, 10 * i, 3);
        RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] == i + 1);
        assert_int_equal(facts(world).login_failures, i + 1);
    }
    assert_int_equal(world->ends[ATTEMPT_LOGIN_REFUSED], 0);
    assert_int_equal(world->ends[ATTEMPT_REFUSED], 0);
    provider_manner(world->provider)->login_code = 0;
    give_many(world, 40, 3);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 3);
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

/* Two mails show that the server follows; after them a whole window goes. */
static void prove(World *world)
{
    give_many(world, 0, 2);
    RUN_UNTIL(world, world->asked->len == 2);
    answer_all_marks(world);
    if (provider_manner(world->provider)->holds)
        RUN_UNTIL(world, facts(world).asked == 1);
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 2);
}

static void a_cut_makes_uncertain_what_has_left_and_nothing_else(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = manner->holds = TRUE;
    world->answers_marks = FALSE;
    world->settings->window = 4;
    world->gives_again = FALSE;
    configure(world, 1, "right");
    prove(world);
    manner->holds = TRUE;
    give_many(world, 2, 4);
    RUN_UNTIL(world, world->asked->len == 4);
    answer_marks(world, 2, 2, TRUE);
    RUN_UNTIL(world, facts(world).asked == 3);
    run_for(world, 50);
    provider_cut(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNCERTAIN] + world->ends[ATTEMPT_RETURNED] == 4);
    assert_int_equal(world->last[2], ATTEMPT_UNCERTAIN);
    assert_int_equal(world->last[3], ATTEMPT_UNCERTAIN);
    assert_int_equal(world->last[4], ATTEMPT_RETURNED); /* nothing of these was written */
    assert_int_equal(world->last[5], ATTEMPT_RETURNED);
}

static void a_cut_before_anything_was_written_costs_one_mail_an_attempt(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->answers_marks = world->gives_again = FALSE;
    configure(world, 1, "right");
    prove(world);
    give_many(world, 2, 4);
    RUN_UNTIL(world, world->asked->len == 4);
    provider_cut(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_UNSENT] + world->ends[ATTEMPT_RETURNED] == 4);
    assert_int_equal(world->last[2], ATTEMPT_UNSENT);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 3);
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
    /* Of each five in hand one has left, and the envelope of the next. */
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 20 - 2 * 5);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 2 * 3);
    run_for(world, 50);
    assert_int_equal(facts(world).sessions, 2); /* both places are taken till the old are done */
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 20);
    assert_each_taken_once(world, 0, 20);
    assert_no_trouble(world);
    assert_in_range(facts(world).sessions, 3, 4);
    assert_int_equal(facts(world).at_once, 2);
    assert_int_equal(facts(world).least, 2); /* the old ones carried what they had, no more */
    guint n_old = 0;
    for (gint64 mail = 0; mail < 20; mail++)
        n_old += world->versions[mail] == 1 ? 1 : 0;
    assert_int_equal(n_old, 4);
}

/* Of eight in hand, marked, one has left to its end and the next one's envelope behind it. */
static void a_drain_returns_marked_mails_of_which_nothing_is_written(void **state)
{
    World *world = *state;
    world->gives_again = FALSE;
    for (gsize i = 0; i < 2; i++) {
        gint64 first = (gint64)i * 8;
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->holds = TRUE;
        memset(world->ends, 0, sizeof world->ends);
        guint asked = facts(world).asked;
        g_free(world->settings->host); /* another server, of which nothing is known */
        world->settings->host = g_strdup(i == 0 ? "localhost" : "127.0.0.1");
        configure(world, (gint64)i + 1, "right");
        give_many(world, first, 8);
        RUN_UNTIL(world, facts(world).asked == asked + 1);
        run_for(world, 50);
        pool_drain(world->pool);
        assert_int_equal(world->ends[ATTEMPT_RETURNED], 6);
        provider_release(world->provider);
        RUN_UNTIL(world, pool_sessions(world->pool) == 0);
        assert_each_taken_once(world, first, 2);
        assert_int_equal(world->ends[ATTEMPT_ACCEPTED], 2);
        assert_no_trouble(world);
    }
}

static void a_drain_lets_a_window_that_has_left_be_answered(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = manner->holds = TRUE;
    world->answers_marks = world->gives_again = FALSE;
    configure(world, 1, "right");
    prove(world);
    manner->holds = world->answers_marks = TRUE;
    give_many(world, 2, 24);
    RUN_UNTIL(world, facts(world).asked == 3);
    run_for(world, 50);
    pool_drain(world->pool);
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 4); /* a quarter of a window is marked ahead */
    assert_int_equal(world->ends[ATTEMPT_WITHDRAWN], 4);
    provider_release(world->provider);
    RUN_UNTIL(world, pool_sessions(world->pool) == 0);
    assert_each_taken_once(world, 0, 2 + 16);
    assert_int_equal(world->ends[ATTEMPT_ACCEPTED], 2 + 16);
    assert_no_trouble(world);
}

static void breaking_off_makes_uncertain_only_what_has_left(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = manner->holds = TRUE;
    world->gives_again = FALSE;
    configure(world, 1, "right");
    give_many(world, 0, 8);
    RUN_UNTIL(world, facts(world).asked == 1);
    run_for(world, 50);
    pool_drain(world->pool);
    assert_int_equal(pool_sessions(world->pool), 1);
    pool_break_off(world->pool);
    assert_int_equal(pool_sessions(world->pool), 0);
    assert_int_equal(world->last[0], ATTEMPT_UNCERTAIN);
    assert_true(world->last_was_local); /* the provider has not broken off */
    assert_int_equal(world->ends[ATTEMPT_RETURNED], 7);
}

static void mail_that_must_not_be_in_doubt_is_marked_when_its_turn_comes(void **state)
{
    World *world = *state;
    for (gsize i = 0; i < 2; i++) {
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->holds = world->at_most_once = TRUE;
        guint asked = facts(world).asked;
        world->n_marks = 0;
        configure(world, (gint64)i + 1, "right");
        give_many(world, (gint64)i * 4, 4);
        RUN_UNTIL(world, facts(world).asked == asked + 1);
        run_for(world, 50);
        assert_in_range(world->n_marks, 1, 2); /* the one that is out, and the next */
        provider_release(world->provider);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == (i + 1) * 4);
        assert_each_taken_once(world, (gint64)i * 4, 4);
        assert_int_equal(world->n_marks, 4);
    }
}

/* What stands behind a reply that does not come goes over other connections; the one behind it may
 * have its envelope out already. */
static void a_slow_reply_holds_up_no_other_mail(void **state)
{
    World *world = *state;
    world->settings->max_connections = 4;
    for (gsize i = 0; i < 2; i++) {
        gint64 first = (gint64)i * 8;
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->holds = TRUE;
        guint asked = facts(world).asked;
        world->n_marks = 0;
        g_free(world->settings->host); /* another server, of which nothing is known */
        world->settings->host = g_strdup(i == 0 ? "localhost" : "127.0.0.1");
        configure(world, (gint64)i + 1, "right");
        give_many(world, first, 8);
        RUN_UNTIL(world, facts(world).asked == asked + 1);
        manner->holds = FALSE;
        MonoMs since = clock_mono_ms();
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] >= first + 6);
        assert_in_range(clock_mono_ms() - since, 0, 3000);
        provider_release(world->provider);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == first + 8);
        assert_each_taken_once(world, first, 8);
        assert_int_equal(world->n_marks, 8); /* once each */
    }
    assert_no_trouble(world);
    assert_in_range(facts(world).at_once, 2, 4);
    assert_int_equal(world->ends[ATTEMPT_RETURNED] + world->ends[ATTEMPT_WITHDRAWN], 0);
}

/* What has left into a session that says nothing shares its fate: so nothing more is put there. */
static void a_mail_that_comes_later_does_not_join_a_silent_one(void **state)
{
    World *world = *state;
    ProviderManner *manner = provider_manner(world->provider);
    manner->chunking = TRUE;
    world->settings->max_connections = 2;
    configure(world, 1, "right");
    give_many(world, 0, 8); /* now the server is known to follow */
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 8);
    manner->holds = TRUE;
    guint asked = facts(world).asked;
    give(world, 8);
    RUN_UNTIL(world, facts(world).asked == asked + 1);
    manner->holds = FALSE;
    run_for(world, LIMIT_STALL_MS + 200);
    MonoMs since = clock_mono_ms();
    give(world, 9);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 9);
    assert_in_range(clock_mono_ms() - since, 0, 3000);
    assert_int_equal(world->accepted[9], 1);
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 10);
    assert_each_taken_once(world, 0, 10);
    assert_no_trouble(world);
}

static void a_slow_reply_opens_no_more_connections_than_the_setting(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->settings->max_connections = 2;
    world->settings->window = 4;
    configure(world, 1, "right");
    provider_manner(world->provider)->holds = TRUE;
    give_many(world, 0, 40);
    run_for(world, 3500);
    assert_int_equal(facts(world).at_once, 2);
    provider_release(world->provider);
    RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 40);
    assert_each_taken_once(world, 0, 40);
    assert_int_equal(facts(world).at_once, 2);
    assert_no_trouble(world);
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

/* What came too late for its end to leave is nobody's fault, and keeps no other from going. */
static void a_mail_that_expires_before_its_end_leaves_is_not_said(void **state)
{
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        gint64 first = (gint64)i * 8;
        ProviderManner *manner = provider_manner(world->provider);
        manner->chunking = ways[i].chunking;
        manner->no_pipelining = ways[i].no_pipelining;
        world->answers_marks = FALSE;
        world->late_mail = first;
        world->late_at = clock_wall_ms() + 200;
        memset(world->ends, 0, sizeof world->ends);
        configure(world, (gint64)i + 1, "right");
        give_many(world, first, 8);
        RUN_UNTIL(world, world->asked->len > 0);
        RUN_UNTIL(world, clock_wall_ms() > world->late_at);
        world->answers_marks = TRUE;
        answer_all_marks(world);
        RUN_UNTIL(world, world->ends[ATTEMPT_ACCEPTED] == 7);
        g_autofree char *late = address_of(first);
        assert_int_equal(provider_taken(world->provider, late), 0);
        assert_int_equal(world->last[first], ATTEMPT_RETURNED);
        assert_each_taken_once(world, first + 1, 7);
        assert_no_trouble(world);
    }
}

static void a_mark_that_failed_leaves_the_mail_for_later(void **state)
{
    World *world = *state;
    provider_manner(world->provider)->chunking = TRUE;
    world->answers_marks = FALSE;
    configure(world, 1, "right");
    give_many(world, 0, 4);
    RUN_UNTIL(world, world->asked->len == 4);
    const gint64 failed[] = {1, 2, 77};
    pool_mark_failed(world->pool, failed, G_N_ELEMENTS(failed));
    assert_int_equal(world->ends[ATTEMPT_NOT_STORED], 2);
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
        WITH_WORLD(other_limits_open_sessions_anew_under_the_same_number),
        WITH_WORLD(large_mails_arrive),
        WITH_WORLD(connections_share_and_never_exceed_the_setting),
        WITH_WORLD(a_line_with_room_is_preferred_over_another_connection),
        WITH_WORLD(an_announced_mailmax_is_kept),
        WITH_WORLD(a_mail_refused_on_the_spot_leaves_the_line_as_idle_as_before),
        WITH_WORLD(a_mail_refused_on_the_spot_does_not_block_a_full_line),
        WITH_WORLD(a_421_in_good_order_is_no_break),
        WITH_WORLD(a_421_to_a_mails_own_end_is_its_attempt),
        WITH_WORLD(a_refused_second_connection_lowers_their_number_and_loses_nothing),
        WITH_WORLD(a_421_to_its_first_mail_lowers_them_too),
        WITH_WORLD(a_421_alone_costs_one_mail_an_attempt),
        WITH_WORLD(a_421_after_nothing_was_settled_costs_one_mail_an_attempt),
        WITH_WORLD(a_server_that_swallows_costs_a_pause_and_never_a_mail),
        WITH_WORLD(a_refused_login_is_tried_once),
        WITH_WORLD(a_login_that_has_been_said_is_answered_before_a_drain_ends_it),
        WITH_WORLD(without_settings_a_login_that_has_been_said_is_still_answered),
        WITH_WORLD(what_was_opened_for_other_settings_or_says_nothing_yet_is_dropped_at_once),
        WITH_WORLD(a_login_put_off_is_no_refusal),
        WITH_WORLD(a_dead_server_costs_one_mail_an_attempt),
        WITH_WORLD(a_cut_makes_uncertain_what_has_left_and_nothing_else),
        WITH_WORLD(a_cut_before_anything_was_written_costs_one_mail_an_attempt),
        WITH_WORLD(new_settings_never_reuse_an_old_connection),
        WITH_WORLD(a_drain_returns_marked_mails_of_which_nothing_is_written),
        WITH_WORLD(a_drain_lets_a_window_that_has_left_be_answered),
        WITH_WORLD(breaking_off_makes_uncertain_only_what_has_left),
        WITH_WORLD(mail_that_must_not_be_in_doubt_is_marked_when_its_turn_comes),
        WITH_WORLD(a_slow_reply_holds_up_no_other_mail),
        WITH_WORLD(a_mail_that_comes_later_does_not_join_a_silent_one),
        WITH_WORLD(a_slow_reply_opens_no_more_connections_than_the_setting),
        WITH_WORLD(a_drain_hands_back_what_has_not_begun),
        WITH_WORLD(a_withdrawn_mail_is_not_said),
        WITH_WORLD(a_mail_that_expires_before_its_end_leaves_is_not_said),
        WITH_WORLD(a_mark_that_failed_leaves_the_mail_for_later),
        WITH_WORLD(without_settings_a_mail_is_handed_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
