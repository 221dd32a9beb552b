/* data/providers.json → ProviderList. Strict: a member nobody knows, a text in one language only, a
 * source that is not in the table, a table that names nobody is an error that says where. */
#include "base/error.h"
#include "base/limits.h"
#include "provider/list.h"

#include <jansson.h>
#include <string.h>

typedef struct {
    ProviderList *list;
    const json_t *sources, *sender_rules; /* tables of the file, borrowed */
} Reader;

/* The caller puts the provider's name in front. */
static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, why);
    return FALSE;
}

static const char *keep(Reader *reader, const char *text)
{
    return text == NULL ? NULL : g_string_chunk_insert_const(reader->list->strings, text);
}

/* n elements of this type, owned by the list; NULL for none. */
static gpointer keep_block(Reader *reader, gsize n, gsize bytes)
{
    gpointer block = g_malloc0_n(n, bytes);
    if (block != NULL)
        g_ptr_array_add(reader->list->blocks, block);
    return block;
}

/* A list of texts; those with a part of the account's own are left out. */
static const char *const *keep_texts(Reader *reader, const json_t *json)
{
    gsize n = json_array_size(json), kept = 0;
    const char **texts = keep_block(reader, n + 1, sizeof *texts);
    for (gsize i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(json, i));
        if (text != NULL && strchr(text, '<') == NULL)
            texts[kept++] = keep(reader, text);
    }
    return texts;
}

/* --- Endpoints ------------------------------------------------------------------------------- */

/* Parts in angle brackets must be closed and end at a dot or the name's end, or a host that fits
 * could not be told. */
static gboolean is_host_pattern(const char *host)
{
    for (const char *open = strchr(host, '<'); open != NULL; open = strchr(open + 1, '<')) {
        const char *close = strchr(open, '>');
        if (close == NULL || (close[1] != '.' && close[1] != '\0'))
            return FALSE;
    }
    return host[0] != '\0';
}

static gboolean read_endpoint(
    Reader *reader, json_t *json, ProviderEndpoint *endpoint, GError **error)
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
    if (!is_host_pattern(host) || port < 1 || port > 65535)
        return refuse(error, "an endpoint without host or port");
    endpoint->host = keep(reader, host);
    endpoint->port = (guint16)port;
    return TRUE;
}

static gboolean read_endpoints(Reader *reader, const json_t *json, Provider *p, GError **error)
{
    p->n_endpoints = (guint)json_array_size(json);
    if (p->n_endpoints == 0)
        return refuse(error, "no endpoint");
    ProviderEndpoint *endpoints = keep_block(reader, p->n_endpoints, sizeof *endpoints);
    p->endpoints = endpoints;
    for (guint i = 0; i < p->n_endpoints; i++) {
        if (!read_endpoint(reader, json_array_get(json, i), &endpoints[i], error))
            return FALSE;
    }
    return TRUE;
}

/* --- Login ----------------------------------------------------------------------------------- */

static gboolean read_username(Reader *reader, json_t *json, Provider *p, GError **error)
{
    const char *form, *template, *note_en = NULL, *note_de = NULL, *confidence;
    json_t *sources;
    json_error_t fault;
    int or_email = FALSE;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:s s?b s?s s?s s:s s:o}", "form", &form,
            "template", &template, "or_email", &or_email, "note_en", &note_en, "note_de", &note_de,
            "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    p->username_or_email = or_email;
    p->username_form = keep(reader, form);
    p->username_template = keep(reader, template);
    p->username_note_en = keep(reader, note_en);
    p->username_note_de = keep(reader, note_de);
    return TRUE;
}

