/* The line goes dead: after every octet of a whole session, in both directions. */
#include "row.h"

#include <string.h>

enum { STRIDE = 9 };

/* Where another kind of end is tried the short form takes every ninth octet, others with another
 * seed. */
static gboolean is_chosen(const RowChoice *choice, gsize k)
{
    return choice->is_full || (k + choice->seed) % STRIDE == 0;
}

static Row *add(GPtrArray *rows, TlsMode security, Flow flow, const char *direction, gsize k)
{
    g_autofree char *what = g_strdup_printf("%s/%" G_GSIZE_FORMAT, direction, k);
    Row *row = row_add(rows, "cut", security, flow, what);
    g_autofree char *group = g_strdup_printf(
        "cut after octets %s, %s, %s", direction, tls_mode_name(security), row_flow_name(flow));
    row->group = g_intern_string(group);
    row->is_proven = TRUE; /* the longest reach: most is at stake */
    row->seen = SEEN_CUT;
    row->cut = WIRE_FIN;
    return row;
}

static void add_form(GPtrArray *rows, TlsMode security, Flow flow, const RowChoice *choice)
{
    const RowTraffic *traffic = &choice->traffic[security][flow];
    for (gsize k = 0; k <= traffic->written; k++)
        add(rows, security, flow, "written", k)->cut_written = (gssize)k;
    for (gsize k = 0; k <= traffic->read; k++)
        add(rows, security, flow, "read", k)->cut_read = (gssize)k;
    for (gsize k = 0; k <= traffic->written; k++) {
        if (!is_chosen(choice, k))
            continue;
        Row *reset = add(rows, security, flow, "written then reset", k);
        reset->cut_written = (gssize)k;
        reset->cut = WIRE_RESET;
        Row *goodbye = add(rows, security, flow, "written then goodbye", k);
        goodbye->cut_written = (gssize)k;
        goodbye->cut = WIRE_GOODBYE;
    }
}

void rows_of_cuts(GPtrArray *rows, const RowChoice *choice)
{
    for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
        for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
            if (flow != FLOW_STEPS || choice->is_full)
                add_form(rows, security, flow, choice);
        }
    }
}
