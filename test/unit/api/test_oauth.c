/* OAuth2 at the API: what is entered and read back, and signing in through the browser and with a
 * device's code, against a token endpoint that speaks HTTPS. */
#include "../courier/token_server.h"
#include "fixture.h"

#include "api/sign_ins.h"
#include "base/limits.h"
#include "base/secret.h"
#include "oauth/redirect.h"
#include "store/smtp_settings.h"

#define CLIENT_SECRET "client-secret-canary"
#define REFRESH_TOKEN "refresh-token-canary"
#define CODE "code-canary"
#define DEVICE_CODE "device-code-canary"
#define TOKEN                                                                             \
    "{\"access_token\":\"access-token-canary\",\"token_type\":\"Bearer\",\"expires_in\":" \
    "3600,\"scope\":\"smtp\",\"refresh_token\":\"" REFRESH_TOKEN "\"}"

typedef struct {
    Fixture *fixture;
    TokenServer *server;
    NetDns *dns;
    NetPolicy *policy;
    GString *answers; /* all of them */
} World;

static int start_world(void **state)
{
    World *world = g_new0(World, 1);
    g_autoptr(GError) error = NULL;
    Fixture *self = world->fixture = fixture_new();
    world->server = token_server_new(self->directory);
    world->dns = net_dns_new(NULL, &error);
    world->policy = net_policy_new();
    assert_true(net_policy_allow(world->policy, "127.0.0.0/8", NULL));
    api_stop(self->api);
    api_free(self->api);
    const ApiParts parts = {.store = self->store,
        .vault = self->vault,
        .catalogue = self->catalogue,
        .providers = self->providers,
        .dns = world->dns,
        .policy = world->policy,
        .ca_file = token_server_ca_file(world->server),
        .listen = "127.0.0.1:0",
        .control_socket = self->control,
        .dev = TRUE};
    self->api = api_new(&parts, &error);
    assert_null(error);
    sign_up(self);
    world->answers = g_string_new(NULL);
    *state = world;
    return 0;
}

static int stop_world(void **state)
{
    World *world = *state;
    fixture_free(world->fixture);
    token_server_free(world->server);
    net_dns_free(world->dns);
    net_policy_free(world->policy);
    g_string_free(world->answers, TRUE);
    g_free(world);
    return 0;
}

static Reply *ask_world(World *world, const char *line, const char *body)
{
    Reply *reply = ask_member(world->fixture, line, "If-Match: *\r\n", body);
    g_string_append(world->answers, reply->body ? reply->body : "");
    return reply;
}

static void server_says(World *world, int status, const char *answer)
{
    token_server_set(world->server, (TokenManner){.status = status, .answer = answer});
}

/* Settings that somebody can sign in for; more: further members of the account. */
static void patch(World *world, const char *more)
{
    const char *url = token_server_url(world->server);
    g_autofree char *body = g_strdup_printf(
        "{\"host\":\"mail.example.com\",\"from_email\":\"info@example.com\",\"auth\":\"oauth2\","
        "\"oauth\":{\"provider\":\"generic\",\"grant\":\"refresh_token\",\"client_id\":"
        "\"absender\","
        "\"client_secret\":\"" CLIENT_SECRET "\",\"token_url\":\"%s\",\"authorize_url\":"
        "\"https://login.example.com/auth\",\"device_url\":\"%s\",\"scope\":\"smtp\"%s}}",
        url, url, more);
    g_autoptr(Reply) reply = ask_world(world, "PATCH /v1/smtp/draft", body);
    assert_reply(reply, 200, NULL);
}

static Secret *kept(World *world, OauthSecretKind kind)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(world->fixture->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, &error);
    store_reader_give(world->fixture->store, db);
    return settings_unseal_oauth(
        state->draft, kind, world->fixture->vault, STORE_DEFAULT_ORG, NULL);
}

static void assert_kept(World *world, OauthSecretKind kind, const char *expected)
{
    g_autoptr(Secret) secret = kept(world, kind);
    if (!expected) {
        assert_null(secret);
        return;
    }
    assert_non_null(secret);
    assert_string_equal(secret_reveal(secret, NULL), expected);
}

static void assert_no_secret_was_answered(const World *world)
{
    assert_null(strstr(world->answers->str, "canary"));
}

/* --- What is entered ---------------------------------------------------------------------------
 */

