#include "fixture.h"

#include "base/limits.h"
#include "base/secret.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

#define MAIL                                                                                      \
    "{\"from\":\"Shop <shop@example.de>\",\"to\":[\"Bob <bob@example.org>\"],\"subject\":\"Hi\"," \
    "\"text\":\"Hello\"}"

static int start_with_token(void **state)
{
    start_signed_up(state);
    make_token(*state, "[\"emails:send\",\"emails:read\"]");
    return 0;
}

/* Settings as after a verification that passed. */
static gboolean activate_job(Db *db, gpointer data, GError **error)
{
    Vault *vault = data;
    g_autoptr(Secret) password = secret_new("secret", 6);
    g_autoptr(SmtpSettings) empty = settings_new();
    const SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_FROM_EMAIL | SETTINGS_FROM_NAME | SETTINGS_PASSWORD,
        .host = "mail.example.de",
        .from_email = "shop@example.de",
        .from_name = "Müller, GmbH",
        .password = password};
    const SettingsPorts ports = {NULL, 0};
    GPtrArray *faults = NULL;
    gboolean dropped;
    g_autoptr(SmtpSettings) settings = settings_apply(
        empty, &patch, &ports, vault, STORE_DEFAULT_ORG, clock_wall_ms(), &dropped, &faults);
    gint64 revision = 0;
    return smtp_draft_write(
               db, STORE_DEFAULT_ORG, settings, -1, clock_wall_ms(), &revision, error) &&
           smtp_activate(db, STORE_DEFAULT_ORG, settings, revision, clock_wall_ms(), error);
}

static void activate(Fixture *self)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, activate_job, self->vault, &error);
    assert_null(error);
}

/* The stored message of the newest email. */
static char *stored_message(Fixture *self, const char *id_text)
{
    Id id;
    assert_true(id_parse(id_text, "em", &id));
    Db *db = store_reader_take(self->store);
    g_autoptr(EmailRow) row = emails_get(db, STORE_DEFAULT_ORG, &id, NULL);
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    EmailDelivery *delivery = NULL;
    GError *fault = NULL;
    emails_deliveries(
        db, self->vault, STORE_DEFAULT_ORG, &recipient->recipient_id, 1, &delivery, &fault);
    store_reader_give(self->store, db);
    assert_null(fault);
    gsize n = 0;
    const char *bytes = g_bytes_get_data(delivery->content, &n);
    char *message = g_strndup(bytes, n);
    email_delivery_free(delivery);
    return message;
}

static void an_email_is_taken_and_held_before_there_are_settings(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", MAIL);
    assert_reply(sent, 200, NULL);
    assert_string_equal(reply_text(sent, "state"), "held");
    assert_true(g_str_has_prefix(reply_text(sent, "id"), "em_"));

    g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", reply_text(sent, "id"));
    g_autoptr(Reply) got = ask_token(self, line, "", NULL);
    assert_reply(got, 200, NULL);
    assert_string_equal(reply_text(got, "object"), "email");
    assert_string_equal(reply_text(got, "from"), "Shop <shop@example.de>");
    assert_string_equal(reply_text(got, "to.0"), "Bob <bob@example.org>");
    assert_string_equal(reply_text(got, "subject"), "Hi");
    assert_string_equal(reply_text(got, "class"), "transactional");
    assert_string_equal(reply_text(got, "last_event"), "queued");
    assert_string_equal(reply_text(got, "delivery"), "at_least_once");
    assert_string_equal(reply_text(got, "recipients.0.address"), "bob@example.org");
    assert_string_equal(reply_text(got, "recipients.0.state"), "held");
    assert_int_equal(json_array_size(reply_at(got, "recipients.0.attempts_log")), 0);
    assert_string_equal(reply_text(got, "timeline.0.event"), "queued");
    g_autoptr(Reply) tokens = ask_control(self, "GET /v1/tokens", NULL);
    assert_string_equal(reply_text(got, "application"), reply_text(tokens, "data.0.name"));
    g_autofree char *message = stored_message(self, reply_text(sent, "id"));
    assert_non_null(strstr(message, "Subject: Hi\r\n"));
    assert_non_null(strstr(message, "\r\n\r\nHello"));
}

static void a_sender_is_needed_until_settings_name_one(void **state)
{
    Fixture *self = *state;
    static const char nameless[] =
        "{\"to\":\"bob@example.org\",\"subject\":\"Hi\",\"text\":\"Hello\"}";
    g_autoptr(Reply) none = ask_token(self, "POST /v1/emails", "", nameless);
    assert_reply(none, 422, "required");
    assert_string_equal(reply_text(none, "errors.0.pointer"), "/from");
    assert_string_equal(reply_text(none, "name"), "missing_required_field");
    activate(self);
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", nameless);
    assert_reply(sent, 200, NULL);
    g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", reply_text(sent, "id"));
    g_autoptr(Reply) got = ask_token(self, line, "", NULL);
    assert_string_equal(reply_text(got, "from"), "\"Müller, GmbH\" <shop@example.de>");
}

