#include "smtp/sasl.h"

#include "base/limits.h"
#include "smtp/command.h"

#include <string.h>

void smtp_sasl_write_plain(
    GByteArray *out, gboolean with_command, const char *username, const Secret *password)
{
    gsize n_password;
    const char *bytes = secret_reveal(password, &n_password);
    const SmtpSecretPart parts[] = {
        {"", 1}, {username, strlen(username)}, {"", 1}, {bytes, n_password}};
    gboolean written = smtp_command_sasl_base64(
        out, with_command ? "AUTH PLAIN " : "", parts, G_N_ELEMENTS(parts));
    g_assert(written);
}

void smtp_sasl_write_login_username(GByteArray *out, const char *username)
{
    const SmtpSecretPart part = {username, strlen(username)};
    gboolean written = smtp_command_sasl_base64(out, "", &part, 1);
    g_assert(written);
}

void smtp_sasl_write_login_password(GByteArray *out, const Secret *password)
{
    SmtpSecretPart part;
    part.data = secret_reveal(password, &part.n);
    gboolean written = smtp_command_sasl_base64(out, "", &part, 1);
    g_assert(written);
}

gboolean smtp_sasl_write_response(GByteArray *out, const char *mechanism, const Secret *response)
{
    gsize n = 0;
    const char *text = response == NULL ? "" : secret_reveal(response, &n);
    if (!smtp_sasl_is_base64(text, n))
        return FALSE;
    if (mechanism == NULL)
        return smtp_command_sasl(out, "", text, n);
    g_autofree char *prefix = g_strconcat("AUTH ", mechanism, n == 0 ? " =" : " ", NULL);
    return smtp_command_sasl(out, prefix, text, n);
}

gboolean smtp_sasl_is_base64(const char *text, gsize n)
{
    if (n % 4 != 0)
        return FALSE;
    gsize n_padding = 0;
    while (n_padding < 2 && n_padding < n && text[n - 1 - n_padding] == '=')
        n_padding++;
    for (gsize i = 0; i < n - n_padding; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
            return FALSE;
    }
    return TRUE;
}

Secret *smtp_sasl_decode(const char *text, gsize n)
{
    if (!smtp_sasl_is_base64(text, n) || n > LIMIT_SASL_LINE_OCTETS)
        return NULL;
    guchar *bytes = g_malloc(n / 4 * 3 + 3);
    gint state = 0;
    guint save = 0;
    gsize n_bytes = g_base64_decode_step(text, n, bytes, &state, &save);
    Secret *secret = secret_new(bytes, n_bytes);
    secret_wipe(bytes, n_bytes);
    g_free(bytes);
    return secret;
}
