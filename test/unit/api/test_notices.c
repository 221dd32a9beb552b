/* What admins and members are told by mail without having asked. */
#include "fixture.h"

#include "api/notices.h"
#include "api/state.h"
#include "base/limits.h"
#include "store/quota.h"
#include "store/smtp_settings.h"

#define ORG STORE_DEFAULT_ORG

/* --- The world ---------------------------------------------------------------------------------
 */

static gboolean activate_draft(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, error);
    return smtp_activate(db, ORG, state->draft, state->revision, clock_wall_ms(), error);
}

static void run(Fixture *self, StoreJob job, gpointer data)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, job, data, &error);
    if (error)
        fail_msg("%s", error->message);
}

static void activate(Fixture *self)
{
    g_autoptr(Reply) draft = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n",
        "{\"host\":\"mail.example.de\",\"password\":\"canary\",\"from_email\":\"shop@example.de\","
        "\"from_name\":\"Laden\",\"quota\":{\"per_day\":10}}");
    assert_reply(draft, 200, NULL);
    run(self, activate_draft, NULL);
}

static gboolean nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

/* Looks, and waits until what came of it is committed. */
static void look(Fixture *self, WallMs now)
{
    notices_look(self->api->notices, now);
    run(self, nothing, NULL);
}

/* The subjects of all mails, the newest first; the caller frees. */
static char *subjects(Fixture *self)
{
    g_autoptr(Reply) list = ask_member(self, "GET /v1/emails", "", NULL);
    GString *all = g_string_new(NULL);
    gsize i;
    json_t *email;
    json_array_foreach(reply_at(list, "data"), i, email)
    {
        const char *subject = json_string_value(json_object_get(email, "subject"));
        g_string_append_printf(all, "%s;", subject ? subject : "(none)");
    }
    return g_string_free(all, FALSE);
}

static void assert_subjects(Fixture *self, const char *expected)
{
    g_autofree char *found = subjects(self);
    assert_string_equal(found, expected);
}

typedef struct {
    Health health;
    WallMs at;
} HealthAt;

static gboolean write_health(Db *db, gpointer data, GError **error)
{
    const HealthAt *health = data;
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, error);
    return smtp_health_write(db, ORG, state->config_version, health->health,
        health->health == HEALTH_OK ? NULL : "auth_bad_credentials", health->at, error);
}

static void become(Fixture *self, Health health, WallMs at)
{
    HealthAt change = {health, at};
    run(self, write_health, &change);
    look(self, at);
}

/* --- Interruptions -----------------------------------------------------------------------------
 */

static void an_interruption_is_told_once_when_it_is_over(void **state)
{
    Fixture *self = *state;
    WallMs now = clock_wall_ms();
    activate(self);
    become(self, HEALTH_CREDENTIAL_FAULT, now);
    look(self, now + CLOCK_HOUR_MS);
    assert_subjects(self, "");
    become(self, HEALTH_OK, now + LIMIT_NOTICE_OUTAGE_MS);
    assert_subjects(self, "Der Mailversand von Laden läuft wieder;");
    look(self, now + CLOCK_HOUR_MS);
    assert_subjects(self, "Der Mailversand von Laden läuft wieder;");
}

static void a_short_interruption_is_not_told(void **state)
{
    Fixture *self = *state;
    WallMs now = clock_wall_ms();
    activate(self);
    become(self, HEALTH_UNREACHABLE, now);
    become(self, HEALTH_OK, now + LIMIT_NOTICE_OUTAGE_MS - 1);
    assert_subjects(self, "");
}

static gboolean sql_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, data, error);
}

static void run_sql(Fixture *self, const char *sql)
{
    run(self, sql_job, (gpointer)sql);
}

