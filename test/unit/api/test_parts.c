/* The parts of the API that need neither a server nor a store. */
#include "api/guesses.h"
#include "api/http/browser.h"
#include "api/pages.h"
#include "api/routes/routes.h"
#include "api/words/language.h"
#include "api/words/problem.h"
#include "base/limits.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_better_liked_language_is_taken(void **state)
{
    static const struct {
        const char *header;
        Language language;
    } cases[] = {{NULL, LANGUAGE_EN}, {"", LANGUAGE_EN}, {"de", LANGUAGE_DE},
        {"de-AT", LANGUAGE_DE}, {"DE-de,en;q=0.5", LANGUAGE_DE}, {"en;q=0.5,de;q=0.9", LANGUAGE_DE},
        {"en,de;q=0.9", LANGUAGE_EN}, {"fr,de;q=0.1", LANGUAGE_DE}, {"den", LANGUAGE_EN},
        {"de;q=0", LANGUAGE_EN}, {"*", LANGUAGE_EN}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(language_accept(cases[i].header), cases[i].language);
}

static json_t *body_of(const HttpAnswer *answer)
{
    gsize n = 0;
    const char *text = g_bytes_get_data(answer->body, &n);
    json_t *json = json_loadb(text, n, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *text_at(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void problems_have_two_forms(void **state)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_fault_add(&faults, "/port", "port_not_allowed", "This port is not allowed.");
    const Problem problem = {.code = problem_code_of_faults(&faults), .faults = &faults};
    ProblemForm form = {LANGUAGE_DE, "req_1", FALSE};
    g_autoptr(HttpAnswer) plain = problem_answer(&form, &problem);
    json_t *json = body_of(plain);
    assert_int_equal(plain->status, 422);
    assert_string_equal(plain->content_type, "application/problem+json");
    assert_string_equal(text_at(json, "code"), "port_not_allowed");
    assert_string_equal(text_at(json, "type"), "urn:absender:problem:port_not_allowed");
    assert_string_equal(text_at(json, "request_id"), "req_1");
    assert_string_equal(text_at(json, "title"), "Dieser Port ist nicht erlaubt.");
    assert_null(json_object_get(json, "statusCode"));
    json_decref(json);

    form.is_resend_form = TRUE;
    g_autoptr(HttpAnswer) resend = problem_answer(&form, &problem);
    json = body_of(resend);
    assert_string_equal(resend->content_type, "application/json");
    assert_string_equal(text_at(json, "name"), "validation_error");
    assert_string_equal(text_at(json, "message"),
        "Dieser Port ist nicht erlaubt. Nehmen Sie 587 (STARTTLS) oder 465 (SSL/TLS).");
    assert_int_equal(json_integer_value(json_object_get(json, "statusCode")), 422);
    json_decref(json);
}

static void a_fault_without_a_row_is_a_422(void **state)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_fault_add(&faults, "/x", "made_up", "A sentence.");
    const ProblemForm form = {LANGUAGE_EN, "req_1", FALSE};
    const Problem problem = {.code = problem_code_of_faults(&faults), .faults = &faults};
    g_autoptr(HttpAnswer) answer = problem_answer(&form, &problem);
    json_t *json = body_of(answer);
    assert_int_equal(answer->status, 422);
    assert_string_equal(text_at(json, "code"), "made_up");
    assert_string_equal(text_at(json, "detail"), "A sentence.");
    json_decref(json);
    json_fault_add(&faults, "/y", "made_up", "Another.");
    assert_string_equal(problem_code_of_faults(&faults), "invalid_fields");
}

static void waits_are_said(void **state)
{
    const ProblemForm form = {LANGUAGE_EN, "req_1", FALSE};
    const Problem problem = {.code = "too_many_attempts", .retry_after_s = 17};
    g_autoptr(HttpAnswer) answer = problem_answer(&form, &problem);
    assert_int_equal(answer->status, 429);
    assert_string_equal(http_answer_header(answer, "retry-after"), "17");
}

static void cookies_are_as_strict_as_the_address_allows(void **state)
{
    g_autoptr(Secret) secret = secret_new("abc", 3);
    g_autofree char *safe = browser_cookie(TRUE, secret);
    g_autofree char *local = browser_cookie(FALSE, secret);
    g_autofree char *gone = browser_cookie(TRUE, NULL);
    assert_string_equal(
        safe, "__Host-absender=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure");
    assert_string_equal(
        local, "absender_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000");
    assert_non_null(strstr(gone, "Max-Age=0"));
}

static void one_cookie_among_many_is_found(void **state)
{
    g_autoptr(HttpRequest) request = http_request_new("GET", "/", "local");
    http_request_add_header(
        request, "Cookie", "xabsender_session=no; a=1;absender_session=yes; b=2");
    g_autofree char *cookie = http_request_cookie(request, "absender_session");
    assert_string_equal(cookie, "yes");
    assert_null(http_request_cookie(request, "c"));
}

static void csrf_values_belong_to_one_session(void **state)
{
    char a[65], b[65], again[65];
    browser_csrf_token("session-a", a);
    browser_csrf_token("session-b", b);
    browser_csrf_token("session-a", again);
    assert_int_equal(strlen(a), 64);
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    assert_null(strstr(a, "session"));
}

/* So many tries, each as soon as it is allowed; the longest wait between them. */
static MonoMs fail_on(
    Guesses *guesses, const char *account, const char *address, int n, MonoMs *now)
{
    MonoMs longest_ms = 0;
    for (int i = 0; i < n; i++) {
        MonoMs wait_ms = guesses_take(guesses, account, address, *now);
        longest_ms = MAX(longest_ms, wait_ms);
        *now += wait_ms;
    }
    return longest_ms;
}

static void guesses_are_slowed_down_by_account_and_address(void **state)
{
    g_autoptr(Guesses) guesses = guesses_new();
    MonoMs now = CLOCK_DAY_MS;
    for (int i = 0; i < 5; i++)
        assert_true(guesses_take(guesses, "anna@example.de", "192.0.2.1", now) == 0);
    assert_true(guesses_take(guesses, "ANNA@example.de", "192.0.2.2", now) == 0);
    assert_true(guesses_take(guesses, "anna@example.de", "192.0.2.3", now) == CLOCK_SECOND_MS);
    assert_true(guesses_take(guesses, "bob@example.de", "192.0.2.3", now) == 0);
    MonoMs account_ms = fail_on(guesses, "anna@example.de", NULL, 40, &now);
    assert_true(account_ms == CLOCK_MINUTE_MS);
    MonoMs address_ms = fail_on(guesses, NULL, "192.0.2.9", 80, &now);
    assert_true(address_ms == 15 * CLOCK_MINUTE_MS);
    guesses_note_success(guesses, "anna@example.de", "192.0.2.4", now);
    assert_true(guesses_take(guesses, "anna@example.de", "192.0.2.5", now) == 0);
    for (int i = 0; i < 2 * LIMIT_GUESSES; i++) {
        g_autofree char *name = g_strdup_printf("%d@example.de", i);
        guesses_take(guesses, name, NULL, now + i);
    }
}

/* Or any stranger could keep somebody out with one try a minute. For every name alike, or the
 * network would tell which of them are known (threat T36). */
static void where_somebody_has_signed_in_no_stranger_keeps_people_out(void **state)
{
    static const struct {
        const char *account, *address;
        gboolean is_home;
    } cases[] = {
        {"anna@example.de", "192.0.2.1", TRUE},
        {"Anna@Example.de", "192.0.2.1", TRUE},
        {"anna@example.de", "2001:db8:0:1::9", TRUE},
        {"anna@example.de", "192.0.2.2", FALSE},
        {"bob@example.de", "192.0.2.1", TRUE},
        {"bob@example.de", "192.0.2.2", FALSE},
    };
    g_autoptr(Guesses) guesses = guesses_new();
    MonoMs now = CLOCK_DAY_MS, until = now + CLOCK_DAY_MS;
    guesses_note_home(guesses, "192.0.2.1", until);
    guesses_note_home(guesses, "192.0.2.1", now); /* an earlier one: no less */
    guesses_note_home(guesses, "2001:db8:0:1::1", until);
    for (guint i = 0; i < 2 * LIMIT_ACCOUNT_GUESSES; i++) {
        guesses_take(guesses, "anna@example.de", "203.0.113.7", now);
        guesses_take(guesses, "bob@example.de", "203.0.113.8", now);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        MonoMs wait_ms = guesses_take(guesses, cases[i].account, cases[i].address, now);
        assert_int_equal(wait_ms == 0, cases[i].is_home);
    }
    while (guesses_take(guesses, "anna@example.de", "203.0.113.7", until) == 0)
        continue;
    assert_true(
        guesses_take(guesses, "anna@example.de", "192.0.2.1", until) > 0); /* too long ago */
    for (guint i = 0; i < 2 * LIMIT_ADDRESS_GUESSES; i++) /* but nobody guesses at home for ever */
        guesses_take(guesses, "anna@example.de", "2001:db8:0:1::1", now);
    assert_true(guesses_take(guesses, "anna@example.de", "2001:db8:0:1::1", now) > 0);
}

static void sign_in(Guesses *guesses, const char *address, MonoMs now)
{
    if (guesses_take(guesses, "anna@example.de", address, now) == 0)
        guesses_note_success(guesses, "anna@example.de", address, now);
}

/* Two stories that are the same but for the name that an onlooker tries every second: that of Anna,
 * who signs in now and then at home and on a journey, or one that nobody has. */
static void a_sign_in_tells_nobody_which_accounts_there_are(void **state)
{
    static const char *const onlookers[] = {"192.0.2.1", "203.0.113.7"};
    static const char *const places[] = {"192.0.2.1", "198.51.100.9"};
    for (gsize i = 0; i < G_N_ELEMENTS(onlookers); i++) {
        g_autoptr(Guesses) known = guesses_new();
        g_autoptr(Guesses) ghost = guesses_new();
        MonoMs now = CLOCK_DAY_MS, longest_ms = 0;
        guesses_note_home(known, places[0], 2 * CLOCK_DAY_MS);
        guesses_note_home(ghost, places[0], 2 * CLOCK_DAY_MS);
        for (guint n = 0; n < 600; n++, now += CLOCK_SECOND_MS) {
            if (n % 7 == 0) {
                sign_in(known, places[n / 100 % 2], now);
                sign_in(ghost, places[n / 100 % 2], now);
            }
            MonoMs wait_ms = guesses_take(known, "anna@example.de", onlookers[i], now);
            if (wait_ms != guesses_take(ghost, "nobody@example.de", onlookers[i], now))
                fail_msg("from %s, after %u s", onlookers[i], n);
            longest_ms = MAX(longest_ms, wait_ms);
        }
        assert_true(longest_ms > 30 * CLOCK_SECOND_MS); /* it was slowed down at all */
    }
}

static void who_tries_many_names_makes_nothing_forgotten(void **state)
{
    g_autoptr(Guesses) guesses = guesses_new();
    MonoMs now = CLOCK_DAY_MS;
    while (guesses_take(guesses, "anna@example.de", NULL, now) == 0)
        continue;
    for (guint i = 0; i < 3 * LIMIT_GUESSES; i++) {
        g_autofree char *name = g_strdup_printf("%u@example.de", i);
        guesses_take(guesses, name, NULL, now + 1);
    }
    assert_true(guesses_take(guesses, "anna@example.de", NULL, now + 1) > 0);
}

static void tries_at_once_are_counted_before_they_are_judged(void **state)
{
    g_autoptr(Guesses) guesses = guesses_new();
    guint n_taken = 0;
    for (int i = 0; i < 1000; i++)
        n_taken += guesses_take(guesses, NULL, "192.0.2.1", CLOCK_DAY_MS) == 0;
    assert_int_equal(n_taken, 21);
}

static void good_tries_are_given_back(void **state)
{
    g_autoptr(Guesses) guesses = guesses_new();
    for (int i = 0; i < 1000; i++) {
        assert_true(guesses_take(guesses, "anna@example.de", "192.0.2.1", CLOCK_DAY_MS) == 0);
        guesses_note_success(guesses, "anna@example.de", "192.0.2.1", CLOCK_DAY_MS);
    }
}

static void addresses_of_one_ipv6_network_count_as_one(void **state)
{
    static const struct {
        const char *address;
        gboolean is_same;
    } cases[] = {{"2001:db8:0:1::1", TRUE}, {"2001:DB8:0:1:ffff:0:0:2", TRUE},
        {"2001:db8:0:2::1", FALSE}, {"192.0.2.1", FALSE}, {"::ffff:192.0.2.1", FALSE}};
    g_autoptr(Guesses) guesses = guesses_new();
    while (guesses_take(guesses, NULL, "2001:db8:0:1:8000::7", CLOCK_DAY_MS) == 0)
        continue;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        MonoMs wait_ms = guesses_take(guesses, NULL, cases[i].address, CLOCK_DAY_MS);
        assert_int_equal(wait_ms > 0, cases[i].is_same);
    }
}

static void the_policy_names_the_import_map_by_its_hash(void **state)
{
    g_autofree char *none = pages_policy(NULL);
    g_autofree char *some =
        pages_policy("<html><script type=\"importmap\">{\"imports\":{}}</script></html>");
    assert_null(strstr(none, "sha256"));
    assert_non_null(strstr(none, "script-src 'self';"));
    /* printf '{"imports":{}}' | openssl dgst -sha256 -binary | base64 */
    assert_non_null(
        strstr(some, "script-src 'self' 'sha256-URrTy+Il/Nz0lHojVUx275hWqAWhkSF0VsHbUM4/6Hw='"));
    assert_null(strstr(some, "unsafe"));
}

static void every_route_says_who_may_take_it(void **state)
{
    guint n = 0;
    const Route *table = routes_table(&n);
    for (guint i = 0; i < n; i++) {
        const Route *route = &table[i];
        gboolean is_open = (route->flags & ROUTE_PUBLIC) != 0;
        gboolean is_signed_in = (route->flags & ROUTE_SIGNED_IN) != 0;
        gboolean is_known = (route->flags & ROUTE_KNOWN) != 0;
        assert_int_equal(is_open + is_signed_in + is_known + (route->scope != 0), 1);
        assert_true((strstr(route->pattern, "{id}") != NULL) == (route->id_prefix != NULL));
        if (strcmp(route->method, "GET") == 0)
            assert_int_equal(route->body_limit, 0);
        assert_true(route->body_limit <= LIMIT_HTTP_SEND_BODY_BYTES);
    }
}

static void routes_are_found_by_method_and_path(void **state)
{
    static const struct {
        const char *method, *path, *pattern, *allowed;
    } cases[] = {
        {"GET", "/", "/", NULL},
        {"GET", "/assets/app.js", "/assets/*", NULL},
        {"GET", "/v1/emails", "/v1/emails", NULL},
        {"GET", "/v1/emails/em_0193a2b4c5d67e8f9a0b1c2d3e4f5061", "/v1/emails/{id}", NULL},
        {"POST", "/v1/emails/em_0193a2b4c5d67e8f9a0b1c2d3e4f5061/cancel", "/v1/emails/{id}/cancel",
            NULL},
        {"PUT", "/v1/emails", NULL, "POST, GET"},
        {"GET", "/v1/emails/", NULL, NULL},
        {"GET", "/v1/emails/em_X", NULL, NULL},
        {"GET", "/v1/emails/em_0193a2b4c5d67e8f9a0b1c2d3e4f5061/", NULL, NULL},
        {"GET", "/V1/emails", NULL, NULL},
        {"GET", "*", NULL, NULL},
        {"GET", "", NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Id id;
        g_autofree char *allowed = NULL;
        const Route *route = routes_find(cases[i].method, cases[i].path, &id, &allowed);
        assert_true((route != NULL) == (cases[i].pattern != NULL));
        if (route)
            assert_string_equal(route->pattern, cases[i].pattern);
        assert_true((allowed != NULL) == (cases[i].allowed != NULL));
        if (allowed)
            assert_string_equal(allowed, cases[i].allowed);
    }
}

/* --- Deadlines, on a server that is only a server -------------------------------------------- */

static HttpAnswer *admit_all(HttpRequest *request, gsize *body_limit, gpointer user)
{
    *body_limit = 1000;
    return NULL;
}

static void answer_at_once(HttpRequest *request, gpointer user)
{
    http_request_answer(request, http_answer_new_text(200, "text/plain", g_strdup("done")));
}

static HttpAnswer *refuse_plainly(
    HttpRequest *request, const char *code, const char *detail, gpointer user)
{
    return http_answer_new_text(400, "text/plain", g_strdup(code));
}

/* TRUE if the server closes this half-sent request once its deadline has passed, and not before. */
static gboolean closes_in_time(const char *bytes)
{
    const HttpHandlers handlers = {admit_all, answer_at_once, refuse_plainly, NULL};
    gboolean is_loopback;
    guint16 port = 0;
    g_autoptr(GSocket) listening = http_listen_tcp("127.0.0.1:0", &is_loopback, &port, NULL);
    HttpServer *server = http_server_new(listening, FALSE, &handlers, NULL);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_socket_client_set_timeout(client, 1);
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect_to_host(client, "127.0.0.1", port, NULL, NULL);
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    char byte;
    g_output_stream_write_all(out, bytes, strlen(bytes), NULL, NULL, NULL);
    http_server_tick(server, clock_mono_ms());
    gboolean is_early = g_input_stream_read(in, &byte, 1, NULL, NULL) >= 0;
    http_server_tick(server, clock_mono_ms() + LIMIT_HTTP_BODY_DEADLINE_MS + 1);
    gboolean is_closed = g_input_stream_read(in, &byte, 1, NULL, NULL) == 0;
    http_server_stop(server);
    http_server_free(server);
    return !is_early && is_closed;
}

static void half_requests_are_closed(void **state)
{
    assert_true(closes_in_time("GET / HT"));
    assert_true(closes_in_time("GET / HTTP/1.1\r\nHost: a\r\nX-Slow"));
    assert_true(closes_in_time("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12"));
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_better_liked_language_is_taken),
        cmocka_unit_test(problems_have_two_forms),
        cmocka_unit_test(a_fault_without_a_row_is_a_422),
        cmocka_unit_test(waits_are_said),
        cmocka_unit_test(cookies_are_as_strict_as_the_address_allows),
        cmocka_unit_test(one_cookie_among_many_is_found),
        cmocka_unit_test(csrf_values_belong_to_one_session),
        cmocka_unit_test(guesses_are_slowed_down_by_account_and_address),
        cmocka_unit_test(where_somebody_has_signed_in_no_stranger_keeps_people_out),
        cmocka_unit_test(a_sign_in_tells_nobody_which_accounts_there_are),
        cmocka_unit_test(who_tries_many_names_makes_nothing_forgotten),
        cmocka_unit_test(tries_at_once_are_counted_before_they_are_judged),
        cmocka_unit_test(good_tries_are_given_back),
        cmocka_unit_test(addresses_of_one_ipv6_network_count_as_one),
        cmocka_unit_test(the_policy_names_the_import_map_by_its_hash),
        cmocka_unit_test(every_route_says_who_may_take_it),
        cmocka_unit_test(routes_are_found_by_method_and_path),
        cmocka_unit_test(half_requests_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
