/* What holds an account's mail by the clock: the quota, a refused login; and clocks that jump. */
#include "hand.h"

#define YEARS (3652 * CLOCK_DAY_MS)

static void the_quota_holds_all_but_tests_until_a_place_is_free(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW, .version = 1};
    g_autoptr(Quota) sent = quota_new();
    quota_add(sent, NOW, 1);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 1,
                    .connections = 4,
                    .window = 4,
                    .limits = {.per_minute = 2},
                    .sent = sent});
    item_bytes = SMALL;
    OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET),
        item(3, EMAIL_CLASS_BULK), item(4, EMAIL_CLASS_BULK)};
    items[2].is_test = items[3].is_test = TRUE;
    load(&hand, items, 4);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1); /* the only place is kept for it */
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 1);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 3);
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 4);
    end(&hand, 1, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE);
    assert_false(find(&hand, OUTBOX_EFFECT_RECORD)->asked);
    end(&hand, 3, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    assert_true(find(&hand, OUTBOX_EFFECT_RECORD)->asked);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0); /* which counts */
    outbox_free(hand.outbox);
}

static void it_wakes_when_a_place_becomes_free(void **unused)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW, .version = 1};
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 1,
                    .connections = 1,
                    .window = 1,
                    .limits = {.per_hour = 1}});
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    load(&hand, items, 2);
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 1);
    WallMs wake_at = find(&hand, OUTBOX_EFFECT_WAKE)->at;
    assert_in_range(wake_at - NOW, CLOCK_HOUR_MS, 61 * CLOCK_MINUTE_MS);
    hand.lead_ms = YEARS; /* the place is not free because the clock was set */
    hand.now = wake_at - 1;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    hand.now = wake_at;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
    outbox_free(hand.outbox);
}

/* The store counts by the wall clock what this process has counted itself. */
static void a_quota_set_while_the_clock_is_ahead_frees_its_places(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem one = item(1, EMAIL_CLASS_RESET), two = item(2, EMAIL_CLASS_RESET);
    load(&hand, &one, 1);
    end(&hand, 1, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
    recorded(&hand, 1);
    hand.now += CLOCK_MINUTE_MS;
    hand.lead_ms = 3 * CLOCK_DAY_MS;
    g_autoptr(Quota) sent = quota_new();
    quota_add(sent, hand.now + hand.lead_ms, 1);
    hand.version = 2;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = EMAIL_GATE_OPEN,
                    .config_version = 2,
                    .connections = 1,
                    .window = 1,
                    .limits = {.per_hour = 1},
                    .sent = sent});
    WallMs free_at = find(&hand, OUTBOX_EFFECT_WAKE)->at;
    assert_in_range(free_at - NOW, CLOCK_HOUR_MS, 61 * CLOCK_MINUTE_MS);
    load(&hand, &two, 1);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    hand.now = free_at;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(find(&hand, OUTBOX_EFFECT_SEND)->recipient_id, 2);
    outbox_free(hand.outbox);
}

static void a_jump_ends_no_life_but_an_expiry_is_believed_from_either_clock(void **unused)
{
    static const struct {
        const char *name;
        gint64 lead_ms;
        WallMs deadline_at, expires_at;
        gboolean is_sent;
    } rows[] = {
        {"ten years ahead, the lifetime", YEARS, NOW + CLOCK_DAY_MS, 0, TRUE},
        {"ten years ahead, its own expiry", YEARS, NOW + 1, NOW + 1, FALSE},
        {"ten years back, the lifetime", -YEARS, NOW, 0, TRUE},
        {"ten years back, its own expiry", -YEARS, NOW, NOW, FALSE},
        {"both agree", 0, NOW, 0, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Hand hand = open_hand(1);
        hand.lead_ms = rows[i].lead_ms;
        OutboxItem one = item(1, EMAIL_CLASS_RESET);
        one.mail.deadline_at = rows[i].deadline_at;
        one.mail.expires_at = rows[i].expires_at;
        load(&hand, &one, 1);
        if (count(&hand, OUTBOX_EFFECT_SEND) != (rows[i].is_sent ? 1 : 0))
            fail_msg("%s", rows[i].name);
        outbox_free(hand.outbox);
    }
}

static void a_jump_moves_no_wait_and_is_a_reason_to_look_anew(void **unused)
{
    static const gint64 leads[] = {YEARS, -YEARS};
    for (gsize i = 0; i < G_N_ELEMENTS(leads); i++) {
        Hand hand = open_hand(1);
        const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET)};
        load(&hand, items, 1);
        end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
        recorded(&hand, 1);
        hand.lead_ms = leads[i];
        hand.now += LIMIT_CREDENTIAL_RETRY_MS - 1;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 0);
        hand.now++;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
        outbox_free(hand.outbox);

        hand = open_hand(1);
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .next_at = NOW + CLOCK_HOUR_MS});
        hand.lead_ms = leads[i];
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        assert_int_equal(find(&hand, OUTBOX_EFFECT_LOAD)->after.class, 0);
        outbox_free(hand.outbox);
    }
}

