/* Where people reach the pages: what every link in a mail begins with, and what an Origin must be
 * (threat T35). The operator's --public-url goes before what the organisation has stored, and
 * without either it is the listening address. Never from a Host header. Held in memory, for every
 * request asks. */
#pragma once

#include "api/call.h"
#include "store/store.h"

typedef struct public_url PublicUrl;

typedef enum {
    PUBLIC_URL_OPERATOR = 1, /* --public-url: it cannot be changed in the page */
    PUBLIC_URL_STORED,
    PUBLIC_URL_LISTEN,
} PublicUrlSource;
const char *public_url_source_name(PublicUrlSource source); /* "operator" */

/* operator_url may be NULL; listen: "127.0.0.1:8465", of which port replaces the last part. Reads
 * what the default organisation has stored. NULL: the store failed. */
PublicUrl *public_url_new(
    Store *store, const char *operator_url, const char *listen, guint16 port, GError **error);
void public_url_free(PublicUrl *url);

/* What is in force, without a slash at its end. Any thread; the caller frees. */
char *public_url_dup(const struct api *api);
/* Where a provider's sign-in page sends the browser back; the caller frees. */
char *public_url_oauth_return_dup(const struct api *api);
gboolean public_url_is_https(const struct api *api);
PublicUrlSource public_url_source(const struct api *api);

/* After a commit that wrote the organisation's (NULL: none any more). Any thread. */
void public_url_note_stored(const struct api *api, const char *url);

/* "HTTPS://Mail.example.com/" → "https://mail.example.com": http or https, a host, perhaps a port,
 * nothing else. NULL: it is no such address. The caller frees. */
char *public_url_parse(const char *text);

/* NULL if the caller may store this (parsed) address, else the code of the fault:
 * "public_url_is_fixed" (the operator set one), "public_url_elsewhere" (the caller came by another
 * name, which would not be answered any more, or over http where it says https, or the reverse: he
 * would lock himself out). */
const char *public_url_fault(const ApiCall *call, const char *url);

/* TRUE if a request may name this server so in its Host header: by the public URL's host, a
 * loopback name or address, or the address it listens on. Anything may while no public URL is
 * known. Ports are not compared: proxies change them. */
gboolean public_url_knows_host(const struct api *api, const char *host);
