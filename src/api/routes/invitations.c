/* Invitations, as an admin sees them: make one, send it again, copy its link, withdraw it. Works
 * without SMTP: then the link is there to be passed on by hand. */
#include "api/link_letter.h"
#include "api/member_fields.h"
#include "api/routes/routes.h"
#include "api/state.h"
#include "api/system_mail.h"
#include "api/token_check.h"
#include "api/words/link_text.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/emails_actions.h"
#include "store/people.h"

#include <string.h>

/* --- Writing one ----------------------------------------------------------------------------- */

/* An invitation and what became of its mail. */
typedef struct {
    Invitation *invitation;
    LinkMail mail;
} View;

static void set_id(json_t *json, const char *name, const Id *id, const char *prefix)
{
    char text[ID_TEXT_SIZE];
    json_object_set_new(json, name, json_text(id ? id_format(id, prefix, text) : NULL));
}

static json_t *view_json(const View *view, Language language)
{
    const Invitation *invitation = view->invitation;
    WallMs now = clock_wall_ms();
    const char *state = invitation_state_name(invitation_state(invitation, now));
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("invitation"));
    set_id(json, "id", &invitation->id, "inv");
    json_object_set_new(json, "email", json_text(invitation->email));
    json_object_set_new(json, "role", json_text(people_role_name(invitation->role)));
    json_object_set_new(json, "language", json_text(invitation->language));
    json_object_set_new(json, "state", json_text(state));
    json_object_set_new(json, "delivery", json_text(link_text_delivery(invitation, &view->mail)));
    json_object_set_new(json, "delivery_text",
        json_text(link_text_invitation(invitation, &view->mail, now, language)));
    set_id(json, "email_id", invitation->has_email ? &invitation->email_id : NULL, "em");
    json_object_set_new(json, "created_at", json_time(invitation->created_at));
    json_object_set_new(json, "created_by", json_text(invitation->created_by));
    json_object_set_new(json, "expires_at", json_time(invitation->expires_at));
    json_object_set_new(json, "copied_at", json_time(invitation->copied_at));
    json_object_set_new(json, "accepted_at", json_time(invitation->accepted_at));
    json_object_set_new(json, "revoked_at", json_time(invitation->revoked_at));
    return json;
}

static gboolean read_mail(Db *db, View *view, EmailGate gate, GError **error)
{
    const Invitation *invitation = view->invitation;
    return link_mail_read(db, invitation->org_id,
        invitation->has_email ? &invitation->email_id : NULL, gate, &view->mail, error);
}

/* invitation NULL without error: there is none. */
static gboolean view_read(Db *db, gint64 org_id, const Id *id, View *view, GError **error)
{
    GError *fault = NULL;
    EmailGate gate = link_mail_gate(db, org_id, &fault);
    if (!fault)
        view->invitation = invitation_by_id(db, org_id, id, &fault);
    if (view->invitation)
        read_mail(db, view, gate, &fault);
    if (!fault)
        return TRUE;
    g_propagate_error(error, fault);
    return FALSE;
}

/* --- Reading --------------------------------------------------------------------------------- */

static gboolean read_wanted(const ApiCall *call, InvitationsWanted *wanted)
{
    const char *state = http_request_query(call->request, "state");
    *wanted = !state                       ? INVITATIONS_ALL
              : strcmp(state, "open") == 0 ? INVITATIONS_OPEN
                                           : INVITATIONS_PAST;
    return *wanted != INVITATIONS_PAST || strcmp(state, "past") == 0;
}

static json_t *list_json(Db *db, const InvitationFilter *filter, Language language, GError **error)
{
    GError *fault = NULL;
    gboolean has_more = FALSE;
    EmailGate gate = link_mail_gate(db, filter->org_id, &fault);
    g_autoptr(GPtrArray) list = fault ? NULL : invitations_list(db, filter, &has_more, &fault);
    json_t *data = json_array();
    for (guint i = 0; list && !fault && i < list->len; i++) {
        View view = {.invitation = list->pdata[i]};
        if (read_mail(db, &view, gate, &fault))
            json_array_append_new(data, view_json(&view, language));
    }
    if (fault) {
        json_decref(data);
        g_propagate_error(error, fault);
        return NULL;
    }
    return json_list(data, has_more);
}

