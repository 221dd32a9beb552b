/* Dates to mind: what the database knows, when somebody is reminded, what webhooks are told. */
#include "base/limits.h"
#include "scratch.h"
#include "store/dates.h"
#include "store/verifications.h"
#include "store/webhooks.h"

#define ORG STORE_DEFAULT_ORG
#define HOST "mail.example.de"
#define DAYS(n) ((n)*CLOCK_DAY_MS)

/* --- Reminders ------------------------------------------------------------------------------- */

static void reminders_come_in_the_last_quarter_of_a_life(void **state)
{
    static const struct {
        const char *name;
        WallMs life, left; /* life 0: not known */
        gboolean is_news;
        int expected;
    } rows[] = {
        {"31 days ahead", 0, DAYS(30) + 1, FALSE, DATE_NO_REMINDER},
        {"30 days ahead", 0, DAYS(30), FALSE, 30},
        {"between 30 and 7", 0, DAYS(7) + 1, FALSE, 30},
        {"7 days ahead", 0, DAYS(7), FALSE, 7},
        {"1 day ahead", 0, DAYS(1), FALSE, 1},
        {"a minute ahead", 0, CLOCK_MINUTE_MS, FALSE, 1},
        {"now", 0, 0, FALSE, 0},
        {"over for long", 0, DAYS(-400), FALSE, 0},
        {"a year, a month left", DAYS(365), DAYS(30), FALSE, 30},
        {"a certificate of 90 days, 30 left", DAYS(90), DAYS(30), FALSE, DATE_NO_REMINDER},
        {"a certificate of 90 days, 7 left", DAYS(90), DAYS(7), FALSE, 7},
        {"a token of 20 days, 7 left", DAYS(20), DAYS(7), FALSE, DATE_NO_REMINDER},
        {"a token of 20 days, 1 left", DAYS(20), DAYS(1), FALSE, 1},
        {"a token of 3 days, 1 left", DAYS(3), DAYS(1), FALSE, DATE_NO_REMINDER},
        {"a token of 3 days, over", DAYS(3), 0, FALSE, 0},
        {"exactly four times as long", DAYS(120), DAYS(30), FALSE, 30},
        {"news", 0, DAYS(1), TRUE, DATE_NO_REMINDER},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DateAhead date = {.kind = DATE_TOKEN,
            .since = rows[i].life ? T0 + rows[i].left - rows[i].life : 0,
            .at = T0 + rows[i].left,
            .is_news = rows[i].is_news};
        int found = date_reminder(&date, T0);
        if (found != rows[i].expected)
            fail_msg("%s: %d instead of %d", rows[i].name, found, rows[i].expected);
    }
}

static void each_kind_has_a_name_of_its_own(void **state)
{
    for (DateKind kind = DATE_CERTIFICATE; kind < DATE_KINDS; kind++) {
        assert_non_null(date_kind_name(kind));
        for (DateKind other = DATE_CERTIFICATE; other < kind; other++)
            assert_string_not_equal(date_kind_name(kind), date_kind_name(other));
    }
}

static void a_list_is_by_time(void **state)
{
    static const WallMs times[] = {T0 + 3, T0, T0 + 2, T0 + 1};
    g_autoptr(GPtrArray) dates = dates_new();
    for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
        dates_add(dates, DATE_TOKEN, "id", "name", 0, times[i]);
    dates_sort(dates);
    for (guint i = 0; i < dates->len; i++)
        assert_true(((const DateAhead *)dates->pdata[i])->at == T0 + i);
}

/* --- What the database knows ----------------------------------------------------------------- */

static void add_token(Scratch *self, const char *name, WallMs expires_at, gboolean is_revoked)
{
    g_autoptr(GError) error = NULL;
    Id id = scratch_id(self, T0);
    g_autoptr(DbQuery) q = db_query(self->db,
        "INSERT INTO tokens (org_id, id, hash, name, hint, scopes, created_at, expires_at, "
        "revoked_at) VALUES (1, $1, randomblob(32), $2, 'abs_', 1, $5, $3, $4)");
    db_bind_id(q, 1, &id);
    db_bind_text(q, 2, name);
    db_bind_int_or_null(q, 3, expires_at);
    db_bind_int_or_null(q, 4, is_revoked ? 1 : 0);
    db_bind_int(q, 5, T0 - DAYS(200));
    ok(db_finish(q, &error), error);
}

static GPtrArray *read_dates(Scratch *self, const char *host, WallMs now)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *dates = dates_new();
    ok(dates_read(self->db, ORG, host, now, dates, &error), error);
    return dates;
}

