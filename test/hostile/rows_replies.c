/* Replies nobody can want: too long, too many, too early, one too many. */
#include "base/limits.h"
#include "row.h"

#include <string.h>

/* --- Bombs ------------------------------------------------------------------------------------ */

#define X16 "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define LINE "250-" X256 "\r\n"
#define LINES_16 LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE

#define X3840 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256

static const Manner bombs[] = {
    {"endless line", ACT_FLOOD, X256, 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"endless lines", ACT_FLOOD, "250-x\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"endless long lines", ACT_FLOOD, LINES_16, 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"endless longest lines", ACT_FLOOD, "250-" X3840 "\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"endless empty lines", ACT_FLOOD, "\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"endless replies", ACT_FLOOD, "250 x\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"endless refusals", ACT_FLOOD, "450 x\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"endless 334", ACT_FLOOD, "334 \r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
};

static gboolean happens(Step step, TlsMode security, Flow flow)
{
    gboolean is_data = step == STEP_DATA || step == STEP_END;
    if (step == STEP_STARTTLS && security == TLS_MODE_IMPLICIT)
        return FALSE;
    return flow == FLOW_WINDOW ? !is_data : step != STEP_CHUNK;
}

static Row *add(GPtrArray *rows, const char *group, const Manner *manner, TlsMode security,
    Flow flow, Step step)
{
    g_autofree char *what = g_strdup_printf("%s/%s", manner->name, row_step_name(step));
    Row *row = row_add(rows, group, security, flow, what);
    g_autofree char *title = g_strdup_printf("%s: %s", group, manner->name);
    row->group = g_intern_string(title);
    row->step = step;
    row->nth = 1;
    row->manner = *manner;
    row->is_proven = TRUE;
    row->seen = manner->seen;
    return row;
}

static const Step talking[] = {STEP_GREETING, STEP_STARTTLS, STEP_EHLO_TLS, STEP_AUTH, STEP_MAIL,
    STEP_RCPT, STEP_DATA, STEP_END, STEP_CHUNK};

static void add_bombs(GPtrArray *rows)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bombs) * G_N_ELEMENTS(talking); i++) {
        const Manner *manner = &bombs[i / G_N_ELEMENTS(talking)];
        Step step = talking[i % G_N_ELEMENTS(talking)];
        for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
            TlsMode security = step == STEP_STARTTLS ? TLS_MODE_STARTTLS : TLS_MODE_IMPLICIT;
            if (!happens(step, security, flow))
                continue;
            Row *row = add(rows, "bombs", manner, security, flow, step);
            if (manner->seen == SEEN_MALFORMED)
                row->phase = row_phase(step);
        }
    }
}

/* --- One reply too many ----------------------------------------------------------------------- */

static const Manner extras[] = {
    {"250 behind", ACT_ADD, "250 more\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"250 twice behind", ACT_ADD, "250 more\r\n250 and more\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"354 behind", ACT_ADD, "354 go\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"450 behind", ACT_ADD, "450 more\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"550 behind", ACT_ADD, "550 more\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"421 behind", ACT_ADD, "421 bye\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"garbage behind", ACT_ADD, "what\r\n", 0, SEEN_FAILURE, WIRE_NO_CUT},
    {"half a reply behind", ACT_ADD, "25", 0, SEEN_FAILURE, WIRE_NO_CUT},
};

/* Where the client has asked for nothing more, anything more is one too many. Where it has written
 * ahead, what is too many answers the next question: only the count at the end can tell. */
static void add_extras(GPtrArray *rows)
{
    for (gsize i = 0; i < G_N_ELEMENTS(extras) * G_N_ELEMENTS(talking); i++) {
        const Manner *manner = &extras[i / G_N_ELEMENTS(talking)];
        Step step = talking[i % G_N_ELEMENTS(talking)];
        gboolean is_whole = g_str_has_suffix(manner->text, "\r\n");
        for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
            for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
                if (!happens(step, security, flow))
                    continue;
                Row *row = add(rows, "one too many", manner, security, flow, step);
                row->is_short = TRUE;
                row->loses_step =
                    flow != FLOW_STEPS && step >= STEP_MAIL && manner->text[0] == '2' && is_whole;
            }
        }
    }
}

