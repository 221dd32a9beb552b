/* The contract is true: every route stands in it, and answers of a real server are judged by it
 * (judge_openapi.py, with python3-jsonschema). */
#include "fixture.h"

#include "api/routes/routes.h"
#include "base/secret.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "store/test_mails.h"

static json_t *contract;

static int read_contract(void **state)
{
    gsize n = 0;
    g_autofree char *text = read_source("doc/openapi.json", &n);
    contract = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(contract);
    return 0;
}

static int free_contract(void **state)
{
    json_decref(contract);
    return 0;
}

static void every_route_is_described_and_nothing_else(void **state)
{
    guint n = 0, pages = 0;
    gsize described = 0;
    const Route *table = routes_table(&n);
    json_t *paths = json_object_get(contract, "paths"), *item;
    for (guint i = 0; i < n; i++) {
        if (table[i].decide == route_page) {
            pages++;
            continue;
        }
        g_autofree char *method = g_ascii_strdown(table[i].method, -1);
        json_t *operation = json_object_get(json_object_get(paths, table[i].pattern), method);
        if (!operation)
            fail_msg("%s %s is not in doc/openapi.yaml", table[i].method, table[i].pattern);
        assert_true(
            (json_object_get(operation, "requestBody") != NULL) <= (table[i].body_limit > 0));
    }
    const char *path, *method;
    json_object_foreach(paths, path, item)
    {
        json_t *operation;
        json_object_foreach(item, method, operation) described += strcmp(method, "parameters") != 0;
    }
    assert_int_equal(described, n - pages);
}

static void the_version_is_the_programs(void **state)
{
    g_autoptr(Reply) session = ask(*state, "GET /v1/session", "", NULL);
    json_t *version = json_object_get(json_object_get(contract, "info"), "version");
    assert_string_equal(json_string_value(version), reply_text(session, "version"));
}

/* --- Answers --------------------------------------------------------------------------------- */

static void visit(Fixture *self, const char *line, const char *body)
{
    reply_free(ask_member(self, line, "", body));
}

static void visit_id(Fixture *self, const char *format, const char *id, const char *body)
{
    GString *line = g_string_new(format);
    g_string_replace(line, "{id}", id, 1);
    visit(self, line->str, body);
    g_string_free(line, TRUE);
}

static gboolean activate_draft(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    return smtp_activate(
        db, STORE_DEFAULT_ORG, state->draft, state->revision, clock_wall_ms(), error);
}

/* An attempt that was put off, so that a diagnosis shows. */
static gboolean defer(Db *db, gpointer data, GError **error)
{
    WallMs next_at = 0, now = clock_wall_ms();
    gboolean marked = FALSE, has_more = FALSE;
    GError *fault = NULL;
    const EmailDueQuery query = {
        .org_id = STORE_DEFAULT_ORG, .now = now + CLOCK_SECOND_MS, .limit = 1};
    g_autoptr(GArray) due = emails_due(db, &query, &has_more, &next_at, error);
    assert_int_equal(due->len, 1);
    const EmailAttempt attempt = {.recipient_id = g_array_index(due, EmailDue, 0).recipient_id,
        .state = EMAIL_DEFERRED,
        .at = now,
        .next_at = now + CLOCK_HOUR_MS,
        .counts = TRUE,
        .phase = "rcpt_to",
        .reply_code = 451,
        .reply_enhanced = "4.7.1",
        .reply_text = "greylisted",
        .diagnosis = "fallback_unknown",
        .server = "mail.example.de"};
    return emails_mark_sending(
               db, STORE_DEFAULT_ORG, &attempt.recipient_id, 1, now, &marked, error) &&
           emails_record_attempts(db, STORE_DEFAULT_ORG, &attempt, 1, &fault, error) &&
           fault == NULL;
}

static void run(Fixture *self, StoreJob job)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, job, self, &error);
    assert_null(error);
}

