#include "outbox/retry.h"

#include "base/limits.h"

static const gint64 delays_ms[] = {
    1 * CLOCK_MINUTE_MS,
    5 * CLOCK_MINUTE_MS,
    15 * CLOCK_MINUTE_MS,
    30 * CLOCK_MINUTE_MS,
    60 * CLOCK_MINUTE_MS,
    LIMIT_RETRY_BACKOFF_MS,
};

gint64 retry_delay_ms(guint attempt, guint32 random)
{
    g_assert(attempt >= 1);
    gint64 delay = delays_ms[MIN(attempt, G_N_ELEMENTS(delays_ms)) - 1];
    return delay + (gint64)(random % 1000) * delay / 4000;
}

gboolean retry_is_too_late(const RetryMail *mail, WallMs now, WallMs steady)
{
    gboolean is_expired = mail->expires_at > 0 && MAX(now, steady) >= mail->expires_at;
    return is_expired || MIN(now, steady) >= mail->deadline_at;
}

static RetryDecision decide_refused(
    const RetryMail *mail, DiagnosisFate fate, gint64 wait_s, WallMs now, guint32 random)
{
    gint64 wait_ms = CLAMP(wait_s, 0, LIMIT_RETRY_WAIT_MS / CLOCK_SECOND_MS) * CLOCK_SECOND_MS;
    switch (fate) {
    case DIAGNOSIS_FATE_BOUNCE:
        return (RetryDecision){EMAIL_REJECTED, 0, TRUE};
    case DIAGNOSIS_FATE_HOLD: /* the account or the settings: no attempt of this mail is used up */
        return (RetryDecision){EMAIL_DEFERRED, now + MAX(wait_ms, LIMIT_HOLD_MS), FALSE};
    case DIAGNOSIS_FATE_NONE:
    case DIAGNOSIS_FATE_RETRY:
        break;
    }
    gint64 delay = MAX(retry_delay_ms(mail->attempts + 1, random), wait_ms);
    return (RetryDecision){EMAIL_DEFERRED, now + delay, TRUE};
}

static RetryDecision decide_uncertain(const RetryMail *mail, WallMs now)
{
    if (mail->at_most_once)
        return (RetryDecision){EMAIL_UNCERTAIN, 0, TRUE};
    /* Resent once after a quarter of an hour; a second loss is no chance any more (reliability C6).
     */
    WallMs next_at = mail->was_uncertain ? 0 : now + LIMIT_UNCERTAIN_RESEND_MS;
    return (RetryDecision){EMAIL_UNCERTAIN, next_at, TRUE};
}

RetryDecision retry_decide(const RetryMail *mail, AttemptEnd end, DiagnosisFate fate, gint64 wait_s,
    WallMs now, guint32 random)
{
    RetryDecision decision = {RETRY_NOTHING, 0, FALSE};
    switch (end) {
    case ATTEMPT_ACCEPTED:
        return (RetryDecision){EMAIL_ACCEPTED, 0, TRUE};
    case ATTEMPT_WITHDRAWN:
        return decision;
    case ATTEMPT_UNCERTAIN:
        decision = decide_uncertain(mail, now);
        break;
    case ATTEMPT_REFUSED:
        decision = decide_refused(mail, fate, wait_s, now, random);
        break;
    case ATTEMPT_UNSENT:
        decision = decide_refused(mail, DIAGNOSIS_FATE_RETRY, wait_s, now, random);
        break;
    case ATTEMPT_LOGIN_REFUSED:
    case ATTEMPT_NO_TOKEN:
    case ATTEMPT_RETURNED:
        decision = (RetryDecision){EMAIL_QUEUED, now, FALSE};
        break;
    case ATTEMPT_NOT_STORED:
        decision = (RetryDecision){EMAIL_QUEUED, now + LIMIT_STORE_AGAIN_MS, FALSE};
        break;
    }
    /* Where it would be too late, it ends instead; a deadline behind us is a clock that jumped. */
    if (decision.state == EMAIL_DEFERRED && mail->deadline_at > now)
        decision.next_at = MIN(decision.next_at, mail->deadline_at);
    if (mail->was_uncertain && decision.state != EMAIL_REJECTED)
        decision.state = EMAIL_UNCERTAIN; /* a later attempt that failed makes nothing certain */
    return decision;
}
