#include "api/password_try.h"

#include "api/state.h"
#include "base/limits.h"
#include "store/audit.h"

HttpAnswer *password_try_take(ApiCall *call, const char *account)
{
    MonoMs wait_ms = guesses_take(call->api->guesses, account, call->client, clock_mono_ms());
    if (wait_ms == 0)
        return NULL;
    const Problem problem = {
        .code = "too_many_attempts", .retry_after_s = (guint)(wait_ms / CLOCK_SECOND_MS) + 1};
    return call_problem_full(call, &problem);
}

void password_try_passed(ApiCall *call, const char *account)
{
    MonoMs now = clock_mono_ms();
    guesses_note_success(call->api->guesses, account, call->client, now);
    if (account)
        guesses_note_home(call->api->guesses, call->client, now + LIMIT_BROWSER_KNOWN_MS);
}

/* --- The word about a refused one ------------------------------------------------------------- */

typedef struct {
    char *account, *client;
} Refusal;

static gboolean note_refusal(Db *db, gpointer data, GError **error)
{
    const Refusal *refusal = data;
    const AuditNote note = {
        .org_id = STORE_DEFAULT_ORG,
        .at = clock_wall_ms(),
        .actor = "nobody",
        .action = "session.refused",
        .object = refusal->account,
        .client = refusal->client,
    };
    return audit_append(db, &note, error);
}

static void refusal_noted(gpointer data, const GError *error)
{
    Refusal *refusal = data; /* whoever was refused does not wait for it */
    g_free(refusal->account);
    g_free(refusal->client);
    g_free(refusal);
}

void password_try_refused(ApiCall *call, const char *account)
{
    struct api *api = call->api;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "REQUEST_ID", call->request_id, "MESSAGE",
        "sign-in refused for a client at %s", call->client);
    g_autofree char *key = g_strconcat("refused ", account, NULL);
    const RateRule rules[] = {
        {key, 1, CLOCK_MINUTE_MS},
        {"refused", LIMIT_REFUSALS_NOTED, CLOCK_MINUTE_MS},
    };
    if (rate_take_all(api->rate, rules, G_N_ELEMENTS(rules), clock_mono_ms()) > 0)
        return;
    Refusal *refusal = g_new0(Refusal, 1);
    refusal->account = g_strdup(account);
    refusal->client = g_strdup(call->client);
    if (!store_submit(api->store, note_refusal, refusal, refusal_noted, NULL, NULL))
        refusal_noted(refusal, NULL);
}
