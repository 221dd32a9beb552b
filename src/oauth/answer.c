#include "oauth/answer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "oauth/form.h"

#include <jansson.h>
#include <string.h>

void oauth_token_free(OauthToken *token)
{
    if (token == NULL)
        return;
    secret_free(token->access_token);
    secret_free(token->refresh_token);
    g_free(token->scope);
    g_free(token);
}

void oauth_refusal_free(OauthRefusal *refusal)
{
    if (refusal == NULL)
        return;
    g_free(refusal->error);
    g_free(refusal->description);
    g_free(refusal);
}

void oauth_device_free(OauthDevice *device)
{
    if (device == NULL)
        return;
    secret_free(device->device_code);
    g_free(device->user_code);
    g_free(device->verification_uri);
    g_free(device);
}

/* --- Refusals -------------------------------------------------------------------------------- */

/* Microsoft appends what only its support understands. */
static gsize without_trace(const char *description)
{
    static const char *const traces[] = {"Trace ID:", "Correlation ID:", "Timestamp:"};
    gsize n = strlen(description);
    for (gsize i = 0; i < G_N_ELEMENTS(traces); i++) {
        const char *found = g_strstr_len(description, (gssize)n, traces[i]);
        if (found != NULL)
            n = (gsize)(found - description);
    }
    while (n > 0 && g_ascii_isspace(description[n - 1]))
        n--;
    return n;
}

OauthRefusal *oauth_refusal_new(const char *error, const char *description)
{
    OauthRefusal *refusal = g_new0(OauthRefusal, 1);
    gsize n = description != NULL ? without_trace(description) : 0;
    refusal->error = text_printable(error, strlen(error), LIMIT_OAUTH_ERROR_CHARACTERS);
    if (n > 0)
        refusal->description = text_printable(description, n, LIMIT_OAUTH_DESCRIPTION_CHARACTERS);
    return refusal;
}

char *oauth_refusal_text_dup(const OauthRefusal *refusal)
{
    return refusal->description == NULL
               ? g_strdup(refusal->error)
               : g_strconcat(refusal->error, ": ", refusal->description, NULL);
}

/* A server that quotes what it was sent would have it logged and shown. */
static gboolean repeats_a_secret(const OauthRequest *asked, const char *text, gsize n_text)
{
    static const char *const names[] = {"client_secret", "refresh_token", "code", "code_verifier",
        "client_assertion", "assertion", "device_code"};
    gsize n;
    const char *form = secret_reveal(asked->form, &n);
    gboolean found = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Secret) sent = form_value_new(form, n, names[i]);
        if (sent != NULL)
            found |= secret_is_shown(sent, text, n_text);
    }
    return found;
}

/* NULL: not said. Of a long text no more is looked at than can be shown; the caller frees. */
static char *read_text(
    const OauthRequest *asked, const json_t *member, gsize most_characters, const char *instead)
{
    enum { UTF8_OCTETS = 4 };
    const char *text = json_string_value(member);
    gsize n = MIN(json_string_length(member), UTF8_OCTETS * most_characters);
    if (n == 0)
        return NULL;
    return repeats_a_secret(asked, text, n) ? g_strdup(instead) : g_strndup(text, n);
}

/* RFC 6749 5.2; Google's other services nest what they say: {"error": {"status", "message"}}. NULL:
 * no error stands in the answer. */
static OauthRefusal *read_refusal(const OauthRequest *asked, const json_t *root)
{
    const json_t *said = json_object_get(root, "error");
    gboolean is_nested = json_is_object(said);
    g_autofree char *error = read_text(asked, is_nested ? json_object_get(said, "status") : said,
        LIMIT_OAUTH_ERROR_CHARACTERS, "refused");
    g_autofree char *description = read_text(asked,
        is_nested ? json_object_get(said, "message") : json_object_get(root, "error_description"),
        LIMIT_OAUTH_DESCRIPTION_CHARACTERS, "(the answer repeats a secret and is not shown)");
    return error != NULL ? oauth_refusal_new(error, description) : NULL;
}

