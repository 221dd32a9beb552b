/* The queue as text for people; rules as in format.h. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* GET /v1/emails: one line each. */
char *format_queue(const json_t *list);

/* GET /v1/emails/{id} with its GET …/explanation as the member "explanation": what it is, why it
 * has not been sent, every attempt, its timeline. */
char *format_email_detail(const json_t *email);

/* POST /v1/emails/bulk: how many it was done with, and why others were left out. */
char *format_retried(const json_t *bulk);
char *format_cancelled(const json_t *bulk);

/* GET /v1/queue/check. */
char *format_queue_check(const json_t *check);

/* GET /v1/smtp/sending/preview: what switching on would do. */
char *format_preview(const json_t *preview);
