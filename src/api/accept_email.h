/* Taking emails into the outbox: composition, idempotency, insertion and answer, shared by
 * /v1/emails, its batch and the test mail. The answer leaves after the commit. */
#pragma once

#include "api/call.h"
#include "api/email_template.h"
#include "mime/message.h"
#include "outbox/email.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

/* One email from the JSON of /v1/emails (an object), with the sender that the settings in state
 * name or allow, filled from its template if it names one, and composed. NULL with faults noted. */
EmailNew *accept_email_read(json_t *body, const SmtpState *state, EmailTemplates *templates,
    WallMs now, JsonFaults *faults);

/* Composes the draft once: message id, date, bytes, envelope. Fills sender, recipients, message_id,
 * content, needs_smtputf8, id, created_at and, unless its class is secret, the subject of email.
 * FALSE with a fault noted. */
gboolean accept_email_compose(EmailNew *email, MimeDraft *draft, WallMs now, JsonFaults *faults);

/* First thing in a route that accepts mail: the answer of the first success with this
 * Idempotency-Key, before the content is judged again (a sender or an expiry that was fine then may
 * not be now). NULL: go on. Otherwise the answer, which may be a problem: a malformed key, or one
 * used with another body. */
HttpAnswer *accept_email_replay(ApiCall *call, int status);
HttpAnswer *accept_batch_replay(ApiCall *call);

/* What is left of the disk is for the mail that was taken before: NULL, or 503 `storage_low`. The
 * two below ask it themselves. */
HttpAnswer *accept_email_refuse_if_low(ApiCall *call);

/* Queues the insertion of email (taken), with the request's Idempotency-Key; status is that of the
 * success. What is not taken in the end leaves the token's quota as it was. Returns NULL, or a
 * problem at once. */
HttpAnswer *accept_email_submit(ApiCall *call, EmailNew *email, EmailGate gate, int status);

/* What is written beside the email, in the same transaction: both are there, or neither. On a
 * replay it is not run. data is taken, and freed with free_data. */
typedef struct {
    StoreJob job;
    gpointer data;
    GDestroyNotify free_data;
} AcceptBeside;
HttpAnswer *accept_email_submit_beside(
    ApiCall *call, EmailNew *email, EmailGate gate, int status, const AcceptBeside *beside);

/* The same for 1 to LIMIT_BATCH_EMAILS of them (the array is taken): one job, so all or none. */
HttpAnswer *accept_batch_submit(ApiCall *call, GPtrArray *emails);
