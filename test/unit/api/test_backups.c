/* The routes for backups and books: who may, one at a time, and what a stop leaves. */
#include "fixture.h"

enum { POLL_US = 20000, POLLS = 3000, TRIES = 50 };

static char *backup_path(const Fixture *self, guint number)
{
    return g_strdup_printf("%s/%u.backup", self->directory, number);
}

static Reply *start_backup(const Fixture *self, const char *path)
{
    g_autofree char *body = g_strdup_printf("{\"path\":\"%s\"}", path);
    return ask_control(self, "POST /v1/backups", body);
}

/* Until it has ended: how. */
static char *wait_for_end(const Fixture *self)
{
    for (guint i = 0; i < POLLS; i++) {
        g_autoptr(Reply) reply = ask_control(self, "GET /v1/backups/current", NULL);
        assert_reply(reply, 200, NULL);
        if (strcmp(reply_text(reply, "state"), "running") != 0)
            return g_strdup(reply_text(reply, "state"));
        g_usleep(POLL_US);
    }
    return NULL;
}

static void the_operator_makes_a_backup_and_sees_how_far_it_is(void **state)
{
    Fixture *self = *state;
    g_autofree char *path = backup_path(self, 0);
    g_autoptr(Reply) none = ask_control(self, "GET /v1/backups/current", NULL);
    assert_reply(none, 404, "not_found");
    g_autoptr(Reply) started = start_backup(self, path);
    assert_reply(started, 202, NULL);
    assert_string_equal(reply_text(started, "object"), "backup");
    assert_string_equal(reply_text(started, "path"), path);
    g_autofree char *end = wait_for_end(self);
    assert_string_equal(end, "complete");
    assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));

    g_autoptr(Reply) again = start_backup(self, path);
    assert_reply(again, 202, NULL);
    g_autofree char *failed = wait_for_end(self);
    assert_string_equal(failed, "failed");
    g_autofree char *request =
        write_request("GET /v1/backups/current", "Accept-Language: de\r\n", NULL);
    g_autoptr(Reply) why =
        talk(connect_to(g_unix_socket_address_new(self->control)), request, strlen(request));
    assert_non_null(strstr(reply_text(why, "detail"), "gibt es schon"));
    g_autoptr(Reply) log = ask_control(self, "GET /v1/audit-events?action=backup.", NULL);
    assert_string_equal(reply_text(log, "data.0.action"), "backup.started");
    assert_int_equal(json_array_size(json_object_get(log->json, "data")), 1); /* nothing began */
}

static void nobody_else_may(void **state)
{
    Fixture *self = *state;
    g_autofree char *path = backup_path(self, 0);
    g_autofree char *body = g_strdup_printf("{\"path\":\"%s\"}", path);
    make_token(self, "[\"smtp:write\",\"smtp:read\",\"emails:read\"]");
    g_autoptr(Reply) member = ask_member(self, "POST /v1/backups", "", body);
    g_autoptr(Reply) token = ask_token(self, "POST /v1/backups", "", body);
    g_autoptr(Reply) anybody = ask(self, "POST /v1/backups", "", body);
    g_autoptr(Reply) looking = ask_member(self, "GET /v1/backups/current", "", NULL);
    g_autoptr(Reply) books = ask_token(self, "GET /v1/queue/check", "", NULL);
    assert_reply(member, 403, "forbidden");
    assert_reply(token, 403, "forbidden");
    assert_reply(anybody, 401, "unauthenticated");
    assert_reply(looking, 403, "forbidden");
    assert_reply(books, 403, "forbidden");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void a_request_that_is_wrong_starts_nothing(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{}", "/path"},
        {"{\"path\":\"relative\"}", "/path"},
        {"{\"path\":7}", "/path"},
        {"{\"path\":\"/x\",\"replace\":\"yes\"}", "/replace"},
        {"{\"path\":\"/x\",\"more\":1}", "/more"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_control(self, "POST /v1/backups", rows[i].body);
        assert_int_equal(reply->status, 422);
        assert_string_equal(reply_text(reply, "errors.0.pointer"), rows[i].pointer);
    }
    g_autoptr(Reply) none = ask_control(self, "GET /v1/backups/current", NULL);
    assert_reply(none, 404, "not_found");
}

static void there_is_one_at_a_time(void **state)
{
    Fixture *self = *state;
    int status = 0;
    for (guint i = 0; i < TRIES && status != 409; i++) { /* until the second meets the first */
        g_autofree char *path = backup_path(self, 2 * i), *other = backup_path(self, 2 * i + 1);
        g_autoptr(Reply) first = start_backup(self, path);
        g_autoptr(Reply) second = start_backup(self, other);
        assert_reply(first, 202, NULL);
        status = second->status;
        if (status == 409)
            assert_reply(second, 409, "backup_running");
        g_autofree char *end = wait_for_end(self);
        assert_string_equal(end, "complete");
    }
    assert_int_equal(status, 409);
}

static void a_stop_leaves_a_whole_backup_or_none(void **state)
{
    Fixture *self = *state;
    g_autofree char *path = backup_path(self, 0);
    g_autofree char *part = g_strconcat(path, ".absender.part", NULL);
    g_autoptr(Reply) started = start_backup(self, path);
    assert_reply(started, 202, NULL);
    api_stop(self->api);
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
}

static void the_books_are_checked(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply = ask_member(self, "GET /v1/queue/check", "", NULL);
    assert_reply(reply, 200, NULL);
    assert_true(json_is_true(reply_at(reply, "balanced")));
    assert_int_equal(json_integer_value(reply_at(reply, "taken")), 0);
    assert_int_equal(json_array_size(reply_at(reply, "faults")), 0);
    assert_int_equal(json_object_size(reply_at(reply, "states")), 10);
    assert_int_equal(json_object_size(reply_at(reply, "removed")), 6);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_operator_makes_a_backup_and_sees_how_far_it_is, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(nobody_else_may, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_request_that_is_wrong_starts_nothing, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(there_is_one_at_a_time, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_stop_leaves_a_whole_backup_or_none, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(the_books_are_checked, start_signed_up, stop_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
