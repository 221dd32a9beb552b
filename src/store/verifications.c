#include "store/verifications.h"

#include "base/limits.h"
#include "store/organisations.h"
#include "store/webhooks.h"

const char *verification_state_name(VerificationState state)
{
    switch (state) {
    case VERIFICATION_RUNNING:
        return "running";
    case VERIFICATION_PASSED:
        return "passed";
    case VERIFICATION_FAILED:
        return "failed";
    case VERIFICATION_CANCELLED:
        return "cancelled";
    }
    g_assert_not_reached();
}

const char *phase_state_name(PhaseState state)
{
    switch (state) {
    case PHASE_PENDING:
        return "pending";
    case PHASE_RUNNING:
        return "running";
    case PHASE_PASSED:
        return "passed";
    case PHASE_FAILED:
        return "failed";
    case PHASE_SKIPPED:
        return "skipped";
    }
    g_assert_not_reached();
}

/* --- Memory ---------------------------------------------------------------------------------- */

static void free_phase(gpointer data)
{
    VerificationPhase *phase = data;
    g_free(phase->name);
    g_free(phase->detail);
    g_free(phase);
}

static void free_line(gpointer data)
{
    VerificationLine *line = data;
    g_free(line->text);
    g_free(line);
}

Verification *verification_new(void)
{
    Verification *verification = g_new0(Verification, 1);
    verification->state = VERIFICATION_RUNNING;
    verification->phases = g_ptr_array_new_with_free_func(free_phase);
    verification->lines = g_ptr_array_new_with_free_func(free_line);
    return verification;
}

/* The text members, in the order of the table's columns. */
#define N_TEXTS 19
static void list_texts(Verification *verification, char **texts[N_TEXTS])
{
    char **all[N_TEXTS] = {&verification->host, &verification->security, &verification->username,
        &verification->from_email, &verification->probe_recipient, &verification->diagnosis,
        &verification->diagnosis_phase, &verification->reply_enhanced, &verification->reply_text,
        &verification->error_name, &verification->tls_version, &verification->tls_cipher,
        &verification->certificate_subject, &verification->certificate_issuer,
        &verification->certificate_names, &verification->capabilities,
        &verification->auth_mechanism, &verification->started_by, &verification->sender_mx};
    for (guint i = 0; i < N_TEXTS; i++)
        texts[i] = all[i];
}

void verification_free(Verification *verification)
{
    if (!verification)
        return;
    char **texts[N_TEXTS];
    list_texts(verification, texts);
    for (guint i = 0; i < N_TEXTS; i++)
        g_free(*texts[i]);
    g_ptr_array_unref(verification->phases);
    g_ptr_array_unref(verification->lines);
    g_free(verification);
}

static void add_phase(
    Verification *verification, const char *name, PhaseState state, gint64 ms, const char *detail)
{
    VerificationPhase *phase = g_new0(VerificationPhase, 1);
    *phase = (VerificationPhase){g_strdup(name), state, ms, g_strdup(detail)};
    g_ptr_array_add(verification->phases, phase);
}

static void add_line(Verification *verification, gboolean from_client, const char *text)
{
    VerificationLine *line = g_new0(VerificationLine, 1);
    *line = (VerificationLine){from_client, g_strdup(text)};
    g_ptr_array_add(verification->lines, line);
}

Verification *verification_copy(const Verification *verification)
{
    Verification *copy = g_new0(Verification, 1);
    *copy = *verification;
    char **texts[N_TEXTS];
    list_texts(copy, texts);
    for (guint i = 0; i < N_TEXTS; i++)
        *texts[i] = g_strdup(*texts[i]);
    copy->phases = g_ptr_array_new_with_free_func(free_phase);
    copy->lines = g_ptr_array_new_with_free_func(free_line);
    for (guint i = 0; i < verification->phases->len; i++) {
        const VerificationPhase *phase = verification->phases->pdata[i];
        add_phase(copy, phase->name, phase->state, phase->ms, phase->detail);
    }
    for (guint i = 0; i < verification->lines->len; i++) {
        const VerificationLine *line = verification->lines->pdata[i];
        add_line(copy, line->from_client, line->text);
    }
    return copy;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* *row: of the run with this id; 0: not written yet. */
static gboolean find_row(Db *db, gint64 org_id, const Id *id, gint64 *row, GError **error)
{
    *row = 0;
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row FROM verifications WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q))
        *row = db_int(q, 0);
    return db_finish(q, error);
}

