#include "../vault/first_format.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/key_records.h"
#include "store/keys.h"
#include "store/rewrap.h"
#include "store/settings_columns.h"
#include "store/smtp_settings.h"
#include "vault/keks.h"

#include <sodium.h>

#define ORG STORE_DEFAULT_ORG

/* --- Helpers -----------------------------------------------------------------------------------
 */

static VaultBinding *bind(void)
{
    return vault_binding_new("test");
}

static GBytes *seal(Vault *vault, const char *text)
{
    g_autoptr(VaultBinding) binding = bind();
    g_autoptr(Secret) secret = secret_new(text, strlen(text));
    return vault_seal(vault, binding, secret);
}

static void assert_opens(Vault *vault, GBytes *sealed, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultBinding) binding = bind();
    g_autoptr(Secret) opened = vault_unseal(vault, binding, sealed, &error);
    ok(opened, error);
    assert_string_equal(secret_reveal(opened, NULL), text);
}

static void rotate(Vault *vault, guint8 old[VAULT_KEK_ID_BYTES], guint8 new[VAULT_KEK_ID_BYTES])
{
    g_autoptr(GError) error = NULL;
    vault_kek_id(vault, old);
    ok(vault_kek_add(vault, new, &error), error);
    ok(vault_kek_activate(vault, new, &error), error);
}

static gint64 count_under(Db *db, const guint8 *kek_id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) counts = rewrap_counts(db, &error);
    ok(counts, error);
    return rewrap_count_of(counts, kek_id);
}

/* All of them; how many did not open. */
static guint rewrap_all(Scratch *self)
{
    g_auto(RewrapCursor) cursor = {0};
    gboolean found = TRUE, failed = FALSE;
    guint n_failed = 0;
    while (found) {
        g_autoptr(GError) error = NULL;
        ok(rewrap_next(self->db, self->vault, &cursor, &found, &failed, &error), error);
        n_failed += failed ? 1 : 0;
    }
    return n_failed;
}

/* Something sealed in every place there is, as many as places. */
static void fill_settings(Scratch *self)
{
    g_autoptr(GBytes) a = seal(self->vault, "a"), b = seal(self->vault, "b"),
                      c = seal(self->vault, "c"), d = seal(self->vault, "d"),
                      e = seal(self->vault, "e");
    GBytes *values[] = {a, b, c, d, e};
    g_autoptr(DbQuery) slot = db_query(self->db,
        "INSERT INTO smtp_slots (org_id, slot, max_connections, send_window, quota_per_minute, "
        "quota_per_hour, quota_per_day, password_sealed, oauth_client_secret_sealed, "
        "oauth_private_key_sealed, oauth_service_account_sealed, oauth_refresh_token_sealed) "
        "VALUES (1, 1, 1, 1, 0, 0, 0, $1, $2, $3, $4, $5)");
    g_autoptr(DbQuery) history = db_query(self->db,
        "INSERT INTO smtp_history (org_id, id, config_version, host, from_email, max_connections, "
        "send_window, quota_per_minute, quota_per_hour, quota_per_day, activated_at, "
        "password_sealed, oauth_client_secret_sealed, oauth_private_key_sealed, "
        "oauth_service_account_sealed, oauth_refresh_token_sealed) "
        "VALUES (1, zeroblob(16), 1, 'h', 'f', 1, 1, 0, 0, 0, 1, $1, $2, $3, $4, $5)");
    for (int i = 0; i < 5; i++) {
        db_bind_bytes(slot, i + 1, values[i]);
        db_bind_bytes(history, i + 1, values[i]);
    }
    g_autoptr(GError) error = NULL;
    ok(db_finish(slot, &error), error);
    ok(db_finish(history, &error), error);
}

static void fill_others(Scratch *self)
{
    g_autoptr(GBytes) token = seal(self->vault, "token"), secret = seal(self->vault, "secret");
    g_autoptr(DbQuery) tokens = db_query(self->db,
        "INSERT INTO oauth_tokens (org_id, sealed, server, fetched_at, expires_at) "
        "VALUES (1, $1, 'login.example.de', 1, 2)");
    db_bind_bytes(tokens, 1, token);
    g_autoptr(DbQuery) webhooks = db_query(self->db,
        "INSERT INTO webhooks (org_id, id, url, events, secret_sealed, is_enabled, created_at) "
        "VALUES (1, zeroblob(16), 'https://example.de/', 1, $1, 1, 1)");
    db_bind_bytes(webhooks, 1, secret);
    g_autoptr(GBytes) fingerprints = vault_fingerprint_key_make(self->vault, TRUE);
    g_autoptr(DbQuery) fingerprint =
        db_query(self->db, "INSERT INTO fingerprint_key (row, wrapped) VALUES (1, $1)");
    db_bind_bytes(fingerprint, 1, fingerprints);
    g_autoptr(GError) error = NULL;
    ok(db_finish(tokens, &error), error);
    ok(db_finish(webhooks, &error), error);
    ok(db_finish(fingerprint, &error), error);
    ok(day_key_for_sealing(self->db, self->vault, ORG, 7, &error), error);
}

