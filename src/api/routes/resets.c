/* A new password for whoever forgot it: ask for a link, look at it, use it. Without signing in. */
#include "api/link_mail.h"
#include "api/member_fields.h"
#include "api/notices.h"
#include "api/reset_post.h"
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/audit.h"
#include "store/emails_actions.h"
#include "store/people.h"
#include "store/resets.h"

#include <string.h>

/* --- Asking ---------------------------------------------------------------------------------- */

static void asking_free(gpointer data)
{
    reset_free(data);
}

static gboolean asking_job(Db *db, gpointer data, GError **error)
{
    Reset *reset = data;
    return reset_ask(db, reset, &reset->row, error);
}

/* The same for everybody: known, unknown, or one time too many (threats T36, T37). */
static HttpAnswer *asked_answer(ApiCall *call)
{
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("password_reset_request"));
    return call_json(call, 202, json);
}

static HttpAnswer *asking_finish(ApiCall *call, gpointer data, const GError *error)
{
    if (error)
        return call_error(call, error);
    reset_post_wake(call->api->reset_post);
    return asked_answer(call);
}

static char *read_account(ApiCall *call, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    char *account = NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        const char *email = member_fields_required(&object, "email");
        account = member_fields_account(&object, "email", email);
    }
    json_decref(body);
    if (faults.list->len == 0)
        return account;
    g_free(account);
    *problem = call_faults(call, &faults);
    return NULL;
}

HttpAnswer *route_reset_ask(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autofree char *account = read_account(call, &problem);
    if (!account)
        return problem;
    if (link_mail_take_ask(call->api, account, call->client) > 0)
        return asked_answer(call);
    WallMs now = clock_wall_ms();
    Reset *reset = g_new0(Reset, 1);
    reset->org_id = STORE_DEFAULT_ORG;
    reset->id = id_fresh(now);
    reset->account = g_steal_pointer(&account);
    reset->language = g_strdup(language_name(call->language));
    reset->asked_at = now;
    reset->asked_from = g_strdup(call->client);
    return call_submit(call, asking_job, reset, asking_finish, asking_free);
}

/* --- The link -------------------------------------------------------------------------------- */

/* The live reset of this token. NULL with *problem. Guesses end at a reader. */
static Reset *find_reset(
    ApiCall *call, const guint8 hash[PEOPLE_HASH_BYTES], gboolean is_possible, HttpAnswer **problem)
{
    g_autoptr(GError) error = NULL;
    Reset *reset = NULL;
    *problem = link_guess(call);
    if (*problem)
        return NULL;
    if (is_possible) {
        Db *db = store_reader_take(call->api->store);
        reset = reset_by_token(db, hash, clock_wall_ms(), &error);
        store_reader_give(call->api->store, db);
    }
    if (reset)
        link_guess_was_right(call);
    else
        *problem = error ? call_error(call, error) : call_problem(call, "reset_invalid", NULL);
    return reset;
}

static HttpAnswer *look_up(ApiCall *call, json_t *body, JsonFaults *faults)
{
    HttpAnswer *problem = NULL;
    guint8 hash[PEOPLE_HASH_BYTES] = {0};
    gboolean is_possible = FALSE;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        link_token_take(&object, hash, &is_possible);
    }
    if (faults->list->len > 0)
        return call_faults(call, faults);
    g_autoptr(Reset) reset = find_reset(call, hash, is_possible, &problem);
    if (!reset)
        return problem;
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("password_reset_offer"));
    json_object_set_new(json, "email", json_text(reset->member_email));
    json_object_set_new(json, "expires_at", json_time(reset->expires_at));
    return call_json(call, 200, json);
}

HttpAnswer *route_reset_lookup(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    HttpAnswer *answer = look_up(call, body, &faults);
    json_decref(body);
    return answer;
}

/* --- Redeeming ------------------------------------------------------------------------------- */

typedef struct {
    struct api *api;
    Reset *reset; /* as it was when it was looked at */
    guint8 token_hash[PEOPLE_HASH_BYTES];
    char *password_hash;
    char *client;
    EmailNew *notice; /* to the member; NULL: none can be made */
} Redemption;

