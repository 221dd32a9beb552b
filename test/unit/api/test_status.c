/* What the settings page shows once everything is set up: earlier settings, test mails and their
 * arrival, the day's mail, dates, hints; and limits that are changed without a verification. */
#include "fixture.h"

#include "api/personal_sender.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/activity.h"
#include "store/emails.h"
#include "store/history.h"
#include "store/smtp_settings.h"
#include "store/test_mails.h"
#include "store/verifications.h"

#define ORG STORE_DEFAULT_ORG

/* --- The world ------------------------------------------------------------------------------- */

static gboolean activate_draft(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, error);
    return smtp_activate(db, ORG, state->draft, state->revision, clock_wall_ms(), error);
}

static void run(Fixture *self, StoreJob job, gpointer data)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, job, data, &error);
    assert_null(error);
}

/* A verification that passed is what a test without a courier cannot have: its end is written. */
static void activate(Fixture *self, const char *host)
{
    g_autofree char *body =
        g_strdup_printf("{\"host\":\"%s\",\"username\":\"anna\",\"password\":\"canary-%s\","
                        "\"from_email\":\"shop@example.de\",\"from_name\":\"Laden & Co\"}",
            host, host);
    g_autoptr(Reply) draft = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", body);
    assert_reply(draft, 200, NULL);
    run(self, activate_draft, NULL);
}

static Reply *patch(Fixture *self, const char *body)
{
    return ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n", body);
}

static Reply *status_of(Fixture *self)
{
    Reply *status = ask_member(self, "GET /v1/smtp", "", NULL);
    assert_reply(status, 200, NULL);
    return status;
}

/* --- Limits ---------------------------------------------------------------------------------- */

static void an_edited_quota_counts_at_once_and_leaves_the_setup_complete(void **state)
{
    Fixture *self = *state;
    activate(self, "mail.example.de");
    g_autoptr(Reply) before = status_of(self);
    g_autoptr(Reply) after = patch(self, "{\"quota\":{\"per_hour\":50},\"window\":4}");
    assert_reply(after, 200, NULL);
    assert_string_equal(reply_text(after, "setup"), "complete");
    assert_true(json_is_null(reply_at(after, "draft")));
    assert_int_equal(json_integer_value(reply_at(after, "active.quota.per_hour")), 50);
    assert_int_equal(json_integer_value(reply_at(after, "active.window")), 4);
    assert_int_equal(json_integer_value(reply_at(after, "quota.per_hour.limit")), 50);
    assert_true(json_is_true(reply_at(after, "active.password.set")));
    assert_string_equal(
        reply_text(after, "sending_with.since"), reply_text(before, "sending_with.since"));
    assert_true(json_integer_value(reply_at(after, "revision")) >
                json_integer_value(reply_at(before, "revision")));
}

static void every_other_change_waits_for_a_verification(void **state)
{
    static const char *const changes[] = {"\"host\":\"other.example.de\"", "\"port\":465",
        "\"security\":\"implicit\"", "\"username\":\"eve\"", "\"password\":\"another\"",
        "\"from_email\":\"eve@example.de\"", "\"from_name\":\"Eve\"",
        "\"ehlo_name\":\"eve.example.de\""};
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        activate(self, "mail.example.de");
        g_autofree char *body = g_strdup_printf("{\"quota\":{\"per_day\":7},%s}", changes[i]);
        g_autoptr(Reply) after = patch(self, body);
        assert_reply(after, 200, NULL);
        if (!json_is_object(reply_at(after, "draft")))
            fail_msg("%s made no draft", changes[i]);
        assert_true(json_is_null(reply_at(after, "active.quota.per_day")));
        assert_int_equal(json_integer_value(reply_at(after, "draft.quota.per_day")), 7);
        assert_string_equal(reply_text(after, "setup"), "incomplete");
        reply_free(ask_member(self, "DELETE /v1/smtp/draft", "If-Match: *\r\n", NULL));
    }
}

