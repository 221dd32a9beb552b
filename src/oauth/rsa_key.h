/* RSA private keys in PEM form. Internal to oauth/. */
#pragma once

#include "base/secret.h"
#include "oauth/fault.h"

#include <glib.h>
#include <openssl/evp.h>

/* NULL with *fault KEY, KEY_ENCRYPTED, KEY_KIND or KEY_SIZE. EVP_PKEY_free. */
EVP_PKEY *rsa_key_read(const Secret *pem, OauthFault *fault);

/* NONE, KEY_KIND or KEY_SIZE: of a private or a public key. */
OauthFault rsa_key_judge(const EVP_PKEY *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
