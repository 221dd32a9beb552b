#include "store/retention.h"

#include "mails.h"

#define DAYS(n) ((n)*CLOCK_DAY_MS)

static const RetentionTerms week_and_quarter = {.keep_bodies_days = 7, .keep_emails_days = 90};

static gint64 bodies(Scratch *self)
{
    return scratch_number(self, "SELECT COUNT(content) FROM bodies");
}

static gint64 emails(Scratch *self)
{
    return scratch_number(self, "SELECT COUNT(*) FROM emails");
}

static RetentionSweep sweep(Scratch *self, const RetentionTerms *terms, WallMs now, guint limit)
{
    RetentionSweep all = {0};
    for (guint steps = 0; !retention_is_over(&all); steps++) {
        g_autoptr(GError) error = NULL;
        ok(retention_step(self->db, terms, now, limit, &all, &error), error);
        assert_true(steps < 10000);
    }
    return all;
}

static void a_body_is_kept_for_its_days_and_not_longer(void **state)
{
    static const struct {
        const char *name;
        WallMs ended_at, now;
        gint64 left;
    } rows[] = {
        {"at once", T0, T0, 1},
        {"a moment before", T0, T0 + DAYS(7) - 1, 1},
        {"to the millisecond", T0, T0 + DAYS(7), 0},
        {"the days begin with the end, not with the beginning", T0 + DAYS(5), T0 + DAYS(11), 1},
        {"and end", T0 + DAYS(5), T0 + DAYS(12), 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        void *made;
        scratch_make(&made);
        Scratch *self = made;
        gint64 row = mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0);
        mails_end(self, row, 0, EMAIL_ACCEPTED, rows[i].ended_at);
        sweep(self, &week_and_quarter, rows[i].now, 10);
        if (bodies(self) != rows[i].left)
            fail_msg("%s", rows[i].name);
        assert_int_equal(emails(self), 1);
        scratch_remove(&made);
    }
}

static void what_waits_keeps_its_body_however_old_it_is(void **state)
{
    Scratch *self = *state;
    gint64 half = mails_take(self, EMAIL_CLASS_BULK, 2, 50, T0);
    mails_end(self, half, 0, EMAIL_ACCEPTED, T0);
    mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0);
    sweep(self, &week_and_quarter, T0 + DAYS(3650), 10);
    assert_int_equal(bodies(self), 2);
    assert_int_equal(emails(self), 2);
}

static void a_record_goes_with_all_that_belongs_to_it_but_the_newest_stays(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < 5; i++) {
        gint64 row = mails_take(self, EMAIL_CLASS_BULK, 2, 50, T0 + i);
        mails_end(self, row, 0, EMAIL_ACCEPTED, T0 + i);
        mails_end(self, row, 1, EMAIL_REJECTED, T0 + i);
    }
    RetentionSweep done = sweep(self, &week_and_quarter, T0 + DAYS(91), 2);
    assert_int_equal(done.emails_removed, 4);
    assert_int_equal(done.bodies_erased, 5);
    assert_int_equal(emails(self), 1);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM bodies"), 0);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM recipients"), 2);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM attempts"), 2);
    assert_int_equal(scratch_number(self, "SELECT n FROM books WHERE state = 6"), 4);
    assert_int_equal(scratch_number(self, "SELECT n FROM books WHERE state = 7"), 4);
    assert_int_equal(scratch_number(self, "SELECT n FROM recipient_counts WHERE state = 6"), 1);
    /* so a new mail gets a number of its own */
    assert_int_equal(mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0 + DAYS(91)), 6);
}

static void what_is_held_back_does_not_hold_back_the_others_and_is_not_forgotten(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < 6; i++) {
        gint64 row = mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0);
        if (i != 1)
            mails_end(self, row, 0, EMAIL_ACCEPTED, T0);
    }
    sweep(self, &week_and_quarter, T0 + DAYS(8), 2);
    assert_int_equal(bodies(self), 1);
    assert_int_equal(scratch_number(self, "SELECT bodies_below FROM retention"), 2);
    mails_end(self, 2, 0, EMAIL_EXPIRED, T0 + DAYS(8));
    sweep(self, &week_and_quarter, T0 + DAYS(15), 2);
    assert_int_equal(bodies(self), 0);
    assert_int_equal(scratch_number(self, "SELECT bodies_below FROM retention"), 7);
}

static void a_mail_from_a_clock_that_was_ahead_hides_no_others(void **state)
{
    Scratch *self = *state;
    gint64 ahead = mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0 + DAYS(3650));
    mails_end(self, ahead, 0, EMAIL_ACCEPTED, T0 + DAYS(3650));
    for (guint i = 0; i < 4; i++)
        mails_end(self, mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0), 0, EMAIL_ACCEPTED, T0);
    RetentionSweep done = sweep(self, &week_and_quarter, T0 + DAYS(91), 2);
    assert_int_equal(done.bodies_erased, 4);
    assert_int_equal(done.emails_removed, 3); /* never the newest */
    assert_int_equal(bodies(self), 1);
}

static void one_job_looks_at_a_limited_number(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < 10; i++)
        mails_end(self, mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0), 0, EMAIL_ACCEPTED, T0);
    RetentionSweep once = {0};
    g_autoptr(GError) error = NULL;
    ok(retention_step(self->db, &week_and_quarter, T0 + DAYS(8), 4, &once, &error), error);
    assert_int_equal(bodies(self), 6);
    assert_false(once.bodies.is_over);
}

