/* Every command with everything a server may say to it, and all it may do instead. */
#include "row.h"

#include <string.h>

/* As the client sees it at most steps; expect() knows the exceptions. */
static const Manner manners[] = {
    {"2yz", ACT_CODE, NULL, 299, SEEN_WELL, WIRE_NO_CUT},
    {"4yz", ACT_CODE, NULL, 450, SEEN_REFUSAL, WIRE_NO_CUT},
    {"5yz", ACT_CODE, NULL, 550, SEEN_REFUSAL, WIRE_NO_CUT},
    {"421", ACT_CODE, NULL, 421, SEEN_REFUSAL, WIRE_NO_CUT},
    {"3yz", ACT_CODE, NULL, 399, SEEN_UNEXPECTED, WIRE_NO_CUT},
    {"garbage", ACT_SAY, "\x16\x03\x01 nonsense \xff\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"1yz", ACT_SAY, "150 soon\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"6yz", ACT_SAY, "650 what\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"empty line", ACT_SAY, "\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"bare LF", ACT_SAY, "250 ok\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"bare CR", ACT_SAY, "250 o\rk\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"mixed codes", ACT_SAY, "250-one\r\n251 two\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"four digits", ACT_SAY, "2500 ok\r\n", 0, SEEN_MALFORMED, WIRE_NO_CUT},
    {"nothing", ACT_MUTE, NULL, 0, SEEN_TIMEOUT, WIRE_NO_CUT},
    {"half a reply", ACT_HALF, NULL, 0, SEEN_TIMEOUT, WIRE_NO_CUT},
    {"drip", ACT_DRIP, NULL, 0, SEEN_TIMEOUT, WIRE_NO_CUT},
    {"slow", ACT_SLOW, NULL, 0, SEEN_WELL, WIRE_NO_CUT},
    {"cut", ACT_CUT, NULL, 0, SEEN_LOST, WIRE_FIN},
    {"cut with goodbye", ACT_CUT, NULL, 0, SEEN_LOST, WIRE_GOODBYE},
    {"reset", ACT_CUT, NULL, 0, SEEN_LOST, WIRE_RESET},
    {"cut in the reply", ACT_HALF_CUT, NULL, 0, SEEN_LOST, WIRE_FIN},
    {"cut behind the reply", ACT_CUT_BEHIND, NULL, 0, SEEN_LOST, WIRE_FIN},
};

static gboolean is_login(Step step)
{
    return step < STEP_MAIL;
}

/* Which steps a conversation of this form has. */
static gboolean happens(Step step, TlsMode security, Flow flow)
{
    switch (step) {
    case STEP_EHLO:
    case STEP_STARTTLS:
        return security == TLS_MODE_STARTTLS;
    case STEP_DATA:
    case STEP_END:
        return flow != FLOW_WINDOW;
    case STEP_CHUNK:
        return flow == FLOW_WINDOW;
    case STEP_BODY:
        return FALSE; /* nobody is asked there: rows_replies.c */
    case STEP_GREETING:
    case STEP_EHLO_TLS:
    case STEP_AUTH:
    case STEP_USERNAME:
    case STEP_PASSWORD:
    case STEP_MAIL:
    case STEP_RCPT:
    case STEP_RSET:
    case STEP_QUIT:
        return TRUE;
    case STEP_COUNT:
        break;
    }
    g_assert_not_reached();
}

/* Only one code leads on. */
static gboolean wants_its_own_code(Step step)
{
    return step == STEP_GREETING || step == STEP_STARTTLS || step == STEP_AUTH ||
           step == STEP_USERNAME || step == STEP_PASSWORD || step == STEP_DATA;
}

/* QUIT is of no consequence (S42). But who has been written ahead to, and answers QUIT with another
 * code or refuses RSET, is answering something else. */
static gboolean answers_something_else(const Row *row)
{
    const Manner *manner = &row->manner;
    if (manner->act != ACT_CODE || manner->code == 421 || row->flow == FLOW_STEPS)
        return FALSE;
    return row->step == STEP_QUIT || (row->step == STEP_RSET && manner->code >= 400);
}

static void expect(Row *row)
{
    const Manner *manner = &row->manner;
    gboolean is_code = manner->act == ACT_CODE;
    gboolean is_refusal = is_code && manner->code >= 400 && manner->code != 421;
    row->seen = manner->seen;
    row->phase = row_phase(row->step);
    row->loses_step = answers_something_else(row);
    if (row->loses_step || (is_code && manner->code == 299 && wants_its_own_code(row->step)))
        row->seen = SEEN_UNEXPECTED;
    else if (row->step == STEP_QUIT)
        row->seen = SEEN_WELL;
    else if (is_refusal && !is_login(row->step) && row->step != STEP_RSET)
        row->seen = SEEN_WELL; /* the mail's matter, not the session's */
    else if (row->step == STEP_GREETING && manner->cut == WIRE_RESET)
        row->phase = "connect|greeting"; /* it may come before connect() has been looked at */
    else if (manner->act == ACT_CUT_BEHIND) {
        row->phase = NULL; /* it may have said more meanwhile, or not */
        row->seen = SEEN_CUT;
    }
}

static void add(GPtrArray *rows, const Manner *manner, TlsMode security, Flow flow, Step step,
    guint nth, gboolean is_proven)
{
    static const char *const places[] = {"first", "middle", "last"};
    g_autofree char *what = g_strdup_printf("%s/%s%s%s%s", row_step_name(step), manner->name,
        is_login(step) || step == STEP_QUIT ? "" : "/",
        is_login(step) || step == STEP_QUIT ? "" : places[nth], is_proven ? "/proven" : "");
    Row *row = row_add(rows, "steps", security, flow, what);
    g_autofree char *group = g_strdup_printf("every command answered by: %s", manner->name);
    row->group = g_intern_string(group);
    row->step = step;
    row->nth = nth;
    row->manner = *manner;
    row->is_proven = is_proven;
    row->by_login = step == STEP_USERNAME || step == STEP_PASSWORD;
    if (step == STEP_RSET && flow != FLOW_WINDOW)
        row->refused = (int)nth - 1; /* so that there is one */
    expect(row);
}

static void add_places(GPtrArray *rows, const Manner *manner, TlsMode security, Flow flow,
    Step step, const RowChoice *choice)
{
    gboolean is_once = is_login(step) || step == STEP_QUIT;
    for (guint nth = 0; nth < (is_once ? 1 : ROW_MAILS); nth++) {
        if (step == STEP_RSET && flow != FLOW_WINDOW && nth == 0)
            continue;
        add(rows, manner, security, flow, step, nth, FALSE);
        if (!is_once && flow != FLOW_STEPS && (nth == 1 || choice->is_full))
            add(rows, manner, security, flow, step, nth, TRUE);
    }
}

void rows_of_steps(GPtrArray *rows, const RowChoice *choice)
{
    for (gsize i = 0; i < G_N_ELEMENTS(manners); i++) {
        for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
            for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
                for (Step step = 0; step < STEP_COUNT; step++) {
                    if (happens(step, security, flow))
                        add_places(rows, &manners[i], security, flow, step, choice);
                }
            }
        }
    }
}
