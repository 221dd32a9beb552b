#include "courier/bearer_fetch.h"

#include "base/leak_point.h"
#include "base/limits.h"
#include "net/https.h"
#include "oauth/answer.h"
#include "oauth/request.h"
#include "store/smtp_settings.h"

#include <sodium.h>

#define PURPOSE "oauth-access-token"
#define FORM "application/x-www-form-urlencoded"

BearerFetch *bearer_fetch_new(
    const BearerParts *parts, gint64 org_id, const SmtpSettings *settings, const char *identity)
{
    BearerFetch *fetch = g_new0(BearerFetch, 1);
    fetch->parts = parts;
    fetch->org_id = org_id;
    fetch->settings = settings_copy(settings);
    fetch->identity = g_strdup(identity);
    return fetch;
}

void bearer_fetch_free(BearerFetch *fetch)
{
    if (fetch == NULL)
        return;
    settings_free(fetch->settings);
    g_free(fetch->identity);
    secret_free(fetch->token);
    g_free(fetch->server);
    g_free(fetch->scope);
    g_free(fetch->text);
    oauth_token_row_free(fetch->row);
    g_clear_pointer(&fetch->refresh_token, g_bytes_unref);
    g_free(fetch);
}

/* --- Whose token it is --------------------------------------------------------------------------
 */

/* Length-prefixed, so that no two lists of texts look alike. */
static void add_text(GString *all, const char *text)
{
    if (text == NULL)
        g_string_append(all, "-;");
    else
        g_string_append_printf(all, "%" G_GSIZE_FORMAT ":%s;", strlen(text), text);
}

static void add_number(GString *all, gint64 number)
{
    g_string_append_printf(all, "%" G_GINT64_FORMAT ";", number);
}

char *bearer_identity_dup(gint64 org_id, const SmtpSettings *settings)
{
    const SettingsOauth *oauth = &settings->oauth;
    g_autoptr(GString) all = g_string_new(NULL);
    const char *const texts[] = {settings->host, settings_username(settings), oauth->tenant,
        oauth->client_id, oauth->scope, oauth->subject, oauth->token_url, oauth->certificate};
    const gint64 numbers[] = {org_id, settings_port(settings), settings_security(settings),
        oauth->provider, oauth->grant};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        add_text(all, texts[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        add_number(all, numbers[i]);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        add_number(all, oauth->set_at[kind]);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, all->str, (gssize)all->len);
}

gint64 bearer_margin_ms(gint64 lifetime_ms)
{
    return MIN(LIMIT_BEARER_AHEAD_MS, lifetime_ms / 4);
}

gint64 bearer_least_ms(gint64 lifetime_ms)
{
    return MIN(LIMIT_BEARER_LEAST_MS, lifetime_ms / 8);
}

gint64 bearer_jitter_ms(gint64 most_ms, guint32 chance)
{
    return (most_ms * chance) >> 32;
}

gint64 bearer_renewal_ms(gint64 lifetime_ms, guint32 chance)
{
    gint64 margin = bearer_margin_ms(lifetime_ms);
    return lifetime_ms - margin - bearer_jitter_ms(MIN(LIMIT_BEARER_JITTER_MS, margin), chance);
}

static VaultBinding *binding_new(const BearerFetch *fetch)
{
    VaultBinding *binding = settings_oauth_binding(fetch->settings, fetch->org_id, PURPOSE);
    vault_binding_add_text(binding, fetch->identity);
    return binding;
}

static void fail(BearerFetch *fetch, BearerEnd end, const char *sys)
{
    fetch->end = end;
    fetch->sys = sys;
}

/* --- What the store keeps -----------------------------------------------------------------------
 */

/* A time of issue that is still ahead comes from a clock that was set since: nothing is known. */
static gboolean take_stored(BearerFetch *fetch, const OauthTokenRow *row)
{
    WallMs now = clock_wall_ms();
    gint64 lifetime_ms = row->expires_at - row->fetched_at;
    gint64 left_ms = row->expires_at - now;
    if (row->fetched_at > now || left_ms <= bearer_least_ms(lifetime_ms))
        return FALSE;
    g_autoptr(VaultBinding) binding = binding_new(fetch);
    fetch->token = vault_unseal(fetch->parts->vault, binding, row->sealed, NULL);
    if (fetch->token == NULL) /* of other settings, most likely */
        return FALSE;
    fetch->end = BEARER_GIVEN;
    fetch->is_stored = TRUE;
    fetch->scope = g_strdup(row->scope);
    fetch->ends_at = clock_mono_ms() + left_ms;
    fetch->issued_at = fetch->came_at = fetch->ends_at - lifetime_ms;
    return TRUE;
}

/* A secret is known by when it was set. */
static void take_newer(SettingsOauth *to, const SmtpSettings *from)
{
    for (guint kind = 0; from != NULL && kind < OAUTH_SECRETS; kind++) {
        GBytes *newer = from->oauth.sealed[kind];
        if (to->sealed[kind] == NULL || newer == NULL ||
            to->set_at[kind] != from->oauth.set_at[kind])
            continue;
        g_bytes_unref(to->sealed[kind]);
        to->sealed[kind] = g_bytes_ref(newer);
    }
}

/* Since the settings were read, the server may have replaced the refresh token, and the operator
 * the key that all is sealed with. FALSE: nobody may be asked, since a server that sees a replaced
 * refresh token again may call back all that it granted. */
static gboolean take_newest_secrets(BearerFetch *fetch, Db *db)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpState) state = smtp_state_read(db, fetch->org_id, &error);
    if (state == NULL) {
        g_warning("the newest secrets of OAuth2 cannot be read: %s", error->message);
        fail(fetch, BEARER_UNREACHABLE, "STORE");
        return FALSE;
    }
    take_newer(&fetch->settings->oauth, state->draft);
    take_newer(&fetch->settings->oauth, state->active);
    return TRUE;
}

