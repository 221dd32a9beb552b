/* What is known about providers, and what is found for an address; without a DNS: this fixture's
 * API has nobody to ask. With one: test/real/test_discovery.py. */
#include "fixture.h"

#include "api/words/discovery_text.h"
#include "base/secret.h"

#define DE "Accept-Language: de\r\n"

static const json_t *preset(const Reply *reply, const char *id)
{
    const json_t *data = reply_at(reply, "data");
    for (gsize i = 0; i < json_array_size(data); i++) {
        const json_t *item = json_array_get(data, i);
        if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0)
            return item;
    }
    fail_msg("no preset %s", id);
    return NULL;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* --- Presets --------------------------------------------------------------------------------- */

static void presets_tell_limits_rules_and_dates(void **state)
{
    g_autoptr(Reply) de = ask_member(*state, "GET /v1/smtp/presets", DE, NULL);
    g_autoptr(Reply) en = ask_member(*state, "GET /v1/smtp/presets", "", NULL);
    assert_reply(de, 200, NULL);
    assert_int_equal(json_array_size(reply_at(de, "data")), 46); /* no sandbox in this fixture */
    const json_t *ionos = preset(de, "ionos");
    const json_t *limits = json_object_get(ionos, "limits");
    assert_int_equal(json_array_size(limits), 5);
    assert_non_null(strstr(text_of(json_array_get(limits, 0), "text"), "50 Mails je Stunde"));
    assert_string_equal(text_of(ionos, "kind"), "mailbox_hosting");
    assert_string_equal(text_of(ionos, "auth"), "password");
    assert_string_equal(text_of(ionos, "username_form"), "full_email");
    assert_true(g_str_has_prefix(text_of(ionos, "support_url"), "https://"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(ionos, "quota"), "per_hour")), 500);
    assert_true(json_is_true(json_object_get(json_object_get(ionos, "quota"), "is_sourced")));
    assert_non_null(strstr(text_of(json_object_get(ionos, "quota"), "note"), "30 Tage"));
    const json_t *strato = json_object_get(preset(de, "strato"), "quota");
    assert_true(json_is_false(json_object_get(strato, "is_sourced")));
    assert_true(json_is_null(json_object_get(strato, "note")));
    assert_int_equal(json_integer_value(json_object_get(strato, "max_connections")), 1);
    assert_true(json_is_null(json_object_get(json_object_get(ionos, "quota"), "max_connections")));
    assert_true(json_is_null(json_object_get(json_object_get(ionos, "quota"), "per_day")));
    assert_true(json_is_null(json_object_get(preset(de, "posteo"), "quota")));
    assert_string_not_equal(
        text_of(preset(de, "posteo"), "sender_rule"), text_of(preset(en, "posteo"), "sender_rule"));
}

static void presets_say_what_ends_when(void **state)
{
    g_autoptr(Reply) de = ask_member(*state, "GET /v1/smtp/presets", DE, NULL);
    const json_t *microsoft = preset(de, "microsoft365");
    const json_t *notice = json_array_get(json_object_get(microsoft, "notices"), 0);
    assert_string_equal(text_of(microsoft, "auth"), "oauth2_preferred");
    assert_string_equal(text_of(notice, "date"), "2026-12-31");
    assert_non_null(strstr(text_of(notice, "text"), "Anmeldung mit Passwort"));
    assert_true(strlen(text_of(notice, "source")) > 3);
    assert_string_equal(text_of(preset(de, "gmail"), "auth"), "app_password");
    assert_string_equal(text_of(preset(de, "sendgrid"), "auth"), "api_key");
    assert_string_equal(text_of(preset(de, "outlook_com"), "auth"), "oauth2_only");
    const json_t *end = json_array_get(json_object_get(microsoft, "ends"), 0);
    assert_string_equal(text_of(end, "what"), "password_login");
    assert_string_equal(text_of(end, "at"), "2026-12-31");
    assert_non_null(strstr(text_of(end, "text"), "OAuth2"));
    assert_int_equal(json_array_size(json_object_get(preset(de, "gmail"), "ends")), 0);
}

static void presets_say_how_to_sign_in_with_oauth2(void **state)
{
    g_autoptr(Reply) de = ask_member(*state, "GET /v1/smtp/presets", DE, NULL);
    const json_t *microsoft = json_object_get(preset(de, "microsoft365"), "oauth");
    const json_t *personal = json_object_get(preset(de, "outlook_com"), "oauth");
    const json_t *fastmail = json_object_get(preset(de, "fastmail"), "oauth");
    assert_string_equal(text_of(microsoft, "provider"), "microsoft");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(microsoft, "grants"), 0)), "certificate");
    assert_true(json_is_null(json_object_get(microsoft, "token_url")));
    assert_true(json_is_true(json_object_get(microsoft, "device_code")));
    assert_non_null(strstr(text_of(microsoft, "where"), "App-Registrierungen"));
    assert_string_equal(text_of(personal, "tenant"), "consumers");
    assert_string_equal(text_of(fastmail, "provider"), "generic");
    assert_string_equal(text_of(fastmail, "token_url"), "https://api.fastmail.com/oauth/refresh");
    assert_true(json_is_null(json_object_get(preset(de, "yahoo"), "oauth")));
}

