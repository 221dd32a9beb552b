/* The hand-over list: password resets as an admin sees them. Where no mail goes out a person copies
 * the link and passes it on; a copied link is always a fresh one, and the former is dead. */
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"
#include "api/words/link_text.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/emails_actions.h"
#include "store/people.h"

#include <string.h>

/* --- Writing one ----------------------------------------------------------------------------- */

typedef struct {
    Reset *reset;
    LinkMail mail;
} View;

static void set_id(json_t *json, const char *name, const Id *id, const char *prefix)
{
    char text[ID_TEXT_SIZE];
    json_object_set_new(json, name, json_text(id ? id_format(id, prefix, text) : NULL));
}

static json_t *person_json(const Reset *reset)
{
    json_t *json = json_object();
    set_id(json, "id", &reset->member_id, "mem");
    json_object_set_new(json, "email", json_text(reset->member_email));
    json_object_set_new(json, "name", json_text(reset->member_name));
    return json;
}

static json_t *view_json(const View *view, WallMs now, Language language)
{
    const Reset *reset = view->reset;
    const char *state = reset_state_name(link_text_reset_state(reset, &view->mail, now));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("password_reset"));
    set_id(json, "id", &reset->id, "rst");
    json_object_set_new(json, "member", person_json(reset));
    json_object_set_new(json, "state", json_text(state));
    json_object_set_new(
        json, "text", json_text(link_text_reset(reset, &view->mail, now, language)));
    json_object_set_new(json, "asked_at", json_time(reset->asked_at));
    json_object_set_new(
        json, "asked_from", json_text(*reset->asked_from ? reset->asked_from : NULL));
    json_object_set_new(json, "expires_at", json_time(reset->expires_at));
    set_id(json, "email_id", reset->has_email ? &reset->email_id : NULL, "em");
    return json;
}

static gboolean read_mail(Db *db, View *view, EmailGate gate, GError **error)
{
    const Reset *reset = view->reset;
    return link_mail_read(
        db, reset->org_id, reset->has_email ? &reset->email_id : NULL, gate, &view->mail, error);
}

/* reset NULL without error: there is none. */
static gboolean view_read(Db *db, gint64 org_id, const Id *id, View *view, GError **error)
{
    GError *fault = NULL;
    EmailGate gate = link_mail_gate(db, org_id, &fault);
    if (!fault)
        view->reset = reset_by_id(db, org_id, id, &fault);
    if (view->reset)
        read_mail(db, view, gate, &fault);
    if (!fault)
        return TRUE;
    g_propagate_error(error, fault);
    return FALSE;
}

/* --- The list -------------------------------------------------------------------------------- */

static json_t *list_json(Db *db, const ResetFilter *filter, Language language, GError **error)
{
    GError *fault = NULL;
    gboolean has_more = FALSE;
    WallMs now = clock_wall_ms();
    EmailGate gate = link_mail_gate(db, filter->org_id, &fault);
    g_autoptr(GPtrArray) list = fault ? NULL : resets_list(db, filter, &has_more, &fault);
    json_t *data = json_array();
    for (guint i = 0; list && !fault && i < list->len; i++) {
        View view = {.reset = list->pdata[i]};
        if (!read_mail(db, &view, gate, &fault))
            break;
        gboolean is_over = link_text_reset_state(view.reset, &view.mail, now) == RESET_OVER;
        if (!filter->only_open || !is_over)
            json_array_append_new(data, view_json(&view, now, language));
    }
    if (fault) {
        json_decref(data);
        g_propagate_error(error, fault);
        return NULL;
    }
    return json_list(data, has_more);
}

HttpAnswer *route_resets_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    if (!call_page(call, "rst", &page, &problem))
        return problem;
    const char *state = http_request_query(call->request, "state");
    if (state && strcmp(state, "open") != 0)
        return call_problem(call, "invalid_query", "state must be open.");
    const ResetFilter filter = {.org_id = call->caller.org_id,
        .only_open = state != NULL,
        .after = page.after,
        .before = page.before,
        .limit = page.limit};
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    json_t *json = list_json(db, &filter, call->language, &error);
    store_reader_give(call->api->store, db);
    return json ? call_json(call, 200, json) : call_error(call, error);
}

/* --- Copying a link, dismissing -------------------------------------------------------------- */

typedef struct {
    ApiCall *call;
    Id id;
    gint64 org_id, member_row;
    Reset *fresh; /* an admin starts it: the new row; else NULL */
    gboolean is_dismissal;
    Link link; /* not with a dismissal */
    View view; /* afterwards */
} Deed;

static void deed_free(gpointer data)
{
    Deed *deed = data;
    link_clear(&deed->link);
    g_clear_pointer(&deed->fresh, reset_free);
    g_clear_pointer(&deed->view.reset, reset_free);
    g_free(deed);
}

