#include "api/token_check.h"

#include "api/state.h"
#include "api/token_limits.h"

static gboolean is_token(const ApiCall *call)
{
    return call->caller.kind == PEOPLE_CALLER_TOKEN;
}

HttpAnswer *token_check_network(ApiCall *call)
{
    if (!is_token(call) ||
        token_limits_admit(call->api->token_limits, call->caller.row, call->client))
        return NULL;
    g_autofree char *detail = g_strdup_printf(
        "The request comes from %s, and this token may not be used from there.", call->client);
    return call_problem(call, "network_not_allowed", detail);
}

static HttpAnswer *check_senders(ApiCall *call, EmailNew *const *emails, guint n)
{
    g_autofree char *allowed = NULL;
    for (guint i = 0; i < n; i++) {
        if (token_limits_allow_sender(
                call->api->token_limits, call->caller.row, emails[i]->sender, &allowed))
            continue;
        g_autofree char *detail = g_strdup_printf("This token may only send from %s.", allowed);
        return call_problem(call, "from_not_allowed_for_token", detail);
    }
    return NULL;
}

static HttpAnswer *refuse_for_now(ApiCall *call, WallMs free_at, WallMs now)
{
    Problem problem = {.code = "token_quota_exceeded"};
    if (free_at == QUOTA_NEVER)
        problem.detail = "These are more at once than the token's quota ever allows: send them in "
                         "parts.";
    else /* rounded up, so that who waits that long finds room */
        problem.retry_after_s =
            (guint)((MAX(free_at - now, 1) + CLOCK_SECOND_MS - 1) / CLOCK_SECOND_MS);
    return call_problem_full(call, &problem);
}

static HttpAnswer *count(ApiCall *call, EmailNew *const *emails, guint n)
{
    guint mails = 0;
    for (guint i = 0; i < n; i++)
        mails += emails[i]->recipients->len;
    WallMs now = clock_steady_ms();
    WallMs free_at = token_limits_take(call->api->token_limits, call->caller.row, mails, now);
    return free_at == 0 ? NULL : refuse_for_now(call, free_at, now);
}

HttpAnswer *token_check_emails(ApiCall *call, EmailNew *const *emails, guint n)
{
    if (!is_token(call))
        return NULL;
    HttpAnswer *refusal = check_senders(call, emails, n);
    return refusal ? refusal : count(call, emails, n);
}

HttpAnswer *call_may_grant(ApiCall *call, guint scopes)
{
    if (scopes & ~call->caller.scopes)
        return call_problem(call, "scope_not_allowed", NULL);
    if (is_token(call) && token_limits_is_limited(call->api->token_limits, call->caller.row))
        return call_problem(
            call, "scope_not_allowed", "A token that is limited itself gives no rights away.");
    return NULL;
}
