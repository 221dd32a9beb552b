/* status, pause and resume: what the service does at the moment, and the switch for sending. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/format_queue.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <stdio.h>

CliExit cli_status(const CliCommand *command, int argc, char **argv)
{
    static const GOptionEntry entries[] = {{0}};
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    g_autoptr(CliAnswer) answer = cli_ask(command, &common, "GET", "/v1/smtp", NULL, NULL, &status);
    return answer == NULL ? status : cli_show(&common, answer, format_status);
}

/* settings is taken. */
static CliExit put_sending(const CliCommand *command, const CliCommon *common, json_t *settings)
{
    CliExit status = CLI_DONE;
    g_autoptr(GBytes) body = cli_body(settings);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "PUT", "/v1/smtp/sending", body, NULL, &status);
    if (answer == NULL)
        return status;
    json_int_t cancelled = json_integer_value(json_object_get(answer->body, "cancelled"));
    if (cancelled > 0 && !common->as_json)
        printf(say("%d cancelled\n"), (int)cancelled);
    return cli_show(common, answer, format_sending);
}

CliExit cli_pause(const CliCommand *command, int argc, char **argv)
{
    g_autofree char *reason = NULL, *until = NULL;
    const GOptionEntry entries[] = {
        {"reason", 0, 0, CLI_TEXT, &reason, SAY_LATER("shown to everybody who asks why"),
            SAY_LATER("TEXT")},
        {"until", 0, 0, CLI_TEXT, &until, SAY_LATER("when sending goes on by itself"),
            "2026-12-24T18:00:00Z"},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    json_t *body = json_pack("{s:b}", "enabled", FALSE);
    if (!cli_put(body, "reason", reason) || !cli_put(body, "until", until)) {
        json_decref(body);
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    }
    return put_sending(command, &common, body);
}

/* What would happen, and on a terminal whether it shall. FALSE and *status if not. */
static gboolean show_preview(
    const CliCommand *command, const CliCommon *common, gboolean is_sure, CliExit *status)
{
    g_autoptr(CliAnswer) preview =
        cli_ask(command, common, "GET", "/v1/smtp/sending/preview", NULL, NULL, status);
    if (preview == NULL)
        return FALSE;
    if (!cli_answer_is_good(preview)) {
        *status = cli_show(common, preview, format_problem);
        return FALSE;
    }
    if (!common->as_json)
        cli_show(common, preview, format_preview);
    if (is_sure || !terminal_is_interactive() || terminal_confirm(say("Switch sending on? [y/N]")))
        return TRUE;
    *status = cli_complain(command, CLI_ANSWER_IS_NO, say("nothing was changed"));
    return FALSE;
}

CliExit cli_resume(const CliCommand *command, int argc, char **argv)
{
    g_auto(GStrv) classes = NULL;
    gboolean is_sure = FALSE;
    const GOptionEntry entries[] = {
        {"cancel", 0, 0, CLI_TEXTS, &classes,
            SAY_LATER("first cancel what waits of this class; may be repeated"),
            SAY_LATER("CLASS")},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &is_sure, SAY_LATER("do not ask"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    json_t *body = json_pack("{s:b}", "enabled", TRUE);
    if (!cli_put_list(body, "cancel_classes", classes)) {
        json_decref(body);
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    }
    if (show_preview(command, &common, is_sure, &status))
        return put_sending(command, &common, body);
    json_decref(body);
    return status;
}
