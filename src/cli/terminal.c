#include "cli/terminal.h"

#include "base/error.h"
#include "base/limits.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define KEY_CANCEL 0x03 /* ^C */
#define KEY_END 0x04    /* ^D */
#define KEY_ERASE_LINE 0x15
#define KEY_BACKSPACE 0x08
#define KEY_DELETE 0x7f

gboolean terminal_is_interactive(void)
{
    return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
}

gboolean terminal_shows_output(void)
{
    return isatty(STDOUT_FILENO) != 0;
}

gboolean terminal_confirm(const char *question)
{
    char answer[64] = "";
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return FALSE;
    return strchr("yYjJ", answer[0]) != NULL && answer[0] != '\0';
}

/* What has been typed so far. */
typedef struct {
    char bytes[LIMIT_PASSWORD_BYTES];
    gsize n;
    gboolean is_done, is_cancelled, is_too_long;
} Line;

static void erase_character(Line *line)
{
    while (line->n > 0 && ((guint8)line->bytes[line->n - 1] & 0xc0) == 0x80)
        line->n--; /* the octets behind a UTF-8 character's first */
    if (line->n > 0)
        line->n--;
}

static void type_key(Line *line, char key)
{
    switch (key) {
    case '\r':
    case '\n':
        line->is_done = TRUE;
        return;
    case KEY_CANCEL:
        line->is_cancelled = TRUE;
        return;
    case KEY_END:
        line->is_cancelled = line->n == 0;
        line->is_done = TRUE;
        return;
    case KEY_ERASE_LINE:
        line->n = 0;
        return;
    case KEY_BACKSPACE:
    case KEY_DELETE:
        erase_character(line);
        return;
    default:
        break;
    }
    if (line->n < sizeof line->bytes)
        line->bytes[line->n++] = key;
    else
        line->is_too_long = TRUE;
}

static Secret *line_end(TerminalSecret what, Line *line, GError **error)
{
    Secret *secret = NULL;
    if (line->is_cancelled)
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, say("cancelled"));
    else if (line->is_too_long)
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT,
            what == TERMINAL_PASSWORD ? say("the password is longer than %d octets")
                                      : say("the passphrase is longer than %d octets"),
            LIMIT_PASSWORD_BYTES);
    else
        secret = secret_new(line->bytes, line->n);
    secret_wipe(line, sizeof *line);
    return secret;
}

/* The terminal gives every key at once and shows none; signals come as keys, so that it is never
 * left in this state. */
Secret *terminal_ask_secret(TerminalSecret what, const char *prompt, GError **error)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_IO,
            what == TERMINAL_PASSWORD
                ? say("there is no terminal to ask for the password; use --password-stdin")
                : say("there is no terminal to ask for the passphrase; use --passphrase-stdin"));
        return NULL;
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    fputs(prompt, stderr);

    Line line = {.n = 0};
    while (!line.is_done && !line.is_cancelled) {
        char key = 0;
        if (read(STDIN_FILENO, &key, 1) == 1)
            type_key(&line, key);
        else
            line.is_cancelled = TRUE;
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return line_end(what, &line, error);
}

Secret *terminal_read_secret(TerminalSecret what, int fd, GError **error)
{
    Line line = {.n = 0};
    char key = 0;
    while (!line.is_done && read(fd, &key, 1) == 1) {
        if (key == '\n')
            line.is_done = TRUE;
        else if (line.n < sizeof line.bytes)
            line.bytes[line.n++] = key;
        else
            line.is_too_long = TRUE;
    }
    if (line.n > 0 && line.bytes[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0 && !line.is_too_long) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT,
            what == TERMINAL_PASSWORD ? say("no password came from standard input")
                                      : say("no passphrase came from standard input"));
        return NULL;
    }
    return line_end(what, &line, error);
}
