/* The organisation, its public URL and which names it answers to; and the audit log over HTTP. */
#include "fixture.h"

#include "api/public_url.h"
#include "api/words/audit_text.h"
#include "base/secret.h"

#define URL "https://mail.example.com"

static void a_public_url_is_scheme_host_and_port(void **state)
{
    static const struct {
        const char *text, *expected; /* NULL: refused */
    } cases[] = {
        {"https://mail.example.com", "https://mail.example.com"},
        {"HTTPS://Mail.Example.COM/", "https://mail.example.com"},
        {"https://mail.example.com:443", "https://mail.example.com"},
        {"http://mail.example.com:80", "http://mail.example.com"},
        {"https://mail.example.com:8443/", "https://mail.example.com:8443"},
        {"http://192.0.2.7:8465", "http://192.0.2.7:8465"},
        {"http://[::1]:8465", "http://[::1]:8465"},
        {"https://bücher.example", "https://xn--bcher-kva.example"},
        {"https://mail.example.com/absender", NULL},
        {"https://mail.example.com/?a=b", NULL},
        {"https://mail.example.com/#x", NULL},
        {"https://anna@mail.example.com", NULL},
        {"ftp://mail.example.com", NULL},
        {"javascript:alert(1)", NULL},
        {"mail.example.com", NULL},
        {"https://", NULL},
        {"https://mail_1.example.com\r\nX: y", NULL},
        {"", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *url = public_url_parse(cases[i].text);
        if (g_strcmp0(url, cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].text, url ? url : "(refused)");
    }
}

/* --- The organisation ------------------------------------------------------------------------ */

static void an_organisation_keeps_what_it_is_told(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) before = ask_member(self, "GET /v1/organisation", "", NULL);
    assert_reply(before, 200, NULL);
    assert_true(json_is_null(reply_at(before, "name")));
    assert_string_equal(reply_text(before, "public_url_source"), "stored");

    g_autoptr(Reply) set = ask_member(self, "PATCH /v1/organisation", "",
        "{\"name\":\" Verein \",\"colour\":\"#1F5fbf\",\"language\":\"de\"}");
    assert_reply(set, 200, NULL);
    assert_string_equal(reply_text(set, "name"), "Verein");
    assert_string_equal(reply_text(set, "colour"), "#1f5fbf");

    g_autoptr(Reply) cleared = ask_member(self, "PATCH /v1/organisation", "", "{\"name\":null}");
    assert_reply(cleared, 200, NULL);
    assert_true(json_is_null(reply_at(cleared, "name")));
    assert_string_equal(reply_text(cleared, "language"), "de");
}

static void an_organisation_refuses_what_is_wrong_and_says_where(void **state)
{
    static const struct {
        const char *body, *pointer, *code;
    } cases[] = {
        {"{\"name\":\"a\\nb\"}", "/name", "control_character"},
        {"{\"colour\":\"red\"}", "/colour", "invalid_colour"},
        {"{\"colour\":\"#12345g\"}", "/colour", "invalid_colour"},
        {"{\"language\":\"fr\"}", "/language", "unknown_value"},
        {"{\"public_url\":\"https://a.example/b\"}", "/public_url", "invalid_url"},
        {"{\"public_url\":7}", "/public_url", "wrong_type"},
        {"{\"public_url\":null}", "/public_url", "required"},
        {"{\"public_url\":\"\"}", "/public_url", "required"},
        {"{\"row\":2}", "/row", "unknown_field"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply = ask_member(*state, "PATCH /v1/organisation", "", cases[i].body);
        assert_reply(reply, 422, cases[i].code);
        assert_string_equal(reply_text(reply, "errors.0.pointer"), cases[i].pointer);
    }
}

static void set_url(Fixture *self)
{
    g_autoptr(Reply) reply =
        ask_member(self, "PATCH /v1/organisation", "", "{\"public_url\":\"" URL "/\"}");
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "public_url"), URL);
    assert_string_equal(reply_text(reply, "public_url_source"), "stored");
}

