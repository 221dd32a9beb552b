/* TLS settings for streams: OpenSSL 3, TLS 1.2 and 1.3 only, chain and name always verified,
 * plaintext cleansed. There is no way to switch verification off. */
#pragma once

#include "base/clock.h"

#include <glib.h>

typedef struct net_tls_client NetTlsClient; /* shared by all client streams; keeps trust anchors */
typedef struct net_tls_server NetTlsServer;

/* The system's trust anchors, and those in ca_file (PEM) if not NULL; more can be added before use.
 * ABS_ERROR_INPUT names the file that cannot be read. Streams may outlive it. */
NetTlsClient *net_tls_client_new(const char *ca_file, GError **error);
gboolean net_tls_client_trust(NetTlsClient *tls, const char *ca_file, GError **error);
void net_tls_client_free(NetTlsClient *tls);

/* chain_file: the certificate first, then its issuers; both PEM. ABS_ERROR_INPUT names the file
 * that cannot be used. */
NetTlsServer *net_tls_server_new(const char *chain_file, const char *key_file, GError **error);
void net_tls_server_free(NetTlsServer *tls);

/* What a handshake showed. Strings owned by the struct; each may be NULL. A peer's words are made
 * printable and cut to LIMIT_PEER_TEXT_CHARACTERS. */
typedef struct {
    char *version, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384" */
    char *subject, *issuer; /* one line each: "O=Example, CN=mail.example.de" */
    char *names;            /* dNSName SANs, "a, b", at most LIMIT_CERTIFICATE_NAMES */
    WallMs not_before, not_after;
} NetTlsInfo;

/* Makes a private CA and a server certificate for the names (dNSName, or iPAddress for literals),
 * as PEM files in dir (PREFIX-ca.pem, PREFIX-chain.pem, PREFIX-key.pem 0600), unless good ones are
 * there: a key that fits the certificate, all names in it, signed by that CA, and at least 30 days
 * left. The CA's key is thrown away after it signed, so that the CA can vouch for nothing else. For
 * the sandbox. ABS_ERROR_IO. */
gboolean net_tls_make_own(
    const char *dir, const char *prefix, const char *const *names, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetTlsClient, net_tls_client_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetTlsServer, net_tls_server_free)
