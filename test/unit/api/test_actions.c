/* What a person does with mail in the outbox, over HTTP. */
#include "fixture.h"

#include "api/routes/routes.h"
#include "api/state.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/emails.h"
#include "store/quota.h"
#include "store/smtp_settings.h"

#define NOBODY "em_00000000000070008000000000000000"

static int start_with_token(void **state)
{
    start_signed_up(state);
    make_token(*state, "[\"emails:send\",\"emails:read\",\"smtp:read\",\"smtp:write\"]");
    return 0;
}

/* more: further members, ",\"class\":\"bulk\"". The id, which the caller frees. */
static char *hand_over(const Fixture *self, const char *more)
{
    g_autofree char *body = g_strdup_printf(
        "{\"from\":\"shop@example.de\",\"to\":\"b@example.org\",\"subject\":\"canary\","
        "\"text\":\"t\"%s}",
        more);
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails", "", body);
    assert_reply(sent, 200, NULL);
    return g_strdup(reply_text(sent, "id"));
}

static char *from_now(WallMs after_ms)
{
    return clock_format_rfc3339(clock_wall_ms() + after_ms);
}

static Reply *ask_id(const Fixture *self, const char *method, const char *id, const char *action,
    const char *headers, const char *body)
{
    g_autofree char *line = g_strdup_printf("%s /v1/emails/%s%s", method, id, action);
    return ask_token(self, line, headers, body);
}

/* --- Attempts as the courier records them ---------------------------------------------------- */

typedef struct {
    Id id;
    EmailState end;
    WallMs next_at;
} Try;

static gboolean try_job(Db *db, gpointer data, GError **error)
{
    const Try *attempt = data;
    g_autoptr(EmailRow) row = emails_get(db, STORE_DEFAULT_ORG, &attempt->id, error);
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    gboolean marked = FALSE;
    GError *fault = NULL;
    const EmailAttempt done = {.recipient_id = recipient->recipient_id,
        .state = attempt->end,
        .at = clock_wall_ms(),
        .next_at = attempt->next_at,
        .counts = TRUE,
        .phase = "rcpt_to",
        .reply_code = attempt->end == EMAIL_REJECTED ? 550 : 451,
        .diagnosis = "fallback_unknown",
        .server = "mail.example.de"};
    return emails_mark_sending(db, STORE_DEFAULT_ORG, &recipient->recipient_id, 1, clock_wall_ms(),
               &marked, error) &&
           emails_record_attempts(db, STORE_DEFAULT_ORG, &done, 1, &fault, error);
}

static void try(const Fixture *self, const char *id, EmailState end, WallMs after_ms)
{
    g_autoptr(GError) error = NULL;
    Try attempt = {.end = end, .next_at = after_ms ? clock_wall_ms() + after_ms : 0};
    assert_true(id_parse(id, "em", &attempt.id));
    store_run(self->store, try_job, &attempt, &error);
    assert_null(error);
}

/* --- Trying again ---------------------------------------------------------------------------- */

static void what_failed_is_retried(void **state)
{
    static const struct {
        EmailState end;
        WallMs after_ms;
        const char *state;
    } rows[] = {
        {EMAIL_REJECTED, 0, "held"},
        {EMAIL_EXPIRED, 0, "held"},
        {EMAIL_DEFERRED, CLOCK_HOUR_MS, "held"},
        {EMAIL_UNCERTAIN, CLOCK_HOUR_MS, "uncertain"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fixture *self = *state;
        g_autofree char *id = hand_over(self, "");
        try(self, id, rows[i].end, rows[i].after_ms);
        g_autoptr(Reply) retried = ask_id(self, "POST", id, "/retry", "", NULL);
        assert_reply(retried, 200, NULL);
        assert_int_equal(json_integer_value(reply_at(retried, "retried")), 1);
        assert_string_equal(reply_text(retried, "state"), rows[i].state);
        assert_string_equal(reply_text(retried, "id"), id);
        gboolean is_uncertain = rows[i].end == EMAIL_UNCERTAIN;
        assert_int_equal(json_is_true(reply_at(retried, "possible_duplicate")), is_uncertain);
        assert_int_equal(
            json_is_true(reply_at(retried, "recipients.0.possible_duplicate")), is_uncertain);
    }
}

static void a_refused_retry_says_why(void **state)
{
    static const struct {
        const char *more;
        guint end; /* EmailState; 0: no attempt */
        const char *code;
    } rows[] = {
        {"", 0, "not_retryable"},
        {"", EMAIL_ACCEPTED, "not_retryable"},
        {",\"delivery\":\"at_most_once\"", EMAIL_UNCERTAIN, "at_most_once"},
        {",\"class\":\"reset\"", EMAIL_REJECTED, "body_erased"},
    };
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *id = hand_over(self, rows[i].more);
        if (rows[i].end)
            try(self, id, (EmailState)rows[i].end, 0);
        g_autoptr(Reply) refused =
            ask_id(self, "POST", id, "/retry", "Accept-Language: de\r\n", NULL);
        assert_reply(refused, 409, rows[i].code);
        assert_string_equal(reply_text(refused, "name"), "application_error");
        /* Nor is it offered. */
        g_autoptr(Reply) why = ask_id(self, "GET", id, "/explanation", "", NULL);
        assert_reply(why, 200, NULL);
        assert_null(strstr(why->body, "\"retry\""));
    }
    g_autoptr(Reply) unknown = ask_id(self, "POST", NOBODY, "/retry", "", NULL);
    assert_reply(unknown, 404, "not_found");
}