static gboolean auth_of_kind(const char *kind, ProviderAuth *auth)
{
    static const struct {
        const char *kind;
        ProviderAuth auth;
    } rows[] = {
        {"mailbox_password", PROVIDER_AUTH_PASSWORD},
        {"app_password", PROVIDER_AUTH_APP_PASSWORD},
        {"none_or_app_password", PROVIDER_AUTH_APP_PASSWORD},
        {"device_password", PROVIDER_AUTH_APP_PASSWORD},
        {"bridge_password", PROVIDER_AUTH_APP_PASSWORD},
        {"smtp_token", PROVIDER_AUTH_APP_PASSWORD},
        {"api_key", PROVIDER_AUTH_API_KEY},
        {"api_secret", PROVIDER_AUTH_API_KEY},
        {"api_token", PROVIDER_AUTH_API_KEY},
        {"smtp_key", PROVIDER_AUTH_API_KEY},
        {"smtp_credentials", PROVIDER_AUTH_API_KEY},
        {"oauth2_preferred", PROVIDER_AUTH_OAUTH2_PREFERRED},
        {"oauth2_only", PROVIDER_AUTH_OAUTH2_ONLY},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            *auth = rows[i].auth;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean read_password(Reader *reader, json_t *json, Provider *p, GError **error)
{
    const char *kind, *app_password, *where_en, *where_de, *url = NULL, *confidence;
    json_t *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:s s:s s:s s?s s:s s:o}", "kind", &kind,
            "app_password", &app_password, "where_en", &where_en, "where_de", &where_de, "url",
            &url, "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    if (!auth_of_kind(kind, &p->auth))
        return refuse(error, "an unknown kind of password");
    p->password_kind = keep(reader, kind);
    p->app_password = keep(reader, app_password);
    p->password_where_en = keep(reader, where_en);
    p->password_where_de = keep(reader, where_de);
    p->password_url = keep(reader, url);
    return TRUE;
}

/* --- OAuth2 ---------------------------------------------------------------------------------- */

static gboolean is_among(const char *text, const char *const *known)
{
    return text != NULL && g_strv_contains(known, text);
}

static gboolean is_https(const char *url)
{
    return g_str_has_prefix(url, "https://");
}

static gboolean read_grants(
    Reader *reader, const json_t *json, ProviderOauth *oauth, GError **error)
{
    static const char *const known[] = {
        "certificate", "client_secret", "refresh_token", "service_account", NULL};
    for (gsize i = 0; i < json_array_size(json); i++) {
        if (!is_among(json_string_value(json_array_get(json, i)), known))
            return refuse(error, "an unknown grant");
    }
    oauth->grants = keep_texts(reader, json);
    return oauth->grants[0] != NULL || refuse(error, "OAuth2 without a grant");
}

static gboolean read_oauth(Reader *reader, json_t *json, Provider *p, GError **error)
{
    static const char *const known[] = {"microsoft", "google", "generic", NULL};
    const char *provider, *tenant = NULL, *authorize = NULL, *token = NULL, *scope = NULL;
    const char *where_en, *where_de, *url, *confidence;
    json_t *grants, *sources;
    int has_device_code = 0;
    json_error_t fault;
    if (json == NULL)
        return TRUE;
    if (json_unpack_ex(json, &fault, JSON_STRICT,
            "{s:s s:o s?s s?s s?s s?s s?b s:s s:s s:s s:s s:o}", "provider", &provider, "grants",
            &grants, "tenant", &tenant, "authorize_url", &authorize, "token_url", &token, "scope",
            &scope, "device_code", &has_device_code, "where_en", &where_en, "where_de", &where_de,
            "url", &url, "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    gboolean is_generic = strcmp(provider, "generic") == 0;
    if (!is_among(provider, known))
        return refuse(error, "OAuth2 of an unknown provider");
    if (is_generic != (authorize != NULL && token != NULL && scope != NULL))
        return refuse(error, "OAuth2's addresses are for generic providers, and there all of them");
    if (is_generic && (!is_https(authorize) || !is_https(token)))
        return refuse(error, "an address of OAuth2 is not https");
    ProviderOauth *oauth = keep_block(reader, 1, sizeof *oauth);
    *oauth = (ProviderOauth){.provider = keep(reader, provider),
        .tenant = keep(reader, tenant),
        .authorize_url = keep(reader, authorize),
        .token_url = keep(reader, token),
        .scope = keep(reader, scope),
        .has_device_code = has_device_code != 0,
        .where_en = keep(reader, where_en),
        .where_de = keep(reader, where_de),
        .url = keep(reader, url)};
    p->oauth = oauth;
    return read_grants(reader, grants, oauth, error);
}

/* --- Ends ------------------------------------------------------------------------------------- */

static const char *source_name(const Reader *reader, const json_t *sources)
{
    const char *first = json_string_value(json_array_get(sources, 0));
    const json_t *source = first == NULL ? NULL : json_object_get(reader->sources, first);
    return json_string_value(json_object_get(source, "short"));
}

static gboolean is_day(const char *date)
{
    g_autofree char *moment = g_strconcat(date, "T00:00:00Z", NULL);
    g_autoptr(GDateTime) day = g_date_time_new_from_iso8601(moment, NULL);
    g_autofree char *again = day == NULL ? NULL : g_date_time_format(day, "%Y-%m-%d");
    return g_strcmp0(again, date) == 0;
}

static gboolean read_ends(Reader *reader, const json_t *json, Provider *p, GError **error)
{
    static const char *const known[] = {"password_login", NULL};
    gsize n = json_array_size(json);
    ProviderEnd *ends = keep_block(reader, n, sizeof *ends);
    p->ends = ends;
    for (; p->n_ends < n; p->n_ends++) {
        const char *what, *at, *text_en, *text_de, *confidence;
        json_t *sources;
        json_error_t fault;
        if (json_unpack_ex(json_array_get(json, p->n_ends), &fault, JSON_STRICT,
                "{s:s s:s s:s s:s s:s s:o}", "what", &what, "at", &at, "text_en", &text_en,
                "text_de", &text_de, "confidence", &confidence, "sources", &sources) != 0)
            return refuse(error, fault.text);
        const char *source = source_name(reader, sources);
        if (!is_among(what, known) || !is_day(at) || source == NULL)
            return refuse(error, "an end of something unknown, on no day or without a source");
        if (p->n_ends > 0 && strcmp(ends[p->n_ends - 1].at, at) > 0)
            return refuse(error, "ends: not in the order of the dates");
        ends[p->n_ends] = (ProviderEnd){keep(reader, what), keep(reader, at), keep(reader, text_de),
            keep(reader, text_en), keep(reader, source)};
    }
    return TRUE;
}

/* --- Limits and rules ------------------------------------------------------------------------ */

static gboolean read_limits(Reader *reader, const json_t *json, Provider *p, GError **error)
{
    p->n_limits = (guint)json_array_size(json);
    ProviderLimit *limits = keep_block(reader, p->n_limits, sizeof *limits);
    p->limits = limits;
    for (guint i = 0; i < p->n_limits; i++) {
        const char *scope, *unit, *confidence, *note = NULL, *text_en, *text_de;
        json_t *value, *sources;
        int for_some = 0;
        json_error_t fault;
        if (json_unpack_ex(json_array_get(json, i), &fault, JSON_STRICT,
                "{s:s s?b s:o s:s s:s s:o s?s s:s s:s}", "scope", &scope, "for_some", &for_some,
                "value", &value, "unit", &unit, "confidence", &confidence, "sources", &sources,
                "note", &note, "text_en", &text_en, "text_de", &text_de) != 0)
            return refuse(error, fault.text);
        limits[i] = (ProviderLimit){keep(reader, text_de), keep(reader, text_en)};
    }
    return TRUE;
}

/* A figure that is shown as the provider's own comes from limits that are more than hearsay; and if
 * one of them holds for some customers only, a note says for whom. */
static gboolean check_origin(
    const json_t *limits, const json_t *from, gboolean has_note, GError **error)
{
    static const char *const known_well[] = {"high", "medium", NULL};
    for (gsize k = 0; k < json_array_size(from); k++) {
        const char *scope = json_string_value(json_array_get(from, k));
        guint n_found = 0;
        for (gsize i = 0; i < json_array_size(limits); i++) {
            const json_t *limit = json_array_get(limits, i);
            if (g_strcmp0(json_string_value(json_object_get(limit, "scope")), scope) != 0)
                continue;
            n_found++;
            if (!is_among(json_string_value(json_object_get(limit, "confidence")), known_well))
                return refuse(error, "a quota from a limit of little confidence");
            if (json_is_true(json_object_get(limit, "for_some")) && !has_note)
                return refuse(error, "a quota for some without a note that says for whom");
        }
        if (n_found == 0)
            return refuse(error, "a quota from a limit that is not there");
    }
    return TRUE;
}

static gboolean read_quota(
    Reader *reader, json_t *json, const json_t *limits, Provider *p, GError **error)
{
    int per_minute = 0, per_hour = 0, per_day = 0, connections = 0;
    const char *basis, *note_de = NULL, *note_en = NULL;
    json_t *from = NULL;
    json_error_t fault;
    if (json == NULL)
        return TRUE;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s?i s?i s?i s?i s:s s?o s?s s?s}", "per_minute",
            &per_minute, "per_hour", &per_hour, "per_day", &per_day, "max_connections",
            &connections, "basis", &basis, "from", &from, "note_de", &note_de, "note_en",
            &note_en) != 0)
        return refuse(error, fault.text);
    gboolean is_sourced = strcmp(basis, "limits") == 0;
    if ((note_de == NULL) != (note_en == NULL))
        return refuse(error, "a quota with a note in one language");
    if (per_minute < 0 || per_hour < 0 || per_day < 0 || per_minute + per_hour + per_day == 0)
        return refuse(error, "a quota without a figure");
    if (connections < 0 || connections > LIMIT_CONNECTIONS)
        return refuse(error, "more connections than settings take");
    if (is_sourced != (json_array_size(from) > 0))
        return refuse(error, "a quota that does not say which limits it is from");
    p->quota = (ProviderQuota){.per_minute = (guint)per_minute,
        .per_hour = (guint)per_hour,
        .per_day = (guint)per_day,
        .max_connections = (guint)connections,
        .is_sourced = is_sourced,
        .note_de = keep(reader, note_de),
        .note_en = keep(reader, note_en)};
    return check_origin(limits, from, note_de != NULL, error);
}

