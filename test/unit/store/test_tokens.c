/* Tokens with their limits, and what they have handed over. */
#include "base/limits.h"
#include "scratch.h"
#include "store/tokens.h"

#define ORG STORE_DEFAULT_ORG
#define OTHER_ORG 2

/* Some whole minute. */
#define M0 (T0 - T0 % CLOCK_MINUTE_MS)

static Token *make(Scratch *self, guint8 mark)
{
    Token token = {.org_id = ORG,
        .id = scratch_id(self, T0 + mark),
        .hash = {mark},
        .name = (char *)"Shop",
        .hint = (char *)"abs_1234",
        .scopes = PEOPLE_SCOPE_EMAILS_SEND,
        .from_addresses = (char *)"[\"shop@example.de\"]",
        .quota = {1, 2, 3},
        .created_by = (char *)"anna@example.de",
        .created_at = T0};
    g_autoptr(GError) error = NULL;
    ok(token_insert(self->db, &token, &token.row, &error), error);
    Token *made = token_get(self->db, ORG, &token.id, &error);
    ok(made, error);
    assert_int_equal(made->row, token.row);
    return made;
}

static void a_token_is_read_as_it_was_written(void **state)
{
    Scratch *self = *state;
    g_autoptr(Token) token = make(self, 1);
    assert_string_equal(token->from_addresses, "[\"shop@example.de\"]");
    assert_null(token->networks);
    assert_int_equal(token->quota.per_minute, 1);
    assert_int_equal(token->quota.per_hour, 2);
    assert_int_equal(token->quota.per_day, 3);
    assert_string_equal(token->created_by, "anna@example.de");
    assert_int_equal(token->hash[0], 1);
}

static void a_change_is_written_and_told(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Token) token = make(self, 1);
    g_autoptr(Token) neighbour = make(self, 2);
    scratch_forget_changes(self);
    g_free(token->name);
    token->name = g_strdup("Till");
    g_clear_pointer(&token->from_addresses, g_free);
    token->networks = g_strdup("[\"10.0.0.0/8\"]");
    token->quota = (QuotaLimits){0, 0, 7};
    token->expires_at = T0 + 1000;
    ok(token_write(self->db, token, &error), error);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_CREDENTIALS), 1);
    g_autoptr(Token) read = token_get(self->db, ORG, &token->id, &error);
    assert_string_equal(read->name, "Till");
    assert_null(read->from_addresses);
    assert_string_equal(read->networks, "[\"10.0.0.0/8\"]");
    assert_int_equal(read->quota.per_minute, 0);
    assert_int_equal(read->quota.per_day, 7);
    assert_true(read->expires_at == T0 + 1000);
    g_autoptr(Token) other = token_get(self->db, ORG, &neighbour->id, &error);
    assert_string_equal(other->name, "Shop");
}

static void another_organisation_sees_and_changes_nothing(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Token) token = make(self, 1);
    refused(!!token_get(self->db, OTHER_ORG, &token->id, error_out), ABS_ERROR_NOT_FOUND);
    token->org_id = OTHER_ORG;
    refused(token_write(self->db, token, error_out), ABS_ERROR_NOT_FOUND);
    refused(token_revoke(self->db, OTHER_ORG, &token->id, T0, error_out), ABS_ERROR_NOT_FOUND);
    assert_null(token_name_by_row(self->db, OTHER_ORG, token->row));
    gint64 n = -1;
    ok(tokens_count(self->db, OTHER_ORG, &n, &error), error);
    assert_int_equal(n, 0);
}

static void a_revoked_token_keeps_nothing_but_its_name(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Token) token = make(self, 1);
    ok(token_revoke(self->db, ORG, &token->id, T0, &error), error);
    refused(!!token_get(self->db, ORG, &token->id, error_out), ABS_ERROR_NOT_FOUND);
    refused(token_write(self->db, token, error_out), ABS_ERROR_NOT_FOUND);
    gint64 n = -1;
    ok(tokens_count(self->db, ORG, &n, &error), error);
    assert_int_equal(n, 0);
    g_autofree char *name = token_name_by_row(self->db, ORG, token->row);
    assert_string_equal(name, "Shop");
}

/* --- What was handed over -------------------------------------------------------------------- */

static void add(Scratch *self, gint64 row, WallMs at, guint n)
{
    g_autoptr(GError) error = NULL;
    ok(token_use_add(self->db, ORG, row, at, n, &error), error);
}

static guint used(GHashTable *uses, gint64 row, WallMs now, guint window)
{
    static const QuotaLimits all = {1, 1, 1};
    QuotaWindow windows[QUOTA_WINDOWS];
    const Quota *quota = g_hash_table_lookup(uses, &row);
    assert_non_null(quota);
    quota_read(quota, &all, now, windows);
    return windows[window].used;
}

static void use_is_summed_by_the_minute_and_read_by_token(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Token) shop = make(self, 1);
    g_autoptr(Token) till = make(self, 2);
    g_autoptr(Token) idle = make(self, 3);
    add(self, shop->row, M0 - 30 * CLOCK_MINUTE_MS, 5);
    add(self, shop->row, M0, 1);
    add(self, shop->row, M0 + 59999, 2);
    add(self, shop->row, M0, 0);
    add(self, till->row, M0 - 23 * CLOCK_HOUR_MS, 7);
    add(self, till->row, M0 - 26 * CLOCK_HOUR_MS, 100);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM token_use_by_minute"), 4);
    g_autoptr(GHashTable) uses = token_use_read(self->db, M0 + 59999, &error);
    ok(uses, error);
    assert_int_equal(used(uses, shop->row, M0 + 59999, 0), 3);
    assert_int_equal(used(uses, shop->row, M0 + 59999, 1), 8);
    assert_int_equal(used(uses, till->row, M0 + 59999, 1), 0);
    assert_int_equal(used(uses, till->row, M0 + 59999, 2), 7);
    assert_false(g_hash_table_contains(uses, &idle->row));
}

static void minutes_that_count_no_more_are_removed(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Token) token = make(self, 1);
    add(self, token->row, M0, 1);
    add(self, token->row, M0 - CLOCK_DAY_MS, 1);
    add(self, token->row, M0 - CLOCK_DAY_MS - 11 * CLOCK_MINUTE_MS, 1);
    add(self, token->row, M0 + CLOCK_DAY_MS, 1); /* the clock was put back */
    ok(token_use_tidy(self->db, M0, &error), error);
    assert_int_equal(scratch_number(self, "SELECT SUM(n) FROM token_use_by_minute"), 2);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        CASE(a_token_is_read_as_it_was_written),
        CASE(a_change_is_written_and_told),
        CASE(another_organisation_sees_and_changes_nothing),
        CASE(a_revoked_token_keeps_nothing_but_its_name),
        CASE(use_is_summed_by_the_minute_and_read_by_token),
        CASE(minutes_that_count_no_more_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
