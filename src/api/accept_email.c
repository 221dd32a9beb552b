#include "api/accept_email.h"

#include "api/email_request.h"
#include "api/json/email_json.h"
#include "api/state.h"
#include "api/token_check.h"
#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/space.h"

#include <string.h>

/* --- Composing ------------------------------------------------------------------------------- */

/* The envelope: everybody once, whoever stands in two lists. */
static void add_recipients(EmailNew *email, const GPtrArray *addresses, GHashTable *seen)
{
    for (guint i = 0; i < addresses->len; i++) {
        const MimeAddress *address = addresses->pdata[i];
        email->needs_smtputf8 |= address->needs_smtputf8;
        if (g_hash_table_add(seen, address->addr_spec))
            g_ptr_array_add(email->recipients, g_strdup(address->addr_spec));
    }
}

gboolean accept_email_compose(EmailNew *email, MimeDraft *draft, WallMs now, JsonFaults *faults)
{
    email->id = id_fresh(now);
    email->created_at = now;
    draft->date = now;
    draft->message_id = mime_message_id_make(&email->id, draft->from->domain);
    memcpy(draft->boundary_seed, email->id.bytes, sizeof draft->boundary_seed);

    MimeFault *fault = NULL;
    gboolean needs_smtputf8 = FALSE;
    email->content = mime_message_write(draft, &needs_smtputf8, &fault);
    if (!email->content) {
        json_fault_add(faults, fault->field, g_intern_string(fault->code), fault->detail);
        mime_fault_free(fault);
        return FALSE;
    }
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    email->needs_smtputf8 = needs_smtputf8 || draft->from->needs_smtputf8;
    email->sender = g_strdup(draft->from->addr_spec);
    email->message_id = g_strdup(draft->message_id);
    if (!email_class_is_secret(email->class))
        email->subject = g_strdup(draft->subject);
    add_recipients(email, draft->to, seen);
    add_recipients(email, draft->cc, seen);
    add_recipients(email, draft->bcc, seen);
    return TRUE;
}

/* Settings names the sender; before there are settings any valid address will do, and the mail is
 * held. FALSE with a fault noted. */
static gboolean settle_sender(EmailRequest *request, const SmtpState *state, JsonFaults *faults)
{
    MimeDraft *draft = request->draft;
    const SmtpSettings *settings = state->active ? state->active : state->draft;
    const char *address = settings ? settings->from_email : NULL;
    if (!draft->from && !address) {
        json_fault_add(faults, "/from", "required",
            "There is no sender address in the settings yet, so \"from\" is required.");
        return FALSE;
    }
    if (!draft->from) {
        g_autoptr(GError) error = NULL;
        request->follows_sender = TRUE;
        draft->from = mime_address_new(settings->from_name, address, &error);
        if (draft->from)
            request->from = mime_mailbox_format(draft->from);
        else
            json_fault_add(faults, "/from", "invalid_address", error->message);
        return draft->from != NULL;
    }
    if (!state->active)
        return TRUE;
    g_autoptr(MimeAddress) allowed = mime_address_parse(address, NULL);
    if (allowed && mime_address_equal(allowed, draft->from))
        return TRUE;
    g_autofree char *detail =
        g_strdup_printf("Only %s may be the sender; the name before it is free.", address);
    json_fault_add(faults, "/from", "sender_not_allowed", detail);
    return FALSE;
}

static EmailNew *email_from_request(EmailRequest *request)
{
    EmailNew *email = email_new_alloc();
    email->follows_sender = request->follows_sender;
    email->class = request->class;
    email->from = g_steal_pointer(&request->from);
    email->to = g_steal_pointer(&request->to);
    email->cc = g_steal_pointer(&request->cc);
    email->bcc = g_steal_pointer(&request->bcc);
    email->reply_to = g_steal_pointer(&request->reply_to);
    email->tags_json = g_steal_pointer(&request->tags_json);
    email->at_most_once = request->at_most_once;
    email->scheduled_at = request->scheduled_at;
    email->expires_at = request->expires_at;
    return email;
}