static void fill(Scratch *self)
{
    fill_settings(self);
    fill_others(self);
}

/* --- What is known ------------------------------------------------------------------------------
 */

static gboolean is_rewrapped(const char *table, const char *column)
{
    for (guint i = 0; i < rewrap_n_columns(); i++) {
        SealedColumn known;
        rewrap_column(i, &known);
        if (strcmp(known.table, table) == 0 && strcmp(known.column, column) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Bytes that no key of the key file has sealed: ids, hashes, and what is under a day key. */
static gboolean is_not_sealed(const char *column)
{
    static const char *const names[] = {"id", "kek_id", "hash", "token_hash", "body_hash",
        "fingerprint", "ids", "email_id", "content", "record", NULL};
    return g_strv_contains(names, column);
}

static void every_column_that_holds_something_sealed_is_known(void **state)
{
    Scratch *self = *state;
    guint n = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(DbQuery) q = db_query(self->db,
        "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND c.type = 'BLOB'");
    while (db_next(q)) {
        gboolean is_known = is_rewrapped(db_text(q, 0), db_text(q, 1));
        if (!is_known && !is_not_sealed(db_text(q, 1)))
            fail_msg(
                "%s.%s: is it sealed? Then rewrap.c must know it", db_text(q, 0), db_text(q, 1));
        n += is_known ? 1 : 0;
    }
    ok(db_finish(q, &error), error);
    assert_int_equal(n, rewrap_n_columns());
}

/* --- Sealing anew -------------------------------------------------------------------------------
 */

static void every_value_is_put_under_the_key_in_use_and_opens_as_before(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    fill(self);
    rotate(self->vault, old, new);
    assert_int_equal(count_under(self->db, old), rewrap_n_columns());
    assert_int_equal(rewrap_all(self), 0);
    assert_int_equal(count_under(self->db, old), 0);
    assert_int_equal(count_under(self->db, new), rewrap_n_columns());

    static const char *const texts[] = {"a", "b", "c", "d", "e"};
    g_autoptr(GError) error = NULL;
    g_autoptr(DbQuery) q = db_query(self->db,
        "SELECT password_sealed, oauth_client_secret_sealed, oauth_private_key_sealed, "
        "oauth_service_account_sealed, oauth_refresh_token_sealed FROM smtp_slots UNION ALL "
        "SELECT password_sealed, oauth_client_secret_sealed, oauth_private_key_sealed, "
        "oauth_service_account_sealed, oauth_refresh_token_sealed FROM smtp_history");
    while (db_next(q)) {
        for (int i = 0; i < 5; i++) {
            g_autoptr(GBytes) value = db_dup_bytes(q, i);
            assert_opens(self->vault, value, texts[i]);
        }
    }
    ok(db_finish(q, &error), error);
    assert_int_equal(
        scratch_number(self, "SELECT kek_id = substr(wrapped, 5, 16) FROM day_keys"), 1);
}

static void a_day_key_opens_its_bodies_after_it_moved(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(VaultBinding) binding = bind();
    g_autoptr(GError) error = NULL;
    const VaultKey *key = day_key_for_sealing(self->db, self->vault, ORG, 7, &error);
    ok(key, error);
    g_autoptr(GBytes) body = vault_key_seal(key, binding, "Hello", 5);
    rotate(self->vault, old, new);
    assert_int_equal(rewrap_all(self), 0);
    ok(vault_kek_retire(self->vault, old, &error), error);
    g_clear_pointer(&self->db->keys, day_keys_free);
    key = day_key_for_opening(self->db, self->vault, ORG, 7, &error);
    ok(key, error);
    g_autoptr(GBytes) opened = vault_key_unseal(key, binding, body, &error);
    ok(opened, error);
    assert_memory_equal(g_bytes_get_data(opened, NULL), "Hello", 5);
}

static void a_value_that_does_not_open_is_passed_over_and_counted(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    fill(self);
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db,
           "UPDATE smtp_history SET password_sealed = CAST(substr(password_sealed, 1, 40) || "
           "randomblob(12) || substr(password_sealed, 53) AS BLOB)",
           &error),
        error);
    rotate(self->vault, old, new);
    assert_int_equal(rewrap_all(self), 1);
    assert_int_equal(count_under(self->db, old), 1);
    assert_int_equal(count_under(self->db, new), rewrap_n_columns() - 1);
}

static void a_password_of_the_first_format_moves_too(void **state)
{
    Scratch *self = *state;
    g_autofree char *path = g_build_filename(self->folder, "old-key", NULL);
    assert_true(
        g_file_set_contents_full(path, first_format_key, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_autoptr(GError) error = NULL;
    vault_free(self->vault);
    self->vault = vault_open(path, FALSE, &error);
    ok(self->vault, error);
    vault_set_instance(self->vault, (const guint8 *)FIRST_FORMAT_INSTANCE);
    guint8 bytes[512], old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    gsize n = 0;
    assert_int_equal(sodium_hex2bin(bytes, sizeof bytes, first_format_value,
                         strlen(first_format_value), NULL, &n, NULL),
        0);
    g_autoptr(SmtpSettings) draft = settings_new();
    draft->host = g_strdup("smtp.example.de");
    draft->from_email = g_strdup("anna@example.de");
    draft->password_sealed = g_bytes_new(bytes, n);
    draft->password_set_at = T0;
    gint64 revision = 0;
    ok(smtp_draft_write(self->db, ORG, draft, -1, T0, &revision, &error), error);

    rotate(self->vault, old, new);
    assert_int_equal(rewrap_all(self), 0);
    assert_int_equal(count_under(self->db, new), 1);
    ok(vault_kek_retire(self->vault, old, &error), error);
    g_autoptr(SmtpState) now = smtp_state_read(self->db, ORG, &error);
    ok(now, error);
    g_autoptr(Secret) password = settings_unseal_password(now->draft, self->vault, ORG, &error);
    ok(password, error);
    assert_string_equal(secret_reveal(password, NULL), "hunter2");
    assert_int_equal(now->revision, revision);
}

/* --- Retiring -----------------------------------------------------------------------------------
 */

static void a_key_is_retired_only_when_nothing_is_sealed_with_it(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    vault_kek_id(self->vault, old);
    ok(key_record_added(self->db, self->vault, old, T0, &error), error);
    fill(self);
    rotate(self->vault, old, new);
    gint64 sealed = 0;
    refused(key_record_retired(self->db, old, T0, &sealed, error_out), ABS_ERROR_CONFLICT);
    assert_int_equal(sealed, rewrap_n_columns());
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM retired_keys"), 0);
    rewrap_all(self);
    ok(key_record_retired(self->db, old, T0, &sealed, &error), error);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM retired_keys"), 1);
}

static void what_comes_late_under_a_retired_key_is_refused_everywhere(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    vault_kek_id(self->vault, old);
    ok(key_record_added(self->db, self->vault, old, T0, &error), error);
    g_autoptr(GBytes) late = seal(self->vault, "late");
    rotate(self->vault, old, new);
    gint64 sealed = 0;
    fill(self);
    ok(key_record_retired(self->db, old, T0, &sealed, &error), error);
    static const struct {
        const char *name, *sql;
    } rows[] = {
        {"draft", "UPDATE smtp_slots SET password_sealed = $1"},
        {"draft's refresh token", "UPDATE smtp_slots SET oauth_refresh_token_sealed = $1"},
        {"history", "UPDATE smtp_history SET oauth_client_secret_sealed = $1"},
        {"webhook", "UPDATE webhooks SET secret_sealed = $1"},
        {"token", "UPDATE oauth_tokens SET sealed = $1"},
        {"new token",
            "INSERT OR REPLACE INTO oauth_tokens (org_id, sealed, server, fetched_at, expires_at) "
            "VALUES (1, $1, 's', 1, 2)"},
        {"new day", "INSERT INTO day_keys (org_id, day, kek_id, wrapped) "
                    "VALUES (1, 8, substr($1, 5, 16), $1)"},
        {"new slot",
            "INSERT OR REPLACE INTO smtp_slots (org_id, slot, max_connections, send_window, "
            "quota_per_minute, quota_per_hour, quota_per_day, password_sealed) "
            "VALUES (1, 1, 1, 1, 0, 0, 0, $1)"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) refusal = NULL;
        g_autoptr(DbQuery) q = db_query(self->db, rows[i].sql);
        db_bind_bytes(q, 1, late);
        if (db_finish(q, &refusal))
            fail_msg("%s: it was taken", rows[i].name);
    }
    assert_int_equal(count_under(self->db, old), 0);
}

/* --- At the start -------------------------------------------------------------------------------
 */

static Store *open_store(Scratch *self)
{
    g_clear_pointer(&self->db, db_close);
    StoreConfig config = {.path = self->path, .full_sync = TRUE};
    g_autofree char *warning = NULL;
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&config, &warning, &error);
    ok(store, error);
    return store;
}

static const KeyRecord *record_of(const GArray *records, const guint8 *kek_id)
{
    for (guint i = 0; i < records->len; i++) {
        const KeyRecord *record = &g_array_index(records, KeyRecord, i);
        if (memcmp(record->kek_id, kek_id, VAULT_KEK_ID_BYTES) == 0)
            return record;
    }
    fail_msg("there is no record of the key");
    return NULL;
}

static GArray *records_of(Store *store, Vault *vault)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(store);
    GArray *records = key_records_list(db, vault, &error);
    store_reader_give(store, db);
    ok(records, error);
    return records;
}

static void keys_have_a_state_and_an_age(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    guint8 first[VAULT_KEK_ID_BYTES], second[VAULT_KEK_ID_BYTES], third[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    ok(store_check_key(store, self->vault, &error), error);
    rotate(self->vault, first, second);
    ok(store_check_key(store, self->vault, &error), error);
    ok(vault_kek_add(self->vault, third, &error), error);
    ok(store_check_key(store, self->vault, &error), error);
    g_autoptr(GArray) records = records_of(store, self->vault);
    assert_int_equal(records->len, 3);
    assert_int_equal(record_of(records, first)->state, KEY_RETIRING);
    assert_int_equal(record_of(records, first)->sealed, 1); /* the key of fingerprints */
    assert_int_equal(record_of(records, second)->state, KEY_ACTIVE);
    assert_int_equal(record_of(records, third)->state, KEY_READY);
    assert_in_range(record_of(records, third)->created_at, T0, G_MAXINT64);
    store_close(store);
}

static void the_thread_goes_on_where_a_death_left_it(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    fill(self);
    rotate(self->vault, old, new);
    g_auto(RewrapCursor) cursor = {0};
    gboolean found = FALSE, failed = FALSE;
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < 4; i++)
        ok(rewrap_next(self->db, self->vault, &cursor, &found, &failed, &error), error);
    assert_int_equal(count_under(self->db, old), rewrap_n_columns() - 4);

    Store *store = open_store(self);
    Rewrap *rewrap = rewrap_new(store, self->vault);
    gint64 left = 1;
    for (guint i = 0; i < 500 && left > 0; i++) {
        g_usleep(10 * 1000);
        Db *db = store_reader_take(store);
        left = count_under(db, old);
        store_reader_give(store, db);
    }
    assert_int_equal(left, 0);
    rewrap_stop(rewrap);
    rewrap_free(rewrap);
    store_close(store);
}

static gboolean refuse_webhooks(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "CREATE TRIGGER full BEFORE UPDATE ON webhooks BEGIN SELECT raise(ABORT, 'full'); END",
        error);
}

