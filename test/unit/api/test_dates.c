/* Dates to mind: what is on the list for which settings, and who is told of it. */
#include "fixture.h"

#include "../oauth/keys.h"
#include "api/dates.h"
#include "api/notices.h"
#include "api/words/dates_text.h"
#include "base/limits.h"

#define ORG STORE_DEFAULT_ORG
#define NOW G_GINT64_CONSTANT(1795283520123) /* 2026-11-21 */
#define DAYS(n) ((n)*CLOCK_DAY_MS)
#define MICROSOFT "smtp.office365.com"
#define GOOGLE "smtp.gmail.com"
#define OTHER "mail.example.de"

/* --- The list -------------------------------------------------------------------------------- */

/* "client_secret:30 provider:-": each kind with its reminder, in order. The caller frees. */
static char *codes(const GPtrArray *dates, WallMs now)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < dates->len; i++) {
        const DateAhead *date = dates->pdata[i];
        int reminder = date_reminder(date, now);
        g_autofree char *days =
            reminder == DATE_NO_REMINDER ? g_strdup("-") : g_strdup_printf("%d", reminder);
        g_string_append_printf(
            text, "%s%s:%s", text->len ? " " : "", date_kind_name(date->kind), days);
    }
    return g_string_free(text, FALSE);
}

typedef struct {
    const char *name, *host;
    guint auth, provider, grant;
    WallMs secret_ends_at, signed_in_at, password_set_at;
    const char *expected;
} ListRow;

static SmtpSettings *settings_of(const ListRow *row, const char *certificate)
{
    SmtpSettings *settings = settings_new();
    SettingsOauth *oauth = &settings->oauth;
    settings->host = g_strdup(row->host);
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    settings->password_set_at = row->password_set_at;
    settings->auth = row->auth;
    oauth->provider = row->provider;
    oauth->grant = row->grant;
    oauth->certificate = g_strdup(certificate);
    oauth->client_secret_ends_at = row->secret_ends_at;
    oauth->set_at[OAUTH_SECRET_REFRESH_TOKEN] = row->signed_in_at;
    return settings;
}

static void assert_list(Fixture *self, const ListRow *row, const char *certificate)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = settings_of(row, certificate);
    const SmtpState state = {.active = row->host ? settings : NULL};
    Db *db = store_reader_take(self->store);
    g_autoptr(GPtrArray) dates = dates_ahead(self->api, db, ORG, &state, NOW, &error);
    store_reader_give(self->store, db);
    assert_null(error);
    g_autofree char *found = codes(dates, NOW);
    if (strcmp(found, row->expected) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", row->name, found, row->expected);
}

#define PASSWORD_LOGIN SETTINGS_AUTH_AUTO, 0, 0
#define SECRET_AT(provider) SETTINGS_AUTH_OAUTH2, provider, OAUTH_CLIENT_SECRET
#define SIGN_IN_AT(provider) SETTINGS_AUTH_OAUTH2, provider, OAUTH_REFRESH_TOKEN

static void what_is_on_the_list_follows_the_login(void **state)
{
    static const ListRow rows[] = {
        {"nothing in force", NULL, PASSWORD_LOGIN, 0, 0, 0, ""},
        {"a password of a mailbox", OTHER, PASSWORD_LOGIN, 0, 0, NOW - DAYS(400), ""},
        {"an app password", GOOGLE, PASSWORD_LOGIN, 0, 0, NOW - DAYS(100), "app_password:-"},
        {"an app password of 340 days", GOOGLE, PASSWORD_LOGIN, 0, 0, NOW - DAYS(340),
            "app_password:30"},
        {"an app password of 400 days", GOOGLE, PASSWORD_LOGIN, 0, 0, NOW - DAYS(400),
            "app_password:0"},
        {"a password where they end", MICROSOFT, PASSWORD_LOGIN, 0, 0, NOW,
            "provider:- provider:-"},
        {"OAuth2 where passwords end", MICROSOFT, SECRET_AT(OAUTH_MICROSOFT), 0, 0, 0,
            "provider:-"},
        {"a secret that ends soon", OTHER, SECRET_AT(OAUTH_GENERIC), NOW + DAYS(20), 0, 0,
            "client_secret:30"},
        {"a secret that has ended", OTHER, SECRET_AT(OAUTH_GENERIC), NOW - DAYS(20), 0, 0,
            "client_secret:0"},
        {"a secret that is kept beside the password", OTHER, SETTINGS_AUTH_AUTO, OAUTH_GENERIC,
            OAUTH_CLIENT_SECRET, NOW + DAYS(20), 0, 0, ""},
        {"a sign-in that was never used", OTHER, SIGN_IN_AT(OAUTH_MICROSOFT), 0, NOW - DAYS(85), 0,
            "refresh_token:7"},
        {"a sign-in that has lapsed", OTHER, SIGN_IN_AT(OAUTH_MICROSOFT), 0, NOW - DAYS(95), 0,
            "refresh_token:0"},
        {"the same with Google, who waits longer", OTHER, SIGN_IN_AT(OAUTH_GOOGLE), 0,
            NOW - DAYS(95), 0, "refresh_token:-"},
        {"a sign-in at a server that says nothing of it", OTHER, SIGN_IN_AT(OAUTH_GENERIC), 0,
            NOW - DAYS(95), 0, ""},
        {"a sign-in with a secret", OTHER, SIGN_IN_AT(OAUTH_GOOGLE), NOW + DAYS(1), NOW, 0,
            "client_secret:1 refresh_token:-"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_list(*state, &rows[i], NULL);
}

static void the_certificate_of_the_login_counts_where_it_is_used(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    g_autofree char *pem = certificate_pem(
        key, (NOW - DAYS(360)) / CLOCK_SECOND_MS, (NOW + DAYS(5)) / CLOCK_SECOND_MS);
    const ListRow used = {"used", OTHER, SETTINGS_AUTH_OAUTH2, OAUTH_MICROSOFT, OAUTH_CERTIFICATE,
        NOW + DAYS(1), 0, 0, "client_certificate:7"};
    const ListRow kept = {"kept", OTHER, SECRET_AT(OAUTH_MICROSOFT), 0, 0, 0, ""};
    assert_list(*state, &used, pem);
    assert_list(*state, &kept, pem);
    EVP_PKEY_free(key);
}

static gboolean run_sql(Db *db, gpointer sql, GError **error)
{
    return db_exec(db, sql, error);
}

static void run(Fixture *self, StoreJob job, gpointer data)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, job, data, &error);
    if (error)
        fail_msg("%s", error->message);
}