static void limits_beside_a_waiting_draft_belong_to_the_draft(void **state)
{
    Fixture *self = *state;
    activate(self, "mail.example.de");
    reply_free(patch(self, "{\"host\":\"other.example.de\"}"));
    g_autoptr(Reply) after = patch(self, "{\"quota\":{\"per_day\":7}}");
    assert_true(json_is_null(reply_at(after, "active.quota.per_day")));
    assert_int_equal(json_integer_value(reply_at(after, "draft.quota.per_day")), 7);
}

static void wrong_limits_change_nothing(void **state)
{
    Fixture *self = *state;
    activate(self, "mail.example.de");
    g_autoptr(Reply) refused = patch(self, "{\"quota\":{\"per_day\":7},\"window\":0}");
    assert_reply(refused, 422, "out_of_range");
    g_autoptr(Reply) stale = ask_member(
        self, "PATCH /v1/smtp/draft", "If-Match: \"99\"\r\n", "{\"quota\":{\"per_day\":7}}");
    assert_reply(stale, 412, "precondition_failed");
    g_autoptr(Reply) after = status_of(self);
    assert_true(json_is_null(reply_at(after, "quota")));
}

/* --- Hints ----------------------------------------------------------------------------------- */

static void a_new_org_has_nothing_to_show(void **state)
{
    g_autoptr(Reply) status = status_of(*state);
    static const char *const nulls[] = {
        "last_test", "last_accepted_at", "last_failure", "quota_proposal"};
    for (gsize i = 0; i < G_N_ELEMENTS(nulls); i++)
        assert_true(json_is_null(reply_at(status, nulls[i])));
    assert_int_equal(json_array_size(reply_at(status, "dates")), 0);
    assert_true(json_is_false(reply_at(status, "is_personal_sender")));
}

static void a_quota_is_proposed_and_never_set_by_itself(void **state)
{
    Fixture *self = *state;
    const Provider *ionos = provider_by_id(self->providers, "ionos");
    assert_true(ionos->quota.per_hour > 0);
    activate(self, "smtp.ionos.de");
    g_autoptr(Reply) before = status_of(self);
    assert_true(json_is_null(reply_at(before, "quota")));
    assert_string_equal(reply_text(before, "quota_proposal.preset"), "ionos");
    assert_int_equal(json_integer_value(reply_at(before, "quota_proposal.per_hour")),
        (gint64)ionos->quota.per_hour);
    g_autoptr(Reply) after = patch(self, "{\"quota\":{\"per_day\":5}}");
    assert_true(json_is_null(reply_at(after, "quota_proposal")));
    activate(self, "mail.unknown.example");
    g_autoptr(Reply) unknown = status_of(self);
    assert_true(json_is_null(reply_at(unknown, "quota_proposal")));
}

static gint64 connections_after(Fixture *self, const char *body)
{
    g_autoptr(Reply) reply = patch(self, body);
    return json_integer_value(reply_at(reply, "draft.max_connections"));
}

static void connections_follow_the_server_until_somebody_chooses(void **state)
{
    Fixture *self = *state;
    assert_int_equal(connections_after(self, "{\"host\":\"smtp.strato.de\"}"), 1);
    assert_int_equal(connections_after(self, "{\"port\":587}"), 1);
    assert_int_equal(connections_after(self, "{\"host\":\"smtp.office365.com\"}"), 3);
    assert_int_equal(connections_after(self, "{\"host\":\"mail.example.de\"}"), 4);
    assert_int_equal(connections_after(self, "{\"max_connections\":7}"), 7);
    assert_int_equal(connections_after(self, "{\"host\":\"smtp.strato.de\"}"), 7);
    assert_int_equal(connections_after(self, "{\"max_connections\":null}"), 1);
    g_autoptr(Reply) none = patch(self, "{\"max_connections\":0}");
    assert_reply(none, 422, "out_of_range");
}

