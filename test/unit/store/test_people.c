/* Members, sessions, tokens, the setup token; and the sandbox's captured mails. */
#include "base/limits.h"
#include "scratch.h"
#include "store/captures.h"
#include "store/people.h"

#define ORG STORE_DEFAULT_ORG

static gint64 add_member(Scratch *self, const char *email)
{
    Member member = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .email = (char *)email,
        .name = (char *)"Anna",
        .role = PEOPLE_ROLE_ORG_ADMIN,
        .password_hash = (char *)"$argon2id$…",
        .language = (char *)"de",
        .created_at = T0};
    gint64 row = 0;
    g_autoptr(GError) error = NULL;
    ok(member_insert(self->db, &member, &row, &error), error);
    return row;
}

/* --- Members --------------------------------------------------------------------------------- */

static void a_member_is_found_by_address_in_any_case(void **state)
{
    Scratch *self = *state;
    gint64 row = add_member(self, "Anna@Example.de"), n = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) found = member_by_email(self->db, "anna@example.DE", &error);
    ok(found, error);
    assert_int_equal(found->row, row);
    assert_string_equal(found->email, "Anna@Example.de");
    assert_string_equal(found->name, "Anna");
    assert_string_equal(found->language, "de");
    assert_string_equal(found->password_hash, "$argon2id$…");
    assert_int_equal(found->role, PEOPLE_ROLE_ORG_ADMIN);
    g_autoptr(Member) by_row = member_by_row(self->db, row, &error);
    assert_true(id_equal(&by_row->id, &found->id));
    g_autoptr(Member) none = member_by_email(self->db, "bert@example.de", &error);
    assert_null(none);
    assert_null(error);
    ok(members_count(self->db, ORG, &n, &error), error);
    assert_int_equal(n, 1);
}

static void an_address_is_taken_once(void **state)
{
    Scratch *self = *state;
    add_member(self, "anna@example.de");
    Member again = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .email = (char *)"ANNA@example.de",
        .role = PEOPLE_ROLE_MEMBER};
    gint64 row;
    refused(member_insert(self->db, &again, &row, error_out), ABS_ERROR_CONFLICT);
}

/* --- Setup token ----------------------------------------------------------------------------- */

static void the_setup_token_opens_once_and_only_the_empty_house(void **state)
{
    Scratch *self = *state;
    static const guint8 old[PEOPLE_HASH_BYTES] = {1}, token[PEOPLE_HASH_BYTES] = {2},
                        other[PEOPLE_HASH_BYTES] = {3};
    WallMs until = T0 + LIMIT_SETUP_TOKEN_MS;
    g_autoptr(GError) error = NULL;
    refused(setup_token_redeem(self->db, token, T0, error_out), ABS_ERROR_DENIED);
    ok(setup_token_write(self->db, old, until, &error), error);
    ok(setup_token_write(self->db, token, until, &error), error);
    refused(setup_token_redeem(self->db, old, T0, error_out), ABS_ERROR_DENIED);
    refused(setup_token_redeem(self->db, other, T0, error_out), ABS_ERROR_DENIED);
    refused(setup_token_redeem(self->db, token, until, error_out), ABS_ERROR_DENIED);
    ok(setup_token_redeem(self->db, token, until - 1, &error), error);
    refused(setup_token_redeem(self->db, token, T0, error_out), ABS_ERROR_DENIED);

    ok(setup_token_write(self->db, token, until, &error), error);
    add_member(self, "anna@example.de");
    refused(setup_token_redeem(self->db, token, T0, error_out), ABS_ERROR_DENIED);
}

/* --- Sessions and tokens --------------------------------------------------------------------- */

static gint64 add_session(
    Scratch *self, gint64 member, guint8 mark, WallMs created_at, WallMs expires_at)
{
    Session session = {.org_id = ORG,
        .member_row = member,
        .id = scratch_id(self, T0),
        .hash = {mark},
        .created_at = created_at,
        .expires_at = expires_at};
    gint64 row = 0;
    g_autoptr(GError) error = NULL;
    ok(session_insert(self->db, &session, NULL, &row, &error), error);
    return row;
}

static gint64 add_token(Scratch *self, guint8 mark, WallMs expires_at, Id *id)
{
    Token token = {.org_id = ORG,
        .id = scratch_id(self, T0 + mark),
        .hash = {mark},
        .name = (char *)"Shop",
        .hint = (char *)"abs_1234",
        .scopes = PEOPLE_SCOPE_EMAILS_SEND | PEOPLE_SCOPE_SMTP_READ,
        .created_at = T0,
        .expires_at = expires_at};
    gint64 row = 0;
    g_autoptr(GError) error = NULL;
    ok(token_insert(self->db, &token, &row, &error), error);
    if (id)
        *id = token.id;
    return row;
}

