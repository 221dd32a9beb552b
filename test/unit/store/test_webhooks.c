/* What is noted for webhooks, what is due, and what becomes of it. */
#include "base/limits.h"
#include "mails.h"
#include "store/store.h"
#include "store/webhooks.h"

static Webhook *make(Scratch *self, guint events)
{
    Webhook *webhook = g_new0(Webhook, 1);
    g_autoptr(Secret) secret = webhook_secret_make();
    webhook->org_id = ORG;
    webhook->id = scratch_id(self, T0);
    webhook->url = g_strdup("https://alerts.example.com/absender");
    webhook->events = events;
    webhook->is_enabled = TRUE;
    webhook->created_at = T0;
    webhook->secret_sealed = webhook_secret_seal(self->vault, ORG, &webhook->id, secret);
    return webhook;
}

static Id add(Scratch *self, guint events)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Webhook) webhook = make(self, events);
    ok(webhook_insert(self->db, webhook, &error), error);
    return webhook->id;
}

static Id add_for(Scratch *self, const char *type)
{
    guint bit = webhook_type_bit(type);
    assert_true(bit != 0);
    return add(self, bit);
}

static Webhook *get(Scratch *self, const Id *id)
{
    g_autoptr(GError) error = NULL;
    Webhook *webhook = webhook_get(self->db, ORG, id, &error);
    ok(webhook, error);
    return webhook;
}

static GPtrArray *due(Scratch *self, const Id *id, WallMs now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Webhook) webhook = get(self, id);
    GPtrArray *all = webhook_due(self->db, webhook->row, now, 100, &error);
    ok(all, error);
    return all;
}

static const WebhookDelivery *at(const GPtrArray *all, guint i)
{
    assert_true(i < all->len);
    return all->pdata[i];
}

static void note(Scratch *self, const char *type, WallMs now)
{
    g_autoptr(GError) error = NULL;
    ok(webhook_note(self->db, ORG, type, "{}", now, &error), error);
}

static gint64 count_events(Scratch *self)
{
    return scratch_number(self, "SELECT COUNT(*) FROM webhook_events");
}

static void record(Scratch *self, const Id *id, const WebhookResult *result, WallMs now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Webhook) webhook = get(self, id);
    gboolean gone = g_strcmp0(result->failure, WEBHOOK_FAILED_GONE) == 0;
    ok(webhook_record(self->db, webhook->row, result, 1, gone, now, &error), error);
}

/* --- Types and secrets ----------------------------------------------------------------------- */

static void every_type_has_a_name_and_a_bit(void **state)
{
    guint n = 0;
    for (guint bit = 1; bit <= webhook_types_all(); bit <<= 1, n++)
        assert_int_equal(webhook_type_bit(webhook_type_name(bit)), bit);
    assert_int_equal(n, 15);
    assert_int_equal(webhook_type_bit("email.opened"), 0);
    assert_int_equal(webhook_type_bit(WEBHOOK_TEST), 0);
    assert_int_equal(webhook_type_bit(NULL), 0);
    assert_null(webhook_type_name(1U << n));
    assert_null(webhook_type_name(0));
}

static void a_secret_opens_only_for_its_webhook(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Webhook) webhook = make(self, 1);
    g_autoptr(Secret) opened = webhook_secret_open(self->vault, webhook, &error);
    ok(opened, error);
    g_autoptr(Secret) text = webhook_secret_text(opened);
    assert_true(g_str_has_prefix(secret_reveal(text, NULL), "whsec_"));
    assert_int_equal(strlen(secret_reveal(text, NULL)), strlen("whsec_") + 44);
    webhook->id = scratch_id(self, T0);
    refused(webhook_secret_open(self->vault, webhook, error_out), ABS_ERROR_SECRET);
}

/* --- What is noted --------------------------------------------------------------------------- */

static void what_nobody_wants_is_not_written(void **state)
{
    Scratch *self = *state;
    gint64 email = mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 1, 100, T0);
    scratch_forget_changes(self);
    mails_end(self, email, 0, EMAIL_ACCEPTED, T0 + 1);
    assert_int_equal(count_events(self), 0);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_WEBHOOKS), 0);
    Id id = add_for(self, "email.rejected");
    email = mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 1, 100, T0);
    mails_end(self, email, 0, EMAIL_ACCEPTED, T0 + 2);
    assert_int_equal(count_events(self), 0);
    g_autoptr(Webhook) webhook = get(self, &id);
    assert_int_equal(webhook->waiting, 0);
}