static void visit_people(Fixture *self)
{
    static const char member[] = "{\"email\":\"" EMAIL "\",\"password\":\"wrong password\"}";
    visit(self, "GET /v1/session", NULL);
    visit(self, "POST /v1/sessions", member);
    visit(self, "POST /v1/sessions", "{}");
    visit(self, "POST /v1/setup",
        "{\"token\":\"x\",\"email\":\"b@example.de\",\"name\":\"B\",\"password\":\"" PASSWORD
        "\",\"public_url\":\"http://localhost\"}");
    g_autoptr(Reply) token =
        ask_member(self, "POST /v1/tokens", "", "{\"name\":\"t\",\"scopes\":[\"audit:read\"]}");
    self->token = g_strdup(reply_text(token, "token"));
    visit(self, "POST /v1/tokens", "{\"name\":\"t\",\"scopes\":[\"all\"]}");
    visit(self, "GET /v1/tokens", NULL);
    reply_free(ask_token(self, "GET /v1/tokens", "", NULL));
    reply_free(ask_token(self, "POST /v1/emails", "", "{}"));
    visit_id(self, "GET /v1/tokens/{id}", reply_text(token, "id"), NULL);
    visit_id(self, "PATCH /v1/tokens/{id}", reply_text(token, "id"),
        "{\"networks\":[\"10.0.0.0/8\"],\"from_addresses\":[\"a@b.de\"],"
        "\"quota\":{\"per_day\":9}}");
    visit_id(self, "PATCH /v1/tokens/{id}", reply_text(token, "id"), "{\"networks\":[]}");
    reply_free(ask_token(self, "GET /v1/smtp", "", NULL));
    visit_id(self, "DELETE /v1/tokens/{id}", reply_text(token, "id"), NULL);
    visit_id(self, "DELETE /v1/tokens/{id}", reply_text(token, "id"), NULL);
}

static void visit_links(Fixture *self)
{
    visit(self, "POST /v1/invitations", "{\"email\":\"b\",\"role\":\"root\"}");
    g_autoptr(Reply) bob = ask_member(
        self, "POST /v1/invitations", "", "{\"email\":\"b@example.de\",\"role\":\"member\"}");
    const char *id = reply_text(bob, "id");
    visit(self, "POST /v1/invitations", "{\"email\":\"b@example.de\",\"role\":\"member\"}");
    visit_id(self, "POST /v1/invitations/{id}/resend", id, NULL);
    visit_id(self, "POST /v1/invitations/{id}/link", id, NULL);
    visit_id(self, "GET /v1/invitations/{id}", id, NULL);
    visit(self, "GET /v1/invitations", NULL);
    visit_id(self, "POST /v1/invitations/{id}/revoke", id, NULL);
    visit_id(self, "POST /v1/invitations/{id}/revoke", id, NULL);
    visit(self, "POST /v1/invitations/lookup", "{\"token\":null}");
    visit(self, "POST /v1/invitations/accept", "{\"token\":\"x\"}");
    visit(self, "POST /v1/password-resets", "{\"email\":\"nobody@example.de\"}");
    visit(self, "POST /v1/password-resets", "{}");
    visit(self, "GET /v1/password-resets", NULL);
    visit(self, "POST /v1/password-resets/lookup", "{\"token\":\"x\"}");
    visit(self, "POST /v1/password-resets/redeem", "{}");
    visit_id(
        self, "POST /v1/password-resets/{id}/link", "rst_00000000000070008000000000000000", NULL);
    visit_id(
        self, "POST /v1/members/{id}/reset-link", "mem_00000000000070008000000000000000", NULL);
}

