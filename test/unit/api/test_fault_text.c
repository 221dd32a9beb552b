/* Every sentence that a person can read about a fault, in both languages. */
#include "api/words/fault_text.h"
#include "api/words/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* --- The sources say nothing that has no German twin ------------------------------------------ */

static char *replace_all(const char *text, const char *pattern, const char *with)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOTALL, 0, NULL);
    char *replaced = g_regex_replace(regex, text, -1, 0, with, 0, NULL);
    assert_non_null(replaced);
    return replaced;
}

/* A source file without comments, and with its split literals joined. */
static char *read_source(const char *folder, const char *name)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "src", folder, name, NULL);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autofree char *code = replace_all(text, "/\\*.*?\\*/", "");
    g_autofree char *whole = replace_all(code, "\"\\s*G_G\\w+_FORMAT\\s*\"", "d");
    return replace_all(whole, "(?<!\\\\)\"\\s*\"", "");
}

/* Calls back with the first group of every match. */
static void each_match(const char *text, const char *pattern,
    void (*found)(const char *what, gpointer user), gpointer user)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOTALL, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_regex_match(regex, text, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *what = g_match_info_fetch(match, 1);
        found(what, user);
    }
}

typedef struct {
    guint sentences, codes, missing;
} Count;

static void check_sentence(const char *literal, gpointer user)
{
    Count *count = user;
    g_autofree char *plain = g_strcompress(literal);
    g_autofree char *sentence = replace_all(plain, "%[a-z]+", "7");
    if (!strchr(sentence, ' ') || strstr(sentence, "7 7")) /* "%d %s": tried by name below */
        return;
    g_autofree char *german = fault_text_german(sentence);
    count->sentences++;
    if (german && strcmp(german, sentence) != 0 && !strchr(german, '{'))
        return;
    /* "{…}" is meant as it stands */
    if (german && strstr(german, "{…}"))
        return;
    print_error("no German: %s\n", sentence);
    count->missing++;
}

static void check_code(const char *code, gpointer user)
{
    Count *count = user;
    count->codes++;
    static const char *const fields[] = {"password", "public_url", NULL}; /* the code is computed */
    if (fault_text_knows(code) || g_strv_contains(fields, code))
        return;
    print_error("no sentence for the code %s\n", code);
    count->missing++;
}

/* Literals that end like a sentence; and in calls that note a fault, the last word is the code. */
static void check_source(const char *folder, const char *name, Count *count)
{
    g_autofree char *text = read_source(folder, name);
    each_match(text, "(?<!\\\\)\"((?:[^\"\\\\\\n]|\\\\.)+\\.)\"", check_sentence, count);
    each_match(text,
        "(?:json_fault_add|json_object_fault|mime_fault_new|settings_fault_add)\\([^;]*\"([a-z][a-"
        "z0-9_]+)"
        "\"",
        check_code, count);
}

static void check_folder(const char *folder, Count *count)
{
    static const char *const apart[] = {"problem.c", "presets.c",
        /* words of Prometheus: */ "metrics.c", "health.c", "ops.c", NULL};
    g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), "src", folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint before = count->sentences + count->codes;
    const char *name;
    assert_non_null(dir);
    while ((name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".c") && !g_str_has_suffix(name, "_text.c") &&
            !g_strv_contains(apart, name))
            check_source(folder, name, count);
    }
    assert_true(count->sentences + count->codes > before); /* the folder is still there */
}

static void no_sentence_and_no_code_lacks_its_twin(void **state)
{
    static const char *const folders[] = {"api", "api/http", "api/json", "api/routes"};
    static const char *const mime[] = {"address.c", "draft.c", "host.c", "message.c"};
    Count count = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        check_folder(folders[i], &count);
    static const char *const settings[] = {"faults.c", "oauth_account_patch.c", "patch.c"};
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        check_source("settings", settings[i], &count);
    for (gsize i = 0; i < G_N_ELEMENTS(mime); i++)
        check_source("mime", mime[i], &count);
    assert_int_equal(count.missing, 0);
    assert_true(count.sentences >= 100 && count.codes >= 50);
}

static void codes_that_are_computed_have_sentences(void **state)
{
    static const char *const computed[] = {"invalid_host", "invalid_address", "invalid_ehlo_name",
        "invalid_utf8", "control_character", "too_long", "password_too_short",
        "password_too_common", "required", "wrong_type"};
    for (gsize i = 0; i < G_N_ELEMENTS(computed); i++) {
        g_autofree char *german = fault_text(computed[i], NULL, LANGUAGE_DE);
        g_autofree char *english = fault_text(computed[i], NULL, LANGUAGE_EN);
        assert_non_null(german);
        assert_string_not_equal(german, english);
    }
}

/* --- What is said ---------------------------------------------------------------------------- */