HttpAnswer *route_invitations_list(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    CallPage page;
    InvitationFilter filter = {.org_id = call->caller.org_id, .now = clock_wall_ms()};
    if (!call_page(call, "inv", &page, &problem))
        return problem;
    if (!read_wanted(call, &filter.wanted))
        return call_problem(call, "invalid_query", "state must be open or past.");
    filter.after = page.after;
    filter.before = page.before;
    filter.limit = page.limit;
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    json_t *json = list_json(db, &filter, call->language, &error);
    store_reader_give(call->api->store, db);
    return json ? call_json(call, 200, json) : call_error(call, error);
}

HttpAnswer *route_invitation_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    View view = {.invitation = NULL};
    Db *db = store_reader_take(call->api->store);
    gboolean is_read = view_read(db, call->caller.org_id, &call->id, &view, &error);
    store_reader_give(call->api->store, db);
    HttpAnswer *answer = !is_read          ? call_error(call, error)
                         : view.invitation ? call_json(call, 200, view_json(&view, call->language))
                                           : call_problem(call, "not_found", NULL);
    invitation_free(view.invitation);
    return answer;
}

/* --- Changing one ---------------------------------------------------------------------------- */

typedef enum { DEED_CREATE = 1, DEED_RESEND, DEED_COPY, DEED_REVOKE } DeedKind;

typedef struct {
    DeedKind kind;
    ApiCall *call;
    struct api *api;
    Invitation *invitation; /* CREATE: the new one; else as it was when it was looked at */
    Link link;              /* not with REVOKE */
    EmailNew *mail;         /* that carries the link; NULL: none can be made */
    const char *refusal;    /* problem code; NULL: none */
    char *refusal_detail;
    View view; /* afterwards */
} Deed;

static void deed_free(gpointer data)
{
    Deed *deed = data;
    link_clear(&deed->link);
    g_clear_pointer(&deed->mail, email_new_free);
    g_clear_pointer(&deed->invitation, invitation_free);
    g_clear_pointer(&deed->view.invitation, invitation_free);
    g_free(deed->refusal_detail);
    g_free(deed);
}

/* The job ends without having done anything, and nothing is noted of it. */
static gboolean refuse(Deed *deed, const char *code, GError **error)
{
    deed->refusal = code;
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_CONFLICT, "the invitation is refused");
    return FALSE;
}

static gboolean refuse_open(Deed *deed, const Invitation *open, GError **error)
{
    char id[ID_TEXT_SIZE];
    deed->refusal_detail = g_strdup_printf(
        "%s has an open invitation (%s). Send it again, copy its link, or withdraw it first.",
        open->email, id_format(&open->id, "inv", id));
    return refuse(deed, "already_invited", error);
}

