/* POST /v1/smtp/test-emails sends one; POST /v1/test-arrivals is what its link leads to: whoever
 * holds the mail says that it has arrived, without signing in. */
#include "api/accept_email.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/system_mail.h"

#include "base/limits.h"
#include "store/smtp_settings.h"
#include "store/test_mails.h"

#include <string.h>

/* --- Sending --------------------------------------------------------------------------------- */

/* Ten an hour; the times of the last ones are kept. */
static gboolean take_test_slot(struct api *api, MonoMs now, MonoMs *wait_ms)
{
    g_mutex_lock(&api->test_mutex);
    gint64 *oldest;
    while ((oldest = g_queue_peek_head(&api->test_emails)) && *oldest <= now - CLOCK_HOUR_MS)
        g_free(g_queue_pop_head(&api->test_emails));
    gboolean is_free = g_queue_get_length(&api->test_emails) < LIMIT_TEST_EMAILS_PER_HOUR;
    if (is_free)
        g_queue_push_tail(&api->test_emails, g_memdup2(&now, sizeof now));
    else
        *wait_ms = *oldest + CLOCK_HOUR_MS - now;
    g_mutex_unlock(&api->test_mutex);
    return is_free;
}

static HttpAnswer *must_wait(ApiCall *call, const char *code, MonoMs wait_ms)
{
    const Problem problem = {.code = code, .retry_after_s = (guint)(wait_ms / CLOCK_SECOND_MS) + 1};
    return call_problem_full(call, &problem);
}

static char *read_test_recipient(ApiCall *call, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    char *to = NULL;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        to = g_strdup(json_object_take_text(&object, "to"));
        g_autoptr(GError) error = NULL;
        g_autoptr(MimeAddress) address = to ? mime_address_parse(to, &error) : NULL;
        if (!to)
            json_object_fault(&object, "to", "required", "A recipient is required.");
        else if (!address)
            json_object_fault(&object, "to", "invalid_address", error->message);
    }
    json_decref(body);
    if (faults.list->len == 0)
        return to;
    *problem = call_faults(call, &faults);
    g_free(to);
    return NULL;
}

/* NULL with *problem unless a test mail can go out now. */
static SmtpState *read_ready_state(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!state)
        *problem = call_error(call, error);
    else if (!state->active)
        *problem = call_problem(call, "not_configured", NULL);
    else if (state->health ==
             HEALTH_CREDENTIAL_FAULT) /* it would only send the refused password again */
        *problem = call_problem(call, "credential_fault", NULL);
    return *problem ? NULL : g_steal_pointer(&state);
}

/* In the organisation's words, or ours. NULL with an error. */
static EmailNew *fill_test_mail(
    ApiCall *call, const char *to, const SmtpState *state, const char *link, GError **error)
{
    const SmtpSettings *settings = state->active;
    const SystemMail system_mail = {.template = "test_mail",
        .class = EMAIL_CLASS_TRANSACTIONAL,
        .to = to,
        .language = call->language,
        .org_id = call->caller.org_id,
        .member_row = call->caller.member_row};
    g_autofree char *server =
        g_strdup_printf("%s, Port %u", settings->host, settings_port(settings));
    gboolean is_implicit = settings_security(settings) == TLS_MODE_IMPLICIT;
    const char *const values[] = {"link", link, "server", server, "security",
        is_implicit ? "SSL/TLS" : "STARTTLS", "sender", settings->from_email, NULL};
    Db *db = store_reader_take(call->api->store);
    EmailNew *email = system_mail_write(call->api, db, &system_mail, values, state, error);
    store_reader_give(call->api->store, db);
    return email;
}

/* The mail with its link; the token's hash goes into *mail. NULL with an error. */
static EmailNew *write_test_mail(
    ApiCall *call, const char *to, const SmtpState *state, TestMail *mail, GError **error)
{
    g_autoptr(Secret) token = people_random_make();
    people_hash(token, mail->token_hash);
    g_autofree char *url = public_url_dup(call->api);
    char *link = g_strconcat(url, "/#/arrived/", secret_reveal(token, NULL), NULL);
    EmailNew *email = fill_test_mail(call, to, state, link, error);
    secret_wipe(link, strlen(link));
    g_free(link);
    if (!email)
        return NULL;
    email->is_test = TRUE;
    mail->org_id = call->caller.org_id;
    mail->email_id = email->id;
    mail->config_version = state->config_version;
    mail->recipient = g_strdup(to);
    mail->sent_at = email->created_at;
    return email;
}

static gboolean remember_job(Db *db, gpointer data, GError **error)
{
    return test_mail_add(db, data, error);
}

