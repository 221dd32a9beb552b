/* What the organisation is called, how its mails look, and where people reach the pages. */
#include "api/http/browser.h"
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/leak_point.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/organisations.h"

#include <string.h>

static json_t *organisation_json(const struct api *api, const Organisation *organisation)
{
    g_autofree char *url = public_url_dup(api);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("organisation"));
    json_object_set_new(json, "name", json_text(LEAK_TEXT("answer", organisation->name)));
    json_object_set_new(json, "colour", json_text(organisation->colour));
    json_object_set_new(json, "language", json_text(organisation->language));
    json_object_set_new(json, "public_url", json_text(url));
    json_object_set_new(
        json, "public_url_source", json_text(public_url_source_name(public_url_source(api))));
    return json;
}

/* Whoever is signed in sees the name and colour on every page. */
HttpAnswer *route_organisation_get(ApiCall *call)
{
    gboolean may_read =
        call->caller.kind == PEOPLE_CALLER_MEMBER || (call->caller.scopes & PEOPLE_SCOPE_SMTP_READ);
    if (!may_read)
        return call_problem(call, "forbidden", NULL);
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(Organisation) organisation = organisation_read(db, call->caller.org_id, &error);
    store_reader_give(call->api->store, db);
    return organisation ? call_json(call, 200, organisation_json(call->api, organisation))
                        : call_error(call, error);
}

/* --- Changing it ----------------------------------------------------------------------------- */

enum { NAME, COLOUR, LANGUAGE, PUBLIC_URL, FIELDS };
static const char *const field_names[FIELDS] = {"name", "colour", "language", "public_url"};

typedef struct {
    ApiCall *call;
    gboolean is_given[FIELDS];
    char *value[FIELDS];   /* NULL: no longer said */
    gboolean was_https;    /* before it */
    Organisation *written; /* what came of it */
} OrganisationChange;

static void change_free(gpointer data)
{
    OrganisationChange *change = data;
    for (guint i = 0; i < FIELDS; i++)
        g_free(change->value[i]);
    organisation_free(change->written);
    g_free(change);
}

/* Each takes what was typed, and gives what is kept, or NULL with a code. */
typedef char *(*FieldReader)(const ApiCall *call, const char *text, const char **code);

static char *read_name(const ApiCall *call, const char *text, const char **code)
{
    if (!text_is_one_line(text, FALSE))
        *code = "control_character";
    else if (g_utf8_strlen(text, -1) > LIMIT_SENDER_NAME_CHARACTERS)
        *code = "too_long";
    return *code ? NULL : g_strstrip(g_strdup(text));
}

static char *read_colour(const ApiCall *call, const char *text, const char **code)
{
    gsize n = strlen(text);
    if (n != strlen("#1f5fbf") || text[0] != '#' ||
        strspn(text + 1, "0123456789abcdefABCDEF") != n - 1)
        *code = "invalid_colour";
    return *code ? NULL : g_ascii_strdown(text, -1);
}

static char *read_language(const ApiCall *call, const char *text, const char **code)
{
    Language language;
    if (!language_parse(text, &language))
        *code = "unknown_value";
    return *code ? NULL : g_strdup(text);
}

static char *read_public_url(const ApiCall *call, const char *text, const char **code)
{
    g_autofree char *url = public_url_parse(text);
    *code = url ? public_url_fault(call, url) : "invalid_url";
    return *code ? NULL : g_steal_pointer(&url);
}

static const FieldReader readers[FIELDS] = {read_name, read_colour, read_language, read_public_url};

static void read_field(JsonObject *object, OrganisationChange *change, guint i)
{
    change->is_given[i] = json_object_has(object, field_names[i]);
    guint before = object->faults->list->len;
    const char *text = json_object_take_text(object, field_names[i]);
    const char *code = NULL;
    if (object->faults->list->len > before)
        return;
    if (text && *text)
        change->value[i] = readers[i](change->call, text, &code);
    else if (i == PUBLIC_URL && change->is_given[i]) /* said once, it is never taken back */
        code = public_url_source(change->call->api) == PUBLIC_URL_OPERATOR ? "public_url_is_fixed"
                                                                           : "required";
    if (code)
        json_object_fault(object, field_names[i], code, NULL);
}

static OrganisationChange *read_change(ApiCall *call, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    OrganisationChange *change = g_new0(OrganisationChange, 1);
    change->call = call;
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        for (guint i = 0; i < FIELDS; i++)
            read_field(&object, change, i);
    }
    json_decref(body);
    if (faults.list->len == 0)
        return change;
    *problem = call_faults(call, &faults);
    change_free(change);
    return NULL;
}

/* What is different now, for the audit log. The caller frees. */
static char *apply(OrganisationChange *change, Organisation *organisation)
{
    char **const fields[FIELDS] = {&organisation->name, &organisation->colour,
        &organisation->language, &organisation->public_url};
    GString *said = g_string_new(NULL);
    for (guint i = 0; i < FIELDS; i++) {
        const char *next = change->value[i];
        if (!change->is_given[i])
            continue;
        call_audit_say(said, field_names[i], *fields[i], next);
        g_free(*fields[i]);
        *fields[i] = g_strdup(next);
    }
    return g_string_free(said, FALSE);
}

static gboolean change_job(Db *db, gpointer data, GError **error)
{
    OrganisationChange *change = data;
    change->written = organisation_read(db, change->call->caller.org_id, error);
    if (!change->written)
        return FALSE;
    g_autofree char *said = apply(change, change->written);
    call_audit_learned(change->call, NULL, *said ? said : NULL);
    if (!*said)
        call_audit_drop(change->call);
    return !*said || organisation_write(db, change->written, error);
}

/* The cookie's name depends on whether the public URL is https: nobody shall be signed out by a
 * change of it. */
static void keep_signed_in(const ApiCall *call, gboolean was_https, HttpAnswer *answer)
{
    gboolean is_https = public_url_is_https(call->api);
    char *value = http_request_cookie(call->request, browser_cookie_name(was_https));
    g_autoptr(Secret) secret = secret_new_take(value);
    if (is_https == was_https || call->caller.kind != PEOPLE_CALLER_MEMBER || !secret)
        return;
    char *cookie = browser_cookie(is_https, secret);
    http_answer_set_header(answer, "Set-Cookie", cookie);
    secret_wipe(cookie, strlen(cookie));
    g_free(cookie);
}

static HttpAnswer *change_finish(ApiCall *call, gpointer data, const GError *error)
{
    const OrganisationChange *change = data;
    if (error)
        return call_error(call, error);
    public_url_note_stored(call->api, change->written->public_url);
    HttpAnswer *answer = call_json(call, 200, organisation_json(call->api, change->written));
    keep_signed_in(call, change->was_https, answer);
    return answer;
}

/* Links that let somebody in begin with the public URL: whoever sets it can become anybody, so that
 * is for an admin who signed in and for the operator, never for a token. */
static gboolean may_change(const ApiCall *call, const OrganisationChange *change)
{
    return !change->is_given[PUBLIC_URL] || call->caller.role == PEOPLE_ROLE_ORG_ADMIN;
}

HttpAnswer *route_organisation_patch(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    OrganisationChange *change = read_change(call, &problem);
    if (!change)
        return problem;
    if (!may_change(call, change)) {
        change_free(change);
        return call_problem(call, "scope_not_allowed", NULL);
    }
    change->was_https = public_url_is_https(call->api);
    call_audit(call, "organisation.changed", NULL, NULL);
    return call_submit(call, change_job, change, change_finish, change_free);
}