static void each_fetched_token_extends_the_sign_in(void **state)
{
    static char fetched[] =
        "INSERT INTO oauth_tokens (org_id, sealed, server, fetched_at, expires_at) VALUES (1, "
        "x'00', 'login.example.com', 1795197120123, 1795200720123)"; /* a day before NOW */
    const ListRow row = {"used yesterday", OTHER, SIGN_IN_AT(OAUTH_MICROSOFT), 0, NOW - DAYS(89), 0,
        "refresh_token:-"};
    Fixture *self = *state;
    run(self, run_sql, fetched);
    assert_list(self, &row, NULL);
}

static void every_date_has_its_words_in_both_languages(void **state)
{
    for (DateKind kind = DATE_CERTIFICATE; kind < DATE_KINDS; kind++) {
        g_autoptr(GPtrArray) dates = dates_new();
        DateAhead *date = dates_add(dates, kind, "id", "Name", 0, NOW);
        date->text_de = "Das.";
        date->text_en = "That.";
        for (Language language = LANGUAGE_EN; language < LANGUAGE_COUNT; language++) {
            assert_non_null(dates_text(date, language));
            if (!dates_text_is_told(date))
                continue;
            DatesNotice notice = dates_text_notice(date, language);
            assert_non_null(strstr(notice.what, "Name"));
            assert_non_null(notice.advice);
            assert_true(g_str_has_prefix(notice.page, "/#/"));
            g_free(notice.what);
        }
    }
    const DateAhead age = {.kind = DATE_APP_PASSWORD};
    assert_false(dates_text_is_told(&age)); /* nothing ends */
    const DateAhead news = {.kind = DATE_PROVIDER, .is_news = TRUE};
    assert_false(dates_text_is_told(&news));
}

/* --- Who is told ----------------------------------------------------------------------------- */

static json_t *entry(json_t *list, gsize i, const char *key)
{
    return json_object_get(json_array_get(list, i), key);
}

static void the_answer_names_days_and_reminder(void **state)
{
    g_autoptr(GPtrArray) dates = dates_new();
    dates_add(dates, DATE_CLIENT_SECRET, OTHER, OTHER, 0, NOW - DAYS(3));
    dates_add(dates, DATE_TOKEN, "tok_1", "Shop", 0, NOW + DAYS(6) + 1);
    dates_add(dates, DATE_TOKEN, "tok_2", "far", 0, NOW + DAYS(90));
    dates_add(dates, DATE_CERTIFICATE, OTHER, OTHER, 0, NOW + DAYS(100));
    json_t *list = dates_json(dates, LANGUAGE_DE, NOW);
    assert_int_equal(json_array_size(list), 3); /* not the far token */
    assert_string_equal(json_string_value(entry(list, 0, "code")), "client_secret");
    assert_int_equal(json_integer_value(entry(list, 0, "days_left")), -3);
    assert_int_equal(json_integer_value(entry(list, 0, "reminder")), 0);
    assert_true(json_is_integer(entry(list, 0, "reminder")));
    assert_string_equal(json_string_value(entry(list, 1, "name")), "Shop");
    assert_int_equal(json_integer_value(entry(list, 1, "days_left")), 6);
    assert_int_equal(json_integer_value(entry(list, 1, "reminder")), 7);
    assert_true(json_is_null(entry(list, 2, "reminder")));
    json_decref(list);
}

