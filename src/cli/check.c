/* check: starts a verification and shows the ladder while it happens. The API verifies drafts only;
 * so a trial makes one, and takes it away again. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/tls_mode.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_US (150 * 1000)
#define PORT_DEFAULT 587
#define CLEAR_LINE "\r\033[K"

typedef struct {
    char *host, *security, *username, *from, *from_name, *probe;
    int port;
    gboolean password_stdin, activate, transcript, replace_draft;
} Wishes;

static void wishes_clear(Wishes *w)
{
    char *texts[] = {w->host, w->security, w->username, w->from, w->from_name, w->probe};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

/* Every field at its default, so that nothing of what is stored gets in. */
static json_t *make_blank_settings(void)
{
    return json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:i, s:i, s:n}", "host", "port",
        "security", "username", "from_email", "from_name", "ehlo_name", "max_connections",
        LIMIT_CONNECTIONS_DEFAULT, "window", LIMIT_WINDOW_DEFAULT, "quota");
}

/* Another server has its settings to itself: whoever names one names all. NULL if an argument is
 * not UTF-8. The caller frees with json_decref. */
static json_t *make_settings(const Wishes *w)
{
    gboolean is_whole = w->host != NULL || w->port != 0;
    json_t *settings = is_whole ? make_blank_settings() : json_object();
    if (w->port != 0)
        json_object_set_new(settings, "port", json_integer(w->port));
    const char *security = w->security;
    if (is_whole && security == NULL)
        security = tls_mode_name(tls_mode_for_port(w->port != 0 ? (guint16)w->port : PORT_DEFAULT));
    if (cli_put(settings, "host", w->host) && cli_put(settings, "security", security) &&
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
        return terminal_read_secret(TERMINAL_PASSWORD, STDIN_FILENO, error);
    if (json_object_size(settings) == 0 || !terminal_is_interactive())
        return NULL;
    Secret *typed =
        terminal_ask_secret(TERMINAL_PASSWORD, say("Password (empty: the stored one): "), error);
    if (typed != NULL && secret_is_empty(typed))
        g_clear_pointer(&typed, secret_free);
    return typed;
}

/* The request, or NULL after a complaint. */
static GBytes *make_body(const CliCommand *command, const Wishes *w, const json_t *settings)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) password = get_password(w, settings, &error);
    GBytes *body = error != NULL
                       ? NULL
                       : request_verification(settings, password, w->activate, w->probe, &error);
    if (body == NULL)
        cli_complain(command, CLI_USAGE, error->message);
    return body;
}

/* --- the draft that a trial makes --------------------------------------------------------------
 */

/* The answer to GET /v1/smtp, or NULL and *status after a complaint. */
static CliAnswer *ask_for_smtp(const CliCommand *command, const CliCommon *common, CliExit *status)
{
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "GET", "/v1/smtp", NULL, NULL, status);
    if (answer == NULL || cli_answer_is_good(answer))
        return g_steal_pointer(&answer);
    *status = cli_show(common, answer, format_problem);
    return NULL;
}

static gboolean has_draft(const CliAnswer *smtp)
{
    return json_is_object(json_object_get(smtp->body, "draft"));
}

/* What there was before the trial. A draft was made by somebody, and its password cannot be read
 * back: it stays, with this trial or without. */
typedef struct {
    gboolean has_draft;
    gboolean is_in_force; /* nothing else is tried than what mail is sent with */
} Before;

/* Takes away what the trial left, unless somebody has changed it meanwhile. */
static void discard_draft(const CliCommand *command, const CliCommon *common, json_int_t revision)
{
    CliExit status = CLI_DONE;
    g_autofree char *header = g_strdup_printf("If-Match: \"%" JSON_INTEGER_FORMAT "\"", revision);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "DELETE", "/v1/smtp/draft", NULL, header, &status);
    if (answer != NULL && !cli_answer_is_good(answer))
        cli_complain(command, CLI_DONE, say("the draft was changed meanwhile and stays"));
}

/* A refused request may have left a draft too: what was typed is kept for the page. */
static void discard_refused_draft(const CliCommand *command, const CliCommon *common)
{
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) smtp = ask_for_smtp(command, common, &status);
    if (smtp != NULL && has_draft(smtp))
        discard_draft(command, common, json_integer_value(json_object_get(smtp->body, "revision")));
}

/* --- following the verification ----------------------------------------------------------------
 */

/* ^C cancels the verification, so that nothing stays behind; a second one ends the program. */
static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    is_interrupted = 1;
}

