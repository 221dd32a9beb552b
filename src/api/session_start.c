#include "api/session_start.h"

#include "api/http/browser.h"
#include "api/notices.h"
#include "api/state.h"
#include "api/version.h"
#include "api/words/browser_text.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/organisations.h"

#include <string.h>

#define SIGNED_IN "session.created" /* in the audit log, with the browser as its detail */

/* --- The session object ---------------------------------------------------------------------- */

json_t *member_json(const Member *member, gboolean is_you)
{
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("member"));
    json_object_set_new(json, "id", json_text(id_format(&member->id, "mem", id)));
    json_object_set_new(json, "email", json_text(member->email));
    json_object_set_new(json, "name", json_text(member->name));
    json_object_set_new(json, "role", json_text(people_role_name(member->role)));
    json_object_set_new(json, "language", json_text(member->language));
    json_object_set_new(json, "created_at", json_time(member->created_at));
    json_object_set_new(json, "signed_in_at", json_time(member->signed_in_at));
    json_object_set_new(json, "is_you", json_boolean(is_you));
    return json;
}

json_t *session_json(const ApiCall *call, const Member *member, const char *csrf,
    gboolean needs_setup, const char *org_name)
{
    const struct api *api = call->api;
    g_autofree char *url = public_url_dup(api);
    json_t *json = json_object();
    json_object_set_new(json, "authenticated", json_boolean(member != NULL));
    json_object_set_new(json, "setup_required", json_boolean(needs_setup));
    json_object_set_new(json, "dev", json_boolean(api->dev));
    json_object_set_new(json, "sandbox", json_boolean(api->sandbox != NULL));
    json_object_set_new(json, "version", json_text(ABSENDER_VERSION));
    json_object_set_new(json, "public_url", json_text(url));
    json_object_set_new(
        json, "public_url_is_fixed", json_boolean(public_url_source(api) == PUBLIC_URL_OPERATOR));
    json_object_set_new(json, "org_name", json_text(org_name));
    json_object_set_new(json, "member", member ? member_json(member, TRUE) : json_null());
    json_object_set_new(json, "csrf_token", json_text(member ? csrf : NULL));
    return json;
}

/* --- A new session --------------------------------------------------------------------------- */

/* What a browser calls itself, made fit to show. */
static char *agent_of(const ApiCall *call)
{
    const char *agent = http_request_header(call->request, "User-Agent");
    return agent ? text_printable(agent, strlen(agent), LIMIT_AGENT_CHARACTERS) : NULL;
}

SessionStart *session_start_new(ApiCall *call, Member *member)
{
    WallMs now = clock_wall_ms();
    SessionStart *start = g_new0(SessionStart, 1);
    start->member = member;
    start->secret = people_random_make();
    start->vault = call->api->vault;
    start->client = g_strdup(call->client);
    start->agent = agent_of(call);
    Session *session = &start->session;
    people_hash(start->secret, session->hash);
    session->id = id_fresh(now);
    session->created_at = session->used_at = now;
    session->expires_at = now + LIMIT_SESSION_MS;
    if (call->caller.kind == PEOPLE_CALLER_MEMBER)
        start->earlier_row = call->caller.row;
    return start;
}

void session_start_free(SessionStart *start)
{
    if (!start)
        return;
    member_free(start->member);
    secret_free(start->secret);
    g_free(start->client);
    g_free(start->agent);
    g_free(start->org_name);
    email_new_free(start->notice);
    g_free(start);
}

/* Signed in with before, by what the audit log remembers: sessions that have ended count, and an
 * address at home changes every night. */
static gboolean is_known_browser(Db *db, const SessionStart *start)
{
    const Member *member = start->member;
    const AuditFilter filter = {.org_id = member->org_id,
        .limit = LIMIT_PAGE,
        .action = SIGNED_IN,
        .actor = member->email,
        .since = start->session.created_at - LIMIT_BROWSER_KNOWN_MS};
    gboolean has_more;
    g_autoptr(GPtrArray) events = audit_list(db, &filter, &has_more, NULL);
    for (guint i = 0; events && i < events->len; i++) {
        const AuditEvent *event = events->pdata[i];
        if (strcmp(event->actor, member->email) == 0 &&
            browser_is_same(event->detail, start->agent))
            return TRUE;
    }
    return member->signed_in_at == 0; /* the very first is no surprise */
}