/* --- A refused login ----------------------------------------------------------------------------
 */

static void refused_without_a_mail(Hand *hand)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOGIN_REFUSED, .config_version = hand->version});
}

static void a_refusal_that_no_mail_heard_counts(void **unused)
{
    Hand hand = open_hand(1);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
    refused_without_a_mail(&hand);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_CREDENTIAL_FAULT);
    load(&hand, items, 2);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    hand.now += LIMIT_CREDENTIAL_RETRY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
    refused_without_a_mail(&hand); /* the automatic try */
    hand.now += CLOCK_DAY_MS;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND) + count(&hand, OUTBOX_EFFECT_LOAD), 0);
    outbox_free(hand.outbox);
}

/* Other limits come under the same number, and lift no wait. */
static void other_limits_lift_neither_a_refusal_nor_a_break_nor_a_hold(void **unused)
{
    static const struct {
        AttemptEnd end;
        DiagnosisFate fate;
    } rows[] = {{ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD}, {ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE},
        {ATTEMPT_REFUSED, DIAGNOSIS_FATE_HOLD}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Hand hand = open_hand(1);
        const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET)};
        load(&hand, items, 1);
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                        .recipient_id = 1,
                        .end = rows[i].end,
                        .fate = rows[i].fate,
                        .blocks_account = TRUE,
                        .config_version = 1});
        recorded(&hand, 1);
        gate(&hand, EMAIL_GATE_OPEN, 1, 4);
        load(&hand, items + 1, 1);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
        hand.now = find(&hand, OUTBOX_EFFECT_WAKE)->at;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
        outbox_free(hand.outbox);
    }
}

/* A token server that is away is like a mail server that is away, but no mail has used up an
 * attempt or asked for anything. */
static void without_a_token_all_wait_longer_each_time_and_no_mail_pays_for_it(void **unused)
{
    Hand hand = open_hand(4);
    const OutboxItem items[] = {item(1, EMAIL_CLASS_RESET)};
    load(&hand, items, 1);
    end(&hand, 1, ATTEMPT_NO_TOKEN, DIAGNOSIS_FATE_NONE);
    assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_UNREACHABLE);
    for (guint trial = 1; trial <= 8; trial++) {
        const OutboxEffect *record = find(&hand, OUTBOX_EFFECT_RECORD);
        assert_int_equal(record->decision.state, EMAIL_QUEUED);
        assert_false(record->decision.counts);
        assert_false(record->asked);
        recorded(&hand, 1);
        load(&hand, NULL, 0); /* no tests wait: they alone could go */
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
        hand.now += retry_delay_ms(trial, 0) * 5 / 4;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
        load(&hand, items, 1);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
        end(&hand, 1, ATTEMPT_NO_TOKEN, DIAGNOSIS_FATE_NONE);
    }
    outbox_free(hand.outbox);
}

static void a_refusal_under_other_settings_says_nothing(void **unused)
{
    Hand hand = open_hand(1);
    hand.version = 7;
    refused_without_a_mail(&hand);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_HEALTH), 0);
    outbox_free(hand.outbox);
}

/* A mail that was under way for more than ten minutes is no proof that the login works again, nor
 * the second refusal. */
static void only_what_began_after_the_wait_is_the_automatic_try(void **unused)
{
    static const AttemptEnd ends[] = {ATTEMPT_ACCEPTED, ATTEMPT_LOGIN_REFUSED};
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        Hand hand = open_hand(2);
        const OutboxItem items[] = {
            item(1, EMAIL_CLASS_RESET), item(2, EMAIL_CLASS_RESET), item(3, EMAIL_CLASS_RESET)};
        load(&hand, items, 2);
        end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
        recorded(&hand, 1);
        hand.now += LIMIT_CREDENTIAL_RETRY_MS;
        end(&hand, 2, ends[i], DIAGNOSIS_FATE_NONE);
        recorded(&hand, 2);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_HEALTH), 0);
        load(&hand, items + 2, 1);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1); /* this one is */
        end(&hand, 3, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE);
        assert_int_equal(find(&hand, OUTBOX_EFFECT_HEALTH)->health, OUTBOX_HEALTH_OK);
        outbox_free(hand.outbox);
    }
}

