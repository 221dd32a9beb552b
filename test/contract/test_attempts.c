/* What every database driver must do with many recipients at once: what is due and its pages,
 * deliveries, marks, records and the counts. Written against store/store.h and store/emails.h. The
 * driver is named by ABSENDER_TEST_DRIVER. */
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/emails.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ORG STORE_DEFAULT_ORG
#define T0 G_GINT64_CONSTANT(1795283520123)
#define MOST 160
static const char body[] = "Subject: Hi\r\n\r\nHello\r\n";

typedef struct {
    char *folder;
    Store *store;
    Vault *vault;
    guint8 next_random;
} Place;

static int make_place(void **state)
{
    Place *place = g_new0(Place, 1);
    const char *driver = g_getenv("ABSENDER_TEST_DRIVER");
    if (driver && strcmp(driver, "sqlite") != 0)
        fail_msg("no such driver: %s", driver);
    place->folder = g_dir_make_tmp("attempts-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(place->folder, "absender.db", NULL);
    g_autofree char *key = g_build_filename(place->folder, "key", NULL);
    place->vault = vault_open(key, TRUE, NULL);
    place->store = store_open(&(StoreConfig){.path = path, .full_sync = TRUE}, NULL, NULL);
    assert_non_null(place->store);
    vault_set_instance(place->vault, store_instance(place->store));
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    store_close(place->store);
    vault_free(place->vault);
    g_autoptr(GDir) dir = g_dir_open(place->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(place->folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(place->folder);
    g_free(place->folder);
    g_free(place);
    return 0;
}

/* --- Doing things ---------------------------------------------------------------------------- */

typedef struct {
    Place *place;
    EmailClass class;
    WallMs created_at;
    guint n; /* recipients */
    Id id;
} Mail;

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    Mail *mail = data;
    g_autoptr(EmailNew) email = email_new_alloc();
    guint8 random[ID_RANDOM_BYTES] = {0};
    random[3] = mail->place->next_random++;
    email->org_id = ORG;
    email->id = mail->id = id_make(mail->created_at, random);
    email->class = mail->class;
    email->sender = g_strdup("shop@example.de");
    email->content = g_bytes_new_static(body, sizeof body - 1);
    email->created_at = mail->created_at;
    for (guint i = 0; i < mail->n; i++)
        g_ptr_array_add(email->recipients, g_strdup_printf("r%u@example.com", i));
    return emails_insert(db, mail->place->vault, email, error);
}

static Id insert(Place *place, EmailClass class, WallMs created_at, guint n)
{
    Mail mail = {.place = place, .class = class, .created_at = created_at, .n = n};
    assert_true(store_run(place->store, insert_job, &mail, NULL));
    return mail.id;
}

static guint due_behind(Place *place, EmailPosition after, guint limit, EmailDue *found,
    gboolean *has_more, WallMs *next_at)
{
    const EmailDueQuery query = {.org_id = ORG, .now = T0, .after = after, .limit = limit};
    Db *db = store_reader_take(place->store);
    g_autoptr(GArray) due = emails_due(db, &query, has_more, next_at, NULL);
    store_reader_give(place->store, db);
    assert_non_null(due);
    assert_in_range(due->len, 0, limit);
    if (due->len > 0)
        memcpy(found, due->data, due->len * sizeof *found);
    return due->len;
}

static guint all_due(Place *place, EmailDue found[MOST])
{
    gboolean has_more;
    WallMs next_at;
    return due_behind(place, EMAIL_POSITION_START, MOST, found, &has_more, &next_at);
}

/* The recipients of `n` new mails, in the order they go. */
static void ids_of_new(Place *place, guint n, gint64 *ids)
{
    EmailDue found[MOST];
    for (guint i = 0; i < n; i++)
        insert(place, EMAIL_CLASS_TRANSACTIONAL, T0 - 100 + (gint64)i, 1);
    assert_int_equal(all_due(place, found), n);
    for (guint i = 0; i < n; i++)
        ids[i] = found[i].recipient_id;
}

typedef struct {
    const gint64 *ids;
    guint n;
    WallMs now;
    gboolean *marked;
} Marks;

static gboolean mark_job(Db *db, gpointer data, GError **error)
{
    const Marks *marks = data;
    return emails_mark_sending(db, ORG, marks->ids, marks->n, marks->now, marks->marked, error);
}

static void mark(Place *place, const gint64 *ids, guint n, gboolean *marked)
{
    Marks marks = {ids, n, T0, marked};
    assert_true(store_run(place->store, mark_job, &marks, NULL));
}

typedef struct {
    EmailAttempt *attempts;
    guint n;
    GError **faults;
} Records;

static gboolean record_job(Db *db, gpointer data, GError **error)
{
    const Records *records = data;
    return emails_record_attempts(db, ORG, records->attempts, records->n, records->faults, error);
}

static EmailAttempt attempt_of(gint64 recipient_id, EmailState state)
{
    return (EmailAttempt){.recipient_id = recipient_id,
        .state = state,
        .at = T0,
        .next_at = T0 + CLOCK_HOUR_MS,
        .counts = TRUE,
        .phase = "after_data",
        .reply_code = 250,
        .server = "mail.example.de"};
}

/* Rule 6: what was counted is what the rows say. */
static void check_counts(Place *place)
{
    gint64 counts[EMAIL_HELD + 1];
    Db *db = store_reader_take(place->store);
    assert_true(emails_count(db, ORG, counts, NULL));
    for (EmailState state = EMAIL_SCHEDULED; state < EMAIL_HELD; state++) {
        g_autoptr(DbQuery) q = db_query(db, "SELECT COUNT(*) FROM recipients WHERE state = $1");
        db_bind_int(q, 1, state);
        assert_true(db_next(q));
        assert_int_equal(counts[state], db_int(q, 0));
    }
    store_reader_give(place->store, db);
}

static gint64 count_of(Place *place, EmailState state)
{
    gint64 counts[EMAIL_HELD + 1];
    Db *db = store_reader_take(place->store);
    assert_true(emails_count(db, ORG, counts, NULL));
    store_reader_give(place->store, db);
    return counts[state];
}

/* --- Statements ------------------------------------------------------------------------------ */

/* Also where many are due at the same moment, and where a page ends inside that moment. */
static void pages_of_due_mail_follow_each_other_without_gap_or_overlap(void **state)
{
    Place *place = *state;
    for (guint i = 0; i < 60; i++)
        insert(place, i % 5 + 1, T0 - (i % 3 == 0 ? 7 : i % 7), i % 4 + 1);
    insert(place, EMAIL_CLASS_RESET, T0 + 5, 1);
    insert(place, EMAIL_CLASS_BULK, T0 + 9, 1);
    EmailDue all[MOST];
    guint n = all_due(place, all);
    assert_int_equal(n, 150);
    for (guint limit = 1; limit <= n + 1; limit++) {
        EmailPosition after = EMAIL_POSITION_START;
        gboolean has_more = TRUE;
        WallMs first_later = 0;
        guint seen = 0;
        while (has_more) {
            EmailDue page[MOST];
            WallMs next_at = 0;
            guint found = due_behind(place, after, limit, page, &has_more, &next_at);
            for (guint i = 0; i < found; i++)
                assert_int_equal(page[i].recipient_id, all[seen + i].recipient_id);
            seen += found;
            assert_true(!has_more || found == limit);
            after = (EmailPosition){
                all[seen - 1].class, all[seen - 1].next_at, all[seen - 1].recipient_id};
            if (next_at != 0 && (first_later == 0 || next_at < first_later))
                first_later = next_at;
        }
        assert_int_equal(seen, n);
        assert_true(first_later == T0 + 5 || limit <= n);
        assert_true(first_later == T0 + 5 || first_later == T0 + 9);
    }
}

static void what_is_behind_the_place_is_found_when_it_was_taken_away(void **state)
{
    Place *place = *state;
    gint64 ids[10];
    ids_of_new(place, 10, ids);
    EmailDue found[MOST];
    gboolean has_more;
    WallMs next_at;
    assert_int_equal(due_behind(place, EMAIL_POSITION_START, 4, found, &has_more, &next_at), 4);
    const EmailPosition after = {found[3].class, found[3].next_at, found[3].recipient_id};
    gboolean marked[4];
    mark(place, ids + 2, 4, marked); /* the place itself, and two behind it */
    assert_int_equal(due_behind(place, after, 10, found, &has_more, &next_at), 4);
    assert_int_equal(found[0].recipient_id, ids[6]);
    assert_false(has_more);
}

static void each_mark_has_its_own_answer(void **state)
{
    Place *place = *state;
    gint64 ids[6];
    ids_of_new(place, 5, ids);
    gboolean marked[6];
    mark(place, ids + 1, 1, marked);
    assert_true(marked[0]);
    EmailAttempt ended = attempt_of(ids[1], EMAIL_ACCEPTED);
    GError *fault = NULL;
    Records records = {&ended, 1, &fault};
    assert_true(store_run(place->store, record_job, &records, NULL));
    assert_null(fault);
    ids[5] = ids[4] + (1 << 20); /* nobody */
    mark(place, ids, 6, marked);
    static const gboolean expected[] = {TRUE, FALSE, TRUE, TRUE, TRUE, FALSE};
    assert_memory_equal(marked, expected, sizeof expected);
    mark(place, ids, 6, marked); /* what is being sent is not begun a second time */
    for (guint i = 0; i < 6; i++)
        assert_false(marked[i]);
    assert_int_equal(count_of(place, EMAIL_SENDING), 4);
    check_counts(place);
}

/* Its own expiry, as if it had been given when the mail was taken. */
static gboolean expiry_job(Db *db, gpointer data, GError **error)
{
    const gint64 *id = data;
    g_autoptr(DbQuery) email = db_query(db, "UPDATE emails SET expires_at = $2 WHERE row = $1");
    db_bind_int(email, 1, *id >> 7);
    db_bind_int(email, 2, T0 + CLOCK_HOUR_MS);
    if (!db_finish(email, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db, "UPDATE recipients SET deadline_at = $2 WHERE row = $1");
    db_bind_int(q, 1, *id);
    db_bind_int(q, 2, T0 + CLOCK_HOUR_MS);
    return db_finish(q, error);
}

/* The longest lifetime is not looked at here: no jump of the clock may end it. */
static void what_is_too_late_is_not_marked_while_others_are(void **state)
{
    Place *place = *state;
    gint64 ids[3];
    ids_of_new(place, 3, ids);
    gboolean marked[3];
    assert_true(store_run(place->store, expiry_job, &ids[0], NULL));
    Marks marks = {ids, 3, T0 + 2 * LIMIT_EMAIL_LIFETIME_MS, marked};
    assert_true(store_run(place->store, mark_job, &marks, NULL));
    assert_false(marked[0]);
    assert_true(marked[1] && marked[2]);
    check_counts(place);
}

/* The outbox ends what is too late by what it was told; meanwhile a person may have given it
 * another day. */
static void what_has_time_left_in_the_store_is_not_ended(void **state)
{
    Place *place = *state;
    gint64 ids[2];
    ids_of_new(place, 2, ids);
    assert_true(store_run(place->store, expiry_job, &ids[0], NULL));
    EmailAttempt attempts[] = {
        attempt_of(ids[0], EMAIL_EXPIRED), attempt_of(ids[1], EMAIL_EXPIRED)};
    GError *faults[2] = {NULL};
    Records records = {attempts, 2, faults};
    for (guint i = 0; i < 2; i++) {
        attempts[i].at = T0 + 2 * CLOCK_HOUR_MS;
        attempts[i].late_by = T0 + 2 * CLOCK_HOUR_MS;
        attempts[i].next_at = 0;
        attempts[i].counts = FALSE;
    }
    assert_true(store_run(place->store, record_job, &records, NULL));
    assert_null(faults[0]);
    assert_null(faults[1]);
    assert_int_equal(count_of(place, EMAIL_EXPIRED), 1);
    assert_int_equal(count_of(place, EMAIL_QUEUED), 1);
    attempts[1].at = attempts[1].late_by = T0 + LIMIT_EMAIL_LIFETIME_MS;
    records = (Records){&attempts[1], 1, &faults[1]};
    assert_true(store_run(place->store, record_job, &records, NULL));
    assert_int_equal(count_of(place, EMAIL_EXPIRED), 2);
    check_counts(place);
}

static void a_record_that_may_not_be_made_leaves_the_others_written(void **state)
{
    Place *place = *state;
    gint64 ids[5];
    ids_of_new(place, 5, ids);
    gboolean marked[5];
    mark(place, ids, 3, marked);
    EmailAttempt attempts[] = {
        attempt_of(ids[0], EMAIL_ACCEPTED),
        attempt_of(ids[4] + (1 << 20), EMAIL_ACCEPTED), /* nobody */
        attempt_of(ids[1], EMAIL_DEFERRED),
        attempt_of(ids[3], EMAIL_ACCEPTED), /* was never marked */
        attempt_of(ids[2], EMAIL_REJECTED),
    };
    GError *faults[5] = {NULL};
    Records records = {attempts, 5, faults};
    assert_true(store_run(place->store, record_job, &records, NULL));
    static const int expected[] = {0, ABS_ERROR_NOT_FOUND, 0, ABS_ERROR_CONFLICT, 0};
    for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
        assert_int_equal(faults[i] ? faults[i]->code : 0, expected[i]);
        g_clear_error(&faults[i]);
    }
    assert_int_equal(count_of(place, EMAIL_ACCEPTED), 1);
    assert_int_equal(count_of(place, EMAIL_DEFERRED), 1);
    assert_int_equal(count_of(place, EMAIL_REJECTED), 1);
    assert_int_equal(count_of(place, EMAIL_QUEUED), 2);
    check_counts(place);
    Db *db = store_reader_take(place->store);
    g_autoptr(DbQuery) q = db_query(db, "SELECT COUNT(*) FROM attempts");
    assert_true(db_next(q));
    assert_int_equal(db_int(q, 0), 3); /* nothing is left of the two that failed */
    assert_true(db_finish(q, NULL));
    store_reader_give(place->store, db);
}

static gboolean break_attempts_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "ALTER TABLE attempts RENAME TO elsewhere", error);
}