/* --- Words of discovery ---------------------------------------------------------------------- */

static void every_outcome_has_its_words(void **state)
{
    static const DiscoveryState ends[] = {
        DISCOVERY_FOUND, DISCOVERY_NOTHING, DISCOVERY_FAILED, DISCOVERY_SKIPPED};
    for (guint source = 0; source < DISCOVERY_SOURCES; source++) {
        guint n = source == DISCOVERY_DOMAIN_TABLE ? 2 : 4; /* the table cannot fail */
        DiscoveryCandidate candidate = {.source = source, .evidence = (char *)"mx.firma.de"};
        g_autofree char *why_de = discovery_text_why(&candidate, "firma.de", LANGUAGE_DE);
        g_autofree char *why_en = discovery_text_why(&candidate, "firma.de", LANGUAGE_EN);
        assert_string_not_equal(why_de, why_en);
        assert_null(strchr(why_de, '{'));
        for (guint i = 0; i < n; i++) {
            g_autofree char *de =
                discovery_text_step(source, ends[i], "firma.de", NULL, LANGUAGE_DE);
            g_autofree char *en =
                discovery_text_step(source, ends[i], "firma.de", NULL, LANGUAGE_EN);
            assert_true(g_str_has_suffix(de, ".") && g_str_has_suffix(en, "."));
            assert_string_not_equal(de, en);
            assert_null(strchr(de, '{'));
        }
    }
}

static void a_filter_in_front_is_said_in_the_step_of_the_mx(void **state)
{
    g_autofree char *de = discovery_text_step(
        DISCOVERY_MX, DISCOVERY_NOTHING, "firma.de", "Hornetsecurity", LANGUAGE_DE);
    g_autofree char *en = discovery_text_step(
        DISCOVERY_MX, DISCOVERY_NOTHING, "firma.de", "Hornetsecurity", LANGUAGE_EN);
    assert_non_null(strstr(de, "Hornetsecurity"));
    assert_non_null(strstr(en, "Hornetsecurity"));
    assert_string_not_equal(de, en);
}

/* --- Discovery ------------------------------------------------------------------------------- */

static void a_known_address_is_filled_in(void **state)
{
    g_autoptr(Reply) reply =
        ask_member(*state, "GET /v1/smtp/discovery?email=noreply%40web.de", DE, NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "object"), "discovery");
    assert_string_equal(reply_text(reply, "email"), "noreply@web.de");
    assert_string_equal(reply_text(reply, "domain"), "web.de");
    assert_string_equal(reply_text(reply, "best.source"), "domain_table");
    assert_string_equal(reply_text(reply, "best.why"), "Adressen unter web.de liegen bei WEB.DE.");
    assert_string_equal(reply_text(reply, "best.preset"), "webde");
    assert_string_equal(reply_text(reply, "best.host"), "smtp.web.de");
    assert_int_equal(json_integer_value(reply_at(reply, "best.port")), 465);
    assert_string_equal(reply_text(reply, "best.security"), "implicit");
    assert_string_equal(reply_text(reply, "best.username"), "noreply");
    assert_string_equal(reply_text(reply, "best.confidence"), "high");
    assert_int_equal(json_array_size(reply_at(reply, "best.open")), 0);
    assert_true(json_equal(reply_at(reply, "best"), reply_at(reply, "candidates.0")));
    assert_int_equal(json_array_size(reply_at(reply, "steps")), DISCOVERY_SOURCES);
    assert_string_equal(reply_text(reply, "steps.0.state"), "found");
    assert_string_equal(reply_text(reply, "steps.1.state"), "skipped");
    assert_true(json_is_false(reply_at(reply, "can_ask_public_database")));
    assert_true(json_is_false(reply_at(reply, "is_personal_address")));
}

static void what_must_be_asked_is_named(void **state)
{
    g_autoptr(Reply) reply =
        ask_member(*state, "GET /v1/smtp/discovery?email=anna.meier@all-inkl.com", "", NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "best.preset"), "allinkl");
    assert_true(json_is_null(reply_at(reply, "best.host")));
    assert_string_equal(reply_text(reply, "best.open.0"), "host");
    assert_string_equal(reply_text(reply, "best.open.1"), "username");
    assert_string_equal(reply_text(reply, "best.confidence"), "medium");
    assert_true(json_is_true(reply_at(reply, "can_ask_public_database")));
    assert_true(json_is_true(reply_at(reply, "is_personal_address")));
}

