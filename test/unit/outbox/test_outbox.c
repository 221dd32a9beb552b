#include "hand.h"

static void a_closed_gate_asks_for_nothing(void **unused)
{
    g_autoptr(Outbox) outbox = outbox_new();
    Hand hand = {.outbox = outbox, .now = NOW};
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(hand.n, 0);
    gate(&hand, EMAIL_GATE_NOT_CONFIGURED, 1, 4);
    assert_int_equal(hand.n, 0);
}

static void urgent_mail_goes_first_and_there_is_a_limit(void **unused)
{
    Hand hand = open_hand(2);
    const OutboxItem items[] = {
        item(1, EMAIL_CLASS_BULK), item(2, EMAIL_CLASS_TRANSACTIONAL), item(3, EMAIL_CLASS_RESET)};
    load(&hand, items, 3);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 2);
    assert_int_equal(hand.effects[0].recipient_id, 3);
    assert_int_equal(hand.effects[1].recipient_id, 2);
    assert_int_equal(outbox_sending(hand.outbox, 1), 2);
    end(&hand, 3, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_RECORD)->decision.state, EMAIL_ACCEPTED);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 1);
    outbox_free(hand.outbox);
}

static void a_known_recipient_is_never_taken_twice(void **unused)
{
    Hand hand = open_hand(4);
    const OutboxItem one[] = {item(1, EMAIL_CLASS_TRANSACTIONAL)};
    load(&hand, one, 1);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL}); /* its mark may not be committed yet */
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    load(&hand, one, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    end(&hand, 1, ATTEMPT_REFUSED, DIAGNOSIS_FATE_RETRY);
    recorded(&hand, 1);
    load(&hand, one, 1); /* read before the record was committed */
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    assert_int_equal(outbox_known(hand.outbox, 1), 0);
    outbox_free(hand.outbox);
}

static void a_refused_login_holds_everything_and_tries_once_more(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    const OutboxEffect *record = find(&hand, OUTBOX_EFFECT_RECORD);
    assert_int_equal(record->decision.state, EMAIL_QUEUED);
    assert_false(record->decision.counts);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_CREDENTIAL_FAULT);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    assert_true(find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + LIMIT_CREDENTIAL_RETRY_MS);
    recorded(&hand, 1);
    gate(&hand, EMAIL_GATE_OPEN, 1, 1); /* the store has not heard of it yet: still shut */
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);

    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    load(&hand, items, 2);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1); /* one, however many connections */
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    recorded(&hand, 1);
    assert_int_equal(hand.n, 0); /* and never again by itself */
    hand.now += CLOCK_DAY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(hand.n, 0);

    gate(&hand, EMAIL_GATE_OPEN, 2, 1); /* a new verification */
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    outbox_free(hand.outbox);
}

static void a_login_that_works_again_opens_the_gate(void **unused)
{
    Hand hand = open_hand(2);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 1);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    recorded(&hand, 1);
    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    load(&hand, items, 2);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_OK);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
    outbox_free(hand.outbox);
}

static void a_break_costs_one_delay_however_many_connections(void **unused)
{
    Hand hand = open_hand(3);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET),
        item(3, EMAIL_CLASS_RESET), item(4, EMAIL_CLASS_RESET)};
    load(&hand, items, 4);
    for (gint64 id = 1; id <= 3; id++)
        end(&hand, id, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0); /* the fourth waits, untouched */
    assert_true(find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + CLOCK_MINUTE_MS);
    hand.now += CLOCK_MINUTE_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1); /* one looks whether it is over */
    end(&hand, 4, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_OK);
    outbox_free(hand.outbox);
}

static void only_tests_go_out_while_paused(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW};
    gate(&hand, EMAIL_GATE_PAUSED, 1, 4);
    assert_true(find(&hand, OUTBOX_EFFECT_LOAD)->only_tests);
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_TRANSACTIONAL)};
    items[1].is_test = TRUE;
    load(&hand, items, 2);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
    outbox_free(hand.outbox);
}

