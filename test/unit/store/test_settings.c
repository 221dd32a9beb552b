#include "base/limits.h"
#include "scratch.h"
#include "store/history.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

#define ORG STORE_DEFAULT_ORG

static SmtpState *read_state(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    SmtpState *state = smtp_state_read(self->db, ORG, &error);
    ok(state, error);
    return state;
}

static SmtpSettings *make_settings(const char *host)
{
    SmtpSettings *settings = settings_new();
    settings->host = g_strdup(host);
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    settings->password_set_at = T0;
    return settings;
}

static gint64 write_draft(Scratch *self, const SmtpSettings *draft)
{
    gint64 revision = -1;
    g_autoptr(GError) error = NULL;
    ok(smtp_draft_write(self->db, ORG, draft, -1, T0, &revision, &error), error);
    return revision;
}

/* --- Draft and active ------------------------------------------------------------------------ */

static void a_new_organisation_is_paused_and_unconfigured(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpState) fresh = read_state(self);
    assert_null(fresh->draft);
    assert_null(fresh->active);
    assert_false(fresh->sending_enabled);
    assert_string_equal(fresh->sending_reason, "initial");
    assert_null(fresh->sending_changed_by);
    assert_int_equal(fresh->health, HEALTH_UNKNOWN);
    assert_int_equal(fresh->revision, 0);
    assert_false(fresh->has_last_verification);
    assert_int_equal(smtp_state_gate(fresh, T0), EMAIL_GATE_NOT_CONFIGURED);
}

static void a_draft_comes_back_with_every_field(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) draft = make_settings("mail.example.de");
    draft->port = 465;
    draft->security = TLS_MODE_IMPLICIT;
    draft->username = g_strdup("anna");
    draft->from_name = g_strdup("Bäckerei");
    draft->ehlo_name = g_strdup("shop.example.de");
    draft->max_connections = 7;
    draft->window = 9;
    draft->quota = (SettingsQuota){1, 2, 3};
    assert_int_equal(write_draft(self, draft), 1);
    g_autoptr(SmtpState) read = read_state(self);
    assert_int_equal(read->revision, 1);
    assert_true(read->draft_changed_at == T0);
    assert_int_equal(read->config_version, 0);
    assert_string_equal(read->draft->host, "mail.example.de");
    assert_int_equal(read->draft->port, 465);
    assert_int_equal(read->draft->security, TLS_MODE_IMPLICIT);
    assert_string_equal(read->draft->username, "anna");
    assert_string_equal(read->draft->from_email, "shop@example.de");
    assert_string_equal(read->draft->from_name, "Bäckerei");
    assert_string_equal(read->draft->ehlo_name, "shop.example.de");
    assert_int_equal(read->draft->max_connections, 7);
    assert_int_equal(read->draft->window, 9);
    assert_int_equal(read->draft->quota.per_minute, 1);
    assert_int_equal(read->draft->quota.per_hour, 2);
    assert_int_equal(read->draft->quota.per_day, 3);
    assert_true(g_bytes_equal(read->draft->password_sealed, draft->password_sealed));
    assert_true(read->draft->password_set_at == T0);
    assert_true(settings_same_destination(read->draft, draft));
}

static SmtpSettings *make_oauth_settings(const char *host)
{
    SmtpSettings *settings = make_settings(host);
    SettingsOauth *account = &settings->oauth;
    g_clear_pointer(&settings->password_sealed, g_bytes_unref);
    settings->password_set_at = 0;
    settings->auth = SETTINGS_AUTH_OAUTH2;
    account->provider = OAUTH_GENERIC;
    account->grant = OAUTH_REFRESH_TOKEN;
    account->tenant = g_strdup("tenant");
    account->client_id = g_strdup("client id");
    account->scope = g_strdup("scope");
    account->subject = g_strdup("subject");
    account->token_url = g_strdup("token url");
    account->authorize_url = g_strdup("authorize url");
    account->device_url = g_strdup("device url");
    account->certificate = g_strdup("certificate");
    account->service_account_email = g_strdup("email");
    account->service_account_key_id = g_strdup("key id");
    account->service_account_client_id = g_strdup("number");
    account->client_secret_ends_at = T0 + 1;
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        account->sealed[kind] =
            g_bytes_new(oauth_secret_name(kind), strlen(oauth_secret_name(kind)));
        account->set_at[kind] = T0 + 10 + kind;
    }
    return settings;
}