static void only_the_configured_sender_may_send(void **state)
{
    Fixture *self = *state;
    activate(self);
    g_autoptr(Reply) named = ask_token(self, "POST /v1/emails", "",
        "{\"from\":\"Kasse <shop@EXAMPLE.de>\",\"to\":\"b@example.org\",\"subject\":\"s\","
        "\"text\":\"t\"}");
    assert_reply(named, 200, NULL);
    g_autoptr(Reply) foreign = ask_token(self, "POST /v1/emails", "",
        "{\"from\":\"ceo@example.de\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\"}");
    assert_reply(foreign, 422, "sender_not_allowed");
    assert_string_equal(reply_text(foreign, "errors.0.pointer"), "/from");
}

static void errors_look_like_resends_unless_asked_otherwise(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) plain = ask_token(self, "POST /v1/emails", "", "{\"to\":\"nobody\"}");
    assert_reply(plain, 422, "invalid_fields");
    assert_int_equal(json_integer_value(reply_at(plain, "statusCode")), 422);
    assert_string_equal(reply_text(plain, "name"), "validation_error");
    assert_true(*reply_text(plain, "message") != '\0');
    g_autofree char *type = reply_header(plain, "Content-Type");
    assert_string_equal(type, "application/json");

    g_autoptr(Reply) problem = ask_token(
        self, "POST /v1/emails", "Accept: application/problem+json\r\n", "{\"to\":\"nobody\"}");
    g_autofree char *problem_type = reply_header(problem, "Content-Type");
    assert_string_equal(problem_type, "application/problem+json");
    assert_null(reply_at(problem, "statusCode"));

    g_autoptr(Reply) anonymous = ask(self, "POST /v1/emails", "", MAIL);
    assert_reply(anonymous, 401, "unauthenticated");
    assert_string_equal(reply_text(anonymous, "name"), "missing_api_key");
    g_autoptr(Reply) wrong = ask(self, "POST /v1/emails", "Authorization: Bearer re_123\r\n", MAIL);
    assert_reply(wrong, 401, "invalid_token");
    assert_string_equal(reply_text(wrong, "name"), "invalid_api_key");
}

static void a_repeated_key_gives_the_same_email(void **state)
{
    Fixture *self = *state;
    static const char key[] = "Idempotency-Key: order-17\r\n";
    g_autoptr(Reply) first = ask_token(self, "POST /v1/emails", key, MAIL);
    assert_reply(first, 200, NULL);
    assert_null(strstr(first->head, "Idempotent-Replayed"));
    g_autoptr(Reply) again = ask_token(self, "POST /v1/emails", key, MAIL);
    assert_reply(again, 200, NULL);
    assert_string_equal(reply_text(first, "id"), reply_text(again, "id"));
    assert_non_null(strstr(again->head, "Idempotent-Replayed: true"));
    g_autoptr(Reply) other = ask_token(self, "POST /v1/emails", key,
        "{\"from\":\"a@example.de\",\"to\":\"c@example.org\",\"subject\":\"s\",\"text\":\"t\"}");
    assert_reply(other, 409, "invalid_idempotent_request");
    assert_string_equal(reply_text(other, "name"), "invalid_idempotent_request");
    g_autoptr(Reply) list = ask_token(self, "GET /v1/emails", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 1);

    make_token(self, "[\"emails:send\"]");
    g_autoptr(Reply) stranger = ask_token(self, "POST /v1/emails", key, MAIL);
    assert_reply(stranger, 200, NULL);
    assert_string_not_equal(reply_text(first, "id"), reply_text(stranger, "id"));
}

static void only_success_is_remembered_under_a_key(void **state)
{
    Fixture *self = *state;
    static const char key[] = "Idempotency-Key: k\r\n";
    g_autoptr(Reply) bad = ask_token(self, "POST /v1/emails", key, "{}");
    assert_reply(bad, 422, NULL);
    g_autoptr(Reply) good = ask_token(self, "POST /v1/emails", key, MAIL);
    assert_reply(good, 200, NULL);
    g_autofree char *long_key = g_strnfill(256, 'k');
    g_autofree char *header = g_strdup_printf("Idempotency-Key: %s\r\n", long_key);
    g_autoptr(Reply) too_long = ask_token(self, "POST /v1/emails", header, MAIL);
    assert_reply(too_long, 400, "invalid_idempotency_key");
}

