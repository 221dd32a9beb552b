#include "fixture.h"

#include "base/secret.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

#define WHOLE                                                                            \
    "{\"host\":\"mail.example.de\",\"port\":587,\"security\":\"starttls\",\"username\":" \
    "\"anna\",\"password\":\"top-secret-canary\",\"from_email\":\"shop@example.de\"}"

static void patch_whole(Fixture *self)
{
    g_autoptr(Reply) reply = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", WHOLE);
    assert_reply(reply, 200, NULL);
}

static void a_new_org_has_nothing_and_is_paused(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "setup"), "not_configured");
    assert_string_equal(reply_text(reply, "missing.0"), "host");
    assert_true(json_is_false(reply_at(reply, "sending.enabled")));
    assert_string_equal(reply_text(reply, "sending.reason"), "initial");
    assert_string_equal(reply_text(reply, "health.state"), "unknown");
    static const char *const nulls[] = {"active", "draft", "last_verification", "sending_with"};
    for (gsize i = 0; i < G_N_ELEMENTS(nulls); i++)
        assert_true(json_is_null(reply_at(reply, nulls[i])));
    static const char *const waiting[] = {
        "held", "queued", "deferred", "sending", "scheduled", "uncertain"};
    for (gsize i = 0; i < G_N_ELEMENTS(waiting); i++)
        assert_true(json_is_integer(json_object_get(reply_at(reply, "waiting"), waiting[i])));
    g_autofree char *etag = reply_header(reply, "ETag");
    g_autofree char *expected = g_strdup_printf(
        "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(reply_at(reply, "revision")));
    assert_string_equal(etag, expected);
}

static void the_draft_needs_the_right_revision(void **state)
{
    Fixture *self = *state;
    static const char body[] = "{\"host\":\"mail.example.de\"}";
    g_autoptr(Reply) none = ask_member(self, "PATCH /v1/smtp/draft", "", body);
    assert_reply(none, 428, "precondition_required");
    g_autoptr(Reply) wrong =
        ask_member(self, "PATCH /v1/smtp/draft", "If-Match: \"12345\"\r\n", body);
    assert_reply(wrong, 412, "precondition_failed");
    g_autoptr(Reply) garbled = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: 0\r\n", body);
    assert_reply(garbled, 412, "precondition_failed");

    g_autoptr(Reply) before = ask_member(self, "GET /v1/smtp", "", NULL);
    g_autofree char *etag = reply_header(before, "ETag");
    g_autofree char *match = g_strdup_printf("If-Match: %s\r\n", etag);
    g_autoptr(Reply) right = ask_member(self, "PATCH /v1/smtp/draft", match, body);
    assert_reply(right, 200, NULL);
    assert_string_equal(reply_text(right, "setup"), "incomplete");
    assert_string_equal(reply_text(right, "draft.host"), "mail.example.de");
    assert_true(json_is_false(reply_at(right, "password_dropped")));
    g_autoptr(Reply) stale = ask_member(self, "PATCH /v1/smtp/draft", match, body);
    assert_reply(stale, 412, "precondition_failed");

    g_autoptr(Reply) unmatched = ask_member(self, "DELETE /v1/smtp/draft", "", NULL);
    assert_reply(unmatched, 428, "precondition_required");
    g_autoptr(Reply) gone = ask_member(self, "DELETE /v1/smtp/draft", "If-Match: *\r\n", NULL);
    assert_reply(gone, 200, NULL);
    assert_true(json_is_null(reply_at(gone, "draft")));
    assert_string_equal(reply_text(gone, "setup"), "not_configured");
}

