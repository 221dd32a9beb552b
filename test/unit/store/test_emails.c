#include "base/limits.h"
#include "scratch.h"
#include "store/emails_actions.h"
#include "store/keys.h"
#include "store/recipients.h"

#define ORG STORE_DEFAULT_ORG
#define BODY "Subject: Hallo\r\n\r\nYour link: canary-4711\r\n"

/* --- Making emails --------------------------------------------------------------------------- */

static EmailNew *make_email(Scratch *self, EmailClass class, const char *const *recipients)
{
    EmailNew *email = email_new_alloc();
    email->org_id = ORG;
    email->id = scratch_id(self, T0);
    email->class = class;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("Shop <shop@example.de>");
    email->subject = g_strdup("Hallo");
    email->to = g_strdup("anna@example.com");
    email->message_id = g_strdup("<1@example.de>");
    email->content = g_bytes_new_static(BODY, sizeof BODY - 1);
    email->created_at = T0;
    for (; *recipients; recipients++)
        g_ptr_array_add(email->recipients, g_strdup(*recipients));
    return email;
}

static const char *const anna[] = {"anna@example.com", NULL};
static const char *const anna_and_bert[] = {"anna@example.com", "bert@example.com", NULL};

static void insert(Scratch *self, const EmailNew *email)
{
    g_autoptr(GError) error = NULL;
    ok(emails_insert(self->db, self->vault, email, &error), error);
}

/* One email to one recipient; its recipient's key. */
static gint64 insert_simple(Scratch *self, EmailClass class, Id *id)
{
    g_autoptr(EmailNew) email = make_email(self, class, anna);
    insert(self, email);
    if (id)
        *id = email->id;
    return scratch_number(self, "SELECT MAX(row) FROM recipients");
}

static EmailRow *get(Scratch *self, const Id *id)
{
    g_autoptr(GError) error = NULL;
    EmailRow *row = emails_get(self->db, ORG, id, &error);
    ok(row, error);
    return row;
}

static EmailState state_of(Scratch *self, const Id *id)
{
    g_autoptr(EmailRow) row = get(self, id);
    return row->state;
}

static gboolean mark(Scratch *self, gint64 recipient, WallMs now)
{
    gboolean marked = FALSE;
    g_autoptr(GError) error = NULL;
    ok(emails_mark_sending(self->db, ORG, &recipient, 1, now, &marked, &error), error);
    return marked;
}

/* The error's code that the record of this one attempt came to; 0: it is written. */
static int record_attempt_code(Scratch *self, const EmailAttempt *attempt)
{
    g_autoptr(GError) fault = NULL;
    g_autoptr(GError) error = NULL;
    ok(emails_record_attempts(self->db, ORG, attempt, 1, &fault, &error), error);
    return fault ? fault->code : 0;
}

static void record_attempt(Scratch *self, const EmailAttempt *attempt)
{
    assert_int_equal(record_attempt_code(self, attempt), 0);
}

static void record(Scratch *self, gint64 recipient, EmailState state, WallMs next_at)
{
    EmailAttempt attempt = {.recipient_id = recipient,
        .state = state,
        .at = T0 + 1000,
        .next_at = next_at,
        .counts = TRUE,
        .phase = "after_data",
        .reply_code = 250,
        .server = "mail.example.de"};
    record_attempt(self, &attempt);
}

static GArray *find_due(Scratch *self, WallMs now, guint limit, gboolean only_tests,
    gboolean *has_more, WallMs *next_at)
{
    const EmailDueQuery query = {
        .org_id = ORG, .now = now, .limit = limit, .only_tests = only_tests};
    g_autoptr(GError) error = NULL;
    GArray *due = emails_due(self->db, &query, has_more, next_at, &error);
    ok(due, error);
    return due;
}

static guint count_due(Scratch *self, WallMs now)
{
    gboolean has_more;
    WallMs next_at;
    g_autoptr(GArray) due = find_due(self, now, 100, FALSE, &has_more, &next_at);
    return due->len;
}

/* The delivery of one recipient; NULL with its fault, or without if it does not wait. */
static EmailDelivery *delivery_of(Scratch *self, gint64 org_id, gint64 recipient_id, GError **fault)
{
    EmailDelivery *delivery = NULL;
    g_autoptr(GError) own = NULL;
    emails_deliveries(self->db, self->vault, org_id, &recipient_id, 1, &delivery, &own);
    if (own)
        g_propagate_error(fault, g_steal_pointer(&own));
    return delivery;
}

