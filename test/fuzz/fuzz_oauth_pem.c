/* Any bytes as a certificate or a private key: refused for a reason, or a certificate whose facts
 * are complete. Nothing asks for a passphrase. */
#include "base/limits.h"
#include "base/text.h"
#include "oauth/certificate.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OauthFault fault = OAUTH_FAULT_NONE;
    g_autofree char *text = g_strndup((const char *)data, n);
    g_autoptr(Secret) secret = secret_new(data, n);
    g_autoptr(OauthCertificate) certificate = oauth_certificate_read(text, &fault);
    g_assert_true((certificate == NULL) == (fault != OAUTH_FAULT_NONE));
    g_assert_true(oauth_private_key_check(secret, text) < OAUTH_FAULTS);
    if (certificate == NULL)
        return 0;
    g_assert_null(strstr(text, "PRIVATE KEY"));
    g_assert_true(text_is_one_line(certificate->subject, FALSE));
    g_assert_true(strspn(certificate->thumbprint, "0123456789ABCDEF") == 64 &&
                  strspn(certificate->thumbprint_sha1, "0123456789ABCDEF") == 40);
    return 0;
}
