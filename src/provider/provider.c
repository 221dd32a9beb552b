#include "provider/provider.h"

#include "base/limits.h"
#include "base/text.h"
#include "provider/list.h"

#include <string.h>

const char *provider_auth_name(ProviderAuth auth)
{
    switch (auth) {
    case PROVIDER_AUTH_PASSWORD:
        return "password";
    case PROVIDER_AUTH_APP_PASSWORD:
        return "app_password";
    case PROVIDER_AUTH_API_KEY:
        return "api_key";
    case PROVIDER_AUTH_OAUTH2_PREFERRED:
        return "oauth2_preferred";
    case PROVIDER_AUTH_OAUTH2_ONLY:
        return "oauth2_only";
    }
    g_assert_not_reached();
}

void provider_list_free(ProviderList *list)
{
    if (list == NULL)
        return;
    g_hash_table_unref(list->domains);
    g_hash_table_unref(list->domain_hosts);
    g_ptr_array_unref(list->blocks);
    g_string_chunk_free(list->strings);
    g_free(list->providers);
    g_free(list->mx);
    g_free(list->filters);
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

/* --- Who is it? ------------------------------------------------------------------------------ */

const Provider *provider_by_domain(const ProviderList *list, const char *domain)
{
    g_autofree char *lower = g_ascii_strdown(domain, -1);
    return g_hash_table_lookup(list->domains, lower);
}

const char *provider_domain_host(const ProviderList *list, const char *domain)
{
    g_autofree char *lower = g_ascii_strdown(domain, -1);
    return g_hash_table_lookup(list->domain_hosts, lower);
}

static gboolean is_label_byte(char byte)
{
    return g_ascii_isalnum(byte) || byte == '-';
}

gboolean provider_is_host_name(const char *text)
{
    gsize n = strlen(text), n_label = 0, n_dots = 0;
    gboolean has_letter = FALSE; /* in this label */
    for (gsize i = 0; i < n; i++) {
        gboolean is_edge = n_label == 0 || i + 1 == n || text[i + 1] == '.';
        if (text[i] == '.' && n_label == 0)
            return FALSE;
        if (text[i] != '.' && (!is_label_byte(text[i]) || (text[i] == '-' && is_edge)))
            return FALSE;
        if (text[i] == '.') {
            n_dots++;
            has_letter = FALSE;
        }
        has_letter |= g_ascii_isalpha(text[i]);
        n_label = text[i] == '.' ? 0 : n_label + 1;
        if (n_label > 63)
            return FALSE;
    }
    return n_dots > 0 && n_label > 0 && has_letter && n <= LIMIT_HOST_OCTETS;
}

static const ProviderWrongHost *find_wrong(const Provider *provider, const char *host)
{
    for (guint i = 0; i < provider->n_wrong_hosts; i++) {
        if (text_equal_nocase(provider->wrong_hosts[i].host, host))
            return &provider->wrong_hosts[i];
    }
    return NULL;
}

static gboolean suffix_fits(const char *suffix, const char *host)
{
    gsize n_suffix = strlen(suffix), n_host = strlen(host);
    if (suffix[0] != '.')
        return g_ascii_strcasecmp(suffix, host) == 0;
    return n_host > n_suffix && g_ascii_strcasecmp(suffix, host + (n_host - n_suffix)) == 0;
}

const Provider *provider_by_mx(
    const ProviderList *list, const char *mx_host, const char **prefer_host)
{
    const ProviderMxRow *best = NULL;
    for (guint i = 0; provider_is_host_name(mx_host) && i < list->n_mx; i++) {
        const ProviderMxRow *row = &list->mx[i];
        if (suffix_fits(row->suffix, mx_host) &&
            (best == NULL || strlen(row->suffix) > strlen(best->suffix)))
            best = row;
    }
    gboolean is_smtp = best != NULL && best->use_mx_host_as_smtp &&
                       !provider_host_is_wrong(best->provider, mx_host);
    if (prefer_host != NULL)
        *prefer_host = best == NULL ? NULL : is_smtp ? mx_host : best->prefer_host;
    return best == NULL ? NULL : best->provider;
}

const char *provider_filter_by_mx(const ProviderList *list, const char *mx_host)
{
    for (guint i = 0; provider_is_host_name(mx_host) && i < list->n_filters; i++) {
        if (suffix_fits(list->filters[i].suffix, mx_host))
            return list->filters[i].name;
    }
    return NULL;
}

/* A part in angle brackets stands for one or more letters, digits and hyphens within a label. No
 * pattern has such bytes behind its bracket (read.c refuses it), so the longest run is the only
 * fit. */
static gboolean host_fits(const char *pattern, const char *host)
{
    while (*pattern != '\0') {
        if (*pattern == '<') {
            const char *start = host;
            while (is_label_byte(*host))
                host++;
            if (host == start)
                return FALSE;
            pattern = strchr(pattern, '>') + 1;
        } else if (g_ascii_tolower(*pattern++) != g_ascii_tolower(*host++)) {
            return FALSE;
        }
    }
    return *host == '\0';
}

static gboolean has_host(const Provider *provider, const char *host)
{
    for (guint i = 0; i < provider->n_endpoints; i++) {
        if (host_fits(provider->endpoints[i].host, host))
            return TRUE;
    }
    for (guint i = 0; provider->other_hosts[i] != NULL; i++) {
        if (text_equal_nocase(provider->other_hosts[i], host))
            return TRUE;
    }
    return find_wrong(provider, host) != NULL;
}

const Provider *provider_by_host(const ProviderList *list, const char *host)
{
    for (guint i = 0; i < list->n; i++) {
        if (has_host(&list->providers[i], host))
            return &list->providers[i];
    }
    for (guint i = 0; i < list->n_mx; i++) {
        if (list->mx[i].prefer_host != NULL && text_equal_nocase(list->mx[i].prefer_host, host))
            return list->mx[i].provider;
    }
    return NULL;
}

/* --- What to fill in ------------------------------------------------------------------------- */

static gboolean has_domain(const Provider *provider, const char *domain)
{
    for (guint i = 0; provider->domains[i] != NULL; i++) {
        if (text_equal_nocase(provider->domains[i], domain))
            return TRUE;
    }
    return FALSE;
}

/* A user name made of the local part, or one that must be an address of the provider, follows from
 * the address only where the address is the provider's own. */
char *provider_username(const Provider *provider, const char *email)
{
    const char *template = provider->username_template;
    const char *at = strrchr(email, '@');
    if (strchr(template, '<') != NULL || at == NULL)
        return NULL;
    if (strchr(template, '{') == NULL)
        return g_strdup(template);
    gboolean is_own = has_domain(provider, at + 1);
    if (strcmp(template, "{localpart}") == 0)
        return is_own ? g_strndup(email, (gsize)(at - email)) : NULL;
    if (strcmp(provider->username_form, "icloud_address") == 0 && !is_own)
        return NULL;
    return g_strdup(email);
}

/* How many bytes of a template stand in every name made from it: up to the first placeholder, of
 * which "x" is one as well ("<m0xxxxxx>"). */
static gsize fixed_bytes(const char *template)
{
    return strcspn(template, "x<>{");
}

gboolean provider_may_take_username(const Provider *provider, const char *username)
{
    const char *template = provider->username_template;
    const char *start = template + (template[0] == '<' ? 1 : 0);
    gsize n = fixed_bytes(start);
    const char *at = strchr(username, '@');
    if (at != NULL && at != username && at[1] != '\0')
        return provider->username_or_email || strcmp(template, "{email}") == 0;
    return n > 0 && g_ascii_strncasecmp(username, start, n) == 0;
}

char *provider_host(const Provider *provider, const ProviderEndpoint *endpoint, const char *mx_host)
{
    if (strchr(endpoint->host, '<') == NULL)
        return g_strdup(endpoint->host);
    if (mx_host != NULL && provider->mx_host_is_smtp && host_fits(endpoint->host, mx_host) &&
        !provider_host_is_wrong(provider, mx_host))
        return g_ascii_strdown(mx_host, -1);
    return NULL;
}

char *provider_right_host(const Provider *provider, const char *host, const char *mx_host)
{
    const ProviderWrongHost *wrong = find_wrong(provider, host);
    if (wrong == NULL)
        return NULL;
    if (wrong->right != NULL)
        return g_strdup(wrong->right);
    return provider_host(provider, &provider->endpoints[0], mx_host);
}

gboolean provider_host_is_wrong(const Provider *provider, const char *host)
{
    return find_wrong(provider, host) != NULL;
}
