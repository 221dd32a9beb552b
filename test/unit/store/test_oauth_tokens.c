#include "mails.h"

#include "store/oauth_tokens.h"

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

static void what_has_ended_goes(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    keep(self, "one", NULL, T0);
    ok(oauth_tokens_tidy(self->db, T0 + 999, &error), error);
    g_autoptr(OauthTokenRow) row = kept(self);
    assert_non_null(row);
    ok(oauth_tokens_tidy(self->db, T0 + 1000, &error), error);
    assert_null(kept(self));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_last_one_is_kept_alone),
        SCRATCH_TEST(what_has_ended_goes),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