static void load(Scratch *self, WallMs now, GArray **sessions, GPtrArray **tokens)
{
    g_autoptr(GError) error = NULL;
    ok(credentials_load(self->db, now, sessions, tokens, &error), error);
}

static void only_live_credentials_are_loaded(void **state)
{
    Scratch *self = *state;
    gint64 anna = add_member(self, "anna@example.de");
    gint64 session = add_session(self, anna, 1, T0, T0 + LIMIT_SESSION_MS);
    add_session(self, anna, 2, T0, T0 + 1000);
    gint64 token = add_token(self, 3, 0, NULL);
    add_token(self, 4, T0 + 1000, NULL);
    Id revoked;
    add_token(self, 5, 0, &revoked);
    g_autoptr(GError) error = NULL;
    ok(token_revoke(self->db, ORG, &revoked, T0 + 1, &error), error);
    refused(token_revoke(self->db, ORG, &revoked, T0 + 2, error_out), ABS_ERROR_NOT_FOUND);
    assert_true(scratch_count_changes(self, STORE_CHANGED_CREDENTIALS) >= 6);

    static const struct {
        WallMs after;
        guint sessions, tokens;
    } rows[] = {{999, 2, 2}, {1000, 1, 1}, {LIMIT_SESSION_IDLE_MS, 0, 1}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GArray) sessions = NULL;
        g_autoptr(GPtrArray) tokens = NULL;
        load(self, T0 + rows[i].after, &sessions, &tokens);
        assert_int_equal(sessions->len, rows[i].sessions);
        assert_int_equal(tokens->len, rows[i].tokens);
    }
    g_autoptr(GArray) sessions = NULL;
    g_autoptr(GPtrArray) tokens = NULL;
    load(self, T0 + 1000, &sessions, &tokens);
    const Session *live = &g_array_index(sessions, Session, 0);
    assert_int_equal(live->row, session);
    assert_int_equal(live->member_row, anna);
    assert_int_equal(live->role, PEOPLE_ROLE_ORG_ADMIN); /* the member's, today */
    assert_int_equal(live->hash[0], 1);
    const Token *shop = tokens->pdata[0];
    assert_int_equal(shop->row, token);
    assert_int_equal(shop->hash[0], 3);
    assert_int_equal(shop->scopes, PEOPLE_SCOPE_EMAILS_SEND | PEOPLE_SCOPE_SMTP_READ);
    assert_string_equal(shop->hint, "abs_1234");
}

static void use_keeps_a_session_alive(void **state)
{
    Scratch *self = *state;
    gint64 anna = add_member(self, "anna@example.de");
    gint64 session = add_session(self, anna, 1, T0, T0 + LIMIT_SESSION_MS);
    gint64 token = add_token(self, 2, 0, NULL);
    g_autoptr(GArray) session_rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) token_rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_array_append_val(session_rows, session);
    g_array_append_val(token_rows, token);
    g_autoptr(GError) error = NULL;
    ok(credentials_touch(self->db, session_rows, token_rows, T0 + CLOCK_DAY_MS, &error), error);
    ok(credentials_touch(self->db, NULL, NULL, T0, &error), error);
    g_autoptr(GArray) sessions = NULL;
    g_autoptr(GPtrArray) tokens = NULL;
    load(self, T0 + LIMIT_SESSION_IDLE_MS, &sessions, &tokens);
    assert_int_equal(sessions->len, 1);
    assert_true(((Token *)tokens->pdata[0])->used_at == T0 + CLOCK_DAY_MS);
}

static void signing_out_ends_the_session_and_may_be_repeated(void **state)
{
    Scratch *self = *state;
    gint64 session =
        add_session(self, add_member(self, "anna@example.de"), 1, T0, T0 + LIMIT_SESSION_MS);
    scratch_forget_changes(self);
    for (guint i = 0; i < 2; i++)
        assert_true(session_delete(self->db, session, NULL));
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_CREDENTIALS), 1);
    g_autoptr(GArray) sessions = NULL;
    g_autoptr(GPtrArray) tokens = NULL;
    load(self, T0, &sessions, &tokens);
    assert_int_equal(sessions->len, 0);
}

