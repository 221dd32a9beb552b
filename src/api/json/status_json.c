#include "api/json/status_json.h"

#include "api/dates.h"
#include "api/json/email_json.h"
#include "api/json/smtp_json.h"
#include "api/personal_sender.h"
#include "api/resets_waiting.h"

#include "store/test_mails.h"

/* --- The last test mail ---------------------------------------------------------------------- */

/* When the provider took it; 0: not yet. A test mail has one recipient. */
static WallMs accepted_at(const EmailRow *row)
{
    const EmailRecipientRow *recipient = row->recipients->pdata[0];
    return recipient->state == EMAIL_ACCEPTED ? recipient->updated_at : 0;
}

/* The record of the mail itself may have been removed meanwhile: then its state is null. */
static json_t *last_test_json(
    const TestMail *mail, const EmailRow *row, const SmtpState *state, WallMs now)
{
    char id[ID_TEXT_SIZE];
    EmailGate gate = smtp_state_gate(state, now);
    const char *shown = row ? email_state_name(email_shown(row->state, TRUE, gate)) : NULL;
    json_t *json = json_object();
    json_object_set_new(json, "email_id", json_text(id_format(&mail->email_id, "em", id)));
    json_object_set_new(json, "to", json_text(mail->recipient));
    json_object_set_new(json, "sent_at", json_time(mail->sent_at));
    json_object_set_new(json, "state", json_text(shown));
    json_object_set_new(json, "accepted_at", json_time(row ? accepted_at(row) : 0));
    json_object_set_new(json, "arrived_at", json_time(mail->arrived_at));
    json_object_set_new(json, "folder", json_text(test_mail_folder_name(mail->folder)));
    json_object_set_new(
        json, "is_current", json_boolean(mail->config_version == state->config_version));
    return json;
}

/* NULL with error. */
static json_t *read_last_test(Db *db, gint64 org_id, const SmtpState *state, GError **error)
{
    GError *fault = NULL;
    g_autoptr(TestMail) mail = test_mail_last(db, org_id, &fault);
    g_autoptr(EmailRow) row = mail ? emails_get(db, org_id, &mail->email_id, &fault) : NULL;
    if (fault) {
        g_propagate_error(error, fault);
        return NULL;
    }
    return mail ? last_test_json(mail, row, state, clock_wall_ms()) : json_null();
}

/* --- Dates ----------------------------------------------------------------------------------- */

static json_t *read_dates(struct api *api, Db *db, gint64 org_id, const SmtpState *state,
    Language language, GError **error)
{
    WallMs now = clock_wall_ms();
    g_autoptr(GPtrArray) dates = dates_ahead(api, db, org_id, state, now, error);
    return dates ? dates_json(dates, language, now) : NULL;
}

/* --- The whole ------------------------------------------------------------------------------- */

static json_t *last_failure_json(struct api *api, const SmtpState *state, Language language)
{
    if (state->last_failure_at == 0)
        return json_null();
    const DiagnosisFacts facts = {.id = state->last_failure_diagnosis, .settings = state->active};
    json_t *json = json_object();
    json_object_set_new(json, "at", json_time(state->last_failure_at));
    json_object_set_new(json, "diagnosis", diagnosis_json(api, &facts, language));
    return json;
}

static const Provider *provider_of(const struct api *api, const SmtpState *state)
{
    return state->active ? provider_by_host(api->providers, state->active->host) : NULL;
}

static json_t *number_or_null(guint number)
{
    return number ? json_integer(number) : json_null();
}

/* While the active settings have no limit, and the provider is known to have one. Nothing is set by
 * itself: figures of providers are old, and a quota holds mail. */
static json_t *quota_proposal_json(const struct api *api, const SmtpState *state, Language language)
{
    const Provider *provider = provider_of(api, state);
    QuotaLimits limits = smtp_state_limits(state);
    gboolean has_limit = limits.per_minute || limits.per_hour || limits.per_day;
    if (!provider || has_limit)
        return json_null();
    const ProviderQuota *quota = &provider->quota;
    if (!quota->per_minute && !quota->per_hour && !quota->per_day)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "preset", json_text(provider->id));
    json_object_set_new(
        json, "name", json_text(language_pick(language, provider->name_de, provider->name)));
    json_object_set_new(json, "per_minute", number_or_null(quota->per_minute));
    json_object_set_new(json, "per_hour", number_or_null(quota->per_hour));
    json_object_set_new(json, "per_day", number_or_null(quota->per_day));
    json_object_set_new(json, "max_connections", number_or_null(quota->max_connections));
    json_object_set_new(json, "is_sourced", json_boolean(quota->is_sourced));
    json_object_set_new(
        json, "note", json_text(language_pick(language, quota->note_de, quota->note_en)));
    return json;
}

static const char *sender_of(const SmtpState *state)
{
    const SmtpSettings *settings = state->active ? state->active : state->draft;
    return settings ? settings->from_email : NULL;
}

gboolean status_json_add(struct api *api, Db *db, gint64 org_id, const SmtpState *state,
    Language language, json_t *status, GError **error)
{
    json_t *last_test = read_last_test(db, org_id, state, error);
    json_t *dates = last_test ? read_dates(api, db, org_id, state, language, error) : NULL;
    WallMs now = clock_wall_ms();
    guint n_waiting;
    if (!dates ||
        !resets_waiting(db, org_id, smtp_state_gate(state, now), now, &n_waiting, error)) {
        json_decref(dates);
        json_decref(last_test);
        return FALSE;
    }
    json_object_set_new(status, "last_test", last_test);
    json_object_set_new(status, "dates", dates);
    json_object_set_new(status, "last_accepted_at", json_time(state->last_accepted_at));
    json_object_set_new(status, "last_failure", last_failure_json(api, state, language));
    json_object_set_new(status, "is_personal_sender",
        json_boolean(sender_could_be_another(api->providers, sender_of(state))));
    json_object_set_new(status, "resets_to_hand_over", json_integer(n_waiting));
    json_object_set_new(status, "quota_proposal", quota_proposal_json(api, state, language));
    return TRUE;
}
