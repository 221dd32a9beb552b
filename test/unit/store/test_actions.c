/* What people do with mail in the outbox, on real SQLite files. */
#include "base/limits.h"
#include "scratch.h"
#include "store/emails_actions.h"
#include "store/recipients.h"

#define ORG STORE_DEFAULT_ORG
#define NOW (T0 + CLOCK_HOUR_MS)

/* --- Making emails --------------------------------------------------------------------------- */

typedef struct {
    guint class;        /* 0: transactional */
    guint n_recipients; /* 0: one */
    WallMs scheduled_at, expires_at;
    gboolean at_most_once;
} Kind;

static Id insert(Scratch *self, Kind kind)
{
    g_autoptr(EmailNew) email = email_new_alloc();
    g_autoptr(GError) error = NULL;
    email->org_id = ORG;
    email->id = scratch_id(self, T0);
    email->class = kind.class ? (EmailClass)kind.class : EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("shop@example.de");
    email->content = g_bytes_new_static("Subject: a\r\n\r\nb\r\n", 17);
    email->created_at = T0;
    email->scheduled_at = kind.scheduled_at;
    email->expires_at = kind.expires_at;
    email->at_most_once = kind.at_most_once;
    for (guint i = 0; i < MAX(kind.n_recipients, 1); i++)
        g_ptr_array_add(email->recipients, g_strdup_printf("r%u@example.com", i));
    ok(emails_insert(self->db, self->vault, email, &error), error);
    return email->id;
}

static EmailRow *get(Scratch *self, const Id *id)
{
    g_autoptr(GError) error = NULL;
    EmailRow *row = emails_get(self->db, ORG, id, &error);
    ok(row, error);
    return row;
}

static void mark(Scratch *self, gint64 recipient, gboolean expected)
{
    gboolean marked = FALSE;
    g_autoptr(GError) error = NULL;
    ok(emails_mark_sending(self->db, ORG, &recipient, 1, NOW, &marked, &error), error);
    assert_int_equal(marked, expected);
}

/* One attempt of one recipient, marked first, with this end. */
static void record(Scratch *self, gint64 recipient, EmailState end, WallMs next_at)
{
    const EmailAttempt done = {.recipient_id = recipient,
        .state = end,
        .at = NOW,
        .next_at = next_at,
        .counts = TRUE,
        .server = "mail.example.de"};
    g_autoptr(GError) error = NULL;
    GError *fault = NULL;
    ok(emails_record_attempts(self->db, ORG, &done, 1, &fault, &error), error);
    assert_null(fault);
}

static void attempt(Scratch *self, const Id *id, guint number, EmailState end, WallMs next_at)
{
    g_autoptr(EmailRow) row = get(self, id);
    gint64 recipient = ((const EmailRecipientRow *)row->recipients->pdata[number])->recipient_id;
    mark(self, recipient, TRUE);
    record(self, recipient, end, next_at);
}

static EmailActionResult retry(Scratch *self, const Id *id, WallMs now, gint64 *retried)
{
    EmailActionResult result = EMAIL_ACTION_UNKNOWN;
    g_autoptr(GError) error = NULL;
    ok(emails_retry(self->db, ORG, id, TRUE, now, &result, retried, &error), error);
    return result;
}

static EmailActionResult reschedule(Scratch *self, const Id *id, WallMs at)
{
    EmailActionResult result = EMAIL_ACTION_UNKNOWN;
    g_autoptr(GError) error = NULL;
    ok(emails_reschedule(self->db, ORG, id, at, NOW, &result, &error), error);
    return result;
}

/* The counts are what the rows say, and nothing was lost or made. */
static void assert_balanced(Scratch *self, gint64 taken)
{
    gint64 counts[EMAIL_HELD + 1] = {0}, sum = 0;
    g_autoptr(GError) error = NULL;
    ok(emails_count(self->db, ORG, counts, &error), error);
    for (EmailState each = EMAIL_SCHEDULED; each < EMAIL_HELD; each++)
        sum += counts[each];
    assert_int_equal(sum, taken);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM recipients"), taken);
    assert_int_equal(
        scratch_number(self, "SELECT count(*) FROM recipient_counts c WHERE c.n <> (SELECT count(*)"
                             " FROM recipients r WHERE r.state = c.state)"),
        0);
    assert_int_equal(
        scratch_number(self, "SELECT count(*) FROM recipients r JOIN bodies b ON b.email_row = "
                             "r.row >> 7 WHERE r.next_at IS NOT NULL AND b.content IS NULL"),
        0);
}

