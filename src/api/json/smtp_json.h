/* How settings, status, verifications and diagnoses are written (doc/openapi.yaml). */
#pragma once

#include "api/json/json.h"
#include "api/state.h"
#include "api/words/language.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

/* Everything GET /v1/smtp says. NULL with error if the store cannot be read. */
json_t *smtp_status_json(struct api *api, Db *db, gint64 org_id, Language language, GError **error);

/* The status as an answer with its ETag, the settings' revision. status is taken. */
HttpAnswer *smtp_status_answer(ApiCall *call, json_t *status);

/* When the login that was refused is tried once more by itself; 0: not. */
WallMs smtp_next_login_at(const SmtpState *state, WallMs now);

/* FALSE if the active settings have no limit. */
gboolean smtp_quota_read(const SmtpState *state, WallMs now, QuotaWindow windows[QUOTA_WINDOWS]);

/* How far each window is used up; null without a limit. */
json_t *smtp_quota_json(const SmtpState *state, WallMs now);

json_t *smtp_sending_json(const SmtpState *state);
json_t *smtp_health_json(struct api *api, const SmtpState *state, Language language);
json_t *verification_json(struct api *api, const Verification *verification, Language language);

/* What a reply meant. id NULL or unknown gives null. reply: 0 none; text may be NULL. The last
 * three say what the actions are about (actions.h); each may be NULL. */
typedef struct {
    const char *id, *phase, *enhanced, *text;
    int reply;
    const char *host;
    const SmtpSettings *settings;
    const Verification *run;
} DiagnosisFacts;
json_t *diagnosis_json(struct api *api, const DiagnosisFacts *facts, Language language);
