/* status, pause and resume: what the service does at the moment, and the switch for sending. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

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
    return answer == NULL ? status : cli_show(common, answer, format_sending);
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

CliExit cli_resume(const CliCommand *command, int argc, char **argv)
{
    static const GOptionEntry entries[] = {{0}};
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    return put_sending(command, &common, json_pack("{s:b}", "enabled", TRUE));
}