static void the_connections_are_proposed_with_the_quota(void **state)
{
    Fixture *self = *state;
    activate(self, "smtp.office365.com");
    g_autoptr(Reply) status = status_of(self);
    assert_int_equal(json_integer_value(reply_at(status, "quota_proposal.max_connections")), 3);
    activate(self, "smtp.gmail.com");
    g_autoptr(Reply) gmail = status_of(self);
    assert_true(json_is_null(reply_at(gmail, "quota_proposal.max_connections")));
    activate(self, "smtp.mail.yahoo.com"); /* one source only: nothing to hold mail by */
    g_autoptr(Reply) yahoo = status_of(self);
    assert_true(json_is_null(reply_at(yahoo, "quota_proposal")));
}

static gboolean write_run(Db *db, gpointer data, GError **error)
{
    g_autoptr(Verification) passed = verification_new();
    WallMs now = clock_wall_ms();
    passed->org_id = ORG;
    passed->id = id_fresh(now);
    passed->state = VERIFICATION_PASSED;
    passed->activated = TRUE;
    passed->started_at = now;
    passed->certificate_not_after = now + *(const gint64 *)data;
    return verification_write(db, passed, error);
}

static gboolean is_ahead(const char *day)
{
    g_autofree char *noon = g_strconcat(day, "T12:00:00Z", NULL);
    WallMs at = 0;
    assert_true(clock_parse_rfc3339(noon, &at));
    return at > clock_wall_ms();
}

/* What it ends, and what else it has announced: a day is told once. */
static guint count_announced(const Provider *provider)
{
    guint n = 0;
    for (guint i = 0; i < provider->n_ends; i++)
        n += is_ahead(provider->ends[i].at) ? 1 : 0;
    for (guint i = 0; i < provider->n_notices; i++) {
        gboolean is_end = FALSE;
        for (guint k = 0; k < provider->n_ends; k++)
            is_end = is_end || strcmp(provider->ends[k].at, provider->notices[i].date) == 0;
        n += !is_end && is_ahead(provider->notices[i].date) ? 1 : 0;
    }
    return n;
}

static void dates_ahead_are_told_in_order(void **state)
{
    Fixture *self = *state;
    gint64 after = CLOCK_HOUR_MS;
    activate(self, "smtp.office365.com");
    guint notices = count_announced(provider_by_host(self->providers, "smtp.office365.com"));
    g_autoptr(Reply) before = status_of(self);
    assert_int_equal(json_array_size(reply_at(before, "dates")), notices);
    run(self, write_run, &after);
    g_autoptr(Reply) status = status_of(self);
    assert_int_equal(json_array_size(reply_at(status, "dates")), notices + 1);
    assert_string_equal(reply_text(status, "dates.0.code"), "certificate");
    assert_string_not_equal(reply_text(status, "dates.0.text"), "");
    assert_string_equal(reply_text(status, "dates.0.name"), "smtp.office365.com");
    assert_int_equal(json_integer_value(reply_at(status, "dates.0.reminder")), 1);
    for (guint i = 1; i <= notices; i++) {
        g_autofree char *code = g_strdup_printf("dates.%u.code", i);
        assert_string_equal(reply_text(status, code), "provider");
    }
    after = -CLOCK_HOUR_MS; /* it is over: the server must have another one by now */
    run(self, write_run, &after);
    g_autoptr(Reply) later = status_of(self);
    assert_int_equal(json_array_size(reply_at(later, "dates")), notices);
}

