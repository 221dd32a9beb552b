#include "mails.h"
#include "store/activity.h"
#include "store/smtp_settings.h"

#define HOUR0 (T0 / CLOCK_HOUR_MS * CLOCK_HOUR_MS) /* the hour of T0 begins */

static void add(Scratch *self, ActivityTally tally, WallMs at)
{
    g_autoptr(GError) error = NULL;
    ok(activity_add(self->db, ORG, &tally, at, &error), error);
}

static void read_hours(Scratch *self, WallMs now, ActivityHour hours[ACTIVITY_HOURS])
{
    g_autoptr(GError) error = NULL;
    ok(activity_read(self->db, ORG, now, hours, &error), error);
}

static SmtpState *read_state(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    SmtpState *state = smtp_state_read(self->db, ORG, &error);
    ok(state, error);
    return state;
}

static void an_idle_day_is_24_empty_hours_oldest_first(void **state)
{
    ActivityHour hours[ACTIVITY_HOURS];
    read_hours(*state, T0, hours);
    for (gint64 i = 0; i < ACTIVITY_HOURS; i++) {
        assert_true(hours[i].at == HOUR0 - (23 - i) * CLOCK_HOUR_MS);
        assert_int_equal(hours[i].accepted + hours[i].deferred + hours[i].refused, 0);
    }
}

static void groups_add_up_within_their_hour(void **state)
{
    Scratch *self = *state;
    ActivityHour hours[ACTIVITY_HOURS];
    add(self, (ActivityTally){.accepted = 3, .deferred = 1}, HOUR0);
    add(self, (ActivityTally){.accepted = 4, .refused = 2}, HOUR0 + CLOCK_HOUR_MS - 1);
    add(self, (ActivityTally){.accepted = 5}, HOUR0 + CLOCK_HOUR_MS);
    add(self, (ActivityTally){.accepted = 6}, HOUR0 - 23 * CLOCK_HOUR_MS);
    add(self, (ActivityTally){.accepted = 7}, HOUR0 - 23 * CLOCK_HOUR_MS - 1); /* a day ago */
    read_hours(self, T0, hours);
    assert_int_equal(hours[23].accepted, 7);
    assert_int_equal(hours[23].deferred, 1);
    assert_int_equal(hours[23].refused, 2);
    assert_int_equal(hours[0].accepted, 6);
    read_hours(self, T0 + CLOCK_HOUR_MS, hours);
    assert_int_equal(hours[22].accepted, 7);
    assert_int_equal(hours[23].accepted, 5);
}

static void a_tally_of_nothing_writes_nothing(void **state)
{
    Scratch *self = *state;
    add(self, (ActivityTally){0}, T0);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM activity_by_hour"), 0);
}

static void the_last_acceptance_is_exact_to_a_second(void **state)
{
    static const struct {
        const char *name;
        WallMs at, expected;
    } steps[] = {
        {"the first", T0, T0},
        {"within the second", T0 + 1000, T0},
        {"after it", T0 + 1001, T0 + 1001},
        {"the clock was put back", T0 - CLOCK_DAY_MS, T0 - CLOCK_DAY_MS},
    };
    Scratch *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        add(self, (ActivityTally){.accepted = 1}, steps[i].at);
        g_autoptr(SmtpState) read = read_state(self);
        if (read->last_accepted_at != steps[i].expected)
            fail_msg("%s", steps[i].name);
    }
}

static void the_last_failure_is_kept_with_its_diagnosis(void **state)
{
    Scratch *self = *state;
    add(self, (ActivityTally){.deferred = 1, .diagnosis = "greylisted"}, T0);
    add(self, (ActivityTally){.refused = 1, .diagnosis = "mailbox_unknown"}, T0 + 1);
    g_autoptr(SmtpState) read = read_state(self);
    assert_true(read->last_failure_at == T0 + 1);
    assert_string_equal(read->last_failure_diagnosis, "mailbox_unknown");
    assert_int_equal(read->last_accepted_at, 0);
}

static void old_hours_and_those_ahead_are_removed(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    add(self, (ActivityTally){.accepted = 1}, T0);
    add(self, (ActivityTally){.accepted = 1}, T0 - 48 * CLOCK_HOUR_MS);
    add(self, (ActivityTally){.accepted = 1}, T0 - 49 * CLOCK_HOUR_MS);
    add(self, (ActivityTally){.accepted = 1}, T0 + CLOCK_HOUR_MS);
    ok(activity_tidy(self->db, T0, &error), error);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM activity_by_hour"), 2);
}

