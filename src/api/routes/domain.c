/* POST /v1/domain-checks: SPF, DKIM and DMARC of a domain, asked of the DNS in this very moment. */
#include "api/asking.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/words/domain_text.h"

#include "base/limits.h"
#include "mime/address.h"
#include "store/domain_facts.h"
#include "store/smtp_settings.h"

#include <string.h>

#define RECORD_CHARACTERS 4000 /* of a record, shown */

/* --- Answer ---------------------------------------------------------------------------------- */

static json_t *proposal_json(const DomainProposal *proposal, Language language)
{
    if (!proposal)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "type", json_text(proposal->type));
    json_object_set_new(json, "name", json_text(proposal->name));
    json_object_set_new(json, "value", json_printable(proposal->value, RECORD_CHARACTERS));
    json_object_set_new(json, "note", domain_text_json(proposal->note, language));
    return json;
}

static json_t *part_json(const DomainPart *part, Language language)
{
    json_t *details = json_array();
    for (guint i = 0; i < part->details->len; i++)
        json_array_append_new(details, domain_text_json(part->details->pdata[i], language));
    json_t *json = json_object();
    json_object_set_new(json, "verdict", json_text(domain_verdict_name(part->verdict)));
    json_object_set_new(json, "record", json_printable(part->record, RECORD_CHARACTERS));
    json_object_set_new(json, "text", domain_text_json(part->text, language));
    json_object_set_new(json, "details", details);
    json_object_set_new(json, "proposal", proposal_json(part->proposal, language));
    return json;
}

static json_t *dkim_json(const DomainCheck *check, Language language)
{
    json_t *selectors = json_array();
    for (guint i = 0; i < check->selectors->len; i++) {
        const DomainSelector *selector = check->selectors->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "selector", json_text(selector->selector));
        json_object_set_new(json, "state", json_text(dkim_key_state_name(selector->state)));
        json_object_set_new(json, "detail", domain_text_json(selector->detail, language));
        json_array_append_new(selectors, json);
    }
    json_t *json = part_json(&check->dkim, language);
    json_object_set_new(json, "selectors", selectors);
    return json;
}

static json_t *dmarc_json(const DomainCheck *check, Language language)
{
    json_t *json = part_json(&check->dmarc, language);
    json_object_set_new(json, "policy", json_text(check->policy));
    json_object_set_new(json, "at", json_text(check->dmarc_at));
    json_object_set_new(json, "alignment", json_text(check->alignment));
    return json;
}

static const char *name_in(const Provider *provider, Language language)
{
    return provider ? language_pick(language, provider->name_de, provider->name) : NULL;
}

static json_t *provider_json(const Provider *provider, Language language)
{
    if (!provider)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(provider->id));
    json_object_set_new(json, "name", json_text(name_in(provider, language)));
    return json;
}

static json_t *check_json(
    const char *domain, const Provider *provider, const DomainCheck *check, Language language)
{
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("domain_check"));
    json_object_set_new(json, "domain", json_text(domain));
    json_object_set_new(json, "checked_at", json_time(clock_wall_ms()));
    json_object_set_new(json, "provider", provider_json(provider, language));
    json_object_set_new(json, "spf", part_json(&check->spf, language));
    json_object_set_new(json, "dkim", dkim_json(check, language));
    json_object_set_new(json, "dmarc", dmarc_json(check, language));
    return json;
}

/* --- Question -------------------------------------------------------------------------------- */

typedef struct {
    char *domain;
    const Provider *provider; /* that sends, or NULL */
    char **selectors, **addresses;
} Request;

static void request_clear(Request *request)
{
    g_free(request->domain);
    g_strfreev(request->selectors);
    g_strfreev(request->addresses);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Request, request_clear)

static void read_request(ApiCall *call, json_t *body, Request *request, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *domain = json_object_take_text(&object, "domain");
    const char *preset = json_object_take_text(&object, "preset");
    if (!domain || !*domain) {
        json_object_fault(&object, "domain", "required", NULL);
    } else {
        request->domain = mime_domain_parse(domain, NULL);
        if (!request->domain || *request->domain == '[' || !strchr(request->domain, '.'))
            json_object_fault(&object, "domain", "invalid_domain", NULL);
    }
    if (preset && strcmp(preset, "sandbox") != 0) { /* which is nobody the world could know */
        request->provider = provider_by_id(call->api->providers, preset);
        if (!request->provider)
            json_object_fault(&object, "preset", "unknown_value", NULL);
    }
}

/* What the store knows: headers' lessons, and without a preset the provider in use. */
static gboolean read_store(ApiCall *call, Request *request, GError **error)
{
    Db *db = store_reader_take(call->api->store);
    gint64 org_id = call->caller.org_id;
    WallMs now = clock_wall_ms();
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, error);
    if (state) {
        request->selectors =
            domain_facts_list(db, org_id, request->domain, DOMAIN_FACT_SELECTOR, now, error);
        request->addresses =
            domain_facts_list(db, org_id, request->domain, DOMAIN_FACT_ADDRESS, now, NULL);
    }
    store_reader_give(call->api->store, db);
    const SmtpSettings *settings = !state ? NULL : state->active ? state->active : state->draft;
    if (!request->provider && settings && settings->host)
        request->provider = provider_by_host(call->api->providers, settings->host);
    return request->selectors != NULL;
}

/* Senders in bulk leave with an envelope address of their own, unless their instructions have a
 * record for the domain itself. */
static gboolean is_spf_needed(const Provider *provider)
{
    return !provider || provider->spf_record || strcmp(provider->kind, "esp") != 0;
}

static gpointer judge(gconstpointer question, DnsAnswers *answers)
{
    return domain_check(question, answers);
}

static void forget(gpointer check)
{
    domain_check_free(check);
}

static HttpAnswer *answer(ApiCall *call, const Request *request)
{
    const Provider *provider = request->provider;
    const Provider *owner = provider_by_domain(call->api->providers, request->domain);
    guint n = provider ? provider->n_dkim_records : 0;
    g_autofree DomainRecord *records = g_new0(DomainRecord, n + 1);
    for (guint i = 0; i < n; i++) {
        const ProviderDkimRecord *record = &provider->dkim_records[i];
        records[i] = (DomainRecord){record->name, record->type, record->value};
    }
    g_autofree char *made_up = g_strdup_printf("absender-%08x%08x", g_random_int(), g_random_int());
    const DomainQuestion question = {
        .domain = request->domain,
        .provider = name_in(provider, call->language),
        .owner = name_in(owner, call->language),
        .is_own = owner && owner == provider,
        .spf_mechanism = provider ? provider->spf_mechanism : NULL,
        .is_spf_needed = is_spf_needed(provider),
        .selectors = provider ? provider->dkim_selectors : NULL,
        .learned_selectors = (const char *const *)request->selectors,
        .made_up_selector = made_up,
        .learned_addresses = (const char *const *)request->addresses,
        .dkim_records = records,
        .n_dkim_records = n,
    };
    g_autoptr(DomainCheck) check =
        asking_judge(call->api->dns, judge, forget, &question, LIMIT_ASKING_MS);
    HttpAnswer *made =
        call_json(call, 200, check_json(request->domain, provider, check, call->language));
    http_answer_set_header(made, "Vary", "Accept-Language");
    return made;
}

HttpAnswer *route_domain_check(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_auto(Request) request = {.domain = NULL};
    read_request(call, body, &request, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    g_autoptr(GError) error = NULL;
    if (!read_store(call, &request, &error))
        return call_error(call, error);
    return answer(call, &request);
}
