#include "fixture.h"

#include "api/state.h"
#include "base/limits.h"
#include "base/secret.h"
#include "people/access.h"
#include "store/audit.h"
#include "store/db_driver.h"

#include <time.h>

static void the_first_admin_needs_the_link(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) before = ask(self, "GET /v1/session", "", NULL);
    assert_reply(before, 200, NULL);
    assert_true(json_is_true(reply_at(before, "setup_required")));
    assert_true(json_is_false(reply_at(before, "authenticated")));
    assert_true(json_is_null(reply_at(before, "member")));

    g_autofree char *token = setup_token(self);
    g_autoptr(Reply) wrong = ask(self, "POST /v1/setup", "",
        "{\"token\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"email\":\"" EMAIL
        "\",\"name\":\"Eve\",\"password\":\"" PASSWORD "\",\"public_url\":\"http://localhost\"}");
    assert_reply(wrong, 403, "setup_token_invalid");

    g_autofree char *body = g_strdup_printf("{\"token\":\"%s\",\"email\":\"Anna@Example.DE\","
                                            "\"name\":\"Anna\",\"password\":\"" PASSWORD
                                            "\",\"public_url\":\"http://localhost\"}",
        token);
    g_autoptr(Reply) right = ask(self, "POST /v1/setup", "", body);
    assert_reply(right, 201, NULL);
    assert_string_equal(reply_text(right, "member.email"), EMAIL);
    assert_string_equal(reply_text(right, "member.role"), "org_admin");
    g_autofree char *cookie = reply_header(right, "Set-Cookie");
    assert_non_null(strstr(cookie, "absender_session="));
    assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Lax"));
    assert_non_null(strstr(cookie, "; Path=/"));
    assert_null(strstr(right->body, PASSWORD));

    g_autoptr(Reply) again = ask(self, "POST /v1/setup", "", body);
    assert_reply(again, 403, "setup_token_invalid");
    g_autoptr(GError) error = NULL;
    assert_null(api_setup_link(self->api, &error));
    assert_null(error);
}

static void a_setup_says_every_fault_at_once(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply = ask(self, "POST /v1/setup", "",
        "{\"token\":\"x\",\"email\":\"nobody\",\"name\":\"a\\nb\",\"password\":\"short\","
        "\"role\":\"org_admin\",\"language\":\"fr\"}");
    assert_reply(reply, 422, "invalid_fields");
    static const char *const expected[] = {
        "/email", "/name", "/language", "/password", "/public_url", "/role"};
    assert_int_equal(json_array_size(reply_at(reply, "errors")), G_N_ELEMENTS(expected));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *path = g_strdup_printf("errors.%u.pointer", i);
        assert_string_equal(reply_text(reply, path), expected[i]);
    }
    assert_string_equal(reply_text(reply, "errors.4.code"), "required");
    assert_string_equal(reply_text(reply, "errors.5.code"), "unknown_field");
}

static gint64 cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

/* Ten wrong links cost less than three passwords. */
static void a_wrong_link_costs_no_hash(void **state)
{
    g_autoptr(Secret) password = secret_new(PASSWORD, strlen(PASSWORD));
    gint64 begun = cpu_us();
    for (guint i = 0; i < 3; i++)
        g_free(people_password_hash(password));
    gint64 hashes = cpu_us() - begun;
    begun = cpu_us();
    for (guint i = 0; i < 10; i++) {
        g_autoptr(Reply) reply = ask(*state, "POST /v1/setup", "",
            "{\"token\":\"x\",\"email\":\"" EMAIL "\",\"name\":\"Eve\",\"password\":\"" PASSWORD
            "\",\"public_url\":\"http://localhost\"}");
        assert_reply(reply, 403, "setup_token_invalid");
    }
    assert_true(cpu_us() - begun < hashes);
}

static void signing_in_gives_a_session_and_signing_out_ends_it(void **state)
{
    Fixture *self = *state;
    g_autofree char *old = g_strdup(self->cookie);
    g_autoptr(Reply) in = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"ANNA@example.de\",\"password\":\"" PASSWORD "\"}");
    assert_reply(in, 200, NULL);
    keep_session(self, in);
    assert_string_not_equal(old, self->cookie);

    g_autoptr(Reply) session = ask_member(self, "GET /v1/session", "", NULL);
    assert_true(json_is_true(reply_at(session, "authenticated")));
    assert_string_equal(reply_text(session, "csrf_token"), self->csrf);

    g_autoptr(Reply) out = ask_member(self, "DELETE /v1/sessions/current", "", NULL);
    assert_reply(out, 200, NULL);
    assert_true(json_is_true(reply_at(out, "deleted")));
    g_autoptr(Reply) after = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(after, 401, "session_expired");
}

