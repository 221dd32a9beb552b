/* POST /v1/emails: from Resend's shape (plus ours: class, expires_at, delivery) to a message draft
 * and the facts the outbox needs. Pure: time comes in. */
#pragma once

#include "api/email_template.h"
#include "api/json/json.h"
#include "mime/message.h"
#include "outbox/email.h"

typedef struct {
    MimeDraft *draft; /* from is NULL if the request names no sender; no id, date or seed yet */
    char *from, *to, *cc, *bcc, *reply_to; /* as given, "a, b"; NULL: none */
    EmailClass class;
    WallMs scheduled_at, expires_at; /* 0: none */
    gboolean at_most_once;
    gboolean follows_sender; /* it names no sender; set where it is given one */
    char *tags_json;         /* NULL: none */
    EmailTemplateUse
        *template; /* NULL: subject and body are in the draft; else they come from it */
} EmailRequest;

/* NULL with faults noted. body is an object and stays the caller's. */
EmailRequest *email_request_read(json_t *body, WallMs now, JsonFaults *faults);
void email_request_free(EmailRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailRequest, email_request_free)
