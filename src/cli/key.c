/* key: what everything stored is sealed with, and changing it while the service works. */
#include "base/error.h"
#include "base/id.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/key_offline.h"
#include "cli/progress.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_US (100 * 1000)
#define POLLS_WITHOUT_PROGRESS 50 /* what does not move then does not open */

typedef struct {
    char *key_file;
    gboolean passphrase_stdin;
} Wishes;

static void wishes_clear(Wishes *w)
{
    g_free(w->key_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

static CliExit show_keys(const CliCommon *common, const CliAnswer *answer)
{
    return cli_show(common, answer, format_keys);
}

/* The last one of this state whose deed would be allowed: nothing is sealed with it. NULL: none. */
static const char *key_in_state(const json_t *keys, const char *state)
{
    gsize i;
    json_t *key;
    const char *id = NULL;
    json_array_foreach(json_object_get(keys, "data"), i, key)
    {
        if (g_strcmp0(json_string_value(json_object_get(key, "state")), state) == 0 &&
            json_integer_value(json_object_get(key, "sealed")) == 0)
            id = json_string_value(json_object_get(key, "id"));
    }
    return id;
}

/* What is done, and what comes next; id may be NULL. */
static void tell_done(const char *done, const char *next, const char *id)
{
    printf("\n✓ %s\n", done);
    if (id != NULL)
        printf("  %s %s %s\n", say("Next:"), next, id);
}

/* --- status, add, retire ------------------------------------------------------------------------
 */

/* Asks for a change and shows all keys; tell: says that it is done. */
static CliExit change(const CliCommand *command, const CliCommon *common, const char *path,
    void (*tell)(const json_t *keys))
{
    CliExit status = CLI_DONE;
    g_autoptr(GBytes) body = cli_body(json_object());
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "POST", path, body, NULL, &status);
    if (answer == NULL)
        return status;
    status = show_keys(common, answer);
    if (status == CLI_DONE && !common->as_json)
        tell(answer->body);
    return status;
}

static void tell_added(const json_t *keys)
{
    tell_done(say("The key is made."), "absender key activate", key_in_state(keys, "ready"));
}

static void tell_retired(const json_t *keys)
{
    tell_done(say("The key is removed from the key file."), "absender key retire",
        key_in_state(keys, "retiring"));
}

static char *path_of(const char *id, const char *what)
{
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    return g_strconcat("/v1/keys/", escaped, what, NULL);
}

/* --- activate: until nothing is left under another key ------------------------------------------
 */

/* How many values there are, and how many of them another key than the first has sealed. */
static json_int_t count_sealed(const json_t *keys, json_int_t *all)
{
    gsize i;
    json_t *key;
    json_int_t others = 0;
    *all = 0;
    json_array_foreach(json_object_get(keys, "data"), i, key)
    {
        json_int_t sealed = json_integer_value(json_object_get(key, "sealed"));
        *all += sealed;
        others += i == 0 ? 0 : sealed;
    }
    return others;
}

/* NULL and *status if the daemon went away. */
static CliAnswer *follow(const CliCommand *command, const CliCommon *common, CliExit *status)
{
    CliProgress progress = {0};
    json_int_t before = 0, all = 0;
    for (guint idle = 0;;) {
        g_autoptr(CliAnswer) answer =
            cli_ask(command, common, "GET", "/v1/keys", NULL, NULL, status);
        if (answer == NULL)
            return NULL;
        json_int_t left = count_sealed(answer->body, &all);
        if (!common->as_json)
            progress_show_count(&progress, all - left, all);
        idle = left == before ? idle + 1 : 0;
        before = left;
        if (!cli_answer_is_good(answer) || left == 0 || idle == POLLS_WITHOUT_PROGRESS) {
            if (!common->as_json)
                progress_end(&progress);
            return g_steal_pointer(&answer);
        }
        g_usleep(POLL_US);
    }
}

/* A copy made before does not hold the key that everything is under now. */
static void tell_activated(const json_t *keys)
{
    tell_done(say("Everything stored is under this key now."), "absender key retire",
        key_in_state(keys, "retiring"));
    printf("  %s\n", say("Keep a new copy: absender key export FILE"));
}

static CliExit activate(const CliCommand *command, const CliCommon *common, const char *id)
{
    CliExit status = CLI_DONE;
    json_int_t all = 0;
    g_autofree char *path = path_of(id, "/activate");
    g_autoptr(GBytes) body = cli_body(json_object());
    g_autoptr(CliAnswer) started = cli_ask(command, common, "POST", path, body, NULL, &status);
    if (started == NULL || !cli_answer_is_good(started))
        return started == NULL ? status : show_keys(common, started);
    g_autoptr(CliAnswer) ended = follow(command, common, &status);
    if (ended == NULL)
        return status;
    status = show_keys(common, ended);
    if (status != CLI_DONE)
        return status;
    if (count_sealed(ended->body, &all) == 0) {
        if (!common->as_json)
            tell_activated(ended->body);
        return status;
    }
    return cli_complain(command, CLI_ANSWER_IS_NO,
        say("some values are still under a former key; the service's log says why"));
}

/* --- export and import --------------------------------------------------------------------------
 */

/* Where a slip of the hand would cost the keys, it is asked for twice. */
static Secret *ask_passphrase(const Wishes *w, gboolean twice, GError **error)
{
    if (w->passphrase_stdin || !terminal_is_interactive())
        return terminal_read_secret(TERMINAL_PASSPHRASE, STDIN_FILENO, error);
    g_autoptr(Secret) first = terminal_ask_secret(TERMINAL_PASSPHRASE, say("Passphrase: "), error);
    if (first == NULL || !twice)
        return g_steal_pointer(&first);
    g_autoptr(Secret) second = terminal_ask_secret(TERMINAL_PASSPHRASE, say("Once more: "), error);
    if (second == NULL)
        return NULL;
    if (secret_equal(first, second))
        return g_steal_pointer(&first);
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, say("these were two different ones"));
    return NULL;
}