/* The sentence of the rule and, where there is one, the provider's own behind it. */
static const char *rule_text(Reader *reader, const char *sentence, const char *note)
{
    if (note == NULL)
        return keep(reader, sentence);
    g_autofree char *both = g_strconcat(sentence, " ", note, NULL);
    return keep(reader, both);
}

static gboolean read_sender_rule(Reader *reader, json_t *json, Provider *p, GError **error)
{
    const char *rule, *reply = NULL, *note = NULL, *note_en = NULL, *note_de = NULL, *confidence;
    json_t *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s?s s?s s?s s?s s:s s:o}", "rule", &rule,
            "error", &reply, "note", &note, "note_en", &note_en, "note_de", &note_de, "confidence",
            &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    const json_t *row = json_object_get(reader->sender_rules, rule);
    const char *text_en = json_string_value(json_object_get(row, "text_en"));
    const char *text_de = json_string_value(json_object_get(row, "text_de"));
    if (text_en == NULL || text_de == NULL || (note_en == NULL) != (note_de == NULL))
        return refuse(error, "a sender rule without its text in both languages");
    p->sender_rule = keep(reader, rule);
    p->sender_rule_en = rule_text(reader, text_en, note_en);
    p->sender_rule_de = rule_text(reader, text_de, note_de);
    return TRUE;
}