static void lists_are_paged_and_filtered(void **state)
{
    Fixture *self = *state;
    char *ids[5];
    for (guint i = 0; i < 5; i++) {
        g_autofree char *body = g_strdup_printf("{\"from\":\"a@example.de\",\"to\":\"r%u@example."
                                                "org\",\"subject\":\"s\",\"text\":\"t\","
                                                "\"class\":\"%s\"}",
            i, i == 2 ? "bulk" : "notification");
        g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", body);
        assert_reply(sent, 200, NULL);
        ids[i] = g_strdup(reply_text(sent, "id"));
        g_usleep(2000); /* ids sort by their millisecond */
    }
    g_autoptr(Reply) page = ask_token(self, "GET /v1/emails?limit=2", "", NULL);
    assert_reply(page, 200, NULL);
    assert_string_equal(reply_text(page, "object"), "list");
    assert_string_equal(reply_text(page, "data.0.id"), ids[4]);
    assert_string_equal(reply_text(page, "data.1.id"), ids[3]);
    assert_true(json_is_true(reply_at(page, "has_more")));
    g_autofree char *line = g_strdup_printf("GET /v1/emails?limit=3&after=%s", ids[3]);
    g_autoptr(Reply) next = ask_token(self, line, "", NULL);
    assert_string_equal(reply_text(next, "data.0.id"), ids[2]);
    assert_int_equal(json_array_size(reply_at(next, "data")), 3);
    assert_true(json_is_false(reply_at(next, "has_more")));

    static const struct {
        const char *query;
        int status;
        gsize found;
    } cases[] = {
        {"class=bulk", 200, 1},
        {"q=r4%40example", 200, 1},
        {"state=held", 200, 5},
        {"state=queued", 200, 0},
        {"state=accepted", 200, 0},
        {"state=happy", 400, 0},
        {"class=spam", 400, 0},
        {"limit=0", 400, 0},
        {"limit=201", 400, 0},
        {"limit=ten", 400, 0},
        {"after=ver_00000000000070008000000000000000", 400, 0},
        {"q=%00", 400, 0},
        {"q=%ff", 400, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *filtered = g_strdup_printf("GET /v1/emails?%s", cases[i].query);
        g_autoptr(Reply) reply = ask_token(self, filtered, "", NULL);
        assert_reply(reply, cases[i].status, NULL);
        assert_int_equal(json_array_size(reply_at(reply, "data")), cases[i].found);
    }
    for (guint i = 0; i < 5; i++)
        g_free(ids[i]);
}

static void a_waiting_email_can_be_cancelled_once(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", MAIL);
    g_autofree char *line = g_strdup_printf("POST /v1/emails/%s/cancel", reply_text(sent, "id"));
    g_autoptr(Reply) cancelled = ask_token(self, line, "", NULL);
    assert_reply(cancelled, 200, NULL);
    assert_string_equal(reply_text(cancelled, "state"), "cancelled");
    assert_string_equal(reply_text(cancelled, "last_event"), "canceled");
    g_autoptr(Reply) again = ask_token(self, line, "", NULL);
    assert_reply(again, 409, "not_cancellable");
    g_autoptr(Reply) unknown =
        ask_token(self, "POST /v1/emails/em_00000000000070008000000000000000/cancel", "", NULL);
    assert_reply(unknown, 404, "not_found");
}

static void who_may_only_send_cancels_their_own_only(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) others = ask_token(self, "POST /v1/emails", "", MAIL);
    make_token(self, "[\"emails:send\"]");
    g_autoptr(Reply) own = ask_token(self, "POST /v1/emails", "", MAIL);
    g_autofree char *foreign =
        g_strdup_printf("POST /v1/emails/%s/cancel", reply_text(others, "id"));
    g_autofree char *mine = g_strdup_printf("POST /v1/emails/%s/cancel", reply_text(own, "id"));
    g_autoptr(Reply) refused = ask_token(self, foreign, "", NULL);
    assert_reply(refused, 404, "not_found");
    g_autoptr(Reply) done = ask_token(self, mine, "", NULL);
    assert_reply(done, 200, NULL);
    g_autoptr(Reply) list = ask_token(self, "GET /v1/emails", "", NULL);
    assert_reply(list, 403, "forbidden");
}