EmailNew *accept_email_read(
    json_t *body, const SmtpState *state, EmailTemplates *templates, WallMs now, JsonFaults *faults)
{
    g_autoptr(EmailRequest) request = email_request_read(body, now, faults);
    if (!request || !settle_sender(request, state, faults))
        return NULL;
    if (request->template && !email_templates_fill(templates, request->template, request->draft,
                                 &request->class, faults))
        return NULL;
    g_autoptr(EmailNew) email = email_from_request(request);
    return accept_email_compose(email, request->draft, now, faults) ? g_steal_pointer(&email)
                                                                    : NULL;
}

/* --- Inserting ------------------------------------------------------------------------------- */

/* One request that hands over mail: one email, or a batch. */
typedef struct {
    struct api *api;
    GPtrArray *emails; /* of EmailNew, in the order of the answer */
    gboolean is_batch;
    EmailGate gate;
    int status;
    gint64 org_id, token;
    char *key; /* NULL: none */
    guint8 body_hash[32];
    GArray *earlier;       /* of Id: what this key has made before; NULL: nothing */
    EmailRow *earlier_row; /* the first of them, unless it was a batch */
    gboolean key_is_taken;
    TokenShare counted;  /* of the token's quota, until it is sure that they are taken */
    AcceptBeside beside; /* zeros: nothing */
} Acceptance;

static void acceptance_free(gpointer data)
{
    Acceptance *acceptance = data;
    if (acceptance->is_batch && acceptance->emails)
        g_atomic_int_add(&acceptance->api->batch_emails, -(gint)acceptance->emails->len);
    if (acceptance->counted.mails > 0)
        token_limits_give_back(acceptance->api->token_limits, acceptance->token,
            acceptance->counted.mails, acceptance->counted.at);
    g_clear_pointer(&acceptance->emails, g_ptr_array_unref);
    g_clear_pointer(&acceptance->earlier, g_array_unref);
    g_clear_pointer(&acceptance->earlier_row, email_row_free);
    if (acceptance->beside.free_data)
        acceptance->beside.free_data(acceptance->beside.data);
    g_free(acceptance->key);
    g_free(acceptance);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Acceptance, acceptance_free)

/* What the request's key has made before, if anything. FALSE with an error, or with key_is_taken if
 * it was used with another body. */
static gboolean find_earlier(Db *db, Acceptance *acceptance, GError **error)
{
    GError *fault = NULL;
    gboolean is_found = emails_idempotency_find(db, acceptance->org_id, acceptance->token,
        acceptance->key, acceptance->body_hash, clock_wall_ms(), &acceptance->earlier, &fault);
    acceptance->key_is_taken = g_error_matches(fault, ABS_ERROR, ABS_ERROR_CONFLICT);
    if (is_found && acceptance->earlier && !acceptance->is_batch) {
        acceptance->earlier_row =
            emails_get(db, acceptance->org_id, &g_array_index(acceptance->earlier, Id, 0), &fault);
        if (!acceptance->earlier_row && !fault)
            g_set_error_literal(
                &fault, ABS_ERROR, ABS_ERROR_NOT_FOUND, "the email of this key is gone");
    }
    if (!fault)
        return TRUE;
    g_propagate_error(error, fault);
    return FALSE;
}

static gboolean insert_all(Db *db, const Acceptance *acceptance, GError **error)
{
    for (guint i = 0; i < acceptance->emails->len; i++) {
        if (!emails_insert(db, acceptance->api->vault, acceptance->emails->pdata[i], error))
            return FALSE;
        CRASH_POINT("accept_inserted");
    }
    const AcceptBeside *beside = &acceptance->beside;
    return !beside->job || beside->job(db, beside->data, error);
}

/* The key is kept beside the emails that it has made, in one transaction. */
static gboolean keep_key(Db *db, const Acceptance *acceptance, GError **error)
{
    const EmailNew *first = acceptance->emails->pdata[0];
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(Id));
    for (guint i = 0; i < acceptance->emails->len; i++) {
        const EmailNew *email = acceptance->emails->pdata[i];
        g_array_append_val(ids, email->id);
    }
    return emails_idempotency_add(db, acceptance->org_id, acceptance->token, acceptance->key,
        acceptance->body_hash, ids, first->created_at, error);
}