/* An interruption is forgotten when the notice is committed, not before. */
static void what_could_not_be_told_is_told_later(void **state)
{
    Fixture *self = *state;
    WallMs now = clock_wall_ms();
    activate(self);
    run_sql(self,
        "CREATE TRIGGER fault BEFORE INSERT ON audit_events WHEN NEW.action = 'notice.sent' "
        "BEGIN SELECT RAISE(ABORT, 'a fault'); END");
    become(self, HEALTH_CREDENTIAL_FAULT, now);
    become(self, HEALTH_OK, now + LIMIT_NOTICE_OUTAGE_MS);
    assert_subjects(self, "");
    run_sql(self, "DROP TRIGGER fault");
    look(self, now + LIMIT_NOTICE_OUTAGE_MS + CLOCK_MINUTE_MS);
    look(self, now + LIMIT_NOTICE_OUTAGE_MS + 2 * CLOCK_MINUTE_MS);
    assert_subjects(self, "Der Mailversand von Laden läuft wieder;");
    become(self, HEALTH_UNREACHABLE, now + CLOCK_HOUR_MS); /* the next is told for itself */
    become(self, HEALTH_OK, now + CLOCK_HOUR_MS + LIMIT_NOTICE_OUTAGE_MS);
    assert_subjects(self, "Der Mailversand von Laden läuft wieder;"
                          "Der Mailversand von Laden läuft wieder;");
}

/* --- Quota -------------------------------------------------------------------------------------
 */

static gboolean use_quota(Db *db, gpointer data, GError **error)
{
    const guint *n = data;
    return quota_sent_add(db, ORG, clock_wall_ms(), *n, error);
}

static void a_quota_nearly_used_up_is_told_once_a_day(void **state)
{
    Fixture *self = *state;
    WallMs now = clock_wall_ms();
    guint seven = 7, one = 1;
    activate(self);
    run(self, use_quota, &seven);
    look(self, now + CLOCK_MINUTE_MS);
    assert_subjects(self, "");
    run(self, use_quota, &one);
    look(self, now + CLOCK_MINUTE_MS);
    look(self, now + 2 * CLOCK_MINUTE_MS);
    g_autofree char *found = subjects(self);
    /* A day may end between the two. */
    assert_true(g_str_has_prefix(found, "Laden: 80 % des Versandkontingents sind verbraucht;"));
}

/* --- Dates -------------------------------------------------------------------------------------
 */

static WallMs make_token_for(Fixture *self, const char *name, guint days)
{
    WallMs end = clock_wall_ms() + days * CLOCK_DAY_MS;
    g_autofree char *at = clock_format_rfc3339(end);
    g_autofree char *body = g_strdup_printf(
        "{\"name\":\"%s\",\"scopes\":[\"emails:send\"],\"expires_at\":\"%s\"}", name, at);
    g_autoptr(Reply) made = ask_member(self, "POST /v1/tokens", "", body);
    assert_reply(made, 201, NULL);
    return end;
}

#define TOKEN_SUBJECT "Laden: Das API-Token „Shop“ läuft bald ab;"

static void a_token_that_ends_soon_is_told_at_each_reminder(void **state)
{
    Fixture *self = *state;
    activate(self);
    make_token_for(self, "kurz", 3); /* was made for a short time: nobody has forgotten it */
    WallMs end = make_token_for(self, "Shop", 200);
    look(self, end - 30 * CLOCK_DAY_MS - CLOCK_MINUTE_MS);
    assert_subjects(self, "");
    look(self, end - 30 * CLOCK_DAY_MS + CLOCK_MINUTE_MS);
    look(self, end - 8 * CLOCK_DAY_MS);
    assert_subjects(self, TOKEN_SUBJECT);
    look(self, end - 7 * CLOCK_DAY_MS);
    look(self, end - 6 * CLOCK_DAY_MS);
    assert_subjects(self, TOKEN_SUBJECT TOKEN_SUBJECT);
    look(self, end - CLOCK_DAY_MS);
    look(self, end - CLOCK_HOUR_MS);
    look(self, end);
    assert_subjects(self, TOKEN_SUBJECT TOKEN_SUBJECT TOKEN_SUBJECT);
}

static gint64 count(Fixture *self, const char *sql)
{
    Db *db = store_reader_take(self->store);
    DbQuery *q = db_query(db, sql);
    gint64 n = db_next(q) ? db_int(q, 0) : -1;
    db_query_free(q);
    store_reader_give(self->store, db);
    return n;
}

#define MORE_ADMINS 204 /* who signed up first is on the second page */
#define N_ADMINS (MORE_ADMINS + 1)