/* Rule 6: what was counted move by move is what the rows say, and nothing is missing. */
static void check_counts(Scratch *self)
{
    gint64 counts[EMAIL_HELD + 1], total = 0;
    assert_true(emails_count(self->db, ORG, counts, NULL));
    for (guint state = EMAIL_SCHEDULED; state < EMAIL_HELD; state++) {
        g_autoptr(DbQuery) q =
            db_query(self->db, "SELECT COUNT(*) FROM recipients WHERE state = $1");
        db_bind_int(q, 1, state);
        assert_true(db_next(q));
        assert_int_equal(counts[state], db_int(q, 0));
        assert_true(db_finish(q, NULL));
        total += counts[state];
    }
    assert_int_equal(total, scratch_number(self, "SELECT COUNT(*) FROM recipients"));
}

/* --- Taking ---------------------------------------------------------------------------------- */

static void an_email_comes_back_as_it_was_given(void **state)
{
    Scratch *self = *state;
    g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna_and_bert);
    email->tags_json = g_strdup("[{\"name\":\"a\",\"value\":\"b\"}]");
    email->expires_at = T0 + CLOCK_HOUR_MS;
    email->submitted_by_token = 7;
    email->needs_smtputf8 = TRUE;
    insert(self, email);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_EMAIL), 1);
    g_autoptr(EmailRow) row = get(self, &email->id);
    assert_int_equal(row->state, EMAIL_QUEUED);
    assert_string_equal(row->from, email->from);
    assert_string_equal(row->subject, "Hallo");
    assert_string_equal(row->tags_json, email->tags_json);
    assert_null(row->cc);
    assert_true(row->created_at == T0 && row->expires_at == T0 + CLOCK_HOUR_MS);
    assert_true(row->scheduled_at == 0);
    assert_int_equal(row->submitted_by_token, 7);
    assert_int_equal(row->size_bytes, sizeof BODY - 1);
    assert_true(row->has_body);
    assert_int_equal(row->recipients->len, 2);
    const EmailRecipientRow *bert = row->recipients->pdata[1];
    assert_string_equal(bert->address, "bert@example.com");
    assert_int_equal(bert->attempt_rows->len, 0);

    g_autoptr(GError) error = NULL;
    g_autoptr(EmailDelivery) delivery = delivery_of(self, ORG, bert->recipient_id, &error);
    ok(delivery, error);
    assert_string_equal(delivery->address, "bert@example.com");
    assert_string_equal(delivery->sender, "shop@example.de");
    assert_true(delivery->needs_smtputf8);
    assert_true(g_bytes_equal(delivery->content, email->content));
    check_counts(self);
}

static void other_organisations_see_nothing(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id);
    g_autoptr(GError) error = NULL;
    gboolean marked;
    gint64 cancelled;
    assert_null(emails_get(self->db, 2, &id, &error));
    assert_null(delivery_of(self, 2, recipient, &error));
    assert_null(error);
    ok(emails_mark_sending(self->db, 2, &recipient, 1, T0, &marked, &error), error);
    assert_false(marked);
    refused(emails_cancel(self->db, 2, &id, T0, &cancelled, error_out), ABS_ERROR_NOT_FOUND);
}

static void a_body_is_nowhere_in_the_file_in_clear(void **state)
{
    Scratch *self = *state;
    insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    static const char *const suffixes[] = {"", "-wal"};
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *path = g_strconcat(self->path, suffixes[i], NULL), *bytes = NULL;
        gsize n;
        assert_true(g_file_get_contents(path, &bytes, &n, NULL));
        assert_null(memmem(bytes, n, "canary-4711", 11));
        if (i == 1) /* the test can fail: what is not sealed is found */
            assert_non_null(memmem(bytes, n, "anna@example.com", 16));
    }
}

static void a_body_moved_to_another_email_does_not_open(void **state)
{
    Scratch *self = *state;
    gint64 one = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    assert_true(db_exec(self->db,
        "UPDATE bodies SET content = (SELECT content FROM bodies WHERE email_row = 2) "
        "WHERE email_row = 1",
        NULL));
    refused(delivery_of(self, ORG, one, error_out), ABS_ERROR_SECRET);
}

