#include "cli/format.h"
#include "cli/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *name;
    char *(*format)(const json_t *json);
    const char *language, *json, *expected;
} Row;

#define DIAGNOSIS                                                                                 \
    "{\"id\":\"auth_failed_generic\",\"phase\":\"auth\",\"reply\":\"535 5.7.8 no\",\"enhanced\":" \
    "\"5.7.8\",\"meaning\":\"The login is wrong.\",\"fix\":\"Type it again.\",\"actions\":[]}"

static const Row rows[] = {
    {"a fresh organisation", format_status, "en",
        "{\"setup\":\"not_configured\",\"missing\":[],\"sending_with\":null,\"sending\":{"
        "\"enabled\":false,\"reason\":\"initial\",\"until\":null,\"changed_by\":null,"
        "\"changed_at\":null},\"health\":{\"state\":\"unknown\",\"diagnosis\":null},"
        "\"waiting\":{\"held\":0,\"queued\":0}}",
        "Setup:             not configured\n"
        "Sending:           off, never switched on yet\n"
        "Waiting:           nothing\n"
        "Health:            nothing sent yet\n"},
    {"everything at once", format_status, "de",
        "{\"setup\":\"incomplete\",\"missing\":[\"host\",\"password\"],\"sending_with\":{\"host\":"
        "\"smtp.example.com\",\"port\":587,\"from_email\":\"mail@example.com\",\"since\":"
        "\"2026-11-21T17:52:00Z\"},\"sending\":{\"enabled\":true,\"reason\":null,\"changed_by\":"
        "\"Anna\",\"changed_at\":\"2026-11-21T17:52:00Z\"},\"health\":{\"state\":"
        "\"credential_fault\",\"diagnosis\":" DIAGNOSIS "},\"last_verification\":{\"state\":"
        "\"failed\",\"started_at\":\"2026-11-21T17:52:00Z\",\"diagnosis\":null},\"waiting\":{"
        "\"held\":2,\"queued\":3,\"deferred\":0}}",
        "Einrichtung:       in Arbeit\n"
        "Es fehlt noch:     SMTP-Server, Passwort\n"
        "Gesendet wird mit: smtp.example.com:587, Absender mail@example.com, seit 21.11.2026 "
        "17:52\n"
        "Versand:           eingeschaltet, seit 21.11.2026 17:52, durch Anna\n"
        "Wartend:           3 in der Warteschlange, 2 zurückgehalten\n"
        "Zustand:           der Anbieter lehnt die Anmeldung ab\n"
        "  Was es heißt: The login is wrong.\n"
        "  Was hilft: Type it again.\n"
        "  Der Server sagte: 535 5.7.8 no\n"
        "  Diagnose: auth_failed_generic\n"
        "Letzte Prüfung:    fehlgeschlagen, 21.11.2026 17:52\n"},
    {"keys", format_keys, "de",
        "{\"source\":\"file\",\"data\":[{\"id\":\"0a0b\",\"state\":\"active\",\"created_at\":"
        "\"2026-11-21T17:52:00Z\",\"sealed\":12},{\"id\":\"0c0d\",\"state\":\"retiring\","
        "\"created_at\":null,\"sealed\":0}]}",
        "0a0b\n"
        "Status:            in Gebrauch\n"
        "Erzeugt:           21.11.2026\n"
        "Werte:             12\n"
        "\n"
        "0c0d\n"
        "Status:            wird nicht mehr gebraucht: „absender key retire“ entfernt ihn\n"
        "Erzeugt:           nicht bekannt\n"
        "Werte:             0\n"},
    {"a key that is being replaced", format_keys, "de",
        "{\"source\":\"file\",\"data\":[{\"id\":\"0c0d\",\"state\":\"retiring\","
        "\"created_at\":null,\"sealed\":3}]}",
        "0c0d\n"
        "Status:            kann gehen, sobald nichts mehr mit ihm versiegelt ist\n"
        "Erzeugt:           nicht bekannt\n"
        "Werte:             3\n"},
    {"a key from systemd", format_keys, "en",
        "{\"source\":\"credential\",\"data\":[{\"id\":\"0a0b\",\"state\":\"ready\",\"sealed\":0}]}",
        "0a0b\n"
        "State:             ready to be activated\n"
        "Made:              not known\n"
        "Values:            0\n"
        "\n"
        "The keys come from a systemd credential.\n"},
    {"dates to mind", format_status, "de",
        "{\"setup\":\"complete\",\"sending\":{\"enabled\":true},\"dates\":[{\"code\":"
        "\"client_secret\",\"name\":\"smtp.example.com\",\"at\":\"2026-11-20T00:00:00Z\",\"text\":"
        "\"Das Secret endet.\",\"days_left\":-1,\"reminder\":0},{\"name\":\"Shop\",\"at\":"
        "\"2026-11-22T00:00:00Z\",\"text\":\"Ein Token endet.\",\"days_left\":0,\"reminder\":1},{"
        "\"name\":\"P\",\"at\":\"2026-12-31T12:00:00Z\",\"text\":\"Es ändert sich "
        "etwas.\",\"days_left\":39,\"reminder\":null}]}",
        "Einrichtung:       abgeschlossen\n"
        "Versand:           eingeschaltet\n"
        "Wartend:           nichts\n"
        "Termine:           ! 20.11.2026, vorbei: smtp.example.com: Das Secret endet.\n"
        "                   ! 22.11.2026, binnen eines Tages: Shop: Ein Token endet.\n"
        "                   31.12.2026, in 39 Tagen: P: Es ändert sich etwas.\n"},
    {"what OAuth2 still needs", format_status, "en",
        "{\"setup\":\"incomplete\",\"missing\":[\"oauth/client_id\",\"oauth/refresh_token\"]}",
        "Setup:             in progress\n"
        "Still missing:     client id, sign-in at the provider\n"
        "Sending:           off\n"
        "Waiting:           nothing\n"},
    {"an empty object", format_status, "en", "{}",
        "Setup:             unknown\n"
        "Sending:           off\n"
        "Waiting:           nothing\n"},
    {"a draft that failed while mail goes on", format_status, "de",
        "{\"setup\":\"failed\",\"sending_with\":{\"host\":\"smtp.example.com\"},\"waiting\":{"
        "\"deferred\":1,\"uncertain\":2}}",
        "Einrichtung:       fehlgeschlagen\n"
        "  Neue Einstellungen noch nicht übernommen (letzte Prüfung fehlgeschlagen)\n"
        "Gesendet wird mit: smtp.example.com\n"
        "Versand:           ausgeschaltet\n"
        "Wartend:           1 wird wiederholt, 2 unklar\n"},
    {"a first draft that failed", format_status, "en", "{\"setup\":\"failed\"}",
        "Setup:             failed\n"
        "Sending:           off\n"
        "Waiting:           nothing\n"},
    {"held by the quota", format_status, "de",
        "{\"setup\":\"complete\",\"sending\":{\"enabled\":true},\"waiting\":{\"held\":3},"
        "\"held_reason\":\"quota\",\"quota\":{\"per_minute\":null,\"per_hour\":{\"limit\":20,"
        "\"used\":"
        "20,\"free_at\":\"2026-11-21T14:05:00Z\"},\"per_day\":{\"limit\":200,\"used\":200,\"free_"
        "at\":"
        "\"2026-11-22T09:10:00Z\"}}}",
        "Einrichtung:       abgeschlossen\n"
        "Versand:           eingeschaltet\n"
        "Wartend:           3 zurückgehalten\n"
        "Zurückgehalten:    das Kontingent ist ausgeschöpft\n"
        "Kontingent:        20 von 20 in dieser Stunde, wieder Platz um 14:05\n"
        "                   200 von 200 in 24 Stunden, wieder Platz am 22.11.2026 09:10\n"},
    {"a quota with room", format_status, "en",
        "{\"setup\":\"complete\",\"sending\":{\"enabled\":true},\"held_reason\":null,\"quota\":{"
        "\"per_minute\":{\"limit\":60,\"used\":8,\"free_at\":null}}}",
        "Setup:             complete\n"
        "Sending:           on\n"
        "Waiting:           nothing\n"
        "Quota:             8 of 60 this minute\n"},
    {"held by a refused login, with a try left", format_status, "de",
        "{\"setup\":\"complete\",\"sending\":{\"enabled\":true},\"waiting\":{\"held\":2},"
        "\"held_reason\":\"credential_fault\",\"breaker\":{\"next_try_at\":\"2026-11-21T14:05:"
        "00Z\","
        "\"tries_left\":1}}",
        "Einrichtung:       abgeschlossen\n"
        "Versand:           eingeschaltet\n"
        "Wartend:           2 zurückgehalten\n"
        "Zurückgehalten:    der Anbieter lehnt die Anmeldung ab\n"
        "Anmeldeversuche:   noch einer, automatisch am 21.11.2026 14:05\n"},
    {"held by a refused login while sending is off", format_status, "en",
        "{\"setup\":\"complete\",\"waiting\":{\"held\":2},\"held_reason\":\"paused\",\"breaker\":{"
        "\"next_try_at\":\"2026-11-21T14:05:00Z\",\"tries_left\":1}}",
        "Setup:             complete\n"
        "Sending:           off\n"
        "Waiting:           2 held back\n"
        "Held back:         sending is off\n"
        "Login tries:       one left, made on 2026-11-21 14:05 if sending is on by then\n"},
    {"held by a refused login for good", format_status, "en",
        "{\"setup\":\"complete\",\"sending\":{\"enabled\":true},\"waiting\":{\"held\":2},"
        "\"held_reason\":\"credential_fault\",\"breaker\":{\"next_try_at\":null,\"tries_left\":0}}",
        "Setup:             complete\n"
        "Sending:           on\n"
        "Waiting:           2 held back\n"
        "Held back:         the provider refuses the login\n"
        "Login tries:       none left: check the password with \"absender check\"\n"},
    {"switched by a command", format_sending, "de",
        "{\"sending\":{\"enabled\":true,\"changed_by\":\"operator\"}}",
        "Versand:           eingeschaltet, durch Betreiber (Kommandozeile)\n"
        "Wartend:           nichts\n"},
    {"a pause with its reason", format_sending, "en",
        "{\"sending\":{\"enabled\":false,\"reason\":\"moving\",\"until\":\"2026-12-24T18:00:00Z\"},"
        "\"waiting\":{\"held\":1}}",
        "Sending:           off (moving), until 2026-12-24 18:00\n"
        "Waiting:           1 held back\n"},
    {"a rung that passed", format_phase, "de",
        "{\"name\":\"certificate\",\"state\":\"passed\",\"ms\":12,\"detail\":\"example.com\"}",
        "  ✓ Zertifikat prüfen                  12 ms  example.com\n"},
    {"a rung that failed", format_phase, "en",
        "{\"name\":\"auth\",\"state\":\"failed\",\"ms\":210,\"detail\":null}",
        "  ✗ Log in                            210 ms\n"},
    {"a rung that met an address nobody answers at", format_phase, "de",
        "{\"name\":\"connect\",\"state\":\"passed\",\"ms\":1,\"detail\":\"127.0.0.1 (::1: "
        "ECONNREFUSED)\"}",
        "  ✓ Verbinden                           1 ms  127.0.0.1 (::1 antwortet nicht)\n"},
    {"a rung that met two", format_phase, "en",
        "{\"name\":\"connect\",\"state\":\"passed\",\"ms\":1,\"detail\":\"192.0.2.1 (2001:db8::1: "
        "ETIMEDOUT, 192.0.2.9: EHOSTUNREACH)\"}",
        "  ✓ Connect                             1 ms  192.0.2.1 (2001:db8::1 does not answer, "
        "192.0.2.9 does "
        "not answer)\n"},
    {"a rung with one address", format_phase, "en",
        "{\"name\":\"connect\",\"state\":\"passed\",\"ms\":1,\"detail\":\"192.0.2.1\"}",
        "  ✓ Connect                             1 ms  192.0.2.1\n"},
    {"a rung with odd brackets", format_phase, "en",
        "{\"name\":\"connect\",\"state\":\"failed\",\"ms\":1,\"detail\":\"a (b)\"}",
        "  ✗ Connect                             1 ms  a (b)\n"},
    {"a rung that was left out", format_phase, "en", "{\"name\":\"sender\",\"state\":\"skipped\"}",
        "  – Sender accepted               \n"},
    {"what is checked", format_verification_start, "en",
        "{\"settings\":{\"host\":\"smtp.example.com\",\"port\":465,\"security\":\"implicit\","
        "\"username\":\"mail@example.com\"}}",
        "Checking smtp.example.com:465 (TLS from the start) as mail@example.com\n"},
    {"passed and active", format_verification_end, "en",
        "{\"state\":\"passed\",\"activated\":true,\"diagnosis\":null,\"server\":{\"tls\":{"
        "\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\"},\"certificate\":{"
        "\"subject\":\"CN=smtp.example.com\",\"not_after\":\"2027-01-02T03:04:05Z\"}}}",
        "\n✓ The settings work.\n"
        "  TLSv1.3, TLS_AES_256_GCM_SHA384\n"
        "  certificate of CN=smtp.example.com, valid until 2027-01-02 03:04\n"
        "  Mail is sent with them from now on.\n"},
    {"passed, not active", format_verification_end, "en",
        "{\"state\":\"passed\",\"activated\":false}",
        "\n✓ The settings work.\n  They are not active; --activate makes them so.\n"},
    {"passed, in force", format_check_in_force, "de", "{\"state\":\"passed\",\"activated\":false}",
        "\n✓ Die Einstellungen funktionieren.\n  Das sind die geltenden Einstellungen.\n"},
    {"failed, in force", format_check_in_force, "en", "{\"state\":\"failed\"}",
        "\n✗ The settings in force do not work.\n"},
    {"failed", format_verification_end, "en", "{\"state\":\"failed\",\"diagnosis\":" DIAGNOSIS "}",
        "\n✗ The settings do not work. What is active stays as it was.\n"
        "  What it means: The login is wrong.\n"
        "  What helps: Type it again.\n"
        "  The server said: 535 5.7.8 no\n"
        "  Diagnosis: auth_failed_generic\n"},
    {"cancelled", format_verification_end, "de", "{\"state\":\"cancelled\"}",
        "\n– Die Prüfung wurde abgebrochen.\n"},
    {"a transcript", format_transcript, "en",
        "{\"transcript\":[{\"from\":\"server\",\"text\":\"220 hello\"},{\"from\":\"client\","
        "\"text\":\"EHLO x\"},{}]}",
        "\n  < 220 hello\n  > EHLO x\n  < \n"},
    {"a problem with fields", format_problem, "en",
        "{\"title\":\"Invalid settings\",\"detail\":\"Two fields are wrong.\",\"errors\":[{"
        "\"pointer\":\"/settings/host\",\"code\":\"required\",\"detail\":\"is missing\"}]}",
        "✗ Invalid settings\n  --host: is missing\n"},
    {"a problem with every kind of pointer", format_problem, "en",
        "{\"title\":\"No\",\"errors\":[{\"pointer\":\"/scopes/0\",\"detail\":\"a\"},{\"pointer\":"
        "\"/until\",\"detail\":\"b\"},{\"pointer\":\"/from\",\"detail\":\"c\"},{\"pointer\":"
        "\"/settings/from_email\",\"detail\":\"d\"},{\"pointer\":\"/attachments/1/content\","
        "\"detail\":\"e\"},{\"pointer\":\"/fromage\",\"detail\":\"f\"}]}",
        "✗ No\n  --scope: a\n  --until: b\n  --from: c\n  --from: d\n  --attach: e\n"
        "  /fromage: f\n"},
    {"a problem of the whole document", format_problem, "en",
        "{\"title\":\"No.\",\"detail\":\"It is too large.\",\"errors\":[{\"pointer\":\"\","
        "\"code\":\"too_large\",\"detail\":\"It is too large.\"}]}",
        "✗ No.\n  It is too large.\n"},
    {"a problem in a sentence", format_problem, "en",
        "{\"title\":\"No.\",\"detail\":\"The server is stopping.\"}",
        "✗ No. The server is stopping.\n"},
    {"a problem whose detail begins with its title", format_problem, "en",
        "{\"title\":\"It is not there.\",\"detail\":\"It is not there: look elsewhere.\"}",
        "✗ It is not there: look elsewhere.\n"},
    {"a problem in a word", format_problem, "en",
        "{\"title\":\"No\",\"detail\":\"The server is stopping.\"}",
        "✗ No: The server is stopping.\n"},
    {"a problem in Resend's form", format_problem, "en",
        "{\"statusCode\":422,\"name\":\"validation_error\",\"message\":\"to is missing\"}",
        "✗ to is missing\n"},
    {"a problem with a diagnosis", format_problem, "en",
        "{\"title\":\"Refused\",\"detail\":\"Refused\",\"diagnosis\":" DIAGNOSIS "}",
        "✗ Refused\n"
        "  What it means: The login is wrong.\n"
        "  What helps: Type it again.\n"
        "  The server said: 535 5.7.8 no\n"
        "  Diagnosis: auth_failed_generic\n"},
    {"a problem that says nothing", format_problem, "en", "[]", "✗ The service refused.\n"},
    {"an email", format_email, "de", "{\"id\":\"em_0193\",\"state\":\"held\"}",
        "✓ em_0193: zurückgehalten\n"},
    {"an email in a state nobody knows", format_email, "en", "{\"id\":\"em_1\",\"state\":\"new\"}",
        "✓ em_1\n"},
};

