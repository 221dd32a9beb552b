#include "store/emails.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/books.h"
#include "store/keys.h"
#include "store/recipients.h"
#include "store/states_sql.h"

#include <string.h>

/* What a body is sealed to: moved to another email, it does not open. */
static VaultBinding *body_binding(gint64 org_id, const Id *id, EmailClass class)
{
    VaultBinding *binding = vault_binding_new("email-body");
    vault_binding_add_number(binding, (guint64)org_id);
    vault_binding_add_bytes(binding, id->bytes, ID_BYTES);
    vault_binding_add_number(binding, class);
    return binding;
}

/* --- Taking an email ------------------------------------------------------------------------- */

EmailNew *email_new_alloc(void)
{
    EmailNew *email = g_new0(EmailNew, 1);
    email->recipients = g_ptr_array_new_with_free_func(g_free);
    return email;
}

void email_new_free(EmailNew *email)
{
    if (!email)
        return;
    g_free(email->sender);
    g_free(email->from);
    g_free(email->subject);
    g_free(email->to);
    g_free(email->cc);
    g_free(email->bcc);
    g_free(email->reply_to);
    g_ptr_array_unref(email->recipients);
    g_free(email->message_id);
    g_free(email->tags_json);
    g_clear_pointer(&email->content, g_bytes_unref);
    g_clear_pointer(&email->sealed, g_bytes_unref);
    g_free(email);
}

static gboolean insert_email(Db *db, const EmailNew *email, gint64 *row, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO emails (org_id, id, class, sender, from_header, to_header, cc_header, "
        "bcc_header, reply_to_header, subject, message_id, tags, size_bytes, needs_smtputf8, "
        "at_most_once, is_test, created_at, scheduled_at, expires_at, token_row, member_row, "
        "follows_sender) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
        "$16, $17, $18, $19, $20, $21, $22)");
    db_bind_int(q, 1, email->org_id);
    db_bind_id(q, 2, &email->id);
    db_bind_int(q, 3, email->class);
    db_bind_text(q, 4, email->sender);
    db_bind_text(q, 5, email->from);
    db_bind_text(q, 6, email->to);
    db_bind_text(q, 7, email->cc);
    db_bind_text(q, 8, email->bcc);
    db_bind_text(q, 9, email->reply_to);
    db_bind_text(q, 10, email_class_is_secret(email->class) ? NULL : email->subject);
    db_bind_text(q, 11, email->message_id);
    db_bind_text(q, 12, email->tags_json);
    db_bind_int(q, 13, (gint64)g_bytes_get_size(email->content));
    db_bind_int(q, 14, email->needs_smtputf8 ? 1 : 0);
    db_bind_int(q, 15, email->at_most_once ? 1 : 0);
    db_bind_int(q, 16, email->is_test ? 1 : 0);
    db_bind_int(q, 17, email->created_at);
    db_bind_int_or_null(q, 18, email->scheduled_at);
    db_bind_int_or_null(q, 19, email->expires_at);
    db_bind_int_or_null(q, 20, email->submitted_by_token);
    db_bind_int_or_null(q, 21, email->submitted_by_member);
    db_bind_int(q, 22, email->follows_sender ? 1 : 0);
    if (!db_finish(q, error))
        return FALSE;
    *row = db_last_insert_id(db);
    return TRUE;
}

static GBytes *seal_with(const VaultKey *key, const EmailNew *email)
{
    g_autoptr(VaultBinding) binding = body_binding(email->org_id, &email->id, email->class);
    gsize n;
    const void *content = g_bytes_get_data(email->content, &n);
    return vault_key_seal(key, binding, content, n);
}

void emails_seal(Db *db, Vault *vault, EmailNew *email)
{
    gint64 day = day_of(email->created_at);
    const VaultKey *key = day_key_for_opening(db, vault, email->org_id, day, NULL);
    if (key)
        email->sealed = seal_with(key, email);
}

static GBytes *seal(Db *db, Vault *vault, const EmailNew *email, gint64 day, GError **error)
{
    if (email->sealed)
        return g_bytes_ref(email->sealed);
    const VaultKey *key = day_key_for_sealing(db, vault, email->org_id, day, error);
    return key ? seal_with(key, email) : NULL;
}

