/* A response by XOAUTH2 or OAUTHBEARER, whatever it holds: what is read of it is a name and a token
 * that can be written again, and reading that gives the same. A challenge, whatever it says, is
 * shown as one printable line without the token. */
#include "base/limits.h"
#include "base/text.h"
#include "smtp/bearer.h"
#include "smtp/client.h"
#include "smtp/sasl.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    return 0;
}

static void check_challenge(const uint8_t *data, size_t size)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    g_autoptr(Secret) token = secret_new(text, strlen(text));
    g_autofree char *challenge = g_base64_encode(data, size);
    g_autofree char *shown = smtp_bearer_challenge_text(challenge, token);
    if (shown == NULL)
        return;
    g_assert(text_is_one_line(shown, FALSE));
    g_assert(g_utf8_strlen(shown, -1) <= LIMIT_CHALLENGE_CHARACTERS + 1);
    for (gsize i = 0; i + 15 <= strlen(text); i++) {
        g_autofree char *piece = g_strndup(text + i, 15);
        g_assert(strstr(shown, piece) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 8000)
        return 0;
    guint mechanism = data[0] & 1 ? SMTP_AUTH_OAUTHBEARER : SMTP_AUTH_XOAUTH2;
    check_challenge(data + 1, size - 1);
    g_autoptr(Secret) response = secret_new(data + 1, size - 1);
    g_autofree char *username = NULL, *again = NULL;
    g_autoptr(Secret) token = NULL;
    g_autoptr(Secret) token_again = NULL;
    if (!smtp_bearer_read(mechanism, response, &username, &token)) {
        g_assert(username == NULL && token == NULL);
        return 0;
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    const SmtpBearer bearer = {username, token, "mx.example", 587};
    g_assert(smtp_bearer_write(out, mechanism, &bearer));
    g_autoptr(Secret) written = smtp_sasl_decode((const char *)out->data, out->len - 2);
    g_assert(smtp_bearer_read(mechanism, written, &again, &token_again));
    g_assert(strcmp(username, again) == 0 && secret_equal(token, token_again));
    return 0;
}