static gint64 bodies(Scratch *self)
{
    return scratch_number(self, "SELECT count(*) FROM bodies WHERE content IS NOT NULL");
}

/* --- Trying again ---------------------------------------------------------------------------- */

static void a_retry_makes_due_what_can_still_be_sent(void **state)
{
    static const struct {
        const char *name;
        EmailState end;
        WallMs next_at;
        EmailState after;
    } rows[] = {
        {"deferred", EMAIL_DEFERRED, NOW + CLOCK_HOUR_MS, EMAIL_QUEUED},
        {"rejected", EMAIL_REJECTED, 0, EMAIL_QUEUED},
        {"expired", EMAIL_EXPIRED, 0, EMAIL_QUEUED},
        {"uncertain, to be repeated", EMAIL_UNCERTAIN, NOW + CLOCK_HOUR_MS, EMAIL_UNCERTAIN},
        {"uncertain, given up", EMAIL_UNCERTAIN, 0, EMAIL_UNCERTAIN},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Scratch *self = *state;
        print_message("# %s\n", rows[i].name);
        Id id = insert(self, (Kind){0});
        attempt(self, &id, 0, rows[i].end, rows[i].next_at);
        scratch_forget_changes(self);
        gint64 retried = 0;
        assert_int_equal(retry(self, &id, NOW + 1, &retried), EMAIL_ACTION_DONE);
        assert_int_equal(retried, 1);
        assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
        assert_int_equal(scratch_count_changes(self, STORE_CHANGED_EMAIL), 1);
        g_autoptr(EmailRow) row = get(self, &id);
        const EmailRecipientRow *recipient = row->recipients->pdata[0];
        assert_int_equal(recipient->state, rows[i].after);
        assert_int_equal(recipient->next_at, NOW + 1);
        assert_true(recipient->deadline_at > NOW + 1);
        assert_int_equal(recipient->attempts, 1);
        assert_balanced(self, (gint64)i + 1);
        attempt(self, &id, 0, EMAIL_ACCEPTED, 0); /* it can indeed be sent */
        assert_balanced(self, (gint64)i + 1);
    }
}

