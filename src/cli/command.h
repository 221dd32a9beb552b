/* What all commands share. Private to cli/. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef enum {
    CLI_DONE = 0,
    CLI_ANSWER_IS_NO = 1, /* the daemon refused, or what was checked failed */
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3, /* no daemon answers */
} CliExit;

/* The options every command takes. */
typedef struct {
    char *data; /* folder of the daemon's data, not NULL after cli_parse */
    gboolean as_json;
    gboolean want_help;
} CliCommon;

/* Texts as they were typed: G_OPTION_ARG_STRING would convert them from the locale, and fail
 * without one. Whether they are UTF-8 is asked when they go into JSON. */
#define CLI_TEXT G_OPTION_ARG_FILENAME
#define CLI_TEXTS G_OPTION_ARG_FILENAME_ARRAY

typedef struct cli_command CliCommand;
struct cli_command {
    const char *name;
    const char *arguments; /* behind the name in the usage line */
    const char *summary;   /* one line, for the overview */
    const char *help;      /* behind the options: what to know, with an example */
    CliExit (*run)(const CliCommand *command, int argc, char **argv); /* NULL: not ours (serve) */
};

/* The table of all commands, in the order of the overview. */
const CliCommand *cli_commands(guint *n);

CliExit cli_check(const CliCommand *command, int argc, char **argv);
CliExit cli_status(const CliCommand *command, int argc, char **argv);
CliExit cli_send(const CliCommand *command, int argc, char **argv);
CliExit cli_token(const CliCommand *command, int argc, char **argv);
CliExit cli_queue(const CliCommand *command, int argc, char **argv);
CliExit cli_audit(const CliCommand *command, int argc, char **argv);
CliExit cli_key(const CliCommand *command, int argc, char **argv);
CliExit cli_backup(const CliCommand *command, int argc, char **argv);
CliExit cli_restore(const CliCommand *command, int argc, char **argv);
CliExit cli_explain(const CliCommand *command, int argc, char **argv);
CliExit cli_reset_link(const CliCommand *command, int argc, char **argv);
CliExit cli_pause(const CliCommand *command, int argc, char **argv);
CliExit cli_resume(const CliCommand *command, int argc, char **argv);

/* Reads the options of the command and the common ones. Returns TRUE to go on; else *status is what
 * the command ends with: help was printed, or an option was wrong (which has been said). Arguments
 * that are not options are wrong unless n_arguments says how many are taken; they stay in argv.
 * CLI_ARGUMENTS: one or more. */
#define CLI_ARGUMENTS (-1)
#define CLI_ANY_ARGUMENTS (-2) /* none, too */
gboolean cli_parse(const CliCommand *command, const GOptionEntry *entries, CliCommon *common,
    int n_arguments, int *argc, char ***argv, CliExit *status);
void cli_common_clear(CliCommon *common);

/* "absender COMMAND: sentence" on standard error. Returns status. */
CliExit cli_complain(const CliCommand *command, CliExit status, const char *sentence);

/* The daemon's answer to one request. */
typedef struct {
    guint status;
    json_t *body; /* never NULL */
} CliAnswer;

/* Asks the daemon over DATA/control.sock. body and header ("If-Match: *") may be NULL. NULL and
 * *status if nothing usable came back, which has been said on standard error. */
CliAnswer *cli_ask(const CliCommand *command, const CliCommon *common, const char *method,
    const char *path, GBytes *body, const char *header, CliExit *status);
GBytes *cli_body(json_t *json); /* json is taken */

/* "?name=value" or "&name=value" behind the path, escaped; nothing for NULL. */
void cli_add_query(GString *path, const char *name, const char *value);

/* The same for up to n entries of a list: page after page, put together in one answer. It may be a
 * refusal. */
CliAnswer *cli_ask_list(
    const CliCommand *command, const CliCommon *common, const char *path, gsize n, CliExit *status);

/* cli_show, and a word if there are more entries than were asked for. */
CliExit cli_show_list(
    const CliCommon *common, const CliAnswer *answer, char *(*show)(const json_t *body));

/* Puts a text from the command line in; NULL is left out. FALSE if it is not UTF-8. */
gboolean cli_put(json_t *object, const char *key, const char *text);
/* The same for a list of texts. */
gboolean cli_put_list(json_t *object, const char *key, char **texts);
void cli_answer_free(CliAnswer *answer);
gboolean cli_answer_is_good(const CliAnswer *answer); /* 2xx */

/* Ends a command: the answer as JSON if that was asked for, else what `show` makes of it; a refusal
 * is shown on standard error. show returns text that is freed here. */
CliExit cli_show(
    const CliCommon *common, const CliAnswer *answer, char *(*show)(const json_t *body));

/* The API's JSON, indented; on a terminal nothing but ASCII, so that no peer can move the cursor.
 */
void cli_print_json(const json_t *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliAnswer, cli_answer_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CliCommon, cli_common_clear)
