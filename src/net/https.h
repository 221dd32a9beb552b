/* One HTTPS request, blocking (libcurl). Addresses come from our DNS and pass our policy twice:
 * before the request and again when the socket opens, so that no answer that changed in between
 * leads into a private network. TLS 1.2 or later, chain and name verified. No redirect is followed,
 * no proxy variable read, no cookie kept, nothing sent but what is named here.
 *
 * Who calls: discovery (api), webhooks (notify), access tokens (courier, api). For threads that may
 * wait; never the loop. */
#pragma once

#include "base/secret.h"
#include "net/address.h"
#include "net/dns.h"

/* url: "https://host[:port]/path", no user, no address instead of a name, at most LIMIT_URL_BYTES.
 * ca_file: trusted besides the system's anchors; NULL: none. Any complete answer is a success here,
 * *status says which. ABS_ERROR_INPUT: no such URL, or ca_file cannot be read; ABS_ERROR_NOT_FOUND:
 * the name has no address; ABS_ERROR_DENIED: the policy permits none of its addresses, or the URL
 * has an address instead of a name; ABS_ERROR_LIMIT: more than most_bytes; ABS_ERROR_IO: no
 * connection, no TLS, no complete answer within timeout_ms (name lookup included), or the DNS was
 * stopped. */
GBytes *net_https_get(NetDns *dns, const NetPolicy *policy, const char *ca_file, const char *url,
    gsize most_bytes, gint64 timeout_ms, int *status, GError **error);

typedef struct {
    NetDns *dns;
    const NetPolicy *policy;
    const char *ca_file;        /* trusted besides the system's anchors; NULL: none */
    const char *url;            /* as above */
    const char *const *headers; /* "Name: value" lines, NULL-terminated */
    GBytes *body;
    gsize most_bytes; /* of the answer's body are read; what lies behind is left */
    gint64 timeout_ms;
} NetHttpsPost;

/* Why a request came to nothing, as the failure catalogue names it; static, NULL where the error
 * code says all: "EAI_NONAME", "PRIVATE_ADDRESS", "ETIMEDOUT", "ECONNREFUSED" (nobody listens, or
 * no way there), "EOF" (the answer broke off), "TLS" (no TLS came about), "CERTIFICATE" (not
 * trusted, or for another name). */
typedef struct {
    const char *sys;
} NetHttpsFault;

/* Sends it; what the answer says is not kept, only its status. Errors as above, but never LIMIT for
 * a long body, and ABS_ERROR_PROTOCOL where TLS did not come about or the certificate is not
 * trusted; ABS_ERROR_INPUT also for a header that is none. *fault (may be NULL) is set with each.
 */
gboolean net_https_post(
    const NetHttpsPost *post, int *status, NetHttpsFault *fault, GError **error);

typedef struct {
    NetDns *dns;
    const NetPolicy *policy;
    const char *ca_file;      /* trusted besides the system's anchors; NULL: none */
    const char *url;          /* as above; may name a port */
    const char *content_type; /* of the body */
    const Secret *body;
    gsize most_bytes; /* of the answer's body; more is ABS_ERROR_LIMIT */
    gint64 timeout_ms;
    /* A call that has begun to connect is not ended by net_dns_stop, only by timeout_ms: what the
     * server did must be known (it may have replaced a secret). What has not begun fails at once.
     */
    gboolean is_finished_once_begun;
} NetHttpsCall;

/* POST with a secret in it, and perhaps in the answer: a token endpoint's. The answer's body, of
 * any complete answer, is the caller's to free; *status says which it is. It is accepted as JSON.
 * Errors as of net_https_post, and ABS_ERROR_LIMIT; *fault (may be NULL) is set with each. What we
 * copy is wiped, and so is what libcurl and OpenSSL free (wiped_memory.h). */
Secret *net_https_call(const NetHttpsCall *call, int *status, NetHttpsFault *fault, GError **error);

/* As net_https_get wants it; ABS_ERROR_INPUT or ABS_ERROR_DENIED as there. *host (the caller frees)
 * and *port may be NULL. */
gboolean net_https_url_read(const char *url, char **host, guint16 *port, GError **error);
