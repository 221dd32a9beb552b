#include "net/tls.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/tls_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>

struct net_tls_client {
    SSL_CTX *context;
};

struct net_tls_server {
    SSL_CTX *context;
};

static int refused_index = -1; /* of the X509 in an SSL's ex_data */

static void refused_free(
    void *parent, void *data, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
    X509_free(data);
}

static void tls_start(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    tls_ignore_sigpipe();
    refused_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, refused_free);
    g_assert(refused_index >= 0);
    g_once_init_leave(&once, 1);
}

void tls_ignore_sigpipe(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    g_once_init_leave(&once, 1);
}

/* --- contexts ----------------------------------------------------------------------------------
 */

/* RFC 9325 3: TLS 1.2 and 1.3, no renegotiation, no compression, no resumption. Early data is off
 * unless asked for. */
static SSL_CTX *context_new(const SSL_METHOD *method)
{
    tls_start();
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL)
        g_error("OpenSSL cannot start");
    g_assert(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1); /* one read a record, not two */
    return context;
}

/* Changes no verdict: it only keeps the certificate that is being refused, because OpenSSL forgets
 * it with the failed handshake and the diagnosis needs its names and dates. */
static int on_verified(int is_fine, X509_STORE_CTX *store)
{
    if (!is_fine) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        X509 *leaf = X509_STORE_CTX_get0_cert(store);
        if (tls_refused_certificate(ssl) == NULL && leaf != NULL && X509_up_ref(leaf) == 1)
            SSL_set_ex_data(ssl, refused_index, leaf);
    }
    return is_fine;
}

NetTlsClient *net_tls_client_new(const char *ca_file, GError **error)
{
    NetTlsClient *tls = g_new0(NetTlsClient, 1);
    tls->context = context_new(TLS_client_method());
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, on_verified);
    /* A machine without trust anchors is no error here: the handshake will say so. */
    SSL_CTX_set_default_verify_paths(tls->context);
    ERR_clear_error();
    if (ca_file != NULL && !net_tls_client_trust(tls, ca_file, error)) {
        net_tls_client_free(tls);
        return NULL;
    }
    return tls;
}

gboolean net_tls_client_trust(NetTlsClient *tls, const char *ca_file, GError **error)
{
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(tls->context, ca_file) == 1)
        return TRUE;
    g_autofree char *reason = tls_error_reason();
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
        "no trusted certificate can be read from \"%s\" (PEM is expected): %s", ca_file, reason);
    return FALSE;
}

void net_tls_client_free(NetTlsClient *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    g_free(tls);
}

NetTlsServer *net_tls_server_new(const char *chain_file, const char *key_file, GError **error)
{
    SSL_CTX *context = context_new(TLS_server_method());
    SSL_CTX_set_num_tickets(context, 0);
    ERR_clear_error();
    const char *blamed = chain_file;
    gboolean is_good = SSL_CTX_use_certificate_chain_file(context, chain_file) == 1;
    if (is_good) {
        blamed = key_file;
        is_good = SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 &&
                  SSL_CTX_check_private_key(context) == 1;
    }
    if (!is_good) {
        g_autofree char *reason = tls_error_reason();
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "the server's certificate or key in \"%s\" cannot be used: %s", blamed, reason);
        SSL_CTX_free(context);
        return NULL;
    }
    NetTlsServer *tls = g_new0(NetTlsServer, 1);
    tls->context = context;
    return tls;
}

void net_tls_server_free(NetTlsServer *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    g_free(tls);
}

/* --- sessions ----------------------------------------------------------------------------------
 */

static SSL *session_new(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        g_error("out of memory for a TLS session");
    return ssl;
}

