#include "outbox/email.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_survive_a_round_trip(void **unused)
{
    for (EmailState each = EMAIL_SCHEDULED; each <= EMAIL_HELD; each++) {
        EmailState again;
        assert_true(email_state_parse(email_state_name(each), &again));
        assert_int_equal(again, each);
    }
    for (EmailClass each = EMAIL_CLASS_RESET; each <= EMAIL_CLASS_BULK; each++) {
        EmailClass again;
        assert_true(email_class_parse(email_class_name(each), &again));
        assert_int_equal(again, each);
    }
    EmailState state;
    assert_false(email_state_parse("none", &state));
    assert_false(email_state_parse("delivered", &state));
    assert_false(email_state_parse(NULL, &state));
}

static void ends_are_ends(void **unused)
{
    static const EmailState ends[] = {EMAIL_ACCEPTED, EMAIL_HANDED_OVER};
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        assert_false(email_state_is_waiting(ends[i]));
        for (EmailState to = EMAIL_SCHEDULED; to <= EMAIL_HELD; to++)
            assert_false(states_allow(&email_states, ends[i], to));
    }
}

static void a_person_may_send_what_was_not_delivered_again(void **unused)
{
    static const EmailState ends[] = {EMAIL_REJECTED, EMAIL_EXPIRED};
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        assert_false(email_state_is_waiting(ends[i]));
        for (EmailState to = EMAIL_SCHEDULED; to <= EMAIL_HELD; to++)
            assert_int_equal(states_allow(&email_states, ends[i], to), to == EMAIL_QUEUED);
    }
    assert_true(states_allow(&email_states, EMAIL_UNCERTAIN, EMAIL_QUEUED));
    assert_false(states_allow(&email_states, EMAIL_CANCELLED, EMAIL_QUEUED)); /* it was meant so */
}

/* The reply may come before the mark is durable, or where it could not be written. */
static void whatever_may_be_sent_may_be_rejected(void **unused)
{
    for (EmailState from = EMAIL_SCHEDULED; from <= EMAIL_HANDED_OVER; from++) {
        if (states_allow(&email_states, from, EMAIL_SENDING))
            assert_true(states_allow(&email_states, from, EMAIL_REJECTED));
    }
}

static void a_scheduled_mail_may_be_put_off(void **unused)
{
    assert_true(states_allow(&email_states, EMAIL_SCHEDULED, EMAIL_SCHEDULED));
    assert_true(states_allow(&email_states, EMAIL_SCHEDULED, EMAIL_QUEUED));
}

static void nothing_waiting_is_stuck(void **unused)
{
    for (EmailState from = EMAIL_SCHEDULED; from < EMAIL_ACCEPTED; from++) {
        assert_true(email_state_is_waiting(from));
        assert_true(states_allow(&email_states, from, EMAIL_SENDING) || from == EMAIL_SENDING);
        assert_false(states_allow(&email_states, from, EMAIL_HELD)); /* shown, never stored */
    }
}

static void a_closed_gate_holds_what_would_go(void **unused)
{
    static const struct {
        EmailState stored;
        EmailGate gate;
        EmailState shown;
    } cases[] = {
        {EMAIL_QUEUED, EMAIL_GATE_OPEN, EMAIL_QUEUED},
        {EMAIL_QUEUED, EMAIL_GATE_PAUSED, EMAIL_HELD},
        {EMAIL_DEFERRED, EMAIL_GATE_CREDENTIAL_FAULT, EMAIL_HELD},
        {EMAIL_QUEUED, EMAIL_GATE_NOT_CONFIGURED, EMAIL_HELD},
        {EMAIL_SCHEDULED, EMAIL_GATE_PAUSED, EMAIL_SCHEDULED},
        {EMAIL_SENDING, EMAIL_GATE_PAUSED, EMAIL_SENDING},
        {EMAIL_QUEUED, EMAIL_GATE_QUOTA, EMAIL_HELD},
        {EMAIL_ACCEPTED, EMAIL_GATE_PAUSED, EMAIL_ACCEPTED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(email_state_shown(cases[i].stored, cases[i].gate), cases[i].shown);
}

static void the_liveliest_recipient_speaks_for_the_email(void **unused)
{
    assert_int_equal(email_state_combine(EMAIL_ACCEPTED, EMAIL_DEFERRED), EMAIL_DEFERRED);
    assert_int_equal(email_state_combine(EMAIL_SENDING, EMAIL_QUEUED), EMAIL_SENDING);
    assert_int_equal(email_state_combine(EMAIL_ACCEPTED, EMAIL_REJECTED), EMAIL_REJECTED);
    assert_int_equal(email_state_combine(EMAIL_HELD, EMAIL_SCHEDULED), EMAIL_HELD);
    assert_int_equal(email_state_combine(EMAIL_ACCEPTED, EMAIL_ACCEPTED), EMAIL_ACCEPTED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_survive_a_round_trip),
        cmocka_unit_test(ends_are_ends),
        cmocka_unit_test(a_person_may_send_what_was_not_delivered_again),
        cmocka_unit_test(whatever_may_be_sent_may_be_rejected),
        cmocka_unit_test(a_scheduled_mail_may_be_put_off),
        cmocka_unit_test(nothing_waiting_is_stuck),
        cmocka_unit_test(a_closed_gate_holds_what_would_go),
        cmocka_unit_test(the_liveliest_recipient_speaks_for_the_email),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
