#include "base/limits.h"
#include "outbox/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (G_GINT64_CONSTANT(1800000000000))
#define MINUTES(n) ((n)*CLOCK_MINUTE_MS)

static void delays_grow_and_stay_within_a_quarter(void **unused)
{
    static const gint64 minutes[] = {1, 5, 15, 30, 60, 120, 120, 120};
    for (guint attempt = 1; attempt <= G_N_ELEMENTS(minutes); attempt++) {
        for (guint32 random = 0; random < 5000; random += 37) {
            gint64 delay = retry_delay_ms(attempt, random);
            assert_true(delay >= MINUTES(minutes[attempt - 1]));
            assert_true(delay <= MINUTES(minutes[attempt - 1]) * 5 / 4);
        }
    }
    assert_true(retry_delay_ms(3, 1) != retry_delay_ms(3, 999));
}

static void each_end_has_its_consequence(void **unused)
{
    const RetryMail fresh = {.deadline_at = NOW + 5 * CLOCK_DAY_MS};
    const RetryMail once = {.deadline_at = NOW + 5 * CLOCK_DAY_MS, .at_most_once = TRUE};
    const RetryMail again = {
        .deadline_at = NOW + 5 * CLOCK_DAY_MS, .was_uncertain = TRUE, .attempts = 1};
    const RetryMail brief = {.deadline_at = NOW + MINUTES(30), .attempts = 3};
    static const gint64 hold = MINUTES(30);
    const struct {
        const char *name;
        const RetryMail *mail;
        AttemptEnd end;
        DiagnosisFate fate;
        gint64 wait_s;
        RetryDecision expect; /* next_at as delay; jitter is 0 here */
    } cases[] = {
        {"accepted", &fresh, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE, 0, {EMAIL_ACCEPTED, 0, TRUE}},
        {"no such mailbox", &fresh, ATTEMPT_REFUSED, DIAGNOSIS_FATE_BOUNCE, 0,
            {EMAIL_REJECTED, 0, TRUE}},
        {"greylisted", &fresh, ATTEMPT_REFUSED, DIAGNOSIS_FATE_RETRY, 0,
            {EMAIL_DEFERRED, MINUTES(1), TRUE}},
        {"quota window", &fresh, ATTEMPT_REFUSED, DIAGNOSIS_FATE_RETRY, 3600,
            {EMAIL_DEFERRED, MINUTES(60), TRUE}},
        {"sender not allowed", &fresh, ATTEMPT_REFUSED, DIAGNOSIS_FATE_HOLD, 0,
            {EMAIL_DEFERRED, hold, FALSE}},
        {"connection lost early", &fresh, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_DEFERRED, MINUTES(1), TRUE}},
        {"login refused", &fresh, ATTEMPT_LOGIN_REFUSED, DIAGNOSIS_FATE_HOLD, 0,
            {EMAIL_QUEUED, 0, FALSE}},
        {"no token to be had", &fresh, ATTEMPT_NO_TOKEN, DIAGNOSIS_FATE_RETRY, 60,
            {EMAIL_QUEUED, 0, FALSE}},
        {"no token to be had, later", &brief, ATTEMPT_NO_TOKEN, DIAGNOSIS_FATE_BOUNCE, 0,
            {EMAIL_QUEUED, 0, FALSE}},
        {"no token for a resend", &again, ATTEMPT_NO_TOKEN, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_UNCERTAIN, 0, FALSE}},
        {"lost after the dot", &fresh, ATTEMPT_UNCERTAIN, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_UNCERTAIN, MINUTES(15), TRUE}},
        {"lost after the dot, at most once", &once, ATTEMPT_UNCERTAIN, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_UNCERTAIN, -NOW, TRUE}},
        {"lost after the dot twice", &again, ATTEMPT_UNCERTAIN, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_UNCERTAIN, -NOW, TRUE}},
        {"resend broke off", &again, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_UNCERTAIN, MINUTES(5), TRUE}},
        {"resend accepted", &again, ATTEMPT_ACCEPTED, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_ACCEPTED, 0, TRUE}},
        {"never past its expiry", &brief, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_DEFERRED, MINUTES(30), TRUE}},
        {"returned by a session", &fresh, ATTEMPT_RETURNED, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_QUEUED, 0, FALSE}},
        {"our own store failed", &fresh, ATTEMPT_NOT_STORED, DIAGNOSIS_FATE_NONE, 0,
            {EMAIL_QUEUED, LIMIT_STORE_AGAIN_MS, FALSE}},
        {"cancelled", &fresh, ATTEMPT_WITHDRAWN, DIAGNOSIS_FATE_NONE, 0, {RETRY_NOTHING, 0, FALSE}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        RetryDecision got =
            retry_decide(cases[i].mail, cases[i].end, cases[i].fate, cases[i].wait_s, NOW, 0);
        gboolean ended = cases[i].expect.state == EMAIL_ACCEPTED ||
                         cases[i].expect.state == EMAIL_REJECTED ||
                         cases[i].expect.state == RETRY_NOTHING;
        WallMs next_at = ended ? 0 : NOW + cases[i].expect.next_at;
        if (got.state != cases[i].expect.state || got.next_at != next_at ||
            got.counts != cases[i].expect.counts)
            fail_msg("%s: state %d, next %" G_GINT64_FORMAT ", counts %d", cases[i].name,
                (int)got.state, got.next_at, got.counts);
    }
}

/* Under a clock that jumped ahead a deadline lies behind: that is no reason to try again at once.
 */
static void a_deadline_behind_us_does_not_shorten_the_wait(void **unused)
{
    const RetryMail late = {.deadline_at = NOW - CLOCK_DAY_MS};
    RetryDecision got = retry_decide(&late, ATTEMPT_UNSENT, DIAGNOSIS_FATE_NONE, 0, NOW, 0);
    assert_int_equal(got.state, EMAIL_DEFERRED);
    assert_true(got.next_at == NOW + MINUTES(1));
}

static void nothing_waits_longer_than_a_day(void **unused)
{
    const RetryMail mail = {.deadline_at = NOW + 5 * CLOCK_DAY_MS};
    RetryDecision got =
        retry_decide(&mail, ATTEMPT_REFUSED, DIAGNOSIS_FATE_HOLD, G_MAXINT64, NOW, 0);
    assert_true(got.next_at == NOW + LIMIT_RETRY_WAIT_MS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_and_stay_within_a_quarter),
        cmocka_unit_test(each_end_has_its_consequence),
        cmocka_unit_test(a_deadline_behind_us_does_not_shorten_the_wait),
        cmocka_unit_test(nothing_waits_longer_than_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
