/* A private CA and a server certificate, for a server of our own on loopback. */
#include "base/error.h"
#include "base/limits.h"
#include "net/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DAY_S (24 * 60 * 60)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)

typedef struct {
    char *ca, *chain, *key; /* file names */
} OwnFiles;

static gboolean is_literal(const char *name)
{
    struct in6_addr literal;
    return inet_pton(AF_INET, name, &literal) == 1 || inet_pton(AF_INET6, name, &literal) == 1;
}

/* --- is what is there still good? --------------------------------------------------------------
 */

static X509 *certificate_read(const char *file)
{
    g_autoptr(BIO) in = BIO_new_file(file, "r");
    return in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);
}

static EVP_PKEY *key_read(const char *file)
{
    g_autoptr(BIO) in = BIO_new_file(file, "r");
    return in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
}

static gboolean lasts(const X509 *certificate)
{
    time_t soon = (time_t)(clock_wall_ms() / 1000) + LIMIT_OWN_CERTIFICATE_RENEW_DAYS * DAY_S;
    return X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0 &&
           X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
}

static gboolean names_all(X509 *leaf, const char *const *names)
{
    for (; *names != NULL; names++) {
        int matches = is_literal(*names) ? X509_check_ip_asc(leaf, *names, 0)
                                         : X509_check_host(leaf, *names, 0,
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
        if (matches != 1)
            return FALSE;
    }
    return TRUE;
}

static gboolean is_signed_by(X509 *leaf, X509 *ca)
{
    g_autoptr(X509_STORE) store = X509_STORE_new();
    g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
    return X509_STORE_add_cert(store, ca) == 1 &&
           X509_STORE_CTX_init(context, store, leaf, NULL) == 1 && X509_verify_cert(context) == 1;
}

static gboolean files_are_good(const OwnFiles *files, const char *const *names)
{
    g_autoptr(X509) ca = certificate_read(files->ca);
    g_autoptr(X509) leaf = certificate_read(files->chain);
    g_autoptr(EVP_PKEY) key = key_read(files->key);
    gboolean good = ca != NULL && leaf != NULL && key != NULL &&
                    X509_check_private_key(leaf, key) == 1 && lasts(ca) && lasts(leaf) &&
                    names_all(leaf, names) && is_signed_by(leaf, ca);
    ERR_clear_error(); /* a missing file is no error */
    return good;
}

/* --- making ------------------------------------------------------------------------------------
 */

static gboolean extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    gboolean is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static X509 *certificate_new(const char *common_name, EVP_PKEY *key, X509 *issuer)
{
    g_autoptr(X509) certificate = X509_new();
    guint8 serial[16]; /* RFC 5280 4.1.2.2: positive, unique; at most 20 octets */
    if (RAND_bytes(serial, sizeof serial) != 1)
        return NULL;
    serial[0] = (guint8)((serial[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(certificate);
    gboolean is_filled =
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) != NULL &&
        X509_gmtime_adj(
            X509_getm_notAfter(certificate), (LIMIT_OWN_CERTIFICATE_DAYS - 1L) * DAY_S) != NULL &&
        X509_NAME_add_entry_by_txt(
            name, "CN", MBSTRING_UTF8, (const guint8 *)common_name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : name) &&
        X509_set_pubkey(certificate, key) == 1 &&
        extension_add(certificate, certificate, NID_subject_key_identifier, "hash");
    return is_filled ? g_steal_pointer(&certificate) : NULL;
}

static X509 *ca_new(EVP_PKEY *key)
{
    g_autoptr(X509) ca = certificate_new("Absender private CA", key, NULL);
    gboolean is_made = ca != NULL &&
                       extension_add(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                       extension_add(ca, ca, NID_key_usage, "critical,keyCertSign") &&
                       X509_sign(ca, key, EVP_sha256()) > 0;
    return is_made ? g_steal_pointer(&ca) : NULL;
}

static X509 *leaf_new(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const char *const *names)
{
    g_autoptr(GString) sans = g_string_new(NULL);
    for (const char *const *name = names; *name != NULL; name++)
        g_string_append_printf(
            sans, "%s%s:%s", sans->len == 0 ? "" : ",", is_literal(*name) ? "IP" : "DNS", *name);
    g_autoptr(X509) leaf = certificate_new(names[0], key, ca);
    gboolean is_made = leaf != NULL &&
                       extension_add(leaf, ca, NID_authority_key_identifier, "keyid") &&
                       extension_add(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
                       extension_add(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
                       extension_add(leaf, ca, NID_ext_key_usage, "serverAuth") &&
                       extension_add(leaf, ca, NID_subject_alt_name, sans->str) &&
                       X509_sign(leaf, ca_key, EVP_sha256()) > 0;
    return is_made ? g_steal_pointer(&leaf) : NULL;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Whole or not at all: a new file beside it, synced, then renamed. */
static gboolean pem_write(const char *file, BIO *pem, int mode, GError **error)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(pem, &bytes);
    guint how = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
    g_autoptr(GError) fault = NULL;
    if (g_file_set_contents_full(file, bytes, n, (GFileSetContentsFlags)how, mode, &fault))
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "%s", fault->message);
    return FALSE;
}

static gboolean files_write(
    const OwnFiles *files, X509 *ca, X509 *leaf, EVP_PKEY *key, GError **error)
{
    g_autoptr(BIO) ca_pem = BIO_new(BIO_s_mem());
    g_autoptr(BIO) chain_pem = BIO_new(BIO_s_mem());
    g_autoptr(BIO) key_pem = BIO_new(BIO_s_secmem()); /* wiped when freed */
    PEM_write_bio_X509(ca_pem, ca);
    PEM_write_bio_X509(chain_pem, leaf);
    PEM_write_bio_X509(chain_pem, ca);
    PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL);
    /* Cut short between two of them the files do not fit together, and the next start makes new
     * ones. */
    return pem_write(files->key, key_pem, 0600, error) &&
           pem_write(files->chain, chain_pem, 0644, error) &&
           pem_write(files->ca, ca_pem, 0644, error);
}

static gboolean files_make(const OwnFiles *files, const char *const *names, GError **error)
{
    g_autoptr(EVP_PKEY) ca_key = EVP_EC_gen("P-256");
    g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
    g_autoptr(X509) ca = ca_key != NULL ? ca_new(ca_key) : NULL;
    g_autoptr(X509) leaf = ca != NULL && key != NULL ? leaf_new(key, ca, ca_key, names) : NULL;
    if (leaf == NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "OpenSSL could not make a certificate");
        ERR_clear_error();
        return FALSE;
    }
    return files_write(files, ca, leaf, key, error);
}

gboolean net_tls_make_own(
    const char *dir, const char *prefix, const char *const *names, GError **error)
{
    g_assert(names[0] != NULL);
    g_autofree char *stem = g_build_filename(dir, prefix, NULL);
    g_autofree char *ca = g_strconcat(stem, "-ca.pem", NULL);
    g_autofree char *chain = g_strconcat(stem, "-chain.pem", NULL);
    g_autofree char *key = g_strconcat(stem, "-key.pem", NULL);
    OwnFiles files = {ca, chain, key};
    return files_are_good(&files, names) || files_make(&files, names, error);
}
