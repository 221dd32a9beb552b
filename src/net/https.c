#include "net/https.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/curl_start.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 1000 /* longest wait between two looks at the clock */

/* One request. */
typedef struct {
    NetDns *dns;
    const NetPolicy *policy;
    const char *ca_file, *url;
    char *host, *port;
    MonoMs ends_at;
    gsize most_bytes, header_bytes;
    GByteArray *body;
    const NetHttpsPost *post; /* NULL: no such one */
    const NetHttpsCall *call; /* NULL: no such one; both NULL: a GET */
    const char *sys;          /* see NetHttpsFault */
    gboolean is_too_large, is_cut, is_ca_unreadable, is_denied;
} Request;

typedef CURLM Multi;
typedef CURLU Url;
typedef struct curl_slist List;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Multi, curl_multi_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Url, curl_url_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(List, curl_slist_free_all)

static gint64 left_ms(const Request *request)
{
    return MAX(request->ends_at - clock_mono_ms(), 0);
}

/* --- the URL -----------------------------------------------------------------------------------
 */

static char *url_part(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    if (curl_url_get(url, part, &value, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return NULL;
    char *ours = g_strdup(value);
    curl_free(value);
    return ours;
}

static gboolean is_name(const char *host)
{
    struct in_addr four;
    return host[0] != '[' && inet_pton(AF_INET, host, &four) != 1;
}

static gboolean is_plain(const char *text)
{
    gsize n = strlen(text);
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isgraph(text[i]))
            return FALSE;
    return n <= LIMIT_URL_BYTES;
}

/* Fills host and port; the caller frees them, whatever comes of it. */
static gboolean read_url(const char *text, char **host, char **port, GError **error)
{
    g_autoptr(Url) url = curl_url();
    gboolean is_good =
        is_plain(text) && url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    if (is_good) {
        g_autofree char *scheme = url_part(url, CURLUPART_SCHEME);
        g_autofree char *user = url_part(url, CURLUPART_USER);
        g_autofree char *password = url_part(url, CURLUPART_PASSWORD);
        *host = url_part(url, CURLUPART_HOST);
        *port = url_part(url, CURLUPART_PORT);
        is_good = g_strcmp0(scheme, "https") == 0 && user == NULL && password == NULL &&
                  *host != NULL && *port != NULL;
    }
    if (!is_good)
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "the address of an HTTPS request must be https://HOST/PATH");
    else if (!is_name(*host))
        g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED,
            "an HTTPS request goes to a name, not to the address %s", *host);
    return is_good && is_name(*host);
}

/* --- its addresses -----------------------------------------------------------------------------
 */

static gboolean is_permitted(const NetPolicy *policy, const char *address)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
        return net_policy_permits(policy, (struct sockaddr *)&four);
    return inet_pton(AF_INET6, address, &six.sin6_addr) == 1 &&
           net_policy_permits(policy, (struct sockaddr *)&six);
}

/* Appends it if the policy permits it. */
static void add_address(const Request *request, const char *address, GString *list)
{
    if (!is_permitted(request->policy, address))
        return;
    gboolean is_six = strchr(address, ':') != NULL;
    g_string_append_printf(
        list, is_six ? "%s[%s]" : "%s%s", list->str[list->len - 1] == ':' ? "" : ",", address);
}

/* Returns how many there were, permitted or not. */
static guint add_answer(const Request *request, const DnsAnswer *answer, GString *list)
{
    guint n = MIN(answer->records->len, LIMIT_DNS_ADDRESSES);
    for (guint i = 0; i < n; i++)
        add_address(request, ((const DnsRecord *)answer->records->pdata[i])->text, list);
    return n;
}

/* NXDOMAIN holds for all types (RFC 8020 2); that there are none of one type says nothing of the
 * other. */
static gboolean says_none(const DnsAnswer *six, const DnsAnswer *four)
{
    return six->status == DNS_NO_NAME || four->status == DNS_NO_NAME ||
           (six->status == DNS_NO_DATA && four->status == DNS_NO_DATA);
}