/* Nobody is told, and nothing noted, until all can be read. */
static void all_admins_are_told_or_none_yet(void **state)
{
    Fixture *self = *state;
    activate(self);
    WallMs end = make_token_for(self, "Shop", 60);
    run_sql(self,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
        "i < " G_STRINGIFY(MORE_ADMINS) ") INSERT INTO members (org_id, id, email, name, role, "
                                        "created_at) SELECT 1, CAST(x'ff' || randomblob(15) AS "
                                        "BLOB), 'admin' || i || '@example.de', 'A', "
                                        "(SELECT role FROM members), 1 FROM n");
    run_sql(self,
        "ALTER TABLE members RENAME TO sound; CREATE VIEW members AS SELECT row, org_id, id, "
        "email, CASE WHEN created_at > 1 THEN json('{') ELSE name END AS name, role, "
        "password_hash, language, created_at, password_changed_at, signed_in_at, has_notices, "
        "removed_at FROM sound");
    look(self, end - 2 * CLOCK_DAY_MS);
    assert_int_equal(count(self, "SELECT count(*) FROM emails"), 0);
    assert_int_equal(
        count(self, "SELECT count(*) FROM audit_events WHERE action = 'notice.sent'"), 0);
    run_sql(self, "DROP VIEW members; ALTER TABLE sound RENAME TO members");
    look(self, end - 2 * CLOCK_DAY_MS + CLOCK_MINUTE_MS);
    assert_int_equal(count(self, "SELECT count(*) FROM emails"), N_ADMINS);
}

static void whoever_wants_no_notices_gets_none(void **state)
{
    Fixture *self = *state;
    activate(self);
    g_autoptr(Reply) changed = ask_member(self, "PATCH /v1/account", "", "{\"notices\":false}");
    assert_reply(changed, 200, NULL);
    WallMs end = make_token_for(self, "Shop", 60);
    look(self, end - CLOCK_DAY_MS);
    assert_subjects(self, "");
}

/* And the audit log does not say that there was: it is told when mail can go. */
static void without_smtp_nothing_is_written_until_there_is(void **state)
{
    Fixture *self = *state;
    WallMs end = make_token_for(self, "Shop", 60);
    look(self, end - 2 * CLOCK_DAY_MS);
    assert_subjects(self, "");
    activate(self);
    look(self, end - CLOCK_DAY_MS);
    assert_subjects(self, "Laden: Das API-Token „Shop“ läuft bald ab;");
}

/* --- Security ----------------------------------------------------------------------------------
 */

static EmailNew *write_security(Fixture *self, const char *template, const char *agent)
{
    Db *db = store_reader_take(self->store);
    g_autoptr(Member) member = member_by_email(db, EMAIL, NULL);
    EmailNew *email = notices_security_write(
        self->api, db, member, template, "203.0.113.7", agent, clock_wall_ms());
    store_reader_give(self->store, db);
    return email;
}

static void a_security_notice_goes_to_her_in_her_language(void **state)
{
    Fixture *self = *state;
    assert_null(write_security(self, "security_password_changed", NULL));
    activate(self);
    g_autoptr(EmailNew) changed = write_security(self, "security_password_changed", NULL);
    g_autoptr(EmailNew) signed_in =
        write_security(self, "security_new_sign_in", "Mozilla\r\nBcc: x@example.org");
    assert_string_equal(changed->subject, "Ihr Passwort bei Laden wurde geändert");
    assert_string_equal(changed->to, "Anna <" EMAIL ">");
    assert_string_equal(signed_in->subject, "Neue Anmeldung bei Laden");
    assert_int_equal(signed_in->recipients->len, 1);
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
        TEST(an_interruption_is_told_once_when_it_is_over),
        TEST(a_short_interruption_is_not_told),
        TEST(what_could_not_be_told_is_told_later),
        TEST(a_quota_nearly_used_up_is_told_once_a_day),
        TEST(a_token_that_ends_soon_is_told_at_each_reminder),
        TEST(all_admins_are_told_or_none_yet),
        TEST(whoever_wants_no_notices_gets_none),
        TEST(without_smtp_nothing_is_written_until_there_is),
        TEST(a_security_notice_goes_to_her_in_her_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
