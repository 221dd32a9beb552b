#include "notify/verdict.h"

#include "base/error.h"
#include "outbox/retry.h"

#define LONGEST_REST_MS (30 * CLOCK_MINUTE_MS)

static const char *failure_of(const GError *error, const char *sys)
{
    static const struct {
        gint code;
        const char *failure;
    } rows[] = {
        {ABS_ERROR_NOT_FOUND, WEBHOOK_FAILED_NO_ADDRESS},
        {ABS_ERROR_DENIED, WEBHOOK_FAILED_DENIED},
        {ABS_ERROR_PROTOCOL, WEBHOOK_FAILED_TLS},
        {ABS_ERROR_SECRET, WEBHOOK_FAILED_SECRET},
    };
    if (g_strcmp0(sys, "ECONNREFUSED") == 0)
        return WEBHOOK_FAILED_REFUSED;
    if (g_strcmp0(sys, "CERTIFICATE") == 0)
        return WEBHOOK_FAILED_CERTIFICATE;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_error_matches(error, ABS_ERROR, rows[i].code))
            return rows[i].failure;
    return WEBHOOK_FAILED_NO_ANSWER;
}

static gboolean status_is_outage(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static NotifyVerdict failed(
    const WebhookDelivery *delivery, const char *failure, WallMs now, guint32 random)
{
    WallMs next_at = now + retry_delay_ms(delivery->attempts + 1, random);
    gboolean is_over = next_at >= delivery->gives_up_at;
    NotifyVerdict verdict = {.result = {.row = delivery->row,
                                 .state = is_over ? WEBHOOK_GIVEN_UP : WEBHOOK_WAITING,
                                 .next_at = is_over ? 0 : next_at,
                                 .failure = failure}};
    return verdict;
}

NotifyVerdict notify_verdict(const WebhookDelivery *delivery, int status, const GError *error,
    const char *sys, WallMs now, guint32 random)
{
    NotifyVerdict verdict = {.result = {.row = delivery->row, .state = WEBHOOK_DELIVERED}};
    if (error) {
        verdict = failed(delivery, failure_of(error, sys), now, random);
        verdict.is_outage = TRUE;
    } else if (status == 410) {
        verdict.result.state = WEBHOOK_GIVEN_UP;
        verdict.result.failure = WEBHOOK_FAILED_GONE;
        verdict.is_gone = TRUE;
    } else if (status < 200 || status > 299) {
        verdict = failed(delivery, WEBHOOK_FAILED_STATUS, now, random);
        verdict.is_outage = status_is_outage(status);
    }
    verdict.result.status = error ? 0 : status;
    return verdict;
}

gint64 notify_rest_ms(guint n_outages, guint32 random)
{
    return MIN(retry_delay_ms(n_outages, random), LONGEST_REST_MS);
}
