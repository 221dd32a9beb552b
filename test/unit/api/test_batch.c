/* POST /v1/emails/batch: all or none, in order, within its bounds. */
#include "fixture.h"

#include "base/limits.h"
#include "base/secret.h"
#include "store/emails.h"

#define BATCH "POST /v1/emails/batch"
#define MAIL_TO(who) \
    "{\"from\":\"a@example.de\",\"to\":\"" who "@example.org\",\"subject\":\"s\",\"text\":\"t\"}"

static int start_with_token(void **state)
{
    start_signed_up(state);
    make_token(*state, "[\"emails:send\",\"emails:read\"]");
    return 0;
}

/* [mail,mail,…] */
static char *batch_of(const char *mail, guint n)
{
    GString *text = g_string_new("[");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s%s", i ? "," : "", mail);
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

static gint64 recipients_stored(const Fixture *self)
{
    g_autoptr(GError) error = NULL;
    gint64 counts[EMAIL_HELD + 1] = {0}, sum = 0;
    Db *db = store_reader_take(self->store);
    assert_true(emails_count(db, STORE_DEFAULT_ORG, counts, &error));
    store_reader_give(self->store, db);
    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
        sum += counts[i];
    return sum;
}

static void the_ids_come_in_the_order_of_the_emails(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent =
        ask_token(self, BATCH, "", "[" MAIL_TO("one") "," MAIL_TO("two") "," MAIL_TO("three") "]");
    assert_reply(sent, 200, NULL);
    assert_int_equal(json_array_size(reply_at(sent, "data")), 3);
    static const char *const expected[] = {
        "one@example.org", "two@example.org", "three@example.org"};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *path = g_strdup_printf("data.%u.id", i);
        g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", reply_text(sent, path));
        g_autoptr(Reply) got = ask_token(self, line, "", NULL);
        assert_reply(got, 200, NULL);
        assert_string_equal(reply_text(got, "to.0"), expected[i]);
    }
}

static void one_fault_refuses_all_and_names_its_email(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *bad, *pointer, *code;
    } cases[] = {
        {"{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"text\":\"t\"}", "/1/subject",
            "required"},
        {"{\"from\":\"a@example.de\",\"to\":[\"b@example.org\",\"b\"],\"subject\":\"s\","
         "\"text\":\"t\"}",
            "/1/to/1", "invalid_address"},
        {"{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\","
         "\"colour\":1}",
            "/1/colour", "unknown_field"},
        {"{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"a\\nb\","
         "\"text\":\"t\"}",
            "/1/subject", "control_character"}, /* found while composing */
        {"{\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\"}", "/1/from", "required"},
        {"\"mail\"", "/1", "wrong_type"},
        {"[]", "/1", "wrong_type"},
        {"null", "/1", "wrong_type"},
        {"{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"\\u0000\","
         "\"text\":\"t\"}",
            "/1/subject", "control_character"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body =
            g_strdup_printf("[%s,%s,%s]", MAIL_TO("one"), cases[i].bad, MAIL_TO("three"));
        g_autoptr(Reply) refused = ask_token(self, BATCH, "", body);
        assert_reply(refused, 422, NULL);
        assert_int_equal(json_array_size(reply_at(refused, "errors")), 1);
        assert_string_equal(reply_text(refused, "errors.0.pointer"), cases[i].pointer);
        assert_string_equal(reply_text(refused, "errors.0.code"), cases[i].code);
    }
    assert_int_equal(recipients_stored(self), 0);
}

static void all_faults_of_a_batch_are_told_at_once(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) refused = ask_token(
        self, BATCH, "", "[{\"to\":\"b@example.org\",\"subject\":\"s\"},7," MAIL_TO("x") "]");
    assert_reply(refused, 422, "invalid_fields");
    assert_string_equal(reply_text(refused, "errors.0.pointer"), "/0/text");
    assert_string_equal(reply_text(refused, "errors.1.pointer"), "/1");
    g_autofree char *all = batch_of("{}", LIMIT_BATCH_EMAILS);
    g_autoptr(Reply) many = ask_token(self, BATCH, "", all);
    assert_int_equal(json_array_size(reply_at(many, "errors")), LIMIT_JSON_FAULTS);
}