static void who_may_only_send_acts_on_their_own_only(void **state)
{
    Fixture *self = *state;
    g_autofree char *others = hand_over(self, "");
    try(self, others, EMAIL_REJECTED, 0);
    make_token(self, "[\"emails:send\"]");
    g_autofree char *own = hand_over(self, "");
    try(self, own, EMAIL_REJECTED, 0);
    g_autoptr(Reply) foreign = ask_id(self, "POST", others, "/retry", "", NULL);
    assert_reply(foreign, 404, "not_found");
    g_autoptr(Reply) patched = ask_id(self, "PATCH", others, "", "", "{\"scheduled_at\":null}");
    assert_reply(patched, 404, "not_found");
    g_autofree char *both =
        g_strdup_printf("{\"action\":\"retry\",\"ids\":[\"%s\",\"%s\"]}", others, own);
    g_autoptr(Reply) bulk = ask_token(self, "POST /v1/emails/bulk", "", both);
    assert_reply(bulk, 200, NULL);
    assert_int_equal(json_integer_value(reply_at(bulk, "done")), 1);
    assert_string_equal(reply_text(bulk, "skipped.0.id"), others);
    assert_string_equal(reply_text(bulk, "skipped.0.code"), "not_found");
    g_autoptr(Reply) found = ask_token(self, "POST /v1/emails/bulk", "",
        "{\"action\":\"retry\",\"filter\":{\"state\":\"rejected\"}}");
    assert_reply(found, 403, "forbidden"); /* it would tell which there are */
    g_autoptr(Reply) count = ask_token(self, "GET /v1/emails/count", "", NULL);
    assert_reply(count, 403, "forbidden");
    g_autoptr(Reply) why = ask_id(self, "GET", own, "/explanation", "", NULL);
    assert_reply(why, 403, "forbidden");
    g_autoptr(Reply) preview = ask_token(self, "GET /v1/smtp/sending/preview", "", NULL);
    assert_reply(preview, 403, "forbidden");
}

/* --- Another time ---------------------------------------------------------------------------- */

static void a_scheduled_email_gets_another_time(void **state)
{
    Fixture *self = *state;
    g_autofree char *tomorrow = from_now(CLOCK_DAY_MS), *later = from_now(2 * CLOCK_DAY_MS);
    g_autofree char *more = g_strdup_printf(",\"scheduled_at\":\"%s\"", tomorrow);
    g_autofree char *body = g_strdup_printf("{\"scheduled_at\":\"%s\"}", later);
    g_autofree char *id = hand_over(self, more);
    for (guint i = 0; i < 2; i++) { /* a repeat changes nothing */
        g_autoptr(Reply) patched = ask_id(self, "PATCH", id, "", "", body);
        assert_reply(patched, 200, NULL);
        assert_string_equal(reply_text(patched, "state"), "scheduled");
        assert_string_equal(reply_text(patched, "scheduled_at"), later);
        assert_string_equal(reply_text(patched, "recipients.0.next_attempt_at"), later);
    }
    g_autoptr(Reply) now = ask_id(self, "PATCH", id, "", "", "{\"scheduled_at\":null}");
    assert_reply(now, 200, NULL);
    assert_string_equal(reply_text(now, "state"), "held");
    assert_true(json_is_null(reply_at(now, "scheduled_at")));
    g_autoptr(Reply) again = ask_id(self, "PATCH", id, "", "", body);
    assert_reply(again, 409, "not_scheduled");
}

