/* Webhooks through the API: made, changed, tried, told again. Nobody delivers here; that is
 * test/real/test_webhooks.py. */
#include "fixture.h"

#include "api/words/webhook_text.h"
#include "base/limits.h"
#include "base/secret.h"

#define DE "Accept-Language: de\r\n"
#define URL "https://alerts.example.com/absender?key=geheim"

static Reply *make(const Fixture *self)
{
    Reply *reply = ask_member(self, "POST /v1/webhooks", "",
        "{\"url\": \"" URL "\", \"name\": \"Alerts\", \"events\": [\"smtp.breaker_opened\"]}");
    assert_reply(reply, 201, NULL);
    return reply;
}

static Reply *ask_about(const Fixture *self, const char *method, const Reply *webhook,
    const char *what, const char *body)
{
    g_autofree char *line =
        g_strdup_printf("%s /v1/webhooks/%s%s", method, reply_text(webhook, "id"), what);
    return ask_member(self, line, "", body);
}

static void a_secret_is_shown_when_it_is_made_and_never_again(void **state)
{
    g_autoptr(Reply) made = make(*state);
    g_autofree char *secret = g_strdup(reply_text(made, "secret"));
    assert_true(g_str_has_prefix(secret, "whsec_"));
    assert_string_equal(reply_text(made, "url"), URL);
    assert_string_equal(reply_text(made, "name"), "Alerts");
    assert_int_equal(json_array_size(reply_at(made, "events")), 1);
    g_autoptr(Reply) got = ask_about(*state, "GET", made, "", NULL);
    assert_reply(got, 200, NULL);
    assert_null(reply_at(got, "secret"));
    g_autoptr(Reply) list = ask_member(*state, "GET /v1/webhooks", "", NULL);
    assert_null(strstr(list->body, secret));
    g_autoptr(Reply) renewed = ask_about(*state, "POST", made, "/secret", NULL);
    assert_reply(renewed, 200, NULL);
    assert_true(g_str_has_prefix(reply_text(renewed, "secret"), "whsec_"));
    assert_string_not_equal(reply_text(renewed, "secret"), secret);
}

static void all_events_are_wanted_unless_some_are_named(void **state)
{
    g_autoptr(Reply) made =
        ask_member(*state, "POST /v1/webhooks", "", "{\"url\": \"https://a.example/\"}");
    assert_reply(made, 201, NULL);
    assert_int_equal(json_array_size(reply_at(made, "events")), 15);
    assert_true(json_is_true(reply_at(made, "enabled")));
    assert_true(json_is_null(reply_at(made, "name")));
}

static void wrong_bodies_are_refused_by_name(void **state)
{
    static const struct {
        const char *name, *body, *pointer;
    } cases[] = {
        {"nothing", "{}", "/url"},
        {"http", "{\"url\": \"http://a.example/\"}", "/url"},
        {"an address", "{\"url\": \"https://10.0.0.1/\"}", "/url"},
        {"a well-known port", "{\"url\": \"https://a.example:22/\"}", "/url"},
        {"a user", "{\"url\": \"https://u:p@a.example/\"}", "/url"},
        {"an event nobody knows", "{\"url\": \"https://a.example/\", \"events\": [\"a.b\"]}",
            "/events/0"},
        {"an event that is a number", "{\"url\": \"https://a.example/\", \"events\": [1]}",
            "/events/0"},
        {"no event", "{\"url\": \"https://a.example/\", \"events\": []}", "/events"},
        {"two lines", "{\"url\": \"https://a.example/\", \"name\": \"a\\nb\"}", "/name"},
        {"a secret of their own", "{\"url\": \"https://a.example/\", \"secret\": \"x\"}",
            "/secret"},
        {"somebody else's", "{\"url\": \"https://a.example/\", \"org_id\": 2}", "/org_id"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_autoptr(Reply) refused = ask_member(*state, "POST /v1/webhooks", DE, cases[i].body);
        assert_int_equal(refused->status, 422);
        assert_string_equal(reply_text(refused, "errors.0.pointer"), cases[i].pointer);
        assert_null(strstr(refused->body, "The "));
    }
    g_autoptr(Reply) list = ask_member(*state, "GET /v1/webhooks", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 0);
}

static void a_change_leaves_what_is_not_named(void **state)
{
    g_autoptr(Reply) made = make(*state);
    g_autoptr(Reply) changed =
        ask_about(*state, "PATCH", made, "", "{\"enabled\": false, \"name\": null}");
    assert_reply(changed, 200, NULL);
    assert_true(json_is_false(reply_at(changed, "enabled")));
    assert_true(json_is_null(reply_at(changed, "name")));
    assert_string_equal(reply_text(changed, "url"), URL);
    assert_int_equal(json_array_size(reply_at(changed, "events")), 1);
    g_autoptr(Reply) refused = ask_about(*state, "PATCH", made, "", "{\"url\": null}");
    assert_int_equal(refused->status, 422);
}

static void a_test_waits_and_can_be_told_again(void **state)
{
    g_autoptr(Reply) made = make(*state);
    g_autoptr(Reply) tried = ask_about(*state, "POST", made, "/test", NULL);
    assert_reply(tried, 202, NULL);
    assert_string_equal(reply_text(tried, "type"), "webhook.test");
    assert_string_equal(reply_text(tried, "state"), "waiting");
    g_autofree char *body =
        g_strdup_printf("{\"event_id\": \"%s\"}", reply_text(tried, "event_id"));
    g_autoptr(Reply) again = ask_about(*state, "POST", made, "/replay", body);
    assert_reply(again, 202, NULL);
    g_autoptr(Reply) list = ask_about(*state, "GET", made, "/deliveries?limit=5", NULL);
    assert_reply(list, 200, NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 1);
    assert_string_equal(reply_text(list, "data.0.event_id"), reply_text(tried, "event_id"));
    g_autoptr(Reply) got = ask_about(*state, "GET", made, "", NULL);
    assert_int_equal(json_integer_value(reply_at(got, "waiting")), 1);
    g_autoptr(Reply) unknown = ask_about(*state, "POST", made, "/replay",
        "{\"event_id\": \"evt_0193f5c0e1c27abc8def0123456789ab\"}");
    assert_reply(unknown, 404, "not_found");
    g_autoptr(Reply) malformed =
        ask_about(*state, "POST", made, "/replay", "{\"event_id\": \"em_1\"}");
    assert_int_equal(malformed->status, 422);
}

static void one_that_is_switched_off_is_not_tried(void **state)
{
    g_autoptr(Reply) made = make(*state);
    g_autoptr(Reply) off = ask_about(*state, "PATCH", made, "", "{\"enabled\": false}");
    assert_reply(off, 200, NULL);
    g_autoptr(Reply) refused = ask_about(*state, "POST", made, "/test", NULL);
    assert_reply(refused, 409, "webhook_disabled");
}

static void a_removed_one_is_gone(void **state)
{
    static const char *const rest[] = {"", "/deliveries"};
    g_autoptr(Reply) made = make(*state);
    g_autoptr(Reply) removed = ask_about(*state, "DELETE", made, "", NULL);
    assert_reply(removed, 200, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rest); i++) {
        g_autoptr(Reply) gone = ask_about(*state, "GET", made, rest[i], NULL);
        assert_reply(gone, 404, "not_found");
    }
    g_autoptr(Reply) again = ask_about(*state, "DELETE", made, "", NULL);
    assert_reply(again, 404, "not_found");
}