/* --- Too early -------------------------------------------------------------------------------- */

static const Manner earlies[] = {
    {"250 in the body", ACT_SAY, "250 2.0.0 queued\r\n", 0, SEEN_UNEXPECTED, WIRE_NO_CUT},
    {"354 in the body", ACT_SAY, "354 go on\r\n", 0, SEEN_UNEXPECTED, WIRE_NO_CUT},
    {"450 in the body", ACT_SAY, "450 later\r\n", 450, SEEN_REFUSAL, WIRE_NO_CUT},
    {"552 in the body", ACT_SAY, "552 too large\r\n", 552, SEEN_REFUSAL, WIRE_NO_CUT},
    {"421 in the body", ACT_SAY, "421 bye\r\n", 421, SEEN_REFUSAL, WIRE_NO_CUT},
    {"garbage in the body", ACT_SAY, "what\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"half a reply in the body", ACT_SAY, "25", 0, SEEN_TIMEOUT, WIRE_NO_CUT},
    {"cut in the body", ACT_CUT, NULL, 0, SEEN_LOST, WIRE_FIN},
};

static void add_earlies(GPtrArray *rows)
{
    for (gsize i = 0; i < G_N_ELEMENTS(earlies); i++) {
        for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
            for (Flow flow = FLOW_STEPS; flow <= FLOW_OVERLAP; flow++) {
                for (guint nth = 0; nth < ROW_MAILS; nth++) {
                    g_autofree char *what = g_strdup_printf("%s/%u", earlies[i].name, nth);
                    Row *row = row_add(rows, "too early", security, flow, what);
                    row->step = STEP_BODY;
                    row->nth = nth;
                    row->withheld = (int)nth; /* the end cannot leave */
                    row->manner = earlies[i];
                    row->seen = earlies[i].seen;
                    row->phase = "data";
                }
            }
        }
    }
}

/* --- At the limit, and so allowed ------------------------------------------------------------- */

static void add_limits(GPtrArray *rows)
{
    static char line[LIMIT_REPLY_LINE_OCTETS + 3], lines[LIMIT_REPLY_LINES * 8 + 1];
    memset(line, 'x', sizeof line);
    memcpy(line, "250 ", 4);
    memcpy(line + LIMIT_REPLY_LINE_OCTETS, "\r\n", 3);
    for (gsize i = 0; i < LIMIT_REPLY_LINES; i++)
        memcpy(lines + 7 * i, i + 1 < LIMIT_REPLY_LINES ? "250-x\r\n" : "250 x\r\n", 8);
    const Manner manners[] = {{"longest line", ACT_SAY, line, 0, SEEN_WELL, WIRE_NO_CUT},
        {"most lines", ACT_SAY, lines, 0, SEEN_WELL, WIRE_NO_CUT},
        {"no text", ACT_SAY, "250\r\n", 0, SEEN_WELL, WIRE_NO_CUT},
        {"hyphen alone", ACT_SAY, "250-\r\n250 \r\n", 0, SEEN_WELL, WIRE_NO_CUT}};
    static const Step steps[] = {STEP_MAIL, STEP_RCPT, STEP_END, STEP_CHUNK};
    for (gsize i = 0; i < G_N_ELEMENTS(manners) * G_N_ELEMENTS(steps); i++) {
        Step step = steps[i % G_N_ELEMENTS(steps)];
        for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
            if (happens(step, TLS_MODE_IMPLICIT, flow))
                add(rows, "limits", &manners[i / G_N_ELEMENTS(steps)], TLS_MODE_IMPLICIT, flow,
                    step);
        }
    }
}

void rows_of_replies(GPtrArray *rows, const RowChoice *choice)
{
    add_bombs(rows);
    add_extras(rows);
    add_earlies(rows);
    add_limits(rows);
}
