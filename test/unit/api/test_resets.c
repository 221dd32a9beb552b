/* Password resets over HTTP, with and without mail. */
#include "links.h"

#include "api/link_mail.h"
#include "api/state.h"
#include "base/limits.h"
#include "base/secret.h"

#define FRESH "another fine passphrase"
#define LOOK_UP "POST /v1/password-resets/lookup"
#define REDEEM "POST /v1/password-resets/redeem"
#define FRESH_PASSWORD ",\"password\":\"" FRESH "\""
#define WAIT_STEPS 500 /* of 10 ms */

static Reply *request_reset(const Fixture *self, const char *email, const char *headers)
{
    g_autofree char *body = g_strdup_printf("{\"email\":\"%s\"}", email);
    return ask(self, "POST /v1/password-resets", headers, body);
}

static void ask_for_link(const Fixture *self, const char *email, const char *headers)
{
    g_autoptr(Reply) reply = request_reset(self, email, headers);
    assert_reply(reply, 202, NULL);
}

/* The newest on the list, once there are n. */
static Reply *wait_for_list(const Fixture *self, gsize n)
{
    for (guint i = 0; i < WAIT_STEPS; i++) {
        Reply *reply = ask_control(self, "GET /v1/password-resets", NULL);
        assert_reply(reply, 200, NULL);
        if (json_array_size(reply_at(reply, "data")) == n)
            return reply;
        reply_free(reply);
        g_usleep(10000);
    }
    fail_msg("the list never had %zu", n);
    return NULL;
}

/* POST /v1/password-resets/{id}/DEED by the operator, for the newest on the list. */
static Reply *act(const Fixture *self, const Reply *list, const char *deed)
{
    g_autofree char *line =
        g_strdup_printf("POST /v1/password-resets/%s/%s", reply_text(list, "data.0.id"), deed);
    return ask_control(self, line, NULL);
}

static void expect_link(const Fixture *self, const char *link, gboolean works)
{
    g_autoptr(Reply) reply = links_send(self, LOOK_UP, links_token(link), "");
    assert_reply(reply, works ? 200 : 404, works ? NULL : "reset_invalid");
}

static void expect_sign_in(const Fixture *self, const char *password, int status)
{
    g_autofree char *body =
        g_strdup_printf("{\"email\":\"" EMAIL "\",\"password\":\"%s\"}", password);
    g_autoptr(Reply) reply = ask(self, "POST /v1/sessions", "", body);
    assert_reply(reply, status, NULL);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static DbQuery *count_asked(Db *db)
{
    return db_query(db, "SELECT count(*) FROM password_resets");
}

static void wait_for_rows(Fixture *self, gint64 n)
{
    for (guint i = 0; i < WAIT_STEPS && links_count(self, count_asked) != n; i++)
        g_usleep(10000);
    assert_int_equal(links_count(self, count_asked), n);
}

static void the_answer_is_the_same_for_everybody(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) known = request_reset(self, "Anna@example.DE", "");
    g_autoptr(Reply) unknown = request_reset(self, "nobody@example.de", "");
    assert_reply(known, 202, NULL);
    assert_int_equal(unknown->status, known->status);
    assert_string_equal(unknown->body, known->body);
    assert_int_equal(strlen(unknown->head), strlen(known->head));
    g_autoptr(Reply) list = wait_for_list(self, 1);
    assert_string_equal(reply_text(list, "data.0.member.email"), EMAIL);
    wait_for_rows(self, 1); /* what was asked for nobody is gone */
}

static void what_is_no_address_is_said(void **state)
{
    static const char *const bodies[] = {"{}", "{\"email\":\"\"}", "{\"email\":\"nobody\"}",
        "{\"email\":\"a@b.de\\r\\nBcc: c@d.de\"}", "{\"email\":\"a@b.de\",\"org_id\":1}"};
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Reply) reply = ask(self, "POST /v1/password-resets", "", bodies[i]);
        assert_reply(reply, 422, NULL);
    }
}