/* --- Which kind of answer -------------------------------------------------------------------- */

static gboolean is_for_later(int status, const OauthRefusal *refusal)
{
    return status == 408 || status == 429 || status >= 500 ||
           (refusal != NULL && (strcmp(refusal->error, "temporarily_unavailable") == 0 ||
                                   strcmp(refusal->error, "server_error") == 0));
}

static OauthVerdict strange(GError **error, int status, const char *why)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_PROTOCOL,
        "The answer (HTTP %d) is not one of OAuth2: %s.", status, why);
    return OAUTH_STRANGE;
}

/* A JSON object, or NULL. json_decref. */
static json_t *parse(const Secret *body)
{
    gsize n;
    const char *text = secret_reveal(body, &n);
    if (n > LIMIT_OAUTH_ANSWER_BYTES)
        return NULL;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        g_clear_pointer(&root, json_decref);
    return root;
}

/* GRANTED here means: root is a success answer that remains to be read. */
static OauthVerdict judge(const OauthRequest *asked, int status, const json_t *root,
    OauthRefusal **refusal, GError **error)
{
    g_autoptr(OauthRefusal) own = root != NULL ? read_refusal(asked, root) : NULL;
    if (is_for_later(status, own)) {
        *refusal = g_steal_pointer(&own);
        return OAUTH_AWAY;
    }
    if (own != NULL) {
        *refusal = g_steal_pointer(&own);
        return OAUTH_REFUSED;
    }
    if (root == NULL)
        return strange(error, status, "it is no JSON object, or a very long one");
    if (status != 200)
        return strange(error, status, "neither success nor an error stands in it");
    return OAUTH_GRANTED;
}

/* --- Success --------------------------------------------------------------------------------- */

/* RFC 6749 A.12, A.17: visible ASCII; without spaces, as RFC 6750 2.1 has it and SASL needs it. */
static Secret *read_secret(const json_t *root, const char *name, gsize most)
{
    const json_t *member = json_object_get(root, name);
    const char *text = json_string_value(member);
    gsize n = json_string_length(member);
    if (text == NULL || n == 0 || n > most)
        return NULL;
    for (gsize i = 0; i < n; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return NULL;
    }
    return secret_new(text, n);
}

/* Seconds as a number, or as a number in a text, which some servers send. assumed: where nothing
 * is said. 0: neither, or none that is above 0. */
static gint64 read_seconds(const json_t *root, const char *name, gint64 assumed, gint64 most)
{
    const json_t *member = json_object_get(root, name);
    double seconds = json_number_value(member);
    if (member == NULL || json_is_null(member))
        return assumed;
    if (json_is_string(member)) {
        char *end;
        const char *text = json_string_value(member);
        seconds = g_ascii_strtod(text, &end);
        if (end == text || *end != '\0')
            return 0;
    }
    if (!(seconds >= 1)) /* not a number is no number */
        return 0;
    return seconds >= (double)most ? most : (gint64)seconds;
}

static OauthVerdict read_token(int status, const json_t *root, OauthToken **token, GError **error)
{
    g_autoptr(OauthToken) own = g_new0(OauthToken, 1);
    const char *type = json_string_value(json_object_get(root, "token_type"));
    const json_t *refresh = json_object_get(root, "refresh_token");
    const char *scope = json_string_value(json_object_get(root, "scope"));
    own->access_token = read_secret(root, "access_token", LIMIT_BEARER_TOKEN_OCTETS);
    own->refresh_token = read_secret(root, "refresh_token", LIMIT_OAUTH_REFRESH_TOKEN_BYTES);
    own->expires_in_s =
        read_seconds(root, "expires_in", LIMIT_OAUTH_EXPIRY_ASSUMED_S, LIMIT_OAUTH_EXPIRY_S);
    if (own->access_token == NULL)
        return strange(error, status, "access_token is missing, too long or no token");
    if (!text_equal_nocase(type, "bearer"))
        return strange(error, status, "token_type is not Bearer");
    if (refresh != NULL && !json_is_null(refresh) && own->refresh_token == NULL)
        return strange(error, status, "refresh_token is too long or no token");
    if (own->expires_in_s == 0)
        return strange(error, status, "expires_in is no number of seconds");
    if (scope != NULL && scope[0] != '\0') /* shown to people, no more */
        own->scope = text_printable(scope, strlen(scope), LIMIT_OAUTH_DESCRIPTION_CHARACTERS);
    *token = g_steal_pointer(&own);
    return OAUTH_GRANTED;
}

