#include "diagnosis/reading.h"

#include "base/limits.h"
#include "diagnosis/reply_spot.h"
#include "diagnosis/signs.h"

#include <string.h>

/* One pass over the pasted text. */
typedef struct {
    const DiagnosisCatalogue *catalogue;
    char **lines;
    guint n_lines, at;
    const char *phase;  /* of the last step the text named */
    char *host;         /* the last one that the text named; before that the one given, or NULL */
    GPtrArray *certain; /* of DiagnosisFinding: a reply or an error stood there */
    GPtrArray *guessed; /* words that only look like one; they count if nothing else is found */
} Reader;

static void finding_free(gpointer data)
{
    DiagnosisFinding *finding = data;
    g_free(finding->line);
    g_free(finding->host);
    g_free(finding->enhanced);
    g_free(finding->text);
    g_free(finding);
}

/* --- from an input to its row ------------------------------------------------------------------
 */

static gboolean is_fallback(const Diagnosis *diagnosis)
{
    return g_str_has_prefix(diagnosis->id, "fallback_");
}

/* The step at which such a reply is usual. NULL: at none in particular. */
static const char *usual_phase(int code)
{
    switch (code) {
    case 530:
    case 534:
    case 535:
    case 538:
        return "auth";
    case 421:
        return "greeting";
    case 500:
    case 501:
    case 502:
    case 503:
        return "rcpt_to";
    default:
        return code >= 400 ? "after_data" : NULL;
    }
}

/* With a phase that may be missing: then what the words say counts more than the usual step. */
static const Diagnosis *judge(const DiagnosisCatalogue *catalogue, const DiagnosisInput *input)
{
    const Diagnosis *diagnosis = diagnosis_match(catalogue, input);
    if (input->phase != NULL || !is_fallback(diagnosis))
        return diagnosis;
    DiagnosisInput usual = *input;
    usual.phase = usual_phase(input->code);
    return usual.phase == NULL ? diagnosis : diagnosis_match(catalogue, &usual);
}

/* TLS libraries' reasons are many: where TLS is the step, their words go to the matcher as they
 * are. */