static gboolean delete_run(Db *db, gint64 row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM verifications WHERE row = $1");
    db_bind_int(q, 1, row);
    return db_finish(q, error); /* phases and lines go with it */
}

static gboolean insert_run(Db *db, const Verification *v, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO verifications (org_id, id, state, revision, activate, activated, host, port, "
        "security, username, from_email, probe_recipient, started_at, finished_at, diagnosis, "
        "diagnosis_phase, reply_code, reply_enhanced, reply_text, error_name, tls_version, "
        "tls_cipher, certificate_subject, certificate_issuer, certificate_names, "
        "certificate_not_before, certificate_not_after, capabilities, auth_mechanism, started_by, "
        "sender_mx, sibling_port, sibling_state) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
        "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)");
    db_bind_int(q, 1, v->org_id);
    db_bind_id(q, 2, &v->id);
    db_bind_int(q, 3, v->state);
    db_bind_int(q, 4, v->revision);
    db_bind_int(q, 5, v->activate ? 1 : 0);
    db_bind_int(q, 6, v->activated ? 1 : 0);
    db_bind_text(q, 7, v->host);
    db_bind_int(q, 8, v->port);
    db_bind_text(q, 9, v->security);
    db_bind_text(q, 10, v->username);
    db_bind_text(q, 11, v->from_email);
    db_bind_text(q, 12, v->probe_recipient);
    db_bind_int(q, 13, v->started_at);
    db_bind_int_or_null(q, 14, v->finished_at);
    db_bind_text(q, 15, v->diagnosis);
    db_bind_text(q, 16, v->diagnosis_phase);
    db_bind_int(q, 17, v->reply_code);
    db_bind_text(q, 18, v->reply_enhanced);
    db_bind_text(q, 19, v->reply_text);
    db_bind_text(q, 20, v->error_name);
    db_bind_text(q, 21, v->tls_version);
    db_bind_text(q, 22, v->tls_cipher);
    db_bind_text(q, 23, v->certificate_subject);
    db_bind_text(q, 24, v->certificate_issuer);
    db_bind_text(q, 25, v->certificate_names);
    db_bind_int_or_null(q, 26, v->certificate_not_before);
    db_bind_int_or_null(q, 27, v->certificate_not_after);
    db_bind_text(q, 28, v->capabilities);
    db_bind_text(q, 29, v->auth_mechanism);
    db_bind_text(q, 30, v->started_by);
    db_bind_text(q, 31, v->sender_mx);
    db_bind_int_or_null(q, 32, v->sibling_port);
    db_bind_int_or_null(q, 33, v->sibling);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    return TRUE;
}