static void day_keys_are_made_once_a_day_and_deleting_one_closes_its_bodies(void **state)
{
    Scratch *self = *state;
    gint64 first = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM day_keys"), 1);
    for (gint64 day = 1; day < 10; day++) { /* more than are kept unwrapped */
        g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna);
        email->created_at = T0 + day * CLOCK_DAY_MS;
        insert(self, email);
    }
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM day_keys"), 10);
    g_autoptr(GError) error = NULL;
    g_autoptr(EmailDelivery) delivery = delivery_of(self, ORG, first, &error);
    ok(delivery, error);
    assert_true(db_exec(self->db, "DELETE FROM day_keys", NULL));
    g_clear_pointer(&self->db, db_close); /* and with it what was unwrapped */
    scratch_connect(self);
    refused(delivery_of(self, ORG, first, error_out), ABS_ERROR_SECRET);
}

static void a_body_may_be_sealed_beforehand_once_its_day_has_a_key(void **state)
{
    Scratch *self = *state;
    g_autoptr(EmailNew) first = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna);
    emails_seal(self->db, self->vault, first);
    assert_null(first->sealed);
    insert(self, first);
    g_autoptr(EmailNew) second = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna);
    emails_seal(self->db, self->vault, second);
    assert_non_null(second->sealed);
    insert(self, second);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM day_keys"), 1);
    g_autoptr(GError) error = NULL;
    gint64 row = scratch_number(self, "SELECT MAX(row) FROM recipients");
    g_autoptr(EmailDelivery) delivery = delivery_of(self, ORG, row, &error);
    ok(delivery, error);
    assert_true(id_equal(&delivery->email_id, &second->id));
    assert_true(g_bytes_equal(delivery->content, second->content));
}

static void scheduled_mail_waits_for_its_time(void **state)
{
    Scratch *self = *state;
    g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_BULK, anna);
    email->scheduled_at = T0 + CLOCK_HOUR_MS;
    insert(self, email);
    assert_int_equal(state_of(self, &email->id), EMAIL_SCHEDULED);
    WallMs next_at = 0;
    gboolean has_more = TRUE;
    g_autoptr(GArray) early =
        find_due(self, T0 + CLOCK_HOUR_MS - 1, 10, FALSE, &has_more, &next_at);
    assert_int_equal(early->len, 0);
    assert_true(next_at == T0 + CLOCK_HOUR_MS);
    g_autoptr(GArray) due = find_due(self, T0 + CLOCK_HOUR_MS, 10, FALSE, &has_more, &next_at);
    assert_int_equal(due->len, 1);
    assert_int_equal(g_array_index(due, EmailDue, 0).state, EMAIL_SCHEDULED);
    assert_true(next_at == 0);
}

/* --- Idempotency ----------------------------------------------------------------------------- */

static const guint8 hash_a[32] = {1}, hash_b[32] = {2};

static void an_idempotency_key_finds_its_emails_for_a_day(void **state)
{
    Scratch *self = *state;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(Id));
    for (guint i = 0; i < 3; i++) {
        Id id = scratch_id(self, T0);
        g_array_append_val(ids, id);
    }
    g_autoptr(GError) error = NULL;
    ok(emails_idempotency_add(self->db, ORG, 7, "key", hash_a, ids, T0, &error), error);

    static const struct {
        const char *name;
        gint64 org_id, token;
        const char *key;
        const guint8 *hash;
        WallMs after;
        guint found;
        gint code;
    } rows[] = {
        {"same key and body", ORG, 7, "key", hash_a, 0, 3, 0},
        {"other body", ORG, 7, "key", hash_b, 0, 0, ABS_ERROR_CONFLICT},
        {"other key", ORG, 7, "Key", hash_a, 0, 0, 0},
        {"other token", ORG, 8, "key", hash_a, 0, 0, 0},
        {"other organisation", 2, 7, "key", hash_a, 0, 0, 0},
        {"almost a day later", ORG, 7, "key", hash_a, LIMIT_IDEMPOTENCY_MS - 1, 3, 0},
        {"a day later", ORG, 7, "key", hash_a, LIMIT_IDEMPOTENCY_MS, 0, 0},
        {"a day later, other body", ORG, 7, "key", hash_b, LIMIT_IDEMPOTENCY_MS, 0, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GArray) found = NULL;
        g_autoptr(GError) fault = NULL;
        gboolean fine = emails_idempotency_find(self->db, rows[i].org_id, rows[i].token,
            rows[i].key, rows[i].hash, T0 + rows[i].after, &found, &fault);
        if (fine != (rows[i].code == 0) || (fault && fault->code != rows[i].code) ||
            (found ? found->len : 0) != rows[i].found)
            fail_msg("%s", rows[i].name);
        if (found)
            assert_memory_equal(found->data, ids->data, 3 * sizeof(Id));
    }
}

