#include "oauth/certificate.h"
#include "base/limits.h"
#include "base/text.h"
#include "oauth/rsa_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

void oauth_certificate_free(OauthCertificate *certificate)
{
    if (certificate == NULL)
        return;
    g_free(certificate->subject);
    g_free(certificate->thumbprint);
    g_free(certificate->thumbprint_sha1);
    g_free(certificate);
}

static X509 *parse(const char *pem)
{
    gsize n = strlen(pem);
    if (n == 0 || n > LIMIT_OAUTH_PEM_BYTES)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return x509;
}

static gboolean read_time(const ASN1_TIME *time, WallMs *at)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return FALSE;
    g_autoptr(GDateTime) date = g_date_time_new_utc(parts.tm_year + 1900, parts.tm_mon + 1,
        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (date == NULL)
        return FALSE;
    *at = g_date_time_to_unix(date) * CLOCK_SECOND_MS;
    return TRUE;
}

static char *read_subject(const X509 *x509)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, X509_get_subject_name(x509), 0,
        XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    char *text;
    long n = BIO_get_mem_data(bio, &text);
    char *subject =
        n > 0 ? text_printable(text, (gsize)n, LIMIT_PEER_TEXT_CHARACTERS) : g_strdup("");
    BIO_free(bio);
    return subject;
}

static char *thumbprint(const X509 *x509, const EVP_MD *digest, guint8 bytes[EVP_MAX_MD_SIZE])
{
    guint n = 0;
    X509_digest(x509, digest, bytes, &n);
    GString *hex = g_string_sized_new(2 * n);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(hex, "%02X", bytes[i]);
    return g_string_free(hex, FALSE);
}

/* What is of use: an RSA key, and times that can be read. */
static OauthFault judge(const X509 *x509, OauthCertificate *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    if (key == NULL || !read_time(X509_get0_notBefore(x509), &certificate->not_before) ||
        !read_time(X509_get0_notAfter(x509), &certificate->not_after))
        return OAUTH_FAULT_CERTIFICATE;
    return rsa_key_judge(key);
}

OauthCertificate *oauth_certificate_read(const char *pem, OauthFault *fault)
{
    g_autoptr(X509) x509 = parse(pem);
    g_autoptr(OauthCertificate) certificate = g_new0(OauthCertificate, 1);
    OauthFault found = OAUTH_FAULT_CERTIFICATE;
    if (strstr(pem, "PRIVATE KEY") != NULL) /* of every kind of PEM key */
        found = OAUTH_FAULT_CERTIFICATE_HOLDS_KEY;
    else if (x509 != NULL)
        found = judge(x509, certificate);
    if (found != OAUTH_FAULT_NONE) {
        if (fault != NULL)
            *fault = found;
        ERR_clear_error();
        return NULL;
    }
    guint8 digest[EVP_MAX_MD_SIZE];
    certificate->subject = read_subject(x509);
    certificate->thumbprint_sha1 = thumbprint(x509, EVP_sha1(), digest);
    certificate->thumbprint = thumbprint(x509, EVP_sha256(), digest);
    memcpy(certificate->sha256, digest, OAUTH_SHA256_BYTES);
    return g_steal_pointer(&certificate);
}

OauthFault oauth_private_key_check(const Secret *private_key, const char *certificate)
{
    OauthFault fault;
    g_autoptr(EVP_PKEY) key = rsa_key_read(private_key, &fault);
    if (key == NULL || certificate == NULL || certificate[0] == '\0')
        return fault;
    g_autoptr(X509) x509 = parse(certificate);
    gboolean fits = x509 != NULL && X509_check_private_key(x509, key) == 1;
    ERR_clear_error();
    return fits ? OAUTH_FAULT_NONE : OAUTH_FAULT_KEY_FOREIGN;
}