static void what_is_too_late_is_not_sent(void **unused)
{
    Hand hand = open_hand(4);
    OutboxItem late = item(1, EMAIL_CLASS_RESET);
    late.mail.deadline_at = NOW;
    load(&hand, &late, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_RECORD)->decision.state, EMAIL_EXPIRED);
    assert_true(find(&hand, OUTBOX_EFFECT_RECORD)->is_too_late);
    outbox_free(hand.outbox);
}

/* A LOAD that read before a deferral was committed knows nothing of it. */
static void a_deferral_beside_a_load_is_not_forgotten(void **unused)
{
    Hand hand = open_hand(2);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET)};
    load(&hand, items, 1);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL}); /* a LOAD starts */
    end(&hand, 1, ATTEMPT_REFUSED, DIAGNOSIS_FATE_RETRY);
    recorded(&hand, 1);
    load(&hand, NULL, 0);
    assert_true(find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + CLOCK_MINUTE_MS);
    hand.now += CLOCK_MINUTE_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    outbox_free(hand.outbox);
}

/* The bell that a look for tests alone has answered counts for the others still. */
static void a_look_for_tests_alone_forgets_no_backlog(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW, .version = 1};
    item_bytes = SMALL;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 1,
                    .connections = 4,
                    .window = 1,
                    .limits = {.per_hour = 1}});
    const OutboxItem one = item(1, EMAIL_CLASS_TRANSACTIONAL);
    step(&hand,
        (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .items = &one, .n_items = 1, .has_more = TRUE});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1); /* which uses up the quota */
    assert_true(find(&hand, OUTBOX_EFFECT_LOAD)->only_tests);
    hand.now += 200;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                    .recipient_id = 1,
                    .end = ATTEMPT_REFUSED,
                    .fate = DIAGNOSIS_FATE_HOLD,
                    .is_local = TRUE}); /* or not */
    load(&hand, NULL, 0);
    assert_false(find(&hand, OUTBOX_EFFECT_LOAD)->only_tests);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->after.class, 0);
    outbox_free(hand.outbox);
}

/* A person's retry and the rejection are one commit: the bell comes before RECORDED. */
static void a_retry_beside_the_rejection_is_not_forgotten(void **unused)
{
    for (guint is_recorded_first = 0; is_recorded_first < 2; is_recorded_first++) {
        Hand hand = open_hand(2);
        OutboxItem one = item(1, EMAIL_CLASS_RESET);
        load(&hand, &one, 1);
        end(&hand, 1, ATTEMPT_REFUSED, DIAGNOSIS_FATE_BOUNCE);
        hand.now += 200;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
        one.next_at = hand.now;
        if (is_recorded_first)
            recorded(&hand, 1);
        load(&hand, &one, 1);
        if (!is_recorded_first)
            recorded(&hand, 1);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1); /* it is known no more */
        load(&hand, &one, 1);
        assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 1);
        outbox_free(hand.outbox);
    }
}

static void what_was_handed_back_is_looked_for_again(void **unused)
{
    Hand hand = open_hand(2);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET)};
    load(&hand, items, 1);
    end(&hand, 1, ATTEMPT_WITHDRAWN, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_RECORD), 0);
    assert_int_equal(outbox_known(hand.outbox, 1), 0);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    load(&hand, items, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    outbox_free(hand.outbox);
}

static void an_old_session_says_nothing_about_the_login(void **unused)
{
    Hand hand = open_hand(2);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    end(&hand, 2, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_HEALTH), 0);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
    outbox_free(hand.outbox);
}

/* The try after a refused login meets a dead network. Page and status say now that none is left,
 * and nobody knows of another moment after a restart: so there is none. */
static void the_automatic_try_that_meets_an_outage_was_the_last(void **unused)
{
    Hand hand = open_hand(1);
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    recorded(&hand, 1);
    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    load(&hand, items, 2);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    end(&hand, 1, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 1);
    for (guint i = 0; i < 20; i++) {
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
        hand.now += LIMIT_CREDENTIAL_TRY_MS / 2;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    }
    outbox_free(hand.outbox);
}