static void each_end_of_an_email_is_told(void **state)
{
    static const struct {
        EmailState state;
        const char *type;
    } cases[] = {
        {EMAIL_ACCEPTED, "email.accepted"},
        {EMAIL_REJECTED, "email.rejected"},
        {EMAIL_DEFERRED, "email.deferred"},
        {EMAIL_UNCERTAIN, "email.uncertain"},
        {EMAIL_EXPIRED, "email.expired"},
    };
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 email = mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 1, 100, T0);
        mails_end(self, email, 0, cases[i].state, T0 + i);
        g_autoptr(GPtrArray) all = due(self, &id, T0 + i);
        assert_int_equal(all->len, i + 1);
        assert_string_equal(at(all, i)->type, cases[i].type);
        assert_true(at(all, i)->happened_at == T0 + i);
    }
}

static void cancelling_is_told_for_each_recipient(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add_for(self, "email.cancelled");
    gint64 cancelled = 0;
    mails_take(self, EMAIL_CLASS_TRANSACTIONAL, 3, 100, T0);
    Id email;
    {
        g_autoptr(DbQuery) q = db_query(self->db, "SELECT id FROM emails");
        assert_true(db_next(q));
        db_id(q, 0, &email);
    }
    ok(emails_cancel(self->db, ORG, &email, T0 + 1, &cancelled, &error), error);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 1);
    assert_int_equal(all->len, 3);
}

static void a_body_says_what_happened_and_nothing_of_the_content(void **state)
{
    static const EmailClass classes[] = {EMAIL_CLASS_TRANSACTIONAL, EMAIL_CLASS_RESET};
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
        gint64 email = mails_take(self, classes[i], 1, 100, T0);
        mails_end(self, email, 0, EMAIL_REJECTED, T0);
        g_autoptr(GPtrArray) all = due(self, &id, T0);
        const char *body = at(all, i)->body;
        assert_true(g_str_has_prefix(body, "{\"type\":\"email.rejected\",\"timestamp\":\"2026-"));
        assert_non_null(strstr(body, "\"data\":{\"email_id\":\"em_"));
        assert_non_null(strstr(body, "\"recipient\":\"anna0@example.com\""));
        assert_non_null(strstr(body, "\"state\":\"rejected\""));
        assert_non_null(strstr(body, "\"reply_code\":250"));
        assert_non_null(strstr(body, "\"tags\":[]"));
        assert_null(strstr(body, "4711")); /* of the subject */
        assert_null(strstr(body, "xxx"));
        assert_true(g_str_has_suffix(body, "}}"));
    }
}

static void text_is_escaped(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add_for(self, "smtp.sending_resumed");
    ok(smtp_sending_write(
           self->db, ORG, TRUE, "a \"b\" \\ \n\x7f ü", 0, "anna@example.de", T0, &error),
        error);
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    assert_non_null(strstr(
        at(all, 0)->body, "\"reason\":\"a \\\"b\\\" \\\\ \\u000a\\u007f ü\",\"until\":null"));
}

static void only_a_change_of_the_switch_is_told(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    static const gboolean moves[] = {FALSE, TRUE, TRUE, FALSE, FALSE, TRUE}; /* a new org: off */
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < G_N_ELEMENTS(moves); i++)
        ok(smtp_sending_write(self->db, ORG, moves[i], NULL, 0, "anna", T0 + i, &error), error);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 9);
    assert_int_equal(all->len, 3);
    assert_string_equal(at(all, 0)->type, "smtp.sending_resumed");
    assert_string_equal(at(all, 1)->type, "smtp.sending_paused");
    assert_string_equal(at(all, 2)->type, "smtp.sending_resumed");
}

static void health(Scratch *self, Health health, const char *diagnosis, WallMs now)
{
    g_autoptr(GError) error = NULL;
    ok(smtp_health_write(self->db, ORG, 0, health, diagnosis, now, &error), error);
}