static const DateAhead *at(const GPtrArray *dates, guint i)
{
    assert_true(i < dates->len);
    return dates->pdata[i];
}

static void tokens_that_will_end_are_on_the_list(void **state)
{
    static const struct {
        const char *name;
        WallMs expires_at;
        gboolean is_revoked;
    } tokens[] = {
        {"later", T0 + DAYS(40), FALSE},
        {"Shop \"1\"", T0 + DAYS(10), FALSE},
        {"never", 0, FALSE},
        {"over", T0, FALSE},
        {"revoked", T0 + CLOCK_DAY_MS, TRUE},
    };
    Scratch *self = *state;
    for (guint i = 0; i < G_N_ELEMENTS(tokens); i++)
        add_token(self, tokens[i].name, tokens[i].expires_at, tokens[i].is_revoked);
    g_autoptr(GPtrArray) dates = read_dates(self, HOST, T0);
    assert_int_equal(dates->len, 2);
    assert_string_equal(at(dates, 0)->name, "Shop \"1\"");
    assert_true(g_str_has_prefix(at(dates, 0)->id, "tok_"));
    assert_true(at(dates, 0)->since == T0 - DAYS(200));
    assert_string_equal(at(dates, 1)->name, "later");
}

static void add_run(
    Scratch *self, VerificationState run_state, gboolean activated, WallMs not_after, WallMs at)
{
    g_autoptr(Verification) run = verification_new();
    g_autoptr(GError) error = NULL;
    run->org_id = ORG;
    run->id = scratch_id(self, at);
    run->state = run_state;
    run->activated = activated;
    run->certificate_not_before = T0 - DAYS(60);
    run->certificate_not_after = not_after;
    ok(verification_write(self->db, run, &error), error);
}

static void the_certificate_is_that_of_the_run_that_activated(void **state)
{
    Scratch *self = *state;
    static const struct {
        VerificationState state;
        gboolean activated;
        WallMs not_after, expected;
    } runs[] = {
        {VERIFICATION_FAILED, FALSE, T0 + 1, 0}, {VERIFICATION_PASSED, FALSE, T0 + 2, 0},
        {VERIFICATION_PASSED, TRUE, T0 + 3, T0 + 3}, {VERIFICATION_FAILED, FALSE, T0 + 4, T0 + 3},
        {VERIFICATION_PASSED, TRUE, T0 + 5, T0 + 5},
        {VERIFICATION_PASSED, TRUE, T0, 0}, /* over: the server must have another one */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
        add_run(self, runs[i].state, runs[i].activated, runs[i].not_after, T0 + (gint64)i);
        g_autoptr(GPtrArray) dates = read_dates(self, HOST, T0);
        assert_int_equal(dates->len, runs[i].expected ? 1 : 0);
        if (dates->len > 0) {
            assert_int_equal(at(dates, 0)->kind, DATE_CERTIFICATE);
            assert_true(at(dates, 0)->at == runs[i].expected);
            assert_true(at(dates, 0)->since == T0 - DAYS(60));
        }
    }
}

static void without_settings_there_is_no_certificate(void **state)
{
    Scratch *self = *state;
    add_run(self, VERIFICATION_PASSED, TRUE, T0 + DAYS(5), T0);
    g_autoptr(GPtrArray) dates = read_dates(self, NULL, T0);
    assert_int_equal(dates->len, 0);
}

static void a_sign_in_was_used_when_its_token_was_fetched(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    WallMs used_at = -1;
    ok(dates_sign_in_used_at(self->db, ORG, &used_at, &error), error);
    assert_true(used_at == 0);
    ok(db_exec(self->db,
           "INSERT INTO oauth_tokens (org_id, sealed, server, fetched_at, expires_at) VALUES (1, "
           "x'00', 'login.example.com', 1795283520123, 1795287120123)",
           &error),
        error);
    ok(dates_sign_in_used_at(self->db, ORG, &used_at, &error), error);
    assert_true(used_at == T0);
}

/* --- Webhooks -------------------------------------------------------------------------------- */

static void add_webhook(Scratch *self, const char *type)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Webhook) webhook = g_new0(Webhook, 1);
    g_autoptr(Secret) secret = webhook_secret_make();
    webhook->org_id = ORG;
    webhook->id = scratch_id(self, T0);
    webhook->url = g_strdup("https://alerts.example.com/absender");
    webhook->events = webhook_type_bit(type);
    webhook->is_enabled = TRUE;
    webhook->created_at = T0;
    webhook->secret_sealed = webhook_secret_seal(self->vault, ORG, &webhook->id, secret);
    ok(webhook_insert(self->db, webhook, &error), error);
}

