/* queue: the emails that wait or have ended, and whether all are accounted for. */
#include "base/limits.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/format_queue.h"
#include "cli/queue_bulk.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_NOT_SAID G_MININT

typedef struct {
    char *state, *class;
    int limit;
    gboolean again; /* what may have arrived is sent again, too */
    gboolean is_sure;
} Wishes;

static void wishes_clear(Wishes *w)
{
    g_free(w->state);
    g_free(w->class);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

static char *email_path(const char *id, const char *action)
{
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    return g_strconcat("/v1/emails/", escaped, action, NULL);
}

/* --- list --------------------------------------------------------------------------------------
 */

/* Page after page, into the first answer. */
static CliExit list(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    CliExit status = CLI_DONE;
    g_autoptr(GString) path = g_string_new("/v1/emails");
    cli_add_query(path, "state", w->state);
    cli_add_query(path, "class", w->class);
    gsize n = w->limit == LIMIT_NOT_SAID ? LIMIT_PAGE_DEFAULT : (gsize)w->limit;
    g_autoptr(CliAnswer) all = cli_ask_list(command, common, path->str, n, &status);
    return all == NULL ? status : cli_show_list(common, all, format_queue);
}

/* --- show --------------------------------------------------------------------------------------
 */

/* "Europe/Berlin", not a rule ("CET-1CEST,M3.5.0/2") or a file. */
static gboolean is_zone_name(const char *zone)
{
    if (strcmp(zone, "UTC") == 0)
        return TRUE;
    if (!g_ascii_isalpha(zone[0]) || strchr(zone, '/') == NULL ||
        strlen(zone) > LIMIT_TIME_ZONE_OCTETS)
        return FALSE;
    for (const char *p = zone; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("/_+-", *p) == NULL)
            return FALSE;
    }
    return TRUE;
}

/* "/explanation?time_zone=Europe%2FBerlin": its times are those of this machine, like all others
 * that are shown. */
static char *explanation_action(void)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();
    const char *name = g_time_zone_get_identifier(zone);
    if (!is_zone_name(name))
        return g_strdup("/explanation");
    g_autofree char *escaped = g_uri_escape_string(name, NULL, FALSE);
    return g_strconcat("/explanation?time_zone=", escaped, NULL);
}

static CliExit show(const CliCommand *command, const CliCommon *common, const char *id)
{
    CliExit status = CLI_DONE;
    g_autofree char *path = email_path(id, "");
    g_autofree char *action = explanation_action();
    g_autofree char *why = email_path(id, action);
    g_autoptr(CliAnswer) email = cli_ask(command, common, "GET", path, NULL, NULL, &status);
    if (email == NULL)
        return status;
    if (!cli_answer_is_good(email))
        return cli_show(common, email, format_problem);
    g_autoptr(CliAnswer) explanation = cli_ask(command, common, "GET", why, NULL, NULL, &status);
    if (explanation == NULL)
        return status;
    if (cli_answer_is_good(explanation))
        json_object_set(email->body, "explanation", explanation->body);
    return cli_show(common, email, format_email_detail);
}

/* --- retry and cancel ---------------------------------------------------------------------------
 */

/* A retry would send again what the provider may have taken. What is sent at most once is refused
 * by the service. */
static gboolean may_arrive_twice(const json_t *email)
{
    const char *delivery = json_string_value(json_object_get(email, "delivery"));
    const json_t *recipients = json_object_get(email, "recipients");
    for (gsize i = 0; i < json_array_size(recipients); i++) {
        const json_t *state = json_object_get(json_array_get(recipients, i), "state");
        if (g_strcmp0(json_string_value(state), "uncertain") == 0)
            return g_strcmp0(delivery, "at_most_once") != 0;
    }
    return FALSE;
}

/* Asks for the action; a retry that may make two of one email only --again. NULL: it was left out
 * or nothing came back, which has been said, and *status is what to end with. */
static CliAnswer *ask_action(const CliCommand *command, const CliCommon *common, const Wishes *w,
    const char *action, const char *id, CliExit *status)
{
    g_autofree char *path = email_path(id, action);
    if (strcmp(action, "/retry") != 0 || w->again)
        return cli_ask(command, common, "POST", path, NULL, NULL, status);
    g_autofree char *email_itself = email_path(id, "");
    g_autoptr(CliAnswer) email = cli_ask(command, common, "GET", email_itself, NULL, NULL, status);
    if (email == NULL || !cli_answer_is_good(email))
        return g_steal_pointer(&email);
    if (!may_arrive_twice(email->body))
        return cli_ask(command, common, "POST", path, NULL, NULL, status);
    fprintf(stderr,
        say("%s: ✗ It may have arrived already, and would then arrive twice. --again sends it all "
            "the same.\n"),
        id);
    *status = CLI_ANSWER_IS_NO;
    return NULL;
}

