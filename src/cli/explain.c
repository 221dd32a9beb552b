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
#define MOST_LINE_BYTES (LIMIT_DIAGNOSIS_PASTE_BYTES - 1) /* and its end */

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

/* FALSE at the end. Of a line that is too long only the beginning is kept. */
static gboolean next_line(FILE *in, GString *line, gboolean *is_too_long)
{
    int c = EOF;
    g_string_truncate(line, 0);
    *is_too_long = FALSE;
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        if (line->len < MOST_LINE_BYTES)
            g_string_append_c(line, (char)c);
        else
            *is_too_long = TRUE;
    }
    return c != EOF || line->len > 0;
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

/* A log may be longer than what is looked at at once: it is read in pieces of whole lines. */
typedef struct {
    const DiagnosisCatalogue *catalogue;
    const char *host; /* or NULL */
    GString *piece;
    guint n_lines;     /* of it */
    GPtrArray *found;  /* each diagnosis once; NULL before the first piece */
    gboolean is_guess; /* what is found: a later reply counts instead */
    gboolean has_cut;  /* a line was too long */
} Explainer;

static gboolean holds(const GPtrArray *findings, const DiagnosisFinding *finding)
{
    for (guint i = 0; i < findings->len; i++) {
        if (((const DiagnosisFinding *)findings->pdata[i])->diagnosis == finding->diagnosis)
            return TRUE;
    }
    return FALSE;
}

static void add_findings(Explainer *self, GPtrArray *findings)
{
    for (guint i = 0; i < findings->len;) {
        if (holds(self->found, findings->pdata[i]))
            i++;
        else
            g_ptr_array_add(self->found, g_ptr_array_steal_index(findings, i));
    }
}

static void explain_piece(Explainer *self)
{
    g_autoptr(GPtrArray) findings =
        diagnosis_read(self->catalogue, self->piece->str, self->piece->len, self->host);
    gboolean is_guess =
        findings->len == 0 || ((const DiagnosisFinding *)findings->pdata[0])->is_guess;
    if (self->found == NULL || (self->is_guess && !is_guess)) {
        g_clear_pointer(&self->found, g_ptr_array_unref);
        self->found = g_steal_pointer(&findings);
        self->is_guess = is_guess;
    } else if (self->is_guess == is_guess) {
        add_findings(self, findings);
    }
    g_string_truncate(self->piece, 0);
    self->n_lines = 0;
}

static void take_line(Explainer *self, const char *line, gsize n)
{
    gsize room = LIMIT_DIAGNOSIS_PASTE_BYTES - self->piece->len;
    self->has_cut |= n > MOST_LINE_BYTES;
    n = MIN(n, MOST_LINE_BYTES);
    if (n >= room || self->n_lines + 1 >= LIMIT_DIAGNOSIS_LINES)
        explain_piece(self);
    g_string_append_len(self->piece, line, (gssize)n);
    g_string_append_c(self->piece, '\n');
    self->n_lines++;
}

/* What was typed behind the command, or else standard input to its end. */
static void take_text(Explainer *self, int argc, char **argv)
{
    g_autoptr(GString) line = g_string_new(NULL);
    gboolean is_too_long = FALSE;
    for (int i = 1; i < argc; i++)
        take_line(self, argv[i], strlen(argv[i]));
    while (argc <= 1 && next_line(stdin, line, &is_too_long)) {
        self->has_cut |= is_too_long;
        take_line(self, line->str, line->len);
    }
    explain_piece(self);
}

static CliExit explain_text(const CliCommand *command, const DiagnosisCatalogue *catalogue,
    const CliCommon *common, const char *host, int argc, char **argv)
{
    Explainer self = {.catalogue = catalogue, .host = host, .piece = g_string_new(NULL)};
    take_text(&self, argc, argv);
    g_string_free(self.piece, TRUE);
    g_autoptr(GPtrArray) found = self.found;
    if (self.has_cut)
        cli_complain(command, CLI_DONE, say("a line was too long: only its beginning was read"));
    if (found->len > 0 || common->as_json)
        print_findings(found, common->as_json);
    return found->len > 0 ? CLI_DONE
                          : cli_complain(command, CLI_ANSWER_IS_NO,
                                say("no reply and no error is found there"));
}

/* --- for programs: a line of JSON in, a line of JSON out ---------------------------------------
 */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The first member that is not what it must be, said as a fault; NULL: none. null is as good as
 * absent; members of other names are the asker's own. The caller frees. */
static char *fault_of(const json_t *object)
{
    static const struct {
        const char *key;
        json_int_t max; /* of a number; 0: a text */
    } members[] = {{"phase", 0}, {"reply", 0}, {"error", 0}, {"host", 0}, {"sys", 0}, {"tls", 0},
        {"cert", 0}, {"family", 0}, {"verify", G_MAXINT}, {"port", G_MAXUINT16}};
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        const json_t *member = json_object_get(object, members[i].key);
        json_int_t number = json_integer_value(member), max = members[i].max;
        gboolean is_good = max == 0 ? json_is_string(member)
                                    : json_is_integer(member) && number >= 0 && number <= max;
        if (is_good || member == NULL || json_is_null(member))
            continue;
        return max == 0 ? g_strdup_printf("%s is not a text", members[i].key)
                        : g_strdup_printf("%s is not a number from 0 to %" JSON_INTEGER_FORMAT,
                              members[i].key, max);
    }
    return NULL;
}

static json_t *judge_report(const DiagnosisCatalogue *catalogue, const json_t *object)
{
    const DiagnosisReport report = {.phase = text_of(object, "phase"),
        .reply = text_of(object, "reply"),
        .error = text_of(object, "error"),
        .host = text_of(object, "host"),
        .sys = text_of(object, "sys"),
        .tls = text_of(object, "tls"),
        .certificate = text_of(object, "cert"),
        .family = text_of(object, "family"),
        .verify = (long)number_of(object, "verify"),
        .port = (guint)number_of(object, "port")};
    return judgement_json(diagnosis_of_report(catalogue, &report));
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
    g_autofree char *fault =
        json_is_object(object) ? fault_of(object) : g_strdup("not a JSON object");
    json_t *answer =
        fault == NULL ? judge_report(catalogue, object) : json_pack("{s:s}", "fault", fault);
    json_t *id = json_object_get(object, "id"); /* comes back as it is */
    json_object_set_new(answer, "id", id != NULL ? json_incref(id) : json_null());
    print_line(answer);
    json_decref(object);
    return fault == NULL;
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