static void an_unknown_account_and_a_wrong_password_look_the_same(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) wrong = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"" EMAIL "\",\"password\":\"not the password\"}");
    g_autoptr(Reply) unknown = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"nobody@example.de\",\"password\":\"not the password\"}");
    g_autoptr(Reply) no_address =
        ask(self, "POST /v1/sessions", "", "{\"email\":\"?\",\"password\":\"not the password\"}");
    assert_reply(wrong, 401, "invalid_credentials");
    assert_reply(unknown, 401, "invalid_credentials");
    assert_reply(no_address, 401, "invalid_credentials");
    assert_string_equal(reply_text(wrong, "detail"), reply_text(unknown, "detail"));
}

/* Whether some reader has read a member for nothing but the time it takes, by the statements that
 * each of them keeps. */
static gboolean has_read_for_nobody(Fixture *self)
{
    Db *readers[LIMIT_STORE_READERS];
    gboolean has_read = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(readers); i++) {
        readers[i] = store_reader_take(self->store);
        GHashTableIter iter;
        gpointer sql;
        g_hash_table_iter_init(&iter, readers[i]->statements);
        while (g_hash_table_iter_next(&iter, &sql, NULL))
            has_read = has_read || g_str_has_suffix(sql, "FROM members WHERE removed_at IS NULL "
                                                         "LIMIT 1");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(readers); i++)
        store_reader_give(self->store, readers[i]);
    return has_read;
}

/* Threat T36: who is found costs reading a row, and so does who is not. */
static void a_row_is_read_for_whoever_is_not_there(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) known = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"" EMAIL "\",\"password\":\"not the password\"}");
    assert_reply(known, 401, "invalid_credentials");
    assert_false(has_read_for_nobody(self));
    g_autoptr(Reply) unknown = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"nobody@example.de\",\"password\":\"not the password\"}");
    assert_reply(unknown, 401, "invalid_credentials");
    assert_true(has_read_for_nobody(self));
}

static void guessing_gets_slower(void **state)
{
    Fixture *self = *state;
    for (int i = 0; i < 6; i++) {
        g_autoptr(Reply) reply = ask(self, "POST /v1/sessions", "",
            "{\"email\":\"bob@example.de\",\"password\":\"guess number n\"}");
        assert_reply(reply, 401, NULL);
    }
    g_autoptr(Reply) reply = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"bob@example.de\",\"password\":\"guess number n\"}");
    assert_reply(reply, 429, "too_many_attempts");
    g_autofree char *wait = reply_header(reply, "Retry-After");
    assert_non_null(wait);
}

/* --- Many at once (threat T45) ---------------------------------------------------------------- */

static GSocketConnection *begin_sign_in(const Fixture *self, guint i)
{
    g_autofree char *body =
        g_strdup_printf("{\"email\":\"crowd%u@example.de\",\"password\":\"not the password\"}", i);
    g_autofree char *text = write_request("POST /v1/sessions", "", body);
    GSocketConnection *connection = connect_tcp(self);
    send_bytes(connection, text, strlen(text));
    return connection;
}

/* Each hash takes 19 MiB. Nobody has signed in here, so no thread of the pool is still about. */
static void two_are_hashed_at_once_some_wait_and_the_next_comes_again(void **state)
{
    Fixture *self = *state;
    GThreadPool *pool = self->api->hashing;
    GSocketConnection *waiting[LIMIT_HASH_QUEUE];
    assert_int_equal(g_thread_pool_get_max_threads(pool), 2);
    g_thread_pool_set_max_threads(pool, 0, NULL); /* it stands still */
    for (guint i = 0; i < LIMIT_HASH_QUEUE; i++)
        waiting[i] = begin_sign_in(self, i);
    for (guint i = 0; i < 6000 && g_thread_pool_unprocessed(pool) < LIMIT_HASH_QUEUE; i++)
        g_usleep(10000);
    assert_int_equal(g_thread_pool_unprocessed(pool), LIMIT_HASH_QUEUE);

    g_autoptr(Reply) next = talk(begin_sign_in(self, LIMIT_HASH_QUEUE), "", 0);
    assert_reply(next, 503, "busy");
    g_autofree char *wait = reply_header(next, "Retry-After");
    assert_non_null(wait);
    g_thread_pool_set_max_threads(pool, LIMIT_CONCURRENT_HASHES, NULL);
    guint judged = 0;
    for (guint i = 0; i < LIMIT_HASH_QUEUE; i++) {
        g_autoptr(Reply) reply = talk(waiting[i], "", 0);
        judged += reply->status == 401;
        if (reply->status != 401)
            assert_reply(reply, 429, "too_many_attempts"); /* of one address */
    }
    assert_true(judged > LIMIT_ADDRESS_GUESSES);
}