static void one_to_a_thousand_emails_are_a_batch(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) none = ask_token(self, BATCH, "", "[]");
    assert_reply(none, 422, "out_of_range");
    assert_string_equal(reply_text(none, "errors.0.pointer"), "");
    g_autofree char *over = batch_of(MAIL_TO("b"), LIMIT_BATCH_EMAILS + 1);
    g_autoptr(Reply) too_many = ask_token(self, BATCH, "", over);
    assert_reply(too_many, 422, "out_of_range");
    assert_int_equal(recipients_stored(self), 0);

    g_autofree char *full = batch_of(MAIL_TO("b"), LIMIT_BATCH_EMAILS);
    g_autoptr(Reply) taken = ask_token(self, BATCH, "", full);
    assert_reply(taken, 200, NULL);
    assert_int_equal(json_array_size(reply_at(taken, "data")), LIMIT_BATCH_EMAILS);
    assert_int_equal(recipients_stored(self), LIMIT_BATCH_EMAILS);
}

static void what_is_no_list_is_refused(void **state)
{
    Fixture *self = *state;
    static const char *const bodies[] = {"{}", MAIL_TO("b"), "[", "[{},]", "", "7"};
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) refused = ask_token(self, BATCH, "", bodies[i]);
        assert_reply(refused, 400, "malformed_json");
    }
    g_autoptr(Reply) single = ask_token(self, "POST /v1/emails", "", "[" MAIL_TO("b") "]");
    assert_reply(single, 400, "malformed_json");
    g_autoptr(Reply) got = ask_token(self, "GET /v1/emails/batch", "", NULL);
    assert_reply(got, 405, NULL);
    make_token(self, "[\"emails:read\"]");
    g_autoptr(Reply) poor = ask_token(self, BATCH, "", "[" MAIL_TO("b") "]");
    assert_reply(poor, 403, "forbidden");
}

static void a_repeated_key_gives_the_same_emails(void **state)
{
    Fixture *self = *state;
    static const char key[] = "Idempotency-Key: batch-17\r\n";
    static const char body[] = "[" MAIL_TO("one") "," MAIL_TO("two") "]";
    g_autoptr(Reply) bad = ask_token(self, BATCH, key, "[{}]");
    assert_reply(bad, 422, NULL); /* only success is remembered */
    g_autoptr(Reply) first = ask_token(self, BATCH, key, body);
    assert_reply(first, 200, NULL);
    assert_null(strstr(first->head, "Idempotent-Replayed"));
    g_autoptr(Reply) again = ask_token(self, BATCH, key, body);
    assert_reply(again, 200, NULL);
    assert_non_null(strstr(again->head, "Idempotent-Replayed: true"));
    assert_string_equal(first->body, again->body);
    g_autoptr(Reply) other = ask_token(self, BATCH, key, "[" MAIL_TO("one") "]");
    assert_reply(other, 409, "invalid_idempotent_request");
    g_autoptr(Reply) single = ask_token(self, "POST /v1/emails", key, MAIL_TO("one"));
    assert_reply(single, 409, "invalid_idempotent_request");
    assert_int_equal(recipients_stored(self), 2);
}

static void the_same_key_at_the_same_moment_makes_one_batch(void **state)
{
    Fixture *self = *state;
    g_autofree char *headers =
        g_strdup_printf("Authorization: Bearer %s\r\nIdempotency-Key: at-once\r\n", self->token);
    g_autofree char *body = batch_of(MAIL_TO("b"), 100);
    g_autofree char *text = write_request(BATCH, headers, body);
    GSocketConnection *connections[8];
    for (gsize i = 0; i < G_N_ELEMENTS(connections); i++) {
        connections[i] = connect_tcp(self);
        send_bytes(connections[i], text, strlen(text));
    }
    g_autofree char *said = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(connections); i++) {
        g_autoptr(Reply) reply = talk(connections[i], "", 0);
        assert_reply(reply, 200, NULL);
        if (said)
            assert_string_equal(said, reply->body);
        else
            said = g_strdup(reply->body);
    }
    assert_int_equal(recipients_stored(self), 100);
}

