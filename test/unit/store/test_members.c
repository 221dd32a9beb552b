/* Members who change, leave and come back; their sessions, one by one and all together. */
#include "base/limits.h"
#include "scratch.h"
#include "store/people.h"

#define ORG STORE_DEFAULT_ORG

static Member *add_member(Scratch *self, const char *email, PeopleRole role, WallMs at)
{
    Member *member = g_new0(Member, 1);
    g_autoptr(GError) error = NULL;
    member->org_id = ORG;
    member->id = scratch_id(self, at);
    member->email = g_strdup(email);
    member->name = g_strdup("Anna");
    member->role = role;
    member->password_hash = g_strdup("$argon2id$…");
    member->created_at = at;
    ok(member_insert(self->db, member, &member->row, &error), error);
    return member;
}

static gint64 add_session(Scratch *self, const Member *member, guint8 mark, WallMs at)
{
    Session session = {.org_id = ORG,
        .member_row = member->row,
        .id = scratch_id(self, at),
        .hash = {mark, (guint8)(at >> 8), (guint8)at},
        .created_at = at,
        .expires_at = at + LIMIT_SESSION_MS};
    const SessionOrigin origin = {"192.0.2.1", "Firefox"};
    gint64 row = 0;
    g_autoptr(GError) error = NULL;
    ok(session_insert(self->db, &session, &origin, &row, &error), error);
    return row;
}

static guint count_sessions(Scratch *self, const Member *member, WallMs now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = sessions_list(self->db, member->row, now, &error);
    ok(rows, error);
    return rows->len;
}

static void the_last_admin_stays(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) anna = add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0);
    g_autoptr(Member) bert = add_member(self, "bert@example.de", PEOPLE_ROLE_MEMBER, T0);
    anna->role = PEOPLE_ROLE_MEMBER;
    refused(member_update(self->db, anna, error_out), ABS_ERROR_DENIED);
    refused(member_remove(self->db, anna, T0, error_out), ABS_ERROR_DENIED);
    bert->role = PEOPLE_ROLE_ORG_ADMIN;
    ok(member_update(self->db, bert, &error), error);
    ok(member_update(self->db, anna, &error), error);
    refused(member_remove(self->db, bert, T0, error_out), ABS_ERROR_DENIED);
    ok(member_remove(self->db, anna, T0, &error), error);
    refused(
        member_remove(self->db, bert, T0, error_out), ABS_ERROR_DENIED); /* a removed one is none */
}

static void an_admin_of_another_organisation_is_none_here(void **state)
{
    Scratch *self = *state;
    assert_true(db_exec(self->db, "INSERT INTO organisations (row) VALUES (2)", NULL));
    g_autoptr(Member) anna = add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0);
    g_autoptr(Member) eve = add_member(self, "eve@example.de", PEOPLE_ROLE_ORG_ADMIN, T0);
    assert_true(db_exec(self->db, "UPDATE members SET org_id = 2 WHERE email LIKE 'eve%'", NULL));
    refused(member_remove(self->db, anna, T0, error_out), ABS_ERROR_DENIED);
    refused(
        member_write_password(self->db, ORG, eve->row, "x", T0, error_out), ABS_ERROR_NOT_FOUND);
    refused(member_need(self->db, ORG, eve->row, error_out) != NULL, ABS_ERROR_NOT_FOUND);
    g_autoptr(GError) error = NULL;
    assert_null(member_by_id(self->db, ORG, &eve->id, &error));
    assert_null(error);
}

static void who_is_removed_is_found_by_nothing_and_leaves_nothing_personal(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    member_free(add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0));
    g_autoptr(Member) bert = add_member(self, "bert@example.de", PEOPLE_ROLE_MEMBER, T0);
    add_session(self, bert, 1, T0);
    ok(member_remove(self->db, bert, T0 + 1, &error), error);
    assert_null(member_by_email(self->db, "bert@example.de", &error));
    assert_null(member_by_row(self->db, bert->row, &error));
    assert_null(member_by_id(self->db, ORG, &bert->id, &error));
    assert_null(error);
    assert_int_equal(count_sessions(self, bert, T0 + 1), 0);
    refused(member_update(self->db, bert, error_out), ABS_ERROR_NOT_FOUND);
    refused(member_remove(self->db, bert, T0, error_out), ABS_ERROR_NOT_FOUND);
    refused(
        member_write_password(self->db, ORG, bert->row, "x", T0, error_out), ABS_ERROR_NOT_FOUND);
    assert_int_equal(scratch_number(self, "SELECT COUNT(*) FROM members WHERE removed_at > 0 AND "
                                          "email = '' AND name IS NULL AND password_hash IS NULL"),
        1);
    g_autoptr(Member) again = add_member(self, "BERT@example.de", PEOPLE_ROLE_MEMBER, T0 + 2);
    assert_int_not_equal(again->row, bert->row);
    gint64 n = 0;
    ok(members_count(self->db, ORG, &n, &error), error);
    assert_int_equal(n, 2);
}