/* Who is on the list has been looked at, and the last one that was ended the others. */
static void expect_one_open(const Fixture *self)
{
    g_autoptr(Reply) open = ask_control(self, "GET /v1/password-resets?state=open", NULL);
    assert_int_equal(json_array_size(reply_at(open, "data")), 1);
    assert_string_equal(reply_text(open, "data.0.state"), "to_hand_over");
}

/* Threat T37. */
static void who_asks_too_often_hears_the_same_and_nothing_happens(void **state)
{
    Fixture *self = *state;
    for (guint i = 0; i < LIMIT_LINK_MAILS_PER_ADDRESS + 3; i++) {
        g_autoptr(Reply) reply = request_reset(self, EMAIL, "");
        assert_reply(reply, 202, NULL);
        assert_string_equal(reply->body, "{\"object\":\"password_reset_request\"}");
    }
    reply_free(wait_for_list(self, LIMIT_LINK_MAILS_PER_ADDRESS));
    expect_one_open(self);
}

static void one_client_asks_for_ten_addresses_an_hour(void **state)
{
    Fixture *self = *state;
    Id first = {{0}};
    for (guint i = 0; i < LIMIT_LINK_MAILS_PER_CLIENT + 5; i++) {
        g_autofree char *email = g_strdup_printf("nobody%u@example.de", i);
        g_autoptr(Reply) reply = request_reset(self, email, "");
        assert_reply(reply, 202, NULL);
    }
    g_autoptr(Reply) known = request_reset(self, EMAIL, "");
    assert_reply(known, 202, NULL);
    wait_for_rows(self, 0);
    g_autoptr(Reply) list = wait_for_list(self, 0);
    assert_false(id_parse(reply_text(list, "data.0.id"), "rst", &first));
}

/* --- By hand --------------------------------------------------------------------------------- */

