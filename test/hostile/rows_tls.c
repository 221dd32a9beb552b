/* What can be wrong with TLS: octets injected before it, the certificate, the handshake, records.
 */
#include "row.h"

#include <string.h>

/* --- Injection -------------------------------------------------------------------------------- */

static const char injected[] = "250-evil\r\n250 AUTH PLAIN\r\n235 in\r\n";
static const char go[] = "220 go\r\n";

/* Behind the 220 there may be nothing but TLS (RFC 3207 4, CVE-2011-0411). What arrives in the same
 * piece is found by the core; what arrives later is no TLS and breaks the handshake. */
static void add_injections(GPtrArray *rows, const RowChoice *choice)
{
    for (gsize split = 0; split <= strlen(go) + strlen(injected); split++) {
        g_autofree char *what = g_strdup_printf("%" G_GSIZE_FORMAT, split);
        Row *row = row_add(rows, "injection", TLS_MODE_STARTTLS, FLOW_WINDOW, what);
        row->injected = injected;
        row->split = split;
        row->seen = split == strlen(go) ? SEEN_FAILURE : SEEN_INJECTION;
        row->phase = split == strlen(go) ? "starttls|tls" : "starttls";
    }
    static const char *const firsts[] = {
        "220 hello\r\n", "2", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x16\x03\x03\xff\xff", "\r\n"};
    if (choice->is_full) { /* takes LIMIT_TLS_HANDSHAKE_MS */
        Row *row = row_add(rows, "injection", TLS_MODE_IMPLICIT, FLOW_WINDOW, "half a record");
        row->injected = "\x15\x03\x01";
        row->seen = SEEN_LATE;
        row->phase = "tls";
    }
    for (gsize i = 0; i < G_N_ELEMENTS(firsts); i++) {
        g_autofree char *what = g_strdup_printf("before TLS %" G_GSIZE_FORMAT, i);
        Row *row = row_add(rows, "injection", TLS_MODE_IMPLICIT, FLOW_WINDOW, what);
        row->injected = firsts[i];
        row->seen = SEEN_TLS;
        row->phase = "tls";
    }
}

/* --- Certificates ----------------------------------------------------------------------------- */

static void add_identities(GPtrArray *rows)
{
    for (guint i = 0; i < identities_count(); i++) {
        for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
            const IdentityRow *identity = identities_row(i);
            Row *row = row_add(rows, "identity", security, FLOW_WINDOW, identity->name);
            g_autofree char *group = g_strdup_printf("certificate: %s%s%s%s", identity->name,
                identity->why == NULL ? "" : " (", identity->why == NULL ? "" : identity->why,
                identity->why == NULL ? "" : ")");
            row->group = g_intern_string(group);
            row->identity = i;
            row->seen = identity->diagnosis == NULL ? SEEN_WELL : SEEN_IDENTITY;
            row->phase = identity->phase == NULL ? "tls" : identity->phase;
        }
    }
}

/* --- Handshake and records -------------------------------------------------------------------- */

static void add_handshake_cuts(GPtrArray *rows, const RowChoice *choice)
{
    enum { HANDSHAKE_OCTETS = 640, STRIDE = 13 }; /* the server's flight is a little longer */
    for (TlsMode security = TLS_MODE_STARTTLS; security <= TLS_MODE_IMPLICIT; security++) {
        for (gsize k = 1; k < HANDSHAKE_OCTETS; k++) {
            if (!choice->is_full && (k + choice->seed) % STRIDE != 0)
                continue;
            g_autofree char *what = g_strdup_printf("%" G_GSIZE_FORMAT, k);
            Row *row = row_add(rows, "handshake cut", security, FLOW_WINDOW, what);
            row->cut_raw = (gssize)k;
            row->seen = SEEN_LOST;
            row->phase = "tls";
        }
    }
}

#define X16 "xxxxxxxxxxxxxxxx"
#define X257 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 "x"

static const Manner records[] = {
    {"new keys", ACT_KEY_UPDATE, NULL, 0, SEEN_WELL, WIRE_NO_CUT},
    {"renegotiation", ACT_RENEGOTIATE, NULL, 0, SEEN_ANY, WIRE_NO_CUT},
    {"plaintext beside", ACT_BESIDE, "250 ok\r\n", 0, SEEN_TLS, WIRE_NO_CUT},
    {"record out of nothing", ACT_BESIDE, "\x17\x03\x03\x01\x01" X257, 0, SEEN_TLS, WIRE_NO_CUT},
    {"endless record", ACT_BESIDE,
        "\x17\x03\x03\xff\xff"
        "forged",
        0, SEEN_TLS, WIRE_NO_CUT},
    {"alert in clear", ACT_BESIDE, "\x15\x03\x03\x01\x01" X257, 0, SEEN_TLS, WIRE_NO_CUT},
};

static guint identity_named(const char *name)
{
    for (guint i = 0; i < identities_count(); i++) {
        if (strcmp(identities_row(i)->name, name) == 0)
            return i;
    }
    g_assert_not_reached();
}

static void add_records(GPtrArray *rows)
{
    static const Step steps[] = {
        STEP_EHLO_TLS, STEP_AUTH, STEP_MAIL, STEP_DATA, STEP_END, STEP_CHUNK};
    for (gsize i = 0; i < G_N_ELEMENTS(records) * G_N_ELEMENTS(steps); i++) {
        const Manner *manner = &records[i / G_N_ELEMENTS(steps)];
        Step step = steps[i % G_N_ELEMENTS(steps)];
        for (Flow flow = 0; flow < FLOW_COUNT; flow++) {
            gboolean is_data = step == STEP_DATA || step == STEP_END;
            if ((flow == FLOW_WINDOW && is_data) || (flow != FLOW_WINDOW && step == STEP_CHUNK))
                continue;
            g_autofree char *what = g_strdup_printf("%s/%s", manner->name, row_step_name(step));
            Row *row = row_add(rows, "records", TLS_MODE_IMPLICIT, flow, what);
            g_autofree char *group = g_strdup_printf("records: %s", manner->name);
            row->group = g_intern_string(group);
            row->step = step;
            row->nth = 1;
            row->manner = *manner;
            row->is_proven = TRUE;
            row->seen = manner->seen;
            row->phase = manner->seen == SEEN_TLS ? row_phase(step) : NULL;
            if (manner->act == ACT_RENEGOTIATE)
                row->identity = identity_named("TLS 1.2 only");
            if (manner->act == ACT_KEY_UPDATE)
                row->identity = identity_named("TLS 1.3 only");
        }
    }
}

void rows_of_tls(GPtrArray *rows, const RowChoice *choice)
{
    add_injections(rows, choice);
    add_identities(rows);
    add_handshake_cuts(rows, choice);
    add_records(rows);
}
