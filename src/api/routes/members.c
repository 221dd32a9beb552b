/* Members: the list, their roles, and their end. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"

#include "api/member_fields.h"
#include "api/session_start.h"
#include "base/error.h"
#include "store/invitations.h"
#include "store/resets.h"

static gboolean is_caller(const ApiCall *call, const Member *member)
{
    return call->caller.kind == PEOPLE_CALLER_MEMBER && call->caller.member_row == member->row;
}

/* ?email=: the one with this address, or none. */
static GPtrArray *find_member(Db *db, gint64 org_id, const char *email, GError **error)
{
    GError *fault = NULL;
    g_autofree char *account = member_account_of(email);
    g_autoptr(Member) member = account ? member_by_email(db, account, &fault) : NULL;
    if (fault) {
        g_propagate_error(error, fault);
        return NULL;
    }
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
    if (member && member->org_id == org_id)
        g_ptr_array_add(found, g_steal_pointer(&member));
    return found;
}

HttpAnswer *route_members_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    gboolean has_more = FALSE;
    g_autoptr(GError) error = NULL;
    if (!call_page(call, "mem", &page, &problem))
        return problem;
    const Page wanted = {page.limit, page.after, page.before};
    const char *email = http_request_query(call->request, "email");
    gint64 org_id = call->caller.org_id;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) members = email ? find_member(db, org_id, email, &error)
                                         : members_list(db, org_id, &wanted, &has_more, &error);
    store_reader_give(call->api->store, db);
    if (!members)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < members->len; i++) {
        const Member *member = members->pdata[i];
        json_array_append_new(data, member_json(member, is_caller(call, member)));
    }
    return call_json(call, 200, json_list(data, has_more));
}

/* --- Changing and removing: the job ----------------------------------------------------------- */

typedef struct {
    ApiCall *call;
    gboolean is_removal;
    PeopleRole role; /* 0: stays */
    char *name;      /* NULL: stays */
    Member *member;  /* as it is afterwards */
    gboolean has_lost_sessions;
    gboolean is_beyond; /* the member may more than the caller */
} MemberDeed;

static void member_deed_free(gpointer data)
{
    MemberDeed *deed = data;
    g_free(deed->name);
    member_free(deed->member);
    g_free(deed);
}

/* An admin knows links that let somebody in, under any address: what she made, sent or copied is no
 * way back for her (threat T38). */
static gboolean end_links_held(Db *db, const Member *admin, WallMs now, GError **error)
{
    return invitations_revoke_of(db, admin->org_id, admin->email, now, error) &&
           resets_take_back(db, admin->org_id, admin->email, now, error);
}

/* What is different now, for the audit log. The caller frees. */
static char *apply(const MemberDeed *deed, Member *member)
{
    GString *said = g_string_new(NULL);
    if (deed->name)
        call_audit_say(said, "name", member->name, deed->name);
    if (deed->role) {
        call_audit_say(said, "role", people_role_name(member->role), people_role_name(deed->role));
        member->role = deed->role;
    }
    if (deed->name) {
        g_free(member->name);
        member->name = g_strdup(deed->name);
    }
    return g_string_free(said, FALSE);
}

/* A new role is a new session (threat T44): what was open under the old one ends. */
static gboolean change_member(Db *db, MemberDeed *deed, GError **error)
{
    Member *member = deed->member;
    gboolean was_admin = member->role == PEOPLE_ROLE_ORG_ADMIN;
    deed->has_lost_sessions = deed->role && deed->role != member->role;
    g_autofree char *said = apply(deed, member);
    call_audit_learned(deed->call, member->email, said);
    if (!*said)
        call_audit_drop(deed->call);
    return member_update(db, member, error) &&
           (!deed->has_lost_sessions ||
               (sessions_delete_of_member(db, member->org_id, member->row, 0, error) &&
                   (!was_admin || end_links_held(db, member, clock_wall_ms(), error))));
}

/* What was still open for the account ends with it. */
static gboolean remove_member(Db *db, MemberDeed *deed, GError **error)
{
    const Member *member = deed->member;
    WallMs now = clock_wall_ms();
    deed->has_lost_sessions = TRUE;
    call_audit_learned(deed->call, member->email, people_role_name(member->role));
    return resets_end_others(db, member->org_id, member->row, 0, TRUE, now, error) &&
           end_links_held(db, member, now, error) && member_remove(db, member, now, error);
}

static gboolean member_deed_job(Db *db, gpointer data, GError **error)
{
    MemberDeed *deed = data;
    const ApiCall *call = deed->call;
    deed->member = member_need_by_id(db, call->caller.org_id, &call->id, error);
    if (!deed->member)
        return FALSE;
    deed->is_beyond = !people_may_grant(&call->caller, deed->member->role);
    if (deed->is_beyond) {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_DENIED, "the member may more");
        return FALSE;
    }
    return deed->is_removal ? remove_member(db, deed, error) : change_member(db, deed, error);
}

static HttpAnswer *member_deed_finish(ApiCall *call, gpointer data, const GError *error)
{
    const MemberDeed *deed = data;
    if (deed->is_beyond)
        return call_problem(call, "scope_not_allowed", NULL);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED))
        return call_problem(call, "last_admin", NULL);
    if (error)
        return call_error(call, error);
    if (deed->has_lost_sessions) {
        credentials_remove_member(call->api->credentials, deed->member->row, 0);
        sse_check_callers(call->api->sse);
    }
    json_t *json = member_json(deed->member, is_caller(call, deed->member));
    if (deed->is_removal)
        json_object_set_new(json, "deleted", json_true());
    return call_json(call, 200, json);
}

static HttpAnswer *submit(ApiCall *call, MemberDeed *deed)
{
    call_audit(call, deed->is_removal ? "member.removed" : "member.changed", NULL, NULL);
    return call_submit(call, member_deed_job, deed, member_deed_finish, member_deed_free);
}

/* --- The routes ------------------------------------------------------------------------------- */

static void read_change(json_t *body, MemberDeed *deed, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *role = json_object_take_text(&object, "role");
    const char *name = json_object_take_text(&object, "name");
    if (role && !people_role_parse(role, &deed->role))
        json_object_fault(&object, "role", "unknown_value", "The role is org_admin or member.");
    member_fields_check_name(&object, "name", name);
    if (name && !*name)
        json_object_fault(&object, "name", "required", NULL);
    deed->name = g_strdup(name);
}

HttpAnswer *route_member_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    MemberDeed *deed = g_new0(MemberDeed, 1);
    deed->call = call;
    read_change(body, deed, &faults);
    json_decref(body);
    if (faults.list->len > 0)
        problem = call_faults(call, &faults);
    else if (deed->role)
        problem = call_may_grant(call, people_role_scopes(deed->role));
    if (!problem)
        return submit(call, deed);
    member_deed_free(deed);
    return problem;
}

HttpAnswer *route_member_delete(ApiCall *call)
{
    MemberDeed *deed = g_new0(MemberDeed, 1);
    deed->call = call;
    deed->is_removal = TRUE;
    return submit(call, deed);
}