static void without_mail_a_person_hands_the_link_over(void **state)
{
    Fixture *self = *state;
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    assert_string_equal(reply_text(list, "data.0.state"), "to_hand_over");
    assert_string_equal(reply_text(list, "data.0.asked_from"), "127.0.0.1");
    assert_null(strstr(list->body, "/#/reset/"));

    g_autoptr(Reply) first = act(self, list, "link");
    assert_reply(first, 200, NULL);
    assert_string_equal(reply_text(first, "state"), "handed_over");
    g_autoptr(Reply) second = act(self, list, "link");
    expect_link(self, reply_text(first, "link"), FALSE);
    expect_link(self, reply_text(second, "link"), TRUE);

    const char *token = links_token(reply_text(second, "link"));
    g_autoptr(Reply) short_one = links_send(self, REDEEM, token, ",\"password\":\"short\"");
    assert_reply(short_one, 422, "password_too_short");
    g_autoptr(Reply) used = links_send(self, REDEEM, token, FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    assert_string_equal(reply_text(used, "state"), "used");
    g_autoptr(Reply) again = links_send(self, REDEEM, token, FRESH_PASSWORD);
    assert_reply(again, 404, "reset_invalid");
    g_autoptr(Reply) late = act(self, list, "link");
    assert_reply(late, 409, "reset_closed");
}

static void a_new_password_ends_all_sessions(void **state)
{
    Fixture *self = *state;
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    g_autoptr(Reply) before = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(before, 200, NULL);
    g_autoptr(Reply) used =
        links_send(self, REDEEM, links_token(reply_text(link, "link")), FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    g_autoptr(Reply) after = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(after, 401, "session_expired");
    expect_sign_in(self, PASSWORD, 401);
    expect_sign_in(self, FRESH, 200);
}

/* Who has forgotten the password has often tried too many. Strangers elsewhere are not told that
 * somebody has come in (threat T36). */
static void whoever_used_the_link_signs_in_and_others_wait_on(void **state)
{
    Fixture *self = *state;
    Guesses *guesses = self->api->guesses;
    MonoMs at = clock_mono_ms(), wait_ms;
    for (guint i = 0; i < 2 * LIMIT_ACCOUNT_GUESSES; i++, at += CLOCK_MINUTE_MS)
        while ((wait_ms = guesses_take(guesses, EMAIL, "203.0.113.9", at)) > 0)
            at += wait_ms;
    expect_sign_in(self, PASSWORD, 429);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    g_autoptr(Reply) used =
        links_send(self, REDEEM, links_token(reply_text(link, "link")), FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    assert_true(guesses_take(guesses, EMAIL, "203.0.113.10", clock_mono_ms()) > 0);
    expect_sign_in(self, FRESH, 200);
}

static void a_dismissed_request_has_no_link(void **state)
{
    Fixture *self = *state;
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    g_autoptr(Reply) gone = act(self, list, "dismiss");
    assert_reply(gone, 200, NULL);
    assert_string_equal(reply_text(gone, "state"), "over");
    expect_link(self, reply_text(link, "link"), FALSE);
    g_autoptr(Reply) again = act(self, list, "link");
    assert_reply(again, 409, "reset_closed");
    g_autoptr(Reply) open = ask_control(self, "GET /v1/password-resets?state=open", NULL);
    assert_int_equal(json_array_size(reply_at(open, "data")), 0);
}

/* What the page shows beside "People", and a webhook is told of, neither with a name nor a link. */
static DbQuery *count_told(Db *db)
{
    return db_query(db, "SELECT count(*) FROM webhook_events WHERE type = 'reset.waiting' AND "
                        "instr(body, 'anna') = 0 AND instr(body, '/') = 0");
}

static void expect_waiting(const Fixture *self, gint64 n)
{
    g_autoptr(Reply) status = ask_control(self, "GET /v1/smtp", NULL);
    assert_int_equal(json_integer_value(reply_at(status, "resets_to_hand_over")), n);
}

static void want_to_be_told(const Fixture *self)
{
    g_autoptr(Reply) hook = ask_control(self, "POST /v1/webhooks",
        "{\"url\":\"https://alerts.example.com/a\",\"events\":[\"reset.waiting\"]}");
    assert_reply(hook, 201, NULL);
}

static void who_waits_for_a_person_is_counted_and_told(void **state)
{
    Fixture *self = *state;
    want_to_be_told(self);
    expect_waiting(self, 0);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    expect_waiting(self, 1);
    assert_int_equal(links_count(self, count_told), 1);
    g_autoptr(Reply) link = act(self, list, "link");
    assert_reply(link, 200, NULL);
    expect_waiting(self, 0);
    assert_int_equal(links_count(self, count_told), 1);
}

static void an_admin_starts_one_for_another_member_alone(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) session = ask_member(self, "GET /v1/session", "", NULL);
    g_autofree char *line =
        g_strdup_printf("POST /v1/members/%s/reset-link", reply_text(session, "member.id"));
    g_autoptr(Reply) own = ask_member(self, line, "", NULL);
    assert_reply(own, 403, "own_reset");
    make_token(self, "[\"people:write\"]");
    g_autoptr(Reply) weak = ask_token(self, line, "", NULL);
    assert_reply(weak, 403, "scope_not_allowed");
    g_autoptr(Reply) operators = ask_control(self, line, NULL);
    assert_reply(operators, 201, NULL);
    assert_string_equal(reply_text(operators, "state"), "handed_over");
    assert_true(json_is_null(reply_at(operators, "asked_from"))); /* nobody asked */
    g_autoptr(Reply) nobody =
        ask_control(self, "POST /v1/members/mem_00000000000070008000000000000000/reset-link", NULL);
    assert_reply(nobody, 404, "not_found");
    g_autoptr(Reply) used =
        links_send(self, REDEEM, links_token(reply_text(operators, "link")), FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    expect_sign_in(self, FRESH, 200);
}

/* What `absender reset-link` asks: the way in for the only admin of a server without mail. */
static void the_operator_finds_a_member_by_the_address(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) found = ask_control(self, "GET /v1/members?email=Anna%40Example.de", NULL);
    assert_reply(found, 200, NULL);
    assert_int_equal(json_array_size(reply_at(found, "data")), 1);
    assert_string_equal(reply_text(found, "data.0.email"), EMAIL);
    static const char *const others[] = {"GET /v1/members?email=eva%40example.de",
        "GET /v1/members?email=anna", "GET /v1/members?email="};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(Reply) none = ask_control(self, others[i], NULL);
        assert_reply(none, 200, NULL);
        assert_int_equal(json_array_size(reply_at(none, "data")), 0);
    }
    g_autofree char *line =
        g_strdup_printf("POST /v1/members/%s/reset-link", reply_text(found, "data.0.id"));
    g_autoptr(Reply) link = ask_control(self, line, NULL);
    assert_reply(link, 201, NULL);
    g_autoptr(Reply) log = ask_control(self, "GET /v1/audit-events?action=reset.link_copied", NULL);
    assert_string_equal(reply_text(log, "data.0.actor"), "operator");
    assert_string_equal(reply_text(log, "data.0.detail"), EMAIL);
    g_autofree char *token = g_strdup(links_token(reply_text(link, "link")));
    assert_null(strstr(log->body, token));
}

static void a_strangers_request_does_not_take_a_handed_link_away(void **state)
{
    Fixture *self = *state;
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) both = wait_for_list(self, 2);
    assert_string_equal(reply_text(both, "data.1.state"), "handed_over");
    expect_link(self, reply_text(link, "link"), TRUE);
}