static void a_new_time_must_make_sense(void **state)
{
    Fixture *self = *state;
    g_autofree char *tomorrow = from_now(CLOCK_DAY_MS), *expiry = from_now(2 * CLOCK_DAY_MS);
    g_autofree char *more =
        g_strdup_printf(",\"scheduled_at\":\"%s\",\"expires_at\":\"%s\"", tomorrow, expiry);
    g_autofree char *id = hand_over(self, more), *far = from_now(31 * CLOCK_DAY_MS);
    g_autofree char *too_far = g_strdup_printf("{\"scheduled_at\":\"%s\"}", far);
    g_autofree char *too_late = g_strdup_printf("{\"scheduled_at\":\"%s\"}", expiry);
    const struct {
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {"{}", 422, "required"},
        {"{\"scheduled_at\":\"tomorrow\"}", 422, "invalid_time"},
        {"{\"scheduled_at\":7}", 422, "wrong_type"},
        {"{\"scheduled_at\":null,\"subject\":\"s\"}", 422, "unknown_field"},
        {too_far, 422, "out_of_range"},
        {too_late, 409, "past_expiry"},
        {"[", 400, "malformed_json"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) refused = ask_id(self, "PATCH", id, "", "", rows[i].body);
        assert_reply(refused, rows[i].status, rows[i].code);
    }
}

/* --- Many ------------------------------------------------------------------------------------ */

static void a_bulk_action_does_what_it_can_and_names_the_rest(void **state)
{
    Fixture *self = *state;
    GString *ids = g_string_new(NULL);
    char *first = NULL;
    for (guint i = 0; i < 45; i++) { /* more than one job */
        g_autofree char *id = hand_over(self, "");
        g_string_append_printf(ids, "%s\"%s\"", i ? "," : "", id);
        if (i == 0)
            first = g_strdup(id);
    }
    try(self, first, EMAIL_ACCEPTED, 0);
    g_autofree char *cancel =
        g_strdup_printf("{\"action\":\"cancel\",\"ids\":[%s,\"" NOBODY "\"]}", ids->str);
    g_autoptr(Reply) done = ask_token(self, "POST /v1/emails/bulk", "", cancel);
    assert_reply(done, 200, NULL);
    assert_int_equal(json_integer_value(reply_at(done, "done")), 44);
    assert_int_equal(json_array_size(reply_at(done, "skipped")), 2);
    assert_string_equal(reply_text(done, "skipped.0.id"), first);
    assert_string_equal(reply_text(done, "skipped.0.code"), "not_cancellable");
    assert_string_equal(reply_text(done, "skipped.1.code"), "not_found");
    g_autoptr(Reply) repeat = ask_token(self, "POST /v1/emails/bulk", "", cancel);
    assert_int_equal(json_integer_value(reply_at(repeat, "done")), 0);
    g_string_free(ids, TRUE);
    g_free(first);
}

static void what_may_have_arrived_is_retried_in_bulk_only_when_asked_for(void **state)
{
    Fixture *self = *state;
    g_autofree char *lost = hand_over(self, ""), *rejected = hand_over(self, "");
    try(self, lost, EMAIL_UNCERTAIN, CLOCK_HOUR_MS);
    try(self, rejected, EMAIL_REJECTED, 0);
    static const char *const unasked[] = {"", ",\"uncertain\":false", ",\"uncertain\":null"};
    for (gsize i = 0; i < G_N_ELEMENTS(unasked); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"action\":\"retry\",\"ids\":[\"%s\"]%s}", lost, unasked[i]);
        g_autoptr(Reply) skipped = ask_token(self, "POST /v1/emails/bulk", "", body);
        assert_reply(skipped, 200, NULL);
        assert_int_equal(json_integer_value(reply_at(skipped, "done")), 0);
        assert_string_equal(reply_text(skipped, "skipped.0.code"), "may_arrive_twice");
    }
    g_autofree char *both = g_strdup_printf(
        "{\"action\":\"retry\",\"ids\":[\"%s\",\"%s\"],\"uncertain\":true}", lost, rejected);
    g_autoptr(Reply) done = ask_token(self, "POST /v1/emails/bulk", "", both);
    assert_reply(done, 200, NULL);
    assert_int_equal(json_integer_value(reply_at(done, "done")), 2);
}