static void personal_senders_are_told_from_functions(void **state)
{
    static const struct {
        const char *address;
        gboolean is_personal;
    } cases[] = {
        {"anna.meier@example.de", TRUE},
        {"a.meier@example.de", TRUE},
        {"anna_meier@example.de", TRUE},
        {"anna-lena.meier@example.de", TRUE},
        {"Anna.Meier@Example.de", TRUE},
        {"jörg.müller@example.de", TRUE},
        {"anna.meier+shop@example.de", TRUE},
        {"thomas@example.de", TRUE},
        {"noreply@example.de", FALSE},
        {"no-reply@example.de", FALSE},
        {"do.not.reply@example.de", FALSE},
        {"info@example.de", FALSE},
        {"it@example.de", FALSE},
        {"it.support@example.de", FALSE},
        {"system@example.de", FALSE},
        {"shop@example.de", FALSE},
        {"verein.nord@example.de", FALSE},
        {"kasse+anna.meier@example.de", FALSE},
        {"mueller@example.de", FALSE}, /* a family, a firm or a person: in doubt, no */
        {"j.w@example.de", FALSE},
        {"a1.b2@example.de", FALSE},
        {"a.b.c.meier@example.de", FALSE},
        {".meier@example.de", FALSE},
        {"@example.de", FALSE},
        {"anna.meier", FALSE},
        {"", FALSE},
        {NULL, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (sender_is_personal(cases[i].address) != cases[i].is_personal)
            fail_msg("%s", cases[i].address ? cases[i].address : "(none)");
    }
}

static void nobody_is_advised_against_the_only_address_to_be_had(void **state)
{
    static const struct {
        const char *address;
        gboolean could_be_another;
    } cases[] = {
        {"anna.meier@example.de", TRUE},
        {"anna.meier@gmail.com", FALSE},
        {"juergen.gross@t-online.de", FALSE},
        {"anna.meier@GMX.de", FALSE},
        {"anna.meier@web.de", FALSE},
        {"anna.meier@posteo.de", FALSE},
        {"anna.meier@ionos.de", TRUE}, /* whose mailboxes are at domains of one's own */
        {"info@example.de", FALSE},
        {"anna.meier", FALSE},
        {NULL, FALSE},
    };
    const ProviderList *providers = ((Fixture *)*state)->providers;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (sender_could_be_another(providers, cases[i].address) != cases[i].could_be_another)
            fail_msg("%s", cases[i].address ? cases[i].address : "(none)");
    }
}

/* --- History --------------------------------------------------------------------------------- */

static void earlier_settings_are_listed_without_their_secrets(void **state)
{
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    g_autoptr(Reply) list = ask_member(self, "GET /v1/smtp/history", "", NULL);
    assert_reply(list, 200, NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 2);
    assert_string_equal(reply_text(list, "data.0.host"), "two.example.de");
    assert_true(json_is_true(reply_at(list, "data.0.is_active")));
    assert_true(json_is_false(reply_at(list, "data.1.is_active")));
    assert_int_equal(json_integer_value(reply_at(list, "data.1.port")), 587);
    assert_string_equal(reply_text(list, "data.1.security"), "starttls");
    assert_string_equal(reply_text(list, "data.1.username"), "anna");
    assert_null(strstr(list->body, "canary"));
    assert_null(strstr(list->body, "password"));
}

static void an_earlier_version_is_restored_by_a_verification(void **state)
{
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    g_autoptr(Reply) list = ask_member(self, "GET /v1/smtp/history", "", NULL);
    g_autofree char *line =
        g_strdup_printf("POST /v1/smtp/history/%s/restore", reply_text(list, "data.1.id"));
    g_autoptr(Reply) started = ask_member(self, line, "", NULL);
    assert_reply(started, 202, NULL);
    assert_string_equal(reply_text(started, "state"), "running");
    assert_non_null(strstr(started->head, "Location: /v1/smtp/verifications/ver_"));

    g_autoptr(Reply) status = status_of(self);
    assert_string_equal(reply_text(status, "setup"), "verifying");
    assert_string_equal(reply_text(status, "draft.host"), "one.example.de");
    assert_true(json_is_true(reply_at(status, "draft.password.set")));
    assert_string_equal(reply_text(status, "sending_with.host"), "two.example.de");
    assert_string_equal(reply_text(status, "last_verification.id"), reply_text(started, "id"));
    assert_true(json_is_true(reply_at(status, "last_verification.activate")));

    /* The password is the version's own: it opens for that destination. */
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(self->store);
    g_autoptr(SmtpState) read = smtp_state_read(db, ORG, &error);
    store_reader_give(self->store, db);
    g_autoptr(Secret) password = settings_unseal_password(read->draft, self->vault, ORG, &error);
    g_autoptr(Secret) expected = secret_new("canary-one.example.de", 21);
    assert_true(secret_equal(password, expected));

    run(self, activate_draft, NULL);
    g_autoptr(Reply) after = ask_member(self, "GET /v1/smtp/history", "", NULL);
    assert_string_equal(reply_text(after, "data.0.host"), "one.example.de");
    assert_true(json_is_true(reply_at(after, "data.0.is_active")));
    assert_string_equal(reply_text(after, "data.0.activated_by"), EMAIL);
}