/* --- By mail --------------------------------------------------------------------------------- */

static void the_mail_carries_a_link_that_works_once(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    ask_for_link(self, EMAIL, "Accept-Language: en\r\n");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autofree char *mail = links_mail(self, reply_text(list, "data.0.email_id"));
    g_autofree char *start = g_strdup_printf("http://127.0.0.1:%u/#/reset/", api_port(self->api));
    const char *link = strstr(mail, start);
    assert_non_null(link);
    assert_non_null(strstr(mail, "Neues Passwort")); /* her own language */
    g_autofree char *token = g_strndup(link + strlen(start), 43);
    g_autoptr(Reply) offer = links_send(self, LOOK_UP, token, "");
    assert_reply(offer, 200, NULL);
    assert_string_equal(reply_text(offer, "email"), EMAIL);
    g_autoptr(Reply) used = links_send(self, REDEEM, token, FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    g_autoptr(Reply) again = links_send(self, REDEEM, token, FRESH_PASSWORD);
    assert_reply(again, 404, "reset_invalid");
}

static void a_held_mail_is_on_the_list_and_ends_when_the_link_is_copied(void **state)
{
    Fixture *self = *state;
    want_to_be_told(self);
    links_activate(self);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    const char *email_id = reply_text(list, "data.0.email_id");
    assert_string_equal(reply_text(list, "data.0.state"), "to_hand_over");
    assert_mail_state(self, email_id, "held");
    expect_waiting(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    assert_reply(link, 200, NULL);
    assert_mail_state(self, email_id, "handed_over");
    expect_link(self, reply_text(link, "link"), TRUE);
    assert_int_equal(links_count(self, count_told), 0); /* a person has just done it */
}

static void a_newer_request_ends_the_former_mail(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) both = wait_for_list(self, 2);
    assert_mail_state(self, reply_text(list, "data.0.email_id"), "cancelled");
    assert_mail_state(self, reply_text(both, "data.0.email_id"), "held");
}

static DbQuery *count_deeds(Db *db)
{
    return db_query(db, "SELECT count(DISTINCT action) FROM audit_events WHERE action IN "
                        "('reset.asked', 'reset.link_copied', 'reset.used', 'reset.dismissed')");
}

static DbQuery *count_nobodys(Db *db)
{
    return db_query(db, "SELECT count(*) FROM audit_events WHERE detail LIKE 'nobody%'");
}

static void every_deed_is_audited_and_strangers_addresses_are_not_kept(void **state)
{
    Fixture *self = *state;
    ask_for_link(self, "nobody@example.de", "");
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) list = wait_for_list(self, 1);
    g_autoptr(Reply) link = act(self, list, "link");
    g_autoptr(Reply) used =
        links_send(self, REDEEM, links_token(reply_text(link, "link")), FRESH_PASSWORD);
    assert_reply(used, 200, NULL);
    ask_for_link(self, EMAIL, "");
    g_autoptr(Reply) both = wait_for_list(self, 2);
    g_autoptr(Reply) gone = act(self, both, "dismiss");
    assert_reply(gone, 200, NULL);
    assert_int_equal(links_count(self, count_deeds), 4);
    assert_int_equal(links_count(self, count_nobodys), 0);
    wait_for_rows(self, 2);
}

