/* Passwords from a person or a pipe; never from arguments or the environment. */
#pragma once

#include "base/secret.h"

#include <glib.h>

gboolean terminal_is_interactive(void); /* standard input and standard error are a terminal */
gboolean terminal_shows_output(void);   /* standard output is a terminal */

/* Asks a question on standard error: TRUE if the answer read from standard input begins with y or
 * j (ja). */
gboolean terminal_confirm(const char *question);

/* What it is called in sentences. */
typedef enum { TERMINAL_PASSWORD, TERMINAL_PASSPHRASE } TerminalSecret;

/* Asks on standard error and reads a line from standard input without showing it. Backspace and ^U
 * work, ^C and ^D on an empty line cancel (ABS_ERROR_INPUT). At most LIMIT_PASSWORD_BYTES. */
Secret *terminal_ask_secret(TerminalSecret what, const char *prompt, GError **error);

/* The first line of the file descriptor, without its line end. ABS_ERROR_LIMIT, ABS_ERROR_IO. */
Secret *terminal_read_secret(TerminalSecret what, int fd, GError **error);