static void an_account_comes_back_from_draft_active_and_history(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = make_oauth_settings("mail.example.de");
    gint64 revision = write_draft(self, settings);
    g_autoptr(SmtpState) before = read_state(self);
    ok(smtp_activate(self->db, ORG, before->draft, revision, T0, &error), error);
    g_autoptr(SmtpState) after = read_state(self);
    g_autoptr(GPtrArray) versions = settings_history_list(self->db, ORG, &error);
    const SettingsVersion *version = versions->pdata[0];
    const SmtpSettings *const read[] = {before->draft, after->active, version->settings};
    for (gsize i = 0; i < G_N_ELEMENTS(read); i++) {
        assert_true(settings_same_destination(read[i], settings)); /* every text and time */
        assert_true(read[i]->oauth.client_secret_ends_at == T0 + 1);
        assert_string_equal(read[i]->oauth.device_url, "device url");
        assert_string_equal(read[i]->oauth.service_account_client_id, "number");
        for (guint kind = 0; kind < OAUTH_SECRETS; kind++)
            assert_true(g_bytes_equal(read[i]->oauth.sealed[kind], settings->oauth.sealed[kind]));
    }
}

/* The schema's own word, whatever the code above it believes. */
static void nothing_becomes_active_without_what_it_signs_in_with(void **state)
{
    static const struct {
        const char *name;
        guint grant;
        OauthSecretKind needs;
    } rows[] = {
        {"client secret", OAUTH_CLIENT_SECRET, OAUTH_SECRET_CLIENT},
        {"certificate", OAUTH_CERTIFICATE, OAUTH_SECRET_PRIVATE_KEY},
        {"sign-in", OAUTH_REFRESH_TOKEN, OAUTH_SECRET_REFRESH_TOKEN},
        {"service account", OAUTH_SERVICE_ACCOUNT, OAUTH_SECRET_SERVICE_ACCOUNT},
    };
    Scratch *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = make_oauth_settings("mail.example.de");
        g_autoptr(GError) error = NULL;
        settings->oauth.grant = rows[i].grant;
        g_clear_pointer(&settings->oauth.sealed[rows[i].needs], g_bytes_unref);
        ok(db_begin(self->db, &error), error);
        if (smtp_activate(self->db, ORG, settings, -1, T0, &error))
            fail_msg("%s", rows[i].name);
        db_rollback(self->db);
    }
}

static void a_rotated_refresh_token_is_replaced_wherever_it_is_kept(void **state)
{
    Scratch *self = *state;
    const guint kind = OAUTH_SECRET_REFRESH_TOKEN;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = make_oauth_settings("mail.example.de");
    g_autoptr(SmtpSettings) other = make_oauth_settings("other.example.de");
    g_autoptr(GBytes) rotated = g_bytes_new_static("rotated", 7);
    other->oauth.set_at[kind] = T0;
    ok(smtp_activate(self->db, ORG, other, -1, T0, &error), error);
    ok(smtp_activate(self->db, ORG, settings, -1, T0, &error), error);
    gint64 revision = write_draft(self, settings);
    ok(smtp_refresh_token_write(self->db, ORG, T0 + 10 + kind, rotated, &error), error);

    g_autoptr(SmtpState) read = read_state(self);
    assert_int_equal(read->revision, revision);
    assert_true(g_bytes_equal(read->draft->oauth.sealed[kind], rotated));
    assert_true(g_bytes_equal(read->active->oauth.sealed[kind], rotated));
    g_autoptr(GPtrArray) versions = settings_history_list(self->db, ORG, &error);
    const SettingsVersion *newest = versions->pdata[0], *older = versions->pdata[1];
    assert_true(g_bytes_equal(newest->settings->oauth.sealed[kind], rotated));
    assert_false(g_bytes_equal(older->settings->oauth.sealed[kind], rotated));

    /* A run that began before the rotation does not write the old one back. */
    ok(smtp_activate(self->db, ORG, settings, revision, T0, &error), error);
    g_autoptr(SmtpState) after = read_state(self);
    assert_true(g_bytes_equal(after->active->oauth.sealed[kind], rotated));
}