static void a_public_url_with_tls_renews_the_cookie_under_its_safe_name(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply =
        ask_member(self, "PATCH /v1/organisation", "", "{\"public_url\":\"" URL "\"}");
    g_autofree char *cookie = reply_header(reply, "Set-Cookie");
    assert_reply(reply, 200, NULL);
    assert_non_null(cookie);
    assert_non_null(g_strstr_len(cookie, -1, "__Host-absender="));
    assert_non_null(strstr(cookie, "; Secure"));
    assert_non_null(strstr(cookie, self->cookie));
    g_autofree char *headers = g_strdup_printf("Cookie: __Host-absender=%s\r\n", self->cookie);
    g_autoptr(Reply) session = ask(self, "GET /v1/session", headers, NULL);
    assert_true(json_is_true(reply_at(session, "authenticated")));
    assert_string_equal(reply_text(session, "public_url"), URL);
}

static void a_public_url_outlives_a_restart(void **state)
{
    Fixture *self = *state;
    set_url(self);
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    g_autoptr(Reply) session = ask(self, "GET /v1/session", "", NULL);
    assert_string_equal(reply_text(session, "public_url"), URL);
}

/* In their order: what is taken holds for the next one. */
static void nobody_locks_himself_out(void **state)
{
    static const struct {
        const char *host, *origin, *cookie, *url;
        int status;
    } cases[] = {
        {"localhost:8465", "http://localhost:8465", "absender_session", "https://a.example", 200},
        {"a.example", "https://a.example", "__Host-absender", "https://b.example", 422},
        {"a.example", "https://a.example", "__Host-absender", "http://a.example", 422},
        {"a.example", "https://a.example", "__Host-absender", "https://a.example:8443", 200},
        {"localhost", "http://localhost", "__Host-absender", "http://a.example", 200},
        {"a.example", "http://a.example", "absender_session", "https://a.example", 422},
        {"a.example", "HTTP://A.example", "absender_session", "https://a.example", 422},
        {"a.example", "https://a.example", "absender_session", "https://a.example", 200},
        {"a.example", NULL, "__Host-absender", "https://a.example:8443", 200},
    };
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *origin =
            cases[i].origin ? g_strconcat("Origin: ", cases[i].origin, "\r\n", NULL) : g_strdup("");
        g_autofree char *body = g_strdup_printf("{\"public_url\":\"%s\"}", cases[i].url);
        g_autofree char *text = g_strdup_printf(
            "PATCH /v1/organisation HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s"
            "Cookie: %s=%s\r\nX-CSRF-Token: %s\r\nContent-Type: application/json\r\n"
            "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
            cases[i].host, origin, cases[i].cookie, self->cookie, self->csrf, strlen(body), body);
        g_autoptr(Reply) reply = ask_raw(self, text);
        print_message("case %u\n", (guint)i);
        assert_reply(
            reply, cases[i].status, cases[i].status == 422 ? "public_url_elsewhere" : NULL);
    }
}

/* Links that let somebody in begin with it. */
static void no_token_sets_the_public_url(void **state)
{
    static const char *const bodies[] = {
        "{\"public_url\":\"https://evil.example\"}", "{\"public_url\":\"http://localhost\"}"};
    Fixture *self = *state;
    make_token(self, "[\"emails:send\",\"emails:read\",\"smtp:read\",\"smtp:write\","
                     "\"people:write\",\"audit:read\"]");
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) reply = ask_token(self, "PATCH /v1/organisation", "", bodies[i]);
        assert_reply(reply, 403, "scope_not_allowed");
    }
    g_autoptr(Reply) name = ask_token(self, "PATCH /v1/organisation", "", "{\"name\":\"Verein\"}");
    assert_reply(name, 200, NULL);
    g_autoptr(Reply) operator=
        ask_control(self, "PATCH /v1/organisation", "{\"public_url\":\"" URL "\"}");
    assert_reply(operator, 200, NULL);
}

