/* POST /v1/header-checks: the pasted headers of a mail that has arrived, and what they teach. */
#include "api/asking.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/words/domain_text.h"

#include "base/limits.h"
#include "domain/headers.h"
#include "store/domain_facts.h"

#include <string.h>

/* --- Answer ---------------------------------------------------------------------------------- */

static json_t *verdict_json(const char *result, const DomainNote *note, Language language)
{
    json_t *json = json_object();
    json_object_set_new(json, "result", json_text(result));
    json_object_set_new(json, "text", domain_text_json(note, language));
    return json;
}

static json_t *signatures_json(const GPtrArray *signatures)
{
    json_t *list = json_array();
    for (guint i = 0; i < signatures->len; i++) {
        const HeaderSignature *signature = signatures->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "domain", json_printable(signature->domain, LIMIT_HOST_OCTETS));
        json_object_set_new(
            json, "selector", json_printable(signature->selector, LIMIT_HOST_OCTETS));
        json_object_set_new(json, "result", json_text(signature->result));
        json_object_set_new(json, "aligned", json_boolean(signature->is_aligned));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *texts_json(const GPtrArray *texts)
{
    json_t *list = json_array();
    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(list, json_printable(texts->pdata[i], LIMIT_HOST_OCTETS));
    return list;
}

static json_t *check_json(const HeaderCheck *check, Language language)
{
    json_t *learned = json_object();
    json_object_set_new(learned, "selectors", texts_json(check->learned_selectors));
    json_object_set_new(learned, "addresses", texts_json(check->learned_addresses));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("header_check"));
    json_object_set_new(json, "from_domain", json_printable(check->from_domain, LIMIT_HOST_OCTETS));
    json_object_set_new(json, "received_by", json_printable(check->received_by, LIMIT_HOST_OCTETS));
    json_object_set_new(json, "sent_from", json_printable(check->sent_from, LIMIT_HOST_OCTETS));
    json_object_set_new(
        json, "delay_s", check->delay_s >= 0 ? json_integer(check->delay_s) : json_null());
    json_object_set_new(json, "folder", json_text(header_folder_name(check->folder)));
    json_object_set_new(json, "spf", verdict_json(check->spf_result, check->spf_text, language));
    json_object_set_new(json, "dkim", signatures_json(check->signatures));
    json_object_set_new(
        json, "dmarc", verdict_json(check->dmarc_result, check->dmarc_text, language));
    json_object_set_new(json, "text", domain_text_json(check->text, language));
    json_object_set_new(json, "learned", learned);
    return json;
}

/* --- Remembering ----------------------------------------------------------------------------- */

typedef struct {
    gint64 org_id;
    HeaderCheck *check;
} Lesson;

static void lesson_free(gpointer data)
{
    Lesson *lesson = data;
    header_check_free(lesson->check);
    g_free(lesson);
}

static gboolean learn_all(Db *db, const Lesson *lesson, DomainFactKind kind,
    const GPtrArray *values, WallMs now, GError **error)
{
    for (guint i = 0; i < values->len; i++) {
        if (!domain_fact_learn(
                db, lesson->org_id, lesson->check->from_domain, kind, values->pdata[i], now, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean learn_job(Db *db, gpointer data, GError **error)
{
    const Lesson *lesson = data;
    WallMs now = clock_wall_ms();
    return learn_all(
               db, lesson, DOMAIN_FACT_SELECTOR, lesson->check->learned_selectors, now, error) &&
           learn_all(db, lesson, DOMAIN_FACT_ADDRESS, lesson->check->learned_addresses, now, error);
}

static HttpAnswer *answer(ApiCall *call, const HeaderCheck *check)
{
    HttpAnswer *made = call_json(call, 200, check_json(check, call->language));
    http_answer_set_header(made, "Vary", "Accept-Language");
    return made;
}

static HttpAnswer *learn_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Lesson *lesson = data;
    return error ? call_error(call, error) : answer(call, lesson->check);
}

/* --- The route ------------------------------------------------------------------------------- */

/* The text of the body, or NULL with faults. The caller frees. */
static char *read_headers(json_t *body, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *text = json_object_take_text(&object, "headers");
    if (!text || !*text)
        json_object_fault(&object, "headers", "required", NULL);
    else if (strlen(text) > LIMIT_HEADER_PASTE_BYTES)
        json_object_fault(&object, "headers", "too_long", NULL);
    return g_strdup(text ? text : "");
}

/* Alignment needs the DMARC records of the domains; without answers a simpler rule holds. */
static gpointer judge(gconstpointer text, DnsAnswers *answers)
{
    return header_check(text, answers);
}

static void forget(gpointer check)
{
    header_check_free(check);
}

HttpAnswer *route_header_check(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autofree char *text = read_headers(body, &faults);
    json_decref(body);
    g_autoptr(HeaderCheck) check = NULL;
    if (faults.list->len == 0)
        check = asking_judge(call->api->dns, judge, forget, text, LIMIT_HEADER_ASKING_MS);
    if (faults.list->len == 0 && !check)
        json_fault_add(&faults, "/headers", "invalid_headers", NULL);
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    if (check->learned_selectors->len + check->learned_addresses->len == 0)
        return answer(call, check);
    Lesson *lesson = g_new0(Lesson, 1);
    lesson->org_id = call->caller.org_id;
    lesson->check = g_steal_pointer(&check);
    return call_submit(call, learn_job, lesson, learn_finish, lesson_free);
}