static void the_breaker_is_told_when_it_opens_and_closes(void **state)
{
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    health(self, HEALTH_OK, NULL, T0);
    health(self, HEALTH_CREDENTIAL_FAULT, "auth_refused", T0 + 1);
    health(self, HEALTH_CREDENTIAL_FAULT, "auth_refused_again", T0 + 2);
    health(self, HEALTH_DEGRADED, "slow", T0 + 3);
    health(self, HEALTH_OK, NULL, T0 + 4);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 9);
    assert_int_equal(all->len, 2);
    assert_string_equal(at(all, 0)->type, "smtp.breaker_opened");
    assert_non_null(strstr(at(all, 0)->body, "\"diagnosis\":\"auth_refused\""));
    assert_string_equal(at(all, 1)->type, "smtp.breaker_closed");
}

static void an_activation_is_told_and_closes_the_breaker(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = settings_new();
    settings->host = g_strdup("mail.example.de");
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    Id id = add(self, webhook_types_all());
    health(self, HEALTH_CREDENTIAL_FAULT, "auth_refused", T0);
    ok(smtp_activate(self->db, ORG, settings, -1, T0 + 1, &error), error);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 1);
    assert_int_equal(all->len, 3);
    assert_string_equal(at(all, 1)->type, "smtp.breaker_closed");
    assert_string_equal(at(all, 2)->type, "smtp.activated");
    assert_non_null(strstr(at(all, 2)->body, "\"host\":\"mail.example.de\",\"port\":587"));
}

static void a_verification_is_told_when_it_has_passed(void **state)
{
    static const VerificationState states[] = {
        VERIFICATION_RUNNING, VERIFICATION_FAILED, VERIFICATION_CANCELLED, VERIFICATION_PASSED};
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Verification) run = verification_new();
        run->org_id = ORG;
        run->id = scratch_id(self, T0);
        run->state = states[i];
        run->host = g_strdup("mail.example.de");
        run->port = 465;
        run->security = g_strdup("implicit");
        run->username = g_strdup("shop");
        run->from_email = g_strdup("shop@example.de");
        run->started_at = T0;
        run->finished_at = T0;
        ok(verification_write(self->db, run, &error), error);
    }
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    assert_int_equal(all->len, 1);
    assert_string_equal(at(all, 0)->type, "smtp.verified");
}

static void each_webhook_gets_what_it_wants(void **state)
{
    Scratch *self = *state;
    Id one = add_for(self, "date.near"), other = add_for(self, "smtp.verified");
    Id both = add(self, webhook_types_all());
    note(self, "date.near", T0);
    g_autoptr(GPtrArray) of_one = due(self, &one, T0);
    g_autoptr(GPtrArray) of_other = due(self, &other, T0);
    g_autoptr(GPtrArray) of_both = due(self, &both, T0);
    assert_int_equal(of_one->len, 1);
    assert_int_equal(of_other->len, 0);
    assert_int_equal(of_both->len, 1);
    assert_true(id_equal(&at(of_one, 0)->event_id, &at(of_both, 0)->event_id));
    assert_int_equal(count_events(self), 1);
    g_autoptr(GPtrArray) waiting = webhooks_waiting(self->db, NULL);
    assert_int_equal(waiting->len, 2);
    assert_true(((const Webhook *)waiting->pdata[0])->next_at == T0);
    assert_int_equal(((const Webhook *)waiting->pdata[0])->waiting, 0); /* not counted */
}

static void what_is_switched_off_gets_nothing_new(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    g_autoptr(Webhook) webhook = get(self, &id);
    webhook->is_enabled = FALSE;
    ok(webhook_update(self->db, webhook, &error), error);
    note(self, "date.near", T0 + 1);
    g_autoptr(GPtrArray) waiting = webhooks_waiting(self->db, &error);
    ok(waiting, error);
    assert_int_equal(waiting->len, 0);
    webhook->is_enabled = TRUE;
    ok(webhook_update(self->db, webhook, &error), error);
    note(self, "date.near", T0 + 2);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 2);
    assert_int_equal(all->len, 2); /* the first, which had waited, and the last */
}

/* --- Limits ---------------------------------------------------------------------------------- */

static void an_organisation_has_only_so_many(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < LIMIT_WEBHOOKS; i++)
        add(self, 1);
    g_autoptr(Webhook) more = make(self, 1);
    refused(webhook_insert(self->db, more, error_out), ABS_ERROR_LIMIT);
}

