/* The keys that everything stored is sealed with: how old they are and what hangs on them, for
 * administrators; changing them, for the operator alone, who can read the key file anyway. */
#include "api/routes/routes.h"
#include "api/state.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/key_records.h"
#include "vault/keks.h"

#include <string.h>

G_STATIC_ASSERT(ID_BYTES == VAULT_KEK_ID_BYTES); /* of the path */

/* --- Which there are ---------------------------------------------------------------------------
 */

static json_t *key_json(const KeyRecord *record)
{
    g_autofree char *id = vault_kek_id_dup(record->kek_id);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("key"));
    json_object_set_new(json, "id", json_text(id));
    json_object_set_new(json, "state", json_text(key_state_name(record->state)));
    json_object_set_new(json, "created_at", json_time(record->created_at));
    json_object_set_new(json, "sealed", json_integer(record->sealed));
    return json;
}

static HttpAnswer *answer_keys(ApiCall *call, int status)
{
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(GArray) records = key_records_list(db, call->api->vault, &error);
    store_reader_give(call->api->store, db);
    if (!records)
        return call_error(call, error);
    json_t *data = json_array();
    for (guint i = 0; i < records->len; i++)
        json_array_append_new(data, key_json(&g_array_index(records, KeyRecord, i)));
    json_t *list = json_list(data, FALSE);
    gboolean is_credential = vault_is_credential(call->api->vault);
    json_object_set_new(list, "source", json_text(is_credential ? "credential" : "file"));
    return call_json(call, status, list);
}

HttpAnswer *route_keys_list(ApiCall *call)
{
    return call->caller.kind == PEOPLE_CALLER_TOKEN ? call_problem(call, "forbidden", NULL)
                                                    : answer_keys(call, 200);
}

/* --- Changing them -----------------------------------------------------------------------------
 */

static const char how_with_credential[] =
    "The key is a systemd credential, which this service cannot change. Decrypt it to a file "
    "(systemd-creds decrypt), change that with \"absender key add\", \"activate\" or "
    "\"retire\" and --key-file, encrypt it again (systemd-creds encrypt), and restart the "
    "service.";

/* NULL: go on. */
static HttpAnswer *check_operator(ApiCall *call)
{
    if (call->caller.kind != PEOPLE_CALLER_OPERATOR)
        return call_problem(call, "forbidden", NULL);
    return vault_is_credential(call->api->vault)
               ? call_problem(call, "key_is_credential", how_with_credential)
               : NULL;
}

/* What the vault says of a key file is for the operator, who asked. */
static HttpAnswer *vault_problem(ApiCall *call, const GError *error)
{
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT))
        return call_problem(call, "too_many_keys", error->message);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT) ||
        g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET))
        return call_problem(call, "key_file_unusable", error->message);
    return call_error(call, error);
}

/* The key file and the database cannot change in one step. Each job may be repeated, and the next
 * start finishes what a death in between has left (store_check_key). */
typedef struct {
    ApiCall *call;
    guint8 kek_id[VAULT_KEK_ID_BYTES];
    const char *action;
    gboolean (*note)(Db *db, Vault *vault, const guint8 *kek_id, gint64 *sealed, GError **error);
    gint64 sealed; /* still, with a key that is to be retired */
} KeyNote;

static gboolean note_job(Db *db, gpointer data, GError **error)
{
    KeyNote *note = data;
    g_autofree char *id = vault_kek_id_dup(note->kek_id);
    return note->note(db, note->call->api->vault, note->kek_id, &note->sealed, error) &&
           call_audit_append(note->call, db, note->action, id, NULL, error);
}

static gboolean note_added(
    Db *db, Vault *vault, const guint8 *kek_id, gint64 *sealed, GError **error)
{
    return key_record_added(db, vault, kek_id, clock_wall_ms(), error);
}

static gboolean note_activated(
    Db *db, Vault *vault, const guint8 *kek_id, gint64 *sealed, GError **error)
{
    return key_record_activated(db, kek_id, clock_wall_ms(), error);
}

static gboolean note_retired(
    Db *db, Vault *vault, const guint8 *kek_id, gint64 *sealed, GError **error)
{
    return key_record_retired(db, kek_id, clock_wall_ms(), sealed, error);
}

static HttpAnswer *add_key(ApiCall *call)
{
    KeyNote note = {.call = call, .action = "key.added", .note = note_added};
    g_autoptr(GError) error = NULL;
    if (!vault_kek_add(call->api->vault, note.kek_id, &error))
        return vault_problem(call, error);
    if (!store_run(call->api->store, note_job, &note, &error))
        return call_error(call, error);
    return answer_keys(call, 201);
}

/* The database must take what it seals before it seals: its retiring may have stopped halfway. */
static gboolean admit_job(Db *db, gpointer data, GError **error)
{
    const ApiCall *call = data;
    return key_record_added(db, call->api->vault, call->id.bytes, clock_wall_ms(), error);
}

static gboolean is_active(ApiCall *call)
{
    guint8 active[VAULT_KEK_ID_BYTES];
    vault_kek_id(call->api->vault, active);
    return memcmp(active, call->id.bytes, sizeof active) == 0;
}