static void mail_with_a_secret_shows_no_subject(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "",
        "{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"canary-subject\","
        "\"text\":\"https://example.de/canary-link\",\"class\":\"reset\"}");
    assert_reply(sent, 200, NULL);
    g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", reply_text(sent, "id"));
    g_autoptr(Reply) one = ask_token(self, line, "", NULL);
    g_autoptr(Reply) all = ask_token(self, "GET /v1/emails", "", NULL);
    assert_true(json_is_null(reply_at(one, "subject")));
    assert_null(strstr(one->body, "canary"));
    assert_null(strstr(all->body, "canary"));
}

static void an_attachment_of_a_megabyte_is_taken(void **state)
{
    Fixture *self = *state;
    gsize n = 1024 * 1024;
    g_autofree guchar *bytes = g_malloc(n);
    for (gsize i = 0; i < n; i++)
        bytes[i] = (guchar)(i * 7);
    g_autofree char *base64 = g_base64_encode(bytes, n);
    g_autofree char *body = g_strdup_printf(
        "{\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\","
        "\"attachments\":[{\"filename\":\"a.bin\",\"content\":\"%s\"}]}",
        base64);
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", body);
    assert_reply(sent, 200, NULL);
    g_autofree char *message = stored_message(self, reply_text(sent, "id"));
    assert_true(strlen(message) > n);
}

static void a_test_mail_needs_settings_and_has_a_limit(void **state)
{
    Fixture *self = *state;
    static const char body[] = "{\"to\":\"anna@example.org\"}";
    g_autoptr(Reply) early = ask_member(self, "POST /v1/smtp/test-emails", "", body);
    assert_reply(early, 409, "not_configured");
    activate(self);
    g_autoptr(Reply) wrong =
        ask_member(self, "POST /v1/smtp/test-emails", "", "{\"to\":\"a@b@c\"}");
    assert_reply(wrong, 422, "invalid_address");
    g_autoptr(Reply) sent =
        ask_member(self, "POST /v1/smtp/test-emails", "Accept-Language: de-DE,de;q=0.9\r\n", body);
    assert_reply(sent, 202, NULL);
    assert_string_equal(reply_text(sent, "state"), "queued"); /* although sending is paused */
    g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", reply_text(sent, "id"));
    g_autoptr(Reply) got = ask_token(self, line, "", NULL);
    assert_string_equal(reply_text(got, "subject"), "Testmail von Müller, GmbH");
    assert_true(json_is_true(reply_at(got, "is_test")));
    for (guint i = 1; i < LIMIT_TEST_EMAILS_PER_HOUR; i++) {
        g_autoptr(Reply) more = ask_member(self, "POST /v1/smtp/test-emails", "", body);
        assert_reply(more, 202, NULL);
    }
    g_autoptr(Reply) enough = ask_member(self, "POST /v1/smtp/test-emails", "", body);
    assert_reply(enough, 429, "too_many_test_emails");
    assert_non_null(strstr(enough->head, "Retry-After: "));
}

static void metrics_count_what_was_done(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", MAIL);
    assert_reply(sent, 200, NULL);
    g_autoptr(Reply) metrics = ask(self, "GET /metrics", "", NULL);
    assert_reply(metrics, 200, NULL);
    assert_non_null(strstr(metrics->body, "absender_http_answers_total{method=\"POST\","
                                          "route=\"/v1/emails\",class=\"2xx\"} 1\n"));
    assert_non_null(strstr(metrics->body, "absender_recipients{state=\"queued\"} 1\n"));
    assert_null(strstr(metrics->body, "example.org"));
    g_autoptr(Reply) live = ask(self, "GET /livez", "", NULL);
    assert_reply(live, 200, NULL);
    g_autoptr(Reply) ready = ask(self, "GET /readyz", "", NULL);
    assert_reply(ready, 200, NULL);
}

#define WITH_TOKEN(test) cmocka_unit_test_setup_teardown(test, start_with_token, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        WITH_TOKEN(an_email_is_taken_and_held_before_there_are_settings),
        WITH_TOKEN(a_sender_is_needed_until_settings_name_one),
        WITH_TOKEN(only_the_configured_sender_may_send),
        WITH_TOKEN(errors_look_like_resends_unless_asked_otherwise),
        WITH_TOKEN(a_repeated_key_gives_the_same_email),
        WITH_TOKEN(only_success_is_remembered_under_a_key),
        WITH_TOKEN(lists_are_paged_and_filtered),
        WITH_TOKEN(a_waiting_email_can_be_cancelled_once),
        WITH_TOKEN(who_may_only_send_cancels_their_own_only),
        WITH_TOKEN(mail_with_a_secret_shows_no_subject),
        WITH_TOKEN(an_attachment_of_a_megabyte_is_taken),
        WITH_TOKEN(a_test_mail_needs_settings_and_has_a_limit),
        WITH_TOKEN(metrics_count_what_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