static gint64 number_at(const Reply *reply, const char *path)
{
    assert_true(json_is_integer(reply_at(reply, path)));
    return json_integer_value(reply_at(reply, path));
}

/* What came in since is left alone, and a page at a time is asked for. */
static void a_bulk_action_reaches_all_that_a_filter_finds(void **state)
{
    Fixture *self = *state;
    enum { N = 12 };
    char *ids[N];
    for (guint i = 0; i < N; i++) {
        ids[i] = hand_over(self, i < 9 ? ",\"class\":\"bulk\"" : "");
        try(self, ids[i], i == 0 ? EMAIL_ACCEPTED : EMAIL_REJECTED, 0);
    }
    g_autoptr(Reply) count =
        ask_token(self, "GET /v1/emails/count?state=rejected&class=bulk", "", NULL);
    assert_int_equal(number_at(count, "count"), 8);
    assert_true(json_is_false(reply_at(count, "has_more")));
    g_autofree char *body = g_strdup_printf("{\"action\":\"retry\",\"filter\":{\"state\":"
                                            "\"rejected\",\"class\":\"bulk\"},\"after\":\"%s\"}",
        ids[5]);
    g_autoptr(Reply) behind = ask_token(self, "POST /v1/emails/bulk", "", body);
    assert_reply(behind, 200, NULL);
    assert_int_equal(number_at(behind, "done"), 4); /* older than number 5, without number 0 */
    assert_true(json_is_null(reply_at(behind, "next")));
    g_autoptr(Reply) rest = ask_token(self, "POST /v1/emails/bulk", "",
        "{\"action\":\"retry\",\"filter\":{\"state\":\"rejected\",\"class\":\"bulk\"}}");
    assert_int_equal(number_at(rest, "done"), 4);
    g_autoptr(Reply) none = ask_token(self, "POST /v1/emails/bulk", "",
        "{\"action\":\"cancel\",\"filter\":{\"state\":\"queued\"}}"); /* they show as held */
    assert_int_equal(number_at(none, "done"), 0);
    g_autoptr(Reply) all = ask_token(self, "POST /v1/emails/bulk", "",
        "{\"action\":\"cancel\",\"filter\":{\"class\":\"bulk\"}}");
    assert_int_equal(number_at(all, "done"), 8);
    assert_string_equal(reply_text(all, "skipped.0.id"), ids[0]);
    for (guint i = 0; i < N; i++)
        g_free(ids[i]);
}

static void a_wrong_bulk_action_is_refused_whole(void **state)
{
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"{\"ids\":[\"" NOBODY "\"]}", "required"},
        {"{\"action\":\"delete\",\"ids\":[\"" NOBODY "\"]}", "unknown_value"},
        {"{\"action\":\"retry\"}", "required"},
        {"{\"action\":\"retry\",\"ids\":[]}", "out_of_range"},
        {"{\"action\":\"retry\",\"ids\":[\"em_1\"]}", "invalid_id"},
        {"{\"action\":\"retry\",\"ids\":[7]}", "invalid_id"},
        {"{\"action\":\"retry\",\"ids\":[\"" NOBODY "\"],\"uncertain\":1}", "wrong_type"},
        {"{\"action\":\"cancel\",\"ids\":[\"" NOBODY "\"],\"uncertain\":true}", "not_allowed"},
        {"{\"action\":\"retry\",\"ids\":[\"" NOBODY "\"],\"filter\":{}}", "not_allowed"},
        {"{\"action\":\"retry\",\"ids\":[\"" NOBODY "\"],\"after\":\"" NOBODY "\"}", "not_allowed"},
        {"{\"action\":\"retry\",\"filter\":{\"state\":\"lost\"}}", "unknown_value"},
        {"{\"action\":\"retry\",\"filter\":{\"class\":\"junk\"}}", "unknown_value"},
        {"{\"action\":\"retry\",\"filter\":{\"colour\":\"red\"}}", "unknown_field"},
        {"{\"action\":\"retry\",\"filter\":{},\"after\":\"em_1\"}", "invalid_id"},
    };
    Fixture *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) refused = ask_token(self, "POST /v1/emails/bulk", "", rows[i].body);
        assert_reply(refused, 422, rows[i].code);
    }
    GString *many = g_string_new("{\"action\":\"retry\",\"ids\":[");
    for (guint i = 0; i <= LIMIT_BULK_IDS; i++)
        g_string_append(many, i ? ",\"" NOBODY "\"" : "\"" NOBODY "\"");
    g_string_append(many, "]}");
    g_autoptr(Reply) too_many = ask_token(self, "POST /v1/emails/bulk", "", many->str);
    assert_reply(too_many, 422, "out_of_range");
    g_string_free(many, TRUE);
}