/* A break of what was under way before costs it nothing. */
static void a_break_of_an_older_session_leaves_the_automatic_try(void **unused)
{
    Hand hand = open_hand(2);
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    end(&hand, 2, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 1);
    recorded(&hand, 2);
    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    load(&hand, items, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    outbox_free(hand.outbox);
}

static void a_pause_survives_a_refused_login(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW};
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_PAUSED,
                    .config_version = 1,
                    .connections = 4});
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    items[0].is_test = TRUE;
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
    recorded(&hand, 1);
    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    outbox_free(hand.outbox);
}

static void what_broke_under_old_settings_says_nothing_about_the_new(void **unused)
{
    static const AttemptEnd ends[] = {
        ATTEMPT_UNSENT, ATTEMPT_UNCERTAIN, ATTEMPT_LOGIN_REFUSED, ATTEMPT_ACCEPTED};
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        Hand hand = open_hand(1);
        const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
        load(&hand, items, 2);
        gate(&hand, EMAIL_GATE_OPEN, 2, 1);
        hand.version = 1;
        end(&hand, 1, ends[i], DIAGNOSIS_FATE_NONE);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_HEALTH), 0);
        assert_int_equal(find(&hand, OUTBOX_EFFECT_RECORD)->recipient_id, 1);
        assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
        outbox_free(hand.outbox);
    }
}

static void a_held_account_is_asked_by_one_mail(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem items[] = {
        item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET), item(3, EMAIL_CLASS_RESET)};
    load(&hand, items, 3);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                    .recipient_id = 1,
                    .end = ATTEMPT_REFUSED,
                    .fate = DIAGNOSIS_FATE_HOLD,
                    .wait_s = 86400,
                    .config_version = hand.version,
                    .blocks_account = TRUE});
    recorded(&hand, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    hand.now += CLOCK_DAY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    outbox_free(hand.outbox);
}

static void a_person_may_test_during_an_outage(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem first = item(1, EMAIL_CLASS_RESET);
    load(&hand, &first, 1);
    end(&hand, 1, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 1);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_true(find(&hand, OUTBOX_EFFECT_LOAD)->only_tests);
    OutboxItem test = item(2, EMAIL_CLASS_TRANSACTIONAL);
    test.is_test = TRUE;
    load(&hand, &test, 1);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
    end(&hand, 2, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 2);
    hand.now +=
        2 * CLOCK_MINUTE_MS; /* the outage's delay is over: ordinary mail is looked for again */
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_false(find(&hand, OUTBOX_EFFECT_LOAD)->only_tests);
    outbox_free(hand.outbox);
}

static void after_a_restart_the_one_automatic_try_is_still_ahead(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW};
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 1,
                    .connections = 4,
                    .is_refused = TRUE,
                    .refused_at = NOW - CLOCK_MINUTE_MS});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
    assert_true(
        find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + LIMIT_CREDENTIAL_RETRY_MS - CLOCK_MINUTE_MS);
    outbox_free(hand.outbox);
}

static void a_pause_forgets_what_has_not_left(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    gate(&hand, EMAIL_GATE_PAUSED, 1, 1);
    assert_int_equal(outbox_known(hand.outbox, 1), 1); /* the one on its way */
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    outbox_free(hand.outbox);
}

/* --- How many are out, and how the store is read ------------------------------------------------
 */

static Hand wide_hand(guint connections, guint window)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW, .version = 1};
    item_bytes = SMALL;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 1,
                    .connections = connections,
                    .window = window});
    return hand;
}

/* A page of n mails of one class, from `first` on, due one after another. */
static void load_page(Hand *hand, EmailClass class, gint64 first, guint n, gboolean has_more)
{
    g_autofree OutboxItem *items = g_new0(OutboxItem, n);
    for (guint i = 0; i < n; i++) {
        items[i] = item(first + i, class);
        items[i].next_at = NOW - CLOCK_DAY_MS + first + i;
    }
    step(
        hand, (OutboxEvent){
                  .kind = OUTBOX_EVENT_LOADED, .items = items, .n_items = n, .has_more = has_more});
}

