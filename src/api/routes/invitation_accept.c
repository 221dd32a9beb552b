/* What the invited person does: look at the offer, and accept it by choosing a name and a password.
 * Looking changes nothing, so that a scanner that opens every link in a mail uses nothing up. */
#include "api/link_mail.h"
#include "api/member_fields.h"
#include "api/routes/routes.h"
#include "api/session_start.h"
#include "api/state.h"
#include "api/system_mail.h"

#include "base/error.h"
#include "store/emails_actions.h"
#include "store/invitations.h"

#include <string.h>

/* The open invitation of this token. NULL with *problem. Strangers' guesses end at a reader, which
 * leaves the one writer to the mail. */
static Invitation *find_offer(
    ApiCall *call, const guint8 hash[PEOPLE_HASH_BYTES], gboolean is_possible, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Invitation *invitation = NULL;
    *problem = link_guess(call);
    if (*problem)
        return NULL;
    if (is_possible) {
        Db *db = store_reader_take(call->api->store);
        invitation = invitation_by_token(db, hash, clock_wall_ms(), &error);
        store_reader_give(call->api->store, db);
    }
    if (invitation)
        link_guess_was_right(call);
    else
        *problem = error ? call_error(call, error) : call_problem(call, "invitation_invalid", NULL);
    return invitation;
}

/* --- Looking --------------------------------------------------------------------------------- */

static gboolean read_token(
    ApiCall *call, guint8 hash[PEOPLE_HASH_BYTES], gboolean *is_possible, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return FALSE;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        link_token_take(&object, hash, is_possible);
    }
    json_decref(body);
    if (faults.list->len > 0)
        *problem = call_faults(call, &faults);
    return *problem == NULL;
}

static char *read_org_name(struct api *api, gint64 org_id)
{
    Db *db = store_reader_take(api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, NULL);
    char *name = system_mail_org_name(api, db, org_id, state);
    store_reader_give(api->store, db);
    return name;
}

HttpAnswer *route_invitation_lookup(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    guint8 hash[PEOPLE_HASH_BYTES] = {0};
    gboolean is_possible = FALSE;
    if (!read_token(call, hash, &is_possible, &problem))
        return problem;
    g_autoptr(Invitation) invitation = find_offer(call, hash, is_possible, &problem);
    if (!invitation)
        return problem;
    g_autofree char *org_name = read_org_name(call->api, invitation->org_id);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("invitation_offer"));
    json_object_set_new(json, "email", json_text(invitation->email));
    json_object_set_new(json, "role", json_text(people_role_name(invitation->role)));
    json_object_set_new(json, "language", json_text(invitation->language));
    json_object_set_new(json, "org_name", json_text(org_name));
    json_object_set_new(json, "expires_at", json_time(invitation->expires_at));
    return call_json(call, 200, json);
}

/* --- Accepting ------------------------------------------------------------------------------- */

typedef struct {
    guint8 token_hash[PEOPLE_HASH_BYTES];
    SessionStart *start; /* with the new member */
    gboolean is_taken;   /* the address has an account meanwhile */
} Acceptance;

static void acceptance_free(gpointer data)
{
    Acceptance *acceptance = data;
    session_start_free(acceptance->start);
    g_free(acceptance);
}

/* The account gets the invited address and role, whatever else was sent (threats T39, T51). */
static gboolean make_member(
    Db *db, Acceptance *acceptance, const Invitation *invitation, GError **error)
{
    Member *member = acceptance->start->member;
    GError *fault = NULL;
    member->org_id = invitation->org_id;
    member->role = invitation->role;
    g_free(member->email);
    member->email = g_strdup(invitation->email);
    if (member_insert(db, member, &member->row, &fault))
        return TRUE;
    acceptance->is_taken = g_error_matches(fault, ABS_ERROR, ABS_ERROR_CONFLICT);
    g_propagate_error(error, fault);
    return FALSE;
}

static gboolean accept_job(Db *db, gpointer data, GError **error)
{
    Acceptance *acceptance = data;
    char id[ID_TEXT_SIZE];
    WallMs now = clock_wall_ms();
    g_autoptr(Invitation) invitation = invitation_accept(db, acceptance->token_hash, now, error);
    return invitation && make_member(db, acceptance, invitation, error) &&
           (!invitation->has_email ||
               emails_end_link(db, invitation->org_id, &invitation->email_id, TRUE, now, error)) &&
           session_start_note(db, acceptance->start, "invitation.accepted",
               id_format(&invitation->id, "inv", id), people_role_name(invitation->role), error) &&
           session_start_write(db, acceptance->start, error);
}

static HttpAnswer *accept_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Acceptance *acceptance = data;
    if (acceptance->is_taken)
        return call_problem(call, "already_member", NULL);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND))
        return call_problem(call, "invitation_invalid", NULL);
    return error ? call_error(call, error) : session_start_answer(call, acceptance->start, 201);
}

typedef struct {
    gboolean is_possible;
    const char *name, *password, *language; /* lent from the body */
} Fields;

/* FALSE: there is no token to look up. */
static gboolean read_fields(JsonObject *object, guint8 hash[PEOPLE_HASH_BYTES], Fields *fields)
{
    gboolean has_token = link_token_take(object, hash, &fields->is_possible);
    fields->name = member_fields_required(object, "name");
    fields->password = member_fields_required(object, "password");
    fields->language = json_object_take_text(object, "language");
    member_fields_check_name(object, "name", fields->name);
    member_fields_check_language(object, "language", fields->language);
    return has_token;
}

static Member *new_member(ApiCall *call, const Fields *fields, const Invitation *invitation)
{
    g_autoptr(Secret) password = secret_new(fields->password, strlen(fields->password));
    const char *language = fields->language       ? fields->language
                           : invitation->language ? invitation->language
                                                  : language_name(call->language);
    WallMs now = clock_wall_ms();
    Member *member = g_new0(Member, 1);
    member->id = id_fresh(now);
    member->name = g_strdup(fields->name);
    member->password_hash = people_password_hash(password);
    member->language = g_strdup(language);
    member->created_at = now;
    return member;
}

static HttpAnswer *accept_with(ApiCall *call, json_t *body, JsonFaults *faults)
{
    HttpAnswer *problem = NULL;
    Fields fields = {0};
    guint8 hash[PEOPLE_HASH_BYTES] = {0};
    g_autoptr(Invitation) invitation = NULL;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        if (read_fields(&object, hash, &fields))
            invitation = find_offer(call, hash, fields.is_possible, &problem);
        if (invitation)
            member_fields_check_password(&object, "password", fields.password, invitation->email);
    }
    if (problem)
        return problem;
    if (faults->list->len > 0)
        return call_faults(call, faults);
    Acceptance *acceptance = g_new0(Acceptance, 1);
    memcpy(acceptance->token_hash, hash, sizeof hash);
    acceptance->start = session_start_new(call, new_member(call, &fields, invitation));
    return call_submit(call, accept_job, acceptance, accept_finish, acceptance_free);
}

HttpAnswer *route_invitation_accept(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    HttpAnswer *answer = accept_with(call, body, &faults);
    json_decref(body);
    return answer;
}