static gboolean insert_body(
    Db *db, Vault *vault, const EmailNew *email, gint64 email_row, GError **error)
{
    gint64 day = day_of(email->created_at);
    g_autoptr(GBytes) sealed = seal(db, vault, email, day, error);
    if (!sealed)
        return FALSE;
    g_autoptr(DbQuery) q = db_query(
        db, "INSERT INTO bodies (email_row, org_id, day, content) VALUES ($1, $2, $3, $4)");
    db_bind_int(q, 1, email_row);
    db_bind_int(q, 2, email->org_id);
    db_bind_int(q, 3, day);
    db_bind_bytes(q, 4, sealed);
    return db_finish(q, error);
}

static WallMs deadline_of(const EmailNew *email)
{
    WallMs longest = MAX(email->created_at, email->scheduled_at) + LIMIT_EMAIL_LIFETIME_MS;
    return email->expires_at > 0 ? MIN(email->expires_at, longest) : longest;
}

static gboolean insert_recipients(Db *db, const EmailNew *email, gint64 email_row, GError **error)
{
    gboolean is_ahead = email->scheduled_at > email->created_at;
    EmailState state = is_ahead ? EMAIL_SCHEDULED : EMAIL_QUEUED;
    for (guint i = 0; i < email->recipients->len; i++) {
        g_autoptr(DbQuery) q = db_query(db,
            "INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, "
            "deadline_at, updated_at, address) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)");
        db_bind_int(q, 1, recipients_first_row(email_row) + i);
        db_bind_int(q, 2, email->org_id);
        db_bind_int(q, 3, email->class);
        db_bind_int(q, 4, state);
        db_bind_int(q, 5, email->is_test ? 1 : 0);
        db_bind_int(q, 6, is_ahead ? email->scheduled_at : email->created_at);
        db_bind_int(q, 7, deadline_of(email));
        db_bind_int(q, 8, email->created_at);
        db_bind_text(q, 9, email->recipients->pdata[i]);
        if (!db_finish(q, error))
            return FALSE;
    }
    RecipientTally tally = {{0}};
    tally.change[state] = email->recipients->len;
    return recipients_count(db, email->org_id, &tally, error) &&
           books_take(db, email->org_id, email->recipients->len, error);
}

gboolean emails_insert(Db *db, Vault *vault, const EmailNew *email, GError **error)
{
    G_STATIC_ASSERT(LIMIT_RECIPIENTS <= RECIPIENTS_LAST + 1);
    g_assert(email->recipients->len >= 1 && email->recipients->len <= LIMIT_RECIPIENTS);
    gint64 row;
    if (!insert_email(db, email, &row, error) || !insert_body(db, vault, email, row, error) ||
        !insert_recipients(db, email, row, error))
        return FALSE;
    store_note_change(db, STORE_CHANGED_QUEUE, email->org_id, NULL);
    store_note_change(db, STORE_CHANGED_EMAIL, email->org_id, &email->id);
    return TRUE;
}

/* --- Another sender -------------------------------------------------------------------------- */

/* row is 0 if it has another sender by now, or no body. */
typedef struct {
    gint64 row, day;
    EmailClass class;
    gboolean has_left;
} Readdressed;

static gboolean find_former(
    Db *db, gint64 org_id, const EmailSender *sender, Readdressed *email, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT e.row, b.day, e.class, EXISTS (SELECT 1 FROM recipients r WHERE r.row BETWEEN "
        "e.row << 7 AND (e.row << 7) + 127 AND r.state = " SQL_SENDING ") OR EXISTS (SELECT 1 FROM "
        "attempts a WHERE a.recipient_row BETWEEN e.row << 7 AND (e.row << 7) + 127 AND a.state IN "
        "(" SQL_UNCERTAIN ", " SQL_ACCEPTED ")) FROM emails e JOIN bodies b ON b.email_row = e.row "
        "WHERE e.org_id = $1 AND e.id = $2 AND e.sender = $3 AND b.content IS NOT NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, &sender->email_id);
    db_bind_text(q, 3, sender->former);
    *email = (Readdressed){0};
    if (db_next(q))
        *email =
            (Readdressed){db_int(q, 0), db_int(q, 1), (EmailClass)db_int(q, 2), db_int(q, 3) != 0};
    return db_finish(q, error);
}

static gboolean write_sender(Db *db, gint64 email_row, const EmailSender *sender, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE emails SET sender = $2, from_header = $3, size_bytes = $4, "
                     "needs_smtputf8 = $5 WHERE row = $1");
    db_bind_int(q, 1, email_row);
    db_bind_text(q, 2, sender->sender);
    db_bind_text(q, 3, sender->from);
    db_bind_int(q, 4, (gint64)g_bytes_get_size(sender->content));
    db_bind_int(q, 5, sender->needs_smtputf8 ? 1 : 0);
    return db_finish(q, error);
}

