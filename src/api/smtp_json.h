/* How settings, status, verifications and diagnoses are written (doc/openapi.yaml). */
#pragma once

#include "api/json.h"
#include "api/language.h"
#include "api/state.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

/* Everything GET /v1/smtp says. NULL with error if the store cannot be read. */
json_t *smtp_status_json(struct api *api, Db *db, gint64 org_id, Language language, GError **error);

json_t *smtp_sending_json(const SmtpState *state);
json_t *smtp_health_json(struct api *api, const SmtpState *state, Language language);
json_t *verification_json(struct api *api, const Verification *verification, Language language);

/* What a reply meant. id NULL or unknown gives null. reply: 0 none; text may be NULL. */
typedef struct {
    const char *id, *phase, *enhanced, *text;
    int reply;
} DiagnosisFacts;
json_t *diagnosis_json(
    const DiagnosisCatalogue *catalogue, const DiagnosisFacts *facts, Language language);
