/* GET /v1/smtp/discovery?email=: which server mail of this address is probably submitted to, from
 * where that is known, and what the person still has to fill in. */
#include "api/discovery.h"
#include "api/personal_sender.h"
#include "api/routes/routes.h"
#include "api/words/discovery_text.h"

#include <string.h>

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *candidate_json(
    const DiscoveryCandidate *candidate, const char *domain, Language language)
{
    const Provider *provider = candidate->provider;
    g_autofree char *why = discovery_text_why(candidate, domain, language);
    json_t *open = json_array();
    if (candidate->host == NULL)
        json_array_append_new(open, json_text("host"));
    if (candidate->username == NULL)
        json_array_append_new(open, json_text("username"));
    json_t *json = json_object();
    json_object_set_new(json, "source", json_text(discovery_source_name(candidate->source)));
    json_object_set_new(json, "why", json_text(why));
    json_object_set_new(json, "preset", json_text(provider == NULL ? NULL : provider->id));
    json_object_set_new(json, "host", json_text(candidate->host));
    json_object_set_new(json, "port", json_integer(candidate->port));
    json_object_set_new(json, "security", json_text(tls_mode_name(candidate->security)));
    json_object_set_new(json, "username", json_text(candidate->username));
    json_object_set_new(json, "open", open);
    json_object_set_new(
        json, "confidence", json_text(discovery_confidence_name(candidate->confidence)));
    return json;
}

static json_t *steps_json(const Discovery *discovery, const char *domain, Language language)
{
    json_t *steps = json_array();
    for (guint i = 0; i < DISCOVERY_SOURCES; i++) {
        DiscoveryState state = discovery->state[i];
        g_autofree char *detail =
            discovery_text_step(i, state, domain, discovery->filter, language);
        json_t *json = json_object();
        json_object_set_new(json, "name", json_text(discovery_source_name(i)));
        json_object_set_new(json, "state", json_text(discovery_state_name(state)));
        json_object_set_new(json, "detail", json_text(detail));
        json_array_append_new(steps, json);
    }
    return steps;
}

static json_t *discovery_json(const Discovery *discovery, const ProviderList *providers,
    const MimeAddress *address, gboolean asked_public_database, Language language)
{
    const char *domain = address->domain;
    gboolean has_host = discovery->best != NULL && discovery->best->host != NULL;
    json_t *candidates = json_array();
    for (guint i = 0; i < discovery->candidates->len; i++)
        json_array_append_new(
            candidates, candidate_json(discovery->candidates->pdata[i], domain, language));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("discovery"));
    json_object_set_new(json, "email", json_text(address->addr_spec));
    json_object_set_new(json, "domain", json_text(domain));
    json_object_set_new(json, "best",
        discovery->best == NULL ? json_null() : candidate_json(discovery->best, domain, language));
    json_object_set_new(json, "candidates", candidates);
    json_object_set_new(json, "filter", json_text(discovery->filter));
    json_object_set_new(json, "steps", steps_json(discovery, domain, language));
    json_object_set_new(
        json, "can_ask_public_database", json_boolean(!asked_public_database && !has_host));
    json_object_set_new(json, "is_personal_address",
        json_boolean(sender_could_be_another(providers, address->addr_spec)));
    return json;
}

/* --- The route ------------------------------------------------------------------------------- */

static gboolean read_wish(ApiCall *call, gboolean *wish)
{
    const char *value = http_request_query(call->request, "public_database");
    *wish = g_strcmp0(value, "true") == 0;
    return value == NULL || *wish || strcmp(value, "false") == 0;
}

HttpAnswer *route_discovery(ApiCall *call)
{
    const char *email = http_request_query(call->request, "email");
    gboolean wants_public_database = FALSE;
    if (!read_wish(call, &wants_public_database))
        return call_problem(call, "invalid_query", "public_database must be true or false.");
    g_autoptr(MimeAddress) address = email == NULL ? NULL : mime_address_parse(email, NULL);
    if (address == NULL || address->domain[0] == '[')
        return call_problem(
            call, "invalid_query", "email must be an address like name@example.com.");
    g_autoptr(Discovery) discovery = discovery_run(call->api, address, wants_public_database);
    HttpAnswer *answer = call_json(call, 200,
        discovery_json(
            discovery, call->api->providers, address, wants_public_database, call->language));
    http_answer_set_header(answer, "Vary", "Accept-Language");
    return answer;
}