/* What a crash leaves behind: asked and never looked at. */
static gboolean leave_behind(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "INSERT INTO password_resets (org_id, id, account, state, asked_at, asked_from, "
        "updated_at) "
        "VALUES (1, randomblob(16), 'anna@example.de', 1, 1795283520123, '192.0.2.1', 1)",
        error);
}

static void what_a_crash_left_behind_is_found_at_the_next_start(void **state)
{
    Fixture *self = *state;
    g_autoptr(GError) error = NULL;
    store_run(self->store, leave_behind, NULL, &error);
    assert_null(error);
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    g_autoptr(Reply) list = wait_for_list(self, 1);
    assert_string_equal(reply_text(list, "data.0.asked_from"), "192.0.2.1");
}

/* The first cannot be looked at, and what the second was asked in is not the member's organisation.
 */
static gboolean leave_a_bad_one_before(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "INSERT INTO organisations (row) VALUES (2)", error) &&
           db_exec(db,
               "INSERT INTO password_resets (org_id, id, account, state, asked_at, asked_from, "
               "updated_at) SELECT 2, randomblob(16), value, 1, unixepoch() * 1000, '192.0.2.1', 1 "
               "FROM json_each('[\"nobody@example.de\", \"anna@example.de\"]')",
               error) &&
           db_exec(db,
               "CREATE TRIGGER stays BEFORE DELETE ON password_resets WHEN OLD.account LIKE "
               "'nobody%' BEGIN SELECT RAISE(ABORT, 'a fault'); END",
               error);
}

static void one_that_fails_keeps_nobody_waiting(void **state)
{
    Fixture *self = *state;
    g_autoptr(GError) error = NULL;
    store_run(self->store, leave_a_bad_one_before, NULL, &error);
    assert_null(error);
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    g_autoptr(Reply) list = wait_for_list(self, 1);
    assert_string_equal(reply_text(list, "data.0.member.email"), EMAIL);
}

/* --- How many an hour ------------------------------------------------------------------------ */

static gint n_failed, n_too_many; /* atomic: records in the log */

static GLogWriterOutput count_records(
    GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "MESSAGE") != 0)
            continue;
        if (g_str_has_prefix(fields[i].value, "password resets wait for a minute"))
            g_atomic_int_inc(&n_failed);
        if (g_str_has_prefix(fields[i].value, "a password reset was dropped"))
            g_atomic_int_inc(&n_too_many);
    }
    return g_log_writer_default(level, fields, n_fields, user);
}

static void wait_for_records(gint *counter, gint n)
{
    for (guint i = 0; i < 10 * WAIT_STEPS && g_atomic_int_get(counter) < n; i++)
        g_usleep(10000);
    assert_true(g_atomic_int_get(counter) >= n);
}

/* So many of the organisation's within the hour. */
static void use_up(Fixture *self, guint n)
{
    for (guint i = 0; i < n; i++)
        assert_int_equal(link_mail_take_reset(self->api, STORE_DEFAULT_ORG), 0);
}

static gboolean sql_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, data, error);
}

