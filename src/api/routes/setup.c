/* First set-up: the one-time link makes the first org admin. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "api/member_fields.h"
#include "api/password_try.h"
#include "api/session_start.h"
#include "base/error.h"
#include "store/organisations.h"

#include <string.h>

/* --- What is asked for ------------------------------------------------------------------------ */

typedef struct {
    const char *token, *email, *name, *password, *language, *org_name; /* lent from the body */
    char *account, *public_url;                                        /* as they will be stored */
} SetupFields;

/* Links must lead somewhere from the first mail on, so it is asked for here, unless the operator
 * has said it. */
static void read_public_url(ApiCall *call, JsonObject *object, SetupFields *fields)
{
    gboolean is_fixed = public_url_source(call->api) == PUBLIC_URL_OPERATOR;
    const char *text = is_fixed ? json_object_take_text(object, "public_url")
                                : member_fields_required(object, "public_url");
    if (!text)
        return;
    fields->public_url = public_url_parse(text);
    const char *fault =
        fields->public_url ? public_url_fault(call, fields->public_url) : "invalid_url";
    if (fault)
        json_object_fault(object, "public_url", fault, NULL);
}

static void read_setup(ApiCall *call, json_t *body, SetupFields *fields, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    fields->token = member_fields_required(&object, "token");
    fields->email = member_fields_required(&object, "email");
    fields->name = member_fields_required(&object, "name");
    fields->password = member_fields_required(&object, "password");
    fields->language = json_object_take_text(&object, "language");
    fields->org_name = json_object_take_text(&object, "org_name");
    fields->account = member_fields_new_account(&object, "email", fields->email);
    member_fields_check_name(&object, "name", fields->name);
    member_fields_check_name(&object, "org_name", fields->org_name);
    member_fields_check_language(&object, "language", fields->language);
    member_fields_check_password(&object, "password", fields->password, fields->email);
    read_public_url(call, &object, fields);
}

/* account is taken. */
static Member *first_member(const SetupFields *fields, char *account, const char *language)
{
    g_autoptr(Secret) password = secret_new(fields->password, strlen(fields->password));
    WallMs now = clock_wall_ms();
    Member *member = g_new0(Member, 1);
    member->org_id = STORE_DEFAULT_ORG;
    member->id = id_fresh(now);
    member->email = account;
    member->name = g_strdup(fields->name);
    member->role = PEOPLE_ROLE_ORG_ADMIN;
    member->password_hash = people_password_hash(password);
    member->language = g_strdup(language);
    member->created_at = now;
    return member;
}

/* --- The job ---------------------------------------------------------------------------------- */

typedef struct {
    SessionStart *start;
    guint8 token_hash[PEOPLE_HASH_BYTES];
    char *org_name, *public_url; /* NULL: not said */
} Setup;

static void setup_free(gpointer data)
{
    Setup *setup = data;
    session_start_free(setup->start);
    g_free(setup->org_name);
    g_free(setup->public_url);
    g_free(setup);
}

/* The organisation speaks its first admin's language until somebody says otherwise. */
static gboolean write_organisation(Db *db, const Setup *setup, GError **error)
{
    const Member *admin = setup->start->member;
    g_autoptr(Organisation) organisation = organisation_read(db, admin->org_id, error);
    if (!organisation)
        return FALSE;
    if (setup->org_name) {
        g_free(organisation->name);
        organisation->name = g_strdup(setup->org_name);
    }
    if (setup->public_url) {
        g_free(organisation->public_url);
        organisation->public_url = g_strdup(setup->public_url);
    }
    g_free(organisation->language);
    organisation->language = g_strdup(admin->language);
    return organisation_write(db, organisation, error);
}

static gboolean setup_job(Db *db, gpointer data, GError **error)
{
    Setup *setup = data;
    Member *admin = setup->start->member;
    char id[ID_TEXT_SIZE];
    return setup_token_redeem(db, setup->token_hash, clock_wall_ms(), error) &&
           member_insert(db, admin, &admin->row, error) && write_organisation(db, setup, error) &&
           session_start_note(
               db, setup->start, "setup.done", id_format(&admin->id, "mem", id), NULL, error) &&
           session_start_write(db, setup->start, error);
}

static HttpAnswer *setup_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Setup *setup = data;
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_DENIED))
        return call_problem(call, "setup_token_invalid", NULL);
    password_try_passed(call, NULL);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "address_taken", NULL);
    if (error)
        return call_error(call, error);
    if (setup->public_url)
        public_url_note_stored(call->api, setup->public_url);
    return session_start_answer(call, setup->start, 201);
}

/* Before a password is hashed: whoever has no such link shall not keep those waiting who sign in.
 * NULL: it is good so far. */
static HttpAnswer *check_link(ApiCall *call, const guint8 hash[PEOPLE_HASH_BYTES])
{
    g_autoptr(GError) error = NULL;
    gboolean is_good = FALSE;
    Db *db = store_reader_take(call->api->store);
    setup_token_is_good(db, hash, clock_wall_ms(), &is_good, &error);
    store_reader_give(call->api->store, db);
    if (error)
        return call_error(call, error);
    return is_good ? NULL : call_problem(call, "setup_token_invalid", NULL);
}

HttpAnswer *route_setup(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    json_t *body = call_body(call, FALSE, &problem);
    if (!body)
        return problem;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    SetupFields fields = {0};
    read_setup(call, body, &fields, &faults);
    g_autofree char *public_url = fields.public_url, *account = fields.account;
    guint8 token_hash[PEOPLE_HASH_BYTES];
    problem = faults.list->len > 0 ? call_faults(call, &faults) : password_try_take(call, NULL);
    if (!problem) {
        people_hash_lent(fields.token, token_hash);
        problem = check_link(call, token_hash);
    }
    if (problem) {
        json_decref(body);
        return problem;
    }
    const char *language = fields.language ? fields.language : language_name(call->language);
    Setup *setup = g_new0(Setup, 1);
    setup->start =
        session_start_new(call, first_member(&fields, g_steal_pointer(&account), language));
    setup->org_name = g_strdup(fields.org_name);
    setup->public_url = g_steal_pointer(&public_url);
    json_decref(body);
    memcpy(setup->token_hash, token_hash, sizeof token_hash);
    return call_submit(call, setup_job, setup, setup_finish, setup_free);
}
