/* backup: has the service write a copy of its database while it works, and shows how far it is. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

#define POLL_US (100 * 1000)

static char *mib_of(const json_t *backup, const char *pages)
{
    return format_mib(json_integer_value(json_object_get(backup, pages)) *
                      json_integer_value(json_object_get(backup, "page_bytes")));
}

static gboolean is_in_state(const json_t *backup, const char *state)
{
    return g_strcmp0(json_string_value(json_object_get(backup, "state")), state) == 0;
}

/* --- how far it is -----------------------------------------------------------------------------
 */

static void show_progress(CliProgress *progress, const json_t *backup)
{
    gint64 page_bytes = json_integer_value(json_object_get(backup, "page_bytes"));
    progress_show_bytes(progress,
        json_integer_value(json_object_get(backup, "pages_done")) * page_bytes,
        json_integer_value(json_object_get(backup, "pages_total")) * page_bytes);
}

/* Asks until it has ended. NULL and *status if the daemon went away. */
static CliAnswer *follow(const CliCommand *command, const CliCommon *common, CliExit *status)
{
    CliProgress progress = {0};
    for (;;) {
        g_autoptr(CliAnswer) answer =
            cli_ask(command, common, "GET", "/v1/backups/current", NULL, NULL, status);
        if (answer == NULL)
            return NULL;
        if (cli_answer_is_good(answer) && !common->as_json)
            show_progress(&progress, answer->body);
        if (!cli_answer_is_good(answer) || !is_in_state(answer->body, "running")) {
            if (!common->as_json)
                progress_end(&progress);
            return g_steal_pointer(&answer);
        }
        g_usleep(POLL_US);
    }
}

/* --- how it ended ------------------------------------------------------------------------------
 */

static char *format_end(const json_t *backup)
{
    GString *out = g_string_new(NULL);
    g_autofree char *path = format_text(backup, "path");
    g_autofree char *detail = format_text(backup, "detail");
    if (is_in_state(backup, "complete")) {
        g_autofree char *size = mib_of(backup, "pages_total");
        g_string_append_printf(
            out, say("✓ The backup is complete: %s, %s MiB\n"), path != NULL ? path : "?", size);
        g_string_append_printf(out, "  %s\n",
            say("The key is not in it, and without the key nobody can use it: keep a copy of the "
                "file \"key\", in another place than the backup."));
    } else {
        g_string_append_printf(out, say("✗ There is no backup: %s"), detail != NULL ? detail : "?");
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static CliExit show_end(const CliCommon *common, const CliAnswer *answer)
{
    if (!cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    gboolean is_complete = is_in_state(answer->body, "complete");
    if (common->as_json) {
        cli_print_json(answer->body);
    } else {
        g_autofree char *text = format_end(answer->body);
        fputs(text, is_complete ? stdout : stderr);
    }
    return is_complete ? CLI_DONE : CLI_ANSWER_IS_NO;
}

/* The service has another working folder than this command. */
static GBytes *make_request(const char *file, gboolean replace)
{
    g_autofree char *path = g_canonicalize_filename(file, NULL);
    json_t *body = json_pack("{s:b}", "replace", replace);
    if (cli_put(body, "path", path))
        return cli_body(body);
    json_decref(body);
    return NULL;
}

CliExit cli_backup(const CliCommand *command, int argc, char **argv)
{
    gboolean replace = FALSE;
    const GOptionEntry entries[] = {
        {"replace", 0, 0, G_OPTION_ARG_NONE, &replace,
            SAY_LATER("overwrite an earlier backup of that name"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 1, &argc, &argv, &status))
        return status;
    g_autoptr(GBytes) body = make_request(argv[1], replace);
    if (body == NULL)
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    g_autoptr(CliAnswer) started =
        cli_ask(command, &common, "POST", "/v1/backups", body, NULL, &status);
    if (started == NULL)
        return status;
    if (!cli_answer_is_good(started))
        return cli_show(&common, started, format_problem);
    g_autoptr(CliAnswer) ended = follow(command, &common, &status);
    return ended == NULL ? status : show_end(&common, ended);
}