static Reply *restore(Fixture *self, const char *id_path)
{
    g_autoptr(Reply) list = ask_member(self, "GET /v1/smtp/history", "", NULL);
    g_autofree char *line =
        g_strdup_printf("POST /v1/smtp/history/%s/restore", reply_text(list, id_path));
    return ask_member(self, line, "", NULL);
}

static gboolean run_sql(Db *db, gpointer sql, GError **error)
{
    return db_exec(db, sql, error);
}

/* Limits are nothing a version proves: a quota set since must not be lifted by going back. */
static void a_restored_version_keeps_the_limits_in_force(void **state)
{
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    reply_free(patch(self, "{\"quota\":{\"per_day\":7},\"window\":3,\"max_connections\":1}"));
    g_autoptr(Reply) started = restore(self, "data.1.id");
    assert_reply(started, 202, NULL);
    g_autoptr(Reply) status = status_of(self);
    assert_string_equal(reply_text(status, "draft.host"), "one.example.de");
    assert_int_equal(json_integer_value(reply_at(status, "draft.quota.per_day")), 7);
    assert_int_equal(json_integer_value(reply_at(status, "draft.window")), 3);
    assert_int_equal(json_integer_value(reply_at(status, "draft.max_connections")), 1);
}

static void a_port_that_is_not_allowed_any_more_is_not_restored(void **state)
{
    static char sql[] = "UPDATE smtp_history SET port = 25 WHERE host = 'one.example.de'";
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    run(self, run_sql, sql);
    g_autoptr(Reply) refused = restore(self, "data.1.id");
    assert_reply(refused, 422, "port_not_allowed");
    g_autoptr(Reply) status = status_of(self);
    assert_true(json_is_null(reply_at(status, "draft")));
}

static void a_restored_password_goes_nowhere_else(void **state)
{
    static const char *const changes[] = {"{\"host\":\"evil.example.de\"}", "{\"port\":2525}",
        "{\"security\":\"implicit\"}", "{\"username\":\"eve\"}"};
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(Reply) started = restore(self, "data.1.id");
        assert_reply(started, 202, NULL);
        g_autoptr(Reply) after = patch(self, changes[i]);
        assert_reply(after, 200, NULL);
        if (!json_is_false(reply_at(after, "draft.password.set")))
            fail_msg("%s keeps the password", changes[i]);
    }
}

static void passwords_that_were_swapped_in_the_database_are_refused(void **state)
{
    static char sql[] = "UPDATE smtp_history SET password_sealed = (SELECT o.password_sealed "
                        "FROM smtp_history o WHERE o.host <> smtp_history.host)";
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    run(self, run_sql, sql);
    g_autoptr(Reply) refused = restore(self, "data.1.id");
    assert_reply(refused, 500, "internal_error");
    assert_null(strstr(refused->body, "canary"));
    g_autoptr(Reply) status = status_of(self);
    assert_true(json_is_null(reply_at(status, "draft")));
    assert_string_equal(reply_text(status, "setup"), "complete");
}

static gboolean refuse_password_of_one(Db *db, gpointer data, GError **error)
{
    const Fixture *self = data;
    g_autoptr(Secret) password = secret_new("canary-one.example.de", 21);
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
    vault_fingerprint(self->vault, LOGIN_GUARD_PURPOSE, password, fingerprint);
    return login_guard_record_failure(
        db, ORG, "one.example.de", "anna", fingerprint, clock_wall_ms(), error);
}

static void a_version_whose_password_was_just_refused_is_not_tried(void **state)
{
    Fixture *self = *state;
    activate(self, "one.example.de");
    activate(self, "two.example.de");
    run(self, refuse_password_of_one, self);
    g_autoptr(Reply) refused = restore(self, "data.1.id");
    assert_reply(refused, 409, "same_password_refused");
}