/* As the first schema had them: the history came later, and OAuth2 later still. */
static void settings_of_an_older_database_stay_as_they_are(void **state)
{
    static const char older[] =
        "INSERT INTO schema_version (number, name, applied_at) VALUES (1, 'foundation', 1);"
        "INSERT INTO smtp_slots (org_id, slot, host, port, security, username, from_email, "
        "from_name, ehlo_name, max_connections, send_window, quota_per_minute, quota_per_hour, "
        "quota_per_day, password_sealed, password_set_at) VALUES (1, 2, 'mail.example.de', 465, 2, "
        "'anna', 'shop@example.de', 'Anna', 'a.example.de', 3, 8, 1, 2, 3, x'010203', 7), "
        "(1, 1, 'new.example.de', NULL, NULL, NULL, NULL, NULL, NULL, 4, 16, 0, 0, 0, NULL, NULL);"
        "UPDATE smtp_state SET config_version = 5, active_since = 9";
    Scratch *self = *state;
    g_autofree char *path = g_build_filename(self->folder, "older.db", NULL);
    const StoreConfig config = {.path = path, .full_sync = TRUE};
    g_autoptr(GError) error = NULL;
    Db *db = db_open(&db_driver_sqlite, &config, DB_WRITER);
    ok(db_begin(db, &error) && db_exec(db, schema_files[0].sql, &error), error);
    ok(db_exec(db, older, &error) && db_commit(db, &error), error);
    ok(schema_apply(db, &error), error);

    g_autoptr(SmtpState) read = smtp_state_read(db, ORG, &error);
    g_autoptr(GPtrArray) versions = settings_history_list(db, ORG, &error);
    ok(read && versions, error);
    assert_string_equal(read->draft->host, "new.example.de");
    assert_null(read->draft->from_email);
    assert_int_equal(read->draft->auth, SETTINGS_AUTH_AUTO);
    assert_int_equal(versions->len, 1);
    const SettingsVersion *version = versions->pdata[0];
    const SmtpSettings *const kept[] = {read->active, version->settings};
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        assert_string_equal(kept[i]->host, "mail.example.de");
        assert_int_equal(kept[i]->port, 465);
        assert_int_equal(kept[i]->security, TLS_MODE_IMPLICIT);
        assert_string_equal(kept[i]->username, "anna");
        assert_string_equal(kept[i]->from_name, "Anna");
        assert_string_equal(kept[i]->ehlo_name, "a.example.de");
        assert_int_equal(kept[i]->max_connections, 3);
        assert_int_equal(kept[i]->quota.per_day, 3);
        assert_int_equal(g_bytes_get_size(kept[i]->password_sealed), 3);
        assert_true(kept[i]->password_set_at == 7);
        assert_int_equal(kept[i]->auth, SETTINGS_AUTH_AUTO);
        assert_int_equal(kept[i]->oauth.provider, 0);
    }
    assert_int_equal(version->config_version, 5);
    assert_true(version->activated_at == 9 && version->is_active);
    db_close(db);
}

static void an_empty_field_stays_empty(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) draft = settings_new();
    write_draft(self, draft);
    g_autoptr(SmtpState) read = read_state(self);
    assert_null(read->draft->host);
    assert_null(read->draft->username);
    assert_null(read->draft->password_sealed);
    assert_int_equal(read->draft->port, 0);
    assert_int_equal(read->draft->security, 0);
    assert_true(read->draft->password_set_at == 0);
}

static void a_change_on_an_old_revision_is_refused(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) one = make_settings("one.example.de");
    g_autoptr(SmtpSettings) two = make_settings("two.example.de");
    gint64 revision = write_draft(self, one);
    gint64 moved = -1;
    refused(smtp_draft_write(self->db, ORG, two, revision - 1, T0, &moved, error_out),
        ABS_ERROR_CONFLICT);
    refused(smtp_draft_write(self->db, ORG, NULL, revision + 1, T0, &moved, error_out),
        ABS_ERROR_CONFLICT);
    refused(smtp_activate(self->db, ORG, two, revision - 1, T0, error_out), ABS_ERROR_CONFLICT);
    g_autoptr(SmtpState) unchanged = read_state(self);
    assert_string_equal(unchanged->draft->host, "one.example.de");
    assert_null(unchanged->active);
    assert_int_equal(unchanged->revision, revision);
    assert_true(smtp_draft_write(self->db, ORG, two, revision, T0, &moved, NULL));
    assert_int_equal(moved, revision + 1);
    refused(smtp_draft_write(self->db, 2, two, -1, T0, &moved, error_out), ABS_ERROR_NOT_FOUND);
}