static void every_wrong_field_is_named(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *body, *pointer, *code;
    } cases[] = {
        {"{\"port\":22}", "/port", "port_not_allowed"},
        {"{\"port\":\"587\"}", "/port", "wrong_type"},
        {"{\"port\":587.5}", "/port", "wrong_type"},
        {"{\"security\":\"none\"}", "/security", NULL},
        {"{\"tls\":\"off\"}", "/tls", "unknown_field"},
        {"{\"org_id\":2}", "/org_id", "unknown_field"},
        {"{\"from_email\":\"nobody\"}", "/from_email", "invalid_address"},
        {"{\"from_name\":\"a\\r\\nBcc: x\"}", "/from_name", "control_character"},
        {"{\"username\":\"a\\nb\"}", "/username", "control_character"},
        {"{\"quota\":{\"per_year\":1}}", "/quota/per_year", "unknown_field"},
        {"{\"quota\":{\"per_day\":-1}}", "/quota/per_day", "out_of_range"},
        {"{\"max_connections\":21}", "/max_connections", "out_of_range"},
        {"{\"auth\":\"ntlm\"}", "/auth", "unknown_value"},
        {"{\"password\":{\"set\":true}}", "/password", "wrong_type"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply =
            ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", cases[i].body);
        assert_reply(reply, 422, cases[i].code);
        assert_string_equal(reply_text(reply, "errors.0.pointer"), cases[i].pointer);
    }
    g_autoptr(Reply) after = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_true(json_is_null(reply_at(after, "draft")));
}

static void no_answer_holds_the_password(void **state)
{
    Fixture *self = *state;
    patch_whole(self);
    g_autoptr(Reply) status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_true(json_is_true(reply_at(status, "draft.password.set")));
    assert_true(json_is_string(reply_at(status, "draft.password.set_at")));
    g_autoptr(Reply) started =
        ask_member(self, "POST /v1/smtp/verifications", "", "{\"settings\":" WHOLE "}");
    assert_reply(started, 202, NULL);
    g_autofree char *line =
        g_strdup_printf("GET /v1/smtp/verifications/%s", reply_text(started, "id"));
    g_autoptr(Reply) run = ask_member(self, line, "", NULL);
    assert_reply(run, 200, NULL);
    const Reply *const replies[] = {status, started, run};
    for (gsize i = 0; i < G_N_ELEMENTS(replies); i++)
        assert_null(strstr(replies[i]->body, "canary"));
    /* Nor does its length show: the object says set and since when. */
    assert_int_equal(json_object_size(reply_at(status, "draft.password")), 2);
}

/* Threat T1 over REST: every non-empty set of the four facts a password belongs to, with a blank
 * password, through both doors. */
static void a_kept_password_never_follows_to_another_server(void **state)
{
    Fixture *self = *state;
    static const char *const changes[] = {"\"host\":\"evil.example\"", "\"port\":465",
        "\"security\":\"implicit\"", "\"username\":\"eve\""};
    static const char *const blanks[] = {"", ",\"password\":\"\"", ",\"password\":null"};
    for (guint set = 1; set < 16; set++) {
        GString *fields = g_string_new(NULL);
        for (guint i = 0; i < 4; i++) {
            if (set & (1u << i))
                g_string_append_printf(fields, "%s%s", fields->len ? "," : "", changes[i]);
        }
        g_string_append(fields, blanks[set % 3]);
        g_autofree char *patch = g_strdup_printf("{%s}", fields->str);
        g_autofree char *start = g_strdup_printf("{\"settings\":{%s}}", fields->str);
        g_string_free(fields, TRUE);

        patch_whole(self);
        g_autoptr(Reply) verified = ask_member(self, "POST /v1/smtp/verifications", "", start);
        assert_reply(verified, 422, "password_required");
        assert_string_equal(reply_text(verified, "errors.0.pointer"), "/settings/password");

        patch_whole(self);
        g_autoptr(Reply) patched =
            ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", patch);
        assert_reply(patched, 200, NULL);
        assert_true(json_is_true(reply_at(patched, "password_dropped")));
        assert_true(json_is_false(reply_at(patched, "draft.password.set")));
        g_autoptr(Reply) blank = ask_member(self, "POST /v1/smtp/verifications", "", "{}");
        assert_reply(blank, 422, NULL);
    }
}

static void a_blank_password_stays_with_its_server(void **state)
{
    Fixture *self = *state;
    patch_whole(self);
    g_autoptr(Reply) patched = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n",
        "{\"from_name\":\"Müller GmbH\",\"password\":\"\"}");
    assert_reply(patched, 200, NULL);
    assert_true(json_is_false(reply_at(patched, "password_dropped")));
    assert_true(json_is_true(reply_at(patched, "draft.password.set")));
    g_autoptr(Reply) started = ask_member(self, "POST /v1/smtp/verifications", "", NULL);
    assert_reply(started, 202, NULL);
}