static void an_idempotency_key_is_free_again_after_a_day(void **state)
{
    Scratch *self = *state;
    g_autoptr(GArray) ids = g_array_new(FALSE, TRUE, sizeof(Id));
    g_array_set_size(ids, 1);
    g_autoptr(GError) error = NULL;
    ok(emails_idempotency_add(self->db, ORG, 0, "key", hash_a, ids, T0, &error), error);
    refused(emails_idempotency_add(self->db, ORG, 0, "key", hash_b, ids, T0 + 1, error_out),
        ABS_ERROR_CONFLICT);
    WallMs later = T0 + LIMIT_IDEMPOTENCY_MS;
    ok(emails_idempotency_add(self->db, ORG, 0, "key", hash_b, ids, later, &error), error);
    g_autoptr(GArray) found = NULL;
    ok(emails_idempotency_find(self->db, ORG, 0, "key", hash_b, later, &found, &error), error);
    assert_int_equal(found->len, 1);
}

static void old_idempotency_keys_are_removed(void **state)
{
    Scratch *self = *state;
    g_autoptr(GArray) ids = g_array_new(FALSE, TRUE, sizeof(Id));
    for (guint i = 0; i < 30; i++) {
        g_autofree char *key = g_strdup_printf("key-%u", i);
        WallMs at = T0 + (i / 10) * LIMIT_IDEMPOTENCY_MS;
        assert_true(emails_idempotency_add(self->db, ORG, 0, key, hash_a, ids, at, NULL));
    }
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM idempotency_keys"), 10);
}

/* --- What is due ----------------------------------------------------------------------------- */

static void due_mail_comes_by_class_and_then_by_time(void **state)
{
    Scratch *self = *state;
    static const struct {
        EmailClass class;
        WallMs created_at;
    } rows[] = {{EMAIL_CLASS_BULK, T0 - 9}, {EMAIL_CLASS_TRANSACTIONAL, T0 - 1},
        {EMAIL_CLASS_TRANSACTIONAL, T0 - 2}, {EMAIL_CLASS_RESET, T0}, {EMAIL_CLASS_RESET, T0 + 1}};
    static const guint order[] = {3, 2, 1, 0};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(EmailNew) email = make_email(self, rows[i].class, anna);
        email->created_at = rows[i].created_at;
        insert(self, email);
    }
    static const struct {
        guint limit, found;
        gboolean has_more;
    } limits[] = {{1, 1, TRUE}, {3, 3, TRUE}, {4, 4, FALSE}, {100, 4, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
        WallMs next_at = -1;
        gboolean has_more = FALSE;
        g_autoptr(GArray) due = find_due(self, T0, limits[i].limit, FALSE, &has_more, &next_at);
        assert_int_equal(due->len, limits[i].found);
        assert_int_equal(has_more, limits[i].has_more);
        assert_true(has_more || next_at == T0 + 1);
        for (guint k = 0; k < due->len; k++) {
            const EmailDue *each = &g_array_index(due, EmailDue, k);
            assert_int_equal(each->class, rows[order[k]].class);
            assert_true(each->next_at == rows[order[k]].created_at);
            assert_int_equal(each->size_bytes, sizeof BODY - 1);
        }
    }
}