/* --- DNS ------------------------------------------------------------------------------------- */

static gboolean read_spf(Reader *reader, json_t *json, Provider *p, GError **error)
{
    json_t *mechanism, *record, *sources;
    const char *note = NULL, *confidence;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:o s:o s?s s:s s:o}", "mechanism", &mechanism,
            "record", &record, "note", &note, "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    p->spf_mechanism = keep(reader, json_string_value(mechanism));
    p->spf_record = keep(reader, json_string_value(record));
    return TRUE;
}

static gboolean read_dkim(Reader *reader, json_t *json, Provider *p, GError **error)
{
    const char *type, *pattern = NULL, *note = NULL, *confidence;
    json_t *selectors, *records, *sources;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT, "{s:s s:o s?s s:o s?s s:b s:s s:o}", "type",
            &type, "selectors", &selectors, "pattern", &pattern, "records", &records, "note", &note,
            "enumerable", &p->dkim_is_enumerable, "confidence", &confidence, "sources",
            &sources) != 0)
        return refuse(error, fault.text);
    p->dkim_selectors = keep_texts(reader, selectors);
    p->n_dkim_records = (guint)json_array_size(records);
    ProviderDkimRecord *kept = keep_block(reader, p->n_dkim_records, sizeof *kept);
    p->dkim_records = kept;
    for (guint i = 0; i < p->n_dkim_records; i++) {
        const char *name, *record_type, *value;
        if (json_unpack_ex(json_array_get(records, i), &fault, JSON_STRICT, "{s:s s:s s:s}", "name",
                &name, "type", &record_type, "value", &value) != 0)
            return refuse(error, fault.text);
        kept[i] = (ProviderDkimRecord){
            keep(reader, name), keep(reader, record_type), keep(reader, value)};
    }
    return TRUE;
}

