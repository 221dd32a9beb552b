#include "api/accept_email.h"
#include "api/json/email_json.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/token_check.h"

#include "base/limits.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

#include <string.h>

/* The org's sending, read now. NULL with *problem. */
static SmtpState *read_state(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    SmtpState *state = smtp_state_read(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    if (!state)
        *problem = call_error(call, error);
    return state;
}

static ShelfState *hold_state(ApiCall *call, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    ShelfState *held = sending_shelf_get(call->api->sending, call->caller.org_id, &error);
    if (!held)
        *problem = call_error(call, error);
    return held;
}

/* --- Sending --------------------------------------------------------------------------------- */

HttpAnswer *route_email_send(ApiCall *call)
{
    HttpAnswer *problem = accept_email_replay(call, 200);
    if (problem)
        return problem;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autoptr(ShelfState) held = hold_state(call, &problem);
    const SmtpState *state = held ? held->state : NULL;
    g_autoptr(EmailTemplates) templates =
        email_templates_new(call->api, call->caller.org_id, state);
    g_autoptr(EmailNew) email =
        state ? accept_email_read(body, state, templates, clock_wall_ms(), &faults) : NULL;
    json_decref(body);
    if (!state)
        return problem;
    if (!email)
        return call_faults(call, &faults);
    problem = token_check_senders(call, &email, 1);
    if (problem)
        return problem;
    return accept_email_submit(
        call, g_steal_pointer(&email), smtp_state_gate(state, clock_wall_ms()), 200);
}

/* --- A batch --------------------------------------------------------------------------------- */

/* Email number i, composed; NULL with faults noted below its pointer. */
static EmailNew *read_one(json_t *item, gsize i, const SmtpState *state, EmailTemplates *templates,
    WallMs now, JsonFaults *faults)
{
    guint since = faults->list->len;
    EmailNew *email = NULL;
    if (json_is_object(item))
        email = accept_email_read(item, state, templates, now, faults);
    else
        json_fault_add(faults, "", "wrong_type", "This must be an object.");
    g_autofree char *pointer = g_strdup_printf("/%" G_GSIZE_FORMAT, i);
    json_faults_below(faults, since, pointer);
    return email;
}

/* All of them in their order; NULL with faults noted, or without if they are too large together.
 * After a fault the rest is still read, so that all faults are told at once. */
static GPtrArray *read_batch(
    json_t *list, const SmtpState *state, EmailTemplates *templates, JsonFaults *faults)
{
    g_autoptr(GPtrArray) emails = g_ptr_array_new_with_free_func((GDestroyNotify)email_new_free);
    WallMs now = clock_wall_ms();
    gsize n = json_array_size(list), bytes = 0;
    if (n == 0 || n > LIMIT_BATCH_EMAILS) {
        json_fault_add(faults, "", "out_of_range", "A batch holds 1 to 1000 emails.");
        return NULL;
    }
    for (gsize i = 0; i < n && faults->list->len < LIMIT_JSON_FAULTS; i++) {
        EmailNew *email = read_one(json_array_get(list, i), i, state, templates, now, faults);
        if (!email)
            continue;
        g_ptr_array_add(emails, email);
        bytes += g_bytes_get_size(email->content);
        if (bytes > LIMIT_BATCH_MESSAGE_BYTES)
            return NULL;
    }
    return faults->list->len == 0 ? g_steal_pointer(&emails) : NULL;
}

HttpAnswer *route_email_batch(ApiCall *call)
{
    HttpAnswer *problem = accept_batch_replay(call);
    if (problem)
        return problem;
    json_t *list = call_body(call, FALSE, &problem);
    if (!list)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autoptr(ShelfState) held = hold_state(call, &problem);
    const SmtpState *state = held ? held->state : NULL;
    g_autoptr(EmailTemplates) templates =
        email_templates_new(call->api, call->caller.org_id, state);
    g_autoptr(GPtrArray) emails = state ? read_batch(list, state, templates, &faults) : NULL;
    json_decref(list);
    if (emails)
        problem = token_check_senders(call, (EmailNew *const *)emails->pdata, emails->len);
    if (emails && !problem)
        return accept_batch_submit(call, g_steal_pointer(&emails));
    if (problem)
        return problem;
    if (faults.list->len > 0)
        return call_faults(call, &faults);
    return call_problem(call, "body_too_large",
        "The messages of this batch are larger than 32 MiB together. Send it in parts.");
}

/* --- Reading --------------------------------------------------------------------------------- */

static HttpAnswer *list_answer(ApiCall *call, json_t *data, gboolean has_more)
{
    return call_json(call, 200, json_list(data, has_more));
}

gboolean route_emails_gate_hides(EmailState state, EmailGate gate)
{
    if (state == EMAIL_HELD)
        return gate == EMAIL_GATE_OPEN;
    return (state == EMAIL_QUEUED || state == EMAIL_DEFERRED) &&
           email_state_shown(state, gate) != state;
}

static gboolean read_filter(ApiCall *call, EmailFilter *filter, HttpAnswer **problem)
{
    const char *state = http_request_query(call->request, "state");
    const char *class = http_request_query(call->request, "class");
    filter->org_id = call->caller.org_id;
    filter->search = http_request_query(call->request, "q");
    const char *fault = NULL;
    if (state && *state && !email_state_parse(state, &filter->state))
        fault = "This state is not known.";
    if (class && *class && !email_class_parse(class, &filter->class))
        fault = "This class is not known.";
    if (filter->search && strlen(filter->search) > LIMIT_ADDRESS_OCTETS)
        fault = "The search text is too long.";
    if (filter->search && !*filter->search)
        filter->search = NULL;
    if (fault)
        *problem = call_problem(call, "invalid_query", fault);
    return fault == NULL;
}

HttpAnswer *route_emails_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    EmailFilter filter = {0};
    if (!call_page(call, "em", &page, &problem) || !read_filter(call, &filter, &problem))
        return problem;
    filter.limit = page.limit;
    filter.after = page.after;
    filter.before = page.before;
    g_autoptr(SmtpState) state = read_state(call, &problem);
    if (!state)
        return problem;
    EmailGate gate = smtp_state_gate(state, clock_wall_ms());
    if (route_emails_gate_hides(filter.state, gate))
        return list_answer(call, json_array(), FALSE);

    g_autoptr(GError) error = NULL;
    gboolean has_more = FALSE;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GPtrArray) rows = emails_list(db, &filter, &has_more, &error);
    store_reader_give(call->api->store, db);
    if (!rows)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < rows->len; i++)
        json_array_append_new(data, email_json(rows->pdata[i], gate));
    return list_answer(call, data, has_more);
}