static void the_metrics_name_the_earliest_of_each_kind(void **state)
{
    g_autoptr(GPtrArray) dates = dates_new();
    g_autoptr(GString) text = g_string_new(NULL);
    dates_add(dates, DATE_CLIENT_SECRET, OTHER, OTHER, 0, NOW - DAYS(3));
    dates_add(dates, DATE_TOKEN, "tok_1", "first", 0, NOW + DAYS(6));
    dates_add(dates, DATE_TOKEN, "tok_2", "second", 0, NOW + DAYS(7));
    dates_add(dates, DATE_PROVIDER, "p", "P", 0, NOW + DAYS(1))->is_news = TRUE;
    dates_metrics(text, dates, NOW);
    static const char *const lines[] = {
        "\nabsender_date_timestamp_seconds{kind=\"client_secret\"} 1795024320\n",
        "\nabsender_date_timestamp_seconds{kind=\"token\"} 1795801920\n",
        "\nabsender_date_reminders{days=\"30\"} 0\n", "\nabsender_date_reminders{days=\"7\"} 2\n",
        "\nabsender_date_reminders{days=\"1\"} 0\n", "\nabsender_date_reminders{days=\"0\"} 1\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!strstr(text->str, lines[i]))
            fail_msg("no %s in %s", lines[i], text->str);
    assert_null(strstr(text->str, "provider"));
    assert_null(strstr(text->str, "first")); /* names are nobody's business there */
}

static WallMs make_token_for(Fixture *self, guint days)
{
    WallMs end = clock_wall_ms() + days * CLOCK_DAY_MS;
    g_autofree char *at = clock_format_rfc3339(end);
    g_autofree char *body = g_strdup_printf(
        "{\"name\":\"Shop\",\"scopes\":[\"emails:send\"],\"expires_at\":\"%s\"}", at);
    g_autoptr(Reply) made = ask_member(self, "POST /v1/tokens", "", body);
    assert_reply(made, 201, NULL);
    return end;
}

static void metrics_are_served_with_their_dates(void **state)
{
    Fixture *self = *state;
    make_token_for(self, 60);
    g_autoptr(Reply) metrics = ask(self, "GET /metrics", "", NULL);
    assert_reply(metrics, 200, NULL);
    assert_non_null(strstr(metrics->body, "\nabsender_date_timestamp_seconds{kind=\"token\"} 1"));
    assert_non_null(strstr(metrics->body, "\nabsender_date_reminders{days=\"30\"} 0\n"));
}

static gint64 count_events(Fixture *self)
{
    Db *db = store_reader_take(self->store);
    gint64 n = 0;
    {
        g_autoptr(DbQuery) q = db_query(db,
            "SELECT COUNT(*) FROM webhook_events WHERE type = 'date.near' AND body LIKE "
            "'%\"what\":\"token\",\"name\":\"Shop\"%\"days\":_}}'");
        n = db_next(q) ? db_int(q, 0) : -1;
        db_finish(q, NULL);
    }
    store_reader_give(self->store, db);
    return n;
}

static gboolean nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static gint64 look(Fixture *self, WallMs now)
{
    notices_look(self->api->notices, now);
    run(self, nothing, NULL);
    return count_events(self);
}

/* No SMTP settings are in force: that is what webhooks are for. */
static void webhooks_hear_of_it_without_mail(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) hook = ask_member(self, "POST /v1/webhooks", "",
        "{\"url\":\"https://alerts.example.com/a\",\"events\":[\"date.near\"]}");
    assert_reply(hook, 201, NULL);
    WallMs end = make_token_for(self, 60);
    assert_int_equal(look(self, end - DAYS(8)), 0);
    assert_int_equal(look(self, end - DAYS(7)), 1);
    assert_int_equal(look(self, end - DAYS(7) + CLOCK_HOUR_MS), 1);
    assert_int_equal(look(self, end - DAYS(1)), 2);
    g_autoptr(Reply) log = ask_member(self, "GET /v1/audit-events?action=date.told", "", NULL);
    assert_int_equal(json_array_size(reply_at(log, "data")), 2);
}

static int set_up(void **state)
{
    Fixture *self = fixture_new();
    sign_up(self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        TEST(what_is_on_the_list_follows_the_login),
        TEST(the_certificate_of_the_login_counts_where_it_is_used),
        TEST(each_fetched_token_extends_the_sign_in),
        cmocka_unit_test(every_date_has_its_words_in_both_languages),
        cmocka_unit_test(the_answer_names_days_and_reminder),
        cmocka_unit_test(the_metrics_name_the_earliest_of_each_kind),
        TEST(metrics_are_served_with_their_dates),
        TEST(webhooks_hear_of_it_without_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
