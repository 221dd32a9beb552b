/* What those who take mail remember of an organisation's sending. */
#include "api/sending_shelf.h"
#include "fixture.h"

static ShelfState *get(SendingShelf *shelf)
{
    g_autoptr(GError) error = NULL;
    ShelfState *held = sending_shelf_get(shelf, STORE_DEFAULT_ORG, &error);
    assert_null(error);
    assert_non_null(held);
    return held;
}

static gboolean switch_on(Db *db, gpointer data, GError **error)
{
    return smtp_sending_write(db, STORE_DEFAULT_ORG, TRUE, NULL, 0, "a test", 1, error);
}

static gboolean change_nothing_that_counts(Db *db, gpointer data, GError **error)
{
    store_note_change(db, STORE_CHANGED_QUEUE, STORE_DEFAULT_ORG, NULL);
    return TRUE;
}

static gboolean change_another_org(Db *db, gpointer data, GError **error)
{
    store_note_change(db, STORE_CHANGED_SETTINGS, STORE_DEFAULT_ORG + 1, NULL);
    return TRUE;
}

static gboolean limit(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    if (!state)
        return FALSE;
    store_note_change(db, STORE_CHANGED_SETTINGS, STORE_DEFAULT_ORG, NULL);
    return db_finish(
        db_query(db,
            "INSERT INTO smtp_slots (org_id, slot, host, port, security, username, from_email, "
            "max_connections, send_window, quota_per_minute, quota_per_hour, quota_per_day, "
            "password_sealed) VALUES (1, 2, 'mail.example.test', 465, 2, 'u', 'a@example.test', 1, "
            "1, 0, 0, 100, x'00')"),
        error);
}

static void run(Store *store, StoreJob job)
{
    g_autoptr(GError) error = NULL;
    assert_true(store_run(store, job, NULL, &error));
    assert_null(error);
}

static void what_did_not_change_is_read_once(void **state)
{
    const Fixture *self = *state;
    g_autoptr(SendingShelf) shelf = sending_shelf_new(self->store);
    g_autoptr(ShelfState) first = get(shelf);
    run(self->store, change_nothing_that_counts);
    run(self->store, change_another_org);
    g_autoptr(ShelfState) second = get(shelf);
    assert_ptr_equal(first, second);
}

/* Once a change is answered, no mail may be judged by what was before it. */
static void a_change_is_seen_as_soon_as_it_is_durable(void **state)
{
    const Fixture *self = *state;
    g_autoptr(SendingShelf) shelf = sending_shelf_new(self->store);
    g_autoptr(ShelfState) before = get(shelf);
    assert_false(before->state->sending_enabled);
    run(self->store, switch_on);
    g_autoptr(ShelfState) after = get(shelf);
    assert_true(after->state->sending_enabled);
    assert_false(before->state->sending_enabled); /* who holds it goes on with it */
}

static void a_state_with_a_quota_is_read_anew_each_time(void **state)
{
    const Fixture *self = *state;
    g_autoptr(SendingShelf) shelf = sending_shelf_new(self->store);
    run(self->store, limit);
    g_autoptr(ShelfState) first = get(shelf);
    assert_non_null(first->state->sent);
    g_autoptr(ShelfState) second = get(shelf);
    assert_ptr_not_equal(first, second);
}

static void an_organisation_that_is_not_there_is_an_error(void **state)
{
    const Fixture *self = *state;
    g_autoptr(SendingShelf) shelf = sending_shelf_new(self->store);
    g_autoptr(GError) error = NULL;
    assert_null(sending_shelf_get(shelf, STORE_DEFAULT_ORG + 1, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
}

static int start(void **state)
{
    *state = fixture_new();
    return 0;
}

static int stop(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_did_not_change_is_read_once, start, stop),
        cmocka_unit_test_setup_teardown(a_change_is_seen_as_soon_as_it_is_durable, start, stop),
        cmocka_unit_test_setup_teardown(a_state_with_a_quota_is_read_anew_each_time, start, stop),
        cmocka_unit_test_setup_teardown(an_organisation_that_is_not_there_is_an_error, start, stop),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