HttpAnswer *route_emails_count(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    EmailFilter filter = {.limit = LIMIT_BULK_COUNT};
    if (!read_filter(call, &filter, &problem))
        return problem;
    g_autoptr(SmtpState) state = read_state(call, &problem);
    if (!state)
        return problem;
    guint n = 0;
    gboolean has_more = FALSE;
    if (!route_emails_gate_hides(filter.state, smtp_state_gate(state, clock_wall_ms()))) {
        g_autoptr(GError) error = NULL;
        Db *db = store_reader_take(call->api->store);
        gboolean is_counted = emails_find_count(db, &filter, &n, &has_more, &error);
        store_reader_give(call->api->store, db);
        if (!is_counted)
            return call_error(call, error);
    }
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("count"));
    json_object_set_new(json, "count", json_integer(n));
    json_object_set_new(json, "has_more", json_boolean(has_more));
    return call_json(call, 200, json);
}

HttpAnswer *route_email_get(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(SmtpState) state = read_state(call, &problem);
    if (!state)
        return problem;
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(EmailRow) row = emails_get(db, call->caller.org_id, &call->id, &error);
    g_autofree char *application = row ? email_application(db, row) : NULL;
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    if (!row)
        return call_problem(call, "not_found", NULL);
    return call_json(
        call, 200, email_detail_json(row, application, state, call->api, call->language));
}