static void without_a_dns_every_step_says_so(void **state)
{
    static const char *const words[] = {"nothing", "failed", "failed", "failed", "failed"};
    g_autoptr(Reply) reply = ask_member(*state,
        "GET /v1/smtp/discovery?email=info@m%C3%BCller.example&public_database=true", DE, NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "domain"), "xn--mller-kva.example");
    assert_true(json_is_null(reply_at(reply, "best")));
    assert_int_equal(json_array_size(reply_at(reply, "candidates")), 0);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *state_path = g_strdup_printf("steps.%u.state", i);
        g_autofree char *detail_path = g_strdup_printf("steps.%u.detail", i);
        assert_string_equal(reply_text(reply, state_path), words[i]);
        assert_true(g_str_has_suffix(reply_text(reply, detail_path), "."));
    }
    assert_true(json_is_false(reply_at(reply, "can_ask_public_database")));
}

static void the_query_is_checked(void **state)
{
    static const struct {
        const char *name, *query;
        int status;
    } rows[] = {
        {"no address", "", 400},
        {"an empty address", "?email=", 400},
        {"not an address", "?email=anna", 400},
        {"an address literal", "?email=anna@[192.0.2.1]", 400},
        {"a name beside it", "?email=Anna%20%3Canna@gmx.de%3E", 400},
        {"a line break", "?email=anna@gmx.de%0D%0A", 400},
        {"neither true nor false", "?email=anna@gmx.de&public_database=yes", 400},
        {"false", "?email=anna@gmx.de&public_database=false", 200},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line = g_strconcat("GET /v1/smtp/discovery", rows[i].query, NULL);
        g_autoptr(Reply) reply = ask_member(*state, line, DE, NULL);
        print_message("# %s\n", rows[i].name);
        assert_reply(reply, rows[i].status, rows[i].status == 400 ? "invalid_query" : NULL);
    }
}

static void discovery_needs_the_right_to_read_settings(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) anonymous = ask(self, "GET /v1/smtp/discovery?email=a@gmx.de", "", NULL);
    assert_reply(anonymous, 401, NULL);
    make_token(self, "[\"emails:send\"]");
    g_autoptr(Reply) other = ask_token(self, "GET /v1/smtp/discovery?email=a@gmx.de", "", NULL);
    assert_reply(other, 403, NULL);
    make_token(self, "[\"smtp:read\"]");
    g_autoptr(Reply) reader = ask_token(self, "GET /v1/smtp/discovery?email=a@gmx.de", "", NULL);
    assert_reply(reader, 200, NULL);
}

/* A GET, but the DNS and other houses' servers hear of it. */
static void a_page_of_another_site_cannot_make_us_ask(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {"", 200},
        {"Sec-Fetch-Site: same-origin\r\n", 200},
        {"Sec-Fetch-Site: none\r\n", 200},
        {"Sec-Fetch-Site: cross-site\r\n", 403},
        {"Sec-Fetch-Site: same-site\r\n", 403},
    };
    Fixture *self = *state;
    static const char line[] = "GET /v1/smtp/discovery?email=a@gmx.de&public_database=true";
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_member(self, line, rows[i].header, NULL);
        assert_reply(reply, rows[i].status, rows[i].status == 403 ? "csrf" : NULL);
    }
    make_token(self, "[\"smtp:read\"]"); /* which no browser sends by itself */
    g_autoptr(Reply) program = ask_token(self, line, "Sec-Fetch-Site: cross-site\r\n", NULL);
    assert_reply(program, 200, NULL);
}

#define SIGNED_UP(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SIGNED_UP(presets_tell_limits_rules_and_dates),
        SIGNED_UP(presets_say_what_ends_when),
        SIGNED_UP(presets_say_how_to_sign_in_with_oauth2),
        cmocka_unit_test(every_outcome_has_its_words),
        cmocka_unit_test(a_filter_in_front_is_said_in_the_step_of_the_mx),
        cmocka_unit_test(a_filter_in_front_is_said_in_the_step_of_the_mx),
        SIGNED_UP(a_known_address_is_filled_in),
        SIGNED_UP(what_must_be_asked_is_named),
        SIGNED_UP(without_a_dns_every_step_says_so),
        SIGNED_UP(the_query_is_checked),
        SIGNED_UP(discovery_needs_the_right_to_read_settings),
        SIGNED_UP(a_page_of_another_site_cannot_make_us_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
