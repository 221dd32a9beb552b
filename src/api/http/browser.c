#include "api/http/browser.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

void browser_csrf_token(const char *session_secret, char token[65])
{
    g_autofree char *digest = g_compute_hmac_for_string(G_CHECKSUM_SHA256,
        (const guchar *)session_secret, strlen(session_secret), "absender csrf 1", -1);
    g_strlcpy(token, digest, 65);
}

const char *browser_cookie_name(gboolean is_https)
{
    return is_https ? "__Host-absender" : "absender_session";
}

char *browser_cookie(gboolean is_https, const Secret *secret)
{
    return g_strdup_printf("%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%" G_GINT64_FORMAT "%s",
        browser_cookie_name(is_https), secret ? secret_reveal(secret, NULL) : "",
        secret ? LIMIT_SESSION_MS / CLOCK_SECOND_MS : 0, is_https ? "; Secure" : "");
}

/* Origin must be public_url's, or that of the name the browser has asked for. */
static gboolean origin_is_ours(
    const HttpRequest *request, const char *origin, const char *public_url)
{
    gsize n = strlen(origin);
    if (public_url && g_ascii_strncasecmp(public_url, origin, n) == 0 &&
        (public_url[n] == '\0' || public_url[n] == '/'))
        return TRUE;
    const char *authority = strstr(origin, "://");
    const char *host = http_request_header(request, "Host");
    return authority && host && text_equal_nocase(authority + 3, host);
}

static gboolean is_json(const HttpRequest *request)
{
    const char *type = http_request_header(request, "Content-Type");
    static const char json[] = "application/json";
    if (!type || !text_has_prefix_nocase(type, json))
        return FALSE;
    type += strlen(json);
    return *type == '\0' || *type == ';' || *type == ' ';
}

/* Takes as long wherever the first difference is. */
static gboolean equal_in_constant_time(const char *a, const char *b)
{
    g_autoptr(Secret) left = secret_new(a, strlen(a));
    g_autoptr(Secret) right = secret_new(b, strlen(b));
    return secret_equal(left, right);
}

gboolean browser_is_led_here(const HttpRequest *request)
{
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

const char *browser_fault(const HttpRequest *request, const char *csrf, const char *public_url)
{
    const char *origin = http_request_header(request, "Origin");
    if (browser_is_led_here(request) || (origin && !origin_is_ours(request, origin, public_url)))
        return BROWSER_OTHER_SITE;
    const char *length = http_request_header(request, "Content-Length");
    gboolean has_body =
        http_request_header(request, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
    if (has_body && !is_json(request))
        return "A request with a body needs the content type application/json.";
    const char *token = http_request_header(request, "X-CSRF-Token");
    if (csrf && (!token || !equal_in_constant_time(token, csrf)))
        return "The header X-CSRF-Token is missing or wrong.";
    return NULL;
}