/* --- Members and one's own account ------------------------------------------------------------ */

/* A second member, with the password of the first. */
static void add_second(Fixture *self, const char *email, const char *role)
{
    g_autofree char *body = g_strdup_printf("{\"email\":\"%s\",\"role\":\"%s\"}", email, role);
    g_autoptr(Reply) invited = ask_member(self, "POST /v1/invitations", "", body);
    assert_reply(invited, 201, NULL);
    const char *token = strrchr(reply_text(invited, "link"), '/') + 1;
    g_autofree char *accept = g_strdup_printf(
        "{\"token\":\"%s\",\"name\":\"Bert\",\"password\":\"" PASSWORD "\"}", token);
    g_autoptr(Reply) accepted = ask(self, "POST /v1/invitations/accept", "", accept);
    assert_reply(accepted, 201, NULL);
}

static char *member_line(Fixture *self, const char *method, guint place)
{
    g_autoptr(Reply) members = ask_member(self, "GET /v1/members", "", NULL);
    assert_reply(members, 200, NULL);
    g_autofree char *path = g_strdup_printf("data.%u.id", place);
    return g_strdup_printf("%s /v1/members/%s", method, reply_text(members, path));
}

static void members_are_listed_changed_and_removed(void **state)
{
    Fixture *self = *state;
    add_second(self, "bert@example.de", "member");
    g_autoptr(Reply) members = ask_member(self, "GET /v1/members", "", NULL);
    assert_int_equal(json_array_size(reply_at(members, "data")), 2);
    assert_string_equal(reply_text(members, "data.0.email"), "bert@example.de");
    assert_string_equal(reply_text(members, "data.0.role"), "member");
    assert_true(json_is_false(reply_at(members, "data.0.is_you")));
    assert_true(json_is_true(reply_at(members, "data.1.is_you")));
    assert_null(strstr(members->body, "argon2"));

    g_autofree char *change = member_line(self, "PATCH", 0);
    g_autofree char *remove = member_line(self, "DELETE", 0);
    static const struct {
        const char *name, *body, *code;
        int status;
    } rows[] = {
        {"an unknown role", "{\"role\":\"owner\"}", "unknown_value", 422},
        {"an empty name", "{\"name\":\"\"}", "required", 422},
        {"two lines", "{\"name\":\"a\\nb\"}", "control_character", 422},
        {"another's address", "{\"email\":\"x@example.de\"}", "unknown_field", 422},
        {"nothing", "{}", NULL, 200},
        {"a name and a role", "{\"name\":\"Bert B.\",\"role\":\"org_admin\"}", NULL, 200},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_member(self, change, "", rows[i].body);
        if (reply->status != rows[i].status)
            print_error("%s\n", rows[i].name);
        assert_reply(reply, rows[i].status, rows[i].code);
    }
    g_autoptr(Reply) removed = ask_member(self, remove, "", NULL);
    assert_reply(removed, 200, NULL);
    assert_string_equal(reply_text(removed, "role"), "org_admin");
    assert_true(json_is_true(reply_at(removed, "deleted")));
    g_autoptr(Reply) again = ask_member(self, remove, "", NULL);
    assert_reply(again, 404, "not_found");
    g_autofree char *own = member_line(self, "DELETE", 0);
    g_autoptr(Reply) last = ask_member(self, own, "", NULL);
    assert_reply(last, 409, "last_admin");
}

static void an_account_is_ones_own(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) changed = ask_member(self, "PATCH /v1/account", "",
        "{\"name\":\"Anna A.\",\"language\":\"en\",\"notices\":false}");
    assert_reply(changed, 200, NULL);
    g_autoptr(Reply) account = ask_member(self, "GET /v1/account", "", NULL);
    assert_string_equal(reply_text(account, "name"), "Anna A.");
    assert_string_equal(reply_text(account, "language"), "en");
    assert_true(json_is_false(reply_at(account, "notices")));
    assert_true(json_is_true(reply_at(account, "is_you")));
    g_autoptr(Reply) role = ask_member(self, "PATCH /v1/account", "", "{\"role\":\"member\"}");
    assert_reply(role, 422, "unknown_field");
    make_token(self, "[\"people:write\"]");
    g_autoptr(Reply) token = ask_token(self, "GET /v1/account", "", NULL);
    assert_reply(token, 403, "forbidden");
    g_autoptr(Reply) as_operator = ask_control(self, "GET /v1/account", NULL);
    assert_reply(as_operator, 403, "forbidden");
}

