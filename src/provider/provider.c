#include "provider/provider.h"

#include "base/error.h"

#include <jansson.h>
#include <string.h>

struct provider_list {
    Provider *providers;
    guint n;
    GStringChunk *strings;
};

/* The caller puts the provider's name in front. */
static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, why);
    return FALSE;
}

static const char *keep(ProviderList *list, const char *text)
{
    return text == NULL ? NULL : g_string_chunk_insert_const(list->strings, text);
}

static gboolean read_endpoint(
    ProviderList *list, json_t *json, ProviderEndpoint *endpoint, GError **error)
{
    const char *host, *security, *confidence, *note = NULL;
    int port = 0;
    json_t *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:i s:s s:s s:o s?s}", "host", &host,
            "port", &port, "security", &security, "confidence", &confidence, "sources", &sources,
            "note", &note) != 0)
        return refuse(error, fault.text);
    if (!tls_mode_parse(security, &endpoint->security))
        return refuse(error, "the security of an endpoint is neither starttls nor implicit");
    if (host[0] == '\0' || port < 1 || port > 65535)
        return refuse(error, "an endpoint without host or port");
    endpoint->host = keep(list, host);
    endpoint->port = (guint16)port;
    return TRUE;
}

static gboolean read_endpoints(
    ProviderList *list, const json_t *json, Provider *provider, GError **error)
{
    provider->n_endpoints = (guint)json_array_size(json);
    if (provider->n_endpoints == 0)
        return refuse(error, "no endpoint");
    ProviderEndpoint *endpoints = g_new0(ProviderEndpoint, provider->n_endpoints);
    provider->endpoints = endpoints;
    for (guint i = 0; i < provider->n_endpoints; i++) {
        if (!read_endpoint(list, json_array_get(json, i), &endpoints[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_username(ProviderList *list, json_t *json, Provider *provider, GError **error)
{
    const char *form, *template, *note_en = NULL, *note_de = NULL, *confidence;
    json_t *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:s s?s s?s s:s s:o}", "form", &form,
            "template", &template, "note_en", &note_en, "note_de", &note_de, "confidence",
            &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    provider->username_template = keep(list, template);
    provider->username_note_en = keep(list, note_en);
    provider->username_note_de = keep(list, note_de);
    return TRUE;
}

static gboolean read_password(ProviderList *list, json_t *json, Provider *provider, GError **error)
{
    const char *kind, *app_password, *where_en, *where_de, *url = NULL, *confidence;
    json_t *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:s s:s s:s s?s s:s s:o}", "kind", &kind,
            "app_password", &app_password, "where_en", &where_en, "where_de", &where_de, "url",
            &url, "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    provider->password_kind = keep(list, kind);
    provider->app_password = keep(list, app_password);
    provider->password_where_en = keep(list, where_en);
    provider->password_where_de = keep(list, where_de);
    provider->password_url = keep(list, url);
    return TRUE;
}

/* "thunderbird/autoconfig, 2026-03": short enough for a page. Each is named once. */
static void append_source(GString *sources, const char *name, const char *date)
{
    if (strstr(sources->str, name) != NULL)
        return;
    g_string_append_printf(sources, "%s%s", sources->len > 0 ? "; " : "", name);
    if (date != NULL)
        g_string_append_printf(sources, ", %.7s", date);
}

/* Joins the sources by "; " and takes the latest date among them. Dates are 2026, 2026-11 or
 * 2026-11-21, so that comparing the texts compares the dates. */
static gboolean read_sources(ProviderList *list, const json_t *names, const json_t *table,
    Provider *provider, GError **error)
{
    g_autoptr(GString) german = g_string_new(NULL);
    g_autoptr(GString) english = g_string_new(NULL);
    const char *latest = "";
    for (gsize i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const json_t *source = name == NULL ? NULL : json_object_get(table, name);
        const char *shown = json_string_value(json_object_get(source, "short"));
        const char *shown_de = json_string_value(json_object_get(source, "short_de"));
        const char *date = json_string_value(json_object_get(source, "date"));
        if (shown == NULL)
            return refuse(error, "a source is not in the table of sources, or has no short name");
        append_source(english, shown, date);
        append_source(german, shown_de != NULL ? shown_de : shown, date);
        if (date != NULL && strcmp(date, latest) > 0)
            latest = date;
    }
    if (english->len == 0 || latest[0] == '\0')
        return refuse(error, "no source with a date");
    provider->sources_de = keep(list, german->str);
    provider->sources_en = keep(list, english->str);
    provider->checked = keep(list, latest);
    return TRUE;
}

static gboolean read_provider(
    ProviderList *list, json_t *json, const json_t *sources_table, Provider *p, GError **error)
{
    /* limits, DNS records and the like serve later parts of the product: known, but not kept */
    const char *kind;
    json_t *endpoints, *username, *password, *auth, *sender_rule, *spf, *dkim, *sources;
    json_t *oauth = NULL, *limits = NULL, *limit_errors = NULL, *return_path = NULL, *quirks = NULL,
           *manual = NULL;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT,
            "{s:s s:s s?s s:s s:s s:b s?s s?s s?s s:o s:o s:o s:o s?o s?o s?o s:o s:o s:o s?o s?o "
            "s?o "
            "s:o}",
            "id", &p->id, "name", &p->name, "name_de", &p->name_de, "kind", &kind, "country",
            &p->country, "featured", &p->featured, "hint_en", &p->hint_en, "hint_de", &p->hint_de,
            "host_template", &p->host_template, "endpoints", &endpoints, "username", &username,
            "password", &password, "auth", &auth, "oauth", &oauth, "limits", &limits,
            "limit_errors", &limit_errors, "sender_rule", &sender_rule, "spf", &spf, "dkim", &dkim,
            "return_path", &return_path, "quirks", &quirks, "manual", &manual, "sources",
            &sources) != 0)
        return refuse(error, fault.text);
    if ((p->hint_en == NULL) != (p->hint_de == NULL))
        return refuse(error, "a hint in one language only");
    p->id = keep(list, p->id);
    p->name = keep(list, p->name);
    p->name_de = p->name_de != NULL ? keep(list, p->name_de) : p->name;
    p->country = keep(list, p->country);
    p->hint_en = keep(list, p->hint_en);
    p->hint_de = keep(list, p->hint_de);
    p->host_template = keep(list, p->host_template);
    return read_endpoints(list, endpoints, p, error) && read_username(list, username, p, error) &&
           read_password(list, password, p, error) &&
           read_sources(list, sources, sources_table, p, error);
}

static gboolean read_providers(
    ProviderList *list, const json_t *providers, const json_t *sources, GError **error)
{
    guint n = (guint)json_array_size(providers);
    if (n == 0)
        return refuse(error, "providers: not a list with something in it");
    list->providers = g_new0(Provider, n);
    for (guint i = 0; i < n; i++) {
        json_t *json = json_array_get(providers, i);
        const char *id = json_string_value(json_object_get(json, "id"));
        gboolean is_known_already = provider_by_id(list, id) != NULL;
        list->n = i + 1;
        gboolean is_good = is_known_already
                               ? refuse(error, "the id is there twice")
                               : read_provider(list, json, sources, &list->providers[i], error);
        if (!is_good) {
            g_prefix_error(error, "providers, number %u (%s): ", i + 1, id != NULL ? id : "?");
            return FALSE;
        }
    }
    return TRUE;
}

ProviderList *provider_list_new(const char *json, gsize n, GError **error)
{
    int version = 0;
    const char *generated, *about, *licence;
    json_t *confidence, *rules, *sources, *timeline, *providers, *oauth, *domains, *mx_suffixes;
    json_error_t fault;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL ||
        json_unpack_ex(root, &fault, JSON_STRICT,
            "{s:i s:s s:s s:o s:s s:o s:o s:o s:o s:o s:o s:o}", "schema_version", &version,
            "generated", &generated, "about", &about, "confidence_levels", &confidence,
            "licence_note", &licence, "match_rules", &rules, "sources", &sources, "policy_timeline",
            &timeline, "providers", &providers, "oauth", &oauth, "domain_table", &domains,
            "mx_suffix_table", &mx_suffixes) != 0) {
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_INPUT, "providers, line %d: %s", fault.line, fault.text);
        json_decref(root);
        return NULL;
    }
    g_autoptr(ProviderList) list = g_new0(ProviderList, 1);
    list->strings = g_string_chunk_new(4096);
    gboolean is_good = read_providers(list, providers, sources, error);
    json_decref(root);
    return is_good ? g_steal_pointer(&list) : NULL;
}

void provider_list_free(ProviderList *list)
{
    if (list == NULL)
        return;
    for (guint i = 0; i < list->n; i++)
        g_free((gpointer)list->providers[i].endpoints);
    g_free(list->providers);
    g_string_chunk_free(list->strings);
    g_free(list);
}

guint provider_count(const ProviderList *list)
{
    return list->n;
}

const Provider *provider_at(const ProviderList *list, guint i)
{
    g_assert(i < list->n);
    return &list->providers[i];
}

const Provider *provider_by_id(const ProviderList *list, const char *id)
{
    for (guint i = 0; id != NULL && i < list->n; i++) {
        if (strcmp(list->providers[i].id, id) == 0)
            return &list->providers[i];
    }
    return NULL;
}