static void only_tests_can_be_asked_for(void **state)
{
    Scratch *self = *state;
    insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    g_autoptr(EmailNew) test = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna);
    test->is_test = TRUE;
    insert(self, test);
    WallMs next_at;
    gboolean has_more;
    g_autoptr(GArray) due = find_due(self, T0, 10, TRUE, &has_more, &next_at);
    assert_int_equal(due->len, 1);
    assert_true(g_array_index(due, EmailDue, 0).is_test);
    assert_int_equal(count_due(self, T0), 2);
}

/* --- Moves ----------------------------------------------------------------------------------- */

static void outcomes_move_the_recipient(void **state)
{
    Scratch *self = *state;
    static const struct {
        const char *name;
        EmailState outcome;
        gboolean at_most_once;
        WallMs next_at;   /* as reported */
        WallMs due_again; /* 0: at its end */
    } rows[] = {
        {"accepted", EMAIL_ACCEPTED, FALSE, 0, 0},
        {"rejected", EMAIL_REJECTED, FALSE, 0, 0},
        {"expired", EMAIL_EXPIRED, FALSE, 0, 0},
        {"deferred", EMAIL_DEFERRED, FALSE, T0 + 60000, T0 + 60000},
        {"back in the queue", EMAIL_QUEUED, FALSE, T0 + 5000, T0 + 5000},
        {"uncertain", EMAIL_UNCERTAIN, FALSE, T0 + 900000, T0 + 900000},
        {"uncertain, sent once at most", EMAIL_UNCERTAIN, TRUE, T0 + 900000, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_TRANSACTIONAL, anna);
        email->at_most_once = rows[i].at_most_once;
        insert(self, email);
        gint64 recipient = scratch_number(self, "SELECT MAX(row) FROM recipients");
        g_autoptr(EmailDelivery) delivery = delivery_of(self, ORG, recipient, NULL);
        assert_int_equal(delivery->at_most_once, rows[i].at_most_once);
        assert_true(mark(self, recipient, T0));
        assert_int_equal(state_of(self, &email->id), EMAIL_SENDING);
        assert_int_equal(count_due(self, T0), 0);
        record(self, recipient, rows[i].outcome, rows[i].next_at);
        assert_int_equal(state_of(self, &email->id), rows[i].outcome);
        check_counts(self);
        WallMs far = T0 + CLOCK_DAY_MS;
        if (count_due(self, far) != (rows[i].due_again ? 1 : 0) ||
            (rows[i].due_again && count_due(self, rows[i].due_again - 1) != 0) ||
            (rows[i].due_again && count_due(self, rows[i].due_again) != 1))
            fail_msg("%s", rows[i].name);
        if (rows[i].due_again) {
            gint64 n;
            assert_true(emails_cancel(self->db, ORG, &email->id, T0, &n, NULL));
        }
    }
}

static void attempts_are_kept_in_order(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id);
    EmailAttempt attempt = {.recipient_id = recipient,
        .state = EMAIL_DEFERRED,
        .at = T0 + 1,
        .next_at = T0 + 60000,
        .counts = TRUE,
        .config_version = 3,
        .phase = "rcpt_to",
        .reply_code = 450,
        .reply_enhanced = "4.2.0",
        .reply_text = "greylisted",
        .diagnosis = "greylisted",
        .server = "mail.example.de"};
    record_attempt(self, &attempt);
    EmailAttempt untried = {
        .recipient_id = recipient, .state = EMAIL_QUEUED, .at = T0 + 2, .next_at = T0 + 3};
    record_attempt(self, &untried);
    assert_true(mark(self, recipient, T0 + 4));
    record(self, recipient, EMAIL_ACCEPTED, 0);

    g_autoptr(EmailRow) row = get(self, &id);
    const EmailRecipientRow *only = row->recipients->pdata[0];
    assert_int_equal(only->attempts, 2);
    assert_true(only->next_at == 0);
    assert_int_equal(only->attempt_rows->len, 2); /* "not tried" is none */
    const EmailAttemptRow *first = only->attempt_rows->pdata[0],
                          *second = only->attempt_rows->pdata[1];
    assert_int_equal(first->state, EMAIL_DEFERRED);
    assert_int_equal(first->reply_code, 450);
    assert_string_equal(first->reply_enhanced, "4.2.0");
    assert_string_equal(first->reply_text, "greylisted");
    assert_string_equal(first->diagnosis, "greylisted");
    assert_string_equal(first->phase, "rcpt_to");
    assert_string_equal(first->server, "mail.example.de");
    assert_int_equal(second->state, EMAIL_ACCEPTED);
    assert_null(second->diagnosis);
}