/* --- Hosts ----------------------------------------------------------------------------------- */

static gboolean read_wrong_hosts(Reader *reader, const json_t *json, Provider *p, GError **error)
{
    p->n_wrong_hosts = (guint)json_array_size(json);
    ProviderWrongHost *hosts = keep_block(reader, p->n_wrong_hosts, sizeof *hosts);
    p->wrong_hosts = hosts;
    for (guint i = 0; i < p->n_wrong_hosts; i++) {
        const char *host, *right = NULL;
        json_error_t fault;
        if (json_unpack_ex(json_array_get(json, i), &fault, JSON_STRICT, "{s:s s?s}", "host", &host,
                "right", &right) != 0)
            return refuse(error, fault.text);
        hosts[i] = (ProviderWrongHost){keep(reader, host), keep(reader, right)};
    }
    return TRUE;
}

/* domain → host, for addresses of the provider's own. */
static gboolean read_domain_hosts(Reader *reader, json_t *json, GError **error)
{
    const char *domain;
    json_t *host;
    json_object_foreach(json, domain, host)
    {
        if (!json_is_string(host) || !provider_is_host_name(json_string_value(host)))
            return refuse(error, "a host for a domain is none");
        g_autofree char *lower = g_ascii_strdown(domain, -1);
        g_hash_table_insert(reader->list->domain_hosts, (gpointer)keep(reader, lower),
            (gpointer)keep(reader, json_string_value(host)));
    }
    return TRUE;
}