static gboolean recall_homes_of(struct api *api, Db *db, gint64 org_id, GError **error)
{
    WallMs now = clock_wall_ms();
    g_autoptr(GPtrArray) events =
        audit_newest(db, org_id, SIGNED_IN, now - LIMIT_BROWSER_KNOWN_MS, LIMIT_GUESSES, error);
    for (guint i = 0; events && i < events->len; i++) {
        const AuditEvent *event = events->pdata[i];
        guesses_note_home(api->guesses, event->client,
            clock_mono_ms() + LIMIT_BROWSER_KNOWN_MS - MAX(now - event->at, 0));
    }
    return events != NULL;
}

void session_start_recall_homes(struct api *api)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(api->store);
    g_autoptr(GArray) organisations = organisations_all(db, &error);
    for (guint i = 0; organisations && i < organisations->len; i++) {
        if (!recall_homes_of(api, db, g_array_index(organisations, gint64, i), &error))
            break;
    }
    store_reader_give(api->store, db);
    if (error)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "where people have signed in is not known: %s", error->message);
}

void session_start_announce(ApiCall *call, SessionStart *start)
{
    const char *template = start->is_renewal ? "security_password_changed" : "security_new_sign_in";
    Db *db = store_reader_take(call->api->store);
    if (start->is_renewal || !is_known_browser(db, start))
        start->notice = notices_security_write(call->api, db, start->member, template,
            start->client, start->agent, start->session.created_at);
    store_reader_give(call->api->store, db);
}

gboolean session_start_note(Db *db, const SessionStart *start, const char *action,
    const char *object, const char *detail, GError **error)
{
    const AuditNote note = {
        .org_id = start->member->org_id,
        .at = start->session.created_at,
        .actor = start->member->email,
        .action = action,
        .object = object,
        .detail = detail,
        .client = start->client,
    };
    return audit_append(db, &note, error);
}

static gboolean note_sign_in(Db *db, SessionStart *start, GError **error)
{
    Member *member = start->member;
    char id[ID_TEXT_SIZE];
    if (!member_note_sign_in(db, member->row, start->session.created_at, error))
        return FALSE;
    member->signed_in_at = start->session.created_at;
    return session_start_note(
        db, start, SIGNED_IN, id_format(&start->session.id, "ses", id), start->agent, error);
}

gboolean session_start_write(Db *db, SessionStart *start, GError **error)
{
    Session *session = &start->session;
    const SessionOrigin origin = {start->client, start->agent};
    g_autoptr(Organisation) organisation = organisation_read(db, start->member->org_id, error);
    if (!organisation)
        return FALSE;
    g_free(start->org_name);
    start->org_name = g_strdup(organisation->name);
    if (start->earlier_row && !session_delete(db, start->earlier_row, error))
        return FALSE;
    session->org_id = start->member->org_id;
    session->member_row = start->member->row;
    session->role = start->member->role;
    return session_insert(db, session, &origin, &session->row, error) &&
           (start->is_renewal || note_sign_in(db, start, error)) &&
           (!start->notice || emails_insert(db, start->vault, start->notice, error));
}

HttpAnswer *session_start_answer(ApiCall *call, const SessionStart *start, int status)
{
    struct api *api = call->api;
    char csrf[CALL_CSRF_SIZE];
    if (start->earlier_row)
        credentials_remove(api->credentials, call->credential);
    credentials_add_session(api->credentials, &start->session);
    sse_check_callers(api->sse);
    browser_csrf_token(secret_reveal(start->secret, NULL), csrf);
    HttpAnswer *answer =
        call_json(call, status, session_json(call, start->member, csrf, FALSE, start->org_name));
    g_autofree char *cookie = browser_cookie(public_url_is_https(api), start->secret);
    http_answer_set_header(answer, "Set-Cookie", cookie);
    secret_wipe(cookie, strlen(cookie));
    secret_wipe(csrf, sizeof csrf);
    return answer;
}