static void start_with_operators_url(Fixture *self)
{
    g_autoptr(GError) error = NULL;
    const ApiParts parts = {.store = self->store,
        .vault = self->vault,
        .catalogue = self->catalogue,
        .providers = self->providers,
        .listen = "127.0.0.1:0",
        .control_socket = self->control,
        .public_url = "http://mail.example.com/",
        .dev = TRUE};
    api_stop(self->api);
    api_free(self->api);
    self->api = api_new(&parts, &error);
    assert_null(error);
}

static void what_the_operator_has_set_is_not_asked_for(void **state)
{
    static const struct {
        const char *more, *code;
        int status;
    } cases[] = {{",\"public_url\":\"" URL "\"", "public_url_is_fixed", 422}, {"", NULL, 201}};
    Fixture *self = *state;
    start_with_operators_url(self);
    g_autofree char *token = setup_token(self);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"token\":\"%s\",\"email\":\"" EMAIL "\",\"name\":\"Anna\","
                            "\"password\":\"" PASSWORD "\"%s}",
                token, cases[i].more);
        g_autoptr(Reply) reply = ask(self, "POST /v1/setup", "", body);
        assert_reply(reply, cases[i].status, cases[i].code);
    }
}

static void what_the_operator_has_set_stays(void **state)
{
    Fixture *self = *state;
    start_with_operators_url(self);
    g_autoptr(Reply) reply =
        ask_member(self, "PATCH /v1/organisation", "", "{\"public_url\":\"" URL "\"}");
    assert_reply(reply, 422, "public_url_is_fixed");
    g_autoptr(Reply) removal =
        ask_member(self, "PATCH /v1/organisation", "", "{\"public_url\":null}");
    assert_reply(removal, 422, "public_url_is_fixed");
    g_autoptr(Reply) now = ask_member(self, "GET /v1/organisation", "", NULL);
    assert_string_equal(reply_text(now, "public_url"), "http://mail.example.com");
    assert_string_equal(reply_text(now, "public_url_source"), "operator");
}

/* --- Names (threat T35) ---------------------------------------------------------------------- */

static Reply *ask_as(const Fixture *self, const char *path, const char *host, const char *headers)
{
    g_autofree char *text = g_strdup_printf(
        "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", path, host, headers);
    return ask_raw(self, text);
}

/* Before the first set-up, which asks for it: nobody has an account yet, and the link knows no
 * name. */
static void any_name_will_do_until_the_first_set_up(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) before = ask_as(self, "/v1/session", "evil.example", "");
    assert_reply(before, 200, NULL);
    sign_up(self);
    g_autoptr(Reply) after = ask_as(self, "/v1/session", "evil.example", "");
    assert_reply(after, 421, "misdirected_request");
}

static void only_names_of_ours_are_answered_then(void **state)
{
    static const struct {
        const char *path, *host;
        int status;
    } cases[] = {
        {"/v1/session", "mail.example.com", 200},
        {"/v1/session", "MAIL.example.com:443", 200},
        {"/v1/session", "mail.example.com.", 200},
        {"/v1/session", "mail.example.com:8465", 200},
        {"/v1/session", "localhost:8465", 200},
        {"/v1/session", "127.0.0.1", 200},
        {"/v1/session", "127.9.9.9:1", 200},
        {"/v1/session", "[::1]:8465", 200},
        {"/v1/session", "evil.example", 421},
        {"/v1/session", "mail.example.com.evil.example", 421},
        {"/v1/session", "mail.example.com@evil.example", 421},
        {"/v1/session", "evil.example:mail.example.com", 421},
        {"/v1/session", "192.0.2.1", 421},
        {"/v1/session", "[::2]", 421},
        {"/v1/session", "localhost.evil.example", 421},
        {"/", "evil.example", 421},
        {"/assets/app.js", "evil.example", 421},
        {"/v1/smtp", "evil.example", 421},
        {"/livez", "evil.example", 200},
        {"/readyz", "10.0.0.7", 200},
        {"/metrics", "absender", 200},
    };
    Fixture *self = *state;
    set_url(self);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply = ask_as(self, cases[i].path, cases[i].host, "");
        if (reply->status != cases[i].status)
            fail_msg("%s under %s: %d", cases[i].path, cases[i].host, reply->status);
    }
    g_autoptr(Reply) stranger =
        ask_as(self, "/v1/session", "evil.example", "Accept-Language: de\r\n");
    assert_string_equal(reply_text(stranger, "code"), "misdirected_request");
    assert_non_null(strstr(reply_text(stranger, "detail"), "Dieser Server antwortet als " URL));
    make_token(self, "[\"smtp:read\"]"); /* over the control socket */
    g_autofree char *bearer = g_strdup_printf("Authorization: Bearer %s\r\n", self->token);
    g_autoptr(Reply) application = ask_as(self, "/v1/smtp", "absender:8465", bearer);
    assert_reply(application, 200, NULL);
    g_autoptr(Reply) guess =
        ask_as(self, "/v1/smtp", "absender:8465", "Authorization: Bearer abs_no\r\n");
    assert_reply(guess, 421, "misdirected_request");
}