static void the_account_is_read_back_without_its_secrets(void **state)
{
    World *world = *state;
    patch(world, ",\"client_secret_ends_at\":\"2027-03-01T00:00:00Z\"");
    g_autoptr(Reply) status = ask_world(world, "GET /v1/smtp", NULL);
    assert_string_equal(reply_text(status, "draft.auth"), "oauth2");
    assert_string_equal(reply_text(status, "draft.oauth.provider"), "generic");
    assert_string_equal(reply_text(status, "draft.oauth.client_id"), "absender");
    assert_true(json_is_null(reply_at(status, "draft.oauth.tenant")));
    assert_true(json_is_null(reply_at(status, "draft.oauth.certificate")));
    assert_string_equal(
        reply_text(status, "draft.oauth.client_secret_ends_at"), "2027-03-01T00:00:00.000Z");
    assert_true(json_is_true(reply_at(status, "draft.oauth.client_secret.set")));
    assert_true(json_is_string(reply_at(status, "draft.oauth.client_secret.set_at")));
    assert_true(json_is_false(reply_at(status, "draft.oauth.refresh_token.set")));
    assert_int_equal(json_object_size(reply_at(status, "draft.oauth.client_secret")), 2);
    assert_string_equal(reply_text(status, "missing.0"), "oauth/refresh_token");
    g_autofree char *expected =
        g_strdup_printf("http://127.0.0.1:%u/oauth/return", api_port(world->fixture->api));
    assert_string_equal(reply_text(status, "oauth_redirect_uri"), expected);
    assert_no_secret_was_answered(world);
}

static void null_empties_and_the_rest_stays(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autoptr(Reply) scope =
        ask_world(world, "PATCH /v1/smtp/draft", "{\"oauth\":{\"scope\":null}}");
    assert_reply(scope, 200, NULL);
    assert_true(json_is_null(reply_at(scope, "draft.oauth.scope")));
    assert_string_equal(reply_text(scope, "draft.oauth.client_id"), "absender");
    assert_int_equal(json_array_size(reply_at(scope, "oauth_dropped")), 0);
    assert_kept(world, OAUTH_SECRET_CLIENT, CLIENT_SECRET);
    g_autoptr(Reply) all = ask_world(world, "PATCH /v1/smtp/draft", "{\"oauth\":null}");
    assert_true(json_is_null(reply_at(all, "draft.oauth")));
    assert_kept(world, OAUTH_SECRET_CLIENT, NULL);
}

static void wrong_members_are_named_with_their_pointer(void **state)
{
    static const struct {
        const char *body, *pointer, *code;
    } rows[] = {
        {"{\"oauth\":{\"provider\":\"yahoo\"}}", "/oauth/provider", "unknown_value"},
        {"{\"oauth\":{\"secret\":\"x\"}}", "/oauth/secret", "unknown_field"},
        {"{\"oauth\":\"x\"}", "/oauth", "wrong_type"},
        {"{\"oauth\":{\"client_secret\":{\"set\":true}}}", "/oauth/client_secret", "wrong_type"},
        {"{\"oauth\":{\"token_url\":\"http://a.example/\"}}", "/oauth/token_url", "invalid_url"},
        {"{\"oauth\":{\"provider\":\"google\",\"token_url\":\"https://a.example/\"}}",
            "/oauth/token_url", "url_is_known"},
        {"{\"oauth\":{\"client_secret_ends_at\":\"soon\"}}", "/oauth/client_secret_ends_at",
            "invalid_time"},
        {"{\"oauth\":{\"private_key\":\"key-canary\"}}", "/oauth/private_key",
            "private_key_unreadable"},
    };
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_world(world, "PATCH /v1/smtp/draft", rows[i].body);
        assert_reply(reply, 422, rows[i].code);
        assert_string_equal(reply_text(reply, "errors.0.pointer"), rows[i].pointer);
        g_autoptr(Reply) start = NULL;
        g_autofree char *body = g_strdup_printf("{\"settings\":%s}", rows[i].body);
        g_autofree char *pointer = g_strconcat("/settings", rows[i].pointer, NULL);
        start = ask_world(world, "POST /v1/smtp/verifications", body);
        assert_reply(start, 422, rows[i].code);
        assert_string_equal(reply_text(start, "errors.0.pointer"), pointer);
    }
    assert_no_secret_was_answered(world);
}

