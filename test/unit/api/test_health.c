#include "api/readiness.h"
#include "base/limits.h"
#include "base/secret.h"
#include "fixture.h"
#include "store/space.h"

#define NO_DISK_IS_SO_LARGE (G_GINT64_CONSTANT(1) << 60)

static const char mail[] =
    "{\"from\":\"a@example.org\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\"}";

static int start_with_token(void **state)
{
    start_signed_up(state);
    make_token(*state, "[\"emails:send\",\"emails:read\"]");
    return 0;
}

/* The same database in another store, with a floor that no disk reaches. */
static void fill_up_disk(Fixture *self)
{
    g_autofree char *database = g_build_filename(self->directory, "absender.db", NULL);
    const StoreConfig config = {
        .path = database, .full_sync = TRUE, .disk_floor_bytes = NO_DISK_IS_SO_LARGE};
    g_autoptr(GError) error = NULL;
    api_stop(self->api);
    api_free(self->api);
    store_close(self->store);
    self->store = store_open(&config, NULL, &error);
    assert_null(error);
    fixture_start_api(self);
}

static Reply *ask_with(Fixture *self, const char *line, const char *more, const char *body)
{
    g_autofree char *head = g_strdup_printf("Authorization: Bearer %s\r\n%s", self->token, more);
    return ask(self, line, head, body);
}

static void below_the_floor_no_mail_is_taken(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) before = ask_with(self, "POST /v1/emails", "Idempotency-Key: k\r\n", mail);
    assert_reply(before, 200, NULL);
    fill_up_disk(self);
    g_autoptr(Reply) one = ask_with(self, "POST /v1/emails", "", mail);
    assert_reply(one, 503, "storage_low");
    assert_non_null(strstr(one->head, "Retry-After: 60\r\n"));
    assert_non_null(strstr(reply_text(one, "detail"), "MiB of disk are free"));
    g_autofree char *two = g_strdup_printf("[%s,%s]", mail, mail);
    g_autoptr(Reply) batch =
        ask_with(self, "POST /v1/emails/batch", "Accept-Language: de\r\n", two);
    assert_reply(batch, 503, "storage_low");
    assert_non_null(strstr(reply_text(batch, "detail"), "MiB Speicherplatz sind frei"));
    g_autoptr(Reply) ready = ask(self, "GET /readyz", "", NULL);
    assert_reply(ready, 503, "storage_low");
    g_autoptr(Reply) live = ask(self, "GET /livez", "", NULL);
    assert_reply(live, 200, NULL);
}

/* Who waits as long as Retry-After says finds room again, and a quota that is still there. */
static void what_is_not_taken_below_the_floor_counts_for_no_quota(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) token = ask_control(self, "POST /v1/tokens",
        "{\"name\":\"shop\",\"scopes\":[\"emails:send\"],\"quota\":{\"per_day\":1}}");
    assert_reply(token, 201, NULL);
    g_free(self->token);
    self->token = g_strdup(reply_text(token, "token"));
    fill_up_disk(self);
    g_autofree char *batch = g_strdup_printf("[%s]", mail);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(Reply) one = ask_with(self, "POST /v1/emails", "", mail);
        assert_reply(one, 503, "storage_low");
        g_autoptr(Reply) many = ask_with(self, "POST /v1/emails/batch", "", batch);
        assert_reply(many, 503, "storage_low");
    }
}

static void below_the_floor_the_rest_goes_on(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = ask_with(self, "POST /v1/emails", "Idempotency-Key: k\r\n", mail);
    assert_reply(sent, 200, NULL);
    fill_up_disk(self);
    g_autoptr(Reply) again = ask_with(self, "POST /v1/emails", "Idempotency-Key: k\r\n", mail);
    assert_reply(again, 200, NULL); /* taken before: its repeat is told so */
    g_autofree char *cancel = g_strdup_printf("POST /v1/emails/%s/cancel", reply_text(sent, "id"));
    g_autoptr(Reply) cancelled = ask_with(self, cancel, "", "");
    assert_reply(cancelled, 200, NULL);
}

static void ready_says_apart_whether_mail_goes_out(void **state)
{
    g_autoptr(Reply) ready = ask(*state, "GET /readyz", "", NULL);
    assert_reply(ready, 200, NULL);
    assert_string_equal(reply_text(ready, "status"), "ok");
    assert_true(json_is_false(reply_at(ready, "able_to_send")));
    assert_string_equal(reply_text(ready, "sending"), "not_configured");
}