static void the_oldest_events_go_when_there_are_too_many(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < 100; i++)
        note(self, "date.near", T0 + i);
    g_autoptr(Webhook) before = get(self, &id);
    assert_null(before->failure);
    /* As if there had been many more: the next but one is number 100,096. */
    ok(db_exec(self->db,
           "INSERT INTO webhook_events (row, org_id, id, type, at, body) "
           "VALUES (100094, 1, randomblob(16), 'date.near', 1, '{}')",
           &error),
        error);
    note(self, "date.near", T0 + 100);
    assert_int_equal(count_events(self), 102);
    note(self, "date.near", T0 + 101);
    assert_int_equal(count_events(self), 103 - 96);
    g_autoptr(Webhook) after = get(self, &id);
    assert_int_equal(after->waiting, 102 - 96);
    assert_string_equal(after->failure, WEBHOOK_FAILED_OVERFLOW);
}

/* --- What becomes of it ---------------------------------------------------------------------- */

static void what_arrived_is_not_due_again(void **state)
{
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    note(self, "date.near", T0 + 1);
    g_autoptr(GPtrArray) all = due(self, &id, T0 + 1);
    const WebhookResult arrived = {
        .row = at(all, 0)->row, .state = WEBHOOK_DELIVERED, .status = 204};
    record(self, &id, &arrived, T0 + 2);
    g_autoptr(GPtrArray) rest = due(self, &id, T0 + 2);
    assert_int_equal(rest->len, 1);
    assert_int_equal(at(rest, 0)->row, at(all, 1)->row);
    g_autoptr(Webhook) webhook = get(self, &id);
    assert_int_equal(webhook->waiting, 1);
    assert_true(webhook->succeeded_at == T0 + 2);
    assert_null(webhook->failure);
}

static void a_failure_stands_until_something_arrives(void **state)
{
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    const WebhookResult failed = {.row = at(all, 0)->row,
        .state = WEBHOOK_WAITING,
        .next_at = T0 + CLOCK_MINUTE_MS,
        .status = 503,
        .failure = WEBHOOK_FAILED_STATUS};
    record(self, &id, &failed, T0 + 1);
    g_autoptr(Webhook) webhook = get(self, &id);
    assert_string_equal(webhook->failure, "status 503");
    assert_true(webhook->failed_at == T0 + 1);
    assert_true(webhook->next_at == T0 + CLOCK_MINUTE_MS);
    g_autoptr(GPtrArray) none = due(self, &id, T0 + 2);
    assert_int_equal(none->len, 0);
    g_autoptr(GPtrArray) again = due(self, &id, T0 + CLOCK_MINUTE_MS);
    assert_int_equal(at(again, 0)->attempts, 1);
    assert_int_equal(at(again, 0)->status, 503);
    assert_string_equal(at(again, 0)->error, "status 503");
    const WebhookResult arrived = {
        .row = at(all, 0)->row, .state = WEBHOOK_DELIVERED, .status = 200};
    record(self, &id, &arrived, T0 + CLOCK_MINUTE_MS);
    g_autoptr(Webhook) after = get(self, &id);
    assert_null(after->failure);
    assert_true(after->failed_at == T0 + 1);
}

static void gone_switches_it_off(void **state)
{
    Scratch *self = *state;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    const WebhookResult gone = {.row = at(all, 0)->row,
        .state = WEBHOOK_GIVEN_UP,
        .status = 410,
        .failure = WEBHOOK_FAILED_GONE};
    record(self, &id, &gone, T0);
    g_autoptr(Webhook) webhook = get(self, &id);
    assert_false(webhook->is_enabled);
    assert_int_equal(webhook->waiting, 0);
    note(self, "date.near", T0 + 1);
    assert_int_equal(count_events(self), 1);
}

