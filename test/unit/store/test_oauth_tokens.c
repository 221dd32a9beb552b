#include "mails.h"

#include "store/dates.h"
#include "store/oauth_tokens.h"
#include "store/rewrap.h"

static void keep(Scratch *self, const char *sealed, const char *scope, WallMs at)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(sealed, strlen(sealed));
    const OauthTokenRow row = {.sealed = bytes,
        .scope = (char *)scope,
        .server = (char *)"login.example",
        .fetched_at = at,
        .expires_at = at + 1000};
    ok(oauth_token_row_write(self->db, ORG, &row, &error), error);
}

static OauthTokenRow *kept(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    OauthTokenRow *row = oauth_token_row_read(self->db, ORG, &error);
    assert_null(error);
    return row;
}

static void the_last_one_is_kept_alone(void **state)
{
    Scratch *self = *state;
    assert_null(kept(self));
    keep(self, "one", NULL, T0);
    keep(self, "two", "mail.send", T0 + 5);
    g_autoptr(OauthTokenRow) row = kept(self);
    assert_non_null(row);
    gsize n = 0;
    assert_memory_equal(g_bytes_get_data(row->sealed, &n), "two", 3);
    assert_int_equal(n, 3);
    assert_string_equal(row->scope, "mail.send");
    assert_string_equal(row->server, "login.example");
    assert_int_equal(row->fetched_at, T0 + 5);
    assert_int_equal(row->expires_at, T0 + 1005);
}

static gsize size_of(const OauthTokenRow *row)
{
    return g_bytes_get_size(row->sealed);
}

static void what_has_ended_goes_but_when_it_was_fetched_stays(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    WallMs used_at = 0;
    keep(self, "one", NULL, T0);
    ok(oauth_tokens_tidy(self->db, T0 + 999, &error), error);
    g_autoptr(OauthTokenRow) row = kept(self);
    assert_int_equal(size_of(row), 3);
    ok(oauth_tokens_tidy(self->db, T0 + 1000, &error), error);
    g_autoptr(OauthTokenRow) empty = kept(self);
    assert_int_equal(size_of(empty), 0);
    ok(dates_sign_in_used_at(self->db, ORG, &used_at, &error), error);
    assert_true(used_at == T0);
    keep(self, "two", NULL, T0 + 2000);
    g_autoptr(OauthTokenRow) next = kept(self);
    assert_int_equal(size_of(next), 3);
}

static void an_ended_one_is_under_no_key(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_auto(RewrapCursor) cursor = {0};
    gboolean found = TRUE, failed = FALSE;
    keep(self, "not sealed with any key at all", NULL, T0);
    ok(oauth_tokens_tidy(self->db, T0 + 1000, &error), error);
    g_autoptr(GArray) counts = rewrap_counts(self->db, &error);
    ok(counts, error);
    assert_int_equal(counts->len, 0);
    ok(rewrap_next(self->db, self->vault, &cursor, &found, &failed, &error), error);
    assert_false(found);
    assert_false(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_last_one_is_kept_alone),
        SCRATCH_TEST(what_has_ended_goes_but_when_it_was_fetched_stays),
        SCRATCH_TEST(an_ended_one_is_under_no_key),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