static void a_retry_changes_nothing_where_there_is_nothing_to_send(void **state)
{
    static const struct {
        const char *name;
        Kind kind;
        guint end; /* EmailState; 0: no attempt */
        EmailActionResult result;
    } rows[] = {
        {"queued", {0}, 0, EMAIL_ACTION_NOTHING},
        {"scheduled", {.scheduled_at = NOW + CLOCK_DAY_MS}, 0, EMAIL_ACTION_NOTHING},
        {"accepted", {0}, EMAIL_ACCEPTED, EMAIL_ACTION_NOTHING},
        {"uncertain and at most once", {.at_most_once = TRUE}, EMAIL_UNCERTAIN,
            EMAIL_ACTION_AT_MOST_ONCE},
        {"rejected, secret", {.class = EMAIL_CLASS_RESET}, EMAIL_REJECTED,
            EMAIL_ACTION_BODY_ERASED},
        {"uncertain, secret and given up", {.class = EMAIL_CLASS_INVITATION}, EMAIL_UNCERTAIN,
            EMAIL_ACTION_BODY_ERASED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Scratch *self = *state;
        print_message("# %s\n", rows[i].name);
        Id id = insert(self, rows[i].kind);
        if (rows[i].end)
            attempt(self, &id, 0, (EmailState)rows[i].end, 0);
        g_autoptr(EmailRow) before = get(self, &id);
        scratch_forget_changes(self);
        gint64 retried = 7;
        assert_int_equal(retry(self, &id, NOW + 1, &retried), rows[i].result);
        assert_int_equal(retried, 0);
        assert_int_equal(self->db->changes->len, 0);
        g_autoptr(EmailRow) after = get(self, &id);
        assert_int_equal(after->state, before->state);
        assert_balanced(self, (gint64)i + 1);
    }
}

static void of_several_recipients_those_that_failed_are_retried(void **state)
{
    Scratch *self = *state;
    Id id = insert(self, (Kind){.n_recipients = 4});
    attempt(self, &id, 0, EMAIL_ACCEPTED, 0);
    attempt(self, &id, 1, EMAIL_REJECTED, 0);
    attempt(self, &id, 2, EMAIL_DEFERRED, NOW + CLOCK_HOUR_MS);
    gint64 retried = 0;
    assert_int_equal(retry(self, &id, NOW + 1, &retried), EMAIL_ACTION_DONE);
    assert_int_equal(retried, 2);
    g_autoptr(EmailRow) row = get(self, &id);
    static const EmailState expected[] = {EMAIL_ACCEPTED, EMAIL_QUEUED, EMAIL_QUEUED, EMAIL_QUEUED};
    for (guint i = 0; i < 4; i++)
        assert_int_equal(
            ((const EmailRecipientRow *)row->recipients->pdata[i])->state, expected[i]);
    assert_balanced(self, 4);
    /* A repeat, as after a lost answer, finds nothing more to do. */
    assert_int_equal(retry(self, &id, NOW + 2, &retried), EMAIL_ACTION_NOTHING);
}

static void a_secret_mail_with_somebody_left_waiting_can_be_retried(void **state)
{
    Scratch *self = *state;
    Id id = insert(self, (Kind){.class = EMAIL_CLASS_RESET, .n_recipients = 2});
    attempt(self, &id, 0, EMAIL_REJECTED, 0);
    gint64 retried = 0;
    assert_int_equal(retry(self, &id, NOW + 1, &retried), EMAIL_ACTION_DONE);
    assert_int_equal(retried, 1);
    attempt(self, &id, 0, EMAIL_ACCEPTED, 0);
    assert_int_equal(bodies(self), 1);
    attempt(self, &id, 1, EMAIL_ACCEPTED, 0);
    assert_int_equal(bodies(self), 0);
    assert_balanced(self, 2);
}

static void the_expiry_of_the_application_cannot_be_lengthened(void **state)
{
    Scratch *self = *state;
    Id over = insert(self, (Kind){.expires_at = NOW + 10});
    attempt(self, &over, 0, EMAIL_REJECTED, 0);
    gint64 retried = 0;
    assert_int_equal(retry(self, &over, NOW + 10, &retried), EMAIL_ACTION_PAST_EXPIRY);
    assert_int_equal(retry(self, &over, NOW + 9, &retried), EMAIL_ACTION_DONE);
    g_autoptr(EmailRow) row = get(self, &over);
    assert_int_equal(((const EmailRecipientRow *)row->recipients->pdata[0])->deadline_at, NOW + 10);
    Id old = insert(self, (Kind){0});
    WallMs long_after = NOW + 2 * LIMIT_EMAIL_LIFETIME_MS;
    attempt(self, &old, 0, EMAIL_EXPIRED, 0);
    assert_int_equal(retry(self, &old, long_after, &retried), EMAIL_ACTION_DONE);
    g_autoptr(EmailRow) renewed = get(self, &old);
    assert_int_equal(((const EmailRecipientRow *)renewed->recipients->pdata[0])->deadline_at,
        long_after + LIMIT_EMAIL_LIFETIME_MS);
}

static void other_organisations_have_no_such_email(void **state)
{
    Scratch *self = *state;
    Id id = insert(self, (Kind){.scheduled_at = NOW + CLOCK_DAY_MS});
    EmailActionResult result = EMAIL_ACTION_UNKNOWN;
    gint64 retried = 0;
    g_autoptr(GError) error = NULL;
    ok(emails_retry(self->db, ORG + 1, &id, TRUE, NOW, &result, &retried, &error), error);
    assert_int_equal(result, EMAIL_ACTION_UNKNOWN);
    ok(emails_reschedule(self->db, ORG + 1, &id, 0, NOW, &result, &error), error);
    assert_int_equal(result, EMAIL_ACTION_UNKNOWN);
}

/* --- Another time ---------------------------------------------------------------------------- */

static void a_scheduled_mail_gets_another_time(void **state)
{
    static const struct {
        const char *name;
        WallMs at;
        EmailState after;
        WallMs next_at, shown;
    } rows[] = {
        {"later", NOW + 2 * CLOCK_DAY_MS, EMAIL_SCHEDULED, NOW + 2 * CLOCK_DAY_MS,
            NOW + 2 * CLOCK_DAY_MS},
        {"earlier", NOW + CLOCK_HOUR_MS, EMAIL_SCHEDULED, NOW + CLOCK_HOUR_MS, NOW + CLOCK_HOUR_MS},
        {"now", 0, EMAIL_QUEUED, NOW, 0},
        {"a time that has passed", NOW - 1, EMAIL_QUEUED, NOW, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Scratch *self = *state;
        print_message("# %s\n", rows[i].name);
        Id id = insert(self, (Kind){.scheduled_at = NOW + CLOCK_DAY_MS, .n_recipients = 2});
        scratch_forget_changes(self);
        assert_int_equal(reschedule(self, &id, rows[i].at), EMAIL_ACTION_DONE);
        assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
        g_autoptr(EmailRow) row = get(self, &id);
        assert_int_equal(row->scheduled_at, rows[i].shown);
        assert_int_equal(row->state, rows[i].after);
        for (guint j = 0; j < 2; j++) {
            const EmailRecipientRow *recipient = row->recipients->pdata[j];
            assert_int_equal(recipient->next_at, rows[i].next_at);
            assert_int_equal(recipient->deadline_at, rows[i].next_at + LIMIT_EMAIL_LIFETIME_MS);
        }
        assert_balanced(self, 2 * ((gint64)i + 1));
    }
}

static void only_what_is_scheduled_can_be_rescheduled(void **state)
{
    Scratch *self = *state;
    Id queued = insert(self, (Kind){0});
    assert_int_equal(reschedule(self, &queued, NOW + CLOCK_DAY_MS), EMAIL_ACTION_NOTHING);
    Id sent = insert(self, (Kind){.scheduled_at = T0 + 1});
    attempt(self, &sent, 0, EMAIL_ACCEPTED, 0);
    assert_int_equal(reschedule(self, &sent, NOW + CLOCK_DAY_MS), EMAIL_ACTION_NOTHING);
    Id expiring =
        insert(self, (Kind){.scheduled_at = NOW + CLOCK_HOUR_MS, .expires_at = NOW + CLOCK_DAY_MS});
    assert_int_equal(reschedule(self, &expiring, NOW + CLOCK_DAY_MS), EMAIL_ACTION_PAST_EXPIRY);
    assert_int_equal(reschedule(self, &expiring, NOW + CLOCK_DAY_MS - 1), EMAIL_ACTION_DONE);
    assert_balanced(self, 3);
}

static void a_mail_put_off_while_the_outbox_held_it_is_not_sent(void **state)
{
    Scratch *self = *state;
    Id id = insert(self, (Kind){.scheduled_at = NOW - CLOCK_MINUTE_MS}); /* due */
    g_autoptr(EmailRow) row = get(self, &id);
    gint64 recipient = ((const EmailRecipientRow *)row->recipients->pdata[0])->recipient_id;
    assert_int_equal(reschedule(self, &id, NOW + CLOCK_DAY_MS), EMAIL_ACTION_DONE);
    mark(self, recipient, FALSE);
    /* Nor does the attempt that was under way then bring the old time back. */
    record(self, recipient, EMAIL_DEFERRED, NOW + CLOCK_MINUTE_MS);
    g_autoptr(EmailRow) later = get(self, &id);
    const EmailRecipientRow *put_off = later->recipients->pdata[0];
    assert_int_equal(put_off->state, EMAIL_SCHEDULED);
    assert_int_equal(put_off->next_at, NOW + CLOCK_DAY_MS);
    assert_int_equal(put_off->attempt_rows->len, 1);
    assert_int_equal(reschedule(self, &id, 0), EMAIL_ACTION_DONE);
    mark(self, recipient, TRUE);
}

/* --- Cancelling a class ---------------------------------------------------------------------- */

static gint64 cancel_class(Scratch *self, EmailClass class, gint64 last)
{
    gint64 cancelled = -1;
    g_autoptr(GError) error = NULL;
    ok(emails_cancel_class(self->db, ORG, class, last, NOW, &cancelled, &error), error);
    return cancelled;
}

static gint64 last_recipient(Scratch *self)
{
    gint64 last = -1;
    g_autoptr(GError) error = NULL;
    ok(emails_last_recipient(self->db, &last, &error), error);
    return last;
}

static void a_class_is_cancelled_and_nothing_else(void **state)
{
    Scratch *self = *state;
    assert_int_equal(last_recipient(self), 0);
    Id reset = insert(self, (Kind){.class = EMAIL_CLASS_RESET});
    Id bulk = insert(self, (Kind){.class = EMAIL_CLASS_BULK, .n_recipients = 2});
    Id planned = insert(self, (Kind){.class = EMAIL_CLASS_BULK, .scheduled_at = NOW + 1000});
    Id unclear = insert(self, (Kind){.class = EMAIL_CLASS_BULK});
    Id going = insert(self, (Kind){.class = EMAIL_CLASS_BULK});
    attempt(self, &unclear, 0, EMAIL_UNCERTAIN, NOW + CLOCK_HOUR_MS);
    g_autoptr(EmailRow) row = get(self, &going);
    mark(self, ((const EmailRecipientRow *)row->recipients->pdata[0])->recipient_id, TRUE);
    gint64 last = last_recipient(self);
    Id late = insert(self, (Kind){.class = EMAIL_CLASS_BULK}); /* came in behind the order */

    assert_int_equal(cancel_class(self, EMAIL_CLASS_BULK, last), 4);
    assert_int_equal(cancel_class(self, EMAIL_CLASS_BULK, last), 0);
    static const EmailState expected[] = {EMAIL_QUEUED, EMAIL_CANCELLED, EMAIL_CANCELLED,
        EMAIL_UNCERTAIN, EMAIL_SENDING, EMAIL_QUEUED};
    const Id *ids[] = {&reset, &bulk, &planned, &unclear, &going, &late};
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autoptr(EmailRow) after = get(self, ids[i]);
        assert_int_equal(after->state, expected[i]);
    }
    assert_balanced(self, 7);
    assert_int_equal(bodies(self), 6);
    assert_int_equal(cancel_class(self, EMAIL_CLASS_RESET, last), 1);
    assert_int_equal(bodies(self), 5); /* the secret one is erased at its end */
}

static void a_chain_of_jobs_cancels_however_many_there_are(void **state)
{
    Scratch *self = *state;
    enum { EMAILS = 45, EACH = 100 };
    for (guint i = 0; i < EMAILS; i++)
        insert(self, (Kind){.class = EMAIL_CLASS_BULK, .n_recipients = EACH});
    gint64 last = last_recipient(self), sum = 0;
    for (gint64 n; (n = cancel_class(self, EMAIL_CLASS_BULK, last)) > 0; sum += n)
        assert_true(n <= LIMIT_ACTION_ROWS);
    assert_int_equal(sum, EMAILS * EACH);
    assert_balanced(self, EMAILS * EACH);
}

/* --- Preview --------------------------------------------------------------------------------- */

static EmailsPreview preview_at(Scratch *self, WallMs now)
{
    EmailsPreview preview = {.oldest_at = -1};
    g_autoptr(GError) error = NULL;
    ok(emails_preview(self->db, ORG, now, &preview, &error), error);
    return preview;
}

static void the_preview_says_what_would_be_sent_kept_and_ended(void **state)
{
    Scratch *self = *state;
    EmailsPreview none = preview_at(self, NOW);
    assert_int_equal(none.send[0] + none.later[0] + none.expire[0], 0);
    assert_int_equal(none.oldest_at, 0);

    Id over = insert(self, (Kind){.class = EMAIL_CLASS_NOTIFICATION});
    attempt(self, &over, 0, EMAIL_ACCEPTED, 0);
    insert(self, (Kind){.class = EMAIL_CLASS_RESET, .n_recipients = 3});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK, .expires_at = NOW});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK, .expires_at = NOW + 1});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK, .scheduled_at = NOW + 1});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK, .scheduled_at = NOW - 1});
    Id deferred = insert(self, (Kind){.class = EMAIL_CLASS_NOTIFICATION});
    attempt(self, &deferred, 0, EMAIL_DEFERRED, NOW + CLOCK_HOUR_MS);
    Id unclear = insert(self, (Kind){0});
    attempt(self, &unclear, 0, EMAIL_UNCERTAIN, NOW); /* may arrive twice, and goes at once */
    Id resting = insert(self, (Kind){0});
    attempt(self, &resting, 0, EMAIL_UNCERTAIN, NOW + CLOCK_MINUTE_MS);
    Id spent = insert(self, (Kind){.class = EMAIL_CLASS_BULK, .expires_at = NOW + 1});
    attempt(self, &spent, 0, EMAIL_UNCERTAIN, NOW - 1);

    EmailsPreview preview = preview_at(self, NOW);
    static const gint64 send[] = {7, 3, 0, 1, 0, 3};
    static const gint64 uncertain[] = {2, 0, 0, 1, 0, 1};
    static const gint64 later[] = {3, 0, 0, 1, 1, 1};
    static const gint64 expire[] = {1, 0, 0, 0, 0, 1};
    for (guint class = 0; class <= EMAIL_CLASS_BULK; class ++) {
        assert_int_equal(preview.send[class], send[class]);
        assert_int_equal(preview.uncertain[class], uncertain[class]);
        assert_int_equal(preview.later[class], later[class]);
        assert_int_equal(preview.expire[class], expire[class]);
    }
    assert_int_equal(preview.oldest_at, T0);
    EmailsPreview tomorrow = preview_at(self, NOW + CLOCK_DAY_MS);
    assert_int_equal(tomorrow.send[0] + tomorrow.later[0] + tomorrow.expire[0], 11);
    assert_int_equal(tomorrow.later[0], 0);
    assert_int_equal(tomorrow.uncertain[0], 2);
    assert_int_equal(tomorrow.expire[EMAIL_CLASS_BULK], 3);
}