static void cancel_before_the_mark_wins(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id), cancelled = 0;
    scratch_forget_changes(self);
    g_autoptr(GError) error = NULL;
    ok(emails_cancel(self->db, ORG, &id, T0 + 1, &cancelled, &error), error);
    assert_int_equal(cancelled, 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_EMAIL), 1);
    assert_false(mark(self, recipient, T0 + 2));
    g_autoptr(EmailDelivery) none = delivery_of(self, ORG, recipient, &error);
    assert_null(none);
    assert_null(error);
    record(self, recipient, EMAIL_DEFERRED, T0 + 9); /* an outcome that was on its way */
    assert_int_equal(state_of(self, &id), EMAIL_CANCELLED);
    record(self, recipient, EMAIL_ACCEPTED, 0); /* the provider has it: that is the truth */
    assert_int_equal(state_of(self, &id), EMAIL_ACCEPTED);
    check_counts(self);
}

static void the_mark_before_cancel_wins(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id), cancelled = 0;
    assert_true(mark(self, recipient, T0));
    assert_false(mark(self, recipient, T0)); /* nobody sends it a second time */
    refused(emails_cancel(self->db, ORG, &id, T0, &cancelled, error_out), ABS_ERROR_CONFLICT);
    record(self, recipient, EMAIL_ACCEPTED, 0);
    refused(emails_cancel(self->db, ORG, &id, T0, &cancelled, error_out), ABS_ERROR_CONFLICT);
    assert_int_equal(state_of(self, &id), EMAIL_ACCEPTED);
}

static void what_is_past_its_expiry_is_not_marked(void **state)
{
    Scratch *self = *state;
    g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_RESET, anna);
    email->expires_at = T0 + 1000;
    insert(self, email);
    gint64 recipient = scratch_number(self, "SELECT MAX(row) FROM recipients");
    assert_false(mark(self, recipient, T0 + 1000));
    assert_true(mark(self, recipient, T0 + 999));
}

static void impossible_moves_are_refused(void **state)
{
    Scratch *self = *state;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, NULL);
    EmailAttempt attempt = {
        .recipient_id = recipient, .state = EMAIL_ACCEPTED, .at = T0, .counts = TRUE};
    assert_int_equal(record_attempt_code(self, &attempt), ABS_ERROR_CONFLICT);
}

static void bodies_of_secret_classes_are_erased_when_nobody_waits(void **state)
{
    Scratch *self = *state;
    static const struct {
        EmailClass class;
        gboolean erased;
    } rows[] = {{EMAIL_CLASS_RESET, TRUE}, {EMAIL_CLASS_INVITATION, TRUE},
        {EMAIL_CLASS_TRANSACTIONAL, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(EmailNew) email = make_email(self, rows[i].class, anna_and_bert);
        insert(self, email);
        gint64 last = scratch_number(self, "SELECT MAX(row) FROM recipients");
        assert_true(mark(self, last - 1, T0));
        record(self, last - 1, EMAIL_ACCEPTED, 0);
        g_autoptr(EmailRow) between = get(self, &email->id);
        assert_true(between->has_body);
        assert_int_equal(between->state, EMAIL_QUEUED);
        gint64 cancelled;
        assert_true(emails_cancel(self->db, ORG, &email->id, T0, &cancelled, NULL));
        g_autoptr(EmailRow) after = get(self, &email->id);
        assert_int_equal(after->has_body, !rows[i].erased);
        assert_int_equal(after->subject == NULL, rows[i].erased);
    }
}

/* --- Start and expiry ------------------------------------------------------------------------ */

static void what_was_being_sent_at_a_crash_becomes_uncertain(void **state)
{
    Scratch *self = *state;
    Id waiting, plain, once;
    insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &waiting);
    assert_true(mark(self, insert_simple(self, EMAIL_CLASS_BULK, &plain), T0));
    g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_RESET, anna);
    email->at_most_once = TRUE;
    once = email->id;
    insert(self, email);
    assert_true(mark(self, scratch_number(self, "SELECT MAX(row) FROM recipients"), T0));

    gint64 recovered = 0;
    g_autoptr(GError) error = NULL;
    ok(emails_recover(self->db, T0 + 500, &recovered, &error), error);
    assert_int_equal(recovered, 2);
    ok(emails_recover(self->db, T0 + 600, &recovered, &error), error);
    assert_int_equal(recovered, 0);
    assert_int_equal(state_of(self, &waiting), EMAIL_QUEUED);
    g_autoptr(EmailRow) row = get(self, &plain);
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    assert_int_equal(recipient->state, EMAIL_UNCERTAIN);
    assert_true(recipient->next_at == T0 + 500 + LIMIT_UNCERTAIN_RESEND_MS);
    assert_int_equal(recipient->attempts, 1);
    g_autoptr(EmailRow) ended = get(self, &once);
    assert_int_equal(ended->state, EMAIL_UNCERTAIN);
    assert_true(((EmailRecipientRow *)ended->recipients->pdata[0])->next_at == 0);
    assert_false(ended->has_body);
    check_counts(self);
}