static void add_unknown_error(DiagnosisInput *input, const char *error, const char *folded)
{
    gboolean is_name =
        error[0] != '\0' && error[strspn(error, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
    if (is_name && input->sys == NULL)
        input->sys = error;
    else if (g_strcmp0(input->phase, "tls") == 0 && input->tls == NULL)
        input->tls = folded;
}

/* Fills in what the error's words say and the input does not. folded: error in lower case. */
static void add_error(DiagnosisInput *input, const char *error, const char *folded)
{
    const Sign *sign = sign_find(folded);
    if (sign == NULL) {
        add_unknown_error(input, error, folded);
        return;
    }
    if (input->phase == NULL || sign->verify != 0)
        input->phase = sign->phase;
    if (input->sys == NULL)
        input->sys = sign->sys;
    if (input->tls == NULL)
        input->tls = sign->tls;
    if (input->verify == 0)
        input->verify = sign->verify;
}

static void add_spot(DiagnosisInput *input, const ReplySpot *spot, const char *text)
{
    input->code = spot->code;
    input->enhanced = spot->enhanced[0] != '\0' ? spot->enhanced : NULL;
    input->text = text;
}

const Diagnosis *diagnosis_of_report(
    const DiagnosisCatalogue *catalogue, const DiagnosisReport *report)
{
    DiagnosisInput input = {.phase = sign_phase_name(report->phase),
        .sys = report->sys,
        .tls = report->tls,
        .verify = report->verify,
        .host = report->host,
        .certificate = report->certificate,
        .port = report->port,
        .family = report->family};
    ReplySpot spot;
    char enhanced[ENHANCED_SIZE];
    g_autofree char *folded = NULL;
    g_autofree char *text = NULL;
    if (report->reply != NULL && reply_spot_find(report->reply, &spot)) {
        text = reply_spot_join(&spot, spot.text);
        add_spot(&input, &spot, text);
    } else if (report->reply != NULL) {
        reply_spot_enhanced(report->reply, enhanced);
        input.enhanced = enhanced[0] != '\0' ? enhanced : NULL;
        input.text = report->reply;
    }
    if (report->error != NULL) {
        folded = g_ascii_strdown(report->error, -1);
        add_error(&input, report->error, folded);
    }
    if (input.text == NULL)
        input.text = report->error;
    return judge(catalogue, &input);
}

/* --- reading lines -----------------------------------------------------------------------------
 */

static gboolean holds(const GPtrArray *findings, const Diagnosis *diagnosis)
{
    for (guint i = 0; i < findings->len; i++) {
        if (((const DiagnosisFinding *)findings->pdata[i])->diagnosis == diagnosis)
            return TRUE;
    }
    return FALSE;
}

static void add_finding(
    Reader *reader, GPtrArray *findings, const char *line, const DiagnosisInput *input)
{
    const Diagnosis *diagnosis = judge(reader->catalogue, input);
    if (findings->len >= LIMIT_DIAGNOSIS_FINDINGS || holds(findings, diagnosis))
        return;
    DiagnosisFinding *finding = g_new0(DiagnosisFinding, 1);
    finding->line = g_strstrip(g_strdup(line));
    finding->phase = input->phase;
    finding->host = g_strdup(input->host);
    finding->is_guess = findings == reader->guessed;
    finding->code = input->code;
    finding->enhanced = g_strdup(input->enhanced);
    finding->text = input->code != 0 ? g_strdup(input->text) : NULL;
    finding->diagnosis = diagnosis;
    g_ptr_array_add(findings, finding);
}

/* Words behind which log lines and bounces name the server. */
static const char *const host_labels[] = {
    "remote-mta: dns;", "while talking to ", "host ", "server ", "connect to ", " h=", "relay="};

/* The server a line names, if it does; the port behind it, or 0. */
static guint note_host(Reader *reader, const char *folded)
{
    const char *name = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(host_labels) && name == NULL; i++) {
        name = strstr(folded, host_labels[i]);
        name = name == NULL ? NULL : name + strlen(host_labels[i]);
    }
    if (name == NULL)
        return 0;
    name += strspn(name, " ");
    gsize n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-");
    if (n > LIMIT_DOMAIN_OCTETS || memchr(name, '.', n) == NULL)
        return 0;
    g_free(reader->host);
    reader->host = g_strndup(name, name[n - 1] == '.' ? n - 1 : n);
    const char *behind = name + n;
    const char *close = *behind == '[' ? strchr(behind, ']') : NULL;
    if (close != NULL)
        behind = close + 1;
    return *behind == ':' ? (guint)(g_ascii_strtoull(behind + 1, NULL, 10) & G_MAXUINT16) : 0;
}

/* "550-more" or "550 more" behind "550-": the rest of the reply (RFC 5321 4.2.1). NULL: another. */
static const char *continued_reply(const char *line, const ReplySpot *spot)
{
    ReplySpot next;
    gboolean is_same = spot->is_continued && reply_spot_find(line, &next) &&
                       next.certainty >= REPLY_SPOT_IS_CERTAIN && next.code == spot->code;
    return is_same ? next.text : NULL;
}

/* Bounces fold long replies like header fields: an indented line without a reply of its own. */
static const char *folded_reply(const char *line)
{
    const char *text = line + strspn(line, " \t");
    ReplySpot own;
    gboolean is_folded = text > line && *text != '\0' && !g_str_has_prefix(text, "at ") &&
                         !(reply_spot_find(line, &own) && own.certainty >= REPLY_SPOT_IS_CERTAIN);
    return is_folded ? text : NULL;
}

/* The reply that begins at the current line, whole; the lines that belong to it are taken. */
static char *take_reply(Reader *reader, const ReplySpot *spot)
{
    GString *text = g_string_new(spot->text);
    while (reader->at + 1 < reader->n_lines && text->len < LIMIT_DIAGNOSIS_TEXT_OCTETS) {
        const char *line = reader->lines[reader->at + 1];
        const char *more = continued_reply(line, spot);
        if (more == NULL)
            more = folded_reply(line);
        if (more == NULL)
            break;
        g_string_append_c(text, ' ');
        g_string_append(text, more);
        reader->at++;
    }
    return g_string_free(text, FALSE);
}

/* What the mail program added behind the reply is none of the server's words. */
static void cut_remark(char *text)
{
    char *remark = strstr(text, "(in reply to");
    if (remark != NULL)
        *remark = '\0';
    g_strchomp(text);
}

static void read_reply(Reader *reader, const char *line, const ReplySpot *spot, guint port)
{
    g_autofree char *taken = take_reply(reader, spot);
    g_autofree char *text = reply_spot_join(spot, taken);
    g_autofree char *folded = g_ascii_strdown(text, -1);
    const char *remark = strstr(folded, "(in reply to");
    DiagnosisInput input = {.phase = remark != NULL ? sign_phase(remark) : reader->phase,
        .host = reader->host,
        .port = port};
    cut_remark(text);
    add_spot(&input, spot, text);
    char enhanced[ENHANCED_SIZE];
    if (input.enhanced == NULL) { /* further down, as qmail's (#5.1.1) */
        reply_spot_enhanced(text, enhanced);
        input.enhanced = enhanced[0] != '\0' ? enhanced : NULL;
    }
    add_finding(reader, reader->certain, line, &input);
}

/* A line without a reply: an error, a bare status, or words that a reply could have had. */
static void read_words(Reader *reader, const char *line, const char *folded, guint port)
{
    DiagnosisInput input = {.host = reader->host, .port = port, .text = line};
    add_error(&input, line, folded);
    if (input.sys != NULL || input.tls != NULL || input.verify != 0) {
        if (input.phase == NULL)
            input.phase = reader->phase;
        add_finding(reader, reader->certain, line, &input);
        return;
    }
    char enhanced[ENHANCED_SIZE];
    reply_spot_enhanced(line, enhanced);
    input.enhanced = enhanced[0] != '\0' ? enhanced : NULL;
    if (!is_fallback(diagnosis_match(reader->catalogue, &input)))
        add_finding(reader, reader->guessed, line, &input);
}

/* Successful replies and their codes tell nothing but that DATA was gone on with. */
static void note_step(Reader *reader, const char *folded)
{
    const char *phase = sign_phase(folded);
    if (phase != NULL)
        reader->phase = phase;
    else if (strstr(folded, "354 ") != NULL)
        reader->phase = "after_data";
}

static void read_line(Reader *reader)
{
    const char *line = reader->lines[reader->at];
    g_autofree char *folded = g_ascii_strdown(line, -1);
    guint port = note_host(reader, folded);
    note_step(reader, folded);
    ReplySpot spot;
    if (reply_spot_find(line, &spot))
        read_reply(reader, line, &spot, port);
    else if (folded[strspn(folded, " \t\r")] != '\0')
        read_words(reader, line, folded, port);
}

/* Bytes as they come, made lines: no CR, and a NUL ends nothing. */
static char **split(const char *text, gsize n)
{
    g_autofree char *copy = g_malloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    for (gsize i = 0; i < n; i++) {
        if (copy[i] == '\0' || copy[i] == '\r')
            copy[i] = ' ';
    }
    return g_strsplit(copy, "\n", LIMIT_DIAGNOSIS_LINES);
}

GPtrArray *diagnosis_read(
    const DiagnosisCatalogue *catalogue, const char *text, gsize n, const char *host)
{
    g_auto(GStrv) lines = split(text, n);
    Reader reader = {.catalogue = catalogue,
        .lines = lines,
        .n_lines = g_strv_length(lines),
        .host = g_strdup(host),
        .certain = g_ptr_array_new_with_free_func(finding_free),
        .guessed = g_ptr_array_new_with_free_func(finding_free)};
    for (; reader.at < reader.n_lines; reader.at++)
        read_line(&reader);
    g_free(reader.host);
    gboolean is_sure = reader.certain->len > 0;
    g_ptr_array_unref(is_sure ? reader.guessed : reader.certain);
    return is_sure ? reader.certain : reader.guessed;
}
