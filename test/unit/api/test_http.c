#include "fixture.h"

#include "api/routes/routes.h"
#include "base/limits.h"
#include "base/secret.h"

#define HEAD(line) line " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
#define BEARER "Authorization: Bearer %s\r\n"
#define EXPECT "Expect: 100-continue\r\n"

static int start_with_token(void **state)
{
    start_fixture(state);
    make_token(*state, "[\"emails:send\",\"emails:read\",\"smtp:read\",\"smtp:write\"]");
    return 0;
}

static void malformed_heads_are_refused(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *name, *text;
        int status; /* 0: the connection may also just be closed */
    } cases[] = {
        {"sound", HEAD("GET /livez") "\r\n", 200},
        {"HTTP/1.0", "GET /livez HTTP/1.0\r\nHost: a\r\n\r\n", 505},
        {"no Host", "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
        {"two Hosts", HEAD("GET /livez") "Host: b\r\n\r\n", 400},
        {"two lengths",
            HEAD("POST /v1/sessions") "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
        {"length and chunks",
            HEAD("POST /v1/sessions") "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "0\r\n\r\n",
            400},
        {"a signed length", HEAD("POST /v1/sessions") "Content-Length: +2\r\n\r\n{}", 400},
        {"another coding",
            HEAD("POST /v1/sessions") "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        {"two authorizations",
            HEAD("GET /v1/smtp") "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400},
        {"an escape of NUL", HEAD("GET /livez?a=%00") "\r\n", 400},
        {"an empty query", HEAD("GET /livez?") "\r\n", 200},
        {"no space behind the colon", HEAD("GET /livez") "X-Note:a\r\n\r\n", 200},
        {"a folded line", HEAD("GET /livez") "X-Note: a\r\n  b\r\n\r\n", 400},
        {"a broken escape", HEAD("GET /livez?a=%zz") "\r\n", 400},
        {"no such path", HEAD("GET /v1/nothing") "\r\n", 404},
        {"an escaped path", HEAD("GET /%6civez") "\r\n", 404},
        {"a path outside", HEAD("GET /assets/../../etc/passwd") "\r\n", 404},
        {"another method", HEAD("DELETE /livez") "\r\n", 405},
        {"a made-up method", HEAD("BREW /livez") "\r\n", 405},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply = ask_raw(self, cases[i].text);
        if (reply->status != cases[i].status)
            print_error("%s\n", cases[i].name);
        assert_int_equal(reply->status, cases[i].status);
    }
}

static void a_nul_in_a_header_is_refused(void **state)
{
    Fixture *self = *state;
    static const char text[] = HEAD("GET /livez") "X-Note: a\0b\r\n\r\n";
    g_autoptr(Reply) reply = talk(connect_tcp(self), text, sizeof text - 1);
    assert_int_equal(reply->status, 400);
}

static void a_large_head_is_refused(void **state)
{
    Fixture *self = *state;
    g_autofree char *long_value = g_strnfill(LIMIT_HTTP_HEADER_BYTES, 'x');
    g_autofree char *text = g_strdup_printf(HEAD("GET /livez") "X-Note: %s\r\n\r\n", long_value);
    g_autoptr(Reply) reply = ask_raw(self, text);
    assert_int_equal(reply->status, 431);
}

static void who_asks_first_is_refused_before_the_body(void **state)
{
    Fixture *self = *state;
    /* A body is announced and never sent: the answer comes all the same. */
    g_autoptr(Reply) reply =
        ask_raw(self, HEAD("POST /v1/emails") EXPECT "Content-Length: 1000000\r\n\r\n");
    assert_reply(reply, 401, "unauthenticated");
    assert_null(strstr(reply->head, "100 Continue"));
}

/* Resend's node client writes the whole body before it listens. */
static void a_refusal_is_heard_by_who_sends_a_large_body(void **state)
{
    Fixture *self = *state;
    g_autofree char *large = g_strnfill(5 * 1024 * 1024, ' ');
    for (int i = 0; i < 5; i++) {
        g_autoptr(Reply) stranger = ask(self, "POST /v1/emails", "", large);
        assert_reply(stranger, 401, "unauthenticated");
        g_autoptr(Reply) nowhere = ask(self, "POST /v1/nowhere", "", large);
        assert_reply(nowhere, 404, "not_found");
        g_autoptr(Reply) too_large = ask_token(self, "PUT /v1/smtp/sending", "", large);
        assert_reply(too_large, 413, "body_too_large");
    }
}

static void a_get_with_a_body_is_served(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) status = ask_token(self, "GET /v1/smtp", "", "{}");
    assert_reply(status, 200, NULL);
    g_autoptr(Reply) live = ask(self, "GET /livez", "", "{}");
    assert_reply(live, 200, NULL);
}

static void bodies_have_a_limit_by_route(void **state)
{
    Fixture *self = *state;
    g_autofree char *small = g_strdup_printf(
        HEAD("PUT /v1/smtp/sending") BEARER EXPECT "Content-Length: 65537\r\n\r\n", self->token);
    g_autoptr(Reply) announced = ask_raw(self, small);
    assert_reply(announced, 413, "body_too_large");

    GString *chunked = g_string_new(NULL);
    g_string_append_printf(chunked,
        HEAD("PUT /v1/smtp/sending") BEARER "Transfer-Encoding: chunked\r\n\r\n", self->token);
    g_autofree char *chunk = g_strnfill(0x1000, ' ');
    for (int i = 0; i < 17; i++)
        g_string_append_printf(chunked, "1000\r\n%s\r\n", chunk);
    g_string_append(chunked, "0\r\n\r\n");
    g_autoptr(Reply) grown = ask_raw(self, chunked->str);
    assert_reply(grown, 413, "body_too_large");
    g_string_free(chunked, TRUE);

    g_autofree char *huge = g_strdup_printf(
        HEAD("POST /v1/emails") BEARER "Content-Length: 37748737\r\n\r\n", self->token);
    g_autoptr(Reply) sending = ask_raw(self, huge);
    assert_reply(sending, 413, "body_too_large");
    g_autofree char *absurd = g_strdup_printf(HEAD("POST /v1/emails") BEARER
        "Content-Length: 99999999999999999999999\r\n\r\n",
        self->token);
    g_autoptr(Reply) overflow = ask_raw(self, absurd);
    assert_true(overflow->status == 413 || overflow->status == 400);
}

static void chunked_bodies_are_understood(void **state)
{
    Fixture *self = *state;
    g_autofree char *text = g_strdup_printf(HEAD("PUT /v1/smtp/sending") BEARER
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ena\r\nd\r\nbled\":false}\n\r\n0\r\n\r\n",
        self->token);
    g_autoptr(Reply) reply = ask_raw(self, text);
    assert_reply(reply, 200, NULL);
}

static void bodies_in_flight_are_bounded(void **state)
{
    Fixture *self = *state;
    GSocketConnection *waiting[2];
    g_autofree char *head = g_strdup_printf(
        HEAD("POST /v1/emails") BEARER "Content-Length: 30000000\r\n\r\n{", self->token);
    for (int i = 0; i < 2; i++) {
        waiting[i] = connect_tcp(self);
        send_bytes(waiting[i], head, strlen(head));
    }
    g_usleep(200 * 1000);
    g_autofree char *third_head = g_strdup_printf(
        HEAD("POST /v1/emails") BEARER EXPECT "Content-Length: 30000000\r\n\r\n", self->token);
    g_autoptr(Reply) third = ask_raw(self, third_head);
    assert_reply(third, 503, "busy");
    g_object_unref(waiting[0]);
    g_usleep(200 * 1000);
    g_autoptr(Reply) again = ask_token(self, "POST /v1/emails", "", "{}");
    assert_reply(again, 422, NULL);
    g_object_unref(waiting[1]);
}

static void malformed_json_is_refused(void **state)
{
    Fixture *self = *state;
    GString *deep = g_string_new("{\"settings\":");
    for (int i = 0; i < 100000 && deep->len < 60000; i++)
        g_string_append_c(deep, '[');
    const char *const bodies[] = {"", "{", "[]", "null", "{\"a\":1,\"a\":2}", "{\"a\":1e99999}",
        "{\"a\":\"\xff\"}", "{'a':1}", "{\"a\":NaN}", "{} x",
        "{\"a\":123456789012345678901234567890}", deep->str};
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) reply = ask_token(self, "PUT /v1/smtp/sending", "", bodies[i]);
        assert_reply(reply, 400, "malformed_json");
    }
    g_string_free(deep, TRUE);
}