static void a_kept_secret_never_follows_to_another_account(void **state)
{
    static const char *const changes[] = {"{\"host\":\"evil.example\"}",
        "{\"port\":465,\"security\":\"implicit\"}", "{\"username\":\"eve\"}",
        "{\"oauth\":{\"token_url\":\"https://evil.example/token\"}}",
        "{\"oauth\":{\"grant\":\"refresh_token\",\"device_url\":\"https://evil.example/device\"}}",
        "{\"oauth\":{\"client_id\":\"evil\"}}",
        "{\"oauth\":{\"provider\":\"microsoft\",\"tenant\":\"example.com\"}}"};
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        patch(world, ",\"refresh_token\":\"" REFRESH_TOKEN "\"");
        g_autoptr(Reply) reply = ask_world(world, "PATCH /v1/smtp/draft", changes[i]);
        assert_reply(reply, 200, NULL);
        assert_string_equal(reply_text(reply, "oauth_dropped.0"), "client_secret");
        assert_string_equal(reply_text(reply, "oauth_dropped.1"), "refresh_token");
        assert_kept(world, OAUTH_SECRET_CLIENT, NULL);
        assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, NULL);
        g_autoptr(Reply) start = ask_world(world, "POST /v1/smtp/verifications", "{}");
        assert_reply(start, 422, "incomplete");
        g_autoptr(Reply) gone = ask_world(world, "DELETE /v1/smtp/draft", NULL);
        assert_reply(gone, 200, NULL);
    }
}

static void a_complete_account_needs_no_password(void **state)
{
    World *world = *state;
    patch(world, ",\"refresh_token\":\"" REFRESH_TOKEN "\"");
    g_autoptr(Reply) started = ask_world(world, "POST /v1/smtp/verifications", "{}");
    assert_reply(started, 202, NULL);
    assert_no_secret_was_answered(world);
}

static gboolean activate_draft(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    return smtp_activate(
        db, STORE_DEFAULT_ORG, state->draft, state->revision, clock_wall_ms(), error);
}

static void when_the_secret_ends_is_noted_without_a_verification(void **state)
{
    static const char ends[] = "{\"oauth\":{\"client_secret_ends_at\":\"2027-03-01T00:00:00Z\"}}";
    World *world = *state;
    g_autoptr(GError) error = NULL;
    patch(world, ",\"refresh_token\":\"" REFRESH_TOKEN "\"");
    assert_true(store_run(world->fixture->store, activate_draft, NULL, &error));
    g_autoptr(Reply) noted = ask_world(world, "PATCH /v1/smtp/draft", ends);
    assert_reply(noted, 200, NULL);
    assert_true(json_is_null(reply_at(noted, "draft")));
    assert_string_equal(
        reply_text(noted, "active.oauth.client_secret_ends_at"), "2027-03-01T00:00:00.000Z");
    g_autoptr(Reply) changed =
        ask_world(world, "PATCH /v1/smtp/draft", "{\"oauth\":{\"scope\":\"other\"}}");
    assert_string_equal(reply_text(changed, "draft.oauth.scope"), "other");
    assert_string_equal(reply_text(changed, "active.oauth.scope"), "smtp");
}

/* --- Through the browser -----------------------------------------------------------------------
 */

