#include "cli/command.h"

#include "cli/format.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include "base/error.h"
#include "base/limits.h"
#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_DEFAULT "./var"
#define OPTION_COLUMN 28

/* The common options; each command has its own, which stand before these. */
enum { COMMON_DATA, COMMON_JSON, COMMON_HELP };
static const GOptionEntry common_entries[] = {
    [COMMON_DATA] = {"data", 0, 0, G_OPTION_ARG_FILENAME, NULL,
        SAY_LATER("folder of the running service (ABSENDER_DATA, else ./var)"), SAY_LATER("DIR")},
    [COMMON_JSON] = {"json", 0, 0, G_OPTION_ARG_NONE, NULL, SAY_LATER("print the API's answer"),
        NULL},
    [COMMON_HELP] = {"help", 'h', 0, G_OPTION_ARG_NONE, NULL, SAY_LATER("this text"), NULL},
    {0},
};

CliExit cli_complain(const CliCommand *command, CliExit status, const char *sentence)
{
    fprintf(stderr, "absender %s: %s\n", command->name, sentence);
    return status;
}

/* --- options -----------------------------------------------------------------------------------
 */

/* An option that is too long for its column has its text on the next line. */
static void print_entry(const GOptionEntry *entry)
{
    const char *value = entry->arg_description;
    g_autofree char *left = g_strdup_printf(
        "  --%s%s%s", entry->long_name, value != NULL ? "=" : "", value != NULL ? say(value) : "");
    glong n = g_utf8_strlen(left, -1);
    gboolean fits = n <= OPTION_COLUMN;
    int gap = fits ? (int)(OPTION_COLUMN - n) : OPTION_COLUMN;
    printf("%s%s%*s %s\n", left, fits ? "" : "\n", gap, "", say(entry->description));
}

static void print_help(const CliCommand *command, const GOptionEntry *entries)
{
    printf("absender %s %s\n", command->name, say(command->arguments));
    printf("  %s\n\n", say(command->summary));
    for (; entries->long_name != NULL; entries++)
        print_entry(entries);
    for (entries = common_entries; entries->long_name != NULL; entries++)
        print_entry(entries);
    printf("\n%s\n", say(command->help));
}

static void use_default_data(CliCommon *common)
{
    if (common->data != NULL)
        return;
    const char *from_environment = g_getenv("ABSENDER_DATA");
    gboolean is_set = from_environment != NULL && from_environment[0] != '\0';
    common->data = g_strdup(is_set ? from_environment : DATA_DEFAULT);
}

gboolean cli_parse(const CliCommand *command, const GOptionEntry *entries, CliCommon *common,
    int n_arguments, int *argc, char ***argv, CliExit *status)
{
    GOptionEntry ours[G_N_ELEMENTS(common_entries)];
    for (gsize i = 0; i < G_N_ELEMENTS(common_entries); i++)
        ours[i] = common_entries[i];
    ours[COMMON_DATA].arg_data = &common->data;
    ours[COMMON_JSON].arg_data = &common->as_json;
    ours[COMMON_HELP].arg_data = &common->want_help;

    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE); /* ours is in both languages */
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, ours, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(context, argc, argv, &error)) {
        *status = cli_complain(command, CLI_USAGE, error->message);
        return FALSE;
    }
    if (common->want_help) {
        print_help(command, entries);
        *status = CLI_DONE;
        return FALSE;
    }
    gboolean fits = n_arguments == CLI_ANY_ARGUMENTS ||
                    (n_arguments == CLI_ARGUMENTS ? *argc > 1 : *argc == 1 + n_arguments);
    if (!fits) {
        *status = cli_complain(
            command, CLI_USAGE, say("wrong number of arguments; --help shows the usage"));
        return FALSE;
    }
    use_default_data(common);
    return TRUE;
}

void cli_common_clear(CliCommon *common)
{
    g_clear_pointer(&common->data, g_free);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static CliExit complain_about_call(
    const CliCommand *command, const char *socket_path, const GError *error)
{
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT)) /* an idempotency key with a line end */
        return cli_complain(command, CLI_USAGE, error->message);
    if (!g_error_matches(error, ABS_ERROR, ABS_ERROR_IO))
        return cli_complain(command, CLI_ANSWER_IS_NO, error->message);
    g_autofree char *sentence = g_strdup_printf(
        say("no Absender answers at %s. Is the service running? Is --data right?"), socket_path);
    return cli_complain(command, CLI_UNREACHABLE, sentence);
}