static void redemption_free(gpointer data)
{
    Redemption *redemption = data;
    g_clear_pointer(&redemption->reset, reset_free);
    g_clear_pointer(&redemption->notice, email_new_free);
    g_free(redemption->password_hash);
    g_free(redemption->client);
    g_free(redemption);
}

static gboolean note_redemption(Db *db, const Redemption *redemption, WallMs now, GError **error)
{
    char id[ID_TEXT_SIZE];
    const AuditNote note = {.org_id = redemption->reset->org_id,
        .at = now,
        .actor = redemption->reset->member_email,
        .action = "reset.used",
        .object = id_format(&redemption->reset->id, "rst", id),
        .client = redemption->client};
    return audit_append(db, &note, error);
}

static gboolean redeem_job(Db *db, gpointer data, GError **error)
{
    Redemption *redemption = data;
    const Reset *reset = redemption->reset;
    gint64 org_id = reset->org_id, row = 0;
    WallMs now = clock_wall_ms();
    gint64 member_row = reset_redeem(db, redemption->token_hash, now, &row, error);
    return member_row != 0 &&
           member_write_password(db, org_id, member_row, redemption->password_hash, now, error) &&
           sessions_delete_of_member(db, org_id, member_row, 0, error) &&
           resets_end_others(db, org_id, member_row, row, TRUE, now, error) &&
           (!reset->has_email || emails_end_link(db, org_id, &reset->email_id, TRUE, now, error)) &&
           (!redemption->notice ||
               emails_insert(db, redemption->api->vault, redemption->notice, error)) &&
           note_redemption(db, redemption, now, error);
}

static HttpAnswer *redeem_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Redemption *redemption = data;
    struct api *api = call->api;
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND))
        return call_problem(call, "reset_invalid", NULL);
    if (error)
        return call_error(call, error);
    credentials_remove_member(api->credentials, redemption->reset->member_row, 0);
    sse_check_callers(api->sse);
    /* Who has tried too often with the forgotten password may sign in with the new one: the link
     * was as good as a password, so this is a home. For others the account's wait goes on. */
    guesses_note_home(api->guesses, call->client, clock_mono_ms() + LIMIT_BROWSER_KNOWN_MS);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("password_reset"));
    json_object_set_new(json, "state", json_text(reset_state_name(RESET_USED)));
    return call_json(call, 200, json);
}

/* To the member, who may not be the one that used the link. NULL: no mail can be made. */
static EmailNew *write_notice(ApiCall *call, const Reset *reset)
{
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Member) member = member_by_row(db, reset->member_row, NULL);
    EmailNew *notice = member
                           ? notices_security_write(call->api, db, member,
                                 "security_password_changed", call->client, NULL, clock_wall_ms())
                           : NULL;
    store_reader_give(call->api->store, db);
    return notice;
}

static HttpAnswer *redeem(ApiCall *call, json_t *body, JsonFaults *faults)
{
    HttpAnswer *problem = NULL;
    guint8 hash[PEOPLE_HASH_BYTES] = {0};
    gboolean is_possible = FALSE;
    g_autoptr(Reset) reset = NULL;
    const char *text = NULL;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        gboolean has_token = link_token_take(&object, hash, &is_possible);
        text = member_fields_required(&object, "password");
        if (has_token)
            reset = find_reset(call, hash, is_possible, &problem);
        if (reset)
            member_fields_check_password(&object, "password", text, reset->member_email);
    }
    if (problem)
        return problem;
    if (faults->list->len > 0)
        return call_faults(call, faults);
    g_autoptr(Secret) password = secret_new(text, strlen(text));
    Redemption *redemption = g_new0(Redemption, 1);
    redemption->api = call->api;
    redemption->notice = write_notice(call, reset);
    redemption->reset = g_steal_pointer(&reset);
    redemption->password_hash = people_password_hash(password);
    redemption->client = g_strdup(call->client);
    memcpy(redemption->token_hash, hash, sizeof hash);
    return call_submit(call, redeem_job, redemption, redeem_finish, redemption_free);
}

HttpAnswer *route_reset_redeem(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    HttpAnswer *answer = redeem(call, body, &faults);
    json_decref(body);
    return answer;
}
