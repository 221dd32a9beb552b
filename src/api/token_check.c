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

HttpAnswer *token_check_senders(ApiCall *call, EmailNew *const *emails, guint n)
{
    g_autofree char *allowed = NULL;
    for (guint i = 0; is_token(call) && i < n; i++) {
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

HttpAnswer *token_check_quota(ApiCall *call, EmailNew *const *emails, guint n, TokenShare *share)
{
    TokenShare wanted = {.at = clock_steady_ms()};
    for (guint i = 0; is_token(call) && i < n; i++)
        wanted.mails += emails[i]->is_test ? 0 : emails[i]->recipients->len;
    if (wanted.mails == 0)
        return NULL;
    WallMs free_at =
        token_limits_take(call->api->token_limits, call->caller.row, wanted.mails, wanted.at);
    if (free_at > 0)
        return refuse_for_now(call, free_at, wanted.at);
    *share = wanted;
    return NULL;
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
