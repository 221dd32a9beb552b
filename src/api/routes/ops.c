/* For operators: is it alive; the contract; the pages. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/limits.h"
#include "store/books.h"
#include "store/emails_actions.h"

#define OPENAPI "/absender/data/openapi.json"

HttpAnswer *route_live(ApiCall *call)
{
    json_t *json = json_object();
    json_object_set_new(json, "status", json_text("ok"));
    return call_json(call, 200, json);
}

HttpAnswer *route_openapi(ApiCall *call)
{
    GBytes *contract = g_resources_lookup_data(OPENAPI, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    return contract ? http_answer_new(200, "application/json", contract)
                    : call_problem(call, "not_found", NULL);
}

HttpAnswer *route_page(ApiCall *call)
{
    HttpAnswer *answer = pages_answer(call->api->pages, call->request);
    return answer ? answer : call_problem(call, "not_found", NULL);
}

/* --- The books ---------------------------------------------------------------------------------
 */

static json_t *states_json(const gint64 counts[BOOKS_STATES], EmailState first)
{
    json_t *json = json_object();
    for (EmailState state = first; state < BOOKS_STATES; state++) {
        if (state != EMAIL_HELD) /* a way to show others, never stored */
            json_object_set_new(json, email_state_name(state), json_integer(counts[state]));
    }
    return json;
}

/* uncertain: how many of those that are wait for something. */
static json_t *books_json(const Books *books, gint64 uncertain)
{
    gint64 waiting = uncertain;
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_DEFERRED; state++)
        waiting += books->states[state];
    json_t *faults = json_array();
    for (guint i = 0; books->faults && i < books->faults->len; i++)
        json_array_append_new(faults, json_text(books->faults->pdata[i]));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("queue_check"));
    json_object_set_new(json, "balanced", json_boolean(books->balanced));
    json_object_set_new(json, "counted", json_boolean(books->counted));
    json_object_set_new(json, "taken", json_integer(books->taken));
    json_object_set_new(json, "waiting", json_integer(waiting));
    json_object_set_new(json, "states", states_json(books->states, EMAIL_SCHEDULED));
    json_object_set_new(json, "removed", states_json(books->removed, EMAIL_UNCERTAIN));
    json_object_set_new(json, "faults", faults);
    return json;
}

static HttpAnswer *check_books(ApiCall *call)
{
    Store *store = call->api->store;
    gint64 org_id = call->caller.org_id, uncertain = 0;
    g_autoptr(GError) error = NULL;
    g_auto(Books) books = {0};
    if (!books_check(store, org_id, LIMIT_BOOKS_COUNTING_MS, NULL, &books, &error))
        return call_error(call, error);
    Db *db = store_reader_take(store);
    gboolean is_read = emails_count_uncertain(db, org_id, &uncertain, &error);
    store_reader_give(store, db);
    if (!is_read)
        return call_error(call, error);
    /* It is a moment later: never more than there were. */
    uncertain = MIN(uncertain, books.states[EMAIL_UNCERTAIN]);
    return call_json(call, 200, books_json(&books, uncertain));
}

/* It costs a look at every recipient, and a worker as long as it lasts: not for applications, and
 * one at a time. */
HttpAnswer *route_queue_check(ApiCall *call)
{
    if (call->caller.kind == PEOPLE_CALLER_TOKEN)
        return call_problem(call, "forbidden", NULL);
    if (!g_atomic_int_compare_and_exchange(&call->api->is_checking, FALSE, TRUE))
        return call_problem(call, "busy", "The books are being checked already.");
    HttpAnswer *answer = check_books(call);
    g_atomic_int_set(&call->api->is_checking, FALSE);
    return answer;
}

/* --- Backups -----------------------------------------------------------------------------------
 */

static char *read_backup_request(ApiCall *call, gboolean *may_replace, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    char *path = NULL;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        path = g_strdup(json_object_take_text(&object, "path"));
        json_object_take_bool(&object, "replace", may_replace);
        if (!path || !g_path_is_absolute(path))
            json_object_fault(
                &object, "path", "required", "A backup needs the full path of its file.");
    }
    json_decref(body);
    if (faults.list->len == 0)
        return path;
    *problem = call_faults(call, &faults);
    g_free(path);
    return NULL;
}

static gboolean nothing_job(Db *db, gpointer data, GError **error)
{
    return TRUE; /* only the audit log's note */
}

static HttpAnswer *backup_finish(ApiCall *call, gpointer data, const GError *error)
{
    return error ? call_error(call, error)
                 : call_json(call, 202, backups_json(call->api->backups, call->language));
}

/* As store_backup will find: there is no folder, or a file that may not be replaced. Nothing is
 * done then, so that there is nothing to note. */
static gboolean is_refused_at_once(const char *path, gboolean may_replace)
{
    g_autofree char *folder = g_path_get_dirname(path);
    return !g_file_test(folder, G_FILE_TEST_IS_DIR) ||
           (!may_replace && (g_file_test(path, G_FILE_TEST_EXISTS) ||
                                g_file_test(path, G_FILE_TEST_IS_SYMLINK)));
}

/* The file is written with the rights of the service, anywhere: for its operator only. */
HttpAnswer *route_backup_start(ApiCall *call)
{
    if (call->caller.kind != PEOPLE_CALLER_OPERATOR)
        return call_problem(call, "forbidden", NULL);
    HttpAnswer *problem = NULL;
    gboolean may_replace = FALSE;
    g_autofree char *path = read_backup_request(call, &may_replace, &problem);
    if (!path)
        return problem;
    gboolean is_refused = is_refused_at_once(path, may_replace); /* before its own file is there */
    if (!backups_start(call->api->backups, path, may_replace))
        return call_problem(call, "backup_running", NULL);
    if (!is_refused)
        call_audit(call, "backup.started", path, NULL);
    return call_submit(call, nothing_job, NULL, backup_finish, NULL);
}

HttpAnswer *route_backup_current(ApiCall *call)
{
    if (call->caller.kind != PEOPLE_CALLER_OPERATOR)
        return call_problem(call, "forbidden", NULL);
    json_t *json = backups_json(call->api->backups, call->language);
    return json ? call_json(call, 200, json) : call_problem(call, "not_found", NULL);
}