static void no_header_changes_where_links_lead(void **state)
{
    static const char *const headers[] = {"X-Forwarded-Host: evil.example",
        "X-Forwarded-Server: evil.example", "X-Host: evil.example",
        "Forwarded: host=evil.example;proto=http", "X-Forwarded-Proto: http",
        "X-Forwarded-Port: 666", "X-Original-URL: http://evil.example/",
        "X-Rewrite-URL: http://evil.example/", "X-HTTP-Host-Override: evil.example",
        "X-Forwarded-Prefix: /evil", "Origin: http://evil.example",
        "Referer: http://evil.example/"};
    Fixture *self = *state;
    set_url(self);
    for (gsize i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *line = g_strconcat(headers[i], "\r\n", NULL);
        g_autoptr(Reply) reply = ask_as(self, "/v1/session", "mail.example.com", line);
        assert_reply(reply, 200, NULL);
        assert_string_equal(reply_text(reply, "public_url"), URL);
    }
}

/* --- The audit log --------------------------------------------------------------------------- */

static void a_deed_stands_in_the_log_with_who_and_from_where(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) set = ask_member(self, "PATCH /v1/organisation", "", "{\"name\":\"Verein\"}");
    assert_reply(set, 200, NULL);
    g_autoptr(Reply) list =
        ask_member(self, "GET /v1/audit-events?action=organisation.&actor=ANNA&limit=1",
            "Accept-Language: de\r\n", NULL);
    assert_reply(list, 200, NULL);
    assert_string_equal(reply_text(list, "data.0.action"), "organisation.changed");
    assert_string_equal(reply_text(list, "data.0.actor"), EMAIL);
    assert_string_equal(reply_text(list, "data.0.text"), "Organisation geändert");
    assert_string_equal(reply_text(list, "data.0.detail"), "name: – → Verein");
    assert_string_equal(reply_text(list, "data.0.client"), "127.0.0.1");
}

static void a_deed_that_changes_nothing_or_fails_is_not_noted(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) nothing = ask_member(self, "PATCH /v1/organisation", "", "{\"name\":null}");
    g_autoptr(Reply) wrong =
        ask_member(self, "PATCH /v1/organisation", "", "{\"colour\":\"\\u0001\"}");
    assert_reply(nothing, 200, NULL);
    assert_int_equal(wrong->status, 422);
    g_autoptr(Reply) list = ask_member(self, "GET /v1/audit-events?action=organisation.", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 0);
}