/* A parameter of the address; the caller frees. */
static char *parameter(const char *url, const char *name)
{
    g_autoptr(GHashTable) fields =
        g_uri_parse_params(strchr(url, '?') + 1, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
    return g_strdup(g_hash_table_lookup(fields, name));
}

/* Begins a sign-in; the state, which the caller frees. */
static char *begin(World *world, char **challenge)
{
    g_autoptr(Reply) reply = ask_world(world, "POST /v1/smtp/oauth/authorizations", NULL);
    assert_reply(reply, 201, NULL);
    const char *url = reply_text(reply, "url");
    assert_true(g_str_has_prefix(url, "https://login.example.com/auth?"));
    if (challenge)
        *challenge = parameter(url, "code_challenge");
    return parameter(url, "state");
}

static Reply *redeem(World *world, const char *state, const char *rest)
{
    g_autofree char *body = g_strdup_printf("{\"state\":\"%s\",%s}", state, rest);
    return ask_world(world, "POST /v1/smtp/oauth/authorizations/redeem", body);
}

static void a_sign_in_leaves_its_refresh_token_in_the_draft(void **state)
{
    World *world = *state;
    g_autofree char *challenge = NULL;
    patch(world, "");
    g_autofree char *name = begin(world, &challenge);
    assert_int_equal(strlen(name), 43);
    assert_int_equal(strlen(challenge), 43);
    server_says(world, 200, TOKEN);
    g_autoptr(Reply) done = redeem(world, name, "\"code\":\"" CODE "\"");
    assert_reply(done, 200, NULL);
    assert_string_equal(reply_text(done, "object"), "oauth_authorization");
    assert_string_equal(reply_text(done, "state"), "done");
    assert_string_equal(reply_text(done, "scope"), "smtp");
    static const char *const sent[] = {"grant_type=authorization_code", "code=" CODE,
        "client_id=absender", "client_secret=" CLIENT_SECRET,
        "code_verifier=", "redirect_uri=http%3A%2F%2F127.0.0.1%3A", "%2Foauth%2Freturn"};
    for (gsize i = 0; i < G_N_ELEMENTS(sent); i++) {
        if (!token_server_was_sent(world->server, sent[i]))
            fail_msg("not sent: %s", sent[i]);
    }
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, REFRESH_TOKEN);
    g_autoptr(Reply) status = ask_world(world, "GET /v1/smtp", NULL);
    assert_int_equal(json_array_size(reply_at(status, "missing")), 0);
    assert_true(json_equal(reply_at(status, "revision"), reply_at(done, "revision")));
    g_autoptr(Reply) audit = ask_member(world->fixture, "GET /v1/audit-events", "", NULL);
    assert_string_equal(reply_text(audit, "data.0.action"), "smtp.signed_in");
    assert_null(strstr(audit->body, "canary"));
    assert_no_secret_was_answered(world);
}

typedef struct {
    World *world;
    const char *state;
} Redeemer;

static gpointer redeem_on_thread(gpointer user)
{
    const Redeemer *redeemer = user;
    return redeem(redeemer->world, redeemer->state, "\"code\":\"" CODE "\"");
}

/* A code is good for once: the refresh token that comes for it must not be lost. */
static void a_sign_in_that_is_at_its_end_survives_a_stop(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autofree char *name = begin(world, NULL);
    token_server_set(world->server, (TokenManner){.answer = TOKEN, .delay_ms = 1000});
    Redeemer redeemer = {world, name};
    GThread *thread = g_thread_new("redeem", redeem_on_thread, &redeemer);
    for (guint tries = 0; tries < 20000 && token_server_asked(world->server) == 0; tries++)
        g_usleep(1000);
    api_stop(world->fixture->api);
    g_autoptr(Reply) done = g_thread_join(thread);
    assert_reply(done, 200, NULL);
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, REFRESH_TOKEN);
}

static void a_pasted_address_line_does_as_well(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autofree char *name = begin(world, NULL);
    server_says(world, 200, TOKEN);
    g_autofree char *body = g_strdup_printf(
        "{\"address\":\"https://mail.example.com/oauth/return?code=" CODE "&state=%s\"}", name);
    g_autoptr(Reply) done = ask_world(world, "POST /v1/smtp/oauth/authorizations/redeem", body);
    assert_reply(done, 200, NULL);
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, REFRESH_TOKEN);
    g_autoptr(Reply) wrong = ask_world(world, "POST /v1/smtp/oauth/authorizations/redeem",
        "{\"address\":\"https://mail.example.com/\"}");
    assert_reply(wrong, 422, "invalid_sign_in_address");
}

static void a_sign_in_counts_once_and_only_for_who_began_it(void **state)
{
    World *world = *state;
    patch(world, "");
    server_says(world, 200, TOKEN);
    g_autofree char *first = begin(world, NULL), *second = NULL;
    g_autoptr(Reply) done = redeem(world, first, "\"code\":\"" CODE "\"");
    assert_reply(done, 200, NULL);
    g_autoptr(Reply) again = redeem(world, first, "\"code\":\"" CODE "\"");
    assert_reply(again, 404, "sign_in_unknown");
    g_autoptr(Reply) guessed = redeem(world, "guess", "\"code\":\"" CODE "\"");
    assert_reply(guessed, 404, "sign_in_unknown");

    second = begin(world, NULL);
    make_token(world->fixture, "[\"smtp:write\"]");
    g_autofree char *body = g_strdup_printf("{\"state\":\"%s\",\"code\":\"" CODE "\"}", second);
    g_autoptr(Reply) other =
        ask_token(world->fixture, "POST /v1/smtp/oauth/authorizations/redeem", "", body);
    assert_reply(other, 404, "sign_in_unknown");
    assert_int_equal(token_server_asked(world->server), 1);
    g_autoptr(Reply) own = redeem(world, second, "\"code\":\"" CODE "\"");
    assert_reply(own, 200, NULL);
}

