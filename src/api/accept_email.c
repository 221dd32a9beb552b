#include "api/accept_email.h"

#include "api/email_json.h"
#include "api/state.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/smtp_settings.h"

#include <string.h>

/* --- Composing ------------------------------------------------------------------------------- */

char *accept_email_mailbox(const char *name, const char *addr_spec)
{
    if (!name || !*name)
        return g_strdup(addr_spec);
    if (!strpbrk(name, "()<>[]:;@\\,.\""))
        return g_strdup_printf("%s <%s>", name, addr_spec);
    GString *text = g_string_new("\"");
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *name);
    }
    g_string_append_printf(text, "\" <%s>", addr_spec);
    return g_string_free(text, FALSE);
}

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

/* --- Inserting ------------------------------------------------------------------------------- */

typedef struct {
    Vault *vault;
    EmailNew *email;
    EmailGate gate;
    int status;
    char *key; /* NULL: none */
    guint8 body_hash[32];
    EmailRow *earlier; /* the email this key has already made */
    gboolean key_is_taken;
} Acceptance;

static void acceptance_free(gpointer data)
{
    Acceptance *acceptance = data;
    email_new_free(acceptance->email);
    g_clear_pointer(&acceptance->earlier, email_row_free);
    g_free(acceptance->key);
    g_free(acceptance);
}

/* What the request's key has made before; NULL without error: nothing yet. ABS_ERROR_CONFLICT if it
 * was used with another body. */
static EmailRow *find_earlier(Db *db, gint64 org_id, gint64 token, const char *key,
    const guint8 body_hash[32], WallMs now, GError **error)
{
    g_autoptr(GArray) ids = NULL;
    if (!emails_idempotency_find(db, org_id, token, key, body_hash, now, &ids, error) || !ids ||
        ids->len == 0)
        return NULL;
    GError *fault = NULL;
    EmailRow *earlier = emails_get(db, org_id, &g_array_index(ids, Id, 0), &fault);
    if (!earlier && !fault)
        g_set_error_literal(
            &fault, ABS_ERROR, ABS_ERROR_NOT_FOUND, "the email of this key is gone");
    if (fault)
        g_propagate_error(error, fault);
    return earlier;
}

static gboolean accept_job(Db *db, gpointer data, GError **error)
{
    Acceptance *acceptance = data;
    const EmailNew *email = acceptance->email;
    if (!acceptance->key)
        return emails_insert(db, acceptance->vault, email, error);
    GError *fault = NULL;
    acceptance->earlier = find_earlier(db, email->org_id, email->submitted_by_token,
        acceptance->key, acceptance->body_hash, email->created_at, &fault);
    acceptance->key_is_taken = g_error_matches(fault, ABS_ERROR, ABS_ERROR_CONFLICT);
    if (fault)
        g_propagate_error(error, fault);
    if (fault || acceptance->earlier)
        return !fault;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(Id));
    g_array_append_val(ids, email->id);
    return emails_insert(db, acceptance->vault, email, error) &&
           emails_idempotency_add(db, email->org_id, email->submitted_by_token, acceptance->key,
               acceptance->body_hash, ids, email->created_at, error);
}

static HttpAnswer *replay(ApiCall *call, const EmailRow *earlier, EmailGate gate, int status)
{
    HttpAnswer *answer = call_json(call, status, email_event_json(earlier, gate));
    http_answer_set_header(answer, "Idempotent-Replayed", "true");
    return answer;
}

static HttpAnswer *accept_finish(ApiCall *call, gpointer data, const GError *error)
{
    const Acceptance *acceptance = data;
    const EmailNew *email = acceptance->email;
    if (acceptance->key_is_taken)
        return call_problem(call, "invalid_idempotent_request", NULL);
    if (error)
        return call_error(call, error);
    if (acceptance->earlier)
        return replay(call, acceptance->earlier, acceptance->gate, acceptance->status);
    const EmailRow row = {.id = email->id,
        .state = email->scheduled_at > email->created_at ? EMAIL_SCHEDULED : EMAIL_QUEUED,
        .is_test = email->is_test};
    return call_json(call, acceptance->status, email_event_json(&row, acceptance->gate));
}

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

static gint64 token_of(const ApiCall *call)
{
    return call->caller.kind == PEOPLE_CALLER_TOKEN ? call->caller.row : 0;
}

static void hash_body(const ApiCall *call, guint8 body_hash[32])
{
    gsize n = 32;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(
        checksum, (const guchar *)call->request->body, (gssize)call->request->body_bytes);
    g_checksum_get_digest(checksum, body_hash, &n);
}

HttpAnswer *accept_email_replay(ApiCall *call, int status)
{
    const char *key = http_request_header(call->request, "Idempotency-Key");
    if (!key)
        return NULL;
    if (!key_is_fine(key))
        return call_problem(call, "invalid_idempotency_key", NULL);
    guint8 body_hash[32];
    hash_body(call, body_hash);
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(call->api->store);
    g_autoptr(EmailRow) earlier = find_earlier(
        db, call->caller.org_id, token_of(call), key, body_hash, clock_wall_ms(), &error);
    g_autoptr(SmtpState) state = earlier ? smtp_state_read(db, call->caller.org_id, &error) : NULL;
    store_reader_give(call->api->store, db);
    if (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT))
        return call_problem(call, "invalid_idempotent_request", NULL);
    if (error)
        return call_error(call, error);
    return earlier ? replay(call, earlier, smtp_state_gate(state), status) : NULL;
}

HttpAnswer *accept_email_submit(ApiCall *call, EmailNew *email, EmailGate gate, int status)
{
    Acceptance *acceptance = g_new0(Acceptance, 1);
    acceptance->vault = call->api->vault;
    acceptance->email = email;
    acceptance->gate = gate;
    acceptance->status = status;
    email->org_id = call->caller.org_id;
    email->submitted_by_token = token_of(call);
    email->submitted_by_member = call->caller.member_row;
    acceptance->key = g_strdup(http_request_header(call->request, "Idempotency-Key"));
    hash_body(call, acceptance->body_hash);
    return call_submit(call, accept_job, acceptance, accept_finish, acceptance_free);
}