static void activating_replaces_the_draft_and_heals(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) first = make_settings("first.example.de");
    g_autoptr(SmtpSettings) second = make_settings("second.example.de");
    gint64 revision = write_draft(self, first);
    g_autoptr(GError) error = NULL;
    ok(smtp_activate(self->db, ORG, first, revision, T0, &error), error);
    ok(smtp_sending_write(self->db, ORG, TRUE, NULL, 0, "anna@example.de", T0, &error), error);
    ok(smtp_health_write(
           self->db, ORG, 1, HEALTH_CREDENTIAL_FAULT, "auth_wrong_password", T0, &error),
        error);
    g_autoptr(SmtpState) ill = read_state(self);
    assert_int_equal(smtp_state_gate(ill, T0), EMAIL_GATE_CREDENTIAL_FAULT);
    assert_string_equal(ill->health_diagnosis, "auth_wrong_password");

    revision = write_draft(self, second);
    scratch_forget_changes(self);
    ok(smtp_activate(self->db, ORG, second, revision, T0 + 5, &error), error);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_HEALTH), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
    g_autoptr(SmtpState) healed = read_state(self);
    assert_null(healed->draft);
    assert_string_equal(healed->active->host, "second.example.de");
    assert_int_equal(healed->config_version, 2);
    assert_int_equal(healed->revision, revision + 1);
    assert_true(healed->active_since == T0 + 5);
    assert_int_equal(healed->health, HEALTH_OK);
    assert_null(healed->health_diagnosis);
    assert_int_equal(smtp_state_gate(healed, T0), EMAIL_GATE_OPEN);
    assert_string_equal(healed->sending_changed_by, "anna@example.de");
}

static void incomplete_settings_never_become_active(void **state)
{
    Scratch *self = *state;
    for (guint i = 0; i < 3; i++) {
        g_autoptr(SmtpSettings) settings = make_settings("mail.example.de");
        if (i == 0)
            g_clear_pointer(&settings->host, g_free);
        else if (i == 1)
            g_clear_pointer(&settings->from_email, g_free);
        else
            g_clear_pointer(&settings->password_sealed, g_bytes_unref);
        refused(smtp_activate(self->db, ORG, settings, -1, T0, error_out), ABS_ERROR_STORE);
    }
}

static void a_forgotten_draft_is_deleted(void **state)
{
    Scratch *self = *state;
    g_autoptr(SmtpSettings) draft = make_settings("mail.example.de");
    write_draft(self, draft);
    assert_true(smtp_drafts_expire(self->db, T0 + LIMIT_DRAFT_MS - 1, NULL));
    g_autoptr(SmtpState) kept = read_state(self);
    assert_non_null(kept->draft);
    scratch_forget_changes(self);
    assert_true(smtp_drafts_expire(self->db, T0 + LIMIT_DRAFT_MS, NULL));
    assert_true(smtp_drafts_expire(self->db, T0 + LIMIT_DRAFT_MS, NULL));
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), 1);
    g_autoptr(SmtpState) gone = read_state(self);
    assert_null(gone->draft);
    assert_int_equal(gone->revision, 2);
    assert_true(gone->draft_changed_at == 0);
}

/* --- Gate and health ------------------------------------------------------------------------- */

static void the_gate_names_the_first_obstacle(void **state)
{
    static const struct {
        gboolean active, enabled;
        Health health;
        guint sent; /* of 5 in a minute; 0: no limit */
        EmailGate gate;
    } rows[] = {
        {FALSE, FALSE, HEALTH_UNKNOWN, 5, EMAIL_GATE_NOT_CONFIGURED},
        {FALSE, TRUE, HEALTH_CREDENTIAL_FAULT, 5, EMAIL_GATE_NOT_CONFIGURED},
        {TRUE, FALSE, HEALTH_CREDENTIAL_FAULT, 5, EMAIL_GATE_PAUSED},
        {TRUE, TRUE, HEALTH_CREDENTIAL_FAULT, 5, EMAIL_GATE_CREDENTIAL_FAULT},
        {TRUE, TRUE, HEALTH_UNREACHABLE, 5, EMAIL_GATE_QUOTA},
        {TRUE, TRUE, HEALTH_UNREACHABLE, 4, EMAIL_GATE_OPEN},
        {TRUE, TRUE, HEALTH_UNKNOWN, 0, EMAIL_GATE_OPEN},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = settings_new();
        g_autoptr(Quota) sent = quota_new();
        quota_add(sent, T0, rows[i].sent);
        settings->quota.per_minute = rows[i].sent == 0 ? 0 : 5;
        SmtpState at = {.active = rows[i].active ? settings : NULL,
            .sending_enabled = rows[i].enabled,
            .health = rows[i].health,
            .sent = sent};
        assert_int_equal(smtp_state_gate(&at, T0), rows[i].gate);
    }
}