static void a_nul_is_refused_by_its_pointer(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *body, *pointer;
    } cases[] = {
        {"{\"reason\":\"a\\u0000b\",\"enabled\":true}", "\"/reason\""},
        {"{\"a\":{\"b\":[\"x\",\"\\u0000\"]}}", "\"/a/b/1\""},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply = ask_token(self, "PUT /v1/smtp/sending", "", cases[i].body);
        assert_reply(reply, 422, "control_character");
        assert_non_null(strstr(reply->body, cases[i].pointer));
    }
}

/* Every route under /v1 but the four that must be open refuses who is not signed in. */
static void no_route_serves_strangers(void **state)
{
    Fixture *self = *state;
    guint n = 0;
    const Route *table = routes_table(&n);
    guint open = 0;
    for (guint i = 0; i < n; i++) {
        const Route *route = &table[i];
        if (!g_str_has_prefix(route->pattern, "/v1/"))
            continue;
        assert_true(
            route->flags & (ROUTE_PUBLIC | ROUTE_SIGNED_IN | ROUTE_KNOWN) || route->scope != 0);
        if (route->flags & ROUTE_PUBLIC) {
            open++;
            continue;
        }
        g_auto(GStrv) parts = g_strsplit(route->pattern, "{id}", 2);
        const char *mark = parts[1] && route->id_prefix[0] ? "_" : "";
        g_autofree char *line = parts[1] ? g_strdup_printf("%s %s%s%s%032d%s", route->method,
                                               parts[0], route->id_prefix, mark, 0, parts[1])
                                         : g_strdup_printf("%s %s", route->method, route->pattern);
        g_autoptr(Reply) anonymous = ask(self, line, "", NULL);
        assert_reply(anonymous, 401, "unauthenticated");
        g_autoptr(Reply) forged = ask(self, line,
            "Cookie: absender_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", NULL);
        assert_reply(forged, 401, "session_expired");
    }
    /* session, setup, sessions, test-arrivals, openapi.json; invitations: lookup, accept;
     * password-resets, and their lookup, redeem */
    assert_int_equal(open, 10);
}