static void an_incomplete_draft_names_what_is_missing(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply = ask_member(
        self, "POST /v1/smtp/verifications", "", "{\"settings\":{\"host\":\"mail.example.de\"}}");
    assert_reply(reply, 422, "incomplete");
    assert_string_equal(reply_text(reply, "errors.0.pointer"), "/settings/from_email");
    assert_string_equal(reply_text(reply, "errors.1.pointer"), "/settings/password");
    g_autoptr(Reply) status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(status, "setup"), "incomplete");
    assert_string_equal(reply_text(status, "draft.host"), "mail.example.de");
}

static void a_verification_shows_its_ladder_from_the_start(void **state)
{
    Fixture *self = *state;
    patch_whole(self);
    g_autoptr(Reply) started = ask_member(self, "POST /v1/smtp/verifications", "",
        "{\"probe_recipient\":\"probe@example.de\",\"activate\":false}");
    assert_reply(started, 202, NULL);
    assert_string_equal(reply_text(started, "state"), "running");
    g_autofree char *location = reply_header(started, "Location");
    g_autofree char *line = g_strdup_printf("GET %s", location);
    g_autoptr(Reply) run = ask_member(self, line, "", NULL);
    assert_reply(run, 200, NULL);
    static const char *const names[] = {"dns", "connect", "greeting", "ehlo", "starttls", "tls",
        "certificate", "auth", "sender", "recipient"};
    assert_int_equal(json_array_size(reply_at(run, "phases")), G_N_ELEMENTS(names));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strdup_printf("phases.%u.name", i);
        assert_string_equal(reply_text(run, path), names[i]);
    }
    assert_string_equal(reply_text(run, "settings.username"), "anna");
    assert_true(json_is_false(reply_at(run, "activate")));
    assert_true(json_is_null(reply_at(run, "diagnosis")));
    g_autoptr(Reply) status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(status, "setup"), "verifying");
    assert_string_equal(reply_text(status, "last_verification.id"), reply_text(started, "id"));

    g_autoptr(Reply) unknown = ask_member(
        self, "GET /v1/smtp/verifications/ver_00000000000070008000000000000000", "", NULL);
    assert_reply(unknown, 404, "not_found");
}

/* What the courier does after a run: here it is played. */
typedef struct {
    Vault *vault;
    Id id;
    gboolean is_refused;
} Ending;

static gboolean end_run(Db *db, gpointer data, GError **error)
{
    const Ending *ending = data;
    g_autoptr(Verification) run = verification_get(db, STORE_DEFAULT_ORG, &ending->id, error);
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    run->finished_at = clock_wall_ms();
    if (!ending->is_refused) {
        run->state = VERIFICATION_PASSED;
        run->activated = TRUE;
        return smtp_activate(
                   db, STORE_DEFAULT_ORG, state->draft, run->revision, clock_wall_ms(), error) &&
               verification_write(db, run, error);
    }
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
    g_autoptr(Secret) password =
        settings_unseal_password(state->draft, ending->vault, STORE_DEFAULT_ORG, error);
    vault_fingerprint(ending->vault, LOGIN_GUARD_PURPOSE, password, fingerprint);
    run->state = VERIFICATION_FAILED;
    run->diagnosis = g_strdup("auth_failed_exim");
    run->diagnosis_phase = g_strdup("auth");
    run->reply_code = 535;
    run->reply_text = g_strdup("5.7.8 no");
    return verification_write(db, run, error) &&
           login_guard_record_failure(db, STORE_DEFAULT_ORG, run->host, run->username, fingerprint,
               clock_wall_ms(), error);
}

static void end_verification(Fixture *self, const char *id, gboolean is_refused)
{
    g_autoptr(GError) error = NULL;
    Ending ending = {.vault = self->vault, .is_refused = is_refused};
    assert_true(id_parse(id, "ver", &ending.id));
    store_run(self->store, end_run, &ending, &error);
    assert_null(error);
}

static void a_refused_password_is_not_tried_twice(void **state)
{
    Fixture *self = *state;
    static const char start[] = "{\"settings\":" WHOLE "}";
    g_autoptr(Reply) first = ask_member(self, "POST /v1/smtp/verifications", "", start);
    assert_reply(first, 202, NULL);
    end_verification(self, reply_text(first, "id"), TRUE);
    g_autoptr(Reply) status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(status, "setup"), "failed");
    g_autoptr(Reply) second = ask_member(self, "POST /v1/smtp/verifications", "", start);
    assert_reply(second, 409, "same_password_refused");
    g_autoptr(Reply) other = ask_member(
        self, "POST /v1/smtp/verifications", "", "{\"settings\":{\"password\":\"another one\"}}");
    assert_reply(other, 202, NULL);
}

