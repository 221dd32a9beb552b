/* Any bytes as the address a sign-in led to: refused, or a state and either a code or an error; and
 * what was read can be read again from an address made of it. */
#include "base/limits.h"
#include "oauth/redirect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    return 0;
}

/* Every byte as %XX. */
static void append(GString *out, const char *name, const char *bytes, gsize n)
{
    g_string_append_printf(out, "%s=", name);
    for (gsize i = 0; i < n; i++)
        g_string_append_printf(out, "%%%02x", (guint8)bytes[i]);
    g_string_append_c(out, '&');
}

static void check_again(const OauthRedirect *redirect)
{
    g_autoptr(GString) text = g_string_new("https://post.firma.de/oauth/return?");
    append(text, "state", redirect->state, strlen(redirect->state));
    if (redirect->error != NULL)
        append(text, "error", redirect->error, strlen(redirect->error));
    if (redirect->code != NULL) {
        gsize n;
        const char *code = secret_reveal(redirect->code, &n);
        append(text, "code", code, n);
    }
    if (text->len > LIMIT_OAUTH_ADDRESS_BYTES)
        return;
    g_autoptr(Secret) address = secret_new(text->str, text->len);
    g_autoptr(OauthRedirect) again = oauth_redirect_read(address, NULL);
    g_assert_nonnull(again);
    g_assert_cmpstr(again->state, ==, redirect->state);
    g_assert_cmpstr(again->error, ==, redirect->error);
    g_assert_true(secret_equal(again->code, redirect->code));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) address = secret_new(data, n);
    g_autoptr(OauthRedirect) redirect = oauth_redirect_read(address, &error);
    g_assert_true((redirect == NULL) == (error != NULL));
    if (redirect == NULL)
        return 0;
    g_assert_nonnull(redirect->state);
    g_assert_true((redirect->code == NULL) != (redirect->error == NULL));
    check_again(redirect);
    return 0;
}