static void foreign_things_are_not_there(void **state)
{
    Fixture *self = *state;
    static const char *const lines[] = {"GET /v1/emails/em_%s", "POST /v1/emails/em_%s/cancel",
        "GET /v1/smtp/verifications/ver_%s", "DELETE /v1/smtp/verifications/ver_%s",
        "GET /v1/emails/%s", "GET /v1/emails/ver_%s"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        GString *line = g_string_new(lines[i]);
        g_string_replace(line, "%s", "0193a2b4c5d67e8f9a0b1c2d3e4f5061", 1);
        g_autoptr(Reply) reply = ask_token(self, line->str, "", NULL);
        assert_reply(reply, 404, "not_found");
        g_string_free(line, TRUE);
    }
}

static void every_answer_carries_the_security_headers(void **state)
{
    Fixture *self = *state;
    static const char *const lines[] = {
        "GET /livez", "GET /nothing", "GET /v1/session", "GET /v1/smtp", "DELETE /livez"};
    static const char *const headers[] = {"X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer", "Cross-Origin-Opener-Policy: same-origin",
        "Cache-Control: no-store", "frame-ancestors 'none'", "X-Request-Id: req_"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Reply) reply = ask(self, lines[i], "", NULL);
        for (gsize j = 0; j < G_N_ELEMENTS(headers); j++) {
            if (!strstr(reply->head, headers[j]))
                print_error("%s lacks %s\n", lines[i], headers[j]);
            assert_non_null(strstr(reply->head, headers[j]));
        }
    }
}