static void listen_for_interrupts(void)
{
    const struct sigaction action = {
        .sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    is_interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
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

/* Once after ^C. The verification says itself that it was cancelled. */
static void cancel_if_interrupted(
    const CliCommand *command, const CliCommon *common, const char *path)
{
    if (!is_interrupted)
        return;
    is_interrupted = 0;
    CliExit status = CLI_DONE;
    cli_answer_free(cli_ask(command, common, "DELETE", path, NULL, NULL, &status));
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
        cancel_if_interrupted(command, common, path);
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

static CliExit show_end(
    const CliCommon *common, const CliAnswer *answer, const Wishes *w, const Before *before)
{
    if (!cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    cli_show(common, answer, before->is_in_force ? format_check_in_force : format_verification_end);
    if (w->transcript && !common->as_json) {
        g_autofree char *transcript = format_transcript(answer->body);
        fputs(transcript, stdout);
    }
    return strcmp(state_of(answer->body), "passed") == 0 ? CLI_DONE : CLI_ANSWER_IS_NO;
}

static CliExit verify(const CliCommand *command, const CliCommon *common, const Wishes *w,
    GBytes *body, const Before *before)
{
    CliExit status = CLI_DONE;
    listen_for_interrupts();
    g_autoptr(CliAnswer) started =
        cli_ask(command, common, "POST", "/v1/smtp/verifications", body, NULL, &status);
    if (started == NULL)
        return status;
    const char *id = json_string_value(json_object_get(started->body, "id"));
    if (!cli_answer_is_good(started) || id == NULL) {
        cli_show(common, started, format_problem);
        if (!before->has_draft)
            discard_refused_draft(command, common);
        return CLI_ANSWER_IS_NO;
    }
    g_autoptr(CliAnswer) ended = follow(command, common, id, &status);
    if (ended == NULL)
        return status;
    status = show_end(common, ended, w, before);
    if (!before->has_draft && !json_is_true(json_object_get(ended->body, "activated")))
        discard_draft(
            command, common, json_integer_value(json_object_get(ended->body, "revision")));
    return status;
}

static CliExit check(
    const CliCommand *command, const CliCommon *common, const Wishes *w, const json_t *settings)
{
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) smtp = ask_for_smtp(command, common, &status);
    if (smtp == NULL)
        return status;
    gboolean names_nothing = json_object_size(settings) == 0 && !w->password_stdin;
    const Before before = {
        .has_draft = has_draft(smtp),
        .is_in_force = names_nothing && !has_draft(smtp) &&
                       json_is_object(json_object_get(smtp->body, "active")),
    };
    if (before.has_draft && !names_nothing && !w->replace_draft)
        return cli_complain(command, CLI_ANSWER_IS_NO,
            say("there is a draft already; perhaps somebody is typing it in the page. "
                "--replace-draft overwrites it, check without settings verifies it"));
    g_autoptr(GBytes) body = make_body(command, w, settings);
    return body == NULL ? CLI_USAGE : verify(command, common, w, body, &before);
}

CliExit cli_check(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {0};
    const GOptionEntry entries[] = {
        {"host", 0, 0, CLI_TEXT, &w.host, SAY_LATER("server name"), SAY_LATER("HOST")},
        {"port", 0, 0, G_OPTION_ARG_INT, &w.port, SAY_LATER("port (587)"), "N"},
        {"security", 0, 0, CLI_TEXT, &w.security,
            SAY_LATER("how TLS starts (implicit on 465 and 2465, else starttls)"),
            "starttls|implicit"},
        {"username", 0, 0, CLI_TEXT, &w.username, SAY_LATER("user name (the sender address)"),
            SAY_LATER("NAME")},
        {"from", 0, 0, CLI_TEXT, &w.from, SAY_LATER("sender address"), SAY_LATER("ADDRESS")},
        {"from-name", 0, 0, CLI_TEXT, &w.from_name, SAY_LATER("sender name"), SAY_LATER("NAME")},
        {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &w.password_stdin,
            SAY_LATER("read the password from standard input"), NULL},
        {"probe", 0, 0, CLI_TEXT, &w.probe,
            SAY_LATER("also ask whether this recipient would be taken"), SAY_LATER("ADDRESS")},
        {"activate", 0, 0, G_OPTION_ARG_NONE, &w.activate,
            SAY_LATER("send with these settings if they work"), NULL},
        {"transcript", 0, 0, G_OPTION_ARG_NONE, &w.transcript,
            SAY_LATER("print what was said, without secrets"), NULL},
        {"replace-draft", 0, 0, G_OPTION_ARG_NONE, &w.replace_draft,
            SAY_LATER("overwrite the draft that is in the page"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    json_t *settings = make_settings(&w);
    if (settings == NULL)
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    status = check(command, &common, &w, settings);
    json_decref(settings);
    return status;
}
