/* check: starts a verification and shows the ladder while it happens. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_US (150 * 1000)
#define CLEAR_LINE "\r\033[K"

typedef struct {
    char *host, *security, *username, *from, *from_name, *probe;
    int port;
    gboolean password_stdin, activate, transcript;
} Wishes;

static void wishes_clear(Wishes *w)
{
    char *texts[] = {w->host, w->security, w->username, w->from, w->from_name, w->probe};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

/* NULL if an argument is not UTF-8. The caller frees with json_decref. */
static json_t *make_settings(const Wishes *w)
{
    json_t *settings = json_object();
    if (w->port != 0)
        json_object_set_new(settings, "port", json_integer(w->port));
    if (cli_put(settings, "host", w->host) && cli_put(settings, "security", w->security) &&
        cli_put(settings, "username", w->username) && cli_put(settings, "from_email", w->from) &&
        cli_put(settings, "from_name", w->from_name))
        return settings;
    json_decref(settings);
    return NULL;
}

/* The password that goes with the settings; NULL without error: the stored one. */
static Secret *get_password(const Wishes *w, const json_t *settings, GError **error)
{
    if (w->password_stdin)
        return terminal_read_password(STDIN_FILENO, error);
    if (json_object_size(settings) == 0 || !terminal_is_interactive())
        return NULL;
    Secret *typed = terminal_ask_password(say("Password (empty: the stored one): "), error);
    if (typed != NULL && secret_is_empty(typed))
        g_clear_pointer(&typed, secret_free);
    return typed;
}

/* The request, or NULL after a complaint. */
static GBytes *make_body(const CliCommand *command, const Wishes *w)
{
    json_t *settings = make_settings(w);
    if (settings == NULL) {
        cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
        return NULL;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) password = get_password(w, settings, &error);
    GBytes *body = error != NULL
                       ? NULL
                       : request_verification(settings, password, w->activate, w->probe, &error);
    if (body == NULL)
        cli_complain(command, CLI_USAGE, error->message);
    json_decref(settings);
    return body;
}

static const char *state_of(const json_t *object)
{
    const char *state = json_string_value(json_object_get(object, "state"));
    return state != NULL ? state : "";
}

static gboolean is_running(const json_t *verification)
{
    return strcmp(state_of(verification), "running") == 0;
}

/* Prints the rungs that have ended since the last call; on a terminal also the one under way, in a
 * line that the next call overwrites. Returns how many have been printed in all. */
static gsize print_ladder(const json_t *verification, gsize n_printed, gboolean is_last)
{
    gboolean is_terminal = terminal_shows_output();
    const json_t *phases = json_object_get(verification, "phases");
    if (is_terminal)
        fputs(CLEAR_LINE, stdout);
    for (; n_printed < json_array_size(phases); n_printed++) {
        const json_t *phase = json_array_get(phases, n_printed);
        const char *state = state_of(phase);
        gboolean has_ended = strcmp(state, "pending") != 0 && strcmp(state, "running") != 0;
        if (!has_ended && !is_last) {
            if (is_terminal)
                printf("  … %s", format_phase_name(phase));
            break;
        }
        g_autofree char *line = format_phase(phase);
        fputs(line, stdout);
    }
    fflush(stdout);
    return n_printed;
}

/* Asks again until the verification has ended. NULL and *status if the daemon went away. */
static CliAnswer *follow(
    const CliCommand *command, const CliCommon *common, const char *id, CliExit *status)
{
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *path = g_strconcat("/v1/smtp/verifications/", escaped, NULL);
    MonoMs give_up_at = clock_mono_ms() + 2 * LIMIT_VERIFICATION_MS;
    gsize n_printed = 0;
    gboolean is_first = TRUE;
    for (;;) {
        g_autoptr(CliAnswer) answer = cli_ask(command, common, "GET", path, NULL, NULL, status);
        if (answer == NULL)
            return NULL;
        gboolean is_last = !cli_answer_is_good(answer) || !is_running(answer->body);
        if (cli_answer_is_good(answer) && !common->as_json) {
            g_autofree char *start = format_verification_start(answer->body);
            if (is_first)
                fputs(start, stdout);
            n_printed = print_ladder(answer->body, n_printed, is_last);
        }
        is_first = FALSE;
        if (is_last)
            return g_steal_pointer(&answer);
        if (clock_mono_ms() > give_up_at) {
            *status = cli_complain(
                command, CLI_ANSWER_IS_NO, say("the verification does not come to an end"));
            return NULL;
        }
        g_usleep(POLL_US);
    }
}

static CliExit show_end(const CliCommon *common, const CliAnswer *answer, gboolean want_transcript)
{
    if (!cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    cli_show(common, answer, format_verification_end);
    if (want_transcript && !common->as_json) {
        g_autofree char *transcript = format_transcript(answer->body);
        fputs(transcript, stdout);
    }
    return strcmp(state_of(answer->body), "passed") == 0 ? CLI_DONE : CLI_ANSWER_IS_NO;
}

static CliExit check(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    g_autoptr(GBytes) body = make_body(command, w);
    if (body == NULL)
        return CLI_USAGE;
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) started =
        cli_ask(command, common, "POST", "/v1/smtp/verifications", body, NULL, &status);
    if (started == NULL)
        return status;
    const char *id = json_string_value(json_object_get(started->body, "id"));
    if (!cli_answer_is_good(started) || id == NULL) {
        cli_show(common, started, format_problem);
        return CLI_ANSWER_IS_NO;
    }
    g_autoptr(CliAnswer) ended = follow(command, common, id, &status);
    return ended == NULL ? status : show_end(common, ended, w->transcript);
}

CliExit cli_check(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {0};
    const GOptionEntry entries[] = {
        {"host", 0, 0, CLI_TEXT, &w.host, SAY_LATER("server name"), "HOST"},
        {"port", 0, 0, G_OPTION_ARG_INT, &w.port, SAY_LATER("port (587)"), "N"},
        {"security", 0, 0, CLI_TEXT, &w.security,
            SAY_LATER("how TLS starts (implicit on 465, else starttls)"), "starttls|implicit"},
        {"username", 0, 0, CLI_TEXT, &w.username, SAY_LATER("user name (the sender address)"),
            "NAME"},
        {"from", 0, 0, CLI_TEXT, &w.from, SAY_LATER("sender address"), "ADDRESS"},
        {"from-name", 0, 0, CLI_TEXT, &w.from_name, SAY_LATER("sender name"), "NAME"},
        {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &w.password_stdin,
            SAY_LATER("read the password from standard input"), NULL},
        {"probe", 0, 0, CLI_TEXT, &w.probe,
            SAY_LATER("also ask whether this recipient would be taken"), "ADDRESS"},
        {"activate", 0, 0, G_OPTION_ARG_NONE, &w.activate,
            SAY_LATER("send with these settings if they work"), NULL},
        {"transcript", 0, 0, G_OPTION_ARG_NONE, &w.transcript,
            SAY_LATER("print what was said, without secrets"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    return check(command, &common, &w);
}