/* Nobody is invited who is here already, or invited twice. */
static gboolean check_new(Db *db, Deed *deed, GError **error)
{
    const Invitation *invitation = deed->invitation;
    GError *fault = NULL;
    g_autoptr(Invitation) open = NULL;
    g_autoptr(Member) member = member_by_email(db, invitation->email, &fault);
    if (!fault)
        open = invitation_by_email(
            db, invitation->org_id, invitation->email, invitation->created_at, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    if (member)
        return refuse(deed, "already_member", error);
    return !open || refuse_open(deed, open, error);
}

/* The former link is dead from here on, and so is a mail that still waits with it. */
static gboolean renew(Db *db, const Deed *deed, WallMs now, GError **error)
{
    const Invitation *invitation = deed->invitation;
    g_autofree char *caller = call_caller_name(deed->call, db);
    InvitationLink link = {.expires_at = now + LIMIT_INVITATION_MS,
        .copied_at = deed->kind == DEED_COPY ? now : 0,
        .copied_by = caller,
        .email_id = deed->mail ? &deed->mail->id : NULL};
    memcpy(link.token_hash, deed->link.token_hash, sizeof link.token_hash);
    return invitation_renew(db, invitation->org_id, &invitation->id, &link, error);
}

static gboolean end_former_mail(Db *db, const Deed *deed, WallMs now, GError **error)
{
    /* Read again: another admin may have been faster. */
    GError *fault = NULL;
    g_autoptr(Invitation) former =
        invitation_by_id(db, deed->invitation->org_id, &deed->invitation->id, &fault);
    if (former && former->has_email)
        emails_end_link(
            db, former->org_id, &former->email_id, deed->kind == DEED_COPY, now, &fault);
    if (!fault)
        return TRUE;
    g_propagate_error(error, fault);
    return FALSE;
}

static gboolean change(Db *db, Deed *deed, WallMs now, GError **error)
{
    const Invitation *invitation = deed->invitation;
    switch (deed->kind) {
    case DEED_CREATE:
        return check_new(db, deed, error) && invitation_insert(db, invitation, error);
    case DEED_RESEND:
    case DEED_COPY:
        return end_former_mail(db, deed, now, error) && renew(db, deed, now, error);
    case DEED_REVOKE:
        return end_former_mail(db, deed, now, error) &&
               invitation_revoke(db, invitation->org_id, &invitation->id, now, error);
    }
    g_assert_not_reached();
}

static gboolean deed_job(Db *db, gpointer data, GError **error)
{
    Deed *deed = data;
    const Invitation *invitation = deed->invitation;
    return change(db, deed, clock_wall_ms(), error) &&
           (!deed->mail || emails_insert(db, deed->api->vault, deed->mail, error)) &&
           view_read(db, invitation->org_id, &invitation->id, &deed->view, error);
}

static HttpAnswer *deed_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Deed *deed = data;
    if (deed->refusal)
        return call_problem(call, deed->refusal, deed->refusal_detail);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "invitation_closed", NULL);
    if (error)
        return call_error(call, error);
    json_t *json = view_json(&deed->view, call->language);
    if (deed->link.url)
        json_object_set_new(json, "link", json_text(secret_reveal(deed->link.url, NULL)));
    return call_json(call, deed->kind == DEED_CREATE ? 201 : 200, json);
}

static HttpAnswer *submit(ApiCall *call, Deed *deed, const char *action)
{
    char id[ID_TEXT_SIZE];
    const Invitation *invitation = deed->invitation;
    g_autofree char *detail =
        g_strdup_printf("%s, %s", invitation->email, people_role_name(invitation->role));
    call_audit(call, action, id_format(&invitation->id, "inv", id), detail);
    return call_submit(call, deed_job, deed, deed_finish, deed_free);
}

static Deed *deed_new(ApiCall *call, DeedKind kind, Invitation *invitation)
{
    Deed *deed = g_new0(Deed, 1);
    deed->kind = kind;
    deed->call = call;
    deed->api = call->api;
    deed->invitation = invitation;
    if (kind != DEED_REVOKE)
        link_make(&deed->link, call->api, "invitation");
    return deed;
}

/* --- Its mail -------------------------------------------------------------------------------- */

/* How the invited person knows whoever invites. The caller frees. */
static char *inviter_name(ApiCall *call, Db *db, const SmtpState *state)
{
    g_autoptr(Member) member = call->caller.kind == PEOPLE_CALLER_MEMBER
                                   ? member_by_row(db, call->caller.member_row, NULL)
                                   : NULL;
    return member ? g_strdup(member->name)
                  : system_mail_org_name(call->api, db, call->caller.org_id, state);
}