/* --- Sources --------------------------------------------------------------------------------- */

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
static gboolean read_sources(Reader *reader, const json_t *names, Provider *p, GError **error)
{
    g_autoptr(GString) german = g_string_new(NULL);
    g_autoptr(GString) english = g_string_new(NULL);
    const char *latest = "";
    for (gsize i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const json_t *source = name == NULL ? NULL : json_object_get(reader->sources, name);
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
    p->sources_de = keep(reader, german->str);
    p->sources_en = keep(reader, english->str);
    p->checked = keep(reader, latest);
    return TRUE;
}

/* --- One provider ---------------------------------------------------------------------------- */

typedef struct {
    json_t *endpoints, *username, *password, *auth, *oauth, *limits, *quota, *limit_errors,
        *sender_rule, *spf, *dkim, *return_path, *quirks, *replies, *manual, *wrong_hosts,
        *domain_hosts, *other_hosts, *ends, *sources;
} Members;

/* The replies, quirks and manuals are for people who work on this file and for doc/manual: known,
 * but not kept. */
static gboolean unpack(json_t *json, Provider *p, Members *m, GError **error)
{
    json_error_t fault;
    *m = (Members){0};
    if (json_unpack_ex(json, &fault, JSON_STRICT,
            "{s:s s:s s?s s:s s:s s:b s?s s?s s?s s:o s:o s:o s:o s?o s?o s?o s?o s:o s:o s:o s?o "
            "s?o s?o s?o s?o s?o s?o s?o s:s s:o}",
            "id", &p->id, "name", &p->name, "name_de", &p->name_de, "kind", &p->kind, "country",
            &p->country, "featured", &p->featured, "hint_en", &p->hint_en, "hint_de", &p->hint_de,
            "host_template", &p->host_template, "endpoints", &m->endpoints, "username",
            &m->username, "password", &m->password, "auth", &m->auth, "oauth", &m->oauth, "limits",
            &m->limits, "quota", &m->quota, "limit_errors", &m->limit_errors, "sender_rule",
            &m->sender_rule, "spf", &m->spf, "dkim", &m->dkim, "return_path", &m->return_path,
            "quirks", &m->quirks, "replies", &m->replies, "manual", &m->manual, "wrong_hosts",
            &m->wrong_hosts, "domain_hosts", &m->domain_hosts, "other_hosts", &m->other_hosts,
            "ends", &m->ends, "support_url", &p->support_url, "sources", &m->sources) != 0)
        return refuse(error, fault.text);
    return TRUE;
}

static gboolean read_provider(Reader *reader, json_t *json, Provider *p, GError **error)
{
    static const char *const nobody[] = {NULL};
    Members m;
    if (!unpack(json, p, &m, error))
        return FALSE;
    if ((p->hint_en == NULL) != (p->hint_de == NULL))
        return refuse(error, "a hint in one language only");
    p->id = keep(reader, p->id);
    p->name = keep(reader, p->name);
    p->name_de = p->name_de != NULL ? keep(reader, p->name_de) : p->name;
    p->kind = keep(reader, p->kind);
    p->country = keep(reader, p->country);
    p->hint_en = keep(reader, p->hint_en);
    p->hint_de = keep(reader, p->hint_de);
    p->host_template = keep(reader, p->host_template);
    p->support_url = keep(reader, p->support_url);
    p->other_hosts = keep_texts(reader, m.other_hosts);
    p->domains = nobody;
    return read_endpoints(reader, m.endpoints, p, error) &&
           read_username(reader, m.username, p, error) &&
           read_password(reader, m.password, p, error) && read_oauth(reader, m.oauth, p, error) &&
           read_ends(reader, m.ends, p, error) && read_limits(reader, m.limits, p, error) &&
           read_quota(reader, m.quota, m.limits, p, error) &&
           read_sender_rule(reader, m.sender_rule, p, error) && read_spf(reader, m.spf, p, error) &&
           read_dkim(reader, m.dkim, p, error) &&
           read_wrong_hosts(reader, m.wrong_hosts, p, error) &&
           read_domain_hosts(reader, m.domain_hosts, error) &&
           read_sources(reader, m.sources, p, error);
}

static gboolean read_providers(Reader *reader, const json_t *providers, GError **error)
{
    ProviderList *list = reader->list;
    guint n = (guint)json_array_size(providers);
    if (n == 0)
        return refuse(error, "providers: not a list with something in it");
    list->providers = g_new0(Provider, n);
    for (guint i = 0; i < n; i++) {
        json_t *json = json_array_get(providers, i);
        const char *id = json_string_value(json_object_get(json, "id"));
        gboolean is_known_already = provider_by_id(list, id) != NULL;
        gboolean is_good = is_known_already
                               ? refuse(error, "the id is there twice")
                               : read_provider(reader, json, &list->providers[i], error);
        if (!is_good) {
            g_prefix_error(error, "providers, number %u (%s): ", i + 1, id != NULL ? id : "?");
            return FALSE;
        }
        list->n = i + 1;
    }
    return TRUE;
}

/* --- Tables about all of them ---------------------------------------------------------------- */

static Provider *find(Reader *reader, const char *id)
{
    return (Provider *)(gpointer)provider_by_id(reader->list, id);
}

/* domain → id; each provider gets the list of its domains too. */
static gboolean read_domains(Reader *reader, json_t *json, GError **error)
{
    ProviderList *list = reader->list;
    const char *domain;
    json_t *id;
    json_object_foreach(json, domain, id)
    {
        Provider *p = find(reader, json_string_value(id));
        if (p == NULL)
            return refuse(error, "domain_table: a domain of nobody");
        g_autofree char *lower = g_ascii_strdown(domain, -1);
        g_hash_table_insert(list->domains, (gpointer)keep(reader, lower), p);
    }
    for (guint i = 0; i < list->n; i++) {
        GPtrArray *own = g_ptr_array_new();
        json_object_foreach(json, domain, id)
        {
            if (strcmp(json_string_value(id), list->providers[i].id) == 0)
                g_ptr_array_add(own, (gpointer)keep(reader, domain));
        }
        g_ptr_array_add(own, NULL);
        list->providers[i].domains = (const char *const *)g_ptr_array_free(own, FALSE);
        g_ptr_array_add(list->blocks, (gpointer)list->providers[i].domains);
    }
    return TRUE;
}

static gboolean read_mx(Reader *reader, const json_t *json, GError **error)
{
    ProviderList *list = reader->list;
    list->n_mx = (guint)json_array_size(json);
    list->mx = g_new0(ProviderMxRow, list->n_mx);
    for (guint i = 0; i < list->n_mx; i++) {
        const char *suffix, *id, *prefer_host = NULL;
        int use_mx_host = 0;
        json_error_t fault;
        if (json_unpack_ex(json_array_get(json, i), &fault, JSON_STRICT, "{s:s s:s s?s s?b}",
                "suffix", &suffix, "provider", &id, "prefer_host", &prefer_host,
                "use_mx_host_as_smtp", &use_mx_host) != 0)
            return refuse(error, fault.text);
        Provider *p = find(reader, id);
        if (p == NULL || suffix[0] == '\0')
            return refuse(error, "mx_suffix_table: a row of nobody, or without a suffix");
        list->mx[i] =
            (ProviderMxRow){keep(reader, suffix), p, keep(reader, prefer_host), use_mx_host != 0};
        p->mx_host_is_smtp |= use_mx_host != 0;
    }
    return TRUE;
}

static gboolean read_filters(Reader *reader, const json_t *json, GError **error)
{
    ProviderList *list = reader->list;
    list->n_filters = (guint)json_array_size(json);
    list->filters = g_new0(ProviderMxFilter, list->n_filters);
    for (guint i = 0; i < list->n_filters; i++) {
        const char *suffix, *name, *confidence;
        json_t *sources;
        json_error_t fault;
        if (json_unpack_ex(json_array_get(json, i), &fault, JSON_STRICT, "{s:s s:s s:s s:o}",
                "suffix", &suffix, "name", &name, "confidence", &confidence, "sources",
                &sources) != 0)
            return refuse(error, fault.text);
        if (suffix[0] != '.' || name[0] == '\0')
            return refuse(error, "mx_filters: a row without a suffix or a name");
        list->filters[i] = (ProviderMxFilter){keep(reader, suffix), keep(reader, name)};
    }
    return TRUE;
}

static gboolean add_notice(
    Reader *reader, const char *id, const ProviderNotice *notice, GError **error)
{
    Provider *p = find(reader, id);
    if (p == NULL)
        return refuse(error, "policy_timeline: a notice for nobody");
    ProviderNotice *all = keep_block(reader, p->n_notices + 1, sizeof *all);
    if (p->n_notices > 0)
        memcpy(all, p->notices, p->n_notices * sizeof *all);
    if (p->n_notices > 0 && strcmp(p->notices[p->n_notices - 1].date, notice->date) > 0)
        return refuse(error, "policy_timeline: not in the order of the dates");
    all[p->n_notices++] = *notice;
    p->notices = all;
    return TRUE;
}

/* What happened in the business at large; some of it has a notice for those who send through
 * certain providers. */
static gboolean read_timeline(Reader *reader, const json_t *json, GError **error)
{
    for (gsize i = 0; i < json_array_size(json); i++) {
        const json_t *event = json_array_get(json, i);
        json_t *told = json_object_get(event, "notice");
        const char *source = source_name(reader, json_object_get(event, "sources"));
        const char *date, *text_de, *text_en;
        json_t *providers;
        json_error_t fault;
        if (told == NULL)
            continue;
        if (json_unpack_ex(told, &fault, JSON_STRICT, "{s:s s:o s:s s:s}", "date", &date,
                "providers", &providers, "text_en", &text_en, "text_de", &text_de) != 0)
            return refuse(error, fault.text);
        if (source == NULL || strlen(date) != strlen("2026-12-31"))
            return refuse(error, "policy_timeline: a notice without a source or a whole date");
        const ProviderNotice notice = {
            keep(reader, date), keep(reader, text_de), keep(reader, text_en), keep(reader, source)};
        for (gsize k = 0; k < json_array_size(providers); k++) {
            if (!add_notice(
                    reader, json_string_value(json_array_get(providers, k)), &notice, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* --- The file -------------------------------------------------------------------------------- */

static ProviderList *new_list(void)
{
    ProviderList *list = g_new0(ProviderList, 1);
    list->strings = g_string_chunk_new(4096);
    list->blocks = g_ptr_array_new_with_free_func(g_free);
    list->domains = g_hash_table_new(g_str_hash, g_str_equal);
    list->domain_hosts = g_hash_table_new(g_str_hash, g_str_equal);
    return list;
}

ProviderList *provider_list_new(const char *json, gsize n, GError **error)
{
    int version = 0;
    const char *generated, *about, *licence;
    json_t *confidence, *rules, *sources, *sender_rules, *timeline, *providers, *oauth, *domains,
        *mx_suffixes, *filters;
    json_error_t fault;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL ||
        json_unpack_ex(root, &fault, JSON_STRICT,
            "{s:i s:s s:s s:o s:s s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "schema_version", &version,
            "generated", &generated, "about", &about, "confidence_levels", &confidence,
            "licence_note", &licence, "match_rules", &rules, "sources", &sources, "sender_rules",
            &sender_rules, "policy_timeline", &timeline, "providers", &providers, "oauth", &oauth,
            "domain_table", &domains, "mx_suffix_table", &mx_suffixes, "mx_filters",
            &filters) != 0) {
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_INPUT, "providers, line %d: %s", fault.line, fault.text);
        json_decref(root);
        return NULL;
    }
    g_autoptr(ProviderList) list = new_list();
    Reader reader = {list, sources, sender_rules};
    gboolean is_good =
        read_providers(&reader, providers, error) && read_domains(&reader, domains, error) &&
        read_mx(&reader, mx_suffixes, error) && read_filters(&reader, filters, error) &&
        read_timeline(&reader, timeline, error);
    json_decref(root);
    return is_good ? g_steal_pointer(&list) : NULL;
}