static void what_was_never_active_cannot_be_restored(void **state)
{
    Fixture *self = *state;
    activate(self, "one.example.de");
    static const char *const lines[] = {
        "POST /v1/smtp/history/cfg_00000000000070008000000000000000/restore",
        "POST /v1/smtp/history/cfg_1/restore", "POST /v1/smtp/history/../restore"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Reply) reply = ask_member(self, lines[i], "", NULL);
        assert_reply(reply, 404, "not_found");
    }
    g_autoptr(Reply) status = status_of(self);
    assert_true(json_is_null(reply_at(status, "draft")));
}

/* --- Test mails ------------------------------------------------------------------------------ */

/* The mail as it is sent, soft line breaks undone. */
static char *stored_text(Fixture *self, const char *id_text)
{
    Id id;
    assert_true(id_parse(id_text, "em", &id));
    Db *db = store_reader_take(self->store);
    g_autoptr(EmailRow) row = emails_get(db, ORG, &id, NULL);
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    EmailDelivery *delivery = NULL;
    GError *fault = NULL;
    emails_deliveries(db, self->vault, ORG, &recipient->recipient_id, 1, &delivery, &fault);
    store_reader_give(self->store, db);
    assert_null(fault);
    gsize n = 0;
    const char *bytes = g_bytes_get_data(delivery->content, &n);
    GString *text = g_string_new_len(bytes, (gssize)n);
    email_delivery_free(delivery);
    g_string_replace(text, "=\r\n", "", 0);
    g_string_replace(text, "=3D", "=", 0);
    return g_string_free(text, FALSE);
}