static void an_event_can_be_told_again(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all()), other = add(self, webhook_type_bit("smtp.verified"));
    note(self, "date.near", T0);
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    const WebhookDelivery *first = at(all, 0);
    const WebhookResult given_up = {
        .row = first->row, .state = WEBHOOK_GIVEN_UP, .failure = WEBHOOK_FAILED_NO_ANSWER};
    record(self, &id, &given_up, T0);
    WallMs later = T0 + 6 * CLOCK_DAY_MS;
    g_autoptr(WebhookDelivery) again =
        webhook_replay(self->db, ORG, &id, &first->event_id, later, &error);
    ok(again, error);
    assert_int_equal(again->state, WEBHOOK_WAITING);
    assert_int_equal(again->attempts, 0);
    assert_null(again->error);
    assert_true(again->gives_up_at == later + LIMIT_WEBHOOK_LIFETIME_MS);
    refused(webhook_replay(self->db, ORG, &other, &first->event_id, later, error_out),
        ABS_ERROR_NOT_FOUND);
    refused(webhook_replay(self->db, ORG + 1, &id, &first->event_id, later, error_out),
        ABS_ERROR_NOT_FOUND);
}

static void a_test_goes_to_one_webhook_alone(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add_for(self, "smtp.verified"), other = add(self, webhook_types_all());
    g_autoptr(WebhookDelivery) tried = webhook_try(self->db, ORG, &id, T0, &error);
    ok(tried, error);
    assert_string_equal(tried->type, WEBHOOK_TEST);
    g_autoptr(GPtrArray) of_one = due(self, &id, T0);
    g_autoptr(GPtrArray) of_other = due(self, &other, T0);
    assert_int_equal(of_one->len, 1);
    assert_int_equal(of_other->len, 0);
    g_autoptr(Webhook) webhook = get(self, &id);
    webhook->is_enabled = FALSE;
    ok(webhook_update(self->db, webhook, &error), error);
    refused(webhook_try(self->db, ORG, &id, T0, error_out), ABS_ERROR_CONFLICT);
    refused(webhook_try(self->db, ORG + 1, &id, T0, error_out), ABS_ERROR_NOT_FOUND);
}

static void what_a_person_asks_for_goes_before_what_waits(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    note(self, "date.near", T0 + 1);
    WallMs now = T0 + 4 * CLOCK_DAY_MS;
    g_autoptr(GPtrArray) before = due(self, &id, now);
    g_autoptr(WebhookDelivery) again =
        webhook_replay(self->db, ORG, &id, &at(before, 1)->event_id, now, &error);
    ok(again, error);
    assert_true(again->next_at == now);
    g_autoptr(WebhookDelivery) tried = webhook_try(self->db, ORG, &id, now, &error);
    ok(tried, error);
    assert_true(tried->next_at == now);
    g_autoptr(GPtrArray) all = due(self, &id, now);
    assert_int_equal(all->len, 3);
    assert_int_equal(at(all, 0)->row, again->row);
    assert_int_equal(at(all, 1)->row, tried->row);
    assert_int_equal(at(all, 2)->row, at(before, 0)->row);
}

static void the_list_has_pages(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    for (guint i = 0; i < 5; i++)
        note(self, "date.near", T0 + i);
    g_autoptr(Webhook) webhook = get(self, &id);
    gboolean more = FALSE;
    g_autoptr(GPtrArray) newest =
        webhook_deliveries_list(self->db, webhook->row, NULL, NULL, 2, &more, &error);
    ok(newest, error);
    assert_int_equal(newest->len, 2);
    assert_true(more);
    assert_true(at(newest, 0)->happened_at == T0 + 4);
    assert_null(at(newest, 0)->body);
    g_autoptr(GPtrArray) oldest = webhook_deliveries_list(
        self->db, webhook->row, &at(newest, 1)->event_id, NULL, 3, &more, &error);
    ok(oldest, error);
    assert_int_equal(oldest->len, 3);
    assert_false(more);
    assert_true(at(oldest, 2)->happened_at == T0);
    g_autoptr(GPtrArray) back = webhook_deliveries_list(
        self->db, webhook->row, NULL, &at(oldest, 2)->event_id, 2, &more, &error);
    ok(back, error);
    assert_int_equal(back->len, 2);
    assert_true(more);
    assert_true(at(back, 0)->happened_at == T0 + 2);
    assert_true(at(back, 1)->happened_at == T0 + 1);
    g_autoptr(GPtrArray) none =
        webhook_deliveries_list(self->db, webhook->row, &webhook->id, NULL, 2, &more, &error);
    ok(none, error);
    assert_int_equal(none->len, 0);
}

