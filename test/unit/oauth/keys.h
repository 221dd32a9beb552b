/* Keys, certificates and their texts, made anew for each run; and a form taken apart again. */
#pragma once

#include "base/secret.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static inline char *bio_text(BIO *bio)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);
    char *copy = g_strndup(text, (gsize)n);
    BIO_free(bio);
    return copy;
}

/* PKCS #8; passphrase NULL: none. */
static inline char *key_pem(EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    g_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_128_cbc() : NULL,
                 passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
    return bio_text(bio);
}

/* "BEGIN RSA PRIVATE KEY" (PKCS #1). */
static inline char *key_pem_traditional(EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    g_assert(
        PEM_write_bio_PrivateKey_traditional(bio, key, passphrase ? EVP_aes_128_cbc() : NULL,
            (const guint8 *)passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
    return bio_text(bio);
}

/* Valid from `from` to `to` (seconds since 1970), for CN=Absender, signed by its own key. */
static inline char *certificate_pem(EVP_PKEY *key, gint64 from, gint64 to)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 7);
    ASN1_TIME_set(X509_getm_notBefore(made), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(made), (time_t)to);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, (const guint8 *)"Absender für Firma", -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_set_pubkey(made, key);
    g_assert(X509_sign(made, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, made);
    X509_free(made);
    return bio_text(bio);
}

static inline Secret *secret_of(const char *text)
{
    return secret_new(text, strlen(text));
}

/* Another decoder than the one under test: GLib's, for which a query is the same format. */
static inline GHashTable *form_parse(const Secret *form)
{
    GError *error = NULL;
    GHashTable *fields =
        g_uri_parse_params(secret_reveal(form, NULL), -1, "&", G_URI_PARAMS_WWW_FORM, &error);
    g_assert_no_error(error);
    return fields;
}
