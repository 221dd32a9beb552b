#include "api/public_url.h"

#include "api/state.h"
#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"
#include "store/organisations.h"

#include <string.h>

struct public_url {
    char *operator_url; /* NULL: none */
    char *listen_url;   /* "http://127.0.0.1:8465" */
    char *listen_host;
    GMutex mutex;
    char *stored_url; /* NULL: none */
    char *host;       /* of what is in force */
};

const char *public_url_source_name(PublicUrlSource source)
{
    switch (source) {
    case PUBLIC_URL_OPERATOR:
        return "operator";
    case PUBLIC_URL_STORED:
        return "stored";
    case PUBLIC_URL_LISTEN:
        return "listen";
    }
    g_assert_not_reached();
}

/* --- Reading --------------------------------------------------------------------------------- */

char *public_url_parse(const char *text)
{
    if (!text || strlen(text) > LIMIT_URL_BYTES)
        return NULL;
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    if (!uri || g_uri_get_userinfo(uri) || g_uri_get_query(uri) || g_uri_get_fragment(uri) ||
        (*g_uri_get_path(uri) && strcmp(g_uri_get_path(uri), "/") != 0))
        return NULL;
    gboolean is_https = text_equal_nocase(g_uri_get_scheme(uri), "https");
    g_autofree char *host = mime_host_parse(g_uri_get_host(uri), NULL);
    if (!host || (!is_https && !text_equal_nocase(g_uri_get_scheme(uri), "http")))
        return NULL;
    gint port = g_uri_get_port(uri);
    gboolean is_usual = port == -1 || port == (is_https ? 443 : 80);
    g_autofree char *number = is_usual ? g_strdup("") : g_strdup_printf(":%d", port);
    gboolean is_ipv6 = strchr(host, ':') != NULL;
    return g_strconcat(is_https ? "https://" : "http://", is_ipv6 ? "[" : "", host,
        is_ipv6 ? "]" : "", number, NULL);
}

/* The host of "mail.example.com:8465" or "[::1]:8465" as mime_host_parse writes it; NULL: none. */
static char *host_of(const char *authority)
{
    const char *colon = strrchr(authority, ':');
    gboolean has_port = colon && !strchr(colon, ']');
    g_autofree char *host =
        has_port ? g_strndup(authority, (gsize)(colon - authority)) : g_strdup(authority);
    return mime_host_parse(host, NULL);
}

static char *host_of_url(const char *url)
{
    return host_of(strstr(url, "://") + strlen("://"));
}

/* --- What is in force ------------------------------------------------------------------------ */

static const char *url_in_force(const PublicUrl *url)
{
    if (url->operator_url)
        return url->operator_url;
    return url->stored_url ? url->stored_url : url->listen_url;
}

static void set_stored(PublicUrl *url, const char *stored)
{
    g_mutex_lock(&url->mutex);
    g_free(url->stored_url);
    g_free(url->host);
    url->stored_url = g_strdup(stored);
    url->host = host_of_url(url_in_force(url));
    g_mutex_unlock(&url->mutex);
}

static gboolean read_stored(PublicUrl *url, Store *store, GError **error)
{
    Db *db = store_reader_take(store);
    g_autoptr(Organisation) organisation = organisation_read(db, STORE_DEFAULT_ORG, error);
    store_reader_give(store, db);
    if (organisation)
        set_stored(url, organisation->public_url);
    return organisation != NULL;
}

PublicUrl *public_url_new(
    Store *store, const char *operator_url, const char *listen, guint16 port, GError **error)
{
    PublicUrl *url = g_new0(PublicUrl, 1);
    const char *colon = strrchr(listen, ':');
    g_mutex_init(&url->mutex);
    url->operator_url = public_url_parse(operator_url);
    if (operator_url && !url->operator_url) /* a form that only the operator may use */
        url->operator_url = g_strdup(operator_url);
    url->listen_url = g_strdup_printf("http://%.*s:%u", (int)(colon - listen), listen, (guint)port);
    url->listen_host = host_of(listen);
    if (read_stored(url, store, error))
        return url;
    public_url_free(url);
    return NULL;
}

void public_url_free(PublicUrl *url)
{
    if (!url)
        return;
    g_mutex_clear(&url->mutex);
    g_free(url->operator_url);
    g_free(url->listen_url);
    g_free(url->listen_host);
    g_free(url->stored_url);
    g_free(url->host);
    g_free(url);
}

char *public_url_dup(const struct api *api)
{
    g_mutex_lock(&api->url->mutex);
    char *text = g_strdup(url_in_force(api->url));
    g_mutex_unlock(&api->url->mutex);
    return text;
}

char *public_url_oauth_return_dup(const struct api *api)
{
    g_autofree char *url = public_url_dup(api);
    return g_strconcat(url, "/oauth/return", NULL);
}

gboolean public_url_is_https(const struct api *api)
{
    g_mutex_lock(&api->url->mutex);
    gboolean is_https = g_str_has_prefix(url_in_force(api->url), "https://");
    g_mutex_unlock(&api->url->mutex);
    return is_https;
}

PublicUrlSource public_url_source(const struct api *api)
{
    if (api->url->operator_url)
        return PUBLIC_URL_OPERATOR;
    g_mutex_lock(&api->url->mutex);
    PublicUrlSource source = api->url->stored_url ? PUBLIC_URL_STORED : PUBLIC_URL_LISTEN;
    g_mutex_unlock(&api->url->mutex);
    return source;
}

void public_url_note_stored(const struct api *api, const char *url)
{
    set_stored(api->url, url);
}

/* --- Host headers ---------------------------------------------------------------------------- */

static gboolean is_loopback(const char *host)
{
    if (text_equal_nocase(host, "localhost"))
        return TRUE;
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
    return address && g_inet_address_get_is_loopback(address);
}

static gboolean is_always_known(const PublicUrl *url, const char *host)
{
    return is_loopback(host) || g_strcmp0(host, url->listen_host) == 0;
}

gboolean public_url_knows_host(const struct api *api, const char *host)
{
    if (public_url_source(api) == PUBLIC_URL_LISTEN)
        return TRUE;
    g_autofree char *name = host_of(host);
    g_mutex_lock(&api->url->mutex);
    gboolean is_public = name && g_strcmp0(name, api->url->host) == 0;
    g_mutex_unlock(&api->url->mutex);
    return is_public || (name && is_always_known(api->url, name));
}

/* The session's cookie is bound to https by its name, or free of it: one that was set for the other
 * scheme would not come back. A browser says with each change by which it came; on this machine
 * itself both will do. */
static gboolean keeps_scheme(const ApiCall *call, const char *host, const char *url)
{
    const char *origin = http_request_header(call->request, "Origin");
    return !origin || is_loopback(host) ||
           g_str_has_prefix(url, "https://") == text_has_prefix_nocase(origin, "https://");
}

const char *public_url_fault(const ApiCall *call, const char *url)
{
    const PublicUrl *known = call->api->url;
    if (known->operator_url)
        return "public_url_is_fixed";
    const char *came_by = http_request_header(call->request, "Host");
    gboolean is_browser = !call->request->is_control && call->caller.kind != PEOPLE_CALLER_TOKEN;
    if (!is_browser || !came_by)
        return NULL;
    g_autofree char *host = host_of(came_by), *next = host_of_url(url);
    gboolean stays_known = host && (strcmp(host, next) == 0 || is_always_known(known, host));
    return stays_known && keeps_scheme(call, host, url) ? NULL : "public_url_elsewhere";
}
