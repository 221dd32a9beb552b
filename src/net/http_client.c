#include "net/http_client.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/curl_start.h"

#include <string.h>

typedef struct {
    NetHttpAnswer *answer;
    GByteArray *body;
    gboolean is_too_large;
} Reading;

void net_http_answer_free(NetHttpAnswer *answer)
{
    if (answer == NULL)
        return;
    g_free(answer->content_type);
    g_free(answer->etag);
    g_free(answer->location);
    if (answer->body != NULL)
        g_bytes_unref(answer->body);
    g_free(answer);
}

/* --- the answer --------------------------------------------------------------------------------
 */

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
    Reading *reading = user;
    if (n > LIMIT_HTTP_ANSWER_BYTES - reading->body->len) {
        reading->is_too_large = TRUE;
        return 0; /* ends the transfer */
    }
    g_byte_array_append(reading->body, (const guint8 *)data, (guint)n);
    return n;
}

static size_t on_header(char *line, size_t one, size_t n, void *user)
{
    NetHttpAnswer *answer = ((Reading *)user)->answer;
    const struct {
        const char *name;
        char **value;
    } kept[] = {
        {"content-type:", &answer->content_type},
        {"etag:", &answer->etag},
        {"location:", &answer->location},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        gsize name_n = strlen(kept[i].name);
        if (n <= name_n || g_ascii_strncasecmp(line, kept[i].name, name_n) != 0)
            continue;
        g_free(*kept[i].value);
        *kept[i].value = g_strstrip(g_strndup(line + name_n, n - name_n));
    }
    return n;
}

/* --- the question ------------------------------------------------------------------------------
 */

static gboolean is_token(const char *method)
{
    for (const char *p = method; *p != '\0'; p++)
        if (!g_ascii_isupper(*p))
            return FALSE;
    return method[0] != '\0';
}

/* What would end the request line or a header early. */
static gboolean request_is_sound(const char *method, const char *path, const char *const *headers)
{
    if (!is_token(method) || path[0] != '/')
        return FALSE;
    for (const char *p = path; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) || *p == '#')
            return FALSE;
    for (; headers != NULL && *headers != NULL; headers++)
        if (!text_is_one_line(*headers, TRUE) || strchr(*headers, ':') == NULL)
            return FALSE;
    return TRUE;
}

static struct curl_slist *header_list(const char *const *headers)
{
    /* "Expect: 100-continue" would cost a large body a round trip and a second. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (; headers != NULL && *headers != NULL; headers++)
        list = curl_slist_append(list, *headers);
    return list;
}

static void set_request(CURL *curl, const char *socket_path, const char *method, GBytes *body)
{
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* and so no proxy variable */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)LIMIT_HTTP_CALL_MS);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL) {
        gsize n = 0;
        gconstpointer data = g_bytes_get_data(body, &n);
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data != NULL ? data : "");
    }
}

static void set_error(const Reading *reading, CURLcode code, const char *path, GError **error)
{
    if (reading->is_too_large)
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT, "the answer is larger than %d bytes",
            LIMIT_HTTP_ANSWER_BYTES);
    else if (code == CURLE_COULDNT_CONNECT)
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO,
            "nobody listens at \"%s\": is the service running?", path);
    else
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "no complete answer from \"%s\": %s", path,
            curl_easy_strerror(code));
}

static CURLcode perform(CURL *curl, Reading *reading, const char *path, const char *const *headers)
{
    g_autofree char *url = g_strconcat("http://localhost", path, NULL);
    struct curl_slist *list = header_list(headers);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reading);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reading);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(list);
    return code;
}

NetHttpAnswer *net_http_unix(const char *socket_path, const char *method, const char *path,
    const char *const *headers, GBytes *body, GError **error)
{
    if (!request_is_sound(method, path, headers)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "the request holds what HTTP cannot carry");
        return NULL;
    }
    net_curl_start();
    g_autoptr(CURL) curl = curl_easy_init();
    g_autoptr(NetHttpAnswer) answer = g_new0(NetHttpAnswer, 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Reading reading = {.answer = answer, .body = bytes};
    if (curl == NULL)
        g_error("out of memory for an HTTP request");
    set_request(curl, socket_path, method, body);
    CURLcode code = perform(curl, &reading, path, headers);
    if (code != CURLE_OK) {
        set_error(&reading, code, socket_path, error);
        return NULL;
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->body = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    return g_steal_pointer(&answer);
}