static void the_log_is_checked_and_a_head_is_found_again(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) set = ask_control(self, "PATCH /v1/organisation", "{\"name\":\"Verein\"}");
    assert_reply(set, 200, NULL);
    g_autoptr(Reply) check = ask_control(self, "GET /v1/audit-events/check", NULL);
    assert_reply(check, 200, NULL);
    assert_true(json_is_true(reply_at(check, "ok")));
    assert_true(json_integer_value(reply_at(check, "events")) >= 1);
    assert_true(json_is_null(reply_at(check, "first_fault")));
    g_autofree char *known =
        g_strdup_printf("GET /v1/audit-events/check?head=%s", reply_text(check, "last_hash"));
    g_autoptr(Reply) again = ask_control(self, known, NULL);
    assert_true(json_is_true(reply_at(again, "ok")));
    assert_true(json_is_true(reply_at(again, "has_head")));
    g_autofree char *zeros = g_strnfill(64, 'f');
    g_autofree char *unknown = g_strdup_printf("GET /v1/audit-events/check?head=%s", zeros);
    g_autoptr(Reply) cut = ask_control(self, unknown, NULL);
    assert_true(json_is_false(reply_at(cut, "ok")));
    g_autoptr(Reply) wrong = ask_control(self, "GET /v1/audit-events/check?head=abc", NULL);
    assert_reply(wrong, 400, "invalid_query");
}

static void a_list_refuses_a_time_that_is_none(void **state)
{
    g_autoptr(Reply) reply = ask_member(*state, "GET /v1/audit-events?since=gestern", "", NULL);
    assert_reply(reply, 400, "invalid_query");
}

static void the_log_needs_its_scope(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"smtp:write\",\"people:write\"]");
    g_autoptr(Reply) list = ask_token(self, "GET /v1/audit-events", "", NULL);
    assert_reply(list, 403, "forbidden");
    g_autoptr(Reply) check = ask_token(self, "GET /v1/audit-events/check", "", NULL);
    assert_reply(check, 403, "forbidden");
    make_token(self, "[\"audit:read\"]");
    g_autoptr(Reply) allowed = ask_token(self, "GET /v1/audit-events", "", NULL);
    assert_reply(allowed, 200, NULL);
}

static void a_change_of_a_member_says_what_was_and_is(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) own = ask_member(self, "PATCH /v1/account", "",
        "{\"name\":\"Anna A.\",\"language\":\"en\",\"notices\":false}");
    assert_reply(own, 200, NULL);
    g_autoptr(Reply) nothing =
        ask_member(self, "PATCH /v1/account", "", "{\"name\":\"Anna A.\",\"notices\":false}");
    assert_reply(nothing, 200, NULL);
    g_autofree char *line = g_strdup_printf("PATCH /v1/members/%s", reply_text(own, "id"));
    g_autoptr(Reply) renamed = ask_control(self, line, "{\"name\":\"Annette\"}");
    assert_reply(renamed, 200, NULL);
    g_autoptr(Reply) log = ask_control(self, "GET /v1/audit-events?action=member.changed", NULL);
    assert_int_equal(json_array_size(reply_at(log, "data")), 2);
    assert_string_equal(reply_text(log, "data.0.detail"), "name: Anna A. → Annette");
    assert_string_equal(reply_text(log, "data.0.target"), EMAIL);
    assert_string_equal(reply_text(log, "data.1.detail"),
        "name: Anna → Anna A., language: de → en, notices: enabled → disabled");
    assert_string_equal(reply_text(log, "data.1.actor"), EMAIL);
}

/* What the sandbox has caught may hold a link that makes its reader anybody (threat T41). */
static void a_captured_mail_is_opened_with_all_rights_only(void **state)
{
    static const char line[] = "GET /v1/sandbox/messages/cap_00000000000070008000000000000000/raw";
    static const struct {
        const char *scopes, *code;
        int status;
    } cases[] = {
        {"[\"smtp:read\"]", "scope_not_allowed", 403},
        {"[\"smtp:read\",\"smtp:write\",\"emails:send\",\"emails:read\",\"people:write\"]",
            "scope_not_allowed", 403},
        {"[\"smtp:read\",\"smtp:write\",\"emails:send\",\"emails:read\",\"people:write\","
         "\"audit:read\"]",
            "not_found", 404}, /* no sandbox here */
    };
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        make_token(self, cases[i].scopes);
        g_autoptr(Reply) reply = ask_token(self, line, "", NULL);
        assert_reply(reply, cases[i].status, cases[i].code);
    }
}

