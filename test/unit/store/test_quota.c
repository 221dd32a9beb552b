/* What the store remembers of the mails sent, and of times that a clock was set past. */
#include "base/limits.h"
#include "scratch.h"
#include "store/emails.h"
#include "store/quota.h"
#include "store/smtp_settings.h"
#include "store/waits.h"

#define ORG STORE_DEFAULT_ORG
#define YEARS (3652 * CLOCK_DAY_MS)

static const QuotaLimits all = {1000, 1000, 1000};

static void sent(Scratch *self, WallMs at, guint n)
{
    g_autoptr(GError) error = NULL;
    ok(quota_sent_add(self->db, ORG, at, n, &error), error);
}

static void used(Scratch *self, WallMs now, guint minute, guint hour, guint day)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Quota) quota = quota_sent_read(self->db, ORG, now, &error);
    ok(quota, error);
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_read(quota, &all, now, windows);
    assert_int_equal(windows[0].used, minute);
    assert_int_equal(windows[1].used, hour);
    assert_int_equal(windows[2].used, day);
}

static void a_day_is_remembered_over_a_restart(void **state)
{
    Scratch *self = *state;
    sent(self, T0 - 25 * CLOCK_HOUR_MS, 1);
    sent(self, T0 - 20 * CLOCK_HOUR_MS, 2);
    sent(self, T0 - 30 * CLOCK_MINUTE_MS, 4);
    sent(self, T0, 8);
    sent(self, T0, 0);
    sent(self, T0, 16);
    db_close(self->db);
    scratch_connect(self);
    used(self, T0, 24, 28, 30);
    used(self, T0 + 2 * CLOCK_HOUR_MS, 0, 0, 30);
    used(self, T0 + 2 * CLOCK_DAY_MS, 0, 0, 0);
}

/* Counted in a minute is all that is known: it may have been its last moment. */
static void a_minute_counts_as_its_end(void **state)
{
    Scratch *self = *state;
    WallMs begin = T0 / CLOCK_MINUTE_MS * CLOCK_MINUTE_MS;
    sent(self, begin, 3);
    used(self, begin + CLOCK_MINUTE_MS + 30 * CLOCK_SECOND_MS, 3, 3, 3);
    used(self, begin + 2 * CLOCK_MINUTE_MS + CLOCK_SECOND_MS, 0, 3, 3);
}