static void what_is_too_old_is_given_up_and_forgotten(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gboolean more = TRUE;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    note(self, "date.near", T0 + CLOCK_DAY_MS);
    ok(webhooks_tidy(self->db, T0 + LIMIT_WEBHOOK_LIFETIME_MS - 1, 10, &more, &error), error);
    g_autoptr(Webhook) before = get(self, &id);
    assert_int_equal(before->waiting, 2);
    assert_false(more);
    ok(webhooks_tidy(self->db, T0 + LIMIT_WEBHOOK_LIFETIME_MS, 1, &more, &error), error);
    g_autoptr(Webhook) after = get(self, &id);
    assert_int_equal(after->waiting, 1);
    assert_true(more); /* as many as it may in one go: there may be others */
    assert_int_equal(count_events(self), 2);
    ok(webhooks_tidy(self->db, T0 + LIMIT_WEBHOOK_KEEP_MS, 10, &more, &error), error);
    assert_int_equal(count_events(self), 1);
}

static void a_removed_webhook_leaves_nothing_waiting(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    refused(webhook_remove(self->db, ORG + 1, &id, error_out), ABS_ERROR_NOT_FOUND);
    ok(webhook_remove(self->db, ORG, &id, &error), error);
    g_autoptr(GPtrArray) waiting = webhooks_waiting(self->db, &error);
    ok(waiting, error);
    assert_int_equal(waiting->len, 0);
    note(self, "date.near", T0 + 1);
    assert_int_equal(count_events(self), 1); /* the one from before */
}

static void a_removed_webhook_is_there_for_nobody(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all());
    g_autoptr(Webhook) webhook = get(self, &id);
    for (guint i = 1; i < LIMIT_WEBHOOKS; i++)
        add(self, 1);
    ok(webhook_remove(self->db, ORG, &id, &error), error);
    refused(webhook_get(self->db, ORG, &id, error_out), ABS_ERROR_NOT_FOUND);
    refused(webhook_update(self->db, webhook, error_out), ABS_ERROR_NOT_FOUND);
    refused(webhook_secret_write(self->db, ORG, &id, webhook->secret_sealed, error_out),
        ABS_ERROR_NOT_FOUND);
    refused(webhook_remove(self->db, ORG, &id, error_out), ABS_ERROR_NOT_FOUND);
    g_autoptr(GPtrArray) rest = webhooks_list(self->db, ORG, &error);
    ok(rest, error);
    assert_int_equal(rest->len, LIMIT_WEBHOOKS - 1);
    assert_int_equal(
        scratch_number(self, "SELECT COUNT(*) FROM webhooks WHERE is_removed = 1 AND "
                             "(length(secret_sealed) > 0 OR url <> '' OR name IS NOT NULL)"),
        0);
    add(self, 1); /* its place is free */
}

static void what_a_removed_webhook_leaves_goes_in_slices(void **state)
{
    static const gint64 left[] = {3, 1, 0};
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id id = add(self, webhook_types_all()), other = add(self, webhook_types_all());
    for (guint i = 0; i < 5; i++)
        note(self, "date.near", T0 + i);
    ok(webhook_remove(self->db, ORG, &id, &error), error);
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        gboolean more = FALSE;
        ok(webhooks_tidy(self->db, T0 + 5, 2, &more, &error), error);
        assert_int_equal(
            scratch_number(self, "SELECT COUNT(*) FROM webhook_deliveries"), 5 + left[i]);
        assert_int_equal(
            scratch_number(self, "SELECT COUNT(*) FROM webhooks"), left[i] > 0 ? 2 : 1);
        assert_int_equal(more, left[i] > 0);
    }
    g_autoptr(GPtrArray) all = due(self, &other, T0 + 5);
    assert_int_equal(all->len, 5);
}

