/* What GET /v1/smtp says besides settings and verification: what the settings page shows first once
 * everything is set up (doc/openapi.yaml). */
#pragma once

#include "api/json/json.h"
#include "api/state.h"
#include "api/words/language.h"
#include "store/smtp_settings.h"

/* Adds last_test, dates, last_accepted_at, last_failure, is_personal_sender and quota_proposal to
 * `status`. FALSE if the store cannot be read. */
gboolean status_json_add(struct api *api, Db *db, gint64 org_id, const SmtpState *state,
    Language language, json_t *status, GError **error);
