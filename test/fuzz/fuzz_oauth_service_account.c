/* Any bytes as the file of a service account's key: refused for a reason, or one that can sign.
 * "@KEY@" in the file stands for a good key, which no mutation would find. */
#include "base/limits.h"
#include "oauth/certificate.h"
#include "oauth/service_account.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char *key_in_json;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char *pem;
    secret_init();
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long bytes = BIO_get_mem_data(bio, &pem);
    g_autofree char *text = g_strndup(pem, (gsize)bytes);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    key_in_json = g_strjoinv("\\n", lines);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return 0;
}

static void check_name(const char *name)
{
    g_assert_true(name[0] != '\0' && strlen(name) <= LIMIT_USERNAME_BYTES);
    for (; *name != '\0'; name++)
        g_assert_true(*name > 0x20 && *name < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char mark[] = "@KEY@";
    g_autoptr(GString) text = g_string_new_len((const char *)data, (gssize)n);
    char *at = memmem(text->str, text->len, mark, sizeof mark - 1);
    if (at != NULL) {
        gssize offset = at - text->str;
        g_string_erase(text, offset, sizeof mark - 1);
        g_string_insert(text, offset, key_in_json);
    }
    OauthFault fault = OAUTH_FAULT_NONE;
    g_autoptr(Secret) file = secret_new(text->str, text->len);
    g_autoptr(OauthServiceAccount) account = oauth_service_account_read(file, &fault);
    g_assert_true((account == NULL) == (fault != OAUTH_FAULT_NONE));
    if (account == NULL)
        return 0;
    check_name(account->client_email);
    check_name(account->private_key_id);
    if (account->client_id != NULL)
        check_name(account->client_id);
    g_assert_true(oauth_private_key_check(account->private_key, NULL) == OAUTH_FAULT_NONE);
    return 0;
}
