/* Mail that follows the sender in force: what waited while that was changed is given the new one,
 * durably, before it goes. */
#include "courier/courier_priv.h"
#include "mime/address.h"
#include "mime/message.h"

typedef struct {
    gint64 org_id, recipient_id;
    Vault *vault;
    gboolean has_left;  /* it keeps its sender */
    EmailSender sender; /* its strings are these: */
    char *former, *address, *from;
} Readdress;

static void readdress_free(Readdress *change)
{
    g_bytes_unref(change->sender.content);
    g_free(change->former);
    g_free(change->address);
    g_free(change->from);
    g_free(change);
}

static gboolean readdress_job(Db *db, gpointer data, GError **error)
{
    Readdress *change = data;
    return emails_take_sender(
        db, change->vault, change->org_id, &change->sender, &change->has_left, error);
}

/* It is read again: with its new sender it may go. */
static void readdressed(Courier *courier, gpointer data, const GError *error)
{
    Readdress *change = data;
    if (error != NULL)
        g_warning("a mail could not be given the sender in force: %s", error->message);
    if (error == NULL && change->has_left) {
        courier_hold_sender(courier_org(courier, change->org_id), change->recipient_id);
        readdress_free(change);
        return;
    }
    courier_outbox_event(
        courier, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                     .org_id = change->org_id,
                     .recipient_id = change->recipient_id,
                     .is_local = TRUE,
                     .end = error == NULL ? ATTEMPT_RETURNED : ATTEMPT_NOT_STORED});
    readdress_free(change);
}

gboolean courier_readdress(CourierOrg *org, EmailDelivery *delivery)
{
    const SmtpSettings *active = org->state->active;
    g_autoptr(MimeAddress) from = mime_address_new(active->from_name, active->from_email, NULL);
    GBytes *content = from == NULL ? NULL : mime_message_with_from(delivery->content, from);
    if (content == NULL)
        return FALSE;
    Readdress *change = g_new0(Readdress, 1);
    change->org_id = org->id;
    change->recipient_id = delivery->recipient_id;
    change->vault = org->courier->parts.vault;
    change->former = g_strdup(delivery->sender);
    change->address = g_strdup(from->addr_spec);
    change->from = mime_mailbox_format(from);
    change->sender = (EmailSender){.email_id = delivery->email_id,
        .former = change->former,
        .sender = change->address,
        .from = change->from,
        .content = content,
        .needs_smtputf8 = delivery->needs_smtputf8 || from->needs_smtputf8};
    courier_write(org->courier, readdress_job, readdressed, change);
    email_delivery_free(delivery);
    return TRUE;
}
