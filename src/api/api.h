/* The HTTP API and the pages: libmicrohttpd in front, routes by noun behind (contract:
 * doc/openapi.yaml). The only folder that knows HTTP and JSON of the contract. A route has two
 * halves: `decide` on a worker (parse, validate, read) gives an answer or a store command; the
 * command's commit builds the answer. No worker waits for a commit. */
#pragma once

#include "courier/courier.h"
#include "ingress/sandbox.h"
#include "net/address.h"
#include "net/dns.h"
#include "provider/provider.h"

typedef struct api Api;

typedef struct {
    Store *store;
    Vault *vault;
    Courier *courier;
    Sandbox *sandbox; /* NULL: none */
    const DiagnosisCatalogue *catalogue;
    const ProviderList *providers;
    NetDns *dns; /* api_stop stops it; NULL only in tests that ask nobody */
    const NetPolicy *policy;
    const char *ca_file;    /* NULL: only the system's trust anchors */
    const char *public_url; /* NULL: http://listen address */
    SettingsPorts ports;
    const char *listen;                 /* "127.0.0.1:8465" */
    const char *control_socket;         /* path; owner only */
    const char *const *trusted_proxies; /* CIDRs, NULL-terminated, may be NULL */
    gboolean dev;
} ApiParts;

/* Listens at once. ABS_ERROR_IO if a port is taken; ABS_ERROR_INPUT for a non-loopback address
 * without a trusted proxy. */
Api *api_new(const ApiParts *parts, GError **error);

/* Takes no new requests, finishes those that run. */
void api_stop(Api *api);
void api_free(Api *api);

guint16 api_port(const Api *api);

/* One-time link for the first org admin, printed by `serve` while no member exists:
 * "http://…/#/setup/TOKEN". NULL without error if somebody exists. The caller frees. */
char *api_setup_link(Api *api, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_free)