static gboolean write_content(Db *db, gint64 email_row, GBytes *sealed, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "UPDATE bodies SET content = $2 WHERE email_row = $1");
    db_bind_int(q, 1, email_row);
    db_bind_bytes(q, 2, sealed);
    return db_finish(q, error);
}

gboolean emails_take_sender(Db *db, Vault *vault, gint64 org_id, const EmailSender *sender,
    gboolean *has_left, GError **error)
{
    Readdressed email;
    if (!find_former(db, org_id, sender, &email, error))
        return FALSE;
    *has_left = email.has_left;
    if (email.row == 0 || email.has_left)
        return TRUE;
    const VaultKey *key = day_key_for_opening(db, vault, org_id, email.day, error);
    if (!key)
        return FALSE;
    g_autoptr(VaultBinding) binding = body_binding(org_id, &sender->email_id, email.class);
    gsize n;
    const void *content = g_bytes_get_data(sender->content, &n);
    g_autoptr(GBytes) sealed = vault_key_seal(key, binding, content, n);
    store_note_change(db, STORE_CHANGED_EMAIL, org_id, &sender->email_id);
    return write_sender(db, email.row, sender, error) &&
           write_content(db, email.row, sealed, error);
}

/* --- Idempotency ----------------------------------------------------------------------------- */

#define IDEMPOTENCY_HASH_BYTES 32

static GArray *ids_from_bytes(GBytes *bytes)
{
    gsize n;
    const guint8 *data = g_bytes_get_data(bytes, &n);
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(Id));
    g_array_append_vals(ids, data, (guint)(n / ID_BYTES));
    return ids;
}

gboolean emails_idempotency_find(Db *db, gint64 org_id, gint64 token_id, const char *key,
    const guint8 body_hash[32], WallMs now, GArray **ids, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT body_hash = $5, ids FROM idempotency_keys "
                     "WHERE org_id = $1 AND token_row = $2 AND key = $3 AND created_at > $4");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, token_id);
    db_bind_text(q, 3, key);
    db_bind_int(q, 4, now - LIMIT_IDEMPOTENCY_MS);
    db_bind_blob(q, 5, body_hash, IDEMPOTENCY_HASH_BYTES);
    gboolean found = db_next(q), same_body = found && db_int(q, 0) != 0;
    g_autoptr(GBytes) found_ids = same_body ? db_dup_bytes(q, 1) : NULL;
    if (!db_finish(q, error))
        return FALSE;
    if (found && !same_body) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT,
            "this idempotency key was used with another body");
        return FALSE;
    }
    *ids = found_ids ? ids_from_bytes(found_ids) : NULL;
    return TRUE;
}

/* A few old entries go with every new one, so the table stays as long as a day's requests. */
#define PRUNED_PER_ADD "4"

static gboolean prune_idempotency(Db *db, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM idempotency_keys WHERE row IN (SELECT row FROM idempotency_keys "
                     "WHERE created_at <= $1 ORDER BY created_at LIMIT " PRUNED_PER_ADD ")");
    db_bind_int(q, 1, now - LIMIT_IDEMPOTENCY_MS);
    return db_finish(q, error);
}

gboolean emails_idempotency_add(Db *db, gint64 org_id, gint64 token_id, const char *key,
    const guint8 body_hash[32], const GArray *ids, WallMs now, GError **error)
{
    CRASH_POINT("accept_key_due");
    if (!prune_idempotency(db, now, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO idempotency_keys (org_id, token_row, key, body_hash, ids, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, token_row, key) DO UPDATE SET "
        "body_hash = excluded.body_hash, ids = excluded.ids, created_at = excluded.created_at "
        "WHERE idempotency_keys.created_at <= $7");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, token_id);
    db_bind_text(q, 3, key);
    db_bind_blob(q, 4, body_hash, IDEMPOTENCY_HASH_BYTES);
    db_bind_blob(q, 5, ids->len > 0 ? ids->data : "", (gsize)ids->len * ID_BYTES);
    db_bind_int(q, 6, now);
    db_bind_int(q, 7, now - LIMIT_IDEMPOTENCY_MS);
    if (!db_finish(q, error))
        return FALSE;
    if (db_changes(db) == 1)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_CONFLICT, "this idempotency key is in use");
    return FALSE;
}