static void as_many_are_out_as_fit_the_windows_and_again(void **unused)
{
    static const struct {
        const char *name;
        guint connections, window, out;
    } rows[] = {
        {"the defaults", 4, 16, 128},
        {"one after another: two for each are read ahead", 4, 1, 12},
        {"one connection", 1, 64, 128},
        {"no more than half of the working set", 20, LIMIT_WINDOW, LIMIT_WORKING_SET / 2},
        {"a setting beyond its limit", 1000, 1000, LIMIT_WORKING_SET / 2},
        {"no setting", 0, 0, 3},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Hand hand = wide_hand(rows[i].connections, rows[i].window);
        guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
        guint seen = 0;
        for (guint page = 0; page < 4; page++) {
            load_page(&hand, EMAIL_CLASS_BULK, 1 + page * limit, limit, TRUE);
            seen += count(&hand, OUTBOX_EFFECT_SEND);
        }
        if (seen != rows[i].out || outbox_sending(hand.outbox, 1) != rows[i].out)
            fail_msg("%s: %u", rows[i].name, seen);
        end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
        outbox_free(hand.outbox);
    }
}

static void after_a_break_one_looks_first_however_wide_the_window(void **unused)
{
    Hand hand = wide_hand(1, 2);
    load_page(&hand, EMAIL_CLASS_BULK, 1, 20, FALSE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 4);
    for (gint64 id = 1; id <= 4; id++)
        end(&hand, id, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    hand.now += CLOCK_MINUTE_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    end(&hand, 5, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 4);
    outbox_free(hand.outbox);
}

static void the_bytes_that_are_out_have_a_limit(void **unused)
{
    Hand hand = wide_hand(4, 16);
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET),
        item(3, EMAIL_CLASS_BULK), item(4, EMAIL_CLASS_BULK)};
    items[0].size_bytes = LIMIT_FLIGHT_BYTES - SMALL;
    items[2].size_bytes = LIMIT_FLIGHT_BYTES + 1; /* more than the limit, but alone */
    load(&hand, items, 4);
    assert_int_equal(outbox_sending(hand.outbox, 1), 2); /* the small fourth does not overtake */
    end(&hand, 2, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    end(&hand, 1, ATTEMPT_REFUSED, DIAGNOSIS_FATE_BOUNCE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 3);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    end(&hand, 3, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 4);
    outbox_free(hand.outbox);
}

/* Accepts what is out until a LOAD is asked for; how many were ready then. */
static guint drain_until_load(Hand *hand, gint64 *next, gint64 last)
{
    while (count(hand, OUTBOX_EFFECT_LOAD) == 0) {
        assert_true(*next <= last);
        end(hand, *next, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
        if (count(hand, OUTBOX_EFFECT_LOAD) == 0)
            recorded(hand, *next);
        (*next)++;
    }
    return outbox_known(hand->outbox, 1) - outbox_sending(hand->outbox, 1);
}

static void a_long_queue_is_read_on_from_where_the_last_page_ended(void **unused)
{
    Hand hand = wide_hand(4, 16);
    const OutboxEffect *first = find(&hand, OUTBOX_EFFECT_LOAD);
    assert_int_equal(first->after.class, 0);
    guint limit = first->limit;
    load_page(&hand, EMAIL_CLASS_BULK, 1, limit, TRUE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0); /* there is enough */
    gint64 next = 1;
    guint ready = drain_until_load(&hand, &next, limit);
    const OutboxEffect *more = find(&hand, OUTBOX_EFFECT_LOAD);
    assert_in_range(ready, 128, limit); /* in time: what is out could be replaced once more */
    assert_int_equal(more->after.class, EMAIL_CLASS_BULK);
    assert_true(more->after.recipient_id == limit);
    assert_true(more->after.next_at == NOW - CLOCK_DAY_MS + limit);
    load_page(&hand, EMAIL_CLASS_BULK, limit + 1, 5, FALSE);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
    while (next <= limit + 5) {
        end(&hand, next, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
        recorded(&hand, next++);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0); /* that was all */
    }
    outbox_free(hand.outbox);
}

static void more_urgent_mail_is_seen_soon_and_goes_first(void **unused)
{
    Hand hand = wide_hand(4, 16);
    guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
    load_page(&hand, EMAIL_CLASS_BULK, 1, limit, TRUE);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0); /* there is enough to do for now */
    WallMs soon = find(&hand, OUTBOX_EFFECT_WAKE)->at;
    assert_in_range(soon - NOW, 1, 100);
    hand.now = soon;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    const OutboxEffect *anew = find(&hand, OUTBOX_EFFECT_LOAD);
    assert_int_equal(anew->after.class, 0);
    assert_true(anew->limit > outbox_known(hand.outbox, 1)); /* past what it shows again */
    const OutboxItem urgent = item(100000, EMAIL_CLASS_RESET);
    step(&hand, (OutboxEvent){
                    .kind = OUTBOX_EVENT_LOADED, .items = &urgent, .n_items = 1, .has_more = TRUE});
    /* Other urgent mail may stand behind it: read on until the ready ones are passed. */
    assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->after.class, EMAIL_CLASS_RESET);
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 100000);
    outbox_free(hand.outbox);
}