static void members_are_listed_by_pages_in_both_directions(void **state)
{
    Scratch *self = *state;
    Id ids[7];
    for (int i = 0; i < 7; i++) {
        g_autofree char *email = g_strdup_printf("%d@example.de", i);
        g_autoptr(Member) member = add_member(self, email, PEOPLE_ROLE_MEMBER, T0 + i);
        ids[i] = member->id;
    }
    const struct {
        const char *name;
        const Id *after, *before;
        guint limit;
        const char *first, *last;
        gboolean has_more;
    } rows[] = {
        {"the newest", NULL, NULL, 3, "6@example.de", "4@example.de", TRUE},
        {"older ones", &ids[4], NULL, 3, "3@example.de", "1@example.de", TRUE},
        {"the oldest", &ids[1], NULL, 3, "0@example.de", "0@example.de", FALSE},
        {"newer ones", NULL, &ids[1], 3, "4@example.de", "2@example.de", TRUE},
        {"all that is newer", NULL, &ids[4], 3, "6@example.de", "5@example.de", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Page page = {rows[i].limit, rows[i].after, rows[i].before};
        gboolean has_more = FALSE;
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) members = members_list(self->db, ORG, &page, &has_more, &error);
        ok(members, error);
        const Member *first = members->pdata[0], *last = members->pdata[members->len - 1];
        if (strcmp(first->email, rows[i].first) != 0 || strcmp(last->email, rows[i].last) != 0 ||
            has_more != rows[i].has_more)
            fail_msg("%s: %s … %s", rows[i].name, first->email, last->email);
    }
}

static void a_sign_in_counts_only_for_the_password_it_was_judged_by(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    member_free(add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0));
    g_autoptr(Member) bert = add_member(self, "bert@example.de", PEOPLE_ROLE_MEMBER, T0);
    Member *current = NULL;
    ok(member_reread(self->db, bert, &current, &error), error);
    assert_string_equal(current->email, "bert@example.de");
    g_clear_pointer(&current, member_free);
    ok(member_write_password(self->db, ORG, bert->row, "$argon2id$new", T0 + 5, &error), error);
    refused(member_reread(self->db, bert, &current, error_out), ABS_ERROR_DENIED);
    g_autoptr(Member) changed = member_by_row(self->db, bert->row, &error);
    assert_true(changed->password_changed_at == T0 + 5);
    ok(member_remove(self->db, changed, T0, &error), error);
    refused(member_reread(self->db, changed, &current, error_out), ABS_ERROR_NOT_FOUND);
    assert_null(current);
}

static void sessions_end_one_by_one_or_all_but_one(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) anna = add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0);
    g_autoptr(Member) bert = add_member(self, "bert@example.de", PEOPLE_ROLE_MEMBER, T0);
    gint64 row = 0, kept = add_session(self, anna, 1, T0);
    add_session(self, anna, 2, T0 + 1);
    add_session(self, anna, 3, T0 + 2);
    add_session(self, bert, 4, T0 + 3);
    g_autoptr(GPtrArray) rows = sessions_list(self->db, anna->row, T0 + 3, &error);
    ok(rows, error);
    assert_int_equal(rows->len, 3);
    const SessionRow *newest = rows->pdata[0];
    assert_true(newest->session.created_at == T0 + 2);
    assert_string_equal(newest->client, "192.0.2.1");
    assert_string_equal(newest->agent, "Firefox");
    refused(session_delete_own(self->db, bert->row, &newest->session.id, &row, error_out),
        ABS_ERROR_NOT_FOUND);
    ok(session_delete_own(self->db, anna->row, &newest->session.id, &row, &error), error);
    assert_int_equal(row, newest->session.row);
    ok(sessions_delete_of_member(self->db, 2, anna->row, 0, &error), error); /* not their org */
    assert_int_equal(count_sessions(self, anna, T0 + 3), 2);
    ok(sessions_delete_of_member(self->db, ORG, anna->row, kept, &error), error);
    assert_int_equal(count_sessions(self, anna, T0 + 3), 1);
    ok(sessions_delete_of_member(self->db, ORG, anna->row, 0, &error), error);
    assert_int_equal(count_sessions(self, anna, T0 + 3), 0);
    assert_int_equal(count_sessions(self, bert, T0 + 3), 1);
}

static void nobody_has_more_sessions_than_the_limit(void **state)
{
    Scratch *self = *state;
    g_autoptr(Member) anna = add_member(self, "anna@example.de", PEOPLE_ROLE_ORG_ADMIN, T0);
    g_autoptr(Member) bert = add_member(self, "bert@example.de", PEOPLE_ROLE_MEMBER, T0);
    add_session(self, bert, 1, T0);
    for (int i = 0; i < LIMIT_SESSIONS + 10; i++)
        add_session(self, anna, 2, T0 + i);
    WallMs now = T0 + LIMIT_SESSIONS + 10;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = sessions_list(self->db, anna->row, now, &error);
    ok(rows, error);
    assert_int_equal(rows->len, LIMIT_SESSIONS);
    const SessionRow *oldest = rows->pdata[rows->len - 1];
    assert_true(oldest->session.created_at == T0 + 10);
    assert_int_equal(count_sessions(self, bert, now), 1);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_last_admin_stays),
        SCRATCH_TEST(an_admin_of_another_organisation_is_none_here),
        SCRATCH_TEST(who_is_removed_is_found_by_nothing_and_leaves_nothing_personal),
        SCRATCH_TEST(members_are_listed_by_pages_in_both_directions),
        SCRATCH_TEST(a_sign_in_counts_only_for_the_password_it_was_judged_by),
        SCRATCH_TEST(sessions_end_one_by_one_or_all_but_one),
        SCRATCH_TEST(nobody_has_more_sessions_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