static void visit_settings(Fixture *self)
{
    static const char whole[] =
        "{\"settings\":{\"host\":\"mail.example.de\",\"from_email\":\"shop@example.de\","
        "\"password\":\"secret\",\"quota\":{\"per_day\":9}}}";
    visit(self, "GET /v1/smtp", NULL);
    visit(self, "PATCH /v1/smtp/draft", "{}");
    reply_free(ask_member(
        self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", "{\"host\":\"mail.example.de\"}"));
    reply_free(ask_member(self, "PATCH /v1/smtp/draft", "If-Match: \"77\"\r\n", "{}"));
    reply_free(ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", "{\"port\":22}"));
    reply_free(ask_member(self, "DELETE /v1/smtp/draft", "If-Match: *\r\n", NULL));
    visit(self, "POST /v1/smtp/verifications", NULL);
    visit(self, "POST /v1/smtp/test-emails", "{\"to\":\"a@example.org\"}");
    g_autoptr(Reply) started = ask_member(self, "POST /v1/smtp/verifications", "", whole);
    visit_id(self, "GET /v1/smtp/verifications/{id}", reply_text(started, "id"), NULL);
    visit_id(self, "DELETE /v1/smtp/verifications/{id}", reply_text(started, "id"), NULL);
    visit(self, "GET /v1/smtp", NULL);
    run(self, activate_draft);
    visit(self, "PUT /v1/smtp/sending", "{\"enabled\":true}");
    visit(self, "PUT /v1/smtp/sending", "{\"enabled\":7}");
    visit(self, "GET /v1/smtp/presets", NULL);
    visit(self, "POST /v1/diagnoses", "{\"text\":\"550 5.1.1 user unknown\"}");
    visit(self, "POST /v1/diagnoses", "{\"text\":7}");
    visit(self, "GET /v1/smtp/discovery?email=anna@gmx.de", NULL);
    visit(self, "GET /v1/smtp/discovery?email=info@firma.example", NULL);
    visit(self, "GET /v1/smtp/discovery?email=nobody", NULL);
    visit(self, "GET /v1/smtp", NULL);
}

static void visit_oauth(Fixture *self)
{
    static const char redeem[] = "POST /v1/smtp/oauth/authorizations/redeem";
    static const char account[] =
        "{\"host\":\"smtp.office365.com\",\"auth\":\"oauth2\",\"oauth\":{\"provider\":"
        "\"microsoft\","
        "\"grant\":\"refresh_token\",\"tenant\":\"example.com\",\"client_id\":\"absender\","
        "\"client_secret\":\"secret\",\"client_secret_ends_at\":\"2027-01-01T00:00:00Z\"}}";
    visit(self, "POST /v1/smtp/oauth/authorizations", NULL); /* a password is what counts */
    reply_free(ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", account));
    reply_free(ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n",
        "{\"oauth\":{\"token_url\":\"https://login.example.com/\"}}"));
    g_autoptr(Reply) begun = ask_member(self, "POST /v1/smtp/oauth/authorizations", "", NULL);
    assert_reply(begun, 201, NULL);
    const char *url = reply_text(begun, "url"), *state = strstr(url, "&state=");
    g_autofree char *denied = g_strdup_printf(
        "{\"state\":\"%.43s\",\"error\":\"access_denied\"}", state + strlen("&state="));
    visit(self, redeem, denied);
    visit(self, redeem, "{\"state\":\"x\",\"code\":\"y\"}");
    visit(self, redeem, "{}");
    visit(self, "POST /v1/smtp/oauth/devices", NULL); /* nobody answers */
    visit(self, "POST /v1/smtp/oauth/devices/oau_00000000000070008000000000000000/poll", NULL);
    reply_free(ask_member(
        self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", "{\"oauth\":{\"client_id\":\"b\"}}"));
    reply_free(ask_member(self, "DELETE /v1/smtp/draft", "If-Match: *\r\n", NULL));
}

static void visit_bulk(Fixture *self, const char *id)
{
    g_autofree char *body = g_strdup_printf(
        "{\"action\":\"retry\",\"ids\":[\"%s\",\"em_00000000000070008000000000000000\"]}", id);
    visit(self, "POST /v1/emails/bulk", body);
    visit(self, "POST /v1/emails/bulk", "{\"action\":\"retry\",\"ids\":[\"x\"]}");
}

static void visit_emails(Fixture *self)
{
    static const char mail[] = "{\"to\":[\"B <b@example.org>\"],\"subject\":\"s\",\"text\":\"t\","
                               "\"tags\":[{\"name\":\"a\",\"value\":\"b\"}]}";
    g_autoptr(Reply) sent = ask_member(self, "POST /v1/emails", "Idempotency-Key: k\r\n", mail);
    assert_reply(sent, 200, NULL);
    run(self, defer);
    reply_free(ask_member(self, "POST /v1/emails", "Idempotency-Key: k\r\n", mail));
    reply_free(ask_member(self, "POST /v1/emails", "Idempotency-Key: k\r\n",
        "{\"to\":\"c@example.org\",\"subject\":\"s\",\"text\":\"t\"}"));
    reply_free(
        ask_member(self, "POST /v1/emails", "Accept: application/problem+json\r\n", "{\"to\":1}"));
    visit(self, "POST /v1/emails", "{\"subject\":7,\"path\":1}");
    visit(self, "POST /v1/emails", "[");
    g_autofree char *batch = g_strdup_printf("[%s,%s]", mail, mail);
    reply_free(ask_member(self, "POST /v1/emails/batch", "Idempotency-Key: b\r\n", batch));
    reply_free(ask_member(self, "POST /v1/emails/batch", "Idempotency-Key: b\r\n", batch));
    reply_free(ask_member(self, "POST /v1/emails/batch", "Idempotency-Key: b\r\n", "[]"));
    visit(self, "POST /v1/emails/batch", "[{}]");
    visit(self, "POST /v1/emails/batch", "{}");
    reply_free(ask(self, "POST /v1/emails/batch", "", batch));
    visit(self, "GET /v1/emails?limit=1", NULL);
    visit(self, "GET /v1/emails?state=nowhere", NULL);
    visit_id(self, "GET /v1/emails/{id}", reply_text(sent, "id"), NULL);
    visit_id(self, "GET /v1/emails/{id}/explanation", reply_text(sent, "id"), NULL);
    visit_id(self, "POST /v1/emails/{id}/retry", reply_text(sent, "id"), NULL);
    visit_id(self, "POST /v1/emails/{id}/retry", reply_text(sent, "id"), NULL);
    visit_id(self, "PATCH /v1/emails/{id}", reply_text(sent, "id"), "{\"scheduled_at\":null}");
    visit_id(self, "PATCH /v1/emails/{id}", reply_text(sent, "id"), "{}");
    visit_bulk(self, reply_text(sent, "id"));
    visit(self, "GET /v1/smtp/sending/preview", NULL);
    visit(self, "PUT /v1/smtp/sending", "{\"enabled\":true,\"cancel_classes\":[\"bulk\"]}");
    visit(self, "PUT /v1/smtp/sending", "{\"enabled\":true,\"cancel_classes\":[\"all\"]}");
    visit_id(self, "POST /v1/emails/{id}/cancel", reply_text(sent, "id"), NULL);
    visit_id(self, "POST /v1/emails/{id}/cancel", reply_text(sent, "id"), NULL);
    visit_id(self, "GET /v1/emails/{id}", "em_00000000000070008000000000000000", NULL);
    visit(self, "POST /v1/smtp/test-emails", "{\"to\":\"a@example.org\"}");
    reply_free(ask(self, "POST /v1/emails", "", mail));
}

static gboolean add_test_mail(Db *db, gpointer data, GError **error)
{
    g_autoptr(Secret) token = secret_new("known", 5);
    WallMs now = clock_wall_ms();
    TestMail mail = {.org_id = STORE_DEFAULT_ORG,
        .email_id = id_fresh(now),
        .recipient = (char *)"a@example.org",
        .sent_at = now};
    people_hash(token, mail.token_hash);
    return test_mail_add(db, &mail, error);
}

static void visit_history(Fixture *self)
{
    g_autoptr(Reply) list = ask_member(self, "GET /v1/smtp/history", "", NULL);
    assert_string_not_equal(reply_text(list, "data.0.id"), "");
    visit_id(self, "POST /v1/smtp/history/{id}/restore", reply_text(list, "data.0.id"), NULL);
    visit_id(
        self, "POST /v1/smtp/history/{id}/restore", "cfg_00000000000070008000000000000000", NULL);
    visit(self, "GET /v1/smtp/activity", NULL);
    visit(self, "GET /v1/smtp", NULL); /* with a test mail, a failure and an acceptance */
    run(self, add_test_mail);
    reply_free(
        ask(self, "POST /v1/test-arrivals", "", "{\"token\":\"known\",\"folder\":\"spam\"}"));
    visit(self, "GET /v1/smtp", NULL); /* its email's record is not there */
    reply_free(ask(self, "POST /v1/test-arrivals", "", "{\"token\":\"x\",\"folder\":\"inbox\"}"));
    reply_free(ask(self, "POST /v1/test-arrivals", "", "{}"));
    reply_free(ask(self, "GET /v1/smtp/history", "", NULL));
}

static void visit_the_rest(Fixture *self)
{
    visit(self, "GET /v1/sandbox", NULL);
    visit(self, "GET /v1/sandbox/messages", NULL);
    visit(self, "DELETE /v1/sandbox/messages", NULL);
    visit(self, "GET /livez", NULL);
    visit(self, "GET /readyz", NULL);
    visit(self, "GET /metrics", NULL);
    visit(self, "DELETE /v1/sessions/current", NULL);
    visit(self, "GET /v1/smtp", NULL);
}

static void real_answers_are_as_described(void **state)
{
    Fixture *self = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *judge =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "test/unit/api/judge_openapi.py", NULL);
    g_autofree char *document =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "doc/openapi.json", NULL);
    self->record = g_string_new(NULL);
    visit_people(self);
    visit_links(self);
    visit_settings(self);
    visit_oauth(self);
    visit_emails(self);
    visit_history(self);
    visit_the_rest(self);

    g_autoptr(GSubprocess) process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "python3", judge, document, NULL);
    assert_null(error);
    assert_true(
        g_subprocess_communicate_utf8(process, self->record->str, NULL, NULL, NULL, &error));
    assert_int_equal(g_subprocess_get_exit_status(process), 0);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described_and_nothing_else),
        cmocka_unit_test_setup_teardown(the_version_is_the_programs, start_fixture, stop_fixture),
        cmocka_unit_test_setup_teardown(
            real_answers_are_as_described, start_signed_up, stop_fixture),
    };
    return cmocka_run_group_tests(tests, read_contract, free_contract);
}
