#include "oauth/redirect.h"
#include "base/error.h"
#include "base/limits.h"
#include "oauth/form.h"

#include <string.h>

/* --- There ----------------------------------------------------------------------------------- */

Secret *oauth_verifier_new(const guint8 random[OAUTH_RANDOM_BYTES])
{
    return secret_new_take(form_base64url_dup(random, OAUTH_RANDOM_BYTES));
}

char *oauth_challenge_dup(const Secret *verifier)
{
    gsize n;
    const char *text = secret_reveal(verifier, &n);
    guint8 digest[32];
    gsize bytes = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)text, (gssize)n);
    g_checksum_get_digest(checksum, digest, &bytes);
    return form_base64url_dup(digest, bytes);
}

char *oauth_state_dup(const guint8 random[OAUTH_RANDOM_BYTES])
{
    return form_base64url_dup(random, OAUTH_RANDOM_BYTES);
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, why);
    return FALSE;
}

/* Google gives a refresh token only to who says "offline", and a second one only with consent given
 * anew; OpenID Connect (Core 11) ties offline_access to consent. */
char *oauth_authorize_url_dup(const OauthProfile *profile, const char *redirect_uri,
    const char *state, const char *challenge, GError **error)
{
    g_autofree char *base = oauth_authorize_url_base_dup(profile);
    g_autofree char *scope = oauth_scope_dup(profile);
    if (base == NULL || profile->client_id == NULL || profile->client_id[0] == '\0') {
        refuse(error, "the address of the sign-in page or the client id is missing");
        return NULL;
    }
    const FormField fields[] = {
        {"response_type", "code", NULL},
        {"client_id", profile->client_id, NULL},
        {"redirect_uri", redirect_uri, NULL},
        {"scope", scope, NULL},
        {"state", state, NULL},
        {"code_challenge", challenge, NULL},
        {"code_challenge_method", "S256", NULL},
        {"login_hint", profile->username, NULL},
        {"access_type", profile->provider == OAUTH_GOOGLE ? "offline" : NULL, NULL},
        {"prompt", profile->provider == OAUTH_MICROSOFT ? NULL : "consent", NULL},
    };
    g_autofree char *query = form_query_dup(fields, G_N_ELEMENTS(fields));
    g_autofree char *url = g_strconcat(base, strchr(base, '?') != NULL ? "&" : "?", query, NULL);
    if (strlen(url) > LIMIT_URL_BYTES) {
        refuse(error, "the address of the sign-in page would be too long");
        return NULL;
    }
    return g_steal_pointer(&url);
}

/* --- And back -------------------------------------------------------------------------------- */

void oauth_redirect_free(OauthRedirect *redirect)
{
    if (redirect == NULL)
        return;
    g_free(redirect->state);
    secret_free(redirect->code);
    g_free(redirect->error);
    g_free(redirect->description);
    g_free(redirect);
}

/* A public value; NULL as form_value_new. */
static char *read_text(const char *query, gsize n, const char *name)
{
    g_autoptr(Secret) value = form_value_new(query, n, name);
    return value != NULL ? g_strdup(secret_reveal(value, NULL)) : NULL;
}

/* What stands between '?' and '#'; all of it where there is no '?'. */
static const char *query_of(const char *text, gsize *n)
{
    const char *hash = memchr(text, '#', *n);
    if (hash != NULL)
        *n = (gsize)(hash - text);
    const char *mark = memchr(text, '?', *n);
    if (mark == NULL)
        return text;
    *n -= (gsize)(mark + 1 - text);
    return mark + 1;
}

OauthRedirect *oauth_redirect_read(const Secret *address, GError **error)
{
    gsize n;
    const char *text = secret_reveal(address, &n);
    while (n > 0 && g_ascii_isspace(text[0])) {
        text++;
        n--;
    }
    while (n > 0 && g_ascii_isspace(text[n - 1]))
        n--;
    if (n > LIMIT_OAUTH_ADDRESS_BYTES || memchr(text, '\0', n) != NULL) {
        refuse(error, "this address is too long, or not one");
        return NULL;
    }
    const char *query = query_of(text, &n);
    g_autoptr(OauthRedirect) redirect = g_new0(OauthRedirect, 1);
    redirect->state = read_text(query, n, "state");
    redirect->code = form_value_new(query, n, "code");
    redirect->error = read_text(query, n, "error");
    redirect->description = read_text(query, n, "error_description");
    if (redirect->state == NULL || (redirect->code == NULL) == (redirect->error == NULL)) {
        refuse(error, "this address is not the one a sign-in led to: state and code are not in it");
        return NULL;
    }
    return g_steal_pointer(&redirect);
}
