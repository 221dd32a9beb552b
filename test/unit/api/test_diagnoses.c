/* POST /v1/diagnoses: a pasted bounce or log, explained in the reader's language. */
#include "fixture.h"

#include "base/limits.h"
#include "base/secret.h"

#define DE "Accept-Language: de\r\n"

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static const json_t *first(const Reply *reply)
{
    return json_array_get(reply_at(reply, "data"), 0);
}

static void a_bounce_is_explained_in_both_languages(void **state)
{
    static const char body[] =
        "{\"text\":\"host mx.example.com[192.0.2.1] said: 550 5.1.1 <a@example.com>: User "
        "unknown (in reply to RCPT TO command)\"}";
    g_autoptr(Reply) de = ask_member(*state, "POST /v1/diagnoses", DE, body);
    g_autoptr(Reply) en = ask_member(*state, "POST /v1/diagnoses", "", body);
    assert_reply(de, 200, NULL);
    assert_int_equal(json_array_size(reply_at(de, "data")), 1);
    const json_t *found = first(de);
    assert_string_equal(text_of(found, "object"), "explanation");
    assert_string_equal(text_of(found, "phase"), "rcpt_to");
    assert_int_equal(json_integer_value(json_object_get(found, "reply")), 550);
    assert_string_equal(text_of(found, "enhanced"), "5.1.1");
    const json_t *diagnosis = json_object_get(found, "diagnosis");
    assert_string_equal(text_of(diagnosis, "id"), "recipient_unknown");
    assert_string_equal(
        text_of(diagnosis, "manual_url"), "/manual/de/recipient.html#recipient_unknown");
    const json_t *english = json_object_get(first(en), "diagnosis");
    assert_string_not_equal(text_of(diagnosis, "meaning"), text_of(english, "meaning"));
}

static void the_host_given_decides_between_providers(void **state)
{
    g_autoptr(Reply) reply = ask_member(*state, "POST /v1/diagnoses", "",
        "{\"text\":\"535 Authentication credentials invalid\",\"host\":\"smtp.ionos.de\"}");
    assert_reply(reply, 200, NULL);
    assert_string_equal(
        text_of(json_object_get(first(reply), "diagnosis"), "id"), "ionos_bad_credentials");
}

static void a_name_of_our_own_list_is_not_called_misspelt(void **state)
{
    static const struct {
        const char *host, *id, *click;
    } cases[] = {
        {"smtp.gmail.com", "dns_known_host_not_found", "retry_later"},
        {"SMTP.IONOS.DE", "dns_known_host_not_found", "retry_later"},
        {"smtp.gmial.com", "dns_host_not_found", NULL},
        {"smtp.1und1.de", "dns_host_not_found", "use_right_host"}, /* in the list as a wrong one */
        {"w0999999.kasserver.com", "dns_host_not_found", NULL},    /* its number may be misspelt */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"text\":\"dial tcp: lookup %s: no such host\",\"host\":\"%s\"}",
                cases[i].host, cases[i].host);
        g_autoptr(Reply) reply = ask_member(*state, "POST /v1/diagnoses", "", body);
        assert_reply(reply, 200, NULL);
        const json_t *diagnosis = json_object_get(first(reply), "diagnosis");
        assert_string_equal(text_of(diagnosis, "id"), cases[i].id);
        const json_t *action = json_array_get(json_object_get(diagnosis, "actions"), 0);
        if (cases[i].click)
            assert_string_equal(text_of(action, "code"), cases[i].click);
    }
}

/* The page gives the server we submit to; a bounce tells of the recipient's. */
static void a_bounce_of_another_server_is_not_laid_to_ours(void **state)
{
    g_autoptr(Reply) reply = ask_member(*state, "POST /v1/diagnoses", "",
        "{\"text\":\"host mx.example.com[192.0.2.1] said: 451 4.3.0 queue file write error\\n"
        "host smtp.example.net[192.0.2.2] said: 535 Authentication credentials invalid\","
        "\"host\":\"smtp.ionos.de\"}");
    assert_reply(reply, 200, NULL);
    assert_int_equal(json_array_size(reply_at(reply, "data")), 2);
    assert_null(strstr(reply->body, "ionos"));
    assert_string_not_equal(
        text_of(json_object_get(json_array_get(reply_at(reply, "data"), 1), "diagnosis"), "id"),
        "ionos_bad_credentials");
    assert_non_null(strstr(reply->body, "mx.example.com")); /* what is passed on names it */
}

static void a_letter_has_nothing_to_explain(void **state)
{
    g_autoptr(Reply) reply =
        ask_member(*state, "POST /v1/diagnoses", "", "{\"text\":\"Dear Anna, see you\"}");
    assert_reply(reply, 200, NULL);
    assert_int_equal(json_array_size(reply_at(reply, "data")), 0);
}

static void what_is_sent_is_checked(void **state)
{
    g_autofree char *long_text = g_strnfill(LIMIT_DIAGNOSIS_PASTE_BYTES + 1, 'x');
    g_autofree char *too_long = g_strdup_printf("{\"text\":\"%s\"}", long_text);
    const char *const bodies[] = {"{}", "{\"text\":7}", "{\"text\":\"x\",\"other\":1}", too_long};
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) reply = ask_member(*state, "POST /v1/diagnoses", "", bodies[i]);
        assert_reply(reply, 422, NULL);
    }
}

static void explaining_needs_the_right_to_read_settings(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"emails:send\"]");
    g_autoptr(Reply) other = ask_token(self, "POST /v1/diagnoses", "", "{\"text\":\"550 no\"}");
    assert_reply(other, 403, NULL);
    make_token(self, "[\"smtp:read\"]");
    g_autoptr(Reply) reader = ask_token(self, "POST /v1/diagnoses", "", "{\"text\":\"550 no\"}");
    assert_reply(reader, 200, NULL);
}

#define SIGNED_UP(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SIGNED_UP(a_bounce_is_explained_in_both_languages),
        SIGNED_UP(the_host_given_decides_between_providers),
        SIGNED_UP(a_name_of_our_own_list_is_not_called_misspelt),
        SIGNED_UP(a_bounce_of_another_server_is_not_laid_to_ours),
        SIGNED_UP(a_letter_has_nothing_to_explain),
        SIGNED_UP(what_is_sent_is_checked),
        SIGNED_UP(explaining_needs_the_right_to_read_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
