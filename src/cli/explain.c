/* absender explain: what a bounce, a log line or an error message means. Needs no daemon: the
 * failure catalogue is in the program. */
#include "cli/command.h"
#include "cli/words.h"

#include "base/limits.h"
#include "base/text.h"
#include "diagnosis/reading.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#define CATALOGUE "/absender/data/failures.json"

typedef struct {
    char *host;
    gboolean is_jsonl;
} Wishes;

static DiagnosisCatalogue *read_catalogue(GError **error)
{
    g_autoptr(GBytes) json =
        g_resources_lookup_data(CATALOGUE, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    if (json == NULL)
        return NULL;
    gsize n = 0;
    const char *bytes = g_bytes_get_data(json, &n);
    return diagnosis_catalogue_new(bytes, n, error);
}

/* --- for people --------------------------------------------------------------------------------
 */

static char *fit_to_show(const char *bytes)
{
    return text_printable(bytes, strlen(bytes), LIMIT_PEER_TEXT_CHARACTERS);
}

static void print_finding(const DiagnosisFinding *finding)
{
    gboolean is_german = strcmp(words_language(), "de") == 0;
    const Diagnosis *diagnosis = finding->diagnosis;
    g_autofree char *line = fit_to_show(finding->line);
    printf("%s\n  %s\n  %s\n  [%s]\n\n", line,
        is_german ? diagnosis->means_de : diagnosis->means_en,
        is_german ? diagnosis->fix_de : diagnosis->fix_en, diagnosis->id);
}

static json_t *judgement_json(const Diagnosis *diagnosis)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "diagnosis", diagnosis->id, "class",
        diagnosis_class_name(diagnosis->class), "retry", diagnosis_retry_name(diagnosis->retry),
        "breaker", diagnosis_breaker_name(diagnosis->breaker));
}

static json_t *finding_json(const DiagnosisFinding *finding)
{
    g_autofree char *line = fit_to_show(finding->line);
    json_t *json = judgement_json(finding->diagnosis);
    json_object_set_new(json, "line", json_string(line));
    json_object_set_new(
        json, "phase", finding->phase != NULL ? json_string(finding->phase) : json_null());
    json_object_set_new(
        json, "reply", finding->code != 0 ? json_integer(finding->code) : json_null());
    json_object_set_new(
        json, "enhanced", finding->enhanced != NULL ? json_string(finding->enhanced) : json_null());
    return json;
}

static void print_findings(const GPtrArray *findings, gboolean as_json)
{
    json_t *list = json_array();
    for (guint i = 0; i < findings->len; i++) {
        if (as_json)
            json_array_append_new(list, finding_json(findings->pdata[i]));
        else
            print_finding(findings->pdata[i]);
    }
    if (as_json)
        cli_print_json(list);
    json_decref(list);
}

/* What was typed behind the command, or else standard input, up to the limit. */
static char *take_text(int argc, char **argv, gsize *n)
{
    if (argc > 1) {
        char *text = g_strjoinv("\n", argv + 1);
        *n = strlen(text);
        return text;
    }
    char *text = g_malloc(LIMIT_DIAGNOSIS_PASTE_BYTES + 1);
    *n = fread(text, 1, LIMIT_DIAGNOSIS_PASTE_BYTES, stdin);
    text[*n] = '\0';
    return text;
}

static CliExit explain_text(const CliCommand *command, const DiagnosisCatalogue *catalogue,
    const CliCommon *common, const char *host, int argc, char **argv)
{
    gsize n = 0;
    g_autofree char *text = take_text(argc, argv, &n);
    n = MIN(n, LIMIT_DIAGNOSIS_PASTE_BYTES);
    g_autoptr(GPtrArray) findings = diagnosis_read(catalogue, text, n, host);
    if (findings->len > 0 || common->as_json)
        print_findings(findings, common->as_json);
    return findings->len > 0 ? CLI_DONE
                             : cli_complain(command, CLI_ANSWER_IS_NO,
                                   say("no reply and no error is found there"));
}

