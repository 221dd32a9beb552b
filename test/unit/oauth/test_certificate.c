#include "oauth/certificate.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>

#include "keys.h"

#define FROM G_GINT64_CONSTANT(1790000000)
#define TO G_GINT64_CONSTANT(1853072000)

static EVP_PKEY *key, *other, *weak, *elliptic;
static char *certificate, *foreign;

static int group_setup(void **state)
{
    secret_init();
    key = EVP_RSA_gen(2048);
    other = EVP_RSA_gen(2048);
    weak = EVP_RSA_gen(1024);
    elliptic = EVP_EC_gen("P-256");
    certificate = certificate_pem(key, FROM, TO);
    foreign = certificate_pem(other, FROM, TO);
    return 0;
}

static int group_teardown(void **state)
{
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(elliptic);
    g_free(certificate);
    g_free(foreign);
    return 0;
}

/* The digest of the DER form by another way than the one under test. */
static char *digest(const char *pem, GChecksumType type)
{
    gsize n;
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);
    GString *base64 = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++)
        g_string_append(base64, g_str_has_prefix(*line, "-----") ? "" : *line);
    g_autofree guint8 *der = g_base64_decode(base64->str, &n);
    g_string_free(base64, TRUE);
    g_autofree char *hex = g_compute_checksum_for_data(type, der, n);
    return g_ascii_strup(hex, -1);
}

static void a_certificate_is_read(void **state)
{
    g_autoptr(OauthCertificate) read = oauth_certificate_read(certificate, NULL);
    g_autofree char *sha256 = digest(certificate, G_CHECKSUM_SHA256);
    g_autofree char *sha1 = digest(certificate, G_CHECKSUM_SHA1);
    assert_non_null(read);
    assert_string_equal(read->subject, "CN=Absender für Firma");
    assert_string_equal(read->thumbprint, sha256);
    assert_string_equal(read->thumbprint_sha1, sha1);
    for (gsize i = 0; i < OAUTH_SHA256_BYTES; i++)
        assert_int_equal(read->sha256[i],
            g_ascii_xdigit_value(sha256[2 * i]) * 16 + g_ascii_xdigit_value(sha256[2 * i + 1]));
    assert_int_equal(read->not_before, FROM * 1000);
    assert_int_equal(read->not_after, TO * 1000);
}

static void a_far_end_is_read(void **state)
{
    g_autofree char *pem = certificate_pem(key, FROM, G_GINT64_CONSTANT(253402300799));
    g_autoptr(OauthCertificate) read = oauth_certificate_read(pem, NULL);
    assert_int_equal(read->not_after, G_GINT64_CONSTANT(253402300799) * 1000);
}

static void text_around_it_does_no_harm(void **state)
{
    g_autofree char *chain =
        g_strconcat("Bag Attributes\r\n  friendlyName: x\n\n", certificate, "\n", foreign, NULL);
    g_autofree char *expected = digest(certificate, G_CHECKSUM_SHA256);
    g_autoptr(OauthCertificate) read = oauth_certificate_read(chain, NULL);
    assert_string_equal(read->thumbprint, expected);
}

static void what_is_no_certificate_of_use_is_refused(void **state)
{
    g_autofree char *own_key = key_pem(key, NULL);
    g_autofree char *with_key = g_strconcat(certificate, own_key, NULL);
    g_autofree char *of_weak = certificate_pem(weak, FROM, TO);
    g_autofree char *of_elliptic = certificate_pem(elliptic, FROM, TO);
    g_autofree char *half = g_strndup(certificate, strlen(certificate) / 2);
    g_autofree char *filler = g_strnfill(LIMIT_OAUTH_PEM_BYTES, '\n');
    g_autofree char *large = g_strconcat(filler, certificate, NULL);
    const struct {
        const char *name, *pem;
        OauthFault fault;
    } rows[] = {
        {"nothing", "", OAUTH_FAULT_CERTIFICATE},
        {"words", "certificate", OAUTH_FAULT_CERTIFICATE},
        {"half of one", half, OAUTH_FAULT_CERTIFICATE},
        {"too large", large, OAUTH_FAULT_CERTIFICATE},
        {"empty armour", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            OAUTH_FAULT_CERTIFICATE},
        {"its key beside it", with_key, OAUTH_FAULT_CERTIFICATE_HOLDS_KEY},
        {"1024 bits", of_weak, OAUTH_FAULT_KEY_SIZE},
        {"an elliptic curve", of_elliptic, OAUTH_FAULT_KEY_KIND},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        OauthFault fault = OAUTH_FAULT_NONE;
        if (oauth_certificate_read(rows[i].pem, &fault) != NULL || fault != rows[i].fault)
            fail_msg("%s: %u", rows[i].name, fault);
    }
}

static void a_private_key_is_judged(void **state)
{
    g_autofree char *own_key = key_pem(key, NULL);
    g_autofree char *filler = g_strnfill(LIMIT_OAUTH_PEM_BYTES, '\n');
    const struct {
        const char *name;
        char *pem; /* freed here */
        const char *certificate;
        OauthFault fault;
    } rows[] = {
        {"PKCS 8", key_pem(key, NULL), certificate, OAUTH_FAULT_NONE},
        {"PKCS 1", key_pem_traditional(key, NULL), certificate, OAUTH_FAULT_NONE},
        {"without a certificate", key_pem(key, NULL), NULL, OAUTH_FAULT_NONE},
        {"behind its certificate", g_strconcat(certificate, own_key, NULL), certificate,
            OAUTH_FAULT_NONE},
        {"of another certificate", key_pem(key, NULL), foreign, OAUTH_FAULT_KEY_FOREIGN},
        {"of none that could be read", key_pem(key, NULL), "?", OAUTH_FAULT_KEY_FOREIGN},
        {"behind a passphrase", key_pem(key, "geheim"), certificate, OAUTH_FAULT_KEY_ENCRYPTED},
        {"the same, PKCS 1", key_pem_traditional(key, "geheim"), certificate,
            OAUTH_FAULT_KEY_ENCRYPTED},
        {"an elliptic curve", key_pem(elliptic, NULL), NULL, OAUTH_FAULT_KEY_KIND},
        {"1024 bits", key_pem(weak, NULL), NULL, OAUTH_FAULT_KEY_SIZE},
        {"a certificate", g_strdup(certificate), certificate, OAUTH_FAULT_KEY},
        {"nothing", g_strdup(""), NULL, OAUTH_FAULT_KEY},
        {"too large", g_strconcat(filler, own_key, NULL), NULL, OAUTH_FAULT_KEY},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) pem = secret_new_take(rows[i].pem);
        OauthFault fault = oauth_private_key_check(pem, rows[i].certificate);
        if (fault != rows[i].fault)
            fail_msg("%s: %u", rows[i].name, fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_read),
        cmocka_unit_test(a_far_end_is_read),
        cmocka_unit_test(text_around_it_does_no_harm),
        cmocka_unit_test(what_is_no_certificate_of_use_is_refused),
        cmocka_unit_test(a_private_key_is_judged),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
