/* Verification runs: written rung by rung, and how many are kept. */
#include "base/limits.h"
#include "scratch.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

#define ORG STORE_DEFAULT_ORG

static SmtpState *read_state(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    SmtpState *state = smtp_state_read(self->db, ORG, &error);
    ok(state, error);
    return state;
}

/* Its revision. */
static gint64 write_draft(Scratch *self)
{
    gint64 revision = -1;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) draft = settings_new();
    draft->host = g_strdup("mail.example.de");
    ok(smtp_draft_write(self->db, ORG, draft, -1, T0, &revision, &error), error);
    return revision;
}

static Verification *make_run(Scratch *self, gint64 revision)
{
    static const char *const ladder[] = {"dns", "connect", "greeting"};
    Verification *run = verification_new();
    run->org_id = ORG;
    run->id = scratch_id(self, T0);
    run->revision = revision;
    run->host = g_strdup("mail.example.de");
    run->port = 587;
    run->security = g_strdup("starttls");
    run->started_at = T0;
    for (gsize i = 0; i < G_N_ELEMENTS(ladder); i++) {
        VerificationPhase *phase = g_new0(VerificationPhase, 1);
        *phase = (VerificationPhase){g_strdup(ladder[i]), PHASE_PENDING, -1, NULL};
        g_ptr_array_add(run->phases, phase);
    }
    return run;
}

static void write_run(Scratch *self, const Verification *run)
{
    g_autoptr(GError) error = NULL;
    ok(verification_write(self->db, run, &error), error);
}

static void add_line(Verification *run, gboolean from_client, const char *text)
{
    VerificationLine *line = g_new0(VerificationLine, 1);
    *line = (VerificationLine){from_client, g_strdup(text)};
    g_ptr_array_add(run->lines, line);
}

/* Every field set, each text another. */
static Verification *make_full_run(Scratch *self)
{
    Verification *run = make_run(self, 5);
    run->state = VERIFICATION_FAILED;
    run->activate = run->activated = TRUE;
    run->finished_at = T0 + 99;
    run->reply_code = 535;
    run->certificate_not_before = T0 - 1;
    run->certificate_not_after = T0 + 1;
    run->username = g_strdup("user");
    run->from_email = g_strdup("from");
    run->probe_recipient = g_strdup("probe");
    run->diagnosis = g_strdup("diagnosis");
    run->diagnosis_phase = g_strdup("phase");
    run->reply_enhanced = g_strdup("5.7.8");
    run->reply_text = g_strdup("text");
    run->error_name = g_strdup("error");
    run->tls_version = g_strdup("TLSv1.3");
    run->tls_cipher = g_strdup("cipher");
    run->certificate_subject = g_strdup("subject");
    run->certificate_issuer = g_strdup("issuer");
    run->certificate_names = g_strdup("names");
    run->capabilities = g_strdup("SIZE\nAUTH");
    run->auth_mechanism = g_strdup("PLAIN");
    run->started_by = g_strdup("anna@example.de");
    run->sender_mx = g_strdup("mx.example.de");
    run->sibling = SIBLING_CLOSED;
    run->sibling_port = 465;
    add_line(run, FALSE, "220 hello");
    add_line(run, TRUE, "EHLO me");
    return run;
}