/* --- for programs: a line of JSON in, a line of JSON out ---------------------------------------
 */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key, json_int_t max)
{
    json_int_t number = json_integer_value(json_object_get(object, key));
    return number > 0 && number <= max ? number : 0;
}

/* object is borrowed; its id comes back as it is. */
static json_t *answer_report(const DiagnosisCatalogue *catalogue, json_t *object)
{
    const DiagnosisReport report = {.phase = text_of(object, "phase"),
        .reply = text_of(object, "reply"),
        .error = text_of(object, "error"),
        .host = text_of(object, "host"),
        .sys = text_of(object, "sys"),
        .tls = text_of(object, "tls"),
        .certificate = text_of(object, "cert"),
        .family = text_of(object, "family"),
        .verify = (long)number_of(object, "verify", G_MAXINT),
        .port = (guint)number_of(object, "port", G_MAXUINT16)};
    json_t *answer = json_object();
    json_t *id = json_object_get(object, "id");
    json_object_set(answer, "id", id);
    if (id == NULL)
        json_object_set_new(answer, "id", json_null());
    json_t *judgement = judgement_json(diagnosis_of_report(catalogue, &report));
    json_object_update(answer, judgement);
    json_decref(judgement);
    return answer;
}

/* FALSE at the end. A line that is too long is read over, and given as an empty one. */
static gboolean next_line(FILE *in, GString *line, gboolean *is_too_long)
{
    int c = EOF;
    g_string_truncate(line, 0);
    *is_too_long = FALSE;
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        if (line->len < LIMIT_DIAGNOSIS_PASTE_BYTES)
            g_string_append_c(line, (char)c);
        else
            *is_too_long = TRUE;
    }
    return c != EOF || line->len > 0;
}

static void print_line(json_t *answer)
{
    g_autofree char *text = json_dumps(answer, JSON_COMPACT);
    puts(text);
    fflush(stdout); /* whoever asks line by line waits for it */
    json_decref(answer);
}

static gboolean explain_line(const DiagnosisCatalogue *catalogue, const GString *line)
{
    json_t *object = json_loadb(line->str, line->len, 0, NULL);
    gboolean is_good = json_is_object(object);
    print_line(is_good ? answer_report(catalogue, object)
                       : json_pack("{s:n, s:s}", "id", "fault", "not a JSON object"));
    json_decref(object);
    return is_good;
}

static CliExit explain_lines(const DiagnosisCatalogue *catalogue)
{
    g_autoptr(GString) line = g_string_new(NULL);
    gboolean is_too_long = FALSE, is_good = TRUE;
    while (next_line(stdin, line, &is_too_long)) {
        if (is_too_long)
            g_string_truncate(line, 0);
        if (is_too_long || line->str[strspn(line->str, " \t\r")] != '\0')
            is_good = explain_line(catalogue, line) && is_good;
    }
    return is_good ? CLI_DONE : CLI_ANSWER_IS_NO;
}

CliExit cli_explain(const CliCommand *command, int argc, char **argv)
{
    Wishes w = {0};
    const GOptionEntry entries[] = {
        {"host", 0, 0, CLI_TEXT, &w.host, SAY_LATER("server name it is about"), SAY_LATER("HOST")},
        {"jsonl", 0, 0, G_OPTION_ARG_NONE, &w.is_jsonl,
            SAY_LATER("read and write one JSON object a line"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, CLI_ANY_ARGUMENTS, &argc, &argv, &status)) {
        g_free(w.host);
        return status;
    }
    g_autofree char *host = w.host;
    g_autoptr(GError) error = NULL;
    g_autoptr(DiagnosisCatalogue) catalogue = read_catalogue(&error);
    if (catalogue == NULL)
        return cli_complain(command, CLI_ANSWER_IS_NO, error->message);
    if (!w.is_jsonl)
        return explain_text(command, catalogue, &common, host, argc, argv);
    return argc == 1 ? explain_lines(catalogue)
                     : cli_complain(command, CLI_USAGE, say("--jsonl reads standard input only"));
}
