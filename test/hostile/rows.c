/* What the tables have in common, and the first of them: nothing hostile at all. */
#include "row.h"

const char *row_phase(Step step)
{
    static const char *const phases[STEP_COUNT] = {
        [STEP_GREETING] = "greeting",
        [STEP_EHLO] = "ehlo",
        [STEP_STARTTLS] = "starttls",
        [STEP_EHLO_TLS] = "ehlo",
        [STEP_AUTH] = "auth",
        [STEP_USERNAME] = "auth",
        [STEP_PASSWORD] = "auth",
        [STEP_MAIL] = "mail_from",
        [STEP_RCPT] = "rcpt_to",
        [STEP_DATA] = "data",
        [STEP_BODY] = "data",
        [STEP_END] = "after_data",
        [STEP_CHUNK] = "after_data",
        [STEP_RSET] = "mail_from",
        [STEP_QUIT] = "quit",
    };
    return phases[step];
}

const char *row_step_name(Step step)
{
    static const char *const names[STEP_COUNT] = {
        [STEP_GREETING] = "greeting",
        [STEP_EHLO] = "ehlo",
        [STEP_STARTTLS] = "starttls",
        [STEP_EHLO_TLS] = "ehlo-tls",
        [STEP_AUTH] = "auth",
        [STEP_USERNAME] = "username",
        [STEP_PASSWORD] = "password",
        [STEP_MAIL] = "mail",
        [STEP_RCPT] = "rcpt",
        [STEP_DATA] = "data",
        [STEP_BODY] = "body",
        [STEP_END] = "dot",
        [STEP_CHUNK] = "bdat",
        [STEP_RSET] = "rset",
        [STEP_QUIT] = "quit",
    };
    return names[step];
}

const char *row_flow_name(Flow flow)
{
    static const char *const names[FLOW_COUNT] = {
        [FLOW_STEPS] = "steps", [FLOW_OVERLAP] = "overlap", [FLOW_WINDOW] = "window"};
    return names[flow];
}

Row *row_add(GPtrArray *rows, const char *group, TlsMode security, Flow flow, const char *what)
{
    Row *row = g_new(Row, 1);
    *row = (Row){.group = group,
        .security = security,
        .flow = flow,
        .refused = ROW_NOBODY,
        .withheld = ROW_NOBODY,
        .cut_written = -1,
        .cut_read = -1,
        .cut_raw = -1};
    row->name =
        g_strdup_printf("%s/%s/%s/%s", group, what, tls_mode_name(security), row_flow_name(flow));
    g_ptr_array_add(rows, row);
    return row;
}

void row_free(Row *row)
{
    g_free(row->name);
    g_free(row);
}

void rows_of_plain(GPtrArray *rows)
{
    for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
        for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
            row_add(rows, "plain", security, flow, "plain");
            row_add(rows, "plain", security, flow, "login")->by_login = TRUE;
            row_add(rows, "plain", security, flow, "proven")->is_proven = TRUE;
            if (security == TLS_MODE_STARTTLS)
                row_add(rows, "plain", security, flow, "boasts before TLS")->boasts = TRUE;
            row_add(rows, "plain", security, flow, "late marks")->marks_late = TRUE;
            row_add(rows, "plain", security, flow, "refused")->refused = 1;
            Row *empty = row_add(rows, "plain", security, flow, "refused-354");
            empty->refused = 1;
            empty->takes_empty = TRUE;
            row_add(rows, "plain", security, flow, "records of one octet")->grain = 1;
            row_add(rows, "plain", security, flow, "records of seven octets")->grain = 7;
            row_add(rows, "plain", security, flow, "large mails")->n_content = 300000;
        }
    }
}