/* Sends a test mail; the token of its link. */
static char *send_test(Fixture *self, Reply **sent)
{
    *sent = ask_member(self, "POST /v1/smtp/test-emails", "Accept-Language: de\r\n",
        "{\"to\":\"anna@example.org\"}");
    assert_reply(*sent, 202, NULL);
    g_autofree char *text = stored_text(self, reply_text(*sent, "id"));
    const char *link = strstr(text, "/#/arrived/");
    assert_non_null(link);
    link += strlen("/#/arrived/");
    return g_strndup(link, strspn(link, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_"));
}

static Reply *arrive(Fixture *self, const char *token, const char *folder)
{
    g_autofree char *body = g_strdup_printf("{\"token\":\"%s\",\"folder\":\"%s\"}", token, folder);
    return ask(self, "POST /v1/test-arrivals", "", body);
}

static void a_test_mail_has_arrived_when_its_link_says_so(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = NULL;
    activate(self, "mail.example.de");
    g_autofree char *token = send_test(self, &sent);
    assert_int_equal(strlen(token), 43);
    g_autoptr(Reply) before = status_of(self);
    assert_string_equal(reply_text(before, "last_test.email_id"), reply_text(sent, "id"));
    assert_string_equal(reply_text(before, "last_test.to"), "anna@example.org");
    assert_string_equal(reply_text(before, "last_test.state"), "queued");
    assert_true(json_is_true(reply_at(before, "last_test.is_current")));
    assert_true(json_is_null(reply_at(before, "last_test.arrived_at")));
    assert_true(json_is_null(reply_at(before, "last_test.folder")));

    g_autoptr(Reply) arrived = arrive(self, token, "inbox");
    assert_reply(arrived, 200, NULL);
    assert_string_equal(reply_text(arrived, "object"), "test_arrival");
    assert_string_equal(reply_text(arrived, "folder"), "inbox");
    assert_string_equal(reply_text(arrived, "org_name"), "Laden & Co");
    assert_true(json_integer_value(reply_at(arrived, "arrived_after_s")) >= 0);
    g_autoptr(Reply) corrected = arrive(self, token, "spam");
    assert_string_equal(reply_text(corrected, "folder"), "spam");

    g_autoptr(Reply) after = status_of(self);
    assert_string_equal(reply_text(after, "last_test.folder"), "spam");
    assert_true(json_is_string(reply_at(after, "last_test.arrived_at")));
    activate(self, "other.example.de");
    g_autoptr(Reply) later = status_of(self);
    assert_true(json_is_false(reply_at(later, "last_test.is_current")));
}

static void looking_at_the_link_does_not_use_it_up(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = NULL;
    activate(self, "mail.example.de");
    g_autofree char *token = send_test(self, &sent);
    g_autofree char *line = g_strdup_printf("GET /v1/test-arrivals/%s", token);
    g_autoptr(Reply) got = ask(self, line, "", NULL);
    assert_reply(got, 404, NULL);
    g_autoptr(Reply) listed = ask(self, "GET /v1/test-arrivals", "", NULL);
    assert_reply(listed, 405, NULL);
    g_autoptr(Reply) status = status_of(self);
    assert_true(json_is_null(reply_at(status, "last_test.arrived_at")));
    assert_null(strstr(status->body, token));
}

static void an_organisation_without_a_name_is_called_by_the_senders_domain(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) sent = NULL;
    activate(self, "mail.example.de");
    reply_free(patch(self, "{\"from_name\":null}"));
    run(self, activate_draft, NULL);
    g_autofree char *token = send_test(self, &sent);
    g_autoptr(Reply) arrived = arrive(self, token, "inbox");
    assert_string_equal(reply_text(arrived, "org_name"), "example.de");
}

static void wrong_arrivals_change_nothing_and_are_slowed_down(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *code;
    } cases[] = {
        {"{}", 422, "invalid_fields"},
        {"{\"token\":\"x\"}", 422, "required"},
        {"{\"token\":\"x\",\"folder\":\"junk\"}", 422, "unknown_value"},
        {"{\"token\":\"x\",\"folder\":\"inbox\",\"org\":1}", 422, "unknown_field"},
        {"{\"token\":7,\"folder\":\"inbox\"}", 422, NULL},
        {"{\"token\":\"\",\"folder\":\"inbox\"}", 404, "not_found"},
        {"{\"token\":\"x\",\"folder\":\"inbox\"}", 404, "not_found"},
    };
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Reply) reply = ask(self, "POST /v1/test-arrivals", "", cases[i].body);
        assert_reply(reply, cases[i].status, cases[i].code);
    }
    g_autoptr(Reply) foreign = ask(self, "POST /v1/test-arrivals",
        "Origin: https://evil.example\r\n", cases[G_N_ELEMENTS(cases) - 1].body);
    assert_reply(foreign, 403, "csrf");
    int status = 404;
    for (guint i = 0; i < 30 && status == 404; i++) {
        g_autoptr(Reply) reply = arrive(self, "wrong", "inbox");
        status = reply->status;
    }
    assert_int_equal(status, 429);
}

static gboolean wait_job(Db *db, gpointer data, GError **error)
{
    GMutex *mutex = data;
    g_mutex_lock(mutex);
    g_mutex_unlock(mutex);
    return TRUE;
}

static void strangers_links_do_not_wait_for_the_writer(void **state)
{
    Fixture *self = *state;
    GMutex mutex;
    g_mutex_init(&mutex);
    g_mutex_lock(&mutex);
    assert_true(store_submit(self->store, wait_job, &mutex, NULL, NULL, NULL));
    g_autoptr(Reply) wrong = arrive(self, "wrong", "inbox"); /* would never be answered */
    g_mutex_unlock(&mutex);
    assert_reply(wrong, 404, "not_found");
    assert_true(store_run(self->store, wait_job, &mutex, NULL)); /* it is done with the mutex */
    g_mutex_clear(&mutex);
}

static void wrong_links_lock_nobody_out(void **state)
{
    Fixture *self = *state;
    for (guint i = 0; i < 30; i++)
        reply_free(arrive(self, "wrong", "inbox"));
    g_autoptr(Reply) signed_in = ask(
        self, "POST /v1/sessions", "", "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");
    assert_reply(signed_in, 200, NULL);
}

/* --- The day --------------------------------------------------------------------------------- */

