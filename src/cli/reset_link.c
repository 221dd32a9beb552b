/* reset-link: the way back in for somebody who cannot sign in and gets no mail. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <stdio.h>

/* The id of the member with this address; NULL and *status if there is none, which has been said.
 * The caller frees. */
static char *find_member(
    const CliCommand *command, const CliCommon *common, const char *email, CliExit *status)
{
    g_autoptr(GString) path = g_string_new("/v1/members");
    cli_add_query(path, "email", email);
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "GET", path->str, NULL, NULL, status);
    if (answer == NULL)
        return NULL;
    if (!cli_answer_is_good(answer)) {
        *status = cli_show(common, answer, format_problem);
        return NULL;
    }
    char *id = format_text(json_array_get(json_object_get(answer->body, "data"), 0), "id");
    if (id == NULL)
        *status =
            cli_complain(command, CLI_ANSWER_IS_NO, say("there is no member of this address"));
    return id;
}

/* The link alone goes to standard output. */
static CliExit show_link(const CliCommon *common, const CliAnswer *answer)
{
    if (common->as_json || !cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    g_autofree char *link = format_text(answer->body, "link");
    g_autofree char *until = format_time(answer->body, "expires_at");
    if (link == NULL)
        return CLI_ANSWER_IS_NO;
    printf("%s\n", link);
    fprintf(stderr, say("Works once, until %s. Earlier links of this account no longer work."),
        until != NULL ? until : "?");
    fputc('\n', stderr);
    return CLI_DONE;
}

CliExit cli_reset_link(const CliCommand *command, int argc, char **argv)
{
    const GOptionEntry entries[] = {{0}};
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 1, &argc, &argv, &status))
        return status;
    g_autofree char *id = find_member(command, &common, argv[1], &status);
    if (id == NULL)
        return status;
    g_autofree char *path = g_strconcat("/v1/members/", id, "/reset-link", NULL);
    g_autoptr(CliAnswer) answer = cli_ask(command, &common, "POST", path, NULL, NULL, &status);
    return answer == NULL ? status : show_link(&common, answer);
}