static void a_bell_is_answered_at_once_when_there_is_nothing_to_do(void **unused)
{
    Hand hand = wide_hand(4, 16);
    load_page(&hand, EMAIL_CLASS_BULK, 1, 3, FALSE);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    outbox_free(hand.outbox);
}

static void a_clock_put_back_does_not_delay_the_look_anew(void **unused)
{
    Hand hand = wide_hand(4, 16);
    guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
    load_page(&hand, EMAIL_CLASS_BULK, 1, limit, TRUE);
    hand.lead_ms = -CLOCK_HOUR_MS;
    hand.now += 100; /* which passes all the same */
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->after.class, 0);
    outbox_free(hand.outbox);
}

/* What was seen to wait in one class must not be forgotten while another is read on. */
static void a_page_read_on_forgets_no_time(void **unused)
{
    Hand hand = wide_hand(4, 16);
    guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
    g_autofree OutboxItem *items = g_new0(OutboxItem, limit);
    for (guint i = 0; i < limit; i++)
        items[i] = item(1 + i, EMAIL_CLASS_BULK);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
                    .items = items,
                    .n_items = limit,
                    .has_more = TRUE,
                    .next_at = NOW + 5000});
    gint64 next = 1;
    drain_until_load(&hand, &next, limit);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .next_at = NOW + 9000});
    assert_true(find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + 5000);
    hand.now += 5000;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->after.class, 0);
    outbox_free(hand.outbox);
}

/* Bells during a long queue: the working set stays bounded and keeps what goes first. */
static void looking_anew_does_not_fill_the_working_set_with_what_goes_last(void **unused)
{
    Hand hand = wide_hand(4, 16);
    guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
    for (gint64 page = 20; page > 0; page--) { /* each page goes before all the others */
        load_page(&hand, EMAIL_CLASS_BULK, page * 1000, limit, TRUE);
        while (count(&hand, OUTBOX_EFFECT_LOAD) > 0) /* reads on: nothing between */
            step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED});
        hand.now += CLOCK_SECOND_MS;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
        assert_in_range(outbox_known(hand.outbox, 1), limit, 128 + 2 * limit);
    }
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .has_more = TRUE});
    end(&hand, 20000, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 1000);
    outbox_free(hand.outbox);
}

/* The clock was put back, and the store has made due at once what was due by the old one: it stands
 * in front now, and is not forgotten behind all that the outbox reads on from. */
static void what_is_ready_stands_where_the_store_has_it_now(void **unused)
{
    Hand hand = wide_hand(4, 16);
    guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
    g_autofree OutboxItem *items = g_new0(OutboxItem, 3 * limit);
    for (guint i = 0; i < 3 * limit; i++) {
        items[i] = item(1 + i, EMAIL_CLASS_BULK);
        items[i].next_at = NOW + CLOCK_DAY_MS;
    }
    load(&hand, items, limit);
    guint out = count(&hand, OUTBOX_EFFECT_SEND);
    assert_in_range(out, 1, limit - 1);
    for (guint i = 0; i < 3 * limit; i++)
        items[i].next_at = NOW + i;
    hand.now += CLOCK_SECOND_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    load(&hand, items + out, 3 * limit - out); /* more than stays ready */
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, out + 1);
    outbox_free(hand.outbox);
}