/* A new file for its owner's eyes; "-" is standard output. */
static gboolean put_export(const char *file, const char *text)
{
    gboolean is_stdout = strcmp(file, "-") == 0;
    int fd = is_stdout ? STDOUT_FILENO : open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    gsize n = strlen(text), done = 0;
    while (fd >= 0 && done < n) {
        gssize put = write(fd, text + done, n - done);
        if (put <= 0)
            break;
        done += (gsize)put;
    }
    if (is_stdout || fd < 0)
        return fd >= 0 && done == n;
    gboolean is_kept = done == n && fsync(fd) == 0;
    int fault = errno;
    if (close(fd) == 0 && is_kept)
        return TRUE;
    g_unlink(file); /* the next try finds room for a whole one */
    errno = fault;
    return FALSE;
}

static CliExit complain_unwritten(const CliCommand *command, const char *file, int fault)
{
    g_autofree char *sentence =
        fault == EEXIST
            ? g_strdup_printf(say("there is a file %s already, and it stays as it is"), file)
            : g_strdup_printf(say("%s cannot be written: %s"), file, g_strerror(fault));
    return cli_complain(command, CLI_ANSWER_IS_NO, sentence);
}

static CliExit export_to(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *file)
{
    CliExit status = CLI_DONE;
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) passphrase = ask_passphrase(w, TRUE, &error);
    g_autoptr(GBytes) body = passphrase == NULL ? NULL : request_key_export(passphrase, &error);
    if (body == NULL)
        return cli_complain(command, CLI_USAGE, error->message);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "POST", "/v1/keys/export", body, NULL, &status);
    if (answer == NULL || !cli_answer_is_good(answer))
        return answer == NULL ? status : cli_show(common, answer, format_problem);
    const char *text = json_string_value(json_object_get(answer->body, "text"));
    errno = EPROTO; /* of an answer without a text */
    if (text == NULL || !put_export(file, text))
        return complain_unwritten(command, file, errno);
    fprintf(stderr, "✓ %s\n",
        say("The keys are exported. Keep them offline, apart from backups, "
            "and the passphrase elsewhere."));
    return CLI_DONE;
}

static CliExit import_from(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) passphrase = ask_passphrase(w, FALSE, &error);
    return passphrase == NULL ? cli_complain(command, CLI_USAGE, error->message)
                              : key_offline_import(command, common, file, passphrase);
}

/* --- which of them ------------------------------------------------------------------------------
 */

static CliExit add_key(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *unused)
{
    return w->key_file != NULL ? key_offline_change(command, common, w->key_file, KEY_ADD, NULL)
                               : change(command, common, "/v1/keys", tell_added);
}

static CliExit activate_key(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *id)
{
    return w->key_file != NULL ? key_offline_change(command, common, w->key_file, KEY_ACTIVATE, id)
                               : activate(command, common, id);
}

static CliExit retire_key(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *id)
{
    g_autofree char *path = path_of(id, "/retire");
    return w->key_file != NULL ? key_offline_change(command, common, w->key_file, KEY_RETIRE, id)
                               : change(command, common, path, tell_retired);
}

static CliExit show_status(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const char *unused)
{
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "GET", "/v1/keys", NULL, NULL, &status);
    return answer == NULL ? status : show_keys(common, answer);
}

static const struct {
    const char *name;
    enum { NOTHING, KEY_ID, FILE_NAME } takes;
    CliExit (*run)(
        const CliCommand *command, const CliCommon *common, const Wishes *w, const char *argument);
} deeds[] = {
    {"status", NOTHING, show_status},
    {"add", NOTHING, add_key},
    {"activate", KEY_ID, activate_key},
    {"retire", KEY_ID, retire_key},
    {"export", FILE_NAME, export_to},
    {"import", FILE_NAME, import_from},
};

CliExit cli_key(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {0};
    const GOptionEntry entries[] = {
        {"key-file", 0, 0, CLI_TEXT, &w.key_file,
            SAY_LATER("add, activate, retire: change this file, which no service uses"),
            SAY_LATER("FILE")},
        {"passphrase-stdin", 0, 0, G_OPTION_ARG_NONE, &w.passphrase_stdin,
            SAY_LATER("read the passphrase from standard input"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, CLI_ARGUMENTS, &argc, &argv, &status))
        return status;
    for (gsize i = 0; i < G_N_ELEMENTS(deeds); i++) {
        if (strcmp(argv[1], deeds[i].name) != 0 || argc != (deeds[i].takes == NOTHING ? 2 : 3))
            continue;
        if (deeds[i].takes == KEY_ID && !id_parse(argv[2], "", &(Id){{0}}))
            return cli_complain(command, CLI_USAGE, say("a key's id is 32 hexadecimal digits"));
        return deeds[i].run(command, &common, &w, argv[2]);
    }
    return cli_complain(command, CLI_USAGE,
        say("needs status, add, activate ID, retire ID, export FILE or import FILE"));
}
