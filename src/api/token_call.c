#include "api/token_call.h"

#include "api/json/smtp_json.h"

#include "base/leak_point.h"
#include "base/limits.h"
#include "net/https.h"

void token_fault_clear(TokenFault *fault)
{
    g_clear_pointer(&fault->text, g_free);
    g_clear_pointer(&fault->host, g_free);
}

json_t *token_fault_json(
    struct api *api, const TokenFault *fault, const SmtpSettings *settings, Language language)
{
    const DiagnosisInput input = {.phase = "token",
        .code = fault->status,
        .text = fault->text,
        .sys = fault->sys,
        .host = fault->host};
    const DiagnosisFacts facts = {.id = diagnosis_match(api->catalogue, &input)->id,
        .phase = "token",
        .reply = fault->status,
        .text = fault->text,
        .settings = settings};
    return diagnosis_json(api, &facts, language);
}

/* NULL: no answer; *fault says why. is_for_token: it uses up what a person has just signed in with,
 * so that a stop lets it end. */
static Secret *post(
    struct api *api, const OauthRequest *request, gboolean is_for_token, TokenFault *fault)
{
    NetHttpsFault why = {NULL};
    const NetHttpsCall call = {.dns = api->dns,
        .policy = api->policy,
        .ca_file = api->ca_file,
        .url = request->url,
        .content_type = "application/x-www-form-urlencoded",
        .body = request->form,
        .most_bytes = LIMIT_OAUTH_ANSWER_BYTES,
        .timeout_ms = LIMIT_ASKING_MS,
        .is_finished_once_begun = is_for_token};
    net_https_url_read(request->url, &fault->host, NULL, NULL);
    if (!api->dns || !api->policy) { /* in tests that ask nobody */
        fault->sys = "ETIMEDOUT";
        return NULL;
    }
    Secret *answer = net_https_call(&call, &fault->status, &why, NULL);
    if (!answer) {
        fault->status = 0;
        fault->sys = why.sys ? why.sys : "BAD_TOKEN_ANSWER";
    }
    return answer;
}

/* What the verdict says beside itself. */
static OauthVerdict note_fault(OauthVerdict verdict, const OauthRefusal *refusal, TokenFault *fault)
{
    if (verdict != OAUTH_GRANTED && refusal)
        fault->text = oauth_refusal_text_dup(refusal);
    if (verdict == OAUTH_STRANGE)
        fault->sys = "BAD_TOKEN_ANSWER";
    return verdict;
}

OauthVerdict token_call_token(struct api *api, OauthRequest *taken, OauthToken **token,
    OauthRefusal **refusal, TokenFault *fault)
{
    g_autoptr(OauthRequest) request = taken;
    g_autoptr(Secret) answer = post(api, request, TRUE, fault);
    if (!answer)
        return OAUTH_AWAY;
    OauthVerdict verdict = oauth_answer_read(request, fault->status, answer, token, refusal, NULL);
    if (verdict == OAUTH_GRANTED)
        LEAK_POINT((*token)->refresh_token);
    return note_fault(verdict, *refusal, fault);
}

OauthVerdict token_call_device(struct api *api, OauthRequest *taken, OauthDevice **device,
    OauthRefusal **refusal, TokenFault *fault)
{
    g_autoptr(OauthRequest) request = taken;
    g_autoptr(Secret) answer = post(api, request, FALSE, fault);
    if (!answer)
        return OAUTH_AWAY;
    return note_fault(
        oauth_device_read(request, fault->status, answer, device, refusal, NULL), *refusal, fault);
}