static void a_sign_in_is_for_the_settings_it_began_with(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autofree char *name = begin(world, NULL);
    g_autoptr(Reply) moved =
        ask_world(world, "PATCH /v1/smtp/draft", "{\"host\":\"evil.example\"}");
    assert_reply(moved, 200, NULL);
    patch(world, ""); /* as it was, but not the same */
    server_says(world, 200, TOKEN);
    g_autoptr(Reply) late = redeem(world, name, "\"code\":\"" CODE "\"");
    assert_reply(late, 409, "sign_in_outdated");
    assert_int_equal(token_server_asked(world->server), 0);
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, NULL);
}

static void a_refusal_comes_with_its_diagnosis(void **state)
{
    static const struct {
        const char *name, *rest, *answer; /* answer NULL: nobody is asked */
        int http, status;
        const char *code;
    } rows[] = {
        {"at the sign-in page", "\"error\":\"access_denied\",\"error_description\":\"No <b>\"",
            NULL, 0, 422, "sign_in_refused"},
        {"by the token endpoint", "\"code\":\"" CODE "\"",
            "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client "
            "secret provided.\"}",
            401, 422, "sign_in_refused"},
        {"no OAuth2 answer", "\"code\":\"" CODE "\"", "<html>proxy</html>", 200, 422,
            "sign_in_refused"},
        {"not now", "\"code\":\"" CODE "\"", "{}", 503, 502, "provider_unreachable"},
        {"nothing that lasts", "\"code\":\"" CODE "\"",
            "{\"access_token\":\"access-token-canary\",\"token_type\":\"Bearer\"}", 200, 422,
            "no_refresh_token"},
    };
    World *world = *state;
    patch(world, "");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint asked = token_server_asked(world->server);
        g_autofree char *name = begin(world, NULL);
        server_says(world, rows[i].http, rows[i].answer);
        g_autoptr(Reply) reply = redeem(world, name, rows[i].rest);
        if (reply->status != rows[i].status)
            print_error("%s\n", rows[i].name);
        assert_reply(reply, rows[i].status, rows[i].code);
        assert_int_equal(token_server_asked(world->server) - asked, rows[i].answer ? 1 : 0);
        if (strcmp(rows[i].code, "no_refresh_token") != 0)
            assert_string_equal(reply_text(reply, "diagnosis.phase"), "token");
        g_autoptr(Reply) again = redeem(world, name, rows[i].rest);
        assert_reply(again, 404, "sign_in_unknown");
    }
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, NULL);
    assert_no_secret_was_answered(world);
}

static void half_a_redirect_is_refused(void **state)
{
    static const char *const bodies[] = {"{\"code\":\"a\"}", "{\"state\":\"a\"}",
        "{\"state\":\"a\",\"code\":\"b\",\"error\":\"c\"}", "{\"address\":7}"};
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) reply =
            ask_world(world, "POST /v1/smtp/oauth/authorizations/redeem", bodies[i]);
        assert_int_equal(reply->status, 422);
    }
}

static void nobody_signs_in_for_settings_that_are_not_meant_so(void **state)
{
    static const char *const starts[] = {
        "POST /v1/smtp/oauth/authorizations", "POST /v1/smtp/oauth/devices"};
    World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
        g_autoptr(Reply) nothing = ask_world(world, starts[i], NULL);
        assert_reply(nothing, 422, "incomplete");
        assert_string_equal(reply_text(nothing, "errors.0.pointer"), "/host");
        patch(world, "");
        g_autoptr(Reply) other =
            ask_world(world, "PATCH /v1/smtp/draft", "{\"oauth\":{\"grant\":\"client_secret\"}}");
        assert_reply(other, 200, NULL);
        g_autoptr(Reply) not_offered = ask_world(world, starts[i], NULL);
        assert_reply(not_offered, 409, "sign_in_not_offered");
        make_token(world->fixture, "[\"smtp:read\"]");
        g_autoptr(Reply) reader = ask_token(world->fixture, starts[i], "", NULL);
        assert_reply(reader, 403, NULL);
        g_autoptr(Reply) gone = ask_world(world, "DELETE /v1/smtp/draft", NULL);
        assert_reply(gone, 200, NULL);
    }
    assert_int_equal(token_server_asked(world->server), 0);
}