/* Every action that the source names has a sentence. */
static void every_action_has_a_sentence(void **state)
{
    static const char *const folders[] = {
        "src/api", "src/api/routes", "src/courier", "src/notify", "src/store"};
    g_autoptr(GRegex) quoted = g_regex_new(
        "(?:call_audit|call_audit_append|\\.action) ?[(=][^;]*?\"([a-z]+\\.[a-z_]+)\"", 0, 0, NULL);
    guint found = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), folders[i], NULL);
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        for (const char *name; folder && (name = g_dir_read_name(folder));) {
            g_autofree char *file = g_build_filename(folders[i], name, NULL);
            g_autoptr(GMatchInfo) match = NULL;
            if (!g_str_has_suffix(name, ".c"))
                continue;
            g_autofree char *text = read_source(file, NULL);
            for (g_regex_match(quoted, text, 0, &match); g_match_info_matches(match);
                 g_match_info_next(match, NULL)) {
                g_autofree char *action = g_match_info_fetch(match, 1);
                found++;
                if (!audit_text_knows(action))
                    fail_msg("%s: %s has no sentence in audit_text.c", file, action);
            }
        }
    }
    assert_true(found > 10);
}

/* And every one of them can be looked for: the page's filter knows its beginning, and its name in
 * both languages. */
static void every_kind_of_action_can_be_filtered(void **state)
{
    g_autofree char *rows = read_source("src/api/words/audit_text.c", NULL);
    g_autofree char *page = read_source("ui/pages/audit.js", NULL);
    g_autofree char *german = read_source("ui/i18n/admin.de.json", NULL);
    g_autofree char *english = read_source("ui/i18n/admin.en.json", NULL);
    const char *kinds = strstr(page, "const KINDS = [");
    assert_non_null(kinds);
    g_autofree char *list = g_strndup(kinds, strcspn(kinds, "]"));
    g_autoptr(GRegex) row = g_regex_new("\\{\"([a-z]+)\\.[a-z_]+\",", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    guint found = 0;
    for (g_regex_match(row, rows, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *noun = g_match_info_fetch(match, 1);
        gboolean is_email = g_str_has_prefix(noun, "email"); /* "email." and "emails." are one */
        g_autofree char *kind =
            g_strdup_printf("'%s%s'", is_email ? "email" : noun, is_email ? "" : ".");
        g_autofree char *word = g_strdup_printf("\"audit.kind.%s\"", is_email ? "email" : noun);
        found++;
        if (!strstr(list, kind) || !strstr(german, word) || !strstr(english, word))
            fail_msg("%s is no kind of the audit page's filter", noun);
    }
    assert_true(found > 40);
}

#define alone(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_url_is_scheme_host_and_port),
        alone(an_organisation_keeps_what_it_is_told),
        alone(an_organisation_refuses_what_is_wrong_and_says_where),
        alone(a_public_url_with_tls_renews_the_cookie_under_its_safe_name),
        alone(a_public_url_outlives_a_restart),
        alone(nobody_locks_himself_out),
        alone(no_token_sets_the_public_url),
        alone(what_the_operator_has_set_stays),
        cmocka_unit_test_setup_teardown(
            any_name_will_do_until_the_first_set_up, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            what_the_operator_has_set_is_not_asked_for, start_fixture, stop_fixture),
        alone(only_names_of_ours_are_answered_then),
        alone(no_header_changes_where_links_lead),
        alone(a_deed_stands_in_the_log_with_who_and_from_where),
        alone(a_deed_that_changes_nothing_or_fails_is_not_noted),
        alone(the_log_is_checked_and_a_head_is_found_again),
        alone(a_list_refuses_a_time_that_is_none),
        alone(the_log_needs_its_scope),
        alone(a_change_of_a_member_says_what_was_and_is),
        alone(a_captured_mail_is_opened_with_all_rights_only),
        cmocka_unit_test(every_action_has_a_sentence),
        cmocka_unit_test(every_kind_of_action_can_be_filtered),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