/* As above. What the DNS says of localhost is nobody's business (RFC 6761 6.3). *has_none: the DNS
 * has said that there are none. */
static guint add_addresses(const Request *request, GString *list, gboolean *has_none)
{
    *has_none = FALSE;
    if (net_name_is_localhost(request->host)) {
        add_address(request, "::1", list);
        add_address(request, "127.0.0.1", list);
        return 2;
    }
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    (void)dns_answers_get(answers, request->host, DNS_TYPE_AAAA);
    (void)dns_answers_get(answers, request->host, DNS_TYPE_A);
    /* Half the time: some servers never answer AAAA, and the other half is for the request. */
    net_dns_ask(request->dns, answers, left_ms(request) / 2);
    const DnsAnswer *six = dns_answers_get(answers, request->host, DNS_TYPE_AAAA);
    const DnsAnswer *four = dns_answers_get(answers, request->host, DNS_TYPE_A);
    *has_none = says_none(six, four);
    return add_answer(request, six, list) + add_answer(request, four, list);
}

/* "host:443:192.0.2.1,[2001:db8::1]", as curl takes it. */
static char *resolve(Request *request, GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);
    g_string_printf(list, "%s:%s:", request->host, request->port);
    gsize n_before = list->len;
    gboolean has_none;
    guint n = add_addresses(request, list, &has_none);
    if (n == 0 && !has_none) {
        request->sys = "EAI_AGAIN";
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_IO, "the DNS does not answer for %s", request->host);
    } else if (n == 0) {
        request->sys = "EAI_NONAME";
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "%s has no address", request->host);
    } else if (list->len == n_before) {
        request->sys = "PRIVATE_ADDRESS";
        g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED,
            "%s leads only to addresses that are not allowed", request->host);
    }
    return list->len == n_before ? NULL : g_string_free(g_steal_pointer(&list), FALSE);
}

/* --- curl's questions to us --------------------------------------------------------------------
 */

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    Request *request = user;
    if (net_policy_permits(request->policy, &address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    request->is_denied = TRUE;
    return CURL_SOCKET_BAD;
}

/* The anchors that net/tls.h trusts too. */
static CURLcode on_tls(CURL *curl, void *context, void *user)
{
    Request *request = user;
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT); /* an answer may hold a token */
    SSL_CTX_set_default_verify_paths(context);
    request->is_ca_unreadable =
        request->ca_file != NULL && SSL_CTX_load_verify_file(context, request->ca_file) != 1;
    return request->is_ca_unreadable ? CURLE_SSL_CACERT_BADFILE : CURLE_OK;
}

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
    Request *request = user;
    if (n > request->most_bytes - request->body->len) {
        gboolean *why = request->post != NULL ? &request->is_cut : &request->is_too_large;
        *why = TRUE;
        return 0; /* ends the transfer */
    }
    g_byte_array_append(request->body, (const guint8 *)data, (guint)n);
    return n;
}

static size_t on_header(char *line, size_t one, size_t n, void *user)
{
    Request *request = user;
    request->header_bytes += n;
    request->is_too_large |= request->header_bytes > LIMIT_HTTP_HEADER_BYTES;
    return request->is_too_large ? 0 : n;
}

/* --- the transfer ------------------------------------------------------------------------------
 */

static void set_options(CURL *curl, Request *request, List *addresses)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_RESOLVE, addresses);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, request);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* and so no proxy variable */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* Chain and name are verified unless somebody says otherwise: tools/lint sees that nobody does.
     */
    curl_easy_setopt(curl, CURLOPT_CAINFO, NULL); /* on_tls loads them */
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, request);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)MAX(left_ms(request), 1));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, request);
}