static void run_sql(Fixture *self, const char *sql)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, sql_job, (gpointer)sql, &error);
    assert_null(error);
}

/* While the disk is full, three rounds of one or one round of three: nothing is written, so nothing
 * counts, and none is taken for one too many. */
static void what_could_not_be_written_is_tried_again_and_counts_once(void **state)
{
    Fixture *self = *state;
    gint before = g_atomic_int_get(&n_failed);
    use_up(self, LIMIT_LINK_MAILS_PER_ORG - 2);
    run_sql(self, "CREATE TRIGGER full BEFORE UPDATE ON password_resets BEGIN "
                  "SELECT RAISE(ABORT, 'the disk is full'); END;"
                  "INSERT INTO password_resets (org_id, id, account, state, asked_at, asked_from, "
                  "updated_at) SELECT 1, randomblob(16), '" EMAIL "', 1, unixepoch() * 1000, "
                  "'192.0.2.1', 1 FROM json_each('[1, 2, 3]')");
    reset_post_wake(self->api->reset_post);
    wait_for_records(&n_failed, before + 1);
    assert_int_equal(links_count(self, count_asked), 3);
    use_up(self, 2); /* they are left */
    assert_true(link_mail_wait_reset(self->api, STORE_DEFAULT_ORG) > 0);
    run_sql(self, "DROP TRIGGER full");
    api_stop(self->api);
    api_free(self->api);
    fixture_start_api(self);
    reply_free(wait_for_list(self, 3));
    expect_one_open(self);
}

/* Nobody outside learns of it (threat T36); the operator does. */
static void one_too_many_in_an_hour_is_dropped_and_logged(void **state)
{
    Fixture *self = *state;
    gint before = g_atomic_int_get(&n_too_many);
    use_up(self, LIMIT_LINK_MAILS_PER_ORG);
    ask_for_link(self, EMAIL, "");
    wait_for_records(&n_too_many, before + 1);
    assert_int_equal(links_count(self, count_asked), 0);
    ask_for_link(self, "nobody@example.de", "");
    wait_for_rows(self, 0);
    assert_int_equal(g_atomic_int_get(&n_too_many), before + 1);
}

#define PEOPLE_TEST(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    g_log_set_writer_func(count_records, NULL, NULL);
    static const struct CMUnitTest tests[] = {
        PEOPLE_TEST(the_answer_is_the_same_for_everybody),
        PEOPLE_TEST(what_is_no_address_is_said),
        PEOPLE_TEST(who_asks_too_often_hears_the_same_and_nothing_happens),
        PEOPLE_TEST(one_client_asks_for_ten_addresses_an_hour),
        PEOPLE_TEST(without_mail_a_person_hands_the_link_over),
        PEOPLE_TEST(a_new_password_ends_all_sessions),
        PEOPLE_TEST(whoever_used_the_link_signs_in_and_others_wait_on),
        PEOPLE_TEST(a_dismissed_request_has_no_link),
        PEOPLE_TEST(who_waits_for_a_person_is_counted_and_told),
        PEOPLE_TEST(an_admin_starts_one_for_another_member_alone),
        PEOPLE_TEST(the_operator_finds_a_member_by_the_address),
        PEOPLE_TEST(a_strangers_request_does_not_take_a_handed_link_away),
        PEOPLE_TEST(the_mail_carries_a_link_that_works_once),
        PEOPLE_TEST(a_held_mail_is_on_the_list_and_ends_when_the_link_is_copied),
        PEOPLE_TEST(a_newer_request_ends_the_former_mail),
        PEOPLE_TEST(every_deed_is_audited_and_strangers_addresses_are_not_kept),
        PEOPLE_TEST(what_a_crash_left_behind_is_found_at_the_next_start),
        PEOPLE_TEST(one_that_fails_keeps_nobody_waiting),
        PEOPLE_TEST(what_could_not_be_written_is_tried_again_and_counts_once),
        PEOPLE_TEST(one_too_many_in_an_hour_is_dropped_and_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