CliAnswer *cli_ask(const CliCommand *command, const CliCommon *common, const char *method,
    const char *path, GBytes *body, const char *header, CliExit *status)
{
    g_autofree char *socket_path = g_build_filename(common->data, "control.sock", NULL);
    g_autofree char *language = g_strdup_printf("Accept-Language: %s", words_language());
    g_autoptr(GPtrArray) headers = g_ptr_array_new();
    g_ptr_array_add(headers, language);
    g_ptr_array_add(headers, (gpointer) "Accept: application/json, application/problem+json");
    if (body != NULL)
        g_ptr_array_add(headers, (gpointer) "Content-Type: application/json");
    g_ptr_array_add(headers, (gpointer)header); /* the last one, or the end */
    g_ptr_array_add(headers, NULL);

    g_autoptr(GError) error = NULL;
    g_autoptr(NetHttpAnswer) raw =
        net_http_unix(socket_path, method, path, (const char *const *)headers->pdata, body, &error);
    if (raw == NULL) {
        *status = complain_about_call(command, socket_path, error);
        return NULL;
    }
    gsize n = 0;
    const char *bytes = g_bytes_get_data(raw->body, &n);
    json_t *json = json_loadb(bytes != NULL ? bytes : "", n, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL) {
        *status = cli_complain(
            command, CLI_ANSWER_IS_NO, say("what answers there does not speak the API"));
        return NULL;
    }
    CliAnswer *answer = g_new0(CliAnswer, 1);
    answer->status = (guint)raw->status;
    answer->body = json;
    return answer;
}

GBytes *cli_body(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    g_assert(text != NULL); /* members are valid UTF-8: jansson took them */
    gsize n = strlen(text);
    return g_bytes_new_with_free_func(text, n, free, text); /* jansson's memory is malloc's */
}

gboolean cli_put(json_t *object, const char *key, const char *text)
{
    return text == NULL || json_object_set_new(object, key, json_string(text)) == 0;
}

gboolean cli_put_list(json_t *object, const char *key, char **texts)
{
    if (texts == NULL)
        return TRUE;
    json_t *list = json_array();
    json_object_set_new(object, key, list);
    for (; *texts != NULL; texts++) {
        if (json_array_append_new(list, json_string(*texts)) != 0)
            return FALSE;
    }
    return TRUE;
}

void cli_answer_free(CliAnswer *answer)
{
    if (answer == NULL)
        return;
    json_decref(answer->body);
    g_free(answer);
}

gboolean cli_answer_is_good(const CliAnswer *answer)
{
    return answer->status / 100 == 2;
}

void cli_print_json(const json_t *json)
{
    size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER;
    if (terminal_shows_output())
        flags |= JSON_ENSURE_ASCII;
    json_dumpf(json, stdout, flags);
    putchar('\n');
}

CliExit cli_show(
    const CliCommon *common, const CliAnswer *answer, char *(*show)(const json_t *body))
{
    gboolean is_good = cli_answer_is_good(answer);
    if (common->as_json) {
        cli_print_json(answer->body);
    } else {
        g_autofree char *text = is_good ? show(answer->body) : format_problem(answer->body);
        fputs(text, is_good ? stdout : stderr);
    }
    return is_good ? CLI_DONE : CLI_ANSWER_IS_NO;
}

/* --- Lists ------------------------------------------------------------------------------------
 */

void cli_add_query(GString *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);
    char before = strchr(path->str, '?') != NULL ? '&' : '?';
    g_string_append_printf(path, "%c%s=%s", before, name, escaped);
}

static CliAnswer *ask_page(const CliCommand *command, const CliCommon *common, const char *path,
    gsize n, const char *after, CliExit *status)
{
    g_autoptr(GString) page = g_string_new(path);
    g_autofree char *limit = g_strdup_printf("%zu", MIN(n, (gsize)LIMIT_PAGE));
    cli_add_query(page, "limit", limit);
    cli_add_query(page, "after", after);
    return cli_ask(command, common, "GET", page->str, NULL, NULL, status);
}

CliAnswer *cli_ask_list(
    const CliCommand *command, const CliCommon *common, const char *path, gsize n, CliExit *status)
{
    g_autoptr(CliAnswer) all = ask_page(command, common, path, n, NULL, status);
    while (all != NULL && cli_answer_is_good(all)) {
        json_t *data = json_object_get(all->body, "data");
        gsize got = json_array_size(data);
        if (got >= n || got == 0 || !json_is_true(json_object_get(all->body, "has_more")))
            break;
        const char *last = json_string_value(json_object_get(json_array_get(data, got - 1), "id"));
        g_autoptr(CliAnswer) page = ask_page(command, common, path, n - got, last, status);
        if (page == NULL || !cli_answer_is_good(page))
            return g_steal_pointer(&page);
        json_array_extend(data, json_object_get(page->body, "data"));
        json_object_set(all->body, "has_more", json_object_get(page->body, "has_more"));
    }
    return g_steal_pointer(&all);
}

CliExit cli_show_list(
    const CliCommon *common, const CliAnswer *answer, char *(*show)(const json_t *body))
{
    CliExit status = cli_show(common, answer, show);
    if (!common->as_json && json_is_true(json_object_get(answer->body, "has_more")))
        fprintf(stderr, "%s\n", say("There are more: --limit N shows more of them."));
    return status;
}