static void mebibytes_have_the_decimal_mark_of_the_language(void **state)
{
    words_choose_language("de");
    g_autofree char *german = format_mib(1468006);
    assert_string_equal(german, "1,4");
    words_choose_language("en");
    g_autofree char *english = format_mib(1468006);
    assert_string_equal(english, "1.4");
}

/* An audit event says what a diagnosis means and not its id, and which machine "local" is. */
static void an_audit_event_is_told_in_words(void **state)
{
    words_choose_language("de");
    json_t *list =
        json_loads("{\"data\":[{\"actor\":\"operator\",\"text\":\"SMTP-Einstellungen geprüft\","
                   "\"detail\":\"dns_host_not_found\",\"meaning\":\"Den Server gibt es nicht.\","
                   "\"client\":\"local\"}]}",
            0, NULL);
    g_autofree char *text = format_audit(list);
    json_decref(list);
    assert_string_equal(text, "  Betreiber (Kommandozeile)  SMTP-Einstellungen geprüft (Den Server "
                              "gibt es nicht.)  dieser Rechner\n");
    words_choose_language("en");
}

/* The API's own words are translated; what may be a name somebody chose is not. */
static void an_audit_event_names_who_and_what_in_the_language(void **state)
{
    static const struct {
        const char *language, *event, *expected;
    } cases[] = {
        {"de", "\"actor\":\"operator\",\"action\":\"smtp.verified\",\"detail\":\"passed\"",
            "  Betreiber (Kommandozeile)  x (bestanden)\n"},
        {"en", "\"actor\":\"operator\",\"action\":\"smtp.verified\",\"detail\":\"passed\"",
            "  the operator (command line)  x (passed)\n"},
        {"de", "\"actor\":\"system\",\"action\":\"smtp.draft_changed\",\"detail\":\"discarded\"",
            "  Absender selbst  x (verworfen)\n"},
        {"de", "\"actor\":\"token Shop\",\"action\":\"token.changed\",\"detail\":\"passed\"",
            "  Anwendung Shop  x (passed)\n"},
        {"de", "\"actor\":\"anna@example.de\"", "  anna@example.de  x\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        words_choose_language(cases[i].language);
        g_autofree char *source =
            g_strdup_printf("{\"data\":[{\"text\":\"x\",%s}]}", cases[i].event);
        json_t *list = json_loads(source, 0, NULL);
        g_autofree char *text = format_audit(list);
        json_decref(list);
        assert_string_equal(text, cases[i].expected);
    }
    words_choose_language("en");
}

static void answers_become_text(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i].json, JSON_REJECT_DUPLICATES, NULL);
        print_message("# %s\n", rows[i].name);
        assert_non_null(json);
        words_choose_language(rows[i].language);
        g_autofree char *text = rows[i].format(json);
        assert_string_equal(text, rows[i].expected);
        json_decref(json);
    }
}

