#include "api/http/http.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"

#include <string.h>

static void pair_free(gpointer data)
{
    HttpPair *pair = data;
    secret_wipe(pair->value, strlen(pair->value)); /* cookies and tokens travel in headers */
    g_free(pair->value);
    g_free(pair->name);
    g_free(pair);
}

static void pair_add(GPtrArray *pairs, char *name, char *value)
{
    HttpPair *pair = g_new(HttpPair, 1);
    *pair = (HttpPair){name, value};
    g_ptr_array_add(pairs, pair);
}

static const char *pair_find(const GPtrArray *pairs, const char *name, gboolean any_case)
{
    for (guint i = 0; i < pairs->len; i++) {
        const HttpPair *pair = pairs->pdata[i];
        if (any_case ? text_equal_nocase(pair->name, name) : strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

HttpRequest *http_request_new(const char *method, const char *path, const char *client)
{
    HttpRequest *request = g_new0(HttpRequest, 1);
    request->method = g_strdup(method);
    request->path = g_strdup(path);
    request->client = g_strdup(client);
    request->headers = g_ptr_array_new_with_free_func(pair_free);
    request->query = g_ptr_array_new_with_free_func(pair_free);
    return request;
}

static void body_wipe(HttpRequest *request)
{
    if (request->body)
        secret_wipe(request->body, request->body_bytes);
    g_clear_pointer(&request->body, g_free);
    request->body_bytes = 0;
}

void http_request_clear(HttpRequest *request)
{
    if (request->free_call)
        request->free_call(request->call);
    body_wipe(request);
    g_free(request->method);
    g_free(request->path);
    g_free(request->client);
    g_ptr_array_unref(request->headers);
    g_ptr_array_unref(request->query);
    memset(request, 0, sizeof *request);
}

void http_request_free(HttpRequest *request)
{
    if (!request)
        return;
    http_request_clear(request);
    g_free(request);
}

void http_request_add_header(HttpRequest *request, const char *name, const char *value)
{
    pair_add(request->headers, g_strdup(name), g_strdup(value));
}

gboolean http_request_add_query(HttpRequest *request, const char *name, const char *value)
{
    /* g_uri_unescape_string refuses %00 and broken escapes. */
    g_autofree char *plain_name = g_uri_unescape_string(name, NULL);
    g_autofree char *plain_value = g_uri_unescape_string(value, NULL);
    if (!plain_name || !plain_value || !g_utf8_validate(plain_name, -1, NULL) ||
        !g_utf8_validate(plain_value, -1, NULL))
        return FALSE;
    pair_add(request->query, g_steal_pointer(&plain_name), g_steal_pointer(&plain_value));
    return TRUE;
}

const char *http_request_header(const HttpRequest *request, const char *name)
{
    return pair_find(request->headers, name, TRUE);
}

const char *http_request_query(const HttpRequest *request, const char *name)
{
    return pair_find(request->query, name, FALSE);
}

char *http_request_header_list(const HttpRequest *request, const char *name)
{
    GString *list = NULL;
    for (guint i = 0; i < request->headers->len; i++) {
        const HttpPair *pair = request->headers->pdata[i];
        if (!text_equal_nocase(pair->name, name))
            continue;
        if (list)
            g_string_append_printf(list, ", %s", pair->value);
        else
            list = g_string_new(pair->value);
    }
    return list ? g_string_free(list, FALSE) : NULL;
}

char *http_request_cookie(const HttpRequest *request, const char *name)
{
    const char *header = http_request_header(request, "Cookie");
    if (!header)
        return NULL;
    gsize name_n = strlen(name);
    while (*header) {
        header += strspn(header, " ;");
        gsize n = strcspn(header, ";");
        if (n > name_n && strncmp(header, name, name_n) == 0 && header[name_n] == '=')
            return g_strndup(header + name_n + 1, n - name_n - 1);
        header += n;
    }
    return NULL;
}

/* --- The head -------------------------------------------------------------------------------- */

/* Said twice, these would mean two things to two readers. */
static const char *const single_headers[] = {"Host", "Content-Length", "Transfer-Encoding",
    "Content-Type", "Authorization", "Cookie", "If-Match", "X-CSRF-Token", "Idempotency-Key",
    "Origin", "Sec-Fetch-Site"};

static guint header_count(const HttpRequest *request, const char *name)
{
    guint count = 0;
    for (guint i = 0; i < request->headers->len; i++) {
        const HttpPair *pair = request->headers->pdata[i];
        count += text_equal_nocase(pair->name, name) ? 1 : 0;
    }
    return count;
}

static gsize head_bytes(const HttpRequest *request)
{
    gsize bytes = strlen(request->path);
    for (guint i = 0; i < request->query->len; i++) {
        const HttpPair *pair = request->query->pdata[i];
        bytes += strlen(pair->name) + strlen(pair->value) + 2;
    }
    for (guint i = 0; i < request->headers->len; i++) {
        const HttpPair *pair = request->headers->pdata[i];
        bytes += strlen(pair->name) + strlen(pair->value) + 4;
    }
    return bytes;
}

const char *http_head_fault(const HttpRequest *request, const char *version, const char **detail)
{
    if (strcmp(version, "HTTP/1.1") != 0) {
        *detail = "This server speaks HTTP/1.1.";
        return "version_not_supported";
    }
    if (head_bytes(request) > LIMIT_HTTP_HEADER_BYTES) {
        *detail = "Address and header together are too large.";
        return "headers_too_large";
    }
    for (gsize i = 0; i < G_N_ELEMENTS(single_headers); i++) {
        if (header_count(request, single_headers[i]) > 1) {
            *detail = "A header that may occur once occurs twice.";
            return "malformed_request";
        }
    }
    const char *host = http_request_header(request, "Host");
    const char *length = http_request_header(request, "Content-Length");
    const char *coding = http_request_header(request, "Transfer-Encoding");
    if (!host || !*host)
        *detail = "The Host header is missing.";
    else if (length && coding)
        *detail = "Content-Length and Transfer-Encoding exclude each other.";
    else if (length && (!*length || strspn(length, "0123456789") != strlen(length)))
        *detail = "Content-Length is not a number.";
    else if (coding && !text_equal_nocase(coding, "chunked"))
        *detail = "Only the transfer coding \"chunked\" is understood.";
    else
        return NULL;
    return "malformed_request";
}

/* --- Answer ---------------------------------------------------------------------------------- */

HttpAnswer *http_answer_new(int status, const char *content_type, GBytes *body)
{
    HttpAnswer *answer = g_new0(HttpAnswer, 1);
    answer->status = status;
    answer->content_type = content_type;
    answer->body = body;
    answer->headers = g_ptr_array_new_with_free_func(pair_free);
    return answer;
}

static void text_wipe(gpointer data)
{
    char *text = data;
    secret_wipe(text, strlen(text));
    g_free(text);
}

HttpAnswer *http_answer_new_text(int status, const char *content_type, char *text)
{
    return http_answer_new(
        status, content_type, g_bytes_new_with_free_func(text, strlen(text), text_wipe, text));
}

HttpAnswer *http_answer_new_stream(HttpStream *stream)
{
    HttpAnswer *answer = http_answer_new(200, "text/event-stream", NULL);
    answer->stream = stream;
    return answer;
}

void http_answer_set_header(HttpAnswer *answer, const char *name, const char *value)
{
    for (guint i = 0; i < answer->headers->len; i++) {
        HttpPair *pair = answer->headers->pdata[i];
        if (text_equal_nocase(pair->name, name)) {
            g_free(pair->value);
            pair->value = g_strdup(value);
            return;
        }
    }
    pair_add(answer->headers, g_strdup(name), g_strdup(value));
}

const char *http_answer_header(const HttpAnswer *answer, const char *name)
{
    return pair_find(answer->headers, name, TRUE);
}

void http_answer_free(HttpAnswer *answer)
{
    if (!answer)
        return;
    g_clear_pointer(&answer->body, g_bytes_unref);
    g_clear_pointer(&answer->stream, http_stream_unref);
    g_ptr_array_unref(answer->headers);
    g_free(answer);
}
