#include "cli/queue_bulk.h"

#include "cli/format.h"
#include "cli/format_queue.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

static gboolean is_cancel(const QueueBulk *bulk)
{
    return strcmp(bulk->action, "cancel") == 0;
}

/* --- The question ------------------------------------------------------------------------------
 */

static char *question_of(const QueueBulk *bulk, const char *number)
{
    if (is_cancel(bulk))
        return g_strdup_printf(say("Really never send any of these emails (%s)? [y/N]"), number);
    if (bulk->again)
        return g_strdup_printf(
            say("Send these emails (%s) again, as far as possible? What may have arrived already "
                "may then arrive twice. [y/N]"),
            number);
    return g_strdup_printf(
        say("Send these emails (%s) again, as far as possible? What may have arrived already is "
            "left out. [y/N]"),
        number);
}

static gboolean has_begun(const json_t *total)
{
    return json_integer_value(json_object_get(total, "done")) > 0 ||
           json_array_size(json_object_get(total, "skipped")) > 0;
}

static CliExit show_total(const CliCommon *common, const QueueBulk *bulk, const json_t *total)
{
    gboolean is_in_vain =
        has_begun(total) && json_integer_value(json_object_get(total, "done")) == 0;
    if (common->as_json) {
        cli_print_json(total);
    } else {
        g_autofree char *text = is_cancel(bulk) ? format_cancelled(total) : format_retried(total);
        fputs(text, stdout);
    }
    return is_in_vain ? CLI_ANSWER_IS_NO : CLI_DONE;
}

/* FALSE: it shall not be done, and *status is what to end with. */
static gboolean ask_first(const CliCommand *command, const CliCommon *common, const QueueBulk *bulk,
    const json_t *total, CliExit *status)
{
    g_autoptr(GString) path = g_string_new("/v1/emails/count");
    cli_add_query(path, "state", bulk->state);
    cli_add_query(path, "class", bulk->class);
    g_autoptr(CliAnswer) found = cli_ask(command, common, "GET", path->str, NULL, NULL, status);
    if (found == NULL)
        return FALSE;
    if (!cli_answer_is_good(found)) {
        *status = cli_show(common, found, format_problem);
        return FALSE;
    }
    json_int_t count = json_integer_value(json_object_get(found->body, "count"));
    if (count == 0) { /* what comes after this was not asked about */
        *status = show_total(common, bulk, total);
        return FALSE;
    }
    gboolean are_more = json_is_true(json_object_get(found->body, "has_more"));
    g_autofree char *number = g_strdup_printf(are_more ? say("more than %d") : "%d", (int)count);
    g_autofree char *question = question_of(bulk, number);
    if (terminal_confirm(question))
        return TRUE;
    *status = cli_complain(command, CLI_ANSWER_IS_NO, say("nothing was changed"));
    return FALSE;
}

/* --- Doing it ----------------------------------------------------------------------------------
 */

/* NULL: not UTF-8. */
static json_t *filter_of(const QueueBulk *bulk)
{
    json_t *filter = json_object();
    if (cli_put(filter, "state", bulk->state) && cli_put(filter, "class", bulk->class))
        return filter;
    json_decref(filter);
    return NULL;
}

/* One request, behind what `total` has seen. */
static CliAnswer *change_some(const CliCommand *command, const CliCommon *common,
    const QueueBulk *bulk, json_t *filter, const json_t *total, CliExit *status)
{
    json_t *request = json_pack("{s:s, s:O, s:O}", "action", bulk->action, "filter", filter,
        "after", json_object_get(total, "next"));
    if (bulk->again && !is_cancel(bulk))
        json_object_set_new(request, "uncertain", json_true());
    g_autoptr(GBytes) body = cli_body(request);
    return cli_ask(command, common, "POST", "/v1/emails/bulk", body, NULL, status);
}

static void add_some(json_t *total, const json_t *some)
{
    json_int_t done = json_integer_value(json_object_get(total, "done")) +
                      json_integer_value(json_object_get(some, "done"));
    const json_t *next = json_object_get(some, "next");
    json_object_set_new(total, "done", json_integer(done));
    json_array_extend(json_object_get(total, "skipped"), json_object_get(some, "skipped"));
    json_object_set_new(
        total, "next", json_is_string(next) ? json_string(json_string_value(next)) : json_null());
}

/* Until all are done, or one request is refused: then what was done before is said, too. */
static CliExit change_all(const CliCommand *command, const CliCommon *common, const QueueBulk *bulk,
    json_t *filter, json_t *total)
{
    do {
        CliExit status = CLI_DONE;
        g_autoptr(CliAnswer) some = change_some(command, common, bulk, filter, total, &status);
        gboolean is_good = some != NULL && cli_answer_is_good(some);
        if (!is_good && has_begun(total))
            show_total(common, bulk, total);
        if (some == NULL)
            return status;
        if (!is_good && has_begun(total)) {
            g_autofree char *why = format_problem(some->body);
            fprintf(stderr, say("The rest was left as it is. %s"), why);
            return CLI_ANSWER_IS_NO;
        }
        if (!is_good)
            return cli_show(common, some, format_problem);
        add_some(total, some->body);
    } while (json_is_string(json_object_get(total, "next")));
    return show_total(common, bulk, total);
}

CliExit queue_bulk(const CliCommand *command, const CliCommon *common, const QueueBulk *bulk)
{
    CliExit status = CLI_DONE;
    json_t *filter = filter_of(bulk);
    if (filter == NULL)
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    json_t *total =
        json_pack("{s:s, s:i, s:[], s:n}", "object", "bulk", "done", 0, "skipped", "next");
    if (!bulk->is_sure && !terminal_is_interactive())
        status = cli_complain(command, CLI_USAGE,
            say("there is no terminal to ask on: --yes says that you are sure"));
    else if (bulk->is_sure || ask_first(command, common, bulk, total, &status))
        status = change_all(command, common, bulk, filter, total);
    json_decref(total);
    json_decref(filter);
    return status;
}
