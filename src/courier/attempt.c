/* What became of one mail. */
#include "base/limits.h"
#include "base/text.h"
#include "courier/pool_private.h"

#include <string.h>

Attempt *attempt_new(Pool *pool, EmailDelivery *delivery)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->mail = delivery;
    attempt->link.data = attempt;
    g_hash_table_insert(pool->attempts, &delivery->recipient_id, attempt);
    g_queue_push_tail_link(&pool->waiting, &attempt->link);
    return attempt;
}

void attempt_free(gpointer data)
{
    Attempt *attempt = data;
    email_delivery_free(attempt->mail);
    g_free(attempt);
}

Attempt *attempt_find(const Pool *pool, gint64 recipient_id)
{
    return g_hash_table_lookup(pool->attempts, &recipient_id);
}

/* Forgets the attempt, then tells: the listener may at once send the same recipient again. */
static void attempt_ended(Attempt *attempt, Pool *pool, PoolResult *result)
{
    gpointer kept_key = NULL;
    gpointer kept = NULL;
    g_queue_unlink(
        attempt->line != NULL ? &attempt->line->in_hand : &pool->waiting, &attempt->link);
    result->recipient_id = attempt->mail->recipient_id;
    result->server = attempt->line != NULL    ? attempt->line->host
                     : pool->settings != NULL ? pool->settings->host
                                              : NULL;
    result->config_version =
        attempt->line != NULL ? attempt->line->config_version : pool->config_version;
    g_hash_table_steal_extended(pool->attempts, &attempt->mail->recipient_id, &kept_key, &kept);
    pool->events.ended(result, pool->user);
    attempt_free(attempt);
}

void attempt_ended_plainly(Attempt *attempt, Pool *pool, AttemptEnd end)
{
    PoolResult result = {.end = end, .is_local = TRUE};
    attempt_ended(attempt, pool, &result);
}

void attempt_handed_back(Attempt *attempt, Pool *pool)
{
    PoolResult result = {.end = attempt->is_asked ? ATTEMPT_RETURNED : ATTEMPT_WITHDRAWN};
    attempt_ended(attempt, pool, &result);
}

static gboolean is_by_token_server(const DiagnosisInput *input)
{
    return g_strcmp0(input->phase, "token") == 0;
}

static gboolean is_login_refusal(const Diagnosis *diagnosis, const DiagnosisInput *input)
{
    gboolean in_login = g_strcmp0(input->phase, "auth") == 0 && input->code >= 500;
    return (in_login || is_by_token_server(input)) && diagnosis->class != DIAGNOSIS_TEMPORARY;
}

gboolean attempt_tells_refusal(const Pool *pool, const DiagnosisInput *input)
{
    return is_login_refusal(diagnosis_match(pool->parts.catalogue, input), input);
}

void attempt_ended_with(Attempt *attempt, Pool *pool, AttemptEnd end, const DiagnosisInput *input,
    gboolean text_may_be_shown)
{
    g_autofree char *text =
        input->text == NULL || !text_may_be_shown
            ? NULL
            : text_printable(input->text, strlen(input->text), LIMIT_PEER_TEXT_CHARACTERS);
    PoolResult result = {
        .end = end,
        .phase = input->phase,
        .code = input->code,
        .enhanced = input->enhanced,
        .text = text != NULL ? text : input->sys,
        .is_local = attempt->line != NULL && attempt->line->is_cut,
    };
    if (end != ATTEMPT_ACCEPTED)
        result.diagnosis = diagnosis_match(pool->parts.catalogue, input);
    if (end != ATTEMPT_ACCEPTED && input->code != 0)
        result.fate = diagnosis_fate(result.diagnosis, input);
    if (end == ATTEMPT_UNSENT && is_login_refusal(result.diagnosis, input))
        result.end = ATTEMPT_LOGIN_REFUSED;
    else if (end == ATTEMPT_UNSENT && is_by_token_server(input))
        result.end = ATTEMPT_NO_TOKEN;
    attempt_ended(attempt, pool, &result);
}