/* --- Sending --------------------------------------------------------------------------------- */

static void the_preview_counts_by_class_and_resuming_cancels_classes(void **state)
{
    Fixture *self = *state;
    g_autofree char *tomorrow = from_now(CLOCK_DAY_MS);
    g_autofree char *planned =
        g_strdup_printf(",\"class\":\"notification\",\"scheduled_at\":\"%s\"", tomorrow);
    g_free(hand_over(self, ",\"class\":\"bulk\""));
    g_free(hand_over(self, ",\"class\":\"bulk\""));
    g_free(hand_over(self, ",\"class\":\"reset\""));
    g_autofree char *id = hand_over(self, planned);
    g_autoptr(Reply) preview = ask_token(self, "GET /v1/smtp/sending/preview", "", NULL);
    assert_reply(preview, 200, NULL);
    assert_int_equal(number_at(preview, "send.total"), 3);
    assert_int_equal(number_at(preview, "send.bulk"), 2);
    assert_int_equal(number_at(preview, "send.reset"), 1);
    assert_int_equal(number_at(preview, "later.notification"), 1);
    assert_int_equal(number_at(preview, "expire.total"), 0);
    assert_true(json_is_string(reply_at(preview, "oldest_at")));
    assert_true(json_is_null(reply_at(preview, "takes_at_least_s")));

    g_autoptr(Reply) on = ask_token(self, "PUT /v1/smtp/sending", "",
        "{\"enabled\":true,\"cancel_classes\":[\"bulk\",\"notification\",\"bulk\"]}");
    assert_reply(on, 200, NULL);
    assert_int_equal(number_at(on, "cancelled"), 3);
    assert_true(json_is_true(reply_at(on, "sending.enabled")));
    assert_int_equal(number_at(on, "waiting.held"), 1); /* there are no settings yet */
    g_autoptr(Reply) after = ask_token(self, "GET /v1/smtp/sending/preview", "", NULL);
    assert_int_equal(number_at(after, "send.total"), 1);
    assert_int_equal(number_at(after, "later.total"), 0);
    g_autoptr(Reply) one = ask_id(self, "GET", id, "", "", NULL);
    assert_string_equal(reply_text(one, "state"), "cancelled");
    g_autoptr(Reply) plain = ask_token(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
    assert_int_equal(number_at(plain, "cancelled"), 0);
}

static void classes_are_cancelled_only_by_name_and_when_switching_on(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = hand_over(self, ",\"class\":\"bulk\"");
    g_autoptr(Reply) paused = ask_token(
        self, "PUT /v1/smtp/sending", "", "{\"enabled\":false,\"cancel_classes\":[\"bulk\"]}");
    assert_reply(paused, 422, "not_allowed");
    g_autoptr(Reply) unknown = ask_token(
        self, "PUT /v1/smtp/sending", "", "{\"enabled\":true,\"cancel_classes\":[\"junk\"]}");
    assert_reply(unknown, 422, "unknown_value");
    g_autoptr(Reply) number = ask_token(
        self, "PUT /v1/smtp/sending", "", "{\"enabled\":true,\"cancel_classes\":[\"bulk\",5]}");
    assert_reply(number, 422, "unknown_value");
    g_autoptr(Reply) one = ask_id(self, "GET", id, "", "", NULL);
    assert_string_equal(reply_text(one, "state"), "held"); /* nothing was changed */
}

static void long_work_is_done_one_at_a_time(void **state)
{
    Fixture *self = *state;
    static const char cancel[] = "{\"enabled\":true,\"cancel_classes\":[\"bulk\"]}";
    for (gint is_busy = TRUE; is_busy >= FALSE; is_busy--) {
        g_atomic_int_set(&self->api->is_cancelling, is_busy);
        g_atomic_int_set(&self->api->is_checking, is_busy);
        for (guint i = 0; i < 2; i++) { /* it is over afterwards */
            g_autoptr(Reply) put = ask_token(self, "PUT /v1/smtp/sending", "", cancel);
            g_autoptr(Reply) check = ask_member(self, "GET /v1/queue/check", "", NULL);
            assert_reply(put, is_busy ? 503 : 200, is_busy ? "busy" : NULL);
            assert_reply(check, is_busy ? 503 : 200, is_busy ? "busy" : NULL);
        }
        g_autoptr(Reply) plain = ask_token(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
        assert_reply(plain, 200, NULL);
    }
}

static void what_ended_uncertain_waits_for_nothing(void **state)
{
    Fixture *self = *state;
    g_autofree char *once = hand_over(self, ",\"delivery\":\"at_most_once\"");
    g_autofree char *again = hand_over(self, "");
    try(self, once, EMAIL_UNCERTAIN, 0);
    try(self, again, EMAIL_UNCERTAIN, CLOCK_HOUR_MS);
    g_autoptr(Reply) status = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_int_equal(number_at(status, "waiting.uncertain"), 1);
    g_autoptr(Reply) books = ask_member(self, "GET /v1/queue/check", "", NULL);
    assert_int_equal(number_at(books, "waiting"), 1);
    assert_int_equal(number_at(books, "states.uncertain"), 2);
    assert_true(json_is_true(reply_at(books, "balanced")));
    g_autoptr(Reply) preview = ask_token(self, "GET /v1/smtp/sending/preview", "", NULL);
    assert_int_equal(number_at(preview, "later.total"), 1);
}

static void what_exceeds_a_quota_takes_at_least_its_windows(void **state)
{
    static const WallMs now = G_GINT64_CONSTANT(1795283520000);
    static const struct {
        QuotaWindow minute, hour, day;
        gint64 n, seconds;
    } rows[] = {
        {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, 1000000, 0}, {{10, 0, 0}, {0, 0, 0}, {0, 0, 0}, 10, 0},
        {{10, 0, 0}, {0, 0, 0}, {0, 0, 0}, 11, 60}, {{10, 0, 0}, {0, 0, 0}, {0, 0, 0}, 21, 120},
        {{10, 10, now + 7000}, {0, 0, 0}, {0, 0, 0}, 1, 7},
        {{10, 10, now + 7000}, {0, 0, 0}, {0, 0, 0}, 11, 67},
        {{10, 4, 0}, {0, 0, 0}, {0, 0, 0}, 7, 0}, /* whenever the four leave */
        {{10, 0, 0}, {20, 0, 0}, {0, 0, 0}, 21, 3600},
        {{0, 0, 0}, {0, 0, 0}, {5, 9, now + 1500}, 1, 2}, /* the limit was lowered */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const QuotaWindow windows[QUOTA_WINDOWS] = {rows[i].minute, rows[i].hour, rows[i].day};
        assert_int_equal(route_sending_takes_s(windows, rows[i].n, now), rows[i].seconds);
    }
}

/* --- Status and why -------------------------------------------------------------------------- */

static gboolean activate_job(Db *db, gpointer data, GError **error)
{
    Vault *vault = data;
    g_autoptr(Secret) password = secret_new("secret", 6);
    g_autoptr(SmtpSettings) empty = settings_new();
    const SettingsPatch patch = {.present = SETTINGS_HOST | SETTINGS_FROM_EMAIL | SETTINGS_PASSWORD,
        .host = "mail.example.de",
        .from_email = "shop@example.de",
        .password = password};
    const SettingsPorts ports = {NULL, 0};
    GPtrArray *faults = NULL;
    gboolean dropped;
    g_autoptr(SmtpSettings) settings = settings_apply(
        empty, &patch, &ports, vault, STORE_DEFAULT_ORG, clock_wall_ms(), &dropped, &faults);
    settings->quota.per_minute = 3;
    gint64 revision = 0;
    return smtp_draft_write(
               db, STORE_DEFAULT_ORG, settings, -1, clock_wall_ms(), &revision, error) &&
           smtp_activate(db, STORE_DEFAULT_ORG, settings, revision, clock_wall_ms(), error);
}

static gboolean refuse_login_job(Db *db, gpointer data, GError **error)
{
    const WallMs *at = data;
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    return smtp_health_write(db, STORE_DEFAULT_ORG, state->config_version, HEALTH_CREDENTIAL_FAULT,
        "auth_failed_generic", *at, error);
}

static void run(const Fixture *self, StoreJob job, gpointer data)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, job, data, &error);
    assert_null(error);
}