/* One after the other: each says why if it is refused. */
static CliExit act_on_ids(const CliCommand *command, const CliCommon *common, const Wishes *w,
    const char *action, char **ids, int n_ids)
{
    CliExit worst = CLI_DONE;
    json_t *answers = json_array();
    for (int i = 0; i < n_ids && worst != CLI_UNREACHABLE; i++) {
        CliExit status = CLI_DONE;
        g_autoptr(CliAnswer) answer = ask_action(command, common, w, action, ids[i], &status);
        if (answer != NULL && common->as_json) {
            json_array_append(answers, answer->body);
            status = cli_answer_is_good(answer) ? CLI_DONE : CLI_ANSWER_IS_NO;
        } else if (answer != NULL) {
            if (!cli_answer_is_good(answer))
                fprintf(stderr, "%s: ", ids[i]);
            status = cli_show(common, answer, format_email);
        }
        worst = MAX(worst, status);
    }
    if (common->as_json) {
        json_t *list = json_pack("{s:s, s:O}", "object", "list", "data", answers);
        cli_print_json(list);
        json_decref(list);
    }
    json_decref(answers);
    return worst;
}

static CliExit act(const CliCommand *command, const CliCommon *common, const Wishes *w,
    const char *action, char **ids, int n_ids)
{
    const QueueBulk bulk = {
        .action = action + 1, /* without its slash */
        .state = w->state,
        .class = w->class,
        .again = w->again,
        .is_sure = w->is_sure,
    };
    return n_ids == 0 ? queue_bulk(command, common, &bulk)
                      : act_on_ids(command, common, w, action, ids, n_ids);
}

/* --- check -------------------------------------------------------------------------------------
 */

static CliExit check_books(const CliCommand *command, const CliCommon *common)
{
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "GET", "/v1/queue/check", NULL, NULL, &status);
    if (answer == NULL)
        return status;
    status = cli_show(common, answer, format_queue_check);
    gboolean is_balanced = json_is_true(json_object_get(answer->body, "balanced"));
    return status == CLI_DONE && !is_balanced ? CLI_ANSWER_IS_NO : status;
}

/* --- all of them -------------------------------------------------------------------------------
 */

static CliExit run(
    const CliCommand *command, const CliCommon *common, const Wishes *w, int argc, char **argv)
{
    const char *what = argv[1];
    gboolean has_filter = w->state != NULL || w->class != NULL;
    gboolean has_limit = w->limit != LIMIT_NOT_SAID;
    /* One or the other; a limit would not be kept to. */
    gboolean says_which = (argc > 2) != has_filter && !has_limit;
    if (strcmp(what, "list") == 0 && argc == 2 && (!has_limit || w->limit > 0))
        return list(command, common, w);
    if (strcmp(what, "show") == 0 && argc == 3)
        return show(command, common, argv[2]);
    if (strcmp(what, "retry") == 0 && says_which)
        return act(command, common, w, "/retry", argv + 2, argc - 2);
    if (strcmp(what, "cancel") == 0 && says_which)
        return act(command, common, w, "/cancel", argv + 2, argc - 2);
    if (strcmp(what, "check") == 0 && argc == 2)
        return check_books(command, common);
    return cli_complain(command, CLI_USAGE,
        say("needs list, show ID, retry, cancel or check; retry and cancel take IDs, or --state "
            "and --class; --help shows the usage"));
}

CliExit cli_queue(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {.limit = LIMIT_NOT_SAID};
    const GOptionEntry entries[] = {
        {"state", 0, 0, CLI_TEXT, &w.state,
            SAY_LATER("all in this state (queued, deferred, held, rejected …)"),
            SAY_LATER("STATE")},
        {"class", 0, 0, CLI_TEXT, &w.class, SAY_LATER("all of this class"), SAY_LATER("CLASS")},
        {"limit", 0, 0, G_OPTION_ARG_INT, &w.limit, SAY_LATER("list: at most so many (50)"), "N"},
        {"again", 0, 0, G_OPTION_ARG_NONE, &w.again,
            SAY_LATER("retry: also what may arrive twice then"), NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &w.is_sure, SAY_LATER("do not ask"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, CLI_ARGUMENTS, &argc, &argv, &status))
        return status;
    return run(command, &common, &w, argc, argv);
}
