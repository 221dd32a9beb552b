#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Calls found for every sentence that stands in say(…) or SAY_LATER(…) of a source file. */
static guint each_sentence(const char *path, void (*found)(const char *sentence))
{
    g_autofree char *source = NULL;
    assert_true(g_file_get_contents(path, &source, NULL, NULL));
    g_autoptr(GRegex) call =
        g_regex_new("(?:\\bsay|SAY_LATER)\\(\\s*(?:draft, )?((?:\"(?:[^\"\\\\]|\\\\.)*\"\\s*)+)\\)",
            0, 0, NULL);
    g_autoptr(GRegex) literal = g_regex_new("\"((?:[^\"\\\\]|\\\\.)*)\"", 0, 0, NULL);
    assert_true(call != NULL && literal != NULL);
    g_autoptr(GMatchInfo) calls = NULL;
    guint n = 0;
    for (g_regex_match(call, source, 0, &calls); g_match_info_matches(calls);
         g_match_info_next(calls, NULL), n++) {
        g_autofree char *literals = g_match_info_fetch(calls, 1);
        g_autoptr(GMatchInfo) parts = NULL;
        g_autoptr(GString) escaped = g_string_new(NULL);
        for (g_regex_match(literal, literals, 0, &parts); g_match_info_matches(parts);
             g_match_info_next(parts, NULL)) {
            g_autofree char *part = g_match_info_fetch(parts, 1);
            g_string_append(escaped, part);
        }
        g_autofree char *sentence = g_strcompress(escaped->str);
        found(sentence);
    }
    return n;
}

/* "%s, %d" → "sd" */
static char *conversions(const char *format)
{
    GString *out = g_string_new(NULL);
    for (const char *p = strchr(format, '%'); p != NULL; p = strchr(p + 2, '%'))
        g_string_append_c(out, p[1]);
    return g_string_free(out, FALSE);
}

static void check_sentence(const char *english)
{
    static const char *const same[] = {"STARTTLS", "port (587)", "NAME", "TEXT", NULL};
    words_choose_language("de");
    const char *german = say(english);
    gboolean is_example = g_str_has_prefix(english, "  absender");
    if (german == english && !g_strv_contains(same, english) && !is_example)
        fail_msg("has no German: %s", english);
    g_autofree char *in_english = conversions(english), *in_german = conversions(german);
    assert_string_equal(in_english, in_german);
    words_choose_language("en");
    assert_ptr_equal(say(english), english);
}

/* Of the commands, and of main and config/, which are given say(). */
static void every_sentence_is_there_in_german(void **state)
{
    static const char *const folders[] = {".", "cli", "config"};
    guint n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path =
            g_build_filename(g_getenv("ABSENDER_SOURCE"), "src", folders[i], NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        assert_non_null(dir);
        guint before = n;
        for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
            g_autofree char *file = g_build_filename(path, name, NULL);
            if (g_str_has_suffix(name, ".c"))
                n += each_sentence(file, check_sentence);
        }
        assert_true(n > before + 10);
    }
    assert_true(n > 160);
}

static json_t *read_page_texts(const char *language)
{
    g_autofree char *name = g_strdup_printf("settings.%s.json", language);
    g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), "ui", "i18n", name, NULL);
    json_t *texts = json_load_file(path, 0, NULL);
    assert_non_null(texts);
    return texts;
}

static void the_rungs_have_the_names_of_the_page(void **state)
{
    static const char *const rungs[] = {"dns", "connect", "greeting", "ehlo", "starttls", "tls",
        "certificate", "auth", "sender", "recipient"};
    static const char *const languages[] = {"de", "en"};
    for (gsize i = 0; i < G_N_ELEMENTS(languages); i++) {
        json_t *texts = read_page_texts(languages[i]);
        words_choose_language(languages[i]);
        for (gsize k = 0; k < G_N_ELEMENTS(rungs); k++) {
            g_autofree char *key = g_strconcat("phase.", rungs[k], NULL);
            json_t *phase = json_pack("{s:s}", "name", rungs[k]);
            assert_string_equal(
                format_phase_name(phase), json_string_value(json_object_get(texts, key)));
            json_decref(phase);
        }
        json_decref(texts);
    }
}

static void the_environment_chooses_the_language(void **state)
{
    static const struct {
        const char *language, *lc_all, *lang, *expected;
    } rows[] = {
        {"", "", "de_DE.UTF-8", "de"},
        {"", "", "de", "de"},
        {"", "", "de_AT", "de"},
        {"", "", "en_GB.UTF-8", "en"},
        {"", "", "C", "en"},
        {"", "", "", "en"},
        {"", "", "fr_FR.UTF-8", "en"},
        {"", "C", "de_DE.UTF-8", "en"},
        {"", "de_DE", "en_US", "de"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("LANGUAGE", rows[i].language, TRUE);
        g_setenv("LC_ALL", rows[i].lc_all, TRUE);
        g_setenv("LC_MESSAGES", "", TRUE);
        g_setenv("LANG", rows[i].lang, TRUE);
        words_choose();
        assert_string_equal(words_language(), rows[i].expected);
    }
}

static void every_command_says_what_it_does(void **state)
{
    guint n = 0;
    const CliCommand *commands = cli_commands(&n);
    assert_int_equal(n, 14);
    for (guint i = 0; i < n; i++) {
        assert_true(strlen(commands[i].name) >= 3 && strlen(commands[i].summary) > 10);
        assert_true(commands[i].run == NULL || strlen(commands[i].help) > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_is_there_in_german),
        cmocka_unit_test(the_rungs_have_the_names_of_the_page),
        cmocka_unit_test(the_environment_chooses_the_language),
        cmocka_unit_test(every_command_says_what_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
