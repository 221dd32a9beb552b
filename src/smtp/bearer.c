#include "smtp/bearer.h"

#include "base/limits.h"
#include "base/text.h"
#include "smtp/client.h"
#include "smtp/command.h"
#include "smtp/sasl.h"

#include <string.h>

#define END "\x01" /* of a pair, and of all of them */

/* --- writing ---------------------------------------------------------------------------------- */

static gboolean is_token(const char *text, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_isgraph(text[i]))
            return FALSE;
    }
    return n > 0 && n <= LIMIT_BEARER_TOKEN_OCTETS;
}

/* A name inside the GS2 header: ',' and '=' would end it (RFC 5801 4). */
static char *escape_name(const char *name)
{
    GString *out = g_string_new(NULL);
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == ',')
            g_string_append(out, "=2C");
        else if (*p == '=')
            g_string_append(out, "=3D");
        else
            g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

/* Everything in front of the token. */
static char *words_before(guint mechanism, const SmtpBearer *bearer)
{
    if (mechanism == SMTP_AUTH_XOAUTH2)
        return g_strconcat("user=", bearer->username, END "auth=Bearer ", NULL);
    g_assert(mechanism == SMTP_AUTH_OAUTHBEARER && bearer->host != NULL);
    g_autofree char *name = escape_name(bearer->username);
    return g_strdup_printf(
        "n,a=%s," END "host=%s" END "port=%u" END "auth=Bearer ", name, bearer->host, bearer->port);
}

gboolean smtp_bearer_write(GByteArray *out, guint mechanism, const SmtpBearer *bearer)
{
    gsize n;
    const char *token = secret_reveal(bearer->token, &n);
    if (!is_token(token, n) || !text_is_one_line(bearer->username, FALSE))
        return FALSE;
    g_autofree char *before = words_before(mechanism, bearer);
    const SmtpSecretPart parts[] = {{before, strlen(before)}, {token, n}, {END END, 2}};
    return smtp_command_sasl_base64(out, "", parts, G_N_ELEMENTS(parts));
}

void smtp_bearer_write_dummy(GByteArray *out, guint mechanism)
{
    const char *text = mechanism == SMTP_AUTH_OAUTHBEARER ? "AQ==" : "";
    gboolean written = smtp_command_sasl(out, "", text, strlen(text));
    g_assert(written);
}

/* --- what the server says --------------------------------------------------------------------- */

char *smtp_bearer_challenge_text(const char *challenge, const Secret *token)
{
    g_autoptr(Secret) decoded = smtp_sasl_decode(challenge, strlen(challenge));
    if (decoded == NULL)
        return NULL;
    gsize n;
    const char *text = secret_reveal(decoded, &n);
    if (n == 0 || secret_is_shown(token, text, n))
        return NULL;
    return text_printable(text, n, LIMIT_CHALLENGE_CHARACTERS);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A stretch of octets that is not ours. */
typedef struct {
    const char *at;
    gsize n;
} Span;

/* What is looked for in the response; `at` is NULL until it is found. */
typedef struct {
    Span username, authorization;
} Said;

static gboolean is_key(const Span *pair, const char *key)
{
    gsize n = strlen(key);
    return pair->n >= n && memcmp(pair->at, key, n) == 0;
}

/* FALSE: the key has come before. */
static gboolean keep(Span *said, const Span *pair, const char *key)
{
    if (said->at != NULL)
        return FALSE;
    *said = (Span){pair->at + strlen(key), pair->n - strlen(key)};
    return TRUE;
}

static gboolean read_pair(guint mechanism, const Span *pair, Said *said)
{
    if (mechanism == SMTP_AUTH_XOAUTH2 && is_key(pair, "user="))
        return keep(&said->username, pair, "user=");
    if (is_key(pair, "auth="))
        return keep(&said->authorization, pair, "auth=");
    return memchr(pair->at, '=', pair->n) != NULL;
}

/* "n,a=NAME," (RFC 7628 3.1): channel binding there is none, and a name there must be. */
static gboolean read_header(Span *rest, Said *said)
{
    if (!is_key(rest, "n,a="))
        return FALSE;
    const char *name = rest->at + strlen("n,a=");
    const char *end = memchr(name, ',', rest->n - strlen("n,a="));
    if (end == NULL || end[1] != END[0])
        return FALSE;
    said->username = (Span){name, (gsize)(end - name)};
    rest->n -= (gsize)(end + 2 - rest->at);
    rest->at = end + 2;
    return TRUE;
}

static gboolean read_pairs(guint mechanism, Span rest, Said *said)
{
    while (rest.n > 0 && rest.at[0] != END[0]) {
        const char *end = memchr(rest.at, END[0], rest.n);
        if (end == NULL)
            return FALSE;
        Span pair = {rest.at, (gsize)(end - rest.at)};
        if (!read_pair(mechanism, &pair, said))
            return FALSE;
        rest = (Span){end + 1, rest.n - pair.n - 1};
    }
    return rest.n == 1; /* the END of all */
}

/* NULL: an escape that is none. */
static char *unescape_name(const Span *name)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (gsize i = 0; i < name->n; i++) {
        if (name->at[i] != '=') {
            g_string_append_c(out, name->at[i]);
            continue;
        }
        Span escape = {name->at + i, name->n - i};
        if (!is_key(&escape, "=2C") && !is_key(&escape, "=3D"))
            return NULL;
        g_string_append_c(out, escape.at[2] == 'C' ? ',' : '=');
        i += 2;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* "Bearer TOKEN"; the scheme's case is free (RFC 9110 11.1). */
static gboolean read_authorization(const Span *said, Span *token)
{
    static const char scheme[] = "Bearer ";
    gsize n = strlen(scheme);
    if (said->n < n || g_ascii_strncasecmp(said->at, scheme, n) != 0)
        return FALSE;
    *token = (Span){said->at + n, said->n - n};
    return is_token(token->at, token->n);
}

gboolean smtp_bearer_read(guint mechanism, const Secret *response, char **username, Secret **token)
{
    Said said = {{NULL, 0}, {NULL, 0}};
    Span rest, found;
    rest.at = secret_reveal(response, &rest.n);
    gboolean has_header = mechanism == SMTP_AUTH_OAUTHBEARER;
    if (memchr(rest.at, '\0', rest.n) != NULL || (has_header && !read_header(&rest, &said)) ||
        !read_pairs(mechanism, rest, &said) || said.username.at == NULL ||
        said.authorization.at == NULL || !read_authorization(&said.authorization, &found))
        return FALSE;
    g_autofree char *name =
        has_header ? unescape_name(&said.username) : g_strndup(said.username.at, said.username.n);
    if (name == NULL || name[0] == '\0' || strlen(name) > LIMIT_USERNAME_BYTES ||
        !text_is_one_line(name, FALSE))
        return FALSE;
    *username = g_steal_pointer(&name);
    *token = secret_new(found.at, found.n);
    return TRUE;
}