OauthVerdict oauth_answer_read(const OauthRequest *asked, int status, const Secret *body,
    OauthToken **token, OauthRefusal **refusal, GError **error)
{
    json_t *root = parse(body);
    OauthVerdict verdict = judge(asked, status, root, refusal, error);
    if (verdict == OAUTH_GRANTED)
        verdict = read_token(status, root, token, error);
    json_decref(root);
    return verdict;
}

/* --- Devices --------------------------------------------------------------------------------- */

static char *read_line(const json_t *root, const char *name, gsize most)
{
    const char *text = json_string_value(json_object_get(root, name));
    gboolean is_good = text != NULL && text[0] != '\0' && g_utf8_strlen(text, -1) <= (glong)most &&
                       text_is_one_line(text, FALSE);
    return is_good ? text_printable(text, strlen(text), most) : NULL;
}

/* The link is shown to be clicked: https, or it is not taken. Some servers still call it
 * verification_url. */
static char *read_verification_uri(const json_t *root)
{
    const char *name =
        json_object_get(root, "verification_uri") != NULL ? "verification_uri" : "verification_url";
    const char *url = json_string_value(json_object_get(root, name));
    gboolean is_good = url != NULL && url[0] != '\0' && oauth_url_check(url) == OAUTH_FAULT_NONE;
    return is_good ? g_strdup(url) : NULL;
}

static OauthVerdict read_device(
    int status, const json_t *root, OauthDevice **device, GError **error)
{
    g_autoptr(OauthDevice) own = g_new0(OauthDevice, 1);
    own->device_code = read_secret(root, "device_code", LIMIT_OAUTH_REFRESH_TOKEN_BYTES);
    own->user_code = read_line(root, "user_code", LIMIT_OAUTH_CODE_CHARACTERS);
    own->verification_uri = read_verification_uri(root);
    own->expires_in_s = read_seconds(root, "expires_in", 0, LIMIT_OAUTH_DEVICE_S);
    own->interval_s = read_seconds(root, "interval", 5, 60);
    if (own->device_code == NULL)
        return strange(error, status, "device_code is missing, too long or no code");
    if (own->user_code == NULL)
        return strange(error, status, "user_code is missing, too long or no line of text");
    if (own->verification_uri == NULL)
        return strange(error, status, "verification_uri is missing or no https address");
    if (own->expires_in_s == 0 || own->interval_s == 0)
        return strange(error, status, "expires_in or interval is no number of seconds");
    *device = g_steal_pointer(&own);
    return OAUTH_GRANTED;
}

OauthVerdict oauth_device_read(const OauthRequest *asked, int status, const Secret *body,
    OauthDevice **device, OauthRefusal **refusal, GError **error)
{
    json_t *root = parse(body);
    OauthVerdict verdict = judge(asked, status, root, refusal, error);
    if (verdict == OAUTH_GRANTED)
        verdict = read_device(status, root, device, error);
    json_decref(root);
    return verdict;
}

OauthDeviceState oauth_device_state(const OauthRefusal *refusal)
{
    static const struct {
        const char *error;
        OauthDeviceState state;
    } rows[] = {
        {"authorization_pending", OAUTH_DEVICE_PENDING},
        {"slow_down", OAUTH_DEVICE_SLOWER},
        {"access_denied", OAUTH_DEVICE_DENIED},
        {"authorization_declined", OAUTH_DEVICE_DENIED}, /* Microsoft's word */
        {"expired_token", OAUTH_DEVICE_EXPIRED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(refusal->error, rows[i].error) == 0)
            return rows[i].state;
    }
    return OAUTH_DEVICE_REFUSED;
}
