#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

/* The token alone goes to standard output, so that a script can take it. */
static CliExit show_token(const CliCommon *common, const CliAnswer *answer)
{
    if (common->as_json || !cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    g_autofree char *token = format_text(answer->body, "token");
    if (token == NULL)
        return CLI_ANSWER_IS_NO;
    printf("%s\n", token);
    fprintf(stderr, "%s\n", say("Keep it now: it is not shown again."));
    return CLI_DONE;
}

CliExit cli_token(const CliCommand *command, int argc, char **argv)
{
    g_autofree char *name = NULL, *expires_at = NULL;
    g_auto(GStrv) scopes = NULL;
    const GOptionEntry entries[] = {
        {"name", 0, 0, CLI_TEXT, &name, SAY_LATER("what it is for"), SAY_LATER("NAME")},
        {"scope", 0, 0, CLI_TEXTS, &scopes, SAY_LATER("what it may do; may be repeated"),
            SAY_LATER("SCOPE")},
        {"expires-at", 0, 0, CLI_TEXT, &expires_at, SAY_LATER("when it ends (never)"),
            "2027-12-31T00:00:00Z"},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 1, &argc, &argv, &status))
        return status;
    if (strcmp(argv[1], "create") != 0 || name == NULL || scopes == NULL)
        return cli_complain(
            command, CLI_USAGE, say("needs \"create\", --name and at least one --scope"));
    json_t *token = json_object();
    if (!cli_put(token, "name", name) || !cli_put_list(token, "scopes", scopes) ||
        !cli_put(token, "expires_at", expires_at)) {
        json_decref(token);
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    }
    g_autoptr(GBytes) body = cli_body(token);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, &common, "POST", "/v1/tokens", body, NULL, &status);
    return answer == NULL ? status : show_token(&common, answer);
}