SSL *tls_client_session(NetTlsClient *tls, int fd, const char *host)
{
    /* An empty reference name would switch the name check off, one with a leading dot would match
     * whole domains (X509_check_host(3)). */
    g_assert(host != NULL && host[0] != '\0' && host[0] != '.');
    SSL *ssl = session_new(tls->context, fd);
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    struct in6_addr literal;
    gboolean is_literal =
        inet_pton(AF_INET, host, &literal) == 1 || inet_pton(AF_INET6, host, &literal) == 1;
    int is_set = is_literal ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                            : X509_VERIFY_PARAM_set1_host(param, host, strlen(host));
    g_assert(is_set == 1);
    if (!is_literal) /* RFC 6066 3: literals are not permitted in SNI */
        g_assert(SSL_set_tlsext_host_name(ssl, host) == 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

SSL *tls_server_session(NetTlsServer *tls, int fd)
{
    SSL *ssl = session_new(tls->context, fd);
    SSL_set_accept_state(ssl);
    return ssl;
}

X509 *tls_refused_certificate(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, refused_index);
}

char *tls_error_reason(void)
{
    unsigned long code = ERR_peek_error();
    if (code == 0)
        return NULL;
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? g_strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    return g_ascii_strdown(reason != NULL ? reason : "unknown reason", -1);
}

/* --- what a certificate says -------------------------------------------------------------------
 */

static char *peer_text(const char *text, gsize n)
{
    return text_printable(text, n, LIMIT_PEER_TEXT_CHARACTERS);
}

static char *name_text(const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    unsigned long form = XN_FLAG_ONELINE & ~(unsigned long)(XN_FLAG_SPC_EQ | ASN1_STRFLGS_ESC_MSB);
    if (X509_NAME_print_ex(memory, name, 0, form) >= 0) {
        char *bytes = NULL;
        long n = BIO_get_mem_data(memory, &bytes);
        text = peer_text(bytes, (gsize)n);
    }
    BIO_free(memory);
    return text;
}

/* dNSName SANs, at most max of them, joined by ", "; NULL if there is none. */
static char *dns_names(X509 *leaf, guint max)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    GString *text = g_string_new(NULL);
    guint n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && n < max; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        g_autofree char *shown = peer_text((const char *)ASN1_STRING_get0_data(name->d.dNSName),
            (gsize)ASN1_STRING_length(name->d.dNSName));
        g_string_append_printf(text, "%s%s", n == 0 ? "" : ", ", shown);
        n++;
    }
    GENERAL_NAMES_free(names);
    return g_string_free(text, n == 0);
}

static char *common_name(X509 *leaf)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    int at = X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_commonName, -1);
    if (at < 0)
        return NULL;
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, value);
    if (n < 0)
        return NULL;
    char *text = peer_text((const char *)utf8, (gsize)n);
    OPENSSL_free(utf8);
    return text;
}

char *tls_certificate_name(X509 *leaf)
{
    char *name = dns_names(leaf, 1);
    return name != NULL ? name : common_name(leaf);
}

static WallMs wall_of(const ASN1_TIME *at)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    gboolean is_known = ASN1_TIME_diff(&days, &seconds, epoch, at) == 1;
    ASN1_TIME_free(epoch);
    return is_known ? days * CLOCK_DAY_MS + seconds * CLOCK_SECOND_MS : 0;
}

NetTlsInfo *tls_info_new(const SSL *ssl, X509 *leaf)
{
    NetTlsInfo *info = g_new0(NetTlsInfo, 1);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    if (cipher == NULL)
        cipher = SSL_get_pending_cipher(ssl); /* the handshake has not come to its end */
    info->version = g_strdup(SSL_get_version(ssl));
    info->cipher = cipher == NULL ? NULL : g_strdup(SSL_CIPHER_get_name(cipher));
    if (leaf == NULL)
        return info;
    info->subject = name_text(X509_get_subject_name(leaf));
    info->issuer = name_text(X509_get_issuer_name(leaf));
    info->names = dns_names(leaf, LIMIT_CERTIFICATE_NAMES);
    info->not_before = wall_of(X509_get0_notBefore(leaf));
    info->not_after = wall_of(X509_get0_notAfter(leaf));
    return info;
}

void tls_info_free(NetTlsInfo *info)
{
    if (info == NULL)
        return;
    g_free(info->version);
    g_free(info->cipher);
    g_free(info->subject);
    g_free(info->issuer);
    g_free(info->names);
    g_free(info);
}