static gboolean accept_job(Db *db, gpointer data, GError **error)
{
    Acceptance *acceptance = data;
    CRASH_POINT("accept_begun");
    if (!acceptance->key)
        return insert_all(db, acceptance, error);
    if (!find_earlier(db, acceptance, error))
        return FALSE;
    return acceptance->earlier ||
           (insert_all(db, acceptance, error) && keep_key(db, acceptance, error));
}

/* --- Answering ------------------------------------------------------------------------------- */

static void add_id(json_t *list, const Id *id)
{
    char text[ID_TEXT_SIZE];
    json_t *entry = json_object();
    json_object_set_new(entry, "id", json_text(id_format(id, "em", text)));
    json_array_append_new(list, entry);
}

static HttpAnswer *batch_answer(ApiCall *call, const Acceptance *acceptance)
{
    json_t *data = json_array(), *json = json_object();
    for (guint i = 0; acceptance->earlier && i < acceptance->earlier->len; i++)
        add_id(data, &g_array_index(acceptance->earlier, Id, i));
    for (guint i = 0; !acceptance->earlier && i < acceptance->emails->len; i++)
        add_id(data, &((const EmailNew *)acceptance->emails->pdata[i])->id);
    json_object_set_new(json, "data", data);
    return call_json(call, acceptance->status, json);
}

static HttpAnswer *single_answer(ApiCall *call, const Acceptance *acceptance)
{
    if (acceptance->earlier_row)
        return call_json(
            call, acceptance->status, email_event_json(acceptance->earlier_row, acceptance->gate));
    const EmailNew *email = acceptance->emails->pdata[0];
    const EmailRow row = {.id = email->id,
        .state = email->scheduled_at > email->created_at ? EMAIL_SCHEDULED : EMAIL_QUEUED,
        .is_test = email->is_test};
    return call_json(call, acceptance->status, email_event_json(&row, acceptance->gate));
}

static HttpAnswer *answer_of(ApiCall *call, const Acceptance *acceptance)
{
    HttpAnswer *answer =
        acceptance->is_batch ? batch_answer(call, acceptance) : single_answer(call, acceptance);
    if (acceptance->earlier)
        http_answer_set_header(answer, "Idempotent-Replayed", "true");
    return answer;
}

static HttpAnswer *accept_finish(ApiCall *call, gpointer data, const GError *error)
{
    Acceptance *acceptance = data;
    CRASH_POINT("accept_committed"); /* and not answered */
    if (acceptance->key_is_taken)
        return call_problem(call, "invalid_idempotent_request", NULL);
    if (error)
        return call_error(call, error);
    if (!acceptance->earlier)
        acceptance->counted.mails = 0; /* they stay counted */
    return answer_of(call, acceptance);
}

/* --- The request ----------------------------------------------------------------------------- */

/* 1 to 255 printable ASCII characters. */
static gboolean key_is_fine(const char *key)
{
    gsize n = strlen(key);
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_isprint(key[i]))
            return FALSE;
    }
    return n >= 1 && n <= LIMIT_IDEMPOTENCY_KEY_BYTES;
}

static void hash_body(const ApiCall *call, guint8 body_hash[32])
{
    gsize n = 32;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(
        checksum, (const guchar *)call->request->body, (gssize)call->request->body_bytes);
    g_checksum_get_digest(checksum, body_hash, &n);
}

static Acceptance *acceptance_new(ApiCall *call, gboolean is_batch, int status)
{
    Acceptance *acceptance = g_new0(Acceptance, 1);
    acceptance->api = call->api;
    acceptance->is_batch = is_batch;
    acceptance->status = status;
    acceptance->org_id = call->caller.org_id;
    acceptance->token = call->caller.kind == PEOPLE_CALLER_TOKEN ? call->caller.row : 0;
    acceptance->key = g_strdup(http_request_header(call->request, "Idempotency-Key"));
    if (acceptance->key)
        hash_body(call, acceptance->body_hash);
    return acceptance;
}