static gboolean write_link(Db *db, const Deed *deed, gint64 row, WallMs now, GError **error)
{
    g_autofree char *caller = call_caller_name(deed->call, db);
    ResetLink link = {.member_row = deed->member_row,
        .state = RESET_HANDED_OVER,
        .copied_by = caller,
        .expires_at = now + LIMIT_RESET_MS};
    memcpy(link.token_hash, deed->link.token_hash, sizeof link.token_hash);
    return resets_end_others(db, deed->org_id, deed->member_row, row, TRUE, now, error) &&
           reset_write_link(db, deed->org_id, row, &link, now, error);
}

static gboolean change(Db *db, Deed *deed, const Reset *reset, WallMs now, GError **error)
{
    gboolean is_changed = deed->is_dismissal
                              ? reset_dismiss(db, deed->org_id, reset->row, now, error)
                              : write_link(db, deed, reset->row, now, error);
    /* Its mail ends last: while the reset still waited for it, webhooks would be told. */
    return is_changed && (!reset->has_email || emails_end_link(db, deed->org_id, &reset->email_id,
                                                   !deed->is_dismissal, now, error));
}

static gboolean deed_job(Db *db, gpointer data, GError **error)
{
    Deed *deed = data;
    WallMs now = clock_wall_ms();
    GError *fault = NULL;
    g_autoptr(Reset) reset = NULL;
    if (deed->fresh) {
        gint64 row = 0;
        if (reset_ask(db, deed->fresh, &row, &fault))
            write_link(db, deed, row, now, &fault);
    } else {
        reset = reset_by_id(db, deed->org_id, &deed->id, &fault);
        if (!reset && !fault)
            g_set_error_literal(&fault, ABS_ERROR, ABS_ERROR_NOT_FOUND, "there is no such reset");
        if (reset)
            change(db, deed, reset, now, &fault);
    }
    if (!fault)
        view_read(db, deed->org_id, &deed->id, &deed->view, &fault);
    if (!fault)
        return TRUE;
    g_propagate_error(error, fault);
    return FALSE;
}

static HttpAnswer *deed_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Deed *deed = data;
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "reset_closed", NULL);
    if (error)
        return call_error(call, error);
    json_t *json = view_json(&deed->view, clock_wall_ms(), call->language);
    if (deed->link.url)
        json_object_set_new(json, "link", json_text(secret_reveal(deed->link.url, NULL)));
    return call_json(call, deed->fresh ? 201 : 200, json);
}

/* Whoever gets this link becomes that member: it takes all the rights of his role. And nobody makes
 * one for himself, or a stolen session would be enough to change a password. */
static HttpAnswer *check_rights(ApiCall *call, gint64 member_row, PeopleRole role)
{
    HttpAnswer *refusal = call_may_grant(call, people_role_scopes(role));
    if (refusal)
        return refusal;
    if (call->caller.kind == PEOPLE_CALLER_MEMBER && call->caller.member_row == member_row)
        return call_problem(call, "own_reset", NULL);
    return NULL;
}

static HttpAnswer *submit(ApiCall *call, Deed *deed, const char *action, const char *email)
{
    char id[ID_TEXT_SIZE];
    if (!deed->is_dismissal)
        link_make(&deed->link, call->api, "reset");
    call_audit(call, action, id_format(&deed->id, "rst", id), email);
    return call_submit(call, deed_job, deed, deed_finish, deed_free);
}

static HttpAnswer *change_existing(ApiCall *call, gboolean is_dismissal)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Reset) reset = reset_by_id(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    if (!reset)
        return call_problem(call, "not_found", NULL);
    HttpAnswer *refusal =
        is_dismissal ? NULL : check_rights(call, reset->member_row, reset->member_role);
    if (refusal)
        return refusal;
    Deed *deed = g_new0(Deed, 1);
    deed->call = call;
    deed->id = reset->id;
    deed->org_id = reset->org_id;
    deed->member_row = reset->member_row;
    deed->is_dismissal = is_dismissal;
    return submit(
        call, deed, is_dismissal ? "reset.dismissed" : "reset.link_copied", reset->member_email);
}

HttpAnswer *route_reset_link(ApiCall *call)
{
    return change_existing(call, FALSE);
}

HttpAnswer *route_reset_dismiss(ApiCall *call)
{
    return change_existing(call, TRUE);
}

/* --- An admin starts one --------------------------------------------------------------------- */

static Reset *fresh_reset(const ApiCall *call, const Member *member)
{
    WallMs now = clock_wall_ms();
    Reset *reset = g_new0(Reset, 1);
    reset->org_id = member->org_id;
    reset->id = id_fresh(now);
    reset->account = g_strdup(member->email);
    reset->language = g_strdup(member->language);
    reset->asked_at = now;
    reset->asked_from = g_strdup(""); /* nobody asked */
    return reset;
}

HttpAnswer *route_member_reset_link(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Member) member = member_by_id(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    if (!member)
        return call_problem(call, "not_found", NULL);
    HttpAnswer *refusal = check_rights(call, member->row, member->role);
    if (refusal)
        return refusal;
    Deed *deed = g_new0(Deed, 1);
    deed->call = call;
    deed->fresh = fresh_reset(call, member);
    deed->id = deed->fresh->id;
    deed->org_id = member->org_id;
    deed->member_row = member->row;
    return submit(call, deed, "reset.link_copied", member->email);
}
