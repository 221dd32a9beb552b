#include "base/error.h"
#include "config/config.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *in_english(const char *english) G_GNUC_FORMAT(1);
static const char *in_english(const char *english)
{
    return english;
}

static Config *parse_in(ConfigSay say, const char *line, GError **error)
{
    g_auto(GStrv) words = NULL;
    int n = 0;
    g_autofree char *whole = g_strdup_printf("serve %s", line);
    assert_true(g_shell_parse_argv(whole, &n, &words, NULL));
    return config_parse(n, words, say, error);
}

static Config *parse(const char *line, GError **error)
{
    return parse_in(in_english, line, error);
}

static void defaults_are_those_of_the_help(void **unused)
{
    g_autoptr(Config) config = parse("", NULL);
    assert_non_null(config);
    assert_string_equal(config->data, "var");
    assert_string_equal(config->listen, "127.0.0.1:8465");
    assert_false(config->dev);
    assert_int_equal(config->sandbox_starttls_port, 2587);
    assert_int_equal(config->sandbox_implicit_port, 2465);
    assert_null(config->public_url);
    assert_int_equal(config->keep_bodies_days, 7);
    assert_int_equal(config->keep_emails_days, 90);
    assert_int_equal(config->keep_links_days, 90);
    assert_int_equal(config->keep_audit_days, 1095);
    assert_int_equal(config->disk_floor_bytes, 0);
}

static void what_is_said_is_taken(void **unused)
{
    g_autoptr(Config) config =
        parse("--dev --data /x --listen 127.0.0.1:0 --allow-port 1025 --allow-port 26 "
              "--allow-network 10.0.0.0/8 --allow-network ::1/128 --sandbox-sink "
              "--keep-bodies 1 --keep-emails 3650 --keep-links 2 --keep-audit 3 --disk-floor 1024",
            NULL);
    assert_non_null(config);
    assert_true(config->dev && config->sandbox_sink);
    assert_string_equal(config->data, "/x");
    assert_int_equal(config->n_allow_ports, 2);
    assert_int_equal(config->allow_ports[1], 26);
    assert_string_equal(config->allow_networks[1], "::1/128");
    assert_int_equal(config->keep_bodies_days, 1);
    assert_int_equal(config->keep_emails_days, 3650);
    assert_int_equal(config->keep_links_days, 2);
    assert_int_equal(config->keep_audit_days, 3);
    assert_int_equal(config->disk_floor_bytes, G_GINT64_CONSTANT(1073741824));
}

static void nonsense_is_refused_by_name(void **unused)
{
    static const struct {
        const char *line, *named;
    } cases[] = {
        {"--nonsense", "nonsense"},
        {"stray", "stray"},
        {"--allow-port 0", "0"},
        {"--allow-port 70000", "70000"},
        {"--allow-port smtp", "smtp"},
        {"--config /does/not/exist", "/does/not/exist"},
        {"--keep-bodies 0", "--keep-bodies: '0'"},
        {"--keep-emails 3651", "from 1 to 3650"},
        {"--disk-floor 5%", "--disk-floor: '5%'"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = parse(cases[i].line, &error);
        assert_null(config);
        assert_non_null(strstr(error->message, cases[i].named));
    }
}

static const char *shout(const char *english) G_GNUC_FORMAT(1);
static const char *shout(const char *english)
{
    return strstr(english, "takes no argument") != NULL ? "NO '%s'!" : "LOUD";
}

static void help_and_refusals_speak_the_language_of_the_operator(void **unused)
{
    g_autoptr(Config) plain = parse("--help --config /does/not/exist", NULL);
    assert_non_null(plain);
    assert_non_null(strstr(plain->help, "absender serve"));
    assert_non_null(strstr(plain->help, "--listen"));
    g_autoptr(Config) loud = parse_in(shout, "-h", NULL);
    assert_non_null(loud);
    assert_non_null(strstr(loud->help, "=LOUD"));
    assert_null(strstr(loud->help, "Keep database"));
    g_autoptr(GError) error = NULL;
    assert_null(parse_in(shout, "stray", &error));
    assert_string_equal(error->message, "NO 'stray'!");
}

static void a_file_says_what_the_line_does_not(void **unused)
{
    g_autofree char *path = NULL;
    int file = g_file_open_tmp("absender-config-XXXXXX", &path, NULL);
    assert_true(file >= 0);
    close(file);
    assert_true(g_file_set_contents(path,
        "[absender]\ndata=/from/file\nlisten=127.0.0.1:1\nallow-port=25;26\nallow-network=10.0.0.0/"
        "8\nkeep-bodies=3\ndisk-floor=10\n",
        -1, NULL));
    g_autofree char *line = g_strdup_printf("--config %s --data /from/line", path);
    g_autoptr(Config) config = parse(line, NULL);
    assert_non_null(config);
    assert_string_equal(config->data, "/from/line");
    assert_string_equal(config->listen, "127.0.0.1:1");
    assert_int_equal(config->n_allow_ports, 2);
    assert_string_equal(config->allow_networks[0], "10.0.0.0/8");
    assert_int_equal(config->keep_bodies_days, 3);
    assert_int_equal(config->disk_floor_bytes, 10 * 1048576);

    assert_true(g_file_set_contents(path, "[absender]\nlisen=127.0.0.1:1\n", -1, NULL));
    g_autofree char *misspelt = g_strdup_printf("--config %s", path);
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) refused = parse(misspelt, &error);
    assert_null(refused);
    assert_non_null(strstr(error->message, "lisen"));
    g_unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_help),
        cmocka_unit_test(what_is_said_is_taken),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(help_and_refusals_speak_the_language_of_the_operator),
        cmocka_unit_test(a_file_says_what_the_line_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