static void check_same_run(const Verification *a, const Verification *b)
{
    assert_true(id_equal(&a->id, &b->id));
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->activate, b->activate);
    assert_int_equal(a->activated, b->activated);
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->reply_code, b->reply_code);
    assert_true(a->started_at == b->started_at && a->finished_at == b->finished_at);
    assert_true(a->certificate_not_before == b->certificate_not_before);
    assert_true(a->certificate_not_after == b->certificate_not_after);
    assert_int_equal(a->sibling, b->sibling);
    assert_int_equal(a->sibling_port, b->sibling_port);
    const char *const texts[][2] = {{a->host, b->host}, {a->username, b->username},
        {a->from_email, b->from_email}, {a->probe_recipient, b->probe_recipient},
        {a->security, b->security}, {a->diagnosis, b->diagnosis},
        {a->diagnosis_phase, b->diagnosis_phase}, {a->reply_enhanced, b->reply_enhanced},
        {a->reply_text, b->reply_text}, {a->error_name, b->error_name},
        {a->tls_version, b->tls_version}, {a->tls_cipher, b->tls_cipher},
        {a->certificate_subject, b->certificate_subject},
        {a->certificate_issuer, b->certificate_issuer},
        {a->certificate_names, b->certificate_names}, {a->capabilities, b->capabilities},
        {a->auth_mechanism, b->auth_mechanism}, {a->started_by, b->started_by},
        {a->sender_mx, b->sender_mx}};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_string_equal(texts[i][0], texts[i][1]);
    assert_int_equal(a->phases->len, b->phases->len);
    for (guint i = 0; i < a->phases->len; i++) {
        const VerificationPhase *one = a->phases->pdata[i], *other = b->phases->pdata[i];
        assert_string_equal(one->name, other->name);
        assert_int_equal(one->state, other->state);
        assert_true(one->ms == other->ms);
        assert_int_equal(g_strcmp0(one->detail, other->detail), 0);
    }
    assert_int_equal(a->lines->len, b->lines->len);
    for (guint i = 0; i < a->lines->len; i++) {
        const VerificationLine *one = a->lines->pdata[i], *other = b->lines->pdata[i];
        assert_string_equal(one->text, other->text);
        assert_int_equal(one->from_client, other->from_client);
    }
}

static void a_run_comes_back_rung_by_rung(void **state)
{
    Scratch *self = *state;
    g_autoptr(Verification) run = make_full_run(self);
    run->state = VERIFICATION_RUNNING;
    write_run(self, run);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_VERIFICATION), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 1);
    VerificationPhase *first = run->phases->pdata[0];
    first->state = PHASE_PASSED;
    first->ms = 12;
    first->detail = g_strdup("192.0.2.1");
    add_line(run, FALSE, "250 fine");
    write_run(self, run);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_VERIFICATION), 2);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 1);
    run->state = VERIFICATION_FAILED;
    write_run(self, run);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 2);
    g_autoptr(GError) error = NULL;
    g_autoptr(Verification) read = verification_get(self->db, ORG, &run->id, &error);
    ok(read, error);
    check_same_run(read, run);
    assert_null(verification_get(self->db, 2, &run->id, &error));
    assert_null(error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM verification_lines"), 3);
}

static void a_copy_of_a_run_stands_alone(void **state)
{
    Scratch *self = *state;
    Verification *run = make_full_run(self);
    g_autoptr(Verification) copy = verification_copy(run);
    check_same_run(copy, run);
    verification_free(run);
    g_autoptr(Verification) again = verification_copy(copy);
    check_same_run(again, copy);
}

static void the_draft_is_judged_by_the_last_run_of_its_revision(void **state)
{
    Scratch *self = *state;
    gint64 revision = write_draft(self);
    static const struct {
        const char *name;
        VerificationState state;
        gint64 revision_behind;
        SettingsVerification expected;
    } rows[] = {
        {"running", VERIFICATION_RUNNING, 0, SETTINGS_VERIFYING},
        {"passed", VERIFICATION_PASSED, 0, SETTINGS_VERIFIED},
        {"failed", VERIFICATION_FAILED, 0, SETTINGS_VERIFICATION_FAILED},
        {"cancelled: the result before it holds", VERIFICATION_CANCELLED, 0,
            SETTINGS_VERIFICATION_FAILED},
        {"of older values", VERIFICATION_PASSED, 1, SETTINGS_VERIFICATION_FAILED},
    };
    g_autoptr(SmtpState) before = read_state(self);
    assert_int_equal(before->draft_verification, SETTINGS_NEVER_VERIFIED);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Verification) run = make_run(self, revision - rows[i].revision_behind);
        run->state = rows[i].state;
        write_run(self, run);
        g_autoptr(SmtpState) now = read_state(self);
        if (now->draft_verification != rows[i].expected)
            fail_msg("%s", rows[i].name);
        assert_true(now->has_last_verification);
        assert_true(id_equal(&now->last_verification, &run->id));
    }
    write_draft(self);
    g_autoptr(SmtpState) changed = read_state(self);
    assert_int_equal(changed->draft_verification, SETTINGS_NEVER_VERIFIED);
}