/* --- Content --------------------------------------------------------------------------------- */

void email_delivery_free(EmailDelivery *delivery)
{
    if (!delivery)
        return;
    g_free(delivery->address);
    g_free(delivery->sender);
    g_clear_pointer(&delivery->content, g_bytes_unref);
    g_free(delivery);
}

/* Bodies are opened once for neighbours that are recipients of the same email. */
typedef struct {
    Db *db;
    Vault *vault;
    gint64 org_id;
    gint64 email_row; /* whose content this is; 0: none yet */
    GBytes *content;
} Opener;

static GBytes *open_body(Opener *opener, DbQuery *q, gint64 email_row, const Id *id, GError **error)
{
    if (opener->email_row == email_row)
        return g_bytes_ref(opener->content);
    g_autoptr(GBytes) sealed = db_dup_bytes(q, 6);
    if (!sealed) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_SECRET, "a waiting email has no body any more");
        return NULL;
    }
    const VaultKey *key =
        day_key_for_opening(opener->db, opener->vault, opener->org_id, db_int(q, 5), error);
    if (!key)
        return NULL;
    g_autoptr(VaultBinding) binding = body_binding(opener->org_id, id, (EmailClass)db_int(q, 4));
    GBytes *content = vault_key_unseal(key, binding, sealed, error);
    if (!content)
        return NULL;
    g_clear_pointer(&opener->content, g_bytes_unref);
    opener->content = g_bytes_ref(content);
    opener->email_row = email_row;
    return content;
}

/* NULL without error: it does not wait any more. */
static EmailDelivery *read_delivery(Opener *opener, gint64 recipient_id, GError **error)
{
    g_autoptr(EmailDelivery) found = NULL;
    g_autoptr(GError) unopened = NULL;
    g_autoptr(DbQuery) q = db_query(opener->db,
        "SELECT r.address, e.sender, e.needs_smtputf8, e.id, e.class, b.day, b.content, "
        "e.at_most_once, e.expires_at, r.deadline_at, e.follows_sender FROM recipients r JOIN "
        "emails e "
        "ON e.row = r.row >> 7 LEFT JOIN bodies b ON b.email_row = e.row "
        "WHERE r.row = $2 AND r.org_id = $1 AND r.next_at IS NOT NULL");
    db_bind_int(q, 1, opener->org_id);
    db_bind_int(q, 2, recipient_id);
    if (db_next(q)) {
        found = g_new0(EmailDelivery, 1);
        found->recipient_id = recipient_id;
        found->address = db_dup_text(q, 0);
        found->sender = db_dup_text(q, 1);
        found->needs_smtputf8 = db_int(q, 2) != 0;
        found->at_most_once = db_int(q, 7) != 0;
        found->follows_sender = db_int(q, 10) != 0;
        found->expires_at = recipients_own_expiry(db_int(q, 8), db_int(q, 9));
        db_id(q, 3, &found->email_id);
        found->content =
            open_body(opener, q, recipient_id >> RECIPIENTS_SHIFT, &found->email_id, &unopened);
    }
    if (!db_finish(q, error))
        return NULL;
    if (unopened)
        g_propagate_error(error, g_steal_pointer(&unopened));
    return found && found->content ? g_steal_pointer(&found) : NULL;
}

void emails_deliveries(Db *db, Vault *vault, gint64 org_id, const gint64 *recipient_ids, guint n,
    EmailDelivery **deliveries, GError **faults)
{
    Opener opener = {.db = db, .vault = vault, .org_id = org_id};
    for (guint i = 0; i < n; i++)
        deliveries[i] = read_delivery(&opener, recipient_ids[i], &faults[i]);
    g_clear_pointer(&opener.content, g_bytes_unref);
}
