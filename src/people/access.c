#include "people/access.h"

const char *people_role_name(PeopleRole role)
{
    switch (role) {
    case PEOPLE_ROLE_MEMBER:
        return "member";
    case PEOPLE_ROLE_ORG_ADMIN:
        return "org_admin";
    }
    g_assert_not_reached();
}

gboolean people_role_parse(const char *name, PeopleRole *role)
{
    for (PeopleRole each = PEOPLE_ROLE_MEMBER; each <= PEOPLE_ROLE_ORG_ADMIN; each++) {
        if (g_strcmp0(name, people_role_name(each)) == 0) {
            *role = each;
            return TRUE;
        }
    }
    return FALSE;
}

guint people_role_scopes(PeopleRole role)
{
    switch (role) {
    case PEOPLE_ROLE_MEMBER:
        return PEOPLE_SCOPE_EMAILS_SEND;
    case PEOPLE_ROLE_ORG_ADMIN:
        return PEOPLE_SCOPE_ALL;
    }
    g_assert_not_reached();
}

gboolean people_may_grant(const PeopleCaller *caller, PeopleRole role)
{
    return (people_role_scopes(role) & ~caller->scopes) == 0;
}

static const struct {
    guint scope;
    const char *name;
} scopes[] = {
    {PEOPLE_SCOPE_EMAILS_SEND, "emails:send"},
    {PEOPLE_SCOPE_EMAILS_READ, "emails:read"},
    {PEOPLE_SCOPE_SMTP_READ, "smtp:read"},
    {PEOPLE_SCOPE_SMTP_WRITE, "smtp:write"},
    {PEOPLE_SCOPE_PEOPLE_WRITE, "people:write"},
    {PEOPLE_SCOPE_AUDIT_READ, "audit:read"},
};

const char *people_scope_name(guint scope)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scopes); i++) {
        if (scopes[i].scope == scope)
            return scopes[i].name;
    }
    g_assert_not_reached();
}

gboolean people_scope_parse(const char *name, guint *scope)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scopes); i++) {
        if (g_strcmp0(name, scopes[i].name) == 0) {
            *scope = scopes[i].scope;
            return TRUE;
        }
    }
    return FALSE;
}