static gboolean take_webhooks(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "DROP TRIGGER full", error);
}

/* The values left under this key when there are no more than `enough`, or after `most_s`. */
static gint64 wait_for_rest(Store *store, const guint8 *kek_id, gint64 enough, guint most_s)
{
    gint64 left = G_MAXINT64;
    for (guint i = 0; i < 100 * most_s && left > enough; i++) {
        g_usleep(10 * 1000);
        Db *db = store_reader_take(store);
        left = count_under(db, kek_id);
        store_reader_give(store, db);
    }
    return left;
}

static void the_thread_comes_back_to_what_it_could_not_write(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    fill(self);
    rotate(self->vault, old, new);
    Store *store = open_store(self);
    ok(store_run(store, refuse_webhooks, NULL, &error), error);
    Rewrap *rewrap = rewrap_new(store, self->vault);
    gint64 before_webhooks = wait_for_rest(store, old, 3, 10);
    assert_int_equal(before_webhooks, 3); /* the webhook, and the two columns behind it */
    assert_int_equal(wait_for_rest(store, old, 0, 1), 3);
    ok(store_run(store, take_webhooks, NULL, &error), error);
    assert_int_equal(wait_for_rest(store, old, 0, 10), 0);
    rewrap_stop(rewrap);
    rewrap_free(rewrap);
    store_close(store);
}

