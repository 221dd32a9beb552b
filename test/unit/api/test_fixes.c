/* Which clicks a diagnosis offers, with the real presets and the real catalogue. */
#include "api/actions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    ProviderList *providers;
    DiagnosisCatalogue *catalogue;
} World;

static char *read_data(const char *name, gsize *n)
{
    g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", name, NULL);
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, n, NULL));
    return text;
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);
    gsize n = 0;
    g_autofree char *providers = read_data("providers.json", &n);
    world->providers = provider_list_new(providers, n, NULL);
    g_autofree char *failures = read_data("failures.json", &n);
    world->catalogue = diagnosis_catalogue_new(failures, n, NULL);
    *state = world;
    return world->providers && world->catalogue ? 0 : -1;
}

static int tear_down(void **state)
{
    World *world = *state;
    provider_list_free(world->providers);
    diagnosis_catalogue_free(world->catalogue);
    g_free(world);
    return 0;
}

#define NOW G_GINT64_CONSTANT(1795000000000)

/* What was typed, and what the run saw. Members may be NULL or 0. */
typedef struct {
    const char *diagnosis, *host, *security;
    guint port;
    const char *username, *from_email, *mx;
    guint sibling_port;
    SiblingState sibling;
} Case;

static Verification *run_of(const Case *c)
{
    Verification *run = verification_new();
    run->state = VERIFICATION_FAILED;
    run->host = g_strdup(c->host);
    run->port = c->port;
    run->security = g_strdup(c->security);
    run->username = g_strdup(c->username);
    run->from_email = g_strdup(c->from_email);
    run->sender_mx = g_strdup(c->mx);
    run->sibling_port = c->sibling_port;
    run->sibling = c->sibling;
    return run;
}

static json_t *offers(const World *world, const Case *c, Language language)
{
    g_autoptr(Verification) run = run_of(c);
    const Diagnosis *diagnosis = diagnosis_by_id(world->catalogue, c->diagnosis);
    assert_non_null(diagnosis);
    const ActionFacts facts = {.providers = world->providers,
        .run = c->host ? run : NULL,
        .now = NOW,
        .language = language};
    return actions_json(diagnosis, &facts);
}

static json_t *find(json_t *actions, const char *code)
{
    size_t i;
    json_t *action;
    json_array_foreach(
        actions, i, action) if (strcmp(json_string_value(json_object_get(action, "code")), code) ==
                                0) return action;
    return NULL;
}

#define IONOS "smtp.ionos.de", "implicit", 465
#define GMAIL "smtp.gmail.com", "starttls", 587
#define ANNA "anna@verein.example"

