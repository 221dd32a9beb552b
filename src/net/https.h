/* One HTTPS GET, blocking (libcurl). Addresses come from our DNS and pass our policy twice: before
 * the request and again when the socket opens, so that no answer that changed in between leads into
 * a private network. TLS 1.2 or later, chain and name verified. No redirect is followed, no proxy
 * variable read, no cookie kept, nothing sent but the path.
 *
 * Who calls: discovery (api). For threads that may wait; never the loop. */
#pragma once

#include "net/address.h"
#include "net/dns.h"

/* url: "https://host[:port]/path", no user, no address instead of a name, at most LIMIT_URL_BYTES.
 * ca_file: trusted besides the system's anchors; NULL: none. Any complete answer is a success here,
 * *status says which. ABS_ERROR_INPUT: no such URL, or ca_file cannot be read; ABS_ERROR_NOT_FOUND:
 * the name has no address; ABS_ERROR_DENIED: the policy permits none of its addresses;
 * ABS_ERROR_LIMIT: more than most_bytes; ABS_ERROR_IO: no connection, no TLS, no complete answer
 * within timeout_ms (name lookup included), or the DNS was stopped. */
GBytes *net_https_get(NetDns *dns, const NetPolicy *policy, const char *ca_file, const char *url,
    gsize most_bytes, gint64 timeout_ms, int *status, GError **error);