static void a_fault_of_the_database_undoes_all_of_them(void **state)
{
    Place *place = *state;
    gint64 ids[3];
    ids_of_new(place, 3, ids);
    gboolean marked[3];
    mark(place, ids, 3, marked);
    assert_true(store_run(place->store, break_attempts_job, NULL, NULL));
    EmailAttempt attempts[3];
    GError *faults[3] = {NULL};
    for (guint i = 0; i < 3; i++)
        attempts[i] = attempt_of(ids[i], EMAIL_ACCEPTED);
    Records records = {attempts, 3, faults};
    g_autoptr(GError) error = NULL;
    assert_false(store_run(place->store, record_job, &records, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_STORE));
    assert_int_equal(count_of(place, EMAIL_SENDING), 3);
    check_counts(place);
}

static gboolean erase_job(Db *db, gpointer data, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE bodies SET content = NULL WHERE email_row = $1");
    db_bind_int(q, 1, *(const gint64 *)data >> 7);
    return db_finish(q, error);
}

static void each_delivery_is_its_own_even_where_a_neighbour_cannot_be_read(void **state)
{
    Place *place = *state;
    const Id many = insert(place, EMAIL_CLASS_TRANSACTIONAL, T0 - 9, 3);
    insert(place, EMAIL_CLASS_TRANSACTIONAL, T0 - 8, 1);
    insert(place, EMAIL_CLASS_TRANSACTIONAL, T0 - 7, 1);
    EmailDue due[MOST];
    assert_int_equal(all_due(place, due), 5);
    gint64 ids[6];
    for (guint i = 0; i < 5; i++)
        ids[i] = due[i].recipient_id;
    ids[5] = ids[4] + (1 << 20); /* nobody */
    assert_true(store_run(place->store, erase_job, &ids[3], NULL));
    EmailDelivery *deliveries[6];
    GError *faults[6] = {NULL};
    Db *db = store_reader_take(place->store);
    emails_deliveries(db, place->vault, ORG, ids, 6, deliveries, faults);
    store_reader_give(place->store, db);
    for (guint i = 0; i < 3; i++) {
        g_autofree char *address = g_strdup_printf("r%u@example.com", i);
        assert_string_equal(deliveries[i]->address, address);
        assert_true(id_equal(&deliveries[i]->email_id, &many));
        assert_ptr_equal(deliveries[i]->content, deliveries[0]->content); /* opened once */
    }
    assert_null(deliveries[3]);
    assert_int_equal(faults[3]->code, ABS_ERROR_SECRET);
    assert_int_equal(g_bytes_get_size(deliveries[4]->content), sizeof body - 1);
    assert_memory_equal(g_bytes_get_data(deliveries[4]->content, NULL), body, sizeof body - 1);
    assert_ptr_not_equal(deliveries[4]->content, deliveries[0]->content);
    assert_null(deliveries[5]); /* does not wait: no fault */
    for (guint i = 0; i < 6; i++) {
        assert_true((faults[i] != NULL) == (i == 3));
        g_clear_error(&faults[i]);
        email_delivery_free(deliveries[i]);
    }
}

int main(void)
{
    secret_init();
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    static const struct CMUnitTest tests[] = {
        WITH_PLACE(pages_of_due_mail_follow_each_other_without_gap_or_overlap),
        WITH_PLACE(what_is_behind_the_place_is_found_when_it_was_taken_away),
        WITH_PLACE(each_mark_has_its_own_answer),
        WITH_PLACE(what_is_too_late_is_not_marked_while_others_are),
        WITH_PLACE(what_has_time_left_in_the_store_is_not_ended),
        WITH_PLACE(a_record_that_may_not_be_made_leaves_the_others_written),
        WITH_PLACE(a_fault_of_the_database_undoes_all_of_them),
        WITH_PLACE(each_delivery_is_its_own_even_where_a_neighbour_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