static void verified_settings_become_active_and_seed_the_next_draft(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) started =
        ask_member(self, "POST /v1/smtp/verifications", "", "{\"settings\":" WHOLE "}");
    assert_reply(started, 202, NULL);
    end_verification(self, reply_text(started, "id"), FALSE);
    g_autoptr(Reply) status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(status, "setup"), "complete");
    assert_string_equal(reply_text(status, "sending_with.host"), "mail.example.de");
    assert_true(json_is_null(reply_at(status, "draft")));

    g_autoptr(Reply) patched =
        ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", "{\"from_name\":\"Shop\"}");
    assert_reply(patched, 200, NULL);
    assert_string_equal(reply_text(patched, "draft.host"), "mail.example.de");
    assert_true(json_is_true(reply_at(patched, "draft.password.set")));
    assert_true(json_is_null(reply_at(patched, "active.from_name")));
}

static void the_switch_remembers_who_and_why(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) reply = ask_member(self, "PUT /v1/smtp/sending", "",
        "{\"enabled\":false,\"reason\":\"Umzug\",\"until\":\"2099-01-01T00:00:00Z\"}");
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "sending.reason"), "Umzug");
    assert_string_equal(reply_text(reply, "sending.changed_by"), EMAIL);
    assert_string_equal(reply_text(reply, "sending.until"), "2099-01-01T00:00:00.000Z");
    static const char *const bad[] = {"{}", "{\"enabled\":\"yes\"}",
        "{\"enabled\":false,\"until\":\"2001-01-01T00:00:00Z\"}",
        "{\"enabled\":true,\"until\":\"2099-01-01T00:00:00Z\"}",
        "{\"enabled\":false,\"reason\":\"a\\nb\"}"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Reply) refused = ask_member(self, "PUT /v1/smtp/sending", "", bad[i]);
        assert_reply(refused, 422, NULL);
    }
}

static void presets_speak_the_readers_language(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) de = ask_member(self, "GET /v1/smtp/presets", "Accept-Language: de\r\n", NULL);
    g_autoptr(Reply) en = ask_member(self, "GET /v1/smtp/presets", "Accept-Language: en\r\n", NULL);
    assert_reply(de, 200, NULL);
    assert_true(json_array_size(reply_at(de, "data")) > 5);
    assert_string_not_equal(
        reply_text(de, "data.0.password.where"), reply_text(en, "data.0.password.where"));
    assert_true(json_is_integer(reply_at(de, "data.0.endpoints.0.port")));
}

/* --- Events ---------------------------------------------------------------------------------- */

/* Reads until the text holds `needle`, ten seconds at most: a heartbeat is no answer. */
static void read_until(GSocketConnection *connection, GString *text, const char *needle)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    char buffer[4096];
    MonoMs deadline = clock_mono_ms() + 10 * CLOCK_SECOND_MS;
    while (!strstr(text->str, needle)) {
        if (clock_mono_ms() > deadline)
            fail_msg("no \"%s\" in: %s", needle, text->str);
        gssize n = g_input_stream_read(in, buffer, sizeof buffer, NULL, NULL);
        if (n <= 0)
            fail_msg("ended before \"%s\": %s", needle, text->str);
        g_string_append_len(text, buffer, n);
    }
}

static GSocketConnection *open_events(const Fixture *self, GString *text)
{
    GSocketConnection *connection = connect_tcp(self);
    g_autofree char *request =
        g_strdup_printf("GET /v1/smtp/events?language=de HTTP/1.1\r\nHost: localhost\r\n"
                        "Cookie: absender_session=%s\r\n\r\n",
            self->cookie);
    send_bytes(connection, request, strlen(request));
    read_until(connection, text, "event: status");
    read_until(connection, text, "\n\n");
    return connection;
}

