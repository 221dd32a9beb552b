#include "oauth/assertion.h"
#include "base/error.h"
#include "oauth/certificate.h"
#include "oauth/form.h"
#include "oauth/request.h"
#include "oauth/rsa_key.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* A clock that is a little fast must not make a token of the future; Microsoft allows ten minutes
 * from nbf to exp. */
#define BEFORE_S 60
#define AFTER_S 480

static char *encode(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    char *encoded = text != NULL ? form_base64url_dup(text, strlen(text)) : NULL;
    free(text);
    json_decref(json);
    return encoded;
}

/* "header.claims"; NULL if one of the texts is not UTF-8. */
static char *signing_input(const OauthClaims *claims)
{
    g_autofree char *thumbprint = claims->thumbprint != NULL
                                      ? form_base64url_dup(claims->thumbprint, OAUTH_SHA256_BYTES)
                                      : NULL;
    g_autofree char *id = form_base64url_dup(claims->random, OAUTH_RANDOM_BYTES);
    json_int_t now = claims->now / CLOCK_SECOND_MS;
    g_autofree char *header = encode(json_pack("{s:s s:s s:s* s:s*}", "alg",
        claims->algorithm == OAUTH_PS256 ? "PS256" : "RS256", "typ", "JWT", "kid", claims->key_id,
        "x5t#S256", thumbprint));
    g_autofree char *body = encode(json_pack("{s:s s:s s:s s:s* s:s s:I s:I s:I}", "iss",
        claims->issuer, "sub", claims->subject, "aud", claims->audience, "scope", claims->scope,
        "jti", id, "iat", now - BEFORE_S, "nbf", now - BEFORE_S, "exp", now + AFTER_S));
    return header != NULL && body != NULL ? g_strconcat(header, ".", body, NULL) : NULL;
}

/* RFC 7518 3.5: PSS with SHA-256 throughout and a salt as long as the digest. */
static gboolean choose_padding(EVP_PKEY_CTX *context, OauthAlgorithm algorithm)
{
    if (algorithm == OAUTH_RS256)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* The signature as base64url, or NULL. Whoever has it has the assertion: the caller wipes it. */
static char *sign(EVP_PKEY *key, OauthAlgorithm algorithm, const char *input)
{
    EVP_PKEY_CTX *padding;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const gsize room = (gsize)EVP_PKEY_get_size(key);
    gsize n = room;
    g_autofree guint8 *signature = g_malloc(room);
    gboolean is_signed =
        EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, key) == 1 &&
        choose_padding(padding, algorithm) &&
        EVP_DigestSign(context, signature, &n, (const guint8 *)input, strlen(input)) == 1;
    char *text = is_signed ? form_base64url_dup(signature, n) : NULL;
    secret_wipe(signature, room);
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return text;
}

Secret *oauth_assertion_sign(const OauthClaims *claims, const Secret *private_key, GError **error)
{
    OauthFault fault;
    g_autoptr(EVP_PKEY) key = rsa_key_read(private_key, &fault);
    if (key == NULL) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, oauth_fault_text(fault));
        return NULL;
    }
    g_autofree char *input = signing_input(claims);
    g_autofree char *signature = input != NULL ? sign(key, claims->algorithm, input) : NULL;
    if (signature == NULL) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "an assertion cannot be signed");
        return NULL;
    }
    Secret *assertion = secret_new_take(g_strconcat(input, ".", signature, NULL));
    secret_wipe(signature, strlen(signature));
    return assertion;
}