static void a_new_password_ends_the_other_sessions(void **state)
{
    Fixture *self = *state;
    g_autofree char *old = g_strdup(self->cookie);
    g_autoptr(Reply) wrong = ask_member(self, "POST /v1/account/password", "",
        "{\"current_password\":\"not the password\",\"new_password\":\"quite another one\"}");
    assert_reply(wrong, 422, "wrong_password");
    g_autoptr(Reply) weak = ask_member(self, "POST /v1/account/password", "",
        "{\"current_password\":\"" PASSWORD "\",\"new_password\":\"1234567890\"}");
    assert_reply(weak, 422, "password_too_common");
    g_autoptr(Reply) right = ask_member(self, "POST /v1/account/password", "",
        "{\"current_password\":\"" PASSWORD "\",\"new_password\":\"quite another one\"}");
    assert_reply(right, 200, NULL);
    keep_session(self, right);
    assert_string_not_equal(old, self->cookie);
    g_autofree char *header = g_strdup_printf("Cookie: absender_session=%s\r\n", old);
    g_autoptr(Reply) former = ask(self, "GET /v1/account", header, NULL);
    assert_reply(former, 401, "session_expired");
    g_autoptr(Reply) here = ask_member(self, "GET /v1/account/sessions", "", NULL);
    assert_int_equal(json_array_size(reply_at(here, "data")), 1);
    assert_true(json_is_true(reply_at(here, "data.0.is_current")));
    g_autoptr(Reply) with_old = ask(
        self, "POST /v1/sessions", "", "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");
    assert_reply(with_old, 401, "invalid_credentials");
}

static void a_browsers_name_is_kept_short_and_printable(void **state)
{
    Fixture *self = *state;
    g_autofree char *longest = g_strnfill(4000, 'x');
    g_autofree char *header = g_strdup_printf("User-Agent: \xe2\x80\xae%s\r\n", longest);
    g_autoptr(Reply) in = ask(self, "POST /v1/sessions", header,
        "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");
    assert_reply(in, 200, NULL);
    keep_session(self, in);
    g_autoptr(Reply) listed = ask_member(self, "GET /v1/account/sessions", "", NULL);
    const char *agent = reply_text(listed, "data.0.agent");
    assert_true(g_utf8_strlen(agent, -1) <= LIMIT_AGENT_CHARACTERS + 1); /* an ellipsis */
    assert_true(g_str_has_prefix(agent, "\xef\xbf\xbdxxx"));             /* no turned writing */
}

static void a_foreign_page_changes_nothing(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *name, *headers;
        gboolean has_token;
        int status;
    } cases[] = {
        {"no CSRF token", "", FALSE, 403},
        {"a wrong CSRF token", "X-CSRF-Token: 00\r\n", FALSE, 403},
        {"another site's page", "Sec-Fetch-Site: cross-site\r\n", TRUE, 403},
        {"a sibling's page", "Sec-Fetch-Site: same-site\r\n", TRUE, 403},
        {"a foreign origin", "Origin: https://evil.example\r\n", TRUE, 403},
        {"an opaque origin", "Origin: null\r\n", TRUE, 403},
        {"our page", "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n", TRUE, 200},
        {"a typed address", "Sec-Fetch-Site: none\r\n", TRUE, 200},
        {"an old browser", "", TRUE, 200},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *headers = g_strdup_printf("Cookie: absender_session=%s\r\n%s%s%s%s",
            self->cookie, cases[i].headers, cases[i].has_token ? "X-CSRF-Token: " : "",
            cases[i].has_token ? self->csrf : "", cases[i].has_token ? "\r\n" : "");
        g_autoptr(Reply) reply = ask(self, "PUT /v1/smtp/sending", headers, "{\"enabled\":false}");
        if (reply->status != cases[i].status)
            print_error("%s\n", cases[i].name);
        assert_reply(reply, cases[i].status, cases[i].status == 403 ? "csrf" : NULL);
    }
}