static void what_lies_ahead_counts_as_now_and_then_passes(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    sent(self, T0, 5);
    sent(self, T0 - YEARS, 2);
    used(self, T0 - YEARS, 7, 7, 7);
    ok(quota_sent_tidy(self->db, T0 - YEARS, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM sent_by_minute"), 1);
    used(self, T0 - YEARS, 7, 7, 7);
    used(self, T0 - YEARS + 2 * CLOCK_HOUR_MS, 0, 0, 7);
    used(self, T0 - YEARS + 2 * CLOCK_DAY_MS, 0, 0, 0);
}

static void what_is_over_is_removed(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    sent(self, T0, 5);
    ok(quota_sent_tidy(self->db, T0 + CLOCK_DAY_MS, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM sent_by_minute"), 1);
    ok(quota_sent_tidy(self->db, T0 + CLOCK_DAY_MS + CLOCK_HOUR_MS, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM sent_by_minute"), 0);
}

/* --- Mails --------------------------------------------------------------------------------------
 */

static gint64 insert(Scratch *self, WallMs scheduled_at)
{
    g_autoptr(EmailNew) email = email_new_alloc();
    email->org_id = ORG;
    email->id = scratch_id(self, T0);
    email->class = EMAIL_CLASS_BULK;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("shop@example.de");
    email->to = g_strdup("anna@example.com");
    email->message_id = g_strdup("<1@example.de>");
    email->content = g_bytes_new_static("\r\n", 2);
    email->created_at = T0;
    email->scheduled_at = scheduled_at;
    g_ptr_array_add(email->recipients, g_strdup("anna@example.com"));
    g_autoptr(GError) error = NULL;
    ok(emails_insert(self->db, self->vault, email, &error), error);
    return scratch_number(self, "SELECT MAX(row) FROM recipients");
}

static void record(Scratch *self, gint64 row, EmailState to, WallMs next_at, gboolean asked)
{
    const EmailAttempt attempt = {
        .recipient_id = row, .state = to, .at = T0, .next_at = next_at, .asked = asked};
    g_autoptr(GError) error = NULL;
    GError *fault = NULL;
    ok(emails_record_attempts(self->db, ORG, &attempt, 1, &fault, &error), error);
    ok(!fault, fault);
}

static void mark(Scratch *self, gint64 row)
{
    g_autoptr(GError) error = NULL;
    gboolean marked = FALSE;
    ok(emails_mark_sending(self->db, ORG, &row, 1, T0, &marked, &error), error);
    assert_true(marked);
}

static void what_the_provider_was_asked_to_take_is_counted_with_its_outcome(void **state)
{
    Scratch *self = *state;
    record(self, insert(self, 0), EMAIL_DEFERRED, T0 + 1000, TRUE);
    record(self, insert(self, 0), EMAIL_DEFERRED, T0 + 1000, FALSE); /* it never got that far */
    gint64 accepted = insert(self, 0);
    mark(self, accepted);
    record(self, accepted, EMAIL_ACCEPTED, 0, TRUE);
    used(self, T0, 2, 2, 2);
}

static void what_was_being_sent_at_a_crash_is_counted(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gint64 recovered = 0;
    mark(self, insert(self, 0));
    ok(emails_recover(self->db, T0, &recovered, &error), error);
    used(self, T0, 1, 1, 1);
}

static void the_gate_knows_the_quota(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = settings_new();
    settings->host = g_strdup("mail.example.de");
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    settings->quota.per_day = 3;
    ok(smtp_activate(self->db, ORG, settings, -1, T0, &error), error);
    ok(smtp_sending_write(self->db, ORG, TRUE, NULL, 0, "mem_1", T0, &error), error);
    WallMs now = clock_wall_ms();
    sent(self, now, 2);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(SmtpState) read = smtp_state_read(self->db, ORG, &error);
        ok(read, error);
        assert_int_equal(smtp_state_limits(read).per_day, 3);
        assert_int_equal(smtp_state_gate(read, now), i == 0 ? EMAIL_GATE_OPEN : EMAIL_GATE_QUOTA);
        sent(self, now, 1);
    }
}

/* --- A clock that was set -----------------------------------------------------------------------
 */

static gint64 next_at(Scratch *self, gint64 row)
{
    g_autoptr(DbQuery) q = db_query(self->db, "SELECT next_at FROM recipients WHERE row = $1");
    db_bind_int(q, 1, row);
    assert_true(db_next(q));
    return db_int(q, 0);
}

static void no_mail_waits_for_years_because_the_clock_was_put_back(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    WallMs now = T0 - YEARS;
    gint64 far = insert(self, 0);
    gint64 near = insert(self, 0);
    gint64 scheduled = insert(self, T0 + CLOCK_DAY_MS);
    record(self, far, EMAIL_DEFERRED, T0 + CLOCK_MINUTE_MS, TRUE);
    gboolean is_done = FALSE;
    ok(waits_shorten(self->db, now, 1, &is_done, &error), error);
    assert_false(is_done);
    for (guint i = 0; i < 2; i++)
        ok(waits_shorten(self->db, now, 1, &is_done, &error), error);
    assert_true(is_done);
    assert_true(next_at(self, far) == now + LIMIT_RETRY_BACKOFF_MS);
    assert_true(next_at(self, near) == now); /* queued: it waits for nothing but its turn */
    assert_true(next_at(self, scheduled) == T0 + CLOCK_DAY_MS);
    scratch_forget_changes(self);
    ok(waits_shorten(self->db, now, 10, &is_done, &error), error);
    assert_true(is_done);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 0);
}

static WallMs pause_ends_at(Scratch *self)
{
    return scratch_number(self, "SELECT sending_until FROM smtp_state");
}

static void a_pause_lasts_as_long_as_it_was_meant_to(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    WallMs until = T0 + CLOCK_HOUR_MS;
    ok(smtp_sending_write(self->db, ORG, FALSE, "x", until, "mem_1", T0, &error), error);
    WallMs later = T0 + YEARS + CLOCK_MINUTE_MS;
    ok(smtp_pauses_move(self->db, YEARS, later, &error), error);
    assert_true(pause_ends_at(self) == until + YEARS);
    ok(smtp_pauses_move(self->db, -2 * YEARS, T0 - YEARS, &error), error);
    assert_true(pause_ends_at(self) == until - YEARS);
    /* One that was begun after the clock was set already means the new time. */
    ok(smtp_sending_write(self->db, ORG, FALSE, "y", until, "mem_1", T0, &error), error);
    ok(smtp_pauses_move(self->db, YEARS, T0 + CLOCK_SECOND_MS, &error), error);
    assert_true(pause_ends_at(self) == until);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_day_is_remembered_over_a_restart),
        SCRATCH_TEST(a_minute_counts_as_its_end),
        SCRATCH_TEST(what_lies_ahead_counts_as_now_and_then_passes),
        SCRATCH_TEST(what_is_over_is_removed),
        SCRATCH_TEST(what_the_provider_was_asked_to_take_is_counted_with_its_outcome),
        SCRATCH_TEST(what_was_being_sent_at_a_crash_is_counted),
        SCRATCH_TEST(the_gate_knows_the_quota),
        SCRATCH_TEST(no_mail_waits_for_years_because_the_clock_was_put_back),
        SCRATCH_TEST(a_pause_lasts_as_long_as_it_was_meant_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