static void a_thread_at_rest_stops_at_once(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    fill(self);
    rotate(self->vault, old, new);
    Store *store = open_store(self);
    ok(store_run(store, refuse_webhooks, NULL, &error), error);
    Rewrap *rewrap = rewrap_new(store, self->vault);
    assert_int_equal(wait_for_rest(store, old, 3, 10), 3);
    g_usleep(50 * 1000);
    gint64 begun = g_get_monotonic_time();
    rewrap_free(rewrap);
    assert_in_range(g_get_monotonic_time() - begun, 0, G_TIME_SPAN_SECOND / 2);
    store_close(store);
}

static void a_key_that_is_needed_and_not_there_is_named(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    ok(store_check_key(store, self->vault, &error), error);
    rotate(self->vault, old, new);
    ok(vault_kek_retire(self->vault, old, &error), error);
    g_autofree char *path = g_build_filename(self->folder, "key", NULL);
    g_autoptr(Vault) without = vault_open(path, FALSE, &error);
    ok(without, error);
    vault_set_instance(without, store_instance(store));
    g_autoptr(GError) refusal = NULL;
    assert_false(store_check_key(store, without, &refusal));
    assert_true(g_error_matches(refusal, ABS_ERROR, ABS_ERROR_SECRET));
    g_autofree char *id = vault_kek_id_dup(old);
    assert_non_null(strstr(refusal->message, id));
    store_close(store);
}

