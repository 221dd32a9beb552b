/* What streams need of tls.c: one connection's SSL object, and what a certificate says. Only for
 * files in src/net/. */
#pragma once

#include "net/tls.h"

#include <openssl/ssl.h>

/* A client's SSL on fd, set up to verify the chain and that the certificate is for host (RFC 7817
 * 3: dNSName SANs only, wildcards only as the whole left-most label; iPAddress SANs for literals).
 */
SSL *tls_client_session(NetTlsClient *tls, int fd, const char *host);
SSL *tls_server_session(NetTlsServer *tls, int fd);

/* The peer's own certificate that verification refused; NULL if none was. Lent. */
X509 *tls_refused_certificate(const SSL *ssl);

/* What the handshake showed; leaf may be NULL. */
NetTlsInfo *tls_info_new(const SSL *ssl, X509 *leaf);
void tls_info_free(NetTlsInfo *info);

/* First dNSName SAN, else CN, made printable; NULL if there is neither. The caller frees. */
char *tls_certificate_name(X509 *leaf);

/* The oldest entry of OpenSSL's error queue in lower case; NULL if it is empty. The caller frees.
 */
char *tls_error_reason(void);

/* A write to a closed socket must be an error code, not the end of the process: OpenSSL writes
 * without MSG_NOSIGNAL. Once per process. */
void tls_ignore_sigpipe(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetTlsInfo, tls_info_free)