static void a_form_cannot_sign_in(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply =
        ask_raw(self, "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    assert_reply(reply, 403, "csrf");
}

static void tokens_carry_their_scopes_and_end_when_revoked(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) made = ask_member(self, "POST /v1/tokens", "",
        "{\"name\":\"shop\",\"scopes\":[\"emails:send\",\"smtp:read\"]}");
    assert_reply(made, 201, NULL);
    g_autofree char *id = g_strdup(reply_text(made, "id"));
    self->token = g_strdup(reply_text(made, "token"));
    assert_true(g_str_has_prefix(self->token, "abs_"));

    g_autoptr(Reply) listed = ask_member(self, "GET /v1/tokens", "", NULL);
    assert_reply(listed, 200, NULL);
    assert_string_equal(reply_text(listed, "data.0.name"), "shop");
    assert_null(strstr(listed->body, self->token));
    assert_true(strlen(reply_text(listed, "data.0.hint")) < 10);

    g_autoptr(Reply) status = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_reply(status, 200, NULL);
    g_autoptr(Reply) write = ask_token(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
    assert_reply(write, 403, "forbidden");
    g_autoptr(Reply) people = ask_token(self, "GET /v1/tokens", "", NULL);
    assert_reply(people, 403, "forbidden");
    g_autoptr(Reply) out = ask_token(self, "DELETE /v1/sessions/current", "", NULL);
    assert_reply(out, 403, "forbidden");

    g_autofree char *line = g_strdup_printf("DELETE /v1/tokens/%s", id);
    g_autoptr(Reply) revoked = ask_member(self, line, "", NULL);
    assert_reply(revoked, 200, NULL);
    g_autoptr(Reply) after = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_reply(after, 401, "invalid_token");
    g_autoptr(Reply) twice = ask_member(self, line, "", NULL);
    assert_reply(twice, 404, "not_found");
}

static void nobody_gives_away_more_than_they_have(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"people:write\"]");
    g_autoptr(Reply) more =
        ask_token(self, "POST /v1/tokens", "", "{\"name\":\"x\",\"scopes\":[\"smtp:write\"]}");
    assert_reply(more, 403, "scope_not_allowed");
    g_autoptr(Reply) same =
        ask_token(self, "POST /v1/tokens", "", "{\"name\":\"x\",\"scopes\":[\"people:write\"]}");
    assert_reply(same, 201, NULL);
}

static void nobody_touches_a_member_who_may_do_more(void **state)
{
    Fixture *self = *state;
    add_second(self, "bert@example.de", "org_admin");
    make_token(self, "[\"people:write\"]");
    g_autofree char *change = member_line(self, "PATCH", 0);
    g_autofree char *remove = member_line(self, "DELETE", 0);
    g_autoptr(Reply) renamed = ask_token(self, change, "", "{\"name\":\"x\"}");
    assert_reply(renamed, 403, "scope_not_allowed");
    g_autoptr(Reply) removed = ask_token(self, remove, "", NULL);
    assert_reply(removed, 403, "scope_not_allowed");
    g_autoptr(Reply) by_admin = ask_member(self, remove, "", NULL);
    assert_reply(by_admin, 200, NULL);
}

/* The head is judged at once; the body comes when the token is gone. */
static void who_holds_back_the_body_is_judged_again(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"smtp:read\",\"people:write\"]");
    g_autofree char *head = g_strdup_printf(
        "PATCH /v1/organisation HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Content-Length: 14\r\n\r\n",
        self->token);
    GSocketConnection *late = connect_tcp(self);
    send_bytes(late, head, strlen(head));
    g_usleep(300000);
    g_autoptr(Reply) tokens = ask_member(self, "GET /v1/tokens", "", NULL);
    g_autofree char *revoke =
        g_strdup_printf("DELETE /v1/tokens/%s", reply_text(tokens, "data.0.id"));
    g_autoptr(Reply) revoked = ask_member(self, revoke, "", NULL);
    assert_reply(revoked, 200, NULL);
    static const char body[] = "{\"name\":\"Eve\"}";
    g_autoptr(Reply) reply = talk(late, body, strlen(body));
    assert_reply(reply, 401, "invalid_token");
}