static WallMs recover_and_read_next(Scratch *self, const Id *id, WallMs now)
{
    gint64 recovered = 0;
    g_autoptr(GError) error = NULL;
    ok(emails_recover(self->db, now, &recovered, &error), error);
    assert_int_equal(recovered, 1);
    g_autoptr(EmailRow) row = get(self, id);
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    assert_int_equal(recipient->state, EMAIL_UNCERTAIN);
    return recipient->next_at;
}

/* However often we die behind the dot; but what was rejected meanwhile begins anew. */
static void a_resend_that_a_crash_cuts_off_is_the_last(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id);
    WallMs again_at = T0 + LIMIT_UNCERTAIN_RESEND_MS;
    assert_true(mark(self, recipient, T0));
    assert_true(recover_and_read_next(self, &id, T0) == again_at);
    assert_true(mark(self, recipient, again_at));
    assert_true(recover_and_read_next(self, &id, again_at) == 0);
    assert_int_equal(count_due(self, again_at + LIMIT_EMAIL_LIFETIME_MS / 2), 0);

    EmailActionResult result;
    gint64 retried;
    g_autoptr(GError) error = NULL;
    WallMs later = again_at + CLOCK_HOUR_MS;
    ok(emails_retry(self->db, 1, &id, TRUE, later, &result, &retried, &error), error);
    assert_true(mark(self, recipient, later));
    record(self, recipient, EMAIL_REJECTED, 0);
    ok(emails_retry(self->db, 1, &id, TRUE, later + 1, &result, &retried, &error), error);
    assert_int_equal(retried, 1);
    assert_true(mark(self, recipient, later + 2));
    assert_true(
        recover_and_read_next(self, &id, later + 2) == later + 2 + LIMIT_UNCERTAIN_RESEND_MS);
    check_counts(self);
}

static void what_is_uncertain_and_untried_stays_uncertain(void **state)
{
    Scratch *self = *state;
    Id id;
    gint64 recipient = insert_simple(self, EMAIL_CLASS_TRANSACTIONAL, &id);
    assert_true(mark(self, recipient, T0));
    record(self, recipient, EMAIL_UNCERTAIN, T0 + 5000);
    EmailAttempt untried = {
        .recipient_id = recipient, .state = EMAIL_QUEUED, .at = T0 + 6000, .next_at = T0 + 7000};
    record_attempt(self, &untried);
    assert_int_equal(state_of(self, &id), EMAIL_UNCERTAIN);
    assert_int_equal(count_due(self, T0 + 6999), 0);
    assert_int_equal(count_due(self, T0 + 7000), 1);
    untried.state = EMAIL_UNCERTAIN; /* as the outbox says it */
    record_attempt(self, &untried);
    assert_int_equal(state_of(self, &id), EMAIL_UNCERTAIN);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM attempts"), 1);
}

