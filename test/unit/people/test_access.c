#include "people/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_scope_survives_a_round_trip(void **state)
{
    static const struct {
        guint scope;
        const char *name;
    } rows[] = {
        {PEOPLE_SCOPE_EMAILS_SEND, "emails:send"},
        {PEOPLE_SCOPE_EMAILS_READ, "emails:read"},
        {PEOPLE_SCOPE_SMTP_READ, "smtp:read"},
        {PEOPLE_SCOPE_SMTP_WRITE, "smtp:write"},
        {PEOPLE_SCOPE_PEOPLE_WRITE, "people:write"},
        {PEOPLE_SCOPE_AUDIT_READ, "audit:read"},
    };
    guint all = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint scope = 0;
        assert_string_equal(people_scope_name(rows[i].scope), rows[i].name);
        assert_true(people_scope_parse(rows[i].name, &scope));
        assert_int_equal(scope, rows[i].scope);
        all |= scope;
    }
    assert_int_equal(all, PEOPLE_SCOPE_ALL);
}

static void every_role_survives_a_round_trip(void **state)
{
    static const struct {
        PeopleRole role;
        const char *name;
        guint scopes;
    } rows[] = {
        {PEOPLE_ROLE_MEMBER, "member", PEOPLE_SCOPE_EMAILS_SEND},
        {PEOPLE_ROLE_ORG_ADMIN, "org_admin", PEOPLE_SCOPE_ALL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        PeopleRole role = PEOPLE_ROLE_MEMBER;
        assert_string_equal(people_role_name(rows[i].role), rows[i].name);
        assert_true(people_role_parse(rows[i].name, &role));
        assert_int_equal(role, rows[i].role);
        assert_int_equal(people_role_scopes(role), rows[i].scopes);
    }
}

static void nobody_grants_a_role_with_more_scopes_than_her_own(void **state)
{
    static const struct {
        const char *name;
        guint scopes;
        PeopleRole role;
        gboolean may;
    } rows[] = {
        {"an admin makes admins", PEOPLE_SCOPE_ALL, PEOPLE_ROLE_ORG_ADMIN, TRUE},
        {"and members", PEOPLE_SCOPE_ALL, PEOPLE_ROLE_MEMBER, TRUE},
        {"people:write alone makes no admin", PEOPLE_SCOPE_PEOPLE_WRITE, PEOPLE_ROLE_ORG_ADMIN,
            FALSE},
        {"nor a member, who may send", PEOPLE_SCOPE_PEOPLE_WRITE, PEOPLE_ROLE_MEMBER, FALSE},
        {"all but one is not all", PEOPLE_SCOPE_ALL & ~PEOPLE_SCOPE_AUDIT_READ,
            PEOPLE_ROLE_ORG_ADMIN, FALSE},
        {"who may send makes a member", PEOPLE_SCOPE_PEOPLE_WRITE | PEOPLE_SCOPE_EMAILS_SEND,
            PEOPLE_ROLE_MEMBER, TRUE},
        {"nobody makes nobody", 0, PEOPLE_ROLE_MEMBER, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const PeopleCaller caller = {.kind = PEOPLE_CALLER_TOKEN, .scopes = rows[i].scopes};
        if (people_may_grant(&caller, rows[i].role) != rows[i].may)
            fail_msg("%s", rows[i].name);
    }
}

static void unknown_names_are_refused(void **state)
{
    static const char *const bad[] = {NULL, "", "*", "admin", "Member", "org_admin ", "emails",
        "emails:", "emails:send ", "EMAILS:SEND", "emails:send,emails:read", "smtp:*"};
    PeopleRole role = PEOPLE_ROLE_MEMBER;
    guint scope = 77;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(people_role_parse(bad[i], &role));
        assert_false(people_scope_parse(bad[i], &scope));
    }
    assert_int_equal(role, PEOPLE_ROLE_MEMBER);
    assert_int_equal(scope, 77);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scope_survives_a_round_trip),
        cmocka_unit_test(every_role_survives_a_round_trip),
        cmocka_unit_test(nobody_grants_a_role_with_more_scopes_than_her_own),
        cmocka_unit_test(unknown_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