static gboolean insert_phases(Db *db, const Verification *v, gint64 row, GError **error)
{
    for (guint i = 0; i < v->phases->len; i++) {
        const VerificationPhase *phase = v->phases->pdata[i];
        g_autoptr(DbQuery) q =
            db_query(db, "INSERT INTO verification_phases (org_id, verification_row, position, "
                         "name, state, ms, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        db_bind_int(q, 1, v->org_id);
        db_bind_int(q, 2, row);
        db_bind_int(q, 3, i);
        db_bind_text(q, 4, phase->name);
        db_bind_int(q, 5, phase->state);
        db_bind_int(q, 6, phase->ms);
        db_bind_text(q, 7, phase->detail);
        if (!db_finish(q, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean insert_lines(Db *db, const Verification *v, gint64 row, GError **error)
{
    for (guint i = 0; i < v->lines->len; i++) {
        const VerificationLine *line = v->lines->pdata[i];
        g_autoptr(DbQuery) q =
            db_query(db, "INSERT INTO verification_lines (org_id, verification_row, position, "
                         "from_client, text) VALUES ($1, $2, $3, $4, $5)");
        db_bind_int(q, 1, v->org_id);
        db_bind_int(q, 2, row);
        db_bind_int(q, 3, i);
        db_bind_int(q, 4, line->from_client ? 1 : 0);
        db_bind_text(q, 5, line->text);
        if (!db_finish(q, error))
            return FALSE;
    }
    return TRUE;
}

/* The oldest beyond those that are kept, and only so many: an earlier version let them pile up,
 * each with hundreds of lines. */
static gboolean remove_old(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "DELETE FROM verifications WHERE row IN (SELECT row FROM verifications WHERE org_id = $1 "
        "AND id < (SELECT id FROM verifications WHERE org_id = $1 ORDER BY id DESC LIMIT 1 "
        "OFFSET $2) ORDER BY id LIMIT $3)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, LIMIT_VERIFICATIONS - 1);
    db_bind_int(q, 3, LIMIT_VERIFICATIONS_AT_ONCE);
    return db_finish(q, error);
}

gboolean verification_write(Db *db, const Verification *verification, GError **error)
{
    gint64 before, row;
    if (!find_row(db, verification->org_id, &verification->id, &before, error) ||
        (before && !delete_run(db, before, error)) || !insert_run(db, verification, &row, error) ||
        !insert_phases(db, verification, row, error) ||
        !insert_lines(db, verification, row, error) ||
        (!before && !remove_old(db, verification->org_id, error)))
        return FALSE;
    store_note_change(db, STORE_CHANGED_VERIFICATION, verification->org_id, &verification->id);
    if (!before || verification->state != VERIFICATION_RUNNING)
        store_note_change(db, STORE_CHANGED_SETTINGS, verification->org_id, NULL);
    return webhook_note_verification(db, verification, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

static Verification *read_run(DbQuery *q)
{
    Verification *v = verification_new();
    v->org_id = db_int(q, 0);
    db_id(q, 1, &v->id);
    v->state = (VerificationState)db_int(q, 2);
    v->revision = db_int(q, 3);
    v->activate = db_int(q, 4) != 0;
    v->activated = db_int(q, 5) != 0;
    v->port = (guint)db_int(q, 6);
    v->started_at = db_int(q, 7);
    v->finished_at = db_int(q, 8);
    v->reply_code = (int)db_int(q, 9);
    v->certificate_not_before = db_int(q, 10);
    v->certificate_not_after = db_int(q, 11);
    v->sibling_port = (guint)db_int(q, 12);
    v->sibling = (SiblingState)db_int(q, 13);
    char **texts[N_TEXTS];
    list_texts(v, texts);
    for (int i = 0; i < N_TEXTS; i++)
        *texts[i] = db_dup_text(q, 14 + i);
    return v;
}

static gboolean read_phases(Db *db, gint64 row, Verification *v, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT name, state, ms, detail FROM verification_phases "
                                        "WHERE verification_row = $1 ORDER BY position");
    db_bind_int(q, 1, row);
    while (db_next(q))
        add_phase(v, db_text(q, 0), (PhaseState)db_int(q, 1), db_int(q, 2), db_text(q, 3));
    return db_finish(q, error);
}

static gboolean read_lines(Db *db, gint64 row, Verification *v, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT from_client, text FROM verification_lines "
                                        "WHERE verification_row = $1 ORDER BY position");
    db_bind_int(q, 1, row);
    while (db_next(q))
        add_line(v, db_int(q, 0) != 0, db_text(q, 1));
    return db_finish(q, error);
}

Verification *verification_get(Db *db, gint64 org_id, const Id *id, GError **error)
{
    gint64 row;
    if (!find_row(db, org_id, id, &row, error) || row == 0)
        return NULL;
    g_autoptr(Verification) v = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT org_id, id, state, revision, activate, activated, port, started_at, finished_at, "
        "reply_code, certificate_not_before, certificate_not_after, sibling_port, sibling_state, "
        "host, security, username, "
        "from_email, probe_recipient, diagnosis, diagnosis_phase, reply_enhanced, reply_text, "
        "error_name, tls_version, tls_cipher, certificate_subject, certificate_issuer, "
        "certificate_names, capabilities, auth_mechanism, started_by, sender_mx "
        "FROM verifications WHERE row = $1");
    db_bind_int(q, 1, row);
    if (db_next(q))
        v = read_run(q);
    if (!db_finish(q, error) || !v || !read_phases(db, row, v, error) ||
        !read_lines(db, row, v, error))
        return NULL;
    return g_steal_pointer(&v);
}

/* --- At start -------------------------------------------------------------------------------- */

static gboolean cancel_running(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE verifications SET state = $1, finished_at = $2 WHERE state = $3");
    db_bind_int(q, 1, VERIFICATION_CANCELLED);
    db_bind_int(q, 2, now);
    db_bind_int(q, 3, VERIFICATION_RUNNING);
    return db_finish(q, error);
}

gboolean verifications_recover(Db *db, WallMs now, GError **error)
{
    g_autoptr(GArray) organisations = organisations_all(db, error);
    if (!organisations || !cancel_running(db, now, error))
        return FALSE;
    for (guint i = 0; i < organisations->len; i++) {
        if (!remove_old(db, g_array_index(organisations, gint64, i), error))
            return FALSE;
    }
    return TRUE;
}