/* Threat T35: whatever the request says, links are made of the configured address. */
static void links_never_come_from_the_host_header(void **state)
{
    Fixture *self = *state;
    static const char *const heads[] = {"Host: evil.example\r\n",
        "Host: localhost\r\nX-Forwarded-Host: evil.example\r\n",
        "Host: localhost\r\nForwarded: host=evil.example\r\n",
        "Host: localhost\r\nX-Original-Host: evil.example\r\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *text =
            g_strdup_printf("GET /v1/session HTTP/1.1\r\nConnection: close\r\n%s\r\n", heads[i]);
        g_autoptr(Reply) reply = ask_raw(self, text);
        assert_reply(reply, 200, NULL);
        assert_null(strstr(reply->body, "evil"));
    }
}

static void a_listener_open_to_others_needs_a_proxy(void **state)
{
    Fixture *self = *state;
    static const char *const any[] = {"10.0.0.0/8", NULL};
    static const char *const wrong[] = {"ten", NULL};
    const struct {
        const char *listen;
        const char *const *proxies;
        int code;
    } cases[] = {
        {"0.0.0.0:0", NULL, ABS_ERROR_INPUT},
        {"0.0.0.0:0", any, 0},
        {"127.0.0.1:0", wrong, ABS_ERROR_INPUT},
        {"127.0.0.1", NULL, ABS_ERROR_INPUT},
        {"example.org:80", NULL, ABS_ERROR_INPUT},
        {"192.0.2.1:0", any, ABS_ERROR_IO},
        {"localhost:0", NULL, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const ApiParts parts = {.store = self->store,
            .vault = self->vault,
            .catalogue = self->catalogue,
            .providers = self->providers,
            .listen = cases[i].listen,
            .trusted_proxies = cases[i].proxies};
        g_autoptr(Api) api = api_new(&parts, &error);
        assert_int_equal(error ? error->code : 0, cases[i].code);
        assert_true((api != NULL) == (cases[i].code == 0));
    }
}

/* --- Behind a proxy -------------------------------------------------------------------------- */

/* The same database behind another door. FALSE: this machine has no such address. */
static gboolean move_behind_proxy(Fixture *self, const char *listen)
{
    static const char *const proxies[] = {"127.0.0.0/8", "::ffff:10.0.0.0/104", NULL};
    g_autoptr(GError) error = NULL;
    const ApiParts parts = {.store = self->store,
        .vault = self->vault,
        .catalogue = self->catalogue,
        .providers = self->providers,
        .listen = listen,
        .trusted_proxies = proxies,
        .dev = TRUE};
    Api *api = api_new(&parts, &error);
    if (!api) {
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
        return FALSE;
    }
    api_stop(self->api);
    api_free(self->api);
    self->api = api;
    return TRUE;
}

/* A token that may be used from nowhere is told where it was used. */
static void make_caged_token(Fixture *self)
{
    g_autoptr(Reply) made = ask_control(self, "POST /v1/tokens",
        "{\"name\":\"app\",\"scopes\":[\"emails:read\"],\"networks\":[\"203.0.113.255\"]}");
    assert_reply(made, 201, NULL);
    g_free(self->token);
    self->token = g_strdup(reply_text(made, "token"));
}

#define SAID "X-Forwarded-For: "

/* The connection itself comes from 127.0.0.1, which is trusted. */
static void check_clients(Fixture *self)
{
    static const struct {
        const char *name, *headers, *client;
    } rows[] = {
        {"nothing said", "", "127.0.0.1"},
        {"one hop", SAID "192.0.2.7\r\n", "192.0.2.7"},
        {"the nearer of two", SAID "198.51.100.9, 192.0.2.7\r\n", "192.0.2.7"},
        {"one that is trusted", SAID "192.0.2.7, 10.1.2.3\r\n", "192.0.2.7"},
        {"a line below the client's own", SAID "198.51.100.9\r\n" SAID "192.0.2.7\r\n",
            "192.0.2.7"},
        {"a list below a list",
            SAID "198.51.100.9,192.0.2.7\r\nx-forwarded-for: 10.0.0.1, 10.1.2.3\r\n", "192.0.2.7"},
        {"an empty line below", SAID "192.0.2.7\r\n" SAID "\r\n", "127.0.0.1"},
        {"IPv6", SAID "2001:DB8:0::7\r\n", "2001:db8::7"},
        {"IPv4 in IPv6's clothes", SAID "::ffff:192.0.2.7\r\n", "192.0.2.7"},
        {"the same, trusted", SAID "192.0.2.7, ::ffff:10.1.2.3\r\n", "192.0.2.7"},
        {"no address", SAID "192.0.2.7, nonsense\r\n", "127.0.0.1"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *seen = g_strdup_printf("The request comes from %s,", rows[i].client);
        g_autofree char *head =
            g_strconcat("Accept: application/problem+json\r\n", rows[i].headers, NULL);
        g_autoptr(Reply) reply = ask_token(self, "GET /v1/emails", head, NULL);
        assert_reply(reply, 403, "network_not_allowed");
        if (!g_str_has_prefix(reply_text(reply, "detail"), seen))
            fail_msg("%s: %s", rows[i].name, reply_text(reply, "detail"));
    }
}

static void the_client_is_the_nearest_address_that_is_not_trusted(void **state)
{
    Fixture *self = *state;
    make_caged_token(self);
    assert_true(move_behind_proxy(self, "127.0.0.1:0"));
    check_clients(self);
}

/* A listener on :: sees whoever calls over IPv4 in IPv6's clothes. */
static void so_it_is_on_a_listener_for_both_kinds_of_address(void **state)
{
    Fixture *self = *state;
    make_caged_token(self);
    if (!move_behind_proxy(self, "[::]:0"))
        skip();
    check_clients(self);
}

#define WITH_TOKEN(test) cmocka_unit_test_setup_teardown(test, start_with_token, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        WITH_TOKEN(malformed_heads_are_refused),
        WITH_TOKEN(a_nul_in_a_header_is_refused),
        WITH_TOKEN(a_large_head_is_refused),
        WITH_TOKEN(who_asks_first_is_refused_before_the_body),
        WITH_TOKEN(a_refusal_is_heard_by_who_sends_a_large_body),
        WITH_TOKEN(a_get_with_a_body_is_served),
        WITH_TOKEN(bodies_have_a_limit_by_route),
        WITH_TOKEN(chunked_bodies_are_understood),
        WITH_TOKEN(bodies_in_flight_are_bounded),
        WITH_TOKEN(malformed_json_is_refused),
        WITH_TOKEN(a_nul_is_refused_by_its_pointer),
        WITH_TOKEN(no_route_serves_strangers),
        WITH_TOKEN(foreign_things_are_not_there),
        WITH_TOKEN(every_answer_carries_the_security_headers),
        WITH_TOKEN(links_never_come_from_the_host_header),
        WITH_TOKEN(a_listener_open_to_others_needs_a_proxy),
        WITH_TOKEN(the_client_is_the_nearest_address_that_is_not_trusted),
        WITH_TOKEN(so_it_is_on_a_listener_for_both_kinds_of_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