static void sign_ins_are_begun_only_so_often(void **state)
{
    World *world = *state;
    patch(world, "");
    for (guint i = 0; i < LIMIT_SIGN_INS_PER_HOUR; i++)
        g_free(begin(world, NULL));
    g_autoptr(Reply) reply = ask_world(world, "POST /v1/smtp/oauth/authorizations", NULL);
    assert_reply(reply, 429, "too_many_attempts");
    g_autofree char *retry = reply_header(reply, "Retry-After");
    assert_non_null(retry);
}

static void the_page_that_the_provider_leads_back_to_keeps_its_address_to_itself(void **state)
{
    World *world = *state;
    g_autoptr(Reply) page =
        ask(world->fixture, "GET /oauth/return?code=" CODE "&state=x", "", NULL);
    g_autofree char *referrer = reply_header(page, "Referrer-Policy");
    assert_string_equal(referrer, "no-referrer");
    assert_null(strstr(page->head, "canary"));
    assert_null(strstr(page->body, "canary"));
}

static void of_too_many_sign_ins_the_first_to_end_is_forgotten(void **state)
{
    static const guint8 credential[PEOPLE_HASH_BYTES] = {7};
    const SignInOwner owner = {STORE_DEFAULT_ORG, credential};
    g_autoptr(SignIns) sign_ins = sign_ins_new();
    for (guint i = 0; i <= LIMIT_SIGN_INS; i++) {
        SignIn *sign_in = g_new0(SignIn, 1);
        g_autofree char *name = g_strdup_printf("state %u", i);
        sign_in->org_id = owner.org_id;
        memcpy(sign_in->credential, credential, PEOPLE_HASH_BYTES);
        sign_in->state = secret_new(name, strlen(name));
        sign_in->ends_at = i == 5 ? 1000 : 2000 + i;
        sign_ins_put(sign_ins, sign_in);
    }
    for (guint i = 0; i <= LIMIT_SIGN_INS; i++) {
        g_autofree char *name = g_strdup_printf("state %u", i);
        g_autoptr(Secret) wanted = secret_new(name, strlen(name));
        g_autoptr(SignIn) found = sign_ins_take_state(sign_ins, &owner, wanted, 500);
        assert_int_equal(found == NULL, i == 5);
    }
}

/* --- With a device's code ----------------------------------------------------------------------
 */

#define DEVICE                                                                               \
    "{\"device_code\":\"" DEVICE_CODE "\",\"user_code\":\"ABCD-1234\",\"verification_uri\":" \
    "\"https://login.example.com/device\",\"expires_in\":%d,\"interval\":%d}"

/* The path to poll; the caller frees. */
static char *begin_device(World *world, int expires_in_s, int interval_s)
{
    g_autofree char *answer = g_strdup_printf(DEVICE, expires_in_s, interval_s);
    server_says(world, 200, answer);
    g_autoptr(Reply) reply = ask_world(world, "POST /v1/smtp/oauth/devices", NULL);
    server_says(world, 200, TOKEN);
    assert_reply(reply, 201, NULL);
    assert_string_equal(reply_text(reply, "user_code"), "ABCD-1234");
    assert_string_equal(reply_text(reply, "verification_uri"), "https://login.example.com/device");
    assert_int_equal(json_integer_value(reply_at(reply, "interval_seconds")), interval_s);
    return g_strdup_printf("POST /v1/smtp/oauth/devices/%s/poll", reply_text(reply, "id"));
}

static void assert_polled(World *world, const char *line, const char *state)
{
    g_autoptr(Reply) reply = ask_world(world, line, NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "state"), state);
}

static void a_typed_code_leaves_a_refresh_token_too(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autofree char *poll = begin_device(world, 600, 1);
    assert_polled(world, poll, "pending"); /* too early: nobody is asked */
    assert_int_equal(token_server_asked(world->server), 1);
    g_usleep(1100 * 1000);
    server_says(world, 400, "{\"error\":\"authorization_pending\"}");
    assert_polled(world, poll, "pending");
    assert_true(token_server_was_sent(world->server, "device_code=" DEVICE_CODE));
    g_usleep(1100 * 1000);
    server_says(world, 200, TOKEN);
    assert_polled(world, poll, "done");
    assert_kept(world, OAUTH_SECRET_REFRESH_TOKEN, REFRESH_TOKEN);
    g_autoptr(Reply) again = ask_world(world, poll, NULL);
    assert_reply(again, 404, "sign_in_unknown");
    assert_no_secret_was_answered(world);
}

