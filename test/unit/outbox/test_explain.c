/* One true answer for every state under every gate. */
#include "outbox/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW G_GINT64_CONSTANT(1795283520000)
#define LATER (NOW + CLOCK_HOUR_MS)
#define DEADLINE (NOW + CLOCK_DAY_MS)

/* What is usual in that state. */
static ExplainFacts facts_of(EmailState state, EmailGate gate)
{
    return (ExplainFacts){.state = state,
        .gate = gate,
        .now = NOW,
        .next_at = email_state_is_waiting(state) ? NOW : 0,
        .deadline_at = DEADLINE,
        .has_body = TRUE};
}

static gboolean has_change(const Explanation *answer, ExplainChange change)
{
    for (guint i = 0; i < answer->n_changes; i++)
        if (answer->changes[i] == change)
            return TRUE;
    return FALSE;
}

/* --- All of them ----------------------------------------------------------------------------- */

/* As the store judges (store/emails_actions.c). */
static gboolean may_be_retried(const ExplainFacts *facts)
{
    gboolean is_fit = facts->state == EMAIL_DEFERRED || facts->state == EMAIL_REJECTED ||
                      facts->state == EMAIL_EXPIRED ||
                      (facts->state == EMAIL_UNCERTAIN && !facts->at_most_once);
    return is_fit && facts->has_body && !facts->past_expiry;
}

static void check_sense(const ExplainFacts *facts)
{
    Explanation answer = explain(facts);
    const char *name = explain_code_name(answer.code, answer.gate);
    assert_true(name && *name);
    assert_true(answer.next_at == 0 || answer.next_at > NOW);
    assert_true(answer.next_at == 0 || answer.next_at < facts->deadline_at);
    if (answer.expires_first)
        assert_int_equal(answer.next_at, 0);
    assert_true(answer.n_changes <= EXPLAIN_CHANGES);
    if (!email_state_is_waiting(facts->state)) {
        assert_int_equal(answer.next_at, 0);
        assert_int_equal(answer.expires_at, 0);
        assert_false(has_change(&answer, EXPLAIN_CHANGE_CANCEL));
    }
    if (!facts->has_body)
        assert_false(has_change(&answer, EXPLAIN_CHANGE_RETRY));
    if (has_change(&answer, EXPLAIN_CHANGE_RETRY))
        assert_true(may_be_retried(facts));
    if (has_change(&answer, EXPLAIN_CHANGE_CANCEL))
        assert_true(facts->deadline_at > NOW && facts->state != EMAIL_SENDING &&
                    (facts->state != EMAIL_UNCERTAIN || facts->next_at > 0));
    if (has_change(&answer, EXPLAIN_CHANGE_RESCHEDULE))
        assert_int_equal(facts->state, EMAIL_SCHEDULED);
    for (guint i = 0; i < answer.n_changes; i++)
        assert_non_null(explain_change_name(answer.changes[i]));
    /* What is held names its gate; what is not does not. */
    if (answer.code == EXPLAIN_HELD) {
        assert_int_equal(answer.gate, facts->gate);
        assert_string_equal(name + strlen("held_"), email_gate_name(facts->gate));
    }
}

static void a_mail_with_a_former_sender_is_not_said_to_be_refused(void **state)
{
    ExplainFacts facts = facts_of(EMAIL_DEFERRED, EMAIL_GATE_OPEN);
    facts.next_at = LATER;
    facts.fate = DIAGNOSIS_FATE_HOLD;
    facts.is_diagnosed = facts.is_former_sender = TRUE;
    Explanation answer = explain(&facts);
    assert_string_equal(explain_code_name(answer.code, answer.gate), "deferred_sender");
    assert_int_equal(answer.next_at, 0); /* a look at it changes nothing */
    assert_true(has_change(&answer, EXPLAIN_CHANGE_CANCEL));
    assert_true(has_change(&answer, EXPLAIN_CHANGE_FIX_CAUSE));
    assert_false(has_change(&answer, EXPLAIN_CHANGE_RETRY));
}