/* What the store says of a refusal names a moment by a clock that may have been set since. */
static void after_a_restart_a_moment_that_cannot_be_leaves_no_try(void **unused)
{
    static const struct {
        const char *name;
        WallMs refused_at;
        gint64 left_ms; /* until the try; 0: none */
    } rows[] = {
        {"a minute ago", NOW - CLOCK_MINUTE_MS, LIMIT_CREDENTIAL_RETRY_MS - CLOCK_MINUTE_MS},
        {"an hour ago", NOW - CLOCK_HOUR_MS, 0},
        {"ten years ago", NOW - YEARS, 0},
        {"in ten years", NOW + YEARS, 0},
        {"unknown", 0, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Hand hand = {.outbox = outbox_new(), .now = NOW};
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                        .gate = EMAIL_GATE_OPEN,
                        .config_version = 1,
                        .connections = 1,
                        .is_refused = TRUE,
                        .refused_at = rows[i].refused_at});
        guint wakes = count(&hand, OUTBOX_EFFECT_WAKE);
        if (wakes != (rows[i].left_ms > 0 ? 1 : 0))
            fail_msg("%s", rows[i].name);
        if (wakes > 0)
            assert_true(find(&hand, OUTBOX_EFFECT_WAKE)->at == NOW + rows[i].left_ms);
        outbox_free(hand.outbox);
    }
}

static void told_again(Hand *hand)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                   .gate = EMAIL_GATE_OPEN,
                   .config_version = 1,
                   .connections = 1,
                   .window = 1,
                   .is_refused = TRUE,
                   .refused_at = NOW - CLOCK_MINUTE_MS});
}

/* A draft that is saved meanwhile is no answer to the try. */
static void after_a_restart_the_try_is_made_once_whatever_comes_of_it(void **unused)
{
    static const AttemptEnd ends[] = {ATTEMPT_LOGIN_REFUSED, ATTEMPT_UNSENT};
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        Hand hand = {.outbox = outbox_new(), .now = NOW, .version = 1};
        item_bytes = SMALL;
        told_again(&hand);
        hand.now = find(&hand, OUTBOX_EFFECT_WAKE)->at;
        const OutboxItem one = item(1, EMAIL_CLASS_RESET);
        told_again(&hand);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
        load(&hand, &one, 1);
        assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 1);
        told_again(&hand);
        load(&hand, NULL, 0);
        end(&hand, 1, ends[i], DIAGNOSIS_FATE_HOLD);
        recorded(&hand, 1);
        told_again(&hand);
        for (guint minutes = 0; minutes < 30; minutes++) {
            hand.now += CLOCK_MINUTE_MS;
            step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
            assert_int_equal(
                count(&hand, OUTBOX_EFFECT_SEND) + count(&hand, OUTBOX_EFFECT_LOAD), 0);
        }
        outbox_free(hand.outbox);
    }
}

/* Page, status and a restart have said by then that no try is left. */
static void a_try_whose_moment_has_gone_by_is_not_made_later(void **unused)
{
    static const struct {
        const char *name;
        EmailGate meanwhile;
        gint64 late_ms;
        guint tries;
    } rows[] = {
        {"paused before its moment", EMAIL_GATE_PAUSED, 0, 1},
        {"paused, and on again soon after", EMAIL_GATE_PAUSED, CLOCK_SECOND_MS, 1},
        {"paused until much later", EMAIL_GATE_PAUSED, CLOCK_HOUR_MS, 0},
        {"nothing to send", EMAIL_GATE_OPEN, CLOCK_SECOND_MS, 1},
        {"nothing to send until much later", EMAIL_GATE_OPEN, CLOCK_HOUR_MS, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Hand hand = open_hand(1);
        const OutboxItem one[] = {item(1, EMAIL_CLASS_RESET)};
        load(&hand, one, 1);
        end(&hand, 1, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD);
        recorded(&hand, 1);
        gate(&hand, rows[i].meanwhile, 1, 1);
        hand.now += LIMIT_CREDENTIAL_RETRY_MS;
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
        load(&hand, NULL, 0);
        hand.now += rows[i].late_ms;
        gate(&hand, EMAIL_GATE_OPEN, 1, 1);
        step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
        load(&hand, one, 1);
        if (count(&hand, OUTBOX_EFFECT_SEND) != rows[i].tries)
            fail_msg("%s", rows[i].name);
        outbox_free(hand.outbox);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quota_holds_all_but_tests_until_a_place_is_free),
        cmocka_unit_test(it_wakes_when_a_place_becomes_free),
        cmocka_unit_test(a_quota_set_while_the_clock_is_ahead_frees_its_places),
        cmocka_unit_test(a_jump_ends_no_life_but_an_expiry_is_believed_from_either_clock),
        cmocka_unit_test(a_jump_moves_no_wait_and_is_a_reason_to_look_anew),
        cmocka_unit_test(a_refusal_that_no_mail_heard_counts),
        cmocka_unit_test(other_limits_lift_neither_a_refusal_nor_a_break_nor_a_hold),
        cmocka_unit_test(without_a_token_all_wait_longer_each_time_and_no_mail_pays_for_it),
        cmocka_unit_test(a_refusal_under_other_settings_says_nothing),
        cmocka_unit_test(only_what_began_after_the_wait_is_the_automatic_try),
        cmocka_unit_test(after_a_restart_a_moment_that_cannot_be_leaves_no_try),
        cmocka_unit_test(after_a_restart_the_try_is_made_once_whatever_comes_of_it),
        cmocka_unit_test(a_try_whose_moment_has_gone_by_is_not_made_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