static void the_status_tells_breaker_quota_and_reason(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) fresh = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(fresh, "held_reason"), "not_configured");
    assert_true(json_is_null(reply_at(fresh, "breaker")));
    assert_true(json_is_null(reply_at(fresh, "quota")));
    run(self, activate_job, self->vault);
    g_autoptr(Reply) paused = ask_token(self, "GET /v1/smtp", "", NULL);
    assert_string_equal(reply_text(paused, "held_reason"), "paused");
    assert_int_equal(number_at(paused, "quota.per_minute.limit"), 3);
    assert_int_equal(number_at(paused, "quota.per_minute.used"), 0);
    assert_true(json_is_null(reply_at(paused, "quota.per_minute.free_at")));
    assert_true(json_is_null(reply_at(paused, "quota.per_day")));
    g_autoptr(Reply) on = ask_token(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}");
    assert_true(json_is_null(reply_at(on, "held_reason")));
    WallMs at = clock_wall_ms();
    run(self, refuse_login_job, &at);
    g_autoptr(Reply) fault = ask_token(self, "GET /v1/smtp", "", NULL);
    g_autofree char *since = clock_format_rfc3339(at);
    g_autofree char *next = clock_format_rfc3339(at + LIMIT_CREDENTIAL_RETRY_MS);
    assert_string_equal(reply_text(fault, "held_reason"), "credential_fault");
    assert_string_equal(reply_text(fault, "breaker.since"), since);
    assert_string_equal(reply_text(fault, "breaker.next_try_at"), next);
    assert_int_equal(number_at(fault, "breaker.tries_left"), 1);
    assert_string_equal(reply_text(fault, "breaker.diagnosis.id"), "auth_failed_generic");
}

