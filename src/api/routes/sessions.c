/* Who is signed in; signing in and out. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "api/http/browser.h"
#include "api/member_fields.h"
#include "api/password_try.h"
#include "api/session_start.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/organisations.h"

#include <string.h>

HttpAnswer *route_session_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) member = NULL;
    gint64 count = 0;
    Db *db = store_reader_take(call->api->store);
    members_count(db, STORE_DEFAULT_ORG, &count, &error);
    if (!error && call->caller.kind == PEOPLE_CALLER_MEMBER)
        member = member_by_row(db, call->caller.member_row, &error);
    g_autoptr(Organisation) organisation =
        error ? NULL : organisation_read(db, member ? member->org_id : STORE_DEFAULT_ORG, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    return call_json(
        call, 200, session_json(call, member, call->csrf, count == 0, organisation->name));
}

/* --- Signing in ------------------------------------------------------------------------------ */

static gboolean read_sign_in(ApiCall *call, char **account, Secret **password, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return FALSE;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        const char *email = member_fields_required(&object, "email");
        const char *text = member_fields_required(&object, "password");
        *account = email ? member_account_of(email) : NULL;
        if (text)
            *password = secret_new(text, MIN(strlen(text), LIMIT_PASSWORD_BYTES + 1));
    }
    json_decref(body);
    if (faults.list->len > 0)
        *problem = call_faults(call, &faults);
    return *problem == NULL;
}

/* Between the look at the password and this job the member may have been removed, or have another
 * password or role: what counts is what stands now. */
static gboolean sign_in_job(Db *db, gpointer data, GError **error)
{
    SessionStart *start = data;
    Member *judged = start->member;
    if (!member_reread(db, judged, &start->member, error))
        return FALSE;
    member_free(judged);
    return session_start_write(db, start, error);
}

static HttpAnswer *sign_in_finish(ApiCall *call, gpointer data, const GError *error)
{
    const SessionStart *start = data;
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED) ||
        g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND))
        return call_problem(call, "invalid_credentials", NULL);
    if (error)
        return call_error(call, error);
    return session_start_answer(call, start, 200);
}

static void sign_in_free(gpointer data)
{
    session_start_free(data);
}

HttpAnswer *route_sign_in(ApiCall *call)
{
    struct api *api = call->api;
    HttpAnswer *problem = NULL;
    g_autofree char *account = NULL;
    g_autoptr(Secret) password = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Member) member = NULL;
    if (!read_sign_in(call, &account, &password, &problem))
        return problem;
    problem = password_try_take(call, account);
    if (problem)
        return problem;
    if (account) {
        Db *db = store_reader_take(api->store);
        member = member_by_email(db, account, &error);
        if (!member && !error)
            member_read_any(db, NULL);
        store_reader_give(api->store, db);
        if (error)
            return call_error(call, error);
    }
    /* Without a member the same work is done for nothing (threat T36). */
    if (!people_password_verify(member ? member->password_hash : NULL, password)) {
        password_try_refused(call, account);
        return call_problem(call, "invalid_credentials", NULL);
    }
    password_try_passed(call, account);
    SessionStart *start = session_start_new(call, g_steal_pointer(&member));
    session_start_announce(call, start);
    return call_submit(call, sign_in_job, start, sign_in_finish, sign_in_free);
}

/* --- Signing out ----------------------------------------------------------------------------- */

static gboolean sign_out_job(Db *db, gpointer data, GError **error)
{
    const gint64 *row = data;
    return session_delete(db, *row, error);
}

static HttpAnswer *sign_out_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    credentials_remove(call->api->credentials, call->credential);
    sse_check_callers(call->api->sse);
    HttpAnswer *answer = call_json(call, 200, json_deleted());
    g_autofree char *cookie = browser_cookie(public_url_is_https(call->api), NULL);
    http_answer_set_header(answer, "Set-Cookie", cookie);
    return answer;
}

HttpAnswer *route_sign_out(ApiCall *call)
{
    call_audit(call, "session.ended", NULL, NULL);
    return call_submit(
        call, sign_out_job, g_memdup2(&call->caller.row, sizeof(gint64)), sign_out_finish, g_free);
}