static void metrics_show_disk_and_readiness(void **state)
{
    g_autoptr(Reply) metrics = ask(*state, "GET /metrics", "", NULL);
    assert_reply(metrics, 200, NULL);
    assert_non_null(strstr(metrics->body, "\nabsender_disk_free_bytes "));
    assert_non_null(strstr(metrics->body, "\nabsender_disk_floor_bytes "));
    assert_non_null(strstr(metrics->body, "\nabsender_able_to_send 0\n"));
    assert_non_null(strstr(metrics->body, "\nabsender_oldest_due_seconds "));
}

/* --- When mail goes out ----------------------------------------------------------------------- */

#define T0 G_GINT64_CONSTANT(1795283520123)

#define ACTIVE                                                                                  \
    "INSERT INTO smtp_slots (org_id, slot, host, port, security, from_email, max_connections, " \
    "send_window, quota_per_minute, quota_per_hour, quota_per_day, password_sealed) VALUES "    \
    "(1, 2, 'mail.example.org', 587, 1, 'a@example.org', 4, 16, 0, 0, 0, x'00');"
#define ENABLED "UPDATE smtp_state SET sending_enabled = 1;"
#define HEALTHY "UPDATE smtp_state SET health = 1;"
/* Due at T0; one that is being sent longer still, and one that is not due yet. */
#define DUE                                                                                        \
    "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "              \
    "deadline_at, updated_at, address) VALUES (128, 1, 5, 2, 0, 0, 1795283520123, 2000000000000, " \
    "0, 'a'), (256, 1, 1, 3, 0, 0, 1795283500000, 2000000000000, 0, 'b'), (384, 1, 3, 4, 1, 0, "   \
    "1795999999999, 2000000000000, 0, 'c');"

typedef struct {
    const char *name, *sql;
    gint64 later_ms;
    const char *reason;
    gint64 oldest_ms;
} Case;

static gboolean judge_job(Db *db, gpointer data, GError **error)
{
    const Case *row = data;
    Readiness readiness;
    if (!db_exec(db,
            "DELETE FROM recipients; DELETE FROM smtp_slots; UPDATE smtp_state SET "
            "health = 0, sending_enabled = 0",
            error) ||
        !db_exec(db, row->sql, error) ||
        !readiness_read(db, STORE_DEFAULT_ORG, T0 + row->later_ms, &readiness, error))
        return FALSE;
    gboolean is_right = strcmp(readiness.reason, row->reason) == 0 &&
                        readiness.is_able == (strcmp(row->reason, "ok") == 0) &&
                        readiness.oldest_due_ms == row->oldest_ms;
    if (!is_right)
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "%s, %" G_GINT64_FORMAT " ms",
            readiness.reason, readiness.oldest_due_ms);
    return is_right;
}

static void mail_goes_out_only_if_that_is_known(void **state)
{
    static Case rows[] = {
        {"a new one", "", 0, "not_configured", 0},
        {"paused", ACTIVE HEALTHY, 0, "paused", 0},
        {"nothing was ever sent", ACTIVE ENABLED, 0, "unknown", 0},
        {"the last session went well", ACTIVE ENABLED HEALTHY, 0, "ok", 0},
        {"the password was refused", ACTIVE ENABLED "UPDATE smtp_state SET health = 3;", 0,
            "credential_fault", 0},
        {"the provider was not reached", ACTIVE ENABLED "UPDATE smtp_state SET health = 4;", 0,
            "unreachable", 0},
        {"the provider was half well", ACTIVE ENABLED "UPDATE smtp_state SET health = 2;", 0,
            "degraded", 0},
        {"due for ten minutes", ACTIVE ENABLED HEALTHY DUE, LIMIT_DUE_LATE_MS, "ok",
            LIMIT_DUE_LATE_MS},
        {"and a moment", ACTIVE ENABLED HEALTHY DUE, LIMIT_DUE_LATE_MS + 1, "behind",
            LIMIT_DUE_LATE_MS + 1},
        {"paused, whatever is due", ACTIVE HEALTHY DUE, LIMIT_DUE_LATE_MS + 1, "paused",
            LIMIT_DUE_LATE_MS + 1},
    };
    const Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        if (!store_run(self->store, judge_job, &rows[i], &error))
            fail_msg("%s: %s", rows[i].name, error->message);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            below_the_floor_no_mail_is_taken, start_with_token, stop_fixture),
        cmocka_unit_test_setup_teardown(
            what_is_not_taken_below_the_floor_counts_for_no_quota, start_with_token, stop_fixture),
        cmocka_unit_test_setup_teardown(
            below_the_floor_the_rest_goes_on, start_with_token, stop_fixture),
        cmocka_unit_test_setup_teardown(
            ready_says_apart_whether_mail_goes_out, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            metrics_show_disk_and_readiness, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            mail_goes_out_only_if_that_is_known, start_fixture, stop_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
