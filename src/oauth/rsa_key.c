#include "oauth/rsa_key.h"
#include "base/limits.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* Without this OpenSSL would ask at the terminal. */
static int no_passphrase(char *passphrase, int size, int is_writing, void *was_asked)
{
    *(gboolean *)was_asked = TRUE;
    return -1;
}

OauthFault rsa_key_judge(const EVP_PKEY *key)
{
    if (!EVP_PKEY_is_a(key, "RSA"))
        return OAUTH_FAULT_KEY_KIND;
    int bits = EVP_PKEY_get_bits(key);
    return bits >= LIMIT_OAUTH_RSA_BITS_LEAST && bits <= LIMIT_OAUTH_RSA_BITS_MOST
               ? OAUTH_FAULT_NONE
               : OAUTH_FAULT_KEY_SIZE;
}

EVP_PKEY *rsa_key_read(const Secret *pem, OauthFault *fault)
{
    gsize n;
    const char *text = secret_reveal(pem, &n);
    gboolean is_encrypted = FALSE;
    EVP_PKEY *key = NULL;
    if (n > 0 && n <= LIMIT_OAUTH_PEM_BYTES) {
        BIO *bio = BIO_new_mem_buf(text, (int)n); /* reads where it stands, copies nothing */
        key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted);
        BIO_free(bio);
        ERR_clear_error();
    }
    if (key == NULL) {
        *fault = is_encrypted ? OAUTH_FAULT_KEY_ENCRYPTED : OAUTH_FAULT_KEY;
        return NULL;
    }
    *fault = rsa_key_judge(key);
    if (*fault != OAUTH_FAULT_NONE)
        g_clear_pointer(&key, EVP_PKEY_free);
    return key;
}