/* TRUE if nobody is to be asked. */
static gboolean look_into_store(BearerFetch *fetch)
{
    Db *db = store_reader_take(fetch->parts->store);
    gboolean is_newest = take_newest_secrets(fetch, db);
    g_autoptr(OauthTokenRow) row =
        fetch->may_use_stored ? oauth_token_row_read(db, fetch->org_id, NULL) : NULL;
    store_reader_give(fetch->parts->store, db);
    return (row != NULL && take_stored(fetch, row)) || !is_newest;
}

/* --- Asking -------------------------------------------------------------------------------------
 */

static void forget_secrets(Secret *secrets[OAUTH_SECRETS])
{
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
        secret_free(secrets[kind]);
}

/* Only what the grant has a use for. */
static gboolean open_secrets(const BearerFetch *fetch, Secret *secrets[OAUTH_SECRETS])
{
    const SettingsOauth *oauth = &fetch->settings->oauth;
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        g_autoptr(GError) error = NULL;
        if (oauth->sealed[kind] == NULL ||
            oauth_secret_need(oauth->provider, oauth->grant, kind) == OAUTH_UNUSED)
            continue;
        secrets[kind] = settings_unseal_oauth(
            fetch->settings, kind, fetch->parts->vault, fetch->org_id, &error);
        if (secrets[kind] != NULL)
            continue;
        g_warning("the stored OAuth2 %s cannot be opened, mail is held: %s",
            oauth_secret_name(kind), error->message);
        return FALSE;
    }
    return TRUE;
}

/* NULL: the end is set. */
static OauthRequest *compose(BearerFetch *fetch)
{
    OauthProfile profile;
    OauthMaterial material = {.now = clock_wall_ms()};
    Secret *secrets[OAUTH_SECRETS] = {NULL};
    g_autoptr(GError) error = NULL;
    OauthRequest *request = NULL;
    if (!open_secrets(fetch, secrets)) {
        fail(fetch, BEARER_REFUSED, "SECRET");
    } else {
        settings_oauth_profile(fetch->settings, &profile);
        memcpy(material.secrets, secrets, sizeof secrets);
        randombytes_buf(material.random, sizeof material.random);
        request = oauth_request_for_token(&profile, &material, &error);
    }
    if (error != NULL) {
        g_warning("no access token can be asked for: %s", error->message);
        fail(fetch, BEARER_REFUSED, "TOKEN_REQUEST");
    }
    forget_secrets(secrets);
    return request;
}

static Secret *ask(BearerFetch *fetch, const OauthRequest *request)
{
    const BearerParts *parts = fetch->parts;
    const NetHttpsCall call = {.dns = parts->dns,
        .policy = parts->policy,
        .ca_file = parts->ca_file,
        .url = request->url,
        .content_type = FORM,
        .body = request->form,
        .most_bytes = LIMIT_OAUTH_ANSWER_BYTES,
        .timeout_ms = LIMIT_BEARER_CALL_MS,
        .is_finished_once_begun = TRUE};
    g_autoptr(GError) error = NULL;
    NetHttpsFault fault = {NULL};
    Secret *answer = net_https_call(&call, &fetch->code, &fault, &error);
    if (answer != NULL)
        return answer;
    g_message("no access token: %s", error->message);
    fail(fetch, BEARER_UNREACHABLE, fault.sys != NULL ? fault.sys : "BAD_TOKEN_ANSWER");
    return NULL;
}