/* --- Where it is counted --------------------------------------------------------------------- */

static void record(Scratch *self, const EmailAttempt *attempts, guint n)
{
    GError *faults[8] = {NULL};
    g_autoptr(GError) error = NULL;
    ok(emails_record_attempts(self->db, ORG, attempts, n, faults, &error), error);
    for (guint i = 0; i < n; i++)
        g_clear_error(&faults[i]);
}

static gint64 taken(Scratch *self)
{
    return recipients_first_row(mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 1, 10, T0));
}

static void outcomes_are_counted_where_they_are_written(void **state)
{
    Scratch *self = *state;
    gint64 rows[5];
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        rows[i] = taken(self);
    g_autoptr(GError) error = NULL;
    gboolean marked[5];
    ok(emails_mark_sending(self->db, ORG, rows, 4, T0, marked, &error), error);
    const EmailAttempt attempts[] = {
        {.recipient_id = rows[0], .state = EMAIL_ACCEPTED, .at = T0, .counts = TRUE},
        {.recipient_id = rows[1],
            .state = EMAIL_DEFERRED,
            .at = T0,
            .next_at = T0 + 1000,
            .counts = TRUE,
            .diagnosis = "greylisted"},
        {.recipient_id = rows[2],
            .state = EMAIL_REJECTED,
            .at = T0,
            .counts = TRUE,
            .diagnosis = "mailbox_unknown"},
        {.recipient_id = rows[3], .state = EMAIL_UNCERTAIN, .at = T0, .next_at = T0 + 1},
        {.recipient_id = rows[4], .state = EMAIL_QUEUED, .at = T0, .next_at = T0}, /* not tried */
        {.recipient_id = 987654321, .state = EMAIL_ACCEPTED, .at = T0},            /* unknown */
    };
    record(self, attempts, G_N_ELEMENTS(attempts));
    ActivityHour hours[ACTIVITY_HOURS];
    read_hours(self, T0, hours);
    assert_int_equal(hours[23].accepted, 1);
    assert_int_equal(hours[23].deferred, 1);
    assert_int_equal(hours[23].refused, 1);
    g_autoptr(SmtpState) read = read_state(self);
    assert_true(read->last_accepted_at == T0);
    assert_string_equal(read->last_failure_diagnosis, "mailbox_unknown");
    ok(emails_mark_sending(self->db, ORG, &rows[1], 1, T0 + 1000, marked, &error), error);
    record(self, &attempts[1], 1); /* put off again: the same mail, told once */
    read_hours(self, T0, hours);
    assert_int_equal(hours[23].deferred, 1);
}

/* A mail that was under way when other settings became active still ends under the old ones. */
static void a_failure_under_earlier_settings_is_no_news(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db, "UPDATE smtp_state SET config_version = 5", &error), error);
    add(self, (ActivityTally){.deferred = 1, .diagnosis = "old", .config_version = 4}, T0);
    g_autoptr(SmtpState) before = read_state(self);
    assert_null(before->last_failure_diagnosis);
    add(self, (ActivityTally){.deferred = 1, .diagnosis = "new", .config_version = 5}, T0 + 1);
    add(self, (ActivityTally){.deferred = 1, .diagnosis = "old", .config_version = 4}, T0 + 2);
    g_autoptr(SmtpState) after = read_state(self);
    assert_string_equal(after->last_failure_diagnosis, "new");
    assert_true(after->last_failure_at == T0 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_idle_day_is_24_empty_hours_oldest_first),
        SCRATCH_TEST(groups_add_up_within_their_hour),
        SCRATCH_TEST(a_tally_of_nothing_writes_nothing),
        SCRATCH_TEST(the_last_acceptance_is_exact_to_a_second),
        SCRATCH_TEST(the_last_failure_is_kept_with_its_diagnosis),
        SCRATCH_TEST(a_failure_under_earlier_settings_is_no_news),
        SCRATCH_TEST(old_hours_and_those_ahead_are_removed),
        SCRATCH_TEST(outcomes_are_counted_where_they_are_written),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
