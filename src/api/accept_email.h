/* Taking an email into the outbox: idempotency, insertion and answer, shared by /v1/emails and the
 * test mail. The answer leaves after the commit. */
#pragma once

#include "api/call.h"
#include "mime/message.h"
#include "outbox/email.h"
#include "store/emails.h"

/* Composes the draft once: message id, date, bytes, envelope. Fills sender, recipients, message_id,
 * content, needs_smtputf8, id, created_at and, unless its class is secret, the subject of email.
 * FALSE with a fault noted. */
gboolean accept_email_compose(EmailNew *email, MimeDraft *draft, WallMs now, JsonFaults *faults);

/* First thing in a route that accepts mail: the answer of the first success with this
 * Idempotency-Key, before the content is judged again (a sender or an expiry that was fine then may
 * not be now). NULL: go on. Otherwise the answer, which may be a problem: a malformed key, or one
 * used with another body. */
HttpAnswer *accept_email_replay(ApiCall *call, int status);

/* Queues the insertion of email (taken), with the request's Idempotency-Key; status is that of the
 * success. Returns NULL, or a problem at once. */
HttpAnswer *accept_email_submit(ApiCall *call, EmailNew *email, EmailGate gate, int status);

/* "Müller <a@b>", quoted where it must be; name may be NULL. The caller frees. */
char *accept_email_mailbox(const char *name, const char *addr_spec);