/* A sender may come back with what became of it when others are there already. */
static void nothing_is_recorded_for_one_that_came_later(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gboolean more = FALSE;
    Id id = add(self, webhook_types_all());
    note(self, "date.near", T0);
    g_autoptr(Webhook) webhook = get(self, &id);
    g_autoptr(GPtrArray) all = due(self, &id, T0);
    ok(webhook_remove(self->db, ORG, &id, &error), error);
    ok(webhooks_tidy(self->db, T0, 10, &more, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM webhooks"), 0);
    Id later = add(self, webhook_types_all());
    note(self, "date.near", T0 + 1);
    const WebhookResult gone = {.row = at(all, 0)->row,
        .state = WEBHOOK_GIVEN_UP,
        .status = 410,
        .failure = WEBHOOK_FAILED_GONE};
    ok(webhook_record(self->db, webhook->row, &gone, 1, TRUE, T0 + 2, &error), error);
    g_autoptr(Webhook) after = get(self, &later);
    assert_true(after->is_enabled);
    assert_null(after->failure);
    assert_int_equal(after->waiting, 1);
    g_autoptr(GPtrArray) its = due(self, &later, T0 + 2);
    assert_true(at(its, 0)->row > at(all, 0)->row);
}

/* --- A job that is undone -------------------------------------------------------------------- */

typedef struct {
    Id id;
    gint64 waiting;
} Job;

static gboolean remove_and_fail_job(Db *db, gpointer data, GError **error)
{
    const Job *job = data;
    if (webhook_remove(db, ORG, &job->id, error) &&
        webhook_note(db, ORG, "date.near", "{}", T0, error)) /* nobody wants it now */
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "on purpose");
    return FALSE;
}

static gboolean note_job(Db *db, gpointer data, GError **error)
{
    Job *job = data;
    if (!webhook_note(db, ORG, "date.near", "{}", T0, error))
        return FALSE;
    g_autoptr(Webhook) webhook = webhook_get(db, ORG, &job->id, error);
    job->waiting = webhook ? webhook->waiting : -1;
    return webhook != NULL;
}

static void a_removal_that_is_undone_is_forgotten(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Job job = {.id = add(self, webhook_types_all())};
    g_clear_pointer(&self->db, db_close);
    const StoreConfig config = {.path = self->path, .full_sync = TRUE};
    g_autoptr(Store) store = store_open(&config, NULL, &error);
    ok(store, error);
    refused(store_run(store, remove_and_fail_job, &job, error_out), ABS_ERROR_CONFLICT);
    ok(store_run(store, note_job, &job, &error), error);
    assert_int_equal(job.waiting, 1);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_name_and_a_bit),
        SCRATCH_TEST(a_secret_opens_only_for_its_webhook),
        SCRATCH_TEST(what_nobody_wants_is_not_written),
        SCRATCH_TEST(each_end_of_an_email_is_told),
        SCRATCH_TEST(cancelling_is_told_for_each_recipient),
        SCRATCH_TEST(a_body_says_what_happened_and_nothing_of_the_content),
        SCRATCH_TEST(text_is_escaped),
        SCRATCH_TEST(only_a_change_of_the_switch_is_told),
        SCRATCH_TEST(the_breaker_is_told_when_it_opens_and_closes),
        SCRATCH_TEST(an_activation_is_told_and_closes_the_breaker),
        SCRATCH_TEST(a_verification_is_told_when_it_has_passed),
        SCRATCH_TEST(each_webhook_gets_what_it_wants),
        SCRATCH_TEST(what_is_switched_off_gets_nothing_new),
        SCRATCH_TEST(an_organisation_has_only_so_many),
        SCRATCH_TEST(the_oldest_events_go_when_there_are_too_many),
        SCRATCH_TEST(what_arrived_is_not_due_again),
        SCRATCH_TEST(a_failure_stands_until_something_arrives),
        SCRATCH_TEST(gone_switches_it_off),
        SCRATCH_TEST(an_event_can_be_told_again),
        SCRATCH_TEST(a_test_goes_to_one_webhook_alone),
        SCRATCH_TEST(what_a_person_asks_for_goes_before_what_waits),
        SCRATCH_TEST(the_list_has_pages),
        SCRATCH_TEST(what_is_too_old_is_given_up_and_forgotten),
        SCRATCH_TEST(a_removed_webhook_leaves_nothing_waiting),
        SCRATCH_TEST(a_removed_webhook_is_there_for_nobody),
        SCRATCH_TEST(what_a_removed_webhook_leaves_goes_in_slices),
        SCRATCH_TEST(nothing_is_recorded_for_one_that_came_later),
        SCRATCH_TEST(a_removal_that_is_undone_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
