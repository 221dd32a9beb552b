#include "base/limits.h"
#include "outbox/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (G_GINT64_CONSTANT(1800000000000))

/* A hand that drives the machine and keeps the effects of the last step. */
typedef struct {
    Outbox *outbox;
    const OutboxEffect *effects;
    guint n;
    WallMs now;
} Hand;

static void step(Hand *hand, OutboxEvent event)
{
    event.org_id = 1;
    event.now = hand->now;
    hand->effects = outbox_step(hand->outbox, &event, &hand->n);
}

static guint count(const Hand *hand, OutboxEffectKind kind)
{
    guint found = 0;
    for (guint i = 0; i < hand->n; i++)
        found += hand->effects[i].kind == kind;
    return found;
}

static const OutboxEffect *find(const Hand *hand, OutboxEffectKind kind)
{
    for (guint i = 0; i < hand->n; i++) {
        if (hand->effects[i].kind == kind)
            return &hand->effects[i];
    }
    fail_msg("no effect of kind %d", (int)kind);
    return NULL;
}

static void gate(Hand *hand, EmailGate gate, gint64 version, guint connections)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                   .gate = gate,
                   .config_version = version,
                   .connections = connections});
}

static OutboxItem item(gint64 id, EmailClass class)
{
    return (OutboxItem){.recipient_id = id,
        .class = class,
        .next_at = NOW,
        .mail = {.deadline_at = NOW + 5 * CLOCK_DAY_MS}};
}

static void load(Hand *hand, const OutboxItem *items, guint n)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .items = items, .n_items = n});
}

static void end(Hand *hand, gint64 id, AttemptEnd end, DiagnosisFate fate)
{
    step(hand,
        (OutboxEvent){.kind = OUTBOX_EVENT_ENDED, .recipient_id = id, .end = end, .fate = fate});
}

static void recorded(Hand *hand, gint64 id)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED, .recipient_id = id});
}

static Hand open_hand(guint connections)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW};
    gate(&hand, EMAIL_GATE_OPEN, 1, connections);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    return hand;
}

static void a_closed_gate_asks_for_nothing(void **unused)
{
    g_autoptr(Outbox) outbox = outbox_new();
    Hand hand = {.outbox = outbox, .now = NOW};
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
    assert_int_equal(hand.n, 0);
    gate(&hand, EMAIL_GATE_NOT_CONFIGURED, 1, 4);
    assert_int_equal(hand.n, 0);
}

static void urgent_mail_goes_first_and_connections_are_the_limit(void **unused)
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

/* The try after a refused login meets a dead network: one mail, then the delay, then the try again.
 */
static void the_automatic_try_respects_an_outage_and_is_not_lost(void **unused)
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
    assert_int_equal(count(&hand, OUTBOX_EFFECT_SEND), 0);
    hand.now = find(&hand, OUTBOX_EFFECT_WAKE)->at;
    step(&hand, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_gate_asks_for_nothing),
        cmocka_unit_test(urgent_mail_goes_first_and_connections_are_the_limit),
        cmocka_unit_test(a_known_recipient_is_never_taken_twice),
        cmocka_unit_test(a_refused_login_holds_everything_and_tries_once_more),
        cmocka_unit_test(a_login_that_works_again_opens_the_gate),
        cmocka_unit_test(a_break_costs_one_delay_however_many_connections),
        cmocka_unit_test(only_tests_go_out_while_paused),
        cmocka_unit_test(what_is_too_late_is_not_sent),
        cmocka_unit_test(a_deferral_beside_a_load_is_not_forgotten),
        cmocka_unit_test(what_was_handed_back_is_looked_for_again),
        cmocka_unit_test(an_old_session_says_nothing_about_the_login),
        cmocka_unit_test(the_automatic_try_respects_an_outage_and_is_not_lost),
        cmocka_unit_test(a_pause_survives_a_refused_login),
        cmocka_unit_test(a_held_account_is_asked_by_one_mail),
        cmocka_unit_test(a_person_may_test_during_an_outage),
        cmocka_unit_test(after_a_restart_the_one_automatic_try_is_still_ahead),
        cmocka_unit_test(a_pause_forgets_what_has_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