static List *header_list(const char *const *headers)
{
    /* "Expect: 100-continue" would cost a round trip. */
    List *list = curl_slist_append(NULL, "Expect:");
    for (; *headers != NULL; headers++)
        list = curl_slist_append(list, *headers);
    return list;
}

/* The body is read where it is. */
static void set_post(CURL *curl, gconstpointer data, gsize n, List *headers)
{
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data != NULL ? data : "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

/* As curl_easy_perform, but net_dns_stop ends it: at any time, or only before it begins. */
static CURLcode perform(CURL *curl, const Request *request)
{
    g_autoptr(Multi) multi = curl_multi_init();
    gboolean is_finished = request->call != NULL && request->call->is_finished_once_begun;
    struct curl_waitfd stop = {.fd = net_dns_stop_fd(request->dns), .events = CURL_WAIT_POLLIN};
    if (multi == NULL || curl_multi_add_handle(multi, curl) != CURLM_OK)
        g_error("out of memory for an HTTPS request");
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    int n_running = 1, n_messages = 0;
    gboolean is_stopped = net_dns_is_stopped(request->dns);
    while (n_running > 0 && !is_stopped) {
        if (curl_multi_perform(multi, &n_running) != CURLM_OK)
            break;
        if (n_running > 0)
            curl_multi_poll(multi, &stop, is_finished ? 0 : 1, LOOK_MS, NULL);
        is_stopped = !is_finished && net_dns_is_stopped(request->dns);
    }
    const CURLMsg *message = curl_multi_info_read(multi, &n_messages);
    if (message != NULL && message->msg == CURLMSG_DONE)
        code = message->data.result;
    curl_multi_remove_handle(multi, curl);
    return code;
}

static gboolean is_tls_fault(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CIPHER;
}

static const char *sys_of(CURLcode code)
{
    if (code == CURLE_OPERATION_TIMEDOUT)
        return "ETIMEDOUT";
    if (code == CURLE_COULDNT_CONNECT)
        return "ECONNREFUSED";
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return "CERTIFICATE";
    return is_tls_fault(code) ? "TLS" : "EOF";
}

static void set_error(Request *request, CURLcode code, GError **error)
{
    gboolean tells_tls = request->post != NULL || request->call != NULL;
    if (!request->is_ca_unreadable && !request->is_too_large)
        request->sys = request->is_denied ? "PRIVATE_ADDRESS" : sys_of(code);
    if (request->is_ca_unreadable)
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "no trusted certificate can be read from \"%s\" (PEM is expected)", request->ca_file);
    else if (request->is_too_large)
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT,
            "the answer of %s is larger than %" G_GSIZE_FORMAT " bytes", request->host,
            request->most_bytes);
    else if (request->is_denied)
        g_set_error(error, ABS_ERROR, ABS_ERROR_DENIED,
            "%s leads only to addresses that are not allowed", request->host);
    else
        g_set_error(error, ABS_ERROR,
            tells_tls && is_tls_fault(code) ? ABS_ERROR_PROTOCOL : ABS_ERROR_IO,
            "no complete answer from %s: %s", request->host, curl_easy_strerror(code));
}

/* Of what is sent beside the URL; NULL: nothing is. */
static List *body_headers(const Request *request)
{
    if (request->post != NULL)
        return header_list(request->post->headers);
    if (request->call == NULL)
        return NULL;
    g_autofree char *type = g_strdup_printf("Content-Type: %s", request->call->content_type);
    const char *const ours[] = {type, "Accept: application/json", NULL};
    return header_list(ours);
}

static void set_body(CURL *curl, const Request *request, List *headers)
{
    gsize n = 0;
    if (request->post != NULL) {
        gconstpointer data = g_bytes_get_data(request->post->body, &n);
        set_post(curl, data, n, headers);
    } else {
        const char *data = secret_reveal(request->call->body, &n);
        set_post(curl, data, n, headers);
    }
}