static void health_is_written_when_it_differs_and_is_about_these_settings(void **state)
{
    Scratch *self = *state;
    static const struct {
        const char *name;
        gint64 config_version;
        Health health;
        const char *diagnosis;
        guint heard;
    } rows[] = {
        {"differs", 0, HEALTH_DEGRADED, "greylisted", 1},
        {"the same", 0, HEALTH_DEGRADED, "greylisted", 0},
        {"another diagnosis", 0, HEALTH_DEGRADED, "mailbox_full", 1},
        {"no diagnosis", 0, HEALTH_DEGRADED, NULL, 1},
        {"of other settings", 1, HEALTH_OK, NULL, 0},
        {"healed", 0, HEALTH_OK, NULL, 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        scratch_forget_changes(self);
        assert_true(smtp_health_write(self->db, ORG, rows[i].config_version, rows[i].health,
            rows[i].diagnosis, T0 + (gint64)i, NULL));
        if (scratch_count_changes(self, STORE_CHANGED_HEALTH) != rows[i].heard)
            fail_msg("%s", rows[i].name);
    }
    g_autoptr(SmtpState) last = read_state(self);
    assert_int_equal(last->health, HEALTH_OK);
    assert_true(last->health_at == T0 + 5);
}

static void the_switch_keeps_who_why_and_until(void **state)
{
    Scratch *self = *state;
    assert_true(smtp_sending_write(
        self->db, ORG, FALSE, "holiday", T0 + CLOCK_DAY_MS, "anna@example.de", T0, NULL));
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SENDING), 1);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_QUEUE), 1);
    g_autoptr(SmtpState) paused = read_state(self);
    assert_false(paused->sending_enabled);
    assert_string_equal(paused->sending_reason, "holiday");
    assert_true(paused->sending_until == T0 + CLOCK_DAY_MS);
    assert_true(paused->sending_changed_at == T0);
}

static void a_pause_ends_when_its_end_has_come_and_not_before(void **state)
{
    Scratch *self = *state;
    assert_true(
        smtp_sending_write(self->db, ORG, FALSE, "holiday", T0 + 100, "anna@example.de", T0, NULL));
    assert_true(smtp_pauses_end(self->db, T0 + 99, NULL));
    g_autoptr(SmtpState) paused = read_state(self);
    assert_false(paused->sending_enabled);
    assert_true(smtp_pauses_end(self->db, T0 + 100, NULL));
    g_autoptr(SmtpState) resumed = read_state(self);
    assert_true(resumed->sending_enabled);
    assert_true(resumed->sending_until == 0);
    assert_string_equal(resumed->sending_changed_by, "schedule");

    assert_true(smtp_sending_write(self->db, ORG, FALSE, NULL, 0, "anna@example.de", T0, NULL));
    assert_true(smtp_pauses_end(self->db, T0 + CLOCK_DAY_MS, NULL)); /* without an end it stays */
    g_autoptr(SmtpState) still = read_state(self);
    assert_false(still->sending_enabled);
}

/* --- Password guard -------------------------------------------------------------------------- */

static const guint8 right[VAULT_FINGERPRINT_BYTES] = {1}, wrong[VAULT_FINGERPRINT_BYTES] = {2};

static LoginGuard guard_at(
    Scratch *self, const char *user, const guint8 *fingerprint, WallMs now, WallMs *free_at)
{
    LoginGuard guard;
    g_autoptr(GError) error = NULL;
    ok(login_guard_check(
           self->db, ORG, "mail.example.de", user, fingerprint, now, &guard, free_at, &error),
        error);
    return guard;
}

static void refuse_login(Scratch *self, const guint8 *fingerprint, WallMs now)
{
    g_autoptr(GError) error = NULL;
    ok(login_guard_record_failure(
           self->db, ORG, "mail.example.de", "anna", fingerprint, now, &error),
        error);
}