/* --- How many are kept ------------------------------------------------------------------------ */

static gint64 count_runs(Scratch *self)
{
    return scratch_number(self, "SELECT COUNT(*) FROM verifications");
}

static void the_newest_runs_are_kept_as_they_are_written(void **state)
{
    Scratch *self = *state;
    Id oldest = {{0}};
    for (guint i = 0; i < LIMIT_VERIFICATIONS + 5; i++) {
        g_autoptr(Verification) run = make_run(self, 1);
        write_run(self, run);
        run->state = VERIFICATION_PASSED;
        write_run(self, run); /* the same run: nothing goes for it */
        oldest = i == 5 ? run->id : oldest;
        assert_int_equal(count_runs(self), MIN(i + 1, LIMIT_VERIFICATIONS));
    }
    g_autoptr(GError) error = NULL;
    assert_int_equal(
        scratch_number(self, "SELECT COUNT(*) FROM verification_phases"), 3 * LIMIT_VERIFICATIONS);
    g_autoptr(Verification) kept = verification_get(self->db, ORG, &oldest, &error);
    ok(kept, error);
}

/* What an earlier version left behind, of every organisation. */
static void a_pile_of_old_runs_goes_bit_by_bit(void **state)
{
    Scratch *self = *state;
    GError *error = NULL;
    ok(db_exec(self->db,
           "INSERT INTO organisations (row) VALUES (2);"
           "INSERT INTO verifications (org_id, id, state, revision, activate, activated, port, "
           "started_at, reply_code) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
           "WHERE i < 1999) SELECT i % 2 + 1, CAST(char(1) || printf('%015d', i) AS BLOB), 2, 1, "
           "0, "
           "0, 587, 1, 0 FROM n",
           &error),
        error);
    gint64 n = count_runs(self), before;
    do {
        before = n;
        ok(verifications_recover(self->db, T0, &error), error);
        n = count_runs(self);
        assert_true(before - n <= 2 * LIMIT_VERIFICATIONS_AT_ONCE);
    } while (n < before);
    assert_int_equal(n, 2 * LIMIT_VERIFICATIONS);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM verifications WHERE id >= "
                                          "CAST(char(1) || '000000000001800' AS BLOB)"),
        n); /* the newest of each */
}

static void at_start_running_runs_are_cancelled_and_old_ones_removed(void **state)
{
    Scratch *self = *state;
    Id oldest = {{0}}, newest = {{0}};
    for (guint i = 0; i < LIMIT_VERIFICATIONS + 5; i++) {
        g_autoptr(Verification) run = make_run(self, 1);
        write_run(self, run);
        newest = run->id;
        oldest = i == 0 ? run->id : oldest;
    }
    g_autoptr(GError) error = NULL;
    ok(verifications_recover(self->db, T0 + 77, &error), error);
    assert_int_equal(
        scratch_number(self, "SELECT COUNT(*) FROM verifications"), LIMIT_VERIFICATIONS);
    assert_int_equal(
        scratch_number(self, "SELECT COUNT(*) FROM verification_phases"), 3 * LIMIT_VERIFICATIONS);
    g_autoptr(Verification) gone = verification_get(self->db, ORG, &oldest, &error);
    assert_null(gone);
    g_autoptr(Verification) last = verification_get(self->db, ORG, &newest, &error);
    ok(last, error);
    assert_int_equal(last->state, VERIFICATION_CANCELLED);
    assert_true(last->finished_at == T0 + 77);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_run_comes_back_rung_by_rung),
        SCRATCH_TEST(a_copy_of_a_run_stands_alone),
        SCRATCH_TEST(the_draft_is_judged_by_the_last_run_of_its_revision),
        SCRATCH_TEST(the_newest_runs_are_kept_as_they_are_written),
        SCRATCH_TEST(a_pile_of_old_runs_goes_bit_by_bit),
        SCRATCH_TEST(at_start_running_runs_are_cancelled_and_old_ones_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
