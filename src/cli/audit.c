/* audit: who did what, and whether the log is what was written. */
#include "base/limits.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <string.h>

typedef struct {
    char *action, *actor, *since, *until; /* list; NULL: all */
    char *head;                           /* verify; NULL: none */
    int limit;
} Wishes;

static void wishes_clear(Wishes *w)
{
    g_free(w->action);
    g_free(w->actor);
    g_free(w->since);
    g_free(w->until);
    g_free(w->head);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

static CliExit list(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    CliExit status = CLI_DONE;
    g_autoptr(GString) path = g_string_new("/v1/audit-events");
    cli_add_query(path, "action", w->action);
    cli_add_query(path, "actor", w->actor);
    cli_add_query(path, "since", w->since);
    cli_add_query(path, "until", w->until);
    g_autoptr(CliAnswer) all = cli_ask_list(command, common, path->str, (gsize)w->limit, &status);
    return all == NULL ? status : cli_show_list(common, all, format_audit);
}

static CliExit verify(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    CliExit status = CLI_DONE;
    g_autoptr(GString) path = g_string_new("/v1/audit-events/check");
    cli_add_query(path, "head", w->head);
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "GET", path->str, NULL, NULL, &status);
    if (answer == NULL)
        return status;
    status = cli_show(common, answer, format_audit_check);
    gboolean is_ok = json_is_true(json_object_get(answer->body, "ok"));
    return status == CLI_DONE && !is_ok ? CLI_ANSWER_IS_NO : status;
}

CliExit cli_audit(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {.limit = LIMIT_PAGE_DEFAULT};
    const GOptionEntry entries[] = {
        {"action", 0, 0, CLI_TEXT, &w.action,
            SAY_LATER("list: only what begins so (invitation., smtp.sending_on …)"),
            SAY_LATER("ACTION")},
        {"actor", 0, 0, CLI_TEXT, &w.actor, SAY_LATER("list: only who has this in the name"),
            SAY_LATER("NAME")},
        {"since", 0, 0, CLI_TEXT, &w.since, SAY_LATER("list: not before"), "2026-12-24T00:00:00Z"},
        {"until", 0, 0, CLI_TEXT, &w.until, SAY_LATER("list: only before"), "2026-12-25T00:00:00Z"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &w.limit, SAY_LATER("list: at most so many (50)"), "N"},
        {"head", 0, 0, CLI_TEXT, &w.head,
            SAY_LATER("verify: a head that was printed earlier must be in the log"),
            SAY_LATER("HASH")},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, CLI_ANY_ARGUMENTS, &argc, &argv, &status))
        return status;
    const char *deed = argc > 1 ? argv[1] : "list";
    if (argc <= 2 && strcmp(deed, "list") == 0 && w.limit > 0)
        return list(command, &common, &w);
    if (argc == 2 && strcmp(deed, "verify") == 0)
        return verify(command, &common, &w);
    return cli_complain(command, CLI_USAGE, say("needs list or verify; --help shows the usage"));
}
