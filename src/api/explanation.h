/* "Why has this not been sent?": one email, the org's sending and the failure catalogue brought
 * together for outbox/explain.h, and its answer as JSON. */
#pragma once

#include "api/json/json.h"
#include "api/words/language.h"
#include "diagnosis/diagnosis.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

/* row needs its attempt_rows. It is about the recipient whose state speaks for the email. zone: for
 * the times in the sentence; NULL: UTC. */
json_t *explanation_json(const EmailRow *row, const SmtpState *state,
    const DiagnosisCatalogue *catalogue, WallMs now, GTimeZone *zone, Language language);
