/* Certificates for tests, good and bad, made fresh with OpenSSL. Kept in a directory of its own. */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} Issuer;

typedef struct {
    const char *common_name;
    const char *sans;         /* "DNS:a,IP:1.2.3.4" or NULL */
    const char *extended_use; /* "serverAuth"; NULL: that */
    int from_days, to_days;   /* from now; both 0: from yesterday to tomorrow */
} Wish;

static inline void certificate_extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    g_assert(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signed by itself. */
static inline X509 *certificate_make(
    const Wish *wish, EVP_PKEY *key, const Issuer *issuer, gboolean is_ca)
{
    static long serial = 1;
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    gboolean is_dated = wish->from_days != 0 || wish->to_days != 0;
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made), (is_dated ? wish->from_days : -1) * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(made), (is_dated ? wish->to_days : 1) * 86400L);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, (const guint8 *)wish->common_name, -1, -1, 0);
    X509_set_issuer_name(made, issuer != NULL ? X509_get_subject_name(issuer->certificate) : name);
    X509_set_pubkey(made, key);
    certificate_extend(
        made, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->sans != NULL)
        certificate_extend(made, NID_subject_alt_name, wish->sans);
    if (!is_ca)
        certificate_extend(made, NID_ext_key_usage,
            wish->extended_use != NULL ? wish->extended_use : "serverAuth");
    g_assert(X509_sign(made, issuer != NULL ? issuer->key : key, EVP_sha256()) > 0);
    return made;
}

static inline Issuer issuer_make(const char *common_name)
{
    Wish wish = {.common_name = common_name};
    Issuer issuer = {.key = EVP_EC_gen("P-256")};
    issuer.certificate = certificate_make(&wish, issuer.key, NULL, TRUE);
    return issuer;
}

static inline void issuer_free(Issuer *issuer)
{
    EVP_PKEY_free(issuer->key);
    X509_free(issuer->certificate);
}

static inline void pem_save(const char *file, EVP_PKEY *key, X509 *first, X509 *second)
{
    FILE *out = fopen(file, "w");
    g_assert(out != NULL);
    if (key != NULL)
        PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    if (first != NULL)
        PEM_write_X509(out, first);
    if (second != NULL)
        PEM_write_X509(out, second);
    fclose(out);
}

static inline void directory_remove(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(directory, name, NULL);
        g_unlink(file);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_rmdir(directory);
}