/* NULL: go on. */
static HttpAnswer *check_in_file(ApiCall *call)
{
    g_autoptr(GArray) ids = vault_kek_ids(call->api->vault);
    for (guint i = 0; i < ids->len; i++) {
        if (memcmp(ids->data + (gsize)i * VAULT_KEK_ID_BYTES, call->id.bytes, VAULT_KEK_ID_BYTES) ==
            0)
            return NULL;
    }
    return call_problem(call, "key_unknown", NULL);
}

/* Sealing everything anew goes on behind this answer. */
static HttpAnswer *activate_key(ApiCall *call)
{
    KeyNote note = {.call = call, .action = "key.activated", .note = note_activated};
    g_autoptr(GError) error = NULL;
    HttpAnswer *unknown = check_in_file(call);
    if (unknown)
        return unknown;
    memcpy(note.kek_id, call->id.bytes, sizeof note.kek_id);
    if (!store_run(call->api->store, admit_job, call, &error))
        return call_error(call, error);
    if (!vault_kek_activate(call->api->vault, note.kek_id, &error))
        return vault_problem(call, error);
    rewrap_start(call->api->rewrap);
    if (!store_run(call->api->store, note_job, &note, &error))
        return call_error(call, error);
    return answer_keys(call, 202);
}

static HttpAnswer *still_in_use(ApiCall *call, gint64 sealed)
{
    g_autofree char *detail =
        g_strdup_printf("Values that are still sealed with this key: %" G_GINT64_FORMAT
                        ". They are being put under the one in use; try again in a moment.",
            sealed);
    rewrap_start(call->api->rewrap);
    return call_problem(call, "key_in_use", detail);
}

/* The database first: from then on it takes nothing that only this key would open. A key that then
 * stays in the file after all is as before. */
static HttpAnswer *retire_key(ApiCall *call)
{
    KeyNote note = {.call = call, .action = "key.retired", .note = note_retired};
    g_autoptr(GError) error = NULL;
    HttpAnswer *unknown = check_in_file(call);
    if (unknown)
        return unknown;
    if (is_active(call))
        return call_problem(
            call, "key_in_use", "New values are sealed with this key. Activate another one first.");
    memcpy(note.kek_id, call->id.bytes, sizeof note.kek_id);
    if (!store_run(call->api->store, note_job, &note, &error))
        return note.sealed > 0 ? still_in_use(call, note.sealed) : call_error(call, error);
    CRASH_POINT("key_retirement_noted");
    if (vault_kek_retire(call->api->vault, note.kek_id, &error))
        return answer_keys(call, 200);
    store_run(call->api->store, admit_job, call, NULL);
    return vault_problem(call, error);
}

/* One at a time: file and database must agree on which key is in use. */
static HttpAnswer *change_keys(ApiCall *call, HttpAnswer *(*change)(ApiCall *call))
{
    HttpAnswer *answer = check_operator(call);
    if (answer)
        return answer;
    if (!g_atomic_int_compare_and_exchange(&call->api->is_changing_keys, FALSE, TRUE))
        return call_problem(call, "busy", "The keys are being changed already.");
    answer = change(call);
    g_atomic_int_set(&call->api->is_changing_keys, FALSE);
    return answer;
}

HttpAnswer *route_key_add(ApiCall *call)
{
    return change_keys(call, add_key);
}

HttpAnswer *route_key_activate(ApiCall *call)
{
    return change_keys(call, activate_key);
}

HttpAnswer *route_key_retire(ApiCall *call)
{
    return change_keys(call, retire_key);
}

/* --- A copy for a safe place -------------------------------------------------------------------
 */

static Secret *read_passphrase(ApiCall *call, HttpAnswer **problem)
{
    json_t *body = call_body(call, FALSE, problem);
    if (!body)
        return NULL;
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    Secret *passphrase = NULL;
    g_autofree char *too_short = g_strdup_printf(
        "A passphrase for keys has at least %d characters.", LIMIT_EXPORT_PASSPHRASE_CHARACTERS);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", &faults);
        const char *text = json_object_take_text(&object, "passphrase");
        if (!text)
            json_object_fault(&object, "passphrase", "required", NULL);
        else if (strlen(text) > LIMIT_PASSWORD_BYTES)
            json_object_fault(&object, "passphrase", "too_long", NULL);
        else if (g_utf8_strlen(text, -1) < LIMIT_EXPORT_PASSPHRASE_CHARACTERS)
            json_object_fault(&object, "passphrase", "out_of_range", too_short);
        else
            passphrase = secret_new(text, strlen(text));
    }
    json_decref(body);
    if (faults.list->len == 0)
        return passphrase;
    *problem = call_faults(call, &faults);
    secret_free(passphrase);
    return NULL;
}

static gboolean audit_job(Db *db, gpointer data, GError **error)
{
    return call_audit_append(data, db, "key.exported", NULL, NULL, error);
}

/* Noted before the keys leave. */
HttpAnswer *route_keys_export(ApiCall *call)
{
    HttpAnswer *problem = NULL;
    g_autoptr(GError) error = NULL;
    if (call->caller.kind != PEOPLE_CALLER_OPERATOR)
        return call_problem(call, "forbidden", NULL);
    g_autoptr(Secret) passphrase = read_passphrase(call, &problem);
    if (!passphrase)
        return problem;
    g_autofree char *text = vault_kek_export(call->api->vault, passphrase, &error);
    if (!text || !store_run(call->api->store, audit_job, call, &error))
        return call_error(call, error);
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("key_export"));
    json_object_set_new(json, "text", json_text(text));
    return call_json(call, 200, json);
}
