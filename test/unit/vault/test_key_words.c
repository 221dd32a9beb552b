/* Every sentence about keys has its German twin. */
#include "vault/key_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *replace_all(const char *text, const char *pattern, const char *with)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOTALL, 0, NULL);
    char *replaced = g_regex_replace(regex, text, -1, 0, with, 0, NULL);
    assert_non_null(replaced);
    return replaced;
}

/* The source with each literal in one piece, and a number or name in the place of what is formatted
 * in. */
static char *read_source(const char *name)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "src", "vault", name, NULL);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autofree char *formatted = replace_all(text, "\"\\s*G_G\\w+_FORMAT\\s*\"", "d");
    g_autofree char *named = replace_all(formatted, "(?<!\\\\)\"\\s*(MAGIC )?VERSION\\s*\"", "7");
    g_autofree char *whole = replace_all(named, "(?<!\\\\)\"\\s*\"", "");
    return replace_all(whole, "%0?[0-9]*l?[a-z]", "7");
}

static gboolean has_twin(const char *sentence)
{
    g_autofree char *german = vault_key_german(sentence);
    return german != NULL && strstr(german, "{") == NULL && strcmp(german, sentence) != 0;
}

/* A reader of the file leaves the file's name to its caller. */
static void no_sentence_about_keys_lacks_its_twin(void **state)
{
    static const char *const files[] = {
        "keks.c", "key_export.c", "key_file.c", "keyring.c", "vault.c"};
    guint n = 0, missing = 0;
    g_autoptr(GRegex) call = g_regex_new(
        "(?:g_set_error|fail)\\([^;]*?\"((?:[^\"\\\\]|\\\\.)+)\"", G_REGEX_DOTALL, 0, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *source = read_source(files[i]);
        g_autoptr(GMatchInfo) match = NULL;
        for (g_regex_match(call, source, 0, &match); g_match_info_matches(match);
             g_match_info_next(match, NULL), n++) {
            g_autofree char *literal = g_match_info_fetch(match, 1);
            g_autofree char *said = g_strcompress(literal);
            g_autofree char *of_file = g_strconcat("key file 7 ", said, NULL);
            if (strcmp(said, "key file 7 7") == 0 || has_twin(said) || has_twin(of_file))
                continue;
            print_error("no German: %s\n", said);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
    assert_true(n > 30);
}

static void what_is_formatted_in_stays(void **state)
{
    static const struct {
        const char *english, *german;
    } rows[] = {
        {"key file /srv/a b/key belongs to user 0; it must belong to user 1000, who runs this "
         "program",
            "Die Schlüsseldatei /srv/a b/key gehört dem Benutzer 0; sie muss dem Benutzer 1000 "
            "gehören, unter dem dieses Programm läuft"},
        {"a passphrase for keys has at least 12 characters",
            "Eine Passphrase für Schlüssel hat mindestens 12 Zeichen"},
        {"this is no file of exported keys (line 1)",
            "Das ist keine Datei mit exportierten Schlüsseln (Zeile 1)"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *german = vault_key_german(rows[i].english);
        assert_string_equal(german, rows[i].german);
    }
    assert_null(vault_key_german("the disk is full"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sentence_about_keys_lacks_its_twin),
        cmocka_unit_test(what_is_formatted_in_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