/* Puts a hostile text wherever the API has a string and looks at what would reach the terminal. */
static json_t *poison(json_t *json)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;
    if (json_is_string(json))
        return json_string("\x1b]0;owned\x07\n\x1b[2J\xc2\x9b"
                           "31m\xe2\x80\xae");
    json_object_foreach_safe(json, next, key, value) json_object_set_new(json, key, poison(value));
    json_array_foreach(json, i, value) json_array_set_new(json, i, poison(value));
    return json_incref(json);
}

static void no_answer_reaches_the_terminal_with_controls(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        json_t *hostile = poison(json);
        json_decref(json);
        g_autofree char *text = rows[i].format(hostile);
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
            gunichar c = g_utf8_get_char(p);
            if ((g_unichar_iscntrl(c) && c != '\n') || c == 0x202e)
                fail_msg("%s: U+%04X", rows[i].name, c);
        }
        json_decref(hostile);
    }
}

static void wrong_types_are_no_crash(void **state)
{
    static const char *const odd[] = {"null", "[]", "7", "\"text\"",
        "{\"sending\":[],\"waiting\":7}", "{\"settings\":null,\"phases\":{},\"transcript\":{}}",
        "{\"state\":7,\"name\":[],\"ms\":\"x\"}", "{\"errors\":[null,7,{}],\"diagnosis\":[]}",
        "{\"missing\":[null,7]}", "{\"held_reason\":7,\"quota\":[],\"breaker\":7}",
        "{\"waiting\":{\"held\":1},\"quota\":{\"per_hour\":{\"used\":\"x\"}},\"breaker\":{}}"};
    char *(*const formats[])(const json_t *) = {format_status, format_sending, format_problem,
        format_phase, format_verification_start, format_verification_end, format_transcript,
        format_email};
    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
        json_t *json = json_loads(odd[i], JSON_DECODE_ANY, NULL);
        for (gsize k = 0; k < G_N_ELEMENTS(formats); k++) {
            g_autofree char *text = formats[k](json);
            assert_true(g_utf8_validate(text, -1, NULL));
        }
        json_decref(json);
    }
}

int main(void)
{
    g_setenv("TZ", "UTC", TRUE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_become_text),
        cmocka_unit_test(mebibytes_have_the_decimal_mark_of_the_language),
        cmocka_unit_test(an_audit_event_is_told_in_words),
        cmocka_unit_test(an_audit_event_names_who_and_what_in_the_language),
        cmocka_unit_test(no_answer_reaches_the_terminal_with_controls),
        cmocka_unit_test(wrong_types_are_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