static void no_days_mean_for_ever(void **state)
{
    Scratch *self = *state;
    mails_end(self, mails_take(self, EMAIL_CLASS_BULK, 1, 50, T0), 0, EMAIL_ACCEPTED, T0);
    const RetentionTerms never = {0};
    sweep(self, &never, T0 + DAYS(3650), 10);
    assert_int_equal(bodies(self), 1);
}

/* --- People ------------------------------------------------------------------------------------
 */

static void run(Scratch *self, const char *sql)
{
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db, sql, &error), error);
}

/* Ended ones at T0, and what is not over. */
static void people(Scratch *self)
{
    static const char sql[] =
        "WITH cases(email, accepted, revoked, expires) AS (VALUES ('accepted@a', 0, NULL, 7), "
        "('revoked@a', NULL, 0, 7), ('expired@a', NULL, NULL, 0), ('open@a', NULL, NULL, 7)) "
        "INSERT INTO invitations (org_id, id, email, role, token_hash, created_at, created_by, "
        "expires_at, accepted_at, revoked_at) SELECT 1, randomblob(16), email, 1, randomblob(32), "
        "0, 'anna', 1795283520123 + expires, 1795283520123 + accepted, 1795283520123 + revoked "
        "FROM cases";
    assert_true(T0 == 1795283520123);
    run(self, sql);
    run(self,
        "WITH RECURSIVE states(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM states WHERE n < 6) "
        "INSERT INTO password_resets (org_id, id, account, state, asked_at, asked_from, "
        "updated_at) "
        "SELECT 1, randomblob(16), n || '@a', n, 1795283520123, '', 1795283520123 FROM states");
    run(self,
        "INSERT INTO tokens (org_id, id, hash, name, hint, scopes, created_at, revoked_at, "
        "networks, created_by) VALUES (1, randomblob(16), randomblob(32), 'Shop', 'abc', 1, 0, "
        "1795283520123, '[]', 'anna'), (1, randomblob(16), randomblob(32), 'CRM', 'def', 1, 0, "
        "NULL, '[]', 'anna')");
}

static void people_are_forgotten_after_their_days_and_what_is_open_stays(void **state)
{
    static const struct {
        WallMs now;
        gint64 invitations, resets, named; /* left */
    } rows[] = {
        {T0 + DAYS(90) - 1, 4, 6, 2}, {T0 + DAYS(90), 1, 4, 1}, {T0 + DAYS(97) - 1, 0, 4, 1},
        {T0 + DAYS(97), 0, 0, 1}, /* nobody has come for it in the days it was on the list */
    };
    const RetentionTerms quarter = {.keep_links_days = 90};
    Scratch *self = *state;
    people(self);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        sweep(self, &quarter, rows[i].now, 2);
        assert_int_equal(
            scratch_number(self, "SELECT COUNT(*) FROM invitations"), rows[i].invitations);
        assert_int_equal(
            scratch_number(self, "SELECT COUNT(*) FROM password_resets"), rows[i].resets);
        assert_int_equal(
            scratch_number(self, "SELECT COUNT(*) FROM tokens WHERE name || hint || "
                                 "ifnull(created_by, '') || ifnull(networks, '') <> ''"),
            rows[i].named);
        assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM tokens"), 2);
    }
}

/* --- The file ----------------------------------------------------------------------------------
 */

enum { MANY = 4000, BODY_BYTES = 2048 };

/* The file's pages, as large as it is, without the log. */
static gint64 pages(Scratch *self)
{
    return scratch_number(self, "SELECT page_count FROM pragma_page_count");
}

static void fill_and_end(Scratch *self, WallMs now)
{
    g_autoptr(GError) error = NULL;
    ok(db_begin(self->db, &error), error);
    for (guint i = 0; i < MANY; i++) {
        gint64 row = mails_take(self, EMAIL_CLASS_BULK, 1, BODY_BYTES, now + i);
        mails_end(self, row, 0, EMAIL_ACCEPTED, now + i);
        g_array_set_size(self->db->changes, 0);
    }
    ok(db_commit(self->db, &error), error);
}

static void the_file_is_used_again(void **state)
{
    Scratch *self = *state;
    fill_and_end(self, T0);
    gint64 full = pages(self);
    sweep(self, &week_and_quarter, T0 + DAYS(92), 500);
    assert_int_equal(emails(self), 1);
    fill_and_end(self, T0 + DAYS(92));
    assert_in_range(pages(self), full - full / 10, full + full / 10);
}

/* With records kept: only they add to the file, the bodies' room is used again. */
static void the_room_of_bodies_is_used_again(void **state)
{
    Scratch *self = *state;
    fill_and_end(self, T0);
    sweep(self, &week_and_quarter, T0 + DAYS(8), 500);
    gint64 room = scratch_number(self, "SELECT freelist_count FROM pragma_freelist_count");
    gint64 bodies_pages = MANY * BODY_BYTES / 16384;
    assert_in_range(room, bodies_pages * 9 / 10, bodies_pages * 12 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_kept_for_its_days_and_not_longer),
        SCRATCH_TEST(what_waits_keeps_its_body_however_old_it_is),
        SCRATCH_TEST(a_record_goes_with_all_that_belongs_to_it_but_the_newest_stays),
        SCRATCH_TEST(what_is_held_back_does_not_hold_back_the_others_and_is_not_forgotten),
        SCRATCH_TEST(a_mail_from_a_clock_that_was_ahead_hides_no_others),
        SCRATCH_TEST(one_job_looks_at_a_limited_number),
        SCRATCH_TEST(no_days_mean_for_ever),
        SCRATCH_TEST(people_are_forgotten_after_their_days_and_what_is_open_stays),
        SCRATCH_TEST(the_file_is_used_again),
        SCRATCH_TEST(the_room_of_bodies_is_used_again),
    };
    secret_init();
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