static void events_begin_with_a_snapshot_and_go_on(void **state)
{
    Fixture *self = *state;
    GString *text = g_string_new(NULL);
    GSocketConnection *events = open_events(self, text);
    assert_non_null(strstr(text->str, "Content-Type: text/event-stream"));
    const char *retry = strstr(text->str, "retry: 2000");
    assert_true(retry && retry < strstr(text->str, "event: status"));
    read_until(events, text, "\"setup\":\"not_configured\"");

    g_autoptr(Reply) started =
        ask_member(self, "POST /v1/smtp/verifications", "", "{\"settings\":" WHOLE "}");
    assert_reply(started, 202, NULL);
    read_until(events, text, "event: phase");
    read_until(events, text, "\"setup\":\"verifying\"");
    end_verification(self, reply_text(started, "id"), TRUE);
    read_until(events, text, "\"setup\":\"failed\"");
    read_until(events, text, "\"id\":\"auth_failed_exim\"");
    assert_null(strstr(text->str, "canary"));

    g_autoptr(Reply) paused = ask_member(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
    assert_reply(paused, 200, NULL);
    read_until(events, text, "event: sending");
    g_autoptr(Reply) sent = ask_control(self, "POST /v1/emails",
        "{\"from\":\"a@example.de\",\"to\":\"b@example.de\",\"subject\":\"s\",\"text\":\"t\"}");
    assert_reply(sent, 200, NULL);
    read_until(events, text, "event: email");
    read_until(events, text, reply_text(sent, "id"));
    g_object_unref(events);
    g_string_free(text, TRUE);
}

static void a_stream_ends_with_its_session(void **state)
{
    Fixture *self = *state;
    GString *text = g_string_new(NULL);
    GSocketConnection *events = open_events(self, text);
    g_autoptr(Reply) out = ask_member(self, "DELETE /v1/sessions/current", "", NULL);
    assert_reply(out, 200, NULL);
    read_until(events, text, "\r\n0\r\n"); /* the last chunk */
    g_object_unref(events);
    g_string_free(text, TRUE);
}

static void the_sixth_stream_closes_the_first(void **state)
{
    Fixture *self = *state;
    GSocketConnection *events[6];
    GString *texts[6];
    for (guint i = 0; i < 6; i++) {
        texts[i] = g_string_new(NULL);
        events[i] = open_events(self, texts[i]);
    }
    read_until(events[0], texts[0], "\r\n0\r\n");
    g_autoptr(Reply) paused = ask_member(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
    assert_reply(paused, 200, NULL);
    for (guint i = 1; i < 6; i++)
        read_until(events[i], texts[i], "event: sending");
    for (guint i = 0; i < 6; i++) {
        g_object_unref(events[i]);
        g_string_free(texts[i], TRUE);
    }
}

static void stopping_ends_open_streams(void **state)
{
    Fixture *self = *state;
    GString *text = g_string_new(NULL);
    GSocketConnection *events = open_events(self, text);
    api_stop(self->api);
    char buffer[4096];
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(events));
    gssize n;
    while ((n = g_input_stream_read(in, buffer, sizeof buffer, NULL, NULL)) > 0)
        continue;
    assert_true(n <= 0);
    assert_int_not_equal(g_access(self->control, 0), 0);
    g_object_unref(events);
    g_string_free(text, TRUE);
}

#define SIGNED_UP(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SIGNED_UP(a_new_org_has_nothing_and_is_paused),
        SIGNED_UP(the_draft_needs_the_right_revision),
        SIGNED_UP(every_wrong_field_is_named),
        SIGNED_UP(no_answer_holds_the_password),
        SIGNED_UP(a_kept_password_never_follows_to_another_server),
        SIGNED_UP(a_blank_password_stays_with_its_server),
        SIGNED_UP(an_incomplete_draft_names_what_is_missing),
        SIGNED_UP(a_verification_shows_its_ladder_from_the_start),
        SIGNED_UP(a_refused_password_is_not_tried_twice),
        SIGNED_UP(verified_settings_become_active_and_seed_the_next_draft),
        SIGNED_UP(the_switch_remembers_who_and_why),
        SIGNED_UP(presets_speak_the_readers_language),
        SIGNED_UP(events_begin_with_a_snapshot_and_go_on),
        SIGNED_UP(a_stream_ends_with_its_session),
        SIGNED_UP(the_sixth_stream_closes_the_first),
        SIGNED_UP(stopping_ends_open_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
