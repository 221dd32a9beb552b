/* POST /v1/diagnoses: a pasted bounce or log, explained. */
#include "api/json/smtp_json.h"
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/limits.h"
#include "base/text.h"
#include "diagnosis/reading.h"

#include <string.h>

/* Its host is the one that said it, which need not be the one we submit to. */
static json_t *finding_json(ApiCall *call, const DiagnosisFinding *finding)
{
    g_autofree char *text = NULL;
    if (finding->text)
        text = text_printable(finding->text, strlen(finding->text), LIMIT_PEER_TEXT_CHARACTERS);
    const DiagnosisFacts facts = {.id = finding->diagnosis->id,
        .phase = finding->phase,
        .enhanced = finding->enhanced,
        .text = text,
        .reply = finding->code,
        .host = finding->host};
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("explanation"));
    json_object_set_new(json, "line", json_printable(finding->line, LIMIT_PEER_TEXT_CHARACTERS));
    json_object_set_new(json, "phase", json_text(finding->phase));
    json_object_set_new(json, "reply", finding->code ? json_integer(finding->code) : json_null());
    json_object_set_new(json, "enhanced", json_text(finding->enhanced));
    json_object_set_new(json, "diagnosis", diagnosis_json(call->api, &facts, call->language));
    return json;
}

static HttpAnswer *explain(ApiCall *call, const char *text, const char *host)
{
    g_autoptr(GPtrArray) findings = diagnosis_read(call->api->catalogue, text, strlen(text), host);
    json_t *data = json_array();
    for (guint i = 0; i < findings->len; i++)
        json_array_append_new(data, finding_json(call, findings->pdata[i]));
    return call_json(call, 200, json_list(data, FALSE));
}

HttpAnswer *route_diagnoses(ApiCall *call)
{
    HttpAnswer *answer = NULL;
    json_t *body = call_body(call, FALSE, &answer);
    if (!body)
        return answer;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    JsonObject object;
    json_object_open(&object, body, "", &faults);
    const char *text = json_object_take_text(&object, "text");
    const char *host = json_object_take_text(&object, "host");
    if (!text && faults.list->len == 0)
        json_object_fault(&object, "text", "required", NULL);
    if (text && strlen(text) > LIMIT_DIAGNOSIS_PASTE_BYTES)
        json_object_fault(&object, "text", "too_long", NULL);
    if (host && strlen(host) > LIMIT_DOMAIN_OCTETS)
        json_object_fault(&object, "host", "too_long", NULL);
    json_object_close(&object);
    answer = faults.list->len > 0 ? call_faults(call, &faults) : explain(call, text, host);
    json_decref(body);
    return answer;
}