/* NULL: it is written, or none can be. */
static HttpAnswer *write_mail(ApiCall *call, Db *db, Deed *deed, const SmtpState *state)
{
    Invitation *invitation = deed->invitation;
    struct api *api = call->api;
    if (!link_letter_is_possible(api, state))
        return NULL;
    MonoMs wait_ms = link_mail_take_invitation(api, invitation->org_id, invitation->email);
    if (wait_ms > 0 && deed->kind == DEED_CREATE)
        return NULL; /* its link can be copied */
    if (wait_ms > 0) {
        const Problem problem = {
            .code = "too_many_link_mails", .retry_after_s = (guint)(wait_ms / CLOCK_SECOND_MS) + 1};
        return call_problem_full(call, &problem);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *inviter = inviter_name(call, db, state);
    invitation->expires_at = clock_wall_ms() + LIMIT_INVITATION_MS;
    deed->mail = link_letter_invitation(api, db, invitation, inviter, &deed->link, state, &error);
    if (!deed->mail)
        return call_error(call, error);
    deed->mail->submitted_by_member = call->caller.member_row;
    if (deed->kind == DEED_CREATE) {
        invitation->email_id = deed->mail->id;
        invitation->has_email = TRUE;
    }
    return NULL;
}

/* NULL: go on. */
static HttpAnswer *prepare(ApiCall *call, Db *db, Deed *deed)
{
    g_autoptr(GError) error = NULL;
    Invitation *invitation = deed->invitation;
    gboolean is_new = deed->kind == DEED_CREATE;
    if (is_new)
        invitation->created_by = call_caller_name(call, db);
    g_autoptr(SmtpState) state = smtp_state_read(db, invitation->org_id, &error);
    if (!state || (is_new && !check_new(db, deed, &error)))
        return deed_finish(call, deed, error);
    if (!is_new && (invitation->accepted_at > 0 || invitation->revoked_at > 0))
        return call_problem(call, "invitation_closed", NULL);
    return write_mail(call, db, deed, state);
}

static HttpAnswer *prepare_and_submit(ApiCall *call, Deed *deed, const char *action)
{
    Db *db = store_reader_take(call->api->store);
    HttpAnswer *problem = prepare(call, db, deed);
    if (!problem && deed->mail)
        emails_seal(db, call->api->vault, deed->mail);
    store_reader_give(call->api->store, db);
    if (!problem)
        return submit(call, deed, action);
    deed_free(deed);
    return problem;
}

/* --- Making one ------------------------------------------------------------------------------ */

typedef struct {
    char *account;
    PeopleRole role;
    const char *language; /* lent from the body */
} Fields;

static void read_fields(json_t *body, Fields *fields, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    const char *email = member_fields_required(&object, "email");
    const char *role = member_fields_required(&object, "role");
    fields->language = json_object_take_text(&object, "language");
    fields->account = member_fields_new_account(&object, "email", email);
    if (role && !people_role_parse(role, &fields->role))
        json_object_fault(&object, "role", "unknown_value", NULL);
    member_fields_check_language(&object, "language", fields->language);
}

static Invitation *invitation_new(ApiCall *call, Fields *fields)
{
    Invitation *invitation = g_new0(Invitation, 1);
    WallMs now = clock_wall_ms();
    invitation->org_id = call->caller.org_id;
    invitation->id = id_fresh(now);
    invitation->email = g_steal_pointer(&fields->account);
    invitation->role = fields->role;
    invitation->language = g_strdup(fields->language);
    invitation->created_at = now;
    invitation->expires_at = now + LIMIT_INVITATION_MS;
    return invitation;
}

static HttpAnswer *create_from(ApiCall *call, Fields *fields)
{
    HttpAnswer *refusal = call_may_grant(call, people_role_scopes(fields->role));
    if (refusal)
        return refusal;
    Deed *deed = deed_new(call, DEED_CREATE, invitation_new(call, fields));
    memcpy(deed->invitation->token_hash, deed->link.token_hash, PEOPLE_HASH_BYTES);
    return prepare_and_submit(call, deed, "invitation.created");
}

HttpAnswer *route_invitation_create(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Fields fields = {0};
    read_fields(body, &fields, &faults);
    HttpAnswer *answer =
        faults.list->len > 0 ? call_faults(call, &faults) : create_from(call, &fields);
    g_free(fields.account);
    json_decref(body);
    return answer;
}

/* --- An existing one ------------------------------------------------------------------------- */

static HttpAnswer *change_existing(ApiCall *call, DeedKind kind, const char *action)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Invitation) invitation = invitation_by_id(db, call->caller.org_id, &call->id, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    if (!invitation)
        return call_problem(call, "not_found", NULL);
    HttpAnswer *refusal =
        kind == DEED_REVOKE ? NULL : call_may_grant(call, people_role_scopes(invitation->role));
    if (refusal)
        return refusal;
    Deed *deed = deed_new(call, kind, g_steal_pointer(&invitation));
    return kind == DEED_RESEND ? prepare_and_submit(call, deed, action)
                               : submit(call, deed, action);
}

HttpAnswer *route_invitation_resend(ApiCall *call)
{
    return change_existing(call, DEED_RESEND, "invitation.resent");
}

HttpAnswer *route_invitation_link(ApiCall *call)
{
    return change_existing(call, DEED_COPY, "invitation.link_copied");
}

HttpAnswer *route_invitation_revoke(ApiCall *call)
{
    return change_existing(call, DEED_REVOKE, "invitation.revoked");
}
