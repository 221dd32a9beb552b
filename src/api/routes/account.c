/* One's own account: name and language, the password, and the browsers that are signed in. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "api/member_fields.h"
#include "api/password_try.h"
#include "api/session_start.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/resets.h"

#include <string.h>

/* The caller's own; NULL with *problem. The caller frees. */
static Member *read_own(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    Member *member = member_by_row(db, call->caller.member_row, &error);
    store_reader_give(call->api->store, db);
    if (!member)
        *problem = error ? call_error(call, error) : call_problem(call, "session_expired", NULL);
    return member;
}

static json_t *account_json(const Member *member)
{
    json_t *json = member_json(member, TRUE);
    json_object_set_new(json, "notices", json_boolean(member->has_notices));
    return json;
}

HttpAnswer *route_account_get(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(Member) member = read_own(call, &problem);
    return member ? call_json(call, 200, account_json(member)) : problem;
}

/* --- Name and language ------------------------------------------------------------------------ */

typedef struct {
    ApiCall *call;
    char *name, *language; /* NULL: stays */
    gboolean sets_notices, has_notices;
    Member *member; /* as it is afterwards */
} AccountChange;

static void account_change_free(gpointer data)
{
    AccountChange *change = data;
    g_free(change->name);
    g_free(change->language);
    member_free(change->member);
    g_free(change);
}

static void read_account_change(json_t *body, AccountChange *change, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *name = json_object_take_text(&object, "name");
    const char *language = json_object_take_text(&object, "language");
    member_fields_check_name(&object, "name", name);
    if (name && !*name)
        json_object_fault(&object, "name", "required", NULL);
    member_fields_check_language(&object, "language", language);
    change->sets_notices = json_object_take_bool(&object, "notices", &change->has_notices);
    change->name = g_strdup(name);
    change->language = g_strdup(language);
}

static const char *switch_word(gboolean is_on)
{
    return is_on ? "enabled" : "disabled";
}

/* What is different now, for the audit log. The caller frees. */
static char *apply(const AccountChange *change, Member *member)
{
    GString *said = g_string_new(NULL);
    if (change->name) {
        call_audit_say(said, "name", member->name, change->name);
        g_free(member->name);
        member->name = g_strdup(change->name);
    }
    if (change->language) {
        call_audit_say(said, "language", member->language, change->language);
        g_free(member->language);
        member->language = g_strdup(change->language);
    }
    if (change->sets_notices) {
        call_audit_say(
            said, "notices", switch_word(member->has_notices), switch_word(change->has_notices));
        member->has_notices = change->has_notices;
    }
    return g_string_free(said, FALSE);
}

static gboolean account_change_job(Db *db, gpointer data, GError **error)
{
    AccountChange *change = data;
    const PeopleCaller *caller = &change->call->caller;
    change->member = member_need(db, caller->org_id, caller->member_row, error);
    if (!change->member)
        return FALSE;
    g_autofree char *said = apply(change, change->member);
    call_audit_learned(change->call, change->member->email, said);
    if (!*said)
        call_audit_drop(change->call);
    return member_update(db, change->member, error);
}

static HttpAnswer *account_change_finish(ApiCall *call, gpointer data, const GError *error)
{
    const AccountChange *change = data;
    return error ? call_error(call, error) : call_json(call, 200, account_json(change->member));
}

HttpAnswer *route_account_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    AccountChange *change = g_new0(AccountChange, 1);
    change->call = call;
    read_account_change(body, change, &faults);
    json_decref(body);
    if (faults.list->len > 0) {
        account_change_free(change);
        return call_faults(call, &faults);
    }
    call_audit(call, "member.changed", NULL, NULL);
    return call_submit(
        call, account_change_job, change, account_change_finish, account_change_free);
}

/* --- The password ----------------------------------------------------------------------------- */

typedef struct {
    Secret *current, *new;
} Passwords;

static void passwords_clear(Passwords *passwords)
{
    secret_free(passwords->current);
    secret_free(passwords->new);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Passwords, passwords_clear)

static gboolean read_passwords(
    ApiCall *call, const char *email, Passwords *passwords, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return FALSE;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        const char *current = member_fields_required(&object, "current_password");
        const char *new = member_fields_required(&object, "new_password");
        member_fields_check_password(&object, "new_password", new, email);
        if (current)
            passwords->current =
                secret_new(current, MIN(strlen(current), LIMIT_PASSWORD_BYTES + 1));
        if (new)
            passwords->new = secret_new(new, strlen(new));
    }
    json_decref(body);
    if (faults.list->len > 0)
        *problem = call_faults(call, &faults);
    return *problem == NULL;
}

typedef struct {
    SessionStart *start;
    char *hash; /* the new one */
} PasswordChange;

static void password_change_free(gpointer data)
{
    PasswordChange *change = data;
    session_start_free(change->start);
    g_free(change->hash);
    g_free(change);
}