/* request->body is filled. */
static gboolean fetch(Request *request, int *status, GError **error)
{
    g_autofree char *resolved = resolve(request, error);
    if (resolved == NULL)
        return FALSE;
    g_autoptr(List) addresses = curl_slist_append(NULL, resolved);
    g_autoptr(CURL) curl = curl_easy_init();
    if (curl == NULL || addresses == NULL)
        g_error("out of memory for an HTTPS request");
    set_options(curl, request, addresses);
    g_autoptr(List) headers = body_headers(request);
    if (headers != NULL)
        set_body(curl, request, headers);
    CURLcode code = perform(curl, request);
    if (code != CURLE_OK && !request->is_cut) {
        set_error(request, code, error);
        return FALSE;
    }
    long told = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &told);
    *status = (int)told;
    return TRUE;
}

static gboolean run(Request *request, int *status, GError **error)
{
    net_curl_start();
    gboolean is_answered = read_url(request->url, &request->host, &request->port, error) &&
                           fetch(request, status, error);
    g_free(request->host);
    g_free(request->port);
    return is_answered;
}

GBytes *net_https_get(NetDns *dns, const NetPolicy *policy, const char *ca_file, const char *url,
    gsize most_bytes, gint64 timeout_ms, int *status, GError **error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    Request request = {
        .dns = dns,
        .policy = policy,
        .ca_file = ca_file,
        .url = url,
        .ends_at = clock_mono_ms() + timeout_ms,
        .most_bytes = most_bytes,
        .body = body,
    };
    return run(&request, status, error) ? g_byte_array_free_to_bytes(g_steal_pointer(&body)) : NULL;
}

static gboolean headers_are_sound(const char *const *headers, GError **error)
{
    for (; *headers != NULL; headers++) {
        const char *colon = strchr(*headers, ':');
        if (text_is_one_line(*headers, TRUE) && colon != NULL && colon > *headers)
            continue;
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "a header must be one line \"Name: value\"");
        return FALSE;
    }
    return TRUE;
}

gboolean net_https_post(const NetHttpsPost *post, int *status, NetHttpsFault *fault, GError **error)
{
    g_autoptr(GByteArray) body = g_byte_array_new(); /* dropped */
    Request request = {
        .dns = post->dns,
        .policy = post->policy,
        .ca_file = post->ca_file,
        .url = post->url,
        .ends_at = clock_mono_ms() + post->timeout_ms,
        .most_bytes = post->most_bytes,
        .post = post,
        .body = body,
    };
    gboolean is_answered = headers_are_sound(post->headers, error) && run(&request, status, error);
    if (fault != NULL)
        fault->sys = request.sys;
    return is_answered;
}

Secret *net_https_call(const NetHttpsCall *call, int *status, NetHttpsFault *fault, GError **error)
{
    /* All of its room at once: a buffer that grows leaves its content behind. */
    g_autoptr(GByteArray) body = g_byte_array_sized_new((guint)call->most_bytes);
    Request request = {
        .dns = call->dns,
        .policy = call->policy,
        .ca_file = call->ca_file,
        .url = call->url,
        .ends_at = clock_mono_ms() + call->timeout_ms,
        .most_bytes = call->most_bytes,
        .call = call,
        .body = body,
    };
    g_assert(text_is_one_line(call->content_type, TRUE));
    Secret *answer = run(&request, status, error) ? secret_new(body->data, body->len) : NULL;
    secret_wipe(body->data, body->len);
    if (fault != NULL)
        fault->sys = request.sys;
    return answer;
}

gboolean net_https_url_read(const char *url, char **host, guint16 *port, GError **error)
{
    g_autofree char *own_host = NULL;
    g_autofree char *own_port = NULL;
    net_curl_start();
    if (!read_url(url, &own_host, &own_port, error))
        return FALSE;
    if (host != NULL)
        *host = g_steal_pointer(&own_host);
    if (port != NULL)
        *port = (guint16)g_ascii_strtoull(own_port, NULL, 10);
    return TRUE;
}