static void each_click_has_its_values(void **state)
{
    static const struct {
        const char *name;
        Case tried;
        const char *code, *member, *value; /* value NULL: the click is not offered */
    } cases[] = {
        {"All-Inkl's own server, by the MX",
            {"tls_hostname_mismatch_allinkl", "smtp.all-inkl.com", "implicit", 465, "m0123456",
                ANNA, "w0123456.kasserver.com", 0, SIBLING_UNKNOWN},
            "use_right_host", "host", "w0123456.kasserver.com"},
        {"All-Inkl without an MX: only the account shows it",
            {"tls_hostname_mismatch_allinkl", "smtp.all-inkl.com", "implicit", 465, "m0123456",
                ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_right_host", "label", "Server Ihres Kontos eintragen (w0xxxxxx.kasserver.com)"},
        {"a server of one's own name, by the MX",
            {"tls_hostname_mismatch", "mail.verein.example", "implicit", 465, ANNA, ANNA,
                "w0123456.kasserver.com", 0, SIBLING_UNKNOWN},
            "use_right_host", "host", "w0123456.kasserver.com"},
        {"a misspelt server, by the MX",
            {"dns_host_not_found", "smtp.ionoss.de", "implicit", 465, ANNA, ANNA,
                "mx00.kundenserver.de", 0, SIBLING_UNKNOWN},
            "use_right_host", "host", "smtp.ionos.de"},
        {"a misspelt server, by the address",
            {"dns_host_not_found", "mail.gmx.nett", "implicit", 465, "anna@gmx.de", "anna@gmx.de",
                NULL, 0, SIBLING_UNKNOWN},
            "use_right_host", "host", "mail.gmx.net"},
        {"the right server needs no other",
            {"connect_refused", IONOS, ANNA, ANNA, "mx00.kundenserver.de", 0, SIBLING_UNKNOWN},
            "use_right_host", "host", NULL},
        {"what nobody knows is not proposed",
            {"tls_hostname_mismatch", "mail.verein.example", "implicit", 465, ANNA, ANNA,
                "mx.stranger.example", 0, SIBLING_UNKNOWN},
            "use_right_host", "host", NULL},
        {"the port that was found open",
            {"connect_timeout_port_465", IONOS, ANNA, ANNA, NULL, 587, SIBLING_OPEN},
            "use_sibling_port", "label", "Port 587 mit STARTTLS verwenden"},
        {"the port that was found shut",
            {"connect_refused", IONOS, ANNA, ANNA, NULL, 587, SIBLING_CLOSED}, "use_sibling_port",
            "label", NULL},
        {"the port that nobody looked at",
            {"encryption_needed_for_auth", GMAIL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_sibling_port", "label", "Port 465 mit SSL/TLS verwenden"},
        {"the address instead of a customer number",
            {"ionos_bad_credentials", IONOS, "12345678", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_address_as_username", "username", ANNA},
        {"not what was tried already",
            {"ionos_bad_credentials", IONOS, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_address_as_username", "username", NULL},
        {"the sandbox, whose user name is no address",
            {"auth_failed_generic", "localhost", "starttls", 2525, "sandbox", ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "use_address_as_username", "username", NULL},
        {"the sandbox by its wrong name",
            {"auth_failed_generic", "mail.localhost", "starttls", 2525, "sandbox", ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "use_address_as_username", "username", NULL},
        {"the sandbox when it plays a provider, whose user name is one",
            {"auth_failed_generic", "localhost", "starttls", 2525, "chef@ionos.example",
                "info@ionos.example", NULL, 0, SIBLING_UNKNOWN},
            "use_address_as_username", "username", "info@ionos.example"},
        {"a login that only the provider knows",
            {"auth_failed_exim", "w0123456.kasserver.com", "implicit", 465, ANNA, ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "use_mailbox_login", "label", "Login des Postfachs eintragen (m0xxxxxx)"},
        {"the sender that may send",
            {"sender_not_owned", IONOS, "bert@verein.example", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_from_of_login", "from_email", "bert@verein.example"},
        {"no sender can be made of a login name",
            {"sender_not_owned", "w0123456.kasserver.com", "implicit", 465, "m0123456", ANNA, NULL,
                0, SIBLING_UNKNOWN},
            "use_from_of_login", "from_email", NULL},
        {"Google's page for app passwords",
            {"gmail_app_password_required", GMAIL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_app_password", "url", "https://myaccount.google.com/apppasswords"},
        {"and by its short name",
            {"gmail_app_password_required", GMAIL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_app_password", "label", "App-Passwort bei Gmail erzeugen"},
        {"no page of a provider that is not known",
            {"app_password_required_generic", "mail.verein.example", "implicit", 465, ANNA, ANNA,
                NULL, 0, SIBLING_UNKNOWN},
            "open_app_password", "url", NULL},
        {"one page is not offered under two names: where there are no app passwords it is the help",
            {"auth_failed_generic", IONOS, "anna", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_app_password", "url", NULL},
        {"and there it is", {"auth_failed_generic", IONOS, "anna", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_support", "url", "https://www.ionos.de/hilfe/e-mail/"},
        {"where there may be some it is theirs",
            {"auth_failed_generic", "smtp.mailbox.org", "implicit", 465, "anna", ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "open_app_password", "url", "https://kb.mailbox.org/"},
        {"and not the help's",
            {"auth_failed_generic", "smtp.mailbox.org", "implicit", 465, "anna", ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "open_support", "url", NULL},
        {"the domain of the sender", {"dmarc_reject", IONOS, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_domain_card", "label", "Domain verein.example prüfen"},
        {"the clock with its time",
            {"tls_certificate_not_yet_valid", IONOS, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "check_clock", "label",
            "Uhr dieses Rechners prüfen (sie zeigt 18. November 2026 um 11:06 Uhr (UTC))"},
        {"nothing to change where nothing is known", {.diagnosis = "connect_refused"},
            "use_sibling_port", "label", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *actions = offers(*state, &cases[i].tried, LANGUAGE_DE);
        json_t *action = find(actions, cases[i].code);
        const char *value = json_string_value(json_object_get(action, cases[i].member));
        if (g_strcmp0(value, cases[i].value) != 0)
            fail_msg("%s: %s", cases[i].name, value ? value : "nothing");
        json_decref(actions);
    }
}

static void the_clock_is_held_against_the_certificate(void **state)
{
    static const struct {
        WallMs not_before, not_after;
        const char *label;
    } cases[] = {
        {NOW + CLOCK_DAY_MS, NOW + 90 * CLOCK_DAY_MS,
            "Check this machine's clock (it says 18 November 2026 at 11:06 (UTC); the certificate "
            "is valid from 19 November 2026 at 11:06 (UTC))"},
        {NOW - 90 * CLOCK_DAY_MS, NOW - CLOCK_DAY_MS,
            "Check this machine's clock (it says 18 November 2026 at 11:06 (UTC); the certificate "
            "was valid until 17 November 2026 at 11:06 (UTC))"},
        {NOW - CLOCK_DAY_MS, NOW + CLOCK_DAY_MS,
            "Check this machine's clock (it says 18 November 2026 at 11:06 (UTC))"},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Verification) run = verification_new();
        run->certificate_not_before = cases[i].not_before;
        run->certificate_not_after = cases[i].not_after;
        const ActionFacts facts = {.providers = world->providers, .run = run, .now = NOW};
        json_t *actions = actions_json(
            diagnosis_by_id(world->catalogue, "tls_certificate_not_yet_valid"), &facts);
        json_t *label = json_object_get(find(actions, "check_clock"), "label");
        assert_string_equal(json_string_value(label), cases[i].label);
        json_decref(actions);
    }
}

static void another_server_comes_with_its_port(void **state)
{
    const Case tried = {"tls_hostname_mismatch_allinkl", "smtp.all-inkl.com", "starttls", 587,
        "m0123456", ANNA, "w0123456.kasserver.com", 0, SIBLING_UNKNOWN};
    json_t *actions = offers(*state, &tried, LANGUAGE_EN);
    json_t *action = find(actions, "use_right_host");
    assert_int_equal(json_integer_value(json_object_get(action, "port")), 465);
    assert_string_equal(json_string_value(json_object_get(action, "security")), "implicit");
    json_decref(actions);
}

static void what_was_found_open_comes_first(void **state)
{
    const Case tried = {
        "connection_reset", IONOS, ANNA, ANNA, NULL, 587, SIBLING_OPEN}; /* row: retry first */
    json_t *actions = offers(*state, &tried, LANGUAGE_EN);
    json_t *first = json_array_get(actions, 0);
    assert_string_equal(json_string_value(json_object_get(first, "code")), "use_sibling_port");
    assert_ptr_equal(find(actions, "use_sibling_port"), first);
    json_array_remove(actions, 0);
    assert_null(find(actions, "use_sibling_port")); /* once */
    json_decref(actions);
}

/* What is offered first is the button that stands out, and its field gets the frame. */
static void a_login_of_the_right_form_leaves_the_password_to_doubt(void **state)
{
#define ALLINKL "w0123456.kasserver.com", "implicit", 465
    static const struct {
        const char *name;
        Case tried;
        const char *first;
    } cases[] = {
        {"ALL-INKL, by the address",
            {"auth_failed_generic", ALLINKL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"ALL-INKL, by the login of the mailbox",
            {"auth_failed_generic", ALLINKL, "m0123456", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"ALL-INKL, by the login of the customer area",
            {"auth_failed_generic", ALLINKL, "w0123456", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_address_as_username"},
        {"ALL-INKL, another reply",
            {"auth_failed_exim", ALLINKL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"ALL-INKL as the sandbox plays it",
            {"auth_failed_generic", "localhost", "starttls", 2525, "info@allinkl.example",
                "info@allinkl.example", NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"IONOS, by an address",
            {"auth_failed_generic", IONOS, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"IONOS, by an address that is not the sender's",
            {"ionos_bad_credentials", IONOS, "bert@verein.example", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "enter_password_again"},
        {"IONOS, by the customer number",
            {"auth_failed_generic", IONOS, "12345678", ANNA, NULL, 0, SIBLING_UNKNOWN},
            "use_address_as_username"},
        {"STRATO, by the address",
            {"auth_failed_generic", "smtp.strato.de", "implicit", 465, ANNA, ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "enter_password_again"},
        {"STRATO, which asks for an app password all the same",
            {"app_password_required_generic", "smtp.strato.de", "implicit", 465, ANNA, ANNA, NULL,
                0, SIBLING_UNKNOWN},
            "open_app_password"},
        {"Host Europe, whose logins are no addresses",
            {"auth_failed_generic", "wp1234.mailout.server-he.de", "implicit", 465, ANNA, ANNA,
                NULL, 0, SIBLING_UNKNOWN},
            "use_mailbox_login"},
        {"Gmail, which takes app passwords alone",
            {"auth_failed_generic", GMAIL, ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN},
            "open_app_password"},
        {"mailbox.org, which may want one",
            {"auth_failed_generic", "smtp.mailbox.org", "implicit", 465, ANNA, ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "open_app_password"},
        {"a server that nobody knows",
            {"auth_failed_generic", "mail.verein.example", "implicit", 465, "anna", ANNA, NULL, 0,
                SIBLING_UNKNOWN},
            "use_address_as_username"},
        {"no login: another server",
            {"relay_access_denied_noauth", "w0123456.kasserver.com", "implicit", 465, ANNA, ANNA,
                "mx00.kundenserver.de", 0, SIBLING_UNKNOWN},
            "use_right_host"},
    };
#undef ALLINKL
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *actions = offers(*state, &cases[i].tried, LANGUAGE_DE);
        const char *first = json_string_value(json_object_get(json_array_get(actions, 0), "code"));
        if (g_strcmp0(first, cases[i].first) != 0)
            fail_msg("%s: %s", cases[i].name, first ? first : "nothing");
        json_array_remove(actions, 0);
        assert_null(find(actions, cases[i].first)); /* once */
        json_decref(actions);
    }
}

static void the_text_for_the_administrator_names_the_server_and_no_login(void **state)
{
    const Case tried = {
        "connect_timeout", IONOS, "geheim@verein.example", ANNA, NULL, 587, SIBLING_CLOSED};
    json_t *actions = offers(*state, &tried, LANGUAGE_DE);
    const char *text = json_string_value(json_object_get(find(actions, "ask_operator"), "text"));
    assert_non_null(strstr(text, "smtp.ionos.de:465"));
    assert_non_null(strstr(text, "connect_timeout"));
    assert_null(strstr(text, "geheim"));
    json_decref(actions);
}

static void a_command_can_be_copied_without_a_full_stop(void **state)
{
    const Case tried = {"m365_smtp_auth_disabled_tenant", "smtp.office365.com", "starttls", 587,
        ANNA, ANNA, NULL, 0, SIBLING_UNKNOWN};
    for (guint language = 0; language < LANGUAGE_COUNT; language++) {
        json_t *actions = offers(*state, &tried, (Language)language);
        json_t *text = json_object_get(find(actions, "ask_operator"), "text");
        assert_non_null(
            strstr(json_string_value(text), "-SmtpClientAuthenticationDisabled $false "));
        json_decref(actions);
    }
}

/* Whose addresses are known has no field for them, and only Microsoft has tenants. */
static void only_what_has_a_field_is_to_be_checked(void **state)
{
    static const struct {
        const char *name, *host;
        guint provider; /* an OauthProvider of the settings; 0: none is chosen */
        gboolean url, tenant;
    } cases[] = {
        {"Microsoft 365", "smtp.office365.com", 0, FALSE, TRUE},
        {"Outlook.com, whose tenant is known", "smtp-mail.outlook.com", 0, FALSE, FALSE},
        {"Google", "smtp.gmail.com", 0, FALSE, FALSE},
        {"a provider that names its addresses", "smtp.fastmail.com", 0, TRUE, FALSE},
        {"a server that nobody knows", "mail.verein.example", 0, TRUE, TRUE},
        {"a relay of one's own, with Microsoft's tokens", "mail.verein.example", OAUTH_MICROSOFT,
            FALSE, TRUE},
        {"a relay of one's own, with Google's", "mail.verein.example", OAUTH_GOOGLE, FALSE, FALSE},
        {"a relay and a server of one's own", "mail.verein.example", OAUTH_GENERIC, TRUE, FALSE},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SmtpSettings) settings = settings_new();
        settings->host = g_strdup(cases[i].host);
        settings->oauth.provider = cases[i].provider;
        const ActionFacts facts = {.providers = world->providers, .settings = settings, .now = NOW};
        json_t *actions =
            actions_json(diagnosis_by_id(world->catalogue, "oauth_wrong_url"), &facts);
        if ((find(actions, "enter_token_url") != NULL) != cases[i].url ||
            (find(actions, "enter_tenant") != NULL) != cases[i].tenant)
            fail_msg("%s", cases[i].name);
        json_decref(actions);
    }
}

/* A server with which every code of the row makes sense. */
static const char *host_for(const char *id)
{
    static const char *const about_addresses[] = {
        "oauth_server_not_found", "oauth_wrong_url", NULL};
    if (g_strv_contains(about_addresses, id))
        return "mail.verein.example";
    return g_str_has_prefix(id, "oauth_") ? "smtp.office365.com" : "smtp.all-inkl.com";
}

/* Every code of every row leads to something in both languages, given enough to work with. */
static void no_row_has_a_code_without_a_click(void **state)
{
    static const char *const codes[] = {"use_sibling_port", "use_right_host",
        "use_address_as_username", "use_mailbox_login", "use_from_of_login", "open_app_password",
        "open_support", "open_domain_card", "enter_password_again", "use_oauth2", "sign_in_again",
        "enter_oauth_secret", "enter_client_id", "enter_tenant", "enter_scope", "enter_token_url",
        "open_oauth_console", "check_clock", "retry_later", "ask_operator", NULL};
    const World *world = *state;
    gsize n = 0, i;
    g_autofree char *text = read_data("failures.json", &n);
    json_t *root = json_loadb(text, n, 0, NULL), *row;
    json_array_foreach(json_object_get(root, "failures"), i, row)
    {
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *host = host_for(id);
        const Case tried = {id, host, "implicit", 465, "bert@verein.example", ANNA,
            "w0123456.kasserver.com", 587, SIBLING_OPEN};
        for (guint language = 0; language < LANGUAGE_COUNT; language++) {
            json_t *actions = offers(world, &tried, (Language)language), *code;
            size_t k;
            json_array_foreach(json_object_get(row, "actions"), k, code)
            {
                const char *name = json_string_value(code);
                json_t *action = find(actions, name);
                if (!g_strv_contains(codes, name) || !action)
                    fail_msg("%s: %s", tried.diagnosis, name);
                assert_null(strchr(json_string_value(json_object_get(action, "label")), '%'));
            }
            json_decref(actions);
        }
    }
    json_decref(root);
}

/* --- Somebody else -----------------------------------------------------------------------------
 */

static void add_line(Verification *run, gboolean from_client, const char *text)
{
    VerificationLine *line = g_new0(VerificationLine, 1);
    *line = (VerificationLine){from_client, g_strdup(text)};
    g_ptr_array_add(run->lines, line);
}

static void who_answered_instead_is_named(void **unused)
{
    static const struct {
        const char *name, *phase, *host, *greeting, *names, *got;
    } cases[] = {
        {"a firewall greets", "starttls", "smtp.ionos.de", "220 fw.hotel.example ESMTP", NULL,
            "fw.hotel.example"},
        {"a neighbour greets", "starttls", "smtp.gmail.com", "220 mx.gmail.com ESMTP", NULL, NULL},
        {"the certificate of another", "certificate", "smtp.all-inkl.com", "220 x.all-inkl.com",
            "*.kasserver.com, kasserver.com", "*.kasserver.com"},
        {"its own certificate, expired", "certificate", "smtp.ionos.de", NULL, "smtp.ionos.de",
            NULL},
        {"no name in the greeting", "ehlo", "smtp.ionos.de", "220 ready", NULL, NULL},
        {"no greeting but a refusal", "greeting", "smtp.ionos.de", "554 fw.hotel.example", NULL,
            NULL},
        {"after the login it does not matter", "auth", "smtp.ionos.de", "220 fw.hotel.example",
            "fw.hotel.example", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Verification) run = verification_new();
        run->state = VERIFICATION_FAILED;
        run->host = g_strdup(cases[i].host);
        run->diagnosis_phase = g_strdup(cases[i].phase);
        run->certificate_names = g_strdup(cases[i].names);
        if (cases[i].greeting)
            add_line(run, FALSE, cases[i].greeting);
        add_line(run, TRUE, "EHLO client.example");
        add_line(run, FALSE, "220 later.example");
        json_t *json = actions_connected_to_json(run);
        const char *got = json_string_value(json_object_get(json, "got"));
        if (g_strcmp0(got, cases[i].got) != 0)
            fail_msg("%s: %s", cases[i].name, got ? got : "nobody");
        json_decref(json);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_click_has_its_values),
        cmocka_unit_test(the_clock_is_held_against_the_certificate),
        cmocka_unit_test(another_server_comes_with_its_port),
        cmocka_unit_test(what_was_found_open_comes_first),
        cmocka_unit_test(a_login_of_the_right_form_leaves_the_password_to_doubt),
        cmocka_unit_test(the_text_for_the_administrator_names_the_server_and_no_login),
        cmocka_unit_test(a_command_can_be_copied_without_a_full_stop),
        cmocka_unit_test(only_what_has_a_field_is_to_be_checked),
        cmocka_unit_test(no_row_has_a_code_without_a_click),
        cmocka_unit_test(who_answered_instead_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