static HttpAnswer *replay(ApiCall *call, gboolean is_batch, int status)
{
    g_autoptr(Acceptance) acceptance = acceptance_new(call, is_batch, status);
    if (!acceptance->key)
        return NULL;
    if (!key_is_fine(acceptance->key))
        return call_problem(call, "invalid_idempotency_key", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpState) state = NULL;
    Db *db = store_reader_take(call->api->store);
    if (find_earlier(db, acceptance, &error) && acceptance->earlier)
        state = smtp_state_read(db, acceptance->org_id, &error);
    store_reader_give(call->api->store, db);
    if (!error && !acceptance->earlier)
        return NULL;
    acceptance->gate = state ? smtp_state_gate(state, clock_wall_ms()) : EMAIL_GATE_OPEN;
    return accept_finish(call, acceptance, error);
}

HttpAnswer *accept_email_replay(ApiCall *call, int status)
{
    return replay(call, FALSE, status);
}

HttpAnswer *accept_batch_replay(ApiCall *call)
{
    return replay(call, TRUE, 200);
}

#define MIB G_GINT64_CONSTANT(1048576)
#define RETRY_WHEN_LOW_S 60

HttpAnswer *accept_email_refuse_if_low(ApiCall *call)
{
    StoreSpace space;
    store_space(call->api->store, &space);
    if (!space.is_low)
        return NULL;
    g_autofree char *detail = g_strdup_printf(
        "Only %d MiB of disk are free and %d MiB are kept: make room, then send it again.",
        (int)(space.free_bytes / MIB), (int)(space.floor_bytes / MIB));
    const Problem problem = {
        .code = "storage_low", .detail = detail, .retry_after_s = RETRY_WHEN_LOW_S};
    return call_problem_full(call, &problem);
}

static void seal_all(ApiCall *call, const Acceptance *acceptance)
{
    Db *db = store_reader_take(call->api->store);
    for (guint i = 0; i < acceptance->emails->len; i++)
        emails_seal(db, call->api->vault, acceptance->emails->pdata[i]);
    store_reader_give(call->api->store, db);
}

static HttpAnswer *submit(ApiCall *call, Acceptance *acceptance)
{
    EmailNew *const *emails = (EmailNew *const *)acceptance->emails->pdata;
    HttpAnswer *refusal = accept_email_refuse_if_low(call);
    if (!refusal)
        refusal = token_check_quota(call, emails, acceptance->emails->len, &acceptance->counted);
    if (refusal) {
        acceptance_free(acceptance);
        return refusal;
    }
    for (guint i = 0; i < acceptance->emails->len; i++) {
        EmailNew *email = acceptance->emails->pdata[i];
        email->org_id = acceptance->org_id;
        email->submitted_by_token = acceptance->token;
        email->submitted_by_member = call->caller.member_row;
    }
    seal_all(call, acceptance);
    return call_submit(call, accept_job, acceptance, accept_finish, acceptance_free);
}

HttpAnswer *accept_email_submit(ApiCall *call, EmailNew *email, EmailGate gate, int status)
{
    const AcceptBeside nothing = {NULL, NULL, NULL};
    return accept_email_submit_beside(call, email, gate, status, &nothing);
}

HttpAnswer *accept_email_submit_beside(
    ApiCall *call, EmailNew *email, EmailGate gate, int status, const AcceptBeside *beside)
{
    Acceptance *acceptance = acceptance_new(call, FALSE, status);
    acceptance->emails = g_ptr_array_new_with_free_func((GDestroyNotify)email_new_free);
    g_ptr_array_add(acceptance->emails, email);
    acceptance->gate = gate;
    acceptance->beside = *beside;
    return submit(call, acceptance);
}

HttpAnswer *accept_batch_submit(ApiCall *call, GPtrArray *emails)
{
    Acceptance *acceptance = acceptance_new(call, TRUE, 200);
    acceptance->emails = emails;
    gint before = g_atomic_int_add(&call->api->batch_emails, (gint)emails->len);
    if (before + (gint)emails->len <= LIMIT_BATCH_EMAILS_WAITING)
        return submit(call, acceptance);
    acceptance_free(acceptance);
    return call_problem(call, "busy", NULL);
}