static void a_device_ends_as_the_provider_says(void **state)
{
    static const struct {
        const char *answer, *state;
    } rows[] = {
        {"{\"error\":\"access_denied\"}", "denied"},
        {"{\"error\":\"expired_token\"}", "expired"},
        {"{\"error\":\"invalid_client\"}", NULL},
    };
    World *world = *state;
    patch(world, "");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *poll = begin_device(world, 600, 1);
        g_usleep(1100 * 1000);
        server_says(world, 400, rows[i].answer);
        g_autoptr(Reply) reply = ask_world(world, poll, NULL);
        assert_reply(reply, rows[i].state ? 200 : 422, rows[i].state ? NULL : "sign_in_refused");
        if (rows[i].state)
            assert_string_equal(reply_text(reply, "state"), rows[i].state);
        g_autoptr(Reply) again = ask_world(world, poll, NULL);
        assert_reply(again, 404, "sign_in_unknown");
    }
    g_autofree char *late = begin_device(world, 1, 1);
    g_usleep(1100 * 1000);
    guint asked = token_server_asked(world->server);
    assert_polled(world, late, "expired");
    assert_int_equal(token_server_asked(world->server), asked);
}

static void a_device_that_asks_too_often_asks_less_often(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autofree char *poll = begin_device(world, 600, 1);
    g_usleep(1100 * 1000);
    server_says(world, 400, "{\"error\":\"slow_down\"}");
    g_autoptr(Reply) slower = ask_world(world, poll, NULL);
    assert_string_equal(reply_text(slower, "state"), "pending");
    assert_int_equal(json_integer_value(reply_at(slower, "interval_seconds")), 6);
    guint asked = token_server_asked(world->server);
    assert_polled(world, poll, "pending");
    assert_int_equal(token_server_asked(world->server), asked);
}

static void a_provider_without_device_codes_says_so(void **state)
{
    World *world = *state;
    patch(world, "");
    g_autoptr(Reply) without =
        ask_world(world, "PATCH /v1/smtp/draft", "{\"oauth\":{\"device_url\":null}}");
    assert_reply(without, 200, NULL);
    g_autoptr(Reply) reply = ask_world(world, "POST /v1/smtp/oauth/devices", NULL);
    assert_reply(reply, 409, "sign_in_not_offered");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, start_world, stop_world)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        IN_WORLD(the_account_is_read_back_without_its_secrets),
        IN_WORLD(null_empties_and_the_rest_stays),
        IN_WORLD(wrong_members_are_named_with_their_pointer),
        IN_WORLD(a_kept_secret_never_follows_to_another_account),
        IN_WORLD(a_complete_account_needs_no_password),
        IN_WORLD(when_the_secret_ends_is_noted_without_a_verification),
        IN_WORLD(a_sign_in_leaves_its_refresh_token_in_the_draft),
        IN_WORLD(a_sign_in_that_is_at_its_end_survives_a_stop),
        IN_WORLD(a_pasted_address_line_does_as_well),
        IN_WORLD(a_sign_in_counts_once_and_only_for_who_began_it),
        IN_WORLD(a_sign_in_is_for_the_settings_it_began_with),
        IN_WORLD(a_refusal_comes_with_its_diagnosis),
        IN_WORLD(half_a_redirect_is_refused),
        IN_WORLD(nobody_signs_in_for_settings_that_are_not_meant_so),
        IN_WORLD(sign_ins_are_begun_only_so_often),
        cmocka_unit_test(of_too_many_sign_ins_the_first_to_end_is_forgotten),
        IN_WORLD(the_page_that_the_provider_leads_back_to_keeps_its_address_to_itself),
        IN_WORLD(a_typed_code_leaves_a_refresh_token_too),
        IN_WORLD(a_device_ends_as_the_provider_says),
        IN_WORLD(a_device_that_asks_too_often_asks_less_often),
        IN_WORLD(a_provider_without_device_codes_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
