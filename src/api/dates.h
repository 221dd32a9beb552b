/* Dates to mind (store/dates.h), put together from all who know of them: the database, the active
 * settings with their login at the provider, the provider's announcements. The page, `absender
 * status`, /metrics, webhooks and notices all tell this list. */
#pragma once

#include "api/json/json.h"
#include "api/state.h"
#include "api/words/language.h"
#include "store/dates.h"
#include "store/smtp_settings.h"

/* Of DateAhead, the earliest first: what is ahead, and of the login at the provider also what is
 * over, because it is a person who has to see to that. NULL with error if the store cannot be read;
 * the caller unrefs. */
GPtrArray *dates_ahead(
    struct api *api, Db *db, gint64 org_id, const SmtpState *state, WallMs now, GError **error);

/* `dates` of GET /v1/smtp (doc/openapi.yaml). Tokens are on it once somebody is reminded of them:
 * they have a page of their own. */
json_t *dates_json(const GPtrArray *dates, Language language, WallMs now);

/* For /metrics: when the earliest of each kind comes, and how many reminders are in force. */
void dates_metrics(GString *text, const GPtrArray *dates, WallMs now);

/* Queues a job that tells webhooks of new reminders, if there are any. */
void dates_tell_webhooks(struct api *api, Db *reader, GPtrArray *dates, WallMs now);
