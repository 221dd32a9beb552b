#include "cli/terminal.h"

#include "base/error.h"
#include "base/limits.h"
#include "cli/words.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* What is typed at a real pseudo-terminal, when the program has switched the echo off. */
typedef struct {
    int master;
    const char *keys;
} Person;

static gboolean echo_is_on(int fd)
{
    struct termios now;
    assert_int_equal(tcgetattr(fd, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static gpointer type_keys(gpointer data)
{
    const Person *person = data;
    while (echo_is_on(person->master))
        g_usleep(1000);
    assert_true(write(person->master, person->keys, strlen(person->keys)) > 0);
    return NULL;
}

/* Asks with standard input on a fresh pseudo-terminal; what it echoed goes to *shown. */
static Secret *ask(const char *keys, char shown[256], GError **error)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    int before = dup(STDIN_FILENO);
    dup2(slave, STDIN_FILENO);
    Person person = {master, keys};
    GThread *thread = g_thread_new("person", type_keys, &person);
    Secret *secret = terminal_ask_secret(TERMINAL_PASSWORD, "", error);
    g_thread_join(thread);
    assert_true(echo_is_on(slave));
    dup2(before, STDIN_FILENO);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    ssize_t n = read(master, shown, 255);
    shown[MAX(n, 0)] = '\0';
    close(before);
    close(slave);
    close(master);
    return secret;
}

static void a_typed_password_is_read_and_not_shown(void **state)
{
    static const struct {
        const char *name, *keys, *expected;
    } rows[] = {
        {"plain", "secret\n", "secret"},
        {"return", "secret\r", "secret"},
        {"backspace", "secrett\x7f\n", "secret"},
        {"backspace over a UTF-8 character", "secret\xc3\xbc\x08\n", "secret"},
        {"backspace at the start", "\x7f\x7fsecret\n", "secret"},
        {"erase the line", "wrong\x15secret\n", "secret"},
        {"end of input", "secret\x04", "secret"},
        {"empty", "\n", ""},
        {"spaces stay", " se cret \n", " se cret "},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char shown[256];
        g_autoptr(GError) error = NULL;
        print_message("# %s\n", rows[i].name);
        g_autoptr(Secret) secret = ask(rows[i].keys, shown, &error);
        assert_non_null(secret);
        assert_string_equal(secret_reveal(secret, NULL), rows[i].expected);
        assert_null(strstr(shown, "secret"));
    }
}

static void cancelling_leaves_the_terminal_as_it_was(void **state)
{
    static const char *const keys[] = {"\x03", "half\x03", "\x04"};
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        char shown[256];
        g_autoptr(GError) error = NULL;
        assert_null(ask(keys[i], shown, &error)); /* asserts that the echo is on again */
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

/* Reads from a pipe that holds text. */
static Secret *read_one_from_pipe(TerminalSecret what, const char *text, gsize n, GError **error)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, n), n);
    close(ends[1]);
    Secret *secret = terminal_read_secret(what, ends[0], error);
    close(ends[0]);
    return secret;
}

static Secret *read_from_pipe(const char *text, gsize n, GError **error)
{
    return read_one_from_pipe(TERMINAL_PASSWORD, text, n, error);
}

/* Who is asked for a passphrase is told about a passphrase. */
static void a_secret_is_called_by_its_name(void **state)
{
    static const struct {
        TerminalSecret what;
        const char *language, *sentence;
    } rows[] = {
        {TERMINAL_PASSWORD, "en", "no password came from standard input"},
        {TERMINAL_PASSWORD, "de", "von der Standardeingabe kam kein Passwort"},
        {TERMINAL_PASSPHRASE, "en", "no passphrase came from standard input"},
        {TERMINAL_PASSPHRASE, "de", "von der Standardeingabe kam keine Passphrase"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        words_choose_language(rows[i].language);
        assert_null(read_one_from_pipe(rows[i].what, "", 0, &error));
        assert_string_equal(error->message, rows[i].sentence);
    }
    words_choose_language("en");
}

static void a_piped_password_is_the_first_line(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {{"secret\n", "secret"}, {"secret", "secret"}, {"secret\r\n", "secret"},
        {"secret\nmore\n", "secret"}, {" a b \n", " a b "}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) secret = read_from_pipe(rows[i].text, strlen(rows[i].text), NULL);
        assert_non_null(secret);
        assert_string_equal(secret_reveal(secret, NULL), rows[i].expected);
    }
    g_autoptr(GError) error = NULL;
    assert_null(read_from_pipe("", 0, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
}

static void a_password_has_a_limit(void **state)
{
    g_autofree char *longest = g_strnfill(LIMIT_PASSWORD_BYTES + 1, 'x');
    g_autoptr(GError) error = NULL;
    assert_null(read_from_pipe(longest, LIMIT_PASSWORD_BYTES + 1, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
    g_autoptr(Secret) secret = read_from_pipe(longest, LIMIT_PASSWORD_BYTES, NULL);
    gsize n = 0;
    secret_reveal(secret, &n);
    assert_int_equal(n, LIMIT_PASSWORD_BYTES);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_password_is_read_and_not_shown),
        cmocka_unit_test(cancelling_leaves_the_terminal_as_it_was),
        cmocka_unit_test(a_secret_is_called_by_its_name),
        cmocka_unit_test(a_piped_password_is_the_first_line),
        cmocka_unit_test(a_password_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