static void every_state_under_every_gate_has_a_sensible_answer(void **state)
{
    static const WallMs moments[] = {0, NOW - 1, NOW, LATER, DEADLINE, DEADLINE + 1};
    static const WallMs deadlines[] = {NOW, LATER - 1, DEADLINE};
    enum { MOMENTS = G_N_ELEMENTS(moments), DEADLINES = G_N_ELEMENTS(deadlines) };
    for (EmailState each = EMAIL_SCHEDULED; each <= EMAIL_HELD; each++)
        for (EmailGate gate = EMAIL_GATE_OPEN; gate <= EMAIL_GATE_QUOTA; gate++)
            for (guint bits = 0; bits < 1u << 6; bits++)
                for (DiagnosisFate fate = DIAGNOSIS_FATE_NONE; fate <= DIAGNOSIS_FATE_BOUNCE;
                     fate++)
                    for (gsize i = 0; i < MOMENTS * MOMENTS * DEADLINES; i++) {
                        ExplainFacts facts = facts_of(each, gate);
                        facts.next_at = moments[i % MOMENTS];
                        facts.gate_opens_at = moments[i / MOMENTS % MOMENTS];
                        facts.fate = fate;
                        facts.is_diagnosed = bits & 1;
                        facts.at_most_once = (bits & 2) != 0;
                        facts.is_flagged = (bits & 4) != 0;
                        facts.has_body = (bits & 8) != 0;
                        facts.past_expiry = (bits & 16) != 0;
                        facts.deadline_at = deadlines[i / (MOMENTS * MOMENTS)];
                        facts.is_troubled = (bits & 32) != 0;
                        check_sense(&facts);
                    }
}

static void a_waiting_mail_is_explained_by_its_gate(void **state)
{
    static const struct {
        const char *name;
        EmailState state;
        EmailGate gate;
        const char *code;
        ExplainChange change;
    } rows[] = {
        {"queued", EMAIL_QUEUED, EMAIL_GATE_OPEN, "waiting_turn", EXPLAIN_CHANGE_CANCEL},
        {"not set up", EMAIL_QUEUED, EMAIL_GATE_NOT_CONFIGURED, "held_not_configured",
            EXPLAIN_CHANGE_ENTER_SETTINGS},
        {"paused", EMAIL_QUEUED, EMAIL_GATE_PAUSED, "held_paused", EXPLAIN_CHANGE_SWITCH_ON},
        {"refused login", EMAIL_DEFERRED, EMAIL_GATE_CREDENTIAL_FAULT, "held_credential_fault",
            EXPLAIN_CHANGE_VERIFY_PASSWORD},
        {"quota", EMAIL_QUEUED, EMAIL_GATE_QUOTA, "held_quota", EXPLAIN_CHANGE_RAISE_QUOTA},
        {"shown as held", EMAIL_HELD, EMAIL_GATE_PAUSED, "held_paused", EXPLAIN_CHANGE_SWITCH_ON},
        {"scheduled and due", EMAIL_SCHEDULED, EMAIL_GATE_PAUSED, "held_paused",
            EXPLAIN_CHANGE_SWITCH_ON},
        {"deferred and due", EMAIL_DEFERRED, EMAIL_GATE_OPEN, "waiting_turn",
            EXPLAIN_CHANGE_CANCEL},
        {"uncertain, paused", EMAIL_UNCERTAIN, EMAIL_GATE_PAUSED, "uncertain_paused",
            EXPLAIN_CHANGE_SWITCH_ON},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const ExplainFacts facts = facts_of(rows[i].state, rows[i].gate);
        Explanation answer = explain(&facts);
        print_message("# %s\n", rows[i].name);
        assert_string_equal(explain_code_name(answer.code, answer.gate), rows[i].code);
        assert_true(has_change(&answer, rows[i].change));
        assert_int_equal(answer.expires_at, DEADLINE);
    }
}

static void trouble_with_the_provider_holds_up_what_is_due(void **state)
{
    ExplainFacts facts = facts_of(EMAIL_QUEUED, EMAIL_GATE_OPEN);
    facts.is_troubled = TRUE;
    assert_int_equal(explain(&facts).code, EXPLAIN_WAITING_PROVIDER);
    facts.gate = EMAIL_GATE_PAUSED;
    assert_int_equal(explain(&facts).code, EXPLAIN_HELD);
    facts = facts_of(EMAIL_QUEUED, EMAIL_GATE_OPEN);
    facts.is_troubled = TRUE;
    facts.deadline_at = NOW;
    assert_int_equal(explain(&facts).code, EXPLAIN_EXPIRING);
}

