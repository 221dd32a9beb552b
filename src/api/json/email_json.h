/* How emails are written (doc/openapi.yaml). */
#pragma once

#include "api/json/json.h"
#include "api/words/language.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

struct api;

/* The gate a mail stands before: what a person started goes out while paused and over the quota. */
EmailGate email_gate(gboolean is_test, EmailGate gate);

/* The state a person sees: the org's gate holds mail, but test mails go out while paused. */
EmailState email_shown(EmailState stored, gboolean is_test, EmailGate gate);

/* Resend's word for a state: "queued", "sent", "delivery_delayed", "failed", "canceled",
 * "scheduled"; never "delivered". */
const char *email_last_event(EmailState shown);

/* One row of a list. */
json_t *email_json(const EmailRow *row, EmailGate gate);

/* The name of the token it was handed over with; NULL: of none. The caller frees. */
char *email_application(Db *db, const EmailRow *row);

/* With attempts and timeline; row needs its attempt_rows. application: as above. state: of its
 * organisation. */
json_t *email_detail_json(const EmailRow *row, const char *application, const SmtpState *state,
    struct api *api, Language language);

/* {id, state, last_event}: an event, and the answer to accepting one. */
json_t *email_event_json(const EmailRow *row, EmailGate gate);

/* "a, \"b, c\" <d>" as a list of two. NULL gives an empty list. */
json_t *email_addresses_json(const char *addresses);