static void a_key_that_seals_nothing_may_leave_the_file(void **state)
{
    Scratch *self = *state;
    Store *store = open_store(self);
    guint8 spare[VAULT_KEK_ID_BYTES];
    g_autoptr(GError) error = NULL;
    ok(vault_kek_add(self->vault, spare, &error), error);
    ok(store_check_key(store, self->vault, &error), error);
    ok(vault_kek_retire(self->vault, spare, &error), error);
    ok(store_check_key(store, self->vault, &error), error);
    store_close(store);
    scratch_connect(self);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM retired_keys"), 1);
}

static void refused_passwords_are_known_after_a_rotation(void **state)
{
    Scratch *self = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    guint8 before[VAULT_FINGERPRINT_BYTES], after[VAULT_FINGERPRINT_BYTES];
    g_autoptr(Secret) password = secret_new("hunter2", 7);
    g_autoptr(GError) error = NULL;
    /* As a version before this one left it: a refusal under the key itself. */
    vault_fingerprint(self->vault, LOGIN_GUARD_PURPOSE, password, before);
    ok(login_guard_record_failure(self->db, ORG, "h", "u", before, T0, &error), error);
    Store *store = open_store(self);
    ok(store_check_key(store, self->vault, &error), error);
    rotate(self->vault, old, new);
    store_close(store);
    scratch_connect(self);
    assert_int_equal(rewrap_all(self), 0);
    store = open_store(self);
    g_autofree char *path = g_build_filename(self->folder, "key", NULL);
    g_autoptr(Vault) again = vault_open(path, FALSE, &error);
    ok(again, error);
    static const guint8 instance[VAULT_INSTANCE_BYTES] = {1};
    vault_set_instance(again, instance);
    ok(store_check_key(store, again, &error), error);
    vault_fingerprint(again, LOGIN_GUARD_PURPOSE, password, after);
    assert_memory_equal(before, after, sizeof before);
    store_close(store);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_column_that_holds_something_sealed_is_known),
        SCRATCH_TEST(every_value_is_put_under_the_key_in_use_and_opens_as_before),
        SCRATCH_TEST(a_day_key_opens_its_bodies_after_it_moved),
        SCRATCH_TEST(a_value_that_does_not_open_is_passed_over_and_counted),
        SCRATCH_TEST(a_password_of_the_first_format_moves_too),
        SCRATCH_TEST(a_key_is_retired_only_when_nothing_is_sealed_with_it),
        SCRATCH_TEST(what_comes_late_under_a_retired_key_is_refused_everywhere),
        SCRATCH_TEST(keys_have_a_state_and_an_age),
        SCRATCH_TEST(the_thread_goes_on_where_a_death_left_it),
        SCRATCH_TEST(the_thread_comes_back_to_what_it_could_not_write),
        SCRATCH_TEST(a_thread_at_rest_stops_at_once),
        SCRATCH_TEST(a_key_that_is_needed_and_not_there_is_named),
        SCRATCH_TEST(a_key_that_seals_nothing_may_leave_the_file),
        SCRATCH_TEST(refused_passwords_are_known_after_a_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