static void what_composes_to_too_much_is_refused(void **state)
{
    Fixture *self = *state;
    g_autofree char *file = g_strnfill(4 * 1024 * 1024, 'A');
    g_autofree char *mail = g_strdup_printf(
        "{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\","
        "\"attachments\":[{\"filename\":\"a.bin\",\"content\":\"%s\"}]}",
        file);
    g_autofree char *body = batch_of(mail, 8); /* with its line ends a file is a little longer */
    g_autoptr(Reply) refused = ask_token(self, BATCH, "", body);
    assert_reply(refused, 413, "body_too_large");
    assert_non_null(strstr(reply_text(refused, "detail"), "32 MiB"));
    assert_int_equal(recipients_stored(self), 0);
}

/* --- More than may wait ---------------------------------------------------------------------- */

typedef struct {
    GMutex mutex;
    GCond moved;
    gboolean is_open;
} Barrier;

/* Keeps the store's writing thread. */
static gboolean wait_for_barrier(Db *db, gpointer data, GError **error)
{
    Barrier *barrier = data;
    g_mutex_lock(&barrier->mutex);
    while (!barrier->is_open)
        g_cond_wait(&barrier->moved, &barrier->mutex);
    g_mutex_unlock(&barrier->mutex);
    return TRUE;
}

static void open_barrier(Barrier *barrier)
{
    g_mutex_lock(&barrier->mutex);
    barrier->is_open = TRUE;
    g_cond_signal(&barrier->moved);
    g_mutex_unlock(&barrier->mutex);
}

/* The first connection that has an answer while the store is blocked. */
static guint first_answered(GSocketConnection *const *connections, guint n)
{
    for (guint i = 0;; i = (i + 1) % n) {
        GSocket *socket = g_socket_connection_get_socket(connections[i]);
        if (g_socket_condition_timed_wait(socket, G_IO_IN, 5000, NULL, NULL))
            return i;
    }
}

static void only_so_many_emails_wait_for_the_store(void **state)
{
    enum { FIT = LIMIT_BATCH_EMAILS_WAITING / LIMIT_BATCH_EMAILS };
    Fixture *self = *state;
    Barrier barrier = {.is_open = FALSE};
    g_mutex_init(&barrier.mutex);
    g_cond_init(&barrier.moved);
    assert_true(store_submit(self->store, wait_for_barrier, &barrier, NULL, NULL, NULL));

    g_autofree char *headers = g_strdup_printf("Authorization: Bearer %s\r\n", self->token);
    g_autofree char *body = batch_of(MAIL_TO("b"), LIMIT_BATCH_EMAILS);
    g_autofree char *text = write_request(BATCH, headers, body);
    GSocketConnection *connections[FIT + 1];
    for (guint i = 0; i < FIT + 1; i++) {
        connections[i] = connect_tcp(self);
        send_bytes(connections[i], text, strlen(text));
    }
    guint refused_at = first_answered(connections, FIT + 1);
    g_autoptr(Reply) refused = talk(connections[refused_at], "", 0);
    assert_reply(refused, 503, "busy");
    g_autofree char *retry_after = reply_header(refused, "Retry-After");
    assert_string_equal(retry_after, "1");

    open_barrier(&barrier);
    for (guint i = 0; i < FIT + 1; i++) {
        if (i == refused_at)
            continue;
        g_autoptr(Reply) taken = talk(connections[i], "", 0);
        assert_reply(taken, 200, NULL);
    }
    assert_int_equal(recipients_stored(self), FIT * LIMIT_BATCH_EMAILS);
    g_autoptr(Reply) later = ask_token(self, BATCH, "", body);
    assert_reply(later, 200, NULL);
    g_mutex_clear(&barrier.mutex);
    g_cond_clear(&barrier.moved);
}

#define WITH_TOKEN(test) cmocka_unit_test_setup_teardown(test, start_with_token, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        WITH_TOKEN(the_ids_come_in_the_order_of_the_emails),
        WITH_TOKEN(one_fault_refuses_all_and_names_its_email),
        WITH_TOKEN(all_faults_of_a_batch_are_told_at_once),
        WITH_TOKEN(one_to_a_thousand_emails_are_a_batch),
        WITH_TOKEN(what_is_no_list_is_refused),
        WITH_TOKEN(a_repeated_key_gives_the_same_emails),
        WITH_TOKEN(the_same_key_at_the_same_moment_makes_one_batch),
        WITH_TOKEN(what_composes_to_too_much_is_refused),
        WITH_TOKEN(only_so_many_emails_wait_for_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