/* A disk that cannot follow: everything accepted waits to be recorded. */
static void a_full_working_set_takes_the_rest_later(void **unused)
{
    Hand hand = wide_hand(20, LIMIT_WINDOW);
    gint64 first = 1, next = 1;
    while (count(&hand, OUTBOX_EFFECT_LOAD) > 0) {
        guint limit = find(&hand, OUTBOX_EFFECT_LOAD)->limit;
        load_page(&hand, EMAIL_CLASS_BULK, first, limit, TRUE);
        first += limit;
        while (count(&hand, OUTBOX_EFFECT_LOAD) == 0 && outbox_sending(hand.outbox, 1) > 0)
            end(&hand, next++, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    }
    assert_int_equal(outbox_known(hand.outbox, 1), LIMIT_WORKING_SET);
    hand.now += CLOCK_SECOND_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
    recorded(&hand, 1); /* room for one */
    assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->limit, LIMIT_WORKING_SET);
    load_page(&hand, EMAIL_CLASS_RESET, 100000, 3, FALSE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 100000);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    recorded(&hand, 2); /* and for one more: the two left over are asked for again */
    assert_true(find(&hand, OUTBOX_EFFECT_LOAD)->after.recipient_id == 100000);
    outbox_free(hand.outbox);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_gate_asks_for_nothing),
        cmocka_unit_test(urgent_mail_goes_first_and_there_is_a_limit),
        cmocka_unit_test(a_known_recipient_is_never_taken_twice),
        cmocka_unit_test(a_refused_login_holds_everything_and_tries_once_more),
        cmocka_unit_test(a_login_that_works_again_opens_the_gate),
        cmocka_unit_test(a_break_costs_one_delay_however_many_connections),
        cmocka_unit_test(only_tests_go_out_while_paused),
        cmocka_unit_test(what_is_too_late_is_not_sent),
        cmocka_unit_test(a_deferral_beside_a_load_is_not_forgotten),
        cmocka_unit_test(a_look_for_tests_alone_forgets_no_backlog),
        cmocka_unit_test(a_retry_beside_the_rejection_is_not_forgotten),
        cmocka_unit_test(what_was_handed_back_is_looked_for_again),
        cmocka_unit_test(an_old_session_says_nothing_about_the_login),
        cmocka_unit_test(the_automatic_try_that_meets_an_outage_was_the_last),
        cmocka_unit_test(a_break_of_an_older_session_leaves_the_automatic_try),
        cmocka_unit_test(a_pause_survives_a_refused_login),
        cmocka_unit_test(what_broke_under_old_settings_says_nothing_about_the_new),
        cmocka_unit_test(a_held_account_is_asked_by_one_mail),
        cmocka_unit_test(a_person_may_test_during_an_outage),
        cmocka_unit_test(after_a_restart_the_one_automatic_try_is_still_ahead),
        cmocka_unit_test(a_pause_forgets_what_has_not_left),
        cmocka_unit_test(as_many_are_out_as_fit_the_windows_and_again),
        cmocka_unit_test(after_a_break_one_looks_first_however_wide_the_window),
        cmocka_unit_test(the_bytes_that_are_out_have_a_limit),
        cmocka_unit_test(a_long_queue_is_read_on_from_where_the_last_page_ended),
        cmocka_unit_test(more_urgent_mail_is_seen_soon_and_goes_first),
        cmocka_unit_test(a_bell_is_answered_at_once_when_there_is_nothing_to_do),
        cmocka_unit_test(a_clock_put_back_does_not_delay_the_look_anew),
        cmocka_unit_test(a_page_read_on_forgets_no_time),
        cmocka_unit_test(looking_anew_does_not_fill_the_working_set_with_what_goes_last),
        cmocka_unit_test(what_is_ready_stands_where_the_store_has_it_now),
        cmocka_unit_test(a_full_working_set_takes_the_rest_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