static void old_sessions_are_removed_by_new_ones(void **state)
{
    Scratch *self = *state;
    gint64 anna = add_member(self, "anna@example.de");
    add_session(self, anna, 1, T0, T0 + 1000);
    add_session(self, anna, 2, T0, T0 + LIMIT_SESSION_MS);
    add_session(self, anna, 3, T0 + 1000, T0 + LIMIT_SESSION_MS);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM sessions"), 2);
}

static void tokens_are_listed_newest_first(void **state)
{
    Scratch *self = *state;
    for (guint8 i = 0; i < 3; i++)
        add_token(self, i, 0, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) tokens = tokens_list(self->db, ORG, &error);
    ok(tokens, error);
    assert_int_equal(tokens->len, 3);
    assert_int_equal(((Token *)tokens->pdata[0])->hash[0], 2);
    g_autoptr(GPtrArray) others = tokens_list(self->db, 2, &error);
    assert_int_equal(others->len, 0);
}

/* --- Captures -------------------------------------------------------------------------------- */

static Id add_capture(Scratch *self, guint i)
{
    g_autofree char *content = g_strdup_printf("Subject: %u\r\n\r\ncanary-0815\r\n", i);
    g_autofree char *subject = g_strdup_printf("%u", i);
    Capture capture = {.org_id = ORG,
        .id = scratch_id(self, T0 + i),
        .at = T0 + i,
        .sender = (char *)"shop@example.de",
        .recipients = (char *)"anna@example.com, bert@example.com",
        .subject = subject,
        .content = g_bytes_new(content, strlen(content))};
    g_autoptr(GError) error = NULL;
    ok(capture_insert(self->db, self->vault, &capture, &error), error);
    g_bytes_unref(capture.content);
    return capture.id;
}

static void a_captured_mail_comes_back(void **state)
{
    Scratch *self = *state;
    Id id = add_capture(self, 7);
    assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SANDBOX), 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(Capture) capture = capture_get(self->db, self->vault, ORG, &id, &error);
    ok(capture, error);
    assert_string_equal(capture->subject, "7");
    assert_string_equal(capture->recipients, "anna@example.com, bert@example.com");
    g_autoptr(GBytes) expected = g_bytes_new_static("Subject: 7\r\n\r\ncanary-0815\r\n", 27);
    assert_true(g_bytes_equal(capture->content, expected));
    assert_int_equal(capture->size_bytes, 27);
    assert_null(capture_get(self->db, self->vault, 2, &id, &error));
    assert_null(error);
    assert_int_equal(scratch_number(self, "SELECT instr(content, 'canary') FROM captures"), 0);
}

static void the_newest_captures_are_kept(void **state)
{
    Scratch *self = *state;
    enum { EXTRA = 7 };
    Id first = {{0}}, last = {{0}};
    assert_true(db_exec(self->db, "BEGIN", NULL));
    for (guint i = 0; i < LIMIT_SANDBOX_MESSAGES + EXTRA; i++) {
        last = add_capture(self, i);
        first = i == 0 ? last : first;
    }
    assert_true(db_exec(self->db, "COMMIT", NULL));
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM captures"), LIMIT_SANDBOX_MESSAGES);
    g_autoptr(GError) error = NULL;
    assert_null(capture_get(self->db, self->vault, ORG, &first, &error));

    guint seen = 0;
    gboolean more = TRUE;
    Id cursor = {{0}};
    while (more) {
        g_autoptr(GPtrArray) page =
            captures_list(self->db, ORG, 200, seen > 0 ? &cursor : NULL, &more, &error);
        ok(page, error);
        if (seen == 0)
            assert_true(id_equal(&((Capture *)page->pdata[0])->id, &last));
        cursor = ((Capture *)page->pdata[page->len - 1])->id;
        seen += page->len;
    }
    assert_int_equal(seen, LIMIT_SANDBOX_MESSAGES);
    ok(captures_clear(self->db, ORG, &error), error);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM captures"), 0);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_member_is_found_by_address_in_any_case),
        SCRATCH_TEST(an_address_is_taken_once),
        SCRATCH_TEST(the_setup_token_opens_once_and_only_the_empty_house),
        SCRATCH_TEST(only_live_credentials_are_loaded),
        SCRATCH_TEST(use_keeps_a_session_alive),
        SCRATCH_TEST(signing_out_ends_the_session_and_may_be_repeated),
        SCRATCH_TEST(old_sessions_are_removed_by_new_ones),
        SCRATCH_TEST(tokens_are_listed_newest_first),
        SCRATCH_TEST(a_captured_mail_comes_back),
        SCRATCH_TEST(the_newest_captures_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