static gboolean add_activity(Db *db, gpointer data, GError **error)
{
    ActivityTally tally = {
        .accepted = 3, .deferred = 2, .refused = 1, .diagnosis = "fallback_unknown"};
    g_autoptr(SmtpState) present = smtp_state_read(db, ORG, error);
    tally.config_version = present->config_version;
    return activity_add(db, ORG, &tally, clock_wall_ms(), error);
}

static void the_day_is_shown_by_the_hour(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) idle = ask_member(self, "GET /v1/smtp/activity", "", NULL);
    assert_reply(idle, 200, NULL);
    assert_int_equal(json_array_size(reply_at(idle, "hours")), ACTIVITY_HOURS);
    assert_int_equal(json_integer_value(reply_at(idle, "hours.23.accepted")), 0);
    run(self, add_activity, NULL);
    activate(self, "mail.example.de"); /* forgets the failure of other settings */
    run(self, add_activity, NULL);
    g_autoptr(Reply) sent = NULL;
    g_free(send_test(self, &sent));
    g_autoptr(Reply) busy = ask_member(self, "GET /v1/smtp/activity", "", NULL);
    gint64 accepted =
        json_integer_value(reply_at(busy, "hours.23.accepted")) +
        json_integer_value(reply_at(busy, "hours.22.accepted")); /* the hour may turn */
    assert_int_equal(accepted, 6);
    assert_int_equal(json_integer_value(reply_at(busy, "waiting")), 1);
    g_autoptr(Reply) status = status_of(self);
    assert_true(json_is_string(reply_at(status, "last_accepted_at")));
    assert_true(json_is_string(reply_at(status, "last_failure.at")));
    assert_string_equal(reply_text(status, "last_failure.diagnosis.id"), "fallback_unknown");
}

static void these_routes_need_their_scopes(void **state)
{
    static const char *const lines[] = {"GET /v1/smtp/history", "GET /v1/smtp/activity",
        "POST /v1/smtp/history/cfg_00000000000070008000000000000000/restore"};
    Fixture *self = *state;
    make_token(self, "[\"emails:send\",\"emails:read\"]");
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Reply) anonymous = ask(self, lines[i], "", NULL);
        assert_reply(anonymous, 401, NULL);
        g_autoptr(Reply) other = ask_token(self, lines[i], "", NULL);
        assert_reply(other, 403, "forbidden");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        TEST(an_edited_quota_counts_at_once_and_leaves_the_setup_complete),
        TEST(every_other_change_waits_for_a_verification),
        TEST(limits_beside_a_waiting_draft_belong_to_the_draft),
        TEST(wrong_limits_change_nothing),
        TEST(a_new_org_has_nothing_to_show),
        TEST(a_quota_is_proposed_and_never_set_by_itself),
        TEST(connections_follow_the_server_until_somebody_chooses),
        TEST(the_connections_are_proposed_with_the_quota),
        TEST(dates_ahead_are_told_in_order),
        cmocka_unit_test(personal_senders_are_told_from_functions),
        TEST(nobody_is_advised_against_the_only_address_to_be_had),
        TEST(earlier_settings_are_listed_without_their_secrets),
        TEST(an_earlier_version_is_restored_by_a_verification),
        TEST(a_restored_version_keeps_the_limits_in_force),
        TEST(a_port_that_is_not_allowed_any_more_is_not_restored),
        TEST(a_restored_password_goes_nowhere_else),
        TEST(passwords_that_were_swapped_in_the_database_are_refused),
        TEST(a_version_whose_password_was_just_refused_is_not_tried),
        TEST(what_was_never_active_cannot_be_restored),
        TEST(a_test_mail_has_arrived_when_its_link_says_so),
        TEST(looking_at_the_link_does_not_use_it_up),
        TEST(an_organisation_without_a_name_is_called_by_the_senders_domain),
        TEST(wrong_arrivals_change_nothing_and_are_slowed_down),
        TEST(strangers_links_do_not_wait_for_the_writer),
        TEST(wrong_links_lock_nobody_out),
        TEST(the_day_is_shown_by_the_hour),
        TEST(these_routes_need_their_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