static void forget(gpointer data)
{
    test_mail_free(data);
}

HttpAnswer *route_test_email(ApiCall *call)
{
    HttpAnswer *problem = accept_email_replay(call, 202);
    if (problem)
        return problem;
    g_autofree char *to = read_test_recipient(call, &problem);
    g_autoptr(SmtpState) state = to ? read_ready_state(call, &problem) : NULL;
    if (!state)
        return problem;
    MonoMs wait_ms = 0;
    if (!take_test_slot(call->api, clock_mono_ms(), &wait_ms))
        return must_wait(call, "too_many_test_emails", wait_ms);

    g_autoptr(GError) error = NULL;
    g_autoptr(TestMail) mail = g_new0(TestMail, 1);
    EmailNew *email = write_test_mail(call, to, state, mail, &error);
    if (!email)
        return call_error(call, error);
    call_audit(call, "smtp.test_mail", to, NULL);
    const AcceptBeside beside = {remember_job, g_steal_pointer(&mail), forget};
    return accept_email_submit_beside(
        call, email, smtp_state_gate(state, clock_wall_ms()), 202, &beside);
}

/* --- Arrival --------------------------------------------------------------------------------- */

typedef struct {
    guint8 token_hash[TEST_MAIL_HASH_BYTES];
    TestMailFolder folder;
    TestMail *mail; /* afterwards */
    char *org_name; /* of its organisation, as mails call it */
    const struct api *api;
} Arrival;

static void arrival_free(gpointer data)
{
    Arrival *arrival = data;
    g_clear_pointer(&arrival->mail, test_mail_free);
    g_free(arrival->org_name);
    g_free(arrival);
}

static gboolean arrival_job(Db *db, gpointer data, GError **error)
{
    Arrival *arrival = data;
    arrival->mail =
        test_mail_arrive(db, arrival->token_hash, arrival->folder, clock_wall_ms(), error);
    if (!arrival->mail)
        return FALSE;
    g_autoptr(SmtpState) state = smtp_state_read(db, arrival->mail->org_id, error);
    if (!state)
        return FALSE;
    arrival->org_name = system_mail_org_name(arrival->api, db, arrival->mail->org_id, state);
    return TRUE;
}

static HttpAnswer *arrival_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Arrival *arrival = data;
    if (error)
        return call_error(call, error);
    const TestMail *mail = arrival->mail;
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("test_arrival"));
    json_object_set_new(json, "arrived_after_s",
        json_integer((mail->arrived_at - mail->sent_at) / CLOCK_SECOND_MS));
    json_object_set_new(json, "folder", json_text(test_mail_folder_name(mail->folder)));
    json_object_set_new(json, "org_name", json_text(arrival->org_name));
    return call_json(call, 200, json);
}

static void read_arrival(Arrival *arrival, json_t *body, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *token = json_object_take_text(&object, "token");
    const char *folder = json_object_take_text(&object, "folder");
    if (!token)
        json_object_fault(&object, "token", "required", NULL);
    if (!folder)
        json_object_fault(&object, "folder", "required", NULL);
    else if (!test_mail_folder_parse(folder, &arrival->folder))
        json_object_fault(&object, "folder", "unknown_value", NULL);
    g_autoptr(Secret) secret = secret_new(token, token ? strlen(token) : 0);
    people_hash(secret, arrival->token_hash);
}

/* NULL: some test mail has this token. Strangers' guesses end at a reader, which leaves the one
 * writer to the mail. */
static HttpAnswer *refuse_guess(ApiCall *call, const Arrival *arrival)
{
    Guesses *guesses = call->api->arrival_guesses;
    MonoMs wait_ms = guesses_take(guesses, NULL, call->client, clock_mono_ms());
    if (wait_ms > 0)
        return must_wait(call, "too_many_attempts", wait_ms);
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    gboolean is_known = test_mail_is_known(db, arrival->token_hash, &error);
    store_reader_give(call->api->store, db);
    if (!is_known)
        return call_error(call, error);
    guesses_note_success(guesses, NULL, call->client, clock_mono_ms());
    return NULL;
}

HttpAnswer *route_test_arrival(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Arrival *arrival = g_new0(Arrival, 1);
    arrival->api = call->api;
    read_arrival(arrival, body, &faults);
    json_decref(body);
    problem = faults.list->len > 0 ? call_faults(call, &faults) : refuse_guess(call, arrival);
    if (!problem)
        return call_submit(call, arrival_job, arrival, arrival_finish, arrival_free);
    arrival_free(arrival);
    return problem;
}
