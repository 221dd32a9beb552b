#include "store/books.h"

#include "base/limits.h"
#include "mails.h"
#include "store/retention.h"

/* The writing connection is handed over to a store, as at a start. */
static void check_within(Scratch *self, gint64 counting_ms, Books *books)
{
    g_clear_pointer(&self->db, db_close);
    const StoreConfig config = {.path = self->path, .full_sync = TRUE};
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&config, NULL, &error);
    ok(store, error);
    ok(books_check(store, ORG, counting_ms, NULL, books, &error), error);
    store_close(store);
    scratch_connect(self);
}

static void check(Scratch *self, Books *books)
{
    check_within(self, LIMIT_BOOKS_COUNTING_MS, books);
}

/* Three mails: one ended, one half, one waiting; the last is of a secret class, and a fourth,
 * ended, too. */
static void take_some(Scratch *self)
{
    gint64 ended = mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 1, 100, T0);
    mails_end(self, ended, 0, EMAIL_ACCEPTED, T0 + 1);
    gint64 half = mails_take(self, EMAIL_CLASS_BULK, 2, 100, T0);
    mails_end(self, half, 1, EMAIL_REJECTED, T0 + 1);
    mails_take(self, EMAIL_CLASS_RESET, 1, 100, T0);
    gint64 secret = mails_take(self, EMAIL_CLASS_INVITATION, 1, 100, T0);
    mails_end(self, secret, 0, EMAIL_ACCEPTED, T0 + 1);
}

static void an_empty_database_is_balanced(void **state)
{
    g_auto(Books) books = {0};
    check(*state, &books);
    assert_true(books.balanced && books.counted);
    assert_int_equal(books.taken, 0);
    assert_int_equal(books.faults->len, 0);
}

static void what_is_taken_is_accounted_for(void **state)
{
    g_auto(Books) books = {0};
    take_some(*state);
    check(*state, &books);
    assert_true(books.balanced && books.counted);
    assert_int_equal(books.taken, 5);
    assert_int_equal(books.states[EMAIL_ACCEPTED], 2);
    assert_int_equal(books.states[EMAIL_REJECTED], 1);
    assert_int_equal(books.states[EMAIL_QUEUED], 2);
}

static void what_was_removed_stays_in_the_books(void **state)
{
    Scratch *self = *state;
    take_some(self);
    const RetentionTerms terms = {.keep_bodies_days = 1, .keep_emails_days = 1};
    RetentionSweep sweep = {0};
    g_autoptr(GError) error = NULL;
    ok(retention_step(self->db, &terms, T0 + 3 * CLOCK_DAY_MS, 100, &sweep, &error), error);
    assert_int_equal(sweep.emails_removed, 1); /* the newest stays, one waits, one half */
    g_auto(Books) books = {0};
    check(self, &books);
    assert_true(books.balanced);
    assert_int_equal(books.taken, 5);
    assert_int_equal(books.removed[EMAIL_ACCEPTED], 1);
    assert_int_equal(books.states[EMAIL_ACCEPTED], 1);
}

static void every_fault_is_found_and_named(void **state)
{
    static const struct {
        const char *name, *damage, *found;
    } rows[] = {
        {"a count too high", "UPDATE recipient_counts SET n = n + 1 WHERE state = 6",
            "2 recipients are accepted, but 3 are counted"},
        {"a count that moved wrongly",
            "UPDATE recipient_counts SET n = CASE state WHEN 2 THEN 1 ELSE 3 END "
            "WHERE state = 2 OR state = 6",
            "2 recipients are queued, but 1 are counted"},
        {"a recipient that vanished", "DELETE FROM recipients WHERE row = 128",
            "1 recipients are accepted, but 2 are counted"},
        {"taken, but never there", "UPDATE books SET n = n + 7 WHERE state = 0",
            "12 recipients were taken, but 5 are accounted for"},
        {"removed, but never taken", "UPDATE books SET n = n + 1 WHERE state = 9",
            "5 recipients were taken, but 6 are accounted for"},
        {"a body that is gone too early", "UPDATE bodies SET content = NULL WHERE email_row = 2",
            "a recipient of email 2 waits, but the body is gone"},
        {"a body's row that is gone", "DELETE FROM bodies WHERE email_row = 3",
            "a recipient of email 3 waits, but the body is gone"},
        {"a secret body that was kept", "UPDATE bodies SET content = x'00' WHERE email_row = 4",
            "email 4 has ended, but its secret body is still there"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        void *made;
        scratch_make(&made);
        Scratch *self = made;
        take_some(self);
        g_autoptr(GError) error = NULL;
        ok(db_exec(self->db, rows[i].damage, &error), error);
        g_auto(Books) books = {0};
        check(self, &books);
        if (books.balanced || g_strcmp0(books.faults->pdata[0], rows[i].found) != 0)
            fail_msg("%s: %s", rows[i].name,
                books.balanced ? "not found" : (const char *)books.faults->pdata[0]);
        scratch_remove(&made);
    }
}

static void faults_are_told_up_to_a_limit(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < 30; i++)
        mails_take(self, EMAIL_CLASS_BULK, 1, 10, T0);
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db, "UPDATE bodies SET content = NULL", &error), error);
    g_auto(Books) books = {0};
    check(self, &books);
    assert_false(books.balanced);
    assert_int_equal(books.faults->len, LIMIT_BOOKS_FAULTS);
}

/* The sums are held against each other all the same, and nobody is told that all was counted. */
static void without_time_to_count_only_the_sums_are_judged(void **state)
{
    Scratch *self = *state;
    take_some(self);
    g_auto(Books) sums = {0};
    check_within(self, 0, &sums);
    assert_true(sums.balanced);
    assert_false(sums.counted);
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db,
           "UPDATE recipient_counts SET n = n + 1 WHERE state = 1;"
           "UPDATE recipient_counts SET n = n - 1 WHERE state = 2",
           &error),
        error);
    g_auto(Books) unseen = {0}, seen = {0}, wrong = {0};
    check_within(self, 0, &unseen);
    check(self, &seen);
    assert_true(unseen.balanced); /* the sum is right, the states are not */
    assert_false(seen.balanced);
    ok(db_exec(self->db, "UPDATE books SET n = n + 1 WHERE state = 0", &error), error);
    check_within(self, 0, &wrong);
    assert_false(wrong.balanced || wrong.counted);
}

static void a_check_can_be_ended_early(void **state)
{
    Scratch *self = *state;
    take_some(self);
    g_clear_pointer(&self->db, db_close);
    const StoreConfig config = {.path = self->path, .full_sync = TRUE};
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&config, NULL, &error);
    ok(store, error);
    const gint stop = 1;
    g_auto(Books) books = {0};
    refused(
        books_check(store, ORG, LIMIT_BOOKS_COUNTING_MS, &stop, &books, error_out), ABS_ERROR_BUSY);
    assert_null(books.faults);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_empty_database_is_balanced),
        SCRATCH_TEST(what_is_taken_is_accounted_for),
        SCRATCH_TEST(what_was_removed_stays_in_the_books),
        cmocka_unit_test(every_fault_is_found_and_named),
        SCRATCH_TEST(faults_are_told_up_to_a_limit),
        SCRATCH_TEST(without_time_to_count_only_the_sums_are_judged),
        SCRATCH_TEST(a_check_can_be_ended_early),
    };
    secret_init();
    return cmocka_run_group_tests_name("books", tests, NULL, NULL);
}