/* Whoever knew the old password is out: all sessions end, and this browser goes on under a new one
 * (threat T44). Links that were asked for before are dead as well. */
static gboolean password_change_job(Db *db, gpointer data, GError **error)
{
    PasswordChange *change = data;
    SessionStart *start = change->start;
    Member *judged = start->member;
    WallMs now = clock_wall_ms();
    if (!member_reread(db, judged, &start->member, error))
        return FALSE;
    member_free(judged);
    const Member *member = start->member;
    return member_write_password(db, member->org_id, member->row, change->hash, now, error) &&
           sessions_delete_of_member(db, member->org_id, member->row, 0, error) &&
           resets_end_others(db, member->org_id, member->row, 0, TRUE, now, error) &&
           session_start_write(db, start, error);
}

static HttpAnswer *password_change_finish(ApiCall *call, gpointer data, const GError *error)
{
    const PasswordChange *change = data;
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED))
        return call_problem(call, "conflict", NULL);
    if (error)
        return call_error(call, error);
    credentials_remove_member(call->api->credentials, change->start->member->row, 0);
    return session_start_answer(call, change->start, 200);
}

static HttpAnswer *wrong_password(ApiCall *call, const char *account)
{
    password_try_refused(call, account);
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_fault_add(&faults, "/current_password", "wrong_password", NULL);
    return call_faults(call, &faults);
}

HttpAnswer *route_account_password(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_auto(Passwords) passwords = {NULL, NULL};
    g_autoptr(Member) member = read_own(call, &problem);
    if (!member || !read_passwords(call, member->email, &passwords, &problem))
        return problem;
    problem = password_try_take(call, member->email);
    if (problem)
        return problem;
    if (!people_password_verify(member->password_hash, passwords.current))
        return wrong_password(call, member->email);
    password_try_passed(call, member->email);
    PasswordChange *change = g_new0(PasswordChange, 1);
    change->hash = people_password_hash(passwords.new);
    change->start = session_start_new(call, g_steal_pointer(&member));
    change->start->is_renewal = TRUE;
    session_start_announce(call, change->start);
    call_audit(call, "password.changed", NULL, NULL);
    return call_submit(
        call, password_change_job, change, password_change_finish, password_change_free);
}

/* --- Sessions --------------------------------------------------------------------------------- */

static json_t *session_row_json(ApiCall *call, const SessionRow *row)
{
    const Session *session = &row->session;
    WallMs used_at = credentials_used_at(call->api->credentials, &session->id);
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("session"));
    json_object_set_new(json, "id", json_text(id_format(&session->id, "ses", id)));
    json_object_set_new(json, "client", json_text(row->client));
    json_object_set_new(json, "agent", json_text(row->agent));
    json_object_set_new(json, "created_at", json_time(session->created_at));
    json_object_set_new(json, "used_at", json_time(MAX(used_at, session->used_at)));
    json_object_set_new(json, "is_current", json_boolean(session->row == call->caller.row));
    return json;
}

HttpAnswer *route_account_sessions(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) rows = sessions_list(db, call->caller.member_row, clock_wall_ms(), &error);
    store_reader_give(call->api->store, db);
    if (!rows)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < rows->len; i++)
        json_array_append_new(data, session_row_json(call, rows->pdata[i]));
    return call_json(call, 200, json_list(data, FALSE));
}

typedef struct {
    PeopleCaller caller;
    Id id;
    gint64 row; /* of the one that ended */
} SessionEnd;

static gboolean end_one_job(Db *db, gpointer data, GError **error)
{
    SessionEnd *end = data;
    return session_delete_own(db, end->caller.member_row, &end->id, &end->row, error);
}

static gboolean end_others_job(Db *db, gpointer data, GError **error)
{
    const SessionEnd *end = data;
    return sessions_delete_of_member(
        db, end->caller.org_id, end->caller.member_row, end->caller.row, error);
}

static HttpAnswer *end_finish(ApiCall *call, gpointer data, const GError *error)
{
    const SessionEnd *end = data;
    Credentials *credentials = call->api->credentials;
    if (error)
        return call_error(call, error);
    if (end->row)
        credentials_remove_session(credentials, end->row);
    else
        credentials_remove_member(credentials, end->caller.member_row, end->caller.row);
    sse_check_callers(call->api->sse);
    return call_json(call, 200, json_deleted());
}

HttpAnswer *route_account_session_delete(ApiCall *call)
{
    const SessionEnd end = {call->caller, call->id, 0};
    char id[ID_TEXT_SIZE];
    call_audit(call, "session.ended", id_format(&call->id, "ses", id), NULL);
    return call_submit(call, end_one_job, g_memdup2(&end, sizeof end), end_finish, g_free);
}

HttpAnswer *route_account_sessions_delete(ApiCall *call)
{
    const SessionEnd end = {.caller = call->caller};
    call_audit(call, "session.ended", NULL, "all others");
    return call_submit(call, end_others_job, g_memdup2(&end, sizeof end), end_finish, g_free);
}