/* Three a minute: the last of eight goes in two minutes, and a link that is dead by then is not
 * promised for now. */
static void the_preview_names_what_the_quota_lets_through_too_late(void **state)
{
    static const struct {
        const char *class;
        WallMs expires_ms;
    } rows[] = {
        {"reset", 60 * CLOCK_SECOND_MS}, {"bulk", 110 * CLOCK_SECOND_MS}, {"bulk", CLOCK_HOUR_MS}};
    Fixture *self = *state;
    run(self, activate_job, self->vault);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *expires_at = from_now(rows[i].expires_ms);
        g_autofree char *more =
            g_strdup_printf(",\"class\":\"%s\",\"expires_at\":\"%s\"", rows[i].class, expires_at);
        g_free(hand_over(self, more));
    }
    for (guint i = 0; i < 5; i++)
        g_free(hand_over(self, ",\"class\":\"bulk\""));
    g_autoptr(Reply) preview = ask_token(self, "GET /v1/smtp/sending/preview", "", NULL);
    assert_int_equal(number_at(preview, "send.total"), 8);
    assert_int_equal(number_at(preview, "takes_at_least_s"), 120);
    assert_int_equal(number_at(preview, "may_expire.total"), 1);
    assert_int_equal(number_at(preview, "may_expire.bulk"), 1);
    assert_int_equal(number_at(preview, "uncertain.total"), 0);
}

static gboolean send_job(Db *db, gpointer data, GError **error)
{
    const guint *n = data;
    return quota_sent_add(db, STORE_DEFAULT_ORG, clock_wall_ms(), *n, error);
}

/* What came on the stream up to and with `needle`; FALSE if it did not come within a second. */
static gboolean reads(GSocketConnection *connection, const char *needle)
{
    g_autoptr(GString) text = g_string_new(NULL);
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    g_socket_set_timeout(g_socket_connection_get_socket(connection), 1);
    while (!strstr(text->str, needle)) {
        char buffer[4096];
        gssize n = g_input_stream_read(in, buffer, sizeof buffer, NULL, NULL);
        if (n <= 0)
            return FALSE;
        g_string_append_len(text, buffer, n);
    }
    return TRUE;
}