static void mail_expires_at_its_time_and_at_the_longest_lifetime(void **state)
{
    Scratch *self = *state;
    static const struct {
        const char *name;
        WallMs scheduled_at, expires_at, last_alive;
    } rows[] = {
        {"own expiry", 0, T0 + 1000, T0 + 999},
        {"longest lifetime", 0, 0, T0 + LIMIT_EMAIL_LIFETIME_MS - 1},
        {"own expiry beyond it", 0, T0 + 2 * LIMIT_EMAIL_LIFETIME_MS,
            T0 + LIMIT_EMAIL_LIFETIME_MS - 1},
        {"counted from its schedule", T0 + CLOCK_DAY_MS, 0,
            T0 + CLOCK_DAY_MS + LIMIT_EMAIL_LIFETIME_MS - 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(EmailNew) email = make_email(self, EMAIL_CLASS_RESET, anna);
        email->scheduled_at = rows[i].scheduled_at;
        email->expires_at = rows[i].expires_at;
        insert(self, email);
        gint64 expired = -1;
        assert_true(emails_expire(self->db, rows[i].last_alive, 10, &expired, NULL));
        if (expired != 0)
            fail_msg("%s", rows[i].name);
        assert_true(emails_expire(self->db, rows[i].last_alive + 1, 10, &expired, NULL));
        g_autoptr(EmailRow) row = get(self, &email->id);
        if (expired != 1 || row->state != EMAIL_EXPIRED || row->has_body)
            fail_msg("%s", rows[i].name);
    }
    check_counts(self);
}

static void expiry_leaves_what_is_in_flight_or_may_have_arrived(void **state)
{
    Scratch *self = *state;
    Id flying, unsure;
    assert_true(mark(self, insert_simple(self, EMAIL_CLASS_BULK, &flying), T0));
    gint64 recipient = insert_simple(self, EMAIL_CLASS_BULK, &unsure), expired = 0;
    assert_true(mark(self, recipient, T0));
    record(self, recipient, EMAIL_UNCERTAIN, T0 + 5000);
    for (guint i = 0; i < 3; i++)
        insert_simple(self, EMAIL_CLASS_BULK, NULL);
    WallMs late = T0 + LIMIT_EMAIL_LIFETIME_MS;
    assert_true(emails_expire(self->db, late, 2, &expired, NULL));
    assert_int_equal(expired, 2); /* no more than asked for */
    assert_true(emails_expire(self->db, late, 10, &expired, NULL));
    assert_int_equal(expired, 2);
    assert_int_equal(state_of(self, &flying), EMAIL_SENDING);
    assert_int_equal(state_of(self, &unsure), EMAIL_UNCERTAIN);
    assert_int_equal(count_due(self, late), 0);
    check_counts(self);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_email_comes_back_as_it_was_given),
        SCRATCH_TEST(other_organisations_see_nothing),
        SCRATCH_TEST(a_body_is_nowhere_in_the_file_in_clear),
        SCRATCH_TEST(a_body_moved_to_another_email_does_not_open),
        SCRATCH_TEST(day_keys_are_made_once_a_day_and_deleting_one_closes_its_bodies),
        SCRATCH_TEST(a_body_may_be_sealed_beforehand_once_its_day_has_a_key),
        SCRATCH_TEST(scheduled_mail_waits_for_its_time),
        SCRATCH_TEST(an_idempotency_key_finds_its_emails_for_a_day),
        SCRATCH_TEST(an_idempotency_key_is_free_again_after_a_day),
        SCRATCH_TEST(old_idempotency_keys_are_removed),
        SCRATCH_TEST(due_mail_comes_by_class_and_then_by_time),
        SCRATCH_TEST(only_tests_can_be_asked_for),
        SCRATCH_TEST(outcomes_move_the_recipient),
        SCRATCH_TEST(attempts_are_kept_in_order),
        SCRATCH_TEST(cancel_before_the_mark_wins),
        SCRATCH_TEST(the_mark_before_cancel_wins),
        SCRATCH_TEST(what_is_past_its_expiry_is_not_marked),
        SCRATCH_TEST(impossible_moves_are_refused),
        SCRATCH_TEST(bodies_of_secret_classes_are_erased_when_nobody_waits),
        SCRATCH_TEST(what_was_being_sent_at_a_crash_becomes_uncertain),
        SCRATCH_TEST(a_resend_that_a_crash_cuts_off_is_the_last),
        SCRATCH_TEST(what_is_uncertain_and_untried_stays_uncertain),
        SCRATCH_TEST(mail_expires_at_its_time_and_at_the_longest_lifetime),
        SCRATCH_TEST(expiry_leaves_what_is_in_flight_or_may_have_arrived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