static void a_refused_password_is_not_sent_twice(void **state)
{
    Scratch *self = *state;
    WallMs free_at = -1;
    assert_int_equal(guard_at(self, "anna", wrong, T0, &free_at), LOGIN_GUARD_FREE);
    assert_true(free_at == 0);
    refuse_login(self, wrong, T0);
    assert_int_equal(guard_at(self, "anna", wrong, T0 + 1, &free_at), LOGIN_GUARD_SAME_PASSWORD);
    assert_true(free_at == T0 + CLOCK_HOUR_MS);
    assert_int_equal(guard_at(self, "anna", right, T0 + 1, &free_at), LOGIN_GUARD_FREE);
    assert_int_equal(guard_at(self, "bert", wrong, T0 + 1, &free_at), LOGIN_GUARD_FREE);
    assert_int_equal(guard_at(self, "anna", wrong, T0 + CLOCK_HOUR_MS, &free_at), LOGIN_GUARD_FREE);
}

static void ten_refusals_in_an_hour_are_enough(void **state)
{
    Scratch *self = *state;
    WallMs free_at;
    for (guint8 i = 0; i < LIMIT_LOGIN_FAILURES_PER_HOUR; i++) {
        const guint8 each[VAULT_FINGERPRINT_BYTES] = {(guint8)(10 + i)};
        assert_int_equal(guard_at(self, "anna", each, T0 + i, &free_at), LOGIN_GUARD_FREE);
        refuse_login(self, each, T0 + i);
    }
    assert_int_equal(guard_at(self, "anna", right, T0 + 100, &free_at), LOGIN_GUARD_TOO_MANY);
    assert_true(free_at == T0 + CLOCK_HOUR_MS); /* the oldest of the ten is an hour old */
    assert_int_equal(guard_at(self, "anna", right, free_at - 1, &free_at), LOGIN_GUARD_TOO_MANY);
    assert_int_equal(guard_at(self, "anna", right, T0 + CLOCK_HOUR_MS, &free_at), LOGIN_GUARD_FREE);
    refuse_login(self, wrong, T0 + 2 * CLOCK_HOUR_MS);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM login_failures"), 1);
}

static void a_success_forgives_what_was_refused_before(void **state)
{
    Scratch *self = *state;
    WallMs free_at;
    for (guint i = 0; i < LIMIT_LOGIN_FAILURES_PER_HOUR; i++)
        refuse_login(self, wrong, T0);
    assert_true(login_guard_record_success(self->db, ORG, "mail.example.de", "bert", NULL));
    assert_int_equal(guard_at(self, "anna", right, T0, &free_at), LOGIN_GUARD_TOO_MANY);
    assert_true(login_guard_record_success(self->db, ORG, "mail.example.de", "anna", NULL));
    assert_int_equal(guard_at(self, "anna", right, T0, &free_at), LOGIN_GUARD_FREE);
    assert_int_equal(guard_at(self, "anna", wrong, T0, &free_at), LOGIN_GUARD_FREE);
}

static void states_have_their_api_names(void **state)
{
    assert_string_equal(health_name(HEALTH_CREDENTIAL_FAULT), "credential_fault");
    assert_string_equal(health_name(HEALTH_UNKNOWN), "unknown");
    assert_string_equal(verification_state_name(VERIFICATION_CANCELLED), "cancelled");
    assert_string_equal(phase_state_name(PHASE_SKIPPED), "skipped");
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_new_organisation_is_paused_and_unconfigured),
        SCRATCH_TEST(a_draft_comes_back_with_every_field),
        SCRATCH_TEST(an_account_comes_back_from_draft_active_and_history),
        SCRATCH_TEST(nothing_becomes_active_without_what_it_signs_in_with),
        SCRATCH_TEST(a_rotated_refresh_token_is_replaced_wherever_it_is_kept),
        SCRATCH_TEST(settings_of_an_older_database_stay_as_they_are),
        SCRATCH_TEST(an_empty_field_stays_empty),
        SCRATCH_TEST(a_change_on_an_old_revision_is_refused),
        SCRATCH_TEST(activating_replaces_the_draft_and_heals),
        SCRATCH_TEST(incomplete_settings_never_become_active),
        SCRATCH_TEST(a_forgotten_draft_is_deleted),
        SCRATCH_TEST(the_gate_names_the_first_obstacle),
        SCRATCH_TEST(health_is_written_when_it_differs_and_is_about_these_settings),
        SCRATCH_TEST(the_switch_keeps_who_why_and_until),
        SCRATCH_TEST(a_pause_ends_when_its_end_has_come_and_not_before),
        SCRATCH_TEST(a_refused_password_is_not_sent_twice),
        SCRATCH_TEST(ten_refusals_in_an_hour_are_enough),
        SCRATCH_TEST(a_success_forgives_what_was_refused_before),
        SCRATCH_TEST(states_have_their_api_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