/* Time moves the quota, and no commit tells of it: a job that notes nothing stands for time. */
static void a_heartbeat_tells_of_the_quota_if_it_has_moved(void **state)
{
    Fixture *self = *state;
    guint n = 3;
    run(self, activate_job, self->vault);
    GSocketConnection *events = connect_tcp(self);
    g_autofree char *request = g_strdup_printf(
        "GET /v1/smtp/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
        self->token);
    send_bytes(events, request, strlen(request));
    assert_true(reads(events, "\"used\":0"));
    sse_beat(self->api->sse);
    assert_false(reads(events, "event: status")); /* nothing has moved */
    run(self, send_job, &n);
    sse_beat(self->api->sse);
    assert_true(reads(events, "\"used\":3"));
    g_object_unref(events);
}

static void assert_explained(
    const Fixture *self, const char *id, const char *code, const char *german, const char *english)
{
    g_autoptr(Reply) de = ask_id(self, "GET", id, "/explanation", "Accept-Language: de\r\n", NULL);
    g_autoptr(Reply) en = ask_id(self, "GET", id, "/explanation", "Accept-Language: en\r\n", NULL);
    assert_reply(de, 200, NULL);
    assert_string_equal(reply_text(de, "id"), id);
    assert_string_equal(reply_text(de, "code"), code);
    assert_string_equal(reply_text(en, "code"), code);
    assert_non_null(strstr(reply_text(de, "sentence"), german));
    assert_non_null(strstr(reply_text(en, "sentence"), english));
    assert_null(strstr(de->body, "canary"));
}

static void the_explanation_is_true_for_the_state_and_the_gate(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = hand_over(self, ",\"class\":\"reset\"");
    assert_explained(self, id, "held_not_configured", "SMTP-Einstellungen aktiv", "settings");
    run(self, activate_job, self->vault);
    assert_explained(self, id, "held_paused", "Mailversand pausiert ist", "sending is paused");
    reply_free(ask_token(self, "PUT /v1/smtp/sending", "",
        "{\"enabled\":false,\"until\":\"2099-01-01T00:00:00Z\"}"));
    assert_explained(self, id, "held_paused", "bevor es von selbst", "before sending goes on");
    reply_free(ask_token(self, "PUT /v1/smtp/sending", "", "{\"enabled\":true}"));
    assert_explained(self, id, "waiting_turn", "an der Reihe", "next in line");
    WallMs at = clock_wall_ms();
    run(self, refuse_login_job, &at);
    assert_explained(self, id, "held_credential_fault", "Anmeldung ablehnt", "refuses the login");
    run(self, activate_job, self->vault);
    g_autofree char *other = hand_over(self, "");
    try(self, other, EMAIL_DEFERRED, CLOCK_HOUR_MS);
    assert_explained(self, other, "deferred_refused", "nächste Versuch", "next attempt");
    try(self, other, EMAIL_REJECTED, 0);
    assert_explained(self, other, "rejected", "endgültig abgelehnt", "for good");
    g_autoptr(Reply) unknown = ask_id(self, "GET", NOBODY, "/explanation", "", NULL);
    assert_reply(unknown, 404, "not_found");
}

#define WITH_TOKEN(test) cmocka_unit_test_setup_teardown(test, start_with_token, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        WITH_TOKEN(what_failed_is_retried),
        WITH_TOKEN(a_refused_retry_says_why),
        WITH_TOKEN(who_may_only_send_acts_on_their_own_only),
        WITH_TOKEN(a_scheduled_email_gets_another_time),
        WITH_TOKEN(a_new_time_must_make_sense),
        WITH_TOKEN(a_bulk_action_does_what_it_can_and_names_the_rest),
        WITH_TOKEN(what_may_have_arrived_is_retried_in_bulk_only_when_asked_for),
        WITH_TOKEN(a_bulk_action_reaches_all_that_a_filter_finds),
        WITH_TOKEN(a_wrong_bulk_action_is_refused_whole),
        WITH_TOKEN(the_preview_counts_by_class_and_resuming_cancels_classes),
        WITH_TOKEN(classes_are_cancelled_only_by_name_and_when_switching_on),
        WITH_TOKEN(long_work_is_done_one_at_a_time),
        WITH_TOKEN(what_ended_uncertain_waits_for_nothing),
        cmocka_unit_test(what_exceeds_a_quota_takes_at_least_its_windows),
        WITH_TOKEN(the_status_tells_breaker_quota_and_reason),
        WITH_TOKEN(the_preview_names_what_the_quota_lets_through_too_late),
        WITH_TOKEN(a_heartbeat_tells_of_the_quota_if_it_has_moved),
        WITH_TOKEN(the_explanation_is_true_for_the_state_and_the_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