static void what_was_formatted_in_is_formatted_into_the_twin(void **state)
{
    static const struct {
        const char *name, *code, *english, *german;
    } rows[] = {
        {"one part", "port_not_allowed", "This port is not allowed. Allowed are 443, 465, 587.",
            "Dieser Port ist nicht erlaubt. Erlaubt sind 443, 465, 587."},
        {"two parts", "out_of_range", "A number from 1 to 20 is needed.",
            "Bitte eine Zahl von 1 bis 20 angeben."},
        {"bytes", "too_long", "At most 1024 bytes are allowed.",
            "Das ist zu lang: Erlaubt sind höchstens 1024 Byte."},
        {"characters", "too_long", "At most 128 characters are allowed.",
            "Das ist zu lang: Erlaubt sind höchstens 128 Zeichen."},
        {"an address", "sender_not_allowed",
            "Only info@example.com may be the sender; the name before it is free.",
            "Als Absender ist nur info@example.com erlaubt; der Anzeigename ist frei."},
        {"a sentence within", "invalid_address", "Character 5: the @ and the domain are missing.",
            "Zeichen 5: Es fehlen das @ und die Domain dahinter."},
        {"a sentence of another folder within", "invalid_address",
            "Character 3: The domain is empty.", "Zeichen 3: Die Domain hinter dem @ fehlt."},
        {"port 25", "port_not_allowed",
            "Port 25 is for traffic between mail servers. Use 587 (STARTTLS) or 465 (SSL/TLS).",
            "Port 25 dient dem Verkehr zwischen Mailservern. Nehmen Sie 587 (STARTTLS) oder 465 "
            "(SSL/TLS)."},
        {"keys that are still needed", "key_in_use",
            "Values that are still sealed with this key: 1. They are being put under the one in "
            "use; try again in a moment.",
            "Werte, die noch mit diesem Schlüssel versiegelt sind: 1. Sie werden gerade "
            "umgestellt; "
            "versuchen Sie es gleich noch einmal."},
        {"what the vault says", "key_file_unusable",
            "key file /var/lib/a b/key is damaged: line 3 should begin with \"key\"",
            "Die Schlüsseldatei /var/lib/a b/key ist beschädigt: Zeile 3 müsste mit \"key\" "
            "beginnen"},
        {"an unknown sentence of a known code", "too_long", "So long.",
            "Das ist zu lang. Bitte kürzen Sie es."},
        {"an unknown code", "made_up", "So long.", "So long."},
        {"the beginning alone does not do", "made_up", "A number from 1", "A number from 1"},
        {"nor does the beginning with more behind", "made_up", "The body is missing. Or is it?",
            "The body is missing. Or is it?"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        g_autofree char *german = fault_text(rows[i].code, rows[i].english, LANGUAGE_DE);
        g_autofree char *english = fault_text(rows[i].code, rows[i].english, LANGUAGE_EN);
        assert_string_equal(german, rows[i].german);
        assert_string_equal(english, rows[i].english);
    }
    assert_null(fault_text("made_up", NULL, LANGUAGE_DE));
}

static const char *text_at(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static json_t *problem_json(const Problem *problem, Language language)
{
    const ProblemForm form = {language, "req_1", FALSE};
    g_autoptr(HttpAnswer) answer = problem_answer(&form, problem);
    gsize n = 0;
    const char *text = g_bytes_get_data(answer->body, &n);
    json_t *json = json_loadb(text, n, 0, NULL);
    assert_non_null(json);
    return json;
}

static void every_problem_has_a_title_and_a_detail_in_both_languages(void **state)
{
    static const char *const codes[] = {"malformed_request", "malformed_json", "invalid_query",
        "invalid_idempotency_key", "unauthenticated", "invalid_token", "session_expired",
        "invalid_credentials", "csrf", "forbidden", "scope_not_allowed", "setup_token_invalid",
        "not_found", "method_not_allowed", "not_configured", "not_cancellable",
        "invalid_idempotent_request", "same_password_refused", "address_taken", "conflict",
        "precondition_failed", "body_too_large", "invalid_fields", "incomplete",
        "password_required", "precondition_required", "too_many_login_failures",
        "too_many_attempts", "too_many_test_emails", "headers_too_large", "internal_error", "busy",
        "storage_unavailable", "too_many_streams", "version_not_supported"};
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        const Problem problem = {.code = codes[i]};
        json_t *german = problem_json(&problem, LANGUAGE_DE);
        json_t *english = problem_json(&problem, LANGUAGE_EN);
        assert_string_not_equal(text_at(german, "title"), text_at(english, "title"));
        assert_string_not_equal(text_at(german, "detail"), text_at(english, "detail"));
        /* read alone, the detail says what happened */
        assert_true(g_str_has_prefix(text_at(german, "detail"), text_at(german, "title")));
        json_decref(german);
        json_decref(english);
    }
}

static void faults_of_an_answer_are_in_its_language(void **state)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_fault_add(&faults, "/host", "required", NULL);
    json_fault_add(&faults, "/max_connections", "out_of_range", "A number from 1 to 20 is needed.");
    const Problem problem = {.code = problem_code_of_faults(&faults), .faults = &faults};
    json_t *german = problem_json(&problem, LANGUAGE_DE);
    json_t *list = json_object_get(german, "errors");
    assert_string_equal(text_at(german, "detail"), "Einige Angaben stimmen nicht.");
    assert_string_equal(text_at(json_array_get(list, 0), "detail"),
        "Diese Angabe fehlt. Bitte füllen Sie das Feld aus.");
    assert_string_equal(
        text_at(json_array_get(list, 1), "detail"), "Bitte eine Zahl von 1 bis 20 angeben.");
    assert_string_equal(text_at(json_array_get(list, 1), "code"), "out_of_range");
    json_decref(german);
    json_t *english = problem_json(&problem, LANGUAGE_EN);
    list = json_object_get(english, "errors");
    assert_string_equal(text_at(json_array_get(list, 0), "detail"), "This field is required.");
    json_decref(english);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sentence_and_no_code_lacks_its_twin),
        cmocka_unit_test(codes_that_are_computed_have_sentences),
        cmocka_unit_test(what_was_formatted_in_is_formatted_into_the_twin),
        cmocka_unit_test(every_problem_has_a_title_and_a_detail_in_both_languages),
        cmocka_unit_test(faults_of_an_answer_are_in_its_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