/* A page that promises "now" for what a quota lets through only tomorrow would not be true. */
static void what_may_run_out_on_the_way_is_counted_by_class(void **state)
{
    Scratch *self = *state;
    const WallMs hour = NOW + CLOCK_HOUR_MS;
    insert(self, (Kind){.class = EMAIL_CLASS_RESET, .expires_at = hour, .n_recipients = 2});
    insert(self, (Kind){.class = EMAIL_CLASS_RESET, .expires_at = hour + 1});
    insert(self, (Kind){.class = EMAIL_CLASS_RESET, .expires_at = NOW}); /* is over already */
    insert(self, (Kind){.class = EMAIL_CLASS_RESET, .expires_at = hour, .scheduled_at = NOW + 1});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK, .expires_at = hour + 1});
    insert(self, (Kind){.class = EMAIL_CLASS_BULK});
    Id unclear = insert(self, (Kind){.class = EMAIL_CLASS_BULK, .expires_at = hour});
    attempt(self, &unclear, 0, EMAIL_UNCERTAIN, NOW);

    const WallMs until[] = {0, hour, hour, hour, hour, hour + CLOCK_HOUR_MS};
    static const gint64 expected[] = {4, 2, 0, 0, 0, 2};
    gint64 counts[EMAIL_CLASS_BULK + 1] = {0};
    g_autoptr(GError) error = NULL;
    ok(emails_count_running_out(self->db, ORG, until, NOW, counts, &error), error);
    for (guint class = 0; class <= EMAIL_CLASS_BULK; class ++)
        assert_int_equal(counts[class], expected[class]);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_retry_makes_due_what_can_still_be_sent),
        SCRATCH_TEST(a_retry_changes_nothing_where_there_is_nothing_to_send),
        SCRATCH_TEST(of_several_recipients_those_that_failed_are_retried),
        SCRATCH_TEST(a_secret_mail_with_somebody_left_waiting_can_be_retried),
        SCRATCH_TEST(the_expiry_of_the_application_cannot_be_lengthened),
        SCRATCH_TEST(other_organisations_have_no_such_email),
        SCRATCH_TEST(a_scheduled_mail_gets_another_time),
        SCRATCH_TEST(only_what_is_scheduled_can_be_rescheduled),
        SCRATCH_TEST(a_mail_put_off_while_the_outbox_held_it_is_not_sent),
        SCRATCH_TEST(a_class_is_cancelled_and_nothing_else),
        SCRATCH_TEST(a_chain_of_jobs_cancels_however_many_there_are),
        SCRATCH_TEST(the_preview_says_what_would_be_sent_kept_and_ended),
        SCRATCH_TEST(what_may_run_out_on_the_way_is_counted_by_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