static void a_session_is_no_token_and_a_token_no_session(void **state)
{
    Fixture *self = *state;
    g_autofree char *bearer = g_strdup_printf("Authorization: Bearer %s\r\n", self->cookie);
    g_autoptr(Reply) as_token = ask(self, "GET /v1/smtp", bearer, NULL);
    assert_reply(as_token, 401, "invalid_token");
    make_token(self, "[\"smtp:read\"]");
    g_autofree char *cookie = g_strdup_printf("Cookie: absender_session=%s\r\n", self->token);
    g_autoptr(Reply) as_session = ask(self, "GET /v1/smtp", cookie, NULL);
    assert_reply(as_session, 401, "session_expired");
}

static void sessions_and_tokens_survive_a_restart(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"smtp:read\"]");
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    g_autoptr(Reply) member = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(member, 200, NULL);
    g_autoptr(Reply) token = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_reply(token, 200, NULL);
}

/* --- Where somebody is at home ---------------------------------------------------------------- */

/* A sign-in that the audit log remembers. */
typedef struct {
    const char *name, *actor, *action, *client;
    gint64 org_id;
    WallMs ago_ms;
    gboolean is_home;
} Remembered;

static const Remembered sign_ins[] = {
    {"yesterday", EMAIL, "session.created", "192.0.2.1", 1, CLOCK_DAY_MS, TRUE},
    {"long ago", EMAIL, "session.created", "192.0.2.2", 1, LIMIT_BROWSER_KNOWN_MS, FALSE},
    {"not signed in", EMAIL, "session.ended", "192.0.2.3", 1, CLOCK_DAY_MS, FALSE},
    {"somebody else", "bob@example.de", "session.created", "192.0.2.4", 1, CLOCK_DAY_MS, TRUE},
    {"in another organisation", EMAIL, "session.created", "192.0.2.5", 2, CLOCK_DAY_MS, TRUE},
    {"while the clock was ahead", EMAIL, "session.created", "192.0.2.6", 1, -CLOCK_DAY_MS, TRUE},
};

static gboolean remember(Db *db, gpointer data, GError **error)
{
    gboolean well = db_exec(db, "INSERT INTO organisations (row) VALUES (2)", error);
    for (gsize i = 0; well && i < G_N_ELEMENTS(sign_ins); i++) {
        const AuditNote note = {.org_id = sign_ins[i].org_id,
            .at = clock_wall_ms() - sign_ins[i].ago_ms,
            .actor = sign_ins[i].actor,
            .action = sign_ins[i].action,
            .client = sign_ins[i].client};
        well = audit_append(db, &note, error);
    }
    return well;
}

static void where_people_sign_in_is_known_after_a_restart(void **state)
{
    Fixture *self = *state;
    g_autoptr(GError) error = NULL;
    store_run(self->store, remember, NULL, &error);
    assert_null(error);
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    MonoMs now = clock_mono_ms();
    while (guesses_take(self->api->guesses, EMAIL, "203.0.113.7", now) == 0)
        continue; /* a stranger, until the account's rule holds */
    for (gsize i = 0; i < G_N_ELEMENTS(sign_ins); i++) {
        const Remembered *sign_in = &sign_ins[i];
        gboolean is_home = guesses_take(self->api->guesses, EMAIL, sign_in->client, now) == 0;
        if (is_home != sign_in->is_home)
            fail_msg("%s", sign_in->name);
    }
}

static void the_control_socket_is_the_operators(void **state)
{
    Fixture *self = *state;
    GStatBuf status;
    assert_int_equal(g_stat(self->control, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    g_autoptr(Reply) reply = ask_control(self, "PUT /v1/smtp/sending", "{\"enabled\":true}");
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "sending.changed_by"), "operator");
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_first_admin_needs_the_link, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_setup_says_every_fault_at_once, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(a_wrong_link_costs_no_hash, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            signing_in_gives_a_session_and_signing_out_ends_it, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            an_unknown_account_and_a_wrong_password_look_the_same, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            nobody_touches_a_member_who_may_do_more, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            who_holds_back_the_body_is_judged_again, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_row_is_read_for_whoever_is_not_there, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(guessing_gets_slower, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            two_are_hashed_at_once_some_wait_and_the_next_comes_again, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            members_are_listed_changed_and_removed, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(an_account_is_ones_own, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_new_password_ends_the_other_sessions, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_browsers_name_is_kept_short_and_printable, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_foreign_page_changes_nothing, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(a_form_cannot_sign_in, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            tokens_carry_their_scopes_and_end_when_revoked, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            nobody_gives_away_more_than_they_have, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_session_is_no_token_and_a_token_no_session, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            sessions_and_tokens_survive_a_restart, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            where_people_sign_in_is_known_after_a_restart, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            the_control_socket_is_the_operators, start_fixture, stop_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