/* How many events it made; that there is news must be said before, and not after. */
static gint64 tell(Scratch *self, const GPtrArray *dates, WallMs now)
{
    static const char count[] = "SELECT COUNT(*) FROM webhook_events";
    g_autoptr(GError) error = NULL;
    gboolean are = FALSE, still_are = TRUE;
    gint64 before = scratch_number(self, count);
    ok(dates_are_news(self->db, ORG, dates, now, &are, &error), error);
    ok(dates_tell(self->db, ORG, dates, now, &error), error);
    ok(dates_are_news(self->db, ORG, dates, now, &still_are, &error), error);
    gint64 told = scratch_number(self, count) - before;
    assert_int_equal(are, told > 0);
    assert_false(still_are);
    return told;
}

static GPtrArray *one_secret(WallMs end)
{
    GPtrArray *dates = dates_new();
    dates_add(dates, DATE_CLIENT_SECRET, HOST, HOST, 0, end);
    return dates;
}

static void each_reminder_is_told_once(void **state)
{
    Scratch *self = *state;
    WallMs end = T0 + DAYS(40);
    g_autoptr(GPtrArray) dates = one_secret(end);
    add_webhook(self, WEBHOOK_DATE_NEAR);
    static const struct {
        WallMs left;
        gint64 told;
    } looks[] = {{DAYS(31), 0}, {DAYS(30), 1}, {DAYS(30), 0}, {DAYS(8), 0}, {DAYS(7), 1},
        {DAYS(2), 0}, {DAYS(1), 1}, {CLOCK_HOUR_MS, 0}, {0, 1}, {-DAYS(1), 0}, {-DAYS(90), 0}};
    for (gsize i = 0; i < G_N_ELEMENTS(looks); i++)
        if (tell(self, dates, end - looks[i].left) != looks[i].told)
            fail_msg("look %" G_GSIZE_FORMAT, i);
    assert_int_equal(scratch_number(self,
                         "SELECT COUNT(*) FROM audit_events WHERE action = 'date.told' AND actor "
                         "= 'system' AND object LIKE 'client_secret " HOST " 2026-12-__ %'"),
        4);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM webhook_events WHERE body LIKE "
                                          "'%\"data\":{\"what\":\"client_secret\",\"name\":\"" HOST
                                          "\",\"at\":\"2026-12-%\","
                                          "\"days\":7}}'"),
        1);
}

static void what_was_missed_is_told_as_it_stands(void **state)
{
    Scratch *self = *state;
    WallMs end = T0 + DAYS(40);
    g_autoptr(GPtrArray) dates = one_secret(end);
    add_webhook(self, WEBHOOK_DATE_NEAR);
    assert_int_equal(tell(self, dates, end - DAYS(5)), 1); /* of the 30 days nobody speaks now */
}

static void another_end_is_another_date(void **state)
{
    Scratch *self = *state;
    g_autoptr(GPtrArray) first = one_secret(T0 + DAYS(5)), second = one_secret(T0 + DAYS(6));
    add_webhook(self, WEBHOOK_DATE_NEAR);
    assert_int_equal(tell(self, first, T0), 1);
    assert_int_equal(tell(self, second, T0), 1);
}

static void what_no_webhook_wants_is_kept_until_one_does(void **state)
{
    Scratch *self = *state;
    g_autoptr(GPtrArray) dates = one_secret(T0 + DAYS(5));
    add_webhook(self, "smtp.verified");
    assert_int_equal(tell(self, dates, T0), 0);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM audit_events"), 0);
    add_webhook(self, WEBHOOK_DATE_NEAR);
    assert_int_equal(tell(self, dates, T0), 1);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reminders_come_in_the_last_quarter_of_a_life),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(a_list_is_by_time),
        SCRATCH_TEST(tokens_that_will_end_are_on_the_list),
        SCRATCH_TEST(the_certificate_is_that_of_the_run_that_activated),
        SCRATCH_TEST(without_settings_there_is_no_certificate),
        SCRATCH_TEST(a_sign_in_was_used_when_its_token_was_fetched),
        SCRATCH_TEST(each_reminder_is_told_once),
        SCRATCH_TEST(what_was_missed_is_told_as_it_stands),
        SCRATCH_TEST(another_end_is_another_date),
        SCRATCH_TEST(what_no_webhook_wants_is_kept_until_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