static void seal(BearerFetch *fetch, const OauthToken *token)
{
    g_autoptr(VaultBinding) binding = binding_new(fetch);
    OauthTokenRow *row = g_new0(OauthTokenRow, 1);
    row->sealed = vault_seal(fetch->parts->vault, binding, token->access_token);
    row->scope = g_strdup(token->scope);
    row->server = g_strdup(fetch->server);
    row->fetched_at = clock_wall_ms();
    row->expires_at = row->fetched_at + token->expires_in_s * CLOCK_SECOND_MS;
    fetch->row = row;
    if (token->refresh_token != NULL && fetch->settings->oauth.grant == OAUTH_REFRESH_TOKEN)
        fetch->refresh_token = settings_seal_refresh_token(
            fetch->settings, token->refresh_token, fetch->parts->vault, fetch->org_id);
}

static void take_granted(BearerFetch *fetch, const OauthToken *token)
{
    LEAK_POINT(token->access_token);
    fetch->end = BEARER_GIVEN;
    fetch->came_at = clock_mono_ms();
    fetch->token = secret_copy(token->access_token);
    fetch->scope = g_strdup(token->scope);
    fetch->ends_at = fetch->issued_at + token->expires_in_s * CLOCK_SECOND_MS;
    seal(fetch, token);
}

static void read_answer(BearerFetch *fetch, const OauthRequest *request, const Secret *answer)
{
    g_autoptr(OauthToken) token = NULL;
    g_autoptr(OauthRefusal) refusal = NULL;
    g_autoptr(GError) error = NULL;
    OauthVerdict verdict =
        oauth_answer_read(request, fetch->code, answer, &token, &refusal, &error);
    switch (verdict) {
    case OAUTH_GRANTED:
        take_granted(fetch, token);
        return;
    case OAUTH_REFUSED:
        fail(fetch, BEARER_REFUSED, NULL);
        break;
    case OAUTH_AWAY:
        fail(fetch, BEARER_UNREACHABLE, NULL);
        break;
    case OAUTH_STRANGE:
        fail(fetch, BEARER_UNREACHABLE, "BAD_TOKEN_ANSWER");
        break;
    }
    fetch->text = refusal == NULL ? NULL : oauth_refusal_text_dup(refusal);
    g_message("no access token from %s: %d %s", fetch->server, fetch->code,
        fetch->text != NULL ? fetch->text
        : error != NULL     ? error->message
                            : "");
}

static void name_server(BearerFetch *fetch)
{
    OauthProfile profile;
    settings_oauth_profile(fetch->settings, &profile);
    g_autofree char *url = oauth_token_url_dup(&profile);
    if (url != NULL)
        (void)net_https_url_read(url, &fetch->server, NULL, NULL);
}

void bearer_fetch_run(BearerFetch *fetch)
{
    name_server(fetch);
    if (look_into_store(fetch))
        return;
    g_autoptr(OauthRequest) request = compose(fetch);
    if (request == NULL)
        return;
    if (fetch->parts->dns == NULL) {
        fail(fetch, BEARER_UNREACHABLE, "EAI_AGAIN");
        return;
    }
    fetch->issued_at = clock_mono_ms(); /* or a little later */
    g_autoptr(Secret) answer = ask(fetch, request);
    if (answer != NULL)
        read_answer(fetch, request, answer);
}

/* What could not be written at once may be under a key that is no longer in use, or soon gone. */
static gboolean write_refresh_token(Db *db, const BearerFetch *fetch, GError **error)
{
    if (fetch->refresh_token == NULL)
        return TRUE;
    WallMs signed_in_at = fetch->settings->oauth.set_at[OAUTH_SECRET_REFRESH_TOKEN];
    g_autoptr(GBytes) sealed = vault_rewrap(fetch->parts->vault, NULL, fetch->refresh_token, error);
    return sealed != NULL &&
           smtp_refresh_token_write(db, fetch->org_id, signed_in_at, sealed, error);
}

gboolean bearer_fetch_write(Db *db, const BearerFetch *fetch, GError **error)
{
    g_autoptr(GBytes) sealed = vault_rewrap(fetch->parts->vault, NULL, fetch->row->sealed, error);
    if (sealed == NULL || !write_refresh_token(db, fetch, error))
        return FALSE;
    OauthTokenRow row = *fetch->row;
    row.sealed = sealed;
    return oauth_token_row_write(db, fetch->org_id, &row, error);
}