static void there_are_only_so_many(void **state)
{
    for (guint i = 0; i < LIMIT_WEBHOOKS; i++) {
        g_autoptr(Reply) made = make(*state);
        assert_int_equal(made->status, 201);
    }
    g_autoptr(Reply) refused =
        ask_member(*state, "POST /v1/webhooks", "", "{\"url\": \"https://a.example/\"}");
    assert_reply(refused, 409, "too_many_webhooks");
}

static void an_address_is_told_of_the_operators_option(void **state)
{
    static const char *const urls[] = {
        "https://127.0.0.1", "https://[::1]:8443/", "https://2130706433/"};
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        print_message("# %s\n", urls[i]);
        g_autofree char *body = g_strdup_printf("{\"url\": \"%s\"}", urls[i]);
        g_autoptr(Reply) refused = ask_member(*state, "POST /v1/webhooks", DE, body);
        assert_int_equal(refused->status, 422);
        assert_string_equal(reply_text(refused, "errors.0.code"), "webhook_url_is_address");
        assert_non_null(strstr(reply_text(refused, "errors.0.detail"), "--allow-network"));
    }
}

/* The receiver's address may hold a token of its own. */
static void the_audit_log_names_the_receivers_host_alone(void **state)
{
    g_autoptr(Reply) made = make(*state);
    assert_string_equal(reply_text(made, "url"), URL);
    g_autoptr(Reply) log = ask_member(*state, "GET /v1/audit-events?action=webhook.", "", NULL);
    assert_reply(log, 200, NULL);
    assert_string_equal(reply_text(log, "data.0.action"), "webhook.created");
    assert_string_equal(reply_text(log, "data.0.detail"), "alerts.example.com");
    assert_null(strstr(log->body, "geheim"));
}

static void every_failure_has_its_sentence_in_both_languages(void **state)
{
    static const char *const failures[] = {"no_address", "denied", "refused", "tls", "certificate",
        "no_answer", "gone", "too_old", "secret", "overflow", "status 503"};
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *de = webhook_failure_text(failures[i], LANGUAGE_DE);
        g_autofree char *en = webhook_failure_text(failures[i], LANGUAGE_EN);
        assert_string_not_equal(de, en);
        assert_string_not_equal(en, failures[i]);
        assert_true(g_str_has_suffix(de, ".") && g_str_has_suffix(en, "."));
    }
    assert_null(webhook_failure_text(NULL, LANGUAGE_DE));
}

#define SIGNED_UP(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SIGNED_UP(a_secret_is_shown_when_it_is_made_and_never_again),
        SIGNED_UP(all_events_are_wanted_unless_some_are_named),
        SIGNED_UP(wrong_bodies_are_refused_by_name),
        SIGNED_UP(an_address_is_told_of_the_operators_option),
        SIGNED_UP(a_change_leaves_what_is_not_named),
        SIGNED_UP(a_test_waits_and_can_be_told_again),
        SIGNED_UP(one_that_is_switched_off_is_not_tried),
        SIGNED_UP(a_removed_one_is_gone),
        SIGNED_UP(there_are_only_so_many),
        SIGNED_UP(the_audit_log_names_the_receivers_host_alone),
        cmocka_unit_test(every_failure_has_its_sentence_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