static void a_deferral_is_explained_by_what_the_last_attempt_met(void **state)
{
    static const struct {
        const char *name;
        DiagnosisFate fate;
        WallMs next_at;
        ExplainCode code;
        WallMs shown;
    } rows[] = {
        {"a reply said not now", DIAGNOSIS_FATE_RETRY, LATER, EXPLAIN_DEFERRED_REFUSED, LATER},
        {"the account", DIAGNOSIS_FATE_HOLD, LATER, EXPLAIN_DEFERRED_ACCOUNT, LATER},
        {"nobody answered", DIAGNOSIS_FATE_NONE, LATER, EXPLAIN_DEFERRED_UNREACHED, LATER},
        {"no time is left", DIAGNOSIS_FATE_RETRY, DEADLINE, EXPLAIN_DEFERRED_LAST, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        ExplainFacts facts = facts_of(EMAIL_DEFERRED, EMAIL_GATE_OPEN);
        facts.fate = rows[i].fate;
        facts.next_at = rows[i].next_at;
        facts.is_diagnosed = TRUE;
        Explanation answer = explain(&facts);
        print_message("# %s\n", rows[i].name);
        assert_int_equal(answer.code, rows[i].code);
        assert_int_equal(answer.next_at, rows[i].shown);
        assert_true(has_change(&answer, EXPLAIN_CHANGE_FIX_CAUSE));
        assert_true(has_change(&answer, EXPLAIN_CHANGE_RETRY));
    }
}

static void what_may_have_arrived_is_never_called_unsent(void **state)
{
    ExplainFacts facts = facts_of(EMAIL_UNCERTAIN, EMAIL_GATE_OPEN);
    facts.next_at = LATER;
    Explanation answer = explain(&facts);
    assert_int_equal(answer.code, EXPLAIN_UNCERTAIN_REPEATED);
    assert_int_equal(answer.next_at, LATER);
    facts.next_at = 0;
    assert_int_equal(explain(&facts).code, EXPLAIN_UNCERTAIN_ENDED);
    facts.at_most_once = TRUE;
    answer = explain(&facts);
    assert_int_equal(answer.code, EXPLAIN_UNCERTAIN_ONCE);
    assert_true(has_change(&answer, EXPLAIN_CHANGE_SEND_NEW));
    facts = facts_of(EMAIL_UNCERTAIN, EMAIL_GATE_OPEN);
    facts.deadline_at = NOW;
    assert_int_equal(explain(&facts).code, EXPLAIN_UNCERTAIN_ENDED);
    facts = facts_of(EMAIL_ACCEPTED, EMAIL_GATE_OPEN);
    facts.is_flagged = TRUE;
    assert_int_equal(explain(&facts).code, EXPLAIN_ACCEPTED_FLAGGED);
}

static void the_next_moment_is_not_before_gate_and_mail_allow_it(void **state)
{
    ExplainFacts facts = facts_of(EMAIL_DEFERRED, EMAIL_GATE_QUOTA);
    facts.next_at = LATER;
    facts.gate_opens_at = NOW + CLOCK_MINUTE_MS;
    assert_int_equal(explain(&facts).next_at, LATER);
    facts.gate_opens_at = LATER + CLOCK_MINUTE_MS;
    assert_int_equal(explain(&facts).next_at, LATER + CLOCK_MINUTE_MS);
    facts.gate_opens_at = 0; /* a person has to open it */
    assert_int_equal(explain(&facts).next_at, 0);
    facts = facts_of(EMAIL_SCHEDULED, EMAIL_GATE_QUOTA); /* by then there may be room */
    facts.next_at = LATER;
    assert_int_equal(explain(&facts).code, EXPLAIN_SCHEDULED);
    assert_int_equal(explain(&facts).next_at, LATER);
}

static void what_expires_first_is_not_promised(void **state)
{
    static const struct {
        const char *name;
        EmailState state;
        EmailGate gate;
        WallMs next_at, opens_at;
        const char *code;
        gboolean expires_first;
    } rows[] = {
        {"the pause ends later", EMAIL_QUEUED, EMAIL_GATE_PAUSED, NOW, DEADLINE, "held_paused",
            TRUE},
        {"the pause ends in time", EMAIL_QUEUED, EMAIL_GATE_PAUSED, NOW, DEADLINE - 1,
            "held_paused", FALSE},
        {"a person ends it", EMAIL_QUEUED, EMAIL_GATE_PAUSED, NOW, 0, "held_paused", FALSE},
        {"the login", EMAIL_DEFERRED, EMAIL_GATE_CREDENTIAL_FAULT, LATER, DEADLINE,
            "held_credential_fault", TRUE},
        {"the quota", EMAIL_QUEUED, EMAIL_GATE_QUOTA, NOW, DEADLINE, "held_quota", TRUE},
        {"scheduled, a long pause", EMAIL_SCHEDULED, EMAIL_GATE_PAUSED, LATER, DEADLINE,
            "scheduled_paused", TRUE},
        {"scheduled behind the pause", EMAIL_SCHEDULED, EMAIL_GATE_PAUSED, LATER, LATER - 1,
            "scheduled", FALSE},
        {"scheduled too late", EMAIL_SCHEDULED, EMAIL_GATE_OPEN, DEADLINE, 0, "scheduled", TRUE},
        {"uncertain, a long pause", EMAIL_UNCERTAIN, EMAIL_GATE_PAUSED, NOW, DEADLINE,
            "uncertain_paused", TRUE},
        {"uncertain, too late", EMAIL_UNCERTAIN, EMAIL_GATE_OPEN, DEADLINE, 0, "uncertain_ended",
            FALSE},
        {"deferred, too late", EMAIL_DEFERRED, EMAIL_GATE_PAUSED, DEADLINE, LATER, "deferred_last",
            FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        ExplainFacts facts = facts_of(rows[i].state, rows[i].gate);
        facts.next_at = rows[i].next_at;
        facts.gate_opens_at = rows[i].opens_at;
        facts.fate = DIAGNOSIS_FATE_RETRY;
        Explanation answer = explain(&facts);
        print_message("# %s\n", rows[i].name);
        assert_string_equal(explain_code_name(answer.code, answer.gate), rows[i].code);
        assert_int_equal(answer.expires_first, rows[i].expires_first);
        assert_true(answer.next_at == 0 || answer.next_at < DEADLINE);
    }
}

static void what_cannot_be_tried_again_is_to_be_handed_over_anew(void **state)
{
    ExplainFacts facts = facts_of(EMAIL_REJECTED, EMAIL_GATE_OPEN);
    Explanation answer = explain(&facts);
    assert_true(has_change(&answer, EXPLAIN_CHANGE_RETRY));
    facts.has_body = FALSE;
    answer = explain(&facts);
    assert_false(has_change(&answer, EXPLAIN_CHANGE_RETRY));
    assert_true(has_change(&answer, EXPLAIN_CHANGE_SEND_NEW));
    facts = facts_of(EMAIL_EXPIRED, EMAIL_GATE_OPEN);
    facts.past_expiry = TRUE;
    answer = explain(&facts);
    assert_true(has_change(&answer, EXPLAIN_CHANGE_SEND_NEW));
}

static void a_mail_past_its_deadline_is_about_to_end(void **state)
{
    static const EmailState waiting[] = {EMAIL_SCHEDULED, EMAIL_QUEUED, EMAIL_DEFERRED, EMAIL_HELD};
    for (gsize i = 0; i < G_N_ELEMENTS(waiting); i++)
        for (EmailGate gate = EMAIL_GATE_OPEN; gate <= EMAIL_GATE_QUOTA; gate++) {
            ExplainFacts facts = facts_of(waiting[i], gate);
            facts.next_at = facts.deadline_at = NOW;
            assert_int_equal(explain(&facts).code, EXPLAIN_EXPIRING);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_with_a_former_sender_is_not_said_to_be_refused),
        cmocka_unit_test(every_state_under_every_gate_has_a_sensible_answer),
        cmocka_unit_test(a_waiting_mail_is_explained_by_its_gate),
        cmocka_unit_test(trouble_with_the_provider_holds_up_what_is_due),
        cmocka_unit_test(a_deferral_is_explained_by_what_the_last_attempt_met),
        cmocka_unit_test(what_may_have_arrived_is_never_called_unsent),
        cmocka_unit_test(the_next_moment_is_not_before_gate_and_mail_allow_it),
        cmocka_unit_test(what_expires_first_is_not_promised),
        cmocka_unit_test(what_cannot_be_tried_again_is_to_be_handed_over_anew),
        cmocka_unit_test(a_mail_past_its_deadline_is_about_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
